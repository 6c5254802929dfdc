//! The index of one file, and how it follows the file.

use std::{fs::File, io, ops::Range, sync::Arc, time::SystemTime};

use super::{
    kinds::{Kinds, Wanted},
    piece::{Piece, PieceReader},
};
use crate::logbook::{
    lines, parallel,
    source::{Direction, LogFile},
};

/// What one worker reads at a time.
const STRETCH: u64 = 4 * 1024 * 1024;
/// So many bytes before the end of what is indexed tell whether the file is still the same.
const MARK: u64 = 64;
/// A piece with fewer lines is filled up when the file has grown.
const SMALL: usize = 16 * 1024;

/// The number of a line within its file.
pub(in crate::logbook) type Place = usize;

/// What is known of a file. It never changes: what has grown is another one, which shares the pieces.
#[derive(Clone, Default)]
pub(super) struct FileIndex {
    /// The file as it was when it was read.
    bytes: u64,
    modified: Option<SystemTime>,
    /// Where its whole lines ended.
    end: u64,
    mark: Vec<u8>,
    pieces: Vec<Arc<Piece>>,
    /// The number of each piece's first line.
    starts: Vec<Place>,
    lines: usize,
    /// How many lines of each kind.
    counts: Vec<u64>,
    /// Whether the index tells the lines as they are.
    usable: bool,
}

impl FileIndex {
    /// A file that the index cannot tell of, until it changes.
    pub(super) fn unusable(listed: &LogFile) -> Self {
        Self { bytes: listed.bytes, modified: listed.modified, ..Self::default() }
    }

    pub(super) const fn is_usable(&self) -> bool {
        self.usable
    }

    pub(super) fn is_current(&self, listed: &LogFile) -> bool {
        self.bytes == listed.bytes && self.modified == listed.modified
    }

    /// How much of the listed file it does not tell of.
    pub(super) const fn missing(&self, listed: &LogFile) -> u64 {
        listed.bytes.saturating_sub(self.bytes)
    }

    pub(super) const fn lines(&self) -> usize {
        self.lines
    }

    pub(super) fn wanted(&self, wanted: &Wanted) -> u64 {
        let counts = self.counts.iter().enumerate();
        counts.filter(|(kind, _)| u16::try_from(*kind).is_ok_and(|kind| wanted.is(kind))).map(|(_, count)| count).sum()
    }

    /// Reads what the file has that `before` does not tell of; all of it where it is another file.
    pub(super) fn read(
        listed: &LogFile,
        before: Option<&Self>,
        kinds: &Kinds,
        stopped: &(impl Fn() -> bool + Sync),
    ) -> io::Result<Self> {
        let Some(file) = listed.open()? else { return Ok(Self::unusable(listed)) };
        if before.is_some_and(|before| !before.usable && before.bytes <= listed.bytes) {
            return Ok(Self::unusable(listed));
        }
        let end = lines::end_of_whole_lines(&file, listed.bytes)?;
        let before = match before {
            Some(before) if before.begins(&file, end)? => before.clone(),
            _ => Self { usable: true, ..Self::default() },
        };
        before.and(&file, listed, end, kinds, stopped)
    }

    /// Tells whether the file still begins with what is indexed.
    fn begins(&self, file: &File, end: u64) -> io::Result<bool> {
        Ok(self.usable && end >= self.end && lines::read(file, self.end.saturating_sub(MARK)..self.end)? == self.mark)
    }

    fn and(
        mut self,
        file: &File,
        listed: &LogFile,
        end: u64,
        kinds: &Kinds,
        stopped: &(impl Fn() -> bool + Sync),
    ) -> io::Result<Self> {
        let starts = (self.end..end).step_by(usize::try_from(STRETCH).unwrap_or(usize::MAX));
        let stretches: Vec<Range<u64>> = starts.map(|start| start..(start + STRETCH).min(end)).collect();
        let read = parallel::each(
            stretches.len(),
            || PieceReader::new(kinds),
            |reader, at| {
                if stopped() { Err(io::ErrorKind::Interrupted.into()) } else { reader.read(file, &stretches[at], end) }
            },
        )?;
        for pieces in read {
            let Some(pieces) = pieces else { return Ok(Self::unusable(listed)) };
            for piece in pieces {
                if !self.push(piece) {
                    return Ok(Self::unusable(listed));
                }
            }
        }
        self.mark = lines::read(file, end.saturating_sub(MARK)..end)?;
        (self.bytes, self.modified, self.end) = (listed.bytes, listed.modified, end);
        Ok(self)
    }

    /// Takes a piece that follows; false where its times go back.
    fn push(&mut self, piece: Arc<Piece>) -> bool {
        if let Some(last) = self.pieces.last()
            && last.milliseconds(last.len() - 1) > piece.milliseconds(0)
        {
            return false;
        }
        for kind in (0..piece.len()).map(|line| usize::from(piece.kind(line))) {
            if self.counts.len() <= kind {
                self.counts.resize(kind + 1, 0);
            }
            self.counts[kind] += 1;
        }
        let start = self.lines;
        self.lines += piece.len();
        if let Some(last) = self.pieces.last_mut().filter(|last| last.len() < SMALL && last.takes(&piece)) {
            Arc::make_mut(last).append(&piece);
        } else {
            self.starts.push(start);
            self.pieces.push(piece);
        }
        true
    }

    fn find(&self, place: Place) -> Option<(&Piece, usize)> {
        let at = self.starts.partition_point(|start| *start <= place).checked_sub(1)?;
        let (piece, line) = (&self.pieces[at], place - self.starts[at]);
        (line < piece.len()).then_some((piece, line))
    }

    /// The parts of these lines that stand in one piece each, with the number of each part's first line.
    fn parts(&self, lines: Range<Place>) -> impl DoubleEndedIterator<Item = (&Piece, Range<usize>, Place)> {
        let first = self.starts.partition_point(|start| *start <= lines.start).saturating_sub(1);
        let last = self.starts.partition_point(|start| *start < lines.end).max(first);
        self.starts[first..last].iter().zip(&self.pieces[first..last]).map(move |(start, piece)| {
            let from = lines.start.saturating_sub(*start);
            let to = (lines.end - start).min(piece.len());
            (&**piece, from..to.max(from), start + from)
        })
    }
}

/// The index of a file, asked for a filter.
#[derive(Clone)]
pub(in crate::logbook) struct Indexed {
    pub(super) file: Arc<FileIndex>,
    pub(super) wanted: Arc<Wanted>,
}

impl Indexed {
    /// Where the whole lines end that it tells of.
    pub(in crate::logbook) fn end(&self) -> u64 {
        self.file.end
    }

    /// All its lines.
    pub(in crate::logbook) fn all(&self) -> Range<Place> {
        0..self.file.lines
    }

    /// Where a line begins; behind the last one, where the lines end.
    pub(in crate::logbook) fn offset(&self, place: Place) -> u64 {
        self.file.find(place).map_or(self.file.end, |(piece, line)| piece.offset(line))
    }

    /// When a line was written.
    pub(in crate::logbook) fn milliseconds(&self, place: Place) -> i64 {
        self.file.find(place).map_or(0, |(piece, line)| piece.milliseconds(line))
    }

    /// The first line that begins at or after the offset.
    pub(in crate::logbook) fn at_offset(&self, offset: u64) -> Place {
        let piece = self.file.pieces.partition_point(|piece| piece.offset(piece.len() - 1) < offset);
        self.file.starts.get(piece).map_or(self.file.lines, |start| start + self.file.pieces[piece].at_offset(offset))
    }

    /// The first line of that time or later; of a later one without `from`.
    pub(in crate::logbook) fn at_time(&self, milliseconds: i64, from: bool) -> Place {
        let before = |time: i64| if from { time < milliseconds } else { time <= milliseconds };
        let piece = self.file.pieces.partition_point(|piece| before(piece.milliseconds(piece.len() - 1)));
        let start = self.file.starts.get(piece);
        start.map_or(self.file.lines, |start| start + self.file.pieces[piece].at_time(milliseconds, from))
    }

    /// Takes up to `most` lines that are meant off one end of `rest`; returns where they begin, in that direction.
    pub(in crate::logbook) fn take(&self, rest: &mut Range<Place>, direction: Direction, most: usize) -> Vec<u64> {
        let mut offsets = Vec::new();
        match direction {
            Direction::Forward => {
                for (piece, lines, first) in self.file.parts(rest.clone()) {
                    let start = lines.start;
                    for line in lines {
                        if self.wanted.is(piece.kind(line)) {
                            offsets.push(piece.offset(line));
                            if offsets.len() >= most {
                                rest.start = first + line - start + 1;
                                return offsets;
                            }
                        }
                    }
                }
                rest.start = rest.end;
            }
            Direction::Back => {
                for (piece, lines, first) in self.file.parts(rest.clone()).rev() {
                    let start = lines.start;
                    for line in lines.rev() {
                        if self.wanted.is(piece.kind(line)) {
                            offsets.push(piece.offset(line));
                            if offsets.len() >= most {
                                rest.end = first + line - start;
                                return offsets;
                            }
                        }
                    }
                }
                rest.end = rest.start;
            }
        }
        offsets
    }

    /// Hands over the lines that are meant with their milliseconds and levels.
    pub(in crate::logbook) fn each(&self, lines: Range<Place>, mut hand_over: impl FnMut(i64, &[u8])) {
        for (piece, lines, _) in self.file.parts(lines) {
            for line in lines {
                if let Some(level) = self.wanted.level(piece.kind(line)) {
                    hand_over(piece.milliseconds(line), level);
                }
            }
        }
    }
}
