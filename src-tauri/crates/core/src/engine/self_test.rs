//! The guided self-test: a message to oneself, followed through every station, of which nothing stays behind.
//!
//! Whoever asks for it writes the message into the outbox and follows it in the database and the journal; the program that
//! listens to the account sends it, has it come back, and takes it off the server. A row stands before the message does,
//! so that whatever ends in the middle is swept later by whoever listens.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{
    AskError, Asked, Engine, Shared,
    requests::{Answer, Request, ask},
};
use crate::{
    connector::{Batch, FoundPerson, Incoming, OutgoingMail},
    journal::{JournalReader, News},
    model::{Account, AccountId, AccountState, Address, Channel, ConversationId, OutgoingId, Trouble, TroubleCode},
    store::{FactKind, JournalEntry, LeftSelfTest, MailDraft, OutgoingDraft, OutgoingState, SelfTestState, StoreError},
};

/// A station that is not reached by then has failed. Mail servers may look at a mail for a while.
const STATION: Duration = Duration::from_secs(90);
/// What is drawn is drawn soon.
const PAINT: Duration = Duration::from_secs(15);
/// A mail's copy is waited for no longer: it is swept later, too.
const COPY: Duration = Duration::from_secs(20);
/// How often the database is looked at, should nothing be announced.
const LOOK: Duration = Duration::from_millis(100);
/// One that began longer ago is nobody's any more, in seconds.
const LATE: u32 = 600;
/// How often it is looked whether something was left.
const SWEEP: Duration = Duration::from_secs(5);

/// Where a message to oneself passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Station {
    /// It stands in the outbox.
    Queued,
    /// The server took it.
    Accepted,
    /// The listener has it.
    Seen,
    /// It is in the database.
    Stored,
    /// The journal told of it.
    Announced,
    /// A window has drawn it.
    Painted,
    /// Nothing of it is left.
    Removed,
}

impl Station {
    /// The word the command line uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Accepted => "accepted",
            Self::Seen => "seen",
            Self::Stored => "stored",
            Self::Announced => "announced",
            Self::Painted => "painted",
            Self::Removed => "removed",
        }
    }
}

/// A station that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// Which.
    pub station: Station,
    /// How long after the beginning.
    pub after: Duration,
    /// Where the message stands, once that is known.
    pub conversation: Option<ConversationId>,
}

/// What kept a self-test from the next station.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The server, the database or a library said so.
    #[error("{}", .0.detail)]
    Trouble(Trouble),
    /// The program that listened to the account has ended.
    #[error("{holder} listened to this account and does not any more")]
    HolderGone {
        /// What it calls itself.
        holder: String,
    },
    /// A person has switched the account off.
    #[error("the account is switched off")]
    SwitchedOff,
    /// The account is not connected just now.
    #[error("the account is not connected just now")]
    NotConnected,
    /// Nothing happened.
    #[error("nothing for {} s", .waited.as_secs())]
    Silence {
        /// For so long.
        waited: Duration,
    },
    /// The server did not take the message and said no more.
    #[error("the server did not take it")]
    NotTaken,
    /// It is no longer in the outbox.
    #[error("somebody took it out of the outbox")]
    Withdrawn,
    /// The window had it and has not drawn it.
    #[error("the window has not drawn it")]
    NotDrawn,
}

/// Why a self-test went no further.
#[derive(Debug)]
pub struct Stopped {
    /// The station that was not reached.
    pub station: Station,
    /// Why.
    pub why: Cause,
    /// Folders in which it was found all the same when it was taken away: a server may put it into its junk.
    pub found_in: Vec<String>,
}

/// What a self-test found.
#[derive(Debug, Default)]
pub struct SelfTest {
    /// The stations that were reached, in order.
    pub reached: Vec<Reached>,
    /// Where it ended, unless it went all the way.
    pub stopped: Option<Stopped>,
}

/// Waits until a window has drawn the message in this conversation.
pub type Painted<'a> = dyn Fn(ConversationId) -> BoxFuture<'a, ()> + Send + Sync + 'a;

impl Engine {
    /// Sends a marked message to the account itself, follows it, tells each station as it is reached, and takes everything
    /// of it away again, here and on the server, however far it came. `painted` is given where a window draws.
    pub async fn self_test(
        &self,
        account: AccountId,
        painted: Option<&Painted<'_>>,
        told: &mut (dyn FnMut(Reached) + Send + Sync),
    ) -> SelfTest {
        let shared = &*self.shared;
        let id = OutgoingId::new(shared.parts.clock.now());
        tracing::info!(target: "skrynka::app", account = %account, outgoing = %id, "Self-test begins");
        let mut course = Course {
            shared,
            account,
            id,
            began: Instant::now(),
            told,
            found: SelfTest::default(),
            at: Station::Queued,
            begun: false,
        };
        let ended = Box::pin(course.run(painted)).await;
        let at = course.at;
        course.found.stopped = ended.err().map(|why| Stopped { station: at, why, found_in: Vec::new() });
        if !course.begun {
            return course.found;
        }
        match remove(shared, account, id).await {
            Ok(places) => {
                tracing::info!(target: "skrynka::app", account = %account, outgoing = %id, places = places.len(), "Self-test taken away");
                if let Some(stopped) = &mut course.found.stopped
                    && stopped.station == Station::Seen
                {
                    stopped.found_in = places;
                }
                course.reach(Station::Removed, None);
            }
            Err(error) => {
                let why = trouble(&error);
                tracing::warn!(target: "skrynka::app", account = %account, outgoing = %id, error = why.detail, "Self-test not taken away");
                let why = Cause::Trouble(why);
                course.found.stopped.get_or_insert(Stopped { station: Station::Removed, why, found_in: Vec::new() });
            }
        }
        course.found
    }
}

/// One self-test on its way.
struct Course<'a> {
    shared: &'a Shared,
    account: AccountId,
    id: OutgoingId,
    began: Instant,
    told: &'a mut (dyn FnMut(Reached) + Send + Sync),
    found: SelfTest,
    /// The station that is waited for.
    at: Station,
    /// There is something to take away.
    begun: bool,
}

impl Course<'_> {
    fn reach(&mut self, station: Station, conversation: Option<ConversationId>) {
        self.reach_after(station, self.began.elapsed(), conversation);
    }

    fn reach_after(&mut self, station: Station, after: Duration, conversation: Option<ConversationId>) {
        let last = self.found.reached.last().map_or(Duration::ZERO, |reached| reached.after);
        // Clocks of several computers took part: no station comes before the one before it.
        let reached = Reached { station, after: after.max(last), conversation };
        tracing::info!(
            target: "skrynka::app", account = %self.account, outgoing = %self.id, station = station.as_str(),
            ms = u64::try_from(reached.after.as_millis()).unwrap_or(u64::MAX), "Self-test station reached"
        );
        self.found.reached.push(reached);
        (self.told)(reached);
    }

    async fn run(&mut self, painted: Option<&Painted<'_>>) -> Result<(), Cause> {
        let store = &self.shared.parts.store;
        let account = store.account(self.account).await.map_err(database)?;
        let account = account.ok_or_else(|| database(StoreError::NotFound("the account")))?;
        self.is_listened_to(&account).await?;
        let mut journal = JournalReader::of(store.clone(), self.account).await.map_err(database)?;
        store.begin_self_test(self.account, self.id, self.shared.parts.presence.holder()).await.map_err(database)?;
        self.begun = true;
        match account.channel {
            Channel::Email => self.queue_mail(&account).await?,
            Channel::Telegram => self.queue_text().await?,
        }
        self.reach(Station::Queued, None);
        let conversation = self.follow(&mut journal).await?;
        if let (Some(painted), Some(conversation)) = (painted, conversation) {
            self.at = Station::Painted;
            if timeout(PAINT, painted(conversation)).await.is_err() {
                return Err(Cause::NotDrawn);
            }
            self.reach(Station::Painted, Some(conversation));
        }
        // What is put into the Sent folder later would stay there.
        let until = Instant::now() + COPY;
        while Instant::now() < until && !self.state().await?.copy_known {
            sleep(LOOK).await;
        }
        Ok(())
    }

    async fn state(&self) -> Result<SelfTestState, Cause> {
        self.shared.parts.store.self_test(self.account, self.id).await.map_err(database)
    }

    /// Without a listener nothing could come back.
    async fn is_listened_to(&self, account: &Account) -> Result<(), Cause> {
        let status = self.shared.statuses.all().into_iter().find(|status| status.account == account.id);
        let state = status.map(|status| status.state);
        match state {
            Some(AccountState::Live | AccountState::CatchingUp { .. }) => Ok(()),
            Some(AccountState::Elsewhere { holder, .. }) => {
                let held = self.shared.parts.store.lease(account.id).await.map_err(database)?;
                if held.is_some_and(|held| held.valid) {
                    return Ok(());
                }
                Err(Cause::HolderGone { holder })
            }
            Some(
                AccountState::BackingOff { why, .. }
                | AccountState::NeedsSignIn { why }
                | AccountState::Misconfigured { why }
                | AccountState::Limited { why, .. },
            ) => Err(Cause::Trouble(why)),
            Some(AccountState::Stopped) => Err(Cause::SwitchedOff),
            Some(AccountState::Idle | AccountState::Connecting) | None => Err(Cause::NotConnected),
        }
    }

    fn text(&self) -> String {
        format!(
            "Skrynka надіслала цього листа сама собі, щоб перевірити шлях, і зараз його видалить.\n\
             Skrynka sent this to itself to test the road, and is about to delete it.\n{}",
            self.id.self_test_mark()
        )
    }

    async fn queue_mail(&self, account: &Account) -> Result<(), Cause> {
        let settings = account.email.as_ref();
        let settings = settings.ok_or_else(|| database(StoreError::NotFound("the mailbox's settings")))?;
        let own = Address { name: "Skrynka".to_owned(), address: settings.address.clone() };
        let mail = OutgoingMail {
            message_id: format!("{}@{}", self.id.self_test_mark(), settings.id_domain()),
            from: own.clone(),
            to: vec![own],
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: "Skrynka: перевірка шляху · self-test".to_owned(),
            date: self.shared.parts.clock.now(),
            references: Vec::new(),
            text: self.text(),
            html: None,
            files: Vec::new(),
        };
        let draft = MailDraft {
            id: self.id,
            conversation: None,
            send_at: None,
            draft: None,
            mail,
            entities: Vec::new(),
            files: Vec::new(),
        };
        self.shared.parts.store.queue_mail(self.account, &draft).await.map_err(database)
    }

    async fn queue_text(&self) -> Result<(), Cause> {
        let chat = match ask(self.shared, self.account, Request::OwnChat).await {
            Ok(Answer::Chat(Some(chat))) => chat,
            Ok(Answer::Chat(None) | Answer::Done | Answer::Older(_) | Answer::Places(_)) => {
                return Err(database(StoreError::NotFound("the chat with oneself")));
            }
            Err(error) => return Err(Cause::Trouble(trouble(&error))),
        };
        let text = OutgoingDraft {
            id: self.id,
            conversation: chat,
            text: self.text(),
            entities: Vec::new(),
            reply_to: None,
            random_id: rand::random(),
            send_at: None,
            file: None,
            album: None,
            forward: None,
        };
        self.shared.parts.store.queue_texts(self.account, &[text], None).await.map_err(database)
    }

    /// Follows the message until it was announced; returns where it stands.
    async fn follow(&mut self, journal: &mut JournalReader) -> Result<Option<ConversationId>, Cause> {
        self.at = Station::Accepted;
        let mut until = Instant::now() + STATION;
        let mut announced = false;
        loop {
            let before = self.at;
            let state = self.state().await?;
            self.advance(&state, announced)?;
            if self.at > Station::Announced {
                return Ok(state.conversation);
            }
            if self.at != before {
                until = Instant::now() + STATION;
            }
            if Instant::now() >= until {
                return Err(Cause::Silence { waited: STATION });
            }
            match timeout_at(Instant::now() + LOOK, journal.next()).await {
                Ok(Ok(News::Facts(facts))) => announced |= self.names(&facts).await?,
                Ok(Ok(News::Overflowed)) => announced |= state.stored_at.is_some(),
                Ok(Err(error)) => return Err(database(error)),
                Err(_) => {}
            }
        }
    }

    /// Whether facts tell of the message that came back.
    async fn names(&self, facts: &[JournalEntry]) -> Result<bool, Cause> {
        let state = self.state().await?;
        Ok(state.stored_at.is_some()
            && facts.iter().any(|entry| {
                entry.fact.kind == FactKind::MessageMarked && entry.fact.conversation == state.conversation
            }))
    }

    fn advance(&mut self, state: &SelfTestState, announced: bool) -> Result<(), Cause> {
        let after = |at: time::OffsetDateTime| Duration::try_from(at - state.began_at).unwrap_or_default();
        if self.at == Station::Accepted {
            match state.outgoing {
                Some(OutgoingState::Failed | OutgoingState::Uncertain) => {
                    return Err(state.error.clone().map_or(Cause::NotTaken, Cause::Trouble));
                }
                // It is tried again later; the person who waits is told now.
                Some(OutgoingState::Waiting) => state.error.clone().map_or(Ok(()), |why| Err(Cause::Trouble(why)))?,
                Some(OutgoingState::Sending | OutgoingState::Sent) => {}
                None => return Err(Cause::Withdrawn),
            }
            // What is back was accepted, whether or not the answer was.
            if let Some(at) = state.accepted_at.or(state.seen_at) {
                self.reach_after(Station::Accepted, after(at), state.conversation);
                self.at = Station::Seen;
            }
        }
        if self.at == Station::Seen
            && let Some(at) = state.seen_at
        {
            self.reach_after(Station::Seen, after(at), state.conversation);
            self.at = Station::Stored;
        }
        if self.at == Station::Stored
            && let Some(at) = state.stored_at
        {
            self.reach_after(Station::Stored, after(at), state.conversation);
            self.at = Station::Announced;
        }
        if self.at == Station::Announced && announced {
            self.reach(Station::Announced, state.conversation);
            self.at = Station::Painted;
        }
        Ok(())
    }
}

/// Takes away what is left of a self-test: here, and on the server through whoever listens. Returns where it stood there.
async fn remove(shared: &Shared, account: AccountId, id: OutgoingId) -> Result<Vec<String>, AskError> {
    shared.parts.store.forget_self_test(account, id).await?;
    match ask(shared, account, Request::RemoveSelfTest { id }).await? {
        Answer::Places(places) => Ok(places),
        Answer::Done | Answer::Older(_) | Answer::Chat(_) => {
            Err(StoreError::Inconsistent("an answer to something else".to_owned()).into())
        }
    }
}

/// Makes the conversation with oneself, or finds it.
pub(super) async fn own_chat(
    shared: &Shared,
    account: AccountId,
    (remote, lease): &Asked,
) -> Result<Option<ConversationId>, AskError> {
    let FoundPerson { chat, peer } = remote.own_chat().await?;
    let key = chat.key;
    let incoming = vec![Incoming::Peer(Box::new(peer)), Incoming::Chat(Box::new(chat))];
    shared.ingest.ingest(account, Some(*lease), Batch { incoming, cursors: Vec::new() }).await?;
    let found = shared.parts.store.find_chats(account, &key.to_string()).await?;
    Ok(found.first().map(|chat| chat.conversation))
}

/// Takes a self-test off the server, and notes that. What was never begun here has nothing there.
pub(super) async fn remove_there(
    shared: &Shared,
    account: AccountId,
    (remote, _): &Asked,
    id: OutgoingId,
) -> Result<Vec<String>, AskError> {
    let places = remote.remove_self_test(id.self_test_mark()).await?;
    shared.parts.store.self_test_swept(account, id).await?;
    Ok(places)
}

/// Sweeps what self-tests left of accounts that are live here: of a program that died over one, and what came late.
pub(super) async fn sweep(shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        match shared.parts.store.left_self_tests(LATE).await {
            Ok(left) => {
                for one in left {
                    let swept = stop.run_until_cancelled(sweep_one(&shared, &one)).await;
                    if let Some(Err(error)) = swept {
                        tracing::info!(
                            target: "skrynka::app",
                            account = %one.account, error = %crate::chain(&error), "Self-test not swept"
                        );
                    }
                }
            }
            Err(error) => tracing::debug!(target: "skrynka::store", error = %error, "Self-tests not looked up"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(SWEEP) => {}
        }
    }
}

async fn sweep_one(shared: &Shared, left: &LeftSelfTest) -> Result<(), AskError> {
    let LeftSelfTest { account, id, run, is_open, is_late, is_due } = left;
    let status = shared.statuses.all().into_iter().find(|status| status.account == *account);
    // What is caught up on may bring it yet.
    let is_live = status.is_some_and(|status| status.state == AccountState::Live);
    let Some(asked) = shared.remote(*account).filter(|_| is_live) else { return Ok(()) };
    if *is_open {
        if !is_late && !shared.parts.presence.is_dead(run) {
            return Ok(());
        }
        tracing::info!(target: "skrynka::app", account = %account, outgoing = %id, "Self-test was left behind");
        shared.parts.store.forget_self_test(*account, *id).await?;
    }
    if *is_open || *is_due {
        remove_there(shared, *account, &asked, *id).await?;
    }
    Ok(())
}

fn database(error: StoreError) -> Cause {
    Cause::Trouble(Trouble { code: TroubleCode::Database, detail: crate::chain(&error) })
}

fn trouble(error: &AskError) -> Trouble {
    super::requests::trouble(error)
}
