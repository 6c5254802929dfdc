//! Filling a mailbox by writing its files, many thousand mails a second.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context, Result};
use time::OffsetDateTime;

use super::{Dovecot, Owner};

/// A mail as a server holds it.
#[derive(Debug, Clone)]
pub struct StoredMail {
    /// The whole message with CRLF line ends.
    pub raw: Vec<u8>,
    /// IMAP's INTERNALDATE.
    pub received: OffsetDateTime,
    pub seen: bool,
    pub answered: bool,
}

impl Dovecot {
    /// Puts mails into a folder by writing Maildir files; returns how many. UIDs follow the time of receipt.
    ///
    /// The folder's name must be ASCII; it is made where it does not exist.
    pub fn fill(&self, user: &str, folder: &str, mails: impl IntoIterator<Item = StoredMail>) -> Result<usize> {
        let home = self.folder.path().join("mail").join(user);
        let maildir = Maildir::make(&home, folder, self.owner)?;
        let mut count = 0;
        for mail in mails {
            maildir.add(count, &mail)?;
            count += 1;
        }
        Ok(count)
    }
}

struct Maildir {
    path: PathBuf,
    owner: Owner,
    /// Keeps the names of two fillings apart.
    filling: u64,
}

impl Maildir {
    fn make(home: &Path, folder: &str, owner: Owner) -> Result<Self> {
        let root = home.join("Maildir");
        let path = if folder.eq_ignore_ascii_case("INBOX") {
            root.clone()
        } else {
            root.join(format!(".{}", folder.replace('/', ".")))
        };
        let filling = rand::random();
        let maildir = Self { path, owner, filling };
        for directory in [
            home,
            &root,
            &maildir.path,
            &maildir.path.join("cur"),
            &maildir.path.join("new"),
            &maildir.path.join("tmp"),
        ] {
            if !directory.exists() {
                fs::create_dir(directory).with_context(|| format!("Failed to make {}", directory.display()))?;
                maildir.give_away(directory)?;
            }
        }
        Ok(maildir)
    }

    fn add(&self, number: usize, mail: &StoredMail) -> Result<()> {
        let size = mail.raw.len();
        let lines = mail.raw.iter().filter(|byte| **byte == b'\n').count();
        let bare = lines - mail.raw.windows(2).filter(|pair| pair == b"\r\n").count();
        let name = format!(
            "{}.M{:06}P{:x}N{number}.lab,S={size},W={}",
            mail.received.unix_timestamp(),
            mail.received.microsecond(),
            self.filling,
            size + bare
        );
        let part = self.path.join("tmp").join(&name);
        let mut file = File::create(&part).with_context(|| format!("Failed to write {}", part.display()))?;
        file.write_all(&mail.raw).context("Failed to write a mail")?;
        file.set_modified(SystemTime::from(mail.received)).context("Failed to date a mail")?;
        self.give_away(&part)?;
        let place = match (mail.answered, mail.seen) {
            (false, false) => self.path.join("new").join(name),
            (false, true) => self.path.join("cur").join(name + ":2,S"),
            (true, false) => self.path.join("cur").join(name + ":2,R"),
            (true, true) => self.path.join("cur").join(name + ":2,RS"),
        };
        fs::rename(part, place).context("Failed to deliver a mail")
    }

    fn give_away(&self, path: &Path) -> Result<()> {
        if self.owner.is_root {
            chown(path, Some(self.owner.uid), Some(self.owner.gid))
                .with_context(|| format!("Failed to give {} away", path.display()))?;
        }
        Ok(())
    }
}
