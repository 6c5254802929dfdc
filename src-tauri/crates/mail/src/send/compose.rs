//! From what a person wrote to the bytes of a mail (RFC 5322, MIME): headers as RFC 2047 writes them, file names as RFC
//! 2231. Pure: no I/O, no clock.

use std::time::SystemTime;

use lettre::{
    Message,
    address::Envelope,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{ContentDisposition, ContentTransferEncoding, ContentType},
    },
};
use skrynka_core::{
    connector::{MailFile, OutgoingMail},
    model::Address,
};

/// Why what was written can be no mail.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// An address cannot be written into a header.
    #[error("{0:?} is no mail address")]
    Address(String),
    /// Nobody is named.
    #[error("the mail names nobody to send it to")]
    NobodyNamed,
    /// The builder refused.
    #[error("the mail could not be put together")]
    Build(#[source] lettre::error::Error),
}

/// Writes the mail. Only `with_bcc`, for our own copy, names those in Bcc.
///
/// # Errors
/// See [`ComposeError`].
pub fn compose(mail: &OutgoingMail, with_bcc: bool) -> Result<Vec<u8>, ComposeError> {
    if mail.to.is_empty() && mail.cc.is_empty() && mail.bcc.is_empty() {
        return Err(ComposeError::NobodyNamed);
    }
    let from = mailbox(&mail.from)?;
    let mut builder = Message::builder()
        // What the server is told stands beside the mail; the builder only wants to know somebody.
        .envelope(Envelope::new(None, vec![from.email.clone()]).map_err(ComposeError::Build)?)
        .from(from)
        .date(SystemTime::from(mail.date))
        .message_id(Some(format!("<{}>", mail.message_id)))
        .subject(line(&mail.subject));
    for person in &mail.to {
        builder = builder.to(mailbox(person)?);
    }
    for person in &mail.cc {
        builder = builder.cc(mailbox(person)?);
    }
    if with_bcc {
        builder = builder.keep_bcc();
        for person in &mail.bcc {
            builder = builder.bcc(mailbox(person)?);
        }
    }
    if let Some(answered) = mail.references.last() {
        builder = builder.in_reply_to(format!("<{}>", line(answered)));
        let all: Vec<String> = mail.references.iter().map(|id| format!("<{}>", line(id))).collect();
        builder = builder.references(all.join(" "));
    }
    let (inline, attached): (Vec<&MailFile>, Vec<&MailFile>) =
        mail.files.iter().partition(|file| file.content_id.is_some() && mail.html.is_some());
    let mut boundaries = Boundaries { of: &mail.message_id, count: 0 };
    let plain = SinglePart::plain(lines(&mail.text));
    let body = match &mail.html {
        None => Body::Single(plain),
        Some(html) => {
            let html = SinglePart::html(lines(html));
            let alternative = boundaries.part(MultiPart::alternative()).singlepart(plain);
            let alternative = if inline.is_empty() {
                alternative.singlepart(html)
            } else {
                let mut related = boundaries.part(MultiPart::related()).singlepart(html);
                for file in inline {
                    related = related.singlepart(part(file));
                }
                alternative.multipart(related)
            };
            Body::Multi(alternative)
        }
    };
    let message = match (body, attached.as_slice()) {
        (Body::Single(part), []) => builder.singlepart(part),
        (Body::Multi(part), []) => builder.multipart(part),
        (body, files) => {
            let mixed = boundaries.part(MultiPart::mixed());
            let mut mixed = match body {
                Body::Single(part) => mixed.singlepart(part),
                Body::Multi(part) => mixed.multipart(part),
            };
            for file in files {
                mixed = mixed.singlepart(part_attached(file));
            }
            builder.multipart(mixed)
        }
    };
    Ok(message.map_err(ComposeError::Build)?.formatted())
}

enum Body {
    Single(SinglePart),
    Multi(MultiPart),
}

/// Boundaries made of the Message-ID, so that the same mail is the same bytes each time it is written. Base64 and
/// quoted-printable never hold "=_".
struct Boundaries<'a> {
    of: &'a str,
    count: u32,
}

impl Boundaries<'_> {
    fn part(&mut self, builder: lettre::message::MultiPartBuilder) -> MultiPart {
        self.count += 1;
        let of: String = self.of.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
        builder.boundary(format!("=_{of}_{}", self.count)).build()
    }
}

fn part(file: &MailFile) -> SinglePart {
    let id = file.content_id.clone().unwrap_or_default();
    SinglePart::builder()
        .header(content_type(&file.mime))
        .header(lettre::message::header::ContentId::from(format!("<{}>", line(&id))))
        .header(ContentDisposition::inline_with_name(&line(&file.name)))
        .header(ContentTransferEncoding::Base64)
        .body(file.bytes.clone())
}

/// A file goes as base64 whatever is in it: as text its ends of lines would be changed on the way.
fn part_attached(file: &MailFile) -> SinglePart {
    SinglePart::builder()
        .header(content_type(&file.mime))
        .header(ContentDisposition::attachment(&line(&file.name)))
        .header(ContentTransferEncoding::Base64)
        .body(file.bytes.clone())
}

fn content_type(mime: &str) -> ContentType {
    // A mail within a mail may not be encoded (RFC 2046 section 5.2.1): it goes as a file.
    let mime =
        if mime.starts_with("message/") || mime.starts_with("multipart/") { "application/octet-stream" } else { mime };
    ContentType::parse(mime)
        .unwrap_or_else(|_| ContentType::parse("application/octet-stream").unwrap_or(ContentType::TEXT_PLAIN))
}

/// Writes an address; a domain in other letters than Latin goes as punycode (RFC 5891).
pub(crate) fn mail_address(address: &str) -> Result<lettre::Address, ComposeError> {
    let wrong = || ComposeError::Address(address.to_owned());
    let (user, domain) = address.rsplit_once('@').ok_or_else(wrong)?;
    let domain =
        if domain.is_ascii() { domain.to_owned() } else { url::Host::parse(domain).map_err(|_| wrong())?.to_string() };
    lettre::Address::new(user, domain).map_err(|_| wrong())
}

/// Whether a mail can be addressed so.
pub fn is_address(address: &str) -> bool {
    mail_address(address).is_ok()
}

fn mailbox(person: &Address) -> Result<Mailbox, ComposeError> {
    let name = line(&person.name);
    Ok(Mailbox::new((!name.is_empty()).then_some(name), mail_address(&person.address)?))
}

/// One line of a header: no control characters, no ends of lines, nothing that turns the reading direction.
fn line(text: &str) -> String {
    let hidden = |c: &char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    let text: String = text.chars().filter(|c| !hidden(c)).map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.trim().to_owned()
}

/// Text with the ends of lines that a mail has.
fn lines(text: &str) -> String {
    text.replace('\0', "").replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
}

#[cfg(test)]
mod tests {
    use skrynka_core::connector::{Content, Letter};
    use time::{Duration, OffsetDateTime};

    use super::*;
    use crate::parse;

    fn person(name: &str, address: &str) -> Address {
        Address { name: name.to_owned(), address: address.to_owned() }
    }

    fn mail() -> OutgoingMail {
        OutgoingMail {
            message_id: "0190aa@skrynka.test".to_owned(),
            from: person("Бюро «Слово»", "office@skrynka.test"),
            to: vec![person("Олена Вербицька", "olena@example.org"), person("Żółć, Gęśla", "zolc@example.org")],
            cc: vec![person("", "copy@example.org")],
            bcc: vec![person("Hidden", "hidden@example.org")],
            subject: "Re: Переклад свідоцтва — ціна".to_owned(),
            date: OffsetDateTime::UNIX_EPOCH + Duration::days(20_000),
            references: vec!["first@example.org".to_owned(), "second@example.org".to_owned()],
            text: "Доброго дня!\n\n.крапка\nZażółć gęślą jaźń".to_owned(),
            html: Some("<p>Доброго дня!</p><img src=\"cid:logo@x\">".to_owned()),
            files: vec![
                MailFile {
                    name: "Свідоцтво про народження (копія) 2026.pdf".to_owned(),
                    mime: "application/pdf".to_owned(),
                    content_id: None,
                    bytes: (0..=255).cycle().take(5000).collect(),
                },
                MailFile {
                    name: "logo.png".to_owned(),
                    mime: "image/png".to_owned(),
                    content_id: Some("logo@x".to_owned()),
                    bytes: vec![1, 2, 3],
                },
            ],
        }
    }

    fn read(raw: &[u8]) -> Letter {
        match parse::content(raw) {
            Content::Letter(letter) => *letter,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let raw = compose(&mail(), false).unwrap();
        assert!(raw.is_ascii());
        let letter = read(&raw);
        let sent = mail();
        assert_eq!((letter.author, letter.to, letter.cc), (sent.from, sent.to, sent.cc));
        assert_eq!((letter.subject, letter.references), (sent.subject, sent.references));
        assert_eq!(letter.message_id, Some(sent.message_id));
        assert_eq!(letter.sent_at, Some(sent.date));
        assert_eq!(letter.text.replace("\r\n", "\n").trim_end(), sent.text);
        assert!(letter.has_html);
        let names: Vec<_> =
            letter.attachments.iter().map(|file| (file.name.as_str(), file.inline, file.size)).collect();
        assert_eq!(names.len(), 2, "{names:?}");
        assert!(names.contains(&("Свідоцтво про народження (копія) 2026.pdf", false, 5000)), "{names:?}");
        assert!(names.contains(&("logo.png", true, 3)), "{names:?}");
    }

    #[test]
    fn only_our_own_copy_names_those_in_bcc() {
        let text = |with| String::from_utf8(compose(&mail(), with).unwrap()).unwrap();
        assert!(!text(false).contains("hidden@example.org"));
        assert!(text(true).contains("Bcc:"));
    }

    #[test]
    fn a_text_file_keeps_its_ends_of_lines() {
        let bytes = b"one\ntwo\n.\nthree\r\nfour\0".to_vec();
        let file = MailFile { name: "a.txt".to_owned(), mime: "text/plain".to_owned(), content_id: None, bytes };
        let raw = compose(&OutgoingMail { files: vec![file.clone()], ..mail() }, false).unwrap();
        let bare = raw.windows(2).any(|pair| pair[1] == b'\n' && pair[0] != b'\r');
        assert!(!bare, "a bare end of line");
        let part = read(&raw).attachments[0].part;
        assert_eq!(parse::attachment_bytes(&raw, part), Some(file.bytes));
    }

    #[test]
    fn the_same_mail_is_the_same_bytes() {
        assert_eq!(compose(&mail(), true).unwrap(), compose(&mail(), true).unwrap());
    }

    #[test]
    fn nothing_that_is_typed_becomes_a_header() {
        let mut mail = mail();
        mail.subject = "Hello\r\nBcc: victim@example.org\r\n\r\nbody".to_owned();
        mail.to = vec![person("Eve\r\nX-Evil: 1 <eve@evil>", "olena@example.org")];
        mail.references = vec!["a>\r\nX-Evil: 2".to_owned()];
        mail.files[0].name = "a\"\r\nX-Evil: 3.pdf".to_owned();
        let raw = String::from_utf8(compose(&mail, false).unwrap()).unwrap();
        let headers = raw.split("\r\n").filter(|line| line.starts_with("X-Evil") || line.starts_with("Bcc"));
        assert_eq!(headers.count(), 0, "{raw}");
        assert_eq!(read(raw.as_bytes()).to[0].address, "olena@example.org");
    }

    #[test]
    fn an_address_that_is_none_is_refused_and_a_foreign_domain_is_written_in_ascii() {
        for wrong in ["", "a", "a@", "@b", "a b@c.d", "a@b\r\nRCPT TO:<c@d>", "<a@b>", "group: a@b.c;"] {
            assert!(mail_address(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(mail_address("info@приклад.укр").unwrap().domain(), "xn--80aikifvh.xn--j1amh");
    }

    #[test]
    fn a_mail_without_anybody_is_refused() {
        let mail = OutgoingMail { to: Vec::new(), cc: Vec::new(), bcc: Vec::new(), ..mail() };
        assert!(matches!(compose(&mail, false), Err(ComposeError::NobodyNamed)));
    }
}
