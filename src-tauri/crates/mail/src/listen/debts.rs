//! Asking again for messages that the server lists and has not given. Each attempt is noted before it is made, so that
//! one that ends the connection again is not repeated on the next.

use super::Work;
use crate::{cursor::FolderCursor, error::Result};

/// Messages of one folder that are asked for in one go.
const AT_ONCE: usize = 50;

impl Work {
    /// Asks for the owed messages whose time has come. What comes takes the place of what was shown instead.
    pub(super) async fn ask_for_owed(&mut self) -> Result<()> {
        for place in 0..self.folders.len() {
            let now = self.clock.now();
            let due = self.folders[place].cursor.as_ref().is_some_and(|cursor| cursor.has_due(now));
            if !due || !self.visit(place).await? {
                continue;
            }
            let pause = self.session.tuning.owed;
            // The visit may have found the folder renumbered.
            let Some(mut cursor) = self.folders[place].cursor.clone() else { continue };
            let uids = cursor.take_due(AT_ONCE, now, pause);
            self.store_cursor(place, cursor).await?;
            self.hand.settle().await?;
            let source = self.folders[place].source.clone();
            for uid in uids {
                if self.reader(&source).again(uid).await? {
                    tracing::info!(target: "skrynka::email", uid, "Message that was owed is settled");
                    self.settle_owed(place, uid).await?;
                }
            }
        }
        Ok(())
    }

    async fn settle_owed(&mut self, place: usize, uid: u32) -> Result<()> {
        let Some(mut cursor): Option<FolderCursor> = self.folders[place].cursor.clone() else { return Ok(()) };
        cursor.settle(uid);
        self.store_cursor(place, cursor).await
    }
}
