//! The first promise, over the command line: N numbered mails in under faults, N rows out, none twice, and the
//! server's own marks untouched.
//!
//! `SKRYNKA_LEDGER=10000:20` asks for so many mails and kills (the short form is 1,000 and 8; `cargo xtask bench ledger`
//! runs the long one), `SKRYNKA_SEED` for the same faults again.

use std::{collections::BTreeMap, process::Child, time::Duration};

use crate::common::{PASSWORD, Profile, evidence};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use skrynka_lab::{Dovecot, Mode, Options, Proxy, SmtpSink, authority::Authority, numbered::ledger_mail};

const USER: &str = "office@example.org";

/// A mailbox behind a proxy, with a profile that reads it.
struct Ledger {
    dovecot: Dovecot,
    proxy: Proxy,
    _smtp: SmtpSink,
    profile: Profile,
    delivered: u32,
}

impl Ledger {
    fn new() -> Self {
        let authority = Authority::new().unwrap();
        let smtp = SmtpSink::start(&authority).unwrap();
        smtp.add_user(USER, PASSWORD);
        let dovecot = Dovecot::start(Options::default()).unwrap();
        dovecot.add_user(USER, PASSWORD).unwrap();
        let proxy = Proxy::start(dovecot.imap()).unwrap();
        let profile = Profile::new();
        profile.add_mailbox(USER, proxy.address(), smtp.smtp());
        Self { dovecot, proxy, _smtp: smtp, profile, delivered: 0 }
    }

    fn deliver(&mut self, count: u32) {
        let mails: Vec<Vec<u8>> = (self.delivered..self.delivered + count).map(ledger_mail).collect();
        self.dovecot.deliver_all(USER, mails.iter().map(Vec::as_slice)).unwrap();
        self.delivered += count;
    }

    /// Catches up without faults, then compares both sides.
    fn assert_complete(&self) {
        self.proxy.set(Mode::Pass);
        let mut last = self.profile.listen(&["--until-idle"], None);
        assert!(last.wait().unwrap().success());
        let mut rows: BTreeMap<u32, u32> = BTreeMap::new();
        for record in self.profile.records(&["export", "messages"]) {
            assert_eq!(record["quarantined"], false, "{record}");
            let subject = record["subject"].as_str().unwrap();
            let number = subject.strip_prefix('[').and_then(|s| s.split_once(']')).unwrap().0;
            *rows.entry(number.parse().unwrap()).or_default() += 1;
        }
        let missing: Vec<u32> = (0..self.delivered).filter(|number| !rows.contains_key(number)).collect();
        let doubled: Vec<_> = rows.iter().filter(|(_, times)| **times > 1).collect();
        assert!(missing.is_empty() && doubled.is_empty(), "missing {missing:?}, doubled {doubled:?}");
        assert_eq!(rows.len(), usize::try_from(self.delivered).unwrap());
        let marked: Vec<_> =
            self.dovecot.flags(USER, "INBOX").unwrap().into_iter().filter(|(_, flags)| !flags.is_empty()).collect();
        assert!(marked.is_empty(), "reading left marks on the server: {marked:?}");
        let checks = self.profile.records(&["doctor"]);
        for name in ["summaries", "quarantine"] {
            let check = checks.iter().find(|check| check["name"] == name).unwrap();
            assert_eq!(check["state"], "ok", "{check}");
        }
    }
}

#[test]
fn a_kill_in_every_window_of_a_commit_loses_and_doubles_nothing() {
    let mut ledger = Ledger::new();
    let mut kills = 0;
    for place in
        ["handed_over", "begun", "messages_written", "cursor_written", "announced", "committed", "acknowledged"]
    {
        for time in [1, 2] {
            ledger.deliver(15);
            let mut child = ledger.profile.listen(&["--until-idle"], Some(&format!("{place}:{time}")));
            let status = child.wait().unwrap();
            // A second batch need not exist; a first one always does.
            assert!(time > 1 || !status.success(), "{place} was not passed");
            kills += u32::from(!status.success());
        }
    }

    ledger.assert_complete();

    let figure = format!("{} of {} stored, 0 doubled, {kills} kills", ledger.delivered, ledger.delivered);
    evidence("P1 nothing lost, nothing doubled", "a kill in every window of a commit", &figure);
}

#[test]
fn random_kills_of_app_database_server_and_network_lose_and_double_nothing() {
    let (mails, kills) = size();
    let seed = seed();
    println!("SKRYNKA_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut ledger = Ledger::new();
    ledger.deliver(mails / 2);
    let per_kill = mails / 2 / kills;
    let mut faults: BTreeMap<&str, u32> = BTreeMap::new();
    for kill in 0..kills {
        let mut app = ledger.profile.listen(&[], None);
        let rest = if kill + 1 == kills { mails - ledger.delivered } else { per_kill };
        let before = random.random_range(0..rest + 1);
        ledger.deliver(before);
        std::thread::sleep(Duration::from_millis(random.random_range(200..1700)));
        let fault = match random.random_range(0..4) {
            0 => "app",
            1 => fault_in_database(&ledger),
            2 => fault_in_server(&ledger),
            _ => fault_in_network(&ledger, &mut random),
        };
        *faults.entry(fault).or_default() += 1;
        ledger.deliver(rest - before);
        std::thread::sleep(Duration::from_millis(random.random_range(0..1000_u64)));
        kill_now(&mut app);
        ledger.proxy.set(Mode::Pass);
    }

    ledger.assert_complete();

    let figure = format!("{mails} of {mails} stored, 0 doubled, {kills} kills of the app and {faults:?}, seed {seed}");
    evidence("P1 nothing lost, nothing doubled", "random kills", &figure);
}

fn fault_in_database(ledger: &Ledger) -> &'static str {
    let pid = ledger.profile.postmaster().and_then(rustix::process::Pid::from_raw).expect("the database runs");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    "database"
}

fn fault_in_server(ledger: &Ledger) -> &'static str {
    ledger.dovecot.kill().unwrap();
    ledger.dovecot.restart().unwrap();
    "mail server"
}

fn fault_in_network(ledger: &Ledger, random: &mut StdRng) -> &'static str {
    let mode = match random.random_range(0..3) {
        0 => Mode::Reset,
        1 => Mode::CutAfter(random.random_range(0..50_000_u64)),
        _ => Mode::LoseToClient,
    };
    ledger.proxy.set(mode);
    "network"
}

pub fn kill_now(app: &mut Child) {
    app.kill().unwrap();
    app.wait().unwrap();
}

pub fn size() -> (u32, u32) {
    let asked = std::env::var("SKRYNKA_LEDGER").unwrap_or_else(|_| "1000:8".to_owned());
    let (mails, kills) = asked.split_once(':').unwrap();
    (mails.parse().unwrap(), kills.parse().unwrap())
}

pub fn seed() -> u64 {
    match std::env::var("SKRYNKA_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => u64::from(std::process::id()) ^ 0x5eed,
    }
}
