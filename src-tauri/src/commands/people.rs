//! Who somebody is, and texts that are written again and again.

use skrynka_core::{
    chain,
    forget::{self, ForgetError},
    store::{ContactLink, HandleKind, Identity, PersonHandle, Store, StoreError, TemplateDraft},
};
use tauri::ipc::Channel;

use super::{DeskState, id, inbox::key, logged};
use crate::{
    copies, views,
    wire::{
        ContactLinkView, ConversationKey, ErrorCode, ForgetPreviewView, ForgetProgress, ForgottenView, FoundPersonView,
        PersonDetails, RemovedPerson, Template, WireError, count,
    },
};

/// How many people a search finds at most.
const FOUND: i64 = 20;

/// Who a conversation is with: how to reach them, their other conversations, the files.
#[tauri::command]
#[specta::specta]
pub async fn person(desk: DeskState<'_>, conversation: ConversationKey) -> Result<PersonDetails, WireError> {
    logged("person", async {
        let (account, conversation) = key(&conversation)?;
        views::person(&desk.office().await?.bureau.store, account, conversation).await
    })
    .await
}

/// Finds other people than a contact by a part of their name, address, phone or username; at most 20.
#[tauri::command]
#[specta::specta]
pub async fn find_people(desk: DeskState<'_>, text: String, except: String) -> Result<Vec<FoundPersonView>, WireError> {
    logged("find_people", async {
        let text = text.trim().trim_start_matches('@');
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let found = desk.office().await?.bureau.store.find_people(text, id(&except)?, FOUND).await?;
        Ok(found.into_iter().map(views::found_person).collect())
    })
    .await
}

/// Says that two contacts are one person. Returns what `restore_links` takes to undo it.
#[tauri::command]
#[specta::specta]
pub async fn link_people(desk: DeskState<'_>, one: String, other: String) -> Result<Vec<ContactLinkView>, WireError> {
    logged("link_people", async {
        let before = desk.office().await?.bureau.store.link_people(id(&one)?, id(&other)?).await?;
        Ok(before.into_iter().map(views::contact_link).collect())
    })
    .await
}

/// Says that a contact is a person of its own. Returns what `restore_links` takes to undo it.
#[tauri::command]
#[specta::specta]
pub async fn unlink_person(desk: DeskState<'_>, contact: String) -> Result<Vec<ContactLinkView>, WireError> {
    logged("unlink_person", async {
        let before = desk.office().await?.bureau.store.unlink_person(id(&contact)?).await?;
        Ok(before.into_iter().map(views::contact_link).collect())
    })
    .await
}

/// Puts links back as they were.
#[tauri::command]
#[specta::specta]
pub async fn restore_links(desk: DeskState<'_>, links: Vec<ContactLinkView>) -> Result<(), WireError> {
    logged("restore_links", async {
        let links = links
            .iter()
            .map(|link| {
                let same_as = link.same_as.as_deref().map(id).transpose()?;
                Ok(ContactLink { contact: id(&link.contact)?, same_as })
            })
            .collect::<Result<Vec<_>, WireError>>()?;
        Ok(desk.office().await?.bureau.store.restore_links(&links).await?)
    })
    .await
}

/// Who is meant. `not_found`: nothing is kept of them.
async fn identity(store: &Store, person: &RemovedPerson) -> Result<Identity, WireError> {
    match person {
        RemovedPerson::Contact { contact } => Ok(store.identity_of_contact(id(contact)?).await?),
        RemovedPerson::Author { peer } => {
            let handle = PersonHandle {
                kind: HandleKind::TelegramId,
                value: id::<u64>(peer.strip_prefix("user:").unwrap_or_default())?.to_string(),
            };
            Ok(store.identity(&handle).await?.ok_or(StoreError::NotFound("the person"))?)
        }
    }
}

/// Counts what is kept of somebody on every network.
#[tauri::command]
#[specta::specta]
pub async fn forget_preview(desk: DeskState<'_>, person: RemovedPerson) -> Result<ForgetPreviewView, WireError> {
    logged("forget_preview", async {
        let office = desk.office().await?;
        let store = &office.bureau.store;
        let identity = identity(store, &person).await?;
        let own = store.is_own_account(&identity).await?;
        Ok(views::forget_preview(&identity, store.forget_preview(&identity).await?, own))
    })
    .await
}

/// Removes what is kept of somebody on every network. Tells the channel how far it is; goes on without the page, and
/// after the program's end by itself.
#[tauri::command]
#[specta::specta]
pub async fn forget_person(
    desk: DeskState<'_>,
    person: RemovedPerson,
    on_progress: Channel<ForgetProgress>,
) -> Result<ForgottenView, WireError> {
    logged("forget_person", async {
        let office = desk.office().await?;
        let store = &office.bureau.store;
        let identity = identity(store, &person).await?;
        let tell = |reached: forget::Progress| {
            let progress = ForgetProgress { done: count(reached.done), total: count(reached.total) };
            let _page_is_gone = on_progress.send(progress);
        };
        let removed = match forget::forget(store, &identity, &tell, &desk.tasks().stopping()).await {
            Ok(removed) => removed,
            Err(ForgetError::Stopped | ForgetError::Busy) => return Ok(ForgottenView { removed: 0, later: true }),
            Err(ForgetError::Store(error)) => return Err(error.into()),
        };
        if let Err(error) = copies::forget(&desk.ground()?.profile, store).await {
            tracing::warn!(target: "skrynka::app", error = chain(&error), "Opened files of a removed person not removed");
        }
        Ok(ForgottenView { removed: count(removed), later: false })
    })
    .await
}

/// Every template, the oldest first.
#[tauri::command]
#[specta::specta]
pub async fn templates(desk: DeskState<'_>) -> Result<Vec<Template>, WireError> {
    logged("templates", async {
        let stored = desk.office().await?.bureau.store.templates().await?;
        let shown = stored.into_iter().map(|template| Template {
            id: template.id.to_string(),
            name: template.name,
            shortcut: template.shortcut,
            body: template.body,
        });
        Ok(shown.collect())
    })
    .await
}

/// Keeps a template in place of what stood under its key. A shortcut that another one has is `already_exists`.
#[tauri::command]
#[specta::specta]
pub async fn save_template(desk: DeskState<'_>, template: Template) -> Result<(), WireError> {
    logged("save_template", async {
        let invalid = |field: &str| WireError { code: ErrorCode::InvalidInput, detail: field.to_owned() };
        let name = template.name.trim();
        if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
            return Err(invalid("name"));
        }
        let shortcut = template.shortcut.as_deref().map(str::trim).filter(|shortcut| !shortcut.is_empty());
        let fits = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        if shortcut.is_some_and(|shortcut| shortcut.chars().count() > 32 || !shortcut.chars().all(fits)) {
            return Err(invalid("shortcut"));
        }
        let body = template.body.as_str();
        if body.trim().is_empty() || body.chars().count() > 10_000 || body.contains('\0') {
            return Err(invalid("body"));
        }
        let store = &desk.office().await?.bureau.store;
        Ok(store.save_template(id(&template.id)?, TemplateDraft { name, shortcut, body }).await?)
    })
    .await
}

/// Removes a template. Saving it again undoes that.
#[tauri::command]
#[specta::specta]
pub async fn remove_template(desk: DeskState<'_>, template: String) -> Result<(), WireError> {
    logged("remove_template", async { Ok(desk.office().await?.bureau.store.remove_template(id(&template)?).await?) })
        .await
}
