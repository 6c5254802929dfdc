//! A copy of a cluster that stands still.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    error::PostgresError,
    home::{self, Home, ROOM_TO_START},
    run_as::RunAs,
};

/// Copies the data to `before-update` beside it, under its name once it is whole; `None` where the disk has no room. In the
/// place of `data`, with the server stopped, it is the database as it was.
pub(super) async fn copy(home: &Home) -> Result<Option<PathBuf>, PostgresError> {
    let home = home.clone();
    let copied = tokio::task::spawn_blocking(move || copy_now(&home)).await;
    copied.map_err(|error| PostgresError::at(Path::new("before-update"))(io::Error::other(error)))?
}

fn copy_now(home: &Home) -> Result<Option<PathBuf>, PostgresError> {
    let (data, to) = (home.data(), home.dir.join("before-update"));
    if to.exists() {
        // The room that it takes may be what the next one needs.
        fs::remove_dir_all(&to).map_err(PostgresError::at(&to))?;
    }
    let needed = size(&data).map_err(PostgresError::at(&data))?.saturating_add(ROOM_TO_START);
    if home::free_bytes(&home.dir).map_err(PostgresError::at(&home.dir))? < needed {
        return Ok(None);
    }
    let unfinished = home::unfinished().tempdir_in(&home.dir).map_err(PostgresError::at(&home.dir))?;
    let whole = unfinished.path().join("data");
    copy_folder(&data, &whole, home.run_as).map_err(PostgresError::at(&data))?;
    fs::rename(&whole, &to).map_err(PostgresError::at(&to))?;
    Ok(Some(to))
}

fn size(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        bytes += if meta.is_dir() { size(&entry.path())? } else { meta.len() };
    }
    Ok(bytes)
}

/// Keeps rights and owners: the server refuses data that others may read. Where the disk can, a file shares its blocks
/// with its copy.
fn copy_folder(from: &Path, to: &Path, run_as: RunAs) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy_folder(&source, &target, run_as)?;
        } else {
            fs::copy(&source, &target)?;
            run_as.give(&target)?;
        }
    }
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    run_as.give(to)
}
