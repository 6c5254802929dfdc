//! The log viewer: rows come in windows, never one event per line.

use serde::{Deserialize, Serialize};
use specta::Type;

use super::LogLevelName;

/// What the viewer shows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LogFilter {
    /// This level and worse.
    pub level: LogLevelName,
    /// Only these areas: `app`, `events`, `email`, `telegram`, `store`, `outbox`, `ui`; empty is all.
    pub areas: Vec<String>,
    /// Only this account.
    pub account: Option<String>,
    /// What is looked for, whatever its case; empty is nothing.
    pub text: String,
    /// Whether the text is a regular expression.
    pub regex: bool,
    /// Whether lines without it are shown too: then it is only marked.
    pub mark_only: bool,
    /// None of these.
    pub exclude: Vec<LogExclude>,
    /// Not before this moment.
    pub since: Option<String>,
    /// Before this moment.
    pub until: Option<String>,
}

/// What a line must not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(tag = "what", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum LogExclude {
    /// Of an area.
    Area {
        /// The area.
        value: String,
    },
    /// About an account.
    Account {
        /// The account.
        value: String,
    },
    /// One that holds a text, whatever its case.
    Text {
        /// The text.
        value: String,
    },
}

/// Which window of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(tag = "from", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum LogAnchor {
    /// The newest rows.
    Newest,
    /// Rows older than this one.
    Before {
        /// A row's cursor.
        cursor: String,
    },
    /// Rows newer than this one.
    After {
        /// A row's cursor.
        cursor: String,
    },
    /// This row, with as many before it as after it.
    Around {
        /// A row's cursor.
        cursor: String,
    },
    /// The rows from a moment on, and as many before it.
    At {
        /// The moment.
        moment: String,
    },
}

/// A window of rows, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LogPage {
    /// The rows.
    pub rows: Vec<LogRow>,
    /// Whether older rows that match may exist.
    pub has_older: bool,
    /// Whether newer rows that match exist.
    pub has_newer: bool,
    /// Where a search that was stopped goes on: rows before it have not been looked at.
    pub stopped_at: Option<String>,
}

/// What was written after a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LogNews {
    /// The newest of it, oldest first.
    pub rows: Vec<LogRow>,
    /// Whether lines between that row and these were passed over: a window before the first of these has them.
    pub passed: bool,
}

/// How far a search has come; what was searched and is to be searched are estimates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LogProgress {
    /// Lines that were searched.
    pub searched: u32,
    /// Lines there are to search.
    pub lines: u32,
    /// Lines that were found so far.
    pub found: u32,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LogRow {
    /// Its place, opaque; unique.
    pub cursor: String,
    /// When.
    pub at: String,
    /// Its level: `TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR`.
    pub level: String,
    /// Its area.
    pub area: String,
    /// The account it is about.
    pub account: Option<String>,
    /// The constant message.
    pub message: String,
    /// The facts, in order.
    pub fields: Vec<LogField>,
    /// The spans it was written in, outermost first.
    pub spans: Vec<String>,
    /// Where what is looked for stands in the message with the facts after it, each as ` name=value`.
    pub marks: Vec<LogMark>,
}

/// A stretch of a text, in UTF-16 code units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LogMark {
    /// Where it begins.
    pub from: u32,
    /// Where it ends.
    pub to: u32,
}

/// How many lines there were when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LogHistogram {
    /// When the first stretch begins.
    pub from: String,
    /// When the last one ends.
    pub until: String,
    /// Stretches of equal length, oldest first.
    pub buckets: Vec<LogBucket>,
}

/// The lines of one stretch of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LogBucket {
    /// At DEBUG and TRACE.
    pub debug: u32,
    /// At INFO.
    pub info: u32,
    /// At WARN.
    pub warn: u32,
    /// At ERROR.
    pub error: u32,
}

/// One fact of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LogField {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// How much is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LogStats {
    /// KiB in all files.
    pub kib: u32,
    /// The cap over all files in KiB.
    pub cap_kib: u32,
    /// Lines that could not be written since the start.
    pub dropped: u32,
    /// Whether the files cannot be written, so that only memory is left; the reason.
    pub memory_only: Option<String>,
    /// The usual level.
    pub level: LogLevelName,
    /// Until when details are written too.
    pub details_until: Option<String>,
}

/// Lines arrived that the follower has not read; it asks for the newest of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LogsGrew {
    /// Lines written since the program started.
    pub written: u32,
}
