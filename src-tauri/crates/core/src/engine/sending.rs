//! What goes out while an account's listener runs: texts, and read marks that the server should know.
//!
//! A text's `random_id` is stored before the first try, so a try whose answer was lost is repeated as the same message.

use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Backoff, Shared};
use crate::{
    connector::{ConnectorError, Remote, SendError},
    model::{Account, Channel, Trouble, TroubleCode},
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
    let work = async {
        loop {
            let sent = send_all(shared, account, remote, lease).await;
            let told = tell_reads(shared, account, remote).await;
            if let Err(error) = sent.and(told) {
                tracing::warn!(target: "skrynka::outbox", error = %crate::chain(&error), "Outbox not read");
            }
            let due = shared.parts.store.next_text_due(account.id).await.unwrap_or_default();
            // What became due meanwhile is negative, and waits no longer.
            let until = due.map(|due| Duration::try_from(due - shared.parts.clock.now()).unwrap_or_default());
            let pause = until.unwrap_or(LOOK).clamp(Duration::from_millis(100), LOOK);
            let _rung_or_not = tokio::time::timeout(pause, bell.notified()).await;
        }
    };
    // A try that is cut off here stays "sending" and is repeated as the same message.
    tokio::select! {
        () = ended.cancelled() => {}
        () = work => {}
    }
}

async fn send_all(
    shared: &Shared,
    account: &Account,
    remote: &dyn Remote,
    lease: LeaseToken,
) -> Result<(), StoreError> {
    let (store, clock) = (&shared.parts.store, &shared.parts.clock);
    while let Some(text) = store.next_text(account.id, Some(lease), clock.now()).await? {
        let (id, tries) = (text.id, text.tries);
        match try_text(remote, text).await {
            Ok(sent) => {
                store.text_sent(account.id, id, &sent).await?;
                tracing::info!(target: "skrynka::outbox", outgoing = %id, number = sent.place.number, "Message sent");
            }
            Err(error) => {
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
fn outcome(error: SendError, now: time::OffsetDateTime, backoff: Backoff, tries: u32) -> (NotSent, Trouble) {
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

/// Tells the server what was read here, where the owner wants that.
async fn tell_reads(shared: &Shared, account: &Account, remote: &dyn Remote) -> Result<(), StoreError> {
    if !account.telegram.as_ref().is_some_and(|telegram| telegram.mark_read) {
        return Ok(());
    }
    let store = &shared.parts.store;
    for (chat, up_to) in store.unconfirmed_reads(account.id).await? {
        match tokio::time::timeout(SEND_DEADLINE, remote.mark_read(chat, up_to)).await {
            Ok(Ok(())) => store.read_confirmed(account.id, chat, up_to).await?,
            Ok(Err(error)) => {
                let why = error.trouble();
                tracing::warn!(target: "skrynka::outbox", code = why.code.as_str(), why = why.detail, "Read mark not told");
            }
            Err(_) => tracing::warn!(target: "skrynka::outbox", "Read mark not answered in time"),
        }
    }
    Ok(())
}
