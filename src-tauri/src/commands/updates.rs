//! Updates of the program.

use std::sync::atomic::{AtomicU32, Ordering};

use tauri::ipc::Channel;

use super::{DeskState, logged};
use crate::{
    updates,
    wire::{UpdateProgress, UpdateView, WireError},
};

/// Says how far the update is. Asks nobody.
#[tauri::command]
#[specta::specta]
pub async fn update_status(desk: DeskState<'_>) -> Result<UpdateView, WireError> {
    logged("update_status", async { Ok(updates::view(&desk).await) }).await
}

/// Chooses whether the program looks for a newer version once a day.
#[tauri::command]
#[specta::specta]
pub async fn look_for_updates(desk: DeskState<'_>, daily: bool) -> Result<UpdateView, WireError> {
    logged("look_for_updates", async {
        desk.change_settings(|settings| settings.updates.daily = daily)?;
        Ok(updates::view(&desk).await)
    })
    .await
}

/// Looks for a newer version now. Fetches nothing.
#[tauri::command]
#[specta::specta]
pub async fn check_update(desk: DeskState<'_>) -> Result<UpdateView, WireError> {
    logged("check_update", async { Ok(updates::check(&desk).await) }).await
}

/// Fetches the version that was found, and proves its signature, version and size.
#[tauri::command]
#[specta::specta]
pub async fn fetch_update(desk: DeskState<'_>, on_progress: Channel<UpdateProgress>) -> Result<UpdateView, WireError> {
    logged("fetch_update", async {
        let told = AtomicU32::new(0);
        let view = updates::fetch(&desk, |received, size| {
            let percent = u32::try_from(received * 100 / size.max(1)).unwrap_or(100);
            // A page that has gone hears nothing, and the download goes on.
            if told.swap(percent, Ordering::Relaxed) != percent {
                let _gone = on_progress.send(UpdateProgress { percent });
            }
        });
        Ok(view.await)
    })
    .await
}

/// Installs what was fetched and starts the program anew, unless a message is being sent.
#[tauri::command]
#[specta::specta]
pub async fn install_update(desk: DeskState<'_>) -> Result<UpdateView, WireError> {
    logged("install_update", async { Ok(updates::install(&desk).await) }).await
}
