//! The window: whether what is told reaches it.

use time::{Duration, OffsetDateTime};

use super::check;
use crate::{
    monitor::Monitor,
    wire::{Check, CheckState, Finding, count},
};

/// The window says every ten seconds that it lives.
const QUIET: Duration = Duration::seconds(45);

/// Whether the window has what it was sent. `None`: there is no window to ask here.
pub fn window_checks(now: OffsetDateTime, monitor: Option<&Monitor>) -> Check {
    let Some(monitor) = monitor else {
        return check(now, "events", CheckState::Unknown, Finding::NoWindow, None);
    };
    let Some(path) = monitor.path() else {
        return check(now, "events", CheckState::Unknown, Finding::NoSubscription, None);
    };
    let queue = path.sent.saturating_sub(path.confirmed);
    let quiet = now - path.heartbeat_at.unwrap_or(path.since);
    let finding = Finding::Events {
        sent: count(path.sent),
        confirmed: count(path.confirmed),
        quiet_s: count(quiet.whole_seconds().max(0)),
    };
    let state = if quiet > QUIET { CheckState::Warn } else { CheckState::Ok };
    // What was sent is confirmed with the next beat at the latest.
    let state = if queue > 0 && quiet > QUIET { CheckState::Failed } else { state };
    check(now, "events", state, finding, (state != CheckState::Ok).then_some("reload_window"))
}
