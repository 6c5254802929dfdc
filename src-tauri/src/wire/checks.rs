//! What was looked at and found, and how a self-test went.

use serde::{Deserialize, Serialize};
use specta::Type;

use super::{AccountStateView, ConversationKey, WireError};

/// One line of the diagnostics page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What was looked at: `versions`, `database`, `queries`, `schema`, `columns`, `summaries`, `search`, `outbox`,
    /// `quarantine`, `secrets`, `disk`, `logs`, `panics`, `events`, `clock`, `legacy`, `backup`, or of an account `account`,
    /// `session`, `completeness`, `silence`, `backlog`, `quota`, `connections` or `certificate`.
    pub name: String,
    /// Whose check it is, where it is an account's.
    pub account: Option<String>,
    /// What the bureau calls that account.
    pub account_name: Option<String>,
    /// How that is.
    pub state: CheckState,
    /// What was found.
    pub finding: Finding,
    /// What would repair it: `retry_account`, `sign_in`, `free_disk`, `open_vault`, `fetch_missing`, `support_report`,
    /// `repair_legacy`, `set_clock`, `open_clock` (where the system's settings can be opened from here),
    /// `renew_certificate`, `empty_mailbox`, `restore_columns`, `reload_window`, `retry_database`, `migrate`, `outbox`,
    /// `quarantine`, `backup`; null when nothing is needed.
    pub repair: Option<String>,
    /// Since when it stands so, as far as that is known.
    pub since: String,
    /// When it was looked at.
    pub checked_at: String,
}

/// What a check found. Green means looked at, not assumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// Looked at and in order.
    Ok,
    /// Works, but somebody should look.
    Warn,
    /// Does not work.
    Failed,
    /// Could not be looked at.
    Unknown,
}

/// A finding with its values: whoever shows it puts it into words. Texts in it are quotations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Finding {
    /// Something went wrong, and this was said of it.
    Trouble {
        /// What.
        why: WireError,
    },
    /// It was not tried, since something before it failed.
    NotTried,
    /// Which programs these are.
    Versions {
        /// Skrynka's version.
        program: String,
        /// What draws the pages; null where the system has none.
        webview: Option<String>,
        /// The kind of operating system.
        system: String,
        /// Why nothing draws the pages.
        why: Option<String>,
    },
    /// The keyring or vault answers.
    SecretsAnswer {
        /// `keyring`, `vault` or `memory`.
        store: String,
    },
    /// Room on the profile's disk.
    Room {
        /// Free, in MiB; null where the system does not tell.
        free_mib: Option<u32>,
    },
    /// The team's server is backed up where it runs.
    BackupElsewhere,
    /// No folder for backups is chosen.
    BackupNoFolder,
    /// The first backup is still to come.
    BackupToCome,
    /// The last backup.
    Backup {
        /// When it was made.
        at: String,
        /// Whether it was restored on trial.
        tried_out: bool,
        /// Whether it is as new as it should be.
        fresh: bool,
        /// Why the one after it failed.
        why: Option<String>,
    },
    /// No backup was ever made.
    NoBackup {
        /// Why it failed.
        why: String,
    },
    /// The log's files.
    Log {
        /// How large they are, in KiB.
        kib: u32,
        /// How many there are.
        files: u32,
        /// Lines that were lost.
        dropped: u32,
    },
    /// The log cannot be written and goes on in memory.
    LogInMemory {
        /// Why.
        why: String,
    },
    /// No defect of the program was noted.
    NoPanics,
    /// Defects of the program that nobody has put aside.
    Panics {
        /// How many.
        count: u32,
        /// When the last one was.
        at: String,
        /// In which version.
        version: String,
        /// Where in the program.
        location: String,
        /// What was said.
        said: String,
    },
    /// Only a window can tell.
    NoWindow,
    /// No window has asked for events.
    NoSubscription,
    /// Events on their way to the window.
    Events {
        /// Sent.
        sent: u32,
        /// Of which the window has said that it has them.
        confirmed: u32,
        /// Seconds since the window was last heard of.
        quiet_s: u32,
    },
    /// Statements in the database.
    Statements {
        /// Seconds for which the longest has run.
        longest_s: u32,
        /// How many wait for another one.
        waiting: u32,
    },
    /// A newer program has changed the schema, and only it knows the types.
    ColumnsNewer,
    /// Every column has its type.
    ColumnsRight,
    /// Columns that have not.
    ColumnsWrong {
        /// Which.
        columns: Vec<ColumnView>,
    },
    /// The database answers.
    Database {
        /// Postgres' version.
        version: String,
        /// Whether it is this program's own.
        private: bool,
        /// Whether what is committed is on the disk.
        fsync: bool,
        /// Whether pages carry checksums.
        checksums: bool,
        /// Its size in MiB.
        mib: u32,
        /// Milliseconds in which it answered.
        ms: u32,
        /// Open connections.
        connections: u32,
        /// As many are possible.
        max_connections: u32,
    },
    /// The schema is as this program knows it.
    Schema {
        /// Migrations that were applied.
        applied: u32,
    },
    /// The schema is older than this program.
    SchemaPending {
        /// Migrations that were not applied.
        pending: u32,
    },
    /// The schema needs a newer program.
    SchemaNewer {
        /// The version that it needs.
        needed: i32,
        /// This program's.
        own: i32,
    },
    /// Summaries of conversations.
    Summaries {
        /// How many disagree with their messages.
        wrong: u32,
    },
    /// The search index.
    Search {
        /// Messages that wait for it.
        pending: u32,
    },
    /// No server has told the time lately.
    ClockUnknown,
    /// How other clocks differ from this computer's.
    Clock {
        /// Milliseconds by which the team's database is ahead; null for a private one.
        database_ms: Option<i32>,
        /// Seconds by which servers received messages after this computer; 0: none did. Null where none has told.
        servers_s: Option<u32>,
    },
    /// Columns of the old system's table of accounts.
    Legacy {
        /// Those that are wrong, or all where none is.
        columns: Vec<ColumnView>,
    },
    /// Messages that cannot be read.
    Quarantine {
        /// Those that nobody has dismissed.
        open: u32,
        /// The others.
        dismissed: u32,
    },
    /// What goes out and has not gone.
    Outbox {
        /// All of it.
        all: u32,
        /// What is late.
        late: u32,
        /// What cannot go.
        failed: u32,
        /// What was perhaps sent.
        uncertain: u32,
    },
    /// Nobody has ever listened to the account.
    NeverListened,
    /// Nobody listens to the account.
    NobodyListens {
        /// Where its listener stood.
        state: AccountStateView,
        /// When it was last heard of.
        at: String,
    },
    /// The account's listener.
    Listener {
        /// Where it stands.
        state: AccountStateView,
        /// Since when.
        since: String,
        /// Minutes for which nothing was heard of a live account, where that is long.
        unheard_min: Option<u32>,
        /// Milliseconds that the last message took into the database, where that is many.
        slow_ms: Option<u32>,
    },
    /// The keyring holds no session of the account.
    NoSession,
    /// What the account's folders or chats hold against what is stored.
    Completeness {
        /// Messages that are missing.
        missing: u32,
        /// Messages that the server holds.
        held: u32,
        /// Folders or chats that were compared.
        places: u32,
        /// Whether they are chats.
        chats: bool,
        /// When the first of them was compared; null where none ever was.
        at: Option<String>,
        /// Some of those that could not be compared for a day.
        unknown: Vec<String>,
        /// As many more could not.
        unknown_more: u32,
    },
    /// Nothing comes from customers where much usually does.
    Silence {
        /// Since when.
        since: String,
        /// The least that came in the same hours of each of the four weeks before.
        usual: u32,
    },
    /// The certificate of the account's server.
    Certificate {
        /// Until when it is good.
        until: String,
        /// In how many days that is; below zero after it.
        days: i32,
    },
    /// The mailbox's server has told no limit.
    NoQuota,
    /// How full the mailbox is.
    Quota {
        /// Used, in MiB.
        used_mib: u32,
        /// Allowed, in MiB.
        limit_mib: u32,
        /// The one of the other.
        percent: u32,
    },
    /// Connections to the mailbox's server.
    Connections {
        /// How many are open; null where they have not been counted.
        open: Option<u32>,
        /// When the server last found them too many.
        limited_at: Option<String>,
        /// What it said then.
        said: Option<String>,
    },
    /// Messages that are still to be fetched.
    Backlog {
        /// How many.
        missing: u32,
        /// Whether they become fewer.
        shrinking: bool,
        /// When there were last fewer than before.
        since: String,
    },
}

/// A column of a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ColumnView {
    /// Table and column; of the old system also the schema.
    pub name: String,
    /// Its type; null where it is missing.
    pub is: Option<String>,
    /// What it should be, where that is known.
    pub due: Option<String>,
}

/// Where a message to oneself passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum StationName {
    /// It stands in the outbox.
    Queued,
    /// The server took it.
    Accepted,
    /// The listener has it.
    Seen,
    /// It is in the database.
    Stored,
    /// The journal told of it.
    Announced,
    /// The window has drawn it.
    Painted,
    /// Nothing of it is left.
    Removed,
}

/// A station that a self-test has reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct StationView {
    /// Which.
    pub station: StationName,
    /// Milliseconds since the beginning.
    pub ms: u32,
    /// Where the message stands, once that is known: the window says when it has drawn it.
    pub conversation: Option<ConversationKey>,
}

/// What a self-test found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SelfTestView {
    /// The stations that were reached, in order.
    pub reached: Vec<StationView>,
    /// The station that was not reached; null when all were.
    pub failed: Option<StationName>,
    /// Why not.
    pub why: Option<SelfTestCause>,
    /// Folders in which it was found all the same.
    pub found_in: Vec<String>,
    /// What would repair it, as of a [`Check`].
    pub repair: Option<String>,
}

/// What kept a self-test from the next station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum SelfTestCause {
    /// The server, the database or a library said so.
    Trouble {
        /// What.
        why: WireError,
    },
    /// The program that listened to the account has ended.
    HolderGone {
        /// What it calls itself.
        holder: String,
    },
    /// A person has switched the account off.
    SwitchedOff,
    /// The account is not connected just now.
    NotConnected,
    /// Nothing happened.
    Silence {
        /// For so many seconds.
        seconds: u32,
    },
    /// The server did not take the message and said no more.
    NotTaken,
    /// It is no longer in the outbox.
    Withdrawn,
    /// The window had it and has not drawn it.
    NotDrawn,
}
