//! npm projects and the window's pages; done again only when what they are made from has changed.

use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash, Hasher},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use anyhow::{Context, Result};

use crate::{
    project::Project,
    steps::{Steps, run},
};

/// Installs what a folder's lockfile names. No package's own scripts are run.
pub(super) fn provide(project: &Project, steps: &mut Steps, folder: &str) -> Result<()> {
    let lockfile = project.path(folder).join("package-lock.json");
    let lock = fs::read_to_string(&lockfile).with_context(|| format!("Failed to read {}", lockfile.display()))?;
    let stamp = Stamp::new(project, folder);
    if stamp.is(&lock) && project.path(folder).join("node_modules").exists() {
        return Ok(());
    }
    steps.step(&format!("Fetch the npm packages of {folder}"), || {
        run(&mut project.npm(folder, &["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]))?;
        stamp.set(&lock)
    })
}

/// Builds `ui/dist`, which the app embeds.
pub(super) fn build_pages(project: &Project, steps: &mut Steps) -> Result<()> {
    let state = state_of(&project.path("ui"))?;
    let stamp = Stamp::new(project, "ui/dist");
    if stamp.is(&state) && project.path("ui/dist/index.html").exists() {
        return Ok(());
    }
    steps.step("Build the window's pages", || {
        run(&mut project.npm("ui", &["run", "--silent", "build"]))?;
        stamp.set(&state)
    })
}

/// Remembers in the target folder what something was made from.
struct Stamp(PathBuf);

impl Stamp {
    fn new(project: &Project, of: &str) -> Self {
        Self(project.target.join("xtask").join(of.replace('/', "-")))
    }

    fn is(&self, state: &str) -> bool {
        fs::read_to_string(&self.0).is_ok_and(|stamped| stamped == state)
    }

    fn set(&self, state: &str) -> Result<()> {
        if let Some(folder) = self.0.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&self.0, state).context("Failed to write a stamp")
    }
}

/// Sums up the names, sizes and times of every source file of the pages.
fn state_of(ui: &Path) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    let mut folders = vec![ui.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("Failed to list {}", folder.display()))? {
            let path = entry?.path();
            let made = path.ends_with("node_modules") || path.ends_with("dist") || path.ends_with("tests");
            if path.is_dir() && !made {
                folders.push(path);
            } else if path.is_file() {
                files.push(path);
            }
        }
    }
    files.sort();
    for path in files {
        let facts = fs::metadata(&path)?;
        (&path, facts.len(), facts.modified()?.duration_since(UNIX_EPOCH).ok()).hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}
