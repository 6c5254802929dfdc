//! One file that holds everything the database does, and the way back.
//!
//! It is a ZIP: a note of what it is, one entry a table in COPY's text form, and at the end `manifest.json` with what
//! the tables must have. Never a secret: those stand in the keyring. It takes its name once all of it is on the disk,
//! so a backup that fails leaves the one before.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read as _, Seek, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use time::OffsetDateTime;
use tokio::sync::mpsc;
use uuid::Uuid;
use zip::{CompressionMethod, ZipArchive, ZipWriter, result::ZipError, write::SimpleFileOptions};

use crate::{
    model::Account,
    postgres::{BinarySearch, Cluster, ClusterOptions, PostgresError, free_bytes},
    secrets::memory::MemorySecrets,
    store::{BackupTable, Restoration, RestoreError, Store, StoreError},
};

/// What the manifest calls itself.
const FORMAT: &str = "skrynka-backup";
/// The version of the file's form.
const VERSION: u32 = 1;
/// The first entry: whoever opens the archive reads what it is.
const NOTE: &str = "skrynka-backup.txt";
const NOTE_TEXT: &str = "A backup of a Skrynka database: skrynka restore FILE brings it back.\n\
                         It holds correspondence and no passwords. Each table is a file in the text form of PostgreSQL's COPY.\n";
const MANIFEST: &str = "manifest.json";
/// A manifest that is longer is none.
const LONGEST_MANIFEST: u64 = 16 << 20;
/// Pieces of about 256 KiB that may wait between the database and the disk.
const WAITING: usize = 8;
/// Deflate's level: the text of COPY shrinks to about the same from 3 on, in a third of the time.
const LEVEL: i64 = 3;
/// Room that a trial needs besides the data itself.
const TRIAL_ROOM: u64 = 300 << 20;

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: String,
    version: u32,
    /// The version of the program that made it.
    pub program: String,
    /// When the database was as it is in there.
    #[serde(with = "time::serde::rfc3339")]
    pub made_at: OffsetDateTime,
    /// The bureau's own id.
    pub bureau: Uuid,
    /// Accounts that were not removed.
    pub accounts: i64,
    /// Messages.
    pub messages: i64,
    migrations: Vec<i64>,
    tables: Vec<TableEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct TableEntry {
    #[serde(flatten)]
    table: BackupTable,
    rows: u64,
    bytes: u64,
    sha256: String,
}

impl Manifest {
    /// The bytes of all rows in COPY's text form.
    pub fn bytes(&self) -> u64 {
        self.tables.iter().map(|entry| entry.bytes).sum()
    }
}

/// Why there is no backup, or why it was not restored. A file that was there before is as it was, and so is the database.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file is something else.
    #[error("{} is no backup of Skrynka", .0.display())]
    NotABackup(PathBuf),
    /// The file is a backup, and not whole any more.
    #[error("the backup {} is damaged ({reason}); nothing was changed, take another one", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A newer program made it.
    #[error(
        "the backup was made by Skrynka {program}, which is newer than this one; update Skrynka and restore it then"
    )]
    Newer {
        /// The version that made it.
        program: String,
    },
    /// There is no room for the trial.
    #[error(
        "there is no room to try the backup out: {free} bytes are free and {needed} are needed; the backup itself is kept"
    )]
    NoRoom {
        /// Free bytes.
        free: u64,
        /// Bytes that it would take.
        needed: u64,
    },
    /// The file could not be read or written.
    #[error("{} cannot be read or written", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The database refused what came in.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database of the trial did not start.
    #[error("the database for the trial did not start")]
    Trial(#[from] PostgresError),
}

/// What goes from the database to the disk.
enum Piece {
    Table(BackupTable),
    Rows(Vec<u8>),
    End,
}

/// Writes a backup to `path`, in the place of what is there, while everything goes on. `made_at` is the present.
///
/// # Errors
/// See [`BackupError`]; a full disk leaves the file that was there.
pub async fn write(store: &Store, path: &Path, made_at: OffsetDateTime) -> Result<Manifest, BackupError> {
    let at = |source: io::Error| BackupError::Io { path: path.to_owned(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = tempfile::Builder::new().prefix(".skrynka-backup-").tempfile_in(folder).map_err(at)?;
    let mut snapshot = store.begin_backup().await?;
    let facts = snapshot.facts().await?;
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        version: VERSION,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        made_at,
        bureau: facts.bureau,
        accounts: facts.accounts,
        messages: facts.messages,
        migrations: facts.migrations,
        tables: Vec::with_capacity(facts.tables.len()),
    };
    let (pieces, waiting) = mpsc::channel(WAITING);
    let packing = tokio::task::spawn_blocking(move || pack(file, waiting, manifest));
    // Who writes has stopped when nobody takes a piece any more: its own words tell why.
    let gone = || BackupError::Io { path: path.to_owned(), source: io::ErrorKind::BrokenPipe.into() };
    let fed = async {
        for table in &facts.tables {
            pieces.send(Piece::Table(table.clone())).await.map_err(|_| gone())?;
            let mut rows = snapshot.copy_out(table).await?;
            while let Some(piece) = rows.try_next().await? {
                pieces.send(Piece::Rows(piece)).await.map_err(|_| gone())?;
            }
        }
        pieces.send(Piece::End).await.map_err(|_| gone())
    }
    .await;
    drop(pieces);
    let packed = packing.await.map_err(|error| at(io::Error::other(error)))?;
    let (file, manifest) = match (packed, fed) {
        (Err(error), _) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(at(error)),
        (_, Err(error)) => return Err(error),
        (Err(error), Ok(())) => return Err(at(error)),
        (Ok(packed), Ok(())) => packed,
    };
    file.persist(path).map_err(|error| at(error.error))?;
    Ok(manifest)
}

/// Writes the archive. Pieces that end without [`Piece::End`] are an unexpected end.
fn pack(
    file: NamedTempFile,
    mut pieces: mpsc::Receiver<Piece>,
    mut manifest: Manifest,
) -> io::Result<(NamedTempFile, Manifest)> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(LEVEL))
        .unix_permissions(0o600)
        .large_file(true);
    let mut zip = ZipWriter::new(BufWriter::with_capacity(1 << 20, file));
    zip.start_file(NOTE, options)?;
    zip.write_all(NOTE_TEXT.as_bytes())?;
    let mut hash = Sha256::new();
    while let Some(piece) = pieces.blocking_recv() {
        match piece {
            Piece::Table(table) => {
                close(&mut manifest, &mut hash);
                zip.start_file(entry_name(&table.name), options)?;
                manifest.tables.push(TableEntry { table, rows: 0, bytes: 0, sha256: String::new() });
            }
            Piece::Rows(rows) => {
                zip.write_all(&rows)?;
                hash.update(&rows);
                if let Some(entry) = manifest.tables.last_mut() {
                    entry.rows += lines(&rows);
                    entry.bytes += rows.len() as u64;
                }
            }
            Piece::End => {
                close(&mut manifest, &mut hash);
                zip.start_file(MANIFEST, options)?;
                zip.write_all(&serde_json::to_vec_pretty(&manifest)?)?;
                let file = zip.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.as_file().sync_all()?;
                return Ok((file, manifest));
            }
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

/// Notes the hash of the table that has ended.
fn close(manifest: &mut Manifest, hash: &mut Sha256) {
    let sum = hex(&hash.finalize_reset());
    if let Some(entry) = manifest.tables.last_mut() {
        entry.sha256 = sum;
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn entry_name(table: &str) -> String {
    format!("tables/{table}.copy")
}

/// A row ends with a line break, and has none inside: COPY writes those as `\n`.
fn lines(rows: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', rows).count() as u64
}

/// Reads all of a backup and compares it with what it says of itself. Takes about as long as making it.
///
/// # Errors
/// See [`BackupError`].
pub async fn check(path: &Path) -> Result<Manifest, BackupError> {
    let (path, at) = (path.to_owned(), path.to_owned());
    let checked = tokio::task::spawn_blocking(move || {
        let (mut archive, manifest) = open(&path)?;
        for entry in &manifest.tables {
            unpack(&path, &mut archive, entry, |_| Ok(()))?;
        }
        Ok(manifest)
    });
    checked.await.map_err(|error| BackupError::Io { path: at, source: io::Error::other(error) })?
}

/// Fills the database of `store` with a backup that was checked whole first. Returns what came in and the accounts,
/// which have to be signed in to again where this computer's keyring does not know them.
///
/// # Errors
/// See [`BackupError`]; the database is as it was.
pub async fn restore(store: &Store, path: &Path, replace: bool) -> Result<(Manifest, Vec<Account>), BackupError> {
    let manifest = check(path).await?;
    let mut restoration = store.begin_restoration(&manifest.migrations, replace).await?;
    let theirs: Vec<&BackupTable> = manifest.tables.iter().map(|entry| &entry.table).collect();
    if let Some(missing) = restoration.tables().iter().find(|table| !theirs.contains(table)) {
        return Err(RestoreError::OtherTables(missing.name.clone()).into());
    }
    for entry in &manifest.tables {
        fill(&mut restoration, path, entry).await?;
    }
    restoration.finish().await?;
    Ok((manifest, store.accounts().await?))
}

async fn fill(restoration: &mut Restoration, path: &Path, entry: &TableEntry) -> Result<(), BackupError> {
    let (pieces, mut waiting) = mpsc::channel::<Vec<u8>>(WAITING);
    let (file, wanted) = (path.to_owned(), entry.clone());
    let reading = tokio::task::spawn_blocking(move || {
        let (mut archive, _) = open(&file)?;
        unpack(&file, &mut archive, &wanted, |piece| {
            pieces.blocking_send(piece.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe.into())
        })
    });
    let mut copy = restoration.copy_in(&entry.table).await?;
    while let Some(piece) = waiting.recv().await {
        copy.send(&piece).await?;
    }
    let rows = copy.finish().await?;
    reading.await.map_err(|error| BackupError::Io { path: path.to_owned(), source: io::Error::other(error) })??;
    if rows == entry.rows { Ok(()) } else { Err(damaged(path, format!("{} has {rows} rows", entry.table.name))) }
}

/// Restores a backup into a database of its own beside `folder`'s, and removes that again: what came back once comes
/// back another time.
///
/// # Errors
/// See [`BackupError`]; [`BackupError::NoRoom`] where it was not tried.
pub async fn try_out(path: &Path, folder: &Path, binaries: BinarySearch) -> Result<Manifest, BackupError> {
    let manifest = check(path).await?;
    let at = |source: io::Error| BackupError::Io { path: folder.to_owned(), source };
    crate::files::create_private_dir(folder).map_err(at)?;
    // COPY's text is about as large as the rows with their indexes.
    let needed = manifest.bytes().saturating_mul(2).saturating_add(TRIAL_ROOM);
    let free = free_bytes(folder).map_err(at)?;
    if free < needed {
        return Err(BackupError::NoRoom { free, needed });
    }
    let place = tempfile::Builder::new().prefix("trial-").tempdir_in(folder).map_err(at)?;
    let mut options = ClusterOptions::new(place.path(), Arc::new(MemorySecrets::default()));
    options.binaries = binaries;
    let cluster = Cluster::start(options).await?;
    let tried = async {
        let store = Store::connect(&cluster.connect_options()).await?;
        let restored = restore(&store, path, false).await;
        store.close().await;
        restored
    }
    .await;
    cluster.remove().await?;
    tried.map(|(manifest, _)| manifest)
}

type Archive = ZipArchive<BufReader<File>>;

fn open(path: &Path) -> Result<(Archive, Manifest), BackupError> {
    let at = |source: io::Error| BackupError::Io { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(at)?;
    let is_ours = begins_as_ours(&mut file).map_err(at)?;
    let refused =
        |reason: String| if is_ours { damaged(path, reason) } else { BackupError::NotABackup(path.to_owned()) };
    if !is_ours {
        return Err(refused(String::new()));
    }
    let mut archive =
        ZipArchive::new(BufReader::with_capacity(1 << 20, file)).map_err(|error| refused(error.to_string()))?;
    let mut text = Vec::new();
    archive
        .by_name(MANIFEST)
        .map_err(|error| refused(error.to_string()))?
        .take(LONGEST_MANIFEST)
        .read_to_end(&mut text)
        .map_err(|error| refused(error.to_string()))?;
    /// What every version of the form has.
    #[derive(Deserialize)]
    struct Head {
        format: String,
        version: u32,
        program: String,
        migrations: Vec<i64>,
    }
    let head: Head = serde_json::from_slice(&text).map_err(|error| refused(error.to_string()))?;
    if head.format != FORMAT {
        return Err(BackupError::NotABackup(path.to_owned()));
    }
    if head.version > VERSION || !Store::unknown_migrations(&head.migrations).is_empty() {
        return Err(BackupError::Newer { program: head.program });
    }
    let manifest = serde_json::from_slice(&text).map_err(|error| refused(error.to_string()))?;
    Ok((archive, manifest))
}

/// Whether the archive's first entry is our note: a cut file has no directory any more that would tell.
fn begins_as_ours(file: &mut File) -> io::Result<bool> {
    /// Where the first entry's name stands in a ZIP.
    const NAME_AT: usize = 30;
    let mut head = [0; NAME_AT + NOTE.len()];
    let read = file.read_exact(&mut head);
    file.seek(SeekFrom::Start(0))?;
    match read {
        Ok(()) => Ok(head.starts_with(b"PK\x03\x04") && head.ends_with(NOTE.as_bytes())),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Hands over a table piece by piece, and fails at its end where it is not what the manifest says.
fn unpack(
    path: &Path,
    archive: &mut Archive,
    entry: &TableEntry,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<(), BackupError> {
    let name = &entry.table.name;
    let mut file = archive.by_name(&entry_name(name)).map_err(|error| unread(path, name, error))?;
    let (mut hash, mut rows, mut bytes) = (Sha256::new(), 0, 0);
    let mut piece = vec![0; 256 << 10];
    loop {
        let read = file.read(&mut piece).map_err(|error| damaged(path, format!("{name}: {error}")))?;
        let Some(part) = piece.get(..read).filter(|part| !part.is_empty()) else { break };
        hash.update(part);
        rows += lines(part);
        bytes += part.len() as u64;
        take(part).map_err(|source| BackupError::Io { path: path.to_owned(), source })?;
    }
    if (rows, bytes) != (entry.rows, entry.bytes) || hex(&hash.finalize()) != entry.sha256 {
        return Err(damaged(path, format!("{name} is not what it was")));
    }
    Ok(())
}

fn unread(path: &Path, name: &str, error: ZipError) -> BackupError {
    damaged(path, format!("{name}: {error}"))
}

fn damaged(path: &Path, reason: String) -> BackupError {
    BackupError::Damaged { path: path.to_owned(), reason }
}
