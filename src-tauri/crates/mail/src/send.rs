//! Sending mail: the core's [`Submitter`] over SMTP, with its copy in the Sent folder over IMAP.

mod compose;
mod copy;

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use futures_util::future::{BoxFuture, join_all};
use skrynka_core::{
    connector::{
        BeforeEnd, ConnectorError, IncomingMessage, Outcomes, OutgoingMail, Raw, SendError, SentCopy, Submitter,
    },
    model::{Auth, Direction, Place, Trouble, TroubleCode},
};
use time::OffsetDateTime;
use tokio::sync::Semaphore;

pub use self::compose::{ComposeError, compose, is_address};
use self::copy::SentFolder;
use crate::{
    connect::access::Access,
    error::MailError,
    parse,
    smtp::{Line, Refusal},
};

/// Connections that wait for the next mail.
const KEPT: usize = 4;

/// Sends the mail of one account. Connections are kept for a while: signing in takes longer than a mail.
pub(crate) struct MailSubmitter {
    access: Access,
    idle: Mutex<Vec<(Line, Instant)>>,
    /// Connections that may be opened at the same time.
    opening: Semaphore,
    /// Bytes of a mail that the server takes; 0 where it has not said.
    takes: AtomicU64,
    /// The mailbox, while copies follow one another.
    copying: tokio::sync::Mutex<Option<SentFolder>>,
}

impl MailSubmitter {
    pub(crate) fn new(access: Access) -> Self {
        Self {
            access,
            idle: Mutex::default(),
            opening: Semaphore::new(KEPT),
            takes: AtomicU64::new(0),
            copying: tokio::sync::Mutex::default(),
        }
    }

    async fn offer(
        &self,
        mail: &OutgoingMail,
        addresses: &[String],
        before_end: &BeforeEnd<'_>,
    ) -> Result<Outcomes, SendError> {
        let raw = compose(mail, false).map_err(cannot_be)?;
        let written = |address: &String| Ok((address.clone(), compose::mail_address(address)?.to_string()));
        let to = addresses.iter().map(written).collect::<Result<Vec<_>, _>>().map_err(cannot_be)?;
        let from = compose::mail_address(&mail.from.address).map_err(cannot_be)?.to_string();
        let failed = |error: MailError| SendError::NotSent(error.into_connector(self.access.clock.now()));
        let (mut line, reused) = self.line().await.map_err(failed)?;
        let mut offered = line.offer(&from, &to, &raw, before_end).await;
        // A server may have closed a connection that waited. Each mail ends once, though: what it says then is final.
        let closed = matches!(
            &offered,
            Err(Refusal::Failed(MailError::Closed { .. } | MailError::Broken(_))
                | Refusal::Said { code: 421, ended: false, .. })
        );
        if reused && closed {
            line = self.open().await.map_err(failed)?;
            offered = line.offer(&from, &to, &raw, before_end).await;
        }
        match offered {
            Ok(outcomes) => {
                if !line.spent {
                    self.keep(line);
                }
                Ok(outcomes)
            }
            Err(refusal) => Err(self.unsent(refusal)),
        }
    }

    fn unsent(&self, refusal: Refusal) -> SendError {
        let refused =
            |detail: String| Trouble { code: TroubleCode::Refused, detail: detail.chars().take(500).collect() };
        match refusal {
            Refusal::Said { code, words, ended: _ } => SendError::NotSent(match code {
                // RFC 4954 section 6: the sign-in does not hold for sending.
                530 | 535 | 538 => {
                    let code = match self.access.settings.auth {
                        Auth::Password => TroubleCode::SignIn,
                        Auth::Xoauth2 => TroubleCode::SessionRevoked,
                    };
                    ConnectorError::SignInRequired(Trouble { code, detail: words })
                }
                500..=599 => ConnectorError::Permanent(refused(words)),
                _ => ConnectorError::Transient { why: refused(words), retry_after: None },
            }),
            Refusal::CannotTake(words) => SendError::NotSent(ConnectorError::Permanent(refused(words))),
            Refusal::Failed(error) => SendError::NotSent(error.into_connector(self.access.clock.now())),
            Refusal::Unknown(error) => SendError::Uncertain(error.trouble()),
            Refusal::HeldBack => {
                let why = Trouble { code: TroubleCode::Database, detail: "held back before its end".to_owned() };
                SendError::NotSent(ConnectorError::Transient { why, retry_after: None })
            }
        }
    }

    async fn open(&self) -> Result<Line, MailError> {
        let line = self.access.smtp().await?;
        self.takes.store(line.takes().unwrap_or(0), Ordering::Relaxed);
        tracing::debug!(target: "skrynka::email", host = self.access.settings.smtp.host, "Signed in for sending");
        Ok(line)
    }

    fn kept(&self) -> Option<Line> {
        self.idle().pop().map(|(line, _)| line)
    }

    /// The connections that have not waited for too long.
    fn idle(&self) -> MutexGuard<'_, Vec<(Line, Instant)>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, since)| since.elapsed() < self.access.tuning.kept_line);
        idle
    }

    /// A connection, and whether it had been opened before. One that is being opened ahead is waited for.
    async fn line(&self) -> Result<(Line, bool), MailError> {
        if let Some(line) = self.kept() {
            return Ok((line, true));
        }
        let _turn = self.opening.acquire().await;
        match self.kept() {
            Some(line) => Ok((line, true)),
            None => Ok((self.open().await?, false)),
        }
    }

    async fn connect(&self, mails: usize) -> Result<(), MailError> {
        let one = async || {
            let _turn = self.opening.acquire().await;
            if self.idle().len() < mails {
                self.keep(self.open().await?);
            }
            Ok(())
        };
        // Whether the sign-in is taken at all is asked once.
        one().await?;
        let missing = mails.min(KEPT).saturating_sub(self.idle().len());
        join_all((0..missing).map(|_| one())).await.into_iter().collect()
    }

    fn keep(&self, line: Line) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push((line, Instant::now()));
        }
    }
}

impl Submitter for MailSubmitter {
    fn prepare(&self, mails: usize) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Err(error) = self.connect(mails).await {
                tracing::debug!(target: "skrynka::email", error = %skrynka_core::chain(&error), "Not signed in ahead");
            }
        })
    }

    fn submit<'a>(
        &'a self,
        mail: &'a OutgoingMail,
        addresses: &'a [String],
        before_end: &'a BeforeEnd<'a>,
    ) -> BoxFuture<'a, Result<Outcomes, SendError>> {
        Box::pin(self.offer(mail, addresses, before_end))
    }

    fn takes(&self) -> Option<u64> {
        Some(self.takes.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0)
    }

    fn read(&self, mail: &OutgoingMail, place: Place, now: OffsetDateTime) -> Result<IncomingMessage, ConnectorError> {
        let raw = compose(mail, true).map_err(|error| cannot_be_connector(&error))?;
        let content = parse::content(&raw);
        Ok(IncomingMessage {
            place,
            direction: Direction::Out,
            received_at: now,
            arrived_at: now,
            seen: true,
            answered: false,
            raw: Raw::memory(raw),
            content,
        })
    }

    fn is_in_sent<'a>(&'a self, message_id: &'a str) -> BoxFuture<'a, Result<bool, ConnectorError>> {
        Box::pin(async move {
            let found = copy::is_in_sent(&self.access, message_id).await;
            found.map_err(|error| error.into_connector(self.access.clock.now()))
        })
    }

    fn keep_copy<'a>(&'a self, mail: &'a OutgoingMail) -> BoxFuture<'a, Result<SentCopy, ConnectorError>> {
        Box::pin(async move {
            let raw = compose(mail, true).map_err(|error| cannot_be_connector(&error))?;
            let mut open = self.copying.lock().await;
            let kept = copy::keep(&self.access, &mut open, (&mail.message_id, &raw)).await;
            kept.map_err(|error| error.into_connector(self.access.clock.now()))
        })
    }

    fn rest(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if let Some(open) = self.copying.lock().await.take() {
                open.close().await;
            }
        })
    }
}

fn cannot_be(error: ComposeError) -> SendError {
    SendError::NotSent(cannot_be_connector(&error))
}

fn cannot_be_connector(error: &ComposeError) -> ConnectorError {
    ConnectorError::Permanent(Trouble { code: TroubleCode::Refused, detail: skrynka_core::chain(error) })
}
