//! Plain copies that stand on the disk for a while: large messages and files on their way to the database, and files
//! that a person opened. All are swept, so that what was deleted, or left behind by a kill, does not stay.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use skrynka_core::{
    model::AttachmentId,
    profile::Profile,
    store::{Store, StoreError},
};

use crate::wiring::fetched_files_dir;

/// Opened files stay for as long as a person may still work on them, parts for as long as they may be gone on from.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// Held while a folder is made or swept.
const GATE: &str = "gate";
/// Held in a folder as long as its program lives.
const LOCK: &str = "lock";

/// The folder in which large messages of this program wait; it goes with it.
pub struct Spool {
    dir: PathBuf,
    _lock: File,
}

impl Spool {
    /// Takes `dir` for this program and removes what dead programs left beside it.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn take(dir: PathBuf) -> io::Result<Self> {
        let root = dir.parent().unwrap_or(&dir);
        fs::create_dir_all(root)?;
        let gate = File::create(root.join(GATE))?;
        gate.lock()?;
        for entry in fs::read_dir(root)?.flatten() {
            let path = entry.path();
            let swept = if path.is_dir() {
                if is_living(&path) { Ok(()) } else { fs::remove_dir_all(&path) }
            } else if path.extension().is_some_and(|extension| extension == "eml") {
                fs::remove_file(&path)
            } else {
                Ok(())
            };
            told(swept);
        }
        fs::create_dir_all(&dir)?;
        let lock = File::create(dir.join(LOCK))?;
        lock.lock()?;
        Ok(Self { dir, _lock: lock })
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        told(fs::remove_dir_all(&self.dir));
    }
}

/// Whether the program that works in this folder lives.
pub fn is_living(dir: &Path) -> bool {
    File::open(dir.join(LOCK)).is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Where every program has a folder for large messages.
pub fn spool_root(profile: &Profile) -> PathBuf {
    profile.cache_dir().join("spool")
}

/// Where attachments are put that a person opens.
pub fn opened_dir(profile: &Profile) -> PathBuf {
    profile.cache_dir().join("opened")
}

/// Where files of the window wait until they are whole.
pub fn attached_dir(profile: &Profile) -> PathBuf {
    profile.cache_dir().join("attached")
}

/// Removes opened files, and parts of files that were being fetched, that nobody has touched for days.
pub fn sweep(profile: &Profile, now: SystemTime) {
    let attached = attached_dir(profile);
    let begun = entries(&attached).map(|entry| entry.path());
    for copy in copies(profile).into_iter().map(|(_, copy)| copy).chain(begun) {
        let touched = fs::read_dir(&copy)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|file| file.metadata().and_then(|facts| facts.modified()).ok());
        let touched = touched.max().or_else(|| fs::metadata(&copy).and_then(|facts| facts.modified()).ok());
        if touched.is_some_and(|at| now.duration_since(at).is_ok_and(|age| age > KEPT)) {
            told(remove(&copy));
        }
    }
}

/// Removes the copies of files whose messages were deleted.
///
/// # Errors
/// The database did not say which are left.
pub async fn forget(profile: &Profile, store: &Store) -> Result<(), StoreError> {
    let copies = copies(profile);
    let ids: Vec<AttachmentId> = copies.iter().map(|(id, _)| *id).collect();
    let gone = store.files_gone(&ids).await?;
    for (_, copy) in copies.iter().filter(|(id, _)| gone.contains(id)) {
        told(remove(copy));
    }
    Ok(())
}

/// What stands on the disk of which file: a folder of an opened one, a part of one that is fetched.
fn copies(profile: &Profile) -> Vec<(AttachmentId, PathBuf)> {
    let folders = [opened_dir(profile), fetched_files_dir(profile)];
    folders
        .iter()
        .flat_map(|folder| entries(folder))
        .filter_map(|entry| Some((entry.path().file_stem()?.to_str()?.parse().ok()?, entry.path())))
        .collect()
}

fn entries(folder: &Path) -> impl Iterator<Item = fs::DirEntry> {
    fs::read_dir(folder).into_iter().flatten().flatten()
}

fn remove(copy: &Path) -> io::Result<()> {
    if copy.is_dir() { fs::remove_dir_all(copy) } else { fs::remove_file(copy) }
}

fn told(result: io::Result<()>) {
    if let Err(error) = result
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(target: "skrynka::app", error = %error, "Copy left on the disk");
    }
}

#[cfg(test)]
mod tests {
    use skrynka_core::clock::{Clock as _, SystemClock};

    use super::*;
    use crate::chats;

    #[test]
    fn what_a_killed_program_left_is_swept_and_what_a_living_one_uses_stays() {
        let root = tempfile::tempdir().unwrap();
        let living = Spool::take(root.path().join("living")).unwrap();
        fs::write(living.dir.join("part-1.eml"), "large").unwrap();
        fs::create_dir(root.path().join("killed")).unwrap();
        for left in ["killed/lock", "killed/part-2.eml", "part-3.eml"] {
            fs::write(root.path().join(left), "large").unwrap();
        }

        let next = Spool::take(root.path().join("next")).unwrap();

        assert!(living.dir.join("part-1.eml").exists());
        assert!(!root.path().join("killed").exists() && !root.path().join("part-3.eml").exists());
        drop((living, next));
        let left: Vec<_> = fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [GATE]);
    }

    #[test]
    fn opened_files_and_parts_are_swept_once_nobody_has_touched_them_for_days() {
        let root = tempfile::tempdir().unwrap();
        let now = time::macros::datetime!(2026-11-22 12:00 UTC);
        let profile = Profile::open(Some(root.path()), now).unwrap();
        let dir = opened_dir(&profile).join(AttachmentId::new(now).to_string());
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("umowa.pdf"), "text").unwrap();
        let part = chats::part_path(&fetched_files_dir(&profile), AttachmentId::new(now));
        fs::create_dir_all(fetched_files_dir(&profile)).unwrap();
        fs::write(&part, "half").unwrap();

        sweep(&profile, SystemTime::from(SystemClock.now()) + Duration::from_secs(24 * 3600));
        assert!(dir.exists() && part.exists());
        sweep(&profile, SystemTime::from(SystemClock.now()) + Duration::from_secs(8 * 24 * 3600));
        assert!(!dir.exists() && !part.exists());
    }
}
