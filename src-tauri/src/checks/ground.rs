//! What stands without a database: the programs, the keyring, the disk, the log, defects.

use std::path::Path;

use skrynka_core::{
    engine::blocking,
    logbook::{PanicNote, PanicNotes, Stats},
    model::AccountId,
    profile::Profile,
    secrets::Secrets,
};
use time::{Duration, OffsetDateTime};

use super::check;
use crate::{
    backups,
    wire::{Check, CheckState, stamp},
    wiring::{Ground, free_bytes},
};

/// A daily backup that is older has been missed.
const OLD_BACKUP: Duration = Duration::hours(48);
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

/// Looks at the disk, at what panics have left on it, and at the last backup.
pub(super) async fn on_disk(ground: &Ground) -> Vec<Check> {
    let (now, profile, notes) = (ground.clock.now(), ground.profile.clone(), ground.panics());
    match blocking(move || vec![disk(now, profile.root()), panics(now, &notes), backup(now, &profile)]).await {
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

/// The age of the last daily backup; none is made of a team's server, and none where nobody chose a folder.
fn backup(now: OffsetDateTime, profile: &Profile) -> Check {
    let Ok(settings) = profile.settings() else {
        return check(now, "backup", CheckState::Unknown, "the settings cannot be read".to_owned(), None);
    };
    if settings.database.server_url.is_some() {
        return check(now, "backup", CheckState::Ok, "the server is backed up where it runs".to_owned(), None);
    }
    if settings.backup.folder.is_none() {
        return check(now, "backup", CheckState::Unknown, "no folder is chosen".to_owned(), None);
    }
    let last = backups::last(profile);
    match (last.made_at, last.error) {
        (Some(made), None) if now - made <= OLD_BACKUP => {
            let tried = if last.tried_out { "restored on trial" } else { "not tried out" };
            check(now, "backup", CheckState::Ok, format!("made at {}, {tried}", stamp(made)), None)
        }
        (Some(made), error) => {
            let why = error.map(|error| format!("; {error}")).unwrap_or_default();
            check(now, "backup", CheckState::Warn, format!("the last one is of {}{why}", stamp(made)), Some("backup"))
        }
        (None, Some(error)) => check(now, "backup", CheckState::Warn, error, Some("backup")),
        (None, None) => check(now, "backup", CheckState::Unknown, "the first one is still to come".to_owned(), None),
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
