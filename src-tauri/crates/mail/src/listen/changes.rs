//! Following what other programs do to messages that are here already: read, answered, gone.
//!
//! A server with CONDSTORE and QRESYNC lists changes (RFC 7162). From others the newest messages are listed again
//! and compared. Nothing is ever deleted here because of it; a message is said to be gone, and marked.

use skrynka_core::connector::Incoming;

use super::Work;
use crate::{
    cursor::FolderCursor,
    error::Result,
    uids::UidSet,
    wire::reply::{Marks, Reply},
};

/// Removals that are said at most in one look; a server that names more has lost count.
const MOST_GONE: usize = 100_000;

/// What a listing of changes brought.
#[derive(Debug, Default)]
struct Changes {
    marks: Vec<(u32, Marks)>,
    vanished: UidSet,
    modseq: u64,
}

impl Work {
    /// Hands over what has changed in the selected folder since the last look.
    pub(super) async fn reconcile(&mut self, place: usize) -> Result<()> {
        let Some(cursor) = self.folders[place].cursor.clone() else { return Ok(()) };
        if cursor.covered().is_empty() {
            self.session.unasked.changes = false;
            return Ok(());
        }
        match cursor.modseq {
            Some(modseq) if self.session.qresync => self.listed_changes(place, cursor, modseq).await?,
            Some(modseq) if self.session.capabilities.has("CONDSTORE") => {
                let changes = self.ask_changes(&cursor, modseq, "").await?;
                let listed = self.listing(&cursor).await?;
                self.say(place, cursor, changes, listed).await?;
            }
            _ => self.compare(place, cursor).await?,
        }
        // The answers themselves looked like changes; only what came without its UID is still to be asked for.
        self.session.unasked.changes = std::mem::take(&mut self.unnamed);
        Ok(())
    }

    async fn listed_changes(&mut self, place: usize, mut cursor: FolderCursor, modseq: u64) -> Result<()> {
        let changes = self.ask_changes(&cursor, modseq, " VANISHED").await?;
        let gone = changes.vanished.clip(cursor.low, cursor.high).without(&self.folders[place].gone);
        let gone = self.confirmed(&cursor, gone).await?;
        let unchanged = changes.marks.is_empty() && gone.is_empty() && changes.modseq <= modseq;
        cursor.modseq = Some(changes.modseq.max(modseq));
        if unchanged {
            return Ok(());
        }
        let said = self.words(place, changes.marks, &gone);
        self.folders[place].gone = self.folders[place].gone.with(&gone);
        self.hand_over_changes(place, cursor, said).await
    }

    /// `UID FETCH … (CHANGEDSINCE n [VANISHED])`.
    async fn ask_changes(&mut self, cursor: &FolderCursor, modseq: u64, vanished: &str) -> Result<Changes> {
        // A server that restored an old state knows nothing of our number; then every mark is listed.
        let known = self.session.selected.modseq.is_none_or(|highest| highest >= modseq);
        let from = if known { modseq.max(1) } else { 1 };
        let (low, high) = (cursor.low, cursor.high);
        let command = format!("UID FETCH {low}:{high} (UID FLAGS) (CHANGEDSINCE {from}{vanished})");
        let mut changes = Changes { modseq: self.session.selected.modseq.unwrap_or(0), ..Changes::default() };
        let unnamed = &mut self.unnamed;
        let each = |reply| match reply {
            // A change that happens just now may be told without its UID; the list counts as read up to before it.
            Reply::Fetch(fetched) if fetched.uid.is_none() => *unnamed = true,
            Reply::Fetch(fetched) => {
                changes.modseq = changes.modseq.max(fetched.modseq.unwrap_or(0));
                let change = fetched.uid.zip(fetched.marks).filter(|(uid, _)| (low..=high).contains(uid));
                changes.marks.extend(change);
            }
            Reply::Vanished { uids, .. } => changes.vanished = changes.vanished.with(&uids),
            _ => {}
        };
        self.session.run(&command, "list changes", each).await?;
        Ok(changes)
    }

    /// The newest handed-over messages that the server still has.
    async fn listing(&mut self, cursor: &FolderCursor) -> Result<UidSet> {
        let known = cursor.known();
        let from = known.first().unwrap_or(cursor.high);
        Ok(self.session.search(&format!("UID {from}:{}", cursor.high)).await?.clip(from, cursor.high))
    }

    /// Lists the newest messages with their marks and compares them with what was said last.
    async fn compare(&mut self, place: usize, cursor: FolderCursor) -> Result<()> {
        let from = cursor.known().first().unwrap_or(cursor.high);
        let command = format!("UID FETCH {from}:{} (UID FLAGS)", cursor.high);
        let mut found: Vec<(u32, Marks)> = Vec::new();
        let mut unread = false;
        let unnamed = &mut self.unnamed;
        let each = |reply| match reply {
            Reply::Fetch(fetched) => {
                *unnamed |= fetched.uid.is_none();
                unread |= fetched.uid.is_some() && fetched.marks.is_none();
                found.extend(fetched.uid.zip(fetched.marks));
            }
            Reply::Unreadable { .. } => unread = true,
            _ => {}
        };
        self.session.run(&command, "compare marks", each).await?;
        found.retain(|(uid, _)| (from..=cursor.high).contains(uid));
        let mut listed: UidSet = found.iter().map(|(uid, _)| *uid).collect();
        if unread {
            // Whose marks cannot be read is not gone.
            listed = listed.with(&self.listing(&cursor).await?);
        }
        let before = &mut self.folders[place].marks;
        let marks = found.into_iter().filter(|(uid, marks)| before.insert(*uid, *marks) != Some(*marks)).collect();
        before.retain(|uid, _| listed.contains(*uid));
        self.say(place, cursor, Changes { marks, ..Changes::default() }, listed).await
    }

    /// Hands over what a listing and the list of changes tell together, and reads what turned up late.
    async fn say(&mut self, place: usize, mut cursor: FolderCursor, changes: Changes, listed: UidSet) -> Result<()> {
        let known = cursor.known();
        let gone = self.confirmed(&cursor, known.without(&listed)).await?;
        // A message below the highest UID that nobody has listed before: some servers show them out of order.
        let late = if known.is_empty() { UidSet::default() } else { listed.without(&known) };
        cursor.modseq = cursor.modseq.map(|modseq| modseq.max(changes.modseq));
        if !gone.is_empty() {
            cursor.set_known(&known.without(&gone));
        }
        let said = self.words(place, changes.marks, &gone);
        if said.is_empty() && self.folders[place].cursor.as_ref() == Some(&cursor) && late.is_empty() {
            return Ok(());
        }
        self.hand_over_changes(place, cursor, said).await?;
        if late.is_empty() { Ok(()) } else { self.read_range(place, &late, |_| {}).await }
    }

    /// Removals that are many, or all, are believed only when a second listing agrees.
    async fn confirmed(&mut self, cursor: &FolderCursor, gone: UidSet) -> Result<UidSet> {
        let exists = u64::from(self.session.selected.exists);
        if gone.is_empty() || (exists > 0 && gone.len() * 5 <= exists + gone.len()) {
            return Ok(gone);
        }
        let mailbox = self.session.selected.name.clone();
        self.session.examine(&mailbox).await?;
        if self.session.selected.validity != 0
            && self.session.selected.validity != cursor.restored.unwrap_or(cursor.uidvalidity)
        {
            // Renumbered meanwhile: nothing can be said of the old numbers.
            self.session.selected.name.clear();
            return Ok(UidSet::default());
        }
        let (low, high) = (gone.first().unwrap_or(1), gone.last().unwrap_or(cursor.high));
        let still_there = self.session.search(&format!("UID {low}:{high}")).await?;
        // Re-selecting forgets that something may have arrived since the last look.
        self.session.unasked.arrivals = true;
        Ok(gone.without(&still_there))
    }

    fn words(&self, place: usize, marks: Vec<(u32, Marks)>, gone: &UidSet) -> Vec<Incoming> {
        let source = &self.folders[place].source;
        let marks = marks.into_iter().filter(|(uid, _)| !gone.contains(*uid)).map(|(uid, marks)| Incoming::Marks {
            place: source.place(uid),
            seen: marks.seen,
            answered: marks.answered,
        });
        let gone = gone.iter().rev().take(MOST_GONE).map(|uid| Incoming::Gone { place: source.place(uid) });
        marks.chain(gone).collect()
    }

    async fn hand_over_changes(&mut self, place: usize, cursor: FolderCursor, said: Vec<Incoming>) -> Result<()> {
        let folder = &mut self.folders[place];
        let written = cursor.written(&folder.source.mailbox);
        folder.cursor = Some(cursor);
        tracing::debug!(target: "skrynka::email", changes = said.len(), "Changes found");
        self.hand.changes(said, Some(written)).await
    }

    /// Notes the newest messages that were handed over, where the server cannot list what went.
    pub(super) fn remember(&self, cursor: &mut FolderCursor, came: UidSet) {
        if !self.session.qresync || cursor.modseq.is_none() {
            let known = cursor.known();
            let all: UidSet = known.iter().chain(came.iter()).collect();
            cursor.set_known(&all.newest(self.session.tuning.recent));
        }
    }
}
