//! Somebody's data is removed by the command line: killed in the middle, ended by whoever runs next, and not brought back
//! by a server that numbers everything anew.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use skrynka_lab::{Dovecot, Options, SmtpSink, authority::Authority};

use crate::common::{PASSWORD, Profile};

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

    // Killed once the messages are gone and the names are not; whoever listens next ends it.
    let (_cluster, store) = profile.attach().await;
    let mut killed = profile.command(&["person", "forget", "canary@example.org", "--yes"]);
    let killed = killed.env("SKRYNKA_KILL_AT", "forgotten_some:1").stdout(Stdio::null()).status().unwrap();
    assert!(!killed.success());
    assert_eq!(store.open_removals().await.unwrap().len(), 1);
    let mut service = profile.listen(&[], None);
    let since = Instant::now();
    while !store.open_removals().await.unwrap().is_empty() {
        assert!(since.elapsed() < Duration::from_secs(60), "nobody ends the removal");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    service.kill().unwrap();
    service.wait().unwrap();
    store.close().await;
    assert_eq!(hers(&authors()), 0, "{:?}", authors());

    // The server numbers everything anew, and she writes again. Whole seconds are compared.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    dovecot.reset_uidvalidity(USER, "INBOX").unwrap();
    dovecot.deliver(USER, &mail("canary@example.org", 9)).unwrap();
    profile.records(&["listen", "--until-idle"]);
    let now = authors();
    assert_eq!((now.len(), hers(&now)), (5, 1), "{now:?}");
}
