//! Core's nouns as the window sees them.

mod chat;
mod outbox;
mod people;

use std::collections::HashMap;

pub use self::{
    chat::{is_writable, outgoing, read_entity, sign_in_step, version},
    outbox::{attached, mail_beginning, overlooked},
    people::{contact_link, forget_preview, found_person, person},
};

use skrynka_core::{
    logbook::Level,
    model::{Account, AccountId, AccountState, Address, ChatKind, ConversationId, Direction, MessageId, Trouble},
    profile::{self, Density, NoticeSettings, Settings},
    store::{
        self, AdoptedMark, Away, Completeness, ConversationListing, ConversationPosition, ConversationSummary,
        HistoryPoint, MessagePosition, Owner, Quarantined, Store, StoreError, StoredFile, StoredMessage, StoredStatus,
    },
};
use skrynka_mail::display_name;
use time::{OffsetDateTime, Time, format_description::well_known::Rfc3339};

use crate::{
    desk::Office,
    wire::{
        AccountStateView, AccountUnread, AccountView, AdoptedView, AwayAccount, AwayView, BusinessHoursView, ChatRow,
        CompletenessView, ConversationFilter, ConversationKey, ConversationRow, ConversationView, Counts, ErrorCode,
        FileView, FirstRunStepName, HistoryMark, LogLevelName, MailboxForm, MessageKey, MessageView, NoticePreferences,
        PersonView, Preferences, ProxyForm, QuarantinedView, SearchHit, SearchPage, TelegramForm, TelegramView, Theme,
        TroubleView, WireError, count, stamp,
    },
};

/// A message's text crosses up to this size; the rest is in the original.
const TEXT: usize = 64 * 1024;
/// Quarters of an hour in a day.
const QUARTERS: usize = 96;

impl From<StoreError> for WireError {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::NotFound(_) => ErrorCode::NotFound,
            StoreError::AccountExists(_) | StoreError::ShortcutTaken(_) => ErrorCode::AlreadyExists,
            StoreError::OwnAccount => ErrorCode::InvalidInput,
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
        first_run: settings.first_run.map(|step| match step {
            profile::FirstRunStep::Language => FirstRunStepName::Language,
            profile::FirstRunStep::Secrets => FirstRunStepName::Secrets,
            profile::FirstRunStep::Data => FirstRunStepName::Data,
            profile::FirstRunStep::Adopt => FirstRunStepName::Adopt,
            profile::FirstRunStep::Account => FirstRunStepName::Account,
        }),
        backup_folder: settings.backup.folder.as_ref().map(|folder| folder.display().to_string()),
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
            Some(chat) => !matches!(chat.kind, Some(ChatKind::Private | ChatKind::Bot) | None),
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
            kind: chat.kind.map(Into::into),
            username: summary.peer_address.strip_prefix('@').map(ToOwned::to_owned),
            last_author: chat.last_author,
            last_media: chat.last_media,
            known: chat.key.is_some(),
            writable: chat.key.is_some() && chat.kind.is_some_and(is_writable),
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
        removed: message.removed_at.is_some(),
        unreadable: message.unreadable,
        kib: count((message.size + 1023) / 1024),
        files: message.files.into_iter().filter(|file| !file.inline).map(|one| file(message.account, one)).collect(),
        adopted: None,
    }
}

/// Messages of one account, with what is to be said of those that came over from the old CRM.
///
/// # Errors
/// The database failed.
pub async fn messages(
    store: &Store,
    account: AccountId,
    messages: Vec<StoredMessage>,
) -> Result<Vec<MessageView>, WireError> {
    let ids: Vec<MessageId> = messages.iter().map(|message| message.id).collect();
    let mut marks = store.adopted_marks(account, &ids).await?;
    let marked = |stored: StoredMessage| {
        let adopted = marks.remove(&stored.id).map(adopted);
        MessageView { adopted, ..message(stored) }
    };
    Ok(messages.into_iter().map(marked).collect())
}

fn adopted(mark: AdoptedMark) -> AdoptedView {
    AdoptedView { waits: mark.waits, unsent: mark.unsent, missing_files: mark.missing_files }
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
pub fn completeness(folders: Vec<Completeness>) -> Vec<CompletenessView> {
    let view = |folder: Completeness| CompletenessView {
        account: folder.account.to_string(),
        mailbox: folder.mailbox,
        name: folder.name,
        checked_at: stamp(folder.checked_at),
        held: count(folder.held),
        missing: count(folder.missing),
    };
    folders.into_iter().filter(|folder| folder.compared).map(view).collect()
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

/// Where a listener stands; what it failed over is told as of `now`.
pub fn state_view(state: AccountState, now: OffsetDateTime) -> AccountStateView {
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
