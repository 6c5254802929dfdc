//! What a chat network hands over beside mails.

use time::OffsetDateTime;

use crate::model::{
    ChatKey, ChatKind, Entity, Forward, Media, MediaFile, MediaKind, Peer, Reaction, Service, ServiceKind,
};

/// A chat message as its connector understood it.
///
/// Every item of an album is a message of its own with its own number; they are shown as one.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatMessage {
    /// Where it was said.
    pub chat: Chat,
    /// Who said it. `None`: the chat itself, as in a channel or by an anonymous admin.
    pub author: Option<ChatAuthor>,
    /// What was typed; without NUL.
    pub text: String,
    /// How stretches of `text` are shown, in UTF-16 units.
    pub entities: Vec<Entity>,
    /// What it carries beside the text.
    pub media: Option<Media>,
    /// The number of the message it answers, in the same mailbox.
    pub reply_to: Option<u32>,
    /// Where it was forwarded from.
    pub forward: Option<Forward>,
    /// The album it is an item of (`grouped_id`).
    pub album: Option<i64>,
    /// What happened, where nobody typed it.
    pub service: Option<Service>,
    /// Every reaction it has; replaces what was known.
    pub reactions: Vec<Reaction>,
    /// When it was last edited. A message at a known place with a newer date replaces the older version, which is kept.
    pub edited_at: Option<OffsetDateTime>,
}

impl ChatMessage {
    /// Makes a message that says `text` and nothing else.
    pub const fn new(chat: Chat, author: Option<ChatAuthor>, text: String) -> Self {
        Self {
            chat,
            author,
            text,
            entities: Vec::new(),
            media: None,
            reply_to: None,
            forward: None,
            album: None,
            service: None,
            reactions: Vec::new(),
            edited_at: None,
        }
    }

    /// Counts the files a person would call one: a sticker is not.
    pub fn file_count(&self) -> i32 {
        i32::from(self.file().is_some_and(|file| file.kind != MediaKind::Sticker))
    }

    /// Its file, where that is what it carries.
    pub fn file(&self) -> Option<&MediaFile> {
        match &self.media {
            Some(Media::File(file)) => Some(file),
            Some(
                Media::Location { .. }
                | Media::Contact { .. }
                | Media::Poll { .. }
                | Media::WebPage { .. }
                | Media::Unsupported { .. },
            )
            | None => None,
        }
    }

    /// What the message is, in one word, where it is not just text; for a list that shows no more of it.
    pub fn media_word(&self) -> Option<&'static str> {
        if let Some(service) = &self.service {
            return Some(service.kind.word());
        }
        match self.media.as_ref()? {
            Media::File(file) => Some(file.kind.as_str()),
            Media::Location { .. } => Some("location"),
            Media::Contact { .. } => Some("contact"),
            Media::Poll { .. } => Some("poll"),
            Media::WebPage { .. } => None,
            Media::Unsupported { .. } => Some("unsupported"),
        }
    }

    /// Whether a service line counts as read from the start: all but those that ask somebody to do something.
    pub fn is_quiet(&self) -> bool {
        self.service.as_ref().is_some_and(|service| !service.kind.asks())
    }

    /// Whether the untouched bytes are kept beside what is shown.
    pub fn needs_raw(&self) -> bool {
        let other = self.service.as_ref().is_some_and(|service| service.kind == ServiceKind::Other);
        other || matches!(self.media, Some(Media::Unsupported { .. }))
    }
}

/// The chat that a message stands in, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chat {
    /// Which conversation.
    pub key: ChatKey,
    /// What kind of chat.
    pub kind: ChatKind,
    /// The person's name, the group's title; a topic's title begins with its forum's.
    pub title: String,
    /// Without `@`; `None` where there is none.
    pub username: Option<String>,
    /// In E.164, where this account may see it.
    pub phone: Option<String>,
}

/// Who wrote a chat message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatAuthor {
    /// A user, or a channel that somebody writes as.
    pub peer: Peer,
    /// First and last name, or the title.
    pub name: String,
    /// Without `@`.
    pub username: Option<String>,
}

/// A peer that the connector must know again: ids alone open nothing, access hashes belong to the account.
///
/// Stored in the transaction of the batch and handed back in [`super::Resume`]. A changed name, username or phone is
/// followed by the peer's conversation and contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPeer {
    /// Who.
    pub peer: Peer,
    /// The access hash; `None` where there is none (basic groups) or only a `min` constructor was seen.
    pub access_hash: Option<i64>,
    /// First and last name, or the title; empty where it is not known, which changes no name that is.
    pub name: String,
    /// Without `@`.
    pub username: Option<String>,
    /// In E.164.
    pub phone: Option<String>,
    /// The connector's own words: whether it is ourselves, a bot, what kind of channel.
    pub details: serde_json::Value,
}
