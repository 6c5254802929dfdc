//! The first promise, for chats: N numbered messages of private chats, groups and channels, in and out, while app,
//! database, network and data centre are killed or frozen at random: N rows, none twice, in order, and never two
//! connections with one key.
//!
//! `SKRYNKA_LEDGER` and `SKRYNKA_SEED` mean what they mean to the ledger of mails.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    process::Child,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use skrynka_lab::{
    Mode, Proxy,
    telegram::{AccountId, Chat, Key, MessageId, Network, NetworkOptions, NewAccount, Push, UserId, strings},
};

use crate::{
    common::{Profile, evidence},
    ledger::{kill_now, seed, size},
    telegram::{ADD, HASH, secrets},
};

pub const DC: i32 = 2;
/// How many kinds of faults there are.
const KINDS: usize = 8;
/// Texts that were accepted have been sent by then.
const PATIENCE: Duration = Duration::from_secs(180);

/// A chat of the account.
#[derive(Clone)]
struct Talk {
    chat: Chat,
    /// Who writes there, the account among them where it may.
    writers: Vec<UserId>,
}

/// What happened in a chat, by the chat's name and the number of the message: its words, and whether they are ours.
type Page = BTreeMap<String, Vec<(u32, String, bool)>>;

/// An account behind a proxy, with a profile that reads it.
struct ChatLedger {
    net: Arc<Network>,
    account: AccountId,
    key: Key,
    proxy: Proxy,
    talks: Vec<Talk>,
    profile: Arc<Profile>,
    id: String,
    said: Vec<(Chat, MessageId, String, bool)>,
}

impl ChatLedger {
    fn new() -> Self {
        // Advertised addresses would lead the client past the proxy.
        let net = Network::start(NetworkOptions { advertise: false, ..NetworkOptions::default() }).unwrap();
        // A second connection with one key destroys the key, as on Telegram, and the test with it.
        net.punish_duplicates(true);
        let account = net.add_account(NewAccount::default()).unwrap();
        let key = net.session(account, DC).unwrap();
        let me = account.user();
        let people: Vec<UserId> = (0..6).map(|number| net.add_user(&*format!("Customer {number}"))).collect();
        let mut talks: Vec<Talk> =
            people.iter().map(|user| Talk { chat: (*user).into(), writers: vec![*user, *user, me] }).collect();
        for title in ["Notaries", "Printers"] {
            let writers = vec![people[0], people[1], me];
            talks.push(Talk { chat: net.add_group(title, &writers), writers });
        }
        for title in ["Bureau", "Sworn"] {
            let writers = vec![people[2], people[3], me];
            talks.push(Talk { chat: net.add_supergroup(title, &writers, &[]), writers });
        }
        let news = net.add_channel("News", &[people[4], me]);
        talks.push(Talk { chat: news, writers: vec![people[4]] });
        let proxy = Proxy::start(net.endpoint(DC).unwrap()).unwrap();
        let (profile, id) = profile(&proxy.address(), &key);
        let (net, profile) = (Arc::new(net), Arc::new(profile));
        let mut ledger = Self { net, account, key, proxy, talks, profile, id, said: Vec::new() };
        for at in 0..ledger.talks.len() {
            let talk = ledger.talks[at].clone();
            ledger.say(&talk, talk.writers[0], Push::Silent);
        }
        ledger
    }

    /// Lets somebody say the next number.
    fn say(&mut self, talk: &Talk, from: UserId, push: Push) {
        let text = format!("[{}] ledger", self.said.len());
        let ours = from == self.account.user();
        // Between two people a chat is named from the writer's side.
        let to = match talk.chat {
            Chat::User(_) if !ours => self.account.into(),
            chat @ (Chat::User(_) | Chat::Group(_) | Chat::Channel(_)) => chat,
        };
        let message = self.net.send(from, to, &*text, push).unwrap();
        self.said.push((talk.chat, message, text, ours));
    }

    fn say_some(&mut self, count: usize, random: &mut StdRng) {
        for _ in 0..count {
            let talk = self.talks[random.random_range(0..self.talks.len())].clone();
            let from = talk.writers[random.random_range(0..talk.writers.len())];
            let push = match random.random_range(0..10) {
                0 | 1 => Push::Silent,
                2 => Push::Reordered,
                3 | 4 => Push::Short,
                _ => Push::Pushed,
            };
            self.say(&talk, from, push);
        }
    }

    /// Everything works from here on.
    fn heal(&self) {
        self.proxy.set(Mode::Pass);
        self.net.thaw();
        self.net.refuse(false);
        self.net.stop_failing();
        self.net.account_too_long_after(None);
    }

    /// Catches up without faults, then compares both sides.
    fn assert_complete(&self, texts: &[Typed]) {
        self.heal();
        let mut app = self.profile.listen(&[], None);
        let began = Instant::now();
        let sent = |text: &&Typed| self.net.sent_by(self.account).iter().any(|sent| sent.text == text.text);
        while !texts.iter().filter(|text| text.accepted).all(|text| sent(&text)) {
            assert!(began.elapsed() < PATIENCE, "accepted and not sent: {:?}", self.unsent(texts));
            std::thread::sleep(Duration::from_millis(200));
        }
        kill_now(&mut app);
        let mut last = self.profile.listen(&["--until-idle"], None);
        assert!(last.wait().unwrap().success());

        let (there, here) = (self.there(), self.here());
        for (chat, there) in &there {
            let here = here.get(chat).map(Vec::as_slice).unwrap_or_default();
            if here != there {
                let missing: Vec<_> = there.iter().filter(|one| !here.contains(one)).collect();
                let further: Vec<_> = here.iter().filter(|one| !there.contains(one)).collect();
                panic!(
                    "{chat}: {} there, {} here; missing {missing:?}; further {further:?}; or out of order",
                    there.len(),
                    here.len()
                );
            }
        }
        assert_eq!(there.keys().collect::<Vec<_>>(), here.keys().collect::<Vec<_>>());
        self.assert_sent_once(texts);
        assert_eq!(self.net.connections(&self.key).greatest, 1, "one key is never used twice at once");
        let complaints = self.net.complaints();
        let checks = self.profile.records(&["doctor"]);
        let summaries = checks.iter().find(|check| check["name"] == "summaries").unwrap();
        assert_eq!(summaries["state"], "ok", "{summaries}");
        assert!(complaints.iter().all(|said| !said.contains("session")), "{complaints:?}");
    }

    /// What Telegram has, in the order of its numbers.
    fn there(&self) -> Page {
        let mut page = Page::new();
        let number = |id: i32| u32::try_from(id).unwrap();
        for (chat, message, text, ours) in &self.said {
            let id = self.net.id_for(self.account, *message).unwrap();
            page.entry(name(*chat)).or_default().push((number(id), text.clone(), *ours));
        }
        for sent in self.net.sent_by(self.account) {
            page.entry(name(sent.chat)).or_default().push((number(sent.id), sent.text, true));
        }
        page.values_mut().for_each(|messages| messages.sort_unstable());
        page
    }

    /// What is stored, in the order in which it is shown.
    fn here(&self) -> Page {
        let mut page = Page::new();
        for record in self.profile.records(&["export", "messages"]) {
            assert_eq!(record["quarantined"], false, "{record}");
            let (chat, number) = record["remote_key"].as_str().unwrap().rsplit_once('/').unwrap();
            let text = record["text"].as_str().unwrap().to_owned();
            if text.starts_with('[') {
                page.entry(chat.to_owned()).or_default().push((
                    number.parse().unwrap(),
                    text,
                    record["direction"] == "out",
                ));
            }
        }
        page
    }

    /// Accepted texts went out once each and in order; those of a program that failed went out once or not at all.
    fn assert_sent_once(&self, texts: &[Typed]) {
        let sent = self.net.sent_by(self.account);
        let mut order: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for typed in texts {
            let times = sent.iter().filter(|sent| sent.text == typed.text).count();
            assert!(times <= 1 && (times == 1 || !typed.accepted), "{} was sent {times} times", typed.text);
        }
        for sent in &sent {
            let at = texts.iter().position(|typed| typed.text == sent.text).unwrap();
            order.entry(name(sent.chat)).or_default().push(at);
        }
        assert!(order.values().all(|numbers| numbers.is_sorted()), "texts overtook one another: {order:?}");
    }

    fn unsent<'t>(&self, texts: &'t [Typed]) -> Vec<&'t str> {
        let sent = self.net.sent_by(self.account);
        let waits = |typed: &&Typed| typed.accepted && !sent.iter().any(|sent| sent.text == typed.text);
        texts.iter().filter(waits).map(|typed| &*typed.text).collect()
    }
}

/// A profile with the account, whose session leads through the proxy.
pub fn profile(proxy: &SocketAddr, key: &Key) -> (Profile, String) {
    let profile = Profile::new();
    let arguments = [&ADD[..], &["--channels", "--json"]].concat();
    let input = secrets(&strings::telethon(DC, *proxy, key), HASH);
    let added = profile.run_with_input(&arguments, &input);
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    let record: Value = serde_json::from_slice(&added.stdout).unwrap();
    let id = record["id"].as_str().unwrap().to_owned();
    (profile, id)
}

pub fn name(chat: Chat) -> String {
    match chat {
        Chat::User(id) => format!("user:{id}"),
        Chat::Group(id) => format!("group:{id}"),
        Chat::Channel(id) => format!("channel:{id}"),
    }
}

/// A text that somebody wrote on the command line.
struct Typed {
    text: String,
    /// Whether the program said that it will be sent.
    accepted: bool,
}

/// Somebody who writes one text after another with a program of their own, whatever happens meanwhile.
struct Writer {
    stop: Arc<AtomicBool>,
    texts: Arc<Mutex<Vec<Typed>>>,
    thread: JoinHandle<()>,
}

impl Writer {
    fn start(ledger: &ChatLedger, seed: u64) -> Self {
        let (stop, texts) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let to: Vec<String> = ledger.talks.iter().take(10).map(|talk| name(talk.chat)).collect();
        let (profile, id) = (ledger.profile.clone(), ledger.id.clone());
        let (stopped, typed) = (stop.clone(), texts.clone());
        let thread = std::thread::spawn(move || {
            let mut random = StdRng::seed_from_u64(seed);
            while !stopped.load(Ordering::Relaxed) {
                let text = format!("[out {}] ledger", typed.lock().unwrap().len());
                let chat = &to[random.random_range(0..to.len())];
                let send = ["send", "--account", &id, "--to", chat, "--text", &text, "--timeout", "1", "--json"];
                let output = profile.run(&send);
                let accepted = serde_json::from_slice::<Value>(&output.stdout).is_ok();
                typed.lock().unwrap().push(Typed { text, accepted });
                std::thread::sleep(Duration::from_millis(random.random_range(0..1500)));
            }
        });
        Self { stop, texts, thread }
    }

    fn stop(self) -> Vec<Typed> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        Arc::into_inner(self.texts).unwrap().into_inner().unwrap()
    }
}

#[test]
fn a_kill_in_every_window_of_a_commit_loses_and_doubles_no_chat_message() {
    let mut ledger = ChatLedger::new();
    let mut random = StdRng::seed_from_u64(1);
    let mut kills = 0;
    for place in
        ["handed_over", "begun", "messages_written", "cursor_written", "announced", "committed", "acknowledged"]
    {
        for time in [1, 2] {
            ledger.say_some(20, &mut random);
            let mut child = ledger.profile.listen(&["--until-idle"], Some(&format!("{place}:{time}")));
            let status = child.wait().unwrap();
            // A second batch need not exist; a first one always does.
            assert!(time > 1 || !status.success(), "{place} was not passed");
            kills += u32::from(!status.success());
        }
    }

    ledger.assert_complete(&[]);

    let count = ledger.said.len();
    let figure = format!("{count} of {count} stored, 0 doubled, in order, {kills} kills");
    evidence("P1 nothing lost, nothing doubled", "telegram: a kill in every window of a commit", &figure);
}

#[test]
fn random_kills_and_freezes_lose_and_double_no_chat_message() {
    let (messages, kills) = size();
    let (messages, kills) = (usize::try_from(messages).unwrap(), usize::try_from(kills).unwrap());
    let seed = seed();
    println!("SKRYNKA_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut ledger = ChatLedger::new();
    let mut first = ledger.profile.listen(&["--until-idle"], None);
    assert!(first.wait().unwrap().success());
    let writer = Writer::start(&ledger, seed);
    let mut faults: BTreeMap<&str, u32> = BTreeMap::new();
    // The second waits for the lease, and takes over when the first is killed.
    let mut apps: Vec<Child> = Vec::new();
    // Every kind comes once before any comes twice.
    let mut deck: Vec<usize> = Vec::new();
    for kill in 0..kills {
        while apps.len() < 2 {
            apps.push(ledger.profile.listen(&[], None));
        }
        let rest = (messages - ledger.said.len()) / (kills - kill);
        let before = random.random_range(0..rest + 1);
        ledger.say_some(before, &mut random);
        pause(&mut random, 200, 1500);
        if deck.is_empty() {
            deck.extend(0..KINDS);
            deck.shuffle(&mut random);
        }
        let fault = fault(deck.pop().unwrap(), &mut ledger, &mut apps, &mut random);
        *faults.entry(fault).or_default() += 1;
        ledger.say_some(rest - before, &mut random);
        pause(&mut random, 200, 1000);
        ledger.heal();
        // Half of the programs live on through the next fault.
        if random.random_range(0..2) == 0 {
            kill_now(&mut apps.remove(0));
            *faults.entry("app killed").or_default() += 1;
        }
    }
    let texts = writer.stop();
    apps.iter_mut().for_each(kill_now);

    ledger.assert_complete(&texts);

    let (said, sent) = (ledger.said.len(), ledger.net.sent_by(ledger.account).len());
    let connections = ledger.net.connections(&ledger.key);
    let figure = format!(
        "{said} of {said} stored and {sent} of {sent} sent, 0 doubled, in order, at most {} of {} connections at once, \
         {faults:?}, seed {seed}",
        connections.greatest, connections.total
    );
    evidence("P1 nothing lost, nothing doubled", "telegram: random kills and freezes", &figure);
}

/// Does one of the kinds of faults.
fn fault(kind: usize, ledger: &mut ChatLedger, apps: &mut Vec<Child>, random: &mut StdRng) -> &'static str {
    match kind {
        0 => {
            kill_now(&mut apps.remove(0));
            "app killed"
        }
        1 => {
            frozen(&[Pid::from_child(&apps[0])], ledger, random);
            "app frozen"
        }
        2 => {
            if let Some(pid) = ledger.profile.postmaster().and_then(Pid::from_raw) {
                // It may have ended with the program that started it.
                let _gone = kill_process(pid, Signal::KILL);
            }
            "database killed"
        }
        3 => {
            let database = database(ledger);
            frozen(&database, ledger, random);
            "database frozen"
        }
        4 => {
            let modes = [Mode::Reset, Mode::CutAfter(random.random_range(0..50_000_u64)), Mode::Refuse];
            ledger.proxy.set(modes[random.random_range(0..modes.len())]);
            "network cut"
        }
        5 => {
            let modes = [Mode::LoseToClient, Mode::LoseToServer, Mode::Latency(Duration::from_millis(50))];
            ledger.proxy.set(modes[random.random_range(0..modes.len())]);
            "network lossy or slow"
        }
        6 => {
            ledger.net.freeze();
            pause(random, 300, 1500);
            "data centre frozen"
        }
        _ => {
            match random.random_range(0..5) {
                0 => ledger.net.refuse(true),
                1 => ledger.net.lose_answers("messages.sendMessage", 1),
                2 => ledger.net.fail("updates.getDifference", 2, "FLOOD_WAIT_1"),
                3 => ledger.net.account_too_long_after(Some(20)),
                _ => ledger.net.rotate_salts(),
            }
            ledger.net.cut();
            "data centre restarted"
        }
    }
}

fn pause(random: &mut StdRng, from: u64, to: u64) {
    std::thread::sleep(Duration::from_millis(random.random_range(from..to)));
}

/// Holds processes for a while, in which messages go on.
fn frozen(processes: &[Pid], ledger: &mut ChatLedger, random: &mut StdRng) {
    for pid in processes {
        let _gone = kill_process(*pid, Signal::STOP);
    }
    ledger.say_some(5, random);
    pause(random, 300, 2500);
    for pid in processes {
        let _gone = kill_process(*pid, Signal::CONT);
    }
}

/// The database's processes.
fn database(ledger: &ChatLedger) -> Vec<Pid> {
    let Some(server) = ledger.profile.postmaster() else { return Vec::new() };
    let children = std::fs::read_to_string(format!("/proc/{server}/task/{server}/children")).unwrap_or_default();
    let all = std::iter::once(server).chain(children.split_whitespace().filter_map(|pid| pid.parse().ok()));
    all.filter_map(Pid::from_raw).collect()
}
