//! A panic is a line of the logbook too.

use std::{backtrace::Backtrace, panic, thread};

/// Returns what a panic said, up to where it begins to quote: what it quotes may be a message's text.
pub(crate) fn unquoted(text: &str) -> &str {
    text.find(['`', '"', '\'', '«', '“', '\n']).and_then(|at| text.get(..at)).unwrap_or(text).trim_end()
}

/// Puts a hook before the one that is installed: it writes the line, then calls the other.
pub(super) fn install_hook() {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let thread = thread::current();
        let location = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(
            target: "skrynka::app",
            panic = info.payload_as_str().map_or("(no text)", unquoted),
            location,
            thread = thread.name().unwrap_or("(no name)"),
            backtrace = %Backtrace::force_capture(),
            "Panicked"
        );
        previous(info);
    }));
}

#[cfg(test)]
mod tests {
    use super::unquoted;

    #[test]
    fn what_a_panic_quotes_is_left_out() {
        for (said, kept) in [
            (
                "byte index 3 is not a char boundary; it is inside 'ї' (bytes 2..4) of `Договір`",
                "byte index 3 is not a char boundary; it is inside",
            ),
            ("invalid value: \"secret\"", "invalid value:"),
            ("attempt to subtract with overflow", "attempt to subtract with overflow"),
        ] {
            assert_eq!(unquoted(said), kept);
        }
    }
}
