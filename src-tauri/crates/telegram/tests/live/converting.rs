//! What Telegram shows, as it is handed over.

use skrynka_core::{
    connector::ChatMessage,
    model::{ChatKind, EntityKind, Media, MediaKind, PeerKind, ServiceKind},
};
use skrynka_lab::telegram::{Forward, Media as LabMedia, Message, NewUser, Picture, Push};

use crate::desk::{Desk, Office};

fn picture(seed: u8) -> Picture {
    Picture { bytes: vec![seed; 900], width: 90, height: 60 }
}

fn media(desk: &Desk) -> Vec<&Media> {
    desk.order.iter().filter_map(|place| desk.chat(place).media.as_ref()).collect()
}

#[tokio::test]
async fn media_of_every_kind() {
    let office = Office::open().await;
    let olena = office.customer("Olena");
    for media in [
        LabMedia::Photo { full: picture(1), thumb: Some(picture(2)) },
        LabMedia::Document {
            name: "\u{202e}fdp.exe/../../x".to_owned(),
            mime: "Application/PDF".to_owned(),
            bytes: vec![3; 5_000],
            thumb: None,
        },
        LabMedia::Voice { bytes: vec![4; 3_000], seconds: 7, waveform: vec![5; 63] },
        LabMedia::VideoNote { bytes: vec![6; 3_000], seconds: 2.5, side: 240, thumb: None },
        LabMedia::Sticker { bytes: vec![7; 2_000], emoji: "🐈".to_owned() },
        LabMedia::Location { latitude: 50.45, longitude: 30.52 },
        LabMedia::Contact {
            phone: "380501112233".to_owned(),
            first_name: "Ivan".to_owned(),
            last_name: "Bondar".to_owned(),
        },
        LabMedia::Poll { question: "When?".to_owned(), answers: vec!["Monday".to_owned(), "Friday".to_owned()] },
        LabMedia::Unsupported,
    ] {
        office.writes(olena, media, Push::Pushed);
    }
    let mut desk = Desk::default();
    let listening = office.caught_up(&mut desk).await;
    let media = media(&desk);
    assert_eq!(media.len(), 9);
    let file = |at: usize| {
        let Media::File(file) = media[at] else { panic!("{:?} is no file", media[at]) };
        file
    };
    assert_eq!((file(0).kind, file(0).width, file(0).size), (MediaKind::Photo, Some(90), 900));
    // The name is a text of the sender's; it is cleaned where it becomes the name of a file.
    assert_eq!((file(1).kind, file(1).mime.as_str()), (MediaKind::Document, "application/pdf"));
    assert_eq!(file(1).name, "\u{202e}fdp.exe/../../x");
    assert_eq!((file(2).kind, file(2).duration_ms), (MediaKind::Voice, Some(7_000)));
    assert_eq!(file(2).waveform.as_deref(), Some(&[5; 63][..]));
    assert_eq!((file(3).kind, file(3).duration_ms), (MediaKind::VideoNote, Some(2_500)));
    assert_eq!((file(4).kind, file(4).name.as_str()), (MediaKind::Sticker, "🐈"));
    assert!(matches!(media[5], Media::Location { latitude, .. } if (latitude - 50.45).abs() < 1e-9));
    assert!(
        matches!(media[6], Media::Contact { name, phone, .. } if name == "Ivan Bondar" && phone == "+380501112233")
    );
    assert!(matches!(media[7], Media::Poll { question, answers, .. } if question == "When?" && answers.len() == 2));
    assert!(matches!(media[8], Media::Unsupported { what } if what.contains("nsupported")), "{:?}", media[8]);
    let unsupported = desk.order.last().unwrap();
    assert!(desk.messages[unsupported].raw.size > 8, "the bytes of what cannot be shown are kept");
    listening.stop(&mut desk).await;
}

#[tokio::test]
async fn texts_replies_forwards_albums_reactions_and_edits() {
    let office = Office::open().await;
    let (olena, petro) = (office.customer("Olena"), office.customer("Petro"));
    let bold = grammers_tl_types::types::MessageEntityBold { offset: 0, length: 5 };
    let first = office.writes(
        olena,
        Message { text: "Добре, дякую".to_owned(), entities: vec![bold.into()], ..Message::default() },
        Push::Pushed,
    );
    office.writes(olena, Message { reply_to: Some(first), ..Message::from("a reply") }, Push::Pushed);
    let forwards = [("from Petro", Forward::User(petro)), ("from a hidden one", Forward::Hidden("Тінь".to_owned()))];
    for (text, forward) in forwards {
        office.writes(olena, Message { forward: Some(forward), ..Message::from(text) }, Push::Pushed);
    }
    let items = (0..3).map(|seed| LabMedia::Photo { full: picture(seed), thumb: None }.into()).collect();
    office.net.send_album(olena, office.account, items, Push::Pushed).unwrap();
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    let message = |desk: &Desk, text: &str| -> ChatMessage { desk.found(text).clone() };
    assert_eq!(message(&desk, "Добре, дякую").entities[0].kind, EntityKind::Bold);
    let number = u32::try_from(office.net.id_for(office.account, first).unwrap()).unwrap();
    assert_eq!(message(&desk, "a reply").reply_to, Some(number));
    let forward = message(&desk, "from Petro").forward.unwrap();
    assert_eq!((forward.name.as_str(), forward.peer.unwrap().id), ("Petro", petro.0));
    assert_eq!(message(&desk, "from a hidden one").forward.unwrap().name, "Тінь");
    let albums: Vec<_> = desk.order.iter().filter_map(|place| desk.chat(place).album).collect();
    assert_eq!(albums.len(), 3);
    assert!(albums.windows(2).all(|pair| pair[0] == pair[1]));
    office.net.react(olena, first, Some("👍"), Push::Pushed).unwrap();
    office.net.edit(first, "Добре", Push::Pushed).unwrap();
    listening.until(&mut desk, |desk| desk.has("Добре") && !desk.reactions.is_empty()).await;
    assert!(message(&desk, "Добре").edited_at.is_some());
    assert_eq!(desk.reactions[0].1[0].emoji, "👍");
    office.net.delete(&[first], Push::Pushed).unwrap();
    listening.until(&mut desk, |desk| desk.deleted == [(None, vec![number])]).await;
    listening.stop(&mut desk).await;
}

#[tokio::test]
async fn who_said_it_where() {
    let office = Office::open().await;
    let olena = office.net.add_user(NewUser {
        first_name: "Олена".to_owned(),
        last_name: Some("\u{202e}Вербицька".to_owned()),
        username: Some("olena_v".to_owned()),
        phone: Some("380671234567".to_owned()),
        ..NewUser::default()
    });
    let members = [office.account.user(), olena];
    let group = office.net.add_group("Нотаріуси", &members);
    let forum = office.net.add_supergroup("Форум", &members, &["Польща"]);
    let channel = office.net.add_channel("Новини", &[olena, office.account.user()]);
    let topic = office.net.topics(forum).iter().find(|topic| topic.1 == "Польща").unwrap().0;
    office.writes(olena, "private", Push::Pushed);
    office.net.send(office.account, olena, "from the phone", Push::Pushed).unwrap();
    office.net.send(olena, group, "group", Push::Pushed).unwrap();
    office.net.send(olena, forum, Message { topic: Some(topic), ..Message::from("topic") }, Push::Pushed).unwrap();
    office.net.send(olena, channel, "post", Push::Pushed).unwrap();
    office.net.call(olena, office.account, None, Push::Pushed).unwrap();
    let mut desk = Desk::default();
    let listening = office.caught_up(&mut desk).await;
    let private = desk.found("private");
    assert_eq!(private.chat.kind, ChatKind::Private);
    assert_eq!(private.chat.title, "Олена \u{202e}Вербицька");
    assert_eq!(private.chat.username.as_deref(), Some("olena_v"));
    assert_eq!(private.author.as_ref().unwrap().peer.id, olena.0);
    let own = desk.found("from the phone");
    assert_eq!(own.author.as_ref().unwrap().peer.id, office.account.0);
    assert_eq!(own.chat.key, private.chat.key);
    assert_eq!(
        (desk.found("group").chat.kind, desk.found("group").chat.title.as_str()),
        (ChatKind::Group, "Нотаріуси")
    );
    let topic_message = desk.found("topic");
    assert_eq!(topic_message.chat.kind, ChatKind::Topic);
    assert_eq!(topic_message.chat.key.topic, Some(u32::try_from(topic).unwrap()));
    assert_eq!(topic_message.chat.title, "Форум / Польща");
    assert_eq!(topic_message.reply_to, None);
    // The messages that made the forum and its topic bear the names of where they stand.
    let chats: std::collections::BTreeMap<_, _> = desk
        .order
        .iter()
        .map(|place| &desk.chat(place).chat)
        .filter(|chat| chat.kind == ChatKind::Topic)
        .map(|chat| (chat.title.as_str(), chat.key.topic))
        .collect();
    assert_eq!(chats.keys().copied().collect::<Vec<_>>(), ["Форум / General", "Форум / Польща"]);
    let post = desk.found("post");
    assert_eq!((post.chat.kind, post.chat.key.peer.kind), (ChatKind::Broadcast, PeerKind::Channel));
    let calls = desk.order.iter().filter_map(|place| desk.chat(place).service.as_ref());
    assert!(calls.into_iter().any(|service| service.kind == ServiceKind::MissedCall));
    listening.stop(&mut desk).await;
}

#[tokio::test]
async fn a_secret_chat_is_a_line_of_the_chat_with_who_asked() {
    let office = Office::open().await;
    let olena = office.net.add_user("Олена");
    office.writes(olena, "before", Push::Pushed);
    let mut desk = Desk::default();
    let mut listening = office.caught_up(&mut desk).await;
    office.net.ask_secret_chat(olena, office.account);
    office.writes(olena, "after", Push::Pushed);
    listening.until(&mut desk, |desk| desk.has("after")).await;
    let secret = |place: &&skrynka_core::model::Place| {
        desk.chat(place).service.as_ref().is_some_and(|service| service.kind == ServiceKind::SecretChat)
    };
    let lines: Vec<_> = desk.order.iter().filter(secret).collect();
    let [place] = &*lines else { panic!("{lines:?}") };
    assert_eq!(desk.chat(place).chat.key, desk.found("before").chat.key);
    assert_eq!(desk.chat(place).author.as_ref().unwrap().name, "Олена");
    assert_ne!(place.epoch, 0, "no deletion and no read mark names it");
    listening.stop(&mut desk).await;
}
