//! What can be asked of the other side while the listener runs.

use std::{collections::BTreeMap, ops::RangeInclusive, sync::Arc};

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::io::AsyncWrite;

use super::{Batch, Chat, ConnectorError, Cursor, IncomingSender, KnownPeer};
use crate::model::{ChatKey, Entity, Place, Trouble, TroubleCode, VoiceNote};

/// What can be asked of the other side while the listener runs. What a network does not offer answers so.
pub trait Remote: Send + Sync {
    /// Sets or clears the server's read mark of mails. Called only where the owner has allowed it.
    fn mark_seen(&self, places: Vec<Place>, seen: bool) -> BoxFuture<'_, Result<(), ConnectorError>> {
        let _not_used = (places, seen);
        Box::pin(async { Err(not_offered("marking a message read")) })
    }

    /// Marks everything in a chat read on the server, up to and including the message with this number. Called only
    /// where the owner has allowed it.
    fn mark_read(&self, chat: ChatKey, up_to: u32) -> BoxFuture<'_, Result<(), ConnectorError>> {
        let _not_used = (chat, up_to);
        Box::pin(async { Err(not_offered("marking a chat read")) })
    }

    /// Sends a text, or a file with a text under it. The message itself comes by the listener's road as every other one.
    ///
    /// The same `random_id` again is the same message again: a server that has accepted it answers where it stands.
    fn send_text(&self, text: SendText, file: Option<SendFile>) -> BoxFuture<'_, Result<Sent, SendError>> {
        let _not_used = (text, file);
        Box::pin(async { Err(SendError::NotSent(not_offered("sending a text"))) })
    }

    /// Sends files together as one album, each with its text under it: two to ten of one chat.
    ///
    /// The same `random_id`s again are the same messages again, together or one by one.
    fn send_album(&self, items: Vec<(SendText, SendFile)>) -> BoxFuture<'_, Result<Vec<Sent>, AlbumError>> {
        let _not_used = items;
        Box::pin(async {
            Err(AlbumError { what: AlbumTrouble::Apart, why: SendError::NotSent(not_offered("sending an album")) })
        })
    }

    /// Passes messages of one chat on to another, together and in order, each as it is: 1 to 100, all from one chat to one.
    ///
    /// The same `random_id`s again are the same messages again.
    fn forward(&self, items: Vec<ForwardMessage>) -> BoxFuture<'_, Result<Vec<Sent>, AlbumError>> {
        let _not_used = items;
        Box::pin(async {
            Err(AlbumError { what: AlbumTrouble::Whole, why: SendError::NotSent(not_offered("passing messages on")) })
        })
    }

    /// Changes a message of ours. What it says then comes by the listener's road.
    fn edit_text(
        &self,
        chat: ChatKey,
        number: u32,
        text: String,
        entities: Vec<Entity>,
    ) -> BoxFuture<'_, Result<(), ConnectorError>> {
        let _not_used = (chat, number, text, entities);
        Box::pin(async { Err(not_offered("changing a message")) })
    }

    /// Deletes a message of ours for everybody. The engine notes that it is gone.
    fn delete_message(&self, chat: ChatKey, number: u32) -> BoxFuture<'_, Result<(), ConnectorError>> {
        let _not_used = (chat, number);
        Box::pin(async { Err(not_offered("deleting a message")) })
    }

    /// Writes a message's file into `sink` from byte `offset` on and flushes it. `remote` is what the connector handed
    /// over with it. When this fails, what was written is good, and another call goes on from there.
    fn fetch_file<'a>(
        &'a self,
        place: Place,
        remote: serde_json::Value,
        offset: u64,
        sink: &'a mut (dyn AsyncWrite + Send + Unpin),
    ) -> BoxFuture<'a, Result<Fetched, ConnectorError>> {
        let _not_used = (place, remote, offset, sink);
        Box::pin(async { Err(not_offered("fetching a file")) })
    }

    /// Finds somebody by username or phone number, to write to them. `None`: there is nobody, or nobody who may be
    /// found so. What is returned is stored before the chat is begun.
    fn find_person(&self, name: PersonName) -> BoxFuture<'_, Result<Option<FoundPerson>, ConnectorError>> {
        let _not_used = name;
        Box::pin(async { Err(not_offered("finding a person")) })
    }

    /// Reads a chat's messages back in time: those before the number `before` (`None`: the latest), at most `limit`.
    /// The engine stores what is returned.
    fn history(
        &self,
        chat: ChatKey,
        before: Option<u32>,
        limit: u32,
    ) -> BoxFuture<'_, Result<History, ConnectorError>> {
        let _not_used = (chat, before, limit);
        Box::pin(async { Err(not_offered("reading history")) })
    }

    /// Asks what the other side holds of what belongs here, folder by folder, with little traffic. `cursors` are the
    /// stored ones: what has yet to be read for the first time is left out. `whole` says for each mailbox up to which
    /// number nothing was missing before.
    fn holdings(
        &self,
        cursors: Vec<Cursor>,
        whole: BTreeMap<String, u32>,
    ) -> BoxFuture<'_, Result<Vec<Holding>, ConnectorError>> {
        let _not_used = (cursors, whole);
        Box::pin(async { Err(not_offered("telling what it holds")) })
    }

    /// The chat of the account with itself. What is returned is stored before anything is sent there.
    fn own_chat(&self) -> BoxFuture<'_, Result<FoundPerson, ConnectorError>> {
        Box::pin(async { Err(not_offered("a chat with oneself")) })
    }

    /// Takes a self-test off the server: every message that this account sent to itself under `mark`, and nothing else.
    /// Returns the folder or chat of each, as a person calls it.
    fn remove_self_test(&self, mark: String) -> BoxFuture<'_, Result<Vec<String>, ConnectorError>> {
        let _not_used = mark;
        Box::pin(async { Err(not_offered("taking a self-test away")) })
    }

    /// Asks how much room the account has and how much of it is taken. `None`: the server has no such limit, or tells
    /// none.
    fn quota(&self) -> BoxFuture<'_, Result<Option<Quota>, ConnectorError>> {
        Box::pin(async { Ok(None) })
    }

    /// How many connections of this program to the account's server are open. Does no I/O. `None`: they are not counted.
    fn connections(&self) -> Option<u32> {
        None
    }

    /// Reads these messages once more and hands them over. Those that are gone are passed over.
    fn fetch_again(&self, places: Vec<Place>, inbox: IncomingSender) -> BoxFuture<'_, Result<(), ConnectorError>> {
        let _not_used = (places, inbox);
        Box::pin(async { Err(not_offered("reading messages again")) })
    }
}

/// How much room an account has on its server, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How much is taken.
    pub used: u64,
    /// How much there is in all.
    pub limit: u64,
}

/// What the other side says that one of its folders holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The folder, as in [`Place::mailbox`].
    pub mailbox: String,
    /// As in [`Place::epoch`].
    pub epoch: u32,
    /// What a person calls it.
    pub name: String,
    /// The numbers of its messages, as in [`Place::number`]: ascending ranges that do not touch.
    pub numbers: Vec<RangeInclusive<u32>>,
    /// How much of it was looked at.
    pub looked: Looked,
}

/// How much of a folder was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// At everything that belongs here.
    Whole,
    /// At what stands above this number. What is older than the oldest stored message was never fetched and is not
    /// missing.
    Above(u32),
    /// Not at all this time: what was found before still stands.
    NotNow,
}

/// What somebody can be found by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonName {
    /// A username without `@`.
    Username(String),
    /// A phone number in E.164.
    Phone(String),
}

impl PersonName {
    /// Reads `@name`, `t.me/name`, `https://t.me/name` or a phone number as people write it. `None`: it is neither.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let link = text.trim_start_matches("https://").trim_start_matches("http://");
        let name = text.strip_prefix('@').or_else(|| link.strip_prefix("t.me/")).unwrap_or(text).trim_end_matches('/');
        // https://core.telegram.org/api/usernames: 4 to 32 of these, the first a letter.
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if (4..=32).contains(&name.len())
            && name.chars().all(fits)
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
        {
            return Some(Self::Username(name.to_owned()));
        }
        let between = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '-' | '.' | '\u{a0}');
        let number = text.strip_prefix('+').or_else(|| text.strip_prefix("00"))?;
        let digits: String = number.chars().filter(|c| !between(*c)).collect();
        // E.164 section 6.2: at most 15 digits.
        ((7..=15).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit()))
            .then(|| Self::Phone(format!("+{digits}")))
    }
}

/// Somebody who was found.
#[derive(Debug)]
pub struct FoundPerson {
    /// The chat with them.
    pub chat: Chat,
    /// Who they are.
    pub peer: KnownPeer,
}

/// A text to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendText {
    /// Where to.
    pub chat: ChatKey,
    /// What it says.
    pub text: String,
    /// How stretches of it are shown.
    pub entities: Vec<Entity>,
    /// The number of the message it answers.
    pub reply_to: Option<u32>,
    /// What tells the server that a second try is the same message; stored before the first.
    pub random_id: i64,
}

/// A message to be passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardMessage {
    /// Where to.
    pub to: ChatKey,
    /// Where it stands.
    pub from: Place,
    /// Without its author's name.
    pub nameless: bool,
    /// What tells the server that a second try is the same message; stored before the first.
    pub random_id: i64,
}

/// A file to be sent.
#[derive(Clone)]
pub struct SendFile {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub mime: String,
    /// Its size in bytes.
    pub size: u64,
    /// A voice, OGG with Opus, that is played in the chat.
    pub voice: Option<VoiceNote>,
    /// Where its bytes are.
    pub source: Arc<dyn FileSource>,
}

/// The bytes of a file that goes out.
pub trait FileSource: Send + Sync {
    /// Fails once somebody has given the file up.
    ///
    /// # Errors
    /// That it is not to be sent.
    fn wanted(&self) -> Result<(), ConnectorError> {
        Ok(())
    }

    /// Reads the piece with this number, counted from 0; each but the last has 1 MiB.
    ///
    /// # Errors
    /// The bytes are not there, or somebody has given up sending them.
    fn piece(&self, number: u32) -> BoxFuture<'_, Result<Vec<u8>, ConnectorError>>;
}

/// What became of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Where the message stands.
    pub place: Place,
    /// When the server accepted it.
    pub at: OffsetDateTime,
}

/// Why a text is not known to have been sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The server has certainly not accepted it.
    #[error(transparent)]
    NotSent(#[from] ConnectorError),
    /// The answer was lost: the server may have accepted it. Trying again with the same `random_id` is safe.
    #[error("{}", .0.detail)]
    Uncertain(Trouble),
}

/// Why an album is not known to have been sent.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct AlbumError {
    /// What it concerns.
    pub what: AlbumTrouble,
    /// Why.
    pub why: SendError,
}

/// What keeps an album from being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlbumTrouble {
    /// One item, which can never go: the others may go without it.
    Item(usize),
    /// Nothing in it: it may go later as it is.
    Whole,
    /// Its items being together, or what became of some is not known: each has to go, or be found, by itself.
    Apart,
}

/// A file that was fetched to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// What to fetch it by the next time, where that has changed.
    pub remote: Option<serde_json::Value>,
}

/// A page of a chat's past.
#[derive(Debug, Default)]
pub struct History {
    /// What to store; without cursors.
    pub batch: Batch,
    /// The lowest number among them: the next page stands before it. `None`: nothing came.
    pub first: Option<u32>,
    /// Whether the chat begins here.
    pub beginning: bool,
}

/// The answer of a connector that does not offer what was asked.
pub fn not_offered(what: &str) -> ConnectorError {
    ConnectorError::Permanent(Trouble { code: TroubleCode::NotOffered, detail: format!("{what} is not offered here") })
}

#[cfg(test)]
mod tests {
    use super::PersonName;

    #[test]
    fn a_person_is_named_by_username_or_phone() {
        let username = |name: &str| Some(PersonName::Username(name.to_owned()));
        let phone = |number: &str| Some(PersonName::Phone(number.to_owned()));
        for (written, read) in [
            ("@olena_v", username("olena_v")),
            (" olena_v ", username("olena_v")),
            ("t.me/Olena", username("Olena")),
            ("https://t.me/Olena/", username("Olena")),
            ("+380 (44) 123-45-67", phone("+380441234567")),
            ("00380441234567", phone("+380441234567")),
            ("+48 600 700 800", phone("+48600700800")),
            ("@ol", None),
            ("1olena", None),
            ("Олена", None),
            ("olena v", None),
            ("t.me/+AbCdEf", None),
            ("0441234567", None),
            ("+12", None),
            ("+1234567890123456", None),
            ("+380x441234567", None),
            ("", None),
        ] {
            assert_eq!(PersonName::read(written), read, "{written:?}");
        }
    }
}
