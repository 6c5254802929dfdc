//! From settings to a signed-in session: resolve, connect, encrypt, sign in. Each step has its own deadline and its
//! own errors, so that the connection test can show them one by one.

pub(crate) mod access;
pub(crate) mod counted;
pub(crate) mod sasl;
pub(crate) mod sign_in;
pub(crate) mod tls;
pub(crate) mod tokens;

use std::{net::SocketAddr, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use skrynka_core::model::{EmailSettings, Endpoint, Security};
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};

use self::{access::Proof, tls::TlsFacts};
use crate::{
    error::{MailError, Result, within},
    session::Session,
    tuning::Tuning,
    wire::{
        Wire,
        reply::Reply,
        status::{Status, Word},
    },
};

/// The pause before the next address is tried beside the one that has not answered yet (RFC 8305 section 5).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// A server that has greeted over a connection protected as the settings want it.
#[derive(Debug)]
pub(crate) struct Greeted {
    pub(crate) wire: Wire,
    /// Capabilities the server named in a protected greeting.
    pub(crate) capabilities: Option<Vec<String>>,
    pub(crate) tls: Option<TlsFacts>,
}

/// Connects and signs in.
pub(crate) async fn open(settings: &EmailSettings, proof: &Proof, tuning: &Tuning) -> Result<Session> {
    tracing::info!(
        target: "skrynka::email",
        host = settings.imap.host, port = settings.imap.port, security = settings.imap_security.as_str(),
        "Connecting"
    );
    let addresses = resolve(&settings.imap, settings.imap_security, tuning).await?;
    let (tcp, peer) = dial(&settings.imap, &addresses, tuning.connect).await?;
    let greeted = greet(tcp, settings, tuning).await?;
    if let Some(facts) = &greeted.tls {
        tracing::info!(
            target: "skrynka::email",
            version = facts.version, certificate = facts.names.join(", "), expires = %facts.expires, %peer,
            "TLS established"
        );
    }
    let certificate_until = greeted.tls.as_ref().map(|facts| facts.expires);
    let mut session = sign_in::sign_in(greeted, settings, proof, tuning).await?;
    session.certificate_until = certificate_until;
    tracing::info!(target: "skrynka::email", "Signed in");
    Ok(session)
}

/// Resolves the endpoint's name. With [`Security::LoopbackPlain`] every address must be of this computer.
pub(crate) async fn resolve(endpoint: &Endpoint, security: Security, tuning: &Tuning) -> Result<Vec<SocketAddr>> {
    let unknown = |source| MailError::NameNotFound { host: endpoint.host.clone(), source };
    let lookup = tokio::net::lookup_host((endpoint.host.as_str(), endpoint.port));
    let no_answer = || MailError::NoAnswer { to: "the name server".to_owned(), after: tuning.connect };
    let found = timeout(tuning.connect, lookup).await.map_err(|_| no_answer())?.map_err(|e| unknown(Some(e)))?;
    let addresses = alternate_families(found.collect());
    if addresses.is_empty() {
        return Err(unknown(None));
    }
    if security == Security::LoopbackPlain && !addresses.iter().all(|address| address.ip().is_loopback()) {
        return Err(MailError::PlainToForeign(endpoint.host.clone()));
    }
    Ok(addresses)
}

/// Connects to the first address that answers; the next one is started when an address fails or is slow.
pub(crate) async fn dial(
    endpoint: &Endpoint,
    addresses: &[SocketAddr],
    deadline: Duration,
) -> Result<(TcpStream, SocketAddr)> {
    let to = endpoint.to_string();
    let no_answer = MailError::NoAnswer { to: to.clone(), after: deadline };
    timeout(deadline, race(to, addresses)).await.unwrap_or(Err(no_answer))
}

async fn race(to: String, addresses: &[SocketAddr]) -> Result<(TcpStream, SocketAddr)> {
    let attempt = |address: &SocketAddr| {
        let address = *address;
        async move { (address, TcpStream::connect(address).await) }
    };
    let mut waiting = addresses.iter();
    let mut running = FuturesUnordered::new();
    let mut last = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
    running.extend(waiting.next().map(attempt));
    while !running.is_empty() {
        let more = !waiting.as_slice().is_empty();
        tokio::select! {
            Some((address, outcome)) = running.next() => match outcome {
                Ok(tcp) => {
                    // Commands are small and answered one by one; Nagle's algorithm would only delay them.
                    tcp.set_nodelay(true).map_err(MailError::Broken)?;
                    return Ok((tcp, address));
                }
                Err(error) => {
                    last = error;
                    running.extend(waiting.next().map(attempt));
                }
            },
            () = sleep(NEXT_ADDRESS), if more => running.extend(waiting.next().map(attempt)),
        }
    }
    Err(MailError::Unreachable { to, source: last })
}

/// Reads the greeting and protects the connection as the settings want it.
pub(crate) async fn greet(tcp: TcpStream, settings: &EmailSettings, tuning: &Tuning) -> Result<Greeted> {
    let ca = settings.ca_pem.as_deref();
    let host = &settings.imap.host;
    match settings.imap_security {
        Security::Tls => {
            let (stream, facts) = tls::protect(Box::new(tcp), host, ca, tuning.connect).await?;
            let mut wire = Wire::new(stream);
            let capabilities = greeting(&mut wire, tuning).await?;
            Ok(Greeted { wire, capabilities, tls: Some(facts) })
        }
        Security::Starttls => {
            let mut wire = Wire::new(Box::new(tcp));
            // What the server says of itself before the handshake is not protected and is forgotten.
            let _unprotected = greeting(&mut wire, tuning).await?;
            within(tuning.command.saturating_mul(2), start_tls(&mut wire, tuning)).await?;
            let (stream, facts) = tls::protect(wire.into_stream()?, host, ca, tuning.connect).await?;
            Ok(Greeted { wire: Wire::new(stream), capabilities: None, tls: Some(facts) })
        }
        Security::LoopbackPlain => {
            let mut wire = Wire::new(Box::new(tcp));
            let capabilities = greeting(&mut wire, tuning).await?;
            Ok(Greeted { wire, capabilities, tls: None })
        }
    }
}

async fn greeting(wire: &mut Wire, tuning: &Tuning) -> Result<Option<Vec<String>>> {
    match within(tuning.command.saturating_mul(2), wire.next(tuning.command)).await? {
        Reply::Status { tag: None, status } => match status.word {
            Word::Ok => Ok(capabilities(&status)),
            Word::Preauth => Err(MailError::Preauth),
            Word::Bye | Word::No | Word::Bad => Err(MailError::Bye(status.into())),
        },
        Reply::Unreadable { start, .. } => Err(MailError::Protocol(format!("greeting {start:?}"))),
        _ => Err(MailError::Protocol("no greeting".to_owned())),
    }
}

async fn start_tls(wire: &mut Wire, tuning: &Tuning) -> Result<()> {
    let sent = wire.send("STARTTLS", tuning.command).await?;
    loop {
        if let Reply::Status { tag: Some(tag), status } = wire.next(tuning.command).await? {
            return match status.word {
                Word::Ok if tag == sent => Ok(()),
                _ => Err(MailError::NoStartTls),
            };
        }
    }
}

/// The capabilities a status response names in its code.
pub(crate) fn capabilities(status: &Status) -> Option<Vec<String>> {
    (status.code == "CAPABILITY")
        .then(|| status.argument.split_ascii_whitespace().map(str::to_ascii_uppercase).collect())
}

/// One address of each family in turn, so that a broken IPv6 costs a moment and not the connection.
fn alternate_families(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|a| a.is_ipv6() == first_is_v6);
    let mut second = second.into_iter();
    let mut mixed = Vec::new();
    for address in first {
        mixed.push(address);
        mixed.extend(second.next());
    }
    mixed.extend(second);
    mixed.dedup();
    mixed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_families_take_turns() {
        let parse = |list: &[&str]| list.iter().map(|a| a.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let mixed = alternate_families(parse(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"]));
        assert_eq!(mixed, parse(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]));
    }

    #[tokio::test]
    async fn an_address_that_refuses_does_not_stop_the_next_one() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = listener.local_addr().unwrap();
        let refused = tokio::net::TcpListener::bind("127.0.0.2:0").await.unwrap().local_addr().unwrap();
        let (_tcp, peer) = race("x".to_owned(), &[refused, good]).await.unwrap();
        assert_eq!(peer, good);
        let endpoint = Endpoint { host: "x".to_owned(), port: 1 };
        let error = dial(&endpoint, &[refused], Duration::from_secs(5)).await.unwrap_err();
        assert!(matches!(error, MailError::Unreachable { .. }));
    }

    #[tokio::test]
    async fn plain_text_is_refused_to_any_host_but_this_computer() {
        let tuning = Tuning::default();
        let endpoint = Endpoint { host: "192.0.2.1".to_owned(), port: 143 };
        let error = resolve(&endpoint, Security::LoopbackPlain, &tuning).await.unwrap_err();
        assert!(matches!(error, MailError::PlainToForeign(_)));
        let endpoint = Endpoint { host: "127.0.0.1".to_owned(), port: 143 };
        assert_eq!(resolve(&endpoint, Security::LoopbackPlain, &tuning).await.unwrap().len(), 1);
    }
}
