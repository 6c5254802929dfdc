//! A message to oneself as the window and the command line show it.

use skrynka_core::{
    engine::{Cause, Painted, Reached, SelfTest, Station},
    model::{AccountId, ConversationId, TroubleCode},
};
use tokio::sync::broadcast::error::RecvError;

use crate::{
    desk::Office,
    wire::{ConversationKey, SelfTestCause, SelfTestView, StationName, StationView, count},
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
        None => SelfTestView { reached, failed: None, why: None, found_in: Vec::new(), repair: None },
        Some(stopped) => SelfTestView {
            reached,
            failed: Some(name(stopped.station)),
            repair: repair(&stopped.why).map(ToOwned::to_owned),
            why: Some(cause(stopped.why)),
            found_in: stopped.found_in,
        },
    }
}

fn cause(why: Cause) -> SelfTestCause {
    match why {
        Cause::Trouble(why) => SelfTestCause::Trouble { why: why.into() },
        Cause::HolderGone { holder } => SelfTestCause::HolderGone { holder },
        Cause::SwitchedOff => SelfTestCause::SwitchedOff,
        Cause::NotConnected => SelfTestCause::NotConnected,
        Cause::Silence { waited } => SelfTestCause::Silence { seconds: count(waited.as_secs()) },
        Cause::NotTaken => SelfTestCause::NotTaken,
        Cause::Withdrawn => SelfTestCause::Withdrawn,
        Cause::NotDrawn => SelfTestCause::NotDrawn,
    }
}

/// What would help where a self-test went no further.
pub fn repair(why: &Cause) -> Option<&'static str> {
    let why = match why {
        Cause::Trouble(why) => why,
        Cause::HolderGone { .. } | Cause::NotConnected | Cause::Silence { .. } | Cause::NotTaken => {
            return Some("retry_account");
        }
        Cause::NotDrawn => return Some("reload_window"),
        Cause::SwitchedOff | Cause::Withdrawn => return None,
    };
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
