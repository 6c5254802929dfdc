//! The support report: what it tells, and that nothing in it tells who anybody is.

use std::fs;

use base64::{Engine as _, engine::general_purpose};
use serde_json::{Value, json};
use skrynka_lab::{Dovecot, Options, SmtpSink, authority::Authority};

use crate::{
    canaries::{Wanted, unpack},
    common::{PASSWORD, Profile, add_arguments, evidence},
};

const ADDRESS: &str = "canary.notary@bureau-lviv.example";
const ACCOUNT: &str = "Canary Notary Desk";
const UKRAINIAN: &str = "Договір про спадщину Канаренків";
const ENGLISH: &str = "the heirs of Canarenko meet on Monday";
const PHONE: &str = "+380671234598";
const API_HASH: &str = "c0ffee0123456789abcdefabcdef0123";
const MANAGER: &str = "Zofia Canarska";

/// As long as a session string, and as random.
fn session() -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (0..352_usize).map(|n| char::from(letters[(n * n * 7 + n * 13 + 5) % letters.len()])).collect()
}

fn canaries() -> Vec<String> {
    let mut canaries: Vec<String> =
        [ADDRESS, ACCOUNT, UKRAINIAN, ENGLISH, PHONE, "380671234598", "+380 67 123 45 98", API_HASH, MANAGER, PASSWORD]
            .map(str::to_owned)
            .into();
    // A shortened form is none in a report; neither is a part of a longer one.
    canaries.extend(["c…@bureau-lviv.example", "bureau-lviv", "+380…98", "Канаренк", "Canarenko"].map(str::to_owned));
    canaries.push(session()[40..80].to_owned());
    canaries
}

fn plant_in_log(profile: &Profile) {
    let encoded = general_purpose::STANDARD.encode(ADDRESS);
    let hex: String = ADDRESS.bytes().map(|byte| format!("{byte:02x}")).collect();
    let fields = [
        json!({ "why": format!("user {ADDRESS} and c…@bureau-lviv.example, {PHONE}, +380…98 at imap.bureau-lviv.example"), "host": "imap.bureau-lviv.example" }),
        json!({ "error": format!("mailbox {ACCOUNT} of {MANAGER} said {UKRAINIAN}") }),
        json!({ "error": format!("refused: \"{ENGLISH}\""), "subject": ENGLISH, "body": UKRAINIAN, "chat": "user:380671234598" }),
        json!({ "detail": format!("api hash {API_HASH} of {}", session()), "user": 380_671_234_598_i64 }),
        json!({ "reason": format!("{encoded} {hex} {}", ADDRESS.replace('@', "%40")), "panic": format!("at `{ENGLISH}`") }),
        json!({ "backtrace": format!("0: f\n at /home/{MANAGER}/x.rs\n {ADDRESS}"), "said": format!("tel 067 123 45 98, {PASSWORD}") }),
    ];
    let lines = fields.iter().enumerate().map(|(at, fields)| {
        let msg = format!("Planted for {ACCOUNT}");
        let entry = json!({ "msg": msg, "fields": fields, "spans": [ACCOUNT] }).to_string();
        format!(
            "{{\"t\":\"2026-11-26T10:00:0{at}.000Z\",\"seq\":{at},\"level\":\"WARN\",\"area\":\"email\",{}\n",
            &entry[1..]
        )
    });
    fs::write(profile.path().join("logs/skrynka-20261126T100000000Z-1.jsonl"), lines.collect::<String>()).unwrap();
    let note = json!({
        "at": "2026-11-26T10:00:00.000Z", "version": "0.1.0", "thread": "main", "location": "src/x.rs:1:1",
        "said": format!("{ADDRESS} {UKRAINIAN}"), "backtrace": format!("0: f\n  {PHONE} {ACCOUNT}"),
    });
    fs::create_dir_all(profile.path().join("panics")).unwrap();
    fs::write(profile.path().join("panics/panic-20261126T100000000Z-1-0.json"), note.to_string()).unwrap();
}

fn text_of<'a>(files: &'a [(String, String)], name: &str) -> &'a str {
    &files.iter().find(|(file, _)| file == name).unwrap().1
}

#[test]
fn a_report_tells_what_is_wrong_and_nobody_by_name() {
    let smtp = SmtpSink::start(&Authority::new().unwrap()).unwrap();
    smtp.add_user(ADDRESS, PASSWORD);
    let dovecot = Dovecot::start(Options::default()).unwrap();
    dovecot.add_user(ADDRESS, PASSWORD).unwrap();
    let mail = format!(
        "From: {ACCOUNT} <{ADDRESS}>\r\nSubject: {ENGLISH}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{UKRAINIAN} {PHONE} {API_HASH} {}\r\n",
        session()
    );
    dovecot.deliver(ADDRESS, mail.as_bytes()).unwrap();
    let profile = Profile::new();
    let settings =
        json!({ "me": MANAGER, "managers": [MANAGER, "Соломія Канаренко"], "business_hours": { "from": "08:00" } });
    fs::write(profile.path().join("settings.json"), settings.to_string()).unwrap();
    let mut arguments = add_arguments(ADDRESS, &dovecot.imap().to_string(), &smtp.smtp().to_string());
    let name = arguments.iter().position(|argument| argument == "--name").unwrap();
    ACCOUNT.clone_into(&mut arguments[name + 1]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let added = profile.run_with_input(&arguments, &format!(r#"{{"password": "{PASSWORD}"}}"#));
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    profile.records(&["listen", "--until-idle"]);
    plant_in_log(&profile);
    let file = profile.key().with_file_name("report.zip");
    let path = file.display().to_string();

    let written = profile.records(&["report", &path]).remove(0);

    let files = unpack(&file);
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["report.json", "log.jsonl", "panics.json", "removed.json"]);
    let printed = written.to_string();
    let wanted = Wanted::new(canaries());
    let mut looked = 0;
    for (name, text) in files.iter().map(|(name, text)| (name.as_str(), text.as_str())).chain([("output", &*printed)]) {
        looked += text.len();
        let hits = wanted.hits(text.as_bytes());
        assert!(hits.is_empty(), "{name}: {hits:?}");
    }
    let report: Value = serde_json::from_str(text_of(&files, "report.json")).unwrap();
    assert_eq!(report["untold"], json!([]), "{report}");
    assert_eq!((&report["accounts"][0]["channel"], &report["accounts"][0]["enabled"]), (&json!("email"), &json!(true)));
    assert!(report["accounts"][0]["account"].as_str().unwrap().starts_with('…'));
    assert_eq!((&report["settings"]["managers"], &report["settings"]["me_is_set"]), (&json!(2), &json!(true)));
    assert!(
        report["health"].as_array().unwrap().iter().any(|check| check["name"] == "panics" && check["state"] == "warn")
    );
    let tables = report["database"]["tables"].as_array().unwrap();
    let chats = tables.iter().find(|table| table["name"] == "telegram_accounts").unwrap();
    assert!(chats["columns"].as_array().unwrap().contains(&json!("api_id integer")), "{chats}");
    let lines: Vec<Value> =
        text_of(&files, "log.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["msg"] == "Mail stored" && line["fields"]["ms"].is_number()), "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line["msg"].as_str().unwrap().starts_with("Planted")).count(), 6);
    let removed: Value = serde_json::from_str(text_of(&files, "removed.json")).unwrap();
    for what in ["address", "number", "name", "secret", "words", "quoted", "field", "host"] {
        assert!(removed[what].as_u64() > Some(0), "{what}: {removed}");
    }
    assert_eq!(text_of(&files, "panics.json").matches("src/x.rs:1:1").count(), 1);
    evidence("P3 secrets", "a report tells nobody by name", &format!("0 hits in {looked} bytes looked at"));
}

#[test]
fn a_report_is_made_from_whatever_can_be_opened() {
    let profile = Profile::new();
    profile.records(&["account", "list"]);
    let file = profile.key().with_file_name("report.zip");
    let path = file.display().to_string();
    let untold = |written: &Value| -> Vec<String> {
        written["untold"].as_array().unwrap().iter().map(|part| part.as_str().unwrap().to_owned()).collect()
    };

    // The vault is locked: nobody has named its key.
    let mut locked = std::process::Command::new(env!("CARGO_BIN_EXE_skrynka"));
    let output = locked.args(["report", &path, "--json", "--profile"]).arg(profile.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(untold(&serde_json::from_slice(&output.stdout).unwrap()), ["secrets", "database"]);

    let again = profile.run(&["report", &path]);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("--force"), "a file that is there is kept");
    let nobody = r#"{"database":{"server_url":"postgres://olena@127.0.0.1:1/skrynka"}}"#;
    fs::write(profile.path().join("settings.json"), nobody).unwrap();
    let written = profile.records(&["report", &path, "--force"]).remove(0);
    assert_eq!(untold(&written), ["database"]);
    let files = unpack(&file);
    let report: Value = serde_json::from_str(text_of(&files, "report.json")).unwrap();
    assert_eq!((&report["accounts"], &report["settings"]["database"]["kind"]), (&Value::Null, &json!("server")));
    assert!(!text_of(&files, "log.jsonl").is_empty() && !text_of(&files, "report.json").contains("olena"));

    fs::write(profile.path().join("settings.json"), "{").unwrap();
    let written = profile.records(&["report", &path, "--force"]).remove(0);
    assert_eq!(untold(&written), ["settings", "secrets", "database"]);
    assert!(!text_of(&unpack(&file), "log.jsonl").is_empty(), "the log is read as it lies there");
}
