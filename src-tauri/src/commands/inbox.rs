//! Conversations, messages and search.

use std::{collections::HashMap, sync::PoisonError};

use skrynka_core::{
    model::{AccountId, ConversationId, MessageId},
    store::{MUTED_FOR_GOOD, MessagePosition, Store, StoreError, StoredMessage, StoredOutgoing},
};
use time::Duration;

use super::{DeskState, id, logged};
use crate::{
    views,
    window::MAIN,
    wire::{
        ConversationFilter, ConversationKey, ConversationPage, ConversationRow, Counts, MessageKey, MessagePage,
        MessageView, MuteSpan, PageKey, SearchPage, Snapshot, WireError,
    },
};

/// Pages are at most this long.
const PAGE: u16 = 500;

/// What a window starts from. Facts are told from the program's start on, so nothing falls between.
#[tauri::command]
#[specta::specta]
pub async fn subscribe(desk: DeskState<'_>) -> Result<Snapshot, WireError> {
    tracing::info!(target: "skrynka::events", window = MAIN, "Window subscribing");
    logged("subscribe", async {
        let office = desk.office().await?;
        let number = desk.monitor.subscribed(office.bureau.clock.now());
        let vector = office.bureau.store.journal_vector(None).await?;
        let snapshot = Snapshot { accounts: views::uncounted_accounts(&office, &HashMap::new()).await?, number };
        let conversations = office.bureau.store.conversations_stored().await?;
        tracing::info!(target: "skrynka::events", window = MAIN, "Window subscribed");
        tracing::info!(
            target: "skrynka::events",
            window = MAIN, seq = vector.values().sum::<i64>(), conversations,
            "Snapshot sent"
        );
        Ok(snapshot)
    })
    .await
}

/// The counts of the sidebar.
#[tauri::command]
#[specta::specta]
pub async fn counts(desk: DeskState<'_>) -> Result<Counts, WireError> {
    logged("counts", async { views::counts(&*desk.office().await?, desk.me().as_deref()).await }).await
}

/// A page of the list in the order of its view.
#[tauri::command]
#[specta::specta]
pub async fn conversations(
    desk: DeskState<'_>,
    filter: ConversationFilter,
    after: Option<PageKey>,
    limit: u16,
) -> Result<ConversationPage, WireError> {
    logged("conversations", async {
        let office = desk.office().await?;
        let after = after.as_deref().map(views::read_conversation_position).transpose()?;
        let limit = limit.clamp(1, PAGE);
        let listing = views::listing(&filter, desk.me().as_deref())?;
        let page = office.bureau.store.conversations(&listing, after, limit.into()).await?;
        let next = (page.len() >= usize::from(limit))
            .then(|| page.last().map(|row| views::write_conversation_position(row.position())))
            .flatten();
        Ok(ConversationPage { rows: page.into_iter().map(views::conversation).collect(), next })
    })
    .await
}

/// Rows that facts named.
#[tauri::command]
#[specta::specta]
pub async fn conversations_by_key(
    desk: DeskState<'_>,
    keys: Vec<ConversationKey>,
) -> Result<Vec<ConversationRow>, WireError> {
    logged("conversations_by_key", async {
        let office = desk.office().await?;
        let keys = keys.iter().take(PAGE.into()).map(key).collect::<Result<Vec<_>, _>>()?;
        let rows = office.bureau.store.conversations_by_key(&keys).await?;
        Ok(rows.into_iter().map(views::conversation).collect())
    })
    .await
}

/// A page of a conversation, older than `before`.
#[tauri::command]
#[specta::specta]
pub async fn messages(
    desk: DeskState<'_>,
    conversation: ConversationKey,
    before: Option<PageKey>,
    limit: u16,
) -> Result<MessagePage, WireError> {
    logged("messages", async {
        let office = desk.office().await?;
        let (account, conversation) = key(&conversation)?;
        let before = before.as_deref().map(views::read_message_position).transpose()?;
        page(&office.bureau.store, account, conversation, before, limit.clamp(1, PAGE)).await
    })
    .await
}

/// The messages around one of a conversation: about so many before it, itself, and so many after it.
#[tauri::command]
#[specta::specta]
pub async fn messages_around(
    desk: DeskState<'_>,
    conversation: ConversationKey,
    message: String,
    before: u16,
    after: u16,
) -> Result<MessagePage, WireError> {
    logged("messages_around", async {
        let store = &desk.office().await?.bureau.store;
        let (account, conversation) = key(&conversation)?;
        let (before, after) = (before.min(PAGE), after.min(PAGE));
        let end = store.position_after(account, conversation, id(&message)?, after + 1).await?;
        page(store, account, conversation, end, before + 1 + after).await
    })
    .await
}

async fn page(
    store: &Store,
    account: AccountId,
    conversation: ConversationId,
    before: Option<MessagePosition>,
    limit: u16,
) -> Result<MessagePage, WireError> {
    // The texts first: one whose message is stored in between is then shown by its message alone.
    let outgoing = if before.is_none() { store.outgoing(account, conversation).await? } else { Vec::new() };
    let page = store.messages(account, conversation, before, limit.into()).await?;
    let older = (page.len() >= usize::from(limit)).then(|| page.first().map(views::write_message_position)).flatten();
    let shown = |text: &StoredOutgoing| !page.iter().any(|message| stands_at(message, text));
    let outgoing = outgoing.into_iter().filter(shown).map(views::outgoing).collect();
    let newer = before.is_some();
    Ok(MessagePage { rows: views::messages(store, account, page).await?, older, newer, outgoing })
}

/// Messages that facts named; those that are no more are left out. An item of an album is answered by the album.
#[tauri::command]
#[specta::specta]
pub async fn messages_by_key(desk: DeskState<'_>, keys: Vec<MessageKey>) -> Result<Vec<MessageView>, WireError> {
    logged("messages_by_key", async {
        let store = &desk.office().await?.bureau.store;
        let mut found = Vec::new();
        for key in keys.iter().take(PAGE.into()) {
            match store.message(id(&key.account)?, id(&key.id)?).await {
                Ok(message) => found.extend(views::messages(store, message.account, vec![message]).await?),
                Err(StoreError::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(found)
    })
    .await
}

/// Marks a conversation's messages read here up to one of them (null: all), and on the server where the owner wants
/// that.
#[tauri::command]
#[specta::specta]
pub async fn mark_read(
    desk: DeskState<'_>,
    conversation: ConversationKey,
    up_to: Option<String>,
) -> Result<(), WireError> {
    logged("mark_read", async {
        let office = desk.office().await?;
        let (account, conversation) = key(&conversation)?;
        let up_to = up_to.as_deref().map(id::<MessageId>).transpose()?;
        let places = office.bureau.store.mark_read(account, conversation, up_to).await?;
        let writes = office.bureau.store.account(account).await?.and_then(|a| a.email).is_some_and(|e| e.write_flags);
        if writes && !places.is_empty() {
            let stop = desk.tasks().stopping();
            let marked = async move {
                // It is tried again for a while, and nobody waits for that at the end.
                let outcome = tokio::select! {
                    outcome = office.engine.mark_seen(account, places, true) => outcome,
                    () = stop.cancelled() => return,
                };
                if let Err(error) = outcome {
                    tracing::warn!(
                        target: "skrynka::email", account = %account, error = skrynka_core::chain(&error),
                        "Read mark not written to the server"
                    );
                }
            };
            desk.tasks().spawn("mark seen", marked);
        }
        Ok(())
    })
    .await
}

/// Marks a conversation's latest message from the customer unread here.
#[tauri::command]
#[specta::specta]
pub async fn mark_unread(desk: DeskState<'_>, conversation: ConversationKey) -> Result<(), WireError> {
    logged("mark_unread", async {
        let (account, conversation) = key(&conversation)?;
        Ok(desk.office().await?.bureau.store.mark_unread(account, conversation).await?)
    })
    .await
}

/// Mutes a conversation, or tells of its messages again.
#[tauri::command]
#[specta::specta]
pub async fn mute_conversation(
    desk: DeskState<'_>,
    conversation: ConversationKey,
    span: MuteSpan,
) -> Result<(), WireError> {
    logged("mute_conversation", async {
        let office = desk.office().await?;
        let (account, conversation) = key(&conversation)?;
        let now = office.bureau.clock.now();
        let until = match span {
            MuteSpan::Off => None,
            MuteSpan::Hour => Some(now + Duration::hours(1)),
            MuteSpan::Workday => Some(now + Duration::hours(8)),
            MuteSpan::Always => Some(MUTED_FOR_GOOD),
        };
        Ok(office.bureau.store.mute_conversation(account, conversation, until).await?)
    })
    .await
}

/// Says which conversation somebody is looking at: nobody is told of its messages.
#[tauri::command]
#[specta::specta]
pub async fn set_front(desk: DeskState<'_>, conversation: Option<ConversationKey>) -> Result<(), WireError> {
    desk.set_front(conversation.as_ref().map(key).transpose()?);
    Ok(())
}

/// Finds messages, newest first.
#[tauri::command]
#[specta::specta]
pub async fn search(
    desk: DeskState<'_>,
    text: String,
    account: Option<String>,
    after: Option<PageKey>,
    limit: u16,
) -> Result<SearchPage, WireError> {
    logged("search", async {
        let account = account.as_deref().map(id::<AccountId>).transpose()?;
        views::search(&*desk.office().await?, &text, account, after.as_deref(), limit.clamp(1, PAGE)).await
    })
    .await
}

/// The window has painted these rows: the last stamp of a message's way.
#[tauri::command]
#[specta::specta]
pub async fn painted(desk: DeskState<'_>, conversations: Vec<ConversationKey>) -> Result<(), WireError> {
    let office = desk.office().await?;
    let now = office.bureau.clock.now();
    for conversation in conversations.iter().take(PAGE.into()) {
        let (account, conversation) = key(conversation)?;
        // Most of the time nobody waits for one.
        let _nobody_waits = office.painted.send((account, conversation));
        let stored_at =
            office.unpainted.lock().unwrap_or_else(PoisonError::into_inner).remove(&(account, conversation));
        if let Some(stored_at) = stored_at {
            let ms = i64::try_from((now - stored_at).whole_milliseconds()).unwrap_or(i64::MAX);
            tracing::info!(
                target: "skrynka::events",
                account = %account, conversation = %conversation, since_stored_ms = ms,
                "Row painted"
            );
        }
    }
    Ok(())
}

/// Whether a text of ours is this message by now.
fn stands_at(message: &StoredMessage, text: &StoredOutgoing) -> bool {
    message.chat.as_ref().is_some_and(|chat| Some(&chat.place) == text.place.as_ref())
}

pub(super) fn key(key: &ConversationKey) -> Result<(AccountId, ConversationId), WireError> {
    Ok((id(&key.account)?, id(&key.id)?))
}
