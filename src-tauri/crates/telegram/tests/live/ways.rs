//! The way to Telegram: through a proxy, and only while the account is ours.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use futures_util::future::BoxFuture;
use skrynka_core::{
    connector::{ConnectorError, Permission, Permit},
    model::{Trouble, TroubleCode},
    secrets::SecretKind,
};
use skrynka_lab::telegram::Push;

use crate::desk::{Desk, Office};

/// A SOCKS5 proxy for one name and password, or for everybody.
fn proxy(login: Option<(&'static str, &'static str)>) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, connected) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counter = connected.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let counter = counter.clone();
            thread::spawn(move || relay(stream, login, &counter));
        }
    });
    (address, connected)
}

fn relay(mut client: TcpStream, login: Option<(&str, &str)>, connected: &AtomicUsize) -> Option<()> {
    let take = |client: &mut TcpStream, count: usize| {
        let mut bytes = vec![0; count];
        client.read_exact(&mut bytes).ok().map(|()| bytes)
    };
    let count = take(&mut client, 2)?[1];
    take(&mut client, count.into())?;
    client.write_all(&[5, if login.is_some() { 2 } else { 0 }]).ok()?;
    if let Some((user, password)) = login {
        let length = take(&mut client, 2)?[1];
        let given_user = take(&mut client, length.into())?;
        let length = take(&mut client, 1)?[0];
        let given = take(&mut client, length.into())?;
        let right = given_user == user.as_bytes() && given == password.as_bytes();
        client.write_all(&[1, u8::from(!right)]).ok()?;
        if !right {
            return None;
        }
    }
    let request = take(&mut client, 10)?;
    let ip = Ipv4Addr::new(request[4], request[5], request[6], request[7]);
    let mut server = TcpStream::connect((ip, u16::from_be_bytes([request[8], request[9]]))).ok()?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).ok()?;
    connected.fetch_add(1, Ordering::SeqCst);
    let (mut back, mut from) = (client.try_clone().ok()?, server.try_clone().ok()?);
    thread::spawn(move || {
        let _ended = std::io::copy(&mut from, &mut back);
        let _closed = back.shutdown(std::net::Shutdown::Both);
    });
    let _ended = std::io::copy(&mut client, &mut server);
    let _closed = server.shutdown(std::net::Shutdown::Both);
    Some(())
}

#[tokio::test]
async fn through_a_proxy_with_and_without_a_password() {
    for login in [None, Some(("skrynka", "pass"))] {
        let mut office = Office::open().await;
        let olena = office.customer("Olena");
        office.writes(olena, "first", Push::Pushed);
        let (address, connected) = proxy(login);
        office.with_proxy(address, login.map(|login| login.0));
        office.keep(SecretKind::TelegramProxyPassword, "pass".to_owned().into()).await;
        let password = login.map(|login| login.1.to_owned().into());
        let settings = office.settings.proxy.clone().unwrap();
        office.connector().check_proxy(settings.clone(), password).await.unwrap();
        let mut desk = Desk::default();
        let listening = office.caught_up(&mut desk).await;
        assert!(desk.has("first"));
        assert_eq!(connected.load(Ordering::SeqCst), 2);
        listening.stop(&mut desk).await;
        if login.is_some() {
            let wrong = office.connector().check_proxy(settings, Some("wrong".to_owned().into())).await.unwrap_err();
            assert_eq!(wrong.trouble().code, TroubleCode::Proxy);
            office.keep(SecretKind::TelegramProxyPassword, "wrong".to_owned().into()).await;
            let Err(error) = office.try_open(&desk).await else { panic!("the proxy refused") };
            assert_eq!(error.trouble().code, TroubleCode::Proxy, "{error:?}");
        }
    }
}

/// A lease that can be taken away.
struct Lease {
    holds: AtomicBool,
    checks: AtomicUsize,
}

impl Permission for Lease {
    fn holds(&self) -> bool {
        self.holds.load(Ordering::SeqCst)
    }

    fn check(&self) -> BoxFuture<'_, Result<(), ConnectorError>> {
        self.checks.fetch_add(1, Ordering::SeqCst);
        let holds = self.holds();
        Box::pin(async move {
            if holds {
                return Ok(());
            }
            let why = Trouble { code: TroubleCode::Internal, detail: "another desktop listens".to_owned() };
            Err(ConnectorError::Transient { why, retry_after: None })
        })
    }
}

/// After a long sleep the account may belong to another desktop: nothing is sent before that is known.
#[tokio::test]
async fn nothing_is_sent_without_the_lease() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.writes(olena, "first", Push::Pushed);
    let lease = Arc::new(Lease { holds: AtomicBool::new(true), checks: AtomicUsize::new(0) });
    let mut desk = Desk { permit: Permit::new(lease.clone()), ..Desk::default() };
    let mut listening = office.caught_up(&mut desk).await;
    let at_first = lease.checks.load(Ordering::SeqCst);
    assert!(at_first >= 1, "asked before the first connection");
    office.net.cut();
    office.writes(olena, "second", Push::Silent);
    listening.until_text(&mut desk, "second").await;
    assert!(lease.checks.load(Ordering::SeqCst) > at_first, "asked before the next connection");
    lease.holds.store(false, Ordering::SeqCst);
    let connections = office.net.connections(&office.key).total;
    office.net.cut();
    let error = listening.end(&mut desk).await;
    assert_eq!(error.trouble().detail, "another desktop listens");
    assert_eq!(office.net.connections(&office.key).total, connections);
}
