//! What came over from the old system gives way to what its server tells of it: one row of each old system to one message.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Work, fact, peer};
use crate::{
    adopt::{CHAT_WINDOW, MAIL_WINDOW, Trace, is_common, name_key, pair, phone_key, text_key},
    connector::{Chat, ChatMessage, Content, IncomingMessage, Letter},
    model::{AccountId, ConversationId, Direction, MessageId, PeerKind, Place},
    store::{Fact, FactKind, NewMessage, StoreError, SummaryChange, Waiting},
};

/// What gives way in one transaction.
#[derive(Default)]
pub(super) struct GivingWay {
    /// By the place of the message that takes its place.
    rows: HashMap<Place, Vec<Waiting>>,
    /// Conversations that it left empty.
    emptied: HashSet<(AccountId, ConversationId)>,
    /// Whether these are chats, whose conversation is not looked for by its mails.
    chats: bool,
    became: Vec<(Waiting, MessageId, ConversationId)>,
}

/// A message for which rows are looked for.
struct Asked<'m> {
    /// The correspondent, as rows have it.
    key: String,
    message: &'m IncomingMessage,
    trace: Trace,
    /// The old systems of which it has taken a row: each has one of it at most.
    taken: Vec<Uuid>,
}

impl Work {
    /// Finds the rows of the old system that these mails are, and takes them away.
    pub(super) async fn mails_take_over(&mut self, messages: &[&IncomingMessage]) -> Result<(), StoreError> {
        if messages.is_empty() || !self.looked_for.adopted {
            return Ok(());
        }
        let letters: Vec<(&IncomingMessage, &Letter)> =
            messages.iter().filter_map(|message| Some((*message, letter(message)?))).collect();
        let ids: Vec<String> = letters.iter().filter_map(|(_, letter)| letter.message_id.clone()).collect();
        let mut by_id: HashMap<String, Vec<Waiting>> = HashMap::new();
        let now = (self.now, self.now);
        let here = self.tx.waiting_by_id(&ids).await?;
        let elsewhere = self.tx.guessed_elsewhere(&ids, &[], now).await?;
        // Those that stand here are taken first.
        for waiting in elsewhere.into_iter().chain(here) {
            by_id.entry(waiting.rfc_message_id.clone().unwrap_or_default()).or_default().push(waiting);
        }
        let mut found: Vec<(Place, Waiting)> = Vec::new();
        let mut threads: Vec<(String, ConversationId)> = Vec::new();
        let mut others: Vec<Asked<'_>> = Vec::new();
        for (message, letter) in letters {
            let mut taken = Vec::new();
            let same = letter.message_id.as_ref().and_then(|id| by_id.get_mut(id)).map(|rows| (rows.pop(), rows));
            if let Some((Some(waiting), rows)) = same {
                let told = trace(message, &letter.text, false, None);
                let is_copy = |row: &mut Waiting| {
                    row.trace.outgoing == told.outgoing && [waiting.trace.text, told.text].contains(&row.trace.text)
                };
                // Copies of the same mail, from another old system or put elsewhere by a guess, are this one too.
                let copies: Vec<Waiting> = rows.extract_if(.., is_copy).collect();
                for row in copies.into_iter().chain([waiting]) {
                    taken.extend(&row.sources);
                    found.push((message.place.clone(), row));
                }
            }
            if let Some(with) = peer(message) {
                let key = format!("mail:{}", with.address.to_lowercase());
                let size = letter.attachments.iter().filter_map(|file| i64::try_from(file.size).ok()).max();
                let media = !letter.attachments.is_empty();
                others.push(Asked { key, message, trace: trace(message, &letter.text, media, size), taken });
            }
        }
        for (message, waiting) in self.waiting_for(others, &HashMap::new(), MAIL_WINDOW).await? {
            // The row had no Message-ID by which the thread is found.
            if waiting.account == self.tx.account() && waiting.rfc_message_id.is_none() {
                let id = letter(message).and_then(|letter| letter.message_id.clone());
                threads.extend(id.map(|id| (id, waiting.conversation)));
            }
            found.push((message.place.clone(), waiting));
        }
        self.give_way(found).await?;
        if threads.is_empty() { Ok(()) } else { self.tx.remember_threads(threads).await }
    }

    /// The same for messages of chats.
    pub(super) async fn chats_take_over(&mut self, messages: &[&IncomingMessage]) -> Result<(), StoreError> {
        if messages.is_empty() || !self.looked_for.adopted {
            return Ok(());
        }
        let chats: Vec<(&IncomingMessage, &ChatMessage)> =
            messages.iter().filter_map(|message| Some((*message, chat(message)?))).collect();
        self.claim_chats(&chats).await?;
        let names: HashMap<String, String> = chats
            .iter()
            .filter(|(_, message)| message.chat.key.peer.kind == PeerKind::User)
            .flat_map(|(_, message)| handles(&message.chat).map(|handle| (handle, message.chat.key.peer.to_string())))
            .collect();
        let asked: Vec<Asked<'_>> = chats
            .iter()
            .filter(|(_, chat)| chat.service.is_none())
            .map(|(message, chat)| {
                let size = chat.file().and_then(|file| i64::try_from(file.size).ok());
                let trace = trace(message, &chat.text, chat.media.is_some(), size);
                Asked { key: chat.chat.key.peer.to_string(), message, trace, taken: Vec::new() }
            })
            .collect();
        let found = self.waiting_for(asked, &names, CHAT_WINDOW).await?;
        let found = found.into_iter().map(|(message, waiting)| (message.place.clone(), waiting)).collect();
        self.giving_way.chats = true;
        self.give_way(found).await
    }

    /// Pairs messages with what waits with the same correspondent: here, then where the old system's account was guessed.
    /// `names` are the chats of users whom the old system knew by a number or a username.
    async fn waiting_for<'m>(
        &mut self,
        asked: Vec<Asked<'m>>,
        names: &HashMap<String, String>,
        window: (time::Duration, time::Duration),
    ) -> Result<Vec<(&'m IncomingMessage, Waiting)>, StoreError> {
        let times = || asked.iter().map(|one| one.trace.at);
        let (Some(first), Some(last)) = (times().min(), times().max()) else { return Ok(Vec::new()) };
        let mut peers: BTreeMap<String, Vec<Asked<'m>>> = BTreeMap::new();
        for one in asked {
            peers.entry(one.key.clone()).or_default().push(one);
        }
        let keys: Vec<String> = peers.keys().cloned().collect();
        let between = (first - window.0, last + window.1);
        let mut found = Vec::new();
        let mut pairs = |waiting: Vec<Waiting>| {
            let mut by_key: HashMap<String, Vec<Waiting>> = HashMap::new();
            for one in waiting {
                by_key.entry(names.get(&one.peer).unwrap_or(&one.peer).clone()).or_default().push(one);
            }
            for (key, messages) in &mut peers {
                let Some(waiting) = by_key.get(key) else { continue };
                let sources: BTreeSet<Uuid> = waiting.iter().map(|one| one.source).collect();
                for source in sources {
                    let rows: Vec<&Waiting> = waiting.iter().filter(|one| one.source == source).collect();
                    let mut open: Vec<_> = messages.iter_mut().filter(|one| !one.taken.contains(&source)).collect();
                    let old: Vec<Trace> = rows.iter().map(|one| one.trace).collect();
                    let new: Vec<Trace> = open.iter().map(|one| one.trace).collect();
                    for (one, row) in open.iter_mut().zip(pair(&old, &new, window)) {
                        if let Some(row) = row {
                            one.taken.extend(&rows[row].sources);
                            found.push((one.message, rows[row].clone()));
                        }
                    }
                }
            }
        };
        pairs(self.tx.waiting_between(&keys, between).await?);
        let elsewhere: Vec<String> = keys.iter().chain(names.keys()).cloned().collect();
        pairs(self.tx.guessed_elsewhere(&[], &elsewhere, between).await?);
        Ok(found)
    }

    /// Conversations that the old system knew by a number or a username become the chats that they turn out to be.
    async fn claim_chats(&mut self, messages: &[(&IncomingMessage, &ChatMessage)]) -> Result<(), StoreError> {
        let mut met = HashSet::new();
        for (_, message) in messages {
            let chat = &message.chat;
            if chat.key.peer.kind != PeerKind::User || !met.insert(chat.key) {
                continue;
            }
            let key = chat.key.to_string();
            let handles: Vec<String> = handles(chat).collect();
            if handles.is_empty() {
                continue;
            }
            let asked: Vec<String> = handles.iter().cloned().chain([key.clone()]).collect();
            let stand = self.tx.keyed_conversations(&asked).await?;
            let mut own = stand.get(&key).map(|keyed| keyed.conversation);
            let mut claimed = Vec::new();
            for handle in handles {
                let Some(keyed) = stand.get(&handle).filter(|keyed| keyed.chat.is_none()) else { continue };
                match own {
                    Some(own) if own != keyed.conversation => {
                        self.tx.merge(&[(keyed.conversation, own)]).await?;
                        self.moved.insert(keyed.conversation, own);
                        let merged = Fact {
                            kind: FactKind::ConversationMerged,
                            conversation: Some(keyed.conversation),
                            message: None,
                        };
                        self.facts.push(merged);
                        self.changed.insert(own);
                    }
                    Some(_) => {}
                    None => {
                        self.tx.claim_chat(keyed.conversation, chat).await?;
                        own = Some(keyed.conversation);
                        self.changed.insert(keyed.conversation);
                    }
                }
                claimed.push(handle);
            }
            if !claimed.is_empty() {
                self.tx.rekey_waiting(&claimed, &key).await?;
            }
        }
        Ok(())
    }

    async fn give_way(&mut self, found: Vec<(Place, Waiting)>) -> Result<(), StoreError> {
        if found.is_empty() {
            return Ok(());
        }
        let rows: Vec<Waiting> = found.iter().map(|(_, waiting)| waiting.clone()).collect();
        self.giving_way.emptied.extend(self.tx.clear_adopted(&rows).await?);
        for waiting in rows.into_iter().filter(|waiting| waiting.account == self.tx.account()) {
            self.facts.push(fact(FactKind::MessageGone, waiting.conversation, waiting.message));
            self.changed.insert(waiting.conversation);
        }
        for (place, waiting) in found {
            self.giving_way.rows.entry(place).or_default().push(waiting);
        }
        Ok(())
    }

    /// What was read in the old system is read here.
    pub(super) fn read_before(&self, row: &mut NewMessage<'_>) {
        if self.giving_way.rows.get(row.place).is_some_and(|rows| rows.iter().any(|waiting| waiting.read)) {
            row.read = true;
        }
    }

    /// What was known already is nobody's turn again.
    pub(super) fn known_before(&mut self, row: &NewMessage<'_>, change: &mut SummaryChange) {
        if let Some(rows) = self.giving_way.rows.get(row.place) {
            if row.read {
                change.last_in = None;
            }
            self.giving_way.became.extend(rows.iter().map(|waiting| (waiting.clone(), row.id, row.conversation)));
        }
    }

    /// Notes which messages have become which, once those are written.
    pub(super) async fn took_over(&mut self) -> Result<(), StoreError> {
        let became = std::mem::take(&mut self.giving_way.became);
        if became.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = became.iter().map(|(waiting, now, _)| (waiting.account, waiting.message, *now)).collect();
        self.tx.adopted_became(&ids).await?;
        let own = self.tx.account();
        for (waiting, _, into) in became {
            let from = (waiting.account, waiting.conversation);
            // Of a forum the old system had one conversation, and here every topic is one. Those of mails are merged.
            let is_left = waiting.account != own || self.giving_way.chats && waiting.conversation != into;
            if is_left && self.giving_way.emptied.remove(&from) {
                self.tx.leave_empty(from, into).await?;
            }
        }
        Ok(())
    }

    /// Conversations of mails that lost their only message live on where it is now.
    pub(super) async fn leave_emptied(&mut self, messages: &[&IncomingMessage]) -> Result<(), StoreError> {
        if self.giving_way.emptied.is_empty() {
            return Ok(());
        }
        let emptied = std::mem::take(&mut self.giving_way.emptied);
        let places: Vec<&Place> = messages.iter().map(|message| &message.place).collect();
        let now = self.tx.known_places(&places).await?;
        let mut left = HashSet::new();
        for place in places {
            let rows = self.giving_way.rows.get(place).into_iter().flatten();
            let own = rows.filter(|waiting| waiting.account == self.tx.account());
            let waited: Vec<ConversationId> = own.map(|waiting| waiting.conversation).collect();
            for from in waited {
                let from = self.where_it_went(from);
                let Some(into) = now.get(place).map(|known| known.conversation).filter(|into| *into != from) else {
                    continue;
                };
                if emptied.contains(&(self.tx.account(), from)) && self.tx.is_empty(from).await? && left.insert(from) {
                    self.tx.merge(&[(from, into)]).await?;
                    self.moved.insert(from, into);
                    self.facts.push(Fact {
                        kind: FactKind::ConversationMerged,
                        conversation: Some(from),
                        message: None,
                    });
                    self.changed.insert(into);
                }
            }
        }
        Ok(())
    }
}

/// The keys of the number and the username of a chat's user.
fn handles(chat: &Chat) -> impl Iterator<Item = String> {
    chat.username.as_deref().map(name_key).into_iter().chain(chat.phone.as_deref().and_then(phone_key))
}

fn letter(message: &IncomingMessage) -> Option<&Letter> {
    match &message.content {
        Content::Letter(letter) => Some(letter),
        Content::Chat(_) | Content::Unreadable { .. } => None,
    }
}

fn chat(message: &IncomingMessage) -> Option<&ChatMessage> {
    match &message.content {
        Content::Chat(chat) => Some(chat),
        Content::Letter(_) | Content::Unreadable { .. } => None,
    }
}

fn trace(message: &IncomingMessage, text: &str, has_media: bool, size: Option<i64>) -> Trace {
    let at: OffsetDateTime = message.received_at;
    Trace {
        outgoing: message.direction == Direction::Out,
        at,
        text: text_key(text),
        has_media,
        size,
        guessed: false,
        common: is_common(text),
    }
}
