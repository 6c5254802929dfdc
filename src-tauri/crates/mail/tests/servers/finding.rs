//! Which of several possible servers is found. Certificates are checked against the system's trust, so the test runs
//! itself again as a program whose system trusts the lab.

use std::process::Command;

use skrynka_core::model::{Endpoint, Security};
use skrynka_lab::{Dovecot, Options, SmtpSink, authority::Authority};
use skrynka_mail::{
    Tuning,
    probe::find,
    providers::{Discovery, Server},
};

const NAME: &str = "finding::the_best_servers_that_greet_with_a_trusted_certificate_are_found";
const PORTS: &str = "SKRYNKA_TEST_PORTS";

fn server(port: u16, security: Security) -> Server {
    Server { endpoint: Endpoint { host: "localhost".to_owned(), port }, security }
}

fn closed() -> Server {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    server(port, Security::Tls)
}

async fn found(imap: Vec<Server>, smtp: Vec<Server>) -> (Option<Server>, Option<Server>) {
    find(&Discovery::Guesses { imap, smtp }, &Tuning::default()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_best_servers_that_greet_with_a_trusted_certificate_are_found() {
    if let Ok(ports) = std::env::var(PORTS) {
        let ports: Vec<u16> = ports.split(' ').map(|port| port.parse().unwrap()).collect();
        return trusted(ports[0], ports[1], ports[2], ports[3]).await;
    }
    let dovecot = Dovecot::start(Options::default()).unwrap();
    let authority = Authority::new().unwrap();
    let smtp = SmtpSink::start(&authority).unwrap();
    let (imaps, smtps) = (dovecot.imaps().port(), smtp.smtps().port());
    let untrusted = found(vec![server(imaps, Security::Tls)], vec![server(smtps, Security::Tls)]).await;
    assert_eq!(untrusted, (None, None), "nobody trusts the lab here");

    let folder = tempfile::tempdir().unwrap();
    let trust = folder.path().join("trust.pem");
    std::fs::write(&trust, format!("{}\n{}", dovecot.ca_pem(), authority.pem())).unwrap();
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", NAME, "--nocapture"]).env("SSL_CERT_FILE", &trust);
    again.env(PORTS, format!("{imaps} {smtps} {} {}", dovecot.imap().port(), smtp.smtp().port()));
    let output = tokio::task::spawn_blocking(move || again.output()).await.unwrap().unwrap();
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

async fn trusted(imaps: u16, smtps: u16, imap: u16, smtp: u16) {
    let (tls, starttls) = (|port| server(port, Security::Tls), |port| server(port, Security::Starttls));
    let both = (Some(tls(imaps)), Some(tls(smtps)));
    assert_eq!(found(vec![tls(imaps), starttls(imap)], vec![tls(smtps), starttls(smtp)]).await, both);
    assert_eq!(found(vec![closed(), tls(imaps)], vec![closed(), tls(smtps)]).await, both);
    // A port that speaks the other kind of encryption, or another protocol, is no answer.
    let other = (Some(starttls(imap)), Some(starttls(smtp)));
    assert_eq!(found(vec![tls(imap), starttls(imap)], vec![tls(smtp), starttls(smtp)]).await, other);
    assert_eq!(found(vec![tls(smtps), tls(imaps)], vec![tls(imaps), tls(smtps)]).await, both);
    // Each is found by itself.
    assert_eq!(found(vec![tls(imaps)], vec![closed()]).await, (Some(tls(imaps)), None));
    assert_eq!(found(vec![closed()], vec![]).await, (None, None));
}
