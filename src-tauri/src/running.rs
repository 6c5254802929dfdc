//! Long jobs that can be stopped by what they work on.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

/// The jobs that run, by what they work on. Several may work on one thing; they are stopped together.
pub struct Jobs<K> {
    running: Arc<Mutex<HashMap<K, Job>>>,
}

#[derive(Clone)]
struct Job {
    stop: CancellationToken,
    users: usize,
}

/// One job, as long as it lives.
pub struct Running<K: Copy + Eq + Hash> {
    jobs: Arc<Mutex<HashMap<K, Job>>>,
    key: K,
    job: Job,
}

impl<K> Default for Jobs<K> {
    fn default() -> Self {
        Self { running: Arc::default() }
    }
}

fn lock<K>(jobs: &Mutex<HashMap<K, Job>>) -> MutexGuard<'_, HashMap<K, Job>> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K: Copy + Eq + Hash> Jobs<K> {
    /// Notes a job.
    pub fn begin(&self, key: K) -> Running<K> {
        let mut jobs = lock(&self.running);
        let job = jobs.entry(key).or_insert_with(|| Job { stop: CancellationToken::new(), users: 0 });
        job.users += 1;
        Running { jobs: self.running.clone(), key, job: job.clone() }
    }

    /// Stops what works on `key`.
    pub fn stop(&self, key: &K) {
        if let Some(job) = lock(&self.running).get(key) {
            job.stop.cancel();
        }
    }

    /// Stops everything.
    #[cfg(target_os = "linux")]
    pub fn stop_all(&self) {
        lock(&self.running).values().for_each(|job| job.stop.cancel());
    }
}

impl<K: Copy + Eq + Hash> Running<K> {
    /// Returns once somebody stops it.
    pub async fn stopped(&self) {
        self.job.stop.cancelled().await;
    }
}

impl<K: Copy + Eq + Hash> Drop for Running<K> {
    fn drop(&mut self) {
        let mut jobs = lock(&self.jobs);
        if let Some(job) = jobs.get_mut(&self.key) {
            job.users -= 1;
            if job.users == 0 {
                jobs.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn jobs_on_one_thing_are_stopped_together_and_leave_nothing() {
        let jobs = Jobs::default();
        let (one, two, other) = (jobs.begin(1), jobs.begin(1), jobs.begin(2));
        jobs.stop(&1);
        one.stopped().await;
        two.stopped().await;
        assert!(!other.job.stop.is_cancelled());
        drop((one, two));
        let again = jobs.begin(1);
        assert!(!again.job.stop.is_cancelled(), "a new job is not stopped by an old word");
    }
}
