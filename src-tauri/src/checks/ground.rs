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

use super::{check, failed_check, unknown_check};
use crate::{
    backups,
    wire::{Check, CheckState, ErrorCode, Finding, WireError, count, stamp},
    wiring::{Ground, free_bytes},
};

/// A daily backup that is older has been missed.
const OLD_BACKUP: Duration = Duration::hours(48);
/// Less room than this on the profile's disk is worth a warning.
const LITTLE_ROOM: u64 = 1 << 30;

/// Which programs these are. What draws the pages comes with the system and may be missing.
pub(super) fn versions(ground: &Ground) -> Check {
    let (state, webview, why) = match tauri::webview_version() {
        Ok(webview) => (CheckState::Ok, Some(webview), None),
        Err(error) => (CheckState::Unknown, None, Some(error.to_string())),
    };
    let (program, system) = (env!("CARGO_PKG_VERSION").to_owned(), std::env::consts::OS.to_owned());
    check(ground.clock.now(), "versions", state, Finding::Versions { program, webview, system, why }, None)
}

/// Looks at the disk, at what panics have left on it, and at the last backup.
pub(super) async fn on_disk(ground: &Ground) -> Vec<Check> {
    let (now, profile, notes) = (ground.clock.now(), ground.profile.clone(), ground.panics());
    match blocking(move || vec![disk(now, profile.root()), panics(now, &notes), backup(now, &profile)]).await {
        Ok(checks) => checks,
        Err(error) => vec![unknown_check(now, "disk", ErrorCode::Internal, error)],
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
        Ok(_) => {
            let store = secrets.kind().to_owned();
            check(now, "secrets", CheckState::Ok, Finding::SecretsAnswer { store }, None)
        }
        Err(error) => {
            let why = WireError { code: ErrorCode::Secrets, detail: skrynka_core::chain(&error) };
            failed_check(now, "secrets", why, Some("open_vault"))
        }
    }
}

fn disk(now: OffsetDateTime, root: &Path) -> Check {
    let free = free_bytes(root);
    let (state, repair) = match free {
        Some(free) if free < LITTLE_ROOM => (CheckState::Warn, Some("free_disk")),
        Some(_) => (CheckState::Ok, None),
        None => (CheckState::Unknown, None),
    };
    check(now, "disk", state, Finding::Room { free_mib: free.map(|bytes| count(bytes >> 20)) }, repair)
}

/// The age of the last daily backup; none is made of a team's server, and none where nobody chose a folder.
fn backup(now: OffsetDateTime, profile: &Profile) -> Check {
    let settings = match profile.settings() {
        Ok(settings) => settings,
        Err(error) => return unknown_check(now, "backup", ErrorCode::File, skrynka_core::chain(&error)),
    };
    let (state, finding) = if settings.database.server_url.is_some() {
        (CheckState::Ok, Finding::BackupElsewhere)
    } else if settings.backup.folder.is_none() {
        (CheckState::Unknown, Finding::BackupNoFolder)
    } else {
        let last = backups::last(profile);
        match (last.made_at, last.error) {
            (Some(made), why) => {
                let fresh = why.is_none() && now - made <= OLD_BACKUP;
                let state = if fresh { CheckState::Ok } else { CheckState::Warn };
                (state, Finding::Backup { at: stamp(made), tried_out: last.tried_out, fresh, why })
            }
            (None, Some(why)) => (CheckState::Warn, Finding::NoBackup { why }),
            (None, None) => (CheckState::Unknown, Finding::BackupToCome),
        }
    };
    check(now, "backup", state, finding, (state == CheckState::Warn).then_some("backup"))
}

pub(super) async fn logs(ground: &Ground) -> Check {
    let now = ground.clock.now();
    let reader = ground.logbook.reader();
    let stats = blocking(move || reader.stats()).await;
    match stats {
        Ok(Ok(Stats { memory_only: Some(why), .. })) => {
            check(now, "logs", CheckState::Failed, Finding::LogInMemory { why }, None)
        }
        Ok(Ok(stats)) => {
            let state = if stats.dropped == 0 { CheckState::Ok } else { CheckState::Warn };
            let (kib, files, dropped) = (count(stats.bytes / 1024), count(stats.files), count(stats.dropped));
            check(now, "logs", state, Finding::Log { kib, files, dropped }, None)
        }
        Ok(Err(error)) => {
            let why = WireError { code: ErrorCode::File, detail: skrynka_core::chain(&error) };
            failed_check(now, "logs", why, None)
        }
        Err(error) => unknown_check(now, "logs", ErrorCode::Internal, error),
    }
}

/// Whether a panic has left a note that nobody has put aside.
fn panics(now: OffsetDateTime, notes: &PanicNotes) -> Check {
    let notes: Vec<PanicNote> = notes.all().into_iter().filter(|note| !note.seen).collect();
    match notes.first() {
        None => check(now, "panics", CheckState::Ok, Finding::NoPanics, None),
        Some(PanicNote { at, version, location, said, .. }) => {
            let finding = Finding::Panics {
                count: count(notes.len()),
                at: at.clone(),
                version: version.clone(),
                location: location.clone(),
                said: said.clone(),
            };
            check(now, "panics", CheckState::Warn, finding, Some("support_report"))
        }
    }
}
