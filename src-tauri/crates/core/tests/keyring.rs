//! The keyring against a real gnome-keyring, one of its own for each test.
//!
//! Which keyring a process talks to is decided by its environment. So each test runs itself again in a process with
//! a home folder and a session bus of its own, and the inner run does the work.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::{
    env, fs,
    io::Write,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use secrecy::ExposeSecret;
use skrynka_core::{
    model::AccountId,
    secrets::{
        OpenOptions, Opened, SecretKind, SecretName, SecretStore, SecretsError,
        keyring::{Keyring, Probe},
        open,
    },
};
use uuid::Uuid;

const INSIDE: &str = "SKRYNKA_TEST_INSIDE";
const INSTALL: Uuid = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001);
/// Long enough for an answer on a busy machine, short enough to wait for when there is none.
const LIMIT: Duration = Duration::from_secs(3);

#[derive(Clone, Copy)]
enum Bus {
    /// A session bus that can start no service by itself.
    Bare,
    /// No session bus at all.
    None,
}

/// Runs the named test again with a home and bus of its own; tells whether this already is that run.
fn inside(test: &str, bus: Bus) -> bool {
    if env::var_os(INSIDE).is_some() {
        return true;
    }
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("bus.conf");
    fs::write(&config, BUS).unwrap();
    let mut command = match bus {
        Bus::None => Command::new(env::current_exe().unwrap()),
        Bus::Bare => {
            let mut command = Command::new("dbus-run-session");
            command.arg("--config-file").arg(&config).arg("--").arg(env::current_exe().unwrap());
            command
        }
    };
    let run = home.path().join("run");
    fs::create_dir_all(home.path().join(".local/share/keyrings")).unwrap();
    fs::create_dir(&run).unwrap();
    let output = command
        .args([test, "--exact", "--nocapture"])
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env_remove("DISPLAY")
        .envs([("HOME", home.path()), ("XDG_RUNTIME_DIR", &run), (INSIDE, Path::new("1"))])
        .env("XDG_DATA_HOME", home.path().join(".local/share"))
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    false
}

const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><keep_umask/><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>"#;

/// A running gnome-keyring; killed when dropped.
struct Daemon(Child);

impl Daemon {
    fn start(password: Option<&str>) -> Self {
        let mut command = Command::new("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]).stdout(Stdio::null()).stderr(Stdio::null());
        if password.is_some() {
            command.arg("--unlock");
        }
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(password.unwrap_or_default().as_bytes()).unwrap();
        drop(input);
        let daemon = Self(child);
        let wait = ["wait", "--session", "--timeout", "20", "org.freedesktop.secrets"];
        assert!(Command::new("gdbus").args(wait).status().unwrap().success(), "the keyring has not started");
        daemon
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn keyring() -> Keyring {
    Keyring::new(INSTALL).with_time_limit(LIMIT)
}

fn name(number: u128) -> SecretName {
    SecretName { kind: SecretKind::MailPassword, account: AccountId(Uuid::from_u128(number)) }
}

async fn value(keyring: &Keyring, name: SecretName) -> Option<String> {
    keyring.get(name).await.unwrap().map(|value| value.expose_secret().to_owned())
}

fn options(dir: &Path) -> OpenOptions {
    OpenOptions {
        install: INSTALL,
        vault_file: dir.join("vault.json"),
        keyring_mark: dir.join("keyring.used"),
        database_dir: dir.join("postgres"),
        vault_key_file: None,
        passphrase: None,
    }
}

#[tokio::test]
async fn a_secret_is_kept_for_the_next_start_and_its_name_tells_no_address() {
    if !inside("a_secret_is_kept_for_the_next_start_and_its_name_tells_no_address", Bus::Bare) {
        return;
    }
    let _daemon = Daemon::start(Some("testpw"));
    let first = keyring();
    assert_eq!(first.probe().await, Probe::Available);
    assert_eq!(value(&first, name(1)).await, None);
    for text in ["пароль \"🔑\"".to_owned(), "second".to_owned(), "x".repeat(64 * 1024)] {
        first.set(name(1), text.clone().into()).await.unwrap();
        assert_eq!(value(&keyring(), name(1)).await, Some(text));
    }
    let search = ["search", "--all", "service", "dev.skrynka.desktop"];
    let found = Command::new("secret-tool").args(search).output().unwrap();
    let attributes = String::from_utf8_lossy(&found.stderr).into_owned();
    let user = format!("v1/{INSTALL}/mail-password/{}", name(1).account);
    assert!(attributes.contains(&user), "{attributes}");

    first.remove(name(1)).await.unwrap();
    first.remove(name(1)).await.unwrap();
    assert_eq!(value(&first, name(1)).await, None);
    let dir = tempfile::tempdir().unwrap();
    let Opened::Ready(opened) = open(options(dir.path())).await.unwrap() else { panic!("the keyring answers") };
    assert_eq!(opened.kind(), "keyring");
}

#[tokio::test]
async fn without_a_session_bus_a_vault_is_offered_with_the_reason() {
    if !inside("without_a_session_bus_a_vault_is_offered_with_the_reason", Bus::None) {
        return;
    }
    no_service().await;
}

#[tokio::test]
async fn a_bus_without_a_keyring_service_offers_a_vault_with_the_reason() {
    if !inside("a_bus_without_a_keyring_service_offers_a_vault_with_the_reason", Bus::Bare) {
        return;
    }
    no_service().await;
}

async fn no_service() {
    let keyring = keyring();
    assert!(matches!(keyring.probe().await, Probe::NoService(reason) if !reason.is_empty()));
    assert!(matches!(keyring.get(name(1)).await, Err(SecretsError::NoKeyring(_))));
    assert!(matches!(keyring.set(name(1), "x".into()).await, Err(SecretsError::NoKeyring(_))));
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(open(options(dir.path())).await.unwrap(), Opened::NeedsVault { .. }));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is written without being asked");
}

#[tokio::test]
async fn a_locked_keyring_says_so_in_time_and_works_once_it_is_unlocked() {
    if !inside("a_locked_keyring_says_so_in_time_and_works_once_it_is_unlocked", Bus::Bare) {
        return;
    }
    let unlocked = Daemon::start(Some("testpw"));
    let keyring = keyring();
    assert_eq!(keyring.probe().await, Probe::Available);
    keyring.set(name(1), "kept".into()).await.unwrap();
    drop(unlocked);

    let locked = Daemon::start(None);
    let get = keyring.get(name(1)).await;
    assert!(matches!(get, Err(SecretsError::Locked(_))), "{:?}", get.err());
    let set = keyring.set(name(2), "new".into()).await;
    assert!(matches!(set, Err(SecretsError::Locked(_))), "{set:?}");
    assert!(matches!(keyring.probe().await, Probe::Locked(_)));
    drop(locked);

    let _unlocked = Daemon::start(Some("testpw"));
    assert_eq!(value(&keyring, name(1)).await.as_deref(), Some("kept"));
    assert_eq!(value(&keyring, name(2)).await, None);
}

#[tokio::test]
async fn a_keyring_that_died_and_came_back_works_without_a_restart() {
    if !inside("a_keyring_that_died_and_came_back_works_without_a_restart", Bus::Bare) {
        return;
    }
    let first = Daemon::start(Some("testpw"));
    let keyring = keyring();
    keyring.set(name(1), "kept".into()).await.unwrap();
    drop(first);
    let gone = keyring.get(name(1)).await;
    assert!(matches!(gone, Err(SecretsError::NoKeyring(_))), "{:?}", gone.err());
    let _second = Daemon::start(Some("testpw"));
    assert_eq!(value(&keyring, name(1)).await.as_deref(), Some("kept"));
}

/// A daemon that is stopped takes calls and answers none, as one does that waits for a person.
#[tokio::test]
async fn a_keyring_that_hangs_holds_up_no_caller_and_takes_few_threads() {
    if !inside("a_keyring_that_hangs_holds_up_no_caller_and_takes_few_threads", Bus::Bare) {
        return;
    }
    let daemon = Daemon::start(Some("testpw"));
    let keyring = keyring();
    keyring.set(name(1), "kept".into()).await.unwrap();
    let threads = || fs::read_dir("/proc/self/task").unwrap().count();
    let before = threads();
    daemon.signal(Signal::STOP);
    for _ in 0..3 {
        let calls = (0..20).map(|_| keyring.get(name(1)));
        for answer in futures_util::future::join_all(calls).await {
            assert!(matches!(answer, Err(SecretsError::Locked(_))), "{:?}", answer.err());
        }
    }
    assert!(threads() <= before + 24, "{} threads, {before} before", threads());
    daemon.signal(Signal::CONT);
    // The calls that hung are answered first, each on a thread of its own.
    let mut answer = keyring.get(name(1)).await;
    while matches!(answer, Err(SecretsError::Locked(_))) {
        tokio::task::yield_now().await;
        answer = keyring.get(name(1)).await;
    }
    assert_eq!(answer.unwrap().unwrap().expose_secret(), "kept");
}
