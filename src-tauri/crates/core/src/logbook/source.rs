//! One file as a row of matching lines, read in blocks from either end.

use std::{
    cmp::Ordering,
    collections::VecDeque,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use memchr::{memchr, memrchr};

use super::{
    Entry,
    entry::{Head, Stamp},
    matcher::Matcher,
    rolling::EXTENSION,
};

/// Blocks start small, so that the newest page is cheap, and grow while they fit in the processor's cache.
const FIRST_BLOCK: u64 = 64 * 1024;
const MAX_BLOCK: u64 = 256 * 1024;
/// A line that is longer was not written by us.
const MAX_LINE: u64 = 1024 * 1024;
/// Enough of an end of a file to hold a line.
const EDGE: u64 = 8 * 1024;

/// The place of a line among all: by time, then by file, then by offset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) stamp: Stamp,
    pub(super) file: Arc<str>,
    /// One more than the line's offset, so that there is a place before the first line.
    pub(super) offset: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Back,
    Forward,
}

/// A file as it was when it was listed.
#[derive(Debug, Clone)]
pub(super) struct LogFile {
    pub(super) path: PathBuf,
    pub(super) id: Arc<str>,
    pub(super) bytes: u64,
}

/// Lists the log files of a folder by name; none where there is no folder.
pub(super) fn list(dir: &Path) -> io::Result<Vec<LogFile>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let id = path.file_stem().and_then(|stem| stem.to_str()).map(Arc::from);
        if path.extension().is_some_and(|extension| extension == EXTENSION)
            && let Some(id) = id
            && let Ok(facts) = fs::metadata(&path)
        {
            files.push(LogFile { path, id, bytes: facts.len() });
        }
    }
    files.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(files)
}

/// A matching line and its place.
pub(super) struct Found {
    pub(super) key: Key,
    pub(super) entry: Entry,
}

/// The part of a file that is still to be read, and what has been found in the part before it.
pub(super) struct Source {
    id: Arc<str>,
    file: Option<File>,
    from: u64,
    to: u64,
    /// No line that is still to be read lies beyond it, seen in the direction of reading.
    bound: Stamp,
    found: VecDeque<Found>,
    direction: Direction,
    block: u64,
}

impl Source {
    /// Opens a file; `None` when it has been removed meanwhile.
    pub(super) fn open(listed: &LogFile, direction: Direction) -> io::Result<Option<Self>> {
        let file = match File::open(&listed.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut source = Self {
            id: Arc::clone(&listed.id),
            file: Some(file),
            from: 0,
            to: 0,
            bound: Stamp::MAX,
            found: VecDeque::new(),
            direction,
            block: FIRST_BLOCK,
        };
        source.to = source.end_of_whole_lines(listed.bytes)?;
        Ok(Some(source))
    }

    /// Opens the files that are still there, without what lies before `from` and at or after `to`.
    pub(super) fn open_all(
        files: &[LogFile],
        direction: Direction,
        from: Option<&Key>,
        to: Option<&Key>,
    ) -> io::Result<Vec<Self>> {
        let mut sources = Vec::new();
        for file in files {
            if let Some(mut source) = Self::open(file, direction)? {
                source.limit(from, to)?;
                sources.push(source);
            }
        }
        Ok(sources)
    }

    /// Lines that are in memory only.
    pub(super) fn of_memory(id: Arc<str>, found: VecDeque<Found>, direction: Direction) -> Self {
        Self { id, file: None, from: 0, to: 0, bound: Stamp::MAX, found, direction, block: FIRST_BLOCK }
    }

    /// Leaves out what lies before `from` and what lies at or after `to`.
    pub(super) fn limit(&mut self, from: Option<&Key>, to: Option<&Key>) -> io::Result<()> {
        if let Some(from) = from {
            self.from = self.place_of(from)?;
        }
        if let Some(to) = to {
            self.to = self.place_of(to)?;
        }
        self.find_bound()
    }

    /// Leaves out what lies before the offset.
    pub(super) fn start_at(&mut self, offset: u64) -> io::Result<()> {
        self.from = offset.min(self.to);
        self.find_bound()
    }

    /// The end of the last whole line.
    pub(super) const fn end(&self) -> u64 {
        self.to
    }

    /// Where reading on begins: at the first line that has not been taken.
    pub(super) fn resume_at(&self) -> (&Arc<str>, u64) {
        (&self.id, self.found.front().map_or(self.from, |found| found.key.offset - 1))
    }

    /// The key of the next line, or one that the next line does not come before.
    pub(super) fn next_key(&self) -> Option<Key> {
        if let Some(found) = self.found.front() {
            return Some(found.key.clone());
        }
        let offset = if self.direction == Direction::Back { self.to } else { self.from };
        (self.from < self.to).then(|| Key { stamp: self.bound, file: Arc::clone(&self.id), offset: offset + 1 })
    }

    pub(super) fn take(&mut self) -> Option<Found> {
        self.found.pop_front()
    }

    /// Reads one block. Returns how many bytes that was.
    pub(super) fn step(&mut self, matcher: &Matcher) -> io::Result<u64> {
        let (start, block) = self.next_block()?;
        let mut found = Vec::new();
        matcher.candidates(&block, |at, line| {
            if let Some((stamp, entry)) = matcher.entry(line) {
                let key = Key { stamp, file: Arc::clone(&self.id), offset: start + at as u64 + 1 };
                found.push(Found { key, entry });
            }
        });
        match self.direction {
            Direction::Back => {
                found.reverse();
                self.to = start;
                if let Some(first) = first_stamp(&block) {
                    self.bound = first;
                }
            }
            Direction::Forward => {
                self.from = if block.is_empty() { self.to } else { start + block.len() as u64 };
                if let Some(last) = last_stamp(&block) {
                    self.bound = last;
                }
            }
        }
        self.found.extend(found);
        self.block = (self.block * 4).min(MAX_BLOCK);
        Ok(block.len() as u64)
    }

    /// Hands over the heads of the lines that are still to be read and are meant, in a file that is read forwards.
    pub(super) fn heads(&mut self, matcher: &Matcher, mut hand_over: impl FnMut(&Head<'_>)) -> io::Result<()> {
        while self.from < self.to {
            let (start, block) = self.next_block()?;
            matcher.candidates(&block, |_, line| {
                if let Some(head) = matcher.head_of(line) {
                    hand_over(&head);
                }
            });
            self.from = if block.is_empty() { self.to } else { start + block.len() as u64 };
            self.block = MAX_BLOCK;
        }
        Ok(())
    }

    /// When its first and last lines that are still to be read were written; `None` where there are none.
    pub(super) fn span(&mut self) -> io::Result<Option<(Stamp, Stamp)>> {
        let whole = self.to - self.from;
        let mut edge = EDGE;
        loop {
            let size = whole.min(edge);
            let first = first_stamp(&self.read(self.from, self.from + size)?);
            let last = last_stamp(&self.read(self.to - size, self.to)?);
            // A line with a backtrace, or what something else has written, may be longer.
            if let Some(span) = first.zip(last) {
                return Ok(Some(span));
            }
            if size == whole {
                return Ok(None);
            }
            edge *= 4;
        }
    }

    /// Returns the next block of whole lines and its offset.
    fn next_block(&mut self) -> io::Result<(u64, Vec<u8>)> {
        let mut size = self.block;
        loop {
            let whole = size >= self.to - self.from;
            let start = if whole || self.direction == Direction::Forward { self.from } else { self.to - size };
            let end = if whole || self.direction == Direction::Back { self.to } else { self.from + size };
            let mut block = self.read(start, end)?;
            if whole {
                return Ok((start, block));
            }
            let cut = match self.direction {
                Direction::Back => memchr(b'\n', &block[..block.len().saturating_sub(1)]),
                Direction::Forward => memrchr(b'\n', &block),
            };
            match (cut, self.direction) {
                (Some(cut), Direction::Back) => return Ok((start + cut as u64 + 1, block.split_off(cut + 1))),
                (Some(cut), Direction::Forward) => {
                    block.truncate(cut + 1);
                    return Ok((start, block));
                }
                // No end of a line as far as a line may be long: passed over as it is.
                (None, _) if size >= MAX_LINE => return Ok((start, block)),
                (None, _) => size *= 2,
            }
        }
    }

    /// Sets the bound from the line at the edge where reading begins.
    fn find_bound(&mut self) -> io::Result<()> {
        if self.from >= self.to {
            return Ok(());
        }
        let edge = (self.to - self.from).min(EDGE);
        let stamp = match self.direction {
            Direction::Back => last_stamp(&self.read(self.to - edge, self.to)?),
            Direction::Forward => first_stamp(&self.read(self.from, self.from + edge)?),
        };
        self.bound = match (stamp, self.direction) {
            (Some(stamp), _) => stamp,
            (None, Direction::Back) => Stamp::MAX,
            (None, Direction::Forward) => Stamp::MIN,
        };
        Ok(())
    }

    /// The line being written has no end yet: it counts once it has.
    fn end_of_whole_lines(&mut self, bytes: u64) -> io::Result<u64> {
        let mut end = bytes;
        while end > 0 {
            let start = end.saturating_sub(FIRST_BLOCK);
            if let Some(at) = memrchr(b'\n', &self.read(start, end)?) {
                return Ok(start + at as u64 + 1);
            }
            end = start;
        }
        Ok(0)
    }

    /// The offset of the first line that does not come before the key.
    fn place_of(&mut self, key: &Key) -> io::Result<u64> {
        let (low, high) = (self.from, self.to);
        match self.id.cmp(&key.file) {
            Ordering::Equal => Ok(key.offset.saturating_sub(1).clamp(low, high)),
            Ordering::Less => self.first_line(|stamp| stamp > key.stamp),
            Ordering::Greater => self.first_line(|stamp| stamp >= key.stamp),
        }
    }

    /// The offset of the first line that passes. Times never go back within a file, so halving finds it.
    fn first_line(&mut self, passes: impl Fn(Stamp) -> bool) -> io::Result<u64> {
        let (mut low, mut high) = (self.from, self.to);
        let edge = self.read(high.saturating_sub(EDGE).max(low), high)?;
        if last_stamp(&edge).is_some_and(|last| !passes(last)) {
            return Ok(high);
        }
        while high - low > FIRST_BLOCK {
            let middle = low + (high - low) / 2;
            let probe = self.read(middle, (middle + FIRST_BLOCK).min(high))?;
            let line_starts = memchr(b'\n', &probe).map_or(probe.len(), |end| end + 1);
            match first_stamp(&probe[line_starts..]) {
                Some(stamp) if !passes(stamp) => low = middle + line_starts as u64,
                _ => high = middle,
            }
        }
        // `high` may be in the middle of a line.
        let rest = self.read(low, (high + FIRST_BLOCK).min(self.to))?;
        let mut offset = 0;
        for line in rest.split_inclusive(|byte| *byte == b'\n') {
            if Head::parse(line).is_some_and(|head| passes(head.stamp)) {
                break;
            }
            offset += line.len();
        }
        Ok(low + offset as u64)
    }

    /// Returns fewer bytes where the writer has taken back what it could not write whole.
    fn read(&mut self, start: u64, end: u64) -> io::Result<Vec<u8>> {
        let mut block = Vec::new();
        if let Some(file) = &mut self.file {
            file.seek(SeekFrom::Start(start))?;
            block.reserve_exact(usize::try_from(end - start).unwrap_or(0));
            file.take(end - start).read_to_end(&mut block)?;
        }
        Ok(block)
    }
}

fn first_stamp(block: &[u8]) -> Option<Stamp> {
    block.split(|byte| *byte == b'\n').find_map(|line| Head::parse(line).map(|head| head.stamp))
}

fn last_stamp(block: &[u8]) -> Option<Stamp> {
    block.rsplit(|byte| *byte == b'\n').find_map(|line| Head::parse(line).map(|head| head.stamp))
}
