//! Programs beside each other on one database: each an engine over a store of its own, whose listener notes when it
//! is connected.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use skrynka_core::{
    clock::{Clock, SystemClock},
    connector::{Connector, ConnectorError, Halves, IncomingSender, Listener, Remote, Resume},
    engine::{Backoff, Engine, EngineParts, LeaseTerms, MailTerms, Presence},
    model::{Account, AccountState, Channel},
    secrets::Secrets,
    store::Store,
};
use tokio_util::sync::CancellationToken;

use crate::common::Bureau;

/// What all programs' connectors share: who is connected, and how many were at once at most.
#[derive(Default)]
pub struct Wire {
    pub connected: AtomicU32,
    pub most: AtomicU32,
    pub opened: AtomicU32,
}

struct Connected(Arc<Wire>);

impl Connected {
    fn new(wire: Arc<Wire>) -> Self {
        let now = wire.connected.fetch_add(1, Ordering::SeqCst) + 1;
        wire.most.fetch_max(now, Ordering::SeqCst);
        wire.opened.fetch_add(1, Ordering::SeqCst);
        Self(wire)
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.connected.fetch_sub(1, Ordering::SeqCst);
    }
}

pub struct Connecting {
    pub wire: Arc<Wire>,
    pub remote: Arc<dyn Remote>,
}

struct Listening(Connected);

pub struct NoRemote;
impl Remote for NoRemote {}

impl Connector for Connecting {
    fn open(
        &self,
        _: &Account,
        resume: Resume,
        _: Secrets,
        _: CancellationToken,
    ) -> BoxFuture<'_, Result<Halves, ConnectorError>> {
        assert!(resume.permit.holds(), "no connection without the lease");
        let listener: Box<dyn Listener> = Box::new(Listening(Connected::new(self.wire.clone())));
        let remote = self.remote.clone();
        Box::pin(async move { Ok((listener, remote)) })
    }
}

impl Listener for Listening {
    fn run(
        self: Box<Self>,
        inbox: IncomingSender,
        stop: CancellationToken,
    ) -> BoxFuture<'static, Result<(), ConnectorError>> {
        Box::pin(async move {
            inbox.state(AccountState::Live);
            stop.cancelled().await;
            // The connection is closed only now.
            drop(self.0);
            Ok(())
        })
    }
}

pub struct Program {
    pub engine: Engine,
    pub store: Store,
}

/// Short terms, so that a test need not wait for minutes.
pub const TERMS: LeaseTerms = LeaseTerms {
    renew: Duration::from_millis(200),
    give_up: Duration::from_millis(700),
    valid: Duration::from_millis(1200),
    linger_mail: Duration::ZERO,
    linger_telegram: Duration::from_millis(800),
    look: Duration::from_millis(300),
};

pub struct Start<'a> {
    pub bureau: &'a Bureau,
    pub name: &'a str,
    pub wire: &'a Arc<Wire>,
    pub clock: Arc<dyn Clock>,
    pub remote: Arc<dyn Remote>,
    pub presence: Option<Presence>,
}

impl<'a> Start<'a> {
    pub fn new(bureau: &'a Bureau, name: &'a str, wire: &'a Arc<Wire>) -> Self {
        let clock = Arc::new(SystemClock);
        Self { bureau, name, wire, clock, remote: Arc::new(NoRemote), presence: None }
    }

    pub async fn run(self) -> Program {
        let store = self.bureau.another_store().await;
        let connector: Arc<dyn Connector> =
            Arc::new(Connecting { wire: self.wire.clone(), remote: self.remote.clone() });
        let brief = Duration::from_millis(20);
        let presence = self.presence.unwrap_or_else(|| Presence::unproved(self.name, SystemClock.now()));
        let engine = Engine::start(EngineParts {
            store: store.clone(),
            secrets: Arc::new(skrynka_core::secrets::memory::MemorySecrets::default()),
            connectors: HashMap::from([(Channel::Telegram, connector)]),
            clock: self.clock,
            backoff: Backoff { first: brief, cap: brief, database_cap: brief },
            presence: Arc::new(presence),
            terms: TERMS,
            mail: MailTerms::default(),
        })
        .await
        .unwrap();
        Program { engine, store }
    }
}

impl Program {
    /// Waits until the bureau's Telegram account is in a state.
    pub async fn until(&self, bureau: &Bureau, wanted: impl Fn(&AccountState) -> bool) -> AccountState {
        let mut changes = self.engine.watch_statuses();
        let wait = async {
            loop {
                let statuses = self.engine.statuses();
                let status = statuses.iter().find(|status| status.account == bureau.account);
                if let Some(status) = status.filter(|status| wanted(&status.state)) {
                    return status.state.clone();
                }
                changes.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.expect("the state is reached")
    }

    pub async fn until_live(&self, bureau: &Bureau) {
        self.until(bureau, |state| *state == AccountState::Live).await;
    }

    pub async fn until_elsewhere(&self, bureau: &Bureau) -> AccountState {
        self.until(bureau, |state| matches!(state, AccountState::Elsewhere { .. })).await
    }
}
