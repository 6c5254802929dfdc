//! Whose turn it is, who takes care, who somebody is, and templates, on a real Postgres.

use crate::common::{Bureau, Mail, START};
use skrynka_core::{
    connector::{Batch, Chat, ChatMessage, Content, Incoming, IncomingMessage, Raw},
    model::{Address, Channel, ChatKind, ContactId, ConversationId, Direction, Peer, PeerKind, TemplateId, Triage},
    store::{
        ConversationListing, ConversationSummary, ConversationView, FactKind, HandleKind, Seen, StoreError,
        TemplateDraft,
    },
};
use time::Duration;

fn seen(row: &ConversationSummary) -> Seen {
    Seen { conversation: row.id, last_at: row.last_at, messages: row.messages }
}

impl Bureau {
    async fn listed(&self, view: ConversationView) -> Vec<ConversationSummary> {
        let listing = ConversationListing { view, ..ConversationListing::default() };
        self.store.conversations(&listing, None, 100).await.unwrap()
    }

    async fn the_one(&self) -> ConversationSummary {
        let mut all = self.conversations().await;
        assert_eq!(all.len(), 1, "one conversation");
        all.remove(0)
    }

    async fn put(&self, row: &ConversationSummary, triage: Triage) -> Vec<ConversationId> {
        self.store.set_triage(row.account, &[seen(row)], triage).await.unwrap()
    }

    async fn ingest_ours(&self, mail: Mail) {
        let mut message = mail.message();
        message.direction = Direction::Out;
        message.seen = true;
        message.place.mailbox = "Sent".to_owned();
        if let Content::Letter(letter) = &mut message.content {
            letter.author.address = "office@example.org".to_owned();
            letter.to = vec![Address { name: String::new(), address: "olena@example.org".to_owned() }];
        }
        self.ingest(vec![Incoming::Message(Box::new(message))]).await;
    }
}

#[tokio::test]
async fn a_new_message_opens_what_was_put_aside() {
    for aside in [Triage::Done, Triage::Pending] {
        let bureau = Bureau::new().await;
        bureau.ingest(vec![Mail::new(1).incoming()]).await;
        assert_eq!(bureau.put(&bureau.the_one().await, aside).await, []);
        assert_eq!(bureau.the_one().await.triage, aside);

        bureau.ingest(vec![Mail::new(2).references(&["1"]).incoming()]).await;

        assert_eq!(bureau.the_one().await.triage, Triage::Open, "after {aside:?}");
    }
}

#[tokio::test]
async fn what_comes_late_and_unread_opens_and_read_history_does_not() {
    let bureau = Bureau::new().await;
    bureau.ingest(vec![Mail::new(9).references(&["3", "2"]).incoming()]).await;
    bureau.put(&bureau.the_one().await, Triage::Done).await;

    let mut read = Mail::new(2).message();
    read.seen = true;
    bureau.ingest(vec![Incoming::Message(Box::new(read))]).await;
    assert_eq!(bureau.the_one().await.triage, Triage::Done, "history that was read");

    bureau.ingest(vec![Mail::new(3).incoming()]).await;
    assert_eq!(bureau.the_one().await.triage, Triage::Open, "an older mail that nobody has read");
}

#[tokio::test]
async fn a_customers_word_opens_even_where_our_answer_comes_in_the_same_batch() {
    let bureau = Bureau::new().await;
    bureau.ingest(vec![Mail::new(1).incoming()]).await;
    bureau.put(&bureau.the_one().await, Triage::Done).await;

    let mut theirs = Mail::new(2).references(&["1"]).message();
    theirs.seen = true;
    let mut ours = Mail::new(3).references(&["1"]).message();
    (ours.direction, ours.seen) = (Direction::Out, true);
    bureau.ingest(vec![Incoming::Message(Box::new(theirs)), Incoming::Message(Box::new(ours))]).await;

    let row = bureau.the_one().await;
    assert_eq!((row.triage, row.last_direction), (Triage::Open, Direction::Out));
}

#[tokio::test]
async fn our_own_answer_leaves_what_was_done_alone() {
    let bureau = Bureau::new().await;
    bureau.ingest(vec![Mail::new(1).incoming()]).await;
    bureau.put(&bureau.the_one().await, Triage::Done).await;

    bureau.ingest_ours(Mail::new(2).references(&["1"])).await;

    assert_eq!(bureau.the_one().await.triage, Triage::Done);
}

#[tokio::test]
async fn what_the_customer_wrote_meanwhile_is_not_put_aside() {
    let bureau = Bureau::new().await;
    bureau.ingest(vec![Mail::new(1).incoming()]).await;
    let looked_at = bureau.the_one().await;
    bureau.ingest(vec![Mail::new(2).references(&["1"]).incoming()]).await;

    assert_eq!(bureau.put(&looked_at, Triage::Done).await, [looked_at.id]);

    assert_eq!(bureau.the_one().await.triage, Triage::Open);
    assert_eq!(bureau.put(&looked_at, Triage::Open).await, [], "to open is never too late");
}

#[tokio::test]
async fn two_messages_of_one_second_are_told_apart() {
    let bureau = Bureau::new().await;
    bureau.ingest(vec![Mail::new(1).incoming()]).await;
    let looked_at = bureau.the_one().await;
    let mut same_second = Mail::new(2).references(&["1"]).message();
    same_second.received_at = looked_at.last_at;
    bureau.ingest(vec![Incoming::Message(Box::new(same_second))]).await;

    assert_eq!(bureau.put(&looked_at, Triage::Done).await, [looked_at.id]);
    assert_eq!(bureau.the_one().await.triage, Triage::Open);
}

#[tokio::test]
async fn a_merge_keeps_what_is_to_be_done_and_who_does_it() {
    let bureau = Bureau::new().await;
    bureau.ingest(vec![Mail::new(1).subject("А").incoming(), Mail::new(2).subject("Б").incoming()]).await;
    let rows = bureau.conversations().await;
    for row in &rows {
        bureau.put(row, Triage::Done).await;
    }
    bureau.put(&rows[0], Triage::Pending).await;
    bureau.store.assign(bureau.account, &[rows[0].id], Some("Ірина")).await.unwrap();

    let mut joins = Mail::new(3).references(&["1", "2"]).message();
    joins.direction = Direction::Out;
    bureau.ingest(vec![Incoming::Message(Box::new(joins))]).await;

    let row = bureau.the_one().await;
    assert_eq!((row.triage, row.assignee.as_deref()), (Triage::Pending, Some("Ірина")));
}

#[tokio::test]
async fn each_view_holds_what_its_name_says_and_counts_agree() {
    let bureau = Bureau::new().await;
    bureau.ingest((1..=6).map(|n| Mail::new(n).incoming()).collect()).await;
    bureau.ingest_ours(Mail::new(11).references(&["1"])).await;
    let of = |rows: &[ConversationSummary]| {
        rows.iter().map(|row| row.subject.trim_start_matches("Лист ").to_owned()).collect::<Vec<_>>().join(" ")
    };
    let all = bureau.conversations().await;
    assert_eq!(of(&all), "1 6 5 4 3 2", "the answer was the last word of 1");
    let find = |subject: &str| all.iter().find(|row| row.subject == format!("Лист {subject}")).unwrap();
    bureau.put(find("2"), Triage::Done).await;
    bureau.put(find("3"), Triage::Pending).await;
    let (four, five) = (find("4").id, find("5").id);
    bureau.store.assign(bureau.account, &[four, find("2").id], Some("Ірина")).await.unwrap();
    bureau.store.assign(bureau.account, &[five], Some("Марко")).await.unwrap();

    assert_eq!(of(&bureau.listed(ConversationView::Waiting).await), "4 5 6", "the oldest first");
    assert_eq!(of(&bureau.listed(ConversationView::Done).await), "2");
    assert_eq!(of(&bureau.listed(ConversationView::Unassigned).await), "1 6 3");
    assert_eq!(of(&bureau.listed(ConversationView::AssignedTo("Ірина".to_owned())).await), "4");
    let counts = bureau.store.conversation_counts(Some("Ірина")).await.unwrap();
    assert_eq!((counts.all, counts.waiting, counts.mine, counts.unassigned, counts.done), (6, 3, 1, 3, 1));
    assert_eq!(bureau.store.conversation_counts(None).await.unwrap().mine, 0);
    assert_eq!(bureau.store.assignees().await.unwrap(), ["Ірина", "Марко"]);

    let mails = ConversationListing { channel: Some(Channel::Email), ..ConversationListing::default() };
    assert_eq!(bureau.store.conversations(&mails, None, 100).await.unwrap().len(), 6);
    let chats = ConversationListing { channel: Some(Channel::Telegram), ..ConversationListing::default() };
    assert_eq!(bureau.store.conversations(&chats, None, 100).await.unwrap(), []);
}

#[tokio::test]
async fn the_waiting_are_paged_from_the_oldest_on_without_gaps_or_doubles() {
    let bureau = Bureau::new().await;
    bureau.ingest((1..=23).map(|n| Mail::new(n).incoming()).collect()).await;
    let listing = ConversationListing { view: ConversationView::Waiting, ..ConversationListing::default() };
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = bureau.store.conversations(&listing, after, 5).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.position());
        seen.extend(page.into_iter().map(|row| row.subject));
    }
    assert_eq!(seen, (1..=23).map(|n| format!("Лист {n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn only_what_changed_is_announced() {
    let bureau = Bureau::new().await;
    bureau.ingest((1..=3).map(|n| Mail::new(n).incoming()).collect()).await;
    let rows = bureau.conversations().await;
    bureau.put(&rows[0], Triage::Done).await;
    let before = bureau.store.journal_vector(None).await.unwrap();

    let all: Vec<_> = rows.iter().map(seen).collect();
    bureau.store.set_triage(bureau.account, &all, Triage::Done).await.unwrap();
    bureau.store.assign(bureau.account, &[rows[1].id], None).await.unwrap();

    let facts = bureau.store.journal_after(&before, None, 100).await.unwrap();
    let mut told: Vec<_> = facts.iter().map(|entry| (entry.fact.kind, entry.fact.conversation.unwrap())).collect();
    told.sort_unstable_by_key(|(_, id)| *id);
    let mut expected: Vec<_> = rows[1..].iter().map(|row| (FactKind::ConversationChanged, row.id)).collect();
    expected.sort_unstable_by_key(|(_, id)| *id);
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_template_has_a_shortcut_of_its_own() {
    let bureau = Bureau::new().await;
    let (one, other) = (TemplateId::new(START), TemplateId::new(START + Duration::seconds(1)));
    let terms = TemplateDraft {
        name: "Строки", shortcut: Some("Строк"), body: "Готово буде {day}, {name}."
    };
    bureau.store.save_template(one, terms).await.unwrap();
    let taken = bureau.store.save_template(other, TemplateDraft { name: "Інше", shortcut: Some("строк"), body: "…" });
    assert!(matches!(taken.await, Err(StoreError::ShortcutTaken(_))));
    bureau.store.save_template(other, TemplateDraft { name: "Інше", shortcut: None, body: "…" }).await.unwrap();
    bureau.store.save_template(one, TemplateDraft { name: "Строки роботи", ..terms }).await.unwrap();

    let stored = bureau.store.templates().await.unwrap();
    let shown: Vec<_> = stored.iter().map(|t| (t.name.as_str(), t.shortcut.as_deref(), t.body.as_str())).collect();
    assert_eq!(shown, [("Строки роботи", Some("строк"), "Готово буде {day}, {name}."), ("Інше", None, "…")]);
    bureau.store.remove_template(one).await.unwrap();
    bureau.store.remove_template(one).await.unwrap();
    assert_eq!(bureau.store.templates().await.unwrap().len(), 1);
}

/// A message of a private chat.
fn said(user: i64, name: &str, phone: Option<&str>, number: u32) -> Incoming {
    let peer = Peer { kind: PeerKind::User, id: user };
    let chat = Chat {
        key: peer.into(),
        kind: ChatKind::Private,
        title: name.to_owned(),
        username: Some(format!("user{user}")),
        phone: phone.map(ToOwned::to_owned),
    };
    Incoming::Message(Box::new(IncomingMessage {
        place: peer.place(number),
        direction: Direction::In,
        received_at: START + Duration::minutes(number.into()),
        arrived_at: START + Duration::minutes(number.into()),
        seen: false,
        answered: false,
        raw: Raw::memory(Vec::new()),
        content: Content::Chat(Box::new(ChatMessage::new(chat, None, format!("Повідомлення {number}")))),
    }))
}

/// A bureau to which the same person wrote by mail and by chat, and somebody else by mail.
async fn met_twice() -> (Bureau, [ConversationSummary; 3]) {
    let bureau = Bureau::with_chats().await;
    let mailbox = bureau.store.accounts().await.unwrap().into_iter().find(|a| a.channel == Channel::Email).unwrap().id;
    let batch = |incoming| Batch { incoming, cursors: Vec::new() };
    let mails = vec![Mail::new(1).incoming(), Mail::new(2).from("else@example.org").incoming()];
    bureau.ingest.ingest(mailbox, None, batch(mails)).await.unwrap();
    bureau.ingest(vec![said(7, "Олена Вербицька", Some("+380441234567"), 3)]).await;
    let rows = bureau.conversations().await;
    let find = |address: &str| rows.iter().find(|row| row.peer_address == address).unwrap().clone();
    let [mail, other] = [find("olena@example.org"), find("else@example.org")];
    let chat = rows.iter().find(|row| row.chat.is_some()).unwrap().clone();
    (bureau, [mail, other, chat])
}

impl Bureau {
    async fn contact(&self, row: &ConversationSummary) -> ContactId {
        self.store.person(row.account, row.id).await.unwrap().unwrap().contact
    }

    async fn handles(&self, row: &ConversationSummary) -> Vec<String> {
        let person = self.store.person(row.account, row.id).await.unwrap().unwrap();
        let shown = person.handles.iter().filter(|handle| handle.kind != HandleKind::TelegramId);
        shown.map(|handle| handle.value.clone()).collect()
    }
}

#[tokio::test]
async fn two_contacts_become_one_person_and_two_again() {
    let (bureau, [mail, other, chat]) = met_twice().await;
    let [writes, stranger, talks] =
        [bureau.contact(&mail).await, bureau.contact(&other).await, bureau.contact(&chat).await];
    assert_eq!(bureau.handles(&chat).await, ["+380441234567", "user7"]);
    let likely = bureau.store.likely_same(talks, 3).await.unwrap();
    assert!(likely.iter().any(|found| found.contact == writes), "the same name by mail");

    bureau.store.link_people(talks, writes).await.unwrap();

    assert_eq!(bureau.handles(&chat).await, ["+380441234567", "user7", "olena@example.org"], "its own first");
    assert_eq!(bureau.handles(&mail).await, ["olena@example.org", "+380441234567", "user7"]);
    let others = bureau.store.conversations_with(talks, (chat.account, chat.id), 10).await.unwrap();
    assert_eq!(others.iter().map(|row| row.id).collect::<Vec<_>>(), [mail.id]);
    assert!(bureau.store.likely_same(talks, 3).await.unwrap().iter().all(|found| found.contact != writes));

    // A third joins the two through either of them.
    let before = bureau.store.link_people(stranger, writes).await.unwrap();
    assert_eq!(bureau.handles(&other).await.len(), 4);
    bureau.store.restore_links(&before).await.unwrap();
    assert_eq!(bureau.handles(&other).await, ["else@example.org"]);
    assert_eq!(bureau.handles(&mail).await.len(), 3, "what was linked before is linked again");

    let before = bureau.store.unlink_person(talks).await.unwrap();
    assert_eq!(bureau.handles(&chat).await, ["+380441234567", "user7"]);
    assert_eq!(bureau.handles(&mail).await, ["olena@example.org"]);
    bureau.store.restore_links(&before).await.unwrap();
    assert_eq!(bureau.handles(&mail).await.len(), 3);
    let again = bureau.store.link_people(writes, talks).await;
    assert!(matches!(again, Err(StoreError::NotFound(_))), "one person already");
}

#[tokio::test]
async fn unlinking_the_first_of_three_keeps_the_others_together() {
    let (bureau, [mail, other, chat]) = met_twice().await;
    let [writes, stranger, talks] =
        [bureau.contact(&mail).await, bureau.contact(&other).await, bureau.contact(&chat).await];
    bureau.store.link_people(talks, writes).await.unwrap();
    bureau.store.link_people(talks, stranger).await.unwrap();

    let before = bureau.store.unlink_person(talks).await.unwrap();

    assert_eq!(bureau.handles(&chat).await, ["+380441234567", "user7"]);
    assert_eq!(bureau.handles(&mail).await, ["olena@example.org", "else@example.org"]);
    bureau.store.restore_links(&before).await.unwrap();
    assert_eq!(bureau.handles(&other).await.len(), 4);
}

#[tokio::test]
async fn people_are_found_by_name_address_phone_and_username() {
    let (bureau, [mail, _, chat]) = met_twice().await;
    let (writes, talks) = (bureau.contact(&mail).await, bureau.contact(&chat).await);
    for text in ["ВЕРБ", "olena@EX", "example.org"] {
        let found = bureau.store.find_people(text, talks, 20).await.unwrap();
        assert!(found.iter().any(|one| one.contact == writes), "{text}");
        assert!(found.iter().all(|one| one.contact != talks), "not oneself: {text}");
    }
    for text in ["44123", "USER7"] {
        let found = bureau.store.find_people(text, writes, 20).await.unwrap();
        assert!(found.iter().any(|one| one.contact == talks), "{text}");
    }
    assert_eq!(bureau.store.find_people("100%_", talks, 20).await.unwrap(), []);
}

#[tokio::test]
async fn files_of_all_conversations_come_latest_first() {
    let (bureau, [mail, _, chat]) = met_twice().await;
    let with_file = |number: u32| {
        let mut message = Mail::new(number).references(&["1"]).message();
        if let Content::Letter(letter) = &mut message.content {
            letter.attachments.push(skrynka_core::model::AttachmentPart {
                part: 1,
                name: format!("{number}.pdf"),
                mime: "application/pdf".to_owned(),
                size: 1,
                sha256: [1; 32],
                content_id: None,
                inline: false,
            });
        }
        Incoming::Message(Box::new(message))
    };
    let batch = Batch {
        incoming: vec![with_file(20), Mail::new(21).references(&["1"]).incoming(), with_file(22)],
        cursors: Vec::new(),
    };
    bureau.ingest.ingest(mail.account, None, batch).await.unwrap();

    let theirs = [(chat.account, chat.id), (mail.account, mail.id)];
    let files = bureau.store.messages_with_files(&theirs, 10).await.unwrap();
    assert_eq!(files.iter().map(|m| m.files[0].name.as_str()).collect::<Vec<_>>(), ["22.pdf", "20.pdf"]);
    assert_eq!(bureau.store.messages_with_files(&theirs, 1).await.unwrap().len(), 1);
}
