//! The lease of one account while this program holds it.
//!
//! Time is counted from before the statement that gave or renewed the lease, and by whichever clock says that more
//! passed: one that stands still while the computer sleeps would let it believe that nothing happened.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    connector::{ConnectorError, Permission},
    model::{AccountId, Channel, Trouble, TroubleCode},
    store::{LeaseSpan, LeaseToken, Store, StoreError},
};

/// How leases are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseTerms {
    /// A lease is renewed so long after the last time.
    pub renew: Duration,
    /// A holder that could not renew for so long stops its listener.
    pub give_up: Duration,
    /// By then it has stopped.
    pub valid: Duration,
    /// So much later a mail connection of a holder that crashed counts as dead. Two are no harm.
    pub linger_mail: Duration,
    /// So much later a Telegram connection of a holder that crashed is dead: Telegram closes one 75 s after its last
    /// ping, and a second one with the same key destroys the session.
    pub linger_telegram: Duration,
    /// Who waits looks again at least this often.
    pub look: Duration,
}

impl Default for LeaseTerms {
    fn default() -> Self {
        Self {
            renew: Duration::from_secs(10),
            give_up: Duration::from_secs(20),
            valid: Duration::from_secs(30),
            linger_mail: Duration::ZERO,
            linger_telegram: Duration::from_secs(90),
            look: Duration::from_secs(5),
        }
    }
}

impl LeaseTerms {
    pub(super) const fn span(&self, channel: Channel) -> LeaseSpan {
        let linger = match channel {
            Channel::Email => self.linger_mail,
            Channel::Telegram => self.linger_telegram,
        };
        LeaseSpan { valid: self.valid, linger }
    }
}

/// What ended the time in which a lease was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// What was done under it.
    Done,
    /// It may be somebody else's by now.
    Lost,
}

/// A lease that this program holds.
pub(super) struct Lease {
    store: Store,
    clock: Arc<dyn Clock>,
    terms: LeaseTerms,
    account: AccountId,
    channel: Channel,
    token: LeaseToken,
    renewed: Mutex<Moment>,
    /// Whether it may be somebody else's by now.
    lost: CancellationToken,
    /// Is cancelled, and put anew, when the computer slept: nothing goes out on connections from before.
    awake: Mutex<CancellationToken>,
}

/// A moment by two clocks, one of which counts time asleep.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    running: Instant,
    uptime: Duration,
}

impl Moment {
    pub fn now(clock: &dyn Clock) -> Self {
        Self { running: Instant::now(), uptime: clock.uptime() }
    }

    /// How long ago that was, time asleep included.
    fn age(self, clock: &dyn Clock) -> Duration {
        self.running.elapsed().max(clock.uptime().saturating_sub(self.uptime))
    }

    /// How much of that this program did not notice.
    fn asleep(self, clock: &dyn Clock) -> Duration {
        clock.uptime().saturating_sub(self.uptime).saturating_sub(self.running.elapsed())
    }
}

/// How often a holder looks at its clocks.
const TICK: Duration = Duration::from_secs(1);
/// A gap of more than this between the clocks means that the computer slept.
const SLEPT: Duration = Duration::from_secs(3);
/// A lease that was confirmed this recently is not asked for again before a connection is opened.
const FRESH: Duration = Duration::from_secs(2);

impl Lease {
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        terms: LeaseTerms,
        (account, channel): (AccountId, Channel),
        token: LeaseToken,
        taken: Moment,
    ) -> Self {
        let (lost, awake) = (CancellationToken::new(), Mutex::default());
        Self { store, clock, terms, account, channel, token, renewed: Mutex::new(taken), lost, awake }
    }

    /// Stands in the transaction of everything that is written under it.
    pub const fn token(&self) -> LeaseToken {
        self.token
    }

    /// Is cancelled once the lease may be somebody else's.
    pub fn lost(&self) -> &CancellationToken {
        &self.lost
    }

    /// Is cancelled when the computer slept, together with everything that was begun before.
    pub fn awake(&self) -> CancellationToken {
        self.awake.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How long what runs under it may still take to end.
    pub fn time_left(&self) -> Duration {
        self.terms.valid.saturating_sub(self.age())
    }

    /// Renews the lease while `work` runs. Ends with the work, or with the lease: then the work has been told by
    /// [`Self::lost`] and has had its time to end, and is dropped where it did not.
    pub async fn keep(&self, work: impl Future<Output = ()>) -> Kept {
        let mut work = std::pin::pin!(work);
        let mut tick = tokio::time::interval(TICK.min(self.terms.renew));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut looked = Moment::now(&*self.clock);
        loop {
            let renewing = async {
                tick.tick().await;
                self.look(&mut looked).await;
            };
            tokio::select! {
                () = &mut work => return if self.lost.is_cancelled() { Kept::Lost } else { Kept::Done },
                () = renewing => {}
            }
            if self.lost.is_cancelled() {
                let ended = tokio::time::timeout(self.time_left(), work).await;
                if ended.is_err() {
                    tracing::warn!(target: "skrynka::app", "Listener did not end in time and was dropped");
                }
                return Kept::Lost;
            }
        }
    }

    /// Looks at the clocks and renews where it is time.
    async fn look(&self, looked: &mut Moment) {
        let asleep = looked.asleep(&*self.clock) > SLEPT;
        *looked = Moment::now(&*self.clock);
        if !asleep && self.age() < self.terms.renew {
            return;
        }
        if let Err(error) = self.renew().await {
            tracing::warn!(target: "skrynka::store", error = %crate::chain(&error), "Lease not renewed");
        }
        // After a long sleep nobody may have taken it: then the renewal has made it young again.
        if self.age() >= self.terms.give_up && !self.lost.is_cancelled() {
            tracing::warn!(target: "skrynka::app", "Lease given up before its end");
            self.lost.cancel();
        }
        if asleep {
            tracing::info!(target: "skrynka::app", "Computer slept, connections begin anew");
            let mut awake = self.awake.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *awake).cancel();
        }
    }

    /// Asks the database for more time. Tells the listener at once where it is somebody else's.
    async fn renew(&self) -> Result<(), StoreError> {
        let before = Moment::now(&*self.clock);
        let patience = self.terms.give_up.saturating_sub(self.age()).max(TICK.min(self.terms.renew));
        let span = self.terms.span(self.channel);
        let renewed = tokio::time::timeout(patience, self.store.renew_lease(self.account, self.token, span)).await;
        if renewed.unwrap_or_else(|_| Err(StoreError::no_answer()))? {
            *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = before;
            return Ok(());
        }
        tracing::warn!(target: "skrynka::app", "Another program has taken the lease");
        self.lost.cancel();
        Err(StoreError::LeaseLost)
    }

    /// Lets go of it, so that who waits takes over at once. Everything under it has ended.
    pub async fn release(&self) {
        let released = self.store.release_lease(self.account, self.token);
        match tokio::time::timeout(self.terms.valid, released).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(target: "skrynka::store", error = %crate::chain(&error), "Lease not released");
            }
            Err(_) => tracing::warn!(target: "skrynka::store", "Lease not released in time"),
        }
    }

    fn age(&self) -> Duration {
        self.renewed.lock().unwrap_or_else(PoisonError::into_inner).age(&*self.clock)
    }
}

impl Permission for Lease {
    fn holds(&self) -> bool {
        !self.lost.is_cancelled() && self.age() < self.terms.give_up
    }

    fn check(&self) -> BoxFuture<'_, Result<(), ConnectorError>> {
        Box::pin(async {
            if self.holds() && self.age() < FRESH.min(self.terms.renew) {
                return Ok(());
            }
            if self.lost.is_cancelled() {
                return Err(not_ours(&StoreError::LeaseLost));
            }
            self.renew().await.map_err(|error| not_ours(&error))
        })
    }
}

fn not_ours(error: &StoreError) -> ConnectorError {
    let why = Trouble { code: TroubleCode::Database, detail: crate::chain(error) };
    ConnectorError::Transient { why, retry_after: None }
}
