//! Status responses: `OK`, `NO`, `BAD`, `BYE`, `PREAUTH` with a response code and a text (RFC 9051 section 7.1).
//!
//! They are read here rather than by imap-proto, which knows none of the codes of RFC 5530, and those decide.

/// The word of a status response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Ok,
    No,
    Bad,
    Bye,
    Preauth,
}

/// A status response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) word: Word,
    /// The response code's name in upper case, empty where there is none.
    pub(crate) code: String,
    /// What follows the name inside the brackets.
    pub(crate) argument: String,
    /// The human text, cut and without control characters.
    pub(crate) text: String,
}

impl Status {
    /// Reads what follows the tag or the asterisk; `None` when it is no status response.
    pub(crate) fn read(line: &[u8]) -> Option<Self> {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches(['\r', '\n']);
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let word = match word.to_ascii_uppercase().as_str() {
            "OK" => Word::Ok,
            "NO" => Word::No,
            "BAD" => Word::Bad,
            "BYE" => Word::Bye,
            "PREAUTH" => Word::Preauth,
            _ => return None,
        };
        let (code, text) = match rest.trim_start().strip_prefix('[').and_then(|inside| inside.split_once(']')) {
            Some((code, text)) => (code, text),
            None => ("", rest),
        };
        let (code, argument) = code.split_once(' ').unwrap_or((code, ""));
        Some(Self { word, code: code.to_ascii_uppercase(), argument: argument.to_owned(), text: clean(text) })
    }

    /// The argument of this code as a number.
    pub(crate) fn number<N: std::str::FromStr>(&self, code: &str) -> Option<N> {
        (self.code == code).then(|| self.argument.trim().parse().ok()).flatten()
    }
}

/// Makes a server's words fit to be shown and logged: one line, no control characters, at most 200 characters.
pub(crate) fn clean(text: &str) -> String {
    let plain: String = text.chars().take(2_000).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let plain = plain.trim();
    match plain.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", plain.get(..end).unwrap_or_default()),
        None => plain.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_argument_and_text_are_told_apart() {
        let status = Status::read(b"NO [AUTHENTICATIONFAILED] Invalid credentials\r\n").unwrap();
        assert_eq!((status.word, status.code.as_str()), (Word::No, "AUTHENTICATIONFAILED"));
        assert_eq!(status.text, "Invalid credentials");
        let status = Status::read(b"ok [uidvalidity 77]\r\n").unwrap();
        assert_eq!(status.number::<u32>("UIDVALIDITY"), Some(77));
        assert_eq!(Status::read(b"OK"), Status::read(b"OK \r\n"));
        assert_eq!(Status::read(b"12 EXISTS\r\n"), None);
    }

    #[test]
    fn text_of_a_server_cannot_forge_a_log_line() {
        let status = Status::read("NO [ALERT]Привіт\x1b[31m\u{0}\r".as_bytes()).unwrap();
        assert_eq!(status.text, "Привіт [31m");
        assert_eq!(Status::read(format!("NO {}", "я".repeat(5_000)).as_bytes()).unwrap().text.chars().count(), 201);
    }
}
