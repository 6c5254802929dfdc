//! Holes that a broken attempt, an answer that cannot be read or a refusal would leave.

use std::time::Duration;

use skrynka_core::model::{AccountState, Peer, PeerKind};
use skrynka_lab::telegram::Push;
use tokio_util::sync::CancellationToken;

use crate::{
    desk::{Desk, Office},
    history::now,
};

/// What the server skipped is not forgotten when the attempt ends before every chat was compared.
#[tokio::test]
async fn a_skip_is_remembered_over_a_crash() {
    let office = Office::open().await;
    let customers: Vec<_> = (0..4).map(|number| office.customer(&format!("Customer {number}"))).collect();
    for customer in &customers {
        office.writes(*customer, "first", Push::Pushed);
    }
    let mut desk = Desk::default();
    office.caught_up(&mut desk).await.stop(&mut desk).await;
    office.net.account_too_long_after(Some(50));
    for number in 0..240 {
        office.writes(customers[number % 4], format!("skipped {number}"), Push::Silent);
    }
    office.net.slow("messages.getDialogs", Duration::from_secs(60));
    let mut listening = office.listen(&desk).await;
    let ahead = office.net.pts(office.account);
    listening.until(&mut desk, |desk| desk.cursors["account"]["pts"] == ahead).await;
    drop(listening);
    office.net.slow("messages.getDialogs", Duration::ZERO);
    for customer in &customers {
        office.writes(*customer, "skipped later", Push::Silent);
    }
    let mut listening = office.listen(&desk).await;
    listening.until_live(&mut desk).await;
    assert_eq!(desk.count("skipped"), 244);
    listening.stop(&mut desk).await;
}

/// A list of chats that was on its way when the server skipped says nothing of what was skipped.
#[tokio::test]
async fn a_skip_during_a_comparison_asks_for_another() {
    let office = Office::open().await;
    let (olena, petro) = (office.customer("Olena"), office.customer("Petro"));
    for customer in [olena, petro] {
        office.writes(customer, "first", Push::Pushed);
    }
    let mut desk = Desk::default();
    office.caught_up(&mut desk).await.stop(&mut desk).await;
    office.net.slow("messages.getDialogs", Duration::from_secs(2));
    let asked = office.net.requested("messages.getDialogs");
    let mut listening = office.listen(&desk).await;
    while office.net.requested("messages.getDialogs") == asked {
        listening.run_for(&mut desk, Duration::from_millis(20)).await;
    }
    office.net.account_too_long_after(Some(10));
    for number in 0..60 {
        office.writes([olena, petro][number % 2], format!("skipped {number}"), Push::Silent);
    }
    office.writes(olena, "reveals", Push::Pushed);
    listening.until_text(&mut desk, "reveals").await;
    listening.until_count(&mut desk, "skipped", 60).await;
    desk.assert_all("skipped", 60);
    listening.stop(&mut desk).await;
}

/// `updateChannelTooLong` names the state that the channel has now, not the one to go on from.
#[tokio::test]
async fn a_channel_that_is_too_long_is_asked_from_where_it_stood() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    let supergroup = office.net.add_supergroup("Bureau", &[office.account.user(), olena], &[]);
    office.net.send(olena, supergroup, "first", Push::Pushed).unwrap();
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    for number in 0..5 {
        office.net.send(olena, supergroup, format!("missed {number}"), Push::Silent).unwrap();
    }
    office.net.push_channel_too_long(office.account, supergroup);
    office.net.send(olena, supergroup, "after", Push::Pushed).unwrap();
    listening.until_text(&mut desk, "after").await;
    listening.until_count(&mut desk, "missed", 5).await;
    desk.assert_all("missed", 5);
    listening.stop(&mut desk).await;
}

/// The same for a channel that was not followed yet.
#[tokio::test]
async fn a_channel_that_is_too_long_and_new_is_compared() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.writes(olena, "first", Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let supergroup = office.net.add_supergroup("Bureau", &[office.account.user(), olena], &[]);
    for number in 0..5 {
        office.net.send(olena, supergroup, format!("missed {number}"), Push::Silent).unwrap();
    }
    office.net.push_channel_too_long(office.account, supergroup);
    listening.until_count(&mut desk, "missed", 5).await;
    listening.stop(&mut desk).await;
}

const GARBLED: &str = "no client can read this";

/// Who left a group and comes back has missed what was said meanwhile.
#[tokio::test]
async fn a_group_that_is_joined_again_has_no_hole() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    let supergroup = office.net.add_supergroup("Bureau", &[office.account.user(), olena], &[]);
    office.net.send(olena, supergroup, "first", Push::Pushed).unwrap();
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    office.net.leave(supergroup, office.account).unwrap();
    let asked = office.net.requested("updates.getChannelDifference");
    office.net.cut();
    while office.net.requested("updates.getChannelDifference") == asked {
        listening.run_for(&mut desk, Duration::from_millis(20)).await;
    }
    listening.until_live(&mut desk).await;
    listening.run_for(&mut desk, Duration::from_millis(200)).await;
    for number in 0..5 {
        office.net.send(olena, supergroup, format!("missed {number}"), Push::Silent).unwrap();
    }
    office.net.join(supergroup, office.account).unwrap();
    office.net.send(olena, supergroup, "welcome back", Push::Pushed).unwrap();
    listening.until_text(&mut desk, "welcome back").await;
    listening.until_count(&mut desk, "missed", 5).await;
    listening.stop(&mut desk).await;
}
