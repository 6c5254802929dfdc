//! What a mail's HTML says, as text: a line for each block, as a reader sees them.
//!
//! After the `innerText` getter of the HTML standard, but for paragraphs, which get no empty line around them: mail
//! programs make one of every line.

use std::cell::RefCell;

use html5ever::{
    tendril::StrTendril,
    tokenizer::{
        BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
        states::{Rawtext, Rcdata, ScriptData},
    },
};

/// The text of a page. Nothing of scripts, styles and its title; white space is one space, except in `pre`.
pub(super) fn of(html: &str) -> String {
    let tokenizer = Tokenizer::new(Sink::default(), TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    // The sink never stops it.
    let _done = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.into_inner().text
}

#[derive(Default)]
struct Sink(RefCell<Written>);

/// What was written so far.
#[derive(Default)]
struct Written {
    text: String,
    /// White space was met on this line and is written before the next word.
    space: bool,
    /// Inside an element whose content is no markup and nothing to read.
    silent: bool,
    /// How deep in templates, which say nothing either.
    templates: usize,
    preformatted: usize,
    /// The tag before was that of preformatted text: a line end right after it does not count.
    begun: bool,
}

impl Written {
    fn characters(&mut self, characters: &str) {
        if self.is_hidden() {
            return;
        }
        if self.preformatted > 0 {
            let begun = std::mem::take(&mut self.begun);
            let first = |end| characters.strip_prefix(end).filter(|_| begun);
            self.text.push_str(first("\r\n").or_else(|| first("\n")).unwrap_or(characters));
            return;
        }
        for c in characters.chars() {
            if c.is_ascii_whitespace() {
                self.space = true;
                continue;
            }
            if self.space && !self.begins_line() {
                self.text.push(' ');
            }
            self.space = false;
            self.text.push(c);
        }
    }

    const fn is_hidden(&self) -> bool {
        self.silent || self.templates > 0
    }

    fn begins_line(&self) -> bool {
        self.text.is_empty() || self.text.ends_with('\n')
    }

    fn line_end(&mut self) {
        self.text.push('\n');
        self.space = false;
    }

    /// The edge of a block: what follows stands on another line than what was before.
    fn edge(&mut self) {
        if !self.begins_line() {
            self.line_end();
        }
        self.space = false;
    }

    fn tag(&mut self, tag: &Tag) {
        let opens = tag.kind == TagKind::StartTag;
        let nest = |depth: usize| if opens { depth + 1 } else { depth.saturating_sub(1) };
        self.begun = false;
        match &*tag.name {
            // In a drawing an element may end where it begins. In HTML it may not, and is read so that no text is lost.
            "script" | "style" | "title" | "iframe" | "noembed" | "noframes" | "template" | "pre" | "xmp"
            | "listing"
                if tag.self_closing => {}
            "script" | "style" | "title" | "iframe" | "noembed" | "noframes" => self.silent = opens,
            "template" => self.templates = nest(self.templates),
            _ if self.is_hidden() => {}
            "br" => self.line_end(),
            "td" | "th" => self.space = true,
            "pre" | "xmp" | "listing" => {
                self.edge();
                self.preformatted = nest(self.preformatted);
                self.begun = opens;
            }
            "address" | "article" | "aside" | "blockquote" | "body" | "center" | "dd" | "details" | "div" | "dl"
            | "dt" | "fieldset" | "figcaption" | "figure" | "footer" | "form" | "h1" | "h2" | "h3" | "h4" | "h5"
            | "h6" | "header" | "hr" | "legend" | "li" | "main" | "nav" | "ol" | "p" | "section" | "summary"
            | "table" | "tbody" | "tfoot" | "thead" | "caption" | "tr" | "ul" => self.edge(),
            _ => {}
        }
    }
}

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        let mut written = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(characters) => written.characters(&characters),
            Token::TagToken(tag) => {
                written.tag(&tag);
                if tag.kind == TagKind::StartTag && !tag.self_closing {
                    return match &*tag.name {
                        "title" | "textarea" => TokenSinkResult::RawData(Rcdata),
                        "style" | "xmp" | "iframe" | "noembed" | "noframes" => TokenSinkResult::RawData(Rawtext),
                        "script" => TokenSinkResult::RawData(ScriptData),
                        _ => TokenSinkResult::Continue,
                    };
                }
            }
            Token::DoctypeToken(_)
            | Token::CommentToken(_)
            | Token::NullCharacterToken
            | Token::EOFToken
            | Token::ParseError(_) => {}
        }
        TokenSinkResult::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stands_where_a_reader_sees_one() {
        for (html, text) in [
            ("<h1>Heading</h1><p>one <b>two</b>\n three</p><p>four", "Heading\none two three\nfour"),
            (
                "<div>Добрий день!</div><div><br></div><div>Дякую<br></div><div>Олена</div>",
                "Добрий день!\n\nДякую\nОлена\n",
            ),
            ("<div><div><div>deep</div></div></div>after", "deep\nafter"),
            (
                "<table><tr><td>Price</td><td>120&nbsp;zł</td></tr><tr><th>Days</th><td> 3 </td></tr></table>",
                "Price 120\u{a0}zł\nDays 3\n",
            ),
            ("<ul><li>first<li>second</ul>", "first\nsecond\n"),
            ("a<br><br>b<hr>c", "a\n\nb\nc"),
            ("a<pre>\n  as\n it  is</pre>done", "a\n  as\n it  is\ndone"),
            ("<svg><title/><style/></svg>no<template><div> <td></div></template>thing", "nothing"),
            ("<template></title>x</template>one <template><p>x</p></template>two", "one two"),
            ("5 &lt; 7 &amp; 7 < 9 &euro;", "5 < 7 & 7 < 9 €"),
            ("no\u{0}<!-- nothing -->thing", "nothing"),
            ("", ""),
        ] {
            assert_eq!(of(html), text, "{html}");
        }
    }

    #[test]
    fn what_nobody_reads_is_left_out() {
        for html in [
            "<html><head><title>T</title><style>p{}</style></head><body>seen</body></html>",
            "<script>if (a < b) document.write('<p>x</p>')</script>seen",
            "<template><div>x<template>y</template></div></template>seen",
            "<iframe src=x><p>x</p></iframe>seen",
            "seen<style>p{color:red}",
            "</style></title>seen",
        ] {
            assert_eq!(of(html).trim(), "seen", "{html}");
        }
    }

    #[test]
    fn rubbish_ends() {
        for html in ["<", "</", "<!--", "<a href=\"", "&#x", "&#99999999999;", "<p <p <p", "\u{feff}<\u{0}>"] {
            assert!(of(&html.repeat(500)).len() < 20_000, "{html}");
        }
    }
}
