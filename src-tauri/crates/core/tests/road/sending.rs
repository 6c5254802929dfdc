//! A first answer: stored before it is tried, tried until it is known what became of it, never sent twice.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::BoxFuture;
use skrynka_core::{
    clock::{Clock as _, SystemClock},
    connector::{
        AlbumError, AlbumTrouble, Chat, ChatMessage, ConnectorError, Content, ForwardMessage, Incoming,
        IncomingMessage, Outcome, Outcomes, OutgoingMail, Raw, Remote, SendError, SendFile, SendText, Sent,
    },
    model::{
        Address, ChatKey, ChatKind, ConversationId, Direction, MessageId, OutgoingId, Peer, PeerKind, Trouble,
        TroubleCode, VoiceNote,
    },
    store::{
        DueMail, LeaseHolder, LeaseSpan, LeaseToken, MailDraft, MailTry, NotSent, OutgoingDraft, OutgoingFile,
        OutgoingForward, OutgoingState, StoreError, StoredOutgoing, TakenLease,
    },
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
    /// The `random_id`s of the albums that were offered.
    albums: Mutex<Vec<Vec<i64>>>,
    /// What was to be passed on, try by try.
    forwards: Mutex<Vec<Vec<ForwardMessage>>>,
    /// The one of a file that can never go.
    never: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Answer {
    /// The message is taken, and the answer is lost.
    Lost,
    /// Not taken; later perhaps.
    Busy,
    /// Not taken; never.
    Refused,
    /// Not taken; nothing is for an hour.
    Limited,
}

impl Remote for Server {
    fn send_text(&self, text: SendText, _: Option<SendFile>) -> BoxFuture<'_, Result<Sent, SendError>> {
        let why = |code| Trouble { code, detail: "on purpose".to_owned() };
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.is_empty() { None } else { Some(answers.remove(0)) };
        self.tries.lock().unwrap().push(text.clone());
        let result = match answer {
            Some(Answer::Busy) => {
                Err(SendError::NotSent(ConnectorError::Transient { why: why(TroubleCode::Network), retry_after: None }))
            }
            Some(Answer::Limited) => {
                // The engine's clock is the computer's.
                let until = SystemClock.now() + Duration::from_secs(3600);
                Err(SendError::NotSent(ConnectorError::Limited { until, why: why(TroubleCode::Limited) }))
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

    fn send_album(&self, items: Vec<(SendText, SendFile)>) -> BoxFuture<'_, Result<Vec<Sent>, AlbumError>> {
        let why = |code| Trouble { code, detail: "on purpose".to_owned() };
        self.albums.lock().unwrap().push(items.iter().map(|(text, _)| text.random_id).collect());
        let bad = items.iter().position(|(text, _)| Some(text.random_id) == self.never);
        let mut answers = self.answers.lock().unwrap();
        let lost = bad.is_none() && !answers.is_empty() && answers.remove(0) == Answer::Lost;
        let mut accepted = self.accepted.lock().unwrap();
        let result = match bad {
            Some(bad) => {
                let why = SendError::NotSent(ConnectorError::Permanent(why(TroubleCode::Refused)));
                Err(AlbumError { what: AlbumTrouble::Item(bad), why })
            }
            None => {
                let sent = items.iter().map(|(text, _)| {
                    let next = 100 + accepted.len() as u32;
                    let number = *accepted.entry(text.random_id).or_insert(next);
                    Sent { place: text.chat.peer.place(number), at: START }
                });
                let sent: Vec<Sent> = sent.collect();
                let lost_answer =
                    AlbumError { what: AlbumTrouble::Whole, why: SendError::Uncertain(why(TroubleCode::Timeout)) };
                if lost { Err(lost_answer) } else { Ok(sent) }
            }
        };
        Box::pin(async move { result })
    }

    fn forward(&self, items: Vec<ForwardMessage>) -> BoxFuture<'_, Result<Vec<Sent>, AlbumError>> {
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.is_empty() { None } else { Some(answers.remove(0)) };
        self.forwards.lock().unwrap().push(items.clone());
        let what = |what, why| Err(AlbumError { what, why });
        let why = |code| Trouble { code, detail: "on purpose".to_owned() };
        let result = if answer == Some(Answer::Refused) {
            let apart = if items.len() > 1 { AlbumTrouble::Apart } else { AlbumTrouble::Whole };
            what(apart, SendError::NotSent(ConnectorError::Permanent(why(TroubleCode::Refused))))
        } else {
            let mut accepted = self.accepted.lock().unwrap();
            let sent = items.iter().map(|item| {
                let next = 100 + accepted.len() as u32;
                let number = *accepted.entry(item.random_id).or_insert(next);
                Sent { place: item.to.peer.place(number), at: START }
            });
            let sent: Vec<Sent> = sent.collect();
            match answer {
                Some(_) => what(AlbumTrouble::Whole, SendError::Uncertain(why(TroubleCode::Timeout))),
                None => Ok(sent),
            }
        };
        Box::pin(async move { result })
    }

    fn delete_message(&self, _: ChatKey, _: u32) -> BoxFuture<'_, Result<(), ConnectorError>> {
        Box::pin(async { Ok(()) })
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
        send_at: None,
        file: None,
        album: None,
        forward: None,
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
    let counts = bureau.store.conversation_counts(None).await.unwrap();
    [bureau.conversations().await[0].stuck_texts, by_key[0].stuck_texts, counts.stuck_texts]
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_as_the_same_message() {
    let (bureau, conversation) = bureau().await;
    let server = Arc::new(Server::default());
    *server.answers.lock().unwrap() = vec![Answer::Lost, Answer::Busy, Answer::Lost];
    let first = bureau.store.messages(bureau.account, conversation, None, 1).await.unwrap()[0].id;
    let reply = OutgoingDraft { reply_to: Some(first), ..draft(conversation, "Так, завтра", 41) };
    bureau.store.queue_texts(bureau.account, std::slice::from_ref(&reply), None).await.unwrap();
    let waiting = bureau.store.outgoing(bureau.account, conversation).await.unwrap().remove(0);
    let answered = waiting.answers.unwrap();
    assert_eq!((answered.message, answered.text.as_str()), (first, "Добрий день"));
    bureau
        .store
        .queue_texts(bureau.account, std::slice::from_ref(&draft(conversation, "О десятій", 42)), None)
        .await
        .unwrap();

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
    bureau.store.queue_texts(bureau.account, std::slice::from_ref(&kept), None).await.unwrap();
    bureau.store.queue_texts(bureau.account, std::slice::from_ref(&removed), None).await.unwrap();
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
    bureau.store.queue_texts(bureau.account, std::slice::from_ref(&draft(conversation, "a", 5)), None).await.unwrap();
    let due = bureau.store.next_text(bureau.account, None, START, false).await.unwrap().unwrap();
    assert_eq!((due.send.random_id, due.tries), (5, 1));

    bureau.ingest(vec![Incoming::Sent { random_id: 5, place: OLENA.place(77) }]).await;

    let text = bureau.store.outgoing(bureau.account, conversation).await.unwrap().remove(0);
    assert_eq!((text.state, text.place), (OutgoingState::Sent, Some(OLENA.place(77))));
    assert_eq!(bureau.store.next_text(bureau.account, None, START, false).await.unwrap(), None);
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

/// The server's answer does not name what is gone, and no news of it follows.
#[tokio::test]
async fn a_message_of_ours_that_was_deleted_is_marked_here() {
    let (bureau, conversation) = bureau().await;
    bureau.ingest(vec![said(2, "Wrong price", Direction::Out), said(3, "Hello", Direction::In)]).await;
    let wire = Arc::new(Wire::default());
    let server = Arc::new(Server::default());
    let program = Start { remote: server, ..Start::new(&bureau, "one", &wire) }.run().await;
    program.until_live(&bureau).await;
    let messages = bureau.store.messages(bureau.account, conversation, None, 9).await.unwrap();
    let id_of = |text: &str| messages.iter().find(|message| message.text == text).unwrap().id;
    let (ours, theirs) = (id_of("Wrong price"), id_of("Hello"));
    program.engine.delete_message(bureau.account, ours).await.unwrap();
    assert!(bureau.store.message(bureau.account, ours).await.unwrap().deleted_at.is_some());
    assert!(program.engine.delete_message(bureau.account, theirs).await.is_err());
    assert_eq!(bureau.store.message(bureau.account, theirs).await.unwrap().deleted_at, None);
    program.engine.shutdown().await;
}

/// Only one who has seen every try end knows that a text was not sent: it must not be offered to be written anew.
#[tokio::test]
async fn a_text_that_was_perhaps_sent_is_never_called_unsent() {
    for then in [Answer::Refused, Answer::Limited] {
        let (bureau, conversation) = bureau().await;
        let server = Arc::new(Server::default());
        *server.answers.lock().unwrap() = vec![Answer::Lost, then];
        let text = draft(conversation, "Так, завтра", 41);
        bureau.store.queue_texts(bureau.account, std::slice::from_ref(&text), None).await.unwrap();
        let wire = Arc::new(Wire::default());
        let program = Start { remote: server.clone(), ..Start::new(&bureau, "one", &wire) }.run().await;
        let tried = |all: &[StoredOutgoing]| {
            let code = all[0].error.as_ref().map(|error| error.code);
            all[0].tries >= 2 && code.is_some_and(|code| code != TroubleCode::Timeout)
        };
        until(&bureau, conversation, tried).await;
        let stored = bureau.store.outgoing(bureau.account, conversation).await.unwrap().remove(0);
        assert_eq!(stored.state, OutgoingState::Uncertain, "{then:?}");
        assert_eq!(stored.is_over(), then == Answer::Refused, "{then:?}");
        assert!(bureau.store.discard_text(bureau.account, text.id).await.is_err(), "{then:?}");
        program.engine.shutdown().await;
    }
}

/// A try whose end nobody saw, as in a crash, was perhaps a message.
#[tokio::test]
async fn a_try_that_was_cut_off_stays_uncertain() {
    let (bureau, conversation) = bureau().await;
    let text = draft(conversation, "a", 5);
    bureau.store.queue_texts(bureau.account, std::slice::from_ref(&text), None).await.unwrap();
    assert!(!bureau.store.is_sending().await.unwrap());
    for _ in 0..2 {
        bureau.store.next_text(bureau.account, None, START, false).await.unwrap().unwrap();
    }
    assert!(bureau.store.is_sending().await.unwrap());
    let why = Trouble { code: TroubleCode::Refused, detail: "no".to_owned() };
    bureau.store.text_not_sent(bureau.account, None, text.id, &NotSent::Failed, &why).await.unwrap();
    assert!(!bureau.store.is_sending().await.unwrap());
    let stored = bureau.store.outgoing(bureau.account, conversation).await.unwrap().remove(0);
    assert_eq!((stored.state, stored.is_over()), (OutgoingState::Uncertain, true));
}

/// A program that has lost the lease writes nothing over what the new holder knows.
#[tokio::test]
async fn who_lost_the_lease_takes_and_judges_no_text() {
    let (bureau, conversation) = bureau().await;
    let text = draft(conversation, "a", 5);
    bureau.store.queue_texts(bureau.account, std::slice::from_ref(&text), None).await.unwrap();
    let lost = Some(LeaseToken(7));
    let taken = bureau.store.next_text(bureau.account, lost, START, false).await;
    assert!(matches!(taken, Err(StoreError::LeaseLost)), "{taken:?}");
    bureau.store.next_text(bureau.account, None, START, false).await.unwrap().unwrap();
    let why = Trouble { code: TroubleCode::Refused, detail: "no".to_owned() };
    let judged = bureau.store.text_not_sent(bureau.account, lost, text.id, &NotSent::Failed, &why).await;
    assert!(matches!(judged, Err(StoreError::LeaseLost)), "{judged:?}");
}

/// The server forgets a `random_id`: what was perhaps sent long ago is a person's to judge, and holds up no other text.
#[tokio::test]
async fn a_text_that_is_too_old_to_be_known_again_waits_for_a_person() {
    let (bureau, conversation) = bureau().await;
    let (old, next) = (draft(conversation, "a", 5), draft(conversation, "b", 6));
    for text in [&old, &next] {
        bureau.store.queue_texts(bureau.account, std::slice::from_ref(text), None).await.unwrap();
    }
    let created = bureau.store.outgoing_text(bureau.account, old.id).await.unwrap().created_at;
    assert_eq!(bureau.store.next_text(bureau.account, None, created, false).await.unwrap().unwrap().id, old.id);
    let later = created + time::Duration::days(2);
    assert_eq!(bureau.store.next_text(bureau.account, None, later, false).await.unwrap().unwrap().id, next.id);
    let stored = bureau.store.outgoing_text(bureau.account, old.id).await.unwrap();
    assert_eq!((stored.state, stored.is_over()), (OutgoingState::Uncertain, true));
    bureau.store.retry_text(bureau.account, old.id).await.unwrap();
    assert_eq!(bureau.store.next_text(bureau.account, None, later, false).await.unwrap().unwrap().id, old.id);
}

/// A limit is the account's: the texts of its other chats wait as well.
#[tokio::test]
async fn a_limit_holds_back_every_chat_and_no_read_mark() {
    let (bureau, conversation) = bureau().await;
    let petro = Peer { id: 8, ..OLENA };
    let Incoming::Message(mut other) = said(2, "?", Direction::In) else { panic!("a message") };
    other.place = petro.place(2);
    if let Content::Chat(chat) = &mut other.content {
        chat.chat.key = petro.into();
    }
    bureau.ingest(vec![Incoming::Message(other)]).await;
    let beside = bureau.conversations().await.into_iter().find(|one| one.id != conversation).unwrap().id;
    let server = Arc::new(Server::default());
    *server.answers.lock().unwrap() = vec![Answer::Limited];
    bureau.store.queue_texts(bureau.account, std::slice::from_ref(&draft(conversation, "a", 1)), None).await.unwrap();
    bureau.store.queue_texts(bureau.account, std::slice::from_ref(&draft(beside, "b", 2)), None).await.unwrap();
    bureau.store.mark_read(bureau.account, beside, None).await.unwrap();
    let wire = Arc::new(Wire::default());
    let program = Start { remote: server.clone(), ..Start::new(&bureau, "one", &wire) }.run().await;
    program.until_live(&bureau).await;
    let told = async {
        while server.read.lock().unwrap().is_empty() || server.tries.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), told).await.expect("the server is told");
    // Long enough for many tries, had they been allowed.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(server.tries.lock().unwrap().len(), 1);
    program.engine.shutdown().await;
}

async fn album(bureau: &Bureau, conversation: ConversationId, ids: &[i64]) -> Vec<OutgoingDraft> {
    let (sha256, size) = bureau.store.keep_bytes(bureau.account, b"scan").await.unwrap();
    let item = |id: &i64| OutgoingDraft {
        file: Some(OutgoingFile {
            name: format!("{id}.pdf"),
            mime: "application/pdf".to_owned(),
            size,
            sha256,
            content_id: None,
            voice: None,
        }),
        album: Some(9),
        ..draft(conversation, "", *id)
    };
    ids.iter().map(item).collect()
}

/// What makes a file a voice is there again when it is sent.
#[tokio::test]
async fn a_voice_stays_one_until_it_is_sent() {
    let (bureau, conversation) = bureau().await;
    let mut spoken = album(&bureau, conversation, &[1]).await.remove(0);
    let voice = VoiceNote { duration_ms: 61_234, waveform: vec![0xa7; 63] };
    spoken.file.as_mut().unwrap().voice = Some(voice);
    spoken.album = None;
    bureau.store.queue_texts(bureau.account, std::slice::from_ref(&spoken), None).await.unwrap();
    let queued = bureau.store.outgoing_text(bureau.account, spoken.id).await.unwrap();
    assert_eq!(queued.files, [spoken.file.unwrap()]);
}

/// All of it goes in one request, in order and once, also when its answer is lost; the next text waits for it.
#[tokio::test]
async fn files_of_an_album_go_together_and_once() {
    let (bureau, conversation) = bureau().await;
    let server = Arc::new(Server::default());
    *server.answers.lock().unwrap() = vec![Answer::Lost];
    let mut items = album(&bureau, conversation, &[1, 2, 3]).await;
    // As what is sent later: of one moment, under keys in any order.
    items.iter_mut().for_each(|item| item.send_at = Some(START));
    bureau.store.queue_texts(bureau.account, &items, None).await.unwrap();
    bureau.store.queue_texts(bureau.account, &[draft(conversation, "after", 4)], None).await.unwrap();
    let wire = Arc::new(Wire::default());
    let program = Start { remote: server.clone(), ..Start::new(&bureau, "one", &wire) }.run().await;
    let sent = |all: &[StoredOutgoing]| all.len() == 4 && all.iter().all(|one| one.state == OutgoingState::Sent);
    until(&bureau, conversation, sent).await;
    assert_eq!(*server.albums.lock().unwrap(), [[1, 2, 3], [1, 2, 3]]);
    let accepted = server.accepted.lock().unwrap().clone();
    assert_eq!(accepted, HashMap::from([(1, 100), (2, 101), (3, 102), (4, 103)]));
    program.engine.shutdown().await;
}

/// A person may change when something goes out as long as its time is to come; an album stays together.
#[tokio::test]
async fn what_is_scheduled_goes_when_a_person_says_so() {
    let (bureau, conversation) = bureau().await;
    let server = Arc::new(Server::default());
    // The program goes by the real clock; whole seconds, since Postgres keeps no nanoseconds.
    let now = SystemClock.now().replace_nanosecond(0).unwrap();
    let (tomorrow, next_week) = (now + time::Duration::days(1), now + time::Duration::days(7));
    let mut items = album(&bureau, conversation, &[1, 2]).await;
    items.iter_mut().for_each(|item| item.send_at = Some(tomorrow));
    let alone = OutgoingDraft { send_at: Some(tomorrow), ..draft(conversation, "alone", 3) };
    bureau.store.queue_texts(bureau.account, &items, None).await.unwrap();
    bureau.store.queue_texts(bureau.account, std::slice::from_ref(&alone), None).await.unwrap();
    let wire = Arc::new(Wire::default());
    let program = Start { remote: server.clone(), ..Start::new(&bureau, "one", &wire) }.run().await;

    bureau.store.reschedule(bureau.account, alone.id, next_week, now).await.unwrap();
    let waiting = bureau.store.outgoing(bureau.account, conversation).await.unwrap();
    let times: Vec<_> = waiting.iter().map(|one| (one.id, one.send_at.unwrap())).collect();
    assert_eq!(times, [(items[0].id, tomorrow), (items[1].id, tomorrow), (alone.id, next_week)]);

    bureau.store.reschedule(bureau.account, items[1].id, now, now).await.unwrap();
    let sent = |all: &[StoredOutgoing]| all.iter().filter(|one| one.state == OutgoingState::Sent).count() == 2;
    until(&bureau, conversation, sent).await;
    assert_eq!(*server.albums.lock().unwrap(), [[1, 2]]);
    for gone in [items[0].id, OutgoingId::new(START)] {
        let refused = bureau.store.reschedule(bureau.account, gone, next_week, now).await;
        assert!(matches!(refused, Err(StoreError::NotFound(_))), "{refused:?}");
    }
    program.engine.shutdown().await;
}

/// A file that can never go keeps the others of its album from nothing.
#[tokio::test]
async fn an_album_goes_without_the_file_that_cannot() {
    let (bureau, conversation) = bureau().await;
    let server = Arc::new(Server { never: Some(2), ..Server::default() });
    let items = album(&bureau, conversation, &[1, 2, 3]).await;
    bureau.store.queue_texts(bureau.account, &items, None).await.unwrap();
    let wire = Arc::new(Wire::default());
    let program = Start { remote: server.clone(), ..Start::new(&bureau, "one", &wire) }.run().await;
    let settled = |all: &[StoredOutgoing]| {
        all.iter().filter(|one| one.state == OutgoingState::Sent).count() == 2
            && all.iter().any(|one| one.state == OutgoingState::Failed && one.id == items[1].id)
    };
    until(&bureau, conversation, settled).await;
    assert_eq!(*server.albums.lock().unwrap(), [vec![1, 2, 3], vec![1, 3]]);
    program.engine.shutdown().await;
}

/// A message of ours that passes another on.
fn passing_on(conversation: ConversationId, message: MessageId, random_id: i64, album: Option<i64>) -> OutgoingDraft {
    let (author, words) = ("Олена".to_owned(), "Добрий день".to_owned());
    let forward = Some(OutgoingForward { message, nameless: false, author, words });
    OutgoingDraft { album, forward, ..draft(conversation, "", random_id) }
}

/// They go in one request, in order and once, also when its answer is lost; the next text waits for them. What is refused
/// together is tried one by one, and what is refused alone waits for a person.
#[tokio::test]
async fn messages_that_are_passed_on_go_together_and_once() {
    let (bureau, conversation) = bureau().await;
    bureau.ingest(vec![said(2, "І ще одне", Direction::In)]).await;
    let messages = bureau.store.messages(bureau.account, conversation, None, 2).await.unwrap();
    let (first, second) = (messages[0].id.min(messages[1].id), messages[0].id.max(messages[1].id));
    let server = Arc::new(Server::default());
    *server.answers.lock().unwrap() = vec![Answer::Lost];
    let both = |ids: [i64; 2]| {
        let album = Some(ids[0]);
        [passing_on(conversation, first, ids[0], album), passing_on(conversation, second, ids[1], album)]
    };
    bureau.store.queue_texts(bureau.account, &both([1, 2]), None).await.unwrap();
    bureau.store.queue_texts(bureau.account, &[draft(conversation, "after", 3)], None).await.unwrap();
    let waiting = bureau.store.outgoing(bureau.account, conversation).await.unwrap();
    let forward = waiting[0].forward.as_ref().unwrap();
    assert_eq!(
        (forward.author.as_str(), forward.words.as_str(), waiting[0].text.as_str()),
        ("Олена", "Добрий день", "")
    );
    let wire = Arc::new(Wire::default());
    let program = Start { remote: server.clone(), ..Start::new(&bureau, "one", &wire) }.run().await;
    let sent = |all: &[StoredOutgoing]| all.len() == 3 && all.iter().all(|one| one.state == OutgoingState::Sent);
    until(&bureau, conversation, sent).await;
    let tries = std::mem::take(&mut *server.forwards.lock().unwrap());
    assert_eq!(tries.len(), 2);
    assert_eq!(tries[0], tries[1], "the same messages again");
    assert_eq!(tries[0].iter().map(|item| item.from.number).collect::<Vec<_>>(), [1, 2]);
    let accepted = server.accepted.lock().unwrap().clone();
    assert_eq!(accepted, HashMap::from([(1, 100), (2, 101), (3, 102)]));

    *server.answers.lock().unwrap() = vec![Answer::Refused, Answer::Refused];
    bureau.store.queue_texts(bureau.account, &both([4, 5]), None).await.unwrap();
    let settled = |all: &[StoredOutgoing]| {
        let states: Vec<_> = all.iter().skip(3).map(|one| one.state).collect();
        states == [OutgoingState::Failed, OutgoingState::Sent]
    };
    until(&bureau, conversation, settled).await;
    let tries = server.forwards.lock().unwrap().iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(tries, [2, 1, 1]);
    program.engine.shutdown().await;
}

#[tokio::test]
async fn a_message_that_stands_nowhere_is_not_passed_on() {
    let (bureau, conversation) = bureau().await;
    let unknown = passing_on(conversation, MessageId::new(START), 1, None);
    let refused = bureau.store.queue_texts(bureau.account, &[unknown], None).await;
    assert!(matches!(refused, Err(StoreError::NotFound(_))), "{refused:?}");
    assert_eq!(bureau.store.outgoing(bureau.account, conversation).await.unwrap(), []);
}

/// What is said of a mail with the next ones' ends is known after a crash: nobody is asked, and nobody can send it twice.
#[tokio::test]
async fn a_mail_that_is_known_to_be_taken_is_settled_without_a_person() {
    let bureau = Bureau::new().await;
    let (store, account) = (&bureau.store, bureau.account);
    let mails: Vec<MailDraft> = (0..3).map(mail).collect();
    for mail in &mails {
        store.queue_mail(account, mail).await.unwrap();
    }
    let lease = leased(&bureau).await;
    let now = SystemClock.now().replace_nanosecond(0).unwrap();
    let due = store.due_mails(account, lease, (now, Duration::ZERO), 3, &[]).await.unwrap();
    let [known, last, unsaid] = [0, 1, 2].map(|at| due[at].this_try());
    let outcomes = Outcomes::from([("customer@example.net".to_owned(), Outcome::Told)]);
    let ends = |this| [(this, &outcomes)];

    let lost = store.mails_end(account, LeaseToken(7), now, &ends(known), &[]).await.unwrap();
    assert!(lost.is_empty(), "no dot without the lease");
    let ended = store.mails_end(account, lease, now, &ends(known), &[]).await.unwrap();
    assert_eq!(ended, [known.outgoing].into());
    // One whose end was not noted cannot have been taken, whatever is said of it.
    let accepted = [known.outgoing, unsaid.outgoing];
    let ended = store.mails_end(account, lease, now, &ends(last), &accepted).await.unwrap();
    assert_eq!(ended, [last.outgoing].into());
    store.recover_mails(account, lease, SystemClock.now()).await.unwrap();

    let uncertain = store.uncertain_mails(account, START).await.unwrap();
    let of = |(mail, confirmed): &(DueMail, bool)| (mail.this_try(), *confirmed);
    assert_eq!(uncertain.iter().map(of).collect::<Vec<_>>(), [(known, true), (last, false)]);
    assert!(matches!(store.retry_text(account, known.outgoing).await, Err(StoreError::NotFound(_))), "it was sent");
    store.retry_text(account, last.outgoing).await.unwrap();
    let again = store.due_mails(account, lease, (SystemClock.now(), Duration::ZERO), 3, &[]).await.unwrap();
    assert_eq!(again.iter().map(|mail| mail.id).collect::<Vec<_>>(), [last.outgoing, unsaid.outgoing]);
}

/// Until a mail's end is noted it is the person's, and afterwards no other try ends it.
#[tokio::test]
async fn a_mail_ends_once_and_not_after_it_was_taken_back() {
    let bureau = Bureau::new().await;
    let (store, account) = (&bureau.store, bureau.account);
    for number in 0..4 {
        store.queue_mail(account, &mail(number)).await.unwrap();
    }
    let lease = leased(&bureau).await;
    let now = SystemClock.now().replace_nanosecond(0).unwrap();
    let due = store.due_mails(account, lease, (now, Duration::ZERO), 4, &[]).await.unwrap();
    let [back, slow, failed, other] = [0, 1, 2, 3].map(|at| due[at].this_try());
    assert_eq!(due.iter().map(|mail| (mail.tries, mail.mail.date)).collect::<Vec<_>>(), [(1, now); 4]);
    let outcomes = Outcomes::from([("customer@example.net".to_owned(), Outcome::Told)]);

    store.discard_text(account, back.outgoing).await.unwrap();
    store.mail_is_slow(account, lease, slow.outgoing, now).await.unwrap();
    assert!(store.is_sending().await.unwrap());
    assert!(matches!(store.discard_text(account, slow.outgoing).await, Err(StoreError::NotFound(_))), "on its way");
    let why = Trouble { code: TroubleCode::Network, detail: "gone".to_owned() };
    let again = Some(now + time::Duration::HOUR);
    store.mail_not_sent(account, lease, now, failed, (&Outcomes::new(), &why), (again, false)).await.unwrap();

    // One that is not to be ended now waits again, and can be taken back.
    store.mail_not_ended(account, lease, slow.outgoing).await.unwrap();
    assert!(!store.is_sending().await.unwrap());
    store.mail_is_slow(account, lease, slow.outgoing, now).await.unwrap();

    let all = [back, slow, failed, other].map(|this| (this, &outcomes));
    let ended = store.mails_end(account, lease, now, &all, &[]).await.unwrap();
    assert_eq!(ended, [slow.outgoing, other.outgoing].into());
    assert!(store.mails_end(account, lease, now, &all, &[]).await.unwrap().is_empty());
    // What another try says of a mail that has ended counts for nothing.
    let stale = MailTry { tries: 2, ..other };
    store.mail_not_sent(account, lease, now, stale, (&Outcomes::new(), &why), (again, false)).await.unwrap();
    store.mail_not_ended(account, lease, other.outgoing).await.unwrap();
    assert_eq!(store.outgoing_text(account, other.outgoing).await.unwrap().state, OutgoingState::Sending);

    let hour = Duration::from_secs(3600);
    let due = |soon| store.due_mails(account, lease, (now, soon), 4, &[]);
    assert_eq!(due(hour - Duration::from_secs(1)).await.unwrap(), []);
    let later = due(hour).await.unwrap();
    let try_again = MailTry { tries: 2, ..failed };
    assert_eq!(later.iter().map(|mail| (mail.this_try(), mail.due)).collect::<Vec<_>>(), [(try_again, again)]);
    assert!(!later[0].is_due(now) && later[0].is_due(now + hour));
    assert_eq!(store.due_mails(account, lease, (now, hour), 4, &[failed.outgoing]).await.unwrap(), []);
    assert_eq!(store.due_mails(account, LeaseToken(7), (now, hour), 4, &[]).await.unwrap(), []);
    store.remove_account(account, false).await.unwrap();
    assert_eq!(store.due_mails(account, lease, (now, hour), 4, &[]).await.unwrap(), [], "no end would be noted either");
}

/// A person may put a mail off whose try has begun already, should the clocks differ.
#[tokio::test]
async fn a_mail_that_was_put_off_waits_whatever_its_try_comes_to() {
    let bureau = Bureau::new().await;
    let (store, account) = (&bureau.store, bureau.account);
    let now = SystemClock.now().replace_nanosecond(0).unwrap();
    let (earlier, later) = (now - time::Duration::MINUTE, now + time::Duration::HOUR);
    store.queue_mail(account, &MailDraft { send_at: Some(now), ..mail(0) }).await.unwrap();
    let lease = leased(&bureau).await;
    let due = store.due_mails(account, lease, (earlier, Duration::from_secs(60)), 4, &[]).await.unwrap();
    let this = due[0].this_try();
    assert_eq!(this.date, now, "its Date is its time");
    store.reschedule(account, this.outgoing, later, earlier).await.unwrap();

    store.mail_is_slow(account, lease, this.outgoing, now).await.unwrap();
    let outcomes = Outcomes::from([("customer@example.net".to_owned(), Outcome::Told)]);
    assert!(store.mails_end(account, lease, now, &[(this, &outcomes)], &[]).await.unwrap().is_empty());
    let why = Trouble { code: TroubleCode::Network, detail: "gone".to_owned() };
    let again = Some(now + time::Duration::MINUTE);
    store.mail_not_sent(account, lease, now, this, (&Outcomes::new(), &why), (again, false)).await.unwrap();
    let mail = store.outgoing_text(account, this.outgoing).await.unwrap();
    assert_eq!((mail.state, mail.tries, mail.error), (OutgoingState::Waiting, 0, None));
    let due = store.due_mails(account, lease, (later, Duration::ZERO), 4, &[]).await.unwrap();
    assert_eq!(due.iter().map(DueMail::this_try).collect::<Vec<_>>(), [MailTry { date: later, ..this }]);
}

/// The bureau's account for an hour.
async fn leased(bureau: &Bureau) -> LeaseToken {
    let holder = LeaseHolder { id: uuid::Uuid::from_u128(1), name: "one".to_owned(), home: String::new() };
    let span = LeaseSpan { valid: Duration::from_secs(3600), linger: Duration::ZERO };
    match bureau.store.take_lease(bureau.account, &holder, span, None).await.unwrap() {
        TakenLease::Ours(lease) => lease,
        other => panic!("nobody else is there: {other:?}"),
    }
}

fn mail(number: u32) -> MailDraft {
    let address = |name: &str| Address { name: String::new(), address: format!("{name}@example.net") };
    MailDraft {
        id: OutgoingId::new(START + time::Duration::seconds(number.into())),
        conversation: None,
        send_at: None,
        draft: None,
        mail: OutgoingMail {
            message_id: format!("{number}@bureau.example"),
            from: address("bureau"),
            to: vec![address("customer")],
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: String::new(),
            date: START,
            references: Vec::new(),
            text: "Готово".to_owned(),
            html: None,
            files: Vec::new(),
        },
        entities: Vec::new(),
        files: Vec::new(),
    }
}
