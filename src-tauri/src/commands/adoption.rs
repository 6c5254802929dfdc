//! Taking over the old CRM's database, step by step. Each command begins a step and answers at once; how it goes is told by
//! `adoption_changed`.

use std::io::Write as _;

use secrecy::SecretString;

use super::{
    DeskState, file_error, logged,
    message::{ask, save_as},
};
use crate::{
    adoption::under_way,
    wire::{AdoptionForm, AdoptionView, ErrorCode, SavedFiles, WireError},
};

/// A report is at most this long, in bytes.
const REPORT: usize = 4 << 20;

/// How far taking over is.
#[tauri::command]
#[specta::specta]
pub async fn adoption(desk: DeskState<'_>) -> Result<AdoptionView, WireError> {
    logged("adoption", async { under_way::view(&desk, &*desk.office().await?).await }).await
}

/// Asks for the folder with the old CRM's files. Null when the person chose none.
#[tauri::command]
#[specta::specta]
pub async fn choose_old_folder(desk: DeskState<'_>) -> Result<Option<String>, WireError> {
    logged("choose_old_folder", async {
        let chosen = ask(&desk, |dialog, answer| dialog.pick_folder(answer)).await?;
        Ok(chosen.map(|folder| folder.display().to_string()))
    })
    .await
}

/// Looks at an old database and tells what would come over. Nothing is written there, and here only where it is; its
/// password is in memory until `leave_adoption`. `invalid_input` names the field.
#[tauri::command]
#[specta::specta]
pub async fn look_at_old(desk: DeskState<'_>, form: AdoptionForm, password: String) -> Result<(), WireError> {
    let password = SecretString::from(password);
    logged("look_at_old", async { under_way::look(&desk, &desk.office().await?, form, password) }).await
}

/// Brings over what was looked at. It may be stopped and run again.
#[tauri::command]
#[specta::specta]
pub async fn run_adoption(desk: DeskState<'_>) -> Result<(), WireError> {
    logged("run_adoption", async { under_way::run(&desk, &desk.office().await?) }).await
}

/// Stops what is being done, between two rows or accounts. What was done is kept, and can be gone on with.
#[tauri::command]
#[specta::specta]
pub async fn stop_adoption(desk: DeskState<'_>) -> Result<(), WireError> {
    logged("stop_adoption", async {
        under_way::stop(&desk, &*desk.office().await?);
        Ok(())
    })
    .await
}

/// Tries the sessions and passwords of the old accounts, and switches on those that work. `listeners_stopped`: a person
/// has said that nothing else uses them any more; without that nothing is done.
#[tauri::command]
#[specta::specta]
pub async fn hand_over_accounts(desk: DeskState<'_>, listeners_stopped: bool) -> Result<(), WireError> {
    logged("hand_over_accounts", async {
        confirmed(listeners_stopped, "listenersStopped")?;
        under_way::hand_over_accounts(&desk, &desk.office().await?)
    })
    .await
}

/// Empties the sessions, API hashes and passwords of accounts that work here in the old database. `sends_no_more`: a
/// person has said to know that the old application can no longer send after that; without that nothing is done.
#[tauri::command]
#[specta::specta]
pub async fn empty_old_secrets(desk: DeskState<'_>, sends_no_more: bool) -> Result<(), WireError> {
    logged("empty_old_secrets", async {
        confirmed(sends_no_more, "sendsNoMore")?;
        under_way::empty_old_secrets(&desk, &desk.office().await?)
    })
    .await
}

/// Ends taking over, and forgets the old database's password. What is being done goes on.
#[tauri::command]
#[specta::specta]
pub async fn leave_adoption(desk: DeskState<'_>) -> Result<AdoptionView, WireError> {
    logged("leave_adoption", async {
        let office = desk.office().await?;
        office.adopting.leave().await;
        under_way::view(&desk, &office).await
    })
    .await
}

/// Saves the report in the words of the window where the person chooses.
#[tauri::command]
#[specta::specta]
pub async fn save_adoption_report(desk: DeskState<'_>, name: String, text: String) -> Result<SavedFiles, WireError> {
    logged("save_adoption_report", async {
        if text.len() > REPORT {
            return Err(WireError { code: ErrorCode::TooLong, detail: "text".to_owned() });
        }
        let name = skrynka_mail::parse::clean_file_name(&name, "text/plain");
        save_as(&desk, name, move |mut file| async move { file.write_all(text.as_bytes()).map_err(file_error) }).await
    })
    .await
}

fn confirmed(is: bool, what: &str) -> Result<(), WireError> {
    is.then_some(()).ok_or_else(|| WireError { code: ErrorCode::InvalidInput, detail: what.to_owned() })
}
