//! `skrynka migrate`: brings the schema up to date, or tells how far it is.

use std::process::ExitCode;

use serde_json::json;
use skrynka_core::store::CLIENT_VERSION;

use super::{Common, Output, noted};
use crate::wiring::{Bureau, Ground};

pub async fn run(common: &Common, output: Output, status: bool) -> anyhow::Result<ExitCode> {
    let places = common.places();
    let ground = Ground::open(&places)?;
    let secrets = ground.secrets(&places, None).await?;
    let bureau = Bureau::connect(&ground, &places, secrets, &|_| {}).await?;
    let result = noted(report(&bureau, output, status).await);
    bureau.close().await;
    result.map(|()| ExitCode::SUCCESS)
}

async fn report(bureau: &Bureau, output: Output, status_only: bool) -> anyhow::Result<()> {
    let before = bureau.store.migration_status().await?;
    if !status_only {
        bureau.store.migrate().await?;
    }
    for (migrations, state) in
        [(&before.applied, "applied"), (&before.pending, if status_only { "pending" } else { "applied now" })]
    {
        for (version, name) in migrations {
            let record = json!({"version": version, "name": name, "state": state});
            output.record(&record, || format!("{version}  {state:<12} {name}"))?;
        }
    }
    output.note(&format!(
        "The schema serves programs from version {}; this one is {CLIENT_VERSION}.",
        before.min_client
    ))?;
    Ok(())
}
