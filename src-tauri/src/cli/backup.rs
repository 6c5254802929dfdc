//! `skrynka backup` and `skrynka restore`: the private database in one file, and back.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::json;
use skrynka_core::backup;

use super::{Common, Output, Session, noted};
use crate::{
    backups,
    wire::stamp,
    wiring::{Bureau, Ground},
};

#[derive(Debug, Args)]
pub struct BackupArguments {
    /// The file to write (ZIP). It holds correspondence and no passwords.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Overwrite a file that is there.
    #[arg(long)]
    force: bool,
    /// Do not restore it on trial.
    #[arg(long)]
    no_trial: bool,
}

#[derive(Debug, Args)]
pub struct RestoreArguments {
    /// The backup.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace everything that this profile's database holds.
    #[arg(long)]
    replace: bool,
}

pub async fn back_up(common: &Common, output: Output, arguments: BackupArguments) -> anyhow::Result<ExitCode> {
    let path = arguments.file;
    if !arguments.force && path.exists() {
        bail!("{} exists already; name another file, or overwrite it with --force", path.display());
    }
    Session::with(common, async |session| {
        let made = backups::write(&session.ground, &session.bureau, &path, !arguments.no_trial).await?;
        let record = json!({
            "file": path.display().to_string(), "bytes": made.bytes, "made_at": stamp(made.made_at),
            "accounts": made.accounts, "messages": made.messages, "tried_out": made.tried_out, "untried": made.untried,
        });
        output.record(&record, || {
            let tried = match (&made.untried, made.tried_out) {
                (_, true) => "restored on trial".to_owned(),
                (Some(reason), false) => format!("not tried out: {reason}"),
                (None, false) => "not tried out".to_owned(),
            };
            let (messages, accounts, kib) = (made.messages, made.accounts, made.bytes.div_ceil(1024));
            format!("{}: {messages} messages of {accounts} accounts, {kib} KiB, {tried}", path.display())
        })?;
        Ok(ExitCode::SUCCESS)
    })
    .await
}

pub async fn restore(common: &Common, output: Output, arguments: RestoreArguments) -> anyhow::Result<ExitCode> {
    let RestoreArguments { file, replace } = arguments;
    // Looked at before there is a profile: what cannot be restored leaves nothing behind.
    backup::check(&file).await?;
    let places = common.places();
    // As a window does: none may be open on the profile meanwhile.
    let ground = Ground::open_for_window(&places)?;
    let restored = async {
        let secrets = ground.secrets(&places, None).await?;
        let bureau = Bureau::connect(&ground, &places, secrets, &|_| {}).await?;
        let restored = backups::restore(&bureau, &file, replace).await.context("nothing was restored");
        bureau.close().await;
        restored
    };
    let restored = noted(restored.await)?;
    let record = json!({
        "file": file.display().to_string(), "made_at": stamp(restored.made_at), "accounts": restored.accounts,
        "messages": restored.messages, "sign_in_again": restored.sign_in_again,
    });
    output.record(&record, || {
        let mut text = format!(
            "{} messages of {} accounts, as of {}",
            restored.messages,
            restored.accounts,
            stamp(restored.made_at)
        );
        if !restored.sign_in_again.is_empty() {
            text += "\nsign in again, since a backup holds no passwords:";
            for account in &restored.sign_in_again {
                text += &format!("\n  {account}");
            }
        }
        text += "\nrepeat removals of people's data that were made after this moment: the backup does not know of them";
        text
    })?;
    Ok(ExitCode::SUCCESS)
}
