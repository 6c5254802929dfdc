//! Mail behind the core's traits: IMAP in, and everything that can be known of a letter.
//!
//! Reading order: [`MailConnector`] signs in (`connect`) and gives a listener (`listen`), which reads messages
//! (`fetch`) and hands them over (`hand_over`) parsed ([`parse`]). `send` writes mails and offers them over `smtp`.
//! [`render`] makes a letter's HTML safe to show.
//! [`providers`] and [`probe`] help to add a mailbox. `wire` and `session` speak the protocol.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a server's replies and a mail's parts are open sets: what is not named is passed over"
)]

pub mod answer;
mod clocked;
mod connect;
mod connector;
mod cursor;
mod error;
mod fetch;
mod folder;
mod hand_over;
mod listen;
mod moment;
pub mod parse;
pub mod probe;
pub mod providers;
mod remote;
pub mod render;
mod send;
mod session;
mod smtp;
mod tuning;
mod uids;
mod wire;

pub use connect::{access::Credential, tokens::Tokens};
pub use connector::MailConnector;
pub use error::{Goodbye, MailError};
pub use folder::display_name;
pub use send::{ComposeError, compose, is_address};
pub use tuning::Tuning;
