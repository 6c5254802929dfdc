//! The colours a mail gives its whole page. The sanitiser knows fragments only and drops the body's own tag, and a
//! mail in white letters on dark ground would lose its ground.

use std::cell::RefCell;

use html5ever::{
    tendril::StrTendril,
    tokenizer::{
        BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
        states::{Rawtext, Rcdata, ScriptData},
    },
};

/// Bytes in which the body's tag is looked for.
const HEAD: usize = 512 << 10;

/// The declarations of the body's own attributes, in the form of a style attribute. They are as hostile as the rest.
pub(super) fn style(html: &str) -> Option<String> {
    let mut end = HEAD.min(html.len());
    while !html.is_char_boundary(end) {
        end -= 1;
    }
    let tokenizer = Tokenizer::new(Body::default(), TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html.get(..end)?));
    // The sink stops the tokenizer at the body.
    let _stopped = tokenizer.feed(&input);
    let style = tokenizer.sink.0.into_inner()?;
    (!style.is_empty()).then_some(style)
}

#[derive(Default)]
struct Body(RefCell<Option<String>>);

impl TokenSink for Body {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        let Token::TagToken(tag) = token else { return TokenSinkResult::Continue };
        if tag.kind != TagKind::StartTag {
            return TokenSinkResult::Continue;
        }
        match &*tag.name {
            "title" | "textarea" => TokenSinkResult::RawData(Rcdata),
            "style" | "xmp" | "noframes" => TokenSinkResult::RawData(Rawtext),
            "script" => TokenSinkResult::RawData(ScriptData),
            "body" => {
                *self.0.borrow_mut() = Some(declarations(&tag));
                TokenSinkResult::Script(())
            }
            _ => TokenSinkResult::Continue,
        }
    }
}

fn declarations(tag: &Tag) -> String {
    let of = |name: &str| tag.attrs.iter().find(|attribute| &*attribute.name.local == name).map(|a| &*a.value);
    let background = of("bgcolor").and_then(colour).map(|colour| format!("background-color:{colour}"));
    let text = of("text").and_then(colour).map(|colour| format!("color:{colour}"));
    // The style comes last and wins, as in a browser.
    let parts: Vec<String> = background.into_iter().chain(text).chain(of("style").map(str::to_owned)).collect();
    parts.join(";")
}

/// A colour of an old attribute, which may lack its `#`.
fn colour(value: &str) -> Option<String> {
    let value = value.trim();
    let digits = value.trim_start_matches('#');
    if matches!(digits.len(), 3 | 6) && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(format!("#{digits}"));
    }
    (value.len() <= 30 && value.bytes().all(|byte| byte.is_ascii_alphabetic())).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bodys_own_colours_are_found_wherever_it_begins() {
        for (html, found) in [
            ("<html><body bgcolor=\"#000000\" text=white><p>x", Some("background-color:#000000;color:white")),
            (
                "<style><body bgcolor=red></style><BODY BGCOLOR=112233 STYLE='color:#fff'>x",
                Some("background-color:#112233;color:#fff"),
            ),
            ("<body bgcolor='red;position:fixed'>x", None),
            ("<p>no body", None),
            ("", None),
        ] {
            assert_eq!(style(html).as_deref(), found, "{html}");
        }
    }
}
