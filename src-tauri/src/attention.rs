//! Looks by itself whether anything wants a person, so that nobody has to open a page to learn it.

use std::{collections::BTreeSet, sync::PoisonError, time::Duration};

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
    loop {
        let mut checks = checks::bureau_checks(&office.bureau, Look::Brief).await;
        checks.push(checks::window_checks(office.bureau.clock.now(), Some(&desk.monitor)));
        if let Ok(ground) = desk.ground() {
            checks.extend(checks::ground_checks(ground).await);
            checks.push(checks::secrets_check(ground, &office.bureau.secrets).await);
            checks::remember(ground, &mut checks).await;
        }
        tell(desk, &checks);
        tokio::time::sleep(EVERY).await;
    }
}

/// Tells the window how many of these checks want a person, and the log what was not wrong at the last look.
pub fn tell(desk: &Desk, checks: &[Check]) {
    note(checks, &mut desk.wrong.lock().unwrap_or_else(PoisonError::into_inner));
    if let Some(handle) = desk.handle()
        && let Err(error) = (AttentionChanged { needing: checks::needing(checks) }).emit(handle)
    {
        tracing::warn!(target: "skrynka::events", error = %error, "Event not sent");
    }
}

/// A check, and the account that it is about.
pub type About = (String, Option<String>);

fn about(check: &Check) -> About {
    (check.name.clone(), check.account.clone())
}

/// Writes into the log what is wrong and was not, and what was wrong and is not. What nobody could look at stays as it was.
fn note(checks: &[Check], wrong: &mut BTreeSet<About>) {
    let mut failing = BTreeSet::new();
    for check in checks.iter().filter(|check| matches!(check.state, CheckState::Warn | CheckState::Failed)) {
        if wrong.insert(about(check)) {
            let (name, detail, repair) = (&check.name, checks::said(check), &check.repair);
            tracing::warn!(target: "skrynka::app", check = name, account = check.account, detail, repair, "Check failed");
        }
        failing.insert(about(check));
    }
    for check in checks.iter().filter(|check| check.state == CheckState::Ok) {
        if !failing.contains(&about(check)) && wrong.remove(&about(check)) {
            let (name, detail) = (&check.name, checks::said(check));
            tracing::info!(target: "skrynka::app", check = name, account = check.account, detail, "Check passes again");
        }
    }
    // What is only told of an account while it is wrong is over when it is told no more.
    wrong.retain(|one| one.1.is_none() || checks.iter().any(|check| about(check) == *one));
}
