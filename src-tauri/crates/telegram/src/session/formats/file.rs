//! Session files: SQLite databases of Telethon and Pyrogram, read and never written.

use std::{
    fs, io,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, Row};
use zeroize::Zeroizing;

use super::{Format, FormatError, Found, from_text};
use crate::session::secret::Key;

/// The first bytes of every SQLite database.
const SQLITE: &[u8] = b"SQLite format 3\0";
/// Where a database says that its writes wait in a second file, and the word for it.
const WRITE_AHEAD: (usize, u8) = (19, 2);
/// A text file above this size is no session string.
const TEXT: u64 = 8192;
/// A database above this size is not copied.
const COPIED: u64 = 512 << 20;

/// Reads a session file of Telethon or Pyrogram, or a text file that holds a session string. Blocks.
///
/// # Errors
/// The file cannot be read, is locked, damaged, or of another program.
pub fn from_file(path: &Path) -> Result<Found, FormatError> {
    let unreadable = |error: io::Error| FormatError::Unreadable(error.kind().to_string());
    let about = fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() {
        return Err(FormatError::ForeignFile);
    }
    let start = read_start(path).map_err(unreadable)?;
    if !start.starts_with(SQLITE) {
        if about.len() > TEXT {
            return Err(FormatError::ForeignFile);
        }
        let bytes = Zeroizing::new(fs::read(path).map_err(unreadable)?);
        let text = std::str::from_utf8(&bytes).map_err(|_| FormatError::ForeignFile)?;
        return from_text(text);
    }
    if start.get(WRITE_AHEAD.0) == Some(&WRITE_AHEAD.1) {
        // Opening such a database makes files beside it. A copy leaves the folder as it is.
        let folder = tempfile::tempdir().map_err(unreadable)?;
        let copy = copied(path, about.len(), folder.path())?;
        return read(&copy);
    }
    read(path)
}

fn read_start(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut start = Zeroizing::new(Vec::with_capacity(100));
    io::Read::read_to_end(&mut io::Read::take(fs::File::open(path)?, 100), &mut start)?;
    Ok(start)
}

fn copied(path: &Path, size: u64, folder: &Path) -> Result<PathBuf, FormatError> {
    let unreadable = |error: io::Error| FormatError::Unreadable(error.kind().to_string());
    if size > COPIED {
        return Err(FormatError::ForeignFile);
    }
    let copy = folder.join("session");
    fs::copy(path, &copy).map_err(unreadable)?;
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    match fs::copy(&log, folder.join("session-wal")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unreadable(error)),
        _ => Ok(copy),
    }
}

fn read(path: &Path) -> Result<Found, FormatError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(path, flags).map_err(|error| judged(&error))?;
    database.busy_timeout(Duration::from_millis(500)).map_err(|error| judged(&error))?;
    let columns = columns(&database)?;
    let has = |name: &str| columns.iter().any(|column| column == name);
    if has("dc_id") && has("auth_key") && has("server_address") && has("port") && !has("is_bot") {
        telethon(&database)
    } else if has("dc_id") && has("auth_key") && has("user_id") && has("is_bot") {
        pyrogram(&database, has("api_id"), has("test_mode"))
    } else {
        Err(FormatError::ForeignFile)
    }
}

fn columns(database: &Connection) -> Result<Vec<String>, FormatError> {
    let mut statement =
        database.prepare("SELECT name FROM pragma_table_info('sessions')").map_err(|error| judged(&error))?;
    let names = statement.query_map([], |row| row.get(0)).map_err(|error| judged(&error))?;
    names.collect::<Result<_, _>>().map_err(|error| judged(&error))
}

fn telethon(database: &Connection) -> Result<Found, FormatError> {
    let read = |row: &Row<'_>| {
        let address: Option<String> = row.get(1)?;
        let port: Option<u16> = row.get(2)?;
        Ok((row.get::<_, i32>(0)?, address, port, key(row, 3)?))
    };
    let (dc, address, port, key) = one(
        database,
        "SELECT dc_id, server_address, port, auth_key FROM sessions ORDER BY length(auth_key) DESC",
        read,
    )?;
    let ip = address.and_then(|address| address.parse::<IpAddr>().ok());
    let address = ip.zip(port).map(|(ip, port)| SocketAddr::new(ip, port));
    let key = key.ok_or(FormatError::ZeroKey)?;
    Found { format: Format::TelethonFile, dc, address, user_id: None, api_id: None, key }.checked()
}

fn pyrogram(database: &Connection, has_api: bool, has_test: bool) -> Result<Found, FormatError> {
    let api = if has_api { "api_id" } else { "NULL" };
    let test = if has_test { "test_mode" } else { "0" };
    let query = format!("SELECT dc_id, auth_key, user_id, is_bot, {api}, {test} FROM sessions");
    let read = |row: &Row<'_>| {
        let (user_id, api_id): (Option<i64>, Option<i32>) = (row.get(2)?, row.get(4)?);
        let (is_bot, test): (Option<bool>, Option<bool>) = (row.get(3)?, row.get(5)?);
        Ok((row.get::<_, i32>(0)?, key(row, 1)?, user_id, is_bot, api_id, test))
    };
    let (dc, key, user_id, is_bot, api_id, test) = one(database, &query, read)?;
    if test == Some(true) {
        return Err(FormatError::TestServers);
    }
    if is_bot == Some(true) {
        return Err(FormatError::Bot);
    }
    let key = key.ok_or(FormatError::ZeroKey)?;
    let (user_id, api_id) = (user_id.filter(|id| *id > 0), api_id.filter(|id| *id > 0));
    Found { format: Format::PyrogramFile, dc, address: None, user_id, api_id, key }.checked()
}

/// A key of any other length is none: the program had not signed in.
fn key(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Key>> {
    let bytes: Option<Vec<u8>> = row.get(column)?;
    let bytes = Zeroizing::new(bytes.unwrap_or_default());
    Ok(Key::read(&bytes))
}

fn one<T>(
    database: &Connection,
    query: &str,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<T, FormatError> {
    match database.query_row(query, [], read) {
        Ok(found) => Ok(found),
        Err(rusqlite::Error::QueryReturnedNoRows) => Err(FormatError::ZeroKey),
        Err(
            rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..),
        ) => Err(FormatError::ForeignFile),
        Err(error) => Err(judged(&error)),
    }
}

fn judged(error: &rusqlite::Error) -> FormatError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
            FormatError::InUse
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => FormatError::Damaged,
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            FormatError::Unreadable("permission denied".to_owned())
        }
        Some(_) => FormatError::Damaged,
        None => FormatError::ForeignFile,
    }
}
