//! Where links really lead.

use ammonia::Url;

/// A link of a mail, to be shown before it is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What the mail shows as the link, one line.
    pub text: String,
    /// Where it leads: `http`, `https` or `mailto`.
    pub href: String,
    /// The host it leads to, in punycode; for `mailto` the address.
    pub host: String,
    /// The text names another host than the link leads to, or the address hides its host behind a user name.
    pub mismatched: bool,
}

/// Characters of a link's text that are kept.
const TEXT: usize = 300;

/// A link's address, understood.
#[derive(Debug, Clone)]
pub(super) struct Target {
    href: String,
    host: String,
    disguised: bool,
}

impl Target {
    /// Reads an address; `None` when it is none that may be opened.
    pub(super) fn read(href: &str) -> Option<Self> {
        let url = Url::parse(href.trim()).ok()?;
        match url.scheme() {
            "http" | "https" => {
                let disguised = !url.username().is_empty() || url.password().is_some();
                Some(Self { host: url.host_str()?.to_owned(), href: url.into(), disguised })
            }
            "mailto" => mail_target(&url),
            _ => None,
        }
    }
}

/// Only the address and the subject of a `mailto` are kept: anything else could attach files or hide recipients.
fn mail_target(url: &Url) -> Option<Target> {
    let address = percent_encoding::percent_decode_str(url.path()).decode_utf8().ok()?.into_owned();
    if address.chars().any(|c| c.is_control() || c.is_whitespace()) || address.len() > 320 {
        return None;
    }
    let mut kept = Url::parse("mailto:").ok()?;
    kept.set_path(url.path());
    if let Some((_, subject)) = url.query_pairs().find(|(name, _)| name.eq_ignore_ascii_case("subject")) {
        let subject: String = subject.chars().filter(|c| !c.is_control()).take(500).collect();
        let subject = percent_encoding::utf8_percent_encode(&subject, percent_encoding::NON_ALPHANUMERIC);
        kept.set_query(Some(&format!("subject={subject}")));
    }
    Some(Target { href: kept.into(), host: address, disguised: false })
}

/// Joins the targets with the text the sanitised document shows for them. Reads the document, changes nothing.
pub(super) fn describe(html: &str, targets: Vec<Target>, base: &str) -> Vec<Link> {
    let base = base.replace('&', "&amp;").replace('"', "&quot;");
    let mut rest = html;
    let mut links = Vec::with_capacity(targets.len());
    for (place, target) in targets.into_iter().enumerate() {
        let mark = format!("href=\"{base}/{place}\"");
        let text = match rest.find(&mark) {
            Some(at) => {
                rest = rest.get(at + mark.len()..).unwrap_or_default();
                shown_text(rest)
            }
            None => String::new(),
        };
        let mismatched = target.disguised || names_another_host(&text, &target.host);
        links.push(Link { text, href: target.href, host: target.host, mismatched });
    }
    links
}

/// The text between the rest of an opening tag and its `</a>`.
fn shown_text(after_attribute: &str) -> String {
    let mut text = String::new();
    let (mut in_tag, mut quote) = (true, false);
    let inside = after_attribute.split("</a>").next().unwrap_or_default();
    for c in inside.chars().take(20_000) {
        match c {
            '"' if in_tag => quote = !quote,
            '>' if in_tag && !quote => in_tag = false,
            '<' if !in_tag => in_tag = true,
            c if !in_tag => text.push(c),
            _ => {}
        }
    }
    let text = text.replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    let text = text.replace("&amp;", "&");
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(TEXT).collect()
}

/// Whether the text looks like an address of its own, and of another place.
fn names_another_host(text: &str, host: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    if first.contains('@') {
        return host.contains('@') && !first.eq_ignore_ascii_case(host) || !host.contains('@') && text == first;
    }
    let written = if first.contains("://") { first.to_owned() } else { format!("https://{first}") };
    let Some(shown) = Url::parse(&written).ok().and_then(|url| url.host_str().map(str::to_owned)) else { return false };
    let last = shown.rsplit('.').next().unwrap_or_default();
    let is_name = shown.contains('.') && last.len() >= 2 && last.chars().any(|c| c.is_ascii_alphabetic());
    let bare = |host: &str| host.strip_prefix("www.").unwrap_or(host).to_owned();
    let (shown, host) = (bare(&shown), bare(host));
    is_name && shown != host && !host.ends_with(&format!(".{shown}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_may_be_opened_are_targets() {
        for href in [
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "relative",
            "#top",
            "//host/x",
            "vbscript:x",
            "http://",
        ] {
            assert!(Target::read(href).is_none(), "{href}");
        }
        assert_eq!(Target::read(" HTTPS://Пошта.укр/x ").unwrap().host, "xn--80a1acn3a.xn--j1amh");
        assert!(Target::read("https://bank.example@evil.example/").unwrap().disguised);
        let mail = Target::read("mailto:a@example.org?subject=Hi%0Athere&attach=/etc/passwd&bcc=x@y.z").unwrap();
        assert_eq!((mail.href.as_str(), mail.host.as_str()), ("mailto:a@example.org?subject=Hithere", "a@example.org"));
    }

    #[test]
    fn a_text_that_names_another_place_is_marked() {
        for (text, host, marked) in [
            ("https://bank.example/login", "evil.example", true),
            ("bank.example", "evil.example", true),
            ("www.bank.example", "bank.example", false),
            ("bank.example", "login.bank.example", false),
            ("bank.example", "bank.example.evil.example", true),
            ("Click here", "evil.example", false),
            ("invoice.pdf", "files.example", true),
            ("Hello. World", "evil.example", false),
            ("v1.2", "evil.example", false),
            ("a@example.org", "a@example.org", false),
            ("a@example.org", "b@example.org", true),
        ] {
            assert_eq!(names_another_host(text, host), marked, "{text} {host}");
        }
    }
}
