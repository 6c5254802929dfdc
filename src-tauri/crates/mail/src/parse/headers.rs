//! Who wrote to whom, when, about what, and in answer to what.

use mail_parser::{Addr, Address as ParsedAddress, DateTime, HeaderValue, Message};
use skrynka_core::{connector::Letter, model::Address};
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

use super::{PARSER, charset::repair_headers};
use crate::moment::storable;

/// Characters of a subject that are kept.
const SUBJECT: usize = 1_000;
/// Addresses of one field that are kept.
const ADDRESSES: usize = 500;
/// Message-IDs of a thread that are kept: the first, and the newest.
const REFERENCES: usize = 100;
/// Characters of a name, and of an address (RFC 5321 section 4.5.3.1 allows 320).
const NAME: usize = 320;

/// Fills in everything the headers say.
pub(super) fn read(raw: &[u8], message: &Message<'_>, letter: &mut Letter) {
    let end = message.parts.first().map_or(raw.len(), |part| part.offset_body as usize);
    let block = raw.get(..end).unwrap_or_default();
    // The parser forgets a last header without a line end.
    let unended = end == raw.len() && !raw.ends_with(b"\n");
    match repair_headers(block).or_else(|| unended.then(|| [block, b"\r\n\r\n"].concat())) {
        Some(repaired) => match PARSER.parse_headers(&repaired) {
            Some(repaired) => fill(&repaired, letter),
            None => fill(message, letter),
        },
        None => fill(message, letter),
    }
}

fn fill(message: &Message<'_>, letter: &mut Letter) {
    let first = |field: Option<&ParsedAddress<'_>>| addresses(field).into_iter().next();
    letter.author = first(message.from()).or_else(|| first(message.sender())).unwrap_or_default();
    letter.to = addresses(message.to());
    letter.cc = addresses(message.cc());
    letter.reply_to = addresses(message.reply_to());
    letter.subject = one_line(message.subject().unwrap_or_default(), SUBJECT);
    letter.sent_at = message.date().and_then(moment);
    letter.message_id = message.message_id().and_then(identifier);
    letter.references = references(message, letter.message_id.as_deref());
}

fn addresses(field: Option<&ParsedAddress<'_>>) -> Vec<Address> {
    let Some(field) = field else { return Vec::new() };
    field.iter().take(ADDRESSES).map(address).filter(|a| !a.address.is_empty() || !a.name.is_empty()).collect()
}

fn address(parsed: &Addr<'_>) -> Address {
    let name = one_line(parsed.name().unwrap_or_default(), NAME);
    // Some mailers put encoded words inside quotes, where RFC 2047 forbids them.
    let name = if name.contains("=?") { decode_words(&name) } else { name };
    let address = parsed.address().unwrap_or_default();
    let address = address.chars().filter(|c| !c.is_control() && !c.is_whitespace()).take(NAME).collect();
    Address { name, address }
}

/// Decodes encoded words (RFC 2047) wherever they stand.
pub(super) fn decode_words(text: &str) -> String {
    let header = format!("Subject: {text}\r\n\r\n");
    let decoded = PARSER.parse_headers(header.as_bytes()).and_then(|message| message.subject().map(str::to_owned));
    one_line(&decoded.unwrap_or_else(|| text.to_owned()), SUBJECT)
}

/// One line without control characters or runs of spaces, at most `most` characters.
pub(super) fn one_line(text: &str, most: usize) -> String {
    let words = text.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty());
    let mut line = String::new();
    let mut left = most;
    for word in words {
        if left == 0 {
            break;
        }
        if !line.is_empty() {
            line.push(' ');
            left -= 1;
        }
        line.extend(word.chars().take(left));
        left -= left.min(word.chars().count());
    }
    line
}

/// The sender's own date with the sender's own offset.
fn moment(date: &DateTime) -> Option<OffsetDateTime> {
    let month = Month::try_from(date.month).ok()?;
    let day = Date::from_calendar_date(i32::from(date.year), month, date.day).ok()?;
    // A leap second is the last moment before the next minute.
    let time = Time::from_hms(date.hour, date.minute, date.second.min(59)).ok()?;
    let sign = if date.tz_before_gmt { -1 } else { 1 };
    let (hours, minutes) = (i8::try_from(date.tz_hour).ok()?, i8::try_from(date.tz_minute).ok()?);
    let offset = UtcOffset::from_hms(sign * hours, sign * minutes, 0).unwrap_or(UtcOffset::UTC);
    storable(PrimitiveDateTime::new(day, time).assume_offset(offset))
}

/// References, then In-Reply-To, oldest first, each once (RFC 5322 section 3.6.4).
fn references(message: &Message<'_>, own: Option<&str>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for field in [message.references(), message.in_reply_to()] {
        for id in identifiers(field) {
            if Some(id.as_str()) != own && !found.contains(&id) && found.len() < 10 * REFERENCES {
                found.push(id);
            }
        }
    }
    if found.len() > REFERENCES {
        let newest = found.split_off(found.len() - (REFERENCES - 1));
        found.truncate(1);
        found.extend(newest);
    }
    found
}

fn identifiers(field: &HeaderValue<'_>) -> Vec<String> {
    match field {
        HeaderValue::Text(id) => identifier(id).into_iter().collect(),
        HeaderValue::TextList(ids) => ids.iter().filter_map(|id| identifier(id)).collect(),
        _ => Vec::new(),
    }
}

fn identifier(text: &str) -> Option<String> {
    let id = text.trim().trim_start_matches('<').trim_end_matches('>');
    let id: String = id.chars().filter(|c| !c.is_control() && !c.is_whitespace()).take(998).collect();
    (!id.is_empty()).then_some(id)
}
