//! Remembers across connections which message a connection died over, so that one message that always kills the
//! connection cannot keep its mailbox from ever getting past it.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{error::MailError, hand_over::Source};

/// A message is given up after this many connections that ended over it.
const STRIKES: u32 = 3;
/// After this many deaths without progress every message is asked for alone.
const DEATHS: u32 = 6;

/// The trail of one account; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trail(Arc<Mutex<Steps>>);

#[derive(Debug, Default)]
struct Steps {
    suspect: Option<Suspect>,
    deaths: u32,
}

#[derive(Debug)]
struct Suspect {
    mailbox: String,
    epoch: u32,
    uid: u32,
    strikes: u32,
    last: String,
}

impl Suspect {
    fn is(&self, source: &Source, uid: u32) -> bool {
        self.uid == uid && self.epoch == source.epoch && self.mailbox == source.mailbox
    }
}

impl Trail {
    /// Notes that the connection ended while `missing` was the first message that had not come. Only what a server
    /// does counts; a network that breaks or falls silent says nothing of the message.
    pub(crate) fn died(&self, source: &Source, missing: Option<u32>, error: &MailError) {
        let counts = matches!(error, MailError::Closed { .. } | MailError::TooLarge(_) | MailError::Protocol(_));
        let Some(uid) = missing.filter(|_| counts) else { return };
        let mut steps = self.lock();
        steps.deaths += 1;
        let strikes = steps.suspect.as_ref().filter(|suspect| suspect.is(source, uid)).map_or(0, |s| s.strikes);
        let (mailbox, epoch) = (source.mailbox.clone(), source.epoch);
        steps.suspect = Some(Suspect { mailbox, epoch, uid, strikes: strikes + 1, last: error.to_string() });
    }

    /// Whether this message is to be asked for alone.
    pub(crate) fn is_suspect(&self, source: &Source, uid: u32) -> bool {
        self.lock().suspect.as_ref().is_some_and(|suspect| suspect.is(source, uid))
    }

    /// Why this message is not asked for any more, if so.
    pub(crate) fn verdict(&self, source: &Source, uid: u32) -> Option<String> {
        let steps = self.lock();
        let suspect = steps.suspect.as_ref().filter(|suspect| suspect.is(source, uid))?;
        (suspect.strikes >= STRIKES).then(|| format!("each attempt to read it ended the connection: {}", suspect.last))
    }

    /// The message came after all.
    pub(crate) fn cleared(&self, source: &Source, uid: u32) {
        self.lock().suspect.take_if(|suspect| suspect.is(source, uid));
    }

    /// A range was read to its end.
    pub(crate) fn walked(&self) {
        *self.lock() = Steps::default();
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
    use super::*;
    use crate::hand_over::Role;

    #[test]
    fn a_message_is_given_up_only_after_it_ended_three_connections() {
        let source = Source { mailbox: "INBOX".to_owned(), epoch: 1, role: Role::Inbox, own: String::new() };
        let trail = Trail::default();
        let closed = MailError::Closed { cut: true };
        for strike in 1..=3 {
            assert!(trail.verdict(&source, 5).is_none(), "{strike}");
            trail.died(&source, Some(5), &closed);
            assert!(trail.is_suspect(&source, 5) && !trail.is_suspect(&source, 6));
        }
        assert!(trail.verdict(&source, 5).unwrap().contains("closed the connection"));
        trail.walked();
        assert!(!trail.is_suspect(&source, 5));
    }

    #[test]
    fn a_bad_network_blames_no_message() {
        let source = Source { mailbox: "INBOX".to_owned(), epoch: 1, role: Role::Inbox, own: String::new() };
        let trail = Trail::default();
        for _ in 0..10 {
            trail.died(&source, Some(5), &MailError::Silent(std::time::Duration::from_secs(1)));
            trail.died(&source, Some(5), &MailError::Broken(std::io::ErrorKind::ConnectionReset.into()));
        }
        assert!(!trail.is_suspect(&source, 5) && !trail.one_by_one());
    }
}
