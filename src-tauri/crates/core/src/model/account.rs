//! Accounts and the states a listener can be in.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{AccountId, TelegramSettings};

/// The network an account belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A mailbox read over IMAP.
    Email,
    /// A personal Telegram account.
    Telegram,
}

impl Account {
    /// What names the account on its network: the mail address, or the phone number.
    pub fn address(&self) -> &str {
        match (&self.email, &self.telegram) {
            (Some(email), _) => &email.address,
            (None, Some(telegram)) => &telegram.phone,
            (None, None) => "",
        }
    }
}

impl Channel {
    /// The word the database and the command line use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Telegram => "telegram",
        }
    }
}

impl FromStr for Channel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "email" => Ok(Self::Email),
            "telegram" => Ok(Self::Telegram),
            other => Err(format!("unknown channel {other:?}")),
        }
    }
}

/// How a connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// Plain text until STARTTLS, which is then required.
    Starttls,
    /// No protection; accepted only when the host resolves to loopback addresses alone.
    LoopbackPlain,
}

impl Security {
    /// The word the database and the command line use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::Starttls => "starttls",
            Self::LoopbackPlain => "loopback_plain",
        }
    }
}

impl FromStr for Security {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "tls" => Ok(Self::Tls),
            "starttls" => Ok(Self::Starttls),
            "loopback_plain" => Ok(Self::LoopbackPlain),
            other => Err(format!("unknown security {other:?}: use tls, starttls or loopback_plain")),
        }
    }
}

/// What a mailbox signs in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// A password.
    #[default]
    Password,
    /// Tokens of OAuth 2.0, by SASL XOAUTH2 or OAUTHBEARER (RFC 7628).
    Xoauth2,
}

impl Auth {
    /// The word the database and the command line use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Xoauth2 => "xoauth2",
        }
    }
}

impl FromStr for Auth {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "password" => Ok(Self::Password),
            "xoauth2" => Ok(Self::Xoauth2),
            other => Err(format!("unknown way to sign in {other:?}: use password or xoauth2")),
        }
    }
}

/// A host name or address with a port (1 to 65535).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Host name, IPv4 address or IPv6 address without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Why a text is not an [`Endpoint`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not HOST:PORT with a port from 1 to 65535")]
pub struct ParseEndpointError(String);

impl FromStr for Endpoint {
    type Err = ParseEndpointError;

    /// Reads `host:port` or `[ipv6]:port`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseEndpointError(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let port: u16 = port.parse().map_err(|_| wrong())?;
        let plausible = !host.is_empty()
            && host.len() <= 253
            && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | ':' | '_'));
        if port == 0 || !plausible {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

/// What is needed to reach a mailbox; its password or tokens stand in the keyring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailSettings {
    /// The mailbox's own address.
    pub address: String,
    /// The IMAP server.
    pub imap: Endpoint,
    /// How the IMAP connection is protected.
    pub imap_security: Security,
    /// The SMTP server.
    pub smtp: Endpoint,
    /// How the SMTP connection is protected.
    pub smtp_security: Security,
    /// The name to sign in with; often the address.
    pub user: String,
    /// What it signs in with.
    #[serde(default)]
    pub auth: Auth,
    /// Mails that the server received before this moment are not fetched.
    pub since: Option<OffsetDateTime>,
    /// A PEM file's content with extra certificate authorities to trust for this account.
    pub ca_pem: Option<String>,
    /// Folders to fetch beside INBOX and the Sent folder.
    pub folders: Vec<String>,
    /// Whether reading here may set `\Seen` on the server; off unless the owner turns it on.
    pub write_flags: bool,
}

impl EmailSettings {
    /// What stands behind the `@` of the Message-IDs that are made for this mailbox.
    pub fn id_domain(&self) -> &str {
        let domain = self.address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        if domain.is_ascii() { domain } else { "localhost" }
    }
}

/// A channel account of the bureau.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its key.
    pub id: AccountId,
    /// Its network.
    pub channel: Channel,
    /// What the bureau calls it.
    pub name: String,
    /// One or two characters for its tile.
    pub code: String,
    /// Its place in the row of account colours, 1 to 8.
    pub color: i16,
    /// Whether it is listened to.
    pub enabled: bool,
    /// Whether nobody is told of its messages.
    pub muted: bool,
    /// The mailbox, for [`Channel::Email`].
    pub email: Option<EmailSettings>,
    /// The Telegram account, for [`Channel::Telegram`].
    pub telegram: Option<TelegramSettings>,
    /// When it was added.
    pub created_at: OffsetDateTime,
}

/// What kind of thing went wrong, so that the window can say it in the manager's language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TroubleCode {
    /// The host name has no address.
    NameNotFound,
    /// Nothing answered, or the connection broke.
    Network,
    /// The server did not answer within the deadline.
    Timeout,
    /// The server's certificate was not accepted.
    Certificate,
    /// TLS failed for another reason, or the server does not offer it.
    Tls,
    /// The server refused the name or the password.
    SignIn,
    /// The provider wants an app password, or takes no passwords at all.
    AppPassword,
    /// A limit of the server: too many connections, quota, rate.
    Limited,
    /// The server answered something that the protocol does not allow.
    Protocol,
    /// The server said no for a reason of its own.
    Refused,
    /// The session was used from two places at once and is destroyed.
    SessionDuplicated,
    /// The session was ended from another device, or is unknown to the server; a mailbox's tokens were revoked.
    SessionRevoked,
    /// The account was banned by its network.
    Banned,
    /// The account was deleted by its owner.
    Deactivated,
    /// The account is frozen: it can be read and cannot write.
    Frozen,
    /// The proxy did not answer or refused.
    Proxy,
    /// The network or this program does not offer what was asked.
    NotOffered,
    /// The settings cannot work: a missing secret, a folder that does not exist, plain text to a foreign host.
    Settings,
    /// The keyring or vault is locked or missing.
    Secrets,
    /// The database could not be reached or refused the data.
    Database,
    /// A defect of the program ended the attempt.
    Internal,
}

impl TroubleCode {
    /// The word the database, the logs and the command line use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NameNotFound => "name_not_found",
            Self::Network => "network",
            Self::Timeout => "timeout",
            Self::Certificate => "certificate",
            Self::Tls => "tls",
            Self::SignIn => "sign_in",
            Self::AppPassword => "app_password",
            Self::Limited => "limited",
            Self::Protocol => "protocol",
            Self::Refused => "refused",
            Self::SessionDuplicated => "session_duplicated",
            Self::SessionRevoked => "session_revoked",
            Self::Banned => "banned",
            Self::Deactivated => "deactivated",
            Self::Frozen => "frozen",
            Self::Proxy => "proxy",
            Self::NotOffered => "not_offered",
            Self::Settings => "settings",
            Self::Secrets => "secrets",
            Self::Database => "database",
            Self::Internal => "internal",
        }
    }
}

/// Something that went wrong with an account: its kind, and the cause in the words of whoever said it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Its kind.
    pub code: TroubleCode,
    /// The chain of causes on one line, or the server's own reply; never a secret, at most 500 characters.
    pub detail: String,
}

/// Where an account's listener stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum AccountState {
    /// Not started yet.
    Idle,
    /// Resolving, connecting, signing in.
    Connecting,
    /// Fetching what is missing.
    CatchingUp {
        /// Messages fetched so far in this round.
        done: u64,
        /// Messages known to be missing at its start.
        total: u64,
    },
    /// Everything known is here; the server tells of new messages.
    Live,
    /// The last attempt failed; another follows.
    BackingOff {
        /// When the next attempt starts.
        until: OffsetDateTime,
        /// Why the last one failed.
        why: Trouble,
        /// How many attempts failed in a row.
        attempt: u32,
    },
    /// Only a person can help: the sign-in was refused.
    NeedsSignIn {
        /// What the server said.
        why: Trouble,
    },
    /// Only a person can help: the settings cannot work.
    Misconfigured {
        /// What is wrong with them.
        why: Trouble,
    },
    /// The server set a limit; attempts pause until then.
    Limited {
        /// When the limit ends.
        until: OffsetDateTime,
        /// What the server said.
        why: Trouble,
    },
    /// Another program listens to this account; this one takes over when that one ends.
    Elsewhere {
        /// What that program calls itself.
        holder: String,
        /// Since when it listens.
        since: OffsetDateTime,
    },
    /// Switched off by a person, or the program is ending.
    Stopped,
}

impl AccountState {
    /// The word the command line and the logs use.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Connecting => "connecting",
            Self::CatchingUp { .. } => "catching_up",
            Self::Live => "live",
            Self::BackingOff { .. } => "backing_off",
            Self::NeedsSignIn { .. } => "needs_sign_in",
            Self::Misconfigured { .. } => "misconfigured",
            Self::Limited { .. } => "limited",
            Self::Elsewhere { .. } => "elsewhere",
            Self::Stopped => "stopped",
        }
    }

    /// Tells whether no further attempt follows by itself.
    pub const fn waits_for_person(&self) -> bool {
        matches!(self, Self::NeedsSignIn { .. } | Self::Misconfigured { .. })
    }

    /// Returns what is wrong, if anything is.
    pub const fn trouble(&self) -> Option<&Trouble> {
        match self {
            Self::BackingOff { why, .. }
            | Self::NeedsSignIn { why }
            | Self::Misconfigured { why }
            | Self::Limited { why, .. } => Some(why),
            Self::Idle
            | Self::Connecting
            | Self::CatchingUp { .. }
            | Self::Live
            | Self::Elsewhere { .. }
            | Self::Stopped => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_reads_names_and_both_address_families() {
        for (text, host, port) in [
            ("imap.example.org:993", "imap.example.org", 993),
            ("127.0.0.1:1", "127.0.0.1", 1),
            ("[::1]:143", "::1", 143),
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!((endpoint.host.as_str(), endpoint.port), (host, port));
            assert_eq!(endpoint.to_string(), text);
        }
    }

    #[test]
    fn an_endpoint_refuses_what_is_not_one() {
        for text in ["", "host", "host:", ":993", "host:0", "host:65536", "host:-1", "ho st:993", "host/x:993", "a\0:1"]
        {
            assert!(text.parse::<Endpoint>().is_err(), "{text:?}");
        }
    }
}
