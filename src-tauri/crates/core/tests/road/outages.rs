//! What came while nothing was heard.

use std::sync::Arc;

use skrynka_core::{
    clock::{Clock, SystemClock},
    connector::Incoming,
    model::{AccountId, AccountState},
    store::StoredStatus,
};
use time::{Duration, OffsetDateTime};

use crate::{
    common::{Bureau, Mail},
    programs::{Start, Wire},
};

async fn received(bureau: &Bureau, number: u32, at: OffsetDateTime) {
    let mut mail = Mail::new(number).subject(&format!("замовлення {number}")).message();
    mail.received_at = at;
    bureau.ingest(vec![Incoming::Message(Box::new(mail))]).await;
}

async fn heard(bureau: &Bureau, account: AccountId, at: OffsetDateTime) {
    write(bureau, account, AccountState::Live, Some(at), at).await;
}

async fn write(
    bureau: &Bureau,
    account: AccountId,
    state: AccountState,
    heard_at: Option<OffsetDateTime>,
    at: OffsetDateTime,
) {
    let status = StoredStatus {
        account,
        state,
        since: at,
        heard_at,
        last_message_at: None,
        lag_ms: None,
        certificate_until: None,
        last_error: None,
        updated_at: at,
    };
    bureau.store.write_status(&status, uuid::Uuid::now_v7()).await.unwrap();
}

#[tokio::test]
async fn who_comes_back_is_told_once_what_came_meanwhile() {
    let bureau = Bureau::new().await;
    let now = SystemClock.now();
    assert_eq!(bureau.store.away(now).await.unwrap(), None);
    let (began, ended) = (now - Duration::hours(6), now - Duration::hours(1));
    for (number, hours) in [(1, 7), (2, 5), (3, 2), (4, 0)] {
        received(&bureau, number, now - Duration::hours(hours)).await;
    }
    bureau.store.note_outage(bureau.account, began, ended).await.unwrap();

    let away = bureau.store.away(now).await.unwrap().unwrap();
    assert_eq!(away.accounts, [(bureau.account, 2)], "neither what came before nor what came after");
    assert_eq!((away.waiting, away.late), (2, 0));
    let (account, conversation, since) = away.longest.unwrap();
    assert_eq!(account, bureau.account);
    assert_eq!((now - Duration::hours(5) - since).whole_milliseconds(), 0);
    let all = bureau.conversations().await;
    assert_eq!(all.iter().find(|one| one.id == conversation).unwrap().subject, "замовлення 2");

    bureau.store.away_seen(away.ended_at).await.unwrap();
    assert_eq!(bureau.store.away(now).await.unwrap(), None);
    bureau.store.note_outage(bureau.account, began - Duration::days(9), ended - Duration::days(9)).await.unwrap();
    assert_eq!(bureau.store.away(now).await.unwrap(), None, "too long ago to be told");
}

#[tokio::test]
async fn a_program_that_has_heard_nothing_yet_leaves_what_another_has_heard() {
    let bureau = Bureau::new().await;
    let last = SystemClock.now().replace_nanosecond(0).unwrap() - Duration::hours(3);
    heard(&bureau, bureau.account, last).await;
    write(&bureau, bureau.account, AccountState::Connecting, None, SystemClock.now()).await;
    assert_eq!(bureau.store.heard_at(bureau.account).await.unwrap(), Some(last), "or the outage would not be told");
}

#[tokio::test]
async fn an_account_that_is_live_again_notes_how_long_nothing_was_heard() {
    let bureau = Bureau::with_chats().await;
    let now = SystemClock.now();
    let last = now - Duration::hours(3);
    heard(&bureau, bureau.account, last).await;
    let wire = Arc::new(Wire::default());
    let program = Start::new(&bureau, "one", &wire).run().await;
    program.until_live(&bureau).await;
    let away = bureau.store.away(SystemClock.now()).await.unwrap().unwrap();
    assert_eq!((away.began_at - last).whole_milliseconds(), 0);
    assert!(away.ended_at >= now && away.ended_at <= SystemClock.now(), "{away:?}");
    bureau.store.away_seen(away.ended_at).await.unwrap();
    program.engine.shutdown().await;

    // A moment is no outage.
    heard(&bureau, bureau.account, SystemClock.now() - Duration::minutes(5)).await;
    let program = Start::new(&bureau, "one", &wire).run().await;
    program.until_live(&bureau).await;
    assert_eq!(bureau.store.away(SystemClock.now()).await.unwrap(), None);
    program.engine.shutdown().await;
}
