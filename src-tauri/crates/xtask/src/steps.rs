//! Steps that say what they do and how long it took.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// What was done so far.
pub(crate) struct Steps {
    begun: Instant,
    failed: Vec<String>,
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
        if self.step(what, work).is_err() {
            self.failed.push(what.to_owned());
        }
    }

    /// Says how everything went. Fails where a check failed.
    pub(crate) fn finish(&self) -> Result<()> {
        let took = seconds(self.begun.elapsed());
        if self.failed.is_empty() {
            println!("\nAll well after {took}");
            return Ok(());
        }
        bail!("FAILED after {took}: {}", self.failed.join("; "))
    }
}

/// Runs a program to its end; what it prints is seen as it comes.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
    let name = command.get_program().to_string_lossy().into_owned();
    let name = name.rsplit('/').next().unwrap_or_default().to_owned();
    println!("   $ {name} {}", words.join(" "));
    let status = command.status().with_context(|| format!("{name} could not be started"))?;
    if !status.success() {
        bail!("{name} ended with {status}");
    }
    Ok(())
}

fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(100) {
        return format!("{:.1} s", time.as_secs_f64());
    }
    format!("{} min {:02} s", time.as_secs() / 60, time.as_secs() % 60)
}
