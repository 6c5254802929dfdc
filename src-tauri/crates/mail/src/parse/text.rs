//! The text of a mail: its plain parts, or what its HTML says.

use std::borrow::Cow;

use mail_parser::{Message, MessagePart, MimeHeaders, PartType};

use super::{attachments::transfer_decoded, charset, html_text};

/// Bytes of text that are kept; the untouched mail keeps the rest.
const TEXT: usize = 2 << 20;
/// Bytes of HTML that are looked at for its text.
const HTML: usize = 4 << 20;

/// The plain text, or the HTML's text where there is no plain part or an empty one.
pub(super) fn plain(raw: &[u8], message: &Message<'_>) -> String {
    let mut text = String::new();
    for part in message.text_body.iter().filter_map(|id| message.parts.get(*id as usize)) {
        let piece = match &part.body {
            PartType::Text(decoded) => decoded_text(raw, part, decoded),
            PartType::Html(decoded) => Cow::Owned(said(&decoded_text(raw, part, decoded))),
            _ => continue,
        };
        append(&mut text, &piece);
    }
    if text.trim().is_empty()
        && let Some(html) = html(raw, message)
    {
        text.clear();
        append(&mut text, &said(&html));
    }
    if text.trim().is_empty()
        && let [only] = message.parts.as_slice()
        && only.content_type().is_some_and(|of| of.ctype().eq_ignore_ascii_case("multipart"))
    {
        // Announced as parts, but no boundary tells them apart: it is shown as it came.
        append(&mut text, &charset::guess(&transfer_decoded(raw, only)));
    }
    text.truncate(text.trim_end().len());
    text
}

/// The HTML body, its parts joined.
pub(super) fn html(raw: &[u8], message: &Message<'_>) -> Option<String> {
    let mut html = String::new();
    for part in message.html_body.iter().filter_map(|id| message.parts.get(*id as usize)) {
        if let PartType::Html(decoded) = &part.body {
            html.push_str(&decoded_text(raw, part, decoded));
        }
    }
    (!html.is_empty()).then_some(html)
}

/// The part's text; guessed anew from its bytes where its charset is missing, unknown, or evidently false.
fn decoded_text<'t>(raw: &[u8], part: &MessagePart<'_>, decoded: &'t str) -> Cow<'t, str> {
    let label = part.content_type().and_then(|of| of.attribute("charset"));
    let doubtful = decoded.contains('\u{FFFD}') || charset::says_nothing(label) && !decoded.is_ascii();
    if !doubtful {
        return Cow::Borrowed(decoded);
    }
    let guessed = charset::guess(&transfer_decoded(raw, part));
    // A few damaged characters are no reason to read the whole in another charset.
    let damaged = |text: &str| text.matches('\u{FFFD}').count();
    let mostly_right =
        label.is_some() && !charset::says_nothing(label) && damaged(decoded) * 50 < decoded.chars().count();
    if mostly_right || damaged(&guessed) > damaged(decoded) { Cow::Borrowed(decoded) } else { Cow::Owned(guessed) }
}

fn said(html: &str) -> String {
    html_text::of(html.get(..floor(html, HTML)).unwrap_or_default())
}

/// Appends with unified line ends and without NUL, which no database text can hold.
fn append(text: &mut String, piece: &str) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let room = TEXT.saturating_sub(text.len());
    let mut characters = piece.get(..floor(piece, room)).unwrap_or_default().chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\0' => {}
            '\r' => {
                characters.next_if_eq(&'\n');
                text.push('\n');
            }
            c => text.push(c),
        }
    }
}

/// The largest length up to `most` that ends between characters.
pub(super) fn floor(text: &str, most: usize) -> usize {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}
