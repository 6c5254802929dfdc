//! Telegram behind the core's traits: personal accounts, live and without gaps.
//!
//! Reading order: [`TelegramConnector`] opens an account over a `pool` of connections and gives a listener (`listen`),
//! which takes the account's news in order (`updates`), fills what Telegram skipped, and hands messages over as the
//! core knows them (`convert`); and a `remote` that sends, fetches files and reads history back. [`sign_in`] makes a
//! session, [`session`] reads those of other programs. [`voice`] makes a recording one that Telegram plays.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "Telegram's updates, media and entities are open sets: what is not named is passed over"
)]

mod centres;
mod clocked;
mod connector;
mod convert;
mod error;
mod files;
mod listen;
mod peers;
mod pool;
mod remote;
pub mod session;
pub mod sign_in;
mod tuning;
mod updates;
pub mod voice;
mod waits;

pub use centres::DataCentres;
pub use connector::TelegramConnector;
pub use error::TelegramError;
pub use pool::Device;
pub use tuning::Tuning;
