//! Taking over the old web CRM: the same way for the window and the command line. The core brings rows; here the secrets
//! of its accounts move, and are tried.

pub mod under_way;

use std::{collections::HashSet, path::PathBuf};

use secrecy::SecretString;
use skrynka_core::{
    adopt::{AdoptError, AdoptOptions, Adoption, OldMailbox, OldTelegram},
    chain,
    logbook::redact,
    model::{Account, AccountId},
    postgres::{ConnectOptions, ServerUrl},
    profile::{Profile, ProfileError},
    secrets::{SecretKind, SecretName, Secrets},
    store::{OldSecret, empty_old_secret},
};
use skrynka_telegram::session::SessionSecret;

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

/// What became of an account's secrets.
#[derive(Debug)]
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
#[derive(Debug, PartialEq, Eq)]
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
/// are kept already stay. With `stopped`, once nothing else uses them, each is tried and its account switched on where the
/// old system used it.
pub async fn hand_over(bureau: &Bureau, adoption: &Adoption, stopped: bool) -> Vec<Handover> {
    let mut done = Vec::new();
    let mut met: Vec<(SessionSecret, String)> = Vec::new();
    let live: HashSet<AccountId> = match bureau.store.accounts().await {
        Ok(accounts) => accounts.into_iter().filter(|account| account.enabled).map(|account| account.id).collect(),
        Err(error) => {
            tracing::warn!(target: "skrynka::app", error = chain(&error), "Accounts not read");
            return done;
        }
    };
    for old in adoption.telegram_accounts() {
        let mut state = keep_telegram(bureau, old, &mut met).await;
        // It listens already: a session is not used a second time.
        if state == HandoverState::Kept && live.contains(&old.account) {
            state = HandoverState::Live;
        }
        if stopped && old.active && state == HandoverState::Kept {
            state = match Box::pin(telegram_accounts::take_up(bureau, old.account)).await {
                Ok(()) => HandoverState::Live,
                Err(error) => {
                    let detail = chain(&error);
                    HandoverState::Refused(WireError { detail, ..WireError::from(error) })
                }
            };
        }
        done.push(handover(&old.name, &old.old_id, old.account, false, state));
    }
    for old in adoption.mailboxes() {
        let mut state = keep_mailbox(&bureau.secrets, old).await;
        if state == HandoverState::Kept && live.contains(&old.account) {
            state = HandoverState::Live;
        }
        if stopped && old.active && state == HandoverState::Kept {
            state = match take_up_mailbox(bureau, old).await {
                Ok(()) => HandoverState::Live,
                Err(why) => HandoverState::Refused(why),
            };
        }
        done.push(handover(&old.address, &old.old_id, old.account, true, state));
    }
    done
}

fn handover(name: &str, old_id: &str, account: AccountId, is_mailbox: bool, state: HandoverState) -> Handover {
    if let Some(why) = state.why() {
        tracing::warn!(target: "skrynka::app", account = %account, why, "Secret of an old account not usable");
    }
    Handover { name: name.to_owned(), old_id: old_id.to_owned(), account, is_mailbox, state, emptied: 0 }
}

async fn keep_telegram(bureau: &Bureau, old: &OldTelegram, met: &mut Vec<(SessionSecret, String)>) -> HandoverState {
    let secrets = &bureau.secrets;
    if let Some(hash) = &old.api_hash
        && let Err(why) = keep(secrets, SecretKind::TelegramApiHash, old.account, hash).await
    {
        return HandoverState::Refused(why);
    }
    let Some(text) = &old.session else {
        return HandoverState::Refused(no_secret("there is no session; sign in anew"));
    };
    redact::remember(text);
    let session = match SessionSecret::from_foreign(text) {
        Ok(session) => session,
        Err(error) => {
            let detail = error.to_string();
            let code = WireError::from(TelegramAccountError::Format(error)).code;
            return HandoverState::Refused(WireError { code, detail });
        }
    };
    if let Some((_, name)) = met.iter().find(|(other, _)| other.has_key_of(&session)) {
        return HandoverState::SameSession(name.clone());
    }
    let kept = keep(secrets, SecretKind::TelegramSession, old.account, &session.to_secret()).await;
    met.push((session, old.name.clone()));
    match kept {
        Ok(()) => HandoverState::Kept,
        Err(why) => HandoverState::Refused(why),
    }
}

async fn keep_mailbox(secrets: &Secrets, old: &OldMailbox) -> HandoverState {
    let Some(password) = &old.password else {
        return HandoverState::Refused(no_secret("there is no password; enter it in the account"));
    };
    match keep(secrets, SecretKind::MailPassword, old.account, password).await {
        Ok(()) => HandoverState::Kept,
        Err(why) => HandoverState::Refused(why),
    }
}

/// Keeps a secret unless the account has one: what somebody entered here is newer.
async fn keep(secrets: &Secrets, kind: SecretKind, account: AccountId, value: &SecretString) -> Result<(), WireError> {
    redact::remember(value);
    let name = SecretName { kind, account };
    let of = |error| WireError { code: ErrorCode::Secrets, detail: chain(&error) };
    let kept = secrets.get(name).await.map_err(of)?;
    if kept.is_some() {
        return Ok(());
    }
    secrets.set(name, value.clone()).await.map_err(of)
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

/// Empties the secrets of accounts that are live here in the old system's tables, row by row, each only if it still is
/// the one that was taken. Notes in `done` how many.
///
/// # Errors
/// [`AdoptError`]: the role may not write there. What is emptied stays so.
pub async fn empty_old(source: &Source, adoption: &Adoption, done: &mut [Handover]) -> Result<(), AdoptError> {
    let mut connection = source.connect_options().connect().await?;
    let schema = adoption.schema();
    for one in done.iter_mut().filter(|one| one.state == HandoverState::Live) {
        let mut values: Vec<(OldSecret, &SecretString)> = Vec::new();
        for old in adoption.telegram_accounts().iter().filter(|old| !one.is_mailbox && old.old_id == one.old_id) {
            values.extend(old.session.iter().map(|value| (OldSecret::Session, value)));
            values.extend(old.api_hash.iter().filter(|_| old.own_hash).map(|value| (OldSecret::ApiHash, value)));
        }
        for old in adoption.mailboxes().iter().filter(|old| one.is_mailbox && old.old_id == one.old_id) {
            values.extend(old.password.iter().map(|value| (OldSecret::Password, value)));
        }
        for (which, value) in values {
            if empty_old_secret(&mut connection, schema, which, &one.old_id, value).await? {
                one.emptied += 1;
            }
        }
        tracing::info!(target: "skrynka::app", account = %one.account, secrets = one.emptied, "Old secrets emptied");
    }
    Ok(())
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

/// What is still to be done by a person once secrets have moved.
pub const AFTERWARDS: &str = "Backups of the old database, its WAL and its logs still hold the sessions and passwords that \
    stood in it. Change the mailboxes' passwords, and sign in to Telegram anew and end the old session under Settings > \
    Devices. Once the secrets are emptied, the old application can no longer send or receive.";
