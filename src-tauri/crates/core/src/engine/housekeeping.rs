//! What happens behind the road: the search index, pruning.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::Shared;
use crate::{
    forget,
    store::{Bell, StoreError},
};

/// Rows of the queue indexed in one transaction, each of at most 100 messages.
const INDEX_BATCH: i64 = 10;
/// So many messages in one transaction mean that many more wait: then two transactions run at once.
const INDEX_MANY: u64 = 200;
/// Filling the index takes as much of the machine as storing does: it begins once nothing was stored for this long …
const INDEX_AFTER: Duration = Duration::from_millis(300);
/// … or when storing has gone on for so long that somebody may want to search.
const INDEX_AT_LAST: Duration = Duration::from_secs(30);
/// Characters of a message that are indexed.
const INDEX_TEXT: i32 = 200_000;
/// So few that their words fit into a tsvector (1 MiB) whatever they are.
const INDEX_LITTLE: i32 = 10_000;
/// The queue is looked at this often even when nothing was stored here: another program may have stored.
const INDEX_ANYWAY: Duration = Duration::from_secs(30);
/// The pause after the database failed.
const PAUSE: Duration = Duration::from_secs(5);
/// How often old facts are pruned.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);
/// Facts are kept this long; who is further behind takes a new snapshot.
const KEEP_FACTS: time::Duration = time::Duration::days(3);

/// Makes stored messages searchable, right behind ingest.
pub(super) async fn index(shared: Arc<Shared>, stop: CancellationToken) {
    let mut caught_up = true;
    let mut many = false;
    loop {
        let indexed = if many {
            futures_util::try_join!(index_some(&shared), index_some(&shared)).map(|(one, other)| one + other)
        } else {
            index_some(&shared).await
        };
        many = matches!(indexed, Ok(INDEX_MANY..));
        let pause = match indexed {
            Ok(1..) => {
                caught_up = false;
                Duration::ZERO
            }
            Ok(0) => {
                if !std::mem::replace(&mut caught_up, true) {
                    tracing::debug!(target: "skrynka::store", "Search index caught up");
                }
                INDEX_ANYWAY
            }
            Err(error) => {
                tracing::warn!(target: "skrynka::store", error = %error, "Search index not filled");
                PAUSE
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = shared.stored.notified(), if pause == INDEX_ANYWAY => {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = quiet(&shared) => {}
                }
            }
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Makes waiting messages searchable and returns how many.
async fn index_some(shared: &Shared) -> Result<u64, StoreError> {
    let store = &shared.parts.store;
    let indexed = match store.index_messages(INDEX_BATCH, INDEX_TEXT).await {
        // A message among them has more words than a tsvector holds: it must not keep the others waiting, nor cut many
        // of them short.
        Err(StoreError::Refused(_)) => store.index_messages(1, INDEX_LITTLE).await,
        indexed => indexed,
    };
    Ok(indexed?.messages)
}

/// Waits until nothing has been stored for a moment.
async fn quiet(shared: &Shared) {
    let at_last = tokio::time::Instant::now() + INDEX_AT_LAST;
    while tokio::time::timeout(INDEX_AFTER, shared.stored.notified()).await.is_ok() || shared.ingest.is_storing() {
        if tokio::time::Instant::now() >= at_last {
            return;
        }
    }
}

/// Rings where another program did what somebody here waits for. Hints can be lost with a connection; who waits looks by
/// itself, too.
pub(super) async fn bells(shared: Arc<Shared>, stop: CancellationToken) {
    let listen = async {
        loop {
            let heard: Result<(), StoreError> = async {
                let mut bells = shared.parts.store.bells().await?;
                shared.ring(Bell::Lost);
                loop {
                    shared.ring(bells.wait().await?);
                }
            }
            .await;
            if let Err(error) = heard {
                tracing::debug!(target: "skrynka::store", error = %error, "Bells not heard");
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = listen => {}
    }
}

/// Removes facts, quarters and requests that nobody needs any more, and ends removals of people that were interrupted.
pub(super) async fn prune(shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        if let Err(error) = forget::go_on(&shared.parts.store, &stop).await {
            tracing::warn!(target: "skrynka::store", error = %crate::chain(&error), "Removal of a person's data not ended");
        }
        let before = shared.parts.clock.now() - KEEP_FACTS;
        let pruned = async {
            let facts = shared.parts.store.prune_journal(before).await?;
            shared.parts.store.prune_history().await?;
            shared.parts.store.prune_blobs().await?;
            shared.parts.store.prune_requests().await?;
            shared.parts.store.prune_outages().await?;
            Ok::<_, StoreError>(facts)
        };
        match pruned.await {
            Ok(0) => {}
            Ok(facts) => tracing::debug!(target: "skrynka::store", facts, "Journal pruned"),
            Err(error) => tracing::warn!(target: "skrynka::store", error = %error, "Journal not pruned"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PRUNE_EVERY) => {}
        }
    }
}
