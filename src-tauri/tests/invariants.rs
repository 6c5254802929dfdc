//! The invariants of `src-tauri/ARCHITECTURE.md` that a machine can watch.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic where it stands")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder` with this extension, build output left out.
fn files(folder: &str, extensions: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() {
                if name != "node_modules" && name != "dist" && name != "target" {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|e| extensions.iter().any(|wanted| e == *wanted)) {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root()).unwrap().to_owned(), text));
            }
        }
    }
    assert!(!found.is_empty(), "nothing was looked at in {folder}");
    found
}

/// Fails when a text stands outside the places where it may.
fn stands_only_in(found: &[(PathBuf, String)], needle: &str, allowed: &[&str]) {
    let outside: Vec<String> = found
        .iter()
        .filter(|(path, _)| !allowed.iter().any(|allowed| path.to_string_lossy().contains(allowed)))
        .flat_map(|(path, text)| text.lines().enumerate().map(move |(n, line)| (path, n, line)))
        .filter(|(_, _, line)| line.contains(needle) && !line.trim_start().starts_with("//"))
        .map(|(path, n, line)| format!("{}:{}: {}", path.display(), n + 1, line.trim()))
        .collect();
    assert!(outside.is_empty(), "{needle} may stand only in {allowed:?}:\n{}", outside.join("\n"));
    let inside = found.iter().any(|(_, text)| text.contains(needle));
    assert!(inside, "{needle} stands nowhere: the test looks for the wrong thing");
}

/// The crates that a package is built with, dev-dependencies left out.
fn dependencies(package: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn the_core_knows_neither_tauri_nor_an_integrations_library() {
    let found = dependencies("skrynka-core");
    for foreign in ["tauri", "async-imap", "imap-proto", "mail-parser", "grammers-client", "lettre"] {
        assert!(!found.iter().any(|name| name == foreign), "skrynka-core depends on {foreign}");
    }
}

#[test]
fn an_integration_knows_neither_tauri_nor_sql_of_its_own() {
    for (own, others) in [("mail", ["grammers", "skrynka-telegram"]), ("telegram", ["imap", "skrynka-mail"])] {
        let manifest = fs::read_to_string(root().join("src-tauri/crates").join(own).join("Cargo.toml")).unwrap();
        let names = manifest.lines().map(|line| line.split('#').next().unwrap_or_default());
        let names: String = names.collect();
        for foreign in ["sqlx", "tauri"].into_iter().chain(others) {
            assert!(!names.contains(foreign), "skrynka-{own} names {foreign}");
        }
        assert!(!dependencies(&format!("skrynka-{own}")).iter().any(|name| name == "tauri"));
    }
}

#[test]
fn sql_stands_only_in_the_store() {
    let rust = files("src-tauri", &["rs"]);
    // The private cluster makes its role and reads its settings before there is a store.
    stands_only_in(&rust, "sqlx::query", &["core/src/store", "core/src/postgres", "tests/"]);
}

#[test]
fn tasks_are_spawned_only_by_the_engine() {
    let rust = files("src-tauri", &["rs"]);
    let allowed = ["core/src/engine/tasks.rs", "crates/lab/", "tests/"];
    for spawn in ["tokio::spawn", "tracker.spawn("] {
        let used = rust.iter().any(|(_, text)| text.contains(spawn));
        if used {
            stands_only_in(&rust, spawn, &allowed);
        }
    }
    stands_only_in(&rust, "TaskTracker", &allowed);
}

#[test]
fn secrets_are_exposed_only_where_a_library_is_handed_the_value() {
    let rust = files("src-tauri", &["rs"]);
    stands_only_in(
        &rust,
        "expose_secret()",
        &[
            "core/src/secrets",
            "core/src/postgres",
            "core/src/logbook",
            "mail/src/connect",
            "mail/src/probe",
            "mail/src/smtp",
            "telegram/src/session/secret",
            // The old system's own row is asked whether it still holds the value that is to be emptied.
            "core/src/store/adopt/old",
            "telegram/src/sign_in",
            "telegram/src/pool/proxy",
            // A QR code is for the screen.
            "src/commands/telegram",
            "tests",
        ],
    );
}

#[test]
fn the_page_talks_to_tauri_in_one_place() {
    let pages = files("ui/src", &["ts", "svelte"]);
    stands_only_in(&pages, "@tauri-apps/", &["ui/src/ipc/"]);
}

#[test]
fn untrusted_text_is_never_parsed_as_html_in_the_page() {
    for (path, text) in files("ui/src", &["ts", "svelte"]) {
        for forbidden in ["innerHTML", "{@html", "insertAdjacentHTML", "document.write"] {
            assert!(!text.contains(forbidden), "{} uses {forbidden}", path.display());
        }
    }
}

#[test]
fn message_text_and_secrets_are_never_logged() {
    for (path, text) in files("src-tauri", &["rs"]) {
        if path.to_string_lossy().contains("tests/") {
            continue;
        }
        for call in text.split("tracing::").skip(1) {
            let Some(end) = call.find(");") else { continue };
            let call = &call[..end];
            for forbidden in ["body_text", "letter.text", "password", "passphrase", "expose_secret", "subject ="] {
                let words = call.to_lowercase();
                // A message may speak of a password; a field may not carry one.
                let carries = words.split('"').step_by(2).any(|code| code.contains(forbidden));
                assert!(!carries, "{} logs {forbidden}: {call}", path.display());
            }
        }
    }
}

#[test]
fn a_panic_ends_an_attempt_and_not_the_program() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let aborts = manifest.lines().any(|line| line.trim_start().starts_with("panic"));
    assert!(!aborts, "no profile may abort on a panic");
}
