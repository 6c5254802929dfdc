//! `outgoing_mails`, `outgoing_files`: what mails on their way have beside texts.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::Duration,
};

use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Fact, IngestTx, LeaseToken, OutgoingFile, Store, StoreError, drafts, journal, leases,
    outgoing::{changed, ring, wrong},
    threads,
};
use crate::{
    connector::{Delivered, MailFile, Outcome, Outcomes, OutgoingMail, SentCopy},
    model::{AccountId, Address, ConversationId, DraftId, Entity, MessageId, OutgoingId, Place, Trouble, TroubleCode},
};

/// A mail that somebody wants to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailDraft {
    /// Its new key.
    pub id: OutgoingId,
    /// Where it was written; `None`: to somebody new.
    pub conversation: Option<ConversationId>,
    /// Not before then; until then it can be taken back.
    pub send_at: Option<OffsetDateTime>,
    /// The draft that it was written as, which goes with it.
    pub draft: Option<DraftId>,
    /// What is sent, without its files and its date.
    pub mail: OutgoingMail,
    /// How stretches of its text are shown, for whoever takes it back.
    pub entities: Vec<Entity>,
    /// Its files, whose bytes are blobs of the account already.
    pub files: Vec<OutgoingFile>,
}

/// How an account's mails begin and end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Letterhead {
    /// The name that customers see; empty: the account's own.
    pub sender_name: String,
    /// Put under new mails; may be empty.
    pub signature: String,
}

/// A try at sending a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailTry {
    /// The mail.
    pub outgoing: OutgoingId,
    /// How often it was tried, this time included.
    pub tries: u32,
    /// The mail's Date, which stays the same from its first try on.
    pub date: OffsetDateTime,
}

/// A mail to try now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueMail {
    /// Its key.
    pub id: OutgoingId,
    /// How often it was tried, this time included.
    pub tries: u32,
    /// Not before then; `None`: at once.
    pub due: Option<OffsetDateTime>,
    /// Where it stands once it is sent.
    pub place: Place,
    /// Whether it has its Date already.
    pub is_dated: bool,
    /// What is sent.
    pub mail: OutgoingMail,
    /// Whether files go with it.
    pub has_files: bool,
    /// What the server said so far.
    pub outcomes: Outcomes,
    /// How often its copy was tried to be kept.
    pub copy_tries: u32,
}

impl DueMail {
    /// Whether its time has come `now`.
    pub fn is_due(&self, now: OffsetDateTime) -> bool {
        self.due.is_none_or(|due| due <= now)
    }

    /// This try.
    pub fn this_try(&self) -> MailTry {
        MailTry { outgoing: self.id, tries: self.tries, date: self.mail.date }
    }

    /// The addresses that have not been answered for good.
    pub fn addresses(&self) -> Vec<String> {
        let open =
            |address: &String| matches!(self.outcomes.get(address), None | Some(Outcome::Told | Outcome::Later { .. }));
        self.mail.recipients().into_iter().filter(open).collect()
    }
}

/// A mail of ours that a copy belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnMail {
    /// Its key among what goes out.
    pub outgoing: OutgoingId,
    /// The message that stands for it, once it is stored.
    pub message: Option<MessageId>,
}

struct MailRow {
    id: Uuid,
    tries: i32,
    body_text: String,
    rfc_message_id: String,
    number: i64,
    author_name: String,
    author_address: String,
    subject: String,
    recipients_to: serde_json::Value,
    recipients_cc: serde_json::Value,
    recipients_bcc: serde_json::Value,
    body_html: Option<String>,
    refs: Vec<String>,
    outcomes: serde_json::Value,
    copy_tries: i32,
    dated_at: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
    due: Option<OffsetDateTime>,
    has_files: bool,
}

impl TryFrom<MailRow> for DueMail {
    type Error = StoreError;

    fn try_from(row: MailRow) -> Result<Self, Self::Error> {
        let people = |value| serde_json::from_value::<Vec<Address>>(value).map_err(wrong);
        let number =
            u32::try_from(row.number).map_err(|_| StoreError::Inconsistent("an outgoing mail's number".into()))?;
        Ok(Self {
            id: OutgoingId(row.id),
            tries: u32::try_from(row.tries).unwrap_or(0),
            place: Place::outbox(number),
            due: row.due,
            has_files: row.has_files,
            is_dated: row.dated_at.is_some(),
            outcomes: serde_json::from_value(row.outcomes).map_err(wrong)?,
            copy_tries: u32::try_from(row.copy_tries).unwrap_or(0),
            mail: OutgoingMail {
                message_id: row.rfc_message_id,
                from: Address { name: row.author_name, address: row.author_address },
                to: people(row.recipients_to)?,
                cc: people(row.recipients_cc)?,
                bcc: people(row.recipients_bcc)?,
                subject: row.subject,
                date: row.dated_at.unwrap_or(row.created_at),
                references: row.refs,
                text: row.body_text,
                html: row.body_html,
                files: Vec::new(),
            },
        })
    }
}

impl Store {
    /// Returns how an account's mails begin and end.
    pub async fn letterhead(&self, account: AccountId) -> Result<Letterhead, StoreError> {
        let row = sqlx::query!(
            r#"SELECT a.signature, coalesce(e.sender_name, '') AS "sender_name!"
               FROM accounts a LEFT JOIN email_accounts e ON e.account_id = a.id WHERE a.id = $1"#,
            account.0
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(StoreError::NotFound("the account"))?;
        Ok(Letterhead { sender_name: row.sender_name, signature: row.signature })
    }

    /// Changes how an account's mails begin and end.
    pub async fn set_letterhead(&self, account: AccountId, letterhead: &Letterhead) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let known = sqlx::query!("UPDATE accounts SET signature = $2 WHERE id = $1", account.0, letterhead.signature)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        if known == 0 {
            return Err(StoreError::NotFound("the account"));
        }
        sqlx::query!(
            "UPDATE email_accounts SET sender_name = $2 WHERE account_id = $1",
            account.0,
            letterhead.sender_name
        )
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }

    /// Returns how many bytes of a mail the account's submission server takes, where it has said so.
    pub async fn submission_size(&self, account: AccountId) -> Result<Option<u64>, StoreError> {
        let size = sqlx::query_scalar!("SELECT submission_size FROM email_accounts WHERE account_id = $1", account.0)
            .fetch_optional(&self.pool)
            .await?;
        Ok(size.flatten().and_then(|size| u64::try_from(size).ok()))
    }

    /// Notes how many bytes of a mail the account's submission server takes.
    pub async fn note_submission_size(&self, account: AccountId, size: Option<u64>) -> Result<(), StoreError> {
        sqlx::query!(
            "UPDATE email_accounts SET submission_size = $2
             WHERE account_id = $1 AND submission_size IS DISTINCT FROM $2",
            account.0,
            size.map(|size| i64::try_from(size).unwrap_or(i64::MAX))
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Returns who sent a file with this content, where it came from somebody and from none of these addresses.
    pub async fn file_of_another(
        &self,
        account: AccountId,
        sha256: [u8; 32],
        addresses: &[String],
    ) -> Result<Option<String>, StoreError> {
        let known = sqlx::query!(
            r#"SELECT coalesce(nullif(m.author_name, ''), m.author_address) AS "author!",
                      lower(m.author_address) = ANY($3) AS "theirs!"
               FROM attachments f JOIN messages m ON m.account_id = f.account_id AND m.id = f.message_id
               WHERE f.account_id = $1 AND f.sha256 = $2 AND m.direction = 'in' AND m.author_address <> ''
               ORDER BY 2 DESC LIMIT 1"#,
            account.0,
            sha256.as_slice(),
            addresses
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(known.filter(|known| !known.theirs).map(|known| known.author))
    }

    /// Returns the addresses that wrote in a conversation or were written to, in lower case.
    pub async fn addresses_met(
        &self,
        account: AccountId,
        conversation: ConversationId,
    ) -> Result<BTreeSet<String>, StoreError> {
        let met = sqlx::query_scalar!(
            r#"SELECT DISTINCT lower(a.address) AS "address!"
               FROM messages m
               CROSS JOIN LATERAL (
                   SELECT m.author_address AS address
                   UNION ALL SELECT e ->> 'address'
                             FROM jsonb_array_elements(m.recipients_to || m.recipients_cc || m.recipients_reply_to) e) a
               WHERE m.account_id = $1 AND m.conversation_id = $2 AND a.address IS NOT NULL"#,
            account.0,
            conversation.0
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(met.into_iter().collect())
    }

    /// Stores a mail that is to be sent and wakes the program that listens to the account.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the conversation or a file is not there; nothing is stored.
    pub async fn queue_mail(&self, account: AccountId, draft: &MailDraft) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let mail = &draft.mail;
        let conversation = match draft.conversation {
            None => None,
            // One that was merged meanwhile lives on in another.
            Some(id) => Some(
                sqlx::query_scalar!(
                    r#"SELECT coalesce(merged_into, id) AS "id!" FROM conversations WHERE account_id = $1 AND id = $2"#,
                    account.0,
                    id.0
                )
                .fetch_optional(&mut *tx)
                .await?
                .ok_or(StoreError::NotFound("the conversation"))?,
            ),
        };
        sqlx::query!(
            "INSERT INTO outgoing (account_id, id, conversation_id, body_text, random_id, send_at, entities)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            account.0,
            draft.id.0,
            conversation,
            mail.text,
            // Mails are known by their Message-ID; the column is a text's.
            draft.id.0.as_u64_pair().1.cast_signed(),
            draft.send_at,
            serde_json::json!(draft.entities)
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "INSERT INTO outgoing_mails (account_id, outgoing_id, rfc_message_id, author_name, author_address, subject,
                    recipients_to, recipients_cc, recipients_bcc, body_html, refs)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            account.0,
            draft.id.0,
            mail.message_id,
            mail.from.name,
            mail.from.address,
            mail.subject,
            serde_json::json!(mail.to),
            serde_json::json!(mail.cc),
            serde_json::json!(mail.bcc),
            mail.html,
            &mail.references
        )
        .execute(&mut *tx)
        .await?;
        let written = sqlx::query!(
            "INSERT INTO outgoing_files (account_id, outgoing_id, position, name, mime, sha256, content_id)
             SELECT $1, $2, f.position - 1, f.name, f.mime, b.sha256, f.content_id
             FROM unnest($3::text[], $4::text[], $5::bytea[], $6::text[]) WITH ORDINALITY
                  AS f (name, mime, sha256, content_id, position)
             JOIN blobs b ON b.account_id = $1 AND b.sha256 = f.sha256",
            account.0,
            draft.id.0,
            &draft.files.iter().map(|file| file.name.clone()).collect::<Vec<_>>(),
            &draft.files.iter().map(|file| file.mime.clone()).collect::<Vec<_>>(),
            &draft.files.iter().map(|file| file.sha256.as_slice()).collect::<Vec<_>>() as &[&[u8]],
            &draft.files.iter().map(|file| file.content_id.clone()).collect::<Vec<_>>() as &[Option<String>]
        )
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if written != draft.files.len() as u64 {
            return Err(StoreError::NotFound("an attached file"));
        }
        if let Some(conversation) = conversation {
            // Its answers belong to where it was written, whatever it refers to.
            threads::remember(&mut tx, account, std::slice::from_ref(&mail.message_id), &[conversation]).await?;
        }
        drafts::remove(&mut tx, account, draft.draft).await?;
        ring(&mut tx, account).await?;
        journal::announce(&mut tx, account, &[changed(conversation)]).await?;
        Ok(tx.commit().await?)
    }

    /// Sorts out what an earlier run of this account left being sent: what was not offered to its end is tried again,
    /// and of the rest nobody knows.
    /// What waits because the sign-in was refused is tried at once: somebody may have corrected the password.
    pub async fn recover_mails(
        &self,
        account: AccountId,
        lease: LeaseToken,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_held(account, Some(lease)).await?;
        sqlx::query!(
            "UPDATE outgoing o SET not_before = NULL FROM outgoing_mails m
             WHERE o.account_id = $1 AND o.state = 'waiting' AND o.error ->> 'code' IN ('sign_in', 'app_password', 'session_revoked', 'secrets')
               AND m.account_id = $1 AND m.outgoing_id = o.id",
            account.0
        )
        .execute(&mut *tx)
        .await?;
        let found = sqlx::query_scalar!(
            "WITH found AS (
                 UPDATE outgoing o SET state = CASE WHEN o.maybe_sent THEN 'uncertain' ELSE 'waiting' END,
                        error = CASE WHEN o.maybe_sent THEN $2 ELSE o.error END
                 FROM outgoing_mails m
                 WHERE o.account_id = $1 AND o.state = 'sending' AND m.account_id = $1 AND m.outgoing_id = o.id
                 RETURNING o.id, o.conversation_id, o.state),
             noted AS (
                 UPDATE outgoing_mails m SET uncertain_since = $3 FROM found
                 WHERE m.account_id = $1 AND m.outgoing_id = found.id AND found.state = 'uncertain')
             SELECT conversation_id FROM found",
            account.0,
            serde_json::to_value(cut()).map_err(wrong)?,
            now
        )
        .fetch_all(&mut *tx)
        .await?;
        let facts: Vec<Fact> = found.into_iter().map(changed).collect();
        journal::announce(&mut tx, account, &facts).await?;
        Ok(tx.commit().await?)
    }

    /// Reads at most `limit` mails whose time has come `now` or comes within `soon`, in the order in which they are due,
    /// without their files, and changes nothing; none where the lease is not ours any more. Mails of one conversation
    /// follow one another: only its first can be among them. Those that are `held` already are not.
    pub async fn due_mails(
        &self,
        account: AccountId,
        lease: LeaseToken,
        (now, soon): (OffsetDateTime, Duration),
        limit: i64,
        held: &[OutgoingId],
    ) -> Result<Vec<DueMail>, StoreError> {
        let mut connection = self.due.acquire().await?;
        let due = sqlx::query_scalar!(
            r#"SELECT line.id AS "id!" FROM (
                   SELECT o.id, o.state, o.created_at, greatest(o.not_before, o.send_at) AS due,
                          row_number() OVER (PARTITION BY coalesce(o.conversation_id, o.id)
                                             ORDER BY coalesce(o.send_at, o.created_at), o.id) AS turn
                   FROM outgoing o
                   WHERE o.account_id = $1 AND o.state IN ('waiting', 'sending')
                     AND (o.send_at IS NULL OR o.send_at <= $2)) line
               WHERE line.turn = 1 AND line.state = 'waiting' AND (line.due IS NULL OR line.due <= $2)
                 AND line.id <> ALL ($5)
                 AND EXISTS (SELECT 1 FROM outgoing_mails m WHERE m.account_id = $1 AND m.outgoing_id = line.id)
                 AND EXISTS (SELECT 1 FROM leases l JOIN accounts a ON a.id = l.account_id AND a.removed_at IS NULL
                             WHERE l.account_id = $1 AND l.token = $4 AND l.holder IS NOT NULL)
               ORDER BY coalesce(line.due, line.created_at), line.id LIMIT $3"#,
            account.0,
            now + soon,
            limit,
            lease.0,
            &held.iter().map(|id| id.0).collect::<Vec<_>>()
        )
        .fetch_all(&mut *connection)
        .await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let mut mails = mails(&mut connection, account, &due).await?;
        for mail in &mut mails {
            mail.tries += 1;
            if !mail.is_dated {
                mail.mail.date = mail.due.unwrap_or(now).max(now);
            }
        }
        Ok(mails)
    }

    /// Notes that a mail takes its time: whoever looks sees that it is on its way, before its end or after it. Its end
    /// is not noted by that.
    pub async fn mail_is_slow(
        &self,
        account: AccountId,
        lease: LeaseToken,
        id: OutgoingId,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        leases::fence(&mut tx, account, lease).await?;
        let conversation = sqlx::query_scalar!(
            "UPDATE outgoing SET state = 'sending'
             WHERE account_id = $1 AND id = $2 AND (state = 'sending' OR state = 'waiting'
                   AND (not_before IS NULL OR not_before <= $3) AND (send_at IS NULL OR send_at <= $3))
             RETURNING conversation_id",
            account.0,
            id.0,
            now
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(conversation) = conversation else { return Ok(()) };
        journal::announce(&mut tx, account, &[changed(conversation)]).await?;
        Ok(tx.commit().await?)
    }

    /// Notes that a mail was not to be ended now: where it was shown as being sent, it waits again.
    pub async fn mail_not_ended(
        &self,
        account: AccountId,
        lease: LeaseToken,
        id: OutgoingId,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        leases::fence(&mut tx, account, lease).await?;
        let conversation = sqlx::query_scalar!(
            "UPDATE outgoing SET state = 'waiting'
             WHERE account_id = $1 AND id = $2 AND state = 'sending' AND NOT maybe_sent RETURNING conversation_id",
            account.0,
            id.0
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(conversation) = conversation else { return Ok(()) };
        journal::announce(&mut tx, account, &[changed(conversation)]).await?;
        Ok(tx.commit().await?)
    }

    /// Reads the files of a mail with their bytes.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the bytes of one are missing or not those that were chosen.
    pub async fn mail_files(&self, account: AccountId, id: OutgoingId) -> Result<Vec<MailFile>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT f.name, f.mime, f.content_id, b.size,
                      (SELECT string_agg(c.bytes, ''::bytea ORDER BY c.chunk) FROM blob_chunks c
                       WHERE c.account_id = f.account_id AND c.sha256 = f.sha256) AS bytes
               FROM outgoing_files f JOIN blobs b ON b.account_id = f.account_id AND b.sha256 = f.sha256
               WHERE f.account_id = $1 AND f.outgoing_id = $2 ORDER BY f.position"#,
            account.0,
            id.0
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                let bytes = row.bytes.unwrap_or_default();
                if i64::try_from(bytes.len()) != Ok(row.size) {
                    return Err(StoreError::NotFound("an attached file"));
                }
                Ok(MailFile { name: row.name, mime: row.mime, content_id: row.content_id, bytes })
            })
            .collect()
    }

    /// Notes that the server is about to be given the ends of mails, each with what it said of the addresses: from here on
    /// only its answers tell whether they were sent. Returns those of them that still are to be sent `now`: a person may
    /// have taken one back meanwhile. None are where the lease is not ours any more.
    ///
    /// Notes of `accepted` ones that the server took them, as if a person had said so: should they not be stored any more,
    /// whoever comes next does it and asks nobody.
    pub async fn mails_end(
        &self,
        account: AccountId,
        lease: LeaseToken,
        now: OffsetDateTime,
        mails: &[(MailTry, &Outcomes)],
        accepted: &[OutgoingId],
    ) -> Result<HashSet<OutgoingId>, StoreError> {
        let ids: Vec<Uuid> = mails.iter().map(|(this, _)| this.outgoing.0).collect();
        let outcomes = mails.iter().map(|(_, outcomes)| serde_json::to_value(outcomes).map_err(wrong));
        let outcomes = outcomes.collect::<Result<Vec<_>, _>>()?;
        // One statement, and the fence in it: every mail waits for this.
        let noted = sqlx::query_scalar!(
            r#"WITH held AS MATERIALIZED (
                   SELECT 1 FROM leases l JOIN accounts a ON a.id = l.account_id AND a.removed_at IS NULL
                   WHERE l.account_id = $1 AND l.token = $7 AND l.holder IS NOT NULL FOR KEY SHARE OF l),
               -- What another transaction holds is being stored by it: nobody waits for that.
               free AS MATERIALIZED (
                   SELECT m.outgoing_id FROM held, outgoing_mails m JOIN outgoing o ON o.id = m.outgoing_id
                   WHERE m.account_id = $1 AND m.outgoing_id = ANY($6) AND o.account_id = $1 AND o.id = ANY($6)
                     AND o.state = 'sending' AND o.maybe_sent
                   FOR NO KEY UPDATE OF m, o SKIP LOCKED),
               taken AS (
                   UPDATE outgoing_mails m SET confirmed = true FROM free
                   WHERE m.account_id = $1 AND m.outgoing_id = free.outgoing_id AND m.outgoing_id = ANY($6)),
               ended AS (
                   SELECT * FROM unnest($2::uuid[], $3::integer[], $4::timestamptz[], $5::jsonb[])
                       AS ended (id, tries, dated_at, outcomes)),
               noted AS (
                   UPDATE outgoing o SET state = 'sending', maybe_sent = true, tries = ended.tries FROM held, ended
                   WHERE o.account_id = $1 AND o.id = ended.id AND o.id = ANY($2) AND NOT o.maybe_sent AND o.tries < ended.tries
                     AND o.state IN ('waiting', 'sending') AND (o.not_before IS NULL OR o.not_before <= $8)
                     AND (o.send_at IS NULL OR o.send_at <= $8)
                   RETURNING o.id, ended.dated_at, ended.outcomes)
               UPDATE outgoing_mails m SET dated_at = noted.dated_at, outcomes = m.outcomes || noted.outcomes FROM noted
               WHERE m.account_id = $1 AND m.outgoing_id = noted.id AND m.outgoing_id = ANY($2) RETURNING m.outgoing_id"#,
            account.0,
            &ids,
            &mails.iter().map(|(this, _)| counted(this.tries)).collect::<Vec<_>>(),
            &mails.iter().map(|(this, _)| this.date).collect::<Vec<_>>(),
            &outcomes,
            &accepted.iter().map(|id| id.0).collect::<Vec<_>>(),
            lease.0,
            now
        )
        .fetch_all(&self.outbox)
        .await?;
        Ok(noted.into_iter().map(OutgoingId).collect())
    }

    /// Notes `now` how a try failed: `again` is when the next one follows, `None` that none does. One of which nobody knows
    /// stays uncertain, and one that was taken back or put off meanwhile stays so.
    pub async fn mail_not_sent(
        &self,
        account: AccountId,
        lease: LeaseToken,
        now: OffsetDateTime,
        this: MailTry,
        (outcomes, why): (&Outcomes, &Trouble),
        (again, uncertain): (Option<OffsetDateTime>, bool),
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        leases::fence(&mut tx, account, lease).await?;
        let state = if uncertain {
            "uncertain"
        } else if again.is_some() {
            "waiting"
        } else {
            "failed"
        };
        let conversation = sqlx::query_scalar!(
            "UPDATE outgoing SET state = $3, not_before = $4, error = $5, maybe_sent = $6, tries = $7
             WHERE account_id = $1 AND id = $2 AND (NOT maybe_sent OR tries = $7)
               AND (state = 'sending' OR state = 'waiting' AND (send_at IS NULL OR send_at <= $8))
             RETURNING conversation_id",
            account.0,
            this.outgoing.0,
            state,
            again,
            serde_json::to_value(why).map_err(wrong)?,
            uncertain,
            counted(this.tries),
            now
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(conversation) = conversation else { return Ok(()) };
        sqlx::query!(
            "UPDATE outgoing_mails SET outcomes = outcomes || $3, dated_at = $5,
                    uncertain_since = CASE WHEN $4 THEN clock_timestamp() ELSE uncertain_since END
             WHERE account_id = $1 AND outgoing_id = $2",
            account.0,
            this.outgoing.0,
            serde_json::to_value(outcomes).map_err(wrong)?,
            uncertain,
            this.date
        )
        .execute(&mut *tx)
        .await?;
        journal::announce(&mut tx, account, &[changed(conversation)]).await?;
        Ok(tx.commit().await?)
    }

    /// Returns mails of which nobody knows whether they were sent and that are still looked for, and those of which a
    /// person says that they were.
    pub async fn uncertain_mails(
        &self,
        account: AccountId,
        since: OffsetDateTime,
    ) -> Result<Vec<(DueMail, bool)>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let rows = sqlx::query!(
            "SELECT o.id, m.confirmed FROM outgoing o
             JOIN outgoing_mails m ON m.account_id = o.account_id AND m.outgoing_id = o.id
             WHERE o.account_id = $1 AND o.state = 'uncertain' AND (m.confirmed OR m.uncertain_since > $2)
             ORDER BY m.confirmed DESC, o.created_at LIMIT 100",
            account.0,
            since
        )
        .fetch_all(&mut *connection)
        .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            found.push((mail(&mut connection, account, OutgoingId(row.id)).await?, row.confirmed));
        }
        Ok(found)
    }

    /// A person says that an uncertain mail was sent.
    pub async fn confirm_mail(&self, account: AccountId, id: OutgoingId) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let known = sqlx::query!(
            "UPDATE outgoing_mails m SET confirmed = true FROM outgoing o
             WHERE m.account_id = $1 AND m.outgoing_id = $2 AND o.account_id = $1 AND o.id = $2 AND o.state = 'uncertain'",
            account.0,
            id.0
        )
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if known == 0 {
            return Err(StoreError::NotFound("the mail"));
        }
        ring(&mut tx, account).await?;
        Ok(tx.commit().await?)
    }

    /// Returns the next sent mail whose copy in the Sent folder is not known yet.
    pub async fn next_copy(&self, account: AccountId, now: OffsetDateTime) -> Result<Option<DueMail>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let id = sqlx::query_scalar!(
            "SELECT m.outgoing_id FROM outgoing_mails m JOIN outgoing o ON o.account_id = m.account_id AND o.id = m.outgoing_id
             WHERE m.account_id = $1 AND m.copy = 'wanted' AND (m.copy_not_before IS NULL OR m.copy_not_before <= $2)
               AND (o.state = 'sent' OR EXISTS (SELECT 1 FROM jsonb_each(m.outcomes) e
                                                WHERE e.value ->> 'outcome' = 'accepted'))
             ORDER BY o.created_at LIMIT 1",
            account.0,
            now
        )
        .fetch_optional(&mut *connection)
        .await?;
        match id {
            Some(id) => Ok(Some(mail(&mut connection, account, OutgoingId(id)).await?)),
            None => Ok(None),
        }
    }

    /// Notes what became of a mail's copy; `Err` is when it is tried again, or that it is not.
    pub async fn copy_noted(
        &self,
        account: AccountId,
        id: OutgoingId,
        copy: Result<SentCopy, Option<OffsetDateTime>>,
    ) -> Result<(), StoreError> {
        let (word, again) = match copy {
            Ok(SentCopy::Kept) => ("kept", None),
            Ok(SentCopy::Provider) => ("provider", None),
            Ok(SentCopy::NoFolder) | Err(None) => ("failed", None),
            Err(Some(again)) => ("wanted", Some(again)),
        };
        sqlx::query!(
            "UPDATE outgoing_mails SET copy = $3, copy_not_before = $4, copy_tries = copy_tries + 1
             WHERE account_id = $1 AND outgoing_id = $2",
            account.0,
            id.0,
            word,
            again
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

impl IngestTx {
    /// Returns which of these Message-IDs are of mails that were sent from here.
    pub async fn own_mails(&mut self, ids: &[String]) -> Result<HashMap<String, OwnMail>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT o.rfc_message_id, o.outgoing_id, s.id AS "message?"
               FROM outgoing_mails o
               LEFT JOIN LATERAL (SELECT m.id FROM messages m
                                  WHERE m.account_id = o.account_id AND m.rfc_message_id = o.rfc_message_id
                                    AND m.direction = 'out' LIMIT 1) s ON true
               WHERE o.account_id = $1 AND o.rfc_message_id = ANY($2)"#,
            self.account.0,
            ids
        )
        .fetch_all(&mut *self.tx)
        .await?;
        let own = |outgoing, message: Option<Uuid>| OwnMail {
            outgoing: OutgoingId(outgoing),
            message: message.map(MessageId),
        };
        Ok(rows.into_iter().map(|row| (row.rfc_message_id, own(row.outgoing_id, row.message))).collect())
    }

    /// Frees the places that sent mails have until a copy in a folder is known.
    pub async fn leave_outbox(&mut self, messages: &[MessageId]) -> Result<(), StoreError> {
        sqlx::query!(
            "DELETE FROM message_places WHERE account_id = $1 AND message_id = ANY($2) AND mailbox = $3 AND epoch = 0",
            self.account.0,
            &messages.iter().map(|id| id.0).collect::<Vec<_>>(),
            Place::OUTBOX
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// A copy of a mail stands in a folder: where nobody knew whether it was sent, it was. A copy of a mail that some
    /// addresses have had before proves nothing of the others. Returns its conversation where that is news.
    pub async fn found_copy(&mut self, id: OutgoingId) -> Result<Option<Option<ConversationId>>, StoreError> {
        let told = sqlx::query_scalar!(
            "SELECT m.outcomes FROM outgoing_mails m JOIN outgoing o ON o.account_id = m.account_id AND o.id = m.outgoing_id
             WHERE m.account_id = $1 AND m.outgoing_id = $2 AND o.maybe_sent AND o.state IN ('sending', 'uncertain')
               AND NOT EXISTS (SELECT 1 FROM jsonb_each(m.outcomes) e WHERE e.value ->> 'outcome' = 'accepted')",
            self.account.0,
            id.0
        )
        .fetch_optional(&mut *self.tx)
        .await?;
        let Some(told) = told else { return Ok(None) };
        let outcomes: Outcomes = serde_json::from_value(told).map_err(wrong)?;
        let delivered = Delivered { outgoing: id, outcomes: as_accepted(&outcomes), again: None };
        Ok(self.delivered(&[&delivered]).await?.pop())
    }

    /// Notes that servers took mails: one is sent, unless addresses are left that were refused, now or before, or are to be
    /// tried again. Returns the conversations of those for which that is news. No mail is named twice.
    pub async fn delivered(&mut self, delivered: &[&Delivered]) -> Result<Vec<Option<ConversationId>>, StoreError> {
        let ids: Vec<Uuid> = delivered.iter().map(|delivered| delivered.outgoing.0).collect();
        let before = sqlx::query!(
            "SELECT m.outgoing_id, m.outcomes FROM outgoing_mails m
             JOIN outgoing o ON o.account_id = m.account_id AND o.id = m.outgoing_id
             WHERE m.account_id = $1 AND m.outgoing_id = ANY($2) AND o.state <> 'sent' FOR UPDATE",
            self.account.0,
            &ids
        )
        .fetch_all(&mut *self.tx)
        .await?;
        let mut before: HashMap<Uuid, serde_json::Value> =
            before.into_iter().map(|row| (row.outgoing_id, row.outcomes)).collect();
        let (mut ids, mut states, mut errors, mut agains, mut all) = (vec![], vec![], vec![], vec![], vec![]);
        for delivered in delivered {
            let Some(before) = before.remove(&delivered.outgoing.0) else { continue };
            let mut outcomes: Outcomes = serde_json::from_value(before).map_err(wrong)?;
            outcomes.extend(delivered.outcomes.clone());
            let (state, why) = state_after(&outcomes, delivered.again.is_some());
            ids.push(delivered.outgoing.0);
            states.push(state.to_owned());
            errors.push(why.map(serde_json::to_value).transpose().map_err(wrong)?);
            agains.push(delivered.again);
            all.push(serde_json::to_value(&outcomes).map_err(wrong)?);
        }
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let conversations = sqlx::query_scalar!(
            "WITH told AS (
                 SELECT * FROM unnest($2::uuid[], $3::text[], $4::jsonb[], $5::timestamptz[], $6::jsonb[])
                     AS told (id, state, error, again, outcomes)),
             noted AS (
                 UPDATE outgoing_mails m SET outcomes = told.outcomes, confirmed = false FROM told
                 WHERE m.account_id = $1 AND m.outgoing_id = told.id)
             UPDATE outgoing o SET state = told.state, error = told.error, not_before = told.again, maybe_sent = false,
                    sent_at = clock_timestamp()
             FROM told WHERE o.account_id = $1 AND o.id = told.id RETURNING o.conversation_id",
            self.account.0,
            &ids,
            &states,
            &errors as &[Option<serde_json::Value>],
            &agains as &[Option<OffsetDateTime>],
            &all
        )
        .fetch_all(&mut *self.tx)
        .await?;
        Ok(conversations.into_iter().map(|id| id.map(ConversationId)).collect())
    }
}

/// How a mail stands after a server took it for some addresses, and what it said of the others.
fn state_after(outcomes: &Outcomes, is_tried_again: bool) -> (&'static str, Option<Trouble>) {
    let first = |later: bool| {
        outcomes.iter().find_map(|(address, outcome)| match outcome {
            Outcome::Refused { reply } if !later => Some(format!("{address}: {reply}")),
            Outcome::Later { reply } if later => Some(format!("{address}: {reply}")),
            Outcome::Told | Outcome::Accepted | Outcome::Refused { .. } | Outcome::Later { .. } => None,
        })
    };
    let (later, refused) = (first(true), first(false));
    let state = match (&later, &refused) {
        (Some(_), _) if is_tried_again => "waiting",
        (None, None) => "sent",
        _ => "failed",
    };
    (state, later.or(refused).map(|detail| Trouble { code: TroubleCode::Refused, detail }))
}

/// What a server said, once it is known that it took the mail for those it had not refused.
pub(crate) fn as_accepted(outcomes: &Outcomes) -> Outcomes {
    let accepted = |outcome: &Outcome| if *outcome == Outcome::Told { Outcome::Accepted } else { outcome.clone() };
    outcomes.iter().map(|(address, outcome)| (address.clone(), accepted(outcome))).collect()
}

async fn mail(connection: &mut sqlx::PgConnection, account: AccountId, id: OutgoingId) -> Result<DueMail, StoreError> {
    mails(connection, account, &[id.0]).await?.pop().ok_or(StoreError::NotFound("the mail"))
}

/// Reads the mails that exist of these, in their order.
async fn mails(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    ids: &[Uuid],
) -> Result<Vec<DueMail>, StoreError> {
    let rows = sqlx::query_as!(
        MailRow,
        r#"SELECT o.id, o.tries, o.body_text, m.rfc_message_id, m.number, m.author_name, m.author_address, m.subject,
                m.recipients_to, m.recipients_cc, m.recipients_bcc, m.body_html, m.refs, m.outcomes, m.copy_tries, m.dated_at,
                o.created_at, greatest(o.not_before, o.send_at) AS due,
                EXISTS (SELECT 1 FROM outgoing_files f
                        WHERE f.account_id = o.account_id AND f.outgoing_id = o.id) AS "has_files!"
         FROM unnest($2::uuid[]) WITH ORDINALITY AS asked (id, n)
         JOIN outgoing o ON o.account_id = $1 AND o.id = asked.id
         JOIN outgoing_mails m ON m.account_id = o.account_id AND m.outgoing_id = o.id
         ORDER BY asked.n"#,
        account.0,
        ids
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

fn counted(tries: u32) -> i32 {
    i32::try_from(tries).unwrap_or(i32::MAX)
}

fn cut() -> Trouble {
    let detail = "the program ended before the server had answered".to_owned();
    Trouble { code: TroubleCode::Network, detail }
}
