//! What a reader takes a link's text for.

use url::{Host, Url};

/// Endings of names that people write for addresses; others, `contract.docx`, are files.
const ENDINGS: [&str; 22] = [
    "com",
    "org",
    "net",
    "info",
    "biz",
    "edu",
    "gov",
    "mil",
    "int",
    "online",
    "site",
    "shop",
    "store",
    "app",
    "dev",
    "cloud",
    "bank",
    "xyz",
    "top",
    "укр",
    "xn--j1amh",
    "club",
];

/// One line of at most `most` characters, without what is invisible or reverses the order of reading.
pub(super) fn visible(text: &str, most: usize) -> String {
    let hidden = |c: char| {
        matches!(c, '\u{AD}' | '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}')
            || matches!(c, '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
    };
    let plain: String = text.chars().filter(|c| !hidden(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ").chars().take(most).collect()
}

/// Whether the text names a host or a mail address, and another one than the link's.
pub(super) fn contradicts(text: &str, href: &str, host: &str) -> bool {
    let real = without_www(host);
    text.split(|c: char| c.is_whitespace() || "<>()[]\"«»“”„,;|".contains(c)).any(|word| match word.rsplit_once('@') {
        Some((_, domain)) if !word.contains("://") => match href.strip_prefix("mailto:") {
            Some(to) if is_host(domain) => !same_address(to, word),
            _ => is_host(domain) && ascii(domain).is_some_and(|named| without_www(&named) != real),
        },
        _ => named_host(word).is_some_and(|named| {
            let named = without_www(&named);
            named != real && !real.strip_suffix(named).is_some_and(|rest| rest.ends_with('.'))
        }),
    })
}

/// The host a word names, in ASCII.
fn named_host(word: &str) -> Option<String> {
    let lower = word.to_lowercase();
    if lower.starts_with("http://") || lower.starts_with("https://") {
        return Url::parse(&lower).ok()?.host_str().map(str::to_owned);
    }
    let host = lower.split(['/', '?', '#', ':']).next()?.trim_matches(|c: char| ".!…".contains(c));
    is_host(host).then(|| ascii(host)).flatten()
}

fn is_host(word: &str) -> bool {
    let word = word.trim_end_matches(['.', '!', '…']).to_lowercase();
    let labels: Vec<&str> = word.split('.').collect();
    let plausible = |label: &&str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    let last = labels.last().copied().unwrap_or_default();
    let country = last.len() == 2 && last.bytes().all(|b| b.is_ascii_lowercase());
    labels.len() > 1 && labels.iter().all(plausible) && (country || ENDINGS.contains(&last))
}

fn ascii(host: &str) -> Option<String> {
    Host::parse(host.trim_end_matches(['.', '!', '…'])).ok().map(|host| host.to_string())
}

fn without_www(host: &str) -> &str {
    host.strip_prefix("www.").unwrap_or(host)
}

fn same_address(to: &str, shown: &str) -> bool {
    let to = to.split('?').next().unwrap_or_default();
    let to = percent_encoding::percent_decode_str(to).decode_utf8_lossy().to_lowercase();
    let shown = shown.to_lowercase();
    let shown = shown.trim_start_matches("mailto:").trim_end_matches(['.', '!', '…', ':']);
    to.split(',').any(|address| address.trim() == shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_names_another_place_contradicts_its_link() {
        for (text, href, host) in [
            ("https://bank.example.com/login", "https://evil.example/", "evil.example"),
            ("www.privatbank.ua", "https://privatbank.ua.evil.example/", "privatbank.ua.evil.example"),
            ("Open privatbank.ua now", "http://evil.example/", "evil.example"),
            ("аpple.com", "https://apple.com/", "apple.com"),
            ("apple.com", "https://xn--pple-43d.com/", "xn--pple-43d.com"),
            ("boss@example.org", "mailto:thief@evil.example", "evil.example"),
            ("boss@example.org", "mailto:thief@example.org", "example.org"),
            ("boss@example.org", "https://evil.example/", "evil.example"),
            ("HTTPS://Example.org:443/a", "https://example.com/", "example.com"),
            ("example.org.", "https://evilexample.org/", "evilexample.org"),
        ] {
            assert!(contradicts(text, href, host), "{text} {href}");
        }
    }

    #[test]
    fn ordinary_texts_do_not() {
        for (text, href, host) in [
            ("Переглянути договір", "https://example.org/", "example.org"),
            ("contract.docx", "https://drive.example.com/x", "drive.example.com"),
            ("договір №12.5 від 01.02.2026", "https://example.org/", "example.org"),
            ("example.org", "https://www.example.org/", "www.example.org"),
            ("www.example.org/path", "https://example.org/other", "example.org"),
            ("example.org", "https://click.example.org/x", "click.example.org"),
            ("приклад.укр", "https://xn--80aikifvh.xn--j1amh/", "xn--80aikifvh.xn--j1amh"),
            ("office@example.org", "mailto:Office@example.org?subject=x", "example.org"),
            ("Пишіть: office@example.org.", "mailto:office@example.org", "example.org"),
            ("", "https://example.org/", "example.org"),
            ("v1.2.3", "https://example.org/", "example.org"),
        ] {
            assert!(!contradicts(text, href, host), "{text} {href}");
        }
    }

    #[test]
    fn shown_text_is_one_line_without_hidden_characters() {
        assert_eq!(visible(" a\n\tb\u{202E}c\u{200B}\u{0}d ", 200), "a bc d");
        assert_eq!(visible(&"я ".repeat(500), 5), "я я я");
    }
}
