//! Reading messages: a range in one command, large ones in parts, and what to do about one that cannot be had.

pub(crate) mod large;
pub(crate) mod trail;

use std::{collections::HashSet, path::Path};

use time::OffsetDateTime;

use self::trail::Trail;
use crate::{
    error::{MailError, Result, is_temporary},
    hand_over::{Body, Fresh, HandOver, Source},
    session::{Session, Step},
    uids::UidSet,
    wire::reply::{Fetched, Reply},
};

/// What is needed to read messages of the selected folder and hand them over.
pub(crate) struct Reader<'a> {
    pub(crate) session: &'a mut Session,
    pub(crate) hand: &'a mut HandOver,
    pub(crate) source: &'a Source,
    pub(crate) spool: &'a Path,
    pub(crate) trail: &'a Trail,
    /// Messages the server received before this moment are passed over.
    pub(crate) since: Option<OffsetDateTime>,
}

/// How reading a range went.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The UIDs whose bytes came.
    pub(crate) came: HashSet<u32>,
    /// How many messages were handed over.
    pub(crate) handed: u64,
    /// A response could not be understood or came without bytes.
    odd: bool,
}

impl Outcome {
    /// The highest UID that came.
    pub(crate) fn last(&self) -> Option<u32> {
        self.came.iter().max().copied()
    }
}

impl Reader<'_> {
    /// Reads the listed messages and hands them over; the cursor is the caller's.
    ///
    /// A listed message that the server no longer has is passed over; one that it cannot give is handed over as
    /// unreadable; anything else is an error, so that no cursor passes it.
    pub(crate) async fn listed(&mut self, uids: &UidSet) -> Result<Outcome> {
        let suspects = uids.iter().filter(|uid| self.trail.is_suspect(self.source, *uid));
        let alone: UidSet = if self.trail.one_by_one() { uids.clone() } else { suspects.collect() };
        let together = uids.without(&alone);
        let mut outcome = if together.is_empty() { Outcome::default() } else { self.range(&together).await? };
        let missing = together.iter().filter(|uid| outcome.odd && !outcome.came.contains(uid));
        let singles: Vec<u32> = missing.chain(alone.iter()).collect();
        let mut lost = Vec::new();
        for uid in singles {
            lost.extend(self.single(uid, &mut outcome).await?.map(|why| (uid, why)));
        }
        self.keep_lost(lost, &mut outcome).await?;
        self.trail.walked();
        Ok(outcome)
    }

    /// Reads whatever stands at or above `from`: the shortest way from the server's hint to the message.
    ///
    /// Returns `None` when something odd came, so that the caller lists before it reads; no cursor is handed over.
    pub(crate) async fn from(&mut self, from: u32) -> Result<Option<Outcome>> {
        let outcome = self.range_named(&format!("{from}:*"), &UidSet::range(from, u32::MAX)).await?;
        Ok((!outcome.odd).then_some(outcome))
    }

    async fn range(&mut self, uids: &UidSet) -> Result<Outcome> {
        match self.range_named(&uids.to_string(), uids).await {
            // Some messages could not be given; which ones is found out one by one.
            Err(MailError::Refused { said, .. }) if !said.bad && !is_temporary(&said) => {
                tracing::warn!(target: "skrynka::email", code = said.code, text = said.text, "Range refused");
                Ok(Outcome { odd: true, ..Outcome::default() })
            }
            other => other,
        }
    }

    async fn range_named(&mut self, name: &str, wanted: &UidSet) -> Result<Outcome> {
        let large = self.session.tuning.large;
        let command = format!("UID FETCH {name} (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.{large}>)");
        let sent = self.session.send(&command).await?;
        let mut outcome = Outcome::default();
        let read = self.answers(&sent, wanted, &mut outcome).await;
        if let Err(error) = &read {
            let missing = wanted.iter().take(100_000).find(|uid| !outcome.came.contains(uid));
            self.trail.died(self.source, missing, error);
        }
        let big = read?;
        for fetched in big {
            self.big(fetched, &mut outcome).await?;
        }
        Ok(outcome)
    }

    /// Takes the answers as they come, so that parsing and storing go on beside the reading. Returns the messages
    /// that are too large to have come whole.
    async fn answers(&mut self, sent: &str, wanted: &UidSet, outcome: &mut Outcome) -> Result<Vec<Fetched>> {
        let silence = self.session.tuning.silence;
        let mut big = Vec::new();
        loop {
            match self.session.step(sent, "read messages", silence).await? {
                Step::Reply(Reply::Fetch(fetched)) => match self.sort(*fetched, wanted, outcome) {
                    Sorted::Whole(fresh) => self.take(fresh, outcome).await?,
                    Sorted::Big(fetched) => big.push(fetched),
                    Sorted::Nothing => {}
                },
                Step::Reply(Reply::Unreadable { uid, start }) => {
                    outcome.odd = true;
                    tracing::warn!(target: "skrynka::email", uid, start, "Response not understood");
                }
                Step::Reply(_) => {}
                Step::Done(_) => return Ok(big),
            }
        }
    }

    fn sort(&self, fetched: Fetched, wanted: &UidSet, outcome: &mut Outcome) -> Sorted {
        let Some(uid) = fetched.uid.filter(|uid| wanted.contains(*uid)) else { return Sorted::Nothing };
        let Some(size) = fetched.body.as_ref().map(Vec::len) else {
            // Marks that changed meanwhile, or a server that says NIL instead of the bytes.
            outcome.odd |= fetched.size.is_some();
            return Sorted::Nothing;
        };
        if !outcome.came.insert(uid) || self.too_old(&fetched) {
            return Sorted::Nothing;
        }
        if size >= self.session.tuning.large as usize {
            return Sorted::Big(fetched);
        }
        let Fetched { marks, received, body, .. } = fetched;
        let body = Body::Memory(body.unwrap_or_default());
        Sorted::Whole(Fresh { uid, marks: marks.unwrap_or_default(), received, body })
    }

    fn too_old(&self, fetched: &Fetched) -> bool {
        matches!((self.since, fetched.received), (Some(since), Some(received)) if received < since)
    }

    async fn take(&mut self, fresh: Fresh, outcome: &mut Outcome) -> Result<()> {
        outcome.handed += 1;
        self.hand.message(self.source, fresh).await
    }

    async fn big(&mut self, fetched: Fetched, outcome: &mut Outcome) -> Result<()> {
        let uid = fetched.uid.unwrap_or_default();
        let first = fetched.body.unwrap_or_default();
        let body = match large::read(self.session, uid, first, fetched.size, self.spool).await {
            Err(error) => {
                self.trail.died(self.source, Some(uid), &error);
                return Err(error);
            }
            Ok(None) => return Ok(()),
            Ok(Some(body)) => body,
        };
        let fresh = Fresh { uid, marks: fetched.marks.unwrap_or_default(), received: fetched.received, body };
        self.take(fresh, outcome).await
    }

    /// Asks for one message alone. Returns why it cannot be had whole; then there may be headers of it.
    async fn single(&mut self, uid: u32, outcome: &mut Outcome) -> Result<Option<Lost>> {
        if let Some(reason) = self.trail.verdict(self.source, uid) {
            return Ok(Some(Lost { reason, headers: None, refusal: None }));
        }
        let Some(reason) = self.try_single(uid, outcome).await? else { return Ok(None) };
        match self.headers(uid).await {
            Ok(headers) => Ok(Some(Lost { reason, headers: Some(headers), refusal: None })),
            Err(MailError::Refused { doing, said }) => {
                Ok(Some(Lost { reason, headers: None, refusal: Some(MailError::Refused { doing, said }) }))
            }
            Err(other) => Err(other),
        }
    }

    /// Hands over what could not be had as unreadable.
    ///
    /// # Errors
    /// When the server has refused several messages with their headers and given none: then they are not to blame.
    async fn keep_lost(&mut self, lost: Vec<(u32, Lost)>, outcome: &mut Outcome) -> Result<()> {
        let all_refused = outcome.came.is_empty() && lost.len() > 1;
        for (uid, Lost { reason, headers, refusal }) in lost {
            if let Some(refusal) = refusal.filter(|_| all_refused) {
                return Err(refusal);
            }
            tracing::warn!(target: "skrynka::email", uid, reason, "Message kept as unreadable");
            let fetched = headers.unwrap_or_default();
            let (marks, received) = (fetched.marks.unwrap_or_default(), fetched.received);
            let body = Body::Refused { kept: fetched.body.unwrap_or_default(), reason };
            outcome.came.insert(uid);
            self.take(Fresh { uid, marks, received, body }, outcome).await?;
        }
        Ok(())
    }

    /// Returns why the message could not be read, or `None` when it was read or is no longer there.
    async fn try_single(&mut self, uid: u32, outcome: &mut Outcome) -> Result<Option<String>> {
        match self.range_named(&uid.to_string(), &UidSet::range(uid, uid)).await {
            Ok(single) if single.came.contains(&uid) || !single.odd => {
                self.trail.cleared(self.source, uid);
                outcome.handed += single.handed;
                outcome.came.extend(single.came);
                Ok(None)
            }
            Ok(_) => Ok(Some("the server's answer could not be understood".to_owned())),
            Err(MailError::Refused { said, .. }) if !said.bad && !is_temporary(&said) => {
                Ok(Some(format!("the server refused to give this message: {}", said.text)))
            }
            Err(other) => Err(other),
        }
    }

    /// Asks for the headers alone.
    async fn headers(&mut self, uid: u32) -> Result<Fetched> {
        let mut found = None;
        let command = format!("UID FETCH {uid} (UID FLAGS INTERNALDATE BODY.PEEK[HEADER])");
        let each = |reply| match reply {
            Reply::Fetch(fetched) if fetched.uid == Some(uid) => found = Some(*fetched),
            _ => {}
        };
        self.session.run(&command, "read headers", each).await?;
        Ok(found.unwrap_or_default())
    }
}

/// A message that could not be had whole.
struct Lost {
    reason: String,
    headers: Option<Fetched>,
    /// The server refused the headers as well.
    refusal: Option<MailError>,
}

/// What to do with one FETCH response.
enum Sorted {
    Whole(Fresh),
    Big(Fetched),
    Nothing,
}
