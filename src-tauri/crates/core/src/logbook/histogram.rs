//! How many lines there were when, by level: the picture over the viewer's list.

use std::{io, ops::Range};

use time::{Duration, OffsetDateTime};

use super::{
    Filter, Level, Progress, QueryError, Reader,
    entry::{Head, Minutes, Stamp},
    index::Place,
    lines::Lines,
    matcher::Matcher,
    parallel,
    query::edges,
    source::{Direction, LogFile, Source},
};

/// A histogram has no more bars than this.
pub const MAX_BUCKETS: usize = 500;

/// The lines of one stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bucket {
    /// At DEBUG and TRACE.
    pub debug: u64,
    /// At INFO.
    pub info: u64,
    /// At WARN.
    pub warn: u64,
    /// At ERROR.
    pub error: u64,
}

/// Lines by time, in stretches of equal length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// When the first stretch begins.
    pub from: OffsetDateTime,
    /// When the last one ends.
    pub until: OffsetDateTime,
    /// The stretches, oldest first.
    pub buckets: Vec<Bucket>,
}

impl Reader {
    /// Counts the lines that the filter means in `buckets` stretches of equal length, from the filter's beginning or the
    /// first line to its end or the last line. `None` where there is no line. Without an index, or where something is
    /// looked for in the text, it reads every file in that span.
    ///
    /// # Errors
    /// As [`Self::page`], and [`QueryError::Stopped`].
    pub fn histogram(
        &self,
        filter: &Filter,
        buckets: usize,
        progress: &Progress,
    ) -> Result<Option<Histogram>, QueryError> {
        let matcher = Matcher::new(filter)?;
        let files = self.list()?;
        let counted = self.histogram_of(&files, &matcher, filter, buckets, progress);
        if progress.is_stopped() {
            return Err(QueryError::Stopped);
        }
        counted.map_err(|source| self.failed(source))
    }

    fn histogram_of(
        &self,
        files: &[LogFile],
        matcher: &Matcher,
        filter: &Filter,
        buckets: usize,
        progress: &Progress,
    ) -> io::Result<Option<Histogram>> {
        let (from, to) = edges(matcher);
        let sources = self.open_all(files, matcher, Direction::Forward, (from.as_ref(), to.as_ref()), progress)?;
        let in_memory: Vec<(Stamp, Level)> = self
            .memory(matcher, Direction::Forward, 0, |_| true)
            .into_iter()
            .flat_map(|mut source| std::iter::from_fn(move || source.take()))
            .map(|found| (found.key.stamp, found.entry.level))
            .collect();
        let mut span = in_memory.first().zip(in_memory.last()).map(|(first, last)| (first.0, last.0));
        for source in &sources {
            if let Some((first, last)) = source.span()? {
                span = Some(span.map_or((first, last), |(from, to)| (from.min(first), to.max(last))));
            }
        }
        let Some((first, last)) = span.and_then(|(first, last)| Some((first.moment()?, last.moment()?))) else {
            return Ok(None);
        };
        let until = filter.until.or_else(|| last.checked_add(Duration::MILLISECOND)).unwrap_or(last);
        let mut bars = Bars::new(filter.since.unwrap_or(first), until, buckets);
        for (stamp, level) in &in_memory {
            bars.add_stamp(*stamp, level.as_str().as_bytes());
        }
        let work: Vec<_> = sources.iter().flat_map(Work::of).collect();
        let parts = parallel::each(
            work.len(),
            || (matcher.clone(), Lines::default()),
            |(matcher, lines), at| {
                let mut part = bars.empty();
                if !progress.is_stopped() {
                    work[at].count(lines, matcher, &mut part)?;
                    progress.advance(work[at].bytes(), part.lines());
                }
                Ok(part.histogram.buckets)
            },
        )?;
        for part in &parts {
            bars.add_all(part);
        }
        Ok(Some(bars.histogram))
    }
}

/// What one thread counts at a time.
struct Work<'s> {
    source: &'s Source,
    part: Part,
}

enum Part {
    /// Lines that are read.
    Bytes(Range<u64>),
    /// Lines of an index.
    Indexed(Range<Place>),
}

/// So many lines of an index are counted at a time.
const LINES: usize = 64 * 1024;

impl<'s> Work<'s> {
    fn of(source: &'s Source) -> Vec<Self> {
        let parts: Vec<Part> = match source.indexed() {
            None => source.blocks().into_iter().map(Part::Bytes).collect(),
            Some((_, rest)) => {
                let starts = rest.clone().step_by(LINES);
                starts.map(|start| Part::Indexed(start..(start + LINES).min(rest.end))).collect()
            }
        };
        parts.into_iter().map(|part| Self { source, part }).collect()
    }

    fn bytes(&self) -> u64 {
        match (&self.part, self.source.indexed()) {
            (Part::Indexed(lines), Some((indexed, _))) => indexed.offset(lines.end) - indexed.offset(lines.start),
            (Part::Bytes(bytes), _) => bytes.end - bytes.start,
            (Part::Indexed(_), None) => 0,
        }
    }

    fn count(&self, lines: &mut Lines, matcher: &Matcher, bars: &mut Bars) -> io::Result<()> {
        match (&self.part, self.source.indexed()) {
            (Part::Bytes(stretch), _) => {
                let add = |head: &Head<'_>| bars.add_stamp(head.stamp, head.level);
                self.source.heads(lines, stretch.clone(), matcher, add)
            }
            (Part::Indexed(places), Some((indexed, _))) if matcher.looks_at_text() => {
                let offsets = indexed.take(&mut places.clone(), Direction::Forward, usize::MAX);
                self.source.each_line_at(&offsets, |_, line| {
                    if let Some(head) = matcher.head_of(line) {
                        bars.add_stamp(head.stamp, head.level);
                    }
                })
            }
            (Part::Indexed(places), Some((indexed, _))) => {
                indexed.each(places.clone(), |milliseconds, level| bars.add(milliseconds, level));
                Ok(())
            }
            (Part::Indexed(_), None) => Ok(()),
        }
    }
}

/// A histogram that is being counted.
struct Bars {
    histogram: Histogram,
    /// The first whole millisecond of it.
    first: i64,
    /// Milliseconds of one stretch.
    each: i64,
    minutes: Minutes,
    /// The bucket of the line before, which the next one nearly always shares, and the milliseconds it is of.
    last: (usize, Range<i64>),
}

impl Bars {
    fn new(from: OffsetDateTime, until: OffsetDateTime, buckets: usize) -> Self {
        let buckets = buckets.clamp(1, MAX_BUCKETS);
        let count = i64::try_from(buckets).unwrap_or(1);
        let length = i64::try_from((until - from).whole_milliseconds()).unwrap_or(i64::MAX).max(1);
        let each = length / count + i64::from(length % count != 0);
        let until = from.checked_add(Duration::milliseconds(each.saturating_mul(count))).unwrap_or(until);
        let nanos = from.unix_timestamp_nanos();
        let first = -i64::try_from((-nanos).div_euclid(1_000_000)).unwrap_or(i64::MAX);
        let histogram = Histogram { from, until, buckets: vec![Bucket::default(); buckets] };
        Self { histogram, first, each, minutes: Minutes::default(), last: (0, 0..0) }
    }

    /// One of the same stretches, in which nothing has been counted.
    fn empty(&self) -> Self {
        let Histogram { from, until, ref buckets } = self.histogram;
        let histogram = Histogram { from, until, buckets: vec![Bucket::default(); buckets.len()] };
        Self { histogram, first: self.first, each: self.each, minutes: Minutes::default(), last: (0, 0..0) }
    }

    fn add_stamp(&mut self, stamp: Stamp, level: &[u8]) {
        if let Some(milliseconds) = self.minutes.milliseconds(&stamp) {
            self.add(milliseconds, level);
        }
    }

    fn add(&mut self, milliseconds: i64, level: &[u8]) {
        if !self.last.1.contains(&milliseconds) {
            // Lines are told to the millisecond: those of the one in which the span begins are within it.
            let nth = (milliseconds - self.first).max(0) / self.each;
            let start = self.first + self.each * nth;
            self.last = (usize::try_from(nth).unwrap_or(usize::MAX), start..start.saturating_add(self.each));
        }
        let Some(bucket) = self.histogram.buckets.get_mut(self.last.0) else { return };
        match level {
            b"ERROR" => bucket.error += 1,
            b"WARN" => bucket.warn += 1,
            b"INFO" => bucket.info += 1,
            _ => bucket.debug += 1,
        }
    }

    /// How many lines were counted.
    fn lines(&self) -> u64 {
        self.histogram.buckets.iter().map(|one| one.debug + one.info + one.warn + one.error).sum()
    }

    fn add_all(&mut self, part: &[Bucket]) {
        for (all, part) in self.histogram.buckets.iter_mut().zip(part) {
            all.debug += part.debug;
            all.info += part.info;
            all.warn += part.warn;
            all.error += part.error;
        }
    }
}
