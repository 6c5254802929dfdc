//! What can go wrong, on request.

use std::{
    collections::HashMap,
    net::TcpStream,
    time::{Duration, Instant},
};

use grammers_tl_types::{self as tl, Serializable};

use super::{AccountId, Chat, Key, Network, cipher, connection::Frozen};

/// A constructor that no layer knows.
const UNKNOWN_CONSTRUCTOR: u32 = 0x0bad_f00d;

/// Ports that were told to open or close do so within this.
const PORTS: Duration = Duration::from_secs(5);

/// The faults that are set.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) failures: Vec<Failure>,
    /// Requests by method whose answer is lost.
    pub(super) lost: HashMap<String, u32>,
    /// How long answers to a method take.
    pub(super) slow: HashMap<String, Duration>,
    /// Answers by method that no client can read.
    pub(super) garbled: HashMap<String, u32>,
    /// Answers that say this cannot be read either.
    pub(super) garbled_texts: Vec<String>,
    pub(super) wrong_session_id: bool,
    /// How far an account may be behind before its difference is too long.
    pub(super) too_long_after: Option<i32>,
    /// The same for channels, instead of the limit that the client asks for.
    pub(super) channel_too_long_after: Option<i32>,
    /// Whether a second connection with one key ends the key, as on Telegram.
    pub(super) punish_duplicates: bool,
}

/// A refusal of the next requests.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    /// `None` means every method.
    pub(super) method: Option<String>,
    pub(super) account: Option<i64>,
    pub(super) times: u32,
    pub(super) error: String,
}

/// Returns the code that Telegram sends with an error, and the error without a code that stands before it.
pub(super) fn coded(error: &str) -> (i32, &str) {
    let named = error.split_once(' ').and_then(|(code, name)| Some((code.parse().ok()?, name)));
    named.unwrap_or_else(|| (code_of(error), error))
}

fn code_of(error: &str) -> i32 {
    const UNAUTHORIZED: [&str; 7] = [
        "AUTH_KEY_UNREGISTERED",
        "AUTH_KEY_INVALID",
        "SESSION_REVOKED",
        "SESSION_EXPIRED",
        "USER_DEACTIVATED",
        "USER_DEACTIVATED_BAN",
        "SESSION_PASSWORD_NEEDED",
    ];
    const INTERNAL: [&str; 4] = ["INTERNAL", "RPC_CALL_FAIL", "PERSISTENT_TIMESTAMP_OUTDATED", "RANDOM_ID_DUPLICATE"];
    if error.contains("_MIGRATE_") {
        303
    } else if error.contains("FLOOD_WAIT") || error.contains("SLOWMODE_WAIT") || error.starts_with("FROZEN") {
        420
    } else if UNAUTHORIZED.contains(&error) {
        401
    } else if error == "AUTH_KEY_DUPLICATED" {
        406
    } else if INTERNAL.contains(&error) {
        500
    } else if error.ends_with("_FORBIDDEN") || error.ends_with("_PRIVATE") {
        403
    } else {
        400
    }
}

impl Network {
    /// Answers the next `times` requests of a method with an error, whoever asks: `"messages.sendMessage"` and
    /// `"FLOOD_WAIT_3"`, `"PHONE_MIGRATE_4"`, `"FROZEN_METHOD_INVALID"`… The method `"*"` is every method.
    /// The code follows from the name, unless it stands before it: `"406 TOPIC_DELETED"`.
    pub fn fail(&self, method: &str, times: u32, error: &str) {
        self.add_failure(method, None, times, error);
    }

    /// Does the same for the clients of one account.
    pub fn fail_for(&self, account: AccountId, method: &str, times: u32, error: &str) {
        self.add_failure(method, Some(account.0), times, error);
    }

    /// Takes all [`Network::fail`] back.
    pub fn stop_failing(&self) {
        self.world().faults.failures.clear();
    }

    fn add_failure(&self, method: &str, account: Option<i64>, times: u32, error: &str) {
        let method = (method != "*").then(|| method.to_owned());
        self.world().faults.failures.push(Failure { method, account, times, error: error.to_owned() });
    }

    /// Ends a session: every request over the key is answered with this error, such as `"AUTH_KEY_UNREGISTERED"`,
    /// `"SESSION_REVOKED"`, `"USER_DEACTIVATED"`, `"AUTH_KEY_DUPLICATED"`.
    pub fn end_session(&self, key: &Key, error: &str) {
        if let Some(entry) = self.world().keys.get_mut(&cipher::key_id(key)) {
            entry.ended = Some(error.to_owned());
        }
    }

    /// Takes [`Network::end_session`] back.
    pub fn restore_session(&self, key: &Key) {
        if let Some(entry) = self.world().keys.get_mut(&cipher::key_id(key)) {
            entry.ended = None;
        }
    }

    /// Ends every session of an account.
    pub fn end_sessions(&self, account: AccountId, error: &str) {
        self.world().end_sessions(account.0, Some(error));
    }

    /// Takes [`Network::end_sessions`] back.
    pub fn restore_sessions(&self, account: AccountId) {
        self.world().end_sessions(account.0, None);
    }

    /// Forgets a key: connections with it are closed, new ones are told -404.
    pub fn forget_key(&self, key: &Key) {
        let id = cipher::key_id(key);
        let mut world = self.world();
        world.keys.remove(&id);
        world.cut(|link| link.key == id);
    }

    /// Ends a key with `AUTH_KEY_DUPLICATED` as soon as two connections use it at once.
    pub fn punish_duplicates(&self, punish: bool) {
        self.world().faults.punish_duplicates = punish;
    }

    /// Closes every connection. Returns how many there were.
    pub fn cut(&self) -> usize {
        self.world().cut(|_| true)
    }

    /// Closes the connections of one account's clients.
    pub fn cut_account(&self, account: AccountId) -> usize {
        self.world().cut_account(account.0)
    }

    /// Keeps every connection open, new ones included, and says nothing until [`Network::thaw`].
    pub fn freeze(&self) {
        self.shared.frozen.send_replace(Frozen::All);
    }

    /// Lets the connections that are open now hang for good (half-open, as after a change of network). New ones work.
    pub fn freeze_open(&self) {
        let last = self.world().last_link;
        self.shared.frozen.send_replace(Frozen::UpTo(last));
    }

    /// Goes on where it froze: what clients sent meanwhile is answered.
    pub fn thaw(&self) {
        self.shared.frozen.send_replace(Frozen::Nothing);
    }

    /// Closes every connection and refuses new ones, until told otherwise. Returns once it does.
    pub fn refuse(&self, refuse: bool) {
        self.shared.refusing.send_replace(refuse);
        if refuse {
            self.cut();
        }
        // The ports follow a moment later.
        let until = Instant::now() + PORTS;
        while self.endpoints.values().any(|port| TcpStream::connect(port).is_ok() == refuse) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Speaks to new connections under a wrong session id.
    pub fn answer_with_wrong_session_id(&self, wrong: bool) {
        self.world().faults.wrong_session_id = wrong;
    }

    /// Takes other salts into use: the next request over each connection is answered with `bad_server_salt`.
    pub fn rotate_salts(&self) {
        let mut world = self.world();
        world.salt = world.salt.wrapping_add(0x0101_0101);
    }

    /// Answers "too long" to accounts that are further behind than this; `None` never does.
    pub fn account_too_long_after(&self, pts: Option<i32>) {
        self.world().faults.too_long_after = pts;
    }

    /// Answers "too long" about channels that are further ahead than this; `None` goes by the limit the client asks
    /// with, as Telegram does.
    pub fn channel_too_long_after(&self, pts: Option<i32>) {
        self.world().faults.channel_too_long_after = pts;
    }

    /// Sets the most events in one difference of an account.
    pub fn set_slice(&self, events: usize) {
        self.world().slice = events.max(1);
    }

    /// Carries out the next `times` requests of a method and never answers them.
    pub fn lose_answers(&self, method: &str, times: u32) {
        self.world().faults.lost.insert(method.to_owned(), times);
    }

    /// Answers a method so much later; zero takes it back.
    pub fn slow(&self, method: &str, delay: Duration) {
        self.world().faults.slow.insert(method.to_owned(), delay);
    }

    /// Answers the next `times` requests of a method with a constructor that no layer knows.
    pub fn garble(&self, method: &str, times: u32) {
        self.world().faults.garbled.insert(method.to_owned(), times);
    }

    /// Does the same with every answer that says `text`, until told otherwise.
    pub fn garble_text(&self, text: &str) {
        self.world().faults.garbled_texts.push(text.to_owned());
    }

    /// Takes [`Network::garble`] and [`Network::garble_text`] back.
    pub fn stop_garbling(&self) {
        let faults = &mut self.world().faults;
        faults.garbled.clear();
        faults.garbled_texts.clear();
    }

    /// Makes every file reference handed out so far invalid. Messages fetched from here on carry new ones.
    pub fn expire_file_references(&self) {
        self.world().reference_epoch += 1;
    }

    /// What is answered in the place of what cannot be read.
    pub(super) fn unknown() -> Vec<u8> {
        let mut body = UNKNOWN_CONSTRUCTOR.to_bytes();
        body.extend([0x5a; 24]);
        body
    }

    /// Pushes an update whose constructor no layer knows.
    pub fn push_unknown(&self, account: AccountId) {
        self.push_raw(account, Self::unknown());
    }

    /// Pushes `updates` with an unknown constructor inside, behind a good one.
    pub fn push_unknown_inside(&self, account: AccountId) {
        let mut body = 0x74ae_4240_u32.to_bytes();
        0x1cb5_c415_u32.serialize(&mut body);
        2_i32.serialize(&mut body);
        tl::enums::Update::Config.serialize(&mut body);
        UNKNOWN_CONSTRUCTOR.serialize(&mut body);
        body.extend([0x5a; 24]);
        self.push_raw(account, body);
    }

    /// Pushes any bytes to an account's clients.
    pub fn push_raw(&self, account: AccountId, body: Vec<u8>) {
        self.world().push(account.0, body);
    }

    /// Pushes `updatesTooLong`.
    pub fn push_too_long(&self, account: AccountId) {
        self.push_raw(account, tl::enums::Updates::TooLong.to_bytes());
    }

    /// Pushes `updateChannelTooLong` with the channel's pts.
    pub fn push_channel_too_long(&self, account: AccountId, channel: Chat) {
        if let Chat::Channel(channel_id) = channel {
            let pts = Some(self.channel_pts(channel));
            let update = tl::types::UpdateChannelTooLong { channel_id, pts };
            self.push_raw(account, super::traffic::short(update.into()));
        }
    }
}
