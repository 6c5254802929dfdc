//! A signed-in connection: commands whose tagged answer is always looked at, and what the server said unasked.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use skrynka_core::connector::{IncomingSender, Quota};
use tokio::time::Instant;

use crate::{
    clocked::Clocked,
    connect::counted::Counted,
    error::{MailError, Result, within},
    folder::quoted,
    tuning::Tuning,
    uids::UidSet,
    wire::{
        Wire,
        reply::{Listed, Reply},
        status::{Status, Word},
    },
};

/// A whole command may take this many times as long as one piece of its answer: lists of a large mailbox are long.
const PATIENCE: u32 = 10;

/// What the server says it can do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Capabilities(HashSet<String>);

impl Capabilities {
    pub(crate) fn new(words: Vec<String>) -> Self {
        Self(words.into_iter().collect())
    }

    pub(crate) fn has(&self, word: &str) -> bool {
        self.0.contains(word)
    }

    /// Forgets a capability that was advertised and refused.
    pub(crate) fn forget(&mut self, word: &str) {
        self.0.remove(word);
    }
}

/// What the server has said unasked since the last look. It only wakes a comparison by UID, because a server may
/// leave such words out and a network may swallow them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Unasked {
    /// There may be new messages.
    pub(crate) arrivals: bool,
    /// Marks changed or messages went.
    pub(crate) changes: bool,
}

/// The selected folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selected {
    pub(crate) name: String,
    /// UIDVALIDITY; 0 when the server names none.
    pub(crate) validity: u32,
    /// UIDNEXT where the server names it.
    pub(crate) next: Option<u32>,
    /// HIGHESTMODSEQ; `None` where the folder keeps none (RFC 7162 section 3.1.2).
    pub(crate) modseq: Option<u64>,
    /// How many messages are in it, as far as the server has said.
    pub(crate) exists: u32,
}

/// A signed-in connection.
#[derive(Debug)]
pub(crate) struct Session {
    wire: Wire,
    pub(crate) capabilities: Capabilities,
    pub(crate) tuning: Tuning,
    pub(crate) selected: Selected,
    pub(crate) unasked: Unasked,
    /// CONDSTORE and VANISHED have been switched on.
    pub(crate) qresync: bool,
    /// How many messages there were when arrivals were last looked at.
    looked: u32,
    /// The same of folders that were selected before, with UIDNEXT as it was then.
    left: HashMap<String, (u32, Option<u32>)>,
    /// A command has been sent whose answer is not read yet.
    busy: bool,
    /// The server is in IDLE and waits for DONE.
    pub(crate) idling: bool,
    /// Until when the server's certificate is good.
    pub(crate) certificate_until: Option<time::OffsetDateTime>,
    heard: Option<(IncomingSender, Clocked, Instant)>,
    /// Counts this connection as long as it is open.
    pub(crate) counted: Option<Counted>,
}

/// One step of a command's answer.
#[derive(Debug)]
pub(crate) enum Step {
    /// A response that belongs to the answer, or came with it.
    Reply(Reply),
    /// The tagged OK.
    Done(Status),
}

impl Session {
    pub(crate) fn new(wire: Wire, capabilities: Capabilities, tuning: Tuning) -> Self {
        Self {
            wire,
            capabilities,
            tuning,
            selected: Selected::default(),
            unasked: Unasked::default(),
            qresync: false,
            looked: 0,
            left: HashMap::new(),
            busy: false,
            idling: false,
            certificate_until: None,
            heard: None,
            counted: None,
        }
    }

    /// From here on each word of the server is noted in the account's status, at most once a second.
    pub(crate) fn note_words(&mut self, inbox: IncomingSender, clock: Clocked) {
        inbox.heard(clock.now());
        if let Some(until) = self.certificate_until {
            inbox.certificate(until);
        }
        self.heard = Some((inbox, clock, Instant::now()));
    }

    /// Sends a command; its answer is read with [`Self::step`].
    pub(crate) async fn send(&mut self, command: &str) -> Result<String> {
        self.busy = true;
        self.wire.send(command, self.tuning.command).await
    }

    /// Sends a bare line, such as `DONE`.
    pub(crate) async fn send_line(&mut self, line: &str) -> Result<()> {
        self.wire.send_line(line, self.tuning.command).await
    }

    /// Reads the next step of the answer to `sent`. A tagged `NO` or `BAD` is an error, never an end.
    pub(crate) async fn step(&mut self, sent: &str, doing: &'static str, silence: Duration) -> Result<Step> {
        match self.read(silence).await? {
            Reply::Status { tag: Some(tag), status } if tag == sent => {
                self.busy = false;
                match status.word {
                    Word::Ok => Ok(Step::Done(status)),
                    _ => Err(MailError::Refused { doing, said: status.into() }),
                }
            }
            // The tag may be a word of a message whose size the server has got wrong.
            Reply::Status { tag: Some(_), .. } => Err(MailError::Protocol("an answer to another command".to_owned())),
            reply => Ok(Step::Reply(reply)),
        }
    }

    /// Reads one response and notes what it says unasked.
    pub(crate) async fn read(&mut self, silence: Duration) -> Result<Reply> {
        let reply = self.wire.next(silence).await?;
        if let Some((inbox, clock, last)) = &mut self.heard
            && last.elapsed() >= Duration::from_secs(1)
        {
            inbox.heard(clock.now());
            *last = Instant::now();
        }
        match &reply {
            Reply::Exists(count) => {
                self.unasked.arrivals |= *count > self.selected.exists;
                self.selected.exists = *count;
            }
            Reply::Expunged => {
                self.unasked.changes = true;
                self.selected.exists = self.selected.exists.saturating_sub(1);
            }
            Reply::Vanished { earlier: false, uids } => {
                self.unasked.changes = true;
                let gone = u32::try_from(uids.len()).unwrap_or(u32::MAX);
                self.selected.exists = self.selected.exists.saturating_sub(gone);
            }
            Reply::Fetch(fetched) if fetched.body.is_none() => self.unasked.changes = true,
            Reply::Status { tag: None, status } if status.word == Word::Bye => {
                return Err(MailError::Bye(status.clone().into()));
            }
            Reply::Status { tag: None, status } if status.code == "ALERT" => {
                tracing::warn!(target: "skrynka::email", text = status.text, "Server alert");
            }
            _ => {}
        }
        Ok(reply)
    }

    /// Whether the server stopped in the middle of a response.
    pub(crate) fn is_cut(&self) -> bool {
        self.wire.has_begun()
    }

    /// Runs a command to its end and hands each response to `each`. It must come to its end in reasonable time.
    pub(crate) async fn run(
        &mut self,
        command: &str,
        doing: &'static str,
        each: impl FnMut(Reply) + Send,
    ) -> Result<Status> {
        let limit = self.tuning.command.saturating_mul(PATIENCE);
        within(limit, self.run_with_bodies(command, doing, each)).await
    }

    /// As [`Self::run`], for answers that hold bytes of messages and may take as long as those come.
    pub(crate) async fn run_with_bodies(
        &mut self,
        command: &str,
        doing: &'static str,
        mut each: impl FnMut(Reply) + Send,
    ) -> Result<Status> {
        let sent = self.send(command).await?;
        loop {
            match self.step(&sent, doing, self.tuning.command).await? {
                Step::Reply(reply) => each(reply),
                Step::Done(status) => return Ok(status),
            }
        }
    }

    /// Selects a folder for reading only: nothing this does can change a mark, not even `\Recent`.
    pub(crate) async fn examine(&mut self, name: &str) -> Result<()> {
        self.select("EXAMINE", name).await
    }

    /// Selects a folder so that marks can be set.
    pub(crate) async fn select_for_marks(&mut self, name: &str) -> Result<()> {
        self.select("SELECT", name).await
    }

    async fn select(&mut self, command: &str, name: &str) -> Result<()> {
        let condstore = !self.qresync && self.capabilities.has("CONDSTORE");
        let command = format!("{command} {}{}", quoted(name)?, if condstore { " (CONDSTORE)" } else { "" });
        let mut found = Selected { name: name.to_owned(), ..Selected::default() };
        let left = std::mem::take(&mut self.selected);
        if !left.name.is_empty() {
            self.left.insert(left.name, (self.looked, left.next));
        }
        let each = |reply| match reply {
            Reply::Exists(count) => found.exists = count,
            Reply::Status { tag: None, status } => {
                found.validity = status.number("UIDVALIDITY").unwrap_or(found.validity);
                found.next = status.number("UIDNEXT").or(found.next);
                found.modseq = status.number("HIGHESTMODSEQ").or(found.modseq);
            }
            _ => {}
        };
        self.run(&command, "open the folder", each).await?;
        found.modseq = found.modseq.filter(|modseq| *modseq > 0);
        tracing::info!(
            target: "skrynka::email",
            folder = crate::folder::display_name(name), exists = found.exists, uidvalidity = found.validity,
            uidnext = found.next, "Folder selected"
        );
        let before = self.left.get(name);
        // What arrived while another folder was selected is told by nothing else.
        let arrivals = before.is_some_and(|before| *before != (found.exists, found.next)) && found.exists > 0;
        self.looked = before.map_or(found.exists, |(looked, _)| (*looked).min(found.exists));
        self.selected = found;
        self.unasked = Unasked { arrivals, changes: false };
        Ok(())
    }

    /// Lists the UIDs that match `keys` (RFC 9051 section 6.4.4).
    pub(crate) async fn search(&mut self, keys: &str) -> Result<UidSet> {
        let extended = self.capabilities.has("ESEARCH") || self.capabilities.has("IMAP4REV2");
        let command = format!("UID SEARCH {}{keys}", if extended { "RETURN (ALL) " } else { "" });
        let mut found: Option<UidSet> = None;
        let (mut unreadable, mut is_list) = (false, false);
        let each = |reply| match reply {
            // A long list may come in several lines.
            Reply::Search(uids) => found = Some(found.take().unwrap_or_default().with(&uids)),
            Reply::Unreadable { start, .. } => {
                unreadable = true;
                is_list |= start.to_ascii_uppercase().contains("SEARCH");
            }
            _ => {}
        };
        self.run(&command, "list messages", each).await?;
        match found {
            Some(uids) if !is_list => Ok(uids),
            // Some servers leave the line out when nothing matches; an unreadable one must not pass for that.
            None if !unreadable => Ok(UidSet::default()),
            Some(_) | None => Err(MailError::Protocol("the list of messages".to_owned())),
        }
    }

    /// Puts a message into a folder (RFC 9051 section 6.3.12).
    pub(crate) async fn append(&mut self, folder: &str, flags: &str, message: &[u8]) -> Result<()> {
        let doing = "keep a copy";
        let silence = self.tuning.silence;
        let sent = self.send(&format!("APPEND {} ({flags}) {{{}}}", quoted(folder)?, message.len())).await?;
        loop {
            match self.step(&sent, doing, silence).await? {
                Step::Reply(Reply::Continue(_)) => break,
                Step::Reply(_) => {}
                Step::Done(_) => return Err(MailError::Protocol("APPEND ended before its message".to_owned())),
            }
        }
        self.wire.send_literal(message, silence).await?;
        while let Step::Reply(_) = self.step(&sent, doing, silence).await? {}
        Ok(())
    }

    /// How many messages were added since arrivals were last looked at.
    pub(crate) const fn grown(&self) -> u32 {
        self.selected.exists.saturating_sub(self.looked)
    }

    /// Notes that arrivals are being looked at: what the server says from here on is news again.
    pub(crate) const fn look_at_arrivals(&mut self) {
        self.unasked.arrivals = false;
        self.looked = self.selected.exists;
    }

    /// The numbers by which a change in a folder that is not selected shows.
    pub(crate) async fn status(&mut self, name: &str) -> Result<Vec<(String, u64)>> {
        let modseq = if self.capabilities.has("CONDSTORE") { " HIGHESTMODSEQ" } else { "" };
        let command = format!("STATUS {} (MESSAGES UIDNEXT UIDVALIDITY UNSEEN{modseq})", quoted(name)?);
        let mut found = Vec::new();
        self.run(&command, "look at a folder", |reply| {
            if let Reply::FolderStatus(items) = reply {
                found = items;
            }
        })
        .await?;
        Ok(found)
    }

    /// Asks for the room that messages may take (RFC 9208 section 4.1.2), where the server offers to tell.
    pub(crate) async fn quota(&mut self) -> Result<Option<Quota>> {
        if !self.capabilities.has("QUOTA") {
            return Ok(None);
        }
        let mut found: Option<Quota> = None;
        // Of several roots the fullest is the one that ends first.
        let share = |quota: &Quota| quota.used.saturating_mul(1000) / quota.limit.max(1);
        let asked = self
            .run("GETQUOTAROOT \"INBOX\"", "ask for the quota", |reply| {
                if let Reply::Storage { used, limit } = reply {
                    // Units of 1,024 bytes.
                    let quota = Quota { used: used.saturating_mul(1024), limit: limit.saturating_mul(1024) };
                    if found.as_ref().is_none_or(|before| share(&quota) > share(before)) {
                        found = Some(quota);
                    }
                }
            })
            .await;
        match asked {
            // A server may offer it and keep it from this user.
            Err(MailError::Refused { .. }) => Ok(None),
            asked => asked.map(|_| found),
        }
    }

    /// Lists all folders.
    pub(crate) async fn folders(&mut self) -> Result<Vec<Listed>> {
        let mut found: Vec<Listed> = Vec::new();
        self.run("LIST \"\" \"*\"", "list folders", |reply| {
            if let Reply::List(listed) = reply {
                found.push(listed);
            }
        })
        .await?;
        if !found.iter().any(|listed| listed.sent) && self.capabilities.has("SPECIAL-USE") {
            // A server may keep special uses out of a plain LIST (RFC 6154 section 2).
            let mut special = Vec::new();
            self.run("LIST (SPECIAL-USE) \"\" \"*\"", "list special folders", |reply| {
                if let Reply::List(listed) = reply {
                    special.push(listed);
                }
            })
            .await?;
            for listed in found.iter_mut() {
                listed.sent = special.iter().any(|other| other.sent && other.name == listed.name);
            }
        }
        Ok(found)
    }

    /// Switches on what lets changes be listed instead of compared (RFC 7162).
    pub(crate) async fn enable_qresync(&mut self) -> Result<()> {
        if self.capabilities.has("QRESYNC") && self.capabilities.has("ENABLE") {
            match self.run("ENABLE QRESYNC", "list changes", |_| {}).await {
                Ok(_) => self.qresync = true,
                // Advertised and refused: the plain way works too.
                Err(MailError::Refused { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    /// Says goodbye; in the middle of a long answer nobody waits for its end.
    pub(crate) async fn log_out(&mut self) {
        let deadline = self.tuning.logout;
        // Whatever comes of it, the connection is dropped.
        let _farewell = tokio::time::timeout(deadline, self.goodbye()).await;
    }

    async fn goodbye(&mut self) -> Result<()> {
        let patient = self.idling || !self.busy;
        if self.idling {
            self.send_line("DONE").await?;
        }
        let sent = self.wire.send("LOGOUT", self.tuning.command).await?;
        if !patient {
            return Ok(());
        }
        loop {
            match self.wire.next(self.tuning.command).await? {
                Reply::Status { tag: Some(tag), .. } if tag == sent => return Ok(()),
                _ => {}
            }
        }
    }
}
