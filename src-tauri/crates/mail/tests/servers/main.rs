//! The mail crate against servers: a real Dovecot, the lab's SMTP server, and a scripted one that breaks the rules.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something is not as it must be")]

mod connecting;
mod desk;
mod finding;
mod listening;
mod odd_servers;
mod probing;
mod scripted;
mod sending;
mod tokens;
