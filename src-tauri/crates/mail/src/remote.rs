//! What can be asked of a mailbox beside the listener, each over a short connection of its own.

mod self_test;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use futures_util::future::BoxFuture;
use skrynka_core::{
    connector::{ConnectorError, Cursor, Holding, IncomingSender, Looked, Quota, Remote},
    model::Place,
};
use time::OffsetDateTime;
use tokio::time::sleep;

use crate::{
    connect::access::Access,
    cursor::FolderCursor,
    error::{MailError, Result},
    fetch::{Reader, trail::Trail},
    folder::display_name,
    hand_over::{HandOver, Source},
    listen::{chosen, search_date},
    session::Session,
    uids::UidSet,
};

/// The longest pause after which marks are tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// UIDs in one STORE, so that the command line stays short.
const AT_ONCE: usize = 500;

/// The mailbox, to be asked.
#[derive(Clone)]
pub(crate) struct MailRemote {
    pub(crate) access: Access,
    pub(crate) spool: PathBuf,
    pub(crate) trail: Trail,
}

impl Remote for MailRemote {
    fn mark_seen(&self, places: Vec<Place>, seen: bool) -> BoxFuture<'_, std::result::Result<(), ConnectorError>> {
        Box::pin(async move {
            let mut pause = self.access.tuning.mark_again;
            loop {
                let Err(error) = self.store_seen(&places, seen).await else { return Ok(()) };
                let detail = error.trouble().detail;
                let error = error.into_connector(self.access.clock.now());
                if pause > LONGEST_PAUSE || !matches!(error, ConnectorError::Transient { .. }) {
                    return Err(error);
                }
                tracing::info!(
                    target: "skrynka::email",
                    why = detail, seconds = pause.as_secs(), "Marks not set, trying again later"
                );
                sleep(pause.mul_f64(rand::random_range(0.75..1.25))).await;
                pause = pause.saturating_mul(4);
            }
        })
    }

    fn holdings(
        &self,
        cursors: Vec<Cursor>,
        _whole: BTreeMap<String, u32>,
    ) -> BoxFuture<'_, std::result::Result<Vec<Holding>, ConnectorError>> {
        Box::pin(async move {
            let asked = async {
                let mut session = self.session().await?;
                let found = holdings(&mut session, &cursors, &self.access.settings.folders).await;
                session.log_out().await;
                found
            };
            asked.await.map_err(|error| error.into_connector(self.access.clock.now()))
        })
    }

    fn remove_self_test(&self, mark: String) -> BoxFuture<'_, std::result::Result<Vec<String>, ConnectorError>> {
        Box::pin(async move {
            let removed = async {
                let mut session = self.session().await?;
                let removed = self_test::remove(&mut session, &mark, &self.access.settings).await;
                session.log_out().await;
                removed
            };
            removed.await.map_err(|error| error.into_connector(self.access.clock.now()))
        })
    }

    fn quota(&self) -> BoxFuture<'_, std::result::Result<Option<Quota>, ConnectorError>> {
        Box::pin(async move {
            let asked = async {
                let mut session = self.session().await?;
                let quota = session.quota().await;
                session.log_out().await;
                quota
            };
            asked.await.map_err(|error| error.into_connector(self.access.clock.now()))
        })
    }

    fn connections(&self) -> Option<u32> {
        Some(self.access.counts.of(self.access.account))
    }

    fn fetch_again(
        &self,
        places: Vec<Place>,
        inbox: IncomingSender,
    ) -> BoxFuture<'_, std::result::Result<(), ConnectorError>> {
        Box::pin(async move {
            let fetched = async {
                let mut session = self.session().await?;
                let fetched = self.hand_over(&mut session, &places, inbox).await;
                session.log_out().await;
                fetched
            };
            fetched.await.map_err(|error| error.into_connector(self.access.clock.now()))
        })
    }
}

/// Lists what stands in the folders that are read, as far down as each has been. A folder that is gone or was
/// renumbered is left to the listener.
async fn holdings(session: &mut Session, cursors: &[Cursor], own: &[String]) -> Result<Vec<Holding>> {
    let read = chosen(&session.folders().await?, own);
    let mut found = Vec::new();
    for stored in cursors.iter().filter(|stored| read.iter().any(|(mailbox, _)| *mailbox == stored.mailbox)) {
        let Some(cursor) = FolderCursor::read(&stored.state) else { continue };
        match session.examine(&stored.mailbox).await {
            Err(MailError::Refused { .. }) => continue,
            other => other?,
        }
        if !cursor.is_of(session.selected.validity) {
            continue;
        }
        let low = if cursor.done { 1 } else { cursor.low };
        // A server counts whole days by a clock of its own: the day of the beginning, and the one after it, say nothing.
        let floor = cursor.floor.and_then(|floor| OffsetDateTime::from_unix_timestamp(floor).ok());
        let since = floor.map(|floor| format!("SINCE {} ", search_date(floor + time::Duration::days(3))));
        let numbers = session.search(&format!("{}UID {low}:*", since.unwrap_or_default())).await?.clip(low, u32::MAX);
        found.push(Holding {
            mailbox: stored.mailbox.clone(),
            epoch: cursor.uidvalidity,
            name: display_name(&stored.mailbox),
            numbers: numbers.ranges().collect(),
            looked: Looked::Whole,
        });
    }
    Ok(found)
}

fn by_folder(places: &[Place]) -> BTreeMap<(String, u32), Vec<u32>> {
    let mut folders: BTreeMap<_, Vec<u32>> = BTreeMap::new();
    for place in places {
        folders.entry((place.mailbox.clone(), place.epoch)).or_default().push(place.number);
    }
    folders
}

impl MailRemote {
    async fn session(&self) -> Result<Session> {
        self.access.imap().await
    }

    /// Reads messages and waits until they are stored.
    async fn hand_over(&self, session: &mut Session, places: &[Place], inbox: IncomingSender) -> Result<()> {
        let read = chosen(&session.folders().await?, &self.access.settings.folders);
        let mut hand = HandOver::new(inbox, self.access.clock.clone(), session.tuning.group_bytes);
        for ((mailbox, epoch), uids) in by_folder(places) {
            let Some((_, role)) = read.iter().find(|(name, _)| *name == mailbox) else {
                tracing::info!(target: "skrynka::email", "Messages not read again, the folder is read no more");
                continue;
            };
            session.examine(&mailbox).await?;
            if session.selected.validity != epoch {
                tracing::info!(target: "skrynka::email", epoch, "Messages not read again, the folder was renumbered");
                continue;
            }
            let source = Source { mailbox, epoch, role: *role, own: self.access.settings.address.clone() };
            let (hand, trail, spool) = (&mut hand, &self.trail, self.spool.as_path());
            let mut reader = Reader { session: &mut *session, hand, source: &source, spool, trail, since: None };
            let is_given_up = |uid: &u32| trail.verdict(&source, *uid).is_some();
            let (given_up, uids): (Vec<u32>, Vec<u32>) = uids.into_iter().partition(is_given_up);
            reader.listed(&uids.into_iter().collect()).await?;
            // What the listener asks for no more, a person may ask for: only this connection can break over it.
            for uid in given_up {
                reader.again(uid).await?;
            }
            reader.hand.end_of(&source).await?;
        }
        hand.settle().await
    }

    async fn store_seen(&self, places: &[Place], seen: bool) -> Result<()> {
        let folders = by_folder(places);
        if folders.is_empty() {
            return Ok(());
        }
        let mut session = self.session().await?;
        let mut outcome = Ok(());
        for ((mailbox, epoch), uids) in folders {
            outcome = store(&mut session, &mailbox, epoch, &uids, seen).await;
            if outcome.is_err() {
                break;
            }
        }
        session.log_out().await;
        outcome
    }
}

async fn store(
    session: &mut crate::session::Session,
    mailbox: &str,
    epoch: u32,
    uids: &[u32],
    seen: bool,
) -> Result<()> {
    session.select_for_marks(mailbox).await?;
    if session.selected.validity != epoch {
        // These numbers name other messages by now. The listener reads the folder anew and finds them again.
        tracing::info!(target: "skrynka::email", epoch, "Marks not set, the folder was renumbered");
        return Ok(());
    }
    let sign = if seen { '+' } else { '-' };
    for some in uids.chunks(AT_ONCE) {
        let set: UidSet = some.iter().copied().collect();
        let command = format!("UID STORE {set} {sign}FLAGS.SILENT (\\Seen)");
        match session.run(&command, "set the read mark", |_| {}).await {
            // A message that went meanwhile needs no mark (RFC 9051 section 6.4.6).
            Ok(_) => {}
            Err(MailError::Refused { said, .. }) if said.code == "EXPUNGEISSUED" => {}
            Err(other) => return Err(other),
        }
    }
    Ok(())
}
