//! One owner per account: programs beside each other on one database.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use skrynka_core::{
    clock::{Clock, SystemClock},
    connector::Batch,
    engine::Presence,
    ingest::Ingest,
    model::AccountState,
    store::{LeaseHolder, LeaseSpan, LeaseToken, StoreError, TakenLease},
};
use time::OffsetDateTime;

use crate::{
    common::{Bureau, Mail, START},
    programs::{Start, TERMS, Wire},
};

/// The computer's clock, with time asleep added by the test.
struct Sleeper {
    asleep_ms: AtomicI64,
}

impl Clock for Sleeper {
    fn now(&self) -> OffsetDateTime {
        SystemClock.now() + time::Duration::milliseconds(self.asleep_ms.load(Ordering::SeqCst))
    }
}

fn holder(name: &str, id: u128) -> LeaseHolder {
    LeaseHolder { id: uuid::Uuid::from_u128(id), name: name.to_owned(), home: String::new() }
}

/// Of a holder who keeps it as long as the test wants.
const LONG: LeaseSpan = LeaseSpan { valid: Duration::from_secs(3600), linger: Duration::ZERO };
const SPAN: LeaseSpan = LeaseSpan { valid: Duration::from_millis(300), linger: Duration::from_millis(300) };

#[tokio::test]
async fn only_one_program_listens_and_the_others_say_who() {
    let bureau = Bureau::with_chats().await;
    let wire = Arc::new(Wire::default());
    let one = Start::new(&bureau, "skrynka listen, office", &wire).run().await;
    one.until_live(&bureau).await;
    let two = Start::new(&bureau, "Skrynka, desk", &wire).run().await;

    let state = two.until_elsewhere(&bureau).await;

    assert!(
        matches!(&state, AccountState::Elsewhere { holder, .. } if holder == "skrynka listen, office"),
        "{state:?}"
    );
    two.engine.settled().await;
    assert!(two.engine.remote(bureau.account).is_none());
    // Longer than a lease lasts without being renewed.
    tokio::time::sleep(TERMS.valid * 2 + TERMS.linger_telegram).await;
    assert_eq!(wire.most.load(Ordering::SeqCst), 1);
    assert_eq!(wire.opened.load(Ordering::SeqCst), 1);
    let held = bureau.store.lease(bureau.account).await.unwrap().unwrap();
    assert!(held.valid && held.holder.name == "skrynka listen, office");
    two.engine.shutdown().await;
    let stored = bureau.store.statuses().await.unwrap();
    let status = stored.iter().find(|status| status.account == bureau.account);
    assert!(status.is_none_or(|status| status.state != state), "the listening program alone says how it is");
    one.engine.shutdown().await;
}

#[tokio::test]
async fn a_program_that_ends_hands_over_at_once() {
    let bureau = Bureau::with_chats().await;
    let wire = Arc::new(Wire::default());
    let one = Start::new(&bureau, "one", &wire).run().await;
    one.until_live(&bureau).await;
    let two = Start::new(&bureau, "two", &wire).run().await;
    two.until_elsewhere(&bureau).await;

    let begun = std::time::Instant::now();
    one.engine.shutdown().await;
    two.until_live(&bureau).await;

    println!("hand-over took {:?}", begun.elapsed());
    assert_eq!(wire.most.load(Ordering::SeqCst), 1, "the old connection is closed before the new one is opened");
    two.engine.shutdown().await;
    assert_eq!(bureau.store.lease(bureau.account).await.unwrap(), None);
}

#[tokio::test]
async fn after_a_crash_the_next_program_waits_until_the_old_connection_must_be_dead() {
    let bureau = Bureau::with_chats().await;
    let wire = Arc::new(Wire::default());
    let span = LeaseSpan { valid: TERMS.valid, linger: TERMS.linger_telegram };
    // The holder of this lease is never heard of again.
    let taken = bureau.store.take_lease(bureau.account, &holder("crashed", 1), span, None).await.unwrap();
    assert!(matches!(taken, TakenLease::Ours(_)));
    let begun = std::time::Instant::now();
    let two = Start::new(&bureau, "two", &wire).run().await;

    two.until_elsewhere(&bureau).await;
    two.until_live(&bureau).await;

    let waited = begun.elapsed();
    assert!(waited >= span.valid + span.linger - Duration::from_millis(50), "{waited:?}");
    two.engine.shutdown().await;
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_holder_that_is_proved_dead_is_followed_at_once() {
    let bureau = Bureau::with_chats().await;
    let wire = Arc::new(Wire::default());
    let profile = tempfile::tempdir().unwrap();
    let presence = Presence::open(profile.path(), "two".to_owned(), START).unwrap();
    let dead = LeaseHolder { home: presence.holder().home.clone(), ..holder("dead", 2) };
    std::fs::write(profile.path().join(format!("running/{}.lock", dead.id)), "").unwrap();
    let span = LeaseSpan { valid: Duration::from_secs(3600), linger: Duration::ZERO };
    bureau.store.take_lease(bureau.account, &dead, span, None).await.unwrap();

    let two = Start { presence: Some(presence), ..Start::new(&bureau, "two", &wire) }.run().await;

    two.until_live(&bureau).await;
    two.engine.shutdown().await;
}

#[tokio::test]
async fn a_stale_token_writes_nothing() {
    let bureau = Bureau::new().await;
    let (one, two) = (holder("one", 1), holder("two", 2));
    let store = &bureau.store;
    let TakenLease::Ours(old) = store.take_lease(bureau.account, &one, SPAN, None).await.unwrap() else { panic!() };
    let ingest = Ingest::new(store.clone(), Arc::new(SystemClock));
    let batch = |uid| Batch { incoming: vec![Mail::new(uid).incoming()], cursors: Vec::new() };
    ingest.ingest(bureau.account, Some(old), batch(1)).await.unwrap();
    let refused = store.take_lease(bureau.account, &two, SPAN, None).await.unwrap();
    assert!(matches!(refused, TakenLease::Theirs(held) if held.holder == one));
    tokio::time::sleep(SPAN.valid + SPAN.linger).await;
    let TakenLease::Ours(new) = store.take_lease(bureau.account, &two, SPAN, None).await.unwrap() else { panic!() };
    assert!(new > old);

    assert!(matches!(ingest.ingest(bureau.account, Some(old), batch(2)).await, Err(StoreError::LeaseLost)));
    assert!(!store.renew_lease(bureau.account, old, SPAN).await.unwrap());
    store.release_lease(bureau.account, old).await.unwrap();
    assert!(store.renew_lease(bureau.account, new, SPAN).await.unwrap(), "a stale release releases nothing");
    ingest.ingest(bureau.account, Some(new), batch(2)).await.unwrap();
    assert_eq!(bureau.stored().await, 2);
}

#[tokio::test]
async fn who_would_take_over_waits_for_what_is_being_written() {
    let bureau = Bureau::new().await;
    let store = &bureau.store;
    let gone = LeaseSpan { valid: Duration::ZERO, linger: Duration::ZERO };
    let taken = store.take_lease(bureau.account, &holder("one", 1), gone, None).await.unwrap();
    let TakenLease::Ours(token) = taken else { panic!() };
    let writing = store.begin_ingest(bureau.account, Some(token)).await.unwrap();

    let refused = store.take_lease(bureau.account, &holder("two", 2), SPAN, None).await.unwrap();
    assert!(matches!(refused, TakenLease::Theirs(_)), "its time is over, and it is still writing");
    assert!(store.renew_lease(bureau.account, token, gone).await.unwrap(), "writing does not keep it from renewing");
    drop(writing);

    // A transaction that was dropped is rolled back behind our back.
    let taken = async {
        loop {
            match store.take_lease(bureau.account, &holder("two", 2), SPAN, None).await.unwrap() {
                TakenLease::Ours(new) => break new,
                TakenLease::Theirs(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(5), taken).await.unwrap() > token);
}

/// Takes the lease of a program that is said to be dead and yet writes now and then: a locked row is not taken.
async fn take(bureau: &Bureau, taker: &LeaseHolder, span: LeaseSpan, dead: uuid::Uuid) -> LeaseToken {
    loop {
        match bureau.store.take_lease(bureau.account, taker, span, Some(dead)).await.unwrap() {
            TakenLease::Ours(token) => return token,
            TakenLease::Theirs(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

#[tokio::test]
async fn a_program_whose_lease_was_taken_stops_its_listener_and_waits() {
    let bureau = Bureau::with_chats().await;
    let wire = Arc::new(Wire::default());
    let one = Start::new(&bureau, "one", &wire).run().await;
    one.until_live(&bureau).await;
    let held = bureau.store.lease(bureau.account).await.unwrap().unwrap();
    let taker = holder("taker", 9);
    let token = take(&bureau, &taker, LONG, held.holder.id).await;

    let state = one.until_elsewhere(&bureau).await;

    assert!(matches!(state, AccountState::Elsewhere { holder, .. } if holder == "taker"));
    assert_eq!(wire.connected.load(Ordering::SeqCst), 0);
    bureau.store.release_lease(bureau.account, token).await.unwrap();
    one.until_live(&bureau).await;
    one.engine.shutdown().await;
}

#[tokio::test]
async fn after_sleep_connections_begin_anew_under_a_lease_that_was_checked() {
    let bureau = Bureau::with_chats().await;
    let wire = Arc::new(Wire::default());
    let clock = Arc::new(Sleeper { asleep_ms: AtomicI64::new(0) });
    let one = Start { clock: clock.clone(), ..Start::new(&bureau, "one", &wire) }.run().await;
    one.until_live(&bureau).await;

    // Nobody has taken the lease: it is renewed, and everything begins anew.
    clock.asleep_ms.store(3_600_000, Ordering::SeqCst);
    while wire.opened.load(Ordering::SeqCst) < 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    one.until_live(&bureau).await;
    assert_eq!(wire.most.load(Ordering::SeqCst), 1);

    // Somebody has: nothing goes out any more.
    let held = bureau.store.lease(bureau.account).await.unwrap().unwrap();
    take(&bureau, &holder("taker", 9), LONG, held.holder.id).await;
    let opened = wire.opened.load(Ordering::SeqCst);
    clock.asleep_ms.store(7_200_000, Ordering::SeqCst);
    one.until_elsewhere(&bureau).await;
    assert_eq!(wire.opened.load(Ordering::SeqCst), opened);
    one.engine.shutdown().await;
}

#[tokio::test]
async fn a_database_that_does_not_answer_ends_the_listener_before_the_lease() {
    let bureau = Bureau::with_chats().await;
    let wire = Arc::new(Wire::default());
    let one = Start::new(&bureau, "one", &wire).run().await;
    one.until_live(&bureau).await;
    let taken = std::time::Instant::now();

    // The program's own connections are gone; the lease it holds runs out by the database's clock.
    let _closing = tokio::time::timeout(Duration::from_millis(10), one.store.close()).await;
    while wire.connected.load(Ordering::SeqCst) > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    assert!(taken.elapsed() < TERMS.valid, "{:?}", taken.elapsed());
    let held = bureau.store.lease(bureau.account).await.unwrap().unwrap();
    assert!(held.valid, "it stopped before its lease ended");
    one.engine.shutdown().await;
}

#[tokio::test]
async fn a_programs_crash_and_end_many_times_over_never_make_two_connections() {
    let bureau = Bureau::with_chats().await;
    let wire = Arc::new(Wire::default());
    let mut programs = Vec::new();
    for name in ["a", "b", "c"] {
        programs.push(Start::new(&bureau, name, &wire).run().await);
    }
    for round in 0..12 {
        while wire.connected.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let holding = programs.iter().position(|program| program.engine.remote(bureau.account).is_some());
        if let Some(holding) = holding {
            let program = programs.remove(holding);
            program.engine.shutdown().await;
            programs.push(Start::new(&bureau, &format!("program {round}"), &wire).run().await);
        }
    }
    assert_eq!(wire.most.load(Ordering::SeqCst), 1);
    for program in &programs {
        program.engine.shutdown().await;
    }
}
