//! Links: where they really lead, what is shown for them, and whether the two agree.

mod shown;

use std::cell::RefCell;

use html5ever::{
    Attribute,
    tendril::StrTendril,
    tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer},
};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::{Host, Url};

use self::shown::{contradicts, visible};
use super::Link;

/// Bytes of an address that can be followed.
const ADDRESS: usize = 8 << 10;
/// Characters of what is shown for a link.
const TEXT: usize = 200;

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    href: String,
    host: String,
    /// The address was dressed up: it carried a user name, which reads like a host.
    disguised: bool,
}

impl Target {
    /// Reads the address of a link; `None` for one that is not followed.
    pub(super) fn read(href: &str) -> Option<Self> {
        let href = href.trim_matches(|c: char| c.is_ascii_whitespace() || c.is_control());
        let target = match parsed(href)? {
            url if matches!(url.scheme(), "http" | "https") => web(url)?,
            url if url.scheme() == "mailto" => mail(&url)?,
            _ => return None,
        };
        (target.href.len() <= ADDRESS).then_some(target)
    }
}

/// Reads an address, also one whose scheme was forgotten: a mail has no place of its own it could be relative to.
fn parsed(href: &str) -> Option<Url> {
    let url = Url::parse(href);
    if url != Err(url::ParseError::RelativeUrlWithoutBase) {
        return url.ok();
    }
    if href.starts_with("//") {
        return Url::parse(&format!("https:{href}")).ok();
    }
    let named = href.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www."));
    named.then(|| Url::parse(&format!("https://{href}")).ok()).flatten()
}

fn web(mut url: Url) -> Option<Target> {
    let disguised = !url.username().is_empty() || url.password().is_some();
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    let host = match url.host()? {
        Host::Domain(name) => name.trim_end_matches('.').to_owned(),
        ip @ (Host::Ipv4(_) | Host::Ipv6(_)) => ip.to_string(),
    };
    Some(Target { host, href: url.into(), disguised })
}

/// Of a `mailto:` address only the recipients and the subject are followed (RFC 6068 section 7): a body or an
/// attachment chosen by a stranger is not.
fn mail(url: &Url) -> Option<Target> {
    let to = url.path();
    let decoded = percent_decode_str(to).decode_utf8().ok()?;
    let (_, domain) = decoded.split(',').next()?.trim().rsplit_once('@')?;
    if decoded.chars().any(char::is_control) {
        return None;
    }
    let host = Host::parse(domain).ok()?.to_string();
    let subject = url.query_pairs().find(|(name, _)| name.eq_ignore_ascii_case("subject")).map(|(_, value)| {
        let plain: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect();
        format!("?subject={}", utf8_percent_encode(&plain, NON_ALPHANUMERIC))
    });
    let href = format!("mailto:{to}{}", subject.unwrap_or_default());
    Some(Target { href, host, disguised: false })
}

/// Puts the targets together with what the sanitised document shows for them.
pub(super) fn described(body: &str, link_base: &str, targets: Vec<Target>) -> Vec<Link> {
    let mut texts = texts(body, link_base, targets.len()).into_iter();
    let describe = |Target { href, host, disguised }: Target| {
        let text = visible(&texts.next().unwrap_or_default(), TEXT);
        Link { mismatched: disguised || contradicts(&text, &href, &host), text, href, host }
    };
    targets.into_iter().map(describe).collect()
}

/// Collects the text of each link of a sanitised document.
fn texts(body: &str, link_base: &str, count: usize) -> Vec<String> {
    if count == 0 {
        return Vec::new();
    }
    let collector = Collector { link_base, found: RefCell::new(vec![String::new(); count]), open: RefCell::default() };
    let tokenizer = Tokenizer::new(collector, Default::default());
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from(body));
    // A tokenizer stops only for scripts, and there are none.
    let _done = tokenizer.feed(&queue);
    tokenizer.end();
    tokenizer.sink.found.into_inner()
}

struct Collector<'a> {
    link_base: &'a str,
    found: RefCell<Vec<String>>,
    open: RefCell<Option<usize>>,
}

impl Collector<'_> {
    fn tag(&self, tag: &Tag) {
        match (tag.kind, &*tag.name) {
            (TagKind::StartTag, "a") => {
                *self.open.borrow_mut() = attribute(&tag.attrs, "href")
                    .and_then(|href| href.strip_prefix(self.link_base)?.strip_prefix('/')?.parse().ok());
            }
            (TagKind::EndTag, "a") => *self.open.borrow_mut() = None,
            (TagKind::StartTag, "img") => self.text(attribute(&tag.attrs, "alt").unwrap_or_default()),
            (TagKind::StartTag, "br" | "p" | "div" | "td" | "tr" | "li") => self.text(" "),
            _ => {}
        }
    }

    fn text(&self, text: &str) {
        let mut found = self.found.borrow_mut();
        let place = self.open.borrow().and_then(|number| found.get_mut(number));
        // Cut before it is cleaned, so that a link around a whole mail costs little.
        if let Some(place) = place.filter(|place| place.len() < 16 * TEXT) {
            place.push_str(text);
        }
    }
}

impl TokenSink for Collector<'_> {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        match token {
            Token::TagToken(tag) => self.tag(&tag),
            Token::CharacterTokens(text) => self.text(&text),
            Token::DoctypeToken(_) | Token::CommentToken(_) | Token::NullCharacterToken => {}
            Token::EOFToken | Token::ParseError(_) => {}
        }
        TokenSinkResult::Continue
    }
}

fn attribute<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    attributes.iter().find(|attribute| &*attribute.name.local == name).map(|attribute| &*attribute.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_followed_by_its_real_address_only() {
        for (written, href, host) in [
            ("https://example.org/a?b=c#d", "https://example.org/a?b=c#d", "example.org"),
            (" HTTP://Example.ORG. ", "http://example.org./", "example.org"),
            ("https:\\\\example.org\\x", "https://example.org/x", "example.org"),
            ("ht\ntps://exa\tmple.org/", "https://example.org/", "example.org"),
            ("//example.org/x", "https://example.org/x", "example.org"),
            ("www.example.org/x", "https://www.example.org/x", "www.example.org"),
            ("https://приклад.укр/ї", "https://xn--80aikifvh.xn--j1amh/%D1%97", "xn--80aikifvh.xn--j1amh"),
            ("https://example.org/\u{202E}gpj.exe", "https://example.org/%E2%80%AEgpj.exe", "example.org"),
            ("http://0x7f.1/", "http://127.0.0.1/", "127.0.0.1"),
            (
                "mailto:a@example.org?subject=Привіт&body=x&attach=/etc/passwd&cc=b@c.d",
                "mailto:a@example.org?subject=%D0%9F%D1%80%D0%B8%D0%B2%D1%96%D1%82",
                "example.org",
            ),
            (
                "mailto:a@example.org?subject=a%0D%0ABcc:%20x@y.z",
                "mailto:a@example.org?subject=a%20%20Bcc%3A%20x%40y%2Ez",
                "example.org",
            ),
        ] {
            let target = Target::read(written).unwrap();
            assert_eq!(
                (target.href.as_str(), target.host.as_str(), target.disguised),
                (href, host, false),
                "{written}"
            );
        }
    }

    #[test]
    fn an_address_that_carries_a_name_is_stripped_of_it_and_named_as_disguised() {
        let target = Target::read("https://bank.example@evil.example/login").unwrap();
        assert_eq!((target.href.as_str(), target.host.as_str()), ("https://evil.example/login", "evil.example"));
        assert!(target.disguised);
    }

    #[test]
    fn addresses_that_do_something_else_are_not_followed() {
        let long = format!("https://example.org/{}", "x".repeat(ADDRESS));
        for href in [
            "",
            "#top",
            "page.html",
            "/x",
            "javascript:alert(1)",
            "java\nscript:alert(1)",
            "\u{1}javascript:alert(1)",
            "vbscript:x",
            "data:text/html,x",
            "file:///etc/passwd",
            "cid:x",
            "tel:112",
            "ftp://example.org/",
            "blob:x",
            "ms-msdt:/id",
            "search-ms:query=x",
            "mail://localhost/x",
            "tauri://localhost/",
            "about:blank",
            "https://",
            "http://[::1",
            "https://exa mple.org/",
            "mailto:",
            "mailto:nobody",
            "mailto:a%0Ab@example.org",
            &long,
        ] {
            assert_eq!(Target::read(href), None, "{href}");
        }
    }

    #[test]
    fn the_text_of_each_link_is_found_with_its_markup_left_out() {
        let body = "x<a href=\"/l/0\">one <b>t&amp;wo</b><br>three</a> y <a>no</a><a href=\"/l/1\"><img alt=\"Logo\"></a><a href=\"/l/7\">z</a>";
        assert_eq!(texts(body, "/l", 2), ["one t&wo three", "Logo"]);
    }
}
