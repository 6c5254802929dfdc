//! The listener against a real Dovecot.

use std::{collections::BTreeMap, time::Duration};

use crate::desk::{Desk, PASSWORD, USER, mail, quick, settings};
use skrynka_core::{
    connector::{ConnectorError, Cursor, IncomingSender},
    model::{AccountState, Direction, Place, Security, TroubleCode},
};
use skrynka_lab::{Dovecot, Mode, Options, Proxy, dovecot::StoredMail};
use skrynka_mail::Tuning;
use time::{OffsetDateTime, macros::datetime};

const START: OffsetDateTime = datetime!(2026-01-01 12:00 UTC);

fn server(without: &[&'static str]) -> Dovecot {
    let dovecot = Dovecot::start(Options { without: without.to_vec(), ..Options::default() }).unwrap();
    dovecot.add_user(USER, PASSWORD).unwrap();
    dovecot
}

fn fill(dovecot: &Dovecot, folder: &str, numbers: std::ops::RangeInclusive<u32>) {
    let stored = numbers.map(|number| StoredMail {
        raw: mail(number),
        received: START + time::Duration::hours(i64::from(number)),
        seen: false,
        answered: false,
    });
    dovecot.fill(USER, folder, stored).unwrap();
}

fn desk(dovecot: &Dovecot) -> Desk {
    Desk::new(settings(dovecot.imap().port(), Security::LoopbackPlain), quick())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_sync_brings_every_mail_once_and_the_newest_first() {
    let dovecot = server(&[]);
    fill(&dovecot, "INBOX", 1..=230);
    fill(&dovecot, "Sent", 1..=70);
    let before = dovecot.flags(USER, "INBOX").unwrap();
    let mut desk = desk(&dovecot);
    desk.catch_up().await.unwrap();
    assert_eq!(desk.shelf.uids("INBOX"), (1..=230).collect::<Vec<_>>());
    assert_eq!(desk.shelf.uids("Sent"), (1..=70).collect::<Vec<_>>());
    assert!(desk.shelf.times.values().all(|times| *times == 1));
    assert!(desk.shelf.order[..50].iter().all(|place| place.mailbox == "INBOX" && place.number > 180));
    assert_eq!(desk.shelf.progress.last().map(|(_, total)| *total), Some(300));
    let first = &desk.shelf.messages.values().next().unwrap();
    assert_eq!(first.message.received_at, START + time::Duration::hours(1));
    assert_eq!(first.bytes, mail(1));
    assert!(
        desk.shelf
            .messages
            .values()
            .all(|kept| { (kept.message.direction == Direction::Out) == (kept.message.place.mailbox == "Sent") })
    );
    assert_eq!(dovecot.flags(USER, "INBOX").unwrap(), before, "reading changed a mark on the server");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_brings_only_what_is_new() {
    let dovecot = server(&[]);
    fill(&dovecot, "INBOX", 1..=60);
    let mut desk = desk(&dovecot);
    desk.catch_up().await.unwrap();
    dovecot.deliver(USER, &mail(61)).unwrap();
    desk.catch_up().await.unwrap();
    assert_eq!(desk.shelf.uids("INBOX"), (1..=61).collect::<Vec<_>>());
    assert!(desk.shelf.times.values().all(|times| *times == 1), "something was fetched twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_connections_lose_nothing_and_leave_no_gap() {
    let dovecot = server(&[]);
    fill(&dovecot, "INBOX", 1..=400);
    fill(&dovecot, "Sent", 1..=100);
    let proxy = Proxy::start(dovecot.imap()).unwrap();
    let mut desk = Desk::new(settings(proxy.address().port(), Security::LoopbackPlain), quick());
    let mut cuts = 0;
    for bytes in (2_000..).step_by(7_919) {
        proxy.set(Mode::CutAfter(bytes));
        match desk.catch_up().await {
            Ok(()) => break,
            Err(ConnectorError::Transient { .. }) => cuts += 1,
            Err(other) => panic!("{other:?}"),
        }
        dovecot.deliver(USER, &mail(1_000 + cuts)).unwrap();
    }
    proxy.set(Mode::Pass);
    desk.catch_up().await.unwrap();
    assert!(cuts >= 3, "only {cuts} cuts");
    assert_eq!(desk.shelf.uids("INBOX"), (1..=400 + cuts).collect::<Vec<_>>());
    assert_eq!(desk.shelf.uids("Sent"), (1..=100).collect::<Vec<_>>());
}

/// Delivers mails while the listener is live and waits for each.
async fn follows_new_mail(without: &[&'static str]) {
    let dovecot = server(without);
    fill(&dovecot, "INBOX", 1..=3);
    let mut desk = desk(&dovecot);
    let mut delivered = 3;
    desk.listen(|shelf, status| {
        if status.state == AccountState::Live && shelf.uids("INBOX").len() as u32 == delivered {
            if delivered == 8 {
                return true;
            }
            delivered += 1;
            dovecot.deliver(USER, &mail(delivered)).unwrap();
        }
        false
    })
    .await
    .unwrap();
    assert_eq!(desk.shelf.uids("INBOX"), (1..=8).collect::<Vec<_>>());
    assert!(desk.shelf.times.values().all(|times| *times == 1), "something was fetched twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn new_mail_arrives_by_itself() {
    follows_new_mail(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_mail_arrives_from_a_server_without_idle() {
    follows_new_mail(&["IDLE", "CONDSTORE", "QRESYNC", "ESEARCH"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_while_idle_arrives_whole() {
    let dovecot = server(&[]);
    let mut desk = desk(&dovecot);
    let mut sent = false;
    desk.listen(|shelf, status| {
        if status.state == AccountState::Live && !sent {
            sent = true;
            let mails: Vec<Vec<u8>> = (1..=300).map(mail).collect();
            dovecot.deliver_all(USER, mails.iter().map(Vec::as_slice)).unwrap();
        }
        shelf.uids("INBOX").len() == 300
    })
    .await
    .unwrap();
    assert_eq!(desk.shelf.uids("INBOX"), (1..=300).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_sent_is_seen_while_inbox_is_watched() {
    let dovecot = server(&[]);
    let mut desk = desk(&dovecot);
    let mut sent = false;
    desk.listen(|shelf, status| {
        if status.state == AccountState::Live && !sent {
            sent = true;
            dovecot.append(USER, "Sent", &mail(1), "\\Seen", None).unwrap();
        }
        shelf.uids("Sent") == [1]
    })
    .await
    .unwrap();
    assert_eq!(desk.shelf.messages.values().next().unwrap().message.direction, Direction::Out);
}

/// Marks set and mails deleted by another program, while live and while off.
async fn follows_changes(without: &[&'static str]) {
    let dovecot = server(without);
    fill(&dovecot, "INBOX", 1..=20);
    let mut desk = desk(&dovecot);
    desk.catch_up().await.unwrap();
    let epoch = dovecot.uidvalidity(USER, "INBOX").unwrap();
    let place = |number| Place { mailbox: "INBOX".to_owned(), epoch, number };
    dovecot.set_flag(USER, "INBOX", 5, "\\Seen").unwrap();
    dovecot.expunge(USER, "INBOX", 6).unwrap();
    let mut changed = false;
    desk.listen(|shelf, status| {
        if status.state == AccountState::Live && !changed {
            changed = true;
            dovecot.set_flag(USER, "INBOX", 7, "\\Answered").unwrap();
            dovecot.expunge(USER, "INBOX", 8).unwrap();
        }
        let said = [(place(5), true, false), (place(7), false, true)].iter().all(|mark| shelf.marks.contains(mark));
        said && shelf.gone.contains(&place(6)) && shelf.gone.contains(&place(8))
    })
    .await
    .unwrap();
    assert_eq!(desk.shelf.gone.len(), 2, "{:?}", desk.shelf.gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_followed_on_a_server_with_qresync() {
    follows_changes(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_followed_on_a_server_with_condstore_alone() {
    follows_changes(&["QRESYNC"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_followed_on_a_server_that_lists_none() {
    follows_changes(&["QRESYNC", "CONDSTORE", "ENABLE", "ESEARCH", "IDLE"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_was_emptied_is_said_to_be_gone_once() {
    for without in [&[][..], &["QRESYNC", "CONDSTORE"]] {
        let dovecot = server(without);
        fill(&dovecot, "INBOX", 1..=10);
        let mut desk = desk(&dovecot);
        desk.catch_up().await.unwrap();
        for uid in 1..=10 {
            dovecot.expunge(USER, "INBOX", uid).unwrap();
        }
        desk.listen(|shelf, _| shelf.gone.len() == 10).await.unwrap();
        assert_eq!(desk.shelf.messages.len(), 10);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renumbered_mailbox_is_read_again_under_its_new_epoch() {
    let dovecot = server(&[]);
    fill(&dovecot, "INBOX", 1..=40);
    let mut desk = desk(&dovecot);
    desk.catch_up().await.unwrap();
    let before = dovecot.uidvalidity(USER, "INBOX").unwrap();
    dovecot.reset_uidvalidity(USER, "INBOX").unwrap();
    let after = dovecot.uidvalidity(USER, "INBOX").unwrap();
    desk.catch_up().await.unwrap();
    let of = |epoch| desk.shelf.messages.values().filter(move |kept| kept.message.place.epoch == epoch);
    assert_eq!((of(before).count(), of(after).count()), (40, 40));
    let hashes = |epoch| of(epoch).map(|kept| kept.message.raw.sha256).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(hashes(before), hashes(after), "the core recognises them by content");
    assert!(desk.shelf.gone.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn older_mail_than_asked_for_stays_on_the_server_until_it_is_asked_for() {
    let dovecot = server(&[]);
    fill(&dovecot, "INBOX", 1..=100);
    let mut desk = desk(&dovecot);
    desk.shelf.gaps = true;
    desk.settings().since = Some(START + time::Duration::hours(71));
    desk.catch_up().await.unwrap();
    assert_eq!(desk.shelf.uids("INBOX"), (71..=100).collect::<Vec<_>>());
    dovecot.deliver(USER, &mail(101)).unwrap();
    desk.catch_up().await.unwrap();
    assert_eq!(desk.shelf.uids("INBOX"), (71..=101).collect::<Vec<_>>());
    desk.settings().since = Some(START + time::Duration::hours(11));
    desk.catch_up().await.unwrap();
    assert_eq!(desk.shelf.uids("INBOX"), (11..=101).collect::<Vec<_>>());
}

fn large_mail(bytes: usize) -> Vec<u8> {
    let mut raw = mail(1);
    let line = [b"x".repeat(76), b"\r\n".to_vec()].concat();
    while raw.len() < bytes {
        raw.extend_from_slice(&line);
    }
    raw
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_message_is_read_in_parts_into_a_file_that_goes_away() {
    let dovecot = server(&[]);
    let sizes = [40_000, 65_536, 65_537, 300_000];
    for size in sizes {
        dovecot.append(USER, "INBOX", &large_mail(size), "", None).unwrap();
    }
    let tuning = Tuning { large: 65_536, part: 16_384, ..quick() };
    let mut desk = Desk::new(settings(dovecot.imap().port(), Security::LoopbackPlain), tuning);
    desk.catch_up().await.unwrap();
    assert_eq!(desk.shelf.messages.len(), sizes.len());
    for (kept, size) in desk.shelf.messages.values().zip(sizes) {
        assert_eq!(kept.bytes, large_mail(size));
        assert_eq!(kept.letter().subject, "mail 1");
    }
    desk.shelf.messages.clear();
    assert_eq!(std::fs::read_dir(desk.spool.path()).unwrap().count(), 0, "temporary files stayed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_beyond_the_limit_keeps_its_headers_and_the_next_one_follows() {
    let dovecot = server(&[]);
    dovecot.append(USER, "INBOX", &large_mail(400_000), "", None).unwrap();
    dovecot.append(USER, "INBOX", &mail(2), "", None).unwrap();
    let tuning = Tuning { large: 65_536, part: 16_384, max_message: 200_000, ..quick() };
    let mut desk = Desk::new(settings(dovecot.imap().port(), Security::LoopbackPlain), tuning);
    desk.catch_up().await.unwrap();
    let kept: Vec<_> = desk.shelf.messages.values().collect();
    assert!(kept[0].reason().contains("more than"), "{}", kept[0].reason());
    assert!(String::from_utf8_lossy(&kept[0].bytes).contains("Subject: mail 1"));
    assert_eq!(kept[1].letter().subject, "mail 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_open_connection_is_noticed() {
    let dovecot = server(&[]);
    let proxy = Proxy::start(dovecot.imap()).unwrap();
    let tuning = Tuning {
        idle_renew: Duration::from_millis(300),
        command: Duration::from_millis(500),
        logout: Duration::from_millis(100),
        ..quick()
    };
    let mut desk = Desk::new(settings(proxy.address().port(), Security::LoopbackPlain), tuning);
    let outcome = desk
        .listen(|_, status| {
            if status.state == AccountState::Live {
                proxy.set(Mode::Stall);
            }
            false
        })
        .await;
    let Err(ConnectorError::Transient { why, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(why.code, TroubleCode::Timeout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ends_the_session_is_told_from_a_wrong_password() {
    let dovecot = server(&[]);
    let mut desk = desk(&dovecot);
    let outcome = desk
        .listen(|_, status| {
            if status.state == AccountState::Live {
                dovecot.disconnect(USER).unwrap();
            }
            false
        })
        .await;
    assert!(matches!(outcome, Err(ConnectorError::Transient { .. })), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_that_the_owner_chose_are_read_by_the_name_people_see() {
    let dovecot = server(&[]);
    dovecot.create_folder(USER, "Договори").unwrap();
    dovecot.append(USER, "&BBQEPgQzBD4EMgQ+BEAEOA-", &mail(9), "\\Seen \\Answered", None).unwrap();
    let mut desk = desk(&dovecot);
    desk.settings().folders = vec!["Договори".to_owned(), "No such folder".to_owned()];
    desk.catch_up().await.unwrap();
    let kept = desk.shelf.messages.values().next().unwrap();
    assert_eq!(skrynka_mail::display_name(&kept.message.place.mailbox), "Договори");
    assert!(kept.message.seen && kept.message.answered);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_read_mark_is_set_only_where_the_number_still_means_the_same_mail() {
    let dovecot = server(&[]);
    fill(&dovecot, "INBOX", 1..=3);
    let mut desk = desk(&dovecot);
    desk.catch_up().await.unwrap();
    let places: Vec<Place> = desk.shelf.messages.keys().cloned().collect();
    let remote = desk.remote.clone().unwrap();
    let foreign = Place { epoch: places[0].epoch + 1, ..places[0].clone() };
    remote.mark_seen(vec![places[1].clone(), foreign], true).await.unwrap();
    let seen = |flags: &Vec<String>| flags.contains(&"\\Seen".to_owned());
    let marked: Vec<u32> =
        dovecot.flags(USER, "INBOX").unwrap().iter().filter(|(_, f)| seen(f)).map(|(u, _)| *u).collect();
    assert_eq!(marked, [2]);
    remote.mark_seen(vec![places[1].clone()], false).await.unwrap();
    assert!(!dovecot.flags(USER, "INBOX").unwrap().values().any(seen));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_self_test_is_taken_off_the_server_and_nothing_that_others_marked() {
    const MARK: &str = "selftest.0190aa0190aa0190aa0190aa0190aa01";
    let ours = format!("From: {USER}\r\nTo: {USER}\r\nSubject: s\r\nMessage-ID: <{MARK}@example.org>\r\n\r\nx\r\n");
    for (without, left) in [(&[][..], vec![1, 2]), (&["UIDPLUS"], vec![1, 2, 3])] {
        let dovecot = server(without);
        fill(&dovecot, "INBOX", 1..=2);
        dovecot.set_flag(USER, "INBOX", 2, "\\Deleted").unwrap();
        dovecot.append(USER, "INBOX", ours.as_bytes(), "", None).unwrap();
        dovecot.append(USER, "Sent", ours.as_bytes(), "\\Seen", None).unwrap();
        dovecot.append(USER, "Junk", ours.as_bytes(), "", None).unwrap();
        let mut desk = desk(&dovecot);
        desk.catch_up().await.unwrap();
        let remote = desk.remote.clone().unwrap();
        let mut removed = remote.remove_self_test(MARK.to_owned()).await.unwrap();
        removed.sort_unstable();
        assert_eq!(removed, ["INBOX", "Junk", "Sent"]);
        let uids = |folder: &str| dovecot.flags(USER, folder).unwrap().into_keys().collect::<Vec<_>>();
        // Without UIDPLUS it is marked alone where others marked something too, or theirs would go with it.
        assert_eq!(uids("INBOX"), left, "{without:?}");
        assert_eq!((uids("Sent"), uids("Junk")), (vec![], vec![]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_room_that_a_server_gives_is_told_where_it_offers_to() {
    let dovecot = Dovecot::start(Options { quota: Some(2048), ..Options::default() }).unwrap();
    dovecot.add_user(USER, PASSWORD).unwrap();
    fill(&dovecot, "INBOX", 1..=3);
    let mut with = desk(&dovecot);
    with.catch_up().await.unwrap();
    let remote = with.remote.clone().unwrap();
    let quota = remote.quota().await.unwrap().unwrap();
    assert_eq!(quota.limit, 2048 * 1024);
    assert!(quota.used <= quota.limit);
    assert_eq!(remote.connections(), Some(0), "the listener has ended, and what asked is closed");
    let dovecot = server(&[]);
    let mut without = desk(&dovecot);
    without.catch_up().await.unwrap();
    assert_eq!(without.remote.clone().unwrap().quota().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_server_is_waited_for() {
    let dovecot = Dovecot::start(Options { connections_per_user: 1, ..Options::default() }).unwrap();
    dovecot.add_user(USER, PASSWORD).unwrap();
    let _other = skrynka_lab::imap::Imap::sign_in(dovecot.imap(), USER, PASSWORD).unwrap();
    let outcome = desk(&dovecot).catch_up().await;
    let Err(ConnectorError::Transient { why, retry_after: Some(_) }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(why.code, TroubleCode::Limited);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_folders_hold_is_told_and_what_is_missing_comes_again() {
    for without in [&[][..], &["ESEARCH"]] {
        let dovecot = server(without);
        fill(&dovecot, "INBOX", 1..=6);
        fill(&dovecot, "Sent", 1..=2);
        dovecot.expunge(USER, "INBOX", 3).unwrap();
        fill(&dovecot, "Archive", 1..=1);
        let mut desk = desk(&dovecot);
        desk.shelf.gaps = true;
        desk.settings().folders = vec!["Archive".to_owned()];
        desk.catch_up().await.unwrap();
        // A folder that the owner no longer wants is not compared, whatever is kept of it.
        desk.settings().folders.clear();
        desk.catch_up().await.unwrap();
        assert!(desk.shelf.cursors.contains_key("Archive"));
        dovecot.append(USER, "INBOX", &mail(7), "", None).unwrap();
        let cursors = |desk: &Desk| -> Vec<Cursor> {
            let stored = desk.shelf.cursors.iter();
            stored.map(|(mailbox, state)| Cursor { mailbox: mailbox.clone(), state: state.clone() }).collect()
        };
        let remote = desk.remote.clone().unwrap();
        let mut holdings = remote.holdings(cursors(&desk), BTreeMap::new()).await.unwrap();
        holdings.sort_by_key(|holding| holding.name.clone());
        let told: Vec<_> = holdings.iter().map(|one| (one.name.as_str(), one.numbers.clone())).collect();
        assert_eq!(told, [("INBOX", vec![1..=2, 4..=7]), ("Sent", vec![1..=2])]);

        let inbox = |number| Place { mailbox: "INBOX".to_owned(), epoch: holdings[0].epoch, number };
        let foreign = Place { epoch: holdings[0].epoch + 1, ..inbox(5) };
        let sent = Place { mailbox: "Sent".to_owned(), epoch: holdings[1].epoch, number: 2 };
        let (sender, deliveries, _status) = IncomingSender::channel(4);
        // Number 3 is gone, number 99 never was, and the foreign place is of another folder by now.
        let places = vec![inbox(2), inbox(3), inbox(7), inbox(99), foreign, sent.clone()];
        let (fetched, ()) = tokio::join!(remote.fetch_again(places, sender), desk.take_all(deliveries));
        fetched.unwrap();
        let twice = desk.shelf.times.iter().filter(|(_, times)| **times == 2).map(|(place, _)| place.clone());
        let twice: std::collections::BTreeSet<Place> = twice.collect();
        assert_eq!(twice, [inbox(2), sent.clone()].into());
        assert_eq!(desk.shelf.messages[&inbox(7)].letter().subject, "mail 7");
        assert_eq!(desk.shelf.messages[&sent].message.direction, Direction::Out);
        assert!(!desk.shelf.messages.contains_key(&inbox(99)));

        dovecot.reset_uidvalidity(USER, "INBOX").unwrap();
        let holdings = remote.holdings(cursors(&desk), BTreeMap::new()).await.unwrap();
        assert_eq!(holdings.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["Sent"], "it is read anew");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_before_the_beginning_is_not_missing() {
    let dovecot = server(&[]);
    let at = |day: i64, number| StoredMail {
        raw: mail(number),
        received: START + time::Duration::days(day),
        seen: false,
        answered: false,
    };
    dovecot.fill(USER, "INBOX", (1..=9).map(|n| at(i64::from(n), n))).unwrap();
    let mut desk = desk(&dovecot);
    desk.shelf.gaps = true;
    desk.settings().since = Some(START + time::Duration::days(5));
    desk.catch_up().await.unwrap();
    let stored: std::collections::BTreeSet<u32> = desk.shelf.uids("INBOX").into_iter().collect();
    assert_eq!(stored, (5..=9).collect());
    let state = desk.shelf.cursors["INBOX"].clone();
    let cursor = Cursor { mailbox: "INBOX".to_owned(), state };
    let holdings = desk.remote.clone().unwrap().holdings(vec![cursor], BTreeMap::new()).await.unwrap();
    let told: std::collections::BTreeSet<u32> = holdings[0].numbers.iter().cloned().flatten().collect();
    assert!(told.is_subset(&stored) && told.contains(&9) && told.len() >= 2, "{told:?}");
}
