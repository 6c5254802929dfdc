//! `skrynka service`: listening without anybody signed in, under whatever starts programs on this system.
//!
//! The definitions stand in `src-tauri/packaging`; here they get the paths of this computer.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context, bail};
use base64::Engine as _;
use clap::Subcommand;
use serde_json::json;

use super::{Common, Output, noted};
use crate::wiring::{Ground, Places};

/// The definition for this system.
const TEMPLATE: &str = if cfg!(target_os = "linux") {
    include_str!("../../packaging/linux/skrynka.service")
} else if cfg!(target_os = "macos") {
    include_str!("../../packaging/macos/dev.skrynka.listen.plist")
} else {
    include_str!("../../packaging/windows/skrynka-listen.xml")
};
/// What this system calls it.
const NAME: &str = if cfg!(target_os = "linux") {
    "skrynka.service"
} else if cfg!(target_os = "macos") {
    "dev.skrynka.listen"
} else {
    "Skrynka"
};

#[derive(Debug, Subcommand)]
pub enum ServiceCommand {
    /// Start listening now and with the computer, with a vault that opens by itself.
    ///
    /// On Linux a unit of systemd for this user, on macOS an agent of launchd, on Windows a task that starts with the
    /// computer. The vault's key is the file named with --vault-key-file; without one, a key is made beside the other
    /// settings of this user (0600). A profile whose secrets are in a keyring cannot be opened by a program that nobody
    /// has signed in for: add the accounts anew in a profile of the service's own (--profile DIR). A server on which
    /// nobody has a desktop: see skrynka@.service of the package.
    Install {
        /// Write the definition alone, and start nothing.
        #[arg(long)]
        no_start: bool,
    },
    /// Stop it and take it away; the profile and the vault's key stay.
    Remove,
    /// Tell whether it is installed and running.
    Status,
}

pub async fn run(common: &Common, output: Output, command: ServiceCommand) -> anyhow::Result<ExitCode> {
    match command {
        ServiceCommand::Install { no_start } => install(common, output, no_start).await,
        ServiceCommand::Remove => remove(output),
        ServiceCommand::Status => status(output),
    }
}

async fn install(common: &Common, output: Output, no_start: bool) -> anyhow::Result<ExitCode> {
    let key = match &common.vault_key_file {
        Some(file) => std::path::absolute(file)?,
        None => settings_folder()?.join("skrynka").join("vault.key"),
    };
    let places = Places { vault_key_file: Some(key.clone()), ..common.places() };
    let ground = Ground::open(&places)?;
    let tried = async {
        if common.vault_key_file.is_none() && !key.exists() {
            if ground.profile.vault_file().exists() {
                bail!(
                    "the vault has a passphrase already; write it into a file that only you can read (0600) and name that \
                     with --vault-key-file FILE"
                );
            }
            make_key(&key).with_context(|| format!("The vault's key {} could not be written", key.display()))?;
        }
        // What the service will not be able to open is found out here, and not in the night after a power cut.
        ground.secrets(&places, None).await?;
        anyhow::Ok(())
    };
    noted(tried.await)?;
    let program = env::current_exe().context("The program does not know where it stands")?;
    let definition = fill(TEMPLATE, &program, ground.profile.root(), &key);
    let file = definition_file(ground.profile.root())?;
    write(&file, &definition).with_context(|| format!("{} could not be written", file.display()))?;
    if !no_start {
        for command in start_commands(&file)? {
            manage(&command).with_context(|| {
                format!(
                    "{} is written, but the service was not started; this failed: {}",
                    file.display(),
                    command.join(" ")
                )
            })?;
        }
    }
    tracing::info!(target: "skrynka::app", started = !no_start, "Service installed");
    output.record(&json!({"definition": file, "vault_key": key, "started": !no_start}), || {
        let mut text = format!("Installed: {}\nThe vault's key: {}", file.display(), key.display());
        if cfg!(target_os = "linux") {
            text.push_str("\nTo go on while nobody is signed in: loginctl enable-linger");
        }
        text
    })?;
    Ok(ExitCode::SUCCESS)
}

fn remove(output: Output) -> anyhow::Result<ExitCode> {
    let file = definition_file(&env::temp_dir())?;
    for command in stop_commands()? {
        manage(&command).context("The service could not be stopped, and stays as it is")?;
    }
    match fs::remove_file(&file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("{} could not be removed", file.display()));
        }
        _ => {}
    }
    output.record(&json!({"removed": file}), || "Removed; the profile and the vault's key stay".to_owned())?;
    Ok(ExitCode::SUCCESS)
}

fn status(output: Output) -> anyhow::Result<ExitCode> {
    let command = status_command();
    let asked = Command::new(&command[0]).args(&command[1..]).output();
    let asked = asked.with_context(|| format!("{} could not be started", command[0]))?;
    let said = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
    let installed = cfg!(windows) || definition_file(&env::temp_dir())?.exists();
    let running = asked.status.success();
    output.record(&json!({"installed": installed, "running": running, "detail": said}), || {
        format!(
            "{}, {}\n{said}",
            if installed { "installed" } else { "not installed" },
            if running { "running" } else { "not running" }
        )
    })?;
    Ok(if running { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Puts paths into a definition, written as its language wants them.
fn fill(template: &str, program: &Path, profile: &Path, key: &Path) -> String {
    if cfg!(target_os = "linux") {
        let command = format!(
            "ExecStart={} listen --profile {} --vault-key-file {}",
            unit_word(program),
            unit_word(profile),
            unit_word(key)
        );
        // A condition takes the rest of its line as it is, apart from the percent sign.
        let condition = format!("ConditionPathExists={}", key.display().to_string().replace('%', "%%"));
        let lines = template.lines().map(|line| match line.split_once('=') {
            Some(("ExecStart", _)) => command.clone(),
            Some(("ConditionPathExists", _)) => condition.clone(),
            _ => line.to_owned(),
        });
        return lines.map(|line| line + "\n").collect();
    }
    let user = ["USERDOMAIN", "USERNAME"].map(|name| env::var(name).unwrap_or_default()).join("\\");
    [
        ("program", program.display().to_string()),
        ("profile", profile.display().to_string()),
        ("key", key.display().to_string()),
        ("user", user),
    ]
    .iter()
    .fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), &xml_text(value)))
}

/// One word of a command line in a unit: in quotation marks, without what systemd would put in the place of something.
fn unit_word(path: &Path) -> String {
    let text = path.display().to_string();
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    format!("\"{text}\"")
}

fn xml_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A key as the vault's help says to make one, for this user alone.
fn make_key(file: &Path) -> io::Result<()> {
    let bytes: [u8; 32] = rand::random();
    let text = zeroize::Zeroizing::new(base64::engine::general_purpose::STANDARD.encode(bytes) + "\n");
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(file)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    file.sync_all()
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    if cfg!(windows) {
        // The task scheduler takes what its own export writes.
        let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
        return fs::write(file, units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
    }
    fs::write(file, text)
}

/// Where this user's settings lie.
fn settings_folder() -> anyhow::Result<PathBuf> {
    let of = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = if cfg!(windows) {
        of("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        env::home_dir().map(|home| home.join("Library/Application Support"))
    } else {
        of("XDG_CONFIG_HOME").or_else(|| Some(env::home_dir()?.join(".config")))
    };
    folder.context("This user has no home folder; name the key's place with --vault-key-file FILE")
}

/// Where the definition stands. Windows copies it into a place of its own.
fn definition_file(profile: &Path) -> anyhow::Result<PathBuf> {
    Ok(if cfg!(windows) {
        profile.join("skrynka-listen.xml")
    } else if cfg!(target_os = "macos") {
        let home = env::home_dir().context("This user has no home folder")?;
        home.join("Library/LaunchAgents").join(NAME).with_extension("listen.plist")
    } else {
        settings_folder()?.join("systemd/user").join(NAME)
    })
}

type Words = Vec<String>;

fn words(words: &[&str]) -> Words {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn start_commands(file: &Path) -> anyhow::Result<Vec<Words>> {
    let path = file.display().to_string();
    Ok(if cfg!(windows) {
        vec![
            words(&["schtasks", "/Create", "/F", "/TN", NAME, "/XML", &path]),
            words(&["schtasks", "/Run", "/TN", NAME]),
        ]
    } else if cfg!(target_os = "macos") {
        vec![words(&["launchctl", "bootstrap", &launch_domain()?, &path])]
    } else {
        vec![
            words(&["systemctl", "--user", "daemon-reload"]),
            words(&["systemctl", "--user", "enable", NAME]),
            words(&["systemctl", "--user", "restart", NAME]),
        ]
    })
}

fn stop_commands() -> anyhow::Result<Vec<Words>> {
    Ok(if cfg!(windows) {
        vec![words(&["schtasks", "/Delete", "/F", "/TN", NAME])]
    } else if cfg!(target_os = "macos") {
        vec![words(&["launchctl", "bootout", &format!("{}/{NAME}", launch_domain()?)])]
    } else {
        vec![words(&["systemctl", "--user", "disable", "--now", NAME])]
    })
}

fn status_command() -> Words {
    if cfg!(windows) {
        words(&["schtasks", "/Query", "/TN", NAME])
    } else if cfg!(target_os = "macos") {
        words(&["launchctl", "list", NAME])
    } else {
        words(&["systemctl", "--user", "is-active", NAME])
    }
}

/// The part of launchd that belongs to this user.
fn launch_domain() -> anyhow::Result<String> {
    let id = Command::new("id").arg("-u").output().context("id could not be started")?;
    Ok(format!("gui/{}", String::from_utf8_lossy(&id.stdout).trim()))
}

fn manage(command: &[String]) -> anyhow::Result<()> {
    let output = Command::new(&command[0]).args(&command[1..]).output();
    let output = output.with_context(|| format!("{} could not be started", command[0]))?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_out_of_a_unit_as_they_went_in() {
        let word = unit_word(Path::new("/дім/50 %/a\"b\\c$d"));
        assert_eq!(word, r#""/дім/50 %%/a\"b\\c$$d""#);
        assert_eq!(xml_text("C:\\Users\\R&D <x>"), "C:\\Users\\R&amp;D &lt;x&gt;");
    }

    #[test]
    fn every_place_of_a_definition_is_filled() {
        let text = fill(TEMPLATE, Path::new("/opt/skrynka"), Path::new("/data"), Path::new("/keys/vault"));
        for path in ["/opt/skrynka", "/data", "/keys/vault"] {
            assert!(text.contains(path), "{path} is missing in {text}");
        }
        assert!(!text.contains("{{") && !text.contains("%E"), "{text}");
    }
}
