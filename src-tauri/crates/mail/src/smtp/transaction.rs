//! One mail transaction (RFC 5321 section 3.3): whom it is for, what the server says of each address, the mail, and the
//! end after which only the server knows.

use skrynka_core::connector::{BeforeEnd, Outcome, Outcomes};

use super::{Answer, Line};
use crate::error::{MailError, Result};

/// Written at a time; each piece has its own deadline.
const PIECE: usize = 64 << 10;

/// Commands that are said in one go, beside DATA.
const AT_ONCE: usize = 50;
/// The reply after which the mail follows.
const GO_AHEAD: u16 = 354;

/// What a server said before the mail itself.
struct Announced {
    sender: Answer,
    /// One for each address; perhaps none where the sender was refused.
    addresses: Vec<Answer>,
    /// Whether the mail may follow, where that was asked already.
    ready: Option<Answer>,
}

/// Why a transaction did not end with the mail being taken.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The server said no to the mail as a whole: its code, its words, and whether it had the end by then.
    Said { code: u16, words: String, ended: bool },
    /// The mail needs what this server does not offer; it was not tried.
    CannotTake(String),
    /// The connection failed while the mail was certainly not taken.
    Failed(MailError),
    /// The connection failed after the end was given: the server may have taken it.
    Unknown(MailError),
    /// Whoever was asked before the end said no.
    HeldBack,
}

impl From<MailError> for Refusal {
    fn from(error: MailError) -> Self {
        Self::Failed(error)
    }
}

impl Line {
    /// Offers a mail. Returns what the server said of each address; with none of them accepted nothing was sent, and
    /// the connection may be used again.
    pub(crate) async fn offer(
        &mut self,
        from: &str,
        to: &[(String, String)],
        mail: &[u8],
        before_end: &BeforeEnd<'_>,
    ) -> std::result::Result<Outcomes, Refusal> {
        let sender = self.sender(from, to, mail)?;
        let Announced { sender, addresses, ready } = self.announce(&sender, to).await?;
        if sender.code != 250 {
            return Err(refused(&sender, false));
        }
        let mut outcomes = Outcomes::new();
        for ((address, _), answer) in to.iter().zip(addresses) {
            outcomes.insert(address.clone(), outcome(&answer));
        }
        if !outcomes.values().any(|outcome| *outcome == Outcome::Told) {
            // What was said of the addresses is known, however the rest goes. A server that wants the mail nevertheless
            // gets nothing, not even its end.
            let wants = ready.is_some_and(|ready| ready.code == GO_AHEAD);
            self.spent = wants || self.ask("RSET").await.map_or(true, |answer| answer.code != 250);
            return Ok(outcomes);
        }
        let ready = match ready {
            Some(ready) => ready,
            None => self.ask("DATA").await?,
        };
        if ready.code != GO_AHEAD {
            return Err(refused(&ready, false));
        }
        self.write_mail(mail).await?;
        if !before_end(outcomes.clone()).await {
            return Err(Refusal::HeldBack);
        }
        let end = async {
            self.write(b".\r\n").await?;
            self.answer(self.tuning.accepted).await
        };
        let answer = end.await.map_err(Refusal::Unknown)?;
        // RFC 5321 section 4.2.1: the first digit decides.
        match answer.code {
            200..=299 => {}
            400..=599 => return Err(refused(&answer, true)),
            _ => return Err(Refusal::Unknown(MailError::Protocol(answer.said().text))),
        }
        for outcome in outcomes.values_mut() {
            if *outcome == Outcome::Told {
                *outcome = Outcome::Accepted;
            }
        }
        Ok(outcomes)
    }

    /// The MAIL command, with what the server has to know beforehand.
    fn sender(&self, from: &str, to: &[(String, String)], mail: &[u8]) -> std::result::Result<String, Refusal> {
        let parameter = |name: &str| self.offered.iter().find_map(|line| line.strip_prefix(name));
        if let Some(most) = self.takes()
            && mail.len() as u64 > most
        {
            let words = format!("the mail has {} bytes with its files, and the server takes {most}", mail.len());
            return Err(Refusal::CannotTake(words));
        }
        let mut command = format!("MAIL FROM:<{from}>");
        if parameter("SIZE").is_some() {
            command.push_str(&format!(" SIZE={}", mail.len()));
        }
        if !from.is_ascii() || to.iter().any(|(_, address)| !address.is_ascii()) {
            if parameter("SMTPUTF8").is_none() {
                let words = "an address holds letters that this server cannot carry (no SMTPUTF8)".to_owned();
                return Err(Refusal::CannotTake(words));
            }
            command.push_str(" SMTPUTF8");
        }
        Ok(command)
    }

    /// Says from whom and to whom, and asks whether the mail may follow; in one go where the server takes that (RFC 2920).
    async fn announce(&mut self, sender: &str, to: &[(String, String)]) -> Result<Announced> {
        let addresses: Vec<String> = to.iter().map(|(_, address)| format!("RCPT TO:<{address}>")).collect();
        if !self.offered.iter().any(|line| line.trim() == "PIPELINING") {
            let sender = self.ask(sender).await?;
            let mut answers = Vec::with_capacity(addresses.len());
            if sender.code == 250 {
                for address in &addresses {
                    answers.push(self.ask(address).await?);
                }
            }
            return Ok(Announced { sender, addresses: answers, ready: None });
        }
        let mut commands = vec![sender];
        commands.extend(addresses.iter().map(String::as_str));
        let mut answers = Vec::with_capacity(commands.len());
        let last = commands.len().div_ceil(AT_ONCE);
        for (chunk, some) in (1..).zip(commands.chunks(AT_ONCE)) {
            let data = (chunk == last).then_some("DATA");
            let lines: String = some.iter().copied().chain(data).flat_map(|command| [command, "\r\n"]).collect();
            self.write(lines.as_bytes()).await?;
            for _ in some {
                answers.push(self.answer(self.tuning.command).await?);
            }
        }
        let ready = self.answer(self.tuning.command).await;
        let mut addresses = answers.into_iter();
        let missing = || MailError::Protocol("no answer to MAIL".to_owned());
        let sender = addresses.next().ok_or_else(missing)?;
        let addresses: Vec<Answer> = addresses.collect();
        // Some servers hang up on whoever goes on after a refusal. What they said counts.
        let wanted = sender.code == 250 && addresses.iter().any(|answer| outcome(answer) == Outcome::Told);
        let ready = if wanted { Some(ready?) } else { ready.ok() };
        Ok(Announced { sender, addresses, ready })
    }

    /// Writes the mail up to its end, with a dot before every line that begins with one (RFC 5321 section 4.5.2).
    async fn write_mail(&mut self, mail: &[u8]) -> Result<()> {
        let mut piece = Vec::with_capacity(PIECE + 1024);
        for line in mail.split_inclusive(|byte| *byte == b'\n') {
            if line.starts_with(b".") {
                piece.push(b'.');
            }
            piece.extend_from_slice(line);
            if piece.len() >= PIECE {
                self.write(&piece).await?;
                piece.clear();
            }
        }
        if !mail.ends_with(b"\r\n") {
            piece.extend_from_slice(b"\r\n");
        }
        self.write(&piece).await
    }
}

fn outcome(answer: &Answer) -> Outcome {
    match answer.code {
        250..=252 => Outcome::Told,
        400..=499 => Outcome::Later { reply: answer.said().text },
        _ => Outcome::Refused { reply: answer.said().text },
    }
}

fn refused(answer: &Answer, ended: bool) -> Refusal {
    Refusal::Said { code: answer.code, words: answer.said().text, ended }
}
