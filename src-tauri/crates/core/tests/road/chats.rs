//! Chats on their road from a batch to stored facts, on a real Postgres.

use crate::common::{Bureau, START};
use futures_util::TryStreamExt as _;
use skrynka_core::{
    connector::{Batch, Chat, ChatAuthor, ChatMessage, Content, Cursor, Incoming, IncomingMessage, KnownPeer, Raw},
    model::{
        ChatKey, ChatKind, Direction, Entity, EntityKind, Media, MediaFile, MediaKind, Peer, PeerKind, PollAnswer,
        Reaction, Service, ServiceKind, Triage,
    },
    store::{FactKind, Seen, StoredMessage},
};
use time::Duration;

pub const OLENA: Peer = Peer { kind: PeerKind::User, id: 7 };
const TEAM: Peer = Peer { kind: PeerKind::Group, id: 8 };
const FORUM: Peer = Peer { kind: PeerKind::Channel, id: 9 };

/// A message in the making.
#[derive(Clone)]
pub struct Said {
    peer: Peer,
    number: u32,
    ours: bool,
    seen: bool,
    second: i64,
    raw: Vec<u8>,
    chat: ChatMessage,
}

impl Said {
    pub fn new(peer: Peer, number: u32, text: &str) -> Self {
        let kind = match peer.kind {
            PeerKind::User => ChatKind::Private,
            PeerKind::Group => ChatKind::Group,
            PeerKind::Channel => ChatKind::Supergroup,
        };
        let username = (peer == OLENA).then(|| "olena".to_owned());
        let title = if peer == OLENA { "Олена Вербицька" } else { "Бюро і клієнт" }.to_owned();
        let author =
            ChatAuthor { peer: OLENA, name: "Олена Вербицька".to_owned(), username: username.clone() };
        let chat = Chat { key: peer.into(), kind, title, username, phone: None };
        let chat = ChatMessage::new(chat, Some(author), text.to_owned());
        Self { peer, number, ours: false, seen: false, second: i64::from(number), raw: Vec::new(), chat }
    }

    pub fn with(mut self, change: impl FnOnce(&mut ChatMessage)) -> Self {
        change(&mut self.chat);
        self
    }

    pub fn ours(mut self) -> Self {
        self.ours = true;
        self
    }

    pub fn in_topic(self, topic: u32) -> Self {
        let peer = self.peer;
        self.with(|chat| {
            chat.chat.key = ChatKey { peer, topic: Some(topic) };
            chat.chat.kind = ChatKind::Topic;
        })
    }

    pub fn at(mut self, second: i64) -> Self {
        self.second = second;
        self
    }

    pub fn edited(self, second: i64, text: &str) -> Self {
        self.with(|chat| {
            chat.edited_at = Some(START + Duration::seconds(second));
            chat.text = text.to_owned();
        })
    }

    pub fn incoming(self) -> Incoming {
        let at = START + Duration::seconds(self.second);
        Incoming::Message(Box::new(IncomingMessage {
            place: self.peer.place(self.number),
            direction: if self.ours { Direction::Out } else { Direction::In },
            received_at: at,
            arrived_at: at,
            seen: self.seen,
            answered: false,
            raw: Raw::memory(self.raw),
            content: Content::Chat(Box::new(self.chat)),
        }))
    }
}

fn photo(name: &str) -> Media {
    Media::File(Box::new(MediaFile {
        kind: MediaKind::Photo,
        name: name.to_owned(),
        mime: "image/jpeg".to_owned(),
        size: 1000,
        width: Some(640),
        height: Some(480),
        duration_ms: None,
        waveform: None,
        thumbnail: Some(vec![0xFF, 0xD8, 0xFF]),
        remote: serde_json::json!({"id": 1}),
    }))
}

impl Bureau {
    pub async fn said(&self, peer: impl Into<ChatKey>) -> Vec<StoredMessage> {
        let key = peer.into();
        let all = self.conversations().await;
        let found = all.iter().find(|c| c.chat.as_ref().is_some_and(|chat| chat.key == Some(key))).unwrap();
        self.store.messages(self.account, found.id, None, 100).await.unwrap()
    }

    async fn texts(&self, peer: impl Into<ChatKey>) -> Vec<String> {
        self.said(peer).await.into_iter().map(|message| message.text).collect()
    }
}

#[tokio::test]
async fn a_chat_is_one_conversation_and_a_batch_twice_is_stored_once() {
    let bureau = Bureau::with_chats().await;
    let batch = || {
        let said = (1..=20).map(|n| Said::new(OLENA, n, &format!("текст {n}")).incoming());
        said.chain([Said::new(TEAM, 21, "усім").incoming(), Said::new(OLENA, 22, "наше").ours().incoming()]).collect()
    };

    let (first, again) = (bureau.ingest(batch()).await, bureau.ingest(batch()).await);

    assert_eq!((first.stored, again.stored, again.known), (22, 0, 22));
    let conversations = bureau.conversations().await;
    assert_eq!(conversations.len(), 2);
    let olena = &conversations[0];
    assert_eq!((olena.peer_name.as_str(), olena.peer_address.as_str()), ("Олена Вербицька", "@olena"));
    assert_eq!((olena.messages, olena.unread, olena.snippet.as_str()), (21, 20, "наше"));
    assert_eq!(conversations[1].chat.as_ref().unwrap().last_author, "Олена Вербицька");
    bureau.assert_summaries_true().await;
}

#[tokio::test]
async fn a_chat_that_is_begun_is_named_by_its_first_message_and_begun_once() {
    let bureau = Bureau::with_chats().await;
    let begun = || Incoming::Chat(Box::new(Said::new(OLENA, 1, "").chat.chat));

    bureau.ingest(vec![begun()]).await;
    bureau.ingest(vec![begun()]).await;

    let row = bureau.conversations().await.remove(0);
    assert_eq!((row.peer_name.as_str(), row.messages, row.unread), ("Олена Вербицька", 0, 0));
    let person = bureau.store.person(bureau.account, row.id).await.unwrap().unwrap();
    assert!(person.handles.iter().any(|handle| handle.value == "olena"));
    bureau.assert_summaries_true().await;

    // Telegram's seconds lie before the moment at which the chat was begun.
    bureau.ingest(vec![Said::new(OLENA, 1, "перше").ours().incoming()]).await;
    bureau.ingest(vec![begun()]).await;

    let rows = bureau.conversations().await;
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].id, rows[0].messages, rows[0].snippet.as_str()), (row.id, 1, "перше"));
    bureau.assert_summaries_true().await;
}

#[tokio::test]
async fn messages_of_one_second_keep_their_order_however_they_come() {
    let bureau = Bureau::with_chats().await;
    for n in [7, 3, 9, 1, 8] {
        bureau.ingest(vec![Said::new(OLENA, n, &n.to_string()).at(5).incoming()]).await;
    }
    bureau.ingest([6, 2, 5, 4].map(|n| Said::new(OLENA, n, &n.to_string()).at(5).incoming()).into()).await;

    assert_eq!(bureau.texts(OLENA).await, ["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    assert_eq!(bureau.conversations().await[0].snippet, "9");
}

#[tokio::test]
async fn several_cursors_move_with_one_batch() {
    let bureau = Bureau::with_chats().await;
    let cursors = ["account", "channel:9"]
        .map(|mailbox| Cursor { mailbox: mailbox.to_owned(), state: serde_json::json!({"pts": 5}) });
    let batch = Batch { incoming: vec![Said::new(OLENA, 1, "так").incoming()], cursors: cursors.to_vec() };

    bureau.ingest.ingest(bureau.account, None, batch).await.unwrap();

    assert_eq!(bureau.store.cursors(bureau.account).await.unwrap(), cursors);
    assert_eq!(bureau.store.latest_numbers(bureau.account).await.unwrap()["user:7"], 1);
}

#[tokio::test]
async fn an_edit_keeps_what_was_said_before_and_an_older_version_changes_nothing() {
    let bureau = Bureau::with_chats().await;
    let said = Said::new(OLENA, 1, "перше");
    let (second, third) = (said.clone().edited(10, "друге"), said.clone().edited(20, "третє"));
    bureau.ingest(vec![said.clone().incoming(), second.clone().incoming()]).await;
    bureau.ingest(vec![third.clone().incoming()]).await;
    bureau.ingest(vec![said.incoming(), second.incoming(), third.incoming()]).await;

    let message = bureau.said(OLENA).await.remove(0);
    assert_eq!(message.text, "третє");
    assert_eq!(message.chat.as_ref().unwrap().versions, 2);
    let versions = bureau.store.message_versions(bureau.account, message.id).await.unwrap();
    assert_eq!(versions.iter().map(|v| v.text.as_str()).collect::<Vec<_>>(), ["перше", "друге"]);
    assert_eq!(bureau.conversations().await[0].snippet, "третє");
    let facts = bureau.store.journal_after(&Default::default(), None, 100).await.unwrap();
    assert_eq!(facts.iter().filter(|entry| entry.fact.kind == FactKind::MessageEdited).count(), 2);
    bureau.assert_summaries_true().await;
}

#[tokio::test]
async fn a_vote_makes_no_version_and_a_replaced_file_is_kept() {
    let bureau = Bureau::with_chats().await;
    let poll = |voters| {
        Said::new(TEAM, 1, "").with(|chat| {
            let answers = vec![PollAnswer { text: "Так".to_owned(), voters, chosen: false }];
            chat.media = Some(Media::Poll { question: "Згода?".to_owned(), answers, voters, closed: false });
        })
    };
    let with_photo = |name: &str| Said::new(TEAM, 2, "фото").with(|chat| chat.media = Some(photo(name)));
    bureau.ingest(vec![poll(0).incoming(), poll(3).incoming(), with_photo("a.jpg").incoming()]).await;
    bureau.ingest(vec![with_photo("b.jpg").edited(30, "фото").incoming()]).await;

    let said = bureau.said(TEAM).await;
    let poll = said[0].chat.as_ref().unwrap();
    assert!(matches!(poll.media, Some(Media::Poll { voters: 3, .. })), "{:?}", poll.media);
    assert_eq!(poll.versions, 0);
    assert_eq!(said[1].files.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["b.jpg"]);
    assert_eq!(said[1].chat.as_ref().unwrap().versions, 1);
    assert_eq!(bureau.store.thumbnail(bureau.account, said[1].files[0].id).await.unwrap(), [0xFF, 0xD8, 0xFF]);
    bureau.assert_summaries_true().await;
}

#[tokio::test]
async fn an_album_is_shown_as_one_message_and_never_cut() {
    let bureau = Bureau::with_chats().await;
    let item = |n: u32| {
        Said::new(OLENA, n, if n == 3 { "Підпис" } else { "" }).at(10).with(|chat| {
            chat.album = Some(77);
            chat.media = Some(photo(&format!("{n}.jpg")));
        })
    };
    bureau.ingest(vec![Said::new(OLENA, 1, "до").incoming(), item(2).incoming(), item(3).incoming()]).await;
    bureau.ingest(vec![item(4).incoming(), Said::new(OLENA, 5, "після").at(11).incoming()]).await;

    let said = bureau.said(OLENA).await;
    assert_eq!(said.iter().map(|m| m.text.as_str()).collect::<Vec<_>>(), ["до", "Підпис", "після"]);
    let album = &said[1];
    assert_eq!(album.files.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["2.jpg", "3.jpg", "4.jpg"]);
    let items = &album.chat.as_ref().unwrap().items;
    assert_eq!((items.len(), items[0]), (3, album.id));
    assert_eq!(bureau.store.message(bureau.account, items[2]).await.unwrap(), *album);
    let cut = bureau.store.messages(bureau.account, album.conversation, None, 2).await.unwrap();
    assert!(cut.contains(album), "a page that begins amid an album has all of it");
    bureau.ingest(vec![Incoming::Deleted { channel: None, numbers: vec![2, 3] }]).await;
    assert!(bureau.said(OLENA).await[1].deleted_at.is_none());
    bureau.ingest(vec![Incoming::Deleted { channel: None, numbers: vec![4] }]).await;
    assert!(bureau.said(OLENA).await[1].deleted_at.is_some());
    bureau.assert_summaries_true().await;
}

#[tokio::test]
async fn a_place_after_a_message_is_found_by_count() {
    let bureau = Bureau::with_chats().await;
    bureau.ingest((1..=5).map(|n| Said::new(OLENA, n, "x").at(n.div_ceil(2).into()).incoming()).collect()).await;
    let said = bureau.said(OLENA).await;
    let after = async |n| {
        let (conversation, first) = (said[0].conversation, said[1].id);
        bureau.store.position_after(bureau.account, conversation, first, n).await.unwrap().map(|place| place.id)
    };

    assert_eq!((after(1).await, after(3).await, after(4).await), (Some(said[2].id), Some(said[4].id), None));
}

#[tokio::test]
async fn deletions_by_number_find_their_chat_and_leave_channels_alone() {
    let bureau = Bureau::with_chats().await;
    let all =
        || [Said::new(OLENA, 1, "a"), Said::new(TEAM, 2, "b"), Said::new(FORUM, 1, "c"), Said::new(FORUM, 2, "d")];
    bureau.ingest(all().map(Said::incoming).into()).await;
    bureau.ingest(vec![Incoming::Deleted { channel: None, numbers: vec![1, 2, 99] }]).await;
    bureau.ingest(vec![Incoming::Deleted { channel: Some(9), numbers: vec![2] }]).await;

    let gone = async |peer: Peer| -> Vec<bool> {
        bureau.said(peer).await.iter().map(|message| message.deleted_at.is_some()).collect()
    };
    assert_eq!((gone(OLENA).await, gone(TEAM).await, gone(FORUM).await), (vec![true], vec![true], vec![false, true]));
    assert_eq!(bureau.texts(OLENA).await, ["a"], "what was said stays");
}

#[tokio::test]
async fn reads_are_followed_and_what_a_person_marked_unread_stays_so() {
    let bureau = Bureau::with_chats().await;
    bureau.ingest((1..=5).map(|n| Said::new(OLENA, n, "x").incoming()).collect()).await;
    let unread = async || bureau.conversations().await[0].unread;

    bureau.ingest(vec![Incoming::ReadInbox { chat: OLENA.into(), up_to: 3 }]).await;
    assert_eq!(unread().await, 2);
    bureau.ingest(vec![Incoming::ReadInbox { chat: OLENA.into(), up_to: 5 }]).await;
    assert_eq!(unread().await, 0);
    let conversation = bureau.conversations().await[0].id;
    bureau.store.mark_unread(bureau.account, conversation).await.unwrap();
    bureau.ingest(vec![Incoming::ReadInbox { chat: OLENA.into(), up_to: 5 }]).await;
    assert_eq!(unread().await, 1, "the same mark again says nothing new");
    // A hole that is filled later was read long ago.
    bureau.ingest(vec![Said::new(OLENA, 4, "x").incoming(), Said::new(OLENA, 6, "x").incoming()]).await;
    assert_eq!(unread().await, 2);
    bureau.assert_summaries_true().await;

    bureau.ingest(vec![Said::new(OLENA, 7, "наше").ours().incoming()]).await;
    bureau.ingest(vec![Incoming::ReadOutbox { chat: OLENA.into(), up_to: 7 }]).await;
    assert!(bureau.said(OLENA).await.last().unwrap().chat.as_ref().unwrap().read_there);
}

#[tokio::test]
async fn a_chat_is_read_up_to_what_was_seen_of_it_and_no_further() {
    let bureau = Bureau::with_chats().await;
    bureau.ingest((1..=5).map(|n| Said::new(OLENA, n, "x").at(n.div_ceil(2).into()).incoming()).collect()).await;
    let conversation = bureau.conversations().await[0].id;
    let said = bureau.said(OLENA).await;

    bureau.store.mark_read(bureau.account, conversation, Some(said[2].id)).await.unwrap();

    let seen: Vec<bool> = bureau.said(OLENA).await.iter().map(|message| message.seen).collect();
    assert_eq!(seen, [true, true, true, false, false]);
    assert_eq!(bureau.conversations().await[0].unread, 2);
    assert_eq!(bureau.store.unconfirmed_reads(bureau.account).await.unwrap(), [(OLENA.into(), 3)]);
    bureau.store.mark_read(bureau.account, conversation, Some(said[0].id)).await.unwrap();
    assert_eq!(bureau.conversations().await[0].unread, 2, "what was read stays so");
    bureau.store.mark_read(bureau.account, conversation, None).await.unwrap();
    assert_eq!(bureau.conversations().await[0].unread, 0);
    bureau.assert_summaries_true().await;
}

#[tokio::test]
async fn topics_of_a_forum_are_conversations_of_their_own_over_one_count() {
    let bureau = Bureau::with_chats().await;
    let topic = |n: u32| ChatKey { peer: FORUM, topic: Some(n) };
    let in_topic = |n: u32, id: u32| Said::new(FORUM, n, "t").in_topic(id);
    bureau.ingest(vec![in_topic(10, 1).incoming(), in_topic(11, 2).incoming(), in_topic(12, 2).incoming()]).await;
    assert_eq!((bureau.said(topic(1)).await.len(), bureau.said(topic(2)).await.len()), (1, 2));

    bureau.ingest(vec![Incoming::ReadInbox { chat: topic(2), up_to: 12 }]).await;
    let unread: i32 = bureau.conversations().await.iter().map(|c| c.unread).sum();
    assert_eq!(unread, 1);
    bureau.ingest(vec![Incoming::ReadInbox { chat: FORUM.into(), up_to: 12 }]).await;
    assert!(bureau.conversations().await.iter().all(|c| c.unread == 0));
    bureau.assert_summaries_true().await;
}

/// A service line of Olena's chat.
fn line(number: u32, kind: ServiceKind) -> Incoming {
    Said::new(OLENA, number, "")
        .with(|chat| chat.service = Some(Service { kind, about: String::new(), seconds: None }))
        .incoming()
}

#[tokio::test]
async fn a_missed_call_counts_as_unread_and_other_service_lines_do_not() {
    let bureau = Bureau::with_chats().await;
    bureau.ingest(vec![line(1, ServiceKind::MissedCall), line(2, ServiceKind::TitleChanged)]).await;
    let conversation = bureau.conversations().await.remove(0);
    assert_eq!((conversation.messages, conversation.unread), (2, 1));
    assert_eq!(conversation.last_direction, Direction::In, "somebody has to call back");
    assert_eq!(conversation.chat.unwrap().last_media.as_deref(), Some("missed_call"));
    bureau.assert_summaries_true().await;
}

/// Whose turn it is, where the chat stands in the list and what was put aside are left as they were.
#[tokio::test]
async fn what_nobody_said_is_nobodys_turn() {
    let bureau = Bureau::with_chats().await;
    let waiting = async || bureau.store.conversation_counts(None).await.unwrap().waiting;
    bureau.ingest(vec![line(5, ServiceKind::ContactSignedUp)]).await;
    let begun = bureau.conversations().await.remove(0);
    assert_eq!((begun.last_direction, waiting().await), (Direction::Out, 0));

    // Older than the line, and yet the latest that somebody said.
    bureau.ingest(vec![Said::new(OLENA, 3, "Скільки коштує?").incoming()]).await;
    let asked = bureau.conversations().await.remove(0);
    assert_eq!((&*asked.snippet, asked.last_direction, waiting().await), ("Скільки коштує?", Direction::In, 1));
    assert!(asked.last_at < begun.last_at);
    assert_eq!(asked.chat.unwrap().last_media, None);
    bureau.ingest(vec![line(6, ServiceKind::MessagePinned)]).await;
    let pinned = bureau.conversations().await.remove(0);
    assert_eq!((pinned.last_at, &*pinned.snippet, waiting().await), (asked.last_at, "Скільки коштує?", 1));
    bureau.assert_summaries_true().await;

    let seen = Seen { conversation: pinned.id, last_at: pinned.last_at, messages: pinned.messages };
    bureau.store.set_triage(bureau.account, &[seen], Triage::Done).await.unwrap();
    bureau.ingest(vec![line(7, ServiceKind::TitleChanged), line(8, ServiceKind::Call)]).await;
    let called = bureau.conversations().await.remove(0);
    assert_eq!((called.triage, called.last_direction), (Triage::Done, Direction::Out), "a call that was taken");
    assert_eq!(called.chat.unwrap().last_media.as_deref(), Some("call"));
    bureau.ingest(vec![line(9, ServiceKind::MissedCall)]).await;
    let missed = bureau.conversations().await.remove(0);
    assert_eq!((missed.triage, missed.last_direction), (Triage::Open, Direction::In));
    bureau.assert_summaries_true().await;
}

#[tokio::test]
async fn reactions_answers_and_formatting_come_back_as_they_came() {
    let bureau = Bureau::with_chats().await;
    let heart = |count| vec![Reaction { emoji: "❤".to_owned(), count, mine: count > 1 }];
    let entities = vec![Entity { offset: 0, length: 2, kind: EntityKind::Bold }];
    let answer = Said::new(OLENA, 2, "🎉 так").with(|chat| {
        chat.reply_to = Some(1);
        chat.entities.clone_from(&entities);
        chat.reactions = heart(1);
    });
    bureau.ingest(vec![Said::new(OLENA, 1, "Коли?").incoming(), answer.incoming()]).await;

    let read = async || bureau.said(OLENA).await.remove(1).chat.unwrap();
    let chat = read().await;
    assert_eq!((chat.entities.clone(), chat.reactions.clone()), (entities, heart(1)));
    assert_eq!(chat.answers.as_ref().unwrap().text, "Коли?");
    bureau.ingest(vec![Incoming::Reactions { place: OLENA.place(2), reactions: heart(5) }]).await;
    assert_eq!(read().await.reactions, heart(5));
    bureau.ingest(vec![Incoming::Reactions { place: OLENA.place(2), reactions: Vec::new() }]).await;
    assert_eq!(read().await.reactions, []);
}

#[tokio::test]
async fn peers_are_handed_back_and_a_new_name_is_followed() {
    let bureau = Bureau::with_chats().await;
    let peer = |name: &str, username: &str, access_hash| KnownPeer {
        peer: OLENA,
        access_hash,
        name: name.to_owned(),
        username: Some(username.to_owned()),
        phone: Some("+380501234567".to_owned()),
        details: serde_json::json!({"bot": false}),
    };
    let known = |peer: KnownPeer| Incoming::Peer(Box::new(peer));
    bureau.ingest(vec![known(peer("Олена", "olena", Some(i64::MIN))), Said::new(OLENA, 1, "x").incoming()]).await;
    bureau.ingest(vec![known(peer("Олена В.", "verbytska", None))]).await;

    let stored = bureau.store.peers(bureau.account).await.unwrap();
    assert_eq!(stored.len(), 1);
    assert_eq!((stored[0].access_hash, stored[0].name.as_str()), (Some(i64::MIN), "Олена В."));
    assert_eq!(stored[0].username.as_deref(), Some("olena"), "a min constructor tells less");
    assert_eq!(bureau.conversations().await[0].peer_name, "Олена В.");

    bureau.ingest(vec![known(peer("Олена В.", "verbytska", Some(5)))]).await;
    assert_eq!(bureau.conversations().await[0].peer_address, "@verbytska");
}

#[tokio::test]
async fn chats_are_found_by_text_names_and_file_names_and_an_edit_is_found_anew() {
    let bureau = Bureau::with_chats().await;
    let file = Said::new(OLENA, 2, "").with(|chat| chat.media = Some(photo("Свідоцтво 2026.pdf")));
    let said = Said::new(TEAM, 1, "Переклад до понеділка");
    bureau.ingest(vec![said.clone().incoming(), file.incoming()]).await;
    let index = async || while bureau.store.index_messages(100, 200_000).await.unwrap().messages > 0 {};
    let hits = async |query: &str| bureau.store.search(query, None, None, 10).await.unwrap().len();
    index().await;
    for (query, expected) in [("переклад", 1), ("свідоцтво", 1), ("olena", 1), ("клієнт", 1), ("вівторок", 0)]
    {
        assert_eq!(hits(query).await, expected, "{query}");
    }

    bureau.ingest(vec![said.edited(50, "Переклад до вівторка").incoming()]).await;
    index().await;

    assert_eq!((hits("вівторка").await, hits("понеділка").await), (1, 0));
    let hit = bureau.store.search("вівторка", None, None, 10).await.unwrap().remove(0);
    assert_eq!(hit.subject, "Бюро і клієнт");
}

#[tokio::test]
async fn the_export_prints_chats_in_their_own_words() {
    let bureau = Bureau::with_chats().await;
    let file = Said::new(OLENA, 1, "Ось").with(|chat| chat.media = Some(photo("a.jpg")));
    bureau.ingest(vec![file.incoming(), Said::new(OLENA, 2, "Дякую").ours().incoming()]).await;

    let printed: Vec<_> = bureau.store.export(Some(bureau.account), None).try_collect().await.unwrap();

    assert_eq!(printed[0].place.as_ref().unwrap().to_string(), "user:7/1");
    assert_eq!((printed[0].files[0].name.as_str(), &printed[0].files[0].sha256), ("a.jpg", &None));
    assert_eq!((printed[0].author.name.as_str(), printed[0].to[0].name.as_str()), ("Олена Вербицька", "Телеграм"));
    assert_eq!(printed[1].to[0].address, "@olena");
    assert_eq!(printed[1].direction, Direction::Out);
}

#[tokio::test]
async fn what_cannot_be_shown_keeps_its_bytes_and_what_cannot_be_read_stands_in_its_chat() {
    let bureau = Bureau::with_chats().await;
    let mut unknown = Said::new(OLENA, 1, "")
        .with(|chat| chat.media = Some(Media::Unsupported { what: "messageMediaStory".to_owned() }));
    unknown.raw = b"layer 230".to_vec();
    let mut plain = Said::new(OLENA, 2, "x\0y");
    plain.raw = b"layer 230".to_vec();
    let Incoming::Message(mut broken) = Said::new(OLENA, 3, "").incoming() else { unreachable!() };
    broken.content = Content::Unreadable { reason: "not a message".to_owned(), whole: false };
    broken.raw = Raw::memory(b"bytes".to_vec());

    let done = bureau.ingest(vec![unknown.incoming(), plain.incoming(), Incoming::Message(broken)]).await;

    assert_eq!((done.stored, done.quarantined), (3, 1));
    let said = bureau.said(OLENA).await;
    assert_eq!(bureau.store.raw_message(bureau.account, said[0].id).await.unwrap(), b"layer 230");
    assert!(bureau.store.raw_message(bureau.account, said[1].id).await.is_err(), "all of it is shown");
    assert_eq!(said[1].text, "x y");
    assert_eq!(said[2].unreadable.as_deref(), Some("not a message"));
    assert_eq!(bureau.conversations().await.len(), 1);
}

#[tokio::test]
async fn a_user_is_added_once_and_settings_come_back_as_they_were_kept() {
    let bureau = Bureau::with_chats().await;
    let kept = bureau.store.account(bureau.account).await.unwrap().unwrap();
    let mut settings = kept.telegram.clone().unwrap();
    assert_eq!(settings, crate::common::telegram(bureau.account, 900).telegram);
    let again = crate::common::telegram(skrynka_core::model::AccountId::new(START), 900);
    assert!(bureau.store.add_telegram_account(&again).await.is_err());

    settings.takes.bots = true;
    settings.proxy = Some(skrynka_core::model::Proxy { server: "[::1]:1080".parse().unwrap(), user: None });
    bureau.store.update_telegram_account(bureau.account, "Інша назва", Some(3), &settings).await.unwrap();
    let kept = bureau.store.account(bureau.account).await.unwrap().unwrap();
    assert_eq!((kept.telegram.unwrap(), kept.color), (settings, 3));
}

/// A message that could not be read at first is shown once, where it stands.
#[tokio::test]
async fn what_can_be_read_at_last_takes_its_place() {
    for in_one_batch in [false, true] {
        let bureau = Bureau::with_chats().await;
        let Incoming::Message(mut unreadable) = Said::new(OLENA, 2, "").incoming() else { panic!("a message") };
        unreadable.content = Content::Unreadable { reason: "of a later version".to_owned(), whole: false };
        let mut batch = vec![
            Said::new(OLENA, 1, "one").incoming(),
            Incoming::Message(unreadable),
            Said::new(OLENA, 3, "three").incoming(),
        ];
        if in_one_batch {
            batch.push(Said::new(OLENA, 2, "two").incoming());
        }
        bureau.ingest(batch).await;

        for _ in 0..2 {
            bureau.ingest(vec![Said::new(OLENA, 2, "two").incoming()]).await;
        }

        let said = bureau.said(OLENA).await;
        let shown: Vec<_> = said.iter().map(|m| m.text.as_str()).collect();
        assert_eq!(shown, ["one", "two", "three"]);
        bureau.assert_summaries_true().await;
    }
}
