//! The session that the library works with while an account is open: memory is the truth.
//!
//! It keeps the keys and addresses of the data centres. Update state and access hashes have their own place
//! ([`crate::updates`], [`crate::peers`]) and travel in the batches that produced them; what the library writes of
//! them here serves only itself.

use std::{
    collections::HashMap,
    fmt,
    net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6},
    sync::{Mutex, MutexGuard, PoisonError},
};

use grammers_session::{
    BoxFuture, Session,
    types::{ChannelState, DcOption, PeerId, PeerInfo, UpdateState, UpdatesState},
};
use tokio_util::sync::CancellationToken;

use super::{Key, SessionSecret};
use crate::centres::DataCentres;

/// Keys and addresses of an open account.
pub(crate) struct MemorySession {
    inner: Mutex<Inner>,
    /// Cancelled when the home data centre no longer knows the key.
    key_lost: CancellationToken,
}

struct Inner {
    home: i32,
    options: HashMap<i32, DcOption>,
    peers: HashMap<PeerId, PeerInfo>,
    state: UpdatesState,
    /// Set outside a sign-in: the home data centre's key may not change.
    guarded: bool,
}

/// The library asked for something that would lose the account's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server no longer knows this session's key")]
pub(crate) struct KeyReplaced;

impl MemorySession {
    /// Restores an account. Its key is guarded from here on.
    pub(crate) fn restore(secret: &SessionSecret, centres: &DataCentres) -> Self {
        let mut inner = Inner::new(secret.dc(), centres, true);
        if let Some(option) = inner.options.get_mut(&secret.dc()) {
            if let Some(address) = secret.address() {
                place(option, address);
            }
            option.auth_key = Some(*secret.key().bytes());
        }
        Self { inner: Mutex::new(inner), key_lost: CancellationToken::new() }
    }

    /// Begins a sign-in at a data centre. Its key may change until somebody has signed in.
    pub(crate) fn fresh(home: i32, centres: &DataCentres) -> Self {
        Self { inner: Mutex::new(Inner::new(home, centres, false)), key_lost: CancellationToken::new() }
    }

    /// Takes what a sign-in has made, once it is signed in.
    pub(crate) fn to_secret(&self) -> Option<SessionSecret> {
        let inner = self.lock();
        let key = Key::read(inner.options.get(&inner.home)?.auth_key.as_ref()?)?;
        Some(SessionSecret::new(inner.home, None, key))
    }

    /// Whether connections go over IPv6.
    pub(crate) fn uses_ipv6(&self) -> bool {
        let inner = self.lock();
        inner.options.get(&inner.home).is_some_and(|home| home.ipv4.port() == 0)
    }

    /// Is cancelled once the home data centre no longer knows the key.
    pub(crate) fn key_lost(&self) -> CancellationToken {
        self.key_lost.clone()
    }

    pub(crate) fn home(&self) -> i32 {
        self.lock().home
    }

    pub(crate) fn move_home(&self, dc: i32) {
        self.lock().home = dc;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn new(home: i32, centres: &DataCentres, guarded: bool) -> Self {
        Self { home, options: centres.options(), peers: HashMap::new(), state: UpdatesState::default(), guarded }
    }

    /// Keeps what the library learnt about a data centre, unless it would replace the key of a signed-in account.
    fn learn(&mut self, learnt: &DcOption) -> Result<(), KeyReplaced> {
        let known = self.options.get(&learnt.id).and_then(|option| option.auth_key);
        if self.guarded && learnt.id == self.home && known.is_some() && learnt.auth_key != known {
            return Err(KeyReplaced);
        }
        self.options.insert(learnt.id, learnt.clone());
        Ok(())
    }

    fn remember(&mut self, peer: PeerInfo) {
        match self.peers.get_mut(&peer.id()) {
            Some(known) => {
                known.extend_info(&peer);
            }
            None => {
                self.peers.insert(peer.id(), peer);
            }
        }
    }

    fn find(&self, peer: PeerId) -> Option<PeerInfo> {
        if peer == PeerId::self_user() {
            let is_self = |info: &&PeerInfo| matches!(info, PeerInfo::User { is_self: Some(true), .. });
            return self.peers.values().find(is_self).cloned();
        }
        self.peers.get(&peer).cloned()
    }

    /// A channel that has a state keeps it: the library's list of dialogs would jump over what was missed.
    fn advance(&mut self, update: UpdateState) {
        match update {
            UpdateState::All(state) => self.state = state,
            UpdateState::Primary { pts, date, seq } => {
                (self.state.pts, self.state.date, self.state.seq) = (pts, date, seq);
            }
            UpdateState::Secondary { qts } => self.state.qts = qts,
            UpdateState::Channel { id, pts } => {
                if !self.state.channels.iter().any(|channel| channel.id == id) {
                    self.state.channels.push(ChannelState { id, pts });
                }
            }
        }
    }
}

/// The library wants an address of each family; the one that was given is used, the other is marked as missing.
fn place(option: &mut DcOption, address: SocketAddr) {
    match address {
        SocketAddr::V4(address) => {
            option.ipv4 = address;
            option.ipv6 = SocketAddrV6::new(address.ip().to_ipv6_mapped(), address.port(), 0, 0);
        }
        SocketAddr::V6(address) => match address.ip().to_canonical() {
            IpAddr::V4(ip) => place(option, SocketAddrV4::new(ip, address.port()).into()),
            IpAddr::V6(_) => {
                option.ipv4 = SocketAddrV4::new(std::net::Ipv4Addr::UNSPECIFIED, 0);
                option.ipv6 = address;
            }
        },
    }
}

/// A data centre at an address.
#[cfg(feature = "testing")]
pub(crate) fn option_at(id: i32, address: SocketAddr, key: Option<[u8; 256]>) -> DcOption {
    let mut option = DcOption {
        id,
        ipv4: SocketAddrV4::new(std::net::Ipv4Addr::UNSPECIFIED, 0),
        ipv6: SocketAddrV6::new(std::net::Ipv6Addr::UNSPECIFIED, 0, 0, 0),
        auth_key: key,
    };
    place(&mut option, address);
    option
}

impl Session for MemorySession {
    type Error = KeyReplaced;

    fn home_dc_id(&self) -> Result<i32, KeyReplaced> {
        Ok(self.home())
    }

    fn set_home_dc_id(&self, dc_id: i32) -> BoxFuture<'_, Result<(), KeyReplaced>> {
        self.move_home(dc_id);
        Box::pin(std::future::ready(Ok(())))
    }

    fn dc_option(&self, dc_id: i32) -> Result<Option<DcOption>, KeyReplaced> {
        Ok(self.lock().options.get(&dc_id).cloned())
    }

    fn set_dc_option(&self, dc_option: &DcOption) -> BoxFuture<'_, Result<(), KeyReplaced>> {
        let learnt = self.lock().learn(dc_option);
        if learnt.is_err() {
            self.key_lost.cancel();
        }
        Box::pin(std::future::ready(learnt))
    }

    fn peer(&self, peer: PeerId) -> BoxFuture<'_, Result<Option<PeerInfo>, KeyReplaced>> {
        let found = self.lock().find(peer);
        Box::pin(std::future::ready(Ok(found)))
    }

    fn cache_peer(&self, peer: PeerInfo) -> BoxFuture<'_, Result<(), KeyReplaced>> {
        self.lock().remember(peer);
        Box::pin(std::future::ready(Ok(())))
    }

    fn updates_state(&self) -> BoxFuture<'_, Result<UpdatesState, KeyReplaced>> {
        let state = self.lock().state.clone();
        Box::pin(std::future::ready(Ok(state)))
    }

    fn set_update_state(&self, update: UpdateState) -> BoxFuture<'_, Result<(), KeyReplaced>> {
        self.lock().advance(update);
        Box::pin(std::future::ready(Ok(())))
    }
}

impl fmt::Debug for MemorySession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySession").field("home", &self.home()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use grammers_session::types::PeerAuth;

    use super::*;

    fn secret(address: Option<&str>) -> SessionSecret {
        let address = address.map(|address| address.parse().unwrap());
        SessionSecret::new(2, address, Key::read(&[7; 256]).unwrap())
    }

    fn restored(address: Option<&str>) -> MemorySession {
        MemorySession::restore(&secret(address), &DataCentres::default())
    }

    #[tokio::test]
    async fn a_changed_key_is_refused_and_reported_and_the_old_one_stays() {
        let session = restored(None);
        let lost = session.key_lost();
        let mut option = session.dc_option(2).unwrap().unwrap();
        session.set_dc_option(&option).await.unwrap();
        assert!(!lost.is_cancelled());
        option.auth_key = Some([9; 256]);
        assert_eq!(session.set_dc_option(&option).await, Err(KeyReplaced));
        assert!(lost.is_cancelled());
        assert_eq!(session.dc_option(2).unwrap().unwrap().auth_key, Some([7; 256]));
        option.id = 4;
        session.set_dc_option(&option).await.unwrap();
    }

    #[tokio::test]
    async fn a_sign_in_may_change_the_key() {
        let session = MemorySession::fresh(2, &DataCentres::default());
        for key in [7, 9] {
            let mut option = session.dc_option(2).unwrap().unwrap();
            option.auth_key = Some([key; 256]);
            session.set_dc_option(&option).await.unwrap();
        }
        assert!(session.to_secret().is_some());
    }

    #[tokio::test]
    async fn the_account_itself_is_found_among_the_peers() {
        let session = restored(None);
        assert_eq!(session.peer(PeerId::self_user()).await.unwrap(), None);
        let me = PeerInfo::User { id: 5, auth: Some(PeerAuth::from_hash(6)), bot: Some(false), is_self: Some(true) };
        session.cache_peer(me.clone()).await.unwrap();
        assert_eq!(session.peer(PeerId::self_user()).await.unwrap(), Some(me));
    }

    #[tokio::test]
    async fn a_known_channel_keeps_its_state() {
        let session = restored(None);
        for pts in [10, 99] {
            session.set_update_state(UpdateState::Channel { id: 5, pts }).await.unwrap();
        }
        assert_eq!(session.updates_state().await.unwrap().channels, [ChannelState { id: 5, pts: 10 }]);
    }

    #[test]
    fn the_address_inside_a_session_is_honoured() {
        let four = restored(Some("127.0.0.1:4430"));
        assert_eq!(four.dc_option(2).unwrap().unwrap().ipv4.to_string(), "127.0.0.1:4430");
        assert!(!four.uses_ipv6());
        let six = restored(Some("[::1]:4430"));
        assert_eq!(six.dc_option(2).unwrap().unwrap().ipv6.to_string(), "[::1]:4430");
        assert!(six.uses_ipv6());
        assert!(!restored(None).uses_ipv6());
    }
}
