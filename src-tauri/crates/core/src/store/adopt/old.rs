//! Reads the old system: one snapshot, every row as JSON, since its tables are in any state and no column is certain.

use std::collections::HashMap;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use crate::{adopt::Row, postgres::ConnectOptions, store::StoreError};

/// A table of the old system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OldTable {
    /// `telegram_accounts`.
    TelegramAccounts,
    /// `manager_smtp_accounts`.
    Mailboxes,
    /// `communications_conversations`.
    Conversations,
    /// `communications_messages`.
    Messages,
    /// `communications_attachments`.
    Attachments,
    /// `users`.
    Users,
    /// `crm_clients`.
    Clients,
    /// `internal_notes`.
    Notes,
    /// `app_settings`.
    Settings,
}

impl OldTable {
    const ALL: [Self; 9] = [
        Self::TelegramAccounts,
        Self::Mailboxes,
        Self::Conversations,
        Self::Messages,
        Self::Attachments,
        Self::Users,
        Self::Clients,
        Self::Notes,
        Self::Settings,
    ];

    /// Its name there.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TelegramAccounts => "telegram_accounts",
            Self::Mailboxes => "manager_smtp_accounts",
            Self::Conversations => "communications_conversations",
            Self::Messages => "communications_messages",
            Self::Attachments => "communications_attachments",
            Self::Users => "users",
            Self::Clients => "crm_clients",
            Self::Notes => "internal_notes",
            Self::Settings => "app_settings",
        }
    }

    /// Columns without which a table of this name is another one.
    const fn marks(self) -> &'static [&'static str] {
        match self {
            Self::TelegramAccounts => &["session_string"],
            Self::Mailboxes => &["email"],
            Self::Conversations => &["id", "platform", "external_id"],
            Self::Messages => &["id", "conversation_id", "content"],
            Self::Attachments => &["message_id", "file_path"],
            Self::Users | Self::Clients => &["id"],
            Self::Notes => &["entity_type", "entity_id", "text"],
            Self::Settings => &["key", "value"],
        }
    }
}

struct Found {
    quoted: String,
    /// Whether this role may read it.
    open: bool,
    /// Every column with its type.
    columns: HashMap<String, String>,
}

/// One snapshot of the old system; nothing in it can be changed over it.
pub struct OldSystem {
    connection: PgConnection,
    schema: String,
    tables: HashMap<OldTable, Found>,
}

impl OldSystem {
    /// Opens a snapshot. `None`: no table of the old system stands in this database, in whatever schema.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(mut connection: PgConnection) -> Result<Option<Self>, StoreError> {
        // It is read for as long as it takes, and with the offsets of moments in it.
        for set in [
            "SET idle_in_transaction_session_timeout = 0",
            "SET statement_timeout = '30min'",
            "SET TimeZone = 'UTC'",
            "SET DateStyle = 'ISO'",
            // Rows that a policy hides would be missing without a word.
            "SET row_security = off",
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        ] {
            sqlx::query(AssertSqlSafe(set.to_owned())).execute(&mut connection).await?;
        }
        let names: Vec<&str> = OldTable::ALL.iter().map(|table| table.name()).collect();
        let rows = sqlx::query(
            "SELECT n.nspname AS schema, c.relname AS name, format('%I.%I', n.nspname, c.relname) AS quoted,
                    a.attname::text AS column, format_type(a.atttypid, NULL) AS type,
                    n.nspname = ANY (current_schemas(false)) AS near, c.relpages,
                    has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS open
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             WHERE c.relname = ANY ($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
               AND n.nspname NOT IN ('skrynka', 'pg_catalog', 'information_schema')",
        )
        .bind(names)
        .fetch_all(&mut connection)
        .await?;
        let mut schemas: HashMap<String, (bool, i32, HashMap<OldTable, Found>)> = HashMap::new();
        for row in rows {
            let name: String = row.try_get("name")?;
            let Some(table) = OldTable::ALL.into_iter().find(|table| table.name() == name) else { continue };
            let schema = schemas.entry(row.try_get("schema")?).or_insert((row.try_get("near")?, 0, HashMap::new()));
            let quoted: String = row.try_get("quoted")?;
            let pages: i32 = row.try_get("relpages")?;
            let open: bool = row.try_get("open")?;
            let found = schema.2.entry(table).or_insert_with(|| {
                schema.1 = schema.1.saturating_add(pages);
                Found { quoted, open, columns: HashMap::new() }
            });
            found.columns.insert(row.try_get("column")?, row.try_get("type")?);
        }
        for (.., tables) in schemas.values_mut() {
            tables.retain(|table, found| table.marks().iter().all(|mark| found.columns.contains_key(*mark)));
        }
        // Several copies may stand beside one another: the one with messages, then the one that programs would find.
        let best = schemas
            .into_iter()
            .filter(|(_, (.., tables))| {
                [OldTable::Conversations, OldTable::TelegramAccounts, OldTable::Mailboxes]
                    .iter()
                    .any(|table| tables.contains_key(table))
            })
            .max_by_key(|(name, (near, pages, tables))| {
                (tables.contains_key(&OldTable::Messages), *near, *pages, std::cmp::Reverse(name.clone()))
            });
        Ok(best.map(|(schema, (.., tables))| Self { connection, schema, tables }))
    }

    /// Connects and opens a snapshot, as [`Self::open`] does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn connect(options: &ConnectOptions) -> Result<Option<Self>, crate::adopt::AdoptError> {
        let connection = options.connect().await?;
        Self::open(connection).await.map_err(crate::adopt::AdoptError::Reading)
    }

    /// The schema it stands in.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// Whether it has a table.
    pub fn has(&self, table: OldTable) -> bool {
        self.tables.contains_key(&table)
    }

    /// Tells which of its tables this role may not read.
    pub fn closed_tables(&self) -> Vec<OldTable> {
        let mut closed: Vec<OldTable> =
            self.tables.iter().filter(|(_, found)| !found.open).map(|(table, _)| *table).collect();
        closed.sort_unstable();
        closed
    }

    /// Returns every row of a table; `None` for one that is no JSON. A table that is missing has none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rows(&mut self, table: OldTable) -> Result<Vec<Option<Row>>, StoreError> {
        let Some(found) = self.tables.get(&table) else { return Ok(Vec::new()) };
        let order = order(found, &["created_at", "id"]);
        let query = format!("SELECT row_to_json(t)::text FROM {} t{order}", found.quoted);
        let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(&mut self.connection).await?;
        Ok(rows.iter().map(|row| Row::parse(row)).collect())
    }

    /// Counts the rows of a table.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count(&mut self, table: OldTable) -> Result<u64, StoreError> {
        let Some(found) = self.tables.get(&table) else { return Ok(0) };
        let query = format!("SELECT count(*) FROM {}", found.quoted);
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&mut self.connection).await?;
        Ok(count.unsigned_abs())
    }

    /// Returns how often the messages of each conversation name each chat of Telegram.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn chats(&mut self) -> Result<Vec<(String, i64, i64)>, StoreError> {
        let Some(found) = self.tables.get(&OldTable::Messages) else { return Ok(Vec::new()) };
        if !found.columns.contains_key("meta_data") {
            return Ok(Vec::new());
        }
        // From the text, since a column of any type may hold it and a value that is no JSON must not end the reading.
        let query = format!(
            r#"SELECT conversation, chat::bigint, count(*) FROM (
                   SELECT conversation_id::text AS conversation,
                          substring(meta_data::text from '"telegram_chat_id"\s*:\s*"?(-?[0-9]{{1,18}})[",\s}}]') AS chat
                   FROM {}) named WHERE conversation IS NOT NULL AND chat IS NOT NULL GROUP BY 1, 2"#,
            found.quoted
        );
        Ok(sqlx::query_as(AssertSqlSafe(query)).fetch_all(&mut self.connection).await?)
    }

    /// Begins to read messages, those of a conversation together and by their time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_messages(&mut self) -> Result<(), StoreError> {
        let Some(found) = self.tables.get(&OldTable::Messages) else { return Ok(()) };
        let order = order(found, &["conversation_id", "created_at", "id"]);
        self.run("CLOSE ALL".to_owned()).await?;
        let found = &self.tables[&OldTable::Messages];
        let query = format!(
            "DECLARE old_messages NO SCROLL CURSOR FOR SELECT row_to_json(t)::text FROM {} t{order}",
            found.quoted
        );
        self.run(query).await
    }

    /// Returns the next messages; none at the end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn next_messages(&mut self, at_most: u16) -> Result<Vec<Option<Row>>, StoreError> {
        if !self.has(OldTable::Messages) {
            return Ok(Vec::new());
        }
        let query = format!("FETCH {at_most} FROM old_messages");
        let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(&mut self.connection).await?;
        Ok(rows.iter().map(|row| Row::parse(row)).collect())
    }

    /// Returns the rows of attachments of these messages.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn files_of(&mut self, messages: &[String]) -> Result<Vec<Row>, StoreError> {
        let Some(found) = self.tables.get(&OldTable::Attachments) else { return Ok(Vec::new()) };
        let order = order(found, &["created_at", "id"]);
        // In the column's own type, so that its index serves.
        let cast = match found.columns.get("message_id").map(String::as_str) {
            Some(kind @ ("uuid" | "integer" | "bigint")) => format!("::text[]::{kind}[]"),
            Some(_) | None => "::text[]".to_owned(),
        };
        let column = if cast == "::text[]" { "message_id::text" } else { "message_id" };
        let messages: Vec<&String> = match found.columns.get("message_id").map(String::as_str) {
            Some("uuid") => messages.iter().filter(|id| uuid::Uuid::parse_str(id).is_ok()).collect(),
            Some("integer") => messages.iter().filter(|id| id.parse::<i32>().is_ok()).collect(),
            Some("bigint") => messages.iter().filter(|id| id.parse::<i64>().is_ok()).collect(),
            Some(_) | None => messages.iter().collect(),
        };
        let query =
            format!("SELECT row_to_json(t)::text FROM {} t WHERE {column} = ANY ($1{cast}){order}", found.quoted);
        let rows: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(query)).bind(messages).fetch_all(&mut self.connection).await?;
        Ok(rows.iter().filter_map(|row| Row::parse(row)).collect())
    }

    /// Ends the snapshot alone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_snapshot(&mut self) -> Result<(), StoreError> {
        self.run("ROLLBACK".to_owned()).await
    }

    /// Ends the snapshot and the connection.
    pub async fn close(self) {
        // Nothing was changed that could be lost.
        let _closed = sqlx::Connection::close(self.connection).await;
    }

    async fn run(&mut self, statement: String) -> Result<(), StoreError> {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut self.connection).await?;
        Ok(())
    }
}

/// The order by those of the columns that are there.
fn order(found: &Found, columns: &[&str]) -> String {
    let there: Vec<String> =
        columns.iter().filter(|column| found.columns.contains_key(**column)).map(|c| format!("t.{c}")).collect();
    if there.is_empty() { String::new() } else { format!(" ORDER BY {}", there.join(", ")) }
}

/// A column of the old system that holds a secret in plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldSecret {
    /// A Telegram account's session.
    Session,
    /// Its API hash.
    ApiHash,
    /// A mailbox's password.
    Password,
}

impl OldSecret {
    const fn column(self) -> (&'static str, &'static str) {
        match self {
            Self::Session => ("telegram_accounts", "session_string"),
            Self::ApiHash => ("telegram_accounts", "api_hash"),
            Self::Password => ("manager_smtp_accounts", "smtp_password"),
        }
    }
}

/// Tells which tables of accounts hold secrets that this role may not empty, schema included.
///
/// # Errors
/// [`StoreError`].
pub async fn closed_to_emptying(connection: &mut PgConnection, schema: &str) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar(
        "SELECT DISTINCT format('%I.%I', n.nspname, c.relname) FROM pg_class c
         JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
         WHERE n.nspname = $1 AND (c.relname, a.attname) IN (('telegram_accounts', 'session_string'),
               ('telegram_accounts', 'api_hash'), ('manager_smtp_accounts', 'smtp_password'))
           AND NOT has_column_privilege(c.oid, a.attnum, 'UPDATE') ORDER BY 1",
    )
    .bind(schema)
    .fetch_all(connection)
    .await?)
}

/// Empties one secret of one row, if it is still that one but for white space around it. Returns whether it was. The column
/// may not hold NULL, so it is an empty text.
///
/// # Errors
/// [`StoreError`]: the role may not write there, or the row is in use for too long. Nothing is changed.
pub async fn empty_old_secret(
    connection: &mut PgConnection,
    schema: &str,
    which: OldSecret,
    old_id: &str,
    value: &SecretString,
) -> Result<bool, StoreError> {
    let (table, column) = which.column();
    let at: String = sqlx::query_scalar("SELECT format('%I.%I', $1::text, $2::text)")
        .bind(schema)
        .bind(table)
        .fetch_one(&mut *connection)
        .await?;
    let update = format!("UPDATE {at} SET {column} = '' WHERE id::text = $1 AND btrim({column}, $3) = btrim($2, $3)");
    // What counts as white space when a row is read.
    let spaces: String = ('\u{1}'..='\u{3000}').filter(|c| c.is_whitespace()).collect();
    let emptied = sqlx::query(AssertSqlSafe(update))
        .bind(old_id)
        .bind(value.expose_secret())
        .bind(spaces)
        .execute(connection)
        .await?;
    Ok(emptied.rows_affected() > 0)
}
