//! Free ports for servers that must be told their port before they start.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Result, bail};
use rand::RngExt;

/// Below the range that Linux hands to outgoing connections, so that only another lab can take a port meanwhile.
const RANGE: std::ops::Range<u16> = 15_000..32_000;

/// Returns `N` different loopback TCP ports that nobody listens on.
///
/// Somebody may take one before it is used, so the caller tries again with others when its server cannot bind.
pub(crate) fn free<const N: usize>() -> Result<[u16; N]> {
    let mut held = Vec::new();
    for _ in 0..1000 {
        if held.len() == N {
            break;
        }
        let port = rand::rng().random_range(RANGE);
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            held.push((port, listener));
        }
    }
    let ports: Vec<u16> = held.iter().map(|(port, _)| *port).collect();
    match ports.try_into() {
        Ok(ports) => Ok(ports),
        Err(_) => bail!("Failed to find {N} free ports on 127.0.0.1"),
    }
}
