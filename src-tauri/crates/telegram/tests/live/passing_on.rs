//! Messages that are passed on as they are: whose they were is kept, and they arrive once.

use skrynka_core::{
    connector::{AlbumError, AlbumTrouble, ConnectorError, ForwardMessage, SendError, Sent},
    model::{ChatKey, Place},
};
use skrynka_lab::telegram::{Media as LabMedia, Message, Picture, Push, UserId};

use crate::desk::{Desk, Listening, Office, chat};

fn items(from: &[Place], to: ChatKey, nameless: bool, first: i64) -> Vec<ForwardMessage> {
    let numbered = from.iter().zip(first..);
    numbered.map(|(from, random_id)| ForwardMessage { to, from: from.clone(), nameless, random_id }).collect()
}

/// Waits until the desk has heard of all of them.
async fn arrive(listening: &mut Listening, desk: &mut Desk, sent: &[Sent]) {
    listening.until(desk, |desk| sent.iter().all(|sent| desk.messages.contains_key(&sent.place))).await;
}

fn places(desk: &Desk, texts: &[&str]) -> Vec<Place> {
    let of = |text: &&str| desk.order.iter().find(|place| desk.chat(place).text == **text).unwrap().clone();
    texts.iter().map(of).collect()
}

struct Setting {
    office: Office,
    desk: Desk,
    listening: Listening,
    petro: UserId,
}

/// Olena has written two texts and an album; Petro waits for them.
async fn setting() -> Setting {
    let office = Office::open().await;
    let (olena, petro) = (office.customer("Olena"), office.customer("Petro"));
    office.writes(petro, "send me her papers", Push::Pushed);
    for text in ["one", "two"] {
        office.writes(olena, text, Push::Pushed);
    }
    let photo = |seed: u8| Picture { bytes: vec![seed; 2_000], width: 80, height: 60 };
    let pages: Vec<Message> = (1..=2u8).map(|seed| LabMedia::Photo { full: photo(seed), thumb: None }.into()).collect();
    office.net.send_album(olena, office.account, pages, Push::Pushed).unwrap();
    let mut desk = Desk::default();
    let listening = office.caught_up(&mut desk).await;
    Setting { office, desk, listening, petro }
}

#[tokio::test]
async fn messages_arrive_once_with_their_origin_although_the_answer_was_lost() {
    let Setting { office, mut desk, mut listening, petro } = setting().await;
    let remote = listening.remote.clone();
    let mut from = places(&desk, &["one", "two"]);
    from.extend(desk.order.iter().filter(|place| desk.chat(place).album.is_some()).cloned());
    let all = items(&from, chat(petro), false, 100);
    office.net.lose_answers("messages.forwardMessages", 1);
    let lost = listening.beside(&mut desk, remote.forward(all.clone())).await;
    assert!(matches!(lost, Err(AlbumError { what: AlbumTrouble::Whole, why: SendError::Uncertain(_) })), "{lost:?}");
    let sent = listening.beside(&mut desk, remote.forward(all)).await.unwrap();
    arrive(&mut listening, &mut desk, &sent).await;
    let there = office.net.sent_by(office.account);
    assert_eq!(there.iter().map(|sent| sent.text.as_str()).collect::<Vec<_>>(), ["one", "two", "", ""]);
    let numbers: Vec<u32> = there.iter().map(|sent| sent.id.unsigned_abs()).collect();
    assert_eq!(sent.iter().map(|sent| sent.place.number).collect::<Vec<_>>(), numbers, "in order");
    for sent in &sent {
        assert_eq!(desk.chat(&sent.place).forward.as_ref().unwrap().name, "Olena");
    }
    let albums: Vec<_> = sent.iter().map(|sent| desk.chat(&sent.place).album).collect();
    assert!(albums[0].is_none() && albums[2].is_some() && albums[2] == albums[3], "{albums:?}");
    listening.stop(&mut desk).await;
}

#[tokio::test]
async fn a_name_can_be_left_out_and_what_is_gone_is_refused() {
    let Setting { office, mut desk, mut listening, petro } = setting().await;
    let remote = listening.remote.clone();
    let from = places(&desk, &["one"]);
    office.net.lose_answers("messages.forwardMessages", 1);
    let nameless = items(&from, chat(petro), true, 200);
    let lost = listening.beside(&mut desk, remote.forward(nameless.clone())).await;
    assert!(matches!(lost, Err(AlbumError { why: SendError::Uncertain(_), .. })), "{lost:?}");
    let sent = listening.beside(&mut desk, remote.forward(nameless)).await.unwrap();
    arrive(&mut listening, &mut desk, &sent).await;
    assert!(desk.chat(&sent[0].place).forward.is_none());
    assert_eq!(desk.chat(&sent[0].place).text, "one");
    let gone = [from[0].clone(), Place { number: 9_999, ..from[0].clone() }];
    for (items, what) in [
        (items(&gone, chat(petro), false, 300), AlbumTrouble::Apart),
        (items(&gone[1..], chat(petro), false, 400), AlbumTrouble::Whole),
    ] {
        let refused = listening.beside(&mut desk, remote.forward(items)).await.unwrap_err();
        assert_eq!(refused.what, what);
        assert!(matches!(&refused.why, SendError::NotSent(ConnectorError::Permanent(_))), "{refused:?}");
    }
    assert_eq!(office.net.sent_by(office.account).len(), 1, "all of them or none");
    listening.stop(&mut desk).await;
}
