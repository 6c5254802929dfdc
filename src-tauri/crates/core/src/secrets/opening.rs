//! Which store this run uses.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use secrecy::SecretString;
use uuid::Uuid;

use super::{
    Secrets, SecretsError,
    keyring::{Keyring, Probe},
    vault::{Vault, read_key_file},
};
use crate::profile::Profile;

/// What decides which store is used.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// The installation whose keyring entries are meant.
    pub install: Uuid,
    /// Where the vault is, or would be.
    pub vault_file: PathBuf,
    /// The value of `--vault-key-file`.
    pub vault_key_file: Option<PathBuf>,
    /// An empty file that tells that this profile's secrets are in the keyring.
    pub keyring_mark: PathBuf,
    /// The private database; where it stands, its password is kept already.
    pub database_dir: PathBuf,
    /// What a person typed, after [`Opened::NeedsPassphrase`] or [`Opened::NeedsVault`].
    pub passphrase: Option<SecretString>,
}

impl OpenOptions {
    /// The options of a profile without a key file or passphrase.
    pub fn new(profile: &Profile) -> Self {
        Self {
            install: profile.install_id(),
            vault_file: profile.vault_file(),
            keyring_mark: profile.root().join("keyring.used"),
            database_dir: profile.postgres_dir(),
            vault_key_file: None,
            passphrase: None,
        }
    }
}

/// What [`open`] found.
pub enum Opened {
    /// A store that answers.
    Ready(Secrets),
    /// The keyring is there but locked; the store works as soon as a person unlocks it, without a restart.
    Locked {
        /// The keyring.
        secrets: Secrets,
        /// What it said.
        reason: String,
    },
    /// A vault exists; ask for its passphrase and call [`open`] again.
    NeedsPassphrase,
    /// There is no keyring service; offer a vault, ask for a new passphrase and call [`open`] again.
    NeedsVault {
        /// Why the keyring cannot be used.
        reason: String,
    },
}

/// Chooses and opens the store: a key file means the vault (made on a profile that has no secrets yet), so does a vault
/// file or a passphrase; otherwise the keyring, if there is one. Never falls back to plain text.
///
/// Takes up to a second for a vault and up to [`super::keyring::TIME_LIMIT`] for each of a keyring's answers.
///
/// # Errors
/// [`SecretsError`] of the vault or its key file.
pub async fn open(options: OpenOptions) -> Result<Opened, SecretsError> {
    let OpenOptions { install, vault_file, vault_key_file, keyring_mark, database_dir, passphrase } = options;
    // In this order: whoever makes a vault makes it before the database.
    let kept = keyring_mark.exists() || database_dir.exists();
    if vault_key_file.is_some() && kept && !vault_file.exists() {
        return Err(SecretsError::KeyFile(format!(
            "this profile's secrets are not in a vault; leave --vault-key-file out to use the keyring, or add \
             everything again in a new profile ({} does not exist)",
            vault_file.display()
        )));
    }
    if vault_key_file.is_some() || passphrase.is_some() {
        let vault = tokio::task::spawn_blocking(move || {
            let passphrase = match (vault_key_file, passphrase) {
                (Some(file), _) => read_key_file(&file)?,
                (None, passphrase) => passphrase.unwrap_or_default(),
            };
            open_or_create(&vault_file, &passphrase)
        });
        let vault = vault.await.map_err(|error| SecretsError::Other(format!("the vault's thread failed: {error}")))?;
        return Ok(Opened::Ready(Arc::new(vault?)));
    }
    if vault_file.exists() {
        return Ok(Opened::NeedsPassphrase);
    }
    let keyring = Keyring::new(install);
    Ok(match keyring.probe().await {
        Probe::Available => {
            mark(&keyring_mark);
            Opened::Ready(Arc::new(keyring))
        }
        Probe::Locked(reason) => Opened::Locked { secrets: Arc::new(keyring), reason },
        Probe::NoService(reason) => Opened::NeedsVault { reason },
    })
}

/// Without the mark a later key file would make an empty vault beside the keyring, so it is worth a line that it is
/// missing, but no reason to stop.
fn mark(path: &Path) {
    if let Err(error) = std::fs::File::create(path) {
        tracing::warn!(target: "skrynka::app", error = %error, "Use of the keyring not noted");
    }
}

/// Two programs may find no vault at the same time: the second opens what the first has made.
fn open_or_create(path: &Path, passphrase: &SecretString) -> Result<Vault, SecretsError> {
    if path.exists() {
        return Vault::open(path, passphrase);
    }
    match Vault::create(path, passphrase) {
        Err(_) if path.exists() => Vault::open(path, passphrase),
        other => other,
    }
}
