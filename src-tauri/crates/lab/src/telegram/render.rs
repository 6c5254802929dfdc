//! The world's things as one account is shown them.

use std::collections::BTreeSet;

use grammers_tl_types::{self as tl, Serializable};

use super::{
    Chat, blank,
    mailbox::{Event, What},
    now,
    world::{Post, Room, RoomKind, World},
};

/// When rooms were made, for those who ask.
const ROOM_DATE: i32 = 1_600_000_000;

pub(super) fn peer(chat: Chat) -> tl::enums::Peer {
    match chat {
        Chat::User(user_id) => tl::types::PeerUser { user_id }.into(),
        Chat::Group(chat_id) => tl::types::PeerChat { chat_id }.into(),
        Chat::Channel(channel_id) => tl::types::PeerChannel { channel_id }.into(),
    }
}

fn user_peer(id: i64) -> tl::enums::Peer {
    peer(Chat::User(id))
}

/// Returns the access hash of a user or channel, which differs from account to account.
pub(super) fn access_hash(viewer: i64, chat: Chat) -> i64 {
    let (kind, id) = match chat {
        Chat::User(id) => (1, id),
        Chat::Group(id) => (2, id),
        Chat::Channel(id) => (3, id),
    };
    // SplitMix64's finaliser: no two neighbours look alike.
    let mut mixed = (viewer as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (id as u64).rotate_left(20) ^ kind;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) as i64
}

/// Who and what messages speak of.
#[derive(Default)]
pub(super) struct Concerned {
    pub(super) users: BTreeSet<i64>,
    pub(super) rooms: BTreeSet<Chat>,
}

impl Concerned {
    pub(super) fn chat(&mut self, chat: Chat) {
        match chat {
            Chat::User(id) => {
                self.users.insert(id);
            }
            Chat::Group(_) | Chat::Channel(_) => {
                self.rooms.insert(chat);
            }
        }
    }

    fn peer(&mut self, peer: &tl::enums::Peer) {
        self.chat(match peer {
            tl::enums::Peer::User(user) => Chat::User(user.user_id),
            tl::enums::Peer::Chat(group) => Chat::Group(group.chat_id),
            tl::enums::Peer::Channel(channel) => Chat::Channel(channel.channel_id),
        });
    }

    fn post(&mut self, viewer: i64, post: &Post) {
        self.users.insert(post.from);
        self.chat(post.chat_for(viewer));
        if let Some(from) = post.forward.as_ref().and_then(|forward| forward.from_id.as_ref()) {
            self.peer(from);
        }
        self.users.extend(post.reactions.iter().map(|(user, _)| *user));
        if let Some(tl::enums::MessageAction::ChatCreate(action)) = &post.action {
            self.users.extend(&action.users);
        }
    }
}

impl World {
    /// Gathers whom posts concern.
    pub(super) fn concerned(&self, viewer: i64, posts: impl IntoIterator<Item = u64>) -> Concerned {
        let mut concerned = Concerned::default();
        for post in posts.into_iter().filter_map(|number| self.posts.get(&number)) {
            concerned.post(viewer, post);
        }
        concerned
    }

    /// Returns people and rooms for an answer; a push shows some of the people only as `min`.
    pub(super) fn cast(
        &self,
        viewer: i64,
        concerned: &Concerned,
        pushed: bool,
    ) -> (Vec<tl::enums::User>, Vec<tl::enums::Chat>) {
        let users = concerned.users.iter().filter_map(|id| self.user(viewer, *id, pushed)).collect();
        let rooms = concerned.rooms.iter().filter_map(|chat| self.rooms.get(chat)).collect::<Vec<_>>();
        (users, rooms.into_iter().map(|room| room_chat(viewer, room)).collect())
    }

    pub(super) fn user(&self, viewer: i64, id: i64, pushed: bool) -> Option<tl::enums::User> {
        let person = self.people.get(&id)?;
        let min = pushed && person.min;
        let hash = access_hash(viewer, Chat::User(id));
        let photo = person.photo.and_then(|photo| self.files.get(&photo)).map(|kept| {
            tl::types::UserProfilePhoto {
                has_video: false,
                personal: false,
                photo_id: kept.id,
                stripped_thumb: None,
                dc_id: kept.dc,
            }
            .into()
        });
        let user = tl::types::User {
            is_self: id == viewer,
            contact: person.contact && id != viewer,
            verified: id == super::world::SERVICE_USER,
            support: id == super::world::SERVICE_USER,
            bot: person.bot,
            bot_info_version: person.bot.then_some(1),
            min,
            // A hash of `min` opens profile photos and nothing else.
            access_hash: Some(if min { !hash } else { hash }),
            first_name: Some(person.first_name.clone()),
            last_name: person.last_name.clone(),
            username: person.username.clone(),
            phone: person.phone.clone().filter(|_| !min && (person.contact || id == viewer)),
            photo,
            ..blank::user(id)
        };
        Some(user.into())
    }

    /// Returns a message as an account sees it; a deleted one is not there.
    pub(super) fn message(&self, viewer: i64, number: u64) -> Option<tl::enums::Message> {
        let post = self.posts.get(&number).filter(|post| !post.deleted)?;
        let id = post.id_for(viewer)?;
        let chat = post.chat_for(viewer);
        let out = post.from == viewer;
        let broadcast = self.room(chat).is_some_and(|room| room.kind == RoomKind::Broadcast);
        // In private chats the other side goes without saying.
        let from_id = (out || !matches!(chat, Chat::User(_))).then(|| user_peer(post.from)).filter(|_| !broadcast);
        let reply_to = self.reply_header(viewer, post);
        let reactions = self.reactions(viewer, post);
        if let Some(action) = post.action.clone() {
            let service = tl::types::MessageService {
                out,
                from_id: from_id.or_else(|| (!broadcast).then(|| user_peer(post.from))),
                reply_to,
                ..blank::service(id, peer(chat), post.date, action)
            };
            return Some(service.into());
        }
        let message = tl::types::Message {
            out,
            post: broadcast,
            media_unread: post.media.as_ref().is_some_and(is_voice),
            from_id,
            reply_to,
            reactions,
            fwd_from: post.forward.clone().map(Into::into),
            media: post.media.as_ref().map(|media| self.fresh(media)),
            entities: Some(post.entities.clone()).filter(|entities| !entities.is_empty()),
            edit_date: post.edited,
            grouped_id: post.album,
            views: broadcast.then_some(1),
            forwards: broadcast.then_some(0),
            ..blank::message(id, peer(chat), post.date, post.text.clone())
        };
        Some(message.into())
    }

    fn reply_header(&self, viewer: i64, post: &Post) -> Option<tl::enums::MessageReplyHeader> {
        let reply = post.reply?;
        let to = reply.to.and_then(|number| self.posts.get(&number)).and_then(|post| post.id_for(viewer));
        let header = tl::types::MessageReplyHeader {
            forum_topic: reply.topic.is_some(),
            reply_to_msg_id: to.or(reply.topic),
            reply_to_top_id: reply.topic.filter(|_| to.is_some()),
            ..blank::reply()
        };
        Some(header.into())
    }

    fn reactions(&self, viewer: i64, post: &Post) -> Option<tl::enums::MessageReactions> {
        if post.reactions.is_empty() {
            return None;
        }
        let emoji = |emoticon: &str| tl::types::ReactionEmoji { emoticon: emoticon.to_owned() }.into();
        let mut results: Vec<tl::enums::ReactionCount> = Vec::new();
        let kinds: BTreeSet<&str> = post.reactions.iter().map(|(_, emoji)| emoji.as_str()).collect();
        for kind in kinds {
            let by: Vec<i64> = post.reactions.iter().filter(|(_, emoji)| emoji == kind).map(|(who, _)| *who).collect();
            results.push(
                tl::types::ReactionCount {
                    chosen_order: by.contains(&viewer).then_some(0),
                    reaction: emoji(kind),
                    count: i32::try_from(by.len()).unwrap_or(i32::MAX),
                }
                .into(),
            );
        }
        let recent = post.reactions.iter().map(|(who, kind)| {
            tl::types::MessagePeerReaction {
                big: false,
                unread: *who != viewer && post.from == viewer,
                my: *who == viewer,
                peer_id: user_peer(*who),
                date: now(),
                reaction: emoji(kind),
            }
            .into()
        });
        Some(
            tl::types::MessageReactions {
                min: false,
                can_see_list: true,
                reactions_as_tags: false,
                results,
                recent_reactions: Some(recent.collect()),
                top_reactors: None,
            }
            .into(),
        )
    }

    pub(super) fn reactions_update(&self, viewer: i64, number: u64) -> Option<tl::enums::Update> {
        let post = self.posts.get(&number)?;
        let none = tl::types::MessageReactions {
            min: false,
            can_see_list: true,
            reactions_as_tags: false,
            results: Vec::new(),
            recent_reactions: None,
            top_reactors: None,
        };
        let update = tl::types::UpdateMessageReactions {
            peer: peer(post.chat_for(viewer)),
            msg_id: post.id_for(viewer)?,
            top_msg_id: None,
            saved_peer_id: None,
            reactions: self.reactions(viewer, post).unwrap_or_else(|| none.into()),
        };
        Some(update.into())
    }

    /// Returns an event as an update, unless there is nothing left to tell.
    pub(super) fn event_update(&self, viewer: i64, chat: Chat, event: &Event) -> Option<tl::enums::Update> {
        let (pts, pts_count) = (event.pts, event.count);
        let channel = match chat {
            Chat::Channel(id) => Some(id),
            Chat::User(_) | Chat::Group(_) => None,
        };
        Some(match (&event.what, channel) {
            (What::New(post), None) => {
                tl::types::UpdateNewMessage { message: self.message(viewer, *post)?, pts, pts_count }.into()
            }
            (What::New(post), Some(_)) => {
                tl::types::UpdateNewChannelMessage { message: self.message(viewer, *post)?, pts, pts_count }.into()
            }
            (What::Edited(post), None) => {
                tl::types::UpdateEditMessage { message: self.message(viewer, *post)?, pts, pts_count }.into()
            }
            (What::Edited(post), Some(_)) => {
                tl::types::UpdateEditChannelMessage { message: self.message(viewer, *post)?, pts, pts_count }.into()
            }
            (What::Deleted(messages), None) => {
                tl::types::UpdateDeleteMessages { messages: messages.clone(), pts, pts_count }.into()
            }
            (What::Deleted(messages), Some(channel_id)) => {
                tl::types::UpdateDeleteChannelMessages { channel_id, messages: messages.clone(), pts, pts_count }.into()
            }
            (What::ReadInbox(chat, max_id), _) => tl::types::UpdateReadHistoryInbox {
                folder_id: None,
                peer: peer(*chat),
                top_msg_id: None,
                max_id: *max_id,
                still_unread_count: self.unread(viewer, *chat),
                pts,
                pts_count,
            }
            .into(),
            (What::ReadOutbox(chat, max_id), _) => {
                tl::types::UpdateReadHistoryOutbox { peer: peer(*chat), max_id: *max_id, pts, pts_count }.into()
            }
        })
    }

    /// Counts what an account has not read outside channels.
    pub(super) fn unread(&self, viewer: i64, chat: Chat) -> i32 {
        let Some(account) = self.accounts.get(&viewer) else { return 0 };
        let Some(dialog) = account.dialogs.get(&chat) else { return 0 };
        let unread = dialog.messages.iter().rev().take_while(|(id, _)| *id > dialog.read_inbox);
        let unread = unread.filter(|(_, number)| self.posts.get(number).is_some_and(|post| post.from != viewer));
        i32::try_from(unread.count()).unwrap_or(i32::MAX)
    }

    /// Returns a new message as `updateShortMessage` or `updateShortChatMessage`, if it fits into one.
    pub(super) fn short_form(&self, viewer: i64, event: &Event) -> Option<Vec<u8>> {
        let What::New(number) = event.what else { return None };
        let post = self.posts.get(&number)?;
        if post.media.is_some() || post.action.is_some() || post.album.is_some() {
            return None;
        }
        let (id, out) = (post.id_for(viewer)?, post.from == viewer);
        let entities = Some(post.entities.clone()).filter(|entities| !entities.is_empty());
        let reply_to = self.reply_header(viewer, post);
        let fwd_from = post.forward.clone().map(Into::into);
        let updates: tl::enums::Updates = match post.chat_for(viewer) {
            Chat::User(user) => tl::types::UpdateShortMessage {
                out,
                entities,
                reply_to,
                fwd_from,
                ..blank::short_message(id, user, post.text.clone(), event.pts, post.date)
            }
            .into(),
            Chat::Group(group) => tl::types::UpdateShortChatMessage {
                out,
                entities,
                reply_to,
                fwd_from,
                ..blank::short_chat_message(id, post.from, group, post.text.clone(), event.pts, post.date)
            }
            .into(),
            Chat::Channel(_) => return None,
        };
        Some(updates.to_bytes())
    }

    /// Wraps updates with whom they concern.
    pub(super) fn wrap(&self, viewer: i64, updates: Vec<tl::enums::Update>, posts: &[u64]) -> Vec<u8> {
        let concerned = self.concerned(viewer, posts.iter().copied());
        let (users, chats) = self.cast(viewer, &concerned, true);
        tl::enums::Updates::Updates(tl::types::Updates { updates, users, chats, date: now(), seq: 0 }).to_bytes()
    }
}

/// Returns a group or channel as an account is shown it.
pub(super) fn room_chat(viewer: i64, room: &Room) -> tl::enums::Chat {
    let creator = room.members.first() == Some(&viewer);
    let left = !room.members.contains(&viewer);
    let count = i32::try_from(room.members.len()).unwrap_or(i32::MAX);
    match room.kind {
        RoomKind::Group => tl::types::Chat {
            creator,
            left,
            participants_count: count,
            ..blank::chat(room.id, room.title.clone(), ROOM_DATE)
        }
        .into(),
        RoomKind::Supergroup { forum } => tl::types::Channel {
            creator,
            left,
            megagroup: true,
            forum,
            access_hash: Some(access_hash(viewer, room.chat())),
            participants_count: Some(count),
            ..blank::channel(room.id, room.title.clone(), ROOM_DATE)
        }
        .into(),
        RoomKind::Broadcast => tl::types::Channel {
            creator,
            left,
            broadcast: true,
            access_hash: Some(access_hash(viewer, room.chat())),
            participants_count: Some(count),
            ..blank::channel(room.id, room.title.clone(), ROOM_DATE)
        }
        .into(),
    }
}

fn is_voice(media: &tl::enums::MessageMedia) -> bool {
    matches!(media, tl::enums::MessageMedia::Document(document) if document.voice || document.round)
}
