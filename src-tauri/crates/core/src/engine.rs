//! Owns every task: starts, stops and restarts them, one supervisor per account.
//!
//! A supervisor runs one attempt after another: sign in, listen, store. What an attempt ends with decides what
//! follows; a panic ends one attempt of one account and nothing else.

mod asking;
mod backoff;
mod completeness;
mod fetching;
mod housekeeping;
mod lease;
mod mailing;
mod presence;
mod quarantine;
mod requests;
mod self_test;
mod sending;
mod status;
mod supervisor;
mod tasks;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use time::OffsetDateTime;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

pub use self::{
    asking::{AskError, Older},
    backoff::Backoff,
    lease::LeaseTerms,
    mailing::MailTerms,
    presence::Presence,
    self_test::{Cause, Painted, Reached, SelfTest, Station, Stopped},
    status::AccountStatus,
    tasks::{Tasks, blocking},
};
use self::{status::Statuses, supervisor::Supervisor};
use crate::{
    clock::Clock,
    connector::{Connector, Remote},
    ingest::Ingest,
    model::{Account, AccountId, AccountState, Channel, OutgoingId, TroubleCode},
    secrets::Secrets,
    store::{Bell, LeaseToken, Store, StoreError, answered},
};

/// How long an account's tasks may take to end before they are aborted.
const STOP_DEADLINE: Duration = Duration::from_secs(10);
/// A database that has not told the accounts by then does not answer.
const READ_DEADLINE: Duration = Duration::from_secs(15);
/// How long the last statuses may take to be written.
const WRITE_DEADLINE: Duration = Duration::from_secs(5);

/// What the engine works with.
#[derive(Clone)]
pub struct EngineParts {
    /// The database.
    pub store: Store,
    /// Where secrets are.
    pub secrets: Secrets,
    /// The integrations, by network.
    pub connectors: HashMap<Channel, Arc<dyn Connector>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How long failed attempts pause.
    pub backoff: Backoff,
    /// This run, as it is written into leases.
    pub presence: Arc<Presence>,
    /// How leases are kept.
    pub terms: LeaseTerms,
    /// When mail is tried again.
    pub mail: MailTerms,
}

/// Listens to every enabled account until it is shut down.
pub struct Engine {
    shared: Arc<Shared>,
    tasks: Tasks,
    running: tokio::sync::Mutex<HashMap<AccountId, Running>>,
    /// Held while an account is stopped and started anew; true once the engine is shut down.
    ended: tokio::sync::Mutex<bool>,
}

/// What can be asked, and the lease by which the answers are stored.
type Asked = (Arc<dyn Remote>, LeaseToken);

/// What supervisors and housekeeping share.
struct Shared {
    parts: EngineParts,
    ingest: Ingest,
    statuses: Statuses,
    /// What can be asked while a listener runs, and by which lease its answers are stored.
    remotes: Mutex<HashMap<AccountId, Asked>>,
    /// Wakes the indexer.
    stored: Notify,
    /// Set once the listeners may begin.
    begun: tokio::sync::SetOnce<()>,
    /// Where parts of chats' files wait; set where small files are to be fetched as they come.
    files: tokio::sync::SetOnce<std::path::PathBuf>,
    turns: fetching::Turns,
    /// Until when a server takes no texts or no read marks of an account. Outlives the attempt in which it said so.
    limits: Mutex<HashMap<(AccountId, sending::Limited), OffsetDateTime>>,
    /// Files that are being sent.
    uploads: Mutex<HashMap<OutgoingId, Arc<sending::UnderWay>>>,
    /// Wakes the supervisor of an account that somebody let go of, or that has something to send.
    bells: Mutex<HashMap<AccountId, Arc<Notify>>>,
    /// Wakes who answers other programs' requests.
    asked: Notify,
    /// Wakes who waits for an answer.
    answered: Notify,
}

impl Shared {
    fn remote(&self, id: AccountId) -> Option<Asked> {
        self.remotes.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// The bell of one account.
    fn bell(&self, id: AccountId) -> Arc<Notify> {
        self.bells.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default().clone()
    }

    /// Wakes whoever waits for this.
    fn ring(&self, bell: Bell) {
        if matches!(bell, Bell::Asked | Bell::Lost) {
            self.asked.notify_one();
        }
        if matches!(bell, Bell::Answered | Bell::Lost) {
            self.answered.notify_waiters();
        }
        for (account, waits) in &*self.bells.lock().unwrap_or_else(PoisonError::into_inner) {
            if bell == Bell::Account(*account) || bell == Bell::Lost {
                waits.notify_one();
            }
        }
    }
}

struct Running {
    /// The account as its listener knows it.
    account: Account,
    stop: CancellationToken,
    wake: Arc<Notify>,
    tasks: Tasks,
}

impl Engine {
    /// Starts the housekeeping and a supervisor for every enabled account.
    ///
    /// # Errors
    /// The accounts could not be read; nothing is left running.
    pub async fn start(parts: EngineParts) -> Result<Self, StoreError> {
        let engine = Self::start_held(parts).await?;
        engine.begin();
        Ok(engine)
    }

    /// As [`Engine::start`], but the supervisors wait for [`Engine::begin`].
    ///
    /// # Errors
    /// The accounts could not be read; nothing is left running.
    pub async fn start_held(parts: EngineParts) -> Result<Self, StoreError> {
        let accounts = parts.store.accounts().await?;
        Ok(Self::with(parts, accounts).await)
    }

    /// Starts the housekeeping and a supervisor for one account alone, where it is enabled.
    ///
    /// # Errors
    /// The account could not be read, or does not exist; nothing is left running.
    pub async fn start_one(parts: EngineParts, id: AccountId) -> Result<Self, StoreError> {
        let account = parts.store.account(id).await?.ok_or(StoreError::NotFound("the account"))?;
        let engine = Self::with(parts, vec![account]).await;
        engine.begin();
        Ok(engine)
    }

    /// Lets the supervisors begin.
    pub fn begin(&self) {
        // A second time changes nothing.
        let _begun_before = self.shared.begun.set(());
    }

    async fn with(parts: EngineParts, accounts: Vec<Account>) -> Self {
        let shared = Arc::new(Shared {
            ingest: Ingest::new(parts.store.clone(), parts.clock.clone()),
            statuses: Statuses::default(),
            remotes: Mutex::default(),
            stored: Notify::new(),
            begun: tokio::sync::SetOnce::new(),
            files: tokio::sync::SetOnce::new(),
            turns: fetching::Turns::default(),
            limits: Mutex::default(),
            uploads: Mutex::default(),
            bells: Mutex::default(),
            asked: Notify::new(),
            answered: Notify::new(),
            parts,
        });
        let engine = Self {
            tasks: Tasks::default(),
            running: tokio::sync::Mutex::default(),
            ended: tokio::sync::Mutex::default(),
            shared,
        };
        engine.tasks.spawn("index", housekeeping::index(engine.shared.clone(), engine.tasks.stopping()));
        engine.tasks.spawn("prune", housekeeping::prune(engine.shared.clone(), engine.tasks.stopping()));
        engine.tasks.spawn("status", status::write_behind(engine.shared.clone(), engine.tasks.stopping()));
        engine.tasks.spawn("completeness", completeness::watch(engine.shared.clone(), engine.tasks.stopping()));
        engine.tasks.spawn("self-tests", self_test::sweep(engine.shared.clone(), engine.tasks.stopping()));
        engine.tasks.spawn("requests", requests::answer(engine.shared.clone(), engine.tasks.stopping()));
        engine.tasks.spawn("bells", housekeeping::bells(engine.shared.clone(), engine.tasks.stopping()));
        for account in accounts {
            engine.supervise(account).await;
        }
        engine
    }

    /// Follows a change of an account: starts, stops or restarts its listener as its row now says.
    ///
    /// # Errors
    /// The account could not be read; its listener runs on as it was.
    pub async fn reload(&self, id: AccountId) -> Result<(), StoreError> {
        // Two reloads at once would each start a listener from what they read before the other.
        let ended = self.ended.lock().await;
        if *ended {
            return Ok(());
        }
        let account = answered(READ_DEADLINE, self.shared.parts.store.account(id)).await?;
        self.stop(id).await;
        match account {
            Some(account) => self.supervise(account).await,
            None => self.shared.statuses.forget(id),
        }
        Ok(())
    }

    /// Follows accounts that another program added, changed, switched or removed. A listener whose settings are still
    /// the same runs on; one that waits for a person tries again, since the change may have been a new password.
    ///
    /// # Errors
    /// The accounts could not be read; the listeners run on as they were.
    pub async fn follow_accounts(&self) -> Result<(), StoreError> {
        let stored = answered(READ_DEADLINE, self.shared.parts.store.accounts()).await?;
        let stored: HashMap<AccountId, Account> = stored.into_iter().map(|account| (account.id, account)).collect();
        let running: HashMap<AccountId, Account> =
            self.running.lock().await.iter().map(|(id, running)| (*id, running.account.clone())).collect();
        let told: HashMap<AccountId, AccountState> =
            self.statuses().into_iter().map(|status| (status.account, status.state)).collect();
        let ids: BTreeSet<AccountId> = stored.keys().chain(running.keys()).chain(told.keys()).copied().collect();
        for id in ids {
            let same = match (stored.get(&id).filter(|account| account.enabled), running.get(&id)) {
                (Some(stored), Some(running)) => listens_alike(stored, running),
                (stored, running) => stored.is_none() && running.is_none(),
            };
            if !same || stored.contains_key(&id) != told.contains_key(&id) {
                self.reload(id).await?;
            } else if told.get(&id).is_some_and(AccountState::waits_for_person) {
                self.retry_now(id).await;
            }
        }
        Ok(())
    }

    /// Ends whatever an account waits for, so that its next attempt starts at once.
    pub async fn retry_now(&self, id: AccountId) {
        if let Some(running) = self.running.lock().await.get(&id) {
            running.wake.notify_one();
        }
    }

    /// Tries every account anew that waits because the keyring or vault could not be read.
    pub async fn retry_without_secrets(&self) {
        for status in self.statuses() {
            let waits = status.state.trouble().is_some_and(|why| why.code == TroubleCode::Secrets);
            if waits {
                self.retry_now(status.account).await;
            }
        }
    }

    /// Makes the search index anew, behind everything else. Returns how many messages wait for it.
    ///
    /// # Errors
    /// [`StoreError`]; the index stays as it was.
    pub async fn rebuild_search(&self) -> Result<i64, StoreError> {
        let waiting = self.shared.parts.store.rebuild_search().await?;
        self.shared.stored.notify_one();
        Ok(waiting)
    }

    /// Ends every connection and starts anew, as after the computer slept.
    pub async fn reconnect(&self) {
        self.shared.parts.store.connections_lost();
        let accounts: Vec<AccountId> = self.running.lock().await.keys().copied().collect();
        for account in accounts {
            if let Err(error) = self.reload(account).await {
                tracing::warn!(target: "skrynka::app", account = %account, error = %error, "Reconnecting failed");
            }
        }
    }

    /// Returns what every account's listener says of itself.
    pub fn statuses(&self) -> Vec<AccountStatus> {
        self.shared.statuses.all()
    }

    /// Changes whenever any status does.
    pub fn watch_statuses(&self) -> watch::Receiver<u64> {
        self.shared.statuses.watch()
    }

    /// Returns what can be asked of an account's other side while its listener runs.
    pub fn remote(&self, id: AccountId) -> Option<Arc<dyn Remote>> {
        self.shared.remote(id).map(|(remote, _)| remote)
    }

    /// Waits until every enabled account has caught up, waits for a person, or is listened to by another program.
    pub async fn settled(&self) {
        let mut changes = self.watch_statuses();
        let is_settled = |status: &AccountStatus| {
            matches!(
                status.state,
                AccountState::Live
                    | AccountState::NeedsSignIn { .. }
                    | AccountState::Misconfigured { .. }
                    | AccountState::Elsewhere { .. }
                    | AccountState::Stopped
            )
        };
        while !self.statuses().iter().all(is_settled) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Stops every listener, stores what they had handed over, and ends the housekeeping.
    pub async fn shutdown(&self) {
        *self.ended.lock().await = true;
        let running: Vec<Running> = self.running.lock().await.drain().map(|(_, running)| running).collect();
        for account in &running {
            account.stop.cancel();
        }
        futures_util::future::join_all(running.iter().map(|account| account.tasks.shutdown(STOP_DEADLINE))).await;
        if tokio::time::timeout(WRITE_DEADLINE, status::write_all(&self.shared)).await.is_err() {
            tracing::warn!(target: "skrynka::store", "Last statuses not written, the database does not answer");
        }
        self.tasks.shutdown(STOP_DEADLINE).await;
    }

    async fn supervise(&self, account: Account) {
        let id = account.id;
        self.shared.statuses.begin(&account, self.shared.parts.clock.now());
        if !account.enabled {
            return;
        }
        let running = Running {
            account: account.clone(),
            stop: CancellationToken::new(),
            wake: Arc::new(Notify::new()),
            tasks: Tasks::default(),
        };
        let bell = self.shared.bell(id);
        let supervisor =
            Supervisor::new(self.shared.clone(), account, running.stop.clone(), running.wake.clone(), bell);
        let (shared, stop) = (self.shared.clone(), running.stop.clone());
        running.tasks.spawn("supervise", async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = async { shared.begun.wait().await; } => supervisor.run().await,
            }
        });
        self.running.lock().await.insert(id, running);
    }

    async fn stop(&self, id: AccountId) {
        let running = self.running.lock().await.remove(&id);
        if let Some(running) = running {
            running.stop.cancel();
            running.tasks.shutdown(STOP_DEADLINE).await;
        }
    }
}

/// Tells whether two versions of an account are listened to in the same way: what it is called makes no difference, and
/// neither does whether it is muted.
fn listens_alike(one: &Account, other: &Account) -> bool {
    let Account { name, code, color, muted, .. } = other.clone();
    Account { name, code, color, muted, ..one.clone() } == *other
}
