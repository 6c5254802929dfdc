//! `skrynka doctor`: every diagnostic of the diagnostics page, step by step: what fails is told with what came before.

use std::process::ExitCode;

use skrynka_core::{
    chain,
    clock::{Clock as _, SystemClock},
};

use super::{Common, Output};
use crate::{
    views::{self, Look},
    wire::{Check, CheckState},
    wiring::{Bureau, Ground},
};

/// Exit 1 when anything failed.
pub async fn run(common: &Common, output: Output) -> anyhow::Result<ExitCode> {
    let places = common.places();
    let mut failed = false;
    let mut tell = |checks: &[Check]| {
        failed |= checks.iter().any(|check| check.state == CheckState::Failed);
        checks.iter().try_for_each(|check| output.record(check, || line(check)))
    };
    let ground = match Ground::open(&places) {
        Ok(ground) => ground,
        Err(error) => {
            tell(&[views::failed_check(SystemClock.now(), "profile", chain(&error), None)])?;
            return Err(error.into());
        }
    };
    let now = ground.clock.now();
    tell(&views::ground_checks(&ground).await)?;
    match ground.secrets(&places, None).await {
        Err(error) => {
            tell(&[
                views::failed_check(now, "secrets", chain(&error), Some("open_vault")),
                views::unknown_check(now, "database", "not tried without secrets"),
            ])?;
        }
        Ok(secrets) => {
            tell(&[views::secrets_check(&ground, &secrets).await])?;
            // The schema is left as it is, or there would be nothing to find wrong with it.
            match Bureau::connect(&ground, &places, secrets, &|_| {}).await {
                Err(error) => {
                    tell(&[views::failed_check(now, "database", chain(&error), Some("retry_database"))])?;
                }
                Ok(bureau) => {
                    let checks = views::bureau_checks(&bureau, Look::Thorough).await;
                    bureau.close().await;
                    tell(&checks)?;
                }
            }
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn line(check: &Check) -> String {
    let state = match check.state {
        CheckState::Ok => "ok",
        CheckState::Warn => "look",
        CheckState::Failed => "FAILED",
        CheckState::Unknown => "unknown",
    };
    let repair = check.repair.as_deref().map(|repair| format!(" [repair: {repair}]")).unwrap_or_default();
    format!("{state:<8} {:<10} {}{repair}", check.name, check.detail)
}
