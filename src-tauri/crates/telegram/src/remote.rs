//! What can be asked of an account beside the listener, over the listener's own connection.

mod change;
mod fetch;
mod find;
mod forward;
mod ledger;
mod self_test;
mod send;
mod upload;

use std::{collections::BTreeMap, sync::Arc};

use futures_util::future::BoxFuture;
use grammers_tl_types as tl;
use serde_json::Value;
use skrynka_core::{
    connector::{
        AlbumError, Batch, ConnectorError, Cursor, Fetched, ForwardMessage, FoundPerson, History, Holding, Incoming,
        IncomingSender, PersonName, Remote, Salt, SendError, SendFile, SendText, Sent,
    },
    model::{AccountId, ChatKey, Entity, Peer, PeerKind, Place},
};
use time::OffsetDateTime;
use tokio::io::AsyncWrite;

pub(crate) use self::fetch::Annex;
use crate::{
    clocked::Clocked,
    convert::{Reader, place, topic_of},
    error::{Result, TelegramError},
    listen::{Scope, listed, page},
    peers::{Book, SERVICE_USER},
    pool::{Pool, Watch},
    waits::Waits,
};

/// The most messages that Telegram gives in one page.
const PAGE: u32 = 100;

/// The account, to be asked.
pub(crate) struct TelegramRemote {
    pub(crate) account: AccountId,
    pub(crate) added_at: OffsetDateTime,
    pub(crate) pool: Arc<Pool>,
    pub(crate) book: Arc<Book>,
    pub(crate) scope: Arc<Scope>,
    pub(crate) waits: Waits,
    pub(crate) me: Peer,
    pub(crate) clock: Clocked,
    pub(crate) watch: Arc<Watch>,
    pub(crate) annex: Annex,
    /// What hides the names of some cursors.
    pub(crate) salt: Option<Salt>,
}

impl TelegramRemote {
    fn failed(&self, error: TelegramError) -> ConnectorError {
        error.into_connector(self.clock.now())
    }

    fn input(&self, peer: Peer) -> Result<tl::enums::InputPeer> {
        self.book.input(peer).ok_or(TelegramError::UnknownChat)
    }

    async fn read_up_to(&self, chat: ChatKey, up_to: u32) -> Result<()> {
        let max_id = i32::try_from(up_to).unwrap_or(i32::MAX);
        match (chat.topic, chat.peer.kind) {
            (Some(topic), PeerKind::Channel) => {
                let msg_id = i32::try_from(topic).unwrap_or(i32::MAX);
                let peer = self.input(chat.peer)?;
                let request = tl::functions::messages::ReadDiscussion { peer, msg_id, read_max_id: max_id };
                self.pool.ask_patiently(&request, &|_| ()).await?;
            }
            (_, PeerKind::Channel) => {
                let channel = self.book.input_channel(chat.peer.id).ok_or(TelegramError::UnknownChat)?;
                let request = tl::functions::channels::ReadHistory { channel, max_id };
                self.pool.ask_patiently(&request, &|_| ()).await?;
            }
            (_, PeerKind::User | PeerKind::Group) => {
                let request = tl::functions::messages::ReadHistory { peer: self.input(chat.peer)?, max_id };
                self.pool.ask_patiently(&request, &|_| ()).await?;
            }
        }
        Ok(())
    }

    async fn past(&self, chat: ChatKey, before: Option<u32>, limit: u32) -> Result<History> {
        if chat.peer.id == SERVICE_USER && chat.peer.kind == PeerKind::User {
            return Err(TelegramError::UnknownChat);
        }
        let before = before.map_or(0, |before| i32::try_from(before).unwrap_or(i32::MAX));
        let limit = i32::try_from(limit.clamp(1, PAGE)).unwrap_or(100);
        let (messages, is_last) = match chat.topic {
            None => {
                let page = page(&self.pool, &self.book, chat.peer, before, 0, limit).await?;
                (page.messages, page.is_last)
            }
            Some(topic) => self.past_of_topic(chat.peer, topic, before, limit).await?,
        };
        let first = messages.iter().filter_map(|message| Some(place(message)?.1)).min();
        let reader = Reader { book: &self.book, me: self.me, arrived_at: self.clock.now() };
        // What lies in the past was read long ago, as far as this inbox is concerned.
        let read = messages.iter().rev().filter_map(|message| reader.message(message, u32::MAX));
        let mut incoming: Vec<Incoming> = read.map(|message| Incoming::Message(Box::new(message))).collect();
        let known = self.book.changed().into_iter().map(|peer| Incoming::Peer(Box::new(peer)));
        incoming.splice(0..0, known);
        let beginning = is_last || first.is_none();
        Ok(History { batch: Batch { incoming, cursors: Vec::new() }, first, beginning })
    }

    async fn past_of_topic(
        &self,
        peer: Peer,
        topic: u32,
        before: i32,
        limit: i32,
    ) -> Result<(Vec<tl::enums::Message>, bool)> {
        let request = tl::functions::messages::GetReplies {
            peer: self.input(peer)?,
            msg_id: i32::try_from(topic).unwrap_or(i32::MAX),
            offset_id: before,
            offset_date: 0,
            add_offset: 0,
            limit,
            max_id: 0,
            min_id: 0,
            hash: 0,
        };
        let (mut messages, is_last) = listed(self.pool.ask_patiently(&request, &|_| ()).await?, &self.book);
        let is_last = is_last || messages.is_empty();
        messages.retain(|message| match message {
            tl::enums::Message::Message(message) => topic_of(message.reply_to.as_ref()) == topic,
            tl::enums::Message::Service(_) | tl::enums::Message::Empty(_) => true,
        });
        Ok((messages, is_last))
    }
}

impl Remote for TelegramRemote {
    fn mark_read(&self, chat: ChatKey, up_to: u32) -> BoxFuture<'_, std::result::Result<(), ConnectorError>> {
        let now = || self.clock.now();
        Box::pin(async move { self.read_up_to(chat, up_to).await.map_err(|error| error.into_refusal(now())) })
    }

    fn send_text(&self, text: SendText, file: Option<SendFile>) -> BoxFuture<'_, std::result::Result<Sent, SendError>> {
        Box::pin(self.send(text, file))
    }

    fn send_album(
        &self,
        items: Vec<(SendText, SendFile)>,
    ) -> BoxFuture<'_, std::result::Result<Vec<Sent>, AlbumError>> {
        Box::pin(self.album(items))
    }

    fn forward(&self, items: Vec<ForwardMessage>) -> BoxFuture<'_, std::result::Result<Vec<Sent>, AlbumError>> {
        Box::pin(self.pass_on(items))
    }

    fn edit_text(
        &self,
        chat: ChatKey,
        number: u32,
        text: String,
        entities: Vec<Entity>,
    ) -> BoxFuture<'_, std::result::Result<(), ConnectorError>> {
        let now = || self.clock.now();
        Box::pin(
            async move { self.edit(chat, number, text, &entities).await.map_err(|error| error.into_refusal(now())) },
        )
    }

    fn delete_message(&self, chat: ChatKey, number: u32) -> BoxFuture<'_, std::result::Result<(), ConnectorError>> {
        let now = || self.clock.now();
        Box::pin(async move { self.delete(chat, number).await.map_err(|error| error.into_refusal(now())) })
    }

    fn find_person(&self, name: PersonName) -> BoxFuture<'_, std::result::Result<Option<FoundPerson>, ConnectorError>> {
        let now = || self.clock.now();
        Box::pin(async move { self.find(name).await.map_err(|error| error.into_refusal(now())) })
    }

    fn own_chat(&self) -> BoxFuture<'_, std::result::Result<FoundPerson, ConnectorError>> {
        Box::pin(async move { self.myself().await.map_err(|error| self.failed(error)) })
    }

    fn remove_self_test(&self, mark: String) -> BoxFuture<'_, std::result::Result<Vec<String>, ConnectorError>> {
        Box::pin(async move { self.remove_marked(&mark).await.map_err(|error| self.failed(error)) })
    }

    fn fetch_file<'a>(
        &'a self,
        place: Place,
        remote: Value,
        offset: u64,
        sink: &'a mut (dyn AsyncWrite + Send + Unpin),
    ) -> BoxFuture<'a, std::result::Result<Fetched, ConnectorError>> {
        Box::pin(async move { self.fetch(place, remote, offset, sink).await.map_err(|error| self.failed(error)) })
    }

    fn holdings(
        &self,
        cursors: Vec<Cursor>,
        whole: BTreeMap<String, u32>,
    ) -> BoxFuture<'_, std::result::Result<Vec<Holding>, ConnectorError>> {
        Box::pin(self.compared(cursors, whole))
    }

    fn fetch_again(
        &self,
        places: Vec<Place>,
        inbox: IncomingSender,
    ) -> BoxFuture<'_, std::result::Result<(), ConnectorError>> {
        Box::pin(async move { self.again(&places, &inbox).await.map_err(|error| self.failed(error)) })
    }

    fn history(
        &self,
        chat: ChatKey,
        before: Option<u32>,
        limit: u32,
    ) -> BoxFuture<'_, std::result::Result<History, ConnectorError>> {
        Box::pin(async move { self.past(chat, before, limit).await.map_err(|error| self.failed(error)) })
    }
}
