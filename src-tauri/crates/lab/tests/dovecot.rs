//! The lab's Dovecot does what tests rely on.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use skrynka_lab::{Dovecot, Options, authority::Certificate, dovecot::StoredMail, imap::Imap};
use time::macros::datetime;

const MAIL: &[u8] = b"From: Olena <olena@example.org>\r\nSubject: Quote\r\n\r\nGood day\r\n";

fn dovecot_with(user: &str) -> Dovecot {
    let dovecot = Dovecot::start(Options::default()).unwrap();
    dovecot.add_user(user, "let me in").unwrap();
    dovecot
}

#[test]
fn delivers_what_an_imap_client_then_reads() {
    let dovecot = dovecot_with("olena");
    dovecot.deliver("olena", MAIL).unwrap();
    let mut imap = Imap::sign_in(dovecot.imap(), "olena", "let me in").unwrap();
    assert!(imap.command("SELECT INBOX").unwrap().contains(&"* 1 EXISTS".to_owned()));
    let answer = imap.command("FETCH 1 (BODY.PEEK[HEADER.FIELDS (SUBJECT)])").unwrap();
    assert!(answer[0].contains("Subject: Quote"), "{answer:?}");
}

#[test]
fn refuses_a_wrong_password_and_an_unknown_user() {
    let dovecot = dovecot_with("olena");
    assert!(Imap::sign_in(dovecot.imap(), "olena", "wrong").is_err());
    assert!(Imap::sign_in(dovecot.imap(), "nobody", "let me in").is_err());
}

#[test]
fn announces_new_mail_to_an_idle_connection() {
    let dovecot = dovecot_with("olena");
    let mut imap = Imap::sign_in(dovecot.imap(), "olena", "let me in").unwrap();
    imap.command("SELECT INBOX").unwrap();
    imap.idle().unwrap();
    dovecot.deliver("olena", MAIL).unwrap();
    assert_eq!(imap.line().unwrap(), "* 1 EXISTS");
}

#[test]
fn filling_keeps_dates_flags_and_order() {
    let dovecot = dovecot_with("olena");
    let mail = |day: u8, seen, answered| StoredMail {
        raw: MAIL.to_vec(),
        received: datetime!(2025-03-01 12:00 UTC).replace_day(day).unwrap(),
        seen,
        answered,
    };
    let count = dovecot.fill("olena", "INBOX", [mail(3, false, false), mail(1, true, false), mail(2, true, true)]);
    assert_eq!(count.unwrap(), 3);
    let flags: Vec<_> = dovecot.flags("olena", "INBOX").unwrap().into_iter().collect();
    assert_eq!(
        flags,
        [(1, vec!["\\Seen".to_owned()]), (2, vec!["\\Answered".to_owned(), "\\Seen".to_owned()]), (3, vec![])]
    );
    let mut imap = Imap::sign_in(dovecot.imap(), "olena", "let me in").unwrap();
    imap.command("EXAMINE INBOX").unwrap();
    let dates = imap.command("UID FETCH 1:3 (INTERNALDATE RFC822.SIZE)").unwrap();
    assert!(dates[0].contains("01-Mar-2025 12:00:00 +0000"), "{dates:?}");
    assert!(dates[0].contains(&format!("RFC822.SIZE {}", MAIL.len())), "{dates:?}");
}

#[test]
fn appends_with_flags_and_date_to_a_folder() {
    let dovecot = dovecot_with("olena");
    dovecot.append("olena", "Sent", MAIL, "\\Seen", Some(datetime!(2024-12-05 08:00 +2))).unwrap();
    assert_eq!(dovecot.flags("olena", "Sent").unwrap()[&1], ["\\Seen"]);
    let mut imap = Imap::sign_in(dovecot.imap(), "olena", "let me in").unwrap();
    imap.command("EXAMINE Sent").unwrap();
    assert!(imap.command("FETCH 1 INTERNALDATE").unwrap()[0].contains("05-Dec-2024 06:00:00 +0000"));
}

#[test]
fn flags_and_deletions_can_be_made_from_outside() {
    let dovecot = dovecot_with("olena");
    dovecot.deliver_all("olena", [MAIL, MAIL, MAIL]).unwrap();
    dovecot.set_flag("olena", "INBOX", 2, "\\Seen").unwrap();
    dovecot.set_flag("olena", "INBOX", 3, "\\Seen").unwrap();
    dovecot.clear_flag("olena", "INBOX", 3, "\\Seen").unwrap();
    dovecot.expunge("olena", "INBOX", 1).unwrap();
    let flags: Vec<_> = dovecot.flags("olena", "INBOX").unwrap().into_iter().collect();
    assert_eq!(flags, [(2, vec!["\\Seen".to_owned()]), (3, vec![])]);
}

#[test]
fn a_reset_folder_has_another_uidvalidity_and_all_its_mail() {
    let dovecot = dovecot_with("olena");
    dovecot.deliver_all("olena", [MAIL, MAIL]).unwrap();
    dovecot.expunge("olena", "INBOX", 1).unwrap();
    let before = dovecot.uidvalidity("olena", "INBOX").unwrap();
    dovecot.reset_uidvalidity("olena", "INBOX").unwrap();
    assert_ne!(dovecot.uidvalidity("olena", "INBOX").unwrap(), before);
    assert_eq!(dovecot.flags("olena", "INBOX").unwrap().into_keys().collect::<Vec<_>>(), [1]);
}

#[test]
fn mail_survives_a_kill_and_ports_stay() {
    let dovecot = dovecot_with("olena");
    dovecot.deliver("olena", MAIL).unwrap();
    let address = dovecot.imap();
    dovecot.kill().unwrap();
    assert!(Imap::connect(address).is_err());
    dovecot.restart().unwrap();
    assert_eq!(dovecot.imap(), address);
    dovecot.deliver("olena", MAIL).unwrap();
    assert_eq!(dovecot.flags("olena", "INBOX").unwrap().len(), 2);
}

#[test]
fn a_capability_can_be_left_out() {
    let options = Options { without: vec!["IDLE", "CONDSTORE"], ..Options::default() };
    let dovecot = Dovecot::start(options).unwrap();
    dovecot.add_user("olena", "let me in").unwrap();
    let mut imap = Imap::sign_in(dovecot.imap(), "olena", "let me in").unwrap();
    let capabilities = imap.command("CAPABILITY").unwrap().concat();
    assert!(capabilities.contains("UIDPLUS"), "{capabilities}");
    assert!(!capabilities.contains("IDLE") && !capabilities.contains("CONDSTORE"), "{capabilities}");
}

#[test]
fn connections_of_one_user_are_limited_on_request() {
    let dovecot = Dovecot::start(Options { connections_per_user: 1, ..Options::default() }).unwrap();
    dovecot.add_user("olena", "let me in").unwrap();
    let _first = Imap::sign_in(dovecot.imap(), "olena", "let me in").unwrap();
    assert!(Imap::sign_in(dovecot.imap(), "olena", "let me in").is_err());
}

#[test]
fn shows_the_certificate_that_was_asked_for() {
    for (certificate, text) in [
        (Certificate::Valid, "Verify return code: 0 (ok)"),
        (Certificate::Expired, "certificate has expired"),
        (Certificate::WrongName, "hostname mismatch"),
        (Certificate::UnknownIssuer, "unable to get local issuer certificate"),
    ] {
        let dovecot = Dovecot::start(Options { certificate, ..Options::default() }).unwrap();
        let output = std::process::Command::new("openssl")
            .args(["s_client", "-connect", &dovecot.imaps().to_string(), "-verify_hostname", "localhost", "-CAfile"])
            .arg(dovecot.ca_file())
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(words.to_lowercase().contains(&text.to_lowercase()), "{certificate:?}: {words}");
    }
}
