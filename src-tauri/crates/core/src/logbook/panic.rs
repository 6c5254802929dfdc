//! A panic is a line of the logbook too.

use std::{backtrace::Backtrace, panic, thread};

/// Puts a hook before the one that is installed: it writes the line, then calls the other.
pub(super) fn install_hook() {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let thread = thread::current();
        let location = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(
            target: "skrynka::app",
            panic = info.payload_as_str().unwrap_or("(no text)"),
            location,
            thread = thread.name().unwrap_or("(no name)"),
            backtrace = %Backtrace::force_capture(),
            "Panicked"
        );
        previous(info);
    }));
}
