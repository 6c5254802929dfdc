//! The transaction in which news of one account becomes stored fact.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use sqlx::{Postgres, Transaction};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Fact, KnownThread, LeaseToken, Store, StoreError, contacts, cursors, in_turn, journal, leases, place, raw, threads,
};
use crate::{
    connector::{ChatMessage, Cursor, Letter, RawBytes},
    fault,
    ingest::snippet,
    model::{
        AccountId, Address, AttachmentId, ChatKey, ChatKind, ContactId, ConversationId, Direction, MessageId, Place,
        ServiceKind,
    },
};

/// Messages that wait for the search index in one row of its queue.
const QUEUED_TOGETHER: i64 = 100;

/// One transaction of one account: messages, cursor, conversation summaries and journal rows, or nothing.
#[derive(Debug)]
pub struct IngestTx {
    pub(super) tx: Transaction<'static, Postgres>,
    pub(super) account: AccountId,
    /// What changed in other accounts.
    pub(super) elsewhere: Vec<(AccountId, Fact)>,
    /// Accounts whose other transactions wait for this one.
    pub(super) turns: BTreeSet<AccountId>,
    /// Others whose turn would be needed as well.
    pub(super) wanted: BTreeSet<AccountId>,
}

/// What is stored of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownPlace {
    /// The message that stands there.
    pub message: MessageId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// Whether the message counts as read here.
    pub read: bool,
    /// Whether it is ours.
    pub direction: Direction,
    /// The server's read mark as last seen.
    pub seen: bool,
    /// The server's answered mark as last seen.
    pub answered: bool,
    /// Whether the message was found to be gone from there.
    pub gone: bool,
    /// Whether it could not be read.
    pub unreadable: bool,
    /// Size of its untouched bytes, or of what there is of them.
    pub size: u64,
    /// Their SHA-256.
    pub sha256: [u8; 32],
}

/// How a conversation begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    /// Which one.
    pub conversation: ConversationId,
    /// Its subject in the form that is compared.
    pub subject_key: String,
    /// With whom.
    pub contact: ContactId,
    /// The subject of its first message.
    pub subject: String,
    /// When that was received.
    pub received_at: OffsetDateTime,
}

/// What stood in the stead of a message that could not be read, and is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleared {
    /// Where it stood.
    pub place: Place,
    /// Which message it was.
    pub message: MessageId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// Whether that has no message now.
    pub emptied: bool,
}

/// A message ready to be written.
#[derive(Debug)]
pub struct NewMessage<'a> {
    /// Its new key.
    pub id: MessageId,
    /// Its conversation, which exists.
    pub conversation: ConversationId,
    /// Where it stands on the server.
    pub place: &'a Place,
    /// Who wrote.
    pub direction: Direction,
    /// What could be read of a mail.
    pub letter: Option<&'a Letter>,
    /// What could be read of a chat message, with the hash of its content.
    pub chat: Option<(&'a ChatMessage, [u8; 32])>,
    /// Why it could not be read, and whether its bytes are all of it.
    pub unreadable: Option<(&'a str, bool)>,
    /// When its server received it.
    pub received_at: OffsetDateTime,
    /// When it reached this computer.
    pub arrived_at: OffsetDateTime,
    /// Whether it counts as read.
    pub read: bool,
    /// The server's read mark.
    pub seen: bool,
    /// The server's answered mark.
    pub answered: bool,
    /// Size of the untouched bytes.
    pub size: u64,
    /// SHA-256 of the untouched bytes.
    pub sha256: [u8; 32],
    /// The untouched bytes.
    pub raw: &'a RawBytes,
}

impl NewMessage<'_> {
    /// The columns that every message has, in a mail's words.
    fn as_letter(&self) -> Cow<'_, Letter> {
        match (self.letter, self.chat) {
            (Some(letter), _) => Cow::Borrowed(letter),
            (None, Some((chat, _))) => {
                let author = match &chat.author {
                    Some(author) => Address { name: author.name.clone(), address: at_name(author.username.as_deref()) },
                    None => Address { name: chat.chat.title.clone(), address: at_name(chat.chat.username.as_deref()) },
                };
                Cow::Owned(Letter { author, text: chat.text.clone(), ..Letter::default() })
            }
            (None, None) => Cow::Owned(Letter::default()),
        }
    }

    fn kind(&self) -> &'static str {
        match (self.letter, self.chat) {
            (Some(_), _) => "mail",
            (None, Some((chat, _))) if chat.service.is_some() => "service",
            (None, Some(_)) => "chat",
            (None, None) => "unreadable",
        }
    }

    /// Counts its files.
    pub fn file_count(&self) -> i32 {
        self.letter.map_or(0, Letter::file_count) + self.chat.map_or(0, |(chat, _)| chat.file_count())
    }

    fn keeps_raw(&self) -> bool {
        self.size > 0 && self.chat.is_none_or(|(chat, _)| chat.needs_raw())
    }
}

/// Writes a username as people do.
pub(crate) fn at_name(username: Option<&str>) -> String {
    username.map(|name| format!("@{name}")).unwrap_or_default()
}

/// What a batch changes of a conversation's summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummaryChange {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Whether it has to be made first.
    pub new: bool,
    /// Messages added.
    pub messages: i32,
    /// Change of the unread count.
    pub unread: i32,
    /// Files added.
    pub files: i32,
    /// The latest of the added messages.
    pub last_message: MessageId,
    /// When it was received.
    pub last_at: OffsetDateTime,
    /// Whose it is; ours where it asks nobody for an answer.
    pub last_direction: Direction,
    /// When the latest of the customer's was received.
    pub last_in: Option<OffsetDateTime>,
    /// Its first words.
    pub snippet: String,
    /// Whether it could not be read.
    pub unreadable: bool,
    /// The other side.
    pub peer: Address,
    /// The other side as a contact.
    pub contact: Option<ContactId>,
    /// The subject without reply marks.
    pub subject: String,
    /// The subject in the form that is compared.
    pub subject_key: String,
    /// Of a chat.
    pub chat: Option<ChatSummary>,
}

impl SummaryChange {
    /// What the latest is chosen by: a service line only where there is nothing else, then the time.
    pub fn rank(&self) -> (bool, OffsetDateTime, MessageId) {
        let is_line = self.chat.as_ref().is_some_and(|chat| chat.media == Some(ServiceKind::LINE));
        (!is_line, self.last_at, self.last_message)
    }
}

/// What a chat's summary has beside a thread's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatSummary {
    /// Which chat.
    pub key: ChatKey,
    /// What kind of chat.
    pub kind: ChatKind,
    /// Whether its title is known.
    pub named: bool,
    /// Who wrote the latest message, where several write.
    pub author: String,
    /// What the latest message is, where it is not text.
    pub media: Option<&'static str>,
}

impl Store {
    /// Begins a transaction that writes news of one account. Transactions of one account follow one another. With a
    /// lease that is no longer the account's, nothing can be written.
    pub async fn begin_ingest(&self, account: AccountId, lease: Option<LeaseToken>) -> Result<IngestTx, StoreError> {
        self.begin_among(account, lease, &BTreeSet::new()).await
    }

    /// The same with the turns of others, in which messages stand or come to stand by a guess: whatever they store
    /// meanwhile waits. Turns are taken in the order of their accounts, so that no two transactions wait for each other.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_among(
        &self,
        account: AccountId,
        lease: Option<LeaseToken>,
        others: &BTreeSet<AccountId>,
    ) -> Result<IngestTx, StoreError> {
        let turns: BTreeSet<AccountId> = others.iter().copied().chain([account]).collect();
        let mut tx = self.ingest.begin().await?;
        for turn in &turns {
            tx = in_turn(tx, *turn).await?;
        }
        if let Some(token) = lease {
            leases::fence(&mut tx, account, token).await?;
        }
        Ok(IngestTx { tx, account, elsewhere: Vec::new(), turns, wanted: BTreeSet::new() })
    }
}

impl IngestTx {
    /// Whose messages it stores.
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// Returns what is stored of the given places.
    pub async fn known_places(&mut self, places: &[&Place]) -> Result<HashMap<Place, KnownPlace>, StoreError> {
        let (mailboxes, epochs, numbers) = columns(places);
        let rows = sqlx::query!(
            r#"SELECT p.mailbox, p.epoch, p.number, p.message_id, p.seen, p.answered,
                      p.gone_at IS NOT NULL AS "gone!",
                      m.conversation_id, m.seen AS read, m.direction, m.sha256, m.size,
                      m.kind = 'unreadable' AS "unreadable!"
               FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS asked (mailbox, epoch, number)
               JOIN message_places p ON p.account_id = $1 AND p.mailbox = asked.mailbox AND p.epoch = asked.epoch
                    AND p.number = asked.number
               JOIN messages m ON m.account_id = $1 AND m.id = p.message_id"#,
            self.account.0,
            &mailboxes,
            &epochs,
            &numbers
        )
        .fetch_all(&mut *self.tx)
        .await?;
        rows.into_iter()
            .map(|row| {
                let known = KnownPlace {
                    message: MessageId(row.message_id),
                    conversation: ConversationId(row.conversation_id),
                    read: row.read,
                    direction: row.direction.parse().map_err(StoreError::Inconsistent)?,
                    seen: row.seen,
                    answered: row.answered,
                    gone: row.gone,
                    unreadable: row.unreadable,
                    size: row.size.unsigned_abs(),
                    sha256: hash(row.sha256)?,
                };
                Ok((place(row.mailbox, row.epoch, row.number)?, known))
            })
            .collect()
    }

    /// Finds stored messages with the given content that do not stand in this mailbox and epoch now: after a
    /// UIDVALIDITY change, or a move between folders, they are the same messages at a new place.
    pub async fn same_content(
        &mut self,
        hashes: &[[u8; 32]],
        mailbox: &str,
        epoch: u32,
    ) -> Result<HashMap<[u8; 32], Vec<KnownPlace>>, StoreError> {
        let hashes: Vec<&[u8]> = hashes.iter().map(<[u8; 32]>::as_slice).collect();
        let rows = sqlx::query!(
            r#"SELECT m.id, m.sha256, m.conversation_id, m.seen AS read, m.direction,
                      m.kind = 'unreadable' AS "unreadable!",
                      coalesce((SELECT bool_or(p.seen) FROM message_places p
                                WHERE p.account_id = m.account_id AND p.message_id = m.id), m.seen) AS "seen!"
               FROM messages m
               WHERE m.account_id = $1 AND m.sha256 = ANY($2)
                 AND NOT EXISTS (SELECT 1 FROM message_places p WHERE p.account_id = m.account_id
                                 AND p.message_id = m.id AND p.mailbox = $3 AND p.epoch = $4
                                 AND p.gone_at IS NULL)
               ORDER BY m.id"#,
            self.account.0,
            &hashes as &[&[u8]],
            mailbox,
            i64::from(epoch)
        )
        .fetch_all(&mut *self.tx)
        .await?;
        let mut found: HashMap<[u8; 32], Vec<KnownPlace>> = HashMap::new();
        for row in rows {
            let sha256 = hash(row.sha256)?;
            found.entry(sha256).or_default().push(KnownPlace {
                message: MessageId(row.id),
                conversation: ConversationId(row.conversation_id),
                read: row.read,
                direction: row.direction.parse().map_err(StoreError::Inconsistent)?,
                seen: row.seen,
                answered: false,
                gone: false,
                unreadable: row.unreadable,
                size: 0,
                sha256,
            });
        }
        Ok(found)
    }

    /// Writes where messages stand.
    async fn stand(&mut self, links: &[(Place, MessageId, bool, bool)]) -> Result<(), StoreError> {
        let places: Vec<&Place> = links.iter().map(|(place, ..)| place).collect();
        let (mailboxes, epochs, numbers) = columns(&places);
        let messages: Vec<Uuid> = links.iter().map(|(_, message, ..)| message.0).collect();
        let seen: Vec<bool> = links.iter().map(|(_, _, seen, _)| *seen).collect();
        let answered: Vec<bool> = links.iter().map(|(.., answered)| *answered).collect();
        sqlx::query!(
            "INSERT INTO message_places (account_id, mailbox, epoch, number, message_id, seen, answered)
             SELECT $1::uuid, * FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::uuid[], $6::boolean[], $7::boolean[])",
            self.account.0,
            &mailboxes,
            &epochs,
            &numbers,
            &messages,
            &seen,
            &answered
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Notes that stored messages stand at further places. They are no longer gone.
    pub async fn link(&mut self, links: &[(Place, MessageId, bool, bool)]) -> Result<(), StoreError> {
        self.stand(links).await?;
        let mailboxes: Vec<String> = links.iter().map(|(place, ..)| place.mailbox.clone()).collect();
        let epochs: Vec<i64> = links.iter().map(|(place, ..)| i64::from(place.epoch)).collect();
        let messages: Vec<Uuid> = links.iter().map(|(_, message, ..)| message.0).collect();
        // A renumbered mailbox has no places of the old epoch: a later deletion must not find the message standing there.
        sqlx::query!(
            "UPDATE message_places p SET gone_at = clock_timestamp()
             FROM unnest($2::text[], $3::bigint[], $4::uuid[]) AS n (mailbox, epoch, message_id)
             WHERE p.account_id = $1 AND p.message_id = n.message_id AND p.mailbox = n.mailbox AND p.epoch <> n.epoch
               AND p.gone_at IS NULL",
            self.account.0,
            &mailboxes,
            &epochs,
            &messages
        )
        .execute(&mut *self.tx)
        .await?;
        sqlx::query!(
            "UPDATE messages SET deleted_at = NULL WHERE account_id = $1 AND id = ANY($2) AND deleted_at IS NOT NULL",
            self.account.0,
            &messages
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Returns the conversations that the given Message-IDs belong to.
    pub async fn threads(&mut self, ids: &[String]) -> Result<BTreeMap<String, KnownThread>, StoreError> {
        threads::lookup(&mut self.tx, self.account, ids).await
    }

    /// Remembers which conversation each Message-ID belongs to.
    pub async fn remember_threads(&mut self, ids: Vec<(String, ConversationId)>) -> Result<(), StoreError> {
        let (ids, conversations): (Vec<String>, Vec<Uuid>) = ids.into_iter().map(|(id, c)| (id, c.0)).unzip();
        threads::remember(&mut self.tx, self.account, &ids, &conversations).await
    }

    /// Finds or makes the contacts of mail addresses.
    pub async fn contacts(
        &mut self,
        people: &BTreeMap<String, String>,
        now: OffsetDateTime,
    ) -> Result<BTreeMap<String, ContactId>, StoreError> {
        contacts::of_addresses(&mut self.tx, people, now).await
    }

    /// Finds the latest conversation with this contact under this subject whose last message lies between the two
    /// moments.
    pub async fn conversation_by_subject(
        &mut self,
        subject_key: &str,
        contact: ContactId,
        (since, until): (OffsetDateTime, OffsetDateTime),
    ) -> Result<Option<ConversationId>, StoreError> {
        let found = sqlx::query_scalar!(
            "SELECT id FROM conversations
             WHERE account_id = $1 AND subject_key = $2 AND contact_id = $3 AND merged_into IS NULL
               AND last_at BETWEEN $4 AND $5
             ORDER BY last_at DESC LIMIT 1",
            self.account.0,
            subject_key,
            contact.0,
            since,
            until
        )
        .fetch_optional(&mut *self.tx)
        .await?;
        Ok(found.map(ConversationId))
    }

    /// Returns the first message's subject and time of every conversation under these subjects with these contacts.
    pub async fn beginnings(&mut self, asked: &[(String, ContactId)]) -> Result<Vec<Beginning>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT asked.subject_key AS "subject_key!", asked.contact AS "contact!", c.id, first.subject, first.received_at
             FROM unnest($2::text[], $3::uuid[]) AS asked (subject_key, contact)
             JOIN conversations c ON c.account_id = $1 AND c.subject_key = asked.subject_key
                  AND c.contact_id = asked.contact AND c.merged_into IS NULL AND c.subject_key <> ''
             JOIN LATERAL (SELECT m.subject, m.received_at FROM messages m
                           WHERE m.account_id = $1 AND m.conversation_id = c.id
                           ORDER BY m.received_at, m.id LIMIT 1) first ON true"#,
            self.account.0,
            &asked.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>(),
            &asked.iter().map(|(_, contact)| contact.0).collect::<Vec<_>>()
        )
        .fetch_all(&mut *self.tx)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| Beginning {
                conversation: ConversationId(row.id),
                subject_key: row.subject_key,
                contact: ContactId(row.contact),
                subject: row.subject,
                received_at: row.received_at,
            })
            .collect())
    }

    /// Makes the conversations that are new and adds what a batch brings to the summaries of all.
    pub async fn summarise(&mut self, changes: &[SummaryChange]) -> Result<(), StoreError> {
        let fresh: Vec<&SummaryChange> = changes.iter().filter(|change| change.new).collect();
        let text = |f: fn(&SummaryChange) -> &str| fresh.iter().map(|c| f(c).to_owned()).collect::<Vec<String>>();
        if !fresh.is_empty() {
            sqlx::query!(
                "INSERT INTO conversations (account_id, id, contact_id, peer_name, peer_address, subject, subject_key,
                                        last_message_id, last_at, last_direction, remote_peer, chat_kind,
                                        message_count, unread_count, file_count, snippet, last_unreadable,
                                        last_author, last_media)
             SELECT $1::uuid, * FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[],
                                      $8::uuid[], $9::timestamptz[], $10::text[], $11::text[], $12::text[],
                                      $13::integer[], $14::integer[], $15::integer[], $16::text[], $17::boolean[],
                                      $18::text[], $19::text[])",
                self.account.0,
                &fresh.iter().map(|c| c.conversation.0).collect::<Vec<_>>(),
                &fresh.iter().map(|c| c.contact.map(|id| id.0)).collect::<Vec<_>>() as &[Option<Uuid>],
                &text(|c| &c.peer.name),
                &text(|c| &c.peer.address),
                &text(|c| &c.subject),
                &text(|c| &c.subject_key),
                &fresh.iter().map(|c| c.last_message.0).collect::<Vec<_>>(),
                &fresh.iter().map(|c| c.last_at).collect::<Vec<_>>(),
                &text(|c| c.last_direction.as_str()),
                &fresh.iter().map(|c| c.chat.as_ref().map(|chat| chat.key.to_string())).collect::<Vec<_>>()
                    as &[Option<String>],
                &fresh.iter().map(|c| c.chat.as_ref().map(|chat| chat.kind.as_str().to_owned())).collect::<Vec<_>>()
                    as &[Option<String>],
                &fresh.iter().map(|c| c.messages).collect::<Vec<_>>(),
                &fresh.iter().map(|c| c.unread).collect::<Vec<_>>(),
                &fresh.iter().map(|c| c.files).collect::<Vec<_>>(),
                &text(|c| &c.snippet),
                &fresh.iter().map(|c| c.unreadable).collect::<Vec<_>>(),
                &text(|c| c.chat.as_ref().map_or("", |chat| &chat.author)),
                &fresh
                    .iter()
                    .map(|c| c.chat.as_ref().and_then(|chat| chat.media.map(str::to_owned)))
                    .collect::<Vec<_>>() as &[Option<String>],
            )
            .execute(&mut *self.tx)
            .await?;
        }
        let changes: Vec<&SummaryChange> = changes.iter().filter(|change| !change.new).collect();
        if changes.is_empty() {
            return Ok(());
        }
        let text = |f: fn(&SummaryChange) -> &str| changes.iter().map(|c| f(c).to_owned()).collect::<Vec<String>>();
        sqlx::query!(
            "UPDATE conversations c SET
                 message_count = c.message_count + d.messages,
                 unread_count = c.unread_count + d.unread,
                 file_count = c.file_count + d.files,
                 last_message_id = CASE WHEN d.newer THEN d.last_message ELSE c.last_message_id END,
                 last_at = CASE WHEN d.newer THEN d.last_at ELSE c.last_at END,
                 last_direction = CASE WHEN d.newer THEN d.last_direction ELSE c.last_direction END,
                 snippet = CASE WHEN d.newer THEN d.snippet ELSE c.snippet END,
                 last_unreadable = CASE WHEN d.newer THEN d.unreadable ELSE c.last_unreadable END,
                 last_author = CASE WHEN d.newer THEN d.author ELSE c.last_author END,
                 last_media = CASE WHEN d.newer THEN d.media ELSE c.last_media END,
                 -- Something new of the customer's opens what was put aside; older history does not.
                 triage = CASE WHEN d.unread > 0 OR d.reopens THEN 'open' ELSE c.triage END,
                 peer_name = CASE WHEN d.names THEN d.peer_name ELSE c.peer_name END,
                 peer_address = CASE WHEN d.names THEN d.peer_address ELSE c.peer_address END,
                 contact_id = CASE WHEN d.names THEN d.contact ELSE c.contact_id END
             FROM (
                 SELECT n.*,
                        -- A chat that was begun here has no message yet.
                        -- A service line is the latest only where there is nothing else.
                        old.message_count = 0
                            OR (n.media IS DISTINCT FROM 'service', n.last_at, n.last_message)
                               >= (old.last_media IS DISTINCT FROM 'service', old.last_at, old.last_message_id) AS newer,
                        coalesce(n.last_in >= old.last_at, false) AS reopens,
                        -- The customer who wrote last names the conversation; our own mails never rename it. A chat
                        -- has the name that its latest message came with.
                        CASE WHEN old.remote_peer IS NOT NULL THEN n.named AND n.last_at >= old.last_at
                             ELSE n.last_direction = 'in' AND n.peer_address <> ''
                                  AND (n.last_at >= old.last_at OR old.peer_address = '') END AS names
                 FROM unnest($2::uuid[], $3::integer[], $4::integer[], $5::integer[], $6::uuid[], $7::timestamptz[],
                             $8::text[], $9::text[], $10::boolean[], $11::text[], $12::text[], $13::uuid[],
                             $14::boolean[], $15::text[], $16::text[], $17::timestamptz[])
                      AS n (id, messages, unread, files, last_message, last_at, last_direction, snippet, unreadable,
                            peer_name, peer_address, contact, named, author, media, last_in)
                 JOIN conversations old ON old.account_id = $1 AND old.id = n.id
             ) d
             WHERE c.account_id = $1 AND c.id = d.id",
            self.account.0,
            &changes.iter().map(|c| c.conversation.0).collect::<Vec<_>>(),
            &changes.iter().map(|c| c.messages).collect::<Vec<_>>(),
            &changes.iter().map(|c| c.unread).collect::<Vec<_>>(),
            &changes.iter().map(|c| c.files).collect::<Vec<_>>(),
            &changes.iter().map(|c| c.last_message.0).collect::<Vec<_>>(),
            &changes.iter().map(|c| c.last_at).collect::<Vec<_>>(),
            &text(|c| c.last_direction.as_str()),
            &text(|c| &c.snippet),
            &changes.iter().map(|c| c.unreadable).collect::<Vec<_>>(),
            &text(|c| &c.peer.name),
            &text(|c| &c.peer.address),
            &changes.iter().map(|c| c.contact.map(|id| id.0)).collect::<Vec<_>>() as &[Option<Uuid>],
            &changes.iter().map(|c| c.chat.as_ref().is_some_and(|chat| chat.named)).collect::<Vec<_>>(),
            &text(|c| c.chat.as_ref().map_or("", |chat| &chat.author)),
            &changes.iter().map(|c| c.chat.as_ref().and_then(|chat| chat.media.map(str::to_owned))).collect::<Vec<_>>()
                as &[Option<String>],
            &changes.iter().map(|c| c.last_in).collect::<Vec<_>>() as &[Option<OffsetDateTime>],
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Changes the unread counts of conversations.
    pub async fn add_unread(&mut self, changes: &BTreeMap<ConversationId, i32>) -> Result<(), StoreError> {
        sqlx::query!(
            "UPDATE conversations c SET unread_count = greatest(0, c.unread_count + d.unread)
             FROM unnest($2::uuid[], $3::integer[]) AS d (id, unread) WHERE c.account_id = $1 AND c.id = d.id",
            self.account.0,
            &changes.keys().map(|id| id.0).collect::<Vec<_>>(),
            &changes.values().copied().collect::<Vec<_>>(),
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Moves the messages of each first conversation into its second and adds its summary to the second's. No
    /// conversation is both.
    pub async fn merge(&mut self, merges: &[(ConversationId, ConversationId)]) -> Result<(), StoreError> {
        if merges.is_empty() {
            return Ok(());
        }
        let account = self.account.0;
        let (from, into): (Vec<Uuid>, Vec<Uuid>) = merges.iter().map(|(from, into)| (from.0, into.0)).unzip();
        sqlx::query!(
            "UPDATE messages m SET conversation_id = n.into_id
             FROM unnest($2::uuid[], $3::uuid[]) AS n (from_id, into_id)
             WHERE m.account_id = $1 AND m.conversation_id = n.from_id",
            account,
            &from,
            &into
        )
        .execute(&mut *self.tx)
        .await?;
        sqlx::query!(
            "UPDATE conversations c SET merged_into = n.into_id
             FROM unnest($2::uuid[], $3::uuid[]) AS n (from_id, into_id)
             WHERE c.account_id = $1 AND c.merged_into = n.from_id",
            account,
            &from,
            &into
        )
        .execute(&mut *self.tx)
        .await?;
        sqlx::query!(
            "UPDATE conversations c SET
                 message_count = c.message_count + s.messages,
                 unread_count = c.unread_count + s.unread,
                 file_count = c.file_count + s.files,
                 last_message_id = CASE WHEN s.newer THEN s.last_message_id ELSE c.last_message_id END,
                 last_at = CASE WHEN s.newer THEN s.last_at ELSE c.last_at END,
                 last_direction = CASE WHEN s.newer THEN s.last_direction ELSE c.last_direction END,
                 last_unreadable = CASE WHEN s.newer THEN s.last_unreadable ELSE c.last_unreadable END,
                 snippet = CASE WHEN s.newer THEN s.snippet ELSE c.snippet END,
                 last_author = CASE WHEN s.newer THEN s.last_author ELSE c.last_author END,
                 last_media = CASE WHEN s.newer THEN s.last_media ELSE c.last_media END,
                 -- What was not muted in both is not muted.
                 muted_until = CASE WHEN s.muted THEN least(c.muted_until, s.muted_until) END,
                 triage = CASE WHEN s.open OR c.triage = 'open' THEN 'open'
                               WHEN s.pending THEN 'pending' ELSE c.triage END,
                 assignee = coalesce(c.assignee, s.assignee)
             FROM (
                 SELECT DISTINCT ON (n.into_id) n.into_id, old.last_message_id, old.last_at, old.last_direction,
                        old.last_unreadable, old.snippet, old.last_author, old.last_media,
                        old.message_count > 0
                            AND (kept.message_count = 0
                                 OR (old.last_media IS DISTINCT FROM 'service', old.last_at, old.last_message_id)
                                    > (kept.last_media IS DISTINCT FROM 'service', kept.last_at, kept.last_message_id))
                            AS newer,
                        (sum(old.message_count) OVER gone)::integer AS messages,
                        (sum(old.unread_count) OVER gone)::integer AS unread,
                        (sum(old.file_count) OVER gone)::integer AS files,
                        bool_and(old.muted_until IS NOT NULL AND kept.muted_until IS NOT NULL) OVER gone AS muted,
                        min(old.muted_until) OVER gone AS muted_until,
                        bool_or(old.triage = 'open') OVER gone AS open,
                        bool_or(old.triage = 'pending') OVER gone AS pending,
                        max(old.assignee) OVER gone AS assignee
                 FROM unnest($2::uuid[], $3::uuid[]) AS n (from_id, into_id)
                 JOIN conversations old ON old.account_id = $1 AND old.id = n.from_id
                 JOIN conversations kept ON kept.account_id = $1 AND kept.id = n.into_id
                 WINDOW gone AS (PARTITION BY n.into_id)
                 ORDER BY n.into_id, old.message_count > 0 DESC, old.last_media IS DISTINCT FROM 'service' DESC,
                          old.last_at DESC, old.last_message_id DESC) s
             WHERE c.account_id = $1 AND c.id = s.into_id",
            account,
            &from,
            &into
        )
        .execute(&mut *self.tx)
        .await?;
        sqlx::query!(
            "UPDATE outgoing o SET conversation_id = n.into_id FROM unnest($2::uuid[], $3::uuid[]) AS n (from_id, into_id)
             WHERE o.account_id = $1 AND o.conversation_id = n.from_id",
            account,
            &from,
            &into
        )
        .execute(&mut *self.tx)
        .await?;
        // Where both have a draft, the other one stays by itself.
        sqlx::query!(
            "UPDATE drafts d SET conversation_id = CASE WHEN s.newest AND NOT EXISTS (
                        SELECT 1 FROM drafts k WHERE k.account_id = $1 AND k.conversation_id = s.into_id)
                    THEN s.into_id END
             FROM (SELECT g.id, n.into_id,
                          row_number() OVER (PARTITION BY n.into_id ORDER BY g.changed_at DESC, g.id) = 1 AS newest
                   FROM unnest($2::uuid[], $3::uuid[]) AS n (from_id, into_id)
                   JOIN drafts g ON g.account_id = $1 AND g.conversation_id = n.from_id) s
             WHERE d.account_id = $1 AND d.id = s.id",
            account,
            &from,
            &into
        )
        .execute(&mut *self.tx)
        .await?;
        sqlx::query!(
            "UPDATE conversations c SET merged_into = n.into_id, message_count = 0, unread_count = 0, file_count = 0
             FROM unnest($2::uuid[], $3::uuid[]) AS n (from_id, into_id)
             WHERE c.account_id = $1 AND c.id = n.from_id",
            account,
            &from,
            &into
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Writes messages with their places, raw bytes, files, quarantine entries and their place in the search queue.
    pub async fn insert_messages(
        &mut self,
        messages: &[NewMessage<'_>],
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        if messages.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = messages.iter().map(|m| m.id.0).collect();
        let letters: Vec<Cow<'_, Letter>> = messages.iter().map(NewMessage::as_letter).collect();
        let text = |f: fn(&Letter) -> &str| letters.iter().map(|l| f(l).to_owned()).collect::<Vec<String>>();
        let people = |f: fn(&Letter) -> &[Address]| {
            letters.iter().map(|l| serde_json::json!(f(l))).collect::<Vec<serde_json::Value>>()
        };
        sqlx::query!(
            "INSERT INTO messages (account_id, id, conversation_id, kind, direction, author_name, author_address,
                    recipients_to, recipients_cc, recipients_reply_to, subject, body_text, has_html, rfc_message_id,
                    sent_at, sent_offset, received_at, arrived_at, seen, answered, file_count, size, sha256, edited_at)
             -- In the list of columns, since what stands in FROM is gathered before it is written.
             SELECT $1::uuid, unnest($2::uuid[]), unnest($3::uuid[]), unnest($4::text[]), unnest($5::text[]),
                    unnest($6::text[]), unnest($7::text[]), unnest($8::jsonb[]), unnest($9::jsonb[]),
                    unnest($10::jsonb[]), unnest($11::text[]), unnest($12::text[]), unnest($13::boolean[]),
                    unnest($14::text[]), unnest($15::timestamptz[]), unnest($16::smallint[]),
                    unnest($17::timestamptz[]), unnest($18::timestamptz[]), unnest($19::boolean[]),
                    unnest($20::boolean[]), unnest($21::integer[]), unnest($22::bigint[]), unnest($23::bytea[]),
                    unnest($24::timestamptz[])",
            self.account.0,
            &ids,
            &messages.iter().map(|m| m.conversation.0).collect::<Vec<_>>(),
            &messages.iter().map(|m| m.kind().to_owned()).collect::<Vec<_>>(),
            &messages.iter().map(|m| m.direction.as_str().to_owned()).collect::<Vec<_>>(),
            &text(|l| &l.author.name),
            &text(|l| &l.author.address),
            &people(|l| &l.to),
            &people(|l| &l.cc),
            &people(|l| &l.reply_to),
            &text(|l| &l.subject),
            &text(|l| &l.text),
            &letters.iter().map(|l| l.has_html).collect::<Vec<_>>(),
            &letters.iter().map(|l| l.message_id.clone()).collect::<Vec<_>>() as &[Option<String>],
            &letters.iter().map(|l| l.sent_at).collect::<Vec<_>>() as &[Option<OffsetDateTime>],
            &letters.iter().map(|l| l.sent_at.map(|at| at.offset().whole_minutes())).collect::<Vec<_>>()
                as &[Option<i16>],
            &messages.iter().map(|m| m.received_at).collect::<Vec<_>>(),
            &messages.iter().map(|m| m.arrived_at).collect::<Vec<_>>(),
            &messages.iter().map(|m| m.read).collect::<Vec<_>>(),
            &messages.iter().map(|m| m.answered).collect::<Vec<_>>(),
            &messages.iter().map(NewMessage::file_count).collect::<Vec<_>>(),
            &messages.iter().map(|m| i64::try_from(m.size).unwrap_or(i64::MAX)).collect::<Vec<_>>(),
            &messages.iter().map(|m| m.sha256.as_slice()).collect::<Vec<_>>() as &[&[u8]],
            &messages.iter().map(|m| m.chat.and_then(|(chat, _)| chat.edited_at)).collect::<Vec<_>>()
                as &[Option<OffsetDateTime>],
        )
        .execute(&mut *self.tx)
        .await?;
        let places: Vec<_> = messages.iter().map(|m| (m.place.clone(), m.id, m.seen, m.answered)).collect();
        self.stand(&places).await?;
        let raws: Vec<_> = messages.iter().filter(|m| m.keeps_raw()).map(|m| (m.id, m.raw)).collect();
        raw::write(&mut self.tx, self.account, &raws).await?;
        let chats: Vec<_> = messages.iter().filter_map(|m| m.chat.map(|(chat, hash)| (m.id, chat, hash))).collect();
        self.insert_chats(&chats, now).await?;
        self.insert_files(messages, now).await?;
        self.insert_quarantine(messages).await?;
        sqlx::query!(
            "INSERT INTO search_queue (account_id, message_ids)
             SELECT $1::uuid, array_agg(waiting.id) FROM unnest($2::uuid[]) WITH ORDINALITY AS waiting (id, n)
             GROUP BY (waiting.n - 1) / $3",
            self.account.0,
            &ids,
            QUEUED_TOGETHER
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    async fn insert_files(&mut self, messages: &[NewMessage<'_>], now: OffsetDateTime) -> Result<(), StoreError> {
        let files: Vec<_> = messages
            .iter()
            .flat_map(|m| m.letter.iter().flat_map(|l| &l.attachments).map(move |file| (m.id, file)))
            .collect();
        if files.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "INSERT INTO attachments (account_id, id, message_id, part, name, mime, size, sha256, content_id, inline)
             SELECT $1::uuid, * FROM unnest($2::uuid[], $3::uuid[], $4::integer[], $5::text[], $6::text[], $7::bigint[],
                                      $8::bytea[], $9::text[], $10::boolean[])",
            self.account.0,
            &files.iter().map(|_| AttachmentId::new(now).0).collect::<Vec<_>>(),
            &files.iter().map(|(message, _)| message.0).collect::<Vec<_>>(),
            &files.iter().map(|(_, f)| i32::try_from(f.part).unwrap_or(i32::MAX)).collect::<Vec<_>>(),
            &files.iter().map(|(_, f)| f.name.clone()).collect::<Vec<_>>(),
            &files.iter().map(|(_, f)| f.mime.clone()).collect::<Vec<_>>(),
            &files.iter().map(|(_, f)| i64::try_from(f.size).unwrap_or(i64::MAX)).collect::<Vec<_>>(),
            &files.iter().map(|(_, f)| f.sha256.as_slice()).collect::<Vec<_>>() as &[&[u8]],
            &files.iter().map(|(_, f)| f.content_id.clone()).collect::<Vec<_>>() as &[Option<String>],
            &files.iter().map(|(_, f)| f.inline).collect::<Vec<_>>(),
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    async fn insert_quarantine(&mut self, messages: &[NewMessage<'_>]) -> Result<(), StoreError> {
        for message in messages {
            if let Some((reason, whole)) = message.unreadable {
                sqlx::query!(
                    "INSERT INTO quarantine (account_id, message_id, reason, whole) VALUES ($1, $2, $3, $4)",
                    self.account.0,
                    message.id.0,
                    reason,
                    whole
                )
                .execute(&mut *self.tx)
                .await?;
            }
        }
        Ok(())
    }

    /// Writes the server's marks of known places, and what follows for the messages: `read` and `answered` are set
    /// where the option holds a value.
    pub async fn mark(&mut self, marks: &[(Place, MessageId, bool, bool, Option<bool>)]) -> Result<(), StoreError> {
        let places: Vec<&Place> = marks.iter().map(|(place, ..)| place).collect();
        let (mailboxes, epochs, numbers) = columns(&places);
        let seen: Vec<bool> = marks.iter().map(|mark| mark.2).collect();
        let answered: Vec<bool> = marks.iter().map(|mark| mark.3).collect();
        sqlx::query!(
            "UPDATE message_places p SET seen = n.seen, answered = n.answered, gone_at = NULL
             FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::boolean[], $6::boolean[])
                  AS n (mailbox, epoch, number, seen, answered)
             WHERE p.account_id = $1 AND p.mailbox = n.mailbox AND p.epoch = n.epoch AND p.number = n.number",
            self.account.0,
            &mailboxes,
            &epochs,
            &numbers,
            &seen,
            &answered
        )
        .execute(&mut *self.tx)
        .await?;
        sqlx::query!(
            "UPDATE messages m SET seen = coalesce(n.read, m.seen), answered = m.answered OR n.answered,
                 deleted_at = NULL
             FROM unnest($2::uuid[], $3::boolean[], $4::boolean[]) AS n (id, read, answered)
             WHERE m.account_id = $1 AND m.id = n.id",
            self.account.0,
            &marks.iter().map(|mark| mark.1.0).collect::<Vec<_>>(),
            &marks.iter().map(|mark| mark.4).collect::<Vec<_>>() as &[Option<bool>],
            &answered
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Deletes what stands at these places in the stead of messages that could not be read, with their bytes. One that
    /// stands elsewhere too stays there.
    pub async fn clear_stand_ins(&mut self, places: &[&Place]) -> Result<Vec<Cleared>, StoreError> {
        let (mailboxes, epochs, numbers) = columns(places);
        let freed = sqlx::query!(
            "DELETE FROM message_places p
             USING unnest($2::text[], $3::bigint[], $4::bigint[]) AS n (mailbox, epoch, number)
             WHERE p.account_id = $1 AND p.mailbox = n.mailbox AND p.epoch = n.epoch AND p.number = n.number
             RETURNING p.message_id, p.mailbox, p.epoch, p.number",
            self.account.0,
            &mailboxes,
            &epochs,
            &numbers
        )
        .fetch_all(&mut *self.tx)
        .await?;
        let ids: Vec<Uuid> = freed.iter().map(|row| row.message_id).collect();
        let deleted = sqlx::query!(
            r#"DELETE FROM messages m
               WHERE m.account_id = $1 AND m.id = ANY($2) AND m.kind = 'unreadable'
                 AND NOT EXISTS (SELECT 1 FROM message_places p WHERE p.account_id = m.account_id
                                 AND p.message_id = m.id AND p.gone_at IS NULL)
               RETURNING m.id, m.conversation_id, NOT m.seen AND m.direction = 'in' AS "unread!""#,
            self.account.0,
            &ids
        )
        .fetch_all(&mut *self.tx)
        .await?;
        let ids: Vec<Uuid> = deleted.iter().map(|row| row.id).collect();
        sqlx::query!("DELETE FROM message_places WHERE account_id = $1 AND message_id = ANY($2)", self.account.0, &ids)
            .execute(&mut *self.tx)
            .await?;
        sqlx::query!("DELETE FROM raw_messages WHERE account_id = $1 AND message_id = ANY($2)", self.account.0, &ids)
            .execute(&mut *self.tx)
            .await?;
        let conversations: Vec<Uuid> = deleted.iter().map(|row| row.conversation_id).collect();
        let unread: Vec<bool> = deleted.iter().map(|row| row.unread).collect();
        let emptied = self.count_out(&ids, &conversations, &unread).await?;
        deleted
            .into_iter()
            .filter_map(|row| Some((freed.iter().find(|place| place.message_id == row.id)?, row)))
            .map(|(place_row, row)| {
                Ok(Cleared {
                    place: place(place_row.mailbox.clone(), place_row.epoch, place_row.number)?,
                    message: MessageId(row.id),
                    conversation: ConversationId(row.conversation_id),
                    emptied: emptied.contains(&row.conversation_id),
                })
            })
            .collect()
    }

    /// The transaction's connection.
    pub(super) fn connection(&mut self) -> &mut sqlx::PgConnection {
        &mut self.tx
    }

    /// Deletes messages of ours with everything that hangs on them; `conversations` are theirs, one for each.
    pub(super) async fn delete_messages(&mut self, ids: &[Uuid], conversations: &[Uuid]) -> Result<(), StoreError> {
        sqlx::query!("DELETE FROM messages WHERE account_id = $1 AND id = ANY($2)", self.account.0, ids)
            .execute(&mut *self.tx)
            .await?;
        sqlx::query!("DELETE FROM message_places WHERE account_id = $1 AND message_id = ANY($2)", self.account.0, ids)
            .execute(&mut *self.tx)
            .await?;
        sqlx::query!("DELETE FROM raw_messages WHERE account_id = $1 AND message_id = ANY($2)", self.account.0, ids)
            .execute(&mut *self.tx)
            .await?;
        self.count_out(ids, conversations, &vec![false; ids.len()]).await?;
        Ok(())
    }

    /// Takes deleted messages out of their conversations' summaries. Returns the conversations that are empty now.
    pub(super) async fn count_out(
        &mut self,
        ids: &[Uuid],
        conversations: &[Uuid],
        unread: &[bool],
    ) -> Result<Vec<Uuid>, StoreError> {
        let rows = sqlx::query!(
            r#"UPDATE conversations c SET
                   message_count = c.message_count - d.gone, unread_count = greatest(0, c.unread_count - d.unread),
                   last_message_id = CASE WHEN d.was_last THEN coalesce(l.id, c.last_message_id)
                                          ELSE c.last_message_id END,
                   last_at = CASE WHEN d.was_last THEN coalesce(l.received_at, c.last_at) ELSE c.last_at END,
                   last_direction = CASE WHEN d.was_last THEN coalesce(l.direction, c.last_direction)
                                         ELSE c.last_direction END,
                   last_unreadable = CASE WHEN d.was_last THEN coalesce(l.kind = 'unreadable', c.last_unreadable)
                                          ELSE c.last_unreadable END,
                   last_author = CASE WHEN d.was_last AND c.chat_kind IN ('group', 'supergroup', 'topic')
                                           AND l.direction = 'in' THEN l.author_name
                                      WHEN d.was_last THEN '' ELSE c.last_author END,
                   last_media = CASE WHEN d.was_last THEN l.line ELSE c.last_media END
               FROM (
                   SELECT n.id, count(*)::integer AS gone, (count(*) FILTER (WHERE n.unread))::integer AS unread,
                          bool_or(old.last_message_id = n.message) AS was_last
                   FROM unnest($2::uuid[], $3::uuid[], $4::boolean[]) AS n (message, id, unread)
                   JOIN conversations old ON old.account_id = $1 AND old.id = n.id
                   GROUP BY n.id) d
               LEFT JOIN LATERAL latest_message($1, d.id) l ON true
               WHERE c.account_id = $1 AND c.id = d.id
               RETURNING c.id, c.message_count, d.was_last AS "was_last!", l.body_text AS "body_text?""#,
            self.account.0,
            ids,
            conversations,
            unread
        )
        .fetch_all(&mut *self.tx)
        .await?;
        for row in rows.iter().filter(|row| row.was_last) {
            sqlx::query!(
                "UPDATE conversations SET snippet = $3 WHERE account_id = $1 AND id = $2",
                self.account.0,
                row.id,
                snippet(row.body_text.as_deref().unwrap_or_default())
            )
            .execute(&mut *self.tx)
            .await?;
        }
        Ok(rows.into_iter().filter(|row| row.message_count == 0).map(|row| row.id).collect())
    }

    /// Frees places for other messages. Returns those that stand nowhere any more.
    pub async fn vacate(&mut self, places: &[&Place]) -> Result<Vec<(MessageId, ConversationId)>, StoreError> {
        let (mailboxes, epochs, numbers) = columns(places);
        let messages = sqlx::query_scalar!(
            "DELETE FROM message_places p
             USING unnest($2::text[], $3::bigint[], $4::bigint[]) AS n (mailbox, epoch, number)
             WHERE p.account_id = $1 AND p.mailbox = n.mailbox AND p.epoch = n.epoch AND p.number = n.number
             RETURNING p.message_id",
            self.account.0,
            &mailboxes,
            &epochs,
            &numbers
        )
        .fetch_all(&mut *self.tx)
        .await?;
        self.mark_homeless(&messages).await
    }

    /// Marks places as gone, and messages that stand nowhere any more. Returns those messages.
    pub async fn gone(&mut self, places: &[Place]) -> Result<Vec<(MessageId, ConversationId)>, StoreError> {
        let places: Vec<&Place> = places.iter().collect();
        let (mailboxes, epochs, numbers) = columns(&places);
        let messages = sqlx::query_scalar!(
            "UPDATE message_places p SET gone_at = clock_timestamp()
             FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS n (mailbox, epoch, number)
             WHERE p.account_id = $1 AND p.mailbox = n.mailbox AND p.epoch = n.epoch AND p.number = n.number
               AND p.gone_at IS NULL
             RETURNING p.message_id",
            self.account.0,
            &mailboxes,
            &epochs,
            &numbers
        )
        .fetch_all(&mut *self.tx)
        .await?;
        self.mark_homeless(&messages).await
    }

    async fn mark_homeless(&mut self, messages: &[Uuid]) -> Result<Vec<(MessageId, ConversationId)>, StoreError> {
        let rows = sqlx::query!(
            "UPDATE messages m SET deleted_at = clock_timestamp()
             WHERE m.account_id = $1 AND m.id = ANY($2) AND m.deleted_at IS NULL
               AND NOT EXISTS (SELECT 1 FROM message_places p WHERE p.account_id = m.account_id
                               AND p.message_id = m.id AND p.gone_at IS NULL)
             RETURNING m.id, m.conversation_id",
            self.account.0,
            messages
        )
        .fetch_all(&mut *self.tx)
        .await?;
        Ok(rows.into_iter().map(|row| (MessageId(row.id), ConversationId(row.conversation_id))).collect())
    }

    /// Writes the cursors and the journal rows and commits. After this, and only after this, the facts are true.
    pub async fn commit(mut self, cursors: &[&Cursor], facts: &[Fact]) -> Result<(), StoreError> {
        for cursor in cursors {
            cursors::write(&mut self.tx, self.account, cursor).await?;
        }
        fault::point("cursor_written");
        journal::announce(&mut self.tx, self.account, facts).await?;
        for (account, fact) in self.elsewhere {
            journal::announce(&mut self.tx, account, &[fact]).await?;
        }
        fault::point("announced");
        Ok(self.tx.commit().await?)
    }
}

fn hash(bytes: Vec<u8>) -> Result<[u8; 32], StoreError> {
    bytes.try_into().map_err(|_| StoreError::Inconsistent("a content hash".to_owned()))
}

pub(super) fn columns(places: &[&Place]) -> (Vec<String>, Vec<i64>, Vec<i64>) {
    (
        places.iter().map(|place| place.mailbox.clone()).collect(),
        places.iter().map(|place| i64::from(place.epoch)).collect(),
        places.iter().map(|place| i64::from(place.number)).collect(),
    )
}
