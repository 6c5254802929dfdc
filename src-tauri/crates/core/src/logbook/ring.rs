//! The last lines in memory: what is left when the files cannot be written.

use std::{collections::VecDeque, sync::Arc};

/// How many lines are kept.
pub(super) const MAX_LINES: usize = 5_000;
/// How many bytes of lines are kept.
const MAX_BYTES: usize = 8 * 1024 * 1024;

#[derive(Default)]
pub(super) struct Ring {
    lines: VecDeque<Line>,
    bytes: usize,
}

pub(super) struct Line {
    pub(super) seq: u64,
    /// Whether it is on its way to the files; not so when the queue was full.
    pub(super) queued: bool,
    pub(super) text: Arc<[u8]>,
}

impl Ring {
    pub(super) fn push(&mut self, line: Line) {
        self.bytes += line.text.len();
        self.lines.push_back(line);
        while self.lines.len() > MAX_LINES || self.bytes > MAX_BYTES {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.text.len();
        }
    }

    /// Returns the queued lines with `first <= seq <= last`, oldest first.
    pub(super) fn queued(&self, first: u64, last: u64) -> Vec<(u64, Arc<[u8]>)> {
        let from = self.lines.partition_point(|line| line.seq < first);
        self.lines
            .range(from..)
            .take_while(|line| line.seq <= last)
            .filter(|line| line.queued)
            .map(|line| (line.seq, Arc::clone(&line.text)))
            .collect()
    }
}
