//! `skrynka logs`: the log viewer's query.

use std::process::ExitCode;

use clap::Args;
use skrynka_core::{
    logbook::{AREAS, Entry, Filter, Level, MAX_PAGE, Reader, Row, Search, Start, Window},
    profile::Profile,
};
use time::OffsetDateTime;

use super::{Common, Output};

#[derive(Debug, Args)]
pub struct LogsArguments {
    /// Only this area: app, events, email, telegram, store, outbox, ui.
    #[arg(long, value_name = "A", value_parser = clap::builder::PossibleValuesParser::new(AREAS))]
    area: Vec<String>,
    /// Only this account.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// This level and graver ones: trace, debug, info, warn, error.
    #[arg(long, value_name = "L")]
    level: Option<Level>,
    /// Not before: RFC 3339, or a day as YYYY-MM-DD.
    #[arg(long, value_name = "T", value_parser = super::account::moment)]
    since: Option<OffsetDateTime>,
    /// Only lines in which this regular expression matches, whatever the case.
    #[arg(long, value_name = "RE")]
    grep: Option<String>,
    /// Go on as lines are written.
    #[arg(long)]
    follow: bool,
}

pub async fn run(common: &Common, output: Output, arguments: LogsArguments) -> anyhow::Result<ExitCode> {
    // The log is read as it lies there: this command starts none of its own and needs no database.
    let now = skrynka_core::clock::Clock::now(&skrynka_core::clock::SystemClock);
    let profile = Profile::open(common.profile.as_deref(), now)?;
    let reader = Reader::new(profile.logs_dir());
    let filter = Filter {
        min_level: arguments.level,
        areas: arguments.area,
        account: super::account::chosen(arguments.account.as_deref())?,
        search: arguments.grep.map(Search::Regex),
        since: arguments.since,
        until: None,
    };
    if arguments.follow {
        let mut tail = reader.tail(&filter, 20)?;
        loop {
            for row in tail.next().await? {
                print(output, &row)?;
            }
        }
    }
    let mut start = Start::Oldest;
    loop {
        let page = reader.page(&filter, &Window::new(start, MAX_PAGE))?;
        for row in &page.rows {
            print(output, row)?;
        }
        match page.next {
            Some(next) => start = Start::After(next),
            None => return Ok(ExitCode::SUCCESS),
        }
    }
}

fn print(output: Output, row: &Row) -> std::io::Result<()> {
    output.record(&row.entry, || line(&row.entry))
}

fn line(entry: &Entry) -> String {
    format!("{}  {:<5}  {:<8}  {}", entry.t, entry.level.as_str(), entry.area, entry.text())
}
