//! Work on all cores that ends before its caller goes on.

use std::{
    io,
    num::NonZero,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// A desktop has other things to do too.
const MAX_WORKERS: usize = 4;

/// Does the pieces of work `0..count` and returns their results in that order. Each worker begins with a `start` of its
/// own.
///
/// # Errors
/// The first one of the work.
pub(super) fn each<S, T: Send>(
    count: usize,
    start: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> io::Result<T> + Sync,
) -> io::Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let run = || {
        let mut state = start();
        let mut done = Vec::new();
        loop {
            let piece = next.fetch_add(1, Ordering::Relaxed);
            if piece >= count {
                return Ok(done);
            }
            done.push((piece, work(&mut state, piece)?));
        }
    };
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(MAX_WORKERS).min(count);
    let parts = thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| thread::Builder::new().spawn_scoped(scope, run)).collect();
        let mut parts = vec![run()];
        // What no thread could be had for, the others have done.
        for other in others.into_iter().flatten() {
            parts.push(other.join().unwrap_or_else(|_| Err(io::Error::other("a thread of the search has failed"))));
        }
        parts
    });
    let mut all = Vec::with_capacity(count);
    for part in parts {
        all.extend(part?);
    }
    all.sort_unstable_by_key(|(piece, _)| *piece);
    Ok(all.into_iter().map(|(_, result)| result).collect())
}
