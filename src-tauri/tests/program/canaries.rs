//! Secrets are planted wherever the program meets one, everything goes wrong that can, and the log writes all it can.
//! Then whatever the program left, said or showed is searched for them, in every form in which they could stand there.

use std::{
    collections::BTreeSet,
    fs,
    io::{Cursor, Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use aho_corasick::AhoCorasick;
use base64::{Engine as _, engine::general_purpose};
use serde_json::{Value, json};
use skrynka_lab::{
    Dovecot, Fault, Mode, Options, Proxy, SmtpSink,
    authority::{Authority, Certificate},
    telegram::{Network, NetworkOptions, NewAccount, NewUser, Push, strings},
};

use crate::{
    common::{Profile, add_arguments, evidence},
    telegram::centres,
};

const USER: &str = "canary.office@kanarka.example";
const CUSTOMER: &str = "canary.customer@kanarka.example";
const PHONE: &str = "380445559917";

const MAIL: &str = "канарка-пошта-Qx71";
const MAIL_MISTYPED: &str = "канарка-хибна-Wz83";
const MAIL_NEXT: &str = "канарка-нова-Hk29";
const STEP: &str = "канарка-кроки-Lm47";
const STEP_MISTYPED: &str = "канарка-схибили-Pd15";
const PROXY: &str = "canary-proxy-Vb65";
const SERVER: &str = "канарка-сервер-Tg38";
const LEGACY: &str = "канарка-стара-Yc92";
const KEY: &str = "канарка-ключ-від-чужого-сховища-Rf54";
const HASH: &str = "5eedc0de0123456789abcdef0a1b2c3d";
const HASH_MISTYPED: &str = "5eedc0de0123456789abcdef0a1b2cZZ";
/// Stands in an address that a person gives as an argument, against what the help says.
const IN_ADDRESS: &str = "kanarka-in-address-Jn60";

const SUBJECT: &str = "Канарковий договір оренди";
const LETTER: &str = "канарка співає в листі о п'ятій";
const CHAT: &str = "канарка співає в чаті о шостій";
const ANSWER: &str = "канарка відповідає о сьомій";
const CODE: &str = "918273645510";

/// The forms in which a value may stand in bytes.
fn forms(value: &str) -> Vec<Vec<u8>> {
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let url: String = value
        .bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect();
    let some: String = value
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect();
    let quoted = Value::from(value).to_string();
    let escaped: String = value
        .encode_utf16()
        .map(|unit| match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
            _ => format!("\\u{unit:04x}"),
        })
        .collect();
    let rust: String =
        value.chars().map(|c| if c.is_ascii() { c.to_string() } else { c.escape_unicode().to_string() }).collect();
    let texts = [value.to_owned(), hex, percent, url, some, quoted[1..quoted.len() - 1].to_owned(), escaped, rust];
    let mut forms: BTreeSet<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
    forms.insert(value.encode_utf16().flat_map(u16::to_le_bytes).collect());
    forms.insert(value.encode_utf16().flat_map(u16::to_be_bytes).collect());
    for shift in 0..3 {
        for engine in [general_purpose::STANDARD_NO_PAD, general_purpose::URL_SAFE_NO_PAD] {
            let text = engine.encode([&vec![0; shift][..], value.as_bytes()].concat());
            // The first and last characters depend on what stands around it.
            forms.insert(text.as_bytes()[(shift * 8).div_ceil(6)..text.len() - 2].to_vec());
        }
    }
    forms.into_iter().collect()
}

/// Values that are looked for in all their forms at once.
pub struct Wanted {
    forms: AhoCorasick,
    values: Vec<String>,
}

impl Wanted {
    pub fn new(values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let (mut all, mut of) = (Vec::new(), Vec::new());
        for value in values.into_iter().map(Into::into) {
            // Only letters of ASCII are found in either case.
            for form in [forms(&value), forms(&value.to_lowercase())].concat() {
                all.push(form);
                of.push(value.clone());
            }
        }
        let forms = AhoCorasick::builder().ascii_case_insensitive(true).build(&all).unwrap();
        Self { forms, values: of }
    }

    /// Each value that stands in the bytes, with what stands around it.
    pub fn hits(&self, bytes: &[u8]) -> BTreeSet<String> {
        let told = |found: aho_corasick::Match| {
            let around = &bytes[found.start().saturating_sub(80)..(found.end() + 40).min(bytes.len())];
            format!("{}: {}", self.values[found.pattern().as_usize()], String::from_utf8_lossy(around))
        };
        self.forms.find_iter(bytes).take(5).map(told).collect()
    }
}

/// The files of a report: name and text.
pub fn unpack(file: &Path) -> Vec<(String, String)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(fs::read(file).unwrap())).unwrap();
    (0..archive.len())
        .map(|at| {
            let mut entry = archive.by_index(at).unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            (entry.name().unwrap().into_owned(), text)
        })
        .collect()
}

/// Every file below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files(&entry.path())),
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    found
}

/// Looks again and again at the argument lists and environments of the programs that work on a profile.
struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<BTreeSet<Vec<u8>>>,
}

impl Watch {
    fn start(profile: &Path) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, profile) = (stop.clone(), profile.display().to_string());
        let ours = AhoCorasick::new([profile]).unwrap();
        let thread = thread::spawn(move || {
            let mut seen = BTreeSet::new();
            while !stopped.load(Ordering::Relaxed) {
                for process in fs::read_dir("/proc").unwrap().flatten() {
                    let read = |name: &str| fs::read(process.path().join(name)).unwrap_or_default();
                    let (arguments, environment) = (read("cmdline"), read("environ"));
                    if ours.is_match(&arguments) || ours.is_match(&environment) {
                        seen.extend([arguments, environment]);
                    }
                }
                thread::sleep(Duration::from_millis(5));
            }
            seen
        });
        Self { stop, thread }
    }

    fn end(self) -> BTreeSet<Vec<u8>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// A proxy that asks for a name and a password, and reaches nothing.
fn socks() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // RFC 1928 and 1929: what is offered, name and password, where to; each comes in one piece.
            for answer in [&[5, 2][..], &[1, 0], &[5, 4, 0, 1, 0, 0, 0, 0, 0, 0]] {
                let mut asked = [0; 512];
                if stream.read(&mut asked).unwrap_or(0) == 0 || stream.write_all(answer).is_err() {
                    break;
                }
            }
        }
    });
    address
}

/// A profile whose log writes everything, and what its programs have said so far.
struct Office {
    profile: Profile,
    net: Network,
    folder: tempfile::TempDir,
    said: Vec<u8>,
    complaints: Vec<u8>,
}

impl Office {
    fn open() -> Self {
        let profile = Profile::new();
        fs::write(profile.path().join("settings.json"), r#"{"log_level":"TRACE"}"#).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        let net = Network::start(NetworkOptions::default()).unwrap();
        Self { profile, net, folder, said: Vec::new(), complaints: Vec::new() }
    }

    fn run(&mut self, arguments: &[&str], input: &Value, kill_at: Option<&str>) -> Output {
        let mut command = self.profile.command(arguments);
        for home in ["HOME", "TMPDIR"] {
            command.env(home, self.folder.path());
        }
        command.env("SKRYNKA_TELEGRAM_CENTRES", centres(&self.net, &self.profile.key().with_file_name("centres.json")));
        command.envs(kill_at.map(|place| ("SKRYNKA_KILL_AT", place)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let text = input.as_str().map_or_else(|| input.to_string(), str::to_owned);
        // A program that refuses its arguments reads nothing.
        let _closed = child.stdin.take().unwrap().write_all(text.as_bytes());
        let output = child.wait_with_output().unwrap();
        self.said.extend(&output.stdout);
        self.complaints.extend(&output.stderr);
        output
    }

    fn done(&mut self, arguments: &[&str], input: &Value) -> Vec<Value> {
        let json: &[&str] = if arguments.contains(&"--json") { &[] } else { &["--json"] };
        let output = self.run(&[arguments, json].concat(), input, None);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn refused(&mut self, arguments: &[&str], input: &Value, because: &str) {
        let output = self.run(arguments, input, None);
        let why = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success() && why.contains(because), "{arguments:?}: {why}");
    }

    /// What is wrong with mail: certificates, passwords, connections that break, a crash, mails that are refused.
    fn mail(&mut self) -> String {
        let authority = Authority::new().unwrap();
        let smtp = SmtpSink::start(&authority).unwrap();
        smtp.add_user(USER, MAIL);
        for (certificate, because) in [(Certificate::Expired, "expired"), (Certificate::UnknownIssuer, "ertificate")] {
            let server = Dovecot::start(Options { certificate, ..Options::default() }).unwrap();
            let mut add = add_arguments(USER, &server.imaps().to_string(), &smtp.smtp().to_string());
            let security = add.iter().position(|argument| argument == "loopback_plain").unwrap();
            "tls".clone_into(&mut add[security]);
            add.extend(["--ca-file".to_owned(), server.ca_file().display().to_string()]);
            self.refused(&add.iter().map(String::as_str).collect::<Vec<_>>(), &json!({ "password": MAIL }), because);
        }
        let dovecot = Dovecot::start_with(Options::default(), authority).unwrap();
        dovecot.add_user(USER, MAIL).unwrap();
        let letter =
            format!("From: <{CUSTOMER}>\r\nSubject: {SUBJECT}\r\nMessage-ID: <1@kanarka.example>\r\n\r\n{LETTER}\r\n");
        dovecot.deliver(USER, letter.as_bytes()).unwrap();
        // Not even what a server cannot have sent so is told: a header without end, and a part that cannot be read.
        dovecot
            .deliver(USER, format!("Subject: {SUBJECT}\r\nContent-Type: multipart/mixed; boundary={LETTER}").as_bytes())
            .unwrap();
        let proxy = Proxy::start(dovecot.imap()).unwrap();
        let add = add_arguments(USER, &proxy.address().to_string(), &smtp.smtp().to_string());
        let add: Vec<&str> = add.iter().map(String::as_str).collect();
        self.refused(&add, &json!({ "password": MAIL_MISTYPED }), "sign");
        proxy.set(Mode::CutToServerAfter(40));
        self.refused(&add, &json!({ "password": MAIL }), "connection");
        proxy.set(Mode::Pass);
        let id = self.done(&add, &json!({ "password": MAIL }))[0]["id"].as_str().unwrap().to_owned();
        let killed = self.run(&["listen", "--until-idle"], &Value::Null, Some("acknowledged:1"));
        assert_eq!(killed.status.code(), None, "it was killed");
        self.done(&["listen", "--until-idle"], &Value::Null);
        let send = ["send", "--account", &id, "--to", CUSTOMER, "--subject", SUBJECT, "--text", "-"];
        smtp.set_fault(Fault::RefuseMail);
        self.refused(&send, &ANSWER.into(), "");
        smtp.set_fault(Fault::None);
        self.done(&send, &ANSWER.into());
        self.done(&["account", "test", &id], &Value::Null);
        dovecot.set_password(USER, MAIL_NEXT).unwrap();
        let refused = (0..100).any(|_| !self.run(&["account", "test", &id], &Value::Null, None).status.success());
        assert!(refused, "the old password is refused");
        self.done(&["account", "disable", &id], &Value::Null);
        id
    }

    /// What is wrong with Telegram: sessions, hashes, a proxy, the two-step password.
    fn chats(&mut self) -> Vec<String> {
        let new = NewAccount { phone: PHONE.to_owned(), password: Some(STEP.to_owned()), ..NewAccount::default() };
        let account = self.net.add_account(new).unwrap();
        let customer = self.net.add_user(NewUser {
            first_name: "Olena".to_owned(),
            username: Some("olena_example".to_owned()),
            ..NewUser::default()
        });
        let key = self.net.session(account, 2).unwrap();
        let good = strings::telethon(2, self.net.endpoint(2).unwrap(), &key);
        let broken = format!("{}!{}", &good[..200], &good[200..]);
        let phone = format!("+{PHONE}");
        let add = [
            "account",
            "add",
            "telegram",
            "--name",
            "Канарка",
            "--phone",
            &phone,
            "--api-id",
            "12345",
            "--secrets-stdin",
        ];
        let own = [&add[..], &["--own-session"]].concat();
        let proxy = socks().to_string();
        let through = [&add[..], &["--proxy", &proxy, "--proxy-user", "olena"]].concat();
        let with = |session: &str, hash: &str| json!({ "session": session, "api_hash": hash });
        self.refused(&add, &with(&broken, HASH), "session");
        self.refused(&add, &with(&good, HASH_MISTYPED), "apiHash");
        let mut secret = with(&good, HASH);
        secret["proxy_password"] = PROXY.into();
        self.refused(&through, &secret, "");
        secret = with(&good, HASH);
        secret["password"] = STEP_MISTYPED.into();
        self.refused(&own, &secret, "wrong_password");
        secret["password"] = STEP.into();
        let id = self.done(&own, &secret)[0]["id"].as_str().unwrap().to_owned();
        self.net.send(customer, account, CHAT, Push::Silent).unwrap();
        self.net.post_login_code(account, CODE, Push::Silent).unwrap();
        self.done(&["listen", "--until-idle"], &Value::Null);
        self.done(&["send", "--account", &id, "--to", "@olena_example", "--text", "-"], &ANSWER.into());
        self.done(&["account", "test", &id], &Value::Null);
        self.net.end_sessions(account, "SESSION_REVOKED");
        self.refused(&["account", "test", &id], &Value::Null, "");
        self.done(&["account", "disable", &id], &Value::Null);
        vec![good, broken]
    }

    /// Databases that are not there, keys that do not fit, and every command that is left.
    fn rest(&mut self, mailbox: &str) {
        let nobody = "postgres://olena@127.0.0.1:1/skrynka";
        self.refused(&["database", "use", nobody, "--secrets-stdin"], &json!({ "password": SERVER }), "database");
        self.refused(&["migrate", "--legacy", nobody, "--secrets-stdin"], &json!({ "password": LEGACY }), "");
        let told = format!("postgres://olena:{IN_ADDRESS}@127.0.0.1:1/skrynka");
        self.refused(&["database", "use", &told], &Value::Null, "");
        self.refused(&["migrate", "--legacy", &told], &Value::Null, "");
        let key = self.profile.key();
        let right = fs::read(&key).unwrap();
        fs::write(&key, KEY).unwrap();
        self.refused(&["account", "list"], &Value::Null, "does not open the vault");
        fs::write(&key, right).unwrap();
        for command in [
            &["account", "mute", mailbox][..],
            &["account", "unmute", mailbox],
            &["account", "disable", mailbox],
            &["account", "enable", mailbox],
            &["account", "list"],
            &["export", "messages"],
            &["search", "канарка"],
            &["migrate"],
            &["migrate", "--status"],
            &["logs", "--level", "debug"],
            &["logs", "--grep", "канарка"],
        ] {
            self.done(command, &Value::Null);
        }
        // The account's password is no longer right.
        self.run(&["doctor"], &Value::Null, None);
    }
}

#[test]
fn a_secret_stands_nowhere_and_a_word_in_no_log_whatever_goes_wrong() {
    let mut office = Office::open();
    let watch = Watch::start(&office.profile.path());
    // The database stays up, or each command would start and stop it.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (cluster, store) = runtime.block_on(office.profile.attach());
    let mailbox = office.mail();
    let sessions = office.chats();
    office.rest(&mailbox);
    let report = office.profile.key().with_file_name("report.zip");
    office.done(&["report", &report.display().to_string()], &Value::Null);
    office.done(&["account", "remove", &mailbox], &Value::Null);
    runtime.block_on(async {
        store.close().await;
        cluster.stop().await.unwrap();
    });
    let shown = watch.end();

    let mut secrets: Vec<String> =
        [MAIL, MAIL_MISTYPED, MAIL_NEXT, STEP, STEP_MISTYPED, PROXY, SERVER, LEGACY, KEY, HASH, HASH_MISTYPED]
            .map(str::to_owned)
            .into();
    // Any part of a session is one too many; the beginning tells the data centre alone.
    secrets.extend(sessions.iter().flat_map(|session| [&session[40..80], &session[240..280]]).map(str::to_owned));
    secrets.push(fs::read_to_string(office.profile.key()).unwrap());
    let words = [SUBJECT, LETTER, CHAT, ANSWER, CODE, USER, CUSTOMER, PHONE, IN_ADDRESS].map(str::to_owned);
    let (secret, word) = (Wanted::new(secrets.clone()), Wanted::new(secrets.iter().chain(&words)));
    let mut found = BTreeSet::new();
    let mut looked = 0;
    let mut look = |wanted: &Wanted, bytes: &[u8], at: &str| {
        looked += bytes.len();
        found.extend(wanted.hits(bytes).into_iter().map(|hit| format!("{at}: {hit}")));
    };
    let root = office.profile.path();
    let mut kept = files(&root);
    assert!(kept.len() > 100 && kept.iter().any(|file| file.ends_with("vault.json")), "{kept:?}");
    kept.extend(files(office.folder.path()));
    let mut lines = String::new();
    for file in &kept {
        let Ok(bytes) = fs::read(file) else { continue };
        let name = file.strip_prefix(&root).unwrap_or(file);
        let is_log =
            name.starts_with("logs") || name.starts_with("panics") || name.extension().is_some_and(|end| end == "log");
        if is_log {
            lines += &String::from_utf8_lossy(&bytes);
        }
        look(if is_log { &word } else { &secret }, &bytes, &name.display().to_string());
    }
    assert!(
        lines.contains(r#""level":"TRACE""#) || lines.contains(r#""level":"DEBUG""#),
        "the log has written all it could"
    );
    look(&secret, &office.said, "standard output");
    look(&secret, &office.complaints, "standard error");
    look(&Wanted::new([IN_ADDRESS]), &[&office.said[..], &office.complaints].concat(), "output");
    for (name, text) in unpack(&report) {
        look(&word, text.as_bytes(), &name);
    }
    let programs = shown.len();
    for bytes in &shown {
        look(&secret, bytes, "arguments and environments");
    }
    let seen = |word: &[u8]| shown.iter().any(|bytes| bytes.windows(word.len()).any(|part| part == word));
    assert!(
        seen(b"postgres") && seen(b"listen") && seen(b"HOME="),
        "{programs} argument lists and environments were seen"
    );
    assert!(found.is_empty(), "{} hits:\n{}", found.len(), found.into_iter().collect::<Vec<_>>().join("\n"));
    let values = secrets.len();
    evidence(
        "P3 secrets",
        "a secret stands nowhere, whatever goes wrong",
        &format!(
            "0 hits of {values} secrets in {} MiB of files, output, report, {programs} argument lists and environments",
            looked >> 20
        ),
    );
}
