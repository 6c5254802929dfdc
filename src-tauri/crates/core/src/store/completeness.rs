//! `completeness`: what folders held when that was last compared with what is stored.

use time::OffsetDateTime;

use uuid::Uuid;

use super::{Store, StoreError};
use crate::model::{AccountId, Place};

/// One folder when it was last compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completeness {
    /// Whose it is.
    pub account: AccountId,
    /// The folder, as in [`Place::mailbox`].
    pub mailbox: String,
    /// As in [`Place::epoch`].
    pub epoch: u32,
    /// What a person calls it.
    pub name: String,
    /// Whether it ever was compared.
    pub compared: bool,
    /// When it was compared; where it never was, when it should have been for the first time.
    pub checked_at: OffsetDateTime,
    /// How many messages the other side held of what belongs here.
    pub held: u64,
    /// How many of them were not stored.
    pub missing: u64,
    /// The newest of those, a limited number.
    pub numbers: Vec<u32>,
    /// Up to this number nothing was missing, where a folder is compared by stretches; otherwise 0.
    pub whole_to: u32,
}

/// Several folders together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CompletenessSum {
    /// How many.
    pub folders: usize,
    /// Messages that they held.
    pub held: u64,
    /// How many of them were not stored.
    pub missing: u64,
    /// When the first of them was compared; `None` without any.
    pub since: Option<OffsetDateTime>,
}

impl CompletenessSum {
    /// Adds up those that were compared.
    pub fn of<'a>(folders: impl IntoIterator<Item = &'a Completeness>) -> Self {
        folders.into_iter().filter(|folder| folder.compared).fold(Self::default(), |sum, folder| Self {
            folders: sum.folders + 1,
            held: sum.held.saturating_add(folder.held),
            missing: sum.missing.saturating_add(folder.missing),
            since: Some(sum.since.map_or(folder.checked_at, |since| since.min(folder.checked_at))),
        })
    }
}

impl Completeness {
    /// Where the missing messages stand.
    pub fn places(&self) -> impl Iterator<Item = Place> + '_ {
        let place = |number| Place { mailbox: self.mailbox.clone(), epoch: self.epoch, number };
        self.numbers.iter().copied().map(place)
    }
}

struct Row {
    account_id: Uuid,
    mailbox: String,
    epoch: i64,
    name: String,
    compared: bool,
    checked_at: OffsetDateTime,
    held: i64,
    missing: i64,
    missing_numbers: Vec<i64>,
    whole_to: i64,
}

impl TryFrom<Row> for Completeness {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            account: AccountId(row.account_id),
            mailbox: row.mailbox,
            epoch: number(row.epoch)?,
            name: row.name,
            compared: row.compared,
            checked_at: row.checked_at,
            held: number(row.held)?,
            missing: number(row.missing)?,
            numbers: row.missing_numbers.into_iter().map(number).collect::<Result<_, _>>()?,
            whole_to: number(row.whole_to)?,
        })
    }
}

fn number<N: TryFrom<i64>>(stored: i64) -> Result<N, StoreError> {
    stored.try_into().map_err(|_| StoreError::Inconsistent(format!("a number of messages: {stored}")))
}

impl Store {
    /// Returns the numbers of a folder's messages that are stored, ascending, also of those that are gone there, and of
    /// those that were removed here with somebody's data.
    pub async fn stored_numbers(&self, account: AccountId, mailbox: &str, epoch: u32) -> Result<Vec<u32>, StoreError> {
        let numbers = sqlx::query_scalar!(
            r#"SELECT number AS "number!" FROM message_places WHERE account_id = $1 AND mailbox = $2 AND epoch = $3
               UNION
               SELECT f.number FROM forgotten_places f
               WHERE f.account_id = $1 AND f.epoch = $3
                 AND f.mailbox = (SELECT sha256(salt || convert_to('mailbox:' || $2, 'UTF8')) FROM bureau)
               ORDER BY 1"#,
            account.0,
            mailbox,
            i64::from(epoch)
        )
        .fetch_all(&self.pool)
        .await?;
        numbers.into_iter().map(number).collect()
    }

    /// Keeps how an account's folders stood, in the place of what was known of them. Folders that are not among them
    /// are listened to no more.
    pub async fn keep_completeness(&self, account: AccountId, folders: &[Completeness]) -> Result<(), StoreError> {
        let mut tx = self.begin_for(account).await?;
        let names: Vec<String> = folders.iter().map(|folder| folder.mailbox.clone()).collect();
        sqlx::query!("DELETE FROM completeness WHERE account_id = $1 AND mailbox <> ALL($2)", account.0, &names)
            .execute(&mut *tx)
            .await?;
        for folder in folders {
            let numbers: Vec<i64> = folder.numbers.iter().copied().map(i64::from).collect();
            sqlx::query!(
                "INSERT INTO completeness (account_id, mailbox, epoch, name, checked_at, held, missing, missing_numbers,
                                           whole_to, compared)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                 ON CONFLICT (account_id, mailbox) DO UPDATE SET epoch = excluded.epoch, name = excluded.name,
                     checked_at = excluded.checked_at, held = excluded.held, missing = excluded.missing,
                     missing_numbers = excluded.missing_numbers, whole_to = excluded.whole_to,
                     compared = excluded.compared",
                account.0,
                folder.mailbox,
                i64::from(folder.epoch),
                folder.name,
                folder.checked_at,
                i64::try_from(folder.held).unwrap_or(i64::MAX),
                i64::try_from(folder.missing).unwrap_or(i64::MAX),
                &numbers,
                i64::from(folder.whole_to),
                folder.compared
            )
            .execute(&mut *tx)
            .await?;
        }
        Ok(tx.commit().await?)
    }

    /// Returns how the folders of accounts that are there stood when they were last compared, those of one account
    /// together; of one account alone where it is named.
    pub async fn completeness(&self, account: Option<AccountId>) -> Result<Vec<Completeness>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            "SELECT c.account_id, c.mailbox, c.epoch, c.name, c.checked_at, c.held, c.missing, c.missing_numbers,
                    c.whole_to, c.compared
             FROM completeness c JOIN accounts a ON a.id = c.account_id AND a.removed_at IS NULL
             WHERE $1::uuid IS NULL OR c.account_id = $1
             ORDER BY c.account_id, c.mailbox <> 'INBOX', c.name, c.mailbox",
            account.map(|account| account.0)
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }
}
