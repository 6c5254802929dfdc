//! The values of the secrets that this run has loaded, in the forms in which they may turn up in a text.

use std::{
    borrow::Cow,
    collections::HashSet,
    fmt::Write,
    sync::{Arc, LazyLock, PoisonError, RwLock},
};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::{Engine as _, engine::general_purpose};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::MASK;

/// Shorter values would blank ordinary words; what they look like is left to the patterns.
const MIN_SECRET: usize = 5;
/// A longer value is looked for in pieces of this many bytes: the cost of the matcher grows with its longest form.
const PIECE: usize = 128;
/// Of a longer value only so much is known; no password or token comes near it.
const MAX_SECRET: usize = 16 * 1024;
/// A form of fewer characters would match by chance.
const MIN_FORM: usize = 5;

static KNOWN: LazyLock<RwLock<Known>> = LazyLock::new(RwLock::default);

#[derive(Default)]
struct Known {
    seen: HashSet<[u8; 32]>,
    forms: Vec<String>,
    matcher: Option<Arc<AhoCorasick>>,
}

/// Makes a secret's value known: from this call on no line shows it. Values under five bytes are not taken.
pub fn remember(value: &SecretString) {
    let value = value.expose_secret();
    if value.len() < MIN_SECRET {
        return;
    }
    let digest = Sha256::digest(value).into();
    if KNOWN.read().unwrap_or_else(PoisonError::into_inner).seen.contains(&digest) {
        return;
    }
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    if !known.seen.insert(digest) {
        return;
    }
    known.forms.extend(pieces(value).flat_map(forms).collect::<HashSet<_>>());
    let matcher = AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .build(&known.forms);
    // It fails only past gigabytes of forms; the matcher of the earlier ones stays then.
    if let Ok(matcher) = matcher {
        known.matcher = Some(Arc::new(matcher));
    }
}

/// Masks every known value in the text.
pub(super) fn mask(text: &str) -> Cow<'_, str> {
    let matcher = KNOWN.read().unwrap_or_else(PoisonError::into_inner).matcher.clone();
    let Some(matcher) = matcher else { return Cow::Borrowed(text) };
    let mut masked = String::new();
    let mut from = 0;
    for found in matcher.find_iter(text) {
        masked.push_str(&text[from..found.start()]);
        masked.push_str(MASK);
        from = found.end();
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    masked.push_str(&text[from..]);
    Cow::Owned(masked)
}

/// Cuts between characters. Where two pieces meet, a character of a base64 form may stay.
fn pieces(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = &value[..value.floor_char_boundary(MAX_SECRET)];
    std::iter::from_fn(move || {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// How a value may stand in a text: as it is, escaped, in hex, percent-encoded, in base64.
pub(super) fn forms(value: &str) -> HashSet<String> {
    let debug = format!("{value:?}");
    let json = serde_json::to_string(value).unwrap_or_default();
    let mut forms = HashSet::from([
        value.to_owned(),
        unquoted(&debug).to_owned(),
        unquoted(&json).to_owned(),
        // A library's `{:?}` of a text that holds JSON, and the other way round.
        unquoted(&format!("{:?}", unquoted(&json))).to_owned(),
        hex(value, |text, byte| write!(text, "{byte:02x}")),
        hex(value, |text, byte| write!(text, "{byte:02X}")),
        percent(value, UNRESERVED, "%20", |text, byte| write!(text, "%{byte:02X}")),
        percent(value, UNRESERVED, "%20", |text, byte| write!(text, "%{byte:02x}")),
        percent(value, UNRESERVED, "+", |text, byte| write!(text, "%{byte:02X}")),
        percent(value, b"", "%20", |text, byte| write!(text, "%{byte:02X}")),
    ]);
    forms.extend(inside_base64(value, &general_purpose::STANDARD_NO_PAD));
    forms.extend(inside_base64(value, &general_purpose::URL_SAFE_NO_PAD));
    forms.retain(|form| form.len() >= MIN_FORM);
    forms
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

fn hex(value: &str, digits: impl Fn(&mut String, u8) -> std::fmt::Result) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        let _ = digits(&mut text, byte);
        text
    })
}

/// RFC 3986 section 2.3; some libraries escape these too.
const UNRESERVED: &[u8] = b"-._~";

/// RFC 3986 section 2.1; a space may be a plus sign, as forms write it.
fn percent(value: &str, kept: &[u8], space: &str, escape: impl Fn(&mut String, u8) -> std::fmt::Result) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            _ if byte.is_ascii_alphanumeric() || kept.contains(&byte) => text.push(char::from(byte)),
            b' ' => text.push_str(space),
            _ => {
                let _ = escape(&mut text, byte);
            }
        }
        text
    })
}

/// The value may stand anywhere in what was encoded (SASL PLAIN puts the user before it), so its bytes may begin
/// at any of three places of a base64 group. Taken are the characters that depend on the value alone.
fn inside_base64(value: &str, engine: &general_purpose::GeneralPurpose) -> Vec<String> {
    let shifted = |shift: usize| {
        let mut bytes = vec![0; shift];
        bytes.extend_from_slice(value.as_bytes());
        let text = engine.encode(&bytes);
        let (first, last) = ((shift * 8).div_ceil(6), bytes.len() * 8 / 6);
        text.get(first..last).unwrap_or_default().to_owned()
    };
    (0..3).map(shifted).collect()
}
