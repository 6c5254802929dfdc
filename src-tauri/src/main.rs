//! The program: a window, or one command of the command line.

// From a menu, no console opens beside the window.
#![cfg_attr(windows, windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    skrynka_app::run()
}
