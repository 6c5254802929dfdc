//! The event monitor, and the heartbeat by which a window confirms what it has taken.

use std::time::Duration;

use skrynka_core::clock::{Clock as _, SystemClock};
use tauri::ipc::Channel;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{DeskState, not_found};
use crate::{
    desk::Desk,
    monitor,
    window::MAIN,
    wire::{EventContent, EventsWatched, ListeningProgram, WireError},
};

/// Who watches hears of new events at most this often.
const OFTEN: Duration = Duration::from_millis(250);
/// And this often when nothing happens: rates fall.
const ANYWAY: Duration = Duration::from_secs(2);
/// The leases are read at most this often.
const LEASES: Duration = Duration::from_secs(5);

/// The window lives, and has taken the events with facts up to the number `confirmed`. Returns the number of the last
/// that was sent.
#[tauri::command]
#[specta::specta]
pub async fn heartbeat(desk: DeskState<'_>, confirmed: u32) -> Result<u32, WireError> {
    tracing::debug!(target: "skrynka::events", window = MAIN, confirmed, "Heartbeat received");
    let sent = desk.monitor.heartbeat(confirmed, SystemClock.now());
    tracing::debug!(target: "skrynka::events", window = MAIN, sent, "Heartbeat answered");
    Ok(sent)
}

/// Tells the channel who subscribes and which events are sent, from the last few hundred on. Returns the number that
/// ends it.
#[tauri::command]
#[specta::specta]
pub async fn watch_events(desk: DeskState<'_>, watched: Channel<EventsWatched>) -> Result<u32, WireError> {
    let stop = CancellationToken::new();
    let number = desk.add_follower(stop.clone());
    let ended = desk.tasks().stopping();
    let watching = desk.inner().clone();
    desk.tasks().spawn("watch events", async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = ended.cancelled() => {}
            () = watch(&watching, &watched) => {}
        }
    });
    Ok(number)
}

/// Ends watching.
#[tauri::command]
#[specta::specta]
pub async fn unwatch_events(desk: DeskState<'_>, watcher: u32) -> Result<(), WireError> {
    desk.remove_follower(watcher);
    Ok(())
}

/// What an event tells, by id, as long as it is kept.
#[tauri::command]
#[specta::specta]
pub async fn event_content(desk: DeskState<'_>, event: u32) -> Result<EventContent, WireError> {
    desk.monitor.content(event).ok_or_else(not_found)
}

async fn watch(desk: &Desk, watched: &Channel<EventsWatched>) {
    let mut last = 0;
    let mut programs = None;
    let mut read_at: Option<Instant> = None;
    loop {
        let changed = desk.monitor.changed.notified();
        if read_at.is_none_or(|at| at.elapsed() >= LEASES) {
            programs = leases(desk).await;
            read_at = Some(Instant::now());
        }
        let windows = desk.monitor.windows(SystemClock.now());
        let (events, newest) = desk.monitor.events(last);
        last = newest;
        if watched.send(EventsWatched { windows, programs: programs.clone(), events }).is_err() {
            return;
        }
        tokio::time::sleep(OFTEN).await;
        let _changed_or_not = tokio::time::timeout(ANYWAY, changed).await;
    }
}

async fn leases(desk: &Desk) -> Option<Vec<ListeningProgram>> {
    let office = desk.office().await.ok()?;
    let leases = tokio::time::timeout(LEASES, office.bureau.store.leases()).await.ok()?.ok()?;
    Some(monitor::programs(&leases))
}
