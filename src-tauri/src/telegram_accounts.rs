//! Adding, changing and signing in a Telegram account: the same way for the window and the command line.
//!
//! An account is saved once it has signed on, `getMe` matched, and its secrets were read back. What fails leaves
//! nothing behind: neither a row nor a secret.

use std::time::Duration;

use secrecy::SecretString;
use skrynka_core::{
    model::{Account, AccountId, Endpoint, Proxy, TakenChats, TelegramSettings, Trouble},
    secrets::{SecretKind, SecretName, Secrets, SecretsError},
    store::{StoreError, TelegramDraft},
};
use skrynka_telegram::{
    TelegramConnector, TelegramError,
    session::{SessionSecret, formats::FormatError},
    sign_in::{App, Finished, SignInError, SignedInUser, normal_phone},
};
use tokio_util::sync::CancellationToken;

use crate::{
    wire::{ErrorCode, SignInTrouble, WireError},
    wiring::Bureau,
};

/// Names are at most this long.
const NAME: usize = 200;
/// Hex digits of an API hash.
const HASH: usize = 32;
/// Telegram has so long to end a session.
const LOG_OUT: Duration = Duration::from_secs(10);
/// A listener lets go of a removed account within this.
const LET_GO: Duration = Duration::from_secs(5);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Why a Telegram account was not added or changed. Nothing was saved.
#[derive(Debug, thiserror::Error)]
pub enum TelegramAccountError {
    /// A field's value cannot be used.
    #[error("{field}: {why}")]
    Invalid {
        /// The field's name on the wire.
        field: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// What was pasted is not a session that can be used.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A step of the sign-in was not taken.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// Telegram could not be reached, or does not take the session.
    #[error("{}: {}", .0.code.as_str(), .0.detail)]
    Telegram(Trouble),
    /// The sign-in was cancelled, replaced or too long untouched.
    #[error("the sign-in is over; begin anew")]
    Over,
    /// The session is of another user or number than was said.
    #[error("the session belongs to another Telegram account than was said")]
    OtherUser,
    /// The same session is in use by an account that is there.
    #[error("this session is in use by an account that is there already")]
    InUse,
    /// The secrets could not be kept.
    #[error("the session could not be kept")]
    Secrets(#[from] SecretsError),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<TelegramError> for TelegramAccountError {
    fn from(error: TelegramError) -> Self {
        Self::SignIn(SignInError::from(error))
    }
}

type Result<T> = std::result::Result<T, TelegramAccountError>;

impl From<TelegramAccountError> for SignInTrouble {
    fn from(error: TelegramAccountError) -> Self {
        let detail = skrynka_core::chain(&error);
        let code = match error {
            TelegramAccountError::Invalid { .. } => ErrorCode::InvalidInput,
            TelegramAccountError::Format(error) => format_code(&error),
            TelegramAccountError::SignIn(error) => {
                let retry_after = if let SignInError::Flood { seconds } = &error { Some(*seconds) } else { None };
                return Self { code: sign_in_code(&error), detail, retry_after };
            }
            TelegramAccountError::Telegram(trouble) => trouble.code.into(),
            TelegramAccountError::Over => ErrorCode::SignInOver,
            TelegramAccountError::OtherUser => ErrorCode::OtherUser,
            TelegramAccountError::InUse => ErrorCode::AlreadyExists,
            TelegramAccountError::Secrets(_) => ErrorCode::Secrets,
            TelegramAccountError::Store(error) => return WireError::from(error).into(),
        };
        Self { code, detail, retry_after: None }
    }
}

impl From<TelegramAccountError> for WireError {
    fn from(error: TelegramAccountError) -> Self {
        SignInTrouble::from(error).into()
    }
}

fn sign_in_code(error: &SignInError) -> ErrorCode {
    match error {
        SignInError::PhoneInvalid => ErrorCode::PhoneInvalid,
        SignInError::SignUpRequired => ErrorCode::SignUpRequired,
        SignInError::PhoneBanned => ErrorCode::Banned,
        SignInError::ApiIdInvalid => ErrorCode::ApiIdInvalid,
        SignInError::ApiIdPublished => ErrorCode::ApiIdPublished,
        SignInError::WrongCode => ErrorCode::WrongCode,
        SignInError::ExpiredCode => ErrorCode::ExpiredCode,
        SignInError::CodeNotOffered => ErrorCode::CodeNotOffered,
        SignInError::WrongPassword => ErrorCode::WrongPassword,
        SignInError::PasswordNotSupported => ErrorCode::PasswordNotSupported,
        SignInError::ExpiredToken => ErrorCode::ExpiredQr,
        SignInError::Flood { .. } => ErrorCode::Limited,
        SignInError::TooManyAttempts => ErrorCode::TooManyAttempts,
        SignInError::OutOfOrder => ErrorCode::SignInOver,
        SignInError::Telegram(error) => error.trouble().code.into(),
        _ => ErrorCode::Internal,
    }
}

const fn format_code(error: &FormatError) -> ErrorCode {
    match error {
        FormatError::Empty => ErrorCode::SessionEmpty,
        FormatError::TooLong(_) => ErrorCode::SessionTooLong,
        FormatError::ByteOrderMark => ErrorCode::SessionByteOrderMark,
        FormatError::Quoted => ErrorCode::SessionQuoted,
        FormatError::Spaces => ErrorCode::SessionSpaces,
        FormatError::Doubled => ErrorCode::SessionDoubled,
        FormatError::Truncated => ErrorCode::SessionTruncated,
        FormatError::DataCentre(_) => ErrorCode::SessionDataCentre,
        FormatError::ZeroKey => ErrorCode::SessionNoKey,
        FormatError::Address => ErrorCode::SessionAddress,
        FormatError::Bot => ErrorCode::SessionBot,
        FormatError::TestServers => ErrorCode::SessionTestServers,
        FormatError::Unreadable(_) => ErrorCode::SessionFileUnreadable,
        FormatError::InUse => ErrorCode::SessionFileInUse,
        FormatError::Damaged => ErrorCode::SessionFileDamaged,
        FormatError::NotBase64 | FormatError::UnknownLayout | FormatError::ForeignFile => ErrorCode::SessionUnknown,
        _ => ErrorCode::SessionUnknown,
    }
}

const fn invalid(field: &'static str, why: &'static str) -> TelegramAccountError {
    TelegramAccountError::Invalid { field, why }
}

/// What signing in needs beside the session: what a person registered at my.telegram.org, and the way there.
#[derive(Clone)]
pub struct Access {
    /// The account that signs in again.
    pub account: Option<AccountId>,
    /// API ID, hash and proxy.
    pub app: App,
    /// The number that was said, in E.164: the session must be of it.
    pub phone: Option<String>,
}

/// What a person typed for [`Access`].
#[derive(Default)]
pub struct TypedAccess {
    /// The account that signs in again: what is missing is taken from it.
    pub account: Option<AccountId>,
    /// The API ID.
    pub api_id: Option<String>,
    /// The API hash.
    pub api_hash: Option<String>,
    /// A SOCKS5 proxy.
    pub proxy: Option<Proxy>,
    /// Its password.
    pub proxy_password: Option<SecretString>,
}

impl Access {
    /// Reads what a person typed.
    ///
    /// # Errors
    /// A value cannot be used, or is missing and not kept.
    pub async fn read(bureau: &Bureau, typed: TypedAccess) -> Result<Self> {
        let kept = match typed.account {
            Some(id) => Some(settings_of(bureau, id).await?.1),
            None => None,
        };
        let api_id = match (&typed.api_id, &kept) {
            (Some(text), _) => read_api_id(text)?,
            (None, Some(kept)) => kept.api_id,
            (None, None) => return Err(invalid("apiId", "missing")),
        };
        let api_hash = match (typed.api_hash, typed.account) {
            (Some(text), _) => read_api_hash(text)?,
            (None, Some(id)) => secret(&bureau.secrets, SecretKind::TelegramApiHash, id)
                .await?
                .ok_or_else(|| invalid("apiHash", "none is kept for this account; enter it again"))?,
            (None, None) => return Err(invalid("apiHash", "missing")),
        };
        let proxy = match (typed.proxy, &kept) {
            (Some(proxy), _) => {
                check_proxy_form(&proxy)?;
                Some((proxy, typed.proxy_password))
            }
            (None, Some(kept)) => kept.proxy.clone().map(|proxy| (proxy, None)),
            (None, None) => None,
        };
        let proxy = match (proxy, typed.account.zip(kept)) {
            (Some((proxy, None)), Some((id, kept))) => {
                let password = kept_proxy_password(bureau, id, &kept, &proxy).await?;
                Some((proxy, password))
            }
            (proxy, _) => proxy,
        };
        Ok(Self { account: typed.account, app: App { api_id, api_hash, proxy }, phone: None })
    }
}

/// Reads an API ID: a positive 32-bit integer.
///
/// # Errors
/// It is not one.
pub fn read_api_id(text: &str) -> Result<i32> {
    let digits = text.trim();
    if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit()) {
        return Err(invalid("apiId", "a whole number from 1 to 2147483647"));
    }
    digits
        .parse::<i32>()
        .ok()
        .filter(|id| *id > 0)
        .ok_or_else(|| invalid("apiId", "a whole number from 1 to 2147483647"))
}

/// Reads an API hash: 32 hex digits.
///
/// # Errors
/// It is not one.
pub fn read_api_hash(text: String) -> Result<SecretString> {
    let hash = SecretTrimmed::new(text);
    if hash.0.len() == HASH && hash.0.chars().all(|c| c.is_ascii_hexdigit()) {
        Ok(SecretString::from(hash.0.to_lowercase()))
    } else {
        Err(invalid("apiHash", "32 characters from 0 to 9 and a to f"))
    }
}

/// A typed secret without the white space around it; wiped when it is dropped.
struct SecretTrimmed(zeroize::Zeroizing<String>);

impl SecretTrimmed {
    fn new(text: String) -> Self {
        let text = zeroize::Zeroizing::new(text);
        Self(zeroize::Zeroizing::new(text.trim().to_owned()))
    }
}

/// Refuses a proxy that can be seen to be wrong.
///
/// # Errors
/// Its host or port cannot be used.
pub fn check_proxy_form(proxy: &Proxy) -> Result<()> {
    if proxy.server.to_string().parse::<Endpoint>().is_err() {
        return Err(invalid("proxyHost", "not a host name with a port from 1 to 65535"));
    }
    if proxy.user.as_ref().is_some_and(|user| user.is_empty() || user.len() > 255) {
        return Err(invalid("proxyUser", "1 to 255 bytes"));
    }
    Ok(())
}

/// What a person chooses for an account.
#[derive(Debug, Clone)]
pub struct Choices {
    /// What the bureau calls it.
    pub name: String,
    /// Its colour; `None` lets the program choose.
    pub color: Option<i16>,
    /// Which chats are taken beside those with people.
    pub takes: TakenChats,
    /// How many days of history.
    pub history_days: u16,
    /// Whether reading here marks read there.
    pub mark_read: bool,
    /// Files up to so many bytes are fetched as they come.
    pub file_limit: u64,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            name: String::new(),
            color: None,
            takes: TakenChats::default(),
            history_days: 30,
            mark_read: true,
            file_limit: 10 << 20,
        }
    }
}

impl Choices {
    /// Refuses what can be seen to be wrong.
    ///
    /// # Errors
    /// A value cannot be used.
    pub fn check(&self) -> Result<()> {
        if self.name.trim().is_empty() || self.name.chars().count() > NAME || self.name.contains('\0') {
            return Err(invalid("name", "1 to 200 characters"));
        }
        if self.color.is_some_and(|color| !(1..=8).contains(&color)) {
            return Err(invalid("color", "1 to 8"));
        }
        Ok(())
    }

    fn settings(&self, access: &Access, user: &SignedInUser) -> TelegramSettings {
        TelegramSettings {
            phone: user.phone.clone().or_else(|| access.phone.clone()).unwrap_or_default(),
            api_id: access.app.api_id,
            user_id: user.id,
            home_dc: u8::try_from(user.dc).unwrap_or(0),
            takes: self.takes,
            history_days: self.history_days,
            mark_read: self.mark_read,
            file_limit: self.file_limit,
            proxy: access.app.proxy.as_ref().map(|(proxy, _)| proxy.clone()),
        }
    }
}

/// Reads a phone number as people write it.
///
/// # Errors
/// It is not one.
pub fn read_phone(text: &str) -> Result<String> {
    Ok(normal_phone(text)?)
}

/// Signs on once with a session and tells whose it is. A session that an account here uses is refused unused: two
/// connections could destroy it.
///
/// # Errors
/// See [`TelegramAccountError`].
pub async fn check_session(bureau: &Bureau, session: &SessionSecret, access: &Access) -> Result<SignedInUser> {
    for account in bureau.store.accounts().await?.iter().filter(|account| account.telegram.is_some()) {
        if session_of(bureau, account.id).await?.is_some_and(|kept| kept.has_key_of(session)) {
            return Err(TelegramAccountError::InUse);
        }
    }
    Ok(bureau.telegram().check_session(session, &access.app).await?)
}

/// Refuses a user that is not the one who was meant, or who has an account here already.
///
/// # Errors
/// See [`TelegramAccountError`].
pub async fn check_user(bureau: &Bureau, access: &Access, user: &SignedInUser) -> Result<()> {
    if let (Some(said), Some(told)) = (&access.phone, &user.phone)
        && said != told
    {
        return Err(TelegramAccountError::OtherUser);
    }
    if let Some(id) = access.account {
        let (_, settings) = settings_of(bureau, id).await?;
        // Of an account that came over from the old CRM nobody knows the user yet.
        if settings.user_id == 0 {
            return nobody_else(bureau, id, user).await;
        }
        return if settings.user_id == user.id { Ok(()) } else { Err(TelegramAccountError::OtherUser) };
    }
    let accounts = bureau.store.accounts().await?;
    match accounts.into_iter().find(|account| account.telegram.as_ref().is_some_and(|t| t.user_id == user.id)) {
        Some(account) => Err(StoreError::AccountExists(account.name).into()),
        None => Ok(()),
    }
}

/// Refuses a user who has another account here.
async fn nobody_else(bureau: &Bureau, id: AccountId, user: &SignedInUser) -> Result<()> {
    let accounts = bureau.store.accounts().await?;
    let of_user = |account: &&Account| {
        account.id != id && account.telegram.as_ref().is_some_and(|telegram| telegram.user_id == user.id)
    };
    match accounts.iter().find(of_user) {
        Some(account) => Err(StoreError::AccountExists(account.name.clone()).into()),
        None => Ok(()),
    }
}

/// Signs on with the session of an account that came over from the old CRM, whose user nobody knows yet, and switches it
/// on. Nothing else may use the session at that time: it would be destroyed.
///
/// # Errors
/// See [`TelegramAccountError`]; the account stays as it was.
pub async fn take_up(bureau: &Bureau, id: AccountId) -> Result<()> {
    let (account, mut settings) = settings_of(bureau, id).await?;
    let (session, app) = kept_session(bureau, id).await?.ok_or(TelegramAccountError::Format(FormatError::Empty))?;
    if app.api_id == 0 {
        return Err(invalid("apiId", "missing"));
    }
    for other in bureau.store.accounts().await?.iter().filter(|other| other.id != id && other.telegram.is_some()) {
        if session_of(bureau, other.id).await?.is_some_and(|kept| kept.has_key_of(&session)) && other.enabled {
            return Err(TelegramAccountError::InUse);
        }
    }
    let user = bureau.telegram().check_session(&session, &app).await?;
    if settings.user_id != 0 && settings.user_id != user.id {
        return Err(TelegramAccountError::OtherUser);
    }
    nobody_else(bureau, id, &user).await?;
    settings.user_id = user.id;
    settings.home_dc = u8::try_from(user.dc).unwrap_or(settings.home_dc);
    if let Some(phone) = user.phone {
        settings.phone = phone;
    }
    bureau.store.update_telegram_account(id, &account.name, None, &settings).await?;
    bureau.store.set_account_enabled(id, true).await?;
    tracing::info!(target: "skrynka::app", account = %id, dc = user.dc, "Account of the old CRM taken up");
    Ok(())
}

/// Adds an account: signs on with its session, keeps the secrets and reads them back, then writes the account. One that
/// was removed and left its messages comes back with them. Cancelled before anything is kept, it adds nothing.
///
/// # Errors
/// See [`TelegramAccountError`]; nothing is left behind.
pub async fn add(
    bureau: &Bureau,
    choices: &Choices,
    access: &Access,
    finished: &Finished,
    stop: &CancellationToken,
) -> Result<Account> {
    choices.check()?;
    check_user(bureau, access, &finished.user).await?;
    let user = bureau.telegram().check_session(&finished.session, &access.app).await?;
    if user.id != finished.user.id {
        return Err(TelegramAccountError::OtherUser);
    }
    let removed = bureau.store.removed_telegram_account(user.id).await?;
    if stop.is_cancelled() {
        return Err(TelegramAccountError::Over);
    }
    let id = removed.unwrap_or_else(|| AccountId::new(bureau.clock.now()));
    let draft = TelegramDraft {
        id,
        name: choices.name.clone(),
        color: choices.color,
        telegram: choices.settings(access, &user),
    };
    let kept = keep(&bureau.secrets, id, access, &finished.session).await;
    let added = match kept {
        Ok(()) => bureau.store.add_telegram_account(&draft).await.map_err(TelegramAccountError::from),
        Err(error) => Err(error),
    };
    match added {
        Ok(account) => {
            tracing::info!(target: "skrynka::app", account = %id, dc = user.dc, "Account added");
            Ok(account)
        }
        Err(error) => {
            forget_secrets(&bureau.secrets, id).await;
            Err(error)
        }
    }
}

/// Gives an account that is there a new session of the same user. Returns the account, and its old session where that is
/// another one: nobody needs it any more, [`end_session`].
///
/// # Errors
/// See [`TelegramAccountError`]; the old session is kept.
pub async fn sign_in_again(
    bureau: &Bureau,
    access: &Access,
    finished: &Finished,
) -> Result<(AccountId, Option<SessionSecret>)> {
    let id = access.account.ok_or(TelegramAccountError::Over)?;
    check_user(bureau, access, &finished.user).await?;
    let (account, mut settings) = settings_of(bureau, id).await?;
    let user = bureau.telegram().check_session(&finished.session, &access.app).await?;
    if user.id != finished.user.id {
        return Err(TelegramAccountError::OtherUser);
    }
    settings.user_id = user.id;
    let before = Kept::read(&bureau.secrets, id).await?;
    let old = session_of(bureau, id).await?.filter(|old| !old.has_key_of(&finished.session));
    settings.api_id = access.app.api_id;
    settings.home_dc = u8::try_from(user.dc).unwrap_or(settings.home_dc);
    settings.proxy = access.app.proxy.as_ref().map(|(proxy, _)| proxy.clone());
    if let Some(phone) = user.phone {
        settings.phone = phone;
    }
    let kept = keep(&bureau.secrets, id, access, &finished.session).await;
    let written = match kept {
        Ok(()) => {
            let update = bureau.store.update_telegram_account(id, &account.name, None, &settings).await;
            update.map_err(TelegramAccountError::from)
        }
        Err(error) => Err(error),
    };
    if let Err(error) = written {
        before.restore(&bureau.secrets, id).await;
        return Err(error);
    }
    tracing::info!(target: "skrynka::app", account = %id, dc = user.dc, "Account signed in again");
    Ok((id, old))
}

/// Returns an account's session and the way to Telegram, as far as the keyring has them.
pub async fn kept_session(bureau: &Bureau, id: AccountId) -> Result<Option<(SessionSecret, App)>> {
    let Some(session) = session_of(bureau, id).await? else { return Ok(None) };
    let access = Access::read(bureau, TypedAccess { account: Some(id), ..TypedAccess::default() }).await?;
    Ok(Some((session, access.app)))
}

/// Ends a session that nobody needs any more. Without a connection it stays among the account's devices: the log says so.
pub async fn end_session(bureau: &Bureau, session: &SessionSecret, app: &App) {
    let ended = tokio::time::timeout(LOG_OUT, bureau.telegram().log_out(session, app)).await;
    let ended = match ended {
        Ok(ended) => ended.map_err(|error| error.trouble().detail),
        Err(_) => Err("no answer in time".to_owned()),
    };
    match ended {
        Ok(()) => tracing::info!(target: "skrynka::telegram", "Session ended"),
        Err(why) => {
            tracing::warn!(target: "skrynka::telegram", why, "Session not ended, still among the account's devices");
        }
    }
}

/// Waits until the listener of an account has let go of it, in this program or another; not for ever.
pub async fn let_go(bureau: &Bureau, id: AccountId) {
    for _ in 0..LET_GO.as_millis() / LOOK.as_millis() {
        match bureau.store.lease(id).await {
            Ok(Some(held)) if held.valid => tokio::time::sleep(LOOK).await,
            _ => return,
        }
    }
}

/// Changes an account's choices and proxy; a new proxy is tried first.
///
/// # Errors
/// See [`TelegramAccountError`]; the old settings and password are kept.
pub async fn update(
    bureau: &Bureau,
    id: AccountId,
    choices: &Choices,
    proxy: Option<Proxy>,
    password: Option<SecretString>,
) -> Result<()> {
    choices.check()?;
    let (_, mut settings) = settings_of(bureau, id).await?;
    let before = secret(&bureau.secrets, SecretKind::TelegramProxyPassword, id).await?;
    if let Some(proxy) = &proxy
        && (settings.proxy.as_ref() != Some(proxy) || password.is_some())
    {
        check_proxy_form(proxy)?;
        // The password of one proxy is never shown to another: what is kept is not used here.
        check_proxy(&bureau.telegram(), proxy.clone(), password.clone()).await?;
    }
    let name = SecretName { kind: SecretKind::TelegramProxyPassword, account: id };
    match (&proxy, password) {
        (Some(_), Some(password)) => bureau.secrets.set(name, password).await?,
        (Some(proxy), None) if settings.proxy.as_ref() == Some(proxy) => {}
        (_, _) => bureau.secrets.remove(name).await?,
    }
    settings.takes = choices.takes;
    settings.history_days = choices.history_days;
    settings.mark_read = choices.mark_read;
    settings.file_limit = choices.file_limit;
    settings.proxy = proxy;
    if let Err(error) = bureau.store.update_telegram_account(id, &choices.name, choices.color, &settings).await {
        if let Some(before) = before {
            bureau.secrets.set(name, before).await?;
        }
        return Err(error.into());
    }
    tracing::info!(target: "skrynka::app", account = %id, "Account changed");
    Ok(())
}

/// Connects through a proxy as far as Telegram's door.
///
/// # Errors
/// It does not answer, or refuses.
pub async fn check_proxy(telegram: &TelegramConnector, proxy: Proxy, password: Option<SecretString>) -> Result<()> {
    telegram.check_proxy(proxy, password).await.map_err(|error| TelegramAccountError::Telegram(error.trouble()))
}

/// Returns the password that is kept for an account's proxy, where `proxy` is that one: the password of one proxy is
/// never shown to another.
///
/// # Errors
/// The keyring is locked.
pub async fn kept_proxy_password(
    bureau: &Bureau,
    id: AccountId,
    settings: &TelegramSettings,
    proxy: &Proxy,
) -> Result<Option<SecretString>> {
    if settings.proxy.as_ref() != Some(proxy) {
        return Ok(None);
    }
    secret(&bureau.secrets, SecretKind::TelegramProxyPassword, id).await
}

/// Returns a Telegram account with its settings.
///
/// # Errors
/// There is no such account, or it is none of Telegram.
pub async fn settings_of(bureau: &Bureau, id: AccountId) -> Result<(Account, TelegramSettings)> {
    let account = bureau.store.account(id).await?;
    let settings = account.as_ref().and_then(|account| account.telegram.clone());
    Ok(account.zip(settings).ok_or(StoreError::NotFound("the Telegram account"))?)
}

/// Removes everything that the keyring holds for an account.
pub async fn forget_secrets(secrets: &Secrets, account: AccountId) {
    for kind in KINDS {
        if let Err(left) = secrets.remove(SecretName { kind, account }).await {
            tracing::warn!(
                target: "skrynka::app", account = %account, error = skrynka_core::chain(&left),
                "Secret of an account that is not there is still kept"
            );
        }
    }
}

const KINDS: [SecretKind; 3] =
    [SecretKind::TelegramSession, SecretKind::TelegramApiHash, SecretKind::TelegramProxyPassword];

/// The session that the keyring has for an account; one that cannot be read is none.
async fn session_of(bureau: &Bureau, account: AccountId) -> Result<Option<SessionSecret>> {
    let kept = secret(&bureau.secrets, SecretKind::TelegramSession, account).await?;
    Ok(kept.and_then(|kept| SessionSecret::from_secret(&kept).ok()))
}

async fn secret(secrets: &Secrets, kind: SecretKind, account: AccountId) -> Result<Option<SecretString>> {
    Ok(secrets.get(SecretName { kind, account }).await?)
}

async fn keep(secrets: &Secrets, account: AccountId, access: &Access, session: &SessionSecret) -> Result<()> {
    secrets.set(SecretName { kind: SecretKind::TelegramSession, account }, session.to_secret()).await?;
    secrets.set(SecretName { kind: SecretKind::TelegramApiHash, account }, access.app.api_hash.clone()).await?;
    let name = SecretName { kind: SecretKind::TelegramProxyPassword, account };
    match access.app.proxy.as_ref().and_then(|(_, password)| password.clone()) {
        Some(password) => secrets.set(name, password).await?,
        None => secrets.remove(name).await?,
    }
    Ok(())
}

/// What the keyring held for an account before a change.
struct Kept([Option<SecretString>; 3]);

impl Kept {
    async fn read(secrets: &Secrets, account: AccountId) -> Result<Self> {
        let mut kept = [const { None }; 3];
        for (kind, place) in KINDS.into_iter().zip(&mut kept) {
            *place = secret(secrets, kind, account).await?;
        }
        Ok(Self(kept))
    }

    async fn restore(self, secrets: &Secrets, account: AccountId) {
        for (kind, value) in KINDS.into_iter().zip(self.0) {
            let name = SecretName { kind, account };
            let restored = match value {
                Some(value) => secrets.set(name, value).await,
                None => secrets.remove(name).await,
            };
            if let Err(error) = restored {
                tracing::error!(
                    target: "skrynka::app", account = %account, error = skrynka_core::chain(&error),
                    "Old secret not put back"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_id_is_a_positive_32_bit_number() {
        for (text, id) in [("1", 1), (" 2147483647 ", i32::MAX), ("0012345", 12_345)] {
            assert_eq!(read_api_id(text).unwrap(), id);
        }
        for text in ["", "0", "-1", "+1", "2147483648", "99999999999999999999", "1.5", "abc", "1 2", "0x10"] {
            assert!(read_api_id(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_api_hash_has_32_hex_digits() {
        assert!(read_api_hash(" 0123456789ABCDEF0123456789abcdef\n".to_owned()).is_ok());
        for text in [
            "",
            "0123456789abcdef0123456789abcde",
            "0123456789abcdef0123456789abcdef0",
            "g123456789abcdef0123456789abcdef",
        ] {
            assert!(read_api_hash(text.to_owned()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_name_of_300_bytes_is_counted_in_characters() {
        let choices = |name: &str| Choices { name: name.to_owned(), ..Choices::default() };
        assert!(choices(&"ї".repeat(150)).check().is_ok());
        for name in ["", "  ", &"x".repeat(201), "a\0b"] {
            assert!(choices(name).check().is_err(), "{name:?}");
        }
    }
}
