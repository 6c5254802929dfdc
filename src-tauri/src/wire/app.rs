//! The program itself: start-up, preferences, diagnostics.

use serde::{Deserialize, Serialize};
use specta::Type;

use super::{ConversationKey, MessageKey, PageKey};

/// Where the program stands between its start and a usable inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(tag = "phase", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum AppStatus {
    /// Working on it; `step` names what is being done.
    Starting {
        /// What is being done.
        step: StartStep,
    },
    /// Nobody has chosen anything on this profile yet: no database is opened before that.
    FirstRun,
    /// There is no keyring service: a passphrase vault is offered, or must be opened.
    NeedsVault {
        /// Whether a vault exists already and only its passphrase is missing.
        exists: bool,
        /// Why the keyring cannot be used, in the system's words.
        reason: String,
    },
    /// The database cannot be used; what was stored is untouched.
    DatabaseTrouble {
        /// What kind of trouble.
        code: DatabaseTroubleCode,
        /// The cause in the words of whoever said it.
        detail: String,
        /// Since when.
        since: String,
    },
    /// The profile folder cannot be used.
    ProfileTrouble {
        /// The cause.
        detail: String,
    },
    /// The inbox is usable.
    Ready,
}

/// The steps of a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum StartStep {
    /// Opening the keyring or the vault.
    Secrets,
    /// Unpacking and starting the private database, or reaching the server.
    Database,
    /// Bringing the schema up to date.
    Migrating,
    /// Starting the accounts.
    Accounts,
}

/// Why the database cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum DatabaseTroubleCode {
    /// The disk is full.
    DiskFull,
    /// A folder may not be read or written.
    NoPermission,
    /// The Postgres programs were not found.
    BinariesMissing,
    /// The server does not answer.
    Unreachable,
    /// The server refused the role or its password.
    SignIn,
    /// The schema is newer than this program can use.
    SchemaTooNew,
    /// The data folder is damaged or of another major version.
    Damaged,
    /// Anything else.
    Other,
}

/// What a manager has chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Preferences {
    /// `uk`, `en`, `pl`; null follows the system.
    pub language: Option<String>,
    /// Light, dark, or as the system.
    pub theme: Theme,
    /// Rows of 52 px instead of 72.
    pub compact: bool,
    /// The log level that is written to files.
    pub log_level: LogLevelName,
    /// A team's server, `postgres://user@host/database` without a password; null is the private database.
    pub server_url: Option<String>,
    /// When and how somebody is told of new messages.
    pub notices: NoticePreferences,
    /// Closing the window leaves the program in the tray, where the system shows one.
    pub close_to_tray: bool,
    /// For so many seconds a mail that was sent can be taken back, 0 to 60.
    pub undo_seconds: u8,
    /// For so many seconds a text that was sent in a chat can be taken back, 0 to 60.
    pub chat_undo_seconds: u8,
    /// The name of the one at this computer; null while they have not said.
    pub me: Option<String>,
    /// The names of everybody in the bureau to whom a conversation can be given.
    pub managers: Vec<String>,
    /// When the bureau works: waiting is counted in these hours.
    pub business_hours: BusinessHoursView,
    /// The step of the first run that is to be made next; null once it is over. `go_first_run` changes it.
    pub first_run: Option<FirstRunStepName>,
    /// The folder of the daily backups; null where none are made. `set_backup_folder` changes it.
    pub backup_folder: Option<String>,
}

/// The steps of the first run, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum FirstRunStepName {
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

/// What was found when the keyring was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SecretsView {
    /// What became of it.
    pub state: SecretsState,
    /// `keyring` or `vault`; empty where neither is open.
    pub kind: String,
    /// What the system said; empty where all is well.
    pub reason: String,
    /// How long it took, in milliseconds.
    pub ms: u32,
}

/// Whether passwords can be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum SecretsState {
    /// A trial entry was written and read back, or the vault is open.
    Ready,
    /// The keyring is there and does not open.
    Locked,
    /// There is a vault, and its passphrase is missing.
    NeedsPassphrase,
    /// There is no keyring: a passphrase vault is the other choice.
    NeedsVault,
}

/// How the daily backups stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct BackupView {
    /// Where to; null where none are made.
    pub folder: Option<String>,
    /// When the last one that is whole was made.
    pub made_at: Option<String>,
    /// Its file.
    pub file: Option<String>,
    /// Its size in KiB.
    pub kib: u32,
    /// Whether it was restored on trial.
    pub tried_out: bool,
    /// Why the last try failed.
    pub error: Option<String>,
}

/// A backup that somebody chose, read whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct BackupFileView {
    /// The file's name.
    pub name: String,
    /// When the database was as it is in there.
    pub made_at: String,
    /// Accounts in it.
    pub accounts: u32,
    /// Messages in it.
    pub messages: u32,
}

/// What the private database would find on this computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct FreeRoomView {
    /// Free room on the profile's disk in MiB; null where it is not known.
    pub free_mib: Option<u32>,
    /// Whether that is enough to begin with.
    pub enough: bool,
}

/// When the bureau works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct BusinessHoursView {
    /// ISO weekdays, 1 (Monday) to 7.
    pub days: Vec<u8>,
    /// By the wall clock, `HH:MM`.
    pub from: String,
    /// By the wall clock, `HH:MM`; later than `from`.
    pub to: String,
}

/// When and how somebody is told of new messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct NoticePreferences {
    /// Whether at all.
    pub enabled: bool,
    /// Whether a notice shows sender and first words.
    pub preview: bool,
    /// Whether it sounds.
    pub sound: bool,
    /// Not now, until a person says otherwise.
    pub do_not_disturb: bool,
    /// Not between `quiet_from` and `quiet_to`.
    pub quiet_hours: bool,
    /// By the wall clock, `HH:MM`.
    pub quiet_from: String,
    /// By the wall clock, `HH:MM`; over midnight where it is earlier than `quiet_from`.
    pub quiet_to: String,
}

/// The preferences were changed, maybe outside the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type, tauri_specta::Event)]
pub struct PreferencesChanged(pub Preferences);

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the operating system.
    #[default]
    System,
    /// White slip.
    Light,
    /// Smoked ware.
    Dark,
}

/// The levels a person chooses between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum LogLevelName {
    /// Everything, for following a fault.
    Debug,
    /// What a user would notice.
    #[default]
    Info,
    /// Worth a look.
    Warn,
    /// Broken.
    Error,
}

/// Facts about this program and where it keeps its things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// The program's version.
    pub version: String,
    /// The profile folder.
    pub profile: String,
    /// `private` or `server`.
    pub database: String,
    /// `keyring`, `vault` or `memory`.
    pub secrets: String,
    /// The system's language tag, e.g. `uk-UA`.
    pub system_language: String,
    /// When a panic last left a note that nobody has put aside.
    pub panicked_at: Option<String>,
}

/// What would make room on the disk, in KiB. Nothing of it is a message, or the only copy of anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct RoomView {
    /// Log files but the one that is written.
    pub logs: u32,
    /// Copies that a program which died was about to store, and that are read from the server again.
    pub spooled: u32,
    /// Copies of files that somebody opened.
    pub opened: u32,
    /// Parts of chats' files, which are fetched again.
    pub fetched: u32,
}

/// How many checks want a person. Told after every look, whoever asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type, tauri_specta::Event)]
#[serde(rename_all = "camelCase")]
pub struct AttentionChanged {
    /// Checks that something can be done about.
    pub needing: u32,
}

/// What came while nothing was heard of some accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct AwayView {
    /// When the first of them was last heard of.
    pub began_at: String,
    /// When the last of them was live again.
    pub ended_at: String,
    /// Which they are.
    pub accounts: Vec<AwayAccount>,
    /// Open conversations whose last word came meanwhile from outside.
    pub waiting: u32,
    /// The one of those that waits longest; null where there is none.
    pub longest: Option<ConversationKey>,
    /// Since when.
    pub longest_since: Option<String>,
    /// What was due meanwhile and went out late, or has not gone.
    pub late: u32,
}

/// An account of which nothing was heard for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct AwayAccount {
    /// Which.
    pub account: String,
    /// Messages from outside that its server received meanwhile.
    pub came: u32,
}

/// How a folder stood when it was last compared with its server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct CompletenessView {
    /// Whose it is.
    pub account: String,
    /// The folder; unique within the account.
    pub mailbox: String,
    /// What a person calls it.
    pub name: String,
    /// When it was compared.
    pub checked_at: String,
    /// How many messages the server held of what belongs here.
    pub held: u32,
    /// How many of them were not here.
    pub missing: u32,
}

/// A page of what could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct QuarantinePage {
    /// What arrived last comes first.
    pub rows: Vec<QuarantinedView>,
    /// Where the next page starts; null at the end.
    pub next: Option<PageKey>,
    /// How many there are that nobody has dismissed.
    pub open: u32,
    /// How many were dismissed.
    pub dismissed: u32,
}

/// A message that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct QuarantinedView {
    /// Which message.
    pub key: MessageKey,
    /// Where it is shown.
    pub conversation: ConversationKey,
    /// The folder or chat it stands in, as a person calls it.
    pub place: String,
    /// Its number there.
    pub number: u32,
    /// When its server received it.
    pub received_at: String,
    /// Why it could not be read, in one technical line.
    pub reason: String,
    /// Bytes that are here of it; 0 where there are none to save.
    pub size: u32,
    /// Whether they are all of it: then it is read anew without its server.
    pub whole: bool,
    /// How often it was tried.
    pub tries: u32,
    /// When it was last tried.
    pub last_tried_at: String,
    /// Whether somebody dismissed it.
    pub dismissed: bool,
}
