//! Mail on its way out while the account's lease is ours, whether its listener is connected or not.
//!
//! SMTP knows no second try of the same mail: one that a server may have taken is never offered again by itself. It is
//! looked for in the Sent folder for a while, and then a person decides.

use std::{
    collections::{BTreeSet, HashSet, VecDeque},
    sync::{
        MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use time::OffsetDateTime;
use tokio::sync::{Mutex, Notify, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::{Shared, lease::Lease, sending::Limited};
use crate::{
    connector::{
        Batch, ConnectorError, Delivered, Incoming, MailFile, Outcome, Outcomes, Permission as _, SendError, SentCopy,
        Submitter,
    },
    fault,
    model::{Account, OutgoingId, Trouble, TroubleCode},
    store::{DueMail, MailTry, StoreError, answered, as_accepted},
};

/// Mails that are offered at the same time.
const AT_ONCE: usize = 4;
/// Mails that are read at a time,
const READ: i64 = 64;
/// and how many of them are left when the next ones are.
const LEFT: usize = 48;
/// So long before their time mails are read, and connections for them opened.
const SOON: Duration = Duration::from_secs(1);
/// A mail that takes longer is shown as being sent.
const SLOW: Duration = Duration::from_secs(1);
/// How long that may take to be written: the mail's outcome waits for it.
const SHOWN: Duration = Duration::from_secs(3);
/// So long a mail that is about to end waits for those of the other workers, to be noted together with them.
const TOGETHER: Duration = Duration::from_millis(1);
/// Mails whose sending is noted in one transaction,
const NOTED: usize = 256;
/// and that wait for the one before it to end.
const NOTED_NEXT: usize = 64;
/// So long mails that were sent wait for others that are about to be, so that they are stored together.
const NOTED_AFTER: Duration = Duration::from_millis(100);
/// So many bytes of files wait with them.
const NOTED_BYTES: usize = 8 << 20;
/// Another program's mail is found at least this often, should its ring be lost.
const LOOK: Duration = Duration::from_secs(15);
/// A refused sign-in is tried again after so long: more would lock the account out. Changed settings begin anew.
const SIGN_IN_AGAIN: Duration = Duration::from_secs(15 * 60);
/// So often a copy is tried to be kept: for about a day.
const COPY_TRIES: u32 = 26;
/// How soon an outcome is noted again that could not be.
const NOTE_AGAIN: Duration = Duration::from_secs(1);
/// So long copies wait for mails that are going out: those are waited for by somebody.
const COPIES_WAIT: Duration = Duration::from_secs(10);
/// How long mails under way may take to end once the program is to stop.
const ENDING: Duration = Duration::from_secs(5);

/// When mail is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailTerms {
    /// The pauses after each try that failed; the last one repeats.
    pub pauses: Vec<Duration>,
    /// A mail that has waited so long since its first try is not tried any more (RFC 5321 section 4.5.4.1).
    pub give_up: Duration,
    /// So long a mail of which nobody knows is looked for in the Sent folder,
    pub look_for: Duration,
    /// so often.
    pub look_every: Duration,
}

impl Default for MailTerms {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        Self {
            pauses: [1, 5, 15, 60].map(minutes).to_vec(),
            give_up: minutes(24 * 60),
            look_for: minutes(10),
            look_every: Duration::from_secs(30),
        }
    }
}

impl MailTerms {
    /// When the next try follows the one that failed now; `None`: not any more.
    fn again(&self, tries: u32, first: OffsetDateTime, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let at = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
        let pause = self.pauses.get(at).or(self.pauses.last()).copied().unwrap_or_default();
        (now + pause < first + self.give_up).then(|| now + pause)
    }
}

/// Sends the account's mail until `ended`; what is under way then has a moment to end.
pub(super) async fn run(shared: &Shared, account: &Account, lease: &Lease, bell: &Notify, ended: &CancellationToken) {
    let Some(connector) = shared.parts.connectors.get(&account.channel) else { return };
    let Some(submitter) = connector.submitter(account, &shared.parts.secrets) else { return };
    // Whoever begins anew may have another password.
    shared.forget_limit(account.id, Limited::SignIns);
    let post = Post {
        shared,
        account,
        lease,
        submitter: &*submitter,
        sent: Notify::new(),
        low: Notify::new(),
        soon: Notify::new(),
        reading: Mutex::default(),
        queue: Mutex::default(),
        held: std::sync::Mutex::default(),
        told: AtomicU64::new(0),
        busy: watch::Sender::new(0),
        accepted: std::sync::Mutex::default(),
    };
    let stop = async {
        ended.cancelled().await;
        tokio::time::sleep(ENDING).await;
    };
    tokio::select! {
        () = stop => {}
        () = post.run(bell, ended) => {}
    }
}

struct Post<'a> {
    shared: &'a Shared,
    account: &'a Account,
    lease: &'a Lease,
    submitter: &'a dyn Submitter,
    /// Rings when a mail was sent: its copy is wanted.
    sent: Notify,
    /// Rings when few mails are left in the queue.
    low: Notify,
    /// Rings when mails of the queue are due soon.
    soon: Notify,
    /// Held by whoever reads: a mail that was read twice could be tried twice.
    reading: Mutex<()>,
    /// Mails whose time has come, and then those whose time comes soon. Nothing is noted of them: a mail is taken from
    /// the outbox at its end.
    queue: Mutex<VecDeque<DueMail>>,
    /// These, and those that are being offered.
    held: std::sync::Mutex<HashSet<OutgoingId>>,
    /// Bytes of a mail that the server takes, as was noted last; 0 at first.
    told: AtomicU64,
    /// Workers that have a mail, or look for one.
    busy: watch::Sender<usize>,
    /// Mails that the server took for every address that it had not refused, and that are neither noted as taken nor
    /// being stored yet.
    accepted: std::sync::Mutex<Vec<OutgoingId>>,
}

/// A mail whose last dot is the next thing to be said.
struct Ending {
    this: MailTry,
    /// What the server said of its addresses.
    outcomes: Outcomes,
    /// Told whether that is noted, and the dot may be given; `None`: that is not known.
    noted: oneshot::Sender<Option<bool>>,
}

/// Where a worker's mails go on.
#[derive(Clone, Copy)]
struct Ways<'a> {
    /// Mails about to end.
    ending: &'a mpsc::Sender<Ending>,
    /// Mails that were taken.
    delivered: &'a mpsc::Sender<Taken>,
}

/// A mail that the server took.
type Taken = (DueMail, Delivered);

/// What became of a try.
enum Tried {
    Taken(Delivered),
    NotTaken(NotTaken),
    /// It was to be sent no more, or not yet.
    TakenBack,
}

/// How tries ended, to be noted.
#[derive(Clone, Copy)]
enum Ended<'a> {
    Taken(&'a [Taken]),
    NotTaken(MailTry, &'a NotTaken),
}

/// A try at whose end the server has not, or perhaps not, taken the mail.
struct NotTaken {
    outcomes: Outcomes,
    why: Trouble,
    /// When the next try follows; `None`: none does.
    again: Option<OffsetDateTime>,
    uncertain: bool,
}

impl NotTaken {
    fn finally(why: Trouble) -> Self {
        Self { outcomes: Outcomes::new(), why, again: None, uncertain: false }
    }
}

impl From<NotTaken> for Tried {
    fn from(not: NotTaken) -> Self {
        Self::NotTaken(not)
    }
}

impl Post<'_> {
    async fn run(&self, bell: &Notify, ended: &CancellationToken) {
        let store = &self.shared.parts.store;
        while let Err(error) =
            store.recover_mails(self.account.id, self.lease.token(), self.shared.parts.clock.now()).await
        {
            tracing::warn!(target: "skrynka::outbox", error = %crate::chain(&error), "Outbox not read");
            tokio::select! {
                () = ended.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
        let ring = Notify::new();
        let rings = async {
            loop {
                bell.notified().await;
                // A worker that is busy looks again before it waits; one may be about to wait.
                ring.notify_waiters();
                ring.notify_one();
                self.sent.notify_one();
            }
        };
        let (delivered, deliveries) = mpsc::channel(NOTED_NEXT);
        let (ending, endings) = mpsc::channel(AT_ONCE);
        let workers = async {
            let ways = Ways { ending: &ending, delivered: &delivered };
            futures_util::future::join_all((0..AT_ONCE).map(|_| self.work(&ring, ways, ended))).await;
            drop((ending, delivered));
        };
        let rest = async {
            tokio::select! {
                () = ended.cancelled() => {}
                () = rings => {}
                () = self.read_ahead(&ring) => {}
                () = self.connect_ahead() => {}
                () = self.settle() => {}
            }
        };
        futures_util::join!(workers, self.note_ends(endings), self.note(deliveries, &ring, ended), rest);
    }

    /// One worker: a mail after the other.
    async fn work(&self, ring: &Notify, ways: Ways<'_>, ended: &CancellationToken) {
        self.busy.send_modify(|busy| *busy += 1);
        while !ended.is_cancelled() {
            let now = self.shared.parts.clock.now();
            let limit = |what| self.shared.limit(self.account.id, what);
            let held = limit(Limited::Texts).max(limit(Limited::SignIns));
            let mut failed = false;
            if held.is_some() {
                self.forget(self.queue.lock().await.drain(..));
            } else {
                match self.next(now).await {
                    Ok(Some(mail)) => {
                        // Another worker may have the next one.
                        ring.notify_one();
                        self.offer(mail, ways, ended).await;
                        continue;
                    }
                    Ok(None) => {}
                    Err(error) => {
                        failed = true;
                        tracing::warn!(target: "skrynka::outbox", error = %crate::chain(&error), "Outbox not read");
                    }
                }
            }
            let due = if failed { None } else { held.or(self.next_due(now).await) };
            let until = due.map(|due| Duration::try_from(due - self.shared.parts.clock.now()).unwrap_or_default());
            let pause = until.unwrap_or(LOOK).min(LOOK);
            self.busy.send_modify(|busy| *busy -= 1);
            tokio::select! {
                () = ended.cancelled() => {}
                () = ring.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
            self.busy.send_modify(|busy| *busy += 1);
        }
    }

    /// The next mail whose time has come.
    async fn next(&self, now: OffsetDateTime) -> Result<Option<DueMail>, StoreError> {
        let mut queue = self.queue.lock().await;
        if queue.front().is_none_or(|mail| !mail.is_due(now)) {
            // What is still to come may have been put off meanwhile, or taken back.
            self.forget(queue.drain(..));
            queue.extend(self.read(now).await?);
            if queue.front().is_some_and(|mail| !mail.is_due(now)) {
                self.soon.notify_one();
            }
        }
        let next = queue.pop_front_if(|mail| mail.is_due(now));
        if queue.len() == LEFT {
            self.low.notify_one();
        }
        Ok(next)
    }

    /// When there is something to do again, as far as that is known.
    async fn next_due(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let soon = self.queue.lock().await.front().and_then(|mail| mail.due);
        if soon.is_some() {
            return soon;
        }
        let later = self.shared.parts.store.next_due(self.account.id, now + SOON).await;
        later.unwrap_or_default().map(|due| due - SOON)
    }

    /// Reads the next mails before the workers have to wait for them.
    async fn read_ahead(&self, ring: &Notify) {
        loop {
            self.low.notified().await;
            // What is still to come is read again with what may have come before it.
            let now = self.shared.parts.clock.now();
            let mut queue = self.queue.lock().await;
            let soon = queue.iter().position(|mail| !mail.is_due(now)).unwrap_or(queue.len());
            self.forget(queue.drain(soon..));
            drop(queue);
            match self.read(now).await {
                Ok(more) => {
                    self.queue.lock().await.extend(more);
                    // Somebody may have found none meanwhile.
                    ring.notify_one();
                }
                // Whoever finds none left tries again, and says so.
                Err(error) => tracing::debug!(
                    target: "skrynka::outbox", error = %crate::chain(&error), "Outbox not read ahead"
                ),
            }
        }
    }

    /// Opens connections before the mails are due that go over them: that takes longer than a mail.
    async fn connect_ahead(&self) {
        let mut prepared = None;
        loop {
            self.soon.notified().await;
            let queue = self.queue.lock().await;
            let (mails, due) = (queue.len().min(AT_ONCE), queue.front().and_then(|mail| mail.due));
            drop(queue);
            // A server that refuses is asked once, and again by the mail itself.
            if due != prepared && self.shared.limit(self.account.id, Limited::SignIns).is_none() {
                prepared = due;
                self.submitter.prepare(mails).await;
            }
        }
    }

    /// Reads mails that nobody has yet, in the order in which they are due.
    async fn read(&self, now: OffsetDateTime) -> Result<Vec<DueMail>, StoreError> {
        let store = &self.shared.parts.store;
        let _alone = self.reading.lock().await;
        // Those that end meanwhile count: the database may be asked before it notes that.
        let held: Vec<_> = self.held().iter().copied().collect();
        let mut mails = store.due_mails(self.account.id, self.lease.token(), (now, SOON), READ, &held).await?;
        let mut held = self.held();
        mails.retain(|mail| held.insert(mail.id));
        Ok(mails)
    }

    /// Forgets mails that nobody offers now: they are read again.
    fn forget(&self, mails: impl Iterator<Item = DueMail>) {
        let mut held = self.held();
        for mail in mails {
            held.remove(&mail.id);
        }
    }

    /// Offers one mail and notes what became of it. A database that is away for a moment takes no outcome with it.
    async fn offer(&self, mut mail: DueMail, ways: Ways<'_>, ended: &CancellationToken) {
        let this = mail.this_try();
        let outcome = match self.files(&mail).await {
            Ok(files) => {
                mail.mail.files = files;
                self.try_visibly(&mail, ways.ending).await
            }
            Err(error @ (StoreError::NotFound(_) | StoreError::Refused(_))) => {
                let detail = format!("{}; nothing was sent", crate::chain(&error));
                NotTaken::finally(Trouble { code: TroubleCode::Refused, detail }).into()
            }
            Err(error) => {
                let again = Some(self.shared.parts.clock.now() + LOOK);
                let why = Trouble { code: TroubleCode::Database, detail: crate::chain(&error) };
                NotTaken { again, ..NotTaken::finally(why) }.into()
            }
        };
        self.note_size().await;
        match outcome {
            Tried::Taken(taken) => {
                if taken.again.is_none() {
                    self.accepted().push(mail.id);
                }
                // Whoever notes outlives the workers.
                let _noted_with_others = ways.delivered.send((mail, taken)).await;
            }
            Tried::NotTaken(not) => self.persist(Ended::NotTaken(this, &not), ended).await,
            Tried::TakenBack => {
                tracing::info!(target: "skrynka::outbox", outgoing = %mail.id, "Mail not ended, it is to wait");
                let store = &self.shared.parts.store;
                if let Err(error) = store.mail_not_ended(self.account.id, self.lease.token(), mail.id).await {
                    tracing::warn!(target: "skrynka::outbox", error = %crate::chain(&error), "Mail not shown as waiting");
                }
            }
        }
        self.held().remove(&this.outgoing);
    }

    fn held(&self) -> MutexGuard<'_, HashSet<OutgoingId>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accepted(&self) -> MutexGuard<'_, Vec<OutgoingId>> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The mail's files with their bytes.
    async fn files(&self, mail: &DueMail) -> Result<Vec<MailFile>, StoreError> {
        if !mail.has_files {
            return Ok(Vec::new());
        }
        self.shared.parts.store.mail_files(self.account.id, mail.id).await
    }

    /// Notes how large a mail the server takes, where it says something new. Whoever writes is warned by it.
    async fn note_size(&self) {
        let Some(takes) = self.submitter.takes() else { return };
        if self.told.load(Ordering::Relaxed) == takes {
            return;
        }
        match self.shared.parts.store.note_submission_size(self.account.id, Some(takes)).await {
            Ok(()) => self.told.store(takes, Ordering::Relaxed),
            Err(error) => tracing::warn!(
                target: "skrynka::outbox", error = %crate::chain(&error), "The server's limit is not noted"
            ),
        }
    }

    /// Notes that mails are about to end, those together that wait for it together: each worker has one at most. With
    /// them it notes which ones were taken since, so that a crash leaves few in doubt before they are stored.
    async fn note_ends(&self, mut endings: mpsc::Receiver<Ending>) {
        let store = &self.shared.parts.store;
        let mut some = Vec::with_capacity(AT_ONCE);
        while endings.recv_many(&mut some, AT_ONCE).await > 0 {
            self.wait_for_others(&mut endings, &mut some).await;
            let mails: Vec<_> = some.iter().map(|ending: &Ending| (ending.this, &ending.outcomes)).collect();
            let accepted = std::mem::take(&mut *self.accepted());
            let (now, lease) = (self.shared.parts.clock.now(), self.lease.token());
            let noted = match store.mails_end(self.account.id, lease, now, &mails, &accepted).await {
                Ok(noted) => Some(noted),
                Err(error) => {
                    let count = mails.len();
                    tracing::warn!(target: "skrynka::outbox", count, error = %crate::chain(&error), "Mails held back");
                    None
                }
            };
            for ending in some.drain(..) {
                // Whoever does not wait any more gives no dot.
                let _unheard = ending.noted.send(noted.as_ref().map(|noted| noted.contains(&ending.this.outgoing)));
            }
        }
    }

    /// Waits for the ends of the mails that the other workers have.
    async fn wait_for_others(&self, endings: &mut mpsc::Receiver<Ending>, some: &mut Vec<Ending>) {
        let all = async {
            while some.len() < *self.busy.borrow() {
                if endings.recv_many(some, AT_ONCE - some.len()).await == 0 {
                    return;
                }
            }
        };
        // What is not here by then takes longer: a large mail, or a slow server.
        let _some_are_not_there = tokio::time::timeout(TOGETHER, all).await;
    }

    /// Notes mails that servers took, as many together as there are: the account's transactions follow one another.
    async fn note(&self, mut deliveries: mpsc::Receiver<Taken>, ring: &Notify, ended: &CancellationToken) {
        let mut taken = Vec::with_capacity(NOTED);
        while deliveries.recv_many(&mut taken, NOTED).await > 0 {
            self.gather(&mut deliveries, &mut taken).await;
            // What is stored now needs no word any more: said with later ends, it would be of another try.
            self.accepted().retain(|id| taken.iter().all(|(mail, _)| mail.id != *id));
            if self.delivered(&taken).await.is_err() {
                // One that the database refuses keeps no other from being noted.
                for one in taken.chunks(1) {
                    self.persist(Ended::Taken(one), ended).await;
                }
            }
            taken.clear();
            // The next ones of their conversations may go.
            ring.notify_one();
        }
    }

    /// Waits for more mails to be noted together while others go out: storing each takes longer than sending it.
    async fn gather(&self, deliveries: &mut mpsc::Receiver<Taken>, taken: &mut Vec<Taken>) {
        let bytes = |taken: &[Taken]| -> usize {
            taken.iter().flat_map(|(mail, _)| &mail.mail.files).map(|file| file.bytes.len()).sum()
        };
        let more = async {
            while taken.len() < NOTED && bytes(taken) < NOTED_BYTES {
                if deliveries.recv_many(taken, NOTED - taken.len()).await == 0 {
                    return;
                }
            }
        };
        let mut busy = self.busy.subscribe();
        tokio::select! {
            () = more => {}
            _nothing_goes_out = busy.wait_for(|busy| *busy == 0) => {}
            () = tokio::time::sleep(NOTED_AFTER) => {}
        }
    }

    /// Tries to note how tries ended until that is noted, or the account's run ends.
    async fn persist(&self, what: Ended<'_>, ended: &CancellationToken) {
        loop {
            let noted = match what {
                Ended::Taken(taken) => self.delivered(taken).await,
                Ended::NotTaken(this, not) => self.not_sent(this, not).await,
            };
            match noted {
                Ok(()) | Err(StoreError::LeaseLost) => return,
                Err(error) => tracing::error!(
                    target: "skrynka::outbox", error = %crate::chain(&error), "Outcome of a mail not noted"
                ),
            }
            tokio::select! {
                // What could not be noted stays as it is, and is sorted out with the next lease.
                () = ended.cancelled() => return,
                () = tokio::time::sleep(NOTE_AGAIN) => {}
            }
        }
    }

    /// Tries to send a mail, and lets people see that where it takes its time.
    async fn try_visibly(&self, mail: &DueMail, ending: &mpsc::Sender<Ending>) -> Tried {
        let tried = self.try_mail(mail, ending);
        tokio::pin!(tried);
        if let Ok(tried) = tokio::time::timeout(SLOW, &mut tried).await {
            return tried;
        }
        let shown = async {
            let (store, now) = (&self.shared.parts.store, self.shared.parts.clock.now());
            let shown = store.mail_is_slow(self.account.id, self.lease.token(), mail.id, now);
            if let Err(error) = answered(SHOWN, shown).await {
                tracing::debug!(target: "skrynka::outbox", error = %crate::chain(&error), "A slow mail is not shown as such");
            }
        };
        // What is shown is written before the outcome: afterwards it would be wrong.
        futures_util::join!(tried, shown).0
    }

    async fn try_mail(&self, mail: &DueMail, ending: &mpsc::Sender<Ending>) -> Tried {
        let (parts, this) = (&self.shared.parts, mail.this_try());
        let taken_back = AtomicBool::new(false);
        let before_end = |outcomes: Outcomes| -> futures_util::future::BoxFuture<'_, bool> {
            let taken_back = &taken_back;
            Box::pin(async move {
                let (noted, is_noted) = oneshot::channel();
                let is_sent_off = ending.send(Ending { this, outcomes, noted }).await.is_ok();
                let noted = if is_sent_off { is_noted.await.unwrap_or_default() } else { None };
                taken_back.store(noted == Some(false), Ordering::Relaxed);
                fault::point("mail_ends");
                noted == Some(true) && self.lease.check().await.is_ok()
            })
        };
        let addresses = mail.addresses();
        let tried = self.submitter.submit(&mail.mail, &addresses, &before_end).await;
        if taken_back.into_inner() {
            return Tried::TakenBack;
        }
        fault::point("mail_answered");
        let now = parts.clock.now();
        let again = parts.mail.again(mail.tries, mail.mail.date, now);
        match tried {
            Ok(outcomes) if outcomes.values().any(|outcome| *outcome == Outcome::Accepted) => {
                let later = outcomes.values().any(|outcome| matches!(outcome, Outcome::Later { .. }));
                Tried::Taken(Delivered { outgoing: mail.id, outcomes, again: again.filter(|_| later) })
            }
            Ok(outcomes) => {
                let (later, detail) = refused(&outcomes);
                let why = Trouble { code: TroubleCode::Refused, detail };
                NotTaken { outcomes, why, again: again.filter(|_| later), uncertain: false }.into()
            }
            Err(SendError::Uncertain(why)) => NotTaken { uncertain: true, ..NotTaken::finally(why) }.into(),
            Err(SendError::NotSent(error)) => self.not_taken(error, again, now).into(),
        }
    }

    /// What follows a failure of the connection or the account.
    fn not_taken(&self, error: ConnectorError, again: Option<OffsetDateTime>, now: OffsetDateTime) -> NotTaken {
        let why = error.trouble().clone();
        let again = match error {
            ConnectorError::Transient { retry_after, .. } => {
                again.map(|again| again.max(now + retry_after.unwrap_or_default()))
            }
            // The account's, not the mail's: another mail would only make it worse.
            ConnectorError::Limited { until, .. } => {
                self.shared.note_limit(self.account.id, Limited::Texts, until);
                again.map(|again| again.max(until))
            }
            ConnectorError::SignInRequired(_) => {
                let until = now + SIGN_IN_AGAIN;
                self.shared.note_limit(self.account.id, Limited::SignIns, until);
                again.map(|again| again.max(until))
            }
            ConnectorError::Misconfigured(_) | ConnectorError::Permanent(_) => None,
        };
        NotTaken { again, ..NotTaken::finally(why) }
    }

    /// Stores mails that the server took among the messages, with what it said.
    async fn delivered(&self, taken: &[Taken]) -> Result<(), StoreError> {
        let parts = &self.shared.parts;
        let mut incoming = Vec::with_capacity(taken.len() * 2);
        for (mail, delivered) in taken {
            match self.submitter.read(&mail.mail, mail.place.clone(), parts.clock.now()) {
                Ok(message) => incoming.push(Incoming::Message(Box::new(message))),
                Err(error) => tracing::error!(
                    target: "skrynka::outbox", outgoing = %mail.id, error = %error, "Sent mail cannot be read"
                ),
            }
            incoming.push(Incoming::Delivered(delivered.clone()));
        }
        let batch = Batch { incoming, cursors: Vec::new() };
        self.shared.ingest.ingest(self.account.id, Some(self.lease.token()), batch).await?;
        self.shared.stored.notify_one();
        self.sent.notify_one();
        for (mail, delivered) in taken {
            let (sent, to) = (delivered.outcomes.len(), mail.mail.recipients().len());
            tracing::info!(target: "skrynka::outbox", outgoing = %mail.id, tries = mail.tries, sent, to, "Mail sent");
        }
        Ok(())
    }

    async fn not_sent(&self, this: MailTry, not: &NotTaken) -> Result<(), StoreError> {
        let NotTaken { outcomes, why, again, uncertain } = not;
        tracing::warn!(
            target: "skrynka::outbox", outgoing = %this.outgoing, code = why.code.as_str(), why = why.detail, uncertain,
            again = again.is_some(), "Mail not sent"
        );
        let (parts, lease) = (&self.shared.parts, self.lease.token());
        let (store, now) = (&parts.store, parts.clock.now());
        store.mail_not_sent(self.account.id, lease, now, this, (outcomes, why), (*again, *uncertain)).await
    }

    /// Looks for mails of which nobody knows, and keeps copies of those that were sent.
    async fn settle(&self) {
        let every = self.shared.parts.mail.look_every;
        let mut looked: Option<OffsetDateTime> = None;
        loop {
            let now = self.shared.parts.clock.now();
            let look = looked.is_none_or(|looked| now >= looked + every);
            if look {
                looked = Some(now);
            }
            let settled = async {
                self.settle_uncertain(now, look).await?;
                // Whoever sends many mails waits for them, and for no copy. Out of time is no failure.
                let mut busy = self.busy.subscribe();
                drop(tokio::time::timeout(COPIES_WAIT, busy.wait_for(|busy| *busy == 0)).await);
                self.keep_copies().await
            };
            if let Err(error) = settled.await {
                tracing::warn!(target: "skrynka::outbox", error = %crate::chain(&error), "Outbox not read");
            }
            tokio::select! {
                () = self.sent.notified() => {}
                () = tokio::time::sleep(every.min(LOOK)) => {}
            }
        }
    }

    async fn settle_uncertain(&self, now: OffsetDateTime, look: bool) -> Result<(), StoreError> {
        let parts = &self.shared.parts;
        let since = now - parts.mail.look_for;
        for (mut mail, confirmed) in parts.store.uncertain_mails(self.account.id, since).await? {
            // A copy that was kept when other addresses took it proves nothing of these.
            let partly = mail.outcomes.values().any(|outcome| *outcome == Outcome::Accepted);
            if !confirmed && (!look || partly) {
                continue;
            }
            let found = confirmed || self.is_in_sent(&mail).await;
            if !found {
                continue;
            }
            // What is left of it is stored all the same: it was sent.
            mail.mail.files = match self.files(&mail).await {
                Err(StoreError::NotFound(_)) => Vec::new(),
                files => files?,
            };
            let outcomes = as_accepted(&mail.outcomes);
            let (id, delivered) = (mail.id, Delivered { outgoing: mail.id, outcomes, again: None });
            match self.delivered(&[(mail, delivered)]).await {
                // One that the database refuses keeps no other from being noted.
                Err(error @ StoreError::Refused(_)) => tracing::error!(
                    target: "skrynka::outbox", outgoing = %id, error = %crate::chain(&error), "Outcome of a mail not noted"
                ),
                settled => settled?,
            }
        }
        Ok(())
    }

    async fn is_in_sent(&self, mail: &DueMail) -> bool {
        match self.submitter.is_in_sent(&mail.mail.message_id).await {
            Ok(found) => found,
            Err(error) => {
                tracing::info!(target: "skrynka::outbox", outgoing = %mail.id, error = %error, "Sent folder not searched");
                false
            }
        }
    }

    async fn keep_copies(&self) -> Result<(), StoreError> {
        let kept = self.keep_each_copy().await;
        self.submitter.rest().await;
        kept
    }

    async fn keep_each_copy(&self) -> Result<(), StoreError> {
        let parts = &self.shared.parts;
        let mut met = BTreeSet::new();
        while let Some(mut mail) = parts.store.next_copy(self.account.id, parts.clock.now()).await? {
            if !met.insert(mail.id) {
                break;
            }
            mail.mail.files = match self.files(&mail).await {
                Ok(files) => files,
                // Another mail's copy does not wait for one that cannot be.
                Err(StoreError::NotFound(_)) => {
                    tracing::error!(target: "skrynka::outbox", outgoing = %mail.id, "No copy: its files are gone");
                    parts.store.copy_noted(self.account.id, mail.id, Err(None)).await?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let kept = self.submitter.keep_copy(&mail.mail).await;
            fault::point("copy_kept");
            let noted = match kept {
                Ok(copy) => {
                    if copy == SentCopy::NoFolder {
                        tracing::warn!(target: "skrynka::outbox", outgoing = %mail.id, "No Sent folder for a copy");
                    }
                    Ok(copy)
                }
                Err(error) => {
                    let tries = mail.copy_tries + 1;
                    let now = parts.clock.now();
                    let again = (tries < COPY_TRIES).then(|| parts.mail.again(tries, now, now)).flatten();
                    tracing::warn!(target: "skrynka::outbox", outgoing = %mail.id, tries, error = %error, "Copy not kept");
                    Err(again)
                }
            };
            parts.store.copy_noted(self.account.id, mail.id, noted).await?;
        }
        Ok(())
    }
}

/// Whether any address may be taken later, and what the server said.
fn refused(outcomes: &Outcomes) -> (bool, String) {
    let later = outcomes.values().any(|outcome| matches!(outcome, Outcome::Later { .. }));
    let said = outcomes.iter().filter_map(|(address, outcome)| match outcome {
        Outcome::Later { reply } | Outcome::Refused { reply } => Some(format!("{address}: {reply}")),
        Outcome::Told | Outcome::Accepted => None,
    });
    (later, said.collect::<Vec<_>>().join("; ").chars().take(500).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_after_a_day() {
        let terms = MailTerms::default();
        let first = OffsetDateTime::UNIX_EPOCH;
        let minutes = |n| first + time::Duration::minutes(n);
        for (tries, now, next) in
            [(1, 0, Some(1)), (2, 1, Some(6)), (3, 6, Some(21)), (4, 21, Some(81)), (9, 400, Some(460))]
        {
            assert_eq!(terms.again(tries, first, minutes(now)), next.map(minutes), "{tries}");
        }
        assert_eq!(terms.again(30, first, minutes(24 * 60 - 60)), None);
        assert_eq!(terms.again(30, first, minutes(24 * 60 - 61)), Some(minutes(24 * 60 - 1)));
    }

    #[test]
    fn what_a_server_said_of_each_address_is_told() {
        let outcomes = Outcomes::from([
            ("a@x".to_owned(), Outcome::Refused { reply: "550 no".to_owned() }),
            ("b@x".to_owned(), Outcome::Later { reply: "451 later".to_owned() }),
        ]);
        assert_eq!(refused(&outcomes), (true, "a@x: 550 no; b@x: 451 later".to_owned()));
    }
}
