//! What somebody wrote whose data was removed stays away, however it comes again: by a new listing, older history, another
//! number or folder. What they write after the removal arrives as from somebody new: the server's date decides.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashSet},
};

use time::OffsetDateTime;

use super::Work;
use crate::{
    connector::{Content, Cursor, Incoming, IncomingMessage, Letter, Salt},
    model::{Direction, Peer, PeerKind, Place},
    store::{StoreError, Tombstones},
};

/// A batch without what must stay away.
pub(super) struct Sifted<'b> {
    pub(super) incoming: Vec<&'b Incoming>,
    pub(super) cursors: Vec<Cow<'b, Cursor>>,
}

impl<'b> Sifted<'b> {
    fn all(incoming: &'b [Incoming], cursors: &'b [Cursor]) -> Self {
        Self { incoming: incoming.iter().collect(), cursors: cursors.iter().map(Cow::Borrowed).collect() }
    }
}

impl Work {
    /// Leaves out of a batch what was removed, and notes its places, so that nobody misses it.
    pub(super) async fn sift<'b>(
        &mut self,
        incoming: &'b [Incoming],
        cursors: &'b [Cursor],
    ) -> Result<Sifted<'b>, StoreError> {
        let Some(salt) = self.looked_for.forgotten.clone() else { return Ok(Sifted::all(incoming, cursors)) };
        let messages = || incoming.iter().filter_map(Incoming::message);
        let mut handles: HashSet<Vec<u8>> =
            messages().flat_map(named).map(|(kind, value)| salt.key(kind, &value)).collect();
        let users = users(incoming, cursors);
        handles.extend(users.iter().map(|user| user_key(&salt, *user)));
        let mails: Vec<Vec<u8>> = messages().flat_map(|message| mail_keys(&salt, message)).collect();
        let places: Vec<&Place> = messages().map(|message| &message.place).collect();
        let found = self.tx.tombstones(&salt, &handles.into_iter().collect::<Vec<_>>(), &mails, &places).await?;
        if found.handles.is_empty() && found.mails.is_empty() && found.places.is_empty() {
            return Ok(Sifted::all(incoming, cursors));
        }
        let own: HashSet<String> = self.tx.own_addresses().await?.into_iter().collect();
        let judge = Judge { salt: &salt, found: &found, own: &own };
        let mut left_out: Vec<&Place> = Vec::new();
        let mut kept: Vec<&Incoming> = Vec::with_capacity(incoming.len());
        for one in incoming {
            if let Incoming::Message(message) = one
                && judge.stays_away(message)
            {
                left_out.push(&message.place);
            } else {
                kept.push(one);
            }
        }
        // Who is met again only by name is not brought back by that.
        let away: Vec<Peer> =
            users.into_iter().filter(|user| found.handles.contains_key(&user_key(&salt, *user))).collect();
        let mut back = self.tx.users_with_chats(&away).await?;
        back.extend(kept.iter().flat_map(|one| writers(one)));
        let is_away = |peer: &Peer| away.contains(peer) && !back.contains(peer);
        kept.retain(|one| !matches!(one, Incoming::Peer(known) if is_away(&known.peer)));
        // How far their chats were read is kept under a name that says nothing, or each connection would read them anew.
        let cursors = cursors.iter().map(|cursor| match cursor.mailbox.parse::<Peer>() {
            Ok(peer) if is_away(&peer) => {
                Cow::Owned(Cursor { mailbox: salt.cursor(&cursor.mailbox), state: cursor.state.clone() })
            }
            _ => Cow::Borrowed(cursor),
        });
        if !left_out.is_empty() {
            tracing::info!(
                target: "skrynka::store", account = %self.tx.account(), messages = left_out.len(),
                "Messages of somebody whose data was removed left out"
            );
            left_out.retain(|place| !place.is_outbox());
            self.tx.note_left_out(&salt, &left_out).await?;
        }
        Ok(Sifted { incoming: kept, cursors: cursors.collect() })
    }
}

/// What decides over a message.
struct Judge<'j> {
    salt: &'j Salt,
    found: &'j Tombstones,
    own: &'j HashSet<String>,
}

impl Judge<'_> {
    fn stays_away(&self, message: &IncomingMessage) -> bool {
        if self.found.places.contains(&message.place) {
            return true;
        }
        match &message.content {
            Content::Letter(letter) => self.is_known(message) || self.is_theirs(message, letter),
            Content::Unreadable { .. } => self.is_known(message) || self.by_user(message),
            Content::Chat(_) => self.by_user(message),
        }
    }

    fn is_known(&self, message: &IncomingMessage) -> bool {
        mail_keys(self.salt, message).iter().any(|key| self.found.mails.contains(key))
    }

    fn was(&self, kind: &str, value: &str, at: OffsetDateTime) -> bool {
        self.found.handles.get(&self.salt.key(kind, value)).is_some_and(|forgotten| is_before(at, *forgotten))
    }

    fn by_user(&self, message: &IncomingMessage) -> bool {
        named(message).any(|(kind, value)| self.was(kind, &value, message.received_at))
    }

    /// As `Store::theirs` has it for what is stored.
    fn is_theirs(&self, message: &IncomingMessage, letter: &Letter) -> bool {
        let is = |address: &str| self.was("email", &address.to_lowercase(), message.received_at);
        let ours = |address: &str| self.own.contains(&address.to_lowercase());
        if is(&letter.author.address) {
            return true;
        }
        if message.direction == Direction::In && letter.reply_to.first().is_some_and(|to| is(&to.address)) {
            return true;
        }
        let mut to = letter.to.iter().chain(&letter.cc).map(|to| to.address.as_str());
        (message.direction == Direction::Out || ours(&letter.author.address))
            && to.clone().any(is)
            && to.all(|address| is(address) || ours(address))
    }
}

/// Whether something was there before its sender's data was removed. Telegram and mailboxes tell whole seconds: what was
/// sent in the very second of the removal counts as sent after it, since nothing new may be lost.
pub(crate) fn is_before(at: OffsetDateTime, forgotten: OffsetDateTime) -> bool {
    let whole_second = at.nanosecond() == 0;
    at < if whole_second { forgotten.replace_nanosecond(0).unwrap_or(forgotten) } else { forgotten }
}

/// The handles in a message that may make it somebody's.
fn named(message: &IncomingMessage) -> impl Iterator<Item = (&'static str, String)> + '_ {
    let user = |peer: &Peer| (peer.kind == PeerKind::User).then(|| ("telegram_id", peer.id.to_string()));
    let (mut addresses, mut users) = (Vec::new(), Vec::new());
    match &message.content {
        Content::Letter(letter) => {
            let every = std::iter::once(&letter.author).chain(&letter.reply_to).chain(&letter.to).chain(&letter.cc);
            addresses.extend(every.map(|one| ("email", one.address.to_lowercase())));
        }
        Content::Chat(chat) => {
            users.extend(user(&chat.chat.key.peer));
            users.extend(chat.author.as_ref().and_then(|author| user(&author.peer)));
        }
        Content::Unreadable { .. } => users.extend(message.place.mailbox.parse().ok().as_ref().and_then(user)),
    }
    addresses.into_iter().chain(users)
}

fn mail_keys(salt: &Salt, message: &IncomingMessage) -> Vec<Vec<u8>> {
    let id = match &message.content {
        Content::Letter(letter) => letter.message_id.as_ref().map(|id| salt.key("id", id)),
        Content::Chat(_) => return Vec::new(),
        Content::Unreadable { .. } => None,
    };
    let content = || {
        let hex: String = message.raw.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        salt.key("content", &hex)
    };
    id.into_iter().chain((message.raw.size > 0).then(content)).collect()
}

fn user_key(salt: &Salt, user: Peer) -> Vec<u8> {
    salt.key("telegram_id", &user.id.to_string())
}

/// Users of whom something is told beside messages.
fn users(incoming: &[Incoming], cursors: &[Cursor]) -> BTreeSet<Peer> {
    let known = incoming.iter().filter_map(|incoming| match incoming {
        Incoming::Peer(known) => Some(known.peer),
        Incoming::Message(_)
        | Incoming::Marks { .. }
        | Incoming::Gone { .. }
        | Incoming::Deleted { .. }
        | Incoming::Reactions { .. }
        | Incoming::ReadInbox { .. }
        | Incoming::ReadOutbox { .. }
        | Incoming::Chat(_)
        | Incoming::Sent { .. }
        | Incoming::Delivered(_) => None,
    });
    let boxes = cursors.iter().filter_map(|cursor| cursor.mailbox.parse::<Peer>().ok());
    known.chain(boxes).filter(|peer| peer.kind == PeerKind::User).collect()
}

/// Whose chat begins with this, or who wrote it.
fn writers(incoming: &Incoming) -> Vec<Peer> {
    match incoming {
        Incoming::Message(message) => match &message.content {
            Content::Chat(chat) => {
                let author = chat.author.as_ref().map(|author| author.peer);
                std::iter::once(chat.chat.key.peer).chain(author).collect()
            }
            Content::Letter(_) => Vec::new(),
            Content::Unreadable { .. } => message.place.mailbox.parse().into_iter().collect(),
        },
        Incoming::Chat(chat) => vec![chat.key.peer],
        Incoming::Marks { .. }
        | Incoming::Gone { .. }
        | Incoming::Deleted { .. }
        | Incoming::Reactions { .. }
        | Incoming::ReadInbox { .. }
        | Incoming::ReadOutbox { .. }
        | Incoming::Peer(_)
        | Incoming::Sent { .. }
        | Incoming::Delivered(_) => Vec::new(),
    }
}
