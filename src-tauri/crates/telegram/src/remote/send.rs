//! Sending a text, or a file with a text under it, so that a lost answer never sends it twice.

use grammers_tl_types as tl;
use skrynka_core::{
    connector::{SendError, SendFile, SendText, Sent},
    model::ChatKey,
};

use super::TelegramRemote;
use crate::{
    convert::{date, entities_out, moment, number, place},
    error::{Result, TelegramError},
    listen::page,
};

/// How far back a text is looked for that Telegram says it has.
const LOOKED_THROUGH: i32 = 100;

impl TelegramRemote {
    pub(super) async fn send(&self, text: SendText, file: Option<SendFile>) -> std::result::Result<Sent, SendError> {
        let failed = |error| SendError::NotSent(self.failed(error));
        let peer = text.chat.peer;
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
                return self.sent_before(&text).await.map_err(|error| SendError::Uncertain(error.trouble()));
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
    fn unsent(&self, error: TelegramError) -> SendError {
        if error.is_connection()
            || error.is_server_trouble()
            || matches!(error, TelegramError::Protocol(_) | TelegramError::Unreadable(_))
        {
            SendError::Uncertain(error.trouble())
        } else {
            SendError::NotSent(error.into_refusal(self.clock.now()))
        }
    }

    /// Looks for a text that Telegram says it already has: the latest one of ours with these words.
    async fn sent_before(&self, text: &SendText) -> Result<Sent> {
        let peer = text.chat.peer;
        let page = page(&self.pool, &self.book, peer, 0, 0, LOOKED_THROUGH).await?;
        let ours = page.messages.iter().find(|message| is_ours(message, text));
        match ours.and_then(|message| Some((place(message)?, date(message)))) {
            Some(((peer, number), date)) => Ok(Sent { place: peer.place(number), at: moment(date) }),
            None => Err(TelegramError::Protocol("Telegram has the text and does not show it".to_owned())),
        }
    }
}

fn is_ours(message: &tl::enums::Message, text: &SendText) -> bool {
    match message {
        // Telegram cuts the white space around a text.
        tl::enums::Message::Message(message) => message.out && message.message.trim() == text.text.trim(),
        tl::enums::Message::Service(_) | tl::enums::Message::Empty(_) => false,
    }
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
fn answered(told: &tl::enums::Updates, random_id: i64) -> (Option<i32>, Option<i32>) {
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
