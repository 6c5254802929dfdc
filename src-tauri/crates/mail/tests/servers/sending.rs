//! Sending against the lab's SMTP server and a real Dovecot: what a server has is never told as unsent, what it has not
//! never as sent, and what nobody knows is told so.

use std::{
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use skrynka_core::{
    clock::SystemClock,
    connector::{
        Connector as _, ConnectorError, MailFile, Outcome, Outcomes, OutgoingMail, SendError, SentCopy, Submitter,
    },
    model::{Account, AccountId, Address, Channel, EmailSettings, Endpoint, Security, TroubleCode},
};
use skrynka_lab::{
    Dovecot, Mode, Options, Proxy, SmtpSink,
    authority::Authority,
    smtp::{Fault, Verb},
};
use skrynka_mail::{
    MailConnector, Tuning, answer, compose,
    render::{RenderOptions, render},
};
use time::OffsetDateTime;

use crate::desk::{PASSWORD, USER, secrets, settings};

const STAMP: &[u8] = include_bytes!("../../../../../icons/32x32.png");

struct Desk {
    smtp: SmtpSink,
    settings: EmailSettings,
}

impl Desk {
    fn new(security: Security) -> Self {
        let authority = Authority::new().unwrap();
        let smtp = SmtpSink::start(&authority).unwrap();
        smtp.add_user(USER, PASSWORD);
        let port = if security == Security::Tls { smtp.smtps().port() } else { smtp.smtp().port() };
        let mut settings = settings(1, security);
        settings.smtp = Endpoint { host: "127.0.0.1".to_owned(), port };
        settings.ca_pem = Some(authority.pem().to_owned());
        Self { smtp, settings }
    }

    fn submitter(&self, tuning: Tuning) -> Arc<dyn Submitter> {
        submitter(self.settings.clone(), tuning)
    }

    fn kept(&self) -> usize {
        self.smtp.mails().len()
    }
}

fn submitter(settings: EmailSettings, tuning: Tuning) -> Arc<dyn Submitter> {
    let connector = MailConnector::new(Arc::new(SystemClock), std::env::temp_dir(), tuning);
    let account = Account {
        id: AccountId::new(OffsetDateTime::UNIX_EPOCH),
        channel: Channel::Email,
        name: "Бюро".to_owned(),
        code: "Б".to_owned(),
        color: 1,
        enabled: true,
        muted: false,
        email: Some(settings),
        telegram: None,
        created_at: OffsetDateTime::UNIX_EPOCH,
    };
    connector.submitter(&account, &secrets(PASSWORD)).unwrap()
}

fn impatient() -> Tuning {
    let brief = Duration::from_millis(400);
    Tuning { command: brief, connect: brief, submit: brief, accepted: brief, ..Tuning::default() }
}

fn person(name: &str, address: &str) -> Address {
    Address { name: name.to_owned(), address: address.to_owned() }
}

fn mail(to: &[&str]) -> OutgoingMail {
    OutgoingMail {
        message_id: format!("{}@skrynka.test", rand::random::<u64>()),
        from: person("Бюро перекладів", USER),
        to: to.iter().map(|address| person("Олена", address)).collect(),
        cc: Vec::new(),
        bcc: Vec::new(),
        subject: "Ціна".to_owned(),
        date: OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000),
        references: Vec::new(),
        text: "Доброго дня!\n.\n..\n".to_owned(),
        html: None,
        files: Vec::new(),
    }
}

async fn send(submitter: &dyn Submitter, mail: &OutgoingMail) -> Result<Outcomes, SendError> {
    let to = mail.recipients();
    submitter.submit(mail, &to, &|_| Box::pin(async { true })).await
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written_over_each_kind_of_connection() {
    for security in [Security::LoopbackPlain, Security::Starttls, Security::Tls] {
        let desk = Desk::new(security);
        let mail = OutgoingMail { bcc: vec![person("", "hidden@example.org")], ..mail(&["olena@example.org"]) };
        let outcomes = send(&*desk.submitter(Tuning::default()), &mail).await.unwrap();
        assert!(outcomes.values().all(|outcome| *outcome == Outcome::Accepted), "{outcomes:?}");
        let received = desk.smtp.mails().remove(0);
        assert_eq!((received.user.as_deref(), received.from.as_str()), (Some(USER), USER));
        assert_eq!(received.to, ["olena@example.org", "hidden@example.org"]);
        assert_eq!(received.raw, compose(&mail, false).unwrap(), "{security:?}");
    }
}

#[tokio::test]
async fn a_server_without_the_encryption_that_was_chosen_gets_no_password() {
    let desk = Desk::new(Security::Starttls);
    desk.smtp.set_fault(Fault::NoTls);
    let error = send(&*desk.submitter(impatient()), &mail(&["olena@example.org"])).await.unwrap_err();
    let SendError::NotSent(error) = error else { panic!("{error}") };
    assert_eq!(error.trouble().code, TroubleCode::Tls);
    assert_eq!(desk.kept(), 0);
}

#[tokio::test]
async fn each_address_has_its_own_answer() {
    let desk = Desk::new(Security::LoopbackPlain);
    let submitter = desk.submitter(Tuning::default());
    let mail = mail(&["olena@example.org", "refused@example.org", "later@example.org"]);
    let outcomes = send(&*submitter, &mail).await.unwrap();
    assert_eq!(outcomes["olena@example.org"], Outcome::Accepted);
    assert!(matches!(&outcomes["refused@example.org"], Outcome::Refused { reply } if reply.contains("550 5.1.1")));
    assert!(matches!(&outcomes["later@example.org"], Outcome::Later { reply } if reply.contains("451")));
    assert_eq!(desk.smtp.mails()[0].to, ["olena@example.org"]);
    // All refused: nothing is sent, and the connection serves the next mail.
    let none = send(&*submitter, &self::mail(&["refused@example.org"])).await.unwrap();
    assert!(!none.values().any(|outcome| *outcome == Outcome::Accepted));
    assert_eq!(desk.kept(), 1);
    assert!(send(&*submitter, &self::mail(&["petro@example.org"])).await.is_ok());
    assert_eq!(desk.kept(), 2);
}

#[tokio::test]
async fn a_server_that_wants_a_mail_for_nobody_gets_none() {
    let desk = Desk::new(Security::LoopbackPlain);
    let submitter = desk.submitter(Tuning::default());
    desk.smtp.set_fault(Fault::WantsAll);
    let none = send(&*submitter, &mail(&["refused@example.org"])).await.unwrap();
    assert!(matches!(&none["refused@example.org"], Outcome::Refused { .. }));
    assert!(send(&*submitter, &mail(&["olena@example.org"])).await.is_ok(), "over another connection");
    let kept: Vec<_> = desk.smtp.mails().into_iter().map(|mail| mail.to).collect();
    assert_eq!(kept, [["olena@example.org"]]);
}

/// What it said of the addresses is known all the same.
#[tokio::test]
async fn a_server_that_hangs_up_after_its_refusal_was_understood() {
    let desk = Desk::new(Security::LoopbackPlain);
    let submitter = desk.submitter(Tuning::default());
    desk.smtp.set_fault(Fault::CloseAfterRefusal);
    let none = send(&*submitter, &mail(&["refused@example.org"])).await.unwrap();
    assert!(matches!(&none["refused@example.org"], Outcome::Refused { reply } if reply.contains("550 5.1.1")));
    assert!(send(&*submitter, &mail(&["olena@example.org"])).await.is_ok(), "over another connection");
}

#[tokio::test]
async fn many_addresses_and_a_server_that_takes_one_command_at_a_time() {
    let desk = Desk::new(Security::LoopbackPlain);
    let names: Vec<String> = (0..120).map(|number| format!("customer{number}@example.org")).collect();
    let to: Vec<&str> = names.iter().map(String::as_str).chain(["refused@example.org"]).collect();
    for fault in [Fault::None, Fault::NoPipelining] {
        desk.smtp.set_fault(fault);
        let submitter = desk.submitter(Tuning::default());
        let outcomes = send(&*submitter, &mail(&to)).await.unwrap();
        let accepted = outcomes.values().filter(|outcome| **outcome == Outcome::Accepted).count();
        assert_eq!((accepted, outcomes.len()), (120, 121), "{fault:?}");
        let none = send(&*submitter, &mail(&["refused@example.org"])).await.unwrap();
        assert!(matches!(&none["refused@example.org"], Outcome::Refused { .. }), "{fault:?}");
    }
    let kept: Vec<usize> = desk.smtp.mails().iter().map(|mail| mail.to.len()).collect();
    assert_eq!(kept, [120, 120]);
}

#[tokio::test]
async fn a_refusal_for_good_is_told_from_one_for_now() {
    let desk = Desk::new(Security::LoopbackPlain);
    let submitter = desk.submitter(Tuning::default());
    for (fault, permanent) in [(Fault::TryLater, false), (Fault::RefuseMail, true), (Fault::Busy, false)] {
        desk.smtp.set_fault(fault);
        // The kept connection has been greeted already.
        let submitter = if fault == Fault::Busy { desk.submitter(Tuning::default()) } else { submitter.clone() };
        let error = send(&*submitter, &mail(&["olena@example.org"])).await.unwrap_err();
        let SendError::NotSent(error) = error else { panic!("{error}") };
        assert_eq!(matches!(error, ConnectorError::Permanent(_)), permanent, "{fault:?}: {error:?}");
        assert_eq!(desk.kept(), 0);
    }
}

#[tokio::test]
async fn a_mail_that_the_server_cannot_take_is_refused_before_it_is_sent() {
    let desk = Desk::new(Security::LoopbackPlain);
    let file = MailFile {
        name: "film.mp4".to_owned(),
        mime: "video/mp4".to_owned(),
        content_id: None,
        bytes: vec![0; 45 << 20],
    };
    let mail = OutgoingMail { files: vec![file], ..mail(&["olena@example.org"]) };
    let error = send(&*desk.submitter(Tuning::default()), &mail).await.unwrap_err();
    let SendError::NotSent(ConnectorError::Permanent(why)) = error else { panic!("{error}") };
    assert!(why.detail.contains("52428800"), "{why:?}");
}

#[tokio::test]
async fn silence_before_the_end_is_unsent_and_after_it_unknown() {
    for step in [Verb::Greeting, Verb::Ehlo, Verb::Auth, Verb::Mail, Verb::Rcpt, Verb::Data] {
        let desk = Desk::new(Security::LoopbackPlain);
        desk.smtp.set_fault(Fault::SilentAt(step));
        let error = send(&*desk.submitter(impatient()), &mail(&["olena@example.org"])).await.unwrap_err();
        assert!(matches!(error, SendError::NotSent(ConnectorError::Transient { .. })), "{step:?}: {error:?}");
        assert_eq!(desk.kept(), 0, "{step:?}");
    }
    for fault in [Fault::SilentAfterMail, Fault::CloseAfterMail] {
        let desk = Desk::new(Security::LoopbackPlain);
        desk.smtp.set_fault(fault);
        let error = send(&*desk.submitter(impatient()), &mail(&["olena@example.org"])).await.unwrap_err();
        assert!(matches!(error, SendError::Uncertain(_)), "{fault:?}: {error:?}");
        assert_eq!(desk.kept(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn connections_that_were_opened_ahead_carry_the_mails() {
    let desk = Desk::new(Security::LoopbackPlain);
    let submitter = desk.submitter(Tuning::default());
    submitter.prepare(2).await;
    submitter.prepare(2).await;
    // No other connection is to be had.
    desk.smtp.set_fault(Fault::Busy);
    let mail = mail(&["olena@example.org"]);
    let all = futures_util::future::join_all((0..3).map(|_| send(&*submitter, &mail))).await;
    assert_eq!(all.iter().filter(|sent| sent.is_ok()).count(), 2, "{all:?}");
    assert_eq!(desk.kept(), 2);

    // Where one cannot be had, no other is asked for, and the mail itself tells why.
    let proxy = Proxy::start(desk.smtp.smtp()).unwrap();
    let mut settings = desk.settings.clone();
    settings.smtp.port = proxy.address().port();
    let nobody = self::submitter(settings, Tuning::default());
    nobody.prepare(4).await;
    assert_eq!(proxy.accepted(), 1);
    let error = send(&*nobody, &mail).await.unwrap_err();
    assert!(matches!(error, SendError::NotSent(ConnectorError::Transient { .. })), "{error:?}");
}

#[tokio::test]
async fn a_mail_that_may_not_be_ended_is_not_sent() {
    let desk = Desk::new(Security::LoopbackPlain);
    let mail = mail(&["olena@example.org"]);
    let (to, asked) = (mail.recipients(), AtomicUsize::new(0));
    let no = |outcomes: Outcomes| -> BoxFuture<'_, bool> {
        asked.fetch_add(1, Ordering::Relaxed);
        assert_eq!(outcomes["olena@example.org"], Outcome::Told);
        Box::pin(async { false })
    };
    let error = desk.submitter(Tuning::default()).submit(&mail, &to, &no).await.unwrap_err();
    assert!(matches!(error, SendError::NotSent(ConnectorError::Transient { .. })), "{error:?}");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!((asked.load(Ordering::Relaxed), desk.kept()), (1, 0));
}

/// The connection is cut after every number of bytes in turn, first of what we say, then of what the server says.
#[tokio::test]
async fn a_cut_at_any_byte_is_never_told_wrong() {
    let desk = Desk::new(Security::LoopbackPlain);
    let proxy = Proxy::start(desk.smtp.smtp()).unwrap();
    let mut settings = desk.settings.clone();
    settings.smtp.port = proxy.address().port();
    let mut counts = [0; 3];
    for mode in [Mode::CutToServerAfter as fn(u64) -> Mode, Mode::CutAfter] {
        for bytes in 0.. {
            proxy.set(mode(bytes));
            let before = desk.kept();
            let outcome = send(&*submitter(settings.clone(), impatient()), &mail(&["olena@example.org"])).await;
            proxy.set(Mode::Pass);
            let kept = settled(&desk, before).await;
            match outcome {
                Ok(_) => {
                    assert_eq!(kept, 1, "told as sent after {bytes} bytes");
                    counts[0] += 1;
                    break;
                }
                Err(SendError::Uncertain(_)) => counts[1] += 1,
                Err(SendError::NotSent(error)) => {
                    assert_eq!(kept, 0, "told as unsent after {bytes} bytes: {error}");
                    counts[2] += 1;
                }
            }
        }
    }
    assert_eq!(counts[0], 2);
    assert!(counts[1] > 0 && counts[2] > 100, "{counts:?}");
    skrynka_lab::evidence::note(
        "P1 nothing lost, nothing doubled",
        "mail: a cut at every byte",
        &format!("{} unsent, {} unknown, 0 told wrong", counts[2], counts[1]),
    )
    .unwrap();
}

/// How many mails more the server has, once it has had the time to take what was on its way.
async fn settled(desk: &Desk, before: usize) -> usize {
    tokio::time::sleep(Duration::from_millis(5)).await;
    desk.kept() - before
}

struct Post {
    dovecot: Dovecot,
    desk: Desk,
}

impl Post {
    fn new() -> Self {
        let dovecot = Dovecot::start(Options::default()).unwrap();
        dovecot.add_user(USER, PASSWORD).unwrap();
        let mut desk = Desk::new(Security::LoopbackPlain);
        desk.settings.imap = Endpoint { host: "127.0.0.1".to_owned(), port: dovecot.imap().port() };
        Self { dovecot, desk }
    }
}

#[tokio::test]
async fn one_copy_stands_in_the_sent_folder_however_often_it_is_kept() {
    let post = Post::new();
    let submitter = post.desk.submitter(Tuning::default());
    let mail = OutgoingMail { bcc: vec![person("", "hidden@example.org")], ..mail(&["olena@example.org"]) };
    assert!(!submitter.is_in_sent(&mail.message_id).await.unwrap());
    for _ in 0..3 {
        assert_eq!(submitter.keep_copy(&mail).await.unwrap(), SentCopy::Kept);
    }
    assert!(submitter.is_in_sent(&mail.message_id).await.unwrap());
    let flags = post.dovecot.flags(USER, "Sent").unwrap();
    assert_eq!(flags.len(), 1, "{flags:?}");
}

/// Our mails as others read them: Python's email, and a real server's THREAD.
#[tokio::test]
async fn others_read_our_names_and_thread_our_mails() {
    let post = Post::new();
    let submitter = post.desk.submitter(Tuning::default());
    let first = OutgoingMail { message_id: "first@skrynka.test".to_owned(), ..mail(&["olena@example.org"]) };
    let file = MailFile {
        name: "Świadectwo — копія (№ 7).pdf".to_owned(),
        mime: "application/pdf".to_owned(),
        content_id: None,
        bytes: (0..=255).cycle().take(3000).collect(),
    };
    let stamp = MailFile {
        name: "Печатка & підпис.png".to_owned(),
        mime: "image/png".to_owned(),
        content_id: Some("0.second@skrynka.test".to_owned()),
        bytes: STAMP.to_vec(),
    };
    let (text, name) = (mail(&[]).text, stamp.name.clone());
    let shown = answer::Picture { offset: 15, length: 2, content_id: "0.second@skrynka.test".to_owned(), name };
    let second = OutgoingMail {
        message_id: "second@skrynka.test".to_owned(),
        to: vec![person("Żółć, Gęśla \"Ł\"", "zolc@example.org")],
        subject: "Re: Переклад свідоцтва про народження — ціна та строки виконання замовлення".to_owned(),
        references: vec!["first@skrynka.test".to_owned()],
        html: Some(answer::html(&text, &[], &[shown])),
        files: vec![stamp, file],
        ..mail(&[])
    };
    // A common subject would tie them as well.
    let other = OutgoingMail {
        message_id: "other@skrynka.test".to_owned(),
        subject: "Інше".to_owned(),
        ..mail(&["petro@example.org"])
    };
    let ours = render(&compose(&second, false).unwrap(), &RenderOptions::default()).unwrap();
    assert!(ours.html.contains("src=\"data:image/png;base64,"), "{}", ours.html);
    for mail in [&first, &other, &second] {
        assert_eq!(submitter.keep_copy(mail).await.unwrap(), SentCopy::Kept);
    }
    let script = r#"
import sys, json, re, imaplib, email, email.policy
host, port, user = sys.argv[1:4]
password = sys.stdin.readline().rstrip("\n")
imap = imaplib.IMAP4(host, int(port))
imap.authenticate("PLAIN", lambda _: ("\0%s\0%s" % (user, password)).encode())
imap.select("Sent", readonly=True)
mails = []
for number in (1, 2, 3):
    raw = imap.fetch(str(number), "(BODY.PEEK[])")[1][0][1]
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    body = mail.get_body(("html", "plain")).get_content()
    related = mail.get_body(("related",))
    pictures = [[p["content-id"], p.get_filename(), p.get_content_disposition(), len(p.get_content())]
                for p in (related.iter_parts() if related else []) if p.get_content_maintype() == "image"]
    mails.append({
        "pictures": pictures, "shown": re.findall(r'<br>\s*<img src="cid:([^"]+)" alt="([^"]+)"', body),
        "to": [[a.display_name, a.addr_spec] for a in mail["to"].addresses],
        "subject": mail["subject"],
        "text": mail.get_body(("plain",)).get_content(),
        "files": [[p.get_filename(), p.get_content_type(), len(p.get_content())] for p in mail.iter_attachments()],
        "defects": [str(d) for part in mail.walk() for d in part.defects],
        "long": max(len(line) for line in raw.split(b"\r\n")),
    })
print(json.dumps({"mails": mails, "threads": imap.thread("REFERENCES", "UTF-8", "ALL")[1][0].decode()}))
"#;
    let imap = post.dovecot.imap();
    let mut python = Command::new("python3")
        .args(["-c", script, "127.0.0.1", &imap.port().to_string(), USER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut python.stdin.take().unwrap(), format!("{PASSWORD}\n").as_bytes()).unwrap();
    let said = python.wait_with_output().unwrap();
    let read: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    let answer = &read["mails"][2];
    assert_eq!(answer["to"], serde_json::json!([["Żółć, Gęśla \"Ł\"", "zolc@example.org"]]));
    assert_eq!(answer["subject"], second.subject);
    assert_eq!(answer["files"], serde_json::json!([["Świadectwo — копія (№ 7).pdf", "application/pdf", 3000]]));
    assert_eq!(
        answer["pictures"],
        serde_json::json!([["<0.second@skrynka.test>", "Печатка & підпис.png", "inline", STAMP.len()]])
    );
    assert_eq!(answer["shown"], serde_json::json!([["0.second@skrynka.test", "Печатка &amp; підпис.png"]]));
    for mail in read["mails"].as_array().unwrap() {
        assert_eq!(mail["defects"], serde_json::json!([]));
        assert_eq!(mail["text"].as_str().unwrap().replace("\r\n", "\n").trim_end(), "Доброго дня!\n.\n..");
        assert!(mail["long"].as_u64().unwrap() <= 998, "{mail}");
    }
    assert_eq!(read["threads"], "(1 3)(2)");
}
