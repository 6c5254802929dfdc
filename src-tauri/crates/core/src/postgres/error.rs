//! What can go wrong with the private database, told apart by what a person has to do about it.

use std::{io, path::PathBuf, time::Duration};

use super::home;
use crate::secrets::SecretsError;

/// Why the database is not available. Whatever the case, the data that was there is untouched.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// No Postgres server program was found.
    #[error("the database program is missing; looked in {}", list(looked_in))]
    BinariesMissing {
        /// The folders that were looked into, in order.
        looked_in: Vec<PathBuf>,
    },
    /// A server program was found, but it does not run here or is too old.
    #[error("the database program {path} cannot be used: {reason}")]
    BinariesUnusable {
        /// The program.
        path: PathBuf,
        /// What it said.
        reason: String,
    },
    /// A new cluster could not be made; the unfinished one was removed.
    #[error("the database could not be created: {stderr}")]
    InitFailed {
        /// The end of what `initdb` or the first start wrote.
        stderr: String,
    },
    /// The system refuses access to a file or folder.
    #[error("no permission for {path}")]
    NoPermission {
        /// Where access was refused.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is too little room on the disk.
    #[error("too little free space at {path}: {} MB free, {} MB needed", free / 1_000_000, needed / 1_000_000)]
    DiskFull {
        /// The folder whose disk is full.
        path: PathBuf,
        /// Bytes free.
        free: u64,
        /// Bytes that a start needs.
        needed: u64,
    },
    /// The server could not open its socket or port.
    #[error("the database could not open its socket: {log}")]
    Socket {
        /// The end of the server's log.
        log: String,
    },
    /// The data were written by another major version of Postgres.
    #[error("the data in {path} are of Postgres {found}, the program is Postgres {expected}")]
    OtherMajorVersion {
        /// The data folder.
        path: PathBuf,
        /// The version that wrote the data.
        found: String,
        /// The version of the program.
        expected: u32,
    },
    /// The data belong to another user of this computer.
    #[error("the data in {path} belong to another user (uid {owner})")]
    OwnedByOther {
        /// The data folder.
        path: PathBuf,
        /// The user id of its owner.
        owner: u32,
    },
    /// The data folder is not, or no longer, a whole cluster. Nothing was repaired or removed.
    #[error("the data in {path} are damaged: {reason}")]
    Damaged {
        /// The data folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The server did not become ready, or does not answer.
    #[error("the database was not ready after {} s: {log}", waited.as_secs())]
    NotReady {
        /// How long was waited.
        waited: Duration,
        /// The end of the server's log.
        log: String,
    },
    /// A setting that keeps committed data safe is off.
    #[error("the database runs with {setting} = {value}, which can lose data in a power cut")]
    Unsafe {
        /// The setting's name.
        setting: &'static str,
        /// Its value; it has to be `on`.
        value: String,
    },
    /// The password is missing or wrong, and it cannot be reset while other programs use the database.
    #[error("the database password is lost; close the other Skrynka programs on this profile and start again")]
    PasswordLost,
    /// No password for the server named in the settings is in the keyring.
    #[error("the password of the database server is not in the keyring; enter it again")]
    NoPassword,
    /// The program that starts or stops the database on this profile does not finish.
    #[error("another Skrynka program has been starting or stopping the database for {} s", waited.as_secs())]
    Busy {
        /// How long was waited.
        waited: Duration,
    },
    /// The keyring or vault does not give or keep the database password.
    #[error("the database password cannot be read or kept")]
    Secrets(#[from] SecretsError),
    /// The connection to the database failed.
    #[error("the database refused the connection")]
    Connect(#[source] sqlx::Error),
    /// A file could not be read or written.
    #[error("{path} cannot be read or written")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl PostgresError {
    /// Gives an I/O error its place among the cases, for use in `map_err`.
    pub(super) fn at(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| {
            let is = |kinds: [io::ErrorKind; 2]| kinds.contains(&source.kind());
            if is([io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem]) {
                Self::NoPermission { path, source }
            } else if is([io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded]) {
                let free = home::free_bytes(&path).unwrap_or(0);
                Self::DiskFull { path, free, needed: home::ROOM_TO_START }
            } else {
                Self::Io { path, source }
            }
        }
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
