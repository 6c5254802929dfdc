//! The allow-list: the elements and attributes of written text, tables and pictures.

use std::collections::{HashMap, HashSet};

use ammonia::{Builder, UrlRelative};

use super::style::PROPERTIES;

/// Kept. No foreign content (SVG, MathML), no style sheets, no forms, nothing that embeds or navigates.
const ELEMENTS: [&str; 75] = [
    "a",
    "abbr",
    "acronym",
    "address",
    "article",
    "aside",
    "b",
    "bdi",
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
    "nav",
    "ol",
    "p",
    "pre",
    "q",
    "rp",
    "rt",
    "ruby",
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
    "thead",
    "time",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "wbr",
    "hgroup",
    "search",
];

/// Dropped with everything inside; any other element only loses its tags.
const DROPPED_WHOLE: [&str; 26] = [
    "script",
    "style",
    "svg",
    "math",
    "template",
    "noscript",
    "noembed",
    "noframes",
    "title",
    "textarea",
    "select",
    "datalist",
    "option",
    "iframe",
    "frameset",
    "object",
    "embed",
    "applet",
    "audio",
    "video",
    "canvas",
    "map",
    "xmp",
    "plaintext",
    "portal",
    "head",
];

/// Allowed on every element. Neither `id` nor `class` nor `name`: they could clobber or be styled.
const EVERYWHERE: [&str; 6] = ["style", "dir", "lang", "title", "align", "valign"];

/// Allowed on some.
const ATTRIBUTES: [(&[&str], &[&str]); 10] = [
    (&["a"], &["href"]),
    (&["img"], &["src", "alt", "width", "height", "border", "hspace", "vspace"]),
    (&["table"], &["width", "height", "border", "cellpadding", "cellspacing", "bgcolor", "rules", "frame", "summary"]),
    (&["td", "th"], &["width", "height", "colspan", "rowspan", "nowrap", "bgcolor", "abbr", "scope"]),
    (&["tr", "tbody", "thead", "tfoot"], &["height", "bgcolor"]),
    (&["col", "colgroup"], &["width", "span"]),
    (&["font"], &["color", "face", "size"]),
    (&["ol", "ul", "li"], &["type", "start", "value", "reversed"]),
    (&["hr"], &["width", "size", "color", "noshade"]),
    (&["time", "del", "ins"], &["datetime"]),
];

/// Schemes an address may have before the rewriting decides; relative ones are decided there too.
const SCHEMES: [&str; 5] = ["http", "https", "mailto", "cid", "data"];

/// The sanitiser without the rewriting of addresses and styles.
pub(super) fn builder() -> Builder<'static> {
    let mut attributes: HashMap<&str, HashSet<&str>> = HashMap::new();
    for (elements, names) in ATTRIBUTES {
        attributes.extend(elements.iter().map(|element| (*element, HashSet::from_iter(names.iter().copied()))));
    }
    let mut builder = Builder::empty();
    builder
        .tags(HashSet::from(ELEMENTS))
        .clean_content_tags(HashSet::from(DROPPED_WHOLE))
        .generic_attributes(HashSet::from(EVERYWHERE))
        .tag_attributes(attributes)
        .filter_style_properties(HashSet::from(PROPERTIES))
        .url_schemes(HashSet::from(SCHEMES))
        .url_relative(UrlRelative::PassThrough)
        .link_rel(Some("noopener noreferrer"))
        .strip_comments(true);
    builder
}
