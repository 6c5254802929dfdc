//! `telegram_peers`: whom an account knows.

use std::collections::HashMap;

use super::{Store, StoreError};
use crate::{
    connector::KnownPeer,
    model::{AccountId, Peer},
};

struct PeerRow {
    peer: String,
    access_hash: Option<i64>,
    name: String,
    username: Option<String>,
    phone: Option<String>,
    details: serde_json::Value,
}

impl TryFrom<PeerRow> for KnownPeer {
    type Error = StoreError;

    fn try_from(row: PeerRow) -> Result<Self, Self::Error> {
        Ok(Self {
            peer: row.peer.parse().map_err(|_| StoreError::Inconsistent(format!("a peer {:?}", row.peer)))?,
            access_hash: row.access_hash,
            name: row.name,
            username: row.username,
            phone: row.phone,
            details: row.details,
        })
    }
}

impl Store {
    /// Returns everybody an account knows.
    pub async fn peers(&self, account: AccountId) -> Result<Vec<KnownPeer>, StoreError> {
        let rows = sqlx::query_as!(
            PeerRow,
            "SELECT peer, access_hash, name, username, phone, details FROM telegram_peers WHERE account_id = $1",
            account.0
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Returns the highest message number stored of every chat's mailbox.
    pub async fn latest_numbers(
        &self,
        account: AccountId,
    ) -> Result<std::collections::BTreeMap<String, u32>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT chat.mailbox AS "mailbox!", last.number
               FROM (SELECT DISTINCT split_part(remote_peer, ';', 1) AS mailbox FROM conversations
                     WHERE account_id = $1 AND remote_peer IS NOT NULL) chat
               CROSS JOIN LATERAL (
                   SELECT p.number FROM message_places p
                   WHERE p.account_id = $1 AND p.mailbox = chat.mailbox AND p.epoch = 0
                   ORDER BY p.number DESC LIMIT 1) last"#,
            account.0
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().filter_map(|row| Some((row.mailbox, u32::try_from(row.number).ok()?))).collect())
    }
}

/// Returns what is stored of the given peers.
pub(super) async fn known(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    peers: &[String],
) -> Result<HashMap<Peer, KnownPeer>, StoreError> {
    let rows = sqlx::query_as!(
        PeerRow,
        "SELECT peer, access_hash, name, username, phone, details FROM telegram_peers
         WHERE account_id = $1 AND peer = ANY($2)",
        account.0,
        peers
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(|row| KnownPeer::try_from(row).map(|peer| (peer.peer, peer))).collect()
}

/// Writes peers, each at most once in `peers`.
pub(super) async fn write(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    peers: &[KnownPeer],
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO telegram_peers (account_id, peer, access_hash, name, username, phone, details)
         SELECT $1::uuid, * FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::jsonb[])
         ON CONFLICT (account_id, peer) DO UPDATE SET access_hash = excluded.access_hash, name = excluded.name,
                username = excluded.username, phone = excluded.phone, details = excluded.details,
                updated_at = clock_timestamp()",
        account.0,
        &peers.iter().map(|p| p.peer.to_string()).collect::<Vec<_>>(),
        &peers.iter().map(|p| p.access_hash).collect::<Vec<_>>() as &[Option<i64>],
        &peers.iter().map(|p| p.name.clone()).collect::<Vec<_>>(),
        &peers.iter().map(|p| p.username.clone()).collect::<Vec<_>>() as &[Option<String>],
        &peers.iter().map(|p| p.phone.clone()).collect::<Vec<_>>() as &[Option<String>],
        &peers.iter().map(|p| p.details.clone()).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
