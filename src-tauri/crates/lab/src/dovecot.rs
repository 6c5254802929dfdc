//! A real Dovecot 2.3, as root or as an ordinary user.
//!
//! Dovecot tells a waiting IDLE of new mail about 500 ms after it was stored. The delay is compiled in
//! (`NOTIFY_DELAY_MSECS` of its `mailbox-watch.c`), no setting changes it. Measure a client's own latency from the
//! server's words on the wire, and not from the delivery.

mod config;
mod control;
mod maildir;

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

pub use self::maildir::StoredMail;
use crate::{
    authority::{Authority, Certificate},
    folder::{Folder, Running},
    imap::Imap,
    ports,
};

const START_DEADLINE: Duration = Duration::from_secs(20);
const BINARY: &str = "/usr/sbin/dovecot";

/// What a test may want different from an ordinary server.
#[derive(Debug, Clone)]
pub struct Options {
    /// Connections that one user may hold at once (`mail_max_userip_connections`).
    pub connections_per_user: u32,
    /// Capabilities that are not offered, such as `IDLE` or `CONDSTORE`. The commands behind them still work.
    pub without: Vec<&'static str>,
    /// The certificate that TLS shows.
    pub certificate: Certificate,
    /// The room of each mailbox in KiB; `None`: the server has no limit and tells none.
    pub quota: Option<u32>,
    /// Where to ask whose an access token is ([`crate::Oauth2::introspection`]); without it no tokens are taken.
    pub introspection: Option<String>,
    /// The SASL mechanisms that carry tokens, where they are taken.
    pub token_mechanisms: Vec<&'static str>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connections_per_user: 50,
            without: Vec::new(),
            certificate: Certificate::Valid,
            quota: None,
            introspection: None,
            token_mechanisms: vec!["xoauth2", "oauthbearer"],
        }
    }
}

/// A running server with its own folder, ports and certificate authority. Dropping it removes everything.
pub struct Dovecot {
    server: Mutex<Option<Running>>,
    folder: Folder,
    authority: Authority,
    options: Options,
    ports: Ports,
    owner: Owner,
}

#[derive(Clone, Copy)]
struct Ports {
    imap: u16,
    imaps: u16,
    lmtp: u16,
}

impl Ports {
    fn free() -> Result<Self> {
        let [imap, imaps, lmtp] = ports::free()?;
        Ok(Self { imap, imaps, lmtp })
    }
}

/// Who owns the mail files: a uid of its own under root, otherwise whoever runs the lab.
#[derive(Clone, Copy)]
struct Owner {
    uid: u32,
    gid: u32,
    is_root: bool,
}

impl Owner {
    /// A uid that has no account; Dovecot refuses to store mail as root.
    const UNDER_ROOT: u32 = 5000;

    fn current() -> Self {
        if rustix::process::geteuid().is_root() {
            return Self { uid: Self::UNDER_ROOT, gid: Self::UNDER_ROOT, is_root: true };
        }
        let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
        Self { uid: uid.as_raw(), gid: gid.as_raw(), is_root: false }
    }
}

impl Dovecot {
    /// Starts a server and waits until it greets. It has no users; see [`Dovecot::add_user`].
    pub fn start(options: Options) -> Result<Self> {
        Self::start_with(options, Authority::new()?)
    }

    /// Starts a server whose certificate comes from an authority that signs others, too.
    pub fn start_with(options: Options, authority: Authority) -> Result<Self> {
        check_version()?;
        let folder = Folder::new()?;
        let owner = Owner::current();
        for name in ["run", "state", "users", "mail"] {
            fs::create_dir(folder.path().join(name)).with_context(|| format!("Failed to make the {name} folder"))?;
        }
        if owner.is_root {
            std::os::unix::fs::chown(folder.path().join("mail"), Some(owner.uid), Some(owner.gid))
                .context("Failed to give the mail folder away")?;
        }
        let identity = authority.issue(options.certificate)?;
        folder.write("server.pem", identity.certificate)?;
        folder.write("server.key", identity.key)?;
        folder.write("authority.pem", authority.pem())?;
        let ports = Ports::free()?;
        let mut dovecot = Self { server: Mutex::default(), folder, authority, options, ports, owner };
        for _ in 0..3 {
            match dovecot.configure().and_then(|()| dovecot.launch(Duration::ZERO)) {
                Err(_) if dovecot.log().contains("Address already in use") => dovecot.ports = Ports::free()?,
                Err(error) => return Err(error),
                Ok(()) => return Ok(dovecot),
            }
        }
        bail!("Other programs took the lab's ports three times")
    }

    /// Returns the address for plain IMAP and STARTTLS.
    pub fn imap(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports.imap).into()
    }

    /// Returns the address for IMAP inside TLS.
    pub fn imaps(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports.imaps).into()
    }

    /// Returns the address for LMTP, which takes mail for every user without asking.
    pub fn lmtp(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports.lmtp).into()
    }

    /// Returns the certificate of the authority that signed the server's, as PEM.
    pub fn ca_pem(&self) -> &str {
        self.authority.pem()
    }

    /// Returns a file that holds [`Dovecot::ca_pem`].
    pub fn ca_file(&self) -> std::path::PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// Returns what the server has logged.
    pub fn log(&self) -> String {
        fs::read(self.folder.path().join("dovecot.log"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Stops every process in its tracks: connections stay open and nothing answers.
    pub fn pause(&self) -> Result<()> {
        self.server().as_ref().context("Dovecot is not running")?.pause()
    }

    /// Lets a paused server go on.
    pub fn resume(&self) -> Result<()> {
        self.server().as_ref().context("Dovecot is not running")?.resume()
    }

    /// Kills every process at once, as a power cut would.
    pub fn kill(&self) -> Result<()> {
        match self.server().take() {
            Some(mut running) => running.kill(),
            None => Ok(()),
        }
    }

    /// Ends the server in good order.
    pub fn stop(&self) -> Result<()> {
        match self.server().take() {
            Some(mut running) => running.stop(),
            None => Ok(()),
        }
    }

    /// Starts the server again on the same ports with the same mail. Kills it first where it still runs.
    pub fn restart(&self) -> Result<()> {
        self.kill()?;
        self.launch(START_DEADLINE / 2)
    }

    /// Shows another certificate from the same authority. The server is started again with it.
    pub fn set_certificate(&self, kind: Certificate) -> Result<()> {
        let identity = self.authority.issue(kind)?;
        self.folder.write("server.pem", identity.certificate)?;
        self.folder.write("server.key", identity.key)?;
        self.restart()
    }

    fn server(&self) -> MutexGuard<'_, Option<Running>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn configure(&self) -> Result<()> {
        if let Some(introspection) = &self.options.introspection {
            self.folder.write("oauth2.conf.ext", config::oauth2(introspection))?;
        }
        let text = config::text(self.folder.path(), &self.options, self.ports, self.owner)?;
        self.folder.write("dovecot.conf", text).map(drop)
    }

    /// Starts the processes and waits for the greeting. For as long as `patience`, a server that ends is started
    /// again: the dying processes of its predecessor may still hold the ports.
    fn launch(&self, patience: Duration) -> Result<()> {
        let begun = Instant::now();
        let _stale = fs::remove_file(self.folder.path().join("run/master.pid"));
        let mut running = self.spawn()?;
        while Imap::connect(self.imap()).is_err() {
            if running.has_ended() {
                if begun.elapsed() > patience {
                    bail!("Dovecot ended; its log says:\n{}", self.log());
                }
                running = self.spawn()?;
            }
            if begun.elapsed() > START_DEADLINE {
                bail!("Dovecot did not greet within {START_DEADLINE:?}; its log says:\n{}", self.log());
            }
            thread::sleep(Duration::from_millis(5));
        }
        *self.server() = Some(running);
        Ok(())
    }

    fn spawn(&self) -> Result<Running> {
        let mut command = Command::new(BINARY);
        command.arg("-F").arg("-c").arg(self.config());
        self.folder.spawn(command.stdout(Stdio::null()).stderr(Stdio::null()))
    }

    fn config(&self) -> std::path::PathBuf {
        self.folder.path().join("dovecot.conf")
    }
}

/// Dovecot 2.4 reads another kind of configuration file.
fn check_version() -> Result<()> {
    let output = Command::new(BINARY)
        .arg("--version")
        .output()
        .context("Dovecot is missing; `cargo xtask test` installs it (Debian: dovecot-imapd dovecot-lmtpd)")?;
    let version = String::from_utf8_lossy(&output.stdout);
    if !version.starts_with("2.3.") {
        bail!("The lab knows Dovecot 2.3, this is {}", version.trim());
    }
    Ok(())
}
