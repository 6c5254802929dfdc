//! Names of folders: how the wire writes them, how a person reads them, and which one holds sent mail.

use base64::{Engine, alphabet, engine::GeneralPurpose, engine::general_purpose::NO_PAD};

use crate::{
    error::{MailError, Result},
    wire::reply::Listed,
};

/// The folder every mailbox has.
pub(crate) const INBOX: &str = "INBOX";

/// Names of the Sent folder where a server does not mark it, in the languages the bureau meets.
const SENT_NAMES: [&str; 16] = [
    "sent",
    "sent items",
    "sent mail",
    "sent messages",
    "inbox.sent",
    "inbox/sent",
    "[gmail]/sent mail",
    "[gmail]/надіслані",
    "[gmail]/wysłane",
    "надіслані",
    "надіслане",
    "отправленные",
    "wysłane",
    "elementy wysłane",
    "gesendet",
    "éléments envoyés",
];

/// Modified UTF-7's own alphabet: a comma instead of the slash (RFC 3501 section 5.1.3).
const UTF7: GeneralPurpose = GeneralPurpose::new(&alphabet::IMAP_MUTF7, NO_PAD);

/// Decodes a folder's wire name for people; a name that is not modified UTF-7 is returned as it is.
pub fn display_name(wire: &str) -> String {
    decode(wire).unwrap_or_else(|| wire.to_owned())
}

/// Writes a folder name as a quoted string.
///
/// # Errors
/// [`MailError::BadName`] for characters that would end the command.
pub(crate) fn quoted(name: &str) -> Result<String> {
    if name.contains(['\r', '\n', '\0']) {
        return Err(MailError::BadName(name.to_owned()));
    }
    Ok(format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// Finds the Sent folder: the one marked so (RFC 6154), else one whose name says so.
pub(crate) fn sent_folder(folders: &[Listed]) -> Option<&Listed> {
    let usable = || folders.iter().filter(|folder| !folder.unselectable);
    let named = |name: &&str| usable().find(|folder| display_name(&folder.name).to_lowercase() == **name);
    usable().find(|folder| folder.sent).or_else(|| SENT_NAMES.iter().find_map(named))
}

/// Finds the folder a person or the settings named, by its wire name or by the name people read.
pub(crate) fn named_folder<'a>(folders: &'a [Listed], name: &str) -> Option<&'a Listed> {
    let is = |folder: &&Listed| folder.name == name || display_name(&folder.name) == name;
    folders.iter().filter(|folder| !folder.unselectable).find(is)
}

fn decode(wire: &str) -> Option<String> {
    let mut decoded = String::with_capacity(wire.len());
    let mut rest = wire;
    while let Some((plain, shifted)) = rest.split_once('&') {
        let (code, after) = shifted.split_once('-')?;
        decoded.push_str(plain);
        if code.is_empty() {
            decoded.push('&');
        } else {
            let bytes = UTF7.decode(code).ok()?;
            let units = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            decoded.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
        }
        rest = after;
    }
    decoded.push_str(rest);
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str, sent: bool) -> Listed {
        Listed { name: name.to_owned(), sent, unselectable: false }
    }

    #[test]
    fn names_of_folders_are_decoded_for_people() {
        for (wire, name) in [
            ("&BB0EMAQ0BFYEQQQ7BDAEPQRW-", "Надіслані"),
            ("Wys&AUI-ane", "Wysłane"),
            ("a&-b", "a&b"),
            ("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),
            ("R&D", "R&D"),
            ("Уже UTF-8", "Уже UTF-8"),
        ] {
            assert_eq!(display_name(wire), name);
        }
    }

    #[test]
    fn the_sent_folder_is_found_by_mark_before_name() {
        let folders = [folder("Sent", false), folder("&BB0EMAQ0BFYEQQQ7BDAEPQRW-", true)];
        assert_eq!(sent_folder(&folders).unwrap().name, "&BB0EMAQ0BFYEQQQ7BDAEPQRW-");
        assert_eq!(sent_folder(&folders[..1]).unwrap().name, "Sent");
        assert_eq!(sent_folder(&[folder("[Gmail]/Sent Mail", false)]).unwrap().name, "[Gmail]/Sent Mail");
        assert!(sent_folder(&[folder("Archive", false)]).is_none());
    }

    #[test]
    fn a_name_cannot_end_the_command() {
        assert_eq!(quoted("a\"b\\c").unwrap(), r#""a\"b\\c""#);
        assert!(quoted("a\r\nA1 DELETE INBOX").is_err());
    }
}
