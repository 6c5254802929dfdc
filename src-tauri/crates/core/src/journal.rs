//! Reads the journal: the truth that every window, command and desktop follows.

use std::time::Duration;

use crate::{
    model::AccountId,
    store::{JournalEntry, JournalListener, Store, StoreError, Vector, answered},
};

/// How many facts are read at a time.
const PAGE: i64 = 1000;
/// Hints can be lost with a connection; the journal is read at least this often.
const LOOK_ANYWAY: Duration = Duration::from_secs(15);
/// A database that has not told the next facts by then does not answer.
const READ_DEADLINE: Duration = Duration::from_secs(30);

/// Follows the journal from a vector on. Hints wake it; what it returns comes from the journal alone.
#[derive(Debug)]
pub struct JournalReader {
    store: Store,
    listener: Option<JournalListener>,
    /// No hint came before it was time to look anyway.
    unhinted: bool,
    vector: Vector,
    /// Only this account's facts are read.
    only: Option<AccountId>,
}

/// What the journal says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Facts in order within each account.
    Facts(Vec<JournalEntry>),
    /// Facts that this reader has not read were pruned: it must take a new snapshot. Its vector stands at the present.
    Overflowed,
}

impl JournalReader {
    /// Starts to follow from the present: listens first, then takes the vector, so nothing falls between.
    pub async fn from_now(store: Store) -> Result<Self, StoreError> {
        Self::start(store, None).await
    }

    /// As [`Self::from_now`], for the facts of one account alone; [`AccountId::BUREAU`] for those of none.
    pub async fn of(store: Store, account: AccountId) -> Result<Self, StoreError> {
        Self::start(store, Some(account)).await
    }

    async fn start(store: Store, only: Option<AccountId>) -> Result<Self, StoreError> {
        let listener = store.journal_listener().await?;
        let vector = store.journal_vector(only).await?;
        Ok(Self { store, listener: Some(listener), unhinted: false, vector, only })
    }

    /// Returns how far each account's sequence has been read.
    pub const fn vector(&self) -> &Vector {
        &self.vector
    }

    /// Waits for the next facts. Cancel-safe: a fact is passed over only once it has been returned.
    pub async fn next(&mut self) -> Result<News, StoreError> {
        loop {
            let facts = self.read().await?;
            let unhinted = std::mem::take(&mut self.unhinted);
            if !facts.is_empty() {
                if unhinted {
                    // They were announced and the hint did not come: the other end of the connection is gone.
                    self.listener = None;
                }
                return self.advance(facts).await;
            }
            if unhinted && let Some(news) = self.pruned().await? {
                return Ok(news);
            }
            self.wait().await?;
        }
    }

    async fn read(&self) -> Result<Vec<JournalEntry>, StoreError> {
        answered(READ_DEADLINE, self.store.journal_after(&self.vector, self.only, PAGE)).await
    }

    async fn present(&self) -> Result<Vector, StoreError> {
        answered(READ_DEADLINE, self.store.journal_vector(self.only)).await
    }

    async fn advance(&mut self, facts: Vec<JournalEntry>) -> Result<News, StoreError> {
        let mut vector = self.vector.clone();
        for fact in &facts {
            let seen = vector.entry(fact.account).or_insert(fact.seq - 1);
            if fact.seq != *seen + 1 {
                self.vector = self.present().await?;
                return Ok(News::Overflowed);
            }
            *seen = fact.seq;
        }
        self.vector = vector;
        Ok(News::Facts(facts))
    }

    /// What was never read and is pruned leaves no gap to be seen, only counters that are ahead.
    async fn pruned(&mut self) -> Result<Option<News>, StoreError> {
        let present = self.present().await?;
        if present.iter().all(|(account, last)| self.vector.get(account).copied().unwrap_or(0) >= *last) {
            return Ok(None);
        }
        // Or it was written between the two looks.
        let facts = self.read().await?;
        if !facts.is_empty() {
            return self.advance(facts).await.map(Some);
        }
        self.vector = present;
        Ok(Some(News::Overflowed))
    }

    async fn wait(&mut self) -> Result<(), StoreError> {
        if self.listener.is_none() {
            self.listener = Some(answered(READ_DEADLINE, self.store.journal_listener()).await?);
            return Ok(());
        }
        if let Some(listener) = &mut self.listener {
            match tokio::time::timeout(LOOK_ANYWAY, listener.wait()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(target: "skrynka::store", error = %error, "Journal listener lost");
                    self.listener = None;
                }
                Err(_) => self.unhinted = true,
            }
        }
        Ok(())
    }
}
