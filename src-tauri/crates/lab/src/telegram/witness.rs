//! What the network saw clients do.

use std::collections::BTreeMap;

use super::{AccountId, Chat, Key, MessageId, Network, cipher};

/// How many connections used a key at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Connections {
    pub now: usize,
    /// The greatest number at any moment.
    pub greatest: usize,
    /// How many there have been in all.
    pub total: usize,
}

/// A message that a client sent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SentByClient {
    pub message: MessageId,
    /// The id under which the sender sees it.
    pub id: i32,
    pub random_id: i64,
    pub chat: Chat,
    pub text: String,
    /// The message it answers, by the sender's id.
    pub reply_to: Option<i32>,
    /// Name, type and content of a file that came with it.
    pub file: Option<SentFile>,
}

/// A file that a client sent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SentFile {
    pub name: String,
    pub mime: String,
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

impl Network {
    /// Returns what the clients of an account sent, in order.
    pub fn sent_by(&self, account: AccountId) -> Vec<SentByClient> {
        self.world().accounts.get(&account.0).map(|account| account.sent.clone()).unwrap_or_default()
    }

    /// Returns up to which message the clients of an account marked each chat as read, in order.
    pub fn reads(&self, account: AccountId) -> Vec<(Chat, i32)> {
        self.world().accounts.get(&account.0).map(|account| account.reads.clone()).unwrap_or_default()
    }

    /// Returns how many connections used a key.
    pub fn connections(&self, key: &Key) -> Connections {
        self.world().keys.get(&cipher::key_id(key)).map(|entry| entry.connections).unwrap_or_default()
    }

    /// Returns the greatest number of connections that ever shared a key.
    pub fn greatest_with_one_key(&self) -> usize {
        self.world().keys.values().map(|entry| entry.connections.greatest).max().unwrap_or(0)
    }

    /// Returns how many connections are open in all.
    pub fn online(&self) -> usize {
        self.world().links.len()
    }

    /// Returns how often each method was asked, refused requests included.
    pub fn requests(&self) -> BTreeMap<String, u64> {
        self.world().requests.clone()
    }

    /// Returns how often one method was asked.
    pub fn requested(&self, method: &str) -> u64 {
        self.world().requests.get(method).copied().unwrap_or(0)
    }

    /// Returns what clients did that no honest client does: broken frames, wrong keys, unknown methods.
    pub fn complaints(&self) -> Vec<String> {
        self.world().complaints.clone()
    }

    /// Returns an account's update state: its pts.
    pub fn pts(&self, account: AccountId) -> i32 {
        self.world().accounts.get(&account.0).map_or(0, |account| account.mailbox.pts)
    }

    /// Returns a channel's pts.
    pub fn channel_pts(&self, chat: Chat) -> i32 {
        self.world().room(chat).map_or(0, |room| room.mailbox.pts)
    }

    /// Lets the account's owner scan a QR code: accepts the token of a sign-in that waits.
    pub fn accept_login_token(&self, account: AccountId, token: &[u8]) -> anyhow::Result<()> {
        self.world().accept_login_token(account.0, token)
    }
}
