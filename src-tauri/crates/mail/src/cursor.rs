//! How far a folder has been read: what is stored with each batch and resumed from.

use std::time::Duration;

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
    /// The server's own UIDVALIDITY where it was restored without a new one, so that `uidvalidity` is ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) restored: Option<u32>,
    /// Messages between `low` and `high` that the server has not given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    owed: Vec<Owed>,
}

/// A message that the server lists and has not given. It is asked for again on later connections, ever less often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Owed {
    uid: u32,
    tries: u32,
    /// Not before this moment, in Unix seconds.
    after: i64,
}

/// Messages of a folder that are asked for again; a server that owes more has lost its store.
const MOST_OWED: usize = 1_000;
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 3600);

impl FolderCursor {
    /// Starts a folder whose newest message is `high` (0 for an empty one).
    pub(crate) const fn start(uidvalidity: u32, high: u32, modseq: Option<u64>) -> Self {
        let low = high.saturating_add(1);
        Self {
            v: VERSION,
            uidvalidity,
            low,
            high,
            done: false,
            floor: None,
            modseq,
            known: String::new(),
            restored: None,
            owed: Vec::new(),
        }
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

    /// Notes that the server owes these messages; they are asked for again after `pause`.
    pub(crate) fn owe(&mut self, uids: impl IntoIterator<Item = u32>, now: OffsetDateTime, pause: Duration) {
        for uid in uids {
            let known = self.owed.iter().any(|owed| owed.uid == uid);
            if !known && self.owed.len() < MOST_OWED {
                self.owed.push(Owed { uid, tries: 0, after: later(now, pause) });
            }
        }
    }

    /// The owed messages whose time has come, at most `most`. Each waits twice as long before the next attempt.
    pub(crate) fn take_due(&mut self, most: usize, now: OffsetDateTime, pause: Duration) -> Vec<u32> {
        let due = self.owed.iter_mut().filter(|owed| owed.after <= now.unix_timestamp()).take(most);
        due.map(|owed| {
            owed.tries = owed.tries.saturating_add(1);
            let pause = pause.saturating_mul(1 << owed.tries.min(10)).min(LONGEST_PAUSE);
            owed.after = later(now, pause);
            owed.uid
        })
        .collect()
    }

    pub(crate) fn has_due(&self, now: OffsetDateTime) -> bool {
        self.owed.iter().any(|owed| owed.after <= now.unix_timestamp())
    }

    /// The message came after all, or is gone.
    pub(crate) fn settle(&mut self, uid: u32) {
        self.owed.retain(|owed| owed.uid != uid);
    }

    /// Whether the cursor's numbers are those of a folder of this UIDVALIDITY.
    pub(crate) fn is_of(&self, validity: u32) -> bool {
        validity > 0 && (self.uidvalidity == validity || self.restored == Some(validity))
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

fn later(now: OffsetDateTime, pause: Duration) -> i64 {
    now.unix_timestamp().saturating_add(i64::try_from(pause.as_secs()).unwrap_or(i64::MAX))
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
    fn what_the_server_owes_is_asked_for_ever_less_often_until_it_comes() {
        let start = datetime!(2026-03-01 0:00 UTC);
        let hour = Duration::from_secs(3600);
        let mut cursor = FolderCursor::start(7, 120, None);
        cursor.owe([5, 6, 5], start, hour);
        assert!(!cursor.has_due(start) && cursor.has_due(start + hour));
        assert_eq!(cursor.take_due(10, start + hour, hour), [5, 6]);
        assert!(!cursor.has_due(start + 2 * hour) && cursor.has_due(start + 3 * hour));
        let mut cursor = FolderCursor::read(&cursor.written("INBOX").state).unwrap();
        cursor.settle(5);
        assert_eq!(cursor.take_due(10, start + 3 * hour, hour), [6]);
        for _ in 0..40 {
            cursor.take_due(10, start + 10_000 * hour, hour);
        }
        assert!(cursor.has_due(start + 10_025 * hour));
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
