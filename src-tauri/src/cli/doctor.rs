//! `skrynka doctor`: every diagnostic of the diagnostics page.

use std::process::ExitCode;

use super::{Common, Output, Session};
use crate::{
    views,
    wire::{Check, CheckState},
};

/// Exit 1 when anything failed.
pub async fn run(common: &Common, output: Output) -> anyhow::Result<ExitCode> {
    Session::with(common, async |session| {
        let checks = views::checks(&session.ground, &session.bureau).await;
        for check in &checks {
            output.record(check, || line(check))?;
        }
        let failed = checks.iter().any(|check| check.state == CheckState::Failed);
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    })
    .await
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
