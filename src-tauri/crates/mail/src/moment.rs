//! Dates that can be stored: a sender or a server may write any.

use time::{OffsetDateTime, UtcOffset};

/// Returns the moment unless it is one no database or calendar can be asked to hold: the last hours of the year 9999
/// lie beyond it in UTC.
pub(crate) fn storable(moment: OffsetDateTime) -> Option<OffsetDateTime> {
    let year = moment.checked_to_offset(UtcOffset::UTC)?.year();
    (1..9999).contains(&year).then_some(moment)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_date_beyond_the_calendar_is_none() {
        for moment in
            [datetime!(9999-12-31 23:59:59 -12:00), datetime!(9999-01-02 0:00 UTC), datetime!(0000-01-01 0:00 +12:00)]
        {
            assert_eq!(storable(moment), None);
        }
        for moment in [datetime!(1970-01-01 0:00 +14:00), datetime!(2100-12-31 23:59:59 -12:00)] {
            assert_eq!(storable(moment), Some(moment));
        }
    }
}
