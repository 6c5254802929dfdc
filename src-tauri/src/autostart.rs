//! Starting with the system: an entry of the desktop's own, which the system's settings show as well.

use std::path::PathBuf;

use auto_launch::{AutoLaunch, AutoLaunchBuilder};

use crate::{
    commands::file_error,
    wire::{ErrorCode, WireError},
    wiring::Places,
};

/// What the entry is called.
const NAME: &str = "Skrynka";

/// Whether the program starts when the person signs in to their computer.
///
/// # Errors
/// The system does not tell.
pub fn is_on(places: &Places) -> Result<bool, WireError> {
    entry(places)?.is_enabled().map_err(refused)
}

/// Adds or removes the entry. Another profile than the usual one is named in it.
///
/// # Errors
/// The system refused; it is as it was.
pub fn set(places: &Places, on: bool) -> Result<(), WireError> {
    let entry = entry(places)?;
    let changed = if on { entry.enable() } else { entry.disable() };
    changed.map_err(refused)
}

fn entry(places: &Places) -> Result<AutoLaunch, WireError> {
    // An AppImage's own path leads into a folder that is gone after its end.
    let program: PathBuf = match std::env::var_os("APPIMAGE") {
        Some(image) => image.into(),
        None => std::env::current_exe().map_err(file_error)?,
    };
    let named = [("--profile", &places.profile), ("--vault-key-file", &places.vault_key_file)];
    let arguments: Vec<String> = named
        .into_iter()
        .filter_map(|(name, path)| path.as_ref().map(|path| (name, path)))
        .flat_map(|(name, path)| {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            [name.to_owned(), quoted(&path.to_string_lossy())]
        })
        .collect();
    AutoLaunchBuilder::new()
        .set_app_name(NAME)
        .set_app_path(&quoted(&program.to_string_lossy()))
        .set_args(&arguments)
        .build()
        .map_err(refused)
}

/// The library writes words as they are; in an entry of a Linux desktop a space would end one.
fn quoted(word: &str) -> String {
    if !cfg!(target_os = "linux") {
        return word.to_owned();
    }
    let mut quoted = String::from("\"");
    for letter in word.chars() {
        if matches!(letter, '"' | '`' | '$' | '\\') {
            quoted.push_str("\\\\");
        }
        quoted.push(letter);
    }
    // A percent sign would begin a field code.
    quoted.replace('%', "%%") + "\""
}

fn refused(error: impl std::error::Error) -> WireError {
    WireError { code: ErrorCode::File, detail: skrynka_core::chain(&error) }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_desktop_entry() {
        assert_eq!(quoted("/home/Олена Верб/скринька"), "\"/home/Олена Верб/скринька\"");
        assert_eq!(quoted("/a$b/100%"), "\"/a\\\\$b/100%%\"");
    }
}
