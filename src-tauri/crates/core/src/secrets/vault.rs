//! The passphrase vault: a file for computers without a keyring service.
//!
//! The passphrase opens a random X25519 identity that stands in the file, and the secrets are encrypted to that
//! identity; the costly derivation (scrypt) is paid once per run. Both parts are age files, so age authenticates
//! them. The checksum beside them tells a damaged file from a wrong passphrase.

mod key_file;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use age::{scrypt, x25519};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use futures_util::future::BoxFuture;
use secrecy::{
    ExposeSecret, SecretString,
    zeroize::{Zeroize, Zeroizing},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use self::key_file::read_key_file;
use super::{SecretName, SecretStore, SecretsError};
use crate::{files, logbook::redact};

const FORMAT: u32 = 1;

/// scrypt's N as a power of two for what a person types: about 0.4 s and 128 MiB on an office laptop.
const TYPED_WORK: u8 = 17;
/// The same for a passphrase so long that guessing it is hopeless anyway, as key files hold.
const LONG_WORK: u8 = 12;
/// From this length on, in bytes, a passphrase counts as long: 30 random bytes in base64.
const LONG_PASSPHRASE: usize = 40;
/// A file that asks for more is damaged or hostile: 2^20 takes seconds and 1 GiB.
const MAX_WORK: u8 = 20;

/// An open vault. Clones share it.
#[derive(Clone)]
pub struct Vault {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    identity: x25519::Identity,
}

#[derive(Serialize, Deserialize)]
struct VaultFile {
    skrynka_vault: u32,
    identity: String,
    entries: String,
    checksum: String,
}

type Entries = BTreeMap<String, SecretString>;

impl Vault {
    /// Makes an empty vault file (0600). Blocks for up to a second; touches the disk.
    ///
    /// # Errors
    /// [`SecretsError::Other`] when the passphrase is empty, a vault stands there already, or the disk refuses.
    pub fn create(path: &Path, passphrase: &SecretString) -> Result<Self, SecretsError> {
        let length = passphrase.expose_secret().len();
        if length == 0 {
            return Err(SecretsError::Other("an empty passphrase protects nothing".to_owned()));
        }
        redact::remember(passphrase);
        let identity = x25519::Identity::generate();
        let mut recipient = scrypt::Recipient::new(passphrase.clone());
        recipient.set_work_factor(if length >= LONG_PASSPHRASE { LONG_WORK } else { TYPED_WORK });
        let sealed = age::encrypt(&recipient, identity.to_string().expose_secret().as_bytes())
            .map_err(|error| SecretsError::Other(format!("the vault cannot be sealed: {error}")))?;
        let file = seal(&BASE64.encode(sealed), &identity, &Entries::new())?;
        files::create_new(path, &file).map_err(|error| {
            if error.kind() == io::ErrorKind::AlreadyExists {
                SecretsError::Other(format!("{} exists; open it with its passphrase", path.display()))
            } else {
                disk(path, &error)
            }
        })?;
        Ok(Self { inner: Arc::new(Inner { path: path.to_owned(), identity }) })
    }

    /// Opens the vault. Blocks for up to a second; reads the disk.
    ///
    /// # Errors
    /// [`SecretsError::WrongPassphrase`], or [`SecretsError::Damaged`] for a file that is cut, changed or foreign.
    pub fn open(path: &Path, passphrase: &SecretString) -> Result<Self, SecretsError> {
        redact::remember(passphrase);
        let file = read(path)?;
        let mut key = scrypt::Identity::new(passphrase.clone());
        key.set_max_work_factor(MAX_WORK);
        let text = age::decrypt(&key, &decode(path, &file.identity)?).map(Zeroizing::new).map_err(|error| {
            use age::DecryptError::{DecryptionFailed, KeyDecryptionFailed, NoMatchingKeys};

            if matches!(error, DecryptionFailed | KeyDecryptionFailed | NoMatchingKeys) {
                SecretsError::WrongPassphrase
            } else {
                damaged(path, &error.to_string())
            }
        })?;
        let identity = std::str::from_utf8(&text)
            .ok()
            .and_then(|text| text.parse::<x25519::Identity>().ok())
            .ok_or_else(|| damaged(path, "it holds no identity"))?;
        let inner = Inner { path: path.to_owned(), identity };
        inner.entries(&file)?;
        Ok(Self { inner: Arc::new(inner) })
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, SecretsError> + Send + 'static,
    ) -> Result<T, SecretsError> {
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || work(&inner))
            .await
            .map_err(|error| SecretsError::Other(format!("the vault's thread failed: {error}")))?
    }
}

impl SecretStore for Vault {
    fn get(&self, name: SecretName) -> BoxFuture<'_, Result<Option<SecretString>, SecretsError>> {
        Box::pin(self.with(move |vault| {
            let mut entries = vault.entries(&read(&vault.path)?)?;
            let value = entries.remove(&name.to_string());
            value.iter().for_each(redact::remember);
            Ok(value)
        }))
    }

    fn set(&self, name: SecretName, value: SecretString) -> BoxFuture<'_, Result<(), SecretsError>> {
        redact::remember(&value);
        Box::pin(self.with(move |vault| {
            let key = name.to_string();
            vault.change(|entries| {
                entries.insert(key.clone(), value.clone());
            })?;
            let kept = vault.entries(&read(&vault.path)?)?.remove(&key);
            match kept {
                Some(kept) if kept.expose_secret() == value.expose_secret() => Ok(()),
                _ => Err(SecretsError::NotKept),
            }
        }))
    }

    fn remove(&self, name: SecretName) -> BoxFuture<'_, Result<(), SecretsError>> {
        Box::pin(self.with(move |vault| {
            vault.change(|entries| {
                entries.remove(&name.to_string());
            })
        }))
    }

    fn kind(&self) -> &'static str {
        "vault"
    }
}

impl Inner {
    /// Changes the entries as they are on disk: another program on this profile may have written since.
    fn change(&self, change: impl FnOnce(&mut Entries)) -> Result<(), SecretsError> {
        let _lock = self.lock()?;
        let file = read(&self.path)?;
        let mut entries = self.entries(&file)?;
        change(&mut entries);
        let text = seal(&file.identity, &self.identity, &entries)?;
        files::replace(&self.path, &text).map_err(|error| disk(&self.path, &error))
    }

    /// The lock stands beside the vault, whose own file is replaced at each write. Dropping the file unlocks it.
    fn lock(&self) -> Result<File, SecretsError> {
        let path = self.path.with_extension("lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|error| disk(&path, &error))?;
        file.lock().map_err(|error| disk(&path, &error))?;
        Ok(file)
    }

    fn entries(&self, file: &VaultFile) -> Result<Entries, SecretsError> {
        let sealed = decode(&self.path, &file.entries)?;
        let text = age::decrypt(&self.identity, &sealed).map(Zeroizing::new).map_err(|error| {
            damaged(&self.path, &format!("{error}; if another vault was put in its place, start again"))
        })?;
        serde_json::from_slice(&text).map_err(|_| damaged(&self.path, "its entries are of another form"))
    }
}

fn seal(sealed_identity: &str, identity: &x25519::Identity, entries: &Entries) -> Result<Vec<u8>, SecretsError> {
    let exposed: BTreeMap<&str, &str> =
        entries.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
    let failed = |error: &dyn std::error::Error| SecretsError::Other(format!("the vault cannot be sealed: {error}"));
    let mut text = serde_json::to_vec(&exposed).map_err(|error| failed(&error))?;
    let sealed = age::encrypt(&identity.to_public(), &text).map_err(|error| failed(&error));
    text.zeroize();
    let entries = BASE64.encode(sealed?);
    let checksum = checksum(sealed_identity, &entries);
    let file = VaultFile { skrynka_vault: FORMAT, identity: sealed_identity.to_owned(), entries, checksum };
    serde_json::to_vec_pretty(&file).map_err(|error| failed(&error))
}

fn read(path: &Path) -> Result<VaultFile, SecretsError> {
    let text = fs::read(path).map_err(|error| disk(path, &error))?;
    let file: VaultFile = serde_json::from_slice(&text).map_err(|error| damaged(path, &error.to_string()))?;
    if file.skrynka_vault != FORMAT {
        return Err(damaged(path, "it was written by a newer version of the app"));
    }
    if file.checksum != checksum(&file.identity, &file.entries) {
        return Err(damaged(path, "its checksum does not match"));
    }
    Ok(file)
}

fn checksum(identity: &str, entries: &str) -> String {
    BASE64.encode(Sha256::new().chain_update(identity).chain_update("\n").chain_update(entries).finalize())
}

fn decode(path: &Path, text: &str) -> Result<Vec<u8>, SecretsError> {
    BASE64.decode(text).map_err(|error| damaged(path, &error.to_string()))
}

fn damaged(path: &Path, reason: &str) -> SecretsError {
    SecretsError::Damaged(format!("{}: {reason}", path.display()))
}

fn disk(path: &Path, error: &io::Error) -> SecretsError {
    SecretsError::Other(format!("the vault {} cannot be used: {error}", path.display()))
}
