//! The server itself, for diagnostics.

use std::time::Duration;

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

    /// Asks the server what it is.
    pub async fn server(&self) -> Result<Server, StoreError> {
        let asked = tokio::time::Instant::now();
        let row = sqlx::query!(
            r#"SELECT current_setting('server_version') AS "version!", current_setting('fsync') = 'on' AS "fsync!",
                      current_setting('data_checksums') = 'on' AS "checksums!",
                      pg_database_size(current_database()) AS "bytes!""#
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(Server {
            version: row.version,
            fsync: row.fsync,
            checksums: row.checksums,
            bytes: row.bytes,
            answered_in: asked.elapsed(),
        })
    }
}
