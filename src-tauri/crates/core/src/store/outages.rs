//! `outages`: stretches in which nothing was heard of an account, and what came of them.

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Store, StoreError};
use crate::model::{AccountId, ConversationId};

/// What is longer ago is told to nobody.
const TOLD: Duration = Duration::days(2);
/// What goes out so much after its time is late.
const LATE: Duration = Duration::minutes(5);

/// The outages that nobody has been told of, taken together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Away {
    /// When the first one began.
    pub began_at: OffsetDateTime,
    /// When the last one ended.
    pub ended_at: OffsetDateTime,
    /// Which accounts, with how many messages their servers received meanwhile.
    pub accounts: Vec<(AccountId, u64)>,
    /// Open conversations whose last word came meanwhile from outside.
    pub waiting: u64,
    /// The one of those that waits longest.
    pub longest: Option<(AccountId, ConversationId, OffsetDateTime)>,
    /// What was due meanwhile and went out late, or has not gone.
    pub late: u64,
}

impl Store {
    /// Returns when something was last heard of an account, by whichever program.
    pub async fn heard_at(&self, account: AccountId) -> Result<Option<OffsetDateTime>, StoreError> {
        let heard = sqlx::query_scalar!("SELECT heard_at FROM account_status WHERE account_id = $1", account.0);
        Ok(heard.fetch_optional(&self.pool).await?.flatten())
    }

    /// Notes that nothing was heard of an account from then to then.
    pub async fn note_outage(
        &self,
        account: AccountId,
        began_at: OffsetDateTime,
        ended_at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "INSERT INTO outages (account_id, began_at, ended_at) VALUES ($1, $2, $3)
             ON CONFLICT (account_id, began_at) DO UPDATE SET ended_at = excluded.ended_at, seen = false",
            account.0,
            began_at,
            ended_at
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Returns what there is to tell of the outages of the last two days. `None`: nothing.
    pub async fn away(&self, now: OffsetDateTime) -> Result<Option<Away>, StoreError> {
        let since = now - TOLD;
        let outages = sqlx::query!(
            r#"SELECT o.account_id, min(o.began_at) AS "began_at!", max(o.ended_at) AS "ended_at!"
               FROM outages o JOIN accounts a ON a.id = o.account_id AND a.removed_at IS NULL
               WHERE NOT o.seen AND o.ended_at > $1 GROUP BY o.account_id"#,
            since
        )
        .fetch_all(&self.pool)
        .await?;
        let Some(began_at) = outages.iter().map(|outage| outage.began_at).min() else { return Ok(None) };
        let Some(ended_at) = outages.iter().map(|outage| outage.ended_at).max() else { return Ok(None) };
        let mut accounts = Vec::with_capacity(outages.len());
        for outage in &outages {
            // A message's id tells when it was stored, and nothing of the outage was before it began.
            let came = sqlx::query_scalar!(
                r#"SELECT count(*) AS "count!" FROM messages m
                   WHERE m.account_id = $1 AND m.id >= $2 AND m.direction = 'in' AND EXISTS (
                       SELECT 1 FROM outages o WHERE o.account_id = $1 AND NOT o.seen AND o.ended_at > $3
                              AND m.received_at > o.began_at AND m.received_at <= o.ended_at)"#,
                outage.account_id,
                first_id(outage.began_at),
                since
            )
            .fetch_one(&self.pool)
            .await?;
            accounts.push((AccountId(outage.account_id), came.unsigned_abs()));
        }
        let ids: Vec<Uuid> = outages.iter().map(|outage| outage.account_id).collect();
        let waiting = sqlx::query!(
            r#"SELECT c.account_id, c.id, c.last_at, count(*) OVER () AS "count!" FROM conversations c
               WHERE c.account_id = ANY($1) AND c.triage = 'open' AND c.last_direction = 'in' AND c.merged_into IS NULL
                 AND c.last_at > $2 AND c.last_at <= $3 AND EXISTS (
                     SELECT 1 FROM outages o WHERE o.account_id = c.account_id AND NOT o.seen AND o.ended_at > $4
                            AND c.last_at > o.began_at AND c.last_at <= o.ended_at)
               ORDER BY c.last_at LIMIT 1"#,
            &ids,
            began_at,
            ended_at,
            since
        )
        .fetch_optional(&self.pool)
        .await?;
        let late = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM outgoing g
               WHERE g.account_id = ANY($1) AND g.state <> 'failed'
                 AND coalesce(g.sent_at, $3) > coalesce(g.send_at, g.created_at) + $4 AND EXISTS (
                     SELECT 1 FROM outages o WHERE o.account_id = g.account_id AND NOT o.seen AND o.ended_at > $2
                            AND coalesce(g.send_at, g.created_at) BETWEEN o.began_at AND o.ended_at)"#,
            &ids,
            since,
            now,
            sqlx::postgres::types::PgInterval::try_from(LATE).unwrap_or_default()
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(Some(Away {
            began_at,
            ended_at,
            accounts,
            waiting: waiting.as_ref().map_or(0, |row| row.count.unsigned_abs()),
            longest: waiting.map(|row| (AccountId(row.account_id), ConversationId(row.id), row.last_at)),
            late: late.unsigned_abs(),
        }))
    }

    /// Removes outages that nobody is told of any more.
    pub async fn prune_outages(&self) -> Result<(), StoreError> {
        sqlx::query!("DELETE FROM outages WHERE ended_at < clock_timestamp() - interval '7 days'")
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Notes that somebody has been told of the outages up to `ended_at`.
    pub async fn away_seen(&self, ended_at: OffsetDateTime) -> Result<(), StoreError> {
        sqlx::query!("UPDATE outages SET seen = true WHERE NOT seen AND ended_at <= $1", ended_at)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

/// The lowest id that anything has which was stored at this moment: UUIDv7 begins with its milliseconds (RFC 9562).
fn first_id(moment: OffsetDateTime) -> Uuid {
    let millis = u128::try_from(moment.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
    Uuid::from_u128(millis << 80)
}
