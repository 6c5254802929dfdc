//! The Telegram side of the core's traits.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use grammers_tl_types as tl;
use skrynka_core::{
    clock::Clock,
    connector::{Connector, ConnectorError, Halves, Resume},
    model::{Account, AccountId, TelegramSettings},
    secrets::{SecretKind, SecretName, Secrets},
};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::{
    centres::DataCentres,
    clocked::Clocked,
    error::{Result, TelegramError},
    listen::{Chats, Scope, TelegramListener},
    peers::{Book, user},
    pool::{Device, Pool, ProxyLogin, Watch, Way},
    remote::{Annex, TelegramRemote},
    session::{SessionSecret, memory::MemorySession},
    tuning::Tuning,
    waits::Waits,
};

/// Opens Telegram accounts. One serves all of them; it keeps nothing of an account but the waits that Telegram asked
/// for.
#[derive(Debug, Clone)]
pub struct TelegramConnector {
    pub(crate) clock: Clocked,
    pub(crate) device: Device,
    pub(crate) tuning: Tuning,
    pub(crate) centres: DataCentres,
    waits: Waits,
}

impl TelegramConnector {
    /// Makes a connector.
    pub fn new(clock: Arc<dyn Clock>, device: Device, tuning: Tuning) -> Self {
        let (centres, waits) = (DataCentres::default(), Waits::default());
        Self { clock: Clocked(clock), device, tuning, centres, waits }
    }

    /// Sends sign-ins, and sessions that name no address, to a test's data centres.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_data_centres(mut self, centres: DataCentres) -> Self {
        self.centres = centres;
        self
    }

    async fn open_account(
        &self,
        account: AccountId,
        (settings, added_at): (Option<TelegramSettings>, OffsetDateTime),
        resume: Resume,
        secrets: Secrets,
        stop: CancellationToken,
    ) -> Result<Halves> {
        let settings = settings.ok_or(TelegramError::NoSettings)?;
        let secret = secret_of(account, SecretKind::TelegramSession, &secrets).await?;
        let session = SessionSecret::from_secret(&secret.ok_or(TelegramError::NoSession)?)?;
        let proxy = match settings.proxy.clone() {
            Some(proxy) => {
                let password = secret_of(account, SecretKind::TelegramProxyPassword, &secrets).await?;
                Some(ProxyLogin { proxy, password })
            }
            None => None,
        };
        let way = Way {
            api_id: settings.api_id,
            device: self.device.clone(),
            proxy,
            tuning: self.tuning.clone(),
            permit: resume.permit.clone(),
        };
        tracing::info!(
            target: "skrynka::telegram",
            dc = session.dc(), proxy = way.proxy.is_some(),
            "Connecting"
        );
        let memory = Arc::new(MemorySession::restore(&session, &self.centres));
        let (pool, feed) = Pool::start(memory, &way).await?;
        let book = Arc::new(Book::restore(resume.peers.clone()));
        let checked = stop.run_until_cancelled(check_owner(&pool, &book, settings.user_id)).await;
        if let Err(error) = checked.unwrap_or(Err(TelegramError::GivenUp)) {
            pool.close().await;
            return Err(error);
        }
        tracing::info!(target: "skrynka::telegram", dc = session.dc(), "Signed in");
        let pool = Arc::new(pool);
        let (me, watch) = (user(settings.user_id), Arc::new(Watch::new()));
        let scope = Arc::new(Scope { settings: settings.clone(), book: book.clone() });
        let (clock, waits) = (self.clock.clone(), self.waits.clone());
        let remote = TelegramRemote {
            account,
            added_at,
            pool: pool.clone(),
            book: book.clone(),
            scope,
            waits: waits.clone(),
            me,
            clock: clock.clone(),
            watch: watch.clone(),
            annex: Annex::new(way, self.centres.clone()),
            salt: resume.salt.clone(),
        };
        let chats = Chats::restore(&resume);
        let ends = pool.ends();
        let listener = TelegramListener { account, pool, feed, book, chats, settings, me, clock, watch, waits, ends };
        Ok((Box::new(listener), Arc::new(remote)))
    }
}

/// Makes sure that the session is signed in, and as whom it was saved for.
async fn check_owner(pool: &Pool, book: &Book, expected: i64) -> Result<()> {
    let me = whoami(pool).await?;
    if me.id != expected {
        return Err(TelegramError::OtherAccount);
    }
    book.learn(&[me.into()], &[]);
    Ok(())
}

/// Asks whose session it is.
pub(crate) async fn whoami(pool: &Pool) -> Result<tl::types::User> {
    let request = tl::functions::users::GetUsers { id: vec![tl::enums::InputUser::UserSelf] };
    match pool.ask_patiently(&request, &|_| ()).await?.pop() {
        Some(tl::enums::User::User(me)) => Ok(me),
        Some(tl::enums::User::Empty(_)) | None => Err(TelegramError::Deactivated),
    }
}

impl Connector for TelegramConnector {
    fn open(
        &self,
        account: &Account,
        resume: Resume,
        secrets: Secrets,
        stop: CancellationToken,
    ) -> BoxFuture<'_, std::result::Result<Halves, ConnectorError>> {
        let (id, settings) = (account.id, (account.telegram.clone(), account.created_at));
        Box::pin(async move {
            let opened = Box::pin(self.open_account(id, settings, resume, secrets, stop)).await;
            opened.map_err(|error| {
                tracing::warn!(target: "skrynka::telegram", why = error.trouble().detail, "Cannot open the account");
                error.into_connector(self.clock.now())
            })
        })
    }
}

/// Fetches a secret of the account from the keyring or vault.
async fn secret_of(account: AccountId, kind: SecretKind, secrets: &Secrets) -> Result<Option<secrecy::SecretString>> {
    secrets.get(SecretName { kind, account }).await.map_err(TelegramError::Secrets)
}
