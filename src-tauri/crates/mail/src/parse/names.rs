//! File names that are safe to write to any disk and honest to look at.

use encoding_rs::Encoding;
use percent_encoding::percent_decode_str;

use super::charset::guess;

/// Bytes of a name: below every file system's limit, with room for a suffix.
const LONGEST: usize = 200;
/// Bytes of an extension that is kept when a name is cut.
const EXTENSION: usize = 20;

/// Names Windows gives to devices, with or without an extension.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

const TYPES: [(&str, &str); 24] = [
    ("application/pdf", "attachment.pdf"),
    ("application/zip", "attachment.zip"),
    ("application/msword", "attachment.doc"),
    ("application/vnd.ms-excel", "attachment.xls"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "attachment.docx"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "attachment.xlsx"),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "attachment.pptx"),
    ("application/vnd.oasis.opendocument.text", "attachment.odt"),
    ("application/rtf", "attachment.rtf"),
    ("application/xml", "attachment.xml"),
    ("application/json", "attachment.json"),
    ("application/ms-tnef", "winmail.dat"),
    ("application/pkcs7-signature", "smime.p7s"),
    ("application/pgp-signature", "signature.asc"),
    ("message/rfc822", "message.eml"),
    ("message/delivery-status", "delivery-status.txt"),
    ("text/calendar", "invite.ics"),
    ("text/vcard", "contact.vcf"),
    ("text/html", "attachment.html"),
    ("text/csv", "attachment.csv"),
    ("text/plain", "attachment.txt"),
    ("image/jpeg", "image.jpg"),
    ("image/svg+xml", "image.svg"),
    ("audio/mpeg", "audio.mp3"),
];

/// Makes a sender's file name safe to save: no path, no device, nothing invisible or reversing, at most 200 bytes
/// with its extension kept. A name of which nothing remains becomes one made from the media type.
pub fn clean_file_name(name: &str, mime: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible = last.chars().filter(|c| !is_invisible(*c));
    let plain: String = visible.map(|c| if r#"<>:"|?*"#.contains(c) { '_' } else { c }).collect();
    let trimmed = plain.trim_start_matches(['.', ' ']).trim_end_matches(['.', ' ']);
    if trimmed.is_empty() {
        return name_for_type(mime);
    }
    let short = shortened(trimmed);
    let stem = short.split('.').next().unwrap_or_default().trim().to_lowercase();
    if is_device(&stem) { format!("_{short}") } else { short }
}

/// The name of a file that has none.
pub(super) fn name_for_type(mime: &str) -> String {
    if let Some((_, name)) = TYPES.iter().find(|(known, _)| *known == mime) {
        return (*name).to_owned();
    }
    match mime.split_once('/') {
        Some((kind @ ("image" | "audio" | "video"), subtype)) if subtype.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            format!("{kind}.{subtype}")
        }
        _ => "attachment.bin".to_owned(),
    }
}

/// Reads a name that is split over `filename*0*`, `filename*1*` and so on (RFC 2231 section 3). The charset stands in
/// the first piece and holds for all; mail-parser 0.11 forgets it after the first.
pub(super) fn continued_name(block: &[u8]) -> Option<String> {
    let block = std::str::from_utf8(block).ok()?.replace('\r', "").replace("\n ", " ").replace("\n\t", " ");
    ["filename", "name"].iter().find_map(|parameter| {
        let mut pieces: Vec<(u32, bool, &str)> =
            block.split([';', '\n']).filter_map(|text| piece(text, parameter)).collect();
        pieces.sort_by_key(|(number, ..)| *number);
        let (first, rest) = pieces.split_first()?;
        let (charset, start) =
            first.2.split_once('\'').and_then(|(charset, rest)| Some((charset, rest.split_once('\'')?.1)))?;
        let mut bytes: Vec<u8> = percent_decode_str(start).collect();
        for (_, encoded, value) in rest {
            if *encoded { bytes.extend(percent_decode_str(value)) } else { bytes.extend(value.bytes()) }
        }
        let encoding = Encoding::for_label(charset.trim().as_bytes());
        Some(encoding.map_or_else(|| guess(&bytes), |known| known.decode_without_bom_handling(&bytes).0.into_owned()))
    })
}

/// `filename*1*=value` as its number, whether it is percent-encoded, and the value.
fn piece<'t>(text: &'t str, parameter: &str) -> Option<(u32, bool, &'t str)> {
    let (key, value) = text.trim().split_once('=')?;
    let number = key.trim().to_ascii_lowercase();
    let number = number.strip_prefix(parameter)?.strip_prefix('*')?;
    let (number, encoded) = number.strip_suffix('*').map_or((number, false), |number| (number, true));
    Some((number.parse().ok()?, encoded, value.trim().trim_matches('"')))
}

/// Control characters, and those that hide or reverse what follows: `exe.fdp` must not look like a PDF.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}')
        || matches!(c, '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}')
        || matches!(c, '\u{E0000}'..='\u{E0FFF}')
}

fn is_device(stem: &str) -> bool {
    let numbered = |kind: &str| {
        let number = stem.strip_prefix(kind).unwrap_or_default();
        number.chars().count() == 1 && number.chars().all(|c| c.is_ascii_digit() || "¹²³".contains(c))
    };
    DEVICES.contains(&stem) || numbered("com") || numbered("lpt")
}

fn shortened(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let extension = name.rfind('.').and_then(|at| name.get(at..)).filter(|text| text.len() <= EXTENSION).unwrap_or("");
    let mut end = LONGEST - extension.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let stem = name.get(..end).unwrap_or_default().trim_end_matches(['.', ' ']);
    format!("{stem}{extension}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_folder_or_name_a_device() {
        for (sent, saved) in [
            ("договір.pdf", "договір.pdf"),
            ("../../etc/passwd", "passwd"),
            (r"C:\Windows\system32\evil.exe", "evil.exe"),
            (r"\\server\share\a.txt", "a.txt"),
            ("/absolute", "absolute"),
            ("C:drive.txt", "C_drive.txt"),
            ("a\0b\r\n.txt", "ab.txt"),
            ("CON", "_CON"),
            ("con.txt", "_con.txt"),
            ("nul .txt", "_nul .txt"),
            ("Com1.log", "_Com1.log"),
            ("LPT².x", "_LPT².x"),
            ("COM10.txt", "COM10.txt"),
            ("console.txt", "console.txt"),
            ("invoice.pdf. . .", "invoice.pdf"),
            (".bashrc", "bashrc"),
            ("file:stream", "file_stream"),
            ("what?*<>|\".doc", "what______.doc"),
        ] {
            assert_eq!(clean_file_name(sent, "application/pdf"), saved, "{sent:?}");
        }
    }

    #[test]
    fn a_name_cannot_hide_its_real_end() {
        assert_eq!(clean_file_name("invoice\u{202E}fdp.exe", ""), "invoicefdp.exe");
        assert_eq!(clean_file_name("a\u{200B}\u{2066}b\u{FEFF}.js", ""), "ab.js");
    }

    #[test]
    fn a_long_name_is_cut_between_characters_and_keeps_its_extension() {
        for long in ["я".repeat(300) + ".docx", "x".repeat(1_000) + ".pdf", "€".repeat(100), "a.".repeat(400)] {
            let cut = clean_file_name(&long, "");
            assert!(cut.len() <= LONGEST && !cut.ends_with('.'), "{cut}");
        }
        assert!(clean_file_name(&("я".repeat(300) + ".docx"), "").ends_with("я.docx"));
    }

    #[test]
    fn a_file_without_a_name_gets_one_by_its_type() {
        for name in ["", "...", "/", "\u{202E}", "  "] {
            assert_eq!(clean_file_name(name, "application/pdf"), "attachment.pdf", "{name:?}");
        }
        for (mime, name) in [("image/png", "image.png"), ("text/calendar", "invite.ics"), ("x/../y", "attachment.bin")]
        {
            assert_eq!(name_for_type(mime), name);
        }
    }
}
