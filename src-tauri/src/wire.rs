//! What crosses to TypeScript: forms in, views out, events and error codes.
//!
//! Times are RFC 3339 strings in UTC, counts are `u32`, identifiers are UUID strings; 64-bit numbers never cross.
//! A test writes `ui/src/ipc/bindings.ts` from these types and fails when it is stale.

mod account;
mod adoption;
mod app;
mod checks;
mod error;
mod inbox;
mod logs;
mod monitor;
mod outbox;
mod people;
mod report;
mod telegram;
mod updates;

pub use account::*;
pub use adoption::*;
pub use app::*;
pub use checks::*;
pub use error::*;
pub use inbox::*;
pub use logs::*;
pub use monitor::*;
pub use outbox::*;
pub use people::*;
pub use report::*;
pub use telegram::*;
pub use updates::*;

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Writes a moment as RFC 3339 in UTC.
pub(crate) fn stamp(at: OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC).format(&Rfc3339).unwrap_or_default()
}

/// Brings a count to the wire; more than four billion are shown as that.
pub(crate) fn count(n: impl TryInto<u32>) -> u32 {
    n.try_into().unwrap_or(u32::MAX)
}

/// Brings a number that may be negative to the wire; what is too large or too small is shown as the last that fits.
pub(crate) fn whole(n: i64) -> i32 {
    i32::try_from(n).unwrap_or(if n < 0 { i32::MIN } else { i32::MAX })
}
