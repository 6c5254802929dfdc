//! Chats as the window sees them.

use skrynka_core::{
    model::{AccountId, ChatKind, Entity, EntityKind, Media},
    store::{Answered, MessageVersion, OutgoingState, StoredChat, StoredFile, StoredMedia, StoredOutgoing},
};
use skrynka_telegram::sign_in::SignedInUser;

use crate::{
    media_scheme,
    sign_ins::Reached,
    wire::{
        ChatAuthorView, ChatMediaView, ChatMessageView, EntityName, EntityView, ForwardView, MediaView,
        MessageVersionView, OutgoingForwardView, OutgoingStateName, OutgoingView, PollAnswerView, ReactionView,
        ReplyView, ServiceView, SignInStep, TelegramUser, count, stamp,
    },
};

/// Bits of one value of a voice message's loudness.
const LOUDNESS_BITS: usize = 5;

/// What a chat message has beside a mail. `author` is the message's author's name.
pub fn chat_message(chat: StoredChat, author: &str) -> ChatMessageView {
    ChatMessageView {
        author: chat.author.map(|peer| ChatAuthorView {
            peer: peer.to_string(),
            username: chat.author_username,
            initials: initials(author),
        }),
        entities: chat.entities.into_iter().map(entity).collect(),
        media: chat.media.and_then(media),
        reply: reply(chat.answers, chat.reply_to),
        forward: chat.forward.map(|forward| ForwardView { name: forward.name, sent_at: stamp(forward.sent_at) }),
        service: chat.service.map(|service| ServiceView {
            kind: service.kind.into(),
            about: service.about,
            seconds: service.seconds,
        }),
        reactions: chat
            .reactions
            .into_iter()
            .map(|reaction| ReactionView { emoji: reaction.emoji, count: reaction.count, mine: reaction.mine })
            .collect(),
        edited_at: chat.edited_at.map(stamp),
        versions: count(chat.versions),
        read_there: chat.read_there,
        album: chat.items.iter().map(ToString::to_string).collect(),
    }
}

fn reply(answers: Option<Answered>, number: Option<u32>) -> Option<ReplyView> {
    match (answers, number) {
        (Some(answered), _) => Some(ReplyView {
            message: Some(answered.message.to_string()),
            author: answered.author,
            text: answered.text,
        }),
        (None, Some(_)) => Some(ReplyView { message: None, author: String::new(), text: String::new() }),
        (None, None) => None,
    }
}

/// How a stretch of text is shown.
pub fn entity(entity: Entity) -> EntityView {
    let (kind, url, language) = match entity.kind {
        EntityKind::Mention => (EntityName::Mention, None, None),
        EntityKind::Hashtag => (EntityName::Hashtag, None, None),
        EntityKind::Cashtag => (EntityName::Cashtag, None, None),
        EntityKind::BotCommand => (EntityName::BotCommand, None, None),
        EntityKind::Url => (EntityName::Url, None, None),
        EntityKind::Email => (EntityName::Email, None, None),
        EntityKind::Phone => (EntityName::Phone, None, None),
        EntityKind::BankCard => (EntityName::BankCard, None, None),
        EntityKind::Bold => (EntityName::Bold, None, None),
        EntityKind::Italic => (EntityName::Italic, None, None),
        EntityKind::Underline => (EntityName::Underline, None, None),
        EntityKind::Strike => (EntityName::Strike, None, None),
        EntityKind::Spoiler => (EntityName::Spoiler, None, None),
        EntityKind::Code => (EntityName::Code, None, None),
        EntityKind::Pre { language } => (EntityName::Pre, None, Some(language)),
        EntityKind::Blockquote => (EntityName::Blockquote, None, None),
        EntityKind::TextUrl { url } => (EntityName::TextUrl, Some(url), None),
        EntityKind::MentionName { .. } => (EntityName::MentionName, None, None),
        EntityKind::CustomEmoji { .. } => (EntityName::CustomEmoji, None, None),
    };
    EntityView { offset: entity.offset, length: entity.length, kind, url, language }
}

/// Reads a stretch of a text that a person writes; `None` for one that only Telegram finds or that names somebody.
pub fn read_entity(view: EntityView) -> Option<Entity> {
    let kind = match view.kind {
        EntityName::Bold => EntityKind::Bold,
        EntityName::Italic => EntityKind::Italic,
        EntityName::Underline => EntityKind::Underline,
        EntityName::Strike => EntityKind::Strike,
        EntityName::Spoiler => EntityKind::Spoiler,
        EntityName::Code => EntityKind::Code,
        EntityName::Pre => EntityKind::Pre { language: view.language.unwrap_or_default() },
        EntityName::Blockquote => EntityKind::Blockquote,
        EntityName::TextUrl => EntityKind::TextUrl { url: view.url? },
        EntityName::Mention
        | EntityName::Hashtag
        | EntityName::Cashtag
        | EntityName::BotCommand
        | EntityName::Url
        | EntityName::Email
        | EntityName::Phone
        | EntityName::BankCard
        | EntityName::MentionName
        | EntityName::CustomEmoji => return None,
    };
    Some(Entity { offset: view.offset, length: view.length, kind })
}

fn media(media: Media) -> Option<ChatMediaView> {
    Some(match media {
        Media::File(_) => return None,
        Media::Location { latitude, longitude, title, address } => {
            ChatMediaView::Location { latitude, longitude, title, address }
        }
        Media::Contact { name, phone, .. } => ChatMediaView::Contact { name, phone },
        Media::Poll { question, answers, voters, closed } => ChatMediaView::Poll {
            question,
            answers: answers
                .into_iter()
                .map(|answer| PollAnswerView { text: answer.text, voters: answer.voters, chosen: answer.chosen })
                .collect(),
            voters,
            closed,
        },
        Media::WebPage { url, site, title, description } => ChatMediaView::WebPage { url, site, title, description },
        Media::Unsupported { what } => ChatMediaView::Unsupported { what },
    })
}

/// What a chat's file has beside a mail's.
pub fn chat_file(account: AccountId, file: &StoredFile, media: StoredMedia) -> MediaView {
    MediaView {
        kind: media.kind.into(),
        width: media.width,
        height: media.height,
        duration_ms: media.duration_ms,
        waveform: media.waveform.as_deref().map(loudness).unwrap_or_default(),
        thumbnail: media.has_thumbnail.then(|| media_scheme::thumbnail_url(account, file.id)),
        url: media.fetched.then(|| media_scheme::file_url(account, file.id)),
    }
}

/// A name for a file whose sender gave it none.
pub fn file_name(file: &StoredFile) -> String {
    let nameless = file
        .media
        .as_ref()
        .filter(|media| file.name.trim().is_empty() || media.kind == skrynka_core::model::MediaKind::Sticker);
    let name = match nameless {
        Some(media) => format!("{}-{}", media.kind.as_str(), short(&file.id.to_string())),
        None => file.name.clone(),
    };
    skrynka_mail::parse::clean_file_name(&name, &file.mime)
}

/// The last characters of an id, which differ from file to file.
fn short(id: &str) -> &str {
    id.get(id.len().saturating_sub(8)..).unwrap_or(id)
}

/// Unpacks values of five bits each, lowest bits first.
pub(super) fn loudness(packed: &[u8]) -> Vec<u8> {
    (0..packed.len() * 8 / LOUDNESS_BITS)
        .map(|at| {
            let (byte, shift) = (at * LOUDNESS_BITS / 8, at * LOUDNESS_BITS % 8);
            let low = u16::from(packed.get(byte).copied().unwrap_or(0));
            let high = u16::from(packed.get(byte + 1).copied().unwrap_or(0));
            let [value, _] = (((high << 8 | low) >> shift) & 0x1f).to_le_bytes();
            value
        })
        .collect()
}

/// Whether a text can be sent to a chat of this kind.
pub const fn is_writable(kind: ChatKind) -> bool {
    match kind {
        ChatKind::Private | ChatKind::Bot | ChatKind::Group | ChatKind::Supergroup | ChatKind::Topic => true,
        ChatKind::Broadcast => false,
    }
}

/// A text of ours that is not among the chat's messages yet.
pub fn outgoing(text: StoredOutgoing) -> OutgoingView {
    OutgoingView {
        account: text.account.to_string(),
        id: text.id.to_string(),
        conversation: text.conversation.map(|id| id.to_string()),
        text: text.text,
        entities: text.entities.into_iter().map(entity).collect(),
        reply: reply(text.answers, text.reply_to),
        state: match text.state {
            OutgoingState::Waiting => OutgoingStateName::Waiting,
            OutgoingState::Sending => OutgoingStateName::Sending,
            OutgoingState::Sent => OutgoingStateName::Sent,
            OutgoingState::Failed => OutgoingStateName::Failed,
            OutgoingState::Uncertain => OutgoingStateName::Uncertain,
        },
        tries: count(text.tries),
        error: text.error.map(Into::into),
        created_at: stamp(text.created_at),
        send_at: text.send_at.map(stamp),
        again_at: text.not_before.map(stamp),
        mail: text.mail.map(super::outbox::mail),
        files: text.files.into_iter().map(super::outbox::attached).collect(),
        forward: text.forward.map(|passed| OutgoingForwardView {
            author: passed.author,
            words: passed.words,
            nameless: passed.nameless,
        }),
    }
}

/// An earlier version of a message.
pub fn version(version: MessageVersion) -> MessageVersionView {
    MessageVersionView {
        text: version.text,
        entities: version.entities.into_iter().map(entity).collect(),
        edited_at: version.edited_at.map(stamp),
        replaced_at: stamp(version.replaced_at),
    }
}

/// What follows a step of a sign-in.
pub fn sign_in_step(reached: Reached) -> SignInStep {
    match reached {
        Reached::Password(hint) => SignInStep::Password { hint },
        Reached::User(user) => SignInStep::SignedIn { user: telegram_user(user) },
    }
}

fn telegram_user(user: SignedInUser) -> TelegramUser {
    TelegramUser {
        id: user.id.to_string(),
        name: user.name,
        username: user.username,
        phone: user.phone,
        dc: u8::try_from(user.dc).unwrap_or(0),
    }
}

/// The initials of two words, or of one.
pub fn initials(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.filter_map(|word| word.chars().next()).take(2).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loudness_is_unpacked_five_bits_at_a_time() {
        // 1, 2, 3, … 8 as Telegram packs them.
        let values: Vec<u8> = (1..=8).collect();
        let mut packed = vec![0_u8; 5];
        for (at, value) in values.iter().enumerate() {
            for bit in 0..5 {
                if value >> bit & 1 == 1 {
                    packed[(at * 5 + bit) / 8] |= 1 << ((at * 5 + bit) % 8);
                }
            }
        }
        assert_eq!(loudness(&packed), values);
        assert!(loudness(&[]).is_empty());
    }

    #[test]
    fn initials_are_the_first_letters_of_two_words() {
        for (name, expected) in [("Олена Вербицька", "ОВ"), ("manager", "M"), ("🙂", ""), ("a b c", "AB")]
        {
            assert_eq!(initials(name), expected);
        }
    }
}
