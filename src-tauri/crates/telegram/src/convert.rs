//! From Telegram's objects to what the core stores. No I/O.

mod media;
mod service;
mod text;
mod thumbnail;

use grammers_tl_types::{self as tl, Serializable as _};
use skrynka_core::{
    connector::{Chat, ChatAuthor, ChatMessage, Content, IncomingMessage, Raw},
    model::{ChatKey, ChatKind, Direction, Forward, Media, Peer, PeerKind, Place, Reaction, Service, ServiceKind},
};
use time::OffsetDateTime;

pub(crate) use self::text::{entities_in, entities_out};
use crate::peers::{Book, clean, named};

/// The topic of a forum that everything without a topic belongs to.
const GENERAL: u32 = 1;

/// The epoch of secret chats' places: 0 is that of messages.
const SECRET: u32 = 1;

/// What a message is read with.
pub(crate) struct Reader<'a> {
    /// Who is known.
    pub(crate) book: &'a Book,
    /// This account's own user.
    pub(crate) me: Peer,
    /// When it reached this computer.
    pub(crate) arrived_at: OffsetDateTime,
}

/// A message's number, where it has one.
pub(crate) fn number(id: i32) -> Option<u32> {
    u32::try_from(id).ok().filter(|number| *number > 0)
}

/// Where a message was said and its number. `None` for what is no message.
pub(crate) fn place(message: &tl::enums::Message) -> Option<(Peer, u32)> {
    match message {
        tl::enums::Message::Message(message) => Some((named(&message.peer_id), number(message.id)?)),
        tl::enums::Message::Service(message) => Some((named(&message.peer_id), number(message.id)?)),
        tl::enums::Message::Empty(_) => None,
    }
}

/// When a message was sent, in Unix seconds.
pub(crate) const fn date(message: &tl::enums::Message) -> i32 {
    match message {
        tl::enums::Message::Message(message) => message.date,
        tl::enums::Message::Service(message) => message.date,
        tl::enums::Message::Empty(_) => 0,
    }
}

/// A time as Telegram writes it.
pub(crate) fn moment(unix: i32) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(unix.into()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// The reactions a message has.
pub(crate) fn reactions(reactions: &tl::enums::MessageReactions) -> Vec<Reaction> {
    let tl::enums::MessageReactions::Reactions(reactions) = reactions;
    let given = reactions.results.iter().filter_map(|counted| {
        let tl::enums::ReactionCount::Count(counted) = counted;
        let emoji = match &counted.reaction {
            tl::enums::Reaction::Emoji(reaction) => reaction.emoticon.clone(),
            tl::enums::Reaction::CustomEmoji(reaction) => format!("custom:{}", reaction.document_id),
            tl::enums::Reaction::Paid => "⭐".to_owned(),
            tl::enums::Reaction::Empty => return None,
        };
        let count = u32::try_from(counted.count).ok().filter(|count| *count > 0)?;
        Some(Reaction { emoji, count, mine: counted.chosen_order.is_some() })
    });
    given.collect()
}

/// The name of a TL object's constructor.
fn constructor(object: &impl tl::Serializable) -> String {
    let bytes = object.to_bytes();
    let id = bytes.first_chunk::<4>().map_or(0, |id| u32::from_le_bytes(*id));
    tl::name_for_id(id).to_owned()
}

/// The untouched object, with the layer that it is written in before it. The core keeps it where the message is not
/// shown whole, or the database refuses what was read of it.
fn raw(message: &tl::enums::Message) -> Raw {
    let mut bytes = tl::LAYER.to_le_bytes().to_vec();
    message.serialize(&mut bytes);
    Raw::memory(bytes)
}

impl Reader<'_> {
    /// Reads a message. `read_up_to` is what the account has read in its chat. `None` for what is no message.
    pub(crate) fn message(&self, message: &tl::enums::Message, read_up_to: u32) -> Option<IncomingMessage> {
        match message {
            tl::enums::Message::Message(said) => self.said(message, said, read_up_to),
            tl::enums::Message::Service(happened) => self.happened(message, happened, read_up_to),
            tl::enums::Message::Empty(_) => None,
        }
    }

    fn said(
        &self,
        object: &tl::enums::Message,
        message: &tl::types::Message,
        read_up_to: u32,
    ) -> Option<IncomingMessage> {
        let (peer, number) = place(object)?;
        let media = message.media.as_ref().and_then(media::of);
        let rich = message.rich_message.as_ref().map(|rich| Media::Unsupported { what: constructor(rich) });
        let media = media.or(rich);
        let mut text = text::body(&message.message);
        if text.is_empty()
            && let Some(tl::enums::MessageMedia::Dice(dice)) = &message.media
        {
            text.clone_from(&dice.emoticon);
        }
        let content = ChatMessage {
            entities: entities_in(message.entities.as_deref().unwrap_or_default()),
            media,
            reply_to: replied_to(message.reply_to.as_ref()),
            forward: message.fwd_from.as_ref().map(|forward| self.forward(forward)),
            album: message.grouped_id,
            reactions: message.reactions.as_ref().map(reactions).unwrap_or_default(),
            // An edit that is not to be shown changed a button or a preview.
            edited_at: message.edit_date.filter(|_| !message.edit_hide).map(moment),
            ..ChatMessage::new(
                self.chat(peer, message.reply_to.as_ref()),
                self.author(peer, message.from_id.as_ref(), message.out),
                text,
            )
        };
        Some(IncomingMessage {
            place: peer.place(number),
            direction: direction(message.out),
            received_at: moment(message.date),
            arrived_at: self.arrived_at,
            seen: message.out || number <= read_up_to,
            answered: false,
            raw: raw(object),
            content: Content::Chat(Box::new(content)),
        })
    }

    fn happened(
        &self,
        object: &tl::enums::Message,
        message: &tl::types::MessageService,
        read_up_to: u32,
    ) -> Option<IncomingMessage> {
        let (peer, number) = place(object)?;
        let service = service::of(&message.action, self.book, message.out);
        if let tl::enums::MessageAction::TopicCreate(action) = &message.action
            && peer.kind == PeerKind::Channel
        {
            self.book.name_topic(peer.id, number, &clean(&action.title));
        }
        let chat = match &message.action {
            // A topic begins with the message that made it.
            tl::enums::MessageAction::TopicCreate(_) => self.topic(self.whole_chat(peer).0, number),
            _ => self.chat(peer, message.reply_to.as_ref()),
        };
        let content = ChatMessage {
            reply_to: replied_to(message.reply_to.as_ref()),
            service: Some(service),
            reactions: message.reactions.as_ref().map(reactions).unwrap_or_default(),
            ..ChatMessage::new(chat, self.author(peer, message.from_id.as_ref(), message.out), String::new())
        };
        Some(IncomingMessage {
            place: peer.place(number),
            direction: direction(message.out),
            received_at: moment(message.date),
            arrived_at: self.arrived_at,
            seen: message.out || number <= read_up_to,
            answered: false,
            raw: raw(object),
            content: Content::Chat(Box::new(content)),
        })
    }

    /// Reads that somebody asked for a secret chat, which no other device will ever see. It is a line of the chat with
    /// them; its epoch keeps its number apart from those of messages, which deletions and read marks name.
    pub(crate) fn secret_chat(&self, asked: &tl::types::EncryptedChatRequested) -> IncomingMessage {
        let peer = crate::peers::user(asked.admin_id);
        let service = Service { kind: ServiceKind::SecretChat, about: String::new(), seconds: None };
        let content = ChatMessage {
            service: Some(service),
            ..ChatMessage::new(self.chat(peer, None), self.author(peer, None, false), String::new())
        };
        IncomingMessage {
            // Who asks draws the number from the whole range of an `int`.
            place: Place { epoch: SECRET, ..peer.place(asked.id.cast_unsigned()) },
            direction: Direction::In,
            received_at: moment(asked.date),
            arrived_at: self.arrived_at,
            seen: false,
            answered: false,
            raw: Raw::empty(),
            content: Content::Chat(Box::new(content)),
        }
    }

    /// The chat that a message stands in.
    fn chat(&self, peer: Peer, reply: Option<&tl::enums::MessageReplyHeader>) -> Chat {
        let (chat, is_forum) = self.whole_chat(peer);
        if is_forum { self.topic(chat, topic_of(reply)) } else { chat }
    }

    /// A chat without regard to topics, and whether it is a forum.
    pub(crate) fn whole_chat(&self, peer: Peer) -> (Chat, bool) {
        let known = self.book.get(peer);
        let kind = known.as_ref().map_or(
            match peer.kind {
                PeerKind::User => ChatKind::Private,
                PeerKind::Group => ChatKind::Group,
                PeerKind::Channel => ChatKind::Supergroup,
            },
            |known| known.details.kind,
        );
        let is_forum = known.as_ref().is_some_and(|known| known.details.forum);
        let (title, username, phone) =
            known.map_or((String::new(), None, None), |known| (known.name, known.username, known.phone));
        let title = [Some(title), username.clone(), phone.clone()]
            .into_iter()
            .flatten()
            .find(|title| !title.is_empty())
            .unwrap_or_default();
        (Chat { key: ChatKey::from(peer), kind, title, username, phone }, is_forum)
    }

    fn topic(&self, chat: Chat, topic: u32) -> Chat {
        let name = self
            .book
            .topic(chat.key.peer.id, topic)
            .unwrap_or_else(|| if topic == GENERAL { "General".to_owned() } else { format!("#{topic}") });
        Chat {
            key: ChatKey { topic: Some(topic), ..chat.key },
            kind: ChatKind::Topic,
            title: format!("{} / {name}", chat.title),
            ..chat
        }
    }

    /// In a private chat only one of two can have written; in a channel it is the channel.
    fn author(&self, chat: Peer, from: Option<&tl::enums::Peer>, out: bool) -> Option<ChatAuthor> {
        let peer = match (from, chat.kind) {
            (Some(from), _) => named(from),
            (None, PeerKind::User) => {
                if out {
                    self.me
                } else {
                    chat
                }
            }
            (None, PeerKind::Group | PeerKind::Channel) => return None,
        };
        let known = self.book.get(peer);
        let (name, username) = known.map_or((String::new(), None), |known| (known.name, known.username));
        Some(ChatAuthor { peer, name, username })
    }

    fn forward(&self, header: &tl::enums::MessageFwdHeader) -> Forward {
        let tl::enums::MessageFwdHeader::Header(header) = header;
        let peer = header.from_id.as_ref().map(named);
        let name = peer.and_then(|peer| self.book.name(peer)).or_else(|| header.from_name.as_deref().map(clean));
        Forward {
            name: name.or_else(|| header.post_author.as_deref().map(clean)).unwrap_or_default(),
            peer,
            number: header.channel_post.and_then(number),
            sent_at: moment(header.date),
        }
    }
}

const fn direction(out: bool) -> Direction {
    if out { Direction::Out } else { Direction::In }
}

/// The topic that a message of a forum belongs to.
pub(crate) fn topic_of(reply: Option<&tl::enums::MessageReplyHeader>) -> u32 {
    let Some(tl::enums::MessageReplyHeader::Header(header)) = reply else { return GENERAL };
    if !header.forum_topic {
        return GENERAL;
    }
    header.reply_to_top_id.or(header.reply_to_msg_id).and_then(number).unwrap_or(GENERAL)
}

/// The message of the same chat that is answered. In a forum the header alone names the topic.
fn replied_to(reply: Option<&tl::enums::MessageReplyHeader>) -> Option<u32> {
    let Some(tl::enums::MessageReplyHeader::Header(header)) = reply else { return None };
    if header.reply_to_peer_id.is_some() || (header.forum_topic && header.reply_to_top_id.is_none()) {
        return None;
    }
    header.reply_to_msg_id.and_then(number)
}
