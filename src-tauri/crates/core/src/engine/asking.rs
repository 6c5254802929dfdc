//! What a person asks of an account's other side while its listener runs.

use crate::{
    connector::ConnectorError,
    model::{AccountId, ChatKey},
    store::StoreError,
};

use super::Engine;

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
}
