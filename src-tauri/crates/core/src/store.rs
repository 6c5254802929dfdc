//! The only room with SQL: one file per table, row structs private, transactions here.
//!
//! Every statement is checked against the schema when it is compiled. Functions that write return what they wrote,
//! and the journal row of a fact is written in the same transaction, so nothing is announced before it is committed.

mod accounts;
mod adopt;
mod arrivals;
mod attachments;
mod backup;
mod blobs;
mod chats;
mod completeness;
mod contacts;
mod conversations;
mod cursors;
mod drafts;
mod forgetting;
mod ingest;
mod journal;
mod leases;
mod legacy;
mod lookups;
mod messages;
mod migrate;
mod outages;
mod outgoing;
mod outgoing_mails;
mod peers;
mod people;
mod quarantine;
mod raw;
mod requests;
mod rhythm;
mod search;
mod self_tests;
mod server;
mod status;
mod templates;
mod threads;
mod tombstones;

use std::time::Duration;

use sqlx::{PgPool, Postgres, Transaction, postgres::PgPoolOptions};

use crate::{
    model::{AccountId, Place},
    postgres::ConnectOptions,
};

pub use accounts::{AccountDraft, RemovedAccount, TelegramDraft};
pub use adopt::{
    AdoptedFile, AdoptedKind, AdoptedMark, AdoptedMessage, Came, ClientCard, KeyedConversation, Note, OldSecret,
    OldSystem, OldTable, Settled, TracedMessage, Waiting, closed_to_emptying, empty_old_secret,
};
pub use attachments::{RemoteFile, StoredFile, StoredMedia};
pub use backup::{BackupTable, Restoration, RestoreError, Snapshot, SnapshotFacts, TableCopy};
pub use chats::{Answered, KnownChat, MessageVersion, NewVersion, ShownVersion, StoredChat};
pub use completeness::{Completeness, CompletenessSum};
pub use contacts::TelegramPerson;
pub use conversations::{
    ChatOfSummary, ConversationCounts, ConversationListing, ConversationPosition, ConversationSummary,
    ConversationView, MUTED_FOR_GOOD, Seen,
};
pub use drafts::StoredDraft;
pub use forgetting::{ForgetPreview, ForgetTurn, Identity, PersonHandle, Removal, Theirs};
pub(crate) use ingest::at_name;
pub use ingest::{Beginning, ChatSummary, Cleared, IngestTx, KnownPlace, NewMessage, SummaryChange};
pub use journal::{Fact, FactKind, JournalEntry, JournalListener, Vector};
pub use leases::{Bell, Bells, HeldLease, LeaseHolder, LeaseSpan, LeaseToken, TakenLease};
pub use legacy::{LegacyColumn, LegacyRepair, LegacyRepaired, look_at_legacy, repair_legacy};
pub use lookups::{ChatReach, NamedChat, Owner};
pub use messages::{ExportedFile, ExportedMessage, MessagePosition, StoredMessage};
pub use migrate::{CLIENT_VERSION, MigrationStatus};
pub use outages::Away;
pub use outgoing::{
    DueText, NotSent, OutgoingDraft, OutgoingFile, OutgoingForward, OutgoingState, StoredForward, StoredMail,
    StoredOutgoing,
};
pub(crate) use outgoing_mails::as_accepted;
pub use outgoing_mails::{DueMail, Letterhead, MailDraft, MailTry, OwnMail};
pub use people::{ContactLink, FoundPerson, Handle, HandleKind, Person};
pub use quarantine::Quarantined;
pub use requests::{RequestState, TakenRequest};
pub use rhythm::Rhythm;
pub use search::{Hit, Indexed};
pub use self_tests::{KnownSelfTest, LeftSelfTest, SelfTestState};
pub use server::{Column, Queues, Server, TableSize, Unsent, WrongColumn};
pub use status::{HistoryPoint, Standing, StoredStatus};
pub use templates::{StoredTemplate, TemplateDraft};
pub use threads::KnownThread;
pub(crate) use tombstones::{LookedFor, Tombstones};

/// The name of the schema that holds everything.
pub const SCHEMA: &str = "skrynka";

/// How long a statement waits for a free connection before the database counts as not answering.
const ACQUIRE_DEADLINE: Duration = Duration::from_secs(10);
/// The same for a batch: others may have large ones to store first.
const INGEST_ACQUIRE_DEADLINE: Duration = Duration::from_secs(60);
/// How long connections may take to say goodbye. A server that is gone is left without.
const CLOSE_DEADLINE: Duration = Duration::from_secs(5);

/// Why the store could not do what it was asked. Nothing of the failed call is kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database did not answer, or broke the connection; trying again may help.
    #[error("the database does not answer")]
    Unreachable(#[source] sqlx::Error),
    /// The database refused the role or its password.
    #[error("the database refused the sign-in")]
    SignIn(#[source] sqlx::Error),
    /// The disk under the database is full; what was stored is kept.
    #[error("the disk under the database is full")]
    DiskFull(#[source] sqlx::Error),
    /// The schema needs a newer program.
    #[error("the schema needs a program of version {needed} or newer; this one is {CLIENT_VERSION}")]
    SchemaTooNew {
        /// The least version that may use the schema.
        needed: i32,
    },
    /// A migration failed; those before it are kept and it will be tried again.
    #[error("the schema could not be brought up to date")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// What is stored cannot be understood: another program wrote it, or a defect.
    #[error("the database holds a value that cannot be: {0}")]
    Inconsistent(String),
    /// An account with this address is there already.
    #[error("an account for {0} exists already")]
    AccountExists(String),
    /// Another template has this shortcut.
    #[error("another template has the shortcut {0}")]
    ShortcutTaken(String),
    /// Another program listens to the account by now; nothing was written.
    #[error("another program listens to this account by now")]
    LeaseLost,
    /// Somebody whose data was to be removed is an account of the bureau itself.
    #[error("this is an account of the bureau; remove the account instead")]
    OwnAccount,
    /// What was asked for is not there.
    #[error("{0} does not exist")]
    NotFound(&'static str),
    /// The database refused a statement.
    #[error("the database refused a statement")]
    Refused(#[source] sqlx::Error),
    /// A temporary file with a message's bytes could not be read.
    #[error("the message's bytes could not be read")]
    Spool(#[source] std::io::Error),
}

impl StoreError {
    /// The error of a call that was given up because the database did not answer.
    pub fn no_answer() -> Self {
        Self::Unreachable(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))
    }

    /// Tells whether the same call may succeed later without anybody's help.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::DiskFull(_))
    }
}

impl From<sqlx::Error> for StoreError {
    /// Sorts by SQLSTATE (Postgres manual, appendix A).
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::Database(database) = &error {
            let code = database.code().unwrap_or_default().into_owned();
            return match code.as_str() {
                "53100" => Self::DiskFull(error),
                "28P01" | "28000" => Self::SignIn(error),
                // Class 08: connection; 57P0x: shutdown, crash, starting up; 40: serialisation; 53: resources; 25P0x: idle timeouts.
                code if code.starts_with("08")
                    || code.starts_with("57")
                    || code.starts_with("40")
                    || code.starts_with("53")
                    || code.starts_with("25P")
                    || code.starts_with("55P03") =>
                {
                    Self::Unreachable(error)
                }
                _ => Self::Refused(error),
            };
        }
        if matches!(
            error,
            sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
                | sqlx::Error::Protocol(_)
        ) {
            return Self::Unreachable(error);
        }
        Self::Refused(error)
    }
}

/// The bureau's database.
#[derive(Debug, Clone)]
pub struct Store {
    pool: PgPool,
    /// Connections that only ingest uses: in the common pool each batch would meet another one, whose plans and caches
    /// are cold.
    ingest: PgPool,
    /// Connections on which it is noted that mails are about to end: a server waits for it, and no other statement may
    /// hold it up.
    outbox: PgPool,
    /// Connections on which due mails are read: an outbox is empty nearly always, and its statistics say so, so that each
    /// mail would be sought by reading all of them.
    due: PgPool,
    /// Rings when connections that seem alive are likely dead.
    lost: tokio::sync::watch::Sender<()>,
}

impl Store {
    /// Connects to the database that `options` name. Does not touch the schema.
    ///
    /// At most 18 connections are opened; one that stood idle is checked before it is handed out, so that a database
    /// that was restarted or frozen is noticed instead of waited for.
    pub async fn connect(options: &ConnectOptions) -> Result<Self, StoreError> {
        let pool = options.pool(checked(8, ACQUIRE_DEADLINE));
        let ingest = options.pool(checked(6, INGEST_ACQUIRE_DEADLINE));
        let by_key = || options.by_key().pool(checked(2, ACQUIRE_DEADLINE));
        let (outbox, due) = (by_key(), by_key());
        drop(pool.acquire().await?);
        Ok(Self { pool, ingest, outbox, due, lost: tokio::sync::watch::Sender::new(()) })
    }

    /// Closes every connection, waiting for those in use, but no longer than a few seconds.
    pub async fn close(&self) {
        let all = [&self.pool, &self.ingest, &self.outbox, &self.due];
        let closed = futures_util::future::join_all(all.map(PgPool::close));
        if tokio::time::timeout(CLOSE_DEADLINE, closed).await.is_err() {
            tracing::warn!(target: "skrynka::store", "Connections left open, the database does not answer");
        }
    }

    /// Tells who waits for hints that connections which seem alive are likely dead, as after the computer slept. Those
    /// in the pool are tried before they are used.
    pub fn connections_lost(&self) {
        self.lost.send_replace(());
    }

    /// Begins a transaction that follows every other one which changes messages of this account: unread counts are
    /// changed by what was read a moment before.
    async fn begin_for(&self, account: AccountId) -> Result<Transaction<'static, Postgres>, StoreError> {
        in_turn(self.begin().await?, account).await
    }

    async fn begin(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        Ok(self.pool.begin().await?)
    }
}

/// Pools of at most `most` connections.
fn checked(most: u32, deadline: Duration) -> PgPoolOptions {
    PgPoolOptions::new().max_connections(most).acquire_timeout(deadline).test_before_acquire(false).before_acquire(
        |connection, meta| {
            Box::pin(async move {
                if meta.idle_for < Duration::from_secs(5) {
                    return Ok(true);
                }
                let ping = sqlx::Connection::ping(connection);
                Ok(matches!(tokio::time::timeout(Duration::from_secs(3), ping).await, Ok(Ok(()))))
            })
        },
    )
}

/// Waits for every other transaction that changes messages of this account.
async fn in_turn(
    mut tx: Transaction<'static, Postgres>,
    account: AccountId,
) -> Result<Transaction<'static, Postgres>, StoreError> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 7))", account.to_string())
        .execute(&mut *tx)
        .await?;
    Ok(tx)
}

/// Gives up on a database that does not answer: a connection whose other end is gone may say nothing for a quarter of
/// an hour.
pub(crate) async fn answered<T>(
    deadline: Duration,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    tokio::time::timeout(deadline, call).await.unwrap_or_else(|_| Err(StoreError::no_answer()))
}

/// Reads where a message stands from its row.
fn place(mailbox: String, epoch: i64, number: i64) -> Result<Place, StoreError> {
    let small = |n: i64| u32::try_from(n).map_err(|_| StoreError::Inconsistent(format!("a place's number {n}")));
    Ok(Place { mailbox, epoch: small(epoch)?, number: small(number)? })
}
