//! Everything that hung for ever or took the program along.

use std::time::Duration;

use skrynka_core::{
    connector::ConnectorError,
    model::{AccountState, TroubleCode},
};
use skrynka_lab::telegram::Push;
use tokio::time::Instant;

use crate::desk::{Desk, Office, quick};

/// Trap 12: a data centre that accepts and says nothing holds a request for ever, and the library's end too.
#[tokio::test]
async fn a_silent_data_centre_is_given_up_in_time() {
    let mut office = Office::open().await;
    office.tuning.request = Duration::from_millis(500);
    office.net.freeze();
    let began = Instant::now();
    let Err(error) = office.try_open(&Desk::default()).await else { panic!("it cannot have answered") };
    assert!(matches!(error, ConnectorError::Transient { .. }), "{error:?}");
    assert_eq!(error.trouble().code, TroubleCode::Timeout);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    office.net.thaw();
    office.tuning = quick();
    office.listen(&Desk::default()).await.stop(&mut Desk::default()).await;
}

/// Trap 13: a connection that looks alive is found dead only by who asks.
#[tokio::test]
async fn a_half_open_connection_is_replaced() {
    let (office, olena, supergroup) = Office::with_supergroup().await;
    office.writes(olena, "first", Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    office.net.freeze_open();
    office.writes(olena, "private", Push::Pushed);
    office.net.send(olena, supergroup, "group", Push::Pushed).unwrap();
    let began = Instant::now();
    listening.until(&mut desk, |desk| desk.has("private") && desk.has("group")).await;
    skrynka_lab::evidence::note(
        "P1 nothing lost, nothing doubled",
        "telegram: half-open connection found",
        &format!("{:.1} s with a check every 0.4 s", began.elapsed().as_secs_f32()),
    )
    .unwrap();
    listening.stop(&mut desk).await;
}

/// A data centre that stays silent ends the attempt, which the engine begins anew.
#[tokio::test]
async fn a_connection_that_cannot_be_replaced_ends_the_attempt() {
    let mut office = Office::open().await;
    office.tuning.request = Duration::from_secs(3);
    let olena = office.customer("Olena");
    office.writes(olena, "first", Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    office.net.freeze();
    office.writes(olena, "while frozen", Push::Pushed);
    let error = listening.end(&mut desk).await;
    assert!(matches!(error, ConnectorError::Transient { .. }), "{error:?}");
    drop(listening);
    office.net.thaw();
    let mut listening = office.listen(&desk).await;
    listening.until_text(&mut desk, "while frozen").await;
    listening.stop(&mut desk).await;
}

/// Trap 14: the library panics over a wrong session id.
#[tokio::test]
async fn a_panic_in_the_library_ends_one_attempt() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.writes(olena, "first", Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    office.net.answer_with_wrong_session_id(true);
    office.net.cut();
    let error = listening.end(&mut desk).await;
    assert!(matches!(error, ConnectorError::Transient { .. }), "{error:?}");
    drop(listening);
    let Err(error) = office.try_open(&desk).await else { panic!("it cannot have worked") };
    assert!(matches!(error, ConnectorError::Transient { .. }), "{error:?}");
    office.net.answer_with_wrong_session_id(false);
    office.writes(olena, "after the panic", Push::Silent);
    let mut listening = office.listen(&desk).await;
    listening.until_text(&mut desk, "after the panic").await;
    listening.stop(&mut desk).await;
}

/// Trap 16: an error over the difference is not the end.
#[tokio::test]
async fn errors_over_the_difference_are_outlived() {
    let (office, olena, supergroup) = Office::with_supergroup().await;
    office.writes(olena, "first", Push::Pushed);
    office.net.send(olena, supergroup, "first", Push::Pushed).unwrap();
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    office.net.fail("updates.getDifference", 2, "INTERNAL");
    office.writes(olena, "private", Push::Silent);
    office.net.send(olena, supergroup, "group", Push::Silent).unwrap();
    office.net.cut();
    listening.until(&mut desk, |desk| desk.has("private") && desk.has("group")).await;
    listening.stop(&mut desk).await;
}

/// A wait that Telegram asks for is kept to the second, is shown, and keeps nothing else waiting.
#[tokio::test]
async fn a_wait_is_kept_and_shown() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.writes(olena, "first", Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    office.net.fail("updates.getDifference", 1, "FLOOD_WAIT_2");
    office.writes(olena, "behind the wait", Push::Silent);
    let asked = office.net.requested("updates.getDifference");
    let began = Instant::now();
    office.net.cut();
    listening.until_text(&mut desk, "behind the wait").await;
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(office.net.requested("updates.getDifference"), asked + 2);
    assert!(listening.states.iter().any(|state| matches!(state, AccountState::Limited { .. })));
    listening.until_live(&mut desk).await;
    listening.stop(&mut desk).await;
}

/// A limit on history holds up no new message.
#[tokio::test]
async fn a_limit_on_history_holds_up_nothing_new() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.net.fill_history(office.account, olena, 250).unwrap();
    office.net.fail("messages.getHistory", 1, "FLOOD_WAIT_4");
    let mut desk = Desk::default();
    let mut listening = office.listen(&desk).await;
    let began = Instant::now();
    listening.run_for(&mut desk, Duration::from_millis(500)).await;
    office.writes(olena, "live", Push::Pushed);
    listening.until_text(&mut desk, "live").await;
    assert_eq!(desk.count("History"), 0, "the wait is not over");
    assert!(listening.states.iter().any(|state| matches!(state, AccountState::Limited { .. })));
    listening.until_count(&mut desk, "History", 250).await;
    assert!(began.elapsed() >= Duration::from_secs(4), "{:?}", began.elapsed());
    listening.stop(&mut desk).await;
}

/// Stopping is quick, and leaves no connection behind.
#[tokio::test]
async fn stopping_closes_the_connection() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.writes(olena, "first", Push::Pushed);
    let mut desk = Desk::default();
    let listening = office.caught_up(&mut desk).await;
    let began = Instant::now();
    listening.stop(&mut desk).await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    for _ in 0..100 {
        if office.net.online() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{} connections are left", office.net.online());
}
