//! Sending a text, a file with a text under it, or an album, so that a lost answer never sends it twice.

use grammers_tl_types as tl;
use skrynka_core::{
    connector::{AlbumError, AlbumTrouble, ConnectorError, SendError, SendFile, SendText, Sent},
    model::{ChatKey, Peer},
};

use super::TelegramRemote;
use crate::{
    convert::{date, entities_out, moment, number, place},
    error::{Result, TelegramError},
    listen::page,
};

/// How far back a text is looked for that Telegram says it has.
pub(super) const LOOKED_THROUGH: i32 = 100;

impl TelegramRemote {
    pub(super) async fn send(&self, text: SendText, file: Option<SendFile>) -> std::result::Result<Sent, SendError> {
        let failed = |error| SendError::NotSent(self.failed(error));
        let peer = text.chat.peer;
        let size = file.as_ref().map(|file| file.size);
        let asked = match file {
            None => self.pool.ask(&self.request(&text).map_err(failed)?).await,
            Some(file) => {
                // Nothing is in the chat until the file is whole.
                let media = self.upload(&file).await?;
                self.pool.ask(&self.media_request(&text, media).map_err(failed)?).await
            }
        };
        let told = match asked {
            Ok(told) => told,
            Err(error) if error.is("RANDOM_ID_DUPLICATE") => {
                // The news of the message went down with the first answer.
                self.watch.missed.notify_one();
                let found = self.sent_before(peer, &[(&text, size)]).await;
                let found = found.map_err(|error| SendError::Uncertain(error.trouble()))?;
                return found.into_iter().next().ok_or_else(|| SendError::Uncertain(not_shown().trouble()));
            }
            Err(error) => return Err(self.unsent(error)),
        };
        let (id, at) = answered(&told, text.random_id);
        let number = id.and_then(number).ok_or_else(|| {
            SendError::Uncertain(TelegramError::Protocol("the number of the text is missing".to_owned()).trouble())
        })?;
        let at = at.map_or_else(|| self.clock.now(), moment);
        Ok(Sent { place: peer.place(number), at })
    }

    pub(super) async fn album(&self, items: Vec<(SendText, SendFile)>) -> std::result::Result<Vec<Sent>, AlbumError> {
        let whole = |why| AlbumError { what: AlbumTrouble::Whole, why };
        let apart =
            |error: TelegramError| AlbumError { what: AlbumTrouble::Apart, why: SendError::Uncertain(error.trouble()) };
        // What is refused together may be taken one by one.
        let refused = |why: SendError| match &why {
            SendError::NotSent(ConnectorError::Permanent(_)) => AlbumError { what: AlbumTrouble::Apart, why },
            SendError::NotSent(_) | SendError::Uncertain(_) => whole(why),
        };
        let Some((first, _)) = items.first() else { return Ok(Vec::new()) };
        let (peer, reply_to) = (first.chat.peer, reply_to(first));
        let mut multi_media = Vec::with_capacity(items.len());
        // Nothing is in the chat until all files are whole.
        for (at, (text, file)) in items.iter().enumerate() {
            let brought = self.upload(file).await.map_err(|why| of_item(at, why))?;
            let media = self.keep(peer, brought).await.map_err(refused)?;
            let entities = entities_out(&text.entities);
            multi_media.push(
                tl::types::InputSingleMedia {
                    media,
                    random_id: text.random_id,
                    message: text.text.clone(),
                    entities: (!entities.is_empty()).then_some(entities),
                }
                .into(),
            );
        }
        let request = tl::functions::messages::SendMultiMedia {
            silent: false,
            background: false,
            clear_draft: true,
            noforwards: false,
            update_stickersets_order: false,
            invert_media: false,
            allow_paid_floodskip: false,
            peer: self.input(peer).map_err(|error| whole(SendError::NotSent(self.failed(error))))?,
            reply_to,
            multi_media,
            schedule_date: None,
            send_as: None,
            quick_reply_shortcut: None,
            effect: None,
            allow_paid_stars: None,
        };
        // Some may have been given up while others were brought up.
        for (at, (_, file)) in items.iter().enumerate() {
            file.source.wanted().map_err(|why| of_item(at, SendError::NotSent(why)))?;
        }
        let told = match self.pool.ask(&request).await {
            Ok(told) => told,
            Err(error) if error.is("RANDOM_ID_DUPLICATE") => {
                self.watch.missed.notify_one();
                let texts: Vec<_> = items.iter().map(|(text, file)| (text, Some(file.size))).collect();
                return self.sent_before(peer, &texts).await.map_err(apart);
            }
            Err(error) => return Err(refused(self.unsent(error))),
        };
        let placed = items.iter().map(|(text, _)| {
            let (id, at) = answered(&told, text.random_id);
            let place = peer.place(id.and_then(number)?);
            Some(Sent { place, at: at.map_or_else(|| self.clock.now(), moment) })
        });
        placed
            .collect::<Option<_>>()
            .ok_or_else(|| apart(TelegramError::Protocol("the number of a file is missing".to_owned())))
    }

    /// Makes a file that was brought up one that Telegram keeps: an album is made of such ones alone.
    async fn keep(
        &self,
        peer: Peer,
        media: tl::enums::InputMedia,
    ) -> std::result::Result<tl::enums::InputMedia, SendError> {
        let failed = |error: TelegramError| SendError::NotSent(error.into_refusal(self.clock.now()));
        let peer = self.input(peer).map_err(failed)?;
        let request = tl::functions::messages::UploadMedia { business_connection_id: None, peer, media };
        let kept = self.pool.ask(&request).await.map_err(failed)?;
        let tl::enums::MessageMedia::Document(kept) = kept else { return Err(failed(not_kept())) };
        let Some(tl::enums::Document::Document(kept)) = kept.document else { return Err(failed(not_kept())) };
        let id = tl::types::InputDocument {
            id: kept.id,
            access_hash: kept.access_hash,
            file_reference: kept.file_reference,
        };
        Ok(tl::types::InputMediaDocument {
            spoiler: false,
            id: id.into(),
            video_cover: None,
            video_timestamp: None,
            ttl_seconds: None,
            query: None,
        }
        .into())
    }

    fn request(&self, text: &SendText) -> Result<tl::functions::messages::SendMessage> {
        let entities = entities_out(&text.entities);
        Ok(tl::functions::messages::SendMessage {
            no_webpage: false,
            silent: false,
            background: false,
            clear_draft: true,
            noforwards: false,
            update_stickersets_order: false,
            invert_media: false,
            allow_paid_floodskip: false,
            peer: self.input(text.chat.peer)?,
            reply_to: reply_to(text),
            message: text.text.clone(),
            random_id: text.random_id,
            reply_markup: None,
            entities: (!entities.is_empty()).then_some(entities),
            schedule_date: None,
            schedule_repeat_period: None,
            send_as: None,
            quick_reply_shortcut: None,
            effect: None,
            allow_paid_stars: None,
            suggested_post: None,
            rich_message: None,
        })
    }

    fn media_request(
        &self,
        text: &SendText,
        media: tl::enums::InputMedia,
    ) -> Result<tl::functions::messages::SendMedia> {
        let entities = entities_out(&text.entities);
        Ok(tl::functions::messages::SendMedia {
            silent: false,
            background: false,
            clear_draft: true,
            noforwards: false,
            update_stickersets_order: false,
            invert_media: false,
            allow_paid_floodskip: false,
            peer: self.input(text.chat.peer)?,
            reply_to: reply_to(text),
            media,
            message: text.text.clone(),
            random_id: text.random_id,
            reply_markup: None,
            entities: (!entities.is_empty()).then_some(entities),
            schedule_date: None,
            schedule_repeat_period: None,
            send_as: None,
            quick_reply_shortcut: None,
            effect: None,
            allow_paid_stars: None,
            suggested_post: None,
        })
    }

    /// Only a clear no says that nothing was sent.
    pub(super) fn unsent(&self, error: TelegramError) -> SendError {
        if error.is_connection()
            || error.is_server_trouble()
            || matches!(error, TelegramError::Protocol(_) | TelegramError::Unreadable(_))
        {
            SendError::Uncertain(error.trouble())
        } else {
            SendError::NotSent(error.into_refusal(self.clock.now()))
        }
    }

    /// Looks for texts, each with the size of its file, that Telegram says it already has: the latest ones of ours, and
    /// those of an album in one album.
    async fn sent_before(&self, peer: Peer, texts: &[(&SendText, Option<u64>)]) -> Result<Vec<Sent>> {
        let page = page(&self.pool, &self.book, peer, 0, 0, LOOKED_THROUGH).await?;
        let mut left: Vec<&tl::enums::Message> = page.messages.iter().collect();
        let mut found = Vec::with_capacity(texts.len());
        let mut together = None;
        // The newest come first.
        for (text, size) in texts.iter().rev() {
            let fits = |message: &&tl::enums::Message| {
                is_ours(message, text, *size) && together.is_none_or(|album| album_of(message) == album)
            };
            let at = left.iter().position(fits).ok_or_else(not_shown)?;
            let message = left.remove(at);
            together = Some(album_of(message));
            let (peer, number) = place(message).ok_or_else(not_shown)?;
            found.push(Sent { place: peer.place(number), at: moment(date(message)) });
        }
        found.reverse();
        Ok(found)
    }
}

/// Whose failing to be brought up it was.
fn of_item(at: usize, why: SendError) -> AlbumError {
    let never = matches!(&why, SendError::NotSent(ConnectorError::Permanent(_)));
    AlbumError { what: if never { AlbumTrouble::Item(at) } else { AlbumTrouble::Whole }, why }
}

fn album_of(message: &tl::enums::Message) -> Option<i64> {
    match message {
        tl::enums::Message::Message(message) => message.grouped_id,
        tl::enums::Message::Service(_) | tl::enums::Message::Empty(_) => None,
    }
}

pub(super) fn not_shown() -> TelegramError {
    TelegramError::Protocol("Telegram has the text and does not show it".to_owned())
}

fn not_kept() -> TelegramError {
    TelegramError::Protocol("a file that was brought up is not there".to_owned())
}

fn is_ours(message: &tl::enums::Message, text: &SendText, size: Option<u64>) -> bool {
    match message {
        // Telegram cuts the white space around a text, and writes names of files its own way.
        tl::enums::Message::Message(message) => {
            message.out && message.message.trim() == text.text.trim() && size_of(message.media.as_ref()) == size
        }
        tl::enums::Message::Service(_) | tl::enums::Message::Empty(_) => false,
    }
}

/// The size of a message's file.
fn size_of(media: Option<&tl::enums::MessageMedia>) -> Option<u64> {
    let Some(tl::enums::MessageMedia::Document(media)) = media else { return None };
    let Some(tl::enums::Document::Document(document)) = &media.document else { return None };
    u64::try_from(document.size).ok()
}

fn reply_to(text: &SendText) -> Option<tl::enums::InputReplyTo> {
    let ChatKey { topic, .. } = text.chat;
    // What has no topic of its own belongs to the first, which is named by leaving it out.
    let topic = topic.filter(|topic| *topic != 1).and_then(|topic| i32::try_from(topic).ok());
    let answered = text.reply_to.and_then(|number| i32::try_from(number).ok());
    let reply_to_msg_id = answered.or(topic)?;
    let reply = tl::types::InputReplyToMessage {
        reply_to_msg_id,
        top_msg_id: topic.filter(|_| answered.is_some()),
        reply_to_peer_id: None,
        quote_text: None,
        quote_entities: None,
        quote_offset: None,
        monoforum_peer_id: None,
        todo_item_id: None,
        poll_option: None,
    };
    Some(reply.into())
}

/// The number that a text got, and when.
pub(super) fn answered(told: &tl::enums::Updates, random_id: i64) -> (Option<i32>, Option<i32>) {
    let (updates, when) = match told {
        tl::enums::Updates::UpdateShortSentMessage(short) => return (Some(short.id), Some(short.date)),
        tl::enums::Updates::Updates(told) => (&told.updates, told.date),
        tl::enums::Updates::Combined(told) => (&told.updates, told.date),
        _ => return (None, None),
    };
    let id = updates.iter().find_map(|update| match update {
        tl::enums::Update::MessageId(update) if update.random_id == random_id => Some(update.id),
        _ => None,
    });
    let written = updates.iter().find_map(|update| match update {
        tl::enums::Update::NewMessage(update) => Some(&update.message),
        tl::enums::Update::NewChannelMessage(update) => Some(&update.message),
        _ => None,
    });
    (id, written.map(date).or(Some(when)))
}
