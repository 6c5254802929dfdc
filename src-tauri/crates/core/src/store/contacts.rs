//! `contacts`, `contact_handles`.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Store, StoreError};
use crate::model::{AccountId, ContactId, MessageId};

/// Finds or makes the contacts of mail addresses. `people` maps an address in lower case to the name beside it.
pub(super) async fn of_addresses(
    connection: &mut sqlx::PgConnection,
    people: &BTreeMap<String, String>,
    now: OffsetDateTime,
) -> Result<BTreeMap<String, ContactId>, StoreError> {
    let addresses: Vec<String> = people.keys().cloned().collect();
    let mut found = lookup(connection, &addresses).await?;
    let missing: Vec<&String> = addresses.iter().filter(|address| !found.contains_key(*address)).collect();
    if missing.is_empty() {
        return Ok(found);
    }
    let ids: Vec<Uuid> = missing.iter().map(|_| ContactId::new(now).0).collect();
    let names: Vec<String> = missing.iter().map(|address| people[*address].clone()).collect();
    let values: Vec<String> = missing.iter().map(|&address| address.clone()).collect();
    // Handles in one order, so that two accounts that meet the same strangers at once cannot deadlock. A contact whose
    // handle another transaction made first is removed again.
    sqlx::query!(
        "WITH added AS (
             INSERT INTO contacts (id, name) SELECT * FROM unnest($1::uuid[], $2::text[]) RETURNING id
         )
         INSERT INTO contact_handles (kind, value, contact_id)
         SELECT 'email', handle.value, handle.id FROM unnest($3::text[], $1::uuid[]) AS handle (value, id)
         ORDER BY handle.value
         ON CONFLICT DO NOTHING",
        &ids,
        &names,
        &values,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "DELETE FROM contacts c WHERE c.id = ANY($1)
           AND NOT EXISTS (SELECT 1 FROM contact_handles h WHERE h.contact_id = c.id)",
        &ids
    )
    .execute(&mut *connection)
    .await?;
    found.append(&mut lookup(connection, &values).await?);
    Ok(found)
}

async fn lookup(
    connection: &mut sqlx::PgConnection,
    addresses: &[String],
) -> Result<BTreeMap<String, ContactId>, StoreError> {
    let rows = sqlx::query!(
        "SELECT value, contact_id FROM contact_handles WHERE kind = 'email' AND value = ANY($1)",
        addresses
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.value, ContactId(row.contact_id))).collect())
}

impl Store {
    /// Tells whether pictures from the internet are always shown in mails of this message's author.
    pub async fn shows_remote(&self, account: AccountId, message: MessageId) -> Result<bool, StoreError> {
        let shown = sqlx::query_scalar!(
            r#"SELECT EXISTS (
                   SELECT 1 FROM messages m
                   JOIN contact_handles h ON h.kind = 'email' AND h.value = lower(m.author_address) AND h.show_remote
                   WHERE m.account_id = $1 AND m.id = $2) AS "shown!""#,
            account.0,
            message.0
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(shown)
    }

    /// Chooses whether pictures from the internet are always shown in mails of this message's author.
    pub async fn set_shows_remote(
        &self,
        account: AccountId,
        message: MessageId,
        shown: bool,
    ) -> Result<(), StoreError> {
        let changed = sqlx::query!(
            "UPDATE contact_handles h SET show_remote = $3 FROM messages m
             WHERE m.account_id = $1 AND m.id = $2 AND h.kind = 'email' AND h.value = lower(m.author_address)",
            account.0,
            message.0,
            shown
        )
        .execute(&self.pool)
        .await?
        .rows_affected();
        if changed == 0 { Err(StoreError::NotFound("the sender's address")) } else { Ok(()) }
    }
}
