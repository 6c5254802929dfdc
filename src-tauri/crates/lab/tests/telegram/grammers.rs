//! grammers, unmodified, over a session that lives in memory.

use std::{
    collections::VecDeque,
    net::{SocketAddr, SocketAddrV4, SocketAddrV6},
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use grammers_client::sender::{ConnectionParams, SenderPool, UpdatesConfiguration};
use grammers_client::{Client as Grammers, client::UpdateStream, message::InputMessage, tl, update::Update};
use grammers_session::{
    BoxFuture, Session, SessionData,
    types::{ChannelState, DcOption, PeerAuth, PeerId, PeerInfo, PeerRef, UpdateState, UpdatesState},
    updates::UpdatesLike,
};
use skrynka_lab::telegram::{AccountId, Key, Network, UserId};
use tokio::{runtime::Runtime, sync::mpsc};

use crate::scenario::{Client, Event};

/// Everything in memory. Unlike the library's own it finds the account itself.
pub struct Remembered(Mutex<SessionData>);

impl Remembered {
    fn data(&self) -> MutexGuard<'_, SessionData> {
        self.0.lock().unwrap()
    }
}

type Never = std::convert::Infallible;

impl Session for Remembered {
    type Error = Never;

    fn home_dc_id(&self) -> Result<i32, Never> {
        Ok(self.data().home_dc)
    }

    fn set_home_dc_id(&self, dc: i32) -> BoxFuture<'_, Result<(), Never>> {
        self.data().home_dc = dc;
        Box::pin(std::future::ready(Ok(())))
    }

    fn dc_option(&self, dc: i32) -> Result<Option<DcOption>, Never> {
        Ok(self.data().dc_options.get(&dc).cloned())
    }

    fn set_dc_option(&self, option: &DcOption) -> BoxFuture<'_, Result<(), Never>> {
        self.data().dc_options.insert(option.id, option.clone());
        Box::pin(std::future::ready(Ok(())))
    }

    fn peer(&self, peer: PeerId) -> BoxFuture<'_, Result<Option<PeerInfo>, Never>> {
        let data = self.data();
        let found = if peer == PeerId::self_user() {
            data.peer_infos.values().find(|info| matches!(info, PeerInfo::User { is_self: Some(true), .. })).cloned()
        } else {
            data.peer_infos.get(&peer).cloned()
        };
        Box::pin(std::future::ready(Ok(found)))
    }

    fn cache_peer(&self, peer: PeerInfo) -> BoxFuture<'_, Result<(), Never>> {
        self.data().peer_infos.entry(peer.id()).or_insert_with(|| peer.clone()).extend_info(&peer);
        Box::pin(std::future::ready(Ok(())))
    }

    fn updates_state(&self) -> BoxFuture<'_, Result<UpdatesState, Never>> {
        let state = self.data().updates_state.clone();
        Box::pin(std::future::ready(Ok(state)))
    }

    fn set_update_state(&self, update: UpdateState) -> BoxFuture<'_, Result<(), Never>> {
        let state = &mut self.data().updates_state;
        match update {
            UpdateState::All(all) => *state = all,
            UpdateState::Primary { pts, date, seq } => (state.pts, state.date, state.seq) = (pts, date, seq),
            UpdateState::Secondary { qts } => state.qts = qts,
            UpdateState::Channel { id, pts } => {
                state.channels.retain(|channel| channel.id != id);
                state.channels.push(ChannelState { id, pts });
            }
        }
        Box::pin(std::future::ready(Ok(())))
    }
}

pub struct GrammersClient {
    pub runtime: Runtime,
    pub client: Grammers,
    pub session: Arc<Remembered>,
    updates: Option<mpsc::Receiver<UpdatesLike>>,
    stream: Option<UpdateStream>,
    last: Option<grammers_client::message::Message>,
    deleted: VecDeque<i32>,
}

impl GrammersClient {
    /// Opens a client that knows keys for some data centres; the first is its home.
    pub fn open(network: &Network, keys: &[(i32, Key)]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut data = SessionData { home_dc: keys[0].0, ..SessionData::default() };
        for dc in 1..=5 {
            let SocketAddr::V4(ipv4) = network.endpoint(dc).unwrap() else { panic!("loopback is IPv4 here") };
            let auth_key = keys.iter().find(|(number, _)| *number == dc).map(|(_, key)| *key);
            data.dc_options.insert(dc, option(dc, ipv4, auth_key));
        }
        let session = Arc::new(Remembered(Mutex::new(data)));
        let pool = SenderPool::with_configuration(Arc::clone(&session), 12345, ConnectionParams::default());
        let client = Grammers::new(pool.handle);
        runtime.spawn(pool.runner.run());
        let (stream, last, deleted) = (None, None, VecDeque::new());
        Self { runtime, client, session, updates: Some(pool.updates), stream, last, deleted }
    }

    pub fn invoke<R: tl::RemoteCall>(&self, request: &R) -> Result<R::Return, grammers_client::InvocationError> {
        self.runtime.block_on(self.client.invoke(request))
    }

    pub fn peer(&self, user: UserId) -> PeerRef {
        self.peer_of(PeerId::user(user.0).unwrap())
    }

    pub fn peer_of(&self, peer: PeerId) -> PeerRef {
        self.runtime.block_on(self.session.peer_ref(peer)).unwrap().unwrap()
    }

    /// Says who the account is, which the library does not remember by itself.
    pub fn remember(&self, account: AccountId) {
        let info =
            PeerInfo::User { id: account.0, auth: Some(PeerAuth::from_hash(0)), bot: Some(false), is_self: Some(true) };
        self.runtime.block_on(self.session.cache_peer(info)).unwrap();
    }
}

fn option(id: i32, ipv4: SocketAddrV4, auth_key: Option<Key>) -> DcOption {
    let ipv6 = SocketAddrV6::new(ipv4.ip().to_ipv6_mapped(), ipv4.port(), 0, 0);
    DcOption { id, ipv4, ipv6, auth_key }
}

impl Client for GrammersClient {
    fn authorised(&mut self) -> bool {
        self.runtime.block_on(self.client.is_authorized()).unwrap()
    }

    fn me(&mut self) -> (i64, String) {
        let me = self.runtime.block_on(self.client.get_me()).unwrap();
        (me.id().bare_id().unwrap(), me.first_name().unwrap().to_owned())
    }

    fn dialogs(&mut self) -> Vec<String> {
        self.runtime.block_on(async {
            let (mut dialogs, mut names) = (self.client.iter_dialogs(), Vec::new());
            while let Some(dialog) = dialogs.next().await.unwrap() {
                names.push(dialog.peer().name().unwrap_or_default().to_owned());
            }
            names
        })
    }

    fn history(&mut self, user: UserId) -> Vec<String> {
        let peer = self.peer(user);
        self.runtime.block_on(async {
            let (mut messages, mut texts) = (self.client.iter_messages(peer), Vec::new());
            while let Some(message) = messages.next().await.unwrap() {
                texts.push(message.text().to_owned());
            }
            texts
        })
    }

    fn listen(&mut self) {
        let (id, _) = self.me();
        self.remember(AccountId(id));
        // The list of chats has put channels into the state, so that the library does not ask for the rest itself.
        let tl::enums::updates::State::State(state) = self.invoke(&tl::functions::updates::GetState {}).unwrap();
        let primary = UpdateState::Primary { pts: state.pts, date: state.date, seq: state.seq };
        self.runtime.block_on(self.session.set_update_state(primary)).unwrap();
        let updates = self.updates.take().unwrap();
        let configuration = UpdatesConfiguration { catch_up: true };
        self.stream = Some(self.runtime.block_on(self.client.stream_updates(updates, configuration)).unwrap());
    }

    fn next(&mut self, wait: Duration) -> Option<Event> {
        if let Some(id) = self.deleted.pop_front() {
            return Some(Event { kind: "deleted".to_owned(), text: String::new(), id, out: false });
        }
        let stream = self.stream.as_mut().unwrap();
        let next = async {
            loop {
                match stream.next().await {
                    Ok(Update::NewMessage(message)) => return ("new", message.into_inner()),
                    Ok(Update::MessageEdited(message)) => return ("edited", message.into_inner()),
                    Ok(Update::MessageDeleted(deletion)) => {
                        self.deleted.extend(deletion.messages());
                        return ("deleted", self.last.clone().unwrap());
                    }
                    Ok(_) | Err(_) => {}
                }
            }
        };
        let (kind, message) = self.runtime.block_on(async { tokio::time::timeout(wait, next).await }).ok()?;
        if kind == "deleted" {
            return self.next(wait);
        }
        let event =
            Event { kind: kind.to_owned(), text: message.text().to_owned(), id: message.id(), out: message.outgoing() };
        if kind == "new" && !event.out {
            self.last = Some(message);
        }
        Some(event)
    }

    fn reply(&mut self, text: &str) -> i32 {
        self.runtime.block_on(self.last.as_ref().unwrap().reply(text)).unwrap().id()
    }

    fn send(&mut self, user: UserId, text: &str) -> i32 {
        let peer = self.peer(user);
        self.runtime.block_on(self.client.send_message(peer, text)).unwrap().id()
    }

    fn edit(&mut self, user: UserId, id: i32, text: &str) {
        let peer = self.peer(user);
        self.runtime.block_on(self.client.edit_message(peer, id, text)).unwrap();
    }

    fn delete(&mut self, user: UserId, id: i32) {
        let peer = self.peer(user);
        self.runtime.block_on(self.client.delete_messages(peer, &[id])).unwrap();
    }

    fn forward(&mut self, user: UserId, id: i32, to: UserId) -> i32 {
        let (from, to) = (self.peer(user), self.peer(to));
        let passed = self.runtime.block_on(Box::pin(self.client.forward_messages(to, &[id], from))).unwrap();
        passed[0].as_ref().unwrap().id()
    }

    fn upload(&mut self, user: UserId, path: &Path) -> i32 {
        let peer = self.peer(user);
        let bytes = std::fs::read(path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        self.runtime.block_on(async {
            let size = bytes.len();
            let uploaded = self.client.upload_stream(&mut bytes.as_slice(), size, name).await.unwrap();
            let message = InputMessage::new().text("see the file").document(uploaded);
            Box::pin(self.client.send_message(peer, message)).await.unwrap().id()
        })
    }

    fn download(&mut self, user: UserId, id: i32, path: &Path) {
        let peer = self.peer(user);
        let bytes = self.runtime.block_on(async {
            let messages = self.client.get_messages_by_id(peer, &[id]).await.unwrap();
            let media = messages[0].as_ref().unwrap().media().unwrap();
            let (mut parts, mut bytes) = (self.client.iter_download(&media), Vec::new());
            while let Some(part) = parts.next().await.unwrap() {
                bytes.extend(part);
            }
            bytes
        });
        std::fs::write(path, bytes).unwrap();
    }

    fn read(&mut self, user: UserId) {
        let peer = self.peer(user);
        self.runtime.block_on(self.client.mark_as_read(peer)).unwrap();
    }
}
