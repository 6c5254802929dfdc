//! The old system's accounts table in every state that is known of it.

use skrynka_core::{
    postgres::testing::TestDatabase,
    store::{LegacyRepair, LegacyRepaired, StoreError, look_at_legacy, repair_legacy},
};
use sqlx::{AssertSqlSafe, PgPool};

const REST: &str = "name varchar NOT NULL, phone varchar, session_string varchar NOT NULL, is_active boolean,
                    created_at timestamptz DEFAULT CURRENT_TIMESTAMP";
const UUID: &str = "7f3b0a52-5a0c-4f0e-9d0e-000000000001";

struct Old {
    database: TestDatabase,
    /// A schema and a table whose names have to be quoted.
    table: &'static str,
}

impl Old {
    async fn with(columns: &str, rows: &[&str]) -> Self {
        let old = Self { database: TestDatabase::new().await, table: r#""CRM old".telegram_accounts"# };
        let names = columns.split(',').map(|column| column.split_whitespace().next().unwrap());
        let names = names.chain(["name", "session_string"]).collect::<Vec<_>>().join(", ");
        old.run(r#"CREATE SCHEMA "CRM old""#).await;
        old.run(&format!("CREATE TABLE {} ({columns}, {REST})", old.table)).await;
        for (number, row) in rows.iter().enumerate() {
            old.run(&format!("INSERT INTO {} ({names}) VALUES ({row}, 'acc {number}', 's{number}')", old.table)).await;
        }
        old
    }

    fn pool(&self) -> &PgPool {
        &self.database.pool
    }

    async fn run(&self, statement: &str) {
        sqlx::query(AssertSqlSafe(statement.to_owned())).execute(self.pool()).await.unwrap();
    }

    /// Every row as text, by name.
    async fn values(&self, columns: &str) -> Vec<String> {
        let all = format!("SELECT concat_ws('|', {columns}) FROM {} ORDER BY name", self.table);
        sqlx::query_scalar(AssertSqlSafe(all)).fetch_all(self.pool()).await.unwrap()
    }

    /// The tables that hold rows as they were, with these.
    async fn copies(&self) -> Vec<(String, String)> {
        let names: Vec<String> = sqlx::query_scalar(
            "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relname ~ '^telegram_accounts_before' ORDER BY 1",
        )
        .fetch_all(self.pool())
        .await
        .unwrap();
        let mut copies = Vec::new();
        for name in names {
            let rows = format!(
                r#"SELECT coalesce(jsonb_agg(to_jsonb(t) - 'created_at' ORDER BY name), '[]')::text
                   FROM "CRM old".{name} t"#
            );
            copies.push((name, sqlx::query_scalar(AssertSqlSafe(rows)).fetch_one(self.pool()).await.unwrap()));
        }
        copies
    }

    /// What has to be done, column by column, looked at without changing anything.
    async fn needs(&self) -> Vec<LegacyRepair> {
        let found = look_at_legacy(&mut self.pool().acquire().await.unwrap()).await.unwrap();
        assert_eq!(found.iter().map(|column| column.column).collect::<Vec<_>>(), ["id", "api_id", "api_hash"]);
        found.into_iter().map(|column| column.repair).collect()
    }

    /// Repairs it, and saves an account as the old system does.
    async fn repair(&self) {
        let planned = self.needs().await;
        let before = format!("SELECT to_jsonb(t)::text FROM {} t ORDER BY name", self.table);
        let before: Vec<String> = sqlx::query_scalar(AssertSqlSafe(before)).fetch_all(self.pool()).await.unwrap();
        let done = repair_legacy(&mut self.pool().acquire().await.unwrap()).await.unwrap();
        let changes = planned.iter().any(|repair| *repair != LegacyRepair::Right);
        assert_eq!(done.columns.into_iter().map(|column| column.repair).collect::<Vec<_>>(), planned);
        assert_eq!(done.copies, if changes { vec!["CRM old.telegram_accounts_before"] } else { vec![] });
        if changes {
            let copied = "SELECT to_jsonb(t)::text FROM \"CRM old\".telegram_accounts_before t ORDER BY name";
            let copied: Vec<String> = sqlx::query_scalar(copied).fetch_all(self.pool()).await.unwrap();
            assert_eq!(copied, before, "the rows as they were stand beside");
        }
        self.run(&format!(
            "INSERT INTO {} (name, session_string, api_id, api_hash) VALUES ('new', 's', 24681357, 'hash')",
            self.table
        ))
        .await;
        assert_eq!(self.needs().await, [LegacyRepair::Right, LegacyRepair::Right, LegacyRepair::Right]);
        let new = format!("SELECT id::bigint FROM {} WHERE name = 'new'", self.table);
        let id: i64 = sqlx::query_scalar(AssertSqlSafe(new)).fetch_one(self.pool()).await.unwrap();
        assert!(id > 0, "it was given a number that nobody has");
    }
}

fn replaced(kept: &str, unreadable: i64) -> LegacyRepair {
    LegacyRepair::Replace { kept: kept.to_owned(), unreadable }
}

#[tokio::test]
async fn a_table_that_is_right_is_left_as_it_is() {
    let old = Old::with("id serial PRIMARY KEY, api_id integer, api_hash varchar", &["7, 12345, 'h'"]).await;
    old.run("SELECT setval(pg_get_serial_sequence('\"CRM old\".telegram_accounts', 'id'), 7)").await;
    old.repair().await;
    assert_eq!(old.values("name, id, api_id, api_hash").await, ["acc 0|7|12345|h", "new|8|24681357|hash"]);
}

#[tokio::test]
async fn uuids_for_an_api_id_are_kept_beside_the_new_column() {
    let rows = [format!("1, '{UUID}', 'h'"), "2, NULL, 'h'".to_owned()];
    let old = Old::with(
        "id integer PRIMARY KEY DEFAULT 9, api_id uuid NOT NULL DEFAULT gen_random_uuid(), api_hash varchar",
        &[&rows[0]],
    )
    .await;
    assert_eq!(old.needs().await[1], replaced("api_id_before", 1));
    old.repair().await;
    let kept = old.values("name, coalesce(api_id::text, '-'), coalesce(api_id_before::text, '-')").await;
    assert_eq!(kept, [format!("acc 0|-|{UUID}"), "new|24681357|-".to_owned()]);

    // A column that never held a value has nothing to keep.
    let old = Old::with("id serial PRIMARY KEY, api_id uuid, api_hash varchar", &[&rows[1]]).await;
    old.run(r#"SELECT setval(pg_get_serial_sequence('"CRM old".telegram_accounts', 'id'), 2)"#).await;
    assert_eq!(old.needs().await[1], LegacyRepair::Convert);
    old.repair().await;
}

#[tokio::test]
async fn numbers_in_any_other_type_become_numbers() {
    for kind in ["text NOT NULL", "varchar(64)", "bigint", "numeric"] {
        let columns = format!("id serial PRIMARY KEY, api_id {kind}, api_hash varchar");
        let old = Old::with(&columns, &["1, '2147483647', 'h'"]).await;
        old.run(r#"SELECT setval(pg_get_serial_sequence('"CRM old".telegram_accounts', 'id'), 1)"#).await;
        assert_eq!(old.needs().await[1], LegacyRepair::Convert, "{kind}");
        old.repair().await;
        assert_eq!(old.values("api_id").await, ["2147483647", "24681357"], "{kind}");
    }
}

#[tokio::test]
async fn values_that_are_no_numbers_are_kept_and_counted() {
    let rows = ["1, ' 12345 ', 'h'", "2, '', 'h'", "3, 'my id', 'h'", "4, '2147483648', 'h'", "5, '-7', 'h'"];
    let old = Old::with("id serial PRIMARY KEY, api_id text, api_hash varchar, api_id_before text", &[]).await;
    for (number, row) in rows.iter().enumerate() {
        let columns = "id, api_id, api_hash, name, session_string";
        old.run(&format!("INSERT INTO {} ({columns}) VALUES ({row}, 'acc {number}', 's')", old.table)).await;
    }
    old.run(r#"SELECT setval(pg_get_serial_sequence('"CRM old".telegram_accounts', 'id'), 5)"#).await;
    assert_eq!(old.needs().await[1], replaced("api_id_before_2", 3));
    old.repair().await;
    assert_eq!(old.values("api_id").await, ["12345", "", "", "", "", "24681357"]);
    let kept = old.values("api_id_before_2").await;
    assert_eq!(kept, [" 12345 ", "", "my id", "2147483648", "-7", ""]);
}

#[tokio::test]
async fn keys_that_are_no_numbers_and_missing_columns_are_put_right_together() {
    let old = Old::with(
        "id uuid PRIMARY KEY DEFAULT gen_random_uuid(), api_id uuid",
        &[&format!("'{UUID}', '{UUID}'"), "gen_random_uuid(), NULL"],
    )
    .await;
    assert_eq!(old.needs().await, [replaced("id_before", 2), replaced("api_id_before", 1), LegacyRepair::Add]);
    old.repair().await;
    let rows = old.values("name, id, coalesce(id_before::text, '-') = '7f3b0a52-5a0c-4f0e-9d0e-000000000001'").await;
    assert_eq!(rows, ["acc 0|1|t", "acc 1|2|f", "new|3|f"]);

    let old = Old::with("id text PRIMARY KEY", &["'41'", "'7'"]).await;
    assert_eq!(old.needs().await, [LegacyRepair::Convert, LegacyRepair::Add, LegacyRepair::Add]);
    old.repair().await;
    assert_eq!(old.values("id").await, ["41", "7", "42"]);
}

#[tokio::test]
async fn keys_that_read_as_one_number_are_for_a_person_and_what_must_not_be_empty_stays_so() {
    let old =
        Old::with("id text PRIMARY KEY, api_id integer, api_hash varchar", &["'7', 1, 'h'", "'07', 2, 'h'"]).await;
    assert_eq!(old.needs().await[0], LegacyRepair::Refused { doubled: 1 });
    let refused = repair_legacy(&mut old.pool().acquire().await.unwrap()).await.unwrap_err();
    assert!(refused.to_string().contains("same number"), "{refused}");
    assert_eq!(old.values("id").await, ["7", "07"], "nothing was touched");

    let old = Old::with("id serial PRIMARY KEY, api_id text NOT NULL, api_hash varchar", &["1, '12345', 'h'"]).await;
    old.run(r#"SELECT setval(pg_get_serial_sequence('"CRM old".telegram_accounts', 'id'), 1)"#).await;
    old.repair().await;
    let empty = format!("INSERT INTO {} (name, session_string) VALUES ('x', 's')", old.table);
    assert!(sqlx::query(AssertSqlSafe(empty)).execute(old.pool()).await.is_err());
}

#[tokio::test]
async fn what_refers_to_a_key_follows_it_and_indexes_and_defaults_stay() {
    let keys = [
        ("uuid", UUID.to_owned(), "7f3b0a52-5a0c-4f0e-9d0e-000000000002".to_owned(), ["1", "2"]),
        ("text", "41".to_owned(), "7".to_owned(), ["41", "7"]),
    ];
    for by_script in [false, true] {
        for (kind, first, second, ids) in &keys {
            let columns = format!("id {kind} PRIMARY KEY, api_id text DEFAULT '12345', api_hash varchar");
            let rows = [format!("'{first}', '1', 'h'"), format!("'{second}', 'x', 'h'")];
            let old = Old::with(&columns, &[&rows[0], &rows[1]]).await;
            old.run(&format!("CREATE INDEX on_api_id ON {} (api_id)", old.table)).await;
            old.run(&format!("CREATE INDEX on_id ON {} (id)", old.table)).await;
            old.run(&format!(
                r#"CREATE TABLE "CRM old".refers (account {kind} NOT NULL, name text, CONSTRAINT bound
                       FOREIGN KEY (account) REFERENCES {} (id) ON DELETE CASCADE)"#,
                old.table
            ))
            .await;
            let referring = format!(
                r#"INSERT INTO "CRM old".refers VALUES ('{first}', 'a'), ('{second}', 'b'), ('{second}', 'c')"#
            );
            old.run(&referring).await;
            match by_script {
                true => drop(sqlx::raw_sql(SCRIPT).execute(old.pool()).await.unwrap()),
                false => drop(repair_legacy(&mut old.pool().acquire().await.unwrap()).await.unwrap()),
            }
            assert_eq!(old.values("id").await, *ids, "{kind}");
            let found = r#"SELECT name || account FROM "CRM old".refers ORDER BY name"#;
            let found: Vec<String> = sqlx::query_scalar(found).fetch_all(old.pool()).await.unwrap();
            let [one, two] = ids;
            assert_eq!(found, [format!("a{one}"), format!("b{two}"), format!("c{two}")]);
            old.run(&format!("DELETE FROM {} WHERE id = {two}", old.table)).await;
            let left: i64 =
                sqlx::query_scalar(r#"SELECT count(*) FROM "CRM old".refers"#).fetch_one(old.pool()).await.unwrap();
            assert_eq!(left, 1, "the reference binds as it did");
            let kept: Vec<String> = sqlx::query_scalar(
                "SELECT indexdef FROM pg_indexes WHERE indexname IN ('on_api_id', 'on_id') ORDER BY indexname",
            )
            .fetch_all(old.pool())
            .await
            .unwrap();
            assert!(kept[0].ends_with("(api_id)") && kept[1].ends_with("(id)"), "{kept:?}");
            old.run(&format!("INSERT INTO {} (name, session_string) VALUES ('zz', 's')", old.table)).await;
            assert_eq!(old.values("api_id").await.last().unwrap(), "12345", "the default stays");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_put_right_leaves_everything_as_it_was() {
    let old =
        Old::with("id uuid PRIMARY KEY, api_id uuid, api_hash varchar", &[&format!("'{UUID}', '{UUID}', 'h'")]).await;
    old.run(&format!(r#"CREATE VIEW "CRM old".hangs AS SELECT id FROM {}"#, old.table)).await;
    let before = old.values("id, api_id, api_hash").await;

    let refused = repair_legacy(&mut old.pool().acquire().await.unwrap()).await;
    assert!(matches!(&refused, Err(StoreError::Refused(_))), "{refused:?}");
    assert_eq!(old.values("id, api_id, api_hash").await, before);

    old.run(r#"DROP VIEW "CRM old".hangs"#).await;
    let mut other = old.pool().begin().await.unwrap();
    let open = format!("SELECT name FROM {}", old.table);
    let _name: String = sqlx::query_scalar(AssertSqlSafe(open)).fetch_one(&mut *other).await.unwrap();
    let refused = repair_legacy(&mut old.pool().acquire().await.unwrap()).await;
    assert!(matches!(&refused, Err(StoreError::Refused(_))), "somebody is in the table: {refused:?}");
    assert_eq!(old.values("id, api_id, api_hash").await, before);
    drop(other);

    // Without the table there is nothing to do.
    old.run(r#"DROP SCHEMA "CRM old" CASCADE"#).await;
    let done = repair_legacy(&mut old.pool().acquire().await.unwrap()).await.unwrap();
    assert_eq!(done, LegacyRepaired::default());
}

/// The same for those who have only psql.
const SCRIPT: &str = include_str!("../../../../../docs/legacy-repair.sql");

/// Whatever columns it has by now.
const ROW: &str = "to_jsonb(telegram_accounts) - 'created_at'";

#[tokio::test]
async fn the_script_for_psql_does_the_same() {
    let one_uuid = format!("1, '{UUID}', 'h'");
    let two_uuids = [format!("'{UUID}', '{UUID}'"), "'7f3b0a52-5a0c-4f0e-9d0e-000000000002', NULL".to_owned()];
    for (columns, rows) in [
        ("id serial PRIMARY KEY, api_id integer, api_hash varchar", vec!["7, 12345, 'h'"]),
        (
            "id integer PRIMARY KEY DEFAULT 9, api_id uuid NOT NULL DEFAULT gen_random_uuid(), api_hash varchar",
            vec![one_uuid.as_str()],
        ),
        ("id serial PRIMARY KEY, api_id uuid, api_hash varchar", vec!["2, NULL, 'h'"]),
        ("id serial PRIMARY KEY, api_id text NOT NULL, api_hash varchar", vec!["1, '2147483647', 'h'"]),
        ("id serial PRIMARY KEY, api_id numeric, api_hash varchar", vec!["1, 5, 'h'", "2, NULL, NULL"]),
        (
            "id serial PRIMARY KEY, api_id text, api_hash varchar",
            vec!["1, ' 12345 ', 'h'", "2, '', 'h'", "3, 'my id', 'h'", "4, '2147483648', 'h'", "5, '-7', 'h'"],
        ),
        ("id uuid PRIMARY KEY DEFAULT gen_random_uuid(), api_id uuid", two_uuids.iter().map(String::as_str).collect()),
        ("id text PRIMARY KEY", vec!["'41'", "'7'"]),
    ] {
        let (ours, theirs) = (Old::with(columns, &rows).await, Old::with(columns, &rows).await);
        repair_legacy(&mut ours.pool().acquire().await.unwrap()).await.unwrap();
        for _ in 0..2 {
            sqlx::raw_sql(SCRIPT).execute(theirs.pool()).await.unwrap();
            assert_eq!(theirs.values(ROW).await, ours.values(ROW).await);
            assert_eq!(theirs.needs().await, ours.needs().await, "{columns}");
            assert_eq!(theirs.copies().await, ours.copies().await, "{columns}");
        }
    }

    let old =
        Old::with("id uuid PRIMARY KEY, api_id uuid, api_hash varchar", &[&format!("'{UUID}', '{UUID}', 'h'")]).await;
    old.run(&format!(r#"CREATE VIEW "CRM old".hangs AS SELECT id FROM {}"#, old.table)).await;
    let before = old.values(ROW).await;
    assert!(sqlx::raw_sql(SCRIPT).execute(old.pool()).await.is_err(), "a view hangs on its keys");
    assert_eq!(old.values(ROW).await, before);
}
