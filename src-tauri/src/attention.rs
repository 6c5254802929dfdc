//! Looks by itself whether anything wants a person, so that nobody has to open a page to learn it.

use std::time::Duration;

use tauri_specta::Event as _;

use crate::{
    checks::{self, Look},
    desk::{Desk, Office},
    wire::{AttentionChanged, Check, CheckState},
};

/// The first look comes once the listeners have had time to sign in …
const FIRST: Duration = Duration::from_secs(60);
/// … and then one follows this often.
const EVERY: Duration = Duration::from_secs(300);

/// Looks on a schedule and tells the window how many checks want a person, until it is dropped.
pub async fn watch(desk: &Desk, office: &Office) {
    tokio::time::sleep(FIRST).await;
    let mut said = Vec::new();
    loop {
        let mut checks = checks::bureau_checks(&office.bureau, Look::Brief).await;
        checks.push(checks::window_checks(office.bureau.clock.now(), Some(&desk.monitor)));
        if let Ok(ground) = desk.ground() {
            checks.extend(checks::ground_checks(ground).await);
            checks.push(checks::secrets_check(ground, &office.bureau.secrets).await);
            checks::remember(ground, &mut checks).await;
        }
        tell(desk, &checks);
        said = note(&checks, &said);
        tokio::time::sleep(EVERY).await;
    }
}

/// Tells the window how many of these checks want a person.
pub fn tell(desk: &Desk, checks: &[Check]) {
    if let Some(handle) = desk.handle()
        && let Err(error) = (AttentionChanged { needing: checks::needing(checks) }).emit(handle)
    {
        tracing::warn!(target: "skrynka::events", error = %error, "Event not sent");
    }
}

/// Writes into the log what was not wrong at the last look.
fn note(checks: &[Check], before: &[(String, Option<String>)]) -> Vec<(String, Option<String>)> {
    let wrong = checks.iter().filter(|check| matches!(check.state, CheckState::Warn | CheckState::Failed));
    let mut now = Vec::new();
    for check in wrong {
        let key = (check.name.clone(), check.account.clone());
        if !before.contains(&key) {
            let (name, detail, repair) = (&check.name, &check.detail, &check.repair);
            tracing::warn!(target: "skrynka::app", check = name, account = check.account, detail, repair, "Check failed");
        }
        now.push(key);
    }
    now
}
