//! A finding in English words: for the command line, the log and the support report. The window has its own.

use crate::wire::{AccountStateView, Check, ColumnView, Finding};

/// What a check found, in one technical line.
pub fn said(check: &Check) -> String {
    let finding = finding(&check.finding);
    match &check.account_name {
        Some(name) => format!("{name}: {finding}"),
        None => finding,
    }
}

fn finding(found: &Finding) -> String {
    match found {
        Finding::Trouble { why } => why.detail.clone(),
        Finding::NotTried => "not tried without what failed before".to_owned(),
        Finding::Versions { program, webview: Some(webview), system, .. } => {
            format!("Skrynka {program}, webview {webview}, {system}")
        }
        Finding::Versions { program, webview: None, system, why } => {
            format!("Skrynka {program}, {system}; no webview: {}", why.as_deref().unwrap_or_default())
        }
        Finding::SecretsAnswer { store } => format!("the {store} answers"),
        Finding::Room { free_mib: Some(free) } => format!("{free} MiB free"),
        Finding::Room { free_mib: None } => "the free room is not known".to_owned(),
        Finding::BackupElsewhere => "the server is backed up where it runs".to_owned(),
        Finding::BackupNoFolder => "no folder is chosen".to_owned(),
        Finding::BackupToCome => "the first one is still to come".to_owned(),
        Finding::Backup { at, tried_out, fresh: true, .. } => {
            format!("made at {at}, {}", if *tried_out { "restored on trial" } else { "not tried out" })
        }
        Finding::Backup { at, why, fresh: false, .. } => {
            format!("the last one is of {at}{}", after("; ", why.as_deref()))
        }
        Finding::NoBackup { why } | Finding::LogInMemory { why } => why.clone(),
        Finding::Log { kib, files, dropped } => format!("{kib} KiB in {files} files, {dropped} lines dropped"),
        Finding::NoPanics => "no defect of the program was noted".to_owned(),
        Finding::Panics { count, at, version, location, said } => {
            format!("{count} noted, the last {at} in version {version}, {location}: {said}")
        }
        Finding::NoWindow => "only a window can tell".to_owned(),
        Finding::NoSubscription => "no window has subscribed".to_owned(),
        Finding::Events { sent, confirmed, quiet_s } => {
            format!("{sent} events sent, {confirmed} confirmed, last heard of {quiet_s} s ago")
        }
        Finding::Statements { longest_s, waiting } => {
            format!("the longest statement has run for {longest_s} s, {waiting} wait for another one")
        }
        Finding::ColumnsNewer => "a newer program has changed the schema, and only it knows the types".to_owned(),
        Finding::ColumnsRight => "every column has its type; telegram_accounts.api_id is integer".to_owned(),
        Finding::Database { version, private, fsync, checksums, mib, ms, connections, max_connections } => {
            let on = |on: bool| if on { "on" } else { "off" };
            format!(
                "Postgres {version}, {}, fsync {}, checksums {}, {mib} MiB, answered in {ms} ms, \
                 {connections} of {max_connections} connections",
                if *private { "private" } else { "server" },
                on(*fsync),
                on(*checksums)
            )
        }
        Finding::Schema { applied } => format!("{applied} migrations applied"),
        Finding::SchemaPending { pending } => format!("{pending} migrations not applied"),
        Finding::SchemaNewer { needed, own } => format!("it needs a program of version {needed}; this one is {own}"),
        Finding::Summaries { wrong: 0 } => "every summary agrees with its messages".to_owned(),
        Finding::Summaries { wrong } => format!("{wrong} summaries disagree with their messages"),
        Finding::Search { pending: 0 } => "every message can be found".to_owned(),
        Finding::Search { pending } => format!("{pending} messages wait for the search index"),
        Finding::ClockUnknown => "no server has told the time today".to_owned(),
        Finding::Clock { database_ms, servers_s } => clock(*database_ms, *servers_s),
        Finding::ColumnsWrong { columns } | Finding::Legacy { columns } => {
            columns.iter().map(column).collect::<Vec<_>>().join(", ")
        }
        Finding::Quarantine { open, dismissed } => {
            format!("{open} messages that cannot be read, {dismissed} dismissed")
        }
        Finding::Outbox { all, late, failed, uncertain } => {
            format!("{all} on their way, {late} late, {failed} failed, {uncertain} perhaps sent")
        }
        Finding::NeverListened => "never listened to".to_owned(),
        Finding::NobodyListens { state, at } => {
            let (word, why) = listener(state);
            format!("nobody is listening; last heard of {at}, {word}{}", after(": ", why))
        }
        Finding::Listener { state, since, unheard_min, slow_ms } => {
            let (word, why) = listener(state);
            let unheard = unheard_min.map(|minutes| format!(", nothing heard for {minutes} min")).unwrap_or_default();
            let slow = slow_ms.map(|ms| format!(", the last message took {ms} ms into the database"));
            format!("{word} since {since}{}{unheard}{}", after(": ", why), slow.unwrap_or_default())
        }
        Finding::NoSession => "no session is kept".to_owned(),
        Finding::Completeness { missing, held, places, chats, at, unknown, unknown_more } => {
            let what = if *chats { "chats" } else { "folders" };
            let at = at.as_deref().unwrap_or("never");
            let mut text = format!("{missing} of {held} missing in {places} {what}, compared {at}");
            if !unknown.is_empty() {
                let more = if *unknown_more == 0 { String::new() } else { format!(" and {unknown_more} more") };
                let names = unknown.join(", ");
                text += &format!("; unknown of {names}{more}, which could not be compared for a day");
            }
            text
        }
        Finding::Silence { since, usual } => {
            format!("nothing since {since}, where at least {usual} messages came in each of the four weeks before")
        }
        Finding::Certificate { until, days } => format!("the server's certificate is good until {until}, {days} days"),
        Finding::NoQuota => "the server has told no limit".to_owned(),
        Finding::Quota { used_mib, limit_mib, percent } => format!("{used_mib} of {limit_mib} MiB, {percent} %"),
        Finding::Connections { open, limited_at, said } => {
            let open = open.map_or("they have not been counted".to_owned(), |open| format!("{open} open"));
            let limited =
                limited_at.as_ref().map(|at| format!("; at {at} the server said{}", after(": ", said.as_deref())));
            open + &limited.unwrap_or_default()
        }
        Finding::Backlog { missing, shrinking: true, .. } => format!("{missing} to catch up on, becoming fewer"),
        Finding::Backlog { missing, shrinking: false, since } => {
            format!("{missing} to catch up on, no fewer since {since}")
        }
    }
}

/// A quotation behind what leads to it; nothing where nothing was said.
fn after(lead: &str, said: Option<&str>) -> String {
    said.map(|said| format!("{lead}{said}")).unwrap_or_default()
}

fn clock(database_ms: Option<i32>, servers_s: Option<u32>) -> String {
    let database = database_ms.map(|ms| {
        let seconds = f64::from(ms) / 1000.0;
        format!("the database's clock is {seconds:+.1} s from this computer's")
    });
    let servers = servers_s.map(|ahead| match ahead {
        0 => "no server received a message after this computer".to_owned(),
        ahead => format!("servers received messages {ahead} s after this computer"),
    });
    database.into_iter().chain(servers).collect::<Vec<_>>().join(", ")
}

fn column(ColumnView { name, is, due }: &ColumnView) -> String {
    match (is, due) {
        (Some(is), None) => format!("{name} is {is}"),
        (Some(is), Some(due)) => format!("{name} is {is} instead of {due}"),
        (None, None) => format!("{name} is missing"),
        (None, Some(due)) => format!("{name} is missing, {due}"),
    }
}

/// The word for where a listener stands, and what was said of what it failed over.
fn listener(state: &AccountStateView) -> (&'static str, Option<&str>) {
    match state {
        AccountStateView::Idle => ("idle", None),
        AccountStateView::Connecting => ("connecting", None),
        AccountStateView::CatchingUp { .. } => ("catching_up", None),
        AccountStateView::Live => ("live", None),
        AccountStateView::BackingOff { why, .. } => ("backing_off", Some(&why.error.detail)),
        AccountStateView::NeedsSignIn { why } => ("needs_sign_in", Some(&why.error.detail)),
        AccountStateView::Misconfigured { why } => ("misconfigured", Some(&why.error.detail)),
        AccountStateView::Limited { why, .. } => ("limited", Some(&why.error.detail)),
        AccountStateView::Elsewhere { .. } => ("elsewhere", None),
        AccountStateView::Stopped => ("stopped", None),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::{
        checks::{check, failed_check},
        wire::{CheckState, ErrorCode, TroubleView, WireError},
    };

    #[test]
    fn a_finding_is_told_with_the_account_and_what_was_said_of_it() {
        let now = datetime!(2026-11-27 10:00 UTC);
        let why = WireError { code: ErrorCode::SignIn, detail: "a1 NO wrong password".to_owned() };
        let state = AccountStateView::NeedsSignIn { why: TroubleView { error: why.clone(), at: String::new() } };
        let since = "2026-11-27T09:00:00Z".to_owned();
        let finding = Finding::Listener { state, since, unheard_min: None, slow_ms: Some(12_000) };
        let of = |check: Check| Check { account_name: Some("Notary".to_owned()), ..check };
        assert_eq!(
            said(&of(check(now, "account", CheckState::Failed, finding, None))),
            "Notary: needs_sign_in since 2026-11-27T09:00:00Z: a1 NO wrong password, \
             the last message took 12000 ms into the database"
        );
        assert_eq!(said(&failed_check(now, "secrets", why, None)), "a1 NO wrong password");
        let clock = Finding::Clock { database_ms: Some(-65_400), servers_s: Some(0) };
        assert_eq!(
            said(&check(now, "clock", CheckState::Warn, clock, None)),
            "the database's clock is -65.4 s from this computer's, no server received a message after this computer"
        );
    }
}
