//! Updates that the library's message boxes can take: it panics over those that no correct server sends.

use grammers_session::updates::UpdatesLike;
use grammers_tl_types as tl;

/// Keeps what is sound of what was told.
pub(super) fn only(told: UpdatesLike) -> UpdatesLike {
    use tl::enums::Updates as Told;
    match told {
        UpdatesLike::Updates(Told::Updates(mut told)) => {
            told.updates = updates(told.updates);
            UpdatesLike::Updates(told.into())
        }
        UpdatesLike::Updates(Told::Combined(mut told)) => {
            told.updates = updates(told.updates);
            UpdatesLike::Updates(told.into())
        }
        UpdatesLike::Updates(Told::UpdateShort(told)) => match updates(vec![told.update]).pop() {
            Some(update) => UpdatesLike::Updates(tl::types::UpdateShort { update, date: told.date }.into()),
            None => UpdatesLike::MalformedUpdates,
        },
        other => other,
    }
}

/// The channels that are told to have too much news to be pushed.
pub(super) fn too_long(told: &UpdatesLike) -> Vec<i64> {
    use tl::enums::Updates as Told;
    let updates = match told {
        UpdatesLike::Updates(Told::Updates(told)) => told.updates.as_slice(),
        UpdatesLike::Updates(Told::UpdateShort(told)) => std::slice::from_ref(&told.update),
        _ => &[],
    };
    too_long_among(updates)
}

/// The same of a difference.
pub(super) fn too_long_in(difference: &tl::enums::updates::Difference) -> Vec<i64> {
    use tl::enums::updates::Difference;
    match difference {
        Difference::Difference(difference) => too_long_among(&difference.other_updates),
        Difference::Slice(difference) => too_long_among(&difference.other_updates),
        Difference::Empty(_) | Difference::TooLong(_) => Vec::new(),
    }
}

fn too_long_among(updates: &[tl::enums::Update]) -> Vec<i64> {
    let channels = updates.iter().filter_map(|update| match update {
        tl::enums::Update::ChannelTooLong(update) => Some(update.channel_id),
        _ => None,
    });
    channels.collect()
}

/// Keeps what is sound of a difference.
pub(super) fn difference(difference: tl::enums::updates::Difference) -> tl::enums::updates::Difference {
    use tl::enums::updates::Difference;
    match difference {
        Difference::Difference(mut difference) => {
            difference.other_updates = updates(difference.other_updates);
            difference.into()
        }
        Difference::Slice(mut difference) => {
            difference.other_updates = updates(difference.other_updates);
            difference.into()
        }
        other => other,
    }
}

pub(super) fn updates(mut updates: Vec<tl::enums::Update>) -> Vec<tl::enums::Update> {
    updates.retain(is_sound);
    for update in &mut updates {
        // The boxes would go on from this state, past everything that is not known yet.
        if let tl::enums::Update::ChannelTooLong(update) = update {
            update.pts = None;
        }
    }
    updates
}

/// Whether an update brings a message.
pub(super) const fn is_new(update: &tl::enums::Update) -> bool {
    matches!(update, tl::enums::Update::NewMessage(_) | tl::enums::Update::NewChannelMessage(_))
}

/// The account's own sequence holds nothing of channels.
fn is_sound(update: &tl::enums::Update) -> bool {
    use tl::enums::Update;
    let peer = match update {
        Update::NewMessage(update) => message_peer(&update.message),
        Update::EditMessage(update) => message_peer(&update.message),
        Update::ReadHistoryInbox(update) => Some(&update.peer),
        Update::ReadHistoryOutbox(update) => Some(&update.peer),
        Update::PinnedMessages(update) => Some(&update.peer),
        _ => None,
    };
    !matches!(peer, Some(tl::enums::Peer::Channel(_)))
}

const fn message_peer(message: &tl::enums::Message) -> Option<&tl::enums::Peer> {
    match message {
        tl::enums::Message::Message(message) => Some(&message.peer_id),
        tl::enums::Message::Service(message) => Some(&message.peer_id),
        tl::enums::Message::Empty(message) => message.peer_id.as_ref(),
    }
}

#[cfg(test)]
mod tests {
    use grammers_session::updates::MessageBoxes;

    use super::*;

    #[test]
    fn a_channel_in_the_accounts_sequence_does_not_panic() {
        let peer = tl::enums::Peer::Channel(tl::types::PeerChannel { channel_id: 5 });
        let update = tl::types::UpdateReadHistoryOutbox { peer, max_id: 1, pts: 2, pts_count: 1 };
        let told = tl::types::UpdateShort { update: update.into(), date: 1 };
        let told = only(UpdatesLike::Updates(tl::enums::Updates::UpdateShort(told)));
        assert!(matches!(told, UpdatesLike::MalformedUpdates));
        assert!(MessageBoxes::new().process_updates(told).is_err());
    }
}
