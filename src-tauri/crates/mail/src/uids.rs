//! Sets of UIDs as the protocol writes them: `1:5,7,9:200` (RFC 9051, `sequence-set`).

use std::{fmt, ops::RangeInclusive, str::FromStr};

/// Ascending, disjoint ranges of UIDs. A range costs the same whatever its length, so a hostile `1:4294967295` is
/// harmless until somebody iterates over it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct UidSet(Vec<(u32, u32)>);

/// The text is no set of UIDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a set of UIDs")]
pub(crate) struct NotUids;

impl UidSet {
    /// The UIDs from `low` to `high`; empty when `low > high`.
    pub(crate) fn range(low: u32, high: u32) -> Self {
        if low > high { Self::default() } else { Self(vec![(low, high)]) }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> u64 {
        self.0.iter().map(|(low, high)| u64::from(high - low) + 1).sum()
    }

    pub(crate) fn first(&self) -> Option<u32> {
        self.0.first().map(|(low, _)| *low)
    }

    pub(crate) fn last(&self) -> Option<u32> {
        self.0.last().map(|(_, high)| *high)
    }

    pub(crate) fn contains(&self, uid: u32) -> bool {
        let after = self.0.partition_point(|(low, _)| *low <= uid);
        after > 0 && self.0.get(after - 1).is_some_and(|(_, high)| uid <= *high)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = u32> + '_ {
        self.0.iter().flat_map(|(low, high)| *low..=*high)
    }

    /// The ranges, ascending; no two of them touch.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = RangeInclusive<u32>> + '_ {
        self.0.iter().map(|(low, high)| *low..=*high)
    }

    /// The part of the set between `low` and `high`.
    pub(crate) fn clip(&self, low: u32, high: u32) -> Self {
        let inside = |&(a, b): &(u32, u32)| {
            let (a, b) = (a.max(low), b.min(high));
            (a <= b).then_some((a, b))
        };
        Self(self.0.iter().filter_map(inside).collect())
    }

    /// What is in this set and not in `other`.
    pub(crate) fn without(&self, other: &Self) -> Self {
        let mut left = Vec::with_capacity(self.0.len());
        for &(low, high) in &self.0 {
            let mut from = Some(low);
            for &(gone_low, gone_high) in other.0.iter().filter(|(a, b)| *b >= low && *a <= high) {
                let Some(start) = from else { break };
                if gone_low > start {
                    left.push((start, gone_low - 1));
                }
                from = gone_high.checked_add(1).filter(|next| *next <= high);
            }
            if let Some(start) = from {
                left.push((start, high));
            }
        }
        Self(left)
    }

    /// What is in either set.
    pub(crate) fn with(&self, other: &Self) -> Self {
        Self::normalise([self.0.as_slice(), other.0.as_slice()].concat())
    }

    /// The newest `count` UIDs.
    pub(crate) fn newest(&self, count: usize) -> Self {
        self.iter().rev().take(count).collect()
    }

    fn normalise(mut ranges: Vec<(u32, u32)>) -> Self {
        ranges.sort_unstable();
        let mut joined: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
        for (low, high) in ranges {
            match joined.last_mut() {
                Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
                _ => joined.push((low, high)),
            }
        }
        Self(joined)
    }
}

impl FromIterator<u32> for UidSet {
    fn from_iter<I: IntoIterator<Item = u32>>(uids: I) -> Self {
        Self::normalise(uids.into_iter().map(|uid| (uid, uid)).collect())
    }
}

impl fmt::Display for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (low, high)) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(",")?;
            }
            if low == high { write!(f, "{low}")? } else { write!(f, "{low}:{high}")? }
        }
        Ok(())
    }
}

impl FromStr for UidSet {
    type Err = NotUids;

    /// Reads ranges in any order and overlap; UID 0 does not exist and is refused.
    fn from_str(text: &str) -> Result<Self, NotUids> {
        let number = |text: &str| text.parse::<u32>().ok().filter(|uid| *uid > 0).ok_or(NotUids);
        let mut ranges = Vec::new();
        for item in text.split(',').filter(|item| !item.is_empty()) {
            let (a, b) = match item.split_once(':') {
                Some((a, b)) => (number(a)?, number(b)?),
                None => (number(item)?, number(item)?),
            };
            ranges.push((a.min(b), a.max(b)));
        }
        Ok(Self::normalise(ranges))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> UidSet {
        text.parse().unwrap()
    }

    #[test]
    fn a_set_is_written_in_its_shortest_form() {
        assert_eq!([7, 1, 2, 3, 9, 10, 7].into_iter().collect::<UidSet>().to_string(), "1:3,7,9:10");
        assert_eq!(set("9:7,1,2").to_string(), "1:2,7:9");
        assert_eq!(set("").len(), 0);
        assert!("0".parse::<UidSet>().is_err() && "1:*".parse::<UidSet>().is_err() && "a".parse::<UidSet>().is_err());
    }

    #[test]
    fn a_hostile_range_costs_nothing_until_it_is_clipped() {
        let everything = set("1:4294967295");
        assert_eq!(everything.len(), u64::from(u32::MAX));
        assert_eq!(everything.clip(5, 8).iter().collect::<Vec<_>>(), [5, 6, 7, 8]);
        assert!(everything.without(&everything).is_empty());
    }

    #[test]
    fn difference_newest_and_membership_agree_with_plain_lists() {
        let all = set("1:10,20:30,40");
        let some = set("3:5,10:22,40:50");
        let expected: Vec<u32> = all.iter().filter(|uid| !some.contains(*uid)).collect();
        assert_eq!(all.without(&some).iter().collect::<Vec<_>>(), expected);
        assert_eq!(all.without(&some).with(&some).with(&all), all.with(&some));
        assert_eq!(all.with(&some).to_string(), "1:30,40:50");
        assert_eq!(all.newest(3).to_string(), "29:30,40");
        assert!(!all.contains(0) && !all.contains(11) && all.contains(30));
    }
}
