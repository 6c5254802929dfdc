//! How many lines there were when, by level: the picture over the viewer's list.

use std::io;

use time::{Duration, OffsetDateTime};

use super::{
    Filter, Level, QueryError, Reader,
    entry::{Head, Stamp},
    matcher::Matcher,
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
    /// first line to its end or the last line. `None` where there is no line. Reads every file in that span.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub fn histogram(&self, filter: &Filter, buckets: usize) -> Result<Option<Histogram>, QueryError> {
        let matcher = Matcher::new(filter)?;
        let files = self.list()?;
        self.histogram_of(&files, &matcher, filter, buckets).map_err(|source| self.failed(source))
    }

    fn histogram_of(
        &self,
        files: &[LogFile],
        matcher: &Matcher,
        filter: &Filter,
        buckets: usize,
    ) -> io::Result<Option<Histogram>> {
        let (from, to) = edges(matcher);
        let mut sources = Source::open_all(files, Direction::Forward, from.as_ref(), to.as_ref())?;
        let in_memory: Vec<(Stamp, Level)> = self
            .memory(matcher, Direction::Forward, 0, |_| true)
            .into_iter()
            .flat_map(|mut source| std::iter::from_fn(move || source.take()))
            .map(|found| (found.key.stamp, found.entry.level))
            .collect();
        let mut span = in_memory.first().zip(in_memory.last()).map(|(first, last)| (first.0, last.0));
        for source in &mut sources {
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
            bars.add(*stamp, level.as_str().as_bytes());
        }
        for source in &mut sources {
            source.heads(matcher, |Head { stamp, level, .. }| bars.add(*stamp, level))?;
        }
        Ok(Some(bars.histogram))
    }
}

/// A histogram that is being counted.
struct Bars {
    histogram: Histogram,
    /// Milliseconds of one stretch.
    each: i64,
}

impl Bars {
    fn new(from: OffsetDateTime, until: OffsetDateTime, buckets: usize) -> Self {
        let buckets = buckets.clamp(1, MAX_BUCKETS);
        let count = i64::try_from(buckets).unwrap_or(1);
        let length = i64::try_from((until - from).whole_milliseconds()).unwrap_or(i64::MAX).max(1);
        let each = length / count + i64::from(length % count != 0);
        let until = from.checked_add(Duration::milliseconds(each.saturating_mul(count))).unwrap_or(until);
        Self { histogram: Histogram { from, until, buckets: vec![Bucket::default(); buckets] }, each }
    }

    fn add(&mut self, stamp: Stamp, level: &[u8]) {
        let Some(after) = stamp.moment().map(|at| (at - self.histogram.from).whole_milliseconds()) else { return };
        let place = usize::try_from(after / i128::from(self.each)).ok();
        let Some(bucket) = place.and_then(|place| self.histogram.buckets.get_mut(place)) else { return };
        match level {
            b"ERROR" => bucket.error += 1,
            b"WARN" => bucket.warn += 1,
            b"INFO" => bucket.info += 1,
            _ => bucket.debug += 1,
        }
    }
}
