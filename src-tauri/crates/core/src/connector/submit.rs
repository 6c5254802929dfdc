//! How a mail goes out: what is offered to a submission server (RFC 6409), and what it says of each address.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{ConnectorError, IncomingMessage, SendError};
use crate::model::{Address, Place};

/// A mail as it is sent. Its text and names may hold anything a person types; what a header cannot hold is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingMail {
    /// Without angle brackets.
    pub message_id: String,
    /// Who sends.
    pub from: Address,
    /// To.
    pub to: Vec<Address>,
    /// Cc.
    pub cc: Vec<Address>,
    /// Bcc; only our own copy names them.
    pub bcc: Vec<Address>,
    /// The subject.
    pub subject: String,
    /// Its Date.
    pub date: OffsetDateTime,
    /// Message-IDs of what it answers, without angle brackets, oldest first.
    pub references: Vec<String>,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: Option<String>,
    /// The files that go with it.
    pub files: Vec<MailFile>,
}

impl OutgoingMail {
    /// Everybody it goes to, each address once.
    pub fn recipients(&self) -> Vec<String> {
        let mut known = std::collections::BTreeSet::new();
        let all = self.to.iter().chain(&self.cc).chain(&self.bcc);
        all.filter(|person| known.insert(person.address.to_lowercase())).map(|person| person.address.clone()).collect()
    }
}

/// A file of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailFile {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub mime: String,
    /// Shown within the HTML body under this Content-ID.
    pub content_id: Option<String>,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// What the server said of an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It takes mail for it; whether it took this mail is not known.
    Told,
    /// It took this mail for it.
    Accepted,
    /// It takes no mail for it now, and may later (4yz).
    Later {
        /// Its own words.
        reply: String,
    },
    /// It takes no mail for it (5yz).
    Refused {
        /// Its own words.
        reply: String,
    },
}

/// What the server said of each address it was asked for.
pub type Outcomes = BTreeMap<String, Outcome>;

/// Called once the server waits for the end of the data, with what it said of each address. Unless it answers true, the
/// connection is closed instead, and the mail is certainly not sent.
pub type BeforeEnd<'a> = dyn Fn(Outcomes) -> BoxFuture<'a, bool> + Send + Sync + 'a;

/// What became of the copy in the Sent folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SentCopy {
    /// It is there.
    Kept,
    /// The provider keeps one by itself.
    Provider,
    /// The mailbox has no Sent folder.
    NoFolder,
}

/// Sends mail of one account.
pub trait Submitter: Send + Sync {
    /// Opens connections for so many mails that are due soon. A failure is met again by the first mail, which tells it.
    fn prepare(&self, mails: usize) -> BoxFuture<'_, ()>;

    /// Offers a mail for some of its addresses. Returns what the server said of each; where none is
    /// [`Outcome::Accepted`], it has not taken the mail.
    fn submit<'a>(
        &'a self,
        mail: &'a OutgoingMail,
        addresses: &'a [String],
        before_end: &'a BeforeEnd<'a>,
    ) -> BoxFuture<'a, Result<Outcomes, SendError>>;

    /// Bytes of a mail that the server takes, as it said when it was last connected to (RFC 1870). Does no I/O.
    fn takes(&self) -> Option<u64>;

    /// The mail as it is stored here, at `place`. Does no I/O.
    ///
    /// # Errors
    /// Why it can be no mail.
    fn read(&self, mail: &OutgoingMail, place: Place, now: OffsetDateTime) -> Result<IncomingMessage, ConnectorError>;

    /// Tells whether the Sent folder holds a mail with this Message-ID.
    fn is_in_sent<'a>(&'a self, message_id: &'a str) -> BoxFuture<'a, Result<bool, ConnectorError>>;

    /// Puts a copy into the Sent folder unless one is there. What was opened for it stays open for the next one, until
    /// [`Submitter::rest`].
    fn keep_copy<'a>(&'a self, mail: &'a OutgoingMail) -> BoxFuture<'a, Result<SentCopy, ConnectorError>>;

    /// No copy follows for now: closes what stays open for one.
    fn rest(&self) -> BoxFuture<'_, ()>;
}
