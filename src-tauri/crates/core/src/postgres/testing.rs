//! Databases for tests: one cluster for all test processes of a checkout, a fresh database for each test.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, PgPool, postgres::PgPoolOptions};
use tempfile::TempDir;
use tokio::sync::Mutex;

use super::{Cluster, ClusterOptions, ConnectOptions, PostgresError, home::free_bytes, run_as::RunAs};
use crate::secrets::{SecretName, SecretStore, SecretsError};

/// Free bytes from which on test clusters are put in memory.
const MEMORY_NEEDED: u64 = 4 << 30;

/// SQLSTATE `object_in_use`: somebody is connected to the database.
const OBJECT_IN_USE: &str = "55006";

/// A database of a test's own. Dropping it removes the database; the last one in the last test process also stops
/// the server.
pub struct TestDatabase {
    /// Connections as the app's role, which owns the database.
    pub pool: PgPool,
    connect: ConnectOptions,
    name: String,
    shared: Arc<Shared>,
}

impl TestDatabase {
    /// Makes an empty database.
    ///
    /// # Panics
    /// Where the cluster does not start. Without the Postgres programs it says which command fetches them.
    pub async fn new() -> Self {
        let shared = Shared::get().await;
        Self::create(shared, "template1").await
    }

    /// Makes a copy of a database that `prepare` has filled once, as a migration does. `version` names what `prepare`
    /// does: the copy is of the database that was prepared under the same name, by whichever test came first.
    pub async fn prepared(version: &str, prepare: impl AsyncFnOnce(&PgPool)) -> Self {
        let shared = Shared::get().await;
        let template = format!("template_{}", short_hash(version));
        shared.ensure_template(&template, prepare).await;
        Self::create(shared, &template).await
    }

    async fn create(shared: Arc<Shared>, template: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        shared.drop_database(&name).await;
        shared.run(&format!("create database {name} template {template}")).await;
        let connect = shared.cluster.connect_options().with_database(&name);
        let pool = connect.pool(PgPoolOptions::new().max_connections(8));
        Self { pool, connect, name, shared }
    }

    /// How to connect to this database.
    pub fn connect_options(&self) -> ConnectOptions {
        self.connect.clone()
    }

    /// How another program connects to it.
    pub fn reached(&self) -> Reached {
        let options = self.pool.connect_options();
        let url = options.to_url_lossy();
        let host = options.get_socket().map(|path| path.display().to_string());
        let password = percent_encoding::percent_decode_str(url.password().unwrap_or_default()).decode_utf8_lossy();
        Reached {
            host: host.unwrap_or_else(|| options.get_host().to_owned()),
            port: options.get_port(),
            role: options.get_username().to_owned(),
            password: password.into_owned(),
            database: self.name.clone(),
        }
    }

    /// Runs statements in it, for tests that know nothing of sqlx.
    ///
    /// # Panics
    /// Where one fails.
    pub async fn run(&self, statements: &str) {
        let done = sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(&self.pool).await;
        done.unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    /// Returns the texts that a query finds.
    ///
    /// # Panics
    /// Where it fails.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        texts_of(&self.connect, query).await
    }
}

/// Returns the texts that a query finds in any database.
///
/// # Panics
/// Where it fails.
pub async fn texts_of(connect: &ConnectOptions, query: &str) -> Vec<String> {
    let pool = connect.pool(PgPoolOptions::new().max_connections(1));
    let found = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_all(&pool).await;
    pool.close().await;
    found.unwrap_or_else(|error| panic!("{query}: {error}"))
}

/// A test's database as other programs reach it.
#[derive(Debug, Clone)]
pub struct Reached {
    /// The folder of its socket; a host where it has none.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The role that owns it.
    pub role: String,
    /// The role's password.
    pub password: String,
    /// The database.
    pub database: String,
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (shared, name) = (self.shared.clone(), &self.name);
        aside(async move { shared.drop_database(name).await });
    }
}

/// The cluster while at least one test of this process uses it.
struct Shared {
    cluster: Cluster,
}

impl Shared {
    async fn get() -> Arc<Self> {
        static CURRENT: Mutex<Weak<Shared>> = Mutex::const_new(Weak::new());
        let mut current = CURRENT.lock().await;
        if let Some(shared) = current.upgrade() {
            return shared;
        }
        let profile = profile();
        let secrets = Arc::new(FileSecrets(profile.join("password")));
        let options = ClusterOptions { may_create_databases: true, ..ClusterOptions::new(profile, secrets) };
        let cluster = match Cluster::start(options).await {
            Ok(cluster) => cluster,
            Err(error @ PostgresError::BinariesMissing { .. }) => {
                panic!("{error}: run `cargo xtask test`, which fetches the Postgres binaries")
            }
            Err(error) => panic!("the test cluster does not start: {}", crate::chain(&error)),
        };
        let shared = Arc::new(Self { cluster });
        *current = Arc::downgrade(&shared);
        shared
    }

    /// Makes the template once, also when several processes ask for it: it gets its name when it is whole.
    async fn ensure_template(&self, template: &str, prepare: impl AsyncFnOnce(&PgPool)) {
        let mut lock = self.connect().await;
        self.run_on(&mut lock, "select pg_advisory_lock(hashtext('skrynka test template'))").await;
        let exists: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
            .bind(template)
            .fetch_one(&mut lock)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        if !exists {
            let unfinished = format!("unfinished_{template}");
            self.drop_database(&unfinished).await;
            self.run(&format!("create database {unfinished}")).await;
            let connect = self.cluster.connect_options().with_database(&unfinished);
            let pool = connect.pool(PgPoolOptions::new().max_connections(2));
            prepare(&pool).await;
            pool.close().await;
            self.end_sessions(&mut lock, &unfinished).await;
            self.run(&format!("alter database {unfinished} rename to {template}")).await;
        }
        let _ = lock.close().await;
    }

    /// Drops a database from under a pool that may still connect to it. Not `with (force)`: who is not a superuser may
    /// not end a worker of autovacuum, while the plain statement ends it by itself.
    async fn drop_database(&self, name: &str) {
        let mut connection = self.connect().await;
        let statement = format!("drop database if exists {name}");
        loop {
            self.end_sessions(&mut connection, name).await;
            match sqlx::raw_sql(sqlx::AssertSqlSafe(statement.clone())).execute(&mut connection).await {
                Ok(_) => break,
                Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(OBJECT_IN_USE) => {}
                Err(error) => panic!("{statement}: {error}"),
            }
        }
        let _ = connection.close().await;
    }

    /// Ends the sessions of a database and waits for their end. `drop database` does so too, but looks only every
    /// 100 ms.
    async fn end_sessions(&self, connection: &mut PgConnection, name: &str) {
        let query = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
                     where datname = $1 and usename = current_user";
        loop {
            let live: i64 = sqlx::query_scalar(query)
                .bind(name)
                .fetch_one(&mut *connection)
                .await
                .unwrap_or_else(|error| panic!("{error}"));
            if live == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn connect(&self) -> PgConnection {
        let result = self.cluster.connect_options().connect().await;
        result.unwrap_or_else(|error| panic!("the test cluster does not answer: {}", crate::chain(&error)))
    }

    /// Runs one statement outside of any test's database.
    async fn run(&self, statement: &str) {
        let mut connection = self.connect().await;
        self.run_on(&mut connection, statement).await;
        let _ = connection.close().await;
    }

    async fn run_on(&self, connection: &mut PgConnection, statement: &str) {
        let result = sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(connection).await;
        result.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        aside(async {
            if let Err(error) = self.cluster.stop().await {
                tracing::warn!(target: "skrynka::store", error = format!("{}", crate::chain(&error)), "Test cluster was not stopped");
            }
        });
    }
}

/// Runs `work` to its end on a thread of its own: a destructor cannot await, and the test's runtime may be ending.
fn aside(work: impl Future<Output = ()> + Send) {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
                runtime.block_on(work);
            }
        });
    });
}

/// Makes a temporary folder for a profile: in memory where there is room, since a hundred new clusters keep a disk
/// busy for minutes, and open enough for the user that runs the server when the test runs as root. Programs may not
/// be run from it.
///
/// # Panics
/// Where no folder can be made.
pub fn scratch_folder() -> TempDir {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o711));
    let parent = memory().unwrap_or_else(std::env::temp_dir);
    builder.tempdir_in(parent).unwrap_or_else(|error| panic!("no temporary folder: {error}"))
}

/// The shared cluster's profile, for each user and checkout its own. It is kept for the next run: in memory until the computer
/// is switched off, or else below `target`.
fn profile() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let target = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file()).map(Path::to_path_buf);
    let base = memory().or(target).unwrap_or_else(std::env::temp_dir);
    base.join(format!("skrynka-test-{}-{}", RunAs::current().uid, short_hash(env!("CARGO_MANIFEST_DIR"))))
}

/// Linux' file system in memory, if it has room for some clusters; containers often have 64 MB of it.
fn memory() -> Option<PathBuf> {
    let folder = PathBuf::from("/dev/shm");
    free_bytes(&folder).is_ok_and(|free| cfg!(target_os = "linux") && free > MEMORY_NEEDED).then_some(folder)
}

fn short_hash(text: &str) -> String {
    Sha256::digest(text).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// Keeps the test cluster's password in a file, where every test process finds it.
struct FileSecrets(PathBuf);

impl SecretStore for FileSecrets {
    fn get(&self, _name: SecretName) -> BoxFuture<'_, Result<Option<SecretString>, SecretsError>> {
        Box::pin(async { Ok(std::fs::read_to_string(&self.0).ok().map(SecretString::from)) })
    }

    fn set(&self, _name: SecretName, value: SecretString) -> BoxFuture<'_, Result<(), SecretsError>> {
        Box::pin(async move {
            std::fs::write(&self.0, value.expose_secret()).map_err(|error| SecretsError::Other(error.to_string()))
        })
    }

    fn remove(&self, _name: SecretName) -> BoxFuture<'_, Result<(), SecretsError>> {
        Box::pin(async { std::fs::remove_file(&self.0).map_err(|error| SecretsError::Other(error.to_string())) })
    }

    fn kind(&self) -> &'static str {
        "file"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_test_database_is_fresh_and_its_role_is_no_superuser() {
        let (one, two) = tokio::join!(TestDatabase::new(), TestDatabase::new());
        sqlx::query("create table only_here (id int)").execute(&one.pool).await.unwrap();
        let there: bool =
            sqlx::query_scalar("select to_regclass('only_here') is not null").fetch_one(&two.pool).await.unwrap();
        assert!(!there);
        let role: (String, bool) =
            sqlx::query_as("select rolname::text, rolsuper from pg_roles where rolname = current_user")
                .fetch_one(&one.pool)
                .await
                .unwrap();
        assert_eq!(role, ("skrynka".to_owned(), false));
    }

    #[tokio::test]
    async fn a_prepared_database_is_prepared_once_and_copied_for_each_test() {
        let version = format!("numbers of process {}", std::process::id());
        let fill = async |pool: &PgPool| {
            sqlx::query("create table numbers as select 7 as n").execute(pool).await.unwrap();
        };
        let one = TestDatabase::prepared(&version, fill).await;
        sqlx::query("insert into numbers values (8)").execute(&one.pool).await.unwrap();
        let two = TestDatabase::prepared(&version, async |_: &PgPool| panic!("it is prepared already")).await;
        let sum: i64 = sqlx::query_scalar("select sum(n) from numbers").fetch_one(&two.pool).await.unwrap();
        assert_eq!(sum, 7);
        two.shared.drop_database(&format!("template_{}", short_hash(&version))).await;
    }
}
