//! The road through the core on a real Postgres: what is handed over becomes stored fact.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should panic where it stands")]

mod adopt;
mod asking;
mod chats;
mod common;
mod completeness;
mod deadlines;
mod engine;
mod forget;
mod ingest;
mod leases;
mod legacy;
mod notices;
mod old_systems;
mod outages;
mod programs;
mod quarantine;
mod rhythm;
mod sending;
mod standing;
mod triage;
