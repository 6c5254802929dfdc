//! One line of the logbook, and how it stands in a file.
//!
//! `{"t":"2026-11-22T12:03:58.031Z","seq":7,"level":"INFO","area":"email","account":"…","msg":"Folder selected",`
//! `"fields":{"exists":3120},"spans":["listen"]}`. The head has a fixed order, so that a search reads time, level,
//! area and account without parsing the rest.

use std::{fmt, str::FromStr};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::Value;
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

/// How grave a line is; `Error` is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Every step.
    Trace,
    /// Steps for whoever looks for a fault.
    Debug,
    /// What happened.
    #[default]
    Info,
    /// Something is not as it should be, and the app goes on by itself.
    Warn,
    /// Something failed.
    Error,
}

impl Level {
    /// The word in the file: `INFO`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }

    /// The levels from this one up.
    pub(super) fn and_above(self) -> impl Iterator<Item = Self> {
        [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error].into_iter().filter(move |level| *level >= self)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Level {
    type Err = String;

    /// Reads a level's name in any case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::Trace
            .and_above()
            .find(|level| level.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| format!("{text:?} is no level; use trace, debug, info, warn or error"))
    }
}

impl From<tracing::Level> for Level {
    fn from(level: tracing::Level) -> Self {
        match level {
            tracing::Level::TRACE => Self::Trace,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::INFO => Self::Info,
            tracing::Level::WARN => Self::Warn,
            tracing::Level::ERROR => Self::Error,
        }
    }
}

/// A moment in UTC to the millisecond, as the text that stands in the file. Orders as time does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp([u8; Self::LEN]);

impl Stamp {
    pub(super) const LEN: usize = 24;
    /// The digits up to the minute, with the separator behind them.
    const MINUTE: usize = 17;

    pub(super) fn new(time: OffsetDateTime) -> Self {
        let time = time.to_offset(UtcOffset::UTC);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let year = u32::try_from(time.year()).unwrap_or(0).min(9999);
        digits(&mut text[0..4], year);
        digits(&mut text[5..7], u8::from(time.month()).into());
        digits(&mut text[8..10], time.day().into());
        digits(&mut text[11..13], time.hour().into());
        digits(&mut text[14..16], time.minute().into());
        digits(&mut text[17..19], time.second().into());
        digits(&mut text[20..23], time.millisecond().into());
        Self(text)
    }

    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let bytes: [u8; Self::LEN] = text.try_into().ok()?;
        let like = b"0000-00-00T00:00:00.000Z";
        let fits = |(byte, like): (&u8, &u8)| if *like == b'0' { byte.is_ascii_digit() } else { byte == like };
        bytes.iter().zip(like).all(fits).then_some(Self(bytes))
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The moment; `None` for digits that are no date.
    pub(super) fn moment(&self) -> Option<OffsetDateTime> {
        let number = |from, to| self.number(from, to);
        let small = |from, to| u8::try_from(number(from, to)).ok();
        let month = Month::try_from(small(5, 7)?).ok()?;
        let date = Date::from_calendar_date(i32::try_from(number(0, 4)).ok()?, month, small(8, 10)?).ok()?;
        let milli = u16::try_from(number(20, 23)).ok()?;
        let time = Time::from_hms_milli(small(11, 13)?, small(14, 16)?, small(17, 19)?, milli).ok()?;
        Some(PrimitiveDateTime::new(date, time).assume_utc())
    }

    fn number(&self, from: usize, to: usize) -> u32 {
        self.0[from..to].iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'))
    }
}

/// Turns stamps into milliseconds since 1970: those of one minute differ in few digits.
#[derive(Default)]
pub(super) struct Minutes(Option<([u8; Stamp::MINUTE], i64)>);

impl Minutes {
    /// `None` for digits that are no date.
    pub(super) fn milliseconds(&mut self, stamp: &Stamp) -> Option<i64> {
        let (second, milli) = (stamp.number(17, 19), i64::from(stamp.number(20, 23)));
        let minute: [u8; Stamp::MINUTE] = stamp.0[..Stamp::MINUTE].try_into().ok()?;
        if let Some((known, start)) = &self.0
            && *known == minute
            && second < 60
        {
            return Some(start + i64::from(second) * 1000 + milli);
        }
        let moment = stamp.moment()?.unix_timestamp();
        self.0 = Some((minute, (moment - i64::from(second)) * 1000));
        Some(moment * 1000 + milli)
    }
}

/// The moment of so many milliseconds since 1970; the nearest one that has a date.
pub(super) fn stamp_of(milliseconds: i64) -> Stamp {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000);
    Stamp::new(moment.unwrap_or(OffsetDateTime::UNIX_EPOCH))
}

fn digits(place: &mut [u8], mut number: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When, in UTC, RFC 3339 to the millisecond.
    pub t: String,
    /// Counts the lines of one run of the program, from 1.
    pub seq: u64,
    /// How grave.
    pub level: Level,
    /// Which part of the app: one of [`super::AREAS`].
    pub area: String,
    /// The account it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// What happened: a constant text.
    pub msg: String,
    /// So many more lines of this kind came within the second and were left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<u64>,
    /// The facts.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub fields: Fields,
    /// The spans it happened in, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<String>,
}

impl Entry {
    /// The text that is searched: the message, then `name=value` of each fact.
    pub fn text(&self) -> String {
        let mut text = self.msg.clone();
        for (name, value) in &self.fields.0 {
            text.push(' ');
            text.push_str(name);
            text.push('=');
            match value.as_str() {
                Some(value) => text.push_str(value),
                None => text.push_str(&value.to_string()),
            }
        }
        text
    }
}

/// The facts of a line, in the order in which they were written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fields(pub Vec<(String, Value)>);

impl Fields {
    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the fact of that name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// What a search needs of a line before it parses the rest.
pub(super) struct Head<'a> {
    pub(super) stamp: Stamp,
    pub(super) seq: u64,
    pub(super) level: &'a [u8],
    pub(super) area: &'a [u8],
    pub(super) account: Option<&'a [u8]>,
    /// The part of the line in which level, area and account stand.
    pub(super) kind: &'a [u8],
    /// Where that part ends in the line.
    pub(super) end: usize,
}

impl<'a> Head<'a> {
    /// Reads the head; `None` for a line that is cut or that something else has written.
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        let rest = line.strip_prefix(br#"{"t":""#)?;
        let (stamp, rest) = rest.split_at_checked(Stamp::LEN)?;
        let rest = rest.strip_prefix(br#"","seq":"#)?;
        let (seq, rest) = rest.split_at_checked(rest.iter().position(|byte| !byte.is_ascii_digit())?)?;
        let facts = rest;
        let (level, rest) = quoted(rest.strip_prefix(br#","level":""#)?)?;
        let (area, rest) = quoted(rest.strip_prefix(br#","area":""#)?)?;
        let account = rest.strip_prefix(br#","account":""#).and_then(quoted);
        let rest = account.map_or(rest, |(_, rest)| rest);
        let kind = &facts[..facts.len() - rest.len()];
        let end = line.len() - rest.len();
        let seq = std::str::from_utf8(seq).ok()?.parse().ok()?;
        let account = account.map(|(account, _)| account);
        Some(Self { stamp: Stamp::parse(stamp)?, seq, level, area, account, kind, end })
    }
}

fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b'"', text)?;
    Some((&text[..end], &text[end + 1..]))
}
