//! Text and how stretches of it are shown.

use grammers_tl_types as tl;
use skrynka_core::model::{Entity, EntityKind};

/// A text that a database takes. The replacement is as long as what it replaces, so that entities stay in place.
pub(super) fn body(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// What the window can show of how a text is to look.
pub(crate) fn entities_in(entities: &[tl::enums::MessageEntity]) -> Vec<Entity> {
    use tl::enums::MessageEntity as Told;
    let read = entities.iter().filter_map(|entity| {
        let (offset, length, kind) = match entity {
            Told::Mention(e) => (e.offset, e.length, EntityKind::Mention),
            Told::Hashtag(e) => (e.offset, e.length, EntityKind::Hashtag),
            Told::Cashtag(e) => (e.offset, e.length, EntityKind::Cashtag),
            Told::BotCommand(e) => (e.offset, e.length, EntityKind::BotCommand),
            Told::Url(e) => (e.offset, e.length, EntityKind::Url),
            Told::Email(e) => (e.offset, e.length, EntityKind::Email),
            Told::Phone(e) => (e.offset, e.length, EntityKind::Phone),
            Told::BankCard(e) => (e.offset, e.length, EntityKind::BankCard),
            Told::Bold(e) => (e.offset, e.length, EntityKind::Bold),
            Told::Italic(e) => (e.offset, e.length, EntityKind::Italic),
            Told::Underline(e) => (e.offset, e.length, EntityKind::Underline),
            Told::Strike(e) => (e.offset, e.length, EntityKind::Strike),
            Told::Spoiler(e) => (e.offset, e.length, EntityKind::Spoiler),
            Told::Code(e) => (e.offset, e.length, EntityKind::Code),
            Told::Pre(e) => (e.offset, e.length, EntityKind::Pre { language: e.language.clone() }),
            Told::Blockquote(e) => (e.offset, e.length, EntityKind::Blockquote),
            Told::TextUrl(e) => (e.offset, e.length, EntityKind::TextUrl { url: e.url.clone() }),
            Told::MentionName(e) => (e.offset, e.length, EntityKind::MentionName { user: e.user_id }),
            Told::CustomEmoji(e) => (e.offset, e.length, EntityKind::CustomEmoji { document: e.document_id }),
            _ => return None,
        };
        let (offset, length) = (u32::try_from(offset).ok()?, u32::try_from(length).ok().filter(|length| *length > 0)?);
        Some(Entity { offset, length, kind })
    });
    read.collect()
}

/// How a text that is sent is to look. What only Telegram finds by itself is left to it.
pub(crate) fn entities_out(entities: &[Entity]) -> Vec<tl::enums::MessageEntity> {
    let written = entities.iter().filter_map(|entity| {
        let (offset, length) = (i32::try_from(entity.offset).ok()?, i32::try_from(entity.length).ok()?);
        Some(match &entity.kind {
            EntityKind::Bold => tl::types::MessageEntityBold { offset, length }.into(),
            EntityKind::Italic => tl::types::MessageEntityItalic { offset, length }.into(),
            EntityKind::Underline => tl::types::MessageEntityUnderline { offset, length }.into(),
            EntityKind::Strike => tl::types::MessageEntityStrike { offset, length }.into(),
            EntityKind::Spoiler => tl::types::MessageEntitySpoiler { offset, length }.into(),
            EntityKind::Code => tl::types::MessageEntityCode { offset, length }.into(),
            EntityKind::Pre { language } => {
                tl::types::MessageEntityPre { offset, length, language: language.clone() }.into()
            }
            EntityKind::Blockquote => tl::types::MessageEntityBlockquote { collapsed: false, offset, length }.into(),
            EntityKind::TextUrl { url } => tl::types::MessageEntityTextUrl { offset, length, url: url.clone() }.into(),
            EntityKind::CustomEmoji { document } => {
                tl::types::MessageEntityCustomEmoji { offset, length, document_id: *document }.into()
            }
            EntityKind::Mention
            | EntityKind::Hashtag
            | EntityKind::Cashtag
            | EntityKind::BotCommand
            | EntityKind::Url
            | EntityKind::Email
            | EntityKind::Phone
            | EntityKind::BankCard
            | EntityKind::MentionName { .. } => return None,
        })
    });
    written.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_length_and_its_look() {
        assert_eq!(body("a\0б"), "a\u{fffd}б");
        let told = [
            tl::types::MessageEntityBold { offset: 0, length: 3 }.into(),
            tl::types::MessageEntityItalic { offset: -1, length: 3 }.into(),
            tl::types::MessageEntityUnknown { offset: 0, length: 3 }.into(),
            tl::types::MessageEntityTextUrl { offset: 4, length: 2, url: "https://example.org".to_owned() }.into(),
        ];
        let read = entities_in(&told);
        let url = EntityKind::TextUrl { url: "https://example.org".to_owned() };
        assert_eq!(
            read,
            [Entity { offset: 0, length: 3, kind: EntityKind::Bold }, Entity { offset: 4, length: 2, kind: url }]
        );
        assert_eq!(entities_in(&entities_out(&read)), read);
    }
}
