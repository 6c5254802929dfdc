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
    /// Something that one program asks of another.
    RequestId
}
id! {
    /// Something that somebody writes; unique within its account.
    DraftId
}
id! {
    /// A person or a company the bureau corresponds with.
    ContactId
}
id! {
    /// A text that is written again and again.
    TemplateId
}

impl AccountId {
    /// The bureau itself: the journal's counter for facts that belong to no account.
    pub const BUREAU: Self = Self(Uuid::nil());
}

impl MessageId {
    /// Makes the key of a chat message. Keys of one chat sort by time and then by number: Telegram's times are whole
    /// seconds, and messages of one second keep their order.
    pub fn in_chat(received_at: OffsetDateTime, number: u32) -> Self {
        let millis = u64::try_from(received_at.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
        let mut tail = *Self::new(received_at).0.as_bytes();
        // Behind the time a UUIDv7 has 12 bits, then two fixed ones, then 62: the number takes the first 32 of them.
        let [a, b] = u16::try_from(number >> 20).unwrap_or(0).to_be_bytes();
        let low = (number & 0x000F_FFFF) << 2;
        tail[6] = a;
        tail[7] = b;
        tail[8] = (low >> 16).to_le_bytes()[0];
        tail[9] = (low >> 8).to_le_bytes()[0];
        tail[10] = low.to_le_bytes()[0] | (tail[10] & 0b11);
        let mut bytes = [0; 10];
        bytes.copy_from_slice(&tail[6..]);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
    }
}

/// What a self-test's message carries before its key.
const SELF_TEST: &str = "selftest.";

impl OutgoingId {
    /// What a self-test that goes out under this key is known by: of a mail its Message-ID begins with it, and the text of
    /// a chat holds it.
    pub fn self_test_mark(self) -> String {
        format!("{SELF_TEST}{}", self.0.simple())
    }

    /// The key of the self-test whose mark stands in a text.
    pub fn of_self_test(text: &str) -> Option<Self> {
        let (_, after) = text.split_once(SELF_TEST)?;
        Uuid::try_parse(after.get(..32)?).ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn messages_of_one_second_keep_the_order_of_their_numbers() {
        let at = datetime!(2026-11-25 10:00:01 UTC);
        let numbers = [0, 1, 2, 63, 64, 1 << 14, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 1 << 31, u32::MAX];
        let ids: Vec<MessageId> = numbers.iter().map(|number| MessageId::in_chat(at, *number)).collect();
        assert!(ids.is_sorted(), "{ids:?}");
        assert!(ids.iter().all(|id| id.0.get_version_num() == 7));
        assert!(MessageId::in_chat(at - time::Duration::seconds(1), u32::MAX) < ids[0]);
        assert_ne!(MessageId::in_chat(at, 7), MessageId::in_chat(at, 7), "chats share times and numbers");
    }
}
