//! The connection test against a real Dovecot and the lab's SMTP server.

mod common;

use common::{PASSWORD, USER, mail, settings};
use secrecy::SecretString;
use skrynka_core::model::{EmailSettings, Endpoint, Security, TroubleCode};
use skrynka_lab::{
    Dovecot, Options, SmtpSink,
    authority::{Authority, Certificate},
    dovecot::StoredMail,
};
use skrynka_mail::{
    Tuning,
    probe::{Finding, StepName, TestReport, estimate, test},
};
use time::macros::datetime;

struct Lab {
    dovecot: Dovecot,
    smtp: SmtpSink,
    settings: EmailSettings,
}

fn lab(certificate: Certificate, security: Security) -> Lab {
    let dovecot = Dovecot::start(Options { certificate, ..Options::default() }).unwrap();
    dovecot.add_user(USER, PASSWORD).unwrap();
    let authority = Authority::new().unwrap();
    let smtp = SmtpSink::start(&authority).unwrap();
    smtp.add_user(USER, PASSWORD);
    let port = |tls: u16, plain: u16| if security == Security::Tls { tls } else { plain };
    let mut settings = settings(port(dovecot.imaps().port(), dovecot.imap().port()), security);
    settings.smtp = Endpoint { host: "127.0.0.1".to_owned(), port: port(smtp.smtps().port(), smtp.smtp().port()) };
    settings.ca_pem = Some(format!("{}\n{}", dovecot.ca_pem(), authority.pem()));
    Lab { dovecot, smtp, settings }
}

async fn run(settings: &EmailSettings, password: &str) -> TestReport {
    let mut told = Vec::new();
    let password = SecretString::from(password.to_owned());
    let report = test(settings, &password, &Tuning::default(), &mut |step| told.push(step.clone())).await;
    assert_eq!(told, report.steps, "every step is told as it ends");
    report
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
async fn an_estimate_counts_what_since_asks_for() {
    let lab = lab(Certificate::Valid, Security::LoopbackPlain);
    let stored = (1..=28).map(|day| StoredMail {
        raw: mail(u32::from(day)),
        received: datetime!(2026-02-01 12:00 UTC).replace_day(day).unwrap(),
        seen: false,
        answered: false,
    });
    lab.dovecot.fill(USER, "INBOX", stored).unwrap();
    lab.dovecot.append(USER, "Sent", &mail(1), "", Some(datetime!(2026-02-20 12:00 UTC))).unwrap();
    let password = SecretString::from(PASSWORD);
    let all = estimate(&lab.settings, &password, None, &Tuning::default()).await.unwrap();
    let expected: usize = (1..=28).map(|day| mail(day).len()).sum::<usize>() + mail(1).len();
    assert_eq!((all.messages, all.bytes), (29, expected as u64));
    let since = Some(datetime!(2026-02-20 00:00 UTC));
    let some = estimate(&lab.settings, &password, since, &Tuning::default()).await.unwrap();
    assert_eq!(some.messages, 11, "nine days, a day of margin, and one sent mail");
}
