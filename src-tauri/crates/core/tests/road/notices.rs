//! What somebody is told of, and what they muted, on a real Postgres.

use skrynka_core::{
    clock::{Clock as _, SystemClock},
    connector::{Chat, ChatAuthor, ChatMessage, Content, Incoming, IncomingMessage, Raw},
    journal::{JournalReader, News},
    model::{AccountId, ChatKind, Direction, MessageId, Peer, PeerKind, Service, ServiceKind},
    notices::Arrival,
    store::{FactKind, MUTED_FOR_GOOD},
};
use time::Duration;

use crate::common::{Bureau, Mail};

const OLENA: Peer = Peer { kind: PeerKind::User, id: 7 };

/// A mail that the server received just now.
fn fresh(mail: Mail) -> IncomingMessage {
    IncomingMessage { received_at: SystemClock.now() + Duration::SECOND, ..mail.message() }
}

fn incoming(message: IncomingMessage) -> Incoming {
    Incoming::Message(Box::new(message))
}

fn happened(number: u32, kind: ServiceKind) -> IncomingMessage {
    let key = OLENA.into();
    let chat = Chat { key, kind: ChatKind::Private, title: "Олена".to_owned(), username: None, phone: None };
    let author = ChatAuthor { peer: OLENA, name: "Олена".to_owned(), username: None };
    let service = Some(Service { kind, about: String::new(), seconds: None });
    let now = SystemClock.now() + Duration::SECOND;
    IncomingMessage {
        place: OLENA.place(number),
        direction: Direction::In,
        received_at: now,
        arrived_at: now,
        seen: false,
        answered: false,
        raw: Raw::empty(),
        content: Content::Chat(Box::new(ChatMessage {
            service,
            ..ChatMessage::new(chat, Some(author), String::new())
        })),
    }
}

/// Ingests and asks what the journal names.
async fn arrivals(bureau: &Bureau, messages: Vec<IncomingMessage>) -> Vec<Arrival> {
    let mut journal = JournalReader::from_now(bureau.store.clone()).await.unwrap();
    bureau.ingest(messages.into_iter().map(incoming).collect()).await;
    let News::Facts(facts) = journal.next().await.unwrap() else { panic!("the journal was pruned") };
    let stored: Vec<(AccountId, MessageId)> = facts
        .iter()
        .filter(|entry| entry.fact.kind == FactKind::MessageStored)
        .filter_map(|entry| Some((entry.account, entry.fact.message?)))
        .collect();
    assert!(!stored.is_empty());
    bureau.store.arrivals(&stored).await.unwrap()
}

#[tokio::test]
async fn what_just_came_arrives_with_its_words_and_history_does_not() {
    let bureau = Bureau::new().await;
    let came = arrivals(
        &bureau,
        vec![
            fresh(Mail::new(1).subject("Переклад диплома").body("Добрий день! Чи готово?")),
            // Before the account was added here.
            Mail::new(2).message(),
            IncomingMessage { seen: true, ..fresh(Mail::new(3)) },
            IncomingMessage { direction: Direction::Out, ..fresh(Mail::new(4)) },
        ],
    )
    .await;
    let [arrival] = &*came else { panic!("{came:?}") };
    assert_eq!((&*arrival.peer, &*arrival.subject), ("Олена Вербицька", "Переклад диплома"));
    assert_eq!(arrival.snippet, "Добрий день! Чи готово?");
    assert_eq!((&*arrival.account_name, arrival.unread), ("Бюро Київ", 1));
    assert!(!arrival.account_muted && arrival.muted_until.is_none() && arrival.author.is_none());
}

#[tokio::test]
async fn a_missed_call_and_a_secret_chat_count_as_unread_and_arrive() {
    let bureau = Bureau::with_chats().await;
    let came = arrivals(
        &bureau,
        vec![
            happened(1, ServiceKind::MissedCall),
            happened(2, ServiceKind::MessagePinned),
            happened(3, ServiceKind::Call),
            happened(4, ServiceKind::SecretChat),
        ],
    )
    .await;
    let mut kinds: Vec<_> = came.iter().filter_map(|arrival| arrival.service).collect();
    kinds.sort_by_key(|kind| *kind as u8);
    assert_eq!(kinds, [ServiceKind::MissedCall, ServiceKind::SecretChat]);
    assert_eq!(bureau.conversations().await[0].unread, 2);
    bureau.assert_summaries_true().await;
}

#[tokio::test]
async fn a_mute_is_told_to_every_window_and_leaves_the_count_of_what_is_told() {
    let bureau = Bureau::new().await;
    bureau.ingest(vec![incoming(fresh(Mail::new(1))), incoming(fresh(Mail::new(2).from("taras@example.org")))]).await;
    assert_eq!(bureau.store.unread_and_not_muted().await.unwrap(), 2);
    let row = bureau.conversations().await.swap_remove(0);
    let mut journal = JournalReader::from_now(bureau.another_store().await).await.unwrap();

    bureau.store.mute_conversation(row.account, row.id, Some(MUTED_FOR_GOOD)).await.unwrap();
    let News::Facts(facts) = journal.next().await.unwrap() else { panic!("the journal was pruned") };
    assert_eq!((facts[0].fact.kind, facts[0].fact.conversation), (FactKind::ConversationChanged, Some(row.id)));
    assert_eq!(bureau.store.unread_and_not_muted().await.unwrap(), 1);
    let muted = bureau.store.conversations_by_key(&[(row.account, row.id)]).await.unwrap();
    assert_eq!(muted[0].muted_until, Some(MUTED_FOR_GOOD), "what does not end is read back as it was written");

    let past = SystemClock.now() - Duration::SECOND;
    bureau.store.mute_conversation(row.account, row.id, Some(past)).await.unwrap();
    assert_eq!(bureau.store.unread_and_not_muted().await.unwrap(), 2, "a mute that is over is none");

    bureau.store.set_account_muted(bureau.account, true).await.unwrap();
    assert_eq!(bureau.store.unread_and_not_muted().await.unwrap(), 0);
    assert!(bureau.store.account(bureau.account).await.unwrap().unwrap().muted);
    let came = arrivals(&bureau, vec![fresh(Mail::new(3))]).await;
    assert!(came[0].account_muted);
    assert!(
        bureau
            .store
            .mute_conversation(row.account, skrynka_core::model::ConversationId::new(past), None)
            .await
            .is_err()
    );
    assert!(bureau.store.set_account_muted(AccountId::new(past), true).await.is_err());
}
