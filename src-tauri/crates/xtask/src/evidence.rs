//! The table that `cargo xtask test` ends with: which test shows which promise, with which figure.
//!
//! A test writes `{"promise": "P1 …", "test": "…", "figure": "…"}` to a file of its own in the folder that
//! `SKRYNKA_EVIDENCE` names. Without that variable it writes nothing.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::project::Project;

/// The folder of the figures.
pub(crate) struct Evidence {
    folder: PathBuf,
}

impl Evidence {
    pub(crate) const VARIABLE: &str = "SKRYNKA_EVIDENCE";

    /// Takes the folder as it is.
    pub(crate) fn kept(project: &Project) -> Result<Self> {
        let folder = project.target.join("evidence");
        fs::create_dir_all(&folder).context("Failed to make the folder for figures")?;
        Ok(Self { folder })
    }

    /// Throws away what earlier runs left.
    pub(crate) fn fresh(project: &Project) -> Result<Self> {
        let evidence = Self::kept(project)?;
        fs::remove_dir_all(&evidence.folder).context("Failed to empty the folder for figures")?;
        Self::kept(project)
    }

    pub(crate) fn folder(&self) -> &PathBuf {
        &self.folder
    }

    /// Prints the table, ordered by promise.
    pub(crate) fn print(&self) -> Result<()> {
        let mut rows = vec![["promise", "test", "figure"].map(str::to_owned)];
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let text = fs::read_to_string(&path)?;
            let value: Value = serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))?;
            rows.push(["promise", "test", "figure"].map(|key| value[key].as_str().unwrap_or_default().to_owned()));
        }
        if rows.len() == 1 {
            return Ok(());
        }
        rows[1..].sort();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let (first, second) = (width(0), width(1));
        println!();
        for [promise, test, figure] in &rows {
            println!("{promise:first$} | {test:second$} | {figure}");
        }
        Ok(())
    }
}
