//! A display in memory for windows that nobody looks at.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// Ends Xvfb when xtask closes the pipe or dies, of an interrupt from the terminal, too. Xvfb writes its display's
/// number to the output.
const WATCHED: &str = "trap '' INT HUP TERM; Xvfb -displayfd 3 -screen 0 2000x1300x24 -nolisten tcp 3>&1 >/dev/null 2>&1 </dev/null & \
    server=$!; cat >/dev/null; kill -s KILL $server 2>/dev/null";

/// A running Xvfb. Dropping it ends it.
pub(crate) struct Display {
    watcher: Child,
    name: String,
}

impl Display {
    pub(crate) fn start() -> Result<Self> {
        let mut watcher = Command::new("sh")
            .args(["-c", WATCHED])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("Failed to start Xvfb")?;
        let mut number = String::new();
        let output = watcher.stdout.take().context("Xvfb has no output")?;
        BufReader::new(output).read_line(&mut number).context("Failed to hear from Xvfb")?;
        if number.trim().is_empty() {
            bail!("Xvfb found no free display");
        }
        Ok(Self { watcher, name: format!(":{}", number.trim()) })
    }

    /// What `DISPLAY` has to be.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Lets a program draw here and nowhere else.
    pub(crate) fn give_to<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("DISPLAY", &self.name).env("GDK_BACKEND", "x11").env_remove("WAYLAND_DISPLAY")
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        let _ended = self.watcher.wait();
    }
}
