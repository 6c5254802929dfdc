-- Threads of mails and chats. The summary is kept in the transaction of the messages, never computed on read.
CREATE TABLE conversations (
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    contact_id uuid REFERENCES contacts (id) ON DELETE SET NULL,
    peer_name text NOT NULL DEFAULT '',
    peer_address text NOT NULL DEFAULT '',
    subject text NOT NULL DEFAULT '',
    -- The subject without reply marks, in lower case; the last resort of threading.
    subject_key text NOT NULL DEFAULT '',
    snippet text NOT NULL DEFAULT '',
    last_message_id uuid NOT NULL,
    last_at timestamptz NOT NULL,
    last_direction text NOT NULL CHECK (last_direction IN ('in', 'out')),
    last_unreadable boolean NOT NULL DEFAULT false,
    message_count integer NOT NULL DEFAULT 0 CHECK (message_count >= 0),
    unread_count integer NOT NULL DEFAULT 0 CHECK (unread_count >= 0),
    file_count integer NOT NULL DEFAULT 0 CHECK (file_count >= 0),
    -- A later mail showed that two threads are one: this one lives on in another.
    merged_into uuid,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (account_id, id)
);
CREATE INDEX conversations_recent ON conversations (last_at DESC, account_id DESC, id DESC) WHERE merged_into IS NULL;
CREATE INDEX conversations_recent_of_account ON conversations (account_id, last_at DESC, id DESC) WHERE merged_into IS NULL;
CREATE INDEX conversations_unread ON conversations (last_at DESC, account_id DESC, id DESC) WHERE merged_into IS NULL AND unread_count > 0;
CREATE INDEX conversations_waiting ON conversations (last_at DESC, account_id DESC, id DESC) WHERE merged_into IS NULL AND last_direction = 'in';
CREATE INDEX conversations_by_subject ON conversations (account_id, subject_key, contact_id) WHERE merged_into IS NULL AND subject_key <> '';
