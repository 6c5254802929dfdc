//! `postmaster.pid`: what a running server says of itself, line by line (Postgres' `src/include/utils/pidfile.h`).

use std::path::{Path, PathBuf};

/// The contents of `postmaster.pid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PidFile {
    /// The server's process id, or that of a single-user session.
    pub pid: i32,
    /// Seconds since 1970 at which the server started.
    pub started: i64,
    /// The port, which also numbers the Unix socket.
    pub port: u16,
    /// The folder of the Unix socket.
    pub socket_dir: Option<PathBuf>,
    /// `starting`, `ready`, `stopping` or `standby`; empty while the file is still being written.
    pub status: String,
}

impl PidFile {
    /// Reads the file in the data folder; `None` when there is none. One in which nothing usable stands names no
    /// process: its id is 0.
    pub fn read(data: &Path) -> Option<Self> {
        let text = std::fs::read(data.join(NAME)).ok()?;
        Some(parse(&String::from_utf8_lossy(&text)).unwrap_or(Self {
            pid: 0,
            started: 0,
            port: 0,
            socket_dir: None,
            status: String::new(),
        }))
    }

    /// Whether the server takes connections.
    pub fn is_ready(&self) -> bool {
        self.status == "ready"
    }
}

/// The file's name in the data folder.
pub(super) const NAME: &str = "postmaster.pid";

fn parse(text: &str) -> Option<PidFile> {
    let mut lines = text.lines().map(str::trim);
    // A single-user session writes its id as a negative number.
    let pid = lines.next()?.parse::<i32>().ok()?.checked_abs().filter(|pid| *pid > 0)?;
    let mut rest = lines.skip(1);
    let started = rest.next().and_then(|line| line.parse().ok()).unwrap_or(0);
    let port = rest.next().and_then(|line| line.parse().ok()).unwrap_or(0);
    let socket_dir = rest.next().filter(|line| !line.is_empty()).map(PathBuf::from);
    let status = rest.nth(2).unwrap_or_default().to_owned();
    Some(PidFile { pid, started, port, socket_dir, status })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_a_running_server_is_understood() {
        let text = "4242\n/p/data\n1790000000\n5432\n/p/socket\n\n  1234567   32769\nready   \n";
        let expected = PidFile {
            pid: 4242,
            started: 1_790_000_000,
            port: 5432,
            socket_dir: Some("/p/socket".into()),
            status: "ready".to_owned(),
        };
        assert_eq!(parse(text), Some(expected.clone()));
        assert!(expected.is_ready());
    }

    #[test]
    fn a_single_user_session_and_a_half_written_file_are_no_ready_server() {
        assert_eq!(parse("-77\n/p/data\n1790000000\n").map(|file| (file.pid, file.is_ready())), Some((77, false)));
        assert_eq!(parse(""), None);
        assert_eq!(parse("garbage"), None);
    }
}
