//! Users, deliveries, and what stands in a mailbox, read through `doveadm` and so past the IMAP server.

use std::{
    collections::BTreeMap,
    fs,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use time::OffsetDateTime;

use super::Dovecot;
use crate::{imap::Imap, lmtp::Lmtp};

impl Dovecot {
    /// Lets a user sign in. The name goes into file names; letters, digits, `@`, `.` and `-` are fine.
    pub fn add_user(&self, name: &str, password: &str) -> Result<()> {
        ensure!(!name.is_empty() && !name.contains(['/', ':', '\n']), "{name:?} cannot be a user's name");
        self.folder.write(&format!("users/{name}"), format!("{name}:{{PLAIN}}{password}::::::\n"))?;
        Ok(())
    }

    /// Gives a user another password. Returns once Dovecot asks for it.
    ///
    /// Fails after 10 s.
    pub fn set_password(&self, name: &str, password: &str) -> Result<()> {
        let path = self.folder.path().join("users").join(name);
        let written = fs::metadata(&path).and_then(|file| file.modified()).context("The lab has no such user")?;
        self.add_user(name, password)?;
        // Dovecot knows a changed file by its size and the second of its change, and looks once a second.
        fs::File::options().append(true).open(&path)?.set_modified(written + Duration::from_secs(2))?;
        let deadline = Instant::now() + Duration::from_secs(10);
        while let Err(error) = Imap::sign_in(self.imap(), name, password) {
            ensure!(Instant::now() < deadline, "Dovecot did not take the new password: {error:#}");
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Delivers a mail to a user's inbox over LMTP. Returns once it is stored.
    pub fn deliver(&self, user: &str, raw: &[u8]) -> Result<()> {
        Lmtp::connect(self.lmtp())?.deliver(user, raw)
    }

    /// Delivers mails to a user's inbox over one LMTP connection.
    pub fn deliver_all<'a>(&self, user: &str, mails: impl IntoIterator<Item = &'a [u8]>) -> Result<()> {
        let mut lmtp = Lmtp::connect(self.lmtp())?;
        mails.into_iter().try_for_each(|raw| lmtp.deliver(user, raw))
    }

    /// Stores a mail in a folder as a mail program would, with flags such as `\Seen` and its INTERNALDATE.
    pub fn append(
        &self,
        user: &str,
        folder: &str,
        raw: &[u8],
        flags: &str,
        received: Option<OffsetDateTime>,
    ) -> Result<()> {
        let password = self.password(user)?;
        Imap::sign_in(self.imap(), user, &password)?.append(folder, flags, received, raw)
    }

    /// Returns each message of a folder by UID with its flags, `\Recent` left out. Changes nothing.
    pub fn flags(&self, user: &str, folder: &str) -> Result<BTreeMap<u32, Vec<String>>> {
        let table = self.doveadm(&["-f", "tab", "fetch", "-u", user, "uid flags", "mailbox", folder])?;
        let mut messages = BTreeMap::new();
        for line in table.lines().skip(1) {
            let (uid, flags) = line.split_once('\t').unwrap_or((line, ""));
            let uid = uid.parse().with_context(|| format!("doveadm said {line:?}"))?;
            let flags = flags.split_whitespace().filter(|flag| *flag != "\\Recent").map(str::to_owned).collect();
            messages.insert(uid, flags);
        }
        Ok(messages)
    }

    /// Sets a flag such as `\Seen` on one message, as another mail program would.
    pub fn set_flag(&self, user: &str, folder: &str, uid: u32, flag: &str) -> Result<()> {
        self.doveadm(&["flags", "add", "-u", user, flag, "mailbox", folder, "uid", &uid.to_string()]).map(drop)
    }

    /// Takes a flag from one message.
    pub fn clear_flag(&self, user: &str, folder: &str, uid: u32, flag: &str) -> Result<()> {
        self.doveadm(&["flags", "remove", "-u", user, flag, "mailbox", folder, "uid", &uid.to_string()]).map(drop)
    }

    /// Deletes one message for good.
    pub fn expunge(&self, user: &str, folder: &str, uid: u32) -> Result<()> {
        self.doveadm(&["expunge", "-u", user, "mailbox", folder, "uid", &uid.to_string()]).map(drop)
    }

    /// Makes a folder. The name may be any UTF-8 text.
    pub fn create_folder(&self, user: &str, folder: &str) -> Result<()> {
        self.doveadm(&["mailbox", "create", "-u", user, folder]).map(drop)
    }

    /// Returns a folder's UIDVALIDITY.
    pub fn uidvalidity(&self, user: &str, folder: &str) -> Result<u32> {
        let table = self.doveadm(&["-f", "tab", "mailbox", "status", "-u", user, "uidvalidity", folder])?;
        let value = table.lines().nth(1).and_then(|line| line.rsplit('\t').next()).context("No such folder")?;
        value.parse().with_context(|| format!("doveadm said {value:?}"))
    }

    /// Numbers a folder anew under another UIDVALIDITY, as after a restored backup. Ends the user's connections.
    pub fn reset_uidvalidity(&self, user: &str, folder: &str) -> Result<()> {
        let before = self.uidvalidity(user, folder)?;
        self.disconnect(user)?;
        let root = self.folder.path().join("mail").join(user).join("Maildir");
        let path = if folder.eq_ignore_ascii_case("INBOX") { root } else { root.join(format!(".{folder}")) };
        for file in
            ["dovecot-uidlist", "dovecot.index", "dovecot.index.log", "dovecot.index.log.2", "dovecot.index.cache"]
        {
            let _may_not_exist = fs::remove_file(path.join(file));
        }
        let after = self.uidvalidity(user, folder)?;
        ensure!(after != before, "Dovecot kept UIDVALIDITY {before}");
        Ok(())
    }

    /// Ends every connection of a user.
    pub fn disconnect(&self, user: &str) -> Result<()> {
        match self.doveadm(&["kick", user]) {
            Err(error) if !format!("{error:#}").contains("no users kicked") => Err(error),
            _ => Ok(()),
        }
    }

    /// Runs `doveadm` on this server and returns what it printed. The server must be running.
    pub fn doveadm(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new("doveadm")
            .arg("-c")
            .arg(self.config())
            .args(arguments)
            .output()
            .context("Failed to run doveadm")?;
        if !output.status.success() {
            let words = [output.stdout, output.stderr].concat();
            bail!("doveadm {} failed: {}", arguments.join(" "), String::from_utf8_lossy(&words).trim());
        }
        String::from_utf8(output.stdout).context("doveadm did not answer in UTF-8")
    }

    fn password(&self, user: &str) -> Result<String> {
        let line = fs::read_to_string(self.folder.path().join("users").join(user))
            .with_context(|| format!("The lab has no user {user}"))?;
        let password = line.split_once("{PLAIN}").and_then(|(_, rest)| rest.split_once(':')).map(|(word, _)| word);
        Ok(password.context("The user's file is damaged")?.to_owned())
    }
}
