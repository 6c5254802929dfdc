//! `message_search`: full text over what was written, trigrams over short things.

use time::OffsetDateTime;

use super::{Store, StoreError};
use crate::model::{AccountId, ConversationId, MessageId};

/// A message that matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Its account.
    pub account: AccountId,
    /// The message.
    pub message: MessageId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// Its subject, or its chat's name.
    pub subject: String,
    /// Text around the match.
    pub snippet: String,
    /// When its server received it.
    pub received_at: OffsetDateTime,
}

/// What a step of the indexer did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Indexed {
    /// Messages that no longer wait.
    pub messages: u64,
}

/// A match found through an index is sorted only up to this many; beyond it the words are so common that walking
/// back in time finds a page sooner.
const PROBE: i64 = 2000;

/// What Postgres' own parser takes for a part of a date, a signed number, an address, a file name or a tag: a query of
/// single words would not meet them, so it is taken out of a text first. Everything else parts the words of a text
/// by itself, and each character here costs as much as a fourth of the parsing.
const JOINS_WORDS: &str = "-./+<&~";
/// What parts the words of a query; of a text, too, where the database has the locale `C`: its parser takes everything
/// beyond ASCII for letters.
const BETWEEN_WORDS: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\u{a0}\u{ab}\u{b7}\u{bb}–—‘’“”„…№€";

impl Store {
    /// Makes waiting messages searchable, each by its first `characters`: at most `groups` times as many as are queued
    /// together. Any number of programs and tasks may do this at once.
    pub async fn index_messages(&self, groups: i64, characters: i32) -> Result<Indexed, StoreError> {
        let messages = sqlx::query_scalar!(
            r#"WITH rows AS (
                 DELETE FROM search_queue WHERE id IN (
                     SELECT id FROM search_queue ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
                 RETURNING id, account_id, message_ids
             ), taken AS (
                 SELECT account_id, message_id, max(id) AS queued FROM rows, unnest(message_ids) AS message_id
                 GROUP BY account_id, message_id
             ), files AS (
                 SELECT f.account_id, f.message_id, string_agg(f.name, ' ') AS names
                 FROM attachments f JOIN taken USING (account_id, message_id) GROUP BY 1, 2
             ), done AS (
             INSERT INTO message_search (account_id, message_id, queued, received_at, words, short)
             SELECT m.account_id, m.id, taken.queued, m.received_at,
                    -- A tsvector holds at most 1 MB and a word at most 2 KB.
                    to_tsvector('simple', translate(left(concat_ws(' ', m.subject, v.peer_name, m.author_name,
                        m.author_address, files.names, c.strings, m.body_text), $2), parted.by, repeat(' ', length(parted.by)))),
                    left(lower(concat_ws(' ', m.subject, v.peer_name, v.peer_address, m.author_name, m.author_address,
                        files.names)), 2000)
             FROM messages m JOIN taken ON taken.account_id = m.account_id AND taken.message_id = m.id
             CROSS JOIN (SELECT CASE length(to_tsvector('simple', 'а«б')) WHEN 2 THEN $3 ELSE $4 END AS by) parted
             LEFT JOIN files ON files.account_id = m.account_id AND files.message_id = m.id
             -- A chat is found by its title; a thread by the people who wrote.
             LEFT JOIN conversations v ON v.account_id = m.account_id AND v.id = m.conversation_id
                  AND v.remote_peer IS NOT NULL
             LEFT JOIN LATERAL (
                 SELECT string_agg(said #>> '{}', ' ') AS strings
                 FROM chat_messages c, jsonb_path_query(jsonb_build_array(c.media, c.service), '$.**') said
                 WHERE c.account_id = m.account_id AND c.message_id = m.id AND jsonb_typeof(said) = 'string') c ON true
             -- In one order, so that two who meet the same messages cannot deadlock.
             ORDER BY m.account_id, m.id
             -- Another program may have read a later version meanwhile.
             ON CONFLICT (account_id, message_id) DO UPDATE SET queued = excluded.queued,
                    received_at = excluded.received_at, words = excluded.words, short = excluded.short
                    WHERE message_search.queued <= excluded.queued)
             SELECT count(*) AS "messages!" FROM taken"#,
            groups,
            characters,
            JOINS_WORDS,
            BETWEEN_WORDS
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(Indexed { messages: messages.unsigned_abs() })
    }

    /// Puts every message into the queue of the search index, so that all of it is made anew; what is there is found
    /// meanwhile. Returns how many messages wait.
    pub async fn rebuild_search(&self) -> Result<i64, StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query!(
            "INSERT INTO search_queue (account_id, message_ids)
             SELECT account_id, array_agg(id) FROM (
                 SELECT account_id, id, row_number() OVER (PARTITION BY account_id ORDER BY id DESC) / 100 AS part
                 FROM messages) waiting
             GROUP BY account_id, part ORDER BY part"
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        self.search_pending().await
    }

    /// Counts messages that are stored and not searchable yet.
    pub async fn search_pending(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar!(r#"SELECT coalesce(sum(cardinality(message_ids)), 0) AS "pending!" FROM search_queue"#)
            .fetch_one(&self.pool)
            .await?)
    }

    /// Finds messages, newest first, that follow `after`. Every word must begin a word of the text, or the whole query
    /// must stand somewhere in subject, names, addresses or file names.
    pub async fn search(
        &self,
        query: &str,
        account: Option<AccountId>,
        after: Option<(OffsetDateTime, AccountId, MessageId)>,
        limit: i64,
    ) -> Result<Vec<Hit>, StoreError> {
        let Some(words) = prefix_query(query) else { return Ok(Vec::new()) };
        let needle = format!("%{}%", escape_like(&query.trim().to_lowercase()));
        let (at, after_account, after_message) = after.unwrap_or((
            time::macros::datetime!(9999-01-01 0:00 UTC),
            AccountId(uuid::Uuid::max()),
            MessageId(uuid::Uuid::max()),
        ));
        let matches = sqlx::query_scalar!(
            r#"SELECT count(*) AS "matches!" FROM (
                   SELECT 1 FROM message_search s
                   WHERE (s.words @@ to_tsquery('simple', $1) OR s.short LIKE $2)
                   LIMIT $3) probe"#,
            words,
            needle,
            PROBE
        )
        .fetch_one(&self.pool)
        .await?;
        let ids = if matches < PROBE {
            // Few matches: take them all from the indexes, then sort. OFFSET 0 keeps the planner from walking in time.
            sqlx::query!(
                "SELECT s.account_id, s.message_id FROM (
                     SELECT account_id, message_id, received_at FROM message_search
                     WHERE words @@ to_tsquery('simple', $1) OR short LIKE $2 OFFSET 0) s
                 WHERE ($3::uuid IS NULL OR s.account_id = $3) AND (s.received_at, s.account_id, s.message_id) < ($4, $5, $6)
                 ORDER BY s.received_at DESC, s.account_id DESC, s.message_id DESC LIMIT $7",
                words,
                needle,
                account.map(|id| id.0),
                at,
                after_account.0,
                after_message.0,
                limit
            )
            .fetch_all(&self.pool)
            .await?
            .into_iter()
            .map(|row| (row.account_id, row.message_id))
            .collect::<Vec<_>>()
        } else {
            sqlx::query!(
                "SELECT account_id, message_id FROM message_search
                 WHERE (words @@ to_tsquery('simple', $1) OR short LIKE $2)
                   AND ($3::uuid IS NULL OR account_id = $3) AND (received_at, account_id, message_id) < ($4, $5, $6)
                 ORDER BY received_at DESC, account_id DESC, message_id DESC LIMIT $7",
                words,
                needle,
                account.map(|id| id.0),
                at,
                after_account.0,
                after_message.0,
                limit
            )
            .fetch_all(&self.pool)
            .await?
            .into_iter()
            .map(|row| (row.account_id, row.message_id))
            .collect()
        };
        self.hits(&words, ids).await
    }

    async fn hits(&self, words: &str, ids: Vec<(uuid::Uuid, uuid::Uuid)>) -> Result<Vec<Hit>, StoreError> {
        let (accounts, messages): (Vec<_>, Vec<_>) = ids.into_iter().unzip();
        let rows = sqlx::query!(
            r#"SELECT m.account_id, m.id, m.conversation_id, m.received_at,
                      CASE WHEN v.remote_peer IS NULL THEN m.subject ELSE v.peer_name END AS "subject!",
                      ts_headline('simple', left(m.body_text, 20000), to_tsquery('simple', $3),
                          'StartSel="", StopSel="", MaxWords=30, MinWords=12, MaxFragments=1') AS "snippet!"
               FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS found (account_id, id, n)
               JOIN messages m USING (account_id, id)
               JOIN conversations v ON v.account_id = m.account_id AND v.id = m.conversation_id
               ORDER BY found.n"#,
            &accounts,
            &messages,
            words
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| Hit {
                account: AccountId(row.account_id),
                message: MessageId(row.id),
                conversation: ConversationId(row.conversation_id),
                subject: row.subject,
                snippet: row.snippet.split_whitespace().collect::<Vec<_>>().join(" "),
                received_at: row.received_at,
            })
            .collect())
    }
}

/// Makes a tsquery in which every word is a prefix: `договір орен` becomes `'договір':* & 'орен':*`.
fn prefix_query(text: &str) -> Option<String> {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(16)
        .map(|word| format!("'{}':*", word.chars().take(100).collect::<String>().to_lowercase()))
        .collect();
    (!words.is_empty()).then(|| words.join(" & "))
}

fn escape_like(text: &str) -> String {
    text.chars().take(200).filter(|c| *c != '\0').fold(String::new(), |mut escaped, c| {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_a_query_is_a_prefix() {
        assert_eq!(prefix_query("Договір орен").as_deref(), Some("'договір':* & 'орен':*"));
        assert_eq!(prefix_query("2026/11-084").as_deref(), Some("'2026':* & '11':* & '084':*"));
    }

    #[test]
    fn what_parts_a_text_parts_a_query() {
        assert!(BETWEEN_WORDS.chars().all(|c| !c.is_alphanumeric()));
        let ascii = (' '..='~').filter(|c| *c != ' ' && !c.is_alphanumeric());
        assert!(ascii.into_iter().all(|c| BETWEEN_WORDS.contains(c)));
    }

    #[test]
    fn a_query_cannot_break_out_of_its_words() {
        assert_eq!(prefix_query("'; | ! & <-> ()").as_deref(), None);
        assert_eq!(prefix_query("a'b\\c").as_deref(), Some("'a':* & 'b':* & 'c':*"));
        assert_eq!(escape_like("50%_\\"), "50\\%\\_\\\\");
    }
}
