//! What goes out while an account's listener runs: texts, and read marks that the server should know.
//!
//! A text's `random_id` is stored before the first try, so a try whose answer was lost is repeated as the same message.

use std::{collections::HashSet, sync::PoisonError, time::Duration};

use time::OffsetDateTime;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Backoff, Shared};
use crate::{
    connector::{ConnectorError, Remote, SendError},
    model::{Account, AccountId, Channel, ChatKey, Trouble, TroubleCode},
    store::{DueText, LeaseToken, NotSent, StoreError},
};

/// A try that has no answer by then is uncertain.
const SEND_DEADLINE: Duration = Duration::from_secs(60);
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
    let (texts_bell, reads_bell) = (Notify::new(), Notify::new());
    let rings = async {
        loop {
            bell.notified().await;
            texts_bell.notify_one();
            reads_bell.notify_one();
        }
    };
    let texts = async {
        loop {
            if let Err(error) = send_all(shared, account, remote, lease).await {
                tracing::warn!(target: "skrynka::outbox", error = %crate::chain(&error), "Outbox not read");
            }
            let due = shared.parts.store.next_text_due(account.id).await.unwrap_or_default();
            let due = due.map(|due| shared.limit(account.id, Limited::Texts).map_or(due, |limit| limit.max(due)));
            // What became due meanwhile is negative, and waits no longer.
            let until = due.map(|due| Duration::try_from(due - shared.parts.clock.now()).unwrap_or_default());
            let pause = until.unwrap_or(LOOK).clamp(Duration::from_millis(100), LOOK);
            let _rung_or_not = tokio::time::timeout(pause, texts_bell.notified()).await;
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
        () = texts => {}
        () = reads => {}
    }
}

/// What a server may want less of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Limited {
    Texts,
    ReadMarks,
}

impl Shared {
    /// Until when the server takes no more, where that is still to come.
    fn limit(&self, account: AccountId, what: Limited) -> Option<OffsetDateTime> {
        let until = self.limits.lock().unwrap_or_else(PoisonError::into_inner).get(&(account, what)).copied();
        until.filter(|until| *until > self.parts.clock.now())
    }

    fn note_limit(&self, account: AccountId, what: Limited, until: OffsetDateTime) {
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        let known = limits.entry((account, what)).or_insert(until);
        *known = until.max(*known);
    }
}

async fn send_all(
    shared: &Shared,
    account: &Account,
    remote: &dyn Remote,
    lease: LeaseToken,
) -> Result<(), StoreError> {
    let (store, clock) = (&shared.parts.store, &shared.parts.clock);
    while shared.limit(account.id, Limited::Texts).is_none()
        && let Some(text) = store.next_text(account.id, Some(lease), clock.now()).await?
    {
        let (id, tries) = (text.id, text.tries);
        match try_text(remote, text).await {
            Ok(sent) => {
                store.text_sent(account.id, id, &sent).await?;
                tracing::info!(target: "skrynka::outbox", outgoing = %id, number = sent.place.number, "Message sent");
            }
            Err(error) => {
                // The limit is the account's: the next chat's text would only lengthen it.
                if let SendError::NotSent(ConnectorError::Limited { until, .. }) = &error {
                    shared.note_limit(account.id, Limited::Texts, *until);
                }
                let (outcome, why) = outcome(error, clock.now(), shared.parts.backoff, tries);
                store.text_not_sent(account.id, Some(lease), id, &outcome, &why).await?;
                tracing::warn!(
                    target: "skrynka::outbox", outgoing = %id, tries, code = why.code.as_str(), why = why.detail,
                    "Message not sent"
                );
            }
        }
    }
    Ok(())
}

async fn try_text(remote: &dyn Remote, text: DueText) -> Result<crate::connector::Sent, SendError> {
    tokio::time::timeout(SEND_DEADLINE, remote.send_text(text.send)).await.unwrap_or_else(|_| {
        let detail = "no answer within the deadline".to_owned();
        Err(SendError::Uncertain(Trouble { code: TroubleCode::Timeout, detail }))
    })
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
