//! Who is known: names for what is shown, access hashes for what is asked.
//!
//! Restored when an account is opened; what changes travels in the batch that brought it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use grammers_tl_types as tl;
use serde::{Deserialize, Serialize};
use skrynka_core::{
    connector::KnownPeer,
    model::{ChatKind, Peer, PeerKind},
};

/// Telegram's own account, which sends login codes. Nothing of it is handed over or logged.
pub(crate) const SERVICE_USER: i64 = 777_000;

/// What this crate keeps of a peer beside its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Details {
    pub(crate) kind: ChatKind,
    /// Whether it is this account itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) me: bool,
    /// Whether it has topics.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) forum: bool,
    /// Whether this account has left it or was put out of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) left: bool,
}

/// A peer as it is known now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) peer: Peer,
    pub(crate) access_hash: Option<i64>,
    pub(crate) name: String,
    pub(crate) username: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) details: Details,
}

/// Everybody that is known. Shared by the listener and the remote of an account.
#[derive(Debug, Default)]
pub(crate) struct Book(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    known: HashMap<Peer, Known>,
    changed: BTreeSet<Peer>,
    /// The titles of topics, by their forum and number. They are learnt anew by each connection.
    topics: HashMap<(i64, u32), String>,
}

pub(crate) const fn user(id: i64) -> Peer {
    Peer { kind: PeerKind::User, id }
}

pub(crate) const fn channel(id: i64) -> Peer {
    Peer { kind: PeerKind::Channel, id }
}

/// The peer that a TL object names.
pub(crate) const fn named(peer: &tl::enums::Peer) -> Peer {
    match peer {
        tl::enums::Peer::User(peer) => user(peer.user_id),
        tl::enums::Peer::Chat(peer) => Peer { kind: PeerKind::Group, id: peer.chat_id },
        tl::enums::Peer::Channel(peer) => channel(peer.channel_id),
    }
}

impl Book {
    /// Takes back what was stored.
    pub(crate) fn restore(peers: Vec<KnownPeer>) -> Self {
        let restored = peers.into_iter().filter_map(|peer| {
            let KnownPeer { peer, access_hash, name, username, phone, details } = peer;
            let details = serde_json::from_value(details).ok()?;
            Some((peer, Known { peer, access_hash, name, username, phone, details }))
        });
        Self(Mutex::new(Inner { known: restored.collect(), ..Inner::default() }))
    }

    /// Learns from the people and chats that came with an answer.
    pub(crate) fn learn(&self, users: &[tl::enums::User], chats: &[tl::enums::Chat]) {
        let mut inner = self.lock();
        for user in users {
            if let tl::enums::User::User(user) = user {
                inner.learn(of_user(user), user.min);
            }
        }
        for chat in chats {
            if let Some((known, min)) = of_chat(chat) {
                inner.learn(known, min);
            }
        }
    }

    /// Learns a name that changed.
    pub(crate) fn rename(&self, id: i64, name: String, username: Option<String>) {
        self.lock().change(user(id), |known| {
            known.name = name;
            known.username = username;
        });
    }

    /// Learns a phone number that changed.
    pub(crate) fn renumber(&self, id: i64, phone: &str) {
        self.lock().change(user(id), |known| known.phone = e164(phone));
    }

    /// Learns a topic's title.
    pub(crate) fn name_topic(&self, forum: i64, topic: u32, title: &str) {
        self.lock().topics.insert((forum, topic), title.to_owned());
    }

    pub(crate) fn topic(&self, forum: i64, topic: u32) -> Option<String> {
        self.lock().topics.get(&(forum, topic)).cloned()
    }

    pub(crate) fn get(&self, peer: Peer) -> Option<Known> {
        self.lock().known.get(&peer).cloned()
    }

    /// The same as it is stored.
    pub(crate) fn known(&self, peer: Peer) -> Option<KnownPeer> {
        self.lock().known.get(&peer).map(stored)
    }

    pub(crate) fn name(&self, peer: Peer) -> Option<String> {
        self.lock().known.get(&peer).map(|known| known.name.clone()).filter(|name| !name.is_empty())
    }

    pub(crate) fn knows(&self, peer: Peer) -> bool {
        self.lock().known.contains_key(&peer)
    }

    /// What a request names a peer by. `None` where its access hash is not known.
    pub(crate) fn input(&self, peer: Peer) -> Option<tl::enums::InputPeer> {
        let inner = self.lock();
        let known = inner.known.get(&peer);
        if known.is_some_and(|known| known.details.me) {
            return Some(tl::enums::InputPeer::PeerSelf);
        }
        let hash = known.and_then(|known| known.access_hash);
        match peer.kind {
            PeerKind::Group => Some(tl::types::InputPeerChat { chat_id: peer.id }.into()),
            PeerKind::User => hash.map(|access_hash| tl::types::InputPeerUser { user_id: peer.id, access_hash }.into()),
            PeerKind::Channel => {
                hash.map(|access_hash| tl::types::InputPeerChannel { channel_id: peer.id, access_hash }.into())
            }
        }
    }

    /// The same for requests that take channels only.
    pub(crate) fn input_channel(&self, id: i64) -> Option<tl::enums::InputChannel> {
        let access_hash = self.lock().known.get(&channel(id)).and_then(|known| known.access_hash)?;
        Some(tl::types::InputChannel { channel_id: id, access_hash }.into())
    }

    /// Who changed since this was last asked, to be stored.
    pub(crate) fn take_changed(&self) -> Vec<KnownPeer> {
        let mut inner = self.lock();
        let changed = std::mem::take(&mut inner.changed);
        changed.iter().filter_map(|peer| inner.known.get(peer)).map(stored).collect()
    }

    /// Who changed since the listener last asked; it stays the listener's to store.
    pub(crate) fn changed(&self) -> Vec<KnownPeer> {
        let inner = self.lock();
        inner.changed.iter().filter_map(|peer| inner.known.get(peer)).map(stored).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// A `min` constructor has a hash that opens nothing, and leaves out what only full ones have.
    fn learn(&mut self, mut news: Known, min: bool) {
        if let Some(known) = self.known.get(&news.peer) {
            if min {
                news.access_hash = known.access_hash;
                news.phone.clone_from(&known.phone);
                news.details.me = known.details.me;
                if news.username.is_none() {
                    news.username.clone_from(&known.username);
                }
            } else {
                news.access_hash = news.access_hash.or(known.access_hash);
            }
            if *known == news {
                return;
            }
        } else if min {
            news.access_hash = None;
        }
        self.changed.insert(news.peer);
        self.known.insert(news.peer, news);
    }

    fn change(&mut self, peer: Peer, change: impl FnOnce(&mut Known)) {
        let Some(known) = self.known.get_mut(&peer) else { return };
        let before = known.clone();
        change(known);
        if *known != before {
            self.changed.insert(peer);
        }
    }
}

fn of_user(user: &tl::types::User) -> Known {
    let kind = if user.bot { ChatKind::Bot } else { ChatKind::Private };
    let names = [&user.first_name, &user.last_name];
    let name = names.into_iter().flatten().filter(|name| !name.is_empty()).map(String::as_str).collect::<Vec<_>>();
    Known {
        peer: self::user(user.id),
        access_hash: user.access_hash,
        name: clean(&name.join(" ")),
        username: username(user.username.as_deref(), user.usernames.as_deref()),
        phone: user.phone.as_deref().and_then(e164),
        details: Details { kind, me: user.is_self, forum: false, left: false },
    }
}

/// The chat, and whether only a part of it was told.
fn of_chat(chat: &tl::enums::Chat) -> Option<(Known, bool)> {
    let group = |id, title: &str, left| Known {
        peer: Peer { kind: PeerKind::Group, id },
        access_hash: None,
        name: clean(title),
        username: None,
        phone: None,
        details: Details { kind: ChatKind::Group, me: false, forum: false, left },
    };
    match chat {
        tl::enums::Chat::Chat(chat) => Some((group(chat.id, &chat.title, chat.left || chat.deactivated), false)),
        tl::enums::Chat::Forbidden(chat) => Some((group(chat.id, &chat.title, true), false)),
        tl::enums::Chat::Channel(chat) => {
            let kind = if chat.broadcast { ChatKind::Broadcast } else { ChatKind::Supergroup };
            let known = Known {
                peer: channel(chat.id),
                access_hash: chat.access_hash,
                name: clean(&chat.title),
                username: username(chat.username.as_deref(), chat.usernames.as_deref()),
                phone: None,
                details: Details { kind, me: false, forum: chat.forum, left: chat.left },
            };
            Some((known, chat.min))
        }
        tl::enums::Chat::ChannelForbidden(chat) => {
            let kind = if chat.broadcast { ChatKind::Broadcast } else { ChatKind::Supergroup };
            let known = Known {
                peer: channel(chat.id),
                access_hash: Some(chat.access_hash),
                name: clean(&chat.title),
                username: None,
                phone: None,
                details: Details { kind, me: false, forum: false, left: true },
            };
            Some((known, false))
        }
        tl::enums::Chat::Empty(_) | tl::enums::Chat::Community(_) | tl::enums::Chat::CommunityForbidden(_) => None,
    }
}

fn stored(known: &Known) -> KnownPeer {
    let Known { peer, access_hash, name, username, phone, details } = known.clone();
    // A struct of booleans and words always is a JSON object.
    let details = serde_json::to_value(details).unwrap_or_default();
    KnownPeer { peer, access_hash, name, username, phone, details }
}

fn username(single: Option<&str>, several: Option<&[tl::enums::Username]>) -> Option<String> {
    let active = several.into_iter().flatten().find_map(|name| {
        let tl::enums::Username::Username(name) = name;
        name.active.then_some(name.username.as_str())
    });
    single.or(active).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// A phone number as Telegram writes it, in E.164.
pub(crate) fn e164(phone: &str) -> Option<String> {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    (!digits.is_empty()).then(|| format!("+{digits}"))
}

/// A name is a text of its owner's: marks that turn its direction stay, what no database takes goes.
pub(crate) fn clean(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "") } else { text.to_owned() }
}
