//! What the event monitor shows: who is told what, what has arrived there, and the last few hundred events.

use std::{
    collections::VecDeque,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use skrynka_core::{
    model::AccountId,
    store::{HeldLease, JournalEntry},
};
use time::OffsetDateTime;
use tokio::sync::Notify;

use crate::{
    window::MAIN,
    wire::{EventContent, EventFact, EventKinds, EventView, ListeningProgram, SubscriberView, count, stamp},
};

/// So many events are kept.
const KEPT: usize = 300;
/// So many facts of one event can be shown by name.
const NAMED: usize = 20;
/// The rate is of so many seconds.
const SECONDS: usize = 60;

/// The events that were sent to the window, and how far it has confirmed them. Costs a few copies for each event.
#[derive(Default)]
pub struct Monitor {
    state: Mutex<State>,
    /// Something was sent or confirmed.
    pub changed: Notify,
}

#[derive(Default)]
struct State {
    window: Option<Subscriber>,
    events: VecDeque<Event>,
    /// The number of the event that was kept last.
    last: u32,
    /// The number of the event with facts that was sent last. The window confirms these.
    sent: u32,
    bytes: u64,
    rate: Rate,
}

/// How far a window is behind what was sent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPath {
    /// When it subscribed.
    pub since: OffsetDateTime,
    /// When it last said that it lives.
    pub heartbeat_at: Option<OffsetDateTime>,
    /// The number that was sent last.
    pub sent: u32,
    /// The number that it has confirmed.
    pub confirmed: u32,
}

struct Subscriber {
    since: OffsetDateTime,
    heartbeat_at: Option<OffsetDateTime>,
    confirmed: u32,
}

struct Event {
    id: u32,
    at: OffsetDateTime,
    name: &'static str,
    number: Option<u32>,
    told: Told,
    bytes: u32,
}

/// What an event tells of the journal.
#[derive(Default)]
pub struct Told {
    kinds: Vec<(&'static str, u32)>,
    account: Option<AccountId>,
    /// Whether it tells of more accounts than that one.
    more_accounts: bool,
    facts: Vec<JournalEntry>,
    count: u32,
    /// The highest number in it.
    seq: i64,
    /// When the earliest of it was written, by the database's clock.
    earliest: Option<OffsetDateTime>,
}

impl Told {
    /// Adds a fact.
    pub fn add(&mut self, entry: &JournalEntry) {
        let kind = entry.fact.kind.as_str();
        match self.kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => self.kinds.push((kind, 1)),
        }
        self.more_accounts |= self.account.is_some_and(|account| account != entry.account);
        self.account.get_or_insert(entry.account);
        if self.facts.len() < NAMED {
            self.facts.push(*entry);
        }
        self.count += 1;
        self.seq = self.seq.max(entry.seq);
        self.earliest = Some(self.earliest.map_or(entry.at, |earliest| earliest.min(entry.at)));
    }
}

/// Events of the last minute, second by second.
struct Rate([(i64, u32); SECONDS]);

impl Default for Rate {
    fn default() -> Self {
        Self([(0, 0); SECONDS])
    }
}

impl Rate {
    fn add(&mut self, now: OffsetDateTime) {
        let second = now.unix_timestamp();
        let place = usize::try_from(second.rem_euclid(60)).unwrap_or_default();
        if let Some(slot) = self.0.get_mut(place) {
            *slot = if slot.0 == second { (second, slot.1 + 1) } else { (second, 1) };
        }
    }

    fn per_minute(&self, now: OffsetDateTime) -> u32 {
        let now = now.unix_timestamp();
        self.0.iter().filter(|(second, _)| (0..60).contains(&(now - second))).map(|(_, count)| count).sum()
    }
}

impl Monitor {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A window subscribes. Returns the number of the last event that it need not wait for.
    pub fn subscribed(&self, now: OffsetDateTime) -> u32 {
        let mut state = self.state();
        let confirmed = state.sent;
        state.window = Some(Subscriber { since: now, heartbeat_at: None, confirmed });
        self.changed.notify_waiters();
        confirmed
    }

    /// The window's pages are gone.
    #[cfg(any(target_os = "linux", test))]
    pub fn window_gone(&self) {
        self.state().window = None;
        self.changed.notify_waiters();
    }

    /// The window says that it lives and which event with facts it has taken last. Returns the last that was sent.
    pub fn heartbeat(&self, confirmed: u32, now: OffsetDateTime) -> u32 {
        let mut state = self.state();
        let sent = state.sent;
        if let Some(window) = &mut state.window {
            window.heartbeat_at = Some(now);
            window.confirmed = window.confirmed.max(confirmed.min(sent));
        }
        self.changed.notify_waiters();
        sent
    }

    /// Takes the next number for an event with facts.
    pub fn number(&self) -> u32 {
        let mut state = self.state();
        state.sent = state.sent.wrapping_add(1);
        state.sent
    }

    /// Keeps an event that was sent.
    pub fn sent(&self, name: &'static str, number: Option<u32>, told: Told, bytes: usize, now: OffsetDateTime) {
        let mut state = self.state();
        state.last = state.last.wrapping_add(1);
        state.bytes = state.bytes.saturating_add(bytes.try_into().unwrap_or(0));
        state.rate.add(now);
        let event = Event { id: state.last, at: now, name, number, told, bytes: count(bytes) };
        if state.events.len() >= KEPT {
            state.events.pop_front();
        }
        state.events.push_back(event);
        drop(state);
        self.changed.notify_waiters();
    }

    /// How far the window is behind; `None` where none has subscribed.
    pub fn path(&self) -> Option<EventPath> {
        let state = self.state();
        let path = |window: &Subscriber| EventPath {
            since: window.since,
            heartbeat_at: window.heartbeat_at,
            sent: state.sent,
            confirmed: window.confirmed,
        };
        state.window.as_ref().map(path)
    }

    /// Who is told.
    pub fn windows(&self, now: OffsetDateTime) -> Vec<SubscriberView> {
        let state = self.state();
        let view = |window: &Subscriber| SubscriberView {
            window: MAIN.to_owned(),
            since: stamp(window.since),
            heartbeat_at: window.heartbeat_at.map(stamp),
            sent: state.sent,
            confirmed: window.confirmed,
            queue: state.sent.saturating_sub(window.confirmed),
            per_minute: state.rate.per_minute(now),
            kib: count(state.bytes >> 10),
        };
        state.window.as_ref().map(view).into_iter().collect()
    }

    /// The events that were kept after the one numbered `after`, oldest first, with the number of the last.
    pub fn events(&self, after: u32) -> (Vec<EventView>, u32) {
        let state = self.state();
        (state.events.iter().filter(|event| event.id > after).map(Event::view).collect(), state.last)
    }

    /// What an event tells, by name; `None` once it is not kept any more.
    pub fn content(&self, id: u32) -> Option<EventContent> {
        let state = self.state();
        let told = &state.events.iter().find(|event| event.id == id)?.told;
        let fact = |entry: &JournalEntry| EventFact {
            kind: entry.fact.kind.as_str().to_owned(),
            account: entry.account.to_string(),
            seq: count(entry.seq),
            conversation: entry.fact.conversation.map(|id| id.to_string()),
            message: entry.fact.message.map(|id| id.to_string()),
            at: stamp(entry.at),
        };
        let more = told.count.saturating_sub(count(told.facts.len()));
        Some(EventContent { facts: told.facts.iter().map(fact).collect(), more })
    }
}

impl Event {
    fn view(&self) -> EventView {
        let told = &self.told;
        let delay = told.earliest.map(|earliest| (self.at - earliest).whole_milliseconds());
        EventView {
            id: self.id,
            at: stamp(self.at),
            name: self.name.to_owned(),
            number: self.number,
            kinds: told.kinds.iter().map(|(kind, n)| EventKinds { kind: (*kind).to_owned(), count: *n }).collect(),
            account: told.account.filter(|_| !told.more_accounts).map(|account| account.to_string()),
            several: told.more_accounts,
            seq: (told.count > 0).then(|| count(told.seq)),
            bytes: self.bytes,
            // The database's clock may be ahead of this computer's.
            delay_ms: delay.and_then(|ms| u32::try_from(ms).ok()),
        }
    }
}

/// The programs that listen for the bureau, as their leases tell.
pub fn programs(leases: &[HeldLease]) -> Vec<ListeningProgram> {
    let mut programs: Vec<(uuid::Uuid, ListeningProgram)> = Vec::new();
    for lease in leases {
        let since = stamp(lease.since);
        match programs.iter_mut().find(|(id, _)| *id == lease.holder.id) {
            Some((_, program)) => {
                program.accounts += 1;
                program.valid &= lease.valid;
                program.since = since.min(std::mem::take(&mut program.since));
            }
            None => programs.push((
                lease.holder.id,
                ListeningProgram { name: lease.holder.name.clone(), accounts: 1, since, valid: lease.valid },
            )),
        }
    }
    programs.into_iter().map(|(_, program)| program).collect()
}

/// How many bytes an event has on its way. Nothing is kept of it.
pub fn bytes(event: &impl Serialize) -> usize {
    struct Counter(usize);

    impl io::Write for Counter {
        fn write(&mut self, part: &[u8]) -> io::Result<usize> {
            self.0 += part.len();
            Ok(part.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let mut counter = Counter(0);
    serde_json::to_writer(&mut counter, event).map(|()| counter.0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use skrynka_core::store::{Fact, FactKind};
    use time::{Duration, macros::datetime};

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-27 10:00 UTC);

    fn told(accounts: &[u128]) -> Told {
        let mut told = Told::default();
        for (at, account) in accounts.iter().enumerate() {
            told.add(&JournalEntry {
                account: AccountId(uuid::Uuid::from_u128(*account)),
                seq: 7 + i64::try_from(at).unwrap(),
                fact: Fact { kind: FactKind::MessageStored, conversation: None, message: None },
                at: NOW - Duration::milliseconds(40),
            });
        }
        told
    }

    #[test]
    fn what_was_sent_and_not_confirmed_is_the_queue() {
        let monitor = Monitor::default();
        monitor.number();
        assert_eq!(monitor.subscribed(NOW), 1, "the snapshot holds what was told before");
        for _ in 0..3 {
            let number = monitor.number();
            monitor.sent("facts_arrived", Some(number), told(&[1]), 100, NOW);
        }
        assert_eq!(monitor.heartbeat(2, NOW), 4);
        // A word from an earlier page changes nothing.
        monitor.heartbeat(1, NOW);
        monitor.heartbeat(90, NOW - Duration::days(1));
        let window = monitor.windows(NOW + Duration::seconds(30)).remove(0);
        assert_eq!((window.sent, window.confirmed, window.queue, window.per_minute), (4, 4, 0, 3));
        assert_eq!(monitor.windows(NOW + Duration::seconds(61))[0].per_minute, 0);
        monitor.window_gone();
        assert_eq!(monitor.windows(NOW), []);
    }

    #[test]
    fn the_last_events_are_kept_and_what_they_name_is_bounded() {
        let monitor = Monitor::default();
        for _ in 0..KEPT + 20 {
            monitor.sent("facts_arrived", None, told(&[1; 50]), 100, NOW);
        }
        monitor.sent("facts_arrived", Some(9), told(&[1, 2]), 100, NOW);
        let (all, last) = monitor.events(0);
        assert_eq!((all.len(), last), (KEPT, 321));
        let newest = all.last().unwrap();
        assert_eq!(
            (newest.seq, newest.delay_ms, newest.several, newest.account.as_deref()),
            (Some(8), Some(40), true, None)
        );
        assert_eq!(monitor.events(last).0, []);
        assert_eq!(monitor.content(1), None, "it has made room");
        let content = monitor.content(320).unwrap();
        assert_eq!((content.facts.len(), content.more), (NAMED, 30));
    }
}
