//! Who is meant, and who they are: access hashes, users, contacts, groups and channels.

use super::*;
use crate::telegram::{
    Chat, blank, now,
    render::{self, Concerned, access_hash},
    world::{Room, RoomKind},
};

impl Call<'_> {
    pub(super) fn peers_area(&mut self, method: u32, body: &[u8]) -> Option<Answered<Vec<u8>>> {
        route! { self, method, body;
            f::users::GetUsers => get_users,
            f::users::GetFullUser => get_full_user,
            f::contacts::ResolvePhone => resolve_phone,
            f::contacts::ResolveUsername => resolve_username,
            f::contacts::GetContacts => get_contacts,
            f::channels::GetChannels => get_channels,
            f::channels::GetFullChannel => get_full_channel,
            f::messages::GetChats => get_chats,
            f::messages::GetFullChat => get_full_chat,
        }
    }

    /// Returns the chat that an input peer means, if its access hash is this account's.
    pub(super) fn chat(&self, peer: &tl::enums::InputPeer) -> Answered<Chat> {
        use tl::enums::InputPeer as Peer;
        match peer {
            Peer::Empty => refuse("PEER_ID_INVALID"),
            Peer::PeerSelf => Ok(Chat::User(self.me()?)),
            Peer::Chat(group) => self.group(group.chat_id),
            Peer::User(user) => self.known(Chat::User(user.user_id), user.access_hash, "PEER_ID_INVALID"),
            Peer::Channel(channel) => self.open_channel(channel.channel_id, channel.access_hash),
            Peer::UserFromMessage(from) => self.seen(&from.peer, from.msg_id, Chat::User(from.user_id)),
            Peer::ChannelFromMessage(from) => self.seen(&from.peer, from.msg_id, Chat::Channel(from.channel_id)),
        }
    }

    pub(super) fn channel(&self, channel: &tl::enums::InputChannel) -> Answered<Chat> {
        match channel {
            tl::enums::InputChannel::Empty => refuse("CHANNEL_INVALID"),
            tl::enums::InputChannel::Channel(channel) => self.open_channel(channel.channel_id, channel.access_hash),
            tl::enums::InputChannel::FromMessage(from) => {
                self.seen(&from.peer, from.msg_id, Chat::Channel(from.channel_id))
            }
        }
    }

    pub(super) fn user(&self, user: &tl::enums::InputUser) -> Answered<i64> {
        let chat = match user {
            tl::enums::InputUser::Empty => return refuse("USER_ID_INVALID"),
            tl::enums::InputUser::UserSelf => Chat::User(self.me()?),
            tl::enums::InputUser::User(user) => {
                self.known(Chat::User(user.user_id), user.access_hash, "USER_ID_INVALID")?
            }
            tl::enums::InputUser::FromMessage(from) => self.seen(&from.peer, from.msg_id, Chat::User(from.user_id))?,
        };
        match chat {
            Chat::User(id) => Ok(id),
            Chat::Group(_) | Chat::Channel(_) => refuse("USER_ID_INVALID"),
        }
    }

    fn known(&self, chat: Chat, hash: i64, otherwise: &str) -> Answered<Chat> {
        let exists = match chat {
            Chat::User(id) => self.world.people.contains_key(&id),
            Chat::Group(_) | Chat::Channel(_) => self.world.rooms.contains_key(&chat),
        };
        if exists && hash == access_hash(self.me()?, chat) { Ok(chat) } else { refuse(otherwise) }
    }

    fn open_channel(&self, id: i64, hash: i64) -> Answered<Chat> {
        let chat = self.known(Chat::Channel(id), hash, "CHANNEL_INVALID")?;
        let me = self.me()?;
        if self.world.room(chat).is_some_and(|room| room.members.contains(&me)) {
            Ok(chat)
        } else {
            refuse("CHANNEL_PRIVATE")
        }
    }

    fn group(&self, id: i64) -> Answered<Chat> {
        let (chat, me) = (Chat::Group(id), self.me()?);
        match self.world.room(chat) {
            Some(room) if room.members.contains(&me) => Ok(chat),
            _ => refuse("PEER_ID_INVALID"),
        }
    }

    /// Accepts somebody by a message in which the account saw them.
    fn seen(&self, within: &tl::enums::InputPeer, message: i32, who: Chat) -> Answered<Chat> {
        let within = self.chat(within)?;
        let me = self.me()?;
        let number = match within {
            Chat::Channel(_) => self.world.room(within).and_then(|room| room.mailbox.messages.get(&message)),
            Chat::User(_) | Chat::Group(_) => self.my()?.mailbox.messages.get(&message),
        };
        let concerned = self.world.concerned(me, number.copied());
        let there = match who {
            Chat::User(id) => concerned.users.contains(&id),
            Chat::Group(_) | Chat::Channel(_) => concerned.rooms.contains(&who),
        };
        if there { Ok(who) } else { refuse("MSG_ID_INVALID") }
    }

    fn get_users(&mut self, request: f::users::GetUsers) -> Answered<Vec<tl::enums::User>> {
        let me = self.me()?;
        // Telegram leaves out whom it does not know.
        let known = request.id.iter().filter_map(|user| self.user(user).ok());
        Ok(known.filter_map(|id| self.world.user(me, id, false)).collect())
    }

    fn get_full_user(&mut self, request: f::users::GetFullUser) -> Answered<tl::enums::users::UserFull> {
        let (me, id) = (self.me()?, self.user(&request.id)?);
        let (users, chats) = self.cast_of([Chat::User(id)], me);
        Ok(tl::types::users::UserFull { full_user: blank::user_full(id).into(), chats, users }.into())
    }

    fn resolve_phone(&mut self, request: f::contacts::ResolvePhone) -> Answered<tl::enums::contacts::ResolvedPeer> {
        let phone = request.phone.trim_start_matches('+').to_owned();
        self.resolved(|person| person.phone.as_ref() == Some(&phone), "PHONE_NOT_OCCUPIED")
    }

    fn resolve_username(
        &mut self,
        request: f::contacts::ResolveUsername,
    ) -> Answered<tl::enums::contacts::ResolvedPeer> {
        let name = request.username;
        let matches = |theirs: &String| theirs.eq_ignore_ascii_case(&name);
        self.resolved(|person| person.username.as_ref().is_some_and(matches), "USERNAME_NOT_OCCUPIED")
    }

    fn resolved(
        &self,
        wanted: impl Fn(&crate::telegram::world::Person) -> bool,
        otherwise: &str,
    ) -> Answered<tl::enums::contacts::ResolvedPeer> {
        let me = self.me()?;
        let Some(person) = self.world.people.values().find(|person| wanted(person)) else { return refuse(otherwise) };
        let chat = Chat::User(person.id);
        let (users, chats) = self.cast_of([chat], me);
        Ok(tl::types::contacts::ResolvedPeer { peer: render::peer(chat), chats, users }.into())
    }

    fn get_contacts(&mut self, _: f::contacts::GetContacts) -> Answered<tl::enums::contacts::Contacts> {
        let me = self.me()?;
        let ids: Vec<i64> =
            self.world.people.values().filter(|person| person.contact && person.id != me).map(|it| it.id).collect();
        let (users, _) = self.cast_of(ids.iter().map(|id| Chat::User(*id)), me);
        let contacts = ids.iter().map(|id| tl::types::Contact { user_id: *id, mutual: false }.into()).collect();
        Ok(tl::types::contacts::Contacts { contacts, saved_count: 0, users }.into())
    }

    fn get_channels(&mut self, request: f::channels::GetChannels) -> Answered<tl::enums::messages::Chats> {
        let me = self.me()?;
        let chats = request.id.iter().map(|channel| self.channel(channel)).collect::<Answered<Vec<_>>>()?;
        let (_, chats) = self.cast_of(chats, me);
        Ok(tl::types::messages::Chats { chats }.into())
    }

    fn get_chats(&mut self, request: f::messages::GetChats) -> Answered<tl::enums::messages::Chats> {
        let me = self.me()?;
        let chats = request.id.iter().map(|id| self.group(*id)).collect::<Answered<Vec<_>>>()?;
        let (_, chats) = self.cast_of(chats, me);
        Ok(tl::types::messages::Chats { chats }.into())
    }

    fn get_full_channel(&mut self, request: f::channels::GetFullChannel) -> Answered<tl::enums::messages::ChatFull> {
        let (me, chat) = (self.me()?, self.channel(&request.channel)?);
        let Some(room) = self.world.room(chat) else { return refuse("CHANNEL_INVALID") };
        let read = room.read.get(&me).copied().unwrap_or(0);
        let full = tl::types::ChannelFull {
            can_view_participants: room.kind != RoomKind::Broadcast,
            participants_count: Some(count(room)),
            read_inbox_max_id: read,
            read_outbox_max_id: room.mailbox.top(),
            unread_count: i32::try_from(room.mailbox.messages.range(read + 1..).count()).unwrap_or(i32::MAX),
            pts: room.mailbox.pts,
            ..blank::channel_full(room.id)
        };
        let (users, chats) = self.cast_of([chat], me);
        Ok(tl::types::messages::ChatFull { full_chat: full.into(), chats, users }.into())
    }

    fn get_full_chat(&mut self, request: f::messages::GetFullChat) -> Answered<tl::enums::messages::ChatFull> {
        let (me, chat) = (self.me()?, self.group(request.chat_id)?);
        let Some(room) = self.world.room(chat) else { return refuse("PEER_ID_INVALID") };
        let creator = room.members.first().copied().unwrap_or_default();
        let participant = |user_id: i64| -> tl::enums::ChatParticipant {
            if user_id == creator {
                tl::types::ChatParticipantCreator { user_id, rank: None }.into()
            } else {
                tl::types::ChatParticipant { user_id, inviter_id: creator, date: now(), rank: None }.into()
            }
        };
        let participants = tl::types::ChatParticipants {
            chat_id: room.id,
            participants: room.members.iter().map(|member| participant(*member)).collect(),
            version: 1,
        };
        let full_chat = blank::chat_full(room.id, participants.into()).into();
        let everybody = room.members.iter().map(|member| Chat::User(*member)).chain([chat]);
        let (users, chats) = self.cast_of(everybody, me);
        Ok(tl::types::messages::ChatFull { full_chat, chats, users }.into())
    }

    /// Returns the users and chats meant.
    fn cast_of(&self, chats: impl IntoIterator<Item = Chat>, me: i64) -> (Vec<tl::enums::User>, Vec<tl::enums::Chat>) {
        let mut concerned = Concerned::default();
        chats.into_iter().for_each(|chat| concerned.chat(chat));
        self.world.cast(me, &concerned, false)
    }
}

fn count(room: &Room) -> i32 {
    i32::try_from(room.members.len()).unwrap_or(i32::MAX)
}
