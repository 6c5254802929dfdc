//! Figures, on whatever machine this is; nothing depends on them.

use skrynka_lab::{evidence, telegram::Push};
use tokio::time::Instant;

use crate::desk::{Desk, Office};

/// How many messages are played.
const MESSAGES: usize = 20_000;

fn note(test: &str, began: Instant) {
    let rate = MESSAGES as f64 / began.elapsed().as_secs_f64();
    evidence::note(
        "P1 nothing lost, nothing doubled",
        test,
        &format!("{MESSAGES} of {MESSAGES}, {rate:.0} messages/s, debug build"),
    )
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a figure: cargo test -- --ignored"]
async fn a_burst_of_pushes() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.writes(olena, "first", Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let began = Instant::now();
    for number in 0..MESSAGES {
        office.writes(olena, format!("burst {number}"), Push::Pushed);
    }
    listening.until(&mut desk, |desk| desk.order.len() > MESSAGES).await;
    note("telegram: burst of pushes", began);
    println!("{:?} for {MESSAGES}, {} batches", began.elapsed(), desk.batches);
    desk.assert_all("burst", MESSAGES);
    assert_eq!(office.net.requested("updates.getDifference"), 1);
    listening.stop(&mut desk).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a figure: cargo test -- --ignored"]
async fn a_long_history() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.net.fill_history(office.account, olena, MESSAGES).unwrap();
    let mut desk = Desk::default();
    let began = Instant::now();
    let listening = office.caught_up(&mut desk).await;
    note("telegram: history", began);
    println!("{:?} for {MESSAGES}, {} batches", began.elapsed(), desk.batches);
    desk.assert_all("History", MESSAGES);
    listening.stop(&mut desk).await;
}
