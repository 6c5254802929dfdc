//! `skrynka migrate`: brings the schema up to date, tells how far it is, or puts the old system's table right.

use std::process::ExitCode;

use secrecy::SecretString;
use serde_json::json;
use skrynka_core::{
    logbook::redact,
    postgres::ServerUrl,
    store::{CLIENT_VERSION, LegacyColumn, LegacyRepair, LegacyRepaired, look_at_legacy, repair_legacy},
};

use super::{
    Common, Output,
    account::{EmailSecrets, PASSWORD_FORM, read_secrets},
    noted,
};
use crate::wiring::{Bureau, Ground};

#[derive(Debug, clap::Args)]
pub struct MigrateArguments {
    /// Only tell what is applied and what is not.
    #[arg(long, conflicts_with = "legacy")]
    status: bool,
    /// Put the column types of the old web CRM's Telegram accounts right in place: postgres://ROLE@HOST/DATABASE without a
    /// password. No value is lost.
    #[arg(long, value_name = "URL")]
    legacy: Option<String>,
    /// Only tell what it takes.
    #[arg(long, requires = "legacy")]
    dry_run: bool,
    /// Read that server's password from standard input: {"password": "…"}.
    #[arg(long, requires = "legacy")]
    secrets_stdin: bool,
}

pub async fn run(common: &Common, output: Output, arguments: MigrateArguments) -> anyhow::Result<ExitCode> {
    if let Some(url) = &arguments.legacy {
        let ground = Ground::open(&common.places())?;
        let mended = noted(legacy(output, url, &arguments).await);
        drop(ground);
        return mended.map(|()| ExitCode::SUCCESS);
    }
    let common = if arguments.status { common.existing() } else { common.clone() };
    let places = common.places();
    let ground = Ground::open(&places)?;
    let secrets = ground.secrets(&places, None).await?;
    let bureau = Bureau::connect(&ground, &places, secrets, &|_| {}).await?;
    let result = noted(report(&bureau, output, arguments.status).await);
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

async fn legacy(output: Output, url: &str, arguments: &MigrateArguments) -> anyhow::Result<()> {
    let password = match arguments.secrets_stdin {
        true => read_secrets::<EmailSecrets>(PASSWORD_FORM)?.password,
        false => SecretString::default(),
    };
    redact::remember(&password);
    let server: ServerUrl = url.parse()?;
    let mut connection = server.connect_options(&password).connect().await?;
    let LegacyRepaired { columns, copies } = match arguments.dry_run {
        true => LegacyRepaired { columns: look_at_legacy(&mut connection).await?, copies: Vec::new() },
        false => repair_legacy(&mut connection).await?,
    };
    for column in &columns {
        let (repair, kept) = match &column.repair {
            LegacyRepair::Right => ("right", None),
            LegacyRepair::Add => ("add", None),
            LegacyRepair::Convert => ("convert", None),
            LegacyRepair::Replace { kept, unreadable } => ("replace", Some((kept, unreadable))),
            LegacyRepair::Refused { .. } => ("refused", None),
        };
        let record = json!({
            "table": column.table, "column": column.column, "was": column.was, "repair": repair, "rows": column.rows,
            "kept_as": kept.map(|(name, _)| name), "unreadable": kept.map_or(&0, |(_, unreadable)| unreadable),
            "done": !arguments.dry_run && column.repair != LegacyRepair::Right,
        });
        output.record(&record, || in_words(column, arguments.dry_run))?;
        if !arguments.dry_run && column.repair != LegacyRepair::Right {
            tracing::info!(
                target: "skrynka::store", table = column.table, column = column.column, was = column.was, repair,
                rows = column.rows, "Column of the old system put right"
            );
        }
    }
    for copy in &copies {
        output.record(&json!({"copy": copy}), || {
            format!(
                "{copy} holds the rows as they were, sessions and API hashes among them; drop it once the old application is \
                 seen to work"
            )
        })?;
        tracing::info!(target: "skrynka::store", table = copy, "Rows of the old system kept as they were");
    }
    if columns.is_empty() {
        output.note("No table of the old system stands in this database.")?;
    }
    Ok(())
}

fn in_words(column: &LegacyColumn, dry_run: bool) -> String {
    let LegacyColumn { table, column: name, was, repair, rows } = column;
    let was = was.as_deref().unwrap_or("missing");
    let (would, be) = if dry_run { ("would be", "would be") } else { ("was", "is") };
    match repair {
        LegacyRepair::Right => format!("{table}.{name} is {was}, as it should be"),
        LegacyRepair::Add => format!("{table}.{name} {would} added"),
        LegacyRepair::Convert => format!("{table}.{name} {would} turned from {was} into integer, {rows} rows"),
        LegacyRepair::Refused { doubled } => format!(
            "{table}.{name} cannot be turned into integer by itself: {doubled} rows have a key that is the same number \
             as another row's; give them other keys and try again"
        ),
        LegacyRepair::Replace { kept, unreadable } => format!(
            "{table}.{name} {would} turned from {was} into integer; {unreadable} of its {rows} values are no numbers, and \
             all of them {be} kept as {kept}"
        ),
    }
}
