//! Names of secrets and how to fetch them; never a value in a log.
//!
//! Two stores keep secrets: [`keyring::Keyring`], the operating system's own, and [`vault::Vault`], a file under a
//! passphrase for computers without one. [`open`] chooses. Every value that passes through a store is made known
//! to the logbook's redaction first.

pub mod keyring;
pub mod memory;
mod opening;
pub mod vault;

use std::{fmt, sync::Arc};

use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret as _, SecretString};

pub use self::opening::{OpenOptions, Opened, open};
use crate::model::AccountId;

/// What a secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecretKind {
    /// The password of a mailbox.
    MailPassword,
    /// The tokens of a mailbox, as one JSON object: the refresh token with what it is used with, and the access token.
    MailTokens,
    /// A Telegram account's session: its authorisation key with its data centre.
    TelegramSession,
    /// The hash that belongs to a Telegram account's API ID.
    TelegramApiHash,
    /// The password of a Telegram account's proxy.
    TelegramProxyPassword,
    /// The password of the app's role in its private database.
    DatabasePassword,
    /// The password of the bureau's role on the team's database server.
    ServerPassword,
}

impl SecretKind {
    /// The word in the keyring entry's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MailPassword => "mail-password",
            Self::MailTokens => "mail-tokens",
            Self::TelegramSession => "telegram-session",
            Self::TelegramApiHash => "telegram-api-hash",
            Self::TelegramProxyPassword => "telegram-proxy-password",
            Self::DatabasePassword => "database-password",
            Self::ServerPassword => "server-password",
        }
    }
}

/// The name of one secret: its kind and the account it belongs to ([`AccountId::BUREAU`] for none).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretName {
    /// What it is for.
    pub kind: SecretKind,
    /// Whose it is.
    pub account: AccountId,
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.as_str(), self.account)
    }
}

/// Why a secret could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// There is no keyring service on this computer, or it cannot be reached.
    #[error("no keyring service answers: {0}")]
    NoKeyring(String),
    /// The keyring or vault is locked, or did not answer within the time limit.
    #[error("the keyring is locked or does not answer: {0}")]
    Locked(String),
    /// The vault's passphrase is wrong.
    #[error("the passphrase does not open the vault")]
    WrongPassphrase,
    /// The vault file is damaged or of another program.
    #[error("the vault file cannot be read: {0}")]
    Damaged(String),
    /// The secret was written, but what came back differs.
    #[error("the secret was not kept: what was read back differs")]
    NotKept,
    /// The key file of the vault may be read by others, is not ours, or holds no key.
    #[error("the vault's key file cannot be used: {0}")]
    KeyFile(String),
    /// Anything else the store said.
    #[error("{0}")]
    Other(String),
}

/// A place that keeps secrets: the OS keyring, or the passphrase vault.
pub trait SecretStore: Send + Sync {
    /// Returns the secret, or `None` when there is none by that name.
    fn get(&self, name: SecretName) -> BoxFuture<'_, Result<Option<SecretString>, SecretsError>>;
    /// Writes the secret and returns once it has been read back and compared.
    fn set(&self, name: SecretName, value: SecretString) -> BoxFuture<'_, Result<(), SecretsError>>;
    /// Removes the secret; a missing one is no error.
    fn remove(&self, name: SecretName) -> BoxFuture<'_, Result<(), SecretsError>>;
    /// Names the kind of store for diagnostics: `keyring`, `vault`, `memory`.
    fn kind(&self) -> &'static str;
}

/// Whether two secrets are the same.
pub fn is_same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}

/// The store that this run of the program uses.
pub type Secrets = Arc<dyn SecretStore>;
