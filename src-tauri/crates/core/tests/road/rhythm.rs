//! Whether a silence is one that a bureau should be told of.

use skrynka_core::model::Direction;
use time::{Duration, OffsetDateTime, macros::datetime};

use crate::common::{Bureau, Mail};

/// A Thursday in the middle of the day.
const NOW: OffsetDateTime = datetime!(2026-11-26 14:00 UTC);

/// Puts mails into the mailbox that the server received at these moments, and makes them searchable.
async fn received(bureau: &Bureau, first: u32, moments: impl IntoIterator<Item = OffsetDateTime>) {
    let mails = moments.into_iter().zip(first..).map(|(at, number)| {
        let mut mail = Mail::new(number).message();
        mail.received_at = at;
        skrynka_core::connector::Incoming::Message(Box::new(mail))
    });
    bureau.ingest(mails.collect()).await;
    while bureau.store.index_messages(100, 1000).await.unwrap().messages > 0 {}
}

/// Six mails from 12:00 to 13:40, 20 minutes apart, of the day so many weeks before.
fn busy(weeks: i64) -> impl Iterator<Item = OffsetDateTime> {
    (0..6).map(move |n| NOW - Duration::weeks(weeks) - Duration::hours(2) + Duration::minutes(20 * n))
}

#[tokio::test]
async fn a_silence_counts_against_the_same_hours_of_the_weeks_before() {
    let bureau = Bureau::new().await;
    let usual = async || bureau.store.rhythm(bureau.account, NOW).await.unwrap();
    assert_eq!(usual().await.usual, 0, "an empty mailbox has no rhythm");

    received(&bureau, 1, (1..=3).flat_map(busy)).await;
    assert_eq!(usual().await.usual, 0, "three weeks are not four");
    received(&bureau, 100, busy(4)).await;
    let silent = usual().await;
    assert_eq!((silent.silent_since, silent.usual), (NOW - Duration::WEEK, 6), "a whole week without a mail");

    received(&bureau, 200, [NOW - Duration::minutes(90)]).await;
    let silent = usual().await;
    assert_eq!((silent.silent_since, silent.usual), (NOW - Duration::minutes(90), 4), "from 12:30 on");
    let night = bureau.store.rhythm(bureau.account, NOW - Duration::hours(6)).await.unwrap();
    assert_eq!(night.usual, 0, "what did not come at night is not missed");

    let mut ours = Mail::new(300).message();
    ours.direction = Direction::Out;
    ours.received_at = NOW - Duration::minutes(1);
    bureau.ingest(vec![skrynka_core::connector::Incoming::Message(Box::new(ours))]).await;
    bureau.store.index_messages(100, 1000).await.unwrap();
    assert_eq!(usual().await, silent, "what we send breaks no silence");
    received(&bureau, 400, [NOW - Duration::minutes(5)]).await;
    assert_eq!(usual().await.usual, 0);
}

#[tokio::test]
async fn a_message_that_was_received_after_it_came_shows_a_wrong_clock() {
    let bureau = Bureau::new().await;
    assert_eq!(bureau.store.servers_ahead(NOW).await.unwrap(), None);
    let come = async |number: u32, ahead: Duration| {
        let mut mail = Mail::new(number).message();
        mail.arrived_at = NOW;
        mail.received_at = NOW + ahead;
        bureau.ingest(vec![skrynka_core::connector::Incoming::Message(Box::new(mail))]).await;
    };
    come(1, Duration::seconds(-40)).await;
    assert_eq!(bureau.store.servers_ahead(NOW).await.unwrap(), Some(-40.0), "a mail may be late");
    come(2, Duration::seconds(300)).await;
    assert_eq!(bureau.store.servers_ahead(NOW).await.unwrap(), Some(300.0));
    assert_eq!(bureau.store.servers_ahead(NOW + Duration::days(2)).await.unwrap(), None, "too long ago");
    for number in 3..6 {
        come(number, Duration::seconds(-1)).await;
    }
    assert_eq!(bureau.store.servers_ahead(NOW).await.unwrap(), Some(-1.0), "it was set right");
}
