//! From a `tracing` event to a line: facts are collected, cleaned and put in order.

use std::{cell::Cell, error::Error, fmt, sync::Arc};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    layer::Context,
    registry::{LookupSpan, SpanRef},
};
use uuid::Uuid;

use super::{
    Level, area, redact,
    repeat::Subject,
    shared::{Draft, Shared},
};

pub(super) struct LogLayer {
    shared: Arc<Shared>,
}

impl LogLayer {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LogLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut facts = Facts::default();
        attributes.record(&mut facts);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(facts);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut later = Facts::default();
        values.record(&mut later);
        if let Some(span) = context.span(id)
            && let Some(facts) = span.extensions_mut().get_mut::<Facts>()
        {
            facts.overlay(later);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        // A value that logs while it is printed, or a panic in here, must not come back in.
        let Some(_once) = Once::enter() else { return };
        let mut spans = Vec::new();
        let mut facts = Facts::default();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            spans.push(span.name());
            facts.overlay(of_span(&span));
        }
        let mut own = Facts::default();
        event.record(&mut own);
        facts.overlay(own);
        let metadata = event.metadata();
        let (area, ours) = area::of_target(metadata.target());
        if !ours {
            facts.put("target", json(metadata.target()));
        }
        let Facts { msg, account, fields } = facts;
        let subject = Subject {
            level: Level::from(*metadata.level()),
            area,
            account: account.map(|account| account.to_string()),
            msg: msg.unwrap_or_else(|| metadata.name().to_owned()),
        };
        let place = (metadata.callsite(), subject.account.clone());
        self.shared.write(Draft { place, subject, tail: tail(&fields, &spans) });
    }
}

fn of_span<S: for<'a> LookupSpan<'a>>(span: &SpanRef<'_, S>) -> Facts {
    span.extensions().get::<Facts>().cloned().unwrap_or_default()
}

fn tail(fields: &[(&'static str, String)], spans: &[&str]) -> String {
    let mut tail = String::new();
    for (at, (name, value)) in fields.iter().enumerate() {
        tail.push_str(if at == 0 { r#","fields":{"# } else { "," });
        tail.push_str(&json(name));
        tail.push(':');
        tail.push_str(value);
    }
    if !fields.is_empty() {
        tail.push('}');
    }
    for (at, span) in spans.iter().enumerate() {
        tail.push_str(if at == 0 { r#","spans":["# } else { "," });
        tail.push_str(&json(span));
    }
    if !spans.is_empty() {
        tail.push(']');
    }
    tail
}

/// The facts of a span or an event; values are cleaned JSON.
#[derive(Clone, Default)]
struct Facts {
    msg: Option<String>,
    account: Option<Uuid>,
    fields: Vec<(&'static str, String)>,
}

impl Facts {
    /// What is said further in counts.
    fn overlay(&mut self, inner: Self) {
        self.msg = inner.msg.or(self.msg.take());
        self.account = inner.account.or(self.account);
        for (name, value) in inner.fields {
            self.put(name, value);
        }
    }

    fn put(&mut self, name: &'static str, value: String) {
        match self.fields.iter_mut().find(|(other, _)| *other == name) {
            Some((_, earlier)) => *earlier = value,
            None => self.fields.push((name, value)),
        }
    }

    fn text(&mut self, name: &'static str, text: &str) {
        match name {
            "message" => self.msg = Some(redact::clean(text).into_owned()),
            "account" if let Ok(account) = Uuid::parse_str(text) => self.account = Some(account),
            "backtrace" => self.put(name, json(&redact::clean_backtrace(text))),
            // A bare identifier is no secret and has nothing to escape.
            _ if text.len() == 36 && Uuid::parse_str(text).is_ok() => self.put(name, json(text)),
            _ => self.put(name, json(&redact::clean(text))),
        }
    }
}

impl Visit for Facts {
    fn record_str(&mut self, field: &Field, value: &str) {
        if redact::is_secret_name(field.name()) {
            self.put(field.name(), json(redact::MASK));
        } else {
            self.text(field.name(), value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    /// An error is told with all its causes.
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        self.record_str(field, &text);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value.to_string());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value.to_string());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value.to_string());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), serde_json::Value::from(value).to_string());
    }
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Marks this thread as being in the logbook.
struct Once;

impl Once {
    fn enter() -> Option<Self> {
        (!INSIDE.replace(true)).then_some(Self)
    }
}

impl Drop for Once {
    fn drop(&mut self) {
        INSIDE.set(false);
    }
}
