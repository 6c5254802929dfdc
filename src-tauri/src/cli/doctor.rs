//! `skrynka doctor`: every diagnostic of the diagnostics page, step by step: what fails is told with what came before.

use std::{process::ExitCode, time::Duration};

use clap::Args;
use serde::Serialize;
use skrynka_core::{
    chain,
    clock::{Clock as _, SystemClock},
    engine::SelfTest,
    model::{Account, AccountId},
};

use super::{Common, Output};
use crate::{
    checks::{self, Look},
    self_tests,
    wire::{Check, CheckState, ErrorCode, Finding, WireError, stamp},
    wiring::{Bureau, Ground},
};

/// A self-test begins once every account is connected, or after this long all the same.
const CONNECTED: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// Also send a message from each account to itself, follow it to the database, and take it away again.
    #[arg(long)]
    self_test: bool,
    /// Only this account's self-test; may be given again.
    #[arg(long, value_name = "ID", value_parser = super::account::account_id, requires = "self_test")]
    account: Vec<AccountId>,
}

/// Exit 1 when anything failed.
pub async fn run(common: &Common, output: Output, arguments: DoctorArguments) -> anyhow::Result<ExitCode> {
    let places = common.places();
    let mut failed = false;
    let mut tell = |checks: Vec<Told>| {
        failed |= checks.iter().any(|told| told.state == CheckState::Failed);
        checks.iter().try_for_each(|told| output.record(told, || line(told)))
    };
    let remembered = async |ground: &Ground, mut checks: Vec<Check>| {
        checks::remember(ground, &mut checks).await;
        told(checks)
    };
    let ground = match Ground::open(&places) {
        Ok(ground) => ground,
        Err(error) => {
            let why = WireError { code: ErrorCode::File, detail: chain(&error) };
            tell(told([checks::failed_check(SystemClock.now(), "profile", why, None)]))?;
            return Err(error.into());
        }
    };
    let now = ground.clock.now();
    tell(remembered(&ground, checks::ground_checks(&ground).await).await)?;
    tell(told([checks::window_checks(now, None)]))?;
    match ground.secrets(&places, None).await {
        Err(error) => {
            let why = WireError { code: ErrorCode::Secrets, detail: chain(&error) };
            tell(told([
                checks::failed_check(now, "secrets", why, Some("open_vault")),
                checks::untried_check(now, "database"),
            ]))?;
        }
        Ok(secrets) => {
            tell(remembered(&ground, vec![checks::secrets_check(&ground, &secrets).await]).await)?;
            // The schema is left as it is, or there would be nothing to find wrong with it.
            match Bureau::connect(&ground, &places, secrets, &|_| {}).await {
                Err(error) => {
                    let why = WireError { code: ErrorCode::Database, detail: chain(&error) };
                    tell(told([checks::failed_check(now, "database", why, Some("retry_database"))]))?;
                }
                Ok(bureau) => {
                    let checks = remembered(&ground, checks::bureau_checks(&bureau, Look::Thorough).await).await;
                    let tested = match tell(checks) {
                        Ok(()) if arguments.self_test => self_tests(&bureau, &arguments.account, &mut tell).await,
                        told => told.map_err(anyhow::Error::from),
                    };
                    bureau.close().await;
                    tested?;
                }
            }
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A check, or a self-test, as it is told here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    name: String,
    account: Option<String>,
    state: CheckState,
    /// In words.
    detail: String,
    /// The same for programs; a self-test has its words alone.
    finding: Option<Finding>,
    repair: Option<String>,
    since: String,
    checked_at: String,
}

fn told(checks: impl IntoIterator<Item = Check>) -> Vec<Told> {
    let told = |check: Check| Told {
        detail: checks::said(&check),
        name: check.name,
        account: check.account,
        state: check.state,
        finding: Some(check.finding),
        repair: check.repair,
        since: check.since,
        checked_at: check.checked_at,
    };
    checks.into_iter().map(told).collect()
}

/// Sends a message from each account to itself, one after the other.
async fn self_tests(
    bureau: &Bureau,
    chosen: &[AccountId],
    tell: &mut impl FnMut(Vec<Told>) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    let accounts = bureau.store.accounts().await?;
    let accounts = accounts.iter().filter(|account| match chosen {
        [] => account.enabled,
        chosen => chosen.contains(&account.id),
    });
    let engine = bureau.listen("skrynka doctor").await?;
    // One that does not come says so by itself.
    let _connected_or_not = tokio::time::timeout(CONNECTED, engine.settled()).await;
    let mut told = Ok(());
    for account in accounts {
        let found = Box::pin(engine.self_test(account.id, None, &mut |_| {})).await;
        told = tell(vec![self_test(bureau, account, &found)]);
        if told.is_err() {
            break;
        }
    }
    engine.shutdown().await;
    Ok(told?)
}

/// How a self-test went: which stations were reached and when, and where it ended.
fn self_test(bureau: &Bureau, account: &Account, found: &SelfTest) -> Told {
    let reached = found.reached.iter().map(|one| format!("{} {} ms", one.station.as_str(), one.after.as_millis()));
    let mut detail = format!("{}: {}", account.name, reached.collect::<Vec<_>>().join(", "));
    let (mut state, mut repair) = (CheckState::Ok, None);
    if let Some(stopped) = &found.stopped {
        state = CheckState::Failed;
        repair = self_tests::repair(&stopped.why).map(ToOwned::to_owned);
        let separator = if found.reached.is_empty() { "" } else { "; " };
        detail.push_str(&format!("{separator}not {}: {}", stopped.station.as_str(), stopped.why));
        if !stopped.found_in.is_empty() {
            detail.push_str(&format!("; it was found in {}", stopped.found_in.join(", ")));
        }
    }
    let now = stamp(bureau.clock.now());
    Told {
        name: "self_test".to_owned(),
        account: Some(account.id.to_string()),
        state,
        detail,
        finding: None,
        repair,
        since: now.clone(),
        checked_at: now,
    }
}

fn line(check: &Told) -> String {
    let state = match check.state {
        CheckState::Ok => "ok",
        CheckState::Warn => "look",
        CheckState::Failed => "FAILED",
        CheckState::Unknown => "unknown",
    };
    let repair = check.repair.as_deref().map(|repair| format!(" [repair: {repair}]")).unwrap_or_default();
    let since = if check.state == CheckState::Ok { String::new() } else { format!(" (since {})", check.since) };
    format!("{state:<8} {:<12} {}{since}{repair}", check.name, check.detail)
}
