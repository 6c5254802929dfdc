//! What a person asks of an account's other side while its listener runs.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    Asked, Engine, Shared,
    requests::{Answer, Request, ask, ask_holder},
};
use crate::{
    connector::{Batch, ConnectorError, FoundPerson, Incoming, PersonName},
    model::{
        AccountId, AttachmentId, ChatKey, ConversationId, Direction, Entity, MessageId, PeerKind, Place, Trouble,
        TroubleCode,
    },
    store::StoreError,
};

/// How much is read of a chat that somebody begins.
const LATEST: u32 = 20;

/// Why something could not be asked or its answer not be stored.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No program listens to the account, or it is not connected just now.
    #[error("the account is not connected just now")]
    NotConnected,
    /// Another program listens to the account, and it did not answer.
    #[error("{0} listens to this account and does not answer")]
    NoAnswer(String),
    /// Another program listens to the account, and it or the server said no.
    #[error("{}", .0.detail)]
    Elsewhere(Trouble),
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Older {
    /// Messages that are new here.
    pub stored: usize,
    /// The lowest number that came: what is older stands before it. `None`: nothing came.
    pub first: Option<u32>,
    /// Whether the chat begins here.
    pub beginning: bool,
}

/// What a request brings stands in the database; an answer to another request is a defect of the program that gave it.
fn unexpected() -> AskError {
    StoreError::Inconsistent("an answer to something else".to_owned()).into()
}

/// Each of these is carried out by the program that listens to the account: this one, or another one on the same
/// database.
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
        match ask(&self.shared, account, Request::ReadBack { chat, before, limit }).await? {
            Answer::Older(older) => Ok(older),
            Answer::Done | Answer::Chat(_) | Answer::Places(_) => Err(unexpected()),
        }
    }

    /// Begins a chat with somebody, or finds the one that is there, with the latest of what was said in it. `None`: nobody
    /// is found by this name.
    ///
    /// # Errors
    /// See [`AskError`]; nothing has begun.
    pub async fn begin_chat(&self, account: AccountId, name: PersonName) -> Result<Option<ConversationId>, AskError> {
        match ask(&self.shared, account, Request::BeginChat { name }).await? {
            Answer::Chat(chat) => Ok(chat),
            Answer::Done | Answer::Older(_) | Answer::Places(_) => Err(unexpected()),
        }
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
        ask(&self.shared, account, Request::EditMessage { message, text, entities }).await?;
        Ok(())
    }

    /// Deletes a chat message of ours for everybody; it stays here, marked.
    ///
    /// # Errors
    /// See [`AskError`]; the message is where it was.
    pub async fn delete_message(&self, account: AccountId, message: MessageId) -> Result<(), AskError> {
        ask(&self.shared, account, Request::DeleteMessage { message }).await?;
        Ok(())
    }

    /// Sets or clears the server's read mark of mails.
    ///
    /// # Errors
    /// See [`AskError`]; here they stay marked as they are.
    pub async fn mark_seen(&self, account: AccountId, places: Vec<Place>, seen: bool) -> Result<(), AskError> {
        ask(&self.shared, account, Request::MarkSeen { places, seen }).await?;
        Ok(())
    }

    /// Fetches a chat's file unless it is here, checks its size and stores it. What came of it before the connection
    /// broke stands in `folder` and is gone on from; another program keeps it in a folder of its own.
    ///
    /// # Errors
    /// See [`AskError`]; what was fetched is kept for the next try.
    pub async fn fetch_file(&self, account: AccountId, id: AttachmentId, folder: &Path) -> Result<(), AskError> {
        match fetch(&self.shared, account, id, folder).await {
            Err(AskError::NotConnected) => {
                ask_holder(&self.shared, account, Request::FetchFile { file: id }).await?;
                Ok(())
            }
            fetched => fetched,
        }
    }

    /// Fetches small files as they come from here on, up to the size that each account's owner chose; parts wait in
    /// `folder`.
    pub fn fetch_small_files(&self, folder: PathBuf) {
        // The first folder stays.
        let _set_before = self.shared.files.set(folder);
    }
}

pub(super) async fn read_back(
    shared: &Shared,
    account: AccountId,
    (remote, lease): &Asked,
    chat: ChatKey,
    before: Option<u32>,
    limit: u32,
) -> Result<Older, AskError> {
    let history = remote.history(chat, before, limit).await?;
    let ingested = shared.ingest.ingest(account, Some(*lease), history.batch).await?;
    shared.stored.notify_one();
    Ok(Older { stored: ingested.stored, first: history.first, beginning: history.beginning })
}

pub(super) async fn begin_chat(
    shared: &Shared,
    account: AccountId,
    asked: &Asked,
    name: PersonName,
) -> Result<Option<ConversationId>, AskError> {
    let (remote, lease) = asked;
    let Some(FoundPerson { chat, peer }) = remote.find_person(name).await? else { return Ok(None) };
    let key = chat.key;
    let incoming = vec![Incoming::Peer(Box::new(peer)), Incoming::Chat(Box::new(chat))];
    shared.ingest.ingest(account, Some(*lease), Batch { incoming, cursors: Vec::new() }).await?;
    // What was said there before this account was added here; without it the chat has begun all the same.
    if let Err(error) = read_back(shared, account, asked, key, None, LATEST).await {
        tracing::info!(target: "skrynka::telegram", account = %account, error = %crate::chain(&error), "Chat not read back");
    }
    let found = shared.parts.store.find_chats(account, &key.to_string()).await?;
    Ok(found.first().map(|chat| chat.conversation))
}

pub(super) async fn edit_message(
    shared: &Shared,
    account: AccountId,
    (remote, _): &Asked,
    message: MessageId,
    text: String,
    entities: Vec<Entity>,
) -> Result<(), AskError> {
    let (chat, number) = own_message(shared, account, message).await?;
    Ok(remote.edit_text(chat, number, text, entities).await?)
}

pub(super) async fn delete_message(
    shared: &Shared,
    account: AccountId,
    (remote, lease): &Asked,
    message: MessageId,
) -> Result<(), AskError> {
    let (chat, number) = own_message(shared, account, message).await?;
    remote.delete_message(chat, number).await?;
    // Telegram's answer counts what is gone and does not name it, and no news of it follows.
    let channel = (chat.peer.kind == PeerKind::Channel).then_some(chat.peer.id);
    let incoming = vec![Incoming::Deleted { channel, numbers: vec![number] }];
    shared.ingest.ingest(account, Some(*lease), Batch { incoming, cursors: Vec::new() }).await?;
    Ok(())
}

async fn own_message(shared: &Shared, account: AccountId, message: MessageId) -> Result<(ChatKey, u32), AskError> {
    let stored = shared.parts.store.message(account, message).await?;
    let chat = shared.parts.store.chat_reach(account, stored.conversation).await?.key;
    let place = stored.chat.filter(|_| stored.direction == Direction::Out).map(|chat| chat.place);
    let place = place.ok_or(StoreError::NotFound("a chat message of ours"))?;
    Ok((chat, place.number))
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
