//! Bytes whose charset is not said, or said wrongly.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8};

/// Decodes text of unknown charset: UTF-8 when it is that, otherwise what the bytes look like.
pub(super) fn guess(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => guess_encoding(bytes).decode_without_bom_handling(bytes).0.into_owned(),
    }
}

fn guess_encoding(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    // Without a hint: one for Ukraine makes it read Polish as Cyrillic.
    detector.guess(None, Utf8Detection::Allow)
}

/// Makes a header block with raw 8-bit bytes readable: each line that is not UTF-8 is decoded by the charset the
/// block names for its body, else by what the bytes look like. `None` when there is nothing to repair.
pub(super) fn repair_headers(block: &[u8]) -> Option<Vec<u8>> {
    if std::str::from_utf8(block).is_ok() {
        return None;
    }
    let broken: Vec<u8> = lines(block).filter(|line| std::str::from_utf8(line).is_err()).flatten().copied().collect();
    let encoding = named_charset(block).filter(|named| *named != UTF_8).unwrap_or_else(|| guess_encoding(&broken));
    let mut repaired = Vec::with_capacity(block.len() * 2);
    for line in lines(block) {
        match std::str::from_utf8(line) {
            Ok(_) => repaired.extend_from_slice(line),
            Err(_) => repaired.extend_from_slice(encoding.decode_without_bom_handling(line).0.as_bytes()),
        }
    }
    Some(repaired)
}

/// Whether a declared charset says nothing of bytes above 127.
pub(super) fn says_nothing(label: Option<&str>) -> bool {
    let Some(label) = label else { return true };
    let label = label.trim().to_ascii_lowercase();
    label.contains("ascii")
        || label.starts_with("unknown")
        || label.starts_with("x-unknown")
        || label == "default"
        || Encoding::for_label(label.as_bytes()).is_none() && mail_parser_knows_not(&label)
}

/// mail-parser knows some labels the web does not; those are left to it.
fn mail_parser_knows_not(label: &str) -> bool {
    mail_parser::decoders::charsets::map::charset_decoder(label.as_bytes()).is_none()
}

fn named_charset(block: &[u8]) -> Option<&'static Encoding> {
    let text = String::from_utf8_lossy(block).to_ascii_lowercase();
    let (_, after) = text.split_once("charset=")?;
    let label = after.trim_start_matches('"').split(['"', ';', '\r', '\n', ' ']).next()?;
    if says_nothing(Some(label)) { None } else { Encoding::for_label(label.as_bytes()) }
}

fn lines(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    block.split_inclusive(|byte| *byte == b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bit_text_of_the_region_is_recognised() {
        let ukrainian = "Добрий день! Надсилаю документи на переклад, будь ласка, перевірте їх сьогодні.";
        for encoding in [encoding_rs::WINDOWS_1251, encoding_rs::KOI8_U] {
            assert_eq!(guess(&encoding.encode(ukrainian).0), ukrainian, "{}", encoding.name());
        }
        let polish = "Dzień dobry, przesyłam zaświadczenie do tłumaczenia przysięgłego. Proszę o wycenę i termin.";
        for encoding in [encoding_rs::WINDOWS_1250, encoding_rs::ISO_8859_2] {
            assert_eq!(guess(&encoding.encode(polish).0), polish, "{}", encoding.name());
        }
        assert_eq!(guess("Їжак".as_bytes()), "Їжак");
    }

    #[test]
    fn a_header_block_is_repaired_by_the_charset_of_its_body() {
        let block = [
            &b"Subject: "[..],
            &encoding_rs::KOI8_U.encode("Рахунок").0,
            b"\r\nContent-Type: text/plain; charset=\"koi8-u\"\r\n",
        ]
        .concat();
        let repaired = String::from_utf8(repair_headers(&block).unwrap()).unwrap();
        assert!(repaired.starts_with("Subject: Рахунок\r\n"));
        assert_eq!(repair_headers("Subject: Їжак".as_bytes()), None);
    }
}
