//! Real clusters under real faults. Each test has a profile of its own.
#![cfg(unix)]

use std::{
    collections::HashMap,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::BoxFuture;
use rustix::process::{Pid, Signal, kill_process};
use secrecy::SecretString;
use tempfile::TempDir;

use super::{
    Cluster, ClusterOptions, PASSWORD, PostgresError,
    pid_file::PidFile,
    process::{self, Identity, Shutdown},
    testing::scratch_folder,
};
use crate::secrets::{SecretName, SecretStore, SecretsError};

mod damage;
mod kills;
mod lifecycle;
mod places;

/// A profile folder with its secrets. Dropping it kills what a failed test left running.
struct Profile {
    folder: TempDir,
    secrets: Arc<Memory>,
}

impl Profile {
    fn new() -> Self {
        Self { folder: scratch_folder(), secrets: Arc::default() }
    }

    /// A profile on the disk: with rights of its own, and programs can be run from it.
    fn on_disk(mode: u32) -> Self {
        let folder = tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(mode)).tempdir().unwrap();
        Self { folder, secrets: Arc::default() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn options(&self) -> ClusterOptions {
        ClusterOptions::new(self.path(), self.secrets.clone())
    }

    async fn start(&self) -> Result<Cluster, PostgresError> {
        Cluster::start(self.options()).await
    }

    /// Starts the cluster, puts `rows` numbered rows in, and stops it.
    async fn with_rows(rows: i32) -> Self {
        let profile = Self::new();
        let cluster = profile.start().await.unwrap();
        fill(&cluster, rows).await;
        cluster.stop().await.unwrap();
        profile
    }

    fn data(&self) -> PathBuf {
        self.path().join("postgres/data")
    }

    fn server(&self) -> PidFile {
        PidFile::read(&self.data()).expect("the server runs")
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        kill_server_in(&self.data());
    }
}

fn kill_server_in(data: &Path) {
    if let Some(file) = PidFile::read(data)
        && process::identify(file.pid, data) == Identity::Ours
    {
        process::signal(file.pid, Shutdown::Immediate);
    }
}

/// Secrets that live as long as the test.
#[derive(Default)]
struct Memory(Mutex<HashMap<SecretName, SecretString>>);

impl Memory {
    fn put(&self, value: &str) {
        self.0.lock().unwrap().insert(PASSWORD, value.to_owned().into());
    }

    fn lose(&self) {
        self.0.lock().unwrap().clear();
    }
}

impl SecretStore for Memory {
    fn get(&self, name: SecretName) -> BoxFuture<'_, Result<Option<SecretString>, SecretsError>> {
        Box::pin(async move { Ok(self.0.lock().unwrap().get(&name).cloned()) })
    }

    fn set(&self, name: SecretName, value: SecretString) -> BoxFuture<'_, Result<(), SecretsError>> {
        Box::pin(async move {
            self.0.lock().unwrap().insert(name, value);
            Ok(())
        })
    }

    fn remove(&self, name: SecretName) -> BoxFuture<'_, Result<(), SecretsError>> {
        Box::pin(async move {
            self.0.lock().unwrap().remove(&name);
            Ok(())
        })
    }

    fn kind(&self) -> &'static str {
        "memory"
    }
}

/// Commits `rows` numbered rows.
async fn fill(cluster: &Cluster, rows: i32) {
    let mut connection = cluster.connect_options().connect().await.unwrap();
    sqlx::query("create table numbered as select generate_series(1, $1) as n")
        .bind(rows)
        .execute(&mut connection)
        .await
        .unwrap();
}

/// Counts the rows and their sum, which tells a lost row from a doubled one.
async fn rows(cluster: &Cluster) -> (i64, i64) {
    let mut connection = cluster.connect_options().connect().await.unwrap();
    sqlx::query_as("select count(*), coalesce(sum(n), 0) from numbered").fetch_one(&mut connection).await.unwrap()
}

/// What [`rows`] gives when the rows 1 to `n` are there, each once.
fn all(n: i64) -> (i64, i64) {
    (n, n * (n + 1) / 2)
}

async fn show(cluster: &Cluster, setting: &str) -> String {
    let mut connection = cluster.connect_options().connect().await.unwrap();
    sqlx::query_scalar("select current_setting($1)").bind(setting).fetch_one(&mut connection).await.unwrap()
}

fn kill_9(pid: i32) {
    send(pid, Signal::KILL);
}

fn stop_for_now(pid: i32) {
    send(pid, Signal::STOP);
}

fn send(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

fn error_of(result: Result<Cluster, PostgresError>) -> PostgresError {
    result.err().expect("the start is refused")
}
