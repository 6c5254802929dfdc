//! A large message is read in parts into a file, so that its size on the server is never its size in memory.

use std::path::Path;

use skrynka_core::connector::TempFile;
use time::OffsetDateTime;
use tokio::{
    fs::{File, OpenOptions},
    io::AsyncWriteExt,
};

use crate::{
    error::{MailError, Result},
    hand_over::Body,
    session::Session,
    wire::reply::{Fetched, Marks, Reply},
};

/// Bytes of headers that are kept of a message that is too large.
const HEAD: usize = 64 << 10;

/// A large message of which the first part has come.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) uid: u32,
    pub(super) marks: Marks,
    pub(super) received: Option<OffsetDateTime>,
    /// The server's hint at the whole size.
    size: Option<u32>,
    /// Its headers.
    head: Vec<u8>,
    /// What has come; `None` when the message is too large to be read.
    file: Option<TempFile>,
    written: usize,
}

/// Puts the first part aside, so that no more than one stands in memory however many large messages a range has.
pub(super) async fn begin(uid: u32, fetched: Fetched, spool: &Path, limit: u32) -> Result<Begun> {
    let Fetched { marks, received, size, body, .. } = fetched;
    let first = body.unwrap_or_default();
    let file = match size {
        Some(size) if size > limit => None,
        _ => Some(create(spool, &first).await.map_err(MailError::Spool)?),
    };
    let end = first.windows(4).position(|window| window == b"\r\n\r\n").map_or(HEAD, |at| at + 4);
    let head = first.get(..end.min(first.len())).unwrap_or_default().to_vec();
    Ok(Begun { uid, marks: marks.unwrap_or_default(), received, size, head, file, written: first.len() })
}

/// Reads the rest of a message. Returns `None` when the server gives no more of it, as of one that went meanwhile.
///
/// The server's size is a hint only (some servers estimate it): the message ends where the server has no more.
pub(super) async fn finish(session: &mut Session, begun: Begun) -> Result<Option<Body>> {
    let limit = session.tuning.max_message;
    let Begun { uid, size, head, file, mut written, .. } = begun;
    let Some(kept) = file else { return Ok(Some(too_large(head, size.unwrap_or(limit), limit))) };
    let mut file = OpenOptions::new().append(true).open(&kept.path).await.map_err(MailError::Spool)?;
    loop {
        let Some(part) = next(session, uid, written).await? else { return Ok(None) };
        if part.is_empty() {
            break;
        }
        file.write_all(&part).await.map_err(MailError::Spool)?;
        written += part.len();
        if written > limit as usize {
            return Ok(Some(too_large(head, u32::try_from(written).unwrap_or(u32::MAX), limit)));
        }
    }
    file.flush().await.map_err(MailError::Spool)?;
    tracing::debug!(target: "skrynka::email", uid, bytes = written, "Large message read in parts");
    Ok(Some(Body::File(kept)))
}

/// Asks for the part at `offset`. `None` when the message is gone; an empty part at its end.
async fn next(session: &mut Session, uid: u32, offset: usize) -> Result<Option<Vec<u8>>> {
    let length = session.tuning.part;
    let command = format!("UID FETCH {uid} (UID BODY.PEEK[]<{offset}.{length}>)");
    let mut found: Option<Vec<u8>> = None;
    session
        .run_with_bodies(&command, "read a part of a message", |reply| match reply {
            // Marks alone are another client's change, not the answer.
            Reply::Fetch(fetched)
                if fetched.uid == Some(uid) && (fetched.body.is_some() || fetched.marks.is_none()) =>
            {
                found = Some(fetched.body.unwrap_or_default());
            }
            _ => {}
        })
        .await?;
    Ok(found)
}

async fn create(spool: &Path, first: &[u8]) -> std::io::Result<TempFile> {
    tokio::fs::create_dir_all(spool).await?;
    let path = spool.join(format!("part-{:032x}.eml", rand::random::<u128>()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    let mut file: File = options.open(&path).await?;
    let kept = TempFile { path };
    file.write_all(first).await?;
    file.flush().await?;
    Ok(kept)
}

fn too_large(kept: Vec<u8>, size: u32, limit: u32) -> Body {
    let (size, limit) = (size.div_ceil(1 << 20), limit >> 20);
    Body::Refused { kept, reason: format!("the message has {size} MB, more than the {limit} MB that are read") }
}
