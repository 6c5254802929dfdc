//! The mail of a translation bureau: the same seed tells the same story.

pub(crate) mod compose;
pub mod files;
mod odd;
mod texts;

use encoding_rs::{Encoding, ISO_8859_2, KOI8_U, UTF_8, WINDOWS_1250, WINDOWS_1251};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use time::{Duration, OffsetDateTime, UtcOffset};

use self::compose::{Draft, Naming, Part, rfc2822};
pub use self::{odd::odd_mails, texts::Language};
use crate::dovecot::StoredMail;

/// A mailbox of the bureau.
#[derive(Debug, Clone, Copy)]
pub struct Mailbox {
    /// The user's name on the server.
    pub user: &'static str,
    /// What the bureau calls it.
    pub name: &'static str,
    pub address: &'static str,
    /// What most of its customers speak.
    pub language: Language,
}

/// The three mailboxes of the demo.
pub const MAILBOXES: [Mailbox; 3] = [
    Mailbox {
        user: "zamovlennia",
        name: "Замовлення",
        address: "zamovlennia@slovo.example.org",
        language: Language::Ukrainian,
    },
    Mailbox { user: "biuro", name: "Biuro Warszawa", address: "biuro@slovo.example.org", language: Language::Polish },
    Mailbox { user: "projects", name: "Projects", address: "projects@slovo.example.org", language: Language::English },
];

/// A mail of the story.
#[derive(Debug, Clone)]
pub struct Letter {
    /// `INBOX` or `Sent`.
    pub folder: &'static str,
    /// Which thread it belongs to, counted from 0.
    pub thread: usize,
    pub message_id: String,
    pub subject: String,
    pub mail: StoredMail,
}

/// Returns `count` mails of one mailbox, oldest first: threads over the four months before `until`. Every
/// fifth is one odd mail: charsets, newsletters, hostile HTML, broken structure.
pub fn letters(mailbox: &Mailbox, count: usize, seed: u64, until: OffsetDateTime) -> Vec<Letter> {
    let mut rng = StdRng::seed_from_u64(seed);
    let odd = odd_mails(mailbox.address, until);
    let mut letters = Vec::new();
    let mut thread = 0;
    while letters.len() < count {
        if thread % 5 == 4 {
            let (subject, raw) = &odd[thread / 5 % odd.len()];
            let received = moment(&mut rng, until);
            let message_id = format!("odd-{thread}.{seed}@example.net");
            let mail = StoredMail { raw: dated(raw, received, &message_id), received, seen: true, answered: false };
            letters.push(Letter { folder: "INBOX", thread, message_id, subject: (*subject).to_owned(), mail });
        } else {
            let begin = moment(&mut rng, until);
            letters.extend(Thread::new(&mut rng, mailbox, thread, seed).tell(&mut rng, begin, until));
        }
        thread += 1;
    }
    letters.truncate(count);
    letters.sort_by_key(|letter| letter.mail.received);
    letters
}

/// A customer who never stops writing: each call is the next mail of one of a few threads.
pub struct Customer {
    rng: StdRng,
    mailbox: Mailbox,
    threads: Vec<Thread>,
    next: usize,
}

impl Customer {
    pub fn new(mailbox: Mailbox, seed: u64) -> Self {
        Self { rng: StdRng::seed_from_u64(seed), mailbox, threads: Vec::new(), next: 0 }
    }

    /// Writes the next mail, dated `now`.
    pub fn write(&mut self, now: OffsetDateTime) -> Letter {
        if self.threads.len() < 4 {
            let seed = self.rng.random();
            self.threads.push(Thread::new(&mut self.rng, &self.mailbox, self.next, seed));
        }
        let at = self.next % self.threads.len();
        self.next += 1;
        self.threads[at].customer_writes(&mut self.rng, now)
    }
}

/// One conversation between a customer and the bureau.
struct Thread {
    number: usize,
    seed: u64,
    language: Language,
    customer: (String, String),
    first_name: &'static str,
    signature: String,
    bureau: (String, String),
    subject: String,
    charset: &'static Encoding,
    rich: bool,
    ids: Vec<String>,
    last: Option<(String, OffsetDateTime, String)>,
}

impl Thread {
    fn new(rng: &mut StdRng, mailbox: &Mailbox, number: usize, seed: u64) -> Self {
        let language = match rng.random_range(0..10) {
            0..7 => mailbox.language,
            7 => Language::Ukrainian,
            8 => Language::Polish,
            _ => Language::English,
        };
        let texts = language.texts();
        let (first_name, first) = pick(rng, texts.first_names);
        let (last_name, last) = pick(rng, texts.last_names);
        let name = format!("{first_name} {last_name}");
        let (address, signature) = if rng.random_bool(0.5) {
            let (company, domain) = pick(rng, texts.companies);
            (format!("{first}.{last}@{domain}.example.net"), format!("{name}\n{company}\n+380 44 {}", phone(rng)))
        } else {
            (format!("{first}.{last}{}@example.net", rng.random_range(1..99)), name.clone())
        };
        let charset = match (language, rng.random_range(0..20)) {
            (Language::Ukrainian, 0 | 1) => WINDOWS_1251,
            (Language::Ukrainian, 2) => KOI8_U,
            (Language::Polish, 0 | 1) => ISO_8859_2,
            (Language::Polish, 2) => WINDOWS_1250,
            _ => UTF_8,
        };
        let subject = pick(rng, texts.subjects);
        let subject = fill(rng, subject, language, first_name);
        Self {
            number,
            seed,
            language,
            customer: (name, address),
            first_name,
            signature,
            bureau: ("Бюро перекладів «Слово»".to_owned(), mailbox.address.to_owned()),
            subject,
            charset,
            rich: rng.random_bool(0.6),
            ids: Vec::new(),
            last: None,
        }
    }

    /// Tells the whole conversation, at most up to `until`.
    fn tell(mut self, rng: &mut StdRng, begin: OffsetDateTime, until: OffsetDateTime) -> Vec<Letter> {
        let mut letters: Vec<Letter> = Vec::new();
        let length = *[1, 1, 2, 2, 3, 3, 4, 5, 7, 11].choose(rng).unwrap_or(&1);
        let mut at = begin;
        while letters.len() < length && at < until {
            let bureau = letters.last().is_some_and(|last| last.folder == "INBOX") && rng.random_bool(0.8);
            if bureau {
                if let Some(question) = letters.last_mut() {
                    question.mail.answered = true;
                    question.mail.seen = true;
                }
                letters.push(self.bureau_answers(rng, at));
            } else {
                let mut letter = self.customer_writes(rng, at);
                letter.mail.seen = until - at > Duration::days(3) || rng.random_bool(0.4);
                letters.push(letter);
            }
            at += Duration::minutes(rng.random_range(15..60 * 30));
        }
        letters
    }

    fn customer_writes(&mut self, rng: &mut StdRng, at: OffsetDateTime) -> Letter {
        let texts = self.language.texts();
        let greeting = pick(rng, texts.greetings);
        let opening = pick(rng, if self.ids.is_empty() { texts.requests } else { texts.follow_ups });
        let mut text = format!("{greeting}\n\n{opening}");
        let details = rng.random_range(0..3);
        for detail in texts.details.sample(rng, details) {
            text.push(' ');
            text.push_str(detail);
        }
        let closing = pick(rng, texts.closings);
        let text = fill(rng, &format!("{text}\n\n{closing}\n{}", self.signature), self.language, texts.manager);
        let attachments = if self.ids.is_empty() || rng.random_bool(0.15) { self.attachments(rng) } else { Vec::new() };
        let (from, to) = (self.customer.clone(), self.bureau.clone());
        self.letter(rng, "INBOX", from, to, text, attachments, at)
    }

    fn bureau_answers(&mut self, rng: &mut StdRng, at: OffsetDateTime) -> Letter {
        let texts = self.language.texts();
        let greeting = self.first_name;
        let answer = pick(rng, texts.answers);
        let closing = pick(rng, texts.closings);
        let text = fill(rng, &format!("{greeting}, {answer}\n\n{closing}\n{}", self.bureau.0), self.language, greeting);
        let attachments = if rng.random_bool(0.25) { self.attachments(rng) } else { Vec::new() };
        let (from, to) = (self.bureau.clone(), self.customer.clone());
        self.letter(rng, "Sent", from, to, text, attachments, at)
    }

    #[expect(clippy::too_many_arguments, reason = "the two writers differ in exactly these")]
    fn letter(
        &mut self,
        rng: &mut StdRng,
        folder: &'static str,
        from: (String, String),
        to: (String, String),
        words: String,
        attachments: Vec<Part>,
        at: OffsetDateTime,
    ) -> Letter {
        let message_id = format!("{:x}.{}.{}@{}", self.seed, self.number, self.ids.len(), domain(&from.1));
        let mut text = words.clone();
        if let Some((author, when, before)) = &self.last {
            let quote: String = before.lines().map(|line| format!("> {line}\n")).collect();
            text = format!("{text}\n\n{} {author} {}:\n{quote}", when.date(), self.language.texts().wrote);
        }
        let pictures = if self.rich && rng.random_bool(0.1) { vec![stamp(rng)] } else { Vec::new() };
        let html = self.rich.then(|| html(&text, pictures.len()));
        let subject = if self.ids.is_empty() { self.subject.clone() } else { format!("Re: {}", self.subject) };
        let offset = UtcOffset::from_hms(if self.language == Language::English { 0 } else { 2 }, 0, 0);
        let draft = Draft {
            from: from.clone(),
            to,
            subject: subject.clone(),
            date: at.to_offset(offset.unwrap_or(UtcOffset::UTC)),
            message_id: message_id.clone(),
            references: self.ids.clone(),
            text,
            html,
            inline: pictures,
            attachments,
            charset: self.charset,
            extra: Vec::new(),
        };
        self.ids.push(message_id.clone());
        self.last = Some((from.0, at, words));
        let mail = StoredMail { raw: draft.write(), received: at, seen: folder == "Sent", answered: false };
        Letter { folder, thread: self.number, message_id, subject, mail }
    }

    fn attachments(&self, rng: &mut StdRng) -> Vec<Part> {
        let mut parts = Vec::new();
        for _ in 0..*[0, 1, 1, 1, 2, 3].choose(rng).unwrap_or(&1) {
            let stem = format!("{} {}", pick(rng, self.language.texts().file_names), rng.random_range(1..400));
            let naming = *[Naming::Standard, Naming::Standard, Naming::EncodedWord, Naming::Raw, Naming::TypeOnly]
                .choose(rng)
                .unwrap_or(&Naming::Standard);
            let number = format!("No {}", rng.random_range(1000..9999));
            let (mime, ending, bytes) = match rng.random_range(0..10) {
                0..5 => ("application/pdf", "pdf", files::pdf(&["Slovo translation bureau", &number])),
                5..8 => (
                    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                    "docx",
                    files::docx(&[&self.subject, &number]),
                ),
                8 => ("image/png", "png", files::png(420, 594, rng.random_range(0..1000))),
                _ => ("text/plain", "txt", format!("{}\r\n{number}\r\n", self.subject).into_bytes()),
            };
            parts.push(Part { name: format!("{stem}.{ending}"), mime, bytes, naming });
        }
        parts
    }
}

fn pick<T: Copy>(rng: &mut StdRng, from: &[T]) -> T {
    from[rng.random_range(0..from.len())]
}

fn phone(rng: &mut StdRng) -> String {
    format!("555-{:02}-{:02}", rng.random_range(0..100), rng.random_range(0..100))
}

fn domain(address: &str) -> &str {
    address.split_once('@').map_or(address, |(_, domain)| domain)
}

/// A moment of the last four months, more often lately than long ago.
fn moment(rng: &mut StdRng, until: OffsetDateTime) -> OffsetDateTime {
    let share: f64 = rng.random();
    until - Duration::minutes(5) - Duration::days(120) * (share * share)
}

fn fill(rng: &mut StdRng, template: &str, language: Language, name: &str) -> String {
    let texts = language.texts();
    let pages = rng.random_range(1..60);
    template
        .replace("{doc}", pick(rng, texts.documents))
        .replace("{pair}", pick(rng, texts.pairs))
        .replace("{day}", pick(rng, texts.days))
        .replace("{pages}", &pages.to_string())
        .replace("{price}", &(pages * 190 + 60).to_string())
        .replace("{number}", &rng.random_range(1000..9999).to_string())
        .replace("{name}", name)
}

fn html(text: &str, pictures: usize) -> String {
    let paragraphs: String = text
        .split("\n\n")
        .map(|paragraph| {
            let escaped = paragraph.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            format!("<p style=\"margin:0 0 12px\">{}</p>\n", escaped.replace('\n', "<br>\n"))
        })
        .collect();
    let images: String = (0..pictures)
        .map(|number| format!("<p><img src=\"cid:picture{number}@lab\" alt=\"logo\" width=\"160\"></p>\n"))
        .collect();
    format!(
        "<!doctype html>\n<html><head><meta charset=\"utf-8\"></head>\n\
         <body style=\"font-family:Arial,sans-serif;font-size:14px;color:#222\">\n{paragraphs}{images}</body></html>"
    )
}

fn stamp(rng: &mut StdRng) -> Part {
    let bytes = files::png(160, 90, rng.random_range(0..1000));
    Part { name: "logo.png".to_owned(), mime: "image/png", bytes, naming: Naming::Standard }
}

/// Gives an odd mail the date and the identity of its place in the story, where it states any.
fn dated(raw: &[u8], at: OffsetDateTime, message_id: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut in_header = true;
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        in_header &= line != b"\r\n";
        if in_header && line == b"Date: now\r\n" {
            out.extend_from_slice(format!("Date: {}\r\n", rfc2822(at)).as_bytes());
        } else if in_header && line.starts_with(b"Message-ID: ") {
            out.extend_from_slice(format!("Message-ID: <{message_id}>\r\n").as_bytes());
        } else {
            out.extend_from_slice(line);
        }
    }
    out
}
