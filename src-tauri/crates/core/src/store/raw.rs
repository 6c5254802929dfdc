//! `raw_messages`: the untouched bytes, in chunks.

use std::io::Read;

use uuid::Uuid;

use super::{Store, StoreError};
use crate::{
    connector::RawBytes,
    model::{AccountId, MessageId},
};

/// The size of a chunk in bytes: with its keys it fits into one page. Older programs wrote chunks of 1 MiB.
const CHUNK: usize = 8000;
/// Chunks that are written in one statement: at most 1 MiB.
const CHUNKS_AT_ONCE: usize = 128;

/// Writes the bytes of several messages.
pub(super) async fn write(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    raws: &[(MessageId, &RawBytes)],
) -> Result<(), StoreError> {
    let mut in_memory: Vec<Chunk<'_>> = Vec::new();
    for (message, raw) in raws {
        if let RawBytes::Memory(bytes) = raw {
            in_memory.extend(chunks(*message, 0, bytes));
        }
    }
    // A server reads a statement whole before it begins, and gives up on who is slow to send one.
    for some in in_memory.chunks(CHUNKS_AT_ONCE) {
        insert(connection, account, some.iter().copied()).await?;
    }
    for (message, raw) in raws {
        if let RawBytes::File(file) = raw {
            write_file(connection, account, *message, &file.path).await?;
        }
    }
    Ok(())
}

/// A chunk: whose it is, its number, its bytes.
type Chunk<'b> = (Uuid, i32, &'b [u8]);

/// Cuts bytes into chunks, the first of which has the number `first`.
fn chunks(message: MessageId, first: i32, bytes: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    (first..).zip(bytes.chunks(CHUNK)).map(move |(number, chunk)| (message.0, number, chunk))
}

async fn insert(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    chunks: impl Iterator<Item = Chunk<'_>>,
) -> Result<(), StoreError> {
    let (mut messages, mut numbers, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
    for (message, number, chunk) in chunks {
        messages.push(message);
        numbers.push(number);
        bytes.push(chunk);
    }
    // In the list of columns, since what stands in FROM is gathered, in a file when it is large, before it is written.
    sqlx::query!(
        "INSERT INTO raw_messages (account_id, message_id, chunk, bytes)
         SELECT $1::uuid, unnest($2::uuid[]), unnest($3::integer[]), unnest($4::bytea[])",
        account.0,
        &messages,
        &numbers,
        &bytes as &[&[u8]],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes a spooled message piece by piece, so that a large one never stands in memory whole.
async fn write_file(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    message: MessageId,
    path: &std::path::Path,
) -> Result<(), StoreError> {
    let mut file = std::fs::File::open(path).map_err(StoreError::Spool)?;
    let piece = CHUNK * CHUNKS_AT_ONCE;
    for first in (0_i32..).step_by(CHUNKS_AT_ONCE) {
        let mut bytes = Vec::with_capacity(piece);
        (&mut file).take(piece as u64).read_to_end(&mut bytes).map_err(StoreError::Spool)?;
        if bytes.is_empty() {
            break;
        }
        insert(connection, account, chunks(message, first, &bytes)).await?;
    }
    Ok(())
}

impl Store {
    /// Returns the untouched bytes of a message.
    pub async fn raw_message(&self, account: AccountId, message: MessageId) -> Result<Vec<u8>, StoreError> {
        let chunks = sqlx::query_scalar!(
            "SELECT bytes FROM raw_messages WHERE account_id = $1 AND message_id = $2 ORDER BY chunk",
            account.0,
            message.0
        )
        .fetch_all(&self.pool)
        .await?;
        if chunks.is_empty() {
            return Err(StoreError::NotFound("the original of the message"));
        }
        Ok(chunks.concat())
    }
}
