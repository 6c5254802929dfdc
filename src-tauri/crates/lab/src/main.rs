//! The lab as a program, for tests and demos that are not written in Rust.
//!
//! `skrynka-lab serve` prints one JSON line that says where everything listens, then takes commands as JSON lines on
//! standard input and answers each with one line. It ends when standard input closes. `ui/tests/e2e/harness.mjs`
//! speaks this protocol; [`skrynka_lab::serve::Command`] lists the commands.

use std::{
    io::{self, BufRead, Write},
    process::ExitCode,
};

use anyhow::{Context, Result};
use skrynka_lab::serve::Lab;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments != ["serve"] {
        let _closed = writeln!(io::stderr(), "usage: skrynka-lab serve");
        return ExitCode::from(2);
    }
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _closed = writeln!(io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> Result<()> {
    let mut lab = Lab::start()?;
    let mut out = io::stdout();
    writeln!(out, "{}", lab.endpoints())?;
    for line in io::stdin().lock().lines() {
        let line = line.context("Failed to read a command")?;
        writeln!(out, "{}", lab.answer(&line)).context("Failed to answer")?;
        out.flush()?;
    }
    Ok(())
}
