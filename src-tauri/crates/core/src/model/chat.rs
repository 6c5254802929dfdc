//! Chats in Telegram's own terms: who and where, and what a message is made of.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::Place;

/// The kinds of peer that Telegram's API has; each numbers its peers by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerKind {
    /// A person or a bot (`peerUser`).
    User,
    /// A basic group (`peerChat`). Its messages share the account's numbers with those of users.
    Group,
    /// A supergroup or a broadcast channel (`peerChannel`). It numbers its messages by itself.
    Channel,
}

impl PeerKind {
    /// The word that stands before the id in a [`Place`]'s mailbox.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Channel => "channel",
        }
    }
}

/// A user, basic group or channel. Written as `user:7`, `group:7` or `channel:7`, which is the mailbox of its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Peer {
    /// Its kind.
    pub kind: PeerKind,
    /// Its id as the API has it: positive, without the marks that bots see.
    pub id: i64,
}

impl Peer {
    /// The place of one of its messages.
    pub fn place(self, number: u32) -> Place {
        Place { mailbox: self.to_string(), epoch: 0, number }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.id)
    }
}

/// Why a text is not a [`Peer`] or a [`ChatKey`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no chat")]
pub struct ParsePeerError(String);

impl FromStr for Peer {
    type Err = ParsePeerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParsePeerError(text.to_owned());
        let (kind, id) = text.split_once(':').ok_or_else(wrong)?;
        let kind = match kind {
            "user" => PeerKind::User,
            "group" => PeerKind::Group,
            "channel" => PeerKind::Channel,
            _ => return Err(wrong()),
        };
        Ok(Self { kind, id: id.parse().map_err(|_| wrong())? })
    }
}

/// What one conversation shows: a peer's messages, or those of one topic of a forum. Written as `channel:7;topic=12`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ChatKey {
    /// Whose messages.
    pub peer: Peer,
    /// The topic's id (the number of the message that began it); `None` outside forums.
    pub topic: Option<u32>,
}

impl From<Peer> for ChatKey {
    fn from(peer: Peer) -> Self {
        Self { peer, topic: None }
    }
}

impl fmt::Display for ChatKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.topic {
            None => self.peer.fmt(f),
            Some(topic) => write!(f, "{};topic={topic}", self.peer),
        }
    }
}

impl FromStr for ChatKey {
    type Err = ParsePeerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((peer, topic)) = text.split_once(";topic=") else { return Ok(Self::from(text.parse::<Peer>()?)) };
        let topic = topic.parse().map_err(|_| ParsePeerError(text.to_owned()))?;
        Ok(Self { peer: peer.parse()?, topic: Some(topic) })
    }
}

/// What kind of chat a conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatKind {
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

impl ChatKind {
    /// The word the database uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Bot => "bot",
            Self::Group => "group",
            Self::Supergroup => "supergroup",
            Self::Topic => "topic",
            Self::Broadcast => "broadcast",
        }
    }
}

impl FromStr for ChatKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "private" => Self::Private,
            "bot" => Self::Bot,
            "group" => Self::Group,
            "supergroup" => Self::Supergroup,
            "topic" => Self::Topic,
            "broadcast" => Self::Broadcast,
            other => return Err(format!("unknown kind of chat {other:?}")),
        })
    }
}

/// How a stretch of text is shown (`MessageEntity`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    /// Where it begins, in UTF-16 units.
    pub offset: u32,
    /// How long it is, in UTF-16 units.
    pub length: u32,
    /// What it is.
    #[serde(flatten)]
    pub kind: EntityKind,
}

/// What a stretch of text is, in Telegram's own names. What the connector does not know is left out: its text is shown
/// as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EntityKind {
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
    Pre { language: String },
    Blockquote,
    TextUrl { url: String },
    MentionName { user: i64 },
    CustomEmoji { document: i64 },
}

/// What a message carries beside its text (`MessageMedia`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Media {
    /// A file; stored as an attachment, so it is left out where the others are written as JSON.
    #[serde(skip)]
    File(Box<MediaFile>),
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
        /// The user, where Telegram knows one.
        user: Option<i64>,
    },
    /// A poll or quiz.
    Poll {
        /// What is asked.
        question: String,
        /// The answers, with how many chose each where that is known.
        answers: Vec<PollAnswer>,
        /// How many have voted.
        voters: u32,
        /// Whether it takes no more votes.
        closed: bool,
    },
    /// The preview of a link; shown without its picture, which would have to be loaded.
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
        /// The constructor's name, as in `messageMediaStory`.
        what: String,
    },
}

/// One answer of a poll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollAnswer {
    /// Its text.
    pub text: String,
    /// How many chose it.
    pub voters: u32,
    /// Whether this account did.
    pub chosen: bool,
}

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// A photo, compressed by Telegram.
    Photo,
    /// A film.
    Video,
    /// A round film.
    VideoNote,
    /// A voice message.
    Voice,
    /// Music.
    Audio,
    /// A film without sound that is played over and over (`documentAttributeAnimated`).
    Animation,
    /// A sticker.
    Sticker,
    /// Any other file.
    Document,
}

impl MediaKind {
    /// The word the database uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Photo => "photo",
            Self::Video => "video",
            Self::VideoNote => "video_note",
            Self::Voice => "voice",
            Self::Audio => "audio",
            Self::Animation => "animation",
            Self::Sticker => "sticker",
            Self::Document => "document",
        }
    }
}

impl FromStr for MediaKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "photo" => Self::Photo,
            "video" => Self::Video,
            "video_note" => Self::VideoNote,
            "voice" => Self::Voice,
            "audio" => Self::Audio,
            "animation" => Self::Animation,
            "sticker" => Self::Sticker,
            "document" => Self::Document,
            other => return Err(format!("unknown kind of file {other:?}")),
        })
    }
}

/// A file that stands on Telegram's servers until it is fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaFile {
    /// What kind of file it is.
    pub kind: MediaKind,
    /// Its name; a photo or voice message has none, a sticker its emoji.
    pub name: String,
    /// Its media type.
    pub mime: String,
    /// Its size in bytes.
    pub size: u64,
    /// Width in pixels.
    pub width: Option<u32>,
    /// Height in pixels.
    pub height: Option<u32>,
    /// How long it plays, in milliseconds.
    pub duration_ms: Option<u32>,
    /// A voice message's loudness, 5 bits a value, as Telegram has it.
    pub waveform: Option<Vec<u8>>,
    /// A small picture, complete and at most 64 KiB; JPEG, WebP or PNG.
    pub thumbnail: Option<Vec<u8>>,
    /// The connector's own words, by which it fetches the file later.
    pub remote: serde_json::Value,
}

/// A voice that was recorded to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoiceNote {
    /// How long it plays, in milliseconds.
    pub duration_ms: u32,
    /// Its loudness, 5 bits a value, as Telegram has it.
    pub waveform: Vec<u8>,
}

/// Where a forwarded message comes from (`messageFwdHeader`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    /// The author's or the channel's name.
    pub name: String,
    /// Who it was, unless they hide it.
    pub peer: Option<Peer>,
    /// Its number in a channel it was posted in.
    pub number: Option<u32>,
    /// When it was first sent.
    #[serde(with = "time::serde::timestamp")]
    pub sent_at: OffsetDateTime,
}

/// A line of a chat that nobody typed (`messageService`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// What happened.
    pub kind: ServiceKind,
    /// The new title, the people who came or went, the topic's name; empty where the kind says all.
    pub about: String,
    /// How long a call lasted, in seconds.
    pub seconds: Option<u32>,
}

/// What a service line tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceKind {
    /// A call that was taken or made.
    Call,
    /// A call that nobody took; it counts as unread.
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
    /// A secret chat was asked for; it lives on the phone only, and counts as unread.
    SecretChat,
    /// Anything else; `about` holds the constructor's name.
    Other,
}

impl ServiceKind {
    /// Whether somebody has to do something about it: call back, or look at the phone.
    pub const fn asks(self) -> bool {
        matches!(self, Self::MissedCall | Self::SecretChat)
    }

    /// Its word in a list: calls and what asks for something have their own, every other is [`Self::LINE`].
    pub const fn word(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::MissedCall => "missed_call",
            Self::SecretChat => "secret_chat",
            Self::ChatCreated
            | Self::TitleChanged
            | Self::PhotoChanged
            | Self::MembersJoined
            | Self::MemberLeft
            | Self::Migrated
            | Self::MessagePinned
            | Self::TopicChanged
            | Self::ContactSignedUp
            | Self::HistoryCleared
            | Self::Other => Self::LINE,
        }
    }

    /// The word of what nobody said: a conversation's latest message is such a line only where it holds nothing else.
    pub const LINE: &str = "service";
}

/// How often one reaction was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// The emoji, or `custom:` with the document's id.
    pub emoji: String,
    /// How often.
    pub count: u32,
    /// Whether this account gave it.
    pub mine: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_is_read_back_as_it_is_written() {
        for text in ["user:777000", "group:5", "channel:1999999999", "channel:7;topic=12"] {
            assert_eq!(text.parse::<ChatKey>().unwrap().to_string(), text);
        }
        for text in ["", "user", "user:", "user:x", "INBOX", "channel:7;topic=", "channel:7;topic=-1", "chat:1"] {
            assert!(text.parse::<ChatKey>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_entity_is_written_flat() {
        let entity =
            Entity { offset: 1, length: 2, kind: EntityKind::TextUrl { url: "https://example.org".to_owned() } };
        let json = serde_json::to_value(&entity).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"offset": 1, "length": 2, "kind": "text_url", "url": "https://example.org"})
        );
        assert_eq!(serde_json::from_value::<Entity>(json).unwrap(), entity);
    }
}
