//! `skrynka doctor`: every diagnostic of the diagnostics page, step by step: what fails is told with what came before.

use std::{process::ExitCode, time::Duration};

use clap::Args;
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
    wire::{Check, CheckState},
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
    let mut tell = |checks: &[Check]| {
        failed |= checks.iter().any(|check| check.state == CheckState::Failed);
        checks.iter().try_for_each(|check| output.record(check, || line(check)))
    };
    let told = async |ground: &Ground, mut checks: Vec<Check>| {
        checks::remember(ground, &mut checks).await;
        checks
    };
    let ground = match Ground::open(&places) {
        Ok(ground) => ground,
        Err(error) => {
            tell(&[checks::failed_check(SystemClock.now(), "profile", chain(&error), None)])?;
            return Err(error.into());
        }
    };
    let now = ground.clock.now();
    tell(&told(&ground, checks::ground_checks(&ground).await).await)?;
    tell(&[checks::window_checks(now, None)])?;
    match ground.secrets(&places, None).await {
        Err(error) => {
            tell(&[
                checks::failed_check(now, "secrets", chain(&error), Some("open_vault")),
                checks::unknown_check(now, "database", "not tried without secrets"),
            ])?;
        }
        Ok(secrets) => {
            tell(&told(&ground, vec![checks::secrets_check(&ground, &secrets).await]).await)?;
            // The schema is left as it is, or there would be nothing to find wrong with it.
            match Bureau::connect(&ground, &places, secrets, &|_| {}).await {
                Err(error) => {
                    tell(&[checks::failed_check(now, "database", chain(&error), Some("retry_database"))])?;
                }
                Ok(bureau) => {
                    let checks = told(&ground, checks::bureau_checks(&bureau, Look::Thorough).await).await;
                    let tested = match tell(&checks) {
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

/// Sends a message from each account to itself, one after the other.
async fn self_tests(
    bureau: &Bureau,
    chosen: &[AccountId],
    tell: &mut impl FnMut(&[Check]) -> std::io::Result<()>,
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
        told = tell(&[self_test_check(bureau, account, &found)]);
        if told.is_err() {
            break;
        }
    }
    engine.shutdown().await;
    Ok(told?)
}

/// A self-test as a check: which stations were reached and when, and where it ended.
fn self_test_check(bureau: &Bureau, account: &Account, found: &SelfTest) -> Check {
    let reached = found.reached.iter().map(|one| format!("{} {} ms", one.station.as_str(), one.after.as_millis()));
    let mut detail = format!("{}: {}", account.name, reached.collect::<Vec<_>>().join(", "));
    let (mut state, mut repair) = (CheckState::Ok, None);
    if let Some(stopped) = &found.stopped {
        state = CheckState::Failed;
        repair = self_tests::repair(stopped.station, &stopped.why);
        let separator = if found.reached.is_empty() { "" } else { "; " };
        detail.push_str(&format!("{separator}not {}: {}", stopped.station.as_str(), stopped.why.detail));
    }
    checks::of_account(account, checks::check(bureau.clock.now(), "self_test", state, detail, repair))
}

fn line(check: &Check) -> String {
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
