//! Changing and deleting messages of ours.

use grammers_tl_types as tl;
use skrynka_core::model::{ChatKey, Entity, PeerKind};

use super::TelegramRemote;
use crate::{
    convert::entities_out,
    error::{Result, TelegramError},
};

impl TelegramRemote {
    pub(super) async fn edit(&self, chat: ChatKey, number: u32, text: String, entities: &[Entity]) -> Result<()> {
        let request = tl::functions::messages::EditMessage {
            no_webpage: false,
            invert_media: false,
            peer: self.input(chat.peer)?,
            id: i32::try_from(number).map_err(|_| TelegramError::Gone)?,
            message: Some(text),
            media: None,
            reply_markup: None,
            // An empty list takes away what the text had.
            entities: Some(entities_out(entities)),
            schedule_date: None,
            schedule_repeat_period: None,
            quick_reply_shortcut_id: None,
            rich_message: None,
        };
        match self.pool.ask(&request).await {
            // It says that already.
            Err(error) if error.is("MESSAGE_NOT_MODIFIED") => Ok(()),
            asked => asked.map(drop),
        }
    }

    pub(super) async fn delete(&self, chat: ChatKey, number: u32) -> Result<()> {
        let id = vec![i32::try_from(number).map_err(|_| TelegramError::Gone)?];
        if chat.peer.kind == PeerKind::Channel {
            let channel = self.book.input_channel(chat.peer.id).ok_or(TelegramError::UnknownChat)?;
            self.pool.ask(&tl::functions::channels::DeleteMessages { channel, id }).await?;
        } else {
            self.pool.ask(&tl::functions::messages::DeleteMessages { revoke: true, id }).await?;
        }
        Ok(())
    }
}
