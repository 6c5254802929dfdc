//! Passing messages on to another conversation, of either network.

use std::collections::HashSet;

use skrynka_core::{
    connector::TempFile,
    model::{AccountId, AttachmentId, Direction, MessageId},
    store::OutgoingFile,
};
use time::OffsetDateTime;

use super::{
    DeskState, file_error, id,
    inbox::key,
    logged,
    message::{content, write},
    not_found,
    outbox::{language, undo_until},
};
use crate::{
    chats,
    copies::attached_dir,
    desk::{Desk, Office},
    mails::{self, Beginning},
    views,
    wire::{ConversationKey, ErrorCode, MailBeginning, MessageKey, WireError},
};

/// Messages that are passed on at once.
const MESSAGES: usize = 100;

/// What messages become where they are passed on from another account: their words, each under a line that says whose
/// they are, and their files, stored for that account. A chat's file is fetched first. The subject is the first mail's.
#[tauri::command]
#[specta::specta]
pub async fn begin_passing_on(
    desk: DeskState<'_>,
    messages: Vec<MessageKey>,
    account: String,
) -> Result<MailBeginning, WireError> {
    logged("begin_passing_on", async {
        if messages.is_empty() || messages.len() > MESSAGES {
            return Err(WireError { code: ErrorCode::InvalidInput, detail: "messages".to_owned() });
        }
        let office = desk.office().await?;
        let to: AccountId = id(&account)?;
        let mut passed = Beginning::default();
        let (mut words, mut files) = (Vec::new(), Vec::new());
        let mut covered: HashSet<(AccountId, MessageId)> = HashSet::new();
        for message in &messages {
            let (from, message) = (id::<AccountId>(&message.account)?, id::<MessageId>(&message.id)?);
            if covered.contains(&(from, message)) {
                continue;
            }
            // An item of an album is answered by the whole of it.
            let stored = office.bureau.store.message(from, message).await?;
            covered.extend(stored.chat.iter().flat_map(|chat| &chat.items).map(|item| (from, *item)));
            if passed.subject.is_empty() && !stored.subject.is_empty() {
                passed.subject = skrynka_mail::answer::forward_subject(&stored.subject);
            }
            let author = match (stored.direction, stored.author.name.is_empty()) {
                (Direction::Out, _) => {
                    let known = office.bureau.store.account(from).await?.ok_or_else(not_found)?;
                    mails::sender_name(&office.bureau, known).await?
                }
                (Direction::In, false) => stored.author.name.clone(),
                (Direction::In, true) => stored.author.address.clone(),
            };
            if words.is_empty() || !stored.text.trim().is_empty() {
                let head = language(&desk).passed_on_from(&author, &local(stored.received_at));
                words.push(format!("{head}\n{}", stored.text.trim()));
            }
            for file in stored.files.iter().filter(|file| !file.inline) {
                files.push(copied(&desk, &office, (from, file.id), to).await?);
            }
        }
        passed.quote = words.join("\n\n").trim_end().to_owned();
        Ok(views::mail_beginning(passed, files))
    })
    .await
}

/// Passes messages of a chat on to another one of the same account as they are, with the albums they belong to. Returns the
/// keys of what is on its way.
#[tauri::command]
#[specta::specta]
pub async fn pass_on(
    desk: DeskState<'_>,
    messages: Vec<MessageKey>,
    to: ConversationKey,
    nameless: bool,
) -> Result<Vec<String>, WireError> {
    logged("pass_on", async {
        let wrong = || WireError { code: ErrorCode::InvalidInput, detail: "messages".to_owned() };
        if messages.is_empty() || messages.len() > MESSAGES || messages.iter().any(|key| key.account != to.account) {
            return Err(wrong());
        }
        let (account, conversation) = key(&to)?;
        let messages = messages.iter().map(|message| id(&message.id)).collect::<Result<Vec<MessageId>, _>>()?;
        let bureau = &desk.office().await?.bureau;
        let send_at = undo_until(&desk, |settings| settings.chat_undo_seconds, bureau.clock.now());
        let queued = chats::pass_on(bureau, account, conversation, &messages, nameless, send_at).await?;
        Ok(queued.into_iter().map(|id| id.to_string()).collect())
    })
    .await
}

/// A moment by the wall clock of this place.
fn local(at: OffsetDateTime) -> String {
    jiff::Timestamp::from_second(at.unix_timestamp())
        .map(|at| at.to_zoned(jiff::tz::TimeZone::system()).strftime("%d.%m.%Y %H:%M").to_string())
        .unwrap_or_default()
}

/// Stores a file of one account for another.
async fn copied(
    desk: &Desk,
    office: &Office,
    (from, file): (AccountId, AttachmentId),
    to: AccountId,
) -> Result<OutgoingFile, WireError> {
    let content = content(desk, office, from, file).await?;
    let folder = attached_dir(&desk.ground()?.profile);
    std::fs::create_dir_all(&folder).map_err(file_error)?;
    let copy = TempFile { path: folder.join(format!("{}.part", uuid::Uuid::now_v7())) };
    write(office, &content, std::fs::File::create_new(&copy.path).map_err(file_error)?).await?;
    Ok(mails::keep_file(&office.bureau, to, &copy.path, &content.name).await?)
}
