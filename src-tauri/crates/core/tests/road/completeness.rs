//! Whether everything that the other side holds is stored.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use futures_util::future::BoxFuture;
use skrynka_core::{
    connector::{
        Batch, Chat, ChatMessage, ConnectorError, Content, Cursor, Holding, Incoming, IncomingMessage, IncomingSender,
        Looked, Raw, Remote,
    },
    model::{ChatKind, Direction, Peer, PeerKind, Place},
    store::CompletenessSum,
};

use crate::{
    common::{Bureau, START},
    programs::{Start, Wire},
};

const OLENA: Peer = Peer { kind: PeerKind::User, id: 7 };
const PETRO: Peer = Peer { kind: PeerKind::User, id: 8 };

/// A server that holds a message of each of these numbers, and gives again what it is asked for.
pub struct Server {
    pub holds: Mutex<Vec<std::ops::RangeInclusive<u32>>>,
    /// It lists only what stands above what was whole before, as chats do.
    by_stretches: bool,
    asked: Mutex<Vec<Place>>,
    whole: Mutex<Option<u32>>,
    /// It lists a second chat too; whether that can be looked at.
    second: Mutex<Option<Looked>>,
}

impl Server {
    pub fn new(holds: std::ops::RangeInclusive<u32>, by_stretches: bool) -> Arc<Self> {
        let (asked, whole, second) = (Mutex::default(), Mutex::default(), Mutex::default());
        Arc::new(Self { holds: Mutex::new(vec![holds]), by_stretches, asked, whole, second })
    }
}

impl Remote for Server {
    fn holdings(
        &self,
        _: Vec<Cursor>,
        whole: BTreeMap<String, u32>,
    ) -> BoxFuture<'_, Result<Vec<Holding>, ConnectorError>> {
        let Place { mailbox, epoch, .. } = OLENA.place(1);
        let whole_to = whole.get(&mailbox).copied();
        *self.whole.lock().unwrap() = whole_to;
        let low = whole_to.unwrap_or(0);
        let mut numbers = self.holds.lock().unwrap().clone();
        let looked = if self.by_stretches {
            numbers.retain(|range| *range.end() > low);
            numbers.iter_mut().for_each(|range| *range = *range.start().max(&(low + 1))..=*range.end());
            Looked::Above(low)
        } else {
            Looked::Whole
        };
        let mut all = vec![Holding { mailbox, epoch, name: "Olena".to_owned(), numbers, looked }];
        let Place { mailbox, epoch, .. } = PETRO.place(1);
        let second = self.second.lock().unwrap().map(|looked| {
            assert_eq!(whole.get(&mailbox), None, "it never was whole");
            Holding { mailbox, epoch, name: "Petro".to_owned(), numbers: Vec::new(), looked }
        });
        all.extend(second);
        Box::pin(async move { Ok(all) })
    }

    fn fetch_again(&self, places: Vec<Place>, inbox: IncomingSender) -> BoxFuture<'_, Result<(), ConnectorError>> {
        self.asked.lock().unwrap().extend(places.iter().cloned());
        Box::pin(async move {
            // The last of them is gone meanwhile.
            let incoming = places[..places.len() - 1].iter().map(|place| said(place.number)).collect();
            inbox.deliver(Batch { incoming, cursors: Vec::new() }).await.unwrap();
            Ok(())
        })
    }
}

/// A program that listens to the bureau's account at that server.
pub async fn listening(bureau: &Bureau, server: &Arc<Server>, wire: &Arc<Wire>) -> crate::programs::Program {
    let program = Start { remote: server.clone(), ..Start::new(bureau, "one", wire) }.run().await;
    tokio::time::timeout(std::time::Duration::from_secs(20), async {
        while program.engine.remote(bureau.account).is_none() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("it listens");
    program
}

pub fn said(number: u32) -> Incoming {
    let (title, username, phone) = ("Olena".to_owned(), None, None);
    let chat = Chat { key: OLENA.into(), kind: ChatKind::Private, title, username, phone };
    Incoming::Message(Box::new(IncomingMessage {
        place: OLENA.place(number),
        direction: Direction::In,
        received_at: START,
        arrived_at: START,
        seen: false,
        answered: false,
        raw: Raw::empty(),
        content: Content::Chat(Box::new(ChatMessage::new(chat, None, format!("number {number}")))),
    }))
}

#[tokio::test]
async fn a_gap_is_found_kept_and_closed() {
    let bureau = Bureau::with_chats().await;
    bureau.ingest([1, 2, 5, 8].map(said).into()).await;
    let server = Server::new(1..=8, false);
    let wire = Arc::new(Wire::default());
    let program = listening(&bureau, &server, &wire).await;
    let engine = &program.engine;
    assert_eq!(bureau.store.completeness(None).await.unwrap(), []);

    let found = engine.check_completeness(bureau.account).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].held, found[0].missing, found[0].numbers.as_slice()), (8, 4, &[7, 6, 4, 3][..]));
    assert_eq!(bureau.store.completeness(Some(bureau.account)).await.unwrap(), found);

    let after = engine.fetch_missing(bureau.account).await.unwrap();
    let asked: Vec<u32> = server.asked.lock().unwrap().iter().map(|place| place.number).collect();
    assert_eq!(asked, [7, 6, 4, 3]);
    assert_eq!((after[0].held, after[0].missing, after[0].numbers.as_slice()), (8, 1, &[3][..]));
    assert_eq!(bureau.store.completeness(None).await.unwrap(), after);
    program.engine.shutdown().await;
}

#[tokio::test]
async fn a_chat_is_compared_from_where_it_was_whole() {
    let bureau = Bureau::with_chats().await;
    bureau.ingest([4, 5, 8].map(said).into()).await;
    let server = Server::new(1..=8, true);
    let wire = Arc::new(Wire::default());
    let program = listening(&bureau, &server, &wire).await;
    let engine = &program.engine;

    // What is older than the oldest stored message was never fetched.
    let found = engine.check_completeness(bureau.account).await.unwrap();
    assert_eq!((found[0].held, found[0].numbers.as_slice(), found[0].whole_to), (5, &[7, 6][..], 5));
    bureau.ingest([6, 7].map(said).into()).await;
    let found = engine.check_completeness(bureau.account).await.unwrap();
    assert_eq!((found[0].held, found[0].missing, found[0].whole_to), (3, 0, 8));
    let first_whole = found[0].checked_at;

    // Nothing has come since: the chat still counts, as it was.
    let found = engine.check_completeness(bureau.account).await.unwrap();
    assert_eq!((*server.whole.lock().unwrap(), found[0].held, found[0].missing), (Some(8), 3, 0));
    assert!(found[0].checked_at >= first_whole);

    *server.holds.lock().unwrap() = vec![1..=11];
    bureau.ingest([9, 11].map(said).into()).await;
    let found = engine.check_completeness(bureau.account).await.unwrap();
    assert_eq!((found[0].held, found[0].numbers.as_slice(), found[0].whole_to), (3, &[10][..], 9));
    // It was deleted there before anybody fetched it.
    *server.holds.lock().unwrap() = vec![1..=9, 11..=11];
    let found = engine.check_completeness(bureau.account).await.unwrap();
    assert_eq!((found[0].missing, found[0].whole_to), (0, 11));
    program.engine.shutdown().await;
}

#[tokio::test]
async fn a_chat_that_could_never_be_compared_is_known_since_when() {
    let bureau = Bureau::with_chats().await;
    bureau.ingest([1, 2].map(said).into()).await;
    let server = Server::new(1..=2, true);
    *server.second.lock().unwrap() = Some(Looked::NotNow);
    let wire = Arc::new(Wire::default());
    let program = listening(&bureau, &server, &wire).await;

    let first = program.engine.check_completeness(bureau.account).await.unwrap();
    let told: Vec<_> = first.iter().map(|chat| (&*chat.name, chat.compared, chat.held)).collect();
    assert_eq!(told, [("Olena", true, 2), ("Petro", false, 0)]);
    assert_eq!(CompletenessSum::of(&first).folders, 1, "what is unknown is not among what was compared");
    let later = program.engine.check_completeness(bureau.account).await.unwrap();
    assert_eq!(later[1], first[1], "the moment at which it should have been compared stays");
    assert!(later[0].checked_at > first[0].checked_at, "the rest is compared all the same");

    *server.second.lock().unwrap() = Some(Looked::Above(0));
    let read = program.engine.check_completeness(bureau.account).await.unwrap();
    assert!(read[1].compared && read[1].checked_at > first[1].checked_at);
    program.engine.shutdown().await;
}
