//! What is written and sent.

use serde::{Deserialize, Serialize};
use specta::Type;

use super::{ConversationKey, EntityView, PersonView};

/// A file that goes with what is written; its bytes are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct AttachedFile {
    /// SHA-256 of its bytes in hex: which stored bytes it is.
    pub sha256: String,
    /// Its name.
    pub name: String,
    /// Its media type.
    pub mime: String,
    /// Its size in bytes; four billion at most.
    pub size: u32,
    /// What makes it a voice that a chat plays; null for any other file.
    pub voice: Option<VoiceView>,
}

/// A voice that was recorded here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct VoiceView {
    /// How long it plays, in milliseconds.
    pub duration_ms: u32,
    /// Its loudness, each value from 0 to 31.
    pub waveform: Vec<u8>,
}

/// A recording that nobody has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LeftRecording {
    /// The key of its upload.
    pub upload: String,
    /// The chat that it was recorded for.
    pub conversation: ConversationKey,
}

/// A picture that stands in a mail's text, in the place of the words that name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct PictureForm {
    /// Which of the mail's files it is, counted from 0.
    pub file: u32,
    /// Where those words begin, in UTF-16 units.
    pub offset: u32,
    /// How long they are.
    pub length: u32,
}

/// A text of a chat as it is written, with its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct TextForm {
    /// The text; may be empty where there are files.
    pub text: String,
    /// How stretches of it are shown.
    pub entities: Vec<EntityView>,
    /// The message that it answers.
    pub reply_to: Option<String>,
    /// Not before then, RFC 3339; null: at once.
    pub send_at: Option<String>,
    /// The files, each of which becomes a message of its own.
    pub files: Vec<AttachedFile>,
}

/// A mail as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct MailDraftForm {
    /// To.
    pub to: Vec<PersonView>,
    /// Cc.
    pub cc: Vec<PersonView>,
    /// Bcc.
    pub bcc: Vec<PersonView>,
    /// The subject.
    pub subject: String,
    /// The text, without what is quoted.
    pub text: String,
    /// How stretches of it are shown.
    pub entities: Vec<EntityView>,
    /// The message that it answers; null for a new mail.
    pub answers: Option<String>,
    /// Whether that one is quoted under it.
    pub quotes: bool,
    /// Its files.
    pub files: Vec<AttachedFile>,
    /// Those of them that stand in the text.
    pub pictures: Vec<PictureForm>,
    /// Not before then, RFC 3339; null sends after the seconds that the preferences leave for taking it back.
    pub send_at: Option<String>,
}

/// How an answer begins, or a mail that passes another one on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct MailBeginning {
    /// To.
    pub to: Vec<PersonView>,
    /// Cc.
    pub cc: Vec<PersonView>,
    /// The subject.
    pub subject: String,
    /// What is quoted under it.
    pub quote: String,
    /// The files that are passed on.
    pub files: Vec<AttachedFile>,
}

/// What a mail on its way has beside a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct OutgoingMailView {
    /// Its subject.
    pub subject: String,
    /// To.
    pub to: Vec<PersonView>,
    /// Cc.
    pub cc: Vec<PersonView>,
    /// Bcc.
    pub bcc: Vec<PersonView>,
    /// Addresses that the server refused, or takes later, with its own words.
    pub refused: Vec<RefusedView>,
    /// Whether the server has taken it for others.
    pub partly_sent: bool,
}

/// An address that a server did not take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct RefusedView {
    /// The address.
    pub address: String,
    /// The server's own words.
    pub reply: String,
    /// Whether it is tried again by itself.
    pub later: bool,
}

/// A draft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct DraftView {
    /// Its account.
    pub account: String,
    /// Its key within the account.
    pub id: String,
    /// The conversation that it answers in; null for something new.
    pub conversation: Option<String>,
    /// As the window wrote it: JSON.
    pub content: String,
    /// When it was last changed.
    pub changed_at: String,
}

/// How an account's mails begin and end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LetterheadForm {
    /// The name that customers see; empty: the account's own.
    pub sender_name: String,
    /// Put under new mails; may be empty.
    pub signature: String,
}

/// What a person may have overlooked before sending. Nothing is held back by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum OverlookedView {
    /// The text speaks of a file and none is attached.
    #[serde(rename_all = "camelCase")]
    NoFile,
    /// The subject is empty.
    #[serde(rename_all = "camelCase")]
    NoSubject,
    /// A file came from somebody else.
    #[serde(rename_all = "camelCase")]
    FileOfAnother {
        /// The file's name.
        name: String,
        /// Who sent it.
        from: String,
    },
    /// An address that never wrote in this conversation and was never written to.
    #[serde(rename_all = "camelCase")]
    NewAddress {
        /// The address.
        address: String,
    },
    /// The mail is larger than what the account's server takes.
    #[serde(rename_all = "camelCase")]
    TooLarge {
        /// Bytes that the mail has with its files, as they are sent.
        bytes: u32,
        /// Bytes that the server takes.
        most: u32,
    },
}
