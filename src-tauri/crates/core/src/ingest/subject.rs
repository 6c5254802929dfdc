//! Subjects without their reply and forward marks, in the languages of the bureau's customers.

/// Reply marks: English, German, Ukrainian, Russian, Polish, Swedish and Danish.
const REPLY: [&str; 8] = ["re", "aw", "відп", "від", "отв", "odp", "sv", "ha"];
/// Forward marks.
const FORWARD: [&str; 8] = ["fwd", "fw", "wg", "пер", "пересл", "перес", "pd", "tr"];

/// Returns the subject without leading reply and forward marks and their counters (`Re[2]:`).
pub fn base(subject: &str) -> &str {
    strip(subject).0
}

/// Returns the subject in the form that is compared, and whether a reply mark stood before it.
pub(super) fn key(subject: &str) -> (String, bool) {
    let (base, is_reply) = strip(subject);
    let key = base.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    (key.chars().take(200).collect(), is_reply)
}

fn strip(subject: &str) -> (&str, bool) {
    let mut rest = subject.trim();
    let mut is_reply = false;
    while let Some((mark, after)) = rest.split_once(':') {
        let mark = mark.trim().to_lowercase();
        let mark = mark.split(['[', '(']).next().unwrap_or_default().trim_end();
        if REPLY.contains(&mark) {
            is_reply = true;
        } else if !FORWARD.contains(&mark) {
            break;
        }
        rest = after.trim_start();
    }
    (rest, is_reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reply_and_forward_marks_are_left_out() {
        for (subject, expected, is_reply) in [
            ("Re: Договір", "Договір", true),
            ("RE: Fwd: re[2]: Договір", "Договір", true),
            ("Відп: Odp: Umowa", "Umowa", true),
            ("FW: Quote", "Quote", false),
            ("Рахунок: оплата", "Рахунок: оплата", false),
            ("Re:", "", true),
            ("", "", false),
        ] {
            assert_eq!(base(subject), expected, "{subject}");
            assert_eq!(key(subject).1, is_reply, "{subject}");
        }
    }

    #[test]
    fn the_compared_form_ignores_case_and_spacing() {
        assert_eq!(key("Re:  Договір   ОРЕНДИ").0, key("договір оренди").0);
    }
}
