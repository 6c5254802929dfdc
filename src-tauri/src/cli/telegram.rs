//! `skrynka account add telegram`, and the test of a Telegram account.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};
use clap::Args;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use skrynka_core::{
    engine::Engine,
    model::{Account, AccountId, AccountState, Endpoint, Proxy, TakenChats},
    store::{Store, StoreError},
};
use skrynka_telegram::session::formats;
use tokio_util::sync::CancellationToken;

use super::{Output, Session};
use crate::{
    sign_ins::{self, Entered, Reached, Stage},
    telegram_accounts::{self, Access, Choices, TypedAccess},
    wire::{SignInTrouble, stamp},
};

/// How often another program's account is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// An account that has said nothing by then does not answer.
const TEST_DEADLINE: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
pub struct TelegramArguments {
    /// What the bureau calls it.
    #[arg(long)]
    name: String,
    /// The account's number in international form; the session must be of it.
    #[arg(long, value_name = "P", allow_hyphen_values = true)]
    phone: String,
    /// The API ID from my.telegram.org.
    #[arg(long, value_name = "ID", allow_hyphen_values = true, value_parser = api_id)]
    api_id: i32,
    /// A session file of Telethon or Pyrogram in the place of a session string.
    #[arg(long, value_name = "FILE")]
    session_file: Option<PathBuf>,
    /// Make a session of Skrynka's own with the help of the given one, and keep only that.
    #[arg(long)]
    own_session: bool,
    /// Fetch the messages of the last so many days.
    #[arg(long, value_name = "N", default_value_t = 30)]
    history_days: u16,
    /// Leave groups and their topics out.
    #[arg(long)]
    no_groups: bool,
    /// Take broadcast channels too.
    #[arg(long)]
    channels: bool,
    /// Take chats with bots too.
    #[arg(long)]
    bots: bool,
    /// Reading here marks nothing read there.
    #[arg(long)]
    no_mark_read: bool,
    /// A SOCKS5 proxy for every connection of the account.
    #[arg(long, value_name = "HOST:PORT")]
    proxy: Option<Endpoint>,
    /// The name to sign in to the proxy with.
    #[arg(long, value_name = "U", requires = "proxy")]
    proxy_user: Option<String>,
    /// Read the secrets from standard input: {"session": "…", "api_hash": "…"}, and where there is one a "password"
    /// for --own-session and a "proxy_password"
    #[arg(long, required = true)]
    secrets_stdin: bool,
}

#[derive(Deserialize)]
pub struct TelegramSecrets {
    session: Option<String>,
    api_hash: String,
    password: Option<SecretString>,
    proxy_password: Option<SecretString>,
}

/// The form of the secrets on standard input.
pub const SECRETS_FORM: &str = "{\"session\": \"…\", \"api_hash\": \"…\"}";

pub async fn add(session: &Session, arguments: TelegramArguments, secrets: TelegramSecrets) -> anyhow::Result<Account> {
    let bureau = &session.bureau;
    let pasted = zeroize::Zeroizing::new(secrets.session.unwrap_or_default());
    let found = match &arguments.session_file {
        Some(_) if !pasted.is_empty() => bail!("give a session string or --session-file, not both"),
        Some(file) => formats::from_file(file)?,
        None => formats::from_text(&pasted)?,
    };
    let choices = Choices {
        name: arguments.name.trim().to_owned(),
        color: None,
        takes: TakenChats { groups: !arguments.no_groups, channels: arguments.channels, bots: arguments.bots },
        history_days: arguments.history_days,
        mark_read: !arguments.no_mark_read,
        ..Choices::default()
    };
    choices.check()?;
    let typed = TypedAccess {
        account: None,
        api_id: Some(arguments.api_id.to_string()),
        api_hash: Some(secrets.api_hash),
        proxy: arguments.proxy.map(|server| Proxy { server, user: arguments.proxy_user }),
        proxy_password: secrets.proxy_password,
    };
    let phone = telegram_accounts::read_phone(&arguments.phone)?;
    let access = Access { phone: Some(phone), ..Access::read(bureau, typed).await? };
    let pasted = found.into_secret();
    let used = Box::pin(sign_ins::use_session(bureau, &pasted, access, arguments.own_session)).await;
    let (mut stage, mut reached) = used.map_err(told)?;
    if let Reached::Password(_) = reached {
        let password = secrets.password.context("the account has a two-step password; give it as \"password\"")?;
        let (next, entered) = sign_ins::enter(bureau, stage, &Entered::Password(password)).await;
        reached = entered.map_err(told)?;
        stage = next.context("the sign-in did not end")?;
    }
    let (Stage::Finished { finished, access, .. }, Reached::User(_)) = (&stage, &reached) else {
        bail!("the sign-in did not end");
    };
    match Box::pin(telegram_accounts::add(bureau, &choices, access, finished, &CancellationToken::new())).await {
        Ok(account) => Ok(account),
        Err(error) => {
            sign_ins::abandon(bureau, Some(stage)).await;
            Err(told(error))
        }
    }
}

/// The code first, as scripts look for it.
fn told(error: telegram_accounts::TelegramAccountError) -> anyhow::Error {
    let trouble = SignInTrouble::from(error);
    let code = serde_json::to_value(trouble.code).unwrap_or_default();
    let wait = trouble.retry_after.map(|seconds| format!("; wait {seconds} s")).unwrap_or_default();
    anyhow::anyhow!("the account was not added ({}): {}{wait}", code.as_str().unwrap_or_default(), trouble.detail)
}

/// Signs on as the listener does. An account that another program listens to is not connected a second time: what
/// that program says of it is told.
pub async fn test(session: &Session, output: Output, account: &Account) -> anyhow::Result<ExitCode> {
    if !account.enabled {
        bail!("the account is disabled; `skrynka account enable` switches it on");
    }
    let started = tokio::time::Instant::now();
    let engine = session.bureau.listen_to(account.id, "skrynka account test").await?;
    let deadline = started + TEST_DEADLINE;
    let settled = tokio::time::timeout_at(deadline, answered(&engine, account.id)).await;
    engine.shutdown().await;
    let state = settled.ok().flatten().context("the account does not answer")?;
    let state = if let AccountState::Elsewhere { holder, since } = state {
        output.note(&format!("{holder} listens to it since {}", stamp(since)))?;
        let told = tokio::time::timeout_at(deadline, told_elsewhere(&session.bureau.store, account.id)).await;
        told.ok().context("that program has not signed in yet")??
    } else {
        state
    };
    let failed = state.trouble().is_some();
    let detail = state.trouble().map(|trouble| trouble.detail.clone()).unwrap_or_default();
    let ms = started.elapsed().as_millis();
    let record = json!({
        "step": "sign_in",
        "state": if failed { "failed" } else { "passed" },
        "ms": ms,
        "detail": if failed { &detail } else { state.as_str() },
        "code": state.trouble().map(|trouble| trouble.code),
    });
    output.record(&record, || format!("sign_in  {}  {ms} ms  {detail}", state.as_str()))?;
    match state.trouble() {
        Some(trouble) => bail!("the connection test failed ({}): {}", trouble.code.as_str(), trouble.detail),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Waits until the account is signed in, cannot be, or is in another program's hands.
async fn answered(engine: &Engine, account: AccountId) -> Option<AccountState> {
    let mut changes = engine.watch_statuses();
    loop {
        let state = engine.statuses().into_iter().find(|status| status.account == account)?.state;
        if is_settled(&state) {
            return Some(state);
        }
        changes.changed().await.ok()?;
    }
}

/// Waits until the program that listens to the account is signed in, or cannot be.
async fn told_elsewhere(store: &Store, account: AccountId) -> Result<AccountState, StoreError> {
    loop {
        let status = store.statuses().await?.into_iter().find(|status| status.account == account);
        match status.map(|status| status.state) {
            Some(state) if is_settled(&state) && state != AccountState::Stopped => return Ok(state),
            _ => tokio::time::sleep(LOOK).await,
        }
    }
}

const fn is_settled(state: &AccountState) -> bool {
    !matches!(state, AccountState::Idle | AccountState::Connecting)
}

fn api_id(text: &str) -> Result<i32, String> {
    telegram_accounts::read_api_id(text).map_err(|error| error.to_string())
}
