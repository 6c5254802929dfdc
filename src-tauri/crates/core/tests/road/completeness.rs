//! Whether everything that the other side holds is stored.

use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use skrynka_core::{
    connector::{
        Batch, Chat, ChatMessage, ConnectorError, Content, Cursor, Holding, Incoming, IncomingMessage, IncomingSender,
        Raw, Remote,
    },
    model::{ChatKind, Direction, Peer, PeerKind, Place},
};

use crate::{
    common::{Bureau, START},
    programs::{Start, Wire},
};

const OLENA: Peer = Peer { kind: PeerKind::User, id: 7 };

/// A server that holds a message of each of these numbers, and gives again what it is asked for.
struct Server {
    holds: std::ops::RangeInclusive<u32>,
    asked: Mutex<Vec<Place>>,
}

impl Remote for Server {
    fn holdings(&self, _: Vec<Cursor>) -> BoxFuture<'_, Result<Vec<Holding>, ConnectorError>> {
        let Place { mailbox, epoch, .. } = OLENA.place(1);
        let all = Holding { mailbox, epoch, name: "Olena".to_owned(), numbers: vec![self.holds.clone()] };
        Box::pin(async move { Ok(vec![all]) })
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

fn said(number: u32) -> Incoming {
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
    let server = Arc::new(Server { holds: 1..=8, asked: Mutex::default() });
    let wire = Arc::new(Wire::default());
    let program = Start { remote: server.clone(), ..Start::new(&bureau, "one", &wire) }.run().await;
    let engine = &program.engine;
    assert_eq!(bureau.store.completeness(None).await.unwrap(), []);
    tokio::time::timeout(std::time::Duration::from_secs(20), async {
        while engine.remote(bureau.account).is_none() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("it listens");

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
