//! The lab's program answers its line protocol and leaves nothing behind.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};
use skrynka_lab::imap::Imap;

struct Lab {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    endpoints: Value,
}

impl Lab {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_skrynka-lab"))
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let endpoints = read(&mut output);
        Self { child, input, output, endpoints }
    }

    fn ask(&mut self, command: &Value) -> Value {
        writeln!(self.input, "{command}").unwrap();
        read(&mut self.output)
    }

    fn sign_in(&self, user: &str, password: &str) -> Imap {
        Imap::sign_in(self.endpoints["imap"].as_str().unwrap().parse().unwrap(), user, password).unwrap()
    }
}

fn read(output: &mut BufReader<ChildStdout>) -> Value {
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

#[test]
fn fills_a_bureau_and_lets_a_customer_write() {
    let mut lab = Lab::start();
    let filled =
        lab.ask(&json!({"id": 1, "do": "fill_bureau", "count": 90, "seed": 5, "until": "2025-06-01T12:00:00Z"}));
    assert_eq!(filled["id"], 1);
    let mailboxes = filled["ok"].as_array().unwrap().clone();
    assert_eq!(mailboxes.iter().map(|mailbox| mailbox["mails"].as_u64().unwrap()).sum::<u64>(), 90);
    let user = mailboxes[1]["user"].as_str().unwrap();
    let count = |lab: &mut Lab, folder: &str| {
        lab.ask(&json!({"do": "flags", "user": user, "folder": folder}))["ok"].as_object().unwrap().len()
    };
    let before = count(&mut lab, "INBOX");
    assert_eq!(before + count(&mut lab, "Sent"), 30);
    let written = lab.ask(&json!({"do": "customer_writes", "mailbox": 1, "now": "2025-06-01T12:00:00Z"}));
    assert!(written["ok"]["subject"].is_string(), "{written}");
    assert_eq!(count(&mut lab, "INBOX"), before + 1);
}

#[test]
fn faults_can_be_switched_and_errors_are_told() {
    let mut lab = Lab::start();
    lab.ask(&json!({"do": "add_user", "user": "olena", "password": "pw"}));
    lab.ask(&json!({"do": "fill_ledger", "user": "olena", "count": 50, "received": "2025-01-01T00:00:00Z"}));
    let mut imap = lab.sign_in("olena", "pw");
    assert!(imap.command("SELECT INBOX").unwrap().contains(&"* 50 EXISTS".to_owned()));
    assert_eq!(lab.ask(&json!({"do": "traffic"}))["ok"]["open"], 1);
    lab.ask(&json!({"do": "proxy", "mode": "reset"}));
    assert!(imap.command("NOOP").is_err());
    assert_eq!(lab.ask(&json!({"id": 9, "do": "proxy", "mode": {"cut_after": 100}}))["ok"], Value::Null);
    let error = lab.ask(&json!({"id": 10, "do": "expunge", "user": "nobody", "folder": "INBOX", "uid": 1}));
    assert!(error["id"] == 10 && error["error"].as_str().unwrap().contains("doveadm"), "{error}");
    assert!(lab.ask(&json!({"do": "no such thing"}))["error"].is_string());
}

#[test]
fn leaves_nothing_behind_when_it_is_killed() {
    let mut lab = Lab::start();
    let folder = Path::new(lab.endpoints["ca_file"].as_str().unwrap()).parent().unwrap().to_owned();
    let address = lab.endpoints["imap_direct"].as_str().unwrap().to_owned();
    lab.child.kill().unwrap();
    lab.child.wait().unwrap();
    while folder.exists() {
        std::thread::yield_now();
    }
    while std::net::TcpStream::connect(&address).is_ok() {
        std::thread::yield_now();
    }
}

#[test]
fn ends_when_its_input_closes() {
    let mut lab = Lab::start();
    drop(lab.input);
    assert!(lab.child.wait().unwrap().success());
    assert!(!Path::new(lab.endpoints["ca_file"].as_str().unwrap()).exists());
}

#[test]
fn telegram_starts_with_the_first_question_and_plays_the_demo() {
    let mut lab = Lab::start();
    let mut ask = |ask: Value| lab.ask(&json!({"do": "telegram", "ask": ask}))["ok"].take();
    assert_eq!(ask(json!("endpoints")).as_object().unwrap().len(), 5);
    let demo = ask(json!({"demo": {"until": "2026-11-22T12:00:00Z"}}));
    assert_eq!(demo["accounts"].as_array().unwrap().len(), 2);
    assert_eq!(demo["accounts"][0]["telethon"].as_str().unwrap().len(), 353);
    let written = ask(json!("customer_writes"));
    let account = demo["accounts"][0]["account"].to_string();
    assert!(written["ids"][&account].as_i64().unwrap() > 10, "{written}");
    let file = json!({"document": {"name": "a.txt", "mime": "text/plain", "bytes": "aGVsbG8="}});
    let (from, to) = (&demo["customers"][2], json!({"user": demo["accounts"][1]["account"]}));
    let sent = ask(json!({"send": {"from": from, "chat": to, "text": "A file", "push": "silent", "file": file}}));
    assert_eq!(ask(json!({"edit": {"message": sent["message"], "text": "The file"}})), Value::Null);
    assert_eq!(ask(json!({"delete": {"messages": [sent["message"]]}})), Value::Null);
    assert_eq!(ask(json!("cut")), 0);
    let stats = ask(json!("stats"));
    assert!(stats["online"] == 0 && stats["complaints"] == json!([]), "{stats}");
    assert!(lab.ask(&json!({"do": "telegram", "ask": "no such thing"}))["error"].is_string());
}
