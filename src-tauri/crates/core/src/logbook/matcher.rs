//! Which lines a filter means, and which bytes a block must hold before any of its lines is looked at.

use memchr::{memchr, memrchr};
use regex::{Regex, RegexBuilder, bytes};
use time::OffsetDateTime;

use super::{
    Entry, Level, QueryError,
    entry::{Head, Stamp},
    literals,
};
use crate::model::AccountId;

/// What the viewer asks for. The default means every line.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This level and graver ones.
    pub min_level: Option<Level>,
    /// These areas; any when empty.
    pub areas: Vec<String>,
    /// This account only.
    pub account: Option<AccountId>,
    /// What the text of the line ([`Entry::text`]) must contain.
    pub search: Option<Search>,
    /// Not before.
    pub since: Option<OffsetDateTime>,
    /// Before.
    pub until: Option<OffsetDateTime>,
}

/// What is looked for in a line's text. Capitals do not count.
#[derive(Debug, Clone)]
pub enum Search {
    /// These characters.
    Text(String),
    /// A regular expression, as the `regex` crate reads it.
    Regex(String),
}

/// A compiled filter.
pub(super) struct Matcher {
    min_level: Level,
    areas: Vec<String>,
    account: Option<String>,
    text: Option<Regex>,
    pub(super) since: Option<Stamp>,
    pub(super) until: Option<Stamp>,
    /// Every line that is meant has a match of it; `None` where nothing of the kind is known.
    needle: Option<bytes::Regex>,
}

/// The compiled form of one expression may take no more.
const REGEX_BYTES: usize = 1 << 20;

impl Matcher {
    pub(super) fn new(filter: &Filter) -> Result<Self, QueryError> {
        let mut matcher = Self {
            min_level: filter.min_level.unwrap_or(Level::Trace),
            areas: filter.areas.clone(),
            account: filter.account.map(|account| account.to_string()),
            text: None,
            since: filter.since.map(Stamp::new),
            until: filter.until.map(Stamp::new),
            needle: None,
        };
        let mut words = None;
        match &filter.search {
            Some(Search::Text(text)) if !text.is_empty() => {
                matcher.text = Some(compile(&regex::escape(text))?);
                words = literals::of_text(text);
            }
            Some(Search::Regex(expression)) if !expression.is_empty() => {
                matcher.text = Some(compile(expression)?);
                words = literals::of_expression(expression);
            }
            _ => {}
        }
        matcher.needle = words.map(|words| any_of(&words)).or_else(|| matcher.needle_of_head()).and_then(Result::ok);
        Ok(matcher)
    }

    /// Without words to look for, the rarest part of the head.
    fn needle_of_head(&self) -> Option<Result<bytes::Regex, regex::Error>> {
        if let Some(account) = &self.account {
            return Some(exactly(&format!(r#""account":"{account}""#)));
        }
        if self.min_level >= Level::Warn {
            let levels: Vec<_> = self.min_level.and_above().map(Level::as_str).collect();
            return Some(exactly(&format!(r#""level":"(?:{})""#, levels.join("|"))));
        }
        let areas: Vec<_> = self.areas.iter().map(|area| regex::escape(area)).collect();
        (!areas.is_empty()).then(|| exactly(&format!(r#""area":"(?:{})""#, areas.join("|"))))
    }

    /// Hands over the lines of a block that can be meant, with their offsets in it, first to last.
    pub(super) fn candidates<'b>(&self, block: &'b [u8], mut hand_over: impl FnMut(usize, &'b [u8])) {
        let mut from = 0;
        while from < block.len() {
            let start = match &self.needle {
                None => from,
                Some(needle) => match needle.find_at(block, from) {
                    None => return,
                    Some(found) => memrchr(b'\n', &block[from..found.start()]).map_or(from, |end| from + end + 1),
                },
            };
            let end = memchr(b'\n', &block[start..]).map_or(block.len(), |end| start + end);
            hand_over(start, &block[start..end]);
            from = end + 1;
        }
    }

    /// Parses the line if it is meant. Lines that are cut or foreign are not.
    pub(super) fn entry(&self, line: &[u8]) -> Option<(Stamp, Entry)> {
        let head = Head::parse(line)?;
        let fits = self.level_fits(head.level)
            && (self.areas.is_empty() || self.areas.iter().any(|area| area.as_bytes() == head.area))
            && self.account.as_ref().is_none_or(|account| head.account == Some(account.as_bytes()))
            && self.since.is_none_or(|since| head.stamp >= since)
            && self.until.is_none_or(|until| head.stamp < until);
        if !fits {
            return None;
        }
        let entry: Entry = serde_json::from_slice(line).ok()?;
        self.text.as_ref().is_none_or(|text| text.is_match(&entry.text())).then_some((head.stamp, entry))
    }

    fn level_fits(&self, level: &[u8]) -> bool {
        self.min_level == Level::Trace || self.min_level.and_above().any(|above| above.as_str().as_bytes() == level)
    }
}

fn compile(expression: &str) -> Result<Regex, QueryError> {
    RegexBuilder::new(expression)
        .case_insensitive(true)
        .size_limit(REGEX_BYTES)
        .build()
        .map_err(|error| QueryError::Expression(error.to_string()))
}

/// ASCII words are compared as bytes, which is several times faster than with all of Unicode's capitals.
fn any_of(words: &[String]) -> Result<bytes::Regex, regex::Error> {
    let words: Vec<_> = words.iter().map(|word| regex::escape(word)).collect();
    let words = words.join("|");
    let ascii = words.is_ascii();
    bytes::RegexBuilder::new(&words).case_insensitive(true).unicode(!ascii).size_limit(REGEX_BYTES).build()
}

fn exactly(expression: &str) -> Result<bytes::Regex, regex::Error> {
    bytes::RegexBuilder::new(expression).unicode(false).build()
}
