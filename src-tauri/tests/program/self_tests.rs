//! The guided self-test: all the way and back over real servers, and nothing left of it anywhere, whatever happens on the
//! way.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serde_json::Value;
use skrynka_lab::{Dovecot, Options, SmtpSink, authority::Authority, smtp::Fault};

use crate::common::{PASSWORD, Profile};

const USER: &str = "office@example.org";
const LETTER: &[u8] = b"From: olena@example.org\r\nTo: office@example.org\r\nSubject: Umowa\r\nMessage-ID: <1@example.org>\r\n\r\nDzien dobry\r\n";
const PATIENCE: Duration = Duration::from_secs(60);

/// A mailbox whose submission server hands over to it what it takes.
struct Office {
    dovecot: Arc<Dovecot>,
    smtp: Arc<SmtpSink>,
    profile: Profile,
    ended: Arc<AtomicBool>,
    post: Option<JoinHandle<()>>,
}

impl Office {
    fn open() -> Self {
        let smtp = Arc::new(SmtpSink::start(&Authority::new().unwrap()).unwrap());
        smtp.add_user(USER, PASSWORD);
        let dovecot = Arc::new(Dovecot::start(Options::default()).unwrap());
        dovecot.add_user(USER, PASSWORD).unwrap();
        // Somebody's letter, which somebody has marked as deleted and not removed: it is not ours to remove.
        dovecot.deliver(USER, LETTER).unwrap();
        dovecot.set_flag(USER, "INBOX", 1, "\\Deleted").unwrap();
        let profile = Profile::new();
        profile.add_mailbox(USER, dovecot.imap(), smtp.smtp());
        let ended = Arc::new(AtomicBool::new(false));
        let (from, to, stop) = (smtp.clone(), dovecot.clone(), ended.clone());
        let post = std::thread::spawn(move || {
            let mut delivered = 0;
            while !stop.load(Ordering::Relaxed) {
                for mail in from.mails().into_iter().skip(delivered) {
                    to.deliver(USER, &mail.raw).unwrap();
                    delivered += 1;
                }
                std::thread::sleep(Duration::from_millis(30));
            }
        });
        Self { dovecot, smtp, profile, ended, post: Some(post) }
    }

    /// Runs the self-test and returns what it found.
    fn test(&self) -> Value {
        let output = self.profile.run(&["doctor", "--self-test", "--json"]);
        let text = String::from_utf8(output.stdout).unwrap();
        let mut checks = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let found = checks.find(|check| check["name"] == "self_test");
        found.unwrap_or_else(|| panic!("no self-test: {}", String::from_utf8_lossy(&output.stderr)))
    }

    fn uids(&self, folder: &str) -> Vec<u32> {
        self.dovecot.flags(USER, folder).unwrap().into_keys().collect()
    }

    /// Nothing of a test is left here or there, and everything else is.
    fn assert_clean(&self) {
        assert_eq!(self.uids("INBOX"), [1]);
        assert_eq!(self.uids("Sent"), [0_u32; 0]);
        let stored = self.profile.records(&["export", "messages"]);
        let subjects: Vec<&str> = stored.iter().map(|message| message["subject"].as_str().unwrap()).collect();
        assert_eq!(subjects, ["Umowa"]);
        assert_eq!(self.profile.records(&["search", "Skrynka"]), [] as [Value; 0]);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let (cluster, store) = self.profile.attach().await;
            assert_eq!(store.unsent(10).await.unwrap(), []);
            let counts = store.conversation_counts(None).await.unwrap();
            assert_eq!((counts.all, counts.unread), (1, 1));
            store.close().await;
            cluster.stop().await.unwrap();
        });
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(post) = self.post.take() {
            // It has told its own panic.
            let _told = post.join();
        }
    }
}

#[test]
fn a_message_to_oneself_passes_every_station_and_nothing_stays_behind() {
    let office = Office::open();
    let found = office.test();
    assert_eq!(found["state"], "ok", "{found}");
    let detail = found["detail"].as_str().unwrap();
    for station in ["queued", "accepted", "seen", "stored", "announced", "removed"] {
        assert!(detail.contains(station), "{detail}");
    }
    office.assert_clean();

    // Where it ends, that is said with its reason, and what was begun is taken back.
    office.smtp.set_fault(Fault::RefuseMail);
    let found = office.test();
    let detail = found["detail"].as_str().unwrap();
    assert_eq!((&found["state"], &found["repair"]), (&"failed".into(), &"retry_account".into()), "{found}");
    assert!(detail.contains("not accepted") && detail.contains("554"), "{detail}");
    office.assert_clean();
}

/// The window listens as this program does: whoever asks has no connection of its own.
#[test]
fn a_self_test_beside_a_program_that_listens_goes_through_that_program() {
    let office = Office::open();
    let mut holder = office.profile.listen(&[], None);
    let until = Instant::now() + PATIENCE;
    let live = || office.profile.records(&["account", "list"]).iter().any(|account| account["state"] == "live");
    while !live() {
        assert!(Instant::now() < until, "nobody listens");
        std::thread::sleep(Duration::from_millis(100));
    }
    let found = office.test();
    assert_eq!(found["state"], "ok", "{found}");
    let detail = found["detail"].as_str().unwrap();
    for station in ["queued", "accepted", "seen", "stored", "announced", "removed"] {
        assert!(detail.contains(station), "{detail}");
    }
    assert!(holder.try_wait().unwrap().is_none(), "it listens on");
    let taken = office.profile.records(&["logs", "--grep", "Request taken"]);
    assert!(taken.iter().any(|line| line.to_string().contains("remove_self_test")), "{taken:?}");
    crate::ledger::kill_now(&mut holder);
    office.assert_clean();
}

#[test]
fn what_a_killed_self_test_left_is_swept_at_the_next_start() {
    let office = Office::open();
    let mut killed = office.profile.command(&["doctor", "--self-test", "--json"]);
    assert!(!killed.env("SKRYNKA_KILL_AT", "mail_answered:1").output().unwrap().status.success());
    let until = Instant::now() + PATIENCE;
    while office.uids("INBOX").len() < 2 {
        assert!(Instant::now() < until, "the server took nothing before the kill");
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut next = office.profile.listen(&[], None);
    while office.uids("INBOX").len() > 1 {
        assert!(Instant::now() < until, "nothing was swept");
        std::thread::sleep(Duration::from_millis(100));
    }
    crate::ledger::kill_now(&mut next);
    office.assert_clean();
}
