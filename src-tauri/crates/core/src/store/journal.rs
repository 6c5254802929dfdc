//! Facts with a sequence number, written in the transaction of what they tell of.

use std::{collections::BTreeMap, str::FromStr};

use sqlx::{PgConnection, postgres::PgListener};
use time::OffsetDateTime;

use super::{Store, StoreError};
use crate::model::{AccountId, ConversationId, MessageId};

/// What happened. Facts name things by id, never by text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FactKind {
    /// A message is there.
    MessageStored,
    /// A message's read or answered mark changed.
    MessageMarked,
    /// A message was found to be gone from its server.
    MessageGone,
    /// A message says something else now, has other reactions, or its file was fetched.
    MessageEdited,
    /// A conversation's summary changed.
    ConversationChanged,
    /// A conversation became part of another one, or was removed with the data of whom it was with.
    ConversationMerged,
    /// A text on its way out is somewhere else now.
    OutgoingChanged,
    /// An account was added.
    AccountAdded,
    /// An account's settings changed.
    AccountChanged,
    /// An account was removed.
    AccountRemoved,
    /// An account's listener changed its state.
    AccountStateChanged,
}

impl FactKind {
    /// The word the database and the command line use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MessageStored => "message_stored",
            Self::MessageMarked => "message_marked",
            Self::MessageGone => "message_gone",
            Self::MessageEdited => "message_edited",
            Self::OutgoingChanged => "outgoing_changed",
            Self::ConversationChanged => "conversation_changed",
            Self::ConversationMerged => "conversation_merged",
            Self::AccountAdded => "account_added",
            Self::AccountChanged => "account_changed",
            Self::AccountRemoved => "account_removed",
            Self::AccountStateChanged => "account_state_changed",
        }
    }
}

impl FromStr for FactKind {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "message_stored" => Self::MessageStored,
            "message_marked" => Self::MessageMarked,
            "message_gone" => Self::MessageGone,
            "message_edited" => Self::MessageEdited,
            "outgoing_changed" => Self::OutgoingChanged,
            "conversation_changed" => Self::ConversationChanged,
            "conversation_merged" => Self::ConversationMerged,
            "account_added" => Self::AccountAdded,
            "account_changed" => Self::AccountChanged,
            "account_removed" => Self::AccountRemoved,
            "account_state_changed" => Self::AccountStateChanged,
            other => return Err(StoreError::Inconsistent(format!("journal kind {other:?}"))),
        })
    }
}

/// A fact before it has its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fact {
    /// What happened.
    pub kind: FactKind,
    /// To which conversation.
    pub conversation: Option<ConversationId>,
    /// To which message.
    pub message: Option<MessageId>,
}

/// A fact in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalEntry {
    /// Whose sequence it belongs to.
    pub account: AccountId,
    /// Its number, counted from 1 without gaps.
    pub seq: i64,
    /// What happened.
    pub fact: Fact,
    /// When, by the database's clock.
    pub at: OffsetDateTime,
}

/// How far a reader has read each account's sequence.
pub type Vector = BTreeMap<AccountId, i64>;

/// Writes facts as the last statement of a transaction. Returns the last number taken; without facts nothing is asked.
pub(super) async fn announce(
    connection: &mut PgConnection,
    account: AccountId,
    facts: &[Fact],
) -> Result<Option<i64>, StoreError> {
    if facts.is_empty() {
        return Ok(None);
    }
    let kinds: Vec<String> = facts.iter().map(|fact| fact.kind.as_str().to_owned()).collect();
    let conversations: Vec<Option<uuid::Uuid>> = facts.iter().map(|fact| fact.conversation.map(|id| id.0)).collect();
    let messages: Vec<Option<uuid::Uuid>> = facts.iter().map(|fact| fact.message.map(|id| id.0)).collect();
    let last = sqlx::query_scalar!(
        "SELECT announce($1, $2, $3, $4)",
        account.0,
        &kinds,
        &conversations as &[Option<uuid::Uuid>],
        &messages as &[Option<uuid::Uuid>],
    )
    .fetch_one(connection)
    .await?;
    Ok(last)
}

/// Wakes when somebody announced something. A hint only: what counts is what stands in the journal.
#[derive(Debug)]
pub struct JournalListener {
    listener: PgListener,
    lost: tokio::sync::watch::Receiver<()>,
}

impl JournalListener {
    /// Waits for the next hint. Also returns when the connection was lost and restored, since hints sent in between
    /// are gone: the caller reads on from its vector either way.
    ///
    /// # Errors
    /// The connection is lost, or likely to be (see [`Store::connections_lost`]): the caller needs a new listener.
    pub async fn wait(&mut self) -> Result<(), StoreError> {
        let first = tokio::select! {
            first = self.listener.try_recv() => first?,
            _ = self.lost.changed() => return Err(StoreError::no_answer()),
        };
        if first.is_some() {
            // Hints that are already here say the same thing: read on.
            while self.listener.next_buffered().is_some() {}
        }
        Ok(())
    }
}

impl Store {
    /// Writes facts in a transaction of their own, for things that are not stored in this database.
    pub async fn announce(&self, account: AccountId, facts: &[Fact]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        announce(&mut tx, account, facts).await?;
        Ok(tx.commit().await?)
    }

    /// Starts listening for hints on a connection of its own.
    pub async fn journal_listener(&self) -> Result<JournalListener, StoreError> {
        let lost = self.lost.subscribe();
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.ignore_pool_close_event(true);
        listener.listen("skrynka_journal").await?;
        Ok(JournalListener { listener, lost })
    }

    /// Returns where every sequence stands, or that of `only` one account.
    pub async fn journal_vector(&self, only: Option<AccountId>) -> Result<Vector, StoreError> {
        let rows = sqlx::query!(
            "SELECT account_id, last FROM journal_counters WHERE account_id = $1 OR $1 IS NULL",
            only.map(|account| account.0)
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|row| (AccountId(row.account_id), row.last)).collect())
    }

    /// Returns at most `limit` entries beyond `vector`, in order within each account, or of `only` one account.
    ///
    /// An account that is missing from `vector` is read from its first entry. Whether older entries were pruned is
    /// seen by the first number: sequences have no gaps.
    pub async fn journal_after(
        &self,
        vector: &Vector,
        only: Option<AccountId>,
        limit: i64,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        let accounts: Vec<uuid::Uuid> = vector.keys().map(|account| account.0).collect();
        let seen: Vec<i64> = vector.values().copied().collect();
        let rows = sqlx::query!(
            r#"SELECT fact.account_id AS "account_id!", fact.seq AS "seq!", fact.kind AS "kind!",
                      fact.conversation_id, fact.message_id, fact.at AS "at!"
               FROM journal_counters counter
               LEFT JOIN unnest($1::uuid[], $2::bigint[]) AS seen (account_id, seq) USING (account_id)
               CROSS JOIN LATERAL (
                   SELECT j.* FROM journal j
                   WHERE j.account_id = counter.account_id AND j.seq > coalesce(seen.seq, 0)
                   ORDER BY j.seq LIMIT $3
               ) fact
               WHERE counter.last > coalesce(seen.seq, 0) AND (counter.account_id = $4 OR $4 IS NULL)
               ORDER BY fact.account_id, fact.seq
               LIMIT $3"#,
            &accounts,
            &seen,
            limit,
            only.map(|account| account.0),
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(JournalEntry {
                    account: AccountId(row.account_id),
                    seq: row.seq,
                    fact: Fact {
                        kind: row.kind.parse()?,
                        conversation: row.conversation_id.map(ConversationId),
                        message: row.message_id.map(MessageId),
                    },
                    at: row.at,
                })
            })
            .collect()
    }

    /// Removes facts older than `before`. Who is further behind sees a gap and takes a new snapshot.
    pub async fn prune_journal(&self, before: OffsetDateTime) -> Result<u64, StoreError> {
        Ok(sqlx::query!("DELETE FROM journal WHERE at < $1", before).execute(&self.pool).await?.rows_affected())
    }
}
