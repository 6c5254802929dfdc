//! Bringing the server up and down, whatever state the data folder and its processes are found in.

use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;

use super::{
    ClusterOptions, PASSWORD,
    binaries::Binaries,
    connect::{self, ConnectOptions, assert_durable, is_refused},
    error::PostgresError,
    home::{Home, Record},
    init,
    pid_file::{self, PidFile},
    process::{self, Identity},
    server::{self, Running},
};

/// How long a running server may take to become ready, or to finish stopping.
const TRANSITION_DEADLINE: Duration = Duration::from_secs(60);
/// How long the sessions of a killed server may outlive it.
const LEFTOVER_DEADLINE: Duration = Duration::from_secs(10);
/// How long a server that cut a connection may take to be gone.
const DYING_DEADLINE: Duration = Duration::from_secs(2);
/// How often a server in transition is looked at.
const PAUSE: Duration = Duration::from_millis(20);

/// Everything about a cluster that stays the same while its server comes and goes. Its methods are called with the
/// start lock held.
pub(super) struct Site {
    pub home: Home,
    pub binaries: Binaries,
    pub options: ClusterOptions,
}

impl Site {
    /// Attaches to the running server or starts one. `alone` tells that no other program uses it, so that one that
    /// does not do its work may be stopped.
    pub async fn bring_up(&self, alone: bool) -> Result<(Running, ConnectOptions), PostgresError> {
        let password = self.options.secrets.get(PASSWORD).await?;
        while let Some(file) = self.find_running().await? {
            let mut running = Running::found(&file);
            match self.try_connect(&file, password.as_ref()).await {
                Ok(connect) => {
                    tracing::info!(target: "skrynka::store", pid = file.pid, alone, "Database server found running");
                    return Ok((running, connect));
                }
                Err(error) if alone => {
                    tracing::warn!(target: "skrynka::store", pid = file.pid, error = crate::chain(&error), "Database server of an earlier run is stopped");
                    server::stop(&self.home, &self.binaries, &mut running).await?;
                }
                Err(error) if is_refused(&error) => return Err(PostgresError::PasswordLost),
                // One that is just dying cuts the connection: what stands in its place then is looked at anew.
                Err(error) => match tokio::time::timeout(DYING_DEADLINE, running.ended(&self.home, PAUSE)).await {
                    Ok(()) => {
                        tracing::info!(target: "skrynka::store", pid = file.pid, "Database server ended while it was joined");
                    }
                    Err(_) => return Err(error),
                },
            }
        }
        let is_new = self.check_data()?;
        self.home.check_room()?;
        let password = self.create_if(is_new, password).await?;
        self.start_server(alone, password).await
    }

    /// Makes the cluster where there is none, and returns the password if it is known.
    async fn create_if(
        &self,
        is_new: bool,
        password: Option<SecretString>,
    ) -> Result<Option<SecretString>, PostgresError> {
        if !is_new {
            return Ok(password);
        }
        let begin = Instant::now();
        // Kept before it is used: an attempt that is interrupted here finds it again.
        let password = match password {
            Some(password) => password,
            None => self.keep_new_password().await?,
        };
        init::create(&self.home, &self.binaries, &password, self.options.may_create_databases).await?;
        self.home.remember(&Record { major: self.binaries.major, ..Record::default() })?;
        tracing::info!(target: "skrynka::store", ms = begin.elapsed().as_millis(), major = self.binaries.major, "Database created");
        Ok(Some(password))
    }

    async fn keep_new_password(&self) -> Result<SecretString, PostgresError> {
        let password = init::new_password();
        self.options.secrets.set(PASSWORD, password.clone()).await?;
        Ok(password)
    }

    /// Starts the server and connects. A password that is missing or refused is replaced while the server is down.
    async fn start_server(
        &self,
        alone: bool,
        password: Option<SecretString>,
    ) -> Result<(Running, ConnectOptions), PostgresError> {
        let Some(password) = password else {
            return if alone { self.start_with_new_password().await } else { Err(PostgresError::PasswordLost) };
        };
        let (mut running, result) = self.start_and_connect(&password).await?;
        match result {
            Ok(connect) => Ok((running, connect)),
            Err(error) => {
                server::stop(&self.home, &self.binaries, &mut running).await?;
                match is_refused(&error) {
                    true if alone => self.start_with_new_password().await,
                    true => Err(PostgresError::PasswordLost),
                    false => Err(error),
                }
            }
        }
    }

    async fn start_with_new_password(&self) -> Result<(Running, ConnectOptions), PostgresError> {
        tracing::warn!(target: "skrynka::store", "Database password was lost and is replaced");
        let password = self.keep_new_password().await?;
        init::reset_password(&self.home, &self.binaries, &password).await?;
        let (mut running, result) = self.start_and_connect(&password).await?;
        match result {
            Ok(connect) => Ok((running, connect)),
            Err(error) => {
                server::stop(&self.home, &self.binaries, &mut running).await?;
                Err(error)
            }
        }
    }

    async fn start_and_connect(
        &self,
        password: &SecretString,
    ) -> Result<(Running, Result<ConnectOptions, PostgresError>), PostgresError> {
        let begin = Instant::now();
        let (running, file) = server::start(&self.home, &self.binaries).await?;
        let result = self.try_connect(&file, Some(password)).await;
        if result.is_ok() {
            let record = Record {
                socket_dir: file.socket_dir.clone(),
                port: file.port,
                pid: file.pid,
                started: file.started,
                major: self.binaries.major,
            };
            self.home.remember(&record)?;
            tracing::info!(target: "skrynka::store", pid = file.pid, ms = begin.elapsed().as_millis(), "Database server started");
        }
        Ok((running, result))
    }

    /// Connects as the app's role and makes sure that what is committed is on the disk.
    async fn try_connect(
        &self,
        file: &PidFile,
        password: Option<&SecretString>,
    ) -> Result<ConnectOptions, PostgresError> {
        let password = password.ok_or(PostgresError::PasswordLost)?;
        let place = match &file.socket_dir {
            Some(dir) => connect::over_socket(dir, file.port),
            None => connect::over_loopback(file.port),
        };
        let connect = ConnectOptions::new(place, init::ROLE, password, init::ROLE);
        assert_durable(&mut connect.connect().await?).await?;
        Ok(connect)
    }

    /// Finds a live server of this data folder, waiting while it starts or stops. A `postmaster.pid` that names
    /// another process is removed once no Postgres works in the folder any more.
    async fn find_running(&self) -> Result<Option<PidFile>, PostgresError> {
        let data = self.home.data();
        let begin = Instant::now();
        loop {
            let Some(file) = PidFile::read(&data) else { return Ok(None) };
            let identity = if file.pid == 0 { Identity::Stranger } else { process::identify(file.pid, &data) };
            match identity {
                Identity::Ours if file.is_ready() || begin.elapsed() > TRANSITION_DEADLINE => return Ok(Some(file)),
                Identity::Ours => {}
                Identity::Gone | Identity::Stranger if process::any_in(&data) => {
                    if begin.elapsed() > LEFTOVER_DEADLINE {
                        let log = "the sessions of an earlier server are still running".to_owned();
                        return Err(PostgresError::NotReady { waited: LEFTOVER_DEADLINE, log });
                    }
                }
                Identity::Gone => return Ok(None),
                Identity::Stranger => {
                    tracing::warn!(target: "skrynka::store", pid = file.pid, "Stale process id of the database removed");
                    let path = data.join(pid_file::NAME);
                    std::fs::remove_file(&path).map_err(PostgresError::at(path))?;
                    return Ok(None);
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether the cluster has yet to be made. What is there must be whole, this version's and this user's.
    fn check_data(&self) -> Result<bool, PostgresError> {
        let path = self.home.data();
        let damaged = |reason: &str| PostgresError::Damaged { path: path.clone(), reason: reason.to_owned() };
        let mut entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return if self.home.record().is_none() { Ok(true) } else { Err(damaged("the data folder is gone")) };
            }
            Err(error) => {
                return Err(self.home.foreign_owner(&path).unwrap_or_else(|| PostgresError::at(&path)(error)));
            }
        };
        if let Some(error) = self.home.foreign_owner(&path) {
            return Err(error);
        }
        if self.home.record().is_none() && entries.next().is_none() {
            return Ok(true);
        }
        let found = std::fs::read_to_string(path.join("PG_VERSION")).map_err(|_| damaged("PG_VERSION is missing"))?;
        if found.trim() != self.binaries.major.to_string() {
            let found = found.trim().to_owned();
            return Err(PostgresError::OtherMajorVersion { path, found, expected: self.binaries.major });
        }
        if !path.join("global/pg_control").is_file() {
            return Err(damaged("global/pg_control is missing"));
        }
        Ok(false)
    }

    /// Stops the server, if it still runs, and removes its socket's folder where that stands elsewhere.
    pub async fn shut_down(&self, running: &mut Running) -> Result<(), PostgresError> {
        let begin = Instant::now();
        let file = PidFile::read(&self.home.data());
        if let Some(file) = &file
            && file.pid != running.pid
            && process::identify(file.pid, &self.home.data()) == Identity::Ours
        {
            // Another program started it again after it had ended.
            *running = Running::found(file);
        }
        let socket_dir = file.and_then(|file| file.socket_dir);
        server::stop(&self.home, &self.binaries, running).await?;
        if let Some(dir) = socket_dir.filter(|dir| !dir.starts_with(&self.home.dir)) {
            let _ = std::fs::remove_dir(dir);
        }
        tracing::info!(target: "skrynka::store", ms = begin.elapsed().as_millis(), "Database server stopped");
        Ok(())
    }
}
