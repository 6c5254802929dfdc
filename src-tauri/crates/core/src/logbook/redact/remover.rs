//! What leaves the computer in a support report: whatever could tell who the bureau and its customers are goes, as a
//! whole, and is counted.
//!
//! Stricter than what a line of the log goes through: an address is not shortened but removed, and so are names that are
//! known, hosts, paths, whatever somebody quotes and every word in another script than the program's own English.

use std::{
    collections::{BTreeMap, HashSet},
    sync::LazyLock,
};

use aho_corasick::{AhoCorasick, MatchKind};
use regex::{Captures, Regex};
use serde::Serialize;

use super::{MASK, escape, known, needs_escape, patterns};

/// A name of fewer bytes would blank ordinary words.
const MIN_NAME: usize = 3;
/// A form of a name in another encoding that is shorter would match by chance.
const MIN_FORM: usize = 8;

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A password, a session, a key, or what looks like one.
    Secret,
    /// A mail address.
    Address,
    /// A phone number, or a number that may name a person.
    Number,
    /// A name that the bureau has given, or that is somebody's.
    Name,
    /// A server: its name, its address on the network, a URL.
    Host,
    /// A folder or file.
    Path,
    /// What somebody quoted.
    Quoted,
    /// Words of a language that the program does not speak to itself.
    Words,
    /// A field of a line that is not known to be harmless.
    Field,
}

impl What {
    /// What stands in its place.
    const fn mark(self) -> &'static str {
        match self {
            Self::Secret => "[secret]",
            Self::Address => "[address]",
            Self::Number => "[number]",
            Self::Name => "[name]",
            Self::Host => "[host]",
            Self::Path => "[path]",
            Self::Quoted => "[quoted]",
            Self::Words => "[words]",
            Self::Field => "",
        }
    }
}

/// Removes and counts.
#[derive(Debug, Default)]
pub struct Remover {
    names: Option<(AhoCorasick, Vec<What>)>,
    removed: BTreeMap<What, u64>,
}

/// A shape, and what it is; a stretch that the shape's first group matches stays.
struct Rule(What, Regex);

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let rules = [
        (What::Host, r#"(?i)\b[a-z][a-z0-9+.-]*://[^\s"'<>]+"#),
        (What::Address, r"[\p{L}\p{N}!#$%&'*+/=?^_`{|}~.…-]+(?:@|%40)[\p{L}\p{N}][\p{L}\p{N}.-]*"),
        (What::Words, r"(?:%[0-9A-Fa-f]{2}){3,}"),
        (What::Path, r#"(?:/home|/root|/Users|/var/home|/tmp|/mnt|/media|[A-Za-z]:\\)[^\s"':]*"#),
        (What::Host, r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b(?:[0-9a-fA-F]{1,4}:){3,}[0-9a-fA-F:]*|::1\b"),
        (
            What::Number,
            concat!(
                r"(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?)?)",
                r"|\+?\d{3}…\d{2}\b|\+\d(?:[ ().-]{0,2}\d){8,14}\b|\b\d{2,4}(?:[ .()-]{1,2}\d{2,4}){2,}\b|\b\d{9,}\b"
            ),
        ),
        (What::Secret, r"\b[0-9a-fA-F]{16,}\b"),
        (
            What::Host,
            r"(?i)(\b[\w-]+\.(?:rs|so|toml|json|sql|dll|exe|log|pid)\b)|\b(?:[\p{L}\p{N}][\p{L}\p{N}-]*\.)+[\p{L}]{2,24}\b",
        ),
    ];
    rules.into_iter().filter_map(|(what, pattern)| Some(Rule(what, Regex::new(pattern).ok()?))).collect()
});

/// What stands between quotation marks; a word of the schema's own may stay.
static QUOTED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#""[^"\n]*"?|`[^`\n]*`?|«[^»\n]*»?|[“„][^”“\n]*[”“]?|(?P<before>^|[\s(=:\[])'[^'\n]*'"#).ok()
});
static SCHEMA_WORD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"^["`][a-z]+(?:_[a-z]+)+["`]$"#).ok());
/// Words with a letter that is not of the English alphabet, as many as follow one another.
static FOREIGN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"[^\s\[\]]*[\p{L}&&[^\x00-\x7F]][^\s\[\]]*(?:\s+[^\s\[\]]*[\p{L}&&[^\x00-\x7F]][^\s\[\]]*)*").ok()
});
/// A run that may be something encoded.
static RUN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[A-Za-z0-9+/=_-]{20,}").ok());
static ID: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}([0-9a-fA-F]{8})\b").ok()
});
static HOME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?:/home|/Users|/var/home|[A-Za-z]:\\Users)[/\\][^/\\\s]+").ok());
static MASKED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"•••(?:\(\d+ characters\))?").ok());

impl Remover {
    /// Removes these names too, wherever and in whatever encoding they stand.
    pub fn new(names: impl IntoIterator<Item = (What, String)>) -> Self {
        let mut forms = Vec::new();
        let mut kinds = Vec::new();
        let mut seen = HashSet::new();
        for (what, name) in names {
            let name = name.trim();
            // A short number would blank years and sizes.
            if name.len() < MIN_NAME || (name.len() < MIN_FORM && !name.chars().any(char::is_alphabetic)) {
                continue;
            }
            for form in known::forms(name).into_iter().filter(|form| form == name || form.len() >= MIN_FORM) {
                if seen.insert(form.clone()) {
                    forms.push(form);
                    kinds.push(what);
                }
            }
            if seen.insert(name.to_owned()) {
                forms.push(name.to_owned());
                kinds.push(what);
            }
        }
        let matcher = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(true)
            .build(&forms)
            .ok()
            .filter(|_| !forms.is_empty());
        Self { names: matcher.map(|matcher| (matcher, kinds)), removed: BTreeMap::new() }
    }

    /// How many of each were removed so far.
    pub const fn removed(&self) -> &BTreeMap<What, u64> {
        &self.removed
    }

    /// Notes that something was left out as a whole.
    pub fn left_out(&mut self, what: What) {
        *self.removed.entry(what).or_default() += 1;
    }

    /// Returns what may leave of a text that somebody or something else has said. Identifiers keep their last digits.
    pub fn text(&mut self, text: &str) -> String {
        let mut text = self.names(&known::mask(text));
        for Rule(what, regex) in RULES.iter().take(4) {
            text = self.rule(*what, regex, &text);
        }
        text = short_ids(&text);
        for Rule(what, regex) in RULES.iter().skip(4) {
            text = self.rule(*what, regex, &text);
        }
        text = self.secrets(&text);
        if let Some(regex) = &*RUN {
            text = replace(regex, &text, |found| {
                let run = &found[0];
                let encoded = run.bytes().any(|b| b.is_ascii_digit()) && run.bytes().any(|b| b.is_ascii_alphabetic());
                encoded.then(|| self.mark(What::Secret))
            });
        }
        if let Some(regex) = &*QUOTED {
            text = replace(regex, &text, |found| {
                let is_ours = SCHEMA_WORD.as_ref().is_some_and(|word| word.is_match(&found[0]));
                let before = found.name("before").map_or("", |before| before.as_str());
                (!is_ours && found[0].len() > before.len() + 2).then(|| format!("{before}{}", self.mark(What::Quoted)))
            });
        }
        if let Some(regex) = &*FOREIGN {
            text = replace(regex, &text, |_| Some(self.mark(What::Words)));
        }
        visible(text, false)
    }

    /// The same for a backtrace or a place in the source: what names no person stays, lines too.
    pub fn trace(&mut self, text: &str) -> String {
        let mut text = self.names(&known::mask(text));
        if let Some(regex) = &*HOME {
            text = replace(regex, &text, |_| Some(self.mark(What::Path)));
        }
        for Rule(what, regex) in [1, 5].into_iter().filter_map(|at| RULES.get(at)) {
            text = self.rule(*what, regex, &text);
        }
        text = self.secrets(&text);
        if let Some(regex) = &*FOREIGN {
            text = replace(regex, &text, |_| Some(self.mark(What::Words)));
        }
        visible(text, true)
    }

    /// Looks once more at a whole file for what is known and for addresses and keys by their shape. Patterns of a name
    /// with its value are not for it: that is how JSON writes everything.
    pub fn look_again(&mut self, text: &str) -> String {
        let mut text = self.names(&known::mask(text));
        for Rule(what, regex) in [1, 6].into_iter().filter_map(|at| RULES.get(at)) {
            text = self.rule(*what, regex, &text);
        }
        match &*MASKED {
            Some(regex) if text.contains(MASK) => replace(regex, &text, |_| Some(self.mark(What::Secret))),
            _ => text,
        }
    }

    fn mark(&mut self, what: What) -> String {
        self.left_out(what);
        what.mark().to_owned()
    }

    fn rule(&mut self, what: What, regex: &Regex, text: &str) -> String {
        replace(regex, text, |found| found.get(1).is_none().then(|| self.mark(what)))
    }

    fn secrets(&mut self, text: &str) -> String {
        let masked = patterns::mask(text);
        let Some(regex) = MASKED.as_ref().filter(|_| masked.contains(MASK)) else { return masked.into_owned() };
        replace(regex, &masked, |_| Some(self.mark(What::Secret)))
    }

    /// Removes the names that are known. One that begins or ends inside a longer word is not meant.
    fn names(&mut self, text: &str) -> String {
        let Some((matcher, kinds)) = self.names.take() else { return text.to_owned() };
        let mut clean = String::with_capacity(text.len());
        let mut from = 0;
        for found in matcher.find_iter(text) {
            let (before, after) = (text[..found.start()].chars().next_back(), text[found.end()..].chars().next());
            let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            // An encoded form may stand inside a longer one.
            if found.len() < MIN_FORM && (inside(before) || inside(after)) {
                continue;
            }
            clean.push_str(&text[from..found.start()]);
            clean.push_str(&self.mark(kinds[found.pattern().as_usize()]));
            from = found.end();
        }
        clean.push_str(&text[from..]);
        self.names = Some((matcher, kinds));
        clean
    }
}

/// The last digits of an identifier: they tell two apart, and the first ones only tell when it was made.
fn short_ids(text: &str) -> String {
    ID.as_ref().map_or_else(|| text.to_owned(), |regex| regex.replace_all(text, "…$1").into_owned())
}

fn replace(regex: &Regex, text: &str, mut put: impl FnMut(&Captures<'_>) -> Option<String>) -> String {
    let replaced = regex.replace_all(text, |found: &Captures<'_>| put(found).unwrap_or_else(|| found[0].to_owned()));
    replaced.into_owned()
}

fn visible(text: String, keep_lines: bool) -> String {
    if text.chars().any(|c| needs_escape(c, keep_lines)) { escape(&text, keep_lines) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_compiles() {
        assert_eq!(RULES.len(), 8);
        for regex in [&QUOTED, &SCHEMA_WORD, &FOREIGN, &RUN, &ID, &HOME, &MASKED] {
            assert!(regex.is_some());
        }
    }

    #[test]
    fn what_names_somebody_goes_and_what_explains_a_fault_stays() {
        let names = [(What::Name, "Бюро Київ".to_owned()), (What::Name, "Notary Desk".to_owned())];
        let mut remover = Remover::new(names);
        for (said, left) in [
            ("sent to olena@example.org and o…@example.org", "sent to [address] and [address]"),
            ("phone +380 50 123 45 12, short +380…12, 0501234512", "phone [number], short [number], [number]"),
            ("Notary Desk: live since 2026-11-27T00:12:03Z", "[name]: live since 2026-11-27T00:12:03Z"),
            ("бюро: Бюро Київ не відповідає", "[words] [name] [words]"),
            ("connect to imap.example.org (192.0.2.14:993) failed", "connect to [host] ([host]:993) failed"),
            ("postgres://olena:geheim@db.example.org/x refused", "[host] refused"),
            ("in src/store/leases.rs:41: os error 111", "in src/store/leases.rs:41: os error 111"),
            ("violates \"accounts_name_key\" by \"Olena K\"", "violates \"accounts_name_key\" by [quoted]"),
            ("can't open '/home/olena/a.pdf': it isn't there", "can't open [quoted]: it isn't there"),
            ("0123456789abcdef0123456789abcdef", "[secret]"),
            ("b2xlbmFAZXhhbXBsZS5vcmc= is base64", "[secret] is base64"),
            ("message 0192b4a0-0000-7000-8000-0000deadbeef gone", "message …deadbeef gone"),
        ] {
            assert_eq!(remover.text(said), left, "{said}");
        }
        assert_eq!(remover.removed().get(&What::Name), Some(&2));
    }

    #[test]
    fn a_known_name_goes_in_every_encoding() {
        let name = "Notary Desk Lviv";
        let mut remover = Remover::new([(What::Name, name.to_owned())]);
        for form in known::forms(name) {
            let left = remover.text(&format!("x {form} y"));
            assert!(!left.contains(&form), "{form} in {left}");
        }
    }

    #[test]
    fn a_backtrace_keeps_its_lines_and_loses_whose_computer_it_was() {
        let mut remover = Remover::default();
        let trace = "   0: skrynka_core::store::x\n             at /home/olena/skrynka/src/x.rs:12:5\n";
        let left = remover.trace(trace);
        assert_eq!(left, "   0: skrynka_core::store::x\n             at [path]/skrynka/src/x.rs:12:5\n");
    }
}
