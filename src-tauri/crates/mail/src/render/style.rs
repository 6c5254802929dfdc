//! Which parts of a `style` attribute may stay. ammonia parses and normalises what is left here.

use std::collections::HashSet;

/// Properties that only change how a piece of text or a box looks where it stands. Nothing that positions, layers,
/// animates, loads, or writes text.
const PROPERTIES: [&str; 56] = [
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
    "clear",
    "color",
    "direction",
    "display",
    "float",
    "font",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "height",
    "letter-spacing",
    "line-height",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "max-height",
    "max-width",
    "min-width",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "text-align",
    "text-decoration",
    "vertical-align",
    "white-space",
    "width",
];

/// Functions a value may call: colours and nothing else.
const FUNCTIONS: [&str; 4] = ["rgb", "rgba", "hsl", "hsla"];

pub(super) fn properties() -> HashSet<&'static str> {
    PROPERTIES.into_iter().collect()
}

/// What a style attribute comes down to.
pub(super) struct Judged {
    /// The declarations that may stay.
    pub(super) kept: String,
    /// Something would have been loaded.
    pub(super) loads: bool,
    /// It sets a colour or a ground.
    pub(super) colours: bool,
}

/// Drops every declaration that calls a function other than a colour, hides what it says behind escapes or comments,
/// or moves boxes over others by negative margins.
pub(super) fn judge(style: &str) -> Judged {
    let mut judged = Judged { kept: String::new(), loads: false, colours: false };
    for declaration in style.split(';') {
        let lower = declaration.to_ascii_lowercase();
        judged.loads |= lower.contains("url(") || lower.contains("image");
        let Some((name, value)) = lower.split_once(':') else { continue };
        let name = name.trim();
        let moves = name.starts_with("margin") && value.contains('-');
        if !PROPERTIES.contains(&name) || moves || !is_plain(value) {
            continue;
        }
        judged.colours |= name.contains("color") || name == "background";
        judged.kept.push_str(declaration);
        judged.kept.push(';');
    }
    judged
}

fn is_plain(value: &str) -> bool {
    let calls_colours = value.split('(').rev().skip(1).all(|before| {
        FUNCTIONS.iter().any(|known| {
            before
                .strip_suffix(known)
                .is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric() || c == '-' || c == '_'))
        })
    });
    calls_colours && !value.contains(['\\', '@', '{', '}', '<']) && !value.contains("/*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_stay_and_everything_that_acts_goes() {
        for (style, kept) in [
            ("color:red; font-size:12px", "color:red; font-size:12px;"),
            ("COLOR: RGB(1,2,3)", "COLOR: RGB(1,2,3);"),
            ("background:#fff url(https://t/x.png)", ""),
            ("background:image-set('x' 1x)", ""),
            ("width:expression(alert(1))", ""),
            ("color:r\\65 d", ""),
            ("position:fixed;z-index:9;color:red", "color:red;"),
            ("margin-left:-900px;margin:4px", "margin:4px;"),
            ("color:var(--x);color:xrgb(1)", ""),
            ("behavior:url(x);-moz-binding:url(x);content:'x'", ""),
            ("color:/**/red", ""),
        ] {
            assert_eq!(judge(style).kept, kept, "{style}");
        }
        assert!(judge("background:url(x)").loads && judge("list-style:URL( x )").loads && !judge("color:red").loads);
    }
}
