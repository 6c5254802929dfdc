//! The writer's thread: lines into files that are replaced when they are full, within one cap over all of them.
//!
//! Each run of a program has files of its own, `skrynka-<start>-<pid>.<n>.jsonl`; short commands write on in the file of
//! an earlier one, `skrynka-command-<start>-<pid>.<n>.jsonl`. The newest is locked while it is
//! written, so that another program that makes room takes none from under a living one. Within a file the times
//! never go back: a clock that is set back begins a new file.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    entry::{Head, Stamp},
    shared::{MemoryOnly, Shared},
};
use crate::files::create_private_dir;

/// How the files are cut and how much they may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A file is full at this many bytes.
    pub file_bytes: u64,
    /// All files of all runs together take no more than this many bytes.
    pub total_bytes: u64,
    /// There are no more files than this.
    pub files: usize,
}

impl Default for Limits {
    /// 10 MB a file, 100 MB together.
    fn default() -> Self {
        Self { file_bytes: 10_000_000, total_bytes: 100_000_000, files: 100 }
    }
}

/// The ending of a log file's name.
pub(super) const EXTENSION: &str = "jsonl";
/// What the names of the files of short commands begin with.
pub(super) const COMMANDS: &str = "skrynka-command";
/// Enough of a file's end to hold its last line, or the file is left alone.
const LAST_LINE: u64 = 64 * 1024;

const BUFFER: usize = 64 * 1024;
/// How long the files are left alone after they could not be written.
const RETRY: Duration = Duration::from_secs(1);

pub(super) struct Rolling {
    shared: Arc<Shared>,
    dir: PathBuf,
    prefix: String,
    limits: Limits,
    /// Whether a file of an earlier command may be written on.
    joins: bool,
    next: u32,
    open: Option<Open>,
    buffer: Vec<u8>,
    /// The numbers of the first and last line in the buffer, and how many they are.
    buffered: Option<(u64, u64, u64)>,
    failed_at: Option<Instant>,
    /// The last line that was handed over.
    taken: u64,
}

struct Open {
    file: File,
    bytes: u64,
    last: Option<Stamp>,
}

impl Rolling {
    pub(super) const fn new(shared: Arc<Shared>, dir: PathBuf, prefix: String, limits: Limits, joins: bool) -> Self {
        Self {
            shared,
            dir,
            prefix,
            limits,
            joins,
            next: 0,
            open: None,
            buffer: Vec::new(),
            buffered: None,
            failed_at: None,
            taken: 0,
        }
    }

    fn take(&mut self, line: &[u8]) {
        let Some((stamp, seq)) = Head::parse(line).map(|head| (head.stamp, head.seq)) else { return };
        self.taken = self.taken.max(seq);
        if self.failed_at.is_some_and(|at| at.elapsed() < RETRY) {
            self.keep_in_memory(seq, seq, 1);
            return;
        }
        if self.failed_at.take().is_some() {
            self.write_what_is_in_memory();
        }
        if self.failed_at.is_some() {
            self.keep_in_memory(seq, seq, 1);
        } else {
            self.append(line, stamp, seq);
        }
    }

    fn append(&mut self, line: &[u8], stamp: Stamp, seq: u64) {
        let waiting = (self.buffer.len() + line.len()) as u64;
        let (limit, back) = match &self.open {
            Some(open) => (open.bytes + waiting > self.limits.file_bytes, open.last.is_some_and(|last| stamp < last)),
            None => (false, false),
        };
        if limit || back {
            self.write_buffer();
            self.open = None;
        }
        self.buffer.extend_from_slice(line);
        let (first, count) = self.buffered.map_or((seq, 0), |(first, _, count)| (first, count));
        self.buffered = Some((first, seq.max(first), count + 1));
        if self.open.is_none() {
            match self.open_next(Some(stamp)) {
                Ok(open) => self.open = Some(open),
                Err(error) => return self.fail(&error),
            }
        }
        if let Some(open) = &mut self.open {
            open.last = Some(stamp);
        }
        if self.buffer.len() >= BUFFER {
            self.write_buffer();
        }
    }

    fn write_buffer(&mut self) {
        let Some(open) = &mut self.open else { return };
        if let Err(error) = open.file.write_all(&self.buffer) {
            // Half a line would be all that tells of the others.
            let cut = open.file.set_len(open.bytes);
            return self.fail(&cut.err().unwrap_or(error));
        }
        open.bytes += self.buffer.len() as u64;
        self.buffer.clear();
        self.buffered = None;
    }

    /// The buffered lines are still in the ring. The file is left as it is; the next attempt opens another.
    fn fail(&mut self, error: &io::Error) {
        self.open = None;
        self.buffer.clear();
        self.failed_at = Some(Instant::now());
        let reason = format!("{}: {error}", self.dir.display());
        let mut memory = self.shared.memory_only();
        let (first, last, count) = self.buffered.take().unwrap_or((u64::MAX, 0, 0));
        let state = memory.get_or_insert(MemoryOnly { first, last, count: 0, reason: String::new() });
        state.last = state.last.max(last);
        state.count += count;
        state.reason = reason;
    }

    fn keep_in_memory(&self, first: u64, last: u64, count: u64) {
        if let Some(state) = &mut *self.shared.memory_only() {
            state.first = state.first.min(first);
            state.last = state.last.max(last);
            state.count += count;
        }
    }

    /// The files can be tried again: first, all or nothing, the lines that were kept meanwhile, as far as the ring
    /// still has them. The others are lost, and counted.
    fn write_what_is_in_memory(&mut self) {
        let Some(state) = self.shared.memory_only().clone() else { return };
        let kept = self.shared.queued(state.first, state.last);
        let last = kept.last().and_then(|(_, line)| Head::parse(line)).map(|head| head.stamp);
        let text: Vec<u8> = kept.iter().flat_map(|(_, line)| line.iter().copied()).collect();
        match self.open_next(None).and_then(|open| Self::fill(open, &text)) {
            Ok(open) => {
                self.open = Some(Open { last, ..open });
                *self.shared.memory_only() = None;
                self.shared.count_dropped(state.count.saturating_sub(kept.len() as u64));
            }
            Err(error) => self.fail(&error),
        }
    }

    fn fill(mut open: Open, text: &[u8]) -> io::Result<Open> {
        if let Err(error) = open.file.write_all(text) {
            open.file.set_len(0)?;
            return Err(error);
        }
        open.bytes = text.len() as u64;
        Ok(open)
    }

    /// Opens the next file. `first` is the time of the line that will be written first.
    fn open_next(&mut self, first: Option<Stamp>) -> io::Result<Open> {
        create_private_dir(&self.dir)?;
        if std::mem::take(&mut self.joins)
            && let Some(first) = first
            && let Some(open) = join(&self.dir, first, self.limits.file_bytes / 2)
        {
            return Ok(open);
        }
        make_room(&self.dir, self.limits)?;
        loop {
            self.next += 1;
            let path = self.dir.join(format!("{}.{:06}.{EXTENSION}", self.prefix, self.next));
            match private(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(file) => {
                    // On a file system without locks others may take the file for a dead one's.
                    let _ = file.lock();
                    return Ok(Open { file, bytes: 0, last: None });
                }
            }
        }
    }
}

impl Write for Rolling {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.take(line);
        Ok(line.len())
    }

    /// Called when the queue is empty. Never fails: the state says what went wrong.
    fn flush(&mut self) -> io::Result<()> {
        if self.failed_at.is_none()
            && let Some(notice) = self.shared.notice_of_dropped()
        {
            self.take(&notice);
        }
        self.write_buffer();
        self.shared.announce(self.taken);
        Ok(())
    }
}

fn private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Opens the latest file of earlier commands that nobody writes, that has room, and that ends before `first`.
fn join(dir: &Path, first: Stamp, room: u64) -> Option<Open> {
    let mut names: Vec<PathBuf> = fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path()).collect();
    names.retain(|path| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with(COMMANDS) && name.ends_with(EXTENSION))
    });
    names.sort_unstable();
    names.into_iter().rev().take(8).find_map(|path| {
        let mut file = File::options().read(true).append(true).open(path).ok()?;
        file.try_lock().ok()?;
        let bytes = file.metadata().ok()?.len();
        let last = last_stamp(&mut file, bytes)?;
        (bytes < room && last <= first).then_some(Open { file, bytes, last: Some(last) })
    })
}

/// The time of a file's last line; `None` where the line is cut, or of something else.
fn last_stamp(file: &mut File, bytes: u64) -> Option<Stamp> {
    file.seek(SeekFrom::Start(bytes.saturating_sub(LAST_LINE))).ok()?;
    let mut end = Vec::new();
    file.read_to_end(&mut end).ok()?;
    let lines = end.strip_suffix(b"\n")?;
    let start = lines.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    Head::parse(lines.get(start..)?).map(|head| head.stamp)
}

/// Removes the oldest files that nobody writes until one more full file fits under the cap.
fn make_room(dir: &Path, limits: Limits) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION)
            && let Ok(facts) = fs::metadata(&path)
        {
            let changed = facts.modified()?;
            let living = is_written(&path);
            let bytes = if living { facts.len().max(limits.file_bytes) } else { facts.len() };
            files.push((changed, path, bytes, living));
        }
    }
    files.sort();
    let mut count = files.len();
    let mut total: u64 = files.iter().map(|(_, _, bytes, _)| bytes).sum();
    for (_, path, bytes, living) in files {
        if count < limits.files && total + limits.file_bytes <= limits.total_bytes {
            break;
        }
        if !living && (fs::remove_file(&path).is_ok() || !path.exists()) {
            count -= 1;
            total -= bytes;
        }
    }
    Ok(())
}

fn is_written(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock)))
}
