//! The end of the listener's road: batches with the cursors that follow them.

use std::collections::VecDeque;

use skrynka_core::connector::{Batch, IncomingSender};
use tokio::sync::oneshot;

use crate::error::{Result, TelegramError};

/// Batches that may wait for their commit before the next is handed over.
const UNCOMMITTED: usize = 16;

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

    /// Hands over a batch, once there is room.
    pub(crate) async fn send(&mut self, batch: Batch) -> Result<()> {
        if batch.incoming.is_empty() && batch.cursors.is_empty() {
            return Ok(());
        }
        while self.uncommitted.len() >= UNCOMMITTED {
            self.first().await?;
        }
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
        if let Some(stored) = self.uncommitted.pop_front() {
            stored.await.map_err(|_| TelegramError::StoreClosed)?;
        }
        Ok(())
    }
}
