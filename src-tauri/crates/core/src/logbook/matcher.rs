//! Which lines a filter means, and which bytes a block must hold before any of its lines is looked at.

use memchr::{memchr, memrchr};
use regex::{Regex, RegexBuilder, bytes};
use time::OffsetDateTime;

use super::{
    Entry, Level, QueryError,
    entry::{Head, Stamp},
    literals, quick,
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
    /// None of these.
    pub exclude: Vec<Exclude>,
}

/// What a line must not be.
#[derive(Debug, Clone)]
pub enum Exclude {
    /// Of this area.
    Area(String),
    /// About this account.
    Account(AccountId),
    /// One whose text contains this.
    Search(Search),
}

/// What is looked for in a line's text. Capitals do not count.
#[derive(Debug, Clone)]
pub enum Search {
    /// These characters.
    Text(String),
    /// A regular expression, as the `regex` crate reads it.
    Regex(String),
}

impl Search {
    /// Compiles it; `None` where nothing is looked for.
    fn compile(&self) -> Result<Option<Regex>, QueryError> {
        match self {
            Self::Text(text) if !text.is_empty() => compile(&regex::escape(text)).map(Some),
            Self::Regex(expression) if !expression.is_empty() => compile(expression).map(Some),
            Self::Text(_) | Self::Regex(_) => Ok(None),
        }
    }

    /// Words of which each match holds at least one; `None` where nothing of the kind is known.
    fn words(&self) -> Option<Vec<String>> {
        match self {
            Self::Text(text) => literals::of_text(text),
            Self::Regex(expression) => literals::of_expression(expression),
        }
    }
}

/// Finds what is looked for within a line's text, for whoever shows it.
pub struct Marker(Option<Regex>);

/// More places than this are not marked in one line.
const MOST_MARKS: usize = 64;

impl Marker {
    /// Compiles what is looked for.
    ///
    /// # Errors
    /// [`QueryError::Expression`].
    pub fn new(search: Option<&Search>) -> Result<Self, QueryError> {
        Ok(Self(search.map(Search::compile).transpose()?.flatten()))
    }

    /// Where it stands in `text`, from and until, in bytes; empty matches are none.
    pub fn marks(&self, text: &str) -> Vec<(usize, usize)> {
        let Some(wanted) = &self.0 else { return Vec::new() };
        let found = wanted.find_iter(text).filter(|found| !found.is_empty());
        found.take(MOST_MARKS).map(|found| (found.start(), found.end())).collect()
    }
}

/// A compiled filter. Each thread has a clone of its own: expressions that are shared wait for each other.
#[derive(Clone)]
pub(super) struct Matcher {
    min_level: Level,
    areas: Vec<String>,
    account: Option<String>,
    text: Option<Regex>,
    not_areas: Vec<String>,
    not_accounts: Vec<String>,
    not_texts: Vec<Regex>,
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
            text: filter.search.as_ref().map(Search::compile).transpose()?.flatten(),
            not_areas: Vec::new(),
            not_accounts: Vec::new(),
            not_texts: Vec::new(),
            since: filter.since.map(Stamp::new),
            until: filter.until.map(Stamp::new),
            needle: None,
        };
        for exclude in &filter.exclude {
            match exclude {
                Exclude::Area(area) => matcher.not_areas.push(area.clone()),
                Exclude::Account(account) => matcher.not_accounts.push(account.to_string()),
                Exclude::Search(search) => matcher.not_texts.extend(search.compile()?),
            }
        }
        let words = filter.search.as_ref().and_then(Search::words);
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
        let head = self.head(line)?;
        let quick = self.quick_look(line, &head);
        if quick == Some(false) {
            return None;
        }
        let entry: Entry = serde_json::from_slice(line).ok()?;
        (quick == Some(true) || self.text_fits(&entry.text())).then_some((head.stamp, entry))
    }

    /// The same without the rest of the line where nothing in it is looked for.
    pub(super) fn head_of<'l>(&self, line: &'l [u8]) -> Option<Head<'l>> {
        let head = self.head(line)?;
        if self.looks_at_text() {
            let fits = self.quick_look(line, &head).or_else(|| {
                let entry: Entry = serde_json::from_slice(line).ok()?;
                Some(self.text_fits(&entry.text()))
            });
            return fits?.then_some(head);
        }
        // A line that is cut has no end.
        line.trim_ascii_end().ends_with(b"}").then_some(head)
    }

    /// Whether the text of the line fits; `None` where only parsing tells.
    fn quick_look(&self, line: &[u8], head: &Head<'_>) -> Option<bool> {
        if !self.looks_at_text() {
            return None;
        }
        quick::text(line, head).map(|text| self.text_fits(&text))
    }

    fn head<'l>(&self, line: &'l [u8]) -> Option<Head<'l>> {
        let head = Head::parse(line)?;
        let fits = self.kind_fits(head.level, head.area, head.account)
            && self.since.is_none_or(|since| head.stamp >= since)
            && self.until.is_none_or(|until| head.stamp < until);
        fits.then_some(head)
    }

    /// Whether lines of that level and area about that account are meant, as far as these tell.
    pub(super) fn kind_fits(&self, level: &[u8], area: &[u8], account: Option<&[u8]>) -> bool {
        let is = |text: &String, bytes: &[u8]| text.as_bytes() == bytes;
        self.level_fits(level)
            && (self.areas.is_empty() || self.areas.iter().any(|wanted| is(wanted, area)))
            && !self.not_areas.iter().any(|unwanted| is(unwanted, area))
            && self.account.as_ref().is_none_or(|wanted| account == Some(wanted.as_bytes()))
            && !self.not_accounts.iter().any(|unwanted| account == Some(unwanted.as_bytes()))
    }

    pub(super) const fn looks_at_text(&self) -> bool {
        self.text.is_some() || !self.not_texts.is_empty()
    }

    fn text_fits(&self, text: &str) -> bool {
        self.text.as_ref().is_none_or(|wanted| wanted.is_match(text))
            && !self.not_texts.iter().any(|unwanted| unwanted.is_match(text))
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
