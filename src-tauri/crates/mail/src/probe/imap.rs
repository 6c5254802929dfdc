//! The steps on the IMAP server.

use secrecy::SecretString;
use skrynka_core::model::{Security, Trouble};

use super::{Found, StepName, Steps, diagnose, spoken};
use crate::{
    connect::{self, Greeted, tls::TlsFacts},
    error::{MailError, Result},
    folder::{INBOX, display_name, named_folder, sent_folder},
    session::{Session, Step},
    wire::reply::Reply,
};

/// Capabilities worth naming: with them changes are listed instead of compared.
const NAMED: [&str; 4] = ["UIDPLUS", "CONDSTORE", "QRESYNC", "COMPRESS=DEFLATE"];
/// Names of a certificate that are shown.
const NAMES: usize = 3;

impl Steps<'_> {
    pub(super) async fn imap(&mut self) -> std::result::Result<(), Trouble> {
        let greeted = self.reached().await?;
        let (settings, password, tuning) = (self.settings, self.password, self.tuning);
        let work = async {
            let session = connect::sign_in::sign_in(greeted, &settings.user, password, tuning).await;
            let session = session.map_err(|error| spoken::imap(&error, settings, password))?;
            Ok((Found::passed(settings.user.clone()), session))
        };
        let mut session = self.step(StepName::SignIn, settings.user.clone(), work).await?;
        let outcome = self.looked_at(&mut session, password).await;
        session.log_out().await;
        outcome
    }

    /// Resolve, connect, encrypt.
    async fn reached(&mut self) -> std::result::Result<Greeted, Trouble> {
        let (settings, password, tuning) = (self.settings, self.password, self.tuning);
        let server = &settings.imap;
        let spoken = |error: MailError| spoken::imap(&error, settings, password);
        let work = async {
            let addresses = connect::resolve(server, settings.imap_security, tuning).await.map_err(spoken)?;
            let shown: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
            Ok((Found::passed(format!("{} → {}", server.host, shown.join(", "))), addresses))
        };
        let addresses = self.step(StepName::Resolve, server.host.clone(), work).await?;
        if settings.imap_security == Security::LoopbackPlain {
            let work = async {
                let (tcp, peer) = connect::dial(server, &addresses, tuning.connect).await.map_err(spoken)?;
                let greeted = connect::greet(tcp, settings, tuning).await.map_err(spoken)?;
                Ok((Found::passed(peer.to_string()), greeted))
            };
            let greeted = self.step(StepName::Connect, server.to_string(), work).await?;
            self.skipped(StepName::Tls, "the connection does not leave this computer");
            return Ok(greeted);
        }
        let work = async {
            let (tcp, peer) = connect::dial(server, &addresses, tuning.connect).await.map_err(spoken)?;
            Ok((Found::passed(peer.to_string()), tcp))
        };
        let tcp = self.step(StepName::Connect, server.to_string(), work).await?;
        let work = async {
            match connect::greet(tcp, settings, tuning).await {
                Ok(greeted) => Ok((Found::passed(greeted.tls.as_ref().map(described).unwrap_or_default()), greeted)),
                Err(error) => Err(spoken(diagnose::explained(error, server, settings.imap_security, tuning).await)),
            }
        };
        self.step(StepName::Tls, server.host.clone(), work).await
    }

    /// What a signed-in session shows.
    async fn looked_at(&mut self, session: &mut Session, password: &SecretString) -> std::result::Result<(), Trouble> {
        let settings = self.settings;
        let work = async {
            let found = folders(session, &settings.folders).await;
            Ok((found.map_err(|error| spoken::imap(&error, settings, password))?, ()))
        };
        self.step(StepName::Folders, INBOX.to_owned(), work).await?;
        let work = async {
            let found = idle(session).await;
            Ok((found.map_err(|error| spoken::imap(&error, settings, password))?, ()))
        };
        self.step(StepName::Idle, "IDLE".to_owned(), work).await
    }
}

/// An encrypted connection in one line.
pub(super) fn described(facts: &TlsFacts) -> String {
    let version = facts.version.replace("TLSv1_", "TLS 1.");
    let names: Vec<&str> = facts.names.iter().take(NAMES).map(String::as_str).collect();
    let more = if facts.names.len() > NAMES { ", …" } else { "" };
    format!("{version}, {}{more}, valid until {}, chain verified", names.join(", "), facts.expires.date())
}

/// Counts what the listener would read: INBOX, the Sent folder, and the chosen ones.
async fn folders(session: &mut Session, chosen: &[String]) -> Result<Found> {
    let listed = session.folders().await?;
    session.examine(INBOX).await?;
    let mut found = vec![format!("{INBOX} {}", session.selected.exists)];
    let mut missing = Vec::new();
    let sent = sent_folder(&listed);
    if sent.is_none() {
        missing.push("no Sent folder".to_owned());
    }
    let mut names: Vec<&str> = sent.iter().map(|folder| folder.name.as_str()).collect();
    for name in chosen {
        match named_folder(&listed, name) {
            Some(folder) => names.push(&folder.name),
            None => missing.push(format!("no folder {:?}", display_name(name))),
        }
    }
    for name in names {
        let items = session.status(name).await?;
        let messages = items.iter().find(|(item, _)| item == "MESSAGES").map_or(0, |(_, count)| *count);
        found.push(format!("{} {messages}", display_name(name)));
    }
    let able: Vec<&str> = NAMED.into_iter().filter(|name| session.capabilities.has(name)).collect();
    if !able.is_empty() {
        found.push(able.join(" "));
    }
    let detail = found.join(", ");
    Ok(if missing.is_empty() {
        Found::passed(detail)
    } else {
        Found::warned(format!("{}; {detail}", missing.join(", ")))
    })
}

/// Begins to wait for news and ends it at once.
async fn idle(session: &mut Session) -> Result<Found> {
    let every = session.tuning.poll.as_secs();
    if !session.capabilities.has("IDLE") {
        return Ok(Found::warned(format!("no IDLE; asked for new mail every {every} s")));
    }
    let deadline = session.tuning.command;
    let sent = session.send("IDLE").await?;
    loop {
        match session.step(&sent, "wait for news", deadline).await {
            Ok(Step::Reply(Reply::Continue)) => break,
            Ok(Step::Reply(_)) => {}
            Ok(Step::Done(_)) | Err(MailError::Refused { .. }) => {
                return Ok(Found::warned(format!("IDLE is offered and refused; asked for new mail every {every} s")));
            }
            Err(other) => return Err(other),
        }
    }
    session.send_line("DONE").await?;
    while let Step::Reply(_) = session.step(&sent, "end the wait", deadline).await? {}
    Ok(Found::passed("IDLE"))
}
