//! Errors that reach the window. The UI branches on the code and shows the detail as what the machine said.

use serde::{Deserialize, Serialize};
use skrynka_core::model::{Trouble, TroubleCode};
use specta::Type;

/// Why a command did not do what it was asked; what was there is unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct WireError {
    /// What kind of thing happened.
    pub code: ErrorCode,
    /// The chain of causes on one line, or the server's own reply; may be empty.
    pub detail: String,
}

/// The kinds of failure the window has words for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The database is not ready or did not answer.
    Database,
    /// What was asked for does not exist any more.
    NotFound,
    /// A field's value cannot be used; `detail` names the field.
    InvalidInput,
    /// The keyring or vault is locked or missing.
    Secrets,
    /// The vault's passphrase is wrong.
    WrongPassphrase,
    /// An account with this address exists already.
    AlreadyExists,
    /// A file could not be written or opened.
    File,
    /// See the mail server's codes.
    NameNotFound,
    /// Nothing answered, or the connection broke.
    Network,
    /// No answer within the deadline.
    Timeout,
    /// The certificate was not accepted.
    Certificate,
    /// TLS failed or is not offered.
    Tls,
    /// Name or password refused.
    SignIn,
    /// The provider wants an app password or takes none.
    AppPassword,
    /// A limit of the server.
    Limited,
    /// The server broke the protocol.
    Protocol,
    /// The server refused for a reason of its own.
    Refused,
    /// The session was used from two places and is destroyed.
    SessionDuplicated,
    /// The session was ended from another device.
    SessionRevoked,
    /// The account was banned.
    Banned,
    /// The account was deleted.
    Deactivated,
    /// The account is frozen.
    Frozen,
    /// The proxy failed.
    Proxy,
    /// Not offered here.
    NotOffered,
    /// The settings cannot work.
    Settings,
    /// A defect of the program.
    Internal,
}

impl From<TroubleCode> for ErrorCode {
    fn from(code: TroubleCode) -> Self {
        match code {
            TroubleCode::NameNotFound => Self::NameNotFound,
            TroubleCode::Network => Self::Network,
            TroubleCode::Timeout => Self::Timeout,
            TroubleCode::Certificate => Self::Certificate,
            TroubleCode::Tls => Self::Tls,
            TroubleCode::SignIn => Self::SignIn,
            TroubleCode::AppPassword => Self::AppPassword,
            TroubleCode::Limited => Self::Limited,
            TroubleCode::Protocol => Self::Protocol,
            TroubleCode::Refused => Self::Refused,
            TroubleCode::SessionDuplicated => Self::SessionDuplicated,
            TroubleCode::SessionRevoked => Self::SessionRevoked,
            TroubleCode::Banned => Self::Banned,
            TroubleCode::Deactivated => Self::Deactivated,
            TroubleCode::Frozen => Self::Frozen,
            TroubleCode::Proxy => Self::Proxy,
            TroubleCode::NotOffered => Self::NotOffered,
            TroubleCode::Settings => Self::Settings,
            TroubleCode::Secrets => Self::Secrets,
            TroubleCode::Database => Self::Database,
            TroubleCode::Internal => Self::Internal,
        }
    }
}

impl From<Trouble> for WireError {
    fn from(trouble: Trouble) -> Self {
        Self { code: trouble.code.into(), detail: trouble.detail }
    }
}
