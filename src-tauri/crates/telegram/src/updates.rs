//! The account's news in order: pushes, and what is asked for where pushes were missed.
//!
//! Built on the library's message boxes and in place of its receiver, which loses messages: it says nothing when the
//! server skips (`differenceTooLong`, `channelDifferenceTooLong`), leaves supergroups behind after a broken connection,
//! drops edits and deletions of the last channel difference, and gives up channels whose access hash it misses.

mod sound;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;

use grammers_session::{
    types::UpdatesState,
    updates::{MessageBoxes, PrematureEndReason, UpdateAndPeers, UpdatesLike},
};
use grammers_tl_types as tl;
use skrynka_core::model::{Peer, PeerKind};
use tokio::time::Instant;

use crate::{
    error::{Result, TelegramError},
    listen::Scope,
    peers::{Book, channel, user},
    pool::{Feed, Pool, Watch},
};

/// Messages that a channel's difference may hold. Telegram gives ordinary accounts no more.
const CHANNEL_LIMIT: i32 = 100;

/// How often the pause before a channel is asked again doubles.
const LONGEST_PAUSE: u32 = 6;

/// What there is to tell.
pub(crate) enum News {
    /// Updates, with the people and chats they are about.
    Updates(Vec<tl::enums::Update>, Vec<tl::enums::User>, Vec<tl::enums::Chat>),
    /// Messages of private chats and basic groups were skipped: every chat has to be compared.
    SkippedAccount,
    /// Messages of a channel were skipped, up to this one.
    SkippedChannel { id: i64, top: i32, users: Vec<tl::enums::User>, chats: Vec<tl::enums::Chat> },
    /// A channel has news and cannot be asked: its access hash or its state is not known.
    UnknownChannel(i64),
    /// A channel's news cannot be asked for, so it is followed no longer: the list of chats tells where to go on.
    StuckChannel(i64),
    /// The account is no longer in this channel.
    LeftChannel(i64),
    /// Nothing was missed, or everything that was has been told.
    CaughtUp,
}

type Asked = BoxFuture<'static, Answer>;

/// What was asked for, with its answer.
enum Answer {
    Account(Result<tl::enums::updates::Difference>),
    /// The state to go on from, where the difference up to it cannot be read.
    State(Result<tl::enums::updates::State>),
    Channel(i64, Result<Box<tl::enums::updates::ChannelDifference>>),
}

/// What ends a wait.
enum Event {
    Answered(Answer),
    Told(Option<Box<UpdatesLike>>),
    Lost,
    Missed,
    Deadline,
}

/// A channel that could not be asked for the moment.
#[derive(Debug, Default)]
struct Late {
    tries: u32,
    /// When it is asked again; `None`: it is being asked.
    at: Option<Instant>,
}

/// The account's news.
pub(crate) struct Updates {
    boxes: MessageBoxes,
    feed: Feed,
    pool: Arc<Pool>,
    watch: Arc<Watch>,
    book: Arc<Book>,
    scope: Arc<Scope>,
    me: Peer,
    /// The request that is under way; it outlives a cancelled [`Updates::next`].
    asked: Option<Asked>,
    /// Channels that wait for their access hash.
    unknown: BTreeSet<i64>,
    /// Channels with news that nobody has followed, to be told.
    unfollowed: BTreeSet<i64>,
    /// Channels that are asked again because they could not be asked for the moment.
    late: BTreeMap<i64, Late>,
    /// How often the connection broke a request in a row.
    broken: u32,
    /// Telegram wants nothing asked before this.
    not_before: Option<Instant>,
}

impl Updates {
    /// Goes on from a state. What was missed since then is asked for first.
    pub(crate) fn resume(
        state: UpdatesState,
        feed: Feed,
        pool: Arc<Pool>,
        watch: Arc<Watch>,
        scope: Arc<Scope>,
        me: Peer,
    ) -> Self {
        Self {
            boxes: MessageBoxes::load(state),
            feed,
            pool,
            watch,
            book: scope.book.clone(),
            scope,
            me,
            asked: None,
            unknown: BTreeSet::new(),
            unfollowed: BTreeSet::new(),
            late: BTreeMap::new(),
            broken: 0,
            not_before: None,
        }
    }

    /// The state that follows everything that was told.
    pub(crate) fn state(&self) -> UpdatesState {
        self.boxes.session_state()
    }

    /// Whether something that was missed is still being asked for.
    pub(crate) fn is_behind(&self) -> bool {
        self.asked.is_some() || self.boxes.get_difference().is_some() || self.boxes.get_channel_difference().is_some()
    }

    /// Whether what a channel missed could not be asked for yet.
    pub(crate) fn is_late(&self, id: i64) -> bool {
        self.late.contains_key(&id)
    }

    /// Whether any channel is late.
    pub(crate) fn is_any_late(&self) -> bool {
        !self.late.is_empty()
    }

    /// Follows a channel from a pts on, unless it is followed already.
    pub(crate) fn follow_channel(&mut self, id: i64, pts: i32) {
        self.boxes.try_set_channel_state(id, pts);
    }

    /// Asks again for channels whose access hash has become known.
    pub(crate) fn retry_unknown(&mut self) {
        for id in std::mem::take(&mut self.unknown) {
            if self.book.input_channel(id).is_some() {
                self.ask_channel(id);
            }
        }
    }

    /// Waits for the next news. May be cancelled: nothing is lost.
    ///
    /// # Errors
    /// What was missed could not be asked for. After a limit, or a failed connection, it may be called again.
    pub(crate) async fn next(&mut self) -> Result<News> {
        loop {
            // First, as it may find that something has to be asked for.
            self.ask_late();
            let late = self.late.values().filter_map(|late| late.at).min();
            let deadline = Instant::from(self.boxes.check_deadlines());
            let deadline = late.map_or(deadline, |late| late.min(deadline));
            if let Some(id) = self.unfollowed.pop_first() {
                return Ok(News::UnknownChannel(id));
            }
            if self.asked.is_none()
                && let Some(news) = self.ask()
            {
                return Ok(news);
            }
            match self.event(deadline).await {
                Event::Answered(answer) => {
                    self.asked = None;
                    match self.answered(answer)? {
                        Some(news) => return Ok(news),
                        None if !self.is_behind() => return Ok(News::CaughtUp),
                        None => {}
                    }
                }
                Event::Told(Some(_)) if self.overflowed(1) => self.lost(),
                Event::Told(Some(told)) => {
                    if let Some(news) = self.told(*told) {
                        return Ok(news);
                    }
                }
                Event::Told(None) => return Err(TelegramError::Internal("the library stopped")),
                Event::Lost => self.lost(),
                Event::Missed => self.ask_everything(),
                Event::Deadline => {}
            }
        }
    }

    /// What pushes bring is told while something older is being asked for, too: a chat that is read now does not wait
    /// until hundreds of channels have been asked.
    async fn event(&mut self, deadline: Instant) -> Event {
        let is_asking = self.asked.is_some();
        let asked = &mut self.asked;
        let answer = async {
            match asked {
                Some(asked) => asked.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            answer = answer => Event::Answered(answer),
            told = self.feed.recv() => Event::Told(told.map(Box::new)),
            () = self.watch.lost.notified() => Event::Lost,
            () = self.watch.missed.notified() => Event::Missed,
            () = tokio::time::sleep_until(deadline), if !is_asking => Event::Deadline,
        }
    }

    /// Takes what has already arrived, without waiting.
    pub(crate) fn arrived(&mut self) -> Option<News> {
        loop {
            if self.overflowed(0) {
                self.lost();
            }
            if self.is_behind() {
                return None;
            }
            let told = self.feed.try_recv().ok()?;
            if let Some(news) = self.told(told) {
                return Some(news);
            }
        }
    }

    /// A queue that is about full may have dropped anything, the news of a broken connection too. `taken` have just
    /// been taken out of it. What is left is asked for anew.
    fn overflowed(&mut self, taken: usize) -> bool {
        let capacity = self.feed.max_capacity();
        // Some room is left, since more may come between a look at the queue and the next.
        if self.feed.len() + taken < capacity - capacity / 16 {
            return false;
        }
        tracing::warn!(target: "skrynka::telegram", "Updates came faster than they were stored, asking for the rest");
        while self.feed.try_recv().is_ok() {}
        true
    }

    fn told(&mut self, told: UpdatesLike) -> Option<News> {
        self.watch.heard();
        if matches!(told, UpdatesLike::ConnectionClosed) {
            tracing::info!(target: "skrynka::telegram", "Connection lost, asking for what was missed");
            self.lost();
            return None;
        }
        let told = self.introduced(sound::only(told));
        self.note_unfollowed(sound::too_long(&told));
        // A gap has noted what is to be asked for.
        let (updates, users, chats) = self.boxes.process_updates(told).ok()?;
        let updates: Vec<_> = updates.into_iter().map(|(update, _)| update).collect();
        if updates.is_empty() && users.is_empty() && chats.is_empty() {
            return None;
        }
        Some(News::Updates(updates, users, chats))
    }

    /// Short forms name people whom they do not introduce. Those of strangers are left to the difference, which does.
    fn introduced(&self, mut told: UpdatesLike) -> UpdatesLike {
        use tl::enums::Updates as Told;
        if let UpdatesLike::ShortSentMessage { request, .. } = &mut told
            && matches!(request.peer, tl::enums::InputPeer::PeerSelf)
        {
            // The boxes read where it was sent from the request, and know no "oneself".
            request.peer = tl::types::InputPeerUser { user_id: self.me.id, access_hash: 0 }.into();
        }
        let known = match &told {
            UpdatesLike::Updates(Told::UpdateShortMessage(short)) => self.book.knows(user(short.user_id)),
            UpdatesLike::Updates(Told::UpdateShortChatMessage(short)) => {
                let group = Peer { kind: PeerKind::Group, id: short.chat_id };
                self.book.knows(user(short.from_id)) && self.book.knows(group)
            }
            _ => true,
        };
        if known { told } else { UpdatesLike::MalformedUpdates }
    }

    /// Where a channel stood that nobody followed, only the list of chats can tell.
    fn note_unfollowed(&mut self, told: Vec<i64>) {
        if told.is_empty() {
            return;
        }
        let followed = self.boxes.session_state().channels;
        let told = told.into_iter().filter(|id| self.scope.takes(channel(*id)));
        self.unfollowed.extend(told.filter(|id| !followed.iter().any(|channel| channel.id == *id)));
    }

    /// After a broken connection a new one is made.
    fn lost(&mut self) {
        self.pool.connection_lost();
        self.ask_everything();
    }

    /// Asks for every box, not only the account's.
    fn ask_everything(&mut self) {
        let _gap = self.boxes.process_updates(UpdatesLike::ConnectionClosed);
        for channel in self.boxes.session_state().channels {
            self.ask_channel(channel.id);
        }
    }

    fn ask_channel(&mut self, id: i64) {
        let update = tl::types::UpdateChannelTooLong { channel_id: id, pts: None }.into();
        let (updates, users, chats) = (vec![update], Vec::new(), Vec::new());
        let told = tl::types::Updates { updates, users, chats, date: 0, seq: 0 };
        let _nothing = self.boxes.process_updates(UpdatesLike::Updates(told.into()));
    }

    /// Asks again for channels whose pause is over.
    fn ask_late(&mut self) {
        let now = Instant::now();
        let due = self.late.iter_mut().filter(|(_, late)| late.at.is_some_and(|at| at <= now));
        let due: Vec<i64> = due.map(|(id, late)| (late.at = None, *id).1).collect();
        for id in due {
            self.ask_channel(id);
        }
    }

    /// Asks a channel again after a pause, which doubles each time.
    fn put_off(&mut self, id: i64) {
        let late = self.late.entry(id).or_default();
        let pause = self.pool.tuning().again * 2_u32.pow(late.tries.min(LONGEST_PAUSE));
        late.tries += 1;
        late.at = Some(Instant::now() + pause);
        self.boxes.end_channel_difference(PrematureEndReason::TemporaryServerIssues);
    }

    /// Begins to ask for what was missed, if anything was.
    fn ask(&mut self) -> Option<News> {
        if let Some(request) = self.boxes.get_difference() {
            let pool = self.pool.clone();
            let again = self.pause();
            self.asked = Some(Box::pin(async move {
                tokio::time::sleep_until(again).await;
                Answer::Account(pool.ask(&request).await)
            }));
            return None;
        }
        while let Some(mut request) = self.boxes.get_channel_difference() {
            let tl::enums::InputChannel::Channel(named) = &request.channel else { return None };
            let id = named.channel_id;
            if !self.scope.takes(channel(id)) {
                // A push has made it a box.
                self.late.remove(&id);
                self.boxes.end_channel_difference(PrematureEndReason::Banned);
                continue;
            }
            let Some(channel) = self.book.input_channel(id) else {
                self.boxes.end_channel_difference(PrematureEndReason::TemporaryServerIssues);
                // Told once: the listener then looks for the hash, and asks again when it has it.
                if self.unknown.insert(id) {
                    return Some(News::UnknownChannel(id));
                }
                continue;
            };
            request.channel = channel;
            request.limit = CHANNEL_LIMIT;
            let pool = self.pool.clone();
            let again = self.pause();
            self.asked = Some(Box::pin(async move {
                tokio::time::sleep_until(again).await;
                Answer::Channel(id, pool.ask(&request).await.map(Box::new))
            }));
            return None;
        }
        None
    }

    /// Asks nothing for a while. What comes unasked is taken.
    pub(crate) fn wait_until(&mut self, end: Instant) {
        self.not_before = Some(self.not_before.map_or(end, |before| before.max(end)));
    }

    /// A request that the connection broke is asked again after a pause.
    fn pause(&mut self) -> Instant {
        let again = if self.broken == 0 { Duration::ZERO } else { self.pool.tuning().again };
        let again = Instant::now() + again;
        self.not_before.take().map_or(again, |at| at.max(again))
    }

    fn answered(&mut self, answer: Answer) -> Result<Option<News>> {
        let error = match answer {
            Answer::Account(Ok(difference)) => {
                self.broken = 0;
                self.watch.heard();
                return Ok(self.account_difference(difference));
            }
            Answer::Channel(id, Ok(difference)) => {
                self.broken = 0;
                self.late.remove(&id);
                self.watch.heard();
                return Ok(self.channel_difference(id, *difference));
            }
            Answer::Channel(id, Err(error)) if error.is("CHANNEL_PRIVATE") || error.is("CHANNEL_INVALID") => {
                self.late.remove(&id);
                self.boxes.end_channel_difference(PrematureEndReason::Banned);
                return Ok(Some(News::LeftChannel(id)));
            }
            Answer::Channel(id, Err(error))
                if error.is("PERSISTENT_TIMESTAMP_OUTDATED") || error.is_server_trouble() =>
            {
                tracing::warn!(target: "skrynka::telegram", why = error.trouble().detail, "A channel is asked for later");
                self.put_off(id);
                return Ok(None);
            }
            Answer::Channel(id, Err(error)) if error.is_lasting() => {
                tracing::warn!(target: "skrynka::telegram", why = error.trouble().detail, "A channel cannot be asked");
                self.late.remove(&id);
                self.boxes.end_channel_difference(PrematureEndReason::Banned);
                return Ok(Some(News::StuckChannel(id)));
            }
            Answer::Account(Err(error)) if error.is_lasting() => {
                self.broken += 1;
                if self.broken > self.pool.tuning().tries {
                    tracing::warn!(target: "skrynka::telegram", why = error.trouble().detail, "Skipping what was missed");
                    self.broken = 0;
                    let pool = self.pool.clone();
                    let state = async move { Answer::State(pool.ask(&tl::functions::updates::GetState {}).await) };
                    self.asked = Some(Box::pin(state));
                }
                return Ok(None);
            }
            Answer::State(Ok(state)) => {
                self.watch.heard();
                let (new_messages, new_encrypted_messages, other_updates) = Default::default();
                let (chats, users) = Default::default();
                let skipped = tl::types::updates::Difference {
                    new_messages,
                    new_encrypted_messages,
                    other_updates,
                    chats,
                    users,
                    state,
                };
                let _nothing = self.boxes.apply_difference(skipped.into());
                return Ok(Some(News::SkippedAccount));
            }
            Answer::Account(Err(error)) | Answer::State(Err(error)) | Answer::Channel(_, Err(error)) => error,
        };
        if (error.is_connection() || error.is_server_trouble()) && self.broken < self.pool.tuning().tries {
            self.broken += 1;
            return Ok(None);
        }
        Err(error)
    }

    fn account_difference(&mut self, difference: tl::enums::updates::Difference) -> Option<News> {
        let difference = sound::difference(difference);
        self.note_unfollowed(sound::too_long_in(&difference));
        if matches!(difference, tl::enums::updates::Difference::TooLong(_)) {
            let _nothing = self.boxes.apply_difference(difference);
            // Date and seq come with a difference from the new pts.
            let _gap = self.boxes.process_updates(UpdatesLike::MalformedUpdates);
            return Some(News::SkippedAccount);
        }
        told(self.boxes.apply_difference(difference))
    }

    fn channel_difference(&mut self, id: i64, difference: tl::enums::updates::ChannelDifference) -> Option<News> {
        use tl::enums::updates::ChannelDifference as Difference;
        match difference {
            Difference::TooLong(too_long) => {
                let tl::enums::Dialog::Dialog(tl::types::Dialog { pts: Some(_), top_message, .. }) = too_long.dialog
                else {
                    self.boxes.end_channel_difference(PrematureEndReason::TemporaryServerIssues);
                    return None;
                };
                let (users, chats) = (too_long.users.clone(), too_long.chats.clone());
                let _nothing = self.boxes.apply_channel_difference(Difference::TooLong(too_long));
                Some(News::SkippedChannel { id, top: top_message, users, chats })
            }
            Difference::Difference(mut difference) => {
                // The boxes take these for old once they stand at the difference's end.
                let others = sound::updates(std::mem::take(&mut difference.other_updates));
                let (mut updates, users, chats) =
                    self.boxes.apply_channel_difference(Difference::Difference(difference));
                let state = grammers_session::updates::State { date: 0, seq: 0, message_box: None };
                updates.extend(others.into_iter().map(|update| (update, state.clone())));
                told((updates, users, chats))
            }
            Difference::Empty(empty) => told(self.boxes.apply_channel_difference(Difference::Empty(empty))),
        }
    }
}

/// A difference's messages come before what happened to them.
fn told((updates, users, chats): UpdateAndPeers) -> Option<News> {
    if updates.is_empty() && users.is_empty() && chats.is_empty() {
        return None;
    }
    let updates = updates.into_iter().map(|(update, _)| update);
    let (mut first, then): (Vec<_>, Vec<_>) = updates.partition(sound::is_new);
    first.extend(then);
    Some(News::Updates(first, users, chats))
}
