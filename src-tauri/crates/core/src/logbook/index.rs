//! An index over all kept files: where each line stands, when it was written, and its level, area and account.
//!
//! It is made in the background once somebody reads the log, follows the files as they grow, and forgets those that are
//! gone. A query asks it where it can and reads the file where it cannot: in files in which times go back, and in those
//! that are not indexed yet. Either way gives the same answer.

mod file;
mod kinds;
mod packed;
mod piece;

use std::{
    collections::HashMap,
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

pub(super) use self::file::{Indexed, Place};
use self::{file::FileIndex, kinds::Kinds};
use super::{
    matcher::Matcher,
    source::{self, LogFile},
};

/// So much of all files is indexed by the query that needs it; more is left to the background.
const AT_ONCE: u64 = 1024 * 1024;
/// About so long is a line, as long as none has been seen.
const USUAL_LINE: u64 = 220;
/// Lines that are looked for in a text are read by way of the index when it knows no more than one in so many to be
/// meant; more are found sooner by reading everything.
const RARE: u64 = 24;

/// The index of a folder; dropping it ends the work in the background.
pub(super) struct Index {
    inner: Arc<Inner>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Inner {
    dir: PathBuf,
    kinds: Kinds,
    files: Mutex<HashMap<Arc<str>, Arc<FileIndex>>>,
    stopped: AtomicBool,
}

/// What the index knows of the files of one query.
#[derive(Default)]
pub(super) struct View {
    files: HashMap<Arc<str>, Indexed>,
    /// Lines in all files; an estimate where not all are indexed.
    pub(super) lines: u64,
}

impl View {
    /// What is known of files without an index.
    pub(super) fn of_none(files: &[LogFile]) -> Self {
        Self { files: HashMap::new(), lines: files.iter().map(|file| file.bytes / USUAL_LINE).sum() }
    }

    pub(super) fn of(&self, file: &LogFile) -> Option<Indexed> {
        self.files.get(&file.id).cloned()
    }
}

impl Index {
    pub(super) fn new(dir: PathBuf) -> Self {
        let inner = Inner { dir, kinds: Kinds::default(), files: Mutex::default(), stopped: AtomicBool::new(false) };
        Self { inner: Arc::new(inner), thread: Mutex::default() }
    }

    /// Returns what is known of these files for a filter, and has the rest read in the background.
    pub(super) fn view(&self, files: &[LogFile], matcher: &Matcher) -> View {
        let mut known = self.inner.files();
        known.retain(|id, _| files.iter().any(|file| file.id == *id));
        let missing: u64 = files.iter().map(|file| Inner::missing(&known, file)).sum();
        let mut view = View::default();
        let mut current = Vec::new();
        for file in files {
            if missing <= AT_ONCE && !known.get(&file.id).is_some_and(|index| index.is_current(file)) {
                let index = self.inner.read(file, known.get(&file.id).map(|index| &**index));
                known.extend(index.map(|index| (Arc::clone(&file.id), Arc::new(index))));
            }
            if let Some(index) = known.get(&file.id).filter(|index| index.is_current(file) && index.is_usable()) {
                view.lines += index.lines() as u64;
                current.push((Arc::clone(&file.id), Arc::clone(index)));
            } else {
                view.lines += file.bytes / USUAL_LINE;
            }
        }
        drop(known);
        let wanted = Arc::new(self.inner.kinds.wanted(matcher));
        let meant: u64 = current.iter().map(|(_, index)| index.wanted(&wanted)).sum();
        let all: u64 = current.iter().map(|(_, index)| index.lines() as u64).sum();
        if !matcher.looks_at_text() || meant < all / RARE {
            let indexed = |file| Indexed { file, wanted: Arc::clone(&wanted) };
            view.files = current.into_iter().map(|(id, file)| (id, indexed(file))).collect();
        }
        if missing > AT_ONCE {
            self.wake();
        }
        view
    }

    /// Reads every file to its end.
    pub(super) fn complete(&self) -> io::Result<()> {
        self.inner.pass()
    }

    /// Lets a thread bring the index up to the files, unless one is at it.
    fn wake(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.as_ref().is_none_or(JoinHandle::is_finished) {
            let inner = Arc::clone(&self.inner);
            let work = move || while inner.pass().is_ok_and(|()| inner.is_behind()) {};
            // Without a thread the files are read for each query.
            *thread = thread::Builder::new().name("log index".to_owned()).spawn(work).ok();
        }
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.inner.stopped.store(true, Ordering::Relaxed);
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // It can only have failed by a panic, which was told then.
        drop(thread.map(JoinHandle::join));
    }
}

impl Inner {
    /// Reads what the files hold that is not indexed, the newest files first.
    fn pass(&self) -> io::Result<()> {
        for file in source::list(&self.dir)?.iter().rev() {
            let before = self.files().get(&file.id).cloned();
            if self.is_stopped() {
                return Ok(());
            }
            if before.as_ref().is_some_and(|index| index.is_current(file)) {
                continue;
            }
            if let Some(index) = self.read(file, before.as_deref()) {
                self.files().insert(Arc::clone(&file.id), Arc::new(index));
            }
        }
        Ok(())
    }

    /// Whether there is more to read than a query does by itself.
    fn is_behind(&self) -> bool {
        let files = source::list(&self.dir).unwrap_or_default();
        let known = self.files();
        !self.is_stopped() && files.iter().map(|file| Self::missing(&known, file)).sum::<u64>() > AT_ONCE
    }

    /// Indexes one file; `None` when the work was stopped.
    fn read(&self, file: &LogFile, before: Option<&FileIndex>) -> Option<FileIndex> {
        match FileIndex::read(file, before, &self.kinds, &|| self.is_stopped()) {
            Ok(index) => Some(index),
            Err(_) if self.is_stopped() => None,
            // Whoever asks for its lines hears why it cannot be read.
            Err(_) => Some(FileIndex::unusable(file)),
        }
    }

    fn missing(known: &HashMap<Arc<str>, Arc<FileIndex>>, file: &LogFile) -> u64 {
        known.get(&file.id).map_or(file.bytes, |index| index.missing(file))
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn files(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<FileIndex>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
