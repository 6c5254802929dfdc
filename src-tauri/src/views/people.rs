//! Who somebody is.

use skrynka_core::{
    model::{AccountId, ContactId, ConversationId, Direction},
    store::{
        ClientCard, ContactLink, ForgetPreview, FoundPerson, Handle, HandleKind, Identity, Note, PersonHandle, Store,
    },
};

use super::{conversation, message};
use crate::wire::{
    ContactLinkView, ConversationKey, ForgetPreviewView, FoundPersonView, HandleKindView, HandleView, KnownHandle,
    NoteView, PersonDetails, PersonFile, WireError, count, stamp,
};

/// Other conversations, and messages with files, that are shown at most.
const SHOWN: i64 = 50;
/// Contacts that are suggested at most.
const LIKELY: i64 = 3;

/// Who a conversation is with.
pub async fn person(store: &Store, account: AccountId, id: ConversationId) -> Result<PersonDetails, WireError> {
    let person = store.person(account, id).await?;
    let (others, likely) = match &person {
        Some(person) => (
            store.conversations_with(person.contact, (account, id), SHOWN).await?,
            store.likely_same(person.contact, LIKELY).await?,
        ),
        None => (Vec::new(), Vec::new()),
    };
    let cards = match &person {
        Some(person) => store.client_cards(person.contact).await?,
        None => Vec::new(),
    };
    let notes = store.adopted_notes(account, id).await?;
    let mut theirs = vec![(account, id)];
    theirs.extend(others.iter().map(|row| (row.account, row.id)));
    let mut files = Vec::new();
    for stored in store.messages_with_files(&theirs, SHOWN).await? {
        let (of, at) = (stored.conversation, stamp(stored.received_at));
        let ours = stored.direction == Direction::Out;
        let shown = message(stored);
        files.extend(shown.files.into_iter().map(|file| PersonFile {
            file,
            message: shown.key.clone(),
            conversation: ConversationKey { account: shown.key.account.clone(), id: of.to_string() },
            ours,
            at: at.clone(),
        }));
    }
    files.truncate(usize::try_from(SHOWN).unwrap_or_default());
    Ok(PersonDetails {
        contact: person.as_ref().map(|person| person.contact.to_string()),
        since: person.as_ref().map(|person| stamp(person.since)),
        handles: person.map(|person| handles(person.handles, person.contact)).unwrap_or_default(),
        conversations: others.into_iter().map(conversation).collect(),
        files,
        likely: likely.into_iter().map(found_person).collect(),
        cards: cards.iter().filter_map(card).collect(),
        notes: notes.into_iter().map(note).collect(),
    })
}

/// The address of a client's card; none where nobody said where cards are, or where the key would say something else in
/// an address.
fn card(card: &ClientCard) -> Option<String> {
    let plain = card.old_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    (plain && !card.pattern.is_empty()).then(|| card.pattern.replace("{id}", &card.old_id))
}

fn note(note: Note) -> NoteView {
    NoteView { id: note.id.to_string(), author: note.author, text: note.text, at: stamp(note.written_at) }
}

/// A contact that may be meant.
pub fn found_person(found: FoundPerson) -> FoundPersonView {
    FoundPersonView {
        contact: found.contact.to_string(),
        name: found.name,
        handles: handles(found.handles, found.contact),
    }
}

/// What a removal of somebody's data would take away.
pub fn forget_preview(identity: &Identity, preview: ForgetPreview, own: bool) -> ForgetPreviewView {
    let handles = identity.handles();
    let is_named = handles.iter().any(|handle| handle.kind != HandleKind::TelegramId);
    let known = handles.into_iter().filter_map(|PersonHandle { kind, value }| {
        let kind = shown_kind(kind, is_named)?;
        Some(KnownHandle { kind, value })
    });
    ForgetPreviewView {
        name: preview.name,
        handles: known.collect(),
        conversations: count(preview.conversations),
        messages: count(preview.messages),
        blanked: count(preview.blanked),
        files: count(preview.files),
        unsent: count(preview.unsent),
        notes: count(preview.notes),
        kept: count(preview.kept),
        own,
    }
}

/// Which contact another one is the same as.
pub fn contact_link(link: ContactLink) -> ContactLinkView {
    ContactLinkView { contact: link.contact.to_string(), same_as: link.same_as.map(|contact| contact.to_string()) }
}

/// Handles as they are shown.
fn handles(handles: Vec<Handle>, own: ContactId) -> Vec<HandleView> {
    let named: Vec<ContactId> =
        handles.iter().filter(|handle| handle.kind != HandleKind::TelegramId).map(|handle| handle.contact).collect();
    handles
        .into_iter()
        .filter_map(|handle| {
            let kind = shown_kind(handle.kind, named.contains(&handle.contact))?;
            let linked = handle.contact != own;
            Some(HandleView { kind, value: handle.value, contact: handle.contact.to_string(), linked })
        })
        .collect()
}

/// What a handle is shown as: a Telegram user's number only stands for one who has nothing else.
const fn shown_kind(kind: HandleKind, is_named: bool) -> Option<HandleKindView> {
    match kind {
        HandleKind::Email => Some(HandleKindView::Email),
        HandleKind::Phone => Some(HandleKindView::Phone),
        HandleKind::TelegramUsername => Some(HandleKindView::TelegramUsername),
        HandleKind::TelegramId if is_named => None,
        HandleKind::TelegramId => Some(HandleKindView::Telegram),
    }
}
