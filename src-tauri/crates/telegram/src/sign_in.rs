//! Signing in: by phone, code and two-step password; by a QR code that a phone scans; or with a session that another
//! program made. Nothing is saved here.

mod code;
mod error;
mod own;
mod password;
mod qr;

use std::sync::Arc;

use grammers_tl_types as tl;
use secrecy::SecretString;
use skrynka_core::{connector::Permit, model::Proxy};

use self::password::PasswordWanted;
pub use self::{
    code::{CodeSent, CodeWay, normal_phone},
    error::SignInError,
    qr::{QrCode, Scan},
};
use crate::{
    connector::{TelegramConnector, whoami},
    error::TelegramError,
    peers::e164,
    pool::{Feed, Pool, ProxyLogin, Way},
    session::{SessionSecret, memory::MemorySession},
};

/// A result of a sign-in.
pub(crate) type Result<T> = std::result::Result<T, SignInError>;

/// The data centre that a sign-in begins at; Telegram names the right one.
const FIRST_DC: i32 = 2;

/// What a person registers at my.telegram.org, and the way to Telegram.
#[derive(Clone)]
pub struct App {
    /// The API ID, positive.
    pub api_id: i32,
    /// Its hash.
    pub api_hash: SecretString,
    /// A SOCKS5 proxy, with its password.
    pub proxy: Option<(Proxy, Option<SecretString>)>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("api_id", &self.api_id).finish_non_exhaustive()
    }
}

/// Whose session it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedInUser {
    /// The user's id.
    pub id: i64,
    /// First and last name.
    pub name: String,
    /// Without `@`.
    pub username: Option<String>,
    /// In E.164, where Telegram tells it.
    pub phone: Option<String>,
    /// The home data centre.
    pub dc: i32,
}

/// A session that has signed in, and as whom. It is to be kept, or ended with [`TelegramConnector::log_out`].
#[derive(Debug)]
pub struct Finished {
    /// What the keyring is to keep.
    pub session: SessionSecret,
    /// Whose it is.
    pub user: SignedInUser,
}

/// What follows a step.
#[derive(Debug)]
pub enum Step {
    /// The account is signed in.
    Done(Box<Finished>),
    /// The account has a two-step password.
    Password {
        /// What its owner wrote to remember it by.
        hint: Option<String>,
    },
}

/// A sign-in under way, with a connection of its own. Dropping it ends it.
pub struct SignIn {
    app: App,
    pool: Pool,
    feed: Feed,
    code: Option<code::Sent>,
    password: Option<PasswordWanted>,
    clock: crate::clocked::Clocked,
}

impl TelegramConnector {
    /// Begins a sign-in.
    ///
    /// # Errors
    /// The proxy cannot be used. Nothing is sent to Telegram yet.
    pub async fn sign_in(&self, app: App) -> Result<SignIn> {
        self.sign_in_at(app, FIRST_DC).await
    }

    async fn sign_in_at(&self, app: App, dc: i32) -> Result<SignIn> {
        let session = Arc::new(MemorySession::fresh(dc, &self.centres));
        let (pool, feed) = Pool::start(session, &self.way(&app)).await?;
        Ok(SignIn { app, pool, feed, code: None, password: None, clock: self.clock.clone() })
    }

    /// Signs on once with a session and tells whose it is.
    ///
    /// # Errors
    /// Telegram cannot be reached, or does not take the session.
    pub async fn check_session(
        &self,
        session: &SessionSecret,
        app: &App,
    ) -> std::result::Result<SignedInUser, TelegramError> {
        let pool = self.restored(session, app).await?;
        let user = whoami(&pool).await;
        pool.close().await;
        Ok(described(&user?, session.dc()))
    }

    /// Ends a session for good.
    ///
    /// # Errors
    /// Telegram cannot be reached, or does not take the session.
    pub async fn log_out(&self, session: &SessionSecret, app: &App) -> std::result::Result<(), TelegramError> {
        let pool = self.restored(session, app).await?;
        let ended = pool.ask(&tl::functions::auth::LogOut {}).await;
        pool.close().await;
        ended.map(|_| ())
    }

    /// Connects through a proxy as far as Telegram's door.
    ///
    /// # Errors
    /// The proxy does not answer, or refuses.
    pub async fn check_proxy(
        &self,
        proxy: Proxy,
        password: Option<SecretString>,
    ) -> std::result::Result<(), TelegramError> {
        let target = self.centres.options().remove(&FIRST_DC).map(|option| option.ipv4.into());
        let target = target.ok_or(TelegramError::Internal("no data centre is known"))?;
        ProxyLogin { proxy, password }.check(target, self.tuning.request).await
    }

    async fn restored(&self, session: &SessionSecret, app: &App) -> std::result::Result<Pool, TelegramError> {
        let memory = Arc::new(MemorySession::restore(session, &self.centres));
        let (pool, _unasked) = Pool::start(memory, &self.way(app)).await?;
        Ok(pool)
    }

    fn way(&self, app: &App) -> Way {
        Way {
            api_id: app.api_id,
            device: self.device.clone(),
            proxy: app.proxy.clone().map(|(proxy, password)| ProxyLogin { proxy, password }),
            tuning: self.tuning.clone(),
            permit: Permit::always(),
        }
    }
}

impl SignIn {
    /// Goes on at the data centre that Telegram names.
    fn follow(&self, dc: i32) {
        tracing::info!(target: "skrynka::telegram", dc, "Sign-in goes on at another data centre");
        let session = self.pool.session();
        self.pool.hang_up(session.home());
        session.move_home(dc);
    }

    /// Takes the session that has signed in.
    async fn finish(&mut self, authorization: tl::enums::auth::Authorization) -> Result<Step> {
        let tl::enums::auth::Authorization::Authorization(authorization) = authorization else {
            return Err(SignInError::SignUpRequired);
        };
        let tl::enums::User::User(user) = authorization.user else {
            return Err(TelegramError::Protocol("the user is missing".to_owned()).into());
        };
        let session = self.pool.session().to_secret();
        let session = session.ok_or(TelegramError::Internal("the sign-in left no key"))?;
        self.pool.close().await;
        tracing::info!(target: "skrynka::telegram", dc = session.dc(), "Signed in");
        let user = described(&user, session.dc());
        Ok(Step::Done(Box::new(Finished { session, user })))
    }
}

fn described(user: &tl::types::User, dc: i32) -> SignedInUser {
    let names = [user.first_name.as_deref(), user.last_name.as_deref()];
    let names = names.into_iter().flatten().filter(|name| !name.is_empty()).collect::<Vec<_>>();
    SignedInUser {
        id: user.id,
        name: names.join(" "),
        username: user.username.clone(),
        phone: user.phone.as_deref().and_then(e164),
        dc,
    }
}
