//! `skrynka search`: the inbox's own search.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use skrynka_core::model::AccountId;

use super::{Common, Output, Session, output::complain};
use crate::wire::stamp;

#[derive(Debug, Args)]
pub struct SearchArguments {
    /// Words of the text, or a part of a subject, name, address, number or file name.
    query: String,
    /// Only this account.
    #[arg(long, value_name = "ID", value_parser = super::account::account_id)]
    account: Option<AccountId>,
    /// At most so many hits.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
}

pub async fn run(common: &Common, output: Output, arguments: SearchArguments) -> anyhow::Result<ExitCode> {
    let account = arguments.account;
    Session::with(common, async |session| {
        super::account::known(&session.bureau.store, account).await?;
        for hit in session.bureau.store.search(&arguments.query, account, None, arguments.limit).await? {
            let record = json!({
                "account": hit.account.to_string(),
                "conversation": hit.conversation.to_string(),
                "message": hit.message.to_string(),
                "subject": hit.subject,
                "snippet": hit.snippet,
                "received_at": stamp(hit.received_at),
            });
            output.record(&record, || format!("{}  {}  {}", stamp(hit.received_at), hit.subject, hit.snippet))?;
        }
        match session.bureau.store.search_pending().await? {
            0 => {}
            pending => complain(&format!("{pending} messages are stored and not searchable yet"))?,
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}
