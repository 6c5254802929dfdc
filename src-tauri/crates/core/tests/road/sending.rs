//! A first answer: stored before it is tried, tried until it is known what became of it, never sent twice.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::BoxFuture;
use skrynka_core::{
    connector::{
        Chat, ChatMessage, ConnectorError, Content, Incoming, IncomingMessage, Raw, Remote, SendError, SendText, Sent,
    },
    model::{ChatKey, ChatKind, ConversationId, Direction, OutgoingId, Peer, PeerKind, Trouble, TroubleCode},
    store::{OutgoingDraft, OutgoingState, StoredOutgoing},
};

use crate::{
    common::{Bureau, START},
    programs::{Start, Wire},
};

const OLENA: Peer = Peer { kind: PeerKind::User, id: 7 };

/// A server that knows a message by its `random_id`, and answers the first tries as it is told.
#[derive(Default)]
struct Server {
    accepted: Mutex<HashMap<i64, u32>>,
    answers: Mutex<Vec<Answer>>,
    tries: Mutex<Vec<SendText>>,
    read: Mutex<Vec<(ChatKey, u32)>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Answer {
    /// The message is taken, and the answer is lost.
    Lost,
    /// Not taken; later perhaps.
    Busy,
    /// Not taken; never.
    Refused,
}

impl Remote for Server {
    fn send_text(&self, text: SendText) -> BoxFuture<'_, Result<Sent, SendError>> {
        let why = |code| Trouble { code, detail: "on purpose".to_owned() };
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.is_empty() { None } else { Some(answers.remove(0)) };
        self.tries.lock().unwrap().push(text.clone());
        let result = match answer {
            Some(Answer::Busy) => {
                Err(SendError::NotSent(ConnectorError::Transient { why: why(TroubleCode::Network), retry_after: None }))
            }
            Some(Answer::Refused) => Err(SendError::NotSent(ConnectorError::Permanent(why(TroubleCode::Refused)))),
            Some(Answer::Lost) | None => {
                let mut accepted = self.accepted.lock().unwrap();
                let next = 100 + accepted.len() as u32;
                let number = *accepted.entry(text.random_id).or_insert(next);
                if answer.is_some() {
                    Err(SendError::Uncertain(why(TroubleCode::Timeout)))
                } else {
                    Ok(Sent { place: text.chat.peer.place(number), at: START })
                }
            }
        };
        Box::pin(async move { result })
    }

    fn mark_read(&self, chat: ChatKey, up_to: u32) -> BoxFuture<'_, Result<(), ConnectorError>> {
        self.read.lock().unwrap().push((chat, up_to));
        Box::pin(async { Ok(()) })
    }
}

fn said(number: u32, text: &str, direction: Direction) -> Incoming {
    let chat =
        Chat {
            key: OLENA.into(), kind: ChatKind::Private, title: "Олена".to_owned(), username: None, phone: None
        };
    Incoming::Message(Box::new(IncomingMessage {
        place: OLENA.place(number),
        direction,
        received_at: START,
        arrived_at: START,
        seen: false,
        answered: false,
        raw: Raw::empty(),
        content: Content::Chat(Box::new(ChatMessage::new(chat, None, text.to_owned()))),
    }))
}

fn draft(conversation: ConversationId, text: &str, random_id: i64) -> OutgoingDraft {
    OutgoingDraft {
        id: OutgoingId::new(START),
        conversation,
        text: text.to_owned(),
        entities: Vec::new(),
        reply_to: None,
        random_id,
    }
}

async fn bureau() -> (Bureau, ConversationId) {
    let bureau = Bureau::with_chats().await;
    bureau.ingest(vec![said(1, "Добрий день", Direction::In)]).await;
    let conversation = bureau.conversations().await[0].id;
    (bureau, conversation)
}

async fn until(bureau: &Bureau, conversation: ConversationId, wanted: impl Fn(&[StoredOutgoing]) -> bool) {
    let wait = async {
        while !wanted(&bureau.store.outgoing(bureau.account, conversation).await.unwrap()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("the text is there");
}

/// The texts that were not sent, as the list, its rows by key and the sidebar tell them.
async fn stuck(bureau: &Bureau, conversation: ConversationId) -> [i64; 3] {
    let by_key = bureau.store.conversations_by_key(&[(bureau.account, conversation)]).await.unwrap();
    let counts = bureau.store.conversation_counts().await.unwrap();
    [bureau.conversations().await[0].stuck_texts, by_key[0].stuck_texts, counts.stuck_texts]
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_as_the_same_message() {
    let (bureau, conversation) = bureau().await;
    let server = Arc::new(Server::default());
    *server.answers.lock().unwrap() = vec![Answer::Lost, Answer::Busy, Answer::Lost];
    let first = bureau.store.messages(bureau.account, conversation, None, 1).await.unwrap()[0].id;
    let reply = OutgoingDraft { reply_to: Some(first), ..draft(conversation, "Так, завтра", 41) };
    bureau.store.queue_text(bureau.account, &reply).await.unwrap();
    let waiting = bureau.store.outgoing(bureau.account, conversation).await.unwrap().remove(0);
    let answered = waiting.answers.unwrap();
    assert_eq!((answered.message, answered.text.as_str()), (first, "Добрий день"));
    bureau.store.queue_text(bureau.account, &draft(conversation, "О десятій", 42)).await.unwrap();

    let wire = Arc::new(Wire::default());
    let program = Start { remote: server.clone(), ..Start::new(&bureau, "one", &wire) }.run().await;
    until(&bureau, conversation, |all| all.iter().all(|text| text.state == OutgoingState::Sent)).await;

    assert_eq!(server.accepted.lock().unwrap().len(), 2, "two messages and no more");
    let tries = server.tries.lock().unwrap().clone();
    assert_eq!(tries.iter().map(|t| t.random_id).collect::<Vec<_>>(), [41, 41, 41, 41, 42], "in order, none passed");
    assert_eq!(tries[0].reply_to, Some(1));
    // The message itself comes by the listener's road.
    bureau.ingest(vec![said(100, "Так, завтра", Direction::Out), said(101, "О десятій", Direction::Out)]).await;
    assert_eq!(bureau.store.outgoing(bureau.account, conversation).await.unwrap(), []);
    program.engine.shutdown().await;
}

#[tokio::test]
async fn a_refused_text_waits_for_a_person_and_can_be_tried_again_or_removed() {
    let (bureau, conversation) = bureau().await;
    let server = Arc::new(Server::default());
    *server.answers.lock().unwrap() = vec![Answer::Refused, Answer::Refused];
    let wire = Arc::new(Wire::default());
    let program = Start { remote: server.clone(), ..Start::new(&bureau, "one", &wire) }.run().await;
    program.until_live(&bureau).await;
    let (kept, removed) = (draft(conversation, "a", 1), draft(conversation, "b", 2));
    bureau.store.queue_text(bureau.account, &kept).await.unwrap();
    bureau.store.queue_text(bureau.account, &removed).await.unwrap();
    until(&bureau, conversation, |all| all.iter().all(|text| text.state == OutgoingState::Failed)).await;
    let failed = bureau.store.outgoing(bureau.account, conversation).await.unwrap();
    assert_eq!(failed[0].error.as_ref().unwrap().code, TroubleCode::Refused);
    assert_eq!(stuck(&bureau, conversation).await, [2; 3]);

    bureau.store.discard_text(bureau.account, removed.id).await.unwrap();
    bureau.store.retry_text(bureau.account, kept.id).await.unwrap();

    until(&bureau, conversation, |all| matches!(all, [one] if one.state == OutgoingState::Sent)).await;
    assert_eq!(stuck(&bureau, conversation).await, [0; 3]);
    assert!(bureau.store.discard_text(bureau.account, kept.id).await.is_err(), "what was sent is not taken back");
    program.engine.shutdown().await;
}

#[tokio::test]
async fn the_network_may_tell_what_became_of_a_lost_answer() {
    let (bureau, conversation) = bureau().await;
    bureau.store.queue_text(bureau.account, &draft(conversation, "a", 5)).await.unwrap();
    let due = bureau.store.next_text(bureau.account, START).await.unwrap().unwrap();
    assert_eq!((due.send.random_id, due.tries), (5, 1));

    bureau.ingest(vec![Incoming::Sent { random_id: 5, place: OLENA.place(77) }]).await;

    let text = bureau.store.outgoing(bureau.account, conversation).await.unwrap().remove(0);
    assert_eq!((text.state, text.place), (OutgoingState::Sent, Some(OLENA.place(77))));
    assert_eq!(bureau.store.next_text(bureau.account, START).await.unwrap(), None);
}

#[tokio::test]
async fn reading_here_is_told_to_the_server_by_whoever_listens() {
    let (bureau, conversation) = bureau().await;
    bureau.ingest(vec![said(2, "?", Direction::In)]).await;
    let server = Arc::new(Server::default());
    let wire = Arc::new(Wire::default());
    let program = Start { remote: server.clone(), ..Start::new(&bureau, "one", &wire) }.run().await;
    program.until_live(&bureau).await;

    // Another program's window.
    let beside = bureau.another_store().await;
    assert_eq!(
        beside.mark_read(bureau.account, conversation, None).await.unwrap(),
        [],
        "a mailbox's places alone are returned"
    );

    let told = async {
        while !bureau.store.unconfirmed_reads(bureau.account).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), told).await.expect("the server is told");
    assert_eq!(*server.read.lock().unwrap(), [(OLENA.into(), 2)]);
    program.engine.shutdown().await;
}
