//! What a query finds with an index is what it finds without one, whatever stands in the folder.

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use skrynka_core::{
    logbook::{
        Cursor, Exclude, Filter, Histogram, Level, MAX_PAGE, Progress, QueryError, Reader, Row, Search, Start, Window,
    },
    model::AccountId,
};
use time::{Duration, OffsetDateTime, macros::datetime};
use uuid::Uuid;

const NOON: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);

fn file(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("skrynka-{name}.jsonl"))
}

fn stamp(after: Duration) -> String {
    let at = NOON + after;
    let (date, time) = (at.date(), at.time());
    format!("{date}T{:02}:{:02}:{:02}.{:03}Z", time.hour(), time.minute(), time.second(), time.millisecond())
}

/// One line of ours, of a few kinds.
fn line(n: u64, after: Duration) -> String {
    let level = ["DEBUG", "INFO", "INFO", "WARN", "ERROR", "TRACE", "FATAL"][usize::try_from(n % 7).unwrap()];
    let area = ["email", "store", "events", "a b"][usize::try_from(n / 3 % 4).unwrap()];
    let account = match n % 5 {
        0 => String::new(),
        1 => r#","account":null"#.to_owned(),
        _ => format!(r#","account":"{}""#, Uuid::from_u128(u128::from(n % 90))),
    };
    let tail = match n % 6 {
        0 => format!(r#""Mail stored","fields":{{"n":{n},"uid":{}}},"spans":["listen"]"#, 40_000 + n),
        1 => format!(r#""Say \"{n}\"","fields":{{"why":"a\tb","n":{n}}}"#),
        2 => r#""Folder selected","repeat":7"#.to_owned(),
        3 => format!(r#""Нова пошта","fields":{{"took":"{} ms","n":-{n}}}"#, n * 7),
        4 => format!(r#""Line","fields":{{"n":{n}.50,"list":[1,2],"no":null}},"other":{{}}"#),
        _ => format!(r#""Long","fields":{{"text":"{}"}}"#, "text ".repeat(if n % 601 == 5 { 30_000 } else { 9 })),
    };
    let end = if n.is_multiple_of(11) { "}\r\n" } else { "}\n" };
    format!(r#"{{"t":"{}","seq":{n},"level":"{level}","area":"{area}"{account},"msg":{tail}{end}"#, stamp(after))
}

fn lines(numbers: std::ops::Range<u64>, each: Duration) -> String {
    let at = |n: u64| each * i32::try_from(n).unwrap();
    numbers.map(|n| line(n, at(n))).collect()
}

/// What other programs and torn writes leave between our lines; each piece ends its line.
fn nasty(n: usize, after: Duration) -> Vec<u8> {
    let head = format!(r#"{{"t":"{}","seq":1,"level":"WARN","area":"email""#, stamp(after));
    match n % 9 {
        0 => b"\n\n\r\n".to_vec(),
        1 => b"\xff\xfe\x00\x01binary\n".to_vec(),
        2 => format!("{head}\n").into_bytes(),
        3 => format!("{head},\"msg\":\"cut in the mid\n").into_bytes(),
        4 => [vec![b'x'; if n == 4 { 10_500_000 } else { 400_000 }], b"\n".to_vec()].concat(),
        5 => format!("{}\n", head.replace("\"seq\":1", "\"seq\":01") + r#","msg":"no such number"}"#).into_bytes(),
        6 => [head.as_bytes(), b",\"msg\":\"Mail stored \xff\"}\n"].concat(),
        7 => format!("{head},\"msg\":\"Mail stored\",\"fields\":{{\"text\":\"{}\"}}}}\n", "y".repeat(1_100_000))
            .into_bytes(),
        _ => format!("panicked at src/main.rs: {head},\"msg\":\"Mail stored\"}}\n").into_bytes(),
    }
}

/// A folder in which everything is wrong that can be.
fn nasty_folder(dir: &Path) {
    let second = Duration::seconds(1);
    let mut mixed = Vec::new();
    for part in 0..10 {
        let from = u64::try_from(part).unwrap() * 100;
        mixed.extend(nasty(part, second * i32::try_from(from).unwrap()));
        mixed.extend(lines(from..from + 100, second).into_bytes());
    }
    fs::write(file(dir, "20261122T120000000Z-1.000001"), mixed).unwrap();
    // Another program at the same time.
    fs::write(file(dir, "20261122T120000001Z-2.000001"), lines(0..900, second * 2)).unwrap();
    let mut back = lines(0..200, second);
    back += &lines(0..200, second / 2);
    fs::write(file(dir, "20261122T120000002Z-3.000001"), back).unwrap();
    let no_date = lines(0..50, second) + &line(1, second).replace("2026-11-22T", "2026-13-45T");
    fs::write(file(dir, "20261122T120000003Z-4.000001"), no_date).unwrap();
    // Written over years.
    fs::write(file(dir, "20261122T120000004Z-5.000001"), lines(0..40, Duration::days(60))).unwrap();
    fs::write(file(dir, "empty"), "").unwrap();
    fs::write(file(dir, "endless"), vec![b'z'; 2_000_000]).unwrap();
    fs::write(dir.join("other.jsonl"), "{}\n[1]\n").unwrap();
    fs::write(dir.join("notes.txt"), line(1, second)).unwrap();
}

fn filters() -> Vec<Filter> {
    let account = |number: u128| AccountId(Uuid::from_u128(number));
    let text = |text: &str| Filter { search: Some(Search::Text(text.to_owned())), ..Filter::default() };
    let regex = |regex: &str| Filter { search: Some(Search::Regex(regex.to_owned())), ..Filter::default() };
    let (since, until) = (Some(NOON + Duration::new(300, 1_500)), Some(NOON + Duration::seconds(900)));
    vec![
        Filter::default(),
        Filter { min_level: Some(Level::Info), ..Filter::default() },
        Filter { min_level: Some(Level::Error), ..Filter::default() },
        Filter { areas: vec!["store".into(), "a b".into()], ..Filter::default() },
        Filter { account: Some(account(7)), ..Filter::default() },
        Filter { account: Some(account(7)), since, ..text("mail") },
        Filter { since, until, ..Filter::default() },
        Filter { since, until, ..text("stored") },
        Filter { exclude: vec![Exclude::Area("email".into()), Exclude::Account(account(3))], ..Filter::default() },
        Filter { exclude: vec![Exclude::Search(Search::Text("n=1".into()))], ..Filter::default() },
        text("say \"7"),
        text("why=a\tb"),
        text("НОВА"),
        text("nowhere at all"),
        regex(r"took=[5-9]\d* ms"),
        regex("^(line|long)"),
    ]
}

type Answer = (Vec<Row>, Vec<Row>, Vec<Row>, Option<Histogram>);

fn answer(reader: &Reader, filter: &Filter) -> Answer {
    let walk = |start: Start, rows: usize| {
        let mut window = Window::new(start, rows);
        let mut all = Vec::new();
        loop {
            let page = reader.page(filter, &window).unwrap();
            all.extend(page.rows);
            let Some(next) = page.next else { return all };
            window.start = match window.start {
                Start::Newest | Start::Before(_) => Start::Before(next),
                Start::Oldest | Start::At(_) | Start::After(_) => Start::After(next),
            };
        }
    };
    let at = Start::At(Cursor::at(NOON + Duration::seconds(451)));
    let middle = reader.page(filter, &Window::new(at, 50)).unwrap().rows;
    let histogram = reader.histogram(filter, 7, &Progress::default()).unwrap();
    (walk(Start::Newest, 700), walk(Start::Oldest, MAX_PAGE), middle, histogram)
}

fn assert_same(dir: &Path, indexed: &Reader, filters: Vec<Filter>, when: &str) -> usize {
    let plain = Reader::new(dir.to_owned());
    let mut found = 0;
    for filter in filters {
        let (ours, theirs) = (answer(indexed, &filter), answer(&plain, &filter));
        assert_eq!(ours.0.len(), theirs.0.len(), "{when}: {filter:?}");
        // A row's text may be long.
        assert!(ours == theirs, "{when}: {filter:?}");
        found += ours.0.len();
    }
    found
}

#[test]
fn every_query_gives_the_same_with_and_without_an_index() {
    let dir = tempfile::tempdir().unwrap();
    nasty_folder(dir.path());
    let indexed = Reader::new(dir.path().to_owned()).indexed();
    indexed.complete_index().unwrap();
    let found = assert_same(dir.path(), &indexed, filters(), "at first");
    assert!(found > 4_000, "{found} lines were compared");

    let few = || filters().into_iter().take(6).collect();
    // It grows: half a line, its end, lines, another file.
    let path = file(dir.path(), "20261122T120000001Z-2.000001");
    let append = |text: &str| fs::File::options().append(true).open(&path).unwrap().write_all(text.as_bytes()).unwrap();
    let next = line(950, Duration::seconds(1_900));
    let (half, other_half) = next.split_at(60);
    append(half);
    assert_same(dir.path(), &indexed, few(), "with half a line");
    append(other_half);
    append(&lines(951..1_000, Duration::seconds(2)));
    fs::write(file(dir.path(), "20261122T120000005Z-6.000001"), lines(0..30, Duration::seconds(60))).unwrap();
    assert_same(dir.path(), &indexed, filters(), "grown");

    // It is cut, written anew, and removed.
    fs::File::options().write(true).open(&path).unwrap().set_len(20_000).unwrap();
    fs::write(file(dir.path(), "20261122T120000005Z-6.000001"), lines(40..90, Duration::seconds(50))).unwrap();
    fs::remove_file(file(dir.path(), "20261122T120000000Z-1.000001")).unwrap();
    assert_same(dir.path(), &indexed, few(), "shrunk");
    append(&lines(1_000..1_010, Duration::seconds(2)));
    assert_same(dir.path(), &indexed, few(), "grown again");
}

#[test]
fn a_large_folder_is_indexed_in_the_background_and_forgotten_with_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let mut text = String::new();
    (0..40_000_u64).for_each(|n| write!(text, "{}", line(n % 5 + 6, Duration::milliseconds(n.cast_signed()))).unwrap());
    for n in 1..=2 {
        fs::write(file(dir.path(), &format!("20261122T120000000Z-1.{n:06}")), &text).unwrap();
    }
    let reader = Reader::new(dir.path().to_owned()).indexed();
    let count = || {
        let buckets = reader.histogram(&Filter::default(), 3, &Progress::default()).unwrap().unwrap().buckets;
        buckets.iter().map(|one| one.debug + one.info + one.warn + one.error).sum::<u64>()
    };
    // While it is made, and after that.
    for _ in 0..20 {
        assert_eq!(count(), 80_000);
    }
    fs::remove_file(file(dir.path(), "20261122T120000000Z-1.000001")).unwrap();
    assert_eq!(count(), 40_000);
}

#[test]
fn a_search_tells_how_far_it_is_and_a_stopped_one_goes_on_from_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let text: String = (0..9_000).map(|n| line(n % 60 * 6, Duration::milliseconds(n.cast_signed()))).collect();
    fs::write(file(dir.path(), "20261122T120000000Z-1.000001"), text).unwrap();
    for reader in [Reader::new(dir.path().to_owned()), Reader::new(dir.path().to_owned()).indexed()] {
        let filter = Filter { search: Some(Search::Text("uid=40012".into())), ..Filter::default() };
        let progress = Progress::default();
        let page = reader.search(&filter, &Window::new(Start::Newest, 1_000), &progress).unwrap();
        assert_eq!((page.rows.len(), page.next), (150, None));
        let (searched, all) = progress.lines();
        assert!(searched == all && all > 3_000, "{searched} of {all}");

        progress.stop();
        let stopped = reader.search(&filter, &Window::new(Start::Newest, 1_000), &progress).unwrap();
        assert_eq!(stopped.rows, []);
        let rest = Window::new(Start::Before(stopped.next.unwrap()), 1_000);
        assert_eq!(reader.page(&filter, &rest).unwrap().rows, page.rows);
        assert!(matches!(reader.histogram(&filter, 5, &progress), Err(QueryError::Stopped)));
    }
}
