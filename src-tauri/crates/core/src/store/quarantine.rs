//! `quarantine`: what could not be read, why, and how often it was tried.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{MessagePosition, Store, StoreError, place};
use crate::model::{AccountId, ConversationId, Direction, MessageId, Place};

/// A message that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Whose it is.
    pub account: AccountId,
    /// Which message.
    pub id: MessageId,
    /// Where it is shown.
    pub conversation: ConversationId,
    /// What that conversation is called; empty where nothing is known of it.
    pub title: String,
    /// Where it stands, or stood.
    pub place: Place,
    /// Whether it is gone from there.
    pub gone: bool,
    /// Who wrote, as far as that can be told.
    pub direction: Direction,
    /// When its server received it.
    pub received_at: OffsetDateTime,
    /// When it reached this computer.
    pub arrived_at: OffsetDateTime,
    /// The server's read mark.
    pub seen: bool,
    /// The server's answered mark.
    pub answered: bool,
    /// Bytes that are stored of it.
    pub size: u64,
    /// Whether they are all of it.
    pub whole: bool,
    /// Why it could not be read.
    pub reason: String,
    /// How often it was tried.
    pub tries: u32,
    /// When it was last tried.
    pub last_tried_at: OffsetDateTime,
    /// When somebody dismissed it.
    pub dismissed_at: Option<OffsetDateTime>,
}

struct Row {
    account_id: Uuid,
    id: Uuid,
    conversation_id: Uuid,
    title: String,
    mailbox: String,
    epoch: i64,
    number: i64,
    gone: bool,
    direction: String,
    received_at: OffsetDateTime,
    arrived_at: OffsetDateTime,
    seen: bool,
    answered: bool,
    size: i64,
    whole: bool,
    reason: String,
    tries: i32,
    last_tried_at: OffsetDateTime,
    dismissed_at: Option<OffsetDateTime>,
}

impl TryFrom<Row> for Quarantined {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            account: AccountId(row.account_id),
            id: MessageId(row.id),
            conversation: ConversationId(row.conversation_id),
            title: row.title,
            place: place(row.mailbox, row.epoch, row.number)?,
            gone: row.gone,
            direction: row.direction.parse().map_err(StoreError::Inconsistent)?,
            received_at: row.received_at,
            arrived_at: row.arrived_at,
            seen: row.seen,
            answered: row.answered,
            size: row.size.unsigned_abs(),
            whole: row.whole,
            reason: row.reason,
            tries: row.tries.unsigned_abs(),
            last_tried_at: row.last_tried_at,
            dismissed_at: row.dismissed_at,
        })
    }
}

impl Store {
    /// Returns a page of what could not be read, of accounts that are there, what arrived last first: either what was
    /// dismissed or the rest. What is superseded stands nowhere and is left out.
    pub async fn quarantined(
        &self,
        dismissed: bool,
        after: Option<MessagePosition>,
        limit: i64,
    ) -> Result<Vec<Quarantined>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            r#"SELECT m.account_id, m.id, m.conversation_id, c.peer_name AS title, p.mailbox, p.epoch, p.number,
                      p.gone AS "gone!", m.direction, m.received_at, m.arrived_at, p.seen, p.answered, m.size, q.whole, q.reason, q.tries,
                      q.last_tried_at, q.dismissed_at
               FROM quarantine q
               JOIN accounts a ON a.id = q.account_id AND a.removed_at IS NULL
               JOIN messages m ON m.account_id = q.account_id AND m.id = q.message_id
               JOIN conversations c ON c.account_id = m.account_id AND c.id = m.conversation_id
               JOIN LATERAL (
                   SELECT p.mailbox, p.epoch, p.number, p.seen, p.answered, p.gone_at IS NOT NULL AS gone
                   FROM message_places p WHERE p.account_id = m.account_id AND p.message_id = m.id
                   ORDER BY p.gone_at IS NOT NULL, p.epoch, p.mailbox, p.number LIMIT 1) p ON true
               WHERE (q.dismissed_at IS NOT NULL) = $1
                 AND ($2::timestamptz IS NULL OR (m.received_at, m.id) < ($2, $3))
               ORDER BY m.received_at DESC, m.id DESC LIMIT $4"#,
            dismissed,
            after.map(|after| after.received_at),
            after.map(|after| after.id.0),
            limit
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Returns one message that could not be read; `None` when it has been read since.
    pub async fn quarantined_message(
        &self,
        account: AccountId,
        id: MessageId,
    ) -> Result<Option<Quarantined>, StoreError> {
        let row = sqlx::query_as!(
            Row,
            r#"SELECT m.account_id, m.id, m.conversation_id, c.peer_name AS title, p.mailbox, p.epoch, p.number,
                      p.gone AS "gone!", m.direction, m.received_at, m.arrived_at, p.seen, p.answered, m.size, q.whole, q.reason, q.tries,
                      q.last_tried_at, q.dismissed_at
               FROM quarantine q
               JOIN messages m ON m.account_id = q.account_id AND m.id = q.message_id
               JOIN conversations c ON c.account_id = m.account_id AND c.id = m.conversation_id
               JOIN LATERAL (
                   SELECT p.mailbox, p.epoch, p.number, p.seen, p.answered, p.gone_at IS NOT NULL AS gone
                   FROM message_places p WHERE p.account_id = m.account_id AND p.message_id = m.id
                   ORDER BY p.gone_at IS NOT NULL, p.epoch, p.mailbox, p.number LIMIT 1) p ON true
               WHERE q.account_id = $1 AND q.message_id = $2"#,
            account.0,
            id.0
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(TryInto::try_into).transpose()
    }

    /// Counts what could not be read: what nobody has dismissed, and what somebody has.
    pub async fn quarantine_counts(&self) -> Result<[u64; 2], StoreError> {
        let row = sqlx::query!(
            r#"SELECT count(*) FILTER (WHERE q.dismissed_at IS NULL) AS "open!", count(q.dismissed_at) AS "dismissed!"
               FROM quarantine q
               JOIN accounts a ON a.id = q.account_id AND a.removed_at IS NULL
               WHERE EXISTS (SELECT 1 FROM message_places p WHERE p.account_id = q.account_id
                             AND p.message_id = q.message_id)"#
        )
        .fetch_one(&self.pool)
        .await?;
        Ok([row.open.unsigned_abs(), row.dismissed.unsigned_abs()])
    }

    /// Notes that a message was tried once more in vain; `reason` where that is told anew.
    pub async fn quarantine_tried(
        &self,
        account: AccountId,
        id: MessageId,
        reason: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "UPDATE quarantine SET tries = tries + 1, last_tried_at = $4, reason = coalesce($3, reason)
             WHERE account_id = $1 AND message_id = $2",
            account.0,
            id.0,
            reason,
            now
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Dismisses a message that could not be read, or takes that back. It stays shown and is not deleted.
    pub async fn dismiss_quarantined(
        &self,
        account: AccountId,
        id: MessageId,
        at: Option<OffsetDateTime>,
    ) -> Result<(), StoreError> {
        let changed = sqlx::query!(
            "UPDATE quarantine SET dismissed_at = $3 WHERE account_id = $1 AND message_id = $2",
            account.0,
            id.0,
            at
        )
        .execute(&self.pool)
        .await?;
        if changed.rows_affected() == 0 { Err(StoreError::NotFound("the message")) } else { Ok(()) }
    }
}
