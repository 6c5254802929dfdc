//! `.sqlx`: what every query was checked to take and give, so that a build needs no database.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::{
    project::Project,
    setup,
    steps::{Steps, run},
};

/// Checks every query against a fresh database with all migrations, and writes `.sqlx` anew when all are right.
pub(crate) fn write(project: &Project, steps: &mut Steps) -> Result<()> {
    setup::postgres(project, steps)?;
    let mut schema = steps.step("Make a database with the schema", || Schema::start(project))?;
    let fresh = project.target.join("queries");
    let checked = steps.step("Check every query", || {
        if fresh.exists() {
            fs::remove_dir_all(&fresh)?;
        }
        fs::create_dir_all(&fresh)?;
        // The macros run only when the crate is compiled.
        touch(&project.path("src-tauri/crates/core/src/lib.rs"))?;
        run(project
            .cargo(&["check", "--package", "skrynka-core"])
            .env("DATABASE_URL", &schema.address)
            .env("SQLX_OFFLINE", "false")
            .env("SQLX_OFFLINE_DIR", &fresh))
    });
    schema.stop();
    checked?;
    steps.step("Write .sqlx", || replace(&fresh, &project.path(".sqlx")))
}

/// A database that lives as long as this.
struct Schema {
    server: Child,
    address: String,
}

impl Schema {
    fn start(project: &Project) -> Result<Self> {
        // The store is left out: it may not compile before its queries are checked.
        let example = ["run", "--quiet", "--package", "skrynka-core", "--example", "schema"];
        let features = ["--no-default-features", "--features", "testing"];
        let mut command = project.cargo(&[&example[..], &features[..]].concat());
        let mut server = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let output = server.stdout.take().context("the database says nothing")?;
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address)?;
        let address = address.trim().to_owned();
        if address.is_empty() {
            bail!("the database did not start: {}", server.wait()?);
        }
        Ok(Self { server, address })
    }

    /// Ends the database: it goes when its input ends.
    fn stop(&mut self) {
        drop(self.server.stdin.take());
        if let Err(error) = self.server.wait() {
            println!("   The database did not end: {error}");
        }
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        self.stop();
    }
}

#[expect(clippy::disallowed_methods, reason = "cargo looks at the time that files were changed")]
fn touch(file: &Path) -> Result<()> {
    let file = fs::File::options().append(true).open(file)?;
    Ok(file.set_modified(std::time::SystemTime::now())?)
}

/// Puts the files of `from` in the place of those in `to`.
fn replace(from: &Path, to: &Path) -> Result<()> {
    let written: Vec<_> = fs::read_dir(from)?.collect::<std::io::Result<_>>()?;
    if written.is_empty() {
        bail!("no query was checked");
    }
    for old in fs::read_dir(to)? {
        fs::remove_file(old?.path())?;
    }
    for file in &written {
        fs::copy(file.path(), to.join(file.file_name()))?;
    }
    println!("   {} queries", written.len());
    Ok(())
}
