//! What the viewer and `skrynka logs` find.

use std::{fs, io::Write, sync::Arc};

use skrynka_core::{
    logbook::{
        Cursor, Entry, Exclude, Filter, Level, LogbookOptions, Marker, Progress, Reader, Row, Search, Start, Window,
    },
    model::AccountId,
};
use tracing::{debug, error, info, warn};
use uuid::Uuid;

use crate::lab::{HandClock, Lab, all_rows, entries, files, options, small};

/// 900 lines of three runs whose times overlap, in many small files.
fn three_runs(dir: &std::path::Path) -> Vec<Lab> {
    let clock = HandClock::new();
    let mut labs = Vec::new();
    for _ in 0..3 {
        let limits = small(12_000, 100_000_000);
        labs.push(Lab::new(LogbookOptions { clock: Arc::new(clock.clone()), limits, ..options(dir) }));
        clock.advance(time::Duration::milliseconds(3));
    }
    for n in 0..300_u64 {
        for (run, lab) in labs.iter().enumerate() {
            lab.log(|| one_line(n, run));
        }
        // Some lines of all runs have the same time.
        clock.advance(time::Duration::milliseconds(i64::from(n % 3 == 0)));
    }
    labs.iter_mut().for_each(Lab::close);
    labs
}

fn one_line(n: u64, run: usize) {
    let account = Uuid::from_u128(u128::from(n % 4));
    match n % 10 {
        0 => error!(target: "skrynka::email", %account, n, run, why = "timeout after 30 s", "Connection closed"),
        1 => warn!(target: "skrynka::store", n, run, "Uidvalidity \"changed\""),
        2 => debug!(target: "skrynka::events", n, run, "Heartbeat received"),
        3 => info!(target: "skrynka::email", %account, n, run, ms = n * 7, "Нова пошта"),
        _ => info!(target: "skrynka::email", %account, n, run, uid = n + 40_000, "Mail stored"),
    }
}

fn account(number: u128) -> Option<AccountId> {
    Some(AccountId(Uuid::from_u128(number)))
}

/// Filters, and what each means, said without the code under test.
fn filters(lines: &[Entry]) -> Vec<(Filter, Vec<(String, u64)>)> {
    let text = |text: &str| Filter { search: Some(Search::Text(text.to_owned())), ..Filter::default() };
    let regex = |regex: &str| Filter { search: Some(Search::Regex(regex.to_owned())), ..Filter::default() };
    let without = |exclude| Filter { exclude, ..Filter::default() };
    let middle = time::macros::datetime!(2026-11-22 12:00:00.050 UTC);
    let is_middle = |line: &Entry| line.t.as_str() >= "2026-11-22T12:00:00.050Z";
    let expected = |means: &dyn Fn(&Entry) -> bool| {
        let mut found: Vec<_> = lines.iter().filter(|line| means(line)).map(key).collect();
        found.sort();
        found
    };
    vec![
        (Filter::default(), expected(&|_| true)),
        (Filter { min_level: Some(Level::Warn), ..Filter::default() }, expected(&|line| line.level >= Level::Warn)),
        (Filter { min_level: Some(Level::Info), ..Filter::default() }, expected(&|line| line.level >= Level::Info)),
        (
            Filter { areas: vec!["events".into(), "store".into()], ..Filter::default() },
            expected(&|line| line.area == "events" || line.area == "store"),
        ),
        (
            Filter { account: account(2), ..Filter::default() },
            expected(&|line| line.account == Some(Uuid::from_u128(2).to_string())),
        ),
        (text("CONNECTION closed"), expected(&|line| line.msg == "Connection closed")),
        (text("why=timeout after"), expected(&|line| line.msg == "Connection closed")),
        (text("\"changed\""), expected(&|line| line.msg.contains("\"changed\""))),
        (text("uid=40017"), expected(&|line| line.text().contains("uid=40017"))),
        (text("НОВА"), expected(&|line| line.msg == "Нова пошта")),
        (text("=1"), expected(&|line| line.text().contains("=1"))),
        (text("nowhere"), Vec::new()),
        (regex("mail stored|heartbeat"), expected(&|line| line.msg == "Mail stored" || line.area == "events")),
        (regex(r"uid=4\d{3}7\b"), expected(&|line| line.text().contains("uid=4") && line.text().ends_with('7'))),
        (regex("^нова"), expected(&|line| line.msg == "Нова пошта")),
        (Filter { since: Some(middle), ..Filter::default() }, expected(&|line| is_middle(line))),
        (Filter { until: Some(middle), ..text("stored") }, expected(&|l| !is_middle(l) && l.msg == "Mail stored")),
        (without(vec![Exclude::Area("email".into())]), expected(&|line| line.area != "email")),
        (
            Filter {
                exclude: vec![
                    Exclude::Account(account(2).unwrap()),
                    Exclude::Search(Search::Text("НОВА".into())),
                    Exclude::Search(Search::Regex(r"uid=4\d{3}7\b".into())),
                    Exclude::Search(Search::Text(String::new())),
                ],
                ..text("run=1")
            },
            expected(&|line| {
                let about_other = line.account != Some(Uuid::from_u128(2).to_string());
                let seven = line.text().contains("uid=4") && line.text().ends_with('7');
                about_other && line.msg != "Нова пошта" && !seven && line.text().contains("run=1")
            }),
        ),
    ]
}

fn key(line: &Entry) -> (String, u64) {
    let number = |name| line.fields.get(name).and_then(serde_json::Value::as_u64).unwrap_or(u64::MAX);
    (line.t.clone(), number("n") * 10 + number("run"))
}

fn keys(rows: &[Row]) -> Vec<(String, u64)> {
    let mut keys: Vec<_> = rows.iter().map(|row| key(&row.entry)).collect();
    keys.sort();
    keys
}

#[test]
fn every_filter_finds_exactly_the_lines_that_it_means_in_either_direction() {
    let dir = tempfile::tempdir().unwrap();
    let _labs = three_runs(dir.path());
    assert!(files(dir.path()).len() > 12, "many files");
    let lines = entries(dir.path());
    assert_eq!(lines.len(), 900);
    let reader = Reader::new(dir.path().to_owned());
    for (filter, expected) in filters(&lines) {
        let back = all_rows(&reader, &filter);
        assert_eq!(keys(&back), expected.clone(), "{filter:?}");
        assert!(back.windows(2).all(|pair| pair[0].entry.t <= pair[1].entry.t), "by time: {filter:?}");
        for (rows, max_bytes) in [(1_000, u64::MAX), (7, u64::MAX), (1_000, 1), (3, 20_000)] {
            assert_eq!(walk(&reader, &filter, Start::Oldest, rows, max_bytes), back, "{filter:?}");
            let mut newest_first = walk(&reader, &filter, Start::Newest, rows, max_bytes);
            newest_first.reverse();
            assert_eq!(newest_first, back, "{filter:?} by {rows}, {max_bytes}");
        }
    }
}

#[test]
fn a_page_begins_at_a_line_or_a_moment() {
    let dir = tempfile::tempdir().unwrap();
    let _labs = three_runs(dir.path());
    let reader = Reader::new(dir.path().to_owned());
    let all = all_rows(&reader, &Filter::default());
    let page = |start| reader.page(&Filter::default(), &Window::new(start, 20)).unwrap().rows;
    assert_eq!(page(Start::At(all[450].cursor.clone())), all[450..470]);
    let moment = time::macros::datetime!(2026-11-22 12:00:00.050 UTC);
    let first = all.iter().position(|row| row.entry.t.as_str() >= "2026-11-22T12:00:00.050Z").unwrap();
    assert_eq!(page(Start::At(Cursor::at(moment))), all[first..first + 20]);
    let mut before = page(Start::Before(Cursor::at(moment)));
    before.reverse();
    assert_eq!(before, all[first - 20..first]);
}

#[test]
fn a_histogram_counts_every_line_once_in_its_stretch() {
    let dir = tempfile::tempdir().unwrap();
    let _labs = three_runs(dir.path());
    let reader = Reader::new(dir.path().to_owned());
    for (filter, expected) in filters(&entries(dir.path())) {
        let all = reader.histogram(&filter, 7, &Progress::default()).unwrap().expect("there are lines");
        assert_eq!(all.buckets.len(), 7);
        let sum: u64 = all.buckets.iter().map(|one| one.debug + one.info + one.warn + one.error).sum();
        assert_eq!(sum, u64::try_from(expected.len()).unwrap(), "{filter:?}");
    }
    let lines = entries(dir.path());
    let all = reader.histogram(&Filter::default(), 10, &Progress::default()).unwrap().unwrap();
    let each = (all.until - all.from) / 10_i32;
    for (n, bucket) in (0_i32..).zip(&all.buckets) {
        let (from, until) = (all.from + each * n, all.from + each * (n + 1));
        let within = |line: &&Entry| {
            let at = time::OffsetDateTime::parse(&line.t, &time::format_description::well_known::Rfc3339).unwrap();
            from <= at && at < until
        };
        let count = |level| lines.iter().filter(within).filter(|line| line.level == level).count() as u64;
        let levels = [Level::Debug, Level::Info, Level::Warn, Level::Error].map(count);
        assert_eq!([bucket.debug, bucket.info, bucket.warn, bucket.error], levels, "{n}");
    }
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(
        Reader::new(empty.path().to_owned()).histogram(&Filter::default(), 5, &Progress::default()).unwrap(),
        None
    );
}

#[test]
fn what_is_looked_for_is_found_in_a_text_and_an_expression_cannot_explode() {
    let marks = |search, text: &str| Marker::new(Some(&search)).unwrap().marks(text);
    assert_eq!(marks(Search::Text("НОВА".into()), "Нова пошта, нова"), [(0, 8), (21, 29)]);
    assert_eq!(marks(Search::Regex("a*".into()), "baab"), [(1, 3)]);
    assert_eq!(marks(Search::Text(String::new()), "x"), []);
    assert_eq!(Marker::new(None).unwrap().marks("x"), []);
    let hard = format!("{}b", "a".repeat(20_000));
    assert_eq!(marks(Search::Regex("(a+)+$".into()), &hard), []);
    assert!(Marker::new(Some(&Search::Regex("(".into()))).is_err());
}

/// Reads page by page to the end, each cursor by way of its text.
fn walk(reader: &Reader, filter: &Filter, start: Start, rows: usize, max_bytes: u64) -> Vec<Row> {
    let forward = matches!(start, Start::Oldest);
    let mut window = Window { start, rows, max_bytes };
    let mut all = Vec::new();
    loop {
        let page = reader.page(filter, &window).unwrap();
        assert!(page.rows.len() <= rows);
        all.extend(page.rows);
        let Some(next) = page.next else { return all };
        let next: Cursor = next.to_string().parse().unwrap();
        window.start = if forward { Start::After(next) } else { Start::Before(next) };
    }
}

#[test]
fn pages_stay_what_they_are_while_lines_arrive_and_old_files_go() {
    let dir = tempfile::tempdir().unwrap();
    let lab = Lab::new(LogbookOptions { limits: small(20_000, 200_000), ..options(dir.path()) });
    let write = |from: u64, to: u64| {
        lab.log(|| (from..to).for_each(|n| info!(target: "skrynka::app", n, "Line")));
        lab.flush();
    };
    let n_of =
        |rows: &[Row]| rows.iter().map(|row| row.entry.fields.get("n").unwrap().as_u64().unwrap()).collect::<Vec<_>>();
    write(0, 1_000);
    let reader = lab.logbook.reader();
    let first = reader.page(&Filter::default(), &Window::new(Start::Newest, 100)).unwrap();
    assert_eq!(n_of(&first.rows), (900..1_000).rev().collect::<Vec<_>>());
    write(1_000, 1_300);
    let before = Start::Before(first.next.unwrap());
    let second = reader.page(&Filter::default(), &Window::new(before.clone(), 100)).unwrap();
    assert_eq!(n_of(&second.rows), (800..900).rev().collect::<Vec<_>>());
    let after = Start::After(first.rows[0].cursor.clone());
    let newer = reader.page(&Filter::default(), &Window::new(after, 1_000)).unwrap();
    assert_eq!(n_of(&newer.rows), (1_000..1_300).collect::<Vec<_>>());

    write(1_300, 10_000);
    let oldest = reader.page(&Filter::default(), &Window::new(Start::Oldest, 1)).unwrap();
    assert!(n_of(&oldest.rows)[0] > 1_300, "the first files are gone");
    let gone = reader.page(&Filter::default(), &Window::new(before, 100)).unwrap();
    assert_eq!((gone.rows.len(), gone.next), (0, None), "there is nothing before that place any more");
    let after = Start::After(first.rows[0].cursor.clone());
    let next = reader.page(&Filter::default(), &Window::new(after, 1)).unwrap();
    assert_eq!(n_of(&next.rows), n_of(&oldest.rows), "and what is left after it begins with the oldest");
}

#[test]
fn lines_that_are_cut_or_foreign_hide_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let mut lab = Lab::new(options(dir.path()));
    lab.log(|| (0..10).for_each(|n| info!(target: "skrynka::app", n, "Line")));
    lab.close();
    let whole = fs::read(&files(dir.path())[0]).unwrap();
    let foreign: [&[u8]; 6] = [
        b"",
        b"panicked at src/main.rs\n\n\n",
        b"{\"t\":\"2026-11-22T12:00:00.000Z\",\"seq\":1,\"level\":\"INFO\",\"area\":\"app\",\"msg\":\n",
        b"\xff\xfe\x00\n",
        &[b'x'; 3_000_000],
        b"\n{\"t\":\"2026-11-22T12:00",
    ];
    let mut text = Vec::new();
    for part in foreign {
        text.extend_from_slice(part);
        if !part.ends_with(b"\n") && !part.is_empty() {
            text.push(b'\n');
        }
        text.extend_from_slice(&whole);
    }
    text.extend_from_slice(b"{\"t\":\"2026-11-22T12:00");
    fs::write(&files(dir.path())[0], text).unwrap();
    fs::write(dir.path().join("notes.txt"), "not a log").unwrap();
    fs::write(dir.path().join("other.jsonl"), "{}\n").unwrap();
    let reader = Reader::new(dir.path().to_owned());
    assert_eq!(all_rows(&reader, &Filter::default()).len(), 60);
    let search = Some(Search::Text("n=7".to_owned()));
    assert_eq!(all_rows(&reader, &Filter { search, ..Filter::default() }).len(), 6);
}

#[test]
fn bad_expressions_and_cursors_are_told_and_an_empty_folder_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    let reader = Reader::new(dir.path().join("missing"));
    assert_eq!(all_rows(&reader, &Filter::default()), []);
    assert_eq!(reader.stats().unwrap().lines, 0);
    for bad in ["(", "a{1000}{1000}{1000}"] {
        let filter = Filter { search: Some(Search::Regex(bad.to_owned())), ..Filter::default() };
        let error = reader.page(&filter, &Window::new(Start::Newest, 1)).unwrap_err();
        assert!(error.to_string().contains("expression"), "{error}");
    }
    for bad in ["", "x", "2026-11-22T12:00:00.000Z~a", "2026-11-22T12:00:00.000Z~a~-1", "../../etc/passwd~0~0"] {
        assert!(bad.parse::<Cursor>().is_err(), "{bad}");
    }
}

#[test]
fn lines_and_bytes_are_counted_without_reading_files_twice() {
    let dir = tempfile::tempdir().unwrap();
    let lab = Lab::new(LogbookOptions { limits: small(20_000, 1_000_000), ..options(dir.path()) });
    let reader = lab.logbook.reader();
    for round in 1..=3 {
        lab.log(|| (0..500).for_each(|n| info!(target: "skrynka::app", n, "Line")));
        lab.flush();
        let stats = reader.stats().unwrap();
        assert_eq!((stats.lines, stats.files), (round * 500, files(dir.path()).len()));
        assert_eq!((stats.dropped, stats.memory_only), (0, None));
    }
}

/// Follows by asking for news, a few lines at a time, while far more are written.
#[test]
fn what_news_pass_over_stands_before_them_each_line_once() {
    let dir = tempfile::tempdir().unwrap();
    let clock = HandClock::new();
    let start = || Lab::new(LogbookOptions { clock: Arc::new(clock.clone()), ..options(dir.path()) });
    let ours = start();
    clock.advance(time::Duration::seconds(1));
    let theirs = start();
    let reader = ours.logbook.reader();
    let filter = Filter { min_level: Some(Level::Info), ..Filter::default() };
    let (mut shown, mut passed) = (Vec::<Row>::new(), 0);
    for round in 0..30_u64 {
        for lab in [&ours, &theirs] {
            // Now and then fewer than are asked for, and none at all.
            let lines = if round % 3 == 0 { round % 2 * 4 } else { 40 };
            lab.log(|| {
                for n in 0..lines {
                    info!(target: "skrynka::app", round, n, "Line");
                    debug!(target: "skrynka::app", n, "Not asked for");
                }
            });
            lab.flush();
            clock.advance(time::Duration::milliseconds(1));
        }
        let after = shown.last().map(|row| row.cursor.clone());
        let news = reader.news(&filter, after.as_ref(), 10).unwrap();
        assert!(news.rows.len() <= 10);
        if news.passed {
            passed += 1;
            // The list begins anew, and scrolling up finds what stands before it.
            shown = news.rows;
        } else {
            shown.extend(news.rows);
        }
        let mut all: Vec<Row> = shown.iter().rev().cloned().collect();
        let mut above = shown.first().map(|row| Window::new(Start::Before(row.cursor.clone()), 1_000));
        while let Some(window) = &mut above {
            let page = reader.page(&filter, window).unwrap();
            all.extend(page.rows);
            let Some(next) = page.next else { break };
            window.start = Start::Before(next);
        }
        all.reverse();
        assert!(all == all_rows(&reader, &filter), "round {round}: {} lines", all.len());
    }
    assert!(passed > 15, "{passed} times");
    assert!(reader.news(&filter, shown.last().map(|row| &row.cursor), 10).unwrap().rows.is_empty());
    let text = Filter { search: Some(Search::Text("n=39".to_owned())), ..filter };
    let found = reader.news(&text, Some(&shown[0].cursor), 100).unwrap();
    assert!(!found.passed && found.rows.len() == 1, "{} lines", found.rows.len());
    let found = reader.news(&text, None, 5).unwrap();
    assert!(found.passed && found.rows.len() == 5, "{} lines", found.rows.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn following_brings_the_backlog_and_then_every_line_of_every_program_once() {
    let dir = tempfile::tempdir().unwrap();
    let clock = HandClock::new();
    let start = || {
        let limits = small(30_000, 100_000_000);
        Lab::new(LogbookOptions { clock: Arc::new(clock.clone()), limits, ..options(dir.path()) })
    };
    let window = start();
    clock.advance(time::Duration::seconds(1));
    let command = start();
    let write = |lab: &Lab, from: u64, to: u64| {
        lab.log(|| {
            (from..to).for_each(|n| {
                info!(target: "skrynka::app", n, "Line");
                debug!(target: "skrynka::app", n, "Not asked for");
            });
        });
    };
    write(&window, 0, 50);
    window.flush();
    let filter = Filter { min_level: Some(Level::Info), ..Filter::default() };
    let mut inner = window.logbook.reader().tail(&filter, 10).unwrap();
    let mut outer = Reader::new(dir.path().to_owned()).tail(&filter, 0).unwrap();
    let n_of = |rows: Vec<Row>| rows.into_iter().map(|row| row.entry.fields.get("n").unwrap().as_u64().unwrap());
    assert_eq!(n_of(inner.next().await.unwrap()).collect::<Vec<_>>(), (40..50).collect::<Vec<_>>());
    assert_eq!(outer.next().await.unwrap(), []);

    write(&window, 50, 2_000);
    write(&command, 10_000, 12_000);
    let (mut of_inner, mut of_outer) = (Vec::new(), Vec::new());
    while of_inner.len() < 3_950 || of_outer.len() < 3_950 {
        if of_inner.len() < 3_950 {
            // A call that is given up half-way loses nothing. One that is quick enough may bring the last lines.
            let rows = match tokio::time::timeout(std::time::Duration::from_micros(50), inner.next()).await {
                Ok(rows) => rows,
                Err(_given_up) => inner.next().await,
            };
            of_inner.extend(n_of(rows.unwrap()));
        }
        if of_outer.len() < 3_950 {
            of_outer.extend(n_of(outer.next().await.unwrap()));
        }
    }
    for mut followed in [of_inner, of_outer] {
        let of_window: Vec<_> = followed.iter().copied().filter(|n| *n < 10_000).collect();
        assert_eq!(of_window, (50..2_000).collect::<Vec<_>>(), "in the order in which they were written");
        followed.sort_unstable();
        assert_eq!(followed, (50..2_000).chain(10_000..12_000).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_half_written_is_followed_once_it_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("skrynka-20261122T120000000Z-1.000001.jsonl");
    let line = |seq: u64| {
        format!(
            "{{\"t\":\"2026-11-22T12:00:00.{seq:03}Z\",\"seq\":{seq},\"level\":\"INFO\",\"area\":\"app\",\"msg\":\"Line\"}}\n"
        )
    };
    let (second, rest) = (line(2), line(3));
    let (half, other_half) = second.split_at(30);
    fs::write(&path, format!("{}{half}", line(1))).unwrap();
    let mut tail = Reader::new(dir.path().to_owned()).tail(&Filter::default(), 100).unwrap();
    let seqs = |rows: Vec<Row>| rows.into_iter().map(|row| row.entry.seq).collect::<Vec<_>>();
    assert_eq!(seqs(tail.next().await.unwrap()), [1]);
    let mut file = fs::File::options().append(true).open(&path).unwrap();
    file.write_all(format!("{other_half}{rest}").as_bytes()).unwrap();
    assert_eq!(seqs(tail.next().await.unwrap()), [2, 3]);
}
