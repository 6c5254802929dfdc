//! What stands without a database: the programs, the keyring, the disk, the log, defects.

use std::path::Path;

use skrynka_core::{
    engine::blocking,
    logbook::{PanicNote, PanicNotes, Stats},
    model::AccountId,
    secrets::Secrets,
};
use time::OffsetDateTime;

use super::check;
use crate::{
    wire::{Check, CheckState},
    wiring::{Ground, free_bytes},
};

/// Less room than this on the profile's disk is worth a warning.
const LITTLE_ROOM: u64 = 1 << 30;

/// Which programs these are. What draws the pages comes with the system and may be missing.
pub(super) fn versions(ground: &Ground) -> Check {
    let (version, system) = (env!("CARGO_PKG_VERSION"), std::env::consts::OS);
    let now = ground.clock.now();
    match tauri::webview_version() {
        Ok(webview) => {
            check(now, "versions", CheckState::Ok, format!("Skrynka {version}, webview {webview}, {system}"), None)
        }
        Err(error) => {
            let detail = format!("Skrynka {version}, {system}; no webview: {error}");
            check(now, "versions", CheckState::Unknown, detail, None)
        }
    }
}

/// Looks at the disk and at what panics have left on it.
pub(super) async fn disk_and_panics(ground: &Ground) -> Vec<Check> {
    let (now, root, notes) = (ground.clock.now(), ground.profile.root().to_owned(), ground.panics());
    match blocking(move || vec![disk(now, &root), panics(now, &notes)]).await {
        Ok(checks) => checks,
        Err(error) => vec![check(now, "disk", CheckState::Unknown, error, None)],
    }
}

/// Reads a secret that need not exist: what counts is that the store answers.
pub async fn secrets_check(ground: &Ground, secrets: &Secrets) -> Check {
    let now = ground.clock.now();
    let name = skrynka_core::secrets::SecretName {
        kind: skrynka_core::secrets::SecretKind::DatabasePassword,
        account: AccountId::BUREAU,
    };
    match secrets.get(name).await {
        Ok(_) => check(now, "secrets", CheckState::Ok, format!("the {} answers", secrets.kind()), None),
        Err(error) => check(now, "secrets", CheckState::Failed, skrynka_core::chain(&error), Some("open_vault")),
    }
}

fn disk(now: OffsetDateTime, root: &Path) -> Check {
    match free_bytes(root) {
        Some(free) if free < LITTLE_ROOM => {
            check(now, "disk", CheckState::Warn, format!("{} MiB free", free >> 20), Some("free_disk"))
        }
        Some(free) => check(now, "disk", CheckState::Ok, format!("{} MiB free", free >> 20), None),
        None => check(now, "disk", CheckState::Unknown, "the free room is not known".to_owned(), None),
    }
}

pub(super) async fn logs(ground: &Ground) -> Check {
    let now = ground.clock.now();
    let reader = ground.logbook.reader();
    let stats = blocking(move || reader.stats()).await;
    match stats {
        Ok(Ok(Stats { memory_only: Some(reason), .. })) => check(now, "logs", CheckState::Failed, reason, None),
        Ok(Ok(stats)) => {
            let state = if stats.dropped == 0 { CheckState::Ok } else { CheckState::Warn };
            let detail =
                format!("{} KiB in {} files, {} lines dropped", stats.bytes / 1024, stats.files, stats.dropped);
            check(now, "logs", state, detail, None)
        }
        Ok(Err(error)) => check(now, "logs", CheckState::Failed, skrynka_core::chain(&error), None),
        Err(error) => check(now, "logs", CheckState::Unknown, error, None),
    }
}

/// Whether a panic has left a note that nobody has put aside.
fn panics(now: OffsetDateTime, notes: &PanicNotes) -> Check {
    let notes: Vec<PanicNote> = notes.all().into_iter().filter(|note| !note.seen).collect();
    match notes.first() {
        None => check(now, "panics", CheckState::Ok, "no defect of the program was noted".to_owned(), None),
        Some(last) => {
            let PanicNote { at, version, location, said, .. } = last;
            let detail = format!("{} noted, the last {at} in version {version}, {location}: {said}", notes.len());
            check(now, "panics", CheckState::Warn, detail, Some("support_report"))
        }
    }
}
