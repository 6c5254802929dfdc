//! Measures the log, for `ui/tests/e2e/bench`: `log_bench write DIR LINES` writes lines of our own format, `log_bench read DIR`
//! queries them and prints one JSON object with seconds and the most memory that was held. `log_bench pour DIR RATE
//! SECONDS` logs so many lines a second as the program does, `log_bench burst DIR LINES` as many as it can at once; both print
//! what became of them.

#![expect(clippy::print_stdout, reason = "the bench reads the figures")]

use std::{
    env,
    error::Error,
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use skrynka_core::{
    clock::SystemClock,
    logbook::{
        Filter, Level, Logbook, LogbookGuard, LogbookOptions, MAX_BUCKETS, Progress, Reader, Search, Start, Window,
    },
    model::AccountId,
};
use time::{Duration, macros::datetime};
use uuid::Uuid;

/// The bars of the picture over the viewer's list.
const BARS: usize = 120;
const _: () = assert!(BARS <= MAX_BUCKETS);
/// A file is full at so many bytes.
const FILE: u64 = 100_000_000;
const ACCOUNTS: u64 = 12;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", dir, lines] => Ok(write(Path::new(dir), lines.parse()?)?),
        ["read", dir] => read(PathBuf::from(dir)),
        ["pour", dir, rate, seconds] => pour(PathBuf::from(dir), rate.parse()?, seconds.parse()?),
        ["burst", dir, lines] => burst(PathBuf::from(dir), lines.parse()?),
        _ => Err("log_bench write DIR LINES | read DIR | pour DIR RATE SECONDS | burst DIR LINES".into()),
    }
}

/// The same lines whenever it is called: one in 200 is an error, one in 20 a warning, one in 10,000 tells of a changed
/// UIDVALIDITY.
fn write(dir: &Path, lines: u64) -> std::io::Result<()> {
    fs::create_dir_all(dir)?;
    let start = datetime!(2026-11-22 00:00 UTC);
    let mut random = 0x2026_1122_u64;
    let (mut number, mut written) = (0, FILE);
    let mut out: Option<BufWriter<File>> = None;
    for n in 0..lines {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if written >= FILE {
            number += 1;
            written = 0;
            let name = format!("skrynka-20261122T000000000Z-1.{number:06}.jsonl");
            out = Some(BufWriter::with_capacity(1 << 20, File::create(dir.join(name))?));
        }
        let at = start + Duration::milliseconds(n.cast_signed() * 9);
        let (date, hour, minute, second, milli) = (at.date(), at.hour(), at.minute(), at.second(), at.millisecond());
        let head = format!(r#"{{"t":"{date}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z","seq":{}"#, n + 1);
        let account = Uuid::from_u128(u128::from((random >> 40) % ACCOUNTS + 1));
        let facts = facts(n, random >> 33);
        let line = format!("{head}{}\n", facts.replace('@', &format!(r#","account":"{account}","msg":"#)));
        written += line.len() as u64;
        if let Some(out) = &mut out {
            out.write_all(line.as_bytes())?;
        }
    }
    Ok(())
}

/// What follows the number of a line; `@` stands for the account.
fn facts(n: u64, random: u64) -> String {
    let uid = 40_000 + random % 9_999;
    let took = random % 10_000;
    match n % 10_000 {
        7_777 => format!(
            r#","level":"WARN","area":"email"@"Folder renumbered","fields":{{"folder":"INBOX","why":"uidvalidity changed","uidnext":{uid}}},"spans":["supervisor","listen"]}}"#
        ),
        few if few % 200 == 13 => format!(
            r#","level":"ERROR","area":"email"@"Connection closed","fields":{{"host":"imap.example.com","error":"the server closed the connection: timed out after 30 s","attempt":{}}},"spans":["supervisor","listen"]}}"#,
            random % 9
        ),
        some if some % 20 == 5 => format!(
            r#","level":"WARN","area":"outbox"@"Sending put off","fields":{{"mail":"{}","reason":"450 greylisted, try again later","seconds":{took}}},"spans":["supervisor","send"]}}"#,
            Uuid::from_u128(u128::from(random) << 64 | u128::from(n))
        ),
        each if each % 6 == 1 => format!(
            r#","level":"INFO","area":"store"@"Batch stored","fields":{{"said":"took {took} ms","messages":{},"conversations":{},"bytes":{}}},"spans":["supervisor","ingest"]}}"#,
            random % 500,
            random % 90,
            random % 1_000_000
        ),
        each if each % 3 == 0 => format!(
            r#","level":"DEBUG","area":"events","msg":"Heartbeat answered","fields":{{"window":"main","sequence":{n},"waiting":{},"bytes":{took},"painted":true}},"spans":["window"]}}"#,
            random % 5
        ),
        _ => format!(
            r#","level":"INFO","area":"email"@"Mail stored","fields":{{"folder":"INBOX/Orders","uid":{uid},"bytes":{},"attachments":{},"ms":{}}},"spans":["supervisor","listen"]}}"#,
            random % 100_000,
            random % 4,
            random % 300
        ),
    }
}

fn read(dir: PathBuf) -> Result<(), Box<dyn Error>> {
    let text = |text: &str| Filter { search: Some(Search::Text(text.to_owned())), ..Filter::default() };
    let regex = |regex: &str| Filter { search: Some(Search::Regex(regex.to_owned())), ..Filter::default() };
    let account = AccountId(Uuid::from_u128(5));
    let newest = Window::new(Start::Newest, 300);

    let first = Reader::new(dir.clone()).indexed();
    let (screen, _) = timed(|| first.page(&Filter::default(), &newest))?;
    drop(first);
    let reader = Reader::new(dir.clone()).indexed();
    let before = most_memory();
    let (index, ()) = timed(|| reader.complete_index())?;
    let index_memory = most_memory();
    let mut figures = vec![("screen", screen), ("index", index)];
    let mut counts = Vec::new();
    for (name, filter) in [
        ("all", Filter::default()),
        ("level", Filter { min_level: Some(Level::Error), ..Filter::default() }),
        ("account", Filter { account: Some(account), ..Filter::default() }),
        ("text", text("uidvalidity changed")),
        ("regex", regex(r"took [5-9]\d{3} ms")),
        ("account_text", Filter { account: Some(account), min_level: Some(Level::Error), ..text("attempt=7") }),
    ] {
        let (page, rows) = timed(|| reader.page(&filter, &newest))?;
        let (count, histogram) = timed(|| reader.histogram(&filter, BARS, &Progress::default()))?;
        let buckets = histogram.map(|all| all.buckets).unwrap_or_default();
        counts.push((name, buckets.iter().map(|one| one.debug + one.info + one.warn + one.error).sum::<u64>()));
        assert!(!rows.rows.is_empty(), "{name} finds something");
        figures.push((name, count));
        figures.push((Box::leak(format!("{name}_page").into_boxed_str()), page));
    }
    let (nowhere, _) = timed(|| reader.page(&text("stands nowhere"), &newest))?;
    figures.push(("nowhere", nowhere));
    let seconds: serde_json::Map<_, _> =
        figures.iter().map(|(name, seconds)| ((*name).to_owned(), (*seconds).into())).collect();
    let counts: serde_json::Map<_, _> =
        counts.iter().map(|(name, count)| ((*name).to_owned(), (*count).into())).collect();
    let memory = [before, index_memory, most_memory()];
    println!("{}", serde_json::json!({ "seconds": seconds, "counts": counts, "memory_kib": memory }));
    Ok(())
}

/// Starts a log that folds nothing: every line counts.
fn start(dir: PathBuf) -> Result<LogbookGuard, Box<dyn Error>> {
    let options = LogbookOptions::new(dir, Level::Info, Arc::new(SystemClock));
    Ok(Logbook::init(LogbookOptions { repeats_per_second: 0, ..options })?)
}

fn pour(dir: PathBuf, rate: u64, seconds: u64) -> Result<(), Box<dyn Error>> {
    let guard = start(dir)?;
    let begun = Instant::now();
    for n in 0..rate * seconds {
        // A hundredth of a second's lines at once.
        if n % (rate / 100).max(1) == 0 {
            let due =
                std::time::Duration::from_secs_f64(f64::from(u32::try_from(n)?) / f64::from(u32::try_from(rate)?));
            std::thread::sleep(due.saturating_sub(begun.elapsed()));
        }
        tracing::info!(target: "skrynka::store", n, "Poured");
    }
    told(guard, rate * seconds, begun)
}

fn burst(dir: PathBuf, lines: u64) -> Result<(), Box<dyn Error>> {
    let guard = start(dir)?;
    let begun = Instant::now();
    for n in 0..lines {
        tracing::info!(target: "skrynka::store", n, "Poured");
    }
    told(guard, lines, begun)
}

/// Prints how long it took, and how many lines were dropped.
fn told(guard: LogbookGuard, lines: u64, begun: Instant) -> Result<(), Box<dyn Error>> {
    let seconds = begun.elapsed().as_secs_f64();
    let reader = guard.logbook().reader();
    drop(guard);
    let dropped = reader.stats()?.dropped;
    println!("{}", serde_json::json!({ "seconds": seconds, "lines": lines, "dropped": dropped }));
    Ok(())
}

fn timed<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<(f64, T), E> {
    let start = Instant::now();
    let result = work()?;
    Ok((start.elapsed().as_secs_f64(), result))
}

/// The most memory this process has held, in KiB; 0 where the system does not tell.
fn most_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
