//! Whether everything that the servers hold is here.

use super::{DeskState, id, logged};
use crate::{
    views,
    wire::{CompletenessView, WireError},
};

/// How every account's folders stood when they were last compared with their servers.
#[tauri::command]
#[specta::specta]
pub async fn completeness(desk: DeskState<'_>) -> Result<Vec<CompletenessView>, WireError> {
    logged("completeness", async {
        let folders = desk.office().await?.bureau.store.completeness(None).await?;
        Ok(views::completeness(folders))
    })
    .await
}

/// Compares an account's folders with their server now. Only an account to which this program listens can be compared.
#[tauri::command]
#[specta::specta]
pub async fn check_completeness(desk: DeskState<'_>, account: String) -> Result<Vec<CompletenessView>, WireError> {
    logged("check_completeness", async {
        let folders = desk.office().await?.engine.check_completeness(id(&account)?).await?;
        Ok(views::completeness(folders))
    })
    .await
}

/// Fetches what was missing when an account was last compared, and compares again.
#[tauri::command]
#[specta::specta]
pub async fn fetch_missing(desk: DeskState<'_>, account: String) -> Result<Vec<CompletenessView>, WireError> {
    logged("fetch_missing", async {
        let folders = desk.office().await?.engine.fetch_missing(id(&account)?).await?;
        Ok(views::completeness(folders))
    })
    .await
}
