//! The shell: the only Rust that knows Tauri. It decides nothing.
//!
//! [`wiring`] puts the rooms together; [`window`] shows them; `cli` works without a window; `commands` is what the UI
//! may ask, `wire` what crosses.

mod adoption;
mod attention;
mod autostart;
mod backups;
mod chats;
mod checks;
mod cli;
mod commands;
mod copies;
mod databases;
mod desk;
mod facts;
mod mail_scheme;
mod mailboxes;
mod mails;
mod media_scheme;
mod monitor;
mod notices;
mod report;
mod room;
mod running;
mod self_tests;
mod sign_ins;
mod telegram_accounts;
mod tray;
mod updates;
mod uploads;
mod views;
mod window;
mod wire;
mod wiring;
mod words;

pub use window::bindings;

use std::process::ExitCode;

use clap::Parser as _;

/// Reads the command line and does what it says: one command, or the window.
pub fn run() -> ExitCode {
    #[cfg(windows)]
    console::take();
    let arguments = cli::Arguments::parse();
    match arguments.command {
        Some(command) => cli::run(arguments.common, command),
        None => {
            #[cfg(windows)]
            console::leave();
            window::run(arguments.common)
        }
    }
}

/// The terminal that a command was typed in: Windows gives a program with a window none. What is led elsewhere stays led
/// there. The terminal does not wait for such a program unless it is told to (`start /wait`).
#[cfg(windows)]
mod console {
    use windows_sys::Win32::System::Console::{ATTACH_PARENT_PROCESS, AttachConsole, FreeConsole};

    /// Speaks in it from here on. Whoever was started otherwise has none to speak in.
    pub fn take() {
        #[expect(unsafe_code, reason = "a system call")]
        // SAFETY: it takes no pointer.
        let _without_one = unsafe { AttachConsole(ATTACH_PARENT_PROCESS) };
    }

    /// Lets it go: whoever closes it would close the window too.
    pub fn leave() {
        #[expect(unsafe_code, reason = "a system call")]
        // SAFETY: it takes nothing.
        let _without_one = unsafe { FreeConsole() };
    }
}
