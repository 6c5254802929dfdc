//! `skrynka database`: which database this profile uses.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::{
    Common, Output,
    account::{EmailSecrets, PASSWORD_FORM, read_secrets},
    noted,
};
use crate::{databases, wiring::Ground};

#[derive(Debug, Subcommand)]
pub enum DatabaseCommand {
    /// Use the team's server, once it was signed in to, or the private database again.
    Use {
        /// postgres://ROLE@HOST/DATABASE without a password, or the word private.
        #[arg(value_name = "URL|private")]
        database: String,
        /// Read the server's password from standard input: {"password": "…"}. Without it the kept one is used.
        #[arg(long)]
        secrets_stdin: bool,
    },
}

pub async fn run(common: &Common, output: Output, command: DatabaseCommand) -> anyhow::Result<ExitCode> {
    let DatabaseCommand::Use { database, secrets_stdin } = command;
    let places = common.places();
    let password =
        secrets_stdin.then(|| read_secrets::<EmailSecrets>(PASSWORD_FORM)).transpose()?.map(|secrets| secrets.password);
    let ground = Ground::open(&places)?;
    let chosen = async {
        if database == "private" {
            databases::use_private(&ground.profile)?;
        } else {
            let secrets = ground.secrets(&places, None).await?;
            databases::use_server(&ground.profile, &secrets, &database, password).await?;
        }
        anyhow::Ok(())
    };
    noted(chosen.await)?;
    tracing::info!(target: "skrynka::app", private = database == "private", "Database chosen");
    output.record(&json!({"database": database}), || format!("From the next start on: {database}"))?;
    Ok(ExitCode::SUCCESS)
}
