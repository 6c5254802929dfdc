//! The shapes of secrets and of personal data.
//!
//! One pass over the text tells which rules can match at all; an ordinary line runs none of them.

use std::{borrow::Cow, sync::LazyLock};

use aho_corasick::AhoCorasick;
use regex::{Captures, Regex, Replacer};
use uuid::Uuid;

/// Masks what looks like a secret; shortens addresses and phone numbers.
pub(super) fn mask(text: &str) -> Cow<'_, str> {
    let hints = Hints::of(text);
    if hints.none() {
        return Cow::Borrowed(text);
    }
    let mut masked = Cow::Borrowed(text);
    for rule in RULES.iter().filter(|rule| hints.allow(rule.hint)) {
        if let Cow::Owned(changed) = rule.apply(&masked) {
            masked = Cow::Owned(changed);
        }
    }
    masked
}

/// What a rule needs to find in the text before it is worth running.
#[derive(Clone, Copy, PartialEq)]
enum Hint {
    Url,
    Sign,
    Key,
    Code,
    LongToken,
    Mail,
    Digits,
}

enum Put {
    Text(&'static str),
    Shortened(fn(&Captures<'_>) -> String),
}

struct Rule {
    hint: Hint,
    regex: Regex,
    put: Put,
}

impl Rule {
    fn apply<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match &self.put {
            Put::Text(text_put) => self.regex.replace_all(text, *text_put),
            Put::Shortened(shorten) => self.regex.replace_all(text, by(*shorten)),
        }
    }
}

fn by(shorten: fn(&Captures<'_>) -> String) -> impl Replacer {
    move |captures: &Captures<'_>| shorten(captures)
}

/// The order matters: a URL's password before the address that its host would make with it, `Bearer` before the
/// header that names it.
static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    use Hint::{Code, Digits, Key, LongToken, Mail, Sign, Url};
    let rules: [(Hint, &str, Put); 12] = [
        (Url, r#"(?i)\b([a-z][a-z0-9+.-]*://[^\s/@:"'<>]*):[^\s"'<>]*@"#, Put::Text("${1}:•••@")),
        (Sign, r"(?i)\b(AUTH(?:ENTICATE)?\s+(?:PLAIN|LOGIN|X?OAUTH\w*|CRAM-MD5|SCRAM-[\w-]+)\s+)[\w+/=-]{4,}", MASKED),
        (Sign, r#"(?i)\b(LOGIN\s+)(?:"(?:[^"\\]|\\.)*"|[^\s"]+)\s+"(?:[^"\\]|\\.)*""#, Put::Text("${1}••• •••")),
        (Sign, r"\b(LOGIN\s+)[^\s•]+\s+[^\s•]+", Put::Text("${1}••• •••")),
        (Sign, r"(?i)\b(Bearer\s+)[\w.~+/=-]{8,}", MASKED),
        (
            Key,
            r#"(?i)(\w*(?:passw(?:or)?d|passphrase|pwd|secret|token|api_?hash|api_?key|session_?string|authorization)\w*\\*["']?\s*[=:]\s*)(?:\\*"(?:[^"\\]|\\[^"])*\\*"|'[^']*'|[^\s,;&})\]•]+)"#,
            MASKED,
        ),
        (Key, r"(?i)\b(PASSWORD\s+)'(?:[^']|'')*'", MASKED),
        (Code, r"(?i)\b((?:code|код\w*|kod\w*)\D{0,16}?)\d{5,6}\b", MASKED),
        (
            LongToken,
            r"[A-Za-z0-9+/_-]{200,}={0,2}",
            Put::Shortened(|found| format!("•••({} characters)", found[0].len())),
        ),
        (LongToken, r"\b[0-9a-fA-F]{32}\b", Put::Text("•••")),
        (Mail, r"([\p{L}\p{N}!#$%&'*+/=?^_`{|}~.-]+)@([\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*)", Put::Shortened(mail)),
        (
            Digits,
            r"\b[[:xdigit:]]{8}(?:-[[:xdigit:]]{4}){3}-[[:xdigit:]]{12}\b|\+\d(?:[ ().-]{0,2}\d){8,14}\b|\b380(?:[ ().-]{0,2}\d){9}\b|\b0[3-9]\d(?:[ ().-]{0,2}\d){7}\b",
            Put::Shortened(phone),
        ),
    ];
    let compile = |(hint, pattern, put)| Regex::new(pattern).ok().map(|regex| Rule { hint, regex, put });
    rules.into_iter().filter_map(compile).collect()
});

const MASKED: Put = Put::Text("${1}•••");

fn mail(found: &Captures<'_>) -> String {
    let first = found[1].chars().next().unwrap_or('…');
    format!("{first}…@{}", &found[2])
}

/// Keeps what tells two numbers apart for whoever knows them: `+380501234512` becomes `+380…12`. A UUID, whose
/// digits may look like a number, is matched first and stays.
fn phone(found: &Captures<'_>) -> String {
    if Uuid::parse_str(&found[0]).is_ok() {
        return found[0].to_owned();
    }
    let digits: String = found[0].chars().filter(char::is_ascii_digit).collect();
    let plus = if found[0].starts_with('+') { "+" } else { "" };
    format!("{plus}{}…{}", &digits[..3], &digits[digits.len() - 2..])
}

/// Which rules can match, as found in one pass.
struct Hints(u8);

static WORDS: LazyLock<Option<(AhoCorasick, Vec<Hint>)>> = LazyLock::new(|| {
    let words = [
        ("://", Hint::Url),
        ("auth", Hint::Sign),
        ("login", Hint::Sign),
        ("bearer", Hint::Sign),
        ("pass", Hint::Key),
        ("pwd", Hint::Key),
        ("secret", Hint::Key),
        ("token", Hint::Key),
        ("hash", Hint::Key),
        ("key", Hint::Key),
        ("session", Hint::Key),
        ("code", Hint::Code),
        ("код", Hint::Code),
        ("Код", Hint::Code),
        ("КОД", Hint::Code),
        ("kod", Hint::Code),
        ("@", Hint::Mail),
    ];
    let matcher = AhoCorasick::builder().ascii_case_insensitive(true).build(words.map(|(word, _)| word)).ok()?;
    Some((matcher, words.map(|(_, hint)| hint).to_vec()))
});

impl Hints {
    fn of(text: &str) -> Self {
        let mut hints = Self(0);
        if let Some((matcher, of_word)) = &*WORDS {
            for found in matcher.find_iter(text) {
                hints.add(of_word[found.pattern().as_usize()]);
            }
        }
        hints.look_at_runs(text.as_bytes());
        // `Authorization:` is announced by `auth`.
        if hints.allow(Hint::Sign) {
            hints.add(Hint::Key);
        }
        hints
    }

    fn look_at_runs(&mut self, text: &[u8]) {
        let (mut run, mut digits) = (0_usize, 0_usize);
        for byte in text {
            digits += usize::from(byte.is_ascii_digit());
            run = if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'_' | b'-') { run + 1 } else { 0 };
            if run == 32 {
                self.add(Hint::LongToken);
            }
        }
        if digits >= 9 {
            self.add(Hint::Digits);
        }
    }

    const fn add(&mut self, hint: Hint) {
        self.0 |= 1 << hint as u8;
    }

    const fn allow(&self, hint: Hint) -> bool {
        self.0 & (1 << hint as u8) != 0
    }

    const fn none(&self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_compiles() {
        assert_eq!(RULES.len(), 12);
        assert!(WORDS.is_some());
    }
}
