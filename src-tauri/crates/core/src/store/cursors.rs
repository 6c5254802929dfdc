//! `account_cursors`.

use super::{Store, StoreError};
use crate::{connector::Cursor, model::AccountId};

impl Store {
    /// Returns how far each of the account's mailboxes has been read.
    pub async fn cursors(&self, account: AccountId) -> Result<Vec<Cursor>, StoreError> {
        let rows = sqlx::query!(
            "SELECT mailbox, state FROM account_cursors WHERE account_id = $1 ORDER BY mailbox",
            account.0
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|row| Cursor { mailbox: row.mailbox, state: row.state }).collect())
    }
}

/// Writes a cursor in the transaction of the messages it covers.
pub(super) async fn write(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    cursor: &Cursor,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO account_cursors (account_id, mailbox, state) VALUES ($1, $2, $3)
         ON CONFLICT (account_id, mailbox) DO UPDATE SET state = excluded.state, updated_at = clock_timestamp()",
        account.0,
        cursor.mailbox,
        cursor.state
    )
    .execute(connection)
    .await?;
    Ok(())
}
