//! The support report: an archive that a person can read before it leaves the computer.
//!
//! What goes into it is named one by one; what is not named stays. Then all of it goes through a remover that takes out
//! whatever could tell who somebody is, and counts it.

mod contents;
mod lines;
mod names;

use std::{
    io::{self, Cursor, Write as _},
    path::Path,
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use skrynka_core::{
    chain,
    logbook::{
        PanicNotes, Reader,
        redact::{Remover, What},
    },
    profile::{Profile, Settings},
    secrets::Secrets,
};
use time::OffsetDateTime;
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use crate::{
    checks,
    desk::Office,
    monitor::Monitor,
    wire::{Check, ErrorCode, WireError, stamp},
    wiring::{Bureau, Ground, StartError},
};

/// A database or keyring that does not answer by then is left out.
const DEADLINE: Duration = Duration::from_secs(20);

/// What a report is made from. What is not there is said in the report, with the reason.
pub struct Sources<'a> {
    /// The profile folder.
    pub profile: &'a Path,
    /// The ground, or why there is none.
    pub ground: Result<&'a Ground, String>,
    /// The open keyring or vault.
    pub secrets: Result<&'a Secrets, String>,
    /// The database.
    pub bureau: Result<&'a Bureau, String>,
    /// What was sent to the window, where there is one.
    pub monitor: Option<&'a Monitor>,
    /// The present.
    pub now: OffsetDateTime,
}

/// What the window makes a report from.
pub fn sources<'a>(
    ground: &'a Ground,
    secrets: &'a Result<Secrets, StartError>,
    office: &'a Result<Arc<Office>, WireError>,
    monitor: &'a Monitor,
) -> Sources<'a> {
    Sources {
        profile: ground.profile.root(),
        ground: Ok(ground),
        secrets: secrets.as_ref().map_err(chain_of),
        bureau: office.as_ref().map(|office| &office.bureau).map_err(|error| error.detail.clone()),
        monitor: Some(monitor),
        now: ground.clock.now(),
    }
}

fn chain_of(error: &StartError) -> String {
    chain(error)
}

/// A report that is ready to be read and saved.
pub struct Report {
    /// Its files: name and text.
    pub files: Vec<(&'static str, String)>,
    /// How many of each were removed.
    pub removed: Vec<(What, u64)>,
    /// What could not be told, with the reason.
    pub untold: Vec<(&'static str, String)>,
    made_at: OffsetDateTime,
}

impl Report {
    /// Collects everything. What does not answer within seconds is left out and named.
    pub fn make<'a>(sources: &'a Sources<'a>) -> BoxFuture<'a, Self> {
        Box::pin(Self::make_unboxed(sources))
    }

    async fn make_unboxed(sources: &Sources<'_>) -> Self {
        let settings = match &sources.ground {
            Ok(ground) => ground.profile.settings().map_err(|error| chain(&error)),
            Err(reason) => Err(reason.clone()),
        };
        let found = Box::pin(contents::Found::look(sources)).await;
        let mut untold = found.untold(sources, settings.as_ref().err());
        let mut remover = Remover::new(names::known(sources.profile, settings.as_ref().ok(), &found));
        let reader = match &sources.ground {
            Ok(ground) => ground.logbook.reader(),
            Err(_) => Reader::new(Profile::logs_of(sources.profile)),
        };
        // What the caller was told is told here too, without what names anybody.
        for (_, reason) in &mut untold {
            *reason = remover.text(reason);
        }
        let (log, log_lines) = match lines::last(reader, &mut remover).await {
            Ok(log) => log,
            Err(reason) => {
                untold.push(("log", remover.text(&reason)));
                (String::new(), 0)
            }
        };
        let panics = panics(sources.profile, &mut remover);
        let mut report = found.told(sources, settings.as_ref().ok(), &untold);
        if let Value::Object(parts) = &mut report {
            parts.insert("log".to_owned(), json!({ "lines": log_lines }));
        }
        walk(&mut report, &mut remover);
        let files = [("report.json", pretty(&report)), ("log.jsonl", log), ("panics.json", pretty(&panics))];
        let mut files: Vec<_> = files.map(|(name, text)| (name, remover.look_again(&text))).into();
        let removed: Vec<_> = remover.removed().iter().map(|(what, count)| (*what, *count)).collect();
        files.push(("removed.json", pretty(&json!(remover.removed()))));
        Self { files, removed, untold, made_at: sources.now }
    }

    /// Packs the files.
    pub fn archive(&self) -> io::Result<Vec<u8>> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let at = self.made_at.to_offset(time::UtcOffset::UTC);
        let moment = u16::try_from(at.year()).ok().and_then(|year| {
            DateTime::from_date_and_time(year, at.month().into(), at.day(), at.hour(), at.minute(), at.second()).ok()
        });
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .unix_permissions(0o600)
            .last_modified_time(moment.unwrap_or_default());
        for (name, text) in &self.files {
            zip.start_file(*name, options)?;
            zip.write_all(text.as_bytes())?;
        }
        Ok(zip.finish()?.into_inner())
    }
}

/// Looks at everything that can be wrong.
pub async fn checks(sources: &Sources<'_>) -> Vec<Check> {
    let now = sources.now;
    let mut found = match &sources.ground {
        Ok(ground) => checks::ground_checks(ground).await,
        Err(reason) => vec![checks::failed_check(now, "profile", said(ErrorCode::File, reason), None)],
    };
    match (&sources.ground, &sources.secrets) {
        (Ok(ground), Ok(secrets)) => found.push(checks::secrets_check(ground, secrets).await),
        (_, Err(reason)) => {
            found.push(checks::failed_check(now, "secrets", said(ErrorCode::Secrets, reason), Some("open_vault")));
        }
        (Err(_), Ok(_)) => {}
    }
    match &sources.bureau {
        Ok(bureau) => found.extend(checks::bureau_checks(bureau, checks::Look::Thorough).await),
        Err(reason) => {
            found.push(checks::failed_check(
                now,
                "database",
                said(ErrorCode::Database, reason),
                Some("retry_database"),
            ));
        }
    }
    if let Ok(ground) = &sources.ground {
        found.push(checks::window_checks(now, sources.monitor));
        checks::remember(ground, &mut found).await;
    }
    found
}

fn said(code: ErrorCode, reason: &str) -> WireError {
    WireError { code, detail: reason.to_owned() }
}

/// Waits for an answer, a few seconds at most.
async fn within<T, E: std::error::Error>(answer: impl Future<Output = Result<T, E>>) -> Result<T, String> {
    match tokio::time::timeout(DEADLINE, answer).await {
        Ok(answer) => answer.map_err(|error| chain(&error)),
        Err(_) => Err("no answer".to_owned()),
    }
}

fn panics(profile: &Path, remover: &mut Remover) -> Value {
    let notes = PanicNotes::new(Profile::panics_of(profile)).all();
    let told = notes.iter().map(|note| {
        json!({
            "at": remover.text(&note.at),
            "version": remover.text(&note.version),
            "thread": remover.text(&note.thread),
            "location": remover.trace(&note.location),
            "said": remover.text(&note.said),
            "backtrace": remover.trace(&note.backtrace).lines().collect::<Vec<_>>(),
        })
    });
    Value::Array(told.collect())
}

/// Takes out of every text what may not leave. Names of the schema are the program's own.
fn walk(value: &mut Value, remover: &mut Remover) {
    match value {
        Value::String(text) => *text = remover.text(text),
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, remover)),
        Value::Object(fields) => {
            for (_, field) in fields.iter_mut().filter(|(name, _)| !contents::OURS.contains(&name.as_str())) {
                walk(field, remover);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn pretty(value: &Value) -> String {
    // A value of ours can always be written.
    serde_json::to_string_pretty(value).map(|text| text + "\n").unwrap_or_default()
}

/// Which of the settings may be told: choices, and whether something is set.
fn chosen(settings: &Settings) -> Value {
    let language =
        settings.language.as_deref().map(|tag| if ["uk", "en", "pl"].contains(&tag) { tag } else { "other" });
    let clock = |at: time::Time| format!("{:02}:{:02}", at.hour(), at.minute());
    json!({
        "language": language,
        "theme": settings.theme,
        "density": settings.density,
        "log_level": settings.log_level,
        "database": {
            "kind": if settings.database.server_url.is_some() { "server" } else { "private" },
            "own_programs": settings.database.binaries.is_some(),
            "own_authority": settings.database.ca_file.is_some(),
        },
        "notices": {
            "enabled": settings.notices.enabled,
            "preview": settings.notices.preview,
            "sound": settings.notices.sound,
            "do_not_disturb": settings.notices.do_not_disturb,
            "quiet_hours": settings.notices.quiet_hours.on,
        },
        "close_to_tray": settings.close_to_tray.on,
        "first_run": settings.first_run,
        "backup_folder_is_set": settings.backup.folder.is_some(),
        "undo_seconds": settings.undo_seconds,
        "chat_undo_seconds": settings.chat_undo_seconds,
        "me_is_set": settings.me.is_some(),
        "managers": settings.managers.len(),
        "business_hours": {
            "days": settings.business_hours.days,
            "from": clock(settings.business_hours.from),
            "to": clock(settings.business_hours.to),
        },
    })
}

/// A moment as the report writes it.
fn at(moment: Option<OffsetDateTime>) -> Option<String> {
    moment.map(stamp)
}
