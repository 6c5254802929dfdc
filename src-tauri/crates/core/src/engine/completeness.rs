//! Whether everything that the other sides hold is stored: compared on a schedule and whenever somebody asks.

use std::{collections::HashMap, ops::RangeInclusive, sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{
    AskError, Asked, Engine, Shared,
    requests::{Request, ask},
};
use crate::{
    connector::{Delivery, Holding, IncomingSender},
    model::{AccountId, AccountState, Place},
    store::Completeness,
};

/// An account is compared once it has been live for so long …
const FIRST_AFTER: Duration = Duration::from_secs(600);
/// … and then this often.
const EVERY: Duration = Duration::from_secs(3600);
/// How often it is looked whether one is due.
const LOOK: Duration = Duration::from_secs(30);
/// What arrived just now is on its way into the database: what seems to be missing is looked for once more after this.
const SETTLE: Duration = Duration::from_secs(3);
/// Numbers of missing messages that are kept of one folder.
const MOST_NUMBERS: usize = 1000;
/// Batches that wait to be stored while missing messages are fetched.
const WAITING: usize = 2;

impl Engine {
    /// Compares what the other side of an account holds with what is stored, folder by folder, and keeps the outcome.
    ///
    /// # Errors
    /// See [`AskError`]; what was known before is kept.
    pub async fn check_completeness(&self, account: AccountId) -> Result<Vec<Completeness>, AskError> {
        ask(&self.shared, account, Request::CheckCompleteness).await?;
        // As the database has it: its clock is coarser.
        Ok(self.shared.parts.store.completeness(Some(account)).await?)
    }

    /// Fetches what was missing when an account was last compared, and compares again.
    ///
    /// # Errors
    /// See [`AskError`]; what came before stays stored.
    pub async fn fetch_missing(&self, account: AccountId) -> Result<Vec<Completeness>, AskError> {
        ask(&self.shared, account, Request::FetchMissing).await?;
        Ok(self.shared.parts.store.completeness(Some(account)).await?)
    }
}

pub(super) async fn fetch_missing(shared: &Shared, account: AccountId, asked: &Asked) -> Result<(), AskError> {
    let (remote, lease) = asked;
    let folders = shared.parts.store.completeness(Some(account)).await?;
    let places: Vec<Place> = folders.iter().flat_map(Completeness::places).collect();
    if !places.is_empty() {
        let (inbox, mut deliveries, _status) = IncomingSender::channel(WAITING);
        let span = tracing::info_span!(target: "skrynka::app", "completeness", account = %account);
        let fetch = remote.fetch_again(places, inbox).instrument(span);
        let keep = async {
            while let Some(Delivery { batch, stored }) = deliveries.recv().await {
                shared.ingest.ingest(account, Some(*lease), batch).await?;
                shared.stored.notify_one();
                // Whoever fetches may have ended with an error meanwhile.
                let _nobody_waits = stored.send(());
            }
            Ok::<_, AskError>(())
        };
        let (fetched, kept) = tokio::join!(fetch, keep);
        kept?;
        fetched?;
    }
    check(shared, account, asked).await
}

/// Compares every live account in its turn.
pub(super) async fn watch(shared: Arc<Shared>, stop: CancellationToken) {
    let mut due: HashMap<AccountId, Instant> = HashMap::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let statuses = shared.statuses.all();
        let is_live = |id: AccountId| statuses.iter().any(|one| one.account == id && one.state == AccountState::Live);
        due.retain(|id, _| is_live(*id));
        for status in statuses.iter().filter(|status| status.state == AccountState::Live) {
            due.entry(status.account).or_insert_with(|| Instant::now() + FIRST_AFTER);
        }
        let now = Instant::now();
        let Some(account) = due.iter().find(|(_, at)| **at <= now).map(|(id, _)| *id) else { continue };
        due.insert(account, now + EVERY);
        let Some(asked) = shared.remote(account) else { continue };
        let checked = stop.run_until_cancelled(check(&shared, account, &asked)).await;
        if let Some(Err(error)) = checked {
            tracing::info!(target: "skrynka::app", account = %account, error = %crate::chain(&error), "Completeness not checked");
        }
    }
}

pub(super) async fn check(shared: &Shared, account: AccountId, asked: &Asked) -> Result<(), AskError> {
    checked(shared, account, asked)
        .instrument(tracing::info_span!(target: "skrynka::app", "completeness", account = %account))
        .await
}

async fn checked(shared: &Shared, account: AccountId, (remote, _): &Asked) -> Result<(), AskError> {
    let store = &shared.parts.store;
    let holdings = remote.holdings(store.cursors(account).await?).await?;
    let mut folders = compare(shared, account, &holdings).await?;
    if folders.iter().any(|folder| folder.missing > 0) {
        tokio::time::sleep(SETTLE).await;
        folders = compare(shared, account, &holdings).await?;
    }
    store.keep_completeness(account, &folders).await?;
    let (held, missing) = folders.iter().fold((0, 0), |(held, missing), one| (held + one.held, missing + one.missing));
    if missing == 0 {
        tracing::info!(target: "skrynka::app", folders = folders.len(), held, "Completeness checked");
    } else {
        tracing::warn!(target: "skrynka::app", folders = folders.len(), held, missing, "Messages are missing");
    }
    Ok(())
}

async fn compare(shared: &Shared, account: AccountId, holdings: &[Holding]) -> Result<Vec<Completeness>, AskError> {
    let checked_at = shared.parts.clock.now();
    let mut folders = Vec::with_capacity(holdings.len());
    for Holding { mailbox, epoch, name, numbers } in holdings {
        let stored = shared.parts.store.stored_numbers(account, mailbox, *epoch).await?;
        let (mailbox, name) = (mailbox.clone(), name.clone());
        let Gap { held, missing, newest } = gap(numbers, &stored);
        folders.push(Completeness {
            account,
            mailbox,
            epoch: *epoch,
            name,
            checked_at,
            held,
            missing,
            numbers: newest,
        });
    }
    Ok(folders)
}

/// What of some ranges is not among ascending numbers.
#[derive(Debug, PartialEq, Eq, Default)]
struct Gap {
    held: u64,
    missing: u64,
    newest: Vec<u32>,
}

/// A range costs nothing by its length, whatever a server claims to hold.
fn gap(ranges: &[RangeInclusive<u32>], stored: &[u32]) -> Gap {
    let mut found = Gap::default();
    for range in ranges.iter().rev() {
        let (low, high) = (*range.start(), *range.end());
        let inside = &stored[stored.partition_point(|n| *n < low)..stored.partition_point(|n| *n <= high)];
        found.held += u64::from(high - low) + 1;
        let mut above = Some(high);
        for number in inside.iter().rev() {
            let Some(top) = above else { break };
            if let Some(low) = number.checked_add(1) {
                found.miss(low, top);
            }
            above = number.checked_sub(1).filter(|next| *next >= low);
        }
        if let Some(top) = above {
            found.miss(low, top);
        }
    }
    found
}

impl Gap {
    fn miss(&mut self, low: u32, high: u32) {
        if low > high {
            return;
        }
        self.missing += u64::from(high - low) + 1;
        let room = MOST_NUMBERS - self.newest.len();
        self.newest.extend((low..=high).rev().take(room));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ranges: &[RangeInclusive<u32>], stored: &[u32]) -> (u64, u64, Vec<u32>) {
        let Gap { held, missing, newest } = gap(ranges, stored);
        (held, missing, newest)
    }

    #[test]
    fn what_is_not_stored_is_named_newest_first() {
        assert_eq!(of(&[], &[1, 2]), (0, 0, vec![]));
        assert_eq!(of(&[1..=5], &[1, 2, 3, 4, 5]), (5, 0, vec![]));
        assert_eq!(of(&[1..=5], &[]), (5, 5, vec![5, 4, 3, 2, 1]));
        assert_eq!(of(&[1..=5, 8..=9, 12..=12], &[0, 2, 3, 7, 9, 10, 12]), (8, 4, vec![8, 5, 4, 1]));
        assert_eq!(of(&[0..=0, 3..=3], &[0]), (2, 1, vec![3]));
        assert_eq!(of(&[u32::MAX..=u32::MAX], &[u32::MAX]), (1, 0, vec![]));
    }

    #[test]
    fn a_range_without_end_costs_nothing_and_names_a_limited_number() {
        let (held, missing, newest) = of(&[1..=u32::MAX], &[7, u32::MAX]);
        assert_eq!((held, missing, newest.len()), (u64::from(u32::MAX), u64::from(u32::MAX) - 2, MOST_NUMBERS));
        assert_eq!(newest[..2], [u32::MAX - 1, u32::MAX - 2]);
    }
}
