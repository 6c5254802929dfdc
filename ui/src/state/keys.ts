/** What a key does. Names are physical (`KeyJ`), so that Cyrillic layouts need no switching. */
export type Bindings = Readonly<Record<string, (press: Press) => void>>;

const stack: Bindings[] = [];

/** Puts bindings in force until the answer is called; later ones go before earlier ones. */
export function bindKeys(bindings: Bindings): () => void {
  stack.push(bindings);
  return () => {
    const at = stack.lastIndexOf(bindings);
    if (at >= 0) stack.splice(at, 1);
  };
}

/** The facts of a key press that decide. */
export interface Press {
  code: string;
  key: string;
  shiftKey: boolean;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
  /** The key is held down. */
  repeat?: boolean;
}

/** The name of a press: `KeyJ`, `Shift+F6`, `Slash`, `?`. Null for what is left to the field or the system. */
export function nameOf(press: Press, typing: boolean): string | null {
  // Where something can be searched, it is searched by the key of every other program too.
  if (press.code === 'KeyF' && press.ctrlKey !== press.metaKey && !press.altKey && !press.shiftKey) return 'Slash';
  if (press.ctrlKey || press.altKey || press.metaKey) return null;
  const named = press.code === 'F6' || press.code === 'Escape';
  if (typing && !named) return null;
  if (press.key === '?') return '?';
  if (press.key === '/') return 'Slash';
  return press.shiftKey ? `Shift+${press.code}` : press.code;
}

/** Runs what is bound to a press; says whether anything was. */
export function press(event: Press, typing: boolean): boolean {
  const name = nameOf(event, typing);
  if (name === null) return false;
  for (let i = stack.length - 1; i >= 0; i--) {
    const action = stack[i]?.[name];
    if (action) {
      action(event);
      return true;
    }
  }
  return false;
}

/** Whether a press goes into a field. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !['checkbox', 'radio', 'button', 'range'].includes(target.type);
}
