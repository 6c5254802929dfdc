//! The profile folder: one installation's identity, its settings, and where everything else of it lies.

mod settings;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::{NoContext, Timestamp, Uuid};

pub use self::settings::{
    AdoptionSettings, BackupSettings, BusinessHours, CloseToTray, DatabaseSettings, Density, FirstRunStep,
    NoticeSettings, QuietHours, Settings, Theme, UpdateSettings,
};
use crate::files;

/// The application's identifier: the name of its data folder and the service of its keyring entries. Fixed for ever.
pub const APP_ID: &str = "dev.skrynka.desktop";

const INSTALL_FILE: &str = "install.json";
const SETTINGS_FILE: &str = "settings.json";

/// Why a profile cannot be used. Nothing in the folder has been changed.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The operating system names no application data folder (no home directory).
    #[error("there is no home directory for the profile; name a folder with --profile DIR")]
    NoHome,
    /// There is no folder at the path.
    #[error("there is no profile in {}; check the folder named with --profile DIR", .0.display())]
    Missing(PathBuf),
    /// Something that is not a folder stands at the path or above it.
    #[error("{} is not a folder; name another one with --profile DIR", .0.display())]
    NotAFolder(PathBuf),
    /// The folder or a file in it cannot be written: read-only medium or missing permission.
    #[error("the profile folder {} cannot be written; allow writing or name another one with --profile DIR", .path.display())]
    ReadOnly {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The disk under the folder is full.
    #[error("the disk is full, the profile folder {} cannot be written; free some space and start again", .path.display())]
    DiskFull {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// `install.json` holds something else than an installation's identity. It is not replaced by itself, because
    /// the names of all secrets in the keyring are built from it.
    #[error(
        "{} is damaged ({reason}); restore it from a backup, or remove it and enter every password again", .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// `settings.json` cannot be understood. It is not replaced by itself, because it says which database is used.
    #[error(
        "{} is damaged ({reason}); correct it, or remove it to go on with the defaults and the private database",
        .path.display()
    )]
    DamagedSettings {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Anything else the operating system said.
    #[error("the profile folder {} cannot be used", .path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl ProfileError {
    fn io(path: &Path, source: io::Error) -> Self {
        use io::ErrorKind::{NotADirectory, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};

        let path = path.to_owned();
        let kind = source.kind();
        if kind == NotADirectory {
            Self::NotAFolder(path)
        } else if matches!(kind, PermissionDenied | ReadOnlyFilesystem) {
            Self::ReadOnly { path, source }
        } else if matches!(kind, StorageFull | QuotaExceeded) {
            Self::DiskFull { path, source }
        } else {
            Self::Io { path, source }
        }
    }
}

/// A profile folder that can be written, with its installation's identity.
#[derive(Debug, Clone)]
pub struct Profile {
    root: PathBuf,
    install: Uuid,
}

#[derive(Serialize, Deserialize)]
struct Install {
    install: Uuid,
}

impl Profile {
    /// Opens the profile in `dir`, or in the operating system's application data folder.
    ///
    /// Creates the folder (0700) and `install.json` where they are missing. `now` dates a new installation.
    ///
    /// # Errors
    /// See [`ProfileError`]; a folder that cannot be written is refused here and not in the middle of the work.
    pub fn open(dir: Option<&Path>, now: OffsetDateTime) -> Result<Self, ProfileError> {
        let root = root_of(dir)?;
        if root.exists() && !root.is_dir() {
            return Err(ProfileError::NotAFolder(root));
        }
        files::create_private_dir(&root).map_err(|error| ProfileError::io(&root, error))?;
        check_writable(&root)?;
        let install = read_or_create_install(&root, now)?;
        Ok(Self { root, install })
    }

    /// Returns where a profile stands that is there already. Writes nothing.
    ///
    /// # Errors
    /// [`ProfileError::Missing`], or [`ProfileError::NotAFolder`].
    pub fn find(dir: Option<&Path>) -> Result<PathBuf, ProfileError> {
        let root = root_of(dir)?;
        if root.is_dir() {
            return Ok(root);
        }
        Err(if root.exists() { ProfileError::NotAFolder(root) } else { ProfileError::Missing(root) })
    }

    /// Tells whether nobody has chosen anything here yet: no settings, no secrets and no database.
    pub fn is_new(&self) -> bool {
        let made = [SETTINGS_FILE, "vault.json", "keyring.used", "postgres", "postgres.location"];
        !made.iter().any(|name| self.root.join(name).exists())
    }

    /// The identity of this installation; part of every keyring entry's name.
    pub const fn install_id(&self) -> Uuid {
        self.install
    }

    /// The folder itself, absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of the log files.
    pub fn logs_dir(&self) -> PathBuf {
        Self::logs_of(&self.root)
    }

    /// The folder of the log files of the profile in `root`.
    pub fn logs_of(root: &Path) -> PathBuf {
        root.join("logs")
    }

    /// The folder in which panics leave their notes.
    pub fn panics_dir(&self) -> PathBuf {
        Self::panics_of(&self.root)
    }

    /// The same of the profile in `root`.
    pub fn panics_of(root: &Path) -> PathBuf {
        root.join("panics")
    }

    /// The folder of the private Postgres cluster.
    pub fn postgres_dir(&self) -> PathBuf {
        self.root.join("postgres")
    }

    /// The folder for what can be made again at any time.
    pub fn cache_dir(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// The passphrase vault; it exists only where there is no keyring.
    pub fn vault_file(&self) -> PathBuf {
        self.root.join("vault.json")
    }

    /// Reads the settings; the defaults where there are none.
    ///
    /// # Errors
    /// [`ProfileError`] when the file exists and cannot be read or understood. It is left as it is.
    pub fn settings(&self) -> Result<Settings, ProfileError> {
        settings::load(&self.root.join(SETTINGS_FILE))
    }

    /// Writes the settings; a reader finds the old ones or the new ones.
    ///
    /// # Errors
    /// [`ProfileError`]; the old settings are kept.
    pub fn save_settings(&self, settings: &Settings) -> Result<(), ProfileError> {
        settings::save(&self.root.join(SETTINGS_FILE), settings)
    }

    /// Changes the settings and returns what they are now. Changes of one program follow one another: what is chosen in
    /// two places at once is kept in both.
    ///
    /// # Errors
    /// The settings could not be read or written; they are as before.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) -> Result<Settings, ProfileError> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let mut settings = self.settings()?;
        change(&mut settings);
        self.save_settings(&settings)?;
        Ok(settings)
    }
}

fn root_of(dir: Option<&Path>) -> Result<PathBuf, ProfileError> {
    match dir {
        Some(dir) => std::path::absolute(dir).map_err(|error| ProfileError::io(dir, error)),
        None => Ok(dirs::data_dir().ok_or(ProfileError::NoHome)?.join(APP_ID)),
    }
}

/// Permission bits do not tell what a read-only mount or an access list allows: only writing does.
fn check_writable(root: &Path) -> Result<(), ProfileError> {
    tempfile::Builder::new()
        .prefix(".writing-")
        .tempfile_in(root)
        .and_then(tempfile::NamedTempFile::close)
        .map_err(|error| ProfileError::io(root, error))
}

fn read_or_create_install(root: &Path, now: OffsetDateTime) -> Result<Uuid, ProfileError> {
    let path = root.join(INSTALL_FILE);
    if !path.exists() {
        create_install(&path, now)?;
    }
    let text = fs::read(&path).map_err(|error| ProfileError::io(&path, error))?;
    serde_json::from_slice::<Install>(&text)
        .map(|install| install.install)
        .map_err(|error| ProfileError::Damaged { path, reason: error.to_string() })
}

/// Two programs that start at once on a new profile agree on the identity that was written first.
fn create_install(path: &Path, now: OffsetDateTime) -> Result<(), ProfileError> {
    let seconds = u64::try_from(now.unix_timestamp()).unwrap_or(0);
    let install = Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.nanosecond()));
    let text = serde_json::to_vec_pretty(&Install { install })
        .map_err(|error| ProfileError::Io { path: path.to_owned(), source: error.into() })?;
    match files::create_new(path, &text) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map_err(|error| ProfileError::io(path, error)),
    }
}
