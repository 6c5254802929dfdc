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
