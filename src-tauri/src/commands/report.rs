//! The support report: made, read, saved; and what panics have left behind.

use std::{
    io::Write as _,
    sync::{Arc, PoisonError},
};

use skrynka_core::engine::blocking;

use super::{DeskState, file_error, logged, message::save_as, not_found};
use crate::{
    report::{self, Report},
    wire::{ErrorCode, ReportFile, ReportRemoved, ReportUntold, ReportView, SavedFiles, WireError, count},
};

/// Makes a support report and shows all of it. Nothing is written.
#[tauri::command]
#[specta::specta]
pub async fn prepare_report(desk: DeskState<'_>) -> Result<ReportView, WireError> {
    logged("prepare_report", async {
        let (ground, window) = (desk.ground()?.clone(), desk.inner().clone());
        let (secrets, office) = (desk.secrets(&ground).await, desk.office().await);
        // Taking names out of hundreds of lines computes for long.
        let runtime = tokio::runtime::Handle::current();
        let made = blocking(move || {
            let sources = report::sources(&ground, &secrets, &office, &window.monitor);
            let made = runtime.block_on(Report::make(&sources));
            let bytes = made.archive().map(|archive| archive.len());
            (Arc::new(made), bytes)
        });
        let internal = |detail| WireError { code: ErrorCode::Internal, detail };
        let (made, bytes) = made.await.map_err(internal)?;
        let kib = count(bytes.map_err(file_error)?.div_ceil(1024));
        let view = ReportView {
            files: made.files.iter().map(|(name, text)| file(name, text)).collect(),
            removed: made
                .removed
                .iter()
                .map(|(what, n)| ReportRemoved { what: (*what).into(), count: count(*n) })
                .collect(),
            untold: made.untold.iter().map(|(part, reason)| untold(part, reason)).collect(),
            kib,
        };
        *desk.report.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
        Ok(view)
    })
    .await
}

fn file(name: &str, text: &str) -> ReportFile {
    ReportFile { name: name.to_owned(), text: text.to_owned() }
}

fn untold(part: &str, reason: &str) -> ReportUntold {
    ReportUntold { part: part.to_owned(), reason: reason.to_owned() }
}

/// Asks for a file and writes the report that was made last into it.
#[tauri::command]
#[specta::specta]
pub async fn save_report(desk: DeskState<'_>) -> Result<SavedFiles, WireError> {
    logged("save_report", async {
        let made = desk.report.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(not_found)?;
        let bytes = made.archive().map_err(file_error)?;
        save_as(&desk, "skrynka-report.zip".to_owned(), move |mut file| async move {
            file.write_all(&bytes).map_err(file_error)
        })
        .await
    })
    .await
}

/// Mentions no more what panics have left so far; a report still holds it.
#[tauri::command]
#[specta::specta]
pub async fn put_panics_aside(desk: DeskState<'_>) -> Result<(), WireError> {
    logged("put_panics_aside", async { desk.ground()?.panics().put_aside().map_err(file_error) }).await
}
