//! One account's life: attempt after attempt, until it is stopped.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt as _;
use time::OffsetDateTime;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{Shared, tasks::panic_text};
use crate::{
    connector::{Batch, ConnectorError, Delivery, Incoming, IncomingSender, ListenerStatus, Resume},
    fault,
    ingest::Ingested,
    model::{Account, AccountState, Channel, Trouble, TroubleCode},
    store::StoreError,
};

/// Batches that may wait between a listener and the database; more slow the listener down.
const QUEUE: usize = 4;
/// A database that has not stored a batch by then does not answer.
const STORE_DEADLINE: Duration = Duration::from_secs(180);
/// An attempt that was live this long counts as a success: the next failure pauses briefly again.
const PROVED: Duration = Duration::from_secs(60);
/// Batches up to this size are logged message by message.
const NAMED: usize = 3;

/// Supervises one account.
pub(super) struct Supervisor {
    shared: Arc<Shared>,
    account: Account,
    stop: CancellationToken,
    wake: Arc<Notify>,
    /// The database was away when the last attempt ended: it is ours and comes back soon. A full disk does not.
    database_away: AtomicBool,
}

/// What follows an attempt.
enum Next {
    /// Wait until then, or until somebody asks.
    Until(OffsetDateTime),
    /// Wait until somebody asks.
    Asked,
    /// End.
    Stop,
}

impl Supervisor {
    pub fn new(shared: Arc<Shared>, account: Account, stop: CancellationToken, wake: Arc<Notify>) -> Self {
        Self { shared, account, stop, wake, database_away: AtomicBool::new(false) }
    }

    pub async fn run(self) {
        let span = tracing::info_span!(target: "skrynka::app", "supervise", account = %self.account.id);
        self.attempts().instrument(span).await;
    }

    async fn attempts(self) {
        let mut failures = 0;
        while !self.stop.is_cancelled() {
            self.set(AccountState::Connecting);
            let started = tokio::time::Instant::now();
            let attempt = AssertUnwindSafe(self.attempt()).catch_unwind().await;
            self.shared.remotes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&self.account.id);
            let (ended, progressed) = attempt.unwrap_or_else(|panic| (Err(panicked(panic.as_ref())), false));
            if progressed || started.elapsed() >= PROVED {
                failures = 0;
            }
            failures += 1;
            match self.after(ended, failures) {
                Next::Stop => break,
                Next::Until(moment) => self.pause(Some(moment)).await,
                Next::Asked => self.pause(None).await,
            }
        }
        self.set(AccountState::Stopped);
    }

    /// Signs in, listens and stores until the connection ends. Tells whether anything was stored.
    async fn attempt(&self) -> (Result<(), ConnectorError>, bool) {
        let parts = &self.shared.parts;
        let opened = async {
            let cursors = parts.store.cursors(self.account.id).await.map_err(|error| self.store_failed(error))?;
            let connector = parts.connectors.get(&self.account.channel).ok_or_else(|| {
                ConnectorError::Misconfigured(Trouble {
                    code: TroubleCode::Settings,
                    detail: format!("this program has no integration for {}", self.account.channel.as_str()),
                })
            })?;
            connector.open(&self.account, Resume { cursors }, parts.secrets.clone()).await
        };
        let (listener, remote) = tokio::select! {
            () = self.stop.cancelled() => return (Ok(()), false),
            opened = opened => match opened {
                Ok(halves) => halves,
                Err(error) => return (Err(error), false),
            },
        };
        self.shared.remotes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(self.account.id, remote);
        let (sender, deliveries, status) = IncomingSender::channel(QUEUE);
        let stop = self.stop.child_token();
        // The listener's end closes the queue; what it had handed over by then is stored all the same.
        let listen = listener.run(sender, stop.clone());
        let store = self.store(deliveries, stop);
        let follow = self.follow(status);
        let (listened, (stored, progressed), ()) = futures_util::future::join3(listen, store, follow).await;
        (stored.and(listened), progressed)
    }

    /// Stores what is handed over, batch by batch, and acknowledges what is committed.
    async fn store(
        &self,
        mut deliveries: mpsc::Receiver<Delivery>,
        stop: CancellationToken,
    ) -> (Result<(), ConnectorError>, bool) {
        let mut progressed = false;
        while let Some(Delivery { batch, stored }) = deliveries.recv().await {
            fault::point("handed_over");
            let started = tokio::time::Instant::now();
            let named = named(&batch);
            let ingest = tokio::time::timeout(STORE_DEADLINE, self.shared.ingest.ingest(self.account.id, batch));
            match ingest.await.unwrap_or_else(|_| Err(StoreError::no_answer())) {
                Ok(ingested) => {
                    progressed |= ingested.stored > 0;
                    self.log_stored(ingested, &named, started.elapsed());
                    self.shared.statuses.stored(self.account.id, ingested, self.shared.parts.clock.now());
                    self.shared.stored.notify_one();
                    // A listener that does not wait for the acknowledgement has dropped its end.
                    let _unawaited = stored.send(());
                    fault::point("acknowledged");
                }
                Err(error) => {
                    tracing::error!(target: "skrynka::store", error = %crate::chain(&error), "Batch not stored");
                    // Later batches may not be stored before this one: the listener resumes from the stored cursor.
                    stop.cancel();
                    drop(deliveries);
                    return (Err(self.store_failed(error)), progressed);
                }
            }
        }
        (Ok(()), progressed)
    }

    /// Brings what the listener says of itself to the statuses, until the listener ends.
    async fn follow(&self, mut status: watch::Receiver<ListenerStatus>) {
        while status.changed().await.is_ok() {
            let said = status.borrow_and_update().clone();
            self.set(said.state);
            if let Some(at) = said.heard_at {
                self.shared.statuses.heard(self.account.id, at);
            }
        }
    }

    fn after(&self, ended: Result<(), ConnectorError>, attempt: u32) -> Next {
        if self.stop.is_cancelled() {
            return Next::Stop;
        }
        let now = self.shared.parts.clock.now();
        let error = ended.err().unwrap_or_else(|| ConnectorError::Transient {
            why: Trouble { code: TroubleCode::Network, detail: "the listener ended".to_owned() },
            retry_after: None,
        });
        let why = error.trouble().clone();
        let away = self.database_away.swap(false, Ordering::Relaxed);
        let (state, next) = match error {
            ConnectorError::Transient { retry_after, .. } => {
                let pause = self.shared.parts.backoff.pause(attempt, away, rand::random());
                let until = now + pause.max(retry_after.unwrap_or_default());
                (AccountState::BackingOff { until, why: why.clone(), attempt }, Next::Until(until))
            }
            ConnectorError::Limited { until, .. } => {
                (AccountState::Limited { until, why: why.clone() }, Next::Until(until))
            }
            ConnectorError::SignInRequired(_) => (AccountState::NeedsSignIn { why: why.clone() }, Next::Asked),
            ConnectorError::Misconfigured(_) | ConnectorError::Permanent(_) => {
                (AccountState::Misconfigured { why: why.clone() }, Next::Asked)
            }
        };
        tracing::warn!(
            target: "skrynka::app",
            state = state.as_str(), code = why.code.as_str(), why = why.detail, attempt,
            "Account attempt ended"
        );
        self.set(state);
        next
    }

    fn store_failed(&self, error: StoreError) -> ConnectorError {
        self.database_away.store(matches!(error, StoreError::Unreachable(_)), Ordering::Relaxed);
        let why = Trouble { code: TroubleCode::Database, detail: crate::chain(&error) };
        ConnectorError::Transient { why, retry_after: None }
    }

    async fn pause(&self, until: Option<OffsetDateTime>) {
        let wait = async {
            match until {
                None => std::future::pending().await,
                Some(until) => {
                    let pause = until - self.shared.parts.clock.now();
                    tokio::time::sleep(pause.try_into().unwrap_or_default()).await;
                }
            }
        };
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = self.wake.notified() => {}
            () = wait => {}
        }
    }

    fn set(&self, state: AccountState) {
        self.shared.statuses.set_state(self.account.id, state, self.shared.parts.clock.now());
    }

    fn log_stored(&self, ingested: Ingested, named: &[(u32, u64)], took: Duration) {
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if ingested.stored == 0 && ingested.linked == 0 {
            return;
        }
        match self.account.channel {
            Channel::Email if !named.is_empty() && ingested.stored == named.len() => {
                for (uid, bytes) in named {
                    tracing::info!(target: "skrynka::email", uid, bytes, ms, "Mail stored");
                }
            }
            Channel::Email => tracing::info!(
                target: "skrynka::email",
                count = ingested.stored, linked = ingested.linked, quarantined = ingested.quarantined,
                bytes = ingested.bytes, ms,
                "Mail stored"
            ),
            Channel::Telegram => {
                tracing::info!(target: "skrynka::telegram", count = ingested.stored, ms, "Message stored");
            }
        }
    }
}

/// Number and size of each message, where a batch is small enough to name them.
fn named(batch: &Batch) -> Vec<(u32, u64)> {
    if batch.incoming.len() > NAMED {
        return Vec::new();
    }
    let messages = batch.incoming.iter().filter_map(|incoming| match incoming {
        Incoming::Message(message) => Some((message.place.number, message.raw.size)),
        Incoming::Marks { .. } | Incoming::Gone { .. } => None,
    });
    messages.collect()
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> ConnectorError {
    let detail = panic_text(panic).to_owned();
    tracing::error!(target: "skrynka::app", error = detail, "Account attempt panicked");
    ConnectorError::Transient { why: Trouble { code: TroubleCode::Internal, detail }, retry_after: None }
}
