//! What came while nothing was heard.

use super::{DeskState, logged, outbox::moment};
use crate::{
    views,
    wire::{AwayView, WireError},
};

/// What came of the outages that nobody has been told of; null where there were none.
#[tauri::command]
#[specta::specta]
pub async fn away(desk: DeskState<'_>) -> Result<Option<AwayView>, WireError> {
    logged("away", async {
        let bureau = &desk.office().await?.bureau;
        Ok(bureau.store.away(bureau.clock.now()).await?.map(views::away))
    })
    .await
}

/// Tells nobody any more of the outages up to this moment, which `away` named as their end.
#[tauri::command]
#[specta::specta]
pub async fn away_seen(desk: DeskState<'_>, ended_at: String) -> Result<(), WireError> {
    logged("away_seen", async {
        let ended_at = moment(&ended_at)?;
        Ok(desk.office().await?.bureau.store.away_seen(ended_at).await?)
    })
    .await
}
