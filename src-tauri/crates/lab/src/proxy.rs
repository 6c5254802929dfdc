//! A TCP proxy that misbehaves on request.

mod relay;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use crate::background::Background;

/// What the proxy does to every connection, those that are open included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Forwards everything.
    Pass,
    /// Holds each chunk back for this long, in both directions.
    Latency(Duration),
    /// Forwards so many bytes a second in each direction.
    Rate(u32),
    /// Closes each connection after so many bytes from the server, counted from the switch or the connect.
    CutAfter(u64),
    /// Closes each connection after so many bytes from the client, counted in the same way.
    CutToServerAfter(u64),
    /// Resets what is open and every new connection after it was accepted.
    Reset,
    /// Keeps connections open and forwards nothing; what was sent meanwhile goes on its way afterwards.
    Stall,
    /// Swallows what clients send.
    LoseToServer,
    /// Swallows what the server sends.
    LoseToClient,
    /// Resets what is open and stops listening, so that clients are refused.
    Refuse,
}

/// Stands between clients and one server. Dropping it closes every connection.
pub struct Proxy {
    address: SocketAddr,
    link: Arc<Link>,
    _background: Background,
}

/// What the connections share.
struct Link {
    upstream: SocketAddr,
    mode: watch::Sender<Mode>,
    to_server: AtomicU64,
    to_client: AtomicU64,
    accepted: AtomicUsize,
    open: AtomicUsize,
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    words: Option<Vec<u8>>,
    times: Vec<SystemTime>,
}

impl Proxy {
    /// Listens on a free port and forwards to `upstream`.
    pub fn start(upstream: SocketAddr) -> Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("Failed to open the proxy")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let link = Arc::new(Link {
            upstream,
            mode: watch::Sender::new(Mode::Pass),
            to_server: AtomicU64::new(0),
            to_client: AtomicU64::new(0),
            accepted: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            heard: Mutex::default(),
        });
        let background = Background::run("lab-proxy", serve(listener, Arc::clone(&link)))?;
        Ok(Self { address, link, _background: background })
    }

    /// Returns where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Switches at once.
    pub fn set(&self, mode: Mode) {
        self.link.mode.send_replace(mode);
    }

    /// Returns the bytes forwarded from clients to the server.
    pub fn bytes_to_server(&self) -> u64 {
        self.link.to_server.load(Ordering::Relaxed)
    }

    /// Returns the bytes forwarded from the server to clients.
    pub fn bytes_to_client(&self) -> u64 {
        self.link.to_client.load(Ordering::Relaxed)
    }

    /// Returns the connections that were ever accepted.
    pub fn accepted(&self) -> usize {
        self.link.accepted.load(Ordering::Relaxed)
    }

    /// Returns the connections that are open.
    pub fn open(&self) -> usize {
        self.link.open.load(Ordering::Relaxed)
    }

    /// Notes from here on when the server says these words to a client in one piece, for example `" EXISTS"`.
    pub fn listen_for(&self, words: &str) {
        *self.link.heard() = Heard { words: Some(words.as_bytes().to_vec()), times: Vec::new() };
    }

    /// Returns when the words were forwarded.
    pub fn heard(&self) -> Vec<SystemTime> {
        self.link.heard().times.clone()
    }
}

impl Link {
    fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts until dropped; while connections are refused the port is closed.
async fn serve(listener: std::net::TcpListener, link: Arc<Link>) {
    let Ok(address) = listener.local_addr() else { return };
    let mut listener = TcpListener::from_std(listener).ok();
    let mut mode = link.mode.subscribe();
    let mut connections = JoinSet::new();
    loop {
        let refuses = *mode.borrow_and_update() == Mode::Refuse;
        if refuses {
            listener = None;
        } else if listener.is_none() {
            listener = TcpListener::bind(address).await.ok();
            if listener.is_none() {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        }
        tokio::select! {
            _ = mode.changed() => {}
            Some(accepted) = accept(listener.as_ref()) => {
                link.accepted.fetch_add(1, Ordering::Relaxed);
                connections.spawn(relay::run(accepted, Arc::clone(&link)));
            }
            Some(_ended) = connections.join_next() => {}
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> Option<TcpStream> {
    match listener {
        Some(listener) => listener.accept().await.ok().map(|(stream, _)| stream),
        None => std::future::pending().await,
    }
}
