//! Somebody's data is removed on request: nothing of it is left in any column, nothing comes back, nothing new is lost.

use std::sync::{Arc, Mutex};

use skrynka_core::{
    clock::{Clock as _, SystemClock},
    connector::{Batch, Content, Cursor, Incoming, IncomingMessage, KnownPeer, Raw},
    forget::{self, ForgetError, Progress},
    model::{
        AccountId, Address, Direction, DraftId, Forward, Media, MediaFile, MediaKind, Peer, PeerKind, Place, Service,
        ServiceKind,
    },
    postgres::testing::TestDatabase,
    store::{Completeness, ForgetPreview, HandleKind, Identity, PersonHandle, StoreError, StoredMessage},
};
use sqlx::{AssertSqlSafe, Row as _};
use time::Duration;
use tokio_util::sync::CancellationToken;

use crate::{
    chats::Said,
    common::{Bureau, Mail, START, telegram},
    completeness::{Server, listening, said},
    programs::Wire,
};

const USER: i64 = 712_345_678;
const HER: Peer = Peer { kind: PeerKind::User, id: USER };
const OTHER: Peer = Peer { kind: PeerKind::User, id: 9 };
const TEAM: Peer = Peer { kind: PeerKind::Group, id: 8 };
const ADDRESS: &str = "Canary@Example.org";
/// What is planted of her, in addresses, names, texts, files and ids. Nobody else's words hold any of it.
const WORDS: [&str; 6] = ["canary", "Канарейк", "+380007712", "712345678", "канарков", "жовтопер"];

/// One bureau with a mailbox and a Telegram account.
struct Both {
    mail: Bureau,
    chats: Bureau,
}

impl Both {
    async fn new() -> Self {
        let mail = Bureau::new().await;
        let account = AccountId::new(START);
        mail.store.add_telegram_account(&telegram(account, 900)).await.unwrap();
        let (store, ingest) = (mail.store.clone(), mail.ingest.clone());
        let chats = Bureau { store, ingest, account, database: TestDatabase::new().await };
        Self { mail, chats }
    }

    async fn run(&self, statement: &str) {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&self.mail.database.pool).await.unwrap();
    }

    /// Every column of the schema that holds one of the words, whatever its type; a table that is added later is read too.
    async fn traces(&self) -> Vec<String> {
        traces(&self.mail, &WORDS).await
    }

    async fn her(&self) -> Identity {
        let named: PersonHandle = ADDRESS.parse().unwrap();
        self.mail.store.identity(&named).await.unwrap().expect("she is known")
    }

    async fn forget(&self) -> u64 {
        forget::forget(&self.mail.store, &self.her().await, &|_| {}, &CancellationToken::new()).await.unwrap()
    }

    async fn messages(&self) -> Vec<StoredMessage> {
        let mut all = Vec::new();
        for conversation in self.mail.conversations().await {
            all.extend(self.mail.store.messages(conversation.account, conversation.id, None, 1000).await.unwrap());
        }
        all
    }
}

pub async fn traces(bureau: &Bureau, words: &[&str]) -> Vec<String> {
    let pool = &bureau.database.pool;
    let columns = sqlx::query(
        "SELECT c.table_name::text, c.column_name::text, c.data_type::text FROM information_schema.columns c
         JOIN information_schema.tables t USING (table_schema, table_name)
         WHERE c.table_schema = 'skrynka' AND t.table_type = 'BASE TABLE' ORDER BY 1, 2",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    assert!(columns.len() > 200, "the catalogue was read");
    let mut found = Vec::new();
    for column in columns {
        let (table, name, kind): (String, String, String) = (column.get(0), column.get(1), column.get(2));
        let holds = if kind == "bytea" {
            format!(
                "strpos(lower(encode(\"{name}\", 'escape')), lower(word)) > 0
                 OR position(convert_to(word, 'UTF8') in \"{name}\") > 0"
            )
        } else {
            format!("strpos(lower(\"{name}\"::text), lower(word)) > 0")
        };
        let query = format!("SELECT DISTINCT word FROM skrynka.\"{table}\", unnest($1::text[]) AS word WHERE {holds}");
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        for row in sqlx::query(AssertSqlSafe(query)).bind(words).fetch_all(pool).await.unwrap() {
            found.push(format!("{table}.{name}: {}", row.get::<String, _>(0)));
        }
    }
    found
}

fn her_mail(number: u32) -> Mail {
    Mail::new(number).from(ADDRESS).subject(&format!("Канаркова справа {number}")).body("жовтопера таємниця")
}

fn named(mut mail: IncomingMessage, id: &str) -> IncomingMessage {
    let Content::Letter(letter) = &mut mail.content else { panic!("a mail") };
    letter.message_id = Some(format!("{id}@mail.example"));
    if letter.author.address.eq_ignore_ascii_case(ADDRESS) {
        letter.author.name = "Канарейка Жовта".to_owned();
        letter.message_id = Some(format!("{id}@canary.example"));
    } else {
        letter.author.name = "Петро".to_owned();
    }
    mail
}

fn incoming(message: IncomingMessage) -> Incoming {
    Incoming::Message(Box::new(message))
}

/// A thread of hers alone with our answer, and one that others write in too.
fn mails() -> Vec<Incoming> {
    let mut answer = named(her_mail(2).from("office@example.org").message(), "a2");
    answer.direction = Direction::Out;
    answer.place.mailbox = "Sent".to_owned();
    let mut among = named(Mail::new(4).from("petro@example.org").subject("Спільна").body("від Петра").message(), "a4");
    let mut ours = named(Mail::new(5).from("office@example.org").subject("Спільна").body("усім").message(), "a5");
    ours.direction = Direction::Out;
    ours.place.mailbox = "Sent".to_owned();
    let to = |address: &str| Address { name: String::new(), address: address.to_owned() };
    for (message, people) in [(&mut answer, vec![to(ADDRESS)]), (&mut ours, vec![to("petro@example.org")])] {
        let Content::Letter(letter) = &mut message.content else { panic!("a mail") };
        letter.to = people;
    }
    let mut third = named(her_mail(6).subject("Спільна").message(), "a6");
    for (message, references) in
        [(&mut answer, ["a1@canary.example"]), (&mut ours, ["a4@mail.example"]), (&mut third, ["a5@mail.example"])]
    {
        let Content::Letter(letter) = &mut message.content else { panic!("a mail") };
        letter.references = references.map(str::to_owned).into();
    }
    among.seen = true;
    let mut broken = her_mail(7).message();
    broken.raw = Raw::memory(b"Received: x\r\nFrom: =?utf-8?q?K?=\r\n <CANARY@example.org>\r\n\r\n\xff".to_vec());
    broken.content = Content::Unreadable { reason: "the parser failed on it".to_owned(), whole: true };
    let all = [named(her_mail(1).message(), "a1"), answer, among, ours, third, broken];
    all.map(incoming).into()
}

fn file(name: &str) -> Media {
    Media::File(Box::new(MediaFile {
        kind: MediaKind::Document,
        name: name.to_owned(),
        mime: "application/pdf".to_owned(),
        size: 10,
        width: None,
        height: None,
        duration_ms: None,
        waveform: None,
        thumbnail: Some(b"canary picture".to_vec()),
        remote: serde_json::json!({"id": "canary"}),
    }))
}

fn hers(peer: Peer, number: u32, text: &str) -> Said {
    Said::new(peer, number, text).with(|chat| {
        let author = chat.author.as_mut().unwrap();
        (author.peer, author.name, author.username) = (HER, "Канарейка".to_owned(), Some("Canary_Y".to_owned()));
        if peer == HER {
            chat.chat.title = "Канарейка Жовта".to_owned();
            (chat.chat.username, chat.chat.phone) = (Some("Canary_Y".to_owned()), Some("+380007712".to_owned()));
        }
    })
}

fn others(peer: Peer, number: u32, text: &str) -> Said {
    Said::new(peer, number, text).with(|chat| {
        let author = chat.author.as_mut().unwrap();
        (author.peer, author.name, author.username) = (OTHER, "Петро".to_owned(), None);
    })
}

fn peer() -> Incoming {
    Incoming::Peer(Box::new(KnownPeer {
        peer: HER,
        access_hash: Some(5),
        name: "Канарейка Жовта".to_owned(),
        username: Some("Canary_Y".to_owned()),
        phone: Some("+380007712".to_owned()),
        details: serde_json::json!({"status": "canary"}),
    }))
}

/// A private chat and a group, with files, an edit, a message of hers that somebody passes on, and one nobody can read.
fn chats() -> Vec<Incoming> {
    let passed = others(TEAM, 23, "гляньте").with(|chat| {
        chat.forward =
            Some(Forward { name: "Канарейка".to_owned(), peer: Some(HER), number: None, sent_at: START });
    });
    let unreadable = Incoming::Message(Box::new(IncomingMessage {
        place: HER.place(15),
        direction: Direction::In,
        received_at: START,
        arrived_at: START,
        seen: false,
        answered: false,
        raw: Raw::memory(b"canary bytes".to_vec()),
        content: Content::Unreadable { reason: "канаркова вада".to_owned(), whole: false },
    }));
    vec![
        peer(),
        hers(HER, 11, "жовтопера справа").incoming(),
        hers(HER, 12, "").with(|chat| chat.media = Some(file("Канарейка.pdf"))).incoming(),
        hers(HER, 13, "наша відповідь канарковій").ours().incoming(),
        unreadable,
        others(TEAM, 20, "перше").incoming(),
        hers(TEAM, 21, "канарковий лист").with(|chat| chat.media = Some(file("жовтопера.pdf"))).incoming(),
        hers(TEAM, 21, "")
            .edited(90, "канарковий лист, виправлений")
            .with(|chat| chat.media = Some(file("жовтопера.pdf")))
            .incoming(),
        passed.incoming(),
        hers(TEAM, 24, "останнє канаркове").incoming(),
    ]
}

async fn full() -> Both {
    let both = Both::new().await;
    both.mail.ingest(mails()).await;
    let cursor = Cursor { mailbox: HER.to_string(), state: serde_json::json!({"top": 15}) };
    let batch = Batch { incoming: chats(), cursors: vec![cursor] };
    both.chats.ingest.ingest(both.chats.account, None, batch).await.unwrap();
    let store = &both.mail.store;
    // Her file was fetched, and the same bytes are somebody else's too.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    for (name, bytes) in [("Канарейка.pdf", "canary file"), ("жовтопера.pdf", "shared file")] {
        std::fs::write(&path, bytes).unwrap();
        for message in both.messages().await {
            for file in message.files.iter().filter(|file| file.name == name) {
                store.keep_file(message.account, file.id, &path).await.unwrap();
            }
        }
    }
    let shared = others(TEAM, 25, "").with(|chat| chat.media = Some(file("інше.pdf")));
    let shared = shared.with(|chat| {
        let Some(Media::File(file)) = &mut chat.media else { panic!("a file") };
        (file.thumbnail, file.remote) = (None, serde_json::json!({"id": 3}));
    });
    both.chats.ingest(vec![shared.incoming()]).await;
    for message in both.messages().await {
        for file in message.files.iter().filter(|file| file.name == "інше.pdf") {
            store.keep_file(message.account, file.id, &path).await.unwrap();
        }
    }
    let all = both.mail.conversations().await;
    let hers: Vec<_> = all.iter().filter(|one| one.peer_name.contains("Канарейка")).collect();
    assert!(hers.len() >= 2, "{all:?}");
    for one in hers.iter().filter(|one| one.subject != "Спільна") {
        store
            .save_draft(one.account, DraftId::new(START), Some(one.id), r#"{"chat":{"text":"канаркова"}}"#)
            .await
            .unwrap();
    }
    let common = all.iter().find(|one| one.subject == "Спільна").unwrap();
    let to_her = r#"{"mail":{"to":[{"name":"","address":"canary@example.org"}],"cc":[],"bcc":[],"text":"канаркова"}}"#;
    for conversation in [None, Some(common.id)] {
        store.save_draft(both.mail.account, DraftId::new(START), conversation, to_her).await.unwrap();
    }
    let chat = hers.iter().find(|one| one.chat.is_some()).unwrap();
    let row = Completeness {
        account: chat.account,
        mailbox: HER.to_string(),
        epoch: 0,
        name: "Канарейка".to_owned(),
        compared: true,
        checked_at: START,
        held: 4,
        missing: 0,
        numbers: Vec::new(),
        whole_to: 15,
    };
    store.keep_completeness(chat.account, &[row]).await.unwrap();
    let (account, id) = (chat.account, chat.id);
    both.run(&format!(
        "SET search_path = skrynka, public;
         INSERT INTO adopted_notes VALUES (gen_random_uuid(), '{account}', '{id}', 'Марія', 'канаркова нотатка', now());
         INSERT INTO adopted_sources (id) VALUES ('00000000-0000-0000-0000-000000000001');
         INSERT INTO adopted_conversations VALUES ('{account}', 'phone:+380007712', '{id}');
         INSERT INTO adopted_messages (source, old_id, account_id, message_id, waits, guessed, status, missing_files, peer,
             outgoing, at, has_media)
         SELECT '00000000-0000-0000-0000-000000000001', '7', account_id, id, true, false, 'sent', '{{canary.pdf}}',
                'user:{USER}', false, received_at, false FROM messages WHERE conversation_id = '{id}' LIMIT 1;
         INSERT INTO outgoing (account_id, id, conversation_id, body_text, random_id)
         VALUES ('{account}', gen_random_uuid(), '{id}', 'канаркове на черзі', 77)"
    ))
    .await;
    // Somebody says that the address and the chat are one person.
    let of = async |handle: &str| store.identity(&handle.parse().unwrap()).await.unwrap().unwrap();
    assert_ne!(of(ADDRESS).await, of("@canary_y").await);
    let contacts: Vec<_> = {
        let mail = hers.iter().find(|one| one.chat.is_none() && one.subject != "Спільна").unwrap();
        let mut found = Vec::new();
        for one in [mail, chat] {
            found.push(store.person(one.account, one.id).await.unwrap().unwrap().contact);
        }
        found
    };
    store.link_people(contacts[0], contacts[1]).await.unwrap();
    while store.index_messages(10, 10_000).await.unwrap().messages > 0 {}
    both
}

#[tokio::test]
async fn nothing_is_left_of_somebody_in_any_column_and_what_others_wrote_stays() {
    let both = full().await;
    let store = &both.mail.store;
    let before = both.traces().await;
    for table in [
        "messages.",
        "raw_messages.",
        "blob_chunks.",
        "attachments.",
        "message_search.",
        "message_versions.",
        "telegram_peers.",
        "contacts.",
        "contact_handles.",
        "drafts.",
        "outgoing.",
        "adopted_notes.",
        "adopted_messages.",
        "adopted_conversations.",
        "completeness.",
        "account_cursors.",
        "mail_threads.",
        "conversations.",
        "chat_messages.",
        "quarantine.",
    ] {
        assert!(
            before.iter().any(|column| column.starts_with(table)),
            "the test plants nothing in {table}: {before:#?}"
        );
    }
    let identity = both.her().await;
    let kinds: Vec<HandleKind> = identity.handles().iter().map(|handle| handle.kind).collect();
    assert_eq!(kinds, [HandleKind::Email, HandleKind::TelegramUsername, HandleKind::Phone, HandleKind::TelegramId]);
    let preview = store.forget_preview(&identity).await.unwrap();
    let ForgetPreview { conversations, messages, blanked, files, unsent, kept, .. } = preview;
    // Two threads of hers alone with the one that cannot be read, and the chat; the third mail in the common thread.
    assert_eq!((conversations, messages, blanked, files, unsent, kept), (3, 8, 2, 2, 1, 0));

    let steps = Mutex::new(Vec::new());
    let tell = |reached: Progress| steps.lock().unwrap().push(reached);
    let removed = forget::forget(store, &identity, &tell, &CancellationToken::new()).await.unwrap();
    assert_eq!(removed, 10);
    assert_eq!(steps.lock().unwrap().last(), Some(&Progress { done: 10, total: 10 }));
    while store.index_messages(10, 10_000).await.unwrap().messages > 0 {}

    assert_eq!(both.traces().await, Vec::<String>::new());
    both.mail.assert_summaries_true().await;
    let left: Vec<(String, bool)> =
        both.messages().await.into_iter().map(|one| (one.text, one.removed_at.is_some())).collect();
    for text in ["від Петра", "усім", "перше", "гляньте"] {
        assert!(left.contains(&(text.to_owned(), false)), "{text} of {left:?}");
    }
    assert_eq!(left.iter().filter(|(text, removed)| text.is_empty() && *removed).count(), 2, "{left:?}");
    let all = both.mail.conversations().await;
    assert_eq!(all.len(), 2, "{all:?}");
    let thread = all.iter().find(|one| one.chat.is_none()).unwrap();
    assert_eq!((&*thread.peer_address, thread.messages, &*thread.snippet), ("petro@example.org", 2, "усім"));
    let shared: i64 =
        sqlx::query_scalar("SELECT count(*) FROM skrynka.blobs").fetch_one(&both.mail.database.pool).await.unwrap();
    assert_eq!(shared, 1, "bytes that somebody else sent as well stay");
    assert_eq!(store.identity(&ADDRESS.parse().unwrap()).await.unwrap(), None);
    let own = store.identity(&"office@example.org".parse().unwrap()).await.unwrap();
    let refused = forget::forget(store, &own.unwrap(), &|_| {}, &CancellationToken::new()).await;
    assert!(matches!(refused, Err(ForgetError::Store(StoreError::OwnAccount))), "{refused:?}");
}

fn renumbered(all: Vec<Incoming>, later: u32) -> Vec<Incoming> {
    let shift = |mut one: Incoming| {
        if let Incoming::Message(message) = &mut one {
            let Place { epoch, number, .. } = &mut message.place;
            (*epoch, *number) = (*epoch + 1, *number + later);
        }
        one
    };
    all.into_iter().map(shift).collect()
}

#[tokio::test]
async fn nothing_comes_back_and_what_is_new_arrives() {
    let both = full().await;
    both.forget().await;
    let store = &both.mail.store;
    let before = both.messages().await.len();

    // The same listing again, another UIDVALIDITY, older history, and her name in passing.
    both.mail.ingest(mails()).await;
    assert_eq!(both.mail.ingest(renumbered(mails(), 40)).await.stored, 0);
    let cursor = Cursor { mailbox: HER.to_string(), state: serde_json::json!({"top": 15}) };
    let batch = Batch { incoming: chats(), cursors: vec![cursor] };
    both.chats.ingest.ingest(both.chats.account, None, batch).await.unwrap();
    both.chats
        .ingest(vec![hers(HER, 3, "давня канаркова історія").incoming(), hers(TEAM, 2, "давнє канаркове").incoming()])
        .await;
    // A server that dates everything anew tells the same Message-IDs.
    let mut moved = named(her_mail(1).uid(90).message(), "a1");
    moved.received_at = SystemClock.now() + Duration::hours(1);
    moved.raw = Raw::memory(b"written anew by its server".to_vec());
    both.mail.ingest(vec![incoming(moved)]).await;
    while store.index_messages(10, 10_000).await.unwrap().messages > 0 {}
    let left = both.traces().await;
    assert!(left.iter().all(|trace| trace.starts_with("chat_messages.forward")), "{left:#?}");
    assert_eq!(both.messages().await.len(), before);
    both.mail.assert_summaries_true().await;

    // What was left out is missed by nobody.
    for (mailbox, epoch, number) in [("INBOX", 1, 1), ("INBOX", 2, 41), ("INBOX", 1, 90)] {
        let numbers = store.stored_numbers(both.mail.account, mailbox, epoch).await.unwrap();
        assert!(numbers.contains(&number), "{mailbox} {epoch} {number}: {numbers:?}");
    }
    assert!(store.is_forgotten_chat(both.chats.account, &HER.to_string()).await.unwrap());

    // She writes again.
    let later = (SystemClock.now() - START).whole_seconds() + 60;
    let again = both.chats.ingest(vec![peer(), hers(HER, 30, "нове").at(later).incoming()]).await;
    let mut mail = named(her_mail(50).subject("Нове").message(), "a50");
    mail.received_at = START + Duration::seconds(later);
    assert_eq!((again.stored, both.mail.ingest(vec![incoming(mail)]).await.stored), (1, 1));
    assert!(!store.is_forgotten_chat(both.chats.account, &HER.to_string()).await.unwrap());
    let new: Vec<_> =
        both.mail.conversations().await.into_iter().filter(|one| one.peer_name.contains("Канарейка")).collect();
    assert_eq!(new.iter().map(|one| one.messages).collect::<Vec<_>>(), [1, 1], "{new:?}");
    both.mail.assert_summaries_true().await;
}

#[tokio::test]
async fn the_completeness_of_a_forgotten_chat_has_no_gap_and_no_name() {
    let bureau = Bureau::with_chats().await;
    let server = Server::new(1..=4, false);
    let wire = Arc::new(Wire::default());
    let program = listening(&bureau, &server, &wire).await;
    let missing = |folders: &[Completeness]| folders.iter().map(|folder| folder.missing).collect::<Vec<_>>();
    let found = program.engine.check_completeness(bureau.account).await.unwrap();
    assert_eq!(missing(&found), [4]);
    let stop = CancellationToken::new();
    assert_eq!(forget::forget(&bureau.store, &forgotten(7), &|_| {}, &stop).await.unwrap(), 0);
    assert_eq!(bureau.store.completeness(None).await.unwrap(), [], "its name went too");

    // What a fetch brings is older than the removal: it is left out, and counts as there.
    program.engine.check_completeness(bureau.account).await.unwrap();
    let fetched = program.engine.fetch_missing(bureau.account).await.unwrap();
    assert_eq!(missing(&fetched), [1], "the last one that the server lists, it does not give");
    bureau.ingest(vec![said(1)]).await;
    assert_eq!(program.engine.check_completeness(bureau.account).await.unwrap(), []);
    assert_eq!((bureau.stored().await, bureau.conversations().await.len()), (0, 0));
    program.engine.shutdown().await;
}

/// It is still nothing that anybody said.
#[tokio::test]
async fn a_line_about_somebody_who_is_removed_stays_nobodys_turn() {
    let both = Both::new().await;
    let joined = hers(TEAM, 31, "").with(|chat| {
        chat.service =
            Some(Service { kind: ServiceKind::MembersJoined, about: "Канарейка".to_owned(), seconds: None });
    });
    let answer = others(TEAM, 30, "Готово").ours();
    both.chats.ingest(vec![peer(), hers(HER, 1, "канаркове").incoming(), answer.incoming(), joined.incoming()]).await;
    let removed = forget::forget(&both.mail.store, &forgotten(HER.id), &|_| {}, &CancellationToken::new()).await;
    assert_eq!(removed.unwrap(), 2);
    let all = both.mail.conversations().await;
    let [team] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((team.last_direction, &*team.snippet), (Direction::Out, "Готово"));
    both.mail.assert_summaries_true().await;
}

fn forgotten(user: i64) -> Identity {
    serde_json::from_value(serde_json::json!({
        "contacts": [], "emails": [], "users": [user], "usernames": [], "phones": []
    }))
    .unwrap()
}

#[tokio::test]
async fn a_removal_that_was_stopped_goes_on_where_it_stood() {
    let both = Both::new().await;
    let many = (1..=1200).map(|n| hers(HER, n, &format!("канаркова {n}")).incoming()).collect();
    both.chats.ingest(many).await;
    both.mail.ingest(mails()).await;
    let store = &both.mail.store;
    let identity =
        store.identity(&PersonHandle { kind: HandleKind::TelegramId, value: USER.to_string() }).await.unwrap();
    let identity = identity.unwrap();
    let stop = CancellationToken::new();
    let tell = |reached: Progress| {
        if reached.done > 0 {
            stop.cancel();
        }
    };
    let stopped = forget::forget(store, &identity, &tell, &stop).await;
    assert!(matches!(stopped, Err(ForgetError::Stopped)), "{stopped:?}");
    both.mail.assert_summaries_true().await;
    let left = both.messages().await.len();
    assert!((700..1210).contains(&left), "{left}");
    // Nothing of hers comes back meanwhile, what is gone and what is not.
    let again = (1..=1200).map(|n| hers(HER, n, &format!("канаркова {n}")).incoming()).collect();
    assert_eq!(both.chats.ingest(again).await.stored, 0);
    assert_eq!(store.open_removals().await.unwrap().len(), 1);

    let fresh = both.mail.another_store().await;
    assert_eq!(forget::go_on(&fresh, &CancellationToken::new()).await.unwrap(), 1);
    assert_eq!(forget::go_on(&fresh, &CancellationToken::new()).await.unwrap(), 0);
    assert_eq!(store.open_removals().await.unwrap(), []);
    assert_eq!(traces(&both.mail, &["712345678"]).await, Vec::<String>::new());
    both.mail.assert_summaries_true().await;
}
