//! The end of the listener's road: batches with the cursors that follow them.

use std::collections::VecDeque;

use skrynka_core::connector::{Batch, IncomingSender};
use tokio::sync::oneshot;

use crate::error::{Result, TelegramError};

/// Batches that may wait for their commit before the next is handed over: one that is being written and one behind it.
const UNCOMMITTED: usize = 2;

/// Hands over batches in order.
#[derive(Debug)]
pub(crate) struct HandOver {
    inbox: IncomingSender,
    uncommitted: VecDeque<oneshot::Receiver<()>>,
}

impl HandOver {
    pub(crate) const fn new(inbox: IncomingSender) -> Self {
        Self { inbox, uncommitted: VecDeque::new() }
    }

    /// Whether the store is so far behind that gathering more costs nobody time.
    pub(crate) fn is_busy(&self) -> bool {
        self.uncommitted.len() >= UNCOMMITTED
    }

    /// Waits until a batch can be handed over without waiting. May be cancelled.
    pub(crate) async fn room(&mut self) -> Result<()> {
        while self.is_busy() {
            self.first().await?;
        }
        Ok(())
    }

    /// Hands over a batch, once there is room.
    pub(crate) async fn send(&mut self, batch: Batch) -> Result<()> {
        if batch.incoming.is_empty() && batch.cursors.is_empty() {
            return Ok(());
        }
        self.room().await?;
        let stored = self.inbox.send(batch).await.map_err(|_| TelegramError::StoreClosed)?;
        self.uncommitted.push_back(stored);
        Ok(())
    }

    /// Waits until everything is committed.
    pub(crate) async fn settle(&mut self) -> Result<()> {
        while !self.uncommitted.is_empty() {
            self.first().await?;
        }
        Ok(())
    }

    async fn first(&mut self) -> Result<()> {
        if let Some(stored) = self.uncommitted.front_mut() {
            let stored = stored.await;
            self.uncommitted.pop_front();
            stored.map_err(|_| TelegramError::StoreClosed)?;
        }
        Ok(())
    }
}
