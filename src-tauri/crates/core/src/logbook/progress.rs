//! How far a long search has come, and its end before its time.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

/// How far a search has come. Clones share it, and each of them can stop the search.
#[derive(Clone, Default)]
pub struct Progress(Arc<State>);

#[derive(Default)]
struct State {
    stopped: AtomicBool,
    searched: AtomicU64,
    found: AtomicU64,
    bytes: AtomicU64,
    lines: AtomicU64,
}

impl Progress {
    /// Ends the search: a page holds what was found so far, and its `next` goes on from there.
    pub fn stop(&self) {
        self.0.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has stopped it.
    pub fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::Relaxed)
    }

    /// How many lines were searched, and how many there are to search. Both are estimates: what is read is counted in
    /// bytes.
    pub fn lines(&self) -> (u64, u64) {
        let [searched, bytes, lines] =
            [&self.0.searched, &self.0.bytes, &self.0.lines].map(|count| count.load(Ordering::Relaxed));
        let searched = u128::from(lines) * u128::from(searched.min(bytes)) / u128::from(bytes.max(1));
        (u64::try_from(searched).unwrap_or(lines), lines)
    }

    /// How many lines were found so far.
    pub fn found(&self) -> u64 {
        self.0.found.load(Ordering::Relaxed)
    }

    /// Says that so many bytes more are to be searched, which hold so many lines.
    pub(super) fn expect(&self, bytes: u64, lines: u64) {
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.0.lines.fetch_add(lines, Ordering::Relaxed);
    }

    /// Says that so many bytes were searched, and how many lines were found in them.
    pub(super) fn advance(&self, bytes: u64, found: u64) {
        self.0.searched.fetch_add(bytes, Ordering::Relaxed);
        self.0.found.fetch_add(found, Ordering::Relaxed);
    }
}
