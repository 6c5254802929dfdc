//! Identifiers. Every one is a UUIDv7, so that keys grow with time and an account's rows lie together.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::{NoContext, Timestamp, Uuid};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Makes a new identifier that sorts by `now`.
            pub fn new(now: OffsetDateTime) -> Self {
                let seconds = u64::try_from(now.unix_timestamp()).unwrap_or(0);
                Self(Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.nanosecond())))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

id! {
    /// One mailbox or one Telegram account of the bureau.
    AccountId
}
id! {
    /// A thread of mails or a chat; unique within its account.
    ConversationId
}
id! {
    /// One message; unique within its account.
    MessageId
}
id! {
    /// One file of a message; unique within its account.
    AttachmentId
}
id! {
    /// A text on its way out; unique within its account.
    OutgoingId
}
id! {
    /// A person or a company the bureau corresponds with.
    ContactId
}

impl AccountId {
    /// The bureau itself: the journal's counter for facts that belong to no account.
    pub const BUREAU: Self = Self(Uuid::nil());
}
