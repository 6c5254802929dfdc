//! Passing messages on as they are, so that a lost answer never sends them twice.

use grammers_tl_types as tl;
use skrynka_core::{
    connector::{AlbumError, AlbumTrouble, ConnectorError, ForwardMessage, SendError, Sent},
    model::Peer,
};

use super::{
    TelegramRemote,
    send::{LOOKED_THROUGH, answered, not_shown},
};
use crate::{
    convert::{date, moment, number, place},
    error::{Result, TelegramError},
    listen::page,
};

impl TelegramRemote {
    /// Passes messages of one chat on to another one in one request: Telegram takes all of them or none.
    pub(super) async fn pass_on(&self, items: Vec<ForwardMessage>) -> std::result::Result<Vec<Sent>, AlbumError> {
        let whole = |why| AlbumError { what: AlbumTrouble::Whole, why };
        // What is refused together may be taken one by one.
        let refused = |why: SendError| match &why {
            SendError::NotSent(ConnectorError::Permanent(_)) if items.len() > 1 => {
                AlbumError { what: AlbumTrouble::Apart, why }
            }
            SendError::NotSent(_) | SendError::Uncertain(_) => whole(why),
        };
        let Some(first) = items.first() else { return Ok(Vec::new()) };
        let request =
            self.forward_request(first, &items).map_err(|error| whole(SendError::NotSent(self.failed(error))))?;
        let told = match self.pool.ask(&request).await {
            Ok(told) => told,
            Err(error) if error.is("RANDOM_ID_DUPLICATE") => {
                // The news of the messages went down with the first answer.
                self.watch.missed.notify_one();
                let found = self.passed_before(first, &items).await;
                return found.map_err(|error| whole(SendError::Uncertain(error.trouble())));
            }
            Err(error) => return Err(refused(self.unsent(error))),
        };
        let placed = items.iter().map(|item| {
            let (id, at) = answered(&told, item.random_id);
            let place = item.to.peer.place(id.and_then(number)?);
            Some(Sent { place, at: at.map_or_else(|| self.clock.now(), moment) })
        });
        placed.collect::<Option<_>>().ok_or_else(|| {
            let why = TelegramError::Protocol("the number of a message is missing".to_owned()).trouble();
            whole(SendError::Uncertain(why))
        })
    }

    fn forward_request(
        &self,
        first: &ForwardMessage,
        items: &[ForwardMessage],
    ) -> Result<tl::functions::messages::ForwardMessages> {
        // What has no topic of its own belongs to the first, which is named by leaving it out.
        let topic = first.to.topic.filter(|topic| *topic != 1).and_then(|topic| i32::try_from(topic).ok());
        Ok(tl::functions::messages::ForwardMessages {
            silent: false,
            background: false,
            with_my_score: false,
            drop_author: first.nameless,
            drop_media_captions: false,
            noforwards: false,
            allow_paid_floodskip: false,
            from_ephemeral: false,
            from_peer: self.input(origin(first)?)?,
            id: items.iter().filter_map(|item| i32::try_from(item.from.number).ok()).collect(),
            random_id: items.iter().map(|item| item.random_id).collect(),
            to_peer: self.input(first.to.peer)?,
            top_msg_id: topic,
            reply_to: None,
            schedule_date: None,
            schedule_repeat_period: None,
            send_as: None,
            quick_reply_shortcut: None,
            effect: None,
            video_timestamp: None,
            allow_paid_stars: None,
            suggested_post: None,
        })
    }

    /// Looks for messages that Telegram says it has passed on: the latest of ours there that say and hold the same.
    async fn passed_before(&self, first: &ForwardMessage, items: &[ForwardMessage]) -> Result<Vec<Sent>> {
        let numbers: Vec<u32> = items.iter().map(|item| item.from.number).collect();
        let originals = self.by_number(origin(first)?, &numbers).await?;
        let page = page(&self.pool, &self.book, first.to.peer, 0, 0, LOOKED_THROUGH).await?;
        let mut left: Vec<&tl::enums::Message> = page.messages.iter().collect();
        let mut found = Vec::with_capacity(items.len());
        // The newest come first.
        for item in items.iter().rev() {
            let original =
                originals.iter().find(|one| place(one).is_some_and(|(_, number)| number == item.from.number));
            let original = original.ok_or_else(not_shown)?;
            let at = left.iter().position(|one| is_of(one, original, item.nameless)).ok_or_else(not_shown)?;
            let message = left.remove(at);
            let (peer, number) = place(message).ok_or_else(not_shown)?;
            found.push(Sent { place: peer.place(number), at: moment(date(message)) });
        }
        found.reverse();
        Ok(found)
    }
}

/// The chat that a message stands in.
fn origin(item: &ForwardMessage) -> Result<Peer> {
    item.from.mailbox.parse().map_err(|_| TelegramError::UnknownChat)
}

/// Whether a message of ours passes `original` on.
fn is_of(message: &tl::enums::Message, original: &tl::enums::Message, nameless: bool) -> bool {
    let (tl::enums::Message::Message(message), tl::enums::Message::Message(original)) = (message, original) else {
        return false;
    };
    message.out
        && message.fwd_from.is_some() != nameless
        && message.message == original.message
        && file_of(message.media.as_ref()) == file_of(original.media.as_ref())
}

/// The number of a message's photo or document, which stays the same wherever it is passed on to.
fn file_of(media: Option<&tl::enums::MessageMedia>) -> Option<i64> {
    if let Some(tl::enums::MessageMedia::Photo(media)) = media {
        media.photo.as_ref().map(tl::enums::Photo::id)
    } else if let Some(tl::enums::MessageMedia::Document(media)) = media {
        media.document.as_ref().map(tl::enums::Document::id)
    } else {
        None
    }
}
