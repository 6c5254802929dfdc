//! Each account: its listener, what its server holds, its room, its connections, its silence.

use skrynka_core::{
    model::{Account, AccountState, TroubleCode},
    store::{Completeness, CompletenessSum, Standing, StoredStatus},
};
use time::{Duration, OffsetDateTime};

use super::{Look, check, failed_check, nobody_listens, of_account, unknown_check, untold_check};
use crate::{
    views::state_view,
    wire::{Check, CheckState, ErrorCode, Finding, WireError, count, stamp, whole},
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
                return vec![untold_check(now, "account", &error)];
            }
        };
    let folders = store.completeness(None).await;
    if let Err(error) = &folders {
        checks.push(untold_check(now, "completeness", error));
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
    let (state, finding, repair) = match standing.and_then(|standing| standing.quota) {
        None => (CheckState::Unknown, Finding::NoQuota, None),
        Some(quota) => {
            let percent = quota.used.saturating_mul(100) / quota.limit.max(1);
            let (state, repair) = match percent {
                OVERFULL.. => (CheckState::Failed, Some("empty_mailbox")),
                FULL.. => (CheckState::Warn, Some("empty_mailbox")),
                _ => (CheckState::Ok, None),
            };
            let (used_mib, limit_mib) = (count(quota.used >> 20), count(quota.limit >> 20));
            (state, Finding::Quota { used_mib, limit_mib, percent: count(percent) }, repair)
        }
    };
    of_account(account, check(now, "quota", state, finding, repair))
}

/// How many connections to a mailbox are open, and whether its server has found them too many.
fn connections_check(
    now: OffsetDateTime,
    account: &Account,
    standing: Option<&Standing>,
    status: Option<&StoredStatus>,
) -> Check {
    let last = status.and_then(|status| status.last_error.as_ref());
    let limited = last.filter(|(why, at)| why.code == TroubleCode::Limited && now - *at < OLD_COMPARISON);
    let open = standing.and_then(|standing| standing.connections);
    let state = match open {
        None => CheckState::Unknown,
        Some(open) if open > MANY_CONNECTIONS || limited.is_some() => CheckState::Warn,
        Some(_) => CheckState::Ok,
    };
    let (limited_at, said) = limited.map(|(why, at)| (stamp(*at), why.detail.clone())).unzip();
    let repair = limited.map(|_| "retry_account");
    let finding = Finding::Connections { open, limited_at, said };
    of_account(account, check(now, "connections", state, finding, repair))
}

/// Whether what is to be caught up on becomes less; `None` where there is nothing.
fn backlog_check(now: OffsetDateTime, account: &Account, standing: Option<&Standing>) -> Option<Check> {
    let standing = standing.filter(|standing| standing.backlog > 0)?;
    let shrinking = now - standing.shrank_at <= STANDS_STILL;
    let (state, repair) = if shrinking { (CheckState::Ok, None) } else { (CheckState::Warn, Some("retry_account")) };
    let since = stamp(standing.shrank_at);
    let finding = Finding::Backlog { missing: count(standing.backlog), shrinking, since: since.clone() };
    Some(Check { since, ..of_account(account, check(now, "backlog", state, finding, repair)) })
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
    let finding = match status {
        None => Finding::NeverListened,
        Some(status) => {
            let state = state_view(status.state.clone(), status.since);
            if silent {
                Finding::NobodyListens { state, at: stamp(status.updated_at) }
            } else {
                Finding::Listener {
                    state,
                    since: stamp(status.since),
                    unheard_min: unheard.map(|ago| count(ago.whole_minutes())),
                    slow_ms: slow.map(count),
                }
            }
        }
    };
    let since = stamp(status.filter(|_| !silent).map_or(now, |status| status.since));
    Check { since, ..of_account(account, check(now, "account", state, finding, repair)) }
}

/// Looks whether the keyring still holds a Telegram account's session.
async fn no_session(bureau: &Bureau, account: &Account) -> Option<Check> {
    let kind = skrynka_core::secrets::SecretKind::TelegramSession;
    let now = bureau.clock.now();
    let found = match bureau.secrets.get(skrynka_core::secrets::SecretName { kind, account: account.id }).await {
        Ok(Some(_)) => return None,
        Ok(None) => check(now, "session", CheckState::Failed, Finding::NoSession, Some("sign_in")),
        Err(error) => {
            let repair = Some("open_vault".to_owned());
            Check { repair, ..unknown_check(now, "session", ErrorCode::Secrets, skrynka_core::chain(&error)) }
        }
    };
    Some(of_account(account, found))
}

/// What an account's folders held when they were last compared; `None` where they never were.
fn completeness_check(now: OffsetDateTime, account: &Account, folders: &[Completeness]) -> Option<Check> {
    let own = || folders.iter().filter(|folder| folder.account == account.id);
    let (old, fresh): (Vec<&Completeness>, Vec<_>) = own().partition(|folder| now - folder.checked_at > OLD_COMPARISON);
    let sum = if fresh.is_empty() { CompletenessSum::of(own()) } else { CompletenessSum::of(fresh.iter().copied()) };
    let CompletenessSum { folders, held, missing, since } = sum;
    // Nothing was compared yet, and nothing is overdue.
    if since.is_none() && old.is_empty() {
        return None;
    }
    let (state, repair) = match missing {
        _ if fresh.is_empty() => (CheckState::Unknown, None),
        0 if old.is_empty() => (CheckState::Ok, None),
        0 => (CheckState::Warn, None),
        _ => (CheckState::Warn, Some("fetch_missing")),
    };
    // Where nothing is fresh, what was compared is told as of then.
    let told = |folder: &&&Completeness| !(fresh.is_empty() && folder.compared);
    let unknown: Vec<_> = old.iter().filter(told).collect();
    let finding = Finding::Completeness {
        missing: count(missing),
        held: count(held),
        places: count(folders),
        chats: account.telegram.is_some(),
        at: since.map(stamp),
        unknown: unknown.iter().take(NAMED).map(|folder| folder.name.clone()).collect(),
        unknown_more: count(unknown.len().saturating_sub(NAMED)),
    };
    Some(of_account(account, check(now, "completeness", state, finding, repair)))
}

/// Whether an account's customers are silent at hours at which they were not in any of the four weeks before.
async fn silence(bureau: &Bureau, account: &Account) -> Option<Check> {
    let now = bureau.clock.now();
    let found = match bureau.store.rhythm(account.id, now).await {
        Ok(rhythm) if rhythm.usual >= USUAL && now - rhythm.silent_since > SHORT => {
            let finding = Finding::Silence { since: stamp(rhythm.silent_since), usual: count(rhythm.usual) };
            check(now, "silence", CheckState::Warn, finding, Some("retry_account"))
        }
        Ok(_) => return None,
        Err(error) => untold_check(now, "silence", &error),
    };
    Some(of_account(account, found))
}

/// How long the certificate of an account's server is good for.
fn certificate_check(now: OffsetDateTime, account: &Account, status: Option<&StoredStatus>) -> Option<Check> {
    let status = status.filter(|_| account.enabled)?;
    // The one that is refused is not the one that was good when somebody could last sign in.
    if let Some(why) = status.state.trouble().filter(|why| why.code == TroubleCode::Certificate) {
        let why = WireError::from(why.clone());
        return Some(of_account(account, failed_check(now, "certificate", why, Some("renew_certificate"))));
    }
    let until = status.certificate_until?;
    let days = (until - now).whole_days();
    let (state, repair) = match days {
        ..0 => (CheckState::Failed, Some("renew_certificate")),
        0..CERTIFICATE_DAYS => (CheckState::Warn, Some("renew_certificate")),
        _ => (CheckState::Ok, None),
    };
    let finding = Finding::Certificate { until: stamp(until), days: whole(days) };
    Some(of_account(account, check(now, "certificate", state, finding, repair)))
}

#[cfg(test)]
mod tests {
    use skrynka_core::model::{AccountId, Channel};
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-27 10:00 UTC);

    fn account() -> Account {
        Account {
            id: AccountId::new(NOW),
            channel: Channel::Telegram,
            name: "Office".to_owned(),
            code: "O".to_owned(),
            color: 1,
            enabled: true,
            muted: false,
            email: None,
            telegram: None,
            created_at: NOW,
        }
    }

    fn chat(account: &Account, name: &str, compared: bool, ago: Duration) -> Completeness {
        Completeness {
            account: account.id,
            mailbox: name.to_owned(),
            epoch: 0,
            name: name.to_owned(),
            compared,
            checked_at: NOW - ago,
            held: if compared { 10 } else { 0 },
            missing: 0,
            numbers: Vec::new(),
            whole_to: 0,
        }
    }

    #[test]
    fn a_chat_that_could_not_be_compared_for_a_day_is_named_and_never_green() {
        let account = account();
        let found =
            |chats: &[Completeness]| completeness_check(NOW, &account, chats).map(|check| (check.state, check.finding));
        let (hour, week) = (Duration::hours(1), Duration::weeks(1));
        let named = |at: Option<Duration>, places, unknown: &[&str], unknown_more| Finding::Completeness {
            missing: 0,
            held: places * 10,
            places,
            chats: false,
            at: at.map(|ago| stamp(NOW - ago)),
            unknown: unknown.iter().map(|name| (*name).to_owned()).collect(),
            unknown_more,
        };
        let new = |name| chat(&account, name, true, hour);
        assert_eq!(found(&[chat(&account, "Petro", false, hour)]), None, "there is time yet");
        assert_eq!(
            found(&[new("Olena"), chat(&account, "Petro", false, hour)]),
            Some((CheckState::Ok, named(Some(hour), 1, &[], 0)))
        );
        assert_eq!(
            found(&[new("Olena"), chat(&account, "Petro", false, week)]),
            Some((CheckState::Warn, named(Some(hour), 1, &["Petro"], 0)))
        );
        assert_eq!(
            found(&[chat(&account, "Petro", false, week)]),
            Some((CheckState::Unknown, named(None, 0, &["Petro"], 0)))
        );
        let many = ["a", "b", "c", "d"].map(|name| chat(&account, name, true, week));
        assert_eq!(
            found(&[&many[..], &[new("Olena")]].concat()),
            Some((CheckState::Warn, named(Some(hour), 1, &["a", "b", "c"], 1)))
        );
    }
}
