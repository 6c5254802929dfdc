//! A backup made while the program works, restored elsewhere; and everything that is refused.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    path::Path,
    process::Command,
};

use serde_json::Value;
use skrynka_lab::{Dovecot, Options, SmtpSink, authority::Authority};
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

use crate::common::{PASSWORD, Profile};

const USER: &str = "office@example.org";
const MAILS: usize = 12;

/// A profile with a mailbox and its mails.
fn bureau() -> (Profile, Dovecot, SmtpSink) {
    let smtp = SmtpSink::start(&Authority::new().unwrap()).unwrap();
    smtp.add_user(USER, PASSWORD);
    let dovecot = Dovecot::start(Options::default()).unwrap();
    dovecot.add_user(USER, PASSWORD).unwrap();
    for n in 0..MAILS {
        // What COPY's text form has to write in another way: tabs, backslashes, line breaks, other alphabets.
        let mail = format!(
            "From: Olena <olena{n}@example.org>\r\nSubject: Umowa {n}\r\nMessage-ID: <{n}@example.org>\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\nДоговір\t{n}\\.\\N\r\nдругий рядок, c:\\new\r\n"
        );
        dovecot.deliver(USER, mail.as_bytes()).unwrap();
    }
    let profile = Profile::new();
    profile.add_mailbox(USER, dovecot.imap(), smtp.smtp());
    profile.records(&["listen", "--until-idle"]);
    (profile, dovecot, smtp)
}

fn exported(profile: &Profile) -> Vec<Value> {
    profile.records(&["export", "messages"])
}

fn refused(profile: &Profile, arguments: &[&str], words: &str) {
    let output = profile.run(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    assert!(said.contains(words), "{arguments:?}: {said}");
}

#[test]
fn a_backup_brings_everything_to_another_computer_save_the_passwords() {
    let (profile, _dovecot, _smtp) = bureau();
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("skrynka.zip");
    let path = file.to_str().unwrap();

    let mut service = profile.listen(&[], None);
    let made = profile.records(&["backup", path]).remove(0);
    assert_eq!((made["messages"].as_u64(), made["tried_out"].as_bool()), (Some(MAILS as u64), Some(true)), "{made}");
    refused(&profile, &["backup", path], "exists already");
    // No room: the file may have 4 KiB. The database runs in the service and is not held to that.
    let whole = fs::read(&file).unwrap();
    let again = profile.command(&["backup", path, "--force", "--no-trial"]);
    let mut cramped = Command::new("sh");
    cramped
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""])
        .arg(again.get_program())
        .args(again.get_args());
    let cramped = cramped.output().unwrap();
    let said = String::from_utf8_lossy(&cramped.stderr);
    assert!(cramped.status.code() == Some(1) && said.contains("cannot be read or written"), "{said}");
    assert_eq!(fs::read(&file).unwrap(), whole, "the one before is as it was");
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1, "half a backup is none");
    refused(&profile, &["restore", path, "--replace"], "works with this database");
    service.kill().unwrap();
    service.wait().unwrap();
    assert!(!holds(&file, PASSWORD), "a backup holds no password");
    assert!(holds(&file, "Umowa 7"), "the test looks at what is packed");

    let other = Profile::new();
    let restored = other.records(&["restore", path]).remove(0);
    assert_eq!(restored["sign_in_again"], serde_json::json!([format!("Бюро ({USER})")]), "{restored}");
    assert_eq!(exported(&other), exported(&profile));
    assert_eq!(other.records(&["search", "Umowa"]).len(), MAILS);
    assert_eq!(other.records(&["account", "list"])[0]["stored"].as_u64(), Some(MAILS as u64));
    let open = place.path().join("open");
    let sum = other.records(&["export", "messages", "--to", open.to_str().unwrap()]).remove(0);
    assert_eq!((sum["messages"].as_u64(), sum["mails"].as_u64()), (Some(12), Some(12)), "{sum}");
    let mails: Vec<_> = fs::read_dir(open.join("mail"))
        .unwrap()
        .flatten()
        .map(|mail| fs::read_to_string(mail.path()).unwrap())
        .collect();
    assert!((0..MAILS).all(|n| mails.iter().any(|mail| mail.contains(&format!("Subject: Umowa {n}\r\n")))));
    assert_eq!(fs::read_to_string(open.join("messages.jsonl")).unwrap().lines().count(), MAILS);
    refused(&other, &["export", "messages", "--to", open.to_str().unwrap()], "is not empty");
    refused(&other, &["restore", path], "accounts already");
    other.records(&["restore", path, "--replace"]);
    assert_eq!(exported(&other).len(), MAILS);
}

#[test]
fn what_is_no_whole_backup_of_ours_changes_nothing() {
    let (profile, _dovecot, _smtp) = bureau();
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    let good = at("good.zip");
    profile.records(&["backup", &good, "--no-trial"]);
    let bytes = fs::read(&good).unwrap();

    for (name, part) in [("cut", bytes.len() - 1), ("half", bytes.len() / 2), ("head", 200)] {
        fs::write(at(name), &bytes[..part]).unwrap();
        refused(&profile, &["restore", &at(name), "--replace"], "is damaged");
    }
    let mut flipped = bytes.clone();
    let middle = find(&bytes, b"tables/messages.copy") + 60;
    flipped[middle] ^= 0x10;
    fs::write(at("flipped"), &flipped).unwrap();
    refused(&profile, &["restore", &at("flipped"), "--replace"], "is damaged");
    fs::write(at("text"), "Шановні колеги").unwrap();
    fs::write(at("empty"), "").unwrap();
    let mut foreign = ZipWriter::new(File::create(at("foreign")).unwrap());
    foreign.start_file("photo.jpg", SimpleFileOptions::default()).unwrap();
    foreign.finish().unwrap();
    for name in ["text", "empty", "foreign"] {
        refused(&profile, &["restore", &at(name), "--replace"], "is no backup");
    }
    with_manifest(&good, &at("newer"), |manifest| {
        manifest["migrations"].as_array_mut().unwrap().push(20_990_101_000_000_u64.into());
        manifest["program"] = "9.9.9".into();
    });
    refused(&profile, &["restore", &at("newer"), "--replace"], "9.9.9");
    with_manifest(&good, &at("fewer"), |manifest| {
        let tables = manifest["tables"].as_array_mut().unwrap();
        tables.retain(|table| table["name"] != "contacts");
    });
    refused(&profile, &["restore", &at("fewer"), "--replace"], "not those of its version");
    refused(&profile, &["restore", &at("missing"), "--replace"], "cannot be read");

    assert_eq!(exported(&profile).len(), MAILS, "nothing was changed");
    // A backup that cannot be written leaves the one before.
    let folder = at("no such folder/skrynka.zip");
    refused(&profile, &["backup", &folder], "cannot be read or written");
    assert_eq!(fs::read(&good).unwrap(), bytes);
    let left: Vec<_> = fs::read_dir(place.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".skrynka-backup-")), "{left:?}");
}

/// Whether any entry of the archive holds these words.
fn holds(file: &Path, words: &str) -> bool {
    let mut archive = ZipArchive::new(File::open(file).unwrap()).unwrap();
    (0..archive.len()).any(|at| {
        let mut content = Vec::new();
        archive.by_index(at).unwrap().read_to_end(&mut content).unwrap();
        content.windows(words.len()).any(|window| window == words.as_bytes())
    })
}

fn find(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes.windows(wanted.len()).position(|window| window == wanted).unwrap()
}

/// Copies a backup with another manifest.
fn with_manifest(from: &str, to: &str, change: impl Fn(&mut Value)) {
    let mut archive = ZipArchive::new(File::open(from).unwrap()).unwrap();
    let mut copy = ZipWriter::new(File::create(to).unwrap());
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        if name == "manifest.json" {
            let mut manifest: Value = serde_json::from_slice(&content).unwrap();
            change(&mut manifest);
            content = serde_json::to_vec(&manifest).unwrap();
        }
        copy.start_file(name, SimpleFileOptions::default()).unwrap();
        copy.write_all(&content).unwrap();
    }
    copy.finish().unwrap();
}
