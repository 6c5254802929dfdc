//! Hostile and ordinary mails through the whole renderer. The judge is a parser of its own and a list of its own.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use std::cell::RefCell;

use base64::{Engine, engine::general_purpose::STANDARD};
use html5ever::{
    tendril::StrTendril,
    tokenizer::{BufferQueue, Token, TokenSink, TokenSinkResult, Tokenizer},
};
use proptest::prelude::*;
use skrynka_mail::render::{RemoteContent, RenderOptions, Rendered, render};

/// Vectors of scripts, mutation, styles, trackers, frames and forms, one a line; headings begin with `## `.
const VECTORS: &str = include_str!("rendering/vectors.txt");
const BASE: &str = "/link/a/m";
const GIF: &[u8] =
    b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

fn options(remote: RemoteContent) -> RenderOptions {
    RenderOptions { remote, dark: false, link_base: BASE.to_owned() }
}

/// A mail whose HTML arrives byte for byte.
fn mail(html: &str) -> Vec<u8> {
    let encoded = STANDARD.encode(html);
    let lines: Vec<&str> = encoded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!(
        "From: a@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}\r\n",
        lines.join("\r\n")
    )
    .into_bytes()
}

fn shown(html: &str) -> Rendered {
    render(&mail(html), &options(RemoteContent::Blocked)).unwrap()
}

#[test]
fn a_mail_in_white_letters_keeps_the_dark_ground_of_its_body() {
    let html = "<html><body bgcolor='#102030' text='white' style='padding:4px;position:fixed'><p>Hi</p></body></html>";
    let rendered = shown(html);
    assert!(
        body(&rendered).starts_with("<div style=\"background-color:#102030;color:white;padding:4px\"><p>Hi</p>"),
        "{}",
        body(&rendered)
    );
    let options = RenderOptions { dark: true, ..options(RemoteContent::Blocked) };
    assert!(render(&mail(html), &options).unwrap().html.contains("color-scheme:light"));
    let hostile = shown("<body style='background:url(https://evil.example/x)\"><script>alert(1)</script>'><p>Hi");
    assert!(!body(&hostile).contains("evil") && !body(&hostile).contains("<script"));
}

#[test]
fn inline_images_are_found_in_every_spelling_of_their_address() {
    let gif = STANDARD.encode(GIF);
    for (id, address) in
        [("a@b", "CID:a@b"), ("a&b@c", "cid:a&amp;b@c"), ("a@b", "cid:a&#64;b"), ("a@b", "cid&#58;a%40b")]
    {
        let raw = format!(
            "Subject: x\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n\
             <img src=\"{address}\">\r\n--b\r\nContent-Type: image/gif\r\nContent-ID: <{id}>\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{gif}\r\n--b--\r\n"
        );
        let rendered = render(raw.as_bytes(), &options(RemoteContent::Blocked)).unwrap();
        assert!(rendered.html.contains("data:image/gif;base64,"), "{address}: {}", rendered.html);
    }
}

/// Read to its end for each address, it would take minutes.
#[test]
fn a_text_of_nothing_but_addresses_of_images_is_read_once() {
    assert!(!shown(&format!("<p>{}", "cid:".repeat(400_000))).html.is_empty());
}

fn body(rendered: &Rendered) -> &str {
    let (_, after) = rendered.html.split_once("<body>").unwrap();
    after.strip_suffix("</body></html>").unwrap()
}

/// A tag with its attributes.
type Tagged = (String, Vec<(String, String)>);

/// The tags of a document as a browser's tokenizer sees them.
#[derive(Default)]
struct Tags(RefCell<Vec<Tagged>>);

impl TokenSink for Tags {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        assert!(!matches!(token, Token::CommentToken(_)), "a comment survived: {token:?}");
        if let Token::TagToken(tag) = token {
            let attributes = tag.attrs.iter().map(|a| (a.name.local.to_string(), a.value.to_string()));
            self.0.borrow_mut().push((tag.name.to_string(), attributes.collect()));
        }
        TokenSinkResult::Continue
    }
}

fn tags(html: &str) -> Vec<Tagged> {
    let tokenizer = Tokenizer::new(Tags::default(), Default::default());
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from(html));
    let _done = tokenizer.feed(&queue);
    tokenizer.end();
    tokenizer.sink.0.into_inner()
}

/// Elements and attributes that can neither run, load, leave nor cover anything.
const HARMLESS: &str = " a abbr b bdi big blockquote br caption center code col colgroup div em figure font h1 h2 h3 \
    hr i img li listing main mark ol p pre q s section small span strong sub sup table tbody td tfoot th thead tr tt \
    u ul wbr ";
const PLAIN: &str = " align alt bgcolor border cellpadding cellspacing color colspan dir face height lang rel rowspan \
    size span start title type valign width ";

fn assert_harmless(vector: &str, rendered: &Rendered) {
    for (element, attributes) in tags(body(rendered)) {
        assert!(HARMLESS.contains(&format!(" {element} ")), "<{element}> of {vector} survived");
        for (name, value) in attributes {
            match (element.as_str(), name.as_str()) {
                ("a", "href") => assert!(value.starts_with(&format!("{BASE}/")), "{value} of {vector}"),
                ("img", "src") => assert!(value.starts_with("data:image/"), "{value} of {vector}"),
                (_, "style") => {
                    let value = value.to_lowercase();
                    for bad in ["(", "\\", "@", "/*", "position", "z-index", "behavior", "binding", "expression", "--"]
                    {
                        assert!(!value.contains(bad), "{bad} in the style of {vector}: {value}");
                    }
                }
                (_, name) => assert!(PLAIN.contains(&format!(" {name} ")), "{name} of {vector} survived"),
            }
        }
    }
}

fn vectors() -> impl Iterator<Item = &'static str> {
    VECTORS.lines().filter(|line| !line.is_empty() && !line.starts_with("## "))
}

#[test]
fn no_vector_leaves_anything_that_acts_loads_or_covers() {
    assert!(vectors().count() >= 150);
    for vector in vectors() {
        assert_harmless(vector, &shown(vector));
        assert_harmless(vector, &shown(&format!("<table><tr><td><div>before {vector} after</div></td></tr></table>")));
        assert_harmless(vector, &shown(&format!("<html><body><p title='x'>{vector}")));
    }
}

#[test]
fn what_the_webview_parses_is_what_was_sanitised() {
    for vector in vectors() {
        let once = shown(&format!("x{vector}"));
        let twice = shown(body(&once));
        // HTML cannot write down every tree with a link in a link, so those may move; all else must stay.
        let names = |rendered: &Rendered| tags(body(rendered)).into_iter().map(|(name, _)| name);
        let shape = |rendered: &Rendered| names(rendered).filter(|name| name != "a").collect::<Vec<_>>();
        assert_eq!(shape(&once), shape(&twice), "{vector}");
    }
}

#[test]
fn even_with_pictures_allowed_only_pictures_are_loaded() {
    for vector in vectors() {
        let rendered = render(&mail(vector), &options(RemoteContent::Allowed)).unwrap();
        for (element, attributes) in tags(body(&rendered)) {
            for (name, value) in attributes.iter().filter(|(_, value)| value.contains("t.example")) {
                assert!(element == "img" && name == "src" && value.starts_with("http"), "{name}={value} of {vector}");
            }
        }
        assert!(!rendered.csp.contains("script"));
    }
}

#[test]
fn pictures_of_the_network_are_counted_and_left_out_until_they_are_allowed() {
    let html = "<img src=https://t.example/a.gif width=1><img src='HTTP://t.example/b'><img src=//t.example/c>\
                <img src=http://192.168.0.1/d><img src=x.png><img src=cid:nothing><table background=https://t.example/e>";
    let blocked = shown(html);
    assert_eq!(blocked.blocked_remote, 4);
    assert!(!blocked.html.contains("t.example") && !blocked.html.contains("src="));
    assert!(blocked.csp.contains("img-src data:;"));
    let allowed = render(&mail(html), &options(RemoteContent::Allowed)).unwrap();
    assert_eq!(allowed.blocked_remote, 0);
    let sources: Vec<String> = tags(body(&allowed))
        .into_iter()
        .flat_map(|(_, attributes)| attributes)
        .filter(|(name, _)| name == "src")
        .map(|(_, value)| value)
        .collect();
    assert_eq!(sources, ["https://t.example/a.gif", "http://t.example/b", "https://t.example/c"]);
    assert!(allowed.csp.contains("img-src data: https: http:;"));
}

#[test]
fn links_keep_their_numbers_whether_pictures_are_shown_or_not() {
    let html = "<a href='https://пошта.укр/x?a=1&amp;b=2'>Read <b>more</b></a>\
        <a href='https://t.example/1'><img src=https://t.example/p alt='Logo'></a><a href='javascript:alert(1)'>no</a>\
        <a href='http://evil.example/' title='a > b'>https://bank.example</a><a name=x>anchor</a>\
        <a href='mailto:a@example.org?body=x'>write</a><a href='https://bank.example@evil.example/'>here</a>";
    let blocked = shown(html);
    let allowed = render(&mail(html), &options(RemoteContent::Allowed)).unwrap();
    assert_eq!(blocked.links, allowed.links);
    let links: Vec<_> =
        blocked.links.iter().map(|l| (l.text.as_str(), l.href.as_str(), l.host.as_str(), l.mismatched)).collect();
    assert_eq!(
        links,
        [
            ("Read more", "https://xn--80a1acn3a.xn--j1amh/x?a=1&b=2", "xn--80a1acn3a.xn--j1amh", false),
            ("Logo", "https://t.example/1", "t.example", false),
            ("https://bank.example", "http://evil.example/", "evil.example", true),
            ("write", "mailto:a@example.org", "example.org", false),
            ("here", "https://evil.example/", "evil.example", true),
        ]
    );
    for number in 0..5 {
        assert_eq!(blocked.html.matches(&format!("href=\"{BASE}/{number}\"")).count(), 1);
    }
    assert_eq!(blocked.html.matches("href=").count(), 5);
}

#[test]
fn a_picture_of_the_mail_itself_is_part_of_the_document() {
    let raw = format!(
        "From: a@b.c\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
         <p>Привіт <img src=\"cid:i@x\"><img src='CID:i%40x'><img src=\"cid:page@x\"><img src=\"cid:other@y\"></p>\r\n\
         --b\r\nContent-Type: application/octet-stream\r\nContent-ID: <i@x>\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n\
         --b\r\nContent-Type: image/png\r\nContent-ID: <page@x>\r\n\r\n<svg onload=alert(1)>\r\n--b--\r\n",
        STANDARD.encode(GIF)
    );
    let rendered = render(raw.as_bytes(), &options(RemoteContent::Blocked)).unwrap();
    let data = format!("src=\"data:image/gif;base64,{}\"", STANDARD.encode(GIF));
    assert!(rendered.html.contains("Привіт"));
    assert_eq!(rendered.html.matches(&data).count(), rendered.html.matches("src=").count());
    assert!(rendered.html.matches(&data).count() >= 1 && rendered.blocked_remote == 0, "{}", rendered.html);
}

#[test]
fn what_mails_look_like_survives() {
    let rendered = shown(
        "<html><head><title>t</title><style>p{color:red}</style><script>p{}</script></head><body bgcolor='#ffffff'>\
         <p class=MsoNormal style='MARGIN: 0cm; color:#333;font-family:\"Segoe UI\",Arial'>Dzień dobry, <b>Олено</b>!</p>\
         <!-- x --><o:p>&nbsp;</o:p><table width=600 cellpadding=0><tr><td align=center colspan=2 style='padding:4px'>1 &lt; 2</td></tr></table>\
         <form action=https://x.example><button>Відкрити</button><input value=y></form></body></html>",
    );
    let body = body(&rendered);
    assert!(
        body.contains("Dzień dobry, <b>Олено</b>!") && body.contains("1 &lt; 2") && body.contains("Відкрити"),
        "{body}"
    );
    assert!(body.contains("color:#333") && body.contains("margin:0cm") && body.contains("Segoe UI"), "{body}");
    assert!(
        body.contains("width=\"600\"") && body.contains("colspan=\"2\"") && body.contains("align=\"center\""),
        "{body}"
    );
    assert!(!body.contains("p{") && !body.contains("<title") && !body.contains("MsoNormal"));
    assert!(rendered.html.starts_with(
        "<!doctype html><html><head><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\""
    ));
}

#[test]
fn dark_paper_is_for_mails_without_colours() {
    let dark = RenderOptions { dark: true, ..options(RemoteContent::Blocked) };
    for (html, is_dark) in [
        ("<p>x</p>", true),
        ("<p style='color:#000'>x</p>", false),
        ("<table bgcolor=white><td>x</table>", false),
        ("<p style='margin:0'>x</p>", true),
    ] {
        let rendered = render(&mail(html), &dark).unwrap();
        assert_eq!(rendered.html.contains("color-scheme:dark"), is_dark, "{html}");
    }
}

#[test]
fn a_bomb_is_shown_as_text() {
    for bomb in [
        "<div>".repeat(100_000) + "hello",
        "hello ".repeat(400_000),
        "<b id=1><i>".repeat(2_000) + &"<p>hello".repeat(60_000),
    ] {
        let rendered = shown(&bomb);
        assert!(rendered.as_text && body(&rendered).starts_with("<pre class=\"text\">"));
        assert!(rendered.html.len() < 4 << 20 && rendered.html.contains("hello"));
    }
}

#[test]
fn what_has_no_html_or_cannot_be_read_is_not_rendered() {
    for raw in [&b""[..], b"\0", b"\xff\xfe\r\n\r\n", &[b'a'; 100_000], b"Subject: x\r\n\r\nplain"] {
        assert_eq!(render(raw, &options(RemoteContent::Blocked)), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn pieces_of_vectors_in_any_order_stay_harmless(
        pieces in proptest::collection::vec((0..200_usize, 0..200_usize, 0..200_usize), 1..8)
    ) {
        let all: Vec<&str> = vectors().collect();
        let html: String = pieces.iter().map(|(which, from, length)| {
            let characters = all[which % all.len()].chars();
            characters.skip(from % 60).take(*length).collect::<String>()
        }).collect();
        if let Some(rendered) = render(&mail(&html), &options(RemoteContent::Blocked)) {
            assert_harmless(&html, &rendered);
        }
    }

    #[test]
    fn no_bytes_make_the_renderer_panic(raw in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let html = [b"Content-Type: text/html\r\n\r\n".to_vec(), raw.clone()].concat();
        let _whatever = render(&raw, &options(RemoteContent::Allowed));
        prop_assert!(render(&html, &options(RemoteContent::Allowed)).is_none_or(|r| r.html.ends_with("</html>")));
    }
}
