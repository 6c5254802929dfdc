//! A mail's HTML as a document that can be shown: nothing in it runs, loads or leaves its frame.
//!
//! This is one of three layers, beside the frame's sandbox and its policy ([`Rendered::csp`]), and holds by itself.
//! The HTML is parsed, cut down to an allow-list and written once; the text is never touched after that, because
//! that is how sanitisers are defeated.

mod body;
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

/// Paper for mail: dark on white, as mail is written for.
const LIGHT: &str = "html{color-scheme:light;background:#fff;color:#1f2328}a{color:#0b57d0}";
/// Paper for a mail that says nothing of colours, in a dark window.
const DARK: &str = "html{color-scheme:dark;background:#1e2024;color:#e6e4e0}a{color:#8ab4f8}";
/// How a document looks where the mail says nothing.
const LOOK: &str = "body{margin:12px;font:14px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif;\
    overflow-wrap:break-word}\
    img{max-width:100%;object-fit:contain}img:not([src]){background:#8882}\
    pre{white-space:pre-wrap;font-family:ui-monospace,monospace}pre.text{margin:0;font:inherit}\
    blockquote{margin:4px 0 4px 4px;padding-left:12px;border-left:2px solid #8888}";

/// Whether pictures may be loaded from the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RemoteContent {
    /// Nothing is loaded. The sender does not learn that the mail was opened.
    #[default]
    Blocked,
    /// Pictures are loaded, except from addresses that can be seen to be this computer's or a private network's. The
    /// webview asks the name server itself: a name that leads to such an address is not recognised here.
    Allowed,
}

/// How to render.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RenderOptions {
    /// Whether pictures may be loaded from the network.
    pub remote: RemoteContent,
    /// Shows mails that bring no colours of their own in light letters on dark ground.
    pub dark: bool,
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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rendered {
    /// The complete document.
    pub html: String,
    /// How many pictures were not loaded from the network.
    pub blocked_remote: u32,
    /// The links; their numbers do not depend on [`RenderOptions::remote`].
    pub links: Vec<Link>,
    /// The `Content-Security-Policy` the document must be served with.
    pub csp: String,
    /// The HTML was too long or too tangled and is shown as text.
    pub as_text: bool,
}

/// Renders a mail's HTML; `None` when it has none or cannot be read. Pure; never panics. HTML that is too long or too
/// tangled to be worth its cost is shown as text. May take a second for the worst, so it belongs on a blocking thread.
pub fn render(raw: &[u8], options: &RenderOptions) -> Option<Rendered> {
    let HtmlBody { html, images } = parse::html_body(raw)?;
    // The libraries have never been seen to panic here, but their input is anybody's.
    let shown = catch_unwind(AssertUnwindSafe(|| as_html(&html, images, options)));
    shown.ok().flatten().or_else(|| as_text(raw, options))
}

fn as_html(html: &str, images: Vec<(String, Vec<u8>)>, options: &RenderOptions) -> Option<Rendered> {
    if html.len() > HTML || !shape::is_reasonable(html) {
        return None;
    }
    let rewriter = Rewriter::new(images, options);
    let filter = rewriter.clone();
    let mut builder = policy::builder();
    builder.attribute_filter(move |element, name, value| filter.attribute(element, name, value));
    let mut body = builder.clean(html).to_string();
    if let Some(style) = body::style(html) {
        let ground =
            builder.clean(&format!("<div style=\"{}\"></div>", escaped(&style).replace('"', "&quot;"))).to_string();
        if let Some(ground) = ground.strip_suffix("</div>").filter(|ground| ground.contains("style=")) {
            body = format!("{ground}{body}</div>");
        }
    }
    let mut state = rewriter.state();
    let targets = std::mem::take(&mut state.targets);
    Some(Rendered {
        links: links::described(&body, &options.link_base, targets),
        html: document(&body, options, state.colours),
        blocked_remote: state.blocked,
        csp: csp(options.remote, true),
        as_text: false,
    })
}

fn as_text(raw: &[u8], options: &RenderOptions) -> Option<Rendered> {
    let Content::Letter(letter) = parse::content(raw) else { return None };
    let html = document(&format!("<pre class=\"text\">{}</pre>", escaped(&letter.text)), options, false);
    Some(Rendered { html, csp: csp(options.remote, true), as_text: true, ..Rendered::default() })
}

fn document(body: &str, options: &RenderOptions, own_colours: bool) -> String {
    // A mail that sets some colours expects white paper for the rest.
    let paper = if options.dark && !own_colours { DARK } else { LIGHT };
    let policy = csp(options.remote, false);
    format!(
        "<!doctype html><html><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\
         <meta name=\"referrer\" content=\"no-referrer\"><style>{paper}{LOOK}</style></head><body>{body}</body></html>"
    )
}

/// The policy of the frame; a `meta` element may not carry all of it.
fn csp(remote: RemoteContent, header: bool) -> String {
    let images = match remote {
        RemoteContent::Blocked => "data:",
        RemoteContent::Allowed => "data: https: http:",
    };
    let frame = if header { "; frame-ancestors tauri://localhost http://tauri.localhost; sandbox" } else { "" };
    format!(
        "default-src 'none'; img-src {images}; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'{frame}"
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
    /// The mail sets colours of its own.
    colours: bool,
}

impl Rewriter {
    fn new(images: Vec<(String, Vec<u8>)>, options: &RenderOptions) -> Self {
        let state = State { images: Images::new(images), targets: Vec::new(), blocked: 0, colours: false };
        let RenderOptions { remote, link_base, .. } = options.clone();
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
            (_, "style") => self.style(value).map(Cow::Owned),
            (_, "color" | "bgcolor") => {
                self.state().colours = true;
                Some(Cow::Borrowed(value))
            }
            ("td" | "th", "colspan" | "rowspan") => {
                value.trim().parse().is_ok_and(|n: u16| n <= 200).then_some(value.into())
            }
            _ => Some(Cow::Borrowed(value)),
        }
    }

    fn style(&self, value: &str) -> Option<String> {
        let kept = style::filtered(value)?;
        self.state().colours |= ["color:", "background:"].iter().any(|name| kept.contains(name));
        Some(kept)
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
        let blocked = csp(RemoteContent::Blocked, true);
        assert!(blocked.contains("img-src data:;") && !blocked.contains("https:"));
        assert!(csp(RemoteContent::Allowed, true).contains("img-src data: https: http:;"));
        for policy in [blocked, csp(RemoteContent::Allowed, true)] {
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
