//! Servers that break the rules: nothing is lost, nothing loops, and no password leaves before it may.

use std::time::Duration;

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
    desk.catch_up().await.unwrap();
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
    for poison in ["* 5 FETCH (UID 5 BODY[] {4000000000}\r\nx", "* 5 FETCH (UID 5 BODY[] {100}\r\ncut", ""] {
        let server = Server::start(9, move |_, command| {
            let all = command.contains("1:9") || command.contains("1:4,6:9");
            if command.contains("BODY.PEEK[]<0") && (command.contains("1:9") || command.contains("FETCH 5 ")) {
                Say::Last(format!("{}{poison}", fetched(if all { 1..5 } else { 0..0 })).into_bytes())
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
