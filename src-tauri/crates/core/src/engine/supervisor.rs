//! One account's life: attempt after attempt, until it is stopped.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt as _;
use time::OffsetDateTime;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{
    Shared, fetching,
    lease::{Kept, Lease, Moment},
    mailing, sending,
    tasks::panic_text,
};
use crate::{
    connector::{
        Batch, ConnectorError, Content, Delivery, Incoming, IncomingSender, ListenerStatus, Permission, Permit,
        RawBytes, Resume,
    },
    fault,
    ingest::Ingested,
    model::{Account, AccountState, Channel, Trouble, TroubleCode},
    store::{HeldLease, StoreError, TakenLease},
};

/// Batches that may wait between a listener and the database; more slow the listener down.
const QUEUE: usize = 4;
/// Batches that wait become one transaction, up to so many messages …
const TOGETHER: usize = 1000;
/// … and so many bytes of them in memory.
const TOGETHER_BYTES: usize = 16 << 20;
/// A database that has not stored a batch by then does not answer.
const STORE_DEADLINE: Duration = Duration::from_secs(180);
/// What an account that is given up while it is opened needs to close its connections.
const CLOSING: Duration = Duration::from_secs(5);
/// An attempt that was live this long counts as a success: the next failure pauses briefly again.
const PROVED: Duration = Duration::from_secs(60);
/// An account of which nothing was heard for longer was away: who comes back is told what came meanwhile.
const OUTAGE: time::Duration = time::Duration::minutes(10);
/// Batches up to this size are logged message by message.
const NAMED: usize = 3;

/// The pause after a panic of what sends mail.
const SEND_ANEW: Duration = Duration::from_secs(15);
/// Who waits for a lease looks at most this often.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Supervises one account.
pub(super) struct Supervisor {
    shared: Arc<Shared>,
    account: Account,
    stop: CancellationToken,
    wake: Arc<Notify>,
    /// The database was away when the last attempt ended: it is ours and comes back soon. A full disk does not.
    database_away: AtomicBool,
    /// Rings when somebody lets go of the account's lease, or a text waits to be sent.
    bell: Arc<Notify>,
    /// Rings when messages have been stored.
    arrived: Notify,
    /// When the other side was last heard before this attempt, until the account is live again.
    quiet_since: Mutex<Option<OffsetDateTime>>,
}

/// What follows an attempt.
enum Next {
    /// Begin anew at once.
    Again,
    /// Wait until then, or until somebody asks.
    Until(OffsetDateTime),
    /// Wait until somebody asks.
    Asked,
    /// End.
    Stop,
}

impl Supervisor {
    pub fn new(
        shared: Arc<Shared>,
        account: Account,
        stop: CancellationToken,
        wake: Arc<Notify>,
        bell: Arc<Notify>,
    ) -> Self {
        let (database_away, arrived) = (AtomicBool::new(false), Notify::new());
        Self { shared, account, stop, wake, database_away, bell, arrived, quiet_since: Mutex::default() }
    }

    pub async fn run(self) {
        let span = tracing::info_span!(target: "skrynka::app", "supervise", account = %self.account.id);
        self.terms().instrument(span).await;
    }

    /// One lease after another, as long as the account is to be listened to.
    async fn terms(mut self) {
        let mut failures = 0;
        while let Some(lease) = self.take_lease().await {
            let lease = Arc::new(lease);
            // What another program has heard meanwhile it has also noted.
            *self.quiet_since.lock().unwrap_or_else(PoisonError::into_inner) = None;
            // Another program may have changed the account while it listened.
            match self.shared.parts.store.account(self.account.id).await {
                Ok(Some(account)) if account.enabled => self.account = account,
                Ok(_) => {
                    lease.release().await;
                    self.set(AccountState::Stopped);
                    self.pause(None).await;
                    continue;
                }
                Err(error) => {
                    tracing::warn!(target: "skrynka::store", error = %crate::chain(&error), "Account not read anew");
                }
            }
            let mut asked = false;
            let ended = CancellationToken::new();
            let attempts = async {
                self.attempts(&lease, &mut failures, &mut asked).await;
                ended.cancel();
            };
            let mail = self.send_mail(&lease, &ended);
            let both = async {
                futures_util::join!(attempts, mail);
            };
            let kept = lease.keep(Box::pin(both)).await;
            self.forget_remote();
            match kept {
                // What waits for a person may as well be tried by another program.
                Kept::Done => lease.release().await,
                Kept::Lost => tracing::info!(target: "skrynka::app", "Lease ended"),
            }
            if asked {
                self.pause(None).await;
            }
        }
        self.set(AccountState::Stopped);
    }

    /// Waits until this program may listen. `None`: it is to stop.
    async fn take_lease(&self) -> Option<Lease> {
        let parts = &self.shared.parts;
        let (id, channel) = (self.account.id, self.account.channel);
        let span = parts.terms.span(channel);
        let mut dead = None;
        let mut failures = 0;
        while !self.stop.is_cancelled() {
            let taken = Moment::now(&*parts.clock);
            let ask = parts.store.take_lease(id, parts.presence.holder(), span, dead);
            let answer = tokio::time::timeout(parts.terms.valid, ask).await;
            let wait = match answer.unwrap_or_else(|_| Err(StoreError::no_answer())) {
                Ok(TakenLease::Ours(token)) => {
                    tracing::debug!(target: "skrynka::app", token = token.0, "Lease taken");
                    let lease =
                        Lease::new(parts.store.clone(), parts.clock.clone(), parts.terms, (id, channel), token, taken);
                    return Some(lease);
                }
                // Its last transaction may still be ending.
                Ok(TakenLease::Theirs(held)) if dead == Some(held.holder.id) => LOOK_AGAIN,
                Ok(TakenLease::Theirs(held)) if parts.presence.is_dead(&held.holder) => {
                    tracing::info!(target: "skrynka::app", holder = held.holder.name, "Holder of the lease is dead");
                    dead = Some(held.holder.id);
                    continue;
                }
                Ok(TakenLease::Theirs(held)) => {
                    failures = 0;
                    dead = None;
                    self.wait_for(held)
                }
                Err(error) => {
                    failures += 1;
                    let why = self.store_failed(error).trouble().clone();
                    let pause = parts.backoff.pause(failures, true, rand::random());
                    self.set(AccountState::BackingOff { until: parts.clock.now() + pause, why, attempt: failures });
                    pause
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = self.wake.notified() => {}
                () = self.bell.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        None
    }

    /// Says who listens, and how long it is worth waiting before looking again.
    fn wait_for(&self, held: HeldLease) -> Duration {
        let terms = &self.shared.parts.terms;
        let state = AccountState::Elsewhere { holder: held.holder.name, since: held.since };
        if self.shared.statuses.state(self.account.id).as_ref() != Some(&state) {
            tracing::info!(target: "skrynka::app", state = state.as_str(), "Another program listens");
        }
        self.set(state);
        held.free_in.clamp(LOOK_AGAIN, terms.look)
    }

    /// One attempt after another under a lease, until the account is to stop, the lease is lost, or only a person can
    /// help, which `asked` then says.
    async fn attempts(&self, lease: &Arc<Lease>, failures: &mut u32, asked: &mut bool) {
        while !self.stop.is_cancelled() && !lease.lost().is_cancelled() {
            self.set(AccountState::Connecting);
            let started = tokio::time::Instant::now();
            let awake = lease.awake();
            let attempt = AssertUnwindSafe(Box::pin(self.attempt(lease, &awake))).catch_unwind().await;
            self.forget_remote();
            let (ended, progressed) = attempt.unwrap_or_else(|panic| (Err(panicked(panic.as_ref())), false));
            if progressed || started.elapsed() >= PROVED {
                *failures = 0;
            }
            if awake.is_cancelled() && !self.stop.is_cancelled() {
                continue;
            }
            *failures += 1;
            match self.after(ended, *failures, lease) {
                Next::Stop => return,
                Next::Again => {}
                Next::Until(moment) => {
                    tokio::select! {
                        () = lease.lost().cancelled() => {}
                        () = self.pause(Some(moment)) => {}
                    }
                }
                Next::Asked => {
                    *asked = true;
                    return;
                }
            }
        }
    }

    /// Sends mail under a lease. A panic ends what is being sent, and nothing else.
    async fn send_mail(&self, lease: &Lease, ended: &CancellationToken) {
        while !ended.is_cancelled() {
            let sending =
                AssertUnwindSafe(Box::pin(mailing::run(&self.shared, &self.account, lease, &self.bell, ended)));
            let Err(panic) = sending.catch_unwind().await else { return };
            tracing::error!(target: "skrynka::outbox", panic = panic_text(panic.as_ref()), "Sending ended abnormally");
            tokio::select! {
                () = ended.cancelled() => {}
                () = tokio::time::sleep(SEND_ANEW) => {}
            }
        }
    }

    fn forget_remote(&self) {
        self.shared.remotes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&self.account.id);
    }

    /// Signs in, listens and stores until the connection ends. Tells whether anything was stored.
    async fn attempt(&self, lease: &Arc<Lease>, awake: &CancellationToken) -> (Result<(), ConnectorError>, bool) {
        let parts = &self.shared.parts;
        self.note_quiet().await;
        let stop = self.stop.child_token();
        let opened = async {
            let resume = self.resume(Permit::new(lease.clone())).await.map_err(|error| self.store_failed(error))?;
            let connector = parts.connectors.get(&self.account.channel).ok_or_else(|| {
                ConnectorError::Misconfigured(Trouble {
                    code: TroubleCode::Settings,
                    detail: format!("this program has no integration for {}", self.account.channel.as_str()),
                })
            })?;
            // The computer may have slept since the lease was renewed: nothing goes out before it is ours for certain.
            lease.check().await?;
            connector.open(&self.account, resume, parts.secrets.clone(), stop.clone()).await
        };
        let mut opened = std::pin::pin!(opened);
        let give_up = async {
            tokio::select! {
                () = lease.lost().cancelled() => {}
                () = awake.cancelled() => {}
                () = stop.cancelled() => {}
            }
        };
        let (listener, remote) = tokio::select! {
            opened = &mut opened => match opened {
                Ok(halves) => halves,
                Err(error) => return (Err(error), false),
            },
            () = give_up => {
                stop.cancel();
                // Whoever is next opens a connection of its own: this one must be closed by then.
                let closed = async {
                    if let Ok((listener, _)) = opened.await {
                        let (sender, ..) = IncomingSender::channel(QUEUE);
                        let _stopped = listener.run(sender, stop.clone()).await;
                    }
                };
                let _closed_in_time = tokio::time::timeout(CLOSING, closed).await;
                return (Ok(()), false);
            }
        };
        self.shared
            .remotes
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .insert(self.account.id, (remote.clone(), lease.token()));
        let (sender, deliveries, status) = IncomingSender::channel(QUEUE);
        let ended = CancellationToken::new();
        // The listener's end closes the queue; what it had handed over by then is stored all the same.
        let listen = async {
            let listened = listener.run(sender, stop.clone()).await;
            ended.cancel();
            listened
        };
        let give_up = async {
            tokio::select! {
                () = lease.lost().cancelled() => stop.cancel(),
                () = awake.cancelled() => stop.cancel(),
                () = ended.cancelled() => {}
            }
        };
        let store = self.store(deliveries, lease, stop.clone());
        let send = sending::run(&self.shared, &self.account, &*remote, lease.token(), (&self.bell, &ended));
        let fetch = fetching::run(&self.shared, &self.account, &self.arrived, &ended);
        let follow = self.follow(status);
        let (listened, (stored, progressed), ..) = futures_util::join!(listen, store, follow, give_up, send, fetch);
        (stored.and(listened), progressed)
    }

    /// What is stored of the account's progress.
    async fn resume(&self, permit: Permit) -> Result<Resume, StoreError> {
        let (store, id) = (&self.shared.parts.store, self.account.id);
        let cursors = store.cursors(id).await?;
        let (peers, latest, salt) = match self.account.channel {
            Channel::Email => Default::default(),
            Channel::Telegram => (store.peers(id).await?, store.latest_numbers(id).await?, Some(store.salt().await?)),
        };
        Ok(Resume { cursors, peers, latest, permit, salt })
    }

    /// Stores what is handed over, batch by batch, and acknowledges what is committed.
    async fn store(
        &self,
        mut deliveries: mpsc::Receiver<Delivery>,
        lease: &Lease,
        stop: CancellationToken,
    ) -> (Result<(), ConnectorError>, bool) {
        let mut progressed = false;
        let mut next = None;
        while let Some(first) = taken_or_next(next.take(), &mut deliveries).await {
            let (batch, acknowledgements, other) = together(first, &mut deliveries);
            next = other;
            fault::point("handed_over");
            let started = tokio::time::Instant::now();
            let named = named(&batch);
            let ingest = self.shared.ingest.ingest(self.account.id, Some(lease.token()), batch);
            let ingest = tokio::time::timeout(STORE_DEADLINE, ingest);
            match ingest.await.unwrap_or_else(|_| Err(StoreError::no_answer())) {
                Ok(ingested) => {
                    progressed |= ingested.stored > 0;
                    self.log_stored(ingested, &named, started.elapsed());
                    self.shared.statuses.stored(self.account.id, ingested, self.shared.parts.clock.now());
                    self.shared.stored.notify_one();
                    self.arrived.notify_one();
                    for stored in acknowledgements {
                        // A listener that does not wait for the acknowledgement has dropped its end.
                        let _unawaited = stored.send(());
                    }
                    fault::point("acknowledged");
                }
                Err(error) => {
                    if matches!(error, StoreError::LeaseLost) {
                        lease.lost().cancel();
                    }
                    tracing::error!(target: "skrynka::store", error = %crate::chain(&error), "Batch not stored");
                    // Later batches may not be stored before this one: the listener resumes from the stored cursor.
                    stop.cancel();
                    drop((next, deliveries));
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
            if said.state == AccountState::Live {
                self.note_outage().await;
            }
            self.set(said.state);
            if let Some(at) = said.heard_at {
                self.shared.statuses.heard(self.account.id, at);
            }
            if let Some(until) = said.certificate_until {
                self.shared.statuses.certificate(self.account.id, until);
            }
        }
    }

    fn after(&self, ended: Result<(), ConnectorError>, attempt: u32, lease: &Lease) -> Next {
        if self.stop.is_cancelled() {
            return Next::Stop;
        }
        if lease.lost().is_cancelled() {
            return Next::Again;
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
        if state.waits_for_person() {
            tracing::error!(
                target: "skrynka::app",
                state = state.as_str(), code = why.code.as_str(), why = why.detail, attempt,
                "Account needs a person"
            );
        } else {
            tracing::warn!(
                target: "skrynka::app",
                state = state.as_str(), code = why.code.as_str(), why = why.detail, attempt,
                "Account attempt ended"
            );
        }
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

    /// Notes when the account was last heard of. What an earlier attempt noted that was never live stands.
    async fn note_quiet(&self) {
        let heard = self.shared.parts.store.heard_at(self.account.id).await.ok().flatten();
        let heard = heard.max(self.shared.statuses.heard_at(self.account.id));
        let mut quiet_since = self.quiet_since.lock().unwrap_or_else(PoisonError::into_inner);
        *quiet_since = quiet_since.or(heard);
    }

    /// Writes down how long nothing was heard, where it was long, now that the account is live again.
    async fn note_outage(&self) {
        let quiet_since = self.quiet_since.lock().unwrap_or_else(PoisonError::into_inner).take();
        let now = self.shared.parts.clock.now();
        let Some(since) = quiet_since.filter(|since| now - *since > OUTAGE) else { return };
        tracing::info!(target: "skrynka::app", minutes = (now - since).whole_minutes(), "Account live again");
        if let Err(error) = self.shared.parts.store.note_outage(self.account.id, since, now).await {
            tracing::warn!(target: "skrynka::store", error = %crate::chain(&error), "Outage not noted");
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

/// The delivery that was taken already, or the next that comes.
async fn taken_or_next(taken: Option<Delivery>, deliveries: &mut mpsc::Receiver<Delivery>) -> Option<Delivery> {
    match taken {
        Some(delivery) => Some(delivery),
        None => deliveries.recv().await,
    }
}

/// Puts what waits behind `first` into one batch with it, as long as it is nothing but messages, and mails of one
/// folder: of other news the order counts, and contacts are locked in one order within a folder only. Returns all acknowledgements, and the delivery that was taken and does not belong to it.
fn together(
    first: Delivery,
    deliveries: &mut mpsc::Receiver<Delivery>,
) -> (Batch, Vec<oneshot::Sender<()>>, Option<Delivery>) {
    let (mut batch, mut acknowledgements) = (first.batch, vec![first.stored]);
    let (mut messages, mut bytes) = (batch.incoming.len(), bytes_in_memory(&batch));
    while is_only_messages(&batch)
        && let Ok(next) = deliveries.try_recv()
    {
        messages += next.batch.incoming.len();
        bytes += bytes_in_memory(&next.batch);
        let fits = messages <= TOGETHER && bytes <= TOGETHER_BYTES;
        if !fits || !is_only_messages(&next.batch) || folder(&batch) != folder(&next.batch) {
            return (batch, acknowledgements, Some(next));
        }
        batch.incoming.extend(next.batch.incoming);
        for cursor in next.batch.cursors {
            batch.cursors.retain(|earlier| earlier.mailbox != cursor.mailbox);
            batch.cursors.push(cursor);
        }
        acknowledgements.push(next.stored);
    }
    (batch, acknowledgements, None)
}

fn is_only_messages(batch: &Batch) -> bool {
    batch.incoming.iter().all(|incoming| matches!(incoming, Incoming::Message(_) | Incoming::Peer(_)))
}

/// The folder whose mails a batch holds.
fn folder(batch: &Batch) -> Option<&str> {
    batch.incoming.iter().find_map(|incoming| {
        let Incoming::Message(message) = incoming else { return None };
        (!matches!(message.content, Content::Chat(_))).then_some(&*message.place.mailbox)
    })
}

fn bytes_in_memory(batch: &Batch) -> usize {
    let mut bytes = 0;
    for incoming in &batch.incoming {
        if let Incoming::Message(message) = incoming
            && let RawBytes::Memory(raw) = &message.raw.bytes
        {
            bytes += raw.len();
        }
    }
    bytes
}

/// Number and size of each message, where a batch is small enough to name them.
fn named(batch: &Batch) -> Vec<(u32, u64)> {
    if batch.incoming.len() > NAMED {
        return Vec::new();
    }
    let messages = batch.incoming.iter().filter_map(Incoming::message);
    messages.map(|message| (message.place.number, message.raw.size)).collect()
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> ConnectorError {
    let detail = panic_text(panic).to_owned();
    tracing::error!(target: "skrynka::app", error = detail, "Account attempt panicked");
    ConnectorError::Transient { why: Trouble { code: TroubleCode::Internal, detail }, retry_after: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        connector::{Content, Cursor, IncomingMessage, Raw},
        model::{Direction, Place},
    };

    fn message(number: u32) -> Incoming {
        Incoming::Message(Box::new(IncomingMessage {
            place: Place { mailbox: "INBOX".to_owned(), epoch: 1, number },
            direction: Direction::In,
            received_at: OffsetDateTime::UNIX_EPOCH,
            arrived_at: OffsetDateTime::UNIX_EPOCH,
            seen: false,
            answered: false,
            raw: Raw::memory(vec![0; 100]),
            content: Content::Unreadable { reason: String::new(), whole: false },
        }))
    }

    fn gone(number: u32) -> Incoming {
        Incoming::Gone { place: Place { mailbox: "INBOX".to_owned(), epoch: 1, number } }
    }

    /// Messages or other news, the cursors after them and the number of acknowledgements.
    type Stored = (usize, Vec<serde_json::Value>, usize);

    fn one_cursor(incoming: usize, cursor: usize, acknowledgements: usize) -> Stored {
        (incoming, vec![cursor.into()], acknowledgements)
    }

    /// Hands batches over, each with its number as cursor, and returns what is stored.
    async fn stored(batches: Vec<Vec<Incoming>>) -> Vec<Stored> {
        let (sender, mut deliveries, _status) = IncomingSender::channel(100);
        for (n, incoming) in batches.into_iter().enumerate() {
            let cursors = vec![Cursor { mailbox: "INBOX".to_owned(), state: n.into() }];
            sender.send(Batch { incoming, cursors }).await.unwrap();
        }
        drop(sender);
        let (mut stored, mut next) = (Vec::new(), None);
        while let Some(first) = taken_or_next(next.take(), &mut deliveries).await {
            let (batch, acknowledgements, other) = together(first, &mut deliveries);
            next = other;
            let cursors = batch.cursors.into_iter().map(|cursor| cursor.state).collect();
            stored.push((batch.incoming.len(), cursors, acknowledgements.len()));
        }
        stored
    }

    #[tokio::test]
    async fn what_waits_is_stored_together_under_its_last_cursor_up_to_a_limit() {
        let batches = (0..9).map(|_| (0..300).map(message).collect()).collect();
        assert_eq!(stored(batches).await, [2, 5, 8].map(|last| one_cursor(900, last, 3)));
        assert_eq!(stored(vec![(0..5000).map(message).collect()]).await, [one_cursor(5000, 0, 1)]);
    }

    #[tokio::test]
    async fn other_news_keep_their_place_between_messages() {
        let batches = vec![vec![message(1)], vec![gone(1)], vec![gone(2)], vec![message(2)], vec![message(3)]];
        let expected = [one_cursor(1, 0, 1), one_cursor(1, 1, 1), one_cursor(1, 2, 1), one_cursor(2, 4, 2)];
        assert_eq!(stored(batches).await, expected);
    }
}
