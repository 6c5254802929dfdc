//! `self_tests`: messages that somebody sends to themselves, how far they have come, and what is left of them.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Fact, FactKind, LeaseHolder, OutgoingState, Store, StoreError, journal, outgoing::wrong};
use crate::model::{AccountId, ConversationId, MessageId, OutgoingId, Trouble};

/// A row is kept so long after its server was swept: what was on its way then is known by it.
const KEPT: &str = "1 minute";
/// What was accepted and never arrived is looked for this long.
const LOOKED_FOR: &str = "1 day";

/// How far a self-test has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfTestState {
    /// When it was put on its way.
    pub began_at: OffsetDateTime,
    /// Where it stands on its way out; `None`: it was taken back.
    pub outgoing: Option<OutgoingState>,
    /// When the server accepted it.
    pub accepted_at: Option<OffsetDateTime>,
    /// Why it was not sent, or not yet.
    pub error: Option<Trouble>,
    /// When the listener had it.
    pub seen_at: Option<OffsetDateTime>,
    /// When it was stored.
    pub stored_at: Option<OffsetDateTime>,
    /// The conversation it stands in.
    pub conversation: Option<ConversationId>,
    /// Whether it is known what became of a mail's copy in the Sent folder.
    pub copy_known: bool,
}

/// A self-test that a batch brings news of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownSelfTest {
    /// Its key.
    pub id: OutgoingId,
    /// It is over: what comes of it is not stored.
    pub is_over: bool,
}

/// A self-test that something may be left of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftSelfTest {
    /// Whose it is.
    pub account: AccountId,
    /// Its key.
    pub id: OutgoingId,
    /// The run that follows, or followed, it.
    pub run: LeaseHolder,
    /// Its rows are still there.
    pub is_open: bool,
    /// Its time is over.
    pub is_late: bool,
    /// Its server is to be swept now, where its rows are gone.
    pub is_due: bool,
}

impl Store {
    /// Notes a self-test before anything of it exists, so that whatever happens then can be swept.
    pub async fn begin_self_test(
        &self,
        account: AccountId,
        id: OutgoingId,
        run: &LeaseHolder,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "INSERT INTO self_tests (account_id, id, run, run_home) VALUES ($1, $2, $3, $4)",
            account.0,
            id.0,
            run.id,
            run.home
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Returns which of these keys are self-tests of the account.
    pub async fn known_self_tests(
        &self,
        account: AccountId,
        ids: &[OutgoingId],
    ) -> Result<Vec<KnownSelfTest>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT id, ended_at IS NOT NULL AS "is_over!" FROM self_tests WHERE account_id = $1 AND id = ANY($2)"#,
            account.0,
            &ids.iter().map(|id| id.0).collect::<Vec<_>>()
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|row| KnownSelfTest { id: OutgoingId(row.id), is_over: row.is_over }).collect())
    }

    /// Notes that a self-test came back and is stored, and announces it.
    pub async fn note_self_test(
        &self,
        account: AccountId,
        id: OutgoingId,
        (seen_at, stored_at): (OffsetDateTime, OffsetDateTime),
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let noted = sqlx::query!(
            "UPDATE self_tests SET seen_at = $3, stored_at = $4
             WHERE account_id = $1 AND id = $2 AND ended_at IS NULL AND stored_at IS NULL",
            account.0,
            id.0,
            seen_at,
            stored_at
        )
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if noted == 0 {
            return Ok(());
        }
        let (message, conversation) = match find(&mut tx, account, id).await? {
            Some((message, conversation)) => (Some(message), Some(conversation)),
            None => (None, None),
        };
        let fact = Fact { kind: FactKind::MessageMarked, conversation, message };
        journal::announce(&mut tx, account, &[fact]).await?;
        Ok(tx.commit().await?)
    }

    /// Returns how far a self-test has come.
    pub async fn self_test(&self, account: AccountId, id: OutgoingId) -> Result<SelfTestState, StoreError> {
        let row = sqlx::query!(
            r#"SELECT t.began_at, t.seen_at, t.stored_at, o.state AS "state?", o.sent_at, o.error, o.conversation_id,
                      coalesce(m.copy <> 'wanted', true) AS "copy_known!"
               FROM self_tests t
               LEFT JOIN outgoing o ON o.account_id = t.account_id AND o.id = t.id
               LEFT JOIN outgoing_mails m ON m.account_id = t.account_id AND m.outgoing_id = t.id
               WHERE t.account_id = $1 AND t.id = $2"#,
            account.0,
            id.0
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(StoreError::NotFound("the self-test"))?;
        let found = find(&mut *self.pool.acquire().await?, account, id).await?;
        Ok(SelfTestState {
            began_at: row.began_at,
            outgoing: row.state.as_deref().map(OutgoingState::parse).transpose()?,
            accepted_at: row.sent_at,
            error: row.error.map(serde_json::from_value).transpose().map_err(wrong)?,
            seen_at: row.seen_at,
            stored_at: row.stored_at,
            conversation: found.map(|(_, conversation)| conversation).or(row.conversation_id.map(ConversationId)),
            copy_known: row.copy_known,
        })
    }

    /// Takes a self-test's rows away: the message, what hangs on it, what it went out as, and the conversation and contact
    /// that only it had. From here on nothing of it is stored.
    pub async fn forget_self_test(&self, account: AccountId, id: OutgoingId) -> Result<(), StoreError> {
        let mut tx = self.begin_ingest(account, None).await?;
        let ended = sqlx::query_scalar!(
            "UPDATE self_tests SET ended_at = clock_timestamp()
             WHERE account_id = $1 AND id = $2 AND ended_at IS NULL RETURNING began_at",
            account.0,
            id.0
        )
        .fetch_optional(tx.connection())
        .await?;
        let Some(began_at) = ended else { return Ok(()) };
        let marked = find_all(tx.connection(), account, id).await?;
        let sent_from = sqlx::query_scalar!(
            "DELETE FROM outgoing WHERE account_id = $1 AND id = $2 RETURNING conversation_id",
            account.0,
            id.0
        )
        .fetch_optional(tx.connection())
        .await?;
        sqlx::query!(
            "DELETE FROM mail_threads WHERE account_id = $1 AND rfc_message_id LIKE $2 || '%'",
            account.0,
            id.self_test_mark()
        )
        .execute(tx.connection())
        .await?;
        let (messages, conversations): (Vec<Uuid>, Vec<Uuid>) =
            marked.iter().map(|(message, conversation)| (message.0, conversation.0)).unzip();
        tx.delete_messages(&messages, &conversations).await?;
        let mut left: Vec<Uuid> = conversations.iter().copied().chain(sent_from.flatten()).collect();
        left.sort_unstable();
        left.dedup();
        let gone = sqlx::query!(
            "DELETE FROM conversations c
             WHERE c.account_id = $1 AND c.id = ANY($2) AND c.created_at >= $3
               AND NOT EXISTS (SELECT FROM messages m WHERE m.account_id = $1 AND m.conversation_id = c.id)
               AND NOT EXISTS (SELECT FROM outgoing o WHERE o.account_id = $1 AND o.conversation_id = c.id)
             RETURNING c.id, c.contact_id",
            account.0,
            &left,
            began_at
        )
        .fetch_all(tx.connection())
        .await?;
        let contacts: Vec<Uuid> = gone.iter().filter_map(|row| row.contact_id).collect();
        sqlx::query!(
            "DELETE FROM contacts c
             WHERE c.id = ANY($1) AND c.created_at >= $2
               AND NOT EXISTS (SELECT FROM conversations o WHERE o.contact_id = c.id)
               AND NOT EXISTS (SELECT FROM contacts o WHERE o.same_as = c.id)",
            &contacts,
            began_at
        )
        .execute(tx.connection())
        .await?;
        let mut facts: Vec<Fact> = marked
            .iter()
            .map(|(message, conversation)| Fact {
                kind: FactKind::MessageGone,
                conversation: Some(*conversation),
                message: Some(*message),
            })
            .collect();
        for conversation in left {
            // To whoever shows it, one that is gone is one that lives on in none.
            let kind = if gone.iter().any(|row| row.id == conversation) {
                FactKind::ConversationMerged
            } else {
                FactKind::ConversationChanged
            };
            facts.push(Fact { kind, conversation: Some(ConversationId(conversation)), message: None });
        }
        tx.commit(&[], &facts).await
    }

    /// Returns the self-tests of which something may be left. One counts as late `seconds` after it began.
    pub async fn left_self_tests(&self, seconds: u32) -> Result<Vec<LeftSelfTest>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT account_id, id, run, run_home, ended_at IS NULL AS "is_open!",
                      began_at < clock_timestamp() - make_interval(secs => $1::double precision) AS "is_late!",
                      -- Less and less often.
                      coalesce(clock_timestamp() - swept_at > greatest(interval '1 minute', (swept_at - ended_at) / 4),
                               true) AS "is_due!"
               FROM self_tests"#,
            f64::from(seconds)
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| LeftSelfTest {
                account: AccountId(row.account_id),
                id: OutgoingId(row.id),
                run: LeaseHolder { id: row.run, name: String::new(), home: row.run_home },
                is_open: row.is_open,
                is_late: row.is_late,
                is_due: row.is_due,
            })
            .collect())
    }

    /// Notes that a self-test's server was swept. The row goes once nothing of it can still be on its way.
    pub async fn self_test_swept(&self, account: AccountId, id: OutgoingId) -> Result<(), StoreError> {
        let kept = sqlx::query!(
            "DELETE FROM self_tests
             WHERE account_id = $1 AND id = $2 AND ended_at < clock_timestamp() - $3::text::interval
               AND (seen_at IS NOT NULL OR began_at < clock_timestamp() - $4::text::interval)",
            account.0,
            id.0,
            KEPT,
            LOOKED_FOR
        )
        .execute(&self.pool)
        .await?
        .rows_affected()
            == 0;
        if kept {
            sqlx::query!(
                "UPDATE self_tests SET swept_at = clock_timestamp() WHERE account_id = $1 AND id = $2",
                account.0,
                id.0
            )
            .execute(&self.pool)
            .await?;
        }
        Ok(())
    }
}

/// The message of a self-test and its conversation.
async fn find(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    id: OutgoingId,
) -> Result<Option<(MessageId, ConversationId)>, StoreError> {
    Ok(find_all(connection, account, id).await?.pop())
}

/// Of a mail its Message-ID begins with the mark; a chat's text holds it, and stands where that went.
async fn find_all(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    id: OutgoingId,
) -> Result<Vec<(MessageId, ConversationId)>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT m.id AS "id!", m.conversation_id AS "conversation_id!" FROM messages m
           JOIN outgoing_mails o ON o.account_id = m.account_id AND o.rfc_message_id = m.rfc_message_id
           WHERE m.account_id = $1 AND m.direction = 'out' AND o.outgoing_id = $2
           UNION
           SELECT m.id, m.conversation_id FROM messages m
           JOIN self_tests t ON t.account_id = m.account_id AND t.id = $2
           JOIN outgoing o ON o.account_id = m.account_id AND o.id = $2
           WHERE m.account_id = $1 AND m.conversation_id = o.conversation_id
             AND m.received_at > t.began_at - interval '1 hour' AND strpos(m.body_text, $3) > 0"#,
        account.0,
        id.0,
        id.self_test_mark()
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (MessageId(row.id), ConversationId(row.conversation_id))).collect())
}
