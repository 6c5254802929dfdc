//! Writing and sending: mails, drafts, files.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use skrynka_core::{
    model::{AccountId, Address, ConversationId, DraftId, MessageId, OutgoingId, VoiceNote},
    profile::Settings,
    store::{Letterhead, OutgoingFile, StoreError},
};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use super::{DeskState, id, inbox::key, logged};
use crate::{
    chats, copies,
    desk::Desk,
    mails::{self, Picture, Written},
    media_scheme,
    uploads::Left,
    views,
    wire::{
        AttachedFile, ConversationKey, DraftView, ErrorCode, LeftRecording, LetterheadForm, MailBeginning,
        MailDraftForm, MessageKey, OutgoingView, OverlookedView, PersonView, PictureForm, VoiceView, WireError, stamp,
    },
    words::Language,
};

/// Texts and mails that are shown at most.
const UNSENT: i64 = 500;
/// The longest draft, in bytes.
const DRAFT: usize = 16 << 20;

/// Puts a mail on its way and returns its key. What becomes of it is told by the journal. The draft that it was written
/// as ends with it.
#[tauri::command]
#[specta::specta]
pub async fn send_mail(
    desk: DeskState<'_>,
    account: String,
    conversation: Option<String>,
    form: MailDraftForm,
    draft: Option<String>,
) -> Result<String, WireError> {
    logged("send_mail", async {
        let draft = draft.as_deref().map(id::<DraftId>).transpose()?;
        let office = desk.office().await?;
        let account: AccountId = id(&account)?;
        let conversation = conversation.as_deref().map(id::<ConversationId>).transpose()?;
        let send_at = match form.send_at.as_deref() {
            Some(at) => Some(moment(at)?),
            None => undo_until(&desk, Settings::undo, office.bureau.clock.now()),
        };
        let written = Written { send_at, draft, ..written(form)? };
        let queued = mails::send(&office.bureau, account, conversation, written, language(&desk)).await?;
        Ok(queued.to_string())
    })
    .await
}

/// What a person may have overlooked in a mail.
#[tauri::command]
#[specta::specta]
pub async fn check_mail(
    desk: DeskState<'_>,
    account: String,
    conversation: Option<String>,
    form: MailDraftForm,
) -> Result<Vec<OverlookedView>, WireError> {
    logged("check_mail", async {
        let office = desk.office().await?;
        let account: AccountId = id(&account)?;
        let conversation = conversation.as_deref().map(id::<ConversationId>).transpose()?;
        let overlooked = mails::overlooked(&office.bureau, account, conversation, &written(form)?).await?;
        Ok(overlooked.into_iter().map(views::overlooked).collect())
    })
    .await
}

/// How a mail is answered: to its author, or to all.
#[tauri::command]
#[specta::specta]
pub async fn begin_answer(desk: DeskState<'_>, message: MessageKey, all: bool) -> Result<MailBeginning, WireError> {
    logged("begin_answer", async {
        let office = desk.office().await?;
        let (account, message) = (id(&message.account)?, id::<MessageId>(&message.id)?);
        let begun = mails::begin_answer(&office.bureau, account, message, all, language(&desk)).await?;
        Ok(views::mail_beginning(begun, Vec::new()))
    })
    .await
}

/// How a mail is passed on, with its files.
#[tauri::command]
#[specta::specta]
pub async fn begin_forward(desk: DeskState<'_>, message: MessageKey) -> Result<MailBeginning, WireError> {
    logged("begin_forward", async {
        let office = desk.office().await?;
        let (account, message) = (id(&message.account)?, id::<MessageId>(&message.id)?);
        let (begun, files) = mails::begin_forward(&office.bureau, account, message, language(&desk)).await?;
        Ok(views::mail_beginning(begun, files))
    })
    .await
}

/// Texts and mails of every account that have not been sent, oldest first.
#[tauri::command]
#[specta::specta]
pub async fn outbox(desk: DeskState<'_>) -> Result<Vec<OutgoingView>, WireError> {
    logged("outbox", async {
        let unsent = desk.office().await?.bureau.store.unsent(UNSENT).await?;
        Ok(unsent.into_iter().map(views::outgoing).collect())
    })
    .await
}

/// A person says that a mail whose end was not seen was sent.
#[tauri::command]
#[specta::specta]
pub async fn confirm_sent(desk: DeskState<'_>, account: String, outgoing: String) -> Result<(), WireError> {
    logged("confirm_sent", async {
        let store = &desk.office().await?.bureau.store;
        Ok(store.confirm_mail(id(&account)?, id::<OutgoingId>(&outgoing)?).await?)
    })
    .await
}

/// Changes when a text or mail goes out whose time is still to come; without a moment it goes at once. One that is being
/// sent, or was taken back, is "not found".
#[tauri::command]
#[specta::specta]
pub async fn reschedule(
    desk: DeskState<'_>,
    account: String,
    outgoing: String,
    send_at: Option<String>,
) -> Result<(), WireError> {
    logged("reschedule", async {
        let at = send_at.as_deref().map(moment).transpose()?;
        let bureau = &desk.office().await?.bureau;
        let now = bureau.clock.now();
        Ok(bureau.store.reschedule(id(&account)?, id::<OutgoingId>(&outgoing)?, at.unwrap_or(now), now).await?)
    })
    .await
}

/// Begins to take a file and returns the key of its upload.
#[tauri::command]
#[specta::specta]
pub async fn attach_begin(desk: DeskState<'_>, account: String, name: String) -> Result<String, WireError> {
    logged("attach_begin", async {
        let folder = copies::attached_dir(&desk.ground()?.profile);
        let name = skrynka_mail::parse::clean_file_name(&name, mails::media_type(&name));
        Ok(desk.office().await?.uploads.begin(folder, id(&account)?, name)?.to_string())
    })
    .await
}

/// Takes a piece of a file, in base64.
#[tauri::command]
#[specta::specta]
pub async fn attach_piece(desk: DeskState<'_>, upload: String, piece: String) -> Result<(), WireError> {
    logged("attach_piece", async {
        let bytes = STANDARD.decode(piece.as_bytes()).map_err(|_| invalid("piece"))?;
        desk.office().await?.uploads.add(id(&upload)?, &bytes)
    })
    .await
}

/// Stores a file that is whole.
#[tauri::command]
#[specta::specta]
pub async fn attach_end(desk: DeskState<'_>, upload: String) -> Result<AttachedFile, WireError> {
    logged("attach_end", async {
        let office = desk.office().await?;
        let upload = office.uploads.take(id(&upload)?)?;
        let kept = mails::keep_file(&office.bureau, upload.account, upload.path(), &upload.name).await?;
        Ok(views::attached(kept))
    })
    .await
}

/// Stores a recording that is whole as a voice that a chat plays: it was taken in samples of 16 bits, 48,000 a second.
#[tauri::command]
#[specta::specta]
pub async fn attach_voice(desk: DeskState<'_>, upload: String) -> Result<AttachedFile, WireError> {
    logged("attach_voice", async {
        let office = desk.office().await?;
        let key = id(&upload)?;
        let upload = office.uploads.take(key)?;
        match chats::keep_voice(&office.bureau, &upload).await {
            Ok(voice) => Ok(views::attached(voice)),
            Err(error) => {
                if upload.is_recording() {
                    office.uploads.put_back(key, upload);
                }
                Err(error)
            }
        }
    })
    .await
}

/// Begins to take a recording for a chat and returns the key of its upload: what was said so far is not lost with the page or
/// the program.
#[tauri::command]
#[specta::specta]
pub async fn record_begin(desk: DeskState<'_>, conversation: ConversationKey) -> Result<String, WireError> {
    logged("record_begin", async {
        let folder = copies::attached_dir(&desk.ground()?.profile);
        let (account, conversation) = key(&conversation)?;
        Ok(desk.office().await?.uploads.record(folder, account, conversation)?.to_string())
    })
    .await
}

/// The recordings that nobody has ended, oldest first: the page or the program ended while somebody spoke. A page asks once,
/// at its start, and ends each as a voice of its chat's draft. Those of a chat that is gone are removed.
#[tauri::command]
#[specta::specta]
pub async fn left_recordings(desk: DeskState<'_>) -> Result<Vec<LeftRecording>, WireError> {
    logged("left_recordings", async {
        let office = desk.office().await?;
        let mut found = Vec::new();
        for Left { key, account, conversation } in office.uploads.left(&copies::attached_dir(&desk.ground()?.profile)) {
            match office.bureau.store.chat_reach(account, conversation).await {
                Ok(_) => found.push(LeftRecording {
                    upload: key.to_string(),
                    conversation: ConversationKey { account: account.to_string(), id: conversation.to_string() },
                }),
                Err(StoreError::NotFound(_)) => drop(office.uploads.take(key)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(found)
    })
    .await
}

/// The address that the bytes of a file are shown and played from which goes with what is written.
#[tauri::command]
#[specta::specta]
pub async fn attached_url(account: String, file: AttachedFile) -> Result<String, WireError> {
    logged("attached_url", async { Ok(media_scheme::kept_url(id(&account)?, self::file(&file)?.sha256)) }).await
}

/// Gives up a file that is being taken.
#[tauri::command]
#[specta::specta]
pub async fn attach_cancel(desk: DeskState<'_>, upload: String) -> Result<(), WireError> {
    logged("attach_cancel", async {
        // One that is whole by now is as good as given up: nothing refers to it.
        let _given_up = desk.office().await?.uploads.take(id(&upload)?);
        Ok(())
    })
    .await
}

/// Every draft, the latest first.
#[tauri::command]
#[specta::specta]
pub async fn drafts(desk: DeskState<'_>) -> Result<Vec<DraftView>, WireError> {
    logged("drafts", async {
        let drafts = desk.office().await?.bureau.store.drafts().await?;
        let view = |draft: skrynka_core::store::StoredDraft| DraftView {
            account: draft.account.to_string(),
            id: draft.id.to_string(),
            conversation: draft.conversation.map(|id| id.to_string()),
            content: draft.content,
            changed_at: stamp(draft.changed_at),
        };
        Ok(drafts.into_iter().map(view).collect())
    })
    .await
}

/// Stores a draft under a key that the window made (a UUID), in place of what stood there.
#[tauri::command]
#[specta::specta]
pub async fn save_draft(
    desk: DeskState<'_>,
    account: String,
    draft: String,
    conversation: Option<ConversationKey>,
    content: String,
) -> Result<(), WireError> {
    logged("save_draft", async {
        if content.len() > DRAFT {
            return Err(WireError { code: ErrorCode::TooLong, detail: String::new() });
        }
        let conversation = conversation.map(|key| id::<ConversationId>(&key.id)).transpose()?;
        let store = &desk.office().await?.bureau.store;
        Ok(store.save_draft(id(&account)?, id::<DraftId>(&draft)?, conversation, &content).await?)
    })
    .await
}

/// Removes a draft.
#[tauri::command]
#[specta::specta]
pub async fn remove_draft(desk: DeskState<'_>, account: String, draft: String) -> Result<(), WireError> {
    logged("remove_draft", async {
        let store = &desk.office().await?.bureau.store;
        Ok(store.remove_draft(id(&account)?, id::<DraftId>(&draft)?).await?)
    })
    .await
}

/// How an account's mails begin and end.
#[tauri::command]
#[specta::specta]
pub async fn letterhead(desk: DeskState<'_>, account: String) -> Result<LetterheadForm, WireError> {
    logged("letterhead", async {
        let Letterhead { sender_name, signature } = desk.office().await?.bureau.store.letterhead(id(&account)?).await?;
        Ok(LetterheadForm { sender_name, signature })
    })
    .await
}

/// Changes how an account's mails begin and end.
#[tauri::command]
#[specta::specta]
pub async fn set_letterhead(desk: DeskState<'_>, account: String, form: LetterheadForm) -> Result<(), WireError> {
    logged("set_letterhead", async {
        if form.sender_name.chars().count() > 200 || form.signature.chars().count() > 10_000 {
            return Err(WireError { code: ErrorCode::TooLong, detail: String::new() });
        }
        let letterhead = Letterhead { sender_name: form.sender_name.trim().to_owned(), signature: form.signature };
        Ok(desk.office().await?.bureau.store.set_letterhead(id(&account)?, &letterhead).await?)
    })
    .await
}

/// Until when what is sent now can be taken back, going by the seconds that the settings give it.
pub(super) fn undo_until(desk: &Desk, seconds: fn(&Settings) -> u8, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let seconds = desk.settings().map_or(0, |settings| seconds(&settings));
    (seconds > 0).then(|| now + Duration::seconds(seconds.into()))
}

/// Reads a moment that the window wrote.
pub(super) fn moment(text: &str) -> Result<OffsetDateTime, WireError> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| invalid("sendAt"))
}

pub(super) fn language(desk: &Desk) -> Language {
    desk.settings().map_or(Language::English, |settings| Language::of(&settings))
}

fn written(form: MailDraftForm) -> Result<Written, WireError> {
    let people = |people: Vec<PersonView>| {
        let person = |person: PersonView| Address { name: person.name, address: person.address.trim().to_owned() };
        people.into_iter().map(person).collect()
    };
    Ok(Written {
        to: people(form.to),
        cc: people(form.cc),
        bcc: people(form.bcc),
        subject: form.subject,
        text: form.text,
        entities: form.entities.into_iter().filter_map(views::read_entity).collect(),
        answers: form.answers.as_deref().map(id::<MessageId>).transpose()?,
        quotes: form.quotes,
        files: form.files.iter().map(file).collect::<Result<_, _>>()?,
        pictures: form.pictures.into_iter().map(picture).collect(),
        send_at: None,
        draft: None,
    })
}

fn picture(form: PictureForm) -> Picture {
    Picture { file: form.file as usize, offset: form.offset, length: form.length }
}

/// Reads which stored bytes a file is.
pub(super) fn file(file: &AttachedFile) -> Result<OutgoingFile, WireError> {
    let sha256 = super::read_hash(&file.sha256).ok_or_else(|| invalid("sha256"))?;
    let name = skrynka_mail::parse::clean_file_name(&file.name, &file.mime);
    let note = |view: &VoiceView| VoiceNote {
        duration_ms: view.duration_ms,
        waveform: skrynka_telegram::voice::packed(&view.waveform),
    };
    let voice = file.voice.as_ref().map(note);
    Ok(OutgoingFile { name, mime: file.mime.clone(), size: file.size.into(), sha256, content_id: None, voice })
}

fn invalid(field: &str) -> WireError {
    WireError { code: ErrorCode::InvalidInput, detail: field.to_owned() }
}
