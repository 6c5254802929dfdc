//! What real mailboxes hold besides letters: newsletters, broken mail programs, and people who mean harm.

use base64::{Engine, prelude::BASE64_STANDARD};
use encoding_rs::{Encoding, ISO_8859_2, KOI8_U, UTF_8, WINDOWS_1250, WINDOWS_1251};
use time::OffsetDateTime;

use super::{
    compose::{Draft, Naming, Part},
    files,
};

/// Returns the odd mails with a few words on each. Their `Date:` says `now` where it is not odd itself.
pub fn odd_mails(to: &str, until: OffsetDateTime) -> Vec<(&'static str, Vec<u8>)> {
    let mut mails = charsets(to);
    mails.extend(structures(to));
    mails.extend(headers(to));
    mails.extend(rich(to, until));
    mails.extend(hostile(to, until));
    mails
}

/// Puts header lines and a body together.
fn mail(to: &str, lines: &[&str], body: &[u8]) -> Vec<u8> {
    let mut out = format!("To: {to}\r\nMessage-ID: <odd@example.net>\r\n").into_bytes();
    for line in lines {
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    if !body.ends_with(b"\n") {
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// A subject and a body in one charset, written as eight bits or with an encoded subject.
fn in_charset(
    to: &str,
    from: &str,
    subject: &str,
    text: &str,
    charset: &'static Encoding,
    raw_header: bool,
) -> Vec<u8> {
    let (body, _, _) = charset.encode(text);
    let (title, _, _) = charset.encode(subject);
    let content = format!("Content-Type: text/plain; charset={}", charset.name().to_ascii_lowercase());
    let mut out =
        mail(to, &[from, "Date: now", "MIME-Version: 1.0", &content, "Content-Transfer-Encoding: 8bit"], &body);
    let mut first = b"Subject: ".to_vec();
    if raw_header {
        first.extend_from_slice(&title);
    } else {
        first.extend_from_slice(format!("=?{}?B?{}?=", charset.name(), BASE64_STANDARD.encode(&title)).as_bytes());
    }
    first.extend_from_slice(b"\r\n");
    out.splice(0..0, first);
    out
}

fn charsets(to: &str) -> Vec<(&'static str, Vec<u8>)> {
    let old = "From: archive@example.net";
    let uk = "Добрий день! Надсилаю договір. Їжак, ґанок, єдність — усе має читатися.";
    let pl = "Zażółć gęślą jaźń. Przesyłam umowę do tłumaczenia.";
    vec![
        ("windows-1251, eight bits", in_charset(to, old, "Договір з додатками", uk, WINDOWS_1251, false)),
        ("koi8-u, eight bits", in_charset(to, old, "Запит на переклад", uk, KOI8_U, false)),
        ("iso-8859-2, eight bits", in_charset(to, old, "Wycena tłumaczenia", pl, ISO_8859_2, false)),
        ("windows-1250, eight bits", in_charset(to, old, "Pełnomocnictwo", pl, WINDOWS_1250, false)),
        ("raw UTF-8 in the subject", in_charset(to, old, "Рахунок за жовтень", uk, UTF_8, true)),
        ("raw windows-1251 in the subject", in_charset(to, old, "Акт виконаних робіт", uk, WINDOWS_1251, true)),
        (
            "says us-ascii, is windows-1251",
            mail(
                to,
                &[
                    old,
                    "Subject: =?windows-1251?Q?=C7=E0=EF=E8=F2?=",
                    "Date: now",
                    "Content-Type: text/plain; charset=us-ascii",
                ],
                &WINDOWS_1251.encode("Скільки коштує переклад паспорта?").0,
            ),
        ),
        (
            "a charset that does not exist",
            mail(
                to,
                &[old, "Subject: x-unknown", "Date: now", "Content-Type: text/plain; charset=x-windows-0000"],
                uk.as_bytes(),
            ),
        ),
    ]
}

fn structures(to: &str) -> Vec<(&'static str, Vec<u8>)> {
    let from = "From: Scanner <scanner@example.net>";
    let forwarded = "Content-Type: multipart/mixed; boundary=f\r\n\r\n--f\r\nContent-Type: text/plain\r\n\r\nSee below\r\n\
        --f\r\nContent-Type: message/rfc822\r\n\r\nFrom: jan@example.net\r\nSubject: Inside\r\n\r\nThe inner mail\r\n--f--\r\n";
    let calendar = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1@example.net\r\n\
        DTSTART:20250301T090000Z\r\nDTEND:20250301T100000Z\r\nSUMMARY:Kick-off\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let nested: String = (0..200)
        .map(|depth| format!("Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n"))
        .chain(["Content-Type: text/plain\r\n\r\nAt the bottom\r\n".to_owned()])
        .collect();
    vec![
        ("a mail inside a mail", raw(to, from, "Fwd: Inside", forwarded)),
        (
            "an invitation",
            mail(
                to,
                &[from, "Subject: Kick-off", "Date: now", "Content-Type: text/calendar; method=REQUEST; charset=utf-8"],
                calendar.as_bytes(),
            ),
        ),
        ("200 nested parts", raw(to, from, "Nested", &nested)),
        (
            "a multipart without its boundary",
            mail(
                to,
                &[from, "Subject: No boundary", "Date: now", "Content-Type: multipart/mixed"],
                b"--x\r\n\r\nlost?\r\n",
            ),
        ),
        (
            "broken base64",
            mail(
                to,
                &[
                    from,
                    "Subject: Broken",
                    "Date: now",
                    "Content-Type: text/plain",
                    "Content-Transfer-Encoding: base64",
                ],
                b"SGVsbG8gd29y!!!!bGQ*\r\nZm9v\r\n",
            ),
        ),
        ("NUL bytes", mail(to, &[from, "Subject: Zero", "Date: now"], b"before\0after\r\n\0\0\0\r\n")),
        ("a line of 200,000 characters", mail(to, &[from, "Subject: Wide", "Date: now"], &vec![b'w'; 200_000])),
        ("no body at all", mail(to, &[from, "Subject: Nothing", "Date: now"], b"")),
    ]
}

/// A mail whose content type and body are given together.
fn raw(to: &str, from: &str, subject: &str, content: &str) -> Vec<u8> {
    let head = format!("To: {to}\r\nMessage-ID: <odd@example.net>\r\n{from}\r\nSubject: {subject}\r\nDate: now\r\n");
    format!("{head}MIME-Version: 1.0\r\n{content}").into_bytes()
}

fn headers(to: &str) -> Vec<(&'static str, Vec<u8>)> {
    let from = "From: \"Kowalska, Anna (biuro)\" <anna@example.net>";
    let long = format!("Subject: {}", "дуже довга тема ".repeat(60));
    vec![
        ("no subject", mail(to, &[from, "Date: now"], b"Please call me back.\r\n")),
        ("no sender", mail(to, &["Subject: Who am I?", "Date: now"], b"Guess.\r\n")),
        ("no headers to speak of", b"X: y\r\n\r\nhello\r\n".to_vec()),
        (
            "a date of 2099",
            mail(to, &[from, "Subject: Later", "Date: Fri, 01 Jan 2099 00:00:00 +0000"], b"From the future\r\n"),
        ),
        ("a date that is none", mail(to, &[from, "Subject: When?", "Date: the day after"], b"Soon\r\n")),
        ("a subject of 900 letters", mail(to, &[from, &long, "Date: now"], b"Long\r\n")),
        ("an address that is none", mail(to, &["From: <<not an address@@>", "Subject: From?", "Date: now"], b"x\r\n")),
    ]
}

fn rich(to: &str, until: OffsetDateTime) -> Vec<(&'static str, Vec<u8>)> {
    let newsletter = "<html><body><table width=\"600\"><tr><td><img src=\"https://img.example.net/banner.png\" width=\"600\">\
        <h1 style=\"color:#0a5\">Знижки на словники</h1><p>Лише цього тижня. \
        <a href=\"https://shop.example.net/?id=42\">До крамниці</a></p>\
        <img src=\"http://track.example.net/open.gif?u=1\" width=\"1\" height=\"1\"></td></tr></table></body></html>";
    let mut shop = draft("Словники <shop@shop.example.net>", to, "Знижки на словники до −40 %", newsletter, until);
    shop.extra = vec!["List-Unsubscribe: <mailto:off@shop.example.net>".to_owned()];
    let mut scan = draft("Scanner <scanner@example.net>", to, "Скан документів", "", until);
    scan.html = None;
    scan.text = "Три сторінки у вкладенні.".to_owned();
    scan.attachments = vec![
        part(
            "Дуже довга назва відсканованого документа, яку ніхто не скорочував, сторінка 1 з 3 (остаточна версія).png",
        ),
        part("Сторінка 2.png"),
        part("Сторінка 3.png"),
    ];
    vec![("a newsletter with remote pictures", shop.write()), ("a long attachment name", scan.write())]
}

fn part(name: &str) -> Part {
    Part { name: name.to_owned(), mime: "image/png", bytes: files::png(420, 594, 7), naming: Naming::Standard }
}

fn hostile(to: &str, until: OffsetDateTime) -> Vec<(&'static str, Vec<u8>)> {
    let scripts = "<html><head><meta http-equiv=\"refresh\" content=\"0;url=https://evil.example.net/\">\
        <base href=\"https://evil.example.net/\"><style>@import url(https://evil.example.net/a.css);\
        body{background:url(https://evil.example.net/b.png)}</style></head>\
        <body onload=\"document.title='owned'\"><script>document.title='owned'</script>\
        <img src=x onerror=\"document.title='owned'\"><svg onload=\"document.title='owned'\"></svg>\
        <iframe src=\"https://evil.example.net/\"></iframe><object data=\"https://evil.example.net/\"></object>\
        <form action=\"https://evil.example.net/\"><input name=password></form>\
        <div style=\"position:fixed;inset:0;background:#fff\">Session expired</div>\
        <a href=\"javascript:document.title='owned'\">Open</a><p>Рахунок у вкладенні</p></body></html>";
    let phishing = "<p>Ваш пароль застарів.</p><p><a href=\"https://evil.example.net/login\">https://bank.example.org</a></p>\
        <p><a href=\"https://xn--80ak6aa92e.example/\">аррӏе.example</a></p>";
    let mut names = draft("Invoices <invoices@evil.example.net>", to, "Рахунок до оплати", "", until);
    names.html = None;
    names.text = "Відкрийте вкладення.".to_owned();
    names.attachments = ["../../../../.bashrc", "рахунок\u{202e}fdp.exe", "CON.txt", "a/b\\c:d.pdf", "  .  ", ""]
        .map(|name| Part {
            name: name.to_owned(),
            mime: "application/octet-stream",
            bytes: b"MZ".to_vec(),
            naming: Naming::Raw,
        })
        .to_vec();
    vec![
        (
            "scripts, frames, forms and style sheets",
            draft("Invoices <invoices@evil.example.net>", to, "Оплата", scripts, until).write(),
        ),
        ("links that lie", draft("Банк <security@evil.example.net>", to, "Безпека рахунку", phishing, until).write()),
        ("attachment names that lie", names.write()),
    ]
}

/// An HTML-only mail. `from` is `Name <address>`.
fn draft(from: &str, to: &str, subject: &str, html: &str, until: OffsetDateTime) -> Draft {
    let (name, address) = from.trim_end_matches('>').split_once(" <").unwrap_or(("", from));
    Draft {
        from: (name.to_owned(), address.to_owned()),
        to: (String::new(), to.to_owned()),
        subject: subject.to_owned(),
        date: until,
        message_id: "odd@example.net".to_owned(),
        references: Vec::new(),
        text: String::new(),
        html: Some(html.to_owned()),
        inline: Vec::new(),
        attachments: Vec::new(),
        charset: UTF_8,
        extra: Vec::new(),
    }
}
