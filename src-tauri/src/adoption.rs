//! Taking over the old web CRM: the same way for the window and the command line. The core brings rows; here the secrets
//! of its accounts move, and are tried.

pub mod under_way;

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
};

use secrecy::SecretString;
use skrynka_core::{
    adopt::{AdoptError, AdoptOptions, Adoption, OldMailbox, OldTelegram, Report},
    chain, fault,
    logbook::redact,
    model::{Account, AccountId},
    postgres::{ConnectOptions, ServerUrl},
    profile::{Profile, ProfileError},
    secrets::{SecretKind, SecretName, Secrets, SecretsError, is_same},
    store::{OldSecret, closed_to_emptying, empty_old_secret},
};
use skrynka_telegram::session::SessionSecret;
use tokio_util::sync::CancellationToken;

use crate::{
    mailboxes::{self, Mailbox, MailboxError, Tried},
    telegram_accounts::{self, TelegramAccountError},
    wire::{ErrorCode, WireError},
    wiring::Bureau,
};

/// What a person says of the old system.
pub struct Source {
    /// Its database's address, without a password.
    pub from: ServerUrl,
    /// Its password.
    pub password: SecretString,
    /// The folder with its files.
    pub media: Option<PathBuf>,
    /// The address of a client's card there, with `{id}`.
    pub client_link: Option<String>,
}

impl Source {
    /// How its database is reached.
    pub fn connect_options(&self) -> ConnectOptions {
        redact::remember(&self.password);
        self.from.connect_options(&self.password)
    }

    /// Opens a snapshot of it.
    ///
    /// # Errors
    /// [`AdoptError`].
    pub async fn open(&self, bureau: &Bureau) -> Result<Adoption, AdoptError> {
        let options = AdoptOptions { media: self.media.clone(), client_link: self.client_link.clone() };
        Adoption::open(&self.connect_options(), bureau.store.clone(), bureau.clock.clone(), options).await
    }
}

/// What becomes of accounts one after another: it stops between two of them, and tells how far it is.
pub struct Walk<'a> {
    /// Cancelled where nothing further is to be begun.
    pub stop: &'a CancellationToken,
    /// Is told how many rows are done, and of how many, before one that takes its time.
    pub progress: &'a (dyn Fn(usize, usize) + Send + Sync),
}

/// What became of the accounts' secrets.
#[derive(Debug, Default)]
pub struct HandedOver {
    /// Of each row that was looked at, in the order of the old system's.
    pub accounts: Vec<Handover>,
    /// Rows that were not begun, since somebody stopped it.
    pub left: usize,
}

/// What became of an account's secrets.
#[derive(Debug, Clone)]
pub struct Handover {
    /// What the account is called in the old system.
    pub name: String,
    /// Its key there.
    pub old_id: String,
    /// The account here.
    pub account: AccountId,
    /// What it is.
    pub is_mailbox: bool,
    /// Where it stands.
    pub state: HandoverState,
    /// Secrets of its row that are emptied by now.
    pub emptied: u32,
}

/// Where an account stands between the two systems.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandoverState {
    /// Its secret is kept here and not tried; the account is switched off.
    Kept,
    /// Its secret is kept and works; the account is switched on.
    Live,
    /// Its secret cannot be used, or does not work; the account is switched off.
    Refused(WireError),
    /// Another row holds the same session; only one of them can be used.
    SameSession(String),
}

impl HandoverState {
    /// Its word for programs.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Live => "live",
            Self::Refused(_) => "refused",
            Self::SameSession(_) => "same_session",
        }
    }

    /// Why it cannot be used.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Kept | Self::Live => None,
            Self::Refused(why) => Some(&why.detail),
            Self::SameSession(why) => Some(why),
        }
    }
}

/// Keeps the secrets of the old system's accounts in the keyring, each checked by its structure and read back. Those that
/// are kept already stay. With `listeners_stopped`, once nothing else uses them, each is tried and its account switched on
/// where the old system used it. One that is switched on already is not tried: its listener may be using the session.
///
/// `earlier` is what a run that was stopped found: its accounts are not tried again, and this goes on behind them.
///
/// # Errors
/// [`AdoptError::Store`]: which accounts are switched on cannot be read, and nothing is done.
pub async fn hand_over(
    bureau: &Bureau,
    adoption: &Adoption,
    listeners_stopped: bool,
    earlier: &[Handover],
    walk: &Walk<'_>,
) -> Result<HandedOver, AdoptError> {
    // Without it a session in use could be used a second time.
    let accounts = bureau.store.accounts().await.map_err(AdoptError::Store)?;
    let working: HashSet<AccountId> =
        accounts.into_iter().filter(|account| account.enabled).map(|account| account.id).collect();
    // One that works by now stands where it stands, whatever was found earlier.
    let earlier: HashMap<(bool, &str), &Handover> = earlier
        .iter()
        .filter(|one| !working.contains(&one.account))
        .map(|one| ((one.is_mailbox, one.old_id.as_str()), one))
        .collect();
    let total = adoption.telegram_accounts().len() + adoption.mailboxes().len();
    let mut done: Vec<Handover> = Vec::new();
    let mut met: Vec<(SessionSecret, String)> = Vec::new();
    for old in adoption.telegram_accounts() {
        if walk.stop.is_cancelled() {
            break;
        }
        if let Some(found) = earlier.get(&(false, old.old_id.as_str())) {
            let session = old.session.as_ref().and_then(|text| SessionSecret::from_foreign(text).ok());
            met.extend(session.map(|session| (session, old.name.clone())));
            done.push((*found).clone());
            continue;
        }
        let again = again(&done, old.account);
        let is_live = working.contains(&old.account) || again == Some(true);
        let mut state = keep_telegram(bureau, old, &mut met, (is_live, again == Some(false))).await;
        fault::point("secret_kept");
        if listeners_stopped && old.active && state == HandoverState::Kept {
            (walk.progress)(done.len(), total);
            state = match Box::pin(telegram_accounts::take_up(bureau, old.account)).await {
                Ok(()) => HandoverState::Live,
                Err(error) => {
                    let detail = chain(&error);
                    HandoverState::Refused(WireError { detail, ..WireError::from(error) })
                }
            };
            fault::point("secret_tried");
        }
        done.push(handover(&old.name, &old.old_id, old.account, false, state));
    }
    for old in adoption.mailboxes() {
        if walk.stop.is_cancelled() {
            break;
        }
        if let Some(found) = earlier.get(&(true, old.old_id.as_str())) {
            done.push((*found).clone());
            continue;
        }
        let again = again(&done, old.account);
        let is_live = working.contains(&old.account) || again == Some(true);
        let others = adoption.mailboxes().iter().filter(|other| other.account == old.account);
        let tried: Vec<&SecretString> = match again {
            Some(false) => others.filter_map(|other| other.password.as_ref()).collect(),
            Some(true) | None => Vec::new(),
        };
        let mut state = keep_mailbox(&bureau.secrets, old, is_live, &tried).await;
        fault::point("secret_kept");
        if listeners_stopped && old.active && state == HandoverState::Kept {
            (walk.progress)(done.len(), total);
            state = match take_up_mailbox(bureau, old).await {
                Ok(()) => HandoverState::Live,
                Err(why) => HandoverState::Refused(why),
            };
            fault::point("secret_tried");
        }
        done.push(handover(&old.address, &old.old_id, old.account, true, state));
    }
    Ok(HandedOver { left: total - done.len(), accounts: done })
}

/// Whether an earlier row of the same account has made it work; `None`: there is none that was tried.
fn again(done: &[Handover], account: AccountId) -> Option<bool> {
    let of_account = || done.iter().filter(|one| one.account == account);
    let works = of_account().any(|one| one.state == HandoverState::Live);
    (works || of_account().any(|one| matches!(one.state, HandoverState::Refused(_)))).then_some(works)
}

fn handover(name: &str, old_id: &str, account: AccountId, is_mailbox: bool, state: HandoverState) -> Handover {
    if let Some(why) = state.why() {
        tracing::warn!(target: "skrynka::app", account = %account, why, "Secret of an old account not usable");
    }
    Handover { name: name.to_owned(), old_id: old_id.to_owned(), account, is_mailbox, state, emptied: 0 }
}

async fn keep_telegram(
    bureau: &Bureau,
    old: &OldTelegram,
    met: &mut Vec<(SessionSecret, String)>,
    (is_live, anew): (bool, bool),
) -> HandoverState {
    let secrets = &bureau.secrets;
    let Some(text) = &old.session else {
        let why = || HandoverState::Refused(no_secret("there is no session; sign in anew"));
        return if is_live { HandoverState::Live } else { why() };
    };
    redact::remember(text);
    let session = match SessionSecret::from_foreign(text) {
        Ok(session) => session,
        Err(_) if is_live => return HandoverState::Live,
        Err(error) => {
            let detail = error.to_string();
            let code = WireError::from(TelegramAccountError::Format(error)).code;
            return HandoverState::Refused(WireError { code, detail });
        }
    };
    if let Some((_, name)) = met.iter().find(|(other, _)| other.has_key_of(&session)) {
        return HandoverState::SameSession(name.clone());
    }
    let kept = if is_live { Ok(()) } else { keep_session(secrets, old, &session, met, anew).await };
    met.push((session, old.name.clone()));
    match kept {
        Ok(()) if is_live => HandoverState::Live,
        Ok(()) => HandoverState::Kept,
        Err(why) => HandoverState::Refused(why),
    }
}

/// Keeps a session with its hash. `anew`: what an earlier row gave was tried in vain a moment ago, and gives way; what
/// somebody entered here stays.
async fn keep_session(
    secrets: &Secrets,
    old: &OldTelegram,
    session: &SessionSecret,
    met: &[(SessionSecret, String)],
    mut anew: bool,
) -> Result<(), WireError> {
    if anew {
        let name = SecretName { kind: SecretKind::TelegramSession, account: old.account };
        let kept = secrets.get(name).await.map_err(not_kept)?;
        let kept = kept.and_then(|kept| SessionSecret::from_secret(&kept).ok());
        anew = kept.is_some_and(|kept| met.iter().any(|(earlier, _)| earlier.has_key_of(&kept)));
    }
    let replaced = |_: &SecretString| anew;
    if let Some(hash) = &old.api_hash {
        keep(secrets, SecretKind::TelegramApiHash, old.account, hash, replaced).await?;
    }
    keep(secrets, SecretKind::TelegramSession, old.account, &session.to_secret(), replaced).await
}

/// `tried` are the passwords of rows of the same mailbox, none of which works.
async fn keep_mailbox(secrets: &Secrets, old: &OldMailbox, is_live: bool, tried: &[&SecretString]) -> HandoverState {
    if is_live {
        return HandoverState::Live;
    }
    let Some(password) = &old.password else {
        return HandoverState::Refused(no_secret("there is no password; enter it in the account"));
    };
    let replaced = |kept: &SecretString| tried.iter().any(|tried| is_same(kept, tried));
    match keep(secrets, SecretKind::MailPassword, old.account, password, replaced).await {
        Ok(()) => HandoverState::Kept,
        Err(why) => HandoverState::Refused(why),
    }
}

/// Keeps a secret unless the account has one that is not to be `replaced`: what somebody entered here is newer.
async fn keep(
    secrets: &Secrets,
    kind: SecretKind,
    account: AccountId,
    value: &SecretString,
    replaced: impl Fn(&SecretString) -> bool,
) -> Result<(), WireError> {
    redact::remember(value);
    let name = SecretName { kind, account };
    let kept = secrets.get(name).await.map_err(not_kept)?;
    if kept.is_some_and(|kept| !replaced(&kept)) {
        return Ok(());
    }
    secrets.set(name, value.clone()).await.map_err(not_kept)
}

fn not_kept(error: SecretsError) -> WireError {
    WireError { code: ErrorCode::Secrets, detail: chain(&error) }
}

fn no_secret(why: &str) -> WireError {
    WireError { code: ErrorCode::NoSecret, detail: why.to_owned() }
}

async fn take_up_mailbox(bureau: &Bureau, old: &OldMailbox) -> Result<(), WireError> {
    let gone = || WireError { code: ErrorCode::NotFound, detail: "the account is gone".to_owned() };
    let account: Account = bureau.store.account(old.account).await?.ok_or_else(gone)?;
    let Some(settings) = account.email else {
        let detail = "its server's name cannot be used; add the mailbox anew".to_owned();
        return Err(WireError { code: ErrorCode::Settings, detail });
    };
    let mailbox = Mailbox { name: account.name, color: None, settings };
    let why = |error: MailboxError| {
        let detail = chain(&error);
        WireError { detail, ..WireError::from(error) }
    };
    let mut tried = Tried::of(bureau, Some(old.account), mailbox.settings.auth, None).await.map_err(why)?;
    mailboxes::test(&mailbox, &mut tried.credential, bureau.clock.now(), &mut |_| {}).await.map_err(why)?;
    tried.keep(bureau).await.map_err(why)?;
    Ok(bureau.store.set_account_enabled(old.account, true).await?)
}

/// Empties the secrets of accounts that are live here in the old system's tables, row by row: each only if what is kept
/// here is the same, and if it still is the one that was taken. So are those of further rows with the same session. Notes
/// in `done` how many.
///
/// # Errors
/// [`AdoptError`]: the role may not write there, or somebody stopped it. What is emptied stays so.
pub async fn empty_old(
    bureau: &Bureau,
    source: &Source,
    adoption: &Adoption,
    done: &mut [Handover],
    walk: &Walk<'_>,
) -> Result<(), AdoptError> {
    let mut connection = source.connect_options().connect().await?;
    let schema = adoption.schema();
    let closed = closed_to_emptying(&mut connection, schema).await.map_err(AdoptError::Emptying)?;
    if !closed.is_empty() {
        return Err(AdoptError::NotEmptied(closed.join(", ")));
    }
    let live: Vec<AccountId> =
        done.iter().filter(|one| one.state == HandoverState::Live).map(|one| one.account).collect();
    let mut sessions: Vec<(SessionSecret, AccountId)> = Vec::new();
    for account in &live {
        if let Some(kept) = kept(bureau, SecretKind::TelegramSession, *account).await
            && let Ok(session) = SessionSecret::from_secret(&kept)
        {
            sessions.push((session, *account));
        }
    }
    let total = done.len();
    for (number, one) in done.iter_mut().enumerate() {
        if walk.stop.is_cancelled() {
            return Err(AdoptError::Stopped);
        }
        let mut values: Vec<(OldSecret, &SecretString)> = Vec::new();
        for old in adoption.telegram_accounts().iter().filter(|old| !one.is_mailbox && old.old_id == one.old_id) {
            // The account that holds this very session, whichever row it came from.
            let session = old.session.as_ref().and_then(|text| SessionSecret::from_foreign(text).ok());
            let holder = session.and_then(|session| {
                sessions.iter().find(|(kept, _)| kept.has_key_of(&session)).map(|(_, account)| *account)
            });
            if holder.is_some() {
                values.extend(old.session.iter().map(|value| (OldSecret::Session, value)));
            }
            let account = holder.or_else(|| live.contains(&old.account).then_some(old.account));
            if let (Some(account), Some(hash), true) = (account, &old.api_hash, old.own_hash)
                && is_kept(bureau, SecretKind::TelegramApiHash, account, hash).await
            {
                values.push((OldSecret::ApiHash, hash));
            }
        }
        for old in adoption.mailboxes().iter().filter(|old| one.is_mailbox && old.old_id == one.old_id) {
            if let Some(password) = old.password.as_ref().filter(|_| live.contains(&old.account))
                && is_kept(bureau, SecretKind::MailPassword, old.account, password).await
            {
                values.push((OldSecret::Password, password));
            }
        }
        if !values.is_empty() {
            (walk.progress)(number, total);
        }
        for (which, value) in values {
            let emptied = empty_old_secret(&mut connection, schema, which, &one.old_id, value).await;
            if emptied.map_err(AdoptError::Emptying)? {
                one.emptied += 1;
                fault::point("secret_emptied");
            }
        }
        if one.emptied > 0 {
            tracing::info!(target: "skrynka::app", account = %one.account, secrets = one.emptied, "Old secrets emptied");
        }
    }
    Ok(())
}

/// What the keyring holds; nothing where it is locked.
async fn kept(bureau: &Bureau, kind: SecretKind, account: AccountId) -> Option<SecretString> {
    match bureau.secrets.get(SecretName { kind, account }).await {
        Ok(kept) => kept,
        Err(error) => {
            tracing::warn!(
                target: "skrynka::app", account = %account, error = chain(&error), "Secret not read, the old one stays"
            );
            None
        }
    }
}

/// Whether the keyring holds this very secret.
async fn is_kept(bureau: &Bureau, kind: SecretKind, account: AccountId, value: &SecretString) -> bool {
    kept(bureau, kind, account).await.is_some_and(|kept| is_same(&kept, value))
}

/// Adds the names of the old system's people to those to whom a conversation can be given.
///
/// # Errors
/// The settings cannot be written.
pub fn add_colleagues(profile: &Profile, names: &[String]) -> Result<(), ProfileError> {
    let new: Vec<String> = {
        let known = profile.settings()?.managers;
        names.iter().filter(|name| !known.contains(name)).cloned().collect()
    };
    if !new.is_empty() {
        profile.change_settings(|settings| settings.managers.extend(new))?;
    }
    Ok(())
}

/// Counts those of the old system's people as known to whom a conversation can be given already.
///
/// # Errors
/// The settings cannot be read.
pub fn know_colleagues(profile: &Profile, report: &mut Report) -> Result<(), ProfileError> {
    report.know_colleagues(&profile.settings()?.managers);
    Ok(())
}

/// What is still to be done by a person once secrets have moved.
pub const AFTERWARDS: &str = "The old database, its backups, its WAL and its logs hold, or held, these sessions and \
    passwords in plain text, and emptying them there does not take them out of the others. Where the table of its Telegram \
    accounts was repaired, so does the copy beside it, telegram_accounts_before: drop that table. To be sure, change each \
    mailbox's password, and sign in to each Telegram account anew; then end the old session in Telegram under Settings > \
    Devices. Once its secrets are emptied, the old application can neither send nor receive.";
