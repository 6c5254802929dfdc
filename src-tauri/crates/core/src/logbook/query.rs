//! The one query of the log viewer and of `skrynka logs`: pages of matching lines over all files, by time.

use std::{
    collections::HashMap,
    fmt,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::PathBuf,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
};

use time::OffsetDateTime;

use super::{
    Entry, Filter, Progress, Tail,
    entry::Stamp,
    index::{Index, View},
    matcher::Matcher,
    shared::Shared,
    source::{self, Direction, Found, Key, LogFile, Source},
};

const MEMORY: &str = "memory";

/// A page holds no more lines than this.
pub const MAX_PAGE: usize = 1_000;

/// Why a query gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The regular expression is none, or too large.
    #[error("the search expression cannot be used: {0}")]
    Expression(String),
    /// The cursor is not one that a page has given.
    #[error("{0:?} is no place in the log")]
    Cursor(String),
    /// The folder or a file of it cannot be read.
    #[error("the log folder {} cannot be read", .dir.display())]
    Io {
        /// The folder.
        dir: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Somebody stopped it before its end.
    #[error("the search was stopped")]
    Stopped,
    /// What was found cannot be written where it was to be kept.
    #[error("the lines cannot be written")]
    Written(#[source] io::Error),
}

/// A place between two lines. It stays good when lines are added and when old files are removed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(pub(super) Key);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}~{}", self.0.stamp.as_str(), self.0.file, self.0.offset)
    }
}

impl FromStr for Cursor {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let mut parts = text.splitn(3, '~');
            let stamp = Stamp::parse(parts.next()?.as_bytes())?;
            let (file, offset) = (parts.next()?, parts.next()?.parse().ok()?);
            Some(Self(Key { stamp, file: Arc::from(file), offset }))
        };
        parse().ok_or_else(|| QueryError::Cursor(text.chars().take(100).collect()))
    }
}

impl Cursor {
    /// The place before every line of this moment and later.
    pub fn at(moment: OffsetDateTime) -> Self {
        Self(Key { stamp: Stamp::new(moment), file: Arc::from(""), offset: 0 })
    }
}

/// Where a page begins and in which direction it is read.
#[derive(Debug, Clone)]
pub enum Start {
    /// At the newest line, backwards.
    Newest,
    /// At the line before the cursor, backwards.
    Before(Cursor),
    /// At the oldest line, forwards.
    Oldest,
    /// At the line of the cursor itself, or at the first one after it, forwards.
    At(Cursor),
    /// At the line after the cursor, forwards.
    After(Cursor),
}

/// Which part of the answer is wanted.
#[derive(Debug, Clone)]
pub struct Window {
    /// Where it begins.
    pub start: Start,
    /// The most lines; never more than [`MAX_PAGE`].
    pub rows: usize,
    /// Stop after so many bytes have been read, even if fewer lines were found.
    pub max_bytes: u64,
}

impl Window {
    /// A page from `start` without a limit on what is read for it.
    pub const fn new(start: Start, rows: usize) -> Self {
        Self { start, rows, max_bytes: u64::MAX }
    }
}

/// A line and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Where the line is: `Before` it and `After` it both leave it out.
    pub cursor: Cursor,
    /// The line.
    pub entry: Entry,
}

impl Row {
    /// The number of a line that is in memory only.
    pub(super) fn seq_in_memory(&self) -> Option<u64> {
        self.cursor.0.file.ends_with(MEMORY).then_some(self.cursor.0.offset)
    }

    /// Tells whether the line is of the run whose files begin with `prefix`.
    pub(super) fn is_of_run(&self, prefix: &str) -> bool {
        self.cursor.0.file.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'))
    }
}

/// A part of the answer.
#[derive(Debug, Clone)]
pub struct Page {
    /// In the direction of reading: newest first for `Newest` and `Before`.
    pub rows: Vec<Row>,
    /// Where the next page of the same direction begins; `None` when there is nothing more.
    pub next: Option<Cursor>,
    /// How many bytes were read for it.
    pub scanned: u64,
}

/// What was written after a place.
#[derive(Debug, Clone)]
pub struct News {
    /// The newest of it, oldest first.
    pub rows: Vec<Row>,
    /// Whether lines that match may stand between the place and the first row: they were passed over.
    pub passed: bool,
}

/// What the head of the viewer tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Lines in all files.
    pub lines: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Number of files.
    pub files: usize,
    /// Lines that this run could not keep.
    pub dropped: u64,
    /// Set while the files cannot be written: why. The newest lines are in memory only.
    pub memory_only: Option<String>,
}

/// How many bytes of each file have been counted, and the lines in them.
type Counted = HashMap<Arc<str>, (u64, u64)>;

/// Reads the log of a profile. Calls block while they read files.
#[derive(Clone)]
pub struct Reader {
    pub(super) dir: PathBuf,
    pub(super) live: Option<(Arc<Shared>, String)>,
    counted: Arc<Mutex<Counted>>,
    pub(super) index: Option<Arc<Index>>,
}

impl Reader {
    /// Reads the files in `dir`, whoever writes them.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, live: None, counted: Arc::default(), index: None }
    }

    /// Reads the files, and what this run has in memory only.
    pub(super) fn live(dir: PathBuf, shared: Arc<Shared>, prefix: String) -> Self {
        Self { live: Some((shared, prefix)), ..Self::new(dir).indexed() }
    }

    /// Keeps an index from the first query on: later ones find levels, areas, accounts and times in it. It is read in the
    /// background and lives as long as the reader and its clones.
    #[must_use]
    pub fn indexed(mut self) -> Self {
        self.index = Some(Arc::new(Index::new(self.dir.clone())));
        self
    }

    /// Waits until the index, if one is kept, tells of all that the files hold.
    ///
    /// # Errors
    /// [`QueryError::Io`].
    pub fn complete_index(&self) -> Result<(), QueryError> {
        self.index.as_ref().map_or(Ok(()), |index| index.complete()).map_err(|source| self.failed(source))
    }

    /// Returns one page.
    ///
    /// # Errors
    /// [`QueryError`] for an expression that cannot be used or a folder that cannot be read.
    pub fn page(&self, filter: &Filter, window: &Window) -> Result<Page, QueryError> {
        self.search(filter, window, &Progress::default())
    }

    /// Returns one page, tells meanwhile how far the search has come, and can be stopped by that.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub fn search(&self, filter: &Filter, window: &Window, progress: &Progress) -> Result<Page, QueryError> {
        let matcher = Matcher::new(filter)?;
        let files = self.list()?;
        self.page_of(&files, &matcher, window, progress).map_err(|source| self.failed(source))
    }

    /// Returns the newest `rows` lines among those after a place, or among all without one. Of more, the older ones are
    /// neither read nor lost: a page before the first row has them.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub fn news(&self, filter: &Filter, after: Option<&Cursor>, rows: usize) -> Result<News, QueryError> {
        let matcher = Matcher::new(filter)?;
        let files = self.list()?;
        let after = after.map(|Cursor(key)| Key { offset: key.offset + 1, ..key.clone() });
        let (from, to) = edges(&matcher);
        let most = Most { rows: rows.min(MAX_PAGE), bytes: u64::MAX };
        let edges = (from.into_iter().chain(after).max(), to);
        let page = self.page_within(&files, &matcher, Direction::Back, edges, most, &Progress::default());
        let Page { mut rows, next, .. } = page.map_err(|source| self.failed(source))?;
        rows.reverse();
        Ok(News { rows, passed: next.is_some() })
    }

    /// Follows the log: the first answer is the newest `backlog` lines, then come the lines as they are written.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub fn tail(&self, filter: &Filter, backlog: usize) -> Result<Tail, QueryError> {
        Tail::new(self.clone(), Matcher::new(filter)?, backlog)
    }

    /// Counts lines and bytes. Files that have not grown since the last call are not read again.
    ///
    /// # Errors
    /// [`QueryError::Io`].
    pub fn stats(&self) -> Result<Stats, QueryError> {
        let files = self.list()?;
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.retain(|id, _| files.iter().any(|file| file.id == *id));
        let mut lines = 0;
        for file in &files {
            let (known_bytes, known_lines) = counted.get(&file.id).copied().unwrap_or_default();
            let more = count_lines(file, known_bytes).map_err(|source| self.failed(source))?;
            lines += known_lines + more;
            counted.insert(Arc::clone(&file.id), (file.bytes, known_lines + more));
        }
        let shared = self.live.as_ref().map(|(shared, _)| shared);
        Ok(Stats {
            lines,
            bytes: files.iter().map(|file| file.bytes).sum(),
            files: files.len(),
            dropped: shared.map_or(0, |shared| shared.dropped()),
            memory_only: shared.and_then(|shared| shared.memory_only().as_ref().map(|state| state.reason.clone())),
        })
    }

    pub(super) fn list(&self) -> Result<Vec<LogFile>, QueryError> {
        match source::list(&self.dir) {
            // This run cannot use the folder either: its lines are in memory, and the statistics say why.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && self.is_memory_only() => Ok(Vec::new()),
            listed => listed.map_err(|source| self.failed(source)),
        }
    }

    fn is_memory_only(&self) -> bool {
        self.live.as_ref().is_some_and(|(shared, _)| shared.memory_only().is_some())
    }

    pub(super) fn failed(&self, source: io::Error) -> QueryError {
        QueryError::Io { dir: self.dir.clone(), source }
    }

    /// Opens the files that are still there, without what lies before `from` and at or after `to`.
    pub(super) fn open_all(
        &self,
        files: &[LogFile],
        matcher: &Matcher,
        direction: Direction,
        edges: (Option<&Key>, Option<&Key>),
        progress: &Progress,
    ) -> io::Result<Vec<Source>> {
        let view = self.index.as_ref().map_or_else(|| View::of_none(files), |index| index.view(files, matcher));
        let mut sources = Vec::new();
        for file in files {
            if let Some(mut source) = Source::open(file, direction, view.of(file))? {
                source.limit(edges.0, edges.1)?;
                sources.push(source);
            }
        }
        let (all, rest) = (files.iter().map(|file| file.bytes).sum::<u64>(), sources.iter().map(Source::rest).sum());
        let lines = u128::from(view.lines) * u128::from(rest) / u128::from(all.max(1));
        progress.expect(rest, u64::try_from(lines).unwrap_or(view.lines));
        Ok(sources)
    }

    pub(super) fn page_of(
        &self,
        files: &[LogFile],
        matcher: &Matcher,
        window: &Window,
        progress: &Progress,
    ) -> io::Result<Page> {
        let (direction, cursor) = match &window.start {
            Start::Newest => (Direction::Back, None),
            Start::Before(Cursor(key)) => (Direction::Back, Some(key.clone())),
            Start::Oldest => (Direction::Forward, None),
            Start::At(Cursor(key)) => (Direction::Forward, Some(key.clone())),
            Start::After(Cursor(key)) => (Direction::Forward, Some(Key { offset: key.offset + 1, ..key.clone() })),
        };
        let (mut from, mut to) = edges(matcher);
        match direction {
            Direction::Back => to = to.into_iter().chain(cursor).min(),
            Direction::Forward => from = from.into_iter().chain(cursor).max(),
        }
        let most = Most { rows: window.rows.min(MAX_PAGE), bytes: window.max_bytes };
        self.page_within(files, matcher, direction, (from, to), most, progress)
    }

    /// Reads a page of the lines from `edges.0` on and before `edges.1`.
    fn page_within(
        &self,
        files: &[LogFile],
        matcher: &Matcher,
        direction: Direction,
        edges: (Option<Key>, Option<Key>),
        most: Most,
        progress: &Progress,
    ) -> io::Result<Page> {
        let (from, to) = (edges.0.as_ref(), edges.1.as_ref());
        let mut sources = self.open_all(files, matcher, direction, (from, to), progress)?;
        sources.extend(
            self.memory(matcher, direction, 0, |key| {
                from.is_none_or(|from| key >= from) && to.is_none_or(|to| key < to)
            }),
        );
        merge(&mut sources, matcher, direction, most, progress)
    }

    /// The lines after number `after` that are in memory only.
    pub(super) fn memory(
        &self,
        matcher: &Matcher,
        direction: Direction,
        after: u64,
        wanted: impl Fn(&Key) -> bool,
    ) -> Option<Source> {
        let (shared, prefix) = self.live.as_ref()?;
        let state = shared.memory_only().clone()?;
        // Sorts after the files of this run.
        let id: Arc<str> = format!("{prefix}.{MEMORY}").into();
        let lines = shared.queued(state.first.max(after + 1), state.last);
        let found = lines.into_iter().filter_map(|(seq, line)| {
            let (stamp, entry) = matcher.entry(&line)?;
            let key = Key { stamp, file: Arc::clone(&id), offset: seq };
            wanted(&key).then_some(Found { key, entry })
        });
        let found = match direction {
            Direction::Forward => found.collect(),
            Direction::Back => {
                let mut found: Vec<_> = found.collect();
                found.reverse();
                found.into()
            }
        };
        Some(Source::of_memory(Arc::clone(&id), found, direction))
    }
}

/// The places that a filter's span of time begins and ends at.
pub(super) fn edges(matcher: &Matcher) -> (Option<Key>, Option<Key>) {
    let edge = |stamp: Option<Stamp>| stamp.map(|stamp| Key { stamp, file: Arc::from(""), offset: 0 });
    (edge(matcher.since), edge(matcher.until))
}

/// How much a page may hold, and how much may be read for it.
#[derive(Clone, Copy)]
pub(super) struct Most {
    pub(super) rows: usize,
    pub(super) bytes: u64,
}

/// Takes lines from the sources in one order until the page is full. A source is read only as far as needed.
pub(super) fn merge(
    sources: &mut [Source],
    matcher: &Matcher,
    direction: Direction,
    most: Most,
    progress: &Progress,
) -> io::Result<Page> {
    let mut page = Page { rows: Vec::new(), next: None, scanned: 0 };
    loop {
        let keys = sources.iter().enumerate().filter_map(|(at, source)| Some((source.next_key()?, at)));
        let next = match direction {
            Direction::Back => keys.max(),
            Direction::Forward => keys.min(),
        };
        let Some((key, at)) = next else { return Ok(page) };
        if page.rows.len() >= most.rows {
            page.next = page.rows.last().map(|last| last.cursor.clone());
            return Ok(page);
        }
        if let Some(Found { key, entry }) = sources[at].take() {
            page.rows.push(Row { cursor: Cursor(key), entry });
        } else if page.scanned < most.bytes && !progress.is_stopped() {
            let passed = sources[at].step(matcher)?;
            page.scanned += passed;
            progress.advance(passed, sources[at].found() as u64);
        } else {
            page.next = Some(Cursor(match direction {
                Direction::Back => key,
                Direction::Forward => Key { offset: key.offset - 1, ..key },
            }));
            return Ok(page);
        }
    }
}

fn count_lines(file: &LogFile, from: u64) -> io::Result<u64> {
    if file.bytes <= from {
        return Ok(0);
    }
    let mut open = match File::open(&file.path) {
        Ok(open) => open,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    open.seek(SeekFrom::Start(from))?;
    let mut rest = open.take(file.bytes - from);
    let mut block = vec![0; 256 * 1024];
    let mut lines = 0;
    loop {
        match rest.read(&mut block)? {
            0 => return Ok(lines),
            read => lines += memchr::memchr_iter(b'\n', &block[..read]).count() as u64,
        }
    }
}
