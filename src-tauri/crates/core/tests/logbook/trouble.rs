//! Full disks, folders that cannot be written, kills and panics.

use std::{
    cell::Cell,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::Command,
    thread,
};

use skrynka_core::logbook::{Filter, Logbook, LogbookOptions, PanicNotes, Reader, Row, Start, Tail, Window};
use tracing::info;

use crate::lab::{Lab, again, all_rows, entries, files, inside, options, pass_again};

fn numbers(rows: &[Row]) -> Vec<u64> {
    rows.iter().filter_map(|row| row.entry.fields.get("n")?.as_u64()).collect()
}

/// Unmounts what was mounted on a folder, however often.
struct Unmounted<'a>(&'a Path);

impl Drop for Unmounted<'_> {
    fn drop(&mut self) {
        while Command::new("umount").arg(self.0).output().is_ok_and(|output| output.status.success()) {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_leaves_whole_lines_and_what_it_held_up_is_written_once_there_is_room() {
    let test = "trouble::a_full_disk_leaves_whole_lines_and_what_it_held_up_is_written_once_there_is_room";
    let Some(dir) = inside() else {
        let dir = tempfile::tempdir().unwrap();
        // A mount namespace of its own: the small disk is gone with the process.
        let apart = ["unshare", "--map-root-user", "--mount"];
        let succeeds = |program: &str, words: &[&str]| {
            Command::new(program).args(words).output().is_ok_and(|output| output.status.success())
        };
        if succeeds(apart[0], &[&apart[1..], &["true"]].concat()) {
            return pass_again(test, dir.path(), &apart);
        }
        // Within a changed root there is none to be had; root does without.
        if succeeds("mount", &["-t", "tmpfs", "none", dir.path().to_str().unwrap()]) {
            let _unmounted = Unmounted(dir.path());
            return pass_again(test, dir.path(), &[]);
        }
        return eprintln!("skipped: this user may neither unshare a mount namespace nor mount a small disk");
    };
    let size = ["-t", "tmpfs", "-o", "size=1m", "none"];
    assert!(Command::new("mount").args(size).arg(&dir).status().unwrap().success());
    let logs = dir.join("logs");
    let filler = dir.join("filler");
    fs::write(&filler, vec![0; 600 * 1024]).unwrap();

    let mut lab = Lab::new(options(&logs));
    let mut tail = lab.logbook.reader().tail(&Filter::default(), 0).unwrap();
    let mut followed = Vec::new();
    let count = Cell::new(0_u64);
    let line = |lab: &Lab| {
        let n = count.replace(count.get() + 1);
        lab.log(|| info!(target: "skrynka::store", n, text = "some words that take room on the disk", "Stored"));
        lab.flush();
    };
    while lab.logbook.reader().stats().unwrap().memory_only.is_none() {
        line(&lab);
    }
    (0..100).for_each(|_| line(&lab));
    let stats = lab.logbook.reader().stats().unwrap();
    assert!(stats.memory_only.is_some_and(|reason| reason.contains("No space left")));
    let whole = entries(&logs).len() as u64;
    let n = count.get();
    assert!(whole > 1_000 && whole < n, "{whole} of {n} lines are in files, all of them whole");
    assert_eq!(numbers(&lab.rows(&Filter::default())), (0..n).collect::<Vec<_>>(), "the viewer shows the others too");
    follow(&mut tail, &mut followed, n - 1).await;

    fs::remove_file(&filler).unwrap();
    while lab.logbook.reader().stats().unwrap().memory_only.is_some() {
        line(&lab);
    }
    line(&lab);
    let n = count.get();
    follow(&mut tail, &mut followed, n - 1).await;
    assert_eq!(followed, (0..n).collect::<Vec<_>>(), "whoever follows sees each once too");
    lab.close();
    assert_eq!(numbers(&lab.rows(&Filter::default())), (0..n).collect::<Vec<_>>());
    assert_eq!(entries(&logs).len() as u64, n, "in the files, each once");
    assert_eq!(lab.logbook.reader().stats().unwrap().dropped, 0);
}

async fn follow(tail: &mut Tail, followed: &mut Vec<u64>, last: u64) {
    while followed.last() != Some(&last) {
        followed.extend(numbers(&tail.next().await.unwrap()));
    }
}

#[test]
fn a_folder_that_cannot_be_made_keeps_the_newest_lines_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let lab = Lab::new(options(&file.join("logs")));
    lab.log(|| (0..6_000).for_each(|n| info!(target: "skrynka::app", n, "Line")));
    lab.flush();
    let reader = lab.logbook.reader();
    let newest = reader.page(&Filter::default(), &Window::new(Start::Newest, 10)).unwrap();
    assert_eq!(numbers(&newest.rows), (5_990..6_000).rev().collect::<Vec<_>>());
    assert_eq!(numbers(&lab.rows(&Filter::default())), (1_000..6_000).collect::<Vec<_>>());
    assert!(reader.stats().unwrap().memory_only.is_some());
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_used_is_told_and_its_lines_come_into_files_once_it_may() {
    use std::os::unix::fs::PermissionsExt as _;

    let test = "trouble::a_folder_that_may_not_be_used_is_told_and_its_lines_come_into_files_once_it_may";
    let Some(dir) = inside() else {
        let dir = tempfile::tempdir().unwrap();
        // Root may do anything, unless it gives that up.
        let giving_up = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];
        let wrapper = if rustix::process::geteuid().is_root() { &giving_up[..] } else { &[] };
        return pass_again(test, dir.path(), wrapper);
    };
    let logs = dir.join("logs");
    let may = |mode| fs::set_permissions(&logs, fs::Permissions::from_mode(mode)).unwrap();
    fs::create_dir(&logs).unwrap();
    may(0o000);
    let mut lab = Lab::new(options(&logs));
    lab.log(|| (0..100).for_each(|n| info!(target: "skrynka::app", n, "Line")));
    lab.flush();
    assert!(Reader::new(logs.clone()).page(&Filter::default(), &Window::new(Start::Newest, 10)).is_err());
    let reason = lab.logbook.reader().stats().unwrap().memory_only.unwrap();
    assert!(reason.contains("ermission denied"), "{reason}");
    assert_eq!(numbers(&lab.rows(&Filter::default())), (0..100).collect::<Vec<_>>());
    may(0o700);
    let mut n = 100;
    while lab.logbook.reader().stats().unwrap().memory_only.is_some() {
        lab.log(|| info!(target: "skrynka::app", n, "Line"));
        lab.flush();
        n += 1;
    }
    lab.close();
    assert_eq!(entries(&logs).len() as u64, n, "each once");
}

#[test]
fn a_kill_loses_nothing_that_was_flushed_and_the_next_run_reads_on() {
    if let Some(dir) = inside() {
        let lab = Lab::new(options(&dir));
        lab.log(|| (0..1_000).for_each(|n| info!(target: "skrynka::app", n, "Line")));
        lab.flush();
        println!("flushed");
        loop {
            lab.log(|| info!(target: "skrynka::app", n = 1_000, "Line"));
            thread::yield_now();
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let test = "trouble::a_kill_loses_nothing_that_was_flushed_and_the_next_run_reads_on";
    let mut run = again(test, dir.path(), &[]).spawn().unwrap();
    let mut lines = BufReader::new(run.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("flushed")));
    run.kill().unwrap();
    run.wait().unwrap();
    // What a torn write leaves.
    let last = files(dir.path()).pop().unwrap();
    let mut text = fs::read(&last).unwrap();
    text.extend_from_slice(br#"{"t":"2026-11-22T12:00:00.000Z","seq":9,"lev"#);
    fs::write(&last, text).unwrap();

    let reader = Reader::new(dir.path().to_owned());
    let found = numbers(&all_rows(&reader, &Filter::default()));
    assert!(found.len() >= 1_000 && found[..1_000] == (0..1_000).collect::<Vec<_>>());
    let mut next = Lab::new(options(dir.path()));
    next.log(|| info!(target: "skrynka::app", n = 5_000, "Line"));
    next.close();
    assert_eq!(numbers(&next.rows(&Filter::default())).last(), Some(&5_000));
}

#[test]
fn a_panic_becomes_a_line_with_its_backtrace_and_tells_standard_error_no_more_than_the_log() {
    if let Some(dir) = inside() {
        let guard =
            Logbook::init(LogbookOptions { queue: 100, panics: Some(dir.with_file_name("panics")), ..options(&dir) })
                .unwrap();
        assert!(Logbook::init(options(&dir)).is_err(), "one logbook a process");
        skrynka_core::logbook::redact::remember(&"canary-in-a-panic".into());
        let thread = thread::Builder::new().name("listener".to_owned());
        thread.spawn(|| panic!("unexpected: canary-in-a-panic\nsecond line")).unwrap().join().unwrap_err();
        drop(guard);
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("logs");
    let test = "trouble::a_panic_becomes_a_line_with_its_backtrace_and_tells_standard_error_no_more_than_the_log";
    let output = again(test, &dir, &[]).output().unwrap();
    assert!(output.status.success());
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(shown.contains("thread 'listener' panicked at"), "{shown}");
    assert!(!shown.contains("canary") && !shown.contains("second line"), "{shown}");
    check_panic_line(&dir);
    check_panic_note(&PanicNotes::new(dir.with_file_name("panics")));
}

fn check_panic_note(notes: &PanicNotes) {
    let all = notes.all();
    assert_eq!(all.len(), 1);
    assert_eq!(
        (all[0].said.as_str(), all[0].thread.as_str(), all[0].seen),
        ("unexpected: [secret]", "listener", false)
    );
    assert!(all[0].location.contains("trouble.rs") && all[0].backtrace.lines().count() > 3, "{:?}", all[0]);
    assert!(!format!("{:?}", all[0]).contains("canary-in-a-panic"));
    notes.put_aside().unwrap();
    assert!(notes.all()[0].seen, "it is kept for a report");
}

fn check_panic_line(dir: &Path) {
    let lines = entries(dir);
    assert_eq!(lines.len(), 1);
    let fact = |name: &str| lines[0].fields.get(name).and_then(|fact| fact.as_str()).unwrap_or_default().to_owned();
    assert_eq!((lines[0].level.as_str(), lines[0].msg.as_str()), ("ERROR", "Panicked"));
    assert_eq!(fact("panic"), "unexpected: •••", "what follows may quote");
    assert_eq!(fact("thread"), "listener");
    assert!(fact("location").contains("trouble.rs"), "{}", fact("location"));
    assert!(fact("backtrace").lines().count() > 3, "{}", fact("backtrace"));
    let text = fs::read_to_string(&files(dir)[0]).unwrap();
    assert!(!text.contains("canary-in-a-panic"));
}
