//! Which part of the app a line belongs to, from the target of its event.

/// The parts of the app, as the log viewer names them.
pub const AREAS: [&str; 7] = ["app", "events", "email", "telegram", "store", "outbox", "ui"];

/// Returns the area of a target, and whether the target is the app's own.
///
/// `skrynka::email` names its area itself; a module path belongs to the area of its room; everything else is a
/// library, counted to `app` and told by its target.
pub(super) fn of_target(target: &str) -> (&'static str, bool) {
    let mut segments = target.split("::");
    let root = segments.next().unwrap_or_default();
    let second = segments.next().unwrap_or_default();
    let area = match (root, second) {
        ("skrynka", named) => AREAS.into_iter().find(|area| *area == named).unwrap_or("app"),
        ("skrynka_mail", _) => "email",
        ("skrynka_telegram", _) => "telegram",
        ("skrynka_core", "store" | "ingest" | "postgres" | "journal") => "store",
        ("skrynka_core", "outbox") => "outbox",
        ("skrynka_app", "commands" | "wire") => "events",
        (own, _) if own.starts_with("skrynka_") => "app",
        _ => return ("app", false),
    };
    (area, true)
}
