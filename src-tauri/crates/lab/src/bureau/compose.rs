//! Writes a mail as a mail program does (RFC 5322, RFC 2045 to 2047, RFC 2231).

use base64::{Engine, prelude::BASE64_STANDARD};
use encoding_rs::Encoding;
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

/// A file inside a mail.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) mime: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) naming: Naming,
}

/// How the file's name is written. Real mail programs do each of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// `filename*=UTF-8''…` (RFC 2231), in numbered pieces where it is long.
    Standard,
    /// `filename="=?UTF-8?B?…?="`, which RFC 2047 forbids and Outlook does.
    EncodedWord,
    /// Raw UTF-8 between quotes.
    Raw,
    /// Only `name=` of the content type.
    TypeOnly,
}

/// A mail before it is written down.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) from: (String, String),
    pub(crate) to: (String, String),
    pub(crate) subject: String,
    pub(crate) date: OffsetDateTime,
    pub(crate) message_id: String,
    /// The thread so far, oldest first.
    pub(crate) references: Vec<String>,
    pub(crate) text: String,
    pub(crate) html: Option<String>,
    /// Pictures that the HTML names by Content-ID.
    pub(crate) inline: Vec<Part>,
    pub(crate) attachments: Vec<Part>,
    pub(crate) charset: &'static Encoding,
    /// Lines put before the others, such as `List-Unsubscribe`.
    pub(crate) extra: Vec<String>,
}

impl Draft {
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for line in &self.extra {
            push(&mut out, line);
        }
        push(&mut out, &format!("Date: {}", rfc2822(self.date)));
        push(&mut out, &format!("From: {}", self.person(&self.from)));
        push(&mut out, &format!("To: {}", self.person(&self.to)));
        push(&mut out, &format!("Subject: {}", self.word(&self.subject)));
        push(&mut out, &format!("Message-ID: <{}>", self.message_id));
        if let Some(last) = self.references.last() {
            push(&mut out, &format!("In-Reply-To: <{last}>"));
            let all: Vec<String> = self.references.iter().map(|id| format!("<{id}>")).collect();
            push(&mut out, &format!("References: {}", all.join("\r\n ")));
        }
        push(&mut out, "MIME-Version: 1.0");
        self.mixed(&mut out);
        out
    }

    fn mixed(&self, out: &mut Vec<u8>) {
        if self.attachments.is_empty() {
            return self.alternative(out);
        }
        let boundary = self.boundary("mixed");
        push(out, &format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n"));
        push(out, &format!("--{boundary}"));
        self.alternative(out);
        for part in &self.attachments {
            push(out, &format!("--{boundary}"));
            file(out, part, None);
        }
        push(out, &format!("--{boundary}--"));
    }

    fn alternative(&self, out: &mut Vec<u8>) {
        let Some(html) = &self.html else { return self.body(out, "plain", &self.text) };
        if self.text.is_empty() {
            return self.related(out, html);
        }
        let boundary = self.boundary("alternative");
        push(out, &format!("Content-Type: multipart/alternative; boundary=\"{boundary}\"\r\n"));
        push(out, &format!("--{boundary}"));
        self.body(out, "plain", &self.text);
        push(out, &format!("--{boundary}"));
        self.related(out, html);
        push(out, &format!("--{boundary}--"));
    }

    fn related(&self, out: &mut Vec<u8>, html: &str) {
        if self.inline.is_empty() {
            return self.body(out, "html", html);
        }
        let boundary = self.boundary("related");
        push(out, &format!("Content-Type: multipart/related; boundary=\"{boundary}\"\r\n"));
        push(out, &format!("--{boundary}"));
        self.body(out, "html", html);
        for (number, part) in self.inline.iter().enumerate() {
            push(out, &format!("--{boundary}"));
            file(out, part, Some(&format!("picture{number}@lab")));
        }
        push(out, &format!("--{boundary}--"));
    }

    /// Writes one text, quoted-printable where it is mostly ASCII and base64 otherwise.
    fn body(&self, out: &mut Vec<u8>, subtype: &str, text: &str) {
        let text = text.replace("\r\n", "\n").replace('\n', "\r\n");
        let (bytes, charset, _) = self.charset.encode(&text);
        push(out, &format!("Content-Type: text/{subtype}; charset={}", charset.name().to_ascii_lowercase()));
        let ascii = bytes.iter().filter(|byte| byte.is_ascii()).count();
        if ascii * 10 > bytes.len() * 8 {
            push(out, "Content-Transfer-Encoding: quoted-printable\r\n");
            quoted_printable(out, &bytes);
        } else {
            push(out, "Content-Transfer-Encoding: base64\r\n");
            base64_lines(out, &bytes);
        }
    }

    fn person(&self, (name, address): &(String, String)) -> String {
        if name.is_empty() { address.clone() } else { format!("{} <{address}>", self.word(name)) }
    }

    /// Writes a header's text as encoded words of at most 75 characters (RFC 2047, section 2).
    fn word(&self, text: &str) -> String {
        if text.is_ascii() {
            return text.to_owned();
        }
        let mut words = Vec::new();
        let mut piece = String::new();
        for letter in text.chars() {
            piece.push(letter);
            if piece.len() >= 32 {
                words.push(std::mem::take(&mut piece));
            }
        }
        words.push(piece);
        let encoded = words.iter().filter(|word| !word.is_empty()).map(|word| {
            let (bytes, charset, _) = self.charset.encode(word);
            format!("=?{}?B?{}?=", charset.name(), BASE64_STANDARD.encode(bytes))
        });
        encoded.collect::<Vec<_>>().join("\r\n ")
    }

    fn boundary(&self, kind: &str) -> String {
        let id: String = self.message_id.chars().filter(char::is_ascii_alphanumeric).collect();
        format!("=_{kind}_{id}")
    }
}

pub(crate) fn rfc2822(date: OffsetDateTime) -> String {
    date.format(&Rfc2822).unwrap_or_default()
}

fn push(out: &mut Vec<u8>, line: &str) {
    out.extend_from_slice(line.as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn file(out: &mut Vec<u8>, part: &Part, content_id: Option<&str>) {
    let disposition = if content_id.is_some() { "inline" } else { "attachment" };
    let encoded = format!("=?UTF-8?B?{}?=", BASE64_STANDARD.encode(&part.name));
    match part.naming {
        Naming::Standard => {
            push(out, &format!("Content-Type: {}", part.mime));
            push(out, &format!("Content-Disposition: {disposition}{}", extended(&part.name)));
        }
        Naming::EncodedWord => {
            push(out, &format!("Content-Type: {}; name=\"{encoded}\"", part.mime));
            push(out, &format!("Content-Disposition: {disposition}; filename=\"{encoded}\""));
        }
        Naming::Raw => {
            push(out, &format!("Content-Type: {}", part.mime));
            push(out, &format!("Content-Disposition: {disposition}; filename=\"{}\"", part.name));
        }
        Naming::TypeOnly => push(out, &format!("Content-Type: {}; name=\"{encoded}\"", part.mime)),
    }
    if let Some(id) = content_id {
        push(out, &format!("Content-ID: <{id}>"));
    }
    push(out, "Content-Transfer-Encoding: base64\r\n");
    base64_lines(out, &part.bytes);
}

/// Writes a file name as RFC 2231 parameters, in numbered pieces from 60 characters on.
fn extended(name: &str) -> String {
    let mut pieces = vec![String::from("UTF-8''")];
    for byte in name.bytes() {
        let written = if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        };
        match pieces.last_mut() {
            Some(piece) if piece.len() < 60 => piece.push_str(&written),
            _ => pieces.push(written),
        }
    }
    match pieces.as_slice() {
        [only] => format!(";\r\n filename*={only}"),
        many => many.iter().enumerate().map(|(number, piece)| format!(";\r\n filename*{number}*={piece}")).collect(),
    }
}

fn base64_lines(out: &mut Vec<u8>, bytes: &[u8]) {
    for chunk in bytes.chunks(57) {
        push(out, &BASE64_STANDARD.encode(chunk));
    }
}

/// Writes quoted-printable text with soft line breaks (RFC 2045, section 6.7).
fn quoted_printable(out: &mut Vec<u8>, bytes: &[u8]) {
    for line in bytes.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut width = 0;
        for (at, byte) in line.iter().enumerate() {
            let last = at + 1 == line.len();
            let plain = matches!(byte, b'!'..=b'<' | b'>'..=b'~') || (matches!(byte, b' ' | b'\t') && !last);
            let length = if plain { 1 } else { 3 };
            if width + length > 75 {
                out.extend_from_slice(b"=\r\n");
                width = 0;
            }
            if plain {
                out.push(*byte);
            } else {
                out.extend_from_slice(format!("={byte:02X}").as_bytes());
            }
            width += length;
        }
        out.extend_from_slice(b"\r\n");
    }
}
