//! From stored facts to notices of the system, and from a click on one back to the conversation.

mod desktop;

use std::{collections::HashMap, future::Future, time::Duration};

use skrynka_core::{
    model::{AccountId, AccountState, MessageId},
    notices::{self, Arrival, Burst, ConversationRef, Notice, Scene},
    profile::{NoticeSettings, Settings},
    store::StoreError,
};
use tauri_specta::Event as _;
use tokio::{sync::mpsc, time::Instant};

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
/// What is caught up on is told once no account has been catching up for this long.
const SETTLED: Duration = Duration::from_secs(2);
/// Sounds are at least this far apart.
const SOUNDS: Duration = Duration::from_secs(3);
/// A database or a bus that has not answered by then does not.
const DEADLINE: Duration = Duration::from_secs(10);
/// Unread counts are told at most this often.
const COUNTS: Duration = Duration::from_millis(500);
/// A mute ends without a fact, so the count is looked at anyway.
const COUNT_ANYWAY: Duration = Duration::from_secs(60);
/// Facts that wait to be told of; beyond it they are left to the unread count.
pub const WAITING: usize = 64;

/// What the facts' reader hands over.
pub enum News {
    /// Messages were stored.
    Stored(Vec<(AccountId, MessageId)>),
    /// Conversations changed: what is read elsewhere needs no notice any more.
    Changed(Vec<ConversationRef>),
    /// The window was closed and the program goes on: said once.
    GoesOn,
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
pub async fn tell(desk: &Desk, office: &Office, mut news: mpsc::Receiver<News>) {
    let mut teller = Teller {
        desk,
        office,
        burst: Burst::default(),
        desktop: Desktop::default(),
        due: None,
        sounded: None,
        caught_up: Instant::now(),
    };
    loop {
        let due = teller.due;
        tokio::select! {
            said = teller.desktop.said() => teller.answer(said).await,
            Some(news) = news.recv() => teller.take(news).await,
            () = at(due), if due.is_some() => teller.flush().await,
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
    burst: Burst,
    desktop: Desktop,
    /// When what was gathered is told.
    due: Option<Instant>,
    sounded: Option<Instant>,
    /// When an account was last seen catching up.
    caught_up: Instant,
}

impl Teller<'_> {
    async fn take(&mut self, news: News) {
        match news {
            News::Stored(messages) => {
                let read = within(self.office.bureau.store.arrivals(&messages)).await;
                match read {
                    Ok(arrivals) => self.weigh(arrivals),
                    Err(error) => tracing::warn!(
                        target: "skrynka::events", error = skrynka_core::chain(&error), "Arrivals not read, nobody told"
                    ),
                }
            }
            News::Changed(conversations) => self.withdraw_read(conversations).await,
            News::GoesOn => {
                let language = Language::of(&self.settings());
                let words = Words {
                    title: language.goes_on().to_owned(),
                    body: language.goes_on_text().to_owned(),
                    sound: false,
                };
                self.show(Tag::Program, words).await;
            }
        }
    }

    fn weigh(&mut self, arrivals: Vec<Arrival>) {
        if arrivals.is_empty() {
            return;
        }
        let settings = self.settings().notices;
        let scene = Scene { now: self.office.bureau.clock.now(), local: local_time(), front: self.desk.front() };
        for arrival in arrivals {
            let why = notices::silence(&arrival, &settings, &scene);
            let (account, conversation) = arrival.conversation;
            tracing::debug!(
                target: "skrynka::events", account = %account, conversation = %conversation, silent = ?why,
                "Arrival weighed"
            );
            if why.is_none() {
                self.burst.add(arrival, scene.now);
                self.due.get_or_insert_with(|| Instant::now() + GATHER);
            }
        }
    }

    async fn flush(&mut self) {
        let now = Instant::now();
        let statuses = self.office.engine.statuses();
        if statuses.iter().any(|status| matches!(status.state, AccountState::CatchingUp { .. })) {
            self.caught_up = now;
        }
        let settings = self.settings();
        for notice in self.burst.take(now - self.caught_up < SETTLED) {
            let sound = settings.notices.sound && self.sounded.is_none_or(|at| now - at >= SOUNDS);
            if sound {
                self.sounded = Some(now);
            }
            let (tag, words) = worded(&notice, &settings.notices, Language::of(&settings), sound);
            self.show(tag, words).await;
        }
        self.due = (!self.burst.is_empty()).then(|| now + GATHER);
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

    async fn withdraw_read(&mut self, conversations: Vec<ConversationRef>) {
        let shown = |key: &ConversationRef| self.desktop.shows(Tag::Conversation(*key));
        let shown: Vec<ConversationRef> = conversations.into_iter().filter(shown).collect();
        if shown.is_empty() {
            return;
        }
        let Ok(rows) = within(self.office.bureau.store.conversations_by_key(&shown)).await else { return };
        for row in rows.into_iter().filter(|row| row.unread == 0) {
            self.withdraw(Tag::Conversation((row.account, row.id))).await;
        }
    }

    async fn withdraw(&mut self, tag: Tag) {
        if !matches!(tokio::time::timeout(DEADLINE, self.desktop.withdraw(tag)).await, Ok(Ok(()))) {
            tracing::debug!(target: "skrynka::events", "Notice not withdrawn");
        }
    }

    async fn answer(&mut self, said: Said) {
        match said {
            Said::Closed(tag) => {
                if tag == Tag::Count {
                    self.burst.counted();
                }
            }
            Said::Clicked(tag) => {
                tracing::info!(target: "skrynka::events", "Notice clicked");
                // Most services close what was clicked; dunst does not.
                self.withdraw(tag).await;
                if tag == Tag::Count {
                    self.burst.counted();
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
        self.desk.ground().ok().and_then(|ground| ground.profile.settings().ok()).unwrap_or_default()
    }
}

/// Keeps the unread count on tray and badge until it is dropped.
pub async fn count(desk: &Desk, office: &Office) {
    let mut shown: Option<(u32, Settings)> = None;
    loop {
        let unread = within(office.bureau.store.unread_and_not_muted()).await;
        let settings = desk.ground().ok().and_then(|ground| ground.profile.settings().ok()).unwrap_or_default();
        if let (Ok(unread), Some(handle)) = (unread, desk.handle()) {
            let unread = u32::try_from(unread).unwrap_or(u32::MAX);
            let now = Some((unread, settings));
            if shown != now
                && let Some((unread, settings)) = &now
            {
                tray::show(handle, *unread, settings);
                if tokio::time::timeout(DEADLINE, set_badge(handle, *unread)).await.is_err() {
                    tracing::debug!(target: "skrynka::events", "Badge not set");
                }
                shown = now;
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

    fn tag(&self, id: u32) -> Option<Tag> {
        self.ids.iter().find_map(|(tag, shown)| (*shown == id).then_some(*tag))
    }
}
