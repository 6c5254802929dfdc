//! Each account: its listener, what its server holds, its room, its connections, its silence.

use skrynka_core::{
    model::{Account, AccountState, TroubleCode},
    store::{Completeness, CompletenessSum, Standing, StoredStatus},
};
use time::{Duration, OffsetDateTime};

use super::{Look, check, nobody_listens, of_account};
use crate::{
    wire::{Check, CheckState, stamp},
    wiring::Bureau,
};

/// What was compared longer ago says nothing of the present.
const OLD_COMPARISON: Duration = Duration::days(1);
/// So many folders that could not be compared are named.
const NAMED: usize = 3;
/// A live account hears something at least this often: mail renews IDLE, Telegram pings.
const UNHEARD: Duration = Duration::minutes(15);
/// Milliseconds from the server's push to the row that are too many.
const SLOW_ROAD: i32 = 10_000;
/// A silence that is shorter says nothing.
const SHORT: Duration = Duration::minutes(30);
/// So many messages in each of the four weeks before make a silence worth a word.
const USUAL: i64 = 5;
/// A certificate that ends sooner is named, in days.
const CERTIFICATE_DAYS: i64 = 14;
/// A mailbox that is fuller than this, in percent, is named; and one to which soon nothing can be delivered.
const FULL: u64 = 90;
const OVERFULL: u64 = 98;
/// Servers allow ten connections and more; nobody needs as many.
const MANY_CONNECTIONS: u32 = 8;
/// A backlog that has not become smaller for so long is growing, or stands still.
const STANDS_STILL: Duration = Duration::minutes(15);

/// Looks at every account.
pub(super) async fn checks(bureau: &Bureau, look: Look, all_indexed: bool) -> Vec<Check> {
    let now = bureau.clock.now();
    let store = &bureau.store;
    let mut checks = Vec::new();
    let (accounts, statuses, standings) =
        match (store.accounts().await, store.statuses().await, store.standings().await) {
            (Ok(accounts), Ok(statuses), Ok(standings)) => (accounts, statuses, standings),
            (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => {
                return vec![check(now, "account", CheckState::Unknown, skrynka_core::chain(&error), None)];
            }
        };
    let folders = store.completeness(None).await;
    if let Err(error) = &folders {
        checks.push(check(now, "completeness", CheckState::Unknown, skrynka_core::chain(error), None));
    }
    let folders = folders.unwrap_or_default();
    for account in accounts {
        checks.extend(completeness_check(now, &account, &folders));
        let status = statuses.iter().find(|status| status.account == account.id);
        checks.push(account_check(now, &account, status));
        checks.extend(certificate_check(now, &account, status));
        let standing = standings.iter().find(|standing| standing.account == account.id);
        if account.enabled {
            checks.extend(backlog_check(now, &account, standing));
            if account.email.is_some() {
                checks.push(quota_check(now, &account, standing));
                checks.push(connections_check(now, &account, standing, status));
            }
        }
        let live = status.is_some_and(|status| account.enabled && status.state == AccountState::Live);
        if live && all_indexed {
            checks.extend(silence(bureau, &account).await);
        }
        // Reading a secret may make the system ask the person to unlock: not every few minutes.
        if account.telegram.is_some() && look == Look::Thorough {
            checks.extend(no_session(bureau, &account).await);
        }
    }
    checks
}

/// How full a mailbox is, as far as its server tells.
fn quota_check(now: OffsetDateTime, account: &Account, standing: Option<&Standing>) -> Check {
    let name = &account.name;
    let (state, detail, repair) = match standing.and_then(|standing| standing.quota) {
        None => (CheckState::Unknown, format!("{name}: the server has told no limit"), None),
        Some(quota) => {
            let percent = quota.used.saturating_mul(100) / quota.limit.max(1);
            let detail = format!("{name}: {} of {} MiB, {percent} %", quota.used >> 20, quota.limit >> 20);
            match percent {
                OVERFULL.. => (CheckState::Failed, detail, Some("empty_mailbox")),
                FULL.. => (CheckState::Warn, detail, Some("empty_mailbox")),
                _ => (CheckState::Ok, detail, None),
            }
        }
    };
    of_account(account, check(now, "quota", state, detail, repair))
}

/// How many connections to a mailbox are open, and whether its server has found them too many.
fn connections_check(
    now: OffsetDateTime,
    account: &Account,
    standing: Option<&Standing>,
    status: Option<&StoredStatus>,
) -> Check {
    let name = &account.name;
    let last = status.and_then(|status| status.last_error.as_ref());
    let limited = last.filter(|(why, at)| why.code == TroubleCode::Limited && now - *at < OLD_COMPARISON);
    let said = limited.map(|(why, at)| format!("; at {} the server said: {}", stamp(*at), why.detail));
    let said = said.unwrap_or_default();
    let (state, detail) = match standing.and_then(|standing| standing.connections) {
        None => (CheckState::Unknown, format!("{name}: they have not been counted{said}")),
        Some(open) => {
            let state = if open > MANY_CONNECTIONS || limited.is_some() { CheckState::Warn } else { CheckState::Ok };
            (state, format!("{name}: {open} open{said}"))
        }
    };
    let repair = limited.map(|_| "retry_account");
    of_account(account, check(now, "connections", state, detail, repair))
}

/// Whether what is to be caught up on becomes less; `None` where there is nothing.
fn backlog_check(now: OffsetDateTime, account: &Account, standing: Option<&Standing>) -> Option<Check> {
    let standing = standing.filter(|standing| standing.backlog > 0)?;
    let (name, missing) = (&account.name, standing.backlog);
    let (state, detail, repair) = if now - standing.shrank_at > STANDS_STILL {
        let since = stamp(standing.shrank_at);
        let detail = format!("{name}: {missing} to catch up on, no fewer since {since}");
        (CheckState::Warn, detail, Some("retry_account"))
    } else {
        (CheckState::Ok, format!("{name}: {missing} to catch up on, becoming fewer"), None)
    };
    let since = stamp(standing.shrank_at);
    Some(Check { since, ..of_account(account, check(now, "backlog", state, detail, repair)) })
}

fn account_check(now: OffsetDateTime, account: &Account, status: Option<&StoredStatus>) -> Check {
    let silent = status.is_some_and(|status| nobody_listens(account, status, now));
    let unheard = status.filter(|status| status.state == AccountState::Live).and_then(|status| status.heard_at);
    let unheard = unheard.map(|heard| now - heard).filter(|ago| *ago > UNHEARD);
    let slow = status.and_then(|status| status.lag_ms).filter(|lag| *lag > SLOW_ROAD);
    let (state, repair) = match status.filter(|_| !silent).map(|status| &status.state) {
        None => (CheckState::Unknown, None),
        Some(AccountState::Live) if unheard.is_some() => (CheckState::Warn, Some("retry_account")),
        Some(AccountState::Live) if slow.is_some() => (CheckState::Warn, None),
        Some(AccountState::Live | AccountState::Elsewhere { .. }) => (CheckState::Ok, None),
        Some(AccountState::Stopped) if !account.enabled => (CheckState::Ok, None),
        Some(AccountState::Idle | AccountState::Stopped | AccountState::Connecting) => (CheckState::Unknown, None),
        Some(AccountState::CatchingUp { .. }) => (CheckState::Warn, None),
        Some(AccountState::BackingOff { .. } | AccountState::Limited { .. }) => {
            (CheckState::Warn, Some("retry_account"))
        }
        // What the keyring keeps to itself, no new sign-in brings.
        Some(AccountState::NeedsSignIn { why } | AccountState::Misconfigured { why })
            if why.code == TroubleCode::Secrets =>
        {
            (CheckState::Failed, Some("open_vault"))
        }
        Some(AccountState::NeedsSignIn { .. } | AccountState::Misconfigured { .. }) => {
            (CheckState::Failed, Some("sign_in"))
        }
    };
    let detail = status.map_or_else(
        || format!("{}: never listened to", account.name),
        |status| {
            let why = status.state.trouble().map(|why| format!(": {}", why.detail)).unwrap_or_default();
            let (name, state) = (&account.name, status.state.as_str());
            if silent {
                format!("{name}: nobody is listening; last heard of {}, {state}{why}", stamp(status.updated_at))
            } else {
                let unheard = unheard.map(|ago| format!(", nothing heard for {} min", ago.whole_minutes()));
                let slow = slow.map(|lag| format!(", the last message took {lag} ms into the database"));
                let (unheard, slow) = (unheard.unwrap_or_default(), slow.unwrap_or_default());
                format!("{name}: {state} since {}{why}{unheard}{slow}", stamp(status.since))
            }
        },
    );
    let since = stamp(status.filter(|_| !silent).map_or(now, |status| status.since));
    Check { since, ..of_account(account, check(now, "account", state, detail, repair)) }
}

/// Looks whether the keyring still holds a Telegram account's session.
async fn no_session(bureau: &Bureau, account: &Account) -> Option<Check> {
    let kind = skrynka_core::secrets::SecretKind::TelegramSession;
    let (state, detail, repair) =
        match bureau.secrets.get(skrynka_core::secrets::SecretName { kind, account: account.id }).await {
            Ok(Some(_)) => return None,
            Ok(None) => (CheckState::Failed, format!("{}: no session is kept", account.name), "sign_in"),
            Err(error) => (CheckState::Unknown, skrynka_core::chain(&error), "open_vault"),
        };
    Some(of_account(account, check(bureau.clock.now(), "session", state, detail, Some(repair))))
}

/// What an account's folders held when they were last compared; `None` where they never were.
fn completeness_check(now: OffsetDateTime, account: &Account, folders: &[Completeness]) -> Option<Check> {
    let own = || folders.iter().filter(|folder| folder.account == account.id);
    let (old, fresh): (Vec<_>, Vec<_>) = own().partition(|folder| now - folder.checked_at > OLD_COMPARISON);
    let sum = if fresh.is_empty() { CompletenessSum::of(own()) } else { CompletenessSum::of(fresh.iter().copied()) };
    let CompletenessSum { folders, held, missing, since } = sum;
    let checked_at = since?;
    let (state, repair) = match missing {
        _ if fresh.is_empty() => (CheckState::Unknown, None),
        0 if old.is_empty() => (CheckState::Ok, None),
        0 => (CheckState::Warn, None),
        _ => (CheckState::Warn, Some("fetch_missing")),
    };
    let name = &account.name;
    let what = if account.telegram.is_some() { "chats" } else { "folders" };
    let mut detail = format!("{name}: {missing} of {held} missing in {folders} {what}, compared {}", stamp(checked_at));
    if !fresh.is_empty() && !old.is_empty() {
        let names: Vec<&str> = old.iter().take(NAMED).map(|folder| folder.name.as_str()).collect();
        let more = old.len().saturating_sub(names.len());
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        detail = format!("{detail}; unknown of {}{more}, which could not be compared for a day", names.join(", "));
    }
    Some(of_account(account, check(now, "completeness", state, detail, repair)))
}

/// Whether an account's customers are silent at hours at which they were not in any of the four weeks before.
async fn silence(bureau: &Bureau, account: &Account) -> Option<Check> {
    let now = bureau.clock.now();
    let (state, detail) = match bureau.store.rhythm(account.id, now).await {
        Ok(rhythm) if rhythm.usual >= USUAL && now - rhythm.silent_since > SHORT => (
            CheckState::Warn,
            format!(
                "{}: nothing since {}, where at least {} messages came in each of the four weeks before",
                account.name,
                stamp(rhythm.silent_since),
                rhythm.usual
            ),
        ),
        Ok(_) => return None,
        Err(error) => (CheckState::Unknown, skrynka_core::chain(&error)),
    };
    let repair = (state == CheckState::Warn).then_some("retry_account");
    Some(of_account(account, check(now, "silence", state, detail, repair)))
}

/// How long the certificate of an account's server is good for.
fn certificate_check(now: OffsetDateTime, account: &Account, status: Option<&StoredStatus>) -> Option<Check> {
    let status = status.filter(|_| account.enabled)?;
    // The one that is refused is not the one that was good when somebody could last sign in.
    if let Some(why) = status.state.trouble().filter(|why| why.code == TroubleCode::Certificate) {
        let detail = format!("{}: {}", account.name, why.detail);
        let check = check(now, "certificate", CheckState::Failed, detail, Some("renew_certificate"));
        return Some(of_account(account, check));
    }
    let until = status.certificate_until?;
    let days = (until - now).whole_days();
    let (state, repair) = match days {
        ..0 => (CheckState::Failed, Some("renew_certificate")),
        0..CERTIFICATE_DAYS => (CheckState::Warn, Some("renew_certificate")),
        _ => (CheckState::Ok, None),
    };
    let detail = format!("{}: the server's certificate is good until {}, {days} days", account.name, stamp(until));
    Some(of_account(account, check(now, "certificate", state, detail, repair)))
}
