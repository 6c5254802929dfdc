//! What the window works with: the program's status, and the office behind it once it is open.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use secrecy::SecretString;
use skrynka_core::{
    engine::{Engine, Tasks},
    journal::JournalReader,
    logbook::FLUSH_LIMIT,
    model::{AccountId, AttachmentId, ConversationId},
    notices::ConversationRef,
    postgres::PostgresError,
    profile::{FirstRunStep, Settings},
    secrets::{Opened, Secrets, SecretsError},
    store::StoreError,
};
use tauri::{AppHandle, Manager as _};
use time::OffsetDateTime;
use tokio::sync::{Notify, RwLock, SetOnce};

use crate::{
    adoption::under_way::UnderWay,
    attention, backups,
    commands::file_error,
    copies, facts,
    mail_scheme::Shown,
    mailboxes::Renewed,
    monitor::{self, Monitor, Told},
    notices::{self, News},
    report::Report,
    running::Jobs,
    sign_ins::SignIns,
    updates::{self, Updates},
    uploads::Uploads,
    views,
    window::MAIN,
    wire::{
        AppStatus, DatabaseTroubleCode, ErrorCode, PreferencesChanged, SecretsState, SecretsView, StartStep,
        StatusChanged, WireError, stamp,
    },
    wiring::{Bureau, Ground, Places, StartError, fetched_files_dir},
};

/// How long the last tasks may take to end.
const END_DEADLINE: Duration = Duration::from_secs(30);
/// Listeners wait for the painted inbox so long at most.
const PAINTED: Duration = Duration::from_secs(2);
/// Drawn conversations that are kept for whoever waits for one.
const PAINTED_KEPT: usize = 256;
/// A wall clock that jumps ahead of the running time by this much means that the computer slept.
const SLEPT: time::Duration = time::Duration::seconds(10);

/// What the window works with.
pub struct Desk {
    places: Places,
    tasks: Tasks,
    handle: OnceLock<AppHandle>,
    ground: OnceLock<Arc<Ground>>,
    status: Mutex<AppStatus>,
    secrets: Mutex<Option<Secrets>>,
    /// Somebody asked to try again.
    retry: Notify,
    office: RwLock<Option<Arc<Office>>>,
    followers: Mutex<HashMap<u32, tokio_util::sync::CancellationToken>>,
    /// What is looked for in the log, by the window's own numbers.
    pub searches: Jobs<u32>,
    started: tokio::time::Instant,
    painted: SetOnce<()>,
    shown: Mutex<Option<Shown>>,
    front: Mutex<Option<ConversationRef>>,
    /// Changes of the settings are told in the order in which they are made.
    telling: Mutex<()>,
    /// Whether there is an icon in the tray.
    pub has_icon: AtomicBool,
    /// Whether the window was closed to the tray.
    pub is_hidden: AtomicBool,
    /// Whether another program's window has the focus: the page is not told of it while a mail's frame has it.
    pub is_behind: AtomicBool,
    /// The unread count may have changed.
    pub recount: Notify,
    /// The events that were sent to the window.
    pub monitor: Monitor,
    /// What was wrong when it was last looked at.
    pub wrong: Mutex<BTreeSet<attention::About>>,
    /// The support report that was made last: what is saved is what was read.
    pub report: Mutex<Option<Arc<Report>>>,
    /// The newer version, and how far it is.
    pub updates: Updates,
    /// The backup that the first run begins with, where somebody chose one.
    pub restoring: Mutex<Option<PathBuf>>,
}

/// The open office: database and listeners.
pub struct Office {
    /// Database, secrets, integrations.
    pub bureau: Bureau,
    /// The listeners.
    pub engine: Engine,
    /// When facts of conversations were stored that the window has not painted yet.
    pub unpainted: Mutex<HashMap<(AccountId, ConversationId), OffsetDateTime>>,
    /// Tells which conversations the window has drawn.
    pub painted: tokio::sync::broadcast::Sender<(AccountId, ConversationId)>,
    /// The sign-in to Telegram under way.
    pub sign_ins: SignIns,
    /// Files that are being fetched.
    pub fetches: Jobs<(AccountId, AttachmentId)>,
    /// Chats that are being read back.
    pub loads: Jobs<(AccountId, ConversationId)>,
    /// What somebody may be told of.
    pub news: News,
    /// Files on their way from the window.
    pub uploads: Uploads,
    /// What the tokens in the form for a mailbox have become.
    pub renewed: Renewed,
    /// The old CRM's database that is being taken over.
    pub adopting: UnderWay,
}

impl Office {
    fn new(bureau: Bureau, engine: Engine) -> Self {
        Self {
            bureau,
            engine,
            unpainted: Mutex::default(),
            painted: tokio::sync::broadcast::Sender::new(PAINTED_KEPT),
            sign_ins: SignIns::default(),
            fetches: Jobs::default(),
            loads: Jobs::default(),
            news: News::default(),
            uploads: Uploads::default(),
            renewed: Renewed::default(),
            adopting: UnderWay::default(),
        }
    }
}

impl Desk {
    pub fn new(places: Places) -> Self {
        Self {
            places,
            tasks: Tasks::default(),
            handle: OnceLock::new(),
            ground: OnceLock::new(),
            status: Mutex::new(AppStatus::Starting { step: StartStep::Secrets }),
            secrets: Mutex::default(),
            retry: Notify::new(),
            office: RwLock::default(),
            followers: Mutex::default(),
            searches: Jobs::default(),
            started: tokio::time::Instant::now(),
            painted: SetOnce::new(),
            shown: Mutex::default(),
            front: Mutex::default(),
            telling: Mutex::default(),
            has_icon: AtomicBool::new(false),
            is_hidden: AtomicBool::new(false),
            is_behind: AtomicBool::new(false),
            recount: Notify::new(),
            monitor: Monitor::default(),
            wrong: Mutex::default(),
            report: Mutex::default(),
            updates: Updates::default(),
            restoring: Mutex::default(),
        }
    }

    /// Tells whether this is the first time that the window has painted.
    pub fn first_paint(&self) -> bool {
        self.painted.set(()).is_ok()
    }

    /// The message whose HTML was rendered last.
    pub fn shown(&self) -> MutexGuard<'_, Option<Shown>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what belongs to pages that are no more: the conversation in front, who follows the log, and
    /// what is looked for in it.
    #[cfg(target_os = "linux")]
    pub fn page_gone(&self) {
        self.set_front(None);
        self.monitor.window_gone();
        let mut followers = self.followers.lock().unwrap_or_else(PoisonError::into_inner);
        followers.drain().for_each(|(_, stop)| stop.cancel());
        self.searches.stop_all();
    }

    /// Says which conversation somebody is looking at.
    pub fn set_front(&self, conversation: Option<ConversationRef>) {
        *self.front.lock().unwrap_or_else(PoisonError::into_inner) = conversation;
    }

    /// The conversation that somebody is looking at; none while the window is in the tray or behind another.
    pub fn front(&self) -> Option<ConversationRef> {
        let unseen = self.is_hidden.load(Ordering::Relaxed) || self.is_behind.load(Ordering::Relaxed);
        self.front.lock().unwrap_or_else(PoisonError::into_inner).filter(|_| !unseen)
    }

    /// Changes the settings, and tells the window and the tray.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) -> Result<(), WireError> {
        let _in_order = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        let settings = self.ground()?.profile.change_settings(change).map_err(file_error)?;
        self.recount.notify_one();
        self.tell("preferences_changed", &PreferencesChanged(views::preferences(&settings)));
        Ok(())
    }

    /// The name of the one at this computer, where they have said it.
    pub fn me(&self) -> Option<String> {
        self.settings()?.me
    }

    /// The settings, where they can be read.
    pub fn settings(&self) -> Option<Settings> {
        self.ground().ok()?.profile.settings().ok()
    }

    /// Whether closing the window may leave the program in the tray.
    pub fn may_close_to_tray(&self) -> bool {
        self.has_icon.load(Ordering::Relaxed) && self.settings().is_some_and(|settings| settings.close_to_tray.on)
    }

    /// Hides the window where the desktop shows a tray to come back from; ends the program elsewhere.
    pub async fn close_to_tray(&self) {
        let Some(handle) = self.handle() else { return };
        let office = self.office().await;
        let (Ok(office), true) = (office, notices::has_tray().await) else {
            handle.exit(0);
            return;
        };
        if let Some(window) = handle.get_webview_window(MAIN)
            && let Err(error) = window.hide()
        {
            tracing::warn!(target: "skrynka::app", error = %error, "Window not hidden");
            return;
        }
        self.is_hidden.store(true, Ordering::Relaxed);
        tracing::info!(target: "skrynka::app", "Window closed to the tray");
        if self.settings().is_some_and(|settings| !settings.close_to_tray.told) {
            let kept = self.change_settings(|settings| settings.close_to_tray.told = true);
            if kept.is_ok() {
                office.news.goes_on();
            }
        }
    }

    /// The tasks that end with the window.
    pub const fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Time since the program started.
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Tauri's handle; there is one from the window's set-up on.
    pub fn handle(&self) -> Option<&AppHandle> {
        self.handle.get()
    }

    /// The ground, once the profile could be opened.
    pub fn ground(&self) -> Result<&Arc<Ground>, WireError> {
        self.ground
            .get()
            .ok_or_else(|| WireError { code: ErrorCode::Internal, detail: "the profile is not open".to_owned() })
    }

    /// Where the program stands.
    pub fn status(&self) -> AppStatus {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The open office.
    ///
    /// # Errors
    /// [`ErrorCode::Database`] while the database is not ready.
    pub async fn office(&self) -> Result<Arc<Office>, WireError> {
        self.office
            .read()
            .await
            .clone()
            .ok_or_else(|| WireError { code: ErrorCode::Database, detail: "the database is not open yet".to_owned() })
    }

    /// Starts opening the office; the window shows how far it is.
    pub fn begin(self: &Arc<Self>, handle: AppHandle) {
        let _first = self.handle.set(handle);
        let desk = self.clone();
        self.tasks.spawn("start", Box::pin(desk.open()));
        let desk = self.clone();
        self.tasks.spawn("signals", async move { desk.exit_when_asked().await });
    }

    /// Tries to start again.
    pub fn retry(&self) {
        self.retry.notify_one();
    }

    /// Tries to start again where nothing is open; an open office keeps its database.
    pub async fn retry_unless_open(&self) {
        if self.office().await.is_err() {
            self.retry();
        }
    }

    /// Opens or makes the vault with what a person typed.
    pub async fn open_vault(&self, passphrase: SecretString) -> Result<(), WireError> {
        let secrets = self.ground()?.secrets(&self.places, Some(passphrase)).await;
        let secrets = secrets.map_err(|error| {
            let wrong = matches!(error, StartError::Secrets(SecretsError::WrongPassphrase));
            let code = if wrong { ErrorCode::WrongPassphrase } else { ErrorCode::Secrets };
            WireError { code, detail: skrynka_core::chain(&error) }
        })?;
        *self.secrets.lock().unwrap_or_else(PoisonError::into_inner) = Some(secrets);
        self.retry();
        Ok(())
    }

    /// Where things are that the command line decides.
    pub const fn places(&self) -> &Places {
        &self.places
    }

    /// Tries whether passwords can be kept: the vault that a person opened, or the keyring with an entry on trial.
    pub async fn try_secrets(&self) -> Result<SecretsView, WireError> {
        let ground = self.ground()?;
        let started = tokio::time::Instant::now();
        let opened = self.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let found = match opened {
            Some(secrets) => Opened::Ready(secrets),
            None => ground
                .look_at_secrets(&self.places)
                .await
                .map_err(|error| WireError { code: ErrorCode::Secrets, detail: skrynka_core::chain(&error) })?,
        };
        let (state, kind, reason) = match found {
            Opened::Ready(secrets) => (SecretsState::Ready, secrets.kind(), String::new()),
            Opened::Locked { secrets, reason } => (SecretsState::Locked, secrets.kind(), reason),
            Opened::NeedsPassphrase => (SecretsState::NeedsPassphrase, "", String::new()),
            Opened::NeedsVault { reason } => (SecretsState::NeedsVault, "", reason),
        };
        let ms = u32::try_from(ms(started.elapsed())).unwrap_or(u32::MAX);
        Ok(SecretsView { state, kind: kind.to_owned(), reason, ms })
    }

    /// The vault that a person opened, or what opens by itself.
    pub async fn secrets(&self, ground: &Ground) -> Result<Secrets, StartError> {
        let opened = self.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match opened {
            Some(secrets) => Ok(secrets),
            None => ground.secrets(&self.places, None).await,
        }
    }

    /// Remembers who follows the log; returns the number that ends it.
    pub fn add_follower(&self, stop: tokio_util::sync::CancellationToken) -> u32 {
        let mut followers = self.followers.lock().unwrap_or_else(PoisonError::into_inner);
        let number = followers.keys().max().map_or(1, |highest| highest + 1);
        followers.insert(number, stop);
        number
    }

    /// Ends following the log.
    pub fn remove_follower(&self, number: u32) {
        if let Some(stop) = self.followers.lock().unwrap_or_else(PoisonError::into_inner).remove(&number) {
            stop.cancel();
        }
    }

    /// Ends everything: listeners first, the database last.
    pub async fn end(&self) {
        // A start that is under way ends first, so that what it has started is known and can be stopped.
        self.tasks.shutdown(END_DEADLINE).await;
        let office = self.office.write().await.take();
        if let Some(office) = office {
            office.engine.shutdown().await;
            office.bureau.close().await;
        }
        tracing::info!(target: "skrynka::app", "Program ended");
        // The event loop ends the process, or starts another in its place, without dropping what waits in the log.
        if let Ok(ground) = self.ground() {
            ground.logbook.flush(FLUSH_LIMIT);
        }
    }

    async fn open(self: Arc<Self>) {
        let stop = self.tasks.stopping();
        let (office, journal) = loop {
            match self.try_open().await {
                Ok(Some((office, journal))) => break (Arc::new(office), journal),
                Ok(None) => self.set_status(AppStatus::FirstRun),
                Err(error) => {
                    tracing::warn!(target: "skrynka::app", error = skrynka_core::chain(&error), "Start stopped");
                    self.set_status(trouble(&error));
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.retry.notified() => {}
            }
        };
        *self.office.write().await = Some(office.clone());
        self.set_status(AppStatus::Ready);
        tracing::info!(target: "skrynka::app", ms = ms(self.age()), "Office opened");
        let watched = office.clone();
        let watch = async move { watched.bureau.watch_database().await };
        let work = async {
            tokio::join!(
                watch,
                self.listen_once_painted(&office),
                facts::pump(&self, &office, journal),
                notices::tell(&self, &office),
                notices::count(&self, &office),
                attention::watch(&self, &office),
                updates::watch(&self),
                async {
                    if let Ok(ground) = self.ground() {
                        backups::every_day(ground, &office.bureau).await;
                    }
                },
                watch_for_sleep(&office)
            )
        };
        tokio::select! {
            () = stop.cancelled() => {}
            ((), (), (), (), (), (), (), (), ()) = work => {}
        }
    }

    /// Lets the listeners begin when the inbox stands in the window, so that they do not hold it up; soon in any case.
    async fn listen_once_painted(&self, office: &Office) {
        let _painted_or_not = tokio::time::timeout(PAINTED, self.painted.wait()).await;
        office.engine.begin();
    }

    /// Opens the office; none while somebody has yet to choose where their things are kept.
    async fn try_open(&self) -> Result<Option<(Office, JournalReader)>, StartError> {
        let ground = match self.ground.get() {
            Some(ground) => ground.clone(),
            None => {
                let ground = Arc::new(Ground::open_for_window(&self.places)?);
                if ground.profile.is_new() {
                    ground.profile.change_settings(|settings| settings.first_run = Some(FirstRunStep::Language))?;
                }
                self.ground.get_or_init(|| ground).clone()
            }
        };
        match ground.profile.settings()?.first_run {
            Some(FirstRunStep::Language | FirstRunStep::Secrets | FirstRunStep::Data) => return Ok(None),
            Some(FirstRunStep::Adopt | FirstRunStep::Account) | None => {}
        }
        copies::sweep(&ground.profile, ground.clock.now().into());
        self.set_status(AppStatus::Starting { step: StartStep::Secrets });
        let secrets = self.secrets(&ground).await?;
        let step = |step| self.set_status(AppStatus::Starting { step });
        let restoring = self.restoring.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let bureau = match restoring {
            Some(file) => {
                let bureau = Bureau::connect(&ground, &self.places, secrets, &step).await?;
                step(StartStep::Migrating);
                if let Err(error) = backups::restore(&bureau, &file, false).await {
                    bureau.close().await;
                    return Err(StartError::Restore(Box::new(error)));
                }
                *self.restoring.lock().unwrap_or_else(PoisonError::into_inner) = None;
                bureau
            }
            None => Bureau::open(&ground, &self.places, secrets, step).await?,
        };
        self.set_status(AppStatus::Starting { step: StartStep::Accounts });
        let started = async {
            let journal = JournalReader::from_now(bureau.store.clone()).await?;
            let engine = bureau.listen_later("Skrynka").await?;
            engine.fetch_small_files(fetched_files_dir(&ground.profile));
            Ok::<_, StoreError>((engine, journal))
        };
        match started.await {
            Ok((engine, journal)) => Ok(Some((Office::new(bureau, engine), journal))),
            Err(error) => {
                bureau.close().await;
                Err(error.into())
            }
        }
    }

    /// Tells the window something without facts, and keeps it for the monitor.
    pub fn tell<E: tauri_specta::Event + serde::Serialize + Clone>(&self, name: &'static str, event: &E) {
        let Some(handle) = self.handle() else { return };
        if let Err(error) = event.emit(handle) {
            tracing::warn!(target: "skrynka::events", error = %error, "Event not sent");
            return;
        }
        let now = skrynka_core::clock::Clock::now(&skrynka_core::clock::SystemClock);
        self.monitor.sent(name, None, Told::default(), monitor::bytes(event), now);
    }

    fn set_status(&self, status: AppStatus) {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&status);
        self.tell("status_changed", &StatusChanged(status));
    }

    /// Ends the program when the system asks it to.
    async fn exit_when_asked(&self) {
        let stop = self.tasks.stopping();
        let asked = tokio::select! {
            () = stop.cancelled() => false,
            asked = crate::cli::asked_to_stop() => asked.is_ok(),
        };
        if asked && let Some(handle) = self.handle() {
            handle.exit(0);
        }
    }
}

/// Connections do not survive sleep, and timers do not count it: after it, everything connects anew.
async fn watch_for_sleep(office: &Office) {
    let clock = &office.bureau.clock;
    loop {
        let (before, started) = (clock.now(), tokio::time::Instant::now());
        tokio::time::sleep(Duration::from_secs(2)).await;
        let slept = clock.now() - before - time::Duration::try_from(started.elapsed()).unwrap_or_default();
        if slept > SLEPT {
            tracing::info!(target: "skrynka::app", seconds = slept.whole_seconds(), "Computer slept, connecting anew");
            office.engine.reconnect().await;
        }
    }
}

/// Says in the window's words why the office is not open.
fn trouble(error: &StartError) -> AppStatus {
    let detail = skrynka_core::chain(error);
    let code = match error {
        StartError::NeedsVault { reason } => return AppStatus::NeedsVault { exists: false, reason: reason.clone() },
        StartError::NeedsPassphrase => return AppStatus::NeedsVault { exists: true, reason: String::new() },
        StartError::Profile(_) | StartError::Log(_) | StartError::WindowOpen(_) => {
            return AppStatus::ProfileTrouble { detail };
        }
        StartError::Secrets(_) => DatabaseTroubleCode::SignIn,
        StartError::ServerUrl(_) | StartError::Restore(_) => DatabaseTroubleCode::Other,
        StartError::Postgres(error) => postgres_code(error),
        StartError::Store(error) => match error {
            StoreError::DiskFull(_) => DatabaseTroubleCode::DiskFull,
            StoreError::SchemaTooNew { .. } => DatabaseTroubleCode::SchemaTooNew,
            StoreError::SignIn(_) => DatabaseTroubleCode::SignIn,
            StoreError::Unreachable(_) => DatabaseTroubleCode::Unreachable,
            StoreError::Migration(_)
            | StoreError::Inconsistent(_)
            | StoreError::AccountExists(_)
            | StoreError::ShortcutTaken(_)
            | StoreError::OwnAccount
            | StoreError::NotFound(_)
            | StoreError::Refused(_)
            | StoreError::LeaseLost
            | StoreError::Spool(_) => DatabaseTroubleCode::Other,
        },
    };
    let since = stamp(skrynka_core::clock::Clock::now(&skrynka_core::clock::SystemClock));
    AppStatus::DatabaseTrouble { code, detail, since }
}

const fn postgres_code(error: &PostgresError) -> DatabaseTroubleCode {
    match error {
        PostgresError::BinariesMissing { .. } | PostgresError::BinariesUnusable { .. } => {
            DatabaseTroubleCode::BinariesMissing
        }
        PostgresError::NoPermission { .. } | PostgresError::OwnedByOther { .. } => DatabaseTroubleCode::NoPermission,
        PostgresError::DiskFull { .. } => DatabaseTroubleCode::DiskFull,
        PostgresError::OtherMajorVersion { .. } | PostgresError::Damaged { .. } => DatabaseTroubleCode::Damaged,
        PostgresError::PasswordLost | PostgresError::NoPassword | PostgresError::Secrets(_) => {
            DatabaseTroubleCode::SignIn
        }
        PostgresError::Connect(_) | PostgresError::NotReady { .. } | PostgresError::Busy { .. } => {
            DatabaseTroubleCode::Unreachable
        }
        PostgresError::InitFailed { .. }
        | PostgresError::Socket { .. }
        | PostgresError::Unsafe { .. }
        | PostgresError::Io { .. } => DatabaseTroubleCode::Other,
    }
}

/// Whole milliseconds, for the log.
pub fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
