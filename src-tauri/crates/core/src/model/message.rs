//! Messages and where they stand on the server.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Who wrote: the customer or the bureau.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the other side to us.
    In,
    /// From us to the other side.
    Out,
}

impl Direction {
    /// The word the database and the export use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

impl FromStr for Direction {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "in" => Ok(Self::In),
            "out" => Ok(Self::Out),
            other => Err(format!("unknown direction {other:?}")),
        }
    }
}

/// Where a message stands on the other side; unique within its account.
///
/// For mail this is folder, UIDVALIDITY and UID (RFC 9051 section 2.3.1.1), which together never name another
/// message again. For Telegram it is the chat as [`super::Peer`] writes it, epoch 0 (which is no UIDVALIDITY), and the
/// message's id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The folder, or the chat.
    pub mailbox: String,
    /// The mailbox's UIDVALIDITY; 0 where the network has none.
    pub epoch: u32,
    /// The message's number within mailbox and epoch.
    pub number: u32,
}

impl Place {
    /// Where a mail of ours stands until a copy of it is known in a folder.
    pub const OUTBOX: &'static str = "outbox";

    /// The place of a sent mail of which no copy in a folder is known. No folder has epoch 0.
    pub fn outbox(number: u32) -> Self {
        Self { mailbox: Self::OUTBOX.to_owned(), epoch: 0, number }
    }

    /// Where a message stands that came over from the old system, until its server tells of it. A chat's has epoch 1,
    /// which no chat has; a mail's epoch 0, which no folder has.
    pub const ADOPTED: &'static str = "adopted";

    /// Whether it is such a place.
    pub fn is_outbox(&self) -> bool {
        self.epoch == 0 && self.mailbox == Self::OUTBOX
    }
}

impl fmt::Display for Place {
    /// Writes the remote key: a mail's in the words of RFC 5092, `INBOX;UIDVALIDITY=7/;UID=42`; a chat message's as
    /// `user:777000/42`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.epoch == 0 {
            return write!(f, "{}/{}", self.mailbox, self.number);
        }
        write!(f, "{};UIDVALIDITY={}/;UID={}", self.mailbox, self.epoch, self.number)
    }
}

/// A name with a mail address; either may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Address {
    /// The display name as its sender wrote it, decoded, without control characters.
    pub name: String,
    /// The address in its own spelling.
    pub address: String,
}

/// A file of a message: a part of its raw bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentPart {
    /// Its place among the parts of the message, counted by the parser from 0.
    pub part: u32,
    /// The name its sender gave it, decoded; may be empty.
    pub name: String,
    /// Its media type, `type/subtype` in lower case.
    pub mime: String,
    /// Decoded size in bytes.
    pub size: u64,
    /// SHA-256 of the decoded content.
    pub sha256: [u8; 32],
    /// Its Content-ID without angle brackets.
    pub content_id: Option<String>,
    /// Whether the HTML body shows it in place.
    pub inline: bool,
}

/// Tells whether `text` can be a mail address: one `@` with something on both sides, no spaces or control characters.
///
/// Stricter rules belong to the server that delivers.
pub fn is_plausible_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    !local.is_empty()
        && !local.contains('@')
        && domain.split('.').all(|label| !label.is_empty())
        && text.len() <= 254
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';' | '"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_in_the_words_of_its_network() {
        let mail = Place { mailbox: "INBOX".to_owned(), epoch: 7, number: 42 };
        assert_eq!(mail.to_string(), "INBOX;UIDVALIDITY=7/;UID=42");
        let peer: super::super::Peer = "channel:5".parse().unwrap();
        assert_eq!(peer.place(42).to_string(), "channel:5/42");
    }

    #[test]
    fn a_plausible_address_has_one_at_and_no_spaces() {
        for good in ["a@b", "olena.verbytska@example.org", "o'neil+x@sub.example.org", "пошта@приклад.укр"]
        {
            assert!(is_plausible_address(good), "{good}");
        }
        for bad in ["", "a", "@b", "a@", "a@@b", "a b@c", "a@b..c", "<a@b>", "a@b,c@d", "a\0@b"] {
            assert!(!is_plausible_address(bad), "{bad:?}");
        }
    }
}
