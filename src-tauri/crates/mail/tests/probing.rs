//! The connection test against a real Dovecot and the lab's SMTP server.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use std::time::Duration;

use secrecy::SecretString;
use skrynka_core::model::{EmailSettings, Endpoint, Security, Trouble, TroubleCode};
use skrynka_lab::{
    Dovecot, Mode, Options, Proxy, SmtpSink,
    authority::{Authority, Certificate},
    dovecot::StoredMail,
    smtp::Fault,
};
use skrynka_mail::{
    Tuning,
    probe::{Step, StepName, StepState, estimate, test, test_within},
};
use time::macros::datetime;

const USER: &str = "biuro@example.org";
const PASSWORD: &str = "пароль \"1\\";

struct Lab {
    dovecot: Dovecot,
    smtp: SmtpSink,
    settings: EmailSettings,
}

fn lab(security: Security) -> Lab {
    lab_with(security, Options::default())
}

fn lab_with(security: Security, options: Options) -> Lab {
    let dovecot = Dovecot::start(options).unwrap();
    dovecot.add_user(USER, PASSWORD).unwrap();
    let authority = Authority::new().unwrap();
    let smtp = SmtpSink::start(&authority).unwrap();
    smtp.add_user(USER, PASSWORD);
    let port = |tls: u16, plain: u16| if security == Security::Tls { tls } else { plain };
    let settings = EmailSettings {
        address: USER.to_owned(),
        imap: local(port(dovecot.imaps().port(), dovecot.imap().port())),
        imap_security: security,
        smtp: local(port(smtp.smtps().port(), smtp.smtp().port())),
        smtp_security: security,
        user: USER.to_owned(),
        since: None,
        ca_pem: Some(format!("{}\n{}", dovecot.ca_pem(), authority.pem())),
        folders: Vec::new(),
        write_flags: false,
    };
    Lab { dovecot, smtp, settings }
}

fn local(port: u16) -> Endpoint {
    Endpoint { host: "127.0.0.1".to_owned(), port }
}

fn mail(number: u32) -> Vec<u8> {
    format!("From: <klient@example.com>\r\nSubject: mail {number}\r\n\r\nNumber {number}\r\n").into_bytes()
}

/// Runs the test; everything it told, one line a step, must be free of the password.
async fn run(settings: &EmailSettings, password: &str) -> (Vec<Step>, Result<(), Trouble>) {
    run_within(settings, password, None).await
}

async fn run_within(
    settings: &EmailSettings,
    password: &str,
    tuning: Option<Tuning>,
) -> (Vec<Step>, Result<(), Trouble>) {
    let mut told = Vec::new();
    let secret = SecretString::from(password.to_owned());
    let mut on_step = |step| told.push(step);
    let outcome = match tuning {
        Some(tuning) => test_within(settings, &secret, &tuning, &mut on_step).await,
        None => test(settings, &secret, &mut on_step).await,
    };
    assert!(!format!("{told:?} {outcome:?}").contains(password), "the password was told");
    let ended = ended(&told);
    for step in &ended {
        let began = told.iter().any(|other| other.name == step.name && other.state == StepState::Running);
        assert!(began || step.state == StepState::Skipped, "{:?} never began", step.name);
        assert!(step.took.is_some() && step.took < Some(Duration::from_secs(20)));
    }
    assert_eq!(ended.last().and_then(|step| step.trouble.as_ref()), outcome.as_ref().err());
    (told, outcome)
}

fn ended(told: &[Step]) -> Vec<&Step> {
    told.iter().filter(|step| step.state != StepState::Running).collect()
}

/// Asserts at which step the test failed, and why. Returns what was said.
async fn fails(settings: &EmailSettings, password: &str, name: StepName, code: TroubleCode) -> String {
    let (told, outcome) = run(settings, password).await;
    failed(&told, outcome, name, code)
}

fn failed(told: &[Step], outcome: Result<(), Trouble>, name: StepName, code: TroubleCode) -> String {
    let trouble = outcome.unwrap_err();
    let last = told.last().unwrap();
    assert_eq!((last.name, last.state, trouble.code), (name, StepState::Failed, code), "{trouble:?}");
    let before = ended(told).len() - 1;
    assert!(ended(told)[..before].iter().all(|step| step.state != StepState::Failed));
    trouble.detail
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_is_told_with_what_it_found() {
    for security in [Security::Tls, Security::Starttls, Security::LoopbackPlain] {
        let lab = lab(security);
        lab.dovecot.deliver(USER, &mail(1)).unwrap();
        let (told, outcome) = run(&lab.settings, PASSWORD).await;
        outcome.unwrap();
        let ended = ended(&told);
        use StepName::{Connect, Folders, Idle, Resolve, SignIn, Smtp, Tls};
        let names: Vec<StepName> = ended.iter().map(|step| step.name).collect();
        assert_eq!(names, [Resolve, Connect, Tls, SignIn, Folders, Idle, Smtp], "{security:?}");
        let plain = security == Security::LoopbackPlain;
        let tls = "TLS 1.3, localhost, 127.0.0.1, valid until 2100-01-01, chain verified";
        for (step, detail) in ended.iter().zip([
            "127.0.0.1 → 127.0.0.1".to_owned(),
            lab.settings.imap.to_string(),
            if plain { "the connection does not leave this computer" } else { tls }.to_owned(),
            USER.to_owned(),
            "INBOX 1, Sent 0, UIDPLUS CONDSTORE QRESYNC".to_owned(),
            "IDLE".to_owned(),
            format!("{}, {}, PLAIN", lab.settings.smtp, if plain { "no encryption" } else { "TLS 1.3" }),
        ]) {
            assert_eq!(step.detail, detail, "{security:?}");
            let skipped = plain && step.name == Tls;
            assert_eq!(step.state, if skipped { StepState::Skipped } else { StepState::Passed });
        }
        assert!(lab.smtp.mails().is_empty(), "the test sent something");
        assert!(lab.dovecot.flags(USER, "INBOX").unwrap()[&1].is_empty(), "the test marked something");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_password_shows_the_servers_own_words() {
    let lab = lab(Security::Tls);
    let said = fails(&lab.settings, "wrong-password", StepName::SignIn, TroubleCode::SignIn).await;
    assert_eq!(said, "NO [AUTHENTICATIONFAILED] Authentication failed.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_not_accepted_says_why() {
    for (certificate, why) in [
        (Certificate::UnknownIssuer, "BadSignature"),
        (Certificate::Expired, "expired"),
        (Certificate::WrongName, "imap.example.net"),
    ] {
        for security in [Security::Tls, Security::Starttls] {
            let lab = lab_with(security, Options { certificate, ..Options::default() });
            let said = fails(&lab.settings, PASSWORD, StepName::Tls, TroubleCode::Certificate).await;
            assert!(said.contains(why), "{certificate:?}: {said}");
        }
    }
    let mut lab = lab(Security::Tls);
    lab.settings.ca_pem = None;
    let said = fails(&lab.settings, PASSWORD, StepName::Tls, TroubleCode::Certificate).await;
    assert!(said.contains("UnknownIssuer"), "{said}");
    lab.settings.ca_pem = Some("no certificate".to_owned());
    fails(&lab.settings, PASSWORD, StepName::Tls, TroubleCode::Settings).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_kind_of_encryption_is_found_out_and_the_right_one_named() {
    let lab = lab(Security::Tls);
    let short = Tuning { command: Duration::from_secs(1), ..Tuning::default() };
    let mut swapped = lab.settings.clone();
    swapped.imap = local(lab.dovecot.imap().port());
    let said = fails(&swapped, PASSWORD, StepName::Tls, TroubleCode::Tls).await;
    assert!(said.contains("choose STARTTLS instead of TLS"), "{said}");
    let mut swapped = lab.settings.clone();
    swapped.imap_security = Security::Starttls;
    let (told, outcome) = run_within(&swapped, PASSWORD, Some(short.clone())).await;
    let said = failed(&told, outcome, StepName::Tls, TroubleCode::Tls);
    assert!(said.contains("choose TLS instead of STARTTLS"), "{said}");
    let mut swapped = lab.settings.clone();
    swapped.smtp = local(lab.smtp.smtp().port());
    let said = fails(&swapped, PASSWORD, StepName::Smtp, TroubleCode::Tls).await;
    assert!(said.contains("choose STARTTLS instead of TLS"), "{said}");
    let mut swapped = lab.settings.clone();
    swapped.smtp_security = Security::Starttls;
    let (told, outcome) = run_within(&swapped, PASSWORD, Some(short)).await;
    let said = failed(&told, outcome, StepName::Smtp, TroubleCode::Tls);
    assert!(said.contains("choose TLS instead of STARTTLS"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_told_from_one_that_hangs() {
    let mut lab = lab(Security::Tls);
    let proxy = Proxy::start(lab.dovecot.imaps()).unwrap();
    lab.settings.imap = local(proxy.address().port());
    proxy.set(Mode::Refuse);
    while std::net::TcpStream::connect(proxy.address()).is_ok() {}
    fails(&lab.settings, PASSWORD, StepName::Connect, TroubleCode::Network).await;
    proxy.set(Mode::Pass);
    while std::net::TcpStream::connect(proxy.address()).is_err() {}
    proxy.set(Mode::LoseToClient);
    let short = Tuning { connect: Duration::from_secs(1), command: Duration::from_secs(1), ..Tuning::default() };
    let (told, outcome) = run_within(&lab.settings, PASSWORD, Some(short.clone())).await;
    failed(&told, outcome, StepName::Tls, TroubleCode::Timeout);
    lab.settings.imap.host = "no-such-host.invalid".to_owned();
    fails(&lab.settings, PASSWORD, StepName::Resolve, TroubleCode::NameNotFound).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_falls_silent_between_steps_fails_the_step() {
    let mut lab = lab(Security::LoopbackPlain);
    let proxy = Proxy::start(lab.dovecot.imap()).unwrap();
    lab.settings.imap = local(proxy.address().port());
    let short = Tuning { command: Duration::from_secs(1), ..Tuning::default() };
    let secret = SecretString::from(PASSWORD);
    let mut told = Vec::new();
    let mut on_step = |step: Step| {
        if (step.name, step.state) == (StepName::Folders, StepState::Running) {
            proxy.set(Mode::Stall);
        }
        told.push(step);
    };
    let outcome = test_within(&lab.settings, &secret, &short, &mut on_step).await;
    failed(&told, outcome, StepName::Folders, TroubleCode::Timeout);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unencrypted_connection_to_another_computer_is_refused_before_it_is_made() {
    let mut lab = lab(Security::LoopbackPlain);
    lab.settings.imap.host = "192.0.2.7".to_owned();
    let said = fails(&lab.settings, PASSWORD, StepName::Resolve, TroubleCode::Settings).await;
    assert!(said.contains("not this computer"), "{said}");
    lab.settings.imap.host = "127.0.0.1".to_owned();
    lab.settings.smtp.host = "192.0.2.7".to_owned();
    fails(&lab.settings, PASSWORD, StepName::Smtp, TroubleCode::Settings).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_with_smtp_is_the_last_steps_and_in_its_servers_words() {
    for security in [Security::Tls, Security::Starttls] {
        let mut lab = lab(security);
        lab.smtp.add_user(USER, "another password");
        let said = fails(&lab.settings, PASSWORD, StepName::Smtp, TroubleCode::SignIn).await;
        assert_eq!(said, "535 5.7.8 Authentication credentials invalid");
        lab.smtp.set_fault(Fault::Busy);
        let said = fails(&lab.settings, PASSWORD, StepName::Smtp, TroubleCode::Refused).await;
        assert_eq!(said, "421 localhost busy");
        lab.settings.smtp.port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        fails(&lab.settings, PASSWORD, StepName::Smtp, TroubleCode::Network).await;
    }
    let lab = lab(Security::Tls);
    let only_imap = EmailSettings { ca_pem: Some(lab.dovecot.ca_pem().to_owned()), ..lab.settings.clone() };
    fails(&only_imap, PASSWORD, StepName::Smtp, TroubleCode::Certificate).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_works_less_well_is_told_without_failing() {
    let mut lab = lab_with(Security::Tls, Options { without: vec!["IDLE"], ..Options::default() });
    lab.dovecot.create_folder(USER, "Замовлення").unwrap();
    lab.settings.folders = vec!["Замовлення".to_owned(), "Nowhere".to_owned()];
    let (told, outcome) = run(&lab.settings, PASSWORD).await;
    outcome.unwrap();
    let step = |name| ended(&told).into_iter().find(|step| step.name == name).unwrap();
    assert_eq!(step(StepName::Folders).state, StepState::Warned);
    let detail = &step(StepName::Folders).detail;
    assert!(detail.starts_with("no folder \"Nowhere\"; INBOX 0, Sent 0, Замовлення 0"), "{detail}");
    assert_eq!(step(StepName::Idle).state, StepState::Warned);
    assert!(step(StepName::Idle).detail.starts_with("no IDLE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_counts_what_the_listener_would_fetch() {
    for without in [vec![], vec!["STATUS=SIZE", "ESEARCH"]] {
        let mut lab = lab_with(Security::LoopbackPlain, Options { without, ..Options::default() });
        let stored = (1..=28).map(|day| StoredMail {
            raw: mail(u32::from(day)),
            received: datetime!(2026-02-01 12:00 UTC).replace_day(day).unwrap(),
            seen: false,
            answered: false,
        });
        lab.dovecot.fill(USER, "INBOX", stored).unwrap();
        lab.dovecot.append(USER, "Sent", &mail(1), "", Some(datetime!(2026-02-20 12:00 UTC))).unwrap();
        lab.dovecot.append(USER, "Trash", &mail(2), "", None).unwrap();
        let password = SecretString::from(PASSWORD);
        let all = estimate(&lab.settings, &password).await.unwrap();
        let bytes = |days: std::ops::RangeInclusive<u32>| days.map(|day| mail(day).len() as u64).sum::<u64>();
        assert_eq!((all.messages, all.bytes), (29, bytes(1..=28) + bytes(1..=1)));
        lab.settings.since = Some(datetime!(2026-02-20 12:00 UTC));
        let some = estimate(&lab.settings, &password).await.unwrap();
        assert_eq!((some.messages, some.bytes), (10, bytes(20..=28) + bytes(1..=1)));
        lab.settings.since = Some(datetime!(2030-01-01 0:00 UTC));
        assert_eq!(estimate(&lab.settings, &password).await.unwrap().messages, 0);
        let refused = estimate(&lab.settings, &SecretString::from("wrong-password")).await.unwrap_err();
        assert_eq!(refused.code, TroubleCode::SignIn);
    }
}
