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
    connector::{Delivery, Holding, IncomingSender, Looked, Remote},
    model::{AccountId, AccountState, Place},
    store::{Completeness, CompletenessSum},
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

/// Fetches what was missing when an account was last compared, and compares again.
pub(super) async fn fetch_missing(shared: &Shared, account: AccountId, asked: &Asked) -> Result<(), AskError> {
    let folders = shared.parts.store.completeness(Some(account)).await?;
    let places: Vec<Place> = folders.iter().flat_map(Completeness::places).collect();
    if !places.is_empty() {
        let span = tracing::info_span!(target: "skrynka::app", "completeness", account = %account);
        fetch_again(shared, account, asked, places).instrument(span).await?;
    }
    check(shared, account, asked).await
}

/// Reads messages once more and stores what comes.
pub(super) async fn fetch_again(
    shared: &Shared,
    account: AccountId,
    (remote, lease): &Asked,
    places: Vec<Place>,
) -> Result<(), AskError> {
    let (inbox, mut deliveries, _status) = IncomingSender::channel(WAITING);
    // An error closes the way on which more would come.
    let keep = async move {
        while let Some(Delivery { batch, stored }) = deliveries.recv().await {
            shared.ingest.ingest(account, Some(*lease), batch).await?;
            shared.stored.notify_one();
            // Whoever fetches may have ended with an error meanwhile.
            let _nobody_waits = stored.send(());
        }
        Ok::<_, AskError>(())
    };
    let (fetched, kept) = tokio::join!(remote.fetch_again(places, inbox), keep);
    kept?;
    Ok(fetched?)
}

/// Compares every live account in its turn.
pub(super) async fn watch(shared: Arc<Shared>, stop: CancellationToken) {
    let mut due: HashMap<AccountId, Instant> = HashMap::new();
    let mut asked_for: HashMap<AccountId, Instant> = HashMap::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let statuses = shared.statuses.all();
        let is_live = |id: AccountId| statuses.iter().any(|one| one.account == id && one.state == AccountState::Live);
        due.retain(|id, _| is_live(*id));
        for account in statuses.iter().map(|status| status.account).filter(|id| is_live(*id)) {
            let is_due = asked_for.get(&account).is_none_or(|asked| asked.elapsed() >= EVERY);
            if let Some((remote, _)) = shared.remote(account).filter(|_| is_due) {
                asked_for.insert(account, Instant::now());
                let _ended_with_the_program = stop.run_until_cancelled(note_standing(&shared, account, &*remote)).await;
            }
        }
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

/// Asks for an account's room, and counts its connections.
async fn note_standing(shared: &Shared, account: AccountId, remote: &dyn Remote) {
    let quota = match remote.quota().await {
        Ok(quota) => quota,
        Err(error) => {
            tracing::info!(target: "skrynka::app", account = %account, error = %error, "Quota not told");
            None
        }
    };
    if let Err(error) = shared.parts.store.note_standing(account, quota, remote.connections()).await {
        tracing::warn!(target: "skrynka::store", account = %account, error = %crate::chain(&error), "Standing not noted");
    }
}

pub(super) async fn check(shared: &Shared, account: AccountId, asked: &Asked) -> Result<(), AskError> {
    checked(shared, account, asked)
        .instrument(tracing::info_span!(target: "skrynka::app", "completeness", account = %account))
        .await
}

async fn checked(shared: &Shared, account: AccountId, (remote, _): &Asked) -> Result<(), AskError> {
    let store = &shared.parts.store;
    let before = store.completeness(Some(account)).await?;
    let whole = before
        .iter()
        .filter(|folder| folder.compared)
        .map(|folder| (folder.mailbox.clone(), folder.whole_to))
        .collect();
    let holdings = remote.holdings(store.cursors(account).await?, whole).await?;
    let mut folders = compare(shared, account, &holdings, &before).await?;
    if folders.iter().any(|folder| folder.missing > 0) {
        tokio::time::sleep(SETTLE).await;
        folders = compare(shared, account, &holdings, &before).await?;
    }
    store.keep_completeness(account, &folders).await?;
    let CompletenessSum { folders, held, missing, .. } = CompletenessSum::of(&folders);
    if missing == 0 {
        tracing::info!(target: "skrynka::app", folders, held, "Completeness checked");
    } else {
        tracing::warn!(target: "skrynka::app", folders, held, missing, "Messages are missing");
    }
    Ok(())
}

async fn compare(
    shared: &Shared,
    account: AccountId,
    holdings: &[Holding],
    before: &[Completeness],
) -> Result<Vec<Completeness>, AskError> {
    let checked_at = shared.parts.clock.now();
    let mut folders = Vec::with_capacity(holdings.len());
    for Holding { mailbox, epoch, name, numbers, looked } in holdings {
        let known = before.iter().find(|folder| folder.mailbox == *mailbox && folder.epoch == *epoch);
        match (looked, known) {
            (Looked::NotNow, Some(known)) => {
                folders.push(known.clone());
                continue;
            }
            // That it is there and nothing is known of it is told as well.
            (Looked::NotNow, None) => {
                folders.push(Completeness {
                    account,
                    mailbox: mailbox.clone(),
                    epoch: *epoch,
                    name: name.clone(),
                    compared: false,
                    checked_at,
                    held: 0,
                    missing: 0,
                    numbers: Vec::new(),
                    whole_to: 0,
                });
                continue;
            }
            // Nothing has come since everything was there.
            (Looked::Above(_), Some(known)) if known.compared && numbers.is_empty() && known.missing == 0 => {
                folders.push(Completeness { name: name.clone(), checked_at, ..known.clone() });
                continue;
            }
            (Looked::Above(_) | Looked::Whole, _) => {}
        }
        let stored = shared.parts.store.stored_numbers(account, mailbox, *epoch).await?;
        let Compared { gap, whole_to } = judge(numbers, *looked, &stored, known);
        // The chat of somebody whose data was removed has no row that names them.
        if gap.missing == 0 && shared.parts.store.is_forgotten_chat(account, mailbox).await? {
            continue;
        }
        let Gap { held, missing, newest, .. } = gap;
        folders.push(Completeness {
            account,
            mailbox: mailbox.clone(),
            epoch: *epoch,
            name: name.clone(),
            compared: true,
            checked_at,
            held,
            missing,
            numbers: newest,
            whole_to,
        });
    }
    Ok(folders)
}

/// How a folder stands, and up to which number nothing of it is missing.
struct Compared {
    gap: Gap,
    whole_to: u32,
}

fn judge(numbers: &[RangeInclusive<u32>], looked: Looked, stored: &[u32], known: Option<&Completeness>) -> Compared {
    let Looked::Above(low) = looked else {
        let gap = gap(numbers, stored);
        return Compared { whole_to: 0, gap };
    };
    let oldest = stored.first().copied().unwrap_or(0).max(low.saturating_add(1));
    let claimed: Vec<_> = numbers
        .iter()
        .filter(|range| *range.end() >= oldest)
        .map(|range| *range.start().max(&oldest)..=*range.end())
        .collect();
    let mut gap = gap(&claimed, stored);
    // What was missing below, and was not looked at this time, still is unless it has come.
    let still = known.iter().flat_map(|known| &known.numbers).filter(|number| **number <= low);
    for number in still.filter(|number| stored.binary_search(number).is_err()) {
        gap.held += 1;
        gap.miss(*number, *number);
    }
    let up_to_now = numbers.last().map_or(low, |range| *range.end()).max(known.map_or(0, |known| known.whole_to));
    Compared { whole_to: gap.lowest.map_or(up_to_now, |lowest| lowest.saturating_sub(1)), gap }
}

/// What of some ranges is not among ascending numbers.
#[derive(Debug, PartialEq, Eq, Default)]
struct Gap {
    held: u64,
    missing: u64,
    newest: Vec<u32>,
    lowest: Option<u32>,
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
        self.lowest = Some(low);
        let room = MOST_NUMBERS - self.newest.len();
        self.newest.extend((low..=high).rev().take(room));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ranges: &[RangeInclusive<u32>], stored: &[u32]) -> (u64, u64, Vec<u32>) {
        let Gap { held, missing, newest, .. } = gap(ranges, stored);
        (held, missing, newest)
    }

    fn known(missing: &[u32], whole_to: u32) -> Completeness {
        Completeness {
            account: AccountId(uuid::Uuid::nil()),
            mailbox: String::new(),
            epoch: 0,
            name: String::new(),
            compared: true,
            checked_at: time::OffsetDateTime::UNIX_EPOCH,
            held: 0,
            missing: missing.len() as u64,
            numbers: missing.to_vec(),
            whole_to,
        }
    }

    #[test]
    fn a_stretch_is_compared_down_to_where_it_was_whole_and_to_what_was_ever_fetched() {
        let judged = |numbers: &[RangeInclusive<u32>], low, stored: &[u32], known: Option<&Completeness>| {
            let Compared { gap, whole_to } = judge(numbers, Looked::Above(low), stored, known);
            (gap.held, gap.newest, whole_to)
        };
        // What is older than the oldest that is stored was never fetched.
        assert_eq!(judged(&[3..=4, 7..=7, 9..=9], 0, &[4, 9], None), (3, vec![7], 6));
        // Nothing is stored of a chat that has something to hold.
        assert_eq!(judged(&[3..=4], 0, &[], None), (2, vec![4, 3], 2));
        assert_eq!(judged(&[12..=14], 10, &[4, 12, 13, 14], Some(&known(&[], 10))), (3, vec![], 14));
        // A gap that a long stretch above it hides is still one, until it is closed.
        let gap = known(&[6, 5], 4);
        assert_eq!(judged(&[21..=22], 20, &[4, 6, 21, 22], Some(&gap)), (3, vec![5], 4));
        assert_eq!(judged(&[21..=22], 20, &[4, 5, 6, 21, 22], Some(&gap)), (2, vec![], 22));
        // What was deleted there is looked for no more.
        assert_eq!(judged(&[8..=8], 4, &[4, 8], Some(&gap)), (1, vec![], 8));
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
