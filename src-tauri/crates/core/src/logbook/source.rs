//! One file as a row of matching lines, read in stretches from either end.

use std::{
    cmp::Ordering,
    collections::VecDeque,
    fs::{self, File},
    io,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use super::{
    Entry,
    entry::{Head, Minutes, Stamp, stamp_of},
    index::{Indexed, Place},
    lines::{self, BLOCK, Lines, blocks},
    matcher::Matcher,
    parallel,
    rolling::EXTENSION,
};

/// The first stretch that is read is short, so that the newest page is cheap; where little is found they grow.
const FIRST_REACH: u64 = 64 * 1024;
const MAX_REACH: u64 = 8 * 1024 * 1024;
/// So many lines are a lot for one stretch.
const MANY: usize = 64;
/// Halving a file ends with so many bytes, which are read line by line.
const NEAR: u64 = 64 * 1024;
/// Lines of an index that lie no farther apart are read at once.
const GAP: u64 = 8 * 1024;

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
    pub(super) modified: Option<SystemTime>,
}

impl LogFile {
    /// Opens it; `None` when it has been removed meanwhile.
    pub(super) fn open(&self) -> io::Result<Option<File>> {
        match File::open(&self.path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
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
            files.push(LogFile { path, id, bytes: facts.len(), modified: facts.modified().ok() });
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
    /// Where the file's whole lines end.
    end: u64,
    /// No line that is still to be read lies beyond it, seen in the direction of reading.
    bound: Option<Stamp>,
    found: VecDeque<Found>,
    direction: Direction,
    /// How far the next step goes.
    reach: u64,
    /// Which of its lines are still to be looked at, where an index knows them.
    index: Option<(Indexed, Range<Place>)>,
}

impl Source {
    /// Opens a file; `None` when it has been removed meanwhile.
    pub(super) fn open(listed: &LogFile, direction: Direction, index: Option<Indexed>) -> io::Result<Option<Self>> {
        let Some(file) = listed.open()? else { return Ok(None) };
        let end = match &index {
            Some(indexed) => indexed.end(),
            None => lines::end_of_whole_lines(&file, listed.bytes)?,
        };
        Ok(Some(Self {
            id: Arc::clone(&listed.id),
            file: Some(file),
            from: 0,
            to: end,
            end,
            bound: None,
            found: VecDeque::new(),
            direction,
            reach: FIRST_REACH,
            index: index.map(|indexed| {
                let all = indexed.all();
                (indexed, all)
            }),
        }))
    }

    /// Lines that are in memory only.
    pub(super) const fn of_memory(id: Arc<str>, found: VecDeque<Found>, direction: Direction) -> Self {
        let reach = FIRST_REACH;
        Self { id, file: None, from: 0, to: 0, end: 0, bound: None, found, direction, reach, index: None }
    }

    /// Leaves out what lies before `from` and what lies at or after `to`.
    pub(super) fn limit(&mut self, from: Option<&Key>, to: Option<&Key>) -> io::Result<()> {
        if self.index.is_some() && ![from, to].into_iter().flatten().all(|key| key.stamp.moment().is_some()) {
            // The index tells times apart, not digits.
            self.index = None;
        }
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
        self.end
    }

    /// How many bytes are still to be read.
    pub(super) const fn rest(&self) -> u64 {
        self.to.saturating_sub(self.from)
    }

    /// How many lines have been found and not been taken.
    pub(super) fn found(&self) -> usize {
        self.found.len()
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
        let key = |stamp| Key { stamp, file: Arc::clone(&self.id), offset: offset + 1 };
        (self.from < self.to).then_some(self.bound).flatten().map(key)
    }

    pub(super) fn take(&mut self) -> Option<Found> {
        self.found.pop_front()
    }

    /// Reads on. Returns how many bytes were passed.
    pub(super) fn step(&mut self, matcher: &Matcher) -> io::Result<u64> {
        let before = self.rest();
        if self.index.is_some() {
            self.step_by_index(matcher)?;
        } else {
            self.step_by_reading(matcher)?;
        }
        if self.found.len() < MANY {
            self.reach = (self.reach * 4).min(MAX_REACH);
        }
        Ok((before - self.rest()).max(1))
    }

    fn step_by_reading(&mut self, matcher: &Matcher) -> io::Result<()> {
        let stretch = match self.direction {
            Direction::Back => self.to.saturating_sub(self.reach).max(self.from)..self.to,
            Direction::Forward => self.from..(self.from + self.reach).min(self.to),
        };
        let parts = blocks(&stretch);
        let id = &self.id;
        let read = parallel::each(parts.len(), Lines::default, |lines, part| {
            let Some(file) = &self.file else { return Ok((Vec::new(), None, None)) };
            let (start, block) = lines.read(file, parts[part].clone(), self.end)?;
            let mut found = Vec::new();
            matcher.candidates(block, |at, line| {
                if let Some((stamp, entry)) = matcher.entry(line) {
                    found.push(Found { key: key(stamp, id, start + at as u64), entry });
                }
            });
            Ok((found, first_stamp(block), last_stamp(block)))
        })?;
        match self.direction {
            Direction::Back => {
                self.to = stretch.start;
                self.bound = read.iter().find_map(|(_, first, _)| *first).or(self.bound);
                self.found.extend(read.into_iter().rev().flat_map(|(found, ..)| found.into_iter().rev()));
            }
            Direction::Forward => {
                self.from = stretch.end;
                self.bound = read.iter().rev().find_map(|(.., last)| *last).or(self.bound);
                self.found.extend(read.into_iter().flat_map(|(found, ..)| found));
            }
        }
        Ok(())
    }

    fn step_by_index(&mut self, matcher: &Matcher) -> io::Result<()> {
        let Some((indexed, rest)) = &mut self.index else { return Ok(()) };
        let most = usize::try_from(self.reach / 256).unwrap_or(usize::MAX);
        let mut offsets = indexed.take(rest, self.direction, most);
        match self.direction {
            Direction::Back => {
                self.to = if Range::is_empty(rest) { self.from } else { indexed.offset(rest.end).min(self.to) }
            }
            Direction::Forward => self.from = if Range::is_empty(rest) { self.to } else { indexed.offset(rest.start) },
        }
        if !Range::is_empty(rest) {
            let next = if self.direction == Direction::Back { rest.end - 1 } else { rest.start };
            self.bound = Some(stamp_of(indexed.milliseconds(next)));
        }
        if self.direction == Direction::Back {
            offsets.reverse();
        }
        let mut found = Vec::new();
        let id = Arc::clone(&self.id);
        self.each_line_at(&offsets, |offset, line| {
            if let Some((stamp, entry)) = matcher.entry(line) {
                found.push(Found { key: key(stamp, &id, offset), entry });
            }
        })?;
        if self.direction == Direction::Back {
            found.reverse();
        }
        self.found.extend(found);
        Ok(())
    }

    /// Reads the lines that begin at these offsets, which rise.
    pub(super) fn each_line_at(&self, offsets: &[u64], mut hand_over: impl FnMut(u64, &[u8])) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut lines = Lines::default();
        let mut rest = offsets;
        while let Some(&first) = rest.first() {
            let near = |pair: &&[u64]| pair[1] - pair[0] <= GAP && pair[1] - first < BLOCK;
            let together = 1 + rest.windows(2).take_while(near).count();
            let last = rest[together - 1];
            let (start, block) = lines.read(file, first..last + 1, self.end)?;
            for &offset in &rest[..together] {
                let at = offset.checked_sub(start).and_then(|at| usize::try_from(at).ok());
                let line = at.and_then(|at| block.get(at..)).unwrap_or_default();
                let length = memchr::memchr(b'\n', line).unwrap_or(line.len());
                hand_over(offset, &line[..length]);
            }
            rest = &rest[together..];
        }
        Ok(())
    }

    /// What an index knows of the lines that are still to be read.
    pub(super) const fn indexed(&self) -> Option<&(Indexed, Range<Place>)> {
        self.index.as_ref()
    }

    /// The stretches of at most [`BLOCK`] that are still to be read.
    pub(super) fn blocks(&self) -> Vec<Range<u64>> {
        blocks(&(self.from..self.to))
    }

    /// Hands over the heads of the lines that begin in a stretch and are meant.
    pub(super) fn heads(
        &self,
        lines: &mut Lines,
        stretch: Range<u64>,
        matcher: &Matcher,
        mut hand_over: impl FnMut(&Head<'_>),
    ) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let (_, block) = lines.read(file, stretch, self.end)?;
        matcher.candidates(block, |_, line| {
            if let Some(head) = matcher.head_of(line) {
                hand_over(&head);
            }
        });
        Ok(())
    }

    /// When its first and last lines that are still to be read were written; `None` where there are none.
    pub(super) fn span(&self) -> io::Result<Option<(Stamp, Stamp)>> {
        if let Some((indexed, rest)) = &self.index {
            let at = |place| stamp_of(indexed.milliseconds(place));
            return Ok((!Range::is_empty(rest)).then(|| (at(rest.start), at(rest.end - 1))));
        }
        Ok(self.first_head(self.from)?.map(|(_, stamp)| stamp).zip(self.last_head()?))
    }

    /// Sets the bound from the line at the edge where reading begins.
    fn find_bound(&mut self) -> io::Result<()> {
        if let Some((indexed, rest)) = &mut self.index {
            *rest = indexed.at_offset(self.from)..indexed.at_offset(self.to);
            rest.end = rest.end.max(rest.start);
            let next = if self.direction == Direction::Back { rest.end.saturating_sub(1) } else { rest.start };
            self.bound = (!Range::is_empty(rest)).then(|| stamp_of(indexed.milliseconds(next)));
        } else {
            self.bound = match self.direction {
                Direction::Back => self.last_head()?,
                Direction::Forward => self.first_head(self.from)?.map(|(_, stamp)| stamp),
            };
            if self.bound.is_none() {
                // None of ours: there is nothing to read.
                match self.direction {
                    Direction::Back => self.to = self.from,
                    Direction::Forward => self.from = self.to,
                }
            }
        }
        Ok(())
    }

    /// The offset of the first line that does not come before the key.
    fn place_of(&self, key: &Key) -> io::Result<u64> {
        match self.id.cmp(&key.file) {
            Ordering::Equal => Ok(key.offset.saturating_sub(1).clamp(self.from, self.to.max(self.from))),
            Ordering::Less => self.first_line(key.stamp, false),
            Ordering::Greater => self.first_line(key.stamp, true),
        }
    }

    /// The offset of the first line after the stamp, or from it on.
    fn first_line(&self, stamp: Stamp, from: bool) -> io::Result<u64> {
        if let Some((indexed, _)) = &self.index {
            let milliseconds = Minutes::default().milliseconds(&stamp).unwrap_or(i64::MIN);
            return Ok(indexed.offset(indexed.at_time(milliseconds, from)).clamp(self.from, self.to.max(self.from)));
        }
        self.first_line_read(|other| if from { other >= stamp } else { other > stamp })
    }

    /// The offset of the first line that passes. Times never go back within a file, so halving finds it.
    fn first_line_read(&self, passes: impl Fn(Stamp) -> bool) -> io::Result<u64> {
        if self.last_head()?.is_none_or(|last| !passes(last)) {
            return Ok(self.to);
        }
        let (mut low, mut high) = (self.from, self.to);
        while high - low > NEAR {
            let middle = low + (high - low) / 2;
            match self.first_head(middle)? {
                Some((offset, stamp)) if !passes(stamp) => low = offset + 1,
                _ => high = middle,
            }
        }
        let mut from = low;
        loop {
            match self.first_head(from)? {
                Some((offset, stamp)) if !passes(stamp) => from = offset + 1,
                found => return Ok(found.map_or(self.to, |(offset, _)| offset)),
            }
        }
    }

    /// The first of our lines that begins at or after an offset and is still to be read.
    fn first_head(&self, from: u64) -> io::Result<Option<(u64, Stamp)>> {
        let Some(file) = &self.file else { return Ok(None) };
        let mut lines = Lines::default();
        let (mut from, mut size) = (from, NEAR / 8);
        while from < self.to {
            let stretch = from..(from + size).min(self.to);
            from = stretch.end;
            size = (size * 2).min(BLOCK);
            let (start, block) = lines.read(file, stretch, self.end)?;
            let mut at = 0;
            for line in block.split_inclusive(|byte| *byte == b'\n') {
                if let Some(head) = Head::parse(line) {
                    return Ok(Some((start + at, head.stamp)));
                }
                at += line.len() as u64;
            }
        }
        Ok(None)
    }

    /// The time of the last of our lines that is still to be read.
    fn last_head(&self) -> io::Result<Option<Stamp>> {
        let Some(file) = &self.file else { return Ok(None) };
        let mut lines = Lines::default();
        let (mut to, mut size) = (self.to, NEAR / 8);
        while self.from < to {
            let stretch = to.saturating_sub(size).max(self.from)..to;
            to = stretch.start;
            size = (size * 2).min(BLOCK);
            let (_, block) = lines.read(file, stretch, self.end)?;
            if let Some(stamp) = last_stamp(block) {
                return Ok(Some(stamp));
            }
        }
        Ok(None)
    }
}

fn key(stamp: Stamp, file: &Arc<str>, offset: u64) -> Key {
    Key { stamp, file: Arc::clone(file), offset: offset + 1 }
}

fn first_stamp(block: &[u8]) -> Option<Stamp> {
    block.split(|byte| *byte == b'\n').find_map(|line| Head::parse(line).map(|head| head.stamp))
}

fn last_stamp(block: &[u8]) -> Option<Stamp> {
    block.rsplit(|byte| *byte == b'\n').find_map(|line| Head::parse(line).map(|head| head.stamp))
}
