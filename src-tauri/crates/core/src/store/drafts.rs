//! `drafts`: what somebody writes and has not sent.

use time::OffsetDateTime;

use super::{Store, StoreError};
use crate::model::{AccountId, ConversationId, DraftId};

/// A draft as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDraft {
    /// Whose mailbox or chat account it goes out from.
    pub account: AccountId,
    /// Its key within the account.
    pub id: DraftId,
    /// What it answers in; `None`: something new.
    pub conversation: Option<ConversationId>,
    /// As the window writes it.
    pub content: String,
    /// When it was last changed.
    pub changed_at: OffsetDateTime,
}

impl Store {
    /// Stores a draft in place of what stood under this key, or for this conversation, before.
    pub async fn save_draft(
        &self,
        account: AccountId,
        id: DraftId,
        conversation: Option<ConversationId>,
        content: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        if let Some(conversation) = conversation {
            sqlx::query!(
                "DELETE FROM drafts WHERE account_id = $1 AND conversation_id = $2 AND id <> $3",
                account.0,
                conversation.0,
                id.0
            )
            .execute(&mut *tx)
            .await?;
        }
        sqlx::query!(
            "INSERT INTO drafts (account_id, id, conversation_id, content) VALUES ($1, $2, $3, $4)
             ON CONFLICT (account_id, id) DO UPDATE SET content = excluded.content,
                 conversation_id = excluded.conversation_id, changed_at = clock_timestamp()",
            account.0,
            id.0,
            conversation.map(|id| id.0),
            content
        )
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }

    /// Removes a draft; one that is not there any more is as good as removed.
    pub async fn remove_draft(&self, account: AccountId, id: DraftId) -> Result<(), StoreError> {
        remove(&mut *self.pool.acquire().await?, account, Some(id)).await
    }

    /// Returns every draft of accounts that are there, the latest first.
    pub async fn drafts(&self) -> Result<Vec<StoredDraft>, StoreError> {
        let rows = sqlx::query!(
            "SELECT d.account_id, d.id, d.conversation_id, d.content, d.changed_at
             FROM drafts d JOIN accounts a ON a.id = d.account_id AND a.removed_at IS NULL
             ORDER BY d.changed_at DESC LIMIT 1000"
        )
        .fetch_all(&self.pool)
        .await?;
        let stored = rows.into_iter().map(|row| StoredDraft {
            account: AccountId(row.account_id),
            id: DraftId(row.id),
            conversation: row.conversation_id.map(ConversationId),
            content: row.content,
            changed_at: row.changed_at,
        });
        Ok(stored.collect())
    }
}

/// Removes a draft, in the transaction of what it became: what was sent is no draft any more.
pub(super) async fn remove(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    draft: Option<DraftId>,
) -> Result<(), StoreError> {
    if let Some(draft) = draft {
        sqlx::query!("DELETE FROM drafts WHERE account_id = $1 AND id = $2", account.0, draft.0)
            .execute(connection)
            .await?;
    }
    Ok(())
}
