//! Making the cluster, once and whole, and the app's role in it.
//!
//! The superuser gets a random password that nobody keeps: over the socket only the app's role can sign in. What needs
//! a superuser (the role, its database, a new password) is done in single-user mode while the server is stopped; the
//! statements go over standard input, so that no password stands in an argument, an environment or a log.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use rand::distr::{Alphanumeric, SampleString as _};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{io::AsyncWriteExt as _, process::Command};

use super::{
    binaries::Binaries,
    error::PostgresError,
    home::{self, Home},
    server::{SAFETY, last_lines},
};

/// The app's role and its database.
pub(super) const ROLE: &str = "skrynka";
/// How long `initdb` or a single-user session may take.
const DEADLINE: Duration = Duration::from_secs(180);

/// Makes a password that needs no escaping anywhere: 40 letters and digits, 238 bits.
pub(super) fn new_password() -> SecretString {
    Alphanumeric.sample_string(&mut rand::rng(), 40).into()
}

/// Makes the cluster in a folder beside the final one that takes its name once it is whole. An interrupted attempt
/// leaves an unfinished folder, which the next start removes.
pub(super) async fn create(
    home: &Home,
    binaries: &Binaries,
    password: &SecretString,
    may_create_databases: bool,
) -> Result<(), PostgresError> {
    let staging = home::unfinished().tempdir_in(&home.dir).map_err(PostgresError::at(&home.dir))?;
    let data = staging.path();
    home.run_as.give(data).map_err(PostgresError::at(data))?;
    initdb(home, binaries, data).await?;
    let may = if may_create_databases { "CREATEDB" } else { "NOCREATEDB" };
    let statements = format!(
        "CREATE ROLE {ROLE} LOGIN NOSUPERUSER {may} NOCREATEROLE NOREPLICATION PASSWORD '{}'\n\
         CREATE DATABASE {ROLE} OWNER {ROLE} TEMPLATE template0\n",
        password.expose_secret()
    );
    single_user(home, binaries, data, statements.into()).await?;
    let finished = home.data();
    // `rename` replaces an empty folder on Unix only.
    let _ = fs::remove_dir(&finished);
    fs::rename(staging.keep(), &finished).map_err(PostgresError::at(&finished))?;
    sync_folder(&home.dir)
}

/// Gives the app's role a new password. The server must be stopped.
pub(super) async fn reset_password(
    home: &Home,
    binaries: &Binaries,
    password: &SecretString,
) -> Result<(), PostgresError> {
    let statement = format!("ALTER ROLE {ROLE} PASSWORD '{}'\n", password.expose_secret());
    single_user(home, binaries, &home.data(), statement.into()).await
}

async fn initdb(home: &Home, binaries: &Binaries, data: &Path) -> Result<(), PostgresError> {
    let password_file = superuser_password(home)?;
    let mut command = binaries.command("initdb", home.run_as, &home.dir);
    command
        .arg("--pgdata")
        .arg(data)
        .arg("--pwfile")
        .arg(password_file.path())
        .args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin"])
        .args(["--locale=C.UTF-8", "--data-checksums", "--no-instructions"])
        .stdin(Stdio::null());
    let output = finish(command, None).await?;
    judge(home, &output)
}

/// A 0600 file that only the server's user can read and that goes away with the returned handle.
fn superuser_password(home: &Home) -> Result<tempfile::NamedTempFile, PostgresError> {
    let at = || PostgresError::at(&home.dir);
    let mut file = home::unfinished().tempfile_in(&home.dir).map_err(at())?;
    file.write_all(new_password().expose_secret().as_bytes()).map_err(at())?;
    home.run_as.give(file.path()).map_err(at())?;
    Ok(file)
}

async fn single_user(
    home: &Home,
    binaries: &Binaries,
    data: &Path,
    statements: SecretString,
) -> Result<(), PostgresError> {
    let mut command = binaries.command("postgres", home.run_as, &home.dir);
    command.arg("--single").arg("-D").arg(data);
    // An error in a statement would otherwise only be printed.
    for setting in SAFETY.iter().chain(&["exit_on_error=on"]) {
        command.args(["-c", setting]);
    }
    command.arg("postgres").stdin(Stdio::piped());
    let output = finish(command, Some(statements)).await?;
    judge(home, &output)
}

async fn finish(mut command: Command, input: Option<SecretString>) -> Result<Output, PostgresError> {
    let program = PathBuf::from(command.as_std().get_program());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(PostgresError::at(&program))?;
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        // A program that ends early breaks the pipe; its own words, judged by the caller, tell why.
        let _ = stdin.write_all(input.expose_secret().as_bytes()).await;
    }
    match tokio::time::timeout(DEADLINE, child.wait_with_output()).await {
        Ok(output) => output.map_err(PostgresError::at(program)),
        Err(_) => Err(PostgresError::NotReady { waited: DEADLINE, log: "initdb did not finish".to_owned() }),
    }
}

fn judge(home: &Home, output: &Output) -> Result<(), PostgresError> {
    if output.status.success() {
        return Ok(());
    }
    let stderr = last_lines(&String::from_utf8_lossy(&output.stderr));
    if stderr.contains("No space left on device") {
        let free = home::free_bytes(&home.dir).unwrap_or(0);
        return Err(PostgresError::DiskFull { path: home.dir.clone(), free, needed: home::ROOM_TO_CREATE });
    }
    Err(PostgresError::InitFailed { stderr })
}

/// Makes the new name of the data folder survive a power cut.
fn sync_folder(folder: &Path) -> Result<(), PostgresError> {
    if cfg!(unix) {
        fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(PostgresError::at(folder))?;
    }
    Ok(())
}
