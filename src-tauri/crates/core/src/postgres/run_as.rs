//! Whose rights the server runs with. Postgres refuses to run as root, so that root hands it to `nobody`.

use std::{io, path::Path};

use tokio::process::Command;

/// The user that runs `initdb` and the server and owns the data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RunAs {
    /// User id; 0 where the system has none.
    pub uid: u32,
    /// Group id; 0 where the system has none.
    pub gid: u32,
    /// Whether this program is root and hands the server to that user.
    pub switches: bool,
}

#[cfg(unix)]
impl RunAs {
    /// Decides by the user this program runs as: itself, or `nobody` for root.
    pub fn current() -> Self {
        let uid = rustix::process::geteuid();
        if uid.is_root() {
            let (uid, gid) = nobody();
            Self { uid, gid, switches: true }
        } else {
            Self { uid: uid.as_raw(), gid: rustix::process::getegid().as_raw(), switches: false }
        }
    }

    /// Makes `command` run as that user, in a process group of its own so that Ctrl-C in a terminal spares it.
    pub fn apply(self, command: &mut Command) {
        command.process_group(0);
        if self.switches {
            // The standard library drops the supplementary groups with this.
            command.uid(self.uid).gid(self.gid);
        }
    }

    /// Gives a file or folder that this program made to that user.
    pub fn give(self, path: &Path) -> io::Result<()> {
        if self.switches {
            std::os::unix::fs::lchown(path, Some(self.uid), Some(self.gid))?;
        }
        Ok(())
    }

    /// Whether that user may walk through `folder` and every folder above it.
    pub fn can_reach(self, folder: &Path) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        if !self.switches {
            return true;
        }
        let Ok(folder) = folder.canonicalize() else { return false };
        folder.ancestors().all(|ancestor| {
            std::fs::metadata(ancestor).is_ok_and(|meta| {
                let shift = match meta {
                    ref owned if owned.uid() == self.uid => 6,
                    ref grouped if grouped.gid() == self.gid => 3,
                    _ => 0,
                };
                meta.mode() >> shift & 1 == 1
            })
        })
    }
}

#[cfg(not(unix))]
impl RunAs {
    pub fn current() -> Self {
        Self { uid: 0, gid: 0, switches: false }
    }

    pub fn apply(self, _command: &mut Command) {}

    pub fn give(self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    pub fn can_reach(self, _folder: &Path) -> bool {
        true
    }
}

/// Finds `nobody`'s ids; 65534 is what Linux uses where the list of users cannot be read.
#[cfg(unix)]
fn nobody() -> (u32, u32) {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    users.lines().find_map(nobody_in).unwrap_or((65534, 65534))
}

/// Reads one line of `/etc/passwd`. macOS writes the ids as -2, which the system calls take as 2^32 - 2.
#[cfg(unix)]
fn nobody_in(line: &str) -> Option<(u32, u32)> {
    let mut fields = line.strip_prefix("nobody:")?.split(':').skip(1);
    let mut id = || u32::try_from(fields.next()?.parse::<i64>().ok()?.rem_euclid(1 << 32)).ok();
    Some((id()?, id()?))
}

#[cfg(all(test, unix))]
mod tests {
    use super::nobody_in;

    #[test]
    fn nobody_is_read_from_the_list_of_users() {
        assert_eq!(nobody_in("nobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin"), Some((65534, 65533)));
        assert_eq!(
            nobody_in("nobody:*:-2:-2:Unprivileged User:/var/empty:/usr/bin/false"),
            Some((u32::MAX - 1, u32::MAX - 1))
        );
        assert_eq!(nobody_in("nobody2:x:1:1::/:/bin/sh"), None);
    }
}
