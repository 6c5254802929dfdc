//! The log viewer: rows come in windows, a follower only hears that there are more.

use std::time::Duration;

use skrynka_core::logbook::{Filter, Level, Page, QueryError, Row, Search, Start, Window};
use tauri::ipc::Channel;
use tokio_util::sync::CancellationToken;

use super::{DeskState, id, logged};
use crate::wire::{
    ErrorCode, LogAnchor, LogField, LogFilter, LogLevelName, LogPage, LogRow, LogStats, LogsGrew, WireError, count,
};

/// A follower hears of new lines at most this often.
const GREW: Duration = Duration::from_millis(200);
/// The cap over all files, in KiB.
const CAP_KIB: u32 = 100 * 1024;

/// A window of rows.
#[tauri::command]
#[specta::specta]
pub async fn log_page(
    desk: DeskState<'_>,
    filter: LogFilter,
    anchor: LogAnchor,
    limit: u16,
) -> Result<LogPage, WireError> {
    // Not logged: reading the log must not write to it.
    let reader = desk.ground()?.logbook.reader();
    let filter = read_filter(filter)?;
    let start = match anchor {
        LogAnchor::Newest => Start::Newest,
        LogAnchor::Before { cursor } => Start::Before(cursor.parse().map_err(query_error)?),
        LogAnchor::After { cursor } => Start::After(cursor.parse().map_err(query_error)?),
    };
    let forwards = matches!(start, Start::After(_));
    let newest = matches!(start, Start::Newest);
    let window = Window::new(start, usize::from(limit.clamp(1, 1000)));
    let page = blocking(move || reader.page(&filter, &window)).await?;
    Ok(view(page, forwards, newest))
}

/// Tells the channel whenever lines were written. Returns the number that ends it.
#[tauri::command]
#[specta::specta]
pub async fn follow_logs(desk: DeskState<'_>, grew: Channel<LogsGrew>) -> Result<u32, WireError> {
    let mut tail = desk.ground()?.logbook.reader().tail(&Filter::default(), 0).map_err(query_error)?;
    let stop = CancellationToken::new();
    let number = desk.add_follower(stop.clone());
    let ended = desk.tasks().stopping();
    desk.tasks().spawn("follow log", async move {
        let mut written = 0_u32;
        loop {
            let rows = tokio::select! {
                () = stop.cancelled() => return,
                () = ended.cancelled() => return,
                rows = tail.next() => rows.unwrap_or_default(),
            };
            written = written.saturating_add(count(rows.len()));
            if written > 0 && grew.send(LogsGrew { written }).is_err() {
                return;
            }
            tokio::time::sleep(GREW).await;
        }
    });
    Ok(number)
}

/// Ends following.
#[tauri::command]
#[specta::specta]
pub async fn unfollow_logs(desk: DeskState<'_>, follower: u32) -> Result<(), WireError> {
    desk.remove_follower(follower);
    Ok(())
}

/// How much is kept.
#[tauri::command]
#[specta::specta]
pub async fn log_stats(desk: DeskState<'_>) -> Result<LogStats, WireError> {
    logged("log_stats", async {
        let reader = desk.ground()?.logbook.reader();
        let stats = blocking(move || reader.stats()).await?;
        Ok(LogStats {
            kib: count(stats.bytes / 1024),
            cap_kib: CAP_KIB,
            dropped: count(stats.dropped),
            memory_only: stats.memory_only,
        })
    })
    .await
}

fn read_filter(filter: LogFilter) -> Result<Filter, WireError> {
    Ok(Filter {
        min_level: Some(match filter.level {
            LogLevelName::Debug => Level::Trace,
            LogLevelName::Info => Level::Info,
            LogLevelName::Warn => Level::Warn,
            LogLevelName::Error => Level::Error,
        }),
        areas: filter.areas,
        account: filter.account.as_deref().map(id).transpose()?,
        search: (!filter.text.is_empty()).then_some(Search::Text(filter.text)),
        since: None,
        until: None,
    })
}

fn view(page: Page, forwards: bool, newest: bool) -> LogPage {
    let more = page.next.is_some();
    let mut rows: Vec<LogRow> = page.rows.into_iter().map(row).collect();
    if !forwards {
        rows.reverse();
    }
    LogPage { rows, has_older: if forwards { true } else { more }, has_newer: if forwards { more } else { !newest } }
}

fn row(row: Row) -> LogRow {
    let entry = row.entry;
    let mut fields: Vec<LogField> = entry
        .fields
        .0
        .into_iter()
        .map(|(name, value)| LogField {
            name,
            value: if let serde_json::Value::String(text) = value { text } else { value.to_string() },
        })
        .collect();
    if let Some(repeat) = entry.repeat {
        fields.push(LogField { name: "repeat".to_owned(), value: repeat.to_string() });
    }
    LogRow {
        cursor: row.cursor.to_string(),
        at: entry.t,
        level: entry.level.as_str().to_owned(),
        area: entry.area,
        account: entry.account,
        message: entry.msg,
        fields,
        spans: entry.spans,
    }
}

async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, QueryError> + Send + 'static,
) -> Result<T, WireError> {
    tokio::task::spawn_blocking(read)
        .await
        .map_err(|error| WireError { code: ErrorCode::Internal, detail: error.to_string() })?
        .map_err(query_error)
}

fn query_error(error: QueryError) -> WireError {
    let code = match error {
        QueryError::Expression(_) | QueryError::Cursor(_) => ErrorCode::InvalidInput,
        QueryError::Io { .. } => ErrorCode::File,
    };
    WireError { code, detail: skrynka_core::chain(&error) }
}
