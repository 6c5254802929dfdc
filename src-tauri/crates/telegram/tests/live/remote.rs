//! What can be asked beside the listener.

use std::time::Duration;

use futures_util::future::Either;
use skrynka_core::{
    connector::{ConnectorError, PersonName, SendError},
    model::{ChatKey, Entity, EntityKind, Media, Peer, PeerKind, TroubleCode},
};
use skrynka_lab::telegram::{Chat, Media as LabMedia, NewUser, Push, UserId};

use crate::desk::{Desk, Office, chat, text};

#[tokio::test]
async fn a_text_is_sent_and_comes_back_by_the_listeners_road() {
    let (office, olena, supergroup) = Office::with_supergroup().await;
    let asked = office.writes(olena, "how much?", Push::Pushed);
    office.net.send(olena, supergroup, "hello", Push::Pushed).unwrap();
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let remote = listening.remote.clone();
    let number = u32::try_from(office.net.id_for(office.account, asked).unwrap()).unwrap();
    let mut answer = text(chat(olena), "500 UAH, ready on Friday", 7_001);
    answer.reply_to = Some(number);
    answer.entities = vec![Entity { offset: 0, length: 7, kind: EntityKind::Bold }];
    let sent = listening.beside(&mut desk, remote.send_text(answer, None)).await.unwrap();
    listening.until_text(&mut desk, "500 UAH, ready on Friday").await;
    let message = &desk.messages[&sent.place];
    assert_eq!(message.direction, skrynka_core::model::Direction::Out);
    assert_eq!(desk.chat(&sent.place).reply_to, Some(number));
    assert_eq!(desk.chat(&sent.place).entities[0].kind, EntityKind::Bold);
    let Chat::Channel(id) = supergroup else { panic!("a supergroup is a channel") };
    let group = Peer { kind: PeerKind::Channel, id }.into();
    let sent = listening.beside(&mut desk, remote.send_text(text(group, "to all", 7_002), None)).await.unwrap();
    listening.until_text(&mut desk, "to all").await;
    assert!(desk.messages.contains_key(&sent.place));
    let seen = office.net.sent_by(office.account);
    assert_eq!(seen.iter().map(|sent| sent.random_id).collect::<Vec<_>>(), [7_001, 7_002]);
    listening.stop(&mut desk).await;
}

/// A lost answer is uncertain; the second try with the same number is the same message.
#[tokio::test]
async fn a_lost_answer_never_sends_twice() {
    let mut office = Office::open().await;
    office.tuning.request = Duration::from_secs(3);
    let olena = office.customer("Olena");
    office.writes(olena, "first", Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let remote = listening.remote.clone();
    office.net.lose_answers("messages.sendMessage", 1);
    let answer = text(chat(olena), "once only", 42);
    let lost = listening.beside(&mut desk, remote.send_text(answer.clone(), None)).await;
    assert!(matches!(lost, Err(SendError::Uncertain(_))), "{lost:?}");
    let again = listening.beside(&mut desk, remote.send_text(answer, None)).await.unwrap();
    listening.until_text(&mut desk, "once only").await;
    assert_eq!(desk.chat(&again.place).text, "once only");
    assert_eq!(office.net.sent_by(office.account).len(), 1);
    assert_eq!(desk.count("once only"), 1);
    listening.stop(&mut desk).await;
}

#[tokio::test]
async fn a_refused_text_was_not_sent() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.writes(olena, "first", Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let remote = listening.remote.clone();
    for (error, code) in [
        ("FLOOD_WAIT_90", TroubleCode::Limited),
        ("PEER_FLOOD", TroubleCode::Refused),
        ("FROZEN_METHOD_INVALID", TroubleCode::Frozen),
    ] {
        office.net.fail("messages.sendMessage", 1, error);
        let refused = listening.beside(&mut desk, remote.send_text(text(chat(olena), "no", 1), None)).await;
        let Err(SendError::NotSent(why)) = refused else { panic!("{error}: {refused:?}") };
        assert_eq!(why.trouble().code, code, "{error}");
    }
    let nobody = Peer { kind: PeerKind::User, id: 99 }.into();
    let unknown = listening.beside(&mut desk, remote.send_text(text(nobody, "no", 1), None)).await;
    assert!(matches!(unknown, Err(SendError::NotSent(_))));
    assert!(office.net.sent_by(office.account).is_empty());
    listening.stop(&mut desk).await;
}

/// What would be refused again blocks no other text of its chat.
#[tokio::test]
async fn a_lasting_no_is_final() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.writes(olena, "first", Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let remote = listening.remote.clone();
    for error in ["406 TOPIC_DELETED", "404 METHOD_GONE", "403 CHAT_WRITE_FORBIDDEN", "FROZEN_METHOD_INVALID"] {
        office.net.fail("messages.sendMessage", 1, error);
        let refused = listening.beside(&mut desk, remote.send_text(text(chat(olena), "no", 1), None)).await;
        assert!(matches!(refused, Err(SendError::NotSent(ConnectorError::Permanent(_)))), "{error}: {refused:?}");
    }
    office.net.fail("messages.sendMessage", 1, "401 SOMETHING_NEW");
    let refused = listening.beside(&mut desk, remote.send_text(text(chat(olena), "no", 1), None)).await;
    assert!(matches!(refused, Err(SendError::NotSent(ConnectorError::SignInRequired(_)))), "{refused:?}");
    listening.stop(&mut desk).await;
}

/// A text to oneself stands in one's own chat.
#[tokio::test]
async fn a_text_to_oneself_stands_in_ones_own_chat() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.writes(olena, "first", Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let remote = listening.remote.clone();
    let me = UserId(office.account.0);
    listening.beside(&mut desk, remote.send_text(text(chat(me), "to do: call Olena", 8_001), None)).await.unwrap();
    listening.until_text(&mut desk, "to do: call Olena").await;
    listening.stop(&mut desk).await;
    let mut listening = office.listen(&desk).await;
    listening.until_live(&mut desk).await;
    let places: Vec<_> = desk.messages.keys().filter(|place| place.mailbox != format!("user:{}", olena.0)).collect();
    assert_eq!(places.len(), 1, "{places:?}");
    assert_eq!(places[0].mailbox, format!("user:{}", office.account.0));
    listening.stop(&mut desk).await;
}

#[tokio::test]
async fn a_chat_is_marked_read() {
    let (office, olena, supergroup) = Office::with_supergroup().await;
    let message = office.writes(olena, "first", Push::Pushed);
    let there = office.net.send(olena, supergroup, "hello", Push::Pushed).unwrap();
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let remote = listening.remote.clone();
    let number = |message| u32::try_from(office.net.id_for(office.account, message).unwrap()).unwrap();
    let Chat::Channel(id) = supergroup else { panic!("a supergroup is a channel") };
    let group: ChatKey = Peer { kind: PeerKind::Channel, id }.into();
    listening.beside(&mut desk, remote.mark_read(chat(olena), number(message))).await.unwrap();
    listening.beside(&mut desk, remote.mark_read(group, number(there))).await.unwrap();
    let reads = office.net.reads(office.account);
    assert_eq!(reads.len(), 2, "{reads:?}");
    listening.stop(&mut desk).await;
}

fn content(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at.wrapping_mul(31) >> 3) as u8).collect()
}

/// From where it broke off, with a new reference where the old one has expired.
#[tokio::test]
async fn a_file_is_fetched_whole_and_goes_on_where_it_broke_off() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    let bytes = content((1 << 20) + 12_345);
    let media = LabMedia::Document {
        name: "Договір.pdf".to_owned(),
        mime: "application/pdf".to_owned(),
        bytes: bytes.clone(),
        thumb: None,
    };
    office.writes(olena, media, Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let remote = listening.remote.clone();
    let place = desk.order.iter().find(|place| desk.chat(place).media.is_some()).unwrap().clone();
    let Some(Media::File(file)) = desk.chat(&place).media.clone() else { panic!("a file") };
    assert_eq!((file.name.as_str(), file.size), ("Договір.pdf", bytes.len() as u64));
    let mut whole = Vec::new();
    let fetched =
        listening.beside(&mut desk, remote.fetch_file(place.clone(), file.remote.clone(), 0, &mut whole)).await;
    assert_eq!(fetched.unwrap().remote, None);
    assert!(whole == bytes);
    let mut rest = bytes[..700_001].to_vec();
    office.net.expire_file_references();
    let fetched = listening
        .beside(&mut desk, remote.fetch_file(place.clone(), file.remote.clone(), 700_001, &mut rest))
        .await
        .unwrap();
    assert!(rest == bytes);
    let newer = fetched.remote.unwrap();
    assert_ne!(newer, file.remote);
    let mut again = Vec::new();
    let fetched = listening.beside(&mut desk, remote.fetch_file(place, newer, 0, &mut again)).await.unwrap();
    assert_eq!((again == bytes, fetched.remote), (true, None));
    listening.stop(&mut desk).await;
}

#[tokio::test]
async fn history_is_read_back_to_the_beginning() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.net.fill_history(office.account, olena, 250).unwrap();
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let remote = listening.remote.clone();
    let (mut before, mut read) = (None, 0);
    loop {
        let page = listening.beside(&mut desk, remote.history(chat(olena), before, 100)).await.unwrap();
        read += page.batch.incoming.len();
        assert!(page.batch.cursors.is_empty());
        if page.beginning {
            break;
        }
        before = page.first;
    }
    assert!(read >= 250, "{read}");
    listening.stop(&mut desk).await;
}

fn document(bytes: &[u8]) -> LabMedia {
    LabMedia::Document {
        name: "scan.pdf".to_owned(),
        mime: "application/pdf".to_owned(),
        bytes: bytes.to_vec(),
        thumb: None,
    }
}

fn only_file(desk: &Desk) -> (skrynka_core::model::Place, skrynka_core::model::MediaFile) {
    let place = desk.order.iter().find(|place| desk.chat(place).media.is_some()).unwrap().clone();
    let Some(Media::File(file)) = desk.chat(&place).media.clone() else { panic!("a file") };
    (place, *file)
}

#[tokio::test]
async fn a_file_of_another_data_centre_is_fetched_there() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    office.net.keep_files_in(4);
    let bytes = content(600_000);
    office.writes(olena, document(&bytes), Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let remote = listening.remote.clone();
    let (place, file) = only_file(&desk);
    for _ in 0..2 {
        let mut whole = Vec::new();
        let fetch = remote.fetch_file(place.clone(), file.remote.clone(), 0, &mut whole);
        listening.beside(&mut desk, fetch).await.unwrap();
        assert!(whole == bytes);
    }
    assert_eq!(office.net.requested("auth.exportAuthorization"), 1);
    assert_eq!(office.net.connections(&office.key).greatest, 1);
    listening.stop(&mut desk).await;
}

/// Trap 12: in the library's pool one data centre that says nothing holds up all others.
#[tokio::test]
async fn a_silent_data_centre_of_a_file_holds_up_nothing_else() {
    let mut office = Office::open().await;
    office.tuning.request = Duration::from_secs(4);
    office.tuning.file_part = Duration::from_secs(4);
    office.tuning.tries = 0;
    // It accepts and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    office.centres = office.centres.clone().with(4, silent.local_addr().unwrap(), Some([7; 256]));
    let olena = office.customer("Olena");
    office.net.keep_files_in(4);
    office.writes(olena, document(&content(5_000)), Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let remote = listening.remote.clone();
    let (place, file) = only_file(&desk);
    let mut nothing = Vec::new();
    let fetch = remote.fetch_file(place, file.remote, 0, &mut nothing);
    let send = remote.send_text(text(chat(olena), "meanwhile", 5), None);
    let both = async {
        match futures_util::future::select(fetch, send).await {
            Either::Left(_) => panic!("the text waited for the file"),
            Either::Right((sent, fetch)) => (sent, fetch.await),
        }
    };
    let (sent, fetched) = listening.beside(&mut desk, both).await;
    sent.unwrap();
    assert_eq!(fetched.unwrap_err().trouble().code, TroubleCode::Timeout);
    listening.stop(&mut desk).await;
}

/// Somebody who never wrote is found by username and by phone, and can be written to.
#[tokio::test]
async fn a_stranger_is_found_and_written_to() {
    let office = Office::open().await;
    let known = office.customer("Olena");
    let taras = office.net.add_user(NewUser {
        first_name: "Тарас".to_owned(),
        username: Some("Taras_P".to_owned()),
        phone: Some("380445550777".to_owned()),
        ..NewUser::default()
    });
    office.writes(known, "first", Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let remote = listening.remote.clone();
    let names = ["@taras_p", "https://t.me/taras_p", "+380 44 555 07 77"];
    for name in names {
        let found = remote.find_person(PersonName::read(name).unwrap());
        let found = listening.beside(&mut desk, found).await.unwrap().expect(name);
        assert_eq!((found.chat.key, found.chat.title.as_str()), (chat(taras), "Тарас"));
        let by_phone = name.starts_with('+');
        assert_eq!(found.chat.phone.as_deref(), by_phone.then_some("+380445550777"), "told of whom it is asked for");
        assert!(found.peer.access_hash.is_some(), "can be written to after a restart");
    }
    for nobody in ["@nobody_here", "+380440000000"] {
        let found = remote.find_person(PersonName::read(nobody).unwrap());
        assert!(listening.beside(&mut desk, found).await.unwrap().is_none(), "{nobody}");
    }
    let sent = listening.beside(&mut desk, remote.send_text(text(chat(taras), "Доброго дня", 5), None)).await.unwrap();
    listening.until_text(&mut desk, "Доброго дня").await;
    assert_eq!(desk.chat(&sent.place).chat.title, "Тарас");
    listening.stop(&mut desk).await;
}
