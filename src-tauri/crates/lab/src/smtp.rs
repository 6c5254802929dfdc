//! An SMTP server that keeps what it is given, in memory.

mod session;

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use anyhow::{Context, Result};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    authority::{Authority, Certificate},
    background::Background,
    oauth2::Grants,
};

/// How the next mails fare. Whatever the fault, an address whose name begins with `refused` gets `550`, and one that
/// begins with `later` gets `451` until [`Fault::TakesLater`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    #[default]
    None,
    /// `421` instead of a greeting.
    Busy,
    /// `451` after the mail: try again later. It is not kept.
    TryLater,
    /// `550` to each recipient.
    RefuseRecipients,
    /// `554` after the mail. It is not kept.
    RefuseMail,
    /// Closes while the mail is being sent. It is not kept.
    CloseInMail,
    /// Keeps the mail and closes before it says so: the sender cannot know.
    CloseAfterMail,
    /// Keeps the mail and says nothing while this fault is set.
    SilentAfterMail,
    /// Says nothing to this command, or instead of a greeting, while this fault is set.
    SilentAt(Verb),
    /// Addresses that begin with `later` are taken now.
    TakesLater,
    /// Wants a mail although it has refused each of its recipients.
    WantsAll,
    /// Closes instead of an answer to DATA, once it has refused each recipient.
    CloseAfterRefusal,
    /// Offers no PIPELINING.
    NoPipelining,
    /// Offers no STARTTLS.
    NoTls,
}

/// A step of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    Greeting,
    Ehlo,
    Auth,
    Mail,
    Rcpt,
    Data,
}

/// A mail that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Who had signed in, if anybody.
    pub user: Option<String>,
    pub from: String,
    pub to: Vec<String>,
    /// The message with CRLF line ends, leading dots as the sender wrote them.
    pub raw: Vec<u8>,
    pub at: SystemTime,
}

/// A running sink: one port speaks plainly and offers STARTTLS, the other speaks inside TLS.
pub struct SmtpSink {
    plain: SocketAddr,
    tls: SocketAddr,
    shared: Arc<Shared>,
    _background: Background,
}

struct Shared {
    acceptor: TlsAcceptor,
    users: Mutex<HashMap<String, String>>,
    tokens: Mutex<Option<Arc<Mutex<Grants>>>>,
    mails: Mutex<Vec<Received>>,
    fault: watch::Sender<Fault>,
}

impl SmtpSink {
    /// Starts a sink whose certificate comes from `authority`. It takes mail without a sign-in until it has users.
    pub fn start(authority: &Authority) -> Result<Self> {
        let identity = authority.issue(Certificate::Valid)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .context("Failed to choose TLS versions")?
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(identity.certificate.as_bytes()).context("Bad certificate")?],
                PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).context("Bad key")?,
            )
            .context("Failed to set up TLS")?;
        let shared = Arc::new(Shared {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            users: Mutex::default(),
            tokens: Mutex::default(),
            mails: Mutex::default(),
            fault: watch::Sender::new(Fault::None),
        });
        let (plain, tls) = (listen()?, listen()?);
        let (plain_address, tls_address) = (plain.local_addr()?, tls.local_addr()?);
        let background = Background::run("lab-smtp", serve(plain, tls, Arc::clone(&shared)))?;
        Ok(Self { plain: plain_address, tls: tls_address, shared, _background: background })
    }

    /// Returns the address for plain SMTP and STARTTLS.
    pub fn smtp(&self) -> SocketAddr {
        self.plain
    }

    /// Returns the address for SMTP inside TLS.
    pub fn smtps(&self) -> SocketAddr {
        self.tls
    }

    /// Asks for a sign-in from here on, and lets this user in.
    pub fn add_user(&self, name: &str, password: &str) {
        lock(&self.shared.users).insert(name.to_owned(), password.to_owned());
    }

    /// Takes access tokens too, by XOAUTH2, and asks for a sign-in from here on.
    pub fn take_tokens(&self, grants: Arc<Mutex<Grants>>) {
        *lock(&self.shared.tokens) = Some(grants);
    }

    /// Sets how mails fare from here on.
    pub fn set_fault(&self, fault: Fault) {
        self.shared.fault.send_replace(fault);
    }

    /// Returns the mails taken so far, oldest first.
    pub fn mails(&self) -> Vec<Received> {
        lock(&self.shared.mails).clone()
    }

    /// Returns when each mail was taken whose subject begins with these words, oldest first.
    pub fn times(&self, subject: &str) -> Vec<SystemTime> {
        let line = format!("\r\nSubject: {subject}");
        let is_meant = |mail: &&Received| String::from_utf8_lossy(&mail.raw).contains(&line);
        lock(&self.shared.mails).iter().filter(is_meant).map(|mail| mail.at).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn listen() -> Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("Failed to open the SMTP sink")?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

async fn serve(plain: std::net::TcpListener, tls: std::net::TcpListener, shared: Arc<Shared>) {
    let (Ok(plain), Ok(tls)) = (TcpListener::from_std(plain), TcpListener::from_std(tls)) else { return };
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = plain.accept() => { sessions.spawn(session::plain(prompt(stream), Arc::clone(&shared))); }
            Ok((stream, _)) = tls.accept() => { sessions.spawn(session::inside_tls(prompt(stream), Arc::clone(&shared))); }
            Some(_ended) = sessions.join_next() => {}
        }
    }
}

/// Sends each answer at once, as servers do that write theirs together: otherwise the second of two answers to commands
/// in one go waits for the client's delayed acknowledgement of the first.
fn prompt(stream: TcpStream) -> TcpStream {
    let _best_effort = stream.set_nodelay(true);
    stream
}
