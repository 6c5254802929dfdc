//! The database, its schema, and what waits in it.

use skrynka_core::store::{CLIENT_VERSION, LegacyColumn, LegacyRepair, Server, StoreError, Unsent, WrongColumn};
use time::{Duration, OffsetDateTime};

use super::{check, failed_check, untold_check};
use crate::{
    wire::{Check, CheckState, ColumnView, ErrorCode, Finding, WireError, count, whole},
    wiring::Bureau,
};

/// What goes out and has not gone for so long is late.
const LATE: Duration = Duration::minutes(10);
/// A statement that runs longer is named.
const SLOW: std::time::Duration = std::time::Duration::from_secs(30);
/// Seconds by which a clock may be wrong.
const CLOCK_OFF: f64 = 60.0;
/// Desktops of Linux have no common way to open their settings of date and time.
const SET_CLOCK: &str = if cfg!(any(windows, target_os = "macos")) { "open_clock" } else { "set_clock" };

/// Whether statements run for long, or stand in each other's way.
pub(super) fn queries(now: OffsetDateTime, server: &Result<Server, StoreError>) -> Check {
    match server {
        Ok(server) => {
            let state = if server.longest < SLOW { CheckState::Ok } else { CheckState::Warn };
            let (longest_s, waiting) = (count(server.longest.as_secs()), count(server.locked));
            check(now, "queries", state, Finding::Statements { longest_s, waiting }, None)
        }
        Err(error) => untold_check(now, "queries", error),
    }
}

/// Compares the types of our columns with what the migrations made.
pub(super) async fn columns(bureau: &Bureau) -> Check {
    let now = bureau.clock.now();
    match bureau.store.wrong_columns().await {
        Ok(None) => check(now, "columns", CheckState::Unknown, Finding::ColumnsNewer, None),
        Ok(Some(columns)) if columns.is_empty() => check(now, "columns", CheckState::Ok, Finding::ColumnsRight, None),
        Ok(Some(columns)) => {
            let view = |WrongColumn { name, is, due }| ColumnView { name, is, due: Some(due) };
            let columns = columns.into_iter().map(view).collect();
            check(now, "columns", CheckState::Failed, Finding::ColumnsWrong { columns }, Some("restore_columns"))
        }
        Err(error) => untold_check(now, "columns", &error),
    }
}

pub(super) fn database(bureau: &Bureau, server: &Result<Server, StoreError>) -> Check {
    let now = bureau.clock.now();
    match server {
        Ok(server) => {
            let crowded = server.connections * 10 > server.max_connections * 9;
            let well = server.fsync && server.checksums && !crowded;
            let state = if well { CheckState::Ok } else { CheckState::Warn };
            let finding = Finding::Database {
                version: server.version.clone(),
                private: bureau.has_private_database(),
                fsync: server.fsync,
                checksums: server.checksums,
                mib: count(server.bytes >> 20),
                ms: count(server.answered_in.as_millis()),
                connections: count(server.connections),
                max_connections: count(server.max_connections),
            };
            check(now, "database", state, finding, None)
        }
        Err(error) => {
            let why = WireError { code: ErrorCode::Database, detail: skrynka_core::chain(error) };
            failed_check(now, "database", why, Some("retry_database"))
        }
    }
}

pub(super) async fn schema(bureau: &Bureau) -> Check {
    let now = bureau.clock.now();
    match bureau.store.migration_status().await {
        Ok(status) if status.min_client > CLIENT_VERSION => {
            let finding = Finding::SchemaNewer { needed: status.min_client, own: CLIENT_VERSION };
            check(now, "schema", CheckState::Failed, finding, None)
        }
        Ok(status) if status.pending.is_empty() => {
            let applied = count(status.applied.len());
            check(now, "schema", CheckState::Ok, Finding::Schema { applied }, None)
        }
        Ok(status) => {
            let pending = count(status.pending.len());
            check(now, "schema", CheckState::Failed, Finding::SchemaPending { pending }, Some("migrate"))
        }
        Err(error) => untold_check(now, "schema", &error),
    }
}

pub(super) async fn summaries(bureau: &Bureau) -> Check {
    let now = bureau.clock.now();
    match bureau.store.wrong_summaries().await {
        Ok(wrong) => {
            let state = if wrong == 0 { CheckState::Ok } else { CheckState::Warn };
            check(now, "summaries", state, Finding::Summaries { wrong: count(wrong) }, None)
        }
        Err(error) => untold_check(now, "summaries", &error),
    }
}

pub(super) fn search_index(now: OffsetDateTime, pending: &Result<i64, StoreError>) -> Check {
    match pending {
        Ok(pending) => {
            let state = if *pending == 0 { CheckState::Ok } else { CheckState::Warn };
            check(now, "search", state, Finding::Search { pending: count(*pending) }, None)
        }
        Err(error) => untold_check(now, "search", error),
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
            return untold_check(now, "clock", error);
        }
    };
    let team = !bureau.has_private_database();
    let seconds = Duration::milliseconds(database.ahead_ms).as_seconds_f64();
    let wrong = team && seconds.abs() > CLOCK_OFF || servers.is_some_and(|ahead| ahead > CLOCK_OFF);
    if !team && servers.is_none() {
        return check(now, "clock", CheckState::Unknown, Finding::ClockUnknown, None);
    }
    let database_ms = team.then(|| whole(database.ahead_ms));
    let servers_s = servers.map(|ahead| count(Duration::seconds_f64(ahead.max(0.0)).whole_seconds()));
    let state = if wrong { CheckState::Warn } else { CheckState::Ok };
    check(now, "clock", state, Finding::Clock { database_ms, servers_s }, wrong.then_some(SET_CLOCK))
}

/// Looks at the old system's accounts, where they stand in the same database.
pub(super) async fn legacy(bureau: &Bureau) -> Option<Check> {
    let now = bureau.clock.now();
    let columns = match bureau.store.legacy().await {
        Ok(columns) => columns,
        Err(error) => return Some(untold_check(now, "legacy", &error)),
    };
    if columns.is_empty() {
        return None;
    }
    let told = |columns: &mut dyn Iterator<Item = &LegacyColumn>| -> Vec<ColumnView> {
        let name = |column: &LegacyColumn| format!("{}.{}", column.table, column.column);
        columns.map(|column| ColumnView { name: name(column), is: column.was.clone(), due: None }).collect()
    };
    let wrong = told(&mut columns.iter().filter(|column| column.repair != LegacyRepair::Right));
    let (state, columns, repair) = if wrong.is_empty() {
        (CheckState::Ok, told(&mut columns.iter()), None)
    } else {
        (CheckState::Warn, wrong, Some("repair_legacy"))
    };
    Some(check(now, "legacy", state, Finding::Legacy { columns }, repair))
}

/// What could not be read and nobody has dismissed.
pub(super) async fn quarantine(bureau: &Bureau) -> Check {
    let now = bureau.clock.now();
    match bureau.store.quarantine_counts().await {
        Ok([open, dismissed]) => {
            let state = if open == 0 { CheckState::Ok } else { CheckState::Warn };
            let finding = Finding::Quarantine { open: count(open), dismissed: count(dismissed) };
            check(now, "quarantine", state, finding, (open > 0).then_some("quarantine"))
        }
        Err(error) => untold_check(now, "quarantine", &error),
    }
}

/// What goes out and has not gone: red where a person has to decide, yellow where it is late.
pub(super) async fn outbox(bureau: &Bureau) -> Check {
    let now = bureau.clock.now();
    let Unsent { all, late, failed, uncertain } = match bureau.store.count_unsent(now - LATE).await {
        Ok(unsent) => unsent,
        Err(error) => return untold_check(now, "outbox", &error),
    };
    let state = match (failed + uncertain, late) {
        (0, 0) => CheckState::Ok,
        (0, _) => CheckState::Warn,
        _ => CheckState::Failed,
    };
    let finding =
        Finding::Outbox { all: count(all), late: count(late), failed: count(failed), uncertain: count(uncertain) };
    check(now, "outbox", state, finding, (state == CheckState::Failed).then_some("outbox"))
}
