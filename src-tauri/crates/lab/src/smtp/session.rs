//! One SMTP conversation (RFC 5321, RFC 3207, RFC 4954).

use std::{ops::ControlFlow, sync::Arc, time::SystemTime};

use base64::{Engine, prelude::BASE64_STANDARD};
use tokio::{
    io::{self, AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use super::{Fault, Received, Shared, Verb, lock};

trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

struct Session {
    stream: BufReader<Box<dyn Io>>,
    shared: Arc<Shared>,
    encrypted: bool,
    user: Option<String>,
    from: String,
    to: Vec<String>,
}

pub(super) async fn plain(stream: TcpStream, shared: Arc<Shared>) {
    let _gone = Session::new(Box::new(stream), shared, false).run().await;
}

pub(super) async fn inside_tls(stream: TcpStream, shared: Arc<Shared>) {
    if let Ok(stream) = shared.acceptor.clone().accept(stream).await {
        let _gone = Session::new(Box::new(stream), shared, true).run().await;
    }
}

impl Session {
    fn new(stream: Box<dyn Io>, shared: Arc<Shared>, encrypted: bool) -> Self {
        let stream = BufReader::new(stream);
        Self { stream, shared, encrypted, user: None, from: String::new(), to: Vec::new() }
    }

    async fn run(mut self) -> io::Result<()> {
        if self.fault() == Fault::Busy {
            return self.say("421 localhost busy").await;
        }
        self.hold(Verb::Greeting).await;
        self.say("220 localhost ESMTP lab").await?;
        self.converse().await
    }

    async fn converse(mut self) -> io::Result<()> {
        loop {
            let line = self.line().await?;
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            let verb = verb.to_ascii_uppercase();
            if let Some(step) = step(&verb) {
                self.hold(step).await;
            }
            match verb.as_str() {
                "EHLO" => self.greet().await?,
                "HELO" => self.say("250 localhost").await?,
                "STARTTLS" if !self.encrypted && self.fault() != Fault::NoTls => {
                    self.say("220 Go ahead").await?;
                    return Box::pin(self.upgrade()).await;
                }
                "AUTH" => self.authenticate(rest).await?,
                "MAIL" if self.user.is_none() && self.asks_for_a_sign_in() => {
                    self.say("530 5.7.0 Authentication required").await?;
                }
                "MAIL" => {
                    self.from = address(rest);
                    self.to.clear();
                    self.say("250 2.1.0 Ok").await?;
                }
                "RCPT" if self.fault() == Fault::RefuseRecipients || address(rest).starts_with("refused") => {
                    self.say("550 5.1.1 No such user").await?;
                }
                "RCPT" if self.fault() != Fault::TakesLater && address(rest).starts_with("later") => {
                    self.say("451 4.7.1 Greylisted").await?;
                }
                "RCPT" => {
                    self.to.push(address(rest));
                    self.say("250 2.1.5 Ok").await?;
                }
                "DATA" if self.to.is_empty() && self.fault() == Fault::CloseAfterRefusal => return Ok(()),
                "DATA" if self.to.is_empty() && self.fault() != Fault::WantsAll => {
                    self.say("503 5.5.1 No recipients").await?
                }
                "DATA" => {
                    if self.data().await?.is_break() {
                        return Ok(());
                    }
                }
                "RSET" | "NOOP" => self.say("250 2.0.0 Ok").await?,
                "QUIT" => return self.say("221 2.0.0 Bye").await,
                _ => self.say("502 5.5.2 Command not known").await?,
            }
        }
    }

    async fn greet(&mut self) -> io::Result<()> {
        let tls = if self.encrypted || self.fault() == Fault::NoTls { "" } else { "250-STARTTLS\r\n" };
        let pipelining = if self.fault() == Fault::NoPipelining { "" } else { "250-PIPELINING\r\n" };
        let tokens = if lock(&self.shared.tokens).is_some() { " XOAUTH2" } else { "" };
        self.say(&format!(
            "250-localhost\r\n{tls}250-AUTH PLAIN LOGIN{tokens}\r\n250-8BITMIME\r\n{pipelining}250-SMTPUTF8\r\n250 SIZE 52428800"
        ))
        .await
    }

    /// Goes on inside TLS without a second greeting. What a client sent ahead of the handshake is thrown away (RFC 3207, section 4.2).
    async fn upgrade(self) -> io::Result<()> {
        let acceptor = self.shared.acceptor.clone();
        let stream = acceptor.accept(self.stream.into_inner()).await?;
        Self::new(Box::new(stream), self.shared, true).converse().await
    }

    async fn authenticate(&mut self, request: &str) -> io::Result<()> {
        let (mechanism, initial) = request.split_once(' ').unwrap_or((request, ""));
        let (name, password) = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => {
                let answer = if initial.is_empty() { self.ask("").await? } else { initial.to_owned() };
                let decoded = decode(&answer);
                let mut parts = decoded.split('\0').skip(1).map(str::to_owned);
                (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
            }
            "LOGIN" => {
                let name = if initial.is_empty() { self.ask("VXNlcm5hbWU6").await? } else { initial.to_owned() };
                let password = self.ask("UGFzc3dvcmQ6").await?;
                (decode(&name), decode(&password))
            }
            "XOAUTH2" if lock(&self.shared.tokens).is_some() => {
                let message = if initial.is_empty() { self.ask("").await? } else { initial.to_owned() };
                return self.take_token(&decode(&message)).await;
            }
            _ => return self.say("504 5.5.4 Mechanism not known").await,
        };
        let known = lock(&self.shared.users).get(&name) == Some(&password);
        if known {
            self.user = Some(name);
            return self.say("235 2.7.0 Welcome").await;
        }
        self.say("535 5.7.8 Authentication credentials invalid").await
    }

    fn asks_for_a_sign_in(&self) -> bool {
        !lock(&self.shared.users).is_empty() || lock(&self.shared.tokens).is_some()
    }

    /// A refused token is told why in a challenge; its empty answer brings the verdict, as Gmail and Exchange do it.
    async fn take_token(&mut self, message: &str) -> io::Result<()> {
        let fields = message.strip_prefix("user=").and_then(|rest| rest.strip_suffix("\x01\x01"));
        let parts = fields.and_then(|fields| fields.split_once("\x01auth=Bearer "));
        let known = parts.filter(|(user, token)| {
            let tokens = lock(&self.shared.tokens).clone();
            tokens.is_some_and(|grants| lock(&grants).user(token) == Some(*user))
        });
        if let Some((user, _)) = known {
            self.user = Some(user.to_owned());
            return self.say("235 2.7.0 Welcome").await;
        }
        let challenge = BASE64_STANDARD.encode(r#"{"status":"401","schemes":"bearer","scope":"mail"}"#);
        if self.ask(&challenge).await?.is_empty() {
            return self.say("535 5.7.8 Token not accepted").await;
        }
        self.say("501 5.5.2 An empty line was expected").await
    }

    async fn ask(&mut self, challenge: &str) -> io::Result<String> {
        self.say(&format!("334 {challenge}")).await?;
        self.line().await
    }

    /// Takes one mail. Breaks where a fault wants the connection closed.
    async fn data(&mut self) -> io::Result<ControlFlow<()>> {
        self.say("354 End with a dot").await?;
        let mut raw = Vec::new();
        loop {
            let start = raw.len();
            if self.stream.read_until(b'\n', &mut raw).await? == 0 || self.fault() == Fault::CloseInMail {
                return Ok(ControlFlow::Break(()));
            }
            match &raw[start..] {
                b".\r\n" => {
                    raw.truncate(start);
                    break;
                }
                [b'.', ..] => drop(raw.remove(start)),
                _ => {}
            }
        }
        match self.fault() {
            Fault::TryLater => return self.say("451 4.3.0 Try again later").await.map(ControlFlow::Continue),
            Fault::RefuseMail => return self.say("554 5.6.0 Not wanted").await.map(ControlFlow::Continue),
            Fault::None
            | Fault::Busy
            | Fault::RefuseRecipients
            | Fault::CloseInMail
            | Fault::CloseAfterMail
            | Fault::SilentAfterMail
            | Fault::SilentAt(_)
            | Fault::TakesLater
            | Fault::WantsAll
            | Fault::CloseAfterRefusal
            | Fault::NoPipelining
            | Fault::NoTls => {}
        }
        let (user, from, to) = (self.user.clone(), self.from.clone(), self.to.clone());
        lock(&self.shared.mails).push(Received { user, from, to, raw, at: now() });
        if self.fault() == Fault::CloseAfterMail {
            return Ok(ControlFlow::Break(()));
        }
        let mut fault = self.shared.fault.subscribe();
        let _sink_ended = fault.wait_for(|fault| *fault != Fault::SilentAfterMail).await.is_err();
        self.say("250 2.0.0 Kept").await.map(ControlFlow::Continue)
    }

    /// Waits while this step is to be answered with silence.
    async fn hold(&mut self, step: Verb) {
        let mut fault = self.shared.fault.subscribe();
        let _sink_ended = fault.wait_for(|fault| *fault != Fault::SilentAt(step)).await.is_err();
    }

    fn fault(&self) -> Fault {
        *self.shared.fault.borrow()
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        if self.stream.read_until(b'\n', &mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    async fn say(&mut self, words: &str) -> io::Result<()> {
        self.stream.write_all(format!("{words}\r\n").as_bytes()).await?;
        self.stream.flush().await
    }
}

const fn step(verb: &str) -> Option<Verb> {
    match verb.as_bytes() {
        b"EHLO" => Some(Verb::Ehlo),
        b"AUTH" => Some(Verb::Auth),
        b"MAIL" => Some(Verb::Mail),
        b"RCPT" => Some(Verb::Rcpt),
        b"DATA" => Some(Verb::Data),
        _ => None,
    }
}

/// Takes the address out of `FROM:<a@b> SIZE=1`.
fn address(argument: &str) -> String {
    let inner = argument.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(address, _)| address);
    inner.unwrap_or_default().to_owned()
}

fn decode(text: &str) -> String {
    BASE64_STANDARD.decode(text).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "the server stamps what it takes, so that others can measure from it")]
fn now() -> SystemTime {
    SystemTime::now()
}
