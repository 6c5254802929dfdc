//! The one window: Tauri's builder, the commands and events it knows, its start and its end.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::Path,
    process::ExitCode,
    sync::{Arc, atomic::Ordering},
};

use skrynka_core::profile::APP_ID;
use tauri::{
    Manager as _, RunEvent, WebviewUrl, WebviewWindowBuilder, WindowEvent,
    plugin::TauriPlugin,
    webview::{PermissionKind, PermissionResponse},
};
use tauri_specta::{Builder, collect_commands, collect_events};

use crate::{
    cli::{self, Common},
    commands::{
        accounts, adoption, app, away, backups, chats, completeness, first_run, inbox, logs, message, monitor, outbox,
        passing_on, people, quarantine, report, telegram, triage, updates,
    },
    desk::Desk,
    mail_scheme, media_scheme, tray, wire,
};

/// The label of the one window.
pub const MAIN: &str = "main";

/// Everything that crosses between the UI and Rust. A test writes the TypeScript side from it.
pub fn bindings() -> Builder<tauri::Wry> {
    Builder::<tauri::Wry>::new()
        .disable_serde_phases()
        .commands(collect_commands![
            app::app_status,
            app::open_vault,
            app::retry_start,
            app::preferences,
            app::set_preferences,
            app::use_server,
            app::about,
            app::diagnostics,
            app::repair_legacy,
            app::room_to_make,
            app::make_room,
            app::reopen_secrets,
            app::rebuild_search,
            app::retry_database,
            app::open_clock,
            app::self_test,
            first_run::go_first_run,
            first_run::try_secrets,
            first_run::room,
            adoption::adoption,
            adoption::choose_old_folder,
            adoption::look_at_old,
            adoption::run_adoption,
            adoption::stop_adoption,
            adoption::hand_over_accounts,
            adoption::empty_old_secrets,
            adoption::leave_adoption,
            adoption::save_adoption_report,
            backups::backup,
            backups::choose_backup_folder,
            backups::stop_backups,
            backups::back_up_now,
            backups::choose_backup,
            backups::leave_backup,
            backups::autostart,
            backups::set_autostart,
            away::away,
            away::away_seen,
            completeness::completeness,
            completeness::check_completeness,
            completeness::fetch_missing,
            quarantine::quarantine,
            quarantine::retry_quarantined,
            quarantine::dismiss_quarantined,
            app::ui_ready,
            app::ui_log,
            inbox::subscribe,
            inbox::counts,
            inbox::conversations,
            inbox::conversations_by_key,
            inbox::messages,
            inbox::messages_around,
            inbox::messages_by_key,
            inbox::mark_read,
            inbox::mark_unread,
            inbox::mute_conversation,
            inbox::set_front,
            inbox::search,
            inbox::painted,
            triage::set_triage,
            triage::assign,
            triage::assignees,
            people::person,
            people::find_people,
            people::link_people,
            people::unlink_person,
            people::restore_links,
            people::forget_preview,
            people::forget_person,
            people::templates,
            people::save_template,
            people::remove_template,
            message::message_body,
            message::always_show_remote,
            message::open_link,
            message::open_file,
            message::save_file,
            message::save_all_files,
            message::save_original,
            message::drag_file,
            outbox::send_mail,
            outbox::check_mail,
            outbox::begin_answer,
            outbox::begin_forward,
            passing_on::begin_passing_on,
            passing_on::pass_on,
            outbox::outbox,
            outbox::confirm_sent,
            outbox::reschedule,
            outbox::attach_begin,
            outbox::attach_piece,
            outbox::attach_end,
            outbox::attach_voice,
            outbox::record_begin,
            outbox::left_recordings,
            outbox::attached_url,
            outbox::attach_cancel,
            outbox::drafts,
            outbox::save_draft,
            outbox::remove_draft,
            outbox::letterhead,
            outbox::set_letterhead,
            chats::send_text,
            chats::begin_chat,
            chats::upload_progress,
            chats::give_up_upload,
            chats::edit_message,
            chats::delete_message,
            chats::retry_text,
            chats::discard_text,
            chats::fetch_file,
            chats::cancel_fetch,
            chats::load_older,
            chats::load_whole_chat,
            chats::stop_loading,
            chats::message_versions,
            accounts::accounts,
            accounts::discover_mailbox,
            accounts::estimate_mailbox,
            accounts::test_mailbox,
            accounts::add_mailbox,
            accounts::update_mailbox,
            accounts::set_account_enabled,
            accounts::set_account_muted,
            accounts::retry_account,
            accounts::remove_account,
            accounts::pick_ca_file,
            telegram::begin_phone_sign_in,
            telegram::resend_code,
            telegram::submit_code,
            telegram::submit_password,
            telegram::begin_qr_sign_in,
            telegram::inspect_session,
            telegram::inspect_session_file,
            telegram::use_session,
            telegram::finish_sign_in,
            telegram::finish_sign_in_again,
            telegram::cancel_sign_in,
            telegram::update_telegram,
            telegram::test_proxy,
            logs::log_page,
            logs::log_news,
            logs::log_histogram,
            logs::stop_log_search,
            logs::write_log_details,
            logs::export_log,
            logs::follow_logs,
            logs::unfollow_logs,
            logs::log_stats,
            report::prepare_report,
            report::save_report,
            report::put_panics_aside,
            updates::update_status,
            updates::look_for_updates,
            updates::check_update,
            updates::fetch_update,
            updates::install_update,
            monitor::heartbeat,
            monitor::watch_events,
            monitor::unwatch_events,
            monitor::event_content,
        ])
        .events(collect_events![
            wire::FactsArrived,
            wire::AccountsChanged,
            wire::AttentionChanged,
            wire::StatusChanged,
            wire::LinkClicked,
            wire::NoticeOpened,
            wire::PreferencesChanged,
            wire::AdoptionChanged,
        ])
}

/// Opens the window and returns when it was closed and everything has ended.
pub fn run(common: Common) -> ExitCode {
    #[cfg(target_os = "linux")]
    draw_without_card();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return cli::failed(&anyhow::Error::new(error).context("The program could not start")),
    };
    let _entered = runtime.enter();
    tauri::async_runtime::set(runtime.handle().clone());
    let desk = Arc::new(Desk::new(common.places()));
    let bindings = bindings();
    let commands = bindings.invoke_handler();
    let mut builder = tauri::Builder::default();
    if let Some(single) = single_instance(common.profile.as_deref()) {
        builder = builder.plugin(single);
    }
    let (served, played, shown, watched) = (desk.clone(), desk.clone(), desk.clone(), desk.clone());
    let app = builder
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_updater::Builder::new().build())
        .register_asynchronous_uri_scheme_protocol(mail_scheme::NAME, move |_, request, responder| {
            let desk = served.clone();
            served.tasks().spawn("mail frame", async move {
                responder.respond(mail_scheme::respond(&desk, &request).await);
            });
        })
        .register_asynchronous_uri_scheme_protocol(media_scheme::NAME, move |_, request, responder| {
            let desk = played.clone();
            played.tasks().spawn("media", async move {
                responder.respond(media_scheme::respond(&desk, &request).await);
            });
        })
        .invoke_handler(commands)
        .manage(desk.clone())
        .on_window_event(move |_, event| {
            if let WindowEvent::Focused(focused) = event {
                watched.is_behind.store(!focused, Ordering::Relaxed);
            }
            if let WindowEvent::CloseRequested { api, .. } = event
                && watched.may_close_to_tray()
            {
                api.prevent_close();
                let desk = watched.clone();
                watched.tasks().spawn("close to tray", async move { desk.close_to_tray().await });
            }
        })
        .setup(move |app| {
            bindings.mount_events(app);
            shown.has_icon.store(tray::build(app.handle()), Ordering::Relaxed);
            shown.begin(app.handle().clone());
            open_window(app, shown.clone())?;
            Ok(())
        })
        .build(tauri::generate_context!());
    match app {
        Ok(app) => app.run(move |_, event| {
            if matches!(event, RunEvent::Exit) {
                runtime.block_on(desk.end());
            }
        }),
        Err(error) => return cli::failed(&anyhow::Error::new(error).context("The window could not be opened")),
    }
    ExitCode::SUCCESS
}

/// Lets WebKit draw past its compositor where there is no graphics card. The compositor would go through Mesa, which
/// draws on the processor: a new row stands there 20 ms later, and several threads in it crash now and then. Whoever
/// has set a variable keeps what they set.
#[cfg(target_os = "linux")]
fn draw_without_card() {
    const VARIABLES: [&str; 2] = ["WEBKIT_DISABLE_DMABUF_RENDERER", "WEBKIT_SKIA_ENABLE_CPU_RENDERING"];
    let is_card = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("renderD"))
    };
    if std::fs::read_dir("/dev/dri").is_ok_and(|mut entries| entries.any(is_card)) {
        return;
    }
    for variable in VARIABLES.iter().filter(|variable| std::env::var_os(variable).is_none()) {
        #[expect(unsafe_code, reason = "WebKit reads this nowhere but in the environment")]
        // SAFETY: the program has one thread until its runtime is made.
        unsafe {
            std::env::set_var(variable, "1");
        }
    }
}

/// A second start on a profile brings its window forward. The system knows the program by one name only, except on
/// Linux: elsewhere a profile that was named has no such plugin, and its lock refuses the second window.
fn single_instance(profile: Option<&Path>) -> Option<TauriPlugin<tauri::Wry>> {
    let mut single = tauri_plugin_single_instance::Builder::new().callback(|app, _, _| bring_to_front(app));
    if let Some(profile) = profile {
        if !cfg!(target_os = "linux") {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        std::path::absolute(profile).unwrap_or_else(|_| profile.to_owned()).hash(&mut hasher);
        single = single.dbus_id(format!("{APP_ID}.p{:016x}", hasher.finish()));
    }
    Some(single.build())
}

fn open_window(app: &tauri::App, desk: Arc<Desk>) -> tauri::Result<()> {
    let navigated = desk.clone();
    let window = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::default())
        .title("Скринька")
        .inner_size(1440.0, 900.0)
        .min_inner_size(720.0, 450.0)
        // Files that are dropped are the page's: it has their bytes and never their paths.
        .disable_drag_drop_handler()
        .zoom_hotkeys_enabled(true)
        .on_navigation(move |url| mail_scheme::may_navigate(&navigated, url))
        // The window shows no page but the app's own, and its frames run nothing: who asks is our recorder.
        .on_permission_request(|_, kind| {
            let may = matches!(kind, PermissionKind::Microphone);
            if may { PermissionResponse::Allow } else { PermissionResponse::Deny }
        })
        .build()?;
    #[cfg(target_os = "linux")]
    complete_webview(&window)?;
    draw_again(&window, desk)
}

/// What other webviews do by themselves: lets the page ask for the microphone, and checks the spelling of what is
/// written, in those of our languages and the system's that the computer has dictionaries of.
#[cfg(target_os = "linux")]
fn complete_webview(window: &tauri::WebviewWindow) -> tauri::Result<()> {
    use std::collections::BTreeSet;

    use webkit2gtk::{SettingsExt as _, WebContextExt as _, WebViewExt as _};

    window.with_webview(|webview| {
        let view = webview.inner();
        if let Some(settings) = view.settings() {
            settings.set_enable_media_stream(true);
        }
        if let Some(context) = view.context() {
            let system = context.spell_checking_languages();
            let languages: BTreeSet<&str> =
                system.iter().map(|language| language.as_str()).chain(["uk_UA", "en_US", "pl_PL"]).collect();
            context.set_spell_checking_languages(&languages.into_iter().collect::<Vec<_>>());
            context.set_spell_checking_enabled(true);
        }
        view.connect_context_menu(|_, menu, _, _| !leave_what_serves(menu));
    })
}

/// Takes out of WebKit's own menu what belongs to a browser: pages to go back to, windows, files fetched past the app.
/// Returns whether anything is left.
#[cfg(target_os = "linux")]
fn leave_what_serves(menu: &webkit2gtk::ContextMenu) -> bool {
    use webkit2gtk::{ContextMenuAction as Action, ContextMenuExt as _, ContextMenuItemExt as _};

    const SERVING: [Action; 15] = [
        Action::Copy,
        Action::Cut,
        Action::Paste,
        Action::Delete,
        Action::SelectAll,
        Action::CopyLinkToClipboard,
        Action::CopyImageToClipboard,
        Action::InputMethods,
        Action::Unicode,
        Action::SpellingGuess,
        Action::NoGuessesFound,
        Action::IgnoreSpelling,
        Action::LearnSpelling,
        Action::IgnoreGrammar,
        Action::PasteAsPlainText,
    ];
    let items = menu.items();
    items.iter().filter(|item| !SERVING.contains(&item.stock_action())).for_each(|item| menu.remove(item));
    menu.n_items() > 0
}

/// Loads the pages again when the process that draws them has died: of a fault in a graphics driver, or for want of
/// memory. What stands in the database is there again, drafts as they were a moment before; what stood in the pages
/// alone is lost: the place in a list, a form that was not saved, a file that was being attached. Where it dies again
/// and again, the next try waits. Tauri does this by itself on macOS, and WebView2 offers it on Windows.
#[cfg(target_os = "linux")]
fn draw_again(window: &tauri::WebviewWindow, desk: Arc<Desk>) -> tauri::Result<()> {
    use std::{cell::Cell, rc::Rc, time::Duration};

    use webkit2gtk::{WebViewExt as _, glib};

    /// Who lived for so long has not died of what killed the one before.
    const LONG: Duration = Duration::from_secs(60);
    const LONGEST_WAIT: u64 = 30;

    window.with_webview(|webview| {
        let deaths = Rc::new(Cell::new(0_u32));
        webview.inner().connect_web_process_terminated(move |view, reason| {
            let before = deaths.replace(deaths.get() + 1);
            let wait = if before == 0 { 0 } else { 2_u64.saturating_pow(before).min(LONGEST_WAIT) };
            tracing::error!(
                target: "skrynka::app",
                reason = ?reason, wait_s = wait,
                "The process that draws the window has died; it is started again"
            );
            // Nobody looks at anything any more.
            desk.page_gone();
            let view = view.clone();
            glib::timeout_add_local_once(Duration::from_secs(wait), move || view.reload());
            let deaths = deaths.clone();
            glib::timeout_add_local_once(LONG, move || deaths.set(deaths.get().saturating_sub(1)));
        });
    })
}

#[cfg(not(target_os = "linux"))]
fn draw_again(_window: &tauri::WebviewWindow, _desk: Arc<Desk>) -> tauri::Result<()> {
    Ok(())
}

/// Shows the window that is open already.
pub fn bring_to_front(app: &tauri::AppHandle) {
    let Some(window) = app.get_webview_window(MAIN) else { return };
    app.state::<Arc<Desk>>().is_hidden.store(false, Ordering::Relaxed);
    for result in [window.unminimize(), window.show(), window.set_focus()] {
        if let Err(error) = result {
            tracing::warn!(target: "skrynka::app", error = %error, "Window not brought to the front");
        }
    }
}
