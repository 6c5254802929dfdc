//! Telegram behind the core's traits.
