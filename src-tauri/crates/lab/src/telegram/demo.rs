//! The bureau's Telegram accounts for the demo.

use super::AccountId;

/// Accounts and chats that live.
pub struct Demo {
    pub accounts: Vec<AccountId>,
}
