//! What the old system's words mean: networks, directions, and whom a conversation is with.

use crate::model::{Direction, Peer, PeerKind, is_plausible_address};

/// A network that comes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Network {
    /// Chats of Telegram accounts.
    Telegram,
    /// Mails.
    Mail,
}

/// Whom a conversation is with, as far as the old system knew.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Correspondent {
    /// A chat that Telegram names.
    Chat(Peer),
    /// A number, a username or another word for somebody on Telegram.
    Handle(String),
    /// An address in lower case.
    Mail(String),
}

impl Correspondent {
    /// Its form in the database: one text for each.
    pub fn key(&self) -> String {
        match self {
            Self::Chat(peer) => peer.to_string(),
            Self::Handle(handle) => handle.clone(),
            Self::Mail(address) => format!("mail:{address}"),
        }
    }
}

/// The last word of an enum's name as Python prints it, in lower case: `PlatformEnum.TELEGRAM` is `telegram`.
pub fn word(text: &str) -> String {
    text.rsplit('.').next().unwrap_or_default().trim().to_lowercase()
}

/// Who wrote. `None`: neither word.
pub fn direction(text: &str) -> Option<Direction> {
    match word(text).as_str() {
        "inbound" | "in" | "incoming" => Some(Direction::In),
        "outbound" | "out" | "outgoing" => Some(Direction::Out),
        _ => None,
    }
}

/// Whether the old system says of a message of ours that it did not send it.
pub fn is_unsent(direction: Direction, status: &str) -> bool {
    direction == Direction::Out && matches!(status, "failed" | "queued" | "draft")
}

/// The network of a conversation, and whether its label says another one. `Err` holds the name of a network that does
/// not come over. Queries in that system's documents force labels to `email`, so what a row holds counts for more.
pub fn network(platform: &str, external_id: &str, has_chat: bool) -> Result<(Network, bool), String> {
    let is_address = is_plausible_address(&address(external_id));
    let is_handle = handle(external_id).is_some();
    match word(platform).as_str() {
        "telegram" if is_address && !has_chat => Ok((Network::Mail, true)),
        "telegram" => Ok((Network::Telegram, false)),
        "email" if has_chat || (!is_address && is_handle) => Ok((Network::Telegram, true)),
        "email" => Ok((Network::Mail, false)),
        "" if has_chat || is_handle => Ok((Network::Telegram, true)),
        "" if is_address => Ok((Network::Mail, true)),
        other => Err(other.to_owned()),
    }
}

/// The address of somebody who wrote a mail, in lower case: what stands between `<` and `>`, or all of it.
pub fn address(external_id: &str) -> String {
    let inner = external_id.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(inside, _)| inside);
    inner.unwrap_or(external_id).trim().to_lowercase()
}

/// A chat's number as Telethon counts them: people are positive, channels begin with -100.
pub fn chat(id: i64) -> Option<Peer> {
    const CHANNELS: i64 = -1_000_000_000_000;
    match id {
        1.. => Some(Peer { kind: PeerKind::User, id }),
        _ if id < CHANNELS => Some(Peer { kind: PeerKind::Channel, id: CHANNELS - id }),
        i64::MIN..0 => Some(Peer { kind: PeerKind::Group, id: -id }),
        0 => None,
    }
}

/// A number or a username of somebody on Telegram in the form of [`Correspondent::Handle`].
pub fn handle(external_id: &str) -> Option<Correspondent> {
    let text = external_id.trim();
    if let Some(phone) = text.strip_prefix('+') {
        return phone_key(phone).map(Correspondent::Handle);
    }
    if let Some(name) = text.strip_prefix('@') {
        return (!name.is_empty()).then(|| Correspondent::Handle(name_key(name)));
    }
    text.parse().ok().and_then(chat).map(Correspondent::Chat)
}

/// A phone number as `+` and digits; `None` where it has none.
pub fn phone(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (!digits.is_empty()).then(|| format!("+{digits}"))
}

/// The key of a phone number; `None` where it has no digits.
pub fn phone_key(text: &str) -> Option<String> {
    phone(text).map(|phone| format!("phone:{phone}"))
}

/// The key of a username without `@`.
pub fn name_key(name: &str) -> String {
    format!("name:{}", name.trim().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> Option<Peer> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn chats_are_numbered_as_telethon_marks_them() {
        assert_eq!(chat(777_000), peer("user:777000"));
        assert_eq!(chat(-5), peer("group:5"));
        assert_eq!(chat(-1_001_234_567_890), peer("channel:1234567890"));
        assert_eq!(chat(0), None);
    }

    #[test]
    fn a_label_gives_way_to_what_the_row_holds() {
        use Network::{Mail, Telegram};
        for (platform, external_id, has_chat, found) in [
            ("telegram", "+48 600 100 200", false, Ok((Telegram, false))),
            ("PlatformEnum.TELEGRAM", "@olena", false, Ok((Telegram, false))),
            ("email", "Olena <O@Example.org>", false, Ok((Mail, false))),
            ("email", "-1001234567890", false, Ok((Telegram, true))),
            ("email", "+48600100200", false, Ok((Telegram, true))),
            ("email", "a@example.org", true, Ok((Telegram, true))),
            ("email", "no address at all", false, Ok((Mail, false))),
            ("telegram", "a@example.org", false, Ok((Mail, true))),
            ("", "12345", false, Ok((Telegram, true))),
            ("whatsapp", "48600100200", false, Err("whatsapp".to_owned())),
        ] {
            assert_eq!(network(platform, external_id, has_chat), found, "{platform} {external_id}");
        }
    }

    #[test]
    fn handles_have_one_spelling() {
        assert_eq!(handle("+48 600-100-200").unwrap().key(), "phone:+48600100200");
        assert_eq!(handle("@Olena_V").unwrap().key(), "name:olena_v");
        assert_eq!(handle("12").unwrap().key(), "user:12");
        assert_eq!((handle(""), handle("@"), handle("x y"), handle("+")), (None, None, None, None));
        assert_eq!(address("\"V, O\" <O@Example.org>"), "o@example.org");
        assert_eq!(address("Someone"), "someone");
    }
}
