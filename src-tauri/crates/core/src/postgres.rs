//! The private Postgres: a cluster of the app's own in the profile, which needs no administration.
//!
//! [`Cluster::start`] makes it when there is none, starts it when it does not run, and attaches when it does. Every
//! program on a profile is an equal user: whoever leaves last stops the server. A program that was killed leaves a
//! running server behind, and the next one attaches to it. The server's process is found by what it is (a Postgres
//! that works in this data folder), never by a bare process id.

use std::{path::PathBuf, time::Duration};

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{
    model::AccountId,
    secrets::{SecretKind, SecretName, Secrets},
};

use self::{
    binaries::Binaries,
    home::{Home, Users},
    run_as::RunAs,
    server::Running,
    site::Site,
};

pub use self::{
    binaries::BinarySearch,
    connect::ConnectOptions,
    error::PostgresError,
    home::free_bytes,
    remote::{ServerUrl, ServerUrlError},
};

mod aside;
mod binaries;
mod connect;
mod error;
mod home;
mod init;
mod pid_file;
mod process;
mod remote;
mod run_as;
mod server;
mod site;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

/// How long another program on the profile may take to start or stop the server.
const PATIENCE: Duration = Duration::from_secs(150);
/// How often [`Cluster::watch`] looks whether the server lives.
const WATCH_PAUSE: Duration = Duration::from_millis(500);

/// The name of the database password in the keyring.
const PASSWORD: SecretName = SecretName { kind: SecretKind::DatabasePassword, account: AccountId::BUREAU };

/// What a private cluster needs to start.
#[derive(Clone)]
pub struct ClusterOptions {
    /// The profile folder; the cluster lives in its `postgres`.
    pub profile: PathBuf,
    /// Where the Postgres programs are.
    pub binaries: BinarySearch,
    /// Where the password of the app's role is kept.
    pub secrets: Secrets,
    may_create_databases: bool,
}

impl ClusterOptions {
    /// Options for the cluster of `profile`, with the programs looked for in the usual places.
    pub fn new(profile: impl Into<PathBuf>, secrets: Secrets) -> Self {
        Self { profile: profile.into(), binaries: BinarySearch::default(), secrets, may_create_databases: false }
    }
}

/// A running private cluster that this program uses. Call [`Cluster::stop`] at the end: a dropped one leaves the
/// server running, for the next program to attach to.
pub struct Cluster {
    site: Site,
    users: Users,
    running: Mutex<Running>,
    connect: ConnectOptions,
    closing: CancellationToken,
}

impl Cluster {
    /// Makes, starts or attaches to the profile's cluster, and returns once it takes connections and has been seen to
    /// write durably.
    ///
    /// # Errors
    /// Every case of [`PostgresError`]; whatever was there is left as it was, and trying again is safe.
    pub async fn start(options: ClusterOptions) -> Result<Self, PostgresError> {
        let run_as = RunAs::current();
        let home = Home::open(&options.profile, run_as)?;
        let _start_lock = home.lock_start(PATIENCE).await?;
        home.remove_unfinished();
        let binaries = Binaries::locate(&options.binaries, &home.binaries(), run_as).await?;
        let site = Site { home, binaries, options };
        let users = site.home.users()?;
        let (running, connect) = site.bring_up(users.is_alone()?).await?;
        users.join()?;
        Ok(Self { site, users, running: Mutex::new(running), connect, closing: CancellationToken::new() })
    }

    /// How to connect as the app's role, which owns the database `skrynka` and is not a superuser.
    pub fn connect_options(&self) -> ConnectOptions {
        self.connect.clone()
    }

    /// Starts the server again whenever it ends by itself; returns `Ok` once [`Cluster::stop`] is called. Pools find
    /// the new server at the same place.
    ///
    /// # Errors
    /// The server ended and could not be started again. Calling `watch` again tries again.
    pub async fn watch(&self) -> Result<(), PostgresError> {
        loop {
            let mut running = self.running.lock().await;
            tokio::select! {
                // In this order: a server that `stop` has ended is not started again.
                biased;
                () = self.closing.cancelled() => return Ok(()),
                () = running.ended(&self.site.home, WATCH_PAUSE) => {}
            }
            tracing::warn!(target: "skrynka::store", pid = running.pid, "Database server ended by itself");
            let _start_lock = self.site.home.lock_start(PATIENCE).await?;
            let result = match self.users.is_alone() {
                Ok(alone) => self.site.bring_up(alone).await,
                Err(error) => Err(error),
            };
            self.users.join()?;
            (*running, _) = result?;
        }
    }

    /// Copies the data aside while the server stands still, before something is done to it that cannot be undone; the last
    /// such copy is replaced. Returns where the copy is; `None` where there can be none: other programs use the server, or
    /// the disk has no room for the same data twice. Open connections are ended.
    ///
    /// # Errors
    /// The copy failed, and there is none; or the server did not stop or start. The data is as it was.
    pub async fn copy_aside(&self) -> Result<Option<PathBuf>, PostgresError> {
        let mut running = self.running.lock().await;
        let _start_lock = self.site.home.lock_start(PATIENCE).await?;
        if !self.users.is_alone()? {
            self.users.join()?;
            return Ok(None);
        }
        let copied = match self.site.shut_down(&mut running).await {
            Ok(()) => aside::copy(&self.site.home).await,
            Err(error) => Err(error),
        };
        let up = self.site.bring_up(true).await;
        self.users.join()?;
        (*running, _) = up?;
        copied
    }

    /// Stops the server and removes the cluster with all its data. For one that was made on trial.
    ///
    /// # Errors
    /// The server did not stop, or the folder could not be removed.
    pub async fn remove(self) -> Result<(), PostgresError> {
        self.stop().await?;
        let dir = &self.site.home.dir;
        std::fs::remove_dir_all(dir).map_err(PostgresError::at(dir))
    }

    /// Leaves the cluster, and stops the server when no other program uses it. Open connections are ended.
    ///
    /// # Errors
    /// The server did not stop in time. It keeps what was committed, and the next start deals with it.
    pub async fn stop(&self) -> Result<(), PostgresError> {
        self.closing.cancel();
        let mut running = self.running.lock().await;
        let _start_lock = self.site.home.lock_start(PATIENCE).await?;
        if self.users.is_alone()? {
            let result = self.site.shut_down(&mut running).await;
            self.users.leave()?;
            result
        } else {
            tracing::info!(target: "skrynka::store", "Database server left running for other programs");
            self.users.leave()
        }
    }
}

#[cfg(test)]
mod tests;
