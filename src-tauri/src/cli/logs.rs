//! `skrynka logs`: the log viewer's query.

use std::process::ExitCode;

use clap::Args;
use skrynka_core::{
    logbook::{AREAS, Entry, Exclude, Filter, Level, MAX_PAGE, QueryError, Reader, Row, Search, Start, Window},
    model::AccountId,
    profile::Profile,
};
use time::OffsetDateTime;

use super::{Common, Output, output};

/// The exit code of a command that was given something it cannot mean.
const WRONG_USAGE: u8 = 2;

#[derive(Debug, Args)]
pub struct LogsArguments {
    /// Only this area: app, events, email, telegram, store, outbox, ui.
    #[arg(long, value_name = "A", value_parser = clap::builder::PossibleValuesParser::new(AREAS))]
    area: Vec<String>,
    /// Only this account.
    #[arg(long, value_name = "ID", value_parser = super::account::account_id)]
    account: Option<AccountId>,
    /// This level and graver ones: trace, debug, info, warn, error.
    #[arg(long, value_name = "L")]
    level: Option<Level>,
    /// Not before: RFC 3339, or a day as YYYY-MM-DD.
    #[arg(long, value_name = "T", value_parser = super::account::moment)]
    since: Option<OffsetDateTime>,
    /// Only lines in which this regular expression matches, whatever the case.
    #[arg(long, value_name = "RE")]
    grep: Option<String>,
    /// Only lines in which this one does not match. May be given again.
    #[arg(long, value_name = "RE")]
    exclude: Vec<String>,
    /// Before: RFC 3339, or a day as YYYY-MM-DD.
    #[arg(long, value_name = "T", value_parser = super::account::moment)]
    until: Option<OffsetDateTime>,
    /// Go on as lines are written.
    #[arg(long)]
    follow: bool,
}

pub async fn run(common: &Common, output: Output, arguments: LogsArguments) -> anyhow::Result<ExitCode> {
    // The log is read as it lies there: this command starts none of its own and needs no database.
    let reader = Reader::new(Profile::logs_of(&Profile::find(common.profile.as_deref())?));
    let filter = Filter {
        min_level: arguments.level,
        areas: arguments.area,
        account: arguments.account,
        search: arguments.grep.map(Search::Regex),
        since: arguments.since,
        until: arguments.until,
        exclude: arguments.exclude.into_iter().map(|expression| Exclude::Search(Search::Regex(expression))).collect(),
    };
    match read(&reader, &filter, output, arguments.follow).await {
        Err(error) if matches!(error.downcast_ref(), Some(QueryError::Expression(_))) => {
            output::complain(&format!("{error:#}"))?;
            Ok(ExitCode::from(WRONG_USAGE))
        }
        result => result.map(|()| ExitCode::SUCCESS),
    }
}

async fn read(reader: &Reader, filter: &Filter, output: Output, follow: bool) -> anyhow::Result<()> {
    if follow {
        let mut tail = reader.tail(filter, 20)?;
        loop {
            for row in tail.next().await? {
                print(output, &row)?;
            }
        }
    }
    let mut start = Start::Oldest;
    loop {
        let page = reader.page(filter, &Window::new(start, MAX_PAGE))?;
        for row in &page.rows {
            print(output, row)?;
        }
        match page.next {
            Some(next) => start = Start::After(next),
            None => return Ok(()),
        }
    }
}

fn print(output: Output, row: &Row) -> std::io::Result<()> {
    output.record(&row.entry, || line(&row.entry))
}

fn line(entry: &Entry) -> String {
    format!("{}  {:<5}  {:<8}  {}", entry.t, entry.level.as_str(), entry.area, entry.text())
}
