//! Chats: writing, files, and what is older.

use std::time::Duration;

use skrynka_core::{
    connector::PersonName,
    model::{AccountId, AttachmentId, DraftId, MessageId, OutgoingId},
};
use tauri::ipc::Channel;

use super::{DeskState, id, inbox::key, logged, message::fetch};
use crate::{
    chats::{self, Text},
    views,
    wire::{
        ConversationKey, EntityView, ErrorCode, FileProgress, MessageKey, MessageVersionView, OlderLoaded, TextForm,
        WireError, count, stamp,
    },
    wiring::fetched_files_dir,
};

/// How often the progress of a file is told.
const TOLD: Duration = Duration::from_millis(200);

/// Puts a text on its way, or files, up to ten of them as one album, with the text under the first. Returns their keys; what
/// becomes of them is told by the journal and read with the chat. The draft that it was written as ends with it.
#[tauri::command]
#[specta::specta]
pub async fn send_text(
    desk: DeskState<'_>,
    conversation: ConversationKey,
    form: TextForm,
    draft: Option<String>,
) -> Result<Vec<String>, WireError> {
    logged("send_text", async {
        let (account, conversation) = key(&conversation)?;
        let draft = draft.as_deref().map(id::<DraftId>).transpose()?;
        let reply_to = form.reply_to.as_deref().map(id::<MessageId>).transpose()?;
        let bureau = &desk.office().await?.bureau;
        let send_at = match form.send_at.as_deref() {
            Some(at) => Some(super::outbox::moment(at)?),
            None => super::outbox::undo_until(&desk, |settings| settings.chat_undo_seconds, bureau.clock.now()),
        };
        let entities = form.entities.into_iter().filter_map(views::read_entity).collect();
        let mut texts = vec![Text { text: form.text, entities, reply_to, send_at, file: None }];
        for (number, file) in form.files.iter().enumerate() {
            let file = Some(super::outbox::file(file)?);
            match texts.first_mut().filter(|_| number == 0) {
                Some(first) => first.file = file,
                None => texts.push(Text { reply_to, send_at, file, ..Text::default() }),
            }
        }
        let queued = chats::send(bureau, account, conversation, texts, draft).await?;
        Ok(queued.into_iter().map(|id| id.to_string()).collect())
    })
    .await
}

/// Begins a chat with somebody named by `@username`, a `t.me` link or a phone number with its country's code, or finds the
/// one that is there; null: nobody is found so. Nothing is sent by it.
#[tauri::command]
#[specta::specta]
pub async fn begin_chat(
    desk: DeskState<'_>,
    account: String,
    person: String,
) -> Result<Option<ConversationKey>, WireError> {
    logged("begin_chat", async {
        let account_id: AccountId = id(&account)?;
        let name = PersonName::read(&person)
            .ok_or_else(|| WireError { code: ErrorCode::InvalidInput, detail: "person".to_owned() })?;
        let begun = desk.office().await?.engine.begin_chat(account_id, name).await?;
        Ok(begun.map(|id| ConversationKey { account, id: id.to_string() }))
    })
    .await
}

/// How much of a file on its way up has been sent, in KiB; null where it is not being sent from here.
#[tauri::command]
#[specta::specta]
pub async fn upload_progress(desk: DeskState<'_>, outgoing: String) -> Result<Option<u32>, WireError> {
    logged("upload_progress", async {
        let done = desk.office().await?.engine.upload_progress(id::<OutgoingId>(&outgoing)?);
        Ok(done.map(|bytes| count(bytes / 1024)))
    })
    .await
}

/// Gives up a file on its way up.
#[tauri::command]
#[specta::specta]
pub async fn give_up_upload(desk: DeskState<'_>, outgoing: String) -> Result<(), WireError> {
    logged("give_up_upload", async {
        desk.office().await?.engine.give_up_upload(id::<OutgoingId>(&outgoing)?);
        Ok(())
    })
    .await
}

/// Changes a chat message of ours.
#[tauri::command]
#[specta::specta]
pub async fn edit_message(
    desk: DeskState<'_>,
    message: MessageKey,
    text: String,
    entities: Vec<EntityView>,
) -> Result<(), WireError> {
    logged("edit_message", async {
        chats::check_words(&text)?;
        let entities = entities.into_iter().filter_map(views::read_entity).collect();
        let engine = &desk.office().await?.engine;
        Ok(engine.edit_message(id(&message.account)?, id(&message.id)?, text, entities).await?)
    })
    .await
}

/// Deletes a chat message of ours for everybody; it stays here, marked.
#[tauri::command]
#[specta::specta]
pub async fn delete_message(desk: DeskState<'_>, message: MessageKey) -> Result<(), WireError> {
    logged("delete_message", async {
        Ok(desk.office().await?.engine.delete_message(id(&message.account)?, id(&message.id)?).await?)
    })
    .await
}

/// Lets a text that failed, or whose fate stayed unknown, be tried again as the same message.
#[tauri::command]
#[specta::specta]
pub async fn retry_text(desk: DeskState<'_>, account: String, outgoing: String) -> Result<(), WireError> {
    logged("retry_text", async {
        let store = &desk.office().await?.bureau.store;
        Ok(store.retry_text(id(&account)?, id::<OutgoingId>(&outgoing)?).await?)
    })
    .await
}

/// Removes a text that has certainly not been sent.
#[tauri::command]
#[specta::specta]
pub async fn discard_text(desk: DeskState<'_>, account: String, outgoing: String) -> Result<(), WireError> {
    logged("discard_text", async {
        let store = &desk.office().await?.bureau.store;
        Ok(store.discard_text(id(&account)?, id::<OutgoingId>(&outgoing)?).await?)
    })
    .await
}

/// Fetches a chat's file, going on from what came before, and tells how far it is. False when it was cancelled.
#[tauri::command]
#[specta::specta]
pub async fn fetch_file(
    desk: DeskState<'_>,
    account: String,
    file: String,
    on_progress: Channel<FileProgress>,
) -> Result<bool, WireError> {
    logged("fetch_file", async {
        let office = desk.office().await?;
        let (account, file): (AccountId, AttachmentId) = (id(&account)?, id(&file)?);
        let total = u64::try_from(office.bureau.store.file(account, file).await?.size).unwrap_or(0);
        let part = chats::part_path(&fetched_files_dir(&desk.ground()?.profile), file);
        let telling = async {
            loop {
                let done = tokio::fs::metadata(&part).await.map_or(0, |part| part.len());
                let progress = FileProgress { done_kib: count(done / 1024), total_kib: count(total / 1024) };
                if let Err(error) = on_progress.send(progress) {
                    tracing::debug!(target: "skrynka::events", error = %error, "Progress not told");
                }
                tokio::time::sleep(TOLD).await;
            }
        };
        tokio::select! {
            fetched = fetch(&desk, &office, account, file) => fetched,
            () = telling => Ok(false),
        }
    })
    .await
}

/// Stops fetching a file. What came of it is gone on from the next time.
#[tauri::command]
#[specta::specta]
pub async fn cancel_fetch(desk: DeskState<'_>, account: String, file: String) -> Result<(), WireError> {
    logged("cancel_fetch", async {
        desk.office().await?.fetches.stop(&(id(&account)?, id(&file)?));
        Ok(())
    })
    .await
}

/// Reads what is older than the oldest message stored of a chat, a page of it, and stores it.
#[tauri::command]
#[specta::specta]
pub async fn load_older(desk: DeskState<'_>, conversation: ConversationKey) -> Result<OlderLoaded, WireError> {
    logged("load_older", async {
        let office = desk.office().await?;
        let (account, conversation) = key(&conversation)?;
        let chat = office.bureau.store.chat_reach(account, conversation).await?;
        let older = chats::load_older(&office.engine, account, &chat).await?;
        let reached = office.bureau.store.chat_reach(account, conversation).await?.oldest;
        let beginning = older.beginning || older.first.is_none();
        Ok(OlderLoaded { stored: count(older.stored), reached: reached.map(stamp), beginning })
    })
    .await
}

/// Reads a chat back to its beginning; each page is told. Returns when it is there or was stopped.
#[tauri::command]
#[specta::specta]
pub async fn load_whole_chat(
    desk: DeskState<'_>,
    conversation: ConversationKey,
    on_progress: Channel<OlderLoaded>,
) -> Result<(), WireError> {
    logged("load_whole_chat", async {
        let office = desk.office().await?;
        let (account, conversation) = key(&conversation)?;
        let chat = office.bureau.store.chat_reach(account, conversation).await?;
        let running = office.loads.begin((account, conversation));
        let tell = |stored, beginning| {
            if let Err(error) = on_progress.send(OlderLoaded { stored: count(stored), reached: None, beginning }) {
                tracing::debug!(target: "skrynka::events", error = %error, "Progress not told");
            }
        };
        tokio::select! {
            () = running.stopped() => Ok(()),
            loaded = chats::load_whole(&office.engine, account, &chat, tell) => Ok(loaded?),
        }
    })
    .await
}

/// Stops reading a chat back; what came stays.
#[tauri::command]
#[specta::specta]
pub async fn stop_loading(desk: DeskState<'_>, conversation: ConversationKey) -> Result<(), WireError> {
    logged("stop_loading", async {
        desk.office().await?.loads.stop(&key(&conversation)?);
        Ok(())
    })
    .await
}

/// A message's earlier versions, oldest first.
#[tauri::command]
#[specta::specta]
pub async fn message_versions(desk: DeskState<'_>, message: MessageKey) -> Result<Vec<MessageVersionView>, WireError> {
    logged("message_versions", async {
        let store = &desk.office().await?.bureau.store;
        let versions = store.message_versions(id(&message.account)?, id(&message.id)?).await?;
        Ok(versions.into_iter().map(views::version).collect())
    })
    .await
}
