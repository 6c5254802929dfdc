//! How much mail there is to fetch, before it is fetched.

use secrecy::SecretString;
use skrynka_core::model::{EmailSettings, Trouble};
use time::OffsetDateTime;

use crate::{
    connect,
    error::Result,
    folder::{INBOX, named_folder, sent_folder},
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
    /// Messages in INBOX, the Sent folder and the chosen ones. A day more than asked for may be counted.
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
    password: &SecretString,
    since: Option<OffsetDateTime>,
    tuning: &Tuning,
) -> std::result::Result<Estimate, Trouble> {
    count(settings, password, since, tuning).await.map_err(|error| error.trouble())
}

async fn count(
    settings: &EmailSettings,
    password: &SecretString,
    since: Option<OffsetDateTime>,
    tuning: &Tuning,
) -> Result<Estimate> {
    let mut session = connect::open(settings, password, tuning).await?;
    let listed = session.folders().await?;
    let chosen = settings.folders.iter().filter_map(|name| named_folder(&listed, name));
    let mut names: Vec<String> = sent_folder(&listed).into_iter().chain(chosen).map(|f| f.name.clone()).collect();
    names.push(INBOX.to_owned());
    names.sort_unstable();
    names.dedup();
    let mut total = Estimate::default();
    for name in names {
        session.examine(&name).await?;
        let folder = folder(&mut session, since).await?;
        total.messages += folder.messages;
        total.bytes += folder.bytes;
    }
    session.log_out().await;
    Ok(total)
}

async fn folder(session: &mut Session, since: Option<OffsetDateTime>) -> Result<Estimate> {
    if session.selected.exists == 0 {
        return Ok(Estimate::default());
    }
    let keys = since.map_or_else(|| "ALL".to_owned(), |since| format!("SINCE {}", search_date(since)));
    let uids = session.search(&keys).await?;
    let sample: UidSet = uids.newest(SAMPLE);
    if sample.is_empty() {
        return Ok(Estimate::default());
    }
    let (mut known, mut bytes) = (0_u64, 0_u64);
    let command = format!("UID FETCH {sample} (UID RFC822.SIZE)");
    let each = |reply| {
        if let Reply::Fetch(fetched) = reply
            && let Some(size) = fetched.size
        {
            known += 1;
            bytes += u64::from(size);
        }
    };
    session.run(&command, "read sizes", each).await?;
    let messages = uids.len();
    Ok(Estimate { messages, bytes: bytes.saturating_mul(messages) / known.max(1) })
}
