//! The old CRM's database in many states, taken over, interrupted, repeated, and met by what the servers tell.

use std::{collections::BTreeMap, sync::Arc};

use skrynka_core::{
    adopt::{AdoptError, AdoptOptions, Adoption, Report, Thing, Why},
    clock::{Clock as _, SystemClock},
    forget,
    model::{Channel, ChatKind, Direction, Peer, PeerKind},
    postgres::testing::TestDatabase,
    store::{ConversationListing, ConversationSummary, StoredMessage},
};
use sqlx::AssertSqlSafe;
use time::Duration;
use tokio_util::sync::CancellationToken;

use crate::{
    chats::Said,
    common::{Bureau, Mail, START, telegram},
};

const PHONE: &str = "+380900";
const OFFICE: &str = "office@example.org";
const HASH: &str = "0123456789abcdef0123456789abcdef";

/// The tables as that system's ORM makes them: no defaults, no keys between them.
const TABLES: &str = "
    CREATE TABLE telegram_accounts (id integer, name varchar NOT NULL, phone varchar, session_string varchar NOT NULL,
        api_id integer, api_hash varchar, is_active boolean, created_at timestamptz DEFAULT now());
    CREATE TABLE manager_smtp_accounts (id integer, name varchar, email varchar, smtp_host varchar, smtp_port integer,
        smtp_user varchar, smtp_password varchar, imap_host varchar, imap_port integer, is_active boolean);
    CREATE TABLE users (id uuid, email varchar, first_name varchar, last_name varchar, role varchar, is_active boolean);
    CREATE TABLE crm_clients (id uuid, full_name varchar, email varchar, phone varchar, source varchar);
    CREATE TABLE communications_conversations (id uuid PRIMARY KEY, client_id uuid, platform varchar, external_id varchar,
        subject varchar, manager_smtp_account_id integer, assigned_manager_id uuid, is_archived boolean,
        created_at timestamptz DEFAULT now());
    CREATE TABLE communications_messages (id uuid PRIMARY KEY, conversation_id uuid, direction varchar, type varchar,
        content text, status varchar, attachments jsonb, meta_data jsonb, is_from_me boolean, sent_at timestamptz,
        external_id varchar, created_at timestamptz);
    CREATE TABLE communications_attachments (id uuid, message_id uuid, file_path varchar, file_type varchar,
        mime_type varchar, original_name varchar, file_size integer, created_at timestamptz DEFAULT now());
    CREATE TABLE internal_notes (id serial, entity_type varchar, entity_id varchar, author_name varchar, text text,
        created_at timestamptz)";

struct Old {
    database: TestDatabase,
}

/// A key that is told by its kind and number.
fn key(kind: u8, number: u32) -> String {
    format!("{kind:08x}-0000-4000-8000-{number:012x}")
}

impl Old {
    async fn new() -> Self {
        let old = Self { database: TestDatabase::new().await };
        old.run(r#"CREATE SCHEMA "old CRM""#).await;
        for table in TABLES.split(';') {
            old.run(&table.replace("CREATE TABLE ", r#"CREATE TABLE "old CRM"."#)).await;
        }
        old.run(&format!(
            r#"INSERT INTO "old CRM".telegram_accounts (id, name, phone, session_string, api_id, api_hash, is_active)
               VALUES (1, 'Бюро', '+38 0900', 's', 12345, '{HASH}', true);
               INSERT INTO "old CRM".manager_smtp_accounts VALUES
               (7, 'Пошта', 'Office@Example.org', ' smtp.example.org ', 587, 'office', 'p', ' imap.example.org', 993, true)"#
        ))
        .await;
        old
    }

    async fn run(&self, statements: &str) {
        sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&self.database.pool).await.unwrap();
    }

    async fn conversation(&self, number: u32, platform: &str, external_id: &str, more: &str) {
        let id = key(1, number);
        let mailbox = if platform == "email" { "7" } else { "NULL" };
        let columns =
            "id, platform, external_id, manager_smtp_account_id, is_archived, client_id, assigned_manager_id, subject";
        let more = if more.is_empty() { "false, NULL, NULL, NULL" } else { more };
        self.run(&format!(
            r#"INSERT INTO "old CRM".communications_conversations ({columns})
               VALUES ('{id}', '{platform}', '{external_id}', {mailbox}, {more})"#
        ))
        .await;
    }

    /// A message: of a conversation, at a second, with a direction, a status, a text, meta data and a Message-ID.
    async fn message(&self, number: u32, conversation: u32, second: i64, said: [&str; 5]) {
        let [direction, status, text, meta, rfc] = said;
        let (id, conversation) = (key(2, number), key(1, conversation));
        let at = START + Duration::seconds(second);
        let meta = if meta.is_empty() { "NULL".to_owned() } else { format!("'{meta}'") };
        let rfc = if rfc.is_empty() { "NULL".to_owned() } else { format!("'{rfc}'") };
        self.run(&format!(
            r#"INSERT INTO "old CRM".communications_messages
               (id, conversation_id, direction, type, content, status, meta_data, external_id, created_at)
               VALUES ('{id}', '{conversation}', '{direction}', 'text', '{text}', '{status}', {meta}, {rfc}, '{at}')"#
        ))
        .await;
    }

    async fn open(&self, bureau: &Bureau, options: AdoptOptions) -> Result<Adoption, AdoptError> {
        let clock = Arc::new(SystemClock);
        Adoption::open(&self.database.connect_options(), bureau.store.clone(), clock, options).await
    }

    /// Takes over what is new; says beforehand what it would be.
    async fn adopt_with(&self, bureau: &Bureau, options: AdoptOptions) -> Report {
        let mut adoption = self.open(bureau, options).await.unwrap();
        let stop = CancellationToken::new();
        let would = adoption.look(&|_| {}, &stop).await.unwrap();
        let came = adoption.run(&|_| {}, &stop).await.unwrap();
        adoption.close().await;
        assert!(would.of(Thing::Messages).new >= came.of(Thing::Messages).new, "no more comes than was told");
        bureau.assert_summaries_true().await;
        came
    }

    async fn adopt(&self, bureau: &Bureau) -> Report {
        self.adopt_with(bureau, AdoptOptions::default()).await
    }
}

/// A bureau whose accounts are those of the old system.
async fn bureau() -> (Bureau, Bureau) {
    let mail = Bureau::new().await;
    let account = skrynka_core::model::AccountId::new(START);
    let mut chats = telegram(account, 900);
    chats.telegram.phone = PHONE.to_owned();
    mail.store.add_telegram_account(&chats).await.unwrap();
    let other =
        Bureau { store: mail.store.clone(), ingest: mail.ingest.clone(), account, database: TestDatabase::new().await };
    (mail, other)
}

async fn messages_of(bureau: &Bureau, conversation: &ConversationSummary) -> Vec<StoredMessage> {
    bureau.store.messages(conversation.account, conversation.id, None, 1000).await.unwrap()
}

async fn texts(bureau: &Bureau) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    for conversation in bureau.conversations().await {
        let texts = messages_of(bureau, &conversation).await.into_iter().map(|message| message.text).collect();
        all.insert(format!("{} {}", conversation.peer_name, conversation.peer_address).trim().to_owned(), texts);
    }
    all
}

fn count(report: &Report, thing: Thing, why: Why) -> u64 {
    report.of(thing).remarks.get(&why).map_or(0, |remark| remark.count)
}

#[tokio::test]
async fn what_is_not_the_old_system_is_refused() {
    let bureau = Bureau::new().await;
    let old = Old { database: TestDatabase::new().await };
    old.run("CREATE TABLE users (id integer); CREATE TABLE telegram_accounts (id integer)").await;
    assert!(matches!(old.open(&bureau, AdoptOptions::default()).await, Err(AdoptError::NotTheOldSystem)));
    let old = Old::new().await;
    let media = Some("/nonexistent/media".into());
    assert!(matches!(
        old.open(&bureau, AdoptOptions { media, ..AdoptOptions::default() }).await,
        Err(AdoptError::Folder(_))
    ));
}

#[tokio::test]
async fn whose_data_was_removed_does_not_come_over_again() {
    let bureau = Bureau::new().await;
    let old = Old::new().await;
    let said = |text| ["inbound", "read", text, r#"{"telegram_chat_id": 77, "telegram_username": "canary"}"#, ""];
    let written = |text| ["inbound", "read", text, "", ""];
    old.conversation(1, "email", "canary@example.com", "").await;
    old.conversation(2, "telegram", "@canary", "").await;
    old.conversation(3, "email", "petro@example.com", "").await;
    old.message(1, 1, 10, written("канарка пише")).await;
    old.message(2, 2, 10, said("канарка каже")).await;
    old.message(3, 3, 10, written("Петро пише")).await;
    assert_eq!(old.adopt(&bureau).await.of(Thing::Messages).new, 3);
    let left = async || crate::forget::traces(&bureau, &["canary", "канарка"]).await;
    assert!(left().await.len() > 5);
    for who in ["canary@example.com", "77"] {
        let identity = bureau.store.identity(&who.parse().unwrap()).await.unwrap().unwrap();
        forget::forget(&bureau.store, &identity, &|_| {}, &CancellationToken::new()).await.unwrap();
    }
    assert_eq!(left().await, Vec::<String>::new());

    old.message(4, 1, 20, written("канарка знову")).await;
    old.message(5, 2, 20, said("канарка ще")).await;
    let again = old.adopt(&bureau).await;
    assert_eq!((again.of(Thing::Messages).new, count(&again, Thing::Messages, Why::Forgotten)), (0, 2));
    assert_eq!(left().await, Vec::<String>::new());
    let later = (SystemClock.now() - START).whole_seconds() + 60;
    old.message(6, 1, later, written("нове")).await;
    assert_eq!(old.adopt(&bureau).await.of(Thing::Messages).new, 1);
}

#[tokio::test]
async fn every_row_comes_over_once_or_is_told_by_name() {
    let bureau = Bureau::new().await;
    let old = Old::new().await;
    old.run(&format!(
        r#"INSERT INTO "old CRM".users VALUES ('{}', 'm@example.org', 'Марія', 'Коваль', 'MANAGER', true);
           INSERT INTO "old CRM".crm_clients VALUES ('{}', 'Олена Вербицька', 'Olena@Example.com', '+48 600 100 200', 'email')"#,
        key(3, 1),
        key(4, 1)
    ))
    .await;
    let of = format!("true, '{}', '{}', 'Переклад'", key(4, 1), key(3, 1));
    old.conversation(1, "email", "Olena <olena@example.com>", &of).await;
    old.conversation(2, "email", "OLENA@example.com", "true, NULL, NULL, NULL").await;
    old.conversation(3, "telegram", "+48600100200", "false, NULL, NULL, 'Олена'").await;
    old.conversation(4, "telegram", "@olena", "").await;
    old.conversation(5, "email", "-1001234567890", "").await;
    old.conversation(6, "whatsapp", "48600100200", "").await;
    old.conversation(7, "telegram", "@nobody", "").await;
    let private = r#"{"telegram_chat_id": 77, "telegram_username": "olena"}"#;
    let group = r#"{"telegram_chat_id": -1001234567890, "is_group_message": true, "telegram_user_id": 77}"#;
    old.message(1, 1, 10, ["inbound", "read", "Добрий день", "", "a@example.com"]).await;
    old.message(2, 1, 20, ["outbound", "sent", "Вітаю", r#"{"author_name": "Марія"}"#, ""]).await;
    old.message(3, 2, 30, ["MessageDirection.INBOUND", "read", "Ще раз", "", "b@example.com"]).await;
    old.message(4, 2, 31, ["inbound", "read", "Ще раз", "", "b@example.com"]).await;
    old.message(5, 3, 10, ["inbound", "sent", "Привіт", private, ""]).await;
    old.message(6, 4, 20, ["inbound", "read", "Це теж я", private, ""]).await;
    old.message(7, 4, 30, ["outbound", "failed", "Не пішло", "", ""]).await;
    old.message(8, 5, 10, ["inbound", "read", "У групі", group, ""]).await;
    old.message(9, 6, 10, ["inbound", "read", "WhatsApp", "", ""]).await;
    old.message(10, 99, 10, ["inbound", "read", "Сирота", "", ""]).await;
    old.message(11, 3, 40, ["sideways", "read", "Куди?", "", ""]).await;
    old.run(&format!(
        r#"INSERT INTO "old CRM".internal_notes (entity_type, entity_id, author_name, text, created_at)
           VALUES ('chat', '{}', 'Марія', 'Чекає на рахунок', now()), ('order', '5', 'Марія', 'x', now())"#,
        key(1, 1)
    ))
    .await;

    let report = old.adopt(&bureau).await;
    assert_eq!(report.of(Thing::Messages).new, 7);
    assert_eq!(report.colleagues, ["Марія Коваль"]);
    for (thing, why, times) in [
        (Thing::Messages, Why::OtherNetwork, 1),
        (Thing::Messages, Why::NoConversation, 1),
        (Thing::Messages, Why::UnknownDirection, 1),
        (Thing::Messages, Why::SameMail, 1),
        (Thing::Messages, Why::NeverSent, 1),
        (Thing::Conversations, Why::SameConversation, 2),
        (Thing::Conversations, Why::WrongLabel, 1),
        (Thing::Conversations, Why::OtherNetwork, 1),
        (Thing::Conversations, Why::NoMessages, 1),
        (Thing::Notes, Why::NotOfConversation, 1),
    ] {
        assert_eq!(count(&report, thing, why), times, "{thing:?} {why:?}");
    }
    let all = bureau.conversations().await;
    assert_eq!(all.len(), 3, "{all:?}");
    let mail = all.iter().find(|one| one.chat.is_none()).unwrap();
    assert_eq!((&*mail.peer_name, &*mail.peer_address), ("Олена Вербицька", "olena@example.com"));
    assert_eq!((mail.assignee.as_deref(), mail.unread), (Some("Марія Коваль"), 0));
    assert_eq!(mail.triage, skrynka_core::model::Triage::Done);
    let said: Vec<_> = messages_of(&bureau, mail).await.into_iter().map(|m| (m.direction, m.text)).collect();
    assert_eq!(
        said,
        [(Direction::In, "Добрий день"), (Direction::Out, "Вітаю"), (Direction::In, "Ще раз")]
            .map(|(direction, text)| (direction, text.to_owned()))
    );
    assert_eq!(bureau.store.adopted_notes(mail.account, mail.id).await.unwrap().len(), 1);
    let olena = Peer { kind: PeerKind::User, id: 77 };
    let chat = all.iter().find(|one| one.chat.as_ref().is_some_and(|chat| chat.key == Some(olena.into()))).unwrap();
    assert_eq!((chat.messages, chat.unread), (3, 1));

    let before = texts(&bureau).await;
    let again = old.adopt(&bureau).await;
    assert_eq!((again.of(Thing::Messages).new, again.of(Thing::Conversations).new), (0, 0));
    assert_eq!(texts(&bureau).await, before, "a second run changes nothing");
    old.message(12, 1, 50, ["inbound", "sent", "Нове", "", "c@example.com"]).await;
    assert_eq!(old.adopt(&bureau).await.of(Thing::Messages).new, 1, "a third brings the difference");
}

#[tokio::test]
async fn mails_give_way_to_what_their_server_tells() {
    let (mail, _) = bureau().await;
    let old = Old::new().await;
    old.conversation(1, "email", "olena@example.org", "false, NULL, NULL, 'Стара тема'").await;
    old.message(1, 1, 70, ["inbound", "read", "Текст листа 1", "", "1@example.org"]).await;
    old.message(2, 1, 130, ["inbound", "sent", "Текст листа 2", "", ""]).await;
    old.message(3, 1, 190, ["inbound", "read", "Лише там", "", "x@example.org"]).await;
    assert_eq!(old.adopt(&mail).await.of(Thing::Messages).new, 3);
    mail.ingest(vec![Mail::new(1).incoming(), Mail::new(2).incoming(), Mail::new(3).incoming()]).await;
    mail.assert_summaries_true().await;
    let all = mail.conversations().await;
    let sum: i32 = all.iter().map(|one| one.messages).sum();
    assert_eq!(sum, 4, "nothing stands twice: {:?}", texts(&mail).await);
    assert_eq!(mail.store.adopted().await.unwrap().waiting, 1);
    let mut subjects = Vec::new();
    for one in &all {
        subjects.extend(messages_of(&mail, one).await.into_iter().map(|m| (m.subject, m.seen)));
    }
    subjects.sort();
    let found = [("", true), ("Лист 1", true), ("Лист 2", false), ("Лист 3", false)];
    assert_eq!(subjects, found.map(|(subject, seen)| (subject.to_owned(), seen)), "what was read there is read here");
    // The same again, from either side, changes nothing.
    mail.ingest(vec![Mail::new(1).incoming(), Mail::new(2).incoming()]).await;
    assert_eq!(old.adopt(&mail).await.of(Thing::Messages).new, 0);
    old.message(4, 1, 250, ["inbound", "read", "Текст листа 3", "", "3@example.org"]).await;
    let report = old.adopt(&mail).await;
    assert_eq!(count(&report, Thing::Messages, Why::HereAlready), 1);
    let sum: i32 = mail.conversations().await.iter().map(|one| one.messages).sum();
    assert_eq!(sum, 4, "what the server brought first is not stored a second time");
}

#[tokio::test]
async fn chats_give_way_one_to_one() {
    let (_mail, chats) = bureau().await;
    let old = Old::new().await;
    old.conversation(1, "telegram", "@olena", "false, NULL, NULL, 'Олена'").await;
    for (number, second, text) in [(1, 2, "ok"), (2, 32, "ok"), (3, 900, "**Жирно**"), (4, 901, "Лише там")]
    {
        old.message(number, 1, second, ["inbound", "read", text, "", ""]).await;
    }
    assert_eq!(old.adopt(&chats).await.of(Thing::Messages).new, 4);
    let olena = Peer { kind: PeerKind::User, id: 7 };
    let said = |number, second, text: &str| Said::new(olena, number, text).at(second).incoming();
    chats.ingest(vec![said(12, 30, "ok"), said(10, 0, "ok"), said(11, 15, "ok")]).await;
    chats.ingest(vec![said(13, 899, "Жирно")]).await;
    chats.assert_summaries_true().await;
    let texts: Vec<String> = chats.said(olena).await.into_iter().map(|message| message.text).collect();
    assert_eq!(texts, ["ok", "ok", "ok", "Жирно", "Лише там"], "each row is one message, and the third was new");
    assert_eq!(chats.store.adopted().await.unwrap().waiting, 1);
    assert_eq!(chats.conversations().await.len(), 1, "the username's conversation is the chat's");
    assert_eq!(old.adopt(&chats).await.of(Thing::Messages).new, 0);
    // What the server brought first.
    old.message(5, 1, 2001, ["inbound", "read", "Пізніше", r#"{"telegram_chat_id": 7}"#, ""]).await;
    chats.ingest(vec![said(14, 2000, "Пізніше")]).await;
    let report = old.adopt(&chats).await;
    assert_eq!((report.of(Thing::Messages).new, count(&report, Thing::Messages, Why::HereAlready)), (0, 1));
}

#[tokio::test]
async fn what_went_to_a_guessed_account_moves_to_the_one_whose_server_tells_of_it() {
    let (mail, first) = bureau().await;
    let account = skrynka_core::model::AccountId::new(START);
    mail.store.add_telegram_account(&telegram(account, 901)).await.unwrap();
    let (store, ingest) = (mail.store.clone(), mail.ingest.clone());
    let second = Bureau { store, ingest, account, database: TestDatabase::new().await };
    let old = Old::new().await;
    old.run(&format!(
        r#"INSERT INTO "old CRM".telegram_accounts (id, name, phone, session_string, api_id, api_hash, is_active)
           VALUES (2, 'Друга', '+380901', 't', 12345, '{HASH}', true);
           INSERT INTO "old CRM".internal_notes (entity_type, entity_id, author_name, text, created_at)
           VALUES ('chat', '{}', 'Марія', 'Чекає на рахунок', now())"#,
        key(1, 1)
    ))
    .await;
    old.conversation(1, "telegram", "@olena", "false, NULL, NULL, 'Олена'").await;
    for (number, second) in [(1, 2), (2, 32)] {
        old.message(number, 1, second, ["inbound", "read", "ok", "", ""]).await;
    }
    let report = old.adopt(&first).await;
    assert_eq!(count(&report, Thing::Conversations, Why::UnknownTelegramAccount), 1);
    assert_eq!(report.of(Thing::Messages).new, 2);
    let olena = Peer { kind: PeerKind::User, id: 7 };
    let said = |number, second, text: &str| Said::new(olena, number, text).at(second).incoming();
    let counts = async || {
        first.assert_summaries_true().await;
        let all = first.conversations().await;
        let of = |id| all.iter().filter(|one| one.account == id).map(|one| (one.messages, one.unread)).collect();
        let counts: [Vec<(i32, i32)>; 2] = [of(first.account), of(second.account)];
        counts
    };
    assert_eq!(counts().await, [vec![(2, 0)], vec![]], "nobody kept whose they are");
    second.ingest(vec![said(10, 0, "ok")]).await;
    assert_eq!(counts().await, [vec![(1, 0)], vec![(1, 0)]]);
    second.ingest(vec![said(11, 31, "ok")]).await;
    assert_eq!(counts().await, [vec![], vec![(2, 0)]], "the conversation went with its last message");
    let here = first.conversations().await.remove(0);
    assert_eq!(first.store.adopted_notes(here.account, here.id).await.unwrap().len(), 1, "and its note with it");
    assert_eq!(first.store.adopted().await.unwrap().waiting, 0);
    assert_eq!(old.adopt(&first).await.of(Thing::Messages).new, 0);
    // What that server brought first.
    second.ingest(vec![said(12, 2000, "Пізніше")]).await;
    old.message(3, 1, 2001, ["inbound", "read", "Пізніше", "", ""]).await;
    let report = old.adopt(&first).await;
    assert_eq!((report.of(Thing::Messages).new, count(&report, Thing::Messages, Why::HereAlready)), (0, 1));
    assert_eq!(counts().await, [vec![], vec![(3, 1)]]);
    // What the first account has with the same person is its own.
    first.ingest(vec![said(10, 0, "ok")]).await;
    assert_eq!(counts().await, [vec![(1, 1)], vec![(3, 1)]]);
}

#[tokio::test]
async fn accounts_whose_guesses_stand_with_each_other_never_wait_for_each_other() {
    let (_mail, first) = bureau().await;
    let account = skrynka_core::model::AccountId::new(START);
    first.store.add_telegram_account(&telegram(account, 901)).await.unwrap();
    let (store, ingest) = (first.store.clone(), first.ingest.clone());
    let second = Bureau { store, ingest, account, database: TestDatabase::new().await };
    let second_row = format!(
        r#"INSERT INTO "old CRM".telegram_accounts (id, name, phone, session_string, api_id, api_hash, is_active)
           VALUES (2, 'Друга', '+380901', 't', 12345, '{HASH}', true)"#
    );
    const EACH: u32 = 24;
    let text = |person: u32| format!("Доброго дня, надсилаю договір {person}");
    // Two old systems: what one guesses for the first account is the second's, and the other way round.
    for (active, from) in [(1, 0), (2, EACH)] {
        let old = Old::new().await;
        old.run(&second_row).await;
        old.run(&format!(r#"UPDATE "old CRM".telegram_accounts SET is_active = id = {active}"#)).await;
        for person in from..from + EACH {
            let id = 100 + person;
            old.run(&format!(
                r#"INSERT INTO "old CRM".communications_conversations (id, platform, external_id)
                   VALUES ('{}', 'telegram', '{id}');
                   INSERT INTO "old CRM".communications_messages (id, conversation_id, direction, content, status, created_at)
                   VALUES ('{}', '{}', 'inbound', '{}', 'read', '{}')"#,
                key(5, person),
                key(6, person),
                key(5, person),
                text(person),
                START + Duration::seconds(1)
            ))
            .await;
        }
        assert_eq!(old.adopt(&first).await.of(Thing::Messages).new, u64::from(EACH));
    }
    assert_eq!(first.store.adopted().await.unwrap().waiting, i64::from(2 * EACH));
    let tell = async |bureau: &Bureau, from: u32| {
        for person in from..from + EACH {
            let peer = Peer { kind: PeerKind::User, id: i64::from(100 + person) };
            bureau.ingest(vec![Said::new(peer, 10 + person, &text(person)).at(0).incoming()]).await;
        }
    };
    tokio::join!(tell(&first, EACH), tell(&second, 0));
    first.assert_summaries_true().await;
    assert_eq!(first.store.adopted().await.unwrap().waiting, 0, "each has found its own");
    let all = first.conversations().await;
    assert_eq!(all.iter().map(|one| one.messages).sum::<i32>(), i32::try_from(2 * EACH).unwrap());
    assert_eq!(all.iter().filter(|one| one.account == first.account).count(), 24);
}

#[tokio::test]
async fn a_forum_that_was_one_conversation_leaves_none_behind() {
    let (_mail, chats) = bureau().await;
    let old = Old::new().await;
    old.conversation(1, "telegram", "-1000000000009", "false, NULL, NULL, 'Бюро і клієнт'").await;
    for (number, text) in [(1, "Договір на переклад готовий"), (2, "Рахунок надіслано вчора ввечері")]
    {
        let meta = r#"{"telegram_chat_id": -1000000000009, "is_group_message": true}"#;
        old.message(number, 1, i64::from(number), ["inbound", "read", text, meta, ""]).await;
    }
    old.run(&format!(
        r#"INSERT INTO "old CRM".internal_notes (entity_type, entity_id, author_name, text, created_at)
           VALUES ('chat', '{}', 'Марія', 'Чекає на рахунок', now())"#,
        key(1, 1)
    ))
    .await;
    assert_eq!(old.adopt(&chats).await.of(Thing::Messages).new, 2);
    let forum = Peer { kind: PeerKind::Channel, id: 9 };
    let said = |number, text: &str| Said::new(forum, number, text).in_topic(4).at(i64::from(number) - 9).incoming();
    chats.ingest(vec![said(10, "Договір на переклад готовий")]).await;
    assert_eq!(chats.conversations().await.len(), 2, "one message still waits in the forum");
    chats.ingest(vec![said(11, "Рахунок надіслано вчора ввечері")]).await;
    chats.assert_summaries_true().await;
    let all = chats.conversations().await;
    assert_eq!(all.iter().map(|one| one.messages).collect::<Vec<_>>(), [2], "{all:?}");
    assert_eq!(chats.store.adopted_notes(all[0].account, all[0].id).await.unwrap().len(), 1, "its note went along");
    assert_eq!(old.adopt(&chats).await.of(Thing::Messages).new, 0);
}

#[tokio::test]
async fn two_old_systems_are_kept_apart_even_where_one_was_interrupted() {
    let bureau = Bureau::new().await;
    let systems = [Old::new().await, Old::new().await];
    for (n, old) in systems.iter().enumerate() {
        for number in 1..=2_u32 {
            let (conversation, message) = (key(7, number + 10 * u32::try_from(n).unwrap()), number);
            old.run(&format!(
                r#"INSERT INTO "old CRM".communications_conversations (id, platform, external_id, manager_smtp_account_id)
                   VALUES ('{conversation}', 'email', 'c{number}@example.org', 7);
                   INSERT INTO "old CRM".communications_messages (id, conversation_id, direction, content, status, created_at)
                   VALUES ('{}', '{conversation}', 'inbound', 'Лист {number} з {n}', 'read', now());
                   INSERT INTO "old CRM".internal_notes (entity_type, entity_id, author_name, text, created_at)
                   VALUES ('chat', '{conversation}', 'Марія', 'Нотатка {number} з {n}', now())"#,
                key(8, message + 10 * u32::try_from(n).unwrap()),
            ))
            .await;
        }
    }
    // The first one is stopped when its messages are here and none of its conversations is settled.
    let mut adoption = systems[0].open(&bureau, AdoptOptions::default()).await.unwrap();
    let stop = CancellationToken::new();
    let ended = adoption.run(&|_| stop.cancel(), &stop).await;
    assert!(matches!(ended, Err(AdoptError::Stopped)), "{ended:?}");
    adoption.close().await;
    for _ in 0..2 {
        for old in systems.iter().rev() {
            old.adopt(&bureau).await;
        }
    }
    let texts: Vec<String> = texts(&bureau).await.into_values().flatten().collect();
    assert_eq!(texts.len(), 4, "each message once: {texts:?}");
    let mut notes = 0;
    for one in bureau.conversations().await {
        notes += bureau.store.adopted_notes(one.account, one.id).await.unwrap().len();
    }
    assert_eq!(notes, 4, "a number of a note is not the other system's");
}

/// Both systems listened to the same accounts; one of them missed some, and a message was deleted on the server.
#[tokio::test]
async fn a_message_of_two_old_systems_stands_once_in_whatever_order_they_come() {
    let (first, second) = (Old::new().await, Old::new().await);
    let long = "Договір на переклад готовий";
    for (old, n) in [(&first, 0), (&second, 10)] {
        old.conversation(1 + n, "telegram", "7", "").await;
        old.conversation(2 + n, "email", "olena@example.org", "").await;
        let late = i64::from(n) / 10;
        let said = |text| ["inbound", "read", text, "", ""];
        old.message(1 + n, 1 + n, 10 + late, said(long)).await;
        old.message(2 + n, 1 + n, 20 + 2 * late, said("ok")).await;
        old.message(5 + n, 2 + n, 100 + late, ["outbound", "sent", "Вітаю", "", ""]).await;
    }
    first.message(3, 1, 25, ["inbound", "read", "ok", "", ""]).await;
    first.message(4, 2, 70, ["inbound", "read", "Текст листа 1", "", "1@example.org"]).await;
    second.message(13, 11, 4000, ["inbound", "read", "Лише у другій", "", ""]).await;
    second.message(14, 12, 71, ["inbound", "read", "Текст листа 1", "", ""]).await;
    let mut expected = ["ok", "ok", long, "Лише у другій", "Вітаю", "Текст листа 1"];
    expected.sort_unstable();
    for order in ["12s", "21s", "1s2", "s21"] {
        let (mail, chats) = bureau().await;
        for step in order.chars() {
            match step {
                '1' => _ = first.adopt(&mail).await,
                '2' => _ = second.adopt(&mail).await,
                _ => {
                    let olena = Peer { kind: PeerKind::User, id: 7 };
                    let said = |number, at, text| Said::new(olena, number, text).at(at).incoming();
                    chats.ingest(vec![said(10, 9, long), said(11, 19, "ok")]).await;
                    mail.ingest(vec![Mail::new(1).incoming()]).await;
                }
            }
        }
        mail.assert_summaries_true().await;
        let mut stand: Vec<String> = texts(&mail).await.into_values().flatten().collect();
        stand.sort_unstable();
        assert_eq!(stand, expected, "{order}");
        // The second "ok", which its server has no more, and what it never told.
        assert_eq!(mail.store.adopted().await.unwrap().waiting, 3, "{order}");
        let counted: i64 =
            sqlx::query_scalar("SELECT count(*) FROM skrynka.messages").fetch_one(&mail.database.pool).await.unwrap();
        assert_eq!(counted, 6, "{order}");
        assert_eq!(first.adopt(&mail).await.of(Thing::Messages).new, 0, "{order}");
    }
}

#[tokio::test]
async fn a_mail_of_a_mailbox_that_is_gone_gives_way_to_the_same_of_one_that_is_there() {
    // The conversation of the lost mailbox is read first or last; the server tells before, after, or nothing.
    for (lost, kept) in [(1, 2), (2, 1)] {
        for order in ["as", "sa", "a"] {
            let (mail, _) = bureau().await;
            let old = Old::new().await;
            old.conversation(lost, "email", "olena@example.org", "").await;
            old.conversation(kept, "email", "olena@example.org", "").await;
            old.run(&format!(
                r#"INSERT INTO "old CRM".manager_smtp_accounts (id, email, smtp_host, smtp_password)
                   VALUES (8, 'other@example.org', 'smtp.example.org', 'p');
                   UPDATE "old CRM".communications_conversations SET manager_smtp_account_id = 99 WHERE id = '{}'"#,
                key(1, lost)
            ))
            .await;
            for (number, conversation) in [(1, lost), (2, kept)] {
                old.message(number, conversation, 70, ["inbound", "sent", "Текст листа 1", "", "1@example.org"]).await;
            }
            old.message(3, lost, 130, ["inbound", "read", "Лише там", "", "x@example.org"]).await;
            for step in order.chars() {
                if step == 'a' {
                    old.adopt(&mail).await;
                } else {
                    mail.ingest(vec![Mail::new(1).incoming()]).await;
                }
            }
            mail.assert_summaries_true().await;
            let all = mail.conversations().await;
            let of = |own: bool| -> i32 {
                all.iter().filter(|one| (one.account == mail.account) == own).map(|one| one.messages).sum()
            };
            assert_eq!((of(true), of(false)), (1, 1), "{lost} {order}: {:?}", texts(&mail).await);
            let waiting = mail.store.adopted().await.unwrap().waiting;
            assert_eq!(waiting, if order == "a" { 2 } else { 1 }, "{lost} {order}");
            assert_eq!(old.adopt(&mail).await.of(Thing::Messages).new, 0);
        }
    }
}

/// Old programs wrote moments with a fraction, servers tell whole seconds: the second of a removal counts as after it,
/// where nothing tells more.
#[tokio::test]
async fn what_was_said_in_the_second_of_a_removal_stands_once() {
    let (mail, chats) = bureau().await;
    let old = Old::new().await;
    let canary = Peer { kind: PeerKind::User, id: 77 };
    chats.ingest(vec![Said::new(canary, 10, "давнє").at(-60).incoming()]).await;
    let identity = chats.store.identity(&"77".parse().unwrap()).await.unwrap().unwrap();
    forget::forget(&chats.store, &identity, &|_| {}, &CancellationToken::new()).await.unwrap();
    sqlx::raw_sql("UPDATE skrynka.forgotten_people SET forgotten_at = '2026-11-22 10:00:30.5+00'")
        .execute(&mail.database.pool)
        .await
        .unwrap();
    old.conversation(1, "telegram", "77", "").await;
    for (number, at, text) in [
        (1, "10:00:29", "перед тією секундою"),
        (2, "10:00:30", "у ту саму секунду, без частки"),
        (3, "10:00:30.3", "у ту саму секунду, але раніше"),
        (4, "10:00:30.7", "у ту саму секунду, але пізніше"),
    ] {
        old.message(number, 1, 0, ["inbound", "read", text, "", ""]).await;
        old.run(&format!(
            r#"UPDATE "old CRM".communications_messages SET created_at = '2026-11-22 {at}+00' WHERE id = '{}'"#,
            key(2, number)
        ))
        .await;
    }
    let report = old.adopt(&chats).await;
    assert_eq!((report.of(Thing::Messages).new, count(&report, Thing::Messages, Why::Forgotten)), (2, 2));
    let said = |number, at, text| Said::new(canary, number, text).at(at).incoming();
    chats
        .ingest(vec![
            said(11, 29, "перед тією секундою"),
            said(12, 30, "у ту саму секунду, без частки"),
            said(13, 30, "у ту саму секунду, але раніше"),
            said(14, 30, "у ту саму секунду, але пізніше"),
        ])
        .await;
    let texts: Vec<String> = chats.said(canary).await.into_iter().map(|message| message.text).collect();
    assert_eq!(texts.len(), 3, "{texts:?}");
    assert!(!texts.contains(&"перед тією секундою".to_owned()), "{texts:?}");
    assert_eq!(chats.store.adopted().await.unwrap().waiting, 0);
}

/// Telegram has yet to tell of a chat of which the old system knew a number or a username alone.
#[tokio::test]
async fn a_chat_that_is_known_by_a_name_alone_is_a_chat_of_unknown_kind() {
    let (mail, chats) = bureau().await;
    let old = Old::new().await;
    for (number, external, text) in
        [(1, "+48 600 100 200", "телефон"), (2, "@Olena_V", "імʼя"), (3, "Олена В", "слово")]
    {
        old.conversation(number, "telegram", external, "").await;
        old.message(number, number, 1, ["inbound", "read", text, "", ""]).await;
    }
    old.conversation(4, "email", "olena@example.org", "").await;
    old.message(4, 4, 2, ["inbound", "read", "лист", "", ""]).await;
    old.adopt(&mail).await;
    let listed = async |channel| {
        let listing = ConversationListing { channel: Some(channel), ..ConversationListing::default() };
        mail.store.conversations(&listing, None, 100).await.unwrap()
    };
    let all = listed(Channel::Telegram).await;
    let mut kinds: Vec<_> = all
        .iter()
        .map(|one| (one.peer_address.as_str(), one.chat.as_ref().map(|chat| (chat.key, chat.kind))))
        .collect();
    kinds.sort_by_key(|(address, _)| *address);
    let unknown = Some((None, None));
    let person = Some((None, Some(ChatKind::Private)));
    assert_eq!(kinds, [("", unknown), ("+48600100200", person), ("@olena_v", unknown)]);
    let mails = listed(Channel::Email).await;
    assert!(mails.len() == 1 && mails[0].chat.is_none(), "{mails:?}");
    for text in ["+48600100200", "@olena_v"] {
        let found = chats.store.find_chats(chats.account, text).await.unwrap();
        assert!(found.len() == 1 && found[0].kind.is_none(), "{found:?}");
    }
    // Its server tells of one, and it is like any other.
    let olena = Peer { kind: PeerKind::User, id: 7 };
    let told = Said::new(olena, 10, "нове").at(5000).with(|chat| chat.chat.username = Some("Olena_V".to_owned()));
    chats.ingest(vec![told.incoming()]).await;
    let all = listed(Channel::Telegram).await;
    let known: Vec<_> = all.iter().filter_map(|one| Some((one.chat.as_ref()?.key?, one.messages))).collect();
    assert_eq!(known, [(olena.into(), 2)]);
    assert_eq!(chats.store.find_chats(chats.account, "@olena_v").await.unwrap()[0].kind, Some(ChatKind::Private));
}

#[tokio::test]
async fn what_may_not_be_read_is_named_and_nothing_is_hidden() {
    let bureau = Bureau::new().await;
    let old = Old::new().await;
    old.conversation(1, "email", "olena@example.org", "").await;
    old.message(1, 1, 1, ["inbound", "read", "Лист", "", ""]).await;
    old.run(r#"REVOKE SELECT ON "old CRM".users, "old CRM".crm_clients FROM CURRENT_USER"#).await;
    let told = old.open(&bureau, AdoptOptions::default()).await.err().unwrap().to_string();
    assert!(told.contains("old CRM.users, old CRM.crm_clients") && told.contains("grant it"), "{told}");
    old.run(r#"GRANT SELECT ON "old CRM".users, "old CRM".crm_clients TO CURRENT_USER"#).await;
    // A policy that hides rows from this role must not make them look as if they were not there.
    old.run(
        r#"ALTER TABLE "old CRM".communications_messages ENABLE ROW LEVEL SECURITY;
           ALTER TABLE "old CRM".communications_messages FORCE ROW LEVEL SECURITY"#,
    )
    .await;
    let told = skrynka_core::chain(&old.open(&bureau, AdoptOptions::default()).await.err().unwrap());
    assert!(told.contains("the old database could not be read") && told.contains("row-level security"), "{told}");
    assert_eq!(bureau.store.adopted().await.unwrap().messages, 0);
    old.run(r#"REVOKE USAGE ON SCHEMA "old CRM" FROM CURRENT_USER"#).await;
    let told = old.open(&bureau, AdoptOptions::default()).await.err().unwrap().to_string();
    assert!(told.contains("USAGE on the schema"), "{told}");
}

/// More accounts than a server has locks for one transaction.
#[tokio::test]
async fn thousands_of_accounts_come_over() {
    const ACCOUNTS: u64 = 2_800;
    let bureau = Bureau::new().await;
    let old = Old::new().await;
    old.run(&format!(
        r#"INSERT INTO "old CRM".telegram_accounts (id, name, phone, session_string, is_active)
           SELECT n, 'Акаунт ' || n, '+48' || n, 's', true FROM generate_series(100000, 100000 + {ACCOUNTS} - 2) n"#
    ))
    .await;
    old.conversation(1, "telegram", "55", "").await;
    old.message(1, 1, 1, ["inbound", "read", "Привіт", "", ""]).await;
    let report = old.adopt(&bureau).await;
    assert_eq!(report.of(Thing::TelegramAccounts).new, ACCOUNTS);
    assert_eq!(report.of(Thing::Messages).new, 1);
    let again = old.adopt(&bureau).await;
    assert_eq!(again.of(Thing::TelegramAccounts).known, ACCOUNTS);
}

#[tokio::test]
async fn mails_of_no_mailbox_give_way_to_those_of_any() {
    let (mail, _) = bureau().await;
    let old = Old::new().await;
    old.conversation(1, "email", "olena@example.org", "").await;
    old.run(
        r#"INSERT INTO "old CRM".manager_smtp_accounts (id, email, smtp_host, smtp_password)
           VALUES (8, 'other@example.org', 'smtp.example.org', 'p');
           UPDATE "old CRM".communications_conversations SET manager_smtp_account_id = 99"#,
    )
    .await;
    old.message(1, 1, 70, ["inbound", "read", "Текст листа 1", "", "1@example.org"]).await;
    old.message(2, 1, 130, ["inbound", "sent", "Текст листа 2", "", ""]).await;
    let report = old.adopt(&mail).await;
    assert_eq!((report.of(Thing::Messages).new, count(&report, Thing::Conversations, Why::UnknownMailbox)), (2, 1));
    mail.ingest(vec![Mail::new(1).incoming(), Mail::new(2).incoming(), Mail::new(3).incoming()]).await;
    mail.assert_summaries_true().await;
    let all = mail.conversations().await;
    assert!(all.iter().all(|one| one.account == mail.account), "{:?}", texts(&mail).await);
    assert_eq!(all.iter().map(|one| one.messages).sum::<i32>(), 3, "{:?}", texts(&mail).await);
    assert_eq!(mail.store.adopted().await.unwrap().waiting, 0);
    // What the mailbox brought first.
    old.message(3, 1, 250, ["inbound", "read", "Текст листа 3", "", "3@example.org"]).await;
    let report = old.adopt(&mail).await;
    assert_eq!((report.of(Thing::Messages).new, count(&report, Thing::Messages, Why::HereAlready)), (0, 1));
}

#[tokio::test]
async fn a_username_is_the_chat_that_its_server_brought_first() {
    let (_mail, chats) = bureau().await;
    let old = Old::new().await;
    let olena = Peer { kind: PeerKind::User, id: 7 };
    chats.ingest(vec![Said::new(olena, 10, "Привіт").at(0).incoming()]).await;
    old.conversation(1, "telegram", "@Olena", "").await;
    old.message(1, 1, 1, ["inbound", "read", "Привіт", "", ""]).await;
    old.message(2, 1, 5000, ["outbound", "sent", "Лише там", "", ""]).await;
    let report = old.adopt(&chats).await;
    assert_eq!((report.of(Thing::Messages).new, count(&report, Thing::Messages, Why::HereAlready)), (1, 1));
    let texts: Vec<String> = chats.said(olena).await.into_iter().map(|message| message.text).collect();
    assert_eq!(texts, ["Привіт", "Лише там"]);
    assert_eq!(chats.conversations().await.len(), 1);
}

#[tokio::test]
async fn a_stopped_run_goes_on_and_thousands_of_rows_are_those_of_the_old_tables() {
    let bureau = Bureau::new().await;
    let old = Old::new().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("attachments")).unwrap();
    for number in 0..20 {
        std::fs::write(folder.path().join(format!("attachments/{number}.pdf")), format!("file {number}")).unwrap();
    }
    old.run(
        r#"INSERT INTO "old CRM".communications_conversations (id, platform, external_id, manager_smtp_account_id, is_archived)
           SELECT ('00000001-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
                  CASE WHEN n % 2 = 0 THEN 'email' ELSE 'telegram' END,
                  CASE WHEN n % 2 = 0 THEN 'client' || n || '@example.com' ELSE (1000 + n)::text END,
                  CASE WHEN n % 2 = 0 THEN 7 END, n % 3 = 0
           FROM generate_series(1, 60) n;
           INSERT INTO "old CRM".communications_messages (id, conversation_id, direction, type, content, status, meta_data,
                                                external_id, created_at)
           SELECT ('00000002-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
                  ('00000001-0000-4000-8000-' || lpad(to_hex(1 + n % 60), 12, '0'))::uuid,
                  CASE WHEN n % 5 = 0 THEN 'outbound' ELSE 'inbound' END, 'text', 'Повідомлення ' || n,
                  CASE WHEN n % 7 = 0 THEN 'sent' ELSE 'read' END, NULL,
                  CASE WHEN (1 + n % 60) % 2 = 0 AND n % 5 <> 0 THEN n || '@example.com' END,
                  '2026-01-01'::timestamptz + n * interval '1 minute'
           FROM generate_series(1, 3000) n;
           INSERT INTO "old CRM".communications_attachments (id, message_id, file_path, file_type, mime_type, original_name, file_size)
           SELECT gen_random_uuid(), ('00000002-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
                  'attachments/' || n % 21 || '.pdf', 'document', 'application/pdf', 'Файл ' || n || '.pdf', 7
           FROM generate_series(1, 300) n"#,
    )
    .await;
    let options = || AdoptOptions { media: Some(folder.path().to_owned()), client_link: None };
    // Stopped after each batch, until nothing is left.
    let mut runs = 0;
    loop {
        runs += 1;
        let mut adoption = old.open(&bureau, options()).await.unwrap();
        let stop = CancellationToken::new();
        let ended = adoption.run(&|_| stop.cancel(), &stop).await;
        adoption.close().await;
        bureau.assert_summaries_true().await;
        match ended {
            Err(AdoptError::Stopped) if runs < 4 => {}
            Err(AdoptError::Stopped) => break,
            ended => panic!("{ended:?}"),
        }
    }
    let report = old.adopt_with(&bureau, options()).await;
    let messages = report.of(Thing::Messages);
    assert_eq!((messages.found, messages.new + messages.known), (3000, 3000));
    assert_eq!(old.adopt_with(&bureau, options()).await.of(Thing::Messages).new, 0);

    // An independent reading of both sides.
    let there: Vec<(String, bool, bool, String)> = sqlx::query_as(
        r#"SELECT content, direction = 'outbound', direction = 'outbound' OR status = 'read', created_at::text
           FROM "old CRM".communications_messages ORDER BY content"#,
    )
    .fetch_all(&old.database.pool)
    .await
    .unwrap();
    let here: Vec<(String, bool, bool, String)> = sqlx::query_as(
        "SELECT body_text, direction = 'out', seen, received_at::text FROM skrynka.messages ORDER BY body_text",
    )
    .fetch_all(&bureau.database.pool)
    .await
    .unwrap();
    assert_eq!(there, here);
    let files: i64 =
        sqlx::query_scalar("SELECT count(*) FROM skrynka.attachments").fetch_one(&bureau.database.pool).await.unwrap();
    let missing: i64 = sqlx::query_scalar("SELECT count(*) FROM skrynka.adopted_messages WHERE missing_files <> '{}'")
        .fetch_one(&bureau.database.pool)
        .await
        .unwrap();
    assert_eq!((files, missing), (300 - 14, 14), "the files of number 20 were never there");
    let blobs: i64 =
        sqlx::query_scalar("SELECT count(*) FROM skrynka.blobs").fetch_one(&bureau.database.pool).await.unwrap();
    assert_eq!(blobs, 40, "each file once for each account");
}

#[tokio::test]
async fn tables_of_every_age_are_read() {
    for columns in [
        "id integer, api_id uuid, api_hash varchar",
        "id uuid, api_id integer, api_hash varchar",
        "id uuid, api_id uuid",
        "id text, api_id text, api_hash text",
        "id bigint",
    ] {
        let bureau = Bureau::new().await;
        let old = Old::new().await;
        old.run(&format!(
            r#"DROP TABLE "old CRM".telegram_accounts, "old CRM".users, "old CRM".crm_clients,
                          "old CRM".communications_attachments, "old CRM".internal_notes;
               CREATE TABLE "old CRM".telegram_accounts ({columns}, name varchar, phone varchar, session_string varchar);
               INSERT INTO "old CRM".telegram_accounts (name, phone, session_string) VALUES ('Бюро', '+48 600', 's')"#
        ))
        .await;
        old.conversation(1, "telegram", "55", "").await;
        old.message(1, 1, 1, ["inbound", "read", "Привіт", "", ""]).await;
        let report = old.adopt(&bureau).await;
        assert_eq!((report.of(Thing::TelegramAccounts).new, report.of(Thing::Messages).new), (1, 1), "{columns}");
        assert_eq!(count(&report, Thing::TelegramAccounts, Why::NoApiId), 1, "{columns}");
        let accounts = bureau.store.accounts().await.unwrap();
        let account = accounts.iter().find(|account| account.telegram.is_some()).unwrap();
        assert!(!account.enabled, "it is switched off until somebody says that the old listeners are stopped");
        assert_eq!(account.telegram.as_ref().unwrap().phone, "+48600");
        assert_eq!(accounts.iter().filter(|account| account.email.is_some()).count(), 1, "{OFFICE} is there already");
    }
}
