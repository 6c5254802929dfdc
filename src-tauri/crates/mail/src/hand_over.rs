//! From bytes to batches: messages are parsed on blocking threads while the next ones are being read, and leave in
//! the order in which they came.

use std::{collections::VecDeque, sync::Mutex};

use sha2::{Digest, Sha256};
use skrynka_core::{
    connector::{Batch, Content, Cursor, Incoming, IncomingMessage, IncomingSender, Letter, Raw, RawBytes, TempFile},
    model::{Direction, Place},
};
use time::OffsetDateTime;
use tokio::{
    sync::oneshot,
    task::{JoinHandle, spawn_blocking},
};

use crate::{
    clocked::Clocked,
    error::{MailError, Result},
    parse,
    wire::reply::Marks,
};

/// Groups that are parsed at the same time as another is read.
const PARSING: usize = 2;
/// Batches that may wait for their commit before the next is handed over.
const UNCOMMITTED: usize = 16;
/// Messages, or marks and removals, in one batch.
const GROUP: usize = 500;

/// Held while a large message stands in memory to be parsed, so that there is one of them at a time.
static LARGE: Mutex<()> = Mutex::new(());

/// A message as it came from the server.
#[derive(Debug)]
pub(crate) struct Fresh {
    pub(crate) uid: u32,
    pub(crate) marks: Marks,
    pub(crate) received: Option<OffsetDateTime>,
    pub(crate) body: Body,
}

/// Its bytes.
#[derive(Debug)]
pub(crate) enum Body {
    Memory(Vec<u8>),
    File(TempFile),
    /// It could not be fetched whole; what there is of it, and why.
    Refused {
        kept: Vec<u8>,
        reason: String,
    },
}

impl Body {
    /// Bytes in memory.
    const fn len(&self) -> usize {
        match self {
            Self::Memory(bytes) | Self::Refused { kept: bytes, .. } => bytes.len(),
            Self::File(_) => 0,
        }
    }
}

/// The folder a group comes from.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) mailbox: String,
    pub(crate) epoch: u32,
    pub(crate) role: Role,
    /// The account's own address.
    pub(crate) own: String,
}

/// What a folder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Inbox,
    Sent,
    Other,
}

impl Source {
    pub(crate) fn place(&self, uid: u32) -> Place {
        Place { mailbox: self.mailbox.clone(), epoch: self.epoch, number: uid }
    }

    /// Sent mail is ours, and nothing in INBOX is: the form of a website writes in our name. In a folder that the owner
    /// chose a letter from our own address is ours, unless it is also addressed to it.
    fn direction(&self, letter: Option<&Letter>) -> Direction {
        let is_own = |address: &str| address.eq_ignore_ascii_case(&self.own);
        let from_us = letter.is_some_and(|letter| {
            is_own(&letter.author.address) && !letter.to.iter().chain(&letter.cc).any(|to| is_own(&to.address))
        });
        if self.role == Role::Sent || self.role == Role::Other && from_us { Direction::Out } else { Direction::In }
    }
}

/// A group on its way: what it will become, and the cursor that is true after it.
#[derive(Debug)]
struct Group {
    parsing: JoinHandle<Vec<Incoming>>,
    cursor: Option<Cursor>,
}

/// The end of the listener's road.
#[derive(Debug)]
pub(crate) struct HandOver {
    inbox: IncomingSender,
    clock: Clocked,
    /// The group that is being gathered, and its size in bytes.
    gathered: (Vec<Fresh>, usize),
    group_bytes: usize,
    groups: VecDeque<Group>,
    uncommitted: VecDeque<oneshot::Receiver<()>>,
}

impl HandOver {
    /// A group is parsed once it holds `group_bytes`.
    pub(crate) const fn new(inbox: IncomingSender, clock: Clocked, group_bytes: usize) -> Self {
        let gathered = (Vec::new(), 0);
        Self { inbox, clock, gathered, group_bytes, groups: VecDeque::new(), uncommitted: VecDeque::new() }
    }

    pub(crate) const fn inbox(&self) -> &IncomingSender {
        &self.inbox
    }

    /// Takes a message.
    pub(crate) async fn message(&mut self, source: &Source, fresh: Fresh) -> Result<()> {
        self.gathered.1 += fresh.body.len();
        self.gathered.0.push(fresh);
        if self.gathered.1 >= self.group_bytes || self.gathered.0.len() >= GROUP {
            self.start_group(source, None).await?;
        }
        Ok(())
    }

    /// Takes the cursor that is true once everything before it is stored.
    pub(crate) async fn cursor(&mut self, source: &Source, cursor: Cursor) -> Result<()> {
        self.start_group(source, Some(cursor)).await
    }

    /// Ends the group that is being gathered: what follows is of another folder.
    pub(crate) async fn end_of(&mut self, source: &Source) -> Result<()> {
        self.start_group(source, None).await
    }

    async fn start_group(&mut self, source: &Source, cursor: Option<Cursor>) -> Result<()> {
        while self.groups.len() >= PARSING {
            self.send_first().await?;
        }
        let (group, _) = std::mem::take(&mut self.gathered);
        let (source, arrived_at) = (source.clone(), self.clock.now());
        let parsing = spawn_blocking(move || {
            let read = |fresh| Incoming::Message(Box::new(read(&source, fresh, arrived_at)));
            group.into_iter().map(read).collect()
        });
        self.groups.push_back(Group { parsing, cursor });
        Ok(())
    }

    /// Takes marks and removals after everything that was taken before.
    pub(crate) async fn changes(&mut self, changes: Vec<Incoming>, cursor: Option<Cursor>) -> Result<()> {
        self.flush().await?;
        let mut changes = changes.into_iter();
        loop {
            let incoming: Vec<Incoming> = changes.by_ref().take(GROUP).collect();
            let last = changes.len() == 0;
            let cursors = cursor.iter().filter(|_| last).cloned().collect();
            self.send(Batch { incoming, cursors }).await?;
            if last {
                return Ok(());
            }
        }
    }

    /// Hands over everything that was taken.
    pub(crate) async fn flush(&mut self) -> Result<()> {
        while !self.groups.is_empty() {
            self.send_first().await?;
        }
        Ok(())
    }

    /// Waits until everything is committed.
    pub(crate) async fn settle(&mut self) -> Result<()> {
        self.flush().await?;
        while let Some(stored) = self.uncommitted.pop_front() {
            stored.await.map_err(|_| MailError::StoreClosed)?;
        }
        Ok(())
    }

    async fn send_first(&mut self) -> Result<()> {
        let Some(Group { parsing, cursor }) = self.groups.front_mut() else { return Ok(()) };
        // The group stays in the queue while it is awaited, so that a cancelled wait forgets nothing.
        let incoming = parsing.await.map_err(|error| MailError::Internal(error.to_string()))?;
        let cursors = cursor.take().into_iter().collect();
        self.groups.pop_front();
        self.send(Batch { incoming, cursors }).await
    }

    async fn send(&mut self, batch: Batch) -> Result<()> {
        while self.uncommitted.len() >= UNCOMMITTED {
            if let Some(stored) = self.uncommitted.pop_front() {
                stored.await.map_err(|_| MailError::StoreClosed)?;
            }
        }
        let stored = self.inbox.send(batch).await.map_err(|_| MailError::StoreClosed)?;
        self.uncommitted.push_back(stored);
        Ok(())
    }
}

/// Turns one message into what the core stores. Reads the file of a large one, so it belongs on a blocking thread.
pub(crate) fn read(source: &Source, fresh: Fresh, arrived_at: OffsetDateTime) -> IncomingMessage {
    let (raw, content) = match fresh.body {
        Body::Memory(bytes) => {
            let content = parse::content(&bytes);
            (Raw { sha256: hash(&bytes), size: bytes.len() as u64, bytes: RawBytes::Memory(bytes) }, content)
        }
        Body::File(file) => match (LARGE.lock(), std::fs::read(&file.path)) {
            (_one_at_a_time, Ok(bytes)) => {
                let content = parse::content(&bytes);
                (Raw { sha256: hash(&bytes), size: bytes.len() as u64, bytes: RawBytes::File(file) }, content)
            }
            (_, Err(error)) => refused(Vec::new(), format!("the temporary file could not be read back: {error}")),
        },
        Body::Refused { kept, reason } => refused(kept, reason),
    };
    let letter = match &content {
        Content::Letter(letter) => Some(&**letter),
        Content::Chat(_) | Content::Unreadable { .. } => None,
    };
    // Where the server gives no date, the sender's is nearer to the truth than the moment of reading.
    let sent_at = letter.and_then(|letter| letter.sent_at).filter(|sent| *sent <= arrived_at);
    IncomingMessage {
        place: source.place(fresh.uid),
        direction: source.direction(letter),
        received_at: fresh.received.or(sent_at).unwrap_or(arrived_at),
        arrived_at,
        seen: fresh.marks.seen,
        answered: fresh.marks.answered,
        raw,
        content,
    }
}

fn refused(kept: Vec<u8>, reason: String) -> (Raw, Content) {
    let raw = Raw { sha256: hash(&kept), size: kept.len() as u64, bytes: RawBytes::Memory(kept) };
    (raw, Content::Unreadable { reason, whole: false })
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use skrynka_core::model::Address;

    use super::*;

    fn letter(from: &str, to: &str) -> Letter {
        let address = |address: &str| Address { name: String::new(), address: address.to_owned() };
        Letter { author: address(from), to: vec![address(to)], ..Letter::default() }
    }

    #[test]
    fn our_own_letters_are_told_from_the_customers() {
        let source = |role| Source { mailbox: "x".to_owned(), epoch: 1, role, own: "biuro@example.org".to_owned() };
        let ours = letter("Biuro@Example.org", "klient@example.com");
        let form = letter("biuro@example.org", "biuro@example.org");
        let theirs = letter("klient@example.com", "biuro@example.org");
        assert_eq!(source(Role::Other).direction(Some(&ours)), Direction::Out);
        assert_eq!(source(Role::Inbox).direction(Some(&form)), Direction::In);
        assert_eq!(source(Role::Other).direction(Some(&form)), Direction::In);
        assert_eq!(source(Role::Inbox).direction(Some(&ours)), Direction::In);
        assert_eq!(source(Role::Inbox).direction(Some(&theirs)), Direction::In);
        assert_eq!(source(Role::Sent).direction(None), Direction::Out);
    }

    fn clock() -> Clocked {
        Clocked(std::sync::Arc::new(skrynka_core::clock::SystemClock))
    }

    #[tokio::test]
    async fn groups_leave_in_the_order_they_came_and_the_cursor_leaves_last() {
        let (sender, mut deliveries, _status) = IncomingSender::channel(64);
        let source = Source { mailbox: "INBOX".to_owned(), epoch: 1, role: Role::Inbox, own: String::new() };
        let fresh = |uid, size| Fresh {
            uid,
            marks: Marks::default(),
            received: None,
            body: Body::Memory([b"Subject: x\r\n\r\n".to_vec(), vec![b'a'; size]].concat()),
        };
        let cursor = Cursor { mailbox: "INBOX".to_owned(), state: serde_json::json!(1) };
        let mut hand = HandOver::new(sender, clock(), 1);
        for (uid, size) in [(1, 3_000_000), (2, 1), (3, 1)] {
            hand.message(&source, fresh(uid, size)).await.unwrap();
        }
        hand.cursor(&source, cursor.clone()).await.unwrap();
        hand.flush().await.unwrap();
        for uid in 1..=3 {
            let delivery = deliveries.recv().await.unwrap();
            assert_eq!(delivery.batch.cursors, []);
            let [Incoming::Message(message)] = &delivery.batch.incoming[..] else { panic!("one message") };
            assert_eq!(message.place.number, uid);
        }
        assert_eq!(deliveries.recv().await.unwrap().batch.cursors, [cursor]);
    }

    #[tokio::test]
    async fn a_batch_that_was_not_committed_stops_the_listener() {
        let (sender, mut deliveries, _status) = IncomingSender::channel(4);
        let mut hand = HandOver::new(sender, clock(), 1);
        hand.changes(Vec::new(), None).await.unwrap();
        drop(deliveries.recv().await.unwrap());
        assert!(matches!(hand.settle().await, Err(MailError::StoreClosed)));
    }
}
