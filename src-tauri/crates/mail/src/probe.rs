//! The connection test: every step by itself, with its time, what was found, and the server's own words when it fails.

mod diagnose;
mod estimate;
mod find;
mod spoken;

use std::time::{Duration, Instant};

use skrynka_core::model::{EmailSettings, Trouble};
use time::OffsetDateTime;

pub use self::{
    estimate::{Estimate, estimate},
    find::find,
};
pub use crate::connect::tls::TlsFacts;
use crate::{
    connect::{
        self,
        access::{Credential, Proof},
    },
    error::{MailError, Result, within},
    folder::{display_name, sent_folder},
    session::{self, Session},
    smtp,
    tuning::Tuning,
    wire::reply::Reply,
};

/// The longest a step of several answers takes.
const STEP: Duration = Duration::from_secs(30);
/// The longest the whole conversation with the SMTP server takes.
const SMTP: Duration = Duration::from_secs(45);

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepName {
    /// Finds the addresses of the IMAP server.
    Resolve,
    /// Connects to one of them.
    Connect,
    /// Encrypts the connection and checks the certificate.
    Tls,
    /// Signs in.
    SignIn,
    /// Lists the folders.
    Folders,
    /// Looks whether the server tells of new mail by itself.
    Idle,
    /// Connects and signs in to the SMTP server.
    Smtp,
}

impl StepName {
    /// The word the window and the command line use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::SignIn => "sign_in",
            Self::Folders => "folders",
            Self::Idle => "idle",
            Self::Smtp => "smtp",
        }
    }
}

/// What a step found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The server's addresses.
    Addresses(Vec<String>),
    /// The address that answered.
    Peer(String),
    /// The encrypted connection; `None` for plain text on this computer.
    Tls(Option<TlsFacts>),
    /// Signed in.
    SignedIn,
    /// The folders of the mailbox.
    Folders {
        /// Their names as people read them.
        names: Vec<String>,
        /// The one that holds sent mail.
        sent: Option<String>,
    },
    /// Whether new mail is told at once (IDLE), or has to be asked for every minute.
    Idle(bool),
    /// SMTP accepted the sign-in.
    Smtp(Option<TlsFacts>),
}

/// One finished step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which one.
    pub name: StepName,
    /// How long it took.
    pub took: Duration,
    /// What it found, or what went wrong; the trouble's detail holds the server's own reply.
    pub outcome: std::result::Result<Finding, Trouble>,
}

/// The whole test.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TestReport {
    /// The steps that were made, in order; after a failed IMAP step only SMTP is still tried.
    pub steps: Vec<Step>,
    /// Bytes of a mail that the submission server takes, where it said so.
    pub takes: Option<u64>,
}

impl TestReport {
    /// Whether every step succeeded.
    pub fn passed(&self) -> bool {
        self.steps.iter().all(|step| step.outcome.is_ok())
    }

    /// Whether mail can be read, whatever SMTP says.
    pub fn reads(&self) -> bool {
        self.steps.iter().filter(|step| step.name != StepName::Smtp).all(|step| step.outcome.is_ok())
    }

    /// What went wrong first.
    pub fn trouble(&self) -> Option<&Trouble> {
        self.steps.iter().find_map(|step| step.outcome.as_ref().err())
    }
}

/// Tests the settings against the real servers. Changes nothing there. Each step is told to `on_step` as it ends.
///
/// A token that has ended is made anew: the credential has to be kept as it is left. One refused sign-in is final here: a
/// person has just typed the password. No single answer is waited for longer
/// than 12 seconds, and no step takes longer than 45, however long `tuning` allows.
pub async fn test(
    settings: &EmailSettings,
    credential: &mut Credential,
    tuning: &Tuning,
    now: OffsetDateTime,
    on_step: &mut (dyn FnMut(&Step) + Send),
) -> TestReport {
    let mut test = Test { report: TestReport::default(), on_step, proof: None };
    let tuning = &watched(tuning);
    // A failed step has been noted already; the ones that need it are left out.
    let _read = Box::pin(test.imap(settings, credential, tuning, now)).await;
    let started = Instant::now();
    let sent = async {
        if test.proof.is_none() {
            test.proof = Some(credential.proof(settings, None, tuning, now).await?);
        }
        match &test.proof {
            Some(proof) => smtp::sign_in(settings, proof, tuning).await,
            None => Err(MailError::NoPassword),
        }
    };
    let outcome = match within(SMTP, sent).await {
        Ok((facts, takes)) => {
            test.report.takes = takes;
            Ok((Finding::Smtp(facts), ()))
        }
        Err(error) => {
            let error = diagnose::explained(error, &settings.smtp, settings.smtp_security, tuning).await;
            Err(spoken::smtp(&error, settings, test.proof.as_ref()))
        }
    };
    let _sent = test.note(StepName::Smtp, started, outcome);
    test.report
}

/// The limits while a person watches: nobody waits half a minute for one answer.
fn watched(tuning: &Tuning) -> Tuning {
    let connect = tuning.connect.min(Duration::from_secs(10));
    let command = tuning.command.min(Duration::from_secs(12));
    Tuning { connect, command, ..tuning.clone() }
}

struct Test<'a> {
    report: TestReport,
    on_step: &'a mut (dyn FnMut(&Step) + Send),
    /// What signs in, once it is known.
    proof: Option<Proof>,
}

impl Test<'_> {
    async fn imap(
        &mut self,
        settings: &EmailSettings,
        credential: &mut Credential,
        tuning: &Tuning,
        now: OffsetDateTime,
    ) -> Option<()> {
        let spoken = |error: MailError| spoken::imap(&error, settings, None);
        let started = Instant::now();
        let found = connect::resolve(&settings.imap, settings.imap_security, tuning).await;
        let found = found.map(|found| (Finding::Addresses(found.iter().map(|a| a.ip().to_string()).collect()), found));
        let addresses = self.note(StepName::Resolve, started, found.map_err(spoken))?;

        let started = Instant::now();
        let dialled = connect::dial(&settings.imap, &addresses, tuning.connect).await;
        let dialled = dialled.map(|(tcp, peer)| (Finding::Peer(peer.to_string()), tcp));
        let tcp = self.note(StepName::Connect, started, dialled.map_err(spoken))?;

        let started = Instant::now();
        let greeted = match connect::greet(tcp, settings, tuning).await {
            Ok(greeted) => Ok((Finding::Tls(greeted.tls.clone()), greeted)),
            Err(error) => {
                let error = diagnose::explained(error, &settings.imap, settings.imap_security, tuning).await;
                Err(spoken(error))
            }
        };
        let greeted = self.note(StepName::Tls, started, greeted)?;

        let started = Instant::now();
        let session = match credential.proof(settings, None, tuning, now).await {
            Ok(proof) => {
                let session = connect::sign_in::sign_in(greeted, settings, &proof, tuning).await;
                let session = session.map_err(|error| spoken::imap(&error, settings, Some(&proof)));
                self.proof = Some(proof);
                session
            }
            Err(error) => Err(spoken(error)),
        };
        let session = session.map(|session| (Finding::SignedIn, session));
        let mut session = self.note(StepName::SignIn, started, session)?;

        let started = Instant::now();
        let listed = within(STEP, folders(&mut session)).await;
        let listed = listed.map_err(|error| spoken::imap(&error, settings, self.proof.as_ref()));
        let mut goes_on = self.note(StepName::Folders, started, listed.map(|finding| (finding, ())));
        if goes_on.is_some() {
            let started = Instant::now();
            let idle = within(STEP, idles(&mut session)).await;
            let idle = idle.map_err(|error| spoken::imap(&error, settings, self.proof.as_ref()));
            goes_on = self.note(StepName::Idle, started, idle.map(|idle| (Finding::Idle(idle), ())));
        }
        session.log_out().await;
        goes_on
    }

    /// Notes a step and gives back what the next one needs.
    fn note<T>(
        &mut self,
        name: StepName,
        started: Instant,
        outcome: std::result::Result<(Finding, T), Trouble>,
    ) -> Option<T> {
        let (outcome, needed) = match outcome {
            Ok((finding, needed)) => (Ok(finding), Some(needed)),
            Err(trouble) => (Err(trouble), None),
        };
        let step = Step { name, took: started.elapsed(), outcome };
        let ms = u64::try_from(step.took.as_millis()).unwrap_or(u64::MAX);
        let trouble = step.outcome.as_ref().err().map(|trouble| trouble.code.as_str());
        tracing::info!(target: "skrynka::email", step = name.as_str(), ms, trouble, "Connection tested");
        (self.on_step)(&step);
        self.report.steps.push(step);
        needed
    }
}

async fn folders(session: &mut Session) -> Result<Finding> {
    let listed = session.folders().await?;
    session.examine(crate::folder::INBOX).await?;
    let sent = sent_folder(&listed).map(|folder| display_name(&folder.name));
    let names = listed.iter().filter(|folder| !folder.unselectable).map(|folder| display_name(&folder.name)).collect();
    Ok(Finding::Folders { names, sent })
}

/// Begins to wait for news and ends it at once: what is offered is not always granted.
async fn idles(session: &mut Session) -> Result<bool> {
    if !session.capabilities.has("IDLE") {
        return Ok(false);
    }
    let deadline = session.tuning.command;
    let sent = session.send("IDLE").await?;
    loop {
        match session.step(&sent, "wait for news", deadline).await {
            Ok(session::Step::Reply(Reply::Continue(_))) => break,
            Ok(session::Step::Reply(_)) => {}
            Ok(session::Step::Done(_)) | Err(MailError::Refused { .. }) => return Ok(false),
            Err(other) => return Err(other),
        }
    }
    session.send_line("DONE").await?;
    while let session::Step::Reply(_) = session.step(&sent, "end the wait", deadline).await? {}
    Ok(true)
}
