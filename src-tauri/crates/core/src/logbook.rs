//! The logbook: what the app did, for the log viewer, `skrynka logs` and the support bundle.
//!
//! A `tracing` event becomes one line of JSON ([`Entry`]), is cleaned of secrets and personal data ([`redact`]),
//! numbered, kept in a ring in memory and queued for the writer's thread, which puts it into files under a cap over
//! all of them. Neither a slow nor a full disk holds up the app: lines that do not fit in the queue are counted and
//! told, lines that cannot be written stay in memory until they can.

mod area;
mod entry;
mod filter;
mod histogram;
mod index;
mod layer;
mod lines;
mod literals;
mod matcher;
mod panic;
mod parallel;
mod progress;
mod query;
mod quick;
pub mod redact;
mod repeat;
mod ring;
mod rolling;
mod shared;
mod source;
mod tail;

use std::{
    path::PathBuf,
    process,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use time::{OffsetDateTime, macros::format_description};
use tracing::Dispatch;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{Layer, Registry, layer::SubscriberExt, reload};

pub(crate) use self::panic::unquoted;
pub use self::{
    area::AREAS,
    entry::{Entry, Fields, Level},
    histogram::{Bucket, Histogram, MAX_BUCKETS},
    matcher::{Exclude, Filter, Marker, Search},
    panic::{PanicNote, PanicNotes},
    progress::Progress,
    query::{Cursor, MAX_PAGE, News, Page, QueryError, Reader, Row, Start, Stats, Window},
    rolling::Limits,
    tail::Tail,
};
use self::{filter::Levels, layer::LogLayer, rolling::Rolling, shared::Shared};
use crate::clock::Clock;

/// How long the end of the program waits for the last lines to be written.
pub const FLUSH_LIMIT: Duration = Duration::from_secs(5);

/// How the logbook is kept.
#[derive(Clone)]
pub struct LogbookOptions {
    /// The folder of the files; it is created with the first line.
    pub dir: PathBuf,
    /// The least level of the app's own lines. Libraries are kept at warnings and errors, whatever this says: their
    /// lower levels print what they send and receive.
    pub level: Level,
    /// The size of the files.
    pub limits: Limits,
    /// Lines of a short command go on in the file of an earlier one: commands that run by the clock would otherwise push
    /// out, file by file, what the window has written.
    pub command: bool,
    /// So many lines wait for the disk at most; more are dropped and counted.
    pub queue: usize,
    /// So many lines a second from one place in the code about one account; more are counted in one line. 0: any.
    pub repeats_per_second: u32,
    /// The folder in which panics leave their notes ([`PanicNotes`]); nowhere without one.
    pub panics: Option<PathBuf>,
    /// Tells the time of each line.
    pub clock: Arc<dyn Clock>,
}

impl LogbookOptions {
    /// The usual limits.
    pub fn new(dir: PathBuf, level: Level, clock: Arc<dyn Clock>) -> Self {
        let limits = Limits::default();
        Self { dir, level, limits, command: false, queue: 32_768, repeats_per_second: 10, panics: None, clock }
    }
}

/// Why the logbook could not be started.
#[derive(Debug, thiserror::Error)]
#[error("a logbook is already kept in this process")]
pub struct AlreadyKept(#[source] tracing::dispatcher::SetGlobalDefaultError);

/// The logbook of this run. Clones share it.
#[derive(Clone)]
pub struct Logbook {
    shared: Arc<Shared>,
    reader: Reader,
    level: reload::Handle<Levels, Registry>,
    levels: Arc<Mutex<Chosen>>,
    clock: Arc<dyn Clock>,
}

/// Which levels were chosen.
struct Chosen {
    usual: Level,
    raised: Option<Raised>,
}

/// Another level for a while.
struct Raised {
    level: Level,
    until: OffsetDateTime,
    /// The same by a clock that nobody sets.
    ends: Instant,
}

/// Ends the logbook: dropping it writes what is still waiting.
#[must_use = "dropping it ends the logbook"]
pub struct LogbookGuard {
    logbook: Logbook,
    worker: Option<WorkerGuard>,
}

impl Logbook {
    /// Starts the logbook for the whole process, and lets panics be written to it.
    ///
    /// A folder that cannot be written is no error: the lines stay in memory, and [`Stats::memory_only`] says why.
    ///
    /// # Errors
    /// [`AlreadyKept`].
    pub fn init(options: LogbookOptions) -> Result<LogbookGuard, AlreadyKept> {
        let (panics, clock) = (options.panics.clone(), Arc::clone(&options.clock));
        let (dispatch, guard) = Self::start(options);
        tracing::dispatcher::set_global_default(dispatch).map_err(AlreadyKept)?;
        panic::install_hook(panics, clock);
        Ok(guard)
    }

    /// Starts a logbook that receives what `tracing` sends to the returned dispatch.
    pub fn start(options: LogbookOptions) -> (Dispatch, LogbookGuard) {
        let LogbookOptions { dir, level, limits, command, queue, repeats_per_second, panics: _, clock } = options;
        let prefix = prefix(&*clock, command);
        let shared = Arc::new(Shared::new(Arc::clone(&clock), repeats_per_second));
        let rolling = Rolling::new(Arc::clone(&shared), dir.clone(), prefix.clone(), limits, command);
        let (queue, worker) =
            NonBlockingBuilder::default().buffered_lines_limit(queue).thread_name("logbook").finish(rolling);
        shared.connect(queue);
        let levels = Arc::new(Mutex::new(Chosen { usual: level, raised: None }));
        let (filter, level) = reload::Layer::new(Levels::new(level));
        let dispatch = Dispatch::new(Registry::default().with(LogLayer::new(Arc::clone(&shared)).with_filter(filter)));
        let reader = Reader::live(dir, Arc::clone(&shared), prefix);
        (dispatch, LogbookGuard { logbook: Self { shared, reader, level, levels, clock }, worker: Some(worker) })
    }

    /// Sets the least level of the app's own lines from here on. One that was raised for a while stays until then.
    pub fn set_level(&self, level: Level) {
        let mut chosen = self.chosen();
        chosen.usual = level;
        if chosen.raised.is_none() {
            self.put(level);
        }
    }

    /// Sets another level for a while; [`Self::return_level`] ends it. Returns until when.
    pub fn raise_level(&self, level: Level, time: Duration) -> OffsetDateTime {
        let until = self.clock.now() + time;
        self.chosen().raised = Some(Raised { level, until, ends: Instant::now() + time });
        self.put(level);
        until
    }

    /// Goes back to the usual level, at once or only if the time of the raised one is over.
    pub fn return_level(&self, at_once: bool) {
        let mut chosen = self.chosen();
        let over = |raised: &Raised| self.clock.now() >= raised.until || Instant::now() >= raised.ends;
        if chosen.raised.as_ref().is_some_and(|raised| at_once || over(raised)) {
            chosen.raised = None;
            self.put(chosen.usual);
        }
    }

    /// The level that was raised for a while, and until when.
    pub fn raised_level(&self) -> Option<(Level, OffsetDateTime)> {
        self.chosen().raised.as_ref().map(|raised| (raised.level, raised.until))
    }

    /// The usual level.
    pub fn usual_level(&self) -> Level {
        self.chosen().usual
    }

    fn put(&self, level: Level) {
        // It fails only once the subscriber is gone, and then there is nothing to set.
        let _ = self.level.reload(Levels::new(level));
    }

    fn chosen(&self) -> MutexGuard<'_, Chosen> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the log, with what is in memory only.
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// Waits until every line so far has been written or given up, but no longer than `limit`.
    pub fn flush(&self, limit: Duration) {
        let last = self.shared.close();
        let written = self.shared.written();
        let start = Instant::now();
        while *written.borrow() < last && start.elapsed() < limit {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl LogbookGuard {
    /// The logbook that this guard ends.
    pub fn logbook(&self) -> Logbook {
        self.logbook.clone()
    }
}

impl Drop for LogbookGuard {
    fn drop(&mut self) {
        self.logbook.flush(FLUSH_LIMIT);
        drop(self.worker.take());
    }
}

/// The name that the files of this run begin with.
fn prefix(clock: &dyn Clock, command: bool) -> String {
    let format = format_description!("[year][month][day]T[hour][minute][second][subsecond digits:3]Z");
    let start = clock.now().to_offset(time::UtcOffset::UTC).format(format).unwrap_or_default();
    let name = if command { rolling::COMMANDS } else { "skrynka" };
    format!("{name}-{start}-{}", process::id())
}
