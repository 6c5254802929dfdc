//! Updates of the program.

use serde::Serialize;
use specta::Type;

/// How far the update is, and whether one is looked for.
#[derive(Debug, Clone, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct UpdateView {
    /// Whether the program looks once a day by itself.
    pub daily: bool,
    /// How far the update is.
    pub step: UpdateStep,
}

/// How far the update is.
#[derive(Debug, Clone, Default, Serialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum UpdateStep {
    /// This build was told of no place that updates come from.
    NoSource,
    /// Nobody has looked yet.
    #[default]
    Unknown,
    /// There is no newer version.
    Newest,
    /// There is a newer version.
    Found {
        /// Its number.
        version: String,
        /// What its makers say of it.
        notes: Option<String>,
    },
    /// It is here and proved, and waits for a restart.
    Fetched {
        /// Its number.
        version: String,
    },
    /// It is installed, and the program is about to start anew.
    Installed,
    /// Something went wrong; the program is as it was.
    Failed {
        /// What.
        why: UpdateFailure,
        /// In the words of whoever found out.
        detail: String,
    },
}

/// What went wrong with an update.
#[derive(Debug, Clone, Copy, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum UpdateFailure {
    /// The source did not answer, or the download broke off.
    Unreachable,
    /// Signature, version or size are wrong.
    Refused,
    /// A message is being sent.
    Sending,
    /// The installer did not do it.
    NotInstalled,
}

/// How much of an update has come.
#[derive(Debug, Clone, Copy, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct UpdateProgress {
    /// In percent.
    pub percent: u32,
}
