//! What could not be read, and what becomes of it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;
use skrynka_core::{
    clock::{Clock as _, SystemClock},
    connector::{
        Batch, Connector, ConnectorError, Content, Halves, Incoming, IncomingMessage, IncomingSender, Kept, Raw,
        Remote, Resume,
    },
    engine::{AskError, Backoff, Engine, EngineParts, MailTerms, Presence},
    model::{Account, Channel, Place, Trouble, TroubleCode},
    secrets::Secrets,
    store::{MessagePosition, Quarantined},
};
use tokio_util::sync::CancellationToken;

use crate::{
    chats::{OLENA, Said},
    common::{Bureau, Mail},
    programs::{Start, TERMS, Wire},
};

/// A version that reads these mails, by their numbers, and no server.
struct Reads(BTreeMap<u32, Mail>);

impl Connector for Reads {
    fn open(
        &self,
        _: &Account,
        _: Resume,
        _: Secrets,
        _: CancellationToken,
    ) -> BoxFuture<'_, Result<Halves, ConnectorError>> {
        let why = Trouble { code: TroubleCode::Network, detail: "no server".to_owned() };
        Box::pin(async { Err(ConnectorError::Permanent(why)) })
    }

    fn read_again(&self, _: &Account, kept: Kept) -> BoxFuture<'_, Option<IncomingMessage>> {
        let mut read = self
            .0
            .get(&kept.place.number)
            .cloned()
            .map_or_else(|| unreadable(Mail::new(kept.place.number), "still not"), Mail::message);
        assert_eq!(read.raw.sha256, Raw::memory(kept.bytes).sha256, "its own bytes");
        (read.seen, read.received_at) = (kept.seen, kept.received_at);
        Box::pin(async move { Some(read) })
    }
}

fn unreadable(mail: Mail, reason: &str) -> IncomingMessage {
    let content = Content::Unreadable { reason: reason.to_owned(), whole: true };
    IncomingMessage { content, ..mail.message() }
}

async fn engine(bureau: &Bureau, reads: &[Mail]) -> Engine {
    let reads = reads.iter().map(|mail| (mail.uid, mail.clone())).collect();
    let connector: Arc<dyn Connector> = Arc::new(Reads(reads));
    let brief = Duration::from_millis(20);
    Engine::start(EngineParts {
        store: bureau.another_store().await,
        secrets: Arc::new(skrynka_core::secrets::memory::MemorySecrets::default()),
        connectors: HashMap::from([(Channel::Email, connector)]),
        clock: Arc::new(SystemClock),
        backoff: Backoff { first: brief, cap: brief, database_cap: brief },
        presence: Arc::new(Presence::unproved("one", SystemClock.now())),
        terms: TERMS,
        mail: MailTerms::default(),
    })
    .await
    .unwrap()
}

async fn shelf(bureau: &Bureau) -> Vec<Quarantined> {
    bureau.store.quarantined(false, None, 100).await.unwrap()
}

#[tokio::test]
async fn what_an_older_version_could_not_read_takes_its_place_and_nothing_is_doubled() {
    let bureau = Bureau::new().await;
    let (first, lost) = (Mail::new(1), Mail::new(2).references(&["1"]));
    bureau.ingest(vec![first.incoming(), Incoming::Message(Box::new(unreadable(lost.clone(), "too deep")))]).await;
    bureau.ingest(vec![Mail::new(3).references(&["1", "2"]).incoming()]).await;
    assert_eq!((bureau.conversations().await.len(), bureau.stored().await), (2, 3));
    let kept = shelf(&bureau).await;
    assert_eq!((kept.len(), kept[0].reason.as_str(), kept[0].tries, kept[0].whole), (1, "too deep", 1, true));
    assert_eq!((&kept[0].place, kept[0].gone), (&lost.place(), false));

    let engine = engine(&bureau, std::slice::from_ref(&lost)).await;
    assert_eq!(engine.retry_quarantined(bureau.account, kept[0].id).await.unwrap(), None);

    let conversations = bureau.conversations().await;
    assert_eq!((conversations.len(), conversations[0].messages, conversations[0].unread), (1, 3, 3));
    let messages = bureau.store.messages(bureau.account, conversations[0].id, None, 10).await.unwrap();
    let texts: Vec<_> = messages.iter().map(|message| (message.text.as_str(), message.unreadable.is_some())).collect();
    assert_eq!(texts, [("Текст листа 1", false), ("Текст листа 2", false), ("Текст листа 3", false)]);
    assert_eq!(bureau.store.raw_message(bureau.account, messages[1].id).await.unwrap(), lost.bytes());
    assert!(bureau.store.raw_message(bureau.account, kept[0].id).await.is_err(), "its bytes moved with it");
    assert_eq!(bureau.store.quarantine_counts().await.unwrap(), [0, 0]);
    // Once more, and as its server would list it again.
    assert_eq!(engine.retry_quarantined(bureau.account, kept[0].id).await.unwrap(), None);
    assert_eq!(bureau.ingest(vec![lost.incoming()]).await.known, 1);
    assert_eq!(bureau.stored().await, 3);
    bureau.assert_summaries_true().await;
    engine.shutdown().await;
}

#[tokio::test]
async fn a_vain_try_counts_and_what_is_dismissed_stays_shown() {
    let bureau = Bureau::new().await;
    let broken = |n| Incoming::Message(Box::new(unreadable(Mail::new(n), "too deep")));
    bureau.ingest((1..=5).map(broken).collect()).await;
    bureau.ingest(vec![Incoming::Gone { place: Mail::new(5).place() }]).await;
    let engine = engine(&bureau, &[Mail::new(5)]).await;

    let (page, rest) = (bureau.store.quarantined(false, None, 2).await.unwrap(), 10);
    let after = MessagePosition { received_at: page[1].received_at, id: page[1].id };
    let rest = bureau.store.quarantined(false, Some(after), rest).await.unwrap();
    let numbers: Vec<u32> = page.iter().chain(&rest).map(|kept| kept.place.number).collect();
    assert_eq!(numbers, [5, 4, 3, 2, 1]);

    let still = engine.retry_quarantined(bureau.account, page[1].id).await.unwrap().unwrap();
    assert_eq!((still.tries, still.reason.as_str()), (2, "still not"));
    assert!(still.last_tried_at > page[1].last_tried_at);

    // What is gone from its server is so after it could be read, too.
    assert!(page[0].gone);
    assert_eq!(engine.retry_quarantined(bureau.account, page[0].id).await.unwrap(), None);
    let read = bureau.conversations().await.into_iter().find(|c| !c.last_unreadable).unwrap();
    let messages = bureau.store.messages(bureau.account, read.id, None, 10).await.unwrap();
    assert_eq!((messages.len(), messages[0].text.as_str()), (1, "Текст листа 5"));
    assert!(messages[0].deleted_at.is_some());

    bureau.store.dismiss_quarantined(bureau.account, page[1].id, Some(SystemClock.now())).await.unwrap();
    assert_eq!(bureau.store.quarantine_counts().await.unwrap(), [3, 1]);
    let dismissed = bureau.store.quarantined(true, None, 10).await.unwrap();
    assert_eq!(dismissed.iter().map(|kept| kept.id).collect::<Vec<_>>(), [page[1].id]);
    assert_eq!(shelf(&bureau).await.len(), 3);
    let shown = bureau.store.message(bureau.account, page[1].id).await.unwrap();
    assert_eq!(shown.unreadable.as_deref(), Some("still not"));
    bureau.store.dismiss_quarantined(bureau.account, page[1].id, None).await.unwrap();
    assert_eq!(bureau.store.quarantine_counts().await.unwrap(), [4, 0]);
    bureau.assert_summaries_true().await;
    engine.shutdown().await;
}

/// A server that gives messages again as they can be read now.
struct Gives;

impl Remote for Gives {
    fn fetch_again(&self, places: Vec<Place>, inbox: IncomingSender) -> BoxFuture<'_, Result<(), ConnectorError>> {
        Box::pin(async move {
            let said = |place: &Place| Said::new(OLENA, place.number, "two").incoming();
            let incoming = places.iter().map(said).collect();
            inbox.deliver(Batch { incoming, cursors: Vec::new() }).await.unwrap();
            Ok(())
        })
    }
}

#[tokio::test]
async fn what_has_no_bytes_here_is_asked_for_again() {
    let bureau = Bureau::with_chats().await;
    let Incoming::Message(mut lost) = Said::new(OLENA, 2, "").incoming() else { panic!("a message") };
    lost.content = Content::Unreadable { reason: "of a later version".to_owned(), whole: false };
    let others = [1, 3].map(|number| Said::new(OLENA, number, &format!("number {number}")).incoming());
    bureau.ingest(others.into_iter().chain([Incoming::Message(lost)]).collect()).await;
    let kept = shelf(&bureau).await.remove(0);

    // A server that cannot be asked is no try.
    let alone = engine(&bureau, &[]).await;
    let asked = alone.retry_quarantined(bureau.account, kept.id).await;
    assert!(matches!(asked, Err(AskError::NotConnected)), "{asked:?}");
    assert_eq!(shelf(&bureau).await[0].tries, 1);
    alone.shutdown().await;

    let wire = Arc::new(Wire::default());
    let program = Start { remote: Arc::new(Gives), ..Start::new(&bureau, "two", &wire) }.run().await;
    program.until_live(&bureau).await;
    assert_eq!(program.engine.retry_quarantined(bureau.account, kept.id).await.unwrap(), None);
    let said = bureau.said(OLENA).await;
    let texts: Vec<_> = said.iter().map(|message| message.text.as_str()).collect();
    assert_eq!(texts, ["number 1", "two", "number 3"]);
    bureau.assert_summaries_true().await;
    program.engine.shutdown().await;
}
