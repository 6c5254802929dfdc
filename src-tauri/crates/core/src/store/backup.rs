//! Every table copied out of one snapshot, and copied back in one transaction.
//!
//! The statements name the tables that the catalogue has at that moment: they cannot be checked when they are compiled.

use std::borrow::Cow;

use futures_util::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Transaction, migrate::Migrator, postgres::PgCopyIn};

use super::{
    SCHEMA, Store, StoreError,
    migrate::{MIGRATOR, migration_failed, refuse_newer_schema},
};

/// What is of no use on another day or another computer: who listens, what programs ask of one another, and the note of
/// which migrations are applied, which restoring writes itself.
const LEFT_OUT: [&str; 3] = ["_sqlx_migrations", "leases", "requests"];
/// Rows are handed on in pieces of about this many bytes.
const PIECE: usize = 256 << 10;

/// A table of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupTable {
    /// Its name.
    pub name: String,
    /// Its columns in the order in which they are copied; computed ones are left out.
    pub columns: Vec<String>,
}

/// What a snapshot of the database holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotFacts {
    /// The bureau's own id.
    pub bureau: uuid::Uuid,
    /// The migrations that are applied.
    pub migrations: Vec<i64>,
    /// The tables.
    pub tables: Vec<BackupTable>,
    /// Accounts that were not removed.
    pub accounts: i64,
    /// Messages.
    pub messages: i64,
}

/// The database as it was at one moment, whatever is written meanwhile.
pub struct Snapshot {
    tx: Transaction<'static, Postgres>,
}

/// A database that is being filled from a backup. Dropped before [`Restoration::finish`], it is as it was.
pub struct Restoration {
    tx: Transaction<'static, Postgres>,
    tables: Vec<BackupTable>,
    /// Foreign keys, which stand in the way until everything is there: table, name and definition.
    keys: Vec<(String, String, String)>,
}

/// One table that is being filled.
pub struct TableCopy<'a> {
    copy: PgCopyIn<&'a mut PgConnection>,
}

/// Why a database was not filled from a backup. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// There are accounts in it already.
    #[error(
        "the database holds {accounts} accounts already; restore into a new profile, or say that all of it is to be replaced"
    )]
    NotEmpty {
        /// How many.
        accounts: i64,
    },
    /// A program listens to an account.
    #[error("{program} works with this database; end it first")]
    InUse {
        /// What it calls itself.
        program: String,
    },
    /// The backup's tables are not those that its migrations make.
    #[error("the backup's tables are not those of its version: {0}")]
    OtherTables(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for RestoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Store {
    /// Takes a snapshot of everything. It holds nobody up; what is written meanwhile is not in it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_backup(&self) -> Result<Snapshot, StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query!("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").execute(&mut *tx).await?;
        take_time(&mut tx).await?;
        Ok(Snapshot { tx })
    }

    /// Tells which of these migrations this program does not know.
    pub fn unknown_migrations(migrations: &[i64]) -> Vec<i64> {
        let known = |version: &&i64| !MIGRATOR.iter().any(|migration| migration.version == **version);
        migrations.iter().filter(known).copied().collect()
    }

    /// Begins to fill the database: its schema is made anew as it was with `migrations`. What was there is gone once the
    /// restoration is finished, and only then; with accounts in it, that has to be asked for (`replace`).
    ///
    /// # Errors
    /// See [`RestoreError`].
    pub async fn begin_restoration(&self, migrations: &[i64], replace: bool) -> Result<Restoration, RestoreError> {
        let mut tx = self.begin().await?;
        take_time(&mut tx).await?;
        // Whoever migrates at this moment is waited for, and waits.
        sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('skrynka migration'))").execute(&mut *tx).await?;
        refuse_newer_schema(&mut tx).await?;
        refuse_to_replace(&mut tx, replace).await?;
        sqlx::query!("DROP SCHEMA IF EXISTS skrynka CASCADE").execute(&mut *tx).await?;
        sqlx::query!("CREATE SCHEMA skrynka").execute(&mut *tx).await?;
        let then: Vec<_> = MIGRATOR.iter().filter(|one| migrations.contains(&one.version)).cloned().collect();
        let as_then = Migrator { migrations: Cow::Owned(then), locking: false, ..MIGRATOR };
        as_then.run_direct(None, &mut *tx, false).await.map_err(migration_failed)?;
        let tables = tables(&mut tx).await?;
        let keys = take_off_keys(&mut tx).await?;
        let all: Vec<String> = tables.iter().map(|table| quoted(&table.name)).collect();
        run(&mut tx, format!("TRUNCATE {}", all.join(", "))).await?;
        Ok(Restoration { tx, tables, keys })
    }
}

impl Snapshot {
    /// Tells what the snapshot holds.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn facts(&mut self) -> Result<SnapshotFacts, StoreError> {
        let tx = &mut *self.tx;
        let migrations: Vec<i64> =
            sqlx::query_scalar("SELECT version FROM skrynka._sqlx_migrations WHERE success ORDER BY version")
                .fetch_all(&mut *tx)
                .await?;
        let counts = sqlx::query!(
            r#"SELECT (SELECT id FROM bureau) AS "bureau!",
                      (SELECT count(*) FROM accounts WHERE removed_at IS NULL) AS "accounts!",
                      (SELECT count(*) FROM messages) AS "messages!""#
        )
        .fetch_one(&mut *tx)
        .await?;
        let tables = tables(tx).await?;
        Ok(SnapshotFacts {
            bureau: counts.bureau,
            migrations,
            tables,
            accounts: counts.accounts,
            messages: counts.messages,
        })
    }

    /// Hands over the rows of a table in COPY's text form, piece by piece, each of whole rows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn copy_out(
        &mut self,
        table: &BackupTable,
    ) -> Result<BoxStream<'_, Result<Vec<u8>, StoreError>>, StoreError> {
        let statement = format!("COPY {} TO STDOUT", named(table));
        let rows = self.tx.copy_out_raw(&statement).await?;
        let pieces = stream::try_unfold(Some(rows), |rows| async move {
            let Some(mut rows) = rows else { return Ok(None) };
            let mut piece = Vec::with_capacity(PIECE);
            while piece.len() < PIECE {
                match rows.try_next().await? {
                    Some(row) => piece.extend_from_slice(&row),
                    None if piece.is_empty() => return Ok(None),
                    None => return Ok(Some((piece, None))),
                }
            }
            Ok::<_, StoreError>(Some((piece, Some(rows))))
        });
        Ok(pieces.boxed())
    }
}

impl Restoration {
    /// The tables that are to be filled.
    pub fn tables(&self) -> &[BackupTable] {
        &self.tables
    }

    /// Begins to fill a table.
    ///
    /// # Errors
    /// [`RestoreError`].
    pub async fn copy_in(&mut self, table: &BackupTable) -> Result<TableCopy<'_>, RestoreError> {
        if !self.tables.contains(table) {
            return Err(RestoreError::OtherTables(table.name.clone()));
        }
        let statement = format!("COPY {} FROM STDIN", named(table));
        Ok(TableCopy { copy: self.tx.copy_in_raw(&statement).await? })
    }

    /// Ends it: everything is there, or nothing. What was on its way out is uncertain from here on, since it may have gone
    /// out after the backup was made; a mail among it is looked for in its Sent folder.
    ///
    /// # Errors
    /// [`RestoreError`]: what came in does not belong together, or the schema could not be brought up to date.
    pub async fn finish(mut self) -> Result<(), RestoreError> {
        let tx = &mut *self.tx;
        for (table, name, definition) in &self.keys {
            run(tx, format!("ALTER TABLE {} ADD CONSTRAINT {} {definition}", quoted(table), quoted(name))).await?;
        }
        // A number that is given next follows all that were given.
        let counters: Vec<(String, String)> = sqlx::query_as(
            "SELECT c.relname::text, a.attname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
             WHERE c.relnamespace = to_regnamespace('skrynka') AND c.relkind = 'r' AND a.attidentity <> ''",
        )
        .fetch_all(&mut *tx)
        .await?;
        for (table, column) in counters {
            let sequence = format!("pg_get_serial_sequence('skrynka.{table}', '{column}')");
            let (table, column) = (quoted(&table), quoted(&column));
            run(tx, format!("SELECT setval({sequence}, coalesce(max({column}), 0) + 1, false) FROM {table}")).await?;
        }
        MIGRATOR.run_direct(None, &mut *tx, false).await.map_err(migration_failed)?;
        sqlx::query!(
            "UPDATE outgoing_mails m SET uncertain_since = clock_timestamp() FROM outgoing o
             WHERE o.account_id = m.account_id AND o.id = m.outgoing_id AND o.state IN ('waiting', 'sending')"
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "UPDATE outgoing SET state = 'uncertain', maybe_sent = true, not_before = NULL, tries = greatest(tries, 1000)
             WHERE state IN ('waiting', 'sending')"
        )
        .execute(&mut *tx)
        .await?;
        self.tx.commit().await?;
        Ok(())
    }
}

impl TableCopy<'_> {
    /// Hands over a piece of the table.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn send(&mut self, piece: &[u8]) -> Result<(), StoreError> {
        self.copy.send(piece).await?;
        Ok(())
    }

    /// Ends the table and returns how many rows it got.
    ///
    /// # Errors
    /// [`StoreError`]: a row cannot be.
    pub async fn finish(self) -> Result<u64, StoreError> {
        Ok(self.copy.finish().await?)
    }
}

/// Copying takes as long as it takes.
async fn take_time(tx: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!("SET LOCAL statement_timeout = 0").execute(&mut *tx).await?;
    sqlx::query!("SET LOCAL idle_in_transaction_session_timeout = 0").execute(&mut *tx).await?;
    Ok(())
}

async fn refuse_to_replace(tx: &mut PgConnection, replace: bool) -> Result<(), RestoreError> {
    let is_there = sqlx::query_scalar!(r#"SELECT to_regclass('skrynka.leases') IS NOT NULL AS "there!""#)
        .fetch_one(&mut *tx)
        .await?;
    if !is_there {
        return Ok(());
    }
    let holder = sqlx::query_scalar!(
        "SELECT holder_name FROM leases WHERE holder IS NOT NULL AND expires_at > clock_timestamp() LIMIT 1"
    )
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(program) = holder {
        return Err(RestoreError::InUse { program });
    }
    let accounts = sqlx::query_scalar!(r#"SELECT count(*) AS "n!" FROM accounts"#).fetch_one(&mut *tx).await?;
    if accounts > 0 && !replace { Err(RestoreError::NotEmpty { accounts }) } else { Ok(()) }
}

async fn tables(connection: &mut PgConnection) -> Result<Vec<BackupTable>, StoreError> {
    let left_out: Vec<String> = LEFT_OUT.iter().map(|name| (*name).to_owned()).collect();
    let rows = sqlx::query!(
        r#"SELECT c.relname AS "name!", array_agg(a.attname::text ORDER BY a.attnum) AS "columns!"
           FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
           WHERE c.relnamespace = to_regnamespace($1) AND c.relkind = 'r' AND c.relname::text <> ALL($2)
                 AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
           GROUP BY c.relname ORDER BY c.relname"#,
        SCHEMA,
        &left_out
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| BackupTable { name: row.name, columns: row.columns }).collect())
}

/// Takes every foreign key off and returns what puts it back.
async fn take_off_keys(tx: &mut PgConnection) -> Result<Vec<(String, String, String)>, StoreError> {
    let keys: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT c.relname::text, k.conname::text, pg_get_constraintdef(k.oid) FROM pg_constraint k
         JOIN pg_class c ON c.oid = k.conrelid
         WHERE k.contype = 'f' AND k.connamespace = to_regnamespace('skrynka') ORDER BY 1, 2",
    )
    .fetch_all(&mut *tx)
    .await?;
    for (table, name, _) in &keys {
        run(tx, format!("ALTER TABLE {} DROP CONSTRAINT {}", quoted(table), quoted(name))).await?;
    }
    Ok(keys)
}

async fn run(connection: &mut PgConnection, statement: String) -> Result<(), StoreError> {
    sqlx::query(AssertSqlSafe(statement)).execute(connection).await?;
    Ok(())
}

/// A table with its columns, as COPY names it.
fn named(table: &BackupTable) -> String {
    let columns: Vec<String> = table.columns.iter().map(|column| quoted(column)).collect();
    format!("skrynka.{} ({})", quoted(&table.name), columns.join(", "))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
