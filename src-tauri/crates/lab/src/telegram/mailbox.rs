//! Numbered boxes of messages with the log of what happened in them, and everything that adds to a log.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use grammers_tl_types as tl;

use super::{
    Chat, MessageId, UserId, now,
    traffic::{Push, short},
    world::{Delivery, Post, RoomKind, World},
};

/// One sequence of message ids with one pts: an account's private chats and basic groups, or one channel.
#[derive(Debug)]
pub(super) struct Mailbox {
    pub(super) pts: i32,
    next_id: i32,
    /// The posts by their ids, deleted ones left out.
    pub(super) messages: BTreeMap<i32, u64>,
    pub(super) log: Vec<Event>,
}

impl Default for Mailbox {
    fn default() -> Self {
        Self { pts: 1, next_id: 1, messages: BTreeMap::new(), log: Vec::new() }
    }
}

/// One step of a pts.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) pts: i32,
    pub(super) count: i32,
    pub(super) what: What,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    New(u64),
    Edited(u64),
    Deleted(Vec<i32>),
    ReadInbox(Chat, i32),
    ReadOutbox(Chat, i32),
}

/// A chat in an account's list, without the channels.
#[derive(Debug, Clone, Default)]
pub(super) struct Dialog {
    /// The ids with their posts, oldest first.
    pub(super) messages: Vec<(i32, u64)>,
    pub(super) read_inbox: i32,
    pub(super) read_outbox: i32,
}

impl Mailbox {
    fn add(&mut self, post: u64) -> i32 {
        let id = self.next_id;
        self.next_id += 1;
        self.messages.insert(id, post);
        id
    }

    /// Notes what happened and returns the event.
    pub(super) fn note(&mut self, count: i32, what: What) -> Event {
        self.pts += count;
        let event = Event { pts: self.pts, count, what };
        self.log.push(event.clone());
        event
    }

    /// Returns the events after a pts, at most so many, and whether these are all.
    pub(super) fn since(&self, pts: i32, most: usize) -> (&[Event], bool) {
        let from = self.log.partition_point(|event| event.pts <= pts);
        let to = self.log.len().min(from + most);
        (&self.log[from..to], to == self.log.len())
    }

    pub(super) fn top(&self) -> i32 {
        self.messages.last_key_value().map_or(0, |(id, _)| *id)
    }
}

impl World {
    pub(super) fn add_group(&mut self, title: &str, members: &[UserId]) -> Chat {
        let id = self.add_room(title, members, RoomKind::Group);
        let users = members.iter().map(|member| member.0).collect();
        let action = tl::types::MessageActionChatCreate { title: title.to_owned(), users };
        self.announce(Chat::Group(id), action.into());
        Chat::Group(id)
    }

    pub(super) fn add_channel(&mut self, title: &str, members: &[UserId], kind: RoomKind) -> Chat {
        let id = self.add_room(title, members, kind);
        let action = tl::types::MessageActionChannelCreate { title: title.to_owned() };
        self.announce(Chat::Channel(id), action.into());
        if let (RoomKind::Supergroup { forum: true }, Some(room)) = (kind, self.room_mut(Chat::Channel(id))) {
            room.topics.push((1, "General".to_owned()));
        }
        Chat::Channel(id)
    }

    pub(super) fn add_topic(&mut self, chat: Chat, title: &str) {
        let action = tl::types::MessageActionTopicCreate {
            title_missing: false,
            title: title.to_owned(),
            icon_color: 0x6f_b9f0,
            icon_emoji_id: None,
        };
        let number = self.announce(chat, action.into());
        let id = self.posts.get(&number.0).and_then(|post| post.shared_id).unwrap_or_default();
        if let Some(room) = self.room_mut(chat) {
            room.topics.push((id, title.to_owned()));
        }
    }

    /// Puts a service message into a room, by its first member and without pushing.
    fn announce(&mut self, chat: Chat, action: tl::enums::MessageAction) -> MessageId {
        let from = self.room(chat).and_then(|room| room.members.first().copied()).unwrap_or_default();
        let post = Post { action: Some(action), date: now(), ..Post::new(from, chat, String::new()) };
        self.deliver(post, Delivery::from(Push::Silent))
    }

    /// Puts a post into every box that it belongs to and pushes it.
    pub(super) fn deliver(&mut self, mut post: Post, delivery: Delivery) -> MessageId {
        let number = self.next_post();
        post.number = number;
        let (from, chat) = (post.from, post.chat);
        let audience = self.audience(from, chat);
        let mut events = Vec::new();
        if let Chat::Channel(_) = chat {
            let Some(room) = self.rooms.get_mut(&chat) else { return MessageId(number) };
            let id = room.mailbox.add(number);
            post.shared_id = Some(id);
            room.read.insert(from, id);
            let event = room.mailbox.note(1, What::New(number));
            events.extend(audience.iter().map(|account| (*account, event.clone())));
        } else {
            for account in audience {
                let theirs = post.chat_for(account);
                let Some(entry) = self.accounts.get_mut(&account) else { continue };
                let id = entry.mailbox.add(number);
                post.ids.insert(account, id);
                let dialog = entry.dialogs.entry(theirs).or_default();
                dialog.messages.push((id, number));
                if from == account {
                    dialog.read_inbox = id;
                }
                events.push((account, entry.mailbox.note(1, What::New(number))));
            }
        }
        self.posts.insert(number, post);
        for (account, event) in events {
            self.push_event(account, chat, &event, delivery.push, delivery.except);
        }
        MessageId(number)
    }

    /// Changes a message's text.
    pub(super) fn edit(
        &mut self,
        message: MessageId,
        text: Option<String>,
        entities: Option<Vec<tl::enums::MessageEntity>>,
        push: Push,
        except: Option<u64>,
    ) -> Result<()> {
        let post = self.posts.get_mut(&message.0).filter(|post| !post.deleted).context("There is no such message")?;
        post.text = text.unwrap_or_else(|| std::mem::take(&mut post.text));
        post.entities = entities.unwrap_or_default();
        post.edited = Some(now());
        let (chat, accounts) = (post.chat, post.ids.keys().copied().collect::<Vec<_>>());
        self.note_everywhere(chat, &accounts, 1, |_| What::Edited(message.0), push, except);
        Ok(())
    }

    /// Deletes messages of one chat or several.
    pub(super) fn delete(&mut self, messages: &[MessageId], push: Push, except: Option<u64>) -> Result<()> {
        let mut shared: BTreeMap<Chat, Vec<i32>> = BTreeMap::new();
        let mut own: BTreeMap<i64, Vec<i32>> = BTreeMap::new();
        for message in messages {
            let post = self.posts.get_mut(&message.0).context("There is no such message")?;
            if std::mem::replace(&mut post.deleted, true) {
                continue;
            }
            if let Some(id) = post.shared_id {
                shared.entry(post.chat).or_default().push(id);
            }
            for (account, id) in &post.ids {
                own.entry(*account).or_default().push(*id);
            }
        }
        for (chat, ids) in shared {
            if let Some(room) = self.rooms.get_mut(&chat) {
                room.mailbox.messages.retain(|id, _| !ids.contains(id));
            }
            let count = i32::try_from(ids.len()).unwrap_or(i32::MAX);
            self.note_everywhere(chat, &[], count, |_| What::Deleted(ids.clone()), push, except);
        }
        for (account, ids) in own {
            if let Some(entry) = self.accounts.get_mut(&account) {
                entry.mailbox.messages.retain(|id, _| !ids.contains(id));
                for dialog in entry.dialogs.values_mut() {
                    dialog.messages.retain(|(id, _)| !ids.contains(id));
                }
            }
            let count = i32::try_from(ids.len()).unwrap_or(i32::MAX);
            let here = Chat::User(account);
            self.note_everywhere(here, &[account], count, |_| What::Deleted(ids.clone()), push, except);
        }
        Ok(())
    }

    /// Deletes messages for one account only.
    pub(super) fn delete_for(&mut self, account: i64, messages: &[MessageId], except: Option<u64>) {
        let mut ids = Vec::new();
        for message in messages {
            ids.extend(self.posts.get_mut(&message.0).and_then(|post| post.ids.remove(&account)));
        }
        if let Some(entry) = self.accounts.get_mut(&account) {
            entry.mailbox.messages.retain(|id, _| !ids.contains(id));
            for dialog in entry.dialogs.values_mut() {
                dialog.messages.retain(|(id, _)| !ids.contains(id));
            }
        }
        let count = i32::try_from(ids.len()).unwrap_or(i32::MAX);
        let deleted = |_| What::Deleted(ids.clone());
        self.note_everywhere(Chat::User(account), &[account], count, deleted, Push::Pushed, except);
    }

    /// Reads a chat up to a message, for everybody whom that concerns.
    pub(super) fn read(&mut self, reader: i64, message: MessageId, push: Push) -> Result<()> {
        let post = self.posts.get(&message.0).context("There is no such message")?;
        let (chat, writer) = (post.chat, post.from);
        if let Some(id) = post.shared_id {
            self.read_channel(reader, chat, id, push, None);
            return Ok(());
        }
        let ids = post.ids.clone();
        if let Some(id) = ids.get(&reader) {
            let theirs = self.posts.get(&message.0).map_or(chat, |post| post.chat_for(reader));
            self.read_inbox(reader, theirs, *id, push, None);
        }
        match ids.get(&writer) {
            Some(id) if writer != reader => self.read_outbox(writer, chat, *id, push),
            None if !ids.contains_key(&reader) => bail!("Neither side of the chat is an account"),
            _ => {}
        }
        Ok(())
    }

    /// An account has read a chat up to a message.
    pub(super) fn read_inbox(&mut self, account: i64, chat: Chat, id: i32, push: Push, except: Option<u64>) {
        let Some(entry) = self.accounts.get_mut(&account) else { return };
        let dialog = entry.dialogs.entry(chat).or_default();
        if dialog.read_inbox >= id {
            return;
        }
        dialog.read_inbox = id;
        let event = entry.mailbox.note(1, What::ReadInbox(chat, id));
        self.push_event(account, chat, &event, push, except);
    }

    /// The other side has read what an account wrote, up to a message.
    pub(super) fn read_outbox(&mut self, account: i64, chat: Chat, id: i32, push: Push) {
        let Some(entry) = self.accounts.get_mut(&account) else { return };
        let dialog = entry.dialogs.entry(chat).or_default();
        if dialog.read_outbox >= id {
            return;
        }
        dialog.read_outbox = id;
        let event = entry.mailbox.note(1, What::ReadOutbox(chat, id));
        self.push_event(account, chat, &event, push, None);
    }

    /// A member has read a channel up to a message. Neither mark has a place in the difference.
    pub(super) fn read_channel(&mut self, reader: i64, chat: Chat, id: i32, push: Push, except: Option<u64>) {
        let Chat::Channel(channel_id) = chat else { return };
        let Some(room) = self.rooms.get_mut(&chat) else { return };
        let before = room.read.insert(reader, id).unwrap_or(0);
        if before >= id {
            room.read.insert(reader, before);
            return;
        }
        let pts = room.mailbox.pts;
        let still_unread_count = i32::try_from(room.mailbox.messages.range(id + 1..).count()).unwrap_or(i32::MAX);
        let inbox =
            tl::types::UpdateReadChannelInbox { folder_id: None, channel_id, max_id: id, still_unread_count, pts };
        let outbox = tl::types::UpdateReadChannelOutbox { channel_id, max_id: id };
        let writers: Vec<i64> = room
            .mailbox
            .messages
            .range(..=id)
            .filter_map(|(_, number)| self.posts.get(number).map(|post| post.from))
            .collect();
        for account in self.member_accounts(chat) {
            if account == reader {
                self.push_as(account, short(inbox.clone().into()), push, except);
            } else if writers.contains(&account) {
                self.push_as(account, short(outbox.clone().into()), push, None);
            }
        }
    }

    /// Sets or takes away a reaction.
    pub(super) fn react(&mut self, user: i64, message: MessageId, emoji: Option<&str>, push: Push) -> Result<()> {
        let post = self.posts.get_mut(&message.0).filter(|post| !post.deleted).context("There is no such message")?;
        post.reactions.retain(|(who, _)| *who != user);
        post.reactions.extend(emoji.map(|emoji| (user, emoji.to_owned())));
        let (from, chat) = (post.from, post.chat);
        for account in self.audience(from, chat) {
            if let Some(update) = self.reactions_update(account, message.0) {
                let body = self.wrap(account, vec![update], &[message.0]);
                self.push_as(account, body, push, None);
            }
        }
        Ok(())
    }

    /// Shows somebody typing to everybody else.
    pub(super) fn typing(&mut self, user: i64, chat: Chat, action: &tl::enums::SendMessageAction) {
        let (action, from_id) = (action.clone(), tl::types::PeerUser { user_id: user }.into());
        let update: tl::enums::Update = match chat {
            Chat::User(_) => tl::types::UpdateUserTyping { user_id: user, top_msg_id: None, action }.into(),
            Chat::Group(chat_id) => tl::types::UpdateChatUserTyping { chat_id, from_id, action }.into(),
            Chat::Channel(channel_id) => {
                tl::types::UpdateChannelUserTyping { channel_id, top_msg_id: None, from_id, action }.into()
            }
        };
        for account in self.audience(user, chat).into_iter().filter(|account| *account != user) {
            self.push(account, short(update.clone()));
        }
    }

    /// Notes an event in a channel's box or in those of some accounts, and pushes it.
    fn note_everywhere(
        &mut self,
        chat: Chat,
        accounts: &[i64],
        count: i32,
        what: impl Fn(i64) -> What,
        push: Push,
        except: Option<u64>,
    ) {
        let mut events = Vec::new();
        if let (Chat::Channel(_), Some(room)) = (chat, self.rooms.get_mut(&chat)) {
            let event = room.mailbox.note(count, what(0));
            events.extend(self.member_accounts(chat).into_iter().map(|account| (account, event.clone())));
        }
        for account in accounts {
            if let Some(entry) = self.accounts.get_mut(account) {
                events.push((*account, entry.mailbox.note(count, what(*account))));
            }
        }
        for (account, event) in events {
            self.push_event(account, chat, &event, push, except);
        }
    }

    fn push_event(&mut self, account: i64, chat: Chat, event: &Event, push: Push, except: Option<u64>) {
        if push == Push::Silent {
            return;
        }
        let body = match push {
            Push::Short => self.short_form(account, event),
            Push::Pushed | Push::Silent | Push::Reordered => None,
        };
        let body = body.or_else(|| {
            let update = self.event_update(account, chat, event)?;
            let concerned = match event.what {
                What::New(post) | What::Edited(post) => vec![post],
                What::Deleted(_) | What::ReadInbox(..) | What::ReadOutbox(..) => Vec::new(),
            };
            Some(self.wrap(account, vec![update], &concerned))
        });
        if let Some(body) = body {
            self.push_as(account, body, push, except);
        }
    }

    fn push_as(&mut self, account: i64, body: Vec<u8>, push: Push, except: Option<u64>) {
        match push {
            Push::Silent => {}
            Push::Reordered => self.hold(account, body),
            Push::Pushed | Push::Short => self.push_except(account, body, except),
        }
    }
}
