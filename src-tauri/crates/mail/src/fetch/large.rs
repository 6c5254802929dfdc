//! A large message is read in parts into a file, so that its size on the server is never its size in memory.

use std::path::Path;

use skrynka_core::connector::TempFile;
use tokio::{fs::File, io::AsyncWriteExt};

use crate::{
    error::{MailError, Result},
    hand_over::Body,
    session::Session,
    wire::reply::Reply,
};

/// Reads the rest of message `uid` after its `first` bytes. Returns `None` when the message went meanwhile.
///
/// The server's `size` is a hint only (some servers estimate it): the message ends where the server has no more.
pub(crate) async fn read(
    session: &mut Session,
    uid: u32,
    first: Vec<u8>,
    size: Option<u32>,
    spool: &Path,
) -> Result<Option<Body>> {
    let limit = session.tuning.max_message;
    if size.is_some_and(|size| size > limit) {
        return Ok(Some(too_large(&first, size.unwrap_or(limit), limit)));
    }
    let mut part = match next(session, uid, first.len()).await? {
        None => return Ok(None),
        Some(part) if part.is_empty() => return Ok(Some(Body::Memory(first))),
        Some(part) => part,
    };
    let (kept, mut file) = create(spool).await.map_err(MailError::Spool)?;
    file.write_all(&first).await.map_err(MailError::Spool)?;
    let mut written = first.len();
    while !part.is_empty() {
        file.write_all(&part).await.map_err(MailError::Spool)?;
        written += part.len();
        if written > limit as usize {
            return Ok(Some(too_large(&first, u32::try_from(written).unwrap_or(u32::MAX), limit)));
        }
        part = match next(session, uid, written).await? {
            Some(part) => part,
            None => return Ok(None),
        };
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
        .run(&command, "read a part of a message", |reply| match reply {
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

async fn create(spool: &Path) -> std::io::Result<(TempFile, File)> {
    tokio::fs::create_dir_all(spool).await?;
    let path = spool.join(format!("part-{:032x}.eml", rand::random::<u128>()));
    let mut options = tokio::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    let file = options.open(&path).await?;
    Ok((TempFile { path }, file))
}

fn too_large(first: &[u8], size: u32, limit: u32) -> Body {
    let end = first.windows(4).position(|window| window == b"\r\n\r\n").map_or(first.len().min(64 << 10), |at| at + 4);
    let kept = first.get(..end).unwrap_or_default().to_vec();
    let (size, limit) = (size.div_ceil(1 << 20), limit >> 20);
    Body::Refused { kept, reason: format!("the message has {size} MB, more than the {limit} MB that are read") }
}
