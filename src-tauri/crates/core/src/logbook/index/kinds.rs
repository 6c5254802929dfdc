//! Level, area and account of a line as one number: of all lines there are a few hundred such.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::logbook::{entry::Head, matcher::Matcher};

/// What is known of a line without reading it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    level: Box<[u8]>,
    area: Box<[u8]>,
    account: Option<Box<[u8]>>,
    /// Whether the line has its end.
    whole: bool,
}

impl Kind {
    pub(super) fn of(head: &Head<'_>, whole: bool) -> Self {
        Self { level: head.level.into(), area: head.area.into(), account: head.account.map(Box::from), whole }
    }
}

/// The kinds that were met, each with its number.
#[derive(Default)]
pub(super) struct Kinds(Mutex<Table>);

#[derive(Default)]
struct Table {
    numbers: HashMap<Kind, u16>,
    all: Vec<Kind>,
}

/// What a filter means, by kind.
pub(in crate::logbook) struct Wanted {
    levels: Vec<Option<Box<[u8]>>>,
}

impl Wanted {
    /// The level of a kind that is meant.
    pub(in crate::logbook) fn level(&self, kind: u16) -> Option<&[u8]> {
        self.levels.get(usize::from(kind))?.as_deref()
    }

    pub(in crate::logbook) fn is(&self, kind: u16) -> bool {
        self.levels.get(usize::from(kind)).is_some_and(Option::is_some)
    }
}

impl Kinds {
    /// The number of a kind; `None` where there are too many.
    pub(super) fn number(&self, kind: Kind) -> Option<u16> {
        let mut table = self.table();
        if let Some(number) = table.numbers.get(&kind) {
            return Some(*number);
        }
        let number = u16::try_from(table.all.len()).ok()?;
        table.all.push(kind.clone());
        table.numbers.insert(kind, number);
        Some(number)
    }

    /// Asks the filter about each kind so far.
    pub(super) fn wanted(&self, matcher: &Matcher) -> Wanted {
        let fits = |kind: &Kind| kind.whole && matcher.kind_fits(&kind.level, &kind.area, kind.account.as_deref());
        Wanted { levels: self.table().all.iter().map(|kind| fits(kind).then(|| kind.level.clone())).collect() }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
