//! `mail_threads`: in which conversation a Message-ID was first met. Where that conversation was merged, it says so
//! itself.

use std::collections::BTreeMap;

use super::StoreError;
use crate::model::{AccountId, ConversationId};

/// The conversation that a Message-ID belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownThread {
    /// Which one; where it was merged, the one it lives on in.
    pub conversation: ConversationId,
    /// How many messages it has.
    pub messages: i32,
}

/// Returns the conversations that the given Message-IDs belong to.
pub(super) async fn lookup(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    ids: &[String],
) -> Result<BTreeMap<String, KnownThread>, StoreError> {
    let rows = sqlx::query!(
        "SELECT t.rfc_message_id, c.id, c.message_count
         FROM mail_threads t
         JOIN conversations met ON met.account_id = $1 AND met.id = t.conversation_id
         JOIN conversations c ON c.account_id = $1 AND c.id = coalesce(met.merged_into, met.id)
         WHERE t.account_id = $1 AND t.rfc_message_id = ANY($2)",
        account.0,
        ids
    )
    .fetch_all(connection)
    .await?;
    let known = |id, messages| KnownThread { conversation: ConversationId(id), messages };
    Ok(rows.into_iter().map(|row| (row.rfc_message_id, known(row.id, row.message_count))).collect())
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
