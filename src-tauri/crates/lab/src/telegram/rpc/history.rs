//! Reading back: history, search, single messages, threads, reactions.

use super::*;
use crate::telegram::{Chat, world::Post};

/// The most messages in one answer.
const PAGE: usize = 100;

/// Which part of a chat's messages is wanted, in Telegram's terms.
struct Window {
    offset_id: i32,
    offset_date: i32,
    add_offset: i32,
    limit: i32,
    max_id: i32,
    min_id: i32,
}

/// Copies the fields of a request that choose a window.
macro_rules! window {
    ($request:ident, $offset_date:expr) => {
        Window {
            offset_id: $request.offset_id,
            offset_date: $offset_date,
            add_offset: $request.add_offset,
            limit: $request.limit,
            max_id: $request.max_id,
            min_id: $request.min_id,
        }
    };
}

impl Call<'_> {
    pub(super) fn history_area(&mut self, method: u32, body: &[u8]) -> Option<Answered<Vec<u8>>> {
        route! { self, method, body;
            f::messages::GetHistory => get_history,
            f::messages::Search => search,
            f::messages::GetReplies => get_replies,
            f::messages::GetMessages => get_messages,
            f::channels::GetMessages => get_channel_messages,
            f::messages::GetMessagesReactions => get_messages_reactions,
        }
    }

    fn get_history(&mut self, request: f::messages::GetHistory) -> Answered<tl::enums::messages::Messages> {
        let chat = self.chat(&request.peer)?;
        let messages = self.messages_of(chat)?;
        self.window(chat, &messages, &window!(request, request.offset_date))
    }

    fn search(&mut self, request: f::messages::Search) -> Answered<tl::enums::messages::Messages> {
        let chat = self.chat(&request.peer)?;
        let from = request.from_id.as_ref().map(|peer| self.chat(peer)).transpose()?;
        let words = request.q.to_lowercase();
        let mut messages = self.messages_of(chat)?;
        messages.retain(|(id, number)| {
            self.world.posts.get(number).is_some_and(|post| {
                post.text.to_lowercase().contains(&words)
                    && from.is_none_or(|from| from == Chat::User(post.from))
                    && request.top_msg_id.is_none_or(|top| *id == top || super::dialogs::topic_of(post) == Some(top))
                    && (request.min_date == 0 || post.date > request.min_date)
                    && (request.max_date == 0 || post.date < request.max_date)
                    && passes(post, &request.filter)
            })
        });
        self.window(chat, &messages, &window!(request, 0))
    }

    fn get_replies(&mut self, request: f::messages::GetReplies) -> Answered<tl::enums::messages::Messages> {
        let chat = self.chat(&request.peer)?;
        let mut messages = self.messages_of(chat)?;
        let Some(top) = messages.iter().find(|(id, _)| *id == request.msg_id).map(|(_, number)| *number) else {
            return refuse("MSG_ID_INVALID");
        };
        messages.retain(|(_, number)| {
            let reply = self.world.posts.get(number).and_then(|post| post.reply);
            reply.is_some_and(|reply| reply.topic == Some(request.msg_id) || reply.to == Some(top))
        });
        self.window(chat, &messages, &window!(request, request.offset_date))
    }

    /// Returns a chat's messages, ids and numbers, oldest first.
    pub(super) fn messages_of(&self, chat: Chat) -> Answered<Vec<(i32, u64)>> {
        Ok(match chat {
            Chat::Channel(_) => {
                let all = self.world.room(chat).into_iter().flat_map(|room| &room.mailbox.messages);
                all.map(|(id, number)| (*id, *number)).collect()
            }
            Chat::User(_) | Chat::Group(_) => {
                self.my()?.dialogs.get(&chat).map(|dialog| dialog.messages.clone()).unwrap_or_default()
            }
        })
    }

    /// Cuts a window out of messages, as Telegram does: counted from the newest, offsets first, bounds last.
    fn window(&self, chat: Chat, messages: &[(i32, u64)], window: &Window) -> Answered<tl::enums::messages::Messages> {
        let end = if window.offset_id > 0 {
            messages.partition_point(|(id, _)| *id < window.offset_id)
        } else if window.offset_date > 0 {
            messages.partition_point(|(_, number)| self.date(*number) < window.offset_date)
        } else {
            messages.len()
        };
        let newer = i64::from(window.add_offset);
        let end = (end as i64 - newer).clamp(0, messages.len() as i64) as usize;
        let limit = usize::try_from(window.limit).unwrap_or(0).min(PAGE);
        let page = messages[end.saturating_sub(limit)..end].iter().rev();
        let page = page.filter(|(id, _)| {
            (window.max_id == 0 || *id < window.max_id) && (window.min_id == 0 || *id > window.min_id)
        });
        let numbers: Vec<u64> = page.map(|(_, number)| *number).collect();
        self.answer_with(chat, &numbers, messages.len())
    }

    fn answer_with(&self, chat: Chat, numbers: &[u64], count: usize) -> Answered<tl::enums::messages::Messages> {
        let me = self.me()?;
        let mut concerned = self.world.concerned(me, numbers.iter().copied());
        concerned.chat(chat);
        let (users, chats) = self.world.cast(me, &concerned, false);
        let messages: Vec<tl::enums::Message> =
            numbers.iter().filter_map(|number| self.world.message(me, *number)).collect();
        let is_all = messages.len() == count;
        let count = i32::try_from(count).unwrap_or(i32::MAX);
        Ok(if let Some(room) = self.world.room(chat).filter(|_| matches!(chat, Chat::Channel(_))) {
            tl::types::messages::ChannelMessages {
                inexact: false,
                pts: room.mailbox.pts,
                count,
                offset_id_offset: None,
                messages,
                topics: Vec::new(),
                chats,
                users,
            }
            .into()
        } else if is_all {
            tl::types::messages::Messages { messages, topics: Vec::new(), chats, users }.into()
        } else {
            tl::types::messages::MessagesSlice {
                inexact: false,
                count,
                next_rate: None,
                offset_id_offset: None,
                search_flood: None,
                messages,
                topics: Vec::new(),
                chats,
                users,
            }
            .into()
        })
    }

    fn get_messages(&mut self, request: f::messages::GetMessages) -> Answered<tl::enums::messages::Messages> {
        let ids = wanted(&request.id)?;
        let numbers: Vec<Option<u64>> = ids.iter().map(|id| self.own(*id)).collect();
        self.single(None, &ids, &numbers)
    }

    fn get_channel_messages(&mut self, request: f::channels::GetMessages) -> Answered<tl::enums::messages::Messages> {
        let chat = self.channel(&request.channel)?;
        let ids = wanted(&request.id)?;
        let there = self.world.room(chat).map(|room| &room.mailbox.messages);
        let numbers: Vec<Option<u64>> = ids.iter().map(|id| there?.get(id).copied()).collect();
        self.single(Some(chat), &ids, &numbers)
    }

    fn own(&self, id: i32) -> Option<u64> {
        self.my().ok()?.mailbox.messages.get(&id).copied()
    }

    /// Answers with messages one by one; what is not there is empty.
    fn single(
        &self,
        chat: Option<Chat>,
        ids: &[i32],
        numbers: &[Option<u64>],
    ) -> Answered<tl::enums::messages::Messages> {
        let me = self.me()?;
        let messages = ids.iter().zip(numbers).map(|(id, number)| {
            let message = number.and_then(|number| self.world.message(me, number));
            message.unwrap_or_else(|| tl::types::MessageEmpty { id: *id, peer_id: None }.into())
        });
        let messages: Vec<tl::enums::Message> = messages.collect();
        let mut concerned = self.world.concerned(me, numbers.iter().flatten().copied());
        chat.into_iter().for_each(|chat| concerned.chat(chat));
        let (users, chats) = self.world.cast(me, &concerned, false);
        Ok(match chat.and_then(|chat| self.world.room(chat)) {
            Some(room) => tl::types::messages::ChannelMessages {
                inexact: false,
                pts: room.mailbox.pts,
                count: i32::try_from(messages.len()).unwrap_or(i32::MAX),
                offset_id_offset: None,
                messages,
                topics: Vec::new(),
                chats,
                users,
            }
            .into(),
            None => tl::types::messages::Messages { messages, topics: Vec::new(), chats, users }.into(),
        })
    }

    fn get_messages_reactions(&mut self, request: f::messages::GetMessagesReactions) -> Answered<tl::enums::Updates> {
        let (me, chat) = (self.me()?, self.chat(&request.peer)?);
        let messages = self.messages_of(chat)?;
        let wanted = messages.iter().filter(|(id, _)| request.id.contains(id)).map(|(_, number)| *number);
        let numbers: Vec<u64> = wanted.collect();
        let updates = numbers.iter().filter_map(|number| self.world.reactions_update(me, *number)).collect();
        Ok(self.updates(updates, &numbers))
    }
}

fn wanted(ids: &[tl::enums::InputMessage]) -> Answered<Vec<i32>> {
    if ids.len() > PAGE {
        return refuse("MESSAGE_IDS_TOO_MANY");
    }
    ids.iter()
        .map(|id| match id {
            tl::enums::InputMessage::Id(message) => Ok(message.id),
            tl::enums::InputMessage::ReplyTo(_)
            | tl::enums::InputMessage::Pinned
            | tl::enums::InputMessage::CallbackQuery(_) => refuse("MESSAGE_IDS_INVALID"),
        })
        .collect()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "nothing passes a filter that is not played, and layers add more")]
fn passes(post: &Post, filter: &tl::enums::MessagesFilter) -> bool {
    use tl::enums::{MessageMedia as Media, MessagesFilter as Filter};
    let document = match &post.media {
        Some(Media::Document(document)) => Some(document),
        _ => None,
    };
    let photo = matches!(post.media, Some(Media::Photo(_)));
    match filter {
        Filter::InputMessagesFilterEmpty => true,
        Filter::InputMessagesFilterPhotos => photo,
        Filter::InputMessagesFilterPhotoVideo => photo || document.is_some_and(|document| document.video),
        Filter::InputMessagesFilterDocument => document.is_some_and(|it| !it.voice && !it.video && !it.round),
        Filter::InputMessagesFilterVoice => document.is_some_and(|document| document.voice),
        Filter::InputMessagesFilterRoundVoice => document.is_some_and(|document| document.voice || document.round),
        _ => false,
    }
}
