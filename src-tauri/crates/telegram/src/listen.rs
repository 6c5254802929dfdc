//! The listener: goes on from the stored state, then hands over what arrives and fills what is missing.
//!
//! Two things run side by side: the updates, in order and without gaps as far as Telegram tells them, and one errand
//! at a time that compares the list of chats with what was handed over and reads what Telegram skipped.

mod chats;
mod errand;
mod hand_over;
mod news;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use grammers_session::types::UpdatesState;
use grammers_tl_types as tl;
use skrynka_core::{
    connector::{Batch, ConnectorError, Incoming, IncomingSender, Listener},
    model::{AccountId, AccountState, ChatKey, Peer, PeerKind, TelegramSettings, Trouble},
};
use time::OffsetDateTime;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) use self::{
    chats::{Chats, Gap, gaps, read_before},
    errand::{dialogs, listed, page},
};
use self::{
    errand::{Asked, Brought, Errand, Lone, Page},
    hand_over::HandOver,
};
use crate::{
    clocked::Clocked,
    convert::{Reader, date, moment, place},
    error::{Result, TelegramError},
    peers::{Book, SERVICE_USER},
    pool::{Feed, Pool, Watch},
    updates::{News, Updates},
    waits::{Limited, Wait, Waits},
};

/// Pieces of news that one batch gathers while the store is busy with those before it.
const GATHERED: usize = 2_000;

/// A signed-in listener that has not started.
pub(crate) struct TelegramListener {
    pub(crate) account: AccountId,
    pub(crate) pool: Arc<Pool>,
    pub(crate) feed: Feed,
    pub(crate) book: Arc<Book>,
    pub(crate) chats: Chats,
    pub(crate) settings: TelegramSettings,
    pub(crate) me: Peer,
    pub(crate) clock: Clocked,
    pub(crate) watch: Arc<Watch>,
    pub(crate) waits: Waits,
    /// Ends the connection with the attempt, also where that panics while somebody else holds the pool: the next
    /// attempt opens another with the same key.
    pub(crate) ends: DropGuard,
}

impl Listener for TelegramListener {
    fn run(
        self: Box<Self>,
        inbox: IncomingSender,
        stop: CancellationToken,
    ) -> BoxFuture<'static, std::result::Result<(), ConnectorError>> {
        Box::pin(async move {
            let (pool, clock, watch) = (self.pool.clone(), self.clock.clone(), self.watch.clone());
            let alive = {
                let (inbox, clock) = (inbox.clone(), clock.clone());
                move || inbox.heard(clock.now())
            };
            let outcome = tokio::select! {
                outcome = Box::pin((*self).listen(inbox)) => outcome,
                dead = pool.keep_alive(&watch, alive) => dead,
                () = stop.cancelled() => Ok(()),
            };
            match &outcome {
                Ok(()) => tracing::info!(target: "skrynka::telegram", why = "stopped", "Connection closed"),
                Err(error) => {
                    let why = error.trouble().detail;
                    tracing::warn!(target: "skrynka::telegram", why, "Connection closed");
                }
            }
            pool.close().await;
            outcome.map_err(|error| error.into_connector(clock.now()))
        })
    }
}

impl TelegramListener {
    async fn listen(self, inbox: IncomingSender) -> Result<()> {
        let Self { account, pool, feed, book, chats, settings, me, clock, watch, waits, ends: _ends } = self;
        let hand = HandOver::new(inbox.clone());
        let scope = Arc::new(Scope { settings, book: book.clone() });
        let (state, is_first) = match chats.state(|peer| scope.takes(peer)) {
            Some(state) if state.pts != 0 => (state, false),
            _ => (beginning(&pool).await?, true),
        };
        let since = clock.now() - time::Duration::days(scope.settings.history_days.into());
        let since = chats.date().filter(|_| !is_first).map_or(since, |date| since.min(moment(date)));
        let mut dialogs = Vec::new();
        if is_first {
            // The channels' states come with the list, and have to be known before anything is followed.
            dialogs = errand::dialogs(&pool, &book).await?;
        }
        let updates = Updates::resume(state, feed, pool.clone(), watch.clone(), scope.clone(), me);
        let mut work = Work {
            account,
            waits,
            pool,
            book,
            scope,
            me,
            clock,
            inbox,
            hand,
            updates,
            watch,
            since,
            errand: None,
            compare_due: !is_first,
            is_skipped_anew: false,
            topics_due: BTreeSet::new(),
            topics_known: BTreeSet::new(),
            looked_up: BTreeSet::new(),
            broken: 0,
            page_limit: None,
            limit: None,
            is_limited: false,
            deleted: Vec::new(),
            batch: Batch::default(),
            owes: false,
            done: 0,
            is_live: false,
            chats,
        };
        if is_first {
            work.compare(&dialogs);
            work.hand_over().await?;
        }
        for what in [Limited::Updates, Limited::Errands] {
            if let Some(wait) = work.waits.get(account, what) {
                work.limit_until(what, &wait);
            }
        }
        tracing::info!(
            target: "skrynka::telegram",
            chats = work.chats.known(), first = is_first,
            "Listener started"
        );
        work.run().await
    }
}

/// The state of an account that is followed from now on.
async fn beginning(pool: &Pool) -> Result<UpdatesState> {
    let tl::enums::updates::State::State(state) = pool.ask(&tl::functions::updates::GetState {}).await?;
    let tl::types::updates::State { pts, qts, date, seq, .. } = state;
    Ok(UpdatesState { pts, qts, date, seq, channels: Vec::new() })
}

/// Which chats are taken.
pub(crate) struct Scope {
    pub(crate) settings: TelegramSettings,
    pub(crate) book: Arc<Book>,
}

impl Scope {
    /// Telegram's own account sends login codes: nobody sees them here. A channel that is not known yet is taken when
    /// any kind of channel is.
    pub(crate) fn takes(&self, peer: Peer) -> bool {
        if peer.kind == PeerKind::User && peer.id == SERVICE_USER {
            return false;
        }
        let takes = self.settings.takes;
        match (self.book.get(peer), peer.kind) {
            (Some(known), _) => takes.takes(known.details.kind),
            (None, PeerKind::User) => true,
            (None, PeerKind::Group) => takes.groups,
            (None, PeerKind::Channel) => takes.groups || takes.channels,
        }
    }
}

/// A running listener.
struct Work {
    account: AccountId,
    waits: Waits,
    pool: Arc<Pool>,
    book: Arc<Book>,
    scope: Arc<Scope>,
    me: Peer,
    clock: Clocked,
    inbox: IncomingSender,
    hand: HandOver,
    updates: Updates,
    watch: Arc<Watch>,
    chats: Chats,
    /// First histories go back to here, and at least to where the last attempt stood: what came since is not history.
    since: OffsetDateTime,
    errand: Option<Errand>,
    /// The list of chats has to be compared with what was handed over.
    compare_due: bool,
    /// Telegram skipped messages after the list of chats was sent for.
    is_skipped_anew: bool,
    topics_due: BTreeSet<i64>,
    topics_known: BTreeSet<i64>,
    /// Chats that the list was read for on this connection.
    looked_up: BTreeSet<Peer>,
    /// How often the connection broke an errand in a row.
    broken: u32,
    /// A smaller page after one that could not be read.
    page_limit: Option<i32>,
    /// Until when Telegram wants no errands.
    limit: Option<Instant>,
    /// Telegram has asked for a pause in the chats' past on this connection.
    is_limited: bool,
    /// Messages that were deleted while a page of history was on its way, which may bring them.
    deleted: Vec<(Option<i64>, Vec<u32>)>,
    /// What is being gathered.
    batch: Batch,
    /// It waits for room in the store.
    owes: bool,
    /// Messages handed over in this round of catching up.
    done: u64,
    is_live: bool,
}

impl Work {
    async fn run(&mut self) -> Result<()> {
        loop {
            self.start_errand();
            self.say().await?;
            let limit = self.limit;
            let (is_full, owes) = (self.is_full(), self.owes);
            let errand = &mut self.errand;
            let errand = async {
                match errand {
                    Some(errand) => errand.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                room = self.hand.room(), if owes => room?,
                news = self.updates.next(), if !is_full => {
                    match news {
                        Ok(news) => self.gather(news),
                        Err(error) => self.held_up(error)?,
                    }
                }
                (asked, brought) = errand, if !is_full => {
                    self.errand = None;
                    self.returned(asked, brought)?;
                }
                () = until(limit) => self.limit = None,
            }
            self.owes = self.hand.is_busy();
            if !self.owes {
                self.hand_over().await?;
            }
        }
    }

    /// Whether no more is taken before the store has caught up.
    fn is_full(&self) -> bool {
        self.batch.incoming.len() >= GATHERED
    }

    /// Takes a piece of news and those that have arrived behind it.
    fn gather(&mut self, news: News) {
        self.news(news);
        while !self.is_full() {
            let Some(news) = self.updates.arrived() else { break };
            self.news(news);
        }
        self.inbox.heard(self.clock.now());
    }

    /// Hands over what was gathered, with the cursors that are true after it.
    async fn hand_over(&mut self) -> Result<()> {
        if !self.is_behind() {
            let updates = &self.updates;
            self.chats.settle(|peer| peer.kind == PeerKind::Channel && updates.is_late(peer.id));
        }
        let mut batch = std::mem::take(&mut self.batch);
        let known = self.book.take_changed().into_iter().map(|peer| Incoming::Peer(Box::new(peer)));
        batch.incoming.splice(0..0, known);
        let state = self.updates.state();
        let scope = &self.scope;
        batch.cursors = self.chats.cursors(&state, |peer| scope.takes(peer));
        self.hand.send(batch).await
    }

    /// Whether messages older than the latest are still to come.
    fn is_behind(&self) -> bool {
        self.chats.is_skipped() || self.updates.is_behind()
    }

    /// Waits that Telegram asks for end nothing: what is asked for waits, what comes unasked is taken.
    fn held_up(&mut self, error: TelegramError) -> Result<()> {
        let TelegramError::Flood { seconds, .. } = &error else { return Err(error) };
        self.limited(Limited::Updates, *seconds, error.trouble());
        Ok(())
    }

    fn limited(&mut self, what: Limited, seconds: u32, why: Trouble) {
        tracing::warn!(target: "skrynka::telegram", seconds, why = why.detail, "Telegram asks to wait");
        let until = Instant::now() + Duration::from_secs(seconds.into()) + self.pool.tuning().margin;
        let wait = self.waits.note(self.account, what, Wait { until, why });
        self.limit_until(what, &wait);
    }

    fn limit_until(&mut self, what: Limited, wait: &Wait) {
        if what == Limited::Updates {
            self.updates.wait_until(wait.until);
        }
        // A shorter wait takes nothing back of a longer one.
        let now = Instant::now();
        let end = self.limit.map_or(wait.until, |limit| limit.max(wait.until));
        let until = self.clock.now() + (end - now);
        self.limit = Some(end);
        self.inbox.state(AccountState::Limited { until, why: wait.why.clone() });
    }

    /// Says where the listener stands.
    async fn say(&mut self) -> Result<()> {
        if self.limit.is_some() {
            return Ok(());
        }
        let is_late = self.updates.is_any_late();
        let is_idle = self.errand.is_none() && !self.updates.is_behind() && !is_late;
        if is_idle {
            if !self.is_live {
                self.hand_over().await?;
                self.hand.settle().await?;
                self.is_live = true;
                self.done = 0;
                tracing::info!(target: "skrynka::telegram", "Caught up");
            }
            self.inbox.state(AccountState::Live);
        } else if !self.is_live || is_late || self.chats.gaps() > 0 {
            self.is_live = false;
            let pages = u64::try_from(self.chats.gaps()).unwrap_or(u64::MAX);
            let page = u64::try_from(self.pool.tuning().page).unwrap_or(1);
            let total = self.done.saturating_add(pages.saturating_mul(page));
            self.inbox.state(AccountState::CatchingUp { done: self.done, total });
        }
        Ok(())
    }

    /// Sends for what is missing, when nothing else is being asked for.
    fn start_errand(&mut self) {
        if self.errand.is_some() || self.limit.is_some() {
            return;
        }
        let asked = if self.compare_due && !self.updates.is_behind() {
            // What happens from here on, the answer may not tell.
            (self.compare_due, self.is_skipped_anew) = (false, false);
            Asked::Dialogs
        } else if let Some(forum) = self.topics_due.pop_first() {
            Asked::Topics(forum)
        } else if let Some((peer, gap)) = self.chats.next_gap() {
            Asked::Page { peer, gap, limit: self.page_limit.unwrap_or(self.pool.tuning().page) }
        } else {
            return;
        };
        let pause = match asked {
            _ if self.broken > 0 => self.pool.tuning().again,
            Asked::Page { .. } if self.is_limited => self.pool.tuning().pace,
            _ => Duration::ZERO,
        };
        self.deleted.clear();
        self.errand = Some(errand::run(asked, pause, &self.pool, &self.book));
    }

    fn returned(&mut self, asked: Asked, brought: Result<Brought>) -> Result<()> {
        if brought.is_ok() {
            self.watch.heard();
            self.broken = 0;
        }
        match (asked, brought) {
            (_, Ok(Brought::Dialogs(dialogs))) => {
                self.compare(&dialogs);
                if !self.is_skipped_anew {
                    self.chats.set_skipped(false);
                }
                self.updates.retry_unknown();
            }
            (Asked::Page { peer, gap, limit }, Ok(Brought::Page(page))) => {
                // After one that could not be read, the next ones grow again.
                self.page_limit = self.page_limit.map(|limit| limit.saturating_mul(2).min(self.pool.tuning().page));
                self.page(peer, gap, limit, page);
            }
            (Asked::Page { peer, gap, .. }, Ok(Brought::Unreadable(lone))) => self.unreadable(peer, gap, lone),
            (Asked::Topics(forum), Ok(_)) => {
                self.topics_known.insert(forum);
            }
            (asked, Err(error)) => self.failed(asked, error)?,
            (Asked::Dialogs | Asked::Page { .. }, Ok(_)) => {}
        }
        Ok(())
    }

    /// A chat that cannot be read is left; everything else ends the attempt, which resumes where it stood.
    fn failed(&mut self, asked: Asked, error: TelegramError) -> Result<()> {
        match (&error, asked) {
            (TelegramError::Flood { seconds, .. }, _) => {
                self.is_limited = true;
                self.ask_again(asked);
                self.limited(Limited::Errands, *seconds, error.trouble());
                Ok(())
            }
            (broken, _)
                if (broken.is_connection() || broken.is_server_trouble()) && self.broken < self.pool.tuning().tries =>
            {
                self.broken += 1;
                self.ask_again(asked);
                Ok(())
            }
            // One message that cannot be read holds up no other: the page is halved until it stands alone.
            (TelegramError::Unreadable(_), Asked::Page { limit, .. }) if limit > 1 => {
                self.page_limit = Some(limit / 2);
                Ok(())
            }
            (TelegramError::UnknownChat, Asked::Page { peer, gap, .. }) => {
                self.chats.filled(peer, gap, None);
                Ok(())
            }
            (
                TelegramError::Refused { code: 400..=403 | 406, .. } | TelegramError::Unreadable(_),
                Asked::Page { peer, gap, .. },
            ) => {
                let why = error.trouble().detail;
                tracing::warn!(target: "skrynka::telegram", chat = %peer, why, "A chat's past cannot be read");
                self.chats.filled(peer, gap, None);
                Ok(())
            }
            (
                TelegramError::Refused { .. } | TelegramError::UnknownChat | TelegramError::Unreadable(_),
                Asked::Topics(forum),
            ) => {
                self.topics_known.insert(forum);
                Ok(())
            }
            _ => Err(error),
        }
    }

    fn ask_again(&mut self, asked: Asked) {
        match asked {
            Asked::Dialogs => self.compare_due = true,
            Asked::Topics(forum) => {
                self.topics_due.insert(forum);
            }
            // Its gap is still there.
            Asked::Page { .. } => {}
        }
    }

    /// The message that stands alone is shown as one that cannot be read.
    fn unreadable(&mut self, peer: Peer, gap: chats::Gap, lone: Lone) {
        let Lone { number, date, why } = lone;
        tracing::warn!(target: "skrynka::telegram", chat = %peer, number, why, "A message cannot be read");
        let now = self.clock.now();
        self.batch.incoming.push(news::unreadable(peer.place(number), date.map_or(now, moment), now, why));
        self.chats.filled(peer, gap, Some(number));
    }

    /// Compares the list of chats with what was handed over.
    fn compare(&mut self, dialogs: &[errand::Dialog]) {
        let taken: Vec<_> = dialogs.iter().filter(|dialog| self.scope.takes(dialog.peer)).copied().collect();
        let mut missing = 0;
        for dialog in &taken {
            missing += usize::from(self.chats.compare(dialog.peer, dialog.top));
            if let (PeerKind::Channel, Some(pts)) = (dialog.peer.kind, dialog.pts) {
                self.updates.follow_channel(dialog.peer.id, pts);
            }
            let chat = ChatKey::from(dialog.peer);
            if self.chats.read_in(dialog.peer, dialog.read_in) {
                self.batch.incoming.push(Incoming::ReadInbox { chat, up_to: dialog.read_in });
            }
            if self.chats.read_out(dialog.peer, dialog.read_out) {
                self.batch.incoming.push(Incoming::ReadOutbox { chat, up_to: dialog.read_out });
            }
            if self.book.get(dialog.peer).is_some_and(|known| known.details.forum) {
                self.want_topics(dialog.peer.id);
            }
        }
        self.chats.set_order(taken.iter().map(|dialog| dialog.peer));
        tracing::info!(
            target: "skrynka::telegram",
            chats = dialogs.len(), taken = taken.len(), behind = missing,
            "Chats compared"
        );
    }

    fn want_topics(&mut self, forum: i64) {
        if !self.topics_known.contains(&forum) {
            self.topics_due.insert(forum);
        }
    }

    /// Takes a page of a chat's past.
    fn page(&mut self, peer: Peer, gap: chats::Gap, limit: i32, page: Page) {
        let Page { mut messages, is_last } = page;
        let lowest = messages.iter().filter_map(|message| Some(place(message)?.1)).min();
        let cutoff = i32::try_from(self.since.unix_timestamp()).unwrap_or(0);
        let mut reached = is_last || lowest.is_none();
        if gap.low == 0 {
            let before = messages.len();
            messages.retain(|message| date(message) >= cutoff);
            reached |= messages.len() < before;
        }
        let reader = Reader { book: &self.book, me: self.me, arrived_at: self.clock.now() };
        let read_up_to = self.chats.read_up_to(peer);
        let read = messages.iter().rev().filter_map(|message| reader.message(message, read_up_to));
        let read: Vec<_> = read.map(|message| Incoming::Message(Box::new(message))).collect();
        self.done = self.done.saturating_add(u64::try_from(read.len()).unwrap_or(0));
        tracing::debug!(target: "skrynka::telegram", chat = %peer, count = read.len(), limit, "History read");
        self.batch.incoming.extend(read);
        let deleted = self.deleted.drain(..).map(|(channel, numbers)| Incoming::Deleted { channel, numbers });
        self.batch.incoming.extend(deleted);
        self.chats.filled(peer, gap, lowest.filter(|_| !reached));
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
