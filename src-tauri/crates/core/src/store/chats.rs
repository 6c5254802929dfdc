//! `chat_messages`, `message_versions`, `reactions`: what a chat message has beside a mail.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{IngestTx, Store, StoreError, StoredMessage, contacts, ingest::columns, outgoing, peers, place};
use crate::{
    connector::{Chat, ChatMessage, KnownPeer},
    model::{
        AccountId, AttachmentId, ChatKey, ContactId, ConversationId, Entity, Forward, Media, MediaFile, MessageId,
        Peer, PeerKind, Place, Reaction, Service,
    },
};

/// A chat's conversation as ingest needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownChat {
    /// The conversation.
    pub conversation: ConversationId,
    /// Up to which number the server says this account has read.
    pub read_inbox: u32,
}

/// The version of a chat message that is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownVersion {
    /// The message.
    pub message: MessageId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// Whether it is the conversation's latest.
    pub latest: bool,
    /// When it was last edited.
    pub edited_at: Option<OffsetDateTime>,
    /// The hash of its content.
    pub content: [u8; 32],
    /// A location, contact, poll or link preview.
    pub media: Option<Value>,
    /// Its reactions.
    pub reactions: Vec<Reaction>,
}

/// A new version of a chat message.
#[derive(Debug)]
pub struct NewVersion<'a> {
    /// Which message.
    pub message: MessageId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// What it says now.
    pub chat: &'a ChatMessage,
    /// The hash of that.
    pub content: [u8; 32],
    /// Whether the version that was shown is kept. A vote or a loaded link preview makes no version.
    pub keep: bool,
    /// The conversation's snippet, where this is its latest message.
    pub snippet: Option<String>,
}

/// What a chat message has beside a mail.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredChat {
    /// Where it stands.
    pub place: Place,
    /// Who wrote it; `None`: the chat itself.
    pub author: Option<Peer>,
    /// Their username without `@`.
    pub author_username: Option<String>,
    /// How stretches of its text are shown, in UTF-16 units.
    pub entities: Vec<Entity>,
    /// A location, contact, poll or link preview; files stand with the message.
    pub media: Option<Media>,
    /// The number of the message it answers.
    pub reply_to: Option<u32>,
    /// That message, where it is stored.
    pub answers: Option<Answered>,
    /// Where it was forwarded from.
    pub forward: Option<Forward>,
    /// What happened, where nobody typed it.
    pub service: Option<Service>,
    /// Its reactions.
    pub reactions: Vec<Reaction>,
    /// When it was last edited.
    pub edited_at: Option<OffsetDateTime>,
    /// How many earlier versions are kept.
    pub versions: i64,
    /// Whether the other side has read it, for one of ours.
    pub read_there: bool,
    /// Which album it is an item of.
    pub album: Option<i64>,
    /// The messages that are shown as this one, itself first; empty for one that stands alone.
    pub items: Vec<MessageId>,
}

/// The message that another one answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Its key.
    pub message: MessageId,
    /// Who wrote it.
    pub author: String,
    /// Its first characters.
    pub text: String,
}

/// An earlier version of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageVersion {
    /// What it said.
    pub text: String,
    /// How stretches of it were shown.
    pub entities: Vec<Entity>,
    /// The edit that made this version; `None` for what was first sent.
    pub edited_at: Option<OffsetDateTime>,
    /// When the next version replaced it here.
    pub replaced_at: OffsetDateTime,
}

impl IngestTx {
    /// Makes a conversation of a chat without messages.
    pub async fn begin_chat(
        &mut self,
        conversation: ConversationId,
        chat: &Chat,
        address: &str,
        contact: Option<ContactId>,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "INSERT INTO conversations (account_id, id, contact_id, peer_name, peer_address, remote_peer, chat_kind,
                                        last_message_id, last_at, last_direction)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'out')",
            self.account.0,
            conversation.0,
            contact.map(|id| id.0),
            chat.title,
            address,
            chat.key.to_string(),
            chat.kind.as_str(),
            Uuid::nil(),
            now
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Returns the conversations of chats that have one.
    pub async fn chats(&mut self, keys: &[ChatKey]) -> Result<BTreeMap<ChatKey, KnownChat>, StoreError> {
        let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        let rows = sqlx::query!(
            r#"SELECT remote_peer AS "remote_peer!", id, read_inbox FROM conversations
               WHERE account_id = $1 AND remote_peer = ANY($2)"#,
            self.account.0,
            &keys
        )
        .fetch_all(&mut *self.tx)
        .await?;
        rows.into_iter()
            .map(|row| {
                let read_inbox = u32::try_from(row.read_inbox).unwrap_or(u32::MAX);
                Ok((chat_key(&row.remote_peer)?, KnownChat { conversation: ConversationId(row.id), read_inbox }))
            })
            .collect()
    }

    /// Finds or makes the contacts of Telegram users, and follows their usernames and phones.
    pub async fn telegram_contacts(
        &mut self,
        people: &BTreeMap<i64, contacts::TelegramPerson>,
        now: OffsetDateTime,
    ) -> Result<BTreeMap<i64, ContactId>, StoreError> {
        contacts::of_users(&mut self.tx, people, now).await
    }

    /// Returns what is stored of peers.
    pub async fn known_peers(&mut self, peers: &[Peer]) -> Result<HashMap<Peer, KnownPeer>, StoreError> {
        let names: Vec<String> = peers.iter().map(ToString::to_string).collect();
        peers::known(&mut self.tx, self.account, &names).await
    }

    /// Writes peers, each at most once.
    pub async fn write_peers(&mut self, peers: &[KnownPeer]) -> Result<(), StoreError> {
        peers::write(&mut self.tx, self.account, peers).await
    }

    /// Gives a peer's chat its new name. Returns the conversation where there is one.
    pub async fn rename_chat(&mut self, peer: &KnownPeer, address: &str) -> Result<Option<ConversationId>, StoreError> {
        let renamed = sqlx::query_scalar!(
            "UPDATE conversations SET peer_name = $3, peer_address = $4
             WHERE account_id = $1 AND remote_peer = $2 AND (peer_name, peer_address) <> ($3, $4) RETURNING id",
            self.account.0,
            peer.peer.to_string(),
            peer.name,
            address
        )
        .fetch_optional(&mut *self.tx)
        .await?;
        Ok(renamed.map(ConversationId))
    }

    /// Gives a Telegram user's contact its new name, unless somebody has named it otherwise.
    pub async fn rename_contact(&mut self, user: i64, from: &str, to: &str) -> Result<(), StoreError> {
        sqlx::query!(
            "UPDATE contacts c SET name = $3 FROM contact_handles h
             WHERE h.kind = 'telegram_id' AND h.value = $1 AND c.id = h.contact_id AND c.name = $2",
            user.to_string(),
            from,
            to
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Returns the shown versions of stored chat messages.
    pub async fn shown_versions(&mut self, places: &[&Place]) -> Result<HashMap<Place, ShownVersion>, StoreError> {
        let (mailboxes, epochs, numbers) = columns(places);
        let rows = sqlx::query!(
            r#"SELECT p.mailbox, p.epoch, p.number, m.id, m.conversation_id, m.edited_at, c.content_sha256, c.media,
                      v.last_message_id = m.id AS "latest!",
                      (SELECT coalesce(jsonb_agg(jsonb_build_object('emoji', r.emoji, 'count', r.count, 'mine', r.mine)
                                                 ORDER BY r.position), '[]')
                       FROM reactions r WHERE r.account_id = m.account_id AND r.message_id = m.id) AS "reactions!"
               FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS asked (mailbox, epoch, number)
               JOIN message_places p ON p.account_id = $1 AND p.mailbox = asked.mailbox AND p.epoch = asked.epoch
                    AND p.number = asked.number
               JOIN messages m ON m.account_id = $1 AND m.id = p.message_id
               JOIN chat_messages c ON c.account_id = $1 AND c.message_id = m.id
               JOIN conversations v ON v.account_id = $1 AND v.id = m.conversation_id"#,
            self.account.0,
            &mailboxes,
            &epochs,
            &numbers
        )
        .fetch_all(&mut *self.tx)
        .await?;
        rows.into_iter()
            .map(|row| {
                let hash = row.content_sha256.try_into();
                let shown = ShownVersion {
                    message: MessageId(row.id),
                    conversation: ConversationId(row.conversation_id),
                    latest: row.latest,
                    edited_at: row.edited_at,
                    content: hash.map_err(|_| StoreError::Inconsistent("a content hash".to_owned()))?,
                    media: row.media,
                    reactions: serde_json::from_value(row.reactions).map_err(wrong)?,
                };
                Ok((place(row.mailbox, row.epoch, row.number)?, shown))
            })
            .collect()
    }

    /// Writes what chat messages have beside mails. The messages themselves are there.
    pub async fn insert_chats(
        &mut self,
        chats: &[(MessageId, &ChatMessage, [u8; 32])],
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        if chats.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = chats.iter().map(|(id, ..)| id.0).collect();
        let mut entities = Vec::with_capacity(chats.len());
        let mut media = Vec::with_capacity(chats.len());
        let mut forwards = Vec::with_capacity(chats.len());
        let mut services = Vec::with_capacity(chats.len());
        for (_, chat, _) in chats {
            entities.push(serde_json::to_value(&chat.entities).map_err(wrong)?);
            media.push(media_json(chat)?);
            forwards.push(chat.forward.as_ref().map(serde_json::to_value).transpose().map_err(wrong)?);
            services.push(chat.service.as_ref().map(serde_json::to_value).transpose().map_err(wrong)?);
        }
        sqlx::query!(
            "INSERT INTO chat_messages (account_id, message_id, author_peer, author_username, entities, media, reply_to,
                    forward, album, service, content_sha256)
             SELECT $1::uuid, * FROM unnest($2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::jsonb[], $7::bigint[],
                    $8::jsonb[], $9::bigint[], $10::jsonb[], $11::bytea[])",
            self.account.0,
            &ids,
            &chats.iter().map(|(_, c, _)| c.author.as_ref().map(|a| a.peer.to_string())).collect::<Vec<_>>()
                as &[Option<String>],
            &chats.iter().map(|(_, c, _)| c.author.as_ref().and_then(|a| a.username.clone())).collect::<Vec<_>>()
                as &[Option<String>],
            &entities,
            &media as &[Option<Value>],
            &chats.iter().map(|(_, c, _)| c.reply_to.map(i64::from)).collect::<Vec<_>>() as &[Option<i64>],
            &forwards as &[Option<Value>],
            &chats.iter().map(|(_, c, _)| c.album).collect::<Vec<_>>() as &[Option<i64>],
            &services as &[Option<Value>],
            &chats.iter().map(|(.., hash)| hash.as_slice()).collect::<Vec<_>>() as &[&[u8]],
        )
        .execute(&mut *self.tx)
        .await?;
        let files: Vec<(MessageId, &MediaFile)> =
            chats.iter().filter_map(|(id, chat, _)| chat.file().map(|file| (*id, file))).collect();
        self.insert_media(&files, now).await?;
        let reactions: Vec<_> =
            chats.iter().filter(|(_, c, _)| !c.reactions.is_empty()).map(|(id, c, _)| (*id, &*c.reactions)).collect();
        self.insert_reactions(&reactions).await
    }

    async fn insert_media(&mut self, files: &[(MessageId, &MediaFile)], now: OffsetDateTime) -> Result<(), StoreError> {
        if files.is_empty() {
            return Ok(());
        }
        let number = |n: Option<u32>| n.and_then(|n| i32::try_from(n).ok());
        sqlx::query!(
            "INSERT INTO attachments (account_id, id, message_id, name, mime, size, media_kind, width, height,
                    duration_ms, waveform, thumbnail, remote)
             SELECT $1::uuid, * FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::text[],
                    $8::integer[], $9::integer[], $10::integer[], $11::bytea[], $12::bytea[], $13::jsonb[])",
            self.account.0,
            &files.iter().map(|_| AttachmentId::new(now).0).collect::<Vec<_>>(),
            &files.iter().map(|(message, _)| message.0).collect::<Vec<_>>(),
            &files.iter().map(|(_, f)| f.name.clone()).collect::<Vec<_>>(),
            &files.iter().map(|(_, f)| f.mime.clone()).collect::<Vec<_>>(),
            &files.iter().map(|(_, f)| i64::try_from(f.size).unwrap_or(i64::MAX)).collect::<Vec<_>>(),
            &files.iter().map(|(_, f)| f.kind.as_str().to_owned()).collect::<Vec<_>>(),
            &files.iter().map(|(_, f)| number(f.width)).collect::<Vec<_>>() as &[Option<i32>],
            &files.iter().map(|(_, f)| number(f.height)).collect::<Vec<_>>() as &[Option<i32>],
            &files.iter().map(|(_, f)| number(f.duration_ms)).collect::<Vec<_>>() as &[Option<i32>],
            &files.iter().map(|(_, f)| f.waveform.clone()).collect::<Vec<_>>() as &[Option<Vec<u8>>],
            &files.iter().map(|(_, f)| f.thumbnail.clone().filter(|t| t.len() <= THUMBNAIL)).collect::<Vec<_>>()
                as &[Option<Vec<u8>>],
            &files.iter().map(|(_, f)| f.remote.clone()).collect::<Vec<_>>(),
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    async fn insert_reactions(&mut self, reactions: &[(MessageId, &[Reaction])]) -> Result<(), StoreError> {
        let rows: Vec<(Uuid, i16, &Reaction)> = reactions
            .iter()
            .flat_map(|(id, all)| (0_i16..).zip(all.iter()).map(move |(position, one)| (id.0, position, one)))
            .filter(|(.., reaction)| reaction.count > 0 && !reaction.emoji.is_empty())
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "INSERT INTO reactions (account_id, message_id, position, emoji, count, mine)
             SELECT $1::uuid, * FROM unnest($2::uuid[], $3::smallint[], $4::text[], $5::integer[], $6::boolean[])",
            self.account.0,
            &rows.iter().map(|(id, ..)| *id).collect::<Vec<_>>(),
            &rows.iter().map(|(_, position, _)| *position).collect::<Vec<_>>(),
            &rows.iter().map(|(.., r)| r.emoji.clone()).collect::<Vec<_>>(),
            &rows.iter().map(|(.., r)| i32::try_from(r.count).unwrap_or(i32::MAX)).collect::<Vec<_>>(),
            &rows.iter().map(|(.., r)| r.mine).collect::<Vec<_>>(),
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Replaces a message's reactions.
    pub async fn set_reactions(&mut self, message: MessageId, reactions: &[Reaction]) -> Result<(), StoreError> {
        sqlx::query!("DELETE FROM reactions WHERE account_id = $1 AND message_id = $2", self.account.0, message.0)
            .execute(&mut *self.tx)
            .await?;
        self.insert_reactions(&[(message, reactions)]).await
    }

    /// Shows a new version of a message and keeps the one that was shown.
    pub async fn replace_version(&mut self, new: &NewVersion<'_>, now: OffsetDateTime) -> Result<(), StoreError> {
        let (account, message) = (self.account.0, new.message.0);
        if new.keep {
            // The same version may come back: an edit that was undone.
            sqlx::query!(
                "INSERT INTO message_versions (account_id, message_id, content_sha256, body_text, entities, media,
                        edited_at)
                 SELECT m.account_id, m.id, c.content_sha256, m.body_text, c.entities, c.media, m.edited_at
                 FROM messages m JOIN chat_messages c ON c.account_id = m.account_id AND c.message_id = m.id
                 WHERE m.account_id = $1 AND m.id = $2
                 ON CONFLICT DO NOTHING",
                account,
                message
            )
            .execute(&mut *self.tx)
            .await?;
            self.replace_file(new, now).await?;
        }
        sqlx::query!(
            "UPDATE messages SET body_text = $3, edited_at = coalesce($4, edited_at) WHERE account_id = $1 AND id = $2",
            account,
            message,
            new.chat.text,
            new.chat.edited_at
        )
        .execute(&mut *self.tx)
        .await?;
        sqlx::query!(
            "UPDATE chat_messages SET entities = $3, media = $4, content_sha256 = $5
             WHERE account_id = $1 AND message_id = $2",
            account,
            message,
            serde_json::to_value(&new.chat.entities).map_err(wrong)?,
            media_json(new.chat)?,
            new.content.as_slice()
        )
        .execute(&mut *self.tx)
        .await?;
        if let Some(snippet) = &new.snippet {
            sqlx::query!(
                "UPDATE conversations SET snippet = $3, last_media = $4 WHERE account_id = $1 AND id = $2",
                account,
                new.conversation.0,
                snippet,
                new.chat.media_word()
            )
            .execute(&mut *self.tx)
            .await?;
        }
        sqlx::query!(
            "INSERT INTO search_queue (account_id, message_ids) VALUES ($1, ARRAY[$2::uuid])",
            account,
            message
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Puts an edit's file in the place of the one before it, which stays stored.
    async fn replace_file(&mut self, new: &NewVersion<'_>, now: OffsetDateTime) -> Result<(), StoreError> {
        let (account, message) = (self.account.0, new.message.0);
        let shown = sqlx::query!(
            "SELECT name, mime, size, media_kind, width, height FROM attachments
             WHERE account_id = $1 AND message_id = $2 AND replaced_at IS NULL",
            account,
            message
        )
        .fetch_optional(&mut *self.tx)
        .await?;
        let file = new.chat.file();
        let same = match (&shown, file) {
            (None, None) => true,
            (Some(old), Some(new)) => {
                old.name == new.name
                    && old.mime == new.mime
                    && u64::try_from(old.size).ok() == Some(new.size)
                    && old.media_kind.as_deref() == Some(new.kind.as_str())
                    && old.width.and_then(|n| u32::try_from(n).ok()) == new.width
                    && old.height.and_then(|n| u32::try_from(n).ok()) == new.height
            }
            (Some(_), None) | (None, Some(_)) => false,
        };
        if same {
            return Ok(());
        }
        sqlx::query!(
            "UPDATE attachments SET replaced_at = clock_timestamp()
             WHERE account_id = $1 AND message_id = $2 AND replaced_at IS NULL",
            account,
            message
        )
        .execute(&mut *self.tx)
        .await?;
        if let Some(file) = file {
            self.insert_media(&[(new.message, file)], now).await?;
        }
        sqlx::query!(
            "WITH before AS (SELECT file_count FROM messages WHERE account_id = $1 AND id = $2),
                  after AS (UPDATE messages SET file_count = $4 WHERE account_id = $1 AND id = $2)
             UPDATE conversations SET file_count = conversations.file_count + $4 - before.file_count
             FROM before WHERE account_id = $1 AND id = $3",
            account,
            message,
            new.conversation.0,
            new.chat.file_count()
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Returns where the numbered messages of private chats and basic groups, or of one channel, stand.
    pub async fn places_of_numbers(&mut self, channel: Option<i64>, numbers: &[u32]) -> Result<Vec<Place>, StoreError> {
        let channel = channel.map(|id| format!("channel:{id}"));
        let rows = sqlx::query!(
            "SELECT mailbox, epoch, number FROM message_places
             WHERE account_id = $1 AND epoch = 0 AND number = ANY($2)
               AND CASE WHEN $3::text IS NULL THEN mailbox NOT LIKE 'channel:%' ELSE mailbox = $3 END",
            self.account.0,
            &numbers.iter().map(|number| i64::from(*number)).collect::<Vec<_>>(),
            channel
        )
        .fetch_all(&mut *self.tx)
        .await?;
        rows.into_iter().map(|row| place(row.mailbox, row.epoch, row.number)).collect()
    }

    /// Follows what this account has read elsewhere. Returns how many messages of each conversation became read; one
    /// whose mark moved without any is among them.
    pub async fn read_inbox(&mut self, chat: ChatKey, up_to: u32) -> Result<BTreeMap<ConversationId, i32>, StoreError> {
        let key = chat.to_string();
        // Messages up to the old mark were read there before: what a person marked unread here stays so.
        let read = sqlx::query!(
            r#"WITH moved AS (
                   SELECT c.id, c.read_inbox FROM conversations c
                   WHERE c.account_id = $1 AND c.read_inbox < $3 AND c.remote_peer = $2
                   UNION ALL
                   SELECT c.id, c.read_inbox FROM conversations c
                   WHERE $4 AND c.account_id = $1 AND c.read_inbox < $3 AND c.chat_kind = 'topic'
                     AND c.remote_peer COLLATE "C" >= $2 || ';topic=' AND c.remote_peer COLLATE "C" < $2 || ';topic>'
               ), marked AS (
                   UPDATE messages m SET seen = true
                   FROM message_places p, moved
                   WHERE p.account_id = $1 AND p.mailbox = $5 AND p.epoch = 0
                     AND p.number > moved.read_inbox AND p.number <= $3
                     AND m.account_id = $1 AND m.id = p.message_id AND m.conversation_id = moved.id
                     AND m.direction = 'in' AND NOT m.seen
                   RETURNING m.conversation_id
               ), updated AS (
                   UPDATE conversations c SET read_inbox = $3 FROM moved WHERE c.account_id = $1 AND c.id = moved.id
               )
               SELECT moved.id AS "id!",
                      (SELECT count(*) FROM marked WHERE marked.conversation_id = moved.id)::integer AS "read!"
               FROM moved"#,
            self.account.0,
            key,
            i64::from(up_to),
            chat.topic.is_none() && chat.peer.kind == PeerKind::Channel,
            chat.peer.to_string()
        )
        .fetch_all(&mut *self.tx)
        .await?;
        Ok(read.into_iter().map(|row| (ConversationId(row.id), row.read)).collect())
    }

    /// Follows what the other side has read. Returns the conversation where that is news.
    pub async fn read_outbox(&mut self, chat: ChatKey, up_to: u32) -> Result<Vec<ConversationId>, StoreError> {
        let moved = sqlx::query_scalar!(
            "UPDATE conversations SET read_outbox = $3
             WHERE account_id = $1 AND remote_peer = $2 AND read_outbox < $3 RETURNING id",
            self.account.0,
            chat.to_string(),
            i64::from(up_to)
        )
        .fetch_all(&mut *self.tx)
        .await?;
        Ok(moved.into_iter().map(ConversationId).collect())
    }

    /// Notes where a text stands that was sent. Returns its conversation where that is news.
    pub async fn found_sent(&mut self, random_id: i64, place: &Place) -> Result<Option<ConversationId>, StoreError> {
        outgoing::found(&mut self.tx, self.account, random_id, place).await
    }
}

/// The largest thumbnail that is stored.
const THUMBNAIL: usize = 65_536;

impl Store {
    /// Returns a message's earlier versions, oldest first.
    pub async fn message_versions(
        &self,
        account: AccountId,
        message: MessageId,
    ) -> Result<Vec<MessageVersion>, StoreError> {
        // A version that came back stands in the message again.
        let rows = sqlx::query!(
            "SELECT v.body_text, v.entities, v.edited_at, v.replaced_at
             FROM message_versions v
             JOIN chat_messages c ON c.account_id = v.account_id AND c.message_id = v.message_id
             WHERE v.account_id = $1 AND v.message_id = $2 AND v.content_sha256 <> c.content_sha256
             ORDER BY v.edited_at NULLS FIRST, v.replaced_at",
            account.0,
            message.0
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(MessageVersion {
                    text: row.body_text,
                    entities: serde_json::from_value(row.entities).map_err(wrong)?,
                    edited_at: row.edited_at,
                    replaced_at: row.replaced_at,
                })
            })
            .collect()
    }

    /// Returns the messages that are shown together with the given one as an album, itself included.
    pub(super) async fn album_items(
        &self,
        account: AccountId,
        conversation: ConversationId,
        album: i64,
    ) -> Result<Vec<MessageId>, StoreError> {
        let items = sqlx::query_scalar!(
            "SELECT c.message_id FROM chat_messages c
             JOIN messages m ON m.account_id = c.account_id AND m.id = c.message_id
             WHERE c.account_id = $1 AND c.album = $2 AND m.conversation_id = $3
             ORDER BY m.received_at, m.id",
            account.0,
            album,
            conversation.0
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(items.into_iter().map(MessageId).collect())
    }
}

/// Gives chat messages of one account what they have beside a mail.
pub(super) async fn attach(
    store: &Store,
    account: AccountId,
    messages: &mut [StoredMessage],
) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = messages.iter().map(|message| message.id.0).collect();
    let rows = sqlx::query!(
        r#"SELECT c.message_id, c.author_peer, c.author_username, c.entities, c.media, c.reply_to, c.forward, c.album,
                  c.service, m.edited_at, p.mailbox, p.epoch, p.number,
                  m.direction = 'out' AND p.epoch = 0 AND p.number <= v.read_outbox AS "read_there!",
                  (SELECT count(*) FROM message_versions e WHERE e.account_id = c.account_id
                   AND e.message_id = c.message_id AND e.content_sha256 <> c.content_sha256) AS "versions!",
                  (SELECT coalesce(jsonb_agg(jsonb_build_object('emoji', r.emoji, 'count', r.count, 'mine', r.mine)
                                             ORDER BY r.position), '[]')
                   FROM reactions r WHERE r.account_id = c.account_id AND r.message_id = c.message_id) AS "reactions!",
                  a.id AS "answered_id?", a.author_name AS "answered_author?", a.text AS "answered_text?"
           FROM chat_messages c
           JOIN messages m ON m.account_id = c.account_id AND m.id = c.message_id
           JOIN conversations v ON v.account_id = m.account_id AND v.id = m.conversation_id
           JOIN LATERAL (
               SELECT p.mailbox, p.epoch, p.number FROM message_places p
               WHERE p.account_id = c.account_id AND p.message_id = c.message_id ORDER BY p.number LIMIT 1) p ON true
           LEFT JOIN LATERAL (
               SELECT q.id, q.author_name, left(q.body_text, 200) AS text
               FROM message_places r JOIN messages q ON q.account_id = r.account_id AND q.id = r.message_id
               WHERE r.account_id = c.account_id AND r.mailbox = p.mailbox AND r.epoch = 0 AND r.number = c.reply_to) a
               ON true
           WHERE c.account_id = $1 AND c.message_id = ANY($2)"#,
        account.0,
        &ids
    )
    .fetch_all(&store.pool)
    .await?;
    for row in rows {
        let author = row.author_peer.map(|peer| peer.parse()).transpose();
        let answered = row.answered_id.map(|id| Answered {
            message: MessageId(id),
            author: row.answered_author.unwrap_or_default(),
            text: row.answered_text.unwrap_or_default(),
        });
        let chat = StoredChat {
            place: place(row.mailbox, row.epoch, row.number)?,
            author: author.map_err(|_| StoreError::Inconsistent("an author".to_owned()))?,
            author_username: row.author_username,
            entities: serde_json::from_value(row.entities).map_err(wrong)?,
            media: row.media.map(serde_json::from_value).transpose().map_err(wrong)?,
            reply_to: row.reply_to.and_then(|number| number.try_into().ok()),
            answers: answered,
            forward: row.forward.map(serde_json::from_value).transpose().map_err(wrong)?,
            service: row.service.map(serde_json::from_value).transpose().map_err(wrong)?,
            reactions: serde_json::from_value(row.reactions).map_err(wrong)?,
            edited_at: row.edited_at,
            versions: row.versions,
            read_there: row.read_there,
            album: row.album,
            items: Vec::new(),
        };
        if let Some(message) = messages.iter_mut().find(|message| message.id.0 == row.message_id) {
            message.chat = Some(Box::new(chat));
        }
    }
    Ok(())
}

/// Counts messages, each album once.
pub(super) fn count_folded(messages: &[StoredMessage]) -> i64 {
    let albums = messages.iter().filter_map(|message| message.chat.as_ref()?.album);
    let items = albums.clone().count();
    let albums = albums.collect::<BTreeSet<i64>>().len();
    i64::try_from(messages.len() - items + albums).unwrap_or(i64::MAX)
}

/// Makes one message of the items of each album, which stand together: the first one, with the files of all and the
/// first text and reactions that any has.
pub(super) fn fold_albums(messages: Vec<StoredMessage>) -> Vec<StoredMessage> {
    let mut folded: Vec<StoredMessage> = Vec::with_capacity(messages.len());
    let mut first: HashMap<(ConversationId, i64), usize> = HashMap::new();
    for message in messages {
        let Some(album) = message.chat.as_ref().and_then(|chat| chat.album) else {
            folded.push(message);
            continue;
        };
        let Some(at) = first.get(&(message.conversation, album)).copied() else {
            first.insert((message.conversation, album), folded.len());
            folded.push(message);
            continue;
        };
        let (id, head) = (message.id, &mut folded[at]);
        let head_id = head.id;
        head.files.extend(message.files);
        head.seen &= message.seen;
        // Something is left of an album until its last item is gone.
        head.deleted_at = head.deleted_at.and(message.deleted_at);
        let caption = head.text.is_empty() && !message.text.is_empty();
        if caption {
            head.text = message.text;
        }
        if let (Some(chat), Some(item)) = (&mut head.chat, message.chat) {
            if chat.items.is_empty() {
                chat.items.push(head_id);
            }
            chat.items.push(id);
            chat.edited_at = chat.edited_at.max(item.edited_at);
            if caption {
                chat.entities = item.entities;
                chat.versions = item.versions;
            }
            if chat.reactions.is_empty() {
                chat.reactions = item.reactions;
            }
        }
    }
    folded
}

fn media_json(chat: &ChatMessage) -> Result<Option<Value>, StoreError> {
    match &chat.media {
        None | Some(Media::File(_)) => Ok(None),
        Some(other) => serde_json::to_value(other).map(Some).map_err(wrong),
    }
}

fn chat_key(text: &str) -> Result<ChatKey, StoreError> {
    text.parse().map_err(|_| StoreError::Inconsistent(format!("a chat {text:?}")))
}

fn wrong(error: serde_json::Error) -> StoreError {
    StoreError::Inconsistent(format!("a chat message's row: {error}"))
}
