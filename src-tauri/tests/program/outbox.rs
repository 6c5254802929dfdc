//! The first promise, outwards: N numbered mails accepted, while app, network and submission server are killed, cut and
//! frozen at random and at each step: the server holds none twice, and each one that it may not hold stands here as
//! uncertain or failed, never as sent.
//!
//! `SKRYNKA_LEDGER` and `SKRYNKA_SEED` mean what they mean to the ledger of what comes in.

use std::{collections::BTreeMap, process::Child, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use skrynka_core::{
    clock::{Clock as _, SystemClock},
    connector::OutgoingMail,
    model::{AccountId, Address, OutgoingId},
    postgres::Cluster,
    store::{FactKind, MailDraft, OutgoingState, Store, StoreError, StoredOutgoing},
};
use skrynka_lab::{
    Dovecot, Mode, Options, Proxy, SmtpSink,
    authority::Authority,
    smtp::{Fault, Verb},
};
use time::OffsetDateTime;
use tokio::runtime::Runtime;

use crate::{
    common::{PASSWORD, Profile, evidence},
    ledger::{kill_now, seed, size},
};

const USER: &str = "office@example.org";
/// Pauses between tries in milliseconds, instead of minutes.
const PAUSE: &str = "150";
/// Everything that can be settled without a person is settled by then.
const PATIENCE: Duration = Duration::from_secs(180);

/// A mailbox whose submission server stands behind a proxy, and a way into the profile's database.
struct Outwards {
    runtime: Runtime,
    dovecot: Dovecot,
    smtp: SmtpSink,
    proxy: Proxy,
    profile: Profile,
    account: AccountId,
    store: Store,
    /// Keeps the database running whoever dies.
    _cluster: Cluster,
    queued: Vec<OutgoingId>,
}

impl Outwards {
    fn new() -> Self {
        let authority = Authority::new().unwrap();
        let smtp = SmtpSink::start(&authority).unwrap();
        smtp.add_user(USER, PASSWORD);
        let proxy = Proxy::start(smtp.smtp()).unwrap();
        let dovecot = Dovecot::start(Options::default()).unwrap();
        dovecot.add_user(USER, PASSWORD).unwrap();
        let profile = Profile::new();
        let account = profile.add_mailbox(USER, dovecot.imap(), proxy.address()).parse().unwrap();
        let runtime = Runtime::new().unwrap();
        let (cluster, store) = runtime.block_on(profile.attach());
        Self { runtime, dovecot, smtp, proxy, profile, account, store, _cluster: cluster, queued: Vec::new() }
    }

    /// Accepts the next mails, as the window does.
    fn queue(&mut self, count: u32) {
        for _ in 0..count {
            let customer = format!("customer{}@example.org", self.queued.len());
            self.queue_to(&[&customer]);
        }
    }

    fn queue_to(&mut self, to: &[&str]) {
        self.queue_at(to, None);
    }

    fn queue_at(&mut self, to: &[&str], send_at: Option<OffsetDateTime>) -> OutgoingId {
        let person = |address: &&str| Address { name: String::new(), address: (*address).to_owned() };
        let now = SystemClock.now();
        let id = OutgoingId::new(now);
        let number = self.queued.len();
        let mail = OutgoingMail {
            message_id: format!("{}@example.org", id.0.simple()),
            from: Address { name: "Бюро".to_owned(), address: USER.to_owned() },
            to: to.iter().map(person).collect(),
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: format!("[{number}] ledger"),
            date: now,
            references: Vec::new(),
            text: format!("Mail number {number}.\n{}", "Рядок тексту.\n".repeat(number % 50)),
            html: None,
            files: Vec::new(),
        };
        let (entities, files) = (Vec::new(), Vec::new());
        let draft = MailDraft { id, conversation: None, send_at, draft: None, mail, entities, files };
        self.runtime.block_on(self.store.queue_mail(self.account, &draft)).unwrap();
        self.queued.push(id);
        id
    }

    fn outgoing(&self, id: OutgoingId) -> Result<StoredOutgoing, StoreError> {
        self.runtime.block_on(self.store.outgoing_text(self.account, id))
    }

    fn discard(&self, id: OutgoingId) -> Result<(), StoreError> {
        self.runtime.block_on(self.store.discard_text(self.account, id))
    }

    fn look(&self, id: OutgoingId, done: impl Fn(&StoredOutgoing) -> bool) -> StoredOutgoing {
        let begun = std::time::Instant::now();
        loop {
            let mail = self.outgoing(id).unwrap();
            if done(&mail) {
                return mail;
            }
            assert!(begun.elapsed() < PATIENCE, "{mail:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn listen(&self, kill_at: Option<&str>) -> Child {
        let mut command = self.profile.command(&["listen", "--json"]);
        command.env("SKRYNKA_MAIL_PAUSE_MS", PAUSE);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        if let Some(place) = kill_at {
            command.env("SKRYNKA_KILL_AT", place);
        }
        command.spawn().unwrap()
    }

    fn states(&self) -> Vec<OutgoingState> {
        self.queued.iter().map(|id| self.outgoing(*id).unwrap().state).collect()
    }

    /// Lets everything settle without faults, then compares both sides. Returns how many are sent, uncertain and failed.
    fn assert_true(&self) -> BTreeMap<&'static str, usize> {
        self.proxy.set(Mode::Pass);
        self.smtp.set_fault(Fault::None);
        let mut last = self.listen(None);
        let begun = std::time::Instant::now();
        let open = |store: &Store| {
            let unsent = self.runtime.block_on(store.unsent(10_000)).unwrap();
            unsent.iter().any(|one| matches!(one.state, OutgoingState::Waiting | OutgoingState::Sending))
        };
        while open(&self.store) {
            assert!(begun.elapsed() < PATIENCE, "not settled");
            std::thread::sleep(Duration::from_millis(200));
        }
        let sent = self.states().iter().filter(|state| **state == OutgoingState::Sent).count();
        // Copies follow.
        while self.dovecot.flags(USER, "Sent").unwrap().len() < sent {
            assert!(begun.elapsed() < PATIENCE, "copies are missing");
            std::thread::sleep(Duration::from_millis(200));
        }
        std::thread::sleep(Duration::from_secs(1));
        kill_now(&mut last);

        let mut held: BTreeMap<usize, u32> = BTreeMap::new();
        for mail in self.smtp.mails() {
            let number = mail.to[0].strip_prefix("customer").and_then(|rest| rest.split_once('@')).unwrap().0;
            *held.entry(number.parse().unwrap()).or_default() += 1;
        }
        let doubled: Vec<_> = held.iter().filter(|(_, times)| **times > 1).collect();
        assert!(doubled.is_empty(), "sent twice: {doubled:?}");
        let mut counts = BTreeMap::new();
        for (number, state) in self.states().into_iter().enumerate() {
            let is_held = held.contains_key(&number);
            match state {
                OutgoingState::Sent => assert!(is_held, "{number} is told as sent and is not there"),
                OutgoingState::Failed => assert!(!is_held, "{number} is told as failed and is there"),
                OutgoingState::Uncertain => {}
                OutgoingState::Waiting | OutgoingState::Sending => panic!("{number} is not settled"),
            }
            *counts.entry(state.as_str()).or_default() += 1;
        }
        self.assert_one_message_each(counts.get("sent").copied().unwrap_or(0));
        counts
    }

    /// Each sent mail is one message here, and one in the Sent folder.
    fn assert_one_message_each(&self, sent: usize) {
        let mut stored: BTreeMap<String, u32> = BTreeMap::new();
        for record in self.profile.records(&["export", "messages"]) {
            *stored.entry(record["subject"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        assert!(stored.values().all(|times| *times == 1), "{stored:?}");
        assert_eq!(stored.len(), sent);
        assert_eq!(self.dovecot.flags(USER, "Sent").unwrap().len(), sent);
    }
}

#[test]
fn a_kill_at_every_step_of_sending_doubles_nothing_and_tells_nothing_wrong() {
    let mut outwards = Outwards::new();
    let mut kills = 0;
    for place in ["mail_ends", "mail_answered", "begun", "messages_written", "announced", "committed", "copy_kept"] {
        for time in [1, 3] {
            outwards.queue(6);
            let mut child = outwards.listen(Some(&format!("{place}:{time}")));
            let status = child.wait().unwrap();
            assert!(!status.success(), "{place} was not passed");
            kills += 1;
        }
    }
    let counts = outwards.assert_true();
    let figure = format!("{} mails, {kills} kills, {counts:?}, 0 doubled, 0 told wrong", outwards.queued.len());
    evidence("P1 nothing lost, nothing doubled", "mail out: a kill at every step", &figure);
}

#[test]
fn random_faults_of_app_network_and_server_double_nothing_and_tell_nothing_wrong() {
    let (mails, kills) = size();
    let seed = seed();
    println!("SKRYNKA_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut outwards = Outwards::new();
    let mut faults: BTreeMap<&str, u32> = BTreeMap::new();
    for kill in 0..kills {
        let done = u32::try_from(outwards.queued.len()).unwrap();
        let mut app = outwards.listen(None);
        outwards.queue(if kill + 1 == kills { mails - done } else { mails / kills });
        std::thread::sleep(Duration::from_millis(random.random_range(0..700)));
        let name = match random.random_range(0..4) {
            0 => "app",
            1 => {
                let mode = match random.random_range(0..4) {
                    0 => Mode::Reset,
                    1 => Mode::CutAfter(random.random_range(0..2_000_u64)),
                    2 => Mode::CutToServerAfter(random.random_range(0..5_000_u64)),
                    _ => Mode::LoseToClient,
                };
                outwards.proxy.set(mode);
                "network"
            }
            _ => {
                let fault = [
                    Fault::Busy,
                    Fault::TryLater,
                    Fault::CloseInMail,
                    Fault::CloseAfterMail,
                    Fault::SilentAfterMail,
                    Fault::SilentAt(Verb::Rcpt),
                    Fault::SilentAt(Verb::Data),
                ][random.random_range(0..7)];
                outwards.smtp.set_fault(fault);
                "server"
            }
        };
        *faults.entry(name).or_default() += 1;
        std::thread::sleep(Duration::from_millis(random.random_range(100..900)));
        kill_now(&mut app);
        outwards.proxy.set(Mode::Pass);
        outwards.smtp.set_fault(Fault::None);
    }
    let counts = outwards.assert_true();
    let figure =
        format!("{mails} mails, {kills} kills and {faults:?}, {counts:?}, 0 doubled, 0 told wrong, seed {seed}");
    evidence("P1 nothing lost, nothing doubled", "mail out: random faults", &figure);
}

#[test]
fn each_address_has_its_own_end_and_none_is_forgotten() {
    let mut outwards = Outwards::new();
    let size =
        |outwards: &Outwards| outwards.runtime.block_on(outwards.store.submission_size(outwards.account)).unwrap();
    assert_eq!(size(&outwards), Some(50 << 20), "what the server takes is known from the connection test");
    outwards.runtime.block_on(outwards.store.note_submission_size(outwards.account, None)).unwrap();
    outwards.queue_to(&["olena@example.org", "refused@example.org", "later@example.org"]);
    let id = outwards.queued[0];
    let mut app = outwards.listen(None);
    // Olena has it, one is tried again.
    outwards.look(id, |mail| mail.tries >= 3 && mail.state == OutgoingState::Waiting);
    assert_eq!(outwards.smtp.mails().len(), 1);
    assert_eq!(size(&outwards), Some(50 << 20), "and from every sign-in for sending");
    outwards.smtp.set_fault(Fault::TakesLater);
    let mail = outwards.look(id, |mail| mail.state == OutgoingState::Failed);
    let refused = mail.error.unwrap().detail;
    assert!(refused.contains("refused@example.org") && refused.contains("550"), "{refused}");
    let got: Vec<_> = outwards.smtp.mails().into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!(got, ["olena@example.org", "later@example.org"]);
    // A person lets the rest go: it stays one message, with one copy.
    outwards.discard(id).unwrap();
    outwards.look(id, |mail| mail.state == OutgoingState::Sent);
    while outwards.dovecot.flags(USER, "Sent").unwrap().is_empty() {
        std::thread::sleep(Duration::from_millis(50));
    }
    kill_now(&mut app);
    outwards.assert_one_message_each(1);
}

/// A server knows whom a mail is for when a person takes it back: it gets the mail, and no end. Another one takes too long
/// for that.
#[test]
fn a_mail_is_taken_back_until_its_end_unless_it_is_seen_to_be_on_its_way() {
    let mut outwards = Outwards::new();
    let mut app = outwards.listen(None);
    outwards.smtp.set_fault(Fault::SilentAt(Verb::Data));
    let slow = outwards.queue_at(&["customer0@example.org"], None);
    outwards.look(slow, |mail| mail.state == OutgoingState::Sending);
    assert!(matches!(outwards.discard(slow), Err(StoreError::NotFound(_))), "on its way");

    let due = SystemClock.now() + Duration::from_secs(2);
    let back = outwards.queue_at(&["customer1@example.org"], Some(due));
    let until = Duration::try_from(due - SystemClock.now()).unwrap() + Duration::from_millis(300);
    std::thread::sleep(until);
    outwards.discard(back).unwrap();
    outwards.smtp.set_fault(Fault::None);
    outwards.look(slow, |mail| mail.state == OutgoingState::Sent);
    let begun = std::time::Instant::now();
    let held_back = ["logs", "--area", "outbox", "--grep", "Mail not ended"];
    while outwards.profile.records(&held_back).is_empty() {
        assert!(begun.elapsed() < PATIENCE, "it was not offered");
        std::thread::sleep(Duration::from_millis(100));
    }

    // After its end it is on its way as well, as long as the server says nothing.
    outwards.smtp.set_fault(Fault::SilentAfterMail);
    let seen = outwards.runtime.block_on(outwards.store.journal_vector(None)).unwrap();
    let silent = outwards.queue_at(&["customer2@example.org"], None);
    let begun = std::time::Instant::now();
    let changes = || {
        let entries = outwards.runtime.block_on(outwards.store.journal_after(&seen, None, 100)).unwrap();
        entries.iter().filter(|entry| entry.fact.kind == FactKind::OutgoingChanged).count()
    };
    // Once as it was queued, and once as it is on its way.
    while changes() < 2 {
        assert!(begun.elapsed() < PATIENCE, "nobody sees that it is on its way");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(outwards.outgoing(silent).unwrap().state, OutgoingState::Sending);
    outwards.smtp.set_fault(Fault::None);
    outwards.look(silent, |mail| mail.state == OutgoingState::Sent);

    // Its time has not come before it goes.
    let due = SystemClock.now() + Duration::from_secs(2);
    let last = outwards.queue_at(&["customer3@example.org"], Some(due));
    outwards.look(last, |mail| mail.state == OutgoingState::Sent);
    kill_now(&mut app);
    let mails = outwards.smtp.mails();
    let to: Vec<_> = mails.iter().flat_map(|mail| &mail.to).collect();
    assert_eq!(to, ["customer0@example.org", "customer2@example.org", "customer3@example.org"]);
    assert!(OffsetDateTime::from(mails[2].at) >= due, "{:?}, due {due}", mails[2].at);
    assert!(matches!(outwards.outgoing(back), Err(StoreError::NotFound(_))));
}
