//! The nouns of the product, without I/O.

mod account;
mod ids;
mod message;

pub use account::{
    Account, AccountState, Channel, EmailSettings, Endpoint, ParseEndpointError, Security, Trouble, TroubleCode,
};
pub use ids::{AccountId, AttachmentId, ContactId, ConversationId, MessageId};
pub use message::{Address, AttachmentPart, Direction, Place, is_plausible_address};
