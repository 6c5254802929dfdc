//! Who somebody is on every network: `contacts` that are the same person, their handles, conversations and files.

use std::str::FromStr;

use sqlx::{Postgres, Transaction};
use time::OffsetDateTime;

use super::{ConversationSummary, Store, StoreError, StoredMessage};
use crate::model::{AccountId, ContactId, ConversationId, MessageId};

/// Somebody the bureau corresponds with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The contact of the conversation that was asked for.
    pub contact: ContactId,
    /// When the bureau first met them.
    pub since: OffsetDateTime,
    /// Their handles, those of that contact first.
    pub handles: Vec<Handle>,
}

/// A name somebody has on a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handle {
    /// What it is.
    pub kind: HandleKind,
    /// The handle itself: an address in lower case, a phone in E.164, a username without `@`.
    pub value: String,
    /// The contact it belongs to. Another one than the person's own was linked by somebody.
    pub contact: ContactId,
}

/// What a handle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HandleKind {
    /// A mail address.
    Email,
    /// A phone number.
    Phone,
    /// A Telegram username.
    TelegramUsername,
    /// A Telegram user's number.
    TelegramId,
}

impl HandleKind {
    /// The word the database uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::TelegramUsername => "telegram_username",
            Self::TelegramId => "telegram_id",
        }
    }
}

impl FromStr for HandleKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "email" => Ok(Self::Email),
            "phone" => Ok(Self::Phone),
            "telegram_username" => Ok(Self::TelegramUsername),
            "telegram_id" => Ok(Self::TelegramId),
            other => Err(format!("unknown handle {other:?}")),
        }
    }
}

/// A contact that may be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPerson {
    /// The contact.
    pub contact: ContactId,
    /// Its name; may be empty.
    pub name: String,
    /// Its handles.
    pub handles: Vec<Handle>,
}

/// Which contact another one is the same as; `None`: none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContactLink {
    /// The contact.
    pub contact: ContactId,
    /// Whom it is the same as.
    pub same_as: Option<ContactId>,
}

impl Store {
    /// Returns who a conversation is with; `None` for groups and where nobody is known.
    pub async fn person(&self, account: AccountId, id: ConversationId) -> Result<Option<Person>, StoreError> {
        let rows = sqlx::query!(
            r#"WITH own AS (
                   SELECT p.id, coalesce(p.same_as, p.id) AS root
                   FROM conversations c JOIN contacts p ON p.id = c.contact_id
                   WHERE c.account_id = $1 AND c.id = $2)
               SELECT own.id AS "contact!", p.created_at AS "since!", h.kind AS "kind?", h.value AS "value?",
                      p.id AS "owner!"
               FROM own JOIN contacts p ON p.id = own.root OR p.same_as = own.root
               LEFT JOIN contact_handles h ON h.contact_id = p.id
               ORDER BY p.id <> own.id, p.created_at, h.kind, h.value"#,
            account.0,
            id.0
        )
        .fetch_all(&self.pool)
        .await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let contact = ContactId(first.contact);
        let since = rows.iter().map(|row| row.since).min().unwrap_or(first.since);
        let mut handles = Vec::with_capacity(rows.len());
        for row in rows {
            if let (Some(kind), Some(value)) = (row.kind, row.value) {
                handles.push(handle(&kind, value, row.owner)?);
            }
        }
        Ok(Some(Person { contact, since, handles }))
    }

    /// Returns the other conversations of somebody, latest first.
    pub async fn conversations_with(
        &self,
        contact: ContactId,
        except: (AccountId, ConversationId),
        limit: i64,
    ) -> Result<Vec<ConversationSummary>, StoreError> {
        let rows = sqlx::query!(
            "SELECT c.account_id, c.id FROM conversations c
             JOIN accounts a ON a.id = c.account_id AND a.removed_at IS NULL
             WHERE c.merged_into IS NULL AND (c.account_id, c.id) <> ($2, $3) AND c.contact_id IN (
                 SELECT p.id FROM contacts asked
                 JOIN contacts p ON p.id = coalesce(asked.same_as, asked.id)
                                 OR p.same_as = coalesce(asked.same_as, asked.id)
                 WHERE asked.id = $1)
             ORDER BY c.last_at DESC LIMIT $4",
            contact.0,
            except.0.0,
            except.1.0,
            limit
        )
        .fetch_all(&self.pool)
        .await?;
        let keys: Vec<_> = rows.iter().map(|row| (AccountId(row.account_id), ConversationId(row.id))).collect();
        self.conversations_by_key(&keys).await
    }

    /// Returns the latest messages with files of these conversations, latest first.
    pub async fn messages_with_files(
        &self,
        conversations: &[(AccountId, ConversationId)],
        limit: i64,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        let accounts: Vec<uuid::Uuid> = conversations.iter().map(|(account, _)| account.0).collect();
        let ids: Vec<uuid::Uuid> = conversations.iter().map(|(_, id)| id.0).collect();
        let rows = sqlx::query!(
            r#"SELECT n.account_id AS "account!", m.id AS "id!"
               FROM unnest($1::uuid[], $2::uuid[]) AS n (account_id, id)
               CROSS JOIN LATERAL (
                   SELECT m.id, m.received_at FROM messages m
                   WHERE m.account_id = n.account_id AND m.conversation_id = n.id AND m.file_count > 0
                   ORDER BY m.received_at DESC, m.id DESC LIMIT $3) m
               ORDER BY m.received_at DESC, m.id DESC LIMIT $3"#,
            &accounts,
            &ids,
            limit
        )
        .fetch_all(&self.pool)
        .await?;
        let mut messages = Vec::with_capacity(rows.len());
        for row in rows {
            match self.message(AccountId(row.account), MessageId(row.id)).await {
                Ok(message) => messages.push(message),
                Err(StoreError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(messages)
    }

    /// Finds contacts by a part of their name or of a handle, other people than `except`.
    pub async fn find_people(&self, text: &str, except: ContactId, limit: i64) -> Result<Vec<FoundPerson>, StoreError> {
        let found = sqlx::query!(
            r"SELECT p.id, p.name FROM contacts p, contacts asked
              WHERE asked.id = $2 AND coalesce(p.same_as, p.id) <> coalesce(asked.same_as, asked.id)
                AND (strpos(lower(p.name), lower($1)) > 0 OR EXISTS (
                    SELECT 1 FROM contact_handles h
                    WHERE h.contact_id = p.id AND h.kind <> 'telegram_id' AND strpos(h.value, lower($1)) > 0))
              ORDER BY strpos(lower(p.name), lower($1)) <> 1, p.created_at DESC LIMIT $3",
            text,
            except.0,
            limit
        )
        .fetch_all(&self.pool)
        .await?;
        self.with_handles(found.into_iter().map(|row| (row.id, row.name)).collect()).await
    }

    /// Finds contacts of another network that have the same name as this one: likely the same person.
    pub async fn likely_same(&self, contact: ContactId, limit: i64) -> Result<Vec<FoundPerson>, StoreError> {
        let found = sqlx::query!(
            r"SELECT p.id, p.name FROM contacts asked
              JOIN contacts p ON lower(p.name) = lower(asked.name) AND p.name <> '' AND asked.name <> ''
              WHERE asked.id = $1 AND strpos(asked.name, ' ') > 0
                AND coalesce(p.same_as, p.id) <> coalesce(asked.same_as, asked.id)
                AND EXISTS (SELECT 1 FROM contact_handles h WHERE h.contact_id = p.id AND h.kind = 'email')
                    <> EXISTS (SELECT 1 FROM contact_handles h WHERE h.contact_id = asked.id AND h.kind = 'email')
              ORDER BY p.created_at DESC LIMIT $2",
            contact.0,
            limit
        )
        .fetch_all(&self.pool)
        .await?;
        self.with_handles(found.into_iter().map(|row| (row.id, row.name)).collect()).await
    }

    async fn with_handles(&self, people: Vec<(uuid::Uuid, String)>) -> Result<Vec<FoundPerson>, StoreError> {
        let ids: Vec<uuid::Uuid> = people.iter().map(|(id, _)| *id).collect();
        let rows = sqlx::query!(
            "SELECT kind, value, contact_id FROM contact_handles WHERE contact_id = ANY($1) ORDER BY kind, value",
            &ids
        )
        .fetch_all(&self.pool)
        .await?;
        let mut found: Vec<FoundPerson> = people
            .into_iter()
            .map(|(id, name)| FoundPerson { contact: ContactId(id), name, handles: Vec::new() })
            .collect();
        for row in rows {
            if let Some(person) = found.iter_mut().find(|person| person.contact.0 == row.contact_id) {
                person.handles.push(handle(&row.kind, row.value, row.contact_id)?);
            }
        }
        Ok(found)
    }

    /// Says that two contacts, and all that are the same as either, are one person. Returns what
    /// [`Store::restore_links`] takes to undo it.
    pub async fn link_people(&self, one: ContactId, other: ContactId) -> Result<Vec<ContactLink>, StoreError> {
        let mut tx = self.begin_links().await?;
        let changed = sqlx::query!(
            r#"WITH roots AS (
                   SELECT (SELECT coalesce(same_as, id) FROM contacts WHERE id = $1) AS kept,
                          (SELECT coalesce(same_as, id) FROM contacts WHERE id = $2) AS gone)
               SELECT p.id, p.same_as, roots.kept AS "kept!" FROM roots
               JOIN contacts p ON (p.id = roots.gone OR p.same_as = roots.gone)
               WHERE roots.kept <> roots.gone FOR NO KEY UPDATE OF p"#,
            one.0,
            other.0
        )
        .fetch_all(&mut *tx)
        .await?;
        let Some(kept) = changed.first().map(|row| row.kept) else {
            return Err(StoreError::NotFound("another person"));
        };
        let ids: Vec<uuid::Uuid> = changed.iter().map(|row| row.id).collect();
        sqlx::query!("UPDATE contacts SET same_as = $2 WHERE id = ANY($1)", &ids, kept).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(changed.into_iter().map(|row| link(row.id, row.same_as)).collect())
    }

    /// Says that a contact is a person of its own. Returns what [`Store::restore_links`] takes to undo it.
    pub async fn unlink_person(&self, contact: ContactId) -> Result<Vec<ContactLink>, StoreError> {
        let mut tx = self.begin_links().await?;
        let before = sqlx::query!(
            "SELECT id, same_as FROM contacts WHERE id = $1 OR same_as = $1 ORDER BY id <> $1, id FOR NO KEY UPDATE",
            contact.0
        )
        .fetch_all(&mut *tx)
        .await?;
        // The one that others are the same as hands that on to the first of them.
        let others: Vec<uuid::Uuid> = before.iter().skip(1).map(|row| row.id).collect();
        if let Some((root, rest)) = others.split_first() {
            sqlx::query!("UPDATE contacts SET same_as = NULL WHERE id = $1", root).execute(&mut *tx).await?;
            sqlx::query!("UPDATE contacts SET same_as = $2 WHERE id = ANY($1)", rest, root).execute(&mut *tx).await?;
        }
        sqlx::query!("UPDATE contacts SET same_as = NULL WHERE id = $1", contact.0).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(before.into_iter().map(|row| link(row.id, row.same_as)).collect())
    }

    /// Begins a change of links. They follow one another: two at once could leave more than one level of them.
    async fn begin_links(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('skrynka contact links'))").execute(&mut *tx).await?;
        Ok(tx)
    }

    /// Puts links back as they were. Who was linked meanwhile to one that is itself linked again stays with them.
    pub async fn restore_links(&self, links: &[ContactLink]) -> Result<(), StoreError> {
        let mut tx = self.begin_links().await?;
        let contacts: Vec<uuid::Uuid> = links.iter().map(|link| link.contact.0).collect();
        let same_as: Vec<Option<uuid::Uuid>> = links.iter().map(|link| link.same_as.map(|id| id.0)).collect();
        sqlx::query!(
            "UPDATE contacts c SET same_as = n.same_as FROM unnest($1::uuid[], $2::uuid[]) AS n (id, same_as)
             WHERE c.id = n.id",
            &contacts,
            &same_as as &[Option<uuid::Uuid>]
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "UPDATE contacts c SET same_as = r.same_as FROM contacts r
             WHERE c.same_as = r.id AND r.same_as IS NOT NULL AND r.same_as <> c.id"
        )
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }
}

fn handle(kind: &str, value: String, contact: uuid::Uuid) -> Result<Handle, StoreError> {
    Ok(Handle { kind: kind.parse().map_err(StoreError::Inconsistent)?, value, contact: ContactId(contact) })
}

fn link(contact: uuid::Uuid, same_as: Option<uuid::Uuid>) -> ContactLink {
    ContactLink { contact: ContactId(contact), same_as: same_as.map(ContactId) }
}
