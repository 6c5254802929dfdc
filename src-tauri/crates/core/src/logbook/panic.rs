//! A panic is a line of the logbook, and a note of its own that outlives the log's files.

use std::{
    backtrace::Backtrace,
    fs,
    io::{self, Write as _},
    panic,
    path::{Path, PathBuf},
    process,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use serde::{Deserialize, Serialize};

use super::{
    entry::Stamp,
    redact::{Remover, clean, clean_backtrace},
};
use crate::{clock::Clock, files};

/// No more notes than this are kept; the oldest go first.
const KEPT: usize = 20;
/// One run leaves no more than this: what panics again and again would push out how it began.
const OF_ONE_RUN: usize = 5;
/// A larger file is none of ours.
const MAX_NOTE: u64 = 64 * 1024;
/// What the name of a note ends with, before and after somebody has put it aside.
const NEW: &str = ".json";
const SEEN: &str = ".seen.json";

/// What a panic left behind. Nothing in it tells a secret or a message's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PanicNote {
    /// When, in UTC, RFC 3339 to the millisecond.
    pub at: String,
    /// The program's version.
    pub version: String,
    /// The thread.
    pub thread: String,
    /// File, line and column.
    pub location: String,
    /// What it said, up to where it begins to quote.
    pub said: String,
    /// Who called whom.
    pub backtrace: String,
    /// Whether somebody has put it aside.
    #[serde(skip)]
    pub seen: bool,
}

/// The folder in which panics leave their notes, a file each.
#[derive(Debug, Clone)]
pub struct PanicNotes {
    dir: PathBuf,
}

impl PanicNotes {
    /// The notes in `dir`, which need not be there.
    pub const fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Reads every note, the newest first. What cannot be read is left out.
    pub fn all(&self) -> Vec<PanicNote> {
        let mut files = self.files();
        files.reverse();
        let read = |path: &PathBuf| {
            if fs::metadata(path).ok()?.len() > MAX_NOTE {
                return None;
            }
            let note: PanicNote = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
            Some(PanicNote { seen: is_seen(path), ..note })
        };
        files.iter().filter_map(read).collect()
    }

    /// Puts every note aside: it is kept for a report and not mentioned any more.
    ///
    /// # Errors
    /// A file could not be renamed.
    pub fn put_aside(&self) -> io::Result<()> {
        for path in self.files().iter().filter(|path| !is_seen(path)) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            fs::rename(path, path.with_file_name(name.replace(NEW, SEEN)))?;
        }
        Ok(())
    }

    /// Every note's file, the oldest first.
    fn files(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(&self.dir) else { return Vec::new() };
        let is_note = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("panic-") && name.ends_with(NEW)
        };
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_note).collect();
        files.sort();
        files
    }

    /// Writes a note, and removes the oldest where there are too many.
    fn leave(&self, note: &PanicNote, number: usize) -> io::Result<()> {
        files::create_private_dir(&self.dir)?;
        let files = self.files();
        for old in files.iter().take((files.len() + 1).saturating_sub(KEPT)) {
            fs::remove_file(old)?;
        }
        let moment: String = note.at.chars().filter(char::is_ascii_alphanumeric).collect();
        let path = self.dir.join(format!("panic-{moment}-{}-{number}{NEW}", process::id()));
        files::create_new(&path, &serde_json::to_vec_pretty(note)?)
    }
}

fn is_seen(path: &Path) -> bool {
    path.to_string_lossy().ends_with(SEEN)
}

/// Returns what a panic said, up to where it begins to quote: what it quotes may be a message's text.
pub(crate) fn unquoted(text: &str) -> &str {
    text.find(['`', '"', '\'', '«', '“', '\n']).and_then(|at| text.get(..at)).unwrap_or(text).trim_end()
}

/// Installs a hook that writes the line, leaves a note and tells standard error in short. The one before it is not called:
/// it would print the whole of what the panic said, which a desktop keeps in a journal of its own.
pub(super) fn install_hook(notes: Option<PathBuf>, clock: Arc<dyn Clock>) {
    static LEFT: AtomicUsize = AtomicUsize::new(0);
    let notes = notes.map(PanicNotes::new);
    panic::set_hook(Box::new(move |info| {
        let thread = thread::current();
        let location = info.location().map(ToString::to_string).unwrap_or_default();
        let said = info.payload_as_str().map_or("(no text)", unquoted);
        let backtrace = Backtrace::force_capture().to_string();
        tracing::error!(
            target: "skrynka::app",
            panic = said,
            location,
            thread = thread.name().unwrap_or("(no name)"),
            backtrace,
            "Panicked"
        );
        let number = LEFT.fetch_add(1, Ordering::Relaxed);
        if let Some(notes) = &notes
            && number < OF_ONE_RUN
        {
            let mut remover = Remover::default();
            let note = PanicNote {
                at: Stamp::new(clock.now()).as_str().to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                thread: remover.text(&clean(thread.name().unwrap_or("(no name)"))),
                location: remover.trace(&location),
                said: remover.text(&clean(said)),
                backtrace: remover.trace(&clean_backtrace(&backtrace)),
                seen: false,
            };
            // A disk that takes no note took no line either, and the line is in memory.
            let _left = notes.leave(&note, number);
        }
        let (thread, said) = (thread.name().unwrap_or("(no name)"), clean(said));
        // Nobody may be listening there.
        let _told = writeln!(io::stderr(), "thread '{}' panicked at {location}: {said}", clean(thread));
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(at: usize) -> PanicNote {
        PanicNote {
            at: format!("2026-11-27T00:00:{at:02}.000Z"),
            version: "0.1.0".to_owned(),
            thread: "main".to_owned(),
            location: "src/lib.rs:7:1".to_owned(),
            said: "index out of bounds".to_owned(),
            backtrace: String::new(),
            seen: false,
        }
    }

    #[test]
    fn the_newest_notes_are_kept_and_one_that_was_put_aside_is_no_news() {
        let dir = tempfile::tempdir().unwrap();
        let notes = PanicNotes::new(dir.path().join("panics"));
        assert_eq!(notes.all(), []);
        for at in 0..KEPT + 3 {
            notes.leave(&note(at), at).unwrap();
        }
        fs::write(dir.path().join("panics/panic-broken.json"), "{").unwrap();
        assert_eq!(notes.all().len(), KEPT);
        assert_eq!(notes.all()[0], note(KEPT + 2));
        notes.put_aside().unwrap();
        notes.leave(&note(30), 0).unwrap();
        let seen: Vec<bool> = notes.all().iter().map(|note| note.seen).collect();
        assert_eq!((seen[0], seen[1..].iter().all(|seen| *seen)), (false, true), "{seen:?}");
    }

    #[test]
    fn what_a_panic_quotes_is_left_out() {
        for (said, kept) in [
            (
                "byte index 3 is not a char boundary; it is inside 'ї' (bytes 2..4) of `Договір`",
                "byte index 3 is not a char boundary; it is inside",
            ),
            ("invalid value: \"secret\"", "invalid value:"),
            ("attempt to subtract with overflow", "attempt to subtract with overflow"),
        ] {
            assert_eq!(unquoted(said), kept);
        }
    }
}
