//! What can go wrong with Telegram, and what the engine is told to do about it.

use std::{io, time::Duration};

use grammers_mtsender::{InvocationError, RpcError};
use skrynka_core::{
    connector::ConnectorError,
    model::{Trouble, TroubleCode},
    secrets::SecretsError,
};
use time::OffsetDateTime;

use crate::session::{NotASession, memory::KeyReplaced};

/// A result of this crate.
pub(crate) type Result<T> = std::result::Result<T, TelegramError>;

/// What went wrong. The text is for a person; branch on the variant or on [`TelegramError::trouble`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelegramError {
    /// The data centre could not be reached, or the connection broke.
    #[error("the connection to Telegram failed")]
    Connection(#[source] io::Error),
    /// The connection ended while an answer was awaited.
    #[error("the connection to Telegram broke")]
    Broken,
    /// Telegram did not answer in time.
    #[error("Telegram does not answer within {} s", .0.as_secs_f32())]
    NoAnswer(Duration),
    /// What Telegram answered is not what was asked for.
    #[error("Telegram's answer makes no sense: {0}")]
    Protocol(String),
    /// What Telegram answered has a form that this version does not know.
    #[error("Telegram's answer cannot be read: {0}")]
    Unreadable(String),
    /// The proxy cannot be used.
    #[error("the proxy cannot be used: {0}")]
    Proxy(String),
    /// The session was ended from another device, or has expired.
    #[error("the session was ended: {0}")]
    SessionRevoked(String),
    /// The session's key is unknown to the data centre it names.
    #[error("Telegram no longer knows this session; the stored one is kept")]
    KeyUnknown,
    /// The session was used from two places at once; Telegram has destroyed it.
    #[error("the session was used from two places at once, and Telegram has ended it")]
    SessionDuplicated,
    /// The session belongs to another account than the one it was saved for.
    #[error("the session belongs to another Telegram account")]
    OtherAccount,
    /// The account was banned.
    #[error("Telegram has banned this account")]
    Banned,
    /// The account was deleted.
    #[error("this Telegram account was deleted")]
    Deactivated,
    /// The account is frozen.
    #[error("Telegram has frozen this account: it can be read and cannot write")]
    Frozen,
    /// Telegram wants us to wait.
    #[error("Telegram asks to wait {seconds} s ({name})")]
    Flood {
        /// Telegram's word for the limit.
        name: String,
        /// How long.
        seconds: u32,
    },
    /// Telegram said no for another reason.
    #[error("Telegram refused: {name} ({code})")]
    Refused {
        /// The code, as in HTTP.
        code: i32,
        /// Telegram's word.
        name: String,
        /// The number that stood in the word.
        value: Option<u32>,
    },
    /// The chat is not known to this account, or cannot be reached by it.
    #[error("this chat cannot be reached by the account")]
    UnknownChat,
    /// The message or its file is not there any more.
    #[error("the message is not there any more")]
    Gone,
    /// No session is stored for the account.
    #[error("no session is stored for this account")]
    NoSession,
    /// What is stored is not a session.
    #[error(transparent)]
    NotASession(#[from] NotASession),
    /// The keyring or vault did not hand out a secret.
    #[error("a secret could not be read from the keyring")]
    Secrets(#[source] SecretsError),
    /// The account has no Telegram settings.
    #[error("the account has no Telegram settings")]
    NoSettings,
    /// Another program holds the account, or it is not certain that we do.
    #[error("{}", .0.trouble().detail)]
    NotPermitted(#[source] Box<ConnectorError>),
    /// The account was given up while it was opened.
    #[error("the account was given up")]
    GivenUp,
    /// The core takes no more messages.
    #[error("the store takes no more messages")]
    StoreClosed,
    /// A file could not be written where it was wanted.
    #[error("the file could not be written")]
    Sink(#[source] io::Error),
    /// A task of this crate or of the library ended abnormally.
    #[error("an internal task ended abnormally: {0}")]
    Internal(&'static str),
}

impl TelegramError {
    /// Whether the same request may be asked again over a new connection.
    pub(crate) const fn is_connection(&self) -> bool {
        matches!(self, Self::Connection(_) | Self::Broken | Self::NoAnswer(_))
    }

    /// Whether Telegram itself has trouble for the moment.
    pub(crate) const fn is_server_trouble(&self) -> bool {
        matches!(self, Self::Refused { code: 500..=599 | -503, .. })
    }

    /// Whether the same request would be answered the same way: what it asks for has to be asked for otherwise.
    pub(crate) const fn is_lasting(&self) -> bool {
        matches!(self, Self::Unreadable(_) | Self::Refused { code: 400 | 403 | 404 | 406, .. })
    }

    /// Whether Telegram answered with this word.
    pub(crate) fn is(&self, word: &str) -> bool {
        matches!(self, Self::Refused { name, .. } if name == word)
    }

    /// Returns what happened in the words of the model: its kind, and the chain of causes on one line.
    pub fn trouble(&self) -> Trouble {
        let mut detail = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            detail.push_str(": ");
            detail.push_str(&cause.to_string());
            source = cause.source();
        }
        let detail = detail.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect();
        Trouble { code: self.code(), detail }
    }

    /// Returns what must be done about it where one thing was asked for, that would be refused again.
    pub(crate) fn into_refusal(self, now: OffsetDateTime) -> ConnectorError {
        match self {
            // A chat's own pace says nothing of other chats.
            Self::Flood { ref name, seconds } if name.starts_with("SLOWMODE") => ConnectorError::Transient {
                why: self.trouble(),
                retry_after: Some(Duration::from_secs(seconds.into())),
            },
            Self::Frozen | Self::Refused { code: 400 | 403 | 404 | 406, .. } => {
                ConnectorError::Permanent(self.trouble())
            }
            other => other.into_connector(now),
        }
    }

    /// Returns what the engine must do about it.
    pub(crate) fn into_connector(self, now: OffsetDateTime) -> ConnectorError {
        let why = self.trouble();
        match self {
            Self::SessionRevoked(_)
            | Self::KeyUnknown
            | Self::SessionDuplicated
            | Self::OtherAccount
            | Self::NoSession
            | Self::NotASession(_) => ConnectorError::SignInRequired(why),
            Self::Banned | Self::Deactivated | Self::UnknownChat | Self::Gone => ConnectorError::Permanent(why),
            Self::NoSettings => ConnectorError::Misconfigured(why),
            Self::Flood { seconds, .. } => {
                ConnectorError::Limited { until: now + Duration::from_secs(seconds.into()), why }
            }
            Self::NotPermitted(error) => *error,
            Self::Connection(_)
            | Self::Broken
            | Self::NoAnswer(_)
            | Self::Protocol(_)
            | Self::Unreadable(_)
            | Self::Proxy(_)
            | Self::Frozen
            | Self::Refused { .. }
            | Self::Secrets(_)
            | Self::GivenUp
            | Self::StoreClosed
            | Self::Sink(_)
            | Self::Internal(_) => ConnectorError::Transient { why, retry_after: None },
        }
    }

    const fn code(&self) -> TroubleCode {
        match self {
            Self::Connection(_) | Self::Broken => TroubleCode::Network,
            Self::NoAnswer(_) => TroubleCode::Timeout,
            Self::Protocol(_) | Self::Unreadable(_) => TroubleCode::Protocol,
            Self::Proxy(_) => TroubleCode::Proxy,
            Self::SessionRevoked(_) | Self::KeyUnknown => TroubleCode::SessionRevoked,
            Self::SessionDuplicated => TroubleCode::SessionDuplicated,
            Self::OtherAccount => TroubleCode::SignIn,
            Self::Banned => TroubleCode::Banned,
            Self::Deactivated => TroubleCode::Deactivated,
            Self::Frozen => TroubleCode::Frozen,
            Self::Flood { .. } => TroubleCode::Limited,
            Self::Refused { .. } | Self::UnknownChat | Self::Gone => TroubleCode::Refused,
            Self::NoSession | Self::NotASession(_) | Self::Secrets(_) => TroubleCode::Secrets,
            Self::NoSettings => TroubleCode::Settings,
            Self::NotPermitted(error) => error.trouble().code,
            Self::StoreClosed => TroubleCode::Database,
            Self::GivenUp | Self::Sink(_) | Self::Internal(_) => TroubleCode::Internal,
        }
    }
}

impl From<InvocationError> for TelegramError {
    fn from(error: InvocationError) -> Self {
        match error {
            InvocationError::Rpc(error) => error.into(),
            InvocationError::Io(error) => Self::Connection(error),
            InvocationError::Session(error) if error.is::<KeyReplaced>() => Self::KeyUnknown,
            InvocationError::Session(_) => Self::Internal("session"),
            InvocationError::Transport(error) => match error {
                grammers_mtproto::transport::Error::BadStatus { status: 404 } => Self::KeyUnknown,
                other => Self::Protocol(other.to_string()),
            },
            InvocationError::Dropped(_) => Self::Broken,
            InvocationError::Deserialize(error) => Self::Unreadable(error.to_string()),
            InvocationError::InvalidDc => Self::Protocol("there is no such data centre".to_owned()),
            InvocationError::Authentication(error) => Self::Protocol(error.to_string()),
        }
    }
}

impl From<RpcError> for TelegramError {
    fn from(RpcError { code, name, value, .. }: RpcError) -> Self {
        match (name.as_str(), value) {
            ("AUTH_KEY_DUPLICATED", _) => Self::SessionDuplicated,
            ("USER_DEACTIVATED_BAN" | "PHONE_NUMBER_BANNED", _) => Self::Banned,
            ("USER_DEACTIVATED", _) => Self::Deactivated,
            (frozen, _) if frozen.starts_with("FROZEN_") => Self::Frozen,
            (
                "AUTH_KEY_UNREGISTERED"
                | "AUTH_KEY_INVALID"
                | "AUTH_KEY_PERM_EMPTY"
                | "SESSION_REVOKED"
                | "SESSION_EXPIRED",
                _,
            ) => Self::SessionRevoked(name),
            // Part of a sign-in.
            ("SESSION_PASSWORD_NEEDED", _) => Self::Refused { code, name, value },
            _ if code == 401 => Self::SessionRevoked(name),
            (wait, Some(seconds)) if wait.contains("_WAIT") => Self::Flood { name, seconds },
            _ => Self::Refused { code, name, value },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rpc(code: i32, message: &str) -> TelegramError {
        let error = grammers_tl_types::types::RpcError { error_code: code, error_message: message.to_owned() };
        InvocationError::Rpc(error.into()).into()
    }

    fn judged(code: i32, message: &str) -> ConnectorError {
        rpc(code, message).into_connector(OffsetDateTime::UNIX_EPOCH)
    }

    #[test]
    fn each_end_of_a_session_has_a_word_of_its_own() {
        for (code, message, expected) in [
            (401, "AUTH_KEY_UNREGISTERED", TroubleCode::SessionRevoked),
            (401, "SESSION_REVOKED", TroubleCode::SessionRevoked),
            (401, "SESSION_EXPIRED", TroubleCode::SessionRevoked),
            (401, "ACTIVE_USER_REQUIRED", TroubleCode::SessionRevoked),
            (406, "AUTH_KEY_DUPLICATED", TroubleCode::SessionDuplicated),
        ] {
            let error = judged(code, message);
            assert!(matches!(error, ConnectorError::SignInRequired(_)), "{message}");
            assert_eq!(error.trouble().code, expected, "{message}");
        }
        for (code, message, expected) in
            [(401, "USER_DEACTIVATED", TroubleCode::Deactivated), (401, "USER_DEACTIVATED_BAN", TroubleCode::Banned)]
        {
            let error = judged(code, message);
            assert!(matches!(error, ConnectorError::Permanent(_)), "{message}");
            assert_eq!(error.trouble().code, expected, "{message}");
        }
        assert_eq!(judged(420, "FROZEN_METHOD_INVALID").trouble().code, TroubleCode::Frozen);
    }

    #[test]
    fn a_wait_lasts_as_long_as_telegram_says() {
        let ConnectorError::Limited { until, .. } = judged(420, "FLOOD_WAIT_86400") else { panic!("a limit") };
        assert_eq!(until.unix_timestamp(), 86_400);
        assert!(matches!(rpc(420, "SLOWMODE_WAIT_7"), TelegramError::Flood { seconds: 7, .. }));
        assert!(matches!(rpc(420, "FLOOD_PREMIUM_WAIT_3"), TelegramError::Flood { seconds: 3, .. }));
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        for error in [rpc(500, "RPC_CALL_FAIL"), rpc(400, "CHANNEL_INVALID"), TelegramError::Broken] {
            let judged = error.into_connector(OffsetDateTime::UNIX_EPOCH);
            assert!(matches!(judged, ConnectorError::Transient { .. }));
        }
    }
}
