//! Taking over the old CRM's database.

use serde::{Deserialize, Serialize};
use skrynka_core::adopt::{Thing, Why};
use specta::Type;

use super::{ErrorCode, WireError};

/// Where the old CRM's things are; the database's password travels beside it, once.
#[derive(Debug, Clone, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct AdoptionForm {
    /// Its database: `postgres://role@host/database`, without a password.
    pub from: String,
    /// The folder with its files.
    pub media: Option<String>,
    /// The address of a client's card there, with `{id}` where the client's key goes.
    pub client_link: Option<String>,
}

/// How far taking over the old CRM's database is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct AdoptionView {
    /// How far.
    pub step: AdoptionStep,
    /// The old database's address as it was named last; empty while nobody has.
    pub from: String,
    /// The folder with its files.
    pub media: Option<String>,
    /// The address of a client's card there.
    pub client_link: Option<String>,
    /// How far what is being done is; null where nothing is.
    pub progress: Option<AdoptionProgress>,
    /// What would come over, or came; null until that is known, and while it is being found out.
    pub report: Option<AdoptionReport>,
    /// What became of the accounts' secrets; empty before that was tried, and while something is being done.
    pub accounts: Vec<HandoverView>,
    /// Accounts whose secrets were not tried, since somebody stopped that.
    pub left: u32,
    /// Whether somebody has asked to stop what is being done; what has begun of it comes to its end.
    pub stopping: bool,
    /// What somebody stopped, where that was done last; what was done of it is kept.
    pub stopped: Option<AdoptionStep>,
    /// Why what was done last ended early.
    pub error: Option<WireError>,
    /// Messages that came over, in every run.
    pub came: u32,
    /// Of these, how many no server has told of yet.
    pub waiting: u32,
}

/// How far taking over is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum AdoptionStep {
    /// Nobody has said where the old database is.
    #[default]
    Source,
    /// It is being looked at; nothing is written.
    Looking,
    /// What would come over is known.
    Looked,
    /// It is coming over.
    Running,
    /// It came over; its accounts are switched off.
    Came,
    /// The accounts' secrets are being tried.
    HandingOver,
    /// Each account's secrets were tried.
    HandedOver,
    /// The old secrets are being emptied.
    Emptying,
    /// They are emptied where the account works here.
    Emptied,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct AdoptionProgress {
    /// What it does.
    pub phase: AdoptionPhase,
    /// Rows done; accounts while these are tried or emptied.
    pub done: u32,
    /// Of so many; 0 while that is not known.
    pub total: u32,
    /// Rows a second since this began.
    pub per_second: u32,
}

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum AdoptionPhase {
    /// Connects and reads the small tables.
    Opening,
    /// Reads messages.
    Looking,
    /// Writes messages with their files.
    Messages,
    /// Writes what is known of conversations, people and notes.
    Settling,
    /// Tries the accounts' secrets.
    Trying,
    /// Empties the old secrets.
    Emptying,
}

/// What comes over and what cannot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct AdoptionReport {
    /// By thing.
    pub things: Vec<ThingView>,
    /// The names of the bureau's people.
    pub colleagues: Vec<String>,
}

/// What becomes of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ThingView {
    /// What it is.
    pub thing: ThingName,
    /// How many there are.
    pub found: u32,
    /// How many come over in this run.
    pub new: u32,
    /// How many came over before.
    pub known: u32,
    /// What is to be said of the others, and of those that come over otherwise.
    pub remarks: Vec<RemarkView>,
}

/// One reason with what it is said of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct RemarkView {
    /// Why.
    pub why: WhyName,
    /// Whether these come over nevertheless.
    pub comes_over: bool,
    /// How many.
    pub count: u32,
    /// The names of the first of them.
    pub examples: Vec<String>,
}

/// What became of an account's secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct HandoverView {
    /// The account here.
    pub account: String,
    /// What it was called in the old system.
    pub name: String,
    /// A mailbox, or a Telegram account.
    pub is_mailbox: bool,
    /// What became of them.
    pub state: HandoverStateName,
    /// Why they cannot be used.
    pub code: Option<ErrorCode>,
    /// The same in the words of whoever said it, or the name of the account that has the same session.
    pub detail: String,
    /// Secrets of it that are emptied in the old system.
    pub emptied: u32,
}

/// What became of an account's secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum HandoverStateName {
    /// Kept and not tried: the old system did not use the account.
    Kept,
    /// They work, and the account is switched on.
    Live,
    /// They cannot be used, or do not work.
    Refused,
    /// Another account has the same session.
    SameSession,
}

/// What is to be said of a message that came over from the old CRM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct AdoptedView {
    /// Its server has not told of it yet.
    pub waits: bool,
    /// The old system did not send it.
    pub unsent: bool,
    /// Files that it named and that were not found.
    pub missing_files: Vec<String>,
}

/// Taking over the old database is further than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type, tauri_specta::Event)]
pub struct AdoptionChanged(pub AdoptionView);

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum ThingName {
    /// Telegram accounts.
    TelegramAccounts,
    /// Mailboxes.
    Mailboxes,
    /// People of the bureau.
    Colleagues,
    /// Clients.
    Clients,
    /// Conversations.
    Conversations,
    /// Messages.
    Messages,
    /// Files.
    Files,
    /// Internal notes.
    Notes,
}

/// Why something cannot come over, or comes over otherwise than it stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum WhyName {
    /// The row is no JSON that can be read.
    Unreadable,
    /// It has no key.
    NoKey,
    /// Another row has the same address or number; both become one account.
    SameAccountTwice,
    /// Its address is no mail address.
    BadAddress,
    /// The name of its server cannot be one.
    BadServer,
    /// It names no IMAP server; the SMTP server's name is taken, as the old system did.
    NoImapServer,
    /// Its password is missing.
    NoPassword,
    /// It has no session.
    NoSession,
    /// Its API ID is missing or no number.
    NoApiId,
    /// Its API hash is missing or no hash.
    NoApiHash,
    /// It belongs to a network that does not come over.
    OtherNetwork,
    /// Its label says another network than what it holds.
    WrongLabel,
    /// Several rows are one conversation.
    SameConversation,
    /// It names a mailbox that does not exist, or none.
    UnknownMailbox,
    /// The old system did not keep which of several Telegram accounts it belongs to.
    UnknownTelegramAccount,
    /// It has no message.
    NoMessages,
    /// It names a manager who does not exist.
    UnknownManager,
    /// It names a client who does not exist.
    UnknownClient,
    /// Its conversation does not exist.
    NoConversation,
    /// Neither inbound nor outbound.
    UnknownDirection,
    /// It has no date that can be one.
    NoDate,
    /// The same mail stands there already.
    SameMail,
    /// The account's server has brought it already.
    HereAlready,
    /// The old system did not send it.
    NeverSent,
    /// It was not found in the folder.
    NoFile,
    /// No folder with files was named.
    NoFolder,
    /// It has neither an address nor a number.
    NoHandle,
    /// The data of the person was removed here on request.
    Forgotten,
    /// It belongs to something else than a conversation that comes over.
    NotOfConversation,
}

impl From<Thing> for ThingName {
    fn from(thing: Thing) -> Self {
        match thing {
            Thing::TelegramAccounts => Self::TelegramAccounts,
            Thing::Mailboxes => Self::Mailboxes,
            Thing::Colleagues => Self::Colleagues,
            Thing::Clients => Self::Clients,
            Thing::Conversations => Self::Conversations,
            Thing::Messages => Self::Messages,
            Thing::Files => Self::Files,
            Thing::Notes => Self::Notes,
        }
    }
}

impl From<Why> for WhyName {
    fn from(why: Why) -> Self {
        match why {
            Why::Unreadable => Self::Unreadable,
            Why::NoKey => Self::NoKey,
            Why::SameAccountTwice => Self::SameAccountTwice,
            Why::BadAddress => Self::BadAddress,
            Why::BadServer => Self::BadServer,
            Why::NoImapServer => Self::NoImapServer,
            Why::NoPassword => Self::NoPassword,
            Why::NoSession => Self::NoSession,
            Why::NoApiId => Self::NoApiId,
            Why::NoApiHash => Self::NoApiHash,
            Why::OtherNetwork => Self::OtherNetwork,
            Why::WrongLabel => Self::WrongLabel,
            Why::SameConversation => Self::SameConversation,
            Why::UnknownMailbox => Self::UnknownMailbox,
            Why::UnknownTelegramAccount => Self::UnknownTelegramAccount,
            Why::NoMessages => Self::NoMessages,
            Why::UnknownManager => Self::UnknownManager,
            Why::UnknownClient => Self::UnknownClient,
            Why::NoConversation => Self::NoConversation,
            Why::UnknownDirection => Self::UnknownDirection,
            Why::NoDate => Self::NoDate,
            Why::SameMail => Self::SameMail,
            Why::HereAlready => Self::HereAlready,
            Why::NeverSent => Self::NeverSent,
            Why::NoFile => Self::NoFile,
            Why::NoFolder => Self::NoFolder,
            Why::NoHandle => Self::NoHandle,
            Why::Forgotten => Self::Forgotten,
            Why::NotOfConversation => Self::NotOfConversation,
        }
    }
}
