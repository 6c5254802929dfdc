//! `settings.json`: what a person may choose on this computer. Never a secret.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use time::{Time, macros::time};

use super::ProfileError;
use crate::{files, logbook::Level};

/// The choices of this computer. Fields that this version does not know are kept when it writes the file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The language as a BCP 47 tag (`uk`, `en`, `pl`); the system's when absent.
    pub language: Option<String>,
    /// Light, dark, or as the system has it.
    pub theme: Theme,
    /// How much room a row takes.
    pub density: Density,
    /// The least level the logbook keeps of the app's own lines.
    pub log_level: Level,
    /// Where the data is.
    pub database: DatabaseSettings,
    /// When and how somebody is told of new messages.
    pub notices: NoticeSettings,
    /// Whether closing the window leaves the program in the tray, where the system shows one.
    pub close_to_tray: CloseToTray,
    /// For so many seconds a mail that was sent can be taken back; 0: it goes at once. Five unless chosen.
    pub undo_seconds: Option<u8>,
    /// For so many seconds a text in a chat can be taken back; 0: it goes at once, as it does unless chosen.
    pub chat_undo_seconds: u8,
    /// The name of the one at this computer.
    pub me: Option<String>,
    /// The names of everybody in the bureau to whom a conversation can be given.
    pub managers: Vec<String>,
    /// When the bureau works.
    pub business_hours: BusinessHours,
    /// Whether a newer version is looked for.
    pub updates: UpdateSettings,
    /// The step of the first run that is to be made next; `None` once it is over, and on a profile that never had one.
    pub first_run: Option<FirstRunStep>,
    /// Where the private database is backed up to every day.
    pub backup: BackupSettings,
    /// Where the old CRM's things are.
    pub adoption: AdoptionSettings,
    #[serde(flatten)]
    unknown: serde_json::Map<String, serde_json::Value>,
}

impl Settings {
    /// For so many seconds a mail that was sent can be taken back.
    pub fn undo(&self) -> u8 {
        self.undo_seconds.unwrap_or(5)
    }
}

/// The steps of the first run, in their order. The keys come before the data: a server's password needs a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstRunStep {
    /// Which language the window speaks.
    Language,
    /// Where passwords are kept.
    Secrets,
    /// Where the correspondence is kept.
    Data,
    /// The old CRM's database is taken over; the database here is open by then.
    Adopt,
    /// The first mailbox or Telegram account; the database is open by then.
    Account,
}

/// Where the old CRM's things are, as they were named last. Its password is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AdoptionSettings {
    /// Its database's address, without a password; empty while nobody has named one.
    pub from: String,
    /// The folder with its files.
    pub media: Option<PathBuf>,
    /// The address of a client's card there, with `{id}`.
    pub client_link: Option<String>,
}

/// Daily backups of the private database.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BackupSettings {
    /// The folder; none is made where there is none.
    pub folder: Option<PathBuf>,
}

/// Light, dark, or as the system has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// How much room a row takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Density {
    /// The usual row height.
    #[default]
    Comfortable,
    /// More rows on the screen.
    Compact,
}

/// When and how somebody is told of new messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NoticeSettings {
    /// Whether at all.
    pub enabled: bool,
    /// Whether a notice shows sender and first words.
    pub preview: bool,
    /// Whether it sounds.
    pub sound: bool,
    /// Not now, until a person says otherwise.
    pub do_not_disturb: bool,
    /// Not at these hours.
    pub quiet_hours: QuietHours,
}

impl Default for NoticeSettings {
    fn default() -> Self {
        Self { enabled: true, preview: true, sound: true, do_not_disturb: false, quiet_hours: QuietHours::default() }
    }
}

impl NoticeSettings {
    /// Whether nobody is to be disturbed when the wall clock says `local`.
    pub fn is_quiet(&self, local: Time) -> bool {
        let QuietHours { on, from, to } = self.quiet_hours;
        let within = if from <= to { from <= local && local < to } else { from <= local || local < to };
        self.do_not_disturb || (on && within)
    }
}

/// Hours of every day, by the wall clock; over midnight where `from` is later than `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct QuietHours {
    /// Whether they are kept.
    pub on: bool,
    /// The first quiet minute.
    #[serde(with = "hour_and_minute")]
    pub from: Time,
    /// The first minute that is not quiet any more; the same as `from` is never.
    #[serde(with = "hour_and_minute")]
    pub to: Time,
}

impl Default for QuietHours {
    fn default() -> Self {
        Self { on: false, from: time!(20:00), to: time!(08:00) }
    }
}

/// Whether a newer version is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UpdateSettings {
    /// Once a day, by itself. Nothing is fetched that nobody asked for.
    pub daily: bool,
}

impl Default for UpdateSettings {
    fn default() -> Self {
        Self { daily: true }
    }
}

/// When the bureau works, by the wall clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BusinessHours {
    /// ISO weekdays, 1 (Monday) to 7.
    pub days: Vec<u8>,
    /// The first minute of work.
    #[serde(with = "hour_and_minute")]
    pub from: Time,
    /// The first minute after work.
    #[serde(with = "hour_and_minute")]
    pub to: Time,
}

impl Default for BusinessHours {
    fn default() -> Self {
        Self { days: vec![1, 2, 3, 4, 5], from: time!(9:00), to: time!(18:00) }
    }
}

time::serde::format_description!(hour_and_minute, Time, "[hour]:[minute]");

/// What closing the window does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CloseToTray {
    /// Whether the program goes on in the tray.
    pub on: bool,
    /// Whether a person has been told once.
    pub told: bool,
}

impl Default for CloseToTray {
    fn default() -> Self {
        Self { on: true, told: false }
    }
}

/// Where the data is: a private cluster by default, the bureau's server when its URL is set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DatabaseSettings {
    /// The folder that holds the Postgres programs (`bin`, `lib`, `share`) instead of those that come with the app.
    pub binaries: Option<PathBuf>,
    /// `postgres://user@host:port/database`, without a password: that one stands in the keyring.
    pub server_url: Option<String>,
    /// The PEM file of the certificate authority that signed the server's certificate.
    pub ca_file: Option<PathBuf>,
}

/// Reads the settings; the defaults where there is no file. A damaged file is left where it is: it may name the team's
/// server, and a program that went on without it would begin an empty database.
pub(super) fn load(path: &Path) -> Result<Settings, ProfileError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Settings::default()),
        Err(error) => return Err(ProfileError::io(path, error)),
    };
    serde_json::from_slice(&text)
        .map_err(|error| ProfileError::DamagedSettings { path: path.to_owned(), reason: error.to_string() })
}

pub(super) fn save(path: &Path, settings: &Settings) -> Result<(), ProfileError> {
    let text = serde_json::to_vec_pretty(settings)
        .map_err(|error| ProfileError::Io { path: path.to_owned(), source: error.into() })?;
    files::replace(path, &text).map_err(|error| ProfileError::io(path, error))
}
