//! What every account's listener says of itself, for the window, the command line and the last day's strip.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use time::OffsetDateTime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Shared;
use crate::{
    ingest::Ingested,
    model::{Account, AccountId, AccountState, Trouble},
    store::{Fact, FactKind, StoreError, StoredStatus},
};

/// Changes are written at most this often.
const WRITE_PAUSE: Duration = Duration::from_secs(1);
/// Unchanged states are written this often, so that the strip of the last day has no holes.
const WRITE_ANYWAY: Duration = Duration::from_secs(5 * 60);

/// What an account's listener says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountStatus {
    /// The account.
    pub account: AccountId,
    /// Its state.
    pub state: AccountState,
    /// Since when it is in this kind of state.
    pub since: OffsetDateTime,
    /// When the other side last said anything.
    pub heard_at: Option<OffsetDateTime>,
    /// When the latest message was stored by this program.
    pub last_message_at: Option<OffsetDateTime>,
    /// Milliseconds from arrival to the row, of the latest batch that arrived live.
    pub lag_ms: Option<i32>,
    /// Until when the certificate is good that the server showed last.
    pub certificate_until: Option<OffsetDateTime>,
    /// The latest failure with its time, kept after it is over.
    pub last_error: Option<(Trouble, OffsetDateTime)>,
}

impl AccountStatus {
    /// Returns how many messages are known to be missing.
    pub const fn backlog(&self) -> u64 {
        if let AccountState::CatchingUp { done, total } = &self.state { total.saturating_sub(*done) } else { 0 }
    }
}

/// All statuses, with a bell that rings when any changes.
pub(super) struct Statuses {
    all: Mutex<BTreeMap<AccountId, Entry>>,
    version: watch::Sender<u64>,
}

struct Entry {
    status: AccountStatus,
    unwritten: bool,
    /// The kind of state changed: the journal should say so.
    unannounced: bool,
    /// Whether this program is the one that listens, or did last: another one's state is not written by this one.
    ours: bool,
}

impl Default for Statuses {
    fn default() -> Self {
        Self { all: Mutex::default(), version: watch::channel(0).0 }
    }
}

impl Statuses {
    pub fn begin(&self, account: &Account, now: OffsetDateTime) {
        let state = if account.enabled { AccountState::Idle } else { AccountState::Stopped };
        let mut all = self.lock();
        let entry = all.entry(account.id).or_insert_with(|| Entry {
            status: AccountStatus {
                account: account.id,
                state: state.clone(),
                since: now,
                heard_at: None,
                last_message_at: None,
                lag_ms: None,
                certificate_until: None,
                last_error: None,
            },
            unwritten: true,
            unannounced: true,
            ours: !account.enabled,
        });
        enter(entry, state, now);
        drop(all);
        self.ring();
    }

    pub fn forget(&self, id: AccountId) {
        self.lock().remove(&id);
        self.ring();
    }

    pub fn set_state(&self, id: AccountId, state: AccountState, now: OffsetDateTime) {
        if let Some(entry) = self.lock().get_mut(&id) {
            if let Some(trouble) = state.trouble() {
                entry.status.last_error = Some((trouble.clone(), now));
            }
            enter(entry, state, now);
        }
        self.ring();
    }

    /// Notes that the other side said something. Rings no bell: the time is read when somebody looks.
    pub fn heard(&self, id: AccountId, at: OffsetDateTime) {
        if let Some(entry) = self.lock().get_mut(&id) {
            entry.status.heard_at = Some(at);
            entry.unwritten = true;
        }
    }

    pub fn heard_at(&self, id: AccountId) -> Option<OffsetDateTime> {
        self.lock().get(&id).and_then(|entry| entry.status.heard_at)
    }

    /// Notes until when the server's certificate is good. Rings no bell either.
    pub fn certificate(&self, id: AccountId, until: OffsetDateTime) {
        if let Some(entry) = self.lock().get_mut(&id) {
            entry.unwritten |= entry.status.certificate_until != Some(until);
            entry.status.certificate_until = Some(until);
        }
    }

    pub fn stored(&self, id: AccountId, ingested: Ingested, now: OffsetDateTime) {
        if ingested.stored == 0 {
            return;
        }
        if let Some(entry) = self.lock().get_mut(&id) {
            entry.status.last_message_at = Some(now);
            if entry.status.state == AccountState::Live {
                let ms = ingested.lag.map_or(0, time::Duration::whole_milliseconds).clamp(0, i32::MAX.into());
                entry.status.lag_ms = i32::try_from(ms).ok();
            }
            entry.unwritten = true;
        }
        self.ring();
    }

    pub fn state(&self, id: AccountId) -> Option<AccountState> {
        self.lock().get(&id).map(|entry| entry.status.state.clone())
    }

    pub fn all(&self) -> Vec<AccountStatus> {
        self.lock().values().map(|entry| entry.status.clone()).collect()
    }

    pub fn watch(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    fn take_unwritten(&self, everything: bool) -> Vec<(AccountStatus, bool)> {
        self.lock()
            .values_mut()
            // What the account does is said by the program that listens to it.
            .filter(|entry| entry.ours && (entry.unwritten || everything))
            .map(|entry| {
                entry.unwritten = false;
                (entry.status.clone(), std::mem::take(&mut entry.unannounced))
            })
            .collect()
    }

    /// What could not be written is written with the next round.
    fn keep_unwritten(&self, id: AccountId, announce: bool) {
        if let Some(entry) = self.lock().get_mut(&id) {
            entry.unwritten = true;
            entry.unannounced |= announce;
        }
        self.ring();
    }

    fn ring(&self) {
        self.version.send_modify(|version| *version += 1);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<AccountId, Entry>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn enter(entry: &mut Entry, state: AccountState, now: OffsetDateTime) {
    if entry.status.state == state {
        return;
    }
    entry.ours = match state {
        AccountState::Idle | AccountState::Stopped => entry.ours,
        AccountState::Elsewhere { .. } => false,
        AccountState::Connecting
        | AccountState::CatchingUp { .. }
        | AccountState::Live
        | AccountState::BackingOff { .. }
        | AccountState::NeedsSignIn { .. }
        | AccountState::Misconfigured { .. }
        | AccountState::Limited { .. } => true,
    };
    if entry.status.state.as_str() != state.as_str() {
        entry.status.since = now;
        entry.unannounced = true;
    }
    entry.status.state = state;
    entry.unwritten = true;
}

/// Writes what changed, at most once a second, until `stop`.
pub(super) async fn write_behind(shared: Arc<Shared>, stop: CancellationToken) {
    let mut changes = shared.statuses.watch();
    loop {
        let everything = tokio::select! {
            () = stop.cancelled() => return,
            changed = tokio::time::timeout(WRITE_ANYWAY, changes.changed()) => changed.is_err(),
        };
        write(&shared, everything).await;
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(WRITE_PAUSE) => {}
        }
    }
}

/// Writes every status as it stands, as the last thing before the program ends.
pub(super) async fn write_all(shared: &Shared) {
    write(shared, true).await;
}

async fn write(shared: &Shared, everything: bool) {
    for (status, announce) in shared.statuses.take_unwritten(everything) {
        let stored = StoredStatus {
            account: status.account,
            state: status.state,
            since: status.since,
            heard_at: status.heard_at,
            last_message_at: status.last_message_at,
            lag_ms: status.lag_ms,
            certificate_until: status.certificate_until,
            last_error: status.last_error,
            updated_at: shared.parts.clock.now(),
        };
        let written = async {
            let ours = shared.parts.store.write_status(&stored, shared.parts.presence.holder().id).await?;
            if announce && ours {
                let fact = Fact { kind: FactKind::AccountStateChanged, conversation: None, message: None };
                shared.parts.store.announce(stored.account, &[fact]).await?;
            }
            Ok::<_, StoreError>(())
        };
        if let Err(error) = written.await {
            shared.statuses.keep_unwritten(stored.account, announce);
            tracing::debug!(target: "skrynka::store", account = %stored.account, error = %error, "Status not written");
        }
    }
}
