//! Bytes of a mail into what the core stores. Pure: no I/O, no clock, never a panic.
//!
//! mail-parser does the MIME; this module bounds its work, repairs what real mailers get wrong (8-bit headers,
//! missing or false charsets, names in every notation) and decides what is the text and what is a file.

mod attachments;
mod charset;
mod headers;
mod html_text;
mod limits;
mod names;
mod text;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::LazyLock,
};

use mail_parser::{HeaderName, Message, MessageParser, PartType};
use skrynka_core::connector::{Content, Letter};

pub use self::names::clean_file_name;

/// Only the headers that are shown or needed are parsed.
static PARSER: LazyLock<MessageParser> = LazyLock::new(|| {
    MessageParser::new()
        .with_mime_headers()
        .with_address_headers()
        .with_date_headers()
        .with_message_ids()
        .header_text(HeaderName::Subject)
        .default_header_ignore()
});

/// For a forwarded mail's name.
static SUBJECT: LazyLock<MessageParser> =
    LazyLock::new(|| MessageParser::new().header_text(HeaderName::Subject).default_header_ignore());

/// Reads a mail (RFC 5322, MIME). What cannot be read says why in one line.
pub fn content(raw: &[u8]) -> Content {
    let letter = guarded(raw, |message| Ok(letter(raw, message)));
    match letter {
        Ok(letter) => Content::Letter(Box::new(letter)),
        Err(reason) => Content::Unreadable { reason, whole: true },
    }
}

/// Returns the decoded bytes of the attachment at `part`, as numbered by [`content`]; `None` when there is none.
pub fn attachment_bytes(raw: &[u8], part: u32) -> Option<Vec<u8>> {
    guarded(raw, |message| {
        attachments::bytes(raw, message, part).map(std::borrow::Cow::into_owned).ok_or_else(String::new)
    })
    .ok()
}

/// A mail's HTML body and the images that stand inside it.
pub(crate) struct HtmlBody {
    pub(crate) html: String,
    /// Content-ID without angle brackets, and the decoded bytes.
    pub(crate) images: Vec<(String, Vec<u8>)>,
}

/// Finds what is needed to show a mail's HTML; `None` when it has none.
pub(crate) fn html_body(raw: &[u8]) -> Option<HtmlBody> {
    guarded(raw, |message| {
        let html = text::html(raw, message).ok_or_else(String::new)?;
        Ok(HtmlBody { images: attachments::referenced_images(raw, message, &html), html })
    })
    .ok()
}

/// Parses within the limits. The parser has never been seen to panic, but its input is anybody's.
fn guarded<T>(raw: &[u8], read: impl FnOnce(&Message<'_>) -> Result<T, String>) -> Result<T, String> {
    let closed = limits::check(raw)?;
    let parse = || match PARSER.parse(&*closed) {
        Some(message) => read(&message),
        None => Err("it holds no headers".to_owned()),
    };
    catch_unwind(AssertUnwindSafe(parse)).unwrap_or_else(|_| Err("the parser failed on it".to_owned()))
}

fn letter(raw: &[u8], message: &Message<'_>) -> Letter {
    let mut letter = Letter::default();
    headers::read(raw, message, &mut letter);
    letter.text = text::plain(raw, message);
    let is_html = |id: &u32| matches!(message.parts.get(*id as usize).map(|part| &part.body), Some(PartType::Html(_)));
    letter.has_html = message.html_body.iter().any(is_html);
    letter.attachments = attachments::list(raw, message);
    letter
}
