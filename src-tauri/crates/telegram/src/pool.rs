//! The connections of one account, with a deadline on everything.
//!
//! The library has none: a data centre that accepts and says nothing would hold every request for ever, and while it
//! connects it hears nothing, not even that it should end. So its runner is a task of ours that can be dropped.

mod proxy;
mod watch;

use std::{
    io::ErrorKind,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use grammers_mtsender::{ConnectionParams, NoRetries, SenderPool, SenderPoolHandle};
use grammers_session::updates::UpdatesLike;
use grammers_tl_types::RemoteCall;
use skrynka_core::{connector::Permit, engine::Tasks};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) use self::{proxy::ProxyLogin, watch::Watch};
use crate::{
    error::{Result, TelegramError},
    session::memory::MemorySession,
    tuning::Tuning,
};

/// What the network says unasked.
pub(crate) type Feed = mpsc::Receiver<UpdatesLike>;

/// What Telegram's list of devices shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// The kind of device.
    pub model: String,
    /// The operating system.
    pub system: String,
    /// The program and its version.
    pub app: String,
    /// The language, as ISO 639-1 has it.
    pub language: String,
}

impl Default for Device {
    /// What does not change from one start to the next: a new name would look like a new device.
    fn default() -> Self {
        let system = match std::env::consts::OS {
            "linux" => "Linux",
            "macos" => "macOS",
            "windows" => "Windows",
            other => other,
        };
        Self {
            model: "Skrynka".to_owned(),
            system: system.to_owned(),
            app: concat!("Skrynka ", env!("CARGO_PKG_VERSION")).to_owned(),
            language: "uk".to_owned(),
        }
    }
}

/// What connections are made with.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) api_id: i32,
    pub(crate) device: Device,
    pub(crate) proxy: Option<ProxyLogin>,
    pub(crate) tuning: Tuning,
    pub(crate) permit: Permit,
}

/// Open connections. Dropping it ends them; [`Pool::close`] also waits until they are closed.
pub(crate) struct Pool {
    handle: SenderPoolHandle,
    session: Arc<MemorySession>,
    tuning: Tuning,
    permit: Permit,
    tasks: Tasks,
    /// Cancelled when the runner ends, for whatever reason.
    ended: CancellationToken,
    _ends: DropGuard,
    /// The next request makes a new connection, before which the lease has to be asked thoroughly.
    connecting: AtomicBool,
    is_proxied: bool,
}

impl Pool {
    /// Makes the pool. Connections are opened by the first request to a data centre.
    pub(crate) async fn start(session: Arc<MemorySession>, way: &Way) -> Result<(Self, Feed)> {
        let proxy_url = match &way.proxy {
            Some(proxy) => Some(proxy.url(way.tuning.request).await?),
            None => None,
        };
        let Device { model, system, app, language } = way.device.clone();
        let parameters = ConnectionParams {
            device_model: model,
            system_version: system,
            app_version: app,
            system_lang_code: language.clone(),
            lang_code: language,
            proxy_url,
            use_ipv6: session.uses_ipv6(),
            retry_policy: Box::new(NoRetries),
            updates_channel_capacity: way.tuning.queue,
            __non_exhaustive: (),
        };
        let SenderPool { runner, handle, updates } =
            SenderPool::with_configuration(session.clone(), way.api_id, parameters);
        let tasks = Tasks::default();
        let (ended, stopping) = (CancellationToken::new(), tasks.stopping());
        let guard = ended.clone().drop_guard();
        let ends = stopping.clone().drop_guard();
        tasks.spawn("telegram connections", async move {
            let _tells = guard;
            tokio::select! {
                () = Box::pin(runner.run()) => {}
                () = stopping.cancelled() => {}
            }
        });
        let (tuning, permit) = (way.tuning.clone(), way.permit.clone());
        let (connecting, is_proxied) = (AtomicBool::new(true), way.proxy.is_some());
        let handle = handle.thin;
        let pool = Self { handle, session, tuning, permit, tasks, ended, _ends: ends, connecting, is_proxied };
        Ok((pool, updates))
    }

    /// Asks the home data centre.
    pub(crate) async fn ask<R: RemoteCall>(&self, request: &R) -> Result<R::Return> {
        self.ask_within(self.session.home(), request, self.tuning.request).await
    }

    /// Asks a data centre, within a time.
    pub(crate) async fn ask_within<R: RemoteCall>(&self, dc: i32, request: &R, within: Duration) -> Result<R::Return> {
        self.permitted().await?;
        let answer = tokio::time::timeout(within, self.handle.invoke_in_dc(dc, request)).await;
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.judged(error.into())),
            Err(_) => Err(TelegramError::NoAnswer(within)),
        }
    }

    /// Asks again, some times, what the connection or Telegram's own trouble broke; waits where Telegram asks for a
    /// short wait and says so through `waiting`. For requests that change nothing.
    pub(crate) async fn ask_patiently<R: RemoteCall>(
        &self,
        request: &R,
        waiting: &(dyn Fn(Option<&TelegramError>) + Sync),
    ) -> Result<R::Return> {
        self.ask_again((self.session.home(), self.tuning.request), request, waiting).await
    }

    /// As [`Self::ask_patiently`], for one part of a file at a data centre: the same part again is the same file.
    pub(crate) async fn ask_for_part<R: RemoteCall>(&self, dc: i32, request: &R) -> Result<R::Return> {
        self.ask_again((dc, self.tuning.file_part), request, &|_| ()).await
    }

    async fn ask_again<R: RemoteCall>(
        &self,
        (dc, within): (i32, Duration),
        request: &R,
        waiting: &(dyn Fn(Option<&TelegramError>) + Sync),
    ) -> Result<R::Return> {
        let mut left = self.tuning.tries;
        loop {
            let error = match self.ask_within(dc, request, within).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let pause = match &error {
                TelegramError::Flood { seconds, .. } => {
                    let pause = Duration::from_secs((*seconds).into());
                    if pause > self.tuning.patience {
                        return Err(error);
                    }
                    pause + self.tuning.margin
                }
                other if left > 0 && (other.is_connection() || other.is_server_trouble()) => {
                    left -= 1;
                    self.tuning.again
                }
                _ => return Err(error),
            };
            waiting(Some(&error));
            tokio::time::sleep(pause).await;
            waiting(None);
        }
    }

    /// Breaks the connection to a data centre; the next request makes a new one.
    pub(crate) fn hang_up(&self, dc: i32) {
        // A runner that has ended has no connection left.
        let _was_running = self.handle.disconnect_from_dc(dc);
        self.connection_lost();
    }

    /// Notes that the next request makes a new connection.
    pub(crate) fn connection_lost(&self) {
        self.connecting.store(true, Ordering::Relaxed);
    }

    pub(crate) fn home(&self) -> i32 {
        self.session.home()
    }

    pub(crate) const fn session(&self) -> &Arc<MemorySession> {
        &self.session
    }

    pub(crate) const fn tuning(&self) -> &Tuning {
        &self.tuning
    }

    /// Is cancelled when the library's runner has ended, as after a panic.
    pub(crate) const fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// Ends every connection when it is dropped, whoever still holds the pool.
    pub(crate) fn ends(&self) -> DropGuard {
        self.tasks.stopping().drop_guard()
    }

    /// Ends every connection and waits until they are closed.
    pub(crate) async fn close(&self) {
        let _was_running = self.handle.quit();
        let closed = tokio::time::timeout(self.tuning.close, self.ended.cancelled()).await;
        if closed.is_err() {
            tracing::debug!(target: "skrynka::telegram", "Connections did not close in time");
        }
        self.tasks.shutdown(self.tuning.close).await;
    }

    /// The lease is asked before every request: without I/O, so that a computer that woke up sends nothing before it
    /// knows, and thoroughly where that is not certain.
    async fn permitted(&self) -> Result<()> {
        if self.permit.holds() && !self.connecting.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.permit.check().await.map_err(|error| TelegramError::NotPermitted(Box::new(error)))?;
        self.connecting.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Reads an error in the light of what else is known.
    fn judged(&self, error: TelegramError) -> TelegramError {
        if self.session.key_lost().is_cancelled() {
            return TelegramError::KeyUnknown;
        }
        match error {
            TelegramError::Broken if self.ended.is_cancelled() => TelegramError::Internal("the library stopped"),
            // The library reports all that a proxy says by this kind.
            TelegramError::Connection(error) if self.is_proxied && error.kind() == ErrorKind::ConnectionAborted => {
                TelegramError::Proxy(error.to_string())
            }
            other => other,
        }
    }
}
