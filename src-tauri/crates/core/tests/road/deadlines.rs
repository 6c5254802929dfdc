//! A database that does not answer holds nothing up for ever.

use std::time::Duration;

use crate::common::{Bureau, Mail};
use skrynka_core::journal::{JournalReader, News};

#[tokio::test]
async fn closing_does_not_wait_for_ever_for_a_connection_in_use() {
    let bureau = Bureau::new().await;
    let held = bureau.store.begin_ingest(bureau.account, None).await.unwrap();

    let closed = tokio::time::timeout(Duration::from_secs(20), bureau.store.close()).await;

    assert!(closed.is_ok());
    drop(held);
}

#[tokio::test]
async fn a_reader_whose_unread_facts_were_all_pruned_takes_a_new_snapshot() {
    let bureau = Bureau::new().await;
    let mut journal = JournalReader::from_now(bureau.store.clone()).await.unwrap();
    bureau.ingest(vec![Mail::new(1).incoming()]).await;
    bureau.store.prune_journal(time::macros::datetime!(9999-01-01 0:00 UTC)).await.unwrap();

    let news = tokio::time::timeout(Duration::from_secs(40), journal.next()).await.expect("it is told").unwrap();

    assert_eq!(news, News::Overflowed);
}

#[tokio::test]
async fn a_reader_whose_connection_is_likely_dead_listens_anew_and_misses_nothing() {
    let bureau = Bureau::new().await;
    let mut journal = JournalReader::from_now(bureau.store.clone()).await.unwrap();

    let (news, ()) = tokio::join!(tokio::time::timeout(Duration::from_secs(10), journal.next()), async {
        bureau.store.connections_lost();
        tokio::time::sleep(Duration::from_millis(200)).await;
        bureau.ingest(vec![Mail::new(1).incoming()]).await;
    });

    let News::Facts(facts) = news.expect("the hint comes on the new connection").unwrap() else { unreachable!() };
    assert!(!facts.is_empty());
}
