//! Reading messages: a range in one command, large ones in parts, and what to do about one that cannot be had.

pub(crate) mod large;
pub(crate) mod trail;

use std::{collections::HashSet, path::Path};

use time::OffsetDateTime;

use self::{
    large::Begun,
    trail::{End, Trail},
};
use crate::{
    error::{MailError, Result, is_temporary},
    hand_over::{Body, Fresh, HandOver, Source},
    session::{Session, Step},
    uids::UidSet,
    wire::reply::{Fetched, Reply},
};

/// What is asked of a message beside its bytes.
const EVERYTHING: &str = "UID FLAGS INTERNALDATE RFC822.SIZE";

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
    /// The UIDs whose bytes came, or that were handed over without them.
    pub(crate) came: HashSet<u32>,
    /// How many messages were handed over.
    pub(crate) handed: u64,
    /// Those of them that the server lists and has not given.
    pub(crate) owed: Vec<u32>,
    /// A response could not be understood or came without bytes.
    odd: bool,
}

impl Outcome {
    /// The highest UID that came.
    pub(crate) fn last(&self) -> Option<u32> {
        self.came.iter().max().copied()
    }

    fn add(&mut self, single: Self) {
        self.handed += single.handed;
        self.came.extend(single.came);
    }
}

impl Reader<'_> {
    /// Reads the listed messages and hands them over; the cursor is the caller's.
    ///
    /// A message that the server no longer lists is passed over; one that it lists and does not give is handed over
    /// as unreadable and owed; anything else is an error, so that no cursor passes it.
    pub(crate) async fn listed(&mut self, uids: &UidSet) -> Result<Outcome> {
        let suspects = self.trail.suspects(self.source);
        let alone = if self.trail.one_by_one() { uids.clone() } else { uids.without(&uids.without(&suspects)) };
        let together = uids.without(&alone);
        let mut outcome = if together.is_empty() { Outcome::default() } else { self.range(&together).await? };
        let came: UidSet = outcome.came.iter().copied().collect();
        let missing = self.still_listed(together.without(&came)).await?;
        let mut lost = Vec::new();
        for uid in missing.with(&alone).iter() {
            lost.extend(self.single(uid, &mut outcome).await?.map(|why| (uid, why)));
        }
        self.keep_lost(lost, &mut outcome).await?;
        self.trail.walked(self.source, uids);
        Ok(outcome)
    }

    /// Reads whatever stands at or above `from`: the shortest way from the server's hint to the message.
    ///
    /// Returns `None` when something odd came, or less than the `expected` number of messages, so that the caller
    /// lists before it reads; no cursor is handed over.
    pub(crate) async fn from(&mut self, from: u32, expected: u32) -> Result<Option<Outcome>> {
        let name = format!("{from}:*");
        let outcome = self.fetch(&name, EVERYTHING, &UidSet::range(from, u32::MAX)).await?;
        Ok((!outcome.odd && outcome.came.len() >= expected as usize).then_some(outcome))
    }

    /// Asks once more for a message that is owed. Returns whether it came or is gone.
    pub(crate) async fn again(&mut self, uid: u32) -> Result<bool> {
        match self.try_single(uid, &mut Outcome::default()).await {
            Ok(still_lost) => Ok(still_lost.is_none()),
            Err(MailError::Refused { .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }

    async fn range(&mut self, uids: &UidSet) -> Result<Outcome> {
        match self.fetch(&uids.to_string(), EVERYTHING, uids).await {
            // Some messages could not be given; which ones is found out one by one.
            Err(MailError::Refused { said, .. }) if !is_temporary(&said) => {
                tracing::warn!(target: "skrynka::email", code = said.code, text = said.text, "Range refused");
                Ok(Outcome { odd: true, ..Outcome::default() })
            }
            other => other,
        }
    }

    async fn fetch(&mut self, name: &str, items: &str, wanted: &UidSet) -> Result<Outcome> {
        let large = self.session.tuning.large;
        let command = format!("UID FETCH {name} ({items} BODY.PEEK[]<0.{large}>)");
        let sent = self.session.send(&command).await?;
        let mut outcome = Outcome::default();
        let read = self.answers(&sent, wanted, &mut outcome).await;
        if let Err(error) = &read {
            let missing = wanted.iter().take(100_000).find(|uid| !outcome.came.contains(uid));
            let end = End { alone: wanted.len() == 1, cut: self.session.is_cut() };
            self.trail.died(self.source, missing, error, end);
        }
        let big = read?;
        for begun in big {
            self.big(begun, &mut outcome).await?;
        }
        Ok(outcome)
    }

    /// Takes the answers as they come, so that parsing and storing go on beside the reading. Returns the messages
    /// that are too large to have come whole.
    async fn answers(&mut self, sent: &str, wanted: &UidSet, outcome: &mut Outcome) -> Result<Vec<Begun>> {
        let silence = self.session.tuning.silence;
        let mut big = Vec::new();
        loop {
            match self.session.step(sent, "read messages", silence).await? {
                Step::Reply(Reply::Fetch(fetched)) => match self.sort(*fetched, wanted, outcome) {
                    Sorted::Whole(fresh) => self.take(fresh, outcome).await?,
                    Sorted::Big(uid, fetched) => {
                        let limit = self.session.tuning.max_message;
                        big.push(large::begin(uid, *fetched, self.spool, limit).await?);
                    }
                    Sorted::Nothing => {}
                },
                Step::Reply(Reply::Unreadable { uid, length, .. }) => {
                    outcome.odd = true;
                    tracing::warn!(target: "skrynka::email", uid, length, "Response not understood");
                }
                Step::Reply(_) => {}
                Step::Done(_) => return Ok(big),
            }
        }
    }

    fn sort(&self, fetched: Fetched, wanted: &UidSet, outcome: &mut Outcome) -> Sorted {
        let Some(uid) = fetched.uid else {
            // Bytes of nobody knows which message.
            outcome.odd |= fetched.body.is_some();
            return Sorted::Nothing;
        };
        if !wanted.contains(uid) {
            return Sorted::Nothing;
        }
        let size = match fetched.body.as_ref().map(Vec::len) {
            Some(0) if fetched.size != Some(0) => None,
            size => size,
        };
        let Some(size) = size else {
            // Marks that changed meanwhile, or a server that says NIL or nothing instead of the bytes.
            let answers = fetched.size.is_some() || fetched.received.is_some() || fetched.body.is_some();
            outcome.odd |= answers || fetched.marks.is_none();
            return Sorted::Nothing;
        };
        if !outcome.came.insert(uid) || self.too_old(&fetched) {
            return Sorted::Nothing;
        }
        if size >= self.session.tuning.large as usize {
            return Sorted::Big(uid, Box::new(fetched));
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

    async fn big(&mut self, begun: Begun, outcome: &mut Outcome) -> Result<()> {
        let (uid, marks, received) = (begun.uid, begun.marks, begun.received);
        match large::finish(self.session, begun).await {
            Err(error) => {
                let end = End { alone: true, cut: self.session.is_cut() };
                self.trail.died(self.source, Some(uid), &error, end);
                Err(error)
            }
            Ok(None) => {
                outcome.came.remove(&uid);
                Ok(())
            }
            Ok(Some(body)) => self.take(Fresh { uid, marks, received, body }, outcome).await,
        }
    }

    /// Asks for one message alone. Returns why it cannot be had whole; then there may be headers of it.
    async fn single(&mut self, uid: u32, outcome: &mut Outcome) -> Result<Option<Lost>> {
        if let Some(reason) = self.trail.verdict(self.source, uid) {
            return Ok(Some(Lost { reason, headers: None, refusal: None }));
        }
        let Some(mut lost) = self.try_single(uid, outcome).await? else { return Ok(None) };
        lost.headers = match self.headers(uid).await {
            Ok(headers) => headers,
            Err(MailError::Refused { doing, said }) if !is_temporary(&said) => {
                lost.refusal = Some(MailError::Refused { doing, said });
                None
            }
            Err(other) => {
                let end = End { alone: true, cut: self.session.is_cut() };
                self.trail.died(self.source, Some(uid), &other, end);
                return Err(other);
            }
        };
        Ok(Some(lost))
    }

    /// Hands over what could not be had as unreadable.
    ///
    /// # Errors
    /// While a refusal may pass: it is believed at once only where the server gave the headers and other messages,
    /// and otherwise after several connections.
    async fn keep_lost(&mut self, mut lost: Vec<(u32, Lost)>, outcome: &mut Outcome) -> Result<()> {
        let others = !outcome.came.is_empty() || lost.len() == 1;
        let mut may_pass = None;
        for (uid, lost) in &mut lost {
            let Some(refusal) = lost.refusal.take().filter(|_| !others || lost.headers.is_none()) else { continue };
            if !self.trail.refused(self.source, *uid, &refusal.to_string(), others) {
                may_pass = Some(refusal);
            }
        }
        if let Some(refusal) = may_pass {
            return Err(refusal);
        }
        for (uid, Lost { reason, headers, .. }) in lost {
            tracing::warn!(target: "skrynka::email", uid, reason, "Message kept as unreadable");
            let fetched = headers.unwrap_or_default();
            let (marks, received) = (fetched.marks.unwrap_or_default(), fetched.received);
            let body = Body::Refused { kept: fetched.body.unwrap_or_default(), reason };
            outcome.came.insert(uid);
            outcome.owed.push(uid);
            self.take(Fresh { uid, marks, received, body }, outcome).await?;
        }
        Ok(())
    }

    /// Returns why the message could not be read, or `None` when it was read or is no longer there.
    async fn try_single(&mut self, uid: u32, outcome: &mut Outcome) -> Result<Option<Lost>> {
        let (name, one) = (uid.to_string(), UidSet::range(uid, uid));
        let mut answer = self.fetch(&name, EVERYTHING, &one).await;
        let odd = matches!(&answer, Ok(single) if single.odd && !single.came.contains(&uid));
        if odd {
            // One attribute outside the grammar must not cost the message.
            answer = self.fetch(&name, "UID", &one).await;
        }
        let lost = match answer {
            Ok(single) if single.came.contains(&uid) => {
                outcome.add(single);
                return Ok(None);
            }
            Ok(_) if odd => Lost::because("the server's answer could not be understood".to_owned()),
            Ok(_) => Lost::because("the server lists this message and gives nothing of it".to_owned()),
            Err(MailError::Refused { doing, said }) if !is_temporary(&said) => Lost {
                reason: format!("the server refused to give this message: {}", said.text),
                headers: None,
                refusal: Some(MailError::Refused { doing, said }),
            },
            Err(other) => return Err(other),
        };
        Ok(if self.still_listed(one).await?.is_empty() { None } else { Some(lost) })
    }

    /// The messages that the server lists after it has said what went.
    async fn still_listed(&mut self, uids: UidSet) -> Result<UidSet> {
        if uids.is_empty() {
            return Ok(uids);
        }
        self.session.run("NOOP", "say what went", |_| {}).await?;
        let listed = self.session.search(&format!("UID {uids}")).await?;
        Ok(uids.without(&uids.without(&listed)))
    }

    /// Asks for the headers alone; `None` when the server answers without them.
    async fn headers(&mut self, uid: u32) -> Result<Option<Fetched>> {
        let mut found = None;
        let command = format!("UID FETCH {uid} (UID FLAGS INTERNALDATE BODY.PEEK[HEADER])");
        let each = |reply| match reply {
            Reply::Fetch(fetched) if fetched.uid == Some(uid) && fetched.body.is_some() => found = Some(*fetched),
            _ => {}
        };
        self.session.run_with_bodies(&command, "read headers", each).await?;
        Ok(found)
    }
}

/// A message that could not be had whole.
struct Lost {
    reason: String,
    headers: Option<Fetched>,
    /// The server refused it.
    refusal: Option<MailError>,
}

impl Lost {
    const fn because(reason: String) -> Self {
        Self { reason, headers: None, refusal: None }
    }
}

/// What to do with one FETCH response.
enum Sorted {
    Whole(Fresh),
    Big(u32, Box<Fetched>),
    Nothing,
}
