//! The list of chats, topics, and read marks.

use super::*;
use crate::telegram::{
    Chat, blank, render,
    traffic::Push,
    world::{Room, RoomKind},
};

/// The most chats in one answer.
const PAGE: usize = 100;

/// A line of the list, with what it is ordered by.
struct Line {
    chat: Chat,
    date: i32,
    top: i32,
    post: u64,
    dialog: tl::types::Dialog,
}

impl Call<'_> {
    pub(super) fn dialogs_area(&mut self, method: u32, body: &[u8]) -> Option<Answered<Vec<u8>>> {
        route! { self, method, body;
            f::messages::GetDialogs => get_dialogs,
            f::messages::GetPinnedDialogs => get_pinned_dialogs,
            f::messages::GetPeerDialogs => get_peer_dialogs,
            f::messages::GetForumTopics => get_forum_topics,
            f::messages::ReadHistory => read_history,
            f::channels::ReadHistory => read_channel_history,
            f::messages::SetTyping => set_typing,
        }
    }

    fn get_dialogs(&mut self, request: f::messages::GetDialogs) -> Answered<tl::enums::messages::Dialogs> {
        let me = self.me()?;
        // Nobody has archived anything.
        let lines = if request.folder_id.unwrap_or(0) == 0 { self.lines()? } else { Vec::new() };
        let count = lines.len();
        let from_the_start = matches!(request.offset_peer, tl::enums::InputPeer::Empty);
        let offset = if from_the_start { None } else { Some(self.chat(&request.offset_peer)?) };
        let start = match offset.and_then(|offset| lines.iter().position(|line| line.chat == offset)) {
            Some(at) => at + 1,
            None if request.offset_date > 0 => lines.partition_point(|line| line.date >= request.offset_date),
            None => 0,
        };
        let limit = usize::try_from(request.limit).unwrap_or(0).clamp(1, PAGE);
        let page: Vec<Line> = lines.into_iter().skip(start).take(limit).collect();
        let is_all = start == 0 && page.len() == count;
        let (dialogs, messages, users, chats) = self.page(me, page);
        Ok(if is_all {
            tl::types::messages::Dialogs { dialogs, messages, chats, users }.into()
        } else {
            let count = i32::try_from(count).unwrap_or(i32::MAX);
            tl::types::messages::DialogsSlice { count, dialogs, messages, chats, users }.into()
        })
    }

    fn get_pinned_dialogs(&mut self, _: f::messages::GetPinnedDialogs) -> Answered<tl::enums::messages::PeerDialogs> {
        self.peer_dialogs(&[])
    }

    fn get_peer_dialogs(&mut self, request: f::messages::GetPeerDialogs) -> Answered<tl::enums::messages::PeerDialogs> {
        let wanted = request.peers.iter().map(|peer| match peer {
            tl::enums::InputDialogPeer::Peer(peer) => self.chat(&peer.peer),
            tl::enums::InputDialogPeer::Folder(_) | tl::enums::InputDialogPeer::Community(_) => {
                refuse("PEER_ID_INVALID")
            }
        });
        let wanted = wanted.collect::<Answered<Vec<_>>>()?;
        self.peer_dialogs(&wanted)
    }

    fn peer_dialogs(&self, wanted: &[Chat]) -> Answered<tl::enums::messages::PeerDialogs> {
        let me = self.me()?;
        let lines = self.lines()?.into_iter().filter(|line| wanted.contains(&line.chat)).collect();
        let (dialogs, messages, users, chats) = self.page(me, lines);
        let state = self.state()?;
        Ok(tl::types::messages::PeerDialogs { dialogs, messages, chats, users, state }.into())
    }

    fn page(
        &self,
        me: i64,
        lines: Vec<Line>,
    ) -> (Vec<tl::enums::Dialog>, Vec<tl::enums::Message>, Vec<tl::enums::User>, Vec<tl::enums::Chat>) {
        let mut concerned = self.world.concerned(me, lines.iter().map(|line| line.post));
        lines.iter().for_each(|line| concerned.chat(line.chat));
        concerned.users.insert(me);
        let (users, chats) = self.world.cast(me, &concerned, false);
        let messages = lines.iter().filter_map(|line| self.world.message(me, line.post)).collect();
        (lines.into_iter().map(|line| line.dialog.into()).collect(), messages, users, chats)
    }

    /// Returns the whole list, the newest first.
    fn lines(&self) -> Answered<Vec<Line>> {
        let (me, my) = (self.me()?, self.my()?);
        let mut lines = Vec::new();
        for (chat, dialog) in &my.dialogs {
            let Some((top, post)) = dialog.messages.last().copied() else { continue };
            let dialog = tl::types::Dialog {
                read_inbox_max_id: dialog.read_inbox,
                read_outbox_max_id: dialog.read_outbox,
                unread_count: self.world.unread(me, *chat),
                ..blank::dialog(render::peer(*chat), top)
            };
            lines.push(Line { chat: *chat, date: self.date(post), top, post, dialog });
        }
        for room in self.world.rooms.values() {
            if room.kind != RoomKind::Group && room.members.contains(&me) {
                lines.extend(self.channel_line(me, room));
            }
        }
        lines.sort_by_key(|line| std::cmp::Reverse((line.date, line.top, line.chat)));
        Ok(lines)
    }

    fn channel_line(&self, me: i64, room: &Room) -> Option<Line> {
        let (top, post) = room.mailbox.messages.last_key_value().map(|(top, post)| (*top, *post))?;
        let read = room.read.get(&me).copied().unwrap_or(0);
        let others = room.read.iter().filter(|(who, _)| **who != me).map(|(_, read)| *read).max();
        let dialog = tl::types::Dialog {
            read_inbox_max_id: read,
            read_outbox_max_id: others.unwrap_or(0),
            unread_count: i32::try_from(room.mailbox.messages.range(read + 1..).count()).unwrap_or(i32::MAX),
            pts: Some(room.mailbox.pts),
            ..blank::dialog(render::peer(room.chat()), top)
        };
        Some(Line { chat: room.chat(), date: self.date(post), top, post, dialog })
    }

    pub(super) fn date(&self, post: u64) -> i32 {
        self.world.posts.get(&post).map_or(0, |post| post.date)
    }

    fn get_forum_topics(&mut self, request: f::messages::GetForumTopics) -> Answered<tl::enums::messages::ForumTopics> {
        let (me, chat) = (self.me()?, self.chat(&request.peer)?);
        let Some(room) = self.world.room(chat).filter(|room| room.kind == RoomKind::Supergroup { forum: true }) else {
            return refuse("CHANNEL_FORUM_MISSING");
        };
        let read = room.read.get(&me).copied().unwrap_or(0);
        let creator = room.members.first().copied().unwrap_or_default();
        let (mut topics, mut posts): (Vec<tl::enums::ForumTopic>, Vec<u64>) = (Vec::new(), Vec::new());
        for (id, title) in &room.topics {
            let inside = room.mailbox.messages.iter().filter(|(message, post)| {
                *message == id || self.world.posts.get(post).is_some_and(|post| topic_of(post) == Some(*id))
            });
            let inside: Vec<(i32, u64)> = inside.map(|(message, post)| (*message, *post)).collect();
            let top = inside.last().copied();
            posts.extend(top.map(|(_, post)| post));
            let unread = inside.iter().filter(|(message, _)| *message > read).count();
            topics.push(
                tl::types::ForumTopic {
                    top_message: top.map_or(*id, |(message, _)| message),
                    read_inbox_max_id: read,
                    unread_count: i32::try_from(unread).unwrap_or(i32::MAX),
                    ..blank::topic(*id, render::peer(chat), title.clone(), render::peer(Chat::User(creator)))
                }
                .into(),
            );
        }
        let mut concerned = self.world.concerned(me, posts.iter().copied());
        concerned.chat(chat);
        let (users, chats) = self.world.cast(me, &concerned, false);
        Ok(tl::types::messages::ForumTopics {
            order_by_create_date: true,
            count: i32::try_from(topics.len()).unwrap_or(i32::MAX),
            topics,
            messages: posts.iter().filter_map(|post| self.world.message(me, *post)).collect(),
            chats,
            users,
            pts: room.mailbox.pts,
        }
        .into())
    }

    fn read_history(&mut self, request: f::messages::ReadHistory) -> Answered<tl::enums::messages::AffectedMessages> {
        let (me, chat, link) = (self.me()?, self.chat(&request.peer)?, self.link);
        if let Chat::Channel(_) = chat {
            return refuse("PEER_ID_INVALID");
        }
        let before = self.my()?.mailbox.pts;
        let dialog = self.my()?.dialogs.get(&chat).cloned().unwrap_or_default();
        let most = if request.max_id > 0 { request.max_id } else { i32::MAX };
        let read: Vec<(i32, u64)> = dialog.messages.iter().copied().filter(|(id, _)| *id <= most).collect();
        if let Some((last, _)) = read.last().copied() {
            self.my_mut()?.reads.push((chat, last));
            self.world.read_inbox(me, chat, last, Push::Pushed, Some(link));
            self.tell_writers(me, &read, dialog.read_inbox);
        }
        let pts = self.my()?.mailbox.pts;
        Ok(tl::types::messages::AffectedMessages { pts, pts_count: pts - before }.into())
    }

    /// Shows the writers of what was just read that it was.
    fn tell_writers(&mut self, me: i64, read: &[(i32, u64)], before: i32) {
        let news = read.iter().rev().take_while(|(id, _)| *id > before);
        let mut writers = std::collections::BTreeMap::new();
        for post in news.filter_map(|(_, number)| self.world.posts.get(number)) {
            if let Some(id) = post.ids.get(&post.from).filter(|_| post.from != me) {
                writers.entry((post.from, post.chat)).or_insert(*id);
            }
        }
        for ((writer, chat), id) in writers {
            self.world.read_outbox(writer, chat, id, Push::Pushed);
        }
    }

    fn read_channel_history(&mut self, request: f::channels::ReadHistory) -> Answered<bool> {
        let (me, chat, link) = (self.me()?, self.channel(&request.channel)?, self.link);
        let top = self.world.room(chat).map_or(0, |room| room.mailbox.top());
        let id = if request.max_id > 0 { request.max_id.min(top) } else { top };
        self.my_mut()?.reads.push((chat, id));
        self.world.read_channel(me, chat, id, Push::Pushed, Some(link));
        Ok(true)
    }

    fn set_typing(&mut self, request: f::messages::SetTyping) -> Answered<bool> {
        let (me, chat) = (self.me()?, self.chat(&request.peer)?);
        self.world.typing(me, chat, &request.action);
        Ok(true)
    }
}

/// Returns the topic a message of a forum stands in.
pub(super) fn topic_of(post: &crate::telegram::world::Post) -> Option<i32> {
    let is_topic = matches!(post.action, Some(tl::enums::MessageAction::TopicCreate(_)));
    post.reply.and_then(|reply| reply.topic).or((!is_topic).then_some(1))
}
