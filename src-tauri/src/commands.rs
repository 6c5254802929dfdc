//! What the UI may ask, one file per noun. Each command parses, asks the core, and answers.

pub mod accounts;
pub mod adoption;
pub mod app;
pub mod away;
pub mod backups;
pub mod chats;
pub mod completeness;
pub mod first_run;
pub mod inbox;
pub mod logs;
pub mod message;
pub mod monitor;
pub mod outbox;
pub mod passing_on;
pub mod people;
pub mod quarantine;
pub mod report;
pub mod telegram;
pub mod triage;
pub mod updates;

use std::{future::Future, str::FromStr, sync::Arc};

use crate::{
    desk::{Desk, ms},
    wire::{ErrorCode, WireError},
};

/// Tauri's handle to what the window works with.
pub type DeskState<'a> = tauri::State<'a, Arc<Desk>>;

/// Runs a command and notes how long it took. Neither arguments nor answers are logged.
async fn logged<T>(command: &'static str, work: impl Future<Output = Result<T, WireError>>) -> Result<T, WireError> {
    let started = tokio::time::Instant::now();
    let result = work.await;
    let ms = ms(started.elapsed());
    match &result {
        Ok(_) => tracing::debug!(target: "skrynka::events", command, ms, "Command received"),
        Err(error) => tracing::warn!(
            target: "skrynka::events", command, ms, code = ?error.code, detail = error.detail, "Command failed"
        ),
    }
    result
}

/// Reads an id that the UI was given earlier.
fn id<T: FromStr>(text: &str) -> Result<T, WireError> {
    text.parse().map_err(|_| WireError { code: ErrorCode::InvalidInput, detail: "id".to_owned() })
}

/// Reads a hash as it is written in hex.
pub fn read_hash(hex: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    if hex.len() != 64 || !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(hash)
}

/// What was asked for is not there any more.
pub fn not_found() -> WireError {
    WireError { code: ErrorCode::NotFound, detail: String::new() }
}

/// A file that could not be read, written or opened.
pub fn file_error(error: impl std::error::Error) -> WireError {
    WireError { code: ErrorCode::File, detail: skrynka_core::chain(&error) }
}
