//! The one place where tasks are spawned: each has an owner that awaits it.

use std::{future::Future, panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use tokio::task::AbortHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A group of tasks that end together.
#[derive(Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stopping: CancellationToken,
    aborts: std::sync::Mutex<Vec<AbortHandle>>,
}

impl Tasks {
    /// Runs a future as a task of this group. A panic is logged and ends that task alone.
    pub fn spawn(&self, name: &'static str, future: impl Future<Output = ()> + Send + 'static) {
        let guarded = async move {
            if let Err(panic) = AssertUnwindSafe(future).catch_unwind().await {
                let error = panic_text(panic.as_ref());
                tracing::error!(target: "skrynka::app", task = name, error, "Task panicked");
            }
        };
        let task = self.tracker.spawn(guarded);
        let mut aborts = self.aborts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        aborts.retain(|task| !task.is_finished());
        aborts.push(task.abort_handle());
    }

    /// Is cancelled when the group is asked to end.
    pub fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Asks every task to end and waits for them; after `deadline` they are aborted, and awaited all the same, so that
    /// what they hold is really dropped.
    pub async fn shutdown(&self, deadline: Duration) {
        self.stopping.cancel();
        self.tracker.close();
        if tokio::time::timeout(deadline, self.tracker.wait()).await.is_err() {
            tracing::warn!(target: "skrynka::app", "Tasks did not end in time, aborting them");
            for task in self.aborts.lock().unwrap_or_else(std::sync::PoisonError::into_inner).drain(..) {
                task.abort();
            }
            self.tracker.wait().await;
        }
    }
}

/// Runs what waits for a disk, or computes for long, where no other task waits for it.
///
/// # Errors
/// What a panic in it said.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|error| match error.try_into_panic() {
        Ok(panic) => panic_text(panic.as_ref()).to_owned(),
        Err(error) => error.to_string(),
    })
}

/// Returns what a panic said, without what it quotes.
pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let said = panic
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    crate::logbook::unquoted(said)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use super::*;

    #[tokio::test]
    async fn a_panic_ends_one_task_alone() {
        let tasks = Tasks::default();
        let (told, heard) = tokio::sync::oneshot::channel();
        tasks.spawn("bad", async { panic!("on purpose") });
        tasks.spawn("good", async move {
            let _receiver_waits = told.send(());
        });
        heard.await.unwrap();
        tasks.shutdown(Duration::from_secs(5)).await;
    }

    #[tokio::test]
    async fn a_task_that_does_not_end_is_aborted_and_dropped() {
        struct Flag(Arc<AtomicBool>);
        impl Drop for Flag {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        let dropped = Arc::new(AtomicBool::new(false));
        let flag = Flag(dropped.clone());
        let tasks = Tasks::default();
        tasks.spawn("stuck", async move {
            let _held = flag;
            std::future::pending::<()>().await;
        });
        tasks.shutdown(Duration::ZERO).await;
        assert!(dropped.load(Ordering::SeqCst));
    }
}
