//! The connection test: step by step, with times, what was found, and the server's own words where it refuses.
//!
//! Nothing is changed on any server: folders are opened for reading, SMTP is signed in to and left.

mod diagnose;
mod estimate;
mod find;
mod imap;
mod smtp;
mod spoken;

use std::time::{Duration, Instant};

use secrecy::SecretString;
use skrynka_core::model::{EmailSettings, Trouble};

pub use self::{
    estimate::{Estimate, estimate},
    find::find,
};
use crate::tuning::Tuning;

/// A step of the test, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepName {
    /// Finds the addresses of the IMAP server.
    Resolve,
    /// Connects to one of them.
    Connect,
    /// Encrypts the connection and checks the certificate.
    Tls,
    /// Signs in.
    SignIn,
    /// Lists the folders and opens INBOX.
    Folders,
    /// Waits for news for a moment, as the listener does all day.
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

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepState {
    /// Under way.
    Running,
    /// Passed.
    Passed,
    /// Passed, with something to know.
    Warned,
    /// Failed; nothing after it is tried.
    Failed,
    /// Not needed here.
    Skipped,
}

impl StepState {
    /// The word the window and the command line use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Passed => "passed",
            Self::Warned => "warned",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// A step as it begins or ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which one.
    pub name: StepName,
    /// Where it stands.
    pub state: StepState,
    /// How long it took; `None` while it runs.
    pub took: Option<Duration>,
    /// One technical line: what was found, or what is being tried.
    pub detail: String,
    /// Why it failed; its detail is the server's own reply where it gave one.
    pub trouble: Option<Trouble>,
}

/// Tests settings against the real servers. Each step is told as it begins and as it ends. No single answer is
/// waited for longer than 15 seconds.
///
/// # Errors
/// The trouble of the first step that failed. One refused password is enough: a person has just typed it.
pub async fn test(
    settings: &EmailSettings,
    password: &SecretString,
    on_step: &mut (dyn FnMut(Step) + Send),
) -> Result<(), Trouble> {
    test_within(settings, password, &limits(), on_step).await
}

/// The same within other limits.
///
/// # Errors
/// As [`test`].
pub async fn test_within(
    settings: &EmailSettings,
    password: &SecretString,
    tuning: &Tuning,
    on_step: &mut (dyn FnMut(Step) + Send),
) -> Result<(), Trouble> {
    let mut steps = Steps { settings, password, tuning, on_step };
    Box::pin(steps.imap()).await?;
    Box::pin(steps.smtp()).await
}

/// How long a person who watches is kept waiting for one answer.
fn limits() -> Tuning {
    Tuning {
        connect: Duration::from_secs(10),
        command: Duration::from_secs(12),
        silence: Duration::from_secs(15),
        ..Tuning::default()
    }
}

/// What a step found.
#[derive(Debug)]
struct Found {
    state: StepState,
    detail: String,
}

impl Found {
    fn passed(detail: impl Into<String>) -> Self {
        Self { state: StepState::Passed, detail: detail.into() }
    }

    fn warned(detail: impl Into<String>) -> Self {
        Self { state: StepState::Warned, detail: detail.into() }
    }
}

/// A running test.
struct Steps<'a> {
    settings: &'a EmailSettings,
    password: &'a SecretString,
    tuning: &'a Tuning,
    on_step: &'a mut (dyn FnMut(Step) + Send),
}

impl Steps<'_> {
    async fn smtp(&mut self) -> Result<(), Trouble> {
        let (settings, password, tuning) = (self.settings, self.password, self.tuning);
        let work = async {
            match smtp::sign_in(settings, password, tuning).await {
                Ok(found) => Ok((Found::passed(format!("{}, {found}", settings.smtp)), ())),
                Err(error) => {
                    let error = diagnose::explained(error, &settings.smtp, settings.smtp_security, tuning).await;
                    Err(spoken::smtp(&error, settings, password))
                }
            }
        };
        self.step(StepName::Smtp, settings.smtp.to_string(), work).await
    }

    /// Runs a step and gives back what the next one needs.
    async fn step<T>(
        &mut self,
        name: StepName,
        trying: String,
        work: impl Future<Output = Result<(Found, T), Trouble>> + Send,
    ) -> Result<T, Trouble> {
        self.tell(Step { name, state: StepState::Running, took: None, detail: trying.clone(), trouble: None });
        let begun = Instant::now();
        let outcome = work.await;
        let took = Some(begun.elapsed());
        match outcome {
            Ok((Found { state, detail }, needed)) => {
                self.tell(Step { name, state, took, detail, trouble: None });
                Ok(needed)
            }
            Err(trouble) => {
                let told = Some(trouble.clone());
                self.tell(Step { name, state: StepState::Failed, took, detail: trying, trouble: told });
                Err(trouble)
            }
        }
    }

    fn skipped(&mut self, name: StepName, why: &str) {
        let took = Some(Duration::ZERO);
        self.tell(Step { name, state: StepState::Skipped, took, detail: why.to_owned(), trouble: None });
    }

    fn tell(&mut self, step: Step) {
        if let Some(took) = step.took {
            let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            let trouble = step.trouble.as_ref().map(|trouble| trouble.code.as_str());
            tracing::info!(
                target: "skrynka::email",
                step = step.name.as_str(), state = step.state.as_str(), ms, trouble, "Connection tested"
            );
        }
        (self.on_step)(step);
    }
}
