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
}

impl Store {
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
                         chat_messages, message_versions, reactions, attachments, outgoing"
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
                      a.longest AS "longest!"
               FROM (SELECT count(*) AS connections,
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
        })
    }
}
