//! The support report: its files are read in the window before they are saved.

use serde::{Deserialize, Serialize};
use specta::Type;

/// A report that is ready. What is saved is what it shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ReportView {
    /// The files of the archive.
    pub files: Vec<ReportFile>,
    /// What was removed.
    pub removed: Vec<ReportRemoved>,
    /// What could not be told.
    pub untold: Vec<ReportUntold>,
    /// The archive's size.
    pub kib: u32,
}

/// A file of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ReportFile {
    /// Its name.
    pub name: String,
    /// All of its text.
    pub text: String,
}

/// What a report's remover took out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ReportRemoved {
    /// What it was.
    pub what: RemovedKind,
    /// How many.
    pub count: u32,
}

/// What may not leave the computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum RemovedKind {
    /// A password, session or key.
    Secret,
    /// A mail address.
    Address,
    /// A phone number, or a number that may name a person.
    Number,
    /// A name.
    Name,
    /// A server.
    Host,
    /// A folder or file.
    Path,
    /// What somebody quoted.
    Quoted,
    /// Words of another language than the program's own.
    Words,
    /// A field that is not known to be harmless.
    Field,
}

impl From<skrynka_core::logbook::redact::What> for RemovedKind {
    fn from(what: skrynka_core::logbook::redact::What) -> Self {
        use skrynka_core::logbook::redact::What;

        match what {
            What::Secret => Self::Secret,
            What::Address => Self::Address,
            What::Number => Self::Number,
            What::Name => Self::Name,
            What::Host => Self::Host,
            What::Path => Self::Path,
            What::Quoted => Self::Quoted,
            What::Words => Self::Words,
            What::Field => Self::Field,
        }
    }
}

/// A part that a report lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ReportUntold {
    /// `settings`, `secrets`, `database`, `log`, or a part of the database.
    pub part: String,
    /// Why, in the words of whoever said it.
    pub reason: String,
}
