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
    /// Only lines that hold this text, whatever its case.
    pub text: String,
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
}

/// Lines arrived that the follower has not read; it asks for them with `LogAnchor::After`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LogsGrew {
    /// Lines written since the program started.
    pub written: u32,
}
