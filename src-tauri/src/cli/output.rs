//! What the command line prints: one JSON object a line, or lines for people.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use serde::Serialize;

/// Standard output, in the form that was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
}

impl Output {
    pub const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints one record, as JSON or as the line that `text` makes.
    ///
    /// # Errors
    /// The reader has gone away, or the disk is full.
    pub fn record(self, record: &impl Serialize, text: impl FnOnce() -> String) -> io::Result<()> {
        let line = if self.json { serde_json::to_string(record)? } else { text() };
        let mut out = io::stdout().lock();
        out.write_all(line.as_bytes())?;
        out.write_all(b"\n")?;
        out.flush()
    }

    /// Prints a line for people only.
    ///
    /// # Errors
    /// The reader has gone away.
    pub fn note(self, text: &str) -> io::Result<()> {
        if self.json { Ok(()) } else { writeln!(io::stdout().lock(), "{text}") }
    }
}

/// Prints why a command failed, with every cause, on standard error.
pub fn failed(error: &anyhow::Error) -> ExitCode {
    // A reader that closed the pipe early has what it wanted.
    let gone = error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe);
    if gone {
        return ExitCode::SUCCESS;
    }
    tracing::error!(target: "skrynka::app", error = format!("{error:#}"), "Command failed");
    // Nothing is left to be done when standard error is closed as well.
    let _closed = writeln!(io::stderr().lock(), "skrynka: {error:#}");
    ExitCode::FAILURE
}
