//! The scheme that files of chats are shown and played from: `media://localhost/<account>/<file>`, and its small
//! picture at `…/thumbnail`; and files that go with what is written, at `…/kept/<hash>`. Bytes are read from the database in chunks; `Range` is answered.

use std::fmt::Write as _;

use skrynka_core::{
    model::{AccountId, AttachmentId},
    store::{Store, StoreError},
};
use tauri::http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};

use crate::{commands::read_hash, desk::Desk};

/// The scheme's name.
pub const NAME: &str = "media";

/// A file that is served whole has at most so many chunks.
const MOST_CHUNKS: u32 = 64;
/// An answer to `Range` is at most this long: a player asks on.
const MOST: u64 = 4 << 20;

/// The address of a file that was fetched.
pub fn file_url(account: AccountId, file: AttachmentId) -> String {
    format!("{}/{account}/{file}", origin())
}

/// The address of a file's small picture.
pub fn thumbnail_url(account: AccountId, file: AttachmentId) -> String {
    format!("{}/{account}/{file}/thumbnail", origin())
}

/// The address of a file that goes with what is written.
pub fn kept_url(account: AccountId, sha256: [u8; 32]) -> String {
    let mut url = format!("{}/{account}/kept/", origin());
    for byte in sha256 {
        let _infallible = write!(url, "{byte:02x}");
    }
    url
}

/// Windows and Android serve custom schemes from a host of their own.
const fn origin() -> &'static str {
    if cfg!(windows) { "http://media.localhost" } else { "media://localhost" }
}

/// Answers a request of the window. Anything that is not a file's own address is not found.
pub async fn respond(desk: &Desk, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
    let Some((account, wanted)) = file_of(request.uri().path()) else {
        return empty(StatusCode::NOT_FOUND);
    };
    let answered = async {
        let store = &desk.office().await.ok()?.bureau.store;
        let answer = match wanted {
            Wanted::Thumbnail(file) => small_picture(store, account, file).await,
            Wanted::File(file) => content(store, account, file, range_of(request.headers())).await,
            Wanted::Kept(sha256) => kept(store, account, sha256).await,
        };
        answer
            .inspect_err(|error| {
                tracing::debug!(target: "skrynka::ui", error = skrynka_core::chain(error), "File not shown");
            })
            .ok()
    };
    let mut response = answered.await.unwrap_or_else(|| empty(StatusCode::NOT_FOUND));
    guard(&mut response, request.headers());
    response
}

async fn small_picture(store: &Store, account: AccountId, file: AttachmentId) -> Result<Response<Vec<u8>>, StoreError> {
    let bytes = store.thumbnail(account, file).await?;
    let mime = picture_type(&bytes);
    let mut response = Response::new(bytes);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(mime));
    Ok(response)
}

/// A file that goes with what is written, whole; what is larger than a picture or a voice is not served.
async fn kept(store: &Store, account: AccountId, sha256: [u8; 32]) -> Result<Response<Vec<u8>>, StoreError> {
    let mut bytes = Vec::new();
    for number in 0.. {
        match store.blob_chunk(account, sha256, number).await? {
            Some(_) if number >= MOST_CHUNKS => return Err(StoreError::NotFound("a picture or a voice")),
            Some(chunk) => bytes.extend_from_slice(&chunk),
            None if number == 0 => return Err(StoreError::NotFound("the file")),
            None => break,
        }
    }
    let mime = kept_type(&bytes);
    let mut response = Response::new(bytes);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(mime));
    Ok(response)
}

async fn content(
    store: &Store,
    account: AccountId,
    file: AttachmentId,
    range: Option<Range>,
) -> Result<Response<Vec<u8>>, StoreError> {
    let stored = store.file(account, file).await?;
    let size = u64::try_from(stored.size).unwrap_or(0);
    let Some((from, to)) = wanted(range, size) else {
        let mut response = empty(StatusCode::RANGE_NOT_SATISFIABLE);
        put(&mut response, header::CONTENT_RANGE, &format!("bytes */{size}"));
        return Ok(response);
    };
    let bytes = part(store, account, file, from, to).await?;
    let mut response = Response::new(bytes);
    if range.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        put(&mut response, header::CONTENT_RANGE, &format!("bytes {from}-{}/{size}", to.saturating_sub(1)));
    }
    response.headers_mut().insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(shown_type(&stored.mime)));
    Ok(response)
}

/// The bytes from `from` up to `to`.
async fn part(
    store: &Store,
    account: AccountId,
    file: AttachmentId,
    from: u64,
    to: u64,
) -> Result<Vec<u8>, StoreError> {
    let chunk = Store::CHUNK as u64;
    let mut bytes = Vec::new();
    let mut at = from;
    while at < to {
        let number = i32::try_from(at / chunk).unwrap_or(i32::MAX);
        let kept = store.kept_chunk(account, file, number).await?.ok_or(StoreError::NotFound("the file"))?;
        let begin = usize::try_from(at % chunk).unwrap_or(usize::MAX);
        let end = usize::try_from((at % chunk).saturating_add(to - at)).unwrap_or(usize::MAX).min(kept.len());
        let piece = kept.get(begin..end).filter(|piece| !piece.is_empty()).ok_or(StoreError::NotFound("the file"))?;
        bytes.extend_from_slice(piece);
        at += piece.len() as u64;
    }
    Ok(bytes)
}

/// What a client asks for: from a byte to a byte, both included, or so many last ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Range {
    From(u64, Option<u64>),
    Last(u64),
}

fn range_of(headers: &HeaderMap) -> Option<Range> {
    let text = headers.get(header::RANGE)?.to_str().ok()?.strip_prefix("bytes=")?;
    let (from, to) = text.split_once('-')?;
    if from.is_empty() {
        return Some(Range::Last(to.parse().ok()?));
    }
    let to = if to.is_empty() { None } else { Some(to.parse().ok()?) };
    Some(Range::From(from.parse().ok()?, to))
}

/// The first byte and the one behind the last; `None` where the file has none of them.
fn wanted(range: Option<Range>, size: u64) -> Option<(u64, u64)> {
    let (from, to) = match range {
        None => return Some((0, size)),
        Some(Range::From(from, to)) => (from, to.map_or(size, |to| to.saturating_add(1)).min(size)),
        Some(Range::Last(count)) => (size.saturating_sub(count), size),
    };
    (from < to).then(|| (from, to.min(from.saturating_add(MOST))))
}

/// Only what a picture or a player shows keeps its type: nothing of a stranger's is run.
fn shown_type(mime: &str) -> &'static str {
    const SHOWN: &[&str] = &[
        "image/jpeg",
        "image/png",
        "image/webp",
        "image/gif",
        "audio/ogg",
        "audio/mpeg",
        "audio/mp4",
        "audio/aac",
        "audio/wav",
        "audio/x-wav",
        "audio/flac",
        "audio/webm",
        "video/mp4",
        "video/webm",
        "video/ogg",
        "video/quicktime",
    ];
    let mime = mime.split(';').next().unwrap_or_default().trim();
    SHOWN.iter().find(|shown| shown.eq_ignore_ascii_case(mime)).copied().unwrap_or("application/octet-stream")
}

/// A small picture's type by its first bytes.
fn picture_type(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [b'R', b'I', b'F', b'F', ..] => "image/webp",
        _ => "image/jpeg",
    }
}

/// The type of a file that goes with what is written, by its first bytes.
fn kept_type(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [b'G', b'I', b'F', b'8', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        [b'O', b'g', b'g', b'S', ..] => "audio/ogg",
        _ => "application/octet-stream",
    }
}

fn guard(response: &mut Response<Vec<u8>>, asked: &HeaderMap) {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    // The app's own pages may read the bytes, a mail's frame may not.
    if let Some(origin) = asked.get(header::ORIGIN).filter(|origin| is_own(origin)) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
}

fn is_own(origin: &HeaderValue) -> bool {
    let own: &[&[u8]] = &[b"tauri://localhost", b"http://tauri.localhost", b"https://tauri.localhost"];
    own.contains(&origin.as_bytes()) || (cfg!(dev) && origin.as_bytes() == b"http://127.0.0.1:1420")
}

fn put(response: &mut Response<Vec<u8>>, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// What an address names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    File(AttachmentId),
    Thumbnail(AttachmentId),
    Kept([u8; 32]),
}

/// Reads `/<account>/<file>`, `/<account>/<file>/thumbnail` and `/<account>/kept/<hash>`.
fn file_of(path: &str) -> Option<(AccountId, Wanted)> {
    let (account, rest) = path.strip_prefix('/')?.split_once('/')?;
    let wanted = match rest.split_once('/') {
        Some((file, "thumbnail")) => Wanted::Thumbnail(file.parse().ok()?),
        Some(("kept", hash)) => Wanted::Kept(read_hash(hash)?),
        Some(_) => return None,
        None => Wanted::File(rest.parse().ok()?),
    };
    Some((account.parse().ok()?, wanted))
}

fn empty(status: StatusCode) -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_or_its_small_picture_has_an_address() {
        let id = "019a0000-0000-7000-8000-000000000001";
        let (account, file): (AccountId, AttachmentId) = (id.parse().unwrap(), id.parse().unwrap());
        assert_eq!(file_of(&format!("/{id}/{id}")), Some((account, Wanted::File(file))));
        assert_eq!(file_of(&format!("/{id}/{id}/thumbnail")), Some((account, Wanted::Thumbnail(file))));
        let url = kept_url(account, [0xa7; 32]);
        let path = &url[origin().len()..];
        assert_eq!(file_of(path), Some((account, Wanted::Kept([0xa7; 32]))));
        let long = format!("{path}a7");
        for path in ["", "/", "/x/y", &format!("/{id}"), &format!("/{id}/{id}/more"), "/../../etc/passwd", &long] {
            assert!(file_of(path).is_none(), "{path}");
        }
    }

    #[test]
    fn a_range_names_bytes_that_are_there() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, text.parse().unwrap());
            range_of(&headers)
        };
        assert_eq!(wanted(of("bytes=0-"), 10), Some((0, 10)));
        assert_eq!(wanted(of("bytes=2-3"), 10), Some((2, 4)));
        assert_eq!(wanted(of("bytes=2-99"), 10), Some((2, 10)));
        assert_eq!(wanted(of("bytes=-3"), 10), Some((7, 10)));
        assert_eq!(wanted(of("bytes=10-"), 10), None);
        assert_eq!(wanted(of("bytes=0-"), MOST * 2), Some((0, MOST)));
        assert_eq!(wanted(None, 10), Some((0, 10)));
        for bad in ["bytes=", "bytes=x-1", "items=0-1", "bytes=1"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_could_run_is_served_as_mere_bytes() {
        assert_eq!(shown_type("audio/ogg; codecs=opus"), "audio/ogg");
        for mime in ["text/html", "image/svg+xml", "application/xhtml+xml", ""] {
            assert_eq!(shown_type(mime), "application/octet-stream", "{mime}");
        }
    }
}
