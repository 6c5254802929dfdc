//! `outgoing`: what is on its way out, and read marks that the server should know. What mails have beside texts stands in
//! [`super::outgoing_mails`].

use std::collections::HashMap;

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Answered, Fact, FactKind, LeaseToken, Store, StoreError, drafts, journal, place};
use crate::{
    connector::{ForwardMessage, Outcomes, SendText, Sent},
    model::{
        AccountId, Address, ChatKey, ConversationId, DraftId, Entity, MessageId, OutgoingId, Place, Trouble, VoiceNote,
    },
};

/// A text that somebody wants to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingDraft {
    /// Its new key.
    pub id: OutgoingId,
    /// The chat it goes to.
    pub conversation: ConversationId,
    /// What it says.
    pub text: String,
    /// How stretches of it are shown.
    pub entities: Vec<Entity>,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// A random number of its own.
    pub random_id: i64,
    /// Not before then; until then it can be taken back.
    pub send_at: Option<OffsetDateTime>,
    /// The file that goes with it, whose bytes are a blob of the account already.
    pub file: Option<OutgoingFile>,
    /// What it shares with the files that go with it as one album: two to ten of one chat, each with a file. Messages that
    /// are passed on together share one too.
    pub album: Option<i64>,
    /// The message that it passes on as it is; then it has neither text nor file of its own.
    pub forward: Option<OutgoingForward>,
}

/// A message of the same account that is passed on as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingForward {
    /// Which one.
    pub message: MessageId,
    /// Without its author's name.
    pub nameless: bool,
    /// Whose it is, shown while it is on its way.
    pub author: String,
    /// What it says, or what its file is called.
    pub words: String,
}

/// A message on its way that passes another on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredForward {
    /// Without its author's name.
    pub nameless: bool,
    /// Whose it is.
    pub author: String,
    /// What it says, or what its file is called.
    pub words: String,
}

/// Where a text stands on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutgoingState {
    /// Not tried yet, or to be tried again: the server has certainly not accepted it.
    Waiting,
    /// Being sent.
    Sending,
    /// Accepted.
    Sent,
    /// Not accepted, and trying again cannot help.
    Failed,
    /// The answer was lost. It is tried again as the same message, which never sends it twice.
    Uncertain,
}

impl OutgoingState {
    /// The word the database and the command line use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Uncertain => "uncertain",
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self, StoreError> {
        Ok(match text {
            "waiting" => Self::Waiting,
            "sending" => Self::Sending,
            "sent" => Self::Sent,
            "failed" => Self::Failed,
            "uncertain" => Self::Uncertain,
            other => return Err(StoreError::Inconsistent(format!("an outgoing text's state {other:?}"))),
        })
    }
}

/// A text or a mail as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOutgoing {
    /// Whose it is.
    pub account: AccountId,
    /// Its key within the account.
    pub id: OutgoingId,
    /// Where it was written; `None`: a mail to somebody new.
    pub conversation: Option<ConversationId>,
    /// What it says.
    pub text: String,
    /// How stretches of it are shown.
    pub entities: Vec<Entity>,
    /// The number of the message it answers.
    pub reply_to: Option<u32>,
    /// That message, where it is stored.
    pub answers: Option<Answered>,
    /// Where it stands.
    pub state: OutgoingState,
    /// How often it was tried.
    pub tries: i32,
    /// Why it was not sent, or not yet.
    pub error: Option<Trouble>,
    /// Where the message stands once it is sent.
    pub place: Option<Place>,
    /// When somebody sent it off.
    pub created_at: OffsetDateTime,
    /// A person's wish: not before then.
    pub send_at: Option<OffsetDateTime>,
    /// When it is tried next, where a try has failed.
    pub not_before: Option<OffsetDateTime>,
    /// What a mail has beside a text.
    pub mail: Option<StoredMail>,
    /// What goes with it, in order.
    pub files: Vec<OutgoingFile>,
    /// What it passes on.
    pub forward: Option<StoredForward>,
}

/// What a mail on its way has beside a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMail {
    /// Its subject.
    pub subject: String,
    /// To.
    pub to: Vec<Address>,
    /// Cc.
    pub cc: Vec<Address>,
    /// Bcc.
    pub bcc: Vec<Address>,
    /// The HTML body.
    pub html: Option<String>,
    /// What the server said of each address so far.
    pub outcomes: Outcomes,
}

/// A file that goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingFile {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub mime: String,
    /// Its size in bytes.
    pub size: u64,
    /// Which blob it is.
    pub sha256: [u8; 32],
    /// Shown within the HTML body under this Content-ID.
    pub content_id: Option<String>,
    /// A voice, OGG with Opus, that a chat plays.
    pub voice: Option<VoiceNote>,
}

impl StoredOutgoing {
    /// Whether nothing more happens to it by itself.
    pub const fn is_over(&self) -> bool {
        match self.state {
            OutgoingState::Waiting | OutgoingState::Sending => false,
            OutgoingState::Sent | OutgoingState::Failed => true,
            OutgoingState::Uncertain => self.mail.is_some() || self.tries >= UNCERTAIN_TRIES,
        }
    }
}

/// A text to try now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueText {
    /// Its key.
    pub id: OutgoingId,
    /// How often it was tried, this time included.
    pub tries: u32,
    /// What to send.
    pub send: SendText,
    /// The file that goes with it.
    pub file: Option<OutgoingFile>,
    /// What it passes on; then it has neither text nor file.
    pub forward: Option<ForwardMessage>,
    /// What goes with it as one album, in order.
    pub rest: Vec<DueText>,
}

/// What became of a try that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSent {
    /// This try was certainly not accepted; to be tried again from then on.
    Later(OffsetDateTime),
    /// Perhaps accepted; to be tried again from then on as the same message.
    Uncertain(OffsetDateTime),
    /// This try was certainly not accepted, and trying again cannot help.
    Failed,
}

/// A text whose fate stays unknown after so many tries waits for a person.
const UNCERTAIN_TRIES: i32 = 8;
/// How long the server knows a message by its `random_id`: an older one might be sent twice.
const KNOWN_AGAIN: time::Duration = time::Duration::days(1);

struct OutgoingRow {
    account_id: Uuid,
    id: Uuid,
    conversation_id: Option<Uuid>,
    body_text: String,
    entities: serde_json::Value,
    reply_to: Option<i64>,
    answered_id: Option<Uuid>,
    answered_author: Option<String>,
    answered_text: Option<String>,
    state: String,
    tries: i32,
    error: Option<serde_json::Value>,
    mailbox: Option<String>,
    number: Option<i64>,
    created_at: OffsetDateTime,
    send_at: Option<OffsetDateTime>,
    not_before: Option<OffsetDateTime>,
    subject: Option<String>,
    recipients_to: Option<serde_json::Value>,
    recipients_cc: Option<serde_json::Value>,
    recipients_bcc: Option<serde_json::Value>,
    body_html: Option<String>,
    outcomes: Option<serde_json::Value>,
    forward_nameless: bool,
    forward_author: Option<String>,
    forward_words: Option<String>,
}

impl TryFrom<OutgoingRow> for StoredOutgoing {
    type Error = StoreError;

    fn try_from(row: OutgoingRow) -> Result<Self, Self::Error> {
        let people =
            |value: Option<serde_json::Value>| serde_json::from_value(value.unwrap_or_default()).map_err(wrong);
        let mail = match row.subject {
            None => None,
            Some(subject) => Some(StoredMail {
                subject,
                to: people(row.recipients_to)?,
                cc: people(row.recipients_cc)?,
                bcc: people(row.recipients_bcc)?,
                html: row.body_html,
                outcomes: serde_json::from_value(row.outcomes.unwrap_or_default()).map_err(wrong)?,
            }),
        };
        Ok(Self {
            account: AccountId(row.account_id),
            id: OutgoingId(row.id),
            conversation: row.conversation_id.map(ConversationId),
            text: row.body_text,
            entities: serde_json::from_value(row.entities).map_err(wrong)?,
            reply_to: row.reply_to.and_then(|number| number.try_into().ok()),
            answers: row.answered_id.map(|id| Answered {
                message: MessageId(id),
                author: row.answered_author.unwrap_or_default(),
                text: row.answered_text.unwrap_or_default(),
            }),
            state: OutgoingState::parse(&row.state)?,
            tries: row.tries,
            error: row.error.map(serde_json::from_value).transpose().map_err(wrong)?,
            place: row.mailbox.zip(row.number).map(|(mailbox, number)| place(mailbox, 0, number)).transpose()?,
            created_at: row.created_at,
            send_at: row.send_at,
            not_before: row.not_before,
            mail,
            files: Vec::new(),
            forward: row.forward_author.zip(row.forward_words).map(|(author, words)| StoredForward {
                nameless: row.forward_nameless,
                author,
                words,
            }),
        })
    }
}

impl Store {
    /// Stores texts that are to be sent, all or none, with the end of the draft that they were written as, and wakes
    /// the program that listens to the account.
    pub async fn queue_texts(
        &self,
        account: AccountId,
        texts: &[OutgoingDraft],
        draft: Option<DraftId>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_for(account).await?;
        let mut facts = Vec::with_capacity(texts.len());
        for text in texts {
            write(&mut tx, account, text).await?;
            facts.push(changed(Some(text.conversation.0)));
        }
        drafts::remove(&mut tx, account, draft).await?;
        ring(&mut tx, account).await?;
        journal::announce(&mut tx, account, &facts).await?;
        Ok(tx.commit().await?)
    }

    /// Takes the next text, with or without a file, whose time has come and notes that it is being tried. Texts of one
    /// chat follow one another.
    /// One that was perhaps sent too long ago to be known again waits for a person.
    pub async fn next_text(
        &self,
        account: AccountId,
        lease: Option<LeaseToken>,
        now: OffsetDateTime,
        with_file: bool,
    ) -> Result<Option<DueText>, StoreError> {
        let mut tx = self.begin_held(account, lease).await?;
        let parked = sqlx::query_scalar!(
            "UPDATE outgoing SET state = 'uncertain', maybe_sent = true, tries = greatest(tries, $3)
             WHERE account_id = $1 AND greatest(created_at, send_at) < $2 AND tries > 0
               AND (state = 'sending' OR state = 'uncertain' AND tries < $3)
               AND NOT EXISTS (SELECT 1 FROM outgoing_mails m WHERE m.account_id = $1 AND m.outgoing_id = outgoing.id)
             RETURNING conversation_id",
            account.0,
            now - KNOWN_AGAIN,
            UNCERTAIN_TRIES
        )
        .fetch_all(&mut *tx)
        .await?;
        let parked: Vec<Fact> = parked.into_iter().map(changed).collect();
        let row = sqlx::query!(
            r#"UPDATE outgoing o SET state = 'sending', tries = o.tries + 1,
                      maybe_sent = o.maybe_sent OR o.state = 'sending'
               FROM conversations c
               WHERE o.account_id = $1 AND c.account_id = $1 AND c.id = o.conversation_id AND o.id = (
                   SELECT due.id FROM outgoing due
                   WHERE due.account_id = $1 AND due.state IN ('waiting', 'sending', 'uncertain')
                     AND (due.state <> 'uncertain' OR due.tries < $3) AND (due.not_before IS NULL OR due.not_before <= $2)
                     AND (due.send_at IS NULL OR due.send_at <= $2)
                     AND $4 = EXISTS (SELECT 1 FROM outgoing_files f
                                      WHERE f.account_id = $1 AND f.outgoing_id = due.id)
                     AND NOT EXISTS (
                         SELECT 1 FROM outgoing earlier
                         WHERE earlier.account_id = $1 AND earlier.conversation_id = due.conversation_id
                           AND earlier.state IN ('waiting', 'sending', 'uncertain')
                           AND (earlier.state <> 'uncertain' OR earlier.tries < $3)
                           AND (earlier.send_at IS NULL OR earlier.send_at <= $2)
                           AND (coalesce(earlier.send_at, earlier.created_at), earlier.created_at, earlier.id)
                               < (coalesce(due.send_at, due.created_at), due.created_at, due.id))
                   ORDER BY coalesce(due.send_at, due.created_at), due.created_at, due.id LIMIT 1)
               RETURNING o.id, o.conversation_id, o.tries, o.body_text, o.entities, o.reply_to, o.random_id, o.album,
                         o.created_at, o.forward_mailbox, o.forward_number, o.forward_nameless,
                         c.remote_peer AS "remote_peer!""#,
            account.0,
            now,
            UNCERTAIN_TRIES,
            with_file
        )
        .fetch_optional(&mut *tx)
        .await?;
        let rest = match row.as_ref().and_then(|row| Some((row.id, row.album?))) {
            Some((first, album)) => rest_of_album(&mut tx, account, first, album).await?,
            None => Vec::new(),
        };
        let taken = row.as_ref().map(|row| changed(row.conversation_id));
        let facts: Vec<Fact> = parked.into_iter().chain(taken).collect();
        if !facts.is_empty() {
            journal::announce(&mut tx, account, &facts).await?;
            tx.commit().await?;
        }
        let Some(row) = row else { return Ok(None) };
        let chat = chat_key(&row.remote_peer)?;
        let first = TakenText {
            id: row.id,
            tries: row.tries,
            body_text: row.body_text,
            entities: row.entities,
            reply_to: row.reply_to,
            random_id: row.random_id,
            created_at: row.created_at,
            forward_mailbox: row.forward_mailbox,
            forward_number: row.forward_number,
            forward_nameless: row.forward_nameless,
        };
        let taken: Vec<TakenText> = std::iter::once(first).chain(rest).collect();
        let keys: Vec<_> = taken.iter().map(|text| (account, OutgoingId(text.id))).collect();
        let mut files: HashMap<OutgoingId, OutgoingFile> =
            if with_file { self.files_of(&keys).await?.into_iter().collect() } else { HashMap::new() };
        let due = taken.into_iter().map(|text| text.due(chat, &mut files));
        let mut due = due.collect::<Result<Vec<_>, _>>()?.into_iter();
        let first = due.next();
        Ok(first.map(|first| DueText { rest: due.collect(), ..first }))
    }

    /// When the next text or mail of an account is due whose time is still to come; what is due already waits for
    /// something else.
    pub async fn next_due(
        &self,
        account: AccountId,
        now: OffsetDateTime,
    ) -> Result<Option<OffsetDateTime>, StoreError> {
        let due = sqlx::query_scalar!(
            "SELECT min(greatest(not_before, send_at)) FROM outgoing
             WHERE account_id = $1 AND state IN ('waiting', 'sending', 'uncertain')
               AND (state <> 'uncertain' OR tries < $2) AND greatest(not_before, send_at) > $3",
            account.0,
            UNCERTAIN_TRIES,
            now
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(due)
    }

    /// Whether anything is on its way to a server just now, of whatever account.
    pub async fn is_sending(&self) -> Result<bool, StoreError> {
        let sending =
            sqlx::query_scalar!(r#"SELECT EXISTS (SELECT 1 FROM outgoing WHERE state = 'sending') AS "sending!""#)
                .fetch_one(&self.pool)
                .await?;
        Ok(sending)
    }

    /// Notes that the server accepted texts, all of them together.
    pub async fn texts_sent(&self, account: AccountId, sent: &[(OutgoingId, Sent)]) -> Result<(), StoreError> {
        let mut tx = self.begin_for(account).await?;
        let conversations = sqlx::query_scalar!(
            "UPDATE outgoing o SET state = 'sent', mailbox = s.mailbox, number = s.number, sent_at = s.at, error = NULL
             FROM unnest($2::uuid[], $3::text[], $4::bigint[], $5::timestamptz[]) AS s (id, mailbox, number, at)
             WHERE o.account_id = $1 AND o.id = s.id AND o.state <> 'sent' RETURNING o.conversation_id",
            account.0,
            &sent.iter().map(|(id, _)| id.0).collect::<Vec<_>>(),
            &sent.iter().map(|(_, sent)| sent.place.mailbox.clone()).collect::<Vec<_>>(),
            &sent.iter().map(|(_, sent)| i64::from(sent.place.number)).collect::<Vec<_>>(),
            &sent.iter().map(|(_, sent)| sent.at).collect::<Vec<_>>()
        )
        .fetch_all(&mut *tx)
        .await?;
        if let Some(conversation) = conversations.first() {
            journal::announce(&mut tx, account, &[changed(*conversation)]).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Notes how a try failed. One that is known to be sent meanwhile stays so, and one that an earlier try perhaps sent
    /// stays uncertain.
    pub async fn text_not_sent(
        &self,
        account: AccountId,
        lease: Option<LeaseToken>,
        id: OutgoingId,
        outcome: &NotSent,
        why: &Trouble,
    ) -> Result<(), StoreError> {
        self.album_not_sent(account, lease, &[(id, outcome)], why, false).await
    }

    /// Notes how a try of an album failed, item by item, in one transaction. What is taken `apart` goes item by item from
    /// now on.
    pub async fn album_not_sent(
        &self,
        account: AccountId,
        lease: Option<LeaseToken>,
        items: &[(OutgoingId, &NotSent)],
        why: &Trouble,
        apart: bool,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_held(account, lease).await?;
        let error = serde_json::to_value(why).map_err(wrong)?;
        let mut facts = Vec::with_capacity(items.len());
        for (id, outcome) in items {
            let (state, not_before) = match outcome {
                NotSent::Later(at) => (OutgoingState::Waiting, Some(*at)),
                NotSent::Uncertain(at) => (OutgoingState::Uncertain, Some(*at)),
                NotSent::Failed => (OutgoingState::Failed, None),
            };
            let conversation = sqlx::query_scalar!(
                "UPDATE outgoing SET state = CASE WHEN maybe_sent THEN 'uncertain' ELSE $3 END, not_before = $4, error = $5,
                        maybe_sent = maybe_sent OR $3 = 'uncertain',
                        tries = CASE WHEN maybe_sent AND $3 = 'failed' THEN greatest(tries, $6) ELSE tries END,
                        album = CASE WHEN $7 THEN NULL ELSE album END
                 WHERE account_id = $1 AND id = $2 AND state <> 'sent' RETURNING conversation_id",
                account.0,
                id.0,
                state.as_str(),
                not_before,
                error,
                UNCERTAIN_TRIES,
                apart
            )
            .fetch_optional(&mut *tx)
            .await?;
            facts.extend(conversation.map(changed));
        }
        facts.dedup();
        if !facts.is_empty() {
            journal::announce(&mut tx, account, &facts).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Lets a text that failed, or whose fate stayed unknown, be tried again as the same message. A mail that may have
    /// been sent is sent again: a person has decided so. One that is known to have been sent is not.
    pub async fn retry_text(&self, account: AccountId, id: OutgoingId) -> Result<(), StoreError> {
        let mut tx = self.begin_for(account).await?;
        let conversation = sqlx::query_scalar!(
            "WITH mail AS (
                 UPDATE outgoing_mails m SET dated_at = NULL, confirmed = false,
                        outcomes = coalesce((SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each(m.outcomes) e
                                             WHERE e.value ->> 'outcome' = 'accepted'), '{}')
                 FROM outgoing o
                 WHERE m.account_id = $1 AND m.outgoing_id = $2 AND o.account_id = $1 AND o.id = $2
                   AND (o.state = 'failed' OR o.state = 'uncertain' AND NOT m.confirmed) RETURNING m.outgoing_id)
             UPDATE outgoing SET tries = 0, not_before = NULL,
                    state = CASE WHEN state = 'failed' OR id IN (SELECT outgoing_id FROM mail) THEN 'waiting' ELSE state END,
                    maybe_sent = maybe_sent AND id NOT IN (SELECT outgoing_id FROM mail)
             WHERE account_id = $1 AND id = $2
               AND (state = 'failed' OR state = 'uncertain' AND NOT EXISTS (
                   SELECT 1 FROM outgoing_mails known
                   WHERE known.account_id = $1 AND known.outgoing_id = $2 AND known.confirmed))
             RETURNING conversation_id",
            account.0,
            id.0
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(StoreError::NotFound("the text"))?;
        ring(&mut tx, account).await?;
        journal::announce(&mut tx, account, &[changed(conversation)]).await?;
        Ok(tx.commit().await?)
    }

    /// Lets a text or mail whose time is still to come after `now` go out at `at`, with what belongs to the same album.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] when it waits for no time to come.
    pub async fn reschedule(
        &self,
        account: AccountId,
        id: OutgoingId,
        at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_for(account).await?;
        let conversations = sqlx::query_scalar!(
            "UPDATE outgoing o SET send_at = $3 FROM outgoing named
             WHERE named.account_id = $1 AND named.id = $2 AND o.account_id = $1
               AND (o.id = $2 OR o.album = named.album AND o.conversation_id = named.conversation_id)
               AND o.state = 'waiting' AND o.send_at > $4 RETURNING o.conversation_id",
            account.0,
            id.0,
            at,
            now
        )
        .fetch_all(&mut *tx)
        .await?;
        let conversation = *conversations.first().ok_or(StoreError::NotFound("the scheduled text"))?;
        ring(&mut tx, account).await?;
        journal::announce(&mut tx, account, &[changed(conversation)]).await?;
        Ok(tx.commit().await?)
    }

    /// Removes a text that the server has certainly not accepted. A mail that some addresses have counts as sent to
    /// them: the others do not get it.
    pub async fn discard_text(&self, account: AccountId, id: OutgoingId) -> Result<(), StoreError> {
        let mut tx = self.begin_for(account).await?;
        let settled = sqlx::query_scalar!(
            "UPDATE outgoing o SET state = 'sent', error = NULL, not_before = NULL FROM outgoing_mails m
             WHERE o.account_id = $1 AND o.id = $2 AND o.state IN ('waiting', 'failed')
               AND m.account_id = $1 AND m.outgoing_id = $2
               AND EXISTS (SELECT 1 FROM jsonb_each(m.outcomes) e WHERE e.value ->> 'outcome' = 'accepted')
             RETURNING o.conversation_id",
            account.0,
            id.0
        )
        .fetch_optional(&mut *tx)
        .await?;
        let conversation = match settled {
            Some(conversation) => conversation,
            None => sqlx::query_scalar!(
                "DELETE FROM outgoing WHERE account_id = $1 AND id = $2 AND state IN ('waiting', 'failed')
                 RETURNING conversation_id",
                account.0,
                id.0
            )
            .fetch_optional(&mut *tx)
            .await?
            .ok_or(StoreError::NotFound("the text"))?,
        };
        ring(&mut tx, account).await?;
        journal::announce(&mut tx, account, &[changed(conversation)]).await?;
        Ok(tx.commit().await?)
    }

    /// Returns what goes out from a conversation and is not among its messages yet, oldest first.
    pub async fn outgoing(
        &self,
        account: AccountId,
        conversation: ConversationId,
    ) -> Result<Vec<StoredOutgoing>, StoreError> {
        let rows = sqlx::query_as!(
            OutgoingRow,
            r#"SELECT o.account_id, o.id, o.conversation_id, o.body_text, o.entities, o.reply_to, o.state, o.tries,
                    o.error, o.mailbox, o.number, o.forward_nameless, o.forward_author, o.forward_words,
                    o.created_at, o.send_at, o.not_before, a.id AS "answered_id?",
                    a.author_name AS "answered_author?", a.text AS "answered_text?", m.subject AS "subject?",
                    m.recipients_to AS "recipients_to?", m.recipients_cc AS "recipients_cc?",
                    m.recipients_bcc AS "recipients_bcc?", m.body_html, m.outcomes AS "outcomes?"
             FROM outgoing o
             LEFT JOIN outgoing_mails m ON m.account_id = o.account_id AND m.outgoing_id = o.id
             LEFT JOIN LATERAL (
                 SELECT q.id, q.author_name, left(q.body_text, 200) AS text
                 FROM message_places r JOIN messages q ON q.account_id = r.account_id AND q.id = r.message_id
                 WHERE r.account_id = o.account_id AND r.epoch = 0 AND r.number = o.reply_to
                   AND q.conversation_id = o.conversation_id LIMIT 1) a ON true
             WHERE o.account_id = $1 AND o.conversation_id = $2
               -- A mail counts as sent in the transaction that stores it.
               AND (o.state <> 'sent' OR m.outgoing_id IS NULL)
               AND NOT EXISTS (SELECT 1 FROM message_places p WHERE p.account_id = $1 AND p.mailbox = o.mailbox
                               AND p.epoch = 0 AND p.number = o.number)
             ORDER BY o.created_at, o.id"#,
            account.0,
            conversation.0
        )
        .fetch_all(&self.pool)
        .await?;
        self.with_files(rows).await
    }

    /// Returns what has not been sent of every account, oldest first, at most `limit`.
    pub async fn unsent(&self, limit: i64) -> Result<Vec<StoredOutgoing>, StoreError> {
        let rows = sqlx::query_as!(
            OutgoingRow,
            r#"SELECT o.account_id, o.id, o.conversation_id, o.body_text, o.entities, o.reply_to, o.state, o.tries,
                    o.error, o.mailbox, o.number, o.forward_nameless, o.forward_author, o.forward_words,
                    o.created_at, o.send_at, o.not_before, NULL::uuid AS answered_id,
                    NULL::text AS answered_author, NULL::text AS answered_text, m.subject AS "subject?",
                    m.recipients_to AS "recipients_to?", m.recipients_cc AS "recipients_cc?",
                    m.recipients_bcc AS "recipients_bcc?", m.body_html, m.outcomes AS "outcomes?"
             FROM outgoing o
             LEFT JOIN outgoing_mails m ON m.account_id = o.account_id AND m.outgoing_id = o.id
             JOIN accounts c ON c.id = o.account_id AND c.removed_at IS NULL
             WHERE o.state <> 'sent' ORDER BY o.created_at, o.id LIMIT $1"#,
            limit
        )
        .fetch_all(&self.pool)
        .await?;
        self.with_files(rows).await
    }

    /// Returns one text or mail on its way, also when its message is stored.
    pub async fn outgoing_text(&self, account: AccountId, id: OutgoingId) -> Result<StoredOutgoing, StoreError> {
        let rows = sqlx::query_as!(
            OutgoingRow,
            r#"SELECT o.account_id, o.id, o.conversation_id, o.body_text, o.entities, o.reply_to, o.state, o.tries,
                    o.error, o.mailbox, o.number, o.forward_nameless, o.forward_author, o.forward_words,
                    o.created_at, o.send_at, o.not_before, NULL::uuid AS answered_id,
                    NULL::text AS answered_author, NULL::text AS answered_text, m.subject AS "subject?",
                    m.recipients_to AS "recipients_to?", m.recipients_cc AS "recipients_cc?",
                    m.recipients_bcc AS "recipients_bcc?", m.body_html, m.outcomes AS "outcomes?"
             FROM outgoing o
             LEFT JOIN outgoing_mails m ON m.account_id = o.account_id AND m.outgoing_id = o.id
             WHERE o.account_id = $1 AND o.id = $2"#,
            account.0,
            id.0
        )
        .fetch_all(&self.pool)
        .await?;
        self.with_files(rows).await?.pop().ok_or(StoreError::NotFound("the text"))
    }

    async fn with_files(&self, rows: Vec<OutgoingRow>) -> Result<Vec<StoredOutgoing>, StoreError> {
        let mut found = rows.into_iter().map(TryInto::try_into).collect::<Result<Vec<StoredOutgoing>, _>>()?;
        let keys: Vec<_> = found.iter().map(|outgoing| (outgoing.account, outgoing.id)).collect();
        for (id, file) in self.files_of(&keys).await? {
            if let Some(outgoing) = found.iter_mut().find(|outgoing| outgoing.id == id) {
                outgoing.files.push(file);
            }
        }
        Ok(found)
    }

    /// The files of what goes out, in order.
    async fn files_of(&self, keys: &[(AccountId, OutgoingId)]) -> Result<Vec<(OutgoingId, OutgoingFile)>, StoreError> {
        let files = sqlx::query!(
            "SELECT f.outgoing_id, f.name, f.mime, f.content_id, f.voice_ms, f.waveform, f.sha256, b.size
             FROM outgoing_files f JOIN blobs b ON b.account_id = f.account_id AND b.sha256 = f.sha256
             WHERE f.account_id = ANY($1) AND f.outgoing_id = ANY($2) ORDER BY f.position",
            &keys.iter().map(|(account, _)| account.0).collect::<Vec<_>>(),
            &keys.iter().map(|(_, id)| id.0).collect::<Vec<_>>()
        )
        .fetch_all(&self.pool)
        .await?;
        let read = files.into_iter().map(|file| {
            let sha256 = file.sha256.try_into().map_err(|_| StoreError::Inconsistent("a file's hash".to_owned()))?;
            let size = file.size.unsigned_abs();
            let voice = file.voice_ms.zip(file.waveform);
            let voice = voice.map(|(ms, waveform)| VoiceNote { duration_ms: ms.unsigned_abs(), waveform });
            let (name, mime, content_id) = (file.name, file.mime, file.content_id);
            Ok((OutgoingId(file.outgoing_id), OutgoingFile { name, mime, size, sha256, content_id, voice }))
        });
        read.collect()
    }

    /// Returns the chats that were read here further than the server knows, with the number up to which.
    pub async fn unconfirmed_reads(&self, account: AccountId) -> Result<Vec<(ChatKey, u32)>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT remote_peer AS "remote_peer!", read_here FROM conversations
               WHERE account_id = $1 AND read_here > read_inbox AND remote_peer IS NOT NULL"#,
            account.0
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| Ok((chat_key(&row.remote_peer)?, u32::try_from(row.read_here).unwrap_or(u32::MAX))))
            .collect()
    }

    /// Notes that the server was told up to where a chat was read.
    pub async fn read_confirmed(&self, account: AccountId, chat: ChatKey, up_to: u32) -> Result<(), StoreError> {
        sqlx::query!(
            "UPDATE conversations SET read_inbox = greatest(read_inbox, $3) WHERE account_id = $1 AND remote_peer = $2",
            account.0,
            chat.to_string(),
            i64::from(up_to)
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

/// A text that was taken to be tried.
struct TakenText {
    id: Uuid,
    tries: i32,
    body_text: String,
    entities: serde_json::Value,
    reply_to: Option<i64>,
    random_id: i64,
    created_at: OffsetDateTime,
    forward_mailbox: Option<String>,
    forward_number: Option<i64>,
    forward_nameless: bool,
}

impl TakenText {
    fn due(self, chat: ChatKey, files: &mut HashMap<OutgoingId, OutgoingFile>) -> Result<DueText, StoreError> {
        let id = OutgoingId(self.id);
        let from = self.forward_mailbox.zip(self.forward_number);
        let from = from.map(|(mailbox, number)| place(mailbox, 0, number)).transpose()?;
        let (nameless, random_id) = (self.forward_nameless, self.random_id);
        Ok(DueText {
            id,
            tries: u32::try_from(self.tries).unwrap_or(1),
            send: SendText {
                chat,
                text: self.body_text,
                entities: serde_json::from_value(self.entities).map_err(wrong)?,
                reply_to: self.reply_to.and_then(|number| number.try_into().ok()),
                random_id: self.random_id,
            },
            file: files.remove(&id),
            forward: from.map(|from| ForwardMessage { to: chat, from, nameless, random_id }),
            rest: Vec::new(),
        })
    }
}

/// Takes what goes out with the first of an album, in order.
async fn rest_of_album(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    first: Uuid,
    album: i64,
) -> Result<Vec<TakenText>, StoreError> {
    let mut rest = sqlx::query_as!(
        TakenText,
        "UPDATE outgoing SET state = 'sending', tries = tries + 1, maybe_sent = maybe_sent OR state = 'sending'
         WHERE account_id = $1 AND album = $2 AND id <> $3 AND state IN ('waiting', 'sending', 'uncertain')
           AND (state <> 'uncertain' OR tries < $4)
         RETURNING id, tries, body_text, entities, reply_to, random_id, created_at, forward_mailbox, forward_number,
                   forward_nameless",
        account.0,
        album,
        first,
        UNCERTAIN_TRIES
    )
    .fetch_all(connection)
    .await?;
    rest.sort_unstable_by_key(|text| (text.created_at, text.id));
    Ok(rest)
}

/// Writes one text with its file.
async fn write(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    draft: &OutgoingDraft,
) -> Result<(), StoreError> {
    let entities = serde_json::to_value(&draft.entities).map_err(wrong)?;
    let forward = draft.forward.as_ref();
    let queued = sqlx::query!(
        "INSERT INTO outgoing (account_id, id, conversation_id, body_text, entities, reply_to, random_id, send_at, album,
                               forward_mailbox, forward_number, forward_nameless, forward_author, forward_words)
         SELECT $1, $2, c.id, $4, $5, (SELECT p.number FROM message_places p
                                       WHERE p.account_id = $1 AND p.message_id = $6 AND p.epoch = 0
                                       ORDER BY p.number LIMIT 1), $7, $8, $9, passed.mailbox, passed.number, $11, $12, $13
         FROM conversations c LEFT JOIN LATERAL (
             SELECT p.mailbox, p.number FROM message_places p
             WHERE p.account_id = $1 AND p.message_id = $10 AND p.epoch = 0 ORDER BY p.number LIMIT 1) passed ON true
         WHERE c.account_id = $1 AND c.id = $3 AND c.remote_peer IS NOT NULL
           AND ($10::uuid IS NULL OR passed.number IS NOT NULL)",
        account.0,
        draft.id.0,
        draft.conversation.0,
        draft.text,
        entities,
        draft.reply_to.map(|id| id.0),
        draft.random_id,
        draft.send_at,
        draft.album,
        forward.map(|forward| forward.message.0),
        forward.is_some_and(|forward| forward.nameless),
        forward.map(|forward| forward.author.as_str()),
        forward.map(|forward| forward.words.as_str())
    )
    .execute(&mut *connection)
    .await?
    .rows_affected();
    if queued == 0 {
        return Err(StoreError::NotFound(if forward.is_some() { "the chat or the message" } else { "the chat" }));
    }
    if let Some(file) = &draft.file {
        let written = sqlx::query!(
            "INSERT INTO outgoing_files (account_id, outgoing_id, position, name, mime, sha256, voice_ms, waveform)
             SELECT $1, $2, 0, $3, $4, b.sha256, $6, $7 FROM blobs b WHERE b.account_id = $1 AND b.sha256 = $5",
            account.0,
            draft.id.0,
            file.name,
            file.mime,
            file.sha256.as_slice(),
            file.voice.as_ref().map(|voice| i32::try_from(voice.duration_ms).unwrap_or(i32::MAX)),
            file.voice.as_ref().map(|voice| voice.waveform.as_slice())
        )
        .execute(&mut *connection)
        .await?
        .rows_affected();
        if written == 0 {
            return Err(StoreError::NotFound("the attached file"));
        }
    }
    Ok(())
}

/// Notes where a text stands whose sender may not have seen the answer. Returns its conversation where that is news.
pub(super) async fn found(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    random_id: i64,
    place: &Place,
) -> Result<Option<ConversationId>, StoreError> {
    let conversation = sqlx::query_scalar!(
        "UPDATE outgoing SET state = 'sent', mailbox = $3, number = $4, sent_at = clock_timestamp(), error = NULL
         WHERE account_id = $1 AND random_id = $2 AND state <> 'sent' RETURNING conversation_id",
        account.0,
        random_id,
        place.mailbox,
        i64::from(place.number)
    )
    .fetch_optional(connection)
    .await?;
    Ok(conversation.flatten().map(ConversationId))
}

/// Wakes the program that listens to the account once the transaction is committed.
pub(super) async fn ring(connection: &mut sqlx::PgConnection, account: AccountId) -> Result<(), StoreError> {
    sqlx::query!("SELECT pg_notify('skrynka_outgoing', $1)", account.to_string()).execute(connection).await?;
    Ok(())
}

fn chat_key(text: &str) -> Result<ChatKey, StoreError> {
    text.parse().map_err(|_| StoreError::Inconsistent(format!("a chat {text:?}")))
}

pub(super) fn wrong(error: serde_json::Error) -> StoreError {
    StoreError::Inconsistent(format!("an outgoing text's row: {error}"))
}

pub(super) fn changed(conversation: Option<Uuid>) -> Fact {
    Fact { kind: FactKind::OutgoingChanged, conversation: conversation.map(ConversationId), message: None }
}
