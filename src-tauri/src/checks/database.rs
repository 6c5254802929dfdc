//! The database, its schema, and what waits in it.

use skrynka_core::store::{CLIENT_VERSION, LegacyColumn, LegacyRepair, Server, StoreError, Unsent};
use time::{Duration, OffsetDateTime};

use super::check;
use crate::{
    wire::{Check, CheckState},
    wiring::Bureau,
};

/// What goes out and has not gone for so long is late.
const LATE: Duration = Duration::minutes(10);
/// A statement that runs longer is named.
const SLOW: std::time::Duration = std::time::Duration::from_secs(30);
/// Seconds by which a clock may be wrong.
const CLOCK_OFF: f64 = 60.0;

/// Whether statements run for long, or stand in each other's way.
pub(super) fn queries(now: OffsetDateTime, server: &Result<Server, StoreError>) -> Check {
    match server {
        Ok(server) => {
            let state = if server.longest < SLOW { CheckState::Ok } else { CheckState::Warn };
            let detail = format!(
                "the longest statement has run for {} s, {} wait for another one",
                server.longest.as_secs(),
                server.locked
            );
            check(now, "queries", state, detail, None)
        }
        Err(error) => check(now, "queries", CheckState::Unknown, skrynka_core::chain(error), None),
    }
}

/// Compares the types of our columns with what the migrations made.
pub(super) async fn columns(bureau: &Bureau) -> Check {
    let now = bureau.clock.now();
    match bureau.store.wrong_columns().await {
        Ok(None) => {
            let detail = "a newer program has changed the schema, and only it knows the types".to_owned();
            check(now, "columns", CheckState::Unknown, detail, None)
        }
        Ok(Some(wrong)) if wrong.is_empty() => {
            let detail = "every column has its type; telegram_accounts.api_id is integer".to_owned();
            check(now, "columns", CheckState::Ok, detail, None)
        }
        Ok(Some(wrong)) => check(now, "columns", CheckState::Failed, wrong.join(", "), Some("restore_columns")),
        Err(error) => check(now, "columns", CheckState::Unknown, skrynka_core::chain(&error), None),
    }
}

pub(super) fn database(bureau: &Bureau, server: &Result<Server, StoreError>) -> Check {
    let now = bureau.clock.now();
    match server {
        Ok(server) => {
            let crowded = server.connections * 10 > server.max_connections * 9;
            let well = server.fsync && server.checksums && !crowded;
            let state = if well { CheckState::Ok } else { CheckState::Warn };
            let detail = format!(
                "Postgres {}, {}, fsync {}, checksums {}, {} MiB, answered in {} ms, {} of {} connections",
                server.version,
                if bureau.has_private_database() { "private" } else { "server" },
                if server.fsync { "on" } else { "off" },
                if server.checksums { "on" } else { "off" },
                server.bytes >> 20,
                server.answered_in.as_millis(),
                server.connections,
                server.max_connections
            );
            check(now, "database", state, detail, None)
        }
        Err(error) => check(now, "database", CheckState::Failed, skrynka_core::chain(error), Some("retry_database")),
    }
}

pub(super) async fn schema(bureau: &Bureau) -> Check {
    let now = bureau.clock.now();
    match bureau.store.migration_status().await {
        Ok(status) if status.min_client > CLIENT_VERSION => {
            let detail = format!("it needs a program of version {}; this one is {CLIENT_VERSION}", status.min_client);
            check(now, "schema", CheckState::Failed, detail, None)
        }
        Ok(status) if status.pending.is_empty() => {
            check(now, "schema", CheckState::Ok, format!("{} migrations applied", status.applied.len()), None)
        }
        Ok(status) => {
            let detail = format!("{} migrations not applied", status.pending.len());
            check(now, "schema", CheckState::Failed, detail, Some("migrate"))
        }
        Err(error) => check(now, "schema", CheckState::Unknown, skrynka_core::chain(&error), None),
    }
}

pub(super) async fn summaries(bureau: &Bureau) -> Check {
    let now = bureau.clock.now();
    match bureau.store.wrong_summaries().await {
        Ok(0) => check(now, "summaries", CheckState::Ok, "every summary agrees with its messages".to_owned(), None),
        Ok(wrong) => {
            check(now, "summaries", CheckState::Warn, format!("{wrong} summaries disagree with their messages"), None)
        }
        Err(error) => check(now, "summaries", CheckState::Unknown, skrynka_core::chain(&error), None),
    }
}

pub(super) fn search_index(now: OffsetDateTime, pending: &Result<i64, StoreError>) -> Check {
    match pending {
        Ok(0) => check(now, "search", CheckState::Ok, "every message can be found".to_owned(), None),
        Ok(pending) => {
            let detail = format!("{pending} messages wait for the search index");
            check(now, "search", CheckState::Warn, detail, None)
        }
        Err(error) => check(now, "search", CheckState::Unknown, skrynka_core::chain(&error), None),
    }
}

/// Compares this computer's clock with the database's, where that is another computer's, and with the mail and Telegram
/// servers' as far as what came lately tells. That ours is ahead of theirs cannot be told from mails that were late.
pub(super) async fn clock(bureau: &Bureau, database: &Result<Server, StoreError>) -> Check {
    let now = bureau.clock.now();
    let servers = bureau.store.servers_ahead(now).await;
    let (database, servers) = match (database, &servers) {
        (Ok(database), Ok(servers)) => (database, *servers),
        (Err(error), _) | (_, Err(error)) => {
            return check(now, "clock", CheckState::Unknown, skrynka_core::chain(error), None);
        }
    };
    let team = !bureau.has_private_database();
    let seconds = Duration::milliseconds(database.ahead_ms).as_seconds_f64();
    let mut said = Vec::new();
    if team {
        said.push(format!("the database's clock is {seconds:+.1} s from this computer's"));
    }
    if let Some(ahead) = servers {
        said.push(match ahead > 0.0 {
            true => format!("servers received messages {ahead:.0} s after this computer"),
            false => "no server received a message after this computer".to_owned(),
        });
    }
    let wrong = team && seconds.abs() > CLOCK_OFF || servers.is_some_and(|ahead| ahead > CLOCK_OFF);
    match (wrong, said.is_empty()) {
        (_, true) => check(now, "clock", CheckState::Unknown, "no server has told the time today".to_owned(), None),
        (true, false) => check(now, "clock", CheckState::Warn, said.join(", "), Some("set_clock")),
        (false, false) => check(now, "clock", CheckState::Ok, said.join(", "), None),
    }
}

/// Looks at the old system's accounts, where they stand in the same database.
pub(super) async fn legacy(bureau: &Bureau) -> Option<Check> {
    let now = bureau.clock.now();
    let columns = match bureau.store.legacy().await {
        Ok(columns) => columns,
        Err(error) => return Some(check(now, "legacy", CheckState::Unknown, skrynka_core::chain(&error), None)),
    };
    let name = |column: &LegacyColumn| {
        let was = column.was.as_deref().unwrap_or("missing");
        format!("{}.{} is {was}", column.table, column.column)
    };
    let wrong: Vec<String> = columns.iter().filter(|column| column.repair != LegacyRepair::Right).map(name).collect();
    if columns.is_empty() {
        None
    } else if wrong.is_empty() {
        let detail = columns.iter().map(name).collect::<Vec<_>>().join(", ");
        Some(check(now, "legacy", CheckState::Ok, detail, None))
    } else {
        Some(check(now, "legacy", CheckState::Warn, wrong.join(", "), Some("repair_legacy")))
    }
}

/// What could not be read and nobody has dismissed.
pub(super) async fn quarantine(bureau: &Bureau) -> Check {
    let now = bureau.clock.now();
    match bureau.store.quarantine_counts().await {
        Ok([open, dismissed]) => {
            let state = if open == 0 { CheckState::Ok } else { CheckState::Warn };
            let detail = format!("{open} messages that cannot be read, {dismissed} dismissed");
            check(now, "quarantine", state, detail, (open > 0).then_some("quarantine"))
        }
        Err(error) => check(now, "quarantine", CheckState::Unknown, skrynka_core::chain(&error), None),
    }
}

/// What goes out and has not gone: red where a person has to decide, yellow where it is late.
pub(super) async fn outbox(bureau: &Bureau) -> Check {
    let now = bureau.clock.now();
    let Unsent { all, late, failed, uncertain } = match bureau.store.count_unsent(now - LATE).await {
        Ok(unsent) => unsent,
        Err(error) => return check(now, "outbox", CheckState::Unknown, skrynka_core::chain(&error), None),
    };
    let detail = format!("{all} on their way, {late} late, {failed} failed, {uncertain} perhaps sent");
    let state = match (failed + uncertain, late) {
        (0, 0) => CheckState::Ok,
        (0, _) => CheckState::Warn,
        _ => CheckState::Failed,
    };
    check(now, "outbox", state, detail, (state == CheckState::Failed).then_some("outbox"))
}
