//! What a report tells of the program, its computer, its database and its accounts: each thing is named here, or it is
//! not told.

use serde_json::{Value, json};
use skrynka_core::{
    model::{Account, AccountId, AccountState, Channel},
    profile::Settings,
    secrets::{SecretKind, SecretName, Secrets},
    store::{CLIENT_VERSION, Column, HeldLease, MigrationStatus, Owner, Queues, Server, StoredStatus, TableSize},
};

use super::{Sources, at, chosen, within};
use crate::{
    checks,
    wire::{Check, stamp},
    wiring::Bureau,
};

/// Where the schema stands: its names are the program's own.
pub const OURS: [&str; 2] = ["tables", "migrations"];

/// What was found where somebody answered.
#[derive(Default)]
pub struct Found {
    pub accounts: Option<Vec<Account>>,
    pub owners: Option<Vec<Owner>>,
    pub leases: Option<Vec<HeldLease>>,
    statuses: Option<Vec<StoredStatus>>,
    migrations: Option<MigrationStatus>,
    server: Option<Server>,
    tables: Option<Vec<TableSize>>,
    columns: Option<Vec<Column>>,
    queues: Option<Queues>,
    checks: Vec<Check>,
    failed: Vec<(&'static str, String)>,
}

impl Found {
    /// Asks everybody who can be asked.
    pub async fn look(sources: &Sources<'_>) -> Self {
        let mut found = Self { checks: super::checks(sources).await, ..Self::default() };
        if let Ok(bureau) = sources.bureau {
            found.ask(bureau).await;
        }
        if let Ok(secrets) = sources.secrets {
            // Whatever is read from the store is known to the redaction from then on.
            let names = kept(found.accounts.as_deref().unwrap_or_default());
            let learned = tokio::time::timeout(super::DEADLINE, learn(secrets, names)).await;
            if learned.is_err() {
                found.failed.push(("secrets", "no answer".to_owned()));
            }
        }
        found
    }

    async fn ask(&mut self, bureau: &Bureau) {
        let store = &bureau.store;
        let failed = &mut self.failed;
        let mut note = |part: &'static str, reason: String| failed.push((part, reason));
        macro_rules! ask {
            ($part:literal, $answer:expr) => {
                within($answer).await.map_err(|reason| note($part, reason)).ok()
            };
        }
        self.server = ask!("server", store.server(bureau.clock.now()));
        self.migrations = ask!("migrations", store.migration_status());
        self.tables = ask!("tables", store.table_sizes());
        self.columns = ask!("columns", store.columns());
        self.accounts = ask!("accounts", store.accounts());
        self.statuses = ask!("states", store.statuses());
        self.owners = ask!("owners", store.owners());
        self.leases = ask!("leases", store.leases());
        self.queues = ask!("queues", store.queues());
    }

    /// What could not be told, with the reason.
    pub fn untold(&self, sources: &Sources<'_>, settings: Option<&String>) -> Vec<(&'static str, String)> {
        let mut untold: Vec<_> = settings.map(|reason| ("settings", reason.clone())).into_iter().collect();
        untold.extend(sources.secrets.as_ref().err().map(|reason| ("secrets", reason.clone())));
        untold.extend(sources.bureau.as_ref().err().map(|reason| ("database", reason.clone())));
        untold.extend(self.failed.iter().cloned());
        untold
    }

    /// The report, before the remover has seen it.
    pub fn told(&self, sources: &Sources<'_>, settings: Option<&Settings>, untold: &[(&'static str, String)]) -> Value {
        let untold = untold.iter().map(|(part, reason)| json!({ "part": part, "reason": reason }));
        json!({
            "made_at": stamp(sources.now),
            "program": program(sources),
            "system": system(),
            "settings": settings.map(chosen),
            "health": self.checks.iter().map(health).collect::<Vec<_>>(),
            "accounts": self.accounts.as_ref().map(|all| all.iter().map(|one| self.account(one)).collect::<Vec<_>>()),
            "database": self.database(),
            "leases": self.leases.as_ref().map(|all| all.iter().map(lease).collect::<Vec<_>>()),
            "queues": self.queues.as_ref().map(queues),
            "untold": untold.collect::<Vec<_>>(),
        })
    }

    fn account(&self, account: &Account) -> Value {
        let status = self.statuses.iter().flatten().find(|status| status.account == account.id);
        let code = |status: &StoredStatus| status.last_error.as_ref().map(|(trouble, _)| trouble.code.as_str());
        json!({
            "account": account.id.to_string(),
            "channel": account.channel.as_str(),
            "enabled": account.enabled,
            "muted": account.muted,
            "state": status.map(|status| status.state.as_str()),
            "since": status.map(|status| stamp(status.since)),
            "heard_at": status.and_then(|status| at(status.heard_at)),
            "last_message_at": status.and_then(|status| at(status.last_message_at)),
            "lag_ms": status.and_then(|status| status.lag_ms),
            "missing": status.map(|status| if let AccountState::CatchingUp { done, total } = status.state {
                total.saturating_sub(done)
            } else { 0 }),
            "last_trouble": status.and_then(code),
            "last_trouble_at": status.and_then(|status| at(status.last_error.as_ref().map(|(_, when)| *when))),
            "mail": account.email.as_ref().map(|mail| json!({
                "imap": { "security": mail.imap_security.as_str(), "port": mail.imap.port },
                "smtp": { "security": mail.smtp_security.as_str(), "port": mail.smtp.port },
                "from_a_day_on": mail.since.is_some(),
                "own_authority": mail.ca_pem.is_some(),
                "more_folders": mail.folders.len(),
                "write_flags": mail.write_flags,
            })),
            "chat": account.telegram.as_ref().map(|chat| json!({
                "dc": chat.home_dc,
                "takes": chat.takes,
                "history_days": chat.history_days,
                "mark_read": chat.mark_read,
                "file_limit_kib": chat.file_limit >> 10,
                "proxy": chat.proxy.is_some(),
            })),
        })
    }

    fn database(&self) -> Value {
        let migration = |(version, name): &(i64, String)| format!("{version} {name}");
        let columns = |table: &str| -> Vec<String> {
            let own = self.columns.iter().flatten().filter(|column| column.table == table);
            own.map(|column| {
                let null = if column.nullable { "" } else { " not null" };
                format!("{} {}{null}", column.name, column.kind)
            })
            .collect()
        };
        let table = |table: &TableSize| {
            json!({
                "name": table.name, "rows_about": table.rows, "kib": table.bytes >> 10, "columns": columns(&table.name),
            })
        };
        json!({
            "server": self.server.as_ref().map(|server| json!({
                "version": server.version,
                "fsync": server.fsync,
                "checksums": server.checksums,
                "mib": server.bytes >> 20,
                "answered_ms": u64::try_from(server.answered_in.as_millis()).unwrap_or(u64::MAX),
            })),
            "migrations": self.migrations.as_ref().map(|status| json!({
                "applied": status.applied.iter().map(migration).collect::<Vec<_>>(),
                "not_applied": status.pending.iter().map(migration).collect::<Vec<_>>(),
                "least_program": status.min_client,
                "this_program": CLIENT_VERSION,
            })),
            "tables": self.tables.as_ref().map(|all| all.iter().map(table).collect::<Vec<_>>()),
        })
    }
}

/// The secrets of these accounts and of the bureau.
fn kept(accounts: &[Account]) -> Vec<SecretName> {
    let of_account = |account: &Account| -> &[SecretKind] {
        match account.channel {
            Channel::Email => &[SecretKind::MailPassword, SecretKind::MailTokens],
            Channel::Telegram => {
                &[SecretKind::TelegramSession, SecretKind::TelegramApiHash, SecretKind::TelegramProxyPassword]
            }
        }
    };
    let bureau = [SecretKind::DatabasePassword, SecretKind::ServerPassword];
    let mut names: Vec<_> = bureau.map(|kind| SecretName { kind, account: AccountId::BUREAU }).into();
    for account in accounts {
        names.extend(of_account(account).iter().map(|kind| SecretName { kind: *kind, account: account.id }));
    }
    names
}

/// Reads secrets, so that the redaction knows them in every encoding.
async fn learn(secrets: &Secrets, names: Vec<SecretName>) {
    for name in names {
        // One that cannot be read is not known; its shape still is.
        let _unread = secrets.get(name).await;
    }
}

fn program(sources: &Sources<'_>) -> Value {
    let database = sources.bureau.as_ref().ok();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "build": if cfg!(debug_assertions) { "debug" } else { "release" },
        "webview": tauri::webview_version().ok(),
        "database": database.map(|bureau| if bureau.has_private_database() { "private" } else { "server" }),
        "secrets": sources.secrets.as_ref().ok().map(|secrets| secrets.kind()),
    })
}

fn system() -> Value {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let named = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = memory.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let total = total.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    json!({
        "os": std::env::consts::OS,
        "processor": std::env::consts::ARCH,
        "name": named.map(|name| name.trim_matches('"')),
        "kernel": std::fs::read_to_string("/proc/sys/kernel/osrelease").ok().map(|text| text.trim().to_owned()),
        "desktop": std::env::var("XDG_CURRENT_DESKTOP").ok(),
        "session": std::env::var("XDG_SESSION_TYPE").ok(),
        "language": sys_locale::get_locale(),
        "processors": std::thread::available_parallelism().ok().map(usize::from),
        "memory_mib": total.map(|kib| kib >> 10),
    })
}

fn health(check: &Check) -> Value {
    json!({
        "name": check.name,
        "account": check.account,
        "state": check.state,
        "detail": checks::said(check),
        "repair": check.repair,
    })
}

fn lease(lease: &HeldLease) -> Value {
    json!({
        "account": lease.account.to_string(),
        "holder": lease.holder.id.to_string(),
        "since": stamp(lease.since),
        "valid": lease.valid,
        "free_in_s": lease.free_in.as_secs(),
    })
}

fn queues(queues: &Queues) -> Value {
    let outgoing = queues.outgoing.iter().map(|(state, count)| json!({ "state": state, "count": count }));
    json!({
        "outgoing": outgoing.collect::<Vec<_>>(),
        "search": queues.search,
        "unreadable": queues.quarantined,
        "facts": queues.facts,
    })
}
