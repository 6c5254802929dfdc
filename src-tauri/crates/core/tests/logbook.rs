//! The logbook with real files: what is written, what is kept out, and what a query finds.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "logbook/files.rs"]
mod files;
#[path = "logbook/index.rs"]
mod index;
#[path = "logbook/lab.rs"]
mod lab;
#[path = "logbook/query.rs"]
mod query;
#[path = "logbook/redaction.rs"]
mod redaction;
#[path = "logbook/trouble.rs"]
mod trouble;
