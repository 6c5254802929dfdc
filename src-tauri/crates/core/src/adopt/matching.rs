//! Which message of a server is which row of the old system, where nothing but chat, direction, time, text and file
//! tells.

use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

/// The old listener stored what it heard; the clocks of both may differ by so much.
pub(crate) const EARLIER: Duration = Duration::minutes(2);
/// And it may have been slow by so much.
pub(crate) const LATER: Duration = Duration::minutes(10);
/// What another file's size weighs against a difference of times.
const OTHER_SIZE: Duration = Duration::minutes(1);
/// What it weighs that a text is missing on one side.
const NO_TEXT: Duration = Duration::seconds(5);
/// A text of fewer letters and digits is said again and again.
const COMMON: usize = 16;
/// Where such a text's account is a guess too, both times lie so close together.
const CLOSE: (Duration, Duration) = (Duration::seconds(30), Duration::minutes(2));
/// And the next candidate is farther off by so much.
const APART: Duration = Duration::seconds(20);

/// What one side knows of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trace {
    /// Whether the bureau wrote it.
    pub outgoing: bool,
    /// When.
    pub at: OffsetDateTime,
    /// [`text_key`] of its text.
    pub text: Option<i64>,
    /// Whether it carries anything beside text.
    pub has_media: bool,
    /// The size of its file, where that is known.
    pub size: Option<i64>,
    /// Of a row: whether nobody kept whose account it belongs to.
    pub guessed: bool,
    /// Of a message: whether many others say the same, or it says nothing.
    pub common: bool,
}

/// Whether a text is so short that equal ones need not be the same message.
pub(crate) fn is_common(text: &str) -> bool {
    text.chars().filter(|c| c.is_alphanumeric()).nth(COMMON - 1).is_none()
}

/// Pairs rows of the old system with messages of the server, each at most once: the closest pairs first. Returns the
/// row of each message. Where the account is a guess and the text is common, a pair must leave no doubt: a row that waits
/// may still find its own, and one that was given away is lost.
pub(crate) fn pair(old: &[Trace], new: &[Trace], window: (Duration, Duration)) -> Vec<Option<usize>> {
    let mut pairs: Vec<(Duration, usize, usize)> = Vec::new();
    for (n, message) in new.iter().enumerate() {
        for (o, row) in old.iter().enumerate() {
            let (earlier, later) = if is_doubtful(row, message) { CLOSE } else { window };
            let apart = row.at - message.at;
            if (-earlier..=later).contains(&apart)
                && let Some(more) = weight(row, message)
            {
                pairs.push((apart.abs() + more, n, o));
            }
        }
    }
    pairs.sort_unstable();
    let doubtful: Vec<bool> =
        pairs.iter().map(|pair| is_doubtful(&old[pair.2], &new[pair.1]) && !is_plain(pair, &pairs)).collect();
    let mut kept = doubtful.iter();
    pairs.retain(|_| kept.next() == Some(&false));
    let mut found = vec![None; new.len()];
    let mut taken = vec![false; old.len()];
    for (_, n, o) in pairs {
        if found[n].is_none() && !taken[o] {
            found[n] = Some(o);
            taken[o] = true;
        }
    }
    found
}

/// Whether row and message may be two that say the same to two accounts.
fn is_doubtful(row: &Trace, message: &Trace) -> bool {
    row.guessed && message.common && !(row.size.is_some() && row.size == message.size)
}

/// Whether no other row could be this message as well, or there are no more such rows than messages.
fn is_plain((apart, n, _): &(Duration, usize, usize), pairs: &[(Duration, usize, usize)]) -> bool {
    let rows = || pairs.iter().filter(|(_, message, _)| message == n).map(|(.., row)| *row);
    let near = pairs.iter().filter(|(other, message, _)| message == n && *other < *apart + APART).count();
    if near <= 1 {
        return true;
    }
    let mut messages: Vec<usize> =
        pairs.iter().filter(|(.., row)| rows().any(|one| one == *row)).map(|(_, message, _)| *message).collect();
    messages.sort_unstable();
    messages.dedup();
    rows().count() <= messages.len()
}

/// What speaks against a pair beside its times; `None`: it is none.
fn weight(old: &Trace, new: &Trace) -> Option<Duration> {
    if old.outgoing != new.outgoing {
        return None;
    }
    let text = match (old.text, new.text) {
        (Some(old), Some(new)) if old == new => Duration::ZERO,
        (Some(_), _) => return None,
        // A file's caption was lost there, and so was the text of a link with a preview.
        (None, Some(_)) if old.has_media && new.has_media => NO_TEXT,
        (None, None) if old.has_media == new.has_media => Duration::ZERO,
        (None, _) => return None,
    };
    let size =
        if matches!((old.size, new.size), (Some(old), Some(new)) if old != new) { OTHER_SIZE } else { Duration::ZERO };
    Some(text + size)
}

/// Hashes the letters and digits of a text: the old system kept Markdown where the server has entities. `None`: it has
/// none.
pub(crate) fn text_key(text: &str) -> Option<i64> {
    let mut hasher = Sha256::new();
    let mut any = false;
    let mut rest = text;
    let mut feed = |part: &str| {
        for c in part.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase) {
            any = true;
            let mut bytes = [0; 4];
            hasher.update(c.encode_utf8(&mut bytes).as_bytes());
        }
    };
    // A link's address stands only in the Markdown.
    while let Some(at) = rest.find("](") {
        feed(&rest[..at]);
        rest = &rest[at + 2..];
        rest = rest.find(')').map_or(rest, |end| &rest[end + 1..]);
    }
    feed(rest);
    if !any {
        // A text of signs and emoji alone is known by them.
        let signs: String = text.split_whitespace().collect();
        if signs.is_empty() {
            return None;
        }
        hasher.update(signs.as_bytes());
    }
    let hash: [u8; 32] = hasher.finalize().into();
    let mut head = [0; 8];
    head.copy_from_slice(&hash[..8]);
    Some(i64::from_be_bytes(head))
}

/// Whether a text is what the old listener wrote in the place of one: `[Image: photo.jpg]`, `[Медіа повідомлення]`.
pub(crate) fn is_placeholder(text: &str) -> bool {
    let Some(inside) = text.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else { return false };
    let kind = inside.split(':').next().unwrap_or_default().trim().to_lowercase();
    matches!(
        kind.as_str(),
        "image" | "video" | "audio" | "document" | "file" | "voice" | "sticker" | "медіа повідомлення"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: (Duration, Duration) = (EARLIER, LATER);

    fn trace(second: i64, text: &str) -> Trace {
        let at = OffsetDateTime::UNIX_EPOCH + Duration::seconds(second);
        let common = is_common(text);
        Trace { outgoing: false, at, text: text_key(text), has_media: false, size: None, guessed: false, common }
    }

    fn guess(second: i64, text: &str) -> Trace {
        Trace { guessed: true, ..trace(second, text) }
    }

    fn file(second: i64, text: &str, size: i64) -> Trace {
        Trace { has_media: true, size: Some(size), ..trace(second, text) }
    }

    #[test]
    fn the_same_words_said_several_times_are_paired_one_to_one() {
        let old = [trace(1002, "ok"), trace(1032, "ok"), trace(2000, "ok")];
        let new = [trace(1030, "ok"), trace(1000, "ok")];
        assert_eq!(pair(&old, &new, WINDOW), [Some(1), Some(0)]);
        // Whichever comes first, none is taken twice.
        assert_eq!(pair(&old, &new[..1], WINDOW), [Some(1)]);
        assert_eq!(pair(&old[..1], &new, WINDOW), [None, Some(0)]);
    }

    #[test]
    fn what_may_belong_to_another_account_is_given_away_only_where_no_doubt_is_left() {
        let long = "Доброго дня, надсилаю договір на переклад";
        assert_eq!(pair(&[guess(1500, long)], &[trace(1000, long)], WINDOW), [Some(0)], "said once");
        assert_eq!(pair(&[guess(1500, "ok")], &[trace(1000, "ok")], WINDOW), [None], "another ok");
        assert_eq!(pair(&[trace(1500, "ok")], &[trace(1000, "ok")], WINDOW), [Some(0)], "whose it is was kept");
        assert_eq!(pair(&[guess(1003, "ok")], &[trace(1000, "ok")], WINDOW), [Some(0)]);
        let two = [guess(1002, "ok"), guess(1010, "ok")];
        assert_eq!(pair(&two, &[trace(1000, "ok")], WINDOW), [None], "either may be it");
        assert_eq!(pair(&two, &[trace(1000, "ok"), trace(1009, "ok")], WINDOW), [Some(0), Some(1)], "both are");
        assert_eq!(pair(&[guess(1002, "ok"), guess(1032, "ok")], &[trace(1000, "ok")], WINDOW), [Some(0)]);
        let files = |guessed| [Trace { guessed, ..file(1300, "", 7) }, Trace { guessed, ..file(1310, "", 9) }];
        assert_eq!(pair(&files(true), &[file(1000, "", 9)], WINDOW), [Some(1)], "a size tells");
        assert_eq!(pair(&files(true), &[Trace { size: None, ..file(1000, "", 9) }], WINDOW), [None]);
        assert!(is_common("Добрий день!") && is_common("👍") && !is_common(long));
    }

    #[test]
    fn another_text_direction_or_time_is_another_message() {
        let old = [trace(1000, "Добрий день")];
        assert_eq!(pair(&old, &[trace(1000, "Добрий вечір")], WINDOW), [None]);
        assert_eq!(pair(&old, &[Trace { outgoing: true, ..old[0] }], WINDOW), [None]);
        assert_eq!(pair(&old, &[trace(1121, "Добрий день")], WINDOW), [None]);
        assert_eq!(pair(&old, &[trace(399, "Добрий день")], WINDOW), [None]);
        assert_eq!(pair(&old, &[trace(1119, "Добрий день")], WINDOW), [Some(0)]);
        assert_eq!(pair(&old, &[file(1000, "", 1)], WINDOW), [None]);
    }

    #[test]
    fn files_are_told_by_their_sizes() {
        let old = [file(1010, "", 7), file(1011, "", 9)];
        let new = [file(1009, "scan", 9), file(1010, "", 7)];
        assert_eq!(pair(&old, &new, WINDOW), [Some(1), Some(0)]);
    }

    #[test]
    fn markdown_says_the_same_as_its_text() {
        assert_eq!(text_key("**Див.** [сайт](https://example.org/a_b) `x`"), text_key("Див. сайт x"));
        assert_ne!(text_key("👍"), text_key("👎"));
        assert_eq!(text_key(" \n"), None);
        assert!(text_key("a](").is_some());
        assert!(is_placeholder("[Image: photo.jpg]") && is_placeholder("[Медіа повідомлення]"));
        assert!(!is_placeholder("[сайт]") && !is_placeholder("Image: a"));
    }
}
