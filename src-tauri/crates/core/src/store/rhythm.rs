//! How what comes in now compares with what came in before.

use time::{Duration, OffsetDateTime};

use super::{Store, StoreError};
use crate::model::AccountId;

/// How far back the last message is looked for.
const FAR: Duration = Duration::days(7);

/// How long nothing has come in, and what came in at these hours of the weeks before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// When the server received the last message from outside, at most a week ago.
    pub silent_since: OffsetDateTime,
    /// How many came in over the same stretch of each of the four weeks before: the least of the four.
    pub usual: i64,
}

impl Store {
    /// Compares the silence of an account's customers with the four weeks before.
    pub async fn rhythm(&self, account: AccountId, now: OffsetDateTime) -> Result<Rhythm, StoreError> {
        let row = sqlx::query!(
            r#"WITH arrived AS (
                   SELECT s.received_at AS at
                   FROM message_search s JOIN messages m ON m.account_id = s.account_id AND m.id = s.message_id
                   WHERE s.account_id = $1 AND s.received_at BETWEEN $2 AND $3 AND m.direction = 'in'
                   ORDER BY s.received_at DESC LIMIT 1),
               silence AS (SELECT coalesce((SELECT at FROM arrived), $2) AS since)
               SELECT silence.since AS "since!", min(week.arrived) AS "usual!"
               FROM silence, generate_series(1, 4) AS back (weeks), LATERAL (
                   SELECT count(*) AS arrived
                   FROM message_search s JOIN messages m ON m.account_id = s.account_id AND m.id = s.message_id
                   WHERE s.account_id = $1 AND m.direction = 'in'
                     AND s.received_at > silence.since - back.weeks * interval '7 days'
                     AND s.received_at <= $3 - back.weeks * interval '7 days') AS week
               GROUP BY silence.since"#,
            account.0,
            now - FAR,
            now,
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(Rhythm { silent_since: row.since, usual: row.usual })
    }

    /// Returns by how many seconds the servers' clocks were ahead of this computer's when the latest messages came: the
    /// most that any of the last three of each account says, so that a clock that was set right is soon known to be. A
    /// message cannot come before it was received. `None`: nothing came within a day.
    pub async fn servers_ahead(&self, now: OffsetDateTime) -> Result<Option<f64>, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"SELECT max(extract(epoch FROM latest.received_at - latest.arrived_at))::double precision
               FROM accounts a, LATERAL (
                   SELECT m.received_at, m.arrived_at FROM messages m
                   WHERE m.account_id = a.id AND m.direction = 'in' ORDER BY m.id DESC LIMIT 3) AS latest
               WHERE a.removed_at IS NULL AND latest.arrived_at > $1"#,
            now - Duration::DAY,
        )
        .fetch_one(&self.pool)
        .await?)
    }
}
