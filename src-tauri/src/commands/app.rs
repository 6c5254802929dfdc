//! The program itself: start-up, preferences, diagnostics.

use std::time::{Duration, SystemTime};

use secrecy::SecretString;
use skrynka_core::{
    engine::blocking,
    logbook::Level,
    profile::{self, BusinessHours, Density, NoticeSettings, Profile, QuietHours},
    store::LegacyRepaired,
};
use tauri::ipc::Channel;

use super::{DeskState, file_error, id, logged};
use crate::{
    attention, checks, databases,
    desk::{Desk, ms},
    report, room, self_tests, views,
    wire::{
        About, AppStatus, Check, CheckState, ErrorCode, LogField, LogLevelName, Preferences, RoomView, SelfTestView,
        StationView, Theme, WireError, count,
    },
};

/// How often it is told how far the search index is.
const INDEXED: Duration = Duration::from_millis(500);

/// Where the program stands between its start and a usable inbox.
#[tauri::command]
#[specta::specta]
pub async fn app_status(desk: DeskState<'_>) -> Result<AppStatus, ()> {
    Ok(desk.status())
}

/// Opens the passphrase vault, or makes it.
#[tauri::command]
#[specta::specta]
pub async fn open_vault(desk: DeskState<'_>, passphrase: String) -> Result<(), WireError> {
    let passphrase = SecretString::from(passphrase);
    logged("open_vault", desk.open_vault(passphrase)).await
}

/// Tries to start again.
#[tauri::command]
#[specta::specta]
pub async fn retry_start(desk: DeskState<'_>) -> Result<(), WireError> {
    desk.retry();
    Ok(())
}

/// What a manager has chosen.
#[tauri::command]
#[specta::specta]
pub async fn preferences(desk: DeskState<'_>) -> Result<Preferences, WireError> {
    let ground = desk.ground()?;
    let settings = ground.profile.settings().map_err(file_error)?;
    Ok(views::preferences(&settings))
}

/// Keeps what a manager has chosen. The server's address is [`use_server`]'s.
#[tauri::command]
#[specta::specta]
pub async fn set_preferences(desk: DeskState<'_>, preferences: Preferences) -> Result<(), WireError> {
    logged("set_preferences", async {
        let ground = desk.ground()?;
        let quiet_hours = QuietHours {
            on: preferences.notices.quiet_hours,
            from: views::wall_clock(&preferences.notices.quiet_from)?,
            to: views::wall_clock(&preferences.notices.quiet_to)?,
        };
        let business_hours = BusinessHours {
            days: days(preferences.business_hours.days),
            from: views::wall_clock(&preferences.business_hours.from)?,
            to: views::wall_clock(&preferences.business_hours.to)?,
        };
        if business_hours.from >= business_hours.to {
            return Err(WireError { code: ErrorCode::InvalidInput, detail: "business_hours".to_owned() });
        }
        let managers = names(preferences.managers);
        let me = preferences.me.and_then(|me| names(vec![me]).pop()).filter(|me| managers.contains(me));
        let log_level = match preferences.log_level {
            LogLevelName::Debug => Level::Debug,
            LogLevelName::Info => Level::Info,
            LogLevelName::Warn => Level::Warn,
            LogLevelName::Error => Level::Error,
        };
        desk.change_settings(|settings| {
            settings.language = preferences.language;
            settings.theme = match preferences.theme {
                Theme::System => profile::Theme::System,
                Theme::Light => profile::Theme::Light,
                Theme::Dark => profile::Theme::Dark,
            };
            settings.density = if preferences.compact { Density::Compact } else { Density::Comfortable };
            settings.log_level = log_level;
            settings.notices = NoticeSettings {
                enabled: preferences.notices.enabled,
                preview: preferences.notices.preview,
                sound: preferences.notices.sound,
                do_not_disturb: preferences.notices.do_not_disturb,
                quiet_hours,
            };
            settings.close_to_tray.on = preferences.close_to_tray;
            settings.undo_seconds = Some(preferences.undo_seconds.min(60));
            settings.chat_undo_seconds = preferences.chat_undo_seconds.min(60);
            settings.me = me;
            settings.managers = managers;
            settings.business_hours = business_hours;
        })?;
        ground.set_log_level(log_level);
        Ok(())
    })
    .await
}

/// Chooses the team's database server, or the private database with no address: from the next start on, or at once
/// while no database is open.
///
/// The server is signed in to once before anything is kept; its password is read back from the keyring.
#[tauri::command]
#[specta::specta]
pub async fn use_server(desk: DeskState<'_>, url: Option<String>, password: Option<String>) -> Result<(), WireError> {
    logged("use_server", async {
        let ground = desk.ground()?;
        match url {
            Some(url) => {
                let secrets = desk
                    .secrets(ground)
                    .await
                    .map_err(|error| WireError { code: ErrorCode::Secrets, detail: skrynka_core::chain(&error) })?;
                databases::use_server(&ground.profile, &secrets, &url, password.map(SecretString::from)).await?;
            }
            None => databases::use_private(&ground.profile)?,
        }
        desk.retry_unless_open().await;
        Ok(())
    })
    .await
}

/// Facts about this program and where it keeps its things.
#[tauri::command]
#[specta::specta]
pub async fn about(desk: DeskState<'_>) -> Result<About, WireError> {
    let ground = desk.ground()?;
    let office = desk.office().await.ok();
    let database = match &office {
        Some(office) if office.bureau.has_private_database() => "private",
        Some(_) => "server",
        None if ground.profile.settings().is_ok_and(|settings| settings.database.server_url.is_some()) => "server",
        None => "private",
    };
    Ok(About {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        profile: ground.profile.root().display().to_string(),
        database: database.to_owned(),
        secrets: office.map(|office| office.bureau.secrets.kind()).unwrap_or_default().to_owned(),
        system_language: sys_locale::get_locale().unwrap_or_default(),
        panicked_at: ground.panics().all().into_iter().find(|note| !note.seen).map(|note| note.at),
    })
}

/// Looks at everything that can be wrong.
#[tauri::command]
#[specta::specta]
pub async fn diagnostics(desk: DeskState<'_>) -> Result<Vec<Check>, WireError> {
    logged("diagnostics", async {
        let ground = desk.ground()?;
        let (secrets, office) = (desk.secrets(ground).await, desk.office().await);
        let checks = report::checks(&report::sources(ground, &secrets, &office, &desk.monitor)).await;
        attention::tell(&desk, &checks);
        Ok(checks)
    })
    .await
}

/// Tells what would go if room were made on the disk.
#[tauri::command]
#[specta::specta]
pub async fn room_to_make(desk: DeskState<'_>) -> Result<RoomView, WireError> {
    with_room(&desk, "room_to_make", room::look).await
}

/// Makes room on the disk without loss: old log files, and copies of what is kept elsewhere. Tells how much that was.
#[tauri::command]
#[specta::specta]
pub async fn make_room(desk: DeskState<'_>) -> Result<RoomView, WireError> {
    with_room(&desk, "make_room", room::make).await
}

async fn with_room(
    desk: &Desk,
    name: &'static str,
    work: fn(&Profile, SystemTime) -> RoomView,
) -> Result<RoomView, WireError> {
    logged(name, async {
        let ground = desk.ground()?.clone();
        let done = blocking(move || work(&ground.profile, ground.clock.now().into())).await;
        let done = done.map_err(|detail| WireError { code: ErrorCode::Internal, detail })?;
        let RoomView { logs, spooled, opened, fetched } = done;
        tracing::info!(target: "skrynka::app", logs, spooled, opened, fetched, "Room on the disk, in KiB");
        Ok(done)
    })
    .await
}

/// Opens the keyring or the vault once more, and tries every account anew that waits for it.
#[tauri::command]
#[specta::specta]
pub async fn reopen_secrets(desk: DeskState<'_>) -> Result<(), WireError> {
    logged("reopen_secrets", async {
        let ground = desk.ground()?;
        let office = desk.office().await?;
        let check = checks::secrets_check(ground, &office.bureau.secrets).await;
        if check.state != CheckState::Ok {
            return Err(WireError { code: ErrorCode::Secrets, detail: checks::said(&check) });
        }
        office.engine.retry_without_secrets().await;
        Ok(())
    })
    .await
}

/// Starts the private database again where it stands still, and waits until the database answers.
#[tauri::command]
#[specta::specta]
pub async fn retry_database(desk: DeskState<'_>) -> Result<(), WireError> {
    logged("retry_database", async { desk.office().await?.bureau.retry_database().await }).await
}

/// Opens the system's settings of date and time. Only where a check's repair says so: desktops of Linux have no common
/// way to them.
#[tauri::command]
#[specta::specta]
pub async fn open_clock() -> Result<(), WireError> {
    logged("open_clock", async {
        let settings = if cfg!(windows) {
            "ms-settings:dateandtime"
        } else if cfg!(target_os = "macos") {
            "x-apple.systempreferences:com.apple.Date-Time-Settings.extension"
        } else {
            return Err(WireError { code: ErrorCode::NotOffered, detail: String::new() });
        };
        opener::open(settings).map_err(file_error)
    })
    .await
}

/// Makes the search index anew. Tells the channel how many messages wait, until none does or the program ends.
#[tauri::command]
#[specta::specta]
pub async fn rebuild_search(desk: DeskState<'_>, waiting: Channel<u32>) -> Result<(), WireError> {
    logged("rebuild_search", async {
        let office = desk.office().await?;
        let mut left = office.engine.rebuild_search().await?;
        let stop = desk.tasks().stopping();
        // A page that is gone needs no answer; the index is made all the same.
        while left > 0 && waiting.send(count(left)).is_ok() && !stop.is_cancelled() {
            tokio::time::sleep(INDEXED).await;
            left = office.bureau.store.search_pending().await?;
        }
        Ok(())
    })
    .await
}

/// Sends a message from an account to itself, tells the channel each station that it reaches, and takes all of it away.
#[tauri::command]
#[specta::specta]
pub async fn self_test(
    desk: DeskState<'_>,
    account: String,
    reached: Channel<StationView>,
) -> Result<SelfTestView, WireError> {
    logged("self_test", async {
        let office = desk.office().await?;
        // A page that is gone learns nothing; the test goes on to its end.
        let told = |station| {
            let _page_is_gone = reached.send(station);
        };
        Ok(Box::pin(self_tests::run(&office, id(&account)?, told)).await)
    })
    .await
}

/// Puts the accounts table of the old system right, where it stands in the same database. No value is lost. Returns the
/// names of the tables that hold the rows as they were before.
#[tauri::command]
#[specta::specta]
pub async fn repair_legacy(desk: DeskState<'_>) -> Result<Vec<String>, WireError> {
    logged("repair_legacy", async {
        let LegacyRepaired { columns, copies } = desk.office().await?.bureau.store.repair_legacy().await?;
        tracing::info!(target: "skrynka::store", columns = columns.len(), "Table of the old system put right");
        Ok(copies)
    })
    .await
}

/// The window has painted for the first time.
#[tauri::command]
#[specta::specta]
pub async fn ui_ready(desk: DeskState<'_>) -> Result<(), WireError> {
    if desk.first_paint() {
        tracing::info!(target: "skrynka::ui", ms = ms(desk.age()), "Window painted");
    }
    Ok(())
}

/// A line for the log from the window.
#[tauri::command]
#[specta::specta]
pub async fn ui_log(level: LogLevelName, message: String, fields: Vec<LogField>) -> Result<(), WireError> {
    let facts: String = fields.iter().map(|field| format!("{}={} ", field.name, field.value)).collect();
    let (message, facts): (String, String) = (message.chars().take(500).collect(), facts.chars().take(2000).collect());
    match level {
        LogLevelName::Debug => tracing::debug!(target: "skrynka::ui", said = message, facts, "Window said"),
        LogLevelName::Info => tracing::info!(target: "skrynka::ui", said = message, facts, "Window said"),
        LogLevelName::Warn => tracing::warn!(target: "skrynka::ui", said = message, facts, "Window said"),
        LogLevelName::Error => tracing::error!(target: "skrynka::ui", said = message, facts, "Window said"),
    }
    Ok(())
}

/// Names as they are kept: on one line, at most 100 characters, each once, in the order in which they were given.
fn names(given: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::with_capacity(given.len());
    for name in given {
        let name: String = name.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(100).collect();
        let name: String = name.chars().filter(|c| !c.is_control()).collect();
        if !name.is_empty() && !kept.contains(&name) {
            kept.push(name);
        }
    }
    kept
}

fn days(mut days: Vec<u8>) -> Vec<u8> {
    days.retain(|day| (1..=7).contains(day));
    days.sort_unstable();
    days.dedup();
    days
}
