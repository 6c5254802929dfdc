//! The nouns of the product, without I/O.

mod account;
mod chat;
mod ids;
mod message;
mod telegram;
mod triage;

pub use account::{
    Account, AccountState, Auth, Channel, EmailSettings, Endpoint, ParseEndpointError, Security, Trouble, TroubleCode,
};
pub use chat::{
    ChatKey, ChatKind, Entity, EntityKind, Forward, Media, MediaFile, MediaKind, ParsePeerError, Peer, PeerKind,
    PollAnswer, Reaction, Service, ServiceKind, VoiceNote,
};
pub use ids::{
    AccountId, AttachmentId, ContactId, ConversationId, DraftId, MessageId, OutgoingId, RequestId, TemplateId,
};
pub use message::{Address, AttachmentPart, Direction, Place, is_plausible_address};
pub use telegram::{Proxy, TakenChats, TelegramSettings};
pub use triage::Triage;
