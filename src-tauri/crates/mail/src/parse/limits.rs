//! Bounds the parser's work before it begins. Each limit is far above any real mail and far below what hurts.
//!
//! The headers are found here as mail-parser finds them, or more of them, never fewer: it takes white space before
//! and inside a header's name for nothing, and begins a part in the middle of a line.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

/// Bytes of one header block.
const HEADER_BYTES: usize = 2 << 20;
/// Lines of one header block.
const HEADER_LINES: usize = 20_000;
/// Lines of all header blocks.
const ALL_HEADER_LINES: usize = 200_000;
/// Bytes of one Content-Type or Content-Disposition: its parameters are compared with one another.
const PARAMETERS: usize = 16 << 10;
/// Such comparisons of a whole mail, as the sum of the headers' squared lengths.
const COMPARISONS: usize = 8 << 30;
/// Parts.
const PARTS: usize = 5_000;
/// Multiparts: each may be searched for its boundary through the whole message.
const MULTIPARTS: usize = 1_000;
/// Boundaries that are looked for one by one; with more, every `--` counts as one.
const BOUNDARIES: usize = 16;
/// The parameter that declares parts.
const BOUNDARY: &[u8] = b"boundary";
/// Steps of the boundary search, multiparts times bytes: about two seconds.
const SEARCH: usize = 3 << 30;

/// What stands for `message` while a mail is parsed; see [`opened`].
pub(super) const CLOSED: &str = "xessage";

/// Returns the mail as it may be parsed, every byte at its place. Refuses one whose shape would cost more than it can
/// be worth.
///
/// A message inside the message is a file like any other: its type is closed to the parser, which would nest it, and
/// the end of a deep nest would end the thread's stack. The parser also reads messages that are transfer-encoded,
/// whose shape cannot be seen from here.
pub(super) fn check(raw: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    let mut shape = Shape { in_block: true, ..Shape::default() };
    let mut start = 0;
    while let Some(rest) = raw.get(start..).filter(|rest| !rest.is_empty()) {
        let end = start + memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        shape.line(raw, start, end)?;
        start = end;
    }
    shape.end_header(raw, raw.len())?;
    if (shape.multiparts + 1).saturating_mul(raw.len()) > SEARCH {
        return Err("it nests too many parts for its size".to_owned());
    }
    if shape.closed.is_empty() {
        return Ok(Cow::Borrowed(raw));
    }
    let mut copy = raw.to_vec();
    for at in shape.closed {
        if let Some(byte) = copy.get_mut(at) {
            *byte = b'x';
        }
    }
    Ok(Cow::Owned(copy))
}

/// The media type as the mail has it.
pub(super) fn opened(ctype: &str) -> &str {
    if ctype.eq_ignore_ascii_case(CLOSED) { "message" } else { ctype }
}

#[derive(Default)]
struct Shape {
    /// The line may belong to a header block.
    in_block: bool,
    /// Lines and bytes of this block.
    lines: usize,
    bytes: usize,
    all_lines: usize,
    /// The Content-Type or Content-Disposition that goes on: where its value begins, and whether it is a type.
    header: Option<(usize, bool)>,
    boundaries: Vec<Vec<u8>>,
    /// A boundary was declared that cannot be read here.
    any_boundary: bool,
    parts: usize,
    multiparts: usize,
    comparisons: usize,
    /// Where a type begins that the parser must not follow.
    closed: Vec<usize>,
}

impl Shape {
    fn line(&mut self, raw: &[u8], start: usize, end: usize) -> Result<(), String> {
        let line = raw.get(start..end).unwrap_or_default();
        let begins_part = self.holds_boundary(line);
        if begins_part {
            self.end_header(raw, start)?;
            self.parts += 1;
            (self.in_block, self.lines, self.bytes) = (true, 0, 0);
        }
        if !self.in_block {
            return Ok(());
        }
        self.lines += 1;
        self.all_lines += 1;
        self.bytes += line.len();
        let goes_on = matches!(line.first(), Some(b' ' | b'\t'));
        // A line of nothing but spaces continues the value before it.
        if line.trim_ascii().is_empty() && !goes_on {
            self.in_block = false;
            self.end_header(raw, start)?;
        } else if let Some((at, is_type)) = parameters(line, begins_part) {
            self.end_header(raw, start)?;
            self.header = Some((start + at, is_type));
        } else if !goes_on {
            self.end_header(raw, start)?;
        }
        match () {
            () if self.lines > HEADER_LINES || self.all_lines > ALL_HEADER_LINES => {
                Err(too_many("header lines", HEADER_LINES))
            }
            () if self.bytes > HEADER_BYTES => Err(too_many("bytes of headers", HEADER_BYTES)),
            () if self.parts > PARTS => Err(too_many("parts", PARTS)),
            () => Ok(()),
        }
    }

    fn end_header(&mut self, raw: &[u8], end: usize) -> Result<(), String> {
        let Some((start, is_type)) = self.header.take() else { return Ok(()) };
        let value = raw.get(start..end).unwrap_or_default();
        self.comparisons = self.comparisons.saturating_add(value.len().saturating_mul(value.len()));
        if value.len() > PARAMETERS || self.comparisons > COMPARISONS {
            return Err(too_many("bytes in the description of a part", PARAMETERS));
        }
        if !is_type {
            return Ok(());
        }
        let value = value.to_ascii_lowercase();
        // The type ends at the first semicolon, unless that stands in a comment.
        let end = memchr(b';', &value).unwrap_or(value.len());
        let named = value.get(..end).filter(|named| !named.contains(&b'(')).unwrap_or(&value);
        // The parts of a digest are messages without saying so.
        for word in [&b"message"[..], b"digest"] {
            self.closed.extend(places(named, word).map(|at| start + at));
        }
        let mut declares = false;
        for at in places(&value, BOUNDARY) {
            declares = true;
            match boundary(raw.get(start + at + BOUNDARY.len()..start + value.len()).unwrap_or_default()) {
                Some(boundary) if self.boundaries.len() < BOUNDARIES => self.boundaries.push(boundary.to_vec()),
                _ => self.any_boundary = true,
            }
        }
        self.multiparts += usize::from(declares);
        if self.multiparts > MULTIPARTS { Err(too_many("nested parts", MULTIPARTS)) } else { Ok(()) }
    }

    /// Whether a part may begin in this line.
    fn holds_boundary(&self, line: &[u8]) -> bool {
        if self.boundaries.is_empty() && !self.any_boundary {
            return false;
        }
        memchr_iter(b'-', line)
            .filter_map(|at| line.get(at..)?.strip_prefix(b"--"))
            .any(|after| self.any_boundary || self.boundaries.iter().any(|boundary| after.starts_with(boundary)))
    }
}

/// Where the value of a header with parameters begins, and whether it is the type.
fn parameters(line: &[u8], begins_part: bool) -> Option<(usize, bool)> {
    let begun = line.iter().position(|byte| *byte != b':' && !byte.is_ascii_whitespace())?;
    let colons = memchr_iter(b':', line).filter(|at| *at > begun);
    // Behind a boundary the header may begin anywhere in the line.
    colons.take(if begins_part { usize::MAX } else { 1 }).find_map(|at| {
        let name = line.get(..at)?;
        let is_type = ends_in(name, b"content-type");
        (is_type || ends_in(name, b"content-disposition")).then_some((at + 1, is_type))
    })
}

/// Whether `name` without white space ends in `word`.
fn ends_in(name: &[u8], word: &[u8]) -> bool {
    let mut name = name.iter().rev().filter(|byte| !byte.is_ascii_whitespace());
    word.iter().rev().all(|wanted| name.next().is_some_and(|byte| byte.eq_ignore_ascii_case(wanted)))
}

/// The boundary after the parameter's name in its two plain forms, `=word` and `="words"`.
fn boundary(after: &[u8]) -> Option<&[u8]> {
    let value = after.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let boundary = match value.strip_prefix(b"\"") {
        Some(quoted) => quoted.get(..memchr(b'"', quoted)?)?,
        None => value.split(|byte| matches!(byte, b';' | b'\r' | b'\n')).next()?.trim_ascii(),
    };
    let plain = |byte: &u8| !byte.is_ascii_control() && !b"\"\\(%*".contains(byte);
    let encoded = boundary.windows(2).any(|pair| pair == b"=?");
    (!boundary.is_empty() && boundary.iter().all(plain) && !encoded).then_some(boundary)
}

fn places<'t>(text: &'t [u8], word: &'t [u8]) -> impl Iterator<Item = usize> + 't {
    text.windows(word.len()).enumerate().filter(move |(_, window)| *window == word).map(|(at, _)| at)
}

fn too_many(what: &str, limit: usize) -> String {
    format!("it holds more than {limit} {what}")
}
