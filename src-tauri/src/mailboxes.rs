//! Adding, changing and removing a mailbox: the same way for the window and the command line.

use secrecy::SecretString;
use skrynka_core::{
    engine::Engine,
    logbook::redact,
    model::{Account, AccountId, EmailSettings, Trouble, TroubleCode, is_plausible_address},
    secrets::{SecretKind, SecretName, SecretsError},
    store::{AccountDraft, StoreError},
};
use skrynka_mail::{
    Tuning,
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
    /// The password could not be kept.
    #[error("the password could not be kept")]
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

/// Tests the connection; each step is told as it ends. A mailbox that can be read passes: what SMTP says is told as its
/// step and in the log, and keeps nobody from reading. Returns how many bytes of a mail the submission server takes.
///
/// # Errors
/// [`MailboxError::Invalid`] before, [`MailboxError::Test`] at the first step that fails and is needed to read.
pub async fn test(
    mailbox: &Mailbox,
    password: &SecretString,
    now: OffsetDateTime,
    on_step: &mut (dyn FnMut(&Step) + Send),
) -> Result<Option<u64>, MailboxError> {
    mailbox.check(now)?;
    // What a server or a library answers may repeat it.
    redact::remember(password);
    let report = probe::test(&mailbox.settings, password, &Tuning::default(), on_step).await;
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

/// Adds a mailbox: tests the sign-in, keeps the password and reads it back, then writes the account. One that was
/// removed and left its messages comes back with them. What fails leaves nothing behind.
///
/// # Errors
/// See [`MailboxError`].
pub async fn add(bureau: &Bureau, mailbox: Mailbox, password: SecretString) -> Result<Account, MailboxError> {
    let takes = test(&mailbox, &password, bureau.clock.now(), &mut |_| {}).await?;
    let removed = bureau.store.removed_mailbox(&mailbox.settings.address).await?;
    let id = removed.unwrap_or_else(|| AccountId::new(bureau.clock.now()));
    bureau.secrets.set(password_of(id), password).await?;
    let draft = AccountDraft { id, name: mailbox.name, color: mailbox.color, email: mailbox.settings };
    match bureau.store.add_email_account(&draft).await {
        Ok(account) => {
            tracing::info!(target: "skrynka::app", account = %id, "Account added");
            note_size(bureau, id, takes).await;
            Ok(account)
        }
        Err(error) => {
            if let Err(left) = bureau.secrets.remove(password_of(id)).await {
                tracing::warn!(
                    target: "skrynka::app", account = %id, error = skrynka_core::chain(&left),
                    "Password of an account that was not added is still kept"
                );
            }
            Err(error.into())
        }
    }
}

/// Changes a mailbox: tests the sign-in with the new password, or the kept one, then writes both. Its server may be
/// another one, its address may not.
///
/// # Errors
/// See [`MailboxError`]; the old settings and the old password are kept.
pub async fn update(
    bureau: &Bureau,
    engine: &Engine,
    id: AccountId,
    mailbox: Mailbox,
    password: Option<SecretString>,
) -> Result<(), MailboxError> {
    let account = bureau.store.account(id).await?.ok_or(StoreError::NotFound("the mailbox"))?;
    let kept = account.email.as_ref().ok_or(StoreError::NotFound("the mailbox"))?;
    if !kept.address.eq_ignore_ascii_case(&mailbox.settings.address) {
        let why = "another address is added as a new account; this one keeps its messages".to_owned();
        return Err(MailboxError::Invalid { field: "address", why });
    }
    let used = match &password {
        Some(password) => password.clone(),
        None => kept_password(bureau, id).await?,
    };
    let takes = test(&mailbox, &used, bureau.clock.now(), &mut |_| {}).await?;
    let before = bureau.secrets.get(password_of(id)).await?;
    if let Some(password) = password {
        bureau.secrets.set(password_of(id), password).await?;
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
            bureau.secrets.set(password_of(id), before).await?;
        }
        return Err(error.into());
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
    if let Err(error) = bureau.secrets.remove(password_of(id)).await {
        tracing::warn!(
            target: "skrynka::app", account = %id, error = skrynka_core::chain(&error),
            "Password of a removed account is still kept"
        );
    }
    telegram_accounts::forget_secrets(&bureau.secrets, id).await;
    tracing::info!(target: "skrynka::app", account = %id, deleted = removed.deleted_messages, "Account removed");
    Ok(removed.deleted_messages)
}

/// Returns the password that is kept for an account.
///
/// # Errors
/// There is none, or the keyring is locked.
pub async fn kept_password(bureau: &Bureau, id: AccountId) -> Result<SecretString, MailboxError> {
    bureau.secrets.get(password_of(id)).await?.ok_or_else(|| {
        MailboxError::Test(Trouble {
            code: TroubleCode::SignIn,
            detail: "no password is kept for this account; enter it again".to_owned(),
        })
    })
}

const fn password_of(account: AccountId) -> SecretName {
    SecretName { kind: SecretKind::MailPassword, account }
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
