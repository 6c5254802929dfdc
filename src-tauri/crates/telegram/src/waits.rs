//! Waits that Telegram asked for. They outlive the attempt in which it did.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use skrynka_core::model::{AccountId, Trouble};
use tokio::time::Instant;

/// What Telegram wants less of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Limited {
    /// The updates that were missed.
    Updates,
    /// Lists and history.
    Errands,
    /// Comparing what is there with what is stored.
    Comparing,
}

/// A wait.
#[derive(Debug, Clone)]
pub(crate) struct Wait {
    pub(crate) until: Instant,
    pub(crate) why: Trouble,
}

/// The waits of all accounts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waits(Arc<Mutex<HashMap<(AccountId, Limited), Wait>>>);

impl Waits {
    /// Notes a wait, unless a longer one is known. Returns the longer.
    pub(crate) fn note(&self, account: AccountId, what: Limited, wait: Wait) -> Wait {
        let mut waits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = waits.entry((account, what)).or_insert_with(|| wait.clone());
        if known.until < wait.until {
            *known = wait;
        }
        known.clone()
    }

    /// What is still to be waited for.
    pub(crate) fn get(&self, account: AccountId, what: Limited) -> Option<Wait> {
        let mut waits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waits.retain(|_, wait| wait.until > Instant::now());
        waits.get(&(account, what)).cloned()
    }
}
