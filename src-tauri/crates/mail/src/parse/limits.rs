//! Bounds the parser's work before it begins. Each limit is far above any real mail and far below what hurts.

use memchr::memchr;

/// Bytes of the message's own headers.
const HEADER_BYTES: usize = 2 << 20;
/// Lines of the message's own headers.
const HEADER_LINES: usize = 20_000;
/// Parts with a Content-Type.
const PARTS: usize = 5_000;
/// Multiparts: each may be searched for its boundary through the whole message.
const MULTIPARTS: usize = 1_000;
/// Messages inside the message: they nest in memory, and a deep nest would end the thread's stack.
const MESSAGES: usize = 200;
/// Steps of the boundary search, multiparts times bytes: about two seconds.
const SEARCH: usize = 3 << 30;

/// Refuses a message whose shape would cost more than it can be worth.
pub(super) fn check(raw: &[u8]) -> Result<(), String> {
    let mut shape = Shape::default();
    let mut rest = raw;
    let mut offset = 0;
    while !rest.is_empty() {
        let end = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        shape.line(line, offset)?;
        offset += end;
        rest = after;
    }
    if shape.in_headers && raw.len() > HEADER_BYTES {
        return Err(too_many("bytes of headers", HEADER_BYTES));
    }
    if (shape.multiparts + 1).saturating_mul(raw.len()) > SEARCH {
        return Err("it nests too many parts for its size".to_owned());
    }
    Ok(())
}

struct Shape {
    in_headers: bool,
    /// The line continues a Content-Type header, where the boundary may stand.
    in_type: bool,
    lines: usize,
    parts: usize,
    multiparts: usize,
    messages: usize,
}

impl Default for Shape {
    fn default() -> Self {
        Self { in_headers: true, in_type: false, lines: 0, parts: 0, multiparts: 0, messages: 0 }
    }
}

impl Shape {
    fn line(&mut self, line: &[u8], offset: usize) -> Result<(), String> {
        if self.in_headers {
            self.lines += 1;
            self.in_headers = !line.trim_ascii().is_empty();
            if self.lines > HEADER_LINES {
                return Err(too_many("header lines", HEADER_LINES));
            }
            if offset + line.len() > HEADER_BYTES {
                return Err(too_many("bytes of headers", HEADER_BYTES));
            }
        }
        let starts_type = matches!(line.first(), Some(b'c' | b'C')) && starts(line, b"content-type");
        let continues = self.in_type && matches!(line.first(), Some(b' ' | b'\t'));
        self.in_type = starts_type || continues;
        if starts_type {
            self.parts += 1;
        }
        if self.in_type {
            let line = line.get(..line.len().min(4_096)).unwrap_or_default().to_ascii_lowercase();
            self.multiparts += usize::from(holds(&line, b"boundary"));
            self.messages += usize::from(holds(&line, b"message/"));
        }
        match () {
            () if self.parts > PARTS => Err(too_many("parts", PARTS)),
            () if self.multiparts > MULTIPARTS => Err(too_many("nested parts", MULTIPARTS)),
            () if self.messages > MESSAGES => Err(too_many("messages inside it", MESSAGES)),
            () => Ok(()),
        }
    }
}

fn starts(line: &[u8], word: &[u8]) -> bool {
    line.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

fn holds(line: &[u8], word: &[u8]) -> bool {
    line.windows(word.len()).any(|window| window == word)
}

fn too_many(what: &str, limit: usize) -> String {
    format!("it holds more than {limit} {what}")
}
