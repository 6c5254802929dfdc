//! A row of the old system as JSON, whatever columns and types its table has.

use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// One row: its columns by name.
#[derive(Debug, Clone, Default)]
pub struct Row(Map<String, Value>);

impl Row {
    /// Reads what `row_to_json` wrote. `None`: it is no JSON object that can be read.
    pub fn parse(json: &str) -> Option<Self> {
        match serde_json::from_str(json) {
            Ok(Value::Object(columns)) => Some(Self(columns)),
            Ok(_) | Err(_) => None,
        }
    }

    /// A value as it stands.
    pub fn value(&self, column: &str) -> Option<&Value> {
        self.0.get(column).filter(|value| !value.is_null())
    }

    /// A value as text, without the spaces around it; `None` where nothing is left.
    pub fn text(&self, column: &str) -> Option<String> {
        let text = match self.value(column)? {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Bool(yes) => yes.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        let text = if text.contains('\0') { text.replace('\0', "") } else { text };
        (!text.is_empty()).then_some(text)
    }

    /// A text with its spaces; empty where there is none.
    pub fn body(&self, column: &str) -> String {
        match self.value(column) {
            Some(Value::String(text)) => text.replace('\0', ""),
            Some(_) | None => self.text(column).unwrap_or_default(),
        }
    }

    /// A yes or no, in whatever words.
    pub fn flag(&self, column: &str) -> Option<bool> {
        match self.text(column)?.to_lowercase().as_str() {
            "true" | "t" | "1" | "yes" => Some(true),
            "false" | "f" | "0" | "no" => Some(false),
            _ => None,
        }
    }

    /// A number, also one that was written as text.
    pub fn number(&self, column: &str) -> Option<i64> {
        self.text(column)?.parse().ok()
    }

    /// A moment. One without an offset is taken as UTC, in which that system's programs count.
    pub fn moment(&self, column: &str) -> Option<OffsetDateTime> {
        let text = self.text(column)?.replacen(' ', "T", 1);
        let parsed =
            OffsetDateTime::parse(&text, &Rfc3339).or_else(|_| OffsetDateTime::parse(&format!("{text}Z"), &Rfc3339));
        // What Postgres and UUIDv7 keys cannot hold is no date of a message.
        parsed.ok().filter(|at| (1970..=9998).contains(&at.year()))
    }

    /// A JSON value, also one that was written as text.
    pub fn json(&self, column: &str) -> Option<Value> {
        match self.value(column)? {
            Value::String(text) => serde_json::from_str(text).ok(),
            value @ (Value::Array(_) | Value::Object(_)) => Some(value.clone()),
            Value::Null | Value::Bool(_) | Value::Number(_) => None,
        }
    }

    /// The same as a row of its own; empty where it is no object.
    pub fn object(&self, column: &str) -> Self {
        match self.json(column) {
            Some(Value::Object(columns)) => Self(columns),
            Some(_) | None => Self::default(),
        }
    }
}

impl From<Map<String, Value>> for Row {
    fn from(columns: Map<String, Value>) -> Self {
        Self(columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_in_whatever_type_it_came() {
        let row = Row::parse(
            r#"{"id": 7, "api": " 12345 ", "on": "t", "off": false, "at": "2026-11-22T10:00:00.5+02:00",
                "naive": "2026-11-22 10:00:00", "never": "infinity", "meta": {"telegram_chat_id": -1001234567890},
                "text": "{\"a\": \"1\"}", "none": null, "blank": "  "}"#,
        )
        .unwrap();
        assert_eq!(row.text("id").as_deref(), Some("7"));
        assert_eq!(row.number("api"), Some(12345));
        assert_eq!((row.flag("on"), row.flag("off"), row.flag("none")), (Some(true), Some(false), None));
        assert_eq!(row.moment("at"), Some(time::macros::datetime!(2026-11-22 8:00:00.5 UTC)));
        assert_eq!(row.moment("naive"), Some(time::macros::datetime!(2026-11-22 10:00 UTC)));
        assert_eq!(row.moment("never"), None);
        assert_eq!(row.object("meta").number("telegram_chat_id"), Some(-1_001_234_567_890));
        assert_eq!(row.object("text").text("a").as_deref(), Some("1"));
        assert_eq!((row.text("blank"), row.text("gone")), (None, None));
        assert!(Row::parse("[1]").is_none() && Row::parse("{").is_none());
    }
}
