//! The operating system's keyring: Secret Service, Keychain, Credential Manager.
//!
//! The platform's calls block, and a locked keyring without anybody to ask blocks for ever. Each call runs on a
//! thread of its own that is left behind when the time is up: a thread of the async runtime would hold up the end
//! of the program.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use keyring_core::{CredentialStore, Entry, Error as KeyringError};
use secrecy::{ExposeSecret, SecretString};
use tokio::{sync::oneshot, time::timeout};
use uuid::Uuid;

use super::{SecretName, SecretStore, SecretsError};
use crate::{logbook::redact, profile::APP_ID};

/// How long a call may take before the keyring counts as locked.
pub const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Calls that hang behind one prompt. Past this many the next one fails at once instead of taking another thread.
const MAX_UNANSWERED: usize = 8;

const MARKER: &str = "skrynka";

/// What the keyring said when it was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// An entry was written and read back.
    Available,
    /// There is no keyring service, or it cannot be reached; the reason.
    NoService(String),
    /// The service is there and does not open; the reason.
    Locked(String),
}

/// The operating system's keyring, opened at the first call and again whenever it was missing or failed.
pub struct Keyring {
    install: Uuid,
    limit: Duration,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    store: Mutex<Option<Arc<CredentialStore>>>,
    unanswered: AtomicUsize,
}

impl Keyring {
    /// Names the keyring entries of one installation. Touches nothing yet.
    pub fn new(install: Uuid) -> Self {
        Self { install, limit: TIME_LIMIT, shared: Arc::default() }
    }

    /// Sets how long a call may take, instead of [`TIME_LIMIT`].
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Tries the keyring with a marker entry that holds no secret: reads it, and writes it where it is missing.
    ///
    /// May make the system ask the person to unlock the keyring; answers within the time limit in any case.
    pub async fn probe(&self) -> Probe {
        let user = format!("v1/{}/probe", self.install);
        let answer = match self.read(user.clone()).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => self.write(user, MARKER.into()).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(()) => Probe::Available,
            Err(SecretsError::NoKeyring(reason)) => Probe::NoService(reason),
            Err(SecretsError::Locked(reason)) => Probe::Locked(reason),
            Err(other) => Probe::Locked(other.to_string()),
        }
    }

    fn user(&self, name: SecretName) -> String {
        format!("v1/{}/{name}", self.install)
    }

    async fn read(&self, user: String) -> Result<Option<SecretString>, SecretsError> {
        let bytes = self
            .call(move |store| match entry(store, &user)?.get_secret() {
                Ok(bytes) => Ok(Some(bytes)),
                Err(KeyringError::NoEntry) => Ok(None),
                Err(error) => Err(error),
            })
            .await?;
        let Some(bytes) = bytes else { return Ok(None) };
        let text = String::from_utf8(bytes)
            .map_err(|_| SecretsError::Damaged("the keyring entry is not UTF-8 text".to_owned()))?;
        Ok(Some(text.into()))
    }

    /// Writes, reads back and compares: a service may accept what it does not keep.
    async fn write(&self, user: String, value: SecretString) -> Result<(), SecretsError> {
        let (again, kept) = (user.clone(), value.clone());
        self.call(move |store| entry(store, &user)?.set_secret(value.expose_secret().as_bytes())).await?;
        match self.read(again).await? {
            Some(read) if read.expose_secret() == kept.expose_secret() => Ok(()),
            _ => Err(SecretsError::NotKept),
        }
    }

    /// Runs one blocking call within the time limit. A service that failed is opened again and asked a second time.
    async fn call<T, F>(&self, ask: F) -> Result<T, SecretsError>
    where
        T: Send + 'static,
        F: Fn(&CredentialStore) -> Result<T, KeyringError> + Send + 'static,
    {
        let unanswered = Unanswered::count(&self.shared)?;
        let shared = Arc::clone(&self.shared);
        let (sender, answer) = oneshot::channel();
        let work = move || {
            // The receiver is gone when the time is up; nobody waits for the answer then.
            let _ = sender.send(shared.ask(&ask));
            drop(unanswered);
        };
        std::thread::Builder::new()
            .name("keyring".to_owned())
            .spawn(work)
            .map_err(|error| SecretsError::Other(format!("no thread for the keyring: {error}")))?;
        match timeout(self.limit, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(SecretsError::Other("the keyring's library failed".to_owned())),
            Err(_) => {
                // The call that hangs holds the connection's lock: the next one needs a connection of its own.
                self.shared.forget();
                let seconds = self.limit.as_secs_f32();
                Err(SecretsError::Locked(format!("no answer within {seconds} s; unlock the keyring and try again")))
            }
        }
    }
}

impl SecretStore for Keyring {
    fn get(&self, name: SecretName) -> BoxFuture<'_, Result<Option<SecretString>, SecretsError>> {
        Box::pin(async move {
            let value = self.read(self.user(name)).await?;
            value.iter().for_each(redact::remember);
            Ok(value)
        })
    }

    fn set(&self, name: SecretName, value: SecretString) -> BoxFuture<'_, Result<(), SecretsError>> {
        redact::remember(&value);
        Box::pin(self.write(self.user(name), value))
    }

    fn remove(&self, name: SecretName) -> BoxFuture<'_, Result<(), SecretsError>> {
        let user = self.user(name);
        Box::pin(self.call(move |store| match entry(store, &user)?.delete_credential() {
            Ok(()) | Err(KeyringError::NoEntry) => Ok(()),
            Err(error) => Err(error),
        }))
    }

    fn kind(&self) -> &'static str {
        "keyring"
    }
}

impl Shared {
    fn ask<T>(&self, ask: &dyn Fn(&CredentialStore) -> Result<T, KeyringError>) -> Result<T, SecretsError> {
        let (store, fresh) = self.store()?;
        let first = ask(&*store);
        if fresh || !matches!(first, Err(KeyringError::PlatformFailure(_) | KeyringError::NoStorageAccess(_))) {
            return first.map_err(explain);
        }
        self.forget();
        let (store, _) = self.store()?;
        ask(&*store).map_err(explain)
    }

    /// Returns the open store and whether it has been opened just now.
    fn store(&self) -> Result<(Arc<CredentialStore>, bool), SecretsError> {
        if let Some(store) = &*self.lock() {
            return Ok((Arc::clone(store), false));
        }
        // Connecting may hang; the lock is not held meanwhile.
        let store = platform_store().map_err(|error| SecretsError::NoKeyring(reason(&error)))?;
        *self.lock() = Some(Arc::clone(&store));
        Ok((store, true))
    }

    /// Closing the connection blocks too, and the library refuses to do that on a thread of the async runtime.
    fn forget(&self) {
        if let Some(store) = self.lock().take() {
            std::thread::spawn(move || drop(store));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<CredentialStore>>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.forget();
    }
}

/// Counts one call until it has been answered, however late.
struct Unanswered(Arc<Shared>);

impl Unanswered {
    fn count(shared: &Arc<Shared>) -> Result<Self, SecretsError> {
        let this = Self(Arc::clone(shared));
        if shared.unanswered.fetch_add(1, Ordering::Relaxed) < MAX_UNANSWERED {
            Ok(this)
        } else {
            Err(SecretsError::Locked("earlier calls have not been answered; unlock the keyring".to_owned()))
        }
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.0.unanswered.fetch_sub(1, Ordering::Relaxed);
    }
}

fn entry(store: &CredentialStore, user: &str) -> Result<Entry, KeyringError> {
    store.build(APP_ID, user, None)
}

/// Some of the library's errors carry what was read: only their kind is told then.
#[expect(clippy::wildcard_enum_match_arm, reason = "the library may add kinds of errors, told by their words")]
fn explain(error: KeyringError) -> SecretsError {
    match error {
        KeyringError::NoStorageAccess(_) => SecretsError::Locked(reason(&error)),
        KeyringError::BadEncoding(_) | KeyringError::BadDataFormat(..) | KeyringError::BadStoreFormat(_) => {
            SecretsError::Damaged("the keyring entry is of another form".to_owned())
        }
        KeyringError::Ambiguous(entries) => {
            SecretsError::Other(format!("{} keyring entries have the same name; remove all but one", entries.len()))
        }
        KeyringError::TooLong(_, limit) => {
            SecretsError::Other(format!("the secret is longer than the {limit} bytes this keyring takes"))
        }
        other => SecretsError::Other(format!("the keyring failed: {}", reason(&other))),
    }
}

/// The wrapper of the library repeats its source: the source alone tells it.
fn reason(error: &KeyringError) -> String {
    if let KeyringError::PlatformFailure(source) | KeyringError::NoStorageAccess(source) = error {
        return source.to_string();
    }
    error.to_string()
}

#[cfg(target_os = "linux")]
fn platform_store() -> Result<Arc<CredentialStore>, KeyringError> {
    zbus_secret_service_keyring_store::Store::new().map(|store| store as Arc<CredentialStore>)
}

#[cfg(target_os = "macos")]
fn platform_store() -> Result<Arc<CredentialStore>, KeyringError> {
    apple_native_keyring_store::keychain::Store::new().map(|store| store as Arc<CredentialStore>)
}

#[cfg(windows)]
fn platform_store() -> Result<Arc<CredentialStore>, KeyringError> {
    windows_native_keyring_store::Store::new().map(|store| store as Arc<CredentialStore>)
}
