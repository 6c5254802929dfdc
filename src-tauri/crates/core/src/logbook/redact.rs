//! What must not stand in a log is taken out as the line is written, whoever wrote it.
//!
//! Two nets: the values of secrets that this run has loaded, in every form a library may print them
//! ([`known`]), and the shapes of secrets and personal data ([`patterns`]). Then what could break a line or deceive
//! its reader is made visible: control characters escaped, bidirectional marks removed.

mod known;
mod patterns;
mod remover;

use std::{borrow::Cow, fmt::Write};

pub use self::{
    known::remember,
    remover::{Remover, What},
};

/// What stands where something was taken out.
pub(super) const MASK: &str = "•••";

/// The longest text of a fact or message, in bytes.
const MAX_TEXT: usize = 4 * 1024;
/// The longest backtrace, in bytes.
const MAX_BACKTRACE: usize = 16 * 1024;
/// More than this is not even looked at: a library may put a whole network buffer into an error.
const MAX_LOOKED_AT: usize = 64 * 1024;

/// No form of a piece of a secret is longer, in bytes.
const EDGE: usize = 2 * 1024;

/// Facts whose very name says that their value is nobody's business.
pub(super) fn is_secret_name(name: &str) -> bool {
    ["password", "passphrase", "secret", "token", "api_hash", "session_string", "authorization"].contains(&name)
}

/// Returns the text as it may stand in a log, on one line.
pub fn clean(text: &str) -> Cow<'_, str> {
    clean_to(text, MAX_TEXT, false)
}

/// The same for a backtrace, which keeps its lines and may be longer.
pub(super) fn clean_backtrace(text: &str) -> Cow<'_, str> {
    clean_to(text, MAX_BACKTRACE, true)
}

fn clean_to(text: &str, max: usize, keep_lines: bool) -> Cow<'_, str> {
    let looked_at = &text[..text.floor_char_boundary(MAX_LOOKED_AT)];
    let mut clean = known::mask(looked_at);
    if let Cow::Owned(masked) = patterns::mask(&clean) {
        clean = Cow::Owned(masked);
    }
    if clean.chars().any(|c| needs_escape(c, keep_lines)) {
        clean = Cow::Owned(escape(&clean, keep_lines));
    }
    let left_out = text.len() - looked_at.len();
    if clean.len() > max || left_out > 0 {
        // What stands at the cut may be the beginning of a secret that nobody could know by that.
        let sure = if left_out > 0 { clean.len().saturating_sub(EDGE) } else { clean.len() };
        let kept = &clean[..clean.floor_char_boundary(max.min(sure))];
        let more = clean.len() - kept.len() + left_out;
        clean = Cow::Owned(format!("{kept}… ({more} bytes more)"));
    }
    clean
}

fn needs_escape(c: char, keep_lines: bool) -> bool {
    c.is_control() && !(keep_lines && c == '\n') || is_line_break(c) || is_bidi(c)
}

const fn is_line_break(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// Marks that change the order in which the reader sees what follows.
const fn is_bidi(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escape(text: &str, keep_lines: bool) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            _ if is_bidi(c) => {}
            '\n' if keep_lines => escaped.push('\n'),
            _ if c.is_control() || is_line_break(c) => {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "{}", c.escape_default());
            }
            _ => escaped.push(c),
        }
    }
    escaped
}
