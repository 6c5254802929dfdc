//! A store that forgets everything when the process ends: for the trial of a backup, and for tests.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use futures_util::future::{BoxFuture, FutureExt, ready};
use secrecy::SecretString;

use super::{SecretName, SecretStore, SecretsError};
use crate::logbook::redact;

/// Secrets in memory only.
#[derive(Default)]
pub struct MemorySecrets {
    values: Mutex<HashMap<SecretName, SecretString>>,
}

impl MemorySecrets {
    fn values(&self) -> std::sync::MutexGuard<'_, HashMap<SecretName, SecretString>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SecretStore for MemorySecrets {
    fn get(&self, name: SecretName) -> BoxFuture<'_, Result<Option<SecretString>, SecretsError>> {
        let value = self.values().get(&name).cloned();
        ready(Ok(value)).boxed()
    }

    fn set(&self, name: SecretName, value: SecretString) -> BoxFuture<'_, Result<(), SecretsError>> {
        redact::remember(&value);
        self.values().insert(name, value);
        ready(Ok(())).boxed()
    }

    fn remove(&self, name: SecretName) -> BoxFuture<'_, Result<(), SecretsError>> {
        self.values().remove(&name);
        ready(Ok(())).boxed()
    }

    fn kind(&self) -> &'static str {
        "memory"
    }
}
