//! The program as a user runs it, against real servers.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should panic where it stands")]

#[cfg(unix)]
mod adopt;
mod backup;
mod canaries;
mod chat_ledger;
mod chat_outbox;
mod command_line;
mod common;
mod forget;
mod ledger;
mod outbox;
mod report;
mod self_tests;
#[cfg(target_os = "linux")]
mod service;
mod telegram;
