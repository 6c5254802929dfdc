//! What can go wrong with a mail server, and what the engine is told to do about it.

use std::{io, time::Duration};

use skrynka_core::{
    connector::ConnectorError,
    model::{Trouble, TroubleCode},
    secrets::SecretsError,
};
use time::OffsetDateTime;

use crate::wire::status::{Status, Word, clean};

/// A result of this crate.
pub(crate) type Result<T> = std::result::Result<T, MailError>;

/// Ends what takes longer than `limit` altogether, however often the other side says a little.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
    tokio::time::timeout(limit, work).await.unwrap_or(Err(MailError::Endless(limit)))
}

/// What went wrong. The text is for a person; branch on the variant or on [`MailError::trouble`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MailError {
    /// The name could not be resolved, or has no address.
    #[error("no address is known for {host:?}")]
    NameNotFound {
        /// The name that was asked for.
        host: String,
        /// What the resolver said, where it said anything.
        #[source]
        source: Option<io::Error>,
    },
    /// None of the addresses could be reached.
    #[error("cannot connect to {to}")]
    Unreachable {
        /// Host and port.
        to: String,
        /// Why the last address could not be reached.
        #[source]
        source: io::Error,
    },
    /// None of the addresses answered in time.
    #[error("{to} does not answer within {} s", .after.as_secs_f32())]
    NoAnswer {
        /// Host and port.
        to: String,
        /// The deadline.
        after: Duration,
    },
    /// The server fell silent in the middle of something.
    #[error("the server said nothing for {} s", .0.as_secs_f32())]
    Silent(Duration),
    /// The server goes on and on without coming to an end.
    #[error("the server did not come to an end within {} s", .0.as_secs_f32())]
    Endless(Duration),
    /// The connection broke.
    #[error("the connection broke")]
    Broken(#[source] io::Error),
    /// The server closed the connection.
    #[error("the server closed the connection{}", if *.cut { " in the middle of a reply" } else { "" })]
    Closed {
        /// Whether a reply was cut.
        cut: bool,
    },
    /// The server said goodbye.
    #[error("the server said goodbye: {}", .0.text)]
    Bye(Box<Goodbye>),
    /// The certificate is not trusted, expired, or of another name.
    #[error("the server's certificate was not accepted: {0}")]
    Certificate(String),
    /// The handshake failed.
    #[error("no encrypted connection could be made: {0}")]
    Tls(String),
    /// The server does not offer STARTTLS although the settings require it.
    #[error("the server does not offer STARTTLS, which the settings require; no password was sent")]
    NoStartTls,
    /// Bytes arrived before the handshake that could be taken for protected ones.
    #[error("data was sent ahead of the encryption; somebody may be tampering with the connection")]
    Injected,
    /// The server claims that nobody needs to sign in.
    #[error("the server greeted without asking for a sign-in; this cannot be trusted")]
    Preauth,
    /// Plain text was chosen for a server that is not on this computer.
    #[error("{0:?} is not this computer; an unencrypted connection is refused")]
    PlainToForeign(String),
    /// The CA file of the account cannot be used.
    #[error("the extra certificate authorities cannot be read: {0}")]
    CaFile(String),
    /// Neither password nor tokens are in the keyring.
    #[error("nothing is kept for this account to sign in with")]
    NoPassword,
    /// The keyring or vault did not hand out the password.
    #[error("the password could not be read from the keyring")]
    Secrets(#[source] SecretsError),
    /// The account has no mail settings.
    #[error("the account has no mail settings")]
    NoSettings,
    /// The server offers no way to sign in with a password.
    #[error("the server takes no password over this connection")]
    NoPasswordSignIn,
    /// The server offers no way to sign in with a token.
    #[error("the server takes no tokens over this connection")]
    NoTokenSignIn,
    /// The provider gives no access token for what is kept: a person has to sign in there again.
    #[error("the provider wants a new sign-in: {0}")]
    Revoked(String),
    /// What is kept of the tokens cannot work.
    #[error("the provider refused the tokens' settings: {0}")]
    TokenSettings(String),
    /// The provider could not give an access token just now.
    #[error("the provider gave no access token: {0}")]
    TokenServer(String),
    /// The server refused an access token.
    #[error("the server refused the token: {}", .0.text)]
    TokenRefused(Box<Goodbye>),
    /// The server refused name or password.
    #[error("the server refused the sign-in: {}", .0.text)]
    SignIn(Box<Goodbye>),
    /// The server said no to a command.
    #[error("the server refused to {doing}: {}", .said.text)]
    Refused {
        /// What was asked.
        doing: &'static str,
        /// What it said.
        said: Box<Goodbye>,
    },
    /// The server broke the protocol.
    #[error("the server's answer makes no sense: {0}")]
    Protocol(String),
    /// The server announced more data than is accepted in one reply.
    #[error("the server announced a reply of {0} bytes, more than is accepted")]
    TooLarge(usize),
    /// A folder or user name holds characters that IMAP cannot carry.
    #[error("{0:?} holds characters that cannot be sent")]
    BadName(String),
    /// A temporary file could not be written.
    #[error("a large message could not be kept in the temporary folder")]
    Spool(#[source] io::Error),
    /// The core takes no more messages.
    #[error("the store takes no more messages")]
    StoreClosed,
    /// A task of this crate ended abnormally.
    #[error("an internal task ended abnormally: {0}")]
    Internal(String),
}

/// The server's own words with their response code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goodbye {
    /// The response code in upper case, or empty (RFC 5530 and others).
    pub code: String,
    /// The text, cut and cleaned.
    pub text: String,
    /// Whether the answer was BAD: the command itself was not accepted.
    pub bad: bool,
}

impl From<Status> for Box<Goodbye> {
    fn from(status: Status) -> Self {
        let text = if status.text.is_empty() { "no reason given".to_owned() } else { status.text };
        Self::new(Goodbye { code: status.code, text, bad: status.word == Word::Bad })
    }
}

/// Texts of providers that want an app password or take none, where their response code does not say so.
const APP_PASSWORD: [&str; 7] = [
    "application-specific password",
    "app password",
    "app-specific password",
    "webloginrequired",
    "web login required",
    "basicauthblocked",
    "basic authentication is disabled",
];
/// Texts of providers that count connections or bytes, where their response code does not say so.
const LIMITED: [&str; 5] =
    ["too many simultaneous", "bandwidth limit", "maximum number of connections", "rate limit", "not connected"];

impl MailError {
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

    /// Returns what the engine must do about it.
    pub(crate) fn into_connector(self, now: OffsetDateTime) -> ConnectorError {
        let why = self.trouble();
        match self {
            Self::SignIn(_) | Self::NoPasswordSignIn | Self::NoPassword | Self::Revoked(_) | Self::TokenRefused(_) => {
                ConnectorError::SignInRequired(why)
            }
            Self::PlainToForeign(_)
            | Self::CaFile(_)
            | Self::NoSettings
            | Self::BadName(_)
            | Self::NoTokenSignIn
            | Self::TokenSettings(_) => ConnectorError::Misconfigured(why),
            Self::Bye(said) | Self::Refused { said, .. } if why.code == TroubleCode::Limited => {
                limited(&said, why, now)
            }
            Self::NameNotFound { .. }
            | Self::Unreachable { .. }
            | Self::NoAnswer { .. }
            | Self::Silent(_)
            | Self::Endless(_)
            | Self::Broken(_)
            | Self::Closed { .. }
            | Self::Bye(_)
            | Self::Certificate(_)
            | Self::Tls(_)
            | Self::NoStartTls
            | Self::Injected
            | Self::Preauth
            | Self::Secrets(_)
            | Self::TokenServer(_)
            | Self::Refused { .. }
            | Self::Protocol(_)
            | Self::TooLarge(_)
            | Self::Spool(_)
            | Self::StoreClosed
            | Self::Internal(_) => ConnectorError::Transient { why, retry_after: None },
        }
    }

    fn code(&self) -> TroubleCode {
        match self {
            Self::NameNotFound { .. } => TroubleCode::NameNotFound,
            Self::Unreachable { .. } | Self::Broken(_) | Self::Closed { .. } => TroubleCode::Network,
            Self::NoAnswer { .. } | Self::Silent(_) | Self::Endless(_) => TroubleCode::Timeout,
            Self::Certificate(_) => TroubleCode::Certificate,
            Self::Tls(_) | Self::NoStartTls | Self::Injected | Self::Preauth => TroubleCode::Tls,
            Self::SignIn(said) if says(said, &APP_PASSWORD) => TroubleCode::AppPassword,
            Self::SignIn(_) | Self::NoPasswordSignIn => TroubleCode::SignIn,
            Self::Bye(said) | Self::Refused { said, .. } => code_of(said),
            Self::Revoked(_) | Self::TokenRefused(_) => TroubleCode::SessionRevoked,
            Self::TokenServer(_) => TroubleCode::Refused,
            Self::PlainToForeign(_)
            | Self::CaFile(_)
            | Self::NoSettings
            | Self::BadName(_)
            | Self::NoTokenSignIn
            | Self::TokenSettings(_) => TroubleCode::Settings,
            Self::NoPassword | Self::Secrets(_) => TroubleCode::Secrets,
            Self::Protocol(_) | Self::TooLarge(_) => TroubleCode::Protocol,
            Self::StoreClosed => TroubleCode::Database,
            Self::Spool(_) | Self::Internal(_) => TroubleCode::Internal,
        }
    }
}

/// Whether a refused sign-in says that the server itself has trouble, so that the password is not to blame.
pub(crate) fn is_temporary(said: &Goodbye) -> bool {
    matches!(said.code.as_str(), "UNAVAILABLE" | "INUSE" | "LIMIT" | "SERVERBUG" | "THROTTLED" | "OVERQUOTA")
        || says(said, &LIMITED)
}

/// The response codes decide (RFC 5530); texts only for the providers that send none.
fn code_of(said: &Goodbye) -> TroubleCode {
    match said.code.as_str() {
        "LIMIT" | "INUSE" | "THROTTLED" | "OVERQUOTA" => TroubleCode::Limited,
        "AUTHENTICATIONFAILED" | "AUTHORIZATIONFAILED" | "EXPIRED" | "PRIVACYREQUIRED" | "WEBALERT" => {
            TroubleCode::SignIn
        }
        _ if says(said, &APP_PASSWORD) => TroubleCode::AppPassword,
        _ if says(said, &LIMITED) => TroubleCode::Limited,
        _ if said.bad => TroubleCode::Protocol,
        _ => TroubleCode::Refused,
    }
}

fn says(said: &Goodbye, texts: &[&str]) -> bool {
    let text = said.text.to_lowercase();
    texts.iter().any(|known| text.contains(known))
}

/// A used-up allowance lasts, a full house does not.
fn limited(said: &Goodbye, why: Trouble, now: OffsetDateTime) -> ConnectorError {
    if matches!(said.code.as_str(), "THROTTLED" | "OVERQUOTA") || said.text.to_lowercase().contains("bandwidth") {
        ConnectorError::Limited { until: now + time::Duration::minutes(15), why }
    } else {
        ConnectorError::Transient { why, retry_after: Some(Duration::from_secs(60)) }
    }
}

/// Reads what rustls said: whether the certificate is to blame, and in one line why.
pub(crate) fn tls_error(error: &io::Error) -> MailError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(reason)) => MailError::Certificate(clean(&reason.to_string())),
        Some(other) => MailError::Tls(clean(&other.to_string())),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            MailError::Tls("the server closed the connection during the handshake".to_owned())
        }
        None => MailError::Tls(clean(&error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: &str, text: &str) -> Box<Goodbye> {
        Box::new(Goodbye { code: code.to_owned(), text: text.to_owned(), bad: false })
    }

    #[test]
    fn only_a_refused_sign_in_waits_for_a_person() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let refused = MailError::SignIn(said("AUTHENTICATIONFAILED", "Invalid credentials"));
        assert!(matches!(refused.into_connector(now), ConnectorError::SignInRequired(_)));
        for error in [MailError::Closed { cut: true }, MailError::Silent(Duration::from_secs(1)), MailError::NoStartTls]
        {
            assert!(matches!(error.into_connector(now), ConnectorError::Transient { .. }));
        }
    }

    #[test]
    fn codes_decide_before_texts() {
        assert_eq!(code_of(&said("LIMIT", "app password")), TroubleCode::Limited);
        let known = MailError::SignIn(said("ALERT", "Application-specific password required: https://…"));
        assert_eq!(known.trouble().code, TroubleCode::AppPassword);
        assert_eq!(code_of(&said("", "Too many simultaneous connections.")), TroubleCode::Limited);
        assert_eq!(code_of(&said("NONEXISTENT", "no such folder")), TroubleCode::Refused);
    }

    #[test]
    fn the_whole_chain_of_causes_is_told_on_one_line() {
        let error = MailError::Unreachable { to: "h:1".to_owned(), source: io::Error::other("refused\nhere") };
        assert_eq!(error.trouble().detail, "cannot connect to h:1: refused here");
    }
}
