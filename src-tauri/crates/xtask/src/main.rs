//! `cargo xtask …`: every command of the project, each of which sets itself up.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "xtask speaks to a person at a terminal")]

mod display;
mod evidence;
mod package;
mod project;
mod queries;
mod setup;
mod steps;
mod tests;
mod window;

use std::{env, process::ExitCode};

use anyhow::Result;

use crate::{
    project::Project,
    setup::{Need, set_up},
    steps::Steps,
};

const USAGE: &str = "usage: cargo xtask COMMAND

  demo [--headless]   a demo bureau in the window; without a display it drives every screen and leaves
                      screenshots and a page in target/demo
  run [ARGUMENT…]     the app on the real profile
  test                every test, quick ones first, and a table of what they show
  e2e [FILE…]         only the tests in the real window
  bench [NAME…]       measurements, side by side with the peers
  queries             checks the store's queries against the migrations and writes .sqlx anew
  package             the deb and rpm packages (on Windows nsis and msi, on macOS dmg), their parts and sums
    --bundles NAME,…    other ones, as tauri's bundler calls them
    --built             of what was compiled last, to look at the packaging alone
    --try               installs, starts, upgrades, kills and removes the .deb in a clean Debian root; as root
  package --lint      units, workflows and the list of parts, read by other people's programs
  package --check-windows
                      compiles and links for Windows, looks into the Postgres of other systems
  setup               only what the others begin with: packages, npm projects, the window's pages";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match dispatch(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[&str]) -> Result<ExitCode> {
    let project = Project::find()?;
    let mut steps = Steps::new();
    match arguments {
        ["demo", rest @ ..] if rest.is_empty() || rest == ["--headless"] => {
            window::demo(&project, &mut steps, !rest.is_empty())?;
        }
        ["run", rest @ ..] => {
            set_up(&project, &mut steps, &[Need::App])?;
            return run_app(&project, rest);
        }
        ["test"] => tests::all(&project, &mut steps)?,
        ["e2e", files @ ..] => window::e2e(&project, &mut steps, files)?,
        ["bench", names @ ..] => window::bench(&project, &mut steps, names)?,
        ["queries"] => queries::write(&project, &mut steps)?,
        ["package", rest @ ..] => package::run_with(&project, &mut steps, rest)?,
        ["setup"] => set_up(&project, &mut steps, Need::ALL)?,
        ["help" | "--help" | "-h"] => println!("{USAGE}"),
        _ => {
            eprintln!("{USAGE}");
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs the app in the foreground; its exit code becomes ours.
fn run_app(project: &Project, arguments: &[&str]) -> Result<ExitCode> {
    let mut command = project.cargo(&["run", "--package", "skrynka", "--"]);
    let status = command.args(arguments).status()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
