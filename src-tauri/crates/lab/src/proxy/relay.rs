//! One connection: two pumps, and an end that may be abrupt.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use rustix::net::sockopt::set_socket_linger;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
};

use super::{Link, Mode};

const CHUNK: usize = 64 * 1024;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToServer,
    ToClient,
}

/// Why a connection ends although neither side closed it.
enum Abrupt {
    Cut,
    Reset,
}

pub(super) async fn run(client: TcpStream, link: Arc<Link>) {
    link.open.fetch_add(1, Ordering::Relaxed);
    converse(client, &link).await;
    link.open.fetch_sub(1, Ordering::Relaxed);
}

async fn converse(mut client: TcpStream, link: &Link) {
    let Ok(mut server) = TcpStream::connect(link.upstream).await else {
        let _best_effort = set_socket_linger(&client, Some(Duration::ZERO));
        return;
    };
    let _best_effort = (client.set_nodelay(true), server.set_nodelay(true));
    let mut mode = link.mode.subscribe();
    let end = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let both = async {
            tokio::try_join!(
                pump(from_client, to_server, Direction::ToServer, link),
                pump(from_server, to_client, Direction::ToClient, link)
            )
        };
        tokio::select! {
            end = both => end.map(drop),
            _ = mode.wait_for(|mode| matches!(mode, Mode::Reset | Mode::Refuse)) => Err(Abrupt::Reset),
        }
    };
    if let Err(Abrupt::Reset) = end {
        // A socket that closes without lingering sends a reset.
        let _best_effort = set_socket_linger(&client, Some(Duration::ZERO));
        let _best_effort = set_socket_linger(&server, Some(Duration::ZERO));
    }
}

/// Forwards one direction until its source closes.
async fn pump(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, direction: Direction, link: &Link) -> Result<(), Abrupt> {
    let mut mode = link.mode.subscribe();
    let mut buffer = vec![0; CHUNK];
    let mut since_switch = 0;
    loop {
        let room = if let Mode::Rate(rate) = *mode.borrow() { (rate as usize / 20).clamp(1, CHUNK) } else { CHUNK };
        let read = from.read(&mut buffer[..room]).await.map_err(|_| Abrupt::Reset)?;
        if read == 0 {
            let _gone = to.shutdown().await;
            return Ok(());
        }
        // The mode may have changed while nothing was read; what counts is how it stands when there is something.
        if mode.has_changed().map_err(|_| Abrupt::Cut)? {
            since_switch = 0;
        }
        let current = *mode.wait_for(|mode| *mode != Mode::Stall).await.map_err(|_| Abrupt::Cut)?;
        let chunk = &buffer[..read];
        let chunk = let_through(chunk, current, since_switch, direction).await;
        // Counted first: who has read the bytes finds them counted.
        count(link, direction, chunk);
        to.write_all(chunk).await.map_err(|_| Abrupt::Reset)?;
        since_switch += chunk.len() as u64;
        if chunk.len() < read && matches!(current, Mode::CutAfter(_) | Mode::CutToServerAfter(_)) {
            return Err(Abrupt::Cut);
        }
    }
}

/// Returns as much of a chunk as the mode lets through, when it lets it through.
async fn let_through(chunk: &[u8], mode: Mode, since_switch: u64, direction: Direction) -> &[u8] {
    match mode {
        Mode::Latency(delay) => {
            tokio::time::sleep(delay).await;
            chunk
        }
        Mode::Rate(rate) => {
            tokio::time::sleep(Duration::from_secs_f64(chunk.len() as f64 / f64::from(rate.max(1)))).await;
            chunk
        }
        Mode::CutAfter(limit) if direction == Direction::ToClient => {
            let left = usize::try_from(limit.saturating_sub(since_switch)).unwrap_or(usize::MAX);
            &chunk[..chunk.len().min(left)]
        }
        Mode::CutToServerAfter(limit) if direction == Direction::ToServer => {
            let left = usize::try_from(limit.saturating_sub(since_switch)).unwrap_or(usize::MAX);
            &chunk[..chunk.len().min(left)]
        }
        Mode::LoseToServer if direction == Direction::ToServer => &[],
        Mode::LoseToClient if direction == Direction::ToClient => &[],
        Mode::Pass
        | Mode::CutAfter(_)
        | Mode::CutToServerAfter(_)
        | Mode::Reset
        | Mode::Stall
        | Mode::LoseToServer
        | Mode::LoseToClient
        | Mode::Refuse => chunk,
    }
}

#[expect(clippy::disallowed_methods, reason = "the proxy stamps the wire, so that others can measure from it")]
fn count(link: &Link, direction: Direction, bytes: &[u8]) {
    let counter: &AtomicU64 = match direction {
        Direction::ToServer => &link.to_server,
        Direction::ToClient => &link.to_client,
    };
    counter.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    let mut heard = link.heard();
    if direction == Direction::ToClient
        && let Some(words) = &heard.words
        && bytes.windows(words.len()).any(|window| window == words)
    {
        heard.times.push(SystemTime::now());
    }
}
