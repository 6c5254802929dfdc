//! A bureau with one mailbox on a fresh database, and mails to put into it.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use skrynka_core::{
    clock::SystemClock,
    connector::{Batch, Content, Incoming, IncomingMessage, Letter, Raw, RawBytes},
    ingest::{Ingest, Ingested},
    model::{
        AccountId, Address, Auth, Direction, EmailSettings, Endpoint, Place, Security, TakenChats, TelegramSettings,
    },
    postgres::testing::TestDatabase,
    store::{AccountDraft, ConversationListing, ConversationSummary, Store, TelegramDraft},
};
use time::{Duration, OffsetDateTime, macros::datetime};

pub const START: OffsetDateTime = datetime!(2026-11-22 10:00 UTC);

pub struct Bureau {
    pub store: Store,
    pub ingest: Ingest,
    pub account: AccountId,
    pub database: TestDatabase,
}

impl Bureau {
    pub async fn new() -> Self {
        let database = TestDatabase::new().await;
        let store = Store::connect(&database.connect_options()).await.unwrap();
        store.migrate().await.unwrap();
        let account = AccountId::new(START);
        store.add_email_account(&draft(account, "office@example.org")).await.unwrap();
        Self { ingest: Ingest::new(store.clone(), Arc::new(SystemClock)), store, account, database }
    }

    /// A bureau with one Telegram account.
    pub async fn with_chats() -> Self {
        let bureau = Self::new().await;
        let account = AccountId::new(START);
        bureau.store.add_telegram_account(&telegram(account, 900)).await.unwrap();
        Self { account, ..bureau }
    }

    /// The same database over connections of its own, as another program has them.
    pub async fn another_store(&self) -> Store {
        Store::connect(&self.database.connect_options()).await.unwrap()
    }

    pub async fn ingest(&self, incoming: Vec<Incoming>) -> Ingested {
        self.ingest.ingest(self.account, None, Batch { incoming, cursors: Vec::new() }).await.unwrap()
    }

    pub async fn conversations(&self) -> Vec<ConversationSummary> {
        self.store.conversations(&ConversationListing::default(), None, 1000).await.unwrap()
    }

    pub async fn stored(&self) -> i64 {
        let counts = self.store.message_counts().await.unwrap();
        counts.iter().find(|(account, _)| *account == self.account).unwrap().1[0]
    }

    pub async fn assert_summaries_true(&self) {
        assert_eq!(self.store.wrong_summaries().await.unwrap(), 0, "summaries say what the messages say");
    }

    pub fn marks(&self, uid: u32, seen: bool) -> Incoming {
        Incoming::Marks { place: Mail::new(uid).place(), seen, answered: false }
    }
}

pub fn telegram(id: AccountId, user_id: i64) -> TelegramDraft {
    TelegramDraft {
        id,
        name: "Телеграм".to_owned(),
        color: None,
        telegram: TelegramSettings {
            phone: format!("+380{user_id}"),
            api_id: 17_349,
            user_id,
            home_dc: 2,
            takes: TakenChats::default(),
            history_days: 30,
            mark_read: true,
            file_limit: 10 << 20,
            proxy: None,
        },
    }
}

pub fn draft(id: AccountId, address: &str) -> AccountDraft {
    let endpoint = Endpoint { host: "127.0.0.1".to_owned(), port: 1 };
    AccountDraft {
        id,
        name: "Бюро Київ".to_owned(),
        color: None,
        email: EmailSettings {
            address: address.to_owned(),
            imap: endpoint.clone(),
            imap_security: Security::LoopbackPlain,
            smtp: endpoint,
            smtp_security: Security::LoopbackPlain,
            user: address.to_owned(),
            auth: Auth::Password,
            since: None,
            ca_pem: None,
            folders: Vec::new(),
            write_flags: false,
        },
    }
}

#[derive(Clone)]
pub struct Mail {
    pub number: u32,
    pub uid: u32,
    epoch: u32,
    subject: String,
    from: String,
    body: String,
    references: Vec<String>,
}

impl Mail {
    pub fn new(number: u32) -> Self {
        Self {
            number,
            uid: number,
            epoch: 1,
            subject: format!("Лист {number}"),
            from: "olena@example.org".to_owned(),
            body: format!("Текст листа {number}"),
            references: Vec::new(),
        }
    }

    pub fn uid(mut self, uid: u32) -> Self {
        self.uid = uid;
        self
    }

    pub fn epoch(mut self, epoch: u32) -> Self {
        self.epoch = epoch;
        self
    }

    pub fn subject(mut self, subject: &str) -> Self {
        self.subject = subject.to_owned();
        self
    }

    pub fn from(mut self, from: &str) -> Self {
        self.from = from.to_owned();
        self
    }

    pub fn body(mut self, body: &str) -> Self {
        self.body = body.to_owned();
        self
    }

    pub fn references(mut self, numbers: &[&str]) -> Self {
        self.references = numbers.iter().map(|n| format!("{n}@example.org")).collect();
        self
    }

    pub fn place(&self) -> Place {
        Place { mailbox: "INBOX".to_owned(), epoch: self.epoch, number: self.uid }
    }

    pub fn bytes(&self) -> Vec<u8> {
        format!("Subject: {}\r\n\r\n{} {}", self.subject, self.number, self.body).into_bytes()
    }

    pub fn message(self) -> IncomingMessage {
        let bytes = self.bytes();
        let letter = Letter {
            author: Address { name: "Олена Вербицька".to_owned(), address: self.from.clone() },
            to: vec![Address { name: String::new(), address: "office@example.org".to_owned() }],
            subject: self.subject.clone(),
            text: self.body.clone(),
            message_id: Some(format!("{}@example.org", self.number)),
            references: self.references.clone(),
            ..Letter::default()
        };
        IncomingMessage {
            place: self.place(),
            direction: Direction::In,
            received_at: START + Duration::minutes(self.number.into()),
            arrived_at: START + Duration::minutes(self.number.into()),
            seen: false,
            answered: false,
            raw: Raw {
                sha256: Sha256::digest(&bytes).into(),
                size: bytes.len() as u64,
                bytes: RawBytes::Memory(bytes),
            },
            content: Content::Letter(Box::new(letter)),
        }
    }

    pub fn incoming(self) -> Incoming {
        Incoming::Message(Box::new(self.message()))
    }
}
