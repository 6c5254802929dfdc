//! The small traits that an integration implements, and what it hands over.
//!
//! A connector signs in and gives two halves that live apart: a [`Listener`] that hands over batches until it is
//! stopped, and a [`Remote`] that can be asked while the listener runs.

mod chat;
mod permit;
mod remote;
mod salt;
mod submit;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use futures_util::future::BoxFuture;
use sha2::Digest as _;
use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

pub use self::{
    chat::{Chat, ChatAuthor, ChatMessage, KnownPeer},
    permit::{Permission, Permit},
    remote::{
        AlbumError, AlbumTrouble, Fetched, FileSource, ForwardMessage, FoundPerson, History, Holding, Looked,
        PersonName, Quota, Remote, SendError, SendFile, SendText, Sent, not_offered,
    },
    salt::Salt,
    submit::{BeforeEnd, MailFile, Outcome, Outcomes, OutgoingMail, SentCopy, Submitter},
};
use crate::{
    model::{Account, AccountState, Address, AttachmentPart, ChatKey, Direction, OutgoingId, Place, Reaction, Trouble},
    secrets::Secrets,
};

/// One integration: Telegram, mail.
pub trait Connector: Send + Sync {
    /// Does the I/O of signing in. Resumes from what `resume` holds. Once `stop` is cancelled it ends soon, with an
    /// error and with every connection closed that it has opened.
    fn open(
        &self,
        account: &Account,
        resume: Resume,
        secrets: Secrets,
        stop: CancellationToken,
    ) -> BoxFuture<'_, Result<Halves, ConnectorError>>;

    /// Reads a message whose bytes are stored anew, as this version reads what arrives. No I/O. `None`: this network's
    /// messages are read anew by asking for them again.
    fn read_again(&self, account: &Account, kept: Kept) -> BoxFuture<'_, Option<IncomingMessage>> {
        let _not_used = (account, kept);
        Box::pin(async { None })
    }

    /// What sends the account's mail, whether a listener runs or not. Opens nothing yet. `None`: this network has no
    /// mail, and texts go out through [`Remote::send_text`].
    fn submitter(&self, account: &Account, secrets: &Secrets) -> Option<Arc<dyn Submitter>> {
        let _not_used = (account, secrets);
        None
    }
}

/// A stored message that is read anew.
#[derive(Debug)]
pub struct Kept {
    /// Where it stands.
    pub place: Place,
    /// Whose it was taken for.
    pub direction: Direction,
    /// When its server received it.
    pub received_at: OffsetDateTime,
    /// When it reached this computer.
    pub arrived_at: OffsetDateTime,
    /// Whether the server says it is read.
    pub seen: bool,
    /// Whether the server says it is answered.
    pub answered: bool,
    /// All of its untouched bytes.
    pub bytes: Vec<u8>,
}

/// What an open account consists of: what hands over, and what can be asked.
pub type Halves = (Box<dyn Listener>, Arc<dyn Remote>);

/// Hands over batches until it is stopped or fails.
pub trait Listener: Send {
    /// Runs until `stop` is cancelled (then `Ok`) or the connection fails.
    ///
    /// Each batch carries the cursor that follows it; the listener may go on before a batch is acknowledged, but
    /// never hands over a cursor that passes a message it has not handed over.
    fn run(
        self: Box<Self>,
        inbox: IncomingSender,
        stop: CancellationToken,
    ) -> BoxFuture<'static, Result<(), ConnectorError>>;
}

/// What the engine must do about a failure. Branch on this, never on text.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// Try again with backoff; not before `retry_after` where the server named a time.
    #[error("{}", .why.detail)]
    Transient {
        /// What happened.
        why: Trouble,
        /// The least time to wait.
        retry_after: Option<std::time::Duration>,
    },
    /// A person must sign in again; no further attempts.
    #[error("{}", .0.detail)]
    SignInRequired(Trouble),
    /// A person must correct the settings; no further attempts.
    #[error("{}", .0.detail)]
    Misconfigured(Trouble),
    /// The server set a limit until the given moment.
    #[error("{}", .why.detail)]
    Limited {
        /// When the limit ends.
        until: OffsetDateTime,
        /// What the server said.
        why: Trouble,
    },
    /// Trying again cannot help.
    #[error("{}", .0.detail)]
    Permanent(Trouble),
}

impl ConnectorError {
    /// Returns what happened.
    pub const fn trouble(&self) -> &Trouble {
        match self {
            Self::Transient { why, .. } | Self::Limited { why, .. } => why,
            Self::SignInRequired(why) | Self::Misconfigured(why) | Self::Permanent(why) => why,
        }
    }
}

/// What is stored of an account's progress: one cursor per folder or update box, and who is known.
#[derive(Debug, Clone, Default)]
pub struct Resume {
    /// The stored cursors.
    pub cursors: Vec<Cursor>,
    /// The stored peers of a chat network.
    pub peers: Vec<KnownPeer>,
    /// The highest message number stored of each chat's mailbox; a higher one on the server means a hole.
    pub latest: BTreeMap<String, u32>,
    /// The right to talk to the server. The engine has checked it before `open`.
    pub permit: Permit,
    /// What hides the names of cursors whose chats say nothing of themselves; see [`hidden_cursor`]. Mailboxes have none.
    pub salt: Option<Salt>,
}

impl Resume {
    /// Returns the cursor of `mailbox`.
    pub fn cursor(&self, mailbox: &str) -> Option<&serde_json::Value> {
        self.cursors.iter().find(|cursor| cursor.mailbox == mailbox).map(|cursor| &cursor.state)
    }
}

/// Returns the cursor of a chat of whose other side nothing is kept, however often it is met: it stands under a name that
/// only who knows the chat can find.
pub fn hidden_cursor<'c>(cursors: &'c [Cursor], salt: Option<&Salt>, mailbox: &str) -> Option<&'c serde_json::Value> {
    let name = salt?.cursor(mailbox);
    cursors.iter().find(|cursor| cursor.mailbox == name).map(|cursor| &cursor.state)
}

/// How far a mailbox has been read. The state belongs to the connector; the core only keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor {
    /// The folder or update box.
    pub mailbox: String,
    /// The connector's own words.
    pub state: serde_json::Value,
}

/// One transaction's worth of news.
#[derive(Debug, Default)]
pub struct Batch {
    /// What happened, in order.
    pub incoming: Vec<Incoming>,
    /// The cursors that are true once `incoming` is stored: mail moves at most one, a chat network its account's box
    /// and any number of channels' boxes.
    pub cursors: Vec<Cursor>,
}

/// One piece of news from the other side.
#[derive(Debug)]
pub enum Incoming {
    /// A message that is there. At a known place: a mail's marks are followed, and a chat message with a newer edit
    /// date becomes what is shown, its earlier version kept.
    Message(Box<IncomingMessage>),
    /// The server's marks of a message, read there or answered there.
    Marks {
        /// Which message.
        place: Place,
        /// Whether the server says it is read.
        seen: bool,
        /// Whether the server says it is answered.
        answered: bool,
    },
    /// The message no longer stands at this place. It stays here and is marked.
    Gone {
        /// Where it stood.
        place: Place,
    },
    /// Chat messages were deleted. They stay here and are marked.
    Deleted {
        /// In this channel; `None`: in whichever private chat or basic group the numbers belong to, which share one
        /// count and are not named.
        channel: Option<i64>,
        /// Their numbers.
        numbers: Vec<u32>,
    },
    /// The reactions a chat message has now.
    Reactions {
        /// Which message.
        place: Place,
        /// All of them.
        reactions: Vec<Reaction>,
    },
    /// This account has read a chat elsewhere.
    ReadInbox {
        /// Which chat; without a topic, all topics of a forum.
        chat: ChatKey,
        /// Up to and including this number.
        up_to: u32,
    },
    /// The other side has read what this account wrote.
    ReadOutbox {
        /// Which chat.
        chat: ChatKey,
        /// Up to and including this number.
        up_to: u32,
    },
    /// Who somebody is; put before the messages that need them.
    Peer(Box<KnownPeer>),
    /// A chat that somebody begins from here; it becomes a conversation without messages, unless it is one already.
    Chat(Box<Chat>),
    /// A text that was sent stands there now, also when the answer to sending it was lost (`updateMessageID`).
    Sent {
        /// What it was sent with.
        random_id: i64,
        /// Where it stands.
        place: Place,
    },
    /// The server took a mail of ours; put after the mail itself.
    Delivered(Delivered),
}

impl Incoming {
    /// The message, where that is what comes.
    pub fn message(&self) -> Option<&IncomingMessage> {
        match self {
            Self::Message(message) => Some(message),
            Self::Marks { .. }
            | Self::Gone { .. }
            | Self::Deleted { .. }
            | Self::Reactions { .. }
            | Self::ReadInbox { .. }
            | Self::ReadOutbox { .. }
            | Self::Peer(_)
            | Self::Chat(_)
            | Self::Sent { .. }
            | Self::Delivered(_) => None,
        }
    }
}

/// What became of a mail that a server took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Which one.
    pub outgoing: OutgoingId,
    /// What the server said of each address.
    pub outcomes: Outcomes,
    /// When those are tried again that are to be.
    pub again: Option<OffsetDateTime>,
}

/// A message with everything that is known of it.
#[derive(Debug)]
pub struct IncomingMessage {
    /// Where it stands.
    pub place: Place,
    /// Who wrote.
    pub direction: Direction,
    /// When its server received it (IMAP INTERNALDATE, Telegram `date`); messages sort by this, chat messages of one
    /// second by their number.
    pub received_at: OffsetDateTime,
    /// When it reached this computer.
    pub arrived_at: OffsetDateTime,
    /// Whether the server says it is read.
    pub seen: bool,
    /// Whether the server says it is answered.
    pub answered: bool,
    /// The untouched bytes: the mail, or the message's TL object behind its layer's number. A mail's are stored, a chat
    /// message's where not all of it can be shown.
    pub raw: Raw,
    /// What could be read of it.
    pub content: Content,
}

/// The untouched bytes of a message with their SHA-256.
#[derive(Debug)]
pub struct Raw {
    /// SHA-256 of the bytes: the message's identity when a server renumbers.
    pub sha256: [u8; 32],
    /// Their number.
    pub size: u64,
    /// Where they are.
    pub bytes: RawBytes,
}

/// Where raw bytes wait to be stored.
#[derive(Debug)]
pub enum RawBytes {
    /// In memory.
    Memory(Vec<u8>),
    /// In a temporary file that is removed when this is dropped; for large messages.
    File(TempFile),
}

/// A file that is removed when it is dropped.
#[derive(Debug)]
pub struct TempFile {
    /// Where it stands.
    pub path: PathBuf,
}

impl Raw {
    /// Takes bytes in memory.
    pub fn memory(bytes: Vec<u8>) -> Self {
        let sha256 = sha2::Sha256::digest(&bytes).into();
        Self { sha256, size: bytes.len() as u64, bytes: RawBytes::Memory(bytes) }
    }

    /// No bytes: everything is in the content.
    pub const fn empty() -> Self {
        Self { sha256: [0; 32], size: 0, bytes: RawBytes::Memory(Vec::new()) }
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        // A file that is already gone is as good as removed.
        let _gone = std::fs::remove_file(&self.path);
    }
}

/// What could be read of a message.
#[derive(Debug)]
pub enum Content {
    /// A mail.
    Letter(Box<Letter>),
    /// A chat message.
    Chat(Box<ChatMessage>),
    /// The parser could not read it: it goes to quarantine with its raw bytes, a chat message in the chat that its
    /// place names.
    Unreadable {
        /// Why, in one line.
        reason: String,
        /// Whether its bytes are all of it, so that another version of this program may read them.
        whole: bool,
    },
}

/// A mail as its parser understood it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Letter {
    /// The first From address.
    pub author: Address,
    /// To.
    pub to: Vec<Address>,
    /// Cc.
    pub cc: Vec<Address>,
    /// Where answers should go; empty means to the author.
    pub reply_to: Vec<Address>,
    /// Decoded, one line.
    pub subject: String,
    /// The plain text, or the HTML's text where there is no plain part; without NUL.
    pub text: String,
    /// Whether there is an HTML body to show.
    pub has_html: bool,
    /// The sender's own date in the sender's own offset.
    pub sent_at: Option<OffsetDateTime>,
    /// Message-ID without angle brackets.
    pub message_id: Option<String>,
    /// References and In-Reply-To without angle brackets, oldest first, no doubles.
    pub references: Vec<String>,
    /// The files, inline images included.
    pub attachments: Vec<AttachmentPart>,
}

impl Letter {
    /// Counts the files a person would call one: pictures of the HTML body are part of the text.
    pub fn file_count(&self) -> i32 {
        i32::try_from(self.attachments.iter().filter(|file| !file.inline).count()).unwrap_or(i32::MAX)
    }
}

/// The listener's end of the road: batches go in, acknowledgements come back.
#[derive(Debug, Clone)]
pub struct IncomingSender {
    batches: mpsc::Sender<Delivery>,
    status: watch::Sender<ListenerStatus>,
}

/// A batch on its way, with the way back.
#[derive(Debug)]
pub struct Delivery {
    /// What to store.
    pub batch: Batch,
    /// Told once the transaction is committed; dropped when it failed.
    pub stored: oneshot::Sender<()>,
}

/// What a listener says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerStatus {
    /// Its state.
    pub state: AccountState,
    /// When the other side last said anything at all.
    pub heard_at: Option<OffsetDateTime>,
    /// Until when the certificate is good that it showed.
    pub certificate_until: Option<OffsetDateTime>,
}

/// The engine has ended; nothing more can be handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the engine is no longer taking messages")]
pub struct Closed;

impl IncomingSender {
    /// Makes both ends. At most `capacity` batches wait; a full channel slows the listener down.
    pub fn channel(capacity: usize) -> (Self, mpsc::Receiver<Delivery>, watch::Receiver<ListenerStatus>) {
        let (batches, deliveries) = mpsc::channel(capacity);
        let begun = ListenerStatus { state: AccountState::Connecting, heard_at: None, certificate_until: None };
        let (status, watch) = watch::channel(begun);
        (Self { batches, status }, deliveries, watch)
    }

    /// Hands over a batch; waits while the channel is full. The receiver tells when it is committed.
    pub async fn send(&self, batch: Batch) -> Result<oneshot::Receiver<()>, Closed> {
        let (stored, acknowledged) = oneshot::channel();
        self.batches.send(Delivery { batch, stored }).await.map_err(|_| Closed)?;
        Ok(acknowledged)
    }

    /// Hands over a batch and waits until it is committed.
    pub async fn deliver(&self, batch: Batch) -> Result<(), Closed> {
        self.send(batch).await?.await.map_err(|_| Closed)
    }

    /// Says where the listener stands.
    pub fn state(&self, state: AccountState) {
        self.status.send_if_modified(|status| {
            let changed = status.state != state;
            status.state = state;
            changed
        });
    }

    /// Notes that the other side said something at `now`.
    pub fn heard(&self, now: OffsetDateTime) {
        self.status.send_modify(|status| status.heard_at = Some(now));
    }

    /// Notes until when the server's certificate is good.
    pub fn certificate(&self, until: OffsetDateTime) {
        self.status.send_modify(|status| status.certificate_until = Some(until));
    }
}
