//! How many connections of each mailbox are open: servers allow few.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use skrynka_core::model::AccountId;

/// Counts the open connections of every account.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts(Arc<Mutex<HashMap<AccountId, u32>>>);

impl Counts {
    /// How many are open.
    pub(crate) fn of(&self, account: AccountId) -> u32 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&account).copied().unwrap_or_default()
    }

    /// Counts one more, as long as what is returned lives.
    pub(crate) fn one_more(&self, account: AccountId) -> Counted {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(account).or_default() += 1;
        Counted { counts: self.clone(), account }
    }
}

/// One open connection.
#[derive(Debug)]
pub(crate) struct Counted {
    counts: Counts,
    account: AccountId,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.account) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_counts_as_long_as_it_lives() {
        let counts = Counts::default();
        let now = time::OffsetDateTime::UNIX_EPOCH;
        let (one, other) = (AccountId::new(now), AccountId::new(now));
        let first = counts.one_more(one);
        let _second = counts.one_more(one);
        assert_eq!((counts.of(one), counts.of(other)), (2, 0));
        drop(first);
        assert_eq!(counts.of(one), 1);
    }
}
