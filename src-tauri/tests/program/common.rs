//! The real program on a profile of its own, as a user runs it.
use std::{
    io::Write as _,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;
use skrynka_core::{
    clock::{Clock as _, SystemClock},
    postgres::{Cluster, ClusterOptions, testing::scratch_folder},
    profile::Profile as CoreProfile,
    secrets::{self, Opened},
    store::Store,
};

/// The password of every mailbox of the lab, and the canary that may stand nowhere.
pub const PASSWORD: &str = "пароль-canary-7f3a9";

/// A profile with a vault that opens by itself.
pub struct Profile {
    folder: tempfile::TempDir,
    key: PathBuf,
}

impl Profile {
    pub fn new() -> Self {
        let folder = scratch_folder();
        // The server of a test that runs as root must reach the profile, or its data would stand elsewhere.
        let profile = folder.path().join("profile");
        std::fs::create_dir(&profile).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&profile, std::fs::Permissions::from_mode(0o711)).unwrap();
        }
        let key = folder.path().join("vault.key");
        std::fs::write(&key, "a key for tests that opens one throw-away vault").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        Self { folder, key }
    }

    /// The file that opens the vault.
    pub fn key(&self) -> PathBuf {
        self.key.clone()
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("profile")
    }

    /// The program with this profile and these arguments.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_skrynka"));
        command.args(arguments).arg("--profile").arg(self.path()).arg("--vault-key-file").arg(&self.key);
        command.stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs the program, which must succeed, and returns the records that it printed.
    pub fn records(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Runs the program with something on standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Adds a mailbox without TLS on a loopback port; returns the account's id.
    pub fn add_mailbox(&self, address: &str, imap: std::net::SocketAddr, smtp: std::net::SocketAddr) -> String {
        let arguments = add_arguments(address, &imap.to_string(), &smtp.to_string());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = self.run_with_input(&arguments, &format!(r#"{{"password": "{PASSWORD}"}}"#));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let record: Value = serde_json::from_slice(&output.stdout).unwrap();
        record["id"].as_str().unwrap().to_owned()
    }

    /// Starts listening in the background.
    pub fn listen(&self, arguments: &[&str], kill_at: Option<&str>) -> Child {
        let mut command = self.command(&[&["listen", "--json"], arguments].concat());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(place) = kill_at {
            command.env("SKRYNKA_KILL_AT", place);
        }
        command.spawn().unwrap()
    }

    /// A way into the profile's database, and what keeps the database running whoever dies.
    pub async fn attach(&self) -> (Cluster, Store) {
        let core = CoreProfile::open(Some(&self.path()), SystemClock.now()).unwrap();
        let mut options = secrets::OpenOptions::new(&core);
        options.vault_key_file = Some(self.key());
        let Opened::Ready(secrets) = secrets::open(options).await.unwrap() else { panic!("the vault is not open") };
        let cluster = Cluster::start(ClusterOptions::new(core.root(), secrets)).await.unwrap();
        let store = Store::connect(&cluster.connect_options()).await.unwrap();
        (cluster, store)
    }

    /// The process id of the private database server, if one runs.
    pub fn postmaster(&self) -> Option<i32> {
        let text = std::fs::read_to_string(self.path().join("postgres/data/postmaster.pid")).ok()?;
        text.lines().next()?.parse().ok()
    }
}

/// The arguments that add a mailbox without TLS on loopback.
pub fn add_arguments(address: &str, imap: &str, smtp: &str) -> Vec<String> {
    let fixed = [
        "account",
        "add",
        "email",
        "--json",
        "--name",
        "Бюро",
        "--address",
        address,
        "--user",
        address,
        "--imap",
        imap,
        "--imap-security",
        "loopback_plain",
        "--smtp",
        smtp,
        "--smtp-security",
        "loopback_plain",
        "--secrets-stdin",
    ];
    fixed.map(str::to_owned).into()
}

/// Writes a figure for the table that `cargo xtask test` ends with.
#[expect(clippy::print_stdout, reason = "the figure is what a person runs one of these tests for")]
pub fn evidence(promise: &str, test: &str, figure: &str) {
    skrynka_lab::evidence::note(promise, test, figure).unwrap();
    println!("{promise} | {test} | {figure}");
}
