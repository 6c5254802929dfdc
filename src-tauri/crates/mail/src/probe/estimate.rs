//! How much mail there is to fetch, before it is fetched.

use skrynka_core::model::{EmailSettings, Trouble};
use time::OffsetDateTime;

use super::{spoken, watched};
use crate::{
    connect::{
        self,
        access::{Credential, Proof},
    },
    error::Result,
    folder::{INBOX, named_folder, quoted, sent_folder},
    listen::search_date,
    session::Session,
    tuning::Tuning,
    uids::UidSet,
    wire::reply::Reply,
};

/// Messages whose size is asked for; more are reckoned from these.
const SAMPLE: usize = 2_000;

/// What there is to fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Estimate {
    /// Messages in INBOX, the Sent folder and the chosen ones. Of a folder with more than 2,000 messages since the
    /// day asked for, a day more may be counted.
    pub messages: u64,
    /// Their size in bytes; beyond 2,000 messages a folder, reckoned from the newest 2,000.
    pub bytes: u64,
}

/// Counts the mail that `since` asks for (`None`: all).
///
/// # Errors
/// What the connection test would show.
pub async fn estimate(
    settings: &EmailSettings,
    credential: &mut Credential,
    since: Option<OffsetDateTime>,
    tuning: &Tuning,
    now: OffsetDateTime,
) -> std::result::Result<Estimate, Trouble> {
    let tuning = &watched(tuning);
    let proof = credential.proof(settings, None, tuning, now).await.map_err(|error| error.trouble())?;
    let counted = Box::pin(count(settings, &proof, since, tuning)).await;
    counted.map_err(|error| spoken::imap(&error, settings, Some(&proof)))
}

async fn count(
    settings: &EmailSettings,
    proof: &Proof,
    since: Option<OffsetDateTime>,
    tuning: &Tuning,
) -> Result<Estimate> {
    let mut session = connect::open(settings, proof, tuning).await?;
    let counted = add_up(&mut session, settings, since).await;
    session.log_out().await;
    counted
}

async fn add_up(session: &mut Session, settings: &EmailSettings, since: Option<OffsetDateTime>) -> Result<Estimate> {
    let listed = session.folders().await?;
    let chosen = settings.folders.iter().filter_map(|name| named_folder(&listed, name));
    let mut names: Vec<String> = sent_folder(&listed).into_iter().chain(chosen).map(|f| f.name.clone()).collect();
    names.push(INBOX.to_owned());
    names.sort_unstable();
    names.dedup();
    let mut total = Estimate::default();
    for name in names {
        let told = if since.is_none() { told(session, &name).await? } else { None };
        let folder = match told {
            Some(folder) => folder,
            None => {
                session.examine(&name).await?;
                reckoned(session, since).await?
            }
        };
        total.messages += folder.messages;
        total.bytes = total.bytes.saturating_add(folder.bytes);
    }
    Ok(total)
}

/// What the server says of a whole folder, where it adds up sizes itself (RFC 8438).
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

/// Lists what `since` asks for and adds up the sizes of the newest.
async fn reckoned(session: &mut Session, since: Option<OffsetDateTime>) -> Result<Estimate> {
    if session.selected.exists == 0 {
        return Ok(Estimate::default());
    }
    let keys = since.map_or_else(|| "ALL".to_owned(), |since| format!("SINCE {}", search_date(since)));
    let uids = session.search(&keys).await?;
    let sample: UidSet = uids.newest(SAMPLE);
    if sample.is_empty() {
        return Ok(Estimate::default());
    }
    let (mut known, mut early, mut bytes) = (0_u64, 0_u64, 0_u64);
    let command = format!("UID FETCH {sample} (UID RFC822.SIZE INTERNALDATE)");
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
    session.run(&command, "read sizes", each).await?;
    let messages = uids.len().saturating_sub(early);
    let measured = known.saturating_sub(early).max(1);
    Ok(Estimate { messages, bytes: bytes.saturating_mul(messages) / measured })
}
