//! `cargo xtask test`: every test, quick ones first.

use anyhow::{Context, Result};

use crate::{
    evidence::Evidence,
    project::Project,
    setup::{Need, set_up},
    steps::{Steps, run, run_check},
    window,
};

/// Goes on after a failure wherever the rest does not depend on it, and fails at the end.
pub(crate) fn all(project: &Project, steps: &mut Steps) -> Result<()> {
    set_up(project, steps, &[Need::App, Need::Lab, Need::Headless, Need::Tests])?;
    let evidence = Evidence::fresh(project)?;

    steps.check("Formatting", || run_check(&mut project.cargo(&["fmt", "--all", "--check"])));
    for (what, script) in [("Pages: lint", "lint"), ("Pages: types", "check"), ("Pages: unit tests", "test")] {
        steps.check(what, || run_check(&mut project.npm("ui", &["run", "--silent", script])));
    }
    steps.step("Compile the app, the lab and the tests", || {
        run(&mut project.cargo(&["build", "--workspace", "--all-targets"]))
    })?;
    steps.check("Rust tests", || run_check(rust_tests(project).env(Evidence::VARIABLE, evidence.folder())));
    steps.check("Pages: screens in a browser", || {
        run_check(project.npm("ui", &["run", "--silent", "test:browser"]).env(Evidence::VARIABLE, evidence.folder()))
    });
    steps.check("The real window", || window::run_e2e(project, &evidence, &[]));
    steps.check("Lints", || {
        run_check(&mut project.cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))
    });

    evidence.print().context("Failed to gather the figures")?;
    steps.finish()
}

/// cargo-nextest runs tests side by side and tells slow ones; without it, cargo's own runner does.
fn rust_tests(project: &Project) -> std::process::Command {
    let has_nextest = project.cargo(&["nextest", "--version"]).output().is_ok_and(|output| output.status.success());
    if has_nextest {
        project.cargo(&[
            "nextest",
            "run",
            "--workspace",
            "--all-targets",
            "--no-fail-fast",
            "--failure-output",
            "immediate-final",
        ])
    } else {
        project.cargo(&["test", "--workspace", "--all-targets", "--no-fail-fast"])
    }
}
