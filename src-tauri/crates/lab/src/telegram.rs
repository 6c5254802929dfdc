//! A Telegram of our own: several data centres that speak real MTProto 2.0 on loopback, over one world.
//!
//! Clients are strangers to it. It checks what Telegram checks: frame length, sequence and checksum, message keys,
//! message ids and the clock in them, salts, access hashes (which differ from account to account), file references,
//! parts and offsets of files, and who may ask what over which key. What it does not know it refuses by name and
//! counts.
//!
//! [`Network::start`] opens it. People and chats come from [`people`](NewAccount), traffic from
//! [`Network::send`] and its siblings, trouble from [`Network::fail`] and its siblings; [`strings`] writes an
//! account's session the way other programs keep it.
//!
//! Not played: the key exchange (clients hard-code Telegram's RSA keys, so keys are handed out by
//! [`Network::session`] and [`Network::fresh_key`]), temporary keys, secret chats, CDN files, and the second delivery
//! of pushes that a client never acknowledged.

mod blank;
mod cipher;
mod connection;
mod demo;
mod faults;
mod files;
mod mailbox;
mod media;
mod people;
mod render;
mod rpc;
mod session;
mod srp;
pub mod strings;
mod traffic;
mod transport;
mod witness;
mod world;

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail};
use rand::RngExt;
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch,
    task::JoinSet,
};

use self::{connection::Frozen, world::World};
pub use self::{
    demo::Demo,
    media::{Media, Picture},
    people::{NewAccount, NewUser},
    traffic::{Forward, Message, Push},
    witness::{Connections, SentByClient, SentFile},
};
use crate::background::Background;

/// An authorisation key, as clients keep it in their sessions.
pub type Key = [u8; 256];

/// An account that clients sign in to. It is a user as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct AccountId(pub i64);

/// A person or a bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct UserId(pub i64);

/// Where something is said. Ids are bare, as in Telegram's own objects: positive, each kind with numbers of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chat {
    /// The private chat with this user.
    User(i64),
    /// A basic group.
    Group(i64),
    /// A supergroup or a broadcast channel.
    Channel(i64),
}

/// A message in the world. Outside channels each account sees it under an id of its own: [`Network::id_for`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct MessageId(pub u64);

impl AccountId {
    /// Returns the account as a user.
    pub fn user(self) -> UserId {
        UserId(self.0)
    }
}

impl From<AccountId> for UserId {
    fn from(account: AccountId) -> Self {
        account.user()
    }
}

impl From<AccountId> for Chat {
    fn from(account: AccountId) -> Self {
        Self::User(account.0)
    }
}

impl From<UserId> for Chat {
    fn from(user: UserId) -> Self {
        Self::User(user.0)
    }
}

/// How a network behaves from the start.
#[derive(Debug, Clone)]
pub struct NetworkOptions {
    /// The data centres by number. Telegram has five, so that a client finds an address on loopback for each.
    pub dcs: Vec<i32>,
    /// Whether `help.getConfig` names the addresses of the data centres.
    pub advertise: bool,
    /// Answers longer than this are compressed.
    pub gzip_over: usize,
    /// The most messages in one container.
    pub container: usize,
    /// The most events in one difference of an account.
    pub slice: usize,
    /// The code that signs in, always the same.
    pub login_code: String,
}

impl Default for NetworkOptions {
    fn default() -> Self {
        Self {
            dcs: vec![1, 2, 3, 4, 5],
            advertise: true,
            gzip_over: 2048,
            container: 50,
            slice: 100,
            login_code: "12345".to_owned(),
        }
    }
}

/// A running network. Dropping it closes every connection.
pub struct Network {
    endpoints: BTreeMap<i32, SocketAddr>,
    shared: Arc<Shared>,
    _background: Background,
}

/// What the connections and the network's owner share.
struct Shared {
    options: NetworkOptions,
    endpoints: BTreeMap<i32, SocketAddr>,
    world: Mutex<World>,
    frozen: watch::Sender<Frozen>,
    refusing: watch::Sender<bool>,
}

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Network {
    /// Opens the data centres. Nobody has an account yet.
    pub fn start(options: NetworkOptions) -> Result<Self> {
        let mut listeners = Vec::new();
        let mut endpoints = BTreeMap::new();
        for dc in &options.dcs {
            let listener = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
            endpoints.insert(*dc, listener.local_addr()?);
            listeners.push((*dc, listener));
        }
        let shared = Arc::new(Shared {
            world: Mutex::new(World::new(&options)),
            options,
            endpoints: endpoints.clone(),
            frozen: watch::Sender::default(),
            refusing: watch::Sender::new(false),
        });
        let background = Background::run("lab-telegram", serve(listeners, Arc::clone(&shared)))?;
        Ok(Self { endpoints, shared, _background: background })
    }

    /// Returns where a data centre listens.
    pub fn endpoint(&self, dc: i32) -> Result<SocketAddr> {
        self.endpoints.get(&dc).copied().with_context(|| format!("There is no data centre {dc}"))
    }

    /// Returns where every data centre listens.
    pub fn endpoints(&self) -> &BTreeMap<i32, SocketAddr> {
        &self.endpoints
    }

    /// Makes a key that is signed in to `account` at `dc`.
    ///
    /// At any but the account's home it serves only files, as on Telegram.
    pub fn session(&self, account: AccountId, dc: i32) -> Result<Key> {
        let key = self.fresh_key(dc)?;
        let mut world = self.world();
        if !world.accounts.contains_key(&account.0) {
            bail!("There is no account {}", account.0);
        }
        world.sign_in(&cipher::key_id(&key), account.0);
        Ok(key)
    }

    /// Makes a key that `dc` knows and nobody is signed in with: what a client has after the key exchange.
    pub fn fresh_key(&self, dc: i32) -> Result<Key> {
        self.endpoint(dc)?;
        let mut key = [0; 256];
        rand::rng().fill(&mut key);
        self.world().add_key(key, dc);
        Ok(key)
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world()
    }
}

/// The clock of Telegram's servers, in Unix seconds.
fn now() -> i32 {
    i32::try_from(since_epoch().as_secs()).unwrap_or(i32::MAX)
}

#[expect(clippy::disallowed_methods, reason = "the servers' clock is not the product's")]
pub(crate) fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Connections that wait to be accepted.
const BACKLOG: u32 = 128;

fn listen(address: SocketAddr) -> Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address).context("Failed to open a data centre")?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

async fn serve(listeners: Vec<(i32, std::net::TcpListener)>, shared: Arc<Shared>) {
    let mut centres = JoinSet::new();
    for (dc, listener) in listeners {
        centres.spawn(data_centre(dc, listener, Arc::clone(&shared)));
    }
    while centres.join_next().await.is_some() {}
}

/// Accepts for one data centre. While the network refuses, its port is closed.
async fn data_centre(dc: i32, first: std::net::TcpListener, shared: Arc<Shared>) {
    let Ok(address) = first.local_addr() else { return };
    let mut refusing = shared.refusing.subscribe();
    let mut listener = TcpListener::from_std(first).ok();
    // Bound without listening, it refuses whoever comes, and nobody else is given the port.
    let mut kept: Option<TcpSocket> = None;
    let mut connections = JoinSet::new();
    loop {
        if *refusing.borrow_and_update() {
            listener = None;
            kept = kept.or_else(|| keep(address).ok());
        } else if listener.is_none() {
            listener = match kept.take() {
                Some(socket) => socket.listen(BACKLOG).ok(),
                None => listen(address).and_then(|again| Ok(TcpListener::from_std(again)?)).ok(),
            };
        }
        tokio::select! {
            Some(accepted) = accept(listener.as_ref()) => {
                connections.spawn(connection::serve(dc, accepted, Arc::clone(&shared)));
            }
            Some(_ended) = connections.join_next() => {}
            changed = refusing.changed() => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}

fn keep(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Its connections of a moment ago still hold the address.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept(listener: Option<&TcpListener>) -> Option<tokio::net::TcpStream> {
    match listener {
        Some(listener) => listener.accept().await.ok().map(|(stream, _)| stream),
        None => std::future::pending().await,
    }
}
