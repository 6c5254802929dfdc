//! The log viewer: rows come in windows, a follower only hears that there are more.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    time::{Duration, Instant},
};

use skrynka_core::logbook::{
    Bucket, Cursor, Exclude, Filter, Level, Logbook, MAX_BUCKETS, MAX_PAGE, Marker, News, Page, Progress, QueryError,
    Reader, Row, Search, Start, Window,
};
use tauri::ipc::Channel;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use super::{DeskState, id, logged, message::save_as};
use crate::{
    desk::Desk,
    views::level_name,
    wire::{
        ErrorCode, LogAnchor, LogBucket, LogExclude, LogField, LogFilter, LogHistogram, LogLevelName, LogMark, LogNews,
        LogPage, LogProgress, LogRow, LogStats, LogsGrew, SavedFiles, WireError, count, stamp,
    },
};

/// A follower hears of new lines at most this often.
const GREW: Duration = Duration::from_millis(200);
/// The cap over all files, in KiB.
const CAP_KIB: u32 = 100 * 1024;

/// So often a search tells how far it is. One that is quicker tells nothing.
const PROGRESS: Duration = Duration::from_millis(150);
/// For so long details are written once somebody has asked for them.
const DETAILS: Duration = Duration::from_secs(3600);

/// A window of rows. `search` is a number of the window's own, by which it can be stopped; while it takes long it tells
/// how far it is.
#[tauri::command]
#[specta::specta]
pub async fn log_page(
    desk: DeskState<'_>,
    filter: LogFilter,
    anchor: LogAnchor,
    limit: u16,
    search: u32,
    progress: Channel<LogProgress>,
) -> Result<LogPage, WireError> {
    // Not logged: reading the log must not write to it.
    let reader = desk.ground()?.logbook.reader();
    let wanted = wanted(&filter);
    let filter = read_filter(filter)?;
    let limit = usize::from(limit.clamp(1, 1000));
    let anchor = Anchor::read(anchor)?;
    searching(&desk, search, &progress, move |progress| {
        let marker = Marker::new(wanted.as_ref())?;
        Ok(anchor.page(&reader, &filter, limit, progress)?.view(&marker))
    })
    .await
}

/// The newest rows after one, or of all, for a list that goes along with the end: at most `limit`, and whether others were
/// passed over. Takes no channel, since each leaves something behind in the page, and this is asked several times a second.
#[tauri::command]
#[specta::specta]
pub async fn log_news(
    desk: DeskState<'_>,
    filter: LogFilter,
    after: Option<String>,
    limit: u16,
) -> Result<LogNews, WireError> {
    let reader = desk.ground()?.logbook.reader();
    let wanted = wanted(&filter);
    let filter = read_filter(filter)?;
    let limit = usize::from(limit.clamp(1, 1000));
    let after = after.map(|cursor| cursor.parse::<Cursor>()).transpose().map_err(query_error)?;
    blocking(move || {
        let marker = Marker::new(wanted.as_ref())?;
        let News { rows, passed } = reader.news(&filter, after.as_ref(), limit)?;
        Ok(LogNews { rows: rows.into_iter().map(|found| row(found, &marker)).collect(), passed })
    })
    .await
}

/// Counts the lines that the filter means in so many stretches of equal length, 500 at most; null where there is none, and
/// when it was stopped. `search` and `progress` as for a window of rows.
#[tauri::command]
#[specta::specta]
pub async fn log_histogram(
    desk: DeskState<'_>,
    filter: LogFilter,
    buckets: u16,
    search: u32,
    progress: Channel<LogProgress>,
) -> Result<Option<LogHistogram>, WireError> {
    let reader = desk.ground()?.logbook.reader();
    let filter = read_filter(filter)?;
    let buckets = usize::from(buckets).min(MAX_BUCKETS);
    let counted =
        searching(&desk, search, &progress, move |progress| match reader.histogram(&filter, buckets, progress) {
            Err(QueryError::Stopped) => Ok(None),
            counted => counted,
        })
        .await?;
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

/// Stops a search of this number: it answers with what it has found so far.
#[tauri::command]
#[specta::specta]
pub async fn stop_log_search(desk: DeskState<'_>, search: u32) -> Result<(), WireError> {
    desk.searches.stop(&search);
    Ok(())
}

/// Reads in the background, tells the channel how far that is, and lets `number` stop it.
async fn searching<T: Send + 'static>(
    desk: &Desk,
    number: u32,
    told: &Channel<LogProgress>,
    read: impl FnOnce(&Progress) -> Result<T, QueryError> + Send + 'static,
) -> Result<T, WireError> {
    let running = desk.searches.begin(number);
    let progress = Progress::default();
    let reading = blocking({
        let progress = progress.clone();
        move || read(&progress)
    });
    tokio::pin!(reading);
    loop {
        tokio::select! {
            answer = &mut reading => return answer,
            () = running.stopped(), if !progress.is_stopped() => progress.stop(),
            () = tokio::time::sleep(PROGRESS) => {
                let (searched, lines) = progress.lines();
                // A window that is gone needs no answer.
                let found = count(progress.found());
                if told.send(LogProgress { searched: count(searched), lines: count(lines), found }).is_err() {
                    progress.stop();
                }
            }
        }
    }
}

/// Writes details to the log for an hour, or goes back to the usual level at once.
#[tauri::command]
#[specta::specta]
pub async fn write_log_details(desk: DeskState<'_>, on: bool) -> Result<LogStats, WireError> {
    logged("write_log_details", async {
        let logbook = desk.ground()?.logbook.clone();
        if on {
            logbook.raise_level(Level::Debug, DETAILS);
            let (ended, logbook) = (desk.tasks().stopping(), logbook.clone());
            desk.tasks().spawn("log level", async move {
                // The wall clock decides, which goes on while the computer sleeps.
                while logbook.raised_level().is_some() {
                    tokio::select! {
                        () = ended.cancelled() => return,
                        () = tokio::time::sleep(Duration::from_secs(10)) => logbook.return_level(false),
                    }
                }
            });
        } else {
            logbook.return_level(true);
        }
        stats(&logbook).await
    })
    .await
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
        let (mut written, mut told) = (0_u32, None::<Instant>);
        loop {
            let rows = tokio::select! {
                () = stop.cancelled() => return,
                () = ended.cancelled() => return,
                rows = tail.next() => rows.unwrap_or_default(),
            };
            written = written.saturating_add(count(rows.len()));
            // Where there is more already, it is counted first: the count goes along with what is written.
            let more = rows.len() >= MAX_PAGE;
            if more && told.is_some_and(|at| at.elapsed() < GREW) {
                continue;
            }
            if written > 0 && grew.send(LogsGrew { written }).is_err() {
                return;
            }
            told = Some(Instant::now());
            if !more {
                tokio::time::sleep(GREW).await;
            }
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
    logged("log_stats", async { stats(&desk.ground()?.logbook).await }).await
}

async fn stats(logbook: &Logbook) -> Result<LogStats, WireError> {
    let reader = logbook.reader();
    let stats = blocking(move || reader.stats()).await?;
    Ok(LogStats {
        kib: count(stats.bytes / 1024),
        cap_kib: CAP_KIB,
        dropped: count(stats.dropped),
        memory_only: stats.memory_only,
        level: level_name(logbook.usual_level()),
        details_until: logbook.raised_level().map(|(_, until)| stamp(until)),
    })
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
        search: wanted(&filter).filter(|_| !filter.mark_only),
        areas: filter.areas,
        account: filter.account.as_deref().map(id).transpose()?,
        since: filter.since.as_deref().map(moment).transpose()?,
        until: filter.until.as_deref().map(moment).transpose()?,
    })
}

fn moment(text: &str) -> Result<OffsetDateTime, WireError> {
    super::outbox::moment(text).map_err(|error| WireError { detail: "moment".to_owned(), ..error })
}

fn wanted(filter: &LogFilter) -> Option<Search> {
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
    stopped_at: Option<Cursor>,
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

    fn page(self, reader: &Reader, filter: &Filter, limit: usize, progress: &Progress) -> Result<Rows, QueryError> {
        let page = |start, limit| reader.search(filter, &Window::new(start, limit), progress);
        let oldest_first = |mut page: Page| {
            page.rows.reverse();
            page
        };
        // A page that is full was not stopped, whatever came after it.
        let stopped =
            |page: &Page, limit| page.next.clone().filter(|_| progress.is_stopped() && page.rows.len() < limit);
        Ok(match self {
            Self::Back(start) => {
                let newer = !matches!(start, Start::Newest);
                let page = oldest_first(page(start, limit)?);
                let stopped_at = stopped(&page, limit);
                Rows { older: page.next.is_some(), rows: page.rows, newer, stopped_at }
            }
            Self::Forward(start) => {
                let Page { rows, next, .. } = page(start, limit)?;
                Rows { rows, older: true, newer: next.is_some(), stopped_at: None }
            }
            Self::Both(cursor) => {
                let before = oldest_first(page(Start::Before(cursor.clone()), limit / 2)?);
                let after = page(Start::At(cursor), limit - limit / 2)?;
                let (older, newer) = (before.next.is_some(), after.next.is_some());
                let stopped_at = stopped(&before, limit / 2);
                Rows { rows: [before.rows, after.rows].concat(), older, newer, stopped_at }
            }
        })
    }
}

impl Rows {
    fn view(self, marker: &Marker) -> LogPage {
        let rows = self.rows.into_iter().map(|found| row(found, marker)).collect();
        LogPage {
            rows,
            has_older: self.older,
            has_newer: self.newer,
            stopped_at: self.stopped_at.map(|cursor| cursor.to_string()),
        }
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
        QueryError::Stopped => ErrorCode::Internal,
    };
    WireError { code, detail: skrynka_core::chain(&error) }
}
