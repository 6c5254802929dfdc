//! What the layer, the writer's thread and the viewer's query share.

use std::{
    io::Write,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use time::OffsetDateTime;
use tokio::sync::watch;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking};

use super::{
    Level,
    entry::Stamp,
    repeat::{Place, Repeats, Subject},
    ring::{self, Ring},
};
use crate::clock::Clock;

/// A line before it has a time and a number. `tail` is what follows `"msg":"…"`, with its leading comma.
pub(super) struct Draft {
    pub(super) place: Place,
    pub(super) subject: Subject,
    pub(super) tail: String,
}

pub(super) struct Shared {
    clock: Arc<dyn Clock>,
    front: Mutex<Front>,
    memory: Mutex<Option<MemoryOnly>>,
    dropped: AtomicU64,
    untold: AtomicU64,
    written: watch::Sender<u64>,
}

/// Held for each line: number, ring and queue are in one order.
struct Front {
    seq: u64,
    last_queued: u64,
    ring: Ring,
    repeats: Repeats,
    queue: Option<(NonBlocking, ErrorCounter)>,
}

/// The files cannot be written: the lines from `first` to `last` are in memory only.
#[derive(Clone)]
pub(super) struct MemoryOnly {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) count: u64,
    pub(super) reason: String,
}

impl Shared {
    pub(super) fn new(clock: Arc<dyn Clock>, repeats_per_second: u32) -> Self {
        let front = Front {
            seq: 0,
            last_queued: 0,
            ring: Ring::default(),
            repeats: Repeats::new(repeats_per_second),
            queue: None,
        };
        Self {
            clock,
            front: Mutex::new(front),
            memory: Mutex::default(),
            dropped: AtomicU64::new(0),
            untold: AtomicU64::new(0),
            written: watch::Sender::new(0),
        }
    }

    pub(super) fn connect(&self, queue: NonBlocking) {
        let errors = queue.error_counter();
        self.front().queue = Some((queue, errors));
    }

    pub(super) fn write(&self, draft: Draft) {
        let mut front = self.front();
        let now = self.clock.now();
        let now_ms = milliseconds(now);
        for (subject, left_out) in front.repeats.take_over(Some(now_ms)) {
            self.push(&mut front, now, &subject, &format!(r#","repeat":{left_out}"#));
        }
        let Draft { place, subject, tail } = draft;
        if front.repeats.allow(place, now_ms, || subject.clone()) {
            self.push(&mut front, now, &subject, &tail);
        }
    }

    /// Writes the summaries that still wait for their second to end, and returns the number of the last line that is
    /// on its way to the files.
    pub(super) fn close(&self) -> u64 {
        let mut front = self.front();
        let now = self.clock.now();
        for (subject, left_out) in front.repeats.take_over(None) {
            self.push(&mut front, now, &subject, &format!(r#","repeat":{left_out}"#));
        }
        front.last_queued
    }

    fn push(&self, front: &mut Front, now: OffsetDateTime, subject: &Subject, tail: &str) {
        front.seq += 1;
        let line = line(now, front.seq, subject, tail);
        let queued = front.queue.as_mut().is_some_and(|(queue, errors)| {
            let before = errors.dropped_lines();
            queue.write_all(&line).is_ok() && errors.dropped_lines() == before
        });
        if queued {
            front.last_queued = front.seq;
        } else {
            self.count_dropped(1);
        }
        front.ring.push(ring::Line { seq: front.seq, queued, text: line.into() });
    }

    pub(super) fn count_dropped(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
        self.untold.fetch_add(count, Ordering::Relaxed);
    }

    /// Returns the line that tells of dropped lines which no line has told of, for the writer's own use.
    pub(super) fn notice_of_dropped(&self) -> Option<Arc<[u8]>> {
        let count = self.untold.swap(0, Ordering::Relaxed);
        if count == 0 {
            return None;
        }
        let mut front = self.front();
        front.seq += 1;
        let (level, msg) = (Level::Warn, "Log lines dropped".to_owned());
        let subject = Subject { level, area: "app", account: None, msg };
        let text: Arc<[u8]> =
            line(self.clock.now(), front.seq, &subject, &format!(r#","fields":{{"count":{count}}}"#)).into();
        let seq = front.seq;
        front.ring.push(ring::Line { seq, queued: true, text: Arc::clone(&text) });
        Some(text)
    }

    pub(super) fn queued(&self, first: u64, last: u64) -> Vec<(u64, Arc<[u8]>)> {
        self.front().ring.queued(first, last)
    }

    /// Lines dropped since the start.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// The state of the files: `None` while they can be written.
    pub(super) fn memory_only(&self) -> MutexGuard<'_, Option<MemoryOnly>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whoever waits that the lines up to `seq` have been written or given up.
    pub(super) fn announce(&self, seq: u64) {
        self.written.send_if_modified(|written| {
            let later = seq > *written;
            *written = (*written).max(seq);
            later
        });
    }

    pub(super) fn written(&self) -> watch::Receiver<u64> {
        self.written.subscribe()
    }

    fn front(&self) -> MutexGuard<'_, Front> {
        self.front.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn milliseconds(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(0)
}

fn line(now: OffsetDateTime, seq: u64, subject: &Subject, tail: &str) -> Vec<u8> {
    let Subject { level, area, account, msg } = subject;
    let mut line = Vec::with_capacity(128 + msg.len() + tail.len());
    // Writing to a vector cannot fail.
    let _ = write!(line, r#"{{"t":"{}","seq":{seq},"level":"{level}","area":"{area}""#, Stamp::new(now).as_str());
    if let Some(account) = account {
        let _ = write!(line, r#","account":"{account}""#);
    }
    line.extend_from_slice(br#","msg":"#);
    let _ = serde_json::to_writer(&mut line, msg);
    line.extend_from_slice(tail.as_bytes());
    line.extend_from_slice(b"}\n");
    line
}
