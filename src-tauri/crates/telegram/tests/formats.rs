//! Sessions of other programs: what is one, what is not, and what is said about it.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use std::{net::SocketAddr, path::Path};

use proptest::prelude::*;
use rusqlite::Connection;
use skrynka_lab::telegram::{AccountId, Key, strings};
use skrynka_telegram::session::formats::{Format, FormatError, from_file, from_text};

const ACCOUNT: AccountId = AccountId(1_000_001);

fn key() -> Key {
    std::array::from_fn(|at| (at as u8).wrapping_mul(7).wrapping_add(1))
}

fn loopback() -> SocketAddr {
    "127.0.0.1:17443".parse().unwrap()
}

fn valid() -> Vec<(Format, String)> {
    vec![
        (Format::Telethon, strings::telethon(2, loopback(), &key())),
        (Format::Telethon, strings::telethon_v6(4, "[2001:67c:4e8:f004::a]:443".parse().unwrap(), &key())),
        (Format::GramJs, strings::gramjs(2, "149.154.167.50", 443, &key())),
        (Format::GramJs, strings::gramjs(2, "venus.web.telegram.org", 443, &key())),
        (Format::Pyrogram2, strings::pyrogram(5, 12_345, &key(), ACCOUNT, false)),
        (Format::Pyrogram1, strings::pyrogram_1(1, &key(), ACCOUNT, false)),
        (Format::Pyrogram1Old, strings::pyrogram_1_short(3, &key(), ACCOUNT, false)),
    ]
}

#[test]
fn every_layout_is_recognised_by_its_structure() {
    for (format, text) in valid() {
        let found = from_text(&text).unwrap();
        assert_eq!(found.format, format, "{}", text.len());
        let again = from_text(&format!("  {text}\r\n")).unwrap();
        assert!(again == found);
    }
    let found = from_text(&valid()[0].1).unwrap();
    assert_eq!((found.dc, found.address), (2, Some(loopback())));
    let found = from_text(&valid()[2].1).unwrap();
    assert_eq!(found.address, Some("149.154.167.50:443".parse().unwrap()));
    assert_eq!(from_text(&valid()[3].1).unwrap().address, None, "a host name goes by its data centre");
    let found = from_text(&valid()[4].1).unwrap();
    assert_eq!((found.dc, found.user_id, found.api_id), (5, Some(ACCOUNT.0), Some(12_345)));
    assert_eq!(from_text(&valid()[6].1).unwrap().user_id, Some(ACCOUNT.0));
}

#[test]
fn the_key_is_never_shown() {
    let bytes: String = key()[..4].iter().map(|byte| format!("{byte}, ")).collect();
    for (_, text) in valid() {
        let found = from_text(&text).unwrap();
        assert!(!format!("{found:?}").contains(&bytes));
        assert!(!format!("{:?}", found.into_secret()).contains(&bytes));
    }
}

#[test]
fn bad_input_is_refused_with_a_word_of_its_own() {
    for (_, text) in valid() {
        for (bad, expected) in [
            (format!("\u{feff}{text}"), FormatError::ByteOrderMark),
            (format!("\"{text}\""), FormatError::Quoted),
            (format!("'{text}'"), FormatError::Quoted),
            (format!("„{text}“"), FormatError::Quoted),
            (format!("{} {}", &text[..90], &text[90..]), FormatError::Spaces),
            (format!("{}\n{}", &text[..90], &text[90..]), FormatError::Spaces),
            (format!("{text}{text}"), FormatError::Doubled),
            (text[..200].to_owned(), FormatError::Truncated),
            (text.repeat(3_000), FormatError::TooLong(text.len() * 3_000)),
        ] {
            assert_eq!(from_text(&bad).unwrap_err(), expected, "{} characters", bad.len());
        }
    }
    for (bad, expected) in [
        (String::new(), FormatError::Empty),
        (" \r\n".to_owned(), FormatError::Empty),
        ("hello".to_owned(), FormatError::UnknownLayout),
        ("1".to_owned(), FormatError::UnknownLayout),
        ("1!!!!".to_owned(), FormatError::NotBase64),
        ("сесія".to_owned(), FormatError::NotBase64),
        (strings::telethon(0, loopback(), &key()), FormatError::DataCentre(0)),
        (strings::telethon(6, loopback(), &key()), FormatError::DataCentre(6)),
        (strings::telethon(255, loopback(), &key()), FormatError::DataCentre(255)),
        (strings::telethon(2, loopback(), &[0; 256]), FormatError::ZeroKey),
        (strings::pyrogram(2, 1, &[0; 256], ACCOUNT, false), FormatError::ZeroKey),
        (strings::telethon(2, "0.0.0.0:443".parse().unwrap(), &key()), FormatError::Address),
        (strings::telethon(2, "149.154.167.50:0".parse().unwrap(), &key()), FormatError::Address),
        (strings::pyrogram(2, 1, &key(), ACCOUNT, true), FormatError::Bot),
    ] {
        assert_eq!(from_text(&bad).unwrap_err(), expected);
    }
}

proptest! {
    #[test]
    fn nothing_panics(text in "\\PC{0,1200}") {
        let _found = from_text(&text);
    }

    #[test]
    fn nothing_of_base64_panics(text in "[A-Za-z0-9_=/+-]{0,800}") {
        let _found = from_text(&text);
    }

    #[test]
    fn a_changed_session_is_another_or_none(which in 0_usize..7, at in 0_usize..330, with in "[A-Za-z0-9_-]") {
        let (_, text) = valid().swap_remove(which);
        let mut changed = text.clone();
        changed.replace_range(at..=at, &with);
        if let Ok(found) = from_text(&changed) {
            prop_assert!((1..=5).contains(&found.dc));
        }
    }

    #[test]
    fn a_cut_session_is_none(which in 0_usize..7, end in 0_usize..340) {
        let (_, text) = valid().swap_remove(which);
        prop_assert!(from_text(&text[..end]).is_err());
    }
}

fn telethon_file(path: &Path) -> Connection {
    let database = Connection::open(path).unwrap();
    database
        .execute_batch(
            "CREATE TABLE version (version integer primary key);
             CREATE TABLE sessions (dc_id integer primary key, server_address text, port integer, auth_key blob,
                 takeout_id integer);
             CREATE TABLE entities (id integer primary key, hash integer not null, username text, phone integer,
                 name text, date integer);",
        )
        .unwrap();
    database.execute("INSERT INTO sessions VALUES (2, '127.0.0.1', 17443, ?1, NULL)", [key().as_slice()]).unwrap();
    database
}

fn pyrogram_file(path: &Path, bot: bool) -> Connection {
    let database = Connection::open(path).unwrap();
    database.pragma_update(None, "journal_mode", "WAL").unwrap();
    database
        .execute_batch(
            "CREATE TABLE sessions (dc_id integer primary key, api_id integer, test_mode integer, auth_key blob,
                 date integer not null, user_id integer, is_bot integer);
             CREATE TABLE version (number integer primary key);",
        )
        .unwrap();
    database.execute("INSERT INTO sessions VALUES (4, 12345, 0, ?1, 0, 1000001, ?2)", (key().as_slice(), bot)).unwrap();
    database
}

#[test]
fn session_files_are_read_and_left_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let telethon = folder.path().join("telethon.session");
    drop(telethon_file(&telethon));
    let before = std::fs::read(&telethon).unwrap();
    let found = from_file(&telethon).unwrap();
    assert_eq!((found.format, found.dc, found.address), (Format::TelethonFile, 2, Some(loopback())));
    assert!(std::fs::read(&telethon).unwrap() == before);
    let text = from_text(&strings::telethon(2, loopback(), &key())).unwrap();
    assert!(found.into_secret() == text.into_secret());

    let pyrogram = folder.path().join("pyrogram.session");
    let open = pyrogram_file(&pyrogram, false);
    let names = || {
        let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    };
    let beside = names();
    // What still waits in the write-ahead log counts.
    let found = from_file(&pyrogram).unwrap();
    assert_eq!((found.format, found.dc, found.user_id), (Format::PyrogramFile, 4, Some(1_000_001)));
    assert_eq!(names(), beside);
    drop(open);
    assert_eq!(from_file(&pyrogram).unwrap().api_id, Some(12_345));

    let bot = folder.path().join("bot.session");
    drop(pyrogram_file(&bot, true));
    assert_eq!(from_file(&bot).unwrap_err(), FormatError::Bot);

    let string = folder.path().join("string.txt");
    std::fs::write(&string, format!("{}\n", valid()[0].1)).unwrap();
    assert_eq!(from_file(&string).unwrap().format, Format::Telethon);
}

#[test]
fn other_files_have_their_own_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    assert!(matches!(from_file(&path("missing")), Err(FormatError::Unreadable(_))));
    assert_eq!(from_file(folder.path()).unwrap_err(), FormatError::ForeignFile);

    let foreign = path("foreign");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE mails (id integer)").unwrap();
    assert_eq!(from_file(&foreign).unwrap_err(), FormatError::ForeignFile);

    let empty = path("not-signed-in");
    telethon_file(&empty).execute("DELETE FROM sessions", []).unwrap();
    assert_eq!(from_file(&empty).unwrap_err(), FormatError::ZeroKey);

    let locked = path("locked");
    let other = telethon_file(&locked);
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    assert_eq!(from_file(&locked).unwrap_err(), FormatError::InUse);

    let corrupt = path("corrupt");
    drop(telethon_file(&corrupt));
    let mut bytes = std::fs::read(&corrupt).unwrap();
    bytes[100..].fill(0xa5);
    std::fs::write(&corrupt, bytes).unwrap();
    assert_eq!(from_file(&corrupt).unwrap_err(), FormatError::Damaged);

    let picture = path("picture.jpg");
    std::fs::write(&picture, vec![0xff; 1 << 20]).unwrap();
    assert_eq!(from_file(&picture).unwrap_err(), FormatError::ForeignFile);
}
