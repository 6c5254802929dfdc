//! What is to be said of messages that came over.

use std::collections::HashMap;

use crate::{
    adopt::is_unsent,
    model::{AccountId, Direction, MessageId},
    store::{Store, StoreError},
};

/// What is to be said of a message that came over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AdoptedMark {
    /// Its server has not told of it yet: it is as the old system had it.
    pub waits: bool,
    /// The old system did not send it.
    pub unsent: bool,
    /// Files that it named and that were not found.
    pub missing_files: Vec<String>,
}

impl Store {
    /// Returns what is to be said of those of an account's messages that came over. One that its server confirmed, and
    /// that lacks no file, is like any other.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn adopted_marks(
        &self,
        account: AccountId,
        messages: &[MessageId],
    ) -> Result<HashMap<MessageId, AdoptedMark>, StoreError> {
        let ids: Vec<_> = messages.iter().map(|id| id.0).collect();
        let rows = sqlx::query!(
            "SELECT message_id, waits, outgoing, status, missing_files FROM adopted_messages
             WHERE account_id = $1 AND message_id = ANY ($2) AND waits ORDER BY old_id",
            account.0,
            &ids
        )
        .fetch_all(&self.pool)
        .await?;
        let mut marks: HashMap<MessageId, AdoptedMark> = HashMap::new();
        // Several rows of the old system may be one message.
        for row in rows {
            let direction = if row.outgoing { Direction::Out } else { Direction::In };
            let mark = marks.entry(MessageId(row.message_id)).or_default();
            mark.waits |= row.waits;
            mark.unsent |= is_unsent(direction, &row.status);
            let new: Vec<_> = row.missing_files.into_iter().filter(|name| !mark.missing_files.contains(name)).collect();
            mark.missing_files.extend(new);
        }
        Ok(marks)
    }
}
