//! The first history, and what is not taken.

use skrynka_core::model::{AccountState, TakenChats};
use skrynka_lab::telegram::{Message, Push};
use time::{Duration, OffsetDateTime};

use crate::desk::{Desk, Office};

fn said(text: &str, days_ago: i64, now: OffsetDateTime) -> Message {
    Message { at: Some(now - Duration::days(days_ago)), ..Message::from(text) }
}

#[expect(clippy::disallowed_methods, reason = "the network's clock is the system's")]
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

#[tokio::test]
async fn the_first_history_goes_back_as_far_as_the_owner_wants() {
    let office = Office::open().await;
    let (olena, petro) = (office.customer("Olena"), office.customer("Petro"));
    let now = now();
    for days in (0..60).rev() {
        office.writes(olena, said(&format!("olena {days}"), days, now), Push::Silent);
    }
    office.writes(petro, said("petro 100", 100, now), Push::Silent);
    let mut desk = Desk::default();
    let listening = office.caught_up(&mut desk).await;
    assert!(desk.has("olena 29") && !desk.has("olena 31"), "{:?}", desk.texts());
    assert_eq!(desk.count("petro"), 0);
    assert!(listening.states.iter().any(|state| matches!(state, AccountState::CatchingUp { .. })));
    listening.stop(&mut desk).await;
}

#[tokio::test]
async fn a_long_history_comes_whole_and_a_broken_one_goes_on_where_it_stood() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.net.fill_history(office.account, olena, 1_050).unwrap();
    let mut desk = Desk::default();
    let mut listening = office.listen(&desk).await;
    listening.until_count(&mut desk, "History", 300).await;
    drop(listening);
    let asked = office.net.requested("messages.getHistory");
    let mut listening = office.listen(&desk).await;
    listening.until_live(&mut desk).await;
    desk.assert_all("History", 1_050);
    let pages = office.net.requested("messages.getHistory") - asked;
    assert!(pages <= 9, "{pages} pages for the rest");
    listening.stop(&mut desk).await;
}

#[tokio::test]
async fn only_what_is_taken_is_handed_over() {
    let mut office = Office::open().await;
    office.settings.takes = TakenChats { groups: false, channels: false, bots: false };
    let olena = office.customer("Olena");
    let bot = office.net.add_bot("Robot");
    let members = [office.account.user(), olena];
    let chats = [
        office.net.add_group("Notaries", &members),
        office.net.add_supergroup("Bureau", &members, &[]),
        office.net.add_channel("News", &[olena, office.account.user()]),
    ];
    let write = |office: &Office, round: &str| {
        for chat in chats {
            office.net.send(olena, chat, format!("not taken {round}"), Push::Pushed).unwrap();
        }
        office.net.send(bot, office.account, format!("not taken {round}"), Push::Pushed).unwrap();
        office.writes(olena, format!("taken {round}"), Push::Pushed);
    };
    write(&office, "before");
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    write(&office, "live");
    listening.until_text(&mut desk, "taken live").await;
    office.net.cut();
    write(&office, "after");
    listening.until_text(&mut desk, "taken after").await;
    assert_eq!(desk.count("not taken"), 0, "{:?}", desk.texts());
    assert!(desk.cursors.keys().all(|mailbox| !mailbox.starts_with("channel:")), "{:?}", desk.cursors);
    listening.stop(&mut desk).await;
}

/// Login codes are nobody's business here: neither in history nor live.
#[tokio::test]
async fn login_codes_are_never_handed_over() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.net.post_login_code(office.account, "70412", Push::Pushed).unwrap();
    office.writes(olena, "first", Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    office.net.post_login_code(office.account, "70413", Push::Pushed).unwrap();
    office.net.post_login_code(office.account, "70414", Push::Silent).unwrap();
    office.writes(olena, "second", Push::Pushed);
    listening.until_text(&mut desk, "second").await;
    listening.stop(&mut desk).await;
    office.net.post_login_code(office.account, "70415", Push::Silent).unwrap();
    office.writes(olena, "third", Push::Silent);
    let mut listening = office.listen(&desk).await;
    listening.until_text(&mut desk, "third").await;
    listening.until_live(&mut desk).await;
    assert!(desk.texts().iter().all(|text| !text.contains("7041")), "{:?}", desk.texts());
    assert!(desk.messages.keys().all(|place| place.mailbox != "user:777000"));
    let service = skrynka_core::model::Peer { kind: skrynka_core::model::PeerKind::User, id: 777_000 }.into();
    assert!(listening.remote.history(service, None, 10).await.is_err());
    listening.stop(&mut desk).await;
}

/// What the account reads on the phone, and what the others read of it.
#[tokio::test]
async fn read_marks_of_both_sides_are_told() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.writes(olena, "before", Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let number = |message| u32::try_from(office.net.id_for(office.account, message).unwrap()).unwrap();
    let theirs = office.writes(olena, "theirs", Push::Pushed);
    listening.until_text(&mut desk, "theirs").await;
    office.net.read(office.account, theirs, Push::Pushed).unwrap();
    let read = number(theirs);
    listening.until(&mut desk, |desk| desk.read_in.iter().any(|mark| mark.1 == read)).await;
    // Who answers on the phone has read what is answered.
    let ours = office.net.send(office.account, olena, "ours", Push::Pushed).unwrap();
    let answered = number(ours);
    listening.until(&mut desk, |desk| desk.read_in.iter().any(|mark| mark.1 == answered)).await;
    office.net.read(olena, ours, Push::Pushed).unwrap();
    listening.until(&mut desk, |desk| desk.read_out.iter().any(|mark| mark.1 == answered)).await;
    listening.stop(&mut desk).await;
}
