//! Backups of the private database: the same for the window and the command line; every day where a folder was chosen.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use skrynka_core::{
    backup::{self, BackupError},
    chain, files,
    model::Account,
    postgres::BinarySearch,
    profile::{Profile, ProfileError},
    secrets::{SecretKind, SecretName, Secrets},
    store::StoreError,
};
use skrynka_mail::Credential;
use time::OffsetDateTime;

use crate::{
    wire::{ErrorCode, WireError},
    wiring::{Bureau, Ground},
};

/// How often it is looked whether a backup is due.
const LOOK_EVERY: Duration = Duration::from_secs(600);
/// The first look waits until the start's own work is done.
const FIRST_LOOK: Duration = Duration::from_secs(120);
/// A backup that is older is followed by another one.
const DAY: time::Duration = time::Duration::hours(24);
/// After one that failed, the next is tried so much later.
const AGAIN: time::Duration = time::Duration::hours(1);
/// So many daily backups are kept.
const KEPT: usize = 7;
/// Where the outcome of the last daily one stands, in the profile.
const NOTE: &str = "backup.json";

/// Why there is no backup, or why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupsError {
    /// The database is the team's: whoever runs that server backs it up.
    #[error("this profile uses the team's database server, which is backed up where it runs")]
    TeamServer,
    /// See [`BackupError`].
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The profile could not be read.
    #[error(transparent)]
    Profile(#[from] ProfileError),
}

impl From<BackupsError> for WireError {
    fn from(error: BackupsError) -> Self {
        let detail = chain(&error);
        let code = match error {
            BackupsError::TeamServer => ErrorCode::NotOffered,
            BackupsError::Backup(error) => match error {
                BackupError::NotABackup(_) => ErrorCode::BackupForeign,
                BackupError::Damaged { .. } => ErrorCode::BackupDamaged,
                BackupError::Newer { .. } => ErrorCode::BackupNewer,
                BackupError::NoRoom { .. } | BackupError::Io { .. } => ErrorCode::File,
                BackupError::Restore(_) | BackupError::Store(_) | BackupError::Trial(_) => ErrorCode::Database,
            },
            BackupsError::Store(_) => ErrorCode::Database,
            BackupsError::Profile(_) => ErrorCode::File,
        };
        Self { code, detail }
    }
}

/// A backup that was made.
#[derive(Debug, Clone)]
pub struct Made {
    /// When the database was as it is in there.
    pub made_at: OffsetDateTime,
    /// The file's size.
    pub bytes: u64,
    /// Accounts in it.
    pub accounts: i64,
    /// Messages in it.
    pub messages: i64,
    /// Whether it was restored on trial.
    pub tried_out: bool,
    /// Why it was not, where there was no room for that.
    pub untried: Option<String>,
}

/// What came out of a backup.
#[derive(Debug, Clone)]
pub struct Restored {
    /// When the database was as it is now.
    pub made_at: OffsetDateTime,
    /// Accounts in it.
    pub accounts: i64,
    /// Messages in it.
    pub messages: i64,
    /// Accounts that this computer has no password or session of: name and address.
    pub sign_in_again: Vec<String>,
}

/// The outcome of the last daily backup.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LastBackup {
    /// When the last one that is whole was made.
    #[serde(with = "time::serde::rfc3339::option")]
    pub made_at: Option<OffsetDateTime>,
    /// Its file.
    pub file: Option<PathBuf>,
    /// Its size.
    pub bytes: u64,
    /// Whether it was restored on trial.
    pub tried_out: bool,
    /// When one was last tried, whatever came of it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub looked_at: Option<OffsetDateTime>,
    /// Why the last try failed.
    pub error: Option<String>,
}

/// Writes a backup of the private database and, if asked for, restores it on trial.
///
/// # Errors
/// See [`BackupsError`]; a file that was there is as it was, save where only the trial failed.
pub async fn write(ground: &Ground, bureau: &Bureau, path: &Path, trial: bool) -> Result<Made, BackupsError> {
    if !bureau.has_private_database() {
        return Err(BackupsError::TeamServer);
    }
    let started = tokio::time::Instant::now();
    let manifest = backup::write(&bureau.store, path, ground.clock.now()).await?;
    let bytes = std::fs::metadata(path).map_or(0, |meta| meta.len());
    let ms = crate::desk::ms(started.elapsed());
    tracing::info!(target: "skrynka::store", bytes, messages = manifest.messages, ms, "Backup written");
    let (mut tried_out, mut untried) = (false, None);
    if trial {
        let binaries = BinarySearch {
            configured: ground.profile.settings()?.database.binaries,
            bundled: bureau.bundled_postgres(),
        };
        match backup::try_out(path, &ground.profile.cache_dir().join("trial"), binaries).await {
            Ok(_) => tried_out = true,
            Err(error @ BackupError::NoRoom { .. }) => untried = Some(chain(&error)),
            Err(error) => return Err(error.into()),
        }
        tracing::info!(target: "skrynka::store", tried_out, "Backup tried out");
    }
    Ok(Made {
        made_at: manifest.made_at,
        bytes,
        accounts: manifest.accounts,
        messages: manifest.messages,
        tried_out,
        untried,
    })
}

/// Fills the private database from a backup.
///
/// # Errors
/// See [`BackupsError`]; the database is as it was.
pub async fn restore(bureau: &Bureau, path: &Path, replace: bool) -> Result<Restored, BackupsError> {
    if !bureau.has_private_database() {
        return Err(BackupsError::TeamServer);
    }
    let (manifest, accounts) = backup::restore(&bureau.store, path, replace).await?;
    tracing::info!(target: "skrynka::store", messages = manifest.messages, "Backup restored");
    let mut sign_in_again = Vec::new();
    for account in &accounts {
        if !is_known(&bureau.secrets, account).await {
            sign_in_again.push(format!("{} ({})", account.name, account.address()));
        }
    }
    Ok(Restored { made_at: manifest.made_at, accounts: manifest.accounts, messages: manifest.messages, sign_in_again })
}

/// Whether this computer has the account's password, tokens or session.
async fn is_known(secrets: &Secrets, account: &Account) -> bool {
    let name = match &account.email {
        Some(settings) => Credential::name(settings.auth, account.id),
        None => SecretName { kind: SecretKind::TelegramSession, account: account.id },
    };
    matches!(secrets.get(name).await, Ok(Some(_)))
}

/// Tells how the last daily backup went.
pub fn last(profile: &Profile) -> LastBackup {
    let text = std::fs::read(profile.root().join(NOTE)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Makes a backup every day as long as the program listens and a folder is chosen, with a window or without.
pub async fn every_day(ground: &Ground, bureau: &Bureau) {
    if !bureau.has_private_database() {
        return;
    }
    tokio::time::sleep(FIRST_LOOK).await;
    loop {
        if let Some(folder) = ground.profile.settings().ok().and_then(|settings| settings.backup.folder)
            && is_due(&last(&ground.profile), ground.clock.now())
            && let Err(error) = make_daily(ground, bureau, &folder).await
        {
            tracing::error!(target: "skrynka::store", error = chain(&error), "Daily backup not made");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn is_due(last: &LastBackup, now: OffsetDateTime) -> bool {
    last.made_at.is_none_or(|made| now - made >= DAY) && last.looked_at.is_none_or(|at| now - at >= AGAIN)
}

/// Makes today's backup in `folder`, notes how it went and removes what is older than the last seven.
///
/// # Errors
/// See [`BackupsError`].
pub async fn make_daily(ground: &Ground, bureau: &Bureau, folder: &Path) -> Result<Made, BackupsError> {
    let now = ground.clock.now();
    let path = folder.join(daily_name(now));
    let made = write(ground, bureau, &path, true).await;
    let before = last(&ground.profile);
    let note = match &made {
        Ok(made) => LastBackup {
            made_at: Some(made.made_at),
            file: Some(path),
            bytes: made.bytes,
            tried_out: made.tried_out,
            looked_at: Some(now),
            error: None,
        },
        Err(error) => LastBackup { looked_at: Some(now), error: Some(chain(error)), ..before },
    };
    let kept = serde_json::to_vec_pretty(&note).map_err(std::io::Error::from);
    if let Err(error) = kept.and_then(|text| files::replace(&ground.profile.root().join(NOTE), &text)) {
        tracing::warn!(target: "skrynka::store", error = %error, "Outcome of the backup not noted");
    }
    if made.is_ok() {
        remove_old(folder);
    }
    made
}

fn daily_name(now: OffsetDateTime) -> String {
    format!("skrynka-{:04}-{:02}-{:02}.zip", now.year(), u8::from(now.month()), now.day())
}

/// Only what bears a name of ours goes.
fn remove_old(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut ours: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(is_daily_name))
        .map(|entry| entry.path())
        .collect();
    ours.sort();
    let old = ours.len().saturating_sub(KEPT);
    for path in ours.iter().take(old) {
        if let Err(error) = std::fs::remove_file(path) {
            tracing::warn!(target: "skrynka::store", error = %error, "Old backup not removed");
        }
    }
}

fn is_daily_name(name: &str) -> bool {
    let Some(date) = name.strip_prefix("skrynka-").and_then(|rest| rest.strip_suffix(".zip")) else { return false };
    date.len() == 10
        && date
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use skrynka_core::{
        model::{AccountId, Auth, Channel, EmailSettings, Endpoint, Security},
        secrets::memory::MemorySecrets,
    };
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_backup_is_due_after_a_day_and_after_a_failure_an_hour_later() {
        let now = datetime!(2026-11-27 12:00 UTC);
        let made = |made, looked| LastBackup { made_at: made, looked_at: looked, ..LastBackup::default() };
        assert!(is_due(&made(None, None), now));
        assert!(!is_due(&made(Some(now - time::Duration::hours(23)), Some(now - time::Duration::hours(23))), now));
        assert!(is_due(&made(Some(now - DAY), Some(now - DAY)), now));
        assert!(!is_due(&made(Some(now - DAY), Some(now - time::Duration::minutes(59))), now), "it failed just now");
        assert!(is_due(&made(Some(now - DAY), Some(now - AGAIN)), now));
    }

    #[test]
    fn the_seven_newest_stay_and_nobody_elses_files_go() {
        let folder = tempfile::tempdir().unwrap();
        let foreign = ["skrynka-notes.zip", "skrynka-2026-11-0a.zip", "photo.jpg"];
        for name in foreign {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        for day in 1..=9 {
            let at = datetime!(2026-11-01 00:00 UTC) + time::Duration::days(day);
            std::fs::write(folder.path().join(daily_name(at)), "").unwrap();
        }
        remove_old(folder.path());
        let mut left: Vec<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left.len(), 7 + foreign.len(), "{left:?}");
        assert!(!left.iter().any(|name| name == "skrynka-2026-11-02.zip" || name == "skrynka-2026-11-03.zip"));
        for name in foreign {
            assert!(left.iter().any(|kept| kept == name), "{name}");
        }
    }

    #[tokio::test]
    async fn a_restored_mailbox_with_tokens_is_looked_for_under_their_name() {
        let now = datetime!(2026-11-27 12:00 UTC);
        let server = Endpoint { host: "127.0.0.1".to_owned(), port: 1 };
        let account = Account {
            id: AccountId::new(now),
            channel: Channel::Email,
            name: "Office".to_owned(),
            code: "O".to_owned(),
            color: 1,
            enabled: true,
            muted: false,
            email: Some(EmailSettings {
                address: "office@example.org".to_owned(),
                imap: server.clone(),
                imap_security: Security::Tls,
                smtp: server,
                smtp_security: Security::Tls,
                user: "office@example.org".to_owned(),
                auth: Auth::Xoauth2,
                since: None,
                ca_pem: None,
                folders: Vec::new(),
                write_flags: false,
            }),
            telegram: None,
            created_at: now,
        };
        let secrets: Secrets = Arc::new(MemorySecrets::default());
        assert!(!is_known(&secrets, &account).await);
        secrets.set(Credential::name(Auth::Password, account.id), "пароль".into()).await.unwrap();
        assert!(!is_known(&secrets, &account).await, "a password that was kept before is no token");
        secrets.set(Credential::name(Auth::Xoauth2, account.id), "токени".into()).await.unwrap();
        assert!(is_known(&secrets, &account).await);
    }
}
