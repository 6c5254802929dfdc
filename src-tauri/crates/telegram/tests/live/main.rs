//! The Telegram crate against the lab's Telegram.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

mod converting;
mod desk;
mod ends;
mod hanging;
mod history;
mod holes;
mod ledger;
mod losing;
mod passing_on;
mod remote;
mod sending_files;
mod sign_in;
mod ways;
