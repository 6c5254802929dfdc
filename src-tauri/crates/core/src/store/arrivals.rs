//! What decides whether somebody is told of a message that was just stored.

use super::{Store, StoreError};
use crate::{
    model::{AccountId, ConversationId, MessageId, Service},
    notices::Arrival,
};

impl Store {
    /// Returns those of the named messages that are unread, from the other side, and not older than their account here.
    /// Oldest first.
    pub async fn arrivals(&self, messages: &[(AccountId, MessageId)]) -> Result<Vec<Arrival>, StoreError> {
        let accounts: Vec<uuid::Uuid> = messages.iter().map(|(account, _)| account.0).collect();
        let ids: Vec<uuid::Uuid> = messages.iter().map(|(_, id)| id.0).collect();
        let rows = sqlx::query!(
            r#"SELECT m.account_id, m.conversation_id, a.name AS account_name, a.muted, a.created_at, c.muted_until,
                      m.direction, m.seen, m.received_at, m.author_name, m.author_address, m.subject,
                      left(m.body_text, 1000) AS "text!", c.peer_name, c.peer_address, c.chat_kind, c.unread_count,
                      h.service AS "service?", nullif(h.media ->> 'kind', 'web_page') AS media,
                      (SELECT f.media_kind FROM attachments f
                       WHERE f.account_id = m.account_id AND f.message_id = m.id AND f.replaced_at IS NULL
                       ORDER BY f.part LIMIT 1) AS file
               FROM unnest($1::uuid[], $2::uuid[]) AS asked (account_id, id)
               JOIN messages m ON m.account_id = asked.account_id AND m.id = asked.id
               JOIN accounts a ON a.id = m.account_id
               JOIN conversations c ON c.account_id = m.account_id AND c.id = m.conversation_id
               LEFT JOIN chat_messages h ON h.account_id = m.account_id AND h.message_id = m.id
               WHERE m.direction = 'in' AND NOT m.seen AND m.received_at >= a.created_at AND a.removed_at IS NULL
               ORDER BY m.received_at, m.id"#,
            &accounts,
            &ids
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                let service = row.service.map(serde_json::from_value::<Service>).transpose();
                let service =
                    service.map_err(|error| StoreError::Inconsistent(format!("a message's service: {error}")))?;
                let named = |name: String, address: String| if name.is_empty() { address } else { name };
                let several = matches!(row.chat_kind.as_deref(), Some("group" | "supergroup" | "topic"));
                let author = named(row.author_name, row.author_address);
                let is_chat = row.chat_kind.is_some();
                Ok(Arrival {
                    conversation: (AccountId(row.account_id), ConversationId(row.conversation_id)),
                    account_name: row.account_name,
                    account_muted: row.muted,
                    account_added_at: row.created_at,
                    muted_until: row.muted_until,
                    direction: row.direction.parse().map_err(StoreError::Inconsistent)?,
                    seen: row.seen,
                    received_at: row.received_at,
                    // A thread of mails has several who write in it, and no name of its own.
                    peer: if is_chat || author.is_empty() {
                        named(row.peer_name, row.peer_address)
                    } else {
                        author.clone()
                    },
                    author: several.then_some(author).filter(|author| !author.is_empty()),
                    subject: row.subject,
                    snippet: crate::ingest::snippet(&row.text),
                    media: row.file.or(row.media),
                    service: service.map(|service| service.kind),
                    unread: u32::try_from(row.unread_count).unwrap_or(0),
                })
            })
            .collect()
    }
}
