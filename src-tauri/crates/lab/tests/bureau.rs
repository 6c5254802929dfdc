//! The generated mail is what it says: the same each time, valid where it means to be.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use std::{
    collections::HashSet,
    io::Write,
    process::{Command, Stdio},
};

use skrynka_lab::{Dovecot, Options, bureau, numbered};
use time::macros::datetime;

const UNTIL: time::OffsetDateTime = datetime!(2025-06-01 12:00 UTC);

/// Runs Python's own parsers over bytes: an opinion that is not ours.
fn python(script: &str, input: &[u8]) -> String {
    let mut child = Command::new("python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let tell = |seed| bureau::letters(&bureau::MAILBOXES[0], 300, seed, UNTIL);
    let (first, second) = (tell(7), tell(7));
    assert_eq!(first.len(), 300);
    assert!(first.iter().zip(&second).all(|(a, b)| a.mail.raw == b.mail.raw && a.mail.received == b.mail.received));
    assert_ne!(first[0].mail.raw, tell(8)[0].mail.raw);
}

#[test]
fn every_mail_has_its_own_identity_and_lies_in_the_past() {
    let letters: Vec<_> =
        bureau::MAILBOXES.iter().flat_map(|mailbox| bureau::letters(mailbox, 400, 7, UNTIL)).collect();
    assert!(letters.iter().all(|letter| letter.mail.received < UNTIL));
    let per_box: HashSet<_> = letters[..400].iter().map(|letter| &letter.message_id).collect();
    assert_eq!(per_box.len(), 400);
    assert!(letters.iter().any(|letter| !letter.mail.seen) && letters.iter().any(|letter| letter.mail.answered));
}

#[test]
fn a_strange_parser_reads_subjects_and_attachment_names() {
    let letters = bureau::letters(&bureau::MAILBOXES[1], 200, 3, UNTIL);
    let letter = letters.iter().find(|letter| letter.message_id.starts_with("3.") && letter.mail.raw.len() > 3000);
    let letter = letter.unwrap();
    let script = "import sys,email.policy as p,email;m=email.message_from_bytes(sys.stdin.buffer.read(),policy=p.default);\
                  sys.stdout.buffer.write(m['subject'].encode());assert m['date'].datetime;assert m.get_body()";
    assert_eq!(python(script, &letter.mail.raw), letter.subject);
}

#[test]
fn attachments_are_real_files() {
    let pdf = bureau::files::pdf(&["Invoice (17)"]);
    let start: usize =
        String::from_utf8_lossy(&pdf).rsplit("startxref\n").next().unwrap().lines().next().unwrap().parse().unwrap();
    assert!(pdf[start..].starts_with(b"xref\n"));
    let docx = bureau::files::docx(&["Договір & додаток"]);
    let script = "import sys,io,zipfile;z=zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read()));assert z.testzip() is None;\
                  import xml.dom.minidom as x;d=x.parseString(z.read('word/document.xml'));\
                  sys.stdout.buffer.write(d.getElementsByTagName('w:t')[0].firstChild.data.encode())";
    assert_eq!(python(script, &docx), "Договір & додаток");
    let png = bureau::files::png(40, 30, 1);
    let script = "import sys,zlib,struct;d=sys.stdin.buffer.read();assert d[:8]==b'\\x89PNG\\r\\n\\x1a\\n';i=8\n\
                  while i<len(d):\n l,=struct.unpack('>I',d[i:i+4]);c,=struct.unpack('>I',d[i+8+l:i+12+l]);\
                  assert zlib.crc32(d[i+4:i+8+l])==c\n if d[i+4:i+8]==b'IDAT':print(len(zlib.decompress(d[i+8:i+8+l])))\n i+=12+l";
    assert_eq!(python(script, &png), (30 * (1 + 40 * 3)).to_string());
}

#[test]
fn a_server_takes_every_odd_mail() {
    let dovecot = Dovecot::start(Options::default()).unwrap();
    dovecot.add_user("odd", "odd").unwrap();
    let mails = bureau::odd_mails("odd@example.org", UNTIL);
    dovecot.deliver_all("odd", mails.iter().map(|(_, raw)| raw.as_slice())).unwrap();
    assert_eq!(dovecot.flags("odd", "INBOX").unwrap().len(), mails.len());
}

#[test]
fn a_customer_keeps_writing_in_a_few_threads() {
    let mut customer = bureau::Customer::new(bureau::MAILBOXES[0], 1);
    let letters: Vec<_> = (0..20).map(|_| customer.write(UNTIL)).collect();
    let ids: HashSet<_> = letters.iter().map(|letter| &letter.message_id).collect();
    let threads: HashSet<_> = letters.iter().map(|letter| letter.thread).collect();
    assert_eq!((ids.len(), threads.len()), (20, 4));
}

#[test]
fn bench_mails_are_of_the_announced_size() {
    let sizes: Vec<usize> = numbered::bench_mails(1000).map(|mail| mail.raw.len()).collect();
    let average = sizes.iter().sum::<usize>() / sizes.len();
    assert!((11_000..15_000).contains(&average), "{average}");
    assert!(numbered::ledger_mail(7).starts_with(b"From:"));
}
