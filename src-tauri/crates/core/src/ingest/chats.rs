//! Chats: the network names the conversation, messages change after they came, and read marks are a number.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sha2::{Digest as _, Sha256};

use super::{Work, fact, fold, outgoing_changed, text};
use crate::{
    connector::{Chat, ChatMessage, Content, IncomingMessage, KnownPeer, Raw},
    model::{
        Address, ChatKey, ChatKind, ConversationId, Direction, Media, MediaKind, MessageId, Peer, PeerKind, Place,
        Reaction,
    },
    store::{
        ChatSummary, FactKind, KnownChat, NewMessage, NewVersion, StoreError, SummaryChange, TelegramPerson, at_name,
    },
};

impl Work {
    /// Stores messages of chats; those that are here already may be new versions. A place that is named again is looked
    /// at again, after what was said of it first is stored.
    pub(super) async fn chats(&mut self, mut messages: Vec<&IncomingMessage>) -> Result<(), StoreError> {
        while !messages.is_empty() {
            let mut met: HashSet<&Place> = HashSet::new();
            let (first, again) = messages.into_iter().partition(|message| met.insert(&message.place));
            self.chats_of_places(first).await?;
            messages = again;
        }
        Ok(())
    }

    /// Stores messages of chats, each of which stands at a place of its own.
    async fn chats_of_places<'m>(&mut self, messages: Vec<&'m IncomingMessage>) -> Result<(), StoreError> {
        let places: Vec<&Place> = messages.iter().map(|message| &message.place).collect();
        let known = self.tx.known_places(&places).await?;
        // What could not be read before takes the place of what stood for it.
        let replaced: HashMap<&Place, bool> = messages
            .iter()
            .filter(|message| matches!(message.content, Content::Chat(_)))
            .filter_map(|message| Some((&message.place, known.get(&message.place)?)))
            .filter(|(_, stored)| stored.unreadable)
            .map(|(place, stored)| (place, stored.answered))
            .collect();
        if !replaced.is_empty() {
            let read: Vec<_> = replaced.iter().map(|(place, answered)| ((*place).clone(), true, *answered)).collect();
            self.marks_of(&read, &known).await?;
            // What turns out to belong to a topic leaves the line in the whole forum, marked as gone.
            let keys: BTreeSet<ChatKey> = messages.iter().filter_map(|message| key(message)).collect();
            let chats = self.tx.chats(&keys.into_iter().collect::<Vec<_>>()).await?;
            let stays = |message: &&IncomingMessage| {
                let here = key(message).and_then(|key| chats.get(&key)).map(|chat| chat.conversation);
                here == known.get(&message.place).map(|stored| stored.conversation)
            };
            let is_replaced = |message: &&IncomingMessage| {
                matches!(message.content, Content::Chat(_)) && replaced.contains_key(&message.place)
            };
            let (here, elsewhere): (Vec<_>, Vec<_>) = messages.iter().copied().filter(is_replaced).partition(stays);
            let places = |messages: Vec<&'m IncomingMessage>| -> Vec<&'m Place> {
                messages.into_iter().map(|message| &message.place).collect()
            };
            self.clear_stand_ins(&places(here)).await?;
            for (message, conversation) in self.tx.vacate(&places(elsewhere)).await? {
                self.facts.push(fact(FactKind::MessageGone, conversation, message));
                self.changed.insert(conversation);
            }
        }
        let (fresh, stored): (Vec<_>, Vec<_>) = messages.into_iter().partition(|message| {
            let place = &message.place;
            let is_read = matches!(message.content, Content::Chat(_));
            !known.contains_key(place) || is_read && replaced.contains_key(place)
        });
        self.done.known += stored.len();
        self.chats_take_over(&fresh).await?;
        self.insert_chats(fresh).await?;
        self.versions(stored).await
    }

    async fn insert_chats(&mut self, messages: Vec<&IncomingMessage>) -> Result<(), StoreError> {
        let people: BTreeMap<i64, TelegramPerson> = messages
            .iter()
            .filter_map(|message| match &message.content {
                Content::Chat(message) => person(&message.chat),
                Content::Letter(_) | Content::Unreadable { .. } => None,
            })
            .collect();
        let contacts =
            if people.is_empty() { BTreeMap::new() } else { self.tx.telegram_contacts(&people, self.now).await? };
        let keys: BTreeSet<ChatKey> = messages.iter().filter_map(|message| key(message)).collect();
        let known = self.tx.chats(&keys.iter().copied().collect::<Vec<_>>()).await?;
        let mut chats: BTreeMap<ChatKey, KnownChat> = known.clone();
        let mut changes: BTreeMap<ConversationId, SummaryChange> = BTreeMap::new();
        let mut rows = Vec::with_capacity(messages.len());
        for message in messages {
            let Some(key) = key(message) else {
                return Err(StoreError::Inconsistent(format!("the place {} names no chat", message.place)));
            };
            let chat = *chats
                .entry(key)
                .or_insert_with(|| KnownChat { conversation: ConversationId::new(self.now), read_inbox: 0 });
            let mut row = new_message(message, chat);
            self.read_before(&mut row);
            let mut change = summary_change(message, &row, key, !known.contains_key(&key));
            self.known_before(&row, &mut change);
            change.contact = (key.peer.kind == PeerKind::User).then(|| contacts.get(&key.peer.id).copied()).flatten();
            changes.entry(chat.conversation).and_modify(|sum| fold(sum, &change)).or_insert(change);
            rows.push(row);
        }
        self.write_rows(rows, changes).await
    }

    /// Makes conversations of chats that somebody begins; those that are here already stay as they are.
    pub(super) async fn begin_chats(&mut self, begun: &[&Chat]) -> Result<(), StoreError> {
        for chat in begun {
            if self.tx.chats(&[chat.key]).await?.contains_key(&chat.key) {
                continue;
            }
            let people: BTreeMap<i64, TelegramPerson> = person(chat).into_iter().collect();
            let contacts =
                if people.is_empty() { BTreeMap::new() } else { self.tx.telegram_contacts(&people, self.now).await? };
            let address = address(chat.username.as_deref(), chat.phone.as_deref());
            let contact = contacts.get(&chat.key.peer.id).copied();
            let conversation = ConversationId::new(self.now);
            self.tx.begin_chat(conversation, chat, &address, contact, self.now).await?;
            self.changed.insert(conversation);
        }
        Ok(())
    }

    /// Follows edits. A version with an older date, or the same one again, changes nothing.
    async fn versions(&mut self, messages: Vec<&IncomingMessage>) -> Result<(), StoreError> {
        if messages.is_empty() {
            return Ok(());
        }
        let places: Vec<&Place> = messages.iter().map(|message| &message.place).collect();
        let mut shown = self.tx.shown_versions(&places).await?;
        for message in messages {
            let (Content::Chat(chat), Some(known)) = (&message.content, shown.get_mut(&message.place)) else {
                continue;
            };
            let content = content_hash(chat);
            let media = quiet_media(chat);
            let newer = chat.edited_at >= known.edited_at;
            let other = content != known.content;
            if newer && (other || media != known.media) {
                let snippet = known.latest.then(|| text::snippet(&chat.text));
                let (message, conversation) = (known.message, known.conversation);
                let version = NewVersion { message, conversation, chat, content, keep: other, snippet };
                self.tx.replace_version(&version, self.now).await?;
                self.edited(conversation, message);
            }
            if newer {
                (known.content, known.media) = (content, media);
                known.edited_at = known.edited_at.max(chat.edited_at);
            }
            if newer && chat.reactions != known.reactions {
                known.reactions.clone_from(&chat.reactions);
                let (message, conversation) = (known.message, known.conversation);
                self.tx.set_reactions(message, &chat.reactions).await?;
                self.edited(conversation, message);
            }
        }
        Ok(())
    }

    pub(super) async fn reactions(&mut self, all: &[(&Place, &[Reaction])]) -> Result<(), StoreError> {
        if all.is_empty() {
            return Ok(());
        }
        // Several words about one message in one batch: the last is true.
        let last: HashMap<&Place, &[Reaction]> = all.iter().copied().collect();
        let places: Vec<&Place> = last.keys().copied().collect();
        let shown = self.tx.shown_versions(&places).await?;
        for (place, reactions) in last {
            if let Some(known) = shown.get(place)
                && known.reactions != reactions
            {
                self.tx.set_reactions(known.message, reactions).await?;
                self.edited(known.conversation, known.message);
            }
        }
        Ok(())
    }

    /// Marks messages that were deleted, where only their numbers are told.
    pub(super) async fn deleted(&mut self, channel: Option<i64>, numbers: &[u32]) -> Result<(), StoreError> {
        let places = self.tx.places_of_numbers(channel, numbers).await?;
        self.gone(&places).await
    }

    /// Follows what this account read elsewhere.
    pub(super) async fn read_inbox(&mut self, chat: ChatKey, up_to: u32) -> Result<(), StoreError> {
        for (conversation, read) in self.tx.read_inbox(chat, up_to).await? {
            if read > 0 {
                *self.unread.entry(conversation).or_default() -= read;
                self.changed.insert(conversation);
            }
        }
        Ok(())
    }

    /// Follows what the other side read.
    pub(super) async fn read_outbox(&mut self, chat: ChatKey, up_to: u32) -> Result<(), StoreError> {
        self.changed.extend(self.tx.read_outbox(chat, up_to).await?);
        Ok(())
    }

    pub(super) async fn sent(&mut self, random_id: i64, place: &Place) -> Result<(), StoreError> {
        if let Some(conversation) = self.tx.found_sent(random_id, place).await? {
            self.facts.push(outgoing_changed(Some(conversation)));
        }
        Ok(())
    }

    /// Writes who somebody is, and gives their chat and contact the new name. What is not told changes nothing.
    pub(super) async fn peers(&mut self, peers: &[&KnownPeer]) -> Result<(), StoreError> {
        if peers.is_empty() {
            return Ok(());
        }
        let asked: Vec<Peer> = peers.iter().map(|peer| peer.peer).collect();
        let stored = self.tx.known_peers(&asked).await?;
        let mut now: BTreeMap<Peer, KnownPeer> = BTreeMap::new();
        for &peer in peers {
            let before = now.get(&peer.peer).or_else(|| stored.get(&peer.peer));
            let known = before.map_or_else(|| peer.clone(), |before| merged(before, peer));
            now.insert(peer.peer, known);
        }
        now.retain(|peer, known| stored.get(peer) != Some(&*known));
        let news: Vec<KnownPeer> = now.into_values().collect();
        if news.is_empty() {
            return Ok(());
        }
        self.tx.write_peers(&news).await?;
        let mut people = BTreeMap::new();
        for peer in &news {
            let Some(before) = stored.get(&peer.peer) else { continue };
            if (&before.name, &before.username, &before.phone) == (&peer.name, &peer.username, &peer.phone) {
                continue;
            }
            let address = address(peer.username.as_deref(), peer.phone.as_deref());
            let Some(conversation) = self.tx.rename_chat(peer, &address).await? else { continue };
            self.changed.insert(conversation);
            if peer.peer.kind == PeerKind::User {
                self.tx.rename_contact(peer.peer.id, &before.name, &peer.name).await?;
                let (name, username, phone) = (peer.name.clone(), peer.username.clone(), peer.phone.clone());
                people.insert(peer.peer.id, TelegramPerson { name, username, phone });
            }
        }
        if !people.is_empty() {
            self.tx.telegram_contacts(&people, self.now).await?;
        }
        Ok(())
    }

    fn edited(&mut self, conversation: ConversationId, message: MessageId) {
        self.facts.push(fact(FactKind::MessageEdited, conversation, message));
        self.changed.insert(conversation);
    }
}

/// What is known of a peer once it was seen again: a `min` constructor has no access hash and tells less.
fn merged(before: &KnownPeer, peer: &KnownPeer) -> KnownPeer {
    let whole = peer.access_hash.is_some() || before.access_hash.is_none();
    KnownPeer {
        peer: peer.peer,
        access_hash: peer.access_hash.or(before.access_hash),
        name: if peer.name.is_empty() { before.name.clone() } else { peer.name.clone() },
        username: if whole { peer.username.clone() } else { before.username.clone() },
        phone: peer.phone.clone().or_else(|| before.phone.clone()),
        details: if whole { peer.details.clone() } else { before.details.clone() },
    }
}

/// Tells whether a message belongs to a chat network, whatever could be read of it.
pub(super) fn is_chat(message: &IncomingMessage) -> bool {
    match &message.content {
        Content::Chat(_) => true,
        Content::Letter(_) => false,
        Content::Unreadable { .. } => message.place.epoch == 0 && message.place.mailbox.parse::<Peer>().is_ok(),
    }
}

fn key(message: &IncomingMessage) -> Option<ChatKey> {
    match &message.content {
        Content::Chat(chat) => Some(chat.chat.key),
        Content::Letter(_) | Content::Unreadable { .. } => message.place.mailbox.parse::<Peer>().ok().map(Into::into),
    }
}

/// The other side of a chat with one.
fn person(chat: &Chat) -> Option<(i64, TelegramPerson)> {
    (chat.key.peer.kind == PeerKind::User).then(|| {
        let (name, username, phone) = (chat.title.clone(), chat.username.clone(), chat.phone.clone());
        (chat.key.peer.id, TelegramPerson { name, username, phone })
    })
}

fn address(username: Option<&str>, phone: Option<&str>) -> String {
    if username.is_some() { at_name(username) } else { phone.unwrap_or_default().to_owned() }
}

fn new_message(message: &IncomingMessage, chat: KnownChat) -> NewMessage<'_> {
    let (content, unreadable) = match &message.content {
        Content::Chat(chat) => (Some((&**chat, content_hash(chat))), None),
        Content::Unreadable { reason, whole } => (None, Some((&**reason, *whole))),
        Content::Letter(_) => (None, None),
    };
    // What is shown whole needs no bytes beside it.
    let is_whole = content.is_some_and(|(content, _)| !content.needs_raw());
    let (size, sha256) = if is_whole { (0, Raw::empty().sha256) } else { (message.raw.size, message.raw.sha256) };
    let read_there = message.seen || message.place.number <= chat.read_inbox;
    let read =
        read_there || message.direction == Direction::Out || content.is_some_and(|(content, _)| content.is_quiet());
    NewMessage {
        id: MessageId::in_chat(message.received_at, message.place.number),
        conversation: chat.conversation,
        place: &message.place,
        direction: message.direction,
        letter: None,
        chat: content,
        unreadable,
        received_at: message.received_at,
        arrived_at: message.arrived_at,
        read,
        seen: read_there,
        answered: message.answered,
        size,
        sha256,
        raw: &message.raw.bytes,
    }
}

fn summary_change(message: &IncomingMessage, row: &NewMessage<'_>, key: ChatKey, new: bool) -> SummaryChange {
    let chat = row.chat.map(|(chat, _)| chat);
    let kind = chat.map_or(
        match key.peer.kind {
            PeerKind::User => ChatKind::Private,
            PeerKind::Group => ChatKind::Group,
            PeerKind::Channel => ChatKind::Supergroup,
        },
        |chat| chat.chat.kind,
    );
    let several = match kind {
        ChatKind::Private | ChatKind::Bot | ChatKind::Broadcast => false,
        ChatKind::Group | ChatKind::Supergroup | ChatKind::Topic => true,
    };
    // What asks nobody for anything makes it nobody's turn, and opens nothing that was put aside.
    let turn = if chat.is_some_and(ChatMessage::is_quiet) { Direction::Out } else { row.direction };
    let author = chat.and_then(|chat| chat.author.as_ref()).filter(|_| several && turn == Direction::In);
    SummaryChange {
        conversation: row.conversation,
        new,
        messages: 1,
        unread: i32::from(!row.read),
        files: row.file_count(),
        last_message: row.id,
        last_at: row.received_at,
        last_direction: turn,
        last_in: (turn == Direction::In).then_some(row.received_at),
        snippet: chat.map(snippet).unwrap_or_default(),
        unreadable: row.unreadable.is_some(),
        contact: None,
        peer: chat.map_or_else(
            || Address { name: String::new(), address: message.place.mailbox.clone() },
            |chat| Address {
                name: chat.chat.title.clone(),
                address: address(chat.chat.username.as_deref(), chat.chat.phone.as_deref()),
            },
        ),
        subject: String::new(),
        subject_key: String::new(),
        chat: Some(ChatSummary {
            key,
            kind,
            named: chat.is_some_and(|chat| !chat.chat.title.is_empty()),
            author: author.map(|author| author.name.clone()).unwrap_or_default(),
            media: chat.and_then(ChatMessage::media_word),
        }),
    }
}

/// The first words of a message; where it has none, what it is about.
fn snippet(chat: &ChatMessage) -> String {
    let about = match (&chat.service, &chat.media) {
        _ if !chat.text.is_empty() => &chat.text,
        (Some(service), _) => &service.about,
        (None, Some(Media::File(file))) => &file.name,
        (None, Some(Media::Poll { question, .. })) => question,
        (None, Some(Media::Contact { name, .. })) => name,
        (None, Some(Media::Location { title, .. })) => title,
        (None, Some(Media::WebPage { .. } | Media::Unsupported { .. }) | None) => "",
    };
    text::snippet(about)
}

/// What is stored as JSON of a message's media: all but files.
fn quiet_media(chat: &ChatMessage) -> Option<serde_json::Value> {
    match &chat.media {
        None | Some(Media::File(_)) => None,
        Some(other) => serde_json::to_value(other).ok(),
    }
}

/// Hashes what an edit changes: text, entities, which file, what is asked. Votes and loaded previews are not in it,
/// nor is what the server tells differently each time, like file references.
pub(crate) fn content_hash(chat: &ChatMessage) -> [u8; 32] {
    let media = match &chat.media {
        None | Some(Media::WebPage { .. }) => serde_json::Value::Null,
        Some(Media::File(file)) => {
            let kind: MediaKind = file.kind;
            serde_json::json!([kind, file.name, file.mime, file.size, file.width, file.height])
        }
        Some(Media::Poll { question, answers, .. }) => {
            let answers: Vec<&str> = answers.iter().map(|answer| &*answer.text).collect();
            serde_json::json!([question, answers])
        }
        Some(other @ (Media::Location { .. } | Media::Contact { .. } | Media::Unsupported { .. })) => {
            serde_json::to_value(other).unwrap_or_default()
        }
    };
    Sha256::digest(serde_json::json!([chat.text, chat.entities, media]).to_string()).into()
}
