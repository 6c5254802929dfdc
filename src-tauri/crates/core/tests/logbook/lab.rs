//! What the tests share: a clock that is set by hand, a logbook in a temporary folder, and runs in other processes.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use skrynka_core::{
    clock::{Clock, SystemClock},
    logbook::{Entry, Filter, Level, Limits, Logbook, LogbookGuard, LogbookOptions, Row, Start, Window},
};
use time::{OffsetDateTime, macros::datetime};
use tracing::Dispatch;

/// Stands still until it is set.
#[derive(Clone)]
pub struct HandClock(Arc<Mutex<OffsetDateTime>>);

impl HandClock {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(datetime!(2026-11-22 12:00 UTC))))
    }

    pub fn advance(&self, by: time::Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for HandClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }
}

pub struct Lab {
    pub dispatch: Dispatch,
    _second: Dispatch,
    pub logbook: Logbook,
    guard: Option<LogbookGuard>,
}

/// Options without a limit on repeated lines, since the tests write from few places.
pub fn options(dir: &Path) -> LogbookOptions {
    LogbookOptions { repeats_per_second: 0, ..LogbookOptions::new(dir.to_owned(), Level::Debug, Arc::new(SystemClock)) }
}

pub fn small(file_bytes: u64, total_bytes: u64) -> Limits {
    Limits { file_bytes, total_bytes, files: 100 }
}

impl Lab {
    pub fn new(options: LogbookOptions) -> Self {
        let (dispatch, guard) = Logbook::start(options);
        // While a process has a single dispatcher, tracing asks the current one alone which callsites matter; outside
        // a test's scope that is none. The app's logbook is the process's default and needs no second.
        let _second = Dispatch::new(tracing_subscriber::Registry::default());
        Self { dispatch, _second, logbook: guard.logbook(), guard: Some(guard) }
    }

    pub fn log<T>(&self, work: impl FnOnce() -> T) -> T {
        tracing::dispatcher::with_default(&self.dispatch, work)
    }

    pub fn flush(&self) {
        self.logbook.flush(Duration::from_secs(60));
    }

    /// Writes everything and ends the logbook.
    pub fn close(&mut self) {
        self.guard = None;
    }

    /// All lines that match, oldest first.
    pub fn rows(&self, filter: &Filter) -> Vec<Row> {
        all_rows(&self.logbook.reader(), filter)
    }
}

pub fn all_rows(reader: &skrynka_core::logbook::Reader, filter: &Filter) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut start = Start::Newest;
    loop {
        let page = reader.page(filter, &Window::new(start, 1_000)).unwrap();
        rows.extend(page.rows);
        let Some(next) = page.next else { break };
        start = Start::Before(next);
    }
    rows.reverse();
    rows
}

/// The log files by name.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Every line of every file, parsed; fails on a line that is none of ours.
pub fn entries(dir: &Path) -> Vec<Entry> {
    let text: String = files(dir).iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

pub fn bytes(dir: &Path) -> u64 {
    files(dir).iter().filter_map(|file| Some(fs::metadata(file).ok()?.len())).sum()
}

/// The folder of the inner run, when this process is one.
pub fn inside() -> Option<PathBuf> {
    env::var_os("SKRYNKA_TEST_DIR").map(PathBuf::from)
}

/// The command that runs the named test again in a process of its own, under `wrapper`.
pub fn again(test: &str, dir: &Path, wrapper: &[&str]) -> Command {
    let mut command = Command::new(wrapper.first().map_or_else(|| env::current_exe().unwrap(), PathBuf::from));
    if let [_, rest @ ..] = wrapper {
        command.args(rest).arg(env::current_exe().unwrap());
    }
    command.args([test, "--exact", "--nocapture"]).env("SKRYNKA_TEST_DIR", dir);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the named test again and expects it to pass.
pub fn pass_again(test: &str, dir: &Path, wrapper: &[&str]) {
    let output = again(test, dir, wrapper).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
