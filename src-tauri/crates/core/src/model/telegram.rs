//! What is needed to reach a Telegram account; its secrets stand in the keyring.

use serde::{Deserialize, Serialize};

use super::{ChatKind, Endpoint};

/// A personal Telegram account's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TelegramSettings {
    /// Its phone number in E.164; empty where Telegram did not tell it.
    pub phone: String,
    /// The API ID, positive; its hash stands in the keyring.
    pub api_id: i32,
    /// The user that signed in. A session of another user is refused.
    pub user_id: i64,
    /// The number of its home data centre.
    pub home_dc: u8,
    /// Which chats are taken beside those with people.
    pub takes: TakenChats,
    /// Messages of the last so many days are fetched when the account is added; older ones when somebody asks.
    pub history_days: u16,
    /// Whether reading a chat here marks it read there.
    pub mark_read: bool,
    /// Files up to so many bytes are fetched as they come; larger ones when somebody opens them.
    pub file_limit: u64,
    /// A SOCKS5 proxy for every connection of this account.
    pub proxy: Option<Proxy>,
}

/// Which chats are taken beside those with people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenChats {
    /// Groups, supergroups and topics.
    pub groups: bool,
    /// Broadcast channels.
    pub channels: bool,
    /// Bots.
    pub bots: bool,
}

impl Default for TakenChats {
    fn default() -> Self {
        Self { groups: true, channels: false, bots: false }
    }
}

impl TakenChats {
    /// Tells whether chats of this kind are taken.
    pub const fn takes(self, kind: ChatKind) -> bool {
        match kind {
            ChatKind::Private => true,
            ChatKind::Bot => self.bots,
            ChatKind::Group | ChatKind::Supergroup | ChatKind::Topic => self.groups,
            ChatKind::Broadcast => self.channels,
        }
    }
}

/// A SOCKS5 proxy; its password stands in the keyring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxy {
    /// Where it listens.
    pub server: Endpoint,
    /// The name to sign in with; `None` where it asks for none.
    pub user: Option<String>,
}
