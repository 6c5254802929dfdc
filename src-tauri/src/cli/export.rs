//! `skrynka export messages`: everything that is stored, one message a line.

use std::process::ExitCode;

use clap::Subcommand;
use futures_util::TryStreamExt as _;
use serde::Serialize;
use skrynka_core::{
    model::{AccountId, Address},
    store::ExportedMessage,
};
use time::OffsetDateTime;

use super::{Common, Output, Session};
use crate::wire::stamp;

#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// One message a line, always as JSON.
    Messages {
        /// Only this account.
        #[arg(long, value_name = "ID", value_parser = super::account::account_id)]
        account: Option<AccountId>,
        /// Only messages that their server received since then: RFC 3339, or a day as YYYY-MM-DD.
        #[arg(long, value_name = "T", value_parser = super::account::moment)]
        since: Option<OffsetDateTime>,
    },
}

#[derive(Serialize)]
struct Record<'a> {
    account: String,
    channel: &'a str,
    conversation: String,
    remote_key: Option<String>,
    direction: &'a str,
    from: String,
    to: Vec<String>,
    subject: &'a str,
    text: &'a str,
    sent_at: Option<String>,
    received_at: String,
    stored_at: String,
    edited: bool,
    deleted: bool,
    attachments: Vec<File<'a>>,
    quarantined: bool,
}

#[derive(Serialize)]
struct File<'a> {
    name: &'a str,
    mime: &'a str,
    size: i64,
    sha256: Option<&'a str>,
}

pub async fn run(common: &Common, _: Output, command: ExportCommand) -> anyhow::Result<ExitCode> {
    let ExportCommand::Messages { account, since } = command;
    // The export is for programs whatever else was asked for.
    let output = Output::new(true);
    Session::with(common, async |session| {
        super::account::known(&session.bureau.store, account).await?;
        let messages = session.bureau.store.export(account, since);
        let mut messages = std::pin::pin!(messages);
        while let Some(message) = messages.try_next().await? {
            output.record(&record(&message), String::new)?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn record(message: &ExportedMessage) -> Record<'_> {
    Record {
        account: message.account.to_string(),
        channel: message.channel.as_str(),
        conversation: message.conversation.to_string(),
        remote_key: message.place.as_ref().map(ToString::to_string),
        direction: message.direction.as_str(),
        from: mailbox(&message.author),
        to: message.to.iter().map(mailbox).collect(),
        subject: &message.subject,
        text: &message.text,
        sent_at: message.sent_at.map(stamp),
        received_at: stamp(message.received_at),
        stored_at: stamp(message.stored_at),
        edited: message.edited,
        deleted: message.deleted,
        attachments: message
            .files
            .iter()
            .map(|file| File { name: &file.name, mime: &file.mime, size: file.size, sha256: file.sha256.as_deref() })
            .collect(),
        quarantined: message.quarantined,
    }
}

fn mailbox(address: &Address) -> String {
    if address.name.is_empty() { address.address.clone() } else { format!("{} <{}>", address.name, address.address) }
}
