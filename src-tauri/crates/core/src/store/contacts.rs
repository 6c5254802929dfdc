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

/// A Telegram user as a contact. The id is who it is; username and phone are handles that may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TelegramPerson {
    /// First and last name.
    pub name: String,
    /// Without `@`.
    pub username: Option<String>,
    /// In E.164.
    pub phone: Option<String>,
}

/// Finds or makes the contacts of Telegram users, and follows their usernames and phones.
pub(super) async fn of_users(
    connection: &mut sqlx::PgConnection,
    people: &BTreeMap<i64, TelegramPerson>,
    now: OffsetDateTime,
) -> Result<BTreeMap<i64, ContactId>, StoreError> {
    let mut found = lookup_users(connection, people.keys()).await?;
    let missing: Vec<i64> = people.keys().filter(|user| !found.contains_key(*user)).copied().collect();
    if !missing.is_empty() {
        let ids: Vec<Uuid> = missing.iter().map(|_| ContactId::new(now).0).collect();
        sqlx::query!(
            "WITH added AS (
                 INSERT INTO contacts (id, name) SELECT * FROM unnest($1::uuid[], $2::text[]) RETURNING id
             )
             INSERT INTO contact_handles (kind, value, contact_id)
             SELECT 'telegram_id', handle.value, handle.id FROM unnest($3::text[], $1::uuid[]) AS handle (value, id)
             ORDER BY handle.value
             ON CONFLICT DO NOTHING",
            &ids,
            &missing.iter().map(|user| people[user].name.clone()).collect::<Vec<_>>(),
            &missing.iter().map(ToString::to_string).collect::<Vec<_>>(),
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
        found.append(&mut lookup_users(connection, missing.iter()).await?);
    }
    let mut handles: Vec<(String, String, Uuid)> = Vec::new();
    for (user, person) in people {
        if let Some(contact) = found.get(user) {
            let username = person.username.iter().map(|name| ("telegram_username", name.to_lowercase()));
            let phone = person.phone.iter().map(|phone| ("phone", phone.clone()));
            let named = username.chain(phone).filter(|(_, value)| !value.is_empty());
            handles.extend(named.map(|(kind, value)| (kind.to_owned(), value, contact.0)));
        }
    }
    follow_handles(connection, handles).await?;
    Ok(found)
}

/// Writes usernames and phones where they are news. A handle belongs to one contact, and a contact has one username.
async fn follow_handles(
    connection: &mut sqlx::PgConnection,
    mut handles: Vec<(String, String, Uuid)>,
) -> Result<(), StoreError> {
    // In one order, so that two accounts that meet the same people at once cannot deadlock.
    handles.sort_unstable();
    handles.dedup_by(|a, b| (&a.0, &a.1) == (&b.0, &b.1));
    let kinds: Vec<String> = handles.iter().map(|handle| handle.0.clone()).collect();
    let values: Vec<String> = handles.iter().map(|handle| handle.1.clone()).collect();
    let contacts: Vec<Uuid> = handles.iter().map(|handle| handle.2).collect();
    let news = sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT 1 FROM unnest($1::text[], $2::text[], $3::uuid[]) AS n (kind, value, contact_id)
               LEFT JOIN contact_handles h ON h.kind = n.kind AND h.value = n.value
               WHERE h.contact_id IS DISTINCT FROM n.contact_id) AS "news!""#,
        &kinds,
        &values,
        &contacts
    )
    .fetch_one(&mut *connection)
    .await?;
    if !news {
        return Ok(());
    }
    sqlx::query!(
        "DELETE FROM contact_handles h USING unnest($1::text[], $2::text[], $3::uuid[]) AS n (kind, value, contact_id)
         WHERE n.kind = 'telegram_username' AND h.kind = n.kind AND h.contact_id = n.contact_id AND h.value <> n.value",
        &kinds,
        &values,
        &contacts
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "INSERT INTO contact_handles (kind, value, contact_id)
         SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[]) AS n (kind, value, contact_id) ORDER BY kind, value
         ON CONFLICT (kind, value) DO UPDATE SET contact_id = excluded.contact_id
         WHERE contact_handles.contact_id <> excluded.contact_id",
        &kinds,
        &values,
        &contacts
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}

async fn lookup_users(
    connection: &mut sqlx::PgConnection,
    users: impl Iterator<Item = &i64>,
) -> Result<BTreeMap<i64, ContactId>, StoreError> {
    let users: Vec<String> = users.map(ToString::to_string).collect();
    let rows = sqlx::query!(
        "SELECT value, contact_id FROM contact_handles WHERE kind = 'telegram_id' AND value = ANY($1)",
        &users
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.value.parse().ok()?, ContactId(row.contact_id)))).collect())
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
