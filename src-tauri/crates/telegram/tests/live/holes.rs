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
    office.skips_60([olena, petro]);
    listening.until_text(&mut desk, "reveals").await;
    listening.until_count(&mut desk, "skipped", 60).await;
    desk.assert_all("skipped", 60);
    listening.stop(&mut desk).await;
}

/// `updateChannelTooLong` names the state that the channel has now, not the one to go on from.
#[tokio::test]
async fn a_channel_that_is_too_long_is_asked_from_where_it_stood() {
    let (office, olena, supergroup) = Office::with_supergroup().await;
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

/// A difference that cannot be read is skipped; history has what is around the message that spoils it.
#[tokio::test]
async fn a_message_that_spoils_the_difference_stops_no_account() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.writes(olena, "first", Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    office.net.garble_text(GARBLED);
    for number in 0..6 {
        office.writes(olena, format!("around {number}"), Push::Silent);
        if number == 2 {
            office.writes(olena, GARBLED, Push::Silent);
        }
    }
    office.net.cut();
    listening.until_count(&mut desk, "around", 6).await;
    listening.until_live(&mut desk).await;
    desk.assert_all("around", 6);
    assert_eq!(desk.unreadable().len(), 1);
    office.writes(olena, "after", Push::Pushed);
    listening.until_text(&mut desk, "after").await;
    listening.stop(&mut desk).await;
}

/// The same for a channel's difference, and for one that is refused.
#[tokio::test]
async fn a_channel_that_cannot_be_asked_stops_no_account() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    let members = [office.account.user(), olena];
    let (spoilt, refused) =
        (office.net.add_supergroup("Spoilt", &members, &[]), office.net.add_supergroup("Refused", &members, &[]));
    office.net.send(olena, spoilt, "first", Push::Pushed).unwrap();
    office.net.send(olena, refused, "first", Push::Pushed).unwrap();
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    office.net.garble_text(GARBLED);
    office.net.send(olena, spoilt, GARBLED, Push::Silent).unwrap();
    for number in 0..3 {
        office.net.send(olena, spoilt, format!("spoilt {number}"), Push::Silent).unwrap();
    }
    office.net.cut();
    listening.until_count(&mut desk, "spoilt", 3).await;
    listening.until_live(&mut desk).await;
    for number in 0..3 {
        office.net.send(olena, refused, format!("refused {number}"), Push::Silent).unwrap();
    }
    office.net.fail("updates.getChannelDifference", 2, "USER_BANNED_IN_CHANNEL");
    office.net.cut();
    listening.until_count(&mut desk, "refused", 3).await;
    listening.until_live(&mut desk).await;
    assert_eq!(desk.unreadable().len(), 1);
    office.net.stop_failing();
    office.net.stop_garbling();
    for chat in [spoilt, refused] {
        office.net.send(olena, chat, "missed after", Push::Silent).unwrap();
        office.net.send(olena, chat, "after", Push::Pushed).unwrap();
    }
    listening.until_count(&mut desk, "missed after", 2).await;
    listening.stop(&mut desk).await;
}

/// One chat that spoils the list of chats hides no other.
#[tokio::test]
async fn a_chat_that_spoils_the_list_hides_no_other() {
    let office = Office::open().await;
    office.net.garble_text(GARBLED);
    for number in 0..7 {
        let customer = office.customer(&format!("Customer {number}"));
        let at = Some(now() - time::Duration::hours(10 - i64::from(number)));
        let text = if number == 3 { GARBLED.to_owned() } else { format!("listed {number}") };
        let message = skrynka_lab::telegram::Message { at, ..text.into() };
        office.writes(customer, message, Push::Silent);
    }
    let mut desk = Desk::default();
    let mut listening = office.listen(&desk).await;
    listening.until_count(&mut desk, "listed", 6).await;
    listening.stop(&mut desk).await;
}

/// What came ahead of a channel's difference does not count while that fails.
#[tokio::test]
async fn a_channel_that_is_asked_for_later_is_not_taken_for_complete() {
    let (office, olena, supergroup) = Office::with_supergroup().await;
    office.net.send(olena, supergroup, "first", Push::Pushed).unwrap();
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    office.net.slow("updates.getChannelDifference", Duration::from_secs(1));
    office.net.fail("updates.getChannelDifference", 1, "PERSISTENT_TIMESTAMP_OUTDATED");
    for number in 0..130 {
        office.net.send(olena, supergroup, format!("gap {number}"), Push::Silent).unwrap();
    }
    let asked = office.net.requested("updates.getChannelDifference");
    office.net.send(olena, supergroup, "reveals", Push::Pushed).unwrap();
    while office.net.requested("updates.getChannelDifference") == asked {
        listening.run_for(&mut desk, Duration::from_millis(20)).await;
    }
    office.net.send(olena, supergroup, "ahead", Push::Pushed).unwrap();
    listening.until_text(&mut desk, "ahead").await;
    // The refusal has come by then.
    listening.run_for(&mut desk, Duration::from_millis(1_200)).await;
    office.net.send(olena, supergroup, "later", Push::Pushed).unwrap();
    listening.until_count(&mut desk, "gap", 130).await;
    listening.until_live(&mut desk).await;
    desk.assert_all("gap", 130);
    listening.stop(&mut desk).await;
}

/// Without a history nothing old is wanted, and everything new.
#[tokio::test]
async fn what_came_while_nobody_listened_is_not_history() {
    let mut office = Office::open().await;
    office.settings.history_days = 0;
    let (olena, petro) = (office.customer("Olena"), office.customer("Petro"));
    office.writes(olena, "old", Push::Silent);
    let mut desk = Desk::default();
    office.caught_up(&mut desk).await.stop(&mut desk).await;
    office.writes(petro, "new 1", Push::Silent);
    office.writes(petro, "new 2", Push::Silent);
    // Only the list of chats tells of them.
    desk.cursors.get_mut("account").unwrap()["pts"] = office.net.pts(office.account).into();
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let mut listening = office.listen(&desk).await;
    listening.until_live(&mut desk).await;
    desk.assert_all("new", 2);
    listening.stop(&mut desk).await;
}

/// A message that cannot be read is one message, where it stands.
#[tokio::test]
async fn an_unreadable_message_is_one_placeholder() {
    let office = Office::open().await;
    let (olena, petro) = (office.customer("Olena"), office.customer("Petro"));
    office.net.garble_text(GARBLED);
    office.writes(olena, "said 1", Push::Silent);
    office.writes(olena, "said 2", Push::Silent);
    let spoilt = [office.writes(olena, GARBLED, Push::Silent), office.writes(olena, GARBLED, Push::Silent)];
    office.net.fill_history(office.account, petro, 200).unwrap();
    office.writes(olena, "said 3", Push::Silent);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    desk.assert_all("said", 3);
    let number = |message| u32::try_from(office.net.id_for(office.account, message).unwrap()).unwrap();
    let olena = Peer { kind: PeerKind::User, id: olena.0 };
    assert_eq!(desk.unreadable(), spoilt.map(|message| olena.place(number(message))));
    let asked = office.net.requested("messages.getHistory");
    assert!(asked < 60, "{asked} requests");
    listening.run_for(&mut desk, Duration::from_millis(100)).await;
    listening.stop(&mut desk).await;
}

/// Who left a group and comes back has missed what was said meanwhile.
#[tokio::test]
async fn a_group_that_is_joined_again_has_no_hole() {
    let (office, olena, supergroup) = Office::with_supergroup().await;
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

/// A window that still asks for a file keeps no connection alive behind an attempt that ended.
#[tokio::test]
async fn an_attempt_that_is_dropped_leaves_no_connection() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.writes(olena, "first", Push::Pushed);
    let mut desk = Desk::default();
    let listening = office.caught_up(&mut desk).await;
    assert_eq!(office.net.online(), 1);
    let remote = listening.remote.clone();
    drop(listening);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(office.net.online(), 0);
    drop(remote);
}

/// An account that is given up while it signs in has closed its connection when `open` ends.
#[tokio::test]
async fn an_account_that_is_given_up_while_it_opens_leaves_no_connection() {
    let office = Office::open().await;
    office.net.slow("users.getUsers", Duration::from_secs(4));
    let (desk, stop) = (Desk::default(), CancellationToken::new());
    let give_up = async {
        while office.net.requested("users.getUsers") == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(office.net.online(), 1);
        stop.cancel();
    };
    let (opened, ()) = futures_util::future::join(office.open_until(&desk, stop.clone()), give_up).await;
    assert!(opened.is_err());
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(office.net.online(), 0);
}

/// A limit that ends with its attempt would be overrun by the next one.
#[tokio::test]
async fn a_wait_outlives_its_attempt() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.writes(olena, "first", Push::Pushed);
    let mut desk = Desk::default();
    let connector = office.connector();
    let mut listening = office.open_with(&connector, &desk, CancellationToken::new()).await.unwrap();
    listening.until_live(&mut desk).await;
    office.net.fail("updates.getDifference", 1, "FLOOD_WAIT_3");
    office.writes(olena, "behind the wait", Push::Silent);
    office.net.cut();
    let began = tokio::time::Instant::now();
    while !listening.states.iter().any(|state| matches!(state, AccountState::Limited { .. })) {
        listening.run_for(&mut desk, Duration::from_millis(20)).await;
    }
    drop(listening);
    let mut listening = office.open_with(&connector, &desk, CancellationToken::new()).await.unwrap();
    listening.until_text(&mut desk, "behind the wait").await;
    assert!(began.elapsed() >= Duration::from_secs(3), "{:?}", began.elapsed());
    listening.stop(&mut desk).await;
}

/// What is deleted while the past that holds it is on its way is deleted.
#[tokio::test]
async fn a_deletion_during_a_page_of_history_is_kept() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.writes(olena, "stays", Push::Silent);
    let deleted = office.writes(olena, "is deleted", Push::Silent);
    office.writes(olena, "stays, too", Push::Silent);
    office.net.slow("messages.getHistory", Duration::from_secs(1));
    let mut desk = Desk::default();
    let mut listening = office.listen(&desk).await;
    while office.net.requested("messages.getHistory") == 0 {
        listening.run_for(&mut desk, Duration::from_millis(20)).await;
    }
    office.net.delete(&[deleted], Push::Pushed).unwrap();
    listening.until(&mut desk, |desk| desk.has("is deleted") && desk.deleted_after("is deleted")).await;
    listening.stop(&mut desk).await;
}
