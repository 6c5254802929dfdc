//! Every time limit and size limit of the mail crate in one place.

use std::time::Duration;

/// Time and size limits. The defaults are for production; tests shorten them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tuning {
    /// Resolving a name and reaching any of its addresses, each.
    pub connect: Duration,
    /// The longest silence while a command is answered.
    pub command: Duration,
    /// The longest silence in the middle of a FETCH.
    pub silence: Duration,
    /// IDLE is renewed after this long. Servers hang up after 30 minutes (RFC 2177), address translators after 5.
    pub idle_renew: Duration,
    /// How often a server without IDLE is asked.
    pub poll: Duration,
    /// How often the folders beside INBOX are looked at while INBOX is watched.
    pub others: Duration,
    /// How often INBOX is looked at while another folder is being read for the first time.
    pub glance: Duration,
    /// How often marks and deletions are compared on a server that cannot list changes.
    pub sweep: Duration,
    /// The longest wait for LOGOUT.
    pub logout: Duration,
    /// Two refusals of the password count as a wrong password when they are at least this far apart.
    pub second_refusal: Duration,
    /// Messages asked for in one FETCH.
    pub range: usize,
    /// A group of messages is parsed together once it holds this many bytes.
    pub group_bytes: usize,
    /// A message above this size is read in parts into a file.
    pub large: u32,
    /// The size of such a part.
    pub part: u32,
    /// A message above this size is not read; only its headers are kept.
    pub max_message: u32,
    /// The pause before a message that the server did not give is asked for again; each attempt doubles it.
    pub owed: Duration,
    /// The pause before marks that could not be set are tried again; each attempt makes it longer.
    pub mark_again: Duration,
    /// The longest silence while a mail is being offered (RFC 5321 section 4.5.3.2).
    pub submit: Duration,
    /// The longest wait for the answer to the end of a mail. RFC 5321 section 4.5.3.2.6 gives a server ten minutes.
    pub accepted: Duration,
    /// How long a connection for sending waits for the next mail.
    pub kept_line: Duration,
    /// How many of the newest messages are compared for marks and deletions where the server cannot list changes.
    pub recent: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            command: Duration::from_secs(30),
            silence: Duration::from_secs(60),
            idle_renew: Duration::from_secs(270),
            poll: Duration::from_secs(60),
            others: Duration::from_secs(120),
            glance: Duration::from_secs(15),
            sweep: Duration::from_secs(180),
            logout: Duration::from_secs(2),
            second_refusal: Duration::from_secs(10),
            range: 250,
            group_bytes: 4 << 20,
            large: 8 << 20,
            part: 1 << 20,
            max_message: 150 << 20,
            owed: Duration::from_secs(3600),
            mark_again: Duration::from_secs(15),
            submit: Duration::from_secs(300),
            accepted: Duration::from_secs(600),
            kept_line: Duration::from_secs(30),
            recent: 5_000,
        }
    }
}
