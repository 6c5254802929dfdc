//! Telegram: adding an account by steps, its settings, and what a chat message has beside a mail.

use serde::{Deserialize, Serialize};
use skrynka_core::model::{ChatKind, MediaKind, ServiceKind};
use skrynka_telegram::sign_in::CodeWay;
use specta::Type;

use super::{AttachedFile, ErrorCode, OutgoingMailView, WireError};

/// A Telegram account's settings and identity, without any secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct TelegramView {
    /// Its number in E.164; empty where Telegram does not tell it.
    pub phone: String,
    /// The user's first and last name; empty until they are known here.
    pub user_name: String,
    /// Without `@`.
    pub username: Option<String>,
    /// The API ID.
    pub api_id: u32,
    /// The home data centre, 1 to 5.
    pub dc: u8,
    /// The settings as the form that edits them.
    pub settings: TelegramForm,
}

/// What a person chooses for a Telegram account; secrets travel beside it, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct TelegramForm {
    /// What the bureau calls it.
    pub name: String,
    /// Its colour, 1 to 8; 0 lets the program choose.
    pub color: u8,
    /// Whether groups, supergroups and topics are taken.
    pub groups: bool,
    /// Whether broadcast channels are taken.
    pub channels: bool,
    /// Whether chats with bots are taken.
    pub bots: bool,
    /// Messages of the last so many days are fetched at first; 30 to begin with.
    pub history_days: u16,
    /// Whether reading here marks read there.
    pub mark_read: bool,
    /// Files up to so many KiB are fetched as they come; larger ones when they are opened.
    pub file_limit_kib: u32,
    /// A SOCKS5 proxy. When an account is added, the proxy of its sign-in is kept whatever stands here.
    pub proxy: Option<ProxyForm>,
}

/// A SOCKS5 proxy; its password travels beside it, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ProxyForm {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The name to sign in with; null where it asks for none.
    pub user: Option<String>,
}

/// What every way of signing in begins with. For an account that is there, what is missing is taken from it.
#[derive(Clone, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct TelegramAccess {
    /// The account that signs in again; null for a new one.
    pub account: Option<String>,
    /// The API ID as it was typed.
    pub api_id: Option<String>,
    /// The API hash as it was typed: 32 hex digits. A secret.
    pub api_hash: Option<String>,
    /// A SOCKS5 proxy for the sign-in and the account.
    pub proxy: Option<ProxyForm>,
    /// Its password. A secret.
    pub proxy_password: Option<String>,
}

/// A sign-in under way, kept by the program until it is finished, cancelled, replaced, or ten minutes untouched.
pub type SignInKey = u32;

/// Why a step of a sign-in was not done. What may be tried again is still under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SignInTrouble {
    /// What kind of thing happened.
    pub code: ErrorCode,
    /// The chain of causes on one line, or Telegram's own word; may be empty.
    pub detail: String,
    /// Seconds that Telegram asks to wait.
    pub retry_after: Option<u32>,
}

impl From<WireError> for SignInTrouble {
    fn from(error: WireError) -> Self {
        Self { code: error.code, detail: error.detail, retry_after: None }
    }
}

impl From<SignInTrouble> for WireError {
    fn from(trouble: SignInTrouble) -> Self {
        Self { code: trouble.code, detail: trouble.detail }
    }
}

/// A code is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct CodeAsked {
    /// The sign-in to go on with.
    pub sign_in: SignInKey,
    /// The number in E.164.
    pub phone: String,
    /// How the code comes.
    pub way: CodeWayName,
    /// How many characters it has, where Telegram tells.
    pub length: Option<u32>,
    /// How it would come the next time; null where it cannot be sent again.
    pub next: Option<CodeWayName>,
    /// Seconds until it may be asked for again; null where Telegram sets no wait.
    pub again_after: Option<u32>,
}

/// How a code reaches its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum CodeWayName {
    /// As a message in Telegram, on another device.
    App,
    /// By SMS.
    Sms,
    /// Told in a phone call.
    Call,
    /// The last digits of the number that calls.
    MissedCall,
    /// By mail.
    Email,
    /// On fragment.com.
    Fragment,
}

impl From<CodeWay> for CodeWayName {
    fn from(way: CodeWay) -> Self {
        match way {
            CodeWay::App => Self::App,
            CodeWay::Sms => Self::Sms,
            CodeWay::Call => Self::Call,
            CodeWay::MissedCall => Self::MissedCall,
            CodeWay::Email => Self::Email,
            CodeWay::Fragment => Self::Fragment,
        }
    }
}

/// What follows a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum SignInStep {
    /// The account has a two-step password.
    Password {
        /// What its owner wrote to remember it by.
        hint: Option<String>,
    },
    /// Signed in. Nothing is saved before [`crate::commands::telegram::finish_sign_in`].
    SignedIn {
        /// As whom.
        user: TelegramUser,
    },
}

/// Whose session it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct TelegramUser {
    /// The user's id in decimal digits.
    pub id: String,
    /// First and last name.
    pub name: String,
    /// Without `@`.
    pub username: Option<String>,
    /// In E.164, where Telegram tells it.
    pub phone: Option<String>,
    /// The home data centre.
    pub dc: u8,
}

/// What a QR sign-in tells, one after the other.
#[derive(Clone, Serialize, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum QrEvent {
    /// A code to draw; it replaces the one before.
    Code {
        /// The text of the code. It signs in whoever's phone scans it: for the screen alone.
        url: String,
        /// Until when it can be scanned.
        expires_at: String,
    },
    /// It was scanned: this is what follows. Nothing more is told.
    Scanned {
        /// What follows.
        step: SignInStep,
    },
    /// It cannot go on. Nothing more is told.
    Failed {
        /// Why.
        trouble: SignInTrouble,
    },
}

/// A session of another program, recognised and not yet used. Its key is never shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct FoundSession {
    /// The sign-in to go on with.
    pub sign_in: SignInKey,
    /// The program's name, with its version where layouts differ.
    pub format: String,
    /// The data centre it belongs to.
    pub dc: u8,
    /// The address inside it, where the format has one.
    pub address: Option<String>,
    /// Whose it is in decimal digits, where the format says so.
    pub user_id: Option<String>,
    /// The API ID it was made with, where the format says so.
    pub api_id: Option<u32>,
    /// The file's name, for one from a file.
    pub file: Option<String>,
}

/// What kind of chat a conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum ChatKindName {
    /// With a person.
    Private,
    /// With a bot.
    Bot,
    /// A basic group.
    Group,
    /// A supergroup.
    Supergroup,
    /// A topic of a forum.
    Topic,
    /// A broadcast channel.
    Broadcast,
}

impl From<ChatKind> for ChatKindName {
    fn from(kind: ChatKind) -> Self {
        match kind {
            ChatKind::Private => Self::Private,
            ChatKind::Bot => Self::Bot,
            ChatKind::Group => Self::Group,
            ChatKind::Supergroup => Self::Supergroup,
            ChatKind::Topic => Self::Topic,
            ChatKind::Broadcast => Self::Broadcast,
        }
    }
}

/// What a chat's row has beside a thread's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ChatRow {
    /// What kind of chat; null: nobody knows until Telegram tells of it.
    pub kind: Option<ChatKindName>,
    /// The other side's username without `@`, where it has one.
    pub username: Option<String>,
    /// Who wrote the latest message, where several write; may be empty.
    pub last_author: String,
    /// What the latest message is where it is not just text: a [`MediaName`], or `location`, `contact`, `poll`,
    /// `service`, `unsupported`.
    pub last_media: Option<String>,
    /// Whether a text can be sent to it. Not where nobody but its owners writes, nor where nothing but a number or a name is
    /// known.
    pub writable: bool,
    /// Whether Telegram has told which chat it is.
    pub known: bool,
}

/// What a chat message has beside a mail. Its text, files and times stand in the message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ChatMessageView {
    /// Its author; null: the chat itself, as in a channel or by an anonymous admin.
    pub author: Option<ChatAuthorView>,
    /// How stretches of the text are shown; in order, they may nest.
    pub entities: Vec<EntityView>,
    /// A location, contact, poll, link preview, or what this version cannot show.
    pub media: Option<ChatMediaView>,
    /// The message it answers.
    pub reply: Option<ReplyView>,
    /// Where it was forwarded from.
    pub forward: Option<ForwardView>,
    /// What happened, where nobody typed it.
    pub service: Option<ServiceView>,
    /// Its reactions.
    pub reactions: Vec<ReactionView>,
    /// When it was last edited.
    pub edited_at: Option<String>,
    /// How many earlier versions are kept.
    pub versions: u32,
    /// Whether the other side has read it, for one of ours.
    pub read_there: bool,
    /// The messages that are shown as this one, itself first, for an album; else empty.
    pub album: Vec<String>,
}

/// Who wrote a chat message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ChatAuthorView {
    /// The peer, as `user:7` or `channel:7`: the same author has the same.
    pub peer: String,
    /// Without `@`.
    pub username: Option<String>,
    /// One or two letters for a tile.
    pub initials: String,
}

/// How a stretch of text is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct EntityView {
    /// Where it begins, in UTF-16 units.
    pub offset: u32,
    /// How long it is, in UTF-16 units.
    pub length: u32,
    /// What it is.
    pub kind: EntityName,
    /// Where a `text_link` goes.
    pub url: Option<String>,
    /// The language of a `pre`.
    pub language: Option<String>,
}

/// What a stretch of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum EntityName {
    Mention,
    Hashtag,
    Cashtag,
    BotCommand,
    Url,
    Email,
    Phone,
    BankCard,
    Bold,
    Italic,
    Underline,
    Strike,
    Spoiler,
    Code,
    Pre,
    Blockquote,
    TextUrl,
    MentionName,
    CustomEmoji,
}

/// What a message carries beside text and files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum ChatMediaView {
    /// A point on the map.
    Location {
        /// Degrees north.
        latitude: f64,
        /// Degrees east.
        longitude: f64,
        /// A venue's name; empty for a bare point.
        title: String,
        /// A venue's address.
        address: String,
    },
    /// A person's card.
    Contact {
        /// First and last name.
        name: String,
        /// As the sender had it.
        phone: String,
    },
    /// A poll or quiz.
    Poll {
        /// What is asked.
        question: String,
        /// The answers.
        answers: Vec<PollAnswerView>,
        /// How many have voted.
        voters: u32,
        /// Whether it takes no more votes.
        closed: bool,
    },
    /// The preview of a link, without its picture.
    WebPage {
        /// The address.
        url: String,
        /// The site.
        site: String,
        /// Its title.
        title: String,
        /// Its first words.
        description: String,
    },
    /// What this version cannot show. Its bytes are kept.
    Unsupported {
        /// Telegram's name for it.
        what: String,
    },
}

/// One answer of a poll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct PollAnswerView {
    /// Its text.
    pub text: String,
    /// How many chose it.
    pub voters: u32,
    /// Whether this account did.
    pub chosen: bool,
}

/// The message that another one answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ReplyView {
    /// Its key; null where it is not stored here.
    pub message: Option<String>,
    /// Who wrote it.
    pub author: String,
    /// Its first characters.
    pub text: String,
}

/// Where a forwarded message comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ForwardView {
    /// The author's or the channel's name.
    pub name: String,
    /// When it was first sent.
    pub sent_at: String,
}

/// A line of a chat that nobody typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ServiceView {
    /// What happened.
    pub kind: ServiceName,
    /// The new title, the people who came or went, the topic's name; empty where the kind says all.
    pub about: String,
    /// How long a call lasted, in seconds.
    pub seconds: Option<u32>,
}

/// What a service line tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum ServiceName {
    /// A call that was taken or made.
    Call,
    /// A call that nobody took.
    MissedCall,
    /// A group or channel was made.
    ChatCreated,
    /// It has a new title.
    TitleChanged,
    /// It has a new picture, or none any more.
    PhotoChanged,
    /// People joined or were added.
    MembersJoined,
    /// Somebody left or was removed.
    MemberLeft,
    /// A basic group went on as a supergroup.
    Migrated,
    /// A message was pinned.
    MessagePinned,
    /// A topic was made or changed.
    TopicChanged,
    /// A contact joined Telegram.
    ContactSignedUp,
    /// The chat's history was cleared.
    HistoryCleared,
    /// A secret chat was asked for; it lives on the phone only.
    SecretChat,
    /// Anything else; `about` holds Telegram's name for it.
    Other,
}

impl From<ServiceKind> for ServiceName {
    fn from(kind: ServiceKind) -> Self {
        match kind {
            ServiceKind::Call => Self::Call,
            ServiceKind::MissedCall => Self::MissedCall,
            ServiceKind::ChatCreated => Self::ChatCreated,
            ServiceKind::TitleChanged => Self::TitleChanged,
            ServiceKind::PhotoChanged => Self::PhotoChanged,
            ServiceKind::MembersJoined => Self::MembersJoined,
            ServiceKind::MemberLeft => Self::MemberLeft,
            ServiceKind::Migrated => Self::Migrated,
            ServiceKind::MessagePinned => Self::MessagePinned,
            ServiceKind::TopicChanged => Self::TopicChanged,
            ServiceKind::ContactSignedUp => Self::ContactSignedUp,
            ServiceKind::HistoryCleared => Self::HistoryCleared,
            ServiceKind::SecretChat => Self::SecretChat,
            ServiceKind::Other => Self::Other,
        }
    }
}

/// How often one reaction was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ReactionView {
    /// The emoji; `custom:` with a number for one that only Telegram can draw.
    pub emoji: String,
    /// How often.
    pub count: u32,
    /// Whether this account gave it.
    pub mine: bool,
}

/// What a chat's file has beside a mail's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct MediaView {
    /// What kind of file it is.
    pub kind: MediaName,
    /// Width in pixels.
    pub width: Option<u32>,
    /// Height in pixels.
    pub height: Option<u32>,
    /// How long it plays, in milliseconds.
    pub duration_ms: Option<u32>,
    /// A voice message's loudness, each value 0 to 31.
    pub waveform: Vec<u8>,
    /// The address of a small picture of it, of the app's own scheme.
    pub thumbnail: Option<String>,
    /// The address of its bytes, of the app's own scheme, once they are here; answers to `Range`.
    pub url: Option<String>,
}

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum MediaName {
    /// A photo.
    Photo,
    /// A film.
    Video,
    /// A round film.
    VideoNote,
    /// A voice message.
    Voice,
    /// Music.
    Audio,
    /// A film without sound that is played over and over.
    Animation,
    /// A sticker; its name is its emoji.
    Sticker,
    /// Any other file.
    Document,
}

impl From<MediaKind> for MediaName {
    fn from(kind: MediaKind) -> Self {
        match kind {
            MediaKind::Photo => Self::Photo,
            MediaKind::Video => Self::Video,
            MediaKind::VideoNote => Self::VideoNote,
            MediaKind::Voice => Self::Voice,
            MediaKind::Audio => Self::Audio,
            MediaKind::Animation => Self::Animation,
            MediaKind::Sticker => Self::Sticker,
            MediaKind::Document => Self::Document,
        }
    }
}

/// A text of ours that is not among the chat's messages yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct OutgoingView {
    /// Its account.
    pub account: String,
    /// Its key within the account.
    pub id: String,
    /// The conversation it was written in; null for a mail to somebody new.
    pub conversation: Option<String>,
    /// What it says.
    pub text: String,
    /// How stretches of it are shown.
    pub entities: Vec<EntityView>,
    /// What it answers.
    pub reply: Option<ReplyView>,
    /// Where it stands.
    pub state: OutgoingStateName,
    /// How often it was tried.
    pub tries: u32,
    /// Why it was not sent, or not yet.
    pub error: Option<WireError>,
    /// When somebody sent it off.
    pub created_at: String,
    /// Not before then, by a person's wish: until then it can be taken back.
    pub send_at: Option<String>,
    /// When it is tried next, where a try has failed.
    pub again_at: Option<String>,
    /// What a mail has beside a text; null for a text.
    pub mail: Option<OutgoingMailView>,
    /// Its files.
    pub files: Vec<AttachedFile>,
    /// The message that it passes on as it is; then it has neither text nor files of its own.
    pub forward: Option<OutgoingForwardView>,
}

/// A message that is being passed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct OutgoingForwardView {
    /// Whose it is.
    pub author: String,
    /// What it says, or what its file is called.
    pub words: String,
    /// Whether it goes without its author's name.
    pub nameless: bool,
}

/// Where a text stands on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum OutgoingStateName {
    /// Not tried yet, or to be tried again. It can be discarded.
    Waiting,
    /// Being sent.
    Sending,
    /// Accepted; its message arrives in a moment.
    Sent,
    /// Not accepted, and trying again by itself cannot help. It can be tried again or discarded.
    Failed,
    /// The answer was lost: it may have arrived. Trying again never sends it twice.
    Uncertain,
}

/// An earlier version of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct MessageVersionView {
    /// What it said.
    pub text: String,
    /// How stretches of it were shown.
    pub entities: Vec<EntityView>,
    /// The edit that made this version; null for what was first sent.
    pub edited_at: Option<String>,
    /// When the next version replaced it here.
    pub replaced_at: String,
}

/// How far the fetching of a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct FileProgress {
    /// Fetched, in KiB.
    pub done_kib: u32,
    /// In all, in KiB.
    pub total_kib: u32,
}

/// How far the reading back of a chat is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct OlderLoaded {
    /// Messages that are new here, in all.
    pub stored: u32,
    /// The day it has come to; null where nothing older came.
    pub reached: Option<String>,
    /// Whether the chat begins here: there is nothing older.
    pub beginning: bool,
}
