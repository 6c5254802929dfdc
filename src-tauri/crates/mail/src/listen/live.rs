//! Staying: the server is left in IDLE on INBOX (RFC 2177), or asked now and then where it has no IDLE.

use std::time::Duration;

use skrynka_core::model::AccountState;
use time::OffsetDateTime;
use tokio::time::{Instant, sleep, timeout_at};

use super::Work;
use crate::{
    error::{MailError, Result, within},
    session::{Step, Unasked},
    uids::UidSet,
    wire::reply::Reply,
};

/// A look at the wall clock while waiting; a jump means that the computer slept and the connection may be dead.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(15);
/// Arrivals up to this many are fetched without listing them first.
const FEW: u32 = 50;

impl Work {
    /// Hands over what arrives. Returns when a folder has to be read anew.
    pub(super) async fn live(&mut self) -> Result<()> {
        let mut others = Instant::now();
        let mut swept = Instant::now();
        // What arrived while the other folders were read has not been heard on this selection.
        self.back_to_inbox().await?;
        while self.folders.iter().all(|folder| folder.backlog.is_empty()) {
            // A message moved away and back: what went goes first, so that it is recognised.
            if self.session.unasked == (Unasked { arrivals: true, changes: true }) {
                self.reconcile(0).await?;
            }
            if self.session.unasked.arrivals {
                self.fetch_arrivals().await?;
            }
            if self.session.unasked.changes || swept.elapsed() >= self.session.tuning.sweep {
                self.reconcile(0).await?;
                swept = Instant::now();
            }
            self.hand.flush().await?;
            self.hand.inbox().state(AccountState::Live);
            if others.elapsed() >= self.session.tuning.others {
                self.look_at_others().await?;
                others = Instant::now();
                continue;
            }
            if !self.session.unasked.arrivals {
                self.wait(others + self.session.tuning.others).await?;
            }
        }
        Ok(())
    }

    async fn back_to_inbox(&mut self) -> Result<()> {
        if self.session.selected.name != self.folders[0].source.mailbox {
            self.visit(0).await?;
            self.arrivals(0).await?;
        }
        Ok(())
    }

    /// The shortest way from the server's word to the message: ask for it at once; list only when many came.
    async fn fetch_arrivals(&mut self) -> Result<()> {
        let grown = self.session.grown();
        let few = (1..=FEW).contains(&grown);
        let covered = self.folders[0].cursor.as_ref().map(|cursor| cursor.high);
        let Some(high) = covered.filter(|_| few) else { return self.arrivals(0).await };
        self.session.look_at_arrivals();
        let source = self.folders[0].source.clone();
        let Some(outcome) = self.reader(&source).from(high.saturating_add(1), grown).await? else {
            return self.arrivals(0).await;
        };
        let Some(last) = outcome.last() else { return Ok(()) };
        self.announce(outcome.came.len() as u64, high + 1, last);
        let Some(mut cursor) = self.folders[0].cursor.take() else { return Ok(()) };
        cursor.high = last;
        self.remember(&mut cursor, outcome.came.into_iter().collect::<UidSet>());
        self.store_cursor(0, cursor).await?;
        self.hand.flush().await
    }

    /// Asks for the state of the folders beside INBOX and visits those that have changed.
    async fn look_at_others(&mut self) -> Result<()> {
        for place in 1..self.folders.len() {
            let mailbox = self.folders[place].source.mailbox.clone();
            let glimpse = match self.session.status(&mailbox).await {
                Ok(glimpse) => glimpse,
                Err(MailError::Refused { .. }) => continue,
                Err(other) => return Err(other),
            };
            if glimpse != self.folders[place].glimpse && self.visit(place).await? {
                self.folders[place].glimpse = glimpse;
                self.reconcile(place).await?;
                self.arrivals(place).await?;
            }
        }
        self.ask_for_owed().await?;
        self.back_to_inbox().await
    }

    /// Waits until the server says something, or until `due`.
    async fn wait(&mut self, due: Instant) -> Result<()> {
        if self.session.capabilities.has("IDLE") { self.idle(due).await } else { self.poll(due).await }
    }

    async fn poll(&mut self, due: Instant) -> Result<()> {
        sleep(self.session.tuning.poll.min(due.saturating_duration_since(Instant::now()))).await;
        self.session.run("NOOP", "say whether something is new", |_| {}).await?;
        Ok(())
    }

    async fn idle(&mut self, due: Instant) -> Result<()> {
        let renew = Instant::now() + self.session.tuning.idle_renew;
        let (sent, limit) = (self.session.send("IDLE").await?, self.session.tuning.command.saturating_mul(2));
        self.session.idling = true;
        if !within(limit, self.begins_to_idle(&sent)).await? {
            tracing::warn!(target: "skrynka::email", "Idle refused, polling instead");
            self.session.capabilities.forget("IDLE");
            self.session.idling = false;
            return Ok(());
        }
        self.listen_until(due.min(renew)).await?;
        self.session.send_line("DONE").await?;
        self.session.idling = false;
        // A connection that died in silence shows here: nothing answers.
        within(limit, self.idle_ends(&sent)).await?;
        if Instant::now() >= renew {
            tracing::debug!(target: "skrynka::email", "Idle renewed");
        }
        Ok(())
    }

    /// Waits for the server's consent to IDLE.
    async fn begins_to_idle(&mut self, sent: &str) -> Result<bool> {
        loop {
            match self.session.step(sent, "wait for news", self.session.tuning.command).await {
                Ok(Step::Reply(Reply::Continue(_))) => return Ok(true),
                Ok(Step::Reply(_)) => {}
                Ok(Step::Done(_)) | Err(MailError::Refused { .. }) => return Ok(false),
                Err(other) => return Err(other),
            }
        }
    }

    async fn idle_ends(&mut self, sent: &str) -> Result<()> {
        while let Step::Reply(_) = self.session.step(sent, "end the wait", self.session.tuning.command).await? {}
        Ok(())
    }

    async fn listen_until(&mut self, end: Instant) -> Result<()> {
        let quiet = Unasked::default();
        while self.session.unasked == quiet {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let (slice, asleep) = (left.min(LOOK_AT_CLOCK), self.clock.now());
            // A server that sends a word a byte at a time must not keep the connection from being renewed.
            let Ok(heard) = timeout_at(end, self.session.read(slice)).await else { return Ok(()) };
            match heard {
                Ok(_) => {}
                Err(MailError::Silent(_)) if slept(asleep, self.clock.now(), slice) => {
                    tracing::info!(target: "skrynka::email", "The computer slept, asking the server");
                    return Ok(());
                }
                Err(MailError::Silent(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }
}

/// The monotonic clock stands still while the computer sleeps; the wall clock does not.
fn slept(before: OffsetDateTime, after: OffsetDateTime, waited: Duration) -> bool {
    after - before > waited + Duration::from_secs(10)
}
