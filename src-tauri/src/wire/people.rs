//! Who somebody is, and texts that are written again and again.

use serde::{Deserialize, Serialize};
use specta::Type;

use super::{ConversationKey, ConversationRow, FileView, MessageKey};

/// Who a conversation is with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct PersonDetails {
    /// The contact; null for groups, which are nobody.
    pub contact: Option<String>,
    /// When the bureau first met them; null for groups.
    pub since: Option<String>,
    /// How to reach them.
    pub handles: Vec<HandleView>,
    /// Their other conversations, latest first, at most 50.
    pub conversations: Vec<ConversationRow>,
    /// Files of this conversation and of theirs, latest first, at most 50.
    pub files: Vec<PersonFile>,
    /// Contacts of the other network that have the same name: likely the same person.
    pub likely: Vec<FoundPersonView>,
    /// Addresses of their cards in the old CRM.
    pub cards: Vec<String>,
    /// What colleagues wrote about this conversation in the old CRM, oldest first.
    pub notes: Vec<NoteView>,
}

/// What a colleague wrote about a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct NoteView {
    /// Its key.
    pub id: String,
    /// Who wrote it; may be empty.
    pub author: String,
    /// What.
    pub text: String,
    /// When.
    pub at: String,
}

/// A name somebody has on a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct HandleView {
    /// What it is.
    pub kind: HandleKindView,
    /// An address, a phone in E.164, a username without `@`.
    pub value: String,
    /// The contact that it belongs to.
    pub contact: String,
    /// Whether somebody in the bureau said that it is this person's.
    pub linked: bool,
}

/// What a handle is. A Telegram user's number is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum HandleKindView {
    /// A mail address.
    Email,
    /// A phone number.
    Phone,
    /// A Telegram username.
    TelegramUsername,
    /// A Telegram user who has neither username nor phone to be shown.
    Telegram,
}

/// A file that was exchanged with somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct PersonFile {
    /// The file.
    pub file: FileView,
    /// Its message.
    pub message: MessageKey,
    /// That message's conversation.
    pub conversation: ConversationKey,
    /// Whether we sent it.
    pub ours: bool,
    /// When its server received the message.
    pub at: String,
}

/// A contact that may be meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct FoundPersonView {
    /// The contact.
    pub contact: String,
    /// Its name; may be empty.
    pub name: String,
    /// How to reach it.
    pub handles: Vec<HandleView>,
}

/// Which contact another one is the same as: what an undo puts back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ContactLinkView {
    /// The contact.
    pub contact: String,
    /// Whom it is the same as; null: nobody.
    pub same_as: Option<String>,
}

/// Whose data a removal takes away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum RemovedPerson {
    /// A contact, with all that are the same.
    Contact {
        /// The contact.
        contact: String,
    },
    /// Somebody who may be known from groups alone.
    Author {
        /// The author of a chat's message, as `user:7`.
        peer: String,
    },
}

/// A name by which somebody is known on a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct KnownHandle {
    /// What it is.
    pub kind: HandleKindView,
    /// An address, a phone in E.164, a username without `@`.
    pub value: String,
}

/// What a removal of a person's data would take away now, and what stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ForgetPreviewView {
    /// What they are called here; may be empty.
    pub name: String,
    /// How they are known, on every network.
    pub handles: Vec<KnownHandle>,
    /// Conversations that go as a whole.
    pub conversations: u32,
    /// Mails and messages that go.
    pub messages: u32,
    /// Messages among others of which the place stays.
    pub blanked: u32,
    /// Files of both.
    pub files: u32,
    /// What is still to be sent to them.
    pub unsent: u32,
    /// Drafts and notes.
    pub notes: u32,
    /// Mails of others in which they stand among the recipients; they stay.
    pub kept: u32,
    /// Whether it is an account of the bureau itself, which cannot be removed in this way.
    pub own: bool,
}

/// How far a removal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ForgetProgress {
    /// Messages that are gone.
    pub done: u32,
    /// Of so many.
    pub total: u32,
}

/// What became of a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ForgottenView {
    /// Messages that are gone.
    pub removed: u32,
    /// Whether the rest follows by itself: the program ends, or another one is removing at this moment.
    pub later: bool,
}

/// A text that is written again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// Its key, a UUID that whoever makes the template chooses.
    pub id: String,
    /// What it is called; 1 to 100 characters.
    pub name: String,
    /// What is typed after a slash to get it: letters, digits, `-` and `_`, at most 32.
    pub shortcut: Option<String>,
    /// The text, 1 to 10,000 characters; `{name}`, `{language}`, `{account}` and `{manager}` are filled in when it is used.
    pub body: String,
}
