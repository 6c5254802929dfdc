//! Trying again what could not be read.

use tracing::Instrument as _;

use super::{
    AskError, Engine,
    requests::{Request, ask},
};
use crate::{
    connector::{Batch, Content, Incoming, IncomingMessage, Kept},
    model::{AccountId, MessageId},
    store::{Quarantined, StoreError},
};

impl Engine {
    /// Tries once more to read a message that could not be read: from its stored bytes where they are all of it, and
    /// otherwise by asking its server again. What can be read takes its place by the ordinary road. Returns how the
    /// message stands after it; `None`: it could be read.
    ///
    /// # Errors
    /// See [`AskError`]; the message stays what it is, and a server that could not be asked counts as no try.
    pub async fn retry_quarantined(
        &self,
        account: AccountId,
        message: MessageId,
    ) -> Result<Option<Quarantined>, AskError> {
        let span = tracing::info_span!(target: "skrynka::store", "quarantine", account = %account, message = %message);
        self.retried(account, message).instrument(span).await
    }

    async fn retried(&self, account: AccountId, message: MessageId) -> Result<Option<Quarantined>, AskError> {
        let store = &self.shared.parts.store;
        let Some(kept) = store.quarantined_message(account, message).await? else { return Ok(None) };
        let reason = match self.read_again(&kept).await? {
            Some(read) => {
                let reason = match &read.content {
                    Content::Unreadable { reason, .. } => Some(reason.clone()),
                    Content::Letter(_) | Content::Chat(_) => None,
                };
                if reason.is_none() {
                    let mut incoming = vec![Incoming::Message(Box::new(read))];
                    incoming.extend(kept.gone.then(|| Incoming::Gone { place: kept.place.clone() }));
                    let lease = self.shared.remote(account).map(|(_, lease)| lease);
                    self.shared.ingest.ingest(account, lease, Batch { incoming, cursors: Vec::new() }).await?;
                    self.shared.stored.notify_one();
                }
                reason
            }
            None => {
                ask(&self.shared, account, Request::FetchAgain { places: vec![kept.place] }).await?;
                None
            }
        };
        if store.quarantined_message(account, message).await?.is_none() {
            tracing::info!(target: "skrynka::store", "Message read at last");
            return Ok(None);
        }
        store.quarantine_tried(account, message, reason.as_deref(), self.shared.parts.clock.now()).await?;
        tracing::info!(target: "skrynka::store", "Message still cannot be read");
        Ok(store.quarantined_message(account, message).await?)
    }

    /// Reads a message anew from its stored bytes. `None`: there are none, or not all, or its network is asked instead.
    async fn read_again(&self, kept: &Quarantined) -> Result<Option<IncomingMessage>, AskError> {
        let store = &self.shared.parts.store;
        if !kept.whole || kept.size == 0 {
            return Ok(None);
        }
        let account = store.account(kept.account).await?.ok_or(StoreError::NotFound("the account"))?;
        let Some(connector) = self.shared.parts.connectors.get(&account.channel) else { return Ok(None) };
        let bytes = store.raw_message(kept.account, kept.id).await?;
        let Quarantined { place, direction, received_at, arrived_at, seen, answered, .. } = kept.clone();
        let kept = Kept { place, direction, received_at, arrived_at, seen, answered, bytes };
        Ok(connector.read_again(&account, kept).await)
    }
}
