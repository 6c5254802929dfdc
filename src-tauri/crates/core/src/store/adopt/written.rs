//! What came over from the old system, in our own tables.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    adopt::Trace,
    model::{AccountId, AttachmentId, Channel, ChatKey, ContactId, ConversationId, MediaKind, MessageId, Place},
    store::{AccountDraft, Fact, FactKind, IngestTx, Store, StoreError, TelegramDraft, accounts, blobs, journal},
};

/// So many of its oldest conversations tell an old system from another.
const KNOWN_BY: usize = 1000;

/// What a row of the old system has become here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AdoptedKind {
    /// A Telegram account.
    TelegramAccount,
    /// A mailbox.
    Mailbox,
    /// A conversation.
    Conversation,
    /// A client, a contact here.
    Client,
    /// A note.
    Note,
}

impl AdoptedKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::TelegramAccount => "telegram_account",
            Self::Mailbox => "mailbox",
            Self::Conversation => "conversation",
            Self::Client => "client",
            Self::Note => "note",
        }
    }
}

/// What became of a message of the old system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptedMessage {
    /// Its key there.
    pub old_id: String,
    /// The account of the message here.
    pub account: AccountId,
    /// The message here.
    pub message: MessageId,
    /// Whether nobody kept which account it belongs to.
    pub guessed: bool,
    /// Whether it is as the old system had it, and the server has yet to tell of it.
    pub waits: bool,
    /// What the old system said became of it.
    pub status: String,
    /// Files that were not to be found.
    pub missing_files: Vec<String>,
    /// Its Message-ID.
    pub rfc_message_id: Option<String>,
    /// The chat or the correspondent, as a key.
    pub peer: String,
    /// What it is known by.
    pub(crate) trace: Trace,
}

/// A file of an adopted message, whose bytes are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptedFile {
    /// Whose.
    pub message: MessageId,
    /// The name its sender gave it.
    pub name: String,
    /// Its media type.
    pub mime: String,
    /// What kind of file it is, in a chat.
    pub kind: Option<MediaKind>,
    /// Its size in bytes.
    pub size: u64,
    /// The hash of its bytes.
    pub sha256: [u8; 32],
}

/// A conversation that stands for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedConversation {
    /// Which one; where it was merged, the one it lives on in.
    pub conversation: ConversationId,
    /// The chat it is by now.
    pub chat: Option<ChatKey>,
}

/// A message that is here, as it is compared with rows of the old system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracedMessage {
    /// Of which account.
    pub account: AccountId,
    /// Which message.
    pub message: MessageId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// The chat; none of a mail.
    pub peer: Option<String>,
    /// With whom.
    pub contact: Option<ContactId>,
    pub(crate) trace: Trace,
}

/// A message that came over and that its server has yet to tell of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Of which account.
    pub account: AccountId,
    /// Which message.
    pub message: MessageId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// Whether it was read.
    pub read: bool,
    /// Its Message-ID.
    pub rfc_message_id: Option<String>,
    /// The chat or the correspondent, as a key.
    pub peer: String,
    /// The old system whose row it is.
    pub source: Uuid,
    /// Every old system that has a row of it.
    pub sources: Vec<Uuid>,
    pub(crate) trace: Trace,
}

/// A note of the old system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its key here.
    pub id: Uuid,
    /// Of which conversation.
    pub conversation: ConversationId,
    /// Who wrote it.
    pub author: String,
    /// What.
    pub text: String,
    /// When.
    pub written_at: OffsetDateTime,
}

/// What the old system knew of a conversation beside its messages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settled {
    /// Whether it was archived.
    pub archived: bool,
    /// Who takes care of it.
    pub assignee: Option<String>,
    /// The client's name.
    pub client: Option<String>,
    /// Its title there.
    pub title: Option<String>,
}

/// Where a client of the old system has its card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCard {
    /// The client's key there.
    pub old_id: String,
    /// The card's address as its owner gave it, with `{id}` for the key; may be empty.
    pub pattern: String,
}

/// How much of what came over still waits for its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Came {
    /// Messages that came over.
    pub messages: i64,
    /// Of them, those that are as the old system had them.
    pub waiting: i64,
}

impl Store {
    /// Returns the old system that these conversations, oldest first, came from, or begins a new one. `link`, where given,
    /// becomes the address of its clients' cards.
    pub async fn adopted_source(
        &self,
        conversations: &[String],
        link: Option<&str>,
        make: Option<Uuid>,
    ) -> Result<Option<Uuid>, StoreError> {
        let known = sqlx::query_scalar!(
            r#"SELECT source AS "source!" FROM (
                   SELECT source, 0 AS rank FROM adopted_rows WHERE kind = 'conversation' AND old_id = ANY($1)
                   UNION ALL
                   SELECT id, 1 FROM adopted_sources WHERE known_by && $1) known
               ORDER BY rank LIMIT 1"#,
            conversations
        )
        .fetch_optional(&self.pool)
        .await?;
        // One that had no conversation when it was first seen has nothing by which it is known; it is the last.
        let source = match known {
            Some(source) => Some(source),
            None => {
                sqlx::query_scalar!(
                    "SELECT s.id FROM adopted_sources s WHERE s.known_by = '{}'
                     AND NOT EXISTS (SELECT 1 FROM adopted_rows r WHERE r.source = s.id AND r.kind = 'conversation')
                     ORDER BY s.adopted_at DESC LIMIT 1"
                )
                .fetch_optional(&self.pool)
                .await?
            }
        };
        let source = match (source, make) {
            (None, Some(new)) => {
                let oldest = &conversations[..conversations.len().min(KNOWN_BY)];
                sqlx::query!("INSERT INTO adopted_sources (id, known_by) VALUES ($1, $2)", new, oldest)
                    .execute(&self.pool)
                    .await?;
                Some(new)
            }
            (source, _) => source,
        };
        if let (Some(source), Some(link), Some(_)) = (source, link, make) {
            sqlx::query!("UPDATE adopted_sources SET client_link = $2 WHERE id = $1", source, link)
                .execute(&self.pool)
                .await?;
        }
        Ok(source)
    }

    /// Takes the turn among programs that take over an old system; `None`: another one is at it. The turn ends with the
    /// connection.
    pub async fn adoption_turn(&self) -> Result<Option<sqlx::pool::PoolConnection<sqlx::Postgres>>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let taken = sqlx::query_scalar!(r#"SELECT pg_try_advisory_lock(hashtext('skrynka adoption')) AS "taken!""#)
            .fetch_one(&mut *connection)
            .await?;
        Ok(taken.then_some(connection))
    }

    /// Gives the turn back.
    pub async fn end_adoption_turn(
        &self,
        mut turn: sqlx::pool::PoolConnection<sqlx::Postgres>,
    ) -> Result<(), StoreError> {
        sqlx::query_scalar!("SELECT pg_advisory_unlock(hashtext('skrynka adoption'))").fetch_one(&mut *turn).await?;
        Ok(())
    }

    /// Returns which of these messages have come over before.
    pub async fn adopted_among(&self, source: Uuid, ids: &[String]) -> Result<HashSet<String>, StoreError> {
        let known = sqlx::query_scalar!(
            "SELECT old_id FROM adopted_messages WHERE source = $1 AND old_id = ANY($2)",
            source,
            ids
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(known.into_iter().collect())
    }

    /// Returns what rows of one kind have become.
    pub async fn adopted_rows(
        &self,
        source: Uuid,
        kind: AdoptedKind,
    ) -> Result<HashMap<String, (Option<AccountId>, Uuid)>, StoreError> {
        let rows = sqlx::query!(
            "SELECT old_id, account_id, our_id FROM adopted_rows WHERE source = $1 AND kind = $2",
            source,
            kind.as_str()
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|row| (row.old_id, (row.account_id.map(AccountId), row.our_id))).collect())
    }

    /// Notes what a row has become.
    pub async fn note_adopted_row(
        &self,
        source: Uuid,
        kind: AdoptedKind,
        old_id: &str,
        account: Option<AccountId>,
        ours: Uuid,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "INSERT INTO adopted_rows (source, kind, old_id, account_id, our_id) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (source, kind, old_id) DO NOTHING",
            source,
            kind.as_str(),
            old_id,
            account.map(|id| id.0),
            ours
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Adds a Telegram account that is switched off, whatever is known of its user, with the row it comes from.
    pub async fn adopt_telegram_account(
        &self,
        draft: &TelegramDraft,
        (source, old_id): (Uuid, &str),
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        accounts::insert(&mut tx, draft.id, Channel::Telegram, &draft.name, draft.color).await?;
        accounts::write_telegram(&mut tx, draft.id, &draft.telegram).await?;
        added(tx, draft.id, Some((source, AdoptedKind::TelegramAccount, old_id))).await
    }

    /// Adds a mailbox that is switched off, with the row it comes from.
    pub async fn adopt_mailbox(&self, draft: &AccountDraft, (source, old_id): (Uuid, &str)) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        accounts::insert(&mut tx, draft.id, Channel::Email, &draft.name, draft.color).await?;
        accounts::write_settings(&mut tx, draft.id, &draft.email).await?;
        added(tx, draft.id, Some((source, AdoptedKind::Mailbox, old_id))).await
    }

    /// Adds an account without a server, switched off, for what belonged to none that is known.
    pub async fn adopt_shelf(
        &self,
        id: AccountId,
        channel: Channel,
        name: &str,
        (source, old_id): (Uuid, &str),
    ) -> Result<(), StoreError> {
        let kind = match channel {
            Channel::Telegram => AdoptedKind::TelegramAccount,
            Channel::Email => AdoptedKind::Mailbox,
        };
        let mut tx = self.begin().await?;
        accounts::insert(&mut tx, id, channel, name, None).await?;
        added(tx, id, Some((source, kind, old_id))).await
    }

    /// Writes what the old system knew of a conversation beside its messages, once. What somebody has done here since,
    /// or what came later, is left alone.
    pub async fn settle_adopted(
        &self,
        (source, old_id): (Uuid, &str),
        account: AccountId,
        conversation: ConversationId,
        settled: &Settled,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_for(account).await?;
        let fresh = sqlx::query!(
            "INSERT INTO adopted_rows (source, kind, old_id, account_id, our_id) VALUES ($1, 'conversation', $2, $3, $4)
             ON CONFLICT (source, kind, old_id) DO NOTHING",
            source,
            old_id,
            account.0,
            conversation.0
        )
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if fresh == 0 {
            return Ok(());
        }
        let changed = sqlx::query!(
            "UPDATE conversations c SET
                 triage = CASE WHEN $3 AND c.triage = 'open' AND c.unread_count = 0
                                    AND EXISTS (SELECT 1 FROM adopted_messages a WHERE a.account_id = $1
                                                AND a.message_id = c.last_message_id AND a.waits)
                               THEN 'done' ELSE c.triage END,
                 assignee = coalesce(c.assignee, $4),
                 subject = CASE WHEN c.subject = '' AND c.remote_peer IS NULL THEN coalesce($5, '') ELSE c.subject END
             WHERE c.account_id = $1 AND c.id = $2 AND c.merged_into IS NULL",
            account.0,
            conversation.0,
            settled.archived,
            settled.assignee,
            settled.title
        )
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if let Some(name) = &settled.client {
            sqlx::query!(
                "UPDATE contacts p SET name = $3 FROM conversations c
                 WHERE c.account_id = $1 AND c.id = $2 AND p.id = c.contact_id AND p.name IN ('', c.peer_address)",
                account.0,
                conversation.0,
                name
            )
            .execute(&mut *tx)
            .await?;
        }
        if changed > 0 {
            let fact = Fact { kind: FactKind::ConversationChanged, conversation: Some(conversation), message: None };
            journal::announce(&mut tx, account, &[fact]).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Notes that a client of the old system is a contact: that of the first conversation, or of the first handle; one is made
    /// where there is none. Returns the contact; `None` where nothing is known of the client but a name.
    pub async fn adopt_client(
        &self,
        (source, old_id): (Uuid, &str),
        name: &str,
        handles: &[(&str, String)],
        conversations: &[(AccountId, ConversationId)],
        new: ContactId,
    ) -> Result<Option<ContactId>, StoreError> {
        let mut tx = self.begin().await?;
        let known = sqlx::query_scalar!(
            "SELECT our_id FROM adopted_rows WHERE source = $1 AND kind = 'client' AND old_id = $2",
            source,
            old_id
        )
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(known) = known {
            return Ok(Some(ContactId(known)));
        }
        let handles = not_forgotten(&mut tx, handles).await?;
        let kinds: Vec<String> = handles.iter().map(|(kind, _)| kind.clone()).collect();
        let values: Vec<String> = handles.iter().map(|(_, value)| value.clone()).collect();
        let found = sqlx::query_scalar!(
            r#"SELECT contact AS "contact!" FROM (
                   SELECT c.contact_id AS contact, 0 AS rank, n.at
                   FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS n (account_id, id, at)
                   JOIN conversations c ON c.account_id = n.account_id AND c.id = n.id AND c.contact_id IS NOT NULL
                   UNION ALL
                   SELECT h.contact_id, 1, n.at FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS n (kind, value, at)
                   JOIN contact_handles h ON h.kind = n.kind AND h.value = n.value) found
               ORDER BY rank, at LIMIT 1"#,
            &conversations.iter().map(|(account, _)| account.0).collect::<Vec<_>>(),
            &conversations.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
            &kinds,
            &values
        )
        .fetch_optional(&mut *tx)
        .await?;
        let contact = match found {
            Some(contact) => contact,
            None if handles.is_empty() => return Ok(None),
            None => {
                sqlx::query!("INSERT INTO contacts (id, name) VALUES ($1, $2)", new.0, name).execute(&mut *tx).await?;
                new.0
            }
        };
        sqlx::query!(
            "INSERT INTO contact_handles (kind, value, contact_id)
             SELECT n.kind, n.value, $3 FROM unnest($1::text[], $2::text[]) AS n (kind, value) ORDER BY 1, 2
             ON CONFLICT DO NOTHING",
            &kinds,
            &values,
            contact
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "INSERT INTO adopted_rows (source, kind, old_id, our_id) VALUES ($1, 'client', $2, $3)
             ON CONFLICT (source, kind, old_id) DO NOTHING",
            source,
            old_id,
            contact
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Some(ContactId(contact)))
    }

    /// Keeps a note of the old system, once.
    pub async fn adopt_note(
        &self,
        (source, old_id): (Uuid, &str),
        account: AccountId,
        note: &Note,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let fresh = sqlx::query!(
            "INSERT INTO adopted_rows (source, kind, old_id, account_id, our_id) VALUES ($1, 'note', $2, $3, $4)
             ON CONFLICT (source, kind, old_id) DO NOTHING",
            source,
            old_id,
            account.0,
            note.id
        )
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if fresh > 0 {
            // The conversation may have been removed with somebody's data.
            sqlx::query!(
                "INSERT INTO adopted_notes (id, account_id, conversation_id, author, body_text, written_at)
                 SELECT $1, $2, $3, $4, $5, $6
                 WHERE EXISTS (SELECT 1 FROM conversations WHERE account_id = $2 AND id = $3)",
                note.id,
                account.0,
                note.conversation.0,
                note.author,
                note.text,
                note.written_at
            )
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(fresh > 0)
    }

    /// Returns the notes of a conversation that came over, oldest first.
    pub async fn adopted_notes(
        &self,
        account: AccountId,
        conversation: ConversationId,
    ) -> Result<Vec<Note>, StoreError> {
        let rows = sqlx::query!(
            "SELECT n.id, n.author, n.body_text, n.written_at FROM adopted_notes n
             JOIN conversations c ON c.account_id = n.account_id AND c.id = n.conversation_id
             WHERE n.account_id = $1 AND coalesce(c.merged_into, c.id) = $2 ORDER BY n.written_at, n.id",
            account.0,
            conversation.0
        )
        .fetch_all(&self.pool)
        .await?;
        let note = |id, author, text, written_at| Note { id, conversation, author, text, written_at };
        Ok(rows.into_iter().map(|row| note(row.id, row.author, row.body_text, row.written_at)).collect())
    }

    /// Returns the cards that a contact, or whoever is the same, has in old systems.
    pub async fn client_cards(&self, contact: ContactId) -> Result<Vec<ClientCard>, StoreError> {
        let rows = sqlx::query!(
            "SELECT r.old_id, s.client_link FROM contacts own
             JOIN contacts p ON coalesce(p.same_as, p.id) = coalesce(own.same_as, own.id)
             JOIN adopted_rows r ON r.kind = 'client' AND r.our_id = p.id
             JOIN adopted_sources s ON s.id = r.source
             WHERE own.id = $1 ORDER BY r.old_id",
            contact.0
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|row| ClientCard { old_id: row.old_id, pattern: row.client_link }).collect())
    }

    /// Returns the mailboxes in which mails stand that also came over to other accounts by a guess and wait there, with these
    /// accounts.
    pub async fn accounts_with_twins(&self) -> Result<BTreeMap<AccountId, BTreeSet<AccountId>>, StoreError> {
        let rows = sqlx::query!(
            "SELECT DISTINCT t.account_id, a.account_id AS guessed FROM adopted_messages a
             JOIN mail_threads t ON t.rfc_message_id = a.rfc_message_id AND t.account_id <> a.account_id
             WHERE a.waits AND a.guessed AND a.rfc_message_id IS NOT NULL"
        )
        .fetch_all(&self.pool)
        .await?;
        let mut found: BTreeMap<AccountId, BTreeSet<AccountId>> = BTreeMap::new();
        for row in rows {
            found.entry(AccountId(row.account_id)).or_default().insert(AccountId(row.guessed));
        }
        Ok(found)
    }

    /// Counts what came over.
    pub async fn adopted(&self) -> Result<Came, StoreError> {
        let row = sqlx::query!(
            r#"SELECT count(*) AS "messages!", count(*) FILTER (WHERE waits) AS "waiting!" FROM adopted_messages"#
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(Came { messages: row.messages, waiting: row.waiting })
    }
}

/// Returns the handles of people whose data was not removed here: where one of somebody's was, none of them is left.
async fn not_forgotten(
    connection: &mut sqlx::PgConnection,
    handles: &[(&str, String)],
) -> Result<Vec<(String, String)>, StoreError> {
    let named: Vec<String> = handles.iter().map(|(kind, value)| format!("{kind}:{value}")).collect();
    let forgotten = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM bureau b CROSS JOIN unnest($1::text[]) AS n (handle)
                          JOIN forgotten_handles f ON f.key = sha256(b.salt || convert_to(n.handle, 'UTF8'))) AS "forgotten!""#,
        &named
    )
    .fetch_one(connection)
    .await?;
    let handles = handles.iter().map(|(kind, value)| ((*kind).to_owned(), value.clone()));
    Ok(if forgotten { Vec::new() } else { handles.collect() })
}

/// Switches a new account off, notes where it comes from and announces it.
async fn added(
    mut tx: sqlx::Transaction<'static, sqlx::Postgres>,
    id: AccountId,
    from: Option<(Uuid, AdoptedKind, &str)>,
) -> Result<(), StoreError> {
    sqlx::query!("UPDATE accounts SET enabled = false WHERE id = $1", id.0).execute(&mut *tx).await?;
    if let Some((source, kind, old_id)) = from {
        sqlx::query!(
            "INSERT INTO adopted_rows (source, kind, old_id, account_id, our_id) VALUES ($1, $2, $3, $4, $4)
             ON CONFLICT (source, kind, old_id) DO UPDATE SET account_id = excluded.account_id, our_id = excluded.our_id",
            source,
            kind.as_str(),
            old_id,
            id.0
        )
        .execute(&mut *tx)
        .await?;
    }
    let fact = Fact { kind: FactKind::AccountAdded, conversation: None, message: None };
    journal::announce(&mut tx, AccountId::BUREAU, &[fact]).await?;
    Ok(tx.commit().await?)
}

impl IngestTx {
    /// Returns the conversations that stand for these keys.
    pub async fn keyed_conversations(
        &mut self,
        keys: &[String],
    ) -> Result<HashMap<String, KeyedConversation>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT k.key AS "key!", c.id AS "id!", c.remote_peer
               FROM (SELECT a.key, coalesce(met.merged_into, met.id) AS id
                     FROM adopted_conversations a
                     JOIN conversations met ON met.account_id = $1 AND met.id = a.conversation_id
                     WHERE a.account_id = $1 AND a.key = ANY($2)
                     UNION ALL
                     SELECT remote_peer, id FROM conversations
                     WHERE account_id = $1 AND remote_peer = ANY($2)) k
               JOIN conversations c ON c.account_id = $1 AND c.id = k.id"#,
            self.account.0,
            keys
        )
        .fetch_all(&mut *self.tx)
        .await?;
        let keyed = |id, chat: Option<String>| KeyedConversation {
            conversation: ConversationId(id),
            chat: chat.and_then(|chat| chat.parse().ok()),
        };
        Ok(rows.into_iter().map(|row| (row.key, keyed(row.id, row.remote_peer))).collect())
    }

    /// Notes which conversations stand for keys that no chat's name tells.
    pub async fn remember_keys(&mut self, keys: &[(String, ConversationId)]) -> Result<(), StoreError> {
        sqlx::query!(
            "INSERT INTO adopted_conversations (account_id, key, conversation_id)
             SELECT $1::uuid, * FROM unnest($2::text[], $3::uuid[]) ON CONFLICT DO NOTHING",
            self.account.0,
            &keys.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>(),
            &keys.iter().map(|(_, id)| id.0).collect::<Vec<_>>()
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Returns the stored messages of these accounts with these Message-IDs; the last account counts most.
    pub async fn messages_by_id(
        &mut self,
        accounts: &[AccountId],
        ids: &[String],
    ) -> Result<HashMap<String, (AccountId, MessageId)>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT m.account_id, m.rfc_message_id AS "rfc!", m.id
               FROM mail_threads t
               JOIN conversations met ON met.account_id = t.account_id AND met.id = t.conversation_id
               JOIN messages m ON m.account_id = t.account_id AND m.conversation_id = coalesce(met.merged_into, met.id)
                    AND m.rfc_message_id = t.rfc_message_id
               WHERE t.account_id = ANY($1) AND t.rfc_message_id = ANY($2)
               ORDER BY array_position($1::uuid[], t.account_id), m.id DESC"#,
            &accounts.iter().map(|account| account.0).collect::<Vec<_>>(),
            ids
        )
        .fetch_all(&mut *self.tx)
        .await?;
        Ok(rows.into_iter().map(|row| (row.rfc, (AccountId(row.account_id), MessageId(row.id)))).collect())
    }

    /// Returns the private chats of these accounts whose users have these numbers and usernames, by the key of each.
    pub async fn chats_of_handles(
        &mut self,
        accounts: &[AccountId],
        handles: &[String],
    ) -> Result<Vec<(String, AccountId, KeyedConversation)>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT n.key AS "key!", c.account_id, c.id, c.remote_peer
               FROM conversations c
               LEFT JOIN telegram_peers t ON t.account_id = c.account_id AND t.peer = c.remote_peer
               JOIN unnest($2::text[]) AS n (key) ON n.key IN (
                    'name:' || lower(t.username), 'phone:+' || ltrim(t.phone, '+'),
                    CASE WHEN c.peer_address LIKE '@%' THEN 'name:' || lower(substr(c.peer_address, 2))
                         ELSE 'phone:+' || ltrim(c.peer_address, '+') END)
               WHERE c.account_id = ANY($1) AND c.merged_into IS NULL AND c.chat_kind = 'private'
                 AND c.remote_peer IS NOT NULL
               ORDER BY n.key, c.account_id, c.id"#,
            &accounts.iter().map(|account| account.0).collect::<Vec<_>>(),
            handles
        )
        .fetch_all(&mut *self.tx)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let chat = row.remote_peer.and_then(|chat| chat.parse().ok());
                let keyed = KeyedConversation { conversation: ConversationId(row.id), chat };
                (row.key, AccountId(row.account_id), keyed)
            })
            .collect())
    }

    /// Returns messages of these accounts, in these chats and conversations and in mails with these contacts, between two
    /// moments, that no row of this old system has become. What another one brought and its server has yet to tell of is
    /// compared as its row had it.
    pub async fn standing_between(
        &mut self,
        source: Uuid,
        accounts: &[AccountId],
        (peers, conversations): (&[String], &[ConversationId]),
        contacts: &[ContactId],
        (from, to): (OffsetDateTime, OffsetDateTime),
    ) -> Result<Vec<TracedMessage>, StoreError> {
        // Of a forum every topic is a conversation.
        let rows = sqlx::query!(
            r#"SELECT m.account_id, m.id, m.conversation_id, c.contact_id, m.direction, m.received_at, m.body_text,
                      split_part(c.remote_peer, ';', 1) AS peer, w.at IS NOT NULL AS "waits!",
                      w.text_key AS "text_key?",
                      coalesce(w.has_media,
                          m.file_count > 0 OR EXISTS (SELECT 1 FROM chat_messages x WHERE x.account_id = m.account_id
                                                      AND x.message_id = m.id AND x.media IS NOT NULL)
                          OR EXISTS (SELECT 1 FROM attachments f WHERE f.account_id = m.account_id
                                     AND f.message_id = m.id)) AS "has_media!",
                      coalesce(w.file_size, (SELECT max(f.size) FROM attachments f WHERE f.account_id = m.account_id
                                             AND f.message_id = m.id)) AS size
               FROM conversations c
               JOIN messages m ON m.account_id = c.account_id AND m.conversation_id = c.id
               LEFT JOIN LATERAL (
                   SELECT a.at, a.text_key, a.has_media, a.file_size FROM adopted_messages a
                   WHERE a.account_id = m.account_id AND a.message_id = m.id AND a.waits LIMIT 1) w ON true
               WHERE c.account_id = ANY($1) AND c.merged_into IS NULL
                 AND (c.id = ANY($2) OR split_part(c.remote_peer, ';', 1) = ANY($6)
                      OR c.remote_peer IS NULL AND c.contact_id = ANY($3))
                 AND m.received_at BETWEEN $4 AND $5 AND m.kind IN ('mail', 'chat')
                 AND NOT EXISTS (SELECT 1 FROM adopted_messages a
                                 WHERE a.account_id = m.account_id AND a.message_id = m.id AND a.source = $7)"#,
            &accounts.iter().map(|account| account.0).collect::<Vec<_>>(),
            &conversations.iter().map(|id| id.0).collect::<Vec<_>>(),
            &contacts.iter().map(|id| id.0).collect::<Vec<_>>(),
            from,
            to,
            peers,
            source
        )
        .fetch_all(&mut *self.tx)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let text = if row.waits { row.text_key } else { crate::adopt::text_key(&row.body_text) };
                let trace = Trace {
                    outgoing: row.direction == "out",
                    at: row.received_at,
                    text,
                    has_media: row.has_media,
                    size: row.size,
                    guessed: false,
                    common: text.is_none() || crate::adopt::is_common(&row.body_text),
                };
                TracedMessage {
                    account: AccountId(row.account_id),
                    message: MessageId(row.id),
                    conversation: ConversationId(row.conversation_id),
                    peer: row.peer,
                    contact: row.contact_id.map(ContactId),
                    trace,
                }
            })
            .collect())
    }

    /// Returns the number of the first free place for messages that came over.
    pub async fn next_adopted_number(&mut self) -> Result<u32, StoreError> {
        let last = sqlx::query_scalar!(
            "SELECT number FROM message_places
             WHERE account_id = $1 AND mailbox = $2 AND epoch = ANY(ARRAY[0::bigint, 1]) ORDER BY epoch DESC, number DESC LIMIT 1",
            self.account.0,
            Place::ADOPTED
        )
        .fetch_optional(&mut *self.tx)
        .await?;
        Ok(last.and_then(|last| u32::try_from(last).ok()).map_or(1, |last| last.saturating_add(1)))
    }

    /// Keeps a file of the disk. Returns its hash and size.
    pub async fn keep_file(&mut self, path: &std::path::Path) -> Result<([u8; 32], u64), StoreError> {
        blobs::keep(&mut self.tx, self.account, path).await
    }

    /// Notes which rows of the old system have become which messages.
    pub async fn note_adopted(&mut self, source: Uuid, rows: &[AdoptedMessage]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        // An array of arrays must be a rectangle, so missing files travel as JSON.
        let missing: Vec<serde_json::Value> = rows.iter().map(|row| serde_json::json!(row.missing_files)).collect();
        sqlx::query!(
            "INSERT INTO adopted_messages (source, account_id, old_id, message_id, waits, guessed, status, missing_files,
                    rfc_message_id, peer, outgoing, at, text_key, has_media, file_size)
             SELECT $1::uuid, n.account_id, n.old_id, n.message_id, n.waits, n.guessed, n.status,
                    ARRAY(SELECT jsonb_array_elements_text(n.missing)), n.rfc, n.peer, n.outgoing, n.at, n.text_key,
                    n.has_media, n.file_size
             FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::boolean[], $6::text[], $7::jsonb[], $8::text[],
                         $9::text[], $10::boolean[], $11::timestamptz[], $12::bigint[], $13::boolean[], $14::bigint[],
                         $15::boolean[])
                  AS n (account_id, old_id, message_id, waits, status, missing, rfc, peer, outgoing, at, text_key,
                        has_media, file_size, guessed)
             ON CONFLICT (source, old_id) DO NOTHING",
            source,
            &rows.iter().map(|row| row.account.0).collect::<Vec<_>>(),
            &rows.iter().map(|row| row.old_id.clone()).collect::<Vec<_>>(),
            &rows.iter().map(|row| row.message.0).collect::<Vec<_>>(),
            &rows.iter().map(|row| row.waits).collect::<Vec<_>>(),
            &rows.iter().map(|row| row.status.clone()).collect::<Vec<_>>(),
            &missing,
            &rows.iter().map(|row| row.rfc_message_id.clone()).collect::<Vec<_>>() as &[Option<String>],
            &rows.iter().map(|row| row.peer.clone()).collect::<Vec<_>>(),
            &rows.iter().map(|row| row.trace.outgoing).collect::<Vec<_>>(),
            &rows.iter().map(|row| row.trace.at).collect::<Vec<_>>(),
            &rows.iter().map(|row| row.trace.text).collect::<Vec<_>>() as &[Option<i64>],
            &rows.iter().map(|row| row.trace.has_media).collect::<Vec<_>>(),
            &rows.iter().map(|row| row.trace.size).collect::<Vec<_>>() as &[Option<i64>],
            &rows.iter().map(|row| row.guessed).collect::<Vec<_>>(),
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Gives messages that came over their files.
    pub async fn insert_adopted_files(&mut self, files: &[AdoptedFile], now: OffsetDateTime) -> Result<(), StoreError> {
        if files.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "INSERT INTO attachments (account_id, id, message_id, name, mime, size, sha256, media_kind)
             SELECT $1::uuid, * FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::bytea[],
                                            $8::text[])",
            self.account.0,
            &files.iter().map(|_| AttachmentId::new(now).0).collect::<Vec<_>>(),
            &files.iter().map(|file| file.message.0).collect::<Vec<_>>(),
            &files.iter().map(|file| file.name.clone()).collect::<Vec<_>>(),
            &files.iter().map(|file| file.mime.clone()).collect::<Vec<_>>(),
            &files.iter().map(|file| i64::try_from(file.size).unwrap_or(i64::MAX)).collect::<Vec<_>>(),
            &files.iter().map(|file| file.sha256.as_slice()).collect::<Vec<_>>() as &[&[u8]],
            &files.iter().map(|file| file.kind.map(|kind| kind.as_str().to_owned())).collect::<Vec<_>>()
                as &[Option<String>],
        )
        .execute(&mut *self.tx)
        .await?;
        let mut counts: BTreeMap<Uuid, i32> = BTreeMap::new();
        for file in files {
            *counts.entry(file.message.0).or_default() += 1;
        }
        sqlx::query!(
            "UPDATE messages m SET file_count = n.files FROM unnest($2::uuid[], $3::integer[]) AS n (id, files)
             WHERE m.account_id = $1 AND m.id = n.id",
            self.account.0,
            &counts.keys().copied().collect::<Vec<_>>(),
            &counts.values().copied().collect::<Vec<_>>()
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Returns what waits with these Message-IDs.
    pub async fn waiting_by_id(&mut self, ids: &[String]) -> Result<Vec<Waiting>, StoreError> {
        let rows = sqlx::query_as!(
            WaitingRow,
            r#"SELECT DISTINCT ON (a.message_id) a.account_id, a.message_id, m.conversation_id, m.seen, a.rfc_message_id,
                    a.peer, a.outgoing, a.at, a.text_key, a.has_media, a.file_size, a.guessed, a.source,
                    ARRAY(SELECT o.source FROM adopted_messages o
                          WHERE o.account_id = a.account_id AND o.message_id = a.message_id) AS "sources!"
             FROM adopted_messages a JOIN messages m ON m.account_id = $1 AND m.id = a.message_id
             WHERE a.account_id = $1 AND a.waits AND a.rfc_message_id = ANY($2)
             ORDER BY a.message_id"#,
            self.account.0,
            ids
        )
        .fetch_all(&mut *self.tx)
        .await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// Returns what stands in another account by a guess and waits: with these Message-IDs, or without one with these
    /// correspondents between two moments. Of accounts whose turn is not held it returns nothing and notes that it is
    /// wanted ([`Self::wanted_turns`]): whoever waited for one while holding another would wait for ever once two did so.
    pub async fn guessed_elsewhere(
        &mut self,
        ids: &[String],
        peers: &[String],
        between: (OffsetDateTime, OffsetDateTime),
    ) -> Result<Vec<Waiting>, StoreError> {
        let (held, wanted): (Vec<Waiting>, Vec<Waiting>) = self
            .guessed(ids, peers, between)
            .await?
            .into_iter()
            .partition(|waiting| self.turns.contains(&waiting.account));
        self.wanted.extend(wanted.into_iter().map(|waiting| waiting.account));
        Ok(held)
    }

    /// Accounts in which something waits for what this transaction stores, and whose turns it does not hold. Where there
    /// are any, it is not committed but begun again with their turns.
    pub const fn wanted_turns(&self) -> &BTreeSet<AccountId> {
        &self.wanted
    }

    async fn guessed(
        &mut self,
        ids: &[String],
        peers: &[String],
        (from, to): (OffsetDateTime, OffsetDateTime),
    ) -> Result<Vec<Waiting>, StoreError> {
        let rows = sqlx::query_as!(
            WaitingRow,
            r#"SELECT DISTINCT ON (a.account_id, a.message_id) a.account_id, a.message_id, m.conversation_id, m.seen,
                    a.rfc_message_id, a.peer, a.outgoing, a.at, a.text_key, a.has_media, a.file_size, a.guessed, a.source,
                    ARRAY(SELECT o.source FROM adopted_messages o
                          WHERE o.account_id = a.account_id AND o.message_id = a.message_id) AS "sources!"
             FROM adopted_messages a JOIN messages m ON m.account_id = a.account_id AND m.id = a.message_id
             WHERE a.account_id <> $1 AND a.waits AND a.guessed
               AND (a.rfc_message_id = ANY($2)
                    OR a.rfc_message_id IS NULL AND a.peer = ANY($3) AND a.at BETWEEN $4 AND $5)
             ORDER BY a.account_id, a.message_id"#,
            self.account.0,
            ids,
            peers,
            from,
            to
        )
        .fetch_all(&mut *self.tx)
        .await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// Returns what waits by a guess in the other accounts of this transaction and stands in this account as well, told by its
    /// server or without a guess: the same Message-ID, direction and text. With each, the message here and its conversation.
    pub async fn adopted_twins(&mut self) -> Result<Vec<(Waiting, MessageId, ConversationId)>, StoreError> {
        let others: Vec<Uuid> = self.turns.iter().map(|account| account.0).filter(|id| *id != self.account.0).collect();
        let rows = sqlx::query!(
            r#"SELECT DISTINCT ON (a.account_id, a.message_id) a.account_id, a.message_id, m.conversation_id, m.seen,
                      a.rfc_message_id, a.peer, a.outgoing, a.at, a.text_key, a.has_media, a.file_size, a.source,
                      n.id, n.conversation_id AS into_id, n.body_text,
                      ARRAY(SELECT o.text_key FROM adopted_messages o
                            WHERE o.account_id = n.account_id AND o.message_id = n.id) AS "texts!: Vec<Option<i64>>"
               FROM adopted_messages a
               JOIN messages m ON m.account_id = a.account_id AND m.id = a.message_id
               JOIN mail_threads t ON t.account_id = $1 AND t.rfc_message_id = a.rfc_message_id
               JOIN conversations met ON met.account_id = $1 AND met.id = t.conversation_id
               JOIN messages n ON n.account_id = $1 AND n.conversation_id = coalesce(met.merged_into, met.id)
                    AND n.rfc_message_id = a.rfc_message_id AND (n.direction = 'out') = a.outgoing AND n.removed_at IS NULL
               WHERE a.account_id = ANY($2) AND a.waits AND a.guessed
                 AND NOT EXISTS (SELECT 1 FROM adopted_messages g WHERE g.account_id = $1 AND g.message_id = n.id
                                 AND g.waits AND g.guessed)
               ORDER BY a.account_id, a.message_id, n.id"#,
            self.account.0,
            &others
        )
        .fetch_all(&mut *self.tx)
        .await?;
        let same = rows
            .into_iter()
            .filter(|row| row.texts.contains(&row.text_key) || crate::adopt::text_key(&row.body_text) == row.text_key);
        Ok(same
            .map(|row| {
                let waiting = WaitingRow {
                    account_id: row.account_id,
                    message_id: row.message_id,
                    conversation_id: row.conversation_id,
                    seen: row.seen,
                    rfc_message_id: row.rfc_message_id,
                    peer: row.peer,
                    outgoing: row.outgoing,
                    at: row.at,
                    text_key: row.text_key,
                    has_media: row.has_media,
                    file_size: row.file_size,
                    guessed: true,
                    source: row.source,
                    sources: vec![row.source],
                };
                (waiting.into(), MessageId(row.id), ConversationId(row.into_id))
            })
            .collect())
    }

    /// Returns what waits without a Message-ID with these correspondents between two moments.
    pub async fn waiting_between(
        &mut self,
        peers: &[String],
        (from, to): (OffsetDateTime, OffsetDateTime),
    ) -> Result<Vec<Waiting>, StoreError> {
        let rows = sqlx::query_as!(
            WaitingRow,
            r#"SELECT DISTINCT ON (a.message_id) a.account_id, a.message_id, m.conversation_id, m.seen, a.rfc_message_id,
                    a.peer, a.outgoing, a.at, a.text_key, a.has_media, a.file_size, a.guessed, a.source,
                    ARRAY(SELECT o.source FROM adopted_messages o
                          WHERE o.account_id = a.account_id AND o.message_id = a.message_id) AS "sources!"
             FROM adopted_messages a JOIN messages m ON m.account_id = $1 AND m.id = a.message_id
             WHERE a.account_id = $1 AND a.waits AND a.peer = ANY($2) AND a.at BETWEEN $3 AND $4
               AND a.rfc_message_id IS NULL
             ORDER BY a.message_id"#,
            self.account.0,
            peers,
            from,
            to
        )
        .fetch_all(&mut *self.tx)
        .await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// Deletes messages that came over, whose server's own are stored in the same transaction. Their conversations stay;
    /// returns those that are empty now.
    pub async fn clear_adopted(
        &mut self,
        messages: &[Waiting],
    ) -> Result<Vec<(AccountId, ConversationId)>, StoreError> {
        let mut emptied = Vec::new();
        let accounts: BTreeSet<AccountId> = messages.iter().map(|waiting| waiting.account).collect();
        for account in accounts {
            let of_account: Vec<&Waiting> = messages.iter().filter(|waiting| waiting.account == account).collect();
            let own = std::mem::replace(&mut self.account, account);
            let cleared = self.clear_own(&of_account).await;
            self.account = own;
            emptied.extend(cleared?.into_iter().map(|conversation| (account, conversation)));
            if account != own {
                for waiting in of_account {
                    let of =
                        |kind, message| (account, Fact { kind, conversation: Some(waiting.conversation), message });
                    self.elsewhere.push(of(FactKind::MessageGone, Some(waiting.message)));
                    self.elsewhere.push(of(FactKind::ConversationChanged, None));
                }
            }
        }
        Ok(emptied)
    }

    async fn clear_own(&mut self, messages: &[&Waiting]) -> Result<Vec<ConversationId>, StoreError> {
        let ids: Vec<Uuid> = messages.iter().map(|waiting| waiting.message.0).collect();
        sqlx::query!("DELETE FROM message_places WHERE account_id = $1 AND message_id = ANY($2)", self.account.0, &ids)
            .execute(&mut *self.tx)
            .await?;
        let gone = sqlx::query!(
            r#"DELETE FROM messages m WHERE m.account_id = $1 AND m.id = ANY($2)
               RETURNING m.id, m.conversation_id, NOT m.seen AND m.direction = 'in' AS "unread!", m.file_count"#,
            self.account.0,
            &ids
        )
        .fetch_all(&mut *self.tx)
        .await?;
        let ids: Vec<Uuid> = gone.iter().map(|row| row.id).collect();
        let conversations: Vec<Uuid> = gone.iter().map(|row| row.conversation_id).collect();
        let unread: Vec<bool> = gone.iter().map(|row| row.unread).collect();
        let emptied = self.count_out(&ids, &conversations, &unread).await?;
        sqlx::query!(
            "UPDATE conversations c SET file_count = c.file_count - n.files
             FROM (SELECT id, sum(files)::integer AS files FROM unnest($2::uuid[], $3::integer[]) AS g (id, files)
                   GROUP BY id) n
             WHERE c.account_id = $1 AND c.id = n.id AND n.files > 0",
            self.account.0,
            &conversations,
            &gone.iter().map(|row| row.file_count).collect::<Vec<_>>()
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(emptied.into_iter().map(ConversationId).collect())
    }

    /// Whether a conversation has no message.
    pub async fn is_empty(&mut self, conversation: ConversationId) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"SELECT NOT EXISTS (SELECT 1 FROM messages WHERE account_id = $1 AND conversation_id = $2) AS "empty!""#,
            self.account.0,
            conversation.0
        )
        .fetch_one(&mut *self.tx)
        .await?)
    }

    /// Notes that the server has told of messages that came over: which they are now.
    pub async fn adopted_became(&mut self, became: &[(AccountId, MessageId, MessageId)]) -> Result<(), StoreError> {
        sqlx::query!(
            "UPDATE adopted_messages a SET account_id = $1, message_id = n.now, waits = false
             FROM unnest($2::uuid[], $3::uuid[], $4::uuid[]) AS n (account_id, before, now)
             WHERE a.account_id = n.account_id AND a.message_id = n.before",
            self.account.0,
            &became.iter().map(|(account, ..)| account.0).collect::<Vec<_>>(),
            &became.iter().map(|(_, before, _)| before.0).collect::<Vec<_>>(),
            &became.iter().map(|(.., now)| now.0).collect::<Vec<_>>()
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// A conversation that has given all its messages to one of this account gives it what else is known of it, and is no
    /// more. One that somebody has begun to use stays.
    pub async fn leave_empty(
        &mut self,
        (account, from): (AccountId, ConversationId),
        into: ConversationId,
    ) -> Result<(), StoreError> {
        let left = sqlx::query_scalar!(
            "DELETE FROM conversations c WHERE c.account_id = $1 AND c.id = $2
             AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.account_id = $1 AND m.conversation_id = $2)
             AND NOT EXISTS (SELECT 1 FROM outgoing o WHERE o.account_id = $1 AND o.conversation_id = $2)
             AND NOT EXISTS (SELECT 1 FROM drafts d WHERE d.account_id = $1 AND d.conversation_id = $2)
             AND NOT EXISTS (SELECT 1 FROM conversations o WHERE o.account_id = $1 AND o.merged_into = $2)
             RETURNING c.assignee",
            account.0,
            from.0
        )
        .fetch_optional(&mut *self.tx)
        .await?;
        let Some(assignee) = left else { return Ok(()) };
        sqlx::query!(
            "WITH notes AS (
                 UPDATE adopted_notes SET account_id = $3, conversation_id = $4
                 WHERE account_id = $1 AND conversation_id = $2
             ), rows AS (
                 UPDATE adopted_rows SET account_id = $3, our_id = $4
                 WHERE kind = 'conversation' AND account_id = $1 AND our_id = $2
             ), keys AS (
                 DELETE FROM adopted_conversations WHERE account_id = $1 AND conversation_id = $2
             )
             UPDATE conversations SET assignee = coalesce(assignee, $5) WHERE account_id = $3 AND id = $4",
            account.0,
            from.0,
            self.account.0,
            into.0,
            assignee
        )
        .execute(&mut *self.tx)
        .await?;
        let merged = Fact { kind: FactKind::ConversationMerged, conversation: Some(from), message: None };
        self.elsewhere.push((account, merged));
        Ok(())
    }

    /// Gives a conversation that was known by a number or a username the chat it turns out to be.
    pub async fn claim_chat(
        &mut self,
        conversation: ConversationId,
        chat: &crate::connector::Chat,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "UPDATE conversations SET remote_peer = $3, chat_kind = $4
             WHERE account_id = $1 AND id = $2 AND remote_peer IS NULL",
            self.account.0,
            conversation.0,
            chat.key.to_string(),
            chat.kind.as_str()
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Moves what waits under one key to a chat's.
    pub async fn rekey_waiting(&mut self, from: &[String], to: &str) -> Result<(), StoreError> {
        sqlx::query!(
            "UPDATE adopted_messages SET peer = $3 WHERE account_id = $1 AND waits AND peer = ANY($2)",
            self.account.0,
            from,
            to
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}

struct WaitingRow {
    account_id: Uuid,
    message_id: Uuid,
    conversation_id: Uuid,
    seen: bool,
    rfc_message_id: Option<String>,
    peer: String,
    outgoing: bool,
    at: OffsetDateTime,
    text_key: Option<i64>,
    has_media: bool,
    file_size: Option<i64>,
    guessed: bool,
    source: Uuid,
    sources: Vec<Uuid>,
}

impl From<WaitingRow> for Waiting {
    fn from(row: WaitingRow) -> Self {
        Self {
            account: AccountId(row.account_id),
            message: MessageId(row.message_id),
            conversation: ConversationId(row.conversation_id),
            read: row.seen,
            rfc_message_id: row.rfc_message_id,
            peer: row.peer,
            source: row.source,
            sources: row.sources,
            trace: Trace {
                outgoing: row.outgoing,
                at: row.at,
                text: row.text_key,
                has_media: row.has_media,
                size: row.file_size,
                guessed: row.guessed,
                common: false,
            },
        }
    }
}
