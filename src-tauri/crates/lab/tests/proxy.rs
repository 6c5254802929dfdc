//! Each of the proxy's modes does to a connection what its name says.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use skrynka_lab::{Mode, Proxy};

/// Sends back whatever it is sent.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || std::io::copy(&mut &stream, &mut &stream));
        }
    });
    address
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

fn exchange(stream: &mut TcpStream, words: &[u8]) -> Vec<u8> {
    stream.write_all(words).unwrap();
    let mut answer = vec![0; words.len()];
    stream.read_exact(&mut answer).unwrap();
    answer
}

/// Nothing can be awaited where nothing happens, so this looks for a while.
fn stays_silent(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_millis(150))).unwrap();
    let silent = matches!(stream.read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock);
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    silent
}

#[test]
fn passes_and_counts_bytes() {
    let proxy = Proxy::start(echo()).unwrap();
    proxy.listen_for("EXISTS");
    let mut stream = connect(&proxy);
    assert_eq!(exchange(&mut stream, b"* 1 EXISTS"), b"* 1 EXISTS");
    assert_eq!((proxy.bytes_to_server(), proxy.bytes_to_client()), (10, 10));
    assert_eq!((proxy.accepted(), proxy.open(), proxy.heard().len()), (1, 1, 1));
}

#[test]
fn an_open_connection_is_reset() {
    let proxy = Proxy::start(echo()).unwrap();
    let mut stream = connect(&proxy);
    exchange(&mut stream, b"hello");
    proxy.set(Mode::Reset);
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_connection_is_cut_after_the_given_bytes() {
    let proxy = Proxy::start(echo()).unwrap();
    proxy.set(Mode::CutAfter(7));
    for _ in 0..2 {
        let mut stream = connect(&proxy);
        stream.write_all(b"hello world").unwrap();
        let mut heard = Vec::new();
        let _cut = stream.read_to_end(&mut heard);
        assert_eq!(heard, b"hello w");
    }
}

#[test]
fn a_stalled_connection_goes_on_afterwards() {
    let proxy = Proxy::start(echo()).unwrap();
    let mut stream = connect(&proxy);
    exchange(&mut stream, b"hello");
    proxy.set(Mode::Stall);
    stream.write_all(b"anybody").unwrap();
    assert!(stays_silent(&mut stream));
    proxy.set(Mode::Pass);
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"anybody");
}

#[test]
fn one_direction_is_lost() {
    for mode in [Mode::LoseToServer, Mode::LoseToClient] {
        let proxy = Proxy::start(echo()).unwrap();
        let mut stream = connect(&proxy);
        exchange(&mut stream, b"hello");
        proxy.set(mode);
        stream.write_all(b"lost").unwrap();
        assert!(stays_silent(&mut stream));
        proxy.set(Mode::Pass);
        assert_eq!(exchange(&mut stream, b"found"), b"found");
    }
}

#[test]
fn refuses_and_listens_again_on_the_same_port() {
    let proxy = Proxy::start(echo()).unwrap();
    let mut stream = connect(&proxy);
    exchange(&mut stream, b"hello");
    proxy.set(Mode::Refuse);
    assert!(stream.read(&mut [0]).is_err());
    while TcpStream::connect(proxy.address()).is_ok() {}
    proxy.set(Mode::Pass);
    let mut stream = loop {
        if let Ok(stream) = TcpStream::connect(proxy.address()) {
            break stream;
        }
    };
    assert_eq!(exchange(&mut stream, b"again"), b"again");
}

#[test]
fn slow_lines_deliver_everything() {
    for mode in [Mode::Rate(200_000), Mode::Latency(Duration::from_millis(5))] {
        let proxy = Proxy::start(echo()).unwrap();
        proxy.set(mode);
        let words = vec![b'x'; 20_000];
        assert_eq!(exchange(&mut connect(&proxy), &words), words);
    }
}
