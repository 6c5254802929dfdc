//! Everything that can be wrong, looked at: state, detail, since when, and what would repair it. The same for the window,
//! the command line and the support report.

mod accounts;
mod database;
mod ground;
mod since;
mod window;
mod words;

use skrynka_core::{
    model::Account,
    store::{StoreError, StoredStatus},
};
use time::{Duration, OffsetDateTime};

pub use self::{ground::secrets_check, since::remember, window::window_checks, words::said};
use crate::{
    wire::{Check, CheckState, ErrorCode, Finding, WireError, count, stamp},
    wiring::{Bureau, Ground},
};

/// A listener that has not said anything for this long has ended.
const SILENT: Duration = Duration::minutes(10);

/// Looks at what stands without a database: the programs, the disk and the log.
pub async fn ground_checks(ground: &Ground) -> Vec<Check> {
    let mut checks = vec![ground::versions(ground)];
    checks.extend(ground::on_disk(ground).await);
    checks.push(ground::logs(ground).await);
    checks
}

/// How closely it is looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// At what costs next to nothing, every few minutes.
    Brief,
    /// At everything, when somebody asks.
    Thorough,
}

/// Looks at the database, its schema and the accounts in it.
pub async fn bureau_checks(bureau: &Bureau, look: Look) -> Vec<Check> {
    let now = bureau.clock.now();
    let schema = database::schema(bureau).await;
    let usable = schema.state == CheckState::Ok;
    let server = bureau.store.server(now).await;
    let mut checks = vec![database::database(bureau, &server), database::queries(now, &server), schema];
    if !usable {
        return checks;
    }
    if look == Look::Thorough {
        checks.push(database::columns(bureau).await);
        checks.push(database::summaries(bureau).await);
    }
    let pending = bureau.store.search_pending().await;
    checks.push(database::search_index(now, &pending));
    checks.push(database::outbox(bureau).await);
    checks.push(database::clock(bureau, &server).await);
    checks.extend(database::legacy(bureau).await);
    checks.push(database::quarantine(bureau).await);
    // What came last is looked for in the search index, which may be behind.
    checks.extend(accounts::checks(bureau, look, matches!(pending, Ok(0))).await);
    checks
}

/// How many of the checks want something of a person.
pub fn needing(checks: &[Check]) -> u32 {
    count(checks.iter().filter(|check| check.repair.is_some()).count())
}

/// A step at which everything ended.
pub fn failed_check(now: OffsetDateTime, name: &str, why: WireError, repair: Option<&str>) -> Check {
    check(now, name, CheckState::Failed, Finding::Trouble { why }, repair)
}

/// A step that could not be looked at, since the one before it failed.
pub fn untried_check(now: OffsetDateTime, name: &str) -> Check {
    check(now, name, CheckState::Unknown, Finding::NotTried, None)
}

/// What could not be looked at, with the cause.
fn unknown_check(now: OffsetDateTime, name: &str, code: ErrorCode, detail: String) -> Check {
    check(now, name, CheckState::Unknown, Finding::Trouble { why: WireError { code, detail } }, None)
}

/// What the database did not tell.
fn untold_check(now: OffsetDateTime, name: &str, error: &StoreError) -> Check {
    unknown_check(now, name, ErrorCode::Database, skrynka_core::chain(error))
}

/// Tells whether what is stored of an account's listener is too old to be true of the present: who listens says so
/// every few minutes.
pub fn nobody_listens(account: &Account, status: &StoredStatus, now: OffsetDateTime) -> bool {
    account.enabled && now - status.updated_at > SILENT
}

/// A check as of now.
fn check(now: OffsetDateTime, name: &str, state: CheckState, finding: Finding, repair: Option<&str>) -> Check {
    Check {
        name: name.to_owned(),
        account: None,
        account_name: None,
        state,
        finding,
        repair: repair.map(ToOwned::to_owned),
        since: stamp(now),
        checked_at: stamp(now),
    }
}

/// A check that is about one account.
fn of_account(account: &Account, check: Check) -> Check {
    Check { account: Some(account.id.to_string()), account_name: Some(account.name.clone()), ..check }
}
