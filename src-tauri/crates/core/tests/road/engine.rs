//! The engine over a listener that does what each test tells it, on a real Postgres.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use crate::common::{Bureau, Mail, START, draft};
use futures_util::future::BoxFuture;
use skrynka_core::{
    clock::SystemClock,
    connector::{Batch, Connector, ConnectorError, Halves, IncomingSender, Listener, Remote, Resume},
    engine::{Backoff, Engine, EngineParts, LeaseTerms, MailTerms, Presence},
    model::{Account, AccountState, Channel, Trouble, TroubleCode},
    secrets::Secrets,
};
use tokio_util::sync::CancellationToken;

type Script =
    Arc<dyn Fn(u32, IncomingSender, CancellationToken) -> BoxFuture<'static, Result<(), ConnectorError>> + Send + Sync>;

/// Runs the script; it is told which attempt this is, counted from 1.
struct Scripted {
    script: Script,
    attempts: Arc<AtomicU32>,
}

struct ScriptedListener {
    script: Script,
    attempt: u32,
}

struct NoRemote;

impl Connector for Scripted {
    fn open(
        &self,
        _: &Account,
        _: Resume,
        _: Secrets,
        _: CancellationToken,
    ) -> BoxFuture<'_, Result<Halves, ConnectorError>> {
        let attempt = self.attempts.fetch_add(1, Ordering::SeqCst) + 1;
        let listener: Box<dyn Listener> = Box::new(ScriptedListener { script: self.script.clone(), attempt });
        let remote: Arc<dyn Remote> = Arc::new(NoRemote);
        Box::pin(async move { Ok((listener, remote)) })
    }
}

impl Listener for ScriptedListener {
    fn run(
        self: Box<Self>,
        inbox: IncomingSender,
        stop: CancellationToken,
    ) -> BoxFuture<'static, Result<(), ConnectorError>> {
        (self.script)(self.attempt, inbox, stop)
    }
}

impl Remote for NoRemote {}

async fn engine(bureau: &Bureau, script: Script) -> (Engine, Arc<AtomicU32>) {
    let brief = Duration::from_millis(20);
    engine_with(bureau, script, Backoff { first: brief, cap: brief, database_cap: brief }).await
}

async fn engine_with(bureau: &Bureau, script: Script, backoff: Backoff) -> (Engine, Arc<AtomicU32>) {
    let attempts = Arc::new(AtomicU32::new(0));
    let connector: Arc<dyn Connector> = Arc::new(Scripted { script, attempts: attempts.clone() });
    let engine = Engine::start(EngineParts {
        store: bureau.store.clone(),
        secrets: Arc::new(skrynka_core::secrets::memory::MemorySecrets::default()),
        connectors: HashMap::from([(Channel::Email, connector)]),
        clock: Arc::new(SystemClock),
        backoff,
        presence: Arc::new(Presence::unproved("a test", START)),
        terms: LeaseTerms::default(),
        mail: MailTerms::default(),
    })
    .await
    .unwrap();
    (engine, attempts)
}

async fn until(engine: &Engine, wanted: impl Fn(&AccountState) -> bool) -> AccountState {
    let mut changes = engine.watch_statuses();
    let wait = async {
        loop {
            if let Some(status) = engine.statuses().first()
                && wanted(&status.state)
            {
                return status.state.clone();
            }
            changes.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("the state is reached")
}

fn failure(code: TroubleCode) -> ConnectorError {
    ConnectorError::Transient { why: Trouble { code, detail: "on purpose".to_owned() }, retry_after: None }
}

#[tokio::test]
async fn what_was_handed_over_before_the_end_is_stored() {
    let bureau = Bureau::new().await;
    let (engine, _) = engine(
        &bureau,
        Arc::new(|_, inbox, stop| {
            Box::pin(async move {
                for uid in 1..=3 {
                    let batch = Batch { incoming: vec![Mail::new(uid).incoming()], cursors: Vec::new() };
                    let _not_awaited = inbox.send(batch).await;
                }
                inbox.state(AccountState::Live);
                stop.cancelled().await;
                Ok(())
            })
        }),
    )
    .await;

    engine.settled().await;
    engine.shutdown().await;

    assert_eq!(bureau.stored().await, 3);
    assert_eq!(engine.statuses()[0].state, AccountState::Stopped);
}

#[tokio::test]
async fn a_panic_ends_one_attempt_and_the_next_one_follows() {
    let bureau = Bureau::new().await;
    let (engine, attempts) = engine(
        &bureau,
        Arc::new(|attempt, inbox, stop| {
            Box::pin(async move {
                assert!(attempt > 2, "on purpose");
                inbox.state(AccountState::Live);
                stop.cancelled().await;
                Ok(())
            })
        }),
    )
    .await;

    until(&engine, |state| *state == AccountState::Live).await;

    assert_eq!(attempts.load(Ordering::SeqCst), 3);
    let (trouble, _) = engine.statuses()[0].last_error.clone().unwrap();
    assert_eq!(trouble.code, TroubleCode::Internal);
    engine.shutdown().await;
}

#[tokio::test]
async fn a_refused_sign_in_waits_for_a_person() {
    let bureau = Bureau::new().await;
    let (engine, attempts) = engine(
        &bureau,
        Arc::new(|attempt, inbox, stop| {
            Box::pin(async move {
                if attempt == 1 {
                    let why = Trouble { code: TroubleCode::SignIn, detail: "no".to_owned() };
                    return Err(ConnectorError::SignInRequired(why));
                }
                inbox.state(AccountState::Live);
                stop.cancelled().await;
                Ok(())
            })
        }),
    )
    .await;

    until(&engine, |state| matches!(state, AccountState::NeedsSignIn { .. })).await;
    assert_eq!(attempts.load(Ordering::SeqCst), 1);
    engine.retry_now(bureau.account).await;
    until(&engine, |state| *state == AccountState::Live).await;
    engine.shutdown().await;
}

#[tokio::test]
async fn a_failed_attempt_says_when_the_next_follows() {
    let bureau = Bureau::new().await;
    let (engine, _) = engine(&bureau, Arc::new(|_, _, _| Box::pin(async { Err(failure(TroubleCode::Network)) }))).await;

    let state = until(&engine, |state| matches!(state, AccountState::BackingOff { attempt: 2.., .. })).await;

    assert_eq!(state.trouble().unwrap().detail, "on purpose");
    engine.shutdown().await;
}

#[tokio::test]
async fn a_disabled_account_is_not_listened_to_until_it_is_enabled() {
    let bureau = Bureau::new().await;
    bureau.store.set_account_enabled(bureau.account, false).await.unwrap();
    let (engine, attempts) = engine(
        &bureau,
        Arc::new(|_, inbox, stop| {
            Box::pin(async move {
                inbox.state(AccountState::Live);
                stop.cancelled().await;
                Ok(())
            })
        }),
    )
    .await;
    engine.settled().await;
    assert_eq!(attempts.load(Ordering::SeqCst), 0);

    bureau.store.set_account_enabled(bureau.account, true).await.unwrap();
    engine.reload(bureau.account).await.unwrap();

    until(&engine, |state| *state == AccountState::Live).await;
    engine.shutdown().await;
}

#[tokio::test]
async fn a_full_disk_is_not_tried_every_few_seconds() {
    let bureau = Bureau::new().await;
    for statement in [
        "CREATE FUNCTION skrynka.refuse() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$",
        "CREATE TRIGGER full_disk BEFORE INSERT ON skrynka.messages EXECUTE FUNCTION skrynka.refuse()",
    ] {
        sqlx::query(statement).execute(&bureau.database.pool).await.unwrap();
    }
    let brief = Duration::from_millis(20);
    let backoff = Backoff { first: brief, cap: Duration::from_secs(60), database_cap: brief };
    let script: Script = Arc::new(|_, inbox, stop| {
        Box::pin(async move {
            let batch = Batch { incoming: vec![Mail::new(1).incoming()], cursors: Vec::new() };
            let _refused = inbox.deliver(batch).await;
            stop.cancelled().await;
            Ok(())
        })
    });
    let (engine, _) = engine_with(&bureau, script, backoff).await;

    let state = until(&engine, |state| matches!(state, AccountState::BackingOff { attempt: 6.., .. })).await;

    let AccountState::BackingOff { until, why, .. } = state else { unreachable!() };
    assert_eq!(why.code, TroubleCode::Database);
    let pause = until - skrynka_core::clock::Clock::now(&SystemClock);
    assert!(pause > time::Duration::milliseconds(200), "{pause}");
    engine.shutdown().await;
}

fn live_until_stopped() -> Script {
    Arc::new(|_, inbox, stop| {
        Box::pin(async move {
            inbox.state(AccountState::Live);
            stop.cancelled().await;
            Ok(())
        })
    })
}

#[tokio::test]
async fn what_another_program_does_with_an_account_is_followed() {
    let bureau = Bureau::new().await;
    let (engine, attempts) = engine(&bureau, live_until_stopped()).await;
    until(&engine, |state| *state == AccountState::Live).await;
    let mut settings = draft(bureau.account, "office@example.org").email;

    bureau.store.update_email_account(bureau.account, "Another name", None, &settings).await.unwrap();
    engine.follow_accounts().await.unwrap();
    assert_eq!(attempts.load(Ordering::SeqCst), 1, "a name is nothing to sign in again for");

    settings.folders.push("Archive".to_owned());
    bureau.store.update_email_account(bureau.account, "Another name", None, &settings).await.unwrap();
    engine.follow_accounts().await.unwrap();
    until(&engine, |state| *state == AccountState::Live).await;
    assert_eq!(attempts.load(Ordering::SeqCst), 2);

    bureau.store.set_account_enabled(bureau.account, false).await.unwrap();
    engine.follow_accounts().await.unwrap();
    until(&engine, |state| *state == AccountState::Stopped).await;

    bureau.store.remove_account(bureau.account, true).await.unwrap();
    engine.follow_accounts().await.unwrap();
    assert_eq!(engine.statuses(), [], "nothing is written of an account that is gone");
    engine.shutdown().await;
}

#[tokio::test]
async fn stored_messages_become_searchable_by_themselves() {
    let bureau = Bureau::new().await;
    let (engine, _) = engine(
        &bureau,
        Arc::new(|_, inbox, stop| {
            Box::pin(async move {
                let mails = (1..=700).map(|uid| Mail::new(uid).incoming()).collect();
                inbox.deliver(Batch { incoming: mails, cursors: Vec::new() }).await.unwrap();
                inbox.state(AccountState::Live);
                stop.cancelled().await;
                Ok(())
            })
        }),
    )
    .await;

    engine.settled().await;
    let searchable = async {
        while bureau.store.search("текст", None, None, 1000).await.unwrap().len() < 700 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), searchable).await.expect("all are found");
    engine.shutdown().await;
}
