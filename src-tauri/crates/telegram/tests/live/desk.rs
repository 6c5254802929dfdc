//! A desk that listens to one account and keeps what it hears, as the core would.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;
use secrecy::SecretString;
use skrynka_core::{
    clock::SystemClock,
    connector::{
        ChatMessage, Connector, ConnectorError, Content, Cursor, Delivery, Incoming, IncomingMessage, IncomingSender,
        KnownPeer, ListenerStatus, Permit, Remote, Resume, SendText,
    },
    model::{
        Account, AccountId, AccountState, Channel, ChatKey, Peer, PeerKind, Place, Proxy, Reaction, TakenChats,
        TelegramSettings,
    },
    secrets::{SecretKind, SecretName, Secrets, memory::MemorySecrets},
};
use skrynka_lab::telegram::{
    AccountId as LabAccount, Chat, Key, Message, MessageId, Network, NetworkOptions, NewAccount, NewUser, Push, UserId,
    strings,
};
use skrynka_telegram::{DataCentres, Device, TelegramConnector, Tuning, session::formats};
use time::OffsetDateTime;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(30);

/// Short pauses; everything else as in production.
pub fn quick() -> Tuning {
    Tuning {
        request: Duration::from_secs(5),
        ping: Duration::from_millis(400),
        // A machine that does much else must not look like a dead connection.
        pong: Duration::from_secs(2),
        again: Duration::from_millis(100),
        margin: Duration::from_millis(100),
        pace: Duration::ZERO,
        look: Duration::ZERO,
        close: Duration::from_secs(1),
        token: Duration::from_secs(2),
        ..Tuning::default()
    }
}

/// A network with one account, and what Skrynka knows of it.
pub struct Office {
    pub net: Network,
    pub account: LabAccount,
    pub key: Key,
    pub settings: TelegramSettings,
    pub tuning: Tuning,
    pub secrets: Secrets,
    pub centres: DataCentres,
    pub added_at: OffsetDateTime,
    id: AccountId,
}

impl Office {
    pub async fn open() -> Self {
        Self::with(NetworkOptions::default()).await
    }

    pub async fn with(options: NetworkOptions) -> Self {
        let net = Network::start(options).unwrap();
        let account = net.add_account(NewAccount::default()).unwrap();
        let key = net.session(account, 2).unwrap();
        let settings = TelegramSettings {
            phone: "+380445550100".to_owned(),
            api_id: 12_345,
            user_id: account.0,
            home_dc: 2,
            takes: TakenChats { groups: true, channels: true, bots: true },
            history_days: 30,
            mark_read: true,
            file_limit: 1 << 20,
            proxy: None,
        };
        let centres = centres(&net);
        let secrets: Secrets = Arc::new(MemorySecrets::default());
        let office = Self {
            net,
            account,
            key,
            settings,
            tuning: quick(),
            secrets,
            centres,
            added_at: OffsetDateTime::UNIX_EPOCH,
            id: AccountId::new(OffsetDateTime::UNIX_EPOCH),
        };
        let endpoint = office.net.endpoint(2).unwrap();
        office.keep_session(&strings::telethon(2, endpoint, &key)).await;
        office
    }

    /// One whose customer Olena shares a supergroup with the account.
    pub async fn with_supergroup() -> (Self, UserId, Chat) {
        let office = Self::open().await;
        let olena = office.customer("Olena");
        let supergroup = office.net.add_supergroup("Bureau", &[office.account.user(), olena], &[]);
        (office, olena, supergroup)
    }

    /// Telegram skips 60 messages of two customers, and a pushed one reveals that.
    pub fn skips_60(&self, customers: [UserId; 2]) {
        self.net.account_too_long_after(Some(10));
        for number in 0..60 {
            self.writes(customers[number % 2], format!("skipped {number}"), Push::Silent);
        }
        self.writes(customers[0], "reveals", Push::Pushed);
    }

    /// Keeps a session of another program, as adding an account does.
    pub async fn keep_session(&self, text: &str) {
        let secret = formats::from_text(text).unwrap().into_secret().to_secret();
        self.keep(SecretKind::TelegramSession, secret).await;
    }

    pub async fn keep(&self, kind: SecretKind, value: SecretString) {
        self.secrets.set(SecretName { kind, account: self.id }, value).await.unwrap();
    }

    pub async fn session(&self) -> SecretString {
        self.secrets.get(SecretName { kind: SecretKind::TelegramSession, account: self.id }).await.unwrap().unwrap()
    }

    pub fn customer(&self, name: &str) -> UserId {
        self.net.add_user(name)
    }

    pub fn stranger(&self, name: &str) -> UserId {
        self.net.add_user(NewUser { first_name: name.to_owned(), ..NewUser::default() })
    }

    /// A customer writes to the account.
    pub fn writes(&self, from: UserId, message: impl Into<Message>, push: Push) -> MessageId {
        self.net.send(from, self.account, message, push).unwrap()
    }

    pub fn connector(&self) -> TelegramConnector {
        TelegramConnector::new(Arc::new(SystemClock), Device::default(), self.tuning.clone())
            .with_data_centres(self.centres.clone())
    }

    /// Opens the account with what the desk has kept.
    pub async fn try_open(&self, desk: &Desk) -> Result<Listening, ConnectorError> {
        self.open_until(desk, CancellationToken::new()).await
    }

    /// The same, unless it is given up meanwhile.
    pub async fn open_until(&self, desk: &Desk, stop: CancellationToken) -> Result<Listening, ConnectorError> {
        self.open_with(&self.connector(), desk, stop).await
    }

    /// The same with a connector that has opened it before.
    pub async fn open_with(
        &self,
        connector: &TelegramConnector,
        desk: &Desk,
        stop: CancellationToken,
    ) -> Result<Listening, ConnectorError> {
        let account = Account {
            id: self.id,
            channel: Channel::Telegram,
            name: "Kyiv".to_owned(),
            code: "K".to_owned(),
            color: 1,
            enabled: true,
            muted: false,
            email: None,
            telegram: Some(self.settings.clone()),
            created_at: self.added_at,
        };
        let secrets = self.secrets.clone();
        let (listener, remote) = connector.open(&account, desk.resume(), secrets, stop.clone()).await?;
        let (sender, deliveries, status) = IncomingSender::channel(4);
        let running = listener.run(sender, stop.clone());
        Ok(Listening { running, deliveries, status, stop, remote, ended: None, states: Vec::new() })
    }

    pub async fn listen(&self, desk: &Desk) -> Listening {
        self.try_open(desk).await.unwrap()
    }

    /// Opens the account for the first time and takes what is there.
    pub async fn caught_up(&self, desk: &mut Desk) -> Listening {
        let mut listening = self.listen(desk).await;
        listening.until_live(desk).await;
        listening
    }

    pub fn with_proxy(&mut self, address: SocketAddr, user: Option<&str>) {
        let server = skrynka_core::model::Endpoint { host: address.ip().to_string(), port: address.port() };
        self.settings.proxy = Some(Proxy { server, user: user.map(str::to_owned) });
    }
}

/// The private chat with a user.
pub fn chat(user: UserId) -> ChatKey {
    Peer { kind: PeerKind::User, id: user.0 }.into()
}

/// A text to be sent.
pub fn text(chat: ChatKey, text: &str, random_id: i64) -> SendText {
    SendText { chat, text: text.to_owned(), entities: Vec::new(), reply_to: None, random_id }
}

/// Where sessions without an address go, with keys that stand in for the key exchange.
pub fn centres(net: &Network) -> DataCentres {
    let mut centres = DataCentres::default();
    for (dc, address) in net.endpoints() {
        centres = centres.with(*dc, *address, Some(net.fresh_key(*dc).unwrap()));
    }
    centres
}

/// What was committed.
#[derive(Default)]
pub struct Desk {
    pub messages: BTreeMap<Place, IncomingMessage>,
    /// Places in the order in which they first came.
    pub order: Vec<Place>,
    pub cursors: BTreeMap<String, serde_json::Value>,
    pub peers: HashMap<Peer, KnownPeer>,
    pub deleted: Vec<(Option<i64>, Vec<u32>)>,
    pub reactions: Vec<(Place, Vec<Reaction>)>,
    pub read_in: Vec<(ChatKey, u32)>,
    pub read_out: Vec<(ChatKey, u32)>,
    pub sent: Vec<(i64, Place)>,
    pub edits: usize,
    pub batches: usize,
    /// With which batch a message came first, and with which a number was last told to be deleted.
    pub came: HashMap<Place, usize>,
    pub told_deleted: HashMap<u32, usize>,
    pub permit: Permit,
}

impl Desk {
    pub fn resume(&self) -> Resume {
        let cursor =
            |(mailbox, state): (&String, &serde_json::Value)| Cursor { mailbox: mailbox.clone(), state: state.clone() };
        let mut latest = BTreeMap::new();
        for place in self.messages.keys() {
            let highest = latest.entry(place.mailbox.clone()).or_insert(0);
            *highest = place.number.max(*highest);
        }
        Resume {
            cursors: self.cursors.iter().map(cursor).collect(),
            peers: self.peers.values().cloned().collect(),
            latest,
            permit: self.permit.clone(),
            salt: None,
        }
    }

    pub fn commit(&mut self, delivery: Delivery) {
        let Delivery { batch, stored } = delivery;
        for incoming in batch.incoming {
            match incoming {
                Incoming::Message(message) => {
                    let place = message.place.clone();
                    let edited = |message: &IncomingMessage| match &message.content {
                        Content::Chat(chat) => chat.edited_at,
                        Content::Letter(_) | Content::Unreadable { .. } => None,
                    };
                    match self.messages.get(&place) {
                        Some(known) if edited(known) >= edited(&message) => {}
                        Some(_) => {
                            self.edits += 1;
                            self.messages.insert(place, *message);
                        }
                        None => {
                            self.order.push(place.clone());
                            self.came.insert(place.clone(), self.batches);
                            self.messages.insert(place, *message);
                        }
                    }
                }
                Incoming::Peer(peer) => {
                    self.peers.insert(peer.peer, *peer);
                }
                Incoming::Deleted { channel, numbers } => {
                    self.told_deleted.extend(numbers.iter().map(|number| (*number, self.batches)));
                    self.deleted.push((channel, numbers));
                }
                Incoming::Reactions { place, reactions } => self.reactions.push((place, reactions)),
                Incoming::ReadInbox { chat, up_to } => self.read_in.push((chat, up_to)),
                Incoming::ReadOutbox { chat, up_to } => self.read_out.push((chat, up_to)),
                Incoming::Sent { random_id, place } => self.sent.push((random_id, place)),
                Incoming::Chat(_) => panic!("nobody has begun a chat"),
                Incoming::Marks { .. } | Incoming::Gone { .. } | Incoming::Delivered(_) => panic!("a mail's news"),
            }
        }
        for cursor in batch.cursors {
            self.cursors.insert(cursor.mailbox, cursor.state);
        }
        self.batches += 1;
        let _unawaited = stored.send(());
    }

    /// The texts of all messages that could be read, in the order in which they came.
    pub fn texts(&self) -> Vec<&str> {
        let texts = self.order.iter().filter_map(|place| match &self.messages[place].content {
            Content::Chat(chat) => Some(chat.text.as_str()),
            Content::Letter(_) | Content::Unreadable { .. } => None,
        });
        texts.collect()
    }

    /// Where the others stand.
    pub fn unreadable(&self) -> Vec<Place> {
        let all = self.messages.iter();
        all.filter(|(_, message)| matches!(message.content, Content::Unreadable { .. }))
            .map(|(place, _)| place.clone())
            .collect()
    }

    /// What is there, in a few lines.
    pub fn summary(&self) -> String {
        let texts = self.texts();
        let last = &texts[texts.len().saturating_sub(10)..];
        let Self { read_in, read_out, reactions, deleted, .. } = self;
        format!("{} messages to {last:?}, {read_in:?} {read_out:?} {reactions:?} {deleted:?}", texts.len())
    }

    /// Whether a deletion was told behind the message, in the same batch or later.
    pub fn deleted_after(&self, text: &str) -> bool {
        let place = self.order.iter().find(|place| self.chat(place).text == text);
        let came = place.and_then(|place| self.came.get(place));
        let told = place.and_then(|place| self.told_deleted.get(&place.number));
        came.zip(told).is_some_and(|(came, told)| came <= told)
    }

    pub fn has(&self, text: &str) -> bool {
        self.texts().contains(&text)
    }

    pub fn count(&self, starts: &str) -> usize {
        self.texts().iter().filter(|text| text.starts_with(starts)).count()
    }

    pub fn chat(&self, place: &Place) -> &ChatMessage {
        match &self.messages[place].content {
            Content::Chat(chat) => chat,
            Content::Letter(_) | Content::Unreadable { .. } => panic!("no chat message"),
        }
    }

    pub fn found(&self, text: &str) -> &ChatMessage {
        let place = self.order.iter().find(|place| self.chat(place).text == text);
        self.chat(place.unwrap_or_else(|| panic!("{text} is not there: {:?}", self.texts())))
    }

    /// Every text that starts so came once, and in each chat in the order of its numbers.
    pub fn assert_all(&self, starts: &str, count: usize) {
        let mut texts: Vec<_> = self.texts().into_iter().filter(|text| text.starts_with(starts)).collect();
        assert_eq!(texts.len(), count, "{starts}: {count} were sent");
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), count, "{starts}: some came twice");
    }
}

/// A running listener. It runs while something is waited for.
pub struct Listening {
    running: BoxFuture<'static, Result<(), ConnectorError>>,
    pub deliveries: mpsc::Receiver<Delivery>,
    pub status: watch::Receiver<ListenerStatus>,
    stop: CancellationToken,
    pub remote: Arc<dyn Remote>,
    pub ended: Option<Result<(), ConnectorError>>,
    /// The states it went through.
    pub states: Vec<AccountState>,
}

impl Listening {
    /// Takes what is handed over until `done`, or the listener has ended.
    pub async fn until(&mut self, desk: &mut Desk, done: impl Fn(&Desk) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(desk) {
            assert!(self.ended.is_none(), "the listener ended: {:?}", self.ended);
            let is_patient = self.step(desk, deadline).await;
            assert!(is_patient, "waited in vain: {:?}, {}", *self.status.borrow(), desk.summary());
        }
    }

    pub async fn until_text(&mut self, desk: &mut Desk, text: &str) {
        self.until(desk, |desk| desk.has(text)).await;
    }

    pub async fn until_count(&mut self, desk: &mut Desk, starts: &str, count: usize) {
        self.until(desk, |desk| desk.count(starts) >= count).await;
    }

    pub async fn until_live(&mut self, desk: &mut Desk) {
        let deadline = Instant::now() + PATIENCE;
        while !matches!(self.status.borrow().state, AccountState::Live) {
            assert!(self.ended.is_none(), "the listener ended: {:?}", self.ended);
            assert!(self.step(desk, deadline).await, "not live: {:?}", *self.status.borrow());
        }
    }

    /// Commits so many batches, or all there are.
    pub async fn commit(&mut self, desk: &mut Desk, batches: usize) {
        let (enough, deadline) = (desk.batches + batches, Instant::now() + PATIENCE);
        while desk.batches < enough && !matches!(self.status.borrow().state, AccountState::Live) {
            assert!(self.step(desk, deadline).await, "neither a batch nor the end");
        }
    }

    /// Lets it run for a while.
    pub async fn run_for(&mut self, desk: &mut Desk, time: Duration) {
        let deadline = Instant::now() + time;
        while self.ended.is_none() && self.step(desk, deadline).await {}
    }

    /// Waits until it ends by itself.
    pub async fn end(&mut self, desk: &mut Desk) -> ConnectorError {
        let deadline = Instant::now() + PATIENCE;
        while self.ended.is_none() {
            assert!(self.step(desk, deadline).await, "the listener goes on");
        }
        self.ended.take().unwrap().unwrap_err()
    }

    /// Stops it, as the engine does.
    pub async fn stop(mut self, desk: &mut Desk) {
        self.stop.cancel();
        let deadline = Instant::now() + PATIENCE;
        while self.ended.is_none() {
            assert!(self.step(desk, deadline).await, "the listener does not stop");
        }
        self.ended.take().unwrap().unwrap();
        while let Ok(delivery) = self.deliveries.try_recv() {
            desk.commit(delivery);
        }
    }

    /// Runs on beside something that is asked.
    pub async fn beside<T>(&mut self, desk: &mut Desk, asked: impl Future<Output = T>) -> T {
        let mut asked = std::pin::pin!(asked);
        loop {
            tokio::select! {
                answer = &mut asked => return answer,
                _ended = &mut self.running => panic!("the listener ended"),
                Some(delivery) = self.deliveries.recv() => desk.commit(delivery),
            }
        }
    }

    async fn step(&mut self, desk: &mut Desk, deadline: Instant) -> bool {
        tokio::select! {
            biased;
            Ok(()) = self.status.changed() => {
                let state = self.status.borrow_and_update().state.clone();
                if self.states.last() != Some(&state) {
                    self.states.push(state);
                }
                true
            }
            Some(delivery) = self.deliveries.recv() => {
                desk.commit(delivery);
                true
            }
            ended = &mut self.running => {
                self.ended = Some(ended);
                true
            }
            () = sleep_until(deadline) => false,
        }
    }
}
