//! `conversations`: the list and its counts.

use time::OffsetDateTime;

use super::{Fact, FactKind, Store, StoreError, journal, outgoing, place};
use crate::model::{AccountId, Channel, ChatKey, ChatKind, ConversationId, Direction, MessageId, Place, Triage};

/// A conversation as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationSummary {
    /// Its account.
    pub account: AccountId,
    /// Its key within the account.
    pub id: ConversationId,
    /// The other side's name; may be empty.
    pub peer_name: String,
    /// The other side's address; may be empty.
    pub peer_address: String,
    /// The subject without reply marks.
    pub subject: String,
    /// The first words of the latest message.
    pub snippet: String,
    /// When the latest message was received.
    pub last_at: OffsetDateTime,
    /// Whose it is.
    pub last_direction: Direction,
    /// Whether it could not be read.
    pub last_unreadable: bool,
    /// Messages in all.
    pub messages: i32,
    /// Unread messages.
    pub unread: i32,
    /// Files in all.
    pub files: i32,
    /// Until when nobody is told of its messages; it may be past.
    pub muted_until: Option<OffsetDateTime>,
    /// Whose turn it is.
    pub triage: Triage,
    /// Who in the bureau takes care of it.
    pub assignee: Option<String>,
    /// Texts of ours that were not sent, or perhaps not.
    pub stuck_texts: i64,
    /// Of a chat.
    pub chat: Option<ChatOfSummary>,
}

/// What a chat's row has beside a thread's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatOfSummary {
    /// Which chat; none where nothing but a number or a name is known, until its server tells of it.
    pub key: Option<ChatKey>,
    /// What kind of chat, where that is known.
    pub kind: Option<ChatKind>,
    /// Who wrote the latest message, where several write.
    pub last_author: String,
    /// What the latest message is, where it is not text: a kind of file, `location`, `contact`, `poll`, `service`.
    pub last_media: Option<String>,
}

/// Which conversations are listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConversationListing {
    /// What they have in common.
    pub view: ConversationView,
    /// Only this account.
    pub account: Option<AccountId>,
    /// Only of this network.
    pub channel: Option<Channel>,
    /// Only those with unread messages.
    pub unread_only: bool,
}

/// What the conversations of a list have in common.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ConversationView {
    /// Nothing: all of them, latest first.
    #[default]
    All,
    /// Somebody takes care of them and they are not done, latest first.
    AssignedTo(String),
    /// Nobody takes care of them and they are not done, latest first.
    Unassigned,
    /// They are open and the last word is the customer's, the oldest first.
    Waiting,
    /// They are done, latest first.
    Done,
}

/// A conversation as somebody saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Which one.
    pub conversation: ConversationId,
    /// When the latest message that they saw was received.
    pub last_at: OffsetDateTime,
    /// How many messages they knew of.
    pub messages: i32,
}

/// A place in the list: the row it follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConversationPosition {
    /// When that row's latest message was received.
    pub last_at: OffsetDateTime,
    /// That row's account.
    pub account: AccountId,
    /// That row's key.
    pub id: ConversationId,
}

impl ConversationSummary {
    /// The place right after this row.
    pub const fn position(&self) -> ConversationPosition {
        ConversationPosition { last_at: self.last_at, account: self.account, id: self.id }
    }
}

/// The counts beside the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConversationCounts {
    /// Conversations in all.
    pub all: i64,
    /// With unread messages.
    pub unread: i64,
    /// Open ones whose last word is the customer's.
    pub waiting: i64,
    /// Of the one who asks, and not done.
    pub mine: i64,
    /// Of nobody, and not done.
    pub unassigned: i64,
    /// Done.
    pub done: i64,
    /// Texts of ours that were not sent, or perhaps not.
    pub stuck_texts: i64,
}

struct SummaryRow {
    account_id: uuid::Uuid,
    id: uuid::Uuid,
    peer_name: String,
    peer_address: String,
    subject: String,
    snippet: String,
    last_at: OffsetDateTime,
    last_direction: String,
    last_unreadable: bool,
    message_count: i32,
    unread_count: i32,
    file_count: i32,
    muted_until: Option<OffsetDateTime>,
    triage: String,
    assignee: Option<String>,
    stuck_texts: i64,
    is_chat: bool,
    remote_peer: Option<String>,
    chat_kind: Option<String>,
    last_author: String,
    last_media: Option<String>,
}

impl TryFrom<SummaryRow> for ConversationSummary {
    type Error = StoreError;

    fn try_from(row: SummaryRow) -> Result<Self, Self::Error> {
        let key =
            row.remote_peer.map(|peer| peer.parse().map_err(|_| StoreError::Inconsistent(format!("a chat {peer:?}"))));
        let kind = row.chat_kind.map(|kind| kind.parse().map_err(StoreError::Inconsistent)).transpose()?;
        let chat = match (row.is_chat, key.transpose()?) {
            (false, _) => None,
            (true, key) => Some(ChatOfSummary {
                key,
                // Nobody but people has a phone.
                kind: kind.or_else(|| row.peer_address.starts_with('+').then_some(ChatKind::Private)),
                last_author: row.last_author,
                last_media: row.last_media,
            }),
        };
        Ok(Self {
            chat,
            account: AccountId(row.account_id),
            id: ConversationId(row.id),
            peer_name: row.peer_name,
            peer_address: row.peer_address,
            subject: row.subject,
            snippet: row.snippet,
            last_at: row.last_at,
            last_direction: row.last_direction.parse().map_err(StoreError::Inconsistent)?,
            last_unreadable: row.last_unreadable,
            messages: row.message_count,
            unread: row.unread_count,
            files: row.file_count,
            muted_until: row.muted_until,
            triage: row.triage.parse().map_err(StoreError::Inconsistent)?,
            assignee: row.assignee,
            stuck_texts: row.stuck_texts,
        })
    }
}

/// One statement per kind of list, so that each walks the partial index made for it. `$1` to `$3` are the place to go
/// on from, `$4` is the limit, `$5` tells chats from mails where only one of them is asked for.
macro_rules! page {
    (latest first, $condition:literal, $($given:expr),+) => {
        page!(@ "<", "last_at DESC, account_id DESC, id DESC", $condition, $($given),+)
    };
    (oldest first, $condition:literal, $($given:expr),+) => {
        page!(@ ">", "last_at, account_id, id", $condition, $($given),+)
    };
    (@ $beyond:literal, $order:literal, $condition:literal, $store:expr, $after:expr, $limit:expr, $chats:expr
     $(, $more:expr)*) => {
        sqlx::query_as!(
            SummaryRow,
            "SELECT account_id, id, peer_name, peer_address, subject, snippet, last_at, last_direction,
                    last_unreadable, message_count, unread_count, file_count, remote_peer, chat_kind, last_author,
                    last_media, muted_until, triage, assignee,
                    EXISTS (SELECT 1 FROM accounts a WHERE a.id = conversations.account_id AND a.channel = 'telegram')
                        AS \"is_chat!\",
                    (SELECT count(*) FROM outgoing o WHERE o.account_id = conversations.account_id
                     AND o.conversation_id = conversations.id AND o.state IN ('failed', 'uncertain'))
                        AS \"stuck_texts!\"
             FROM conversations
             WHERE merged_into IS NULL AND (last_at, account_id, id) " + $beyond + " ($1, $2, $3)
               AND ($5::boolean IS NULL
                    OR (SELECT a.channel = 'telegram' FROM accounts a WHERE a.id = conversations.account_id) = $5)
               AND " + $condition + "
             ORDER BY " + $order + " LIMIT $4",
            $after.last_at,
            $after.account.0,
            $after.id.0,
            $limit,
            $chats
            $(, $more)*
        )
        .fetch_all(&$store.pool)
        .await?
    };
}

impl Store {
    /// Returns a page of conversations in the order of their view that follow `after` (`None`: from the top).
    pub async fn conversations(
        &self,
        listing: &ConversationListing,
        after: Option<ConversationPosition>,
        limit: i64,
    ) -> Result<Vec<ConversationSummary>, StoreError> {
        let chats = listing.channel.map(|channel| channel == Channel::Telegram);
        let (account, unread) = (listing.account.map(|id| id.0), listing.unread_only);
        let latest = after.unwrap_or(LAST);
        let rows = match (&listing.view, account, unread) {
            (ConversationView::All, None, false) => page!(latest first, "true", self, latest, limit, chats),
            (ConversationView::All, None, true) => page!(latest first, "unread_count > 0", self, latest, limit, chats),
            (ConversationView::All, Some(account), false) => {
                page!(latest first, "account_id = $6", self, latest, limit, chats, account)
            }
            (ConversationView::All, Some(account), true) => {
                page!(latest first, "unread_count > 0 AND account_id = $6", self, latest, limit, chats, account)
            }
            (ConversationView::AssignedTo(name), ..) => page!(
                latest first,
                "triage <> 'done' AND assignee = $8 AND ($6::uuid IS NULL OR account_id = $6)
                 AND (unread_count > 0 OR NOT $7)",
                self, latest, limit, chats, account, unread, name
            ),
            (ConversationView::Unassigned, ..) => page!(
                latest first,
                "triage <> 'done' AND assignee IS NULL AND ($6::uuid IS NULL OR account_id = $6)
                 AND (unread_count > 0 OR NOT $7)",
                self, latest, limit, chats, account, unread
            ),
            (ConversationView::Waiting, ..) => page!(
                oldest first,
                "triage = 'open' AND last_direction = 'in' AND ($6::uuid IS NULL OR account_id = $6)
                 AND (unread_count > 0 OR NOT $7)",
                self, after.unwrap_or(FIRST), limit, chats, account, unread
            ),
            (ConversationView::Done, ..) => page!(
                latest first,
                "triage = 'done' AND ($6::uuid IS NULL OR account_id = $6) AND (unread_count > 0 OR NOT $7)",
                self, latest, limit, chats, account, unread
            ),
        };
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Returns the named conversations that exist, latest first. A merged one is answered by the one it became.
    pub async fn conversations_by_key(
        &self,
        keys: &[(AccountId, ConversationId)],
    ) -> Result<Vec<ConversationSummary>, StoreError> {
        let accounts: Vec<uuid::Uuid> = keys.iter().map(|(account, _)| account.0).collect();
        let ids: Vec<uuid::Uuid> = keys.iter().map(|(_, id)| id.0).collect();
        let rows = sqlx::query_as!(
            SummaryRow,
            r#"SELECT c.account_id, c.id, c.peer_name, c.peer_address, c.subject, c.snippet, c.last_at, c.last_direction,
                    c.last_unreadable, c.message_count, c.unread_count, c.file_count, c.remote_peer, c.chat_kind,
                    c.last_author, c.last_media, c.muted_until, c.triage, c.assignee,
                    EXISTS (SELECT 1 FROM accounts a WHERE a.id = c.account_id AND a.channel = 'telegram') AS "is_chat!",
                    (SELECT count(*) FROM outgoing o WHERE o.account_id = c.account_id AND o.conversation_id = c.id
                     AND o.state IN ('failed', 'uncertain')) AS "stuck_texts!"
             FROM conversations c
             WHERE c.merged_into IS NULL AND (c.account_id, c.id) IN (
                 SELECT asked.account_id, coalesce(was.merged_into, asked.id)
                 FROM unnest($1::uuid[], $2::uuid[]) AS asked (account_id, id)
                 LEFT JOIN conversations was ON was.account_id = asked.account_id AND was.id = asked.id)
             ORDER BY c.last_at DESC, c.account_id DESC, c.id DESC"#,
            &accounts,
            &ids
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// How many conversations there are, as the planner last knew: exact counting takes time in a large office.
    pub async fn conversations_stored(&self) -> Result<i64, StoreError> {
        let known = sqlx::query_scalar!(
            r#"SELECT greatest(reltuples, 0)::bigint AS "known!" FROM pg_class WHERE oid = 'conversations'::regclass"#
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(known)
    }

    /// Counts conversations for the sidebar; `me` is the one who asks.
    pub async fn conversation_counts(&self, me: Option<&str>) -> Result<ConversationCounts, StoreError> {
        let row = sqlx::query!(
            r#"SELECT count(*) AS "all!",
                      count(*) FILTER (WHERE unread_count > 0) AS "unread!",
                      count(*) FILTER (WHERE triage = 'open' AND last_direction = 'in') AS "waiting!",
                      count(*) FILTER (WHERE triage <> 'done' AND assignee = $1) AS "mine!",
                      count(*) FILTER (WHERE triage <> 'done' AND assignee IS NULL) AS "unassigned!",
                      count(*) FILTER (WHERE triage = 'done') AS "done!",
                      (SELECT count(*) FROM outgoing WHERE state IN ('failed', 'uncertain')) AS "stuck_texts!"
               FROM conversations WHERE merged_into IS NULL"#,
            me
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(ConversationCounts {
            all: row.all,
            unread: row.unread,
            waiting: row.waiting,
            mine: row.mine,
            unassigned: row.unassigned,
            done: row.done,
            stuck_texts: row.stuck_texts,
        })
    }

    /// Says whose turn it is with conversations of one account. Where the customer wrote more than somebody saw, what
    /// they looked at is not what would be put aside: these stay as they are and are returned.
    pub async fn set_triage(
        &self,
        account: AccountId,
        conversations: &[Seen],
        triage: Triage,
    ) -> Result<Vec<ConversationId>, StoreError> {
        let mut tx = self.begin_for(account).await?;
        let ids: Vec<uuid::Uuid> = conversations.iter().map(|seen| seen.conversation.0).collect();
        let overtaken = sqlx::query_scalar!(
            "SELECT c.id FROM unnest($2::uuid[], $3::timestamptz[], $4::integer[]) AS n (id, last_at, messages)
             JOIN conversations c ON c.account_id = $1 AND c.id = n.id
             WHERE $5 <> 'open' AND c.last_direction = 'in'
               -- Chats count whole seconds: two messages of one differ in their number alone.
               AND (c.last_at > n.last_at OR c.message_count > n.messages)",
            account.0,
            &ids,
            &conversations.iter().map(|seen| seen.last_at).collect::<Vec<_>>(),
            &conversations.iter().map(|seen| seen.messages).collect::<Vec<_>>(),
            triage.as_str()
        )
        .fetch_all(&mut *tx)
        .await?;
        let changed = sqlx::query_scalar!(
            "UPDATE conversations SET triage = $4
             WHERE account_id = $1 AND id = ANY($2) AND id <> ALL($3) AND merged_into IS NULL AND triage <> $4
             RETURNING id",
            account.0,
            &ids,
            &overtaken,
            triage.as_str()
        )
        .fetch_all(&mut *tx)
        .await?;
        announce_changes(&mut tx, account, &changed).await?;
        tx.commit().await?;
        Ok(overtaken.into_iter().map(ConversationId).collect())
    }

    /// Says who takes care of conversations of one account; `None`: nobody.
    pub async fn assign(
        &self,
        account: AccountId,
        conversations: &[ConversationId],
        assignee: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_for(account).await?;
        let ids: Vec<uuid::Uuid> = conversations.iter().map(|id| id.0).collect();
        let changed = sqlx::query_scalar!(
            "UPDATE conversations SET assignee = $3
             WHERE account_id = $1 AND id = ANY($2) AND merged_into IS NULL AND assignee IS DISTINCT FROM $3
             RETURNING id",
            account.0,
            &ids,
            assignee
        )
        .fetch_all(&mut *tx)
        .await?;
        announce_changes(&mut tx, account, &changed).await?;
        Ok(tx.commit().await?)
    }

    /// Returns who takes care of something, by name.
    pub async fn assignees(&self) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"SELECT DISTINCT assignee AS "assignee!" FROM conversations
               WHERE merged_into IS NULL AND triage <> 'done' AND assignee IS NOT NULL ORDER BY 1"#
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Marks the messages of a conversation read here, up to one of them (`None`: all). Returns the places of mails,
    /// for servers that should know; a chat's server is told by the program that listens to the account, where its
    /// owner wants that.
    pub async fn mark_read(
        &self,
        account: AccountId,
        id: ConversationId,
        up_to: Option<MessageId>,
    ) -> Result<Vec<Place>, StoreError> {
        let mut tx = self.begin_for(account).await?;
        let marked = sqlx::query!(
            "UPDATE messages SET seen = true WHERE account_id = $1 AND conversation_id = $2 AND NOT seen
               AND ($3::uuid IS NULL OR (received_at, id) <= (
                   SELECT l.received_at, l.id FROM messages l
                   WHERE l.account_id = $1 AND l.conversation_id = $2 AND l.id = $3))
             RETURNING id, direction",
            account.0,
            id.0,
            up_to.map(|id| id.0)
        )
        .fetch_all(&mut *tx)
        .await?;
        let theirs = marked.iter().filter(|row| row.direction == Direction::In.as_str()).count();
        let messages: Vec<uuid::Uuid> = marked.into_iter().map(|row| row.id).collect();
        let changed = sqlx::query!(
            "UPDATE conversations SET unread_count = CASE WHEN $4 THEN 0 ELSE greatest(0, unread_count - $3) END
             WHERE account_id = $1 AND id = $2 AND unread_count > 0 AND ($4 OR $3 > 0)",
            account.0,
            id.0,
            i32::try_from(theirs).unwrap_or(i32::MAX),
            up_to.is_none()
        )
        .execute(&mut *tx)
        .await?
        .rows_affected();
        let places = sqlx::query!(
            "SELECT mailbox, epoch, number FROM message_places
             WHERE account_id = $1 AND message_id = ANY($2) AND gone_at IS NULL AND NOT seen AND epoch > 0",
            account.0,
            &messages
        )
        .fetch_all(&mut *tx)
        .await?;
        let told = sqlx::query!(
            "UPDATE conversations c SET read_here = greatest(c.read_here, coalesce((
                 SELECT max(p.number) FROM message_places p
                 WHERE p.account_id = $1 AND p.message_id = ANY($3) AND p.epoch = 0), 0))
             WHERE c.account_id = $1 AND c.id = $2 AND c.remote_peer IS NOT NULL",
            account.0,
            id.0,
            &messages
        )
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if told > 0 && !messages.is_empty() {
            outgoing::ring(&mut tx, account).await?;
        }
        if changed > 0 {
            journal::announce(&mut tx, account, &[changed_fact(id)]).await?;
        }
        tx.commit().await?;
        places.into_iter().map(|row| place(row.mailbox, row.epoch, row.number)).collect()
    }

    /// Counts conversations with unread messages of which somebody would have been told: what is muted is left out.
    pub async fn unread_and_not_muted(&self) -> Result<i64, StoreError> {
        let count = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM conversations c JOIN accounts a ON a.id = c.account_id
               WHERE c.merged_into IS NULL AND c.unread_count > 0 AND NOT a.muted AND a.removed_at IS NULL
                 AND (c.muted_until IS NULL OR c.muted_until <= clock_timestamp())"#
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(count)
    }

    /// Tells nobody of a conversation's messages until then; `None` tells again. [`MUTED_FOR_GOOD`] does not end.
    pub async fn mute_conversation(
        &self,
        account: AccountId,
        id: ConversationId,
        until: Option<OffsetDateTime>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_for(account).await?;
        let changed = sqlx::query!(
            "UPDATE conversations SET muted_until = $3 WHERE account_id = $1 AND id = $2",
            account.0,
            id.0,
            until
        )
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if changed == 0 {
            return Err(StoreError::NotFound("the conversation"));
        }
        journal::announce(&mut tx, account, &[changed_fact(id)]).await?;
        Ok(tx.commit().await?)
    }

    /// Marks the latest message of the customer unread here.
    pub async fn mark_unread(&self, account: AccountId, id: ConversationId) -> Result<(), StoreError> {
        let mut tx = self.begin_for(account).await?;
        let marked = sqlx::query!(
            "UPDATE messages SET seen = false WHERE account_id = $1 AND id = (
                 SELECT m.id FROM messages m WHERE m.account_id = $1 AND m.conversation_id = $2 AND m.direction = 'in'
                 ORDER BY m.received_at DESC, m.id DESC LIMIT 1) AND seen",
            account.0,
            id.0
        )
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if marked > 0 {
            sqlx::query!(
                "UPDATE conversations SET unread_count = unread_count + 1 WHERE account_id = $1 AND id = $2",
                account.0,
                id.0
            )
            .execute(&mut *tx)
            .await?;
            journal::announce(&mut tx, account, &[changed_fact(id)]).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Counts conversations whose summary differs from what their messages say. Reads every message.
    pub async fn wrong_summaries(&self) -> Result<i64, StoreError> {
        let wrong = sqlx::query_scalar!(
            r#"SELECT count(*) AS "wrong!" FROM conversations c
               LEFT JOIN (
                   SELECT account_id, conversation_id, count(*) AS messages,
                          count(*) FILTER (WHERE NOT seen AND direction = 'in') AS unread,
                          sum(file_count) AS files
                   FROM messages GROUP BY account_id, conversation_id
               ) m ON m.account_id = c.account_id AND m.conversation_id = c.id
               WHERE c.message_count <> coalesce(m.messages, 0) OR c.unread_count <> coalesce(m.unread, 0)
                  OR c.file_count <> coalesce(m.files, 0)
                  OR c.merged_into IS NULL AND EXISTS (
                         SELECT FROM latest_message(c.account_id, c.id) l
                         WHERE (l.received_at, l.id, l.direction)
                               IS DISTINCT FROM (c.last_at, c.last_message_id, c.last_direction))"#
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(wrong)
    }
}

/// The end of a mute that a person has to end.
pub const MUTED_FOR_GOOD: OffsetDateTime = time::macros::datetime!(9999-01-01 0:00 UTC);

/// Later than every message and greater than every key.
const LAST: ConversationPosition = ConversationPosition {
    last_at: time::macros::datetime!(9999-01-01 0:00 UTC),
    account: AccountId(uuid::Uuid::max()),
    id: ConversationId(uuid::Uuid::max()),
};

/// Earlier than every message and smaller than every key.
const FIRST: ConversationPosition = ConversationPosition {
    last_at: time::macros::datetime!(0001-01-01 0:00 UTC),
    account: AccountId(uuid::Uuid::nil()),
    id: ConversationId(uuid::Uuid::nil()),
};

async fn announce_changes(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    changed: &[uuid::Uuid],
) -> Result<(), StoreError> {
    let facts: Vec<Fact> = changed.iter().map(|id| changed_fact(ConversationId(*id))).collect();
    journal::announce(connection, account, &facts).await.map(drop)
}

const fn changed_fact(id: ConversationId) -> Fact {
    Fact { kind: FactKind::ConversationChanged, conversation: Some(id), message: None }
}
