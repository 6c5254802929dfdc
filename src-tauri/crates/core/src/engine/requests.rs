//! What is asked of an account's other side, wherever its listener runs: here, or in another program on this database.
//!
//! A session that is used from two places is destroyed, so nobody but the holder of an account's lease talks to its
//! server. Every request may be carried out twice without harm: who took one may die over it, and the next holder begins
//! it anew.

use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{AskError, Asked, Older, Shared, asking, completeness, self_test};
use crate::{
    connector::PersonName,
    model::{
        AccountId, AttachmentId, ChatKey, ConversationId, Entity, MessageId, OutgoingId, Place, RequestId, Trouble,
        TroubleCode,
    },
    store::{LeaseToken, RequestState, StoreError, TakenRequest},
};

/// A request that nobody has taken by then is given up.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked whether there is an answer, or something asked, should a ring be lost.
const LOOK: Duration = Duration::from_secs(2);
const LOOK_FOR_REQUESTS: Duration = Duration::from_secs(10);
/// How long somebody waits for an answer whose taker lives.
const LONGEST: Duration = Duration::from_secs(3600);
/// The pauses after an answer that could not be stored.
const ANSWER_AGAIN: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(15), Duration::from_secs(60)];
/// Requests of other programs that are carried out at once of one account: another account's wait for none of them.
const AT_ONCE: usize = 4;

/// What can be asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Request {
    ReadBack { chat: ChatKey, before: Option<u32>, limit: u32 },
    BeginChat { name: PersonName },
    EditMessage { message: MessageId, text: String, entities: Vec<Entity> },
    DeleteMessage { message: MessageId },
    FetchFile { file: AttachmentId },
    MarkSeen { places: Vec<Place>, seen: bool },
    CheckCompleteness,
    FetchMissing,
    FetchAgain { places: Vec<Place> },
    OwnChat,
    RemoveSelfTest { id: OutgoingId },
}

impl Request {
    const fn kind(&self) -> &'static str {
        match self {
            Self::ReadBack { .. } => "read_back",
            Self::BeginChat { .. } => "begin_chat",
            Self::EditMessage { .. } => "edit_message",
            Self::DeleteMessage { .. } => "delete_message",
            Self::FetchFile { .. } => "fetch_file",
            Self::MarkSeen { .. } => "mark_seen",
            Self::CheckCompleteness => "check_completeness",
            Self::FetchMissing => "fetch_missing",
            Self::FetchAgain { .. } => "fetch_again",
            Self::OwnChat => "own_chat",
            Self::RemoveSelfTest { .. } => "remove_self_test",
        }
    }
}

/// What comes of a request; what it brought stands in the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    Done,
    Older(Older),
    Chat(Option<ConversationId>),
    /// Folders or chats, as a person calls them.
    Places(Vec<String>),
}

/// An answer on its way from one program to another.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    Answer(Answer),
    Trouble(Trouble),
}

/// Carries a request out where the account is connected here; else asks the program that listens to it.
pub(super) async fn ask(shared: &Shared, account: AccountId, request: Request) -> Result<Answer, AskError> {
    match shared.remote(account) {
        Some(asked) => carry_out(shared, account, asked, request).await,
        None => ask_holder(shared, account, request).await,
    }
}

async fn carry_out(shared: &Shared, account: AccountId, asked: Asked, request: Request) -> Result<Answer, AskError> {
    Ok(match request {
        Request::ReadBack { chat, before, limit } => {
            Answer::Older(asking::read_back(shared, account, &asked, chat, before, limit).await?)
        }
        Request::BeginChat { name } => Answer::Chat(asking::begin_chat(shared, account, &asked, name).await?),
        Request::EditMessage { message, text, entities } => {
            asking::edit_message(shared, account, &asked, message, text, entities).await?;
            Answer::Done
        }
        Request::DeleteMessage { message } => {
            asking::delete_message(shared, account, &asked, message).await?;
            Answer::Done
        }
        Request::FetchFile { file } => {
            let folder = shared.files.get().ok_or(AskError::NotConnected)?;
            asking::fetch(shared, account, file, folder).await?;
            Answer::Done
        }
        Request::MarkSeen { places, seen } => {
            asked.0.mark_seen(places, seen).await?;
            Answer::Done
        }
        Request::CheckCompleteness => {
            completeness::check(shared, account, &asked).await?;
            Answer::Done
        }
        Request::FetchMissing => {
            completeness::fetch_missing(shared, account, &asked).await?;
            Answer::Done
        }
        Request::FetchAgain { places } => {
            completeness::fetch_again(shared, account, &asked, places).await?;
            Answer::Done
        }
        Request::OwnChat => Answer::Chat(self_test::own_chat(shared, account, &asked).await?),
        Request::RemoveSelfTest { id } => Answer::Places(self_test::remove_there(shared, account, &asked, id).await?),
    })
}

/// Asks the program that listens to the account, for as long as it does.
pub(super) async fn ask_holder(shared: &Shared, account: AccountId, request: Request) -> Result<Answer, AskError> {
    let store = &shared.parts.store;
    let held = store.lease(account).await?.filter(|held| held.valid);
    let Some(held) = held.filter(|held| held.holder.id != shared.parts.presence.holder().id) else {
        return Err(AskError::NotConnected);
    };
    let id = RequestId::new(shared.parts.clock.now()).0;
    let kind = request.kind();
    tracing::info!(target: "skrynka::app", account = %account, request = %id, kind, of = held.holder.name, "Request sent");
    store.ask(id, account, &as_json(&request)?).await?;
    let asked = tokio::time::Instant::now();
    loop {
        let rung = shared.answered.notified();
        match store.request_state(id).await? {
            RequestState::Answered(answer) => {
                let millis = u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX);
                tracing::info!(target: "skrynka::app", account = %account, request = %id, kind, ms = millis, "Request answered");
                return match serde_json::from_value(answer) {
                    Ok(Told::Answer(answer)) => Ok(answer),
                    Ok(Told::Trouble(trouble)) => Err(AskError::Elsewhere(trouble)),
                    Err(error) => Err(StoreError::Inconsistent(format!("an answer: {error}")).into()),
                };
            }
            RequestState::Gone => return Err(StoreError::NotFound("the account").into()),
            RequestState::Waiting | RequestState::Taken => {}
        }
        if tokio::time::timeout(LOOK, rung).await.is_ok() {
            continue;
        }
        // Who follows a holder at once begins anew what that one had taken; later nobody expects it any more.
        let gone = asked.elapsed() > LONGEST || !store.lease(account).await?.is_some_and(|held| held.valid);
        if (gone || asked.elapsed() > PATIENCE) && store.withdraw_request(id, gone).await? {
            return Err(AskError::NoAnswer(held.holder.name));
        }
    }
}

/// Carries out what other programs ask of the accounts that are listened to here.
pub(super) async fn answer(shared: Arc<Shared>, stop: CancellationToken) {
    let mut under_way = FuturesUnordered::new();
    let mut busy: HashMap<AccountId, usize> = HashMap::new();
    loop {
        loop {
            let mut ended: Vec<AccountId> = Vec::new();
            let found = {
                let mut looked = std::pin::pin!(next(&shared, &busy));
                // What is under way goes on meanwhile: it may hold the very connection that this waits for.
                loop {
                    tokio::select! {
                        found = &mut looked => break found,
                        Some(account) = under_way.next() => ended.push(account),
                    }
                }
            };
            for account in &ended {
                release(&mut busy, *account);
            }
            match found {
                Ok(Some(request)) => {
                    let account = request.account;
                    *busy.entry(account).or_default() += 1;
                    under_way.push(answer_one(&shared, request).map(move |()| account));
                }
                // An account may take more by now.
                Ok(None) if !ended.is_empty() => {}
                Ok(None) => break,
                Err(error) => {
                    tracing::debug!(target: "skrynka::store", error = %crate::chain(&error), "Requests not looked up");
                    break;
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            Some(account) = under_way.next() => release(&mut busy, account),
            () = shared.asked.notified() => {}
            () = tokio::time::sleep(LOOK_FOR_REQUESTS) => {}
        }
    }
}

fn release(busy: &mut HashMap<AccountId, usize>, account: AccountId) {
    if let Some(count) = busy.get_mut(&account) {
        *count = count.saturating_sub(1);
    }
}

/// The next request of an account that is not busy with as many as it takes.
async fn next(shared: &Shared, busy: &HashMap<AccountId, usize>) -> Result<Option<TakenRequest>, StoreError> {
    let mut held = shared.held();
    held.retain(|(account, _)| busy.get(account).is_none_or(|count| *count < AT_ONCE));
    if held.is_empty() { Ok(None) } else { shared.parts.store.take_request(&held, PATIENCE).await }
}

async fn answer_one(shared: &Shared, request: TakenRequest) {
    let span =
        tracing::info_span!(target: "skrynka::app", "request", account = %request.account, request = %request.id);
    async {
        let told = match told(shared, &request).await {
            Ok(answer) => Told::Answer(answer),
            Err(error) => Told::Trouble(trouble(&error)),
        };
        if let Told::Trouble(trouble) = &told {
            tracing::warn!(target: "skrynka::app", error = trouble.detail, "Request refused");
        }
        // Somebody waits for it for as long as the lease lasts.
        for pause in ANSWER_AGAIN {
            let stored = match as_json(&told) {
                Ok(told) => shared.parts.store.answer_request(&request, &told).await,
                Err(error) => Err(error),
            };
            let Err(error) = stored else { return };
            tracing::warn!(target: "skrynka::store", error = %crate::chain(&error), "Request not answered");
            tokio::time::sleep(pause).await;
        }
    }
    .instrument(span)
    .await;
}

async fn told(shared: &Shared, request: &TakenRequest) -> Result<Answer, AskError> {
    let asked: Request = serde_json::from_value(request.asked.clone())
        .map_err(|error| StoreError::Inconsistent(format!("a request: {error}")))?;
    tracing::info!(target: "skrynka::app", kind = asked.kind(), "Request taken");
    let connected = shared.remote(request.account).filter(|(_, lease)| *lease == request.lease);
    let connected = connected.ok_or(AskError::NotConnected)?;
    // A defect in a library ends this request, not the answering of others.
    AssertUnwindSafe(carry_out(shared, request.account, connected, asked)).catch_unwind().await.unwrap_or_else(
        |panic| {
            let detail = super::tasks::panic_text(panic.as_ref()).to_owned();
            Err(AskError::Elsewhere(Trouble { code: TroubleCode::Internal, detail }))
        },
    )
}

/// What another program is told of an error.
pub(super) fn trouble(error: &AskError) -> Trouble {
    let code = match error {
        AskError::Remote(error) => return error.trouble().clone(),
        AskError::Elsewhere(trouble) => return trouble.clone(),
        AskError::NotConnected | AskError::NoAnswer(_) => TroubleCode::Network,
        AskError::Store(_) => TroubleCode::Database,
        AskError::File(_) => TroubleCode::Internal,
    };
    Trouble { code, detail: crate::chain(error) }
}

fn as_json(value: &impl Serialize) -> Result<Value, StoreError> {
    serde_json::to_value(value).map_err(|error| StoreError::Inconsistent(format!("a request: {error}")))
}

impl Shared {
    /// The accounts that are connected here, by their leases.
    fn held(&self) -> Vec<(AccountId, LeaseToken)> {
        let remotes = self.remotes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        remotes.iter().map(|(id, (_, lease))| (*id, *lease)).collect()
    }
}
