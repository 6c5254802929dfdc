//! What clients say: messages, files, albums, edits, deletions, reactions, forwards.

use std::collections::BTreeMap;

use super::*;
use crate::telegram::{
    Chat, MessageId, SentByClient, blank,
    mailbox::What,
    media::{Media, Picture},
    now, render,
    traffic::Push,
    witness::SentFile,
    world::{Delivery, Post, Reply, RoomKind},
};

const LONGEST_TEXT: usize = 4096;
const LONGEST_CAPTION: usize = 1024;

/// Media that a client brings, with the file if it uploaded one.
type Brought = (tl::enums::MessageMedia, Option<SentFile>);

impl Call<'_> {
    pub(super) fn outgoing_area(&mut self, method: u32, body: &[u8]) -> Option<Answered<Vec<u8>>> {
        route! { self, method, body;
            f::messages::SendMessage => send_message,
            f::messages::SendMedia => send_media,
            f::messages::SendMultiMedia => send_multi_media,
            f::messages::UploadMedia => upload_media,
            f::messages::ForwardMessages => forward_messages,
            f::messages::EditMessage => edit_message,
            f::messages::DeleteMessages => delete_messages,
            f::channels::DeleteMessages => delete_channel_messages,
            f::messages::SendReaction => send_reaction,
        }
    }

    fn send_message(&mut self, request: f::messages::SendMessage) -> Answered<tl::enums::Updates> {
        let (me, chat) = self.may_write(&request.peer)?;
        if request.message.trim().is_empty() {
            return refuse("MESSAGE_EMPTY");
        }
        if request.message.encode_utf16().count() > LONGEST_TEXT {
            return refuse("MESSAGE_TOO_LONG");
        }
        let post = Post {
            entities: request.entities.unwrap_or_default(),
            reply: self.reply(chat, request.reply_to.as_ref())?,
            date: now(),
            ..Post::new(me, chat, request.message)
        };
        let number = self.say(post, request.random_id, None)?;
        match chat {
            Chat::User(_) => self.sent_shortly(number),
            Chat::Group(_) | Chat::Channel(_) => self.sent(&[(number, request.random_id)]),
        }
    }

    fn send_media(&mut self, request: f::messages::SendMedia) -> Answered<tl::enums::Updates> {
        let (me, chat) = self.may_write(&request.peer)?;
        self.unused(request.random_id)?;
        let reply = self.reply(chat, request.reply_to.as_ref())?;
        let media = self.bring(request.media)?;
        let entities = request.entities.unwrap_or_default();
        let post = Post { entities, reply, date: now(), ..Post::new(me, chat, request.message) };
        let number = self.say_with(post, media, request.random_id)?;
        self.sent(&[(number, request.random_id)])
    }

    fn send_multi_media(&mut self, request: f::messages::SendMultiMedia) -> Answered<tl::enums::Updates> {
        let (me, chat) = self.may_write(&request.peer)?;
        let reply = self.reply(chat, request.reply_to.as_ref())?;
        if !(1..=10).contains(&request.multi_media.len()) {
            return refuse("MULTI_MEDIA_TOO_LONG");
        }
        let album = self.world.next_album();
        let mut sent = Vec::new();
        for tl::enums::InputSingleMedia::Media(single) in request.multi_media {
            self.unused(single.random_id)?;
            let media = self.bring(single.media)?;
            let entities = single.entities.unwrap_or_default();
            let post = Post { entities, reply, album: Some(album), date: now(), ..Post::new(me, chat, single.message) };
            sent.push((self.say_with(post, media, single.random_id)?, single.random_id));
        }
        self.sent(&sent)
    }

    fn upload_media(&mut self, request: f::messages::UploadMedia) -> Answered<tl::enums::MessageMedia> {
        self.may_write(&request.peer)?;
        let brought = self.bring(request.media)?;
        let media = self.world.fresh(&brought.0);
        if let Some(file) = file_of(&brought.0) {
            self.world.uploaded.insert(file, brought);
        }
        Ok(media)
    }

    fn forward_messages(&mut self, request: f::messages::ForwardMessages) -> Answered<tl::enums::Updates> {
        let (me, to) = self.may_write(&request.to_peer)?;
        let from = self.chat(&request.from_peer)?;
        if request.id.len() != request.random_id.len() {
            return refuse("RANDOM_ID_INVALID");
        }
        // All of them or none.
        request.random_id.iter().try_for_each(|random_id| self.unused(*random_id))?;
        let messages = self.messages_of(from)?;
        let there = |id: &i32| messages.iter().any(|(there, _)| there == id);
        if !request.id.iter().all(there) {
            return refuse("MESSAGE_ID_INVALID");
        }
        let mut sent = Vec::new();
        let mut albums = BTreeMap::new();
        for (id, random_id) in request.id.iter().zip(&request.random_id) {
            let original = messages.iter().find(|(there, _)| there == id);
            let Some(original) = original.and_then(|(_, number)| self.world.posts.get(number)).cloned() else {
                return refuse("MESSAGE_ID_INVALID");
            };
            let origin = tl::types::MessageFwdHeader {
                from_id: Some(render::peer(Chat::User(original.from))),
                ..blank::forward(original.date)
            };
            let album = original.album.map(|album| *albums.entry(album).or_insert_with(|| self.world.next_album()));
            let post = Post {
                entities: original.entities,
                media: original.media,
                forward: original.forward.or(Some(origin)).filter(|_| !request.drop_author),
                album,
                date: now(),
                ..Post::new(me, to, original.text)
            };
            sent.push((self.say(post, *random_id, None)?, *random_id));
        }
        self.sent(&sent)
    }

    fn edit_message(&mut self, request: f::messages::EditMessage) -> Answered<tl::enums::Updates> {
        let (me, chat) = self.may_write(&request.peer)?;
        let number = self.number_in(chat, request.id)?;
        let Some(post) = self.world.posts.get(&number) else { return refuse("MESSAGE_ID_INVALID") };
        if post.from != me {
            return refuse("MESSAGE_AUTHOR_REQUIRED");
        }
        if request.message.as_ref().is_none_or(|text| *text == post.text) {
            return refuse("MESSAGE_NOT_MODIFIED");
        }
        let link = Some(self.link);
        let _there = self.world.edit(MessageId(number), request.message, request.entities, Push::Pushed, link);
        let update = self.last_event(chat)?;
        Ok(self.updates(update.into_iter().collect(), &[number]))
    }

    fn delete_messages(
        &mut self,
        request: f::messages::DeleteMessages,
    ) -> Answered<tl::enums::messages::AffectedMessages> {
        let (me, link) = (self.me()?, self.link);
        let there = &self.my()?.mailbox.messages;
        let numbers: Vec<MessageId> =
            request.id.iter().filter_map(|id| there.get(id)).map(|it| MessageId(*it)).collect();
        let before = self.my()?.mailbox.pts;
        if request.revoke {
            let _there = self.world.delete(&numbers, Push::Pushed, Some(link));
        } else {
            self.world.delete_for(me, &numbers, Some(link));
        }
        let pts = self.my()?.mailbox.pts;
        Ok(tl::types::messages::AffectedMessages { pts, pts_count: pts - before }.into())
    }

    fn delete_channel_messages(
        &mut self,
        request: f::channels::DeleteMessages,
    ) -> Answered<tl::enums::messages::AffectedMessages> {
        let (me, chat, link) = (self.me()?, self.channel(&request.channel)?, self.link);
        let mut numbers = Vec::new();
        for id in &request.id {
            let Ok(number) = self.number_in(chat, *id) else { continue };
            if self.world.posts.get(&number).is_some_and(|post| post.from != me) {
                return refuse("MESSAGE_DELETE_FORBIDDEN");
            }
            numbers.push(MessageId(number));
        }
        let before = self.world.room(chat).map_or(0, |room| room.mailbox.pts);
        let _there = self.world.delete(&numbers, Push::Pushed, Some(link));
        let pts = self.world.room(chat).map_or(0, |room| room.mailbox.pts);
        Ok(tl::types::messages::AffectedMessages { pts, pts_count: pts - before }.into())
    }

    fn send_reaction(&mut self, request: f::messages::SendReaction) -> Answered<tl::enums::Updates> {
        let (me, chat) = (self.me()?, self.chat(&request.peer)?);
        let number = self.number_in(chat, request.msg_id)?;
        let emoji = request.reaction.unwrap_or_default().into_iter().find_map(|reaction| match reaction {
            tl::enums::Reaction::Emoji(emoji) => Some(emoji.emoticon),
            tl::enums::Reaction::Empty | tl::enums::Reaction::CustomEmoji(_) | tl::enums::Reaction::Paid => None,
        });
        let _there = self.world.react(me, MessageId(number), emoji.as_deref(), Push::Pushed);
        let update = self.world.reactions_update(me, number);
        Ok(self.updates(update.into_iter().collect(), &[number]))
    }

    /// Returns who writes where, if they may.
    fn may_write(&self, peer: &tl::enums::InputPeer) -> Answered<(i64, Chat)> {
        let (me, chat) = (self.me()?, self.chat(peer)?);
        let room = self.world.room(chat);
        if room.is_some_and(|room| room.kind == RoomKind::Broadcast && room.members.first() != Some(&me)) {
            return refuse("CHAT_WRITE_FORBIDDEN");
        }
        Ok((me, chat))
    }

    fn number_in(&self, chat: Chat, id: i32) -> Answered<u64> {
        let found = self.messages_of(chat)?.into_iter().find(|(there, _)| *there == id);
        found.map(|(_, number)| number).ok_or_else(|| Refusal("MESSAGE_ID_INVALID".to_owned()))
    }

    fn reply(&self, chat: Chat, reply: Option<&tl::enums::InputReplyTo>) -> Answered<Option<Reply>> {
        let to = match reply {
            None => return Ok(None),
            Some(tl::enums::InputReplyTo::Message(to)) => to,
            Some(_) => return refuse("REPLY_TO_INVALID"),
        };
        let topics = self.world.room(chat).map(|room| room.topics.as_slice()).unwrap_or_default();
        if topics.iter().any(|(topic, _)| *topic == to.reply_to_msg_id) {
            return Ok(Some(Reply { to: None, topic: Some(to.reply_to_msg_id) }));
        }
        let Ok(number) = self.number_in(chat, to.reply_to_msg_id) else { return refuse("REPLY_MESSAGE_ID_INVALID") };
        let topic_of_other = self.world.posts.get(&number).and_then(|post| post.reply).and_then(|reply| reply.topic);
        Ok(Some(Reply { to: Some(number), topic: to.top_msg_id.or(topic_of_other) }))
    }

    /// Refuses a random id that was used.
    fn unused(&self, random_id: i64) -> Answered<()> {
        if random_id == 0 {
            refuse("RANDOM_ID_EMPTY")
        } else if self.my()?.random_ids.contains_key(&random_id) {
            refuse("RANDOM_ID_DUPLICATE")
        } else {
            Ok(())
        }
    }

    fn say_with(&mut self, post: Post, (media, file): Brought, random_id: i64) -> Answered<u64> {
        if post.text.encode_utf16().count() > LONGEST_CAPTION {
            return refuse("MEDIA_CAPTION_TOO_LONG");
        }
        self.say(Post { media: Some(media), ..post }, random_id, file)
    }

    /// Delivers what a client says, once per random id.
    fn say(&mut self, post: Post, random_id: i64, file: Option<SentFile>) -> Answered<u64> {
        self.unused(random_id)?;
        let me = self.me()?;
        let (chat, text, reply) = (post.chat, post.text.clone(), post.reply);
        let delivery = Delivery { push: Push::Pushed, except: Some(self.link) };
        let message = self.world.deliver(post, delivery);
        let id_of = |number: u64| self.world.posts.get(&number).and_then(|post| post.id_for(me));
        let sent = SentByClient {
            message,
            id: id_of(message.0).unwrap_or_default(),
            random_id,
            chat,
            text,
            reply_to: reply.and_then(|reply| reply.to).and_then(id_of),
            file,
        };
        let my = self.my_mut()?;
        my.random_ids.insert(random_id, message.0);
        my.sent.push(sent);
        Ok(message.0)
    }

    /// Answers as Telegram does for a plain message in a private chat.
    fn sent_shortly(&self, number: u64) -> Answered<tl::enums::Updates> {
        let me = self.me()?;
        let Some(post) = self.world.posts.get(&number) else { return refuse("MESSAGE_ID_INVALID") };
        let event =
            self.my()?.mailbox.log.iter().rev().find(|event| matches!(event.what, What::New(it) if it == number));
        let sent = tl::types::UpdateShortSentMessage {
            out: true,
            id: post.id_for(me).unwrap_or_default(),
            pts: event.map_or(0, |event| event.pts),
            pts_count: 1,
            date: post.date,
            media: None,
            entities: Some(post.entities.clone()).filter(|entities| !entities.is_empty()),
            ttl_period: None,
        };
        Ok(sent.into())
    }

    /// Answers with the ids of messages and the messages themselves.
    fn sent(&self, messages: &[(u64, i64)]) -> Answered<tl::enums::Updates> {
        let me = self.me()?;
        let mut updates: Vec<tl::enums::Update> = Vec::new();
        for (number, random_id) in messages {
            let id = self.world.posts.get(number).and_then(|post| post.id_for(me)).unwrap_or_default();
            updates.push(tl::types::UpdateMessageId { id, random_id: *random_id }.into());
        }
        for (number, _) in messages {
            let chat = self.world.posts.get(number).map_or(Chat::User(me), |post| post.chat);
            let log = match chat {
                Chat::Channel(_) => self.world.room(chat).map(|room| room.mailbox.log.as_slice()).unwrap_or_default(),
                Chat::User(_) | Chat::Group(_) => self.my()?.mailbox.log.as_slice(),
            };
            let event = log.iter().rev().find(|event| matches!(event.what, What::New(it) if it == *number));
            updates.extend(event.and_then(|event| self.world.event_update(me, chat, event)));
        }
        let numbers: Vec<u64> = messages.iter().map(|(number, _)| *number).collect();
        Ok(self.updates(updates, &numbers))
    }

    fn last_event(&self, chat: Chat) -> Answered<Option<tl::enums::Update>> {
        let me = self.me()?;
        let log = match chat {
            Chat::Channel(_) => self.world.room(chat).map(|room| room.mailbox.log.as_slice()).unwrap_or_default(),
            Chat::User(_) | Chat::Group(_) => self.my()?.mailbox.log.as_slice(),
        };
        Ok(log.last().and_then(|event| self.world.event_update(me, chat, event)))
    }

    pub(super) fn updates(&self, updates: Vec<tl::enums::Update>, posts: &[u64]) -> tl::enums::Updates {
        let me = self.account.unwrap_or_default();
        let (users, chats) = self.world.cast(me, &self.world.concerned(me, posts.iter().copied()), false);
        tl::types::Updates { updates, users, chats, date: now(), seq: 0 }.into()
    }

    /// Turns what a client brings into media that the world keeps.
    #[expect(clippy::wildcard_enum_match_arm, reason = "what is not played is refused, and layers add more")]
    fn bring(&mut self, media: tl::enums::InputMedia) -> Answered<Brought> {
        use tl::enums::{DocumentAttribute as Attribute, InputMedia as Input};
        match media {
            Input::UploadedPhoto(photo) => {
                let (name, bytes) = self.assemble(&photo.file)?;
                let file = SentFile { name, mime: "image/jpeg".to_owned(), bytes: bytes.clone() };
                let full = Picture { bytes, width: 800, height: 600 };
                Ok((self.keep_here(Media::Photo { full, thumb: None }), Some(file)))
            }
            Input::UploadedDocument(document) => {
                let (name, bytes) = self.assemble(&document.file)?;
                let thumb = document.thumb.as_ref().map(|thumb| self.assemble(thumb)).transpose()?;
                let thumb = thumb.map(|(_, bytes)| Picture { bytes, width: 320, height: 240 });
                let file = SentFile { name, mime: document.mime_type.clone(), bytes: bytes.clone() };
                let attributes = &document.attributes;
                let voice = attributes.iter().any(|it| matches!(it, Attribute::Audio(audio) if audio.voice));
                let round = attributes.iter().any(|it| matches!(it, Attribute::Video(video) if video.round_message));
                let before = self.world.files_dc.replace(self.dc);
                let kept = self.world.keep_document(&document.mime_type, bytes, thumb, document.attributes);
                self.world.files_dc = before;
                let media = tl::types::MessageMediaDocument { voice, round, ..blank::document_media(kept) };
                Ok((media.into(), Some(file)))
            }
            Input::Photo(photo) => {
                let tl::enums::InputPhoto::Photo(id) = photo.id else { return refuse("PHOTO_INVALID") };
                self.again(id.id, id.access_hash, &id.file_reference)
            }
            Input::Document(document) => {
                let tl::enums::InputDocument::Document(id) = document.id else { return refuse("MEDIA_INVALID") };
                self.again(id.id, id.access_hash, &id.file_reference)
            }
            Input::GeoPoint(point) => {
                let tl::enums::InputGeoPoint::Point(at) = point.geo_point else { return refuse("GEO_POINT_INVALID") };
                Ok((self.keep_here(Media::Location { latitude: at.lat, longitude: at.long }), None))
            }
            Input::Contact(contact) => {
                let media = Media::Contact {
                    phone: contact.phone_number,
                    first_name: contact.first_name,
                    last_name: contact.last_name,
                };
                Ok((self.keep_here(media), None))
            }
            _ => refuse("MEDIA_INVALID"),
        }
    }

    fn keep_here(&mut self, media: Media) -> tl::enums::MessageMedia {
        let before = self.world.files_dc.replace(self.dc);
        let media = self.world.keep_media(media).into_tl();
        self.world.files_dc = before;
        media
    }

    /// Sends a file once more that the network has.
    fn again(&mut self, id: i64, access_hash: i64, reference: &[u8]) -> Answered<Brought> {
        self.opened(id, access_hash, reference)?;
        if let Some(brought) = self.world.uploaded.get(&id) {
            return Ok(brought.clone());
        }
        let mut posted = self.world.posts.values().filter_map(|post| post.media.as_ref());
        match posted.find(|media| file_of(media) == Some(id)) {
            Some(media) => Ok((media.clone(), None)),
            None => refuse("MEDIA_INVALID"),
        }
    }
}

/// Returns the file that media speaks of.
fn file_of(media: &tl::enums::MessageMedia) -> Option<i64> {
    if let tl::enums::MessageMedia::Photo(media) = media {
        media.photo.as_ref().map(tl::enums::Photo::id)
    } else if let tl::enums::MessageMedia::Document(media) = media {
        media.document.as_ref().map(tl::enums::Document::id)
    } else {
        None
    }
}
