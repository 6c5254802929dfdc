//! What stands in the files, and how much of it.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use serde_json::json;
use skrynka_core::logbook::{Filter, Level, LogbookOptions};
use tracing::{debug, error, info, info_span, warn};

use crate::lab::{HandClock, Lab, again, bytes, entries, files, inside, options, small};

const ACCOUNT: &str = "0192b4a0-0000-7000-8000-000000000001";

#[derive(Debug, thiserror::Error)]
#[error("the mailbox cannot be opened")]
struct Outer(#[source] std::io::Error);

#[test]
fn an_event_becomes_one_line_with_area_account_spans_and_facts() {
    let dir = tempfile::tempdir().unwrap();
    let mut lab = Lab::new(LogbookOptions { clock: Arc::new(HandClock::new()), ..options(dir.path()) });
    lab.log(|| {
        let _listen = info_span!(target: "skrynka::email", "listen", account = %ACCOUNT, folder = "INBOX").entered();
        info!(target: "skrynka::email", exists = 3120, uidnext = 3391_u64, idle = true, "Folder selected");
        let cause = Outer(std::io::Error::other("reset by peer"));
        error!(target: "skrynka::email", error = &cause as &dyn std::error::Error, folder = "Sent", "Connection closed");
    });
    lab.close();
    let text = fs::read_to_string(&files(dir.path())[0]).unwrap();
    let mut lines = text.lines();
    assert_eq!(
        lines.next().unwrap(),
        format!(r#"{{"t":"2026-11-22T12:00:00.000Z","seq":1,"level":"INFO","area":"email","account":"{ACCOUNT}","#)
            + r#""msg":"Folder selected","fields":{"folder":"INBOX","exists":3120,"uidnext":3391,"idle":true},"#
            + r#""spans":["listen"]}"#
    );
    let second = &entries(dir.path())[1];
    assert_eq!((second.level, second.seq), (Level::Error, 2));
    assert_eq!(second.fields.get("error"), Some(&json!("the mailbox cannot be opened: reset by peer")));
    assert_eq!(second.fields.get("folder"), Some(&json!("Sent")), "the event's own fact counts");
    assert_eq!(fs::metadata(&files(dir.path())[0]).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn short_commands_share_files_and_leave_the_others_alone() {
    let dir = tempfile::tempdir().unwrap();
    let clock = HandClock::new();
    let window = Lab::new(LogbookOptions { clock: Arc::new(clock.clone()), ..options(dir.path()) });
    window.log(|| info!(target: "skrynka::app", "Of the window"));
    window.flush();
    for _ in 0..150 {
        clock.advance(time::Duration::seconds(1));
        let command = LogbookOptions { command: true, clock: Arc::new(clock.clone()), ..options(dir.path()) };
        let mut lab = Lab::new(command);
        lab.log(|| info!(target: "skrynka::app", "Of a command"));
        lab.close();
    }

    // A command that begins while the one before is still closing its file takes another.
    let shared = files(dir.path()).len();
    assert!((2..10).contains(&shared), "{shared} files of 150 commands");
    assert_eq!(entries(dir.path()).len(), 151);
    assert_eq!(window.rows(&Filter::default()).len(), 151);

    clock.advance(-time::Duration::hours(1));
    let command = LogbookOptions { command: true, clock: Arc::new(clock.clone()), ..options(dir.path()) };
    let mut back = Lab::new(command);
    back.log(|| info!(target: "skrynka::app", "Of a command"));
    back.close();
    assert_eq!(files(dir.path()).len(), shared + 1, "within a file the times do not go back");
}

#[test]
fn targets_belong_to_areas_and_libraries_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut lab = Lab::new(options(dir.path()));
    lab.log(|| {
        info!(target: "skrynka::events", "Window subscribed");
        info!(target: "skrynka_mail::idle", "Idle renewed");
        info!(target: "skrynka_core::store::messages", "Stored");
        info!(target: "skrynka_core::engine", "Account stopped");
        info!(target: "skrynka_app::commands::accounts", "Command received");
        warn!(target: "sqlx::query", "slow statement");
    });
    lab.close();
    let lines = entries(dir.path());
    let areas: Vec<_> = lines.iter().map(|line| line.area.as_str()).collect();
    assert_eq!(areas, ["events", "email", "store", "app", "events", "app"]);
    assert_eq!(lines[5].fields.get("target"), Some(&json!("sqlx::query")));
    assert!(lines[0].fields.is_empty());
}

#[test]
fn the_level_can_be_changed_while_libraries_stay_at_warnings() {
    let dir = tempfile::tempdir().unwrap();
    let mut lab = Lab::new(LogbookOptions { level: Level::Info, ..options(dir.path()) });
    let write = |when: &'static str| {
        let _span = info_span!(target: "skrynka::email", "listen", account = %ACCOUNT).entered();
        debug!(target: "skrynka::email", when, "Detail");
        debug!(target: "async_imap::client", when, "LOGIN");
        info!(target: "lettre", when, "Wrote");
        info!(target: "skrynka::email", when, "Event");
        error!(target: "skrynka::email", when, "Alarm");
    };
    lab.log(|| write("at info"));
    lab.logbook.set_level(Level::Trace);
    lab.log(|| write("at trace"));
    lab.logbook.set_level(Level::Error);
    lab.log(|| write("at error"));
    lab.close();
    let lines = entries(dir.path());
    let told: Vec<_> = lines.iter().map(skrynka_core::logbook::Entry::text).collect();
    let expected = ["Event when=at info", "Alarm when=at info", "Detail when=at trace", "Event when=at trace"];
    assert_eq!(told, [&expected[..], &["Alarm when=at trace", "Alarm when=at error"]].concat());
    assert!(lines.iter().all(|line| line.account.as_deref() == Some(ACCOUNT)), "the span is there at every level");
}

#[test]
fn a_level_that_is_raised_for_a_while_returns_by_itself_or_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let clock = HandClock::new();
    let usual = LogbookOptions { level: Level::Info, clock: Arc::new(clock.clone()), ..options(dir.path()) };
    let mut lab = Lab::new(usual);
    let write = |when: &'static str| {
        lab.log(|| {
            debug!(target: "skrynka::email", "Detail {when}");
            info!(target: "skrynka::email", "Event {when}");
        });
    };
    let hour = std::time::Duration::from_secs(3600);
    let until = lab.logbook.raise_level(Level::Debug, hour);
    assert_eq!(lab.logbook.raised_level(), Some((Level::Debug, until)));
    // Other settings are kept meanwhile, and put the usual level again.
    lab.logbook.set_level(Level::Warn);
    clock.advance(time::Duration::minutes(59));
    lab.logbook.return_level(false);
    write("raised");
    clock.advance(time::Duration::minutes(1));
    lab.logbook.return_level(false);
    write("returned");
    lab.logbook.set_level(Level::Info);
    lab.logbook.raise_level(Level::Debug, hour);
    lab.logbook.return_level(true);
    write("ended");
    assert_eq!((lab.logbook.raised_level(), lab.logbook.usual_level()), (None, Level::Info));
    lab.close();
    let told: Vec<_> = entries(dir.path()).into_iter().map(|line| line.msg).collect();
    assert_eq!(told, ["Detail raised", "Event raised", "Event ended"]);
}

#[test]
fn what_is_in_a_fact_cannot_begin_a_line_or_turn_the_text_around() {
    let dir = tempfile::tempdir().unwrap();
    let mut lab = Lab::new(options(dir.path()));
    let hostile = "a\nb\r\n{\"t\":\"2026\",\"level\":\"ERROR\"}\u{1b}[31m\u{7}\0\u{202e}gpj.exe\u{2028}c\u{85}";
    lab.log(|| {
        let _span = info_span!(target: "skrynka::email", "open", subject = hostile).entered();
        info!(target: "skrynka::email", name = hostile, debug = ?hostile, "Attachment named {hostile}");
    });
    lab.close();
    let text = fs::read_to_string(&files(dir.path())[0]).unwrap();
    assert_eq!(text.matches('\n').count(), 1, "{text}");
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text}");
    for mark in ['\u{202e}', '\u{2028}'] {
        assert!(!text.contains(mark), "{text}");
    }
    let line = &entries(dir.path())[0];
    let name = line.fields.get("name").and_then(|name| name.as_str()).unwrap();
    assert!(name.starts_with(r"a\nb\r\n{") && name.contains(r"\u{1b}[31m") && name.contains("gpj.exe"), "{name}");
}

#[test]
fn a_value_that_is_too_long_is_cut_and_its_length_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut lab = Lab::new(options(dir.path()));
    let buffer = "слово ".repeat(100_000);
    lab.log(|| info!(target: "skrynka::email", buffer, "Answer not understood"));
    lab.close();
    let line = &entries(dir.path())[0];
    let kept = line.fields.get("buffer").and_then(|text| text.as_str()).unwrap().to_owned();
    assert!(kept.len() < 5_000 && kept.ends_with(" bytes more)"), "{}", &kept[kept.len() - 60..]);
}

#[test]
fn a_loop_is_counted_instead_of_written() {
    let dir = tempfile::tempdir().unwrap();
    let clock = HandClock::new();
    let limited = LogbookOptions { repeats_per_second: 10, clock: Arc::new(clock.clone()), ..options(dir.path()) };
    let mut lab = Lab::new(limited);
    let fail = |account: &str| warn!(target: "skrynka::email", account, "Connection closed");
    lab.log(|| {
        (0..1_000).for_each(|_| fail(ACCOUNT));
        (0..5).for_each(|_| fail("0192b4a0-0000-7000-8000-000000000002"));
        info!(target: "skrynka::app", "Something else");
        clock.advance(time::Duration::seconds(1));
        info!(target: "skrynka::app", "Something else");
        (0..12).for_each(|_| fail(ACCOUNT));
    });
    lab.close();
    let of = |account: &str| {
        let lines = entries(dir.path()).into_iter().filter(|line| line.account.as_deref() == Some(account));
        lines.map(|line| (line.msg, line.repeat)).collect::<Vec<_>>()
    };
    let closed = |repeat| ("Connection closed".to_owned(), repeat);
    let mut expected = vec![closed(None); 10];
    expected.push(closed(Some(990)));
    expected.extend(vec![closed(None); 10]);
    expected.push(closed(Some(2)));
    assert_eq!(of(ACCOUNT), expected);
    assert_eq!(of("0192b4a0-0000-7000-8000-000000000002"), vec![closed(None); 5]);
    assert_eq!(lab.logbook.reader().stats().unwrap().dropped, 0, "counted lines are not lost lines");
}

/// Looks at the folder all the while.
fn never_over(dir: &Path, cap: u64, work: impl FnOnce()) -> u64 {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = 0;
            while !done.load(Ordering::Relaxed) {
                most = most.max(bytes(dir));
                thread::yield_now();
            }
            most
        });
        work();
        done.store(true, Ordering::Relaxed);
        let most = watch.join().unwrap().max(bytes(dir));
        assert!(most <= cap, "{most} bytes, {cap} allowed");
        most
    })
}

#[test]
fn a_burst_of_200_000_lines_stays_under_the_cap() {
    let dir = tempfile::tempdir().unwrap();
    let mut lab = Lab::new(LogbookOptions { limits: small(1_000_000, 10_000_000), ..options(dir.path()) });
    let most = never_over(dir.path(), 10_000_000, || {
        lab.log(|| {
            for n in 0..200_000 {
                info!(target: "skrynka::store", n, text = "a line of about the usual length, with some words", "Stored");
            }
        });
        lab.close();
    });
    assert!(most > 8_000_000, "the cap was reached: {most}");
    let lines = entries(dir.path());
    assert!(lines.windows(2).all(|pair| pair[0].seq < pair[1].seq), "in order");
    assert_eq!(lines.iter().rev().find_map(|line| line.fields.get("n")), Some(&json!(199_999)), "the newest are kept");
}

#[test]
fn lines_that_do_not_fit_in_the_queue_are_counted_to_the_last_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut lab = Lab::new(LogbookOptions { queue: 1, ..options(dir.path()) });
    lab.log(|| (0..100_000).for_each(|n| info!(target: "skrynka::store", n, "Stored")));
    lab.close();
    let dropped = lab.logbook.reader().stats().unwrap().dropped;
    assert!(dropped > 0, "the queue was too large for this test");
    let lines = entries(dir.path());
    let (told, stored): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.msg == "Log lines dropped");
    assert_eq!(stored.len() as u64 + dropped, 100_000);
    let counts = told.iter().map(|line| line.fields.get("count").and_then(|count| count.as_u64()).unwrap());
    assert_eq!(counts.sum::<u64>(), dropped);
}

#[test]
fn two_programs_share_the_folder_and_the_cap() {
    if let Some(dir) = inside() {
        let mut lab = Lab::new(LogbookOptions { limits: small(200_000, 2_000_000), ..options(&dir) });
        lab.log(|| (0..40_000).for_each(|n| info!(target: "skrynka::app", n, pid = std::process::id(), "Line")));
        lab.close();
        assert_eq!(lab.logbook.reader().stats().unwrap().dropped, 0);
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    // Each removes old files by what it saw a moment ago: together they may be one file over.
    never_over(dir.path(), 2_000_000 + 200_000, || {
        let test = "files::two_programs_share_the_folder_and_the_cap";
        let runs: Vec<_> = (0..2).map(|_| again(test, dir.path(), &[]).spawn().unwrap()).collect();
        for run in runs {
            let output = run.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        }
    });
    // Each file is of one program, whole and in order.
    for file in files(dir.path()) {
        let text = fs::read_to_string(&file).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<skrynka_core::logbook::Entry>(line).unwrap());
        let lines: Vec<_> = lines.map(|line| (line.fields.get("pid").cloned(), line.seq)).collect();
        assert!(lines.windows(2).all(|pair| pair[0].0 == pair[1].0 && pair[0].1 < pair[1].1), "{}", file.display());
    }
}

#[test]
fn a_program_that_has_been_quiet_keeps_its_file_and_its_room_under_the_cap() {
    let dir = tempfile::tempdir().unwrap();
    let limits = small(100_000, 500_000);
    let start = || Lab::new(LogbookOptions { limits, clock: Arc::new(HandClock::new()), ..options(dir.path()) });
    let write = |lab: &Lab, who: &'static str, lines: u64| {
        lab.log(|| (0..lines).for_each(|n| info!(target: "skrynka::app", n, who, "Line")));
        lab.flush();
    };
    let (quiet, busy) = (start(), start());
    write(&quiet, "quiet", 1);
    let one_line = bytes(dir.path());
    write(&busy, "busy", 10_000);
    assert!(bytes(dir.path()) <= 400_000 + one_line);
    write(&quiet, "quiet", 600);
    assert!(bytes(dir.path()) <= 500_000);
    let of_quiet = entries(dir.path()).iter().filter(|line| line.fields.get("who") == Some(&json!("quiet"))).count();
    assert_eq!(of_quiet, 601, "its file was the oldest, and none of it is gone");
}

#[test]
fn a_clock_that_is_set_back_begins_a_new_file_and_the_order_by_time_holds() {
    let dir = tempfile::tempdir().unwrap();
    let clock = HandClock::new();
    let mut lab = Lab::new(LogbookOptions { clock: Arc::new(clock.clone()), ..options(dir.path()) });
    for minutes in [1, 1, -90, 1, 1] {
        clock.advance(time::Duration::minutes(minutes));
        lab.log(|| info!(target: "skrynka::app", "Line"));
    }
    lab.close();
    assert_eq!(files(dir.path()).len(), 2);
    let seqs: Vec<_> = lab.rows(&Filter::default()).iter().map(|row| row.entry.seq).collect();
    assert_eq!(seqs, [3, 4, 5, 1, 2]);
}
