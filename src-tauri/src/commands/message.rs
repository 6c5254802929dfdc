//! One message: its HTML, its links, its files.

use std::path::{Path, PathBuf};

use skrynka_core::{
    model::{AccountId, AttachmentId, Channel, MessageId},
    store::StoredFile,
};
use skrynka_mail::parse::{attachment_bytes, clean_file_name};
use tauri_plugin_dialog::DialogExt as _;

use super::{DeskState, file_error, id, logged, not_found};
use crate::{
    chats,
    copies::opened_dir,
    desk::{Desk, Office},
    mail_scheme, views,
    wire::{BodyView, ErrorCode, MessageKey, SavedFiles, WireError, count},
    wiring::fetched_files_dir,
};

/// How to show a message's HTML.
#[tauri::command]
#[specta::specta]
pub async fn message_body(desk: DeskState<'_>, message: MessageKey, show_remote: bool) -> Result<BodyView, WireError> {
    logged("message_body", async {
        let (account, message) = key(&message)?;
        let always = desk.office().await?.bureau.store.shows_remote(account, message).await?;
        let remote_shown = show_remote || always;
        let document = mail_scheme::rendered(&desk, account, message, remote_shown).await?;
        Ok(BodyView {
            url: mail_scheme::frame_url(account, message, remote_shown),
            blocked: document.blocked_remote,
            remote_shown,
            always,
        })
    })
    .await
}

/// Chooses whether remote pictures of this message's sender are always shown.
#[tauri::command]
#[specta::specta]
pub async fn always_show_remote(desk: DeskState<'_>, message: MessageKey, always: bool) -> Result<(), WireError> {
    logged("always_show_remote", async {
        let (account, message) = key(&message)?;
        Ok(desk.office().await?.bureau.store.set_shows_remote(account, message, always).await?)
    })
    .await
}

/// Opens an address in the system's browser, mail program or Telegram, after the manager has seen where it goes.
#[tauri::command]
#[specta::specta]
pub async fn open_link(address: String) -> Result<(), WireError> {
    logged("open_link", async {
        if !leads_outside(&address) {
            return Err(WireError { code: ErrorCode::InvalidInput, detail: "link".to_owned() });
        }
        opener::open(&address).map_err(file_error)
    })
    .await
}

/// Whether an address is one that a browser, a mail program or Telegram opens; a file or a program is not.
fn leads_outside(address: &str) -> bool {
    tauri::Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "https" | "http" | "mailto" | "tg"))
}

/// Opens a file in the system's default program, from a folder of its own; one that the system could run instead of
/// showing it only where a person `confirmed` that.
#[tauri::command]
#[specta::specta]
pub async fn open_file(desk: DeskState<'_>, account: String, file: String, confirmed: bool) -> Result<(), WireError> {
    logged("open_file", async {
        let stored = desk.office().await?.bureau.store.file(id(&account)?, id(&file)?).await?;
        if !confirmed && views::is_risky(&views::file_name(&stored)) {
            return Err(WireError { code: ErrorCode::RiskyFile, detail: String::new() });
        }
        let path = put_aside(&desk, &account, &file).await?;
        opener::open(path).map_err(file_error)
    })
    .await
}

/// Saves a file where the manager chooses.
#[tauri::command]
#[specta::specta]
pub async fn save_file(desk: DeskState<'_>, account: String, file: String) -> Result<SavedFiles, WireError> {
    logged("save_file", async {
        let office = desk.office().await?;
        let content = content(&desk, &office, id(&account)?, id(&file)?).await?;
        save_one(&desk, &office, &content).await
    })
    .await
}

/// Saves every file of a message into a folder that the manager chooses. Names that are taken get a number.
#[tauri::command]
#[specta::specta]
pub async fn save_all_files(desk: DeskState<'_>, message: MessageKey) -> Result<SavedFiles, WireError> {
    logged("save_all_files", async {
        let (account, message) = key(&message)?;
        let office = desk.office().await?;
        let files = office.bureau.store.message(account, message).await?.files;
        let Some(folder) = ask(&desk, |dialog, answer| dialog.pick_folder(answer)).await? else {
            return Ok(SavedFiles { folder: None, saved: 0, failed: None });
        };
        let mut saved = 0_usize;
        let mut failed = None;
        for file in files.iter().filter(|file| !file.inline) {
            let written = async {
                let content = content(&desk, &office, account, file.id).await?;
                write_new(&office, &folder, &content).await
            };
            match written.await {
                Ok(_) => saved += 1,
                Err(error) => failed = Some(error),
            }
        }
        Ok(SavedFiles { folder: Some(folder.display().to_string()), saved: count(saved), failed })
    })
    .await
}

/// Saves the untouched message: a mail as an `.eml` file, a chat's message as the bytes of its TL object.
#[tauri::command]
#[specta::specta]
pub async fn save_original(desk: DeskState<'_>, message: MessageKey) -> Result<SavedFiles, WireError> {
    logged("save_original", async {
        let (account, message) = key(&message)?;
        let office = desk.office().await?;
        let stored = office.bureau.store.message(account, message).await?;
        let raw = office.bureau.store.raw_message(account, message).await?;
        let subject = if stored.subject.is_empty() { "message" } else { &stored.subject };
        let account_of = office.bureau.store.account(account).await?.ok_or_else(not_found)?;
        let (ending, mime) = match account_of.channel {
            Channel::Email => ("eml", "message/rfc822"),
            Channel::Telegram => ("tl", "application/octet-stream"),
        };
        let name = clean_file_name(&format!("{}.{ending}", subject.replace(['/', '\\'], "-")), mime);
        save_one(&desk, &office, &Content { name, bytes: Bytes::Mail(raw) }).await
    })
    .await
}

/// Puts a file aside and starts dragging it out of the window.
#[tauri::command]
#[specta::specta]
pub async fn drag_file(desk: DeskState<'_>, account: String, file: String) -> Result<(), WireError> {
    logged("drag_file", async {
        let path = put_aside(&desk, &account, &file).await?;
        let window = desk
            .handle()
            .and_then(|handle| tauri::Manager::get_webview_window(handle, crate::window::MAIN))
            .ok_or_else(not_found)?;
        start_drag(&window, path)
    })
    .await
}

/// The drag starts on the thread that owns the window.
fn start_drag(window: &tauri::WebviewWindow, path: PathBuf) -> Result<(), WireError> {
    let dragged = window.clone();
    window
        .run_on_main_thread(move || {
            #[cfg(target_os = "linux")]
            let started = dragged.gtk_window().map_err(|error| error.to_string()).and_then(|gtk| {
                let picture = drag::Image::Raw(DRAG_PICTURE.to_vec());
                drag::start_drag(&gtk, drag::DragItem::Files(vec![path]), picture, |_, _| {}, drag::Options::default())
                    .map_err(|error| error.to_string())
            });
            #[cfg(not(target_os = "linux"))]
            let started = {
                let picture = drag::Image::Raw(DRAG_PICTURE.to_vec());
                let item = drag::DragItem::Files(vec![path]);
                drag::start_drag(&dragged, item, picture, |_, _| {}, drag::Options::default())
                    .map_err(|error| error.to_string())
            };
            if let Err(error) = started {
                tracing::warn!(target: "skrynka::ui", error, "Drag not started");
            }
        })
        .map_err(|error| WireError { code: ErrorCode::Internal, detail: error.to_string() })
}

/// What hangs at the pointer while a file is dragged.
const DRAG_PICTURE: &[u8] = include_bytes!("../../../icons/32x32.png");

/// Writes a file into a folder of its own below the cache and returns its path.
async fn put_aside(desk: &Desk, account: &str, file: &str) -> Result<PathBuf, WireError> {
    let office = desk.office().await?;
    let (account, file): (AccountId, AttachmentId) = (id(account)?, id(file)?);
    let content = content(desk, &office, account, file).await?;
    let folder = opened_dir(&desk.ground()?.profile).join(file.to_string());
    std::fs::create_dir_all(&folder).map_err(file_error)?;
    let path = folder.join(&content.name);
    // A copy that is open in another program may be read-only for us; the same bytes need no second writing.
    let there = match &content.bytes {
        Bytes::Mail(bytes) => std::fs::read(&path).is_ok_and(|there| there == *bytes),
        Bytes::Chat(account, file) => chats::is_kept_as(&office.bureau.store, *account, *file, &path).await?,
    };
    if there {
        return Ok(path);
    }
    // What a person has written into an opened copy is theirs: the original goes beside it under a free name.
    write_new(&office, &folder, &content).await
}

/// A file with a name that is safe to save it under.
pub(super) struct Content {
    pub(super) name: String,
    bytes: Bytes,
}

/// Where a file's bytes are.
pub(super) enum Bytes {
    /// In memory: a part of a mail, or the mail.
    Mail(Vec<u8>),
    /// Among the files of chats that were fetched.
    Chat(AccountId, AttachmentId),
}

/// A file's bytes; a chat's file is fetched first.
pub(super) async fn content(
    desk: &Desk,
    office: &Office,
    account: AccountId,
    file: AttachmentId,
) -> Result<Content, WireError> {
    let stored = office.bureau.store.file(account, file).await?;
    let name = views::file_name(&stored);
    if let Some(media) = &stored.media {
        if !media.fetched && !fetch(desk, office, account, file).await? {
            return Err(not_found());
        }
        return Ok(Content { name, bytes: Bytes::Chat(account, file) });
    }
    let raw = office.bureau.store.raw_message(account, stored.message).await?;
    Ok(Content { name, bytes: Bytes::Mail(part(&raw, &stored)?) })
}

/// Fetches a chat's file unless it is here. False when somebody stopped it.
pub(super) async fn fetch(
    desk: &Desk,
    office: &Office,
    account: AccountId,
    file: AttachmentId,
) -> Result<bool, WireError> {
    let folder = fetched_files_dir(&desk.ground()?.profile);
    let running = office.fetches.begin((account, file));
    tokio::select! {
        () = running.stopped() => Ok(false),
        fetched = office.engine.fetch_file(account, file, &folder) => Ok(fetched.map(|()| true)?),
    }
}

fn part(raw: &[u8], file: &StoredFile) -> Result<Vec<u8>, WireError> {
    file.part.and_then(|part| attachment_bytes(raw, part)).ok_or_else(not_found)
}

async fn save_one(desk: &Desk, office: &Office, content: &Content) -> Result<SavedFiles, WireError> {
    save_as(desk, content.name.clone(), |file| write(office, content, file)).await
}

/// Asks where to and lets `write` fill the file.
pub(super) async fn save_as<W: Future<Output = Result<(), WireError>>>(
    desk: &Desk,
    name: String,
    write: impl FnOnce(std::fs::File) -> W,
) -> Result<SavedFiles, WireError> {
    let chosen = ask(desk, |dialog, answer| dialog.set_file_name(name).save_file(answer)).await?;
    let Some(path) = chosen else { return Ok(SavedFiles { folder: None, saved: 0, failed: None }) };
    let folder = path.parent().unwrap_or(&path);
    // What stands under the name stays until all of the new one is there.
    let (beside, file) = create_new(folder, ".skrynka.part").map_err(file_error)?;
    let written = write(file).await;
    if let Err(error) = written.and_then(|()| std::fs::rename(&beside, &path).map_err(file_error)) {
        let _left = std::fs::remove_file(&beside);
        return Err(error);
    }
    Ok(SavedFiles { folder: Some(folder.display().to_string()), saved: 1, failed: None })
}

/// Asks with a native dialog; `None` when the manager cancelled.
pub(super) async fn ask(
    desk: &Desk,
    show: impl FnOnce(
        tauri_plugin_dialog::FileDialogBuilder<tauri::Wry>,
        Box<dyn FnOnce(Option<tauri_plugin_dialog::FilePath>) + Send>,
    ),
) -> Result<Option<PathBuf>, WireError> {
    let handle = desk.handle().ok_or_else(not_found)?;
    let (answer, answered) = tokio::sync::oneshot::channel();
    let answer = Box::new(move |path: Option<tauri_plugin_dialog::FilePath>| {
        // The window may have been closed while the dialog was open.
        let _nobody_waits = answer.send(path);
    });
    show(handle.dialog().file(), answer);
    let chosen = answered.await.ok().flatten();
    chosen.map(|path| path.into_path().map_err(file_error)).transpose()
}

/// Writes a file under a name that is free.
async fn write_new(office: &Office, folder: &Path, content: &Content) -> Result<PathBuf, WireError> {
    let (path, file) = create_new(folder, &content.name).map_err(file_error)?;
    let written = write(office, content, file).await;
    if written.is_err() {
        // Half a file under its full name would be taken for the whole.
        let _left = std::fs::remove_file(&path);
    }
    written.map(|()| path)
}

pub(super) async fn write(office: &Office, content: &Content, mut file: std::fs::File) -> Result<(), WireError> {
    match &content.bytes {
        Bytes::Mail(bytes) => std::io::Write::write_all(&mut file, bytes).map_err(file_error),
        Bytes::Chat(account, id) => chats::write_kept(&office.bureau.store, *account, *id, &mut file).await,
    }
}

/// Makes a file under a name that is free: `name (2).pdf` where `name.pdf` is taken.
fn create_new(folder: &Path, name: &str) -> std::io::Result<(PathBuf, std::fs::File)> {
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    for number in 1_u32.. {
        let name = if number == 1 { name.to_owned() } else { format!("{stem} ({number}){extension}") };
        let path = folder.join(name);
        match std::fs::OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(std::io::ErrorKind::AlreadyExists.into())
}

fn key(key: &MessageKey) -> Result<(AccountId, MessageId), WireError> {
    Ok((id(&key.account)?, id(&key.id)?))
}

#[cfg(test)]
mod tests {
    use super::{create_new, leads_outside};

    #[test]
    fn only_what_a_browser_a_mail_program_or_telegram_opens_leads_outside() {
        for address in
            ["https://example.org/a?b", "HTTP://example.org", "mailto:a@example.org", "tg://resolve?domain=a"]
        {
            assert!(leads_outside(address), "{address}");
        }
        for address in ["file:///etc/passwd", "/usr/bin/id", "javascript:1", "smb://host/x", "example.org", "-h", ""] {
            assert!(!leads_outside(address), "{address}");
        }
    }

    #[test]
    fn a_taken_name_gets_a_number() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..3)
            .map(|_| create_new(folder.path(), "рахунок.pdf").unwrap())
            .map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(names, ["рахунок.pdf", "рахунок (2).pdf", "рахунок (3).pdf"]);
    }
}
