//! `raw_messages`: the untouched bytes, in chunks.

use std::io::Read;

use uuid::Uuid;

use super::{Store, StoreError};
use crate::{
    connector::RawBytes,
    model::{AccountId, MessageId},
};

/// The size of a chunk: 1 MiB.
const CHUNK: usize = 1 << 20;

/// Writes the bytes of several messages.
pub(super) async fn write(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    raws: &[(MessageId, &RawBytes)],
) -> Result<(), StoreError> {
    let mut ids: Vec<Uuid> = Vec::with_capacity(raws.len());
    let mut numbers: Vec<i32> = Vec::with_capacity(raws.len());
    let mut chunks: Vec<&[u8]> = Vec::with_capacity(raws.len());
    for (message, raw) in raws {
        if let RawBytes::Memory(bytes) = raw {
            for (number, chunk) in bytes.chunks(CHUNK).enumerate() {
                ids.push(message.0);
                numbers.push(i32::try_from(number).unwrap_or(i32::MAX));
                chunks.push(chunk);
            }
        }
    }
    sqlx::query!(
        "INSERT INTO raw_messages (account_id, message_id, chunk, bytes)
         SELECT $1::uuid, * FROM unnest($2::uuid[], $3::integer[], $4::bytea[])",
        account.0,
        &ids,
        &numbers,
        &chunks as &[&[u8]],
    )
    .execute(&mut *connection)
    .await?;
    for (message, raw) in raws {
        if let RawBytes::File(file) = raw {
            write_file(connection, account, *message, &file.path).await?;
        }
    }
    Ok(())
}

/// Writes a spooled message chunk by chunk, so that a large one never stands in memory whole.
async fn write_file(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    message: MessageId,
    path: &std::path::Path,
) -> Result<(), StoreError> {
    let mut file = std::fs::File::open(path).map_err(StoreError::Spool)?;
    for number in 0_i32.. {
        let mut chunk = Vec::with_capacity(CHUNK);
        (&mut file).take(CHUNK as u64).read_to_end(&mut chunk).map_err(StoreError::Spool)?;
        if chunk.is_empty() {
            break;
        }
        sqlx::query!(
            "INSERT INTO raw_messages (account_id, message_id, chunk, bytes) VALUES ($1, $2, $3, $4)",
            account.0,
            message.0,
            number,
            chunk
        )
        .execute(&mut *connection)
        .await?;
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
