//! What comes over and what cannot, by name and count.

use std::collections::BTreeMap;

/// How many names a line of the report gives as examples.
const EXAMPLES: usize = 20;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Thing {
    /// Telegram accounts.
    TelegramAccounts,
    /// Mailboxes.
    Mailboxes,
    /// People of the bureau.
    Colleagues,
    /// Clients.
    Clients,
    /// Conversations.
    Conversations,
    /// Messages.
    Messages,
    /// Files.
    Files,
    /// Internal notes.
    Notes,
}

impl Thing {
    /// Its word for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TelegramAccounts => "telegram_accounts",
            Self::Mailboxes => "mailboxes",
            Self::Colleagues => "colleagues",
            Self::Clients => "clients",
            Self::Conversations => "conversations",
            Self::Messages => "messages",
            Self::Files => "files",
            Self::Notes => "notes",
        }
    }
}

/// Why something cannot come over, or comes over otherwise than it stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Why {
    /// The row is no JSON that can be read.
    Unreadable,
    /// It has no key.
    NoKey,
    /// Another row has the same address or number; both become one account.
    SameAccountTwice,
    /// Its address is no mail address.
    BadAddress,
    /// The name of its server cannot be one.
    BadServer,
    /// It names no IMAP server; the SMTP server's name is taken, as the old system did.
    NoImapServer,
    /// Its password is missing.
    NoPassword,
    /// It has no session.
    NoSession,
    /// Its API ID is missing or no number.
    NoApiId,
    /// Its API hash is missing or no hash.
    NoApiHash,
    /// It belongs to a network that does not come over.
    OtherNetwork,
    /// Its label says another network than what it holds.
    WrongLabel,
    /// Several rows are one conversation.
    SameConversation,
    /// It names a mailbox that does not exist, or none.
    UnknownMailbox,
    /// The old system did not keep which of several Telegram accounts it belongs to.
    UnknownTelegramAccount,
    /// It has no message.
    NoMessages,
    /// It names a manager who does not exist.
    UnknownManager,
    /// It names a client who does not exist.
    UnknownClient,
    /// Its conversation does not exist.
    NoConversation,
    /// Neither inbound nor outbound.
    UnknownDirection,
    /// It has no date that can be one.
    NoDate,
    /// The same mail stands there already.
    SameMail,
    /// The account's server has brought it already.
    HereAlready,
    /// The old system did not send it.
    NeverSent,
    /// It was not found in the folder.
    NoFile,
    /// No folder with files was named.
    NoFolder,
    /// It has neither an address nor a number.
    NoHandle,
    /// Its author's data was removed here on their request.
    Forgotten,
    /// It belongs to something else than a conversation that comes over.
    NotOfConversation,
}

impl Why {
    /// Its word for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::NoKey => "no_key",
            Self::SameAccountTwice => "same_account_twice",
            Self::BadAddress => "bad_address",
            Self::BadServer => "bad_server",
            Self::NoImapServer => "no_imap_server",
            Self::NoPassword => "no_password",
            Self::NoSession => "no_session",
            Self::NoApiId => "no_api_id",
            Self::NoApiHash => "no_api_hash",
            Self::OtherNetwork => "other_network",
            Self::WrongLabel => "wrong_label",
            Self::SameConversation => "same_conversation",
            Self::UnknownMailbox => "unknown_mailbox",
            Self::UnknownTelegramAccount => "unknown_telegram_account",
            Self::NoMessages => "no_messages",
            Self::UnknownManager => "unknown_manager",
            Self::UnknownClient => "unknown_client",
            Self::NoConversation => "no_conversation",
            Self::UnknownDirection => "unknown_direction",
            Self::NoDate => "no_date",
            Self::SameMail => "same_mail",
            Self::HereAlready => "here_already",
            Self::NeverSent => "never_sent",
            Self::NoFile => "no_file",
            Self::NoFolder => "no_folder",
            Self::NoHandle => "no_handle",
            Self::Forgotten => "forgotten",
            Self::NotOfConversation => "not_of_conversation",
        }
    }

    /// Whether what it is said of comes over nevertheless.
    pub const fn comes_over(self) -> bool {
        match self {
            Self::SameAccountTwice
            | Self::BadServer
            | Self::NoImapServer
            | Self::NoPassword
            | Self::NoSession
            | Self::NoApiId
            | Self::NoApiHash
            | Self::WrongLabel
            | Self::SameConversation
            | Self::UnknownMailbox
            | Self::UnknownTelegramAccount
            | Self::UnknownManager
            | Self::UnknownClient
            | Self::SameMail
            | Self::HereAlready
            | Self::NeverSent => true,
            Self::Unreadable
            | Self::NoKey
            | Self::BadAddress
            | Self::OtherNetwork
            | Self::NoMessages
            | Self::NoConversation
            | Self::UnknownDirection
            | Self::NoDate
            | Self::NoFile
            | Self::NoFolder
            | Self::NoHandle
            | Self::Forgotten
            | Self::NotOfConversation => false,
        }
    }

    /// A sentence for people at a command line.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unreadable => "the row cannot be read",
            Self::NoKey => "the row has no key",
            Self::SameAccountTwice => "another row is the same account; both become one",
            Self::BadAddress => "its address is no mail address",
            Self::BadServer => "its server's name or port cannot be one; enter it anew in the account",
            Self::NoImapServer => "it names no IMAP server; the SMTP server's name is taken",
            Self::NoPassword => "its password is missing; enter it in the account",
            Self::NoSession => "it has no session; sign in anew",
            Self::NoApiId => "its API ID is missing or no number; enter it when you sign in",
            Self::NoApiHash => "its API hash is missing or no hash; enter it when you sign in",
            Self::OtherNetwork => "its network is none that Skrynka takes over",
            Self::WrongLabel => "its label names another network than what it holds; what it holds counts",
            Self::SameConversation => "another row is the same conversation; both become one",
            Self::UnknownMailbox => "it names no mailbox that exists",
            Self::UnknownTelegramAccount => "the old system did not keep which Telegram account it belongs to",
            Self::NoMessages => "it has no message that comes over",
            Self::UnknownManager => "its manager does not exist; it comes over without one",
            Self::UnknownClient => "its client does not exist; it comes over without one",
            Self::NoConversation => "its conversation does not exist or does not come over",
            Self::UnknownDirection => "it is neither inbound nor outbound",
            Self::NoDate => "it has no date that can be one",
            Self::SameMail => "the same mail stands there twice; it comes over once",
            Self::HereAlready => "its server has brought it already; it is not stored again",
            Self::NeverSent => "the old system did not send it; it comes over marked so",
            Self::NoFile => "the file is not in the folder",
            Self::NoFolder => "no folder with files was named",
            Self::NoHandle => "neither an address nor a number is known of them",
            Self::Forgotten => "the data of the person was removed here on request",
            Self::NotOfConversation => "it belongs to no conversation that comes over",
        }
    }
}

/// One reason with what it is said of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remark {
    /// How many.
    pub count: u64,
    /// The names of the first of them.
    pub examples: Vec<String>,
}

/// What became of one thing, or would become.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counted {
    /// How many there are.
    pub found: u64,
    /// How many come over in this run.
    pub new: u64,
    /// How many came over before.
    pub known: u64,
    /// What is to be said of the others, and of those that come over otherwise.
    pub remarks: BTreeMap<Why, Remark>,
}

/// What comes over and what cannot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// By thing.
    pub counted: BTreeMap<Thing, Counted>,
    /// The names of the bureau's people who still work there.
    pub colleagues: Vec<String>,
}

impl Counted {
    /// So many of the new ones turn out to be known.
    fn recount(&mut self, known: u64) {
        let known = known.min(self.new);
        self.new -= known;
        self.known += known;
    }
}

impl Report {
    /// What is said of a thing.
    pub fn of(&self, thing: Thing) -> Counted {
        self.counted.get(&thing).cloned().unwrap_or_default()
    }

    /// Counts those of the bureau's people as known who are already among these names.
    pub fn know_colleagues(&mut self, names: &[String]) {
        let known = self.colleagues.iter().filter(|name| names.contains(name)).count() as u64;
        self.at(Thing::Colleagues).recount(known);
    }

    pub(super) fn at(&mut self, thing: Thing) -> &mut Counted {
        self.counted.entry(thing).or_default()
    }

    pub(super) fn remark(&mut self, thing: Thing, why: Why, name: &str) {
        let remark = self.at(thing).remarks.entry(why).or_default();
        remark.count += 1;
        let name: String = name.chars().take(80).collect();
        if remark.examples.len() < EXAMPLES && !remark.examples.contains(&name) {
            remark.examples.push(name);
        }
    }
}
