//! The log viewer: rows come in windows, a follower only hears that there are more.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    time::Duration,
};

use skrynka_core::logbook::{
    Bucket, Cursor, Exclude, Filter, Level, MAX_BUCKETS, MAX_PAGE, Marker, Page, QueryError, Reader, Row, Search,
    Start, Window,
};
use tauri::ipc::Channel;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use super::{DeskState, id, logged, message::save_as};
use crate::wire::{
    ErrorCode, LogAnchor, LogBucket, LogExclude, LogField, LogFilter, LogHistogram, LogLevelName, LogMark, LogPage,
    LogRow, LogStats, LogsGrew, SavedFiles, WireError, count, stamp,
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
    let search = search(&filter);
    let filter = read_filter(filter)?;
    let limit = usize::from(limit.clamp(1, 1000));
    let anchor = Anchor::read(anchor)?;
    blocking(move || {
        let marker = Marker::new(search.as_ref())?;
        Ok(anchor.page(&reader, &filter, limit)?.view(&marker))
    })
    .await
}

/// Counts the lines that the filter means in so many stretches of equal length, 500 at most; null where there is none.
#[tauri::command]
#[specta::specta]
pub async fn log_histogram(
    desk: DeskState<'_>,
    filter: LogFilter,
    buckets: u16,
) -> Result<Option<LogHistogram>, WireError> {
    let reader = desk.ground()?.logbook.reader();
    let filter = read_filter(filter)?;
    let buckets = usize::from(buckets).min(MAX_BUCKETS);
    let counted = blocking(move || reader.histogram(&filter, buckets)).await?;
    let bucket = |bucket: &Bucket| LogBucket {
        debug: count(bucket.debug),
        info: count(bucket.info),
        warn: count(bucket.warn),
        error: count(bucket.error),
    };
    Ok(counted.map(|all| LogHistogram {
        from: stamp(all.from),
        until: stamp(all.until),
        buckets: all.buckets.iter().map(bucket).collect(),
    }))
}

/// Asks for a file and writes the lines that the filter means into it, oldest first, each as the JSON object that stands
/// in the log. What stands under the name stays until all of the new one is there.
#[tauri::command]
#[specta::specta]
pub async fn export_log(desk: DeskState<'_>, filter: LogFilter, name: String) -> Result<SavedFiles, WireError> {
    logged("export_log", async {
        let reader = desk.ground()?.logbook.reader();
        let filter = read_filter(filter)?;
        let name = skrynka_mail::parse::clean_file_name(&name, "application/jsonl");
        save_as(&desk, name, |file| blocking(move || export(&reader, &filter, file))).await
    })
    .await
}

fn export(reader: &Reader, filter: &Filter, file: File) -> Result<(), QueryError> {
    let mut out = BufWriter::new(file);
    let mut start = Start::Oldest;
    loop {
        let page = reader.page(filter, &Window::new(start, MAX_PAGE))?;
        for row in &page.rows {
            let line = serde_json::to_string(&row.entry).map_err(std::io::Error::from);
            line.and_then(|line| writeln!(out, "{line}")).map_err(QueryError::Written)?;
        }
        match page.next {
            Some(next) => start = Start::After(next),
            None => return out.flush().map_err(QueryError::Written),
        }
    }
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
    let exclude = filter.exclude.iter().map(|exclude| {
        Ok(match exclude {
            LogExclude::Area { value } => Exclude::Area(value.clone()),
            LogExclude::Account { value } => Exclude::Account(id(value)?),
            LogExclude::Text { value } => Exclude::Search(Search::Text(value.clone())),
        })
    });
    Ok(Filter {
        min_level: Some(match filter.level {
            LogLevelName::Debug => Level::Trace,
            LogLevelName::Info => Level::Info,
            LogLevelName::Warn => Level::Warn,
            LogLevelName::Error => Level::Error,
        }),
        exclude: exclude.collect::<Result<_, WireError>>()?,
        search: search(&filter).filter(|_| !filter.mark_only),
        areas: filter.areas,
        account: filter.account.as_deref().map(id).transpose()?,
        since: filter.since.as_deref().map(moment).transpose()?,
        until: filter.until.as_deref().map(moment).transpose()?,
    })
}

fn moment(text: &str) -> Result<OffsetDateTime, WireError> {
    super::outbox::moment(text).map_err(|error| WireError { detail: "moment".to_owned(), ..error })
}

fn search(filter: &LogFilter) -> Option<Search> {
    let text = (!filter.text.is_empty()).then(|| filter.text.clone())?;
    Some(if filter.regex { Search::Regex(text) } else { Search::Text(text) })
}

/// Which rows are asked for.
enum Anchor {
    Back(Start),
    Forward(Start),
    /// Half of them before the place, half from it on.
    Both(Cursor),
}

/// Rows, oldest first, and whether there are more on either side.
struct Rows {
    rows: Vec<Row>,
    older: bool,
    newer: bool,
}

impl Anchor {
    fn read(anchor: LogAnchor) -> Result<Self, WireError> {
        let place = |cursor: String| cursor.parse::<Cursor>().map_err(query_error);
        Ok(match anchor {
            LogAnchor::Newest => Self::Back(Start::Newest),
            LogAnchor::Before { cursor } => Self::Back(Start::Before(place(cursor)?)),
            LogAnchor::After { cursor } => Self::Forward(Start::After(place(cursor)?)),
            LogAnchor::Around { cursor } => Self::Both(place(cursor)?),
            LogAnchor::At { moment: at } => Self::Both(Cursor::at(moment(&at)?)),
        })
    }

    fn page(self, reader: &Reader, filter: &Filter, limit: usize) -> Result<Rows, QueryError> {
        let page = |start, limit| reader.page(filter, &Window::new(start, limit));
        let oldest_first = |mut page: Page| {
            page.rows.reverse();
            page
        };
        Ok(match self {
            Self::Back(start) => {
                let newer = !matches!(start, Start::Newest);
                let Page { rows, next, .. } = oldest_first(page(start, limit)?);
                Rows { rows, older: next.is_some(), newer }
            }
            Self::Forward(start) => {
                let Page { rows, next, .. } = page(start, limit)?;
                Rows { rows, older: true, newer: next.is_some() }
            }
            Self::Both(cursor) => {
                let before = oldest_first(page(Start::Before(cursor.clone()), limit / 2)?);
                let after = page(Start::At(cursor), limit - limit / 2)?;
                let (older, newer) = (before.next.is_some(), after.next.is_some());
                Rows { rows: [before.rows, after.rows].concat(), older, newer }
            }
        })
    }
}

impl Rows {
    fn view(self, marker: &Marker) -> LogPage {
        let rows = self.rows.into_iter().map(|found| row(found, marker)).collect();
        LogPage { rows, has_older: self.older, has_newer: self.newer }
    }
}

fn row(row: Row, marker: &Marker) -> LogRow {
    let entry = row.entry;
    let text = entry.text();
    let units = |text: &str| count(text.encode_utf16().count());
    let mark = |(from, to): (usize, usize)| LogMark { from: units(&text[..from]), to: units(&text[..to]) };
    let marks = marker.marks(&text).into_iter().map(mark).collect();
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
        marks,
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
        QueryError::Io { .. } | QueryError::Written(_) => ErrorCode::File,
    };
    WireError { code, detail: skrynka_core::chain(&error) }
}
