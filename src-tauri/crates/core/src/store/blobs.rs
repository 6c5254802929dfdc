//! `blobs`: files of chats, once per account by their hash, in chunks.

use std::{fs::File, io::Read as _, path::Path};

use sha2::{Digest as _, Sha256};

use super::{Fact, FactKind, Store, StoreError, journal};
use crate::model::{AccountId, AttachmentId, ConversationId, MessageId};

/// The size of a chunk: 1 MiB.
const CHUNK: usize = 1 << 20;

impl Store {
    /// The size of a chunk of a chat's file.
    pub const CHUNK: usize = CHUNK;

    /// Stores a file that was fetched whole, and notes that the attachment is here. Never alters it.
    pub async fn keep_file(&self, account: AccountId, id: AttachmentId, path: &Path) -> Result<[u8; 32], StoreError> {
        let (sha256, size) = hash(path)?;
        let mut tx = self.begin().await?;
        write_blob(&mut tx, account, (sha256, size), &mut File::open(path).map_err(StoreError::Spool)?).await?;
        let message = sqlx::query!(
            "UPDATE attachments f SET sha256 = $3, size = $4 FROM messages m
             WHERE f.account_id = $1 AND f.id = $2 AND m.account_id = $1 AND m.id = f.message_id
             RETURNING m.id, m.conversation_id",
            account.0,
            id.0,
            sha256.as_slice(),
            i64::try_from(size).unwrap_or(i64::MAX)
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(StoreError::NotFound("the file"))?;
        let fact = Fact {
            kind: FactKind::MessageEdited,
            conversation: Some(ConversationId(message.conversation_id)),
            message: Some(MessageId(message.id)),
        };
        journal::announce(&mut tx, account, &[fact]).await?;
        tx.commit().await?;
        Ok(sha256)
    }

    /// Stores a file that is to be sent. Returns its hash and size.
    pub async fn keep_blob(&self, account: AccountId, path: &Path) -> Result<([u8; 32], u64), StoreError> {
        let known = hash(path)?;
        let mut tx = self.begin().await?;
        write_blob(&mut tx, account, known, &mut File::open(path).map_err(StoreError::Spool)?).await?;
        tx.commit().await?;
        Ok(known)
    }

    /// Stores bytes that are to be sent. Returns their hash and size.
    pub async fn keep_bytes(&self, account: AccountId, bytes: &[u8]) -> Result<([u8; 32], u64), StoreError> {
        let known = (Sha256::digest(bytes).into(), bytes.len() as u64);
        let mut tx = self.begin().await?;
        write_blob(&mut tx, account, known, &mut &*bytes).await?;
        tx.commit().await?;
        Ok(known)
    }

    /// Returns one chunk of a blob; `None` beyond its end.
    pub async fn blob_chunk(
        &self,
        account: AccountId,
        sha256: [u8; 32],
        number: u32,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let bytes = sqlx::query_scalar!(
            "SELECT bytes FROM blob_chunks WHERE account_id = $1 AND sha256 = $2 AND chunk = $3",
            account.0,
            sha256.as_slice(),
            i32::try_from(number).unwrap_or(i32::MAX)
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(bytes)
    }

    /// Removes bytes that nothing refers to any more and that were stored a day ago or earlier: files that were sent
    /// or given up. Returns how many.
    pub async fn prune_blobs(&self) -> Result<u64, StoreError> {
        sqlx::query!(
            "DELETE FROM outgoing_files f USING outgoing o
             WHERE o.account_id = f.account_id AND o.id = f.outgoing_id AND o.state = 'sent'
               AND o.sent_at < clock_timestamp() - interval '1 day'
               AND NOT EXISTS (SELECT 1 FROM outgoing_mails m WHERE m.account_id = o.account_id
                               AND m.outgoing_id = o.id AND m.copy = 'wanted')"
        )
        .execute(&self.pool)
        .await?;
        let pruned = sqlx::query!(
            "DELETE FROM blobs b WHERE b.created_at < clock_timestamp() - interval '1 day'
               AND NOT EXISTS (SELECT 1 FROM attachments f WHERE f.account_id = b.account_id AND f.sha256 = b.sha256
                               AND f.part IS NULL)
               AND NOT EXISTS (SELECT 1 FROM outgoing_files f
                               WHERE f.account_id = b.account_id AND f.sha256 = b.sha256)
               AND NOT EXISTS (SELECT 1 FROM drafts d WHERE d.account_id = b.account_id
                               AND d.content LIKE '%' || encode(b.sha256, 'hex') || '%')"
        )
        .execute(&self.pool)
        .await?;
        Ok(pruned.rows_affected())
    }

    /// Returns the bytes of a chat's file that was fetched.
    pub async fn kept_file(&self, account: AccountId, id: AttachmentId) -> Result<Vec<u8>, StoreError> {
        let chunks = sqlx::query_scalar!(
            "SELECT b.bytes FROM attachments f
             JOIN blob_chunks b ON b.account_id = f.account_id AND b.sha256 = f.sha256
             WHERE f.account_id = $1 AND f.id = $2 ORDER BY b.chunk",
            account.0,
            id.0
        )
        .fetch_all(&self.pool)
        .await?;
        if chunks.is_empty() { Err(StoreError::NotFound("the file")) } else { Ok(chunks.concat()) }
    }
}

/// Keeps a file of the disk in a transaction that is under way. Returns its hash and size.
pub(super) async fn keep(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    path: &Path,
) -> Result<([u8; 32], u64), StoreError> {
    let known = hash(path)?;
    write_blob(connection, account, known, &mut File::open(path).map_err(StoreError::Spool)?).await?;
    Ok(known)
}

/// Writes a blob unless it is there. What is read must be what was hashed: a file may change meanwhile.
async fn write_blob(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    (sha256, size): ([u8; 32], u64),
    source: &mut (impl std::io::Read + Send),
) -> Result<(), StoreError> {
    // One that is there is used anew: it may not be pruned before something refers to it.
    let fresh = sqlx::query_scalar!(
        r#"INSERT INTO blobs (account_id, sha256, size) VALUES ($1, $2, $3)
           ON CONFLICT (account_id, sha256) DO UPDATE SET created_at = clock_timestamp()
           RETURNING xmax = 0 AS "fresh!""#,
        account.0,
        sha256.as_slice(),
        i64::try_from(size).unwrap_or(i64::MAX)
    )
    .fetch_one(&mut *connection)
    .await?;
    if !fresh {
        return Ok(());
    }
    let mut hasher = Sha256::new();
    for number in 0_i32.. {
        let mut chunk = Vec::with_capacity(CHUNK);
        source.take(CHUNK as u64).read_to_end(&mut chunk).map_err(StoreError::Spool)?;
        if chunk.is_empty() {
            break;
        }
        hasher.update(&chunk);
        sqlx::query!(
            "INSERT INTO blob_chunks (account_id, sha256, chunk, bytes) VALUES ($1, $2, $3, $4)",
            account.0,
            sha256.as_slice(),
            number,
            chunk
        )
        .execute(&mut *connection)
        .await?;
    }
    if <[u8; 32]>::from(hasher.finalize()) != sha256 {
        let changed = std::io::Error::other("the file was changed while it was read");
        return Err(StoreError::Spool(changed));
    }
    Ok(())
}

fn hash(path: &Path) -> Result<([u8; 32], u64), StoreError> {
    let mut file = File::open(path).map_err(StoreError::Spool)?;
    let mut hasher = Sha256::new();
    let mut size = 0;
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = file.read(&mut chunk).map_err(StoreError::Spool)?;
        let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
        size += read as u64;
    }
    Ok((hasher.finalize().into(), size))
}
