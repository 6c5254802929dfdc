//! Every time limit and size limit of the crate in one place.

use std::{num::NonZeroUsize, time::Duration};

/// Time and size limits. The defaults are for production; tests shorten them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tuning {
    /// The longest wait for the answer to a request, connecting included.
    pub request: Duration,
    /// The longest wait for a part of a file.
    pub file_part: Duration,
    /// How often the connection is checked.
    pub ping: Duration,
    /// The longest wait for the answer to such a check.
    pub pong: Duration,
    /// The pause before a request that the connection broke is asked again.
    pub again: Duration,
    /// How often it is asked again before the attempt ends.
    pub tries: u32,
    /// A wait that Telegram asks for is slept up to this length; a longer one ends the attempt until then.
    pub patience: Duration,
    /// What is slept beyond what Telegram asked for.
    pub margin: Duration,
    /// Updates that may wait to be handed over. What does not fit is asked for again.
    pub queue: NonZeroUsize,
    /// Messages asked for in one page of a chat's history.
    pub page: i32,
    /// The pause between two such pages, once Telegram has asked to wait: from then on what Telethon keeps by itself.
    pub pace: Duration,
    /// The pause between pages that are read only to compare.
    pub look: Duration,
    /// The longest wait for a connection to close.
    pub close: Duration,
    /// The longest wait for a QR code to be scanned before a new one is made.
    pub token: Duration,
    /// The size of a part of a file.
    pub part: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(20),
            file_part: Duration::from_secs(60),
            ping: Duration::from_secs(30),
            pong: Duration::from_secs(15),
            again: Duration::from_secs(1),
            tries: 2,
            patience: Duration::from_secs(60),
            margin: Duration::from_millis(500),
            queue: NonZeroUsize::MIN.saturating_add(65_535),
            page: 100,
            pace: Duration::from_secs(1),
            look: Duration::from_millis(250),
            close: Duration::from_secs(3),
            token: Duration::from_secs(25),
            part: 512 << 10,
        }
    }
}
