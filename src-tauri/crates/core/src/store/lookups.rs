//! Small look-ups for the screens and the command line: parts of files, how far back a chat is stored, chats by name.

use time::OffsetDateTime;

use super::{Store, StoreError};
use crate::model::{AccountId, AttachmentId, ChatKey, ChatKind, ConversationId};

/// A chat, and how far back it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatReach {
    /// Which chat.
    pub key: ChatKey,
    /// What kind of chat.
    pub kind: ChatKind,
    /// The lowest number stored.
    pub lowest: Option<u32>,
    /// When the oldest message was received.
    pub oldest: Option<OffsetDateTime>,
}

/// A chat that a text may mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedChat {
    /// Its conversation.
    pub conversation: ConversationId,
    /// The other side's name.
    pub name: String,
    /// What kind of chat; none where nothing but a number or a name is known.
    pub kind: Option<ChatKind>,
}

/// As whom a Telegram account is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The account.
    pub account: AccountId,
    /// First and last name.
    pub name: String,
    /// Without `@`.
    pub username: Option<String>,
}

impl Store {
    /// Returns one chunk of a chat's file that was fetched; `None` behind its end. A chunk has [`Self::CHUNK`] bytes,
    /// the last one fewer.
    pub async fn kept_chunk(
        &self,
        account: AccountId,
        id: AttachmentId,
        chunk: i32,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let bytes = sqlx::query_scalar!(
            "SELECT b.bytes FROM attachments f
             JOIN blob_chunks b ON b.account_id = f.account_id AND b.sha256 = f.sha256
             WHERE f.account_id = $1 AND f.id = $2 AND b.chunk = $3",
            account.0,
            id.0,
            chunk
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(bytes)
    }

    /// Returns files of chats that are not here and not larger than `limit`, the newest first.
    pub async fn unfetched_files(
        &self,
        account: AccountId,
        limit: u64,
        without: &[AttachmentId],
        at_most: i64,
    ) -> Result<Vec<AttachmentId>, StoreError> {
        let without: Vec<uuid::Uuid> = without.iter().map(|id| id.0).collect();
        let found = sqlx::query_scalar!(
            "SELECT id FROM attachments
             WHERE account_id = $1 AND sha256 IS NULL AND replaced_at IS NULL AND size <= $2 AND id <> ALL($3)
             ORDER BY id DESC LIMIT $4",
            account.0,
            i64::try_from(limit).unwrap_or(i64::MAX),
            &without,
            at_most
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(found.into_iter().map(AttachmentId).collect())
    }

    /// Returns which chat a conversation is, and how far back it is stored.
    pub async fn chat_reach(&self, account: AccountId, id: ConversationId) -> Result<ChatReach, StoreError> {
        let row = sqlx::query!(
            r#"SELECT c.remote_peer AS "remote_peer!", c.chat_kind AS "chat_kind!", first.number AS "number?",
                      first.received_at AS "received_at?"
               FROM conversations c LEFT JOIN LATERAL (
                   SELECT p.number, m.received_at FROM messages m
                   JOIN message_places p ON p.account_id = m.account_id AND p.message_id = m.id AND p.epoch = 0
                   WHERE m.account_id = c.account_id AND m.conversation_id = c.id
                   ORDER BY m.received_at, m.id LIMIT 1) first ON true
               WHERE c.account_id = $1 AND c.id = $2 AND c.remote_peer IS NOT NULL AND c.chat_kind IS NOT NULL"#,
            account.0,
            id.0
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(StoreError::NotFound("the chat"))?;
        let wrong = || StoreError::Inconsistent(format!("a chat {:?}", row.remote_peer));
        Ok(ChatReach {
            key: row.remote_peer.parse().map_err(|_| wrong())?,
            kind: row.chat_kind.parse().map_err(StoreError::Inconsistent)?,
            lowest: row.number.and_then(|number| number.try_into().ok()),
            oldest: row.received_at,
        })
    }

    /// Finds an account's chats by what a person would write: the conversation's key, the chat as an export has it
    /// (`user:7`), `@username`, phone number, or the whole name. Among them may be some of which nothing but a number or a
    /// name is known.
    pub async fn find_chats(&self, account: AccountId, text: &str) -> Result<Vec<NamedChat>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT c.id, c.peer_name, CASE WHEN c.remote_peer IS NOT NULL THEN c.chat_kind END AS chat_kind
               FROM conversations c JOIN accounts a ON a.id = c.account_id AND a.channel = 'telegram'
               LEFT JOIN telegram_peers t ON t.account_id = c.account_id AND t.peer = c.remote_peer
               WHERE c.account_id = $1 AND c.merged_into IS NULL
                 AND (c.id::text = lower($2) OR c.remote_peer = $2 OR t.phone = $2 OR lower(c.peer_address) = lower($2)
                      OR lower('@' || t.username) = lower($2) OR lower(c.peer_name) = lower($2))
               ORDER BY c.last_at DESC LIMIT 10"#,
            account.0,
            text
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(NamedChat {
                    conversation: ConversationId(row.id),
                    name: row.peer_name,
                    kind: row.chat_kind.map(|kind| kind.parse().map_err(StoreError::Inconsistent)).transpose()?,
                })
            })
            .collect()
    }

    /// Returns as whom every Telegram account is signed in, as far as that is known here.
    pub async fn owners(&self) -> Result<Vec<Owner>, StoreError> {
        let rows = sqlx::query!(
            "SELECT p.account_id, p.name, p.username FROM telegram_accounts t
             JOIN telegram_peers p ON p.account_id = t.account_id AND p.peer = 'user:' || t.user_id"
        )
        .fetch_all(&self.pool)
        .await?;
        let owners = rows.into_iter();
        Ok(owners
            .map(|row| Owner { account: AccountId(row.account_id), name: row.name, username: row.username })
            .collect())
    }
}
