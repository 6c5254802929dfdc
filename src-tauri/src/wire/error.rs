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
    /// Opening the file could run something, and nobody has agreed to that.
    RiskyFile,
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
    /// The account is not connected in this program just now.
    NotConnected,
    /// A text is longer than the network takes.
    TooLong,
    /// The phone number is not one.
    PhoneInvalid,
    /// The number has no Telegram account yet.
    SignUpRequired,
    /// API ID and hash do not belong together.
    ApiIdInvalid,
    /// The API ID was published and is no longer accepted.
    ApiIdPublished,
    /// The code is wrong.
    WrongCode,
    /// The code has expired.
    ExpiredCode,
    /// Telegram sends the code in a way that only its own programs can take.
    CodeNotOffered,
    /// The two-step password is wrong.
    WrongPassword,
    /// The two-step password cannot be checked by this version.
    PasswordNotSupported,
    /// The QR code has expired.
    ExpiredQr,
    /// Too many attempts; Telegram does not say for how long.
    TooManyAttempts,
    /// The sign-in was cancelled, replaced or too long untouched, or a step was taken out of order: begin anew.
    SignInOver,
    /// The session belongs to another Telegram user than the account.
    OtherUser,
    /// What was pasted as a session is empty.
    SessionEmpty,
    /// It is far too long.
    SessionTooLong,
    /// An invisible character stands before it.
    SessionByteOrderMark,
    /// It stands in quotation marks.
    SessionQuoted,
    /// Spaces or line breaks stand inside it.
    SessionSpaces,
    /// It stands there twice.
    SessionDoubled,
    /// Its end is missing.
    SessionTruncated,
    /// It is not a session of a known program.
    SessionUnknown,
    /// It names a data centre that does not exist.
    SessionDataCentre,
    /// It holds no key.
    SessionNoKey,
    /// The address inside it cannot be used.
    SessionAddress,
    /// It belongs to a bot.
    SessionBot,
    /// It belongs to Telegram's test servers.
    SessionTestServers,
    /// The file cannot be read.
    SessionFileUnreadable,
    /// Another program has the file locked.
    SessionFileInUse,
    /// The file is damaged.
    SessionFileDamaged,
    /// The file is no backup of Skrynka.
    BackupForeign,
    /// The backup is not whole any more.
    BackupDamaged,
    /// A newer Skrynka made the backup.
    BackupNewer,
    /// The old CRM's database cannot be reached.
    OldDatabaseUnreachable,
    /// The old CRM's database refused the role or its password.
    OldDatabaseSignIn,
    /// It is not the database of the old CRM.
    OldDatabaseForeign,
    /// The role may not read some of its tables.
    OldDatabaseClosed,
    /// The role may not write there.
    OldDatabaseReadOnly,
    /// The folder with the old CRM's files cannot be read.
    OldFolder,
    /// An old database is being taken over at this moment.
    AdoptionBusy,
    /// The old CRM kept no session or password of the account.
    NoSecret,
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
