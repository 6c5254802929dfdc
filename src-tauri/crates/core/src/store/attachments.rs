//! `attachments`: the files of messages.

use super::{Store, StoreError, StoredMessage, place};
use crate::model::{AccountId, AttachmentId, MediaKind, MessageId, Place};

/// A file as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Its key within the account.
    pub id: AttachmentId,
    /// The message it belongs to.
    pub message: MessageId,
    /// Its place among the parts of the raw message; `None` for a blob.
    pub part: Option<u32>,
    /// The name its sender gave it.
    pub name: String,
    /// Its media type.
    pub mime: String,
    /// Its size in bytes.
    pub size: i64,
    /// What a chat's file has beside a mail's.
    pub media: Option<StoredMedia>,
    /// Whether the HTML body shows it in place.
    pub inline: bool,
}

/// What a chat's file has beside a mail's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMedia {
    /// What kind of file it is.
    pub kind: MediaKind,
    /// Width in pixels.
    pub width: Option<u32>,
    /// Height in pixels.
    pub height: Option<u32>,
    /// How long it plays, in milliseconds.
    pub duration_ms: Option<u32>,
    /// A voice message's loudness, 5 bits a value.
    pub waveform: Option<Vec<u8>>,
    /// Whether there is a small picture of it.
    pub has_thumbnail: bool,
    /// Whether its bytes are here; otherwise they are fetched when somebody opens it.
    pub fetched: bool,
}

/// What is needed to fetch a chat's file.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteFile {
    /// Where its message stands.
    pub place: Place,
    /// The connector's own words.
    pub remote: serde_json::Value,
    /// Its size in bytes.
    pub size: u64,
    /// The hash of its bytes, where they are here.
    pub sha256: Option<[u8; 32]>,
}

struct FileRow {
    id: uuid::Uuid,
    message_id: uuid::Uuid,
    part: Option<i32>,
    name: String,
    mime: String,
    size: i64,
    inline: bool,
    media_kind: Option<String>,
    width: Option<i32>,
    height: Option<i32>,
    duration_ms: Option<i32>,
    waveform: Option<Vec<u8>>,
    has_thumbnail: bool,
    fetched: bool,
}

impl TryFrom<FileRow> for StoredFile {
    type Error = StoreError;

    fn try_from(row: FileRow) -> Result<Self, Self::Error> {
        let number = |n: Option<i32>| n.and_then(|n| u32::try_from(n).ok());
        let media = match row.media_kind {
            None => None,
            Some(kind) => Some(StoredMedia {
                kind: kind.parse().map_err(StoreError::Inconsistent)?,
                width: number(row.width),
                height: number(row.height),
                duration_ms: number(row.duration_ms),
                waveform: row.waveform,
                has_thumbnail: row.has_thumbnail,
                fetched: row.fetched,
            }),
        };
        Ok(Self {
            id: AttachmentId(row.id),
            message: MessageId(row.message_id),
            part: row.part.and_then(|part| part.try_into().ok()),
            name: row.name,
            mime: row.mime,
            size: row.size,
            media,
            inline: row.inline,
        })
    }
}

impl Store {
    /// Returns which of these files are not stored any more.
    pub async fn files_gone(&self, files: &[AttachmentId]) -> Result<Vec<AttachmentId>, StoreError> {
        let ids: Vec<uuid::Uuid> = files.iter().map(|file| file.0).collect();
        let gone = sqlx::query_scalar!(
            r#"SELECT asked.id AS "id!" FROM unnest($1::uuid[]) AS asked (id)
               WHERE NOT EXISTS (SELECT 1 FROM attachments f WHERE f.id = asked.id)"#,
            &ids
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(gone.into_iter().map(AttachmentId).collect())
    }

    /// Returns one file.
    pub async fn file(&self, account: AccountId, id: AttachmentId) -> Result<StoredFile, StoreError> {
        let row = sqlx::query_as!(
            FileRow,
            r#"SELECT id, message_id, part, name, mime, size, inline, media_kind, width, height, duration_ms, waveform,
                      thumbnail IS NOT NULL AS "has_thumbnail!", sha256 IS NOT NULL AS "fetched!"
               FROM attachments WHERE account_id = $1 AND id = $2"#,
            account.0,
            id.0
        )
        .fetch_optional(&self.pool)
        .await?;
        row.ok_or(StoreError::NotFound("the file"))?.try_into()
    }

    /// Returns the small picture of a chat's file.
    pub async fn thumbnail(&self, account: AccountId, id: AttachmentId) -> Result<Vec<u8>, StoreError> {
        let thumbnail =
            sqlx::query_scalar!("SELECT thumbnail FROM attachments WHERE account_id = $1 AND id = $2", account.0, id.0)
                .fetch_optional(&self.pool)
                .await?;
        thumbnail.flatten().ok_or(StoreError::NotFound("the small picture"))
    }

    /// Returns what is needed to fetch a chat's file.
    pub async fn remote_file(&self, account: AccountId, id: AttachmentId) -> Result<RemoteFile, StoreError> {
        let row = sqlx::query!(
            r#"SELECT f.remote AS "remote!", f.size, f.sha256, p.mailbox, p.epoch, p.number
               FROM attachments f
               JOIN message_places p ON p.account_id = f.account_id AND p.message_id = f.message_id
               WHERE f.account_id = $1 AND f.id = $2 AND f.remote IS NOT NULL
               ORDER BY p.number LIMIT 1"#,
            account.0,
            id.0
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(StoreError::NotFound("the file"))?;
        let hash = row.sha256.map(TryInto::try_into).transpose();
        Ok(RemoteFile {
            place: place(row.mailbox, row.epoch, row.number)?,
            remote: row.remote,
            size: u64::try_from(row.size).unwrap_or(0),
            sha256: hash.map_err(|_| StoreError::Inconsistent("a file's hash".to_owned()))?,
        })
    }

    /// Keeps words by which a chat's file can be fetched, where they have changed.
    pub async fn set_remote(
        &self,
        account: AccountId,
        id: AttachmentId,
        remote: &serde_json::Value,
    ) -> Result<(), StoreError> {
        sqlx::query!("UPDATE attachments SET remote = $3 WHERE account_id = $1 AND id = $2", account.0, id.0, remote)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

/// Gives messages of one account their files, in the order of the mail.
pub(super) async fn attach(
    store: &Store,
    account: AccountId,
    messages: &mut [StoredMessage],
) -> Result<(), StoreError> {
    let ids: Vec<uuid::Uuid> = messages.iter().map(|message| message.id.0).collect();
    let rows = sqlx::query_as!(
        FileRow,
        r#"SELECT id, message_id, part, name, mime, size, inline, media_kind, width, height, duration_ms, waveform,
                  thumbnail IS NOT NULL AS "has_thumbnail!", sha256 IS NOT NULL AS "fetched!"
           FROM attachments
           WHERE account_id = $1 AND message_id = ANY($2) AND replaced_at IS NULL ORDER BY message_id, part"#,
        account.0,
        &ids
    )
    .fetch_all(&store.pool)
    .await?;
    for row in rows {
        let file = StoredFile::try_from(row)?;
        if let Some(message) = messages.iter_mut().find(|message| message.id == file.message) {
            message.files.push(file);
        }
    }
    Ok(())
}
