//! Whose turn it is with conversations, and who takes care of them. Each command takes as many as were chosen.

use std::collections::BTreeMap;

use skrynka_core::{
    model::{AccountId, ConversationId},
    store::Seen,
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{DeskState, inbox::key, logged};
use crate::wire::{ConversationKey, ErrorCode, SeenConversation, Triage, WireError};

/// Says whose turn it is. Conversations in which the customer wrote more than what was seen stay as they are and are
/// returned: what would be put aside is not what was looked at.
#[tauri::command]
#[specta::specta]
pub async fn set_triage(
    desk: DeskState<'_>,
    conversations: Vec<SeenConversation>,
    triage: Triage,
) -> Result<Vec<ConversationKey>, WireError> {
    logged("set_triage", async {
        let store = &desk.office().await?.bureau.store;
        let mut chosen: BTreeMap<AccountId, Vec<Seen>> = BTreeMap::new();
        for SeenConversation { key: chosen_key, last_at, messages } in &conversations {
            let (account, id) = key(chosen_key)?;
            let last_at = OffsetDateTime::parse(last_at, &Rfc3339)
                .map_err(|_| WireError { code: ErrorCode::InvalidInput, detail: "last_at".to_owned() })?;
            let messages = i32::try_from(*messages).unwrap_or(i32::MAX);
            chosen.entry(account).or_default().push(Seen { conversation: id, last_at, messages });
        }
        let mut overtaken = Vec::new();
        for (account, chosen) in chosen {
            let left = store.set_triage(account, &chosen, triage.into()).await?;
            overtaken.extend(
                left.into_iter().map(|id| ConversationKey { account: account.to_string(), id: id.to_string() }),
            );
        }
        Ok(overtaken)
    })
    .await
}

/// Says who takes care of conversations, by a name of up to 100 characters; null: nobody.
#[tauri::command]
#[specta::specta]
pub async fn assign(
    desk: DeskState<'_>,
    conversations: Vec<ConversationKey>,
    assignee: Option<String>,
) -> Result<(), WireError> {
    logged("assign", async {
        let store = &desk.office().await?.bureau.store;
        let assignee = assignee.as_deref().map(str::trim).filter(|name| !name.is_empty());
        if assignee.is_some_and(|name| name.chars().count() > 100 || name.chars().any(char::is_control)) {
            return Err(WireError { code: ErrorCode::InvalidInput, detail: "assignee".to_owned() });
        }
        let mut chosen: BTreeMap<AccountId, Vec<ConversationId>> = BTreeMap::new();
        for chosen_key in &conversations {
            let (account, id) = key(chosen_key)?;
            chosen.entry(account).or_default().push(id);
        }
        for (account, chosen) in chosen {
            store.assign(account, &chosen, assignee).await?;
        }
        Ok(())
    })
    .await
}

/// The names of all who take care of something that is not done, whether this computer's settings know them or not.
#[tauri::command]
#[specta::specta]
pub async fn assignees(desk: DeskState<'_>) -> Result<Vec<String>, WireError> {
    logged("assignees", async { Ok(desk.office().await?.bureau.store.assignees().await?) }).await
}
