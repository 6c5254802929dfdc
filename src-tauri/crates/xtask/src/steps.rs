//! Steps that say what they do and how long it took.

use std::{
    collections::VecDeque,
    fmt,
    io::{BufRead as _, BufReader, IsTerminal as _, PipeReader, Write as _},
    process::{Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// How many of the last lines of a failed check are repeated at the end: test runners sum up there.
const LAST_LINES: usize = 80;
/// How long a check's output may come after its end: a process that it left behind holds the other end open.
const LATE_OUTPUT: Duration = Duration::from_secs(2);

/// What was done so far.
pub(crate) struct Steps {
    begun: Instant,
    /// What failed, and the last lines of what it printed.
    failed: Vec<(String, Vec<String>)>,
}

impl Steps {
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now(), failed: Vec::new() }
    }

    /// Does something that everything after it needs.
    pub(crate) fn step<T>(&mut self, what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("\n=> {what}");
        let begun = Instant::now();
        let result = work();
        let took = seconds(begun.elapsed());
        match &result {
            Ok(_) => println!("   {what}: {took}"),
            Err(error) => println!("   {what}: FAILED after {took}: {error:#}"),
        }
        result.with_context(|| format!("\"{what}\" failed"))
    }

    /// Does something that nothing else needs: a failure is remembered, and the rest goes on.
    pub(crate) fn check(&mut self, what: &str, work: impl FnOnce() -> Result<()>) {
        if let Err(error) = self.step(what, work) {
            let last = error.downcast_ref::<Ended>().map(|ended| ended.last.clone()).unwrap_or_default();
            self.failed.push((what.to_owned(), last));
        }
    }

    /// Says how everything went, with the last words of each check that failed. Fails where one did.
    pub(crate) fn finish(&self) -> Result<()> {
        let took = seconds(self.begun.elapsed());
        if self.failed.is_empty() {
            println!("\nAll well after {took}");
            return Ok(());
        }
        for (what, last) in self.failed.iter().filter(|(_, last)| !last.is_empty()) {
            println!("\n=> The last lines of: {what}\n{}", last.join("\n"));
        }
        let failed: Vec<_> = self.failed.iter().map(|(what, _)| what.as_str()).collect();
        bail!("FAILED after {took}: {}", failed.join("; "))
    }
}

/// A program that failed, with what it printed last.
#[derive(Debug)]
struct Ended {
    name: String,
    status: ExitStatus,
    last: Vec<String>,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ended with {}", self.name, self.status)
    }
}

impl std::error::Error for Ended {}

/// Runs a program to its end; what it prints is seen as it comes.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let name = announce(command);
    let status = command.status().with_context(|| format!("{name} could not be started"))?;
    if !status.success() {
        bail!("{name} ended with {status}");
    }
    Ok(())
}

/// Runs a check as [`run`] does; should it fail, its last lines are repeated when everything is over.
pub(crate) fn run_check(command: &mut Command) -> Result<()> {
    let name = announce(command);
    if std::io::stdout().is_terminal() {
        // The runners see a pipe, the reader a terminal.
        command.env("CARGO_TERM_COLOR", "always").env("FORCE_COLOR", "1");
    }
    let (output, writer) = std::io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    let child = command.spawn();
    // The command keeps its ends of the pipe as long as they are not replaced.
    command.stdout(Stdio::inherit()).stderr(Stdio::inherit());
    let mut child = child.with_context(|| format!("{name} could not be started"))?;
    let last = Arc::new(Mutex::new(VecDeque::new()));
    let (ended, end) = std::sync::mpsc::channel::<()>();
    std::thread::spawn({
        let last = Arc::clone(&last);
        move || {
            pass_on(output, &last);
            drop(ended);
        }
    });
    let status = child.wait()?;
    let _timed_out_or_ended = end.recv_timeout(LATE_OUTPUT);
    if status.success() {
        return Ok(());
    }
    let last = last.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
    Err(Ended { name, status, last }.into())
}

/// Prints what comes, and keeps the last lines of it.
fn pass_on(output: PipeReader, last: &Mutex<VecDeque<String>>) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    while output.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let _closed = std::io::stdout().write_all(&line);
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        last.push_back(String::from_utf8_lossy(&line).trim_end().to_owned());
        if last.len() > LAST_LINES {
            last.pop_front();
        }
        line.clear();
    }
}

/// Says what is run, and returns the program's name.
fn announce(command: &Command) -> String {
    let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
    let program = command.get_program().to_string_lossy();
    let name = program.rsplit('/').next().unwrap_or_default().to_owned();
    println!("   $ {name} {}", words.join(" "));
    name
}

fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(100) {
        return format!("{:.1} s", time.as_secs_f64());
    }
    format!("{} min {:02} s", time.as_secs() / 60, time.as_secs() % 60)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn last_lines(script: &str) -> Vec<String> {
        let error = run_check(Command::new("sh").args(["-c", script])).unwrap_err();
        error.downcast::<Ended>().unwrap().last
    }

    #[test]
    fn the_last_lines_of_a_failed_check_are_kept_from_both_outputs_in_their_order() {
        let last = last_lines("seq 1 100; echo bad >&2; echo worse; exit 3");
        assert_eq!(last.len(), LAST_LINES);
        assert_eq!(last[LAST_LINES - 3..], ["100", "bad", "worse"]);
    }

    #[test]
    fn a_process_that_a_check_left_behind_is_not_waited_for() {
        let mut steps = Steps::new();
        steps.check("Left", || run_check(Command::new("sh").args(["-c", "sleep 600 & echo $!; exit 1"])));
        let (_, last) = &steps.failed[0];
        // It outlived the check: it is there to be killed.
        assert!(Command::new("kill").arg(&last[0]).status().unwrap().success());
        assert!(steps.finish().is_err());
    }
}
