//! The product without Tauri, Telegram or IMAP.
//!
//! Reading order: [`model`] (nouns), [`connector`] (what an integration implements), [`ingest`] (what a listener
//! hands over becomes a stored fact), [`store`] (the only room with SQL), [`journal`] (facts with a sequence
//! number), [`engine`] (owns every task). [`secrets`], [`logbook`] and [`postgres`] stand beside the road, and need no
//! feature `store`.

#[cfg(feature = "store")]
pub mod adopt;
#[cfg(feature = "store")]
pub mod backup;
pub mod clock;
pub mod connector;
#[cfg(feature = "store")]
pub mod engine;
pub mod fault;
pub mod files;
#[cfg(feature = "store")]
pub mod forget;
#[cfg(feature = "store")]
pub mod ingest;
#[cfg(feature = "store")]
pub mod journal;
pub mod logbook;
pub mod model;
pub mod notices;
pub mod postgres;
pub mod profile;
pub mod secrets;
#[cfg(feature = "store")]
pub mod store;

/// Writes an error with all its causes on one line, at most 500 characters.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(500).collect()
}
