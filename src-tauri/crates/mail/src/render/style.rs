//! Style attributes: properties that colour, size and space text, with values that can neither load nor overlay.
//!
//! Ammonia parses the result once more with a real CSS parser. This filter knows less of CSS and trusts less: what
//! it does not understand is left out.

/// Properties that are kept. None takes an element out of the flow or over another.
pub(super) const PROPERTIES: [&str; 74] = [
    "background",
    "background-color",
    "border",
    "border-bottom",
    "border-bottom-color",
    "border-bottom-style",
    "border-bottom-width",
    "border-collapse",
    "border-color",
    "border-left",
    "border-left-color",
    "border-left-style",
    "border-left-width",
    "border-radius",
    "border-right",
    "border-right-color",
    "border-right-style",
    "border-right-width",
    "border-spacing",
    "border-style",
    "border-top",
    "border-top-color",
    "border-top-style",
    "border-top-width",
    "border-width",
    "box-sizing",
    "clear",
    "color",
    "direction",
    "display",
    "float",
    "font",
    "font-family",
    "font-size",
    "font-style",
    "font-variant",
    "font-weight",
    "height",
    "letter-spacing",
    "line-height",
    "list-style-position",
    "list-style-type",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "max-height",
    "max-width",
    "min-height",
    "min-width",
    "opacity",
    "overflow",
    "overflow-wrap",
    "overflow-x",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "table-layout",
    "text-align",
    "text-decoration",
    "text-decoration-color",
    "text-decoration-line",
    "text-transform",
    "vertical-align",
    "visibility",
    "white-space",
    "width",
    "word-break",
    "word-spacing",
    "word-wrap",
    "text-indent",
];

/// Functions a value may use; they are colours.
const FUNCTIONS: [&str; 4] = ["rgb", "rgba", "hsl", "hsla"];
/// Bytes of one value that are kept.
const VALUE: usize = 500;

/// Returns the declarations of a style attribute that are harmless; `None` when none is.
pub(super) fn filtered(style: &str) -> Option<String> {
    // A semicolon inside quotes or brackets tears its declaration apart, and both halves are refused.
    let kept: Vec<String> = style.split(';').filter_map(declaration).collect();
    (!kept.is_empty()).then(|| kept.join(";"))
}

fn declaration(text: &str) -> Option<String> {
    let (name, value) = text.split_once(':')?;
    let name = name.trim().to_ascii_lowercase();
    let value = value.trim();
    let value = match value.to_ascii_lowercase().rfind("!important") {
        Some(at) => value.get(..at)?.trim_end(),
        None => value,
    };
    (PROPERTIES.contains(&name.as_str()) && is_plain(value)).then(|| format!("{name}:{value}"))
}

/// Whether a value is made of words, numbers, quoted names and colours.
fn is_plain(value: &str) -> bool {
    !value.is_empty()
        && value.len() <= VALUE
        // Escapes, comments, at-rules, blocks and further colons are where filters and browsers come to differ.
        && !value.chars().any(|c| c.is_control() || r"\*@<>{}[]:!&=`".contains(c))
        && value.matches('"').count().is_multiple_of(2)
        && value.matches('\'').count().is_multiple_of(2)
        && has_known_functions(value)
        && !has_negative_number(value)
}

fn has_known_functions(value: &str) -> bool {
    let mut pieces = value.split('(');
    let mut before = pieces.next().unwrap_or_default();
    if before.contains(')') {
        return false;
    }
    for piece in pieces {
        let start = before.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '-').map_or(0, |at| at + 1);
        let name = before.get(start..).unwrap_or_default().to_ascii_lowercase();
        let closed = piece.split_once(')').is_some_and(|(inside, after)| {
            inside.chars().all(|c| c.is_ascii_alphanumeric() || " .,%/".contains(c)) && !after.contains(')')
        });
        if !FUNCTIONS.contains(&name.as_str()) || !closed {
            return false;
        }
        before = piece;
    }
    true
}

/// A negative margin or the like would lay one text over another.
fn has_negative_number(value: &str) -> bool {
    let bytes = value.as_bytes();
    bytes.iter().enumerate().any(|(at, byte)| {
        let starts = at == 0 || matches!(bytes.get(at - 1), Some(b' ' | b',' | b'/' | b'\t'));
        *byte == b'-' && starts && matches!(bytes.get(at + 1), Some(b'0'..=b'9' | b'.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mailers_write_is_kept() {
        for style in [
            "color:red",
            "background:#fff",
            "font:bold 12px/1.5 'Segoe UI', Arial, sans-serif",
            "font-family:\"Times New Roman\",serif",
            "margin:0 auto",
            "border:1px solid rgb(10, 20, 30)",
            "background-color:rgba(0,0,0,.5)",
            "width:100%",
            "line-height:1.4",
        ] {
            assert_eq!(filtered(style).as_deref(), Some(style));
        }
        assert_eq!(filtered(" COLOR : Red !important ; width:50% ;").as_deref(), Some("color:Red;width:50%"));
        assert_eq!(filtered("mso-line-height-rule:exactly;color:#123456").as_deref(), Some("color:#123456"));
    }

    #[test]
    fn what_loads_overlays_or_confuses_is_not() {
        for style in [
            "",
            "color",
            "color:",
            "position:fixed",
            "z-index:9999",
            "background:url(https://evil.example/x.png)",
            "background:URL('https://evil.example/x.png')",
            "background:u\\72l(https://evil.example/x.png)",
            "background:url/**/(x)",
            "background-image:url(x)",
            "list-style:url(x)",
            "content:'x'",
            "behavior:url(x.htc)",
            "-moz-binding:url(x)",
            "width:expression(alert(1))",
            "color:var(--x)",
            "--x:red",
            "width:calc(100% + 1px)",
            "background:image-set('https://evil.example/x' 1x)",
            "background:-webkit-image-set(url(x) 1x)",
            "background:cross-fade(url(x),url(y),50%)",
            "background:linear-gradient(red,blue)",
            "color:red\\;position:fixed",
            "color:attr(title)",
            "margin-top:-100px",
            "margin:0 -.5em",
            "transform:scale(10)",
            "filter:blur(1px)",
            "cursor:url(x),auto",
            "src:url(x)",
            "color:rgb(1,2,3",
            "color:rgb(url(x))",
            "font-family:\"a",
            "color:red}body{color:blue",
            "@import 'x'",
            "color:red@import",
            "color:red<!--",
            "unicode-bidi:bidi-override",
            "animation:x 1s",
            "mask:url(x)",
            "clip-path:inset(0)",
        ] {
            assert_eq!(filtered(style), None, "{style}");
        }
    }

    #[test]
    fn a_quoted_semicolon_cannot_smuggle_a_declaration() {
        for style in ["font-family:'a;position:fixed;b'", "color:/*;position:fixed;*/red", "quotes:\"a;top:0;b\""] {
            assert_eq!(filtered(style), None, "{style}");
        }
        assert_eq!(filtered("font-family:'a;color:red;b'").as_deref(), Some("color:red"));
    }
}
