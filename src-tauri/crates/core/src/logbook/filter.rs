//! Which events become lines.

use tracing::{Level, Metadata, level_filters::LevelFilter, subscriber::Interest};
use tracing_subscriber::layer::{Context, Filter};

use super::area;

/// The app's own events from one level up; of libraries only warnings and errors, since their lower levels print
/// what they send and receive.
///
/// The app's own spans stay on up to `INFO` whatever the level is: they tell which account a warning is about.
pub(super) struct Levels {
    own: LevelFilter,
}

impl Levels {
    pub(super) const fn new(level: super::Level) -> Self {
        let own = match level {
            super::Level::Trace => LevelFilter::TRACE,
            super::Level::Debug => LevelFilter::DEBUG,
            super::Level::Info => LevelFilter::INFO,
            super::Level::Warn => LevelFilter::WARN,
            super::Level::Error => LevelFilter::ERROR,
        };
        Self { own }
    }

    fn spans(&self) -> LevelFilter {
        self.own.max(LevelFilter::INFO)
    }

    fn allow(&self, metadata: &Metadata<'_>) -> bool {
        let (_, own) = area::of_target(metadata.target());
        match (own, metadata.is_span()) {
            (true, true) => *metadata.level() <= self.spans(),
            (true, false) => *metadata.level() <= self.own,
            (false, _) => *metadata.level() <= Level::WARN,
        }
    }
}

impl<S> Filter<S> for Levels {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.allow(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.allow(metadata) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.spans())
    }
}
