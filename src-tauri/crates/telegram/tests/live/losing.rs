//! Every way in which messages were lost. Numbers are those of the traps that were found in the library.

use std::time::Duration;

use skrynka_core::{
    connector::SendText,
    model::{Peer, PeerKind},
};
use skrynka_lab::telegram::{Chat, NewUser, Push};

use crate::desk::{Desk, Office};

/// Trap 1 and 2: the library recovers nothing where it does not know whose session it is.
/// Trap 3: nor where the channels' states were read before the account's.
#[tokio::test]
async fn a_broken_connection_loses_nothing_of_private_chats_and_groups() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    let group = office.net.add_group("Notaries", &[office.account.user(), olena]);
    let supergroup = office.net.add_supergroup("Bureau", &[office.account.user(), olena], &[]);
    office.writes(olena, "before", Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    assert!(desk.has("before"));
    assert!(office.net.cut() > 0);
    office.writes(olena, "private", Push::Silent);
    office.net.send(olena, group, "group", Push::Silent).unwrap();
    // Trap 5: a supergroup would wait for its next push, or a quarter of an hour.
    office.net.send(olena, supergroup, "supergroup", Push::Silent).unwrap();
    for text in ["private", "group", "supergroup"] {
        listening.until_text(&mut desk, text).await;
    }
    office.writes(olena, "after", Push::Pushed);
    listening.until_text(&mut desk, "after").await;
    assert_eq!(office.net.connections(&office.key).greatest, 1);
    listening.stop(&mut desk).await;
}

/// Trap 3b: reading the list of chats moves every channel past what it missed.
/// Trap 6: a channel without its access hash is given up as if the account had been banned.
/// Trap 10: what was sent while nobody listened is passed over.
#[tokio::test]
async fn a_restart_finds_what_was_missed_in_every_kind_of_chat() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    let members = [office.account.user(), olena];
    let group = office.net.add_group("Notaries", &members);
    let supergroup = office.net.add_supergroup("Bureau", &members, &[]);
    let forum = office.net.add_supergroup("Forum", &members, &["Poland"]);
    let channel = office.net.add_channel("News", &[olena, office.account.user()]);
    let chats = [group, supergroup, forum, channel];
    for chat in chats {
        office.net.send(olena, chat, "first", Push::Pushed).unwrap();
    }
    office.writes(olena, "first", Push::Pushed);
    let mut desk = Desk::default();
    office.caught_up(&mut desk).await.stop(&mut desk).await;
    for round in 0..3 {
        for (at, chat) in chats.into_iter().enumerate() {
            office.net.send(olena, chat, format!("off {round} {at}"), Push::Silent).unwrap();
        }
        office.writes(olena, format!("off {round} private"), Push::Silent);
    }
    let asked = office.net.requested("messages.getHistory");
    let mut listening = office.listen(&desk).await;
    listening.until_count(&mut desk, "off", 15).await;
    desk.assert_all("off", 15);
    assert_eq!(office.net.requested("messages.getHistory"), asked, "differences bring everything: {:?}", desk.cursors);
    listening.stop(&mut desk).await;
}

/// Trap 6: the access hash is lost; the list of chats has it.
#[tokio::test]
async fn a_channel_whose_access_hash_is_missing_is_looked_up() {
    let (office, olena, supergroup) = Office::with_supergroup().await;
    office.net.send(olena, supergroup, "first", Push::Pushed).unwrap();
    let mut desk = Desk::default();
    office.caught_up(&mut desk).await.stop(&mut desk).await;
    desk.peers.retain(|peer, _| peer.kind != PeerKind::Channel);
    office.net.send(olena, supergroup, "off", Push::Silent).unwrap();
    let mut listening = office.listen(&desk).await;
    listening.until_text(&mut desk, "off").await;
    listening.stop(&mut desk).await;
}

/// Trap 4: a full queue drops pushes, and the news that the connection broke.
#[tokio::test]
async fn a_burst_on_a_busy_store_loses_nothing() {
    let mut office = Office::open().await;
    office.tuning.queue = std::num::NonZeroUsize::new(100).unwrap();
    let olena = office.customer("Olena");
    office.writes(olena, "first", Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    for number in 0..2_000 {
        office.writes(olena, format!("burst {number}"), Push::Pushed);
    }
    // Nobody listens meanwhile, as while the database is busy.
    tokio::time::sleep(Duration::from_millis(300)).await;
    office.net.cut();
    tokio::time::sleep(Duration::from_millis(100)).await;
    listening.until_count(&mut desk, "burst", 2_000).await;
    desk.assert_all("burst", 2_000);
    listening.stop(&mut desk).await;
}

/// Trap 7: `differenceTooLong` moves on in silence.
#[tokio::test]
async fn what_the_account_skipped_is_read_from_history() {
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
    let mut listening = office.listen(&desk).await;
    office.writes(customers[0], "live", Push::Pushed);
    listening.until_text(&mut desk, "live").await;
    listening.until_count(&mut desk, "skipped", 240).await;
    listening.until_live(&mut desk).await;
    desk.assert_all("skipped", 240);
    listening.stop(&mut desk).await;
}

/// Trap 7: the same for one busy group, while off and while listening.
#[tokio::test]
async fn what_a_busy_group_skipped_is_read_from_history() {
    let (office, olena, supergroup) = Office::with_supergroup().await;
    office.net.send(olena, supergroup, "first", Push::Pushed).unwrap();
    let mut desk = Desk::default();
    office.caught_up(&mut desk).await.stop(&mut desk).await;
    for number in 0..151 {
        office.net.send(olena, supergroup, format!("night {number}"), Push::Silent).unwrap();
    }
    let mut listening = office.listen(&desk).await;
    listening.until_count(&mut desk, "night", 151).await;
    listening.until_live(&mut desk).await;
    for number in 0..130 {
        office.net.send(olena, supergroup, format!("gap {number}"), Push::Silent).unwrap();
    }
    office.net.send(olena, supergroup, "reveals", Push::Pushed).unwrap();
    listening.until_text(&mut desk, "reveals").await;
    listening.until_count(&mut desk, "gap", 130).await;
    desk.assert_all("night", 151);
    desk.assert_all("gap", 130);
    listening.stop(&mut desk).await;
}

/// Trap 8: the state that is kept runs ahead of what was stored.
#[tokio::test]
async fn a_crash_before_the_commit_loses_nothing() {
    let (office, olena, supergroup) = Office::with_supergroup().await;
    office.writes(olena, "first", Push::Pushed);
    office.net.send(olena, supergroup, "first", Push::Pushed).unwrap();
    let mut desk = Desk::default();
    office.caught_up(&mut desk).await.stop(&mut desk).await;
    office.net.set_slice(40);
    for number in 0..250 {
        office.writes(olena, format!("private {number}"), Push::Silent);
        if number < 90 {
            office.net.send(olena, supergroup, format!("group {number}"), Push::Silent).unwrap();
        }
    }
    for crash in 0..6 {
        let mut listening = office.listen(&desk).await;
        listening.commit(&mut desk, crash).await;
        // What is on its way is lost with the program.
        drop(listening);
    }
    let mut listening = office.listen(&desk).await;
    listening.until_live(&mut desk).await;
    desk.assert_all("private", 250);
    desk.assert_all("group", 90);
    let numbers: Vec<_> = desk.order.iter().filter(|place| place.mailbox.starts_with("user:")).collect();
    assert!(numbers.is_sorted(), "private messages come in order");
    listening.stop(&mut desk).await;
}

/// The library drops edits and deletions of a channel's last difference.
#[tokio::test]
async fn edits_and_deletions_of_a_group_are_found_after_a_restart() {
    let (office, olena, supergroup) = Office::with_supergroup().await;
    let edited = office.net.send(olena, supergroup, "to be edited", Push::Pushed).unwrap();
    let deleted = office.net.send(olena, supergroup, "to be deleted", Push::Pushed).unwrap();
    let mut desk = Desk::default();
    office.caught_up(&mut desk).await.stop(&mut desk).await;
    office.net.edit(edited, "edited", Push::Silent).unwrap();
    office.net.delete(&[deleted], Push::Silent).unwrap();
    let mut listening = office.listen(&desk).await;
    listening.until(&mut desk, |desk| desk.has("edited") && !desk.deleted.is_empty()).await;
    let Chat::Channel(id) = supergroup else { panic!("a supergroup is a channel") };
    let number = u32::try_from(office.net.id_for(office.account, deleted).unwrap()).unwrap();
    assert_eq!(desk.deleted, [(Some(id), vec![number])]);
    listening.stop(&mut desk).await;
}

/// A gap in the sequence is asked for, and what came ahead of it keeps its place.
#[tokio::test]
async fn gaps_and_pushes_out_of_order_lose_nothing() {
    let (office, olena, supergroup) = Office::with_supergroup().await;
    office.writes(olena, "first", Push::Pushed);
    office.net.send(olena, supergroup, "first", Push::Pushed).unwrap();
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    for number in 0..60 {
        let push = [Push::Pushed, Push::Reordered, Push::Silent, Push::Short][number % 4];
        office.writes(olena, format!("private {number}"), push);
        office.net.send(olena, supergroup, format!("group {number}"), push).unwrap();
    }
    listening.until(&mut desk, |desk| desk.count("private") == 60 && desk.count("group") == 60).await;
    desk.assert_all("private", 60);
    desk.assert_all("group", 60);
    listening.stop(&mut desk).await;
}

/// What cannot be read is a gap, and `updatesTooLong` is one that says so.
#[tokio::test]
async fn unknown_constructors_and_silence_are_asked_for() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.writes(olena, "first", Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    office.writes(olena, "hidden by an unknown one", Push::Silent);
    office.net.push_unknown(office.account);
    listening.until_text(&mut desk, "hidden by an unknown one").await;
    office.writes(olena, "hidden inside", Push::Silent);
    office.net.push_unknown_inside(office.account);
    listening.until_text(&mut desk, "hidden inside").await;
    office.writes(olena, "hidden by silence", Push::Silent);
    office.net.push_too_long(office.account);
    listening.until_text(&mut desk, "hidden by silence").await;
    listening.stop(&mut desk).await;
}

/// Trap 17: a short form names a person whom nobody introduced.
#[tokio::test]
async fn a_stranger_in_a_short_form_has_a_name_and_can_be_answered() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.writes(olena, "first", Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let petro = office.stranger("Petro");
    office.writes(petro, "good day", Push::Short);
    listening.until_text(&mut desk, "good day").await;
    let message = desk.found("good day");
    assert_eq!(message.chat.title, "Petro");
    assert_eq!(message.author.as_ref().unwrap().name, "Petro");
    assert!(desk.peers.values().any(|peer| peer.peer.id == petro.0 && peer.access_hash.is_some()));
    listening.stop(&mut desk).await;
}

/// Trap 7 while listening: the push that reveals the gap is skipped with it.
#[tokio::test]
async fn what_the_account_skipped_while_listening_is_read_from_history() {
    let office = Office::open().await;
    let (olena, petro) = (office.customer("Olena"), office.customer("Petro"));
    for customer in [olena, petro] {
        office.writes(customer, "first", Push::Pushed);
    }
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    office.skips_60([olena, petro]);
    listening.until_text(&mut desk, "reveals").await;
    listening.until_count(&mut desk, "skipped", 60).await;
    desk.assert_all("skipped", 60);
    listening.stop(&mut desk).await;
}

/// What no difference tells is found by comparing every chat with what was handed over.
#[tokio::test]
async fn a_state_that_ran_ahead_is_found_out_at_the_start() {
    let (office, olena, supergroup) = Office::with_supergroup().await;
    office.writes(olena, "first", Push::Pushed);
    office.net.send(olena, supergroup, "first", Push::Pushed).unwrap();
    let mut desk = Desk::default();
    office.caught_up(&mut desk).await.stop(&mut desk).await;
    for number in 0..120 {
        office.writes(olena, format!("private {number}"), Push::Silent);
        office.net.send(olena, supergroup, format!("group {number}"), Push::Silent).unwrap();
    }
    let Chat::Channel(id) = supergroup else { panic!("a supergroup is a channel") };
    desk.cursors.get_mut("account").unwrap()["pts"] = office.net.pts(office.account).into();
    desk.cursors.get_mut(&format!("channel:{id}")).unwrap()["pts"] = office.net.channel_pts(supergroup).into();
    let mut listening = office.listen(&desk).await;
    listening.until(&mut desk, |desk| desk.count("private") == 120 && desk.count("group") == 120).await;
    listening.stop(&mut desk).await;
}

/// Trap 11: the library throws away what is pushed while a new connection introduces itself.
#[tokio::test]
async fn what_is_pushed_while_a_connection_begins_is_asked_for() {
    let (office, olena, supergroup) = Office::with_supergroup().await;
    office.writes(olena, "first", Push::Pushed);
    office.net.send(olena, supergroup, "first", Push::Pushed).unwrap();
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    office.net.slow("help.getConfig", Duration::from_millis(500));
    let before = office.net.connections(&office.key).total;
    office.net.cut();
    for _ in 0..200 {
        listening.run_for(&mut desk, Duration::from_millis(20)).await;
        if office.net.connections(&office.key).total > before {
            break;
        }
    }
    assert!(office.net.connections(&office.key).total > before, "a new connection was begun");
    office.writes(olena, "private", Push::Pushed);
    office.net.send(olena, supergroup, "group", Push::Pushed).unwrap();
    listening.until(&mut desk, |desk| desk.has("private") && desk.has("group")).await;
    listening.stop(&mut desk).await;
}

/// Trap 17: a `min` person is known by name, and the hash that comes along opens nothing.
#[tokio::test]
async fn a_person_who_is_told_of_in_part_can_be_answered() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.writes(olena, "first", Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let petro = office.net.add_user(NewUser { first_name: "Petro".to_owned(), min: true, ..NewUser::default() });
    office.writes(petro, "good day", Push::Pushed);
    listening.until_text(&mut desk, "good day").await;
    assert_eq!(desk.found("good day").chat.title, "Petro");
    let hash = |desk: &Desk| desk.peers.values().any(|peer| peer.peer.id == petro.0 && peer.access_hash.is_some());
    listening.until(&mut desk, hash).await;
    let chat = Peer { kind: PeerKind::User, id: petro.0 }.into();
    let text = SendText { chat, text: "yes".to_owned(), entities: Vec::new(), reply_to: None, random_id: 7 };
    let remote = listening.remote.clone();
    listening.beside(&mut desk, remote.send_text(text, None)).await.unwrap();
    assert_eq!(office.net.sent_by(office.account).len(), 1);
    listening.stop(&mut desk).await;
}
