//! The server itself, for diagnostics.

use std::time::Duration;

use time::OffsetDateTime;

use super::{Store, StoreError};

/// What the server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its version, as in `18.4`.
    pub version: String,
    /// Whether what is committed survives a power cut.
    pub fsync: bool,
    /// Whether a damaged page is noticed.
    pub checksums: bool,
    /// The size of the database in bytes.
    pub bytes: i64,
    /// How long it took to answer.
    pub answered_in: Duration,
    /// How far its clock is ahead of `now`, in milliseconds, half of the way there and back taken off.
    pub ahead_ms: i64,
    /// Connections to this database, of every program.
    pub connections: i64,
    /// Connections that the server takes in all.
    pub max_connections: i64,
    /// How long the longest statement has been running that this role may see.
    pub longest: Duration,
    /// Statements that wait for another one to let go of a lock.
    pub locked: i64,
}

/// What goes out and has not gone, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unsent {
    /// All of it.
    pub all: i64,
    /// What is due for longer than was asked.
    pub late: i64,
    /// What cannot go.
    pub failed: i64,
    /// Of which nobody knows.
    pub uncertain: i64,
}

/// A column that is not as the migrations made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongColumn {
    /// Table and column.
    pub name: String,
    /// Its type, with `null` where it may be empty; `None` where it is missing.
    pub is: Option<String>,
    /// What it should be, in the same way.
    pub due: String,
}

/// What every column of the schema is, once all migrations are applied.
const COLUMNS: &str = include_str!("columns.txt");

/// A table, for a support report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSize {
    /// Its name.
    pub name: String,
    /// About how many rows it has: the server's own estimate, which counts nothing.
    pub rows: i64,
    /// With its indexes, in bytes.
    pub bytes: i64,
}

/// A column, for a support report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// Its type as the server writes it.
    pub kind: String,
    /// Whether it may be empty.
    pub nullable: bool,
}

/// How much waits in each queue, for a support report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queues {
    /// What goes out and has not gone, by its state.
    pub outgoing: Vec<(String, i64)>,
    /// Batches that the search index has not taken.
    pub search: i64,
    /// Messages that could not be read.
    pub quarantined: i64,
    /// Facts in the journal.
    pub facts: i64,
}

impl Store {
    /// Returns every table of the schema with its size.
    pub async fn table_sizes(&self) -> Result<Vec<TableSize>, StoreError> {
        Ok(sqlx::query_as!(
            TableSize,
            r#"SELECT c.relname AS "name!", greatest(c.reltuples, s.n_live_tup)::bigint AS "rows!",
                      pg_total_relation_size(c.oid) AS "bytes!"
               FROM pg_class c LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
               WHERE c.relnamespace = to_regnamespace('skrynka') AND c.relkind IN ('r', 'p') ORDER BY c.relname"#
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Returns every column of the schema with its type.
    pub async fn columns(&self) -> Result<Vec<Column>, StoreError> {
        Ok(sqlx::query_as!(
            Column,
            r#"SELECT c.relname AS "table!", a.attname AS "name!", format_type(a.atttypid, a.atttypmod) AS "kind!",
                      NOT a.attnotnull AS "nullable!"
               FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
               WHERE c.relnamespace = to_regnamespace('skrynka') AND c.relkind IN ('r', 'p') AND a.attnum > 0
                     AND NOT a.attisdropped
               ORDER BY c.relname, a.attnum"#
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Counts what goes out and has not gone. What was due before `due` is late.
    pub async fn count_unsent(&self, due: OffsetDateTime) -> Result<Unsent, StoreError> {
        Ok(sqlx::query_as!(
            Unsent,
            r#"SELECT count(*) AS "all!",
                      count(*) FILTER (WHERE o.state IN ('waiting', 'sending')
                                       AND coalesce(o.send_at, o.created_at) < $1) AS "late!",
                      count(*) FILTER (WHERE o.state = 'failed') AS "failed!",
                      count(*) FILTER (WHERE o.state = 'uncertain') AS "uncertain!"
               FROM outgoing o JOIN accounts a ON a.id = o.account_id AND a.removed_at IS NULL
               WHERE o.state <> 'sent'"#,
            due
        )
        .fetch_one(&self.pool)
        .await?)
    }

    /// Compares every column with what the migrations made: its type, and whether it may be empty. Returns those that are
    /// missing or other, with what they are and should be. `None`: a newer program's migrations are applied, which this one
    /// does not know. What somebody added is passed over.
    pub async fn wrong_columns(&self) -> Result<Option<Vec<WrongColumn>>, StoreError> {
        if self.is_migrated_beyond().await? {
            return Ok(None);
        }
        let columns = self.columns().await?;
        let kind = |name: &str| {
            let found = columns.iter().find(|column| name == format!("{}.{}", column.table, column.name))?;
            Some(format!("{}{}", found.kind, if found.nullable { " null" } else { "" }))
        };
        let lines = COLUMNS.lines().filter_map(|line| line.split_once(' '));
        let wrong = lines.filter_map(|(name, due)| match kind(name) {
            Some(is) if is == due => None,
            is => Some(WrongColumn { name: name.to_owned(), is, due: due.to_owned() }),
        });
        Ok(Some(wrong.collect()))
    }

    /// Counts what waits.
    pub async fn queues(&self) -> Result<Queues, StoreError> {
        let outgoing = sqlx::query!(
            r#"SELECT state AS "state!", count(*) AS "n!" FROM outgoing WHERE state <> 'sent' GROUP BY state ORDER BY 1"#
        )
        .fetch_all(&self.pool)
        .await?;
        let counts = sqlx::query!(
            r#"SELECT (SELECT count(*) FROM search_queue) AS "search!",
                      (SELECT count(*) FROM quarantine) AS "quarantined!", (SELECT count(*) FROM journal) AS "facts!""#
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(Queues {
            outgoing: outgoing.into_iter().map(|row| (row.state, row.n)).collect(),
            search: counts.search,
            quarantined: counts.quarantined,
            facts: counts.facts,
        })
    }

    /// Lets the planner look at the tables that ingest fills, unless it knows of half as many messages as `stored`.
    pub async fn refresh_statistics(&self, stored: i64) -> Result<(), StoreError> {
        let known = sqlx::query_scalar!(
            r#"SELECT reltuples::bigint AS "known!" FROM pg_class WHERE oid = 'messages'::regclass"#
        )
        .fetch_one(&self.pool)
        .await?;
        if known < stored / 2 {
            sqlx::query!(
                "ANALYZE messages, message_places, conversations, mail_threads, contacts, contact_handles,
                         chat_messages, message_versions, reactions, attachments, outgoing, outgoing_mails"
            )
            .execute(&self.pool)
            .await?;
        }
        Ok(())
    }

    /// Asks the server what it is. `now` is the time here.
    pub async fn server(&self, now: OffsetDateTime) -> Result<Server, StoreError> {
        let asked = tokio::time::Instant::now();
        let row = sqlx::query!(
            r#"SELECT current_setting('server_version') AS "version!", current_setting('fsync') = 'on' AS "fsync!",
                      current_setting('data_checksums') = 'on' AS "checksums!",
                      pg_database_size(current_database()) AS "bytes!", clock_timestamp() AS "now!",
                      current_setting('max_connections')::bigint AS "max_connections!", a.connections AS "connections!",
                      a.longest AS "longest!", a.locked AS "locked!"
               FROM (SELECT count(*) AS connections, count(*) FILTER (WHERE wait_event_type = 'Lock') AS locked,
                            coalesce(max(extract(epoch FROM clock_timestamp() - query_start))
                                FILTER (WHERE state = 'active' AND pid <> pg_backend_pid()), 0)::double precision AS longest
                     FROM pg_stat_activity
                     WHERE datname = current_database() AND backend_type = 'client backend') AS a"#
        )
        .fetch_one(&self.pool)
        .await?;
        let answered_in = asked.elapsed();
        let ahead = row.now - now - time::Duration::try_from(answered_in / 2).unwrap_or_default();
        Ok(Server {
            version: row.version,
            fsync: row.fsync,
            checksums: row.checksums,
            bytes: row.bytes,
            answered_in,
            ahead_ms: i64::try_from(ahead.whole_milliseconds()).unwrap_or(i64::MAX),
            connections: row.connections,
            max_connections: row.max_connections,
            longest: Duration::try_from_secs_f64(row.longest).unwrap_or_default(),
            locked: row.locked,
        })
    }
}
