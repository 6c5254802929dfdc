//! The allow-list. What is not named here does not survive.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use ammonia::{Builder, Url, UrlRelative, url::Host};

use super::{RemoteContent, RenderOptions, images::Images, links::Target, style};

/// Text, tables, lists, images and links. No SVG or MathML, no forms, frames, media, templates or stylesheets.
const TAGS: [&str; 61] = [
    "a",
    "abbr",
    "address",
    "article",
    "b",
    "bdi",
    "bdo",
    "big",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "font",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "main",
    "mark",
    "nobr",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "section",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
];
const MORE_TAGS: [&str; 6] = ["thead", "tr", "tt", "u", "ul", "wbr"];

/// Elements that go with everything inside them; of all others the text stays.
const WITH_CONTENT: [&str; 22] = [
    "annotation-xml",
    "applet",
    "audio",
    "base",
    "embed",
    "frameset",
    "iframe",
    "link",
    "math",
    "meta",
    "noembed",
    "noframes",
    "noscript",
    "object",
    "script",
    "select",
    "style",
    "svg",
    "template",
    "textarea",
    "title",
    "video",
];

const EVERYWHERE: [&str; 16] = [
    "align",
    "bgcolor",
    "border",
    "cellpadding",
    "cellspacing",
    "color",
    "dir",
    "face",
    "height",
    "lang",
    "nowrap",
    "size",
    "style",
    "title",
    "valign",
    "width",
];
/// Attributes that load something: let in so that they can be counted, and dropped.
const LOADING: [&str; 5] = ["background", "dynsrc", "lowsrc", "poster", "srcset"];

/// What came out.
pub(super) struct Clean {
    pub(super) html: String,
    pub(super) blocked: u32,
    pub(super) targets: Vec<Target>,
    /// The mail sets colours of its own.
    pub(super) colours: bool,
}

/// What the filter gathers while ammonia walks the tree.
struct Walk {
    images: Images,
    remote: RemoteContent,
    link_base: String,
    blocked: u32,
    targets: Vec<Target>,
    colours: bool,
}

/// Sanitises a fragment or document.
pub(super) fn sanitise(html: &str, images: Vec<(String, Vec<u8>)>, options: &RenderOptions) -> Clean {
    let walk = Arc::new(Mutex::new(Walk {
        images: Images::new(images),
        remote: options.remote,
        link_base: options.link_base.clone(),
        blocked: 0,
        targets: Vec::new(),
        colours: false,
    }));
    let filter = Arc::clone(&walk);
    let html = builder()
        .attribute_filter(move |tag, name, value| {
            filter.lock().unwrap_or_else(PoisonError::into_inner).attribute(tag, name, value)
        })
        .clean(html)
        .to_string();
    let mut walk = walk.lock().unwrap_or_else(PoisonError::into_inner);
    Clean { html, blocked: walk.blocked, targets: std::mem::take(&mut walk.targets), colours: walk.colours }
}

fn builder() -> Builder<'static> {
    let mut builder = Builder::empty();
    builder
        .tags(TAGS.into_iter().chain(MORE_TAGS).collect())
        .clean_content_tags(HashSet::from(WITH_CONTENT))
        .generic_attributes(EVERYWHERE.into_iter().chain(LOADING).collect())
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href"])),
            ("img", HashSet::from(["src", "alt"])),
            ("td", HashSet::from(["colspan", "rowspan"])),
            ("th", HashSet::from(["colspan", "rowspan"])),
            ("col", HashSet::from(["span"])),
            ("ol", HashSet::from(["start", "type"])),
            ("ul", HashSet::from(["type"])),
        ]))
        .url_schemes(HashSet::from(["http", "https", "mailto", "cid", "data"]))
        // The filter below replaces or drops every address; nothing relative of the mail's own comes through it.
        .url_relative(UrlRelative::PassThrough)
        .link_rel(Some("noopener noreferrer"))
        .strip_comments(true)
        .filter_style_properties(style::properties());
    builder
}

impl Walk {
    fn attribute<'v>(&mut self, tag: &str, name: &str, value: &'v str) -> Option<Cow<'v, str>> {
        match (tag, name) {
            ("a", "href") => self.link(value).map(Cow::Owned),
            ("img", "src") => self.image(value).map(Cow::Owned),
            (_, name) if LOADING.contains(&name) => {
                self.blocked += 1;
                None
            }
            (_, "style") => {
                let judged = style::judge(value);
                self.blocked += u32::from(judged.loads);
                self.colours |= judged.colours;
                (!judged.kept.is_empty()).then_some(Cow::Owned(judged.kept))
            }
            (_, "color" | "bgcolor") => {
                self.colours = true;
                Some(Cow::Borrowed(value))
            }
            _ => Some(Cow::Borrowed(value)),
        }
    }

    fn link(&mut self, href: &str) -> Option<String> {
        let target = Target::read(href)?;
        self.targets.push(target);
        Some(format!("{}/{}", self.link_base, self.targets.len() - 1))
    }

    fn image(&mut self, source: &str) -> Option<String> {
        let source = source.trim();
        let scheme = source.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("cid") => self.images.by_content_id(source.get(4..).unwrap_or_default()),
            Some("data") => self.images.rewritten(source),
            Some("http" | "https") => self.remote_image(source),
            _ => None,
        }
    }

    fn remote_image(&mut self, source: &str) -> Option<String> {
        let mut url = Url::parse(source).ok()?;
        let allowed = self.remote == RemoteContent::Allowed && is_public(&url) && url.port().is_none();
        if !allowed {
            self.blocked += 1;
            return None;
        }
        // Half the world's mails still write http; the policy of the frame lets only https through.
        url.set_scheme("https").ok()?;
        Some(url.into())
    }
}

/// A host of the open internet by its looks. Names that resolve to a private address are the browser's to refuse.
fn is_public(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name.contains('.')
                && ![".local", ".localhost", ".internal", ".lan", ".home.arpa"].iter().any(|end| name.ends_with(end))
        }
        Some(Host::Ipv4(address)) => {
            let [first, second, ..] = address.octets();
            let shared = first == 100 && (64..128).contains(&second);
            let local = address.is_private() || address.is_loopback() || address.is_link_local();
            !(local || shared || first == 0 || address.is_multicast() || address.is_broadcast())
        }
        // Nobody has a reason to send a picture from a bare IPv6 address.
        Some(Host::Ipv6(_)) | None => false,
    }
}
