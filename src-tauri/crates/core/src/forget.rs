//! Removal of a person's data on request (GDPR, article 17): looked at first, then carried out in steps that each end
//! soon, so that it can be stopped and goes on after a kill.

use tokio_util::sync::CancellationToken;

use crate::{
    fault,
    store::{Identity, Removal, Store, StoreError},
};

/// Messages that are taken away in one transaction.
const STEP: usize = 500;

/// How far a removal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Messages taken away.
    pub done: u64,
    /// Of so many.
    pub total: u64,
}

/// Why a removal did not come to its end. What was taken away stays so, and the rest follows by itself.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// Somebody wanted it to stop.
    #[error("stopped; what is left is removed once Skrynka runs again")]
    Stopped,
    /// Another program carries out a removal at this moment; this one follows.
    #[error("another program is removing a person's data at this moment; this removal follows by itself")]
    Busy,
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Removes what is stored of somebody. Returns how many messages went, or lost what they said.
///
/// From the first moment on nothing of theirs comes back, whatever becomes of the rest.
///
/// # Errors
/// See [`ForgetError`].
pub async fn forget(
    store: &Store,
    identity: &Identity,
    progress: &(dyn Fn(Progress) + Send + Sync),
    stop: &CancellationToken,
) -> Result<u64, ForgetError> {
    let begun = store.begin_forgetting(identity).await?;
    tracing::info!(target: "skrynka::store", removal = %begun.id, "Removal of a person's data begins");
    let turn = store.forget_turn().await?.ok_or(ForgetError::Busy)?;
    let removed = carry_out(store, &begun, progress, stop).await;
    drop(turn);
    removed
}

/// Goes on with removals that were interrupted. Returns how many came to their end.
///
/// # Errors
/// See [`ForgetError`].
pub async fn go_on(store: &Store, stop: &CancellationToken) -> Result<usize, ForgetError> {
    if store.open_removals().await?.is_empty() {
        return Ok(0);
    }
    let Some(turn) = store.forget_turn().await? else { return Ok(0) };
    let mut ended = 0;
    // Looked at again: whoever had the turn may have ended them.
    for removal in store.open_removals().await? {
        carry_out(store, &removal, &|_| {}, stop).await?;
        ended += 1;
    }
    drop(turn);
    Ok(ended)
}

async fn carry_out(
    store: &Store,
    removal: &Removal,
    progress: &(dyn Fn(Progress) + Send + Sync),
    stop: &CancellationToken,
) -> Result<u64, ForgetError> {
    let accounts = store.every_account().await?;
    let mut work = Vec::with_capacity(accounts.len());
    for (account, channel) in accounts {
        work.push((account, channel, store.theirs(account, channel, &removal.identity, removal.forgotten_at).await?));
    }
    let total = work.iter().map(|(_, _, theirs)| theirs.len() as u64).sum();
    let mut done = 0;
    progress(Progress { done, total });
    for (account, channel, mut theirs) in work {
        // What was being stored when the removal began is found by the second look.
        while !theirs.is_empty() {
            for part in theirs.chunks(STEP) {
                if stop.is_cancelled() {
                    return Err(ForgetError::Stopped);
                }
                store.forget_messages(account, removal, part).await?;
                fault::point("forgotten_some");
                done += part.len() as u64;
                progress(Progress { done: done.min(total), total });
            }
            theirs = store.theirs(account, channel, &removal.identity, removal.forgotten_at).await?;
        }
        store.forget_remains(account, removal).await?;
        fault::point("forgotten_remains");
    }
    store.finish_forgetting(removal).await?;
    tracing::info!(target: "skrynka::store", removal = %removal.id, messages = done, "Removal of a person's data ended");
    Ok(done)
}
