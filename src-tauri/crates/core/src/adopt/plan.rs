//! What the old system's small tables say: accounts, conversations, people. Everything is decided before anything is
//! written.

use std::collections::{BTreeMap, HashMap, HashSet};

use secrecy::SecretString;
use time::{Duration, OffsetDateTime};

use super::{
    report::{Report, Thing, Why},
    row::Row,
    words::{self, Correspondent, Network},
};
use crate::{
    model::{
        Account, AccountId, Auth, Channel, EmailSettings, Endpoint, PeerKind, Security, TakenChats, TelegramSettings,
        is_plausible_address,
    },
    store::{AccountDraft, TelegramDraft},
};

/// A Telegram account of the old system with its secrets.
#[derive(Debug)]
pub struct OldTelegram {
    /// Its key there, as text.
    pub old_id: String,
    /// What it is called there.
    pub name: String,
    /// The account here.
    pub account: AccountId,
    /// Its session string as it stands there; `None`: there is none.
    pub session: Option<SecretString>,
    /// The API hash; the bureau's own where the row has none.
    pub api_hash: Option<SecretString>,
    /// Whether the hash stands in its row.
    pub own_hash: bool,
    /// Whether the old listener used it.
    pub active: bool,
}

/// A mailbox of the old system with its password.
#[derive(Debug)]
pub struct OldMailbox {
    /// Its key there, as text.
    pub old_id: String,
    /// Its address.
    pub address: String,
    /// The account here.
    pub account: AccountId,
    /// Its password as it stands there, spaces included.
    pub password: Option<SecretString>,
    /// Whether the old listener used it.
    pub active: bool,
}

/// What has to be made for an account.
#[derive(Debug, Clone)]
pub(super) enum Made {
    /// It is here already.
    Nothing,
    /// A Telegram account.
    Telegram(Box<TelegramDraft>),
    /// A mailbox.
    Mailbox(Box<AccountDraft>),
    /// A place for what belongs to no account that can be made.
    Shelf,
}

/// An account here that something comes over to.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub account: AccountId,
    pub channel: Channel,
    pub name: String,
    /// By what it is known in [`crate::store::AdoptedKind`].
    pub key: String,
    pub made: Made,
    /// Its own address, for mails.
    pub address: String,
    /// The user it belongs to, where known.
    pub user: i64,
}

/// A conversation of the old system.
#[derive(Debug, Clone)]
pub(super) struct OldConversation {
    pub target: usize,
    /// Whether its account is a guess: the old system did not keep it.
    pub guessed: bool,
    pub with: Correspondent,
    /// A number or username by which it was known there beside its chat.
    pub handle: Option<String>,
    pub title: Option<String>,
    pub client: Option<String>,
    pub archived: bool,
    pub assignee: Option<String>,
    pub created_at: Option<OffsetDateTime>,
}

/// A client of the old system.
#[derive(Debug, Clone, Default)]
pub(super) struct OldClient {
    pub name: String,
    pub handles: Vec<(&'static str, String)>,
}

/// Everything that is decided before messages are read.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub targets: Vec<Target>,
    /// Where each account stands among them.
    of_account: HashMap<AccountId, usize>,
    /// Those for what belongs to none, of each network one at most.
    shelves: Vec<(Channel, usize)>,
    pub conversations: HashMap<String, OldConversation>,
    /// Conversations that do not come over; their messages do not either.
    pub refused: HashSet<String>,
    pub clients: BTreeMap<String, OldClient>,
    pub telegram: Vec<OldTelegram>,
    pub mailboxes: Vec<OldMailbox>,
}

/// What is here already.
pub(super) struct Here {
    pub accounts: Vec<Account>,
    /// Accounts that came over before, by their key, as far as they exist.
    pub telegram: HashMap<String, AccountId>,
    pub mailboxes: HashMap<String, AccountId>,
    pub now: OffsetDateTime,
}

impl Here {
    /// Accounts that sign in by themselves.
    fn working(&self) -> HashSet<AccountId> {
        self.accounts.iter().filter(|account| account.enabled).map(|account| account.id).collect()
    }
}

/// The old system's small tables.
pub(super) struct Tables {
    pub telegram: Vec<Option<Row>>,
    pub mailboxes: Vec<Option<Row>>,
    pub conversations: Vec<Option<Row>>,
    pub users: Vec<Option<Row>>,
    pub clients: Vec<Option<Row>>,
    pub settings: Vec<Option<Row>>,
    /// Conversation, chat, how often.
    pub chats: Vec<(String, i64, i64)>,
}

/// What conversations name: accounts and people by their keys there.
struct Known<'a> {
    /// Where conversations go whose Telegram account nobody kept, and whether it is one of several.
    default: Option<(usize, bool)>,
    mailboxes: &'a HashMap<String, usize>,
    users: &'a HashMap<String, String>,
}

/// Rows that can be read; the others are told.
fn readable(rows: Vec<Option<Row>>, thing: Thing, report: &mut Report) -> Vec<Row> {
    report.at(thing).found += rows.len() as u64;
    rows.into_iter()
        .filter_map(|row| {
            if row.is_none() {
                report.remark(thing, Why::Unreadable, "");
            }
            row
        })
        .collect()
}

impl Plan {
    /// Decides what becomes of everything but messages, files and notes.
    pub fn make(tables: Tables, here: &Here, report: &mut Report) -> Self {
        let mut plan = Self::default();
        let settings: HashMap<String, String> = tables
            .settings
            .into_iter()
            .flatten()
            .filter_map(|row| Some((row.text("key")?, row.text("value")?)))
            .collect();
        let default =
            plan.telegram_accounts(readable(tables.telegram, Thing::TelegramAccounts, report), &settings, here, report);
        let conversations = readable(tables.conversations, Thing::Conversations, report);
        let mailboxes = plan.mailboxes(
            readable(tables.mailboxes, Thing::Mailboxes, report),
            &first_of_mailboxes(&conversations),
            here,
            report,
        );
        let users = colleagues(readable(tables.users, Thing::Colleagues, report), report);
        plan.clients(readable(tables.clients, Thing::Clients, report), report);
        let known = Known { default, mailboxes: &mailboxes, users: &users };
        plan.conversations(conversations, &tables.chats, known, here, report);
        plan
    }

    fn target(&mut self, target: Target) -> usize {
        let next = self.targets.len();
        let at = *self.of_account.entry(target.account).or_insert(next);
        if at == next {
            self.targets.push(target);
        }
        at
    }

    /// Returns the account that conversations go to whose account nobody kept, and whether there are several.
    fn telegram_accounts(
        &mut self,
        rows: Vec<Row>,
        settings: &HashMap<String, String>,
        here: &Here,
        report: &mut Report,
    ) -> Option<(usize, bool)> {
        let mut found: Vec<(usize, bool)> = Vec::new();
        let mut met: HashMap<String, usize> = HashMap::new();
        let of_phone: HashMap<&str, &Account> = here
            .accounts
            .iter()
            .rev()
            .filter_map(|account| Some((account.telegram.as_ref()?.phone.as_str(), account)))
            .filter(|(phone, _)| !phone.is_empty())
            .collect();
        let users: HashMap<AccountId, i64> =
            here.accounts.iter().filter_map(|account| Some((account.id, account.telegram.as_ref()?.user_id))).collect();
        let working = here.working();
        let mut rows: Vec<(usize, Row)> = rows.into_iter().enumerate().collect();
        // Of several rows of one account the one that its listener used counts.
        rows.sort_by_key(|(_, row)| !row.flag("is_active").unwrap_or(false));
        for (n, row) in rows {
            let old_id = row.text("id").unwrap_or_else(|| format!("row {}", n + 1));
            let phone = row.text("phone").and_then(|phone| words::phone(&phone)).unwrap_or_default();
            let name: String = row.text("name").unwrap_or_else(|| phone.clone()).chars().take(200).collect();
            let name = if name.is_empty() { "Telegram".to_owned() } else { name };
            let key = if phone.is_empty() { format!("name:{}", name.to_lowercase()) } else { format!("phone:{phone}") };
            // What works here needs nothing of the old system's any more, where it may be emptied by now.
            let known = of_phone.get(phone.as_str()).map(|account| account.id);
            let known = known.or_else(|| here.telegram.get(&key).copied());
            let works = known.is_some_and(|id| working.contains(&id));
            let own_api = row.number("api_id");
            let api = own_api.or_else(|| settings.get("telegram_api_id").and_then(|id| id.trim().parse().ok()));
            let api_id = api.and_then(|id| i32::try_from(id).ok()).filter(|id| *id > 0);
            if api_id.is_none() && !works {
                report.remark(Thing::TelegramAccounts, Why::NoApiId, &name);
            }
            let own_hash = row.text("api_hash").filter(|hash| is_hash(hash));
            let has_own = own_hash.is_some();
            let hash = own_hash.or_else(|| settings.get("telegram_api_hash").cloned().filter(|hash| is_hash(hash)));
            if hash.is_none() && !works {
                report.remark(Thing::TelegramAccounts, Why::NoApiHash, &name);
            }
            let session = row.text("session_string");
            if session.is_none() && !works {
                report.remark(Thing::TelegramAccounts, Why::NoSession, &name);
            }
            let active = row.flag("is_active").unwrap_or(false);
            let at = if let Some(at) = met.get(&key) {
                report.remark(Thing::TelegramAccounts, Why::SameAccountTwice, &name);
                *at
            } else {
                let account = known.unwrap_or_else(|| AccountId::new(here.now));
                let made = if known.is_some() {
                    report.at(Thing::TelegramAccounts).known += 1;
                    Made::Nothing
                } else {
                    report.at(Thing::TelegramAccounts).new += 1;
                    Made::Telegram(Box::new(TelegramDraft {
                        id: account,
                        name: name.clone(),
                        color: None,
                        telegram: TelegramSettings {
                            phone,
                            api_id: api_id.unwrap_or(0),
                            user_id: 0,
                            home_dc: 0,
                            takes: TakenChats::default(),
                            history_days: 30,
                            mark_read: true,
                            file_limit: 10 << 20,
                            proxy: None,
                        },
                    }))
                };
                let user = users.get(&account).copied().unwrap_or(0);
                let channel = Channel::Telegram;
                let target = Target {
                    account,
                    channel,
                    name: name.clone(),
                    key: key.clone(),
                    made,
                    address: String::new(),
                    user,
                };
                let at = self.target(target);
                met.insert(key, at);
                found.push((at, active));
                at
            };
            self.telegram.push(OldTelegram {
                old_id,
                name,
                account: self.targets[at].account,
                session: session.map(SecretString::from),
                api_hash: hash.map(SecretString::from),
                own_hash: has_own,
                active,
            });
        }
        // The old system sent everything from the first active account.
        let several = found.len() > 1;
        found.iter().find(|(_, active)| *active).or_else(|| found.first()).map(|(at, _)| (*at, several))
    }

    /// Returns the account of each mailbox.
    fn mailboxes(
        &mut self,
        rows: Vec<Row>,
        first: &HashMap<String, OffsetDateTime>,
        here: &Here,
        report: &mut Report,
    ) -> HashMap<String, usize> {
        let mut found = HashMap::new();
        let mut met: HashMap<String, usize> = HashMap::new();
        let of_address: HashMap<String, AccountId> = here
            .accounts
            .iter()
            .rev()
            .filter_map(|account| Some((account.email.as_ref()?.address.to_lowercase(), account.id)))
            .collect();
        let working = here.working();
        let mut rows: Vec<(usize, Row)> = rows.into_iter().enumerate().collect();
        rows.sort_by_key(|(_, row)| !row.flag("is_active").unwrap_or(false));
        for (n, row) in rows {
            let old_id = row.text("id").unwrap_or_else(|| format!("row {}", n + 1));
            let typed = row.text("email").unwrap_or_default();
            let address = words::address(&typed);
            if !is_plausible_address(&address) {
                report.remark(Thing::Mailboxes, Why::BadAddress, row.text("name").as_deref().unwrap_or(&typed));
                continue;
            }
            let known = of_address.get(&address).copied();
            let known = known.or_else(|| here.mailboxes.get(&address).copied());
            // As it stands there: the old system did not take its spaces for a mistake.
            let password = row.text("smtp_password").map(|_| row.body("smtp_password"));
            if password.is_none() && !known.is_some_and(|id| working.contains(&id)) {
                report.remark(Thing::Mailboxes, Why::NoPassword, &address);
            }
            let at = if let Some(at) = met.get(&address) {
                report.remark(Thing::Mailboxes, Why::SameAccountTwice, &address);
                *at
            } else {
                let account = known.unwrap_or_else(|| AccountId::new(here.now));
                let name = row.text("name").unwrap_or_else(|| address.clone());
                let name: String = name.chars().take(200).collect();
                let made = if known.is_some() {
                    report.at(Thing::Mailboxes).known += 1;
                    Made::Nothing
                } else {
                    report.at(Thing::Mailboxes).new += 1;
                    let since = first.get(&old_id).map(|at| *at - Duration::days(2));
                    match mailbox(&row, &address, since, report) {
                        Some(email) => Made::Mailbox(Box::new(AccountDraft {
                            id: account,
                            name: name.clone(),
                            color: None,
                            email,
                        })),
                        None => Made::Shelf,
                    }
                };
                let key = address.clone();
                let target =
                    Target { account, channel: Channel::Email, name, key, made, address: address.clone(), user: 0 };
                let at = self.target(target);
                met.insert(address.clone(), at);
                at
            };
            found.insert(old_id.clone(), at);
            self.mailboxes.push(OldMailbox {
                old_id,
                address,
                account: self.targets[at].account,
                password: password.map(SecretString::from),
                active: row.flag("is_active").unwrap_or(false),
            });
        }
        found
    }

    fn clients(&mut self, rows: Vec<Row>, report: &mut Report) {
        for row in rows {
            let name: String = row.text("full_name").or_else(|| row.text("name")).unwrap_or_default();
            let Some(id) = row.text("id") else {
                report.remark(Thing::Clients, Why::NoKey, &name);
                continue;
            };
            let mut handles = Vec::new();
            let email =
                row.text("email").map(|email| words::address(&email)).filter(|email| is_plausible_address(email));
            handles.extend(email.map(|email| ("email", email)));
            // The old system put usernames and ids where a phone belongs, and zeros where it had none.
            if let Some(text) = row.text("phone") {
                if let Some(name) = text.strip_prefix('@') {
                    handles.push(("telegram_username", name.to_lowercase()));
                } else if text.starts_with('+') {
                    let is_one = |phone: &String| phone.len() > 8 && phone.bytes().skip(1).any(|digit| digit != b'0');
                    handles.extend(words::phone(&text).filter(is_one).map(|phone| ("phone", phone)));
                }
            }
            handles.retain(|(_, value)| !value.is_empty());
            self.clients.insert(id, OldClient { name: name.chars().take(200).collect(), handles });
        }
    }

    fn conversations(
        &mut self,
        rows: Vec<Row>,
        chats: &[(String, i64, i64)],
        Known { default, mailboxes, users }: Known<'_>,
        here: &Here,
        report: &mut Report,
    ) {
        let mut most: HashMap<&str, (i64, i64)> = HashMap::new();
        for (conversation, chat, count) in chats {
            let entry = most.entry(conversation).or_insert((*chat, *count));
            if (*count, *chat) > (entry.1, entry.0) {
                *entry = (*chat, *count);
            }
        }
        // A person may have conversations by number, by username and by id: what one tells of the others counts for all.
        let mut chat_of_handle: HashMap<String, Correspondent> = HashMap::new();
        for row in &rows {
            let (Some(id), Some(external)) = (row.text("id"), row.text("external_id")) else { continue };
            let chat = most.get(id.as_str()).and_then(|(chat, _)| words::chat(*chat));
            if let (Some(peer), Some(Correspondent::Handle(handle))) = (chat, words::handle(&external))
                && peer.kind == PeerKind::User
            {
                chat_of_handle.entry(handle).or_insert(Correspondent::Chat(peer));
            }
        }
        let only_mailbox = mailboxes.values().collect::<HashSet<_>>();
        let only_mailbox = (only_mailbox.len() == 1).then(|| only_mailbox.into_iter().next().copied()).flatten();
        let mut met: HashSet<(usize, Correspondent)> = HashSet::new();
        for row in rows {
            let external = row.text("external_id").unwrap_or_default();
            let Some(id) = row.text("id") else {
                report.remark(Thing::Conversations, Why::NoKey, &external);
                continue;
            };
            let chat = most.get(id.as_str()).and_then(|(chat, _)| words::chat(*chat));
            let platform = row.text("platform").unwrap_or_default();
            let network = match words::network(&platform, &external, chat.is_some()) {
                Ok((network, relabelled)) => {
                    if relabelled {
                        report.remark(Thing::Conversations, Why::WrongLabel, &external);
                    }
                    network
                }
                Err(other) => {
                    report.remark(Thing::Conversations, Why::OtherNetwork, &format!("{other}: {external}"));
                    self.refused.insert(id);
                    continue;
                }
            };
            let (target, guessed, with, handle) = match network {
                Network::Telegram => {
                    let by_name = words::handle(&external);
                    let handle = match &by_name {
                        Some(Correspondent::Handle(handle)) => Some(handle.clone()),
                        Some(Correspondent::Chat(_) | Correspondent::Mail(_)) | None => None,
                    };
                    let known = handle.as_ref().and_then(|handle| chat_of_handle.get(handle)).cloned();
                    let with = chat.map(Correspondent::Chat).or(known).or(by_name);
                    let with =
                        with.unwrap_or_else(|| Correspondent::Handle(format!("other:{}", external.to_lowercase())));
                    let (target, guessed) = match default {
                        Some((target, several)) => {
                            if several {
                                report.remark(Thing::Conversations, Why::UnknownTelegramAccount, &external);
                            }
                            (target, several)
                        }
                        None => (self.shelf(Channel::Telegram, here), true),
                    };
                    // Of a group it was the number of one who wrote there.
                    let own = matches!(&with, Correspondent::Chat(peer) if peer.kind == PeerKind::User);
                    (target, guessed, with, handle.filter(|_| own))
                }
                Network::Mail => {
                    let named = row.text("manager_smtp_account_id");
                    let known = named.as_ref().and_then(|id| mailboxes.get(id)).copied();
                    let target = known.unwrap_or_else(|| {
                        report.remark(Thing::Conversations, Why::UnknownMailbox, &external);
                        only_mailbox.unwrap_or_else(|| self.shelf(Channel::Email, here))
                    });
                    (target, known.is_none(), Correspondent::Mail(words::address(&external)), None)
                }
            };
            if !met.insert((target, with.clone())) {
                report.remark(Thing::Conversations, Why::SameConversation, &external);
            }
            let manager = row.text("assigned_manager_id");
            let assignee = manager.as_ref().and_then(|id| users.get(id)).cloned();
            if manager.is_some() && assignee.is_none() {
                report.remark(Thing::Conversations, Why::UnknownManager, &external);
            }
            let named = row.text("client_id");
            let client = named.clone().filter(|id| self.clients.contains_key(id));
            if named.is_some() && client.is_none() {
                report.remark(Thing::Conversations, Why::UnknownClient, &external);
            }
            let conversation = OldConversation {
                target,
                guessed,
                with,
                handle,
                title: row.text("subject").map(|title| title.chars().take(1000).collect()),
                client,
                archived: row.flag("is_archived").unwrap_or(false),
                assignee,
                created_at: row.moment("created_at"),
            };
            self.conversations.insert(id, conversation);
        }
        // Rows of one conversation have one client.
        let mut clients: HashMap<(usize, Correspondent), String> = HashMap::new();
        for conversation in self.conversations.values() {
            if let Some(client) = &conversation.client {
                let known =
                    clients.entry((conversation.target, conversation.with.clone())).or_insert_with(|| client.clone());
                if client < known {
                    known.clone_from(client);
                }
            }
        }
        for conversation in self.conversations.values_mut().filter(|conversation| conversation.client.is_none()) {
            conversation.client = clients.get(&(conversation.target, conversation.with.clone())).cloned();
        }
    }

    /// The account for what belongs to none: a mailbox that is gone, chats of an account that was deleted.
    fn shelf(&mut self, channel: Channel, here: &Here) -> usize {
        let key = "shelf".to_owned();
        let known = match channel {
            Channel::Telegram => here.telegram.get(&key),
            Channel::Email => here.mailboxes.get(&key),
        };
        let met = self.shelves.iter().find(|(of, _)| *of == channel);
        if let Some((_, at)) = met {
            return *at;
        }
        let account = known.copied().unwrap_or_else(|| AccountId::new(here.now));
        let made = if known.is_some() { Made::Nothing } else { Made::Shelf };
        let name = match channel {
            Channel::Telegram => "CRM: Telegram",
            Channel::Email => "CRM: e-mail",
        };
        let target = Target { account, channel, name: name.to_owned(), key, made, address: String::new(), user: 0 };
        let at = self.target(target);
        self.shelves.push((channel, at));
        at
    }
}

/// When the first conversation of each mailbox began: mails from then on are fetched from its server.
fn first_of_mailboxes(conversations: &[Row]) -> HashMap<String, OffsetDateTime> {
    let mut first: HashMap<String, OffsetDateTime> = HashMap::new();
    for row in conversations {
        if let (Some(mailbox), Some(at)) = (row.text("manager_smtp_account_id"), row.moment("created_at")) {
            first.entry(mailbox).and_modify(|known| *known = at.min(*known)).or_insert(at);
        }
    }
    first
}

fn is_hash(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The settings of a mailbox; `None`: its servers' names cannot be names.
fn mailbox(row: &Row, address: &str, since: Option<OffsetDateTime>, report: &mut Report) -> Option<EmailSettings> {
    let host = |column: &str| row.text(column).map(|host| host.to_lowercase());
    let smtp_host = host("smtp_host");
    let imap_host = host("imap_host").or_else(|| {
        report.remark(Thing::Mailboxes, Why::NoImapServer, address);
        smtp_host.clone()
    });
    let endpoint = |host: Option<String>, column: &str, usual: i64| {
        let port = row.number(column).unwrap_or(usual);
        host.and_then(|host| format!("{host}:{port}").parse::<Endpoint>().ok())
    };
    let imap = endpoint(imap_host, "imap_port", 993);
    let smtp = endpoint(smtp_host, "smtp_port", 587);
    let (Some(imap), Some(smtp)) = (imap, smtp) else {
        report.remark(Thing::Mailboxes, Why::BadServer, address);
        return None;
    };
    Some(EmailSettings {
        address: address.to_owned(),
        // The old system spoke TLS at once with IMAP; with SMTP only at port 465.
        imap_security: if imap.port == 143 { Security::Starttls } else { Security::Tls },
        smtp_security: if smtp.port == 465 { Security::Tls } else { Security::Starttls },
        imap,
        smtp,
        user: row.text("smtp_user").unwrap_or_else(|| address.to_owned()),
        auth: Auth::Password,
        since,
        ca_pem: None,
        folders: Vec::new(),
        write_flags: false,
    })
}

/// The names of the bureau's people by their keys.
fn colleagues(rows: Vec<Row>, report: &mut Report) -> HashMap<String, String> {
    let mut names = HashMap::new();
    for row in rows {
        let full = [row.text("first_name"), row.text("last_name")];
        let full = full.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let name = if full.is_empty() { row.text("email").unwrap_or_default() } else { full };
        let (Some(id), false) = (row.text("id"), name.is_empty()) else {
            report.remark(Thing::Colleagues, Why::NoKey, &name);
            continue;
        };
        if row.flag("is_active") != Some(false) && !report.colleagues.contains(&name) {
            report.colleagues.push(name.clone());
            report.at(Thing::Colleagues).new += 1;
        }
        names.insert(id, name);
    }
    names
}
