//! The cluster's folder, its locks, and who may stop the server.
//!
//! ```text
//! postgres/            owned by the user that runs the app
//!   data/              the cluster, owned by the user that runs the server
//!   socket/            the Unix socket, 0700, where its path is short enough
//!   cluster.json       where the server listens; written once the cluster exists
//!   server.log         what the server says
//!   start.lock         held while a program starts, adopts or stops the server
//!   users.lock         shared by every program that uses the server: the last one out stops it
//!   before-update/     the data as it was before a new version changed its schema
//!   binaries/          a copy of the programs, where the original cannot be used
//! ```

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{error::PostgresError, run_as::RunAs};

/// Free bytes without which no server is started: what recovery may write before it can free anything.
pub(super) const ROOM_TO_START: u64 = 64_000_000;
/// Free bytes without which no cluster is made: its files, and the write-ahead log of the first hours.
pub(super) const ROOM_TO_CREATE: u64 = 200_000_000;
/// The longest path of a socket's folder: the address holds 104 bytes on macOS, and the file's name takes 14.
#[cfg(unix)]
const LONGEST_SOCKET_DIR: usize = 84;
/// What interrupted attempts leave starts with this.
const UNFINISHED: &str = "unfinished-";
/// The length of `/skrynka-` with six random letters.
#[cfg(unix)]
const RANDOM_NAME: usize = 15;
/// Where root keeps clusters whose profile `nobody` cannot reach.
const SYSTEM_FOLDER: &str = "/var/lib/skrynka";
/// How often a lock is asked for.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The cluster's folder.
#[derive(Debug, Clone)]
pub(super) struct Home {
    pub dir: PathBuf,
    pub run_as: RunAs,
}

/// What is remembered of a cluster between starts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Record {
    /// The folder of the Unix socket, where there is one.
    pub socket_dir: Option<PathBuf>,
    /// The port: of the loopback interface, or the number in the Unix socket's name.
    pub port: u16,
    /// The server's process id when it was last started.
    pub pid: i32,
    /// Seconds since 1970 at which it was last started.
    pub started: i64,
    /// The major version that made the data.
    pub major: u32,
}

impl Home {
    /// Finds or makes the cluster's folder for a profile.
    pub fn open(profile: &Path, run_as: RunAs) -> Result<Self, PostgresError> {
        fs::create_dir_all(profile).map_err(PostgresError::at(profile))?;
        let dir = choose(profile, run_as)?;
        make_folder(&dir, if run_as.switches { 0o711 } else { 0o700 })?;
        Ok(Self { dir, run_as })
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// Where copies of the programs are kept.
    pub fn binaries(&self) -> PathBuf {
        self.dir.join("binaries")
    }

    /// The server's log.
    pub fn log(&self) -> PathBuf {
        self.dir.join("server.log")
    }

    /// Reads what is remembered; `None` before the cluster was first made.
    pub fn record(&self) -> Option<Record> {
        serde_json::from_slice(&fs::read(self.dir.join("cluster.json")).ok()?).ok()
    }

    /// Replaces what is remembered.
    pub fn remember(&self, record: &Record) -> Result<(), PostgresError> {
        let path = self.dir.join("cluster.json");
        let text = serde_json::to_vec_pretty(record).map_err(|error| PostgresError::at(&path)(error.into()))?;
        replace(&path, &text).map_err(PostgresError::at(path))
    }

    /// Returns a 0700 folder with a short path for the Unix socket: in the cluster's folder, or else the one used
    /// before, or else a new one in the user's runtime or temporary folder.
    #[cfg(unix)]
    pub fn socket_dir(&self) -> Result<PathBuf, PostgresError> {
        let inside = self.dir.join("socket");
        if inside.as_os_str().len() <= LONGEST_SOCKET_DIR {
            make_folder(&inside, 0o700)?;
            self.run_as.give(&inside).map_err(PostgresError::at(&inside))?;
            return Ok(inside);
        }
        if let Some(before) = self.record().and_then(|record| record.socket_dir)
            && is_private(&before, self.run_as)
        {
            return Ok(before);
        }
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let runtime = runtime.filter(|dir| !self.run_as.switches && dir.is_dir());
        let parent = runtime
            .into_iter()
            .chain([std::env::temp_dir()])
            .find(|parent| parent.as_os_str().len() + RANDOM_NAME <= LONGEST_SOCKET_DIR)
            .unwrap_or_else(|| PathBuf::from("/tmp"));
        // A random name made by this program: nobody else can have put a folder of theirs there.
        let folder =
            tempfile::Builder::new().prefix("skrynka-").tempdir_in(&parent).map_err(PostgresError::at(&parent))?.keep();
        make_folder(&folder, 0o700)?;
        self.run_as.give(&folder).map_err(PostgresError::at(&folder))?;
        Ok(folder)
    }

    /// Removes what interrupted attempts left. The caller holds the start lock.
    pub fn remove_unfinished(&self) {
        remove_unfinished(&self.dir);
        remove_unfinished(&self.binaries());
    }

    /// Refuses to go on when the disk has too little room for what comes next.
    pub fn check_room(&self) -> Result<(), PostgresError> {
        let needed = if self.data().exists() { ROOM_TO_START } else { ROOM_TO_CREATE };
        let free = free_bytes(&self.dir).map_err(PostgresError::at(&self.dir))?;
        if free < needed { Err(PostgresError::DiskFull { path: self.dir.clone(), free, needed }) } else { Ok(()) }
    }

    /// The error to give when a folder is not the server's user's own.
    #[cfg(unix)]
    pub fn foreign_owner(&self, path: &Path) -> Option<PostgresError> {
        let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(path).ok()?);
        (owner != self.run_as.uid).then(|| PostgresError::OwnedByOther { path: path.to_owned(), owner })
    }

    /// The error to give when a folder is not the server's user's own; the system itself guards it here.
    #[cfg(not(unix))]
    pub fn foreign_owner(&self, _path: &Path) -> Option<PostgresError> {
        None
    }

    /// Waits for the right to start, adopt or stop the server. It ends when the returned file is dropped.
    pub async fn lock_start(&self, patience: Duration) -> Result<File, PostgresError> {
        let path = self.dir.join("start.lock");
        let file = open_lock(&path)?;
        let begin = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if begin.elapsed() < patience => tokio::time::sleep(LOCK_PAUSE).await,
                Err(TryLockError::WouldBlock) => return Err(PostgresError::Busy { waited: patience }),
                Err(TryLockError::Error(error)) => return Err(PostgresError::at(path)(error)),
            }
        }
    }

    /// Opens the lock that every user of the server shares.
    pub fn users(&self) -> Result<Users, PostgresError> {
        let path = self.dir.join("users.lock");
        Ok(Users { file: open_lock(&path)?, path })
    }
}

/// This program's place among the users of the server. Only who holds the start lock may change it.
pub(super) struct Users {
    file: File,
    path: PathBuf,
}

impl Users {
    /// Whether no other program uses the server. It stays so until [`Users::join`] or the start lock's end.
    pub fn is_alone(&self) -> Result<bool, PostgresError> {
        // Windows does not turn one kind of lock into the other, so the shared one is given back first.
        self.file.unlock().map_err(PostgresError::at(&self.path))?;
        match self.file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(PostgresError::at(&self.path)(error)),
        }
    }

    /// Counts this program among the users.
    pub fn join(&self) -> Result<(), PostgresError> {
        self.file.unlock().map_err(PostgresError::at(&self.path))?;
        self.file.lock_shared().map_err(PostgresError::at(&self.path))
    }

    /// Takes this program off the users.
    pub fn leave(&self) -> Result<(), PostgresError> {
        self.file.unlock().map_err(PostgresError::at(&self.path))
    }
}

/// The bytes this user may still write on the disk that holds `path`.
#[cfg(unix)]
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Unknown here: the server says so itself when it runs out.
#[cfg(not(unix))]
pub fn free_bytes(_path: &Path) -> io::Result<u64> {
    Ok(u64::MAX)
}

/// The profile's own folder; for root, where `nobody` cannot reach that, one below [`SYSTEM_FOLDER`] that a file in
/// the profile names.
fn choose(profile: &Path, run_as: RunAs) -> Result<PathBuf, PostgresError> {
    let inside = std::path::absolute(profile).map_err(PostgresError::at(profile))?.join("postgres");
    let pointer = profile.join("postgres.location");
    match fs::read_to_string(&pointer) {
        Ok(location) => return system_folder_named(location.trim(), &inside),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(PostgresError::at(pointer)(error)),
    }
    if inside.exists() || run_as.can_reach(profile) {
        return Ok(inside);
    }
    let system = Path::new(SYSTEM_FOLDER);
    make_folder(system, 0o755)?;
    let outside = tempfile::Builder::new().prefix("cluster-").tempdir_in(system).map_err(PostgresError::at(system))?;
    let outside = outside.keep();
    let named = outside.to_str().ok_or_else(|| PostgresError::at(&outside)(io::Error::other("not UTF-8")))?;
    match write_new(&pointer, named) {
        Ok(()) => Ok(outside),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // Another program was first; nothing is in ours yet.
            let _ = fs::remove_dir(&outside);
            choose(profile, run_as)
        }
        Err(error) => Err(PostgresError::at(pointer)(error)),
    }
}

/// Accepts only a name that this program could have written.
fn system_folder_named(location: &str, inside: &Path) -> Result<PathBuf, PostgresError> {
    let location = PathBuf::from(location);
    let is_ours = location.parent() == Some(Path::new(SYSTEM_FOLDER))
        && location.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"cluster-"));
    if !is_ours {
        let reason = "postgres.location in the profile does not name a cluster of this program".to_owned();
        return Err(PostgresError::Damaged { path: inside.to_owned(), reason });
    }
    if !location.is_dir() {
        let reason = "the folder that postgres.location in the profile names is gone".to_owned();
        return Err(PostgresError::Damaged { path: location, reason });
    }
    Ok(location)
}

/// Makes a folder of this user's with exactly these rights; one that is there must be this user's own, or that of the
/// server's user.
pub(super) fn make_folder(path: &Path, mode: u32) -> Result<(), PostgresError> {
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(PostgresError::at(path)(error)),
        _ => {}
    }
    set_rights(path, mode)
}

#[cfg(unix)]
fn set_rights(path: &Path, mode: u32) -> Result<(), PostgresError> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let meta = fs::symlink_metadata(path).map_err(PostgresError::at(path))?;
    let owners = [rustix::process::geteuid().as_raw(), RunAs::current().uid];
    if !meta.is_dir() {
        return Err(PostgresError::at(path)(io::ErrorKind::NotADirectory.into()));
    }
    if !owners.contains(&meta.uid()) {
        return Err(PostgresError::OwnedByOther { path: path.to_owned(), owner: meta.uid() });
    }
    if meta.mode() & 0o777 != mode {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(PostgresError::at(path))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn set_rights(_path: &Path, _mode: u32) -> Result<(), PostgresError> {
    Ok(())
}

/// Whether `path` is a folder that only the server's user can enter, and no link to one.
#[cfg(unix)]
fn is_private(path: &Path, run_as: RunAs) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::symlink_metadata(path)
        .is_ok_and(|meta| meta.is_dir() && meta.uid() == run_as.uid && meta.mode() & 0o777 == 0o700)
}

fn open_lock(path: &Path) -> Result<File, PostgresError> {
    private_file().truncate(false).write(true).open(path).map_err(PostgresError::at(path))
}

/// Names a file or folder that takes another name once it is whole.
pub(super) fn unfinished() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED);
    builder
}

fn remove_unfinished(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in
        entries.flatten().filter(|entry| entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()))
    {
        let path = entry.path();
        // One that cannot be removed yet is in nobody's way.
        let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        let error = removed.err().map(|error| error.to_string());
        tracing::info!(target: "skrynka::store", error, "Unfinished database files removed");
    }
}

/// How a file is made that only this user opens.
pub(super) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = unfinished().tempfile_in(path.parent().unwrap_or(path))?;
    file.write_all(text)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(path))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    Ok(())
}
