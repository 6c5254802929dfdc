//! `skrynka account`: add, list, test, switch and remove accounts.

use std::{io::Read as _, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use secrecy::SecretString;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use skrynka_core::{
    model::{Account, AccountId, AccountState, Auth, EmailSettings, Endpoint, Security},
    store::{HeldLease, Store, StoredStatus},
};
use skrynka_mail::{Credential, Tokens};
use time::{
    Date, OffsetDateTime,
    format_description::well_known::{Iso8601, Rfc3339},
};

use super::{
    Common, Output, Session,
    telegram::{self, TelegramArguments},
};
use crate::{
    checks,
    commands::accounts::detail_of,
    copies,
    mailboxes::{self, Mailbox, Tried},
    wire::stamp,
};

/// Secrets on standard input are at most this long.
const SECRETS: u64 = 4 << 20;

#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Add an account; its login is tested first.
    #[command(subcommand)]
    Add(AddCommand),
    /// Show every account's state, last event, lag, backlog and last error.
    List,
    /// Test an account's connection, step by step.
    Test {
        /// The account's id.
        #[arg(value_parser = account_id)]
        id: AccountId,
    },
    /// Listen to an account again.
    Enable {
        /// The account's id.
        #[arg(value_parser = account_id)]
        id: AccountId,
    },
    /// Stop listening to an account.
    Disable {
        /// The account's id.
        #[arg(value_parser = account_id)]
        id: AccountId,
    },
    /// Show no notices of an account's messages, on every computer of the bureau.
    Mute {
        /// The account's id.
        #[arg(value_parser = account_id)]
        id: AccountId,
    },
    /// Show notices of an account's messages again.
    Unmute {
        /// The account's id.
        #[arg(value_parser = account_id)]
        id: AccountId,
    },
    /// Remove an account and its secrets. Its messages stay.
    Remove {
        /// The account's id.
        #[arg(value_parser = account_id)]
        id: AccountId,
        /// Delete its messages too. This cannot be undone.
        #[arg(long)]
        delete_messages: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum AddCommand {
    /// A mailbox.
    Email(Box<EmailArguments>),
    /// A personal Telegram account, with a session that another program made.
    Telegram(Box<TelegramArguments>),
}

#[derive(Debug, Args)]
pub struct EmailArguments {
    /// What the bureau calls it.
    #[arg(long)]
    name: String,
    /// The mailbox's own address.
    #[arg(long)]
    address: String,
    /// The IMAP server.
    #[arg(long, value_name = "HOST:PORT")]
    imap: Endpoint,
    /// tls, starttls or loopback_plain.
    #[arg(long, value_name = "S")]
    imap_security: Security,
    /// The SMTP server.
    #[arg(long, value_name = "HOST:PORT")]
    smtp: Endpoint,
    /// tls, starttls or loopback_plain.
    #[arg(long, value_name = "S")]
    smtp_security: Security,
    /// The name to sign in with (default: the address).
    #[arg(long, value_name = "U")]
    user: Option<String>,
    /// Fetch only mails received since this day.
    #[arg(long, value_name = "DATE", value_parser = moment)]
    since: Option<OffsetDateTime>,
    /// A file with extra certificate authorities to trust for this account.
    #[arg(long, value_name = "PEM")]
    ca_file: Option<PathBuf>,
    /// A folder to fetch beside INBOX and Sent; may be given several times.
    #[arg(long = "folder", value_name = "NAME")]
    folders: Vec<String>,
    /// Reading here marks read on the server.
    #[arg(long)]
    write_flags: bool,
    /// What it signs in with: password, or xoauth2 for tokens of OAuth 2.0.
    #[arg(long, value_name = "KIND", default_value = "password")]
    auth: Auth,
    /// Read the secret from standard input: {"password": "…"}, or for xoauth2 {"oauth2": {"client_id": "…",
    /// "refresh_token": "…", "token_endpoint": "https://…", "client_secret": "…"}}, the last where the provider gave one.
    #[arg(long, required = true)]
    secrets_stdin: bool,
}

/// What standard input holds.
pub const PASSWORD_FORM: &str = "{\"password\": \"…\"}";

/// What standard input holds for tokens.
const TOKENS_FORM: &str =
    "{\"oauth2\": {\"client_id\": \"…\", \"refresh_token\": \"…\", \"token_endpoint\": \"https://…\"}}";

#[derive(Deserialize)]
pub struct EmailSecrets {
    pub password: SecretString,
}

#[derive(Deserialize)]
struct TokenSecrets {
    oauth2: Tokens,
}

/// Reads what a mailbox signs in with from standard input.
fn read_credential(auth: Auth) -> anyhow::Result<Credential> {
    match auth {
        Auth::Password => Ok(Credential::Password(read_secrets::<EmailSecrets>(PASSWORD_FORM)?.password)),
        Auth::Xoauth2 => {
            let TokenSecrets { oauth2: mut tokens } = read_secrets(TOKENS_FORM)?;
            // A new one is asked for, so that what is kept is known to work.
            tokens.access_token = None;
            Ok(Credential::Tokens(Box::new(tokens)))
        }
    }
}

pub async fn run(common: &Common, output: Output, command: AccountCommand) -> anyhow::Result<ExitCode> {
    match command {
        AccountCommand::Add(AddCommand::Email(arguments)) => {
            let credential = read_credential(arguments.auth)?;
            Session::with(common, async |session| add(session, output, *arguments, credential).await).await
        }
        AccountCommand::Add(AddCommand::Telegram(arguments)) => {
            let secrets = read_secrets(telegram::SECRETS_FORM)?;
            Session::with(common, async |session| {
                let account = Box::pin(telegram::add(session, *arguments, secrets)).await?;
                let record = record(&account, None, None, [0; 3], session.bureau.clock.now());
                output.record(&record, || format!("Added {} as {}", account.name, account.id))?;
                Ok(ExitCode::SUCCESS)
            })
            .await
        }
        AccountCommand::List => Session::with(&common.existing(), async |session| list(session, output).await).await,
        AccountCommand::Test { id } => {
            Session::with(&common.existing(), async |session| test(session, output, id).await).await
        }
        AccountCommand::Enable { id } => enable(&common.existing(), output, id, true).await,
        AccountCommand::Disable { id } => enable(&common.existing(), output, id, false).await,
        AccountCommand::Mute { id } => mute(&common.existing(), output, id, true).await,
        AccountCommand::Unmute { id } => mute(&common.existing(), output, id, false).await,
        AccountCommand::Remove { id, delete_messages } => {
            Session::with(&common.existing(), async |session| {
                let deleted = mailboxes::remove(&session.bureau, id, delete_messages).await?;
                if delete_messages {
                    copies::forget(&session.ground.profile, &session.bureau.store).await?;
                }
                let record = json!({"account": id.to_string(), "removed": true, "deleted_messages": deleted});
                output.record(&record, || format!("Removed {id}; {deleted} messages deleted"))?;
                Ok(ExitCode::SUCCESS)
            })
            .await
        }
    }
}

async fn add(
    session: &Session,
    output: Output,
    arguments: EmailArguments,
    credential: Credential,
) -> anyhow::Result<ExitCode> {
    let mailbox = Mailbox {
        name: arguments.name,
        color: None,
        settings: EmailSettings {
            user: arguments.user.unwrap_or_else(|| arguments.address.clone()),
            auth: arguments.auth,
            address: arguments.address,
            imap: arguments.imap,
            imap_security: arguments.imap_security,
            smtp: arguments.smtp,
            smtp_security: arguments.smtp_security,
            since: arguments.since,
            ca_pem: arguments.ca_file.as_deref().map(mailboxes::read_ca).transpose()?,
            folders: arguments.folders,
            write_flags: arguments.write_flags,
        },
    };
    let account = mailboxes::add(&session.bureau, mailbox, credential).await?;
    let record = record(&account, None, None, [0; 3], session.bureau.clock.now());
    output.record(&record, || format!("Added {} as {}", account.name, account.id))?;
    Ok(ExitCode::SUCCESS)
}

async fn list(session: &Session, output: Output) -> anyhow::Result<ExitCode> {
    let store = &session.bureau.store;
    let statuses = store.statuses().await?;
    let counts = store.message_counts().await?;
    let now = session.bureau.clock.now();
    let leases = store.leases().await?;
    for account in store.accounts().await? {
        let status = statuses.iter().find(|status| status.account == account.id);
        let counts = counts.iter().find(|(id, _)| *id == account.id).map(|(_, counts)| *counts).unwrap_or_default();
        // A program that crashed holds a lease whose time is over.
        let listener = leases.iter().find(|held| held.account == account.id && held.valid);
        let text = || line(&account, status, listener, counts, now);
        output.record(&record(&account, status, listener, counts, now), text)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn test(session: &Session, output: Output, id: AccountId) -> anyhow::Result<ExitCode> {
    let account = session.bureau.store.account(id).await?.context("There is no such account")?;
    if account.telegram.is_some() {
        return telegram::test(session, output, &account).await;
    }
    let settings = account.email.context("The account has no settings")?;
    let mut tried = Tried::of(&session.bureau, Some(id), settings.auth, None).await?;
    let mailbox = Mailbox { name: account.name, color: None, settings };
    let mut tell = |step: &skrynka_mail::probe::Step| {
        let (state, detail) = match &step.outcome {
            Ok(finding) => ("passed", detail_of(finding)),
            Err(trouble) => ("failed", trouble.detail.clone()),
        };
        let ms = step.took.as_millis();
        let record = json!({
            "step": step.name.as_str(),
            "state": state,
            "ms": ms,
            "detail": detail,
            "code": step.outcome.as_ref().err().map(|trouble| trouble.code),
        });
        let line = || format!("{:<8} {state:<7} {ms:>6} ms  {detail}", step.name.as_str());
        output.step(&record, line);
    };
    let tested = mailboxes::test(&mailbox, &mut tried.credential, session.bureau.clock.now(), &mut tell).await;
    tried.keep(&session.bureau).await?;
    tested?;
    Ok(ExitCode::SUCCESS)
}

async fn enable(common: &Common, output: Output, id: AccountId, enabled: bool) -> anyhow::Result<ExitCode> {
    Session::with(common, async |session| {
        session.bureau.store.set_account_enabled(id, enabled).await?;
        let record = json!({"account": id.to_string(), "enabled": enabled});
        output.record(&record, || format!("{} {id}", if enabled { "Enabled" } else { "Disabled" }))?;
        Ok(ExitCode::SUCCESS)
    })
    .await
}

async fn mute(common: &Common, output: Output, id: AccountId, muted: bool) -> anyhow::Result<ExitCode> {
    Session::with(common, async |session| {
        session.bureau.store.set_account_muted(id, muted).await?;
        let record = json!({"account": id.to_string(), "muted": muted});
        output.record(&record, || format!("{} {id}", if muted { "Muted" } else { "Unmuted" }))?;
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn record(
    account: &Account,
    status: Option<&StoredStatus>,
    listener: Option<&HeldLease>,
    [stored, unread, quarantined]: [i64; 3],
    now: OffsetDateTime,
) -> serde_json::Value {
    let state = status.map(|status| &status.state);
    let (done, total) = match state {
        Some(AccountState::CatchingUp { done, total }) => (Some(done), Some(total)),
        _ => (None, None),
    };
    json!({
        "id": account.id.to_string(),
        "channel": account.channel.as_str(),
        "name": account.name,
        "address": account.address(),
        "enabled": account.enabled,
        "muted": account.muted,
        "listener": listener.map(|held| json!({"program": held.holder.name, "since": stamp(held.since)})),
        "state": status.map(|status| state_word(account, status, now)),
        "since": status.map(|status| stamp(status.since)),
        "done": done,
        "total": total,
        "backlog": total.zip(done).map(|(total, done)| total.saturating_sub(*done)),
        "last_event": status.and_then(|status| status.last_message_at.or(status.heard_at)).map(stamp),
        "lag_ms": status.and_then(|status| status.lag_ms),
        "last_error": status.and_then(|status| status.last_error.as_ref()).map(|(trouble, at)| {
            json!({"code": trouble.code, "detail": trouble.detail, "at": stamp(*at)})
        }),
        "stored": stored,
        "unread": unread,
        "quarantined": quarantined,
    })
}

/// What is stored of a listener counts only while somebody listens.
fn state_word(account: &Account, status: &StoredStatus, now: OffsetDateTime) -> &'static str {
    if checks::nobody_listens(account, status, now) { "unknown" } else { status.state.as_str() }
}

fn line(
    account: &Account,
    status: Option<&StoredStatus>,
    listener: Option<&HeldLease>,
    [stored, unread, quarantined]: [i64; 3],
    now: OffsetDateTime,
) -> String {
    let state = match status {
        None => "never started",
        Some(status) if checks::nobody_listens(account, status, now) => "not heard of",
        Some(status) => status.state.as_str(),
    };
    let error = status
        .and_then(|status| status.last_error.as_ref())
        .map(|(trouble, at)| format!("  last error {}: {}", stamp(*at), trouble.detail))
        .unwrap_or_default();
    let address = account.address();
    let listener = listener
        .map(|held| format!("  listened to by {} since {}", held.holder.name, stamp(held.since)))
        .unwrap_or_default();
    let muted = if account.muted { ", muted" } else { "" };
    format!(
        "{}  {:<13}  {}  <{address}>  {stored} stored, {unread} unread, {quarantined} in quarantine{muted}{listener}{error}",
        account.id,
        if account.enabled { state } else { "disabled" },
        account.name,
    )
}

/// Reads what `form` shows from standard input.
pub fn read_secrets<T: DeserializeOwned>(form: &str) -> anyhow::Result<T> {
    let mut text = zeroize::Zeroizing::new(String::new());
    std::io::stdin().take(SECRETS).read_to_string(&mut text).context("The secrets could not be read")?;
    // The parser's message could quote what it read: only its place is told.
    serde_json::from_str(&text).map_err(|error| {
        anyhow::anyhow!(
            "standard input holds no secrets of the form {form} (line {}, column {})",
            error.line(),
            error.column()
        )
    })
}

/// Reads an account's id.
pub fn account_id(text: &str) -> Result<AccountId, String> {
    text.parse().map_err(|_| format!("{text:?} is not an account's id; `skrynka account list` shows them"))
}

/// Refuses an account that there never was; a removed one may have left messages.
pub async fn known(store: &Store, account: Option<AccountId>) -> anyhow::Result<()> {
    match account {
        Some(id) if !store.knows_account(id).await? => {
            anyhow::bail!("there is no account {id}; `skrynka account list` shows them")
        }
        _ => Ok(()),
    }
}

/// Reads a moment: RFC 3339, or a day, which begins at midnight UTC.
pub fn moment(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| Date::parse(text, &Iso8601::DATE).map(|date| date.midnight().assume_utc()))
        .map_err(|_| format!("{text:?} is neither a day (YYYY-MM-DD) nor an RFC 3339 time"))
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn a_moment_is_a_day_or_an_rfc_3339_time() {
        assert_eq!(moment("2026-09-01").unwrap().unix_timestamp(), 1_788_220_800);
        assert_eq!(moment("2026-09-01T03:00:00+03:00").unwrap().unix_timestamp(), 1_788_220_800);
        for bad in ["", "yesterday", "2026-13-01", "2026-02-30", "01.09.2026"] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }
}
