//! The product without Tauri, Telegram or IMAP.
//!
//! Reading order: [`model`] (nouns), [`connector`] (what an integration implements), [`ingest`] (what a listener
//! hands over becomes a stored fact), [`store`] (the only room with SQL), [`journal`] (facts with a sequence
//! number), [`engine`] (owns every task). [`secrets`], [`logbook`] and [`postgres`] stand beside the road.

pub mod clock;
pub mod connector;
mod files;
pub mod logbook;
pub mod model;
pub mod profile;
pub mod secrets;
