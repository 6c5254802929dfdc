//! Takes over the database of the web CRM that Skrynka takes the place of.
//!
//! Its tables are in any state: every row is read as JSON ([`Row`]) in one read-only snapshot, what its words mean is
//! decided here without I/O, and what cannot come over is told by name and count ([`Report`]). What came over is noted,
//! so that a run may be stopped anywhere, repeated, and bring only the difference. A message stands as the old system
//! had it until its server tells of it, and then gives way to that ([`crate::ingest`]).

mod files;
mod matching;
mod plan;
mod report;
mod row;
mod run;
mod words;

pub(crate) use self::{
    matching::{EARLIER, LATER, Trace, is_common, pair, text_key},
    words::{is_unsent, name_key, phone_key},
};
pub use self::{
    plan::{OldMailbox, OldTelegram},
    report::{Counted, Remark, Report, Thing, Why},
    row::Row,
    run::{AdoptOptions, Adoption, Phase, Progress},
};

use crate::{postgres::PostgresError, store::StoreError};

/// The old listener stored a mail on the day on which it came.
pub(crate) const MAIL_WINDOW: (time::Duration, time::Duration) = (time::Duration::hours(2), time::Duration::hours(26));
/// Chat messages were stored as they came.
pub(crate) const CHAT_WINDOW: (time::Duration, time::Duration) = (EARLIER, LATER);

/// Why nothing was taken over, or not all. What was committed stays, and the next run goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// The old database cannot be reached.
    #[error("the old database cannot be reached")]
    Connect(#[from] PostgresError),
    /// No table of the old system stands in it.
    #[error(
        "no table of the old CRM stands in this database: neither communications_conversations nor telegram_accounts \
         nor manager_smtp_accounts in any schema"
    )]
    NotTheOldSystem,
    /// The role may not read some of its tables.
    #[error("the role may not read {0}; grant it USAGE on the schema and SELECT on these tables")]
    Closed(String),
    /// The old database could not be read to its end.
    #[error("the old database could not be read; what came over so far is kept, and the next run goes on from there")]
    Reading(#[source] StoreError),
    /// The role may not change the tables whose secrets are to be emptied.
    #[error(
        "the role may not change {0}, so that nothing was emptied there; grant it UPDATE on the columns with the \
         secrets, or name a role that has it, and run this again"
    )]
    NotEmptied(String),
    /// A secret in the old database could not be emptied.
    #[error("the old database did not take a change; what is emptied stays so, and the next run goes on from there")]
    Emptying(#[source] StoreError),
    /// The folder with the files cannot be read.
    #[error("the folder with the old system's files cannot be read")]
    Folder(#[source] std::io::Error),
    /// Another program takes over an old system at this moment.
    #[error("another program is taking over an old database at this moment")]
    Busy,
    /// Somebody stopped it.
    #[error("stopped; what came over so far is kept, and the next run goes on from there")]
    Stopped,
    /// A database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
