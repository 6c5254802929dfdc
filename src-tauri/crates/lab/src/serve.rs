//! The whole lab behind one line protocol: Dovecot, a proxy before each of its IMAP ports, an SMTP sink, and
//! Telegram once it is asked for.

mod telegram;

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

pub use self::telegram::{Ask, File};
use crate::{
    Dovecot, Fault, Mode, Options, Proxy, SmtpSink,
    authority::{Authority, Certificate},
    bureau::{self, Customer, MAILBOXES},
    numbered,
};

/// The password of every user that `fill_bureau` makes.
pub const PASSWORD: &str = "слово-2025";

/// One command: `{"id": 1, "do": "deliver", "user": "olena", "raw": "…"}`. The answer carries the same id and either
/// `"ok"` with what was asked for or `"error"` with the reason. Times come in as RFC 3339 and go out as Unix
/// milliseconds.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Command {
    AddUser {
        user: String,
        password: String,
    },
    SetPassword {
        user: String,
        password: String,
    },
    /// Delivers a mail; its line ends may be LF.
    Deliver {
        user: String,
        raw: String,
    },
    /// Delivers the ledger's mails `from..from + count` over LMTP.
    DeliverLedger {
        user: String,
        from: u32,
        count: u32,
    },
    /// Fills an inbox with the ledger's mails `from..from + count` at once, dated `received`.
    FillLedger {
        user: String,
        #[serde(default)]
        from: u32,
        count: u32,
        #[serde(with = "time::serde::rfc3339")]
        received: OffsetDateTime,
    },
    /// Fills an inbox with mails of 13 kB on average.
    FillBench {
        user: String,
        count: u32,
    },
    /// Makes the three mailboxes of the demo with `count` mails in all. Answers with the mailboxes.
    FillBureau {
        count: usize,
        seed: u64,
        #[serde(with = "time::serde::rfc3339")]
        until: OffsetDateTime,
    },
    /// Lets a customer of one of the three mailboxes write once more. Answers with the subject and the identity.
    CustomerWrites {
        mailbox: usize,
        #[serde(with = "time::serde::rfc3339")]
        now: OffsetDateTime,
    },
    Flags {
        user: String,
        folder: String,
    },
    SetFlag {
        user: String,
        folder: String,
        uid: u32,
        flag: String,
    },
    ClearFlag {
        user: String,
        folder: String,
        uid: u32,
        flag: String,
    },
    Expunge {
        user: String,
        folder: String,
        uid: u32,
    },
    ResetUidvalidity {
        user: String,
        folder: String,
    },
    Disconnect {
        user: String,
    },
    Pause,
    Resume,
    Kill,
    Stop,
    Restart,
    /// Starts Dovecot again with another certificate: `"expired"`, `"valid"`.
    Certificate {
        kind: Certificate,
    },
    /// Switches both IMAP proxies: `"stall"`, `{"cut_after": 5000}`, `{"latency": {"secs": 0, "nanos": 80000000}}`.
    Proxy {
        mode: Mode,
    },
    /// Bytes and connections of the plain proxy.
    Traffic,
    /// Notes when the server says these words through the plain proxy; `heard` answers with the times.
    ListenFor {
        words: String,
    },
    Heard,
    SmtpFault {
        fault: Fault,
    },
    SmtpMails,
    /// When the server took each mail whose subject begins with these words, Unix milliseconds.
    SmtpTimes {
        subject: String,
    },
    /// The network is started with the first question.
    Telegram {
        ask: Ask,
    },
    /// Dovecot's log.
    Log,
}

/// Everything that runs behind the protocol.
pub struct Lab {
    plain: Proxy,
    tls: Proxy,
    smtp: SmtpSink,
    customers: Vec<Customer>,
    telegram: Option<telegram::Telegram>,
    dovecot: Dovecot,
}

impl Lab {
    /// Starts the servers. Nobody has an account yet.
    pub fn start() -> Result<Self> {
        let authority = Authority::new()?;
        let smtp = SmtpSink::start(&authority)?;
        let dovecot = Dovecot::start_with(Options::default(), authority)?;
        Ok(Self {
            plain: Proxy::start(dovecot.imap())?,
            tls: Proxy::start(dovecot.imaps())?,
            smtp,
            customers: MAILBOXES.iter().zip(1..).map(|(mailbox, seed)| Customer::new(*mailbox, seed)).collect(),
            telegram: None,
            dovecot,
        })
    }

    /// Returns where everything listens.
    pub fn endpoints(&self) -> Value {
        json!({
            "imap": self.plain.address(),
            "imaps": self.tls.address(),
            "imap_direct": self.dovecot.imap(),
            "lmtp": self.dovecot.lmtp(),
            "smtp": self.smtp.smtp(),
            "smtps": self.smtp.smtps(),
            "ca_file": self.dovecot.ca_file(),
        })
    }

    /// Carries out one command line and returns the answer.
    pub fn answer(&mut self, line: &str) -> Value {
        let request: Value = serde_json::from_str(line).unwrap_or_default();
        let id = request["id"].clone();
        let done = serde_json::from_value(request).context("Not a command").and_then(|command| self.carry_out(command));
        match done {
            Ok(value) => json!({ "id": id, "ok": value }),
            Err(error) => json!({ "id": id, "error": format!("{error:#}") }),
        }
    }

    fn carry_out(&mut self, command: Command) -> Result<Value> {
        let dovecot = &self.dovecot;
        match command {
            Command::AddUser { user, password } => {
                self.smtp.add_user(&user, &password);
                dovecot.add_user(&user, &password)?;
            }
            Command::SetPassword { user, password } => dovecot.set_password(&user, &password)?,
            Command::Deliver { user, raw } => dovecot.deliver(&user, raw.as_bytes())?,
            Command::DeliverLedger { user, from, count } => {
                let mails: Vec<Vec<u8>> = (from..from + count).map(numbered::ledger_mail).collect();
                dovecot.deliver_all(&user, mails.iter().map(Vec::as_slice))?;
            }
            Command::FillLedger { user, from, count, received } => {
                let mails = (from..from + count).map(|number| numbered::ledger_stored(number, received));
                dovecot.fill(&user, "INBOX", mails)?;
            }
            Command::FillBench { user, count } => {
                dovecot.fill(&user, "INBOX", numbered::bench_mails(count))?;
            }
            Command::FillBureau { count, seed, until } => return self.fill_bureau(count, seed, until),
            Command::CustomerWrites { mailbox, now } => return self.customer_writes(mailbox, now),
            Command::Flags { user, folder } => return Ok(json!(dovecot.flags(&user, &folder)?)),
            Command::SetFlag { user, folder, uid, flag } => dovecot.set_flag(&user, &folder, uid, &flag)?,
            Command::ClearFlag { user, folder, uid, flag } => dovecot.clear_flag(&user, &folder, uid, &flag)?,
            Command::Expunge { user, folder, uid } => dovecot.expunge(&user, &folder, uid)?,
            Command::ResetUidvalidity { user, folder } => dovecot.reset_uidvalidity(&user, &folder)?,
            Command::Disconnect { user } => dovecot.disconnect(&user)?,
            Command::Pause => dovecot.pause()?,
            Command::Resume => dovecot.resume()?,
            Command::Kill => dovecot.kill()?,
            Command::Stop => dovecot.stop()?,
            Command::Restart => dovecot.restart()?,
            Command::Certificate { kind } => dovecot.set_certificate(kind)?,
            Command::Proxy { mode } => {
                self.plain.set(mode);
                self.tls.set(mode);
            }
            Command::Traffic => {
                return Ok(json!({
                    "to_server": self.plain.bytes_to_server(),
                    "to_client": self.plain.bytes_to_client(),
                    "accepted": self.plain.accepted(),
                    "open": self.plain.open(),
                }));
            }
            Command::ListenFor { words } => self.plain.listen_for(&words),
            Command::Heard => return Ok(self.plain.heard().into_iter().map(milliseconds).collect()),
            Command::SmtpFault { fault } => self.smtp.set_fault(fault),
            Command::SmtpTimes { subject } => {
                return Ok(self.smtp.times(&subject).into_iter().map(milliseconds).collect());
            }
            Command::SmtpMails => return Ok(self.smtp.mails().iter().map(sent_mail).collect()),
            Command::Telegram { ask } => return self.telegram()?.carry_out(ask),
            Command::Log => return Ok(dovecot.log().into()),
        }
        Ok(Value::Null)
    }

    fn telegram(&mut self) -> Result<&mut telegram::Telegram> {
        if self.telegram.is_none() {
            self.telegram = Some(telegram::Telegram::start()?);
        }
        self.telegram.as_mut().context("Telegram is not running")
    }

    fn fill_bureau(&self, count: usize, seed: u64, until: OffsetDateTime) -> Result<Value> {
        let mut mailboxes = Vec::new();
        for (mailbox, number) in MAILBOXES.iter().zip(0..) {
            self.smtp.add_user(mailbox.user, PASSWORD);
            self.dovecot.add_user(mailbox.user, PASSWORD)?;
            let share = (count + number) / MAILBOXES.len();
            let letters = bureau::letters(mailbox, share, seed + number as u64, until);
            for folder in ["INBOX", "Sent"] {
                let there = letters.iter().filter(|letter| letter.folder == folder);
                self.dovecot.fill(mailbox.user, folder, there.map(|letter| letter.mail.clone()))?;
            }
            mailboxes.push(json!({
                "user": mailbox.user,
                "name": mailbox.name,
                "address": mailbox.address,
                "password": PASSWORD,
                "mails": letters.len(),
            }));
        }
        Ok(mailboxes.into())
    }

    fn customer_writes(&mut self, mailbox: usize, now: OffsetDateTime) -> Result<Value> {
        let customer = self.customers.get_mut(mailbox).context("There are three mailboxes")?;
        let letter = customer.write(now);
        self.dovecot.deliver(MAILBOXES[mailbox].user, &letter.mail.raw)?;
        Ok(json!({ "subject": letter.subject, "message_id": letter.message_id }))
    }
}

fn sent_mail(mail: &crate::smtp::Received) -> Value {
    json!({ "user": mail.user, "from": mail.from, "to": mail.to, "raw": String::from_utf8_lossy(&mail.raw) })
}

fn milliseconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1000.0
}
