//! Taking over as the window does it: one at a time, step by step. It goes on when the page is left or reloaded, and what
//! a person said of the old system, its password among it, is in memory until they have done.

use std::{
    panic::AssertUnwindSafe,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::FutureExt as _;
use secrecy::SecretString;
use skrynka_core::{
    adopt::{AdoptError, Adoption, Phase, Progress, Report},
    chain,
    postgres::{PostgresError, ServerUrl},
    profile::AdoptionSettings,
    store::{Came, StoreError},
};
use tokio_util::sync::CancellationToken;

use super::{Handover, HandoverState, Source, Walk, add_colleagues, empty_old, hand_over, know_colleagues};
use crate::{
    commands::file_error,
    desk::{Desk, Office},
    wire::{
        AdoptionChanged, AdoptionForm, AdoptionPhase, AdoptionProgress, AdoptionReport, AdoptionStep, AdoptionView,
        ErrorCode, HandoverStateName, HandoverView, RemarkView, ThingView, WireError, count,
    },
};

/// Progress is told so often at most.
const TOLD_EVERY: Duration = Duration::from_millis(200);

/// The adoption that the window makes.
#[derive(Default)]
pub struct UnderWay(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    step: AdoptionStep,
    source: Option<Arc<Source>>,
    /// The same as a person wrote it.
    named: AdoptionSettings,
    progress: Option<AdoptionProgress>,
    report: Option<Report>,
    accounts: Vec<Handover>,
    /// Accounts whose secrets were not tried, since somebody stopped that.
    left: usize,
    /// What was handed over: what is emptied later is what was taken.
    taken: Option<Adoption>,
    stop: CancellationToken,
    stopped: Option<AdoptionStep>,
    error: Option<WireError>,
    came: Option<Came>,
}

const fn is_busy(step: AdoptionStep) -> bool {
    match step {
        AdoptionStep::Looking | AdoptionStep::Running | AdoptionStep::HandingOver | AdoptionStep::Emptying => true,
        AdoptionStep::Source
        | AdoptionStep::Looked
        | AdoptionStep::Came
        | AdoptionStep::HandedOver
        | AdoptionStep::Emptied => false,
    }
}

impl UnderWay {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a step. Returns what stops it, and how things stood.
    fn begin(
        &self,
        desk: &Desk,
        step: AdoptionStep,
        from: &[AdoptionStep],
    ) -> Result<(Arc<Source>, CancellationToken, AdoptionStep), WireError> {
        let mut inner = self.lock();
        if is_busy(inner.step) {
            return Err(WireError { code: ErrorCode::AdoptionBusy, detail: String::new() });
        }
        let out_of_order = || WireError { code: ErrorCode::InvalidInput, detail: "step".to_owned() };
        let source = inner.source.clone().filter(|_| from.contains(&inner.step)).ok_or_else(out_of_order)?;
        let before = inner.step;
        inner.step = step;
        inner.stop = desk.tasks().stopping().child_token();
        inner.stopped = None;
        inner.error = None;
        inner.progress = Some(AdoptionProgress { phase: AdoptionPhase::Opening, done: 0, total: 0, per_second: 0 });
        Ok((source, inner.stop.clone(), before))
    }

    /// Stops what is being done; what is written is kept.
    fn stop(&self) {
        self.lock().stop.cancel();
    }

    /// Forgets what a person said of the old system, unless something is being done.
    pub async fn leave(&self) {
        let taken = {
            let mut inner = self.lock();
            if is_busy(inner.step) {
                return;
            }
            let came = inner.came;
            std::mem::replace(&mut *inner, Inner { came, ..Inner::default() }).taken
        };
        if let Some(adoption) = taken {
            adoption.close().await;
        }
    }

    fn view(&self, kept: &AdoptionSettings) -> AdoptionView {
        let inner = self.lock();
        let named = if inner.source.is_some() { inner.named.clone() } else { kept.clone() };
        AdoptionView {
            step: inner.step,
            from: named.from,
            media: named.media.map(|folder| folder.display().to_string()),
            client_link: named.client_link,
            progress: inner.progress,
            report: inner.report.as_ref().filter(|_| inner.progress.is_none()).map(report),
            accounts: inner.accounts.iter().filter(|_| inner.progress.is_none()).map(handover).collect(),
            left: count(inner.left),
            stopping: is_busy(inner.step) && inner.stop.is_cancelled(),
            stopped: inner.stopped,
            error: inner.error.clone(),
            came: count(inner.came.unwrap_or_default().messages),
            waiting: count(inner.came.unwrap_or_default().waiting),
        }
    }
}

/// How far taking over is, with what is counted of earlier runs.
///
/// # Errors
/// The database or the settings cannot be read.
pub async fn view(desk: &Desk, office: &Office) -> Result<AdoptionView, WireError> {
    let came = office.bureau.store.adopted().await?;
    office.adopting.lock().came = Some(came);
    Ok(office.adopting.view(&desk.settings().map(|settings| settings.adoption).unwrap_or_default()))
}

/// Stops what is being done: between two rows or accounts. What is written is kept.
pub fn stop(desk: &Desk, office: &Office) {
    office.adopting.stop();
    tell(desk, office);
}

/// Looks at the old database that a person named. Nothing is written but where it is.
///
/// # Errors
/// [`ErrorCode::InvalidInput`] names the field; [`ErrorCode::AdoptionBusy`].
pub fn look(
    desk: &Arc<Desk>,
    office: &Arc<Office>,
    form: AdoptionForm,
    password: SecretString,
) -> Result<(), WireError> {
    let named = AdoptionSettings {
        from: form.from.trim().to_owned(),
        media: form.media.filter(|folder| !folder.trim().is_empty()).map(PathBuf::from),
        client_link: form.client_link.map(|link| link.trim().to_owned()).filter(|link| !link.is_empty()),
    };
    let source = read(desk, &named, password)?;
    {
        let mut inner = office.adopting.lock();
        if is_busy(inner.step) {
            return Err(WireError { code: ErrorCode::AdoptionBusy, detail: String::new() });
        }
        desk.change_settings(|settings| settings.adoption = named.clone())?;
        (inner.source, inner.named) = (Some(Arc::new(source)), named);
        inner.step = AdoptionStep::Source;
        (inner.taken, inner.left) = (None, 0);
    }
    let (source, stop, before) = office.adopting.begin(desk, AdoptionStep::Looking, &[AdoptionStep::Source])?;
    let (told, office_of) = (desk.clone(), office.clone());
    spawn(desk, office, before, async move {
        let (desk, office) = (&*told, &*office_of);
        let work = async {
            let mut adoption = source.open(&office.bureau).await?;
            let report = adoption.look(&telling(desk, office), &stop).await;
            adoption.close().await;
            Ok(with_known_colleagues(desk, report?))
        };
        let looked = tokio::select! {
            () = stop.cancelled() => Err(AdoptError::Stopped),
            looked = work => looked,
        };
        let mut inner = office.adopting.lock();
        inner.accounts.clear();
        match looked {
            Ok(report) => (inner.report, inner.step) = (Some(report), AdoptionStep::Looked),
            Err(error) => inner.failed(error, before),
        }
    });
    Ok(())
}

/// Tells of a report which of the old system's people are known here.
fn with_known_colleagues(desk: &Desk, mut report: Report) -> Report {
    let known = desk.ground().and_then(|ground| know_colleagues(&ground.profile, &mut report).map_err(file_error));
    if let Err(error) = known {
        tracing::warn!(target: "skrynka::app", detail = error.detail, "Colleagues not compared");
    }
    report
}

/// Brings over what was looked at.
///
/// # Errors
/// [`ErrorCode::AdoptionBusy`]; [`ErrorCode::InvalidInput`]: nothing was looked at.
pub fn run(desk: &Arc<Desk>, office: &Arc<Office>) -> Result<(), WireError> {
    let (source, stop, before) =
        office.adopting.begin(desk, AdoptionStep::Running, &[AdoptionStep::Looked, AdoptionStep::Came])?;
    let (told, office_of) = (desk.clone(), office.clone());
    spawn(desk, office, before, async move {
        let (desk, office) = (&*told, &*office_of);
        let ran = async {
            let mut adoption = source.open(&office.bureau).await?;
            let report = adoption.run(&telling(desk, office), &stop).await;
            adoption.close().await;
            Ok(with_known_colleagues(desk, report?))
        };
        let ran = Box::pin(ran).await;
        let named = match &ran {
            Ok(report) => desk.ground().and_then(|ground| {
                add_colleagues(&ground.profile, &report.colleagues).map_err(file_error)?;
                desk.change_settings(|_| ())
            }),
            Err(_) => Ok(()),
        };
        let mut inner = office.adopting.lock();
        match ran {
            Ok(report) => (inner.report, inner.step, inner.error) = (Some(report), AdoptionStep::Came, named.err()),
            Err(error) => inner.failed(error, before),
        }
    });
    Ok(())
}

/// Tries the secrets of the old system's accounts, whose listeners a person has said to be stopped, and switches on those
/// that work. Where it was stopped, it goes on with those that it had not begun.
///
/// # Errors
/// [`ErrorCode::AdoptionBusy`]; [`ErrorCode::InvalidInput`]: nothing came over yet.
pub fn hand_over_accounts(desk: &Arc<Desk>, office: &Arc<Office>) -> Result<(), WireError> {
    let from = [AdoptionStep::Came, AdoptionStep::HandedOver, AdoptionStep::Emptied];
    let (source, stop, before) = office.adopting.begin(desk, AdoptionStep::HandingOver, &from)?;
    let (told, office_of) = (desk.clone(), office.clone());
    spawn(desk, office, before, async move {
        let (desk, office) = (&*told, &*office_of);
        let (taken, accounts, left) = {
            let mut inner = office.adopting.lock();
            (inner.taken.take(), inner.accounts.clone(), inner.left)
        };
        if let Some(taken) = taken {
            taken.close().await;
        }
        let earlier: &[Handover] = if left > 0 { &accounts } else { &[] };
        let handed = async {
            let mut adoption = tokio::select! {
                () = stop.cancelled() => return Err(AdoptError::Stopped),
                opened = source.open(&office.bureau) => opened?,
            };
            let progress = walking(desk, office, AdoptionPhase::Trying);
            let walk = Walk { stop: &stop, progress: &progress };
            let handed = hand_over(&office.bureau, &adoption, true, earlier, &walk).await;
            if let Err(error) = adoption.end_snapshot().await {
                tracing::warn!(target: "skrynka::app", error = chain(&error), "Snapshot of the old database not ended");
            }
            Ok((adoption, handed?))
        };
        let handed = Box::pin(handed).await;
        let mut inner = office.adopting.lock();
        match handed {
            Ok((adoption, handed)) => {
                inner.stopped = (handed.left > 0).then_some(AdoptionStep::HandingOver);
                (inner.accounts, inner.left) = (handed.accounts, handed.left);
                inner.taken = Some(adoption);
                inner.step = AdoptionStep::HandedOver;
            }
            Err(error) => inner.failed(error, before),
        }
    });
    Ok(())
}

/// Empties the old system's secrets of accounts that work here.
///
/// # Errors
/// [`ErrorCode::AdoptionBusy`]; [`ErrorCode::InvalidInput`]: no secret was handed over yet.
pub fn empty_old_secrets(desk: &Arc<Desk>, office: &Arc<Office>) -> Result<(), WireError> {
    let (source, stop, before) = office.adopting.begin(desk, AdoptionStep::Emptying, &[AdoptionStep::HandedOver])?;
    let (told, office_of) = (desk.clone(), office.clone());
    spawn(desk, office, before, async move {
        let (desk, office) = (&*told, &*office_of);
        let (taken, mut accounts) = {
            let mut inner = office.adopting.lock();
            (inner.taken.take(), inner.accounts.clone())
        };
        let progress = walking(desk, office, AdoptionPhase::Emptying);
        let walk = Walk { stop: &stop, progress: &progress };
        let emptied = match &taken {
            Some(adoption) => empty_old(&office.bureau, &source, adoption, &mut accounts, &walk).await,
            None => Ok(()),
        };
        let mut inner = office.adopting.lock();
        (inner.taken, inner.accounts) = (taken, accounts);
        match emptied {
            Ok(()) => inner.step = AdoptionStep::Emptied,
            Err(error) => inner.failed(error, AdoptionStep::HandedOver),
        }
    });
    Ok(())
}

impl Inner {
    fn failed(&mut self, error: AdoptError, step: AdoptionStep) {
        let doing = std::mem::replace(&mut self.step, step);
        if matches!(error, AdoptError::Stopped) {
            self.stopped = Some(doing);
        } else {
            self.error = Some(error.into());
        }
    }
}

/// Runs one step as a task of the window's, and tells the window where it begins and where it ends. One that ends by a
/// panic leaves things as they stood `before`.
fn spawn(
    desk: &Arc<Desk>,
    office: &Arc<Office>,
    before: AdoptionStep,
    work: impl Future<Output = ()> + Send + 'static,
) {
    let (told, office) = (desk.clone(), office.clone());
    desk.tasks().spawn("adoption", async move {
        let desk = &*told;
        tell(desk, &office);
        if AssertUnwindSafe(work).catch_unwind().await.is_err() {
            let mut inner = office.adopting.lock();
            inner.step = before;
            inner.error = Some(WireError { code: ErrorCode::Internal, detail: String::new() });
        }
        office.adopting.lock().progress = None;
        match office.bureau.store.adopted().await {
            Ok(came) => office.adopting.lock().came = Some(came),
            Err(error) => tracing::warn!(target: "skrynka::app", error = chain(&error), "Adopted messages not counted"),
        }
        tell(desk, &office);
    });
}

fn tell(desk: &Desk, office: &Office) {
    // What a person named is known as long as something is done.
    let view = office.adopting.view(&AdoptionSettings::default());
    desk.tell("adoption_changed", &AdoptionChanged(view));
}

/// Tells the window how far a run is.
fn telling<'a>(desk: &'a Desk, office: &'a Office) -> impl Fn(Progress) + Send + Sync + 'a {
    let began = tokio::time::Instant::now();
    let last: Mutex<Option<(Phase, tokio::time::Instant)>> = Mutex::default();
    move |Progress { phase, done, total }| {
        {
            let now = tokio::time::Instant::now();
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.is_some_and(|(before, at)| before == phase && now - at < TOLD_EVERY) {
                return;
            }
            *last = Some((phase, now));
        }
        let seconds = began.elapsed().as_secs_f64().max(0.001);
        office.adopting.lock().progress = Some(AdoptionProgress {
            phase: match phase {
                Phase::Looking => AdoptionPhase::Looking,
                Phase::Messages => AdoptionPhase::Messages,
                Phase::Settling => AdoptionPhase::Settling,
            },
            done: count(done),
            total: count(total),
            per_second: (done as f64 / seconds) as u32,
        });
        tell(desk, office);
    }
}

/// Tells the window how many accounts are gone through. Each may take seconds, so that none is left out.
fn walking<'a>(desk: &'a Desk, office: &'a Office, phase: AdoptionPhase) -> impl Fn(usize, usize) + Send + Sync + 'a {
    move |done, total| {
        let (done, total) = (count(done), count(total));
        office.adopting.lock().progress = Some(AdoptionProgress { phase, done, total, per_second: 0 });
        tell(desk, office);
    }
}

fn read(desk: &Desk, named: &AdoptionSettings, password: SecretString) -> Result<Source, WireError> {
    let invalid = |field: &str| WireError { code: ErrorCode::InvalidInput, detail: field.to_owned() };
    let from: ServerUrl = named.from.parse().map_err(|_| invalid("from"))?;
    if named.client_link.as_deref().is_some_and(|link| !is_card(link)) {
        return Err(invalid("clientLink"));
    }
    let trusted = desk.settings().and_then(|settings| settings.database.ca_file);
    Ok(Source {
        from: from.trusting(trusted),
        password,
        media: named.media.clone(),
        client_link: named.client_link.clone(),
    })
}

/// Whether it is the address of a page, with a place for the client's key.
fn is_card(link: &str) -> bool {
    let page = |url: tauri::Url| matches!(url.scheme(), "https" | "http") && url.has_host();
    link.contains("{id}") && tauri::Url::parse(&link.replace("{id}", "1")).is_ok_and(page)
}

fn report(report: &Report) -> AdoptionReport {
    let things = report.counted.iter().map(|(thing, counted)| ThingView {
        thing: (*thing).into(),
        found: count(counted.found),
        new: count(counted.new),
        known: count(counted.known),
        remarks: counted
            .remarks
            .iter()
            .map(|(why, remark)| RemarkView {
                why: (*why).into(),
                comes_over: why.comes_over(),
                count: count(remark.count),
                examples: remark.examples.iter().filter(|name| !name.is_empty()).cloned().collect(),
            })
            .collect(),
    });
    AdoptionReport { things: things.collect(), colleagues: report.colleagues.clone() }
}

fn handover(one: &Handover) -> HandoverView {
    let (state, code) = match &one.state {
        HandoverState::Kept => (HandoverStateName::Kept, None),
        HandoverState::Live => (HandoverStateName::Live, None),
        HandoverState::Refused(why) => (HandoverStateName::Refused, Some(why.code)),
        HandoverState::SameSession(_) => (HandoverStateName::SameSession, None),
    };
    HandoverView {
        account: one.account.to_string(),
        name: one.name.clone(),
        is_mailbox: one.is_mailbox,
        state,
        code,
        detail: one.state.why().unwrap_or_default().to_owned(),
        emptied: one.emptied,
    }
}

impl From<AdoptError> for WireError {
    fn from(error: AdoptError) -> Self {
        let detail = chain(&error);
        let code = match error {
            AdoptError::Connect(error) => connect_code(error),
            AdoptError::NotTheOldSystem => ErrorCode::OldDatabaseForeign,
            AdoptError::Closed(_) => ErrorCode::OldDatabaseClosed,
            AdoptError::NotEmptied(_) | AdoptError::Emptying(StoreError::Refused(_)) => ErrorCode::OldDatabaseReadOnly,
            AdoptError::Reading(_) | AdoptError::Emptying(_) => ErrorCode::OldDatabaseUnreachable,
            AdoptError::Folder(_) => ErrorCode::OldFolder,
            AdoptError::Busy => ErrorCode::AdoptionBusy,
            AdoptError::Stopped => ErrorCode::Internal,
            AdoptError::Store(_) => ErrorCode::Database,
        };
        Self { code, detail }
    }
}

fn connect_code(error: PostgresError) -> ErrorCode {
    let PostgresError::Connect(error) = error else { return ErrorCode::OldDatabaseUnreachable };
    match StoreError::from(error) {
        StoreError::SignIn(_) => ErrorCode::OldDatabaseSignIn,
        // The server answered, and has no such database.
        StoreError::Refused(_) => ErrorCode::OldDatabaseForeign,
        StoreError::Unreachable(_)
        | StoreError::DiskFull(_)
        | StoreError::SchemaTooNew { .. }
        | StoreError::Migration(_)
        | StoreError::Inconsistent(_)
        | StoreError::AccountExists(_)
        | StoreError::OwnAccount
        | StoreError::ShortcutTaken(_)
        | StoreError::LeaseLost
        | StoreError::NotFound(_)
        | StoreError::Spool(_) => ErrorCode::OldDatabaseUnreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::is_card;

    #[test]
    fn a_card_is_a_page_with_a_place_for_the_key() {
        for good in ["https://crm.example.org/clients/{id}", "http://10.0.0.5:3000/#/c?id={id}"] {
            assert!(is_card(good), "{good}");
        }
        for bad in
            ["https://crm.example.org/clients/", "javascript:{id}", "file:///{id}", "crm.example.org/{id}", "{id}"]
        {
            assert!(!is_card(bad), "{bad}");
        }
    }
}
