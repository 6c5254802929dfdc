//! Listening as a service: the definition is one that systemd takes, its program says when it is ready, a kill costs a
//! start and nothing else, and nobody is asked for anything.

use std::{
    io,
    os::unix::net::UnixDatagram,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use super::common::Profile;

/// A first start makes the database; a machine under load takes its time for that.
const PATIENCE: Duration = Duration::from_secs(120);

/// The words of a unit's command line.
fn command_of(unit: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(unit).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    line.split('"')
        .map(str::trim)
        .flat_map(|part| if part.starts_with('/') { vec![part] } else { part.split(' ').collect() })
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Starts what the unit starts, and waits until it says that it is ready.
fn start(command: &[String], socket: &UnixDatagram, address: &Path) -> Child {
    let mut program = Command::new(&command[0]);
    program.args(&command[1..]).env("NOTIFY_SOCKET", address).stdin(Stdio::null()).stdout(Stdio::null());
    let child = program.spawn().unwrap();
    assert_eq!(hear(socket).unwrap(), "READY=1");
    child
}

fn hear(socket: &UnixDatagram) -> io::Result<String> {
    let mut word = [0; 256];
    let length = socket.recv(&mut word)?;
    Ok(String::from_utf8_lossy(&word[..length]).trim().to_owned())
}

fn tell(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn a_service_is_ready_survives_a_kill_and_opens_its_vault_by_itself() {
    let profile = Profile::new();
    let settings = tempfile::tempdir().unwrap();
    let manage = |arguments: &[&str]| {
        let output = profile.command(arguments).env("XDG_CONFIG_HOME", settings.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    manage(&["service", "install", "--no-start"]);
    let unit = settings.path().join("systemd/user/skrynka.service");
    let verified = Command::new("systemd-analyze")
        .args(["--user", "--recursive-errors=one", "verify"])
        .arg(&unit)
        .env("XDG_RUNTIME_DIR", settings.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success() && !said.contains("skrynka.service"), "{said}");

    let address = settings.path().join("notify");
    let socket = UnixDatagram::bind(&address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let command = command_of(&unit);
    let mut first = start(&command, &socket, &address);
    tell(&first, Signal::KILL);
    first.wait().unwrap();
    let server = profile.postmaster().unwrap();

    let mut second = start(&command, &socket, &address);
    assert_eq!(profile.postmaster(), Some(server), "the second did not attach to the first one's database");
    tell(&second, Signal::TERM);
    assert_eq!(hear(&socket).unwrap(), "STOPPING=1");
    assert!(second.wait().unwrap().success());
    assert_eq!(profile.postmaster(), None, "the last one out left the database running");
}
