//! The accounts table of the web CRM that Skrynka takes the place of: its column types are put right in place.
//!
//! That system saved no Telegram account where `api_id` was made as `uuid`. Its tables are not ours and in any state:
//! what is there is read from the catalogue, and nothing is assumed. What a value cannot become stays under another
//! column name.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use super::{Store, StoreError};

/// The table, in whatever schema but ours.
const TABLE: &str = "telegram_accounts";
/// How long its other readers and writers may keep us waiting.
const LOCK: &str = "SET LOCAL lock_timeout = '5s'";

/// A column of the old table, and what it takes to put it right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyColumn {
    /// Schema and table.
    pub table: String,
    /// The column.
    pub column: &'static str,
    /// Its type as it is; `None` where it is missing.
    pub was: Option<String>,
    /// What it takes.
    pub repair: LegacyRepair,
    /// Rows of the table.
    pub rows: i64,
}

/// What it takes to put a column right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegacyRepair {
    /// Nothing.
    Right,
    /// The column is made.
    Add,
    /// Every value is kept as a number.
    Convert,
    /// Some values are no numbers: the column is kept under another name, and a new one holds those that are.
    Replace {
        /// The name under which the old one is kept.
        kept: String,
        /// Values that the new one cannot hold.
        unreadable: i64,
    },
    /// Nothing can be done by itself: different keys are the same number, as `7` and `07` are, and which row is to have it
    /// is for a person to say.
    Refused {
        /// Rows whose key another row has as well.
        doubled: i64,
    },
}

/// Tells what the old system's table needs, and changes nothing.
///
/// # Errors
/// [`StoreError`].
pub async fn look_at_legacy(connection: &mut PgConnection) -> Result<Vec<LegacyColumn>, StoreError> {
    let mut found = Vec::new();
    for table in tables(connection).await? {
        found.extend(columns(connection, &table).await?);
    }
    Ok(found)
}

/// Puts the old system's table right: all of it or nothing. Returns what was done.
///
/// # Errors
/// [`StoreError`]: the table is in use for longer than 5 s, is another role's, or something hangs on a column. Nothing is
/// changed. So it is where [`LegacyRepair::Refused`] stands in the plan.
pub async fn repair_legacy(connection: &mut PgConnection) -> Result<Vec<LegacyColumn>, StoreError> {
    let mut tx = connection.begin().await?;
    sqlx::query(LOCK).execute(&mut *tx).await?;
    let mut done = Vec::new();
    for table in tables(&mut tx).await? {
        let lock = format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", table.quoted);
        // That somebody is in the table for too long is an answer, not the want of one.
        let refused =
            |error| if matches!(error, sqlx::Error::Database(_)) { StoreError::Refused(error) } else { error.into() };
        sqlx::query(AssertSqlSafe(lock)).execute(&mut *tx).await.map_err(refused)?;
        let found = columns(&mut tx, &table).await?;
        if let Some(column) = found.iter().find(|column| matches!(column.repair, LegacyRepair::Refused { .. })) {
            let reason = format!("{}.{}: different keys are the same number", column.table, column.column);
            return Err(StoreError::Inconsistent(reason));
        }
        for column in &found {
            mend(&mut tx, &table, column).await?;
        }
        if columns(&mut tx, &table).await?.iter().any(|column| column.repair != LegacyRepair::Right) {
            return Err(StoreError::Inconsistent(format!("{} after it was put right", table.name)));
        }
        done.extend(found);
    }
    tx.commit().await?;
    Ok(done)
}

impl Store {
    /// Tells what the old system's table needs where it stands in this database too, and changes nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn legacy(&self) -> Result<Vec<LegacyColumn>, StoreError> {
        look_at_legacy(&mut *self.pool.acquire().await?).await
    }

    /// Puts the old system's table right where it stands in this database too. Returns what was done.
    ///
    /// # Errors
    /// See [`repair_legacy`].
    pub async fn repair_legacy(&self) -> Result<Vec<LegacyColumn>, StoreError> {
        repair_legacy(&mut *self.pool.acquire().await?).await
    }
}

struct Table {
    oid: sqlx::postgres::types::Oid,
    name: String,
    quoted: String,
}

async fn tables(connection: &mut PgConnection) -> Result<Vec<Table>, StoreError> {
    let rows = sqlx::query(
        "SELECT c.oid, n.nspname || '.' || c.relname AS name, format('%I.%I', n.nspname, c.relname) AS quoted
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relname = $1 AND c.relkind IN ('r', 'p') AND n.nspname <> 'skrynka'
           AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'session_string'
                                                    AND NOT a.attisdropped)
         ORDER BY name",
    )
    .bind(TABLE)
    .fetch_all(connection)
    .await?;
    let table = |row: sqlx::postgres::PgRow| {
        Ok(Table { oid: row.try_get("oid")?, name: row.try_get("name")?, quoted: row.try_get("quoted")? })
    };
    rows.into_iter().map(table).collect()
}

async fn columns(connection: &mut PgConnection, table: &Table) -> Result<Vec<LegacyColumn>, StoreError> {
    let attributes: Vec<(String, String)> = sqlx::query_as(
        "SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute
         WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped",
    )
    .bind(table.oid)
    .fetch_all(&mut *connection)
    .await?;
    let rows: i64 = count(connection, format!("SELECT count(*) FROM {}", table.quoted)).await?;
    let free = |name: &str| {
        let taken = |name: &String| attributes.iter().any(|(attribute, _)| attribute == name);
        let numbered = (2..).map(|n| format!("{name}_before_{n}"));
        std::iter::once(format!("{name}_before")).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
    };
    let mut found = Vec::new();
    for column in ["id", "api_id", "api_hash"] {
        let was = attributes.iter().find(|(name, _)| name == column).map(|(_, kind)| kind.clone());
        let repair = match (column, was.as_deref()) {
            (_, None) => LegacyRepair::Add,
            // The sequence's type is the maker's choice.
            ("api_hash", Some(_)) | (_, Some("integer")) | ("id", Some("bigint" | "smallint")) => LegacyRepair::Right,
            _ => match count(connection, unreadable(table, column)).await? {
                0 if column == "id" => match count(connection, doubled(table)).await? {
                    0 => LegacyRepair::Convert,
                    doubled => LegacyRepair::Refused { doubled },
                },
                0 => LegacyRepair::Convert,
                unreadable => LegacyRepair::Replace { kept: free(column), unreadable },
            },
        };
        found.push(LegacyColumn { table: table.name.clone(), column, was, repair, rows });
    }
    Ok(found)
}

/// The value of a column as text, empty as NULL.
fn text(column: &str) -> String {
    format!("nullif(btrim({column}::text), '')")
}

/// Whether that is a number from 1 to 2^31 - 1.
fn readable(column: &str) -> String {
    let text = text(column);
    format!("CASE WHEN {text} ~ '^[0-9]{{1,10}}$' THEN {text}::bigint BETWEEN 1 AND 2147483647 ELSE false END")
}

fn unreadable(table: &Table, column: &str) -> String {
    // A key must be there, too; another value may be missing.
    let counts = if column == "id" { "true".to_owned() } else { format!("{} IS NOT NULL", text(column)) };
    format!("SELECT count(*) FROM {} WHERE {counts} AND NOT ({})", table.quoted, readable(column))
}

fn doubled(table: &Table) -> String {
    format!("SELECT count(*) - count(DISTINCT ({})::integer) FROM {}", text("id"), table.quoted)
}

/// Whether a column may not be empty, and is not where it becomes a number.
async fn stays_filled(connection: &mut PgConnection, table: &Table, column: &str) -> Result<bool, StoreError> {
    let required: bool = sqlx::query_scalar("SELECT attnotnull FROM pg_attribute WHERE attrelid = $1 AND attname = $2")
        .bind(table.oid)
        .bind(column)
        .fetch_one(&mut *connection)
        .await?;
    let empty = format!("SELECT count(*) FROM {} WHERE {} IS NULL", table.quoted, text(column));
    Ok(required && count(connection, empty).await? == 0)
}

async fn mend(connection: &mut PgConnection, table: &Table, column: &LegacyColumn) -> Result<(), StoreError> {
    let (at, name) = (&table.quoted, column.column);
    let is_key = name == "id";
    let made = if is_key { "integer GENERATED BY DEFAULT AS IDENTITY" } else { "integer" };
    if is_key && column.repair != LegacyRepair::Right {
        drop_key(connection, table).await?;
    }
    match &column.repair {
        LegacyRepair::Right | LegacyRepair::Refused { .. } => return Ok(()),
        LegacyRepair::Add if name == "api_hash" => {
            return run(connection, format!("ALTER TABLE {at} ADD COLUMN api_hash varchar")).await;
        }
        LegacyRepair::Add => run(connection, format!("ALTER TABLE {at} ADD COLUMN {name} {made}")).await?,
        LegacyRepair::Convert => {
            let (value, filled) = (text(name), stays_filled(connection, table, name).await?);
            run(
                connection,
                format!(
                    "ALTER TABLE {at} ALTER COLUMN {name} DROP DEFAULT, ALTER COLUMN {name} DROP NOT NULL,
                     ALTER COLUMN {name} TYPE integer USING ({value})::integer"
                ),
            )
            .await?;
            if filled || is_key {
                run(connection, format!("ALTER TABLE {at} ALTER COLUMN {name} SET NOT NULL")).await?;
            }
            if is_key {
                run(connection, format!("ALTER TABLE {at} ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY"))
                    .await?;
            }
        }
        LegacyRepair::Replace { kept, .. } => {
            run(connection, format!("ALTER TABLE {at} RENAME COLUMN {name} TO {kept}")).await?;
            run(
                connection,
                format!(
                    "ALTER TABLE {at} ALTER COLUMN {kept} DROP DEFAULT, ALTER COLUMN {kept} DROP NOT NULL,
                     ADD COLUMN {name} {made}"
                ),
            )
            .await?;
            if !is_key {
                let (value, readable) = (text(kept), readable(kept));
                run(connection, format!("UPDATE {at} SET {name} = ({value})::integer WHERE {readable}")).await?;
            }
        }
    }
    if is_key {
        run(connection, format!("ALTER TABLE {at} ADD PRIMARY KEY (id)")).await?;
        let last = format!(
            "SELECT setval(pg_get_serial_sequence('{}', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM {at}), false)",
            at.replace('\'', "''")
        );
        run(connection, last).await?;
    }
    Ok(())
}

async fn drop_key(connection: &mut PgConnection, table: &Table) -> Result<(), StoreError> {
    let key: Option<String> =
        sqlx::query_scalar("SELECT quote_ident(conname) FROM pg_constraint WHERE conrelid = $1 AND contype = 'p'")
            .bind(table.oid)
            .fetch_optional(&mut *connection)
            .await?;
    match key {
        Some(key) => run(connection, format!("ALTER TABLE {} DROP CONSTRAINT {key}", table.quoted)).await,
        None => Ok(()),
    }
}

/// `statement` is made of names that Postgres has quoted, and of our own words.
async fn run(connection: &mut PgConnection, statement: String) -> Result<(), StoreError> {
    sqlx::query(AssertSqlSafe(statement)).execute(connection).await?;
    Ok(())
}

async fn count(connection: &mut PgConnection, statement: String) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(connection).await?)
}
