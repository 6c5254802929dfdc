//! The last lines of the log, each field of which is known to be harmless or goes through the remover.

use serde_json::{Map, Value};
use skrynka_core::{
    chain,
    logbook::{
        AREAS, Entry, Filter, MAX_PAGE, Reader, Row, Start, Window,
        redact::{Remover, What},
    },
};

/// So many lines at most.
const LINES: usize = 3_000;
/// So many bytes of them at most; the newest stay.
const BYTES: usize = 4 << 20;
/// The log is not read further back than this, whatever it holds.
const READ: u64 = 64 << 20;
/// A number with more digits may be somebody's.
const SMALL: f64 = 1e9;

/// Fields that hold one of a few words.
const WORDS: &[&str] = &[
    "code",
    "command",
    "how",
    "kind",
    "level",
    "mechanism",
    "panic",
    "scheme",
    "security",
    "silent",
    "state",
    "step",
    "target",
    "task",
    "thread",
    "trouble",
    "version",
    "via",
    "what",
    "window",
];
/// Fields that hold what somebody said.
const SAID: &[&str] = &["detail", "error", "facts", "reason", "said", "why"];
/// Fields that hold an identifier.
const IDS: &[&str] = &["conversation", "file", "message", "outgoing"];
/// Fields whose number is somebody's.
const PERSONAL: &[&str] = &["api_id", "chat", "peer", "phone", "user", "user_id"];

/// Returns the lines as JSON, oldest first, and how many there are.
///
/// # Errors
/// The log cannot be read.
pub async fn last(reader: Reader, remover: &mut Remover) -> Result<(String, usize), String> {
    let read = tokio::task::spawn_blocking(move || read(&reader)).await.map_err(|error| error.to_string())?;
    let mut lines = Vec::new();
    let mut bytes = 0;
    for row in read? {
        let line = Value::Object(line(row.entry, remover)).to_string();
        bytes += line.len() + 1;
        if bytes > BYTES {
            break;
        }
        lines.push(line);
    }
    lines.reverse();
    let count = lines.len();
    Ok((lines.into_iter().fold(String::with_capacity(bytes), |text, line| text + &line + "\n"), count))
}

/// Reads the newest lines, newest first.
fn read(reader: &Reader) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    let mut start = Start::Newest;
    let mut scanned = 0;
    loop {
        let window = Window { start, rows: MAX_PAGE.min(LINES - rows.len()), max_bytes: READ - scanned };
        let page = reader.page(&Filter::default(), &window).map_err(|error| chain(&error))?;
        scanned = (scanned + page.scanned).min(READ);
        rows.extend(page.rows);
        match page.next {
            Some(next) if rows.len() < LINES && scanned < READ => start = Start::Before(next),
            _ => return Ok(rows),
        }
    }
}

fn line(entry: Entry, remover: &mut Remover) -> Map<String, Value> {
    let mut line = Map::new();
    let mut put = |name: &str, value: Value| line.insert(name.to_owned(), value);
    put("t", remover.text(&entry.t).into());
    put("level", entry.level.as_str().into());
    put("area", AREAS.into_iter().find(|area| *area == entry.area).unwrap_or("other").into());
    if let Some(account) = &entry.account {
        put("account", remover.text(account).into());
    }
    put("msg", remover.text(&entry.msg).into());
    if let Some(repeat) = entry.repeat {
        put("repeat", repeat.into());
    }
    let mut fields = Map::new();
    for (name, value) in entry.fields.0 {
        match field(&name, value, remover) {
            Some(value) => drop(fields.insert(name, value)),
            None => remover.left_out(What::Field),
        }
    }
    if !fields.is_empty() {
        put("fields", fields.into());
    }
    let spans: Vec<Value> =
        entry.spans.iter().filter(|span| is_word(span)).map(|span| (*span).clone().into()).collect();
    if !spans.is_empty() {
        put("spans", spans.into());
    }
    line
}

/// What may be told of a field; nothing of one that is not known.
fn field(name: &str, value: Value, remover: &mut Remover) -> Option<Value> {
    match value {
        Value::Bool(_) if is_word(name) => Some(value),
        Value::Number(number) => {
            let small = number.as_f64().is_some_and(|number| number.abs() < SMALL);
            (small && is_word(name) && !PERSONAL.contains(&name)).then_some(Value::Number(number))
        }
        Value::String(text) if name == "backtrace" => {
            Some(remover.trace(&text).lines().map(Value::from).collect::<Vec<_>>().into())
        }
        Value::String(text) if name == "location" => Some(remover.trace(&text).into()),
        Value::String(text) if WORDS.contains(&name) || SAID.contains(&name) => Some(remover.text(&text).into()),
        Value::String(text) if IDS.contains(&name) && text.parse::<uuid::Uuid>().is_ok() => {
            Some(remover.text(&text).into())
        }
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Tells whether a text is a name as the program gives them.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= 40 && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b' ')
}
