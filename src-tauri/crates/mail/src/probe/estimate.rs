//! How much mail there is to fetch, before it is fetched.

use secrecy::SecretString;
use skrynka_core::model::{EmailSettings, Trouble};

use super::{limits, spoken};
use crate::{
    connect,
    error::Result,
    folder::{INBOX, named_folder, quoted, sent_folder},
    listen::search_date,
    session::Session,
    wire::reply::Reply,
};

/// Messages of a folder whose size is asked for one by one; more are reckoned from the newest of them.
const SAMPLE: usize = 2_000;

/// What there is to fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Estimate {
    /// Messages in INBOX, the Sent folder and the chosen ones. Of a folder with more than 2,000 messages since the
    /// day asked for, a day more may be counted.
    pub messages: u64,
    /// Their size in bytes; reckoned from the newest 2,000 of such a folder.
    pub bytes: u64,
}

/// Counts the mail that the listener would fetch with these settings.
///
/// # Errors
/// What the connection test would show.
pub async fn estimate(settings: &EmailSettings, password: &SecretString) -> std::result::Result<Estimate, Trouble> {
    let tuning = limits();
    let counted = async {
        let mut session = connect::open(settings, password, &tuning).await?;
        let counted = count(&mut session, settings).await;
        session.log_out().await;
        counted
    };
    Box::pin(counted).await.map_err(|error| spoken::imap(&error, settings, password))
}

async fn count(session: &mut Session, settings: &EmailSettings) -> Result<Estimate> {
    let listed = session.folders().await?;
    let chosen = settings.folders.iter().filter_map(|name| named_folder(&listed, name));
    let mut names: Vec<String> = sent_folder(&listed).into_iter().chain(chosen).map(|f| f.name.clone()).collect();
    names.push(INBOX.to_owned());
    names.sort_unstable();
    names.dedup();
    let mut total = Estimate::default();
    for name in names {
        let known = if settings.since.is_none() { told(session, &name).await? } else { None };
        let folder = match known {
            Some(folder) => folder,
            None => reckoned(session, &name, settings).await?,
        };
        total.messages += folder.messages;
        total.bytes = total.bytes.saturating_add(folder.bytes);
    }
    Ok(total)
}

/// What the server says of the whole folder, where it adds up sizes itself (RFC 8438).
async fn told(session: &mut Session, name: &str) -> Result<Option<Estimate>> {
    if !session.capabilities.has("STATUS=SIZE") && !session.capabilities.has("IMAP4REV2") {
        return Ok(None);
    }
    let mut items = Vec::new();
    let command = format!("STATUS {} (MESSAGES SIZE)", quoted(name)?);
    let each = |reply| {
        if let Reply::FolderStatus(told) = reply {
            items = told;
        }
    };
    session.run(&command, "say how much mail there is", each).await?;
    let item = |wanted: &str| items.iter().find(|(name, _)| name == wanted).map(|(_, number)| *number);
    Ok(item("MESSAGES").zip(item("SIZE")).map(|(messages, bytes)| Estimate { messages, bytes }))
}

/// Lists what `since` asks for and adds up sizes.
async fn reckoned(session: &mut Session, name: &str, settings: &EmailSettings) -> Result<Estimate> {
    session.examine(name).await?;
    if session.selected.exists == 0 {
        return Ok(Estimate::default());
    }
    let since = settings.since;
    let keys = since.map_or_else(|| "ALL".to_owned(), |since| format!("SINCE {}", search_date(since)));
    let uids = session.search(&keys).await?;
    let sample = uids.newest(SAMPLE);
    if sample.is_empty() {
        return Ok(Estimate::default());
    }
    let (mut known, mut early, mut bytes) = (0_u64, 0_u64, 0_u64);
    let each = |reply| {
        if let Reply::Fetch(fetched) = reply
            && let Some(size) = fetched.size
        {
            known += 1;
            // SEARCH knows days only, in a time zone of its own.
            if since.zip(fetched.received).is_some_and(|(since, received)| received < since) {
                early += 1;
            } else {
                bytes += u64::from(size);
            }
        }
    };
    session.run(&format!("UID FETCH {sample} (UID RFC822.SIZE INTERNALDATE)"), "read sizes", each).await?;
    let messages = uids.len().saturating_sub(early);
    let measured = known.saturating_sub(early).max(1);
    Ok(Estimate { messages, bytes: bytes.saturating_mul(messages) / measured })
}
