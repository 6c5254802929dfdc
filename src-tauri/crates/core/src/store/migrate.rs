//! Brings the schema up to date.

use sqlx::migrate::{MigrateError, Migrator};

use super::{SCHEMA, Store, StoreError};

/// The version of this program in the schema's words: `bureau.min_client` may not be above it.
pub const CLIENT_VERSION: i32 = 6;

/// Every migration that this program knows.
pub(super) const MIGRATOR: Migrator = Migrator {
    // A schema that a newer program has migrated stays usable down to its `min_client`.
    ignore_missing: true,
    ..sqlx::migrate!("../../../migrations")
};

/// What `migrate --status` tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Versions and names that are applied.
    pub applied: Vec<(i64, String)>,
    /// Versions and names that this program knows and the schema lacks.
    pub pending: Vec<(i64, String)>,
    /// The least program version that may use the schema.
    pub min_client: i32,
}

impl Store {
    /// Brings the schema up to date under an advisory lock, so that two programs may start at once.
    ///
    /// Each migration is one transaction: an interrupted one leaves nothing and is done again at the next start.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let mut connection = self.pool.acquire().await?;
        // CREATE SCHEMA IF NOT EXISTS needs a right on the database even when there is nothing to create.
        let exists = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1) AS "exists!""#,
            SCHEMA
        )
        .fetch_one(&mut *connection)
        .await?;
        if !exists {
            let created = sqlx::query!("CREATE SCHEMA IF NOT EXISTS skrynka").execute(&mut *connection).await;
            // Two programs that start at once may both find it missing; the loser's error is the winner's schema.
            if let Err(error) = created
                && !error.as_database_error().is_some_and(|e| matches!(e.code().as_deref(), Some("23505" | "42P06")))
            {
                return Err(error.into());
            }
        }
        refuse_newer_schema(&mut connection).await?;
        let run = migrate_alone(&mut connection).await;
        // A session with changed settings must not go back to the pool.
        connection.close().await?;
        run
    }

    /// Tells whether migrations are applied that this program does not know.
    pub(super) async fn is_migrated_beyond(&self) -> Result<bool, StoreError> {
        let applied = self.migration_status().await?.applied;
        let applied: Vec<i64> = applied.into_iter().map(|(version, _)| version).collect();
        Ok(!Self::unknown_migrations(&applied).is_empty())
    }

    /// Tells which migrations are applied and which are not.
    pub async fn migration_status(&self) -> Result<MigrationStatus, StoreError> {
        let present =
            sqlx::query_scalar!(r#"SELECT to_regclass('skrynka._sqlx_migrations') IS NOT NULL AS "present!""#)
                .fetch_one(&self.pool)
                .await?;
        let rows = if present {
            sqlx::query_as::<_, (i64, String)>(
                "SELECT version, description FROM skrynka._sqlx_migrations WHERE success ORDER BY version",
            )
            .fetch_all(&self.pool)
            .await?
        } else {
            Vec::new()
        };
        let pending = MIGRATOR
            .iter()
            .filter(|migration| !rows.iter().any(|(version, _)| *version == migration.version))
            .map(|migration| (migration.version, migration.description.to_string()))
            .collect();
        let min_client = if present {
            sqlx::query_scalar!("SELECT min_client FROM bureau").fetch_optional(&self.pool).await?.unwrap_or(1)
        } else {
            1
        };
        Ok(MigrationStatus { applied: rows, pending, min_client })
    }
}

/// Waits for other programs that migrate, however long they take, and looks once more whether this one still may.
async fn migrate_alone(connection: &mut sqlx::PgConnection) -> Result<(), StoreError> {
    // Creating indexes on a large table takes as long as it takes, and so does waiting for whoever creates them.
    sqlx::query!("SET SESSION statement_timeout = 0").execute(&mut *connection).await?;
    sqlx::query!("SET SESSION lock_timeout = 0").execute(&mut *connection).await?;
    sqlx::query!("SELECT pg_advisory_lock(hashtext('skrynka migration'))").execute(&mut *connection).await?;
    refuse_newer_schema(connection).await?;
    MIGRATOR.run_direct(None, connection, false).await.map_err(migration_failed)
}

/// Tells a database that did not answer or had no room from a migration that it refused.
pub(super) fn migration_failed(error: MigrateError) -> StoreError {
    let (MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _)) = error else {
        return StoreError::Migration(error);
    };
    let sorted = StoreError::from(cause);
    if let StoreError::Refused(cause) = sorted { StoreError::Migration(MigrateError::Execute(cause)) } else { sorted }
}

pub(super) async fn refuse_newer_schema(connection: &mut sqlx::PgConnection) -> Result<(), StoreError> {
    let present = sqlx::query_scalar!(r#"SELECT to_regclass('skrynka.bureau') IS NOT NULL AS "present!""#)
        .fetch_one(&mut *connection)
        .await?;
    if !present {
        return Ok(());
    }
    let needed = sqlx::query_scalar!("SELECT min_client FROM bureau").fetch_optional(connection).await?.unwrap_or(1);
    if needed > CLIENT_VERSION { Err(StoreError::SchemaTooNew { needed }) } else { Ok(()) }
}
