//! What a listener hands over becomes stored fact: normalised, threaded, deduplicated, in one transaction.
//!
//! One batch is one transaction: messages, cursors, conversation summaries and journal rows, or nothing. Handing the
//! same batch over again changes nothing, so a crash anywhere is cured by resuming from the stored cursor.

mod adopted;
mod chats;
mod forgotten;
mod subject;
mod text;
mod thread;

pub use self::subject::base as base_subject;
pub(crate) use self::{chats::content_hash, forgotten::is_before, text::snippet};

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use time::{Duration, OffsetDateTime};

use crate::{
    clock::Clock,
    connector::{Batch, Chat, Content, Cursor, Delivered, Incoming, IncomingMessage, KnownPeer, Letter},
    fault,
    model::{
        AccountId, Address, ChatKey, ContactId, ConversationId, Direction, MessageId, OutgoingId, Place, Reaction,
    },
    store::{
        Beginning, Fact, FactKind, IngestTx, KnownPlace, LeaseToken, LookedFor, NewMessage, Store, StoreError,
        SummaryChange,
    },
};

/// A conversation with the same subject and person is joined only when it was active this recently.
const SUBJECT_WINDOW: Duration = Duration::days(60);

/// After so many stored messages the planner looks at the tables: plans that were made while they were empty read all
/// of a table where an index would do, and the database's own look comes only after a minute.
const STATISTICS_AFTER: [u64; 6] = [100, 500, 2_000, 8_000, 32_000, 128_000];

/// Turns batches into stored facts.
#[derive(Clone)]
pub struct Ingest {
    store: Store,
    clock: Arc<dyn Clock>,
    /// Messages stored so far by this program.
    stored: Arc<AtomicU64>,
    /// Batches that are being stored.
    under_way: Arc<AtomicUsize>,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ingested {
    /// Messages that are new here.
    pub stored: usize,
    /// Messages that were here and stand at a further place.
    pub linked: usize,
    /// Messages that were here at this very place.
    pub known: usize,
    /// Messages that could not be read and went to quarantine.
    pub quarantined: usize,
    /// Untouched bytes stored.
    pub bytes: u64,
    /// The longest time from arrival on this computer to the commit.
    pub lag: Option<Duration>,
}

impl Ingested {
    fn add(&mut self, other: Self) {
        self.stored += other.stored;
        self.linked += other.linked;
        self.known += other.known;
        self.quarantined += other.quarantined;
        self.bytes += other.bytes;
        self.lag = self.lag.max(other.lag);
    }
}

/// Counts a batch while it is being stored, however that ends.
struct UnderWay<'a>(&'a AtomicUsize);

impl<'a> UnderWay<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Ingest {
    /// Makes the room's one object.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, stored: Arc::default(), under_way: Arc::default() }
    }

    /// Stores a batch and returns once it is committed.
    ///
    /// A message that the database refuses goes to quarantine with its reason, and the others are stored: a transaction
    /// that fails over its data is tried again message by message. Everything else that fails leaves nothing behind.
    ///
    /// With a `lease` that is no longer the account's, nothing is stored.
    pub async fn ingest(
        &self,
        account: AccountId,
        lease: Option<LeaseToken>,
        mut batch: Batch,
    ) -> Result<Ingested, StoreError> {
        let _under_way = UnderWay::new(&self.under_way);
        let back = self.self_tests(account, &mut batch).await?;
        batch.incoming.iter_mut().for_each(text::clean);
        let to = Destination { account, lease };
        let ingested = match self.commit(to, &batch.incoming, &batch.cursors).await {
            Err(StoreError::Refused(error)) => {
                tracing::warn!(
                    target: "skrynka::store", account = %account, error = %error,
                    "Batch refused, storing its messages one by one"
                );
                self.one_by_one(to, batch).await
            }
            result => result,
        }?;
        for (test, arrived_at) in back {
            self.store.note_self_test(account, test, (arrived_at, self.clock.now())).await?;
        }
        self.keep_statistics(ingested.stored as u64).await;
        Ok(ingested)
    }

    /// Leaves out what comes of a self-test that is over, and takes what came back of one that is not for ours: nobody is
    /// told of it, and it is unread for nobody. Returns which came back, and when the listener had them.
    async fn self_tests(
        &self,
        account: AccountId,
        batch: &mut Batch,
    ) -> Result<Vec<(OutgoingId, OffsetDateTime)>, StoreError> {
        let marked: Vec<OutgoingId> = batch.incoming.iter().filter_map(self_test).collect();
        if marked.is_empty() {
            return Ok(Vec::new());
        }
        let known = self.store.known_self_tests(account, &marked).await?;
        let of = |incoming: &Incoming| self_test(incoming).and_then(|id| known.iter().find(|known| known.id == id));
        batch.incoming.retain(|incoming| !of(incoming).is_some_and(|known| known.is_over));
        let mut back = Vec::new();
        for incoming in &mut batch.incoming {
            let Some(id) = of(&*incoming).map(|known| known.id) else { continue };
            let Incoming::Message(message) = incoming else { continue };
            // Our copy in the Sent folder proves nothing of the way back.
            if chats::is_chat(message) || message.direction == Direction::In {
                back.push((id, message.arrived_at));
            }
            message.direction = Direction::Out;
        }
        Ok(back)
    }

    /// Whether a batch is being stored at this moment.
    pub fn is_storing(&self) -> bool {
        self.under_way.load(Ordering::Relaxed) > 0
    }

    async fn keep_statistics(&self, stored: u64) {
        let before = self.stored.fetch_add(stored, Ordering::Relaxed);
        let now = before + stored;
        if STATISTICS_AFTER.iter().any(|after| (before + 1..=now).contains(after))
            && let Err(error) = self.store.refresh_statistics(i64::try_from(now).unwrap_or(i64::MAX)).await
        {
            tracing::warn!(target: "skrynka::store", error = %error, "Statistics not refreshed");
        }
    }

    async fn one_by_one(&self, to: Destination, batch: Batch) -> Result<Ingested, StoreError> {
        let mut sum = Ingested::default();
        for mut incoming in batch.incoming {
            let stored = self.commit(to, std::slice::from_ref(&incoming), &[]).await;
            match (stored, &mut incoming) {
                (Err(StoreError::Refused(error)), Incoming::Message(message)) => {
                    let whole = message.raw.size > 0;
                    let reason = format!("The database refused it: {error}");
                    message.content = Content::Unreadable { reason, whole };
                    sum.add(self.commit(to, std::slice::from_ref(&incoming), &[]).await?);
                }
                (Err(StoreError::Refused(error)), _) => {
                    // A mark that cannot be stored must not keep what follows it out for ever.
                    tracing::error!(
                        target: "skrynka::store", account = %to.account, error = %error, "News refused and left out"
                    );
                }
                (stored, _) => sum.add(stored?),
            }
        }
        // The cursors move only once everything they cover is there.
        self.commit(to, &[], &batch.cursors).await?;
        Ok(sum)
    }

    async fn commit(&self, to: Destination, incoming: &[Incoming], cursors: &[Cursor]) -> Result<Ingested, StoreError> {
        let mut turns = BTreeSet::new();
        loop {
            match self.commit_among(to, &turns, incoming, cursors).await? {
                Ended::Committed(done) => return Ok(done),
                // What it has found may be gone once it has its turn: it looks again.
                Ended::Wants(more) => turns.extend(more),
            }
        }
    }

    /// Stores news while holding the turns of further accounts, or tells whose it needs as well.
    async fn commit_among(
        &self,
        to: Destination,
        turns: &BTreeSet<AccountId>,
        incoming: &[Incoming],
        cursors: &[Cursor],
    ) -> Result<Ended, StoreError> {
        let mut work = Work::begin(&self.store, to, turns, self.clock.now()).await?;
        fault::point("begun");
        let forgotten::Sifted { incoming: kept, cursors } = work.sift(incoming, cursors).await?;
        let sorted = Sorted::of(&kept);
        work.peers(&sorted.peers).await?;
        work.begin_chats(&sorted.begun).await?;
        for messages in sorted.letters.into_values() {
            work.messages(messages).await?;
        }
        work.chats(sorted.chats).await?;
        fault::point("messages_written");
        work.marks(&sorted.marks).await?;
        work.gone(&sorted.gone).await?;
        for (channel, numbers) in sorted.deleted {
            work.deleted(channel, numbers).await?;
        }
        work.reactions(&sorted.reactions).await?;
        for (chat, up_to) in sorted.read_inbox {
            work.read_inbox(chat, up_to).await?;
        }
        for (chat, up_to) in sorted.read_outbox {
            work.read_outbox(chat, up_to).await?;
        }
        for (random_id, place) in sorted.sent {
            work.sent(random_id, place).await?;
        }
        work.delivered(&sorted.delivered).await?;
        if !work.tx.wanted_turns().is_empty() {
            return Ok(Ended::Wants(work.tx.wanted_turns().clone()));
        }
        let cursors: Vec<&Cursor> = cursors.iter().map(AsRef::as_ref).collect();
        let mut done = work.finish(&cursors).await?;
        fault::point("committed");
        let now = self.clock.now();
        done.lag = incoming.iter().filter_map(Incoming::message).map(|message| now - message.arrived_at).max();
        Ok(Ended::Committed(done))
    }
}

/// How one transaction ended.
enum Ended {
    Committed(Ingested),
    /// Nothing is stored: these accounts' turns are needed too.
    Wants(BTreeSet<AccountId>),
}

/// Where a batch goes, and by what right.
#[derive(Clone, Copy)]
struct Destination {
    account: AccountId,
    lease: Option<LeaseToken>,
}

/// A batch by what must be done first: people before their messages, messages before what happened to them.
#[derive(Default)]
struct Sorted<'b> {
    peers: Vec<&'b KnownPeer>,
    begun: Vec<&'b Chat>,
    /// Mails of one mailbox and epoch are looked at together: content is compared across, never within them.
    letters: BTreeMap<(&'b str, u32), Vec<&'b IncomingMessage>>,
    chats: Vec<&'b IncomingMessage>,
    marks: Vec<(Place, bool, bool)>,
    gone: Vec<Place>,
    deleted: Vec<(Option<i64>, &'b [u32])>,
    reactions: Vec<(&'b Place, &'b [Reaction])>,
    read_inbox: BTreeMap<ChatKey, u32>,
    read_outbox: BTreeMap<ChatKey, u32>,
    sent: Vec<(i64, &'b Place)>,
    delivered: Vec<&'b Delivered>,
}

impl<'b> Sorted<'b> {
    fn of(incoming: &[&'b Incoming]) -> Self {
        let mut sorted = Self::default();
        let further = |marks: &mut BTreeMap<ChatKey, u32>, chat: ChatKey, up_to: u32| {
            marks.entry(chat).and_modify(|mark| *mark = up_to.max(*mark)).or_insert(up_to);
        };
        for &incoming in incoming {
            match incoming {
                Incoming::Message(message) if chats::is_chat(message) => sorted.chats.push(message),
                Incoming::Message(message) => {
                    sorted.letters.entry((&message.place.mailbox, message.place.epoch)).or_default().push(message);
                }
                Incoming::Marks { place, seen, answered } => sorted.marks.push((place.clone(), *seen, *answered)),
                Incoming::Gone { place } => sorted.gone.push(place.clone()),
                Incoming::Deleted { channel, numbers } => sorted.deleted.push((*channel, numbers)),
                Incoming::Reactions { place, reactions } => sorted.reactions.push((place, reactions)),
                Incoming::ReadInbox { chat, up_to } => further(&mut sorted.read_inbox, *chat, *up_to),
                Incoming::ReadOutbox { chat, up_to } => further(&mut sorted.read_outbox, *chat, *up_to),
                Incoming::Peer(peer) => sorted.peers.push(peer),
                Incoming::Chat(chat) => sorted.begun.push(chat),
                Incoming::Sent { random_id, place } => sorted.sent.push((*random_id, place)),
                Incoming::Delivered(delivered) => sorted.delivered.push(delivered),
            }
        }
        sorted
    }
}

/// One transaction's work.
struct Work {
    tx: IngestTx,
    now: OffsetDateTime,
    done: Ingested,
    unread: BTreeMap<ConversationId, i32>,
    facts: Vec<Fact>,
    changed: BTreeSet<ConversationId>,
    /// Where conversations went that were merged in this transaction.
    moved: HashMap<ConversationId, ConversationId>,
    looked_for: LookedFor,
    giving_way: adopted::GivingWay,
}

impl Work {
    async fn begin(
        store: &Store,
        to: Destination,
        turns: &BTreeSet<AccountId>,
        now: OffsetDateTime,
    ) -> Result<Self, StoreError> {
        let mut tx = store.begin_among(to.account, to.lease, turns).await?;
        let looked_for = tx.looked_for().await?;
        Ok(Self {
            tx,
            looked_for,
            now,
            done: Ingested::default(),
            unread: BTreeMap::new(),
            facts: Vec::new(),
            changed: BTreeSet::new(),
            moved: HashMap::new(),
            giving_way: adopted::GivingWay::default(),
        })
    }

    /// Stores messages of one mailbox and epoch. A place that is named again is looked at again, after what was said
    /// of it first is stored.
    async fn messages(&mut self, mut messages: Vec<&IncomingMessage>) -> Result<(), StoreError> {
        while !messages.is_empty() {
            let mut met: BTreeSet<u32> = BTreeSet::new();
            let (first, again) = messages.into_iter().partition(|message| met.insert(message.place.number));
            self.messages_of_places(first).await?;
            messages = again;
        }
        Ok(())
    }

    /// Stores messages of one mailbox and epoch, each of which stands at a place of its own.
    async fn messages_of_places(&mut self, messages: Vec<&IncomingMessage>) -> Result<(), StoreError> {
        let places: Vec<&Place> = messages.iter().map(|message| &message.place).collect();
        let known = self.tx.known_places(&places).await?;
        let mut marks = Vec::new();
        let mut unknown: Vec<&IncomingMessage> = Vec::new();
        let mut replaced: Vec<&Place> = Vec::new();
        for message in messages {
            match known.get(&message.place) {
                Some(stored) if takes_the_place(message, stored) => {
                    replaced.push(&message.place);
                    // What stood for it is no mail that anybody has to read.
                    marks.push((message.place.clone(), true, stored.answered));
                    unknown.push(message);
                }
                Some(_) => {
                    self.done.known += 1;
                    marks.push((message.place.clone(), message.seen, message.answered));
                }
                None => unknown.push(message),
            }
        }
        self.marks_of(&marks, &known).await?;
        let emptied = self.clear_stand_ins(&replaced).await?;
        let fresh = self.link_same_content(unknown).await?;
        let fresh = self.link_own_mails(fresh).await?;
        self.mails_take_over(&fresh).await?;
        self.insert(&fresh).await?;
        self.leave_emptied(&fresh).await?;
        self.move_out_of(&emptied).await
    }

    /// Takes away what stood at these places in the stead of messages that could not be read. Returns the places whose
    /// conversations are empty now.
    async fn clear_stand_ins<'p>(
        &mut self,
        places: &[&'p Place],
    ) -> Result<Vec<(&'p Place, ConversationId)>, StoreError> {
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let mut emptied = Vec::new();
        for cleared in self.tx.clear_stand_ins(places).await? {
            self.facts.push(fact(FactKind::MessageGone, cleared.conversation, cleared.message));
            self.changed.insert(cleared.conversation);
            let place = places.iter().find(|place| **place == &cleared.place);
            emptied.extend(place.filter(|_| cleared.emptied).map(|place| (*place, cleared.conversation)));
        }
        Ok(emptied)
    }

    /// A mail that could not be read had a conversation of its own, which lives on where the mail belongs.
    async fn move_out_of(&mut self, emptied: &[(&Place, ConversationId)]) -> Result<(), StoreError> {
        if emptied.is_empty() {
            return Ok(());
        }
        let places: Vec<&Place> = emptied.iter().map(|(place, _)| *place).collect();
        let now = self.tx.known_places(&places).await?;
        for (place, from) in emptied {
            let Some(into) = now.get(*place).map(|known| known.conversation).filter(|into| into != from) else {
                continue;
            };
            self.tx.merge(&[(*from, into)]).await?;
            self.moved.insert(*from, into);
            self.facts.push(Fact { kind: FactKind::ConversationMerged, conversation: Some(*from), message: None });
            self.changed.insert(into);
        }
        Ok(())
    }

    /// Links copies of mails that were sent from here and returns the rest. A copy is known by its Message-ID: servers
    /// write into what they keep. The first copy of a mail whose end was not seen shows that it was sent.
    async fn link_own_mails<'m>(
        &mut self,
        messages: Vec<&'m IncomingMessage>,
    ) -> Result<Vec<&'m IncomingMessage>, StoreError> {
        let own_id = |message: &IncomingMessage| match &message.content {
            Content::Letter(letter) if message.direction == Direction::Out => letter.message_id.clone(),
            Content::Letter(_) | Content::Chat(_) | Content::Unreadable { .. } => None,
        };
        let ids: Vec<String> = messages.iter().filter_map(|message| own_id(message)).collect();
        if ids.is_empty() {
            return Ok(messages);
        }
        let own = self.tx.own_mails(&ids).await?;
        let mut links = Vec::new();
        let mut fresh = Vec::new();
        let mut met = BTreeSet::new();
        for message in messages {
            let Some((id, mail)) = own_id(message).and_then(|id| own.get(&id).map(|mail| (id, mail))) else {
                fresh.push(message);
                continue;
            };
            match mail.message {
                Some(_) if message.place.is_outbox() => self.done.known += 1,
                Some(stored) => links.push((message.place.clone(), stored, message.seen, message.answered)),
                // Two copies in one batch are one mail.
                None if !met.insert(id) => {}
                None => fresh.push(message),
            }
            if !message.place.is_outbox()
                && let Some(conversation) = self.tx.found_copy(mail.outgoing).await?
            {
                self.facts.push(outgoing_changed(conversation));
            }
        }
        if !links.is_empty() {
            self.done.linked += links.len();
            self.tx.leave_outbox(&links.iter().map(|link| link.1).collect::<Vec<_>>()).await?;
            self.tx.link(&links).await?;
        }
        Ok(fresh)
    }

    /// Notes that servers took mails of ours.
    async fn delivered(&mut self, delivered: &[&Delivered]) -> Result<(), StoreError> {
        if !delivered.is_empty() {
            self.facts.extend(self.tx.delivered(delivered).await?.into_iter().map(outgoing_changed));
        }
        Ok(())
    }

    /// Links messages that are here already under another place and returns the rest.
    async fn link_same_content<'m>(
        &mut self,
        messages: Vec<&'m IncomingMessage>,
    ) -> Result<Vec<&'m IncomingMessage>, StoreError> {
        let Some(first) = messages.first() else { return Ok(Vec::new()) };
        // A message whose bytes the server did not give has no identity of its own but its place.
        let has_bytes = |message: &&IncomingMessage| message.raw.size > 0;
        let hashes: Vec<[u8; 32]> =
            messages.iter().copied().filter(has_bytes).map(|message| message.raw.sha256).collect();
        let mut candidates = self.tx.same_content(&hashes, &first.place.mailbox, first.place.epoch).await?;
        let mut links = Vec::new();
        let mut fresh = Vec::new();
        for message in messages {
            let same = candidates.get_mut(&message.raw.sha256).filter(|_| has_bytes(&message));
            // What can be read by now is not what could not be, whose other places are read anew by themselves.
            let fits = |known: &KnownPlace| !(known.unreadable && matches!(message.content, Content::Letter(_)));
            match same.and_then(|found| found.iter().position(fits).map(|at| found.remove(at))) {
                // A mail of ours that a folder showed before its server's answer was stored.
                Some(_) if message.place.is_outbox() => self.done.known += 1,
                Some(same) => {
                    // A place without a read mark says nothing of a message that was read at another.
                    if message.seen && !same.read {
                        self.follow_read_mark(&same, true);
                        self.facts.push(fact(FactKind::MessageMarked, same.conversation, same.message));
                    }
                    links.push((message.place.clone(), same.message, message.seen, message.answered));
                }
                None => fresh.push(message),
            }
        }
        if !links.is_empty() {
            self.done.linked += links.len();
            self.tx.leave_outbox(&links.iter().map(|link| link.1).collect::<Vec<_>>()).await?;
            self.tx.link(&links).await?;
            let read: Vec<_> = links
                .iter()
                .map(|(place, message, seen, answered)| {
                    (place.clone(), *message, *seen, *answered, seen.then_some(true))
                })
                .collect();
            self.tx.mark(&read).await?;
        }
        Ok(fresh)
    }

    async fn insert(&mut self, messages: &[&IncomingMessage]) -> Result<(), StoreError> {
        if messages.is_empty() {
            return Ok(());
        }
        let contacts = self.contacts(messages).await?;
        let threads = self.thread(messages, &contacts).await?;
        let mut changes: BTreeMap<ConversationId, SummaryChange> = BTreeMap::new();
        let mut rows = Vec::with_capacity(messages.len());
        for (message, (conversation, new)) in messages.iter().zip(threads.conversations) {
            let mut row = new_message(message, conversation, MessageId::new(self.now));
            self.read_before(&mut row);
            let mut change = summary_change(message, &row, new, &contacts);
            self.known_before(&row, &mut change);
            changes.entry(conversation).and_modify(|sum| fold(sum, &change)).or_insert(change);
            rows.push(row);
        }
        self.write_rows(rows, changes).await?;
        self.tx.remember_threads(threads.ids).await
    }

    /// Writes new messages with what they change of their conversations' summaries.
    async fn write_rows(
        &mut self,
        rows: Vec<NewMessage<'_>>,
        changes: BTreeMap<ConversationId, SummaryChange>,
    ) -> Result<(), StoreError> {
        for row in &rows {
            self.facts.push(fact(FactKind::MessageStored, row.conversation, row.id));
            self.done.stored += 1;
            self.done.bytes += row.size;
            self.done.quarantined += usize::from(row.unreadable.is_some());
        }
        self.changed.extend(changes.keys().copied());
        let changes: Vec<SummaryChange> = changes.into_values().collect();
        self.tx.summarise(&changes).await?;
        self.tx.insert_messages(&rows, self.now).await?;
        self.took_over().await
    }

    async fn contacts(&mut self, messages: &[&IncomingMessage]) -> Result<BTreeMap<String, ContactId>, StoreError> {
        let mut people: BTreeMap<String, String> = BTreeMap::new();
        for message in messages {
            if let Some(peer) = peer(message)
                && !peer.address.is_empty()
            {
                people.entry(peer.address.to_lowercase()).or_insert_with(|| peer.name.clone());
            }
        }
        if people.is_empty() { Ok(BTreeMap::new()) } else { self.tx.contacts(&people, self.now).await }
    }

    /// Finds the conversation of every message; merges conversations that turn out to be one.
    async fn thread(
        &mut self,
        messages: &[&IncomingMessage],
        contacts: &BTreeMap<String, ContactId>,
    ) -> Result<Threads, StoreError> {
        let ids: Vec<Vec<String>> = messages.iter().map(|message| thread_ids(message)).collect();
        let asked: Vec<String> = ids.iter().flatten().cloned().collect::<BTreeSet<_>>().into_iter().collect();
        let known = self.tx.threads(&asked).await?;
        let groups = thread::group(&ids, &known);
        self.tx.merge(&groups.merges).await?;
        for (from, into) in &groups.merges {
            self.moved.insert(*from, *into);
            self.facts.push(Fact { kind: FactKind::ConversationMerged, conversation: Some(*from), message: None });
            self.changed.insert(*into);
        }
        let mut conversations: Vec<Option<ConversationId>> = groups.existing.clone();
        let mut opened = self.opened_by_replies(messages, &groups.of, &conversations, contacts).await?;
        let mut placed = Placed::new();
        let mut fresh: BTreeSet<ConversationId> = BTreeSet::new();
        let mut of_message = Vec::with_capacity(messages.len());
        for (message, group) in messages.iter().zip(&groups.of) {
            let subject = subject_and_contact(message, contacts);
            let found = match (conversations[*group], &subject) {
                (None, Some(subject)) => self.by_subject(message, subject, &placed, &mut opened).await?,
                (found, _) => found,
            };
            let conversation = found.unwrap_or_else(|| ConversationId::new(self.now));
            let is_new = found.is_none() && fresh.insert(conversation);
            if let Some((subject_key, contact, is_reply)) = subject {
                let received_at = message.received_at;
                placed.entry((subject_key.clone(), contact)).or_default().push((received_at, conversation));
                if is_new && is_reply {
                    opened.push(Beginning { conversation, subject_key, contact, subject: String::new(), received_at });
                }
            }
            conversations[*group] = Some(conversation);
            of_message.push((conversation, fresh.contains(&conversation)));
        }
        let ids = groups
            .ids
            .into_iter()
            .filter_map(|(id, group)| conversations[group].map(|conversation| (id, conversation)))
            .collect();
        Ok(Threads { conversations: of_message, ids })
    }

    /// Conversations that a reply has opened under the subject of a message that is none: mail is read newest first,
    /// so that an answer may come before what it answers.
    async fn opened_by_replies(
        &mut self,
        messages: &[&IncomingMessage],
        groups: &[usize],
        conversations: &[Option<ConversationId>],
        contacts: &BTreeMap<String, ContactId>,
    ) -> Result<Vec<Beginning>, StoreError> {
        let mut asked: BTreeSet<(String, ContactId)> = BTreeSet::new();
        for (message, group) in messages.iter().zip(groups) {
            if conversations[*group].is_none()
                && let Some((key, contact, false)) = subject_and_contact(message, contacts)
            {
                asked.insert((key, contact));
            }
        }
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.tx.beginnings(&asked.into_iter().collect::<Vec<_>>()).await?;
        Ok(found.into_iter().filter(|beginning| subject::key(&beginning.subject).1).collect())
    }

    /// The last resort: a reply without any reference joins the latest conversation with the same person and subject,
    /// of this batch before others, and a message that is no reply joins one that began with a reply to it.
    async fn by_subject(
        &mut self,
        message: &IncomingMessage,
        (key, contact, is_reply): &(String, ContactId, bool),
        placed: &Placed,
        opened: &mut Vec<Beginning>,
    ) -> Result<Option<ConversationId>, StoreError> {
        let (since, until) = (message.received_at - SUBJECT_WINDOW, message.received_at + SUBJECT_WINDOW);
        if !is_reply {
            let answers = |begun: &Beginning| {
                begun.subject_key == *key
                    && begun.contact == *contact
                    && (message.received_at..=until).contains(&begun.received_at)
            };
            // From here on the conversation begins with this message.
            return Ok(opened.iter().position(answers).map(|at| opened.swap_remove(at).conversation));
        }
        let here = placed.get(&(key.clone(), *contact)).into_iter().flatten();
        match here.filter(|(at, _)| (since..=until).contains(at)).max() {
            Some((_, conversation)) => Ok(Some(*conversation)),
            None => self.tx.conversation_by_subject(key, *contact, (since, until)).await,
        }
    }

    async fn marks(&mut self, marks: &[(Place, bool, bool)]) -> Result<(), StoreError> {
        if marks.is_empty() {
            return Ok(());
        }
        let places: Vec<&Place> = marks.iter().map(|(place, ..)| place).collect();
        let known = self.tx.known_places(&places).await?;
        self.marks_of(marks, &known).await
    }

    /// Follows the server's marks. A mail read elsewhere is read here, one marked unread elsewhere is unread here; a
    /// mark that did not change on the server leaves what a person did here alone.
    async fn marks_of(
        &mut self,
        marks: &[(Place, bool, bool)],
        known: &HashMap<Place, KnownPlace>,
    ) -> Result<(), StoreError> {
        // Several words about one message in one batch: the last is true.
        let last: HashMap<&Place, (bool, bool)> =
            marks.iter().map(|(place, seen, answered)| (place, (*seen, *answered))).collect();
        let mut changes = Vec::new();
        for (place, (seen, answered)) in &last {
            let Some(stored) = known.get(*place) else { continue };
            if stored.seen == *seen && stored.answered == *answered && !stored.gone {
                continue;
            }
            let read = (stored.seen != *seen).then_some(*seen);
            if read.is_some() {
                self.follow_read_mark(stored, *seen);
            }
            changes.push(((*place).clone(), stored.message, *seen, *answered, read));
            self.facts.push(fact(FactKind::MessageMarked, stored.conversation, stored.message));
            self.changed.insert(stored.conversation);
        }
        if changes.is_empty() { Ok(()) } else { self.tx.mark(&changes).await }
    }

    fn follow_read_mark(&mut self, stored: &KnownPlace, seen: bool) {
        if stored.direction == Direction::In && stored.read != seen && (seen || stored.seen) {
            *self.unread.entry(stored.conversation).or_default() += if seen { -1 } else { 1 };
            self.changed.insert(stored.conversation);
        }
    }

    async fn gone(&mut self, places: &[Place]) -> Result<(), StoreError> {
        if places.is_empty() {
            return Ok(());
        }
        for (message, conversation) in self.tx.gone(places).await? {
            self.facts.push(fact(FactKind::MessageGone, conversation, message));
            self.changed.insert(conversation);
        }
        Ok(())
    }

    /// The conversation that this one lives on in.
    fn where_it_went(&self, mut conversation: ConversationId) -> ConversationId {
        while let Some(next) = self.moved.get(&conversation) {
            conversation = *next;
        }
        conversation
    }

    async fn finish(mut self, cursors: &[&Cursor]) -> Result<Ingested, StoreError> {
        if !self.unread.is_empty() {
            let mut unread = BTreeMap::new();
            for (conversation, change) in &self.unread {
                *unread.entry(self.where_it_went(*conversation)).or_default() += change;
            }
            self.tx.add_unread(&unread).await?;
        }
        for conversation in &self.changed {
            let conversation = self.where_it_went(*conversation);
            self.facts.push(Fact {
                kind: FactKind::ConversationChanged,
                conversation: Some(conversation),
                message: None,
            });
        }
        self.tx.commit(cursors, &self.facts).await?;
        Ok(self.done)
    }
}

/// Where the messages of a batch belong.
struct Threads {
    /// The conversation of each message, and whether it is new.
    conversations: Vec<(ConversationId, bool)>,
    /// Every Message-ID with its conversation.
    ids: Vec<(String, ConversationId)>,
}

/// The self-test that a message says it belongs to.
fn self_test(incoming: &Incoming) -> Option<OutgoingId> {
    let Incoming::Message(message) = incoming else { return None };
    match &message.content {
        Content::Letter(letter) => letter.message_id.as_deref().and_then(OutgoingId::of_self_test),
        Content::Chat(chat) => OutgoingId::of_self_test(&chat.text),
        Content::Unreadable { .. } => None,
    }
}

/// What goes out from a conversation stands otherwise.
const fn outgoing_changed(conversation: Option<ConversationId>) -> Fact {
    Fact { kind: FactKind::OutgoingChanged, conversation, message: None }
}

const fn fact(kind: FactKind, conversation: ConversationId, message: MessageId) -> Fact {
    Fact { kind, conversation: Some(conversation), message: Some(message) }
}

/// Whether what stood here as unreadable can be read at last, or the server gives more of it. Other bytes alone prove
/// nothing: some servers write a mail anew each time it is fetched.
fn takes_the_place(message: &IncomingMessage, stored: &KnownPlace) -> bool {
    let readable = matches!(message.content, Content::Letter(_));
    stored.unreadable && message.raw.size > 0 && (readable || message.raw.size > stored.size)
}

/// What a batch has placed so far by subject and person: when, and in which conversation.
type Placed = HashMap<(String, ContactId), Vec<(OffsetDateTime, ConversationId)>>;

/// The compared subject of a message that refers to no other, its person, and whether it is a reply.
fn subject_and_contact(
    message: &IncomingMessage,
    contacts: &BTreeMap<String, ContactId>,
) -> Option<(String, ContactId, bool)> {
    let Content::Letter(letter) = &message.content else { return None };
    let (key, is_reply) = subject::key(&letter.subject);
    let contact = peer(message).and_then(|peer| contacts.get(&peer.address.to_lowercase()))?;
    (letter.references.is_empty() && !key.is_empty()).then_some((key, *contact, is_reply))
}

/// The other side of a message: who wrote to us, or whom we wrote to. The form of a website writes from an address to
/// itself and names the customer as the one to answer.
fn peer(message: &IncomingMessage) -> Option<&Address> {
    let Content::Letter(letter) = &message.content else { return None };
    let is_author = |address: &Address| address.address.eq_ignore_ascii_case(&letter.author.address);
    let to_itself = || letter.to.iter().chain(&letter.cc).any(is_author);
    match message.direction {
        Direction::In => Some(match letter.reply_to.first().filter(|answer| !is_author(answer)) {
            Some(customer) if !customer.address.is_empty() && to_itself() => customer,
            _ => &letter.author,
        }),
        Direction::Out => letter.to.first().or_else(|| letter.cc.first()),
    }
}

/// Every Message-ID that ties a message to its thread: its own and those it refers to.
fn thread_ids(message: &IncomingMessage) -> Vec<String> {
    match &message.content {
        Content::Letter(letter) => letter.message_id.iter().chain(&letter.references).cloned().collect(),
        Content::Chat(_) | Content::Unreadable { .. } => Vec::new(),
    }
}

fn new_message(message: &IncomingMessage, conversation: ConversationId, id: MessageId) -> NewMessage<'_> {
    let (letter, unreadable): (Option<&Letter>, Option<(&str, bool)>) = match &message.content {
        Content::Letter(letter) => (Some(letter), None),
        Content::Unreadable { reason, whole } => (None, Some((reason, *whole))),
        Content::Chat(_) => (None, None),
    };
    NewMessage {
        id,
        conversation,
        place: &message.place,
        direction: message.direction,
        letter,
        chat: None,
        unreadable,
        received_at: message.received_at,
        arrived_at: message.arrived_at,
        read: message.seen || message.direction == Direction::Out,
        seen: message.seen,
        answered: message.answered,
        size: message.raw.size,
        sha256: message.raw.sha256,
        raw: &message.raw.bytes,
    }
}

fn summary_change(
    message: &IncomingMessage,
    row: &NewMessage<'_>,
    new: bool,
    contacts: &BTreeMap<String, ContactId>,
) -> SummaryChange {
    let peer = peer(message).cloned().unwrap_or_default();
    let (subject, subject_key) = row
        .letter
        .map(|letter| (subject::base(&letter.subject).to_owned(), subject::key(&letter.subject).0))
        .unwrap_or_default();
    SummaryChange {
        conversation: row.conversation,
        new,
        messages: 1,
        unread: i32::from(!row.read),
        files: row.letter.map_or(0, Letter::file_count),
        last_message: row.id,
        last_at: row.received_at,
        last_direction: row.direction,
        last_in: (row.direction == Direction::In).then_some(row.received_at),
        snippet: row.letter.map(|letter| text::snippet(&letter.text)).unwrap_or_default(),
        unreadable: row.unreadable.is_some(),
        contact: contacts.get(&peer.address.to_lowercase()).copied(),
        peer,
        subject,
        subject_key,
        chat: None,
    }
}

/// Adds what one more message of the same batch changes.
pub(crate) fn fold(sum: &mut SummaryChange, change: &SummaryChange) {
    let (messages, unread, files) =
        (sum.messages + change.messages, sum.unread + change.unread, sum.files + change.files);
    let (new, last_in) = (sum.new, sum.last_in.max(change.last_in));
    if change.rank() >= sum.rank() {
        *sum = change.clone();
    }
    (sum.messages, sum.unread, sum.files, sum.new, sum.last_in) = (messages, unread, files, new, last_in);
}
