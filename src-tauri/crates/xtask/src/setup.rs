//! What every command begins with. Everything that can be missing is looked at before the first compile.

mod npm;
mod packages;

use std::process::Command;

use anyhow::{Result, bail};

use crate::{project::Project, steps::Steps};

/// The npm project of the Postgres programs.
pub(crate) const POSTGRES: &str = "src-tauri/crates/core/postgres-binaries";

/// What a command is going to need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Compile and run the app.
    App,
    /// Real servers on loopback.
    Lab,
    /// A window without a display, driven by a program.
    Headless,
    /// The tests: formatters, linters, a keyring, a browser, strangers' opinions.
    Tests,
    /// The programs that the benches compare with.
    Peers,
    /// Packages for other machines.
    Package,
}

impl Need {
    pub(crate) const ALL: &[Self] = &[Self::App, Self::Lab, Self::Headless, Self::Tests, Self::Peers];
}

/// Checks the tools, installs what is missing and builds the window's pages.
pub(crate) fn set_up(project: &Project, steps: &mut Steps, needs: &[Need]) -> Result<()> {
    steps.step("Look for what the project needs", || {
        check_tools(needs)?;
        packages::provide(needs)
    })?;
    let mut folders = vec!["ui", POSTGRES];
    if needs.contains(&Need::Lab) {
        folders.push("ui/tests/e2e");
    }
    for folder in folders {
        npm::provide(project, steps, folder)?;
    }
    npm::build_pages(project, steps)
}

/// Installs the Postgres programs alone.
pub(crate) fn postgres(project: &Project, steps: &mut Steps) -> Result<()> {
    npm::provide(project, steps, POSTGRES)
}

/// Names everything that is missing and cannot be installed from here, with one line to paste for each.
fn check_tools(needs: &[Need]) -> Result<()> {
    let mut wrong = Vec::new();
    if version_of("rustc").is_none_or(|found| found < (1, 95)) {
        wrong.push(("Rust 1.95 or newer", "rustup update stable"));
    }
    if version_of("node").is_none_or(|found| found < (20, 19) || (21..=22).contains(&found.0) && found < (22, 12)) {
        wrong.push(("Node 20.19, 22.12 or newer", node_line()));
    } else if version_of("npm").is_none() {
        wrong.push(("npm", node_line()));
    }
    if needs.contains(&Need::Tests) {
        if version_of("rustfmt").is_none() {
            wrong.push(("rustfmt", "rustup component add rustfmt"));
        }
        if version_of("cargo-clippy").is_none() {
            wrong.push(("clippy", "rustup component add clippy"));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = wrong.iter().map(|(what, line)| format!("  {what}:\n    {line}")).collect();
    bail!("Missing or too old, and not installed from here:\n{}", lines.join("\n"))
}

fn node_line() -> &'static str {
    if packages::has_apt() {
        "curl -fsSL https://deb.nodesource.com/setup_22.x | sudo -E bash - && sudo apt-get install -y nodejs"
    } else if cfg!(target_os = "macos") {
        "brew install node@22 && brew link --overwrite node@22"
    } else if cfg!(windows) {
        "winget install OpenJS.NodeJS.LTS"
    } else if packages::finds("pacman") {
        "sudo pacman -S nodejs npm"
    } else {
        "sudo dnf install nodejs npm"
    }
}

/// Asks a program for its version and returns the first two numbers.
fn version_of(program: &str) -> Option<(u32, u32)> {
    let program = if cfg!(windows) && program == "npm" { "npm.cmd" } else { program };
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let digits = text.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    let mut numbers = digits.split(|letter: char| !letter.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}
