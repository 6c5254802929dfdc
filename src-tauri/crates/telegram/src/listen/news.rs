//! From updates to what is handed over.

use grammers_tl_types as tl;
use skrynka_core::{
    connector::{Content, Incoming, IncomingMessage, Raw},
    model::{ChatKey, Direction, Peer, PeerKind, Place},
};
use time::OffsetDateTime;

use super::Work;
use crate::{
    convert::{Reader, number, place, reactions},
    peers::{channel, clean, named, user},
    updates::News,
};

impl Work {
    /// Takes one piece of news into the batch that is gathered.
    pub(super) fn news(&mut self, news: News) {
        match news {
            News::Updates(updates, users, chats) => {
                self.book.learn(&users, &chats);
                let behind = self.is_behind();
                for update in &updates {
                    self.update(update, &updates, behind);
                }
            }
            News::SkippedAccount => {
                tracing::warn!(target: "skrynka::telegram", "Telegram skipped messages, comparing every chat");
                (self.compare_due, self.is_skipped_anew) = (true, true);
                self.chats.set_skipped(true);
            }
            News::SkippedChannel { id, top, users, chats } => {
                self.book.learn(&users, &chats);
                let peer = channel(id);
                if let Some(top) = number(top).filter(|_| self.scope.takes(peer)) {
                    tracing::warn!(target: "skrynka::telegram", chat = %peer, "Telegram skipped messages of a chat");
                    self.chats.compare(peer, top);
                }
            }
            News::UnknownChannel(id) => {
                tracing::info!(target: "skrynka::telegram", chat = %channel(id), "A chat is not known, reading the list");
                self.compare_due = true;
            }
            News::StuckChannel(id) => {
                self.chats.unfollow(channel(id));
                self.compare_due = true;
            }
            News::CaughtUp => {}
            News::LeftChannel(id) => {
                tracing::info!(target: "skrynka::telegram", chat = %channel(id), "No longer in a chat");
                self.chats.unfollow(channel(id));
            }
        }
    }

    fn update(&mut self, update: &tl::enums::Update, all: &[tl::enums::Update], behind: bool) {
        use tl::enums::Update;
        match update {
            Update::NewMessage(update) => self.message(&update.message, behind),
            Update::NewChannelMessage(update) => self.message(&update.message, behind),
            Update::EditMessage(update) => self.edited(&update.message),
            Update::EditChannelMessage(update) => self.edited(&update.message),
            Update::DeleteMessages(update) => self.deleted(None, &update.messages),
            Update::DeleteChannelMessages(update) => self.deleted(Some(update.channel_id), &update.messages),
            Update::ReadHistoryInbox(update) => {
                let peer = named(&update.peer);
                let topic = update.top_msg_id.and_then(number);
                self.read_in(ChatKey { peer, topic }, update.max_id);
            }
            Update::ReadChannelInbox(update) => {
                self.read_in(ChatKey::from(channel(update.channel_id)), update.max_id);
            }
            Update::ReadChannelDiscussionInbox(update) => {
                let topic = number(update.top_msg_id);
                self.read_in(ChatKey { peer: channel(update.channel_id), topic }, update.read_max_id);
            }
            Update::ReadHistoryOutbox(update) => self.read_out(named(&update.peer), update.max_id),
            Update::ReadChannelOutbox(update) => self.read_out(channel(update.channel_id), update.max_id),
            Update::MessageReactions(update) => {
                let peer = named(&update.peer);
                if let Some(number) = number(update.msg_id).filter(|_| self.scope.takes(peer)) {
                    let reactions = reactions(&update.reactions);
                    self.batch.incoming.push(Incoming::Reactions { place: peer.place(number), reactions });
                }
            }
            Update::MessageId(update) => self.sent(update, all),
            Update::UserName(update) => {
                let names = [update.first_name.as_str(), update.last_name.as_str()];
                let name = names.into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>().join(" ");
                let username = update.usernames.iter().find_map(|name| {
                    let tl::enums::Username::Username(name) = name;
                    name.active.then(|| name.username.clone())
                });
                self.book.rename(update.user_id, clean(&name), username);
            }
            Update::UserPhone(update) => self.book.renumber(update.user_id, &update.phone),
            Update::Encryption(update) => self.secret_chat(&update.chat),
            _ => {}
        }
    }

    fn message(&mut self, message: &tl::enums::Message, behind: bool) {
        let Some((peer, number)) = place(message) else { return };
        if !self.scope.takes(peer) {
            return;
        }
        self.learn_topic(peer);
        // A `min` constructor introduces somebody without what answers need; the list of chats has it. Once is enough.
        let is_met = self.book.knows(peer) && self.book.input(peer).is_some();
        if !is_met && self.looked_up.insert(peer) {
            self.compare_due = true;
        }
        if let Some(read) = self.read(message, peer) {
            self.batch.incoming.push(Incoming::Message(Box::new(read)));
            self.done = self.done.saturating_add(1);
            self.chats.arrived(peer, number, behind);
            self.answered_elsewhere(message, peer, number);
        }
    }

    fn secret_chat(&mut self, chat: &tl::enums::EncryptedChat) {
        let tl::enums::EncryptedChat::Requested(asked) = chat else { return };
        let peer = user(asked.admin_id);
        if peer == self.me || !self.scope.takes(peer) {
            return;
        }
        tracing::info!(target: "skrynka::telegram", chat = %peer, "A secret chat lives on the phone only");
        let reader = Reader { book: &self.book, me: self.me, arrived_at: self.clock.now() };
        let line = reader.secret_chat(asked);
        self.batch.incoming.push(Incoming::Message(Box::new(line)));
    }

    /// Who writes in a chat has read it. What was scheduled, or a business account's automat or bot says, is nobody's
    /// answer.
    fn answered_elsewhere(&mut self, message: &tl::enums::Message, peer: Peer, number: u32) {
        let is_typed = matches!(message, tl::enums::Message::Message(message)
            if message.out && !message.offline && !message.from_scheduled && message.via_business_bot_id.is_none());
        if is_typed && peer.kind != PeerKind::Channel && self.chats.read_in(peer, number) {
            self.batch.incoming.push(Incoming::ReadInbox { chat: ChatKey::from(peer), up_to: number });
        }
    }

    fn learn_topic(&mut self, peer: Peer) {
        if peer.kind == PeerKind::Channel && self.book.get(peer).is_some_and(|known| known.details.forum) {
            self.want_topics(peer.id);
        }
    }

    /// Reactions change without an edit that is to be shown, so they are told beside it.
    fn edited(&mut self, message: &tl::enums::Message) {
        let Some((peer, number)) = place(message) else { return };
        if !self.scope.takes(peer) {
            return;
        }
        if let Some(read) = self.read(message, peer) {
            self.batch.incoming.push(Incoming::Message(Box::new(read)));
        }
        if let tl::enums::Message::Message(tl::types::Message { reactions: Some(given), .. }) = message {
            let reactions = reactions(given);
            self.batch.incoming.push(Incoming::Reactions { place: peer.place(number), reactions });
        }
    }

    fn read(&self, message: &tl::enums::Message, peer: Peer) -> Option<IncomingMessage> {
        let reader = Reader { book: &self.book, me: self.me, arrived_at: self.clock.now() };
        reader.message(message, self.chats.read_up_to(peer))
    }

    fn deleted(&mut self, channel_id: Option<i64>, messages: &[i32]) {
        if channel_id.is_some_and(|id| !self.scope.takes(channel(id))) {
            return;
        }
        let numbers: Vec<u32> = messages.iter().copied().filter_map(number).collect();
        if !numbers.is_empty() {
            if self.errand.is_some() {
                self.deleted.push((channel_id, numbers.clone()));
            }
            self.batch.incoming.push(Incoming::Deleted { channel: channel_id, numbers });
        }
    }

    fn read_in(&mut self, chat: ChatKey, up_to: i32) {
        let Some(up_to) = number(up_to).filter(|_| self.scope.takes(chat.peer)) else { return };
        if chat.topic.is_some() || self.chats.read_in(chat.peer, up_to) {
            self.batch.incoming.push(Incoming::ReadInbox { chat, up_to });
        }
    }

    fn read_out(&mut self, peer: Peer, up_to: i32) {
        let Some(up_to) = number(up_to).filter(|_| self.scope.takes(peer)) else { return };
        if self.chats.read_out(peer, up_to) {
            self.batch.incoming.push(Incoming::ReadOutbox { chat: ChatKey::from(peer), up_to });
        }
    }

    /// The number that a text got stands beside the message itself.
    fn sent(&mut self, update: &tl::types::UpdateMessageId, all: &[tl::enums::Update]) {
        let places = all.iter().filter_map(|other| match other {
            tl::enums::Update::NewMessage(new) => place(&new.message),
            tl::enums::Update::NewChannelMessage(new) => place(&new.message),
            _ => None,
        });
        let place = number(update.id).and_then(|id| places.into_iter().find(|(_, number)| *number == id));
        if let Some((peer, number)) = place {
            let (random_id, place) = (update.random_id, peer.place(number));
            self.batch.incoming.push(Incoming::Sent { random_id, place });
        }
    }
}

/// The place of a message that could not be read.
pub(super) fn unreadable(place: Place, at: OffsetDateTime, now: OffsetDateTime, reason: String) -> Incoming {
    Incoming::Message(Box::new(IncomingMessage {
        place,
        direction: Direction::In,
        received_at: at,
        arrived_at: now,
        seen: true,
        answered: false,
        raw: Raw::empty(),
        content: Content::Unreadable { reason, whole: false },
    }))
}
