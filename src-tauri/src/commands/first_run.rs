//! The first run: what is found on this computer, and how far somebody has come.

use skrynka_core::profile::FirstRunStep;

use super::{DeskState, logged};
use crate::{
    wire::{FirstRunStepName, FreeRoomView, SecretsView, WireError},
    wiring::free_bytes,
};

/// Free bytes with which the private database may begin: its files and the write-ahead log of the first hours.
const ENOUGH: u64 = 500_000_000;

/// Notes which step of the first run comes next; null: it is over. From the adoption's or the account's step on
/// the database is open.
#[tauri::command]
#[specta::specta]
pub async fn go_first_run(desk: DeskState<'_>, step: Option<FirstRunStepName>) -> Result<(), WireError> {
    logged("go_first_run", async {
        let step = step.map(|step| match step {
            FirstRunStepName::Language => FirstRunStep::Language,
            FirstRunStepName::Secrets => FirstRunStep::Secrets,
            FirstRunStepName::Data => FirstRunStep::Data,
            FirstRunStepName::Adopt => FirstRunStep::Adopt,
            FirstRunStepName::Account => FirstRunStep::Account,
        });
        desk.change_settings(|settings| settings.first_run = step)?;
        desk.retry_unless_open().await;
        Ok(())
    })
    .await
}

/// Tries whether passwords can be kept here. A keyring may make the system ask the person to unlock it.
#[tauri::command]
#[specta::specta]
pub async fn try_secrets(desk: DeskState<'_>) -> Result<SecretsView, WireError> {
    logged("try_secrets", desk.try_secrets()).await
}

/// Looks how much room the private database would have.
#[tauri::command]
#[specta::specta]
pub async fn room(desk: DeskState<'_>) -> Result<FreeRoomView, WireError> {
    let free = free_bytes(desk.ground()?.profile.root());
    let free_mib = free.map(|free| u32::try_from(free >> 20).unwrap_or(u32::MAX));
    Ok(FreeRoomView { free_mib, enough: free.is_none_or(|free| free >= ENOUGH) })
}
