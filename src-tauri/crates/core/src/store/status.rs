//! `account_status`, `account_history`: what the listening program last said.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Store, StoreError};
use crate::{
    connector::Quota,
    model::{AccountId, AccountState, Trouble},
};

/// What is stored of an account's listener.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredStatus {
    /// The account.
    pub account: AccountId,
    /// The state it last said it was in.
    pub state: AccountState,
    /// Since when.
    pub since: OffsetDateTime,
    /// When the other side last said anything.
    pub heard_at: Option<OffsetDateTime>,
    /// When the latest message was stored.
    pub last_message_at: Option<OffsetDateTime>,
    /// Milliseconds from arrival on this computer to the row, of the latest live message.
    pub lag_ms: Option<i32>,
    /// Until when the certificate is good that the server showed last.
    pub certificate_until: Option<OffsetDateTime>,
    /// The latest failure, kept after it is over.
    pub last_error: Option<(Trouble, OffsetDateTime)>,
    /// When this was written.
    pub updated_at: OffsetDateTime,
}

/// The worst state of a quarter of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryPoint {
    /// The account.
    pub account: AccountId,
    /// When the quarter began.
    pub quarter: OffsetDateTime,
    /// 1 paused, 2 live, 3 catching up, 4 retrying or limited, 5 waits for a person.
    pub worst: i16,
}

/// What is known of an account's room, connections and backlog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The account.
    pub account: AccountId,
    /// How much room its server gives; `None`: it has not said.
    pub quota: Option<Quota>,
    /// Connections to its server that the listening program had open; `None`: they are not counted.
    pub connections: Option<u32>,
    /// Messages that are known to be missing.
    pub backlog: u64,
    /// When there were last fewer than ever before in this stretch.
    pub shrank_at: OffsetDateTime,
}

impl Store {
    /// Returns what is known of every account's room, connections and backlog.
    pub async fn standings(&self) -> Result<Vec<Standing>, StoreError> {
        let rows = sqlx::query!(
            "SELECT account_id, quota_used, quota_limit, connections, backlog, backlog_low_at FROM account_status"
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| Standing {
                account: AccountId(row.account_id),
                quota: row
                    .quota_used
                    .zip(row.quota_limit)
                    .map(|(used, limit)| Quota { used: used.unsigned_abs(), limit: limit.unsigned_abs() }),
                connections: row.connections.map(i32::unsigned_abs),
                backlog: row.backlog.unsigned_abs(),
                shrank_at: row.backlog_low_at,
            })
            .collect())
    }

    /// Notes what the server says of an account's room and how many connections are open. Tells whether there was a status
    /// to note it in.
    pub async fn note_standing(
        &self,
        account: AccountId,
        quota: Option<Quota>,
        connections: Option<u32>,
    ) -> Result<bool, StoreError> {
        let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        let noted = sqlx::query!(
            "UPDATE account_status SET quota_used = $2, quota_limit = $3, connections = $4 WHERE account_id = $1",
            account.0,
            quota.map(|quota| bytes(quota.used)),
            quota.map(|quota| bytes(quota.limit)),
            connections.map(|count| i32::try_from(count).unwrap_or(i32::MAX))
        )
        .execute(&self.pool)
        .await?
        .rows_affected();
        Ok(noted > 0)
    }

    /// Writes what an account's listener says of itself, and the quarter's worst state with it. Tells whether it was
    /// written: where another program than `writer` listens, that one is right.
    pub async fn write_status(&self, status: &StoredStatus, writer: Uuid) -> Result<bool, StoreError> {
        let wrong = |error: serde_json::Error| StoreError::Inconsistent(format!("an account's state: {error}"));
        let state = serde_json::to_value(&status.state).map_err(wrong)?;
        let error =
            status.last_error.as_ref().map(|(trouble, _)| serde_json::to_value(trouble)).transpose().map_err(wrong)?;
        let written = sqlx::query!(
            "INSERT INTO account_status (account_id, state, since, heard_at, last_message_at, lag_ms, last_error,
                    last_error_at, certificate_until, backlog, backlog_low)
             SELECT $1, $2, $3, $4, $5, $6, $7, $8, $10, $11, $11
             WHERE NOT EXISTS (SELECT 1 FROM leases WHERE account_id = $1 AND holder <> $9)
             ON CONFLICT (account_id) DO UPDATE SET state = excluded.state, since = excluded.since,
                    heard_at = coalesce(excluded.heard_at, account_status.heard_at),
                    last_message_at = coalesce(excluded.last_message_at, account_status.last_message_at),
                    lag_ms = coalesce(excluded.lag_ms, account_status.lag_ms),
                    last_error = coalesce(excluded.last_error, account_status.last_error),
                    last_error_at = coalesce(excluded.last_error_at, account_status.last_error_at),
                    certificate_until = coalesce(excluded.certificate_until, account_status.certificate_until),
                    backlog = excluded.backlog,
                    backlog_low = CASE WHEN account_status.backlog_low = 0 THEN excluded.backlog
                                       ELSE least(account_status.backlog_low, excluded.backlog) END,
                    backlog_low_at = CASE WHEN account_status.backlog_low = 0 OR excluded.backlog = 0
                                               OR excluded.backlog < account_status.backlog_low
                                          THEN clock_timestamp() ELSE account_status.backlog_low_at END,
                    updated_at = clock_timestamp()",
            status.account.0,
            state,
            status.since,
            status.heard_at,
            status.last_message_at,
            status.lag_ms,
            error,
            status.last_error.as_ref().map(|(_, at)| *at),
            writer,
            status.certificate_until,
            backlog_of(&status.state),
        )
        .execute(&self.pool)
        .await?
        .rows_affected();
        if written == 0 {
            return Ok(false);
        }
        sqlx::query!(
            "INSERT INTO account_history (account_id, quarter, worst)
             VALUES ($1, date_bin('15 minutes', clock_timestamp(), 'epoch'), $2)
             ON CONFLICT (account_id, quarter) DO UPDATE SET worst = greatest(account_history.worst, excluded.worst)",
            status.account.0,
            worst_of(&status.state),
        )
        .execute(&self.pool)
        .await?;
        Ok(true)
    }

    /// Returns what is stored of every account's listener.
    pub async fn statuses(&self) -> Result<Vec<StoredStatus>, StoreError> {
        let rows = sqlx::query!(
            "SELECT account_id, state, since, heard_at, last_message_at, lag_ms, last_error, last_error_at, updated_at,
                    certificate_until
             FROM account_status"
        )
        .fetch_all(&self.pool)
        .await?;
        let wrong = |error: serde_json::Error| StoreError::Inconsistent(format!("an account's state: {error}"));
        rows.into_iter()
            .map(|row| {
                let error = row.last_error.map(serde_json::from_value::<Trouble>).transpose().map_err(wrong)?;
                Ok(StoredStatus {
                    account: AccountId(row.account_id),
                    state: serde_json::from_value(row.state).map_err(wrong)?,
                    since: row.since,
                    heard_at: row.heard_at,
                    last_message_at: row.last_message_at,
                    lag_ms: row.lag_ms,
                    certificate_until: row.certificate_until,
                    last_error: error.zip(row.last_error_at),
                    updated_at: row.updated_at,
                })
            })
            .collect()
    }

    /// Returns the last day's quarters of every account, oldest first.
    pub async fn history(&self) -> Result<Vec<HistoryPoint>, StoreError> {
        let rows = sqlx::query!(
            "SELECT account_id, quarter, worst FROM account_history
             WHERE quarter > clock_timestamp() - interval '24 hours' ORDER BY quarter"
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| HistoryPoint { account: AccountId(row.account_id), quarter: row.quarter, worst: row.worst })
            .collect())
    }

    /// Removes quarters older than a week.
    pub async fn prune_history(&self) -> Result<(), StoreError> {
        sqlx::query!("DELETE FROM account_history WHERE quarter < clock_timestamp() - interval '7 days'")
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

fn backlog_of(state: &AccountState) -> i64 {
    let AccountState::CatchingUp { done, total } = state else { return 0 };
    i64::try_from(total.saturating_sub(*done)).unwrap_or(i64::MAX)
}

const fn worst_of(state: &AccountState) -> i16 {
    match state {
        AccountState::Idle | AccountState::Elsewhere { .. } | AccountState::Stopped => 1,
        AccountState::Live => 2,
        AccountState::Connecting | AccountState::CatchingUp { .. } => 3,
        AccountState::BackingOff { .. } | AccountState::Limited { .. } => 4,
        AccountState::NeedsSignIn { .. } | AccountState::Misconfigured { .. } => 5,
    }
}
