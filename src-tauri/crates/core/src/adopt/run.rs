//! One run: looks at everything, and writes what comes over.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    path::PathBuf,
    sync::Arc,
};

use time::{Duration, OffsetDateTime};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    AdoptError, CHAT_WINDOW, MAIL_WINDOW,
    files::{MediaFolders, OldFile},
    matching::{self, Trace},
    plan::{Here, Made, OldConversation, OldMailbox, OldTelegram, Plan, Tables, Target},
    report::{Report, Thing, Why},
    row::Row,
    words::{self, Correspondent},
};
use crate::{
    clock::Clock,
    connector::{Chat, ChatAuthor, ChatMessage, Letter, RawBytes},
    fault,
    ingest::{content_hash, fold, is_before, snippet},
    model::{
        Account, AccountId, Address, Channel, ChatKey, ChatKind, ContactId, ConversationId, Direction, MessageId, Peer,
        PeerKind, Place,
    },
    postgres::ConnectOptions,
    store::{
        AdoptedFile, AdoptedKind, AdoptedMessage, ChatSummary, Fact, FactKind, IngestTx, KeyedConversation, NewMessage,
        Note, OldSystem, OldTable, Settled, Store, SummaryChange, TelegramPerson, TracedMessage,
    },
};

/// Messages of the old system that are read at a time; what is new of them becomes one transaction of each account.
const BATCH: u16 = 500;
/// Conversations that are settled between two looks at whether somebody wants it to stop.
const SETTLED: usize = 500;
/// What was sent was sent so soon after it was typed, give or take what clocks differ.
const AT_ONCE: std::ops::RangeInclusive<Duration> = Duration::minutes(-2)..=Duration::minutes(20);
/// After so many messages the planner looks at the tables, and again after as many times ten.
const STATISTICS: u64 = 2_000;

/// What a run is given beside the two databases.
#[derive(Debug, Clone, Default)]
pub struct AdoptOptions {
    /// The folder with the old system's files.
    pub media: Option<PathBuf>,
    /// The address of a client's card in the old system, with `{id}` for its key.
    pub client_link: Option<String>,
}

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Reads what there is.
    Looking,
    /// Writes messages with their files.
    Messages,
    /// Writes what is known of conversations, people and notes.
    Settling,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// Rows done.
    pub done: u64,
    /// Rows in all.
    pub total: u64,
}

/// The old system and the bureau's database, ready for a run.
pub struct Adoption {
    old: OldSystem,
    store: Store,
    clock: Arc<dyn Clock>,
    media: MediaFolders,
    options: AdoptOptions,
    plan: Plan,
    /// What the small tables gave.
    planned: Report,
    source: Option<Uuid>,
    /// The keys of its conversations, oldest first.
    conversations: Vec<String>,
    notes: Vec<Option<Row>>,
    total: u64,
}

/// A message of the old system that comes over.
struct Item {
    old_id: String,
    target: usize,
    guessed: bool,
    with: Correspondent,
    /// Another key of its conversation.
    handle: Option<String>,
    title: Option<String>,
    client: Option<String>,
    /// The client's name; empty where none is known.
    person: String,
    direction: Direction,
    at: OffsetDateTime,
    text: String,
    status: String,
    read: bool,
    rfc: Option<String>,
    author: String,
    author_username: Option<String>,
    author_user: Option<i64>,
    files: Vec<OldFile>,
    trace: Trace,
}

impl Adoption {
    /// Opens a snapshot of the old system and decides what becomes of its small tables.
    ///
    /// # Errors
    /// [`AdoptError`].
    pub async fn open(
        old: &ConnectOptions,
        store: Store,
        clock: Arc<dyn Clock>,
        options: AdoptOptions,
    ) -> Result<Self, AdoptError> {
        let media = MediaFolders::new(options.media.as_deref()).map_err(AdoptError::Folder)?;
        let mut old = OldSystem::connect(old).await?.ok_or(AdoptError::NotTheOldSystem)?;
        let closed = old.closed_tables();
        if !closed.is_empty() {
            let schema = old.schema().to_owned();
            let names: Vec<String> = closed.iter().map(|table| format!("{schema}.{}", table.name())).collect();
            return Err(AdoptError::Closed(names.join(", ")));
        }
        let tables = Tables {
            telegram: old.rows(OldTable::TelegramAccounts).await.map_err(AdoptError::Reading)?,
            mailboxes: old.rows(OldTable::Mailboxes).await.map_err(AdoptError::Reading)?,
            conversations: old.rows(OldTable::Conversations).await.map_err(AdoptError::Reading)?,
            users: old.rows(OldTable::Users).await.map_err(AdoptError::Reading)?,
            clients: old.rows(OldTable::Clients).await.map_err(AdoptError::Reading)?,
            settings: old.rows(OldTable::Settings).await.map_err(AdoptError::Reading)?,
            chats: old.chats().await.map_err(AdoptError::Reading)?,
        };
        let notes = old.rows(OldTable::Notes).await.map_err(AdoptError::Reading)?;
        let total = old.count(OldTable::Messages).await.map_err(AdoptError::Reading)?;
        // Oldest first: these stay.
        let ids: Vec<String> = tables.conversations.iter().flatten().filter_map(|row| row.text("id")).collect();
        let source = store.adopted_source(&ids, None, None).await?;
        let here = here(&store, source, clock.now()).await?;
        let mut planned = Report::default();
        let plan = Plan::make(tables, &here, &mut planned);
        Ok(Self { old, store, clock, media, options, plan, planned, source, conversations: ids, notes, total })
    }

    /// The old system's Telegram accounts with their secrets and their accounts here, which exist once [`Self::run`] has
    /// begun.
    pub fn telegram_accounts(&self) -> &[OldTelegram] {
        &self.plan.telegram
    }

    /// The same for mailboxes.
    pub fn mailboxes(&self) -> &[OldMailbox] {
        &self.plan.mailboxes
    }

    /// The schema in which the old system was found.
    pub fn schema(&self) -> &str {
        self.old.schema()
    }

    /// Ends the snapshot, which holds up the old database's own tidying, and keeps what was read of its accounts: nothing
    /// can be looked at or brought over any more.
    ///
    /// # Errors
    /// [`AdoptError`].
    pub async fn end_snapshot(&mut self) -> Result<(), AdoptError> {
        Ok(self.old.end_snapshot().await?)
    }

    /// Ends the snapshot.
    pub async fn close(self) {
        self.old.close().await;
    }

    /// Tells what a run would bring, and writes nothing.
    ///
    /// # Errors
    /// [`AdoptError`].
    pub async fn look(
        &mut self,
        progress: &(dyn Fn(Progress) + Send + Sync),
        stop: &CancellationToken,
    ) -> Result<Report, AdoptError> {
        let mut report = self.planned.clone();
        self.messages(&mut report, None, progress, stop).await?;
        self.count_conversations(&mut report).await?;
        Ok(report)
    }

    /// Brings everything over that is not here yet. What is committed stays when it is stopped or fails, and the next run
    /// goes on from there.
    ///
    /// # Errors
    /// [`AdoptError`].
    pub async fn run(
        &mut self,
        progress: &(dyn Fn(Progress) + Send + Sync),
        stop: &CancellationToken,
    ) -> Result<Report, AdoptError> {
        let turn = self.store.adoption_turn().await?.ok_or(AdoptError::Busy)?;
        let done = self.write(progress, stop).await;
        self.store.end_adoption_turn(turn).await?;
        done
    }

    async fn write(
        &mut self,
        progress: &(dyn Fn(Progress) + Send + Sync),
        stop: &CancellationToken,
    ) -> Result<Report, AdoptError> {
        let mut report = self.planned.clone();
        let link = self.options.client_link.clone();
        let new = ContactId::new(self.clock.now()).0;
        let source = self.store.adopted_source(&self.conversations, link.as_deref(), Some(new)).await?.unwrap_or(new);
        self.source = Some(source);
        let fresh = self.make_accounts(source, stop).await?;
        self.messages(&mut report, Some(Writing { source, fresh }), progress, stop).await?;
        self.settle(source, &mut report, progress, stop).await?;
        Ok(report)
    }

    /// Makes the accounts that are not here; returns those, which hold nothing yet.
    async fn make_accounts(
        &mut self,
        source: Uuid,
        stop: &CancellationToken,
    ) -> Result<HashSet<AccountId>, AdoptError> {
        let mut fresh = HashSet::new();
        let telegram = self.store.adopted_rows(source, AdoptedKind::TelegramAccount).await?;
        let mailboxes = self.store.adopted_rows(source, AdoptedKind::Mailbox).await?;
        for target in &mut self.plan.targets {
            if stop.is_cancelled() {
                return Err(AdoptError::Stopped);
            }
            let from = (source, target.key.as_str());
            match std::mem::replace(&mut target.made, Made::Nothing) {
                Made::Nothing => {
                    let (kind, known) = match target.channel {
                        Channel::Telegram => (AdoptedKind::TelegramAccount, &telegram),
                        Channel::Email => (AdoptedKind::Mailbox, &mailboxes),
                    };
                    if !known.contains_key(&target.key) {
                        let (account, ours) = (Some(target.account), target.account.0);
                        self.store.note_adopted_row(source, kind, &target.key, account, ours).await?;
                    }
                    continue;
                }
                Made::Telegram(draft) => self.store.adopt_telegram_account(&draft, from).await?,
                Made::Mailbox(draft) => self.store.adopt_mailbox(&draft, from).await?,
                Made::Shelf => self.store.adopt_shelf(target.account, target.channel, &target.name, from).await?,
            }
            fresh.insert(target.account);
            fault::point("adopted_account");
        }
        Ok(fresh)
    }

    /// Reads all messages, and writes those that are not here.
    async fn messages(
        &mut self,
        report: &mut Report,
        writing: Option<Writing>,
        progress: &(dyn Fn(Progress) + Send + Sync),
        stop: &CancellationToken,
    ) -> Result<(), AdoptError> {
        let phase = if writing.is_some() { Phase::Messages } else { Phase::Looking };
        let (mut done, mut stored, mut next_look) = (0, 0, STATISTICS);
        let mut empty: HashSet<String> = self.plan.conversations.keys().cloned().collect();
        self.old.begin_messages().await.map_err(AdoptError::Reading)?;
        loop {
            if stop.is_cancelled() {
                return Err(AdoptError::Stopped);
            }
            let rows = self.old.next_messages(BATCH).await.map_err(AdoptError::Reading)?;
            if rows.is_empty() {
                break;
            }
            done += rows.len() as u64;
            let items = self.items(rows, report, &mut empty).await?;
            let mut by_target: BTreeMap<usize, Vec<Item>> = BTreeMap::new();
            for item in items {
                by_target.entry(item.target).or_default().push(item);
            }
            for (target, items) in by_target {
                match &writing {
                    Some(writing) => stored += self.store_items(writing, target, items, report).await?,
                    None => self.count_items(&items, report),
                }
            }
            if stored >= next_look {
                next_look = next_look.saturating_mul(10);
                self.store.refresh_statistics(i64::try_from(stored).unwrap_or(i64::MAX)).await?;
            }
            progress(Progress { phase, done, total: self.total.max(done) });
        }
        for id in empty {
            let name = self.plan.conversations.get(&id).map(|conversation| conversation.with.key());
            report.remark(Thing::Conversations, Why::NoMessages, &name.unwrap_or(id));
        }
        Ok(())
    }

    fn count_items(&self, items: &[Item], report: &mut Report) {
        report.at(Thing::Messages).new += items.len() as u64;
        for file in items.iter().flat_map(|item| &item.files) {
            if self.found(file, report).is_some() {
                report.at(Thing::Files).new += 1;
            }
        }
    }

    /// Finds a file; one that is not there is told.
    fn found(&self, file: &OldFile, report: &mut Report) -> Option<PathBuf> {
        let found = self.media.find(&file.path).filter(|path| std::fs::File::open(path).is_ok());
        if found.is_none() {
            let why = if self.media.is_none() { Why::NoFolder } else { Why::NoFile };
            report.remark(Thing::Files, why, &file.path);
        }
        found
    }

    /// Decides which rows are messages that come over and are not here yet.
    async fn items(
        &mut self,
        rows: Vec<Option<Row>>,
        report: &mut Report,
        empty: &mut HashSet<String>,
    ) -> Result<Vec<Item>, AdoptError> {
        report.at(Thing::Messages).found += rows.len() as u64;
        let mut readable: Vec<(String, Row)> = Vec::with_capacity(rows.len());
        for row in rows {
            match row.map(|row| (row.text("id"), row)) {
                Some((Some(id), row)) => readable.push((id, row)),
                Some((None, _)) => report.remark(Thing::Messages, Why::NoKey, ""),
                None => report.remark(Thing::Messages, Why::Unreadable, ""),
            }
        }
        let ids: Vec<String> = readable.iter().map(|(id, _)| id.clone()).collect();
        let known = match self.source {
            Some(source) => self.store.adopted_among(source, &ids).await?,
            None => HashSet::new(),
        };
        let new: Vec<String> = ids.iter().filter(|id| !known.contains(*id)).cloned().collect();
        let mut files: HashMap<String, Vec<OldFile>> = HashMap::new();
        if !new.is_empty() {
            for row in self.old.files_of(&new).await.map_err(AdoptError::Reading)? {
                if let (Some(message), Some(file)) = (row.text("message_id"), OldFile::of_row(&row)) {
                    files.entry(message).or_default().push(file);
                }
            }
        }
        let mut items = Vec::with_capacity(new.len());
        for (id, row) in readable {
            let conversation_id = row.text("conversation_id").unwrap_or_default();
            if known.contains(&id) {
                empty.remove(&conversation_id);
                report.at(Thing::Messages).known += 1;
                continue;
            }
            let Some(conversation) = self.plan.conversations.get(&conversation_id) else {
                // Of another network: told with its conversation, and by count.
                let refused = self.plan.refused.contains(&conversation_id);
                let why = if refused { Why::OtherNetwork } else { Why::NoConversation };
                report.remark(Thing::Messages, why, &id);
                continue;
            };
            let Some(mut item) =
                item(id, &row, conversation, files.remove(&row.text("id").unwrap_or_default()), report)
            else {
                continue;
            };
            let client = item.client.as_ref().and_then(|id| self.plan.clients.get(id));
            item.person = client.map(|client| client.name.clone()).unwrap_or_default();
            report.at(Thing::Files).found += item.files.len() as u64;
            empty.remove(&conversation_id);
            items.push(item);
        }
        Ok(items)
    }

    /// Writes messages of one account in one transaction. Returns how many are stored anew.
    async fn store_items(
        &self,
        writing: &Writing,
        target: usize,
        items: Vec<Item>,
        report: &mut Report,
    ) -> Result<u64, AdoptError> {
        let target = &self.plan.targets[target];
        let now = self.clock.now();
        // Where the account is a guess, any account of the network may have brought it, or bring it at this moment.
        let guessed = items.iter().any(|item| item.guessed);
        let others: Vec<Account> = match guessed {
            true => self.store.accounts().await?.into_iter().filter(|one| one.channel == target.channel).collect(),
            false => Vec::new(),
        };
        // Only those that are switched on bring anything meanwhile. There may be thousands of others, and no database has
        // so many locks.
        let turns: BTreeSet<AccountId> = others.iter().filter(|one| one.enabled).map(|one| one.id).collect();
        let others = others.into_iter().map(|one| one.id).filter(|id| *id != target.account);
        let among: Vec<AccountId> = others.chain([target.account]).collect();
        let mut tx = self.store.begin_among(target.account, None, &turns).await?;
        let (items, forgotten) = sift(&mut tx, items).await?;
        let mut aliases: Vec<AdoptedMessage> = Vec::with_capacity(items.len() + forgotten.len());
        for item in &forgotten {
            report.remark(Thing::Messages, Why::Forgotten, "");
            aliases.push(nameless(item, (target.account, MessageId::new(now))));
        }
        let people = People::of(&items);
        let mails =
            if people.addresses.is_empty() { BTreeMap::new() } else { tx.contacts(&people.addresses, now).await? };
        let users =
            if people.users.is_empty() { BTreeMap::new() } else { tx.telegram_contacts(&people.users, now).await? };
        let contact = |with: &Correspondent| match with {
            Correspondent::Mail(address) => mails.get(address).copied(),
            Correspondent::Chat(peer) if peer.kind == PeerKind::User => users.get(&peer.id).copied(),
            Correspondent::Chat(_) | Correspondent::Handle(_) => None,
        };

        // Conversations: those that stand, and those that begin.
        let mut keys: Vec<String> = items.iter().map(|item| item.with.key()).collect();
        keys.extend(items.iter().filter_map(|item| item.handle.clone()));
        keys.sort_unstable();
        keys.dedup();
        let stand = tx.keyed_conversations(&keys).await?;
        let mut conversations: HashMap<String, KeyedConversation> = stand.clone();
        // A user who was known there by a number or a username may have a chat here by now.
        let handles = |key: &&String| key.starts_with("phone:") || key.starts_with("name:");
        let handles: Vec<String> = keys.iter().filter(handles).cloned().collect();
        let mut chats: HashMap<String, String> = HashMap::new();
        if !handles.is_empty() {
            for (handle, account, keyed) in tx.chats_of_handles(&among, &handles).await? {
                if let Some(chat) = keyed.chat {
                    chats.insert(handle.clone(), chat.peer.to_string());
                }
                if account == target.account {
                    conversations.entry(handle).or_insert(keyed);
                }
            }
        }
        let begun_before: HashSet<ConversationId> = conversations.values().map(|keyed| keyed.conversation).collect();
        let mut named: Vec<(String, ConversationId)> = Vec::new();
        for item in &items {
            let key = item.with.key();
            let by_handle = item.handle.as_ref().and_then(|handle| conversations.get(handle)).cloned();
            let found = conversations.get(&key).cloned().or(by_handle);
            let chat = match &item.with {
                Correspondent::Chat(peer) => Some(ChatKey::from(*peer)),
                Correspondent::Handle(_) | Correspondent::Mail(_) => None,
            };
            let keyed = found.unwrap_or_else(|| KeyedConversation { conversation: ConversationId::new(now), chat });
            if chat.is_none() && !stand.contains_key(&key) {
                named.push((key.clone(), keyed.conversation));
            }
            if let Some(handle) = item.handle.as_ref().filter(|handle| !stand.contains_key(*handle)) {
                named.push((handle.clone(), keyed.conversation));
                conversations.entry(handle.clone()).or_insert_with(|| keyed.clone());
            }
            conversations.entry(key).or_insert(keyed);
        }

        // What is here already: the same mail by its Message-ID, and what the server has brought.
        let ids: Vec<String> = items.iter().filter_map(|item| item.rfc.clone()).collect();
        let mut by_id = if ids.is_empty() { HashMap::new() } else { tx.messages_by_id(&among, &ids).await? };
        let before: HashSet<MessageId> = by_id.values().map(|(_, message)| *message).collect();
        let mut here: HashMap<usize, (AccountId, MessageId)> = HashMap::new();
        if guessed || !writing.fresh.contains(&target.account) {
            let own = writing.source;
            here = standing(&mut tx, own, &items, (&among, &conversations, &chats), &contact).await?;
        }

        let mut number = tx.next_adopted_number().await?;
        let mut fresh: Vec<(Item, MessageId, Place, ConversationId, Option<ChatKey>)> = Vec::new();
        for (n, item) in items.into_iter().enumerate() {
            let keyed = &conversations[&item.with.key()];
            let peer = keyed.chat.map_or_else(|| item.with.key(), |chat| chat.peer.to_string());
            let same = item.rfc.as_ref().and_then(|id| by_id.get(id)).copied();
            let same = same.filter(|(account, _)| item.guessed || *account == target.account);
            if let Some((account, message)) = same.or_else(|| here.get(&n).copied()) {
                let twice = same.is_some_and(|(_, same)| !before.contains(&same));
                let why = if twice { Why::SameMail } else { Why::HereAlready };
                report.remark(Thing::Messages, why, &item.old_id);
                report.at(Thing::Messages).known += 1;
                aliases.push(alias(&item, (account, message), false, peer, Vec::new()));
                continue;
            }
            let place = Place {
                mailbox: Place::ADOPTED.to_owned(),
                epoch: u32::from(target.channel == Channel::Telegram),
                number,
            };
            let message = match target.channel {
                Channel::Telegram => MessageId::in_chat(item.at, number),
                Channel::Email => MessageId::new(item.at),
            };
            number = number.saturating_add(1);
            if let Some(id) = &item.rfc {
                by_id.insert(id.clone(), (target.account, message));
            }
            fresh.push((item, message, place, keyed.conversation, keyed.chat));
        }

        // Files first: a message tells how many it has.
        let mut files: Vec<AdoptedFile> = Vec::new();
        for (item, message, ..) in &fresh {
            let (mut count, mut missing) = (0_u64, Vec::new());
            for file in &item.files {
                let Some(path) = self.found(file, report) else {
                    missing.push(file.name.clone());
                    continue;
                };
                let (sha256, size) = tx.keep_file(&path).await?;
                count += 1;
                files.push(AdoptedFile {
                    message: *message,
                    name: file.name.clone(),
                    mime: file.mime.clone(),
                    kind: (target.channel == Channel::Telegram).then_some(file.kind),
                    size,
                    sha256,
                });
            }
            report.at(Thing::Files).new += count;
            let keyed = &conversations[&item.with.key()];
            let peer = keyed.chat.map_or_else(|| item.with.key(), |chat| chat.peer.to_string());
            aliases.push(alias(item, (target.account, *message), true, peer, missing));
        }

        let contents: Vec<Content> = fresh.iter().map(|(item, ..)| Content::of(item, target)).collect();
        let nothing = RawBytes::Memory(Vec::new());
        let mut rows = Vec::with_capacity(fresh.len());
        let mut changes: BTreeMap<ConversationId, SummaryChange> = BTreeMap::new();
        for ((item, message, place, conversation, chat), content) in fresh.iter().zip(&contents) {
            let row = content.row(item, *message, *conversation, place, &nothing);
            let new = !begun_before.contains(conversation);
            let attached = files.iter().filter(|file| file.message == *message).count();
            let mut change = summary_change(item, &row, new, *chat, content);
            change.files = i32::try_from(attached).unwrap_or(i32::MAX);
            change.contact = contact(&item.with);
            changes.entry(*conversation).and_modify(|sum| fold(sum, &change)).or_insert(change);
            rows.push(row);
        }
        let changed: Vec<ConversationId> = changes.keys().copied().collect();
        tx.summarise(&changes.into_values().collect::<Vec<_>>()).await?;
        tx.insert_messages(&rows, now).await?;
        tx.insert_adopted_files(&files, now).await?;
        if target.channel == Channel::Email {
            let threads =
                fresh.iter().filter_map(|(item, _, _, conversation, _)| Some((item.rfc.clone()?, *conversation)));
            tx.remember_threads(threads.collect()).await?;
        }
        let begun: HashSet<ConversationId> = changed.iter().copied().collect();
        // A key of which every message was here already stands for no conversation of ours.
        named.retain(|(_, conversation)| begun.contains(conversation) || begun_before.contains(conversation));
        if !named.is_empty() {
            tx.remember_keys(&named).await?;
        }
        tx.note_adopted(writing.source, &aliases).await?;
        fault::point("adopted_written");
        let facts: Vec<Fact> = changed
            .into_iter()
            .map(|id| Fact { kind: FactKind::ConversationChanged, conversation: Some(id), message: None })
            .collect();
        tx.commit(&[], &facts).await?;
        fault::point("adopted_committed");
        let stored = rows.len() as u64;
        report.at(Thing::Messages).new += stored;
        Ok(stored)
    }

    /// Counts the conversations that a run would bring.
    async fn count_conversations(&self, report: &mut Report) -> Result<(), AdoptError> {
        let known = match self.source {
            Some(source) => self.store.adopted_rows(source, AdoptedKind::Conversation).await?,
            None => HashMap::new(),
        };
        let refused = self.plan.conversations.keys().filter(|id| known.contains_key(*id)).count() as u64;
        let empty = report.of(Thing::Conversations).remarks.get(&Why::NoMessages).map_or(0, |remark| remark.count);
        let counted = report.at(Thing::Conversations);
        counted.known = refused;
        counted.new = (self.plan.conversations.len() as u64).saturating_sub(refused + empty);
        let known = match self.source {
            Some(source) => self.store.adopted_rows(source, AdoptedKind::Client).await?,
            None => HashMap::new(),
        };
        // As in a run: who has neither an address nor a number is known by a conversation alone.
        let talked: HashSet<&String> = self.plan.conversations.values().filter_map(|one| one.client.as_ref()).collect();
        for (id, client) in &self.plan.clients {
            if known.contains_key(id) {
                report.at(Thing::Clients).known += 1;
            } else if client.handles.is_empty() && !talked.contains(id) {
                report.remark(Thing::Clients, Why::NoHandle, &client.name);
            } else {
                report.at(Thing::Clients).new += 1;
            }
        }
        let known = match self.source {
            Some(source) => self.store.adopted_rows(source, AdoptedKind::Note).await?,
            None => HashMap::new(),
        };
        let counted = report.at(Thing::Notes);
        counted.found = self.notes.len() as u64;
        for note in self.notes.iter().flatten().filter(|row| self.is_of_conversation(row)) {
            match note.text("id").is_some_and(|id| known.contains_key(&id)) {
                true => counted.known += 1,
                false => counted.new += 1,
            }
        }
        Ok(())
    }

    fn is_of_conversation(&self, note: &Row) -> bool {
        let of = note.text("entity_id").unwrap_or_default();
        note.text("entity_type").is_some_and(|kind| matches!(words::word(&kind).as_str(), "chat" | "conversation"))
            && self.plan.conversations.contains_key(&of)
    }

    /// Writes what is known of conversations beside their messages, then clients and notes.
    async fn settle(
        &mut self,
        source: Uuid,
        report: &mut Report,
        progress: &(dyn Fn(Progress) + Send + Sync),
        stop: &CancellationToken,
    ) -> Result<(), AdoptError> {
        let known = self.store.adopted_rows(source, AdoptedKind::Conversation).await?;
        let total = self.plan.conversations.len() as u64 + self.plan.clients.len() as u64 + self.notes.len() as u64;
        let mut done = 0;
        let mut ours: HashMap<String, (AccountId, ConversationId)> = known
            .iter()
            .filter_map(|(old, (account, id))| Some((old.clone(), ((*account)?, ConversationId(*id)))))
            .collect();
        report.at(Thing::Conversations).known =
            self.plan.conversations.keys().filter(|id| known.contains_key(*id)).count() as u64;
        // What several rows of one conversation say together.
        let mut merged: HashMap<(usize, String), (bool, Option<String>)> = HashMap::new();
        // The latest of several managers takes care of it. An interrupted run goes on as a whole one would.
        let mut latest: Vec<(&String, &OldConversation)> = self.plan.conversations.iter().collect();
        latest.sort_unstable_by_key(|(id, conversation)| (std::cmp::Reverse(conversation.created_at), *id));
        for (_, conversation) in &latest {
            let said = merged.entry((conversation.target, conversation.with.key())).or_insert((true, None));
            said.0 &= conversation.archived;
            if said.1.is_none() {
                said.1.clone_from(&conversation.assignee);
            }
        }
        let mut by_target: BTreeMap<usize, Vec<(&String, &OldConversation)>> = BTreeMap::new();
        for (id, conversation) in latest {
            if !known.contains_key(id) {
                by_target.entry(conversation.target).or_default().push((id, conversation));
            }
        }
        for (target, conversations) in by_target {
            let account = self.plan.targets[target].account;
            for part in conversations.chunks(SETTLED) {
                if stop.is_cancelled() {
                    return Err(AdoptError::Stopped);
                }
                let keys: Vec<String> = part.iter().map(|(_, conversation)| conversation.with.key()).collect();
                let mut tx = self.store.begin_ingest(account, None).await?;
                let stand = tx.keyed_conversations(&keys).await?;
                drop(tx);
                for (old_id, conversation) in part {
                    let key = conversation.with.key();
                    // One without messages has none here either.
                    let Some(keyed) = stand.get(&key) else { continue };
                    let (archived, assignee) = merged.get(&(target, key)).cloned().unwrap_or_default();
                    let client = conversation.client.as_ref().and_then(|id| self.plan.clients.get(id));
                    let settled = Settled {
                        archived,
                        assignee,
                        client: client.map(|client| client.name.clone()).filter(|name| !name.is_empty()),
                        title: conversation.title.clone(),
                    };
                    let from = (source, old_id.as_str());
                    self.store.settle_adopted(from, account, keyed.conversation, &settled).await?;
                    report.at(Thing::Conversations).new += 1;
                    ours.insert((*old_id).clone(), (account, keyed.conversation));
                    fault::point("adopted_settled");
                }
                done += part.len() as u64;
                progress(Progress { phase: Phase::Settling, done, total });
            }
        }
        self.settle_clients(source, &ours, report, stop).await?;
        self.settle_notes(source, &ours, report).await?;
        self.settle_twins(stop).await?;
        progress(Progress { phase: Phase::Settling, done: total, total });
        Ok(())
    }

    async fn settle_clients(
        &self,
        source: Uuid,
        ours: &HashMap<String, (AccountId, ConversationId)>,
        report: &mut Report,
        stop: &CancellationToken,
    ) -> Result<(), AdoptError> {
        let known = self.store.adopted_rows(source, AdoptedKind::Client).await?;
        let mut of_client: HashMap<&String, Vec<(AccountId, ConversationId)>> = HashMap::new();
        // The oldest counts first, in whatever order they were written here.
        let mut oldest: Vec<(&String, &OldConversation)> = self.plan.conversations.iter().collect();
        oldest.sort_unstable_by_key(|(id, conversation)| (conversation.created_at, *id));
        for (old_id, conversation) in oldest {
            if let (Some(client), Some(id)) = (&conversation.client, ours.get(old_id)) {
                of_client.entry(client).or_default().push(*id);
            }
        }
        for (id, client) in &self.plan.clients {
            if known.contains_key(id) {
                report.at(Thing::Clients).known += 1;
                continue;
            }
            if stop.is_cancelled() {
                return Err(AdoptError::Stopped);
            }
            let conversations = of_client.get(id).map(Vec::as_slice).unwrap_or_default();
            let new = ContactId::new(self.clock.now());
            let from = (source, id.as_str());
            match self.store.adopt_client(from, &client.name, &client.handles, conversations, new).await? {
                Some(_) => report.at(Thing::Clients).new += 1,
                None => report.remark(Thing::Clients, Why::NoHandle, &client.name),
            }
            fault::point("adopted_client");
        }
        Ok(())
    }

    /// A mail that came over twice, to its mailbox and to where it was put by a guess, is one: in whatever order the rows
    /// were read, the guess gives way.
    async fn settle_twins(&self, stop: &CancellationToken) -> Result<(), AdoptError> {
        for (account, others) in self.store.accounts_with_twins().await? {
            if stop.is_cancelled() {
                return Err(AdoptError::Stopped);
            }
            let mut tx = self.store.begin_among(account, None, &others).await?;
            let twins = tx.adopted_twins().await?;
            let rows: Vec<_> = twins.iter().map(|(waiting, ..)| waiting.clone()).collect();
            let emptied: HashSet<_> = tx.clear_adopted(&rows).await?.into_iter().collect();
            let became: Vec<_> = twins.iter().map(|(row, now, _)| (row.account, row.message, *now)).collect();
            tx.adopted_became(&became).await?;
            let mut left = HashSet::new();
            for (row, _, into) in &twins {
                let from = (row.account, row.conversation);
                if emptied.contains(&from) && left.insert(from) {
                    tx.leave_empty(from, *into).await?;
                }
            }
            tx.commit(&[], &[]).await?;
        }
        Ok(())
    }

    async fn settle_notes(
        &self,
        source: Uuid,
        ours: &HashMap<String, (AccountId, ConversationId)>,
        report: &mut Report,
    ) -> Result<(), AdoptError> {
        for row in &self.notes {
            report.at(Thing::Notes).found += 1;
            let Some(row) = row else {
                report.remark(Thing::Notes, Why::Unreadable, "");
                continue;
            };
            let author = row.text("author_name").unwrap_or_default();
            let Some(id) = row.text("id") else {
                report.remark(Thing::Notes, Why::NoKey, &author);
                continue;
            };
            let of = row.text("entity_id").and_then(|id| ours.get(&id)).filter(|_| self.is_of_conversation(row));
            let (Some((account, conversation)), text) = (of, row.body("text")) else {
                report.remark(Thing::Notes, Why::NotOfConversation, &id);
                continue;
            };
            let written_at = row.moment("created_at").unwrap_or_else(|| self.clock.now());
            let new = ContactId::new(written_at).0;
            let note = Note { id: new, conversation: *conversation, author, text, written_at };
            if self.store.adopt_note((source, &id), *account, &note).await? {
                report.at(Thing::Notes).new += 1;
            } else {
                report.at(Thing::Notes).known += 1;
            }
            fault::point("adopted_note");
        }
        Ok(())
    }
}

/// Finds messages that a server or another old system has brought already, one for each row at most. `chats` are those of
/// users whom the old system knew by a number or a username.
async fn standing(
    tx: &mut IngestTx,
    source: Uuid,
    items: &[Item],
    (among, conversations, chats): (&[AccountId], &HashMap<String, KeyedConversation>, &HashMap<String, String>),
    contact: &impl Fn(&Correspondent) -> Option<ContactId>,
) -> Result<HashMap<usize, (AccountId, MessageId)>, AdoptError> {
    // A mail with a Message-ID is known by that alone.
    let asked: Vec<(usize, &Item)> = items.iter().enumerate().filter(|(_, item)| item.rfc.is_none()).collect();
    let (Some(first), Some(last)) =
        (asked.iter().map(|(_, item)| item.at).min(), asked.iter().map(|(_, item)| item.at).max())
    else {
        return Ok(HashMap::new());
    };
    let is_mail = |item: &Item| matches!(item.with, Correspondent::Mail(_));
    let peer = |item: &Item| {
        let key = item.with.key();
        let chat = conversations.get(&key).and_then(|keyed| keyed.chat).map(|chat| chat.peer.to_string());
        chat.or_else(|| chats.get(&key).cloned()).unwrap_or(key)
    };
    let ids: Vec<ConversationId> =
        asked.iter().filter_map(|(_, item)| Some(conversations.get(&item.with.key())?.conversation)).collect();
    let people: Vec<ContactId> =
        asked.iter().filter(|(_, item)| is_mail(item)).filter_map(|(_, item)| contact(&item.with)).collect();
    let mut groups: BTreeMap<(bool, String), Vec<(usize, &Item)>> = BTreeMap::new();
    for (n, item) in asked {
        groups.entry((item.guessed, peer(item))).or_default().push((n, item));
    }
    let peers: Vec<String> = groups.keys().map(|(_, peer)| peer.clone()).collect();
    let between = (first - MAIL_WINDOW.1, last + MAIL_WINDOW.0);
    let standing = tx.standing_between(source, among, (&peers, &ids), &people, between).await?;
    let mut found = HashMap::new();
    let mut taken: HashSet<(AccountId, MessageId)> = HashSet::new();
    for ((guessed, peer), rows) in groups {
        let Some((_, item)) = rows.first() else { continue };
        let conversation = conversations.get(&item.with.key()).map(|keyed| keyed.conversation);
        let with = contact(&item.with).filter(|_| is_mail(item));
        let of_group: Vec<&TracedMessage> = standing
            .iter()
            .filter(|one| guessed || one.account == tx.account())
            .filter(|one| !taken.contains(&(one.account, one.message)))
            .filter(|one| {
                Some(one.conversation) == conversation
                    || one.peer.as_ref() == Some(&peer)
                    || one.peer.is_none() && with.is_some() && one.contact == with
            })
            .collect();
        let old: Vec<Trace> = rows.iter().map(|(_, item)| item.trace).collect();
        let new: Vec<Trace> = of_group.iter().map(|one| one.trace).collect();
        let window = if is_mail(item) { MAIL_WINDOW } else { CHAT_WINDOW };
        for (one, row) in of_group.iter().zip(matching::pair(&old, &new, window)) {
            if let Some(row) = row {
                taken.insert((one.account, one.message));
                found.insert(rows[row].0, (one.account, one.message));
            }
        }
    }
    Ok(found)
}

/// Parts messages of people whose data was removed here from the others. What they wrote later comes over.
async fn sift(tx: &mut IngestTx, items: Vec<Item>) -> Result<(Vec<Item>, Vec<Item>), AdoptError> {
    let Some(salt) = tx.looked_for().await?.forgotten else { return Ok((items, Vec::new())) };
    let keys: Vec<Vec<Vec<u8>>> =
        items.iter().map(|item| handles_of(item).iter().map(|(kind, value)| salt.key(kind, value)).collect()).collect();
    let mails: Vec<Option<Vec<u8>>> = items.iter().map(|item| item.rfc.as_ref().map(|id| salt.key("id", id))).collect();
    let asked: Vec<Vec<u8>> = mails.iter().flatten().cloned().collect();
    let found = tx.tombstones(&salt, &keys.concat(), &asked, &[]).await?;
    let (mut kept, mut forgotten) = (Vec::with_capacity(items.len()), Vec::new());
    for ((item, keys), mail) in items.into_iter().zip(keys).zip(mails) {
        let was = keys.iter().filter_map(|key| found.handles.get(key)).any(|forgotten| is_before(item.at, *forgotten));
        let is_known = mail.is_some_and(|key| found.mails.contains(&key));
        if was || is_known { forgotten.push(item) } else { kept.push(item) }
    }
    Ok((kept, forgotten))
}

/// The handles of whoever a message is with, or from, in the words of the database.
fn handles_of(item: &Item) -> Vec<(&'static str, String)> {
    let of_key = |key: &str| {
        let (kind, value) = key.split_once(':')?;
        match kind {
            "phone" => Some(("phone", value.to_owned())),
            "name" => Some(("telegram_username", value.to_owned())),
            _ => None,
        }
    };
    let mut found = Vec::new();
    match &item.with {
        Correspondent::Mail(address) => found.push(("email", address.clone())),
        Correspondent::Chat(peer) if peer.kind == PeerKind::User => found.push(("telegram_id", peer.id.to_string())),
        Correspondent::Chat(_) => {}
        Correspondent::Handle(handle) => found.extend(of_key(handle)),
    }
    found.extend(item.handle.as_deref().and_then(of_key));
    if item.direction == Direction::In {
        found.extend(item.author_user.map(|id| ("telegram_id", id.to_string())));
    }
    found
}

/// What is noted of a row that stays away: its key alone, so that it is not looked at again.
fn nameless(item: &Item, message: (AccountId, MessageId)) -> AdoptedMessage {
    let trace = Trace { text: None, size: None, ..item.trace };
    let alias = alias(item, message, false, String::new(), Vec::new());
    AdoptedMessage { status: String::new(), rfc_message_id: None, trace, ..alias }
}

/// Where a run writes to.
struct Writing {
    source: Uuid,
    /// Accounts that this run has made: nothing of theirs is here.
    fresh: HashSet<AccountId>,
}

async fn here(store: &Store, source: Option<Uuid>, now: OffsetDateTime) -> Result<Here, AdoptError> {
    let accounts = store.accounts().await?;
    let there: HashSet<AccountId> = accounts.iter().map(|account| account.id).collect();
    let mut here = Here { accounts, telegram: HashMap::new(), mailboxes: HashMap::new(), now };
    let Some(source) = source else { return Ok(here) };
    for kind in [AdoptedKind::TelegramAccount, AdoptedKind::Mailbox] {
        for (key, (_, account)) in store.adopted_rows(source, kind).await? {
            let account = AccountId(account);
            // One that was removed with its messages is made anew, without them: what was deleted does not come back.
            if there.contains(&account) || store.knows_account(account).await? {
                let of_kind = if kind == AdoptedKind::Mailbox { &mut here.mailboxes } else { &mut here.telegram };
                of_kind.insert(key, account);
            }
        }
    }
    Ok(here)
}

/// Reads a row as a message; what cannot be one is told.
fn item(
    old_id: String,
    row: &Row,
    conversation: &OldConversation,
    rows: Option<Vec<OldFile>>,
    report: &mut Report,
) -> Option<Item> {
    let from_me = || row.flag("is_from_me").map(|mine| if mine { Direction::Out } else { Direction::In });
    let named = row.text("direction").and_then(|text| words::direction(&text));
    let Some(direction) = named.or_else(from_me) else {
        report.remark(Thing::Messages, Why::UnknownDirection, &old_id);
        return None;
    };
    let at = row.moment("created_at").or_else(|| row.moment("sent_at")).or(conversation.created_at);
    let Some(at) = at else {
        report.remark(Thing::Messages, Why::NoDate, &old_id);
        return None;
    };
    // What was sent was sent then; `created_at` is when it was typed, by the database's clock. A moment that the old
    // program wrote itself may be off by its session's offset, which is half an hour and more.
    let at = match direction {
        Direction::Out => row.moment("sent_at").filter(|sent| AT_ONCE.contains(&(*sent - at))).unwrap_or(at),
        Direction::In => at,
    };
    let status = words::word(&row.text("status").unwrap_or_default());
    if words::is_unsent(direction, &status) {
        report.remark(Thing::Messages, Why::NeverSent, &old_id);
    }
    let meta = row.object("meta_data");
    let chat = meta.number("telegram_chat_id").and_then(words::chat);
    // A conversation of several senders may hold messages of several chats.
    let with = match (&conversation.with, chat) {
        (Correspondent::Chat(_) | Correspondent::Handle(_), Some(peer)) => Correspondent::Chat(peer),
        (with, _) => with.clone(),
    };
    let handle = conversation.handle.clone().filter(|_| with == conversation.with);
    let is_mail = matches!(with, Correspondent::Mail(_));
    let mut files = rows.unwrap_or_default();
    let listed = OldFile::of_list(row.json("attachments").or_else(|| meta.json("attachments")), &files);
    files.extend(listed);
    let text = row.body("content");
    let kind = words::word(&row.text("type").unwrap_or_default());
    let placeholder = matching::is_placeholder(&text);
    let has_media = placeholder
        || !files.is_empty()
        || matches!(kind.as_str(), "image" | "video" | "audio" | "document" | "sticker" | "voice" | "file");
    let trace = Trace {
        outgoing: direction == Direction::Out,
        at,
        text: if placeholder && !is_mail { None } else { matching::text_key(&text) },
        has_media,
        size: files.iter().filter_map(|file| file.size).max(),
        guessed: conversation.guessed,
        common: false,
    };
    let rfc = row.text("external_id").filter(|_| is_mail);
    let rfc = rfc.map(|id| id.trim_matches(['<', '>']).to_owned()).filter(|id| !id.is_empty() && id.len() <= 998);
    let author_username = meta.text("telegram_username").map(|name| name.trim_start_matches('@').to_owned());
    let author = match direction {
        Direction::Out => meta.text("author_name").unwrap_or_default(),
        Direction::In => author_username.as_ref().map(|name| format!("@{name}")).unwrap_or_default(),
    };
    Some(Item {
        old_id,
        target: conversation.target,
        guessed: conversation.guessed,
        with,
        handle,
        title: conversation.title.clone(),
        client: conversation.client.clone(),
        person: String::new(),
        direction,
        at,
        text,
        read: direction == Direction::Out || status == "read",
        status,
        rfc,
        author: author.chars().take(200).collect(),
        author_username: author_username.filter(|_| direction == Direction::In),
        author_user: meta.number("telegram_user_id").filter(|id| *id > 0),
        files,
        trace,
    })
}

fn alias(
    item: &Item,
    (account, message): (AccountId, MessageId),
    waits: bool,
    peer: String,
    missing_files: Vec<String>,
) -> AdoptedMessage {
    AdoptedMessage {
        old_id: item.old_id.clone(),
        account,
        message,
        guessed: item.guessed,
        waits,
        status: item.status.clone(),
        missing_files,
        rfc_message_id: item.rfc.clone(),
        peer,
        trace: item.trace,
    }
}

/// Who stands behind the conversations of a batch.
#[derive(Default)]
struct People {
    addresses: BTreeMap<String, String>,
    users: BTreeMap<i64, TelegramPerson>,
}

impl People {
    fn of(items: &[Item]) -> Self {
        let mut people = Self::default();
        for item in items {
            match &item.with {
                Correspondent::Mail(address) if !address.is_empty() => {
                    people.addresses.entry(address.clone()).or_insert_with(|| item.person.clone());
                }
                Correspondent::Chat(Peer { kind: PeerKind::User, id }) => {
                    let name = item.title.clone().unwrap_or_else(|| item.person.clone());
                    // Usernames and numbers may be somebody else's by now: the server tells them.
                    people.users.entry(*id).or_insert_with(|| TelegramPerson { name, username: None, phone: None });
                }
                Correspondent::Mail(_) | Correspondent::Chat(_) | Correspondent::Handle(_) => {}
            }
        }
        people
    }
}

/// What a message says, in the words of its network.
enum Content {
    Letter(Box<Letter>),
    Chat(Box<ChatMessage>, [u8; 32]),
}

impl Content {
    fn of(item: &Item, target: &Target) -> Self {
        let text = item.text.clone();
        if let Correspondent::Mail(address) = &item.with {
            let theirs = Address { name: String::new(), address: address.clone() };
            let own = Address { name: item.author.clone(), address: target.address.clone() };
            let (author, to) = match item.direction {
                Direction::In => (theirs, Address { name: String::new(), ..own }),
                Direction::Out => (own, theirs),
            };
            let to = if to.address.is_empty() { Vec::new() } else { vec![to] };
            let message_id = item.rfc.clone();
            return Self::Letter(Box::new(Letter { author, to, text, message_id, ..Letter::default() }));
        }
        let chat = chat_of(item);
        let user = |id| Peer { kind: PeerKind::User, id };
        let author = match item.direction {
            Direction::Out => ChatAuthor { peer: user(target.user), name: item.author.clone(), username: None },
            Direction::In if chat.kind == ChatKind::Private => {
                ChatAuthor { peer: chat.key.peer, name: chat.title.clone(), username: item.author_username.clone() }
            }
            Direction::In => ChatAuthor {
                peer: user(item.author_user.unwrap_or(0)),
                name: item.author.clone(),
                username: item.author_username.clone(),
            },
        };
        let message = ChatMessage::new(chat, Some(author), text);
        let hash = content_hash(&message);
        Self::Chat(Box::new(message), hash)
    }

    fn row<'a>(
        &'a self,
        item: &Item,
        id: MessageId,
        conversation: ConversationId,
        place: &'a Place,
        raw: &'a RawBytes,
    ) -> NewMessage<'a> {
        NewMessage {
            id,
            conversation,
            place,
            direction: item.direction,
            letter: match self {
                Self::Letter(letter) => Some(letter),
                Self::Chat(..) => None,
            },
            chat: match self {
                Self::Letter(_) => None,
                Self::Chat(chat, hash) => Some((chat, *hash)),
            },
            unreadable: None,
            received_at: item.at,
            arrived_at: item.at,
            read: item.read,
            seen: item.read,
            answered: false,
            size: 0,
            sha256: [0; 32],
            raw,
        }
    }
}

fn chat_of(item: &Item) -> Chat {
    let peer = match &item.with {
        Correspondent::Chat(peer) => *peer,
        Correspondent::Handle(_) | Correspondent::Mail(_) => Peer { kind: PeerKind::User, id: 0 },
    };
    let kind = match peer.kind {
        PeerKind::User => ChatKind::Private,
        PeerKind::Group => ChatKind::Group,
        PeerKind::Channel => ChatKind::Supergroup,
    };
    let handle = item.handle.as_deref().or(match &item.with {
        Correspondent::Handle(handle) => Some(handle.as_str()),
        Correspondent::Chat(_) | Correspondent::Mail(_) => None,
    });
    let phone = handle.and_then(|handle| handle.strip_prefix("phone:")).map(str::to_owned);
    let username = handle.and_then(|handle| handle.strip_prefix("name:")).map(str::to_owned);
    let other = handle.and_then(|handle| handle.strip_prefix("other:")).map(str::to_owned);
    let shown = || username.as_ref().map(|name| format!("@{name}")).or_else(|| phone.clone()).or(other);
    let title = item.title.clone().or_else(shown).unwrap_or_else(|| peer.to_string());
    Chat { key: ChatKey::from(peer), kind, title, username, phone }
}

fn summary_change(
    item: &Item,
    row: &NewMessage<'_>,
    new: bool,
    key: Option<ChatKey>,
    content: &Content,
) -> SummaryChange {
    let (peer, chat) = match content {
        Content::Letter(_) => {
            let address = match &item.with {
                Correspondent::Mail(address) => address.clone(),
                Correspondent::Chat(_) | Correspondent::Handle(_) => String::new(),
            };
            (Address { name: item.person.clone(), address }, None)
        }
        Content::Chat(message, _) => {
            let of = &message.chat;
            let address = match (&of.username, &of.phone) {
                (Some(name), _) => format!("@{name}"),
                (None, phone) => phone.clone().unwrap_or_default(),
            };
            let author = message.author.as_ref().filter(|_| {
                item.direction == Direction::In && matches!(of.kind, ChatKind::Group | ChatKind::Supergroup)
            });
            let chat = key.map(|key| ChatSummary {
                key,
                kind: of.kind,
                // A name that the server told is not followed by an old one.
                named: new,
                author: author.map(|author| author.name.clone()).unwrap_or_default(),
                media: None,
            });
            (Address { name: of.title.clone(), address }, chat)
        }
    };
    SummaryChange {
        conversation: row.conversation,
        new,
        messages: 1,
        unread: i32::from(!row.read),
        files: 0,
        last_message: row.id,
        last_at: item.at,
        last_direction: item.direction,
        // What was read there is nobody's turn here.
        last_in: (item.direction == Direction::In && !item.read).then_some(item.at),
        snippet: snippet(&item.text),
        unreadable: false,
        contact: None,
        peer,
        subject: item.title.clone().filter(|_| matches!(content, Content::Letter(_))).unwrap_or_default(),
        subject_key: String::new(),
        chat,
    }
}
