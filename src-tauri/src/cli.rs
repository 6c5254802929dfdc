//! The command line: the same program without a window, for servers, scripts, support and tests.

mod account;
mod adopt;
mod backup;
mod database;
mod doctor;
mod export;
mod listen;
mod logs;
mod migrate;
mod output;
mod person;
mod report;
mod search;
mod send;
mod service;
mod telegram;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

use self::output::Output;
pub use self::{listen::asked_to_stop, output::failed};
use crate::wiring::{Bureau, Ground, Places, bundled_postgres};

/// Every Telegram account and every mailbox of a translation bureau in one live inbox.
#[derive(Debug, Parser)]
#[command(name = "skrynka", version, about, long_about = None)]
pub struct Arguments {
    #[command(flatten)]
    pub common: Common,
    /// Without a command, the window opens.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// The profile folder (default: the operating system's application data folder).
    #[arg(long, global = true, value_name = "DIR")]
    pub profile: Option<PathBuf>,
    /// A file (0600) whose content opens the passphrase vault.
    #[arg(long, global = true, value_name = "FILE")]
    pub vault_key_file: Option<PathBuf>,
    /// Print one JSON object a line.
    #[arg(long, global = true)]
    pub json: bool,
    /// Whether a profile folder that was named must be there already.
    #[arg(skip)]
    existing: bool,
}

impl Common {
    /// Where things are that the command line decides.
    pub fn places(&self) -> Places {
        Places {
            profile: self.profile.clone(),
            vault_key_file: self.vault_key_file.clone(),
            postgres: bundled_postgres(),
            existing: self.existing,
        }
    }

    /// The same for a command that only looks at what is there: a mistyped folder gets no profile.
    fn existing(&self) -> Self {
        Self { existing: true, ..self.clone() }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Listen to every enabled account until SIGTERM or SIGINT.
    Listen {
        /// End once every account has caught up.
        #[arg(long)]
        until_idle: bool,
    },
    /// Add, list, test, switch and remove accounts.
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Choose the database.
    #[command(subcommand)]
    Database(database::DatabaseCommand),
    /// Print what is stored.
    #[command(subcommand)]
    Export(export::ExportCommand),
    /// Send a text and wait until it is sent or cannot be.
    Send(send::SendArguments),
    /// Find messages, newest first.
    Search(search::SearchArguments),
    /// Bring the schema up to date, or put the old system's table right.
    Migrate(migrate::MigrateArguments),
    /// Take over the database of the old web CRM: accounts, conversations, messages, files, clients and notes. What would
    /// come over is told first; a second run brings what is new since.
    Adopt(adopt::AdoptArguments),
    /// Look at everything that can be wrong, and say what would repair it.
    Doctor(doctor::DoctorArguments),
    /// Write a support report: an archive without names, addresses and secrets, to be read before it is handed on.
    Report(report::ReportArguments),
    /// Write everything that the private database holds into one file, while it is used.
    Backup(backup::BackupArguments),
    /// Fill a profile's private database from such a file.
    Restore(backup::RestoreArguments),
    /// Remove what is kept of a person who asks for it.
    #[command(subcommand)]
    Person(person::PersonCommand),
    /// Read the log.
    Logs(logs::LogsArguments),
    /// Listen without anybody signed in: install, remove, look.
    #[command(subcommand)]
    Service(service::ServiceCommand),
}

/// Runs one command. Exit 0: done; 1: failed, with the reason on standard error; 2: wrong usage.
pub fn run(common: Common, command: Command) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error).context("The program could not start")),
    };
    match runtime.block_on(dispatch(common, command)) {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

async fn dispatch(common: Common, command: Command) -> anyhow::Result<ExitCode> {
    let output = Output::new(common.json);
    match command {
        Command::Listen { until_idle } => listen::run(&common, output, until_idle).await,
        Command::Account(command) => account::run(&common, output, command).await,
        Command::Database(command) => database::run(&common, output, command).await,
        Command::Export(command) => export::run(&common.existing(), output, command).await,
        Command::Send(arguments) => send::run(&common.existing(), output, arguments).await,
        Command::Search(arguments) => search::run(&common.existing(), output, arguments).await,
        Command::Migrate(arguments) => migrate::run(&common, output, arguments).await,
        Command::Adopt(arguments) => adopt::run(&common, output, arguments).await,
        Command::Doctor(arguments) => doctor::run(&common.existing(), output, arguments).await,
        Command::Report(arguments) => report::run(&common.existing(), output, arguments).await,
        Command::Backup(arguments) => backup::back_up(&common.existing(), output, arguments).await,
        Command::Restore(arguments) => backup::restore(&common, output, arguments).await,
        Command::Person(command) => person::run(&common.existing(), output, command).await,
        Command::Logs(arguments) => logs::run(&common, output, arguments).await,
        Command::Service(command) => service::run(&common, output, command).await,
    }
}

/// Writes into the log why a command fails, while there is a log: it ends with the ground.
fn noted<T>(result: anyhow::Result<T>) -> anyhow::Result<T> {
    if let Err(error) = &result
        && !output::is_closed_pipe(error)
    {
        tracing::error!(target: "skrynka::app", error = format!("{error:#}"), "Command failed");
    }
    result
}

/// The database of a command that is about to use it.
struct Session {
    ground: Ground,
    bureau: Bureau,
}

impl Session {
    /// Opens the profile, the secrets and the database, and brings the schema up to date.
    async fn open(common: &Common) -> anyhow::Result<Self> {
        let places = common.places();
        let ground = Ground::open(&places)?;
        let opened = async {
            let secrets = ground.secrets(&places, None).await?;
            Bureau::open(&ground, &places, secrets, |_| {}).await
        };
        let bureau = noted(opened.await.map_err(anyhow::Error::from))?;
        Ok(Self { ground, bureau })
    }

    /// Runs `work` and leaves the database, whatever became of the work.
    async fn with<T>(common: &Common, work: impl AsyncFnOnce(&Self) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let session = Self::open(common).await?;
        let result = noted(work(&session).await);
        session.bureau.close().await;
        result
    }
}
