//! Making room on the disk: what can go without loss, and taking it away. Never a message, and never the only copy of
//! anything.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use skrynka_core::profile::Profile;

use crate::{
    copies::{is_living, opened_dir, spool_root},
    wire::{RoomView, count},
    wiring::fetched_files_dir,
};

/// Somebody may still work on a copy that was touched since.
const IN_USE: Duration = Duration::from_secs(24 * 3600);
/// A part that was written to since is being fetched.
const BEING_FETCHED: Duration = Duration::from_secs(600);

/// What can go.
struct Room {
    logs: Vec<PathBuf>,
    spooled: Vec<PathBuf>,
    opened: Vec<PathBuf>,
    fetched: Vec<PathBuf>,
}

impl Room {
    fn of(profile: &Profile, now: SystemTime) -> Self {
        let untouched = |path: &Path, since: Duration| {
            newest(path).is_some_and(|at| now.duration_since(at).is_ok_and(|age| age > since))
        };
        let logs = entries(&profile.logs_dir()).filter(|path| {
            // The file that a living program writes is locked.
            path.extension().is_some_and(|extension| extension == "jsonl")
                && File::open(path).is_ok_and(|file| file.try_lock().is_ok())
        });
        let spooled = entries(&spool_root(profile)).filter(|path| path.is_dir() && !is_living(path));
        let opened = entries(&opened_dir(profile)).filter(|path| untouched(path, IN_USE));
        let fetched = entries(&fetched_files_dir(profile)).filter(|path| untouched(path, BEING_FETCHED));
        Self { logs: logs.collect(), spooled: spooled.collect(), opened: opened.collect(), fetched: fetched.collect() }
    }

    fn view(&self) -> RoomView {
        let kib = |paths: &[PathBuf]| count(paths.iter().map(|path| size(path)).sum::<u64>().div_ceil(1024));
        RoomView {
            logs: kib(&self.logs),
            spooled: kib(&self.spooled),
            opened: kib(&self.opened),
            fetched: kib(&self.fetched),
        }
    }
}

/// Tells what would go. Waits for the disk.
pub fn look(profile: &Profile, now: SystemTime) -> RoomView {
    Room::of(profile, now).view()
}

/// Takes away what can go, and tells how much that was. What cannot be removed stays. Waits for the disk.
pub fn make(profile: &Profile, now: SystemTime) -> RoomView {
    let room = Room::of(profile, now);
    let gone = |paths: &[PathBuf]| -> Vec<(PathBuf, u64)> {
        paths.iter().map(|path| (path.clone(), size(path))).filter(|(path, _)| removed(path)).collect()
    };
    let kib = |gone: &[(PathBuf, u64)]| count(gone.iter().map(|(_, size)| size).sum::<u64>().div_ceil(1024));
    RoomView {
        logs: kib(&gone(&room.logs)),
        spooled: kib(&gone(&room.spooled)),
        opened: kib(&gone(&room.opened)),
        fetched: kib(&gone(&room.fetched)),
    }
}

fn removed(path: &Path) -> bool {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    if let Err(error) = &removed {
        tracing::warn!(target: "skrynka::app", error = %error, "Copy left on the disk");
    }
    removed.is_ok()
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// When a file, or anything in a folder, was last written to.
fn newest(path: &Path) -> Option<SystemTime> {
    let own = fs::metadata(path).and_then(|facts| facts.modified()).ok();
    if path.is_dir() { entries(path).filter_map(|path| newest(&path)).chain(own).max() } else { own }
}

fn size(path: &Path) -> u64 {
    if path.is_dir() {
        entries(path).map(|path| size(&path)).sum()
    } else {
        fs::metadata(path).map(|facts| facts.len()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_use_stays_and_the_rest_goes() {
        let root = tempfile::tempdir().unwrap();
        let start = time::macros::datetime!(2026-11-22 12:00 UTC);
        let profile = Profile::open(Some(root.path()), start).unwrap();
        let write = |path: PathBuf, kib: usize| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, vec![0; kib * 1024]).unwrap();
            path
        };
        let old = write(profile.logs_dir().join("skrynka-1-1.0.jsonl"), 3);
        let written = write(profile.logs_dir().join("skrynka-2-1.0.jsonl"), 1);
        let lock = File::open(&written).unwrap();
        lock.lock().unwrap();
        let dead = write(spool_root(&profile).join("dead").join("part.eml"), 5);
        let opened = write(opened_dir(&profile).join("x").join("umowa.pdf"), 2);
        let part = write(fetched_files_dir(&profile).join("x.part"), 7);

        let fresh = newest(&opened).unwrap();
        let soon = RoomView { logs: 3, spooled: 5, opened: 0, fetched: 0 };
        assert_eq!(look(&profile, fresh), soon, "what was just touched may be in use");
        let later = fresh + IN_USE + Duration::from_secs(60);
        let all = RoomView { opened: 2, fetched: 7, ..soon };
        assert_eq!(look(&profile, later), all);
        assert_eq!(make(&profile, later), all);
        assert!(written.exists());
        assert!([old, dead, opened, part].iter().all(|gone| !gone.exists()));
        assert_eq!(look(&profile, later), RoomView::default());
    }
}
