//! Figures for the table that `cargo xtask test` ends with.

use std::{env, fs, path::Path};

use anyhow::{Context, Result};
use serde_json::json;

/// Notes which promise a test shows, with which figure: `("P1 nothing lost", "kills at random", "10,000 of 10,000")`.
///
/// Writes a file named after the test to the folder in `SKRYNKA_EVIDENCE`, and nothing where that is not set.
pub fn note(promise: &str, test: &str, figure: &str) -> Result<()> {
    match env::var_os("SKRYNKA_EVIDENCE") {
        Some(folder) => write(Path::new(&folder), promise, test, figure),
        None => Ok(()),
    }
}

fn write(folder: &Path, promise: &str, test: &str, figure: &str) -> Result<()> {
    let name: String = test.chars().map(|letter| if letter.is_alphanumeric() { letter } else { '-' }).collect();
    let row = json!({ "promise": promise, "test": test, "figure": figure });
    fs::write(folder.join(format!("{name}.json")), row.to_string()).context("Failed to note a figure")
}

#[cfg(test)]
mod tests {
    use super::write;

    #[test]
    fn a_figure_is_one_file_of_three_fields() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "P1", "kills / twice", "10 of 10").unwrap();
        let text = std::fs::read_to_string(folder.path().join("kills---twice.json")).unwrap();
        let row: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&row["promise"], &row["test"], &row["figure"]),
            (&"P1".into(), &"kills / twice".into(), &"10 of 10".into())
        );
    }
}
