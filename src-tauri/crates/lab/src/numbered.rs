//! Mails for ledgers and benches: nothing to read, much to count.

use encoding_rs::UTF_8;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use time::{Duration, OffsetDateTime, macros::datetime};

use crate::{
    bureau::compose::{Draft, Naming, Part},
    dovecot::StoredMail,
};

const WORDS: [&[&str]; 3] = [
    &[
        "привіт",
        "клієнт",
        "замовлення",
        "доставка",
        "рахунок",
        "оплата",
        "договір",
        "ласка",
        "документи",
        "сьогодні",
        "ціна",
        "переклад",
    ],
    &[
        "hello",
        "customer",
        "order",
        "delivery",
        "invoice",
        "payment",
        "contract",
        "please",
        "documents",
        "today",
        "price",
        "urgent",
    ],
    &[
        "dzień",
        "dobry",
        "klient",
        "zamówienie",
        "dostawa",
        "faktura",
        "płatność",
        "umowa",
        "proszę",
        "dokumenty",
        "cena",
        "pilne",
    ],
];

/// Returns mail number `number` of a ledger: small, and told apart by `[number]` in its subject.
pub fn ledger_mail(number: u32) -> Vec<u8> {
    format!(
        "From: Ledger <ledger@example.org>\r\nTo: <ledger@example.org>\r\nSubject: [{number}] ledger\r\n\
         Message-ID: <ledger-{number}@example.org>\r\nDate: Wed, 1 Jan 2025 00:00:00 +0000\r\n\r\nNumber {number}\r\n"
    )
    .into_bytes()
}

/// Returns [`ledger_mail`] as a server holds it, unread.
pub fn ledger_stored(number: u32, received: OffsetDateTime) -> StoredMail {
    StoredMail { raw: ledger_mail(number), received, seen: false, answered: false }
}

/// Returns `count` mails of 13 kB on average, seven minutes apart from 2025 on: three languages, six in ten with
/// HTML, three in ten with an attachment of 6 to 32 kB, most of them in threads. The same each time.
pub fn bench_mails(count: u32) -> impl Iterator<Item = StoredMail> {
    (0..count).map(bench_mail)
}

fn bench_mail(number: u32) -> StoredMail {
    let mut rng = StdRng::seed_from_u64(u64::from(number));
    let received = datetime!(2025-01-01 00:00 UTC) + Duration::minutes(7) * number;
    let size = [600, 1000, 1500, 2500][rng.random_range(0..4)];
    let text = words(&mut rng, size);
    let title: String = text.chars().take(40).collect();
    let id = |number: u32| format!("bench-{number}@example.org");
    let references = if number.is_multiple_of(3) {
        Vec::new()
    } else {
        vec![id(number.saturating_sub(1400)), id(number.saturating_sub(700))]
    };
    let attachments = if number % 10 > 6 { vec![attachment(&mut rng, number)] } else { Vec::new() };
    let html = (number % 10 < 6).then(|| format!("<html><body><p>{}</p></body></html>", text.replace('\n', "</p><p>")));
    let draft = Draft {
        from: (format!("Клієнт {}", number % 700), format!("client{}@example.org", number % 700)),
        to: ("Support".to_owned(), "bench@example.org".to_owned()),
        subject: format!("[{number}] {}", title.replace('\n', " ")),
        date: received,
        message_id: id(number),
        references,
        text,
        html,
        inline: Vec::new(),
        attachments,
        charset: UTF_8,
        extra: Vec::new(),
    };
    StoredMail { raw: draft.write(), received, seen: !number.is_multiple_of(20), answered: false }
}

fn words(rng: &mut StdRng, size: usize) -> String {
    let mut text = String::new();
    while text.len() < size {
        let language = WORDS[[0, 0, 1, 2][rng.random_range(0..4)]];
        for _ in 0..rng.random_range(6..15) {
            text.push_str(language[rng.random_range(0..language.len())]);
            text.push(' ');
        }
        text.push_str(&format!("#{}.\n", rng.random_range(1..1_000_000)));
    }
    text
}

fn attachment(rng: &mut StdRng, number: u32) -> Part {
    let mut bytes = vec![0; rng.random_range(6_000..32_000)];
    rng.fill(&mut bytes[..]);
    Part { name: format!("рахунок-{number}.pdf"), mime: "application/pdf", bytes, naming: Naming::Standard }
}
