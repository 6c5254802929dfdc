//! The product without Tauri, Telegram or IMAP.
//!
//! Reading order: [`model`] (nouns), [`connector`] (what an integration implements), [`ingest`] (what a listener
//! hands over becomes a stored fact), [`store`] (the only room with SQL), [`journal`] (facts with a sequence
//! number), [`engine`] (owns every task). [`secrets`], [`logbook`] and [`postgres`] stand beside the road.

pub mod clock;
pub mod connector;
pub mod ingest;
pub mod journal;
pub mod model;
pub mod postgres;
pub mod secrets;
pub mod store;
