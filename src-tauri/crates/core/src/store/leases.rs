//! `leases`: which program listens to which account.
//!
//! A lease has three moments, all by the database's clock: until `expires_at` its holder listens, by `free_at` its
//! connections are dead and another program may take over. A token that grows with every change of hands fences:
//! [`fence`] stands in the transaction of whatever a holder writes.

use std::time::Duration;

use sqlx::postgres::PgListener;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Store, StoreError};
use crate::model::AccountId;

/// A program's run, as other programs see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseHolder {
    /// The run.
    pub id: Uuid,
    /// What it calls itself.
    pub name: String,
    /// Where it runs: the computer since it was switched on, and the profile.
    pub home: String,
}

/// Proof that a lease was ours when it was given. Grows with every change of hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeaseToken(pub i64);

/// How long a lease lasts without being renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseSpan {
    /// Its holder listens at most so long.
    pub valid: Duration,
    /// Its connections may live on so much longer, unknown to anybody.
    pub linger: Duration,
}

/// A lease that a program holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldLease {
    /// The account.
    pub account: AccountId,
    /// Who.
    pub holder: LeaseHolder,
    /// Since when.
    pub since: OffsetDateTime,
    /// Whether it is still within its time: a holder that crashed has none left.
    pub valid: bool,
    /// How long until somebody else may take over, unless it is renewed.
    pub free_in: Duration,
}

/// What came of asking for a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakenLease {
    /// It is ours.
    Ours(LeaseToken),
    /// Another program has it.
    Theirs(HeldLease),
}

struct LeaseRow {
    account_id: Uuid,
    holder: Option<Uuid>,
    holder_name: String,
    holder_home: String,
    since: OffsetDateTime,
    valid: bool,
    free_in: f64,
}

impl LeaseRow {
    fn held(self) -> Option<HeldLease> {
        Some(HeldLease {
            account: AccountId(self.account_id),
            holder: LeaseHolder { id: self.holder?, name: self.holder_name, home: self.holder_home },
            since: self.since,
            valid: self.valid,
            free_in: Duration::try_from_secs_f64(self.free_in).unwrap_or_default(),
        })
    }
}

impl Store {
    /// Takes the account's lease for `holder` where nobody has it, where its time is over, or where its holder is
    /// `dead`, which the caller has seen with its own eyes.
    pub async fn take_lease(
        &self,
        account: AccountId,
        holder: &LeaseHolder,
        span: LeaseSpan,
        dead: Option<Uuid>,
    ) -> Result<TakenLease, StoreError> {
        for _ in 0..3 {
            if let Some(token) = self.try_lease(account, holder, span, dead).await? {
                return Ok(TakenLease::Ours(token));
            }
            // It may be let go between the two looks.
            if let Some(held) = self.lease(account).await? {
                return Ok(TakenLease::Theirs(held));
            }
        }
        Err(StoreError::no_answer())
    }

    async fn try_lease(
        &self,
        account: AccountId,
        holder: &LeaseHolder,
        span: LeaseSpan,
        dead: Option<Uuid>,
    ) -> Result<Option<LeaseToken>, StoreError> {
        let mut tx = self.begin().await?;
        let made = sqlx::query_scalar!(
            "INSERT INTO leases (account_id, token, holder, holder_name, holder_home, expires_at, free_at)
             SELECT $1, 1, $2, $3, $4, clock_timestamp() + make_interval(secs => $5),
                    clock_timestamp() + make_interval(secs => $6)
             ON CONFLICT DO NOTHING RETURNING token",
            account.0,
            holder.id,
            holder.name,
            holder.home,
            span.valid.as_secs_f64(),
            (span.valid + span.linger).as_secs_f64(),
        )
        .fetch_optional(&mut *tx)
        .await?;
        let token = match made {
            Some(token) => Some(token),
            // A row that is locked is being written under: its holder lives.
            None => {
                sqlx::query_scalar!(
                    "UPDATE leases SET token = token + 1, holder = $2, holder_name = $3, holder_home = $4,
                            since = clock_timestamp(), expires_at = clock_timestamp() + make_interval(secs => $5),
                            free_at = clock_timestamp() + make_interval(secs => $6)
                     WHERE account_id = (
                         SELECT account_id FROM leases
                         WHERE account_id = $1 AND (holder IS NULL OR holder = $2 OR holder = $7
                                                    OR free_at <= clock_timestamp())
                         FOR UPDATE SKIP LOCKED)
                     RETURNING token",
                    account.0,
                    holder.id,
                    holder.name,
                    holder.home,
                    span.valid.as_secs_f64(),
                    (span.valid + span.linger).as_secs_f64(),
                    dead,
                )
                .fetch_optional(&mut *tx)
                .await?
            }
        };
        tx.commit().await?;
        Ok(token.map(LeaseToken))
    }

    /// Prolongs a lease. Tells whether it is still ours.
    pub async fn renew_lease(
        &self,
        account: AccountId,
        token: LeaseToken,
        span: LeaseSpan,
    ) -> Result<bool, StoreError> {
        let renewed = sqlx::query!(
            "UPDATE leases SET expires_at = clock_timestamp() + make_interval(secs => $3),
                    free_at = clock_timestamp() + make_interval(secs => $4)
             WHERE account_id = $1 AND token = $2 AND holder IS NOT NULL",
            account.0,
            token.0,
            span.valid.as_secs_f64(),
            (span.valid + span.linger).as_secs_f64(),
        )
        .execute(&self.pool)
        .await?
        .rows_affected();
        Ok(renewed > 0)
    }

    /// Lets go of a lease and wakes who waits for it. The connections made under it must be closed before.
    pub async fn release_lease(&self, account: AccountId, token: LeaseToken) -> Result<(), StoreError> {
        sqlx::query!(
            "WITH released AS (
                 UPDATE leases SET holder = NULL, expires_at = clock_timestamp(), free_at = clock_timestamp()
                 WHERE account_id = $1 AND token = $2 AND holder IS NOT NULL RETURNING account_id)
             SELECT pg_notify('skrynka_leases', account_id::text) FROM released",
            account.0,
            token.0
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(())
    }

    /// Returns who holds an account's lease, whether or not its time is over.
    pub async fn lease(&self, account: AccountId) -> Result<Option<HeldLease>, StoreError> {
        let row = sqlx::query_as!(
            LeaseRow,
            r#"SELECT account_id, holder, holder_name, holder_home, since, expires_at > clock_timestamp() AS "valid!",
                      greatest(0, extract(epoch FROM free_at - clock_timestamp()))::double precision AS "free_in!"
               FROM leases WHERE account_id = $1 AND holder IS NOT NULL"#,
            account.0
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.and_then(LeaseRow::held))
    }

    /// Returns every lease that some program holds.
    pub async fn leases(&self) -> Result<Vec<HeldLease>, StoreError> {
        let rows = sqlx::query_as!(
            LeaseRow,
            r#"SELECT account_id, holder, holder_name, holder_home, since, expires_at > clock_timestamp() AS "valid!",
                      greatest(0, extract(epoch FROM free_at - clock_timestamp()))::double precision AS "free_in!"
               FROM leases WHERE holder IS NOT NULL"#
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().filter_map(LeaseRow::held).collect())
    }

    /// Starts listening for what other programs do, on a connection of its own.
    pub async fn bells(&self) -> Result<Bells, StoreError> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.ignore_pool_close_event(true);
        listener.listen_all(["skrynka_leases", "skrynka_outgoing", "skrynka_requests", "skrynka_answers"]).await?;
        Ok(Bells { listener })
    }
}

/// Rings when another program does what somebody here may wait for. A hint only.
#[derive(Debug)]
pub struct Bells {
    listener: PgListener,
}

/// What rang.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bell {
    /// An account's lease was let go, or it has something to send.
    Account(AccountId),
    /// Something is asked of the program that listens to an account.
    Asked,
    /// Something that was asked is answered.
    Answered,
    /// The connection was lost in between: all of them may have rung.
    Lost,
}

impl Bells {
    /// Waits for the next ring.
    pub async fn wait(&mut self) -> Result<Bell, StoreError> {
        let Some(rung) = self.listener.try_recv().await? else { return Ok(Bell::Lost) };
        Ok(match rung.channel() {
            "skrynka_requests" => Bell::Asked,
            "skrynka_answers" => Bell::Answered,
            _ => rung.payload().parse().map_or(Bell::Lost, Bell::Account),
        })
    }
}

impl Store {
    /// Begins a transaction that writes news of one account. With a lease that is no longer the account's, nothing can
    /// be written.
    pub(super) async fn begin_held(
        &self,
        account: AccountId,
        lease: Option<LeaseToken>,
    ) -> Result<sqlx::Transaction<'static, sqlx::Postgres>, StoreError> {
        let mut tx = self.begin_for(account).await?;
        if let Some(token) = lease {
            fence(&mut tx, account, token).await?;
        }
        Ok(tx)
    }
}

/// Makes sure that the account is there and `token` its current lease, and stays so until the transaction ends: who
/// would take over waits for it.
pub(super) async fn fence(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    token: LeaseToken,
) -> Result<(), StoreError> {
    // KEY SHARE lets the holder renew meanwhile and keeps a taker's FOR UPDATE out.
    let ours = sqlx::query_scalar!(
        "SELECT l.token FROM leases l JOIN accounts a ON a.id = l.account_id AND a.removed_at IS NULL
         WHERE l.account_id = $1 AND l.token = $2 AND l.holder IS NOT NULL FOR KEY SHARE OF l",
        account.0,
        token.0
    )
    .fetch_optional(connection)
    .await?;
    if ours.is_some() { Ok(()) } else { Err(StoreError::LeaseLost) }
}
