//! What a person asks of the other side: a chat's past, a file.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use skrynka_core::{
    connector::{
        Batch, Chat, ChatMessage, ConnectorError, Content, Fetched, History, Incoming, IncomingMessage, Raw, Remote,
        not_offered,
    },
    engine::AskError,
    model::{AccountId, ChatKey, ChatKind, Direction, Media, MediaFile, MediaKind, Peer, PeerKind, Place, TroubleCode},
    store::{LeaseHolder, LeaseSpan},
};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _},
    sync::watch,
};

use crate::{
    common::{Bureau, START, telegram},
    programs::{Start, Wire},
};

const OLENA: Peer = Peer { kind: PeerKind::User, id: 7 };

fn said(number: u32, media: Option<Media>) -> Incoming {
    let title = "Олена".to_owned();
    let chat = Chat { key: OLENA.into(), kind: ChatKind::Private, title, username: None, phone: None };
    let mut message = ChatMessage::new(chat, None, format!("текст {number}"));
    message.media = media;
    Incoming::Message(Box::new(IncomingMessage {
        place: OLENA.place(number),
        direction: Direction::In,
        received_at: START + time::Duration::seconds(number.into()),
        arrived_at: START,
        seen: true,
        answered: false,
        raw: Raw::empty(),
        content: Content::Chat(Box::new(message)),
    }))
}

/// Has a hundred messages and a file, whose connection breaks in the middle the first time.
#[derive(Default)]
struct Archive {
    fetches: AtomicU32,
}

fn bytes() -> Vec<u8> {
    (0..3_000_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[2]).collect()
}

fn file() -> Media {
    Media::File(Box::new(MediaFile {
        kind: MediaKind::Document,
        name: "договір.pdf".to_owned(),
        mime: "application/pdf".to_owned(),
        size: bytes().len() as u64,
        width: None,
        height: None,
        duration_ms: None,
        waveform: None,
        thumbnail: None,
        remote: serde_json::json!({"reference": "old"}),
    }))
}

impl Remote for Archive {
    fn history(&self, _: ChatKey, before: Option<u32>, limit: u32) -> BoxFuture<'_, Result<History, ConnectorError>> {
        let last = before.unwrap_or(101) - 1;
        let first = last.saturating_sub(limit) + 1;
        let incoming = (first..=last).map(|number| said(number, None)).collect();
        let batch = Batch { incoming, cursors: Vec::new() };
        Box::pin(async move { Ok(History { batch, first: Some(first), beginning: first == 1 }) })
    }

    fn fetch_file<'a>(
        &'a self,
        _: Place,
        _: serde_json::Value,
        offset: u64,
        sink: &'a mut (dyn AsyncWrite + Send + Unpin),
    ) -> BoxFuture<'a, Result<Fetched, ConnectorError>> {
        Box::pin(async move {
            let bytes = bytes();
            let rest = &bytes[offset as usize..];
            if self.fetches.fetch_add(1, Ordering::SeqCst) == 0 {
                sink.write_all(&rest[..1_000_000]).await.unwrap();
                sink.flush().await.unwrap();
                return Err(not_offered("the rest"));
            }
            assert_eq!(offset, 1_000_000, "gone on from where it broke");
            sink.write_all(rest).await.unwrap();
            sink.flush().await.unwrap();
            Ok(Fetched { remote: Some(serde_json::json!({"reference": "new"})) })
        })
    }
}

#[tokio::test]
async fn a_chats_past_is_read_back_page_by_page_and_stored_once() {
    let bureau = Bureau::with_chats().await;
    bureau.ingest(vec![said(100, None)]).await;
    let wire = Arc::new(Wire::default());
    let program = Start { remote: Arc::new(Archive::default()), ..Start::new(&bureau, "one", &wire) }.run().await;
    program.until_live(&bureau).await;

    let (mut before, mut stored) = (None, 0);
    loop {
        let older = program.engine.read_back(bureau.account, OLENA.into(), before, 30).await.unwrap();
        stored += older.stored;
        before = older.first;
        if older.beginning {
            break;
        }
    }

    assert_eq!((stored, bureau.stored().await), (99, 100));
    bureau.assert_summaries_true().await;
    program.engine.shutdown().await;
    let refused = program.engine.read_back(bureau.account, OLENA.into(), None, 30).await;
    assert!(matches!(refused, Err(AskError::NotConnected)));
}

#[tokio::test]
async fn what_is_asked_of_an_account_goes_through_the_program_that_listens_to_it() {
    let bureau = Bureau::with_chats().await;
    bureau.ingest(vec![said(100, None), said(102, Some(file()))]).await;
    let chat = bureau.conversations().await[0].id;
    let last = bureau.store.messages(bureau.account, chat, None, 1).await.unwrap().remove(0);
    let id = last.files[0].id;
    let wire = Arc::new(Wire::default());
    let holder = Start { remote: Arc::new(Archive::default()), ..Start::new(&bureau, "office", &wire) }.run().await;
    holder.until_live(&bureau).await;
    let folder = tempfile::tempdir().unwrap();
    holder.engine.fetch_small_files(folder.path().join("holder"));
    let asker = Start::new(&bureau, "desk", &wire).run().await;
    asker.until_elsewhere(&bureau).await;

    let older = asker.engine.read_back(bureau.account, OLENA.into(), Some(100), 30).await.unwrap();
    assert_eq!((older.stored, older.first, older.beginning), (30, Some(70), false));
    assert_eq!(bureau.stored().await, 32);

    let refused = asker.engine.mark_seen(bureau.account, vec![OLENA.place(100)], true).await;
    let Err(AskError::Elsewhere(trouble)) = refused else { panic!("{refused:?}") };
    assert_eq!(trouble.code, TroubleCode::NotOffered, "the other side's own answer");

    // The holder fetches small files by itself, too: whose try it is that breaks in the middle is open.
    let mine = folder.path().join("asker");
    let _broken_or_not = asker.engine.fetch_file(bureau.account, id, &mine).await;
    asker.engine.fetch_file(bureau.account, id, &mine).await.unwrap();
    assert_eq!(bureau.store.kept_file(bureau.account, id).await.unwrap(), bytes());
    assert!(!mine.exists(), "it came into the holder's folder");

    assert_eq!(wire.most.load(Ordering::SeqCst), 1, "only the holder was ever connected");
    let count = sqlx::query_scalar("SELECT count(*) FROM skrynka.requests");
    let left: i64 = count.fetch_one(&bureau.database.pool).await.unwrap();
    assert_eq!(left, 0, "answered and forgotten");
    asker.engine.shutdown().await;
    holder.engine.shutdown().await;
}

#[tokio::test]
async fn a_holder_that_died_is_not_waited_for() {
    let bureau = Bureau::with_chats().await;
    let wire = Arc::new(Wire::default());
    let dead = LeaseHolder { id: uuid::Uuid::now_v7(), name: "office".to_owned(), home: "elsewhere".to_owned() };
    let span = LeaseSpan { valid: Duration::from_secs(2), linger: Duration::from_secs(60) };
    bureau.store.take_lease(bureau.account, &dead, span, None).await.unwrap();
    let asker = Start::new(&bureau, "desk", &wire).run().await;
    asker.until_elsewhere(&bureau).await;

    let refused = asker.engine.read_back(bureau.account, OLENA.into(), None, 30).await;
    let Err(AskError::NoAnswer(holder)) = refused else { panic!("{refused:?}") };
    assert_eq!(holder, "office");
    let count = sqlx::query_scalar("SELECT count(*) FROM skrynka.requests");
    let left: i64 = count.fetch_one(&bureau.database.pool).await.unwrap();
    assert_eq!(left, 0, "nobody does it later");
    let refused = asker.engine.read_back(bureau.account, OLENA.into(), None, 30).await;
    assert!(matches!(refused, Err(AskError::NotConnected)), "nobody listens any more");
    asker.engine.shutdown().await;
}

#[tokio::test]
async fn a_file_is_fetched_on_from_where_it_broke_and_kept_byte_for_byte() {
    let bureau = Bureau::with_chats().await;
    bureau.ingest(vec![said(1, Some(file()))]).await;
    let conversation = bureau.conversations().await[0].id;
    let file = async || {
        let message = bureau.store.messages(bureau.account, conversation, None, 1).await.unwrap().remove(0);
        message.files[0].clone()
    };
    let id = file().await.id;
    let wire = Arc::new(Wire::default());
    let program = Start { remote: Arc::new(Archive::default()), ..Start::new(&bureau, "one", &wire) }.run().await;
    program.until_live(&bureau).await;
    let folder = tempfile::tempdir().unwrap();

    assert!(program.engine.fetch_file(bureau.account, id, folder.path()).await.is_err());
    assert!(!file().await.media.unwrap().fetched);
    program.engine.fetch_file(bureau.account, id, folder.path()).await.unwrap();
    program.engine.fetch_file(bureau.account, id, folder.path()).await.unwrap();

    assert!(file().await.media.unwrap().fetched);
    assert_eq!(bureau.store.kept_file(bureau.account, id).await.unwrap(), bytes());
    let kept = bureau.store.remote_file(bureau.account, id).await.unwrap();
    assert_eq!(kept.remote, serde_json::json!({"reference": "new"}));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    program.engine.shutdown().await;
}

/// Answers nothing of one chat until it may.
struct Slow {
    chat: ChatKey,
    asked: watch::Sender<u32>,
    may: watch::Receiver<bool>,
}

impl Remote for Slow {
    fn history(&self, chat: ChatKey, _: Option<u32>, _: u32) -> BoxFuture<'_, Result<History, ConnectorError>> {
        Box::pin(async move {
            if chat == self.chat {
                self.asked.send_modify(|asked| *asked += 1);
                self.may.clone().wait_for(|may| *may).await.unwrap();
            }
            let batch = Batch { incoming: Vec::new(), cursors: Vec::new() };
            Ok(History { batch, first: Some(1), beginning: true })
        })
    }
}

#[tokio::test]
async fn an_account_that_is_asked_much_keeps_no_other_waiting() {
    let bureau = Bureau::with_chats().await;
    let other = AccountId::new(START);
    bureau.store.add_telegram_account(&telegram(other, 901)).await.unwrap();
    let (asked, mut under_way) = watch::channel(0);
    let (may, wait) = watch::channel(false);
    let wire = Arc::new(Wire::default());
    let remote = Arc::new(Slow { chat: OLENA.into(), asked, may: wait });
    let holder = Start { remote, ..Start::new(&bureau, "office", &wire) }.run().await;
    holder.until_live(&bureau).await;
    let asker = Start::new(&bureau, "desk", &wire).run().await;
    asker.until_elsewhere(&bureau).await;

    let many = async {
        let one = |_| asker.engine.read_back(bureau.account, OLENA.into(), None, 30);
        futures_util::future::try_join_all((0..7).map(one)).await.unwrap().len()
    };
    let meanwhile = async {
        under_way.wait_for(|asked| *asked == 4).await.unwrap();
        let count = || sqlx::query_scalar::<_, i64>("SELECT count(*) FROM skrynka.requests");
        while count().fetch_one(&bureau.database.pool).await.unwrap() < 7 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // What is asked last, of the other account, is answered while the first waits with all that it may be asked at once.
        let (rest, of) = (Peer { kind: PeerKind::User, id: 8 }, other);
        assert!(asker.engine.read_back(of, rest.into(), None, 30).await.unwrap().beginning);
        assert_eq!(*under_way.borrow(), 4);
        may.send(true).unwrap();
    };
    let (answered, ()) =
        tokio::time::timeout(Duration::from_secs(60), async { tokio::join!(many, meanwhile) }).await.unwrap();
    assert_eq!((answered, *under_way.borrow()), (7, 7), "and the rest follows");
    asker.engine.shutdown().await;
    holder.engine.shutdown().await;
}
