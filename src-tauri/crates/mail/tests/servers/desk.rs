//! A desk that listens to one mailbox and keeps what it hears, as the core would.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use skrynka_core::{
    clock::SystemClock,
    connector::{
        Connector, ConnectorError, Content, Cursor, Delivery, Incoming, IncomingMessage, IncomingSender, Letter,
        ListenerStatus, RawBytes, Remote, Resume,
    },
    model::{Account, AccountId, AccountState, Auth, Channel, EmailSettings, Endpoint, Place, Security},
    secrets::{SecretName, SecretStore, Secrets, SecretsError},
};
use skrynka_mail::{MailConnector, Tuning};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

pub const USER: &str = "biuro@example.org";
pub const PASSWORD: &str = "пароль \"1\\";
const PATIENCE: Duration = Duration::from_secs(60);

/// Holds one password.
struct OnePassword(Mutex<SecretString>);

impl SecretStore for OnePassword {
    fn get(&self, _: SecretName) -> BoxFuture<'_, Result<Option<SecretString>, SecretsError>> {
        let value = self.0.lock().unwrap().expose_secret().to_owned();
        Box::pin(async move { Ok(Some(value.into())) })
    }

    fn set(&self, _: SecretName, value: SecretString) -> BoxFuture<'_, Result<(), SecretsError>> {
        *self.0.lock().unwrap() = value;
        Box::pin(async { Ok(()) })
    }

    fn remove(&self, _: SecretName) -> BoxFuture<'_, Result<(), SecretsError>> {
        Box::pin(async { Ok(()) })
    }

    fn kind(&self) -> &'static str {
        "memory"
    }
}

pub fn secrets(password: &str) -> Secrets {
    Arc::new(OnePassword(Mutex::new(password.to_owned().into())))
}

/// Settings for a server on this computer.
pub fn settings(port: u16, security: Security) -> EmailSettings {
    let endpoint = Endpoint { host: "127.0.0.1".to_owned(), port };
    EmailSettings {
        address: USER.to_owned(),
        imap: endpoint.clone(),
        imap_security: security,
        smtp: endpoint,
        smtp_security: security,
        user: USER.to_owned(),
        auth: Auth::Password,
        since: None,
        ca_pem: None,
        folders: Vec::new(),
        write_flags: false,
    }
}

/// Short pauses; everything else as in production.
pub fn quick() -> Tuning {
    Tuning {
        others: Duration::from_millis(300),
        poll: Duration::from_millis(100),
        sweep: Duration::from_millis(300),
        glance: Duration::from_millis(50),
        second_refusal: Duration::from_millis(1),
        range: 50,
        ..Tuning::default()
    }
}

/// What was handed over.
#[derive(Default)]
pub struct Shelf {
    pub messages: BTreeMap<Place, Kept>,
    /// How often each place was handed over.
    pub times: HashMap<Place, u32>,
    /// Places in the order in which they first came.
    pub order: Vec<Place>,
    pub marks: Vec<(Place, bool, bool)>,
    pub gone: BTreeSet<Place>,
    pub cursors: HashMap<String, serde_json::Value>,
    pub batches: usize,
    /// Old mail is left out, so cursors do pass messages.
    pub gaps: bool,
    pub progress: Vec<(u64, u64)>,
}

pub struct Kept {
    pub message: IncomingMessage,
    pub bytes: Vec<u8>,
}

impl Kept {
    pub fn letter(&self) -> &Letter {
        match &self.message.content {
            Content::Letter(letter) => letter,
            Content::Chat(_) => panic!("a mail is no chat"),
            Content::Unreadable { reason, .. } => panic!("unreadable: {reason}"),
        }
    }

    pub fn reason(&self) -> &str {
        match &self.message.content {
            Content::Letter(letter) => panic!("readable: {}", letter.subject),
            Content::Chat(_) => panic!("a mail is no chat"),
            Content::Unreadable { reason, .. } => reason,
        }
    }
}

impl Shelf {
    fn take(&mut self, delivery: Delivery) {
        self.batches += 1;
        for incoming in delivery.batch.incoming {
            match incoming {
                Incoming::Message(message) => self.keep(*message),
                Incoming::Marks { place, seen, answered } => self.marks.push((place, seen, answered)),
                Incoming::Gone { place } => {
                    self.gone.insert(place);
                }
                other @ (Incoming::Deleted { .. }
                | Incoming::Reactions { .. }
                | Incoming::ReadInbox { .. }
                | Incoming::ReadOutbox { .. }
                | Incoming::Peer(_)
                | Incoming::Chat(_)
                | Incoming::Sent { .. }
                | Incoming::Delivered(_)) => panic!("not a mailbox's news: {other:?}"),
            }
        }
        for Cursor { mailbox, state } in delivery.batch.cursors {
            self.assert_nothing_is_passed(&mailbox, &state);
            self.cursors.insert(mailbox, state);
        }
        delivery.stored.send(()).ok();
    }

    fn keep(&mut self, message: IncomingMessage) {
        let bytes = match &message.raw.bytes {
            RawBytes::Memory(bytes) => bytes.clone(),
            RawBytes::File(file) => std::fs::read(&file.path).unwrap(),
        };
        assert_eq!(message.raw.size, bytes.len() as u64);
        *self.times.entry(message.place.clone()).or_default() += 1;
        if !self.messages.contains_key(&message.place) {
            self.order.push(message.place.clone());
        }
        self.messages.insert(message.place.clone(), Kept { message, bytes });
    }

    /// The tests' folders have no gaps, so everything between a cursor's ends must be here.
    fn assert_nothing_is_passed(&self, mailbox: &str, state: &serde_json::Value) {
        let number = |name: &str| state[name].as_u64().unwrap() as u32;
        if !self.gaps {
            for uid in number("low")..=number("high") {
                let place = Place { mailbox: mailbox.to_owned(), epoch: number("uidvalidity"), number: uid };
                assert!(self.messages.contains_key(&place), "the cursor {state} passes {place}");
            }
        }
    }

    pub fn uids(&self, mailbox: &str) -> Vec<u32> {
        self.messages.keys().filter(|place| place.mailbox == mailbox).map(|place| place.number).collect()
    }

    pub fn subjects(&self) -> Vec<&str> {
        self.messages.values().map(|kept| kept.letter().subject.as_str()).collect()
    }
}

/// One account and everything it has heard over any number of connections.
pub struct Desk {
    pub account: Account,
    pub secrets: Secrets,
    pub shelf: Shelf,
    pub connector: MailConnector,
    pub spool: tempfile::TempDir,
    pub remote: Option<Arc<dyn Remote>>,
}

impl Desk {
    pub fn new(settings: EmailSettings, tuning: Tuning) -> Self {
        let account = Account {
            id: AccountId::new(OffsetDateTime::UNIX_EPOCH),
            channel: Channel::Email,
            name: "Biuro".to_owned(),
            code: "B".to_owned(),
            color: 1,
            enabled: true,
            muted: false,
            email: Some(settings),
            telegram: None,
            created_at: OffsetDateTime::UNIX_EPOCH,
        };
        let spool = tempfile::tempdir().unwrap();
        let connector = MailConnector::new(Arc::new(SystemClock), spool.path().to_owned(), tuning);
        Self { account, secrets: secrets(PASSWORD), shelf: Shelf::default(), connector, spool, remote: None }
    }

    pub fn settings(&mut self) -> &mut EmailSettings {
        self.account.email.as_mut().unwrap()
    }

    /// Listens until `until` is true, or the connection ends. Panics when neither happens.
    pub async fn listen(&mut self, until: impl FnMut(&Shelf, &ListenerStatus) -> bool) -> Result<(), ConnectorError> {
        tokio::time::timeout(PATIENCE, self.listen_on(until)).await.expect("what was waited for did not happen")
    }

    async fn listen_on(
        &mut self,
        mut until: impl FnMut(&Shelf, &ListenerStatus) -> bool,
    ) -> Result<(), ConnectorError> {
        let cursors = self.shelf.cursors.iter();
        let cursors = cursors.map(|(mailbox, state)| Cursor { mailbox: mailbox.clone(), state: state.clone() });
        let resume = Resume { cursors: cursors.collect(), ..Resume::default() };
        let stop = CancellationToken::new();
        let opened = self.connector.open(&self.account, resume, Arc::clone(&self.secrets), stop.clone()).await?;
        let (listener, remote) = opened;
        self.remote = Some(remote);
        let (sender, mut deliveries, mut status) = IncomingSender::channel(4);
        let mut run = listener.run(sender, stop.clone());
        loop {
            tokio::select! {
                outcome = &mut run => {
                    while let Ok(delivery) = deliveries.try_recv() {
                        self.shelf.take(delivery);
                    }
                    return outcome;
                }
                Some(delivery) = deliveries.recv() => self.shelf.take(delivery),
                Ok(()) = status.changed() => {
                    if let AccountState::CatchingUp { done, total } = status.borrow().state {
                        self.shelf.progress.push((done, total));
                    }
                }
            }
            if until(&self.shelf, &status.borrow()) {
                stop.cancel();
            }
        }
    }

    /// Takes what comes beside the listener, until nobody hands over any more.
    pub async fn take_all(&mut self, mut deliveries: tokio::sync::mpsc::Receiver<Delivery>) {
        while let Some(delivery) = deliveries.recv().await {
            self.shelf.take(delivery);
        }
    }

    /// Listens until everything is here.
    pub async fn catch_up(&mut self) -> Result<(), ConnectorError> {
        self.listen(|_, status| status.state == AccountState::Live).await
    }
}

/// A small mail with a number in its subject.
pub fn mail(number: u32) -> Vec<u8> {
    format!("From: Klient <klient@example.com>\r\nTo: <{USER}>\r\nSubject: mail {number}\r\nMessage-ID: <m{number}@example.com>\r\n\r\nNumber {number}\r\n")
        .into_bytes()
}
