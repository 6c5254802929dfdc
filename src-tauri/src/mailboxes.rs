//! Adding, changing and removing a mailbox: the same way for the window and the command line.

use std::sync::{Mutex, PoisonError};

use skrynka_core::{
    engine::Engine,
    logbook::redact,
    model::{Account, AccountId, Auth, EmailSettings, Trouble, TroubleCode, is_plausible_address},
    secrets::SecretsError,
    store::{AccountDraft, StoreError},
};
use skrynka_mail::{
    Credential, Tuning,
    probe::{self, Step},
};
use time::OffsetDateTime;

use crate::{
    telegram_accounts,
    wire::{ErrorCode, WireError},
    wiring::Bureau,
};

/// Names are at most this long.
const NAME: usize = 200;

/// Why a mailbox was not added or changed. Nothing was saved.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    /// A field's value cannot be used.
    #[error("{field}: {why}")]
    Invalid {
        /// The field's name on the wire.
        field: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The connection test failed.
    #[error("the connection test failed ({}): {}", .0.code.as_str(), .0.detail)]
    Test(Trouble),
    /// The password or the tokens could not be kept.
    #[error("what the account signs in with could not be kept")]
    Secrets(#[from] SecretsError),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<MailboxError> for WireError {
    fn from(error: MailboxError) -> Self {
        match error {
            MailboxError::Invalid { field, why } => {
                Self { code: ErrorCode::InvalidInput, detail: format!("{field}: {why}") }
            }
            MailboxError::Test(trouble) => trouble.into(),
            MailboxError::Secrets(error) => Self { code: ErrorCode::Secrets, detail: skrynka_core::chain(&error) },
            MailboxError::Store(error) => error.into(),
        }
    }
}

/// A mailbox as a person described it.
#[derive(Debug, Clone)]
pub struct Mailbox {
    /// What the bureau calls it.
    pub name: String,
    /// Its colour; `None` lets the program choose.
    pub color: Option<i16>,
    /// Its settings.
    pub settings: EmailSettings,
}

impl Mailbox {
    /// Refuses what can be seen to be wrong before anything is asked of a server.
    pub fn check(&self, now: OffsetDateTime) -> Result<(), MailboxError> {
        let invalid = |field, why: &str| Err(MailboxError::Invalid { field, why: why.to_owned() });
        let settings = &self.settings;
        if self.name.trim().is_empty() || self.name.chars().count() > NAME || self.name.contains('\0') {
            return invalid("name", "1 to 200 characters");
        }
        if !is_plausible_address(&settings.address) {
            return invalid("address", "not a mail address");
        }
        if settings.user.trim().is_empty() || settings.user.chars().any(char::is_control) {
            return invalid("user", "the name to sign in with is missing");
        }
        if settings.since.is_some_and(|since| since > now) {
            return invalid("since", "the day is in the future");
        }
        if self.color.is_some_and(|color| !(1..=8).contains(&color)) {
            return invalid("color", "1 to 8");
        }
        for (field, endpoint) in [("imapHost", &settings.imap), ("smtpHost", &settings.smtp)] {
            if endpoint.to_string().parse::<skrynka_core::model::Endpoint>().is_err() {
                return invalid(field, "not a host name with a port from 1 to 65535");
            }
        }
        Ok(())
    }
}

/// What a mailbox is tried with: as somebody typed it, or as it is kept.
pub struct Tried {
    /// What is tried. A test may make tokens anew.
    pub credential: Credential,
    kept: Option<(AccountId, Credential)>,
}

impl Tried {
    /// Takes what was typed, else what is kept for the account.
    ///
    /// # Errors
    /// Nothing is kept for this way to sign in, or the keyring is locked.
    pub async fn of(
        bureau: &Bureau,
        account: Option<AccountId>,
        auth: Auth,
        typed: Option<Credential>,
    ) -> Result<Self, MailboxError> {
        match (typed, account) {
            (Some(credential), _) => Ok(Self { credential, kept: None }),
            (None, Some(id)) => {
                let credential = kept(bureau, id, auth).await?;
                Ok(Self { credential: credential.clone(), kept: Some((id, credential)) })
            }
            (None, None) => Err(nothing_kept()),
        }
    }

    /// Keeps tokens that were kept before and were made anew meanwhile: the old ones may be good no more.
    ///
    /// # Errors
    /// The keyring does not keep them.
    pub async fn keep(&self, bureau: &Bureau) -> Result<(), MailboxError> {
        match &self.kept {
            Some((id, before)) if !before.is_as(&self.credential) => {
                let name = Credential::name(self.credential.auth(), *id);
                Ok(bureau.secrets.set(name, self.credential.kept()).await?)
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// What tokens that somebody typed have become since: a provider may take a refresh token only once, and the form holds it
/// through several steps. Only the last ones are remembered, in memory.
#[derive(Default)]
pub struct Renewed(Mutex<Option<(Credential, Credential)>>);

impl Renewed {
    /// What is tried in the place of what was typed.
    pub fn of(&self, typed: Credential) -> Credential {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some((was, now)) if was.is_as(&typed) => now.clone(),
            Some(_) | None => typed,
        }
    }

    /// Remembers what a test has left.
    pub fn note(&self, typed: &Credential, now: &Credential) {
        if !typed.is_as(now) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((typed.clone(), now.clone()));
        }
    }

    /// Forgets them once they are kept, or no longer wanted.
    pub fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Tests the connection; each step is told as it ends. Tokens may be made anew: keep them as they are left. A mailbox that
/// can be read passes: what SMTP says is told as its step and in the log, and keeps nobody from reading. Returns how many
/// bytes of a mail the submission server takes.
///
/// # Errors
/// [`MailboxError::Invalid`] before, [`MailboxError::Test`] at the first step that fails and is needed to read.
pub async fn test(
    mailbox: &Mailbox,
    credential: &mut Credential,
    now: OffsetDateTime,
    on_step: &mut (dyn FnMut(&Step) + Send),
) -> Result<Option<u64>, MailboxError> {
    mailbox.check(now)?;
    match credential {
        // What a server or a library answers may repeat it.
        Credential::Password(password) => redact::remember(password),
        Credential::Tokens(tokens) => {
            tokens.remember();
            tokens.check().map_err(|why| MailboxError::Invalid { field: "tokens", why })?;
        }
    }
    let report = Box::pin(probe::test(&mailbox.settings, credential, &Tuning::default(), now, on_step)).await;
    match report.trouble() {
        Some(trouble) if !report.reads() => Err(MailboxError::Test(trouble.clone())),
        Some(trouble) => {
            tracing::warn!(
                target: "skrynka::email", code = trouble.code.as_str(), detail = trouble.detail,
                "The mailbox can be read, but not be sent from"
            );
            Ok(None)
        }
        None => Ok(report.takes),
    }
}

/// Adds a mailbox: tests the sign-in, keeps the password or the tokens and reads them back, then writes the account. One
/// that was removed and left its messages comes back with them. What fails leaves nothing behind.
///
/// # Errors
/// See [`MailboxError`].
pub async fn add(bureau: &Bureau, mut mailbox: Mailbox, mut credential: Credential) -> Result<Account, MailboxError> {
    mailbox.settings.auth = credential.auth();
    let takes = test(&mailbox, &mut credential, bureau.clock.now(), &mut |_| {}).await?;
    let removed = bureau.store.removed_mailbox(&mailbox.settings.address).await?;
    let id = removed.unwrap_or_else(|| AccountId::new(bureau.clock.now()));
    let name = Credential::name(credential.auth(), id);
    bureau.secrets.set(name, credential.kept()).await?;
    let draft = AccountDraft { id, name: mailbox.name, color: mailbox.color, email: mailbox.settings };
    match bureau.store.add_email_account(&draft).await {
        Ok(account) => {
            tracing::info!(target: "skrynka::app", account = %id, "Account added");
            note_size(bureau, id, takes).await;
            Ok(account)
        }
        Err(error) => {
            if let Err(left) = bureau.secrets.remove(name).await {
                tracing::warn!(
                    target: "skrynka::app", account = %id, error = skrynka_core::chain(&left),
                    "Secret of an account that was not added is still kept"
                );
            }
            Err(error.into())
        }
    }
}

/// Changes a mailbox: tests the sign-in with what was typed, or what is kept, then writes both. Its server may be another
/// one, its address may not.
///
/// # Errors
/// See [`MailboxError`]; the old settings and the old secret are kept.
pub async fn update(
    bureau: &Bureau,
    engine: &Engine,
    id: AccountId,
    mailbox: Mailbox,
    typed: Option<Credential>,
) -> Result<(), MailboxError> {
    let account = bureau.store.account(id).await?.ok_or(StoreError::NotFound("the mailbox"))?;
    let kept = account.email.as_ref().ok_or(StoreError::NotFound("the mailbox"))?;
    if !kept.address.eq_ignore_ascii_case(&mailbox.settings.address) {
        let why = "another address is added as a new account; this one keeps its messages".to_owned();
        return Err(MailboxError::Invalid { field: "address", why });
    }
    let is_new = typed.is_some();
    let auth = mailbox.settings.auth;
    let mut tried = Tried::of(bureau, Some(id), auth, typed).await?;
    let tested = test(&mailbox, &mut tried.credential, bureau.clock.now(), &mut |_| {}).await;
    tried.keep(bureau).await?;
    let takes = tested?;
    let name = Credential::name(auth, id);
    let before = bureau.secrets.get(name).await?;
    if is_new {
        bureau.secrets.set(name, tried.credential.kept()).await?;
    }
    let new = &mailbox.settings;
    let moves = !kept.imap.host.eq_ignore_ascii_case(&new.imap.host) || kept.user != new.user;
    if moves && account.enabled {
        // The listener ends first: what it has on its way is counted by the old server's numbers.
        bureau.store.set_account_enabled(id, false).await?;
        engine.reload(id).await?;
    }
    let mut written = bureau.store.update_email_account(id, &mailbox.name, mailbox.color, new).await;
    if moves && account.enabled {
        written = written.and(bureau.store.set_account_enabled(id, true).await);
    }
    if let Err(error) = written {
        if let Some(before) = before {
            bureau.secrets.set(name, before).await?;
        }
        return Err(error.into());
    }
    if kept.auth != auth {
        forget(bureau, id, kept.auth).await;
    }
    note_size(bureau, id, takes).await;
    tracing::info!(target: "skrynka::app", account = %id, "Account changed");
    Ok(())
}

/// Notes how large a mail the submission server takes, where it has said so; sending asks it again.
async fn note_size(bureau: &Bureau, id: AccountId, takes: Option<u64>) {
    if takes.is_some()
        && let Err(error) = bureau.store.note_submission_size(id, takes).await
    {
        let error = skrynka_core::chain(&error);
        tracing::warn!(target: "skrynka::app", account = %id, error, "The server's limit is not noted");
    }
}

/// Removes an account of either network and its secrets; its messages stay unless asked otherwise. A Telegram session is
/// ended there too, where Telegram can be reached.
///
/// # Errors
/// The account does not exist, or the database failed: then nothing was removed.
pub async fn remove(bureau: &Bureau, id: AccountId, delete_messages: bool) -> Result<u64, MailboxError> {
    let session = telegram_accounts::kept_session(bureau, id).await.unwrap_or_else(|error| {
        tracing::warn!(
            target: "skrynka::app", account = %id, error = skrynka_core::chain(&error),
            "Session of a removed account is not known, and not ended"
        );
        None
    });
    let removed = bureau.store.remove_account(id, delete_messages).await?;
    if let Some((session, app)) = session {
        telegram_accounts::let_go(bureau, id).await;
        telegram_accounts::end_session(bureau, &session, &app).await;
    }
    for auth in [Auth::Password, Auth::Xoauth2] {
        forget(bureau, id, auth).await;
    }
    telegram_accounts::forget_secrets(&bureau.secrets, id).await;
    tracing::info!(target: "skrynka::app", account = %id, deleted = removed.deleted_messages, "Account removed");
    Ok(removed.deleted_messages)
}

/// Returns what is kept for an account to sign in with.
async fn kept(bureau: &Bureau, id: AccountId, auth: Auth) -> Result<Credential, MailboxError> {
    let kept = bureau.secrets.get(Credential::name(auth, id)).await?.ok_or_else(nothing_kept)?;
    Credential::read(auth, kept).map_err(|error| MailboxError::Test(error.trouble()))
}

fn nothing_kept() -> MailboxError {
    let detail = "nothing is kept for this account to sign in with; enter it again".to_owned();
    MailboxError::Test(Trouble { code: TroubleCode::SignIn, detail })
}

/// Removes a secret that is of no more use.
async fn forget(bureau: &Bureau, id: AccountId, auth: Auth) {
    if let Err(error) = bureau.secrets.remove(Credential::name(auth, id)).await {
        tracing::warn!(
            target: "skrynka::app", account = %id, error = skrynka_core::chain(&error),
            "Secret of no more use is still kept"
        );
    }
}

/// Reads a file with certificate authorities.
///
/// # Errors
/// The file cannot be read, or holds no certificate.
pub fn read_ca(path: &std::path::Path) -> Result<String, MailboxError> {
    let invalid = |why: String| MailboxError::Invalid { field: "caFile", why };
    let pem = std::fs::read_to_string(path).map_err(|error| invalid(error.to_string()))?;
    if pem.contains("-----BEGIN CERTIFICATE-----") {
        Ok(pem)
    } else {
        Err(invalid("the file holds no certificate in PEM form".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_typed_tokens_have_become_is_tried_in_their_place_until_it_is_kept() {
        let tokens = |refresh: &str, access: Option<&str>| {
            Credential::Tokens(Box::new(skrynka_mail::Tokens {
                client_id: "c".to_owned(),
                client_secret: None,
                refresh_token: refresh.to_owned().into(),
                token_endpoint: "https://example.org/token".to_owned(),
                access_token: access.map(|access| access.to_owned().into()),
                expires_at: None,
            }))
        };
        let (typed, renewed, other) = (tokens("one", None), tokens("two", Some("a")), tokens("three", None));
        let known = Renewed::default();
        known.note(&typed, &typed);
        assert!(known.of(typed.clone()).is_as(&typed));
        known.note(&typed, &renewed);
        assert!(known.of(typed.clone()).is_as(&renewed), "the provider takes the typed one no more");
        assert!(known.of(other.clone()).is_as(&other), "another one was typed");
        known.forget();
        assert!(known.of(typed.clone()).is_as(&typed));
    }
}
