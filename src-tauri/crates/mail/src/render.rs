//! A mail's HTML made safe to show. Pure: no I/O, never a panic.
//!
//! This is the second wall. The first is the frame it is shown in, without scripts and with a content security
//! policy of its own ([`Rendered::csp`]); each must hold without the other. Everything happens inside the sanitiser:
//! its output is never edited as a string, because that is how sanitised HTML becomes dangerous again.

mod images;
mod links;
mod sanitise;
mod shape;
mod style;

use crate::parse;

pub use self::links::Link;

/// Bytes of HTML that are sanitised; larger mails are shown as text.
const LARGEST: usize = 2 << 20;

/// Whether a mail may load images from the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RemoteContent {
    /// Nothing is loaded; what would be is counted.
    #[default]
    Blocked,
    /// Images are loaded over HTTPS from public hosts. The sender learns that the mail was read, when and where.
    Allowed,
}

/// How a mail is to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RenderOptions {
    /// Whether images may be loaded.
    pub remote: RemoteContent,
    /// Shows mails that bring no colours of their own in light letters on dark ground.
    pub dark: bool,
    /// Links point to this, a slash and their place in [`Rendered::links`].
    pub link_base: String,
}

/// A mail ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rendered {
    /// A complete HTML document.
    pub html: String,
    /// How many images and other remote contents were left out.
    pub blocked_remote: u32,
    /// The links of the mail in order.
    pub links: Vec<Link>,
    /// The `Content-Security-Policy` header to send with it.
    pub csp: String,
    /// The HTML was too large or too deeply nested and is shown as text.
    pub as_text: bool,
}

/// Renders a mail's HTML body; `None` when it has none or cannot be read.
///
/// Takes up to about a second for the largest mails, so it belongs on a blocking thread.
pub fn render(raw: &[u8], options: &RenderOptions) -> Option<Rendered> {
    let body = parse::html_body(raw)?;
    Some(render_html(&body.html, body.images, options))
}

/// Renders HTML with the images of its mail, by Content-ID.
fn render_html(html: &str, images: Vec<(String, Vec<u8>)>, options: &RenderOptions) -> Rendered {
    let csp = policy(options.remote, true);
    if html.len() > LARGEST || !shape::is_reasonable(html) {
        let text = mail_parser::decoders::html::html_to_text(html.get(..floor(html, LARGEST)).unwrap_or_default());
        let html = document(&format!("<pre>{}</pre>", escaped(&text)), options, false);
        return Rendered { html, csp, as_text: true, ..Rendered::default() };
    }
    let clean = sanitise::sanitise(html, images, options);
    let links = links::describe(&clean.html, clean.targets, &options.link_base);
    let html = document(&clean.html, options, clean.colours);
    Rendered { html, blocked_remote: clean.blocked, links, csp, as_text: false }
}

/// The policy of the frame; a `meta` element may not carry all of it.
fn policy(remote: RemoteContent, header: bool) -> String {
    let images = match remote {
        RemoteContent::Blocked => "data:",
        RemoteContent::Allowed => "data: https:",
    };
    let policy =
        format!("default-src 'none'; img-src {images}; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'");
    if header { policy + "; frame-ancestors tauri://localhost http://tauri.localhost; sandbox" } else { policy }
}

fn document(body: &str, options: &RenderOptions, own_colours: bool) -> String {
    let policy = policy(options.remote, false);
    // A mail that sets some colours expects white paper for the rest.
    let paper = if options.dark && !own_colours { "#1e2024;color:#e6e4e0" } else { "#fff;color:#1a1a1a" };
    let links = if options.dark && !own_colours { "#8ab4f8" } else { "#0b57d0" };
    format!(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\
         <meta name=\"referrer\" content=\"no-referrer\">\
         <style>html{{background:{paper};font:15px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}}\
         body{{margin:16px}}a{{color:{links}}}img{{max-width:100%;height:auto}}table{{max-width:100%}}\
         pre{{white-space:pre-wrap}}blockquote{{margin:0 0 0 4px;padding-left:12px;border-left:2px solid #8888}}\
         </style></head><body>{body}</body></html>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn floor(text: &str, most: usize) -> usize {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}

#[cfg(test)]
mod tests;
