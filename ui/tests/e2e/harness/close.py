"""Presses the cross of a program's window: WM_DELETE_WINDOW, as a window manager sends it."""
import ctypes
import sys

x = ctypes.CDLL("libX11.so.6")
Window = ctypes.c_ulong
x.XOpenDisplay.restype = ctypes.c_void_p
x.XDefaultRootWindow.restype = Window
x.XDefaultRootWindow.argtypes = [ctypes.c_void_p]
x.XInternAtom.restype = ctypes.c_ulong
x.XInternAtom.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
x.XQueryTree.argtypes = [ctypes.c_void_p, Window] + [ctypes.c_void_p] * 4
x.XGetWindowProperty.argtypes = [ctypes.c_void_p, Window, ctypes.c_ulong, ctypes.c_long, ctypes.c_long, ctypes.c_int,
                                 ctypes.c_ulong] + [ctypes.c_void_p] * 5
x.XSendEvent.argtypes = [ctypes.c_void_p, Window, ctypes.c_int, ctypes.c_long, ctypes.c_void_p]
x.XSync.argtypes = [ctypes.c_void_p, ctypes.c_int]


class ClientMessage(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("send_event", ctypes.c_int),
                ("display", ctypes.c_void_p), ("window", Window), ("message_type", ctypes.c_ulong),
                ("format", ctypes.c_int), ("data", ctypes.c_long * 5), ("room", ctypes.c_long * 12)]


display = x.XOpenDisplay(None)


def atom(name):
    return x.XInternAtom(display, name, 0)


def property_of(window, name):
    kind, form, count, after, data = (ctypes.c_ulong(), ctypes.c_int(), ctypes.c_ulong(), ctypes.c_ulong(),
                                      ctypes.POINTER(ctypes.c_ulong)())
    refs = [ctypes.cast(ctypes.byref(part), ctypes.c_void_p) for part in (kind, form, count, after, data)]
    x.XGetWindowProperty(display, window, atom(name), 0, 64, 0, 0, *refs)
    return [data[i] for i in range(count.value)] if form.value == 32 else []


def children(window):
    root, parent, count, found = Window(), Window(), ctypes.c_uint(), ctypes.POINTER(Window)()
    refs = [ctypes.cast(ctypes.byref(part), ctypes.c_void_p) for part in (root, parent, found, count)]
    x.XQueryTree(display, window, *refs)
    return [found[i] for i in range(count.value)]


closed = 0
for window in children(x.XDefaultRootWindow(display)):
    if int(sys.argv[1]) not in property_of(window, b"_NET_WM_PID"):
        continue
    if atom(b"WM_DELETE_WINDOW") not in property_of(window, b"WM_PROTOCOLS"):
        continue
    message = ClientMessage(type=33, window=window, message_type=atom(b"WM_PROTOCOLS"), format=32)
    message.data[0] = atom(b"WM_DELETE_WINDOW")
    x.XSendEvent(display, window, 0, 0, ctypes.byref(message))
    closed += 1
x.XSync(display, 0)
sys.exit(0 if closed else "no window to close")
