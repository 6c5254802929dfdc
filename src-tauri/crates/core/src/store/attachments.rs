//! `attachments`: the files of messages.

use super::{Store, StoreError, StoredMessage};
use crate::model::{AccountId, AttachmentId, MessageId};

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
    /// Whether the HTML body shows it in place.
    pub inline: bool,
}

struct FileRow {
    id: uuid::Uuid,
    message_id: uuid::Uuid,
    part: Option<i32>,
    name: String,
    mime: String,
    size: i64,
    inline: bool,
}

impl From<FileRow> for StoredFile {
    fn from(row: FileRow) -> Self {
        Self {
            id: AttachmentId(row.id),
            message: MessageId(row.message_id),
            part: row.part.and_then(|part| part.try_into().ok()),
            name: row.name,
            mime: row.mime,
            size: row.size,
            inline: row.inline,
        }
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
            "SELECT id, message_id, part, name, mime, size, inline FROM attachments WHERE account_id = $1 AND id = $2",
            account.0,
            id.0
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(Into::into).ok_or(StoreError::NotFound("the file"))
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
        "SELECT id, message_id, part, name, mime, size, inline FROM attachments
         WHERE account_id = $1 AND message_id = ANY($2) ORDER BY message_id, part",
        account.0,
        &ids
    )
    .fetch_all(&store.pool)
    .await?;
    for row in rows {
        let file = StoredFile::from(row);
        if let Some(message) = messages.iter_mut().find(|message| message.id == file.message) {
            message.files.push(file);
        }
    }
    Ok(())
}
