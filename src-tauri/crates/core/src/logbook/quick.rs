//! The text of a line as [`super::Entry::text`] gives it, without parsing the line: for lines without escapes, which
//! nearly all are.

use memchr::memchr;

use super::{Level, entry::Head};

/// Where the number of a line begins.
const NUMBER: usize = r#"{"t":"2026-11-22T12:00:00.000Z","seq":"#.len();

/// Returns the text of a line that can be parsed; `None` where only parsing tells whether it can, or what its text is.
pub(super) fn text(line: &[u8], head: &Head<'_>) -> Option<String> {
    let line = line.trim_ascii_end();
    let plain = |byte: &u8| *byte >= b' ' && *byte != b'\\';
    let level = std::str::from_utf8(head.level).ok()?;
    if !line.iter().all(plain) || Level::Trace.and_above().all(|known| known.as_str() != level) {
        return None;
    }
    // Valid as a whole, and cut at ASCII only: each part is valid.
    let line = std::str::from_utf8(line).ok()?;
    whole_number(line.get(NUMBER..)?)?;
    let rest = line.get(head.end..)?;
    let mut text = String::with_capacity(rest.len());
    let (message, mut rest) = string(rest.strip_prefix(r#","msg":"#)?)?;
    text.push_str(message);
    if let Some(after) = rest.strip_prefix(r#","repeat":"#) {
        let (number, after) = whole_number(after)?;
        number.parse::<u64>().ok()?;
        rest = after;
    }
    if let Some(after) = rest.strip_prefix(r#","fields":{"#) {
        rest = fields(after, &mut text)?;
    }
    if let Some(after) = rest.strip_prefix(r#","spans":["#) {
        rest = spans(after)?;
    }
    (rest == "}").then_some(text)
}

fn fields<'l>(mut rest: &'l str, text: &mut String) -> Option<&'l str> {
    loop {
        let (name, after) = string(rest)?;
        let after = after.strip_prefix(':')?;
        let (value, after) = match after.as_bytes().first()? {
            b'"' => string(after)?,
            b'0'..=b'9' => whole_number(after)?,
            _ => ["true", "false", "null"].iter().find_map(|word| Some((*word, after.strip_prefix(word)?)))?,
        };
        text.push(' ');
        text.push_str(name);
        text.push('=');
        text.push_str(value);
        match after.as_bytes().first()? {
            b',' => rest = &after[1..],
            b'}' => return Some(&after[1..]),
            _ => return None,
        }
    }
}

fn spans(mut rest: &str) -> Option<&str> {
    loop {
        let (_, after) = string(rest)?;
        match after.as_bytes().first()? {
            b',' => rest = &after[1..],
            b']' => return Some(&after[1..]),
            _ => return None,
        }
    }
}

fn string(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('"')?;
    let end = memchr(b'"', text.as_bytes())?;
    Some((&text[..end], &text[end + 1..]))
}

/// A number that is printed as it stands there: no sign, no fraction, no exponent, and not too large.
fn whole_number(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit())?;
    let (number, rest) = text.split_at(end);
    let leads = number.len() > 1 && number.starts_with('0');
    let goes_on = rest.starts_with(['.', 'e', 'E']);
    (!leads && !goes_on && (1..=19).contains(&number.len())).then_some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::{super::Entry, *};

    const HEAD: &str = r#"{"t":"2026-11-22T12:00:00.000Z","seq":1,"level":"INFO","area":"app""#;

    #[test]
    fn a_text_is_the_one_that_parsing_gives_or_is_left_to_parsing() {
        let quick = [
            r#","msg":"Line"}"#,
            r#","account":"a","msg":"Line","repeat":12}"#,
            r#","msg":"Нова пошта","fields":{"n":0,"why":"a: b","on":true,"off":false,"no":null,"n":18446744}}"#,
            r#","msg":"","fields":{"n":1},"spans":["listen","a"]}"#,
        ];
        let left = [
            r#","msg":"a \"b\""}"#,
            r#","msg":"Line","fields":{}}"#,
            r#","msg":"Line","fields":{"n":1.50}}"#,
            r#","msg":"Line","fields":{"n":-1}}"#,
            r#","msg":"Line","fields":{"n":1e5}}"#,
            r#","msg":"Line","fields":{"n":99999999999999999999}}"#,
            r#","msg":"Line","fields":{"list":[1]}}"#,
            r#","msg":"Line","other":1}"#,
        ];
        let cut = [r#","msg":"Line"#, r#","msg":"Line","fields":{"n":01}}"#, "}", r#","msg":"Line"}}"#];
        let read = |rest: &str| {
            let line = format!("{HEAD}{rest}");
            let head = Head::parse(line.as_bytes()).unwrap();
            super::text(line.as_bytes(), &head)
        };
        let parsed = |rest: &str| serde_json::from_str::<Entry>(&format!("{HEAD}{rest}")).ok().map(|line| line.text());
        for rest in quick {
            assert_eq!(read(rest), parsed(rest), "{rest}");
            assert!(parsed(rest).is_some(), "{rest}");
        }
        for rest in left {
            assert_eq!(read(rest), None, "{rest}");
            assert!(parsed(rest).is_some(), "{rest}");
        }
        for rest in cut {
            assert_eq!((read(rest), parsed(rest)), (None, None), "{rest}");
        }
        let line = format!("{HEAD}{}", quick[0]).replace("\"seq\":1", "\"seq\":01");
        let head = Head::parse(line.as_bytes()).unwrap();
        assert_eq!(super::text(line.as_bytes(), &head), None, "JSON knows no such number");
    }
}
