//! Accounts: their state, and adding a mailbox by steps.

use serde::{Deserialize, Serialize};
use skrynka_core::model::{Auth, Security};
use specta::Type;

use super::{TelegramView, WireError};

/// An account with its live state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct AccountView {
    /// Its key.
    pub id: String,
    /// `email` or `telegram`.
    pub channel: String,
    /// What the bureau calls it.
    pub name: String,
    /// One or two characters for its tile.
    pub code: String,
    /// Its colour, 1 to 8.
    pub color: u8,
    /// The mailbox's address, or the phone number.
    pub address: String,
    /// Whether it is listened to.
    pub enabled: bool,
    /// Whether nobody is told of its messages.
    pub muted: bool,
    /// Where its listener stands.
    pub state: AccountStateView,
    /// Since when it is in this state.
    pub state_since: String,
    /// When the last message was stored.
    pub last_message_at: Option<String>,
    /// When the server last said anything.
    pub last_heard_at: Option<String>,
    /// Milliseconds from the server's arrival to the row, of the latest live message.
    pub lag_ms: Option<u32>,
    /// Messages known to be on the server and not yet here.
    pub backlog: u32,
    /// The latest failure, kept after it is over.
    pub last_error: Option<TroubleView>,
    /// Unread messages.
    pub unread: u32,
    /// Messages stored.
    pub stored: u32,
    /// Messages in quarantine.
    pub quarantined: u32,
    /// A mailbox's settings, without any secret.
    pub mailbox: Option<MailboxForm>,
    /// A Telegram account's settings, without any secret.
    pub telegram: Option<TelegramView>,
    /// The last day in 96 quarters of an hour, oldest first: the worst state of each.
    pub history: Vec<HistoryMark>,
}

/// The worst state within a quarter of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum HistoryMark {
    /// The program was not running, or the account did not exist.
    None,
    /// Switched off by a person.
    Paused,
    /// Everything is here.
    Live,
    /// Fetching.
    CatchingUp,
    /// Trying again, or limited.
    Retrying,
    /// Waits for a person.
    Failed,
}

/// Where a listener stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum AccountStateView {
    /// Not started yet.
    Idle,
    /// Resolving, connecting, signing in.
    Connecting,
    /// Fetching what is missing.
    CatchingUp {
        /// Fetched so far.
        done: u32,
        /// Known to be missing at the start.
        total: u32,
    },
    /// Everything is here.
    Live,
    /// Another attempt follows.
    BackingOff {
        /// When.
        until: String,
        /// Why the last one failed.
        why: TroubleView,
        /// Failures in a row.
        attempt: u32,
    },
    /// A person must sign in again.
    NeedsSignIn {
        /// What the server said.
        why: TroubleView,
    },
    /// A person must correct the settings.
    Misconfigured {
        /// What is wrong.
        why: TroubleView,
    },
    /// The server set a limit.
    Limited {
        /// Until when.
        until: String,
        /// What the server said.
        why: TroubleView,
    },
    /// Another program listens; this one takes over when that one ends.
    Elsewhere {
        /// What that program calls itself.
        holder: String,
        /// Since when it listens.
        since: String,
    },
    /// Switched off.
    Stopped,
}

/// Something that went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct TroubleView {
    /// What kind of thing, with the cause.
    #[serde(flatten)]
    pub error: WireError,
    /// When.
    pub at: String,
}

/// A mailbox's settings as a form; the password or the tokens travel beside it, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct MailboxForm {
    /// What the bureau calls it.
    pub name: String,
    /// The mailbox's own address.
    pub address: String,
    /// IMAP host.
    pub imap_host: String,
    /// IMAP port.
    pub imap_port: u16,
    /// How IMAP is protected.
    pub imap_security: SecurityName,
    /// SMTP host.
    pub smtp_host: String,
    /// SMTP port.
    pub smtp_port: u16,
    /// How SMTP is protected.
    pub smtp_security: SecurityName,
    /// The name to sign in with.
    pub user: String,
    /// What it signs in with.
    pub auth: AuthName,
    /// Fetch mails received since this day, `YYYY-MM-DD`; null fetches all.
    pub since: Option<String>,
    /// A file with extra certificate authorities, PEM.
    pub ca_file: Option<String>,
    /// Folders beside INBOX and Sent.
    pub folders: Vec<String>,
    /// Whether reading here marks read on the server.
    pub write_flags: bool,
    /// Its colour, 1 to 8; 0 lets the program choose.
    pub color: u8,
}

/// What a mailbox signs in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum AuthName {
    /// A password.
    Password,
    /// Tokens of OAuth 2.0.
    Xoauth2,
}

impl From<AuthName> for Auth {
    fn from(name: AuthName) -> Self {
        match name {
            AuthName::Password => Self::Password,
            AuthName::Xoauth2 => Self::Xoauth2,
        }
    }
}

impl From<Auth> for AuthName {
    fn from(auth: Auth) -> Self {
        match auth {
            Auth::Password => Self::Password,
            Auth::Xoauth2 => Self::Xoauth2,
        }
    }
}

/// Tokens of OAuth 2.0 as they were typed.
#[derive(Clone, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct TokensForm {
    /// What the program is called at the provider.
    pub client_id: String,
    /// The secret that belongs to it; empty where there is none.
    pub client_secret: String,
    /// What access tokens are made from.
    pub refresh_token: String,
    /// Where they are made, `https://…`.
    pub token_endpoint: String,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum SecurityName {
    /// TLS from the first byte.
    Tls,
    /// STARTTLS, required.
    Starttls,
    /// Plain text, loopback only.
    LoopbackPlain,
}

impl From<SecurityName> for Security {
    fn from(name: SecurityName) -> Self {
        match name {
            SecurityName::Tls => Self::Tls,
            SecurityName::Starttls => Self::Starttls,
            SecurityName::LoopbackPlain => Self::LoopbackPlain,
        }
    }
}

impl From<Security> for SecurityName {
    fn from(security: Security) -> Self {
        match security {
            Security::Tls => Self::Tls,
            Security::Starttls => Self::Starttls,
            Security::LoopbackPlain => Self::LoopbackPlain,
        }
    }
}

/// What is known of an address's provider before anything is asked of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Discovery {
    /// The provider's name where it is in the built-in table.
    pub provider: Option<String>,
    /// What it takes to sign in.
    pub passwords: PasswordPolicy,
    /// A page that explains how to make an app password.
    pub help_url: Option<String>,
    /// Settings to start from: the table's, or the first guess that answered.
    pub mailbox: Option<MailboxForm>,
    /// Whether a server answered at these settings.
    pub answered: bool,
}

/// What a provider takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum PasswordPolicy {
    /// The mailbox's password.
    Password,
    /// Only an app password made in its settings.
    AppPassword,
    /// Reading by programs must be switched on in its web settings, which may give an own password.
    SwitchOnFirst,
    /// No password at all, only tokens of OAuth 2.0.
    None,
}

/// How many mails a start date means, and how much room they need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// Mails to fetch.
    pub messages: u32,
    /// Their size in KiB.
    pub kib: u32,
    /// Free room in KiB where the database stands; null when it is a server.
    pub free_kib: Option<u32>,
}

/// One step of the connection test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct TestStep {
    /// Which step.
    pub step: TestStepName,
    /// Where it stands.
    pub state: TestStepState,
    /// How long it took, in milliseconds.
    pub ms: Option<u32>,
    /// Facts worth showing: addresses, TLS version, certificate, folder count; one technical line.
    pub detail: String,
    /// Why it failed, and the server's own reply.
    pub error: Option<WireError>,
}

/// The steps of the connection test, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum TestStepName {
    /// The host's addresses.
    Resolve,
    /// The TCP connection.
    Connect,
    /// TLS with the certificate.
    Tls,
    /// Name and password.
    SignIn,
    /// Listing and selecting.
    Folders,
    /// Whether new mail is told at once.
    Idle,
    /// Sending.
    Smtp,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum TestStepState {
    /// Under way.
    Running,
    /// Passed.
    Passed,
    /// Passed, with something to know (no IDLE: mail is asked for every minute).
    Warned,
    /// Failed; the following steps are not tried.
    Failed,
    /// Not needed here (TLS on a loopback connection).
    Skipped,
}
