//! How long a failed attempt pauses before the next: longer each time, with jitter, never silently.

use std::time::Duration;

/// The pauses between failed attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The pause after the first failure.
    pub first: Duration,
    /// The longest pause.
    pub cap: Duration,
    /// The longest pause while the database is away: it is ours and comes back soon.
    pub database_cap: Duration,
}

impl Default for Backoff {
    /// 2 to 80 s, as chatmail does for busy servers; at most 5 s for the database.
    fn default() -> Self {
        Self { first: Duration::from_secs(2), cap: Duration::from_secs(80), database_cap: Duration::from_secs(5) }
    }
}

impl Backoff {
    /// Returns the pause after the `attempt`-th failure in a row (from 1). `random` is from 0 to 1 and moves the pause
    /// by a quarter either way, so that accounts that failed together do not return together.
    pub fn pause(&self, attempt: u32, database: bool, random: f64) -> Duration {
        let cap = if database { self.database_cap } else { self.cap };
        let doubled = self.first.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1).min(16)));
        doubled.min(cap).mul_f64(0.75 + random.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_cap() {
        let backoff = Backoff::default();
        let seconds: Vec<u64> = (1..=8).map(|attempt| backoff.pause(attempt, false, 0.5).as_secs()).collect();
        assert_eq!(seconds, [2, 4, 8, 16, 32, 64, 80, 80]);
        assert_eq!(backoff.pause(u32::MAX, true, 0.5).as_secs(), 5);
    }

    #[test]
    fn jitter_moves_a_pause_by_a_quarter() {
        let backoff = Backoff::default();
        assert_eq!(backoff.pause(1, false, 0.0), Duration::from_millis(1500));
        assert_eq!(backoff.pause(1, false, 1.0), Duration::from_millis(2500));
    }
}
