//! A loop that fails a thousand times a second must not push the history out of the files: past a limit, lines of
//! one place in the code about one account are counted instead of written.

use std::collections::HashMap;

use tracing::callsite::Identifier;

use super::Level;

const WINDOW_MS: i64 = 1000;
/// Past this many places the quiet ones are forgotten.
const MAX_PLACES: usize = 512;

/// A place in the code, and the account it speaks of.
pub(super) type Place = (Identifier, Option<String>);

/// What is needed to write the summary of a place.
#[derive(Clone)]
pub(super) struct Subject {
    pub(super) level: Level,
    pub(super) area: &'static str,
    pub(super) account: Option<String>,
    pub(super) msg: String,
}

pub(super) struct Repeats {
    limit: u32,
    places: HashMap<Place, Slot>,
    /// The places that are counted at this moment; few, looked at for each line.
    counted: Vec<Place>,
}

struct Slot {
    since_ms: i64,
    written: u32,
    left_out: u64,
    subject: Option<Subject>,
}

impl Repeats {
    /// Allows `limit` lines a second and place; 0 allows any number.
    pub(super) fn new(limit: u32) -> Self {
        Self { limit, places: HashMap::new(), counted: Vec::new() }
    }

    /// Tells whether the line is to be written; counts it otherwise.
    pub(super) fn allow(&mut self, place: Place, now_ms: i64, subject: impl FnOnce() -> Subject) -> bool {
        if self.limit == 0 {
            return true;
        }
        if self.places.len() >= MAX_PLACES && !self.places.contains_key(&place) {
            self.places.retain(|_, slot| slot.left_out > 0 || !slot.over(now_ms));
        }
        let slot = self.places.entry(place.clone()).or_insert_with(|| Slot::new(now_ms));
        if slot.over(now_ms) {
            *slot = Slot::new(now_ms);
        }
        if slot.written < self.limit {
            slot.written += 1;
            return true;
        }
        if slot.left_out == 0 {
            slot.subject = Some(subject());
            self.counted.push(place);
        }
        slot.left_out += 1;
        false
    }

    /// Returns the counts whose second is over; all of them without a time.
    pub(super) fn take_over(&mut self, now_ms: Option<i64>) -> Vec<(Subject, u64)> {
        if self.counted.is_empty() {
            return Vec::new();
        }
        let places = &mut self.places;
        let mut over = Vec::new();
        self.counted.retain(|place| {
            let Some(slot) = places.get(place) else { return false };
            if now_ms.is_some_and(|now_ms| !slot.over(now_ms)) {
                return true;
            }
            if let Some(Slot { left_out, subject: Some(subject), .. }) = places.remove(place) {
                over.push((subject, left_out));
            }
            false
        });
        over
    }
}

impl Slot {
    const fn new(since_ms: i64) -> Self {
        Self { since_ms, written: 0, left_out: 0, subject: None }
    }

    /// A clock that was set back ends the second too.
    const fn over(&self, now_ms: i64) -> bool {
        now_ms - self.since_ms >= WINDOW_MS || now_ms < self.since_ms
    }
}
