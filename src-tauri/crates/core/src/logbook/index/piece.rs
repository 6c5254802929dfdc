//! The lines of a stretch of a file in columns, packed: some four bytes a line.

use std::{collections::HashMap, fs::File, io, ops::Range, sync::Arc};

use super::{
    kinds::{Kind, Kinds},
    packed::{Column, LINES},
};
use crate::logbook::{
    entry::{Head, Minutes},
    lines::{Lines, blocks},
};

/// What may stand in a line about its level, area and account.
const MAX_KIND: usize = 512;

/// A line, its offset and time counted from the piece's.
#[derive(Clone)]
struct Line {
    offset: u32,
    time: u32,
    kind: u16,
}

/// [`LINES`] lines whose columns are packed, each as wide as its numbers need.
#[derive(Clone)]
struct Group {
    offsets: Column,
    times: Column,
    kinds: Column,
}

/// The lines of a stretch, in the order in which they stand there.
#[derive(Clone)]
pub(super) struct Piece {
    /// What the offsets and the times count from.
    base: u64,
    since: i64,
    groups: Vec<Group>,
    /// The groups' columns.
    words: Vec<u64>,
    /// The last lines, too few for a group.
    rest: Vec<Line>,
}

impl Piece {
    const fn new(base: u64, since: i64) -> Self {
        Self { base, since, groups: Vec::new(), words: Vec::new(), rest: Vec::new() }
    }

    pub(super) const fn len(&self) -> usize {
        self.groups.len() * LINES + self.rest.len()
    }

    /// A number of a line: where it is packed, or as it is.
    fn number(&self, line: usize, packed: impl Fn(&Group) -> &Column, plain: impl Fn(&Line) -> u32) -> u32 {
        match self.groups.get(line / LINES) {
            Some(group) => packed(group).get(&self.words, line % LINES),
            None => plain(&self.rest[line - self.groups.len() * LINES]),
        }
    }

    pub(super) fn offset(&self, line: usize) -> u64 {
        self.base + u64::from(self.number(line, |group| &group.offsets, |line| line.offset))
    }

    pub(super) fn milliseconds(&self, line: usize) -> i64 {
        self.since + i64::from(self.number(line, |group| &group.times, |line| line.time))
    }

    pub(super) fn kind(&self, line: usize) -> u16 {
        let kind = self.number(line, |group| &group.kinds, |line| line.kind.into());
        u16::try_from(kind).unwrap_or(u16::MAX)
    }

    /// The first line that begins at or after the offset.
    pub(super) fn at_offset(&self, offset: u64) -> usize {
        self.first(|line| self.offset(line) >= offset)
    }

    /// The first line of that time or later; of a later one without `from`.
    pub(super) fn at_time(&self, milliseconds: i64, from: bool) -> usize {
        let before = |time: i64| if from { time < milliseconds } else { time <= milliseconds };
        self.first(|line| !before(self.milliseconds(line)))
    }

    /// The first line that passes, as all do after it.
    fn first(&self, passes: impl Fn(usize) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if passes(middle) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }

    /// Takes a line; false where it is too far from the first one for this piece.
    pub(super) fn push(&mut self, offset: u64, milliseconds: i64, kind: u16) -> bool {
        let (Ok(offset), Ok(time)) = (u32::try_from(offset - self.base), u32::try_from(milliseconds - self.since))
        else {
            return false;
        };
        self.rest.push(Line { offset, time, kind });
        if self.rest.len() == LINES {
            let mut pack = |number: fn(&Line) -> u32| Column::pack(&mut self.words, self.rest.iter().map(number));
            let (offsets, times) = (pack(|line| line.offset), pack(|line| line.time));
            let kinds = pack(|line| u32::from(line.kind));
            self.groups.push(Group { offsets, times, kinds });
            self.rest.clear();
        }
        true
    }

    /// Whether the lines of a piece that follows can be told from this one's base.
    pub(super) fn takes(&self, next: &Self) -> bool {
        let last = next.len() - 1;
        u32::try_from(next.offset(last) - self.base).is_ok()
            && u32::try_from(next.milliseconds(last) - self.since).is_ok()
    }

    /// Takes the lines of a piece that follows and [fits](Self::takes).
    pub(super) fn append(&mut self, next: &Self) {
        for line in 0..next.len() {
            self.push(next.offset(line), next.milliseconds(line), next.kind(line));
        }
        self.shrink();
    }

    /// Gives back the room that was kept for more lines.
    fn shrink(&mut self) {
        self.groups.shrink_to_fit();
        self.words.shrink_to_fit();
        self.rest.shrink_to_fit();
    }
}

/// Reads lines into pieces.
pub(super) struct PieceReader<'k> {
    shared: &'k Kinds,
    /// The kinds that this reader has met, by what stands in the line and whether the line is whole.
    known: [HashMap<Box<[u8]>, u16>; 2],
    last: (Vec<u8>, bool, u16),
    minutes: Minutes,
    lines: Lines,
}

impl<'k> PieceReader<'k> {
    pub(super) fn new(shared: &'k Kinds) -> Self {
        let known = [HashMap::new(), HashMap::new()];
        Self { shared, known, last: (Vec::new(), false, 0), minutes: Minutes::default(), lines: Lines::default() }
    }

    /// Reads the lines that begin in a stretch. `None` where the index cannot tell them as they are: times go back, there
    /// is a date that is none, or there are too many kinds.
    pub(super) fn read(&mut self, file: &File, stretch: &Range<u64>, end: u64) -> io::Result<Option<Vec<Arc<Piece>>>> {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut last = i64::MIN;
        let mut lines = std::mem::take(&mut self.lines);
        for part in blocks(stretch) {
            let (mut offset, block) = lines.read(file, part, end)?;
            for line in block.split_inclusive(|byte| *byte == b'\n') {
                if let Some(head) = Head::parse(line) {
                    let Some(milliseconds) = self.minutes.milliseconds(&head.stamp).filter(|it| *it >= last) else {
                        return Ok(None);
                    };
                    let Some(kind) = self.kind(&head, line) else { return Ok(None) };
                    last = milliseconds;
                    if !pieces.last_mut().is_some_and(|piece| piece.push(offset, milliseconds, kind)) {
                        let mut piece = Piece::new(offset, milliseconds);
                        piece.push(offset, milliseconds, kind);
                        pieces.push(piece);
                    }
                }
                offset += line.len() as u64;
            }
        }
        self.lines = lines;
        pieces.iter_mut().for_each(Piece::shrink);
        Ok(Some(pieces.into_iter().map(Arc::new).collect()))
    }

    fn kind(&mut self, head: &Head<'_>, line: &[u8]) -> Option<u16> {
        // A line that is cut has no end.
        let whole = line.trim_ascii_end().ends_with(b"}");
        if self.last.1 == whole && self.last.0 == head.kind {
            return Some(self.last.2);
        }
        let known = &mut self.known[usize::from(whole)];
        let kind = match known.get(head.kind) {
            Some(kind) => *kind,
            None if head.kind.len() > MAX_KIND => return None,
            None => {
                let kind = self.shared.number(Kind::of(head, whole))?;
                known.insert(head.kind.into(), kind);
                kind
            }
        };
        self.last.0.clear();
        self.last.0.extend_from_slice(head.kind);
        (self.last.1, self.last.2) = (whole, kind);
        Some(kind)
    }
}
