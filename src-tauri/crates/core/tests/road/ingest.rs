//! The road from a batch to stored facts, on a real Postgres.

use crate::common::{Bureau, Mail};
use futures_util::TryStreamExt as _;
use skrynka_core::{
    connector::{Batch, Content, Cursor, Incoming, IncomingMessage, RawBytes},
    ingest::Ingested,
    store::{ConversationListing, FactKind, MUTED_FOR_GOOD},
};

#[tokio::test]
async fn a_batch_handed_over_twice_is_stored_once() {
    let bureau = Bureau::new().await;
    let mails = || (1..=20).map(|uid| Mail::new(uid).incoming()).collect::<Vec<_>>();

    let first = bureau.ingest(mails()).await;
    let again = bureau.ingest(mails()).await;

    assert_eq!((first.stored, first.known), (20, 0));
    assert_eq!((again.stored, again.known), (0, 20));
    assert_eq!(bureau.stored().await, 20);
    bureau.assert_summaries_true().await;
}

#[tokio::test]
async fn a_batch_is_in_the_journal_with_its_cursor_or_not_at_all() {
    let bureau = Bureau::new().await;
    let cursor = Cursor { mailbox: "INBOX".to_owned(), state: serde_json::json!({"high": 2}) };
    let batch =
        Batch { incoming: vec![Mail::new(1).incoming(), Mail::new(2).incoming()], cursors: vec![cursor.clone()] };

    bureau.ingest.ingest(bureau.account, None, batch).await.unwrap();

    assert_eq!(bureau.store.cursors(bureau.account).await.unwrap(), [cursor]);
    let facts = bureau.store.journal_after(&Default::default(), None, 100).await.unwrap();
    let stored = facts.iter().filter(|entry| entry.fact.kind == FactKind::MessageStored).count();
    assert_eq!(stored, 2);
    let numbers: Vec<i64> = facts.iter().filter(|f| f.account == bureau.account).map(|f| f.seq).collect();
    assert_eq!(numbers, (1..=numbers.len() as i64).collect::<Vec<_>>(), "sequences have no gaps");
}

#[tokio::test]
async fn a_thread_is_one_conversation_whatever_the_order_of_its_mails() {
    for order in [[1, 2, 3], [3, 2, 1], [2, 3, 1], [3, 1, 2]] {
        let bureau = Bureau::new().await;
        for n in order {
            let parent: &[&str] = match n {
                2 => &["1"],
                3 => &["2"],
                _ => &[],
            };
            bureau.ingest(vec![Mail::new(n).references(parent).incoming()]).await;
        }
        let conversations = bureau.conversations().await;
        assert_eq!(conversations.len(), 1, "{order:?}");
        assert_eq!(conversations[0].messages, 3, "{order:?}");
        bureau.assert_summaries_true().await;
    }
}

#[tokio::test]
async fn a_mail_that_bridges_two_conversations_makes_them_one() {
    let bureau = Bureau::new().await;
    bureau.ingest(vec![Mail::new(1).incoming(), Mail::new(2).incoming()]).await;
    assert_eq!(bureau.conversations().await.len(), 2);

    bureau.ingest(vec![Mail::new(3).references(&["1", "2"]).incoming()]).await;

    let conversations = bureau.conversations().await;
    assert_eq!((conversations.len(), conversations[0].messages, conversations[0].unread), (1, 3, 3));
    bureau.assert_summaries_true().await;
}

#[tokio::test]
async fn conversations_that_become_one_step_by_step_keep_every_mail_mark_and_message_id() {
    let bureau = Bureau::new().await;
    let mails = [
        vec![Mail::new(1), Mail::new(2).references(&["1"])],
        vec![Mail::new(3)],
        vec![Mail::new(4), Mail::new(5).references(&["4"]), Mail::new(6).references(&["4"])],
        // Marks that came in the same batch count once.
        vec![Mail::new(7).references(&["2", "3"])],
        vec![Mail::new(8).references(&["1", "5"])],
        vec![Mail::new(9).references(&["3"])],
    ];
    for (step, mails) in mails.into_iter().enumerate() {
        let marks = [(3, 1), (4, 3)].into_iter().filter(|(at, _)| *at == step).map(|(_, uid)| bureau.marks(uid, true));
        let marks: Vec<_> = marks.collect();
        let mails = mails.into_iter().map(Mail::incoming);
        bureau.ingest(marks.into_iter().chain(mails).collect()).await;
        bureau.assert_summaries_true().await;
    }
    let conversations = bureau.conversations().await;
    assert_eq!((conversations.len(), conversations[0].messages, conversations[0].unread), (1, 9, 7));
    assert_eq!(conversations[0].snippet, "Текст листа 9");
    let page = bureau.store.messages(bureau.account, conversations[0].id, None, 50).await.unwrap();
    assert_eq!(page.len(), 9);
}

#[tokio::test]
async fn a_mail_that_is_read_by_now_and_one_that_bridges_come_in_one_batch() {
    let bureau = Bureau::new().await;
    bureau.ingest(vec![Mail::new(1).incoming(), Mail::new(2).incoming()]).await;
    let read = IncomingMessage { seen: true, ..Mail::new(1).message() };

    bureau.ingest(vec![Incoming::Message(Box::new(read)), Mail::new(3).references(&["1", "2"]).incoming()]).await;

    let conversations = bureau.conversations().await;
    assert_eq!((conversations.len(), conversations[0].messages, conversations[0].unread), (1, 3, 2));
    bureau.assert_summaries_true().await;
}

#[tokio::test]
async fn what_was_muted_in_part_is_not_muted_when_it_becomes_one() {
    for (muted, still) in [(&[2][..], false), (&[1, 2], true)] {
        let bureau = Bureau::new().await;
        bureau.ingest(vec![Mail::new(1).incoming(), Mail::new(2).subject("Друга").incoming()]).await;
        for row in bureau.conversations().await {
            if muted.contains(&if row.subject == "Друга" { 2 } else { 1 }) {
                bureau.store.mute_conversation(row.account, row.id, Some(MUTED_FOR_GOOD)).await.unwrap();
            }
        }

        bureau.ingest(vec![Mail::new(3).references(&["1", "2"]).incoming()]).await;

        let conversations = bureau.conversations().await;
        assert_eq!((conversations.len(), conversations[0].muted_until.is_some()), (1, still), "{muted:?}");
    }
}

#[tokio::test]
async fn a_reply_without_references_joins_the_same_persons_subject() {
    // Which mails are stored together depends on how fast they come, and says nothing.
    for in_one_batch in [false, true] {
        let bureau = Bureau::new().await;
        let mails = vec![
            Mail::new(1).subject("Договір оренди").incoming(),
            Mail::new(2).subject("Re: Договір  оренди").incoming(),
            Mail::new(3).subject("Re: Договір оренди").from("other@example.org").incoming(),
            Mail::new(4).subject("Договір оренди").incoming(),
        ];
        if in_one_batch {
            bureau.ingest(mails).await;
        } else {
            for mail in mails {
                bureau.ingest(vec![mail]).await;
            }
        }

        let mut sizes: Vec<i32> = bureau.conversations().await.iter().map(|c| c.messages).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [1, 1, 2], "only the reply of the same person joins");
        bureau.assert_summaries_true().await;
    }
}

#[tokio::test]
async fn an_answer_that_came_before_what_it_answers_is_found_and_one_of_another_year_is_not() {
    for in_one_batch in [false, true] {
        let bureau = Bureau::new().await;
        let day = |mail: Mail, days| {
            let mut message = mail.message();
            message.received_at += time::Duration::days(days);
            Incoming::Message(Box::new(message))
        };
        let batches = [
            vec![day(Mail::new(2).subject("Re: Договір"), 700)],
            vec![day(Mail::new(3).subject("Re: Договір"), 0)],
            vec![day(Mail::new(4).subject("Договір"), 690), day(Mail::new(5).subject("Договір"), 691)],
        ];
        if in_one_batch {
            bureau.ingest(batches.into_iter().flatten().collect()).await;
        } else {
            for batch in batches {
                bureau.ingest(batch).await;
            }
        }

        let mut sizes: Vec<i32> = bureau.conversations().await.iter().map(|c| c.messages).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [1, 1, 2]);
        bureau.assert_summaries_true().await;
    }
}

#[tokio::test]
async fn a_mail_moved_out_and_back_is_the_same_mail() {
    let bureau = Bureau::new().await;
    bureau.ingest(vec![Mail::new(1).incoming(), Mail::new(2).incoming()]).await;
    bureau.ingest(vec![Incoming::Gone { place: Mail::new(1).place() }]).await;

    let back = bureau.ingest(vec![Mail::new(1).uid(9).incoming()]).await;

    assert_eq!((back.stored, back.linked), (0, 1));
    let conversation = bureau.conversations().await.into_iter().find(|c| c.subject == "Лист 1").unwrap();
    let messages = bureau.store.messages(bureau.account, conversation.id, None, 10).await.unwrap();
    assert_eq!((messages.len(), messages[0].deleted_at), (1, None));
    bureau.assert_summaries_true().await;
}

#[tokio::test]
async fn what_the_server_gives_at_last_takes_the_place_of_what_was_shown_instead() {
    for in_one_batch in [false, true] {
        let bureau = Bureau::new().await;
        let mut stub = Mail::new(1).message();
        stub.content =
            Content::Unreadable { reason: "the server refused to give this message".to_owned(), whole: false };
        stub.raw.size = 0;
        stub.raw.sha256 = [0; 32];
        stub.raw.bytes = RawBytes::Memory(Vec::new());
        let (stub, mail) = (Incoming::Message(Box::new(stub)), Mail::new(1).incoming());

        let came = if in_one_batch {
            vec![bureau.ingest(vec![stub, mail]).await]
        } else {
            vec![bureau.ingest(vec![stub]).await, bureau.ingest(vec![mail]).await]
        };
        let again = bureau.ingest(vec![Mail::new(1).incoming()]).await;

        let sum = |count: fn(&Ingested) -> usize| came.iter().map(count).sum::<usize>();
        assert_eq!((sum(|came| came.stored), sum(|came| came.known), again.stored, again.known), (2, 0, 0, 1));
        let unread: Vec<i32> = bureau.conversations().await.iter().map(|c| c.unread).collect();
        assert_eq!((unread, bureau.stored().await), (vec![1], 1), "nothing is left of what stood for it");
        assert_eq!(bureau.store.quarantine_counts().await.unwrap(), [0, 0]);
        bureau.assert_summaries_true().await;
    }
}

#[tokio::test]
async fn the_form_of_a_website_belongs_to_the_customer_it_names() {
    let bureau = Bureau::new().await;
    let mut form = Mail::new(1).from("office@example.org").message();
    let Content::Letter(letter) = &mut form.content else { unreachable!() };
    letter.reply_to = vec![skrynka_core::model::Address {
        name: "Клієнт".to_owned(),
        address: "klient@example.com".to_owned(),
    }];

    bureau.ingest(vec![Incoming::Message(Box::new(form))]).await;

    assert_eq!(bureau.conversations().await[0].peer_address, "klient@example.com");
}

#[tokio::test]
async fn a_renumbered_mailbox_neither_loses_nor_doubles() {
    let bureau = Bureau::new().await;
    let twins = [Mail::new(7).body("однакові"), Mail::new(7).body("однакові").uid(8)];
    bureau.ingest((1..=6).map(|uid| Mail::new(uid).incoming()).collect()).await;
    bureau.ingest(twins.clone().map(Mail::incoming).into()).await;
    assert_eq!(bureau.stored().await, 8, "two deliveries of the same bytes are two messages");

    let renumbered = (1..=6).map(|uid| Mail::new(uid).epoch(2).uid(uid + 100).incoming());
    let twins = twins.map(|mail| {
        let uid = mail.uid;
        mail.epoch(2).uid(uid + 100).incoming()
    });
    let result = bureau.ingest(renumbered.chain(twins).chain([Mail::new(9).epoch(2).incoming()]).collect()).await;

    assert_eq!((result.stored, result.linked), (1, 8));
    assert_eq!(bureau.stored().await, 9);
    bureau.assert_summaries_true().await;
}

#[tokio::test]
async fn marks_of_the_server_are_followed_and_reading_here_is_kept() {
    let bureau = Bureau::new().await;
    bureau.ingest(vec![Mail::new(1).incoming(), Mail::new(2).references(&["1"]).incoming()]).await;
    let conversation = bureau.conversations().await.remove(0);
    assert_eq!(conversation.unread, 2);

    bureau.ingest(vec![bureau.marks(1, true)]).await;
    assert_eq!(bureau.conversations().await[0].unread, 1, "read elsewhere");
    bureau.store.mark_read(bureau.account, conversation.id, None).await.unwrap();
    bureau.ingest(vec![bureau.marks(2, false)]).await;
    assert_eq!(bureau.conversations().await[0].unread, 0, "an unchanged mark does not undo reading here");
    bureau.ingest(vec![bureau.marks(1, false)]).await;
    assert_eq!(bureau.conversations().await[0].unread, 1, "marked unread elsewhere");
    bureau.assert_summaries_true().await;
}

#[tokio::test]
async fn a_mail_deleted_on_the_server_stays_and_is_marked() {
    let bureau = Bureau::new().await;
    bureau.ingest(vec![Mail::new(1).incoming()]).await;

    bureau.ingest(vec![Incoming::Gone { place: Mail::new(1).place() }]).await;

    let conversation = bureau.conversations().await.remove(0);
    let messages = bureau.store.messages(bureau.account, conversation.id, None, 10).await.unwrap();
    assert!(messages[0].deleted_at.is_some());
    assert_eq!(messages[0].text, "Текст листа 1");
}

#[tokio::test]
async fn an_unreadable_message_is_kept_with_its_reason_and_its_bytes() {
    let bureau = Bureau::new().await;
    let mut mail = Mail::new(1).message();
    mail.content = Content::Unreadable { reason: "10,000 parts".to_owned(), whole: true };

    let result = bureau.ingest(vec![Incoming::Message(Box::new(mail)), Mail::new(2).incoming()]).await;

    assert_eq!((result.stored, result.quarantined), (2, 1));
    let unreadable = bureau.conversations().await.into_iter().find(|c| c.last_unreadable).unwrap();
    let message = bureau.store.messages(bureau.account, unreadable.id, None, 1).await.unwrap().remove(0);
    assert_eq!(message.unreadable.as_deref(), Some("10,000 parts"));
    assert_eq!(bureau.store.raw_message(bureau.account, message.id).await.unwrap(), Mail::new(1).bytes());
}

#[tokio::test]
async fn messages_without_bytes_are_never_taken_for_one_another() {
    let bureau = Bureau::new().await;
    let empty = |epoch| {
        let mut mail = Mail::new(1).epoch(epoch).message();
        mail.content = Content::Unreadable { reason: "the server does not give it".to_owned(), whole: false };
        mail.raw.size = 0;
        mail.raw.sha256 = [0; 32];
        mail.raw.bytes = RawBytes::Memory(Vec::new());
        Incoming::Message(Box::new(mail))
    };

    let (first, second) = (bureau.ingest(vec![empty(1)]).await, bureau.ingest(vec![empty(2)]).await);

    assert_eq!((first.stored, second.stored, second.linked), (1, 1, 0));
}

#[tokio::test]
async fn nul_characters_do_not_stop_a_message() {
    let bureau = Bureau::new().await;
    let result =
        bureau.ingest(vec![Mail::new(1).subject("a\0b").body("c\0d").from("x\0y@example.org").incoming()]).await;
    assert_eq!((result.stored, result.quarantined), (1, 0));
    assert_eq!(bureau.conversations().await[0].subject, "ab");
}

#[tokio::test]
async fn what_the_database_refuses_goes_to_quarantine_and_the_rest_is_stored() {
    let bureau = Bureau::new().await;
    let mut poison = Mail::new(2).message();
    // Beyond what a timestamp of Postgres can hold together with an offset: the row is refused.
    let Content::Letter(letter) = &mut poison.content else { unreachable!() };
    letter.attachments.push(skrynka_core::model::AttachmentPart {
        part: u32::MAX,
        name: "x".repeat(10),
        mime: "a/b".to_owned(),
        size: u64::MAX,
        sha256: [0; 32],
        content_id: None,
        inline: false,
    });
    letter.sent_at = Some(time::macros::datetime!(-9000-01-01 0:00 UTC));

    let result = bureau
        .ingest(vec![Mail::new(1).incoming(), Incoming::Message(Box::new(poison)), Mail::new(3).incoming()])
        .await;

    assert_eq!((result.stored, result.quarantined), (3, 1));
    assert_eq!(bureau.stored().await, 3);
    bureau.assert_summaries_true().await;
}

#[tokio::test]
async fn lists_are_paged_without_gaps_or_doubles() {
    let bureau = Bureau::new().await;
    bureau.ingest((1..=57).map(|uid| Mail::new(uid).incoming()).collect()).await;

    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = bureau.store.conversations(&ConversationListing::default(), after, 10).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.position());
        seen.extend(page.iter().map(|c| c.id));
    }

    assert_eq!(seen.len(), 57);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 57);
}

#[tokio::test]
async fn a_mailbox_that_is_added_again_or_moves_to_another_server_doubles_nothing() {
    let bureau = Bureau::new().await;
    let mails = || (1..=5).map(|uid| Mail::new(uid).incoming()).collect::<Vec<_>>();
    let cursor = Cursor { mailbox: "INBOX".to_owned(), state: serde_json::json!({"high": 5}) };
    let batch = Batch { incoming: mails(), cursors: vec![cursor] };
    bureau.ingest.ingest(bureau.account, None, batch).await.unwrap();
    let mut draft = crate::common::draft(bureau.account, "OFFICE@example.org");

    bureau.store.remove_account(bureau.account, false).await.unwrap();
    assert_eq!(bureau.store.removed_mailbox("OFFICE@example.org").await.unwrap(), Some(bureau.account));
    draft.email.user = "office@example.org".to_owned();
    bureau.store.add_email_account(&draft).await.unwrap();
    assert_eq!(bureau.store.cursors(bureau.account).await.unwrap().len(), 1, "it reads on where it stood");
    assert_eq!(bureau.ingest(mails()).await.known, 5);

    draft.email.imap.host = "imap.elsewhere.example".to_owned();
    bureau.store.update_email_account(bureau.account, "Бюро", None, &draft.email).await.unwrap();
    assert_eq!(bureau.store.cursors(bureau.account).await.unwrap(), []);
    // The other server counts from 1 as well: the same numbers, in another order, and one mail that is new.
    let moved = bureau.ingest((1..=6).map(|number| Mail::new(number).uid(7 - number).incoming()).collect()).await;
    assert_eq!((moved.linked, moved.stored), (5, 1));
    assert_eq!(bureau.stored().await, 6);
    bureau.assert_summaries_true().await;
}

#[tokio::test]
async fn an_export_of_many_pages_is_of_one_moment() {
    let bureau = Bureau::new().await;
    bureau.ingest((1..=450).map(|uid| Mail::new(uid).incoming()).collect()).await;
    let mut export = std::pin::pin!(bureau.store.export(None, None));

    let mut subjects = vec![export.try_next().await.unwrap().unwrap().subject];
    bureau.ingest((451..=460).map(|uid| Mail::new(uid).incoming()).collect()).await;
    while let Some(message) = export.try_next().await.unwrap() {
        subjects.push(message.subject);
    }

    assert_eq!(subjects.len(), 450, "what came later is not part of it");
    subjects.sort_unstable();
    subjects.dedup();
    assert_eq!(subjects.len(), 450);
}

#[tokio::test]
async fn two_who_delete_an_account_with_its_messages_leave_nothing_of_it() {
    let bureau = Bureau::new().await;
    bureau.ingest((1..=2100).map(|uid| Mail::new(uid).incoming()).collect()).await;
    bureau.store.remove_account(bureau.account, false).await.unwrap();
    assert!(bureau.store.remove_account(bureau.account, false).await.is_err(), "it is removed already");

    let other = bureau.another_store().await;
    let (one, two) =
        tokio::join!(bureau.store.remove_account(bureau.account, true), other.remove_account(bureau.account, true));

    // Who comes when everything is gone finds no account.
    let deleted = [one, two].into_iter().filter_map(Result::ok).map(|removed| removed.deleted_messages);
    assert_eq!(deleted.sum::<u64>(), 2100);
    for table in ["messages", "message_places", "raw_messages", "mail_threads", "conversations", "accounts"] {
        let count = format!("SELECT count(*) FROM skrynka.{table}");
        let left: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(count)).fetch_one(&bureau.database.pool).await.unwrap();
        assert_eq!(left, 0, "{table}");
    }
    assert_eq!(bureau.conversations().await, []);
    assert!(bureau.store.remove_account(bureau.account, true).await.is_err(), "nothing is left of it");
}

#[tokio::test]
async fn search_finds_the_words_on_both_sides_of_every_sign() {
    let bureau = Bureau::new().await;
    let signs = (' '..='~').filter(|c| !c.is_alphanumeric()).chain("\u{a0}«»·–—‘’“”„…№€".chars());
    let mails = (1..).zip(signs).map(|(uid, c)| {
        let text = format!("перше{c}друге one{c}two.three 12{c}34 a1{c}b2 {c}77 88{c} {c}tag{c}");
        Mail::new(uid).subject("Лист").body(&text).incoming()
    });
    let mails: Vec<_> = mails.collect();
    let all = mails.len();
    bureau.ingest(mails).await;
    while bureau.store.index_messages(100, 200_000).await.unwrap().messages > 0 {}

    for query in ["перше", "друге", "one", "two", "three", "12", "34", "a1", "b2", "77", "88", "tag"] {
        assert_eq!(bureau.store.search(query, None, None, 100).await.unwrap().len(), all, "{query}");
    }
}

#[tokio::test]
async fn search_finds_dates_numbers_amounts_and_addresses_in_a_text() {
    let bureau = Bureau::new().await;
    let text = "Термін 2026-11-22, рахунок №84-К від 22.11.2026, сума 1,200.50 грн (-15%). \
                Пишіть на olena.v@biuro-example.pl або https://biuro-example.pl/umowa/14-K.pdf, тел. +380-44-123-45-67";
    bureau.ingest(vec![Mail::new(1).subject("Лист").body(text).incoming()]).await;
    while bureau.store.index_messages(100, 200_000).await.unwrap().messages > 0 {}

    for query in [
        "2026-11-22",
        "22.11.2026",
        "84-К",
        "1,200.50",
        "-15%",
        "olena.v@biuro-example.pl",
        "biuro-example.pl",
        "umowa/14-K.pdf",
        "380-44-123-45-67",
        "123-45",
    ] {
        assert_eq!(bureau.store.search(query, None, None, 10).await.unwrap().len(), 1, "{query}");
    }
}

#[tokio::test]
async fn search_finds_words_names_subjects_and_numbers() {
    let bureau = Bureau::new().await;
    bureau
        .ingest(vec![
            Mail::new(1).subject("Рахунок 2026/11-084").body("Прошу оплатити переклад договору").incoming(),
            Mail::new(2).subject("Umowa najmu").from("agnieszka@przyklad.example").body("Dzień dobry").incoming(),
        ])
        .await;
    while bureau.store.index_messages(100, 200_000).await.unwrap().messages > 0 {}

    for (query, hits) in [
        ("договор", 1),
        ("ПЕРЕКЛАД", 1),
        ("2026/11-084", 1),
        ("gnieszka", 1),
        ("dzień umowa", 1),
        ("немає", 0),
        ("''|", 0),
    ] {
        assert_eq!(bureau.store.search(query, None, None, 10).await.unwrap().len(), hits, "{query}");
    }
}
