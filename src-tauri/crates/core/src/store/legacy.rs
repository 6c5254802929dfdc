//! The accounts table of the web CRM that Skrynka takes the place of: its column types are put right in place.
//!
//! That system saved no Telegram account where `api_id` was made as `uuid`. Its tables are not ours and in any state:
//! what is there is read from the catalogue, and nothing is assumed. What a value cannot become stays in another column,
//! and the table as it was stays beside it under another name.

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
    /// Some values are no numbers: those are empty afterwards, and all of them stand in another column as they were. Keys
    /// are numbered anew, and what refers to them follows.
    Replace {
        /// The name of the other column.
        kept: String,
        /// Values that are no numbers.
        unreadable: i64,
    },
    /// Nothing can be done by itself: different keys are the same number, as `7` and `07` are, and which row is to have it
    /// is for a person to say.
    Refused {
        /// Rows whose key another row has as well.
        doubled: i64,
    },
}

/// What was done to the old system's tables.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LegacyRepaired {
    /// Every column that was looked at.
    pub columns: Vec<LegacyColumn>,
    /// The tables, schema and name, that hold the rows as they were before, sessions and API hashes with them: to be dropped
    /// once the old system is seen to work.
    pub copies: Vec<String>,
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

/// Puts the old system's table right: all of it or nothing.
///
/// # Errors
/// [`StoreError`]: the table is in use for longer than 5 s, is another role's, or something that cannot follow hangs on a
/// column, as a view does. Nothing is changed. So it is where [`LegacyRepair::Refused`] stands in the plan.
pub async fn repair_legacy(connection: &mut PgConnection) -> Result<LegacyRepaired, StoreError> {
    let mut tx = connection.begin().await?;
    sqlx::query(LOCK).execute(&mut *tx).await?;
    let mut done = LegacyRepaired::default();
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
        if found.iter().any(|column| column.repair != LegacyRepair::Right) {
            done.copies.push(copy(&mut tx, &table).await?);
        }
        for column in &found {
            mend(&mut tx, &table, column).await?;
        }
        if columns(&mut tx, &table).await?.iter().any(|column| column.repair != LegacyRepair::Right) {
            return Err(StoreError::Inconsistent(format!("{} after it was put right", table.name)));
        }
        done.columns.extend(found);
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

    /// Puts the old system's table right where it stands in this database too.
    ///
    /// # Errors
    /// See [`repair_legacy`].
    pub async fn repair_legacy(&self) -> Result<LegacyRepaired, StoreError> {
        repair_legacy(&mut *self.pool.acquire().await?).await
    }
}

struct Table {
    oid: sqlx::postgres::types::Oid,
    name: String,
    quoted: String,
}

/// A table whose column refers to the accounts' keys.
struct Referring {
    constraint: String,
    table: String,
    column: String,
    definition: String,
    required: bool,
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
    let referring = match column.repair {
        LegacyRepair::Right | LegacyRepair::Refused { .. } => return Ok(()),
        LegacyRepair::Add if name == "api_hash" => {
            return run(connection, format!("ALTER TABLE {at} ADD COLUMN api_hash varchar")).await;
        }
        LegacyRepair::Add | LegacyRepair::Convert | LegacyRepair::Replace { .. } if is_key => {
            release_keys(connection, table).await?
        }
        LegacyRepair::Add | LegacyRepair::Convert | LegacyRepair::Replace { .. } => Vec::new(),
    };
    match &column.repair {
        LegacyRepair::Right | LegacyRepair::Refused { .. } => {}
        LegacyRepair::Add if is_key => {
            run(connection, format!("ALTER TABLE {at} ADD COLUMN id integer GENERATED BY DEFAULT AS IDENTITY")).await?;
        }
        LegacyRepair::Add => run(connection, format!("ALTER TABLE {at} ADD COLUMN {name} integer")).await?,
        LegacyRepair::Convert => {
            let (value, filled) = (text(name), stays_filled(connection, table, name).await?);
            become_number(connection, table, name, &format!("({value})::integer")).await?;
            if filled || is_key {
                run(connection, format!("ALTER TABLE {at} ALTER COLUMN {name} SET NOT NULL")).await?;
            }
            for one in &referring {
                let value = text(&one.column);
                let change = format!("ALTER COLUMN {} TYPE integer USING ({value})::integer", one.column);
                run(connection, format!("ALTER TABLE {} {change}", one.table)).await?;
            }
        }
        LegacyRepair::Replace { kept, .. } => {
            let was = column.was.as_deref().unwrap_or("text");
            run(connection, format!("ALTER TABLE {at} ADD COLUMN {kept} {was}")).await?;
            run(connection, format!("UPDATE {at} SET {kept} = {name}")).await?;
            if is_key {
                run(connection, "CREATE TEMPORARY SEQUENCE keys_anew AS integer".to_owned()).await?;
                become_number(connection, table, name, "nextval('pg_temp.keys_anew')::integer").await?;
                run(connection, "DROP SEQUENCE pg_temp.keys_anew".to_owned()).await?;
                run(connection, format!("ALTER TABLE {at} ALTER COLUMN id SET NOT NULL")).await?;
            } else {
                let value = format!("CASE WHEN {} THEN ({})::integer END", readable(name), text(name));
                become_number(connection, table, name, &value).await?;
            }
            for one in &referring {
                follow(connection, table, kept, one).await?;
            }
        }
    }
    if is_key {
        if column.repair != LegacyRepair::Add {
            run(connection, format!("ALTER TABLE {at} ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY")).await?;
        }
        run(connection, format!("ALTER TABLE {at} ADD PRIMARY KEY (id)")).await?;
        let last = format!(
            "SELECT setval(pg_get_serial_sequence('{}', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM {at}), false)",
            at.replace('\'', "''")
        );
        run(connection, last).await?;
        for one in &referring {
            let bound = format!("ADD CONSTRAINT {} {}", one.constraint, one.definition);
            run(connection, format!("ALTER TABLE {} {bound}", one.table)).await?;
        }
    }
    Ok(())
}

/// Changes a column's type where it stands, so that its place and its indexes stay. A default that is a number stays, too.
async fn become_number(
    connection: &mut PgConnection,
    table: &Table,
    name: &str,
    value: &str,
) -> Result<(), StoreError> {
    let usual: Option<String> = sqlx::query_scalar(
        "SELECT substring(pg_get_expr(d.adbin, d.adrelid) FROM '^''?([0-9]{1,9})''?(?:::[a-z ]+)?$')
         FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
         WHERE d.adrelid = $1 AND a.attname = $2",
    )
    .bind(table.oid)
    .bind(name)
    .fetch_optional(&mut *connection)
    .await?
    .flatten();
    let at = &table.quoted;
    let change = format!(
        "ALTER TABLE {at} ALTER COLUMN {name} DROP DEFAULT, ALTER COLUMN {name} DROP NOT NULL,
         ALTER COLUMN {name} TYPE integer USING {value}"
    );
    run(connection, change).await?;
    match usual.filter(|_| name != "id") {
        Some(usual) => run(connection, format!("ALTER TABLE {at} ALTER COLUMN {name} SET DEFAULT {usual}")).await,
        None => Ok(()),
    }
}

/// Writes the table as it is beside itself. Returns the copy's name.
async fn copy(connection: &mut PgConnection, table: &Table) -> Result<String, StoreError> {
    let (name, quoted): (String, String) = sqlx::query_as(
        "SELECT n.nspname || '.' || free.name, format('%I.%I', n.nspname, free.name)
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
              LATERAL (SELECT c.relname || '_before' || CASE k WHEN 1 THEN '' ELSE '_' || k END AS name, k
                       FROM generate_series(1, 1000) k) free
         WHERE c.oid = $1 AND to_regclass(format('%I.%I', n.nspname, free.name)) IS NULL
         ORDER BY free.k LIMIT 1",
    )
    .bind(table.oid)
    .fetch_one(&mut *connection)
    .await?;
    run(connection, format!("CREATE TABLE {quoted} AS TABLE {}", table.quoted)).await?;
    Ok(name)
}

/// Takes the key away, and what binds other tables to it.
async fn release_keys(connection: &mut PgConnection, table: &Table) -> Result<Vec<Referring>, StoreError> {
    // What refers to more than the key alone, or to another column, stays bound, and what cannot be done then says so.
    let rows = sqlx::query(
        "SELECT quote_ident(f.conname) AS constraint, f.conrelid::regclass::text AS table, quote_ident(a.attname) AS column,
                pg_get_constraintdef(f.oid) AS definition, a.attnotnull AS required
         FROM pg_constraint f
         JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
         JOIN pg_attribute k ON k.attrelid = f.confrelid AND k.attnum = f.confkey[1]
         WHERE f.confrelid = $1 AND f.contype = 'f' AND f.conparentid = 0 AND cardinality(f.conkey) = 1 AND k.attname = 'id'
         ORDER BY f.conrelid, f.conname",
    )
    .bind(table.oid)
    .fetch_all(&mut *connection)
    .await?;
    let mut referring = Vec::new();
    for row in rows {
        let one = Referring {
            constraint: row.try_get("constraint")?,
            table: row.try_get("table")?,
            column: row.try_get("column")?,
            definition: row.try_get("definition")?,
            required: row.try_get("required")?,
        };
        run(connection, format!("ALTER TABLE {} DROP CONSTRAINT {}", one.table, one.constraint)).await?;
        referring.push(one);
    }
    drop_key(connection, table).await?;
    Ok(referring)
}

/// Gives rows that refer to a key its new number.
async fn follow(
    connection: &mut PgConnection,
    table: &Table,
    kept: &str,
    Referring { table: at, column, required, .. }: &Referring,
) -> Result<(), StoreError> {
    let was = format!("ALTER TABLE {at} ADD COLUMN account_before text");
    run(connection, was).await?;
    run(connection, format!("UPDATE {at} SET account_before = {column}::text")).await?;
    let emptied = format!(
        "ALTER TABLE {at} ALTER COLUMN {column} DROP DEFAULT, ALTER COLUMN {column} DROP NOT NULL,
         ALTER COLUMN {column} TYPE integer USING NULL"
    );
    run(connection, emptied).await?;
    let numbered =
        format!("UPDATE {at} r SET {column} = t.id FROM {} t WHERE t.{kept}::text = r.account_before", table.quoted);
    run(connection, numbered).await?;
    let lost = format!("SELECT count(*) FROM {at} WHERE {column} IS NULL AND account_before IS NOT NULL");
    if count(connection, lost).await? > 0 {
        return Err(StoreError::Inconsistent(format!("{at}.{column} refers to accounts that do not exist")));
    }
    run(connection, format!("ALTER TABLE {at} DROP COLUMN account_before")).await?;
    if *required {
        run(connection, format!("ALTER TABLE {at} ALTER COLUMN {column} SET NOT NULL")).await?;
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
