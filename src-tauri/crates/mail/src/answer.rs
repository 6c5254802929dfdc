//! How a mail is answered: to whom, under which subject, referring to what, and what of it is quoted (RFC 5322 section
//! 3.6.4 and appendix A). Pure.

use std::fmt::Write as _;

use skrynka_core::{
    connector::Letter,
    ingest::base_subject,
    model::{Address, Entity, EntityKind},
};

/// Message-IDs in References: the first one and the latest; what is between says little in a long thread.
const REFERENCES: usize = 30;

/// Words of an attached file in the bureau's languages, as they begin.
const ATTACHED: [&str; 15] = [
    "додаю",
    "додан",
    "вкладен",
    "прикріп",
    "у вкладенні",
    "надсилаю файл",
    "attached",
    "attachment",
    "enclosed",
    "załącz",
    "w załączniku",
    "przesyłam plik",
    "прикреп",
    "вложен",
    "прилага",
];

/// To whom an answer goes: to, and cc. Our own address is left out unless nobody else is there.
pub fn recipients(letter: &Letter, ours: bool, own: &str, all: bool) -> (Vec<Address>, Vec<Address>) {
    let is_own = |person: &Address| person.address.eq_ignore_ascii_case(own);
    // Whoever answers a mail of our own goes on writing to the same people.
    let first: Vec<Address> = if ours {
        letter.to.clone()
    } else if letter.reply_to.is_empty() {
        vec![letter.author.clone()]
    } else {
        letter.reply_to.clone()
    };
    let mut known: Vec<String> = Vec::new();
    let mut fresh = |people: &[Address]| -> Vec<Address> {
        let taken = people.iter().filter(|person| {
            let key = person.address.to_lowercase();
            let new = !key.is_empty() && !known.contains(&key);
            if new {
                known.push(key);
            }
            new
        });
        taken.cloned().collect()
    };
    let others: Vec<Address> = first.iter().filter(|person| !is_own(person)).cloned().collect();
    let to = fresh(if others.is_empty() { &first } else { &others });
    if !all {
        return (to, Vec::new());
    }
    let rest = if ours { &[][..] } else { &letter.to };
    let rest: Vec<Address> = rest.iter().chain(&letter.cc).filter(|person| !is_own(person)).cloned().collect();
    (to, fresh(&rest))
}

/// The subject of an answer: "Re:" once, whatever stood before it.
pub fn reply_subject(subject: &str) -> String {
    format!("Re: {}", base_subject(subject)).trim_end().to_owned()
}

/// The subject of a forwarded mail.
pub fn forward_subject(subject: &str) -> String {
    format!("Fwd: {}", base_subject(subject)).trim_end().to_owned()
}

/// What an answer refers to, oldest first.
pub fn references(letter: &Letter) -> Vec<String> {
    let mut all: Vec<String> = letter.references.iter().chain(&letter.message_id).cloned().collect();
    if all.len() > REFERENCES {
        let latest = all.split_off(all.len() - (REFERENCES - 1));
        all.truncate(1);
        all.extend(latest);
    }
    all
}

/// Earlier text with a mark before each line, under a line that says whose it is.
pub fn quote(attribution: &str, text: &str) -> String {
    let mut quoted = format!("{attribution}\n");
    for line in text.trim_end().lines() {
        quoted.push_str(if line.starts_with('>') { ">" } else { "> " });
        quoted.push_str(line);
        quoted.push('\n');
    }
    quoted
}

/// Whether a text speaks of an attached file.
pub fn speaks_of_attachment(text: &str) -> bool {
    let own: String = text.lines().filter(|line| !line.starts_with('>')).collect::<Vec<_>>().join(" ").to_lowercase();
    ATTACHED.iter().any(|word| own.contains(word))
}

/// A picture that goes with a mail, shown in the place of some words. Offsets count UTF-16 units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Where the words begin.
    pub offset: u32,
    /// How long they are.
    pub length: u32,
    /// The Content-ID of its part.
    pub content_id: String,
    /// What is read where it is not shown.
    pub name: String,
}

/// The HTML of a text whose stretches are shown in a certain way, with its pictures. Offsets count UTF-16 units, as
/// Telegram's do; a stretch that crosses another one is closed and opened again around it.
pub fn html(text: &str, entities: &[Entity], pictures: &[Picture]) -> String {
    let mut marks: Vec<(u32, u32, &EntityKind)> = entities
        .iter()
        .filter(|entity| tags(&entity.kind).is_some())
        .map(|entity| (entity.offset, entity.offset.saturating_add(entity.length), &entity.kind))
        .collect();
    marks.sort_by_key(|(from, to, _)| (*from, std::cmp::Reverse(*to)));
    let mut written = String::from("<div dir=\"auto\">");
    let mut open: Vec<(u32, &EntityKind)> = Vec::new();
    let mut next = marks.into_iter().peekable();
    let mut at = 0_u32;
    let mut shown_to = 0_u32;
    for sign in text.replace("\r\n", "\n").chars() {
        let width = u32::try_from(sign.len_utf16()).unwrap_or(1);
        if at < shown_to {
            at += width;
            continue;
        }
        close(&mut written, &mut open, at);
        while let Some((_, to, kind)) = next.next_if(|(from, _, _)| *from <= at) {
            if to > at {
                written.push_str(&tags(kind).map(|(begin, _)| begin).unwrap_or_default());
                open.push((to, kind));
            }
        }
        if let Some(picture) = pictures.iter().find(|picture| picture.offset == at && picture.length > 0) {
            let (id, name) = (in_attribute(&picture.content_id), in_attribute(&picture.name));
            let _infallible =
                write!(written, r#"<img src="cid:{id}" alt="{name}" style="max-width:100%;height:auto">"#);
            shown_to = at.saturating_add(picture.length);
            at += width;
            continue;
        }
        match sign {
            '\n' if open.iter().any(|(_, kind)| matches!(kind, EntityKind::Pre { .. })) => written.push('\n'),
            '\n' => written.push_str("<br>\n"),
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            other => written.push(other),
        }
        at += width;
    }
    close(&mut written, &mut open, u32::MAX);
    written.push_str("</div>");
    written
}

/// Closes what ends at `at`; what lies within and goes on is opened again.
fn close(written: &mut String, open: &mut Vec<(u32, &EntityKind)>, at: u32) {
    let Some(first) = open.iter().position(|(to, _)| *to <= at) else { return };
    let inner = open.split_off(first);
    for (_, kind) in inner.iter().rev() {
        written.push_str(tags(kind).map_or("", |(_, end)| end));
    }
    for (to, kind) in inner.into_iter().filter(|(to, _)| *to > at) {
        written.push_str(&tags(kind).map(|(begin, _)| begin).unwrap_or_default());
        open.push((to, kind));
    }
}

/// Text as it stands between the quotes of an attribute.
fn in_attribute(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

fn tags(kind: &EntityKind) -> Option<(String, &'static str)> {
    let plain = |begin: &str, end| Some((begin.to_owned(), end));
    match kind {
        EntityKind::Bold => plain("<b>", "</b>"),
        EntityKind::Italic => plain("<i>", "</i>"),
        EntityKind::Underline => plain("<u>", "</u>"),
        EntityKind::Strike => plain("<s>", "</s>"),
        EntityKind::Code => plain("<code>", "</code>"),
        EntityKind::Pre { .. } => plain("<pre>", "</pre>"),
        EntityKind::Blockquote => plain("<blockquote>", "</blockquote>"),
        EntityKind::TextUrl { url } => {
            let safe = url::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "https" | "http" | "mailto"))?;
            Some((format!("<a href=\"{}\">", in_attribute(safe.as_str())), "</a>"))
        }
        EntityKind::Mention
        | EntityKind::Hashtag
        | EntityKind::Cashtag
        | EntityKind::BotCommand
        | EntityKind::Url
        | EntityKind::Email
        | EntityKind::Phone
        | EntityKind::BankCard
        | EntityKind::Spoiler
        | EntityKind::MentionName { .. }
        | EntityKind::CustomEmoji { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(address: &str) -> Address {
        Address { name: String::new(), address: address.to_owned() }
    }

    fn people(list: &[&str]) -> Vec<Address> {
        list.iter().map(|address| person(address)).collect()
    }

    fn letter() -> Letter {
        Letter {
            author: person("olena@x"),
            to: people(&["office@x", "second@x"]),
            cc: people(&["Third@x", "OLENA@x"]),
            ..Letter::default()
        }
    }

    #[test]
    fn an_answer_goes_to_its_author_and_one_to_all_to_everybody_once_and_never_to_ourselves() {
        assert_eq!(recipients(&letter(), false, "Office@x", false), (people(&["olena@x"]), Vec::new()));
        let all = recipients(&letter(), false, "Office@x", true);
        assert_eq!(all, (people(&["olena@x"]), people(&["second@x", "Third@x"])));
        let redirected = Letter { reply_to: people(&["list@x"]), ..letter() };
        assert_eq!(recipients(&redirected, false, "office@x", false).0, people(&["list@x"]));
    }

    #[test]
    fn an_answer_to_our_own_mail_goes_to_whom_it_went() {
        let ours = Letter { author: person("office@x"), to: people(&["olena@x"]), ..letter() };
        assert_eq!(recipients(&ours, true, "office@x", true), (people(&["olena@x"]), people(&["Third@x"])));
        let to_self = Letter { to: people(&["office@x"]), cc: Vec::new(), ..ours };
        assert_eq!(recipients(&to_self, true, "office@x", false).0, people(&["office@x"]));
    }

    #[test]
    fn a_reply_mark_stands_once() {
        for (subject, answer) in [("Договір", "Re: Договір"), ("RE: Odp: re[2]: Umowa", "Re: Umowa"), ("", "Re:")]
        {
            assert_eq!(reply_subject(subject), answer);
        }
        assert_eq!(forward_subject("Re: Umowa"), "Fwd: Umowa");
    }

    #[test]
    fn references_keep_the_first_and_the_latest() {
        let letter = Letter {
            references: (0..50).map(|n| format!("{n}@x")).collect(),
            message_id: Some("last@x".to_owned()),
            ..letter()
        };
        let all = references(&letter);
        assert_eq!((all.len(), all[0].as_str(), all[1].as_str(), all[29].as_str()), (30, "0@x", "22@x", "last@x"));
    }

    #[test]
    fn a_quote_marks_every_line() {
        assert_eq!(quote("X:", "a\n\n> b\n"), "X:\n> a\n> \n>> b\n");
    }

    #[test]
    fn words_of_an_attachment_count_only_in_what_is_written_anew() {
        assert!(speaks_of_attachment("Доброго дня! Файл у вкладенні."));
        assert!(speaks_of_attachment("Please find attached"));
        assert!(speaks_of_attachment("Załączam umowę"));
        assert!(!speaks_of_attachment("Дякую!\n> Please find attached"));
    }

    fn mark(offset: u32, length: u32, kind: EntityKind) -> Entity {
        Entity { offset, length, kind }
    }

    #[test]
    fn stretches_become_tags_that_nest() {
        let marked = html("а𝄞b<c", &[mark(0, 3, EntityKind::Bold), mark(1, 3, EntityKind::Italic)], &[]);
        assert_eq!(marked, "<div dir=\"auto\"><b>а<i>𝄞</i></b><i>b</i>&lt;c</div>");
        let link = EntityKind::TextUrl { url: "https://x.test/?a=1&b=\"".to_owned() };
        assert_eq!(
            html("x\ny", &[mark(0, 1, link)], &[]),
            "<div dir=\"auto\"><a href=\"https://x.test/?a=1&amp;b=%22\">x</a><br>\ny</div>"
        );
        let script = EntityKind::TextUrl { url: "javascript:alert(1)".to_owned() };
        assert_eq!(html("x", &[mark(0, 9, script)], &[]), "<div dir=\"auto\">x</div>");
    }

    #[test]
    fn a_picture_stands_in_the_place_of_the_words_that_name_it() {
        let picture =
            |offset| Picture {
                offset, length: 10, content_id: "0.a@x".to_owned(), name: "\"<план>&.png".to_owned()
            };
        let img = concat!(
            "<img src=\"cid:0.a@x\" alt=\"&quot;&lt;план>&amp;.png\" ",
            "style=\"max-width:100%;height:auto\">"
        );
        // Marks within, around and across the words lose nothing of the text around them.
        let text = "𝄞 [img: a.p] b [img: a.p]";
        let marks = [mark(0, 5, EntityKind::Bold), mark(14, 4, EntityKind::Italic)];
        assert_eq!(
            html(text, &marks, &[picture(3), picture(16)]),
            format!("<div dir=\"auto\"><b>𝄞 {img}</b> <i>b {img}</i></div>")
        );
        assert_eq!(html("short", &[], &[picture(1), picture(99)]), format!("<div dir=\"auto\">s{img}</div>"));
    }
}
