//! Messages to oneself, in the chat that Telegram calls "Saved Messages".

use grammers_tl_types as tl;
use skrynka_core::connector::FoundPerson;

use super::{PAGE, TelegramRemote};
use crate::{
    connector::whoami,
    convert::{Reader, place},
    error::{Result, TelegramError},
    listen::page,
};

impl TelegramRemote {
    pub(super) async fn myself(&self) -> Result<FoundPerson> {
        let me = whoami(&self.pool).await?;
        self.book.learn(&[me.into()], &[]);
        let reader = Reader { book: &self.book, me: self.me, arrived_at: self.clock.now() };
        let (chat, _) = reader.whole_chat(self.me);
        let peer = self.book.known(self.me).ok_or(TelegramError::UnknownChat)?;
        Ok(FoundPerson { chat, peer })
    }

    /// Deletes the messages to oneself whose text holds `mark`, for every device.
    pub(super) async fn remove_marked(&self, mark: &str) -> Result<Vec<String>> {
        let limit = i32::try_from(PAGE).unwrap_or(100);
        let page = page(&self.pool, &self.book, self.me, 0, 0, limit).await?;
        let is_marked = |message: &&tl::enums::Message| match message {
            tl::enums::Message::Message(message) => message.message.contains(mark),
            tl::enums::Message::Service(_) | tl::enums::Message::Empty(_) => false,
        };
        let numbers: Vec<u32> = page.messages.iter().filter(is_marked).filter_map(|m| Some(place(m)?.1)).collect();
        for number in &numbers {
            self.delete(self.me.into(), *number).await?;
        }
        let name = self.book.name(self.me).unwrap_or_else(|| self.me.to_string());
        Ok(vec![name; numbers.len()])
    }
}
