//! Small files of chats are fetched as they come, up to the size that the account's owner chose.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{AskError, Shared, asking};
use crate::{
    connector::ConnectorError,
    model::{Account, AttachmentId},
};

/// Files looked up at a time.
const PAGE: i64 = 50;

/// Who fetches which file: two at once would write into one another's part.
#[derive(Default)]
pub(super) struct Turns(Mutex<HashMap<AttachmentId, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits until nobody else fetches this file.
    pub(super) async fn take(&self, id: AttachmentId) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            turns.entry(id).or_default().clone()
        };
        turn.lock_owned().await
    }
}

/// Fetches what is small, the newest first, whenever something has arrived, until the listener has ended.
pub(super) async fn run(shared: &Shared, account: &Account, arrived: &Notify, ended: &CancellationToken) {
    let limit = account.telegram.as_ref().map_or(0, |telegram| telegram.file_limit);
    if limit == 0 {
        return;
    }
    let work = async {
        let folder = shared.files.wait().await;
        let mut failed = BTreeSet::new();
        loop {
            fetch_all(shared, account, limit, folder, &mut failed).await;
            arrived.notified().await;
        }
    };
    tokio::select! {
        () = ended.cancelled() => {}
        () = work => {}
    }
}

async fn fetch_all(shared: &Shared, account: &Account, limit: u64, folder: &Path, failed: &mut BTreeSet<AttachmentId>) {
    loop {
        let skipped: Vec<AttachmentId> = failed.iter().copied().collect();
        let found = match shared.parts.store.unfetched_files(account.id, limit, &skipped, PAGE).await {
            Ok(found) if found.is_empty() => return,
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(target: "skrynka::store", error = %crate::chain(&error), "Files not looked up");
                return;
            }
        };
        for id in found {
            match asking::fetch(shared, account.id, id, folder).await {
                Ok(()) => tracing::debug!(target: "skrynka::telegram", file = %id, "File fetched"),
                Err(AskError::NotConnected) => return,
                Err(AskError::Remote(ConnectorError::Limited { until, .. })) => {
                    let pause = until - shared.parts.clock.now();
                    tokio::time::sleep(pause.try_into().unwrap_or_default()).await;
                }
                // It is tried again when somebody opens it, or with the next connection.
                Err(error) => {
                    failed.insert(id);
                    tracing::warn!(
                        target: "skrynka::telegram", file = %id, error = %crate::chain(&error), "File not fetched"
                    );
                }
            }
        }
    }
}
