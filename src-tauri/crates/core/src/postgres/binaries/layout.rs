//! The links between the libraries, and the copy where they cannot be laid or reached.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
    time::UNIX_EPOCH,
};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::postgres::{error::PostgresError, home, run_as::RunAs};

/// One line of `pg-symlinks.json`; both paths start at the package's folder.
#[derive(Deserialize)]
struct Link {
    /// The file that exists.
    source: PathBuf,
    /// The name it must have as well.
    target: PathBuf,
}

/// Returns a `bin` folder whose programs find their libraries and which `run_as` can reach: `bin` itself, or that of
/// a copy in `cache`.
pub(super) fn make_usable(bin: PathBuf, cache: &Path, run_as: RunAs) -> Result<PathBuf, PostgresError> {
    let Some(root) = bin.parent().filter(|root| root.join("share").is_dir()) else { return Ok(bin) };
    let links = read_links(root)?;
    if run_as.can_reach(&bin) && lay(root, &links).is_ok() {
        return Ok(bin);
    }
    let copy = cache.join(fingerprint(root)?);
    if !copy.is_dir() {
        copy_whole(root, &copy, &links)?;
    }
    Ok(copy.join(bin.strip_prefix(root).unwrap_or(Path::new("bin"))))
}

/// Reads the list of links that the package carries, as paths below `root`. Other installations carry none.
fn read_links(root: &Path) -> Result<Vec<Link>, PostgresError> {
    let path = root.join("pg-symlinks.json");
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(PostgresError::at(path)(error)),
    };
    let links: Vec<Link> = serde_json::from_slice(&text).map_err(|error| PostgresError::at(&path)(error.into()))?;
    links
        .into_iter()
        .map(|link| Some(Link { source: below_root(&link.source)?, target: below_root(&link.target)? }))
        .collect::<Option<_>>()
        .ok_or_else(|| PostgresError::at(path)(io::Error::other("a link leads out of the package")))
}

/// Takes `native/` off, the name of the folder in the npm package, and refuses what leads out of it.
fn below_root(path: &Path) -> Option<PathBuf> {
    let path = path.strip_prefix("native").unwrap_or(path);
    path.components().all(|part| matches!(part, Component::Normal(_))).then(|| path.to_owned())
}

/// Lays the missing links. Several programs may do so at once: a link that is there already is as good.
fn lay(root: &Path, links: &[Link]) -> io::Result<()> {
    for Link { source, target } in links {
        let (file, link) = (root.join(source), root.join(target));
        if !link.exists()
            && let Err(error) = same_file(&file, &link)
            && error.kind() != io::ErrorKind::AlreadyExists
        {
            return Err(error);
        }
    }
    Ok(())
}

#[cfg(unix)]
fn same_file(file: &Path, link: &Path) -> io::Result<()> {
    if file.parent() == link.parent() {
        std::os::unix::fs::symlink(file.file_name().unwrap_or_default(), link)
    } else {
        std::os::unix::fs::symlink(file, link)
    }
}

#[cfg(not(unix))]
fn same_file(file: &Path, link: &Path) -> io::Result<()> {
    fs::hard_link(file, link)
}

/// Copies what the server needs at run time, to a folder beside the final one that then takes its name, so that an
/// interrupted copy is never used.
fn copy_whole(root: &Path, copy: &Path, links: &[Link]) -> Result<(), PostgresError> {
    let cache = copy.parent().unwrap_or(copy);
    fs::create_dir_all(cache).map_err(PostgresError::at(cache))?;
    let staging = home::unfinished().tempdir_in(cache).map_err(PostgresError::at(cache))?;
    let whole = staging.path().join("postgres");
    for part in ["bin", "lib", "share"] {
        copy_folder(&root.join(part), &whole.join(part)).map_err(PostgresError::at(root.join(part)))?;
    }
    lay(&whole, links).map_err(PostgresError::at(&whole))?;
    match fs::rename(&whole, copy) {
        Err(error) if !copy.is_dir() => Err(PostgresError::at(copy)(error)),
        _ => Ok(()),
    }
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    readable(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_folder(&source, &target)?;
        } else if source.extension().is_none_or(|extension| extension != "a") {
            // Links are followed; static libraries are for compilers.
            fs::copy(&source, &target)?;
            readable(&target)?;
        }
    }
    Ok(())
}

/// Lets every user read (and run or enter) a copy, but only this one write it.
#[cfg(unix)]
fn readable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path)?.permissions().mode();
    let mode = if mode & 0o100 == 0 { 0o644 } else { 0o755 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn readable(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Names a copy after what it was made from: paths, sizes and times of all files. An update gets a copy of its own.
fn fingerprint(root: &Path) -> Result<String, PostgresError> {
    let mut hash = Sha256::new();
    hash_folder(root, &mut hash).map_err(PostgresError::at(root))?;
    Ok(hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
}

fn hash_folder(folder: &Path, hash: &mut Sha256) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let meta = entry.metadata()?;
        if meta.is_dir() {
            hash_folder(&entry.path(), hash)?;
        } else if meta.is_file() {
            let changed = meta.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
            hash.update(entry.path().as_os_str().as_encoded_bytes());
            hash.update(meta.len().to_le_bytes());
            hash.update(changed.as_nanos().to_le_bytes());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_leads_out_of_the_package_is_refused() {
        assert_eq!(below_root(Path::new("native/lib/a.so")), Some(PathBuf::from("lib/a.so")));
        assert_eq!(below_root(Path::new("native/../../etc/a.so")), None);
        assert_eq!(below_root(Path::new("/etc/a.so")), None);
    }
}
