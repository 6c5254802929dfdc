//! `messages`: a conversation's pages, one message, the export.

use std::collections::VecDeque;

use futures_util::{Stream, stream};
use serde::Deserialize;
use sqlx::{PgConnection, Postgres, Transaction};
use time::{OffsetDateTime, UtcOffset};

use super::{Store, StoreError, StoredChat, StoredFile, attachments, chats, place};
use crate::model::{AccountId, Address, Channel, ConversationId, Direction, MessageId, Place};

/// Messages that an export reads at a time: few enough for memory when each is large.
const EXPORT_PAGE: i64 = 200;

/// A message as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredMessage {
    /// Its account.
    pub account: AccountId,
    /// Its key within the account.
    pub id: MessageId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// Whose it is.
    pub direction: Direction,
    /// Who wrote it.
    pub author: Address,
    /// To.
    pub to: Vec<Address>,
    /// Cc.
    pub cc: Vec<Address>,
    /// Its own subject.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// Whether there is an HTML body.
    pub has_html: bool,
    /// The sender's own date in the sender's own offset.
    pub sent_at: Option<OffsetDateTime>,
    /// When its server received it.
    pub received_at: OffsetDateTime,
    /// When it reached a computer of the bureau.
    pub arrived_at: OffsetDateTime,
    /// When it was stored.
    pub stored_at: OffsetDateTime,
    /// Whether it was read.
    pub seen: bool,
    /// Whether its server says it was answered.
    pub answered: bool,
    /// When it was found to be gone from its server.
    pub deleted_at: Option<OffsetDateTime>,
    /// When what it said was removed because its author asked for it.
    pub removed_at: Option<OffsetDateTime>,
    /// Why it could not be read.
    pub unreadable: Option<String>,
    /// Size of the untouched bytes.
    pub size: i64,
    /// Its files.
    pub files: Vec<StoredFile>,
    /// What a chat message has beside a mail.
    pub chat: Option<Box<StoredChat>>,
}

/// A place in a conversation: the message it precedes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessagePosition {
    /// When that message was received.
    pub received_at: OffsetDateTime,
    /// That message.
    pub id: MessageId,
}

/// A message as `skrynka export messages` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedMessage {
    /// Its key within the account.
    pub id: MessageId,
    /// Its account.
    pub account: AccountId,
    /// Its network.
    pub channel: Channel,
    /// Its conversation.
    pub conversation: ConversationId,
    /// Where it was first seen on the server.
    pub place: Option<Place>,
    /// Whose it is.
    pub direction: Direction,
    /// Who wrote it.
    pub author: Address,
    /// To.
    pub to: Vec<Address>,
    /// Its subject.
    pub subject: String,
    /// Its plain text.
    pub text: String,
    /// The sender's own date.
    pub sent_at: Option<OffsetDateTime>,
    /// When its server received it.
    pub received_at: OffsetDateTime,
    /// When it was stored.
    pub stored_at: OffsetDateTime,
    /// Whether it was edited.
    pub edited: bool,
    /// Whether it is gone from its server.
    pub deleted: bool,
    /// Its files.
    pub files: Vec<ExportedFile>,
    /// Whether it stands in quarantine.
    pub quarantined: bool,
}

/// A file of an exported message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ExportedFile {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub mime: String,
    /// Its size in bytes.
    pub size: i64,
    /// SHA-256 of its content in hex; `None` while it was not fetched.
    pub sha256: Option<String>,
}

/// The most items that an album has.
const ALBUM: i64 = 10;

struct MessageRow {
    account_id: uuid::Uuid,
    id: uuid::Uuid,
    conversation_id: uuid::Uuid,
    direction: String,
    author_name: String,
    author_address: String,
    recipients_to: serde_json::Value,
    recipients_cc: serde_json::Value,
    subject: String,
    body_text: String,
    has_html: bool,
    sent_at: Option<OffsetDateTime>,
    sent_offset: Option<i16>,
    received_at: OffsetDateTime,
    arrived_at: OffsetDateTime,
    stored_at: OffsetDateTime,
    seen: bool,
    answered: bool,
    deleted_at: Option<OffsetDateTime>,
    removed_at: Option<OffsetDateTime>,
    reason: Option<String>,
    size: i64,
}

impl TryFrom<MessageRow> for StoredMessage {
    type Error = StoreError;

    fn try_from(row: MessageRow) -> Result<Self, Self::Error> {
        Ok(Self {
            account: AccountId(row.account_id),
            id: MessageId(row.id),
            conversation: ConversationId(row.conversation_id),
            direction: row.direction.parse().map_err(StoreError::Inconsistent)?,
            author: Address { name: row.author_name, address: row.author_address },
            to: addresses(row.recipients_to)?,
            cc: addresses(row.recipients_cc)?,
            subject: row.subject,
            text: row.body_text,
            has_html: row.has_html,
            sent_at: in_offset(row.sent_at, row.sent_offset),
            received_at: row.received_at,
            arrived_at: row.arrived_at,
            stored_at: row.stored_at,
            seen: row.seen,
            answered: row.answered,
            deleted_at: row.deleted_at,
            removed_at: row.removed_at,
            unreadable: row.reason,
            size: row.size,
            files: Vec::new(),
            chat: None,
        })
    }
}

impl Store {
    /// Returns a page of a conversation: `limit` messages before `before` (`None`: the latest), oldest first; fewer where
    /// the conversation begins. An album is one message and is never cut, for which the page may be a little longer.
    pub async fn messages(
        &self,
        account: AccountId,
        conversation: ConversationId,
        before: Option<MessagePosition>,
        limit: i64,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        let mut before = before.unwrap_or(MessagePosition {
            received_at: time::macros::datetime!(9999-01-01 0:00 UTC),
            id: MessageId(uuid::Uuid::max()),
        });
        let mut page: Vec<StoredMessage> = Vec::new();
        let mut wanted = limit;
        while wanted > 0 {
            let mut part = self.rows_before(account, conversation, before, wanted).await?;
            let more = i64::try_from(part.len()).is_ok_and(|found| found == wanted);
            let Some(first) = part.first() else { break };
            before = MessagePosition { received_at: first.received_at, id: first.id };
            self.complete(account, &mut part).await?;
            let album = part.first().and_then(|first| first.chat.as_ref()?.album);
            part.append(&mut page);
            page = part;
            if !more {
                break;
            }
            wanted = limit - chats::count_folded(&page);
            if let Some(album) = album
                && self.album_items(account, conversation, album).await?.first() != Some(&before.id)
            {
                wanted = wanted.max(ALBUM);
            }
        }
        Ok(chats::fold_albums(page))
    }

    /// Returns the place of the `n`th message after one of a conversation; `None` where fewer follow.
    pub async fn position_after(
        &self,
        account: AccountId,
        conversation: ConversationId,
        message: MessageId,
        n: u16,
    ) -> Result<Option<MessagePosition>, StoreError> {
        let row = sqlx::query!(
            "SELECT m.received_at, m.id FROM messages m
             JOIN messages f ON f.account_id = $1 AND f.id = $3
             WHERE m.account_id = $1 AND m.conversation_id = $2
               AND (m.received_at, m.id) > (f.received_at, f.id)
             ORDER BY m.received_at, m.id OFFSET $4 LIMIT 1",
            account.0,
            conversation.0,
            message.0,
            i64::from(n.max(1)) - 1
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| MessagePosition { received_at: row.received_at, id: MessageId(row.id) }))
    }

    async fn rows_before(
        &self,
        account: AccountId,
        conversation: ConversationId,
        before: MessagePosition,
        limit: i64,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        let rows = sqlx::query_as!(
            MessageRow,
            r#"SELECT m.account_id, m.id, m.conversation_id, m.direction, m.author_name, m.author_address,
                      m.recipients_to, m.recipients_cc, m.subject, m.body_text, m.has_html, m.sent_at, m.sent_offset,
                      m.received_at, m.arrived_at, m.stored_at, m.seen, m.answered, m.deleted_at, m.removed_at,
                      q.reason AS "reason?", m.size
               FROM messages m
               LEFT JOIN quarantine q ON q.account_id = m.account_id AND q.message_id = m.id
               WHERE m.account_id = $1 AND m.conversation_id = $2 AND (m.received_at, m.id) < ($3, $4)
               ORDER BY m.received_at DESC, m.id DESC LIMIT $5"#,
            account.0,
            conversation.0,
            before.received_at,
            before.id.0,
            limit
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().rev().map(TryInto::try_into).collect()
    }

    /// Gives messages of one account what stands in other tables.
    async fn complete(&self, account: AccountId, messages: &mut [StoredMessage]) -> Result<(), StoreError> {
        attachments::attach(self, account, messages).await?;
        chats::attach(self, account, messages).await
    }

    /// Returns one message; for any item of an album, the album.
    pub async fn message(&self, account: AccountId, id: MessageId) -> Result<StoredMessage, StoreError> {
        let message = self.item(account, id).await?;
        let Some(album) = message.chat.as_ref().and_then(|chat| chat.album) else { return Ok(message) };
        let mut items = Vec::new();
        for item in self.album_items(account, message.conversation, album).await? {
            items.push(self.item(account, item).await?);
        }
        chats::fold_albums(items).into_iter().next().ok_or(StoreError::NotFound("the message"))
    }

    async fn item(&self, account: AccountId, id: MessageId) -> Result<StoredMessage, StoreError> {
        let row = sqlx::query_as!(
            MessageRow,
            r#"SELECT m.account_id, m.id, m.conversation_id, m.direction, m.author_name, m.author_address,
                      m.recipients_to, m.recipients_cc, m.subject, m.body_text, m.has_html, m.sent_at, m.sent_offset,
                      m.received_at, m.arrived_at, m.stored_at, m.seen, m.answered, m.deleted_at, m.removed_at,
                      q.reason AS "reason?", m.size
               FROM messages m
               LEFT JOIN quarantine q ON q.account_id = m.account_id AND q.message_id = m.id
               WHERE m.account_id = $1 AND m.id = $2"#,
            account.0,
            id.0
        )
        .fetch_optional(&self.pool)
        .await?;
        let mut messages = vec![row.ok_or(StoreError::NotFound("the message"))?.try_into()?];
        self.complete(account, &mut messages).await?;
        messages.pop().ok_or(StoreError::NotFound("the message"))
    }

    /// Counts stored, unread and quarantined messages of every account.
    pub async fn message_counts(&self) -> Result<Vec<(AccountId, [i64; 3])>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT a.id AS "id!", coalesce(c.stored, 0) AS "stored!", coalesce(c.unread, 0) AS "unread!",
                      (SELECT count(*) FROM quarantine q WHERE q.account_id = a.id) AS "quarantined!"
               FROM accounts a LEFT JOIN (
                   SELECT account_id, sum(message_count) AS stored, sum(unread_count) AS unread
                   FROM conversations GROUP BY account_id) c ON c.account_id = a.id
               WHERE a.removed_at IS NULL"#
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|row| (AccountId(row.id), [row.stored, row.unread, row.quarantined])).collect())
    }

    /// Streams messages by account and key, those of one account and since one moment where asked for: what was stored
    /// when the first was asked for, page by page, so that the reader may take its time.
    pub fn export(
        &self,
        account: Option<AccountId>,
        since: Option<OffsetDateTime>,
    ) -> impl Stream<Item = Result<ExportedMessage, StoreError>> + Send + '_ {
        let state = Export { snapshot: None, after: (uuid::Uuid::nil(), uuid::Uuid::nil()), page: VecDeque::new() };
        stream::try_unfold(Some(state), move |state| async move {
            let Some(mut state) = state else { return Ok(None) };
            if let Some(message) = state.page.pop_front() {
                return Ok(Some((message, Some(state))));
            }
            let mut snapshot = match state.snapshot.take() {
                Some(snapshot) => snapshot,
                None => self.snapshot().await?,
            };
            let page = export_page(&mut snapshot, account, since, state.after).await?;
            let Some((_, last)) = page.last() else { return Ok(None) };
            state.after = *last;
            state.snapshot = Some(snapshot);
            state.page = page.into_iter().map(|(message, _)| message).collect();
            Ok(state.page.pop_front().map(|message| (message, Some(state))))
        })
    }

    /// Begins a transaction that sees the database as it is now until it ends.
    async fn snapshot(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query!("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").execute(&mut *tx).await?;
        sqlx::query!("SET LOCAL idle_in_transaction_session_timeout = '1h'").execute(&mut *tx).await?;
        Ok(tx)
    }
}

/// An export on its way.
struct Export {
    snapshot: Option<Transaction<'static, Postgres>>,
    /// Account and key of the last message that was read.
    after: (uuid::Uuid, uuid::Uuid),
    page: VecDeque<ExportedMessage>,
}

async fn export_page(
    connection: &mut PgConnection,
    account: Option<AccountId>,
    since: Option<OffsetDateTime>,
    after: (uuid::Uuid, uuid::Uuid),
) -> Result<Vec<(ExportedMessage, (uuid::Uuid, uuid::Uuid))>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT m.account_id, m.id, a.channel, m.conversation_id, m.direction, m.author_name, m.author_address,
                  m.recipients_to, m.subject, m.body_text, m.sent_at, m.sent_offset, m.received_at, m.stored_at,
                  m.edited_at IS NOT NULL AS "edited!", m.deleted_at IS NOT NULL AS "deleted!",
                  m.kind = 'unreadable' AS "quarantined!",
                  p.mailbox AS "mailbox?", p.epoch AS "epoch?", p.number AS "number?",
                  (SELECT coalesce(jsonb_agg(jsonb_build_object('name', f.name, 'mime', f.mime, 'size', f.size,
                              'sha256', encode(f.sha256, 'hex')) ORDER BY f.part), '[]')
                   FROM attachments f WHERE f.account_id = m.account_id AND f.message_id = m.id
                        AND f.replaced_at IS NULL) AS "files!",
                  v.peer_name, v.peer_address, v.remote_peer, a.name AS account_name
           -- The page comes first: what it is joined with is never put together for all that follows it.
           FROM (SELECT * FROM messages m
                 WHERE ($1::uuid IS NULL OR m.account_id = $1) AND ($2::timestamptz IS NULL OR m.received_at >= $2)
                   AND (m.account_id, m.id) > ($3, $4)
                 ORDER BY m.account_id, m.id LIMIT $5) m
           JOIN accounts a ON a.id = m.account_id
           JOIN conversations v ON v.account_id = m.account_id AND v.id = m.conversation_id
           LEFT JOIN LATERAL (
               SELECT p.mailbox, p.epoch, p.number FROM message_places p
               WHERE p.account_id = m.account_id AND p.message_id = m.id
               ORDER BY p.gone_at IS NOT NULL, p.epoch, p.mailbox, p.number LIMIT 1
           ) p ON true
           ORDER BY m.account_id, m.id"#,
        account.map(|id| id.0),
        since,
        after.0,
        after.1,
        EXPORT_PAGE
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let place = match (row.mailbox, row.epoch, row.number) {
                (Some(mailbox), Some(epoch), Some(number)) => Some(place(mailbox, epoch, number)?),
                _ => None,
            };
            let message = ExportedMessage {
                id: MessageId(row.id),
                account: AccountId(row.account_id),
                channel: row.channel.parse().map_err(StoreError::Inconsistent)?,
                conversation: ConversationId(row.conversation_id),
                place,
                direction: row.direction.parse().map_err(StoreError::Inconsistent)?,
                author: Address { name: row.author_name, address: row.author_address },
                to: match (&row.remote_peer, row.direction.as_str()) {
                    (None, _) => addresses(row.recipients_to)?,
                    // What is written to us in a private chat is written to the account, all else to the chat.
                    (Some(peer), "in") if peer.starts_with("user:") => {
                        vec![Address { name: row.account_name, address: String::new() }]
                    }
                    (Some(_), _) => vec![Address { name: row.peer_name, address: row.peer_address }],
                },
                subject: row.subject,
                text: row.body_text,
                sent_at: in_offset(row.sent_at, row.sent_offset),
                received_at: row.received_at,
                stored_at: row.stored_at,
                edited: row.edited,
                deleted: row.deleted,
                files: serde_json::from_value(row.files).map_err(inconsistent)?,
                quarantined: row.quarantined,
            };
            Ok((message, (row.account_id, row.id)))
        })
        .collect()
}

fn addresses(json: serde_json::Value) -> Result<Vec<Address>, StoreError> {
    serde_json::from_value(json).map_err(inconsistent)
}

fn inconsistent(error: serde_json::Error) -> StoreError {
    StoreError::Inconsistent(format!("a message's row: {error}"))
}

fn in_offset(at: Option<OffsetDateTime>, minutes: Option<i16>) -> Option<OffsetDateTime> {
    let offset = UtcOffset::from_whole_seconds(i32::from(minutes.unwrap_or(0)) * 60).unwrap_or(UtcOffset::UTC);
    at.map(|at| at.to_offset(offset))
}
