//! Removing what is stored of somebody who asked for it: what is theirs, and taking it away step by step.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, Postgres, Transaction};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{CLIENT_VERSION, Fact, FactKind, HandleKind, Store, StoreError, journal};
use crate::{
    ingest::snippet,
    model::{AccountId, Channel, ContactId, ConversationId, MessageId, is_plausible_address},
};

/// Chunks of an unreadable mail's bytes in which its header is looked for.
const HEAD: i32 = 16;

/// By what somebody is named: an address, `@username`, a phone with `+`, or Telegram's number of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonHandle {
    /// What it is.
    pub kind: HandleKind,
    /// In the spelling that is stored.
    pub value: String,
}

impl std::str::FromStr for PersonHandle {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let (kind, value) = if let Some(name) = text.strip_prefix('@') {
            (HandleKind::TelegramUsername, name.to_lowercase())
        } else if text.starts_with('+') && text[1..].chars().all(|c| c.is_ascii_digit() || " ()-.".contains(c)) {
            (HandleKind::Phone, format!("+{}", digits(text)))
        } else if is_plausible_address(text) {
            (HandleKind::Email, text.to_lowercase())
        } else if text.parse::<i64>().is_ok_and(|id| id > 0) {
            (HandleKind::TelegramId, text.to_owned())
        } else {
            return Err("name somebody by an address, @username, +phone or a Telegram user's number".to_owned());
        };
        if value.len() < 2 && kind != HandleKind::TelegramId {
            return Err("name somebody by an address, @username, +phone or a Telegram user's number".to_owned());
        }
        Ok(Self { kind, value })
    }
}

/// Who somebody is on every network.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Identity {
    contacts: BTreeSet<Uuid>,
    emails: BTreeSet<String>,
    users: BTreeSet<i64>,
    usernames: BTreeSet<String>,
    phones: BTreeSet<String>,
}

impl Identity {
    /// Their handles, each with its kind.
    pub fn handles(&self) -> Vec<PersonHandle> {
        let of = |kind, values: &BTreeSet<String>| -> Vec<PersonHandle> {
            values.iter().map(|value| PersonHandle { kind, value: value.clone() }).collect()
        };
        let users = self.users.iter().map(ToString::to_string).collect();
        [
            of(HandleKind::Email, &self.emails),
            of(HandleKind::TelegramUsername, &self.usernames),
            of(HandleKind::Phone, &self.phones),
            of(HandleKind::TelegramId, &users),
        ]
        .concat()
    }

    fn add(&mut self, kind: HandleKind, value: &str) {
        match kind {
            HandleKind::Email => _ = self.emails.insert(value.to_lowercase()),
            HandleKind::Phone => _ = self.phones.insert(value.to_owned()),
            HandleKind::TelegramUsername => _ = self.usernames.insert(value.to_lowercase()),
            HandleKind::TelegramId => self.users.extend(value.parse::<i64>()),
        }
    }

    fn size(&self) -> usize {
        self.contacts.len() + self.emails.len() + self.users.len() + self.usernames.len() + self.phones.len()
    }

    fn emails(&self) -> Vec<String> {
        self.emails.iter().cloned().collect()
    }

    fn contacts(&self) -> Vec<Uuid> {
        self.contacts.iter().copied().collect()
    }

    /// Their private chats, as a place names them.
    fn peers(&self) -> Vec<String> {
        self.users.iter().map(|id| format!("user:{id}")).collect()
    }

    fn usernames(&self) -> Vec<String> {
        self.usernames.iter().cloned().collect()
    }

    /// The keys under which the old system's conversations stand.
    fn keys(&self) -> Vec<String> {
        let mails = self.emails.iter().map(|address| format!("mail:{address}"));
        let phones = self.phones.iter().map(|phone| format!("phone:{phone}"));
        let names = self.usernames.iter().map(|name| format!("name:{name}"));
        mails.chain(phones).chain(names).chain(self.peers()).collect()
    }

    /// What finds their address among the senders in the header of a mail that could not be read.
    fn sender_pattern(&self) -> Option<String> {
        let quote = |text: &String| -> String {
            text.chars().flat_map(|c| (!c.is_alphanumeric()).then_some('\\').into_iter().chain([c])).collect()
        };
        let addresses: Vec<String> = self.emails.iter().map(quote).collect();
        (!addresses.is_empty())
            .then(|| format!("(^|\\n)(from|sender|reply-to):[^\\n]*(\\n[ \\t][^\\n]*)*({})", addresses.join("|")))
    }
}

/// What a removal would take away, and what stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ForgetPreview {
    /// What they are called here; may be empty.
    pub name: String,
    /// Conversations that go as a whole.
    pub conversations: u64,
    /// Messages that go with everything that hangs on them.
    pub messages: u64,
    /// Messages among others of which the place stays, and nothing of what they said.
    pub blanked: u64,
    /// Files of both.
    pub files: u64,
    /// Texts and mails to them that were not sent yet, or not for certain.
    pub unsent: u64,
    /// Drafts and notes.
    pub notes: u64,
    /// Mails of others, or of ours to others too, in which they stand among the recipients. They stay.
    pub kept: u64,
}

/// A removal that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Its key.
    pub id: Uuid,
    /// What was received before is theirs to be removed.
    pub forgotten_at: OffsetDateTime,
    /// Whose data.
    pub identity: Identity,
}

/// A message that is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theirs {
    message: Uuid,
    conversation: Uuid,
    /// Others wrote around it: its place stays.
    blank: bool,
}

/// The right to remove: one program at a time. It ends when this is dropped.
#[derive(Debug)]
pub struct ForgetTurn {
    _tx: Transaction<'static, Postgres>,
}

impl Store {
    /// Finds out who somebody is. `None`: nobody here has this handle.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn identity(&self, handle: &PersonHandle) -> Result<Option<Identity>, StoreError> {
        let mut identity = Identity::default();
        identity.add(handle.kind, &handle.value);
        let (asked, _) = (identity.size(), self.complete_identity(&mut identity).await?);
        if identity.size() > asked || self.forget_preview(&identity).await? != ForgetPreview::default() {
            return Ok(Some(identity));
        }
        Ok(None)
    }

    /// Who a contact is, with all that are the same.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and others.
    pub async fn identity_of_contact(&self, contact: ContactId) -> Result<Identity, StoreError> {
        let mut identity = Identity { contacts: BTreeSet::from([contact.0]), ..Identity::default() };
        self.complete_identity(&mut identity).await?;
        if identity.size() == 1 { Err(StoreError::NotFound("the person")) } else { Ok(identity) }
    }

    /// Adds what is known of somebody until nothing is added any more.
    async fn complete_identity(&self, identity: &mut Identity) -> Result<(), StoreError> {
        loop {
            let before = identity.size();
            let handles = identity.handles();
            let kinds: Vec<String> = handles.iter().map(|handle| handle.kind.as_str().to_owned()).collect();
            let values: Vec<String> = handles.iter().map(|handle| handle.value.clone()).collect();
            let rows = sqlx::query!(
                r#"WITH own AS (
                       SELECT coalesce(p.same_as, p.id) AS root FROM contacts p WHERE p.id = ANY($1)
                       UNION
                       SELECT coalesce(p.same_as, p.id) FROM unnest($2::text[], $3::text[]) AS n (kind, value)
                       JOIN contact_handles h ON h.kind = n.kind AND h.value = n.value
                       JOIN contacts p ON p.id = h.contact_id)
                   SELECT p.id, h.kind AS "kind?", h.value AS "value?" FROM own
                   JOIN contacts p ON p.id = own.root OR p.same_as = own.root
                   LEFT JOIN contact_handles h ON h.contact_id = p.id"#,
                &identity.contacts(),
                &kinds,
                &values
            )
            .fetch_all(&self.pool)
            .await?;
            for row in rows {
                identity.contacts.insert(row.id);
                if let (Some(kind), Some(value)) = (row.kind, row.value) {
                    identity.add(kind.parse().map_err(StoreError::Inconsistent)?, &value);
                }
            }
            // Who wrote among others only is known as a peer. A username that has moved on is its new owner's.
            let peers = sqlx::query!(
                r#"SELECT DISTINCT p.peer, p.username, p.phone,
                          EXISTS (SELECT 1 FROM contact_handles h WHERE h.kind = 'telegram_username'
                                  AND h.value = lower(p.username) AND NOT (h.contact_id = ANY($4))) AS "moved!"
                   FROM telegram_peers p
                   WHERE p.peer = ANY($1)
                      OR (cardinality($1::text[]) = 0 AND p.peer LIKE 'user:%'
                          AND (lower(p.username) = ANY($2) OR p.phone = ANY($3)))"#,
                &identity.peers(),
                &identity.usernames(),
                &identity.phones.iter().cloned().collect::<Vec<_>>(),
                &identity.contacts()
            )
            .fetch_all(&self.pool)
            .await?;
            for row in peers {
                if let Some(id) = row.peer.strip_prefix("user:") {
                    identity.add(HandleKind::TelegramId, id);
                }
                if let Some(name) = row.username.filter(|name| !name.is_empty() && !row.moved) {
                    identity.add(HandleKind::TelegramUsername, &name);
                }
                if let Some(phone) = row.phone.filter(|phone| !phone.is_empty()) {
                    identity.add(HandleKind::Phone, &phone);
                }
            }
            if identity.size() == before {
                return Ok(());
            }
        }
    }

    /// Counts what a removal of somebody would take away now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_preview(&self, identity: &Identity) -> Result<ForgetPreview, StoreError> {
        let name = sqlx::query_scalar!(
            r#"SELECT name AS "name!" FROM (
                   SELECT p.name, 0 AS rank, p.created_at AS at FROM contacts p WHERE p.id = ANY($1) AND p.name <> ''
                   UNION ALL
                   SELECT t.name, 1, t.updated_at FROM telegram_peers t WHERE t.peer = ANY($2) AND t.name <> '') named
               ORDER BY rank, at LIMIT 1"#,
            &identity.contacts(),
            &identity.peers()
        )
        .fetch_optional(&self.pool)
        .await?;
        let mut preview = ForgetPreview { name: name.unwrap_or_default(), ..ForgetPreview::default() };
        let own = self.own_addresses().await?;
        let until = self.moment().await?;
        for (account, channel) in self.every_account().await? {
            let theirs = self.theirs(account, channel, identity, until).await?;
            let ids: Vec<Uuid> = theirs.iter().map(|one| one.message).collect();
            let mut of: HashMap<Uuid, i32> = HashMap::new();
            for one in theirs.iter().filter(|one| !one.blank) {
                *of.entry(one.conversation).or_default() += 1;
            }
            let (conversations, counts): (Vec<Uuid>, Vec<i32>) = of.into_iter().unzip();
            preview.blanked += theirs.iter().filter(|one| one.blank).count() as u64;
            preview.messages += theirs.iter().filter(|one| !one.blank).count() as u64;
            let row = sqlx::query!(
                r#"SELECT
                     (SELECT count(*) FROM unnest($2::uuid[], $3::integer[]) AS n (id, messages)
                      JOIN conversations c ON c.account_id = $1 AND c.id = n.id AND c.message_count = n.messages)
                     + (SELECT count(*) FROM conversations c WHERE c.account_id = $1 AND c.message_count = 0
                        AND c.remote_peer = ANY($5)) AS "conversations!",
                     (SELECT count(*) FROM attachments f WHERE f.account_id = $1 AND f.message_id = ANY($4)
                      AND NOT f.inline) AS "files!",
                     (SELECT count(*) FROM adopted_notes n WHERE n.account_id = $1 AND n.conversation_id = ANY($2))
                     + (SELECT count(*) FROM drafts d JOIN conversations c ON c.account_id = d.account_id
                        AND c.id = d.conversation_id
                        WHERE d.account_id = $1 AND (d.conversation_id = ANY($2) OR c.remote_peer = ANY($5))) AS "notes!",
                     (SELECT count(*) FROM outgoing o JOIN conversations c ON c.account_id = o.account_id
                      AND c.id = o.conversation_id
                      WHERE o.account_id = $1 AND o.state <> 'sent' AND c.remote_peer = ANY($5)) AS "unsent!",
                     (SELECT count(*) FROM messages m
                      WHERE m.account_id = $1 AND NOT (m.id = ANY($4)) AND EXISTS (
                          SELECT 1 FROM jsonb_array_elements(m.recipients_to || m.recipients_cc) r
                          WHERE lower(r->>'address') = ANY($6))) AS "kept!""#,
                account.0,
                &conversations,
                &counts,
                &ids,
                &identity.peers(),
                &identity.emails()
            )
            .fetch_one(&self.pool)
            .await?;
            preview.conversations += row.conversations.unsigned_abs();
            preview.files += row.files.unsigned_abs();
            preview.notes += row.notes.unsigned_abs();
            preview.unsent += row.unsent.unsigned_abs();
            preview.kept += row.kept.unsigned_abs();
            let mut connection = self.pool.acquire().await?;
            let mails = mails_to(&mut connection, account, identity, &own, until).await?;
            preview.unsent += mails.iter().filter(|mail| mail.unsent).count() as u64;
            let drafts = drafts_to(&mut connection, account, identity, &own).await?;
            let is_counted = |draft: &&DraftTo| draft.conversation.is_some_and(|id| conversations.contains(&id));
            preview.notes += drafts.iter().filter(|draft| !is_counted(draft)).count() as u64;
        }
        Ok(preview)
    }

    /// Begins a removal: from this moment on nothing of theirs comes back. What it takes away goes by
    /// [`Self::forget_messages`] and [`Self::finish_forgetting`].
    ///
    /// # Errors
    /// [`StoreError::OwnAccount`] for somebody who is an account of the bureau, and others.
    pub async fn begin_forgetting(&self, identity: &Identity) -> Result<Removal, StoreError> {
        if self.is_own_account(identity).await? {
            return Err(StoreError::OwnAccount);
        }
        let mut tx = self.begin().await?;
        // An older program would bring back what was removed.
        sqlx::query!("UPDATE bureau SET min_client = greatest(min_client, $1)", CLIENT_VERSION)
            .execute(&mut *tx)
            .await?;
        let handles = serde_json::to_value(identity)
            .map_err(|error| StoreError::Inconsistent(format!("a person's handles: {error}")))?;
        let begun = sqlx::query!(
            "INSERT INTO forgotten_people (id, forgotten_at, handles)
             VALUES (gen_random_uuid(), clock_timestamp(), $1) RETURNING id, forgotten_at",
            handles
        )
        .fetch_one(&mut *tx)
        .await?;
        let named = identity.handles();
        let named: Vec<String> =
            named.iter().map(|handle| format!("{}:{}", handle.kind.as_str(), handle.value)).collect();
        sqlx::query!(
            "INSERT INTO forgotten_handles (key, person)
             SELECT sha256(b.salt || convert_to(n.handle, 'UTF8')), $2 FROM bureau b, unnest($1::text[]) AS n (handle)
             ON CONFLICT (key) DO UPDATE SET person = excluded.person",
            &named,
            begun.id
        )
        .execute(&mut *tx)
        .await?;
        // Whoever was told the same before has no handle left.
        sqlx::query!(
            "DELETE FROM forgotten_people p WHERE p.finished_at IS NOT NULL
               AND NOT EXISTS (SELECT 1 FROM forgotten_handles h WHERE h.person = p.id)"
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Removal { id: begun.id, forgotten_at: begun.forgotten_at, identity: identity.clone() })
    }

    /// Tells whether somebody is a mailbox or a Telegram account of the bureau, removed or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_own_account(&self, identity: &Identity) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT 1 FROM email_accounts WHERE lower(address) = ANY($1))
                   OR EXISTS (SELECT 1 FROM telegram_accounts WHERE user_id = ANY($2)) AS "own!""#,
            &identity.emails(),
            &identity.users.iter().copied().collect::<Vec<_>>()
        )
        .fetch_one(&self.pool)
        .await?)
    }

    /// Returns removals that have begun and were not ended, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_removals(&self) -> Result<Vec<Removal>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT id, forgotten_at, handles AS "handles!" FROM forgotten_people WHERE finished_at IS NULL
               ORDER BY forgotten_at"#
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                let identity = serde_json::from_value(row.handles)
                    .map_err(|error| StoreError::Inconsistent(format!("a person's handles: {error}")))?;
                Ok(Removal { id: row.id, forgotten_at: row.forgotten_at, identity })
            })
            .collect()
    }

    /// Takes the turn of removing; `None` while another program has it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_turn(&self) -> Result<Option<ForgetTurn>, StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query!("SET LOCAL idle_in_transaction_session_timeout = 0").execute(&mut *tx).await?;
        let taken =
            sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock(hashtext('skrynka forgetting')) AS "taken!""#)
                .fetch_one(&mut *tx)
                .await?;
        Ok(taken.then_some(ForgetTurn { _tx: tx }))
    }

    /// Returns every account, also those that were removed and whose messages were kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn every_account(&self) -> Result<Vec<(AccountId, Channel)>, StoreError> {
        let rows =
            sqlx::query!("SELECT id, channel FROM accounts ORDER BY created_at, id").fetch_all(&self.pool).await?;
        rows.into_iter()
            .map(|row| Ok((AccountId(row.id), row.channel.parse().map_err(StoreError::Inconsistent)?)))
            .collect()
    }

    /// Returns the messages of an account that are somebody's, those of one conversation together.
    ///
    /// A mail is theirs where they wrote it, where it names them as the one to answer, and where the bureau wrote to them
    /// and to nobody else. In chats everything is theirs that stands in a private chat with them, and what they wrote
    /// among others.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn theirs(
        &self,
        account: AccountId,
        channel: Channel,
        identity: &Identity,
        until: OffsetDateTime,
    ) -> Result<Vec<Theirs>, StoreError> {
        match channel {
            Channel::Telegram => self.their_chats(account, identity, until).await,
            Channel::Email => self.their_mails(account, identity, until).await,
        }
    }

    async fn their_chats(
        &self,
        account: AccountId,
        identity: &Identity,
        until: OffsetDateTime,
    ) -> Result<Vec<Theirs>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT m.id, m.conversation_id,
                      NOT (v.remote_peer IS NULL OR v.remote_peer = ANY($3)) AS "blank!"
               FROM conversations v
               JOIN messages m ON m.account_id = v.account_id AND m.conversation_id = v.id
               LEFT JOIN chat_messages c ON c.account_id = m.account_id AND c.message_id = m.id
               WHERE v.account_id = $1 AND m.removed_at IS NULL
                 AND (m.stored_at <= $2 OR m.received_at < date_trunc('second', $2::timestamptz))
                 AND (v.remote_peer = ANY($3)
                      OR v.remote_peer IS NULL AND (v.contact_id = ANY($4) OR v.id IN (
                          SELECT a.conversation_id FROM adopted_conversations a
                          WHERE a.account_id = $1 AND a.key = ANY($5)))
                      OR v.remote_peer IS NOT NULL AND (c.author_peer = ANY($3)
                          OR c.author_peer = 'user:0' AND lower(c.author_username) = ANY($6)))
               ORDER BY m.conversation_id, m.id"#,
            account.0,
            until,
            &identity.peers(),
            &identity.contacts(),
            &identity.keys(),
            &identity.usernames()
        )
        .fetch_all(&self.pool)
        .await?;
        let theirs = |row: (Uuid, Uuid, bool)| Theirs { message: row.0, conversation: row.1, blank: row.2 };
        Ok(rows.into_iter().map(|row| theirs((row.id, row.conversation_id, row.blank))).collect())
    }

    async fn their_mails(
        &self,
        account: AccountId,
        identity: &Identity,
        until: OffsetDateTime,
    ) -> Result<Vec<Theirs>, StoreError> {
        if identity.emails.is_empty() {
            return Ok(Vec::new());
        }
        let own = self.own_addresses().await?;
        let among = identity.emails.iter().chain(&own).cloned().collect::<Vec<String>>();
        let rows = sqlx::query!(
            r#"SELECT m.id, m.conversation_id FROM messages m
               WHERE m.account_id = $1 AND m.removed_at IS NULL
                 AND (m.stored_at <= $2 OR m.received_at < date_trunc('second', $2::timestamptz))
                 AND (lower(m.author_address) = ANY($3)
                      OR m.direction = 'in' AND lower(m.recipients_reply_to->0->>'address') = ANY($3)
                      OR (m.direction = 'out' OR lower(m.author_address) = ANY($4))
                          AND EXISTS (SELECT 1 FROM jsonb_array_elements(m.recipients_to || m.recipients_cc) r
                                      WHERE lower(r->>'address') = ANY($3))
                          AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(m.recipients_to || m.recipients_cc) r
                                          WHERE NOT (lower(r->>'address') = ANY($5)))
                      OR m.kind = 'unreadable' AND EXISTS (
                          SELECT 1 FROM (
                              SELECT encode(string_agg(r.bytes, ''::bytea ORDER BY r.chunk), 'escape') AS head
                              FROM raw_messages r
                              WHERE r.account_id = m.account_id AND r.message_id = m.id AND r.chunk < $7) h
                          WHERE h.head ~* $6))
               ORDER BY m.conversation_id, m.id"#,
            account.0,
            until,
            &identity.emails(),
            &own,
            &among,
            identity.sender_pattern(),
            HEAD
        )
        .fetch_all(&self.pool)
        .await?;
        let theirs = |row: (Uuid, Uuid)| Theirs { message: row.0, conversation: row.1, blank: false };
        Ok(rows.into_iter().map(|row| theirs((row.id, row.conversation_id))).collect())
    }

    /// Takes messages of an account away in one transaction, with everything that hangs on them, and notes where they
    /// stood. Conversations that hold nothing any more go with them.
    ///
    /// # Errors
    /// [`StoreError`]; nothing of them is gone then.
    pub async fn forget_messages(
        &self,
        account: AccountId,
        removal: &Removal,
        part: &[Theirs],
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_for(account).await?;
        let own = own_addresses(&mut tx).await?;
        let ids: Vec<Uuid> = part.iter().map(|one| one.message).collect();
        let gone: Vec<Uuid> = part.iter().filter(|one| !one.blank).map(|one| one.message).collect();
        let blank: Vec<Uuid> = part.iter().filter(|one| one.blank).map(|one| one.message).collect();
        let touched: Vec<Uuid> = part.iter().map(|one| one.conversation).collect::<BTreeSet<_>>().into_iter().collect();
        note_places(&mut tx, account, &ids).await?;
        let mut files = sqlx::query_scalar!(
            r#"SELECT DISTINCT sha256 AS "sha256!" FROM attachments
               WHERE account_id = $1 AND message_id = ANY($2) AND part IS NULL AND sha256 IS NOT NULL"#,
            account.0,
            &ids
        )
        .fetch_all(&mut *tx)
        .await?;
        let ended = sqlx::query_scalar!(
            "SELECT id FROM conversations WHERE account_id = $1 AND id = ANY($2) AND last_message_id = ANY($3)",
            account.0,
            &touched,
            &ids
        )
        .fetch_all(&mut *tx)
        .await?;
        leave_adopted(&mut tx, account, &ids, &[]).await?;
        // What somebody else is to get says nothing of theirs either.
        sqlx::query!(
            "UPDATE outgoing_mails o
             SET refs = ARRAY(SELECT r.id FROM unnest(o.refs) WITH ORDINALITY AS r (id, at)
                              WHERE NOT (r.id = ANY(gone.ids)) ORDER BY r.at)
             FROM (SELECT array_agg(rfc_message_id) AS ids FROM messages
                   WHERE account_id = $1 AND id = ANY($2) AND rfc_message_id IS NOT NULL) gone
             WHERE o.account_id = $1 AND o.refs && gone.ids",
            account.0,
            &gone
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "DELETE FROM mail_threads t USING messages m
             WHERE m.account_id = $1 AND m.id = ANY($2) AND t.account_id = $1 AND t.rfc_message_id = m.rfc_message_id",
            account.0,
            &gone
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!("DELETE FROM raw_messages WHERE account_id = $1 AND message_id = ANY($2)", account.0, &ids)
            .execute(&mut *tx)
            .await?;
        sqlx::query!("DELETE FROM message_places WHERE account_id = $1 AND message_id = ANY($2)", account.0, &gone)
            .execute(&mut *tx)
            .await?;
        sqlx::query!("DELETE FROM messages WHERE account_id = $1 AND id = ANY($2)", account.0, &gone)
            .execute(&mut *tx)
            .await?;
        blank_out(&mut tx, account, &blank).await?;
        let emptied = summarise(&mut tx, account, (&touched, &ended), &removal.identity, &own).await?;
        let detached = detach_mails(&mut tx, account, &emptied).await?;
        files.extend(delete_conversations(&mut tx, account, &emptied).await?);
        drop_blobs(&mut tx, account, &files).await?;
        let is_emptied = |id: &Uuid| emptied.contains(id);
        let mut facts: Vec<Fact> = part
            .iter()
            .filter(|one| !is_emptied(&one.conversation))
            .map(|one| Fact {
                kind: if one.blank { FactKind::MessageEdited } else { FactKind::MessageGone },
                conversation: Some(ConversationId(one.conversation)),
                message: Some(MessageId(one.message)),
            })
            .collect();
        facts.extend(touched.iter().map(|id| conversation_fact(*id, is_emptied(id))));
        if detached {
            facts.push(Fact { kind: FactKind::OutgoingChanged, conversation: None, message: None });
        }
        journal::announce(&mut tx, account, &facts).await?;
        Ok(tx.commit().await?)
    }

    /// Takes away what is left of somebody in one account once their messages are gone: chats that were only begun, what
    /// was to be sent, drafts, names, marks.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_remains(&self, account: AccountId, removal: &Removal) -> Result<(), StoreError> {
        let identity = &removal.identity;
        let (peers, keys) = (identity.peers(), identity.keys());
        let mut tx = self.begin_for(account).await?;
        let own = own_addresses(&mut tx).await?;
        let begun = sqlx::query_scalar!(
            "SELECT id FROM conversations WHERE account_id = $1 AND message_count = 0 AND created_at <= $2
               AND merged_into IS NULL AND remote_peer = ANY($3)",
            account.0,
            removal.forgotten_at,
            &peers
        )
        .fetch_all(&mut *tx)
        .await?;
        let mails: Vec<Uuid> = mails_to(&mut tx, account, identity, &own, removal.forgotten_at)
            .await?
            .into_iter()
            .map(|mail| mail.id)
            .collect();
        let mut files = sqlx::query_scalar!(
            "SELECT sha256 FROM outgoing_files WHERE account_id = $1 AND outgoing_id = ANY($2)",
            account.0,
            &mails
        )
        .fetch_all(&mut *tx)
        .await?;
        sqlx::query!(
            "INSERT INTO forgotten_mails (key)
             SELECT sha256(b.salt || convert_to('id:' || m.rfc_message_id, 'UTF8')) FROM outgoing_mails m, bureau b
             WHERE m.account_id = $1 AND m.outgoing_id = ANY($2) ON CONFLICT DO NOTHING",
            account.0,
            &mails
        )
        .execute(&mut *tx)
        .await?;
        let changed = sqlx::query_scalar!(
            "DELETE FROM outgoing WHERE account_id = $1 AND id = ANY($2) RETURNING conversation_id",
            account.0,
            &mails
        )
        .fetch_all(&mut *tx)
        .await?;
        let drafts = drafts_to(&mut tx, account, identity, &own).await?;
        let drafts: Vec<Uuid> = drafts.into_iter().map(|draft| draft.id).collect();
        files.extend(draft_files(&mut tx, account, &drafts, &[]).await?);
        sqlx::query!("DELETE FROM drafts WHERE account_id = $1 AND id = ANY($2)", account.0, &drafts)
            .execute(&mut *tx)
            .await?;
        files.extend(delete_conversations(&mut tx, account, &begun).await?);
        drop_blobs(&mut tx, account, &files).await?;
        // Whoever of them has written anew since keeps the name that came with it.
        let back = sqlx::query_scalar!(
            r#"SELECT remote_peer AS "peer!" FROM conversations WHERE account_id = $1 AND remote_peer = ANY($2)"#,
            account.0,
            &peers
        )
        .fetch_all(&mut *tx)
        .await?;
        let away: Vec<String> = peers.iter().filter(|peer| !back.contains(peer)).cloned().collect();
        sqlx::query!("DELETE FROM telegram_peers WHERE account_id = $1 AND peer = ANY($2)", account.0, &away)
            .execute(&mut *tx)
            .await?;
        sqlx::query!("DELETE FROM completeness WHERE account_id = $1 AND mailbox = ANY($2)", account.0, &away)
            .execute(&mut *tx)
            .await?;
        // How far their chats were read stays, under a name that says nothing.
        sqlx::query!(
            "WITH gone AS (
                 DELETE FROM account_cursors WHERE account_id = $1 AND mailbox = ANY($2) RETURNING mailbox, state)
             INSERT INTO account_cursors (account_id, mailbox, state)
             SELECT $1, 'forgotten:' || encode(sha256(b.salt || convert_to('mailbox:' || gone.mailbox, 'UTF8')), 'hex'),
                    gone.state FROM gone, bureau b
             ON CONFLICT (account_id, mailbox) DO UPDATE SET state = excluded.state, updated_at = clock_timestamp()",
            account.0,
            &away
        )
        .execute(&mut *tx)
        .await?;
        let named_elsewhere = forget_mentions(&mut tx, account, &peers).await?;
        sqlx::query!("DELETE FROM adopted_conversations WHERE account_id = $1 AND key = ANY($2)", account.0, &keys)
            .execute(&mut *tx)
            .await?;
        leave_adopted(&mut tx, account, &[], &keys).await?;
        let mut facts: Vec<Fact> = begun.iter().map(|id| conversation_fact(*id, true)).collect();
        facts.extend(changed.into_iter().flatten().map(|id| Fact {
            kind: FactKind::OutgoingChanged,
            conversation: Some(ConversationId(id)),
            message: None,
        }));
        facts.extend(named_elsewhere.into_iter().map(|(conversation, message)| Fact {
            kind: FactKind::MessageEdited,
            conversation: Some(ConversationId(conversation)),
            message: Some(MessageId(message)),
        }));
        journal::announce(&mut tx, account, &facts).await?;
        Ok(tx.commit().await?)
    }

    /// Ends a removal: the person is no contact any more, and nothing here says who it was.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finish_forgetting(&self, removal: &Removal) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        // As those who link people: a root that goes leaves no one linked to it, since all of them go.
        sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('skrynka contact links'))").execute(&mut *tx).await?;
        sqlx::query!(
            "DELETE FROM contacts WHERE id = ANY($1) AND created_at <= $2",
            &removal.identity.contacts(),
            removal.forgotten_at
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "DELETE FROM requests WHERE answer IS NOT NULL OR asked_at < $1::timestamptz - interval '1 hour'",
            removal.forgotten_at
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "UPDATE forgotten_people SET handles = NULL, finished_at = clock_timestamp() WHERE id = $1",
            removal.id
        )
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }

    async fn own_addresses(&self) -> Result<Vec<String>, StoreError> {
        own_addresses(&mut *self.pool.acquire().await?).await
    }

    async fn moment(&self) -> Result<OffsetDateTime, StoreError> {
        Ok(sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!""#).fetch_one(&self.pool).await?)
    }
}

/// The addresses of the bureau's mailboxes, in lower case.
pub(super) async fn own_addresses(connection: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!(r#"SELECT lower(address) AS "address!" FROM email_accounts"#).fetch_all(connection).await?)
}

/// A mail on its way out, or sent, that is addressed to somebody alone.
struct MailTo {
    id: Uuid,
    unsent: bool,
}

async fn mails_to(
    connection: &mut PgConnection,
    account: AccountId,
    identity: &Identity,
    own: &[String],
    until: OffsetDateTime,
) -> Result<Vec<MailTo>, StoreError> {
    let among: Vec<String> = identity.emails.iter().chain(own).cloned().collect();
    let rows = sqlx::query!(
        r#"SELECT o.id, o.state <> 'sent' AS "unsent!" FROM outgoing o
           JOIN outgoing_mails m ON m.account_id = o.account_id AND m.outgoing_id = o.id
           CROSS JOIN LATERAL (SELECT m.recipients_to || m.recipients_cc || m.recipients_bcc AS every) r
           WHERE o.account_id = $1 AND o.created_at <= $2
             AND EXISTS (SELECT 1 FROM jsonb_array_elements(r.every) one WHERE lower(one->>'address') = ANY($3))
             AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(r.every) one
                             WHERE NOT (lower(one->>'address') = ANY($4)))"#,
        account.0,
        until,
        &identity.emails(),
        &among
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| MailTo { id: row.id, unsent: row.unsent }).collect())
}

/// A draft of a mail that is addressed to somebody alone.
struct DraftTo {
    id: Uuid,
    conversation: Option<Uuid>,
}

async fn drafts_to(
    connection: &mut PgConnection,
    account: AccountId,
    identity: &Identity,
    own: &[String],
) -> Result<Vec<DraftTo>, StoreError> {
    let rows = sqlx::query!("SELECT id, conversation_id, content FROM drafts WHERE account_id = $1", account.0)
        .fetch_all(connection)
        .await?;
    let addresses = |content: &str| -> Vec<String> {
        let content: serde_json::Value = serde_json::from_str(content).unwrap_or_default();
        let lists = ["to", "cc", "bcc"].map(|list| content["mail"][list].as_array().cloned().unwrap_or_default());
        lists.concat().iter().filter_map(|one| Some(one["address"].as_str()?.to_lowercase())).collect()
    };
    let alone = |to: &[String]| {
        to.iter().any(|one| identity.emails.contains(one))
            && to.iter().all(|one| identity.emails.contains(one) || own.contains(one))
    };
    let theirs = rows.into_iter().filter(|row| alone(&addresses(&row.content)));
    Ok(theirs.map(|row| DraftTo { id: row.id, conversation: row.conversation_id }).collect())
}

/// The hashes of files that drafts name.
async fn draft_files(
    connection: &mut PgConnection,
    account: AccountId,
    drafts: &[Uuid],
    conversations: &[Uuid],
) -> Result<Vec<Vec<u8>>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT decode(found[1], 'hex') AS "sha256!"
           FROM drafts d, regexp_matches(d.content, '"([0-9a-f]{64})"', 'g') AS found
           WHERE d.account_id = $1 AND (d.id = ANY($2) OR d.conversation_id = ANY($3))"#,
        account.0,
        drafts,
        conversations
    )
    .fetch_all(connection)
    .await?)
}

/// Notes where messages stand, and by what a mail is known, in a form that tells nobody whose they were.
async fn note_places(connection: &mut PgConnection, account: AccountId, ids: &[Uuid]) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO forgotten_places (account_id, mailbox, epoch, number)
         SELECT p.account_id, sha256(b.salt || convert_to('mailbox:' || p.mailbox, 'UTF8')), p.epoch, p.number
         FROM message_places p, bureau b
         WHERE p.account_id = $1 AND p.message_id = ANY($2) AND p.mailbox NOT IN ('outbox', 'adopted')
         ON CONFLICT DO NOTHING",
        account.0,
        ids
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "INSERT INTO forgotten_mails (key)
         SELECT sha256(b.salt || convert_to(known.name, 'UTF8')) FROM bureau b, messages m
         CROSS JOIN LATERAL (
             SELECT 'id:' || m.rfc_message_id AS name WHERE m.rfc_message_id IS NOT NULL
             UNION ALL SELECT 'content:' || encode(m.sha256, 'hex') WHERE m.size > 0) known
         WHERE m.account_id = $1 AND m.id = ANY($2) AND m.kind IN ('mail', 'unreadable')
         ON CONFLICT DO NOTHING",
        account.0,
        ids
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Rows of the old system that messages came from, and those with a correspondent whose message is here no more: they
/// stay, so that they do not come over again, and say nothing.
async fn leave_adopted(
    connection: &mut PgConnection,
    account: AccountId,
    ids: &[Uuid],
    keys: &[String],
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE adopted_messages SET waits = false, status = '', missing_files = '{}', rfc_message_id = NULL, peer = '',
                text_key = NULL, file_size = NULL
         WHERE account_id = $1 AND (message_id = ANY($2) OR peer = ANY($3) AND NOT EXISTS (
             SELECT 1 FROM messages m WHERE m.account_id = $1 AND m.id = adopted_messages.message_id))",
        account.0,
        ids,
        keys
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes out of messages everything but their place and time.
async fn blank_out(connection: &mut PgConnection, account: AccountId, ids: &[Uuid]) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    for delete in [
        sqlx::query!("DELETE FROM attachments WHERE account_id = $1 AND message_id = ANY($2)", account.0, ids),
        sqlx::query!("DELETE FROM message_versions WHERE account_id = $1 AND message_id = ANY($2)", account.0, ids),
        sqlx::query!("DELETE FROM reactions WHERE account_id = $1 AND message_id = ANY($2)", account.0, ids),
        sqlx::query!("DELETE FROM quarantine WHERE account_id = $1 AND message_id = ANY($2)", account.0, ids),
        sqlx::query!("DELETE FROM message_search WHERE account_id = $1 AND message_id = ANY($2)", account.0, ids),
    ] {
        delete.execute(&mut *connection).await?;
    }
    sqlx::query!(
        "UPDATE messages SET removed_at = clock_timestamp(), author_name = '', author_address = '', subject = '',
                body_text = '', has_html = false, rfc_message_id = NULL, sent_at = NULL, sent_offset = NULL,
                recipients_to = '[]', recipients_cc = '[]', recipients_reply_to = '[]', seen = true, file_count = 0,
                size = 0, sha256 = sha256(''), edited_at = NULL,
                kind = CASE kind WHEN 'unreadable' THEN 'chat' ELSE kind END
         WHERE account_id = $1 AND id = ANY($2)",
        account.0,
        ids
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE chat_messages SET author_peer = NULL, author_username = NULL, entities = '[]', media = NULL,
                reply_to = NULL, forward = NULL, album = NULL, service = NULL, content_sha256 = sha256('')
         WHERE account_id = $1 AND message_id = ANY($2)",
        account.0,
        ids
    )
    .execute(&mut *connection)
    .await?;
    // Whoever indexes what they said at this moment is overtaken by this.
    sqlx::query!("INSERT INTO search_queue (account_id, message_ids) VALUES ($1, $2)", account.0, ids)
        .execute(connection)
        .await?;
    Ok(())
}

/// Makes the summaries of conversations anew. `ended` are those whose latest message is gone or says nothing any more.
/// Returns the conversations that hold nothing now.
async fn summarise(
    connection: &mut PgConnection,
    account: AccountId,
    (touched, ended): (&[Uuid], &[Uuid]),
    identity: &Identity,
    own: &[String],
) -> Result<Vec<Uuid>, StoreError> {
    let rows = sqlx::query!(
        r#"UPDATE conversations c SET
               message_count = s.messages, unread_count = s.unread, file_count = s.files,
               last_message_id = coalesce(l.id, c.last_message_id), last_at = coalesce(l.received_at, c.last_at),
               last_direction = coalesce(l.direction, c.last_direction),
               last_unreadable = coalesce(l.kind = 'unreadable', false),
               last_author = CASE WHEN NOT (c.id = ANY($3)) THEN c.last_author
                                  WHEN c.chat_kind IN ('group', 'supergroup', 'topic') AND l.direction = 'in'
                                  THEN l.author_name ELSE '' END,
               last_media = CASE WHEN NOT (c.id = ANY($3)) THEN c.last_media ELSE l.line END
           FROM unnest($2::uuid[]) AS n (id)
           CROSS JOIN LATERAL (
               SELECT count(*)::integer AS messages, coalesce(sum(m.file_count), 0)::integer AS files,
                      (count(*) FILTER (WHERE NOT m.seen AND m.direction = 'in'))::integer AS unread
               FROM messages m WHERE m.account_id = $1 AND m.conversation_id = n.id) s
           LEFT JOIN LATERAL latest_message($1, n.id) l ON true
           WHERE c.account_id = $1 AND c.id = n.id
           RETURNING c.id, c.message_count, l.body_text AS "body_text?""#,
        account.0,
        touched,
        ended
    )
    .fetch_all(&mut *connection)
    .await?;
    let emptied: Vec<Uuid> = rows.iter().filter(|row| row.message_count == 0).map(|row| row.id).collect();
    for row in rows.iter().filter(|row| row.message_count > 0 && ended.contains(&row.id)) {
        sqlx::query!(
            "UPDATE conversations SET snippet = $3 WHERE account_id = $1 AND id = $2",
            account.0,
            row.id,
            snippet(row.body_text.as_deref().unwrap_or_default())
        )
        .execute(&mut *connection)
        .await?;
    }
    // A thread that others go on with is theirs now: whoever wrote last, or to whom the bureau wrote.
    let not_theirs: Vec<String> = identity.emails.iter().chain(own).cloned().collect();
    sqlx::query!(
        r#"UPDATE conversations c SET peer_name = coalesce(o.name, ''), peer_address = coalesce(o.address, ''),
               contact_id = (SELECT h.contact_id FROM contact_handles h
                             WHERE h.kind = 'email' AND h.value = lower(o.address))
           FROM unnest($2::uuid[]) AS n (id)
           LEFT JOIN LATERAL (
               SELECT one.name, one.address FROM messages m
               CROSS JOIN LATERAL (
                   SELECT m.author_name AS name, m.author_address AS address, 0 AS rank
                   UNION ALL
                   SELECT r->>'name', r->>'address', 1 FROM jsonb_array_elements(m.recipients_to || m.recipients_cc) r) one
               WHERE m.account_id = $1 AND m.conversation_id = n.id AND one.address <> ''
                 AND NOT (lower(one.address) = ANY($3))
               ORDER BY one.rank, m.received_at DESC, m.id DESC LIMIT 1) o ON true
           WHERE c.account_id = $1 AND c.id = n.id AND c.remote_peer IS NULL AND c.message_count > 0
             AND (lower(c.peer_address) = ANY($4) OR c.contact_id = ANY($5))"#,
        account.0,
        touched,
        &not_theirs,
        &identity.emails(),
        &identity.contacts()
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE conversations SET peer_name = '', peer_address = '', contact_id = NULL, snippet = '', subject = '',
                subject_key = '', last_author = ''
         WHERE account_id = $1 AND merged_into = ANY($2) AND (lower(peer_address) = ANY($3) OR contact_id = ANY($4))",
        account.0,
        touched,
        &identity.emails(),
        &identity.contacts()
    )
    .execute(connection)
    .await?;
    Ok(emptied)
}

/// Takes mails out of conversations that go, as those to somebody new stand: they are their recipients', and
/// [`Store::forget_remains`] judges them by these. Tells whether there were any.
async fn detach_mails(connection: &mut PgConnection, account: AccountId, ids: &[Uuid]) -> Result<bool, StoreError> {
    let detached = sqlx::query!(
        "UPDATE outgoing o SET conversation_id = NULL FROM outgoing_mails m, conversations c
         WHERE o.account_id = $1 AND m.account_id = $1 AND m.outgoing_id = o.id
           AND c.account_id = $1 AND c.id = o.conversation_id AND (c.id = ANY($2) OR c.merged_into = ANY($2))",
        account.0,
        ids
    )
    .execute(connection)
    .await?;
    Ok(detached.rows_affected() > 0)
}

/// Deletes conversations that hold no message, with what was merged into them and all that hangs on them. Returns the
/// hashes of files that went out from them.
async fn delete_conversations(
    connection: &mut PgConnection,
    account: AccountId,
    ids: &[Uuid],
) -> Result<Vec<Vec<u8>>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let every = sqlx::query_scalar!(
        "SELECT id FROM conversations WHERE account_id = $1 AND (id = ANY($2) OR merged_into = ANY($2))",
        account.0,
        ids
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut files = sqlx::query_scalar!(
        "SELECT f.sha256 FROM outgoing_files f
         JOIN outgoing o ON o.account_id = f.account_id AND o.id = f.outgoing_id
         WHERE o.account_id = $1 AND o.conversation_id = ANY($2)",
        account.0,
        &every
    )
    .fetch_all(&mut *connection)
    .await?;
    files.extend(draft_files(connection, account, &[], &every).await?);
    for delete in [
        sqlx::query!(
            "DELETE FROM adopted_notes WHERE account_id = $1 AND conversation_id = ANY($2)",
            account.0,
            &every
        ),
        sqlx::query!(
            "DELETE FROM adopted_conversations WHERE account_id = $1 AND conversation_id = ANY($2)",
            account.0,
            &every
        ),
        sqlx::query!("DELETE FROM mail_threads WHERE account_id = $1 AND conversation_id = ANY($2)", account.0, &every),
        sqlx::query!("DELETE FROM conversations WHERE account_id = $1 AND id = ANY($2)", account.0, &every),
    ] {
        delete.execute(&mut *connection).await?;
    }
    Ok(files)
}

/// Deletes files that nothing refers to any more.
async fn drop_blobs(connection: &mut PgConnection, account: AccountId, hashes: &[Vec<u8>]) -> Result<(), StoreError> {
    if hashes.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "DELETE FROM blobs b WHERE b.account_id = $1 AND b.sha256 = ANY($2)
           AND NOT EXISTS (SELECT 1 FROM attachments f
                           WHERE f.account_id = b.account_id AND f.sha256 = b.sha256 AND f.part IS NULL)
           AND NOT EXISTS (SELECT 1 FROM outgoing_files f WHERE f.account_id = b.account_id AND f.sha256 = b.sha256)
           AND NOT EXISTS (SELECT 1 FROM drafts d WHERE d.account_id = b.account_id
                           AND d.content LIKE '%' || encode(b.sha256, 'hex') || '%')",
        account.0,
        hashes
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes their name off what others passed on of theirs. Returns the messages that were changed.
async fn forget_mentions(
    connection: &mut PgConnection,
    account: AccountId,
    peers: &[String],
) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
    let rows = sqlx::query!(
        r#"UPDATE chat_messages c SET forward = jsonb_set(jsonb_set(c.forward, '{name}', '""'), '{peer}', 'null')
           FROM messages m
           WHERE c.account_id = $1 AND m.account_id = $1 AND m.id = c.message_id AND c.forward IS NOT NULL
             AND concat(c.forward->'peer'->>'kind', ':', c.forward->'peer'->>'id') = ANY($2)
           RETURNING m.conversation_id, m.id"#,
        account.0,
        peers
    )
    .fetch_all(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE outgoing SET forward_author = '', forward_words = ''
         WHERE account_id = $1 AND forward_mailbox = ANY($2) AND forward_author <> ''",
        account.0,
        peers
    )
    .execute(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.conversation_id, row.id)).collect())
}

const fn conversation_fact(id: Uuid, is_gone: bool) -> Fact {
    let kind = if is_gone { FactKind::ConversationMerged } else { FactKind::ConversationChanged };
    Fact { kind, conversation: Some(ConversationId(id)), message: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_named_by_what_people_write() {
        let read = |text: &str| text.parse::<PersonHandle>().map(|one| (one.kind, one.value));
        assert_eq!(read(" Olena@Example.org "), Ok((HandleKind::Email, "olena@example.org".to_owned())));
        assert_eq!(read("@Olena_V"), Ok((HandleKind::TelegramUsername, "olena_v".to_owned())));
        assert_eq!(read("+38 (000) 000-00-42"), Ok((HandleKind::Phone, "+380000000042".to_owned())));
        assert_eq!(read("7"), Ok((HandleKind::TelegramId, "7".to_owned())));
        for wrong in ["", "@", "+", "olena", "-7", "0", "a@b c"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
