//! `accounts`, `email_accounts`, `telegram_accounts`.

use sqlx::{Postgres, Transaction};
use time::OffsetDateTime;

use super::{Fact, FactKind, Store, StoreError, journal};
use crate::model::{Account, AccountId, Channel, EmailSettings, Endpoint, Proxy, TakenChats, TelegramSettings};

/// Messages, with everything that is theirs, that are deleted in one transaction.
const DELETED_AT_ONCE: i64 = 1000;

/// What a new account needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountDraft {
    /// Its key, made by the caller, who has already kept its secret under it.
    pub id: AccountId,
    /// What the bureau calls it, 1 to 200 characters.
    pub name: String,
    /// Its colour, 1 to 8; `None` takes the least used.
    pub color: Option<i16>,
    /// The mailbox.
    pub email: EmailSettings,
}

/// What a new Telegram account needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TelegramDraft {
    /// Its key, made by the caller, who has already kept its secrets under it.
    pub id: AccountId,
    /// What the bureau calls it, 1 to 200 characters.
    pub name: String,
    /// Its colour, 1 to 8; `None` takes the least used.
    pub color: Option<i16>,
    /// The account.
    pub telegram: TelegramSettings,
}

/// What became of a removed account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemovedAccount {
    /// Messages that were deleted with it; 0 when they were kept.
    pub deleted_messages: u64,
}

struct AccountRow {
    id: uuid::Uuid,
    channel: String,
    name: String,
    code: String,
    color: i16,
    enabled: bool,
    muted: bool,
    created_at: OffsetDateTime,
    address: Option<String>,
    imap_host: Option<String>,
    imap_port: Option<i32>,
    imap_security: Option<String>,
    smtp_host: Option<String>,
    smtp_port: Option<i32>,
    smtp_security: Option<String>,
    user_name: Option<String>,
    auth_kind: Option<String>,
    since: Option<OffsetDateTime>,
    ca_pem: Option<String>,
    folders: Option<Vec<String>>,
    write_flags: Option<bool>,
    phone: Option<String>,
    api_id: Option<i32>,
    user_id: Option<i64>,
    home_dc: Option<i16>,
    takes_groups: Option<bool>,
    takes_channels: Option<bool>,
    takes_bots: Option<bool>,
    history_days: Option<i32>,
    mark_read: Option<bool>,
    file_limit: Option<i64>,
    proxy_host: Option<String>,
    proxy_port: Option<i32>,
    proxy_user: Option<String>,
}

impl AccountRow {
    fn telegram(&self) -> Result<Option<TelegramSettings>, StoreError> {
        let Some(phone) = self.phone.clone() else { return Ok(None) };
        let proxy = match (&self.proxy_host, self.proxy_port) {
            (Some(host), Some(port)) => {
                let port = u16::try_from(port).map_err(|_| StoreError::Inconsistent("a port".to_owned()))?;
                let server = Endpoint { host: host.clone(), port };
                Some(Proxy { server, user: self.proxy_user.clone() })
            }
            _ => None,
        };
        Ok(Some(TelegramSettings {
            phone,
            api_id: self.api_id.unwrap_or(0),
            user_id: self.user_id.unwrap_or(0),
            home_dc: self.home_dc.and_then(|dc| u8::try_from(dc).ok()).unwrap_or(0),
            takes: TakenChats {
                groups: self.takes_groups.unwrap_or(true),
                channels: self.takes_channels.unwrap_or(false),
                bots: self.takes_bots.unwrap_or(false),
            },
            history_days: self.history_days.and_then(|days| u16::try_from(days).ok()).unwrap_or(0),
            mark_read: self.mark_read.unwrap_or(true),
            file_limit: self.file_limit.and_then(|limit| u64::try_from(limit).ok()).unwrap_or(0),
            proxy,
        }))
    }

    fn into_account(self) -> Result<Account, StoreError> {
        let wrong = StoreError::Inconsistent;
        let telegram = self.telegram()?;
        let endpoint = |host: Option<String>, port: Option<i32>| {
            let port = port.and_then(|port| u16::try_from(port).ok()).ok_or_else(|| wrong("a port".to_owned()))?;
            Ok::<_, StoreError>(Endpoint { host: host.unwrap_or_default(), port })
        };
        let email = match self.address {
            None => None,
            Some(address) => Some(EmailSettings {
                address,
                imap: endpoint(self.imap_host, self.imap_port)?,
                imap_security: self.imap_security.unwrap_or_default().parse().map_err(wrong)?,
                smtp: endpoint(self.smtp_host, self.smtp_port)?,
                smtp_security: self.smtp_security.unwrap_or_default().parse().map_err(wrong)?,
                user: self.user_name.unwrap_or_default(),
                auth: self.auth_kind.as_deref().unwrap_or("password").parse().map_err(wrong)?,
                since: self.since,
                ca_pem: self.ca_pem,
                folders: self.folders.unwrap_or_default(),
                write_flags: self.write_flags.unwrap_or(false),
            }),
        };
        Ok(Account {
            id: AccountId(self.id),
            channel: self.channel.parse::<Channel>().map_err(wrong)?,
            name: self.name,
            code: self.code,
            color: self.color,
            enabled: self.enabled,
            muted: self.muted,
            email,
            telegram,
            created_at: self.created_at,
        })
    }
}

impl Store {
    /// Returns every account that was not removed, oldest first.
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let rows = sqlx::query_as!(
            AccountRow,
            r#"SELECT a.id, a.channel, a.name, a.code, a.color, a.enabled, a.muted, a.created_at,
                      e.address AS "address?", e.imap_host AS "imap_host?", e.imap_port AS "imap_port?",
                      e.imap_security AS "imap_security?", e.smtp_host AS "smtp_host?", e.smtp_port AS "smtp_port?",
                      e.smtp_security AS "smtp_security?", e.user_name AS "user_name?", e.auth_kind AS "auth_kind?",
                      e.since AS "since?",
                      e.ca_pem AS "ca_pem?", e.folders AS "folders?", e.write_flags AS "write_flags?",
                      t.phone AS "phone?", t.api_id AS "api_id?", t.user_id AS "user_id?", t.home_dc AS "home_dc?",
                      t.takes_groups AS "takes_groups?", t.takes_channels AS "takes_channels?",
                      t.takes_bots AS "takes_bots?", t.history_days AS "history_days?", t.mark_read AS "mark_read?",
                      t.file_limit AS "file_limit?", t.proxy_host AS "proxy_host?", t.proxy_port AS "proxy_port?",
                      t.proxy_user AS "proxy_user?"
               FROM accounts a LEFT JOIN email_accounts e ON e.account_id = a.id
               LEFT JOIN telegram_accounts t ON t.account_id = a.id
               WHERE a.removed_at IS NULL
               ORDER BY a.created_at, a.id"#
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(AccountRow::into_account).collect()
    }

    /// Returns one account, or `None` when it does not exist or was removed.
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        // The bureau has a handful of accounts; one query serves both.
        Ok(self.accounts().await?.into_iter().find(|account| account.id == id))
    }

    /// Returns the account that read this address until it was removed, and whose messages were kept.
    pub async fn removed_mailbox(&self, address: &str) -> Result<Option<AccountId>, StoreError> {
        let found = sqlx::query_scalar!(
            "SELECT a.id FROM accounts a JOIN email_accounts e ON e.account_id = a.id
             WHERE lower(e.address) = lower($1) AND a.removed_at IS NOT NULL ORDER BY a.removed_at DESC LIMIT 1",
            address
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(found.map(AccountId))
    }

    /// Returns the account of this Telegram user that was removed, and whose messages were kept.
    pub async fn removed_telegram_account(&self, user_id: i64) -> Result<Option<AccountId>, StoreError> {
        let found = sqlx::query_scalar!(
            "SELECT a.id FROM accounts a JOIN telegram_accounts t ON t.account_id = a.id
             WHERE t.user_id = $1 AND a.removed_at IS NOT NULL ORDER BY a.removed_at DESC LIMIT 1",
            user_id
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(found.map(AccountId))
    }

    /// Tells whether there is an account, removed or not.
    pub async fn knows_account(&self, id: AccountId) -> Result<bool, StoreError> {
        let mut connection = self.pool.acquire().await?;
        exists(&mut connection, id).await
    }

    /// Adds a mailbox. Refuses an address that is there already, whatever its case. A draft with the key of a removed
    /// account ([`Self::removed_mailbox`]) brings that one back, so that its mails are not stored a second time.
    pub async fn add_email_account(&self, draft: &AccountDraft) -> Result<Account, StoreError> {
        let mut tx = self.begin().await?;
        // Two programs that add the same address at once would both find it missing.
        sqlx::query!("LOCK TABLE accounts IN SHARE ROW EXCLUSIVE MODE").execute(&mut *tx).await?;
        let email = &draft.email;
        let taken = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT 1 FROM email_accounts e JOIN accounts a ON a.id = e.account_id
                              WHERE lower(e.address) = lower($1) AND a.removed_at IS NULL) AS "taken!""#,
            email.address
        )
        .fetch_one(&mut *tx)
        .await?;
        if taken {
            return Err(StoreError::AccountExists(email.address.clone()));
        }
        insert(&mut tx, draft.id, Channel::Email, &draft.name, draft.color).await?;
        forget_another_server(&mut tx, draft.id, email).await?;
        write_settings(&mut tx, draft.id, email).await?;
        journal::announce(&mut tx, AccountId::BUREAU, &[account_fact(FactKind::AccountAdded)]).await?;
        tx.commit().await?;
        self.account(draft.id).await?.ok_or(StoreError::NotFound("the account"))
    }

    /// Adds a Telegram account. Refuses a user who is there already. A draft with the key of a removed account
    /// ([`Self::removed_telegram_account`]) brings that one back, so that its messages are not stored a second time.
    pub async fn add_telegram_account(&self, draft: &TelegramDraft) -> Result<Account, StoreError> {
        let mut tx = self.begin().await?;
        // Two programs that add the same user at once would both find them missing.
        sqlx::query!("LOCK TABLE accounts IN SHARE ROW EXCLUSIVE MODE").execute(&mut *tx).await?;
        let telegram = &draft.telegram;
        let taken = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT 1 FROM telegram_accounts t JOIN accounts a ON a.id = t.account_id
                              WHERE t.user_id = $1 AND a.removed_at IS NULL) AS "taken!""#,
            telegram.user_id
        )
        .fetch_one(&mut *tx)
        .await?;
        if taken {
            return Err(StoreError::AccountExists(telegram.phone.clone()));
        }
        insert(&mut tx, draft.id, Channel::Telegram, &draft.name, draft.color).await?;
        write_telegram(&mut tx, draft.id, telegram).await?;
        journal::announce(&mut tx, AccountId::BUREAU, &[account_fact(FactKind::AccountAdded)]).await?;
        tx.commit().await?;
        self.account(draft.id).await?.ok_or(StoreError::NotFound("the account"))
    }

    /// Writes a Telegram account's name, colour and settings.
    pub async fn update_telegram_account(
        &self,
        id: AccountId,
        name: &str,
        color: Option<i16>,
        telegram: &TelegramSettings,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        rename(&mut tx, id, name, color).await?;
        write_telegram(&mut tx, id, telegram).await?;
        journal::announce(&mut tx, AccountId::BUREAU, &[account_fact(FactKind::AccountChanged)]).await?;
        Ok(tx.commit().await?)
    }

    /// Writes an account's name, colour and settings. Where server or user are others, everything is looked for anew
    /// and what is here already is linked; whoever listens to the account must have ended before.
    pub async fn update_email_account(
        &self,
        id: AccountId,
        name: &str,
        color: Option<i16>,
        email: &EmailSettings,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_for(id).await?;
        rename(&mut tx, id, name, color).await?;
        forget_another_server(&mut tx, id, email).await?;
        write_settings(&mut tx, id, email).await?;
        journal::announce(&mut tx, AccountId::BUREAU, &[account_fact(FactKind::AccountChanged)]).await?;
        Ok(tx.commit().await?)
    }

    /// Switches an account's listener on or off.
    pub async fn set_account_enabled(&self, id: AccountId, enabled: bool) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let changed =
            sqlx::query!("UPDATE accounts SET enabled = $2 WHERE id = $1 AND removed_at IS NULL", id.0, enabled)
                .execute(&mut *tx)
                .await?
                .rows_affected();
        commit_change(tx, changed).await
    }

    /// Mutes an account, or lets somebody be told of its messages again.
    pub async fn set_account_muted(&self, id: AccountId, muted: bool) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let changed = sqlx::query!("UPDATE accounts SET muted = $2 WHERE id = $1 AND removed_at IS NULL", id.0, muted)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        commit_change(tx, changed).await
    }

    /// Removes an account. Its messages stay readable unless `delete_messages` asks for them to go with it: step by step,
    /// since there may be millions. What is interrupted goes on when it is asked for again.
    pub async fn remove_account(&self, id: AccountId, delete_messages: bool) -> Result<RemovedAccount, StoreError> {
        // What is being stored at this moment is stored first; after it nothing more is.
        let mut tx = self.begin_for(id).await?;
        let removed = sqlx::query!(
            "UPDATE accounts SET removed_at = clock_timestamp(), enabled = false WHERE id = $1 AND removed_at IS NULL",
            id.0
        )
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if removed == 0 && !(delete_messages && exists(&mut tx, id).await?) {
            return Err(StoreError::NotFound("the account"));
        }
        if delete_messages {
            // Without these it cannot come back: were it added again before everything is gone, it is another account.
            sqlx::query!("DELETE FROM account_cursors WHERE account_id = $1", id.0).execute(&mut *tx).await?;
            sqlx::query!("DELETE FROM email_accounts WHERE account_id = $1", id.0).execute(&mut *tx).await?;
            sqlx::query!("DELETE FROM telegram_accounts WHERE account_id = $1", id.0).execute(&mut *tx).await?;
        }
        // Whoever listens to it stops now; its readers are told once more when everything is gone.
        journal::announce(&mut tx, AccountId::BUREAU, &[account_fact(FactKind::AccountRemoved)]).await?;
        tx.commit().await?;
        if !delete_messages {
            return Ok(RemovedAccount { deleted_messages: 0 });
        }
        let deleted_messages = self.delete_messages(id).await?;
        let mut tx = self.begin_for(id).await?;
        sqlx::query!("DELETE FROM message_places WHERE account_id = $1", id.0).execute(&mut *tx).await?;
        sqlx::query!("DELETE FROM raw_messages WHERE account_id = $1", id.0).execute(&mut *tx).await?;
        sqlx::query!("DELETE FROM journal WHERE account_id = $1", id.0).execute(&mut *tx).await?;
        sqlx::query!("DELETE FROM outgoing WHERE account_id = $1", id.0).execute(&mut *tx).await?;
        sqlx::query!("DELETE FROM accounts WHERE id = $1 AND removed_at IS NOT NULL", id.0).execute(&mut *tx).await?;
        journal::announce(&mut tx, AccountId::BUREAU, &[account_fact(FactKind::AccountRemoved)]).await?;
        tx.commit().await?;
        Ok(RemovedAccount { deleted_messages })
    }

    /// Deletes an account's messages and conversations in steps that each end soon. Two who do so take turns: neither
    /// finds nothing left only because the other is deleting it.
    async fn delete_messages(&self, id: AccountId) -> Result<u64, StoreError> {
        let mut sum = 0;
        loop {
            let mut tx = self.begin_for(id).await?;
            let deleted = sqlx::query!(
                r#"WITH gone AS (
                     DELETE FROM messages WHERE account_id = $1
                     AND id IN (SELECT id FROM messages WHERE account_id = $1 ORDER BY id LIMIT $2)
                     RETURNING id
                 ), places AS (
                     DELETE FROM message_places p USING gone WHERE p.account_id = $1 AND p.message_id = gone.id
                 ), raws AS (
                     DELETE FROM raw_messages r USING gone WHERE r.account_id = $1 AND r.message_id = gone.id
                 ), threads AS (
                     DELETE FROM mail_threads WHERE account_id = $1 AND rfc_message_id IN (
                         SELECT rfc_message_id FROM mail_threads WHERE account_id = $1 ORDER BY rfc_message_id LIMIT $2)
                     RETURNING 1
                 ), conversations AS (
                     -- As long as there are messages they stand in one.
                     DELETE FROM conversations WHERE account_id = $1
                     AND NOT EXISTS (SELECT 1 FROM messages WHERE account_id = $1)
                     AND id IN (SELECT id FROM conversations WHERE account_id = $1 ORDER BY id LIMIT $2)
                     RETURNING 1
                 )
                 SELECT (SELECT count(*) FROM gone) AS "messages!",
                        (SELECT count(*) FROM threads) + (SELECT count(*) FROM conversations) AS "others!""#,
                id.0,
                DELETED_AT_ONCE
            )
            .fetch_one(&mut *tx)
            .await?;
            tx.commit().await?;
            sum += deleted.messages.unsigned_abs();
            if deleted.messages + deleted.others == 0 {
                return Ok(sum);
            }
        }
    }
}

/// Commits a change of an account's own row and announces it, where there was such a row.
async fn commit_change(mut tx: Transaction<'static, Postgres>, changed: u64) -> Result<(), StoreError> {
    if changed == 0 {
        return Err(StoreError::NotFound("the account"));
    }
    journal::announce(&mut tx, AccountId::BUREAU, &[account_fact(FactKind::AccountChanged)]).await?;
    Ok(tx.commit().await?)
}

/// Tells whether there is an account, removed or not.
async fn exists(connection: &mut sqlx::PgConnection, id: AccountId) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(r#"SELECT EXISTS (SELECT 1 FROM accounts WHERE id = $1) AS "exists!""#, id.0)
        .fetch_one(connection)
        .await?)
}

/// A server counts its mails by numbers of its own: another one's would hide what stands under the same numbers. Without
/// its places a message is known by its content.
async fn forget_another_server(
    connection: &mut sqlx::PgConnection,
    id: AccountId,
    email: &EmailSettings,
) -> Result<(), StoreError> {
    let moved = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM email_accounts WHERE account_id = $1
                          AND (lower(imap_host) <> lower($2) OR user_name <> $3)) AS "moved!""#,
        id.0,
        email.imap.host,
        email.user
    )
    .fetch_one(&mut *connection)
    .await?;
    if moved {
        sqlx::query!("DELETE FROM account_cursors WHERE account_id = $1", id.0).execute(&mut *connection).await?;
        sqlx::query!("DELETE FROM message_places WHERE account_id = $1", id.0).execute(connection).await?;
    }
    Ok(())
}

/// Writes a new account's row, or that of a removed account which comes back; without a colour it takes the least used.
pub(super) async fn insert(
    connection: &mut sqlx::PgConnection,
    id: AccountId,
    channel: Channel,
    name: &str,
    color: Option<i16>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO accounts AS kept (id, channel, name, code, color)
         SELECT $1, $2, $3, $4, coalesce($5, (
             SELECT c::smallint FROM generate_series(1, 8) c LEFT JOIN accounts a ON a.color = c AND a.removed_at IS NULL
             GROUP BY c ORDER BY count(a.id), c LIMIT 1))
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, code = excluded.code, color = excluded.color,
                enabled = true, removed_at = NULL, muted = false, created_at = clock_timestamp()
         WHERE kept.removed_at IS NOT NULL AND kept.channel = excluded.channel",
        id.0,
        channel.as_str(),
        name,
        tile_code(name),
        color
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn rename(
    connection: &mut sqlx::PgConnection,
    id: AccountId,
    name: &str,
    color: Option<i16>,
) -> Result<(), StoreError> {
    let changed = sqlx::query!(
        "UPDATE accounts SET name = $2, code = $3, color = coalesce($4, color) WHERE id = $1 AND removed_at IS NULL",
        id.0,
        name,
        tile_code(name),
        color
    )
    .execute(connection)
    .await?
    .rows_affected();
    if changed == 0 { Err(StoreError::NotFound("the account")) } else { Ok(()) }
}

pub(super) async fn write_telegram(
    connection: &mut sqlx::PgConnection,
    id: AccountId,
    telegram: &TelegramSettings,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO telegram_accounts (account_id, phone, api_id, home_dc, user_id, takes_groups, takes_channels,
                takes_bots, history_days, mark_read, file_limit, proxy_host, proxy_port, proxy_user)
         VALUES ($1, $2, nullif($3::integer, 0), nullif($4::smallint, 0), nullif($5::bigint, 0), $6, $7, $8, $9, $10, $11, $12, $13,
                 $14)
         ON CONFLICT (account_id) DO UPDATE SET phone = excluded.phone, api_id = excluded.api_id,
                home_dc = excluded.home_dc, user_id = excluded.user_id, takes_groups = excluded.takes_groups,
                takes_channels = excluded.takes_channels, takes_bots = excluded.takes_bots,
                history_days = excluded.history_days, mark_read = excluded.mark_read,
                file_limit = excluded.file_limit, proxy_host = excluded.proxy_host, proxy_port = excluded.proxy_port,
                proxy_user = excluded.proxy_user",
        id.0,
        telegram.phone,
        telegram.api_id,
        i16::from(telegram.home_dc),
        telegram.user_id,
        telegram.takes.groups,
        telegram.takes.channels,
        telegram.takes.bots,
        i32::from(telegram.history_days),
        telegram.mark_read,
        i64::try_from(telegram.file_limit).unwrap_or(i64::MAX),
        telegram.proxy.as_ref().map(|proxy| proxy.server.host.as_str()),
        telegram.proxy.as_ref().map(|proxy| i32::from(proxy.server.port)),
        telegram.proxy.as_ref().and_then(|proxy| proxy.user.as_deref()),
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn write_settings(
    connection: &mut sqlx::PgConnection,
    id: AccountId,
    email: &EmailSettings,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO email_accounts (account_id, address, imap_host, imap_port, imap_security, smtp_host, smtp_port,
                smtp_security, user_name, since, ca_pem, folders, write_flags, auth_kind)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         ON CONFLICT (account_id) DO UPDATE SET address = excluded.address, imap_host = excluded.imap_host,
                imap_port = excluded.imap_port, imap_security = excluded.imap_security,
                smtp_host = excluded.smtp_host, smtp_port = excluded.smtp_port,
                smtp_security = excluded.smtp_security, user_name = excluded.user_name, since = excluded.since,
                ca_pem = excluded.ca_pem, folders = excluded.folders, write_flags = excluded.write_flags,
                auth_kind = excluded.auth_kind",
        id.0,
        email.address,
        email.imap.host,
        i32::from(email.imap.port),
        email.imap_security.as_str(),
        email.smtp.host,
        i32::from(email.smtp.port),
        email.smtp_security.as_str(),
        email.user,
        email.since,
        email.ca_pem,
        &email.folders,
        email.write_flags,
        email.auth.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

const fn account_fact(kind: FactKind) -> Fact {
    Fact { kind, conversation: None, message: None }
}

/// Makes the two characters of an account's tile from its name: the initials of two words, or the first two letters.
fn tile_code(name: &str) -> String {
    let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let code: String = match words.as_slice() {
        [] => "@".to_owned(),
        [word] => word.chars().take(2).collect(),
        [first, second, ..] => first.chars().take(1).chain(second.chars().take(1)).collect(),
    };
    code.to_uppercase().chars().take(4).collect()
}

#[cfg(test)]
mod tests {
    use super::tile_code;

    #[test]
    fn a_tile_shows_two_initials_or_the_first_two_letters() {
        for (name, code) in [
            ("Бюро Київ", "БК"),
            ("Замовлення", "ЗА"),
            ("zamówienia", "ZA"),
            ("office@example.org", "OE"),
            ("…", "@"),
            ("ß", "SS"),
        ] {
            assert_eq!(tile_code(name), code);
        }
    }
}
