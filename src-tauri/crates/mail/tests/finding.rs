//! Which of several possible servers is found. Certificates are checked against the system's trust, so the test runs
//! itself again as a program whose system trusts the lab.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use std::process::Command;

use skrynka_core::model::{Endpoint, Security};
use skrynka_lab::{Dovecot, Options, SmtpSink, authority::Authority};
use skrynka_mail::{
    probe::find,
    providers::{Discovery, Passwords, Servers},
};

const PORTS: &str = "SKRYNKA_TEST_PORTS";

fn servers(imap: u16, smtp: u16, security: Security) -> Servers {
    let endpoint = |port| Endpoint { host: "localhost".to_owned(), port };
    Servers { imap: endpoint(imap), imap_security: security, smtp: endpoint(smtp), smtp_security: security }
}

fn guesses(servers: Vec<Servers>) -> Discovery {
    Discovery { provider: None, passwords: Passwords::Password, help_url: None, servers }
}

fn closed() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_best_servers_that_answer_with_a_trusted_certificate_are_found() {
    if let Ok(ports) = std::env::var(PORTS) {
        let ports: Vec<u16> = ports.split(' ').map(|port| port.parse().unwrap()).collect();
        return trusted(ports[0], ports[1], ports[2], ports[3]).await;
    }
    let dovecot = Dovecot::start(Options::default()).unwrap();
    let authority = Authority::new().unwrap();
    let smtp = SmtpSink::start(&authority).unwrap();
    let (imaps, smtps) = (dovecot.imaps().port(), smtp.smtps().port());
    assert_eq!(find(&guesses(vec![servers(imaps, smtps, Security::Tls)])).await, None, "nobody trusts the lab here");

    let folder = tempfile::tempdir().unwrap();
    let trust = folder.path().join("trust.pem");
    std::fs::write(&trust, format!("{}\n{}", dovecot.ca_pem(), authority.pem())).unwrap();
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.env("SSL_CERT_FILE", &trust);
    again.env(PORTS, format!("{imaps} {smtps} {} {}", dovecot.imap().port(), smtp.smtp().port()));
    let output = tokio::task::spawn_blocking(move || again.arg("--nocapture").output()).await.unwrap().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

async fn trusted(imaps: u16, smtps: u16, imap: u16, smtp: u16) {
    let tls = servers(imaps, smtps, Security::Tls);
    let starttls = servers(imap, smtp, Security::Starttls);
    let nobody = servers(closed(), closed(), Security::Tls);
    for (candidates, found) in [
        (vec![tls.clone()], Some(tls.clone())),
        (vec![nobody.clone(), tls.clone(), starttls.clone()], Some(tls.clone())),
        (vec![nobody.clone(), starttls.clone()], Some(starttls.clone())),
        // A port that speaks the other kind of encryption is no answer.
        (vec![servers(imap, smtp, Security::Tls), starttls.clone()], Some(starttls.clone())),
        // Each half is found by itself; without an SMTP server its likeliest name stays.
        (vec![servers(imaps, closed(), Security::Tls), servers(closed(), smtps, Security::Tls)], Some(tls.clone())),
        (vec![nobody.clone()], None),
        (vec![], None),
    ] {
        assert_eq!(find(&guesses(candidates.clone())).await, found, "{candidates:?}");
    }
    let reading_only = servers(imaps, closed(), Security::Tls);
    assert_eq!(find(&guesses(vec![nobody, reading_only.clone()])).await, Some(reading_only));
}
