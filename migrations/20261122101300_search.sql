-- Full text over what was written, trigrams over short things: names, addresses, subjects, numbers, file names.
-- Both are filled right behind ingest, from the queue, so that they never slow an arrival.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE search_queue (
    account_id uuid NOT NULL,
    message_id uuid NOT NULL,
    PRIMARY KEY (account_id, message_id),
    FOREIGN KEY (account_id, message_id) REFERENCES messages (account_id, id) ON DELETE CASCADE
);

CREATE TABLE message_search (
    account_id uuid NOT NULL,
    message_id uuid NOT NULL,
    received_at timestamptz NOT NULL,
    words tsvector NOT NULL,
    short text NOT NULL,
    PRIMARY KEY (account_id, message_id),
    FOREIGN KEY (account_id, message_id) REFERENCES messages (account_id, id) ON DELETE CASCADE
);
CREATE INDEX message_search_words ON message_search USING gin (words);
CREATE INDEX message_search_short ON message_search USING gin (short gin_trgm_ops);
CREATE INDEX message_search_recent ON message_search (received_at DESC, account_id DESC, message_id DESC);
