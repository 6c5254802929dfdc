//! `skrynka listen`: the listeners without a window.

use std::{process::ExitCode, sync::Arc, time::Duration};

use serde_json::json;
use skrynka_core::{
    engine::Tasks,
    journal::{JournalReader, News},
    store::JournalEntry,
};
use tokio_util::sync::CancellationToken;

use super::{Common, Output, Session};
use crate::{wire::stamp, wiring::fetched_files_dir};

/// How long the last tasks may take to end.
const STOP_DEADLINE: Duration = Duration::from_secs(10);

pub async fn run(common: &Common, output: Output, until_idle: bool) -> anyhow::Result<ExitCode> {
    let session = Arc::new(Session::open(common).await?);
    let tasks = Tasks::default();
    let watched = session.clone();
    let stopping = tasks.stopping();
    tasks.spawn("database", async move {
        tokio::select! {
            () = stopping.cancelled() => {}
            () = watched.bureau.watch_database() => {}
        }
    });
    let result = listen(&session, output, until_idle).await;
    tasks.shutdown(STOP_DEADLINE).await;
    session.bureau.close().await;
    result.map(|()| ExitCode::SUCCESS)
}

async fn listen(session: &Session, output: Output, until_idle: bool) -> anyhow::Result<()> {
    let mut journal = JournalReader::from_now(session.bureau.store.clone()).await?;
    let engine = session.bureau.listen("skrynka listen").await?;
    engine.fetch_small_files(fetched_files_dir(&session.ground.profile));
    output.note(&format!("Listening to {} accounts; stop with Ctrl+C", engine.statuses().len()))?;
    let stop = CancellationToken::new();
    let ended = {
        let follow = follow(&mut journal, output, &stop);
        let wait = async {
            tokio::select! {
                result = asked_to_stop() => result?,
                () = engine.settled(), if until_idle => {}
            }
            engine.shutdown().await;
            stop.cancel();
            anyhow::Ok(())
        };
        let (followed, waited) = futures_util::future::join(follow, wait).await;
        waited.and(followed)
    };
    print_rest(&mut journal, output).await?;
    ended
}

/// Prints facts as they are committed. A reader that closed the pipe ends nothing: listening is the work.
async fn follow(journal: &mut JournalReader, output: Output, stop: &CancellationToken) -> anyhow::Result<()> {
    loop {
        let news = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            news = journal.next() => news,
        };
        match news {
            Ok(news) => print(output, news),
            Err(error) => {
                tracing::warn!(target: "skrynka::store", error = skrynka_core::chain(&error), "Journal not read");
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = tokio::time::sleep(Duration::from_secs(2)) => {}
                }
            }
        }
    }
}

/// Prints what was committed while the listeners ended.
async fn print_rest(journal: &mut JournalReader, output: Output) -> anyhow::Result<()> {
    while let Ok(news) = tokio::time::timeout(Duration::from_millis(50), journal.next()).await {
        print(output, news?);
    }
    Ok(())
}

fn print(output: Output, news: News) {
    let printed = match news {
        News::Facts(facts) => facts.iter().try_for_each(|entry| print_fact(output, entry)),
        News::Overflowed => output.record(&json!({"kind": "overflowed"}), || "facts were pruned unread".to_owned()),
    };
    if let Err(error) = printed {
        tracing::debug!(target: "skrynka::app", error = %error, "Facts not printed");
    }
}

fn print_fact(output: Output, entry: &JournalEntry) -> std::io::Result<()> {
    let record = json!({
        "account": entry.account.to_string(),
        "seq": entry.seq,
        "kind": entry.fact.kind.as_str(),
        "conversation": entry.fact.conversation.map(|id| id.to_string()),
        "message": entry.fact.message.map(|id| id.to_string()),
        "at": stamp(entry.at),
    });
    output.record(&record, || format!("{}  {}  {}", stamp(entry.at), entry.account, entry.fact.kind.as_str()))
}

/// Returns when the system or a person asks the program to end.
#[cfg(unix)]
pub async fn asked_to_stop() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result?,
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// Returns when a person asks the program to end.
#[cfg(not(unix))]
pub async fn asked_to_stop() -> anyhow::Result<()> {
    Ok(tokio::signal::ctrl_c().await?)
}
