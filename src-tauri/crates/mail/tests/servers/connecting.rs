//! Connecting and signing in, against a real Dovecot.

use crate::desk::{Desk, PASSWORD, USER, mail, quick, secrets, settings};
use skrynka_core::{
    clock::{Clock as _, SystemClock},
    connector::ConnectorError,
    model::{AccountState, EmailSettings, Security, TroubleCode},
};
use skrynka_lab::{Dovecot, Options, authority::Certificate};

fn server(certificate: Certificate) -> Dovecot {
    let dovecot = Dovecot::start(Options { certificate, ..Options::default() }).unwrap();
    dovecot.add_user(USER, PASSWORD).unwrap();
    dovecot.deliver(USER, &mail(1)).unwrap();
    dovecot
}

fn encrypted(dovecot: &Dovecot, security: Security) -> EmailSettings {
    let port = if security == Security::Tls { dovecot.imaps().port() } else { dovecot.imap().port() };
    EmailSettings { ca_pem: Some(dovecot.ca_pem().to_owned()), ..settings(port, security) }
}

async fn trouble(settings: EmailSettings) -> TroubleCode {
    match Desk::new(settings, quick()).catch_up().await {
        Err(error @ ConnectorError::Transient { .. }) => error.trouble().code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_kinds_of_encryption_bring_mail_when_the_authority_is_known() {
    let dovecot = server(Certificate::Valid);
    for security in [Security::Tls, Security::Starttls] {
        let mut desk = Desk::new(encrypted(&dovecot, security), quick());
        let mut until = None;
        let caught_up = desk.listen(|_, status| {
            until = status.certificate_until;
            status.state == AccountState::Live
        });
        caught_up.await.unwrap();
        assert_eq!(desk.shelf.subjects(), ["mail 1"], "{security:?}");
        assert!(until.is_some_and(|until| until > SystemClock.now()), "{security:?}: {until:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_not_trusted_expired_or_of_another_name_is_refused() {
    for certificate in [Certificate::UnknownIssuer, Certificate::Expired, Certificate::WrongName] {
        let dovecot = server(certificate);
        for security in [Security::Tls, Security::Starttls] {
            assert_eq!(
                trouble(encrypted(&dovecot, security)).await,
                TroubleCode::Certificate,
                "{certificate:?} {security:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_kind_of_encryption_is_named_as_such() {
    let dovecot = server(Certificate::Valid);
    let plain_port = EmailSettings {
        imap: settings(dovecot.imap().port(), Security::Tls).imap,
        ..encrypted(&dovecot, Security::Tls)
    };
    assert_eq!(trouble(plain_port).await, TroubleCode::Tls);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_waits_for_a_person_after_the_second_refusal() {
    let dovecot = server(Certificate::Valid);
    let mut desk = Desk::new(settings(dovecot.imap().port(), Security::LoopbackPlain), quick());
    desk.secrets = secrets("wrong");
    let first = desk.catch_up().await;
    let Err(ConnectorError::Transient { why, retry_after: Some(_) }) = first else { panic!("{first:?}") };
    assert_eq!(why.code, TroubleCode::SignIn);
    tokio::time::sleep(quick().second_refusal * 2).await;
    let second = desk.catch_up().await;
    assert!(matches!(second, Err(ConnectorError::SignInRequired(_))), "{second:?}");
    desk.secrets = secrets(PASSWORD);
    desk.catch_up().await.unwrap();
    desk.secrets = secrets("wrong");
    let forgiven = desk.catch_up().await;
    assert!(matches!(forgiven, Err(ConnectorError::Transient { .. })), "{forgiven:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_and_no_such_name_are_told_apart() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(trouble(settings(free.port(), Security::LoopbackPlain)).await, TroubleCode::Network);
    let mut nowhere = settings(1, Security::Tls);
    nowhere.imap.host = "no-such-host.invalid".to_owned();
    assert_eq!(trouble(nowhere).await, TroubleCode::NameNotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_text_to_another_computer_is_a_matter_of_settings() {
    let mut foreign = settings(143, Security::LoopbackPlain);
    foreign.imap.host = "192.0.2.7".to_owned();
    let outcome = Desk::new(foreign, quick()).catch_up().await;
    assert!(matches!(outcome, Err(ConnectorError::Misconfigured(_))), "{outcome:?}");
}
