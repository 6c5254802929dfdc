//! One run of the server: its settings, starting it, waiting until it is ready, stopping it.

use std::{
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
    process::{Child, Stdio},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    binaries::Binaries,
    error::PostgresError,
    home::{self, Home},
    pid_file::PidFile,
    process::{self, Identity, Shutdown},
};

/// What keeps committed data, and passwords and texts out of the log. It stands on the command line, where no
/// configuration file overrides it.
pub(super) const SAFETY: &[&str] = &[
    "fsync=on",
    "full_page_writes=on",
    "synchronous_commit=on",
    "log_statement=none",
    "log_min_messages=log", // an error's words may quote a message; the client that caused it hears of it
    "log_min_error_statement=panic",
    "log_parameter_max_length=0",
    "log_parameter_max_length_on_error=0",
];

/// An office laptop's share: few sessions, little memory, no processes that are of no use to a lone server.
const SMALL_MACHINE: &[&str] = &[
    "shared_buffers=64MB",
    "max_connections=100", // a program takes up to eighteen: a window, a listener, and commands beside them
    "jit=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_logical_replication_workers=0",
    "max_wal_size=512MB",
    "wal_buffers=16MB", // what a large transaction writes goes to the log in one piece, not page by page
    "log_checkpoints=off",
    "timezone=UTC",
    "log_timezone=UTC",
    "logging_collector=off",
    "log_destination=stderr",
];

/// From version 18 on: no reader processes, which a laptop with a solid-state disk does not miss.
const READ_DIRECTLY: &str = "io_method=sync";

/// After a crash the server makes sure that every file is on the disk before it recovers. On Linux that is one call;
/// file by file it took up to 8 s on a busy disk, where this took 1 s.
const SYNC_AT_ONCE: &str = "recovery_init_sync_method=syncfs";

/// How long a start may take. Recovery after a crash replays at most `max_wal_size`.
const START_DEADLINE: Duration = Duration::from_secs(120);
/// How long leftovers of a killed server may stand in the way.
const LEFTOVER_DEADLINE: Duration = Duration::from_secs(10);
/// How long a clean stop may take before it becomes an immediate one.
const FAST_DEADLINE: Duration = Duration::from_secs(30);
/// How long an immediate stop may take.
const IMMEDIATE_DEADLINE: Duration = Duration::from_secs(10);
/// How often the server's files are looked at while waiting for it.
const PAUSE: Duration = Duration::from_millis(10);
/// From this size on, the log starts anew, and the old one is kept beside it.
const LOG_LIMIT: u64 = 4 << 20;

/// Starts the server and returns once it takes connections. What a killed server left behind is waited for.
pub(super) async fn start(home: &Home, binaries: &Binaries) -> Result<(Running, PidFile), PostgresError> {
    let begin = Instant::now();
    loop {
        match start_once(home, binaries).await {
            Err(Failure::Leftovers(_)) if begin.elapsed() < LEFTOVER_DEADLINE => tokio::time::sleep(PAUSE * 20).await,
            Err(Failure::Leftovers(error) | Failure::Final(error)) => return Err(error),
            Ok(started) => return Ok(started),
        }
    }
}

/// Stops the server in an orderly way, or at once when it does not react.
pub(super) async fn stop(home: &Home, binaries: &Binaries, running: &mut Running) -> Result<(), PostgresError> {
    for (how, deadline) in [(Shutdown::Fast, FAST_DEADLINE), (Shutdown::Immediate, IMMEDIATE_DEADLINE)] {
        if !running.has_ended(home) {
            tell(home, binaries, running.pid, how).await;
        }
        if tokio::time::timeout(deadline, running.ended(home, PAUSE)).await.is_ok() {
            return Ok(());
        }
        tracing::warn!(target: "skrynka::store", pid = running.pid, ?how, "Database server does not stop");
    }
    Err(PostgresError::NotReady { waited: FAST_DEADLINE + IMMEDIATE_DEADLINE, log: log_tail(home, 0) })
}

/// A server that was started or found running.
pub(super) struct Running {
    /// Its process id.
    pub pid: i32,
    /// Its handle where this program started it: a parent has to take note of its child's end.
    pub child: Option<Child>,
}

impl Running {
    /// A server that somebody else started.
    pub fn found(file: &PidFile) -> Self {
        Self { pid: file.pid, child: None }
    }

    /// Returns once the server has ended, looking every `pause`: the end of somebody else's child is announced to
    /// nobody on most systems.
    pub async fn ended(&mut self, home: &Home, pause: Duration) {
        while !self.has_ended(home) {
            tokio::time::sleep(pause).await;
        }
    }

    fn has_ended(&mut self, home: &Home) -> bool {
        match &mut self.child {
            Some(child) => !matches!(child.try_wait(), Ok(None)),
            None => process::identify(self.pid, &home.data()) != Identity::Ours,
        }
    }
}

/// The end of the server's log from `from` bytes on.
pub(super) fn log_tail(home: &Home, from: u64) -> String {
    let mut text = Vec::new();
    if let Ok(mut log) = File::open(home.log()) {
        let length = log.metadata().map_or(0, |meta| meta.len());
        let _ = log.seek(SeekFrom::Start(from.max(length.saturating_sub(16 << 10))));
        let _ = log.read_to_end(&mut text);
    }
    last_lines(&String::from_utf8_lossy(&text))
}

/// The last lines, as many as a screen of an error has room for.
pub(super) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

/// Why one attempt to start failed.
enum Failure {
    /// A killed server's remains are in the way; they go away by themselves.
    Leftovers(PostgresError),
    /// Trying again would not help.
    Final(PostgresError),
}

impl From<PostgresError> for Failure {
    fn from(error: PostgresError) -> Self {
        Self::Final(error)
    }
}

async fn start_once(home: &Home, binaries: &Binaries) -> Result<(Running, PidFile), Failure> {
    let log = open_log(&home.log()).map_err(PostgresError::at(home.log()))?;
    let log_start = log.metadata().map_err(PostgresError::at(home.log()))?.len();
    let child = spawn(home, binaries, log)?;
    let pid = i32::try_from(child.id()).unwrap_or(0);
    let mut running = Running { pid, child: Some(child) };
    let begin = Instant::now();
    loop {
        if let Some(file) = PidFile::read(&home.data()).filter(|file| file.pid == pid && file.is_ready()) {
            return Ok((running, file));
        }
        if running.has_ended(home) {
            return Err(why_not(home, &log_tail(home, log_start)));
        }
        if begin.elapsed() > START_DEADLINE {
            let log = log_tail(home, log_start);
            stop(home, binaries, &mut running).await?;
            return Err(PostgresError::NotReady { waited: START_DEADLINE, log }.into());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn spawn(home: &Home, binaries: &Binaries, log: File) -> Result<Child, PostgresError> {
    let program = binaries.program("postgres");
    let mut command = binaries.command("postgres", home.run_as, &home.dir);
    command.arg("-D").arg(home.data());
    let read_directly = (binaries.major >= 18).then_some(&READ_DIRECTLY);
    let sync_at_once = cfg!(target_os = "linux").then_some(&SYNC_AT_ONCE);
    for setting in SMALL_MACHINE.iter().chain(read_directly).chain(sync_at_once).chain(SAFETY) {
        command.args(["-c", setting]);
    }
    for setting in endpoint_settings(home)? {
        command.args(["-c", &setting]);
    }
    let also = log.try_clone().map_err(PostgresError::at(home.log()))?;
    // The plain handle: it is asked from whatever runtime stops the server.
    let command = command.as_std_mut();
    command.stdin(Stdio::null()).stdout(log).stderr(also).spawn().map_err(PostgresError::at(program))
}

/// A Unix socket in a folder of our own, and no port.
#[cfg(unix)]
fn endpoint_settings(home: &Home) -> Result<Vec<String>, PostgresError> {
    let socket = home.socket_dir()?;
    remove_stale_socket(&socket).map_err(PostgresError::at(&socket))?;
    Ok(vec![
        "listen_addresses=".to_owned(),
        "port=5432".to_owned(),
        "unix_socket_permissions=0700".to_owned(),
        format!("unix_socket_directories={}", quoted(&socket)),
    ])
}

/// A killed server leaves its socket behind, and a lock that names a process id which may have gone to somebody else.
/// The folder is this cluster's alone, and the caller has made sure that its server does not run.
#[cfg(unix)]
fn remove_stale_socket(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".s.PGSQL.")) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// A port of the loopback interface: the one used before where it is still free.
#[cfg(not(unix))]
fn endpoint_settings(home: &Home) -> Result<Vec<String>, PostgresError> {
    let before = home.record().map_or(0, |record| record.port);
    let free = |port: u16| Ok(std::net::TcpListener::bind(("127.0.0.1", port))?.local_addr()?.port());
    let port = free(before).or_else(|_| free(0)).map_err(PostgresError::at(&home.dir))?;
    Ok(vec!["listen_addresses=127.0.0.1".to_owned(), format!("port={port}"), "unix_socket_directories=".to_owned()])
}

/// Quotes one entry of a list, so that a comma or a blank in the path does not divide it.
#[cfg(unix)]
fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('"', "\"\""))
}

fn open_log(path: &Path) -> std::io::Result<File> {
    if fs::metadata(path).is_ok_and(|meta| meta.len() > LOG_LIMIT) {
        fs::rename(path, path.with_extension("log.1"))?;
    }
    home::private_file().append(true).open(path)
}

/// Reads from the server's own words why it ended.
fn why_not(home: &Home, log: &str) -> Failure {
    let says = |words: &[&str]| words.iter().any(|word| log.contains(word));
    let log = log.to_owned();
    if says(&["No space left on device"]) {
        let free = home::free_bytes(&home.dir).unwrap_or(0);
        return PostgresError::DiskFull { path: home.dir.clone(), free, needed: home::ROOM_TO_START }.into();
    }
    if says(&["pre-existing shared memory block", "lock file \"postmaster.pid\" already exists"]) {
        return Failure::Leftovers(PostgresError::NotReady { waited: LEFTOVER_DEADLINE, log });
    }
    if says(&["could not create any Unix-domain sockets", "could not create any TCP/IP sockets", "could not bind"]) {
        return PostgresError::Socket { log }.into();
    }
    if says(&["Permission denied", "has wrong ownership", "has invalid permissions"]) {
        let source = std::io::Error::new(std::io::ErrorKind::PermissionDenied, log);
        return PostgresError::NoPermission { path: home.data(), source }.into();
    }
    PostgresError::Damaged { path: home.data(), reason: log }.into()
}

#[cfg(unix)]
async fn tell(_home: &Home, _binaries: &Binaries, pid: i32, how: Shutdown) {
    process::signal(pid, how);
    std::future::ready(()).await;
}

#[cfg(not(unix))]
async fn tell(home: &Home, binaries: &Binaries, _pid: i32, how: Shutdown) {
    let mode = match how {
        Shutdown::Fast => "fast",
        Shutdown::Immediate => "immediate",
    };
    let mut command = binaries.command("pg_ctl", home.run_as, &home.dir);
    command.args(["stop", "--no-wait", "--mode", mode, "-D"]).arg(home.data());
    if let Err(error) = command.status().await {
        tracing::warn!(target: "skrynka::store", %error, "Database server could not be told to stop");
    }
}
