//! What a person asks of an account's other side while its listener runs.

use std::path::{Path, PathBuf};

use super::{Engine, Shared};
use crate::{
    connector::{Batch, ConnectorError, FoundPerson, Incoming, PersonName},
    model::{
        AccountId, AttachmentId, ChatKey, ConversationId, Direction, Entity, MessageId, PeerKind, Trouble, TroubleCode,
    },
    store::StoreError,
};

/// How much is read of a chat that somebody begins.
const LATEST: u32 = 20;

/// Why something could not be asked or its answer not be stored.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// This program does not listen to the account, or is not connected just now.
    #[error("the account is not connected in this program just now")]
    NotConnected,
    /// The other side did not do it.
    #[error(transparent)]
    Remote(#[from] ConnectorError),
    /// The answer could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file could not be written beside the database.
    #[error("the file could not be written")]
    File(#[from] std::io::Error),
}

/// What came of reading a chat back in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Older {
    /// Messages that are new here.
    pub stored: usize,
    /// The lowest number that came: what is older stands before it. `None`: nothing came.
    pub first: Option<u32>,
    /// Whether the chat begins here.
    pub beginning: bool,
}

impl Engine {
    /// Reads a page of a chat's messages before the number `before` (`None`: the latest) and stores it.
    ///
    /// # Errors
    /// See [`AskError`]; what came before stays stored.
    pub async fn read_back(
        &self,
        account: AccountId,
        chat: ChatKey,
        before: Option<u32>,
        limit: u32,
    ) -> Result<Older, AskError> {
        let (remote, lease) = self.shared.remote(account).ok_or(AskError::NotConnected)?;
        let history = remote.history(chat, before, limit).await?;
        let ingested = self.shared.ingest.ingest(account, Some(lease), history.batch).await?;
        self.shared.stored.notify_one();
        Ok(Older { stored: ingested.stored, first: history.first, beginning: history.beginning })
    }

    /// Begins a chat with somebody, or finds the one that is there, with the latest of what was said in it. `None`: nobody
    /// is found by this name.
    ///
    /// # Errors
    /// See [`AskError`]; nothing has begun.
    pub async fn begin_chat(&self, account: AccountId, name: PersonName) -> Result<Option<ConversationId>, AskError> {
        let (remote, lease) = self.shared.remote(account).ok_or(AskError::NotConnected)?;
        let Some(FoundPerson { chat, peer }) = remote.find_person(name).await? else { return Ok(None) };
        let key = chat.key;
        let incoming = vec![Incoming::Peer(Box::new(peer)), Incoming::Chat(Box::new(chat))];
        self.shared.ingest.ingest(account, Some(lease), Batch { incoming, cursors: Vec::new() }).await?;
        // What was said there before this account was added here; without it the chat has begun all the same.
        if let Err(error) = self.read_back(account, key, None, LATEST).await {
            tracing::info!(target: "skrynka::telegram", account = %account, error = %crate::chain(&error), "Chat not read back");
        }
        let found = self.shared.parts.store.find_chats(account, &key.to_string()).await?;
        Ok(found.first().map(|chat| chat.conversation))
    }

    /// Changes a chat message of ours; what it says then comes by the listener's road.
    ///
    /// # Errors
    /// See [`AskError`]; the message says what it said.
    pub async fn edit_message(
        &self,
        account: AccountId,
        message: MessageId,
        text: String,
        entities: Vec<Entity>,
    ) -> Result<(), AskError> {
        let (chat, number) = self.own_message(account, message).await?;
        let (remote, _) = self.shared.remote(account).ok_or(AskError::NotConnected)?;
        Ok(remote.edit_text(chat, number, text, entities).await?)
    }

    /// Deletes a chat message of ours for everybody; it stays here, marked.
    ///
    /// # Errors
    /// See [`AskError`]; the message is where it was.
    pub async fn delete_message(&self, account: AccountId, message: MessageId) -> Result<(), AskError> {
        let (chat, number) = self.own_message(account, message).await?;
        let (remote, lease) = self.shared.remote(account).ok_or(AskError::NotConnected)?;
        remote.delete_message(chat, number).await?;
        // Telegram's answer counts what is gone and does not name it, and no news of it follows.
        let channel = (chat.peer.kind == PeerKind::Channel).then_some(chat.peer.id);
        let incoming = vec![Incoming::Deleted { channel, numbers: vec![number] }];
        self.shared.ingest.ingest(account, Some(lease), Batch { incoming, cursors: Vec::new() }).await?;
        Ok(())
    }

    async fn own_message(&self, account: AccountId, message: MessageId) -> Result<(ChatKey, u32), AskError> {
        let stored = self.shared.parts.store.message(account, message).await?;
        let chat = self.shared.parts.store.chat_reach(account, stored.conversation).await?.key;
        let place = stored.chat.filter(|_| stored.direction == Direction::Out).map(|chat| chat.place);
        let place = place.ok_or(StoreError::NotFound("a chat message of ours"))?;
        Ok((chat, place.number))
    }

    /// Fetches a chat's file unless it is here, checks its size and stores it. What came of it before the connection
    /// broke stands in `folder` and is gone on from.
    ///
    /// # Errors
    /// See [`AskError`]; what was fetched is kept for the next try.
    pub async fn fetch_file(&self, account: AccountId, id: AttachmentId, folder: &Path) -> Result<(), AskError> {
        fetch(&self.shared, account, id, folder).await
    }

    /// Fetches small files as they come from here on, up to the size that each account's owner chose; parts wait in
    /// `folder`.
    pub fn fetch_small_files(&self, folder: PathBuf) {
        // The first folder stays.
        let _set_before = self.shared.files.set(folder);
    }
}

pub(super) async fn fetch(
    shared: &Shared,
    account: AccountId,
    id: AttachmentId,
    folder: &Path,
) -> Result<(), AskError> {
    let _turn = shared.turns.take(id).await;
    let store = &shared.parts.store;
    let file = store.remote_file(account, id).await?;
    if file.sha256.is_some() {
        return Ok(());
    }
    let (remote, _) = shared.remote(account).ok_or(AskError::NotConnected)?;
    tokio::fs::create_dir_all(folder).await?;
    let path = folder.join(format!("{id}.part"));
    let mut part = tokio::fs::OpenOptions::new().create(true).append(true).open(&path).await?;
    let mut have = part.metadata().await?.len();
    if have > file.size {
        part.set_len(0).await?;
        have = 0;
    }
    if have < file.size || file.size == 0 {
        let fetched = remote.fetch_file(file.place, file.remote, have, &mut part).await?;
        part.sync_all().await?;
        if let Some(remote) = fetched.remote {
            store.set_remote(account, id, &remote).await?;
        }
    }
    let size = part.metadata().await?.len();
    if size != file.size {
        part.set_len(0).await?;
        let detail = format!("the file has {size} bytes instead of {}", file.size);
        let why = Trouble { code: TroubleCode::Protocol, detail };
        return Err(ConnectorError::Transient { why, retry_after: None }.into());
    }
    store.keep_file(account, id, &path).await?;
    Ok(tokio::fs::remove_file(&path).await?)
}
