//! Session strings.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

use super::{Format, FormatError, Found};
use crate::session::secret::{KEY_BYTES, Key};

/// No session string is longer, with a host name of the greatest length inside it.
const LONGEST: usize = 1024;
/// A shorter text was never a session.
const CUT: usize = 88;
/// Decoded bytes of the shortest layout.
const SHORTEST: usize = 263;

/// Padding is written by some programs and left out by others.
const RELAXED: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD_ENGINE: GeneralPurpose = GeneralPurpose::new(&STANDARD, RELAXED);
const URL_SAFE_ENGINE: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, RELAXED);

/// Recognises a session string. White space around it is passed over.
///
/// # Errors
/// It is not a session string, or not one that can be used; the error says what to do about it.
pub fn from_text(text: &str) -> Result<Found, FormatError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(FormatError::Empty);
    }
    if text.len() > LONGEST * 2 {
        return Err(FormatError::TooLong(text.len()));
    }
    if text.starts_with(['\u{feff}', '\u{200b}', '\u{200e}', '\u{200f}', '\u{2060}']) {
        return Err(FormatError::ByteOrderMark);
    }
    if is_quoted(text) {
        return Err(FormatError::Quoted);
    }
    if text.contains(char::is_whitespace) {
        return Err(FormatError::Spaces);
    }
    if is_doubled(text) {
        return Err(FormatError::Doubled);
    }
    if text.len() > LONGEST {
        return Err(FormatError::TooLong(text.len()));
    }
    match text.strip_prefix('1') {
        // Telethon and GramJS put the version of their format before the Base64.
        Some(rest) => {
            let bytes = decode(rest)?;
            // A GramJS string with a 14-character address is as long as Telethon's with IPv6.
            gramjs(&bytes).or_else(|| telethon(&bytes)).ok_or_else(|| unknown(&bytes))?.checked()
        }
        None => {
            let bytes = decode(text)?;
            pyrogram(&bytes).ok_or_else(|| unknown(&bytes))??.checked()
        }
    }
}

fn is_quoted(text: &str) -> bool {
    const QUOTES: [char; 12] = ['"', '\'', '`', '“', '”', '„', '«', '»', '‘', '’', '‚', '‹'];
    text.starts_with(QUOTES) || text.ends_with(QUOTES)
}

fn is_doubled(text: &str) -> bool {
    text.len().is_multiple_of(2)
        && text.is_char_boundary(text.len() / 2)
        && text[..text.len() / 2] == text[text.len() / 2..]
}

fn decode(text: &str) -> Result<Zeroizing<Vec<u8>>, FormatError> {
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | '=');
    if !text.chars().all(is_base64) {
        return Err(FormatError::NotBase64);
    }
    // The alphabets differ in two letters; a string has those of one or of none.
    let engine = if text.contains(['+', '/']) { STANDARD_ENGINE } else { URL_SAFE_ENGINE };
    match engine.decode(text) {
        Ok(bytes) => Ok(Zeroizing::new(bytes)),
        Err(base64::DecodeError::InvalidLength(_)) if text.len() > CUT => Err(FormatError::Truncated),
        Err(base64::DecodeError::InvalidLength(_)) => Err(FormatError::UnknownLayout),
        Err(_) => Err(FormatError::NotBase64),
    }
}

const fn unknown(bytes: &[u8]) -> FormatError {
    if bytes.len() < SHORTEST && bytes.len() > CUT / 4 * 3 {
        FormatError::Truncated
    } else {
        FormatError::UnknownLayout
    }
}

/// `>B4sH256s` or `>B16sH256s`: data centre, address, port, key.
fn telethon(bytes: &[u8]) -> Option<Found> {
    let (dc, rest) = bytes.split_first()?;
    let (address, rest): (IpAddr, _) = match rest.len().checked_sub(2 + KEY_BYTES)? {
        4 => rest.split_first_chunk::<4>().map(|(ip, rest)| (Ipv4Addr::from(*ip).into(), rest))?,
        16 => rest.split_first_chunk::<16>().map(|(ip, rest)| (Ipv6Addr::from(*ip).into(), rest))?,
        _ => return None,
    };
    let (port, key) = rest.split_first_chunk::<2>()?;
    let address = Some(SocketAddr::new(address, u16::from_be_bytes(*port)));
    found(Format::Telethon, *dc, address, key)
}

/// Data centre, length of the address, address as text, port, key.
fn gramjs(bytes: &[u8]) -> Option<Found> {
    let (dc, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (address, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let (port, key) = rest.split_first_chunk::<2>()?;
    if address.is_empty() || !address.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    // Web builds store a host name, which their browser needs and we do not: the data centre's number says it all.
    let ip = std::str::from_utf8(address).ok()?.parse::<IpAddr>().ok();
    let address = ip.map(|ip| SocketAddr::new(ip, u16::from_be_bytes(*port)));
    found(Format::GramJs, *dc, address, key)
}

/// The three layouts are told apart by their length. `None` is none of them.
fn pyrogram(bytes: &[u8]) -> Option<Result<Found, FormatError>> {
    let (dc, rest) = bytes.split_first()?;
    let (format, api_id, rest) = match bytes.len() {
        // >BI?256sQ?
        271 => {
            let (api_id, rest) = rest.split_first_chunk::<4>()?;
            (Format::Pyrogram2, i32::try_from(u32::from_be_bytes(*api_id)).ok(), rest)
        }
        // >B?256sQ?
        267 => (Format::Pyrogram1, None, rest),
        // >B?256sI?
        263 => (Format::Pyrogram1Old, None, rest),
        _ => return None,
    };
    let (test, rest) = rest.split_first()?;
    let (key, rest) = rest.split_at_checked(KEY_BYTES)?;
    let (bot, user) = rest.split_last()?;
    if *test > 1 || *bot > 1 {
        return None;
    }
    if *test == 1 {
        return Some(Err(FormatError::TestServers));
    }
    if *bot == 1 {
        return Some(Err(FormatError::Bot));
    }
    let user_id = user.iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    let user_id = i64::try_from(user_id).ok().filter(|id| *id > 0);
    let found = found(format, *dc, None, key)?;
    Some(Ok(Found { user_id, api_id: api_id.filter(|id| *id > 0), ..found }))
}

fn found(format: Format, dc: u8, address: Option<SocketAddr>, key: &[u8]) -> Option<Found> {
    Some(Found { format, dc: dc.into(), address, user_id: None, api_id: None, key: Key::read(key)? })
}
