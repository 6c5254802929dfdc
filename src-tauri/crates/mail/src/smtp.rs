//! The conversation with a submission server (RFC 5321, RFC 6409): the connection test and sending speak the same one, so
//! that what was tested is what sends.

mod transaction;

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use skrynka_core::model::{EmailSettings, Security};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    time::timeout,
};

pub(crate) use self::transaction::Refusal;
use crate::{
    connect::{
        access::Proof,
        dial, resolve,
        sasl::{self, Mechanism},
        tls::{TlsFacts, protect},
    },
    error::{Goodbye, MailError, Result},
    tuning::Tuning,
    wire::{Stream, status::clean},
};

/// Bytes of a command with its line end; a longer message follows the server's go-ahead (RFC 4954 section 4).
const COMMAND: usize = 512;
/// Bytes of one reply line (RFC 5321 section 4.5.3.1.5 allows 512).
const LINE: u64 = 8 << 10;
/// Lines of one reply.
const LINES: usize = 200;

/// Connects, encrypts as the settings want it, signs in and leaves. Returns how it was protected, and how many bytes of a
/// mail the server takes.
pub(crate) async fn sign_in(
    settings: &EmailSettings,
    proof: &Proof,
    tuning: &Tuning,
) -> Result<(Option<TlsFacts>, Option<u64>)> {
    let (mut line, facts) = open(settings, proof, tuning).await?;
    line.leave().await;
    Ok((facts, line.takes()))
}

/// Connects, encrypts as the settings want it and signs in.
pub(crate) async fn open(settings: &EmailSettings, proof: &Proof, tuning: &Tuning) -> Result<(Line, Option<TlsFacts>)> {
    let (mut line, offered, facts) = greeted(settings, tuning).await?;
    match proof {
        Proof::Password(password) => authenticate(&mut line, &offered, &settings.user, password).await?,
        Proof::Bearer(token) => bear(&mut line, &offered, settings, token).await?,
    }
    line.offered = offered;
    Ok((line, facts))
}

/// Connects and encrypts; returns what the server offers over the protected connection, in upper case.
pub(crate) async fn greeted(
    settings: &EmailSettings,
    tuning: &Tuning,
) -> Result<(Line, Vec<String>, Option<TlsFacts>)> {
    let addresses = resolve(&settings.smtp, settings.smtp_security, tuning).await?;
    let (tcp, _) = dial(&settings.smtp, &addresses, tuning.connect).await?;
    let (host, ca) = (&settings.smtp.host, settings.ca_pem.as_deref());
    let (mut line, facts) = match settings.smtp_security {
        Security::Tls => {
            let (stream, facts) = protect(Box::new(tcp), host, ca, tuning.connect).await?;
            (Line::greeted(stream, tuning).await?, Some(facts))
        }
        Security::Starttls => {
            let mut line = Line::greeted(Box::new(tcp), tuning).await?;
            // What is offered before the handshake is not protected and is forgotten.
            let _unprotected = line.hello().await?;
            line.ask("STARTTLS").await?.expect(220).map_err(|_| MailError::NoStartTls)?;
            let (stream, facts) = protect(line.into_stream()?, host, ca, tuning.connect).await?;
            (Line::new(stream, tuning), Some(facts))
        }
        Security::LoopbackPlain => (Line::greeted(Box::new(tcp), tuning).await?, None),
    };
    let offered = line.hello().await?;
    Ok((line, offered, facts))
}

async fn authenticate(line: &mut Line, offered: &[String], user: &str, password: &SecretString) -> Result<()> {
    let has = |name: &str| offers(offered, name);
    let reply = if has("PLAIN") {
        let message = Zeroizing::new(format!("\0{user}\0{}", password.expose_secret()));
        let command = Zeroizing::new(format!("AUTH PLAIN {}", STANDARD.encode(message.as_bytes())));
        line.ask(&command).await?
    } else if has("LOGIN") {
        line.ask("AUTH LOGIN").await?.expect(334)?;
        line.ask(&STANDARD.encode(user)).await?.expect(334)?;
        let password = Zeroizing::new(STANDARD.encode(password.expose_secret()));
        line.ask(&password).await?
    } else {
        return Err(MailError::NoPasswordSignIn);
    };
    match reply.code {
        235 => Ok(()),
        // RFC 4954 section 6: 454 is the server's own trouble, every 5xx a refusal.
        500..=599 => Err(MailError::SignIn(Box::new(reply.said()))),
        _ => reply.expect(235).map(drop),
    }
}

/// Whether a SASL mechanism is offered.
fn offers(offered: &[String], name: &str) -> bool {
    let mechanisms = offered.iter().find_map(|words| words.strip_prefix("AUTH")).unwrap_or_default();
    mechanisms.split([' ', '=']).any(|word| word == name)
}

/// Signs in with a token. The reply to a refusal is a challenge; the verdict follows its answer.
async fn bear(line: &mut Line, offered: &[String], settings: &EmailSettings, token: &SecretString) -> Result<()> {
    let mechanism = Mechanism::chosen(|name| offers(offered, name)).ok_or(MailError::NoTokenSignIn)?;
    let message = mechanism.message(&settings.user, &settings.smtp, token);
    let command = Zeroizing::new(format!("AUTH {} {}", mechanism.name(), *message));
    let mut reply = if command.len() + 2 <= COMMAND {
        line.ask(&command).await?
    } else {
        line.ask(&format!("AUTH {}", mechanism.name())).await?.expect(334)?;
        line.ask(&message).await?
    };
    let mut why = None;
    if reply.code == 334 {
        why = reply.lines.first().and_then(|challenge| sasl::refusal(challenge));
        reply = line.ask(mechanism.after_refusal()).await?;
    }
    match reply.code {
        235 => Ok(()),
        500..=599 => {
            let mut said = reply.said();
            if let Some(why) = why {
                said.text = format!("{} ({why})", said.text);
            }
            Err(MailError::TokenRefused(Box::new(said)))
        }
        _ => reply.expect(235).map(drop),
    }
}

/// The line to an SMTP server.
pub(crate) struct Line {
    stream: BufReader<Box<dyn Stream>>,
    tuning: Tuning,
    /// What the server offers, in upper case.
    offered: Vec<String>,
    /// Whether it serves no further mail.
    pub(crate) spent: bool,
}

/// A reply: its code, and its lines without it.
struct Answer {
    code: u16,
    lines: Vec<String>,
}

impl Answer {
    fn expect(self, code: u16) -> Result<Self> {
        if self.code == code {
            return Ok(self);
        }
        Err(MailError::Refused { doing: "let this account send", said: Box::new(self.said()) })
    }

    fn said(&self) -> Goodbye {
        let text = clean(&format!("{} {}", self.code, self.lines.join(" ")));
        Goodbye { code: String::new(), text, bad: false }
    }
}

impl Line {
    fn new(stream: Box<dyn Stream>, tuning: &Tuning) -> Self {
        Self { stream: BufReader::new(stream), tuning: tuning.clone(), offered: Vec::new(), spent: false }
    }

    async fn greeted(stream: Box<dyn Stream>, tuning: &Tuning) -> Result<Self> {
        let mut line = Self::new(stream, tuning);
        line.answer(tuning.command).await?.expect(220)?;
        Ok(line)
    }

    /// Greets and returns what the server offers, in upper case. A desktop has no name in DNS, so it gives an address
    /// literal (RFC 5321 section 4.1.3).
    async fn hello(&mut self) -> Result<Vec<String>> {
        let answer = self.ask("EHLO [127.0.0.1]").await?.expect(250)?;
        Ok(answer.lines.into_iter().skip(1).map(|line| line.to_ascii_uppercase()).collect())
    }

    /// Bytes of a mail that the server takes, where it says so (RFC 1870 section 3). 0 is no limit.
    pub(crate) fn takes(&self) -> Option<u64> {
        let size = self.offered.iter().find_map(|line| line.strip_prefix("SIZE"))?;
        size.trim().parse().ok().filter(|most| *most > 0)
    }

    /// Says goodbye. Nobody depends on it.
    pub(crate) async fn leave(&mut self) {
        let _goodbye = timeout(self.tuning.logout, self.ask("QUIT")).await;
    }

    async fn ask(&mut self, command: &str) -> Result<Answer> {
        let bytes = Zeroizing::new([command.as_bytes(), b"\r\n"].concat());
        self.write(&bytes).await?;
        self.answer(self.tuning.command).await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let deadline = self.tuning.command;
        let write = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        timeout(deadline, write).await.map_err(|_| MailError::Silent(deadline))?.map_err(MailError::Broken)
    }

    async fn answer(&mut self, deadline: Duration) -> Result<Answer> {
        let mut lines = Vec::new();
        loop {
            let line = self.read_line(deadline).await?;
            let nonsense = || MailError::Protocol(format!("SMTP reply {:?}", clean(&line)));
            let code: u16 = line.get(..3).and_then(|code| code.parse().ok()).ok_or_else(nonsense)?;
            let last = line.as_bytes().get(3) != Some(&b'-');
            lines.push(line.get(4..).unwrap_or_default().trim_end().to_owned());
            if last {
                return Ok(Answer { code, lines });
            }
            if lines.len() > LINES {
                return Err(nonsense());
            }
        }
    }

    async fn read_line(&mut self, deadline: Duration) -> Result<String> {
        let mut line = Vec::new();
        let mut limited = (&mut self.stream).take(LINE);
        let read = timeout(deadline, limited.read_until(b'\n', &mut line)).await;
        read.map_err(|_| MailError::Silent(deadline))?.map_err(MailError::Broken)?;
        if line.ends_with(b"\n") {
            Ok(String::from_utf8_lossy(&line).into_owned())
        } else {
            Err(MailError::Closed { cut: !line.is_empty() })
        }
    }

    /// Gives the stream back for the handshake; anything already sent beyond the answer is an attack.
    fn into_stream(self) -> Result<Box<dyn Stream>> {
        if self.stream.buffer().is_empty() { Ok(self.stream.into_inner()) } else { Err(MailError::Injected) }
    }
}
