//! Sessions of other programs: their strings and their files, recognised by structure.
//!
//! Everything here works on bytes in memory but [`from_file`], which reads one file. What is found is a secret:
//! it has no `Debug` that shows the key, and the key is wiped when it is dropped.

mod file;
mod text;

use std::{fmt, net::SocketAddr};

pub use self::{file::from_file, text::from_text};
use super::{Key, SessionSecret};

/// The program and layout a session comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Telethon's `StringSession`, with an IPv4 or IPv6 address.
    Telethon,
    /// GramJS's `StringSession`.
    GramJs,
    /// Pyrogram 2.
    Pyrogram2,
    /// Pyrogram 1.x with 64-bit user ids.
    Pyrogram1,
    /// Pyrogram 1.x with 32-bit user ids.
    Pyrogram1Old,
    /// Telethon's SQLite file.
    TelethonFile,
    /// Pyrogram's SQLite file.
    PyrogramFile,
}

impl Format {
    /// The name a person knows it by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Telethon => "Telethon",
            Self::GramJs => "GramJS",
            Self::Pyrogram2 => "Pyrogram 2",
            Self::Pyrogram1 | Self::Pyrogram1Old => "Pyrogram 1",
            Self::TelethonFile => "Telethon file",
            Self::PyrogramFile => "Pyrogram file",
        }
    }
}

/// A session as another program kept it.
#[derive(PartialEq, Eq)]
pub struct Found {
    /// Where it comes from.
    pub format: Format,
    /// The data centre it belongs to, 1 to 5.
    pub dc: i32,
    /// The address inside it, where the format has one.
    pub address: Option<SocketAddr>,
    /// Whose it is, where the format says so.
    pub user_id: Option<i64>,
    /// The API ID it was made with, where the format says so.
    pub api_id: Option<i32>,
    key: Key,
}

impl Found {
    /// Turns it into Skrynka's own form.
    pub fn into_secret(self) -> SessionSecret {
        SessionSecret::new(self.dc, self.address, self.key)
    }

    /// Checks what every format has in common.
    fn checked(self) -> Result<Self, FormatError> {
        if !(1..=5).contains(&self.dc) {
            return Err(FormatError::DataCentre(self.dc));
        }
        if self.key.is_zero() {
            return Err(FormatError::ZeroKey);
        }
        if self.address.is_some_and(|address| address.port() == 0 || address.ip().is_unspecified()) {
            return Err(FormatError::Address);
        }
        Ok(self)
    }
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { format, dc, address, user_id, api_id, key: _ } = self;
        f.debug_struct("Found")
            .field("format", format)
            .field("dc", dc)
            .field("address", address)
            .field("user_id", user_id)
            .field("api_id", api_id)
            .finish_non_exhaustive()
    }
}

/// Why something is not a session that can be used. Never carries a part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// Nothing was given.
    #[error("the session is empty")]
    Empty,
    /// More was given than any session has.
    #[error("this is far too long for a session ({0} characters)")]
    TooLong(usize),
    /// It begins with a byte order mark or another invisible character.
    #[error("an invisible character (byte order mark) stands before the session; copy the session alone")]
    ByteOrderMark,
    /// It stands in quotation marks.
    #[error("the session stands in quotation marks; copy it without them")]
    Quoted,
    /// There are spaces or line breaks inside it.
    #[error("there are spaces or line breaks inside the session; copy it in one piece")]
    Spaces,
    /// The same string stands there twice.
    #[error("the session was pasted twice")]
    Doubled,
    /// The end is missing.
    #[error("the session is cut off")]
    Truncated,
    /// It holds characters that no session string has.
    #[error("this is not a session string: it holds characters that none has")]
    NotBase64,
    /// It decodes to bytes that no known program writes.
    #[error("this is not a session of Telethon, GramJS or Pyrogram")]
    UnknownLayout,
    /// There is no such data centre.
    #[error("the session names data centre {0}; Telegram has 1 to 5")]
    DataCentre(i32),
    /// The key is all zero: the program that wrote it had not signed in.
    #[error("the session holds no key: whoever made it had not signed in")]
    ZeroKey,
    /// The address inside it cannot be connected to.
    #[error("the address inside the session cannot be used")]
    Address,
    /// It belongs to a bot.
    #[error("the session belongs to a bot; Skrynka works with personal accounts")]
    Bot,
    /// It belongs to Telegram's test servers.
    #[error("the session belongs to Telegram's test servers")]
    TestServers,
    /// The file could not be read.
    #[error("the session file cannot be read: {0}")]
    Unreadable(String),
    /// Another program has the file locked.
    #[error("another program is using the session file; close that program first")]
    InUse,
    /// The file is a damaged database.
    #[error("the session file is damaged")]
    Damaged,
    /// The file belongs to another kind of program.
    #[error("the file is not a session of Telethon or Pyrogram")]
    ForeignFile,
}
