//! Lines of a chat that nobody typed.

use grammers_tl_types as tl;
use skrynka_core::model::{Service, ServiceKind};

use super::constructor;
use crate::peers::{Book, clean, user};

/// Reads what happened. `out` tells whether this account did it.
pub(super) fn of(action: &tl::enums::MessageAction, book: &Book, out: bool) -> Service {
    use tl::enums::MessageAction as Action;
    let names = |users: &[i64]| {
        let names = users.iter().filter_map(|id| book.name(user(*id)));
        names.collect::<Vec<_>>().join(", ")
    };
    let (kind, about) = match action {
        Action::PhoneCall(call) => return phone_call(call, out),
        Action::ChatCreate(action) => (ServiceKind::ChatCreated, clean(&action.title)),
        Action::ChannelCreate(action) => (ServiceKind::ChatCreated, clean(&action.title)),
        Action::ChatEditTitle(action) => (ServiceKind::TitleChanged, clean(&action.title)),
        Action::ChatEditPhoto(_) | Action::ChatDeletePhoto => (ServiceKind::PhotoChanged, String::new()),
        Action::ChatAddUser(action) => (ServiceKind::MembersJoined, names(&action.users)),
        Action::ChatJoinedByLink(_) | Action::ChatJoinedByRequest | Action::ChatJoinedViaCommunity(_) => {
            (ServiceKind::MembersJoined, String::new())
        }
        Action::ChatDeleteUser(action) => (ServiceKind::MemberLeft, names(&[action.user_id])),
        Action::ChatMigrateTo(_) => (ServiceKind::Migrated, String::new()),
        Action::ChannelMigrateFrom(action) => (ServiceKind::Migrated, clean(&action.title)),
        Action::PinMessage => (ServiceKind::MessagePinned, String::new()),
        Action::TopicCreate(action) => (ServiceKind::TopicChanged, clean(&action.title)),
        Action::TopicEdit(action) => {
            (ServiceKind::TopicChanged, action.title.as_deref().map(clean).unwrap_or_default())
        }
        Action::ContactSignUp => (ServiceKind::ContactSignedUp, String::new()),
        Action::HistoryClear => (ServiceKind::HistoryCleared, String::new()),
        other => (ServiceKind::Other, constructor(other)),
    };
    Service { kind, about, seconds: None }
}

/// A call that nobody took was missed only by who was called.
fn phone_call(call: &tl::types::MessageActionPhoneCall, out: bool) -> Service {
    use tl::enums::PhoneCallDiscardReason as Reason;
    let unanswered = matches!(call.reason, Some(Reason::Missed | Reason::Busy));
    let kind = if unanswered && !out { ServiceKind::MissedCall } else { ServiceKind::Call };
    Service { kind, about: String::new(), seconds: call.duration.and_then(|seconds| u32::try_from(seconds).ok()) }
}
