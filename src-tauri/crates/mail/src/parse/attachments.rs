//! The files of a mail: their names in every notation, their types, their bytes.

use std::{borrow::Cow, collections::HashSet};

use mail_parser::{
    ContentType, Encoding, Message, MessagePart, MimeHeaders, PartType,
    decoders::{base64::base64_decode, quoted_printable::quoted_printable_decode},
};
use sha2::{Digest, Sha256};
use skrynka_core::model::AttachmentPart;

use super::{
    PARSER, SUBJECT,
    charset::repair_headers,
    headers::{decode_words, one_line},
    limits::opened,
    names::{continued_name, name_for_type},
    text,
};

/// Files of one mail that are listed.
const MOST: usize = 1_000;
/// Characters of a name that are kept.
const NAME: usize = 500;
/// Bytes of a Content-ID (RFC 5322 section 2.1.1).
const LONGEST_ID: usize = 998;
/// Types of a forwarded mail.
const FORWARDED: [&str; 2] = ["message/rfc822", "message/global"];
/// Bytes of a forwarded mail that are looked through for its subject.
const HEAD: usize = 64 << 10;
/// Bytes of an image that is shown inside the mail.
const IMAGE: usize = 5 << 20;

/// Lists the files, inline images included.
pub(super) fn list(raw: &[u8], message: &Message<'_>) -> Vec<AttachmentPart> {
    let shown = text::html(raw, message).map(|html| referenced(&html)).unwrap_or_default();
    let describe = |&id: &u32| {
        let part = message.parts.get(id as usize)?;
        let bytes = bytes(raw, message, id)?;
        let content_id = part.content_id().map(|id| one_line(id, NAME)).filter(|id| !id.is_empty());
        let mime = media_type(part);
        if mime.starts_with("multipart/") {
            return None;
        }
        Some(AttachmentPart {
            part: id,
            name: name(raw, part, &mime, &bytes),
            size: bytes.len() as u64,
            sha256: Sha256::digest(&bytes).into(),
            inline: content_id.as_ref().is_some_and(|id| shown.contains(id.as_str())),
            content_id,
            mime,
        })
    };
    message.attachments.iter().filter_map(describe).take(MOST).collect()
}

/// The decoded bytes of a part; a multipart has none.
pub(super) fn bytes<'m>(raw: &'m [u8], message: &'m Message<'_>, id: u32) -> Option<Cow<'m, [u8]>> {
    let part = message.parts.get(id as usize).filter(|_| message.attachments.contains(&id))?;
    match &part.body {
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) if part.encoding != Encoding::None => {
            Some(Cow::Borrowed(bytes))
        }
        // The parser has turned text into UTF-8, and was given other words for some types; a file is what was sent.
        PartType::Binary(_)
        | PartType::InlineBinary(_)
        | PartType::Text(_)
        | PartType::Html(_)
        | PartType::Message(_) => Some(transfer_decoded(raw, part)),
        PartType::Multipart(_) => None,
    }
}

/// The images the HTML shows by their Content-ID.
pub(super) fn referenced_images(raw: &[u8], message: &Message<'_>, html: &str) -> Vec<(String, Vec<u8>)> {
    let shown = referenced(html);
    let image = |&id: &u32| {
        let content_id = message.parts.get(id as usize)?.content_id().map(|id| one_line(id, NAME))?;
        let bytes = bytes(raw, message, id).filter(|bytes| bytes.len() <= IMAGE)?;
        shown.contains(&content_id).then(|| (content_id, bytes.into_owned()))
    };
    message.attachments.iter().filter_map(image).take(MOST).collect()
}

/// The part's bytes without their transfer encoding, in whatever charset they were sent.
pub(super) fn transfer_decoded<'m>(raw: &'m [u8], part: &MessagePart<'_>) -> Cow<'m, [u8]> {
    let encoded = slice(raw, part).unwrap_or_default();
    let decoded = match part.encoding {
        Encoding::None => None,
        Encoding::Base64 => base64_decode(encoded),
        Encoding::QuotedPrintable => quoted_printable_decode(encoded),
    };
    decoded.map_or(Cow::Borrowed(encoded), Cow::Owned)
}

fn slice<'m>(raw: &'m [u8], part: &MessagePart<'_>) -> Option<&'m [u8]> {
    raw.get(part.offset_body as usize..part.offset_end as usize)
}

/// The Content-IDs an HTML text names, decoded where they need to be.
fn referenced(html: &str) -> HashSet<String> {
    let ends = |c: char| matches!(c, '"' | '\'' | '>' | '<' | ')') || c.is_whitespace();
    let begins = |at: usize| html.get(at..at + 3).is_some_and(|word| word.eq_ignore_ascii_case("cid"));
    let colon = |after: &str| {
        [":", "&#58;", "&#x3a;", "&#x3A;", "&colon;"].iter().find_map(|c| after.strip_prefix(*c).map(|_| c.len()))
    };
    let places = memchr::memchr2_iter(b'c', b'C', html.as_bytes()).filter(|at| begins(*at));
    let ids = places.filter_map(|at| {
        let after = html.get(at + 3..)?;
        let id = after.get(colon(after)?..)?;
        // Bounded first: a text of nothing but `cid:` must not be read to its end each time.
        id.get(..text::floor(id, LONGEST_ID))?.split(ends).next()
    });
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    ids.take(10 * MOST)
        .flat_map(|id| {
            let plain = without_entities(id);
            // An address in a style sheet may end where an entity begins.
            let short = id.split('&').next().unwrap_or_default();
            [decoded(short), short.to_owned(), decoded(&plain), plain]
        })
        .collect()
}

/// Decodes the entities that stand for what a Content-ID may hold.
fn without_entities(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let entity = after.split_once(';').and_then(|(entity, after)| Some((named(entity)?, after)));
        let (c, after) = entity.unwrap_or(('&', after));
        plain.push(c);
        rest = after;
    }
    plain.push_str(rest);
    plain
}

fn named(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "commat" => Some('@'),
        "period" => Some('.'),
        "lowbar" => Some('_'),
        "dollar" => Some('$'),
        "plus" => Some('+'),
        _ => {
            let number = entity.strip_prefix('#')?;
            let hex = number.strip_prefix(['x', 'X']).map(|hex| u32::from_str_radix(hex, 16));
            char::from_u32(hex.unwrap_or_else(|| number.parse()).ok()?)
        }
    }
}

/// `type/subtype` in lower case.
fn media_type(part: &MessagePart<'_>) -> String {
    let default = match &part.body {
        PartType::Text(_) => "text/plain",
        PartType::Html(_) => "text/html",
        _ => "application/octet-stream",
    };
    let written = part.content_type().and_then(|of| Some(format!("{}/{}", opened(of.ctype()), of.subtype()?)));
    let plausible = |mime: &String| {
        mime.len() < 128 && mime.bytes().all(|b| b.is_ascii_alphanumeric() || b"/.+-_!#$&^".contains(&b))
    };
    written.map(|mime| mime.to_ascii_lowercase()).filter(plausible).unwrap_or_else(|| default.to_owned())
}

/// The name its sender gave it: `filename` (RFC 2183, RFC 2231), else `name`, with encoded words wherever mailers
/// put them; for a forwarded mail its subject; else one made from the type.
fn name(raw: &[u8], part: &MessagePart<'_>, mime: &str, bytes: &[u8]) -> String {
    let named = part.attachment_name().map(str::to_owned);
    let named = match named {
        // Raw 8-bit bytes, or a charset the parser forgot: read the part's headers again.
        Some(name) if name.contains('\u{FFFD}') => {
            let block = raw.get(part.offset_header as usize..part.offset_body as usize).unwrap_or_default();
            continued_name(block).or_else(|| repaired_name(block)).or(Some(name))
        }
        other => other,
    };
    let name = named.map(|name| if name.contains("=?") { decode_words(&name) } else { one_line(&name, NAME) });
    let subject = || {
        let head = bytes.get(..bytes.len().min(HEAD)).filter(|_| FORWARDED.contains(&mime))?;
        SUBJECT.parse_headers(head)?.subject().map(|subject| one_line(subject, 100))
    };
    let from_subject = || subject().filter(|subject| !subject.is_empty()).map(|subject| format!("{subject}.eml"));
    name.filter(|name| !name.is_empty()).or_else(from_subject).unwrap_or_else(|| name_for_type(mime))
}

fn repaired_name(block: &[u8]) -> Option<String> {
    let repaired = repair_headers(block)?;
    let message = PARSER.parse_headers(&repaired)?;
    let attribute = |of: Option<&ContentType<'_>>, name| of.and_then(|of| of.attribute(name)).map(str::to_owned);
    let root = message.root_part();
    attribute(root.content_disposition(), "filename").or_else(|| attribute(root.content_type(), "name"))
}
