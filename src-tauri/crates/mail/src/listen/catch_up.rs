//! Reading what is missing: first what is above the cursor in every folder, then what is below it, newest first.

use skrynka_core::model::AccountState;
use time::OffsetDateTime;
use tokio::time::Instant;

use super::Work;
use crate::{
    cursor::FolderCursor,
    error::{MailError, Result},
    folder::display_name,
    hand_over::Role,
    uids::UidSet,
};

impl Work {
    /// Reads everything that is missing and returns once all of it is committed.
    pub(super) async fn catch_up(&mut self) -> Result<()> {
        (self.done, self.total) = (0, 0);
        for place in 0..self.folders.len() {
            if self.visit(place).await? {
                self.total += self.folders[place].backlog.len();
                // What went goes first: a message that was moved away and back is recognised only then.
                self.reconcile(place).await?;
                self.arrivals(place).await?;
            }
        }
        let mut glanced = Instant::now();
        while let Some(place) = self.folders.iter().position(|folder| !folder.backlog.is_empty()) {
            self.report();
            if place > 0 && glanced.elapsed() >= self.session.tuning.glance {
                self.glance().await?;
                glanced = Instant::now();
            }
            if self.visit(place).await? {
                self.read_backwards(place).await?;
            } else {
                self.folders[place].backlog = UidSet::default();
            }
            if self.session.unasked.arrivals {
                self.arrivals(place).await?;
            }
        }
        self.ask_for_owed().await?;
        self.hand.settle().await
    }

    /// Selects the folder and makes its cursor fit what is there. Returns whether the folder can be read; INBOX must.
    pub(super) async fn visit(&mut self, place: usize) -> Result<bool> {
        let source = &self.folders[place].source;
        if self.session.selected.name != source.mailbox {
            match self.session.examine(&source.mailbox).await {
                Err(MailError::Refused { said, .. }) if source.role != Role::Inbox => {
                    let folder = display_name(&source.mailbox);
                    tracing::warn!(target: "skrynka::email", folder, text = said.text, "Folder cannot be opened");
                    return Ok(false);
                }
                other => other?,
            }
        }
        self.adopt(place).await?;
        Ok(true)
    }

    /// Compares UIDVALIDITY: with another one every number of the cursor is void, and the folder is read anew under
    /// its new epoch. What is here already is recognised by its content.
    async fn adopt(&mut self, place: usize) -> Result<()> {
        let validity = self.session.selected.validity;
        let cursor = self.folders[place].cursor.as_ref();
        let epoch = match cursor.filter(|cursor| validity > 0 && cursor.restored == Some(validity)) {
            Some(cursor) => cursor.uidvalidity,
            // Without a validity no number outlives the connection; this one is its own epoch.
            None if validity == 0 => self.own_epoch,
            None => validity,
        };
        let folder = &mut self.folders[place];
        if folder.source.epoch == epoch {
            return Ok(());
        }
        folder.source.epoch = epoch;
        if folder.cursor.as_ref().is_some_and(|cursor| cursor.uidvalidity != epoch) {
            let name = display_name(&folder.source.mailbox);
            tracing::warn!(target: "skrynka::email", folder = name, epoch, "Folder was renumbered by its server");
            self.forget(place);
        } else if self.is_restored(place).await? {
            let name = display_name(&self.folders[place].source.mailbox);
            tracing::warn!(target: "skrynka::email", folder = name, "Folder was put back to an earlier state");
            self.forget(place);
            self.folders[place].source.epoch = self.own_epoch;
        }
        self.list_backlog(place).await
    }

    fn forget(&mut self, place: usize) {
        let folder = &mut self.folders[place];
        folder.cursor = None;
        folder.marks.clear();
        folder.gone = UidSet::default();
    }

    /// Whether the server gives numbers anew that stand for other messages here: it was restored from a copy that is
    /// older than the cursor, and its UIDVALIDITY with it.
    async fn is_restored(&mut self, place: usize) -> Result<bool> {
        let Some(high) = self.folders[place].cursor.as_ref().map(|cursor| cursor.high) else { return Ok(false) };
        let again = self.session.selected.next.is_some_and(|next| next <= high);
        // A server that only counts UIDNEXT badly still has its newest message.
        Ok(again && self.top().await? < high)
    }

    /// Finds out what is to be read below the cursor.
    async fn list_backlog(&mut self, place: usize) -> Result<()> {
        let since = self.settings.since;
        let modseq = self.session.selected.modseq;
        let epoch = self.folders[place].source.epoch;
        let mut cursor = match self.folders[place].cursor.take() {
            Some(cursor) => cursor,
            // What arrives after this look at the top is new, whatever the listing below sees of it.
            None => FolderCursor::start(epoch, self.top().await?, modseq),
        };
        let validity = self.session.selected.validity;
        cursor.restored = Some(validity).filter(|validity| *validity > 0 && *validity != epoch);
        cursor.fit(since);
        let mut backlog = UidSet::default();
        if !cursor.done && cursor.low > 1 {
            let below = cursor.low - 1;
            let keys = since.map(|since| format!("SINCE {} ", search_date(since))).unwrap_or_default();
            backlog = self.session.search(&format!("{keys}UID 1:{below}")).await?.clip(1, below);
        }
        cursor.done |= backlog.is_empty();
        self.folders[place].backlog = backlog;
        self.store_cursor(place, cursor).await
    }

    /// The highest UID of the selected folder, 0 when it is empty.
    async fn top(&mut self) -> Result<u32> {
        if self.session.selected.exists == 0 {
            return Ok(0);
        }
        Ok(self.session.search("UID *").await?.last().unwrap_or(0))
    }

    /// Reads what stands above the cursor of the selected folder, until nothing more does.
    pub(super) async fn arrivals(&mut self, place: usize) -> Result<()> {
        loop {
            self.session.look_at_arrivals();
            let Some(cursor) = &self.folders[place].cursor else { return Ok(()) };
            let above = cursor.high.saturating_add(1);
            // `n:*` always names the last message, even one below n (RFC 9051 section 6.4.8).
            let listed = self.session.search(&format!("UID {above}:*")).await?.clip(above, u32::MAX);
            self.total += listed.len();
            let mut left = listed;
            while let (Some(first), false) = (left.first(), left.is_empty()) {
                let range: UidSet = left.iter().take(self.session.tuning.range).collect();
                let last = range.last().unwrap_or(first);
                self.announce(range.len(), first, last);
                self.read_range(place, &range, |cursor| cursor.high = last).await?;
                left = left.clip(last.saturating_add(1), u32::MAX);
                self.report();
            }
            if !self.session.unasked.arrivals {
                return Ok(());
            }
        }
    }

    pub(super) fn announce(&self, count: u64, from_uid: u32, to_uid: u32) {
        tracing::info!(target: "skrynka::email", count, from_uid, to_uid, "New mail found");
    }

    async fn read_backwards(&mut self, place: usize) -> Result<()> {
        let folder = &self.folders[place];
        let range = folder.backlog.newest(self.session.tuning.range);
        let Some(first) = range.first() else { return Ok(()) };
        let left = folder.backlog.clip(1, first.saturating_sub(1));
        let done = left.is_empty();
        self.read_range(place, &range, |cursor| (cursor.low, cursor.done) = (first, done)).await?;
        self.folders[place].backlog = left;
        Ok(())
    }

    /// Reads a range of the selected folder and moves the cursor over it.
    pub(super) async fn read_range(
        &mut self,
        place: usize,
        range: &UidSet,
        advance: impl FnOnce(&mut FolderCursor) + Send,
    ) -> Result<()> {
        let source = self.folders[place].source.clone();
        let outcome = self.reader(&source).listed(range).await?;
        self.done += range.len();
        let Some(mut cursor) = self.folders[place].cursor.take() else { return Ok(()) };
        advance(&mut cursor);
        cursor.owe(outcome.owed, self.clock.now(), self.session.tuning.owed);
        self.remember(&mut cursor, outcome.came.into_iter().collect());
        self.store_cursor(place, cursor).await
    }

    /// Hands the cursor over behind everything that was handed over.
    pub(super) async fn store_cursor(&mut self, place: usize, cursor: FolderCursor) -> Result<()> {
        let folder = &mut self.folders[place];
        let written = cursor.written(&folder.source.mailbox);
        folder.cursor = Some(cursor);
        self.hand.cursor(&folder.source, written).await
    }

    /// A look at INBOX while another folder is being read.
    async fn glance(&mut self) -> Result<()> {
        if self.visit(0).await? {
            self.arrivals(0).await?;
            self.hand.flush().await?;
        }
        Ok(())
    }

    fn report(&self) {
        self.hand.inbox().state(AccountState::CatchingUp { done: self.done.min(self.total), total: self.total });
    }
}

/// A date for SEARCH, a day early: the server compares in a time zone of its own (RFC 9051 section 6.4.4).
pub(crate) fn search_date(since: OffsetDateTime) -> String {
    let date = since.to_offset(time::UtcOffset::UTC).date();
    let date = date.previous_day().unwrap_or(date);
    let month = date.month().to_string();
    format!("{}-{}-{:04}", date.day(), month.get(..3).unwrap_or_default(), date.year().clamp(1, 9999))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_search_date_is_a_day_early_in_the_words_of_the_protocol() {
        assert_eq!(search_date(datetime!(2026-03-01 00:30 +2)), "27-Feb-2026");
        assert_eq!(search_date(datetime!(2026-11-10 12:00 UTC)), "9-Nov-2026");
    }
}
