//! One response of the server, understood.

use std::panic::{AssertUnwindSafe, catch_unwind};

use imap_proto::{AttributeValue, MailboxDatum, NameAttribute, Response};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

use super::status::{Status, clean};
use crate::{moment::storable, uids::UidSet};

/// One response of the server. What the crate has no use for is [`Reply::Other`].
#[derive(Debug)]
pub(crate) enum Reply {
    /// A status response, with the tag of the command it answers.
    Status {
        tag: Option<String>,
        status: Status,
    },
    /// The server waits for more; with what it says to it.
    Continue(String),
    Capability(Vec<String>),
    /// So many messages are in the selected folder.
    Exists(u32),
    /// A message of the selected folder is gone.
    Expunged,
    /// These messages are gone (RFC 7162); `earlier` when asked for.
    Vanished {
        earlier: bool,
        uids: UidSet,
    },
    Fetch(Box<Fetched>),
    List(Listed),
    Search(UidSet),
    /// The items of a STATUS response with their numbers.
    FolderStatus(Vec<(String, u64)>),
    /// The room that messages may take, in units of 1,024 bytes (RFC 9208).
    Storage {
        used: u64,
        limit: u64,
    },
    Other,
    /// A response that does not follow the grammar, with its UID where one can be made out.
    Unreadable {
        uid: Option<u32>,
        /// Its first words, for a greeting that makes no sense; of a message they are never logged.
        start: String,
        length: usize,
    },
}

/// What a FETCH response says of one message.
#[derive(Debug, Default)]
pub(crate) struct Fetched {
    pub(crate) uid: Option<u32>,
    pub(crate) marks: Option<Marks>,
    pub(crate) received: Option<OffsetDateTime>,
    pub(crate) size: Option<u32>,
    pub(crate) modseq: Option<u64>,
    /// The asked part of the message's bytes.
    pub(crate) body: Option<Vec<u8>>,
}

/// The server's marks that are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Marks {
    pub(crate) seen: bool,
    pub(crate) answered: bool,
}

/// A folder as LIST names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// The name as the wire has it.
    pub(crate) name: String,
    /// It has the special use `\Sent` (RFC 6154).
    pub(crate) sent: bool,
    /// It holds no messages.
    pub(crate) unselectable: bool,
}

impl Reply {
    /// Reads one complete response. Never fails and never panics.
    pub(crate) fn read(frame: &[u8]) -> Self {
        if frame.starts_with(b"+") {
            let challenge = frame.get(1..).unwrap_or_default();
            return Self::Continue(String::from_utf8_lossy(challenge).trim().to_owned());
        }
        let Some(data) = frame.strip_prefix(b"* ") else { return tagged(frame) };
        if let Some(status) = Status::read(data) {
            return Self::Status { tag: None, status };
        }
        plain_words(data).or_else(|| grammar(frame)).unwrap_or_else(|| unreadable(frame))
    }
}

fn tagged(frame: &[u8]) -> Reply {
    let space = frame.iter().position(|byte| *byte == b' ').unwrap_or(frame.len());
    let (tag, rest) = frame.split_at(space);
    match Status::read(rest.trim_ascii_start()) {
        Some(status) => Reply::Status { tag: Some(String::from_utf8_lossy(tag).into_owned()), status },
        None => unreadable(frame),
    }
}

/// The responses that are nothing but words and numbers. imap-proto insists on IMAP4rev1 among the capabilities and
/// knows neither ESEARCH nor STATUS SIZE.
fn plain_words(data: &[u8]) -> Option<Reply> {
    let line = std::str::from_utf8(data).ok()?.trim_end();
    let mut words = line.split_ascii_whitespace();
    let first = words.next()?;
    if first.eq_ignore_ascii_case("CAPABILITY") {
        return Some(Reply::Capability(words.map(str::to_ascii_uppercase).collect()));
    }
    if first.eq_ignore_ascii_case("SEARCH") {
        // With CONDSTORE the list may end in `(MODSEQ 12)`.
        let uids = words.take_while(|word| !word.starts_with('(')).map(|word| word.parse::<u32>().ok());
        return uids.collect::<Option<UidSet>>().map(Reply::Search);
    }
    if first.eq_ignore_ascii_case("ESEARCH") {
        let all = words.skip_while(|word| !word.eq_ignore_ascii_case("ALL")).nth(1).unwrap_or_default();
        return all.parse().ok().map(Reply::Search);
    }
    if first.eq_ignore_ascii_case("VANISHED") {
        let rest: Vec<&str> = words.collect();
        let earlier = rest.first().is_some_and(|word| word.eq_ignore_ascii_case("(EARLIER)"));
        let uids = rest.last()?.parse().ok()?;
        return Some(Reply::Vanished { earlier, uids });
    }
    if first.eq_ignore_ascii_case("STATUS") {
        return folder_status(line);
    }
    if first.eq_ignore_ascii_case("QUOTA") {
        return storage(line);
    }
    if first.eq_ignore_ascii_case("QUOTAROOT") {
        return Some(Reply::Other);
    }
    let number: u32 = first.parse().ok()?;
    match words.next()?.to_ascii_uppercase().as_str() {
        "EXISTS" => Some(Reply::Exists(number)),
        "EXPUNGE" => Some(Reply::Expunged),
        "RECENT" => Some(Reply::Other),
        _ => None,
    }
}

fn folder_status(line: &str) -> Option<Reply> {
    let inside = line.trim_end().strip_suffix(')')?.rsplit_once('(')?.1;
    let words: Vec<&str> = inside.split_ascii_whitespace().collect();
    let item = |pair: &[&str]| Some((pair.first()?.to_ascii_uppercase(), pair.get(1)?.parse().ok()?));
    words.chunks(2).map(item).collect::<Option<Vec<_>>>().map(Reply::FolderStatus)
}

/// `QUOTA "root" (STORAGE 10 512 MESSAGE 1 100)`; one without STORAGE is told as nothing.
fn storage(line: &str) -> Option<Reply> {
    let inside = line.trim_end().strip_suffix(')')?.rsplit_once('(')?.1;
    let words: Vec<&str> = inside.split_ascii_whitespace().collect();
    let Some([_, used, limit]) =
        words.chunks(3).find(|words| words.first().is_some_and(|w| w.eq_ignore_ascii_case("STORAGE")))
    else {
        return Some(Reply::Other);
    };
    Some(Reply::Storage { used: used.parse().ok()?, limit: limit.parse().ok()? })
}

/// Everything that may hold quoted strings and literals.
fn grammar(frame: &[u8]) -> Option<Reply> {
    // imap-proto 0.17 panics on a few replies (a NIL date, a code directly followed by a letter of two bytes).
    let parsed = catch_unwind(AssertUnwindSafe(|| Response::parse(frame))).ok()?;
    let (rest, response) = parsed.ok()?;
    if !rest.is_empty() {
        return None;
    }
    Some(match response {
        Response::Fetch(_, attributes) => Reply::Fetch(Box::new(fetched(attributes))),
        Response::MailboxData(MailboxDatum::List(list)) => Reply::List(Listed {
            sent: list.name_attributes.contains(&NameAttribute::Sent),
            unselectable: list.name_attributes.iter().any(|attribute| {
                matches!(attribute, NameAttribute::NoSelect)
                    || matches!(attribute, NameAttribute::Extension(name) if name.eq_ignore_ascii_case("\\NonExistent"))
            }),
            name: list.name.into_owned(),
        }),
        _ => Reply::Other,
    })
}

fn fetched(attributes: Vec<AttributeValue<'_>>) -> Fetched {
    let mut fetched = Fetched::default();
    for attribute in attributes {
        match attribute {
            AttributeValue::Uid(uid) => fetched.uid = Some(uid),
            AttributeValue::Rfc822Size(size) => fetched.size = Some(size),
            AttributeValue::ModSeq(modseq) => fetched.modseq = Some(modseq),
            AttributeValue::InternalDate(date) => fetched.received = internal_date(&date),
            AttributeValue::BodySection { data, .. } => fetched.body = data.map(std::borrow::Cow::into_owned),
            AttributeValue::Flags(flags) => {
                let has = |name: &str| flags.iter().any(|flag| flag.eq_ignore_ascii_case(name));
                fetched.marks = Some(Marks { seen: has("\\Seen"), answered: has("\\Answered") });
            }
            _ => {}
        }
    }
    fetched
}

const DATE: &[BorrowedFormatItem<'_>] = format_description!(
    "[day padding:none]-[month repr:short case_sensitive:false]-[year] [hour]:[minute]:[second] [offset_hour sign:mandatory][offset_minute]"
);

/// Reads INTERNALDATE, ` 7-Feb-2026 10:00:00 +0200`.
fn internal_date(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text.trim(), DATE).ok().and_then(storable)
}

fn unreadable(frame: &[u8]) -> Reply {
    let start = frame.get(..frame.len().min(400)).unwrap_or_default();
    let start = String::from_utf8_lossy(start);
    let end = String::from_utf8_lossy(frame.get(frame.len().saturating_sub(200)..).unwrap_or_default());
    let uid = |text: &str| {
        let (_, after) = text.split_once("UID ")?;
        after.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    let first_line = start.lines().next().unwrap_or_default();
    let last_line = end.lines().last().unwrap_or_default();
    Reply::Unreadable { uid: uid(first_line).or_else(|| uid(last_line)), start: clean(first_line), length: frame.len() }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_fetch_with_literal_date_and_flags_is_understood() {
        let frame = b"* 3 FETCH (UID 12 FLAGS (\\Seen Custom) INTERNALDATE \" 7-Feb-2026 10:00:01 +0200\" RFC822.SIZE 5 MODSEQ (9) BODY[]<0> {5}\r\nhe\0lo)\r\n";
        let Reply::Fetch(fetched) = Reply::read(frame) else { panic!("no fetch") };
        assert_eq!((fetched.uid, fetched.size, fetched.modseq), (Some(12), Some(5), Some(9)));
        assert_eq!(fetched.marks, Some(Marks { seen: true, answered: false }));
        assert_eq!(fetched.received, Some(datetime!(2026-02-07 10:00:01 +2)));
        assert_eq!(fetched.body.as_deref(), Some(&b"he\0lo"[..]));
    }

    #[test]
    fn a_date_beyond_the_calendar_is_no_date() {
        let frame = b"* 3 FETCH (UID 12 INTERNALDATE \"31-Dec-9999 23:59:59 -1200\" RFC822.SIZE 5)\r\n";
        let Reply::Fetch(fetched) = Reply::read(frame) else { panic!("no fetch") };
        assert_eq!((fetched.uid, fetched.received), (Some(12), None));
    }

    #[test]
    fn search_answers_of_every_kind_give_the_same_set() {
        for line in
            ["* SEARCH 3 1 2 9\r\n", "* ESEARCH (TAG \"A1\") UID ALL 1:3,9\r\n", "* SEARCH 1 2 3 9 (MODSEQ 5)\r\n"]
        {
            let Reply::Search(uids) = Reply::read(line.as_bytes()) else { panic!("{line}") };
            assert_eq!(uids.to_string(), "1:3,9");
        }
        for line in ["* SEARCH\r\n", "* ESEARCH (TAG \"A1\") UID\r\n"] {
            assert!(matches!(Reply::read(line.as_bytes()), Reply::Search(uids) if uids.is_empty()), "{line}");
        }
    }

    #[test]
    fn words_of_the_server_are_told_apart() {
        assert!(matches!(Reply::read(b"* 7 EXISTS\r\n"), Reply::Exists(7)));
        assert!(matches!(Reply::read(b"* 7 EXPUNGE\r\n"), Reply::Expunged));
        assert!(matches!(Reply::read(b"* VANISHED (EARLIER) 1:3\r\n"), Reply::Vanished { earlier: true, .. }));
        assert!(matches!(Reply::read(b"+ idling\r\n"), Reply::Continue(said) if said == "idling"));
        assert!(
            matches!(Reply::read(b"* CAPABILITY IMAP4rev2 idle\r\n"), Reply::Capability(c) if c == ["IMAP4REV2", "IDLE"])
        );
        let Reply::FolderStatus(items) = Reply::read(b"* STATUS \"a (b)\" (MESSAGES 3 SIZE 99)\r\n") else { panic!() };
        assert_eq!(items, [("MESSAGES".to_owned(), 3), ("SIZE".to_owned(), 99)]);
        let quota = Reply::read(b"* QUOTA \"\" (MESSAGE 3 100 STORAGE 10 512)\r\n");
        assert!(matches!(quota, Reply::Storage { used: 10, limit: 512 }));
        assert!(matches!(Reply::read(b"* QUOTA \"a (b)\" (MESSAGE 3 100)\r\n"), Reply::Other));
        assert!(matches!(Reply::read(b"* QUOTA \"\" ()\r\n"), Reply::Other));
        assert!(matches!(Reply::read(b"* QUOTAROOT INBOX \"\"\r\n"), Reply::Other));
        let Reply::List(list) = Reply::read(b"* LIST (\\HasNoChildren \\Sent) \"/\" \"Sent Items\"\r\n") else {
            panic!()
        };
        assert!(list.sent && !list.unselectable && list.name == "Sent Items");
    }

    #[test]
    fn a_reply_outside_the_grammar_names_its_message_and_does_no_harm() {
        for frame in [
            &b"* 3 FETCH (UID 12 BODY[] (oops))\r\n"[..],
            b"* 3 FETCH (BODY[] {3}\r\nabc oops UID 12)\r\n",
            b"* 3 FETCH (UID 12 INTERNALDATE NIL)\r\n",
        ] {
            assert!(matches!(Reply::read(frame), Reply::Unreadable { uid: Some(12), .. }), "{frame:?}");
        }
        for frame in
            [&b"\r\n"[..], b"*\r\n", b"* \r\n", b"nonsense\r\n", b"* 1 FETCH\r\n", b"\xff\xfe\0\r\n", b"* SEARCH x\r\n"]
        {
            assert!(matches!(Reply::read(frame), Reply::Unreadable { uid: None, .. }), "{frame:?}");
        }
    }
}
