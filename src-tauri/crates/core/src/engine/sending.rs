//! What goes out while an account's listener runs: texts, and read marks that the server should know.
//!
//! A text's `random_id` is stored before the first try, so a try whose answer was lost is repeated as the same message.

use std::{
    collections::HashSet,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use time::OffsetDateTime;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Backoff, Engine, Shared};
use crate::{
    connector::{
        AlbumError, AlbumTrouble, ConnectorError, FileSource, ForwardMessage, Remote, SendError, SendFile, Sent,
    },
    fault,
    model::{Account, AccountId, Channel, ChatKey, OutgoingId, Trouble, TroubleCode},
    store::{DueText, LeaseToken, NotSent, OutgoingFile, Store, StoreError},
};

/// A try that has no answer by then is uncertain.
const SEND_DEADLINE: Duration = Duration::from_secs(60);
/// Bytes of a file that a slow line takes in a second; one that takes fewer is given up.
const SLOWEST: u64 = 20 << 10;
/// Another program's text is found at least this often, should its ring be lost.
const LOOK: Duration = Duration::from_secs(15);

/// Sends what waits, until the listener has ended.
pub(super) async fn run(
    shared: &Shared,
    account: &Account,
    remote: &dyn Remote,
    lease: LeaseToken,
    (bell, ended): (&Notify, &CancellationToken),
) {
    if account.channel != Channel::Telegram {
        return;
    }
    let (texts_bell, files_bell, reads_bell) = (Notify::new(), Notify::new(), Notify::new());
    let rings = async {
        loop {
            bell.notified().await;
            texts_bell.notify_one();
            files_bell.notify_one();
            reads_bell.notify_one();
        }
    };
    // A large file takes hours over a slow line: no other chat's text waits behind it.
    let lane = async |bell: &Notify, other: &Notify, with_file: bool| {
        loop {
            // What becomes due while the outbox is looked through is still to come.
            let now = shared.parts.clock.now();
            match send_all(shared, account, remote, lease, with_file).await {
                // What waited in its chat behind what was tried here may go on in the other lane.
                Ok(true) => other.notify_one(),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(target: "skrynka::outbox", error = %crate::chain(&error), "Outbox not read");
                }
            }
            let due = shared.parts.store.next_due(account.id, now).await.unwrap_or_default();
            let due = shared.limit(account.id, Limited::Texts).or(due);
            // What became due meanwhile is negative, and waits no longer.
            let until = due.map(|due| Duration::try_from(due - shared.parts.clock.now()).unwrap_or_default());
            let pause = until.unwrap_or(LOOK).clamp(Duration::from_millis(100), LOOK);
            let _rung_or_not = tokio::time::timeout(pause, bell.notified()).await;
        }
    };
    // Read marks may wait long for the server's leave: no text waits behind them.
    let reads = async {
        let mut refused = HashSet::new();
        loop {
            if let Err(error) = tell_reads(shared, account, remote, &mut refused).await {
                tracing::warn!(target: "skrynka::outbox", error = %crate::chain(&error), "Read marks not read");
            }
            let _rung_or_not = tokio::time::timeout(LOOK, reads_bell.notified()).await;
        }
    };
    // A try that is cut off here stays "sending" and is repeated as the same message.
    tokio::select! {
        () = ended.cancelled() => {}
        () = rings => {}
        () = lane(&texts_bell, &files_bell, false) => {}
        () = lane(&files_bell, &texts_bell, true) => {}
        () = reads => {}
    }
}

/// What a server may want less of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Limited {
    /// Texts and mails.
    Texts,
    ReadMarks,
    /// Sign-ins for sending, after one was refused.
    SignIns,
}

impl Shared {
    /// Until when the server takes no more, where that is still to come.
    pub(super) fn limit(&self, account: AccountId, what: Limited) -> Option<OffsetDateTime> {
        let until = self.limits.lock().unwrap_or_else(PoisonError::into_inner).get(&(account, what)).copied();
        until.filter(|until| *until > self.parts.clock.now())
    }

    pub(super) fn note_limit(&self, account: AccountId, what: Limited, until: OffsetDateTime) {
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        let known = limits.entry((account, what)).or_insert(until);
        *known = until.max(*known);
    }

    /// What follows a try that did not succeed. A limit is the account's: the next chat's text would only lengthen it.
    fn failed(&self, account: AccountId, error: SendError, tries: u32) -> (NotSent, Trouble) {
        if let SendError::NotSent(ConnectorError::Limited { until, .. }) = &error {
            self.note_limit(account, Limited::Texts, *until);
        }
        outcome(error, self.parts.clock.now(), self.parts.backoff, tries)
    }

    pub(super) fn forget_limit(&self, account: AccountId, what: Limited) {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner).remove(&(account, what));
    }
}

/// Tries what is due; tells whether there was anything.
async fn send_all(
    shared: &Shared,
    account: &Account,
    remote: &dyn Remote,
    lease: LeaseToken,
    with_file: bool,
) -> Result<bool, StoreError> {
    let (store, clock) = (&shared.parts.store, &shared.parts.clock);
    let mut tried = false;
    while shared.limit(account.id, Limited::Texts).is_none()
        && let Some(text) = store.next_text(account.id, Some(lease), clock.now(), with_file).await?
    {
        let (id, tries) = (text.id, text.tries);
        tried = true;
        fault::point("text_taken");
        if !text.rest.is_empty() || text.forward.is_some() {
            send_together(shared, account, remote, lease, text).await?;
            continue;
        }
        match try_text(shared, account.id, remote, text).await {
            Ok(sent) => {
                fault::point("text_answered");
                let number = sent.place.number;
                store.texts_sent(account.id, &[(id, sent)]).await?;
                fault::point("text_noted");
                tracing::info!(target: "skrynka::outbox", outgoing = %id, number, "Message sent");
            }
            Err(error) => {
                let (outcome, why) = shared.failed(account.id, error, tries);
                store.text_not_sent(account.id, Some(lease), id, &outcome, &why).await?;
                tracing::warn!(
                    target: "skrynka::outbox", outgoing = %id, tries, code = why.code.as_str(), why = why.detail,
                    "Message not sent"
                );
            }
        }
    }
    Ok(tried)
}

/// Sends files as one album, or passes messages on. Where one of them can never go, the others go without it the next time.
async fn send_together(
    shared: &Shared,
    account: &Account,
    remote: &dyn Remote,
    lease: LeaseToken,
    mut first: DueText,
) -> Result<(), StoreError> {
    let (store, clock) = (&shared.parts.store, &shared.parts.clock);
    let rest = std::mem::take(&mut first.rest);
    let items: Vec<DueText> = std::iter::once(first).chain(rest).collect();
    let (ids, tries) = (items.iter().map(|item| item.id).collect::<Vec<_>>(), items[0].tries);
    let tried = match items.iter().map(|item| item.forward.clone()).collect::<Option<Vec<_>>>() {
        Some(forwards) => try_forward(remote, forwards).await,
        None => try_album(shared, account.id, remote, items).await,
    };
    match tried {
        Ok(sent) => {
            fault::point("text_answered");
            let first = sent.first().map(|sent| sent.place.number);
            let sent: Vec<_> = ids.iter().copied().zip(sent).collect();
            store.texts_sent(account.id, &sent).await?;
            tracing::info!(target: "skrynka::outbox", outgoing = %ids[0], items = sent.len(), number = first, "Messages sent together");
        }
        Err(AlbumError { what, why }) => {
            let (outcome, why) = shared.failed(account.id, why, tries);
            let again = NotSent::Later(clock.now());
            let outcome_of = |at| match (what, &outcome) {
                (AlbumTrouble::Item(item), _) if item != at => &again,
                // What was refused together may go one by one.
                (AlbumTrouble::Apart, NotSent::Failed) => &again,
                _ => &outcome,
            };
            let items: Vec<_> = ids.iter().enumerate().map(|(at, id)| (*id, outcome_of(at))).collect();
            store.album_not_sent(account.id, Some(lease), &items, &why, what == AlbumTrouble::Apart).await?;
            tracing::warn!(
                target: "skrynka::outbox", outgoing = %ids[0], items = ids.len(), what = ?what, tries,
                code = why.code.as_str(), why = why.detail, "Messages not sent together"
            );
        }
    }
    Ok(())
}

async fn try_forward(remote: &dyn Remote, forwards: Vec<ForwardMessage>) -> Result<Vec<Sent>, AlbumError> {
    let count = forwards.len();
    let tried = tokio::time::timeout(SEND_DEADLINE, remote.forward(forwards)).await;
    all_of(count, tried.unwrap_or_else(|_| Err(uncertain(TroubleCode::Timeout, "no answer within the deadline"))))
}

/// An answer that tells of fewer messages leaves all of them uncertain.
fn all_of(count: usize, sent: Result<Vec<Sent>, AlbumError>) -> Result<Vec<Sent>, AlbumError> {
    let sent = sent?;
    if sent.len() == count {
        Ok(sent)
    } else {
        Err(uncertain(TroubleCode::Protocol, "the answer tells of another number of messages"))
    }
}

fn uncertain(code: TroubleCode, detail: &str) -> AlbumError {
    let why = SendError::Uncertain(Trouble { code, detail: detail.to_owned() });
    AlbumError { what: AlbumTrouble::Whole, why }
}

async fn try_album(
    shared: &Shared,
    account: AccountId,
    remote: &dyn Remote,
    items: Vec<DueText>,
) -> Result<Vec<Sent>, AlbumError> {
    let size: u64 = items.iter().filter_map(|item| item.file.as_ref()).map(|file| file.size).sum();
    let deadline = SEND_DEADLINE + Duration::from_secs(size / SLOWEST);
    let mut uploads = Vec::with_capacity(items.len());
    let mut album = Vec::with_capacity(items.len());
    for (at, DueText { id, send, file, .. }) in items.into_iter().enumerate() {
        let file = file.ok_or_else(|| {
            let why = Trouble { code: TroubleCode::Refused, detail: "the attached file is not there".to_owned() };
            AlbumError { what: AlbumTrouble::Item(at), why: SendError::NotSent(ConnectorError::Permanent(why)) }
        })?;
        let upload = Upload::begin(shared, account, id, &file);
        album.push((send, upload.file.clone()));
        uploads.push(upload);
    }
    let count = album.len();
    let tried = tokio::time::timeout(deadline, remote.send_album(album)).await;
    all_of(count, tried.unwrap_or_else(|_| Err(uncertain(TroubleCode::Timeout, "no answer within the deadline"))))
}

async fn try_text(shared: &Shared, account: AccountId, remote: &dyn Remote, text: DueText) -> Result<Sent, SendError> {
    let DueText { id, send, file, .. } = text;
    let size = file.as_ref().map_or(0, |file| file.size);
    let deadline = SEND_DEADLINE + Duration::from_secs(size / SLOWEST);
    let upload = file.map(|file| Upload::begin(shared, account, id, &file));
    let file = upload.as_ref().map(|upload| upload.file.clone());
    let tried = tokio::time::timeout(deadline, remote.send_text(send, file)).await;
    tried.unwrap_or_else(|_| {
        let detail = "no answer within the deadline".to_owned();
        Err(SendError::Uncertain(Trouble { code: TroubleCode::Timeout, detail }))
    })
}

/// A file on its way up, as long as it lives among those that can be asked after and given up.
struct Upload<'a> {
    shared: &'a Shared,
    id: OutgoingId,
    file: SendFile,
}

impl<'a> Upload<'a> {
    fn begin(shared: &'a Shared, account: AccountId, id: OutgoingId, file: &OutgoingFile) -> Self {
        let under_way = Arc::new(UnderWay::default());
        shared.uploads.lock().unwrap_or_else(PoisonError::into_inner).insert(id, under_way.clone());
        let blob = Blob { store: shared.parts.store.clone(), account, sha256: file.sha256, under_way };
        let (name, mime, voice) = (file.name.clone(), file.mime.clone(), file.voice.clone());
        Self { shared, id, file: SendFile { name, mime, size: file.size, voice, source: Arc::new(blob) } }
    }
}

impl Drop for Upload<'_> {
    fn drop(&mut self) {
        self.shared.uploads.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// How far a file is.
#[derive(Default)]
pub(super) struct UnderWay {
    /// Bytes read so far.
    read: AtomicU64,
    /// Whether somebody has given it up.
    given_up: AtomicBool,
}

/// The bytes of a blob, for whoever sends it.
struct Blob {
    store: Store,
    account: AccountId,
    sha256: [u8; 32],
    under_way: Arc<UnderWay>,
}

impl FileSource for Blob {
    fn wanted(&self) -> Result<(), ConnectorError> {
        if !self.under_way.given_up.load(Ordering::Relaxed) {
            return Ok(());
        }
        let detail = "given up before it was sent".to_owned();
        Err(ConnectorError::Permanent(Trouble { code: TroubleCode::Refused, detail }))
    }

    fn piece(&self, number: u32) -> BoxFuture<'_, Result<Vec<u8>, ConnectorError>> {
        let failed = |code, detail: String| Trouble { code, detail };
        Box::pin(async move {
            self.wanted()?;
            let bytes = self.store.blob_chunk(self.account, self.sha256, number).await.map_err(|error| {
                let why = failed(TroubleCode::Database, crate::chain(&error));
                ConnectorError::Transient { why, retry_after: None }
            })?;
            let bytes = bytes.ok_or_else(|| {
                ConnectorError::Permanent(failed(TroubleCode::Refused, "the attached file is not there".to_owned()))
            })?;
            self.under_way.read.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            Ok(bytes)
        })
    }
}

impl Engine {
    /// Bytes of a file on its way up that have been read so far; `None` where it is not being sent from here.
    pub fn upload_progress(&self, id: OutgoingId) -> Option<u64> {
        let uploads = self.shared.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        uploads.get(&id).map(|under_way| under_way.read.load(Ordering::Relaxed))
    }

    /// Gives up a file on its way up: it is not sent unless it is whole already.
    pub fn give_up_upload(&self, id: OutgoingId) {
        if let Some(under_way) = self.shared.uploads.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            under_way.given_up.store(true, Ordering::Relaxed);
        }
    }
}

/// What follows a try that did not succeed.
fn outcome(error: SendError, now: OffsetDateTime, backoff: Backoff, tries: u32) -> (NotSent, Trouble) {
    let pause = backoff.pause(tries, false, rand::random());
    match error {
        SendError::Uncertain(why) => (NotSent::Uncertain(now + pause), why),
        SendError::NotSent(ConnectorError::Transient { why, retry_after }) => {
            (NotSent::Later(now + pause.max(retry_after.unwrap_or_default())), why)
        }
        SendError::NotSent(ConnectorError::Limited { until, why }) => (NotSent::Later(until), why),
        SendError::NotSent(
            ConnectorError::SignInRequired(why) | ConnectorError::Misconfigured(why) | ConnectorError::Permanent(why),
        ) => (NotSent::Failed, why),
    }
}

/// Tells the server what was read here, where the owner wants that. A chat that refuses is asked no more on this
/// connection.
async fn tell_reads(
    shared: &Shared,
    account: &Account,
    remote: &dyn Remote,
    refused: &mut HashSet<ChatKey>,
) -> Result<(), StoreError> {
    if !account.telegram.as_ref().is_some_and(|telegram| telegram.mark_read) {
        return Ok(());
    }
    let store = &shared.parts.store;
    for (chat, up_to) in store.unconfirmed_reads(account.id).await? {
        if shared.limit(account.id, Limited::ReadMarks).is_some() {
            return Ok(());
        }
        if refused.contains(&chat) {
            continue;
        }
        match tokio::time::timeout(SEND_DEADLINE, remote.mark_read(chat, up_to)).await {
            Ok(Ok(())) => store.read_confirmed(account.id, chat, up_to).await?,
            Ok(Err(error)) => {
                match &error {
                    ConnectorError::Limited { until, .. } => shared.note_limit(account.id, Limited::ReadMarks, *until),
                    ConnectorError::Permanent(_) => {
                        refused.insert(chat);
                    }
                    ConnectorError::Transient { .. }
                    | ConnectorError::SignInRequired(_)
                    | ConnectorError::Misconfigured(_) => {}
                }
                let why = error.trouble();
                tracing::warn!(target: "skrynka::outbox", code = why.code.as_str(), why = why.detail, "Read mark not told");
            }
            Err(_) => tracing::warn!(target: "skrynka::outbox", "Read mark not answered in time"),
        }
    }
    Ok(())
}
