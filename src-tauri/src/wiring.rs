//! The composition root: profile, secrets, database, channels, engine. The only place where everything meets.

#[cfg(feature = "testing")]
mod testing;

use std::{
    collections::HashMap,
    fs::File,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use secrecy::SecretString;
use skrynka_core::{
    chain,
    clock::{Clock, SystemClock},
    connector::Connector,
    engine::{Backoff, Engine, EngineParts, LeaseTerms, MailTerms, Presence},
    logbook::{Level, Logbook, LogbookGuard, LogbookOptions, PanicNotes},
    model::{AccountId, Channel},
    postgres::{BinarySearch, Cluster, ClusterOptions, PostgresError, ServerUrl},
    profile::{Profile, ProfileError},
    secrets::{OpenOptions, Opened, Secrets, SecretsError},
    store::{Store, StoreError},
};
use skrynka_mail::{MailConnector, Tuning};
use skrynka_telegram::{Device, TelegramConnector};
use tokio::sync::Notify;

use crate::{
    copies::{Spool, spool_root},
    wire::{StartStep, WireError},
};

/// The pause before a database that could not be started again is tried again.
const DATABASE_PAUSE: Duration = Duration::from_secs(2);
/// A person who has the database started again is told after this time that it does not answer …
const DATABASE_PATIENCE: Duration = Duration::from_secs(10);
/// … and it is looked this often.
const DATABASE_LOOK: Duration = Duration::from_millis(250);

/// The ground everything stands on: the profile folder and the log.
pub struct Ground {
    /// The profile folder.
    pub profile: Profile,
    /// The log.
    pub logbook: Logbook,
    /// The time.
    pub clock: Arc<dyn Clock>,
    _writing: LogbookGuard,
    /// Held by the one window of a profile, as long as it is open.
    _window: Option<File>,
}

/// Where things are that the command line or the installation decides.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The profile folder; the operating system's data folder where there is none.
    pub profile: Option<PathBuf>,
    /// The file that opens the vault without a person.
    pub vault_key_file: Option<PathBuf>,
    /// The Postgres programs among the app's resources.
    pub postgres: Option<PathBuf>,
    /// Whether a profile folder that was named must be there already.
    pub existing: bool,
}

/// The Postgres programs that an installer brought with this one. A checkout has none among its resources: there they
/// come from npm.
pub fn bundled_postgres() -> Option<PathBuf> {
    // Where resources lie is asked before there is a window, and by commands that open none.
    let package = tauri::PackageInfo {
        name: "Skrynka".to_owned(),
        version: env!("CARGO_PKG_VERSION").parse().ok()?,
        authors: env!("CARGO_PKG_AUTHORS"),
        description: env!("CARGO_PKG_DESCRIPTION"),
        crate_name: env!("CARGO_PKG_NAME"),
    };
    let resources = tauri::utils::platform::resource_dir(&package, &tauri::Env::default()).ok()?;
    // A universal package holds one folder for each processor.
    let folder = resources.join("postgres").join(std::env::consts::ARCH);
    folder.is_dir().then_some(folder)
}

/// Why the program could not start. What was stored is untouched.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The profile folder cannot be used.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// A second log in one process.
    #[error("the log could not be started")]
    Log(#[from] skrynka_core::logbook::AlreadyKept),
    /// A window is open on this profile already, or its lock cannot be made.
    #[error("a window is open on this profile already; use that one, or name another profile with --profile DIR")]
    WindowOpen(#[source] std::io::Error),
    /// There is no keyring service and no vault yet.
    #[error(
        "no keyring service answers ({reason}); open the window to make a passphrase vault, or name a key file with \
         --vault-key-file FILE"
    )]
    NeedsVault {
        /// Why the keyring cannot be used.
        reason: String,
    },
    /// The vault's passphrase is missing.
    #[error("the vault is locked; name its key file with --vault-key-file FILE")]
    NeedsPassphrase,
    /// The keyring or vault failed.
    #[error("the keyring or vault cannot be used")]
    Secrets(#[from] SecretsError),
    /// The database server could not be started or reached.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// The server's address in the settings cannot be used.
    #[error("the database server's address in the settings cannot be used")]
    ServerUrl(#[from] skrynka_core::postgres::ServerUrlError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The backup that was chosen could not be restored.
    #[error("the backup was not restored")]
    Restore(#[source] Box<crate::backups::BackupsError>),
}

impl Ground {
    /// Opens the profile and starts the log.
    pub fn open(places: &Places) -> Result<Self, StartError> {
        if let (true, Some(dir)) = (places.existing, &places.profile) {
            Profile::find(Some(dir))?;
        }
        Self::on(Profile::open(places.profile.as_deref(), SystemClock.now())?, None)
    }

    /// The same for a window, of which a profile has one at a time.
    pub fn open_for_window(places: &Places) -> Result<Self, StartError> {
        let profile = Profile::open(places.profile.as_deref(), SystemClock.now())?;
        let lock = File::create(profile.root().join("window.lock")).map_err(StartError::WindowOpen)?;
        lock.try_lock().map_err(|error| StartError::WindowOpen(error.into()))?;
        Self::on(profile, Some(lock))
    }

    fn on(profile: Profile, window: Option<File>) -> Result<Self, StartError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let level = profile.settings()?.log_level;
        let panics = Some(profile.panics_dir());
        let options = LogbookOptions::new(profile.logs_dir(), level, clock.clone());
        let writing = Logbook::init(LogbookOptions { command: window.is_none(), panics, ..options })?;
        tracing::info!(target: "skrynka::app", version = env!("CARGO_PKG_VERSION"), "Program started");
        let logbook = writing.logbook();
        Ok(Self { profile, logbook, clock, _writing: writing, _window: window })
    }

    /// Opens the keyring or the vault. `passphrase` is what a person typed.
    pub async fn secrets(&self, places: &Places, passphrase: Option<SecretString>) -> Result<Secrets, StartError> {
        match self.open_secrets(places, passphrase).await? {
            Opened::Ready(secrets) => Ok(secrets),
            Opened::Locked { secrets, reason } => {
                tracing::warn!(target: "skrynka::app", reason, "Keyring locked");
                Ok(secrets)
            }
            Opened::NeedsPassphrase => Err(StartError::NeedsPassphrase),
            Opened::NeedsVault { reason } => Err(StartError::NeedsVault { reason }),
        }
    }

    /// Tells what opens without a person, and tries it.
    ///
    /// # Errors
    /// [`SecretsError`] of the vault or its key file.
    pub async fn look_at_secrets(&self, places: &Places) -> Result<Opened, SecretsError> {
        self.open_secrets(places, None).await
    }

    async fn open_secrets(&self, places: &Places, passphrase: Option<SecretString>) -> Result<Opened, SecretsError> {
        let mut options = OpenOptions::new(&self.profile);
        options.vault_key_file.clone_from(&places.vault_key_file);
        options.passphrase = passphrase;
        skrynka_core::secrets::open(options).await
    }

    /// What panics have left behind.
    pub fn panics(&self) -> PanicNotes {
        PanicNotes::new(self.profile.panics_dir())
    }

    /// Sets the least level that is written from here on.
    pub fn set_log_level(&self, level: Level) {
        self.logbook.set_level(level);
    }
}

/// The bureau's database with the secrets and the integrations.
pub struct Bureau {
    /// Where secrets are.
    pub secrets: Secrets,
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    mail: Arc<MailConnector>,
    cluster: Option<Cluster>,
    bundled: Option<PathBuf>,
    /// Where large messages wait until they are stored.
    spool: PathBuf,
    spooling: Mutex<Option<Spool>>,
    profile: PathBuf,
    /// Somebody does not want to wait for the next try to start the private database.
    hurry: Notify,
    /// Why the private database could not be started again, as of the last try.
    unstarted: Mutex<Option<String>>,
}

impl Bureau {
    /// Starts or reaches the database and brings its schema up to date. Tells each step as it begins.
    pub async fn open(
        ground: &Ground,
        places: &Places,
        secrets: Secrets,
        step: impl Fn(StartStep),
    ) -> Result<Self, StartError> {
        let mut bureau = Self::connect(ground, places, secrets, &step).await?;
        step(StartStep::Migrating);
        let migrated = async {
            bureau.keep_copy().await?;
            Ok::<_, StartError>(bureau.store.migrate().await?)
        };
        if let Err(error) = migrated.await {
            bureau.close().await;
            return Err(error);
        }
        Ok(bureau)
    }

    /// Keeps a copy of the private database as it is before a newer version changes its schema. A team's server is its
    /// administrator's to back up.
    async fn keep_copy(&mut self) -> Result<(), StartError> {
        let Some(cluster) = &self.cluster else { return Ok(()) };
        let status = self.store.migration_status().await?;
        if status.applied.is_empty() || status.pending.is_empty() {
            return Ok(());
        }
        self.store.close().await;
        let copied = cluster.copy_aside().await;
        self.store = Store::connect(&cluster.connect_options()).await?;
        match copied? {
            Some(path) => {
                tracing::info!(target: "skrynka::store", path = %path.display(), "Database copied before its schema changes");
            }
            // Each change of the schema is all or nothing by itself.
            None => tracing::warn!(target: "skrynka::store", "No room or no rest for a copy before the schema changes"),
        }
        Ok(())
    }

    /// Starts or reaches the database and leaves its schema as it is.
    pub async fn connect(
        ground: &Ground,
        places: &Places,
        secrets: Secrets,
        step: &impl Fn(StartStep),
    ) -> Result<Self, StartError> {
        step(StartStep::Database);
        // They may have been corrected since the last attempt.
        let settings = ground.profile.settings()?.database;
        let (cluster, options) = match &settings.server_url {
            Some(url) => (None, url.parse::<ServerUrl>()?.trusting(settings.ca_file).open(&secrets).await?),
            None => {
                let mut options = ClusterOptions::new(ground.profile.root(), secrets.clone());
                options.binaries = BinarySearch { configured: settings.binaries, bundled: places.postgres.clone() };
                let cluster = Cluster::start(options).await?;
                let options = cluster.connect_options();
                (Some(cluster), options)
            }
        };
        let name = format!("{}-{}", std::process::id(), ground.clock.now().unix_timestamp_nanos());
        let spool = spool_root(&ground.profile).join(name);
        let mail = Arc::new(MailConnector::new(ground.clock.clone(), spool.clone(), Tuning::default()));
        let store = match Store::connect(&options).await {
            Ok(store) => store,
            Err(error) => {
                if let Some(cluster) = &cluster
                    && let Err(left) = cluster.stop().await
                {
                    tracing::error!(target: "skrynka::store", error = chain(&left), "Database not stopped");
                }
                return Err(error.into());
            }
        };
        let clock = ground.clock.clone();
        let profile = ground.profile.root().to_owned();
        let bundled = places.postgres.clone();
        Ok(Self {
            secrets,
            store,
            clock,
            mail,
            cluster,
            bundled,
            spool,
            spooling: Mutex::default(),
            profile,
            hurry: Notify::new(),
            unstarted: Mutex::default(),
        })
    }

    /// Starts listening to every enabled account that no other program listens to. `program` is what other programs
    /// call this one.
    pub async fn listen(&self, program: &str) -> Result<Engine, StoreError> {
        Engine::start(self.engine_parts(program)).await
    }

    /// As [`Bureau::listen`], once the engine is told to begin.
    pub async fn listen_later(&self, program: &str) -> Result<Engine, StoreError> {
        Engine::start_held(self.engine_parts(program)).await
    }

    /// Starts listening to one account, unless another program listens to it.
    pub async fn listen_to(&self, account: AccountId, program: &str) -> Result<Engine, StoreError> {
        Engine::start_one(self.engine_parts(program), account).await
    }

    fn engine_parts(&self, program: &str) -> EngineParts {
        match Spool::take(self.spool.clone()) {
            Ok(spool) => *self.spooling.lock().unwrap_or_else(PoisonError::into_inner) = Some(spool),
            // Each large message will say so itself.
            Err(error) => tracing::warn!(target: "skrynka::email", error = %error, "No folder for large messages"),
        }
        let mail: Arc<dyn Connector> = self.mail.clone();
        let telegram: Arc<dyn Connector> = Arc::new(self.telegram());
        let (name, now) = (own_name(program), self.clock.now());
        let presence = Presence::open(&self.profile, name.clone(), now).unwrap_or_else(|error| {
            tracing::warn!(target: "skrynka::app", error = chain(&error), "Presence not provable, others wait longer");
            Presence::unproved(&name, now)
        });
        EngineParts {
            store: self.store.clone(),
            secrets: self.secrets.clone(),
            connectors: HashMap::from([(Channel::Email, mail), (Channel::Telegram, telegram)]),
            clock: self.clock.clone(),
            backoff: Backoff::default(),
            presence: Arc::new(presence),
            terms: LeaseTerms::default(),
            mail: mail_terms(),
        }
    }

    /// What speaks with Telegram.
    pub fn telegram(&self) -> TelegramConnector {
        let device = Device { app: concat!("Skrynka ", env!("CARGO_PKG_VERSION")).to_owned(), ..Device::default() };
        let connector = TelegramConnector::new(self.clock.clone(), device, skrynka_telegram::Tuning::default());
        #[cfg(feature = "testing")]
        let connector = connector.with_data_centres(testing::centres());
        connector
    }

    /// Starts the private database again whenever it ends by itself, until [`Self::close`].
    pub async fn watch_database(&self) {
        let Some(cluster) = &self.cluster else { return };
        while let Err(error) = cluster.watch().await {
            let why = chain(&error);
            tracing::error!(target: "skrynka::store", error = why, "Database not started again");
            *self.unstarted.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
            let _paused_or_hurried = tokio::time::timeout(DATABASE_PAUSE, self.hurry.notified()).await;
        }
    }

    /// Has a private database that stands still started now, and waits a while until the database answers.
    ///
    /// # Errors
    /// [`crate::wire::ErrorCode::Database`]: it does not answer yet, with what it said last and why it could not be started. What is
    /// kept in it is as it was, and the attempts go on.
    pub async fn retry_database(&self) -> Result<(), WireError> {
        let unstarted = || self.unstarted.lock().unwrap_or_else(PoisonError::into_inner).take();
        // What kept it from starting before may be over.
        unstarted();
        self.hurry.notify_waiters();
        let until = tokio::time::Instant::now() + DATABASE_PATIENCE;
        loop {
            let Err(error) = self.store.server(self.clock.now()).await else { return Ok(()) };
            if tokio::time::Instant::now() >= until {
                let mut error = WireError::from(error);
                if let Some(why) = unstarted() {
                    error.detail = format!("{}; it was not started: {why}", error.detail);
                }
                return Err(error);
            }
            tokio::time::sleep(DATABASE_LOOK).await;
        }
    }

    /// Tells whether the database is this program's own.
    pub const fn has_private_database(&self) -> bool {
        self.cluster.is_some()
    }

    /// The Postgres programs among the app's resources.
    pub fn bundled_postgres(&self) -> Option<PathBuf> {
        self.bundled.clone()
    }

    /// Closes the connections, and stops the private database when no other program uses it.
    pub async fn close(&self) {
        self.store.close().await;
        if let Some(cluster) = &self.cluster
            && let Err(error) = cluster.stop().await
        {
            tracing::error!(target: "skrynka::store", error = chain(&error), "Database not stopped");
        }
    }
}

/// What other programs call this one: which program, on which computer.
fn own_name(program: &str) -> String {
    let named = ["HOSTNAME", "COMPUTERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let host = named.or_else(|| std::fs::read_to_string("/etc/hostname").ok()).unwrap_or_default();
    format!("{program}, {}", host.trim()).trim_end_matches([',', ' ']).to_owned()
}

fn mail_terms() -> MailTerms {
    #[cfg(feature = "testing")]
    return testing::mail_terms();
    #[cfg(not(feature = "testing"))]
    MailTerms::default()
}

/// Where chats' files wait until they are fetched whole.
pub fn fetched_files_dir(profile: &Profile) -> PathBuf {
    profile.cache_dir().join("fetched")
}

/// The free room of the disk under `path` in bytes.
pub fn free_bytes(path: &Path) -> Option<u64> {
    skrynka_core::postgres::free_bytes(path).ok()
}
