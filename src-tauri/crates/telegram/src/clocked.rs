//! The given clock in a form that can be printed and kept in structs.

use std::{fmt, sync::Arc};

use skrynka_core::clock::Clock;
use time::OffsetDateTime;

/// A shared clock.
#[derive(Clone)]
pub(crate) struct Clocked(pub(crate) Arc<dyn Clock>);

impl Clocked {
    pub(crate) fn now(&self) -> OffsetDateTime {
        self.0.now()
    }
}

impl fmt::Debug for Clocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
