//! The connection test against a real Dovecot and the lab's SMTP server.

use std::time::Duration;

use crate::desk::{PASSWORD, USER, mail, settings};
use skrynka_core::{
    clock::{Clock as _, SystemClock},
    model::{EmailSettings, Endpoint, Security, TroubleCode},
};
use skrynka_lab::{
    Dovecot, Mode, Options, Proxy, SmtpSink,
    authority::{Authority, Certificate},
    dovecot::StoredMail,
    smtp::Fault,
};
use skrynka_mail::{
    Credential, Tuning,
    probe::{Finding, Step, StepName, TestReport, estimate, test},
};
use time::macros::datetime;

struct Lab {
    dovecot: Dovecot,
    smtp: SmtpSink,
    settings: EmailSettings,
}

fn lab(certificate: Certificate, security: Security) -> Lab {
    lab_with(Options { certificate, ..Options::default() }, security)
}

fn lab_with(options: Options, security: Security) -> Lab {
    let dovecot = Dovecot::start(options).unwrap();
    dovecot.add_user(USER, PASSWORD).unwrap();
    let authority = Authority::new().unwrap();
    let smtp = SmtpSink::start(&authority).unwrap();
    smtp.add_user(USER, PASSWORD);
    let port = |tls: u16, plain: u16| if security == Security::Tls { tls } else { plain };
    let mut settings = settings(port(dovecot.imaps().port(), dovecot.imap().port()), security);
    settings.smtp = local(port(smtp.smtps().port(), smtp.smtp().port()));
    settings.ca_pem = Some(format!("{}\n{}", dovecot.ca_pem(), authority.pem()));
    Lab { dovecot, smtp, settings }
}

fn local(port: u16) -> Endpoint {
    Endpoint { host: "127.0.0.1".to_owned(), port }
}

async fn run(settings: &EmailSettings, password: &str) -> TestReport {
    run_within(settings, password, &Tuning::default()).await
}

async fn run_within(settings: &EmailSettings, password: &str, tuning: &Tuning) -> TestReport {
    let mut told = Vec::new();
    let mut secret = Credential::Password(password.into());
    let report = test(settings, &mut secret, tuning, SystemClock.now(), &mut |step| told.push(step.clone())).await;
    assert_eq!(told, report.steps, "every step is told as it ends");
    assert!(!format!("{report:?}").contains(password), "the password was told");
    report
}

/// Asserts at which step the test failed, and why. Returns what was said.
fn failure(report: &TestReport, name: StepName, code: TroubleCode) -> String {
    let failed = report.steps.iter().find(|step| step.outcome.is_err()).unwrap();
    let trouble = failed.outcome.as_ref().unwrap_err();
    assert_eq!((failed.name, trouble.code), (name, code), "{trouble:?}");
    trouble.detail.clone()
}

fn names(report: &TestReport) -> Vec<StepName> {
    report.steps.iter().map(|step| step.name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_is_shown_with_what_it_found() {
    for security in [Security::Tls, Security::Starttls, Security::LoopbackPlain] {
        let lab = lab(Certificate::Valid, security);
        let report = run(&lab.settings, PASSWORD).await;
        assert!(report.passed() && report.reads(), "{security:?}: {report:?}");
        use StepName::{Connect, Folders, Idle, Resolve, SignIn, Smtp, Tls};
        assert_eq!(names(&report), [Resolve, Connect, Tls, SignIn, Folders, Idle, Smtp]);
        for step in &report.steps {
            match step.outcome.as_ref().unwrap() {
                Finding::Addresses(addresses) => assert_eq!(addresses, &["127.0.0.1"]),
                Finding::Tls(facts) | Finding::Smtp(facts) if security == Security::LoopbackPlain => {
                    assert_eq!(facts, &None);
                }
                Finding::Tls(facts) | Finding::Smtp(facts) => {
                    let facts = facts.as_ref().unwrap();
                    assert!(facts.names.contains(&"127.0.0.1".to_owned()) && facts.version.starts_with("TLSv1"));
                    assert!(facts.expires > datetime!(2026-01-01 0:00 UTC));
                }
                Finding::Folders { names, sent } => {
                    assert!(names.contains(&"INBOX".to_owned()));
                    assert_eq!(sent.as_deref(), Some("Sent"));
                }
                Finding::Idle(idle) => assert!(idle),
                Finding::Peer(_) | Finding::SignedIn => {}
            }
        }
        assert!(lab.smtp.mails().is_empty(), "the test sent something");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_password_shows_the_servers_own_words_and_smtp_is_still_tried() {
    let lab = lab(Certificate::Valid, Security::Tls);
    let report = run(&lab.settings, "wrong").await;
    let trouble = report.trouble().unwrap();
    assert_eq!(trouble.code, TroubleCode::SignIn);
    assert!(trouble.detail.contains("Authentication failed"), "{}", trouble.detail);
    assert!(!trouble.detail.contains("wrong"));
    assert_eq!(names(&report)[3..], [StepName::SignIn, StepName::Smtp]);
    assert!(report.steps[4].outcome.as_ref().unwrap_err().detail.contains("535"), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_name_is_shown_with_the_names_it_has() {
    let lab = lab(Certificate::WrongName, Security::Tls);
    let report = run(&lab.settings, PASSWORD).await;
    assert_eq!(names(&report), [StepName::Resolve, StepName::Connect, StepName::Tls, StepName::Smtp]);
    let trouble = report.trouble().unwrap();
    assert_eq!(trouble.code, TroubleCode::Certificate);
    assert!(trouble.detail.contains("imap.example.net"), "{}", trouble.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn smtp_trouble_does_not_keep_mail_from_being_read() {
    let mut lab = lab(Certificate::Valid, Security::Tls);
    lab.settings.smtp.port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let report = run(&lab.settings, PASSWORD).await;
    assert!(report.reads() && !report.passed());
    assert_eq!(report.trouble().unwrap().code, TroubleCode::Network);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_told_as_the_servers_wrote_them() {
    let lab = lab(Certificate::Valid, Security::Starttls);
    let report = run(&lab.settings, "wrong-password").await;
    let said = failure(&report, StepName::SignIn, TroubleCode::SignIn);
    assert_eq!(said, "NO [AUTHENTICATIONFAILED] Authentication failed.");
    lab.smtp.add_user(USER, "another password");
    let said = failure(&run(&lab.settings, PASSWORD).await, StepName::Smtp, TroubleCode::SignIn);
    assert_eq!(said, "535 5.7.8 Authentication credentials invalid");
    lab.smtp.set_fault(Fault::Busy);
    let said = failure(&run(&lab.settings, PASSWORD).await, StepName::Smtp, TroubleCode::Refused);
    assert_eq!(said, "421 localhost busy");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_nobody_vouches_for_or_that_has_expired_says_so() {
    for (certificate, why) in [(Certificate::UnknownIssuer, "BadSignature"), (Certificate::Expired, "expired")] {
        for security in [Security::Tls, Security::Starttls] {
            let lab = lab(certificate, security);
            let said = failure(&run(&lab.settings, PASSWORD).await, StepName::Tls, TroubleCode::Certificate);
            assert!(said.contains(why), "{certificate:?}: {said}");
        }
    }
    let mut lab = lab(Certificate::Valid, Security::Tls);
    lab.settings.ca_pem = Some(lab.dovecot.ca_pem().to_owned());
    failure(&run(&lab.settings, PASSWORD).await, StepName::Smtp, TroubleCode::Certificate);
    lab.settings.ca_pem = None;
    let said = failure(&run(&lab.settings, PASSWORD).await, StepName::Tls, TroubleCode::Certificate);
    assert!(said.contains("UnknownIssuer"), "{said}");
    lab.settings.ca_pem = Some("no certificate".to_owned());
    failure(&run(&lab.settings, PASSWORD).await, StepName::Tls, TroubleCode::Settings);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_kind_of_encryption_is_found_out_and_the_right_one_named() {
    let lab = lab(Certificate::Valid, Security::Tls);
    let short = Tuning { command: Duration::from_secs(1), ..Tuning::default() };
    let right = &lab.settings;
    let (plain_imap, plain_smtp) = (local(lab.dovecot.imap().port()), local(lab.smtp.smtp().port()));
    let (tls, starttls) = ("choose TLS instead of STARTTLS", "choose STARTTLS instead of TLS");
    for (settings, step, advice) in [
        (EmailSettings { imap: plain_imap, ..right.clone() }, StepName::Tls, starttls),
        (EmailSettings { imap_security: Security::Starttls, ..right.clone() }, StepName::Tls, tls),
        (EmailSettings { smtp: plain_smtp, ..right.clone() }, StepName::Smtp, starttls),
        (EmailSettings { smtp_security: Security::Starttls, ..right.clone() }, StepName::Smtp, tls),
    ] {
        let said = failure(&run_within(&settings, PASSWORD, &short).await, step, TroubleCode::Tls);
        assert!(said.contains(advice), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_told_from_one_that_hangs() {
    let mut lab = lab(Certificate::Valid, Security::Tls);
    let proxy = Proxy::start(lab.dovecot.imaps()).unwrap();
    lab.settings.imap = local(proxy.address().port());
    proxy.set(Mode::LoseToClient);
    let short = Tuning { connect: Duration::from_secs(1), command: Duration::from_secs(1), ..Tuning::default() };
    failure(&run_within(&lab.settings, PASSWORD, &short).await, StepName::Tls, TroubleCode::Timeout);
    drop(proxy);
    failure(&run(&lab.settings, PASSWORD).await, StepName::Connect, TroubleCode::Network);
    lab.settings.imap.host = "no-such-host.invalid".to_owned();
    failure(&run(&lab.settings, PASSWORD).await, StepName::Resolve, TroubleCode::NameNotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_falls_silent_between_steps_fails_the_step() {
    let mut lab = lab(Certificate::Valid, Security::LoopbackPlain);
    let proxy = Proxy::start(lab.dovecot.imap()).unwrap();
    lab.settings.imap = local(proxy.address().port());
    let short = Tuning { command: Duration::from_secs(1), ..Tuning::default() };
    let mut secret = Credential::Password(PASSWORD.into());
    let mut stall = |step: &Step| {
        if step.name == StepName::SignIn {
            proxy.set(Mode::Stall);
        }
    };
    let report = test(&lab.settings, &mut secret, &short, SystemClock.now(), &mut stall).await;
    failure(&report, StepName::Folders, TroubleCode::Timeout);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unencrypted_connection_to_another_computer_is_refused_before_it_is_made() {
    let mut lab = lab(Certificate::Valid, Security::LoopbackPlain);
    lab.settings.smtp.host = "192.0.2.7".to_owned();
    let said = failure(&run(&lab.settings, PASSWORD).await, StepName::Smtp, TroubleCode::Settings);
    assert!(said.contains("not this computer"), "{said}");
    lab.settings.imap.host = "192.0.2.7".to_owned();
    failure(&run(&lab.settings, PASSWORD).await, StepName::Resolve, TroubleCode::Settings);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_idle_is_no_failure() {
    let lab = lab_with(Options { without: vec!["IDLE"], ..Options::default() }, Security::Tls);
    let report = run(&lab.settings, PASSWORD).await;
    assert!(report.passed());
    assert!(report.steps.iter().any(|step| step.outcome == Ok(Finding::Idle(false))));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_counts_what_the_listener_would_fetch() {
    for without in [vec![], vec!["STATUS=SIZE", "ESEARCH"]] {
        let lab = lab_with(Options { without, ..Options::default() }, Security::LoopbackPlain);
        let stored = (1..=28).map(|day| StoredMail {
            raw: mail(u32::from(day)),
            received: datetime!(2026-02-01 12:00 UTC).replace_day(day).unwrap(),
            seen: false,
            answered: false,
        });
        lab.dovecot.fill(USER, "INBOX", stored).unwrap();
        lab.dovecot.append(USER, "Sent", &mail(1), "", Some(datetime!(2026-02-20 12:00 UTC))).unwrap();
        lab.dovecot.append(USER, "Trash", &mail(2), "", None).unwrap();
        let now = SystemClock.now();
        let counted = async |since| {
            let estimate =
                estimate(&lab.settings, &mut Credential::Password(PASSWORD.into()), since, &Tuning::default(), now)
                    .await;
            estimate.map(|estimate| (estimate.messages, estimate.bytes)).unwrap()
        };
        let bytes = |days: std::ops::RangeInclusive<u32>| days.map(|day| mail(day).len() as u64).sum::<u64>();
        assert_eq!(counted(None).await, (29, bytes(1..=28) + bytes(1..=1)));
        assert_eq!(counted(Some(datetime!(2026-02-20 12:00 UTC))).await, (10, bytes(20..=28) + bytes(1..=1)));
        assert_eq!(counted(Some(datetime!(2030-01-01 0:00 UTC))).await, (0, 0));
        let mut wrong = Credential::Password("wrong-password".into());
        let refused = estimate(&lab.settings, &mut wrong, None, &Tuning::default(), now).await.unwrap_err();
        assert_eq!(refused.detail, "NO [AUTHENTICATIONFAILED] Authentication failed.");
    }
}
