//! Words that a line must hold for a search to match it.
//!
//! A search looks at `name=value`, the file holds `"name":"value"` with JSON's escapes: only runs of letters and
//! digits stand in both. One such run, or one of several where the expression has alternatives, is enough to pass
//! over whole blocks.

use regex_syntax::hir::{Hir, HirKind};

/// More alternatives than this are searched one line at a time.
const MAX_WORDS: usize = 16;
/// A run of one letter is in every line.
const MIN_WORD: usize = 2;

/// Returns the longest run of a plain text.
pub(super) fn of_text(text: &str) -> Option<Vec<String>> {
    longest_run(text).map(|word| vec![word])
}

/// Returns words of which each match of the expression holds at least one; `None` when there is no such list.
pub(super) fn of_expression(expression: &str) -> Option<Vec<String>> {
    let hir = regex_syntax::parse(expression).ok()?;
    words(&hir)
}

fn words(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).ok().and_then(of_text),
        HirKind::Capture(capture) => words(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => words(&repetition.sub),
        HirKind::Concat(parts) => parts.iter().filter_map(words).max_by_key(|words| shortest(words)),
        HirKind::Alternation(parts) => {
            let all: Vec<String> = parts.iter().map(words).collect::<Option<Vec<_>>>()?.concat();
            (all.len() <= MAX_WORDS).then_some(all)
        }
        HirKind::Empty | HirKind::Class(_) | HirKind::Look(_) | HirKind::Repetition(_) => None,
    }
}

fn shortest(words: &[String]) -> usize {
    words.iter().map(String::len).min().unwrap_or(0)
}

fn longest_run(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|run| run.len() >= MIN_WORD)
        .max_by_key(|run| run.len())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words_of(expression: &str) -> Option<Vec<String>> {
        of_expression(expression)
    }

    #[test]
    fn a_word_that_every_match_holds_is_found() {
        assert_eq!(words_of("uidvalidity changed"), Some(vec!["uidvalidity".to_owned()]));
        assert_eq!(words_of(r"took [5-9]\d{3} ms"), Some(vec!["took".to_owned()]));
        assert_eq!(words_of("session|connection"), Some(vec!["session".to_owned(), "connection".to_owned()]));
        assert_eq!(words_of("(?:Mail|Folder) (stored|selected)+"), Some(vec!["stored".into(), "selected".into()]));
    }

    #[test]
    fn an_expression_that_may_match_without_a_word_has_none() {
        for expression in [r"\d+", "a*", "(session)?", "session|.", "", "(?i)session"] {
            assert_eq!(words_of(expression), None, "{expression}");
        }
    }
}
