//! Servers that break the rules: nothing is lost, nothing loops, and no password leaves before it may.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::{
    desk::{Desk, PASSWORD, USER, mail, quick, settings},
    scripted::{Say, Server, fetched, say},
};
use skrynka_core::{
    connector::ConnectorError,
    model::{Security, TroubleCode},
};
use skrynka_mail::Tuning;

fn hasty() -> Tuning {
    Tuning {
        command: Duration::from_millis(400),
        silence: Duration::from_millis(400),
        logout: Duration::from_millis(100),
        ..quick()
    }
}

fn desk(server: &Server) -> Desk {
    Desk::new(settings(server.port, Security::LoopbackPlain), hasty())
}

async fn trouble(desk: &mut Desk) -> TroubleCode {
    match desk.catch_up().await {
        Err(error @ ConnectorError::Transient { .. }) => error.trouble().code,
        other => panic!("{other:?}"),
    }
}

/// Opens again and again, as the engine would, until everything is here.
async fn persist(desk: &mut Desk) -> u32 {
    for attempt in 1..40 {
        match desk.catch_up().await {
            Ok(()) => return attempt,
            Err(ConnectorError::Transient { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    panic!("it goes on for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scripted_server_is_an_ordinary_one_when_left_alone() {
    let server = Server::start(120, |_, _| Say::Usual).await;
    let mut desk = desk(&server);
    desk.catch_up().await.unwrap();
    assert_eq!(desk.shelf.uids("INBOX"), (1..=120).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_to_a_range_is_never_taken_for_an_empty_mailbox() {
    for answer in ["{tag} NO [SERVERBUG] not now\r\n", "{tag} BAD what\r\n", "{tag} NO [INUSE] busy\r\n"] {
        let server = Server::start(10, move |connection, command| {
            let asks = command.contains("BODY.PEEK[]<0");
            if asks && connection == 1 { say(answer) } else { Say::Usual }
        })
        .await;
        let mut desk = desk(&server);
        trouble(&mut desk).await;
        assert!(desk.shelf.messages.is_empty(), "{answer}");
        desk.catch_up().await.unwrap();
        assert_eq!(desk.shelf.uids("INBOX"), (1..=10).collect::<Vec<_>>(), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_to_the_list_of_messages_is_no_empty_mailbox_either() {
    let server = Server::start(10, |connection, command| {
        if connection == 1 && command.starts_with("UID SEARCH") { say("{tag} NO later\r\n") } else { Say::Usual }
    })
    .await;
    let mut desk = desk(&server);
    trouble(&mut desk).await;
    desk.catch_up().await.unwrap();
    assert_eq!(desk.shelf.messages.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_the_server_will_not_give_keeps_its_headers_and_the_rest_arrives() {
    let server = Server::start(10, |_, command| {
        let bodies = command.contains("BODY.PEEK[]<0");
        if bodies && (command.contains("1:10") || command.contains("FETCH 4 ")) {
            say("{tag} NO some of them are damaged\r\n")
        } else {
            Say::Usual
        }
    })
    .await;
    let mut desk = desk(&server);
    desk.catch_up().await.unwrap();
    assert_eq!(desk.shelf.messages.len(), 10);
    let unreadable: Vec<_> = desk.shelf.messages.values().filter(|kept| kept.message.place.number == 4).collect();
    assert!(unreadable[0].reason().contains("some of them are damaged"));
    assert_eq!(unreadable[0].bytes, b"Subject: h004\r\n\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_which_the_server_gives_nothing_stops_nothing_either() {
    let server = Server::start(3, |_, command| {
        let damaged = command.contains("BODY.PEEK") && (command.contains("1:3") || command.contains("FETCH 1 "));
        if damaged { say("{tag} NO damaged\r\n") } else { Say::Usual }
    })
    .await;
    let mut desk = desk(&server);
    assert_eq!(persist(&mut desk).await, 3, "a refusal is believed after three connections");
    assert_eq!(desk.shelf.uids("INBOX"), [1, 2, 3]);
    assert!(desk.shelf.messages.values().next().unwrap().bytes.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_gives_nothing_at_all_blames_no_message() {
    let server = Server::start(3, |connection, command| {
        if connection == 1 && command.contains("BODY.PEEK") { say("{tag} NO broken store\r\n") } else { Say::Usual }
    })
    .await;
    let mut desk = desk(&server);
    assert_eq!(trouble(&mut desk).await, TroubleCode::Refused);
    desk.catch_up().await.unwrap();
    assert_eq!(desk.shelf.subjects(), ["mail 1", "mail 2", "mail 3"]);
}

/// Once the server gives the message, it is asked for again.
fn forgiving(server: &Server) -> Desk {
    let tuning = Tuning { owed: Duration::ZERO, ..hasty() };
    Desk::new(settings(server.port, Security::LoopbackPlain), tuning)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_a_new_mail_that_passes_leaves_no_empty_mail() {
    for answer in ["{tag} NO not now\r\n", "{tag} BAD not now\r\n"] {
        let server =
            Server::start(
                1,
                move |connection, command| {
                    if connection <= 2 && command.contains("BODY.PEEK") { say(answer) } else { Say::Usual }
                },
            )
            .await;
        let mut desk = desk(&server);
        assert_eq!(persist(&mut desk).await, 3);
        assert_eq!(desk.shelf.subjects(), ["mail 1"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_refused_is_asked_for_again_and_comes_at_last() {
    for (words, answer) in [("BODY.PEEK[]<0", "{tag} BAD damaged\r\n"), ("BODY.PEEK", "{tag} NO damaged\r\n")] {
        let server = Server::start(3, move |connection, command| {
            let asks = command.contains("1:3") || command.contains("FETCH 2 ");
            if connection <= 4 && asks && command.contains(words) { say(answer) } else { Say::Usual }
        })
        .await;
        let mut desk = forgiving(&server);
        persist(&mut desk).await;
        let two = |desk: &Desk| desk.shelf.messages.values().nth(1).map(|kept| kept.bytes.clone()).unwrap();
        assert_ne!(two(&desk), mail(2), "{answer}");
        for _ in 0..5 {
            desk.catch_up().await.unwrap();
        }
        assert_eq!(two(&desk), mail(2), "{answer}");
        let asked = |server: &Server| server.heard().iter().filter(|line| line.contains("FETCH 2 ")).count();
        let before = asked(&server);
        desk.catch_up().await.unwrap();
        assert_eq!(asked(&server), before, "what has come is not asked for any more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_listed_and_not_given_is_not_passed() {
    let odd: [fn(u32) -> String; 4] = [
        |_| String::new(),
        |uid| format!("* {uid} FETCH (UID {uid} BODY[] NIL)\r\n"),
        |uid| fetched([uid]).replace(&format!("UID {uid} "), ""),
        |uid| format!("* {uid} FETCH (UID {uid} FLAGS () RFC822.SIZE 90 BODY[]<0> \"\")\r\n"),
    ];
    for answer in odd {
        let server = Server::start(5, move |connection, command| {
            let both = command.contains("1:5");
            if connection == 1 && command.contains("BODY.PEEK[]<0") && (both || command.contains("FETCH 3 ")) {
                let (before, after) = if both { (1..3, 4..6) } else { (0..0, 0..0) };
                say(format!("{}{}{}{{tag}} OK done\r\n", fetched(before), answer(3), fetched(after)))
            } else {
                Say::Usual
            }
        })
        .await;
        let mut desk = forgiving(&server);
        persist(&mut desk).await;
        assert_eq!(desk.shelf.uids("INBOX"), [1, 2, 3, 4, 5], "{}", answer(3));
        desk.catch_up().await.unwrap();
        desk.catch_up().await.unwrap();
        assert!(
            desk.shelf.messages.values().all(|kept| kept.bytes == mail(kept.message.place.number)),
            "{}",
            answer(3)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_messages_in_several_lines_is_read_whole() {
    let server = Server::start(6, |_, command| {
        if command == "UID SEARCH UID 1:6" {
            say("* SEARCH 1 2\r\n* SEARCH 3 4\r\n* SEARCH 5 6\r\n{tag} OK done\r\n")
        } else {
            Say::Usual
        }
    })
    .await;
    let mut desk = desk(&server);
    desk.catch_up().await.unwrap();
    assert_eq!(desk.shelf.uids("INBOX"), [1, 2, 3, 4, 5, 6]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_attribute_outside_the_grammar_costs_no_message() {
    let server = Server::start(6, |_, command| {
        if command.contains("INTERNALDATE") && (command.contains("1:6") || command.contains("FETCH 5 ")) {
            let all = if command.contains("1:6") { 1..7 } else { 5..6 };
            let date = "INTERNALDATE \"01-Jan-2026 10:00:00 +0000\"";
            let five = fetched([5]);
            say(fetched(all).replace(&five, &five.replace(date, "INTERNALDATE NIL")) + "{tag} OK done\r\n")
        } else {
            Say::Usual
        }
    })
    .await;
    let mut desk = desk(&server);
    desk.catch_up().await.unwrap();
    assert!(desk.shelf.messages.values().all(|kept| kept.bytes == mail(kept.message.place.number)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_marks_cannot_be_read_is_not_gone() {
    let server = Server::start(12, |connection, command| {
        if connection == 2 && command.ends_with("(UID FLAGS)") {
            let line =
                |uid: u32| format!("* {uid} FETCH (UID {uid} FLAGS ({}))\r\n", if uid == 5 { "(odd" } else { "" });
            say((1..=12).map(line).collect::<String>() + "{tag} OK done\r\n")
        } else {
            Say::Usual
        }
    })
    .await;
    let mut desk = desk(&server);
    desk.catch_up().await.unwrap();
    desk.catch_up().await.unwrap();
    assert!(desk.shelf.gone.is_empty(), "{:?}", desk.shelf.gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_messages_of_a_range_wait_on_the_disk() {
    let spool = Arc::<Mutex<std::path::PathBuf>>::default();
    let (most, seen, folder) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&spool), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&most);
    let server = Server::start(4, move |_, command| {
        let Some((uid, _)) = command.strip_prefix("UID FETCH ").and_then(|rest| rest.split_once(' ')) else {
            return Say::Usual;
        };
        if !command.contains("(UID BODY.PEEK[]<") {
            return Say::Usual;
        }
        let files = std::fs::read_dir(&*seen.lock().unwrap()).map_or(0, Iterator::count);
        counted.fetch_max(files, Ordering::SeqCst);
        folder.fetch_add(1, Ordering::SeqCst);
        say(format!("* {uid} FETCH (UID {uid} BODY[]<999> \"\")\r\n{{tag}} OK done\r\n"))
    })
    .await;
    let mut desk = Desk::new(settings(server.port, Security::LoopbackPlain), Tuning { large: 20, ..hasty() });
    *spool.lock().unwrap() = desk.spool.path().to_owned();
    desk.catch_up().await.unwrap();
    assert!(desk.shelf.messages.values().all(|kept| kept.bytes == mail(kept.message.place.number)));
    assert_eq!(most.load(Ordering::SeqCst), 4, "the first parts stood in memory");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_put_back_to_an_earlier_state_is_read_anew_once() {
    let server = Server::start(10, |connection, command| {
        let back = connection >= 2;
        match command {
            "EXAMINE \"INBOX\"" if back => {
                say("* 6 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 7] x\r\n{tag} OK done\r\n")
            }
            "UID SEARCH UID *" if back => say("* SEARCH 6\r\n{tag} OK done\r\n"),
            above if back && above.ends_with(":*") => say("* SEARCH 6\r\n{tag} OK done\r\n"),
            _ => Say::Usual,
        }
    })
    .await;
    let mut desk = desk(&server);
    desk.catch_up().await.unwrap();
    for _ in 0..2 {
        desk.catch_up().await.unwrap();
        let anew: Vec<u32> =
            desk.shelf.messages.keys().filter(|place| place.epoch != 7).map(|place| place.number).collect();
        assert_eq!(anew, [1, 2, 3, 4, 5, 6]);
        assert!(desk.shelf.times.values().all(|times| *times == 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_while_another_folder_is_selected_is_found_on_the_way_back() {
    let looks = AtomicUsize::new(0);
    let server = Server::start(4, move |_, command| match command {
        "LIST \"\" \"*\"" => say("* LIST () \"/\" INBOX\r\n* LIST (\\Sent) \"/\" Sent\r\n{tag} OK done\r\n"),
        "EXAMINE \"Sent\"" => {
            looks.fetch_add(1, Ordering::SeqCst);
            say("* 0 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 1] x\r\n{tag} OK done\r\n")
        }
        _ if looks.load(Ordering::SeqCst) > 0 => Say::Usual,
        "EXAMINE \"INBOX\"" => say("* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 4] x\r\n{tag} OK done\r\n"),
        "UID SEARCH UID *" | "UID SEARCH UID 4:*" => say("* SEARCH 3\r\n{tag} OK done\r\n"),
        _ => Say::Usual,
    })
    .await;
    let tuning = Tuning { others: Duration::from_secs(3600), ..hasty() };
    let mut desk = Desk::new(settings(server.port, Security::LoopbackPlain), tuning);
    desk.listen(|shelf, _| shelf.uids("INBOX").len() == 4).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_drips_is_left_in_time() {
    for words in ["GREETING", "AUTHENTICATE", "LIST", "UID SEARCH", "IDLE"] {
        let server = Server::start(3, move |_, command| match command {
            _ if command.starts_with(words) => {
                Say::Drip(if words == "IDLE" { b"+ idling\r\n* ".to_vec() } else { b"* OK ".to_vec() })
            }
            _ if command.starts_with("AUTHENTICATE") => say("{tag} OK [CAPABILITY IMAP4rev1 IDLE] in\r\n"),
            _ => Say::Usual,
        })
        .await;
        let tuning = Tuning { idle_renew: Duration::from_millis(300), ..hasty() };
        let mut desk = Desk::new(settings(server.port, Security::LoopbackPlain), tuning);
        let outcome = desk.listen(|_, _| false).await;
        let Err(ConnectorError::Transient { why, .. }) = outcome else { panic!("{words}: {outcome:?}") };
        assert_eq!(why.code, TroubleCode::Timeout, "{words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_reply_outside_the_grammar_costs_that_message_alone() {
    let server = Server::start(9, |_, command| {
        let wanted: Vec<u32> =
            (1..=9).filter(|uid| command.contains("1:9") || command.contains(&format!("FETCH {uid} "))).collect();
        if !command.contains("BODY.PEEK[]<0") || !wanted.contains(&5) {
            return Say::Usual;
        }
        let (before, after) = (wanted.iter().filter(|uid| **uid < 5), wanted.iter().filter(|uid| **uid > 5));
        say(format!(
            "{}* 5 FETCH (UID 5 BODY[] ((broken) oops\r\n{}{{tag}} OK done\r\n",
            fetched(before.copied()),
            fetched(after.copied())
        ))
    })
    .await;
    let mut desk = desk(&server);
    desk.catch_up().await.unwrap();
    assert_eq!(desk.shelf.uids("INBOX"), (1..=9).collect::<Vec<_>>());
    let broken: Vec<u32> = desk
        .shelf
        .messages
        .values()
        .filter(|kept| matches!(kept.message.content, skrynka_core::connector::Content::Unreadable { .. }))
        .map(|kept| kept.message.place.number)
        .collect();
    assert_eq!(broken, [5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_always_kills_the_connection_is_given_up_and_the_rest_arrives() {
    for (poison, closes) in [
        ("* 5 FETCH (UID 5 BODY[] {4000000000}\r\nx", true),
        ("* 5 FETCH (UID 5 BODY[] {100}\r\ncut", true),
        ("", true),
        ("* 5 FETCH (UID 5 BODY[] {100}\r\ncut", false),
    ] {
        let server = Server::start(9, move |_, command| {
            let all = command.contains("1:9") || command.contains("1:4,6:9");
            if command.contains("BODY.PEEK[]<0") && (command.contains("1:9") || command.contains("FETCH 5 ")) {
                let bytes = format!("{}{poison}", fetched(if all { 1..5 } else { 0..0 })).into_bytes();
                if closes { Say::Last(bytes) } else { Say::Bytes(bytes) }
            } else {
                Say::Usual
            }
        })
        .await;
        let mut desk = desk(&server);
        let attempts = persist(&mut desk).await;
        assert!(attempts <= 6, "{attempts} connections");
        assert_eq!(desk.shelf.uids("INBOX"), (1..=9).collect::<Vec<_>>(), "{poison}");
        let five = desk.shelf.messages.values().find(|kept| kept.message.place.number == 5).unwrap();
        assert!(five.reason().contains("ended the connection"), "{}", five.reason());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_cut_by_the_connection_is_not_stored() {
    let server = Server::start(3, |connection, command| {
        if connection <= 2 && command.contains("BODY.PEEK[]<0") {
            let whole = fetched(1..=3);
            Say::Last(whole.as_bytes()[..whole.len() - 20].to_vec())
        } else {
            Say::Usual
        }
    })
    .await;
    let mut desk = desk(&server);
    persist(&mut desk).await;
    for kept in desk.shelf.messages.values() {
        assert_eq!(kept.bytes, mail(kept.message.place.number));
    }
    assert_eq!(desk.shelf.messages.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_that_are_wrong_spoil_nothing() {
    let server = Server::start(3, |_, command| {
        if command.contains("BODY.PEEK[]<0") {
            let lies = fetched(1..=3).replace("RFC822.SIZE ", "RFC822.SIZE 9");
            say(format!("{lies}{{tag}} OK done\r\n"))
        } else {
            Say::Usual
        }
    })
    .await;
    let mut desk = desk(&server);
    desk.catch_up().await.unwrap();
    assert!(desk.shelf.messages.values().all(|kept| kept.bytes == mail(kept.message.place.number)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listed_message_that_is_gone_is_passed_over() {
    let server = Server::start(5, |_, command| {
        if command.contains("BODY.PEEK[]<0") {
            say(format!("{}{{tag}} OK done\r\n", fetched([1, 2, 4, 5])))
        } else if command == "UID SEARCH UID 3" {
            say("* SEARCH\r\n{tag} OK done\r\n")
        } else {
            Say::Usual
        }
    })
    .await;
    let mut desk = desk(&server);
    desk.shelf.gaps = true;
    desk.catch_up().await.unwrap();
    assert_eq!(desk.shelf.uids("INBOX"), [1, 2, 4, 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_ends_at_the_deadline_wherever_it_falls() {
    for words in ["GREETING", "AUTHENTICATE", "LIST", "EXAMINE", "UID SEARCH", "UID FETCH"] {
        let server =
            Server::start(3, move |_, command| if command.starts_with(words) { Say::Silence } else { Say::Usual })
                .await;
        assert_eq!(trouble(&mut desk(&server)).await, TroubleCode::Timeout, "{words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn greetings_that_cannot_be_trusted_get_no_password() {
    for (greeting, security, code) in [
        ("* PREAUTH welcome\r\n", Security::LoopbackPlain, TroubleCode::Tls),
        ("* PREAUTH welcome\r\n", Security::Starttls, TroubleCode::Tls),
        ("* BYE [UNAVAILABLE] later\r\n", Security::LoopbackPlain, TroubleCode::Refused),
        ("HTTP/1.1 400 Bad Request\r\n\r\n", Security::LoopbackPlain, TroubleCode::Protocol),
        ("\u{0}\u{1}garbage\r\n", Security::LoopbackPlain, TroubleCode::Protocol),
        ("* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] x\r\n", Security::LoopbackPlain, TroubleCode::SignIn),
    ] {
        let server =
            Server::start(1, move |_, command| if command == "GREETING" { say(greeting) } else { Say::Usual }).await;
        let mut desk = desk(&server);
        desk.settings().imap_security = security;
        let error = desk.catch_up().await.unwrap_err();
        assert_eq!(error.trouble().code, code, "{greeting:?}: {error:?}");
        let heard = server.heard().join("\n");
        assert!(!heard.contains("AUTHENTICATE") && !heard.contains("LOGIN "), "{heard}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn starttls_that_is_missing_or_tampered_with_gets_no_password() {
    for (answer, code) in [
        ("{tag} NO not here\r\n", TroubleCode::Tls),
        ("{tag} BAD unknown\r\n", TroubleCode::Tls),
        ("{tag} OK begin\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", TroubleCode::Tls),
        ("{tag} OK begin\r\nS2 OK [CAPABILITY IMAP4rev1] injected\r\n", TroubleCode::Tls),
    ] {
        let server =
            Server::start(1, move |_, command| if command == "STARTTLS" { say(answer) } else { Say::Usual }).await;
        let mut desk = desk(&server);
        desk.settings().imap_security = Security::Starttls;
        assert_eq!(trouble(&mut desk).await, code, "{answer}");
        let heard = server.heard().join("\n");
        assert!(!heard.contains("AUTHENTICATE") && !heard.contains("LOGIN"), "{heard}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_sasl_gets_the_password_in_literals() {
    let server = Server::start(1, |_, command| match command {
        "GREETING" => say("* OK [CAPABILITY IMAP4rev1] ready\r\n"),
        login if login.starts_with("LOGIN {") => say("+ user\r\n"),
        user if user.ends_with('}') => say("+ password\r\n"),
        "\"1\\" => say("S1 OK [CAPABILITY IMAP4rev1] in\r\n"),
        _ => Say::Usual,
    })
    .await;
    let mut desk = desk(&server);
    desk.catch_up().await.unwrap();
    assert_eq!(desk.shelf.messages.len(), 1);
    let heard = server.heard();
    assert!(heard.contains(&format!("LOGIN {{{}}}", USER.len())), "{heard:?}");
    // The first word of a line stands where a tag would.
    assert!(PASSWORD.ends_with(heard.iter().find(|line| line.ends_with('\\')).unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_words_decide_what_a_person_is_told() {
    for (answer, code) in [
        ("{tag} NO [ALERT] Application-specific password required: https://x\r\n", TroubleCode::AppPassword),
        ("{tag} NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)\r\n", TroubleCode::SignIn),
        ("{tag} NO [UNAVAILABLE] try later\r\n", TroubleCode::Refused),
        ("{tag} NO [ALERT] Too many simultaneous connections. (Failure)\r\n", TroubleCode::Limited),
        ("{tag} BAD User is authenticated but not connected.\r\n", TroubleCode::Limited),
    ] {
        let server = Server::start(
            1,
            move |_, command| {
                if command.starts_with("AUTHENTICATE") { say(answer) } else { Say::Usual }
            },
        )
        .await;
        assert_eq!(trouble(&mut desk(&server)).await, code, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_up_allowance_waits_until_it_is_over() {
    let server = Server::start(1, |_, command| {
        let limit = "{tag} NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)\r\n";
        if command.starts_with("AUTHENTICATE") { say(limit) } else { Say::Usual }
    })
    .await;
    assert!(matches!(desk(&server).catch_up().await, Err(ConnectorError::Limited { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_names_no_uidvalidity_is_read_under_an_epoch_of_its_own() {
    let server = Server::start(4, |_, command| {
        if command.starts_with("EXAMINE") { say("* 4 EXISTS\r\n{tag} OK done\r\n") } else { Say::Usual }
    })
    .await;
    let mut desk = desk(&server);
    desk.catch_up().await.unwrap();
    assert_eq!(desk.shelf.uids("INBOX"), [1, 2, 3, 4]);
    assert!(desk.shelf.messages.keys().all(|place| place.epoch > 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_listing_is_believed_only_when_a_second_one_agrees() {
    let server = Server::start(8, |connection, command| {
        // The first listing of a later session is empty; the folder is not.
        let compares = command.contains("(UID FLAGS)");
        if connection == 2 && compares { say("{tag} OK done\r\n") } else { Say::Usual }
    })
    .await;
    let mut desk = desk(&server);
    desk.catch_up().await.unwrap();
    desk.catch_up().await.unwrap();
    assert!(desk.shelf.gone.is_empty(), "{:?}", desk.shelf.gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_a_reply_is_refused_before_it_fills_the_memory() {
    let server = Server::start(1, |_, command| {
        if command.starts_with("LIST") {
            Say::Bytes([b"* LIST ".to_vec(), vec![b'x'; 60 << 20]].concat())
        } else {
            Say::Usual
        }
    })
    .await;
    let mut desk = Desk::new(settings(server.port, Security::LoopbackPlain), quick());
    assert_eq!(trouble(&mut desk).await, TroubleCode::Protocol);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_mark_that_could_not_be_set_is_set_later() {
    let server = Server::start(2, |connection, command| match command {
        "GREETING" if connection == 2 => Say::Last(b"* BYE later\r\n".to_vec()),
        store if connection == 3 && store.starts_with("UID STORE") => say("{tag} NO not now\r\n"),
        _ => Say::Usual,
    })
    .await;
    let tuning = Tuning { mark_again: Duration::from_millis(20), ..hasty() };
    let mut desk = Desk::new(settings(server.port, Security::LoopbackPlain), tuning);
    desk.catch_up().await.unwrap();
    let place = desk.shelf.messages.keys().next().unwrap().clone();
    desk.remote.clone().unwrap().mark_seen(vec![place], true).await.unwrap();
    let stored = server.heard().iter().filter(|line| line.starts_with("UID STORE 1 +FLAGS")).count();
    assert_eq!(stored, 2);
}
