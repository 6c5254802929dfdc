//! Telegram accounts on the command line, against a Telegram of our own.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::{Value, json};
use skrynka_lab::telegram::{
    AccountId, Key, Media, Message, Network, NetworkOptions, NewAccount, NewUser, Push, UserId, strings,
};

use crate::common::{Profile, evidence};

pub const HASH: &str = "0123456789abcdef0123456789abcdef";
const PHONE: &str = "+380445550100";

struct Office {
    net: Network,
    account: AccountId,
    key: Key,
    customer: UserId,
    profile: Profile,
    folder: tempfile::TempDir,
}

impl Office {
    fn open() -> Self {
        Self::with(NewAccount::default())
    }

    fn with(account: NewAccount) -> Self {
        let net = Network::start(NetworkOptions::default()).unwrap();
        let account = net.add_account(account).unwrap();
        let key = net.session(account, 2).unwrap();
        let customer = net.add_user(NewUser {
            first_name: "Olena".to_owned(),
            username: Some("verbytska_example".to_owned()),
            ..NewUser::default()
        });
        Self { net, account, key, customer, profile: Profile::new(), folder: tempfile::tempdir().unwrap() }
    }

    fn session(&self) -> String {
        strings::telethon(2, self.net.endpoint(2).unwrap(), &self.key)
    }

    fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.profile.command(arguments);
        command.env("SKRYNKA_TELEGRAM_CENTRES", centres(&self.net, &self.folder.path().join("centres.json")));
        command.stdin(std::process::Stdio::piped());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that refuses its arguments reads nothing.
        let _closed = std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes());
        child.wait_with_output().unwrap()
    }

    fn records(&self, arguments: &[&str], input: &str) -> Vec<Value> {
        let output = self.run(&[arguments, &["--json"]].concat(), input);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Adds the account with a session and returns its id.
    fn add(&self, session: &str) -> String {
        let record = self.records(&ADD, &secrets(session, HASH)).remove(0);
        record["id"].as_str().unwrap().to_owned()
    }

    fn says(&self, text: impl Into<Message>) {
        self.net.send(self.customer, self.account, text, Push::Silent).unwrap();
    }

    fn export(&self) -> Vec<Value> {
        self.profile.records(&["export", "messages"])
    }
}

pub const ADD: [&str; 10] =
    ["account", "add", "telegram", "--name", "Бюро Київ", "--phone", PHONE, "--api-id", "12345", "--secrets-stdin"];

/// Writes the file that leads sessions without an address, and sign-ins, to a network; returns its path.
pub fn centres(net: &Network, path: &Path) -> PathBuf {
    let mut centres = serde_json::Map::new();
    for (dc, address) in net.endpoints() {
        let key = net.fresh_key(*dc).unwrap().iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        });
        centres.insert(dc.to_string(), json!({"address": address.to_string(), "key": key}));
    }
    std::fs::write(path, Value::Object(centres).to_string()).unwrap();
    path.to_owned()
}

pub fn secrets(session: &str, hash: &str) -> String {
    json!({"session": session, "api_hash": hash}).to_string()
}

#[test]
fn an_account_is_added_read_answered_and_removed() {
    let office = Office::open();
    office.says("Добрий день! Потрібен переклад договору 14-К");
    office.says("Скільки коштує?");
    let id = office.add(&office.session());
    let facts = office.records(&["listen", "--until-idle"], "");
    assert!(facts.iter().any(|fact| fact["kind"] == "message_stored"), "{facts:?}");

    // Listening again changes nothing.
    office.records(&["listen", "--until-idle"], "");
    let messages = office.export();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(messages.iter().all(|message| message["channel"] == "telegram" && message["direction"] == "in"));
    let list = office.profile.records(&["account", "list"]).remove(0);
    assert_eq!((list["address"].as_str(), list["stored"].as_i64()), (Some(PHONE), Some(2)), "{list}");
    assert_eq!(office.profile.records(&["search", "14-К"]).len(), 1);
    let found = office.profile.records(&["logs", "--area", "telegram", "--grep", "Signed in"]);
    assert!(!found.is_empty());

    let sent = office
        .records(&["send", "--account", &id, "--to", "@verbytska_example", "--text", "-"], "Дякую, усе читається.\n");
    assert_eq!(sent[0]["state"], "sent", "{sent:?}");
    let seen: Vec<_> = office.net.sent_by(office.account);
    assert_eq!(seen.len(), 1, "sent once");
    assert_eq!(seen[0].text, "Дякую, усе читається.");
    office.records(&["listen", "--until-idle"], "");
    let ours: Vec<Value> = office.export().into_iter().filter(|message| message["direction"] == "out").collect();
    assert_eq!(ours.len(), 1, "{ours:?}");

    let tested = office.records(&["account", "test", &id], "");
    assert!(tested.iter().all(|step| step["state"] == "passed"), "{tested:?}");
    assert!(office.profile.run(&["doctor"]).status.success());
    assert_eq!(office.net.connections(&office.key).greatest, 1, "one key is never used twice at once");

    office.profile.records(&["account", "remove", &id]);
    assert!(office.profile.records(&["account", "list"]).is_empty());
    assert_eq!(office.export().len(), 3, "messages outlive their account");
    let revoked = office.run(&ADD, &secrets(&office.session(), HASH));
    assert!(!revoked.status.success(), "the session was ended at Telegram: {revoked:?}");

    // The same user comes back with another session: nothing is stored a second time.
    let another = office.net.session(office.account, 2).unwrap();
    let again = office.add(&strings::telethon(2, office.net.endpoint(2).unwrap(), &another));
    office.says("я знову тут");
    office.records(&["listen", "--until-idle"], "");
    assert_eq!((again, office.export().len()), (id, 4));
}

#[test]
fn every_format_of_a_session_opens_its_account() {
    let mut opened = 0;
    for format in ["telethon", "telethon v6", "gramjs", "pyrogram 2", "pyrogram 1", "pyrogram 1 short"] {
        let office = Office::open();
        let (key, account) = (&office.key, office.account);
        let endpoint = office.net.endpoint(2).unwrap();
        let session = match format {
            "telethon" => strings::telethon(2, endpoint, key),
            "telethon v6" => strings::telethon_v6(2, endpoint, key),
            "gramjs" => strings::gramjs(2, &endpoint.ip().to_string(), endpoint.port(), key),
            "pyrogram 2" => strings::pyrogram(2, 12_345, key, account, false),
            "pyrogram 1" => strings::pyrogram_1(2, key, account, false),
            _ => strings::pyrogram_1_short(2, key, account, false),
        };
        office.says("чи працюєте в суботу?");
        office.add(&session);
        office.records(&["listen", "--until-idle"], "");
        assert_eq!(office.export().len(), 1, "{format}");
        opened += 1;
    }
    evidence("P7 telegram", "every format of a session opens its account", &format!("{opened} formats"));
}

#[test]
fn a_session_of_our_own_is_made_and_the_given_one_forgotten() {
    let office = Office::with(NewAccount { password: Some("два кроки".to_owned()), ..NewAccount::default() });
    let own: Vec<&str> = ADD.into_iter().chain(["--own-session"]).collect();
    let without = office.run(&own, &secrets(&office.session(), HASH));
    assert!(String::from_utf8_lossy(&without.stderr).contains("two-step password"), "{without:?}");
    let wrong = json!({"session": office.session(), "api_hash": HASH, "password": "інший"}).to_string();
    let refused = office.run(&own, &wrong);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("wrong_password"), "{refused:?}");
    assert!(office.profile.records(&["account", "list"]).is_empty());

    let right = json!({"session": office.session(), "api_hash": HASH, "password": "два кроки"}).to_string();
    office.records(&own, &right);
    let before = office.net.connections(&office.key).total;
    office.says("ви ще там?");
    office.records(&["listen", "--until-idle"], "");
    assert_eq!(office.export().len(), 1);
    assert_eq!(office.net.connections(&office.key).total, before, "the given session is not used any more");
}

#[test]
fn every_wrong_value_is_named_and_nothing_is_added() {
    let office = Office::open();
    let good = office.session();
    let with = |name: &str, value: &str| {
        let mut arguments: Vec<String> = ADD.map(str::to_owned).into();
        let at = arguments.iter().position(|argument| argument == name).unwrap();
        value.clone_into(&mut arguments[at + 1]);
        arguments
    };
    let plain = || ADD.map(str::to_owned).to_vec();
    let requests = |office: &Office| office.net.requests().values().sum::<u64>();
    let before = requests(&office);
    let zero = strings::telethon(2, office.net.endpoint(2).unwrap(), &[0; 256]);
    let centre = |dc| strings::telethon(dc, office.net.endpoint(2).unwrap(), &office.key);
    let long = "A".repeat(1 << 20);
    for (arguments, session, hash, code, word) in [
        (with("--api-id", "0"), good.as_str(), HASH, 2, "1 to 2147483647"),
        (with("--api-id", "-5"), &good, HASH, 2, "1 to 2147483647"),
        (with("--api-id", "2147483648"), &good, HASH, 2, "1 to 2147483647"),
        (with("--api-id", "abc"), &good, HASH, 2, "1 to 2147483647"),
        (with("--phone", "+38044x55"), &good, HASH, 1, "phone number"),
        (with("--name", ""), &good, HASH, 1, "1 to 200 characters"),
        (plain(), &good, &HASH[1..], 1, "32 characters"),
        (plain(), "", HASH, 1, "empty"),
        (plain(), &good[..200], HASH, 1, "cut off"),
        (plain(), &format!("{good}{good}"), HASH, 1, "twice"),
        (plain(), &format!("\"{good}\""), HASH, 1, "quotation marks"),
        (plain(), &format!("\u{feff}{good}"), HASH, 1, "byte order mark"),
        (plain(), &long, HASH, 1, "far too long"),
        (plain(), &zero, HASH, 1, "no key"),
        (plain(), &centre(0), HASH, 1, "data centre 0"),
        (plain(), &centre(6), HASH, 1, "data centre 6"),
        (plain(), &centre(255), HASH, 1, "data centre"),
    ] {
        let list: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = office.run(&list, &secrets(session, hash));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(word), "{arguments:?} should say {word:?}: {said}");
        assert!(!said.contains(HASH) && !said.contains(&good[100..150]), "a secret is not told: {said}");
    }
    for input in ["", "{}", "session", r#"{"session": 7, "api_hash": "x"}"#] {
        let output = office.run(&ADD, input);
        assert_eq!(output.status.code(), Some(1), "{input:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("standard input"), "{input:?}");
    }
    assert_eq!(requests(&office), before, "nothing was asked of Telegram");

    let other = office
        .run(&with("--phone", "+380441112233").iter().map(String::as_str).collect::<Vec<_>>(), &secrets(&good, HASH));
    assert!(String::from_utf8_lossy(&other.stderr).contains("other_user"), "{other:?}");
    office.net.end_session(&office.key, "SESSION_REVOKED");
    let revoked = office.run(&ADD, &secrets(&good, HASH));
    assert!(String::from_utf8_lossy(&revoked.stderr).contains("session_revoked"), "{revoked:?}");
    office.net.restore_session(&office.key);
    assert!(office.profile.records(&["account", "list"]).is_empty());

    // What failed has left nothing behind that would be in the way.
    office.add(&good);
    let again = office.run(&ADD, &secrets(&good, HASH));
    assert!(String::from_utf8_lossy(&again.stderr).contains("already_exists"), "{again:?}");
}

#[test]
fn a_session_file_that_cannot_be_used_is_named_and_nothing_is_added() {
    let office = Office::open();
    let file = |name: &str, bytes: &[u8]| {
        let path = office.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let damaged = [b"SQLite format 3\0".as_slice(), &[0xa5; 8192]].concat();
    let good = office.session();
    for (path, word) in [
        (office.folder.path().join("missing").to_str().unwrap().to_owned(), "cannot be read"),
        (office.folder.path().to_str().unwrap().to_owned(), "not a session"),
        (file("picture.jpg", &[0xff; 1 << 16]), "not a session"),
        (file("damaged.session", &damaged), "damaged"),
        (file("cut.txt", &good.as_bytes()[..200]), "cut off"),
    ] {
        let arguments = [&ADD[..], &["--session-file", &path]].concat();
        let output = office.run(&arguments, &json!({"api_hash": HASH}).to_string());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{path}: {said}");
        assert!(said.contains(word), "{path} should say {word:?}: {said}");
    }
    assert!(office.net.requests().is_empty(), "nothing was asked of Telegram");
    assert!(office.profile.records(&["account", "list"]).is_empty());
}

/// Whatever size it has: a text longer than Telegram's own, a file of 2 GiB, a name that leads astray.
#[test]
fn what_customers_send_is_taken_as_it_is() {
    const SIZE: i64 = 2 << 30;
    let office = Office::open();
    let text = "ї".repeat(5000);
    office.says(text.clone());
    let name = format!("../../{}\u{202e}fdp.exe", "я".repeat(145));
    assert!(name.len() > 300);
    office.says(Media::Claimed { name: name.clone(), mime: "application/pdf".to_owned(), size: SIZE });
    office.add(&office.session());
    office.records(&["listen", "--until-idle"], "");
    let messages = office.export();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert_eq!(messages[0]["text"], text);
    let file = &messages[1]["attachments"][0];
    assert_eq!((file["name"].as_str(), file["size"].as_i64()), (Some(&*name), Some(SIZE)), "{file}");
    assert_eq!(file["sha256"], Value::Null, "nobody asked for its bytes");
    assert_eq!(office.net.requested("upload.getFile"), 0);
}

#[test]
fn a_text_that_cannot_be_sent_is_named_and_not_sent() {
    let office = Office::open();
    office.says("Добрий день");
    let id = office.add(&office.session());
    office.records(&["listen", "--until-idle"], "");
    let send = |to: &str, text: &str| office.run(&["send", "--account", &id, "--to", to, "--text", "-"], text);
    for (to, text, word) in [
        ("@verbytska_example", "ї".repeat(5000), "5000 characters"),
        ("@verbytska_example", String::new(), "empty"),
        ("@nobody_example", "hello".to_owned(), "no chat"),
    ] {
        let output = send(to, &text);
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).contains(word), "{output:?}");
    }
    office.net.fail("messages.sendMessage", 1, "CHAT_WRITE_FORBIDDEN");
    let refused = send("@verbytska_example", "hello");
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(office.net.sent_by(office.account).is_empty());
    assert_eq!(office.export().len(), 1, "nothing but what came");
}

/// The answer to a text is lost, and it is sent once all the same.
#[test]
fn a_text_whose_answer_was_lost_is_sent_once() {
    let office = Office::open();
    office.says("Добрий день");
    let id = office.add(&office.session());
    office.records(&["listen", "--until-idle"], "");
    office.net.lose_answers("messages.sendMessage", 1);
    let sent =
        office.records(&["send", "--account", &id, "--to", "Olena", "--text", "Так, готово", "--timeout", "180"], "");
    assert_eq!(sent[0]["state"], "sent", "{sent:?}");
    assert_eq!(office.net.sent_by(office.account).len(), 1);
}

#[test]
fn a_session_and_a_hash_stand_nowhere_but_in_the_vault() {
    let office = Office::open();
    office.says("Добрий день");
    office.add(&office.session());
    office.records(&["listen", "--until-idle"], "");
    let hex: String = office.key.iter().take(24).map(|byte| format!("{byte:02x}")).collect();
    let needles: Vec<Vec<u8>> = vec![
        office.key[..32].to_vec(),
        hex.into_bytes(),
        office.session().as_bytes()[60..100].to_vec(),
        HASH.as_bytes().to_vec(),
    ];
    let mut looked = 0;
    let mut folders = vec![office.profile.path()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                looked += 1;
                for needle in &needles {
                    let found = bytes.windows(needle.len()).any(|window| window == needle);
                    assert!(!found, "a secret stands in {}", path.display());
                }
            }
        }
    }
    assert!(looked > 100, "{looked} files");
    evidence("P3 secrets", "a session and a hash stand nowhere but in the vault", &format!("0 hits in {looked} files"));
}

#[test]
fn a_self_test_passes_every_station_in_the_chat_with_oneself_and_leaves_nothing() {
    let office = Office::open();
    office.says("Добрий день!");
    office.add(&office.session());
    office.records(&["listen", "--until-idle"], "");
    let before = office.export().len();
    let output = office.run(&["doctor", "--self-test", "--json"], "");
    let text = String::from_utf8(output.stdout).unwrap();
    let checks = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let found = checks.into_iter().find(|check| check["name"] == "self_test").unwrap();
    assert_eq!(found["state"], "ok", "{found}");
    let detail = found["detail"].as_str().unwrap();
    for station in ["queued", "accepted", "seen", "stored", "announced", "removed"] {
        assert!(detail.contains(station), "{detail}");
    }
    // What Telegram still held would come with a later look.
    office.records(&["listen", "--until-idle"], "");
    assert_eq!(office.export().len(), before);
    assert_eq!(office.profile.records(&["search", "selftest"]), [] as [Value; 0]);
}
