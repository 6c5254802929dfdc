//! `skrynka adopt`: takes over the database of the old web CRM.

use std::{
    path::PathBuf,
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
};

use secrecy::SecretString;
use serde_json::{Value, json};
use skrynka_core::{
    adopt::{AdoptError, Adoption, Phase, Progress, Report},
    postgres::ServerUrl,
};
use tokio_util::sync::CancellationToken;

use super::{
    Common, Output, Session,
    account::{EmailSecrets, PASSWORD_FORM, read_secrets},
    asked_to_stop,
};
use crate::adoption::{self, Handover, Source, Walk};

/// Progress is told each time so many rows are done.
const TOLD_EVERY: u64 = 10_000;

#[derive(Debug, clap::Args)]
pub struct AdoptArguments {
    /// The old database: postgres://ROLE@HOST/DATABASE without a password. It is only read, in one snapshot; the role
    /// needs SELECT on its tables.
    #[arg(long, value_name = "URL")]
    from: ServerUrl,
    /// The folder with its files: /app/media of the old system, or the one above it and uploads/.
    #[arg(long, value_name = "DIR")]
    media: Option<PathBuf>,
    /// Only tell what would come over and what cannot. Changes nothing, here or there.
    #[arg(long)]
    dry_run: bool,
    /// Read that server's password from standard input: {"password": "…"}.
    #[arg(long)]
    secrets_stdin: bool,
    /// The address of a client's card in the old CRM, with {id} where its key goes.
    #[arg(long, value_name = "URL")]
    client_link: Option<String>,
    /// The old system's listeners are stopped: try each account that they used, and switch it on where it works. Telegram
    /// destroys a session that is used from two places.
    #[arg(long, conflicts_with = "dry_run")]
    old_listeners_stopped: bool,
    /// Empty the sessions, API hashes and passwords of accounts that work here in the old tables. The old application can
    /// no longer send after that. The role needs UPDATE on the two tables of accounts.
    #[arg(long, requires = "old_listeners_stopped")]
    empty_old_secrets: bool,
}

pub async fn run(common: &Common, output: Output, arguments: AdoptArguments) -> anyhow::Result<ExitCode> {
    let password = match arguments.secrets_stdin {
        true => read_secrets::<EmailSecrets>(PASSWORD_FORM)?.password,
        false => SecretString::default(),
    };
    let source = Source {
        from: arguments.from.clone(),
        password,
        media: arguments.media.clone(),
        client_link: arguments.client_link.clone(),
    };
    Session::with(common, async |session| {
        let mut adoption = source.open(&session.bureau).await?;
        let done = adopt(session, output, &arguments, &source, &mut adoption).await;
        adoption.close().await;
        done.map(|()| ExitCode::SUCCESS)
    })
    .await
}

async fn adopt(
    session: &Session,
    output: Output,
    arguments: &AdoptArguments,
    source: &Source,
    adoption: &mut Adoption,
) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let told = Told { output, last: AtomicU64::new(0) };
    let progress = |progress| told.tell(progress);
    let work = async {
        let mut report = adoption.look(&progress, &stop).await?;
        adoption::know_colleagues(&session.ground.profile, &mut report)?;
        print(output, &report, "would_come")?;
        if arguments.dry_run {
            return anyhow::Ok(());
        }
        let mut report = adoption.run(&progress, &stop).await?;
        adoption::know_colleagues(&session.ground.profile, &mut report)?;
        print(output, &report, "came")?;
        adoption::add_colleagues(&session.ground.profile, &report.colleagues)?;
        let trying = walk(output, "trying", "accounts tried");
        let trying = Walk { stop: &stop, progress: &trying };
        let listeners_stopped = arguments.old_listeners_stopped;
        let mut handed = adoption::hand_over(&session.bureau, adoption, listeners_stopped, &[], &trying).await?;
        // What became of each account is told whatever the old database says to having its secrets emptied.
        let emptying = walk(output, "emptying", "accounts' old secrets emptied");
        let emptying = Walk { stop: &stop, progress: &emptying };
        let emptied = match arguments.empty_old_secrets {
            true => adoption::empty_old(&session.bureau, source, adoption, &mut handed.accounts, &emptying).await,
            false => Ok(()),
        };
        print_accounts(output, &handed.accounts)?;
        emptied?;
        if handed.left > 0 {
            return Err(AdoptError::Stopped.into());
        }
        output.note(adoption::AFTERWARDS)?;
        if !arguments.old_listeners_stopped {
            output.note(
                "New accounts stay switched off, so that both systems never use one at once. Stop the old system's \
                 listeners, then run this again with --old-listeners-stopped.",
            )?;
        }
        Ok(())
    };
    tokio::pin!(work);
    tokio::select! {
        done = &mut work => return done,
        asked = asked_to_stop() => asked?,
    }
    // What is being written is committed first, and an account that is being tried comes to its end.
    stop.cancel();
    output.step(&json!({"progress": "stopping"}), || "stopping once this step is done".to_owned());
    work.await
}

/// Progress for whoever looks on.
struct Told {
    output: Output,
    last: AtomicU64,
}

impl Told {
    fn tell(&self, Progress { phase, done, total }: Progress) {
        let word = match phase {
            Phase::Looking => "looking",
            Phase::Messages => "messages",
            Phase::Settling => "settling",
        };
        let last = self.last.load(Ordering::Relaxed);
        if done < total && done >= last && done < last + TOLD_EVERY {
            return;
        }
        self.last.store(done, Ordering::Relaxed);
        let record = json!({"progress": word, "done": done, "total": total});
        self.output.step(&record, || format!("{word}: {done} of {total}"));
    }
}

/// Tells whoever looks on of accounts that are gone through one after another.
fn walk(output: Output, word: &'static str, words: &'static str) -> impl Fn(usize, usize) + Send + Sync {
    move |done, total| {
        let record = json!({"progress": word, "done": done, "total": total});
        output.step(&record, || format!("{words}: {done} of {total}"));
    }
}

fn print(output: Output, report: &Report, what: &str) -> anyhow::Result<()> {
    for (thing, counted) in &report.counted {
        let remarks: Vec<Value> = counted
            .remarks
            .iter()
            .map(|(why, remark)| {
                json!({"why": why.as_str(), "count": remark.count, "comes_over": why.comes_over(),
                       "examples": remark.examples})
            })
            .collect();
        let record = json!({"report": what, "thing": thing.as_str(), "found": counted.found, "new": counted.new,
                            "known": counted.known, "remarks": remarks});
        output.record(&record, || {
            let name = thing.as_str().replace('_', " ");
            let verb = if what == "came" { "came over" } else { "would come over" };
            let mut text =
                format!("{name}: {} found, {} {verb}, {} here before", counted.found, counted.new, counted.known);
            for (why, remark) in &counted.remarks {
                let sign = if why.comes_over() { "note" } else { "not" };
                let named: Vec<&str> =
                    remark.examples.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
                let named = if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) };
                text.push_str(&format!("\n  {sign}: {} — {}{named}", remark.count, why.words()));
            }
            text
        })?;
    }
    Ok(())
}

fn print_accounts(output: Output, accounts: &[Handover]) -> anyhow::Result<()> {
    for one in accounts {
        let record = json!({"account": one.account.to_string(), "name": one.name, "old_id": one.old_id,
                            "channel": if one.is_mailbox { "email" } else { "telegram" },
                            "secret": one.state.as_str(), "why": one.state.why(), "emptied": one.emptied});
        output.record(&record, || {
            let why = one.state.why().map(|why| format!(": {why}")).unwrap_or_default();
            let emptied =
                if one.emptied > 0 { format!(", {} old secrets emptied", one.emptied) } else { String::new() };
            format!("{}: {}{why}{emptied}", one.name, one.state.as_str().replace('_', " "))
        })?;
    }
    Ok(())
}
