//! The event monitor: who is told what, and the last events.

use serde::{Deserialize, Serialize};
use specta::Type;

/// What the monitor shows, and the events since it was told last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct EventsWatched {
    /// The windows that subscribe.
    pub windows: Vec<SubscriberView>,
    /// The programs that listen for the bureau, here and at other computers; null while the database does not answer.
    pub programs: Option<Vec<ListeningProgram>>,
    /// New events, oldest first.
    pub events: Vec<EventView>,
}

/// A window that subscribes to events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SubscriberView {
    /// Which window.
    pub window: String,
    /// Since when.
    pub since: String,
    /// When it last said that it lives.
    pub heartbeat_at: Option<String>,
    /// The number of the last event with facts that was sent.
    pub sent: u32,
    /// The last one that it has confirmed.
    pub confirmed: u32,
    /// How many are on their way.
    pub queue: u32,
    /// Events of the last minute.
    pub per_minute: u32,
    /// Everything that was sent since the program started.
    pub kib: u32,
}

/// A program that listens to accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ListeningProgram {
    /// What it calls itself: which program, on which computer.
    pub name: String,
    /// To how many accounts it listens.
    pub accounts: u32,
    /// Since when.
    pub since: String,
    /// Whether it still says that it lives.
    pub valid: bool,
}

/// An event that was sent to the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct EventView {
    /// Which one; grows.
    pub id: u32,
    /// When it was sent.
    pub at: String,
    /// `facts_arrived`, `accounts_changed`, `status_changed` or `preferences_changed`.
    pub name: String,
    /// Its number among those with facts.
    pub number: Option<u32>,
    /// The kinds of its facts.
    pub kinds: Vec<EventKinds>,
    /// The account that all of its facts are of.
    pub account: Option<String>,
    /// Whether its facts are of several accounts.
    pub several: bool,
    /// The highest number of the journal in it.
    pub seq: Option<u32>,
    /// Its size.
    pub bytes: u32,
    /// Milliseconds since its earliest fact was written; null where that is not known.
    pub delay_ms: Option<u32>,
}

/// How many facts of a kind an event has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct EventKinds {
    /// The kind, as in `message_stored`.
    pub kind: String,
    /// How many.
    pub count: u32,
}

/// What an event tells, by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct EventContent {
    /// Its first facts.
    pub facts: Vec<EventFact>,
    /// How many more it has.
    pub more: u32,
}

/// A fact of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct EventFact {
    /// Its kind.
    pub kind: String,
    /// Whose sequence it belongs to.
    pub account: String,
    /// Its number there.
    pub seq: u32,
    /// Of which conversation.
    pub conversation: Option<String>,
    /// Of which message.
    pub message: Option<String>,
    /// When it was written, by the database's clock.
    pub at: String,
}
