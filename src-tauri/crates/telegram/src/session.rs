//! Sessions: those of other programs, our own form, and what stands in memory while an account is open.

pub mod formats;
pub(crate) mod memory;
mod secret;

pub(crate) use self::secret::Key;
pub use self::secret::{NotASession, SessionSecret};
