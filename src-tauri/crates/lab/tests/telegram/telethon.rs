//! Telethon, unmodified, in a private environment: the witness that nobody here wrote.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use skrynka_lab::telegram::UserId;

use crate::scenario::{Client, Event};

const PINNED: [&str; 2] = ["telethon==1.45.0", "cryptg==0.6.0"];

pub struct Telethon {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Telethon {
    /// Starts it with a session string, after making its environment if this is the first time.
    pub fn start(session: &str) -> Result<Self, String> {
        let python = environment()?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/telegram/witness.py");
        let mut child = Command::new(python)
            .arg(script)
            .arg(session)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Ok(Self { child, input, output })
    }

    fn ask(&mut self, command: &Value) -> Value {
        writeln!(self.input, "{command}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let mut answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer["error"], Value::Null, "{command}");
        answer["ok"].take()
    }
}

impl Drop for Telethon {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// Returns the Python of the private environment.
fn environment() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(PINNED.join("-").replace("==", "-"));
    let python = folder.join("bin/python");
    if folder.join("complete").exists() {
        return Ok(python);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", "cryptg"];
    run(Command::new(&python).args(pip).args(PINNED))?;
    std::fs::write(folder.join("complete"), "").map_err(|error| error.to_string())?;
    Ok(python)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

impl Client for Telethon {
    fn authorised(&mut self) -> bool {
        self.ask(&json!({"do": "authorised"})) == true
    }

    fn me(&mut self) -> (i64, String) {
        serde_json::from_value(self.ask(&json!({"do": "me"}))).unwrap()
    }

    fn dialogs(&mut self) -> Vec<String> {
        serde_json::from_value(self.ask(&json!({"do": "dialogs"}))).unwrap()
    }

    fn history(&mut self, user: UserId) -> Vec<String> {
        serde_json::from_value(self.ask(&json!({"do": "history", "user": user.0}))).unwrap()
    }

    fn listen(&mut self) {}

    fn next(&mut self, wait: Duration) -> Option<Event> {
        serde_json::from_value(self.ask(&json!({"do": "next", "seconds": wait.as_secs_f64()}))).unwrap()
    }

    fn reply(&mut self, text: &str) -> i32 {
        serde_json::from_value(self.ask(&json!({"do": "reply", "text": text}))).unwrap()
    }

    fn send(&mut self, user: UserId, text: &str) -> i32 {
        serde_json::from_value(self.ask(&json!({"do": "send", "user": user.0, "text": text}))).unwrap()
    }

    fn edit(&mut self, user: UserId, id: i32, text: &str) {
        self.ask(&json!({"do": "edit", "user": user.0, "id": id, "text": text}));
    }

    fn delete(&mut self, user: UserId, id: i32) {
        self.ask(&json!({"do": "delete", "user": user.0, "id": id}));
    }

    fn forward(&mut self, user: UserId, id: i32, to: UserId) -> i32 {
        serde_json::from_value(self.ask(&json!({"do": "forward", "user": user.0, "id": id, "to": to.0}))).unwrap()
    }

    fn upload(&mut self, user: UserId, path: &Path) -> i32 {
        serde_json::from_value(self.ask(&json!({"do": "upload", "user": user.0, "path": path}))).unwrap()
    }

    fn download(&mut self, user: UserId, id: i32, path: &Path) {
        self.ask(&json!({"do": "download", "user": user.0, "id": id, "path": path}));
    }

    fn read(&mut self, user: UserId) {
        self.ask(&json!({"do": "read", "user": user.0}));
    }
}
