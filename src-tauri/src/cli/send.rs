//! `skrynka send`: one text or mail, and what becomes of it.

use std::{io::Read as _, process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::json;
use skrynka_core::{
    engine::Engine,
    model::{AccountId, AccountState, Address, ConversationId, OutgoingId},
    store::{OutgoingFile, OutgoingState, Store, StoredOutgoing},
};
use tokio::time::Instant;

use super::{Common, Output, Session};
use crate::{
    chats::{self, Text},
    mails::{self, Written},
    wire::stamp,
    words::Language,
};

/// A text from standard input is read so far: enough to say that it is too long.
const INPUT: u64 = mails::TEXT as u64 + 1;
/// How often the text's state is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// The message of a text that was sent arrives within this.
const ARRIVAL: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub struct SendArguments {
    /// The account that sends.
    #[arg(long, value_name = "ID", value_parser = super::account::account_id)]
    account: AccountId,
    /// The chat: @username, a phone number, the whole name, a conversation's id, or as an export has it (user:7). Of a
    /// mailbox: mail addresses, several with commas between them.
    #[arg(long, value_name = "PEER", allow_hyphen_values = true)]
    to: String,
    /// A mail's subject.
    #[arg(long, value_name = "S", default_value = "", allow_hyphen_values = true)]
    subject: String,
    /// A file that goes with it; may be given again for a mail.
    #[arg(long, value_name = "FILE")]
    attach: Vec<std::path::PathBuf>,
    /// What to send; `-` reads standard input.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    text: String,
    /// Wait at most so many seconds; the text stays on its way.
    #[arg(long, value_name = "S", default_value_t = 120)]
    timeout: u64,
}

/// Exit 0 once Telegram has accepted it.
pub async fn run(common: &Common, output: Output, arguments: SendArguments) -> anyhow::Result<ExitCode> {
    let account = arguments.account;
    let text = if arguments.text == "-" { read_text()? } else { arguments.text.clone() };
    Session::with(common, async |session| {
        let bureau = &session.bureau;
        let known = bureau.store.account(account).await?.context("There is no such account")?;
        let (id, conversation) = if known.email.is_some() {
            (mail(session, account, &arguments, text).await?, None)
        } else {
            if !arguments.subject.is_empty() {
                bail!("a text of a chat has no subject");
            }
            let conversation = chat(&bureau.store, account, &arguments.to).await?;
            let mut files = attached(session, account, &arguments.attach).await?.into_iter();
            if files.len() > 1 {
                bail!("one file goes with a text of a chat; send the others by themselves");
            }
            let text = Text { text, file: files.next(), ..Text::default() };
            let queued = chats::send(bureau, account, conversation, vec![text], None).await?;
            (queued.first().copied().context("Nothing was put on its way")?, Some(conversation))
        };
        // Whoever listens to the account sends it; nobody else may connect.
        let engine = match bureau.listen_to(account, "skrynka send").await {
            Ok(engine) => engine,
            Err(error) => {
                // It is on its way all the same, and a script has to know by which id.
                record(output, account, &bureau.store.outgoing_text(account, id).await?)?;
                return Err(error.into());
            }
        };
        let waited = wait(&bureau.store, &engine, account, id, Duration::from_secs(arguments.timeout)).await;
        if let Some(conversation) = conversation
            && matches!(&waited, Ok((text, _)) if text.state == OutgoingState::Sent)
        {
            arrived(&bureau.store, account, conversation, id).await;
        }
        engine.shutdown().await;
        let (sent, unconnected) = waited?;
        record(output, account, &sent)?;
        if sent.state == OutgoingState::Sent {
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(why) = unconnected {
            bail!("the account is not connected, the text waits: {why}");
        }
        let why = sent.error.as_ref().map(|error| format!(": {}", error.detail)).unwrap_or_default();
        bail!("the text is {}{why}", sent.state.as_str())
    })
    .await
}

fn record(output: Output, account: AccountId, text: &StoredOutgoing) -> anyhow::Result<()> {
    let record = json!({
        "account": account.to_string(),
        "conversation": text.conversation.map(|id| id.to_string()),
        "outgoing": text.id.to_string(),
        "state": text.state.as_str(),
        "tries": text.tries,
        "remote_key": text.place.as_ref().map(ToString::to_string),
        "outcomes": text.mail.as_ref().map(|mail| &mail.outcomes),
        "error": text.error.as_ref().map(|error| json!({"code": error.code, "detail": error.detail})),
        "accepted_at": stamp(text.created_at),
    });
    Ok(output.record(&record, || format!("{} {}", text.state.as_str(), text.id))?)
}

/// Waits until nothing more becomes of the text for now. Tells why the account is not connected where that is so.
async fn wait(
    store: &Store,
    engine: &Engine,
    account: AccountId,
    id: OutgoingId,
    patience: Duration,
) -> anyhow::Result<(StoredOutgoing, Option<String>)> {
    let until = Instant::now() + patience;
    loop {
        let text = store.outgoing_text(account, id).await?;
        let state = engine.statuses().into_iter().find(|status| status.account == account).map(|status| status.state);
        let hopeless = matches!(
            state,
            Some(AccountState::NeedsSignIn { .. } | AccountState::Misconfigured { .. } | AccountState::Stopped)
        );
        if text.is_over() || Instant::now() >= until {
            return Ok((text, None));
        }
        if hopeless {
            let why = state.as_ref().and_then(AccountState::trouble).map(|why| why.detail.clone());
            return Ok((text, Some(why.unwrap_or_else(|| "disabled".to_owned()))));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until the listener has stored the message of a text that was sent, so that an export has it.
async fn arrived(store: &Store, account: AccountId, conversation: ConversationId, id: OutgoingId) {
    let until = Instant::now() + ARRIVAL;
    while Instant::now() < until {
        match store.outgoing(account, conversation).await {
            Ok(waiting) if waiting.iter().any(|text| text.id == id) => tokio::time::sleep(LOOK).await,
            Ok(_) | Err(_) => return,
        }
    }
}

/// Puts a mail on its way.
async fn mail(
    session: &Session,
    account: AccountId,
    arguments: &SendArguments,
    text: String,
) -> anyhow::Result<OutgoingId> {
    let addresses = arguments.to.split(',').map(str::trim).filter(|address| !address.is_empty());
    let to = addresses.map(|address| Address { name: String::new(), address: address.to_owned() }).collect();
    let files = attached(session, account, &arguments.attach).await?;
    let written = Written { to, subject: arguments.subject.clone(), text, files, ..Written::default() };
    Ok(mails::send(&session.bureau, account, None, written, Language::English).await?)
}

/// Stores the files that are to go with it.
async fn attached(
    session: &Session,
    account: AccountId,
    paths: &[std::path::PathBuf],
) -> anyhow::Result<Vec<OutgoingFile>> {
    let mut files = Vec::new();
    for path in paths {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let kept = mails::keep_file(&session.bureau, account, path, &name).await;
        files.push(kept.with_context(|| format!("{} cannot be attached; nothing was sent", path.display()))?);
    }
    Ok(files)
}

async fn chat(store: &Store, account: AccountId, to: &str) -> anyhow::Result<ConversationId> {
    let mut found = store.find_chats(account, to.trim()).await?;
    // One that Telegram knows goes before one that came over with nothing but a name.
    if found.iter().any(|chat| chat.kind.is_some()) {
        found.retain(|chat| chat.kind.is_some());
    }
    match found.as_slice() {
        [] => bail!("the account has no chat {to:?}"),
        [chat] => Ok(chat.conversation),
        several => {
            let ids: Vec<String> = several.iter().map(|chat| chat.conversation.to_string()).collect();
            bail!("{to:?} means several chats; name one by its id: {}", ids.join(", "))
        }
    }
}

fn read_text() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().take(INPUT).read_to_string(&mut text).context("The text could not be read")?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}
