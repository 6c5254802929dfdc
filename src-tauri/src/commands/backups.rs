//! Backups of the private database: where to, how the last one went, one at once, and restoring in the first run.

use std::sync::PoisonError;

use super::{DeskState, file_error, logged, message::ask, not_found};
use crate::{
    autostart, backups,
    wire::{BackupFileView, BackupView, WireError, count, stamp},
};

/// How the daily backups stand.
#[tauri::command]
#[specta::specta]
pub async fn backup(desk: DeskState<'_>) -> Result<BackupView, WireError> {
    let ground = desk.ground()?;
    let settings = ground.profile.settings().map_err(file_error)?;
    let last = backups::last(&ground.profile);
    Ok(BackupView {
        folder: settings.backup.folder.map(|folder| folder.display().to_string()),
        made_at: last.made_at.map(stamp),
        file: last.file.map(|file| file.display().to_string()),
        kib: count(last.bytes.div_ceil(1024)),
        tried_out: last.tried_out,
        error: last.error,
    })
}

/// Asks for the folder of the daily backups. False when the person chose none.
#[tauri::command]
#[specta::specta]
pub async fn choose_backup_folder(desk: DeskState<'_>) -> Result<bool, WireError> {
    logged("choose_backup_folder", async {
        let chosen = ask(&desk, |dialog, answer| dialog.pick_folder(answer)).await?;
        let Some(folder) = chosen else { return Ok(false) };
        // Better to hear of it now than in the night.
        tempfile::Builder::new().prefix(".skrynka-").tempfile_in(&folder).map_err(file_error)?;
        desk.change_settings(|settings| settings.backup.folder = Some(folder))?;
        Ok(true)
    })
    .await
}

/// Makes no more daily backups. Those that were made are kept.
#[tauri::command]
#[specta::specta]
pub async fn stop_backups(desk: DeskState<'_>) -> Result<(), WireError> {
    logged("stop_backups", async { desk.change_settings(|settings| settings.backup.folder = None) }).await
}

/// Makes a backup in the chosen folder now and restores it on trial.
#[tauri::command]
#[specta::specta]
pub async fn back_up_now(desk: DeskState<'_>) -> Result<(), WireError> {
    logged("back_up_now", async {
        let (ground, office) = (desk.ground()?, desk.office().await?);
        let folder = ground.profile.settings().map_err(file_error)?.backup.folder.ok_or_else(not_found)?;
        backups::make_daily(ground, &office.bureau, &folder).await?;
        Ok(())
    })
    .await
}

/// Asks for a backup and looks at all of it: the private database begins with it once the first run goes on. Null when
/// the person chose none.
#[tauri::command]
#[specta::specta]
pub async fn choose_backup(desk: DeskState<'_>) -> Result<Option<BackupFileView>, WireError> {
    logged("choose_backup", async {
        let chosen = ask(&desk, |dialog, answer| dialog.add_filter("Skrynka", &["zip"]).pick_file(answer)).await?;
        let Some(path) = chosen else { return Ok(None) };
        let manifest = skrynka_core::backup::check(&path).await.map_err(backups::BackupsError::from)?;
        let view = BackupFileView {
            name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            made_at: stamp(manifest.made_at),
            accounts: count(manifest.accounts),
            messages: count(manifest.messages),
        };
        *desk.restoring.lock().unwrap_or_else(PoisonError::into_inner) = Some(path);
        Ok(Some(view))
    })
    .await
}

/// Begins with no backup after all.
#[tauri::command]
#[specta::specta]
pub async fn leave_backup(desk: DeskState<'_>) -> Result<(), WireError> {
    *desk.restoring.lock().unwrap_or_else(PoisonError::into_inner) = None;
    Ok(())
}

/// Whether the program starts when the person signs in to their computer.
#[tauri::command]
#[specta::specta]
pub async fn autostart(desk: DeskState<'_>) -> Result<bool, WireError> {
    autostart::is_on(desk.places())
}

/// Starts the program with the system, or no more.
#[tauri::command]
#[specta::specta]
pub async fn set_autostart(desk: DeskState<'_>, on: bool) -> Result<(), WireError> {
    logged("set_autostart", async { autostart::set(desk.places(), on) }).await
}
