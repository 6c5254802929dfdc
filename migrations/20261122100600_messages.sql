-- Every message, once. Deleting on the server marks it here; nothing removes it but its account's owner.
CREATE TABLE messages (
    account_id uuid NOT NULL,
    id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('mail', 'unreadable')),
    direction text NOT NULL CHECK (direction IN ('in', 'out')),
    author_name text NOT NULL DEFAULT '',
    author_address text NOT NULL DEFAULT '',
    -- Each an array of {"name", "address"}.
    recipients_to jsonb NOT NULL DEFAULT '[]',
    recipients_cc jsonb NOT NULL DEFAULT '[]',
    recipients_reply_to jsonb NOT NULL DEFAULT '[]',
    subject text NOT NULL DEFAULT '',
    body_text text NOT NULL DEFAULT '',
    has_html boolean NOT NULL DEFAULT false,
    rfc_message_id text,
    -- The sender's own date and its offset from UTC in minutes; senders' clocks lie, so nothing sorts by it.
    sent_at timestamptz,
    sent_offset smallint CHECK (sent_offset BETWEEN -1440 AND 1440),
    -- When the server received it: the order of a conversation.
    received_at timestamptz NOT NULL,
    -- When it reached a computer of the bureau.
    arrived_at timestamptz NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen boolean NOT NULL DEFAULT false,
    answered boolean NOT NULL DEFAULT false,
    file_count integer NOT NULL DEFAULT 0,
    size bigint NOT NULL CHECK (size >= 0),
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    edited_at timestamptz,
    deleted_at timestamptz,
    PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, conversation_id) REFERENCES conversations (account_id, id) ON DELETE CASCADE
);
CREATE INDEX messages_of_conversation ON messages (account_id, conversation_id, received_at DESC, id DESC);
CREATE INDEX messages_by_content ON messages (account_id, sha256);
