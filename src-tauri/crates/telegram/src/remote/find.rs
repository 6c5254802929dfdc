//! Finding somebody to write to.

use grammers_tl_types as tl;
use skrynka_core::{
    connector::{FoundPerson, PersonName},
    model::{ChatKind, PeerKind},
};

use super::TelegramRemote;
use crate::{convert::Reader, error::Result, peers::named};

/// What Telegram says where there is nobody, or nobody who lets themselves be found so.
const NOBODY: [&str; 4] = ["USERNAME_NOT_OCCUPIED", "USERNAME_INVALID", "PHONE_NOT_OCCUPIED", "PHONE_NUMBER_INVALID"];

impl TelegramRemote {
    /// Asks by <https://core.telegram.org/method/contacts.resolveUsername> and `contacts.resolvePhone`. Bots, groups and
    /// channels are no persons.
    pub(super) async fn find(&self, name: PersonName) -> Result<Option<FoundPerson>> {
        let resolved = match &name {
            PersonName::Username(username) => {
                let username = username.clone();
                let request = tl::functions::contacts::ResolveUsername { username, referer: None };
                self.pool.ask_patiently(&request, &|_| ()).await
            }
            PersonName::Phone(phone) => {
                let phone = phone.trim_start_matches('+').to_owned();
                self.pool.ask_patiently(&tl::functions::contacts::ResolvePhone { phone }, &|_| ()).await
            }
        };
        let tl::enums::contacts::ResolvedPeer::Peer(resolved) = match resolved {
            Err(error) if NOBODY.iter().any(|word| error.is(word)) => return Ok(None),
            resolved => resolved?,
        };
        self.book.learn(&resolved.users, &resolved.chats);
        let peer = named(&resolved.peer);
        if let PersonName::Phone(phone) = &name
            && peer.kind == PeerKind::User
        {
            // Telegram tells the number of contacts only; of this one it has just confirmed it.
            self.book.renumber(peer.id, phone);
        }
        let reader = Reader { book: &self.book, me: self.me, arrived_at: self.clock.now() };
        let (chat, _) = reader.whole_chat(peer);
        let known = self.book.known(peer);
        let found = known.filter(|_| peer.kind == PeerKind::User && chat.kind == ChatKind::Private && peer != self.me);
        Ok(found.map(|peer| FoundPerson { chat, peer }))
    }
}
