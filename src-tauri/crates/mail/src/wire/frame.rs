//! Finds where a server's response ends, without understanding it.
//!
//! A response is a line; an untagged data response may hold literals, `{12}` at the end of a line followed by that
//! many bytes, after which the line goes on (RFC 9051 section 4.3). Knowing the end before parsing means that a
//! response nobody understands costs that response, not the connection, and that a size is refused before it is
//! allocated.

use memchr::memchr;

/// The largest literal that is accepted; messages are asked for in parts that stay below it.
pub(crate) const MAX_LITERAL: usize = 16 << 20;
/// The largest response: a UID list of a million messages has about 8 MiB.
const MAX_FRAME: usize = 48 << 20;

/// The server announced or sent more than is accepted in one response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge(pub(crate) usize);

/// How far the response at the start of the buffer has been looked at.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    looked: usize,
    line: usize,
}

impl Scan {
    /// Returns the length of the first response in `buffer` once it is complete.
    pub(crate) fn end(&mut self, buffer: &[u8]) -> Result<Option<usize>, TooLarge> {
        while let Some(rest) = buffer.get(self.looked..) {
            let Some(newline) = memchr(b'\n', rest) else {
                self.looked = buffer.len();
                break;
            };
            let end = self.looked + newline + 1;
            let line = buffer.get(self.line..end).unwrap_or_default();
            match literal_length(line).filter(|_| may_hold_literals(buffer)) {
                Some(length) if length > MAX_LITERAL => return Err(TooLarge(length)),
                Some(length) => {
                    self.looked = end + length;
                    self.line = self.looked;
                }
                None => {
                    *self = Self::default();
                    return Ok(Some(end));
                }
            }
        }
        if self.looked > MAX_FRAME { Err(TooLarge(self.looked)) } else { Ok(None) }
    }

    /// How many bytes must at least be in the buffer before another look can help.
    pub(crate) const fn needed(&self) -> usize {
        self.looked
    }
}

/// Status responses and continuations hold free text, in which `{5}` at the end means nothing.
fn may_hold_literals(response: &[u8]) -> bool {
    let Some(data) = response.strip_prefix(b"* ") else { return false };
    let word = data.split(|byte| matches!(byte, b' ' | b'\r' | b'\n')).next().unwrap_or_default();
    ![&b"OK"[..], b"NO", b"BAD", b"BYE", b"PREAUTH"].iter().any(|status| word.eq_ignore_ascii_case(status))
}

/// Reads `{12}` or `{12+}` before the line's end.
fn literal_length(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let inside = line.strip_suffix(b"}")?;
    let inside = inside.strip_suffix(b"+").unwrap_or(inside);
    let digits = inside.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (before, number) = inside.split_at(inside.len() - digits);
    if digits == 0 || !before.ends_with(b"{") {
        return None;
    }
    // A number that does not fit is larger than any limit.
    Some(std::str::from_utf8(number).ok()?.parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(bytes: &[u8]) -> Vec<usize> {
        let (mut scan, mut rest, mut ends) = (Scan::default(), bytes, Vec::new());
        while let Ok(Some(end)) = scan.end(rest) {
            ends.push(end);
            rest = &rest[end..];
        }
        ends
    }

    #[test]
    fn a_response_ends_after_its_last_literal() {
        let first = b"* 1 FETCH (BODY[] {5}\r\na\nb\r\n UID 7 X {2+}\r\nok)\r\n".as_slice();
        let second = b"A1 OK done\r\n".as_slice();
        assert_eq!(ends(&[first, second].concat()), [first.len(), second.len()]);
    }

    #[test]
    fn braces_in_free_text_are_not_literals() {
        assert_eq!(ends(b"* OK be brave {5}\r\n+ go {3}\r\nA1 NO {9}\r\n"), [19, 10, 11]);
    }

    #[test]
    fn a_response_that_arrives_byte_by_byte_ends_at_the_same_place() {
        let bytes = b"* 1 FETCH (BODY[] {3}\r\nabc)\r\n";
        let mut scan = Scan::default();
        for length in 0..bytes.len() {
            assert_eq!(scan.end(&bytes[..length]), Ok(None), "{length}");
        }
        assert_eq!(scan.end(bytes), Ok(Some(bytes.len())));
    }

    #[test]
    fn a_size_beyond_the_limit_is_refused_before_anything_is_read() {
        for line in [&b"* 1 FETCH (BODY[] {4294967295}\r\n"[..], b"* 1 FETCH (BODY[] {99999999999999999999999}\r\n"] {
            assert!(Scan::default().end(line).is_err());
        }
        assert!(Scan::default().end(&vec![b'x'; MAX_FRAME + 1]).is_err());
    }
}
