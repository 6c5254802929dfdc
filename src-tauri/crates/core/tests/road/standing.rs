//! What diagnostics read of the schema and of an account's standing.

use skrynka_core::{
    connector::Quota,
    model::AccountState,
    store::{Standing, StoredStatus},
};
use sqlx::AssertSqlSafe;

use crate::common::{Bureau, START};

#[tokio::test]
async fn every_column_is_what_the_migrations_make_it_and_another_type_is_named() {
    let bureau = Bureau::new().await;
    assert_eq!(
        bureau.store.wrong_columns().await.unwrap(),
        Some(vec![]),
        "store/columns.txt is not of these migrations"
    );
    let listed: Vec<&str> = include_str!("../../src/store/columns.txt").lines().collect();
    for column in bureau.store.columns().await.unwrap() {
        let null = if column.nullable { " null" } else { "" };
        let line = format!("{}.{} {}{null}", column.table, column.name, column.kind);
        let known = listed.contains(&&*line) || column.table == "_sqlx_migrations";
        assert!(known, "store/columns.txt lacks {line}");
    }
    let run = async |statement: &str| {
        sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&bureau.database.pool).await.unwrap();
    };
    run("ALTER TABLE skrynka.telegram_accounts DROP COLUMN api_id, ADD COLUMN api_id uuid").await;
    run("ALTER TABLE skrynka.accounts ADD COLUMN somebodys text").await;
    let wrong = bureau.store.wrong_columns().await.unwrap().unwrap();
    let [column] = &wrong[..] else { panic!("{wrong:?}") };
    assert_eq!(column.name, "telegram_accounts.api_id");
    assert_eq!((column.is.as_deref(), &*column.due), (Some("uuid null"), "integer null"));
    run("INSERT INTO skrynka._sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (99990101000000, 'later', true, '', 0)")
    .await;
    assert_eq!(bureau.store.wrong_columns().await.unwrap(), None, "a newer program's types are not ours to judge");
}

#[tokio::test]
async fn a_backlog_tells_since_when_it_has_not_become_smaller() {
    let bureau = Bureau::new().await;
    let note = async |total: u64| {
        let state = match total {
            0 => AccountState::Live,
            total => AccountState::CatchingUp { done: 0, total },
        };
        let status = StoredStatus {
            account: bureau.account,
            state,
            since: START,
            heard_at: None,
            last_message_at: None,
            lag_ms: None,
            certificate_until: None,
            last_error: None,
            updated_at: START,
        };
        bureau.store.write_status(&status, uuid::Uuid::nil()).await.unwrap();
        let all = bureau.store.standings().await.unwrap();
        all.into_iter().find(|standing| standing.account == bureau.account).unwrap()
    };
    let quiet = note(0).await;
    assert_eq!((quiet.backlog, quiet.quota, quiet.connections), (0, None, None));
    let begun = note(500).await;
    assert!(begun.shrank_at > quiet.shrank_at);
    let less = note(300).await;
    assert!(less.shrank_at > begun.shrank_at);
    let grown = note(700).await;
    assert_eq!((grown.backlog, grown.shrank_at), (700, less.shrank_at));
    let still = note(300).await;
    assert_eq!(still.shrank_at, less.shrank_at, "as little as before is no less");

    let quota = Some(Quota { used: 3 << 40, limit: 4 << 40 });
    assert!(bureau.store.note_standing(bureau.account, quota, Some(2)).await.unwrap());
    let Standing { quota: told, connections, .. } = note(0).await;
    assert_eq!((told, connections), (quota, Some(2)));
}
