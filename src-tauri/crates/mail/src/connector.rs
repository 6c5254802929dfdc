//! The mail side of the core's traits.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::BoxFuture;
use skrynka_core::{
    clock::Clock,
    connector::{Connector, ConnectorError, Halves, IncomingMessage, Kept, Resume, Submitter},
    model::{Account, AccountId, Direction, EmailSettings, Trouble, TroubleCode},
    secrets::Secrets,
};
use time::OffsetDateTime;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use crate::{
    clocked::Clocked,
    connect::{access::Access, counted::Counts},
    error::{MailError, Result},
    fetch::trail::Trail,
    folder::INBOX,
    hand_over::{self, Body, Fresh, Role, Source},
    listen::MailListener,
    remote::MailRemote,
    send::MailSubmitter,
    tuning::Tuning,
    wire::reply::Marks,
};

/// Opens mailboxes over IMAP. One serves all accounts; it keeps nothing of an account but what a connection that
/// failed has taught.
#[derive(Debug)]
pub struct MailConnector {
    clock: Clocked,
    spool: PathBuf,
    tuning: Tuning,
    lessons: Mutex<HashMap<AccountId, Lessons>>,
    counts: Counts,
}

/// What earlier connections of an account have taught.
#[derive(Debug, Clone, Default)]
struct Lessons {
    trail: Trail,
    /// When the password was refused, while it has not been accepted since.
    refused: Option<OffsetDateTime>,
    /// Whose turn it is to make tokens anew.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl MailConnector {
    /// Makes a connector. Large messages wait in `spool` (created when needed) until they are stored.
    pub fn new(clock: Arc<dyn Clock>, spool: PathBuf, tuning: Tuning) -> Self {
        Self { clock: Clocked(clock), spool, tuning, lessons: Mutex::default(), counts: Counts::default() }
    }

    async fn open_mailbox(
        &self,
        account: AccountId,
        settings: Option<EmailSettings>,
        resume: Resume,
        secrets: Secrets,
    ) -> Result<Halves> {
        let settings = settings.ok_or(MailError::NoSettings)?;
        let access = self.access(account, settings.clone(), secrets);
        let session = access.imap().await?;
        let trail = self.lessons(account, |lessons| {
            lessons.refused = None;
            lessons.trail.clone()
        });
        let remote = MailRemote { access, spool: self.spool.clone(), trail: trail.clone() };
        let (clock, spool) = (self.clock.clone(), self.spool.clone());
        let listener = MailListener { session, settings, resume, clock, spool, trail };
        Ok((Box::new(listener), Arc::new(remote)))
    }

    fn access(&self, account: AccountId, settings: EmailSettings, secrets: Secrets) -> Access {
        let (tuning, clock) = (self.tuning.clone(), self.clock.clone());
        let turn = self.lessons(account, |lessons| Arc::clone(&lessons.turn));
        Access { account, settings, secrets, tuning, clock, counts: self.counts.clone(), turn }
    }

    /// A single refusal may be the server's own trouble; a person is asked when a second attempt, some time later,
    /// is refused as well.
    fn judge(&self, account: AccountId, error: MailError) -> ConnectorError {
        let now = self.clock.now();
        if !matches!(error, MailError::SignIn(_) | MailError::TokenRefused(_)) {
            return error.into_connector(now);
        }
        let pause = self.tuning.second_refusal;
        let first = self.lessons(account, |lessons| *lessons.refused.get_or_insert(now));
        if first < now && now - first >= pause {
            error.into_connector(now)
        } else {
            ConnectorError::Transient { why: error.trouble(), retry_after: Some(pause) }
        }
    }

    fn lessons<T>(&self, account: AccountId, with: impl FnOnce(&mut Lessons) -> T) -> T {
        let mut lessons = self.lessons.lock().unwrap_or_else(PoisonError::into_inner);
        with(lessons.entry(account).or_default())
    }
}

impl Connector for MailConnector {
    fn open(
        &self,
        account: &Account,
        resume: Resume,
        secrets: Secrets,
        stop: CancellationToken,
    ) -> BoxFuture<'_, std::result::Result<Halves, ConnectorError>> {
        let (id, settings) = (account.id, account.email.clone());
        Box::pin(async move {
            let opened = self.open_mailbox(id, settings, resume, secrets);
            // Its connection ends with the future.
            let Some(opened) = stop.run_until_cancelled(opened).await else {
                let why = Trouble { code: TroubleCode::Internal, detail: "the account was given up".to_owned() };
                return Err(ConnectorError::Transient { why, retry_after: None });
            };
            opened.map_err(|error| {
                tracing::warn!(target: "skrynka::email", why = error.trouble().detail, "Cannot open the mailbox");
                self.judge(id, error)
            })
        })
    }

    fn read_again(&self, account: &Account, kept: Kept) -> BoxFuture<'_, Option<IncomingMessage>> {
        let own = account.email.as_ref().map(|settings| settings.address.clone()).unwrap_or_default();
        Box::pin(async move {
            let Kept { place, direction, received_at, arrived_at, seen, answered, bytes } = kept;
            // What could not be read was taken for ours in the Sent folder alone.
            let role = match direction {
                Direction::Out => Role::Sent,
                Direction::In if place.mailbox == INBOX => Role::Inbox,
                Direction::In => Role::Other,
            };
            let source = Source { mailbox: place.mailbox, epoch: place.epoch, role, own };
            let marks = Marks { seen, answered };
            let fresh = Fresh { uid: place.number, marks, received: Some(received_at), body: Body::Memory(bytes) };
            spawn_blocking(move || hand_over::read(&source, fresh, arrived_at)).await.ok()
        })
    }

    fn submitter(&self, account: &Account, secrets: &Secrets) -> Option<Arc<dyn Submitter>> {
        let settings = account.email.clone()?;
        Some(Arc::new(MailSubmitter::new(self.access(account.id, settings, secrets.clone()))))
    }
}
