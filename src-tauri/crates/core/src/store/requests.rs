//! `requests`: what a program asks of the one that listens to an account.

use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use super::{LeaseToken, Store, StoreError};
use crate::model::AccountId;

/// A request that this program took.
#[derive(Debug)]
pub struct TakenRequest {
    /// Its name.
    pub id: Uuid,
    /// Whose server it is for.
    pub account: AccountId,
    /// The lease that it was taken under.
    pub lease: LeaseToken,
    /// What is asked.
    pub asked: Value,
}

/// Where a request stands.
#[derive(Debug)]
pub enum RequestState {
    /// Nobody has taken it.
    Waiting,
    /// A program is at it.
    Taken,
    /// It was answered, and is forgotten now.
    Answered(Value),
    /// The account was removed meanwhile.
    Gone,
}

impl Store {
    /// Asks the program that listens to an account, and wakes it.
    pub async fn ask(&self, id: Uuid, account: AccountId, asked: &Value) -> Result<(), StoreError> {
        sqlx::query!(
            "WITH asked AS (INSERT INTO requests (id, account_id, asked) VALUES ($1, $2, $3) RETURNING account_id)
             SELECT pg_notify('skrynka_requests', account_id::text) FROM asked",
            id,
            account.0,
            asked
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(())
    }

    /// Takes the oldest request for one of the accounts that are listened to under these leases. What was asked longer
    /// than `patience` ago and was not taken is given up; what another lease's holder took and left is taken anew, until
    /// ten times as long ago.
    pub async fn take_request(
        &self,
        held: &[(AccountId, LeaseToken)],
        patience: Duration,
    ) -> Result<Option<TakenRequest>, StoreError> {
        let (accounts, tokens): (Vec<Uuid>, Vec<i64>) = held.iter().map(|(id, lease)| (id.0, lease.0)).unzip();
        let taken = sqlx::query!(
            r#"UPDATE requests SET taken_by = found.token
               FROM (SELECT r.id, l.token
                     FROM requests r
                     JOIN leases l ON l.account_id = r.account_id AND l.holder IS NOT NULL
                     JOIN unnest($1::uuid[], $2::bigint[]) AS held (account_id, token)
                          ON held.account_id = l.account_id AND held.token = l.token
                     WHERE r.answer IS NULL
                       AND (r.taken_by IS NULL OR r.taken_by < l.token)
                       AND r.asked_at > clock_timestamp()
                           - make_interval(secs => $3::double precision * CASE WHEN r.taken_by IS NULL THEN 1 ELSE 10 END)
                     ORDER BY r.asked_at LIMIT 1 FOR UPDATE OF r SKIP LOCKED) AS found
               WHERE requests.id = found.id
               RETURNING requests.id, requests.account_id, requests.asked, found.token AS "token!""#,
            &accounts,
            &tokens,
            patience.as_secs_f64()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(taken.map(|row| TakenRequest {
            id: row.id,
            account: AccountId(row.account_id),
            lease: LeaseToken(row.token),
            asked: row.asked,
        }))
    }

    /// Answers a request that was taken, and wakes who asked.
    pub async fn answer_request(&self, request: &TakenRequest, answer: &Value) -> Result<(), StoreError> {
        sqlx::query!(
            "WITH answered AS (
                 UPDATE requests SET answer = $3 WHERE id = $1 AND taken_by = $2 AND answer IS NULL RETURNING id)
             SELECT pg_notify('skrynka_answers', id::text) FROM answered",
            request.id,
            request.lease.0,
            answer
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(())
    }

    /// Returns where a request stands. One that was answered is forgotten with that.
    pub async fn request_state(&self, id: Uuid) -> Result<RequestState, StoreError> {
        let answered = sqlx::query_scalar!(
            r#"DELETE FROM requests WHERE id = $1 AND answer IS NOT NULL RETURNING answer AS "answer!""#,
            id
        )
        .fetch_optional(&self.pool)
        .await?;
        if let Some(answer) = answered {
            return Ok(RequestState::Answered(answer));
        }
        let row = sqlx::query!("SELECT taken_by FROM requests WHERE id = $1", id).fetch_optional(&self.pool).await?;
        Ok(match row.map(|row| row.taken_by) {
            None => RequestState::Gone,
            Some(None) => RequestState::Waiting,
            Some(Some(_)) => RequestState::Taken,
        })
    }

    /// Takes back a request that is not answered, so that nobody carries it out later; one that was taken only with
    /// `taken`, where its taker is gone. Tells whether it could be.
    pub async fn withdraw_request(&self, id: Uuid, taken: bool) -> Result<bool, StoreError> {
        let withdrawn = sqlx::query!(
            "DELETE FROM requests WHERE id = $1 AND answer IS NULL AND (taken_by IS NULL OR $2)",
            id,
            taken
        );
        Ok(withdrawn.execute(&self.pool).await?.rows_affected() > 0)
    }

    /// Removes requests that nobody waits for any more.
    pub async fn prune_requests(&self) -> Result<(), StoreError> {
        sqlx::query!("DELETE FROM requests WHERE asked_at < clock_timestamp() - interval '2 hours'")
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
