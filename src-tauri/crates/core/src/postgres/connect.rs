//! Connecting, with nothing taken from the environment that could weaken the connection.

use std::{fmt, io, path::Path, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{
    Connection as _, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions, PgSslMode},
};

use super::error::PostgresError;

/// How long one attempt to connect may take.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// How to reach a database, password included. sqlx' own type prints the password when it is debug-printed; this one
/// shows where it leads.
#[derive(Clone)]
pub struct ConnectOptions(PgConnectOptions);

impl fmt::Debug for ConnectOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0.get_host(), self.0.get_database().unwrap_or_default())
    }
}

impl ConnectOptions {
    /// Adds what every connection of ours has: its name, and an end to what would otherwise wait for ever.
    pub(super) fn new(options: PgConnectOptions, user: &str, password: &SecretString, database: &str) -> Self {
        Self(
            options
                .username(user)
                .password(password.expose_secret())
                .database(database)
                .application_name("skrynka")
                .options([
                    ("search_path", "skrynka,public"),
                    ("synchronous_commit", "on"),
                    ("lock_timeout", "10s"),
                    ("statement_timeout", "120s"),
                    ("idle_in_transaction_session_timeout", "60s"),
                ]),
        )
    }

    /// Opens one connection, with a deadline.
    pub async fn connect(&self) -> Result<PgConnection, PostgresError> {
        match tokio::time::timeout(CONNECT_DEADLINE, PgConnection::connect_with(&self.0)).await {
            Ok(result) => result.map_err(PostgresError::Connect),
            Err(_) => Err(PostgresError::Connect(sqlx::Error::Io(io::ErrorKind::TimedOut.into()))),
        }
    }

    /// Makes a pool that connects when it is first used.
    pub fn pool(&self, options: PgPoolOptions) -> PgPool {
        options.connect_lazy_with(self.0.clone())
    }

    /// The same for connections whose statements find rows by their keys. They are planned once: planning such a statement
    /// takes longer than carrying it out, and the server would do it each time, since it takes every array for longer than
    /// it is. A plan that was made while a table was small goes by its index all the same.
    pub fn by_key(&self) -> Self {
        Self(self.0.clone().options([("plan_cache_mode", "force_generic_plan"), ("enable_seqscan", "off")]))
    }

    /// The same server and role with another database.
    pub fn with_database(&self, database: &str) -> Self {
        Self(self.0.clone().database(database))
    }

    #[cfg(test)]
    pub(super) fn inner(&self) -> &PgConnectOptions {
        &self.0
    }
}

/// The options for a Unix socket.
pub(super) fn over_socket(dir: &Path, port: u16) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass().socket(dir).port(port).ssl_mode(PgSslMode::Disable)
}

/// The options for the loopback interface, where the server is this program's own.
pub(super) fn over_loopback(port: u16) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(port).ssl_mode(PgSslMode::Disable)
}

/// Reads back the settings without which a power cut loses committed data, and refuses the server if one is off.
pub(super) async fn assert_durable(connection: &mut PgConnection) -> Result<(), PostgresError> {
    for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
        let value: String = sqlx::query_scalar("select current_setting($1)")
            .bind(setting)
            .fetch_one(&mut *connection)
            .await
            .map_err(PostgresError::Connect)?;
        if value != "on" {
            return Err(PostgresError::Unsafe { setting, value });
        }
    }
    Ok(())
}

/// Whether the server was reached and refused the password or the role.
pub(super) fn is_refused(error: &PostgresError) -> bool {
    let PostgresError::Connect(sqlx::Error::Database(error)) = error else { return false };
    matches!(error.code().as_deref(), Some("28P01" | "28000"))
}
