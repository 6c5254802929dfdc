//! `cargo xtask package`: installers with everything inside that the program needs, and what is told about them.

mod parts;
mod postgres;
mod trial;

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{
    project::Project,
    setup::{Need, set_up},
    steps::{Steps, run},
};

/// What stands beside the program in every package, and where Debian wants to find it.
const PARTS: [&str; 2] = ["third-party.txt", "sbom.cdx.json"];
/// The folder of a package's documents on Linux.
const DOCUMENTS: &str = "/usr/share/doc/skrynka";

/// What is packaged, and what is done with it.
struct Plan {
    /// Packages what was compiled last: for looking at the packaging alone.
    built: bool,
    /// Installs, upgrades and removes what was packaged, in a clean root.
    trial: bool,
    /// What tauri's bundler calls the packages.
    bundles: Vec<String>,
}

/// Does what the arguments ask for: packages, or a look at what goes into them.
pub(crate) fn run_with(project: &Project, steps: &mut Steps, arguments: &[&str]) -> Result<()> {
    let mut plan = Plan { built: false, trial: false, bundles: usual_bundles() };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            "--built" => plan.built = true,
            "--try" => plan.trial = true,
            "--bundles" => {
                let names = rest.next().context("--bundles wants names: deb,rpm,appimage,nsis,msi,dmg")?;
                plan.bundles = names.split(',').map(str::to_owned).collect();
            }
            "--lint" => return trial::lint(project, steps),
            "--check-windows" => return trial::check_windows(project, steps),
            other => bail!("package knows no {other}; see cargo xtask help"),
        }
    }
    package(project, steps, &plan)
}

fn usual_bundles() -> Vec<String> {
    let names: &[&str] = if cfg!(target_os = "linux") {
        &["deb", "rpm"]
    } else if cfg!(windows) {
        &["nsis", "msi"]
    } else {
        &["app", "dmg"]
    };
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn package(project: &Project, steps: &mut Steps, plan: &Plan) -> Result<()> {
    set_up(project, steps, &[Need::App, Need::Package])?;
    let version = one_version(project)?;
    let folder = project.target.join("package");
    fs::create_dir_all(&folder)?;
    let epoch = epoch(project)?;
    if !plan.built {
        steps.step("Compile the app", || compile(project, &folder))?;
    }
    steps.step("Gather the private Postgres", || postgres::gather(project, &folder.join("postgres")))?;
    steps.step("Name every part and its licence", || parts::write(project, &folder, &version, epoch))?;
    let config = folder.join("bundle.json");
    fs::write(&config, serde_json::to_vec_pretty(&configuration(&folder)?)?)?;

    let made = steps.step("Build the packages", || bundle(project, &folder, &config, plan, epoch))?;
    if cfg!(target_os = "linux") {
        steps.step("Build them again and compare", || {
            let first = sums(&made)?;
            let again = bundle(project, &folder, &config, plan, epoch)?;
            compare(&first, &sums(&again)?)
        })?;
    }
    let out = folder.join("out");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    fs::create_dir_all(&out)?;
    for path in made.iter().cloned().chain(PARTS.iter().map(|part| folder.join(part))) {
        fs::copy(&path, out.join(path.file_name().context("a package without a name")?))?;
    }
    if cfg!(unix) {
        steps.step("Look for paths of this machine", || no_machine_paths(project, &program(&folder)))?;
    }
    tell(&out)?;
    if plan.trial {
        trial::install(project, steps, &out, &version)?;
    }
    Ok(())
}

/// The version in Cargo.toml, which that of tauri.conf.json and of the pages must be.
fn one_version(project: &Project) -> Result<String> {
    let manifest = fs::read_to_string(project.path("Cargo.toml"))?;
    let line =
        manifest.lines().find_map(|line| line.strip_prefix("version = ")).context("Cargo.toml has no version")?;
    let version = line.trim_matches('"').to_owned();
    for file in ["tauri.conf.json", "ui/package.json"] {
        let other: Value = serde_json::from_slice(&fs::read(project.path(file))?)?;
        if other["version"] != version.as_str() {
            bail!("{file} says version {}, Cargo.toml says {version}", other["version"]);
        }
    }
    Ok(version)
}

/// The time of the last commit: the one that every file in a package says, so that the same sources give the same bytes.
fn epoch(project: &Project) -> Result<u64> {
    if let Ok(given) = env::var("SOURCE_DATE_EPOCH") {
        return given.parse().context("SOURCE_DATE_EPOCH is no number of seconds");
    }
    let output =
        project.command("git").args(["log", "-1", "--format=%ct"]).output().context("git could not be asked")?;
    String::from_utf8(output.stdout)?.trim().parse().context("git names no time of the last commit")
}

/// Compiles into a folder of its own: the paths are taken out of these programs, so nothing else can use what they are
/// made of. Only the app is named: the lab beside it would give the app its tests' features.
fn compile(project: &Project, folder: &Path) -> Result<()> {
    let targets: &[&str] =
        if cfg!(target_os = "macos") { &["aarch64-apple-darwin", "x86_64-apple-darwin"] } else { &[""] };
    for target in targets {
        let mut command =
            project.cargo(&["build", "--release", "--locked", "--package", "skrynka", "--bin", "skrynka"]);
        if !target.is_empty() {
            command.args(["--target", target]);
        }
        without_machine_paths(project, &mut command)?;
        where_updates_come_from(&mut command)?;
        run(command.env("CARGO_TARGET_DIR", folder))?;
    }
    if cfg!(target_os = "macos") {
        let universal = folder.join("universal-apple-darwin/release");
        fs::create_dir_all(&universal)?;
        let of = |target: &str| folder.join(target).join("release/skrynka");
        let mut command = project.command("lipo");
        command.args(["-create", "-output"]).arg(universal.join("skrynka"));
        run(command.args(targets.iter().map(|target| of(target))))?;
    }
    Ok(())
}

/// Whoever releases a build tells it where updates come from and whose signature they bear; any other has none.
fn where_updates_come_from(command: &mut Command) -> Result<()> {
    match (env::var("SKRYNKA_UPDATE_URL"), env::var("SKRYNKA_UPDATE_KEY")) {
        (Ok(url), Ok(key)) if !url.is_empty() && !key.is_empty() => {
            let config = json!({ "plugins": { "updater": { "endpoints": [url], "pubkey": key } } });
            command.env("TAURI_CONFIG", config.to_string());
            Ok(())
        }
        (Err(_), Err(_)) => Ok(()),
        _ => bail!("SKRYNKA_UPDATE_URL and SKRYNKA_UPDATE_KEY belong together, and neither may be empty"),
    }
}

/// Names in panics and debug information say where a file stands in the project, not on this machine.
fn without_machine_paths(project: &Project, command: &mut Command) -> Result<()> {
    let cargo_home = cargo_home()?;
    let from_to = [(project.root.display().to_string(), "/skrynka"), (cargo_home.display().to_string(), "/cargo")];
    let flags = |name: &str| from_to.iter().map(|(from, to)| format!("{name}={from}={to}")).collect::<Vec<_>>();
    command.env("CARGO_ENCODED_RUSTFLAGS", flags("--remap-path-prefix").join("\u{1f}"));
    if cfg!(unix) {
        command.env("CFLAGS", flags("-ffile-prefix-map").join(" "));
    }
    Ok(())
}

fn cargo_home() -> Result<PathBuf> {
    match env::var_os("CARGO_HOME") {
        Some(folder) => Ok(folder.into()),
        None => Ok(env::home_dir().context("there is no home folder")?.join(".cargo")),
    }
}

/// The compiled program.
fn program(folder: &Path) -> PathBuf {
    let below = if cfg!(target_os = "macos") { "universal-apple-darwin/release" } else { "release" };
    folder.join(below).join(format!("skrynka{}", env::consts::EXE_SUFFIX))
}

/// What tauri's configuration gets for a package and has not for the sources: the folders exist only here.
fn configuration(folder: &Path) -> Result<Value> {
    let mut resources = BTreeMap::from([(folder.join("postgres").display().to_string(), "postgres".to_owned())]);
    let mut linux = BTreeMap::new();
    for part in PARTS {
        let path = folder.join(part).display().to_string();
        if cfg!(target_os = "linux") {
            linux.insert(format!("{DOCUMENTS}/{part}"), path);
        } else {
            resources.insert(path, part.to_owned());
        }
    }
    let mut bundle =
        json!({ "resources": resources, "linux": { "deb": { "files": linux }, "rpm": { "files": linux } } });
    // Whoever holds the key signs what the updater takes; without it, packages are made that nobody is updated to.
    if env::var_os("TAURI_SIGNING_PRIVATE_KEY").is_some() {
        bundle["createUpdaterArtifacts"] = json!(true);
    }
    Ok(json!({ "bundle": bundle }))
}

/// Packages what is compiled, and returns the files.
fn bundle(project: &Project, folder: &Path, config: &Path, plan: &Plan, epoch: u64) -> Result<Vec<PathBuf>> {
    let made = program(folder).with_file_name("bundle");
    if made.exists() {
        fs::remove_dir_all(&made)?;
    }
    let tauri = project.path("ui/node_modules/.bin").join(if cfg!(windows) { "tauri.cmd" } else { "tauri" });
    let mut command = project.command(tauri);
    command.args(["bundle", "--ci", "--bundles", &plan.bundles.join(","), "--config"]).arg(config);
    if cfg!(target_os = "macos") {
        command.args(["--target", "universal-apple-darwin"]);
    }
    run(command.env("CARGO_TARGET_DIR", folder).env("SOURCE_DATE_EPOCH", epoch.to_string()))?;
    let mut packages = files_below(&made)?;
    packages.retain(|path| {
        let name = path.to_string_lossy();
        [".deb", ".rpm", ".AppImage", ".dmg", ".msi", "-setup.exe", ".sig", ".app.tar.gz"]
            .iter()
            .any(|ending| name.ends_with(ending))
    });
    if packages.is_empty() {
        bail!("the bundler left no package in {}", made.display());
    }
    for package in packages.iter().filter(|path| path.extension().is_some_and(|ending| ending == "deb")) {
        pack_again(project, package, epoch)?;
        if packages.contains(&signature_of(package)) {
            // What the bundler has signed is not what there is now.
            let version = one_version(project)?;
            let mut command = project.command(project.path("ui/node_modules/.bin/tauri"));
            run(command.args(["signer", "sign", "--app-version", &version]).arg(package))?;
        }
    }
    Ok(packages)
}

/// Where the bundler puts a package's signature.
fn signature_of(package: &Path) -> PathBuf {
    let mut name = package.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

/// Packs a .deb with Debian's own tool: tauri's writes the files in the order in which the disk lists them, with the
/// hour at which they were copied.
fn pack_again(project: &Project, package: &Path, epoch: u64) -> Result<()> {
    let tree = package.with_extension("tree");
    run(project.command("dpkg-deb").arg("--raw-extract").arg(package).arg(&tree))?;
    let packed = run(project
        .command("dpkg-deb")
        .args(["--root-owner-group", "-Zzstd", "-z12", "--build"])
        .args([&tree, &package.to_owned()])
        .env("SOURCE_DATE_EPOCH", epoch.to_string()));
    fs::remove_dir_all(&tree)?;
    packed
}

/// Every file below a folder, in the order of their names.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("Failed to list {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}

/// SHA-256 of files by their names.
fn sums(files: &[PathBuf]) -> Result<BTreeMap<String, String>> {
    let mut sums = BTreeMap::new();
    for path in files {
        let mut command = if cfg!(target_os = "linux") {
            Command::new("sha256sum")
        } else if cfg!(windows) {
            let mut command = Command::new("certutil");
            command.arg("-hashfile").arg(path).arg("SHA256");
            command
        } else {
            let mut command = Command::new("shasum");
            command.args(["-a", "256"]);
            command
        };
        if !cfg!(windows) {
            command.arg(path);
        }
        let output = command.output().context("no program that makes SHA-256 sums")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let is_sum = |word: &&str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let sum = text.split_whitespace().find(is_sum).with_context(|| format!("no sum of {}", path.display()))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        sums.insert(name, sum.to_owned());
    }
    Ok(sums)
}

fn compare(first: &BTreeMap<String, String>, second: &BTreeMap<String, String>) -> Result<()> {
    for (name, sum) in first {
        if second.get(name) == Some(sum) {
            println!("   {name}: the same bytes");
        } else if name.ends_with(".rpm") {
            // Its header holds the hour at which it was built, which the bundler takes from the clock.
            println!("   {name}: not the same bytes: its header holds the hour of packaging");
        } else {
            bail!("{name} has other bytes when it is built again");
        }
    }
    Ok(())
}

/// Fails when a program names a folder of whoever built it.
fn no_machine_paths(project: &Project, program: &Path) -> Result<()> {
    let bytes = fs::read(program)?;
    for folder in [project.root.clone(), cargo_home()?] {
        let folder = folder.display().to_string();
        if bytes.windows(folder.len()).any(|window| window == folder.as_bytes()) {
            bail!("{} names {folder}", program.display());
        }
    }
    println!("   {}: {:.1} MB, none inside", program.display(), megabytes(program)?);
    Ok(())
}

/// Writes the sums, and prints what there is and how large it is.
fn tell(out: &Path) -> Result<()> {
    let files = files_below(out)?;
    let sums = sums(&files)?;
    let text: String = sums.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
    fs::write(out.join("SHA256SUMS"), text)?;
    println!("\nThe packages are in {}", out.display());
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        println!("  {:>7.1} MB  {name}", megabytes(&path)?);
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "for a person")]
fn megabytes(path: &Path) -> Result<f64> {
    Ok(fs::metadata(path)?.len() as f64 / 1e6)
}
