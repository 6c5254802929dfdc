//! The watchdog: a connection that looks alive and is not.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use grammers_tl_types as tl;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until, timeout},
};

use super::Pool;
use crate::error::{Result, TelegramError};

/// What the listener and the watchdog tell each other.
#[derive(Debug)]
pub(crate) struct Watch {
    started: Instant,
    /// When the other side last said anything, in milliseconds after the start.
    heard: AtomicU64,
    /// Told when the connection was found dead and has been broken.
    pub(crate) lost: Notify,
    /// Told when something happened whose news may never come.
    pub(crate) missed: Notify,
}

impl Watch {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), heard: AtomicU64::new(0), lost: Notify::new(), missed: Notify::new() }
    }

    /// Notes that the other side said something.
    pub(crate) fn heard(&self) {
        let after = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard.store(after, Ordering::Relaxed);
    }

    fn last(&self) -> Instant {
        self.started + std::time::Duration::from_millis(self.heard.load(Ordering::Relaxed))
    }
}

impl Pool {
    /// Asks for a sign of life whenever nothing was heard for a while. Breaks the connection when there is none; ends
    /// with an error when the library does not get a new one up either, or has stopped. `alive` is told of each sign.
    pub(crate) async fn keep_alive(&self, watch: &Arc<Watch>, alive: impl Fn() + Send) -> Result<()> {
        let mut silent = 0_u32;
        loop {
            let quiet = watch.last() + self.tuning.ping;
            if quiet > Instant::now() {
                tokio::select! {
                    () = self.ended.cancelled() => return Err(TelegramError::Internal("the library stopped")),
                    () = sleep_until(quiet) => {}
                }
                continue;
            }
            let ping = tl::functions::Ping { ping_id: i64::from(silent) };
            match timeout(self.tuning.pong, self.ask(&ping)).await {
                Ok(Ok(_)) => {
                    silent = 0;
                    watch.heard();
                    alive();
                }
                Ok(Err(error)) if !error.is_connection() => return Err(error),
                Ok(Err(_)) | Err(_) if silent == 0 => {
                    silent += 1;
                    tracing::warn!(target: "skrynka::telegram", "Connection does not answer, making a new one");
                    self.hang_up(self.home());
                    watch.lost.notify_one();
                }
                Ok(Err(_)) | Err(_) => return Err(TelegramError::NoAnswer(self.tuning.pong)),
            }
        }
    }
}
