//! A thread with a runtime of its own, for the servers that the lab plays itself.

use std::{future::Future, thread::JoinHandle};

use anyhow::{Context, Result};
use tokio_util::sync::CancellationToken;

/// Runs one future until it ends or this is dropped. Whatever the future owns is dropped with it.
pub(crate) struct Background {
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    pub(crate) fn run(name: &str, work: impl Future<Output = ()> + Send + 'static) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("Failed to start a runtime for the lab")?;
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                runtime.block_on(stopped.run_until_cancelled_owned(work));
            })
            .context("Failed to start a thread for the lab")?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}
