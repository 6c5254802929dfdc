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
    /// What a person typed, after [`Opened::NeedsPassphrase`] or [`Opened::NeedsVault`].
    pub passphrase: Option<SecretString>,
}

impl OpenOptions {
    /// The options of a profile without a key file or passphrase.
    pub fn new(profile: &Profile) -> Self {
        Self { install: profile.install_id(), vault_file: profile.vault_file(), vault_key_file: None, passphrase: None }
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

/// Chooses and opens the store: a key file means the vault (made where it is missing), so does a vault file or a
/// passphrase; otherwise the keyring, if there is one. Never falls back to plain text.
///
/// Takes up to a second for a vault and up to [`super::keyring::TIME_LIMIT`] for each of a keyring's answers.
///
/// # Errors
/// [`SecretsError`] of the vault or its key file.
pub async fn open(options: OpenOptions) -> Result<Opened, SecretsError> {
    let OpenOptions { install, vault_file, vault_key_file, passphrase } = options;
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
        Probe::Available => Opened::Ready(Arc::new(keyring)),
        Probe::Locked(reason) => Opened::Locked { secrets: Arc::new(keyring), reason },
        Probe::NoService(reason) => Opened::NeedsVault { reason },
    })
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
