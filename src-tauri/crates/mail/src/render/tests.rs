use super::*;

/// Vectors of scripts, mutation, styles, trackers, frames and forms. `X` stands for the payload.
const VECTORS: &str = include_str!("vectors.txt");

fn options() -> RenderOptions {
    RenderOptions { link_base: "mail-link://localhost".to_owned(), ..RenderOptions::default() }
}

fn shown(html: &str) -> Rendered {
    render_html(html, Vec::new(), &options())
}

/// The body of a rendered document.
fn body(rendered: &Rendered) -> &str {
    rendered.html.split_once("<body>").unwrap().1.strip_suffix("</body></html>\n").unwrap()
}

/// The tags of a serialised fragment with their attributes, read without a parser: `<` in text is escaped there.
fn tags(html: &str) -> Vec<String> {
    html.split('<').skip(1).map(|tag| tag.split('>').next().unwrap().to_lowercase()).collect()
}

fn assert_harmless(vector: &str, html: &str) {
    for tag in tags(html) {
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        assert!(
            ![
                "script",
                "style",
                "svg",
                "math",
                "iframe",
                "object",
                "embed",
                "form",
                "input",
                "button",
                "base",
                "meta",
                "link",
                "template",
                "noscript",
                "video",
                "audio",
                "textarea",
                "select",
                "title",
                "animate",
                "set",
                "foreignobject",
                "body",
                "html",
                "frame",
                "frameset",
                "marquee",
                "isindex",
                "xml",
                "image",
                "portal",
                "dialog",
                "details"
            ]
            .contains(&name),
            "<{name}> of {vector:?} survived in {html:?}"
        );
        let attributes = tag.split_once(' ').map_or("", |(_, attributes)| attributes);
        for attribute in attributes.split("\" ") {
            let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let value = value.trim_matches('"').trim();
            assert!(!name.starts_with("on"), "{name} of {vector:?} survived in {html:?}");
            assert!(
                ![
                    "srcset",
                    "background",
                    "action",
                    "formaction",
                    "poster",
                    "ping",
                    "id",
                    "class",
                    "name",
                    "target",
                    "xlink:href",
                    "srcdoc"
                ]
                .contains(&name),
                "{name} of {vector:?} survived in {html:?}"
            );
            match name {
                "href" => assert!(value.starts_with("mail-link://localhost/"), "{value} of {vector:?}"),
                "src" => assert!(value.starts_with("data:image/") && !value.contains("svg"), "{value} of {vector:?}"),
                "style" => {
                    for bad in [
                        "url",
                        "expression",
                        "import",
                        "position",
                        "z-index",
                        "behavior",
                        "binding",
                        "javascript",
                        "content:",
                        "\\",
                        "var(",
                        "image",
                    ] {
                        assert!(!value.contains(bad), "{bad} in the style of {vector:?}: {value}");
                    }
                }
                _ => {}
            }
        }
    }
}

#[test]
fn no_vector_leaves_anything_that_acts_or_loads() {
    let vectors: Vec<&str> = VECTORS.lines().filter(|line| !line.is_empty() && !line.starts_with("## ")).collect();
    assert!(vectors.len() >= 100, "{}", vectors.len());
    for vector in vectors {
        let rendered = shown(vector);
        assert_harmless(vector, body(&rendered));
        let framed = format!("<table><tr><td><div>before {vector} after</div></td></tr></table>");
        assert_harmless(vector, body(&shown(&framed)));
    }
}

/// The document is parsed again by the webview: what its parser makes of it must be harmless too (mutation XSS).
#[test]
fn parsing_the_result_again_brings_nothing_back_to_life() {
    for vector in VECTORS.lines() {
        let again = |html: &str| sanitise::sanitise(html, Vec::new(), &options()).html;
        let once = again(vector);
        let twice = again(&once);
        assert_harmless(vector, &twice);
        assert_eq!(twice, again(&twice), "{vector}");
    }
}

#[test]
fn remote_images_are_counted_and_left_out() {
    let rendered = shown(
        "<img src=https://t.example/a.gif><img src='HTTP://t.example/b'><table background=https://t.example/c>\
         <td style='background:url(https://t.example/d)'>x</td></table><img srcset='https://t.example/e 2x'>",
    );
    assert_eq!(rendered.blocked_remote, 5);
    assert!(!rendered.html.contains("t.example"));
    assert!(rendered.csp.contains("img-src data:;"));
}

#[test]
fn remote_images_load_over_https_from_public_hosts_once_allowed() {
    let allowed = RenderOptions { remote: RemoteContent::Allowed, ..options() };
    let html = "<img src=http://cdn.example/a.png><img src=https://127.0.0.1/b><img src=https://localhost/c>\
                <img src=https://192.168.1.1/d><img src=https://nas.local/e><img src=https://[::1]/f>\
                <img src=https://cdn.example:8443/g><img src=https://0x7f000001/h><img src=https://intranet/i>";
    let rendered = render_html(html, Vec::new(), &allowed);
    assert_eq!(rendered.html.matches("<img").count() - 8, 1);
    assert!(rendered.html.contains("<img src=\"https://cdn.example/a.png\">"));
    assert_eq!(rendered.html.matches("src=\"").count(), 1);
    assert_eq!(rendered.blocked_remote, 8);
    assert!(rendered.csp.contains("img-src data: https:;"));
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest of it";

#[test]
fn images_of_the_same_mail_are_shown_by_what_they_are() {
    let images = || {
        vec![
            ("logo@x".to_owned(), PNG.to_vec()),
            ("page@x".to_owned(), b"<html><script>alert(1)</script>".to_vec()),
            ("svg@x".to_owned(), b"<svg onload=alert(1)>".to_vec()),
            ("huge@x".to_owned(), [PNG, &vec![0; 6 << 20]].concat()),
        ]
    };
    let html = "<img src=\"cid:logo@x\" alt=Logo><img src='CID:logo%40x'><img src=cid:page@x><img src=cid:svg@x>\
                <img src=cid:huge@x><img src=cid:other@y>";
    let rendered = render_html(html, images(), &options());
    assert_eq!(rendered.html.matches("src=\"data:image/png;base64,iVBORw0KGgpyZXN0IG9mIGl0\"").count(), 2);
    assert_eq!(rendered.html.matches("src=").count(), 2);
    assert_eq!(rendered.blocked_remote, 0);
}

#[test]
fn links_lead_to_their_place_in_the_list_and_show_where_they_go() {
    let rendered = shown(
        "<a href='https://пошта.укр/x?a=1&b=2'>Read <b>more</b></a> <a href='http://evil.example/' title='a > b'>https://bank.example</a>\
         <a href='javascript:alert(1)'>no</a> <a href='mailto:a@example.org'>write</a>",
    );
    let links: Vec<_> =
        rendered.links.iter().map(|link| (link.text.as_str(), link.host.as_str(), link.mismatched)).collect();
    assert_eq!(
        links,
        [
            ("Read more", "xn--80a1acn3a.xn--j1amh", false),
            ("https://bank.example", "evil.example", true),
            ("write", "a@example.org", false)
        ]
    );
    assert_eq!(rendered.links[0].href, "https://xn--80a1acn3a.xn--j1amh/x?a=1&b=2");
    assert_eq!(rendered.html.matches("href=\"mail-link://localhost/").count(), 3);
    assert!(rendered.html.contains("href=\"mail-link://localhost/2\"") && !rendered.html.contains("javascript"));
}

#[test]
fn what_mails_look_like_survives() {
    let rendered = shown(
        "<html><head><title>t</title><style>p{color:red}</style></head><body bgcolor='#ffffff'><p style='color:#333;font-family:Arial'>\
         Dzień dobry, <b>Олено</b>!</p><table width=600><tr><td align=center style='padding:4px'>1 &lt; 2</td></tr></table></body></html>",
    );
    let body = body(&rendered);
    assert!(body.contains("<p style=\"color:#333;font-family:Arial\">"), "{body}");
    assert!(body.contains("Dzień dobry, <b>Олено</b>!") && body.contains("1 &lt; 2") && body.contains("width=\"600\""));
    assert!(!body.contains("p{") && !body.contains("<title"));
}

#[test]
fn dark_paper_is_for_mails_without_colours() {
    let dark = RenderOptions { dark: true, ..options() };
    assert!(render_html("<p>x</p>", Vec::new(), &dark).html.contains("background:#1e2024"));
    assert!(render_html("<p style='color:#000'>x</p>", Vec::new(), &dark).html.contains("background:#fff"));
}

#[test]
fn a_bomb_is_shown_as_text() {
    for bomb in
        ["<div>".repeat(100_000) + "hello", "x ".repeat(2 << 20), "<b><i>".repeat(2_000) + &"<p>x".repeat(50_000)]
    {
        let rendered = shown(&bomb);
        assert!(rendered.as_text && rendered.html.contains("<pre>") && rendered.html.len() < 3 << 20);
    }
}

#[test]
fn a_whole_mail_is_rendered_with_its_picture() {
    let raw = "From: a@b.c\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n\
               --b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Привіт <img src=\"cid:i@x\"></p>\r\n\
               --b\r\nContent-Type: image/png\r\nContent-ID: <i@x>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgpyZXN0IG9mIGl0\r\n--b--\r\n";
    let rendered = render(raw.as_bytes(), &options()).unwrap();
    assert!(
        rendered.html.contains("Привіт <img src=\"data:image/png;base64,iVBORw0KGgpyZXN0IG9mIGl0\">"),
        "{}",
        rendered.html
    );
    assert_eq!(render(b"Subject: x\r\n\r\nplain", &options()), None);
}
