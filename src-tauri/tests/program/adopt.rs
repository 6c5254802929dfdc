//! The old CRM taken over by the program itself: its accounts' secrets handed over, tried and emptied, and a kill at
//! every point of a run.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _, copy},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use skrynka_core::postgres::testing::{Reached, TestDatabase};
use skrynka_lab::{
    Dovecot, Options, SmtpSink,
    authority::Authority,
    telegram::{AccountId, Key, Network, NetworkOptions, NewAccount, NewUser, Push, UserId, strings},
};
use tokio::runtime::Runtime;

use crate::{
    canaries::{Wanted, files},
    common::{PASSWORD, Profile, evidence},
    telegram::{HASH, centres},
};

const USER: &str = "office@example.org";
const OTHER_PASSWORD: &str = "інший-canary-5b21e";
/// Letters of that length are no coincidence.
const TEXTS: [&str; 3] =
    ["Добрий день, надсилаю договір", "Дякую, переклад отримали вчора", "Рахунок, будь ласка, на фірму"];

/// A database of the old system, reached over TCP as a bureau's is.
struct Old {
    runtime: Runtime,
    database: TestDatabase,
    address: SocketAddr,
    reached: Reached,
}

impl Old {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let database = runtime.block_on(TestDatabase::new());
        let reached = database.reached();
        let old = Self { address: over_tcp(&reached), runtime, database, reached };
        old.run(
            "CREATE TABLE telegram_accounts (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name varchar NOT NULL,
                 phone varchar, session_string varchar NOT NULL, api_id varchar, api_hash varchar, is_active boolean,
                 created_at timestamptz DEFAULT clock_timestamp());
             CREATE TABLE manager_smtp_accounts (id serial PRIMARY KEY, name varchar, email varchar NOT NULL,
                 smtp_host varchar NOT NULL, smtp_port integer, smtp_user varchar, smtp_password varchar NOT NULL,
                 imap_host varchar, imap_port integer, is_active boolean);
             CREATE TABLE users (id uuid, email varchar, first_name varchar, last_name varchar, is_active boolean);
             CREATE TABLE crm_clients (id uuid, full_name varchar, email varchar, phone varchar);
             CREATE TABLE communications_conversations (id uuid PRIMARY KEY, client_id uuid, platform varchar,
                 external_id varchar, subject varchar, manager_smtp_account_id integer, assigned_manager_id uuid,
                 is_archived boolean, created_at timestamptz DEFAULT now());
             CREATE TABLE communications_messages (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), conversation_id uuid,
                 direction varchar, type varchar, content text, status varchar, attachments jsonb, meta_data jsonb,
                 sent_at timestamptz, external_id varchar, created_at timestamptz);
             CREATE TABLE communications_attachments (id uuid, message_id uuid, file_path varchar, file_type varchar,
                 mime_type varchar, original_name varchar, file_size integer, created_at timestamptz DEFAULT now());
             CREATE TABLE internal_notes (id serial, entity_type varchar, entity_id varchar, author_name varchar,
                 text text, created_at timestamptz DEFAULT now())",
        );
        old
    }

    fn run(&self, statements: &str) {
        self.runtime.block_on(self.database.run(statements));
    }

    fn texts(&self, query: &str) -> Vec<String> {
        self.runtime.block_on(self.database.texts(query))
    }

    fn url(&self) -> String {
        format!("postgres://{}@{}/{}", self.reached.role, self.address, self.reached.database)
    }

    /// What stands in the old tables, secrets and all.
    fn everything(&self) -> Vec<String> {
        let tables = self
            .texts("SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1");
        let rows = |table: &String| self.texts(&format!("SELECT t::text FROM {table} t ORDER BY 1"));
        tables.iter().flat_map(rows).collect()
    }
}

/// Leads a TCP port of loopback to the test server, which listens on a socket alone.
fn over_tcp(reached: &Reached) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let socket = Path::new(&reached.host).join(format!(".s.PGSQL.{}", reached.port));
    thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let Ok(far) = UnixStream::connect(&socket) else { continue };
            let (mut near_in, mut far_out) = (near.try_clone().unwrap(), far.try_clone().unwrap());
            thread::spawn(move || {
                let _ended = copy(&mut near_in, &mut far_out);
                let _closed = far_out.shutdown(Shutdown::Write);
            });
            thread::spawn(move || {
                let (mut near, mut far): (TcpStream, UnixStream) = (near, far);
                let _ended = copy(&mut far, &mut near);
                let _closed = near.shutdown(Shutdown::Both);
            });
        }
    });
    address
}

/// A bureau that runs the old system, with its servers.
struct Office {
    old: Old,
    net: Network,
    dovecot: Dovecot,
    _smtp: SmtpSink,
    account: AccountId,
    key: Key,
    customer: UserId,
    profile: Profile,
    folder: tempfile::TempDir,
}

impl Office {
    fn open() -> Self {
        let net = Network::start(NetworkOptions::default()).unwrap();
        net.punish_duplicates(true);
        let account = net.add_account(NewAccount::default()).unwrap();
        let key = net.session(account, 2).unwrap();
        let customer = net.add_user(NewUser {
            first_name: "Olena".to_owned(),
            username: Some("verbytska_example".to_owned()),
            ..NewUser::default()
        });
        let authority = Authority::new().unwrap();
        let smtp = SmtpSink::start(&authority).unwrap();
        smtp.add_user(USER, PASSWORD);
        let dovecot = Dovecot::start_with(Options::default(), authority).unwrap();
        dovecot.add_user(USER, PASSWORD).unwrap();
        let office = Self {
            old: Old::new(),
            net,
            dovecot,
            _smtp: smtp,
            account,
            key,
            customer,
            profile: Profile::new(),
            folder: tempfile::tempdir().unwrap(),
        };
        let smtp = office._smtp.smtp();
        office.old.run(&format!(
            "INSERT INTO manager_smtp_accounts (name, email, smtp_host, smtp_port, smtp_user, smtp_password, imap_host,
                                                imap_port, is_active)
             VALUES ('Пошта', 'Office@Example.org', ' localhost ', {}, '{USER}', '{PASSWORD}', ' localhost', {}, true)",
            smtp.port(),
            office.dovecot.imaps().port()
        ));
        office
    }

    fn session(&self) -> String {
        strings::telethon(2, self.net.endpoint(2).unwrap(), &self.key)
    }

    /// An account of the old system, as its settings page saved it.
    fn old_account(&self, name: &str, phone: &str, session: &str, active: bool) {
        self.old.run(&format!(
            "INSERT INTO telegram_accounts (name, phone, session_string, api_id, api_hash, is_active)
             VALUES ('{name}', '{phone}', '{session}', ' 12345 ', '{HASH}', {active})"
        ));
    }

    fn run(&self, arguments: &[&str], input: &str) -> Output {
        self.start(arguments, input, None).wait_with_output().unwrap()
    }

    fn start(&self, arguments: &[&str], input: &str, kill_at: Option<&str>) -> std::process::Child {
        let mut command = self.profile.command(arguments);
        command.env("SKRYNKA_TELEGRAM_CENTRES", centres(&self.net, &self.folder.path().join("centres.json")));
        command.env("SSL_CERT_FILE", self.dovecot.ca_file());
        if let Some(place) = kill_at {
            command.env("SKRYNKA_KILL_AT", place);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let _closed = child.stdin.take().unwrap().write_all(input.as_bytes());
        child
    }

    fn input(&self) -> String {
        json!({"password": self.old.reached.password}).to_string()
    }

    fn adopt(&self, more: &[&str]) -> Output {
        let url = self.old.url();
        let begin = ["adopt", "--json", "--secrets-stdin", "--from", &url];
        self.run(&[&begin[..], more].concat(), &self.input())
    }

    /// Runs it, which must succeed, and returns what became of each account, by its name there.
    fn handed_over(&self, more: &[&str]) -> BTreeMap<String, (String, String, u64)> {
        let output = self.adopt(more);
        assert!(output.status.success(), "{more:?}: {}", String::from_utf8_lossy(&output.stderr));
        accounts(&output)
    }

    fn list(&self) -> BTreeMap<String, Value> {
        let accounts = self.profile.records(&["account", "list"]).into_iter();
        accounts.map(|record| (record["channel"].as_str().unwrap().to_owned(), record)).collect()
    }

    fn listen(&self) {
        let output = self.run(&["listen", "--until-idle"], "");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn records(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn accounts(output: &Output) -> BTreeMap<String, (String, String, u64)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let accounts = records(output).into_iter().filter(|record| record["secret"].is_string());
    let told = |record: Value| {
        (text(&record["name"]), (text(&record["secret"]), text(&record["why"]), record["emptied"].as_u64().unwrap()))
    };
    accounts.map(told).collect()
}

fn state<'a>(told: &'a BTreeMap<String, (String, String, u64)>, name: &str) -> (&'a str, u64) {
    told.get(name).map(|(state, _, emptied)| (state.as_str(), *emptied)).unwrap()
}

#[test]
fn secrets_are_handed_over_tried_and_emptied_and_stand_nowhere_else() {
    let office = Office::open();
    let (cluster, store) = office.old.runtime.block_on(office.profile.attach());
    let other =
        office.net.add_account(NewAccount { phone: "380445550188".to_owned(), ..NewAccount::default() }).unwrap();
    let other_key = office.net.session(other, 2).unwrap();
    let other_session = strings::telethon(2, office.net.endpoint(2).unwrap(), &other_key);
    let good = office.session();
    office.old_account("Основний", "+380445550100", &format!(" {good}\n"), true);
    office.old_account("Той самий", "+380 44 555 99 99", &good, true);
    office.old_account("Обрізаний", "+380445550111", &good[..200], true);
    office.old_account("Чужий", "+380445550122", "не сесія", true);
    office.old_account("Вимкнений", "+380445550188", &other_session, false);
    office.old.run(&format!(
        "INSERT INTO users VALUES (gen_random_uuid(), 'm@example.org', 'Марія', 'Коваль', true);
         INSERT INTO manager_smtp_accounts (name, email, smtp_host, smtp_port, smtp_user, smtp_password, imap_host,
                                            imap_port, is_active)
         SELECT 'Хибна', 'wrong@example.org', smtp_host, smtp_port, smtp_user, '{OTHER_PASSWORD}', imap_host, imap_port,
                true FROM manager_smtp_accounts"
    ));
    // What the servers hold, and what the old listeners stored of it.
    for (number, text) in TEXTS.iter().enumerate() {
        office.net.send(office.customer, office.account, *text, Push::Silent).unwrap();
        let mail = format!(
            "From: Olena <olena@example.org>\r\nSubject: Umowa {number}\r\nMessage-ID: <{number}@example.org>\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
        );
        office.dovecot.deliver(USER, mail.as_bytes()).unwrap();
    }
    office.old.run(&format!(
        "INSERT INTO communications_conversations (id, platform, external_id, manager_smtp_account_id)
         VALUES ('00000000-0000-4000-8000-000000000001', 'email', 'Olena@example.org', 1),
                ('00000000-0000-4000-8000-000000000002', 'telegram', '@verbytska_example', NULL);
         INSERT INTO communications_messages (conversation_id, direction, type, content, status, external_id, created_at)
         VALUES ('00000000-0000-4000-8000-000000000001', 'inbound', 'text', '{0}', 'read', '0@example.org', now()),
                ('00000000-0000-4000-8000-000000000001', 'inbound', 'text', '{1}', 'read', NULL, now()),
                ('00000000-0000-4000-8000-000000000001', 'inbound', 'text', 'Лише у старій', 'read', 'x@x', now()),
                ('00000000-0000-4000-8000-000000000002', 'inbound', 'text', '{0}', 'read', NULL, now()),
                ('00000000-0000-4000-8000-000000000002', 'inbound', 'text', '{2}', 'sent', NULL, now()),
                ('00000000-0000-4000-8000-000000000002', 'inbound', 'text', 'Лише у старій', 'read', NULL, now())",
        TEXTS[0], TEXTS[1], TEXTS[2]
    ));
    let before = office.old.everything();
    let mut said = Vec::new();

    let dry = office.adopt(&["--dry-run"]);
    assert!(dry.status.success(), "{}", String::from_utf8_lossy(&dry.stderr));
    assert!(accounts(&dry).is_empty() && office.list().is_empty(), "nothing is changed");
    let report = records(&dry);
    let of = |report: &[Value], thing: &str| {
        let found = report.iter().rfind(|record| record["thing"] == thing).unwrap();
        (found["new"].as_u64().unwrap(), found["known"].as_u64().unwrap())
    };
    assert_eq!((of(&report, "messages"), of(&report, "colleagues")), ((6, 0), (1, 0)), "{report:?}");
    said.push(dry);

    let kept = office.adopt(&[]);
    assert!(kept.status.success(), "{}", String::from_utf8_lossy(&kept.stderr));
    let told = accounts(&kept);
    assert_eq!(told["Основний"].0, "kept");
    assert_eq!((&*told["Той самий"].0, &*told["Той самий"].1), ("same_session", "Основний"));
    for name in ["Обрізаний", "Чужий"] {
        assert_eq!(told[name].0, "refused", "{told:?}");
    }
    assert!(told["Обрізаний"].1.contains("cut off"), "{told:?}");
    assert_eq!((&*told["office@example.org"].0, &*told["wrong@example.org"].0), ("kept", "kept"));
    assert!(
        office
            .profile
            .records(&["account", "list"])
            .iter()
            .all(|account| account["state"] == "disabled" || account["enabled"] == false)
    );
    assert!(office.net.requests().is_empty(), "nothing was asked of Telegram");
    assert_eq!(of(&records(&office.adopt(&["--dry-run"])), "colleagues"), (0, 1), "she is known by now");
    assert_eq!(office.old.everything(), before, "the old database is only read");
    said.push(kept);

    // A role that may not write is told so, after everything else.
    office.old.run(&format!("REVOKE UPDATE ON telegram_accounts FROM {}", office.old.reached.role));
    let closed = office.adopt(&["--old-listeners-stopped", "--empty-old-secrets"]);
    let words = String::from_utf8_lossy(&closed.stderr).into_owned();
    assert!(closed.status.code() == Some(1) && words.contains("public.telegram_accounts"), "{words}");
    let told = accounts(&closed);
    assert_eq!((state(&told, "Основний"), state(&told, "office@example.org")), (("live", 0), ("live", 0)), "{told:?}");
    assert_eq!(
        (state(&told, "Вимкнений"), state(&told, "wrong@example.org")),
        (("kept", 0), ("refused", 0)),
        "{told:?}"
    );
    assert_eq!(office.old.everything(), before);
    assert_eq!(office.net.connections(&office.key).greatest, 1, "the session was used once, by one");
    assert_eq!(office.net.connections(&other_key).total, 0, "what the old system did not use is not used");
    said.push(closed);
    office.old.run(&format!("GRANT UPDATE ON telegram_accounts TO {}", office.old.reached.role));

    // While a listener works, handing over again does not touch its session.
    let mut listener = office.start(&["listen"], "", None);
    let online = (0..300).any(|_| {
        thread::sleep(Duration::from_millis(100));
        office.net.online() == 1
    });
    assert!(online, "the listener is at work");
    // Between the reading of a row and its emptying somebody saves it anew: that row stays as it is.
    office.old.run(&format!(
        "CREATE FUNCTION saved_anew() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF old.smtp_password = '{PASSWORD}' THEN RETURN NULL; END IF; RETURN new; END $$;
         CREATE TRIGGER saved_anew BEFORE UPDATE ON manager_smtp_accounts FOR EACH ROW EXECUTE FUNCTION saved_anew()"
    ));
    let told = office.handed_over(&["--old-listeners-stopped", "--empty-old-secrets"]);
    assert_eq!((state(&told, "Основний"), state(&told, "Той самий")), (("live", 2), ("same_session", 2)), "{told:?}");
    assert_eq!(state(&told, "office@example.org"), ("live", 0), "{told:?}");
    office.old.run("DROP TRIGGER saved_anew ON manager_smtp_accounts");
    assert_eq!(office.net.connections(&office.key).greatest, 1, "its session is used by the listener alone");
    let told = office.handed_over(&["--old-listeners-stopped", "--empty-old-secrets"]);
    assert_eq!((state(&told, "Основний"), state(&told, "office@example.org")), (("live", 0), ("live", 1)), "{told:?}");
    let rows = office
        .old
        .texts("SELECT concat_ws('|', name, session_string, api_hash) FROM telegram_accounts ORDER BY created_at");
    let left = [
        "Основний||".to_owned(),
        "Той самий||".to_owned(),
        format!("Обрізаний|{}|{HASH}", &good[..200]),
        format!("Чужий|не сесія|{HASH}"),
        format!("Вимкнений|{other_session}|{HASH}"),
    ];
    assert_eq!(rows, left, "exactly what works here was emptied");
    let rows = office.old.texts("SELECT concat_ws('|', email, smtp_password) FROM manager_smtp_accounts ORDER BY id");
    assert_eq!(rows, ["Office@Example.org|".to_owned(), format!("wrong@example.org|{OTHER_PASSWORD}")]);
    listener.kill().unwrap();
    listener.wait().unwrap();
    // The killed listener's session is free once its lease has run out, or its end is seen.
    office.listen();

    // Both sides counted: the servers' messages, and what only the old system has.
    let stored = office.profile.records(&["export", "messages"]);
    for channel in ["email", "telegram"] {
        let mut texts: Vec<&str> = stored
            .iter()
            .filter(|message| message["channel"] == channel)
            .map(|message| message["text"].as_str().unwrap().trim())
            .collect();
        texts.sort_unstable();
        let mut expected = TEXTS.to_vec();
        expected.push("Лише у старій");
        expected.sort_unstable();
        assert_eq!(texts, expected, "{channel}: none twice, none lost");
    }
    let again = office.adopt(&[]);
    assert_eq!(of(&records(&again), "messages"), (0, 6));
    said.push(again);

    // Nothing of a secret was said, logged or stored. What the database's files hold is what it holds.
    office.old.runtime.block_on(async {
        store.close().await;
        cluster.stop().await.unwrap();
    });
    let secrets = [
        good.clone(),
        other_session.clone(),
        good[40..120].to_owned(),
        HASH.to_owned(),
        PASSWORD.to_owned(),
        OTHER_PASSWORD.to_owned(),
        office.old.reached.password.clone(),
    ];
    let wanted = Wanted::new(secrets);
    assert!(!wanted.hits(good.as_bytes()).is_empty() && !wanted.hits(PASSWORD.as_bytes()).is_empty());
    for output in &said {
        let hits: Vec<_> = wanted.hits(&output.stdout).into_iter().chain(wanted.hits(&output.stderr)).collect();
        assert!(hits.is_empty(), "{hits:?}");
    }
    let mut looked = 0;
    for path in files(&office.profile.path()) {
        let bytes = std::fs::read(&path).unwrap_or_default();
        let hits = wanted.hits(&bytes);
        assert!(hits.is_empty(), "{}: {hits:?}", path.display());
        looked += 1;
    }
    assert!(looked > 100, "{looked}");
    evidence("P3 secrets", "the old CRM's secrets stand in the vault alone", &format!("0 hits in {looked} files"));
}

/// Reads what a program prints until a line tells this step.
fn until_step(lines: &mut impl Iterator<Item = std::io::Result<String>>, step: &Value) -> Vec<String> {
    let mut read = Vec::new();
    for line in lines {
        let line = line.unwrap();
        let found = serde_json::from_str::<Value>(&line).is_ok_and(|told| told == *step);
        read.push(line);
        if found {
            return read;
        }
    }
    panic!("{step} was not told: {read:?}");
}

/// Asks a program to end while it does something, lets that come to its end, and returns what became of each account.
fn stopped(
    office: &Office,
    more: &[&str],
    step: &Value,
    come_to_its_end: impl FnOnce(),
) -> BTreeMap<String, (String, String, u64)> {
    let url = office.old.url();
    let words = [&["adopt", "--json", "--secrets-stdin", "--from", &url][..], more].concat();
    let mut program = office.start(&words, &office.input(), None);
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    until_step(&mut lines, step);
    assert!(Command::new("kill").args(["-TERM", &program.id().to_string()]).status().unwrap().success());
    until_step(&mut lines, &json!({"progress": "stopping"}));
    come_to_its_end();
    let rest: Vec<u8> = lines.map_while(Result::ok).flat_map(|line| (line + "\n").into_bytes()).collect();
    let output = Output { stdout: rest, ..program.wait_with_output().unwrap() };
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the next run goes on from there"));
    accounts(&output)
}

#[test]
fn trying_and_emptying_stop_between_two_accounts_and_are_gone_on_with() {
    let office = Office::open();
    let (cluster, store) = office.old.runtime.block_on(office.profile.attach());
    // The second mailbox' server takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    office._smtp.add_user("second@example.org", PASSWORD);
    office.dovecot.add_user("second@example.org", PASSWORD).unwrap();
    office.old.run(&format!(
        "INSERT INTO manager_smtp_accounts (name, email, smtp_host, smtp_port, smtp_user, smtp_password, imap_host,
                                            imap_port, is_active)
         SELECT 'Німа', 'silent@example.org', smtp_host, smtp_port, smtp_user, '{OTHER_PASSWORD}', imap_host, {port},
                true FROM manager_smtp_accounts;
         INSERT INTO manager_smtp_accounts (name, email, smtp_host, smtp_port, smtp_user, smtp_password, imap_host,
                                            imap_port, is_active)
         SELECT 'Друга', 'second@example.org', smtp_host, smtp_port, 'second@example.org', '{PASSWORD}', imap_host,
                imap_port, true FROM manager_smtp_accounts WHERE id = 1"
    ));
    let step = |word: &str, done: u64| json!({"progress": word, "done": done, "total": 3});
    let told = stopped(&office, &["--old-listeners-stopped"], &step("trying", 1), || drop(silent.accept().unwrap()));
    assert_eq!(told.len(), 2, "the third is not begun: {told:?}");
    assert_eq!((state(&told, USER).0, state(&told, "silent@example.org").0), ("live", "refused"), "{told:?}");
    let enabled = office.profile.records(&["account", "list"]).iter().filter(|one| one["enabled"] == true).count();
    assert_eq!(enabled, 1, "what works is switched on, and what was not begun is not");
    drop(silent);
    let told = office.handed_over(&["--old-listeners-stopped"]);
    assert_eq!((state(&told, USER).0, state(&told, "second@example.org").0), ("live", "live"), "{told:?}");

    // The first row cannot be changed until a table has a row.
    office.old.run(
        "CREATE TABLE gate (open boolean);
         CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 WHILE NOT EXISTS (SELECT FROM gate) LOOP PERFORM pg_sleep(0.01); END LOOP;
                 RETURN NEW;
             END $$;
         CREATE TRIGGER wait BEFORE UPDATE ON manager_smtp_accounts FOR EACH ROW WHEN (OLD.id = 1)
             EXECUTE FUNCTION wait()",
    );
    let passwords = || office.old.texts("SELECT smtp_password FROM manager_smtp_accounts ORDER BY id");
    let both = ["--old-listeners-stopped", "--empty-old-secrets"];
    let told = stopped(&office, &both, &step("emptying", 0), || office.old.run("INSERT INTO gate VALUES (true)"));
    assert_eq!((state(&told, USER), state(&told, "second@example.org")), (("live", 1), ("live", 0)), "{told:?}");
    assert_eq!(passwords(), ["", OTHER_PASSWORD, PASSWORD], "the second row that works is not begun");
    let told = office.handed_over(&both);
    assert_eq!((state(&told, USER), state(&told, "second@example.org")), (("live", 0), ("live", 1)), "{told:?}");
    assert_eq!(passwords(), ["", OTHER_PASSWORD, ""]);
    office.old.runtime.block_on(async {
        store.close().await;
        cluster.stop().await.unwrap();
    });
}

#[test]
fn a_vault_that_is_lost_midway_keeps_what_it_has_and_empties_nothing() {
    let office = Office::open();
    office.old_account("Основний", "+380445550100", &office.session(), true);
    let before = office.old.everything();
    // The first account's sign-in takes its time; meanwhile the vault is damaged.
    office.net.slow("users.getUsers", Duration::from_secs(5));
    let (url, input) = (office.old.url(), office.input());
    let words =
        ["adopt", "--json", "--secrets-stdin", "--old-listeners-stopped", "--empty-old-secrets", "--from", &url];
    let program = office.start(&words, &input, None);
    let waits = (0..600).any(|_| {
        thread::sleep(Duration::from_millis(50));
        office.net.requested("users.getUsers") > 0
    });
    assert!(waits, "the first account is tried");
    let vault = files(&office.profile.path()).into_iter().find(|path| path.ends_with("vault.json")).unwrap();
    let whole = std::fs::read(&vault).unwrap();
    std::fs::write(&vault, &whole[..whole.len() / 2]).unwrap();
    let output = program.wait_with_output().unwrap();
    office.net.slow("users.getUsers", Duration::ZERO);
    let told = accounts(&output);
    let (_, why, emptied) = &told["office@example.org"];
    assert_eq!((state(&told, "office@example.org").0, *emptied), ("refused", 0), "{told:?}");
    assert!(why.contains("vault"), "{why}");
    assert_eq!(office.old.everything(), before, "what cannot be read back is not emptied");
    std::fs::write(&vault, &whole).unwrap();
    let told = office.handed_over(&["--old-listeners-stopped", "--empty-old-secrets"]);
    assert_eq!((state(&told, "Основний"), state(&told, "office@example.org")), (("live", 2), ("live", 1)), "{told:?}");
    assert_eq!(office.net.connections(&office.key).greatest, 1);
}

#[test]
fn a_chat_that_is_known_by_a_name_alone_is_found_exported_and_not_written_to_by_mistake() {
    let office = Office::open();
    office.old_account("Основний", "+380445550100", &office.session(), true);
    office.old.run(
        "INSERT INTO communications_conversations (id, platform, external_id)
         VALUES ('00000000-0000-4000-8000-000000000001', 'telegram', '@verbytska_example'),
                ('00000000-0000-4000-8000-000000000002', 'telegram', '+48 600 100 200');
         INSERT INTO communications_messages (conversation_id, direction, type, content, status, created_at)
         VALUES ('00000000-0000-4000-8000-000000000001', 'inbound', 'text', 'давнє від імені', 'read', now()),
                ('00000000-0000-4000-8000-000000000002', 'inbound', 'text', 'давнє від номера', 'read', now())",
    );
    let told = office.handed_over(&["--old-listeners-stopped"]);
    assert_eq!(state(&told, "Основний").0, "live");
    let account = office.list()["telegram"]["id"].as_str().unwrap().to_owned();
    let exported = || office.profile.records(&["export", "messages"]);
    let texts = |records: &[Value]| {
        let mut texts: Vec<String> = records.iter().map(|one| one["text"].as_str().unwrap().to_owned()).collect();
        texts.sort_unstable();
        texts
    };
    let messages = exported();
    assert_eq!(texts(&messages), ["давнє від номера", "давнє від імені"]);
    assert!(messages.iter().all(|one| one["channel"] == "telegram"), "{messages:?}");
    // Nothing goes to whoever may have that name by now, and nothing waits for ever.
    for to in ["@verbytska_example", "+48600100200"] {
        let refused = office.run(&["send", "--account", &account, "--to", to, "--text", "вітаю", "--json"], "");
        let words = String::from_utf8_lossy(&refused.stderr);
        assert!(
            refused.status.code() == Some(1) && words.contains(to) && words.contains("nothing was sent"),
            "{words}"
        );
    }
    assert!(office.net.sent_by(office.account).is_empty());
    // Once Telegram has told of it, it is the same chat, and takes texts.
    office.net.send(office.customer, office.account, "нове", Push::Silent).unwrap();
    office.listen();
    assert_eq!(office.profile.records(&["search", "давнє"]).len(), 2);
    let sent =
        office.run(&["send", "--account", &account, "--to", "@verbytska_example", "--text", "вітаю", "--json"], "");
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    let messages = exported();
    let chat = |text: &str| messages.iter().find(|one| one["text"] == text).unwrap()["conversation"].clone();
    assert_eq!((chat("давнє від імені"), chat("вітаю")), (chat("нове"), chat("нове")));
}

/// So many accounts, each with conversations. By hand with 10000: `SKRYNKA_OLD_ACCOUNTS`.
#[test]
fn every_account_of_a_large_old_system_comes_over_with_its_conversations() {
    let number = std::env::var("SKRYNKA_OLD_ACCOUNTS").ok().and_then(|number| number.parse().ok()).unwrap_or(60_usize);
    let half = number / 2;
    let profile = Profile::new();
    let old = Old::new();
    old.run(&format!(
        "INSERT INTO telegram_accounts (name, phone, session_string, api_id, is_active)
         SELECT 'Акаунт ' || n, '+48' || 100000000 + n, 'не сесія', '12345', n = 1 FROM generate_series(1, {half}) n;
         INSERT INTO manager_smtp_accounts (name, email, smtp_host, smtp_port, smtp_password, imap_host, is_active)
         SELECT 'Пошта ' || n, 'm' || n || '@example.org', 'smtp.example.org', 587, CASE WHEN n <= 50 THEN 'p' || n ELSE '' END,
                'imap.example.org', true FROM generate_series(1, {half}) n;
         INSERT INTO communications_conversations (id, platform, external_id, manager_smtp_account_id)
         SELECT md5('t' || n)::uuid, 'telegram', (100000 + n)::text, NULL FROM generate_series(1, 3 * {half}) n
         UNION ALL
         SELECT md5('e' || n)::uuid, 'email', 'c' || n || '@example.com', 1 + n % {half} FROM generate_series(1, 3 * {half}) n;
         INSERT INTO communications_messages (id, conversation_id, direction, type, content, status, external_id, created_at)
         SELECT md5(kind || n || '/' || m)::uuid, md5(kind || n)::uuid, CASE m WHEN 1 THEN 'inbound' ELSE 'outbound' END,
                'text', 'Повідомлення ' || m || ' розмови ' || kind || n, 'read',
                CASE WHEN kind = 'e' AND m = 1 THEN n || '@example.com' END,
                '2026-01-01'::timestamptz + n * interval '1 minute' + m * interval '1 second'
         FROM generate_series(1, 3 * {half}) n, generate_series(1, 2) m, (VALUES ('t'), ('e')) k (kind)"
    ));
    let input = json!({"password": old.reached.password}).to_string();
    let url = old.url();
    let began = std::time::Instant::now();
    let mut command = profile.command(&["adopt", "--json", "--secrets-stdin", "--from", &url]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let status = format!("/proc/{}/status", child.id());
    let watched = thread::spawn(move || {
        let mut peak = 0_u64;
        while let Ok(text) = std::fs::read_to_string(&status) {
            let Some(line) = text.lines().find(|line| line.starts_with("VmHWM:")) else { break };
            peak = line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(peak);
            thread::sleep(Duration::from_millis(20));
        }
        peak
    });
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    println!("{number} accounts: {:?}, {} MiB at most", began.elapsed(), watched.join().unwrap() / 1024);
    let report = records(&output);
    let of = |thing: &str| report.iter().rfind(|record| record["thing"] == thing).unwrap()["new"].as_u64().unwrap();
    let expected = half as u64;
    assert_eq!((of("telegram_accounts"), of("mailboxes")), (expected, expected));
    assert_eq!((of("conversations"), of("messages")), (6 * expected, 12 * expected));
    assert_eq!(profile.records(&["account", "list"]).len(), 2 * half);
    assert_eq!(profile.records(&["export", "messages"]).len(), 12 * half);
}

/// What came over, without the keys that each run makes anew.
fn came_over(office: &Office) -> Vec<String> {
    let (cluster, store) = office.old.runtime.block_on(office.profile.attach());
    let rows = office.old.runtime.block_on(async {
        let mut rows = Vec::new();
        for query in [
            "SELECT concat_ws('|', 'message', a.old_id, a.waits, a.guessed, a.status, a.peer, a.missing_files, t.name,
                    c.peer_name, c.peer_address, c.subject, m.direction, m.seen, m.body_text, m.received_at,
                    (SELECT string_agg(f.name || f.size || encode(f.sha256, 'hex'), ',' ORDER BY f.name)
                     FROM skrynka.attachments f WHERE f.account_id = m.account_id AND f.message_id = m.id))
             FROM skrynka.adopted_messages a JOIN skrynka.messages m ON m.account_id = a.account_id AND m.id = a.message_id
             JOIN skrynka.conversations c ON c.account_id = m.account_id AND c.id = m.conversation_id
             JOIN skrynka.accounts t ON t.id = m.account_id",
            "SELECT concat_ws('|', 'conversation', t.name, c.peer_name, c.peer_address, c.triage, c.assignee, p.name,
                    c.message_count, c.unread_count, c.file_count, c.snippet)
             FROM skrynka.conversations c JOIN skrynka.accounts t ON t.id = c.account_id
             LEFT JOIN skrynka.contacts p ON p.id = c.contact_id",
            "SELECT concat_ws('|', 'row', r.kind, r.old_id) FROM skrynka.adopted_rows r",
            "SELECT concat_ws('|', 'note', c.peer_address, n.author, n.body_text) FROM skrynka.adopted_notes n
             JOIN skrynka.conversations c ON c.account_id = n.account_id AND c.id = n.conversation_id",
            "SELECT concat_ws('|', 'handle', h.kind, h.value, p.name) FROM skrynka.contact_handles h
             JOIN skrynka.contacts p ON p.id = h.contact_id",
            "SELECT concat_ws('|', 'account', t.name, t.channel, t.enabled) FROM skrynka.accounts t",
            "SELECT concat_ws('|', 'blob', t.name, encode(b.sha256, 'hex'), b.size) FROM skrynka.blobs b
             JOIN skrynka.accounts t ON t.id = b.account_id",
            "SELECT concat_ws('|', 'stored', count(*)) FROM skrynka.messages",
        ] {
            rows.extend(skrynka_core::postgres::testing::texts_of(&cluster.connect_options(), query).await);
        }
        store.close().await;
        cluster.stop().await.unwrap();
        rows
    });
    let mut rows: Vec<String> = rows;
    rows.sort_unstable();
    rows
}

#[test]
fn a_run_that_is_killed_at_every_point_ends_as_one_that_is_not() {
    let office = Office::open();
    office.old_account("Основний", "+380445550100", &office.session(), true);
    office.old_account("Другий", "+380445550111", "не сесія", true);
    let media = office.folder.path().join("media");
    std::fs::create_dir_all(media.join("attachments")).unwrap();
    for number in 0..9 {
        std::fs::write(media.join(format!("attachments/{number}.pdf")), format!("file {number}")).unwrap();
    }
    office.old.run(
        "INSERT INTO users SELECT md5('u' || n)::uuid, 'u' || n, 'Марія', n::text, true FROM generate_series(1, 3) n;
         INSERT INTO crm_clients SELECT md5('p' || n)::uuid, 'Клієнт ' || n, 'client' || n || '@example.com', ''
         FROM generate_series(1, 9) n;
         INSERT INTO communications_conversations (id, client_id, platform, external_id, subject, manager_smtp_account_id,
                                                   assigned_manager_id, is_archived)
         SELECT md5('c' || n)::uuid, md5('p' || n % 9)::uuid, CASE WHEN n % 2 = 0 THEN 'email' ELSE 'telegram' END,
                CASE WHEN n % 2 = 0 THEN 'client' || n % 12 || '@example.com' ELSE (5000 + n % 15)::text END, 'Тема ' || n,
                CASE WHEN n % 4 = 0 THEN 1 WHEN n % 4 = 2 THEN 99 END, md5('u' || n % 4)::uuid, n % 3 = 0
         FROM generate_series(1, 40) n;
         INSERT INTO communications_messages (id, conversation_id, direction, type, content, status, external_id, created_at)
         SELECT md5('m' || n)::uuid, md5('c' || 1 + n % 40)::uuid, CASE WHEN n % 5 = 0 THEN 'outbound' ELSE 'inbound' END,
                'text', 'Повідомлення ' || n, CASE WHEN n % 7 = 0 THEN 'sent' ELSE 'read' END,
                CASE WHEN n % 3 = 0 THEN n || '@example.com' END, '2026-01-01'::timestamptz + n * interval '1 minute'
         FROM generate_series(1, 1600) n;
         INSERT INTO communications_attachments (id, message_id, file_path, file_type, mime_type, original_name, file_size)
         SELECT md5('f' || n)::uuid, md5('m' || n * 7)::uuid, 'attachments/' || n % 10 || '.pdf', 'document',
                'application/pdf', 'Файл ' || n || '.pdf', 6 FROM generate_series(1, 120) n;
         INSERT INTO internal_notes (entity_type, entity_id, author_name, text)
         SELECT 'chat', md5('c' || n)::uuid, 'Марія', 'Нотатка ' || n FROM generate_series(1, 12) n",
    );
    let media = media.to_str().unwrap();
    let last = ["--media", media, "--old-listeners-stopped", "--empty-old-secrets"];
    let before = office.old.everything();

    // What an uninterrupted run makes of it, secrets left where they are.
    let whole = Office { profile: Profile::new(), ..office };
    let told = whole.handed_over(&["--media", media]);
    assert_eq!(told.len(), 3, "{told:?}");
    let expected = came_over(&whole);
    assert_eq!(expected.iter().filter(|row| row.starts_with("message|")).count(), 1600);
    assert_eq!(whole.old.everything(), before);

    let office = Office { profile: Profile::new(), ..whole };
    // The database stays up, or each run would start and stop it.
    let (cluster, store) = office.old.runtime.block_on(office.profile.attach());
    let url = office.old.url();
    let begin = ["adopt", "--json", "--secrets-stdin", "--from", &url];
    let mut kills = 0;
    for place in [
        "adopted_account:1",
        "adopted_account:2",
        "adopted_written:1",
        "adopted_committed:1",
        "adopted_written:3",
        "adopted_committed:2",
        "adopted_settled:1",
        "adopted_settled:20",
        "adopted_client:1",
        "adopted_client:4",
        "adopted_note:1",
        "adopted_note:5",
        "secret_kept:1",
        "secret_kept:3",
    ] {
        let program = office.start(&[&begin[..], &["--media", media]].concat(), &office.input(), Some(place));
        let output = program.wait_with_output().unwrap();
        assert!(!output.status.success() && output.status.code().is_none(), "{place} was not passed: {output:?}");
        assert_eq!(office.old.everything(), before, "{place}");
        kills += 1;
    }
    let told = office.handed_over(&["--media", media]);
    assert_eq!(state(&told, "Основний"), ("kept", 0));
    office.old.runtime.block_on(async {
        store.close().await;
        cluster.stop().await.unwrap();
    });
    assert_eq!(came_over(&office), expected, "killed {kills} times, and as if it never had been");

    // At each of these moments a secret stands in one place at least, and a session is never used twice at once.
    for place in ["secret_tried:1", "secret_tried:1", "secret_emptied:1", "secret_emptied:1"] {
        let program = office.start(&[&begin[..], &last[..]].concat(), &office.input(), Some(place));
        let output = program.wait_with_output().unwrap();
        assert!(output.status.code().is_none(), "{place} was not passed: {}", String::from_utf8_lossy(&output.stdout));
        kills += 1;
    }
    let told = office.handed_over(&last);
    assert_eq!((state(&told, "Основний").0, state(&told, "office@example.org").0), ("live", "live"), "{told:?}");
    let left = office.old.texts(
        "SELECT name || session_string || api_hash FROM telegram_accounts WHERE name = 'Основний'
         UNION ALL SELECT email || smtp_password FROM manager_smtp_accounts",
    );
    assert_eq!(left, ["Основний", "Office@Example.org"]);
    assert_eq!(office.net.connections(&office.key).greatest, 1);
    office.listen();
    evidence(
        "P1 nothing lost, nothing doubled",
        "the old CRM's adoption is killed",
        &format!("{kills} kills, 1600 of 1600"),
    );
}
