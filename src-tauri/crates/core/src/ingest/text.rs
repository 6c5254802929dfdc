//! What the database and the list can hold of a text.

use crate::{
    connector::{Content, IncomingMessage, Letter},
    model::Address,
};

/// The first words of a message in a list: at most 200 characters.
const SNIPPET: usize = 200;

/// Removes what Postgres cannot store: NUL characters (a `text` holds none).
pub(super) fn clean(message: &mut IncomingMessage) {
    match &mut message.content {
        Content::Letter(letter) => clean_letter(letter),
        Content::Unreadable { reason } => strip_nul(reason),
    }
    strip_nul(&mut message.place.mailbox);
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
pub(super) fn snippet(text: &str) -> String {
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
