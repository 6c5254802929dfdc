//! What could not be read.

use super::{DeskState, id, logged};
use crate::{
    views,
    wire::{MessageKey, PageKey, QuarantinePage, QuarantinedView, WireError, count},
};

/// Messages in one page at most.
const PAGE: u16 = 200;

/// A page of what could not be read: what somebody `dismissed`, or the rest.
#[tauri::command]
#[specta::specta]
pub async fn quarantine(
    desk: DeskState<'_>,
    dismissed: bool,
    after: Option<PageKey>,
    limit: u16,
) -> Result<QuarantinePage, WireError> {
    logged("quarantine", async {
        let store = &desk.office().await?.bureau.store;
        let after = after.as_deref().map(views::read_message_position).transpose()?;
        let limit = limit.clamp(1, PAGE);
        let mut found = store.quarantined(dismissed, after, i64::from(limit) + 1).await?;
        let more = found.len() > usize::from(limit);
        found.truncate(limit.into());
        let next = found.last().filter(|_| more).map(views::write_quarantine_position);
        let [open, dismissed] = store.quarantine_counts().await?;
        let rows = found.into_iter().map(views::quarantined).collect();
        Ok(QuarantinePage { rows, next, open: count(open), dismissed: count(dismissed) })
    })
    .await
}

/// Tries once more to read a message. Null when it could be read and stands in its conversation now; otherwise how it
/// stands after one try more.
#[tauri::command]
#[specta::specta]
pub async fn retry_quarantined(desk: DeskState<'_>, message: MessageKey) -> Result<Option<QuarantinedView>, WireError> {
    logged("retry_quarantined", async {
        let (account, message) = (id(&message.account)?, id(&message.id)?);
        let still = desk.office().await?.engine.retry_quarantined(account, message).await?;
        Ok(still.map(views::quarantined))
    })
    .await
}

/// Dismisses a message that could not be read, or takes that back. It stays shown and nothing is deleted.
#[tauri::command]
#[specta::specta]
pub async fn dismiss_quarantined(desk: DeskState<'_>, message: MessageKey, dismissed: bool) -> Result<(), WireError> {
    logged("dismiss_quarantined", async {
        let office = desk.office().await?;
        let (account, message) = (id(&message.account)?, id(&message.id)?);
        let at = dismissed.then(|| office.bureau.clock.now());
        Ok(office.bureau.store.dismiss_quarantined(account, message, at).await?)
    })
    .await
}
