//! The profile folder: identity, settings, and folders that cannot be used.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use skrynka_core::profile::{Profile, ProfileError, Settings, Theme};
use time::{OffsetDateTime, macros::datetime};

const NOW: OffsetDateTime = datetime!(2026-11-22 12:00:00 UTC);

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_new_profile_is_private_and_keeps_its_identity() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("deep/profile");
    let first = Profile::open(Some(&dir), NOW).unwrap();
    let second = Profile::open(Some(&dir), NOW + time::Duration::days(1)).unwrap();
    assert_eq!(first.install_id(), second.install_id());
    assert_eq!((mode(&dir), mode(&dir.join("install.json"))), (0o700, 0o600));
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 1, "nothing is left of the attempt to write");
}

#[test]
fn programs_that_start_at_once_agree_on_the_identity() {
    let home = tempfile::tempdir().unwrap();
    let dir = &home.path().join("profile");
    let ids: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|at| {
                let now = NOW + time::Duration::seconds(at);
                scope.spawn(move || Profile::open(Some(dir), now).unwrap().install_id())
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn a_damaged_identity_is_reported_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("install.json");
    for text in ["", "{\"install\": 7}", "{\"inst"] {
        fs::write(&file, text).unwrap();
        let error = Profile::open(Some(dir.path()), NOW).unwrap_err();
        assert!(matches!(error, ProfileError::Damaged { .. }), "{error:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
}

#[test]
fn a_path_that_is_no_folder_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "text").unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = Profile::open(Some(&path), NOW).unwrap_err();
        assert!(matches!(error, ProfileError::NotAFolder(_)), "{error:?}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "text");
}

/// Root ignores permission bits; `/proc` and `/sys` let nobody create a file, and say so in different ways.
#[test]
fn a_folder_that_cannot_be_written_is_refused_at_the_start() {
    let error = Profile::open(Some(Path::new("/sys/kernel")), NOW).unwrap_err();
    assert!(matches!(error, ProfileError::ReadOnly { .. }), "{error:?}");
    assert!(error.to_string().contains("--profile DIR"), "{error}");
}

#[test]
fn looking_for_a_profile_makes_none() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("mistyped");
    assert!(matches!(Profile::find(Some(&dir)), Err(ProfileError::Missing(_))));
    assert!(!dir.exists());
    assert_eq!(Profile::find(Some(home.path())).unwrap(), home.path());
}

#[test]
fn settings_are_read_back_and_unknown_ones_survive() {
    let dir = tempfile::tempdir().unwrap();
    let profile = Profile::open(Some(dir.path()), NOW).unwrap();
    fs::write(dir.path().join("settings.json"), r#"{"theme":"dark","of_a_newer_version":{"a":1}}"#).unwrap();
    let mut settings = profile.settings().unwrap();
    assert_eq!(settings.theme, Theme::Dark);
    settings.language = Some("uk".to_owned());
    profile.save_settings(&settings).unwrap();
    assert_eq!(profile.settings().unwrap(), settings);
    let text = fs::read_to_string(dir.path().join("settings.json")).unwrap();
    assert!(text.contains("of_a_newer_version"), "{text}");
    assert_eq!(mode(&dir.path().join("settings.json")), 0o600);
}

#[test]
fn quiet_hours_are_written_as_the_clock_shows_them() {
    let dir = tempfile::tempdir().unwrap();
    let profile = Profile::open(Some(dir.path()), NOW).unwrap();
    let mut settings = profile.settings().unwrap();
    settings.notices.quiet_hours.from = time::macros::time!(22:30);
    profile.save_settings(&settings).unwrap();
    let text = fs::read_to_string(dir.path().join("settings.json")).unwrap();
    assert!(text.contains(r#""from": "22:30""#) && text.contains(r#""to": "08:00""#), "{text}");
    assert_eq!(profile.settings().unwrap(), settings);
}

#[test]
fn damaged_settings_are_named_and_left_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let profile = Profile::open(Some(dir.path()), NOW).unwrap();
    assert_eq!(profile.settings().unwrap(), Settings::default(), "a new profile has the defaults");
    let file = dir.path().join("settings.json");
    let named = r#"{"theme":"pink","database":{"server_url":"postgres://olena@db.example.org/skrynka"}}"#;
    for text in [named, "", "{"] {
        fs::write(&file, text).unwrap();
        let error = profile.settings().unwrap_err();
        assert!(matches!(error, ProfileError::DamagedSettings { .. }), "{error:?}");
        assert!(error.to_string().contains("settings.json is damaged"), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
}

#[test]
fn what_is_chosen_in_two_places_at_once_is_kept_in_both() {
    let dir = tempfile::tempdir().unwrap();
    let profile = Profile::open(Some(dir.path()), NOW).unwrap();
    for _ in 0..50 {
        profile.save_settings(&Settings::default()).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| profile.change_settings(|settings| settings.notices.do_not_disturb = true).unwrap());
            scope.spawn(|| profile.change_settings(|settings| settings.close_to_tray.told = true).unwrap());
        });
        let settings = profile.settings().unwrap();
        assert!(settings.notices.do_not_disturb && settings.close_to_tray.told);
    }
}
