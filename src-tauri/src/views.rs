//! Core's nouns as the window sees them.

mod chat;
mod outbox;
mod people;

use std::collections::HashMap;

pub use self::{
    chat::{is_writable, outgoing, read_entity, sign_in_step, version},
    outbox::{attached, mail_beginning, overlooked},
    people::{contact_link, found_person, person},
};

use skrynka_core::{
    logbook::{Level, PanicNote, Stats},
    model::{Account, AccountId, AccountState, Address, ChatKind, ConversationId, Direction, MessageId, Trouble},
    profile::{self, Density, NoticeSettings, Settings},
    secrets::Secrets,
    store::{
        self, Away, CLIENT_VERSION, Completeness, CompletenessSum, ConversationListing, ConversationPosition,
        ConversationSummary, HistoryPoint, LegacyColumn, LegacyRepair, MessagePosition, OutgoingState, Owner,
        Quarantined, Server, StoreError, StoredFile, StoredMessage, StoredStatus,
    },
};
use skrynka_mail::display_name;
use time::{Duration, OffsetDateTime, Time, format_description::well_known::Rfc3339};

use crate::{
    desk::Office,
    wire::{
        AccountStateView, AccountUnread, AccountView, AwayAccount, AwayView, BusinessHoursView, ChatRow, Check,
        CheckState, CompletenessView, ConversationFilter, ConversationKey, ConversationRow, ConversationView, Counts,
        ErrorCode, FileView, HistoryMark, LogLevelName, MailboxForm, MessageKey, MessageView, NoticePreferences,
        PersonView, Preferences, ProxyForm, QuarantinedView, SearchHit, SearchPage, TelegramForm, TelegramView, Theme,
        TroubleView, WireError, count, stamp,
    },
    wiring::{Bureau, Ground, free_bytes},
};

/// A message's text crosses up to this size; the rest is in the original.
const TEXT: usize = 64 * 1024;
/// Quarters of an hour in a day.
const QUARTERS: usize = 96;
/// What goes out and has not gone for so long is late.
const LATE: Duration = Duration::minutes(10);
/// Texts and mails that are counted at most.
const UNSENT: i64 = 10_000;
/// A listener that has not said anything for this long has ended.
const SILENT: time::Duration = time::Duration::minutes(10);
/// What was compared longer ago says nothing of the present.
const OLD_COMPARISON: Duration = Duration::days(1);
/// A statement that runs longer is named.
const SLOW: std::time::Duration = std::time::Duration::from_secs(30);
/// A live account hears something at least this often: mail renews IDLE, Telegram pings.
const UNHEARD: Duration = Duration::minutes(15);
/// Milliseconds from the server's push to the row that are too many.
const SLOW_ROAD: i32 = 10_000;
/// Seconds by which a clock may be wrong.
const CLOCK_OFF: f64 = 60.0;
/// A silence that is shorter says nothing.
const SHORT: Duration = Duration::minutes(30);
/// So many messages in each of the four weeks before make a silence worth a word.
const USUAL: i64 = 5;
/// A certificate that ends sooner is named, in days.
const CERTIFICATE_DAYS: i64 = 14;
/// Less room than this on the profile's disk is worth a warning.
const LITTLE_ROOM: u64 = 1 << 30;

impl From<StoreError> for WireError {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::NotFound(_) => ErrorCode::NotFound,
            StoreError::AccountExists(_) | StoreError::ShortcutTaken(_) => ErrorCode::AlreadyExists,
            StoreError::Unreachable(_)
            | StoreError::SignIn(_)
            | StoreError::DiskFull(_)
            | StoreError::SchemaTooNew { .. }
            | StoreError::Migration(_)
            | StoreError::Inconsistent(_)
            | StoreError::Refused(_)
            | StoreError::LeaseLost
            | StoreError::Spool(_) => ErrorCode::Database,
        };
        Self { code, detail: skrynka_core::chain(&error) }
    }
}

/// Every account with its live state.
pub async fn accounts(office: &Office) -> Result<Vec<AccountView>, WireError> {
    let counts = office.bureau.store.message_counts().await?.into_iter().collect();
    uncounted_accounts(office, &counts).await
}

/// Every account with its live state and the counts that are given. Counting takes time in a large office.
pub async fn uncounted_accounts(
    office: &Office,
    counts: &HashMap<AccountId, [i64; 3]>,
) -> Result<Vec<AccountView>, WireError> {
    let store = &office.bureau.store;
    let accounts = store.accounts().await?;
    let mut stored: HashMap<AccountId, StoredStatus> =
        store.statuses().await?.into_iter().map(|status| (status.account, status)).collect();
    let history = store.history().await?;
    let owners = store.owners().await?;
    let now = office.bureau.clock.now();
    let live: HashMap<AccountId, _> =
        office.engine.statuses().into_iter().map(|status| (status.account, status)).collect();
    Ok(accounts
        .into_iter()
        .map(|account| {
            let before = stored.remove(&account.id);
            let status = live.get(&account.id);
            let state = status.map_or(AccountState::Idle, |status| status.state.clone());
            let last_error = status
                .and_then(|status| status.last_error.clone())
                .or_else(|| before.as_ref().and_then(|status| status.last_error.clone()));
            let last_message_at = status
                .and_then(|status| status.last_message_at)
                .or_else(|| before.as_ref().and_then(|status| status.last_message_at));
            let [stored, unread, quarantined] = counts.get(&account.id).copied().unwrap_or_default();
            AccountView {
                id: account.id.to_string(),
                channel: account.channel.as_str().to_owned(),
                address: account.address().to_owned(),
                enabled: account.enabled,
                muted: account.muted,
                state_since: stamp(status.map_or(now, |status| status.since)),
                last_message_at: last_message_at.map(stamp),
                last_heard_at: status.and_then(|status| status.heard_at).map(stamp),
                lag_ms: status.and_then(|status| status.lag_ms).map(count),
                backlog: status.map_or(0, |status| count(status.backlog())),
                last_error: last_error.map(|(trouble, at)| trouble_view(trouble, at)),
                unread: count(unread),
                stored: count(stored),
                quarantined: count(quarantined),
                mailbox: mailbox(&account),
                telegram: telegram(&account, owners.iter().find(|owner| owner.account == account.id)),
                history: marks(&history, account.id, now),
                state: state_view(state, now),
                name: account.name,
                code: account.code,
                color: u8::try_from(account.color).unwrap_or(1),
            }
        })
        .collect())
}

/// A level as the window chooses it.
pub fn level_name(level: Level) -> LogLevelName {
    match level {
        Level::Trace | Level::Debug => LogLevelName::Debug,
        Level::Info => LogLevelName::Info,
        Level::Warn => LogLevelName::Warn,
        Level::Error => LogLevelName::Error,
    }
}

/// What a manager has chosen.
pub fn preferences(settings: &Settings) -> Preferences {
    let NoticeSettings { enabled, preview, sound, do_not_disturb, quiet_hours } = settings.notices;
    let clock = |at: Time| format!("{:02}:{:02}", at.hour(), at.minute());
    Preferences {
        language: settings.language.clone(),
        theme: match settings.theme {
            profile::Theme::System => Theme::System,
            profile::Theme::Light => Theme::Light,
            profile::Theme::Dark => Theme::Dark,
        },
        compact: settings.density == Density::Compact,
        log_level: level_name(settings.log_level),
        server_url: settings.database.server_url.clone(),
        notices: NoticePreferences {
            enabled,
            preview,
            sound,
            do_not_disturb,
            quiet_hours: quiet_hours.on,
            quiet_from: clock(quiet_hours.from),
            quiet_to: clock(quiet_hours.to),
        },
        close_to_tray: settings.close_to_tray.on,
        undo_seconds: settings.undo(),
        chat_undo_seconds: settings.chat_undo_seconds,
        me: settings.me.clone(),
        managers: settings.managers.clone(),
        business_hours: BusinessHoursView {
            days: settings.business_hours.days.clone(),
            from: clock(settings.business_hours.from),
            to: clock(settings.business_hours.to),
        },
    }
}

/// Reads `HH:MM`.
pub fn wall_clock(text: &str) -> Result<Time, WireError> {
    Time::parse(text, time::macros::format_description!("[hour]:[minute]"))
        .map_err(|_| WireError { code: ErrorCode::InvalidInput, detail: "time".to_owned() })
}

/// The counts of the sidebar; `me` is the one who asks.
pub async fn counts(office: &Office, me: Option<&str>) -> Result<Counts, WireError> {
    let store = &office.bureau.store;
    let counts = store.conversation_counts(me).await?;
    let accounts = store.message_counts().await?.into_iter();
    Ok(Counts {
        conversations: count(counts.all),
        unread: count(counts.unread),
        waiting: count(counts.waiting),
        mine: count(counts.mine),
        unassigned: count(counts.unassigned),
        done: count(counts.done),
        stuck_texts: count(counts.stuck_texts),
        accounts: accounts
            .map(|(account, [_, unread, _])| AccountUnread { id: account.to_string(), unread: count(unread) })
            .collect(),
    })
}

/// An account's settings as the form that edits them.
pub fn mailbox(account: &Account) -> Option<MailboxForm> {
    let email = account.email.clone()?;
    Some(MailboxForm {
        name: account.name.clone(),
        address: email.address,
        imap_host: email.imap.host,
        imap_port: email.imap.port,
        imap_security: email.imap_security.into(),
        smtp_host: email.smtp.host,
        smtp_port: email.smtp.port,
        smtp_security: email.smtp_security.into(),
        user: email.user,
        auth: email.auth.into(),
        since: email.since.map(|since| since.date().to_string()),
        ca_file: None,
        folders: email.folders,
        write_flags: email.write_flags,
        color: u8::try_from(account.color).unwrap_or(0),
    })
}

/// A Telegram account's settings and identity.
fn telegram(account: &Account, owner: Option<&Owner>) -> Option<TelegramView> {
    let telegram = account.telegram.as_ref()?;
    Some(TelegramView {
        phone: telegram.phone.clone(),
        user_name: owner.map(|owner| owner.name.clone()).unwrap_or_default(),
        username: owner.and_then(|owner| owner.username.clone()),
        api_id: count(telegram.api_id),
        dc: telegram.home_dc,
        settings: TelegramForm {
            name: account.name.clone(),
            color: u8::try_from(account.color).unwrap_or(0),
            groups: telegram.takes.groups,
            channels: telegram.takes.channels,
            bots: telegram.takes.bots,
            history_days: telegram.history_days,
            mark_read: telegram.mark_read,
            file_limit_kib: count(telegram.file_limit >> 10),
            proxy: telegram.proxy.as_ref().map(|proxy| ProxyForm {
                host: proxy.server.host.clone(),
                port: proxy.server.port,
                user: proxy.user.clone(),
            }),
        },
    })
}

/// Which conversations are asked for; `me` is the one who asks.
pub fn listing(filter: &ConversationFilter, me: Option<&str>) -> Result<ConversationListing, WireError> {
    let account = filter.account.as_deref().map(str::parse).transpose().map_err(|_| bad("account"))?;
    let channel = filter.channel.as_deref().map(str::parse).transpose().map_err(|_| bad("channel"))?;
    let view = match filter.view {
        ConversationView::All => store::ConversationView::All,
        ConversationView::Mine => store::ConversationView::AssignedTo(me.unwrap_or_default().to_owned()),
        ConversationView::Unassigned => store::ConversationView::Unassigned,
        ConversationView::Waiting => store::ConversationView::Waiting,
        ConversationView::Done => store::ConversationView::Done,
    };
    Ok(ConversationListing { view, account, channel, unread_only: filter.unread_only })
}

/// A row of the list.
pub fn conversation(summary: ConversationSummary) -> ConversationRow {
    let name = if summary.peer_name.is_empty() { summary.peer_address.clone() } else { summary.peer_name };
    ConversationRow {
        key: ConversationKey { account: summary.account.to_string(), id: summary.id.to_string() },
        company: match &summary.chat {
            Some(chat) => !matches!(chat.kind, ChatKind::Private | ChatKind::Bot),
            None => looks_like_a_company(&name),
        },
        name,
        address: summary.peer_address.clone(),
        subject: summary.subject,
        snippet: summary.snippet,
        last_is_ours: summary.last_direction == Direction::Out,
        last_at: stamp(summary.last_at),
        unread: count(summary.unread),
        messages: count(summary.messages),
        has_files: summary.files > 0,
        unreadable: summary.last_unreadable,
        muted_until: summary.muted_until.map(stamp),
        triage: summary.triage.into(),
        assignee: summary.assignee,
        stuck_texts: count(summary.stuck_texts),
        chat: summary.chat.map(|chat| ChatRow {
            kind: chat.kind.into(),
            username: summary.peer_address.strip_prefix('@').map(ToOwned::to_owned),
            last_author: chat.last_author,
            last_media: chat.last_media,
            writable: is_writable(chat.kind),
        }),
    }
}

/// Names with their addresses.
fn people(people: Vec<Address>) -> Vec<PersonView> {
    people.into_iter().map(|person| PersonView { name: person.name, address: person.address }).collect()
}

/// A message of a conversation.
pub fn message(message: StoredMessage) -> MessageView {
    let (text, text_cut) = cut(message.text);
    MessageView {
        key: MessageKey { account: message.account.to_string(), id: message.id.to_string() },
        conversation: message.conversation.to_string(),
        ours: message.direction == Direction::Out,
        chat: message.chat.map(|stored| chat::chat_message(*stored, &message.author.name)),
        author_name: message.author.name,
        author_address: message.author.address,
        to: people(message.to),
        cc: people(message.cc),
        subject: message.subject,
        quote_from: quote_from(&text),
        text,
        text_cut,
        has_html: message.has_html,
        sent_at: message.sent_at.map(stamp),
        received_at: stamp(message.received_at),
        arrived_at: stamp(message.arrived_at),
        stored_at: stamp(message.stored_at),
        seen: message.seen,
        answered: message.answered,
        gone_at: message.deleted_at.map(stamp),
        unreadable: message.unreadable,
        kib: count((message.size + 1023) / 1024),
        files: message.files.into_iter().filter(|file| !file.inline).map(|one| file(message.account, one)).collect(),
    }
}

fn file(account: AccountId, mut file: StoredFile) -> FileView {
    let name = file_name(&file);
    FileView {
        id: file.id.to_string(),
        risky: is_risky(&name),
        media: file.media.take().map(|media| chat::chat_file(account, &file, media)),
        name,
        mime: file.mime,
        size: count(file.size),
    }
}

/// A name that is safe to save a file under.
pub fn file_name(file: &StoredFile) -> String {
    if file.media.is_some() {
        return chat::file_name(file);
    }
    skrynka_mail::parse::clean_file_name(&file.name, &file.mime)
}

/// Tells whether the system could run a file of this name instead of showing it.
pub fn is_risky(name: &str) -> bool {
    const RISKY: &[&str] = &[
        "exe",
        "com",
        "scr",
        "pif",
        "bat",
        "cmd",
        "msi",
        "msix",
        "ps1",
        "vbs",
        "vbe",
        "js",
        "jse",
        "wsf",
        "hta",
        "lnk",
        "url",
        "jar",
        "reg",
        "cpl",
        "dll",
        "iso",
        "img",
        "vhd",
        "vhdx",
        "app",
        "dmg",
        "pkg",
        "command",
        "sh",
        "run",
        "desktop",
        "appimage",
        "deb",
        "rpm",
        "py",
        "pl",
        "rb",
        "docm",
        "xlsm",
        "pptm",
        "dotm",
        "xlam",
        "html",
        "htm",
        "xhtml",
        "shtml",
        "svg",
        "mht",
        "mhtml",
        "chm",
        "one",
        "xll",
        "msc",
        "scf",
        "apk",
        "flatpakref",
    ];
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()).unwrap_or_default();
    RISKY.contains(&extension.as_str())
}

/// Hits with their conversations.
pub async fn search(
    office: &Office,
    text: &str,
    account: Option<AccountId>,
    after: Option<&str>,
    limit: u16,
) -> Result<SearchPage, WireError> {
    let store = &office.bureau.store;
    let after = after.map(read_hit_position).transpose()?;
    let hits = store.search(text, account, after, limit.into()).await?;
    let keys: Vec<_> = hits.iter().map(|hit| (hit.account, hit.conversation)).collect();
    let rows: HashMap<(AccountId, ConversationId), ConversationRow> = store
        .conversations_by_key(&keys)
        .await?
        .into_iter()
        .map(|summary| ((summary.account, summary.id), conversation(summary)))
        .collect();
    let next = (hits.len() == usize::from(limit))
        .then(|| hits.last().map(|hit| write_position(hit.received_at, &[&hit.account, &hit.message])))
        .flatten();
    let hits = hits
        .into_iter()
        .filter_map(|hit| {
            Some(SearchHit {
                message: MessageKey { account: hit.account.to_string(), id: hit.message.to_string() },
                conversation: rows.get(&(hit.account, hit.conversation))?.clone(),
                subject: hit.subject,
                snippet: hit.snippet,
                at: stamp(hit.received_at),
            })
        })
        .collect();
    Ok(SearchPage { hits, next, pending: count(store.search_pending().await?) })
}

/// Looks at what stands without a database: the disk and the log.
pub async fn ground_checks(ground: &Ground) -> Vec<Check> {
    vec![disk(ground), logs(ground).await, panics(ground)]
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
    let schema = schema(bureau).await;
    let usable = schema.state == CheckState::Ok;
    let server = bureau.store.server(now).await;
    let mut checks = vec![database(bureau, &server), schema];
    if !usable {
        return checks;
    }
    if look == Look::Thorough {
        checks.push(summaries(bureau).await);
    }
    let pending = bureau.store.search_pending().await;
    checks.push(search_index(now, &pending));
    checks.push(outbox(bureau).await);
    checks.push(clock(bureau, &server).await);
    checks.extend(legacy(bureau).await);
    checks.push(quarantine(bureau).await);
    match (bureau.store.accounts().await, bureau.store.statuses().await) {
        (Ok(accounts), Ok(statuses)) => {
            let folders = bureau.store.completeness(None).await;
            if let Err(error) = &folders {
                checks.push(check(now, "completeness", CheckState::Unknown, skrynka_core::chain(error), None));
            }
            let folders = folders.unwrap_or_default();
            for account in accounts {
                checks.extend(completeness_check(now, &account, &folders));
                let status = statuses.iter().find(|status| status.account == account.id);
                checks.push(account_check(now, &account, status));
                checks.extend(certificate_check(now, &account, status));
                // What came last is looked for in the search index, which may be behind.
                let live = status.is_some_and(|status| account.enabled && status.state == AccountState::Live);
                if live && matches!(pending, Ok(0)) {
                    checks.extend(silence(bureau, &account).await);
                }
                // Reading a secret may make the system ask the person to unlock: not every few minutes.
                if account.telegram.is_some() && look == Look::Thorough {
                    checks.extend(no_session(bureau, &account).await);
                }
            }
        }
        (Err(error), _) | (_, Err(error)) => {
            checks.push(check(now, "account", CheckState::Unknown, skrynka_core::chain(&error), None));
        }
    }
    checks
}

/// How many of the checks want something of a person.
pub fn needing(checks: &[Check]) -> u32 {
    count(checks.iter().filter(|check| check.repair.is_some()).count())
}

/// A step at which everything ended.
pub fn failed_check(now: OffsetDateTime, name: &str, detail: String, repair: Option<&str>) -> Check {
    check(now, name, CheckState::Failed, detail, repair)
}

/// A step that could not be looked at.
pub fn unknown_check(now: OffsetDateTime, name: &str, detail: &str) -> Check {
    check(now, name, CheckState::Unknown, detail.to_owned(), None)
}

/// Tells whether what is stored of an account's listener is too old to be true of the present: who listens says so
/// every few minutes.
pub fn nobody_listens(account: &Account, status: &StoredStatus, now: OffsetDateTime) -> bool {
    account.enabled && now - status.updated_at > SILENT
}

fn check(now: OffsetDateTime, name: &str, state: CheckState, detail: String, repair: Option<&str>) -> Check {
    Check {
        name: name.to_owned(),
        account: None,
        state,
        detail,
        repair: repair.map(ToOwned::to_owned),
        checked_at: stamp(now),
    }
}

/// What goes out and has not gone: red where a person has to decide, yellow where it is late.
async fn outbox(bureau: &Bureau) -> Check {
    let now = bureau.clock.now();
    let unsent = match bureau.store.unsent(UNSENT).await {
        Ok(unsent) => unsent,
        Err(error) => return check(now, "outbox", CheckState::Unknown, skrynka_core::chain(&error), None),
    };
    let count = |state| unsent.iter().filter(|one| one.state == state).count();
    let (failed, uncertain) = (count(OutgoingState::Failed), count(OutgoingState::Uncertain));
    let late = unsent.iter().filter(|one| {
        let due = one.send_at.unwrap_or(one.created_at);
        matches!(one.state, OutgoingState::Waiting | OutgoingState::Sending) && now - due > LATE
    });
    let late = late.count();
    let detail = format!("{} on their way, {late} late, {failed} failed, {uncertain} perhaps sent", unsent.len());
    let state = match (failed + uncertain, late) {
        (0, 0) => CheckState::Ok,
        (0, _) => CheckState::Warn,
        _ => CheckState::Failed,
    };
    check(now, "outbox", state, detail, (state == CheckState::Failed).then_some("outbox"))
}

fn database(bureau: &Bureau, server: &Result<Server, StoreError>) -> Check {
    let now = bureau.clock.now();
    match server {
        Ok(server) => {
            let crowded = server.connections * 10 > server.max_connections * 9;
            let well = server.fsync && server.checksums && !crowded && server.longest < SLOW;
            let state = if well { CheckState::Ok } else { CheckState::Warn };
            let detail = format!(
                "Postgres {}, {}, fsync {}, checksums {}, {} MiB, answered in {} ms, {} of {} connections, longest \
                 statement {} s",
                server.version,
                if bureau.has_private_database() { "private" } else { "server" },
                if server.fsync { "on" } else { "off" },
                if server.checksums { "on" } else { "off" },
                server.bytes >> 20,
                server.answered_in.as_millis(),
                server.connections,
                server.max_connections,
                server.longest.as_secs()
            );
            check(now, "database", state, detail, None)
        }
        Err(error) => check(now, "database", CheckState::Failed, skrynka_core::chain(error), Some("retry_database")),
    }
}

async fn schema(bureau: &Bureau) -> Check {
    let now = bureau.clock.now();
    match bureau.store.migration_status().await {
        Ok(status) if status.min_client > CLIENT_VERSION => {
            let detail = format!("it needs a program of version {}; this one is {CLIENT_VERSION}", status.min_client);
            check(now, "schema", CheckState::Failed, detail, None)
        }
        Ok(status) if status.pending.is_empty() => {
            check(now, "schema", CheckState::Ok, format!("{} migrations applied", status.applied.len()), None)
        }
        Ok(status) => {
            let detail = format!("{} migrations not applied", status.pending.len());
            check(now, "schema", CheckState::Failed, detail, Some("migrate"))
        }
        Err(error) => check(now, "schema", CheckState::Unknown, skrynka_core::chain(&error), None),
    }
}

async fn summaries(bureau: &Bureau) -> Check {
    let now = bureau.clock.now();
    match bureau.store.wrong_summaries().await {
        Ok(0) => check(now, "summaries", CheckState::Ok, "every summary agrees with its messages".to_owned(), None),
        Ok(wrong) => {
            check(now, "summaries", CheckState::Warn, format!("{wrong} summaries disagree with their messages"), None)
        }
        Err(error) => check(now, "summaries", CheckState::Unknown, skrynka_core::chain(&error), None),
    }
}

fn search_index(now: OffsetDateTime, pending: &Result<i64, StoreError>) -> Check {
    match pending {
        Ok(0) => check(now, "search", CheckState::Ok, "every message can be found".to_owned(), None),
        Ok(pending) => {
            let detail = format!("{pending} messages wait for the search index");
            check(now, "search", CheckState::Warn, detail, None)
        }
        Err(error) => check(now, "search", CheckState::Unknown, skrynka_core::chain(&error), None),
    }
}

/// Compares this computer's clock with the database's, where that is another computer's, and with the mail and Telegram
/// servers' as far as what came lately tells. That ours is ahead of theirs cannot be told from mails that were late.
async fn clock(bureau: &Bureau, database: &Result<Server, StoreError>) -> Check {
    let now = bureau.clock.now();
    let servers = bureau.store.servers_ahead(now).await;
    let (database, servers) = match (database, &servers) {
        (Ok(database), Ok(servers)) => (database, *servers),
        (Err(error), _) | (_, Err(error)) => {
            return check(now, "clock", CheckState::Unknown, skrynka_core::chain(error), None);
        }
    };
    let team = !bureau.has_private_database();
    let seconds = Duration::milliseconds(database.ahead_ms).as_seconds_f64();
    let mut said = Vec::new();
    if team {
        said.push(format!("the database's clock is {seconds:+.1} s from this computer's"));
    }
    if let Some(ahead) = servers {
        said.push(match ahead > 0.0 {
            true => format!("servers received messages {ahead:.0} s after this computer"),
            false => "no server received a message after this computer".to_owned(),
        });
    }
    let wrong = team && seconds.abs() > CLOCK_OFF || servers.is_some_and(|ahead| ahead > CLOCK_OFF);
    match (wrong, said.is_empty()) {
        (_, true) => check(now, "clock", CheckState::Unknown, "no server has told the time today".to_owned(), None),
        (true, false) => check(now, "clock", CheckState::Warn, said.join(", "), Some("set_clock")),
        (false, false) => check(now, "clock", CheckState::Ok, said.join(", "), None),
    }
}

/// Whether an account's customers are silent at hours at which they were not in any of the four weeks before.
async fn silence(bureau: &Bureau, account: &Account) -> Option<Check> {
    let now = bureau.clock.now();
    let (state, detail) = match bureau.store.rhythm(account.id, now).await {
        Ok(rhythm) if rhythm.usual >= USUAL && now - rhythm.silent_since > SHORT => (
            CheckState::Warn,
            format!(
                "{}: nothing since {}, where at least {} messages came in each of the four weeks before",
                account.name,
                stamp(rhythm.silent_since),
                rhythm.usual
            ),
        ),
        Ok(_) => return None,
        Err(error) => (CheckState::Unknown, skrynka_core::chain(&error)),
    };
    let repair = (state == CheckState::Warn).then_some("retry_account");
    Some(Check { account: Some(account.id.to_string()), ..check(now, "silence", state, detail, repair) })
}

/// How long the certificate of an account's server is good for.
fn certificate_check(now: OffsetDateTime, account: &Account, status: Option<&StoredStatus>) -> Option<Check> {
    let until = status?.certificate_until.filter(|_| account.enabled)?;
    let days = (until - now).whole_days();
    let (state, repair) = match days {
        ..0 => (CheckState::Failed, Some("renew_certificate")),
        0..CERTIFICATE_DAYS => (CheckState::Warn, Some("renew_certificate")),
        _ => (CheckState::Ok, None),
    };
    let detail = format!("{}: the server's certificate is good until {}, {days} days", account.name, stamp(until));
    Some(Check { account: Some(account.id.to_string()), ..check(now, "certificate", state, detail, repair) })
}

/// Looks at the old system's accounts, where they stand in the same database.
async fn legacy(bureau: &Bureau) -> Option<Check> {
    let now = bureau.clock.now();
    let columns = match bureau.store.legacy().await {
        Ok(columns) => columns,
        Err(error) => return Some(check(now, "legacy", CheckState::Unknown, skrynka_core::chain(&error), None)),
    };
    let name = |column: &LegacyColumn| {
        let was = column.was.as_deref().unwrap_or("missing");
        format!("{}.{} is {was}", column.table, column.column)
    };
    let wrong: Vec<String> = columns.iter().filter(|column| column.repair != LegacyRepair::Right).map(name).collect();
    if columns.is_empty() {
        None
    } else if wrong.is_empty() {
        let detail = columns.iter().map(name).collect::<Vec<_>>().join(", ");
        Some(check(now, "legacy", CheckState::Ok, detail, None))
    } else {
        Some(check(now, "legacy", CheckState::Warn, wrong.join(", "), Some("repair_legacy")))
    }
}

/// Reads a secret that need not exist: what counts is that the store answers.
pub async fn secrets_check(ground: &Ground, secrets: &Secrets) -> Check {
    let now = ground.clock.now();
    let name = skrynka_core::secrets::SecretName {
        kind: skrynka_core::secrets::SecretKind::DatabasePassword,
        account: AccountId::BUREAU,
    };
    match secrets.get(name).await {
        Ok(_) => check(now, "secrets", CheckState::Ok, format!("the {} answers", secrets.kind()), None),
        Err(error) => check(now, "secrets", CheckState::Failed, skrynka_core::chain(&error), Some("open_vault")),
    }
}

fn disk(ground: &Ground) -> Check {
    let now = ground.clock.now();
    match free_bytes(ground.profile.root()) {
        Some(free) if free < LITTLE_ROOM => {
            check(now, "disk", CheckState::Warn, format!("{} MiB free", free >> 20), Some("free_disk"))
        }
        Some(free) => check(now, "disk", CheckState::Ok, format!("{} MiB free", free >> 20), None),
        None => check(now, "disk", CheckState::Unknown, "the free room is not known".to_owned(), None),
    }
}

async fn logs(ground: &Ground) -> Check {
    let now = ground.clock.now();
    let reader = ground.logbook.reader();
    let stats = tokio::task::spawn_blocking(move || reader.stats()).await;
    match stats {
        Ok(Ok(Stats { memory_only: Some(reason), .. })) => check(now, "logs", CheckState::Failed, reason, None),
        Ok(Ok(stats)) => {
            let state = if stats.dropped == 0 { CheckState::Ok } else { CheckState::Warn };
            let detail =
                format!("{} KiB in {} files, {} lines dropped", stats.bytes / 1024, stats.files, stats.dropped);
            check(now, "logs", state, detail, None)
        }
        Ok(Err(error)) => check(now, "logs", CheckState::Failed, skrynka_core::chain(&error), None),
        Err(error) => check(now, "logs", CheckState::Unknown, error.to_string(), None),
    }
}

/// Whether a panic has left a note that nobody has put aside.
fn panics(ground: &Ground) -> Check {
    let now = ground.clock.now();
    let notes: Vec<PanicNote> = ground.panics().all().into_iter().filter(|note| !note.seen).collect();
    match notes.first() {
        None => check(now, "panics", CheckState::Ok, "no defect of the program was noted".to_owned(), None),
        Some(last) => {
            let PanicNote { at, version, location, said, .. } = last;
            let detail = format!("{} noted, the last {at} in version {version}, {location}: {said}", notes.len());
            check(now, "panics", CheckState::Warn, detail, Some("support_report"))
        }
    }
}

/// Looks whether the keyring still holds a Telegram account's session.
async fn no_session(bureau: &Bureau, account: &Account) -> Option<Check> {
    let kind = skrynka_core::secrets::SecretKind::TelegramSession;
    let (state, detail) =
        match bureau.secrets.get(skrynka_core::secrets::SecretName { kind, account: account.id }).await {
            Ok(Some(_)) => return None,
            Ok(None) => (CheckState::Failed, format!("{}: no session is kept", account.name)),
            Err(error) => (CheckState::Unknown, skrynka_core::chain(&error)),
        };
    Some(Check {
        account: Some(account.id.to_string()),
        ..check(bureau.clock.now(), "account", state, detail, Some("sign_in"))
    })
}

fn account_check(now: OffsetDateTime, account: &Account, status: Option<&StoredStatus>) -> Check {
    let silent = status.is_some_and(|status| nobody_listens(account, status, now));
    let unheard = status.filter(|status| status.state == AccountState::Live).and_then(|status| status.heard_at);
    let unheard = unheard.map(|heard| now - heard).filter(|ago| *ago > UNHEARD);
    let slow = status.and_then(|status| status.lag_ms).filter(|lag| *lag > SLOW_ROAD);
    let (state, repair) = match status.filter(|_| !silent).map(|status| &status.state) {
        None => (CheckState::Unknown, None),
        Some(AccountState::Live) if unheard.is_some() => (CheckState::Warn, Some("retry_account")),
        Some(AccountState::Live) if slow.is_some() => (CheckState::Warn, None),
        Some(AccountState::Live | AccountState::Elsewhere { .. }) => (CheckState::Ok, None),
        Some(AccountState::Stopped) if !account.enabled => (CheckState::Ok, None),
        Some(AccountState::Idle | AccountState::Stopped | AccountState::Connecting) => (CheckState::Unknown, None),
        Some(AccountState::CatchingUp { .. }) => (CheckState::Warn, None),
        Some(AccountState::BackingOff { .. } | AccountState::Limited { .. }) => {
            (CheckState::Warn, Some("retry_account"))
        }
        Some(AccountState::NeedsSignIn { .. } | AccountState::Misconfigured { .. }) => {
            (CheckState::Failed, Some("sign_in"))
        }
    };
    let detail = status.map_or_else(
        || format!("{}: never listened to", account.name),
        |status| {
            let why = status.state.trouble().map(|why| format!(": {}", why.detail)).unwrap_or_default();
            let (name, state) = (&account.name, status.state.as_str());
            if silent {
                format!("{name}: nobody is listening; last heard of {}, {state}{why}", stamp(status.updated_at))
            } else {
                let unheard = unheard.map(|ago| format!(", nothing heard for {} min", ago.whole_minutes()));
                let slow = slow.map(|lag| format!(", the last message took {lag} ms into the database"));
                let (unheard, slow) = (unheard.unwrap_or_default(), slow.unwrap_or_default());
                format!("{name}: {state} since {}{why}{unheard}{slow}", stamp(status.since))
            }
        },
    );
    Check { account: Some(account.id.to_string()), ..check(now, "account", state, detail, repair) }
}

/// What an account's folders held when they were last compared; `None` where they never were.
fn completeness_check(now: OffsetDateTime, account: &Account, folders: &[Completeness]) -> Option<Check> {
    let CompletenessSum { folders, held, missing, since } =
        CompletenessSum::of(folders.iter().filter(|folder| folder.account == account.id));
    let checked_at = since?;
    let (state, repair) = match missing {
        _ if now - checked_at > OLD_COMPARISON => (CheckState::Unknown, None),
        0 => (CheckState::Ok, None),
        _ => (CheckState::Warn, Some("fetch_missing")),
    };
    let name = &account.name;
    let what = if account.telegram.is_some() { "chats" } else { "folders" };
    let detail = format!("{name}: {missing} of {held} missing in {folders} {what}, compared {}", stamp(checked_at));
    Some(Check { account: Some(account.id.to_string()), ..check(now, "completeness", state, detail, repair) })
}

/// A message that could not be read.
pub fn quarantined(message: Quarantined) -> QuarantinedView {
    let account = message.account.to_string();
    let place = if message.title.is_empty() { display_name(&message.place.mailbox) } else { message.title };
    QuarantinedView {
        key: MessageKey { account: account.clone(), id: message.id.to_string() },
        conversation: ConversationKey { account, id: message.conversation.to_string() },
        place,
        number: message.place.number,
        received_at: stamp(message.received_at),
        reason: message.reason,
        size: count(message.size),
        whole: message.whole,
        tries: message.tries,
        last_tried_at: stamp(message.last_tried_at),
        dismissed: message.dismissed_at.is_some(),
    }
}

/// What could not be read and nobody has dismissed.
async fn quarantine(bureau: &Bureau) -> Check {
    let now = bureau.clock.now();
    match bureau.store.quarantine_counts().await {
        Ok([open, dismissed]) => {
            let state = if open == 0 { CheckState::Ok } else { CheckState::Warn };
            let detail = format!("{open} messages that cannot be read, {dismissed} dismissed");
            check(now, "quarantine", state, detail, (open > 0).then_some("quarantine"))
        }
        Err(error) => check(now, "quarantine", CheckState::Unknown, skrynka_core::chain(&error), None),
    }
}

/// What came of the outages.
pub fn away(away: Away) -> AwayView {
    let came = |(account, came): (AccountId, u64)| AwayAccount { account: account.to_string(), came: count(came) };
    let (longest, longest_since) = match away.longest {
        Some((account, id, since)) => {
            let key = ConversationKey { account: account.to_string(), id: id.to_string() };
            (Some(key), Some(stamp(since)))
        }
        None => (None, None),
    };
    AwayView {
        began_at: stamp(away.began_at),
        ended_at: stamp(away.ended_at),
        accounts: away.accounts.into_iter().map(came).collect(),
        waiting: count(away.waiting),
        longest,
        longest_since,
        late: count(away.late),
    }
}

/// How a folder stood when it was last compared with its server.
pub fn completeness(folder: Completeness) -> CompletenessView {
    CompletenessView {
        account: folder.account.to_string(),
        mailbox: folder.mailbox,
        name: folder.name,
        checked_at: stamp(folder.checked_at),
        held: count(folder.held),
        missing: count(folder.missing),
    }
}

/// Names with a legal form, a quotation mark or no second word of a person are shown as companies.
fn looks_like_a_company(name: &str) -> bool {
    const FORMS: &[&str] = &[
        "тов",
        "тзов",
        "прат",
        "пп",
        "ат",
        "фоп",
        "ltd",
        "llc",
        "gmbh",
        "inc",
        "sp.",
        "s.a.",
        "s.c.",
        "kancelaria",
        "бюро",
        "контора",
        "biuro",
        "університет",
        "uniwersytet",
        "суд",
        "sąd",
    ];
    let lower = name.to_lowercase();
    name.contains(['«', '"', '„']) || lower.split([' ', ',']).any(|word| FORMS.contains(&word))
}

fn cut(mut text: String) -> (String, bool) {
    if text.len() <= TEXT {
        return (text, false);
    }
    let end = (0..=TEXT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.truncate(end);
    (text, true)
}

/// Finds where the quoted earlier text starts: the first line of a run of quoted lines that reaches to the end, with
/// the line above it that introduces it.
fn quote_from(text: &str) -> Option<u32> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let is_quoted = |line: &str| line.trim_start().starts_with('>') || line.trim().is_empty();
    let mut first = lines.iter().rposition(|line| !is_quoted(line)).map_or(0, |last| last + 1);
    if !lines.get(first..)?.iter().any(|line| line.trim_start().starts_with('>')) {
        return None;
    }
    if first > 0 && lines.get(first - 1).is_some_and(|line| line.trim_end().ends_with(':')) {
        first -= 1;
    }
    (first > 0).then(|| count(lines.iter().take(first).map(|line| line.encode_utf16().count()).sum::<usize>()))
}

fn state_view(state: AccountState, now: OffsetDateTime) -> AccountStateView {
    let why = |trouble: Trouble| trouble_view(trouble, now);
    match state {
        AccountState::Idle => AccountStateView::Idle,
        AccountState::Connecting => AccountStateView::Connecting,
        AccountState::CatchingUp { done, total } => {
            AccountStateView::CatchingUp { done: count(done), total: count(total) }
        }
        AccountState::Live => AccountStateView::Live,
        AccountState::BackingOff { until, why: trouble, attempt } => {
            AccountStateView::BackingOff { until: stamp(until), why: why(trouble), attempt }
        }
        AccountState::NeedsSignIn { why: trouble } => AccountStateView::NeedsSignIn { why: why(trouble) },
        AccountState::Misconfigured { why: trouble } => AccountStateView::Misconfigured { why: why(trouble) },
        AccountState::Limited { until, why: trouble } => {
            AccountStateView::Limited { until: stamp(until), why: why(trouble) }
        }
        AccountState::Elsewhere { holder, since } => AccountStateView::Elsewhere { holder, since: stamp(since) },
        AccountState::Stopped => AccountStateView::Stopped,
    }
}

fn trouble_view(trouble: Trouble, at: OffsetDateTime) -> TroubleView {
    TroubleView { error: trouble.into(), at: stamp(at) }
}

fn marks(history: &[HistoryPoint], account: AccountId, now: OffsetDateTime) -> Vec<HistoryMark> {
    let mut marks = vec![HistoryMark::None; QUARTERS];
    for point in history.iter().filter(|point| point.account == account) {
        let quarters_ago = usize::try_from((now - point.quarter).whole_minutes() / 15).unwrap_or(usize::MAX);
        if let Some(mark) = QUARTERS.checked_sub(1 + quarters_ago).and_then(|at| marks.get_mut(at)) {
            *mark = match point.worst {
                1 => HistoryMark::Paused,
                2 => HistoryMark::Live,
                3 => HistoryMark::CatchingUp,
                4 => HistoryMark::Retrying,
                _ => HistoryMark::Failed,
            };
        }
    }
    marks
}

/// Writes a place in the list, opaque to the UI.
pub fn write_conversation_position(position: ConversationPosition) -> String {
    write_position(position.last_at, &[&position.account, &position.id])
}

/// Reads a place in the list that the UI was given.
pub fn read_conversation_position(text: &str) -> Result<ConversationPosition, WireError> {
    let (last_at, account, id) = read_position(text)?;
    Ok(ConversationPosition { last_at, account: AccountId(account), id: ConversationId(id) })
}

/// Writes a place in a conversation, opaque to the UI.
pub fn write_message_position(message: &StoredMessage) -> String {
    write_position(message.received_at, &[&message.id, &message.id])
}

/// Writes a place among what could not be read, opaque to the UI.
pub fn write_quarantine_position(message: &Quarantined) -> String {
    write_position(message.received_at, &[&message.id, &message.id])
}

/// Reads a place in a conversation that the UI was given.
pub fn read_message_position(text: &str) -> Result<MessagePosition, WireError> {
    let (received_at, id, _) = read_position(text)?;
    Ok(MessagePosition { received_at, id: MessageId(id) })
}

fn read_hit_position(text: &str) -> Result<(OffsetDateTime, AccountId, MessageId), WireError> {
    let (at, account, message) = read_position(text)?;
    Ok((at, AccountId(account), MessageId(message)))
}

fn write_position(at: OffsetDateTime, ids: &[&dyn std::fmt::Display; 2]) -> String {
    format!("{}~{}~{}", stamp(at), ids[0], ids[1])
}

fn read_position(text: &str) -> Result<(OffsetDateTime, uuid::Uuid, uuid::Uuid), WireError> {
    let read = || {
        let mut parts = text.splitn(3, '~');
        let at = OffsetDateTime::parse(parts.next()?, &Rfc3339).ok()?;
        Some((at, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    read().ok_or_else(|| bad("page"))
}

fn bad(field: &str) -> WireError {
    WireError { code: ErrorCode::InvalidInput, detail: field.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quoted_end_of_a_text_is_found_with_its_introduction() {
        let text = "Дякую!\n\nOlena wrote:\n> перше\n> друге\n\n";
        let start = usize::try_from(quote_from(text).unwrap()).unwrap();
        let rest: Vec<u16> = text.encode_utf16().skip(start).collect();
        assert_eq!(String::from_utf16(&rest).unwrap(), "Olena wrote:\n> перше\n> друге\n\n");
    }

    #[test]
    fn a_text_without_a_quoted_end_is_shown_whole() {
        for text in ["", "Добрий день", "> питання\nвідповідь", "> усе процитовано"]
        {
            assert_eq!(quote_from(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_place_in_a_list_survives_its_way_through_the_window() {
        let position = ConversationPosition {
            last_at: time::macros::datetime!(2026-11-22 12:04:33.123456 UTC),
            account: AccountId(uuid::Uuid::from_u128(1)),
            id: ConversationId(uuid::Uuid::from_u128(2)),
        };
        assert_eq!(read_conversation_position(&write_conversation_position(position)).unwrap(), position);
        for bad in ["", "~~", "2026-11-22T12:00:00Z~x~y", "now"] {
            assert!(read_conversation_position(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn files_that_a_system_would_run_are_risky() {
        for name in ["a.exe", "звіт.PDF.scr", "x.docm", "page.html", "setup.AppImage"] {
            assert!(is_risky(name), "{name}");
        }
        for name in ["a.pdf", "договір.docx", "scan.jpg", "без розширення"] {
            assert!(!is_risky(name), "{name}");
        }
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let (text, cut) = cut("ї".repeat(TEXT));
        assert!(cut && text.len() <= TEXT && text.chars().all(|c| c == 'ї'));
    }
}
