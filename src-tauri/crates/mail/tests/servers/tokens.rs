//! Signing in with tokens of OAuth 2.0, against a real Dovecot that asks an authorisation server whose a token is.

use std::sync::Arc;

use secrecy::ExposeSecret as _;
use skrynka_core::{
    clock::{Clock as _, SystemClock},
    connector::{Connector as _, ConnectorError, Outcome, OutgoingMail},
    model::{Address, Auth, Endpoint, Security, TroubleCode},
    secrets::SecretName,
};
use skrynka_lab::{
    Dovecot, Oauth2, Options, SmtpSink,
    authority::Authority,
    oauth2::{CLIENT_ID, CLIENT_SECRET},
};
use skrynka_mail::{
    Credential, Tuning,
    probe::{StepName, test},
};
use time::OffsetDateTime;

use crate::desk::{Desk, PASSWORD, USER, mail, quick, secrets, settings};

struct Lab {
    dovecot: Dovecot,
    oauth2: Oauth2,
    smtp: SmtpSink,
    desk: Desk,
}

/// A mailbox that takes tokens by these mechanisms, and a refresh token for it.
fn lab(mechanisms: &[&'static str]) -> Lab {
    let authority = Authority::new().unwrap();
    let oauth2 = Oauth2::start(&authority).unwrap();
    let smtp = SmtpSink::start(&authority).unwrap();
    smtp.take_tokens(oauth2.grants());
    let options = Options {
        introspection: Some(oauth2.introspection()),
        token_mechanisms: mechanisms.to_vec(),
        ..Options::default()
    };
    let dovecot = Dovecot::start(options).unwrap();
    // Delivering asks whether there is such a user.
    dovecot.add_user(USER, PASSWORD).unwrap();
    dovecot.deliver(USER, &mail(1)).unwrap();
    let mut settings = settings(dovecot.imap().port(), Security::LoopbackPlain);
    settings.auth = Auth::Xoauth2;
    settings.ca_pem = Some(authority.pem().to_owned());
    settings.smtp = Endpoint { host: "127.0.0.1".to_owned(), port: smtp.smtps().port() };
    settings.smtp_security = Security::Tls;
    let mut desk = Desk::new(settings, quick());
    desk.secrets = secrets(&material(&oauth2, &oauth2.grant(USER)));
    Lab { dovecot, oauth2, smtp, desk }
}

fn material(oauth2: &Oauth2, refresh_token: &str) -> String {
    serde_json::json!({
        "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": refresh_token,
        "token_endpoint": oauth2.token_endpoint(),
    })
    .to_string()
}

async fn kept(desk: &Desk) -> serde_json::Value {
    let name: SecretName = Credential::name(Auth::Xoauth2, desk.account.id);
    let kept = desk.secrets.get(name).await.unwrap().unwrap();
    serde_json::from_str(kept.expose_secret()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_signs_in_by_both_mechanisms_and_is_used_again_until_its_end() {
    for mechanism in ["oauthbearer", "xoauth2"] {
        let Lab { dovecot, oauth2, mut desk, smtp: _smtp } = lab(&[mechanism]);
        desk.catch_up().await.unwrap();
        assert_eq!(desk.shelf.subjects(), ["mail 1"], "{mechanism}");
        dovecot.deliver(USER, &mail(2)).unwrap();
        desk.catch_up().await.unwrap();
        assert_eq!((desk.shelf.subjects().len(), oauth2.asked()), (2, 1), "{mechanism}");
        assert!(kept(&desk).await["expires_at"].is_string());
        // One that has nearly ended is made anew, with the refresh token that came with the last one.
        oauth2.set_lifetime(30);
        oauth2.end_access();
        desk.catch_up().await.unwrap();
        desk.catch_up().await.unwrap();
        assert_eq!(oauth2.asked(), 3, "{mechanism}");
        let log = dovecot.log();
        assert!(log.to_lowercase().contains(&format!("method={mechanism}")), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_token_is_made_anew_and_a_withdrawn_grant_waits_for_a_person() {
    let Lab { oauth2, mut desk, dovecot: _dovecot, smtp: _smtp } = lab(&["xoauth2", "oauthbearer"]);
    desk.catch_up().await.unwrap();
    oauth2.end_access();
    desk.catch_up().await.unwrap();
    assert_eq!(oauth2.asked(), 2);
    oauth2.end_access();
    oauth2.revoke(USER);
    let before = kept(&desk).await;
    let outcome = desk.catch_up().await;
    let Err(ConnectorError::SignInRequired(why)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(why.code, TroubleCode::SessionRevoked);
    assert!(why.detail.contains("invalid_grant") && !why.detail.contains("canary"), "{}", why.detail);
    assert_eq!(kept(&desk).await, before, "what is kept stays until somebody gives something new");
    desk.secrets = secrets(&material(&oauth2, &oauth2.grant(USER)));
    desk.catch_up().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_of_the_provider_and_of_the_network_asks_nobody_to_sign_in() {
    let Lab { oauth2, mut desk, dovecot: _dovecot, smtp: _smtp } = lab(&["xoauth2"]);
    oauth2.set_down(true);
    let down = desk.catch_up().await;
    assert!(
        matches!(&down, Err(ConnectorError::Transient { why, .. }) if why.code == TroubleCode::Refused),
        "{down:?}"
    );
    let ca = desk.settings().ca_pem.take();
    let untrusted = desk.catch_up().await;
    assert!(
        matches!(&untrusted, Err(ConnectorError::Transient { why, .. }) if why.code == TroubleCode::Certificate),
        "{untrusted:?}"
    );
    desk.settings().ca_pem = ca;
    let material = material(&oauth2, &oauth2.grant(USER));
    drop(oauth2);
    let gone = desk.catch_up().await;
    assert!(
        matches!(&gone, Err(ConnectorError::Transient { why, .. }) if why.code == TroubleCode::Network),
        "{gone:?}"
    );
    desk.secrets = secrets(&material.replace("https", "http").replace("127.0.0.1", "192.0.2.7"));
    let plain = desk.catch_up().await;
    assert!(matches!(&plain, Err(ConnectorError::Misconfigured(_))), "{plain:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_somebody_else_is_refused_with_the_servers_reason() {
    for mechanism in ["oauthbearer", "xoauth2"] {
        let Lab { oauth2, mut desk, dovecot: _dovecot, smtp: _smtp } = lab(&[mechanism]);
        desk.secrets = secrets(&material(&oauth2, &oauth2.grant("somebody@example.org")));
        let first = desk.catch_up().await;
        assert!(
            matches!(&first, Err(ConnectorError::Transient { why, retry_after: Some(_) }) if why.code == TroubleCode::SessionRevoked),
            "{first:?}"
        );
        tokio::time::sleep(quick().second_refusal * 2).await;
        let second = desk.catch_up().await;
        let Err(ConnectorError::SignInRequired(why)) = second else { panic!("{second:?}") };
        assert!(why.detail.contains("Authentication failed"), "{}", why.detail);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_tokens_is_a_matter_of_settings() {
    let Lab { oauth2, mut desk, dovecot: _dovecot, smtp: _smtp } = lab(&["xoauth2"]);
    let without = Dovecot::start(Options::default()).unwrap();
    desk.settings().imap.port = without.imap().port();
    let outcome = desk.catch_up().await;
    assert!(
        matches!(&outcome, Err(ConnectorError::Misconfigured(why)) if why.code == TroubleCode::Settings),
        "{outcome:?}"
    );
    drop(oauth2);
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_sent_with_a_token_and_a_refused_one_is_made_anew() {
    let Lab { oauth2, smtp, desk, dovecot: _dovecot } = lab(&["xoauth2"]);
    let quick_line = Tuning { kept_line: std::time::Duration::ZERO, ..quick() };
    let connector = skrynka_mail::MailConnector::new(Arc::new(SystemClock), desk.spool.path().to_owned(), quick_line);
    let submitter = connector.submitter(&desk.account, &desk.secrets).unwrap();
    let send = async |number: u32| {
        let mail = OutgoingMail {
            message_id: format!("{number}@example.org"),
            from: Address { name: "Бюро".to_owned(), address: USER.to_owned() },
            to: vec![Address { name: String::new(), address: "klient@example.com".to_owned() }],
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: "Ціна".to_owned(),
            date: OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000),
            references: Vec::new(),
            text: "Доброго дня!".to_owned(),
            html: None,
            files: Vec::new(),
        };
        submitter.submit(&mail, &mail.recipients(), &|_| Box::pin(async { true })).await
    };
    for number in 1..=2 {
        let outcomes = send(number).await.unwrap();
        assert!(outcomes.values().all(|outcome| matches!(outcome, Outcome::Accepted)), "{outcomes:?}");
        oauth2.end_access();
    }
    assert_eq!(oauth2.asked(), 2);
    let users: Vec<_> = smtp.mails().into_iter().map(|mail| mail.user.unwrap()).collect();
    assert_eq!(users, [USER, USER]);
    oauth2.revoke(USER);
    let revoked = send(3).await;
    assert!(format!("{revoked:?}").contains("invalid_grant"), "{revoked:?}");
    assert_eq!(smtp.mails().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_test_makes_a_token_and_leaves_what_has_to_be_kept() {
    let Lab { oauth2, desk, dovecot: _dovecot, smtp: _smtp } = lab(&["oauthbearer"]);
    let settings = desk.account.email.clone().unwrap();
    let read = |text: String| Credential::read(Auth::Xoauth2, text.into()).unwrap();
    let mut credential = read(material(&oauth2, &oauth2.grant(USER)));
    let typed = credential.clone();
    let now = SystemClock.now();
    let report = test(&settings, &mut credential, &Tuning::default(), now, &mut |_| {}).await;
    assert!(report.passed() && !credential.is_as(&typed), "{report:?}");
    assert_eq!(oauth2.asked(), 1, "both servers are shown the same token");
    // The refresh token that was typed is used up.
    let mut used_up = typed;
    let report = test(&settings, &mut used_up, &Tuning::default(), now, &mut |_| {}).await;
    let failed: Vec<_> = report.steps.iter().filter(|step| step.outcome.is_err()).map(|step| step.name).collect();
    assert_eq!(failed, [StepName::SignIn, StepName::Smtp]);
    assert_eq!(report.trouble().unwrap().code, TroubleCode::SessionRevoked);
    let again = test(&settings, &mut credential, &Tuning::default(), now, &mut |_| {}).await;
    assert!(again.passed(), "{again:?}");
}
