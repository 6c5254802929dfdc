//! The bureau's own Postgres server, named by a URL in the settings instead of the private cluster.

use std::{fmt, net::IpAddr, path::PathBuf, str::FromStr};

use secrecy::SecretString;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::{Host, Url};

use super::{
    connect::{ConnectOptions, assert_durable},
    error::PostgresError,
};
use crate::{
    model::AccountId,
    secrets::{SecretKind, SecretName, Secrets},
};

/// The port of a URL that names none.
const PORT: u16 = 5432;

/// A server named in the settings: `postgres://role@host[:port]/database[?sslrootcert=FILE]`. The password is not in
/// it; it is the keyring's.
///
/// The connection uses TLS and checks the server's certificate and name (`verify-full`). Only on this computer's own
/// loopback address may it do without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl {
    host: String,
    port: u16,
    role: String,
    database: String,
    root_certificate: Option<PathBuf>,
}

/// Why a server URL is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerUrlError {
    /// It is no URL at all.
    #[error("this is not a server address of the form postgres://role@host/database: {0}")]
    NotAUrl(String),
    /// It leads to something else than Postgres.
    #[error("the address starts with {0}://, not with postgres://")]
    OtherScheme(String),
    /// A password stands in it, where everyone who reads the settings sees it.
    #[error("the address holds a password; enter it separately, so that it is kept in the keyring")]
    PasswordInside,
    /// A part is missing.
    #[error("the address names no {0}")]
    Missing(&'static str),
    /// It asks for a connection that somebody else could read or change.
    #[error("sslmode={0} would let others read the connection; only verify-full is used")]
    WeakTls(String),
    /// It carries an option that is not known here.
    #[error("the address carries an unknown option: {0}")]
    UnknownOption(String),
}

impl ServerUrl {
    /// The name of the server's password in the keyring.
    pub const PASSWORD: SecretName = SecretName { kind: SecretKind::ServerPassword, account: AccountId::BUREAU };

    /// Connects once with the password from `secrets`, makes sure that the server writes durably, and returns how to
    /// connect.
    ///
    /// # Errors
    /// [`PostgresError::NoPassword`] when there is no password, and whatever the server or the network says.
    pub async fn open(&self, secrets: &Secrets) -> Result<ConnectOptions, PostgresError> {
        let password = secrets.get(Self::PASSWORD).await?.ok_or(PostgresError::NoPassword)?;
        self.try_password(&password).await
    }

    /// The same with a password that is not kept yet.
    ///
    /// # Errors
    /// Whatever the server or the network says.
    pub async fn try_password(&self, password: &SecretString) -> Result<ConnectOptions, PostgresError> {
        let connect = self.connect_options(password);
        assert_durable(&mut connect.connect().await?).await?;
        Ok(connect)
    }

    /// Trusts a certificate authority, unless the address names one itself.
    #[must_use]
    pub fn trusting(mut self, authority: Option<PathBuf>) -> Self {
        self.root_certificate = self.root_certificate.or(authority);
        self
    }

    /// How to connect with this password, nothing tried yet: for the test of a form.
    pub fn connect_options(&self, password: &SecretString) -> ConnectOptions {
        let tls = if self.is_loopback() { PgSslMode::Prefer } else { PgSslMode::VerifyFull };
        let mut options = PgConnectOptions::new_without_pgpass().host(&self.host).port(self.port).ssl_mode(tls);
        if let Some(certificate) = &self.root_certificate {
            options = options.ssl_root_cert(certificate);
        }
        // The server gives up a dead connection, and with it its locks, within a minute.
        let options = options.options([
            ("tcp_keepalives_idle", "30"),
            ("tcp_keepalives_interval", "10"),
            ("tcp_keepalives_count", "3"),
            ("tcp_user_timeout", "30s"),
        ]);
        ConnectOptions::new(options, &self.role, password, &self.database)
    }

    /// What it names: role, host and database.
    pub fn names(&self) -> [&str; 3] {
        [&self.role, &self.host, &self.database]
    }

    /// Whether the server is this computer itself.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    }
}

impl FromStr for ServerUrl {
    type Err = ServerUrlError;

    fn from_str(text: &str) -> Result<Self, ServerUrlError> {
        // The parser's own message is used, never the text: a password may stand in it.
        let url = Url::parse(text.trim()).map_err(|error| ServerUrlError::NotAUrl(error.to_string()))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(ServerUrlError::OtherScheme(url.scheme().to_owned()));
        }
        if url.password().is_some() {
            return Err(ServerUrlError::PasswordInside);
        }
        let host = match url.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => host.to_string(),
            None => return Err(ServerUrlError::Missing("host")),
        };
        let server = Self {
            host,
            port: url.port().unwrap_or(PORT),
            role: part(url.username(), "role")?,
            database: part(url.path().trim_start_matches('/'), "database")?,
            root_certificate: None,
        };
        url.query_pairs().try_fold(server, |server, (name, value)| server.with_option(&name, &value))
    }
}

impl ServerUrl {
    fn with_option(mut self, name: &str, value: &str) -> Result<Self, ServerUrlError> {
        match (name, value) {
            ("sslmode", "verify-full") => {}
            ("sslmode", _) if self.is_loopback() => {}
            ("sslmode", weak) => return Err(ServerUrlError::WeakTls(weak.to_owned())),
            ("sslrootcert", file) => self.root_certificate = Some(file.into()),
            ("password", _) => return Err(ServerUrlError::PasswordInside),
            (unknown, _) => return Err(ServerUrlError::UnknownOption(unknown.to_owned())),
        }
        Ok(self)
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}:{}/{}", self.role, self.host, self.port, self.database)
    }
}

/// Undoes the URL's escapes in one part, which must not be empty.
fn part(text: &str, name: &'static str) -> Result<String, ServerUrlError> {
    let plain = percent_encoding::percent_decode_str(text).decode_utf8();
    match plain {
        Ok(plain) if !plain.is_empty() => Ok(plain.into_owned()),
        _ => Err(ServerUrlError::Missing(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ServerUrl, ServerUrlError> {
        text.parse()
    }

    #[test]
    fn a_url_names_server_role_and_database() {
        let url = parse("postgres://olena%40office@db.example.org/skrynka?sslrootcert=%2Fetc%2Fca.pem").unwrap();
        assert_eq!(url.to_string(), "olena@office@db.example.org:5432/skrynka");
        assert_eq!(url.root_certificate, Some("/etc/ca.pem".into()));
        assert!(matches!(tls_of(&url), PgSslMode::VerifyFull));
    }

    #[test]
    fn the_authority_of_the_settings_serves_an_address_that_names_none() {
        let authority = || Some("/etc/ours.pem".into());
        let named = parse("postgres://a@h/b?sslrootcert=/etc/ca.pem").unwrap().trusting(authority());
        assert_eq!(named.root_certificate, Some("/etc/ca.pem".into()));
        assert_eq!(parse("postgres://a@h/b").unwrap().trusting(authority()).root_certificate, authority());
    }

    #[test]
    fn only_this_computer_may_be_reached_without_tls() {
        for loopback in ["localhost", "127.0.0.1", "[::1]"] {
            let url = parse(&format!("postgresql://a@{loopback}:6432/b?sslmode=disable")).unwrap();
            assert!(url.is_loopback(), "{loopback}");
            assert!(matches!(tls_of(&url), PgSslMode::Prefer));
        }
        for weak in ["disable", "prefer", "require", "verify-ca"] {
            let refused = parse(&format!("postgres://a@10.0.0.1/b?sslmode={weak}"));
            assert_eq!(refused, Err(ServerUrlError::WeakTls(weak.to_owned())));
        }
        assert!(!parse("postgres://a@localhost.example.org/b").unwrap().is_loopback());
    }

    #[test]
    fn a_password_in_the_url_is_refused_and_not_repeated() {
        for url in ["postgres://a:hunter2@h/b", "postgres://a@h/b?password=hunter2", "postgres://a:hunter2@:x/b"] {
            let error = parse(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
        assert_eq!(parse("postgres://a:hunter2@h/b"), Err(ServerUrlError::PasswordInside));
    }

    #[test]
    fn each_missing_part_is_named() {
        assert_eq!(parse("postgres://h/b"), Err(ServerUrlError::Missing("role")));
        assert_eq!(parse("postgres://a@h"), Err(ServerUrlError::Missing("database")));
        assert_eq!(parse("mysql://a@h/b"), Err(ServerUrlError::OtherScheme("mysql".to_owned())));
        assert!(matches!(parse("db.example.org"), Err(ServerUrlError::NotAUrl(_))));
        assert_eq!(parse("postgres://a@h/b?host=x"), Err(ServerUrlError::UnknownOption("host".to_owned())));
    }

    #[test]
    fn the_password_is_not_debug_printed() {
        let options = parse("postgres://a@h/b").unwrap().connect_options(&"hunter2".to_owned().into());
        assert_eq!(format!("{options:?}"), "h/b");
    }

    fn tls_of(url: &ServerUrl) -> PgSslMode {
        url.connect_options(&"x".to_owned().into()).inner().get_ssl_mode()
    }
}
