//! `updates.*`: what happened since.

use super::*;
use crate::telegram::{
    Chat, blank,
    mailbox::{Event, What},
    now,
    render::{self, Concerned},
};

/// The most that Telegram puts into one channel difference for a user.
const CHANNEL_SLICE: i32 = 100;

impl Call<'_> {
    pub(super) fn updates_area(&mut self, method: u32, body: &[u8]) -> Option<Answered<Vec<u8>>> {
        route! { self, method, body;
            f::updates::GetState => get_state,
            f::updates::GetDifference => get_difference,
            f::updates::GetChannelDifference => get_channel_difference,
        }
    }

    fn get_state(&mut self, _: f::updates::GetState) -> Answered<tl::enums::updates::State> {
        self.state()
    }

    pub(super) fn state(&self) -> Answered<tl::enums::updates::State> {
        let me = self.me()?;
        let unread: i32 = self.my()?.dialogs.keys().map(|chat| self.world.unread(me, *chat)).sum();
        let pts = self.my()?.mailbox.pts;
        Ok(tl::types::updates::State { pts, qts: 0, date: now(), seq: 0, unread_count: unread }.into())
    }

    fn get_difference(&mut self, request: f::updates::GetDifference) -> Answered<tl::enums::updates::Difference> {
        let me = self.me()?;
        let mailbox = &self.my()?.mailbox;
        if request.pts < 1 {
            return refuse("PERSISTENT_TIMESTAMP_EMPTY");
        }
        if request.pts > mailbox.pts {
            return refuse("PERSISTENT_TIMESTAMP_INVALID");
        }
        let behind = mailbox.pts - request.pts;
        if behind == 0 {
            return Ok(tl::types::updates::DifferenceEmpty { date: now(), seq: 0 }.into());
        }
        let limits = [self.world.faults.too_long_after, request.pts_total_limit];
        if limits.into_iter().flatten().any(|limit| behind > limit) {
            return Ok(tl::types::updates::DifferenceTooLong { pts: mailbox.pts }.into());
        }
        let (events, is_all) = mailbox.since(request.pts, self.world.slice);
        let end = events.last().map_or(mailbox.pts, |event| event.pts);
        let (new_messages, other_updates, concerned) = self.tell(me, Chat::User(me), events);
        let (users, chats) = self.world.cast(me, &concerned, false);
        let tl::enums::updates::State::State(state) = self.state()?;
        let state = tl::types::updates::State { pts: end, ..state }.into();
        Ok(if is_all {
            tl::types::updates::Difference {
                new_messages,
                new_encrypted_messages: Vec::new(),
                other_updates,
                chats,
                users,
                state,
            }
            .into()
        } else {
            tl::types::updates::DifferenceSlice {
                new_messages,
                new_encrypted_messages: Vec::new(),
                other_updates,
                chats,
                users,
                intermediate_state: state,
            }
            .into()
        })
    }

    fn get_channel_difference(
        &mut self,
        request: f::updates::GetChannelDifference,
    ) -> Answered<tl::enums::updates::ChannelDifference> {
        let me = self.me()?;
        let chat = self.channel(&request.channel)?;
        let Some(room) = self.world.room(chat) else { return refuse("CHANNEL_INVALID") };
        let mailbox = &room.mailbox;
        if request.pts < 1 {
            return refuse("PERSISTENT_TIMESTAMP_EMPTY");
        }
        if request.pts > mailbox.pts {
            return refuse("PERSISTENT_TIMESTAMP_INVALID");
        }
        let behind = mailbox.pts - request.pts;
        if behind == 0 {
            let empty =
                tl::types::updates::ChannelDifferenceEmpty { r#final: true, pts: mailbox.pts, timeout: Some(30) };
            return Ok(empty.into());
        }
        let limit = request.limit.clamp(1, CHANNEL_SLICE);
        if behind > self.world.faults.channel_too_long_after.unwrap_or(limit) {
            let top = mailbox.messages.last_key_value().map(|(_, number)| *number);
            let (users, chats) = self.world.cast(me, &self.world.concerned(me, top), false);
            let dialog =
                tl::types::Dialog { pts: Some(mailbox.pts), ..blank::dialog(render::peer(chat), mailbox.top()) };
            return Ok(tl::types::updates::ChannelDifferenceTooLong {
                r#final: true,
                timeout: Some(30),
                dialog: dialog.into(),
                messages: top.and_then(|number| self.world.message(me, number)).into_iter().collect(),
                chats,
                users,
            }
            .into());
        }
        let (events, r#final) = mailbox.since(request.pts, usize::try_from(limit).unwrap_or(1));
        let pts = events.last().map_or(mailbox.pts, |event| event.pts);
        let (new_messages, other_updates, concerned) = self.tell(me, chat, events);
        let (users, chats) = self.world.cast(me, &concerned, false);
        let difference = tl::types::updates::ChannelDifference {
            r#final,
            pts,
            timeout: Some(30),
            new_messages,
            other_updates,
            chats,
            users,
        };
        Ok(difference.into())
    }

    /// Tells events as a difference does: new messages apart from the rest.
    fn tell(
        &self,
        me: i64,
        chat: Chat,
        events: &[Event],
    ) -> (Vec<tl::enums::Message>, Vec<tl::enums::Update>, Concerned) {
        let (mut messages, mut others, mut posts) = (Vec::new(), Vec::new(), Vec::new());
        for event in events {
            match &event.what {
                What::New(post) => {
                    messages.extend(self.world.message(me, *post));
                    posts.push(*post);
                }
                What::Edited(post) => {
                    others.extend(self.world.event_update(me, chat, event));
                    posts.push(*post);
                }
                What::Deleted(_) | What::ReadInbox(..) | What::ReadOutbox(..) => {
                    others.extend(self.world.event_update(me, chat, event));
                }
            }
        }
        (messages, others, self.world.concerned(me, posts))
    }
}
