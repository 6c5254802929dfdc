//! The sink takes mail from an ordinary client and fails on request.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
};

use skrynka_lab::{Fault, SmtpSink, authority::Authority};

struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(sink: &SmtpSink) -> Self {
        let mut client = Self(BufReader::new(TcpStream::connect(sink.smtp()).unwrap()));
        client.answer();
        client
    }

    fn say(&mut self, line: &str) -> String {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
        self.answer()
    }

    fn answer(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    }

    /// Sends one mail and returns the answer to it.
    fn send(&mut self) -> String {
        assert!(self.say("MAIL FROM:<anna@example.org>").starts_with("250"));
        assert!(self.say("RCPT TO:<jan@example.net>").starts_with("250"));
        assert!(self.say("DATA").starts_with("354"));
        self.say("Subject: Hi\r\n\r\n..dots\r\n.")
    }
}

fn sink() -> SmtpSink {
    SmtpSink::start(&Authority::new().unwrap()).unwrap()
}

#[test]
fn keeps_a_mail_as_it_was_written() {
    let sink = sink();
    assert!(Client::connect(&sink).send().starts_with("250"));
    let mails = sink.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].from, "anna@example.org");
    assert_eq!(mails[0].to, ["jan@example.net"]);
    assert_eq!(mails[0].raw, b"Subject: Hi\r\n\r\n.dots\r\n");
}

#[test]
fn asks_for_a_sign_in_once_it_has_users() {
    let sink = sink();
    sink.add_user("anna", "let me in");
    let mut client = Client::connect(&sink);
    assert!(client.say("MAIL FROM:<anna@example.org>").starts_with("530"));
    assert!(client.say("AUTH PLAIN AGFubmEAd3Jvbmc=").starts_with("535"));
    assert!(client.say("AUTH LOGIN").starts_with("334"));
    assert!(client.say("YW5uYQ==").starts_with("334"));
    assert!(client.say("bGV0IG1lIGlu").starts_with("235"));
    assert!(client.send().starts_with("250"));
    assert_eq!(sink.mails()[0].user.as_deref(), Some("anna"));
}

#[test]
fn fails_as_it_is_told_and_keeps_only_what_it_should() {
    let sink = sink();
    for (fault, code, kept) in [
        (Fault::TryLater, "451", 0),
        (Fault::RefuseMail, "554", 0),
        (Fault::CloseAfterMail, "", 1),
        (Fault::None, "250", 2),
    ] {
        sink.set_fault(fault);
        let answer = Client::connect(&sink).send();
        assert!(answer.starts_with(code) && answer.is_empty() == code.is_empty(), "{fault:?}: {answer}");
        assert_eq!(sink.mails().len(), kept, "{fault:?}");
    }
    sink.set_fault(Fault::RefuseRecipients);
    let mut client = Client::connect(&sink);
    client.say("MAIL FROM:<anna@example.org>");
    assert!(client.say("RCPT TO:<jan@example.net>").starts_with("550"));
}

#[test]
fn speaks_tls_at_once_and_after_starttls() {
    let authority = Authority::new().unwrap();
    let sink = SmtpSink::start(&authority).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    for (address, starttls) in [(sink.smtps(), false), (sink.smtp(), true)] {
        let mut command = Command::new("openssl");
        command
            .args(["s_client", "-quiet", "-verify_return_error", "-connect", &address.to_string(), "-CAfile"])
            .arg(&ca);
        if starttls {
            command.args(["-starttls", "smtp"]);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(b"EHLO here\r\nQUIT\r\n").unwrap();
        let mut words = String::new();
        child.stdout.take().unwrap().read_to_string(&mut words).unwrap();
        child.wait().unwrap();
        assert!(words.contains("AUTH PLAIN LOGIN") && !words.contains("STARTTLS"), "{words}");
    }
}
