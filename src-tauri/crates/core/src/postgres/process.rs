//! Other processes: whether one is a Postgres of this data folder, and telling it to stop. A process id alone is never
//! trusted, since the system gives it to somebody else later.

use std::path::Path;

/// What stands behind a process id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    /// A live Postgres process that works in the data folder.
    Ours,
    /// No process.
    Gone,
    /// A live process that is something else, or one that has ended and waits for its parent to take note: both have
    /// the id, and Postgres takes them for a live server.
    Stranger,
}

/// How to tell a server to stop (Postgres manual, section "Shutting Down the Server").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shutdown {
    /// Ends the sessions, writes everything down.
    Fast,
    /// Ends at once; the next start recovers from the write-ahead log.
    Immediate,
}

/// Finds out what stands behind `pid`, 0 for an unreadable one. A server changes its working folder to its data folder, so that is asked for.
#[cfg(target_os = "linux")]
pub(super) fn identify(pid: i32, data: &Path) -> Identity {
    let folder = format!("/proc/{pid}");
    let Ok(stat) = std::fs::read_to_string(format!("{folder}/stat")) else { return Identity::Gone };
    // The state stands after the name, which is in brackets and may itself hold brackets.
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    if matches!(state, Some('Z' | 'X') | None) {
        return Identity::Stranger;
    }
    let at_home = match (std::fs::read_link(format!("{folder}/cwd")), data.canonicalize()) {
        (Ok(cwd), Ok(data)) => cwd == data,
        _ => false,
    };
    let is_postgres = std::fs::read_to_string(format!("{folder}/comm")).is_ok_and(|name| name.starts_with("postgres"));
    if at_home && is_postgres { Identity::Ours } else { Identity::Stranger }
}

/// Finds out what stands behind `pid`; `lsof` is part of macOS.
#[cfg(all(unix, not(target_os = "linux")))]
pub(super) fn identify(pid: i32, data: &Path) -> Identity {
    let process = rustix::process::Pid::from_raw(pid);
    if process.is_none_or(|process| rustix::process::test_kill_process(process) == Err(rustix::io::Errno::SRCH)) {
        return Identity::Gone;
    }
    let output = std::process::Command::new("lsof").args(["-a", "-d", "cwd", "-Fcn", "-p", &pid.to_string()]).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let field = |letter| text.lines().find_map(|line| line.strip_prefix(letter));
    let at_home = data.canonicalize().is_ok_and(|data| field('n').is_some_and(|cwd| Path::new(cwd) == data));
    if at_home && field('c') == Some("postgres") { Identity::Ours } else { Identity::Stranger }
}

/// Finds out what stands behind `pid`, by the name of the program alone.
#[cfg(not(unix))]
pub(super) fn identify(pid: i32, _data: &Path) -> Identity {
    let filter = format!("PID eq {pid}");
    let mut command = std::process::Command::new("tasklist");
    command.args(["/NH", "/FO", "CSV", "/FI", &filter]);
    #[cfg(windows)]
    std::os::windows::process::CommandExt::creation_flags(&mut command, super::binaries::CREATE_NO_WINDOW);
    let output = command.output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    match text.trim().strip_prefix('"') {
        Some(name) if name.starts_with("postgres.exe") => Identity::Ours,
        Some(_) => Identity::Stranger,
        None => Identity::Gone,
    }
}

/// Whether a Postgres process still works in the data folder: sessions outlive a killed server for a moment, and
/// while one of them writes, no other server may start.
#[cfg(target_os = "linux")]
pub(super) fn any_in(data: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir("/proc") else { return false };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .any(|pid| identify(pid, data) == Identity::Ours)
}

/// Elsewhere the server's own check of its shared memory stands guard.
#[cfg(not(target_os = "linux"))]
pub(super) fn any_in(_data: &Path) -> bool {
    false
}

/// Tells the server `pid` to stop; the caller has identified it. A process that is gone is no error.
#[cfg(unix)]
pub(super) fn signal(pid: i32, how: Shutdown) {
    use rustix::process::{Pid, Signal, kill_process};
    let signal = match how {
        Shutdown::Fast => Signal::INT,
        Shutdown::Immediate => Signal::QUIT,
    };
    if let Some(pid) = Pid::from_raw(pid)
        && let Err(error) = kill_process(pid, signal)
    {
        tracing::warn!(target: "skrynka::store", pid = pid.as_raw_pid(), %error, "Database server could not be signalled");
    }
}
