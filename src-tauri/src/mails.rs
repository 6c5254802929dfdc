//! Writing mails: answers, new ones, forwarded ones, and their files. The same for the window and the command line.

use std::path::Path;

use skrynka_core::{
    connector::{Content, Letter, OutgoingMail},
    model::{
        Account, AccountId, Address, ConversationId, Direction, DraftId, EmailSettings, Entity, MessageId, OutgoingId,
        is_plausible_address,
    },
    store::{MailDraft, OutgoingFile, StoreError},
};
use skrynka_mail::{answer, is_address, parse};
use time::{OffsetDateTime, macros::format_description};

use crate::{
    wire::{ErrorCode, WireError},
    wiring::Bureau,
    words::Language,
};

/// The most addresses of one mail.
const RECIPIENTS: usize = 500;
/// The longest subject, in characters: what a header line can carry (RFC 5322 section 2.1.1).
const SUBJECT: usize = 900;
/// The most bytes of all files of one mail: more than any provider takes, and what fits into memory a few times.
const FILES: u64 = 100 << 20;
/// The longest text, in bytes.
pub const TEXT: usize = 10 << 20;

/// A mail that a person wants to send.
#[derive(Debug, Clone, Default)]
pub struct Written {
    /// To.
    pub to: Vec<Address>,
    /// Cc.
    pub cc: Vec<Address>,
    /// Bcc.
    pub bcc: Vec<Address>,
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
    /// How stretches of it are shown.
    pub entities: Vec<Entity>,
    /// The mail that it answers.
    pub answers: Option<MessageId>,
    /// Whether that one is quoted under it.
    pub quotes: bool,
    /// The files, which are stored already.
    pub files: Vec<OutgoingFile>,
    /// Those of them that stand in the text.
    pub pictures: Vec<Picture>,
    /// Not before then.
    pub send_at: Option<OffsetDateTime>,
    /// The draft that it was written as.
    pub draft: Option<DraftId>,
}

/// A picture that stands in the text, in the place of the words that name it. Whoever reads the plain text has those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Which of the files it is.
    pub file: usize,
    /// Where those words begin, in UTF-16 units.
    pub offset: u32,
    /// How long they are.
    pub length: u32,
}

/// Why a mail was not put on its way. Nothing is stored, nothing is sent.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The account sends no mail.
    #[error("the account is no mailbox")]
    NoMailbox,
    /// Nobody is named.
    #[error("the mail names nobody to send it to")]
    Nobody,
    /// An address is none.
    #[error("{0:?} is no mail address")]
    Address(String),
    /// There are too many.
    #[error("the mail names {0} people; {RECIPIENTS} is the most")]
    TooMany(usize),
    /// There is nothing in it.
    #[error("the mail is empty")]
    Empty,
    /// The subject or text is too long.
    #[error("the {0} is too long")]
    TooLong(&'static str),
    /// The files are too large for a mail.
    #[error("the files have {0} bytes; a mail takes {FILES} at most")]
    Files(u64),
    /// The database refused, or what is answered is not there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<WriteError> for WireError {
    fn from(error: WriteError) -> Self {
        let detail = error.to_string();
        let code = match error {
            WriteError::NoMailbox => ErrorCode::NotOffered,
            WriteError::Nobody | WriteError::Address(_) | WriteError::TooMany(_) | WriteError::Empty => {
                ErrorCode::InvalidInput
            }
            WriteError::TooLong(_) | WriteError::Files(_) => ErrorCode::TooLong,
            WriteError::Store(error) => return error.into(),
        };
        Self { code, detail }
    }
}

/// Puts a mail on its way. The program that listens to the account sends it.
///
/// # Errors
/// See [`WriteError`].
pub async fn send(
    bureau: &Bureau,
    account: AccountId,
    conversation: Option<ConversationId>,
    mut written: Written,
    language: Language,
) -> Result<OutgoingId, WriteError> {
    let (known, settings) = mailbox(bureau, account).await?;
    check(&written)?;
    let answered = match written.answers {
        Some(message) => Some(original(bureau, account, message).await?),
        None => None,
    };
    let references = answered.as_ref().map(|original| answer::references(&original.letter)).unwrap_or_default();
    let mut text = written.text.trim_end().to_owned();
    if let Some(original) = answered.filter(|_| written.quotes) {
        text.push_str("\n\n");
        text.push_str(&original.quoted(language));
    }
    let now = bureau.clock.now();
    let id = OutgoingId::new(now);
    let domain = settings.id_domain();
    let pictures = placed(&mut written, &format!("{}@{domain}", id.0.simple()));
    let is_plain = written.entities.is_empty() && pictures.is_empty();
    let html = (!is_plain).then(|| answer::html(&text, &written.entities, &pictures));
    let name = sender_name(bureau, known).await?;
    let mail = OutgoingMail {
        message_id: format!("{}@{domain}", id.0.simple()),
        from: Address { name, address: settings.address.clone() },
        to: written.to,
        cc: written.cc,
        bcc: written.bcc,
        subject: written.subject.split_whitespace().collect::<Vec<_>>().join(" "),
        date: now,
        references,
        text,
        html,
        files: Vec::new(),
    };
    let (length, files, to) = (mail.text.len(), written.files.len(), mail.recipients().len());
    let draft = MailDraft {
        id,
        conversation,
        send_at: written.send_at,
        draft: written.draft,
        mail,
        entities: written.entities,
        files: written.files,
    };
    bureau.store.queue_mail(account, &draft).await?;
    tracing::info!(target: "skrynka::outbox", account = %account, outgoing = %id, length, files, to, "Message accepted");
    Ok(id)
}

/// Gives the pictures of a text their Content-IDs, made of the mail's own id. What is no picture stays an attached file.
fn placed(written: &mut Written, of: &str) -> Vec<answer::Picture> {
    let mut placed = Vec::with_capacity(written.pictures.len());
    for Picture { file: number, offset, length } in &written.pictures {
        let Some(file) = written.files.get_mut(*number).filter(|file| is_shown(&file.mime)) else { continue };
        let content_id = format!("{number}.{of}");
        file.content_id = Some(content_id.clone());
        placed.push(answer::Picture { offset: *offset, length: *length, content_id, name: file.name.clone() });
    }
    placed
}

/// Whether every mail program shows a picture of this type.
fn is_shown(mime: &str) -> bool {
    ["image/png", "image/jpeg", "image/gif", "image/webp"].contains(&mime)
}

fn check(written: &Written) -> Result<(), WriteError> {
    let everybody = || written.to.iter().chain(&written.cc).chain(&written.bcc);
    match everybody().count() {
        0 => return Err(WriteError::Nobody),
        count if count > RECIPIENTS => return Err(WriteError::TooMany(count)),
        _ => {}
    }
    if let Some(wrong) =
        everybody().find(|person| !is_plausible_address(&person.address) || !is_address(&person.address))
    {
        return Err(WriteError::Address(wrong.address.clone()));
    }
    if written.text.trim().is_empty() && written.files.is_empty() && written.subject.trim().is_empty() {
        return Err(WriteError::Empty);
    }
    if written.subject.chars().count() > SUBJECT {
        return Err(WriteError::TooLong("subject"));
    }
    if written.text.len() > TEXT {
        return Err(WriteError::TooLong("text"));
    }
    let files: u64 = written.files.iter().map(|file| file.size).sum();
    if files > FILES {
        return Err(WriteError::Files(files));
    }
    Ok(())
}

/// What a person may have overlooked in a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overlooked {
    /// The text speaks of a file and none is attached.
    NoFile,
    /// The subject is empty.
    NoSubject,
    /// A file came from somebody who does not get this mail.
    FileOfAnother { name: String, from: String },
    /// An address that was never met in this conversation.
    NewAddress(String),
    /// The mail is larger than what the account's server said it takes.
    TooLarge { bytes: u64, most: u64 },
}

/// Looks for what a person may have overlooked. Holds nothing back.
///
/// # Errors
/// The database did not say.
pub async fn overlooked(
    bureau: &Bureau,
    account: AccountId,
    conversation: Option<ConversationId>,
    written: &Written,
) -> Result<Vec<Overlooked>, WriteError> {
    let mut found = Vec::new();
    if written.subject.trim().is_empty() {
        found.push(Overlooked::NoSubject);
    }
    if written.files.is_empty() && answer::speaks_of_attachment(&written.text) {
        found.push(Overlooked::NoFile);
    }
    let everybody: Vec<String> =
        written.to.iter().chain(&written.cc).chain(&written.bcc).map(|person| person.address.to_lowercase()).collect();
    for file in &written.files {
        if let Some(from) = bureau.store.file_of_another(account, file.sha256, &everybody).await? {
            found.push(Overlooked::FileOfAnother { name: file.name.clone(), from });
        }
    }
    if let Some(most) = bureau.store.submission_size(account).await?
        && let bytes = size(written)
        && bytes > most
    {
        found.push(Overlooked::TooLarge { bytes, most });
    }
    if let Some(conversation) = conversation {
        let met = bureau.store.addresses_met(account, conversation).await?;
        let new = everybody.into_iter().filter(|address| !met.contains(address));
        found.extend(new.map(Overlooked::NewAddress));
    }
    Ok(found)
}

/// About how many bytes a mail has on its way: files are written in base64, in lines of 76 letters (RFC 2045 section 6.8).
fn size(written: &Written) -> u64 {
    let files: u64 = written.files.iter().map(|file| file.size.div_ceil(57) * 78).sum();
    files + written.text.len() as u64
}

/// How an answer to a mail, or a mail that passes it on, begins.
#[derive(Debug, Clone, Default)]
pub struct Beginning {
    /// To.
    pub to: Vec<Address>,
    /// Cc.
    pub cc: Vec<Address>,
    /// The subject.
    pub subject: String,
    /// What is quoted under it.
    pub quote: String,
}

/// How a mail is answered: by its author alone or by all.
///
/// # Errors
/// The mail is not there or cannot be read.
pub async fn begin_answer(
    bureau: &Bureau,
    account: AccountId,
    message: MessageId,
    all: bool,
    language: Language,
) -> Result<Beginning, WriteError> {
    let (_, settings) = mailbox(bureau, account).await?;
    let original = original(bureau, account, message).await?;
    let (to, cc) = answer::recipients(&original.letter, original.ours, &settings.address, all);
    let subject = answer::reply_subject(&original.letter.subject);
    Ok(Beginning { to, cc, subject, quote: original.quoted(language) })
}

/// How a mail is passed on, with its files.
///
/// # Errors
/// The mail is not there or cannot be read, or its files cannot be stored.
pub async fn begin_forward(
    bureau: &Bureau,
    account: AccountId,
    message: MessageId,
    language: Language,
) -> Result<(Beginning, Vec<OutgoingFile>), WriteError> {
    let original = original(bureau, account, message).await?;
    let mut files = Vec::new();
    for file in original.letter.attachments.iter().filter(|file| !file.inline) {
        let Some(bytes) = parse::attachment_bytes(&original.raw, file.part) else { continue };
        let (sha256, size) = bureau.store.keep_bytes(account, &bytes).await?;
        let name = parse::clean_file_name(&file.name, &file.mime);
        files.push(OutgoingFile { name, mime: file.mime.clone(), size, sha256, content_id: None, voice: None });
    }
    let subject = answer::forward_subject(&original.letter.subject);
    Ok((Beginning { subject, quote: original.passed_on(language), ..Beginning::default() }, files))
}

/// Stores a file's bytes for a mail. What is changed on disk afterwards changes nothing in it.
///
/// # Errors
/// The file cannot be read, or the database refused.
pub async fn keep_file(
    bureau: &Bureau,
    account: AccountId,
    path: &Path,
    name: &str,
) -> Result<OutgoingFile, StoreError> {
    let (sha256, size) = bureau.store.keep_blob(account, path).await?;
    let (name, mime) = (name.to_owned(), media_type(name).to_owned());
    Ok(OutgoingFile { name, mime, size, sha256, content_id: None, voice: None })
}

/// The media type of a file by the end of its name; a browser knows no more of it either.
pub fn media_type(name: &str) -> &'static str {
    mime_guess::from_path(name).first_raw().unwrap_or("application/octet-stream")
}

/// The name under which customers see what an account sends.
///
/// # Errors
/// The database did not say.
pub async fn sender_name(bureau: &Bureau, account: Account) -> Result<String, StoreError> {
    let chosen = bureau.store.letterhead(account.id).await?.sender_name;
    Ok(if chosen.is_empty() { account.name } else { chosen })
}

async fn mailbox(bureau: &Bureau, account: AccountId) -> Result<(Account, EmailSettings), WriteError> {
    let known = bureau.store.account(account).await?.ok_or(StoreError::NotFound("the account"))?;
    let settings = known.email.clone().ok_or(WriteError::NoMailbox)?;
    Ok((known, settings))
}

/// A mail that is answered or passed on.
struct Original {
    letter: Letter,
    raw: Vec<u8>,
    ours: bool,
    at: OffsetDateTime,
}

async fn original(bureau: &Bureau, account: AccountId, message: MessageId) -> Result<Original, WriteError> {
    let stored = bureau.store.message(account, message).await?;
    let raw = bureau.store.raw_message(account, message).await?;
    let letter = match parse::content(&raw) {
        Content::Letter(letter) => *letter,
        // What cannot be read can be answered all the same: by whom it came from, as far as that is known.
        Content::Unreadable { .. } | Content::Chat(_) => {
            Letter { author: stored.author, subject: stored.subject, ..Letter::default() }
        }
    };
    let at = letter.sent_at.unwrap_or(stored.received_at);
    Ok(Original { letter, raw, ours: stored.direction == Direction::Out, at })
}

impl Original {
    fn author(&self) -> String {
        let Address { name, address } = &self.letter.author;
        if name.is_empty() { address.clone() } else { format!("{name} <{address}>") }
    }

    fn date(&self) -> String {
        let format = format_description!("[day].[month].[year] [hour]:[minute]");
        self.at.format(format).unwrap_or_default()
    }

    fn quoted(&self, language: Language) -> String {
        answer::quote(&language.wrote(&self.date(), &self.author()), &self.letter.text)
    }

    fn passed_on(&self, language: Language) -> String {
        let to: Vec<&str> = self.letter.to.iter().map(|person| person.address.as_str()).collect();
        let head = language.passed_on(&self.author(), &self.date(), &self.letter.subject, &to.join(", "));
        format!("{head}\n\n{}", self.letter.text.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(to: &[&str]) -> Written {
        let to = to.iter().map(|address| Address { name: String::new(), address: (*address).to_owned() }).collect();
        Written { to, subject: "Ціна".to_owned(), text: "Доброго дня".to_owned(), ..Written::default() }
    }

    #[test]
    fn files_grow_on_their_way() {
        let (name, mime) = ("a".to_owned(), "a/b".to_owned());
        let file = |size| OutgoingFile {
            name: name.clone(),
            mime: mime.clone(),
            size,
            sha256: [0; 32],
            content_id: None,
            voice: None,
        };
        let written = Written { files: vec![file(57 * 1000), file(1)], ..written(&[]) };
        assert_eq!(size(&written), 78 * 1001 + written.text.len() as u64);
    }

    #[test]
    fn only_pictures_stand_in_a_text() {
        let file = |mime: &str| OutgoingFile {
            name: "план".to_owned(),
            mime: mime.to_owned(),
            size: 1,
            sha256: [0; 32],
            content_id: None,
            voice: None,
        };
        let picture = |file| Picture { file, offset: 3, length: 9 };
        let files = vec![file("application/pdf"), file("image/png"), file("image/svg+xml")];
        let pictures = (0..4).map(picture).collect();
        let mut written = Written { files, pictures, ..written(&[]) };
        let placed = placed(&mut written, "a@b");
        let (content_id, name) = ("1.a@b".to_owned(), "план".to_owned());
        assert_eq!(placed, [answer::Picture { offset: 3, length: 9, content_id, name }]);
        let ids: Vec<_> = written.files.iter().map(|file| file.content_id.as_deref()).collect();
        assert_eq!(ids, [None, Some("1.a@b"), None]);
    }

    #[test]
    fn what_cannot_be_sent_is_refused_with_its_reason() {
        assert!(check(&written(&["a@b.test"])).is_ok());
        assert!(matches!(check(&written(&[])), Err(WriteError::Nobody)));
        for wrong in ["a", "a@b\r\nBcc: c@d", "group: a@b;", "a@b,c@d", "<a@b>", "\u{202e}a b@c"] {
            assert!(matches!(check(&written(&[wrong])), Err(WriteError::Address(_))), "{wrong:?}");
        }
        let many: Vec<String> = (0..501).map(|n| format!("a{n}@b.test")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(matches!(check(&written(&many)), Err(WriteError::TooMany(501))));
        assert!(check(&written(&many[..500])).is_ok());
        let long = Written { text: "я".repeat(6 << 20), ..written(&["a@b.test"]) };
        assert!(matches!(check(&long), Err(WriteError::TooLong("text"))));
        let long = Written { subject: "я".repeat(901), ..written(&["a@b.test"]) };
        assert!(matches!(check(&long), Err(WriteError::TooLong("subject"))));
        let empty = Written { text: " \n".to_owned(), subject: String::new(), ..written(&["a@b.test"]) };
        assert!(matches!(check(&empty), Err(WriteError::Empty)));
    }
}
