//! Conversations, messages, search, and the facts that say what became stale.

use serde::{Deserialize, Serialize};
use skrynka_core::model;
use specta::Type;

use super::{AccountView, AdoptedView, ChatMessageView, ChatRow, MediaView, OutgoingView, WireError};

/// A conversation's key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ConversationKey {
    /// The account.
    pub account: String,
    /// The conversation within it.
    pub id: String,
}

/// A message's key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct MessageKey {
    /// The account.
    pub account: String,
    /// The message within it.
    pub id: String,
}

/// Which conversations a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ConversationFilter {
    /// What they have in common.
    pub view: ConversationView,
    /// Only this account.
    pub account: Option<String>,
    /// Only of this network: `email` or `telegram`.
    pub channel: Option<String>,
    /// Only those with unread messages.
    pub unread_only: bool,
}

/// What the conversations of a list have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum ConversationView {
    /// Nothing: all of them, latest first.
    #[default]
    All,
    /// The one at this computer takes care of them and they are not done, latest first.
    Mine,
    /// Nobody takes care of them and they are not done, latest first.
    Unassigned,
    /// They are open and the last word is the customer's, the oldest first.
    Waiting,
    /// They are done, latest first.
    Done,
}

/// Whose turn it is with a conversation. A new message of the customer opens it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Triage {
    /// The bureau's.
    Open,
    /// The customer's, or somebody else's.
    Pending,
    /// Nobody's any more.
    Done,
}

impl From<model::Triage> for Triage {
    fn from(triage: model::Triage) -> Self {
        match triage {
            model::Triage::Open => Self::Open,
            model::Triage::Pending => Self::Pending,
            model::Triage::Done => Self::Done,
        }
    }
}

impl From<Triage> for model::Triage {
    fn from(triage: Triage) -> Self {
        match triage {
            Triage::Open => Self::Open,
            Triage::Pending => Self::Pending,
            Triage::Done => Self::Done,
        }
    }
}

/// A conversation as somebody saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SeenConversation {
    /// Which one.
    pub key: ConversationKey,
    /// When the latest message that they saw was received: [`ConversationRow::last_at`].
    pub last_at: String,
    /// How many messages they knew of: [`ConversationRow::messages`]. Two of one second differ in this alone.
    pub messages: u32,
}

/// What a window starts from. It is subscribed before the snapshot is read, so nothing falls between. Counts are asked
/// for once it is painted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// All accounts, with no messages counted.
    pub accounts: Vec<AccountView>,
    /// The number of the last event with facts that it holds.
    pub number: u32,
}

/// The counts of the sidebar.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Conversations in all.
    pub conversations: u32,
    /// Conversations with unread messages.
    pub unread: u32,
    /// Open conversations whose last word is the customer's.
    pub waiting: u32,
    /// Conversations of the one at this computer that are not done.
    pub mine: u32,
    /// Conversations of nobody that are not done.
    pub unassigned: u32,
    /// Conversations that are done.
    pub done: u32,
    /// Texts of ours that were not sent, or perhaps not.
    pub stuck_texts: u32,
    /// Unread messages of each account.
    pub accounts: Vec<AccountUnread>,
}

/// How many messages of an account are unread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct AccountUnread {
    /// The account.
    pub id: String,
    /// Unread messages.
    pub unread: u32,
}

/// A place in a list to go on from; opaque to the UI.
pub type PageKey = String;

/// A page of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ConversationPage {
    /// In the order of their view.
    pub rows: Vec<ConversationRow>,
    /// Where the next page starts; null at the end.
    pub next: Option<PageKey>,
}

/// One row of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ConversationRow {
    /// Its key.
    pub key: ConversationKey,
    /// The other side's name, or its address.
    pub name: String,
    /// The other side's address; in a chat its `@username` or phone, or empty.
    pub address: String,
    /// Whether the other side looks like a company: shown as a tile.
    pub company: bool,
    /// The subject without Re: and Fwd:; may be empty.
    pub subject: String,
    /// The first words of the latest message.
    pub snippet: String,
    /// Whether the latest message is ours.
    pub last_is_ours: bool,
    /// When the latest message was received.
    pub last_at: String,
    /// Unread messages.
    pub unread: u32,
    /// Messages in all.
    pub messages: u32,
    /// Whether any message has files.
    pub has_files: bool,
    /// Whether the latest message could not be read.
    pub unreadable: bool,
    /// Until when nobody is told of its messages; may be past. The year 9999 is until a person says otherwise.
    pub muted_until: Option<String>,
    /// Whose turn it is.
    pub triage: Triage,
    /// Who in the bureau takes care of it.
    pub assignee: Option<String>,
    /// Texts of ours that were not sent, or perhaps not.
    pub stuck_texts: u32,
    /// What a chat has beside a thread of mails; null for mail.
    pub chat: Option<ChatRow>,
}

/// A page of a conversation's messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct MessagePage {
    /// Oldest first within the page.
    pub rows: Vec<MessageView>,
    /// Where the page of older messages starts; null at the beginning of what is stored of the conversation.
    pub older: Option<PageKey>,
    /// Whether newer messages follow.
    pub newer: bool,
    /// Texts of ours that are not among the messages yet, oldest first; with the newest page only.
    pub outgoing: Vec<OutgoingView>,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct MessageView {
    /// Its key.
    pub key: MessageKey,
    /// The conversation it belongs to.
    pub conversation: String,
    /// Whether it is ours.
    pub ours: bool,
    /// The author's name; may be empty.
    pub author_name: String,
    /// The author's address.
    pub author_address: String,
    /// To.
    pub to: Vec<PersonView>,
    /// Cc.
    pub cc: Vec<PersonView>,
    /// Its own subject.
    pub subject: String,
    /// The plain text, at most 64 KiB of it.
    pub text: String,
    /// Whether `text` was cut.
    pub text_cut: bool,
    /// Where the quoted earlier text starts, in UTF-16 units of `text`; null when nothing is quoted.
    pub quote_from: Option<u32>,
    /// Whether there is an HTML body to show in the frame.
    pub has_html: bool,
    /// The sender's own date; null when there is none.
    pub sent_at: Option<String>,
    /// When the server received it.
    pub received_at: String,
    /// When it reached this computer.
    pub arrived_at: String,
    /// When it was stored.
    pub stored_at: String,
    /// Whether it was read, here or elsewhere.
    pub seen: bool,
    /// Whether the server says it was answered.
    pub answered: bool,
    /// When it was found to be gone from the server; it stays here.
    pub gone_at: Option<String>,
    /// Whether what it said was removed because its author asked for it.
    pub removed: bool,
    /// Why it could not be read; the original is attached.
    pub unreadable: Option<String>,
    /// Its size in KiB.
    pub kib: u32,
    /// Its files, inline images left out.
    pub files: Vec<FileView>,
    /// What a chat message has beside a mail; null for a mail.
    pub chat: Option<ChatMessageView>,
    /// What is to be said of one that came over from the old CRM; null for every other.
    pub adopted: Option<AdoptedView>,
}

/// A name with an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct PersonView {
    /// The name; may be empty.
    pub name: String,
    /// The address.
    pub address: String,
}

/// A file of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct FileView {
    /// Its key within the account.
    pub id: String,
    /// A name that is safe to save under.
    pub name: String,
    /// Its media type.
    pub mime: String,
    /// Its size in bytes; four billion at most.
    pub size: u32,
    /// Whether opening it could run something; opening asks first.
    pub risky: bool,
    /// What a chat's file has beside a mail's.
    pub media: Option<MediaView>,
}

/// How to show a message's HTML.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct BodyView {
    /// The frame's address, of the app's own scheme.
    pub url: String,
    /// Remote pictures that were left out.
    pub blocked: u32,
    /// Whether remote pictures are shown.
    pub remote_shown: bool,
    /// Whether remote pictures of this sender are always shown.
    pub always: bool,
}

/// A link, before it is opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LinkView {
    /// What the mail shows.
    pub text: String,
    /// Where it really goes.
    pub url: String,
    /// The host in its ASCII form.
    pub host: String,
    /// Whether the shown text names another host than the real one.
    pub mismatched: bool,
}

/// One hit of a search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SearchHit {
    /// The message that matched.
    pub message: MessageKey,
    /// Its conversation as a row of the list.
    pub conversation: ConversationRow,
    /// The subject of the message.
    pub subject: String,
    /// Text around the match.
    pub snippet: String,
    /// When the server received the message.
    pub at: String,
}

/// A page of hits, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SearchPage {
    /// The hits.
    pub hits: Vec<SearchHit>,
    /// Where the next page starts.
    pub next: Option<PageKey>,
    /// Messages that are stored and not yet searchable.
    pub pending: u32,
}

/// Facts gathered over one frame. The UI re-reads what they name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type, tauri_specta::Event)]
#[serde(rename_all = "camelCase")]
pub struct FactsArrived {
    /// Its number; the next one has the next number, or something in between was lost.
    pub number: u32,
    /// Conversations whose row changed or is new, at most 200; more say `overflowed`.
    pub conversations: Vec<ConversationKey>,
    /// Conversations that became part of another one: forget these rows.
    pub merged: Vec<ConversationKey>,
    /// Messages that say something else now, were marked, are gone or have their file; null where they are too many to
    /// name: read again what is shown of these conversations.
    pub messages: Option<Vec<MessageKey>>,
    /// New messages among them, for the polite announcement.
    pub new_messages: u32,
    /// Too much happened to name it: read the lists again from their first page.
    pub overflowed: bool,
    /// The counts changed; the UI asks for them at its leisure.
    pub counts_changed: bool,
}

/// An account's state changed, or an account was added or removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type, tauri_specta::Event)]
#[serde(rename_all = "camelCase")]
pub struct AccountsChanged {
    /// All accounts as they are.
    pub accounts: Vec<AccountView>,
}

/// The program's status changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type, tauri_specta::Event)]
pub struct StatusChanged(pub super::AppStatus);

/// A notice of the system was clicked: the window is in front and shows what it was about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type, tauri_specta::Event)]
#[serde(rename_all = "camelCase")]
pub struct NoticeOpened {
    /// The conversation; null for all that is unread.
    pub conversation: Option<ConversationKey>,
}

/// How long nobody is told of a conversation's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum MuteSpan {
    /// Not muted any more.
    Off,
    /// An hour.
    Hour,
    /// Eight hours.
    Workday,
    /// Until a person says otherwise.
    Always,
}

/// A link in a mail's frame was clicked. Nothing has been opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type, tauri_specta::Event)]
#[serde(rename_all = "camelCase")]
pub struct LinkClicked {
    /// The link.
    pub link: LinkView,
}

/// What became of saving several files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SavedFiles {
    /// Where they were saved; null when the person cancelled.
    pub folder: Option<String>,
    /// How many were saved.
    pub saved: u32,
    /// What failed, if anything.
    pub failed: Option<WireError>,
}
