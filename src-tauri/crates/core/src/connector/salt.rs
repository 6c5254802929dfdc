//! Names that tell nobody whose they are.

use sha2::{Digest as _, Sha256};

/// Before the name of a cursor that says nothing of its chat.
const HIDDEN: &str = "forgotten:";

/// What goes into every hash of this installation.
#[derive(Clone)]
pub struct Salt(Vec<u8>);

impl Salt {
    /// Takes what the database holds.
    pub(crate) const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Hashes what is known of something, as the database does.
    pub(crate) fn key(&self, kind: &str, value: &str) -> Vec<u8> {
        let mut hasher = Sha256::new();
        for part in [&self.0, kind.as_bytes(), b":", value.as_bytes()] {
            hasher.update(part);
        }
        hasher.finalize().to_vec()
    }

    /// The name under which the cursor of a chat is kept whose other side asked that nothing be kept of them.
    pub(crate) fn cursor(&self, mailbox: &str) -> String {
        self.key("mailbox", mailbox).iter().fold(HIDDEN.to_owned(), |name, byte| format!("{name}{byte:02x}"))
    }
}

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt")
    }
}
