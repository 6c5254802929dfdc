//! The listener: reads what is missing, newest first, then stays and hands over what arrives.
//!
//! One connection does it all. INBOX has the line: while another folder is read, INBOX is glanced at; once
//! everything is here, the server is left in IDLE on INBOX and the other folders are looked at in between.

mod catch_up;
mod changes;
mod debts;
mod live;

pub(crate) use self::catch_up::search_date;

use std::{collections::HashMap, path::PathBuf};

use futures_util::future::BoxFuture;
use skrynka_core::{
    connector::{ConnectorError, IncomingSender, Listener, Resume},
    model::EmailSettings,
};
use tokio_util::sync::CancellationToken;

use crate::{
    clocked::Clocked,
    cursor::FolderCursor,
    error::Result,
    fetch::{Reader, trail::Trail},
    folder::{INBOX, display_name, named_folder, sent_folder},
    hand_over::{HandOver, Role, Source},
    session::Session,
    uids::UidSet,
    wire::reply::{Listed, Marks},
};

/// A signed-in listener that has not started.
pub(crate) struct MailListener {
    pub(crate) session: Session,
    pub(crate) settings: EmailSettings,
    pub(crate) resume: Resume,
    pub(crate) clock: Clocked,
    pub(crate) spool: PathBuf,
    pub(crate) trail: Trail,
}

impl Listener for MailListener {
    fn run(
        self: Box<Self>,
        inbox: IncomingSender,
        stop: CancellationToken,
    ) -> BoxFuture<'static, std::result::Result<(), ConnectorError>> {
        Box::pin(async move {
            let clock = self.clock.clone();
            let mut work = Work::new(*self, inbox);
            let outcome = tokio::select! {
                outcome = work.run() => outcome,
                () = stop.cancelled() => Ok(()),
            };
            match &outcome {
                Ok(()) => tracing::info!(target: "skrynka::email", why = "stopped", "Connection closed"),
                Err(error) => {
                    let why = error.trouble().detail;
                    tracing::warn!(target: "skrynka::email", why, "Connection closed");
                }
            }
            work.session.log_out().await;
            outcome.map_err(|error| error.into_connector(clock.now()))
        })
    }
}

/// The folders that are read, and what each holds: INBOX, the Sent folder, and what the owner chose beside them.
pub(crate) fn chosen(listed: &[Listed], own: &[String]) -> Vec<(String, Role)> {
    let sent = sent_folder(listed).map(|sent| (sent.name.clone(), Role::Sent));
    let own = own.iter().filter_map(|name| Some((named_folder(listed, name)?.name.clone(), Role::Other)));
    let mut chosen: Vec<(String, Role)> = vec![(INBOX.to_owned(), Role::Inbox)];
    for (mailbox, role) in sent.into_iter().chain(own) {
        if !chosen.iter().any(|(known, _)| *known == mailbox) {
            chosen.push((mailbox, role));
        }
    }
    chosen
}

/// A folder that is listened to.
#[derive(Debug)]
struct Folder {
    source: Source,
    cursor: Option<FolderCursor>,
    /// What is still to be read below the cursor's range.
    backlog: UidSet,
    /// The marks as last handed over, where the server cannot list changes.
    marks: HashMap<u32, Marks>,
    /// What was said to be gone on this connection; the server may name it again.
    gone: UidSet,
    /// What STATUS last said, to see whether a visit is worth it.
    glimpse: Vec<(String, u64)>,
}

/// A running listener.
struct Work {
    session: Session,
    settings: EmailSettings,
    clock: Clocked,
    spool: PathBuf,
    trail: Trail,
    hand: HandOver,
    /// INBOX first.
    folders: Vec<Folder>,
    resume: Resume,
    /// Messages handed over and known to be missing in this round of catching up.
    done: u64,
    total: u64,
    /// A change was told without the UID of its message.
    unnamed: bool,
    /// The epoch of folders whose server names none.
    own_epoch: u32,
}

impl Work {
    fn new(listener: MailListener, inbox: IncomingSender) -> Self {
        let MailListener { mut session, settings, resume, clock, spool, trail } = listener;
        session.note_words(inbox.clone(), clock.clone());
        let hand = HandOver::new(inbox, clock.clone(), session.tuning.group_bytes);
        let own_epoch = u32::try_from(clock.now().unix_timestamp()).unwrap_or(1).max(1);
        let folders = Vec::new();
        Self {
            session,
            settings,
            clock,
            spool,
            trail,
            hand,
            folders,
            resume,
            done: 0,
            total: 0,
            unnamed: false,
            own_epoch,
        }
    }

    async fn run(&mut self) -> Result<()> {
        self.session.enable_qresync().await?;
        self.choose_folders().await?;
        tracing::info!(target: "skrynka::email", folders = self.folders.len(), "Listener started");
        loop {
            self.catch_up().await?;
            self.live().await?;
        }
    }

    async fn choose_folders(&mut self) -> Result<()> {
        let listed = self.session.folders().await?;
        let chosen = chosen(&listed, &self.settings.folders);
        if !chosen.iter().any(|(_, role)| *role == Role::Sent) {
            tracing::warn!(target: "skrynka::email", "No Sent folder found");
        }
        for name in self.settings.folders.iter().filter(|name| named_folder(&listed, name).is_none()) {
            tracing::warn!(target: "skrynka::email", folder = display_name(name), "Folder does not exist");
        }
        let mut folders: Vec<Folder> = Vec::new();
        for (mailbox, role) in chosen {
            let cursor = self.resume.cursor(&mailbox).and_then(FolderCursor::read);
            let source = Source { mailbox, epoch: 0, role, own: self.settings.address.clone() };
            let (marks, gone, glimpse) = (HashMap::new(), UidSet::default(), Vec::new());
            folders.push(Folder { source, cursor, backlog: UidSet::default(), marks, gone, glimpse });
        }
        self.folders = folders;
        Ok(())
    }

    /// What reads messages of the selected folder.
    fn reader<'a>(&'a mut self, source: &'a Source) -> Reader<'a> {
        let Self { session, hand, spool, trail, settings, .. } = self;
        Reader { session, hand, source, spool, trail, since: settings.since }
    }
}
