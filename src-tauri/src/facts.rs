//! The journal's facts on their way to the window: gathered per frame, named by id.

use std::{collections::BTreeSet, sync::PoisonError, time::Duration};

use skrynka_core::{
    journal::{JournalReader, News},
    model::{AccountId, ConversationId, MessageId},
    store::{FactKind, JournalEntry, StoreError},
};
use tauri_specta::Event as _;
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::{
    desk::{Desk, Office},
    monitor::{self, Told},
    views,
    window::MAIN,
    wire::{AccountsChanged, ConversationKey, FactsArrived, MessageKey, count},
};

/// One frame of a screen: what happens within it is told together.
const FRAME: Duration = Duration::from_millis(16);
/// Account states are told at most this often.
const STATES: Duration = Duration::from_millis(200);
/// A database that has not told the accounts by then does not answer.
const READ_DEADLINE: Duration = Duration::from_secs(30);
/// More conversations or messages than this are not named: the window reads what it shows again.
const NAMED: usize = 200;
/// Conversations whose painting is waited for; beyond it the window is far behind anyway.
const UNPAINTED: usize = 1000;

/// Brings facts and account states to the window until it is dropped. `journal` was read from before the first
/// listener started, so that nothing falls between the window's snapshot and its first fact.
pub async fn pump(desk: &Desk, office: &Office, journal: JournalReader) {
    tokio::join!(facts(desk, office, journal), states(desk, office));
}

async fn facts(desk: &Desk, office: &Office, mut journal: JournalReader) {
    let mut accounts_changed = false;
    loop {
        // The reader keeps its place: what happens while the database is away is told once it is back.
        let Err(error) = follow(desk, office, &mut journal, &mut accounts_changed).await;
        tracing::warn!(target: "skrynka::events", error = skrynka_core::chain(&error), "Journal not read");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn follow(
    desk: &Desk,
    office: &Office,
    journal: &mut JournalReader,
    accounts_changed: &mut bool,
) -> Result<std::convert::Infallible, StoreError> {
    let mut last_sent = Instant::now();
    loop {
        if *accounts_changed {
            let followed = office.engine.follow_accounts().await;
            send_accounts(desk, office).await;
            followed?;
            *accounts_changed = false;
        }
        let mut frame = Frame::default();
        let mut seq = frame.take(journal.next().await?, office);
        // The first fact goes at once; what follows within a frame of the last event goes together.
        let until = last_sent + FRAME;
        let gathered = gather(&mut frame, &mut seq, journal, office, until).await;
        *accounts_changed |= frame.accounts;
        // The reader has passed what was gathered: it is told now or never.
        let now = office.bureau.clock.now();
        send(desk, &mut frame, seq, now);
        desk.recount.notify_one();
        office.news.add(frame.stored, frame.conversations.into_iter().chain(frame.merged));
        last_sent = Instant::now();
        gathered?;
    }
}

/// Adds what happens until the frame ends.
async fn gather(
    frame: &mut Frame,
    seq: &mut i64,
    journal: &mut JournalReader,
    office: &Office,
    until: Instant,
) -> Result<(), StoreError> {
    while Instant::now() < until {
        match tokio::time::timeout_at(until, journal.next()).await {
            Ok(news) => *seq = (*seq).max(frame.take(news?, office)),
            Err(_) => break,
        }
    }
    Ok(())
}

async fn states(desk: &Desk, office: &Office) {
    let mut changes = office.engine.watch_statuses();
    while changes.changed().await.is_ok() {
        send_accounts(desk, office).await;
        tokio::time::sleep(STATES).await;
    }
}

/// Tells the window how every account stands.
async fn send_accounts(desk: &Desk, office: &Office) {
    let read = tokio::time::timeout(READ_DEADLINE, views::accounts(office)).await;
    match read.unwrap_or_else(|_| Err(StoreError::no_answer().into())) {
        Ok(accounts) => {
            let Some(handle) = desk.handle() else { return };
            let event = AccountsChanged { accounts };
            match event.emit(handle) {
                Ok(()) => {
                    let bytes = monitor::bytes(&event);
                    desk.monitor.sent("accounts_changed", None, Told::default(), bytes, office.bureau.clock.now());
                }
                Err(error) => tracing::warn!(target: "skrynka::events", error = %error, "Event not sent"),
            }
        }
        Err(error) => tracing::debug!(target: "skrynka::events", error = error.detail, "Accounts not read"),
    }
}

/// What one event tells.
#[derive(Default)]
struct Frame {
    conversations: BTreeSet<(AccountId, ConversationId)>,
    merged: BTreeSet<(AccountId, ConversationId)>,
    stored: Vec<(AccountId, MessageId)>,
    messages: BTreeSet<(AccountId, MessageId)>,
    overflowed: bool,
    accounts: bool,
    /// What the monitor keeps of it.
    told: Told,
}

impl Frame {
    /// Adds what the journal says and returns the highest number in it.
    fn take(&mut self, news: News, office: &Office) -> i64 {
        match news {
            News::Overflowed => {
                self.overflowed = true;
                self.accounts = true;
                0
            }
            News::Facts(facts) => {
                for entry in &facts {
                    self.add(entry, office);
                }
                facts.iter().map(|entry| entry.seq).max().unwrap_or(0)
            }
        }
    }

    fn add(&mut self, entry: &JournalEntry, office: &Office) {
        self.told.add(entry);
        let key = entry.fact.conversation.map(|conversation| (entry.account, conversation));
        match (entry.fact.kind, key) {
            (FactKind::ConversationMerged, Some(key)) => {
                self.merged.insert(key);
            }
            (FactKind::MessageStored, Some(key)) => {
                self.stored.extend(entry.fact.message.map(|message| (entry.account, message)));
                self.conversations.insert(key);
                let mut unpainted = office.unpainted.lock().unwrap_or_else(PoisonError::into_inner);
                if unpainted.len() < UNPAINTED {
                    unpainted.insert(key, entry.at);
                }
            }
            (FactKind::MessageMarked | FactKind::MessageGone | FactKind::MessageEdited, Some(key)) => {
                self.conversations.insert(key);
                if self.messages.len() <= NAMED {
                    self.messages.extend(entry.fact.message.map(|message| (entry.account, message)));
                }
            }
            (FactKind::OutgoingChanged | FactKind::ConversationChanged, Some(key)) => {
                self.conversations.insert(key);
            }
            (FactKind::AccountAdded | FactKind::AccountChanged, _) => self.accounts = true,
            // Its conversations may have gone with it.
            (FactKind::AccountRemoved, _) => {
                self.accounts = true;
                self.overflowed = true;
            }
            // The engine tells its own states; those of another program are in its rows.
            (FactKind::AccountStateChanged, _) => {}
            (
                FactKind::ConversationMerged
                | FactKind::MessageStored
                | FactKind::MessageMarked
                | FactKind::MessageGone
                | FactKind::MessageEdited
                | FactKind::OutgoingChanged
                | FactKind::ConversationChanged,
                None,
            ) => self.overflowed = true,
        }
    }
}

fn send(desk: &Desk, frame: &mut Frame, seq: i64, now: OffsetDateTime) {
    let Some(handle) = desk.handle() else { return };
    if frame.conversations.is_empty() && frame.merged.is_empty() && !frame.overflowed {
        return;
    }
    let overflowed = frame.overflowed || frame.conversations.len() > NAMED;
    let key = |(account, id): &(AccountId, ConversationId)| ConversationKey {
        account: account.to_string(),
        id: id.to_string(),
    };
    let message =
        |(account, id): &(AccountId, MessageId)| MessageKey { account: account.to_string(), id: id.to_string() };
    let number = desk.monitor.number();
    let event = FactsArrived {
        number,
        conversations: if overflowed { Vec::new() } else { frame.conversations.iter().map(key).collect() },
        merged: frame.merged.iter().map(key).collect(),
        messages: (frame.messages.len() <= NAMED).then(|| frame.messages.iter().map(message).collect()),
        new_messages: count(frame.stored.len()),
        overflowed,
        counts_changed: true,
    };
    let conversations = event.conversations.len();
    match event.emit(handle) {
        Ok(()) => {
            let bytes = monitor::bytes(&event);
            tracing::debug!(
                target: "skrynka::events",
                kind = "facts_arrived", number, seq, window = MAIN, bytes, conversations, overflowed,
                "Event sent"
            );
            desk.monitor.sent("facts_arrived", Some(number), std::mem::take(&mut frame.told), bytes, now);
        }
        Err(error) => tracing::warn!(target: "skrynka::events", error = %error, "Event not sent"),
    }
}
