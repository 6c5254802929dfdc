//! `skrynka export messages`: everything that is stored, one message a line; with the originals, in a folder.

use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};

use clap::Subcommand;
use futures_util::TryStreamExt as _;
use serde::Serialize;
use skrynka_core::{
    model::{AccountId, Address, Channel},
    store::{ExportedFile, ExportedMessage, Store, StoreError},
};
use time::OffsetDateTime;

use super::{Common, Output, Session};
use crate::{commands::read_hash, wire::stamp};

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
        /// Into this new or empty folder: messages.jsonl, each mail's original as .eml, and the files of chats.
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
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
    attachments: Vec<FileRecord<'a>>,
    quarantined: bool,
}

#[derive(Serialize)]
struct FileRecord<'a> {
    name: &'a str,
    mime: &'a str,
    size: i64,
    sha256: Option<&'a str>,
}

pub async fn run(common: &Common, output: Output, command: ExportCommand) -> anyhow::Result<ExitCode> {
    let ExportCommand::Messages { account, since, to } = command;
    if let Some(folder) = &to {
        make_empty(folder)?;
    }
    // The lines are for programs whatever else was asked for.
    let lines = Output::new(true);
    Session::with(common, async |session| {
        let store = &session.bureau.store;
        super::account::known(store, account).await?;
        let mut folder = to.as_deref().map(Folder::open).transpose()?;
        let messages = store.export(account, since);
        let mut messages = std::pin::pin!(messages);
        while let Some(message) = messages.try_next().await? {
            match &mut folder {
                Some(folder) => folder.take(store, &message).await?,
                None => lines.record(&record(&message), String::new)?,
            }
        }
        if let Some(folder) = folder {
            let sum = folder.finish()?;
            output.record(&sum, || {
                format!("{} messages, {} mails as .eml, {} files", sum.messages, sum.mails, sum.files)
            })?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// How much was written.
#[derive(Default, Serialize)]
struct Sum {
    messages: u64,
    mails: u64,
    files: u64,
}

/// A folder that is being filled. What is in it is readable without this program.
struct Folder {
    root: PathBuf,
    lines: BufWriter<File>,
    sum: Sum,
}

impl Folder {
    fn open(root: &Path) -> anyhow::Result<Self> {
        let path = root.join("messages.jsonl");
        let lines = File::create_new(&path).with_context(|| format!("{} could not be written", path.display()))?;
        for name in ["mail", "files"] {
            fs::create_dir_all(root.join(name)).with_context(|| format!("{} could not be made", root.display()))?;
        }
        Ok(Self { root: root.to_owned(), lines: BufWriter::new(lines), sum: Sum::default() })
    }

    async fn take(&mut self, store: &Store, message: &ExportedMessage) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.lines, &record(message))?;
        writeln!(self.lines)?;
        self.sum.messages += 1;
        match message.channel {
            Channel::Email => match store.raw_message(message.account, message.id).await {
                Ok(bytes) => {
                    let path = self.root.join("mail").join(format!("{}.eml", message.id));
                    fs::write(&path, bytes).with_context(|| format!("{} could not be written", path.display()))?;
                    self.sum.mails += 1;
                }
                // What its server never gave has no original.
                Err(StoreError::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            },
            Channel::Telegram => {
                for file in &message.files {
                    self.take_file(store, message.account, file).await?;
                }
            }
        }
        Ok(())
    }

    /// Writes a chat's file once, under its hash; its names stand in the lines.
    async fn take_file(&mut self, store: &Store, account: AccountId, file: &ExportedFile) -> anyhow::Result<()> {
        let Some((name, hash)) = file.sha256.as_deref().and_then(|hex| Some((hex, read_hash(hex)?))) else {
            return Ok(());
        };
        let path = self.root.join("files").join(name);
        let written = async {
            let mut to = File::create_new(&path)?;
            let mut number = 0;
            while let Some(bytes) = store.blob_chunk(account, hash, number).await? {
                to.write_all(&bytes)?;
                number += 1;
            }
            anyhow::Ok(())
        };
        if path.exists() {
            return Ok(());
        }
        written.await.with_context(|| format!("{} could not be written", path.display()))?;
        self.sum.files += 1;
        Ok(())
    }

    fn finish(mut self) -> anyhow::Result<Sum> {
        self.lines.flush()?;
        self.lines.get_ref().sync_all()?;
        Ok(self.sum)
    }
}

/// Makes the folder, or sees that it is empty: what stands in one is not mixed with an export.
fn make_empty(folder: &Path) -> anyhow::Result<()> {
    let failed = || format!("{} cannot be used", folder.display());
    fs::create_dir_all(folder).with_context(failed)?;
    if fs::read_dir(folder).with_context(failed)?.next().is_some() {
        bail!("{} is not empty; name a new folder", folder.display());
    }
    Ok(())
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
            .map(|file| FileRecord {
                name: &file.name,
                mime: &file.mime,
                size: file.size,
                sha256: file.sha256.as_deref(),
            })
            .collect(),
        quarantined: message.quarantined,
    }
}

fn mailbox(address: &Address) -> String {
    if address.name.is_empty() { address.address.clone() } else { format!("{} <{}>", address.name, address.address) }
}
