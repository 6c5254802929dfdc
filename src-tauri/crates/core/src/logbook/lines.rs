//! The whole lines of a stretch of a file.

use std::{fs::File, io, ops::Range};

use memchr::{memchr, memrchr};

/// A line that is longer was not written by us, and is passed over.
pub(super) const MAX_LINE: usize = 1024 * 1024;
/// What is read at once: it fits in the processor's cache.
pub(super) const BLOCK: u64 = 256 * 1024;
/// Most lines that go on beyond a stretch end within so many bytes.
const SPARE: usize = 4 * 1024;

/// A buffer that lines are read into.
#[derive(Default)]
pub(super) struct Lines(Vec<u8>);

impl Lines {
    /// Reads the lines that begin within `stretch`, which is no longer than [`BLOCK`] and begins before `end`, where the
    /// file's whole lines end. Returns them with the offset of the first.
    pub(super) fn read(&mut self, file: &File, stretch: Range<u64>, end: u64) -> io::Result<(u64, &[u8])> {
        let nothing = (stretch.start, &[][..]);
        // Whether a line begins at the stretch's first byte stands in the byte before it.
        let base = stretch.start.saturating_sub(1);
        let inside = size(stretch.end.min(end).saturating_sub(base));
        let reach = size(end.saturating_sub(base));
        let mut held = self.hold(file, base, 0, (inside + SPARE).min(reach))?;
        let inside = inside.min(held);
        let first = match stretch.start {
            0 => 0,
            _ => memchr(b'\n', &self.0[..inside]).map_or(inside, |at| at + 1),
        };
        if first >= inside {
            return Ok(nothing);
        }
        let last = memrchr(b'\n', &self.0[first..inside]).map_or(first, |at| first + at + 1);
        let mut looked = inside;
        let mut stop = last;
        if last < inside {
            // The last one goes on beyond the stretch.
            loop {
                if let Some(at) = memchr(b'\n', &self.0[looked..held]) {
                    stop = looked + at + 1;
                    break;
                }
                looked = held;
                held = self.hold(file, base, held, (last + MAX_LINE).min(held * 2).min(reach))?;
                if held == looked {
                    break;
                }
            }
        }
        Ok((base + first as u64, &self.0[first..stop]))
    }

    /// Reads on from `base` until `to` bytes are held, of which there are `held`; fewer at the end of the file.
    fn hold(&mut self, file: &File, base: u64, held: usize, to: usize) -> io::Result<usize> {
        if self.0.len() < to {
            self.0.resize(to, 0);
        }
        let mut held = held;
        while held < to {
            match read_at(file, &mut self.0[held..to], base + held as u64) {
                Ok(0) => break,
                Ok(read) => held += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(held)
    }
}

/// Divides a stretch into such as can be read at once.
pub(super) fn blocks(stretch: &Range<u64>) -> Vec<Range<u64>> {
    let starts = (stretch.start..stretch.end).step_by(size(BLOCK));
    starts.map(|start| start..(start + BLOCK).min(stretch.end)).collect()
}

/// The end of the last whole line before `bytes`: the line that is being written counts once it has an end.
pub(super) fn end_of_whole_lines(file: &File, bytes: u64) -> io::Result<u64> {
    let mut buffer = Lines::default();
    let mut end = bytes;
    let mut step = 4 * SPARE as u64;
    while end > 0 {
        let start = end.saturating_sub(step);
        let held = buffer.hold(file, start, 0, size(end - start))?;
        if let Some(at) = memrchr(b'\n', &buffer.0[..held]) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
        step = (step * 4).min(BLOCK);
    }
    Ok(0)
}

/// Reads the bytes of `stretch`; fewer where the file has become shorter.
pub(super) fn read(file: &File, stretch: Range<u64>) -> io::Result<Vec<u8>> {
    let mut buffer = Lines::default();
    let held = buffer.hold(file, stretch.start, 0, size(stretch.end.saturating_sub(stretch.start)))?;
    buffer.0.truncate(held);
    Ok(buffer.0)
}

fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}
