//! This run of the program, as other programs see it, and whether the run behind a lease still lives.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use time::{Duration, OffsetDateTime};
use uuid::{NoContext, Timestamp, Uuid};

use crate::store::LeaseHolder;

/// What a crashed run left behind is kept this long.
const KEPT: Duration = Duration::days(1);

/// This run's own name, proved by a file that is locked as long as the program lives. Another program of the same
/// profile on the same computer that gets hold of that lock knows for certain that this one is dead, and need not wait
/// until its connections must be.
#[derive(Debug)]
pub struct Presence {
    holder: LeaseHolder,
    folder: Option<PathBuf>,
    _lock: Option<File>,
}

impl Presence {
    /// Announces this run in the profile's folder. `name` is what people are told: which program, on which computer.
    ///
    /// # Errors
    /// The file could not be written or locked.
    pub fn open(profile: &Path, name: String, now: OffsetDateTime) -> io::Result<Self> {
        let folder = profile.join("running");
        fs::create_dir_all(&folder)?;
        remove_old(&folder, now);
        let holder = LeaseHolder { id: new_run(now), name, home: home(profile) };
        let lock = File::create(path_of(&folder, holder.id))?;
        lock.lock()?;
        Ok(Self { holder, folder: Some(folder), _lock: Some(lock) })
    }

    /// A run that leaves no proof of its life: others wait until its leases are over.
    pub fn unproved(name: &str, now: OffsetDateTime) -> Self {
        let holder = LeaseHolder { id: new_run(now), name: name.to_owned(), home: String::new() };
        Self { holder, folder: None, _lock: None }
    }

    /// How this run is written into a lease.
    pub const fn holder(&self) -> &LeaseHolder {
        &self.holder
    }

    /// Tells whether the run behind a lease is certainly dead: it ran on this computer since it was switched on, in
    /// this profile, and nobody holds its lock any more.
    pub fn is_dead(&self, other: &LeaseHolder) -> bool {
        let Some(folder) = &self.folder else { return false };
        if self.holder.home.is_empty() || other.home != self.holder.home || other.id == self.holder.id {
            return false;
        }
        let path = path_of(folder, other.id);
        // Without its file nothing is proved: somebody may have removed it.
        let Ok(file) = File::open(&path) else { return false };
        file.try_lock().is_ok()
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            // A file that is left behind proves no more than that this run has ended.
            let _left = fs::remove_file(path_of(folder, self.holder.id));
        }
    }
}

/// Removes what runs left behind that crashed long ago: their leases are over by themselves.
fn remove_old(folder: &Path, now: OffsetDateTime) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let old =
            entry.metadata().and_then(|file| file.modified()).is_ok_and(|at| now - OffsetDateTime::from(at) > KEPT);
        if old && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            // What cannot be removed is tried again at the next start.
            let _left = fs::remove_file(entry.path());
        }
    }
}

fn new_run(now: OffsetDateTime) -> Uuid {
    let seconds = u64::try_from(now.unix_timestamp()).unwrap_or(0);
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.nanosecond()))
}

fn path_of(folder: &Path, run: Uuid) -> PathBuf {
    folder.join(format!("{run}.lock"))
}

/// The computer since it was switched on, with the profile; empty where that cannot be told.
fn home(profile: &Path) -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    match (boot.trim(), profile.canonicalize()) {
        ("", _) | (_, Err(_)) => String::new(),
        (boot, Ok(profile)) => format!("{boot} {}", profile.display()),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_run_is_dead_only_when_nobody_holds_its_lock() {
        let profile = tempfile::tempdir().unwrap();
        let now = datetime!(2026-11-25 10:00 UTC);
        let one = Presence::open(profile.path(), "one".to_owned(), now).unwrap();
        let two = Presence::open(profile.path(), "two".to_owned(), now).unwrap();
        assert!(!two.is_dead(one.holder()));
        assert!(!one.is_dead(one.holder()));

        let crashed = LeaseHolder { id: new_run(now), ..one.holder().clone() };
        assert!(!two.is_dead(&crashed), "without a file nothing is proved");
        fs::write(path_of(&profile.path().join("running"), crashed.id), "").unwrap();
        assert!(two.is_dead(&crashed));
        let elsewhere = LeaseHolder { home: "another computer".to_owned(), ..crashed.clone() };
        assert!(!two.is_dead(&elsewhere));
    }
}
