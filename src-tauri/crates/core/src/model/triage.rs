//! Whose turn it is with a conversation.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Whose turn it is with a conversation. A new message of the customer opens it again, whatever it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Triage {
    /// The bureau's.
    Open,
    /// The customer's, or somebody else's: nothing to do until they write.
    Pending,
    /// Nobody's any more.
    Done,
}

impl Triage {
    /// The word the database uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Pending => "pending",
            Self::Done => "done",
        }
    }
}

impl FromStr for Triage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "open" => Ok(Self::Open),
            "pending" => Ok(Self::Pending),
            "done" => Ok(Self::Done),
            other => Err(format!("unknown triage {other:?}")),
        }
    }
}
