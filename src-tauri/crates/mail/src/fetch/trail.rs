//! Remembers across connections which message a connection died over, so that one message that always kills the
//! connection cannot keep its mailbox from ever getting past it.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{error::MailError, hand_over::Source, uids::UidSet};

/// A message is passed over after this many connections that ended over it.
const STRIKES: u32 = 3;
/// The same while the server gives no other message either, and may be to blame itself.
const STRIKES_OF_ALL: u32 = 12;
/// After this many deaths without progress every message is asked for alone.
const DEATHS: u32 = 6;
/// Messages that are remembered; more of them are the server's trouble.
const MOST: usize = 2_000;

/// The trail of one account; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trail(Arc<Mutex<Steps>>);

#[derive(Debug, Default)]
struct Steps {
    suspects: Vec<Suspect>,
    deaths: u32,
}

#[derive(Debug)]
struct Suspect {
    mailbox: String,
    epoch: u32,
    uid: u32,
    /// Connections that ended over it.
    strikes: u32,
    /// Connections on which it was refused.
    refusals: u32,
    last: String,
}

impl Suspect {
    fn is(&self, source: &Source, uid: u32) -> bool {
        self.uid == uid && self.stands_in(source)
    }

    fn stands_in(&self, source: &Source) -> bool {
        self.epoch == source.epoch && self.mailbox == source.mailbox
    }
}

/// How a connection ended while messages were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    /// One message was asked for, not many.
    pub(crate) alone: bool,
    /// The server stopped in the middle of a response.
    pub(crate) cut: bool,
}

impl Trail {
    /// Notes that the connection ended while `missing` was the first message that had not come. Only what a server
    /// does counts; a network that breaks or falls silent says nothing of the message, unless the server promised more
    /// bytes of this very message than it has.
    pub(crate) fn died(&self, source: &Source, missing: Option<u32>, error: &MailError, end: End) {
        let strike = match error {
            MailError::Closed { .. } | MailError::TooLarge(_) | MailError::Protocol(_) => true,
            MailError::Silent(_) if end.cut => end.alone,
            _ => return,
        };
        let Some(uid) = missing else { return };
        self.lock().deaths += 1;
        self.suspect(source, uid, (u32::from(strike), 0), error.to_string());
    }

    /// Notes that the server refused the message with its headers. Returns whether it is to be passed over now.
    /// `others` says whether the server has given other messages.
    pub(crate) fn refused(&self, source: &Source, uid: u32, why: &str, others: bool) -> bool {
        self.suspect(source, uid, (0, 1), why.to_owned()) >= if others { STRIKES } else { STRIKES_OF_ALL }
    }

    /// Returns how often the message has been refused.
    fn suspect(&self, source: &Source, uid: u32, (strikes, refusals): (u32, u32), last: String) -> u32 {
        let suspects = &mut self.lock().suspects;
        if let Some(suspect) = suspects.iter_mut().find(|suspect| suspect.is(source, uid)) {
            suspect.strikes += strikes;
            suspect.refusals += refusals;
            suspect.last = last;
            return suspect.refusals;
        }
        if suspects.len() < MOST {
            let (mailbox, epoch) = (source.mailbox.clone(), source.epoch);
            suspects.push(Suspect { mailbox, epoch, uid, strikes, refusals, last });
        }
        refusals
    }

    /// The messages that are to be asked for alone.
    pub(crate) fn suspects(&self, source: &Source) -> UidSet {
        self.lock().suspects.iter().filter(|suspect| suspect.stands_in(source)).map(|suspect| suspect.uid).collect()
    }

    /// Why this message is not asked for now, if so.
    pub(crate) fn verdict(&self, source: &Source, uid: u32) -> Option<String> {
        let steps = self.lock();
        let suspect = steps.suspects.iter().find(|suspect| suspect.is(source, uid))?;
        (suspect.strikes >= STRIKES).then(|| format!("each attempt to read it ended the connection: {}", suspect.last))
    }

    /// A range was read to its end.
    pub(crate) fn walked(&self, source: &Source, range: &UidSet) {
        let mut steps = self.lock();
        steps.suspects.retain(|suspect| !suspect.stands_in(source) || !range.contains(suspect.uid));
        steps.deaths = 0;
    }

    pub(crate) fn one_by_one(&self) -> bool {
        self.lock().deaths >= DEATHS
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Steps> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::hand_over::Role;

    const TOGETHER: End = End { alone: false, cut: false };

    fn inbox() -> Source {
        Source { mailbox: "INBOX".to_owned(), epoch: 1, role: Role::Inbox, own: String::new() }
    }

    #[test]
    fn a_message_is_passed_over_only_after_it_ended_three_connections() {
        let (source, trail) = (inbox(), Trail::default());
        let closed = MailError::Closed { cut: true };
        for strike in 1..=3 {
            assert!(trail.verdict(&source, 5).is_none(), "{strike}");
            trail.died(&source, Some(5), &closed, TOGETHER);
            assert_eq!(trail.suspects(&source).to_string(), "5");
        }
        assert!(trail.verdict(&source, 5).unwrap().contains("closed the connection"));
        trail.walked(&source, &UidSet::range(6, 9));
        assert!(trail.verdict(&source, 5).is_some());
        trail.walked(&source, &UidSet::range(1, 9));
        assert!(trail.suspects(&source).is_empty());
    }

    #[test]
    fn a_bad_network_blames_no_message() {
        let (source, trail) = (inbox(), Trail::default());
        for _ in 0..10 {
            trail.died(&source, Some(5), &MailError::Silent(Duration::from_secs(1)), TOGETHER);
            let reset = MailError::Broken(std::io::ErrorKind::ConnectionReset.into());
            trail.died(&source, Some(5), &reset, End { alone: true, cut: true });
        }
        assert!(trail.suspects(&source).is_empty() && !trail.one_by_one());
    }

    #[test]
    fn a_promise_of_more_bytes_than_come_counts_when_the_message_is_alone() {
        let (source, trail) = (inbox(), Trail::default());
        let silent = MailError::Silent(Duration::from_secs(1));
        for _ in 0..3 {
            trail.died(&source, Some(5), &silent, End { alone: false, cut: true });
        }
        assert!(trail.verdict(&source, 5).is_none() && trail.suspects(&source).contains(5));
        for _ in 0..3 {
            trail.died(&source, Some(5), &silent, End { alone: true, cut: true });
        }
        assert!(trail.verdict(&source, 5).is_some());
    }
}
