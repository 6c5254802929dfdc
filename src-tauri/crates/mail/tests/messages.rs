//! Mails as they really come, one oddity a file.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use proptest::prelude::*;
use sha2::{Digest, Sha256};
use skrynka_core::{
    connector::{Content, Letter},
    model::{Address, AttachmentPart},
};
use skrynka_mail::parse::{attachment_bytes, content};
use time::macros::datetime;

const UK: &str = "Добрий день! Надсилаю свідоцтво на переклад польською, прошу вказати ціну і термін.";
const PL: &str = "Dzień dobry, przesyłam zaświadczenie do tłumaczenia przysięgłego. Proszę o wycenę.";

fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/messages/{name}.eml", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn letter_of(raw: &[u8]) -> Letter {
    match content(raw) {
        Content::Letter(letter) => *letter,
        Content::Unreadable { reason, .. } => panic!("unreadable: {reason}"),
        Content::Chat(_) => panic!("a mail is no chat"),
    }
}

fn letter(name: &str) -> Letter {
    letter_of(&file(name))
}

fn reason(raw: &[u8]) -> String {
    match content(raw) {
        Content::Letter(letter) => panic!("readable: {}", letter.subject),
        Content::Chat(_) => panic!("a mail is no chat"),
        Content::Unreadable { reason, .. } => reason,
    }
}

fn address(name: &str, address: &str) -> Address {
    Address { name: name.to_owned(), address: address.to_owned() }
}

fn names(letter: &Letter) -> Vec<&str> {
    letter.attachments.iter().map(|part| part.name.as_str()).collect()
}

#[test]
fn an_ordinary_mail_is_read_whole() {
    let letter = letter("plain-utf8");
    assert_eq!(letter.author, address("Олена Вербицька", "olena@example.com"));
    assert_eq!(letter.to, [address("Biuro", "biuro@example.org")]);
    assert_eq!(letter.subject, "Запит about a quote");
    assert_eq!(letter.text, format!("{UK}\n\nЗ повагою"));
    assert_eq!(letter.sent_at, Some(datetime!(2026-02-02 10:15:30 +2)));
    assert_eq!(letter.message_id.as_deref(), Some("m1@example.com"));
    assert!(!letter.has_html && letter.attachments.is_empty() && letter.references.is_empty());
}

#[test]
fn declared_charsets_are_decoded_in_headers_and_text() {
    for (name, subject, text) in [
        ("windows-1251", "Переклад договору", UK),
        ("koi8-u", "Їжак", UK),
        ("iso-8859-2", "Wycena tłumaczenia", PL),
        ("windows-1250", "Zaświadczenie", PL),
    ] {
        let letter = letter(name);
        assert_eq!((letter.subject.as_str(), letter.text.as_str()), (subject, text), "{name}");
    }
}

#[test]
fn missing_and_false_charsets_are_guessed() {
    for (name, text) in [("mislabelled-as-utf8", UK), ("unknown-8bit", UK), ("no-charset", UK), ("ascii-with-8bit", PL)]
    {
        assert_eq!(letter(name).text, text, "{name}");
    }
}

#[test]
fn eight_bit_headers_are_decoded_by_the_body_charset_or_a_guess() {
    let named = letter("eight-bit-headers");
    assert_eq!(named.author, address("Бюро перекладів", "info@example.com"));
    assert_eq!(named.to, [address("Олена", "olena@example.org")]);
    assert_eq!((named.subject.as_str(), named.text.as_str()), ("Рахунок за переклад", UK));
    assert_eq!(named.sent_at, Some(datetime!(2026-02-03 8:00 -5)));
    assert_eq!(letter("eight-bit-headers-without-charset").subject, "Терміново потрібен переклад документів");
    let utf8 = letter("utf8-headers");
    assert_eq!((utf8.author.name.as_str(), utf8.subject.as_str()), ("Бюро", "Їжак і «лапки»"));
}

#[test]
fn every_way_of_naming_an_attachment_is_understood() {
    let raw = file("names-of-attachments");
    let letter = letter_of(&raw);
    assert_eq!(letter.text, "See the files.");
    assert_eq!(
        names(&letter),
        [
            "Довгий договір.pdf",
            "рахунок.pdf",
            "акт.pdf",
            "посвідчення водія.pdf",
            "naïve żółć.pdf",
            "attachment.pdf",
            "plain.bin",
            "table.csv"
        ]
    );
    for part in &letter.attachments {
        let bytes = attachment_bytes(&raw, part.part).unwrap();
        assert_eq!((part.size, part.sha256), (bytes.len() as u64, Sha256::digest(&bytes).into()), "{}", part.name);
        match part.mime.as_str() {
            "application/pdf" => assert_eq!(bytes, b"%PDF-1.4 fake"),
            "application/octet-stream" => assert_eq!(bytes, b"raw bytes"),
            // A file keeps its own charset.
            "text/csv" => assert_eq!(bytes, encoding_rs::WINDOWS_1251.encode("ціна;100").0.as_ref()),
            other => panic!("{other}"),
        }
    }
    assert_eq!(attachment_bytes(&raw, 0), None, "the multipart itself is no file");
    assert_eq!(attachment_bytes(&raw, 999), None);
}

#[test]
fn inline_images_are_told_from_files() {
    let letter = letter("nested-multipart");
    assert_eq!(letter.text, "Простий текст");
    assert!(letter.has_html);
    let of = |part: &AttachmentPart| (part.name.clone(), part.content_id.clone(), part.inline);
    let parts: Vec<_> = letter.attachments.iter().map(of).collect();
    assert_eq!(
        parts,
        [
            ("logo.png".to_owned(), Some("logo@x".to_owned()), true),
            ("image.gif".to_owned(), Some("unused@x".to_owned()), false),
            ("doc.pdf".to_owned(), None, false)
        ]
    );
}

#[test]
fn an_invitation_is_a_file_beside_the_text() {
    let letter = letter("calendar");
    assert_eq!((letter.text.as_str(), names(&letter)), ("Meeting", vec!["invite.ics"]));
}

#[test]
fn a_forwarded_mail_is_one_file_with_everything_in_it() {
    let raw = file("forwarded");
    let letter = letter_of(&raw);
    assert_eq!(letter.text, "See below");
    assert_eq!(names(&letter), ["Inner subject.eml"]);
    let inner = letter_of(&attachment_bytes(&raw, letter.attachments[0].part).unwrap());
    assert_eq!(
        (inner.subject.as_str(), inner.text.as_str(), names(&inner)),
        ("Inner subject", "inner text", vec!["inner.pdf"])
    );
}

#[test]
fn html_gives_the_text_where_there_is_no_other() {
    let letter = letter("html-only");
    assert!(letter.has_html && letter.attachments.is_empty());
    assert_eq!(letter.text, "Шановна Олено,\nціна — 100\u{a0}грн <без ПДВ>");
    assert_eq!(self::letter("blank-plain-part").text, "Лише тут");
}

#[test]
fn damaged_mails_keep_what_can_be_read() {
    let broken = letter("broken-base64");
    assert_eq!((broken.text.as_str(), names(&broken)), ("text before", vec!["broken.pdf"]));
    let bare = letter("missing-headers");
    assert_eq!((bare.subject.as_str(), bare.text.as_str()), ("only a subject", "body"));
    assert_eq!((bare.author, bare.sent_at, bare.message_id), (Address::default(), None, None));
    assert_eq!(letter("no-body").subject, "nothing follows");
    assert_eq!(letter("no-boundary").text, "This is no multipart at all.");
    let cut = letter("boundary-never-closed");
    assert_eq!((cut.text.as_str(), names(&cut)), ("first", vec!["cut.pdf"]));
    assert_eq!(letter("bare-cr").text, "line one\nline two\nline three");
    assert_eq!(letter("bare-cr").subject, "unix lines");
    assert!(letter("uuencoded-looking").text.starts_with("begin 644"));
}

#[test]
fn nul_bytes_reach_no_text() {
    let letter = letter("nul-bytes");
    assert_eq!(letter.text, "text");
    assert_eq!(letter.subject.replace(' ', ""), "before");
    assert!(!letter.author.name.contains('\0'));
}

#[test]
fn folded_headers_groups_and_threads_are_understood() {
    let letter = letter("folded-and-grouped");
    assert_eq!(letter.author, address("Verbytska, Olena", "olena@example.com"));
    assert_eq!(letter.to, []);
    let cc: Vec<&str> = letter.cc.iter().map(|a| a.address.as_str()).collect();
    assert_eq!(cc, ["a@example.org", "b@example.org", "c@example.org"]);
    assert_eq!(letter.reply_to, [address("", "answers@example.com")]);
    assert_eq!(letter.subject, "one two three four");
    assert_eq!(letter.references, ["a@x", "b@x", "c@x"]);
    assert_eq!(letter.message_id.as_deref(), Some("m2@example.com"));
    assert_eq!(letter.sent_at, Some(datetime!(2026-02-02 10:15 -5)));
}

#[test]
fn names_that_lie_about_their_encoding_and_dates_that_cannot_be_are_survived() {
    assert_eq!(letter("quoted-encoded-word").author, address("Іван Франко", "ivan@example.com"));
    let two = letter("two-froms");
    assert_eq!(two.author, address("First", "first@example.com"));
    assert_eq!(two.sent_at, None);
    for date in ["Fri, 31 Dec 9999 23:59:59 -1200", "Sat, 2 Jan 9999 00:00:00 +0000"] {
        assert_eq!(letter_of(format!("Subject: x\r\nDate: {date}\r\n\r\nx").as_bytes()).sent_at, None, "{date}");
    }
}

#[test]
fn a_subject_is_one_short_line() {
    let raw = format!("Subject: {}\r\n\r\nx", "слово\u{7} ".repeat(2_000));
    let subject = letter_of(raw.as_bytes()).subject;
    assert_eq!(subject.chars().count(), 1_000);
    assert!(subject.starts_with("слово слово") && !subject.contains('\u{7}'));
}

#[test]
fn a_text_is_cut_at_two_megabytes_between_characters() {
    let raw = format!("Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{}", "я".repeat(2 << 20));
    let text = letter_of(raw.as_bytes()).text;
    assert_eq!(text.len(), 2 << 20);
}

#[test]
fn a_long_thread_keeps_its_root_and_its_newest() {
    let ids: String = (0..500).map(|n| format!("<{n}@x> ")).collect();
    let references = letter_of(format!("Subject: x\r\nReferences: {ids}\r\n\r\nx").as_bytes()).references;
    assert_eq!((references.len(), references[0].as_str(), references[99].as_str()), (100, "0@x", "499@x"));
}

/// The shapes that are refused, each with its reason. Bounded work is what the limits are for, so that the whole
/// test takes a moment even unoptimised.
#[test]
fn bombs_are_refused_with_their_reason() {
    let header_lines = "X-A: b\r\n".repeat(1_000_000) + "\r\nx";
    assert!(reason(header_lines.as_bytes()).contains("header lines"));
    let long_line = format!("Subject: {}\r\n\r\nx", "a".repeat(100 << 20));
    assert!(reason(long_line.as_bytes()).contains("headers"));
    let mut nest = String::from("Subject: x\r\n");
    for n in 0..10_000 {
        nest += &format!("Content-Type: multipart/mixed; boundary=\"b{n}\"\r\n\r\n--b{n}\r\n");
    }
    assert!(reason(nest.as_bytes()).contains("nested parts"));
    let mut parts = String::from("Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n");
    parts += &"--b\r\n\r\n".repeat(100_000);
    assert!(reason(parts.as_bytes()).contains("parts"));
    let pieces = (0..300_000).map(|_| "n*1=a;").collect::<String>();
    let piecemeal = format!("Subject: x\r\nContent-Type: text/plain; {pieces}\r\n\r\nx");
    assert!(reason(piecemeal.as_bytes()).contains("description of a part"));
    let inside = format!(
        "Subject: x\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain; {pieces}\r\n\r\nx"
    );
    assert!(reason(inside.as_bytes()).contains("description of a part"));
    let lines = format!(
        "Content-Type: multipart/mixed; boundary*=utf-8''%62\r\n\r\n--b\r\n{}\r\nx",
        "X-A: b\r\n".repeat(1_000_000)
    );
    assert!(reason(lines.as_bytes()).contains("header lines"));
    assert_eq!(reason(b""), "it holds no headers");
}

#[test]
fn shapes_within_the_limits_are_read() {
    let line = format!("Subject: x\r\n\r\n{}", "a".repeat(20 << 20));
    assert_eq!(letter_of(line.as_bytes()).text.len(), 2 << 20);
    let mut flat = String::from("Subject: many\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n");
    for n in 0..2_000 {
        flat += &format!("--b\r\nContent-Type: application/x; name=f{n}\r\n\r\nx\r\n");
    }
    assert_eq!(letter_of(flat.as_bytes()).attachments.len(), 1_000);
    let deep = (0..150).fold(String::from("Subject: x\r\n"), |nest, _| nest + "Content-Type: message/rfc822\r\n\r\n");
    assert_eq!(letter_of((deep + "Subject: inner\r\n\r\nx").as_bytes()).attachments.len(), 1);
}

fn encoded(raw: &[u8]) -> String {
    let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, raw);
    text.as_bytes().chunks(76).map(|line| format!("{}\r\n", std::str::from_utf8(line).unwrap())).collect()
}

/// A nest that the parser followed would end the stack of this thread, and with it the process.
#[test]
fn a_nest_of_messages_is_one_file_however_it_is_spelt() {
    let nests = |header: &str| format!("{header}\n\n").repeat(30_000);
    for header in [
        "Content-Type: message/rfc822",
        " Content-Type: message/rfc822",
        "Con tent-Ty\tpe : MESSAGE/global",
        "\r:Content-Type:\n message\n /rfc822",
        "Content-Type: (a;b)\"message\"/rfc822",
        "Content-Type: =\n message/rfc822",
    ] {
        let nest = nests(header);
        content(nest.as_bytes());
        let mixed = format!("Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b{header}\n\n{nest}");
        content(mixed.as_bytes());
        for how in ["base64", "quoted-printable"] {
            let body = if how == "base64" { encoded(nest.as_bytes()) } else { nest.replace('=', "=3D") };
            let outer = format!("Subject: x\n{header}\nContent-Transfer-Encoding: {how}\n\n{body}");
            content(outer.as_bytes());
            let digest = "Subject: x\nContent-Type: multipart/digest; boundary=b\n\n--b\n";
            content(format!("{digest}Content-Transfer-Encoding: {how}\n\n{body}\n--b--\n").as_bytes());
        }
    }
    let letter = letter_of(nests("Content-Type: message/rfc822").as_bytes());
    assert_eq!((names(&letter), letter.attachments[0].mime.as_str()), (vec!["message.eml"], "message/rfc822"));
}

#[test]
fn a_forwarded_mail_that_is_encoded_is_decoded_as_a_file() {
    let inner = b"Subject: Inner\r\nContent-Type: message/rfc822\r\n\r\nSubject: innermost\r\n\r\ntext";
    let raw = format!(
        "Subject: x\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n\
         Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n{}--b--\r\n",
        encoded(inner)
    );
    let letter = letter_of(raw.as_bytes());
    assert_eq!((letter.text.as_str(), names(&letter)), ("hello", vec!["Inner.eml"]));
    assert_eq!(letter.attachments[0].mime, "message/rfc822");
    assert_eq!(attachment_bytes(raw.as_bytes(), letter.attachments[0].part).unwrap(), inner);
}

fn fixtures() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/messages");
    std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
}

fn assert_sane(raw: &[u8]) {
    if let Content::Letter(letter) = content(raw) {
        let texts = [&letter.text, &letter.subject, &letter.author.name, &letter.author.address];
        assert!(texts.iter().all(|text| !text.contains('\0')));
        assert!(letter.subject.chars().count() <= 1_000 && !letter.subject.contains(['\n', '\r']));
        for part in &letter.attachments {
            let bytes = attachment_bytes(raw, part.part).unwrap();
            assert_eq!(part.sha256, <[u8; 32]>::from(Sha256::digest(&bytes)));
            assert!(!part.name.is_empty() && !part.name.contains('\0'));
        }
        let rendered = skrynka_mail::render::render(raw, &skrynka_mail::render::RenderOptions::default());
        assert!(rendered.is_none_or(|rendered| !rendered.html.contains("<script")));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(raw in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        assert_sane(&raw);
    }

    #[test]
    fn mutated_mails_are_survived(
        which in any::<proptest::sample::Index>(),
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>(), 0..3_u8), 1..20),
    ) {
        let files = fixtures();
        let mut raw = which.get(&files).clone();
        for (place, byte, how) in edits {
            let at = place.index(raw.len().max(1)).min(raw.len());
            match how {
                0 if at < raw.len() => raw[at] = byte,
                1 => raw.insert(at, byte),
                2 => raw.truncate(at.max(1)),
                _ => {}
            }
        }
        assert_sane(&raw);
    }
}
