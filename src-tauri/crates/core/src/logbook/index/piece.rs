//! The lines of a stretch of a file in columns: 10 bytes a line.

use std::{collections::HashMap, fs::File, io, ops::Range, sync::Arc};

use super::kinds::{Kind, Kinds};
use crate::logbook::{
    entry::{Head, Minutes},
    lines::{Lines, blocks},
};

/// What may stand in a line about its level, area and account.
const MAX_KIND: usize = 512;

/// The lines of a stretch, in the order in which they stand there. Each column has one number a line.
#[derive(Clone)]
pub(super) struct Piece {
    /// What the offsets and the times count from.
    base: u64,
    since: i64,
    offsets: Vec<u32>,
    times: Vec<u32>,
    kinds: Vec<u16>,
}

impl Piece {
    const fn new(base: u64, since: i64) -> Self {
        Self { base, since, offsets: Vec::new(), times: Vec::new(), kinds: Vec::new() }
    }

    pub(super) const fn len(&self) -> usize {
        self.kinds.len()
    }

    pub(super) fn offset(&self, line: usize) -> u64 {
        self.base + u64::from(self.offsets[line])
    }

    pub(super) fn milliseconds(&self, line: usize) -> i64 {
        self.since + i64::from(self.times[line])
    }

    pub(super) fn kinds(&self) -> &[u16] {
        &self.kinds
    }

    /// The lines with their milliseconds and kinds.
    pub(super) fn lines(&self, lines: Range<usize>) -> impl Iterator<Item = (i64, u16)> {
        let kinds = self.kinds[lines.clone()].iter().copied();
        self.times[lines].iter().map(|time| self.since + i64::from(*time)).zip(kinds)
    }

    /// The first line that begins at or after the offset.
    pub(super) fn at_offset(&self, offset: u64) -> usize {
        self.offsets.partition_point(|line| self.base + u64::from(*line) < offset)
    }

    /// The first line of that time or later; of a later one without `from`.
    pub(super) fn at_time(&self, milliseconds: i64, from: bool) -> usize {
        let before = |time: i64| if from { time < milliseconds } else { time <= milliseconds };
        self.times.partition_point(|time| before(self.since + i64::from(*time)))
    }

    /// Takes a line; false where it is too far from the first one for this piece.
    pub(super) fn push(&mut self, offset: u64, milliseconds: i64, kind: u16) -> bool {
        let (Ok(offset), Ok(time)) = (u32::try_from(offset - self.base), u32::try_from(milliseconds - self.since))
        else {
            return false;
        };
        self.offsets.push(offset);
        self.times.push(time);
        self.kinds.push(kind);
        true
    }

    /// Whether the lines of a piece that follows can be told from this one's base.
    pub(super) fn takes(&self, next: &Self) -> bool {
        let last = next.len() - 1;
        u32::try_from(next.offset(last) - self.base).is_ok()
            && u32::try_from(next.milliseconds(last) - self.since).is_ok()
    }

    /// Takes the lines of a piece that follows.
    pub(super) fn append(&mut self, next: &Self) -> bool {
        (0..next.len()).all(|line| self.push(next.offset(line), next.milliseconds(line), next.kinds[line]))
    }

    fn shrink(&mut self) {
        self.offsets.shrink_to_fit();
        self.times.shrink_to_fit();
        self.kinds.shrink_to_fit();
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
