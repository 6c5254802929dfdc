//! `skrynka listen`: the listeners without a window.

use std::{
    collections::{HashMap, VecDeque},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use serde_json::json;
use skrynka_core::{
    engine::{AccountStatus, Engine, Tasks},
    journal::{JournalReader, News},
    model::{AccountId, AccountState, Trouble},
    store::{FactKind, JournalEntry, Store, StoreError},
};
use tokio_util::sync::CancellationToken;

use super::{
    Common, Output, Session, noted,
    output::{Gone, Printer},
};
use crate::{backups, wire::stamp, wiring::fetched_files_dir};

/// How long the last tasks may take to end.
const STOP_DEADLINE: Duration = Duration::from_secs(10);
/// The pause before a database that did not answer is asked again.
const PAUSE: Duration = Duration::from_secs(2);
/// A search index that has not moved for this long does not fill.
const INDEX_DEADLINE: Duration = Duration::from_secs(60);
/// How long the last facts may take to be read and printed.
const LAST_FACTS: Duration = Duration::from_secs(5);

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
    let (backed_up, stopping) = (session.clone(), tasks.stopping());
    tasks.spawn("backups", async move {
        tokio::select! {
            () = stopping.cancelled() => {}
            () = backups::every_day(&backed_up.ground, &backed_up.bureau) => {}
        }
    });
    let result = noted(Box::pin(listen(&session, output, until_idle)).await);
    tasks.shutdown(STOP_DEADLINE).await;
    session.bureau.close().await;
    result.map(|()| ExitCode::SUCCESS)
}

/// What whoever has started the program as a service waits for.
enum Moment {
    /// The database is open, and the listeners have begun.
    Ready,
    /// Asked to end.
    Stopping,
}

/// Tells systemd how far the program is, where that has started it and wants to know.
#[cfg(target_os = "linux")]
fn tell_system(moment: &Moment) {
    let state = match moment {
        Moment::Ready => sd_notify::NotifyState::Ready,
        Moment::Stopping => sd_notify::NotifyState::Stopping,
    };
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(target: "skrynka::app", error = %error, "The system was not told how far the program is");
    }
}

/// Other systems look at nothing but whether it runs.
#[cfg(not(target_os = "linux"))]
const fn tell_system(_moment: &Moment) {}

/// Waits until every account has caught up and everything that is stored can be found.
///
/// # Errors
/// An account waits for a person, or the search index does not fill.
async fn idle(engine: &Engine, store: &Store) -> anyhow::Result<()> {
    engine.settled().await;
    let waiting: Vec<AccountStatus> =
        engine.statuses().into_iter().filter(|status| status.state.waits_for_person()).collect();
    let mut least = i64::MAX;
    let mut moved = tokio::time::Instant::now();
    loop {
        match store.search_pending().await {
            Ok(0) => break,
            Ok(pending) if pending < least => {
                least = pending;
                moved = tokio::time::Instant::now();
            }
            Ok(pending) if moved.elapsed() > INDEX_DEADLINE => {
                anyhow::bail!("{pending} messages are stored and not searchable yet; the next start goes on")
            }
            Ok(_) => {}
            Err(error) if moved.elapsed() > INDEX_DEADLINE => return Err(error.into()),
            Err(error) => {
                tracing::warn!(target: "skrynka::store", error = skrynka_core::chain(&error), "Search queue not read");
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    if waiting.is_empty() {
        return Ok(());
    }
    let mut words = Vec::new();
    for status in waiting {
        words.extend(trouble(store, &status).await);
    }
    anyhow::bail!("not every account is live: {}", words.join("; "))
}

/// Says on standard error what is wrong with an account as it happens, once for each thing that goes wrong.
async fn complain(engine: &Engine, store: &Store, stop: &CancellationToken) -> anyhow::Result<()> {
    let printer = Printer::to_errors()?;
    let mut changes = engine.watch_statuses();
    let mut told: HashMap<AccountId, (&'static str, Trouble)> = HashMap::new();
    loop {
        for status in engine.statuses() {
            if status.state == AccountState::Live {
                told.remove(&status.account);
            }
            let Some(why) = status.state.trouble() else { continue };
            let news = (status.state.as_str(), why.clone());
            if told.get(&status.account) != Some(&news) {
                told.insert(status.account, news);
                if let Some(words) = trouble(store, &status).await {
                    printer.offer(words);
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            changed = changes.changed() => changed?,
        }
    }
}

/// What is wrong with an account, and what to do about it.
async fn trouble(store: &Store, status: &AccountStatus) -> Option<String> {
    let why = status.state.trouble()?;
    let id = status.account;
    let known = tokio::time::timeout(Duration::from_secs(2), store.account(id)).await.ok()?.ok().flatten();
    let name = known.map_or_else(|| id.to_string(), |account| format!("{} ({id})", account.name));
    let advice = match &status.state {
        AccountState::BackingOff { until, .. } => format!("the next attempt follows at {}", stamp(*until)),
        AccountState::Limited { until, .. } => format!("attempts go on at {}", stamp(*until)),
        AccountState::NeedsSignIn { .. } | AccountState::Misconfigured { .. } => format!(
            "correct it in the window, or remove it and add it again; its messages stay; `skrynka account test {id}` \
             shows each step"
        ),
        AccountState::Idle
        | AccountState::Connecting
        | AccountState::CatchingUp { .. }
        | AccountState::Live
        | AccountState::Elsewhere { .. }
        | AccountState::Stopped => return None,
    };
    Some(format!("{name}: {}, {}: {}; {advice}", status.state.as_str(), why.code.as_str(), why.detail))
}

async fn listen(session: &Session, output: Output, until_idle: bool) -> anyhow::Result<()> {
    let store = &session.bureau.store;
    let mut facts = Facts::from_now(store, output).await?;
    // Another reader than the one that prints: accounts are followed while nobody reads what is printed.
    let mut accounts = JournalReader::of(store.clone(), AccountId::BUREAU).await?;
    // Whoever is told below that the program is ready may ask it to end at once.
    let asked = asked_to_stop();
    let engine = session.bureau.listen("skrynka listen").await?;
    engine.fetch_small_files(fetched_files_dir(&session.ground.profile));
    tell_system(&Moment::Ready);
    facts.note(format!("Listening to {} accounts; stop with Ctrl+C", engine.statuses().len()));
    let stop = CancellationToken::new();
    let wait = async {
        let ended = tokio::select! {
            result = asked => result,
            result = idle(&engine, store), if until_idle => result,
        };
        tell_system(&Moment::Stopping);
        engine.shutdown().await;
        stop.cancel();
        ended
    };
    let follow = follow(&mut accounts, &engine, &stop);
    let complain = complain(&engine, store, &stop);
    let (waited, (), (), complained) =
        Box::pin(futures_util::future::join4(wait, follow, facts.print(&stop), complain)).await;
    if tokio::time::timeout(LAST_FACTS, facts.finish(store)).await.is_err() {
        tracing::warn!(target: "skrynka::app", "Last facts not printed");
    }
    waited.and(complained)
}

/// Listens to accounts as they are added, changed and removed by other programs.
async fn follow(journal: &mut JournalReader, engine: &Engine, stop: &CancellationToken) {
    let mut accounts_changed = false;
    loop {
        let news = tokio::select! {
            () = stop.cancelled() => return,
            news = journal.next() => Some(news),
            () = tokio::time::sleep(PAUSE), if accounts_changed => None,
        };
        match news {
            Some(Ok(news)) => accounts_changed |= concerns_accounts(&news),
            Some(Err(error)) => pause(&error, stop).await,
            None => {}
        }
        if accounts_changed {
            match engine.follow_accounts().await {
                Ok(()) => accounts_changed = false,
                Err(error) => {
                    let error = skrynka_core::chain(&error);
                    tracing::warn!(target: "skrynka::app", error, "Accounts not followed");
                }
            }
        }
    }
}

async fn pause(error: &StoreError, stop: &CancellationToken) {
    tracing::warn!(target: "skrynka::store", error = skrynka_core::chain(error), "Journal not read");
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(PAUSE) => {}
    }
}

/// Tells whether an account may have been added, changed or removed.
fn concerns_accounts(news: &News) -> bool {
    match news {
        News::Overflowed => true,
        News::Facts(facts) => facts.iter().any(|entry| {
            matches!(entry.fact.kind, FactKind::AccountAdded | FactKind::AccountChanged | FactKind::AccountRemoved)
        }),
    }
}

/// Facts on their way to standard output.
struct Facts {
    journal: JournalReader,
    output: Output,
    printer: Printer,
    /// Read and not handed over yet.
    lines: VecDeque<String>,
}

impl Facts {
    async fn from_now(store: &Store, output: Output) -> anyhow::Result<Self> {
        let journal = JournalReader::from_now(store.clone()).await?;
        Ok(Self { journal, output, printer: Printer::to_output()?, lines: VecDeque::new() })
    }

    /// Prints a line for people only.
    fn note(&mut self, text: String) {
        if !self.output.is_json() {
            self.lines.push_back(text);
        }
    }

    /// Prints facts as they are committed, until `stop`. A reader that closed the pipe ends nothing: listening is the
    /// work.
    async fn print(&mut self, stop: &CancellationToken) {
        loop {
            let handed_over = tokio::select! {
                () = stop.cancelled() => return,
                handed_over = self.hand_over() => handed_over,
            };
            if handed_over.is_err() {
                return stop.cancelled().await;
            }
            let news = tokio::select! {
                () = stop.cancelled() => return,
                news = self.journal.next() => news,
            };
            match news {
                Ok(news) => self.take(&news),
                Err(error) => pause(&error, stop).await,
            }
        }
    }

    /// Prints what was committed until the listeners had ended.
    async fn finish(mut self, store: &Store) {
        if self.read_to_end(store).await.is_ok() {
            self.printer.finish().await;
        }
    }

    async fn read_to_end(&mut self, store: &Store) -> Result<(), Gone> {
        self.hand_over().await?;
        let end = match store.journal_vector(None).await {
            Ok(end) => end,
            Err(error) => {
                tracing::warn!(target: "skrynka::store", error = skrynka_core::chain(&error), "Journal not read");
                return Ok(());
            }
        };
        while end.iter().any(|(account, seq)| self.journal.vector().get(account).is_none_or(|read| read < seq)) {
            match self.journal.next().await {
                Ok(news) => self.take(&news),
                Err(error) => {
                    tracing::warn!(target: "skrynka::store", error = skrynka_core::chain(&error), "Journal not read");
                    return Ok(());
                }
            }
            self.hand_over().await?;
        }
        Ok(())
    }

    fn take(&mut self, news: &News) {
        let output = self.output;
        let line = match news {
            News::Facts(facts) => {
                self.lines.extend(facts.iter().filter_map(|entry| fact(output, entry).ok()));
                return;
            }
            News::Overflowed => output.line(&json!({"kind": "overflowed"}), || "facts were pruned unread".to_owned()),
        };
        self.lines.extend(line);
    }

    /// Cancel-safe: a line is taken once there is room for it.
    async fn hand_over(&mut self) -> Result<(), Gone> {
        while !self.lines.is_empty() {
            let room = self.printer.ready().await?;
            if let Some(line) = self.lines.pop_front() {
                room.send(line);
            }
        }
        Ok(())
    }
}

fn fact(output: Output, entry: &JournalEntry) -> std::io::Result<String> {
    let record = json!({
        "account": entry.account.to_string(),
        "seq": entry.seq,
        "kind": entry.fact.kind.as_str(),
        "conversation": entry.fact.conversation.map(|id| id.to_string()),
        "message": entry.fact.message.map(|id| id.to_string()),
        "at": stamp(entry.at),
    });
    output.line(&record, || format!("{}  {}  {}", stamp(entry.at), entry.account, entry.fact.kind.as_str()))
}

/// Returns when the system or a person asks the program to end.
///
/// It is heard from the call on, not only once somebody waits.
#[cfg(unix)]
pub fn asked_to_stop() -> impl Future<Output = anyhow::Result<()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
    async move {
        let [terminate, interrupt] = signals;
        let (mut terminate, mut interrupt) = (terminate?, interrupt?);
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        Ok(())
    }
}

/// Returns when a person asks the program to end.
#[cfg(not(unix))]
pub async fn asked_to_stop() -> anyhow::Result<()> {
    Ok(tokio::signal::ctrl_c().await?)
}
