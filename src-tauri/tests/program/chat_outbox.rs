//! The first promise, outwards, for chats: N numbered texts accepted, while app, network and data centre are killed, cut
//! and frozen at random and at each step: Telegram holds each once, in the order of its chat, and nothing stands here as
//! sent that is not there.
//!
//! `SKRYNKA_LEDGER` and `SKRYNKA_SEED` mean what they mean to the ledger of mails.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use skrynka_core::{
    clock::{Clock as _, SystemClock},
    model::{AccountId, ConversationId, OutgoingId},
    postgres::Cluster,
    store::{OutgoingDraft, OutgoingFile, OutgoingState, Store},
};
use skrynka_lab::{
    Mode, Proxy,
    telegram::{self, Chat, Key, Network, NetworkOptions, NewAccount, Push, UserId},
};
use tokio::runtime::Runtime;

use crate::{
    chat_ledger::{DC, name, profile},
    common::{Profile, evidence},
    ledger::{kill_now, seed, size},
};

const CHATS: usize = 5;
/// The methods that send a text, a file and an album.
const SENDING: [&str; 3] = ["messages.sendMessage", "messages.sendMedia", "messages.sendMultiMedia"];
/// Everything is sent by then once nothing fails any more.
const PATIENCE: Duration = Duration::from_secs(180);

/// An account whose data centre stands behind a proxy, and a way into the profile's database.
struct Outwards {
    runtime: Runtime,
    net: Network,
    account: telegram::AccountId,
    key: Key,
    proxy: Proxy,
    profile: Profile,
    id: AccountId,
    store: Store,
    /// Keeps the database running whoever dies.
    _cluster: Cluster,
    chats: Vec<(Chat, ConversationId)>,
    file: OutgoingFile,
    /// Each text with its chat, in the order in which they were written.
    queued: Vec<(OutgoingId, Chat)>,
}

impl Outwards {
    fn new() -> Self {
        let net = Network::start(NetworkOptions { advertise: false, ..NetworkOptions::default() }).unwrap();
        net.punish_duplicates(true);
        let account = net.add_account(NewAccount::default()).unwrap();
        let key = net.session(account, DC).unwrap();
        let people: Vec<UserId> = (0..CHATS).map(|number| net.add_user(&*format!("Customer {number}"))).collect();
        for person in &people {
            net.send(*person, account, "Доброго дня", Push::Silent).unwrap();
        }
        let proxy = Proxy::start(net.endpoint(DC).unwrap()).unwrap();
        let (profile, id) = profile(&proxy.address(), &key);
        assert!(profile.listen(&["--until-idle"], None).wait().unwrap().success());
        let id: AccountId = id.parse().unwrap();
        let runtime = Runtime::new().unwrap();
        let (cluster, store) = runtime.block_on(profile.attach());
        let conversation = |person: &UserId| {
            let found = runtime.block_on(store.find_chats(id, &name((*person).into()))).unwrap();
            ((*person).into(), found[0].conversation)
        };
        let chats = people.iter().map(conversation).collect();
        let (sha256, size) = runtime.block_on(store.keep_bytes(id, &[7; 3000])).unwrap();
        let (name, mime) = ("скан.pdf".to_owned(), "application/pdf".to_owned());
        let file = OutgoingFile { name, mime, size, sha256, content_id: None, voice: None };
        let queued = Vec::new();
        Self { runtime, net, account, key, proxy, profile, id, store, _cluster: cluster, chats, file, queued }
    }

    /// Accepts the next texts, as the window does. One in five is an album of three equal files.
    fn queue(&mut self, count: u32, random: &mut StdRng) {
        let mut left = count;
        while left > 0 {
            let (chat, conversation) = self.chats[random.random_range(0..self.chats.len())];
            let album = (left >= 3 && random.random_range(0..5) == 0).then(|| random.random());
            let together = if album.is_some() { 3 } else { 1 };
            left -= together;
            let texts: Vec<OutgoingDraft> =
                (0..together).map(|_| self.text(chat, conversation, album, random)).collect();
            self.runtime.block_on(self.store.queue_texts(self.id, &texts, None)).unwrap();
        }
    }

    fn text(
        &mut self,
        chat: Chat,
        conversation: ConversationId,
        album: Option<i64>,
        random: &mut StdRng,
    ) -> OutgoingDraft {
        let id = OutgoingId::new(SystemClock.now());
        let text = format!("[{}] ledger", self.queued.len());
        self.queued.push((id, chat));
        let file = album.is_some().then(|| self.file.clone());
        let (entities, random_id) = (Vec::new(), random.random());
        let (reply_to, send_at, forward) = (None, None, None);
        OutgoingDraft { id, conversation, text, entities, reply_to, random_id, send_at, file, album, forward }
    }

    fn states(&self) -> Vec<OutgoingState> {
        let state = |id| self.runtime.block_on(self.store.outgoing_text(self.id, id)).unwrap().state;
        self.queued.iter().map(|(id, _)| state(*id)).collect()
    }

    fn heal(&self) {
        self.proxy.set(Mode::Pass);
        self.net.thaw();
        self.net.refuse(false);
        self.net.stop_failing();
        for method in SENDING {
            self.net.lose_answers(method, 0);
        }
    }

    /// Lets everything settle without faults, then compares both sides.
    fn assert_true(&self) {
        self.heal();
        let mut last = self.profile.listen(&[], None);
        let begun = Instant::now();
        let waits = |state: &OutgoingState| *state != OutgoingState::Sent;
        while self.states().iter().any(waits) {
            let states = self.states();
            let open: Vec<_> = states.iter().enumerate().filter(|(_, state)| waits(state)).take(9).collect();
            assert!(begun.elapsed() < PATIENCE, "not settled: {open:?}");
            std::thread::sleep(Duration::from_millis(200));
        }
        kill_now(&mut last);
        assert!(self.profile.listen(&["--until-idle"], None).wait().unwrap().success());

        let mut held: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for sent in self.net.sent_by(self.account) {
            let number = sent.text.trim_start_matches('[').split_once(']').unwrap().0.parse().unwrap();
            held.entry(name(sent.chat)).or_default().push(number);
        }
        let mut wanted: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (number, (_, chat)) in self.queued.iter().enumerate() {
            wanted.entry(name(*chat)).or_default().push(number);
        }
        assert_eq!(held, wanted, "each once, in the order of its chat");
        let mut stored: BTreeMap<String, u32> = BTreeMap::new();
        for record in self.profile.records(&["export", "messages"]) {
            if record["direction"] == "out" {
                *stored.entry(record["text"].as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
        assert!(stored.values().all(|times| *times == 1), "{stored:?}");
        assert_eq!(stored.len(), self.queued.len(), "each is one message here");
        assert_eq!(self.net.connections(&self.key).greatest, 1, "one key is never used twice at once");
    }

    /// Does one of the kinds of faults.
    fn fail(&self, random: &mut StdRng) -> &'static str {
        match random.random_range(0..7) {
            0 => "app",
            1 => {
                let modes = [
                    Mode::Reset,
                    Mode::CutAfter(random.random_range(0..2_000_u64)),
                    Mode::CutToServerAfter(random.random_range(0..5_000_u64)),
                    Mode::LoseToClient,
                    Mode::LoseToServer,
                ];
                self.proxy.set(modes[random.random_range(0..modes.len())]);
                "network"
            }
            2 => {
                self.net.freeze();
                "data centre frozen"
            }
            3 => {
                self.net.refuse(true);
                "data centre gone"
            }
            4 => {
                SENDING.iter().for_each(|method| self.net.lose_answers(method, random.random_range(1..4)));
                "answers lost"
            }
            5 => {
                let errors = ["FLOOD_WAIT_1", "500 INTERNAL", "-503 Timeout"];
                let error = errors[random.random_range(0..errors.len())];
                SENDING.iter().for_each(|method| self.net.fail(method, 3, error));
                "refused for a while"
            }
            _ => {
                self.net.cut();
                "connections cut"
            }
        }
    }
}

#[test]
fn a_kill_at_every_step_of_sending_doubles_no_text() {
    let mut outwards = Outwards::new();
    let mut random = StdRng::seed_from_u64(1);
    let mut kills = 0;
    for place in ["text_taken", "text_answered", "text_noted", "begun", "messages_written", "announced", "committed"] {
        for time in [1, 3] {
            outwards.queue(8, &mut random);
            let mut app = outwards.profile.listen(&[], Some(&format!("{place}:{time}")));
            let begun = Instant::now();
            while app.try_wait().unwrap().is_none() {
                assert!(begun.elapsed() < PATIENCE, "{place} was not passed");
                std::thread::sleep(Duration::from_millis(20));
            }
            kills += 1;
        }
    }
    outwards.assert_true();
    let count = outwards.queued.len();
    let figure = format!("{count} of {count} sent, {kills} kills, 0 doubled, in order");
    evidence("P1 nothing lost, nothing doubled", "chats out: a kill at every step", &figure);
}

#[test]
fn random_faults_of_app_network_and_data_centre_double_no_text() {
    let (texts, kills) = size();
    let seed = seed();
    println!("SKRYNKA_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut outwards = Outwards::new();
    let mut faults: BTreeMap<&str, u32> = BTreeMap::new();
    for kill in 0..kills {
        let done = u32::try_from(outwards.queued.len()).unwrap();
        let mut app = outwards.profile.listen(&[], None);
        outwards.queue(if kill + 1 == kills { texts - done } else { texts / kills }, &mut random);
        std::thread::sleep(Duration::from_millis(random.random_range(0..900)));
        *faults.entry(outwards.fail(&mut random)).or_default() += 1;
        std::thread::sleep(Duration::from_millis(random.random_range(100..1200)));
        kill_now(&mut app);
        outwards.heal();
    }
    outwards.assert_true();
    let figure = format!("{texts} of {texts} sent, {kills} kills and {faults:?}, 0 doubled, in order, seed {seed}");
    evidence("P1 nothing lost, nothing doubled", "chats out: random faults", &figure);
}
