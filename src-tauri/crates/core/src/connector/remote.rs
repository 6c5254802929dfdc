//! What can be asked of the other side while the listener runs.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use time::OffsetDateTime;
use tokio::io::AsyncWrite;

use super::{Batch, ConnectorError};
use crate::model::{ChatKey, Entity, Place, Trouble, TroubleCode};

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

/// A file to be sent.
#[derive(Clone)]
pub struct SendFile {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub mime: String,
    /// Its size in bytes.
    pub size: u64,
    /// Where its bytes are.
    pub source: Arc<dyn FileSource>,
}

/// The bytes of a file that goes out.
pub trait FileSource: Send + Sync {
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
