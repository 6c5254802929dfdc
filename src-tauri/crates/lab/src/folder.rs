//! A temporary folder together with the processes that work in it.
//!
//! A small shell waits on a pipe from this program. When the pipe closes, because the folder was dropped or because
//! this program died in whatever way, the shell kills the processes that are still there and removes the folder.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};

const WATCHER: &str = r#"
cat >/dev/null
while read -r group; do kill -s KILL -- "-$group"; done <"$1/groups" 2>/dev/null
rm -rf -- "$1"
"#;

/// A temporary folder, readable by every local user because servers drop their privileges.
#[derive(Clone)]
pub struct Folder(Arc<Inner>);

struct Inner {
    path: PathBuf,
    watcher: Mutex<Child>,
    groups: Mutex<Vec<Pid>>,
}

impl Folder {
    /// Makes the folder and starts its watcher.
    pub fn new() -> Result<Self> {
        let path = tempfile::Builder::new()
            .prefix("skrynka-lab-")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .context("Failed to make a temporary folder")?
            .keep();
        let watcher = Command::new("/bin/sh")
            .args(["-c", WATCHER, "skrynka-lab-watcher"])
            .arg(&path)
            .current_dir("/")
            .process_group(0) // An interrupt from the terminal reaches this program only; the pipe tells the watcher.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("Failed to start the folder's watcher")?;
        Ok(Self(Arc::new(Inner { path, watcher: Mutex::new(watcher), groups: Mutex::default() })))
    }

    /// Returns the folder's absolute path.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Writes a file below the folder and returns its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.0.path.join(name);
        fs::write(&path, content).with_context(|| format!("Failed to write {}", path.display()))?;
        Ok(path)
    }

    /// Starts a process that ends with the folder at the latest. It leads a process group of its own.
    pub fn spawn(&self, command: &mut Command) -> Result<Running> {
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("Failed to start {}", command.get_program().display()))?;
        let group = Pid::from_child(&child);
        self.0.change_groups(|groups| groups.push(group))?;
        Ok(Running { child, group, folder: self.clone(), ended: false })
    }
}

impl Inner {
    /// The watcher reads the file only after this program is gone, so it must always be complete.
    fn change_groups(&self, change: impl FnOnce(&mut Vec<Pid>)) -> Result<()> {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut groups);
        let lines: String = groups.iter().map(|group| format!("{}\n", group.as_raw_nonzero())).collect();
        let next = self.path.join("groups.next");
        fs::write(&next, lines).context("Failed to note the lab's processes")?;
        fs::rename(next, self.path.join("groups")).context("Failed to note the lab's processes")
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        drop(watcher.stdin.take());
        let _removed = watcher.wait();
    }
}

/// A process and its children. Dropping it kills them.
pub struct Running {
    child: Child,
    group: Pid,
    folder: Folder,
    ended: bool,
}

impl Running {
    /// Returns the process id of the first process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns whether the first process has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Stops every process of the group in its tracks: sockets stay open, nothing answers.
    pub fn pause(&self) -> Result<()> {
        kill_process_group(self.group, Signal::STOP).context("Failed to pause")
    }

    /// Lets paused processes go on.
    pub fn resume(&self) -> Result<()> {
        kill_process_group(self.group, Signal::CONT).context("Failed to resume")
    }

    /// Kills every process of the group at once, as a power cut would, and waits for the first to be gone.
    pub fn kill(&mut self) -> Result<()> {
        if self.ended {
            return Ok(());
        }
        self.ended = true;
        let _already_gone = kill_process_group(self.group, Signal::KILL);
        self.child.wait().context("Failed to wait for a killed process")?;
        let group = self.group;
        self.folder.0.change_groups(|groups| groups.retain(|other| *other != group))
    }

    /// Asks the first process to end and waits for it.
    pub fn stop(&mut self) -> Result<()> {
        if self.ended {
            return Ok(());
        }
        let _already_gone = rustix::process::kill_process(self.group, Signal::TERM);
        self.child.wait().context("Failed to wait for a stopped process")?;
        self.kill()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _best_effort = self.kill();
    }
}
