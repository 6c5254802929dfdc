//! Fetching a file: part after part, from where an earlier attempt broke off.

use std::{collections::HashMap, sync::Arc};

use grammers_tl_types as tl;
use serde_json::Value;
use skrynka_core::{
    connector::Fetched,
    model::{Media, Peer, Place},
};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _},
    sync::Mutex,
};

use super::TelegramRemote;
use crate::{
    centres::DataCentres,
    convert::{Reader, place as stands_at},
    error::{Result, TelegramError},
    files::Handle,
    pool::{Pool, Way},
    session::memory::MemorySession,
};

/// Telegram takes offsets in multiples of this.
const STEP: u64 = 4096;

/// The connection to one data centre, once it is open.
type Slot = Arc<Mutex<Option<Arc<Pool>>>>;

/// Connections to other data centres than the account's own. A file that cannot be fetched there holds up nothing
/// else, as it would in the listener's pool.
pub(crate) struct Annex {
    way: Way,
    centres: DataCentres,
    /// By data centre, of which there are five.
    pools: Mutex<HashMap<i32, Slot>>,
}

impl Annex {
    pub(crate) fn new(way: Way, centres: DataCentres) -> Self {
        Self { way, centres, pools: Mutex::default() }
    }

    /// A connection to a data centre, signed in by the account's own.
    async fn open(&self, dc: i32, home: &Pool) -> Result<Arc<Pool>> {
        // One that does not answer holds up no other.
        let slot = self.pools.lock().await.entry(dc).or_default().clone();
        let mut open = slot.lock().await;
        if let Some(pool) = &*open
            && !pool.ended().is_cancelled()
        {
            return Ok(pool.clone());
        }
        let session = Arc::new(MemorySession::fresh(dc, &self.centres));
        let (pool, _unasked) = Pool::start(session, &self.way).await?;
        let request = tl::functions::auth::ExportAuthorization { dc_id: dc };
        let tl::enums::auth::ExportedAuthorization::Authorization(exported) = home.ask(&request).await?;
        let tl::types::auth::ExportedAuthorization { id, bytes } = exported;
        pool.ask(&tl::functions::auth::ImportAuthorization { id, bytes }).await?;
        let pool = Arc::new(pool);
        *open = Some(pool.clone());
        Ok(pool)
    }
}

impl TelegramRemote {
    pub(super) async fn fetch(
        &self,
        place: Place,
        remote: Value,
        offset: u64,
        sink: &mut (dyn AsyncWrite + Send + Unpin),
    ) -> Result<Fetched> {
        let mut handle = Handle::from_json(remote).ok_or(TelegramError::Gone)?;
        let (mut at, mut renewed, mut moved) = (offset, false, 0_u32);
        let outcome = loop {
            match self.rest(&handle, &mut at, sink).await {
                Ok(()) => break Ok(()),
                Err(TelegramError::Refused { name, .. }) if name.starts_with("FILE_REFERENCE_") && !renewed => {
                    tracing::info!(target: "skrynka::telegram", "A file's reference has expired, asking for a new one");
                    handle = self.renewed(&place, &handle).await?;
                    renewed = true;
                }
                Err(TelegramError::Refused { name, value: Some(dc), .. })
                    if name.ends_with("_MIGRATE") && moved < 3 =>
                {
                    handle.dc = i32::try_from(dc).unwrap_or(handle.dc);
                    moved += 1;
                    renewed = true;
                }
                Err(error) => break Err(error),
            }
        };
        sink.flush().await.map_err(TelegramError::Sink)?;
        outcome?;
        Ok(Fetched { remote: renewed.then(|| handle.to_json()) })
    }

    /// Writes what is missing behind `at`, and moves it.
    async fn rest(&self, handle: &Handle, at: &mut u64, sink: &mut (dyn AsyncWrite + Send + Unpin)) -> Result<()> {
        let home = self.pool.home();
        let pool = if handle.dc == home { self.pool.clone() } else { self.annex.open(handle.dc, &self.pool).await? };
        let part = u64::from(self.pool.tuning().part);
        while *at < handle.size {
            // A part may not cross a megabyte's border, so it begins where parts begin.
            let begins = *at / part * part;
            let request = tl::functions::upload::GetFile {
                precise: false,
                cdn_supported: false,
                location: handle.location(),
                offset: i64::try_from(begins).unwrap_or(i64::MAX),
                limit: i32::try_from(part).unwrap_or(1 << 19),
            };
            debug_assert!(part % STEP == 0, "Telegram refuses other offsets");
            let bytes = match pool.ask_for_part(handle.dc, &request).await? {
                tl::enums::upload::File::File(file) => file.bytes,
                tl::enums::upload::File::CdnRedirect(_) => {
                    return Err(TelegramError::Protocol("the file is on a network that was not asked for".to_owned()));
                }
            };
            let skip = usize::try_from(*at - begins).unwrap_or(usize::MAX);
            let Some(fresh) = bytes.get(skip..).filter(|fresh| !fresh.is_empty()) else {
                return Err(TelegramError::Protocol("the file ends before its size".to_owned()));
            };
            let left = usize::try_from(handle.size - *at).unwrap_or(usize::MAX);
            let fresh = &fresh[..fresh.len().min(left)];
            sink.write_all(fresh).await.map_err(TelegramError::Sink)?;
            *at += fresh.len() as u64;
        }
        Ok(())
    }

    /// The file as its message names it now.
    async fn renewed(&self, place: &Place, old: &Handle) -> Result<Handle> {
        let peer: Peer = place.mailbox.parse().map_err(|_| TelegramError::UnknownChat)?;
        let messages = self.by_number(peer, &[place.number]).await?;
        let reader = Reader { book: &self.book, me: self.me, arrived_at: self.clock.now() };
        let message = messages
            .iter()
            .find(|message| stands_at(message) == Some((peer, place.number)))
            .and_then(|message| reader.message(message, 0))
            .ok_or(TelegramError::Gone)?;
        let skrynka_core::connector::Content::Chat(content) = message.content else { return Err(TelegramError::Gone) };
        let Some(Media::File(file)) = content.media else { return Err(TelegramError::Gone) };
        let new = Handle::from_json(file.remote).ok_or(TelegramError::Gone)?;
        // Another file than the one that was begun may not be written behind it.
        if new.id == old.id && new.size == old.size { Ok(new) } else { Err(TelegramError::Gone) }
    }
}
