//! Writing small files so that a reader, or the next start after a power cut, finds the old text or the new one.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

/// Creates a folder with its parents, readable by its owner only (0700). A folder that exists is left as it is.
pub(crate) fn create_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Replaces the file by `bytes`: a temporary file beside it (0600), flushed to disk, then renamed over it.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let written = temporary(path, bytes)?;
    written.persist(path).map_err(|error| error.error)?;
    sync_dir(&parent(path))
}

/// Writes a file that must not exist yet; fails with [`io::ErrorKind::AlreadyExists`] and leaves the other's text.
pub fn create_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let written = temporary(path, bytes)?;
    written.persist_noclobber(path).map_err(|error| error.error)?;
    sync_dir(&parent(path))
}

fn temporary(path: &Path, bytes: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::Builder::new().prefix(".writing-").tempfile_in(parent(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn parent(path: &Path) -> PathBuf {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

/// A rename is on disk once its folder is.
fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { fs::File::open(dir)?.sync_all() } else { Ok(()) }
}
