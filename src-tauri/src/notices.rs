//! From stored facts to notices of the system, and from a click on one back to the conversation.

mod desktop;

use std::{
    collections::{BTreeSet, HashMap},
    future::Future,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use skrynka_core::{
    model::{AccountId, AccountState, MessageId},
    notices::{self, Arrival, ConversationRef, Count, Notice, Scene, Waiting},
    profile::{NoticeSettings, Settings},
    store::StoreError,
};
use tauri_specta::Event as _;
use tokio::{sync::Notify, time::Instant};

use self::desktop::{Desktop, Said};
pub use self::desktop::{has_tray, set_badge};
use crate::{
    desk::{Desk, Office},
    tray,
    window::bring_to_front,
    wire::{ConversationKey, NoticeOpened},
    words::Language,
};

/// What comes within this time is told together.
const GATHER: Duration = Duration::from_millis(400);
/// The same where the last of it was a count that may be growing.
const GATHER_FOR_COUNT: Duration = Duration::from_secs(3);
/// A database that did not answer is asked again after this.
const AGAIN: Duration = Duration::from_secs(5);
/// Sounds are at least this far apart …
const SOUNDS: Duration = Duration::from_secs(3);
/// … and those of counts.
const SOUNDS_OF_COUNTS: Duration = Duration::from_secs(60);
/// Messages that are read from the database at a time.
const READ: usize = 1000;
/// A database or a bus that has not answered by then does not.
const DEADLINE: Duration = Duration::from_secs(10);
/// Unread counts are told at most this often.
const COUNTS: Duration = Duration::from_millis(500);
/// A mute ends without a fact, so the count is looked at anyway.
const COUNT_ANYWAY: Duration = Duration::from_secs(60);
/// Messages that may wait to be told of; what comes beyond it is left to the unread count.
const WAITING: usize = 200_000;

/// What happened since the teller last looked. Whoever adds to it waits for nobody.
#[derive(Default)]
pub struct News {
    happened: Mutex<Happened>,
    added: Notify,
}

#[derive(Default)]
struct Happened {
    stored: Vec<(AccountId, MessageId)>,
    changed: BTreeSet<ConversationRef>,
    goes_on: bool,
}

impl News {
    /// Messages were stored, and conversations changed: what is read elsewhere needs no notice any more.
    pub fn add(&self, stored: Vec<(AccountId, MessageId)>, changed: impl IntoIterator<Item = ConversationRef>) {
        self.change(|happened| {
            if happened.stored.len() < WAITING {
                happened.stored.extend(stored);
            } else {
                tracing::debug!(target: "skrynka::events", "Messages left to the unread count");
            }
            happened.changed.extend(changed);
        });
    }

    /// The window was closed and the program goes on: said once.
    pub fn goes_on(&self) {
        self.change(|happened| happened.goes_on = true);
    }

    fn change(&self, change: impl FnOnce(&mut Happened)) {
        change(&mut self.happened.lock().unwrap_or_else(PoisonError::into_inner));
        self.added.notify_one();
    }

    fn take(&self) -> Happened {
        std::mem::take(&mut self.happened.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a notice of the system stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tag {
    /// A conversation's latest message.
    Conversation(ConversationRef),
    /// The count.
    Count,
    /// The program's own word.
    Program,
}

/// A notice in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    pub title: String,
    /// Plain text, at most a few lines.
    pub body: String,
    pub sound: bool,
}

/// Tells of what is stored until it is dropped.
pub async fn tell(desk: &Desk, office: &Office) {
    let mut teller = Teller {
        desk,
        office,
        waiting: Waiting::default(),
        count: Count::default(),
        desktop: Desktop::default(),
        due: None,
        sounded: None,
        counted: None,
        began: Instant::now(),
    };
    loop {
        let due = teller.due;
        tokio::select! {
            said = teller.desktop.said() => teller.answer(said).await,
            () = office.news.added.notified() => teller.take(office.news.take()).await,
            () = at(due), if due.is_some() => teller.tell().await,
        }
    }
}

async fn at(due: Option<Instant>) {
    if let Some(due) = due {
        tokio::time::sleep_until(due).await;
    }
}

struct Teller<'a> {
    desk: &'a Desk,
    office: &'a Office,
    waiting: Waiting,
    count: Count,
    desktop: Desktop,
    /// When it is looked who is to be told of.
    due: Option<Instant>,
    sounded: Option<Instant>,
    /// When a count was last told.
    counted: Option<Instant>,
    began: Instant,
}

impl Teller<'_> {
    async fn take(&mut self, happened: Happened) {
        if !happened.stored.is_empty() {
            self.waiting.add(happened.stored, self.began.elapsed());
            let is_flood = self.counted.is_some_and(|at| at.elapsed() < 2 * GATHER_FOR_COUNT);
            let gather = if is_flood { GATHER_FOR_COUNT } else { GATHER };
            self.due.get_or_insert_with(|| Instant::now() + gather);
        }
        if happened.goes_on {
            let language = Language::of(&self.settings());
            let (title, body) = (language.goes_on().to_owned(), language.goes_on_text().to_owned());
            self.show(Tag::Program, Words { title, body, sound: false }).await;
        }
        self.withdraw_read(happened.changed).await;
    }

    /// Tells of what waits and whose turn it is. Whether it is still to be told is asked now: it may have been read or
    /// muted while it waited.
    async fn tell(&mut self) {
        self.due = None;
        let statuses = self.office.engine.statuses();
        let is_catching_up = |account| {
            statuses
                .iter()
                .any(|status| status.account == account && matches!(status.state, AccountState::CatchingUp { .. }))
        };
        let messages = self.waiting.take(self.began.elapsed(), is_catching_up);
        match self.arrivals(&messages).await {
            Ok(arrivals) => {
                let settings = self.settings();
                let told = self.weigh(arrivals, &settings.notices);
                for notice in self.count.notices(told) {
                    self.show_notice(&notice, &settings).await;
                }
                if !self.waiting.is_empty() {
                    self.due = Some(Instant::now() + GATHER);
                }
            }
            Err(error) => {
                tracing::warn!(
                    target: "skrynka::events", error = skrynka_core::chain(&error),
                    "Arrivals not read, they are told of later"
                );
                self.waiting.add(messages, self.began.elapsed());
                self.due = Some(Instant::now() + AGAIN);
            }
        }
    }

    async fn arrivals(&self, messages: &[(AccountId, MessageId)]) -> Result<Vec<Arrival>, StoreError> {
        let mut arrivals = Vec::new();
        for some in messages.chunks(READ) {
            arrivals.extend(within(self.office.bureau.store.arrivals(some)).await?);
        }
        Ok(arrivals)
    }

    /// Keeps those that somebody is to be told of.
    fn weigh(&self, mut arrivals: Vec<Arrival>, settings: &NoticeSettings) -> Vec<Arrival> {
        let scene = Scene { now: self.office.bureau.clock.now(), local: local_time(), front: self.desk.front() };
        arrivals.retain(|arrival| {
            let why = notices::silence(arrival, settings, &scene);
            let (account, conversation) = arrival.conversation;
            tracing::debug!(
                target: "skrynka::events", account = %account, conversation = %conversation, silent = ?why,
                "Arrival weighed"
            );
            why.is_none()
        });
        arrivals
    }

    async fn show_notice(&mut self, notice: &Notice, settings: &Settings) {
        let now = Instant::now();
        let is_count = matches!(notice, Notice::Count { .. });
        let apart = if is_count { SOUNDS_OF_COUNTS } else { SOUNDS };
        let sound = settings.notices.sound && self.sounded.is_none_or(|at| now - at >= apart);
        if sound {
            self.sounded = Some(now);
        }
        let (tag, words) = worded(notice, &settings.notices, Language::of(settings), sound);
        self.show(tag, words).await;
        if is_count {
            self.counted = Some(now);
            if !Desktop::ANSWERS {
                self.count.looked_at();
            }
        }
    }

    async fn show(&mut self, tag: Tag, words: Words) {
        let kind = match tag {
            Tag::Conversation(_) => "message",
            Tag::Count => "count",
            Tag::Program => "program",
        };
        match tokio::time::timeout(DEADLINE, self.desktop.show(tag, &words)).await {
            Ok(Ok(())) => tracing::info!(target: "skrynka::events", kind, "Notice shown"),
            Ok(Err(error)) => {
                tracing::warn!(target: "skrynka::events", kind, error = skrynka_core::chain(&*error), "Notice not shown");
            }
            Err(_) => tracing::warn!(target: "skrynka::events", kind, "Notice not shown: the system does not answer"),
        }
    }

    /// Takes back what was told of conversations that are read by now, or no more.
    async fn withdraw_read(&mut self, changed: BTreeSet<ConversationRef>) {
        let is_told = |key: &ConversationRef| self.desktop.shows(Tag::Conversation(*key)) || self.count.covers(key);
        let told: Vec<ConversationRef> = changed.into_iter().filter(is_told).collect();
        if told.is_empty() {
            return;
        }
        let Ok(rows) = within(self.office.bureau.store.conversations_by_key(&told)).await else { return };
        let is_unread = |key: &ConversationRef| rows.iter().any(|row| (row.account, row.id) == *key && row.unread > 0);
        for key in told.into_iter().filter(|key| !is_unread(key)) {
            if self.desktop.shows(Tag::Conversation(key)) {
                self.withdraw(Tag::Conversation(key)).await;
            }
            if self.count.read(&key) {
                self.withdraw(Tag::Count).await;
            }
        }
    }

    async fn withdraw(&mut self, tag: Tag) {
        if !matches!(tokio::time::timeout(DEADLINE, self.desktop.withdraw(tag)).await, Ok(Ok(()))) {
            tracing::debug!(target: "skrynka::events", "Notice not withdrawn");
        }
    }

    async fn answer(&mut self, said: Said) {
        match said {
            Said::Dismissed(tag) => {
                if tag == Tag::Count {
                    self.count.looked_at();
                }
            }
            Said::Clicked(tag) => {
                tracing::info!(target: "skrynka::events", "Notice clicked");
                // Most services close what was clicked; dunst does not.
                self.withdraw(tag).await;
                if tag == Tag::Count {
                    self.count.looked_at();
                }
                let Some(handle) = self.desk.handle() else { return };
                bring_to_front(handle);
                let conversation = match tag {
                    Tag::Conversation((account, id)) => {
                        Some(ConversationKey { account: account.to_string(), id: id.to_string() })
                    }
                    Tag::Count => None,
                    Tag::Program => return,
                };
                if let Err(error) = (NoticeOpened { conversation }).emit(handle) {
                    tracing::warn!(target: "skrynka::events", error = %error, "Event not sent");
                }
            }
        }
    }

    fn settings(&self) -> Settings {
        // Damaged settings keep nobody from being told.
        self.desk.settings().unwrap_or_default()
    }
}

/// Keeps the unread count on tray and badge until it is dropped.
pub async fn count(desk: &Desk, office: &Office) {
    let mut shown: Option<(u32, Settings)> = None;
    loop {
        let unread = within(office.bureau.store.unread_and_not_muted()).await;
        if let (Ok(unread), Some(handle)) = (unread, desk.handle()) {
            let now = (u32::try_from(unread).unwrap_or(u32::MAX), desk.settings().unwrap_or_default());
            if shown.as_ref() != Some(&now) {
                let (unread, settings) = &now;
                tray::show(handle, *unread, settings, shown.as_ref().map(|(_, before)| before));
                if tokio::time::timeout(DEADLINE, set_badge(handle, *unread)).await.is_err() {
                    tracing::debug!(target: "skrynka::events", "Badge not set");
                }
                shown = Some(now);
            }
        }
        tokio::time::sleep(COUNTS).await;
        // Nothing was waited for beyond this: the count is looked at anyway.
        let _told = tokio::time::timeout(COUNT_ANYWAY, desk.recount.notified()).await;
    }
}

async fn within<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(DEADLINE, work).await.unwrap_or_else(|_| Err(StoreError::no_answer()))
}

fn local_time() -> time::Time {
    let now = jiff::Zoned::now().time();
    let part = |value: i8| u8::try_from(value).unwrap_or(0);
    time::Time::from_hms(part(now.hour()), part(now.minute()), part(now.second())).unwrap_or(time::Time::MIDNIGHT)
}

/// Puts a notice into words. Without a preview it names the account alone.
fn worded(notice: &Notice, settings: &NoticeSettings, language: Language, sound: bool) -> (Tag, Words) {
    match notice {
        Notice::Message(arrival) if settings.preview => {
            let count = if arrival.unread > 1 { format!(" ({})", arrival.unread) } else { String::new() };
            let title = format!("{}{count} · {}", arrival.peer, arrival.account_name);
            (Tag::Conversation(arrival.conversation), Words { title, body: first_words(arrival, language), sound })
        }
        Notice::Message(arrival) => {
            let body = format!("{} · {}", language.new_messages(arrival.unread.max(1)), arrival.account_name);
            (Tag::Conversation(arrival.conversation), Words { title: language.app().to_owned(), body, sound })
        }
        Notice::Count { messages, conversations } => {
            let body = format!("{} {}", language.new_messages(*messages), language.in_conversations(*conversations));
            (Tag::Count, Words { title: language.app().to_owned(), body, sound })
        }
    }
}

fn first_words(arrival: &Arrival, language: Language) -> String {
    let snippet = (!arrival.snippet.is_empty()).then_some(&*arrival.snippet);
    let is_mail = arrival.service.is_none() && arrival.media.is_none() && !arrival.subject.is_empty();
    let what = match (arrival.service.and_then(|kind| language.service(kind)), &arrival.media) {
        (Some(service), _) => Some(service.to_owned()),
        (None, Some(media)) => Some(language.media(media).to_owned()),
        (None, None) => is_mail.then(|| arrival.subject.clone()),
    };
    let separator = if is_mail { "\n" } else { ", " };
    let said = match (what, snippet) {
        (Some(what), Some(snippet)) => format!("{what}{separator}{snippet}"),
        (Some(what), None) => what,
        (None, Some(snippet)) => snippet.to_owned(),
        (None, None) => language.no_text().to_owned(),
    };
    match &arrival.author {
        Some(author) => format!("{author}: {said}"),
        None => said,
    }
}

/// The shown notices by what they stand for, and back.
#[derive(Debug, Default)]
struct Shown {
    ids: HashMap<Tag, u32>,
}

impl Shown {
    fn id(&self, tag: Tag) -> Option<u32> {
        self.ids.get(&tag).copied()
    }

    #[cfg(target_os = "linux")]
    fn tag(&self, id: u32) -> Option<Tag> {
        self.ids.iter().find_map(|(tag, shown)| (*shown == id).then_some(*tag))
    }
}
