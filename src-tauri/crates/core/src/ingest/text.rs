//! What the database and the list can hold of a text.

use crate::{
    connector::{Chat, ChatMessage, Content, Incoming, IncomingMessage, KnownPeer, Letter},
    model::{Address, EntityKind, Media},
};

/// The first words of a message in a list: at most 200 characters.
const SNIPPET: usize = 200;

/// Removes what Postgres cannot store: NUL characters (a `text` and a `jsonb` hold none).
pub(super) fn clean(incoming: &mut Incoming) {
    match incoming {
        Incoming::Message(message) => clean_message(message),
        Incoming::Peer(peer) => clean_peer(peer),
        Incoming::Chat(chat) => clean_chat(chat),
        Incoming::Reactions { reactions, .. } => {
            reactions.iter_mut().for_each(|reaction| strip_nul(&mut reaction.emoji));
        }
        Incoming::Marks { .. }
        | Incoming::Gone { .. }
        | Incoming::Deleted { .. }
        | Incoming::ReadInbox { .. }
        | Incoming::ReadOutbox { .. }
        | Incoming::Sent { .. }
        | Incoming::Delivered(_) => {}
    }
}

fn clean_message(message: &mut IncomingMessage) {
    match &mut message.content {
        Content::Letter(letter) => clean_letter(letter),
        Content::Chat(chat) => clean_chat_message(chat),
        Content::Unreadable { reason, .. } => strip_nul(reason),
    }
    strip_nul(&mut message.place.mailbox);
}

fn clean_peer(KnownPeer { name, username, phone, .. }: &mut KnownPeer) {
    strip_nul(name);
    username.iter_mut().chain(phone).for_each(strip_nul);
}

fn clean_chat(chat: &mut Chat) {
    strip_nul(&mut chat.title);
    chat.username.iter_mut().chain(&mut chat.phone).for_each(strip_nul);
}

fn clean_chat_message(message: &mut ChatMessage) {
    // Entities count UTF-16 units of the text: a NUL is replaced, not removed.
    if message.text.contains('\0') {
        message.text = message.text.replace('\0', " ");
    }
    clean_chat(&mut message.chat);
    if let Some(author) = &mut message.author {
        strip_nul(&mut author.name);
        author.username.iter_mut().for_each(strip_nul);
    }
    for entity in &mut message.entities {
        match &mut entity.kind {
            EntityKind::Pre { language: text } | EntityKind::TextUrl { url: text } => strip_nul(text),
            EntityKind::Mention
            | EntityKind::Hashtag
            | EntityKind::Cashtag
            | EntityKind::BotCommand
            | EntityKind::Url
            | EntityKind::Email
            | EntityKind::Phone
            | EntityKind::BankCard
            | EntityKind::Bold
            | EntityKind::Italic
            | EntityKind::Underline
            | EntityKind::Strike
            | EntityKind::Spoiler
            | EntityKind::Code
            | EntityKind::Blockquote
            | EntityKind::MentionName { .. }
            | EntityKind::CustomEmoji { .. } => {}
        }
    }
    if let Some(media) = &mut message.media {
        clean_media(media);
    }
    if let Some(forward) = &mut message.forward {
        strip_nul(&mut forward.name);
    }
    if let Some(service) = &mut message.service {
        strip_nul(&mut service.about);
    }
    message.reactions.iter_mut().for_each(|reaction| strip_nul(&mut reaction.emoji));
}

fn clean_media(media: &mut Media) {
    match media {
        Media::File(file) => [&mut file.name, &mut file.mime].into_iter().for_each(strip_nul),
        Media::Location { title, address, .. } => [title, address].into_iter().for_each(strip_nul),
        Media::Contact { name, phone, .. } => [name, phone].into_iter().for_each(strip_nul),
        Media::Poll { question, answers, .. } => {
            strip_nul(question);
            answers.iter_mut().for_each(|answer| strip_nul(&mut answer.text));
        }
        Media::WebPage { url, site, title, description } => {
            [url, site, title, description].into_iter().for_each(strip_nul);
        }
        Media::Unsupported { what } => strip_nul(what),
    }
}

fn clean_letter(letter: &mut Letter) {
    let people = letter.to.iter_mut().chain(&mut letter.cc).chain(&mut letter.reply_to);
    for Address { name, address } in people.chain([&mut letter.author]) {
        strip_nul(name);
        strip_nul(address);
    }
    strip_nul(&mut letter.subject);
    strip_nul(&mut letter.text);
    letter.message_id.iter_mut().chain(&mut letter.references).for_each(strip_nul);
    for file in &mut letter.attachments {
        strip_nul(&mut file.name);
        strip_nul(&mut file.mime);
        file.content_id.iter_mut().for_each(strip_nul);
    }
    // A btree index entry holds at most a third of a page; no real Message-ID comes near.
    letter.references.retain(|id| id.len() <= 998);
    letter.message_id.take_if(|id| id.len() > 998);
}

fn strip_nul(text: &mut String) {
    if text.contains('\0') {
        text.retain(|c| c != '\0');
    }
}

/// Returns the first words of a text on one line, without quoted lines.
pub(crate) fn snippet(text: &str) -> String {
    let mut snippet = String::new();
    let mut length = 0;
    let unquoted = text.lines().filter(|line| !line.trim_start().starts_with('>'));
    for word in unquoted.flat_map(str::split_whitespace) {
        let room = SNIPPET - length;
        if room <= 1 {
            break;
        }
        if length > 0 {
            snippet.push(' ');
            length += 1;
        }
        snippet.extend(word.chars().take(room - 1));
        length += word.chars().count().min(room - 1);
    }
    snippet
}

#[cfg(test)]
mod tests {
    use super::snippet;

    #[test]
    fn a_snippet_is_one_line_without_quotes() {
        assert_eq!(snippet("Добрий день!\n\n> старе\n  Ось  файли."), "Добрий день! Ось файли.");
    }

    #[test]
    fn a_snippet_is_at_most_two_hundred_characters() {
        assert_eq!(snippet(&"їжак ".repeat(100)).chars().count(), 199);
        assert_eq!(snippet(&"ї".repeat(500)).chars().count(), 199);
    }
}
