//! Everything there is: people, rooms, messages, keys, connections. One lock holds it all.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use anyhow::{Context, Result};
use grammers_tl_types as tl;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    Chat, Connections, Key, NetworkOptions, SentByClient, SentFile,
    cipher::{self, KeyId},
    faults::Faults,
    files::{Kept, Upload},
    mailbox::{Dialog, Mailbox},
    session::Out,
    srp::{Challenge, Verifier},
    traffic::Push,
};

/// Telegram's own account, which sends login codes.
pub(super) const SERVICE_USER: i64 = 777_000;

pub(super) struct World {
    pub(super) people: BTreeMap<i64, Person>,
    pub(super) accounts: BTreeMap<i64, Account>,
    pub(super) rooms: BTreeMap<Chat, Room>,
    pub(super) posts: HashMap<u64, Post>,
    pub(super) files: HashMap<i64, Kept>,
    /// Parts by account and the id that its client chose.
    pub(super) uploads: HashMap<(i64, i64), Upload>,
    /// Media that was uploaded ahead of its message, by file, with what the client brought.
    pub(super) uploaded: HashMap<i64, (tl::enums::MessageMedia, Option<SentFile>)>,
    /// Where files are kept from here on.
    pub(super) files_dc: Option<i32>,
    pub(super) reference_epoch: u32,
    pub(super) keys: HashMap<KeyId, KeyEntry>,
    pub(super) links: BTreeMap<u64, Link>,
    pub(super) last_link: u64,
    /// What is pushed behind the next thing, by account.
    held: Vec<(i64, Vec<u8>)>,
    /// Sign-ins on their way to another data centre: the account and the data centre by the secret.
    pub(super) exported: HashMap<Vec<u8>, (i64, i32)>,
    pub(super) login_tokens: HashMap<Vec<u8>, LoginToken>,
    pub(super) login_code: String,
    pub(super) faults: Faults,
    pub(super) slice: usize,
    pub(super) salt: i64,
    pub(super) requests: BTreeMap<String, u64>,
    pub(super) complaints: Vec<String>,
    last_number: u64,
}

/// Anybody with a name.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) id: i64,
    pub(super) first_name: String,
    pub(super) last_name: Option<String>,
    pub(super) username: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) bot: bool,
    pub(super) contact: bool,
    pub(super) min: bool,
    /// The file of the profile photo.
    pub(super) photo: Option<i64>,
}

/// Somebody whom clients sign in as.
pub(super) struct Account {
    pub(super) phone: String,
    pub(super) home_dc: i32,
    pub(super) password: Option<Verifier>,
    pub(super) bot_token: Option<String>,
    pub(super) mailbox: Mailbox,
    pub(super) dialogs: BTreeMap<Chat, Dialog>,
    /// Random ids that were used, with the message they made.
    pub(super) random_ids: HashMap<i64, u64>,
    pub(super) sent: Vec<SentByClient>,
    pub(super) reads: Vec<(Chat, i32)>,
}

impl Account {
    pub(super) fn new(phone: String, home_dc: i32, password: Option<&str>, bot_token: Option<String>) -> Self {
        Self {
            phone,
            home_dc,
            password: password.map(Verifier::new),
            bot_token,
            mailbox: Mailbox::default(),
            dialogs: BTreeMap::new(),
            random_ids: HashMap::new(),
            sent: Vec::new(),
            reads: Vec::new(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoomKind {
    Group,
    Supergroup { forum: bool },
    Broadcast,
}

impl RoomKind {
    pub(super) fn chat(self, id: i64) -> Chat {
        match self {
            Self::Group => Chat::Group(id),
            Self::Supergroup { .. } | Self::Broadcast => Chat::Channel(id),
        }
    }
}

/// A group or a channel. A basic group's messages lie with its members; its own mailbox stays empty.
pub(super) struct Room {
    pub(super) id: i64,
    pub(super) title: String,
    pub(super) members: Vec<i64>,
    pub(super) kind: RoomKind,
    pub(super) topics: Vec<(i32, String)>,
    pub(super) mailbox: Mailbox,
    /// Up to where each member read.
    pub(super) read: BTreeMap<i64, i32>,
}

impl Room {
    pub(super) fn new(id: i64, title: &str, members: Vec<i64>, kind: RoomKind) -> Self {
        Self {
            id,
            title: title.to_owned(),
            members,
            kind,
            topics: Vec::new(),
            mailbox: Mailbox::default(),
            read: BTreeMap::new(),
        }
    }

    pub(super) fn chat(&self) -> Chat {
        self.kind.chat(self.id)
    }
}

/// Something that was said, once, whoever sees it.
#[derive(Debug, Clone)]
pub(super) struct Post {
    pub(super) number: u64,
    pub(super) from: i64,
    /// As the writer names it.
    pub(super) chat: Chat,
    pub(super) text: String,
    pub(super) entities: Vec<tl::enums::MessageEntity>,
    pub(super) reply: Option<Reply>,
    pub(super) forward: Option<tl::types::MessageFwdHeader>,
    pub(super) media: Option<tl::enums::MessageMedia>,
    pub(super) album: Option<i64>,
    pub(super) date: i32,
    pub(super) edited: Option<i32>,
    pub(super) reactions: Vec<(i64, String)>,
    pub(super) action: Option<tl::enums::MessageAction>,
    pub(super) deleted: bool,
    /// The id in a channel, which is everybody's.
    pub(super) shared_id: Option<i32>,
    /// The id in each account's mailbox.
    pub(super) ids: BTreeMap<i64, i32>,
}

/// What a post answers: a message, a topic, or a message in a topic.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reply {
    pub(super) to: Option<u64>,
    pub(super) topic: Option<i32>,
}

impl Post {
    pub(super) fn new(from: i64, chat: Chat, text: String) -> Self {
        Self {
            number: 0,
            from,
            chat,
            text,
            entities: Vec::new(),
            reply: None,
            forward: None,
            media: None,
            album: None,
            date: 0,
            edited: None,
            reactions: Vec::new(),
            action: None,
            deleted: false,
            shared_id: None,
            ids: BTreeMap::new(),
        }
    }

    pub(super) fn id_for(&self, account: i64) -> Option<i32> {
        self.shared_id.or_else(|| self.ids.get(&account).copied())
    }

    /// Returns the chat as an account names it.
    pub(super) fn chat_for(&self, account: i64) -> Chat {
        match self.chat {
            Chat::User(_) if self.from != account => Chat::User(self.from),
            Chat::User(_) | Chat::Group(_) | Chat::Channel(_) => self.chat,
        }
    }
}

/// How a post goes out.
pub(super) struct Delivery {
    pub(super) push: Push,
    /// The connection that learns of it through the answer to its request.
    pub(super) except: Option<u64>,
}

impl From<Push> for Delivery {
    fn from(push: Push) -> Self {
        Self { push, except: None }
    }
}

/// A key that a data centre knows.
pub(super) struct KeyEntry {
    pub(super) key: Key,
    pub(super) dc: i32,
    pub(super) account: Option<i64>,
    /// The account that proved its code and still owes its password.
    pub(super) half_signed_in: Option<i64>,
    pub(super) challenge: Option<Challenge>,
    /// The phone number that a code was sent to, with the hash that belongs to the code.
    pub(super) code_sent_to: Option<(String, String)>,
    /// What every request is answered with.
    pub(super) ended: Option<String>,
    pub(super) connections: Connections,
}

/// A sign-in by QR code.
pub(super) struct LoginToken {
    /// The key that waits for it.
    pub(super) key: KeyId,
    pub(super) accepted_by: Option<i64>,
}

/// A connection whose session is known.
pub(super) struct Link {
    pub(super) key: KeyId,
    /// Whether it wants pushes.
    pub(super) updates: bool,
    pub(super) out: mpsc::UnboundedSender<Out>,
    pub(super) cut: CancellationToken,
}

impl World {
    pub(super) fn new(options: &NetworkOptions) -> Self {
        let service = Person {
            id: SERVICE_USER,
            first_name: "Telegram".to_owned(),
            last_name: None,
            username: None,
            phone: Some("42777".to_owned()),
            bot: false,
            contact: false,
            min: false,
            photo: None,
        };
        Self {
            people: BTreeMap::from([(SERVICE_USER, service)]),
            accounts: BTreeMap::new(),
            rooms: BTreeMap::new(),
            posts: HashMap::new(),
            files: HashMap::new(),
            uploads: HashMap::new(),
            uploaded: HashMap::new(),
            files_dc: None,
            reference_epoch: 1,
            keys: HashMap::new(),
            links: BTreeMap::new(),
            last_link: 0,
            held: Vec::new(),
            exported: HashMap::new(),
            login_tokens: HashMap::new(),
            login_code: options.login_code.clone(),
            faults: Faults::default(),
            slice: options.slice.max(1),
            salt: 0x1122_3344_5566_7788,
            requests: BTreeMap::new(),
            complaints: Vec::new(),
            last_number: 0,
        }
    }

    /// Returns the next free user id above a base.
    pub(super) fn next_user_id(&self, base: i64) -> i64 {
        let taken = self.people.range(base..base + 1_000_000).next_back();
        taken.map_or(base, |(last, _)| *last) + 1
    }

    pub(super) fn next_number(&mut self) -> i64 {
        self.last_number += 1;
        i64::try_from(self.last_number).unwrap_or(i64::MAX)
    }

    pub(super) fn next_post(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    pub(super) fn next_album(&mut self) -> i64 {
        13_000_000_000_000_000 + self.next_number()
    }

    pub(super) fn room(&self, chat: Chat) -> Option<&Room> {
        self.rooms.get(&chat)
    }

    pub(super) fn room_mut(&mut self, chat: Chat) -> Option<&mut Room> {
        self.rooms.get_mut(&chat)
    }

    /// Returns the accounts among a room's members.
    pub(super) fn member_accounts(&self, chat: Chat) -> Vec<i64> {
        let members = self.room(chat).map(|room| room.members.as_slice()).unwrap_or_default();
        members.iter().copied().filter(|member| self.accounts.contains_key(member)).collect()
    }

    /// Returns the accounts that see a chat, named from `from`'s side.
    pub(super) fn audience(&self, from: i64, chat: Chat) -> Vec<i64> {
        match chat {
            Chat::User(to) => {
                let sides = BTreeSet::from([from, to]);
                sides.into_iter().filter(|side| self.accounts.contains_key(side)).collect()
            }
            Chat::Group(_) | Chat::Channel(_) => self.member_accounts(chat),
        }
    }

    pub(super) fn add_key(&mut self, key: Key, dc: i32) {
        let entry = KeyEntry {
            key,
            dc,
            account: None,
            half_signed_in: None,
            challenge: None,
            code_sent_to: None,
            ended: None,
            connections: Connections::default(),
        };
        self.keys.insert(cipher::key_id(&key), entry);
    }

    pub(super) fn sign_in(&mut self, key: &KeyId, account: i64) {
        if let Some(entry) = self.keys.get_mut(key) {
            entry.account = Some(account);
            entry.half_signed_in = None;
            entry.challenge = None;
        }
    }

    pub(super) fn accept_login_token(&mut self, account: i64, token: &[u8]) -> Result<()> {
        let waiting = self.login_tokens.get_mut(token).context("There is no such login token")?;
        waiting.accepted_by = Some(account);
        let key = waiting.key;
        let update = super::traffic::short(tl::enums::Update::LoginToken);
        for link in self.links.values().filter(|link| link.key == key) {
            let _gone = link.out.send(Out::Push(Arc::new(update.clone())));
        }
        Ok(())
    }

    pub(super) fn count(&mut self, method: &str) {
        match self.requests.get_mut(method) {
            Some(count) => *count += 1,
            None => {
                self.requests.insert(method.to_owned(), 1);
            }
        }
    }

    pub(super) fn complain(&mut self, complaint: &str) {
        self.complaints.push(complaint.to_owned());
    }

    pub(super) fn open_link(&mut self) -> u64 {
        self.last_link += 1;
        self.last_link
    }

    /// Returns whether a connection uses a key.
    pub(super) fn uses(&self, key: &KeyId) -> bool {
        self.links.values().any(|link| link.key == *key)
    }

    pub(super) fn take_link(&mut self, number: u64, link: Link) {
        let now = 1 + self.links.values().filter(|other| other.key == link.key).count();
        if let Some(entry) = self.keys.get_mut(&link.key) {
            entry.connections.now = now;
            entry.connections.greatest = entry.connections.greatest.max(now);
            entry.connections.total += 1;
            if now > 1 && self.faults.punish_duplicates {
                entry.ended = Some("AUTH_KEY_DUPLICATED".to_owned());
            }
        }
        self.links.insert(number, link);
    }

    pub(super) fn close_link(&mut self, number: u64) {
        let Some(link) = self.links.remove(&number) else { return };
        if let Some(entry) = self.keys.get_mut(&link.key) {
            entry.connections.now = entry.connections.now.saturating_sub(1);
        }
    }

    /// Closes the connections that are chosen. Returns how many.
    pub(super) fn cut(&mut self, chosen: impl Fn(&Link) -> bool) -> usize {
        let numbers: Vec<u64> = self.links.iter().filter(|(_, link)| chosen(link)).map(|(number, _)| *number).collect();
        for number in &numbers {
            if let Some(link) = self.links.get(number) {
                link.cut.cancel();
            }
            self.close_link(*number);
        }
        numbers.len()
    }

    pub(super) fn cut_account(&mut self, account: i64) -> usize {
        let keys: BTreeSet<KeyId> = self.keys_of(account).collect();
        self.cut(|link| keys.contains(&link.key))
    }

    /// Ends an account's sessions, or takes that back.
    pub(super) fn end_sessions(&mut self, account: i64, error: Option<&str>) {
        for entry in self.keys.values_mut().filter(|entry| entry.account == Some(account)) {
            entry.ended = error.map(str::to_owned);
        }
    }

    fn keys_of(&self, account: i64) -> impl Iterator<Item = KeyId> {
        self.keys.iter().filter(move |(_, entry)| entry.account == Some(account)).map(|(id, _)| *id)
    }

    /// Pushes to an account's clients at its home, and then what was held back behind it.
    pub(super) fn push(&mut self, account: i64, body: Vec<u8>) {
        self.push_except(account, body, None);
    }

    pub(super) fn push_except(&mut self, account: i64, body: Vec<u8>, except: Option<u64>) {
        self.push_now(account, body, except);
        let (due, held) = std::mem::take(&mut self.held).into_iter().partition(|(whose, _)| *whose == account);
        self.held = held;
        for (_, body) in due {
            self.push_now(account, body, except);
        }
    }

    /// Keeps a push back until the next one.
    pub(super) fn hold(&mut self, account: i64, body: Vec<u8>) {
        self.held.push((account, body));
    }

    fn push_now(&self, account: i64, body: Vec<u8>, except: Option<u64>) {
        let Some(home) = self.accounts.get(&account).map(|account| account.home_dc) else { return };
        let body = Arc::new(body);
        for (number, link) in &self.links {
            let theirs = self
                .keys
                .get(&link.key)
                .is_some_and(|entry| entry.account == Some(account) && entry.ended.is_none() && entry.dc == home);
            if theirs && link.updates && Some(*number) != except {
                let _gone = link.out.send(Out::Push(Arc::clone(&body)));
            }
        }
    }
}
