//! A message to oneself as the window and the command line show it.

use skrynka_core::{
    engine::{Painted, Reached, SelfTest, Station},
    model::{AccountId, ConversationId, Trouble, TroubleCode},
};
use tokio::sync::broadcast::error::RecvError;

use crate::{
    desk::Office,
    wire::{ConversationKey, SelfTestView, StationName, StationView, count},
};

/// Sends a message from an account to itself and follows it to where the window has drawn it.
pub async fn run(office: &Office, account: AccountId, mut told: impl FnMut(StationView) + Send + Sync) -> SelfTestView {
    let painted = |conversation: ConversationId| -> futures_util::future::BoxFuture<'_, ()> {
        // From here on: it is drawn once its announcement has come.
        let mut drawn = office.painted.subscribe();
        Box::pin(async move {
            loop {
                match drawn.recv().await {
                    Ok(one) if one == (account, conversation) => return,
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    // The office is closing.
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        })
    };
    let painted: &Painted<'_> = &painted;
    let mut tell = |reached: Reached| told(station(account, &reached));
    let found = office.engine.self_test(account, Some(painted), &mut tell).await;
    view(account, found)
}

/// A self-test as the window sees it.
fn view(account: AccountId, found: SelfTest) -> SelfTestView {
    let reached = found.reached.iter().map(|reached| station(account, reached)).collect();
    match found.stopped {
        None => SelfTestView { reached, failed: None, why: None, repair: None },
        Some(stopped) => SelfTestView {
            reached,
            failed: Some(name(stopped.station)),
            repair: repair(stopped.station, &stopped.why).map(ToOwned::to_owned),
            why: Some(stopped.why.into()),
        },
    }
}

/// What would help where a self-test went no further.
pub fn repair(station: Station, why: &Trouble) -> Option<&'static str> {
    match why.code {
        TroubleCode::SignIn
        | TroubleCode::AppPassword
        | TroubleCode::SessionDuplicated
        | TroubleCode::SessionRevoked
        | TroubleCode::Settings
        | TroubleCode::NameNotFound => Some("sign_in"),
        TroubleCode::Secrets => Some("open_vault"),
        TroubleCode::Certificate => Some("renew_certificate"),
        TroubleCode::Network
        | TroubleCode::Timeout
        | TroubleCode::Tls
        | TroubleCode::Protocol
        | TroubleCode::Proxy
        | TroubleCode::Limited
        | TroubleCode::Refused => Some("retry_account"),
        TroubleCode::Internal if station == Station::Painted => Some("reload_window"),
        TroubleCode::Banned
        | TroubleCode::Deactivated
        | TroubleCode::Frozen
        | TroubleCode::NotOffered
        | TroubleCode::Database
        | TroubleCode::Internal => None,
    }
}

fn station(account: AccountId, reached: &Reached) -> StationView {
    StationView {
        station: name(reached.station),
        ms: count(reached.after.as_millis()),
        conversation: reached
            .conversation
            .map(|id| ConversationKey { account: account.to_string(), id: id.to_string() }),
    }
}

const fn name(station: Station) -> StationName {
    match station {
        Station::Queued => StationName::Queued,
        Station::Accepted => StationName::Accepted,
        Station::Seen => StationName::Seen,
        Station::Stored => StationName::Stored,
        Station::Announced => StationName::Announced,
        Station::Painted => StationName::Painted,
        Station::Removed => StationName::Removed,
    }
}
