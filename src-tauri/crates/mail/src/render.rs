//! A mail's HTML as a document that can be shown: nothing in it runs, loads or leaves its frame.
//!
//! This is one of three layers, beside the frame's sandbox and its policy ([`Rendered::csp`]), and holds by itself.
//! The HTML is parsed, cut down to an allow-list and written once; the text is never touched after that, because
//! that is how sanitisers are defeated.

mod images;
mod links;
mod policy;
mod shape;
mod style;

use std::{
    borrow::Cow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use skrynka_core::connector::Content;

use self::{
    images::{Images, is_remote, remote_source},
    links::Target,
};
use crate::parse::{self, HtmlBody};

/// Bytes of HTML that are shown as HTML; a longer mail is shown as text.
const HTML: usize = 2 << 20;

/// How a document looks where the mail says nothing: dark on white, as mail is written for.
const LOOK: &str = "html{color-scheme:light;background:#fff;color:#1f2328}\
    body{margin:12px;font:14px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif;\
    overflow-wrap:break-word}\
    a{color:#0b57d0}img{max-width:100%;object-fit:contain}img:not([src]){background:#f2f3f5}\
    pre{white-space:pre-wrap;font-family:ui-monospace,monospace}pre.text{margin:0;font:inherit}\
    blockquote{margin:4px 0 4px 4px;padding-left:12px;border-left:2px solid #c8ccd4}";

/// Whether pictures may be loaded from the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteContent {
    /// Nothing is loaded. The sender does not learn that the mail was opened.
    Blocked,
    /// Pictures are loaded, except from this computer and private networks.
    Allowed,
}

/// How to render.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderOptions {
    /// Whether pictures may be loaded from the network.
    pub remote: RemoteContent,
    /// The path links lead to, without a slash at its end: link 3 of the mail becomes `<link_base>/3`.
    pub link_base: String,
}

/// A link of the mail, in the order of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What is shown for it, on one line, at most 200 characters; may be empty.
    pub text: String,
    /// Where it really leads: `http:`, `https:` or `mailto:`, in ASCII.
    pub href: String,
    /// Its host as DNS has it (punycode), or the domain of a mail address.
    pub host: String,
    /// What is shown names another place than where it leads.
    pub mismatched: bool,
}

/// A document for the frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The complete document.
    pub html: String,
    /// How many pictures were not loaded from the network.
    pub blocked_remote: u32,
    /// The links; their numbers do not depend on [`RenderOptions::remote`].
    pub links: Vec<Link>,
    /// The `Content-Security-Policy` the document must be served with.
    pub csp: String,
}

/// Renders a mail. Pure; never panics. A mail without HTML, or whose HTML is too long or too tangled to be worth its
/// cost, is shown as text; one that cannot be read gives an empty document.
pub fn render(raw: &[u8], options: &RenderOptions) -> Rendered {
    // The libraries have never been seen to panic here, but their input is anybody's.
    let shown = catch_unwind(AssertUnwindSafe(|| as_html(raw, options)));
    shown.ok().flatten().unwrap_or_else(|| as_text(raw, options.remote))
}

fn as_html(raw: &[u8], options: &RenderOptions) -> Option<Rendered> {
    let HtmlBody { html, images } = parse::html_body(raw)?;
    if html.len() > HTML || !shape::is_reasonable(&html) {
        return None;
    }
    let rewriter = Rewriter::new(images, options);
    let filter = rewriter.clone();
    let mut builder = policy::builder();
    builder.attribute_filter(move |element, name, value| filter.attribute(element, name, value));
    let body = builder.clean(&html).to_string();
    let mut state = rewriter.state();
    let targets = std::mem::take(&mut state.targets);
    Some(Rendered {
        links: links::described(&body, &options.link_base, targets),
        html: document(&body),
        blocked_remote: state.blocked,
        csp: csp(options.remote),
    })
}

fn as_text(raw: &[u8], remote: RemoteContent) -> Rendered {
    let text = match parse::content(raw) {
        Content::Letter(letter) => letter.text,
        Content::Unreadable { .. } => String::new(),
    };
    let body = format!("<pre class=\"text\">{}</pre>", escaped(&text));
    Rendered { html: document(&body), blocked_remote: 0, links: Vec::new(), csp: csp(remote) }
}

fn document(body: &str) -> String {
    format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light\">\
         <meta name=\"referrer\" content=\"no-referrer\"><style>{LOOK}</style></head><body>{body}</body></html>"
    )
}

fn csp(remote: RemoteContent) -> String {
    let images = match remote {
        RemoteContent::Blocked => "data:",
        RemoteContent::Allowed => "data: https: http:",
    };
    format!(
        "default-src 'none'; img-src {images}; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; \
         frame-ancestors tauri://localhost http://tauri.localhost; sandbox"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Decides on each attribute the allow-list has let through.
#[derive(Clone)]
struct Rewriter {
    remote: RemoteContent,
    link_base: String,
    state: Arc<Mutex<State>>,
}

struct State {
    images: Images,
    targets: Vec<Target>,
    blocked: u32,
}

impl Rewriter {
    fn new(images: Vec<(String, Vec<u8>)>, options: &RenderOptions) -> Self {
        let state = State { images: Images::new(images), targets: Vec::new(), blocked: 0 };
        let RenderOptions { remote, link_base } = options.clone();
        Self { remote, link_base, state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attribute<'v>(&self, element: &str, name: &str, value: &'v str) -> Option<Cow<'v, str>> {
        match (element, name) {
            ("a", "href") => self.link(value).map(Cow::Owned),
            ("img", "src") => self.image(value).map(Cow::Owned),
            // No other element has an address.
            (_, "href" | "src") => None,
            (_, "style") => style::filtered(value).map(Cow::Owned),
            ("td" | "th", "colspan" | "rowspan") => {
                value.trim().parse().is_ok_and(|n: u16| n <= 200).then_some(value.into())
            }
            _ => Some(Cow::Borrowed(value)),
        }
    }

    fn link(&self, value: &str) -> Option<String> {
        let target = Target::read(value)?;
        let mut state = self.state();
        state.targets.push(target);
        Some(format!("{}/{}", self.link_base, state.targets.len() - 1))
    }

    fn image(&self, value: &str) -> Option<String> {
        if !is_remote(value) {
            return self.state().images.data_uri(value);
        }
        match self.remote {
            RemoteContent::Allowed => remote_source(value),
            RemoteContent::Blocked => {
                self.state().blocked += 1;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_of_the_frame_lets_pictures_in_only_when_they_are_allowed() {
        let blocked = csp(RemoteContent::Blocked);
        assert!(blocked.contains("img-src data:;") && !blocked.contains("https:"));
        assert!(csp(RemoteContent::Allowed).contains("img-src data: https: http:;"));
        for policy in [blocked, csp(RemoteContent::Allowed)] {
            assert!(policy.starts_with("default-src 'none';") && policy.ends_with("; sandbox"));
            assert!(!policy.contains("script") && !policy.contains("allow-"));
        }
    }

    #[test]
    fn what_is_sanitised_once_is_read_back_as_the_same_document() {
        for html in [
            "<p style=\"color:red;position:fixed\">a<b>b</p>c</b>",
            "<table><tr><td>1<td>2<p>x<table><td>3</table>",
            "<a href=https://example.org title='<img src=x onerror=1>'>x</a>",
            "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
            "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
            "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
            "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\"></noscript>",
            "<p>\u{0}&lt;script&gt; &amp;amp; &#60;b&#62; <![CDATA[x]]> <!-- a --> <?php ?>",
            "<listing>\n<pre>\nx</pre></listing><plaintext><b>",
        ] {
            let once = policy::builder().clean(html).to_string();
            let twice = policy::builder().clean(&once).to_string();
            assert_eq!(once, twice, "{html}");
        }
    }
}
