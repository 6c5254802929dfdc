//! What the command line prints: one JSON object a line, or lines for people.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

/// Lines that may wait for a slow reader of standard output.
const WAITING: usize = 1024;
/// Lines are written together up to about this many bytes.
const TOGETHER: usize = 64 << 10;

/// Standard output, in the form that was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
}

impl Output {
    pub const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Tells whether programs read what is printed.
    pub const fn is_json(self) -> bool {
        self.json
    }

    /// Prints one record, as JSON or as the line that `text` makes.
    ///
    /// # Errors
    /// The reader has gone away, or the disk is full.
    pub fn record(self, record: &impl Serialize, text: impl FnOnce() -> String) -> io::Result<()> {
        write_line(&self.line(record, text)?)
    }

    /// Prints how far something is; a reader that has gone away ends nothing.
    pub fn step(self, record: &impl Serialize, text: impl FnOnce() -> String) {
        if let Err(error) = self.record(record, text) {
            tracing::debug!(target: "skrynka::app", error = %error, "Step not printed");
        }
    }

    /// Returns what [`Self::record`] prints.
    ///
    /// # Errors
    /// The record cannot be written as JSON.
    pub fn line(self, record: &impl Serialize, text: impl FnOnce() -> String) -> io::Result<String> {
        Ok(if self.json { serde_json::to_string(record)? } else { text() })
    }

    /// Prints a line for people only.
    ///
    /// # Errors
    /// The reader has gone away.
    pub fn note(self, text: &str) -> io::Result<()> {
        if self.json { Ok(()) } else { writeln!(io::stdout().lock(), "{text}") }
    }
}

fn write_line(line: &str) -> io::Result<()> {
    write_out(format!("{line}\n").as_bytes())
}

fn write_out(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()
}

/// Prints a line for people on standard error.
///
/// # Errors
/// The reader has gone away.
pub fn complain(line: &str) -> io::Result<()> {
    writeln!(io::stderr().lock(), "skrynka: {line}")
}

/// Prints on a thread of its own: a reader that does not read holds up nothing but the printing, and one that has gone
/// ends it.
pub struct Printer {
    lines: mpsc::Sender<String>,
    ended: oneshot::Receiver<()>,
}

/// The reader of standard output has gone away.
pub struct Gone;

impl Printer {
    /// Starts the thread that prints to standard output.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn to_output() -> io::Result<Self> {
        Self::start("", write_out)
    }

    /// Starts the thread that prints to standard error.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn to_errors() -> io::Result<Self> {
        Self::start("skrynka: ", |text| io::stderr().lock().write_all(text))
    }

    fn start(prefix: &'static str, write: fn(&[u8]) -> io::Result<()>) -> io::Result<Self> {
        let (lines, mut waiting) = mpsc::channel::<String>(WAITING);
        let (alive, ended) = oneshot::channel::<()>();
        std::thread::Builder::new().name("printer".to_owned()).spawn(move || {
            let _alive = alive;
            while let Some(first) = waiting.blocking_recv() {
                let mut text = format!("{prefix}{first}\n");
                // What waits goes with it: the reader is woken once.
                while text.len() < TOGETHER
                    && let Ok(next) = waiting.try_recv()
                {
                    text.extend([prefix, &next, "\n"]);
                }
                if let Err(error) = write(text.as_bytes()) {
                    tracing::debug!(target: "skrynka::app", error = %error, "Printing ended");
                    return;
                }
            }
        })?;
        Ok(Self { lines, ended })
    }

    /// Waits until a line can be handed over.
    pub async fn ready(&self) -> Result<mpsc::Permit<'_, String>, Gone> {
        self.lines.reserve().await.map_err(|_| Gone)
    }

    /// Hands a line over if there is room for it.
    pub fn offer(&self, line: String) {
        if self.lines.try_send(line).is_err() {
            tracing::debug!(target: "skrynka::app", "Line not printed, nobody reads");
        }
    }

    /// Waits until everything that was handed over is printed.
    pub async fn finish(self) {
        drop(self.lines);
        // The thread says nothing: its end drops the sender.
        let _ended = self.ended.await;
    }
}

/// Tells whether a reader closed the pipe early: it has what it wanted.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Prints why a command failed, with every cause, on standard error.
pub fn failed(error: &anyhow::Error) -> ExitCode {
    if is_closed_pipe(error) {
        return ExitCode::SUCCESS;
    }
    // Nothing is left to be done when standard error is closed as well.
    let _closed = writeln!(io::stderr().lock(), "skrynka: {error:#}");
    ExitCode::FAILURE
}
