//! Somebody's data is removed by the command line: killed in the middle, ended by whoever runs next, and not brought back
//! by a server that numbers everything anew.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use skrynka_core::{
    clock::{Clock as _, SystemClock},
    connector::OutgoingMail,
    model::{Address, OutgoingId},
    store::{ConversationListing, MailDraft},
};
use skrynka_lab::{
    Dovecot, Options, SmtpSink,
    authority::Authority,
    telegram::{Network, NetworkOptions, NewAccount, NewUser, Push, strings},
};

use crate::{
    common::{PASSWORD, Profile},
    telegram::{ADD, HASH, centres, secrets},
};

const USER: &str = "office@example.org";

fn mail(from: &str, n: u32) -> Vec<u8> {
    format!(
        "From: {from}\r\nTo: {USER}\r\nSubject: {n} {from}\r\nMessage-ID: <{n}.{from}>\r\n\r\ntext {n} of {from}\r\n"
    )
    .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_removed_does_not_come_back_from_its_server() {
    let smtp = SmtpSink::start(&Authority::new().unwrap()).unwrap();
    smtp.add_user(USER, PASSWORD);
    let dovecot = Dovecot::start(Options::default()).unwrap();
    dovecot.add_user(USER, PASSWORD).unwrap();
    for n in 0..4 {
        for from in ["canary@example.org", "petro@example.org"] {
            dovecot.deliver(USER, &mail(from, n)).unwrap();
        }
    }
    let profile = Profile::new();
    profile.add_mailbox(USER, dovecot.imap(), smtp.smtp());
    profile.records(&["listen", "--until-idle"]);
    let authors = || {
        let mut all: Vec<String> = profile
            .records(&["export", "messages"])
            .iter()
            .map(|record| record["from"].to_string().split('@').next().unwrap_or_default().replace(['"', '{'], ""))
            .collect();
        all.sort();
        all
    };
    let hers = |authors: &[String]| authors.iter().filter(|author| author.contains("canary")).count();
    assert_eq!((authors().len(), hers(&authors())), (8, 4), "{:?}", authors());

    // Looked at, and asked for without saying that it is meant: nothing happens.
    let preview = profile.records(&["person", "forget", "Canary@example.org", "--dry-run"]).remove(0);
    assert_eq!((preview["messages"].as_u64(), preview["kept"].as_u64()), (Some(4), Some(0)), "{preview}");
    let unsure = profile.run(&["person", "forget", "canary@example.org"]);
    assert_eq!(unsure.status.code(), Some(1), "{}", String::from_utf8_lossy(&unsure.stderr));
    let nobody = profile.run(&["person", "forget", "nobody@example.org", "--yes"]);
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("nothing is kept of"));
    let wrong = profile.run(&["person", "forget", "who?", "--yes"]);
    assert_eq!(wrong.status.code(), Some(2));
    let own = profile.run(&["person", "forget", USER, "--yes"]);
    assert!(String::from_utf8_lossy(&own.stderr).contains("an account of the bureau"), "{own:?}");
    assert_eq!(authors().len(), 8);

    // Killed once the messages are gone and the names are not; whoever listens next ends it. What was written in her
    // thread to somebody else goes out all the same.
    let (_cluster, store) = profile.attach().await;
    let all = store.conversations(&ConversationListing::default(), None, 100).await.unwrap();
    let thread = all.iter().find(|one| one.peer_address == "canary@example.org").unwrap();
    let tomorrow = SystemClock.now() + time::Duration::days(1);
    for (to, send_at) in [("petro@example.org", None), ("canary@example.org", Some(tomorrow))] {
        let person = |address: &str| Address { name: String::new(), address: address.to_owned() };
        let mail = OutgoingMail {
            message_id: format!("to-{to}"),
            from: person(USER),
            to: vec![person(to)],
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: "Договір".to_owned(),
            date: SystemClock.now(),
            references: vec!["0.canary@example.org".to_owned()],
            text: "надсилаю".to_owned(),
            html: None,
            files: Vec::new(),
        };
        let draft = MailDraft {
            id: OutgoingId::new(SystemClock.now()),
            conversation: Some(thread.id),
            send_at,
            draft: None,
            mail,
            entities: Vec::new(),
            files: Vec::new(),
        };
        store.queue_mail(thread.account, &draft).await.unwrap();
    }
    let preview = profile.records(&["person", "forget", "canary@example.org", "--dry-run"]).remove(0);
    assert_eq!(preview["unsent"].as_u64(), Some(1), "{preview}");
    let mut killed = profile.command(&["person", "forget", "canary@example.org", "--yes"]);
    let killed = killed.env("SKRYNKA_KILL_AT", "forgotten_some:1").stdout(Stdio::null()).status().unwrap();
    assert!(!killed.success());
    assert_eq!(store.open_removals().await.unwrap().len(), 1);
    let waiting = store.unsent(10).await.unwrap();
    assert_eq!(waiting.iter().filter(|mail| mail.conversation.is_none()).count(), 2, "{waiting:?}");
    let mut service = profile.listen(&[], None);
    let since = Instant::now();
    while !store.open_removals().await.unwrap().is_empty() || !store.unsent(10).await.unwrap().is_empty() {
        assert!(since.elapsed() < Duration::from_secs(60), "nobody ends the removal, or sends what waits");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    service.kill().unwrap();
    service.wait().unwrap();
    store.close().await;
    let out = smtp.mails();
    let sent: Vec<(Vec<String>, String)> =
        out.iter().map(|mail| (mail.to.clone(), String::from_utf8_lossy(&mail.raw).into_owned())).collect();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(sent[0].0 == ["petro@example.org"] && !sent[0].1.contains("canary"), "{sent:?}");
    assert_eq!(hers(&authors()), 0, "{:?}", authors());

    // The server numbers everything anew, and she writes again. Whole seconds are compared.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    dovecot.reset_uidvalidity(USER, "INBOX").unwrap();
    dovecot.deliver(USER, &mail("canary@example.org", 9)).unwrap();
    profile.records(&["listen", "--until-idle"]);
    let now = authors();
    assert_eq!((now.len(), hers(&now)), (6, 1), "{now:?}");
}

#[test]
fn the_chat_of_somebody_whose_data_was_removed_is_not_read_again() {
    const SAID: usize = 120;
    let net = Network::start(NetworkOptions::default()).unwrap();
    let account = net.add_account(NewAccount::default()).unwrap();
    let key = net.session(account, 2).unwrap();
    let person = |name: &str| NewUser { first_name: name.to_owned(), ..NewUser::default() };
    let (hers, other) = (net.add_user(person("Канарейка")), net.add_user(person("Петро")));
    for n in 0..SAID {
        net.send(hers, account, format!("канаркове {n}"), Push::Silent).unwrap();
    }
    net.send(other, account, "від Петра", Push::Silent).unwrap();
    let (profile, folder) = (Profile::new(), tempfile::tempdir().unwrap());
    let places = centres(&net, &folder.path().join("centres.json"));
    let run = |arguments: &[&str], input: &str| {
        let mut command = profile.command(&[arguments, &["--json"]].concat());
        command.env("SKRYNKA_TELEGRAM_CENTRES", &places).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    run(&ADD, &secrets(&strings::telethon(2, net.endpoint(2).unwrap(), &key), HASH));
    let asked = |work: &dyn Fn()| {
        let before = net.requested("messages.getHistory");
        work();
        net.requested("messages.getHistory") - before
    };
    let listen = || run(&["listen", "--until-idle"], "");
    assert!(asked(&listen) > 0, "the first time both chats are read");
    assert_eq!(profile.records(&["export", "messages"]).len(), SAID + 1);
    let id = hers.0.to_string();
    run(&["person", "forget", &id, "--yes"], "");
    assert_eq!(asked(&listen), 0, "nothing is missing");
    // What they write after the removal is read, and nothing before. Whole seconds are compared.
    std::thread::sleep(Duration::from_millis(1100));
    net.send(hers, account, "нове", Push::Silent).unwrap();
    assert!(asked(&listen) <= 1);
    assert_eq!(asked(&listen), 0);
    let kept = profile.records(&["export", "messages"]);
    let texts: Vec<&str> = kept.iter().filter_map(|message| message["text"].as_str()).collect();
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(texts.contains(&"нове") && texts.contains(&"від Петра"), "{texts:?}");

    // An account that comes later reads such a chat once, and keeps nothing of it.
    let late = net.add_account(NewAccount { phone: "380445550188".to_owned(), ..NewAccount::default() }).unwrap();
    let late_key = net.session(late, 2).unwrap();
    for n in 0..SAID {
        net.send(hers, late, format!("канаркове {n}"), Push::Silent).unwrap();
    }
    let mut add = ADD;
    add[6] = "+380445550188";
    std::thread::sleep(Duration::from_millis(1100));
    run(&["person", "forget", &id, "--yes"], "");
    run(&add, &secrets(&strings::telethon(2, net.endpoint(2).unwrap(), &late_key), HASH));
    assert!(asked(&listen) > 0);
    assert_eq!(asked(&listen), 0);
    assert_eq!(profile.records(&["export", "messages"]).len(), 1, "Petro's alone");
}
