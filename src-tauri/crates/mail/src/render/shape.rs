//! Whether HTML is shaped such that a parser's work stays in proportion to its length.

/// Elements open at the same time.
const DEPTH: usize = 800;
/// A parser repeats every open formatting element inside each new block (the "adoption agency"): so many copies.
const COPIES: usize = 1_000_000;

/// Elements that end by themselves, or that writers leave open.
const UNCOUNTED: [&str; 24] = [
    "area", "base", "br", "col", "dd", "dt", "embed", "frame", "hr", "img", "input", "li", "link", "meta", "option",
    "p", "param", "source", "tbody", "td", "th", "tr", "track", "wbr",
];
const FORMATTING: [&str; 14] =
    ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];

/// Looks at the tags without parsing.
pub(super) fn is_reasonable(html: &str) -> bool {
    let (mut depth, mut formatting, mut deepest, mut tags) = (0_usize, 0_usize, 0_usize, 0_usize);
    for tag in html.split('<').skip(1) {
        let (closing, rest) = tag.strip_prefix('/').map_or((false, tag), |rest| (true, rest));
        let end = rest.bytes().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default().to_ascii_lowercase();
        if name.is_empty() {
            continue;
        }
        tags += 1;
        if UNCOUNTED.contains(&name.as_str()) {
            continue;
        }
        let open = if FORMATTING.contains(&name.as_str()) { &mut formatting } else { &mut depth };
        *open = if closing { open.saturating_sub(1) } else { *open + 1 };
        deepest = deepest.max(formatting);
        if depth + formatting > DEPTH {
            return false;
        }
    }
    deepest * tags <= COPIES
}

#[cfg(test)]
mod tests {
    use super::is_reasonable;

    #[test]
    fn deep_nests_and_multiplying_formats_are_refused_and_long_letters_are_not() {
        assert!(!is_reasonable(&"<div>".repeat(100_000)));
        assert!(!is_reasonable(
            &(0..700).map(|n| format!("<font size={n}>")).chain(vec!["<p>".to_owned(); 9_000]).collect::<String>()
        ));
        assert!(is_reasonable(&"<p>line <b>bold</b><br><table><tr><td>x</td></tr></table>".repeat(10_000)));
    }
}
