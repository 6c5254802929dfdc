//! Following the log as it is written.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::timeout};

use super::{
    Progress, QueryError, Reader,
    matcher::Matcher,
    query::{MAX_PAGE, Most, Row, Start, Window, merge},
    source::{Direction, LogFile, Source},
};

/// How often the files are looked at for lines of other programs on the same profile.
const LOOK: Duration = Duration::from_millis(200);

/// The lines of a filter as they are written. Ends when it is dropped.
pub struct Tail {
    state: Arc<Mutex<State>>,
    written: Option<watch::Receiver<u64>>,
}

struct State {
    reader: Reader,
    matcher: Matcher,
    /// Lines that nobody has taken yet; at first the backlog.
    ready: Option<Vec<Row>>,
    /// How far each file has been read.
    offsets: HashMap<Arc<str>, u64>,
    /// The last line of this run that was shown from memory; it is not shown again once it is in a file.
    shown_from_memory: u64,
}

impl Tail {
    pub(super) fn new(reader: Reader, matcher: Matcher, backlog: usize) -> Result<Self, QueryError> {
        let written = reader.live.as_ref().map(|(shared, _)| shared.written());
        let files = reader.list()?;
        let offsets = ends(&files).map_err(|source| reader.failed(source))?;
        let mut rows = Vec::new();
        if backlog > 0 {
            let window = Window::new(Start::Newest, backlog);
            let page = reader.page_of(&files, &matcher, &window, &Progress::default());
            rows = page.map_err(|source| reader.failed(source))?.rows;
            rows.reverse();
        }
        let shown_from_memory = rows.iter().filter_map(Row::seq_in_memory).max().unwrap_or(0);
        let state = State { reader, matcher, ready: Some(rows), offsets, shown_from_memory };
        Ok(Self { state: Arc::new(Mutex::new(state)), written })
    }

    /// Waits for lines and returns them, oldest first, at most [`super::MAX_PAGE`] at once. The first call returns
    /// the backlog at once, even an empty one. Dropping the future before it is ready loses no line.
    ///
    /// # Errors
    /// [`QueryError::Io`]; the next call tries again.
    pub async fn next(&mut self) -> Result<Vec<Row>, QueryError> {
        loop {
            if let Some(rows) = lock(&self.state).ready.take() {
                return Ok(rows);
            }
            let state = Arc::clone(&self.state);
            let looked = tokio::task::spawn_blocking(move || lock(&state).look()).await;
            looked.unwrap_or_else(|error| Err(lock(&self.state).reader.failed(io::Error::other(error))))?;
            if lock(&self.state).ready.is_none() {
                self.wait().await;
            }
        }
    }

    async fn wait(&mut self) {
        match &mut self.written {
            // A lapse means: see what other programs have written.
            Some(written) => drop(timeout(LOOK, written.changed()).await),
            None => tokio::time::sleep(LOOK).await,
        }
    }
}

impl State {
    /// Reads what has been added since the last look.
    fn look(&mut self) -> Result<(), QueryError> {
        if self.ready.is_some() {
            return Ok(());
        }
        let files = self.reader.list()?;
        self.offsets.retain(|id, _| files.iter().any(|file| file.id == *id));
        let rows = self.rows_after(&files).map_err(|source| self.reader.failed(source))?;
        if !rows.is_empty() {
            self.ready = Some(rows);
        }
        Ok(())
    }

    fn rows_after(&mut self, files: &[LogFile]) -> io::Result<Vec<Row>> {
        let mut sources = Vec::new();
        for file in files {
            let offset = self.offsets.get(&file.id).copied().unwrap_or(0);
            if file.bytes > offset
                && let Some(mut source) = Source::open(file, Direction::Forward, None)?
            {
                source.start_at(offset)?;
                sources.push(source);
            }
        }
        let of_files = sources.len();
        sources.extend(self.reader.memory(&self.matcher, Direction::Forward, self.shown_from_memory, |_| true));
        let most = Most { rows: MAX_PAGE, bytes: u64::MAX };
        let mut rows = merge(&mut sources, &self.matcher, Direction::Forward, most, &Progress::default())?.rows;
        for source in &sources[..of_files] {
            let (id, offset) = source.resume_at();
            self.offsets.insert(Arc::clone(id), offset);
        }
        let shown = self.shown_from_memory;
        rows.retain(|row| row.seq_in_memory().is_some() || !self.was_shown(row, shown));
        self.shown_from_memory = rows.iter().filter_map(Row::seq_in_memory).max().unwrap_or(shown);
        Ok(rows)
    }

    /// Lines that were shown from memory come again when the files can be written.
    fn was_shown(&self, row: &Row, shown: u64) -> bool {
        let prefix = self.reader.live.as_ref().map(|(_, prefix)| prefix.as_str());
        row.entry.seq <= shown && prefix.is_some_and(|prefix| row.is_of_run(prefix))
    }
}

fn ends(files: &[LogFile]) -> io::Result<HashMap<Arc<str>, u64>> {
    let mut ends = HashMap::new();
    for file in files {
        if let Some(source) = Source::open(file, Direction::Back, None)? {
            ends.insert(Arc::clone(&file.id), source.end());
        }
    }
    Ok(ends)
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
