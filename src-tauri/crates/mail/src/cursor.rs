//! How far a folder has been read: what is stored with each batch and resumed from.

use serde::{Deserialize, Serialize};
use skrynka_core::connector::Cursor;
use time::OffsetDateTime;

use crate::uids::UidSet;

const VERSION: u8 = 1;

/// A folder's progress. `low..=high` is the range of UIDs that has been handed over: what is above is new, what is
/// below is still to be read unless `done`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FolderCursor {
    v: u8,
    /// The folder's UIDVALIDITY: with another one, every number here is meaningless.
    pub(crate) uidvalidity: u32,
    /// Above `high` while nothing has been handed over.
    pub(crate) low: u32,
    pub(crate) high: u32,
    /// Everything below `low` that is wanted has been read.
    pub(crate) done: bool,
    /// The account's `since` under which what is below was read, in Unix seconds.
    pub(crate) floor: Option<i64>,
    /// Changes up to here have been handed over (RFC 7162).
    pub(crate) modseq: Option<u64>,
    /// The newest handed-over UIDs that were last seen on the server; only where the server cannot list what went.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    known: String,
}

impl FolderCursor {
    /// Starts a folder whose newest message is `high` (0 for an empty one).
    pub(crate) const fn start(uidvalidity: u32, high: u32, modseq: Option<u64>) -> Self {
        let low = high.saturating_add(1);
        Self { v: VERSION, uidvalidity, low, high, done: false, floor: None, modseq, known: String::new() }
    }

    /// Reads what was stored; `None` for another version's words, so that the folder is read anew.
    pub(crate) fn read(state: &serde_json::Value) -> Option<Self> {
        let cursor: Self = serde_json::from_value(state.clone()).ok()?;
        (cursor.v == VERSION && cursor.uidvalidity > 0 && cursor.low > 0).then_some(cursor)
    }

    /// The form that is stored.
    pub(crate) fn written(&self, mailbox: &str) -> Cursor {
        let state = serde_json::to_value(self).unwrap_or_default();
        Cursor { mailbox: mailbox.to_owned(), state }
    }

    /// Fits the cursor to the account's `since` before older messages are listed.
    ///
    /// With an earlier one than before, messages inside the range may have been passed over, so that everything is
    /// read again: what is here already is recognised. A later one holds for what is still to be read.
    pub(crate) fn fit(&mut self, since: Option<OffsetDateTime>) {
        let wanted = since.map(OffsetDateTime::unix_timestamp);
        let reaches = self.floor.is_none_or(|floor| wanted.is_some_and(|wanted| floor <= wanted));
        if !reaches {
            self.low = self.high.saturating_add(1);
            self.done = false;
        }
        if !self.done {
            self.floor = wanted;
        }
    }

    /// Everything that has been handed over.
    pub(crate) fn covered(&self) -> UidSet {
        UidSet::range(self.low, self.high)
    }

    pub(crate) fn known(&self) -> UidSet {
        self.known.parse().unwrap_or_default()
    }

    pub(crate) fn set_known(&mut self, known: &UidSet) {
        self.known = known.to_string();
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_cursor_survives_storage_and_refuses_foreign_words() {
        let mut cursor = FolderCursor::start(7, 120, Some(9));
        cursor.set_known(&UidSet::range(3, 120));
        let stored = cursor.written("INBOX");
        assert_eq!(FolderCursor::read(&stored.state), Some(cursor));
        for foreign in [serde_json::json!({}), serde_json::json!({"v": 2, "uidvalidity": 1}), serde_json::Value::Null] {
            assert_eq!(FolderCursor::read(&foreign), None);
        }
    }

    #[test]
    fn an_earlier_since_reads_a_folder_again() {
        let (march, may) = (datetime!(2026-03-01 0:00 UTC), datetime!(2026-05-01 0:00 UTC));
        let read_to = |since| {
            let mut cursor = FolderCursor::start(7, 120, None);
            cursor.fit(since);
            (cursor.low, cursor.done) = (80, true);
            cursor
        };
        for (before, after, again) in [
            (None, Some(may), false),
            (None, None, false),
            (Some(may), Some(may), false),
            (Some(march), Some(may), false),
            (Some(may), Some(march), true),
            (Some(may), None, true),
        ] {
            let mut cursor = read_to(before);
            cursor.fit(after);
            assert_eq!(
                (cursor.done, cursor.low),
                if again { (false, 121) } else { (true, 80) },
                "{before:?} {after:?}"
            );
        }
    }

    #[test]
    fn a_since_that_changed_twice_before_the_end_forgets_nothing() {
        let (march, may) = (datetime!(2026-03-01 0:00 UTC), datetime!(2026-05-01 0:00 UTC));
        let mut cursor = FolderCursor::start(7, 120, None);
        cursor.fit(Some(march));
        cursor.low = 80;
        cursor.fit(Some(may));
        cursor.low = 60;
        cursor.fit(Some(march));
        assert_eq!(cursor.low, 121, "what May passed over is wanted again");
    }
}
