//! What must not come back, as ingest asks for it. See `forgetting.rs` for how it got there.

use std::collections::{BTreeSet, HashMap, HashSet};

use time::OffsetDateTime;

use super::{IngestTx, Store, StoreError, forgetting::own_addresses, ingest::columns};
use crate::{
    connector::Salt,
    model::{AccountId, Peer, PeerKind, Place},
};

/// What is looked for in everything that comes.
#[derive(Debug)]
pub(crate) struct LookedFor {
    /// The salt of what was forgotten; `None` where nobody ever was, so that nothing is asked further.
    pub(crate) forgotten: Option<Salt>,
    /// Whether anything that came over from the old system waits for this account's server, or for nobody knows which.
    pub(crate) adopted: bool,
}

/// What is known to be forgotten of what was asked for.
#[derive(Debug, Default)]
pub(crate) struct Tombstones {
    /// When each handle's person was forgotten, by the hash of `KIND:VALUE`.
    pub(crate) handles: HashMap<Vec<u8>, OffsetDateTime>,
    /// Hashes of mails.
    pub(crate) mails: HashSet<Vec<u8>>,
    /// Places of this account.
    pub(crate) places: HashSet<Place>,
}

impl IngestTx {
    /// Returns what has to be looked for, asked once for a transaction, and after it has its turn.
    pub(crate) async fn looked_for(&mut self) -> Result<LookedFor, StoreError> {
        let found = sqlx::query!(
            r#"SELECT (SELECT salt FROM bureau WHERE EXISTS (SELECT 1 FROM forgotten_people)) AS salt,
                      EXISTS (SELECT 1 FROM adopted_messages WHERE account_id = $1 AND waits)
                      OR EXISTS (SELECT 1 FROM adopted_messages WHERE waits AND guessed) AS "adopted!""#,
            self.account.0
        )
        .fetch_one(&mut *self.tx)
        .await?;
        Ok(LookedFor { forgotten: found.salt.map(Salt::new), adopted: found.adopted })
    }

    /// Finds what is forgotten among hashes of handles and mails, and among places.
    pub(crate) async fn tombstones(
        &mut self,
        salt: &Salt,
        handles: &[Vec<u8>],
        mails: &[Vec<u8>],
        places: &[&Place],
    ) -> Result<Tombstones, StoreError> {
        let mut found = Tombstones::default();
        if !handles.is_empty() {
            let rows = sqlx::query!(
                "SELECT h.key, p.forgotten_at FROM forgotten_handles h JOIN forgotten_people p ON p.id = h.person
                 WHERE h.key = ANY($1)",
                handles
            )
            .fetch_all(&mut *self.tx)
            .await?;
            found.handles = rows.into_iter().map(|row| (row.key, row.forgotten_at)).collect();
        }
        if !mails.is_empty() {
            let rows = sqlx::query_scalar!("SELECT key FROM forgotten_mails WHERE key = ANY($1)", mails)
                .fetch_all(&mut *self.tx)
                .await?;
            found.mails = rows.into_iter().collect();
        }
        if !places.is_empty() {
            let (_, epochs, numbers) = columns(places);
            let mailboxes: Vec<Vec<u8>> = places.iter().map(|place| salt.key("mailbox", &place.mailbox)).collect();
            let rows = sqlx::query!(
                r#"SELECT asked.n AS "n!" FROM unnest($2::bytea[], $3::bigint[], $4::bigint[]) WITH ORDINALITY
                       AS asked (mailbox, epoch, number, n)
                   JOIN forgotten_places p ON p.account_id = $1 AND p.mailbox = asked.mailbox
                        AND p.epoch = asked.epoch AND p.number = asked.number"#,
                self.account.0,
                &mailboxes,
                &epochs,
                &numbers
            )
            .fetch_all(&mut *self.tx)
            .await?;
            let at = |n: i64| usize::try_from(n).ok().and_then(|n| places.get(n.checked_sub(1)?));
            found.places = rows.into_iter().filter_map(|row| at(row.n)).map(|place| (*place).clone()).collect();
        }
        Ok(found)
    }

    /// Notes that what stands at these places was left out: nobody misses it.
    pub(crate) async fn note_left_out(&mut self, salt: &Salt, places: &[&Place]) -> Result<(), StoreError> {
        let (_, epochs, numbers) = columns(places);
        let mailboxes: Vec<Vec<u8>> = places.iter().map(|place| salt.key("mailbox", &place.mailbox)).collect();
        sqlx::query!(
            "INSERT INTO forgotten_places (account_id, mailbox, epoch, number)
             SELECT $1::uuid, * FROM unnest($2::bytea[], $3::bigint[], $4::bigint[]) ON CONFLICT DO NOTHING",
            self.account.0,
            &mailboxes,
            &epochs,
            &numbers
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// The addresses of the bureau's mailboxes, in lower case.
    pub(crate) async fn own_addresses(&mut self) -> Result<Vec<String>, StoreError> {
        own_addresses(&mut self.tx).await
    }

    /// Which of these users have a chat here.
    pub(crate) async fn users_with_chats(&mut self, users: &[Peer]) -> Result<BTreeSet<Peer>, StoreError> {
        let names: Vec<String> = users.iter().map(ToString::to_string).collect();
        let rows = sqlx::query_scalar!(
            r#"SELECT remote_peer AS "peer!" FROM conversations WHERE account_id = $1 AND remote_peer = ANY($2)"#,
            self.account.0,
            &names
        )
        .fetch_all(&mut *self.tx)
        .await?;
        Ok(rows.into_iter().filter_map(|peer| peer.parse().ok()).collect())
    }
}

impl Store {
    /// Returns what goes into every hash of this installation.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn salt(&self) -> Result<Salt, StoreError> {
        Ok(Salt::new(sqlx::query_scalar!("SELECT salt FROM bureau").fetch_one(&self.pool).await?))
    }

    /// Tells whether a folder is the private chat with somebody who was forgotten and has not written since.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_forgotten_chat(&self, account: AccountId, mailbox: &str) -> Result<bool, StoreError> {
        let Some(Peer { kind: PeerKind::User, id }) = mailbox.parse::<Peer>().ok() else { return Ok(false) };
        Ok(sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT 1 FROM forgotten_handles h, bureau b
                              WHERE h.key = sha256(b.salt || convert_to('telegram_id:' || $3::text, 'UTF8')))
                  AND NOT EXISTS (SELECT 1 FROM conversations c WHERE c.account_id = $1 AND c.remote_peer = $2) AS "is!""#,
            account.0,
            mailbox,
            id.to_string()
        )
        .fetch_one(&self.pool)
        .await?)
    }
}
