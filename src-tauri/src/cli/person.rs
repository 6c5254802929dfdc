//! `skrynka person`: what is kept of somebody, and its removal on their request.

use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;
use serde_json::json;
use skrynka_core::{
    forget::{self, Progress},
    store::{ForgetPreview, Identity, PersonHandle},
};
use tokio_util::sync::CancellationToken;

use super::{Common, Output, Session, asked_to_stop};
use crate::copies;

/// What a removal leaves where it is.
const STAYS: &str = "stays: what stands on the mail servers and in Telegram, what was sent included; backups and logs until \
                     they age. What they write from now on arrives as from somebody new.";

#[derive(Debug, Subcommand)]
pub enum PersonCommand {
    /// Remove everything that is kept of somebody, on every network, so that it does not come back. Cannot be undone.
    Forget {
        /// An address, @username, phone with +, or a Telegram user's number.
        #[arg(value_name = "WHO")]
        who: PersonHandle,
        /// Only count what would go and what would stay.
        #[arg(long)]
        dry_run: bool,
        /// Do it. To keep a copy first: skrynka export messages --to FOLDER.
        #[arg(long, conflicts_with = "dry_run")]
        yes: bool,
    },
}

pub async fn run(common: &Common, output: Output, command: PersonCommand) -> anyhow::Result<ExitCode> {
    let PersonCommand::Forget { who, dry_run, yes } = command;
    Session::with(common, async |session| {
        let store = &session.bureau.store;
        let Some(identity) = store.identity(&who).await? else {
            bail!("nothing is kept of {}; look for them with skrynka search", who.value);
        };
        let preview = store.forget_preview(&identity).await?;
        print_preview(output, &identity, &preview)?;
        if dry_run {
            return Ok(ExitCode::SUCCESS);
        }
        if !yes {
            bail!("nothing was removed; run it again with --yes to remove this for good");
        }
        let stop = CancellationToken::new();
        let tell = |Progress { done, total }: Progress| {
            let record = json!({"progress": "removing", "done": done, "total": total});
            output.step(&record, || format!("removed: {done} of {total}"));
        };
        let work = forget::forget(store, &identity, &tell, &stop);
        tokio::pin!(work);
        let removed = tokio::select! {
            removed = &mut work => removed,
            asked = asked_to_stop() => {
                asked?;
                // What is being removed is removed first.
                stop.cancel();
                work.await
            }
        }?;
        copies::forget(&session.ground.profile, store).await?;
        output.record(&json!({"removed": removed}), || format!("done: {removed} messages removed\n{STAYS}"))?;
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn print_preview(output: Output, identity: &Identity, preview: &ForgetPreview) -> anyhow::Result<()> {
    let handles: Vec<String> =
        identity.handles().iter().map(|handle| format!("{} {}", handle.kind.as_str(), handle.value)).collect();
    let ForgetPreview { name, conversations, messages, blanked, files, unsent, notes, kept } = preview;
    let record = json!({
        "name": name, "handles": handles, "conversations": conversations, "messages": messages, "blanked": blanked,
        "files": files, "unsent": unsent, "notes": notes, "kept": kept,
    });
    output.record(&record, || {
        format!(
            "{name}: {}\ngoes: {messages} messages, {conversations} whole conversations, {files} files, {unsent} not sent \
             yet, {notes} drafts and notes\ngoes, its place stays: {blanked} messages in groups\nstays: {kept} mails of \
             others in which they are among the recipients",
            handles.join(", ")
        )
    })?;
    Ok(())
}
