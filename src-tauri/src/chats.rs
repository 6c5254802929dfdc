//! What people do in chats: writing, fetching files, reading a chat back. The same for the window and the command line.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use skrynka_core::{
    connector::TempFile,
    engine::{AskError, Engine, Older},
    model::{AccountId, AttachmentId, ConversationId, DraftId, Entity, MessageId, OutgoingId, VoiceNote},
    store::{ChatReach, OutgoingDraft, OutgoingFile, OutgoingForward, Store, StoreError},
};
use skrynka_telegram::voice::{self, VoiceError};
use time::OffsetDateTime;

use crate::{
    uploads::Upload,
    views,
    wire::{ErrorCode, WireError},
    wiring::Bureau,
};

/// The longest text that Telegram takes, in UTF-16 units.
pub const LONGEST: usize = 4096;
/// The longest text under a file, in UTF-16 units.
const LONGEST_UNDER_FILE: usize = 1024;
/// Files of one album (core.telegram.org/method/messages.sendMultiMedia).
const ALBUM: usize = 10;
/// A file above this size goes by itself: a line that is cut brings all of an album up again.
const LARGE: u64 = 50 << 20;
/// The largest file that Telegram takes from every account, in bytes.
const LARGEST_FILE: u64 = 2000 << 20;
/// Messages of one request (core.telegram.org/method/messages.forwardMessages).
const FORWARDED: usize = 100;
/// Characters of a message that are shown while it is being passed on.
const SHOWN: usize = 300;
/// Messages read back at a time.
const PAGE: u32 = 100;

/// Why a text was not put on its way. Nothing is stored, nothing is sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// There is nothing in it.
    #[error("the text is empty")]
    Empty,
    /// It is too long.
    #[error("the text has {0} characters; Telegram takes {1}")]
    TooLong(usize, usize),
    /// The file is empty or too large.
    #[error("{0} has {1} bytes; Telegram takes 1 to {LARGEST_FILE}")]
    FileSize(String, u64),
    /// Nobody but its owners writes there.
    #[error("only its owners write in a channel")]
    ReadOnly,
    /// The old system kept a number or a name alone, and Telegram has not told of the chat.
    #[error(
        "nothing but {0} is known of this chat, which came over from the old system; nothing was sent: begin a chat with \
         that number or name, or wait until they write, and it becomes this one"
    )]
    Unknown(String),
    /// The database refused, or there is no such chat.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<SendError> for WireError {
    fn from(error: SendError) -> Self {
        let detail = error.to_string();
        let code = match error {
            SendError::Empty => ErrorCode::InvalidInput,
            SendError::TooLong(..) | SendError::FileSize(..) => ErrorCode::TooLong,
            SendError::ReadOnly | SendError::Unknown(_) => ErrorCode::NotOffered,
            SendError::Store(error) => return error.into(),
        };
        Self { code, detail }
    }
}

impl From<AskError> for WireError {
    fn from(error: AskError) -> Self {
        let detail = skrynka_core::chain(&error);
        match error {
            AskError::NotConnected | AskError::NoAnswer(_) => Self { code: ErrorCode::NotConnected, detail },
            AskError::Remote(error) => error.trouble().clone().into(),
            AskError::Elsewhere(trouble) => trouble.into(),
            AskError::Store(error) => error.into(),
            AskError::File(_) => Self { code: ErrorCode::File, detail },
        }
    }
}

/// A text that a person wants to send.
#[derive(Debug, Clone, Default)]
pub struct Text {
    /// What it says.
    pub text: String,
    /// How stretches of it are shown.
    pub entities: Vec<Entity>,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// Not before then.
    pub send_at: Option<OffsetDateTime>,
    /// The file that goes with it, which is stored already.
    pub file: Option<OutgoingFile>,
}

/// Puts texts on their way, all or none, with the end of the draft that they were written as. The program that listens
/// to the account sends them, in the order of the chat.
///
/// # Errors
/// See [`SendError`].
pub async fn send(
    bureau: &Bureau,
    account: AccountId,
    conversation: ConversationId,
    texts: Vec<Text>,
    draft: Option<DraftId>,
) -> Result<Vec<OutgoingId>, SendError> {
    texts.iter().try_for_each(check)?;
    writable(bureau, account, conversation).await?;
    let albums = albums(&texts, rand::random);
    let queued = texts.into_iter().zip(albums).map(|(text, album)| OutgoingDraft {
        id: OutgoingId::new(bureau.clock.now()),
        conversation,
        text: text.text,
        entities: text.entities,
        reply_to: text.reply_to,
        random_id: rand::random(),
        send_at: text.send_at,
        file: text.file,
        album,
        forward: None,
    });
    let queued: Vec<OutgoingDraft> = queued.collect();
    bureau.store.queue_texts(account, &queued, draft).await?;
    for text in &queued {
        let (length, file) = (text.text.chars().count(), text.file.as_ref().map(|file| file.size));
        tracing::info!(target: "skrynka::outbox", account = %account, outgoing = %text.id, length, file, "Message accepted");
    }
    Ok(queued.into_iter().map(|text| text.id).collect())
}

/// Tells whether somebody of the bureau may write to a chat.
async fn writable(bureau: &Bureau, account: AccountId, conversation: ConversationId) -> Result<(), SendError> {
    match bureau.store.chat_reach(account, conversation).await {
        Ok(chat) if views::is_writable(chat.kind) => Ok(()),
        Ok(_) => Err(SendError::ReadOnly),
        Err(StoreError::NotFound(what)) => {
            let found = bureau.store.conversations_by_key(&[(account, conversation)]).await?;
            let unknown = found.into_iter().find(|one| one.chat.as_ref().is_some_and(|chat| chat.key.is_none()));
            let named = unknown.map(|one| if one.peer_address.is_empty() { one.peer_name } else { one.peer_address });
            Err(named.map_or(SendError::Store(StoreError::NotFound(what)), SendError::Unknown))
        }
        Err(error) => Err(error.into()),
    }
}

/// Puts messages of a chat on their way to another one of the same account, as they are, with those that belong to the same
/// albums: together and in order. Telegram keeps whose they were, unless they go `nameless`.
///
/// # Errors
/// See [`SendError`]; [`SendError::Empty`] where one of them is none that can be passed on, or of another chat.
pub async fn pass_on(
    bureau: &Bureau,
    account: AccountId,
    to: ConversationId,
    messages: &[MessageId],
    nameless: bool,
    send_at: Option<OffsetDateTime>,
) -> Result<Vec<OutgoingId>, SendError> {
    writable(bureau, account, to).await?;
    let mut passed: BTreeMap<MessageId, OutgoingForward> = BTreeMap::new();
    let mut of = None;
    for id in messages.iter().copied() {
        if passed.contains_key(&id) {
            continue;
        }
        let stored = bureau.store.message(account, id).await?;
        let chat = stored.chat.as_ref().filter(|chat| chat.service.is_none()).ok_or(SendError::Empty)?;
        if stored.unreadable.is_some() || *of.get_or_insert(stored.conversation) != stored.conversation {
            return Err(SendError::Empty);
        }
        let items = if chat.items.is_empty() { vec![id] } else { chat.items.clone() };
        for (at, message) in items.into_iter().enumerate() {
            let words = if at == 0 { stored.text.trim() } else { "" };
            let words = match stored.files.get(at) {
                Some(file) if words.is_empty() => file.name.clone(),
                Some(_) | None => words.chars().take(SHOWN).collect(),
            };
            let author = stored.author.name.clone();
            passed.insert(message, OutgoingForward { message, nameless, author, words });
        }
    }
    let passed: Vec<OutgoingForward> = passed.into_values().collect();
    let mut queued = Vec::with_capacity(passed.len());
    for some in passed.chunks(FORWARDED) {
        let album = (some.len() > 1).then(rand::random);
        queued.extend(some.iter().map(|forward| OutgoingDraft {
            id: OutgoingId::new(bureau.clock.now()),
            conversation: to,
            text: String::new(),
            entities: Vec::new(),
            reply_to: None,
            random_id: rand::random(),
            send_at,
            file: None,
            album,
            forward: Some(forward.clone()),
        }));
    }
    bureau.store.queue_texts(account, &queued, None).await?;
    tracing::info!(target: "skrynka::outbox", account = %account, count = queued.len(), nameless, "Messages to pass on accepted");
    Ok(queued.into_iter().map(|text| text.id).collect())
}

/// Files that follow one another go as albums, as in Telegram's own programs: for each text the number of its album.
fn albums(texts: &[Text], mut number: impl FnMut() -> i64) -> Vec<Option<i64>> {
    let mut albums = Vec::with_capacity(texts.len());
    let may_join =
        |text: &Text| text.file.as_ref().is_some_and(|file| (1..=LARGE).contains(&file.size) && file.voice.is_none());
    for run in texts.chunk_by(|one, next| may_join(one) && may_join(next)) {
        for some in run.chunks(ALBUM) {
            let album = (some.len() > 1).then(&mut number);
            albums.extend(std::iter::repeat_n(album, some.len()));
        }
    }
    albums
}

/// Stores a recording as a voice.
///
/// # Errors
/// It holds no sound, or cannot be read or stored.
pub async fn keep_voice(bureau: &Bureau, recording: &Upload) -> Result<OutgoingFile, WireError> {
    let file_error = |detail: String| WireError { code: ErrorCode::File, detail };
    let account = recording.account;
    let samples = recording.path().to_owned();
    let encode = move || -> Result<(VoiceNote, TempFile), VoiceError> {
        let written = TempFile { path: samples.with_extension("ogg") };
        let mut into = BufWriter::new(File::create(&written.path)?);
        let voice = voice::encode(BufReader::new(File::open(&samples)?), &mut into)?;
        into.flush()?;
        Ok((voice, written))
    };
    let encoded = tokio::task::spawn_blocking(encode).await.map_err(|error| file_error(error.to_string()))?;
    let (voice, written) = encoded.map_err(|error| file_error(skrynka_core::chain(&error)))?;
    let (sha256, size) = bureau.store.keep_blob(account, &written.path).await?;
    let (name, mime) = ("voice.ogg".to_owned(), "audio/ogg".to_owned());
    Ok(OutgoingFile { name, mime, size, sha256, content_id: None, voice: Some(voice) })
}

fn check(text: &Text) -> Result<(), SendError> {
    let Some(file) = &text.file else { return check_words(&text.text) };
    let length = text.text.encode_utf16().count();
    if text.text.contains('\0') {
        return Err(SendError::Empty);
    }
    if length > LONGEST_UNDER_FILE {
        return Err(SendError::TooLong(length, LONGEST_UNDER_FILE));
    }
    if file.size == 0 || file.size > LARGEST_FILE {
        return Err(SendError::FileSize(file.name.clone(), file.size));
    }
    Ok(())
}

/// Whether Telegram takes these words as a message of their own.
///
/// # Errors
/// [`SendError::Empty`] or [`SendError::TooLong`].
pub fn check_words(words: &str) -> Result<(), SendError> {
    let length = words.encode_utf16().count();
    if words.trim().is_empty() || words.contains('\0') {
        return Err(SendError::Empty);
    }
    if length > LONGEST {
        return Err(SendError::TooLong(length, LONGEST));
    }
    Ok(())
}

/// Reads what is older than the oldest message stored of a chat.
///
/// # Errors
/// See [`AskError`].
pub async fn load_older(engine: &Engine, account: AccountId, chat: &ChatReach) -> Result<Older, AskError> {
    engine.read_back(account, chat.key, chat.lowest, PAGE).await
}

/// Reads a chat back to its beginning; each page is told as the messages stored so far.
///
/// # Errors
/// See [`AskError`]; what came before stays stored.
pub async fn load_whole(
    engine: &Engine,
    account: AccountId,
    chat: &ChatReach,
    mut tell: impl FnMut(usize, bool),
) -> Result<(), AskError> {
    let (mut before, mut stored) = (chat.lowest, 0);
    loop {
        let page = engine.read_back(account, chat.key, before, PAGE).await?;
        stored += page.stored;
        let beginning = page.beginning || page.first.is_none();
        tell(stored, beginning);
        // A page that does not go back would be asked for again and again.
        let goes_back = page.first.is_some_and(|first| before.is_none_or(|before| first < before));
        if beginning || !goes_back {
            return Ok(());
        }
        before = page.first;
    }
}

/// Where the part of a file stands that was fetched so far.
pub fn part_path(folder: &Path, file: AttachmentId) -> PathBuf {
    folder.join(format!("{file}.part"))
}

/// Writes the bytes of a chat's file that was fetched.
///
/// # Errors
/// The file is not here, or cannot be written.
pub async fn write_kept(
    store: &Store,
    account: AccountId,
    id: AttachmentId,
    to: &mut std::fs::File,
) -> Result<(), WireError> {
    let file_error = |error: std::io::Error| WireError { code: ErrorCode::File, detail: error.to_string() };
    for number in 0.. {
        match store.kept_chunk(account, id, number).await? {
            Some(bytes) => to.write_all(&bytes).map_err(file_error)?,
            None if number == 0 && store.file(account, id).await?.size > 0 => {
                return Err(StoreError::NotFound("the file").into());
            }
            None => break,
        }
    }
    to.flush().map_err(file_error)
}

/// Tells whether a file holds the same bytes as the chat's.
pub async fn is_kept_as(store: &Store, account: AccountId, id: AttachmentId, path: &Path) -> Result<bool, StoreError> {
    let Ok(mut file) = std::fs::File::open(path) else { return Ok(false) };
    let mut there = vec![0; Store::CHUNK];
    for number in 0.. {
        let Some(bytes) = store.kept_chunk(account, id, number).await? else { break };
        let Some(piece) = there.get_mut(..bytes.len()) else { return Ok(false) };
        if std::io::Read::read_exact(&mut file, piece).is_err() || *piece != *bytes {
            return Ok(false);
        }
    }
    Ok(std::io::Read::read(&mut file, &mut there).is_ok_and(|rest| rest == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_follow_one_another_are_albums_of_ten_at_most() {
        let file = || {
            let (name, mime) = ("a".to_owned(), String::new());
            Some(OutgoingFile { name, mime, size: 1, sha256: [0; 32], content_id: None, voice: None })
        };
        let texts = |files: &[bool]| -> Vec<Text> {
            files.iter().map(|has| Text { file: if *has { file() } else { None }, ..Text::default() }).collect()
        };
        let numbered = |files: &[bool]| {
            let mut last = 0;
            albums(&texts(files), || {
                last += 1;
                last
            })
        };
        assert_eq!(numbered(&[true]), [None]);
        assert_eq!(numbered(&[false, false]), [None, None]);
        assert_eq!(numbered(&[false, true, true, false, true]), [None, Some(1), Some(1), None, None]);
        let many = numbered(&[true; 21]);
        assert_eq!(many.iter().filter(|album| **album == Some(1)).count(), 10);
        assert_eq!(many.iter().filter(|album| **album == Some(2)).count(), 10);
        assert_eq!(many[20], None);
        // A voice goes by itself.
        let mut spoken = texts(&[true; 4]);
        if let Some(file) = &mut spoken[1].file {
            file.voice = Some(VoiceNote { duration_ms: 1000, waveform: Vec::new() });
        }
        assert_eq!(albums(&spoken, || 1), [None, None, Some(1), Some(1)]);
    }
}
