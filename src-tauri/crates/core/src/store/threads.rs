//! `mail_threads`: which conversation a Message-ID belongs to.

use std::collections::BTreeMap;

use super::StoreError;
use crate::model::{AccountId, ConversationId};

/// Returns the conversations that the given Message-IDs belong to.
pub(super) async fn lookup(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    ids: &[String],
) -> Result<BTreeMap<String, ConversationId>, StoreError> {
    let rows = sqlx::query!(
        "SELECT rfc_message_id, conversation_id FROM mail_threads WHERE account_id = $1 AND rfc_message_id = ANY($2)",
        account.0,
        ids
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.rfc_message_id, ConversationId(row.conversation_id))).collect())
}

/// Remembers which conversation each Message-ID belongs to.
pub(super) async fn remember(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    ids: &[String],
    conversations: &[uuid::Uuid],
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO mail_threads (account_id, rfc_message_id, conversation_id)
         SELECT $1::uuid, * FROM unnest($2::text[], $3::uuid[]) ON CONFLICT DO NOTHING",
        account.0,
        ids,
        conversations,
    )
    .execute(connection)
    .await?;
    Ok(())
}
