//! The program: a window, or one command of the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    skrynka_app::run()
}
