//! Packages of the operating system: installed on Debian and Ubuntu, named elsewhere.

use std::{env, path::Path, process::Command};

use anyhow::{Result, bail};

use super::Need;

struct Package {
    need: Need,
    apt: &'static str,
    dnf: &'static str,
    pacman: &'static str,
    brew: &'static str,
    /// How to see without a package database that it is there.
    sign: Sign,
    why: &'static str,
}

enum Sign {
    Program(&'static str),
    Library(&'static str),
    File(&'static str),
}

#[rustfmt::skip] // One package, two lines.
const PACKAGES: &[Package] = &[
    Package { need: Need::App, apt: "libwebkit2gtk-4.1-dev", dnf: "webkit2gtk4.1-devel", pacman: "webkit2gtk-4.1", brew: "",
        sign: Sign::Library("webkit2gtk-4.1"), why: "the window" },
    Package { need: Need::App, apt: "gstreamer1.0-plugins-good", dnf: "gstreamer1-plugins-good", pacman: "gst-plugins-good", brew: "",
        sign: Sign::File("/usr/lib/x86_64-linux-gnu/gstreamer-1.0/libgstisomp4.so"), why: "plays voices and WebM in the window" },
    Package { need: Need::App, apt: "gstreamer1.0-libav", dnf: "gstreamer1-plugin-libav", pacman: "gst-libav", brew: "",
        sign: Sign::File("/usr/lib/x86_64-linux-gnu/gstreamer-1.0/libgstlibav.so"), why: "plays what phones film, H.264 with AAC" },
    Package { need: Need::App, apt: "build-essential", dnf: "gcc gcc-c++ make", pacman: "base-devel", brew: "",
        sign: Sign::Program("cc"), why: "the cryptography of TLS is partly C" },
    Package { need: Need::App, apt: "pkg-config", dnf: "pkgconf-pkg-config", pacman: "pkgconf", brew: "",
        sign: Sign::Program("pkg-config"), why: "finds the window's libraries" },
    Package { need: Need::Lab, apt: "dovecot-imapd", dnf: "dovecot", pacman: "dovecot", brew: "dovecot",
        sign: Sign::File("/usr/sbin/dovecot"), why: "the real IMAP server of tests and demo" },
    Package { need: Need::Lab, apt: "dovecot-lmtpd", dnf: "", pacman: "", brew: "",
        sign: Sign::File("/usr/sbin/dovecot"), why: "delivers mail to it" },
    Package { need: Need::Headless, apt: "xvfb", dnf: "xorg-x11-server-Xvfb", pacman: "xorg-server-xvfb", brew: "",
        sign: Sign::Program("Xvfb"), why: "a display in memory" },
    Package { need: Need::Headless, apt: "webkit2gtk-driver", dnf: "/usr/bin/WebKitWebDriver", pacman: "webkit2gtk-4.1", brew: "",
        sign: Sign::Program("WebKitWebDriver"), why: "presses the window's buttons" },
    Package { need: Need::Headless, apt: "xdotool", dnf: "xdotool", pacman: "xdotool", brew: "",
        sign: Sign::Program("xdotool"), why: "presses the keys in the system's own dialogs" },
    Package { need: Need::Headless, apt: "fonts-dejavu-core", dnf: "dejavu-sans-fonts", pacman: "ttf-dejavu", brew: "",
        sign: Sign::Program("Xvfb"), why: "letters in mails that name no font" },
    Package { need: Need::Tests, apt: "gnome-keyring", dnf: "gnome-keyring", pacman: "gnome-keyring", brew: "",
        sign: Sign::Program("gnome-keyring-daemon"), why: "the keyring that secrets are tested on" },
    Package { need: Need::Tests, apt: "libsecret-tools", dnf: "libsecret", pacman: "libsecret", brew: "",
        sign: Sign::Program("secret-tool"), why: "reads the keyring past the app" },
    Package { need: Need::Tests, apt: "dbus-daemon", dnf: "dbus-daemon", pacman: "dbus", brew: "",
        sign: Sign::Program("dbus-run-session"), why: "a bus for that keyring" },
    Package { need: Need::Tests, apt: "dunst", dnf: "dunst", pacman: "dunst", brew: "",
        sign: Sign::Program("dunst"), why: "shows the notices that are tested" },
    Package { need: Need::Tests, apt: "libglib2.0-bin", dnf: "glib2", pacman: "glib2", brew: "",
        sign: Sign::Program("gdbus"), why: "presses the tray's menu" },
    Package { need: Need::Tests, apt: "python3-dbus", dnf: "python3-dbus", pacman: "python-dbus", brew: "",
        sign: Sign::File("/usr/lib/python3/dist-packages/dbus/__init__.py"), why: "the tray of that desktop" },
    Package { need: Need::Tests, apt: "python3-gi", dnf: "python3-gobject", pacman: "python-gobject", brew: "",
        sign: Sign::File("/usr/lib/python3/dist-packages/gi/__init__.py"), why: "waits for it" },
    Package { need: Need::Tests, apt: "libayatana-appindicator3-1", dnf: "libayatana-appindicator-gtk3", pacman: "libayatana-appindicator", brew: "",
        sign: Sign::File("/usr/lib/x86_64-linux-gnu/libayatana-appindicator3.so.1"), why: "the icon in the tray" },
    Package { need: Need::Tests, apt: "openssl", dnf: "openssl", pacman: "openssl", brew: "openssl",
        sign: Sign::Program("openssl"), why: "another program's view of our TLS" },
    Package { need: Need::Tests, apt: "python3", dnf: "python3", pacman: "python", brew: "python",
        sign: Sign::Program("python3"), why: "another program's view of our mails" },
    Package { need: Need::Tests, apt: "opus-tools", dnf: "opus-tools", pacman: "opus-tools", brew: "opus-tools",
        sign: Sign::Program("opusdec"), why: "plays the voices that were recorded here" },
    Package { need: Need::Tests, apt: "python3-venv", dnf: "python3", pacman: "python", brew: "python",
        sign: Sign::Program("python3"), why: "room for Telethon and psycopg, other programs' views of our test DC and of old databases" },
    Package { need: Need::Tests, apt: "chromium", dnf: "chromium", pacman: "chromium", brew: "--cask chromium",
        sign: Sign::Program("chromium"), why: "a browser for the tests of the screens" },
    Package { need: Need::Peers, apt: "isync", dnf: "isync", pacman: "isync", brew: "isync",
        sign: Sign::Program("mbsync"), why: "mbsync, which the first sync is compared with" },
    Package { need: Need::Peers, apt: "python3-venv", dnf: "python3", pacman: "python", brew: "python",
        sign: Sign::Program("python3"), why: "room for Telethon, which Telegram is compared with" },
    Package { need: Need::Peers, apt: "postgresql-client", dnf: "postgresql", pacman: "postgresql", brew: "libpq",
        sign: Sign::Program("psql"), why: "fills the old CRM's database that is taken over" },
    Package { need: Need::Peers, apt: "lnav", dnf: "lnav", pacman: "lnav", brew: "lnav",
        sign: Sign::Program("lnav"), why: "what the log's index is compared with" },
    Package { need: Need::Peers, apt: "ripgrep", dnf: "ripgrep", pacman: "ripgrep", brew: "ripgrep",
        sign: Sign::Program("rg"), why: "what searches of the log are compared with" },
    Package { need: Need::Package, apt: "libayatana-appindicator3-dev", dnf: "libayatana-appindicator-gtk3-devel", pacman: "libayatana-appindicator", brew: "",
        sign: Sign::Library("ayatana-appindicator3-0.1"), why: "tells the bundler what the tray's icon depends on" },
    Package { need: Need::Package, apt: "rpm", dnf: "rpm", pacman: "rpm-tools", brew: "",
        sign: Sign::Program("rpm"), why: "another program's view of the rpm" },
    Package { need: Need::Package, apt: "debootstrap", dnf: "", pacman: "", brew: "",
        sign: Sign::Program("debootstrap"), why: "a clean system to try the package on" },
    Package { need: Need::Package, apt: "systemd", dnf: "systemd", pacman: "systemd", brew: "",
        sign: Sign::Program("systemd-analyze"), why: "reads the units" },
];

/// Installs as root. Dovecot's package would start a server on this machine's own mail ports.
const INSTALL: &str = r#"
set -e
case " $* " in *" dovecot-"*)
  if [ -d /run/systemd/system ]; then
    systemctl mask dovecot.service dovecot.socket
  elif [ ! -e /usr/sbin/policy-rc.d ]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
  fi
esac
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq install --yes --no-install-recommends "$@" >/dev/null
"#;

/// Makes sure that the packages for `needs` are there.
pub(super) fn provide(needs: &[Need]) -> Result<()> {
    let wanted: Vec<&Package> = PACKAGES.iter().filter(|package| needs.contains(&package.need)).collect();
    if has_apt() {
        return install_with_apt(&wanted);
    }
    let missing: Vec<&Package> = wanted.into_iter().filter(|package| !is_seen(&package.sign)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    bail!("These packages are missing. Install them and try again:\n  {}", line_to_paste(&missing))
}

pub(super) fn has_apt() -> bool {
    finds("apt-get") && finds("dpkg-query")
}

/// Returns whether a program stands in the PATH.
pub(super) fn finds(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn install_with_apt(wanted: &[&Package]) -> Result<()> {
    let missing: Vec<&&Package> = wanted.iter().filter(|package| !is_installed(package)).collect();
    if missing.is_empty() {
        println!("   All {} packages are there", wanted.len());
        return Ok(());
    }
    println!("   Going to install with apt-get:");
    for package in &missing {
        println!("     {:24} {}", package.apt, package.why);
    }
    let names: Vec<&str> = missing.iter().map(|package| package.apt).collect();
    if names.iter().any(|name| name.starts_with("dovecot")) {
        println!("   Dovecot's own service is masked: only tests and demo start it, on ports of their own.");
        println!("   (`systemctl unmask dovecot.service dovecot.socket` undoes that.)");
    }
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !root && !finds("sudo") {
        bail!(
            "Not root, and there is no sudo. As root, run:\n  apt-get install --no-install-recommends {}",
            names.join(" ")
        );
    }
    let mut command = Command::new(if root { "sh" } else { "sudo" });
    if !root {
        command.arg("sh");
    }
    println!("   $ {}apt-get install --no-install-recommends {}", if root { "" } else { "sudo " }, names.join(" "));
    let status = command.args(["-c", INSTALL, "install"]).args(&names).status()?;
    if !status.success() {
        bail!("apt-get ended with {status}");
    }
    Ok(())
}

fn is_installed(package: &Package) -> bool {
    // Ubuntu has Chromium as a snap, others bring Chrome: any of them will do.
    if package.apt == "chromium" && ["chromium", "chromium-browser", "google-chrome"].iter().any(|name| finds(name)) {
        return true;
    }
    let output = Command::new("dpkg-query").args(["-W", "-f", "${db:Status-Status}", package.apt]).output();
    output.is_ok_and(|output| output.stdout == b"installed")
}

fn is_seen(sign: &Sign) -> bool {
    match sign {
        Sign::Program(name) => finds(name),
        Sign::File(path) => Path::new(path).exists(),
        Sign::Library(name) => {
            !cfg!(target_os = "linux")
                || Command::new("pkg-config").args(["--exists", name]).status().is_ok_and(|status| status.success())
        }
    }
}

fn line_to_paste(missing: &[&Package]) -> String {
    let names = |of: fn(&Package) -> &'static str| {
        let mut names: Vec<&str> = missing.iter().map(|package| of(package)).filter(|name| !name.is_empty()).collect();
        names.dedup();
        names.join(" ")
    };
    if cfg!(target_os = "macos") {
        format!("xcode-select --install; brew install {}", names(|package| package.brew))
    } else if cfg!(windows) {
        "winget install Microsoft.VisualStudio.2022.BuildTools Microsoft.EdgeWebView2Runtime\n  \
         (the lab's servers run on Linux only: use WSL for tests and demo)"
            .to_owned()
    } else if finds("pacman") {
        format!("sudo pacman -S --needed {}", names(|package| package.pacman))
    } else {
        format!("sudo dnf install {}", names(|package| package.dnf))
    }
}
