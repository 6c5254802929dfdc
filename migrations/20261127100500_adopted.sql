-- What came over from the web CRM that Skrynka takes the place of: which of its rows became what here.
CREATE TABLE adopted_sources (
    id uuid PRIMARY KEY,
    -- The address of a client's card there, with {id} where the client's key goes; empty: no link is shown.
    client_link text NOT NULL DEFAULT '',
    adopted_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE adopted_rows (
    source uuid NOT NULL REFERENCES adopted_sources (id) ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('telegram_account', 'mailbox', 'conversation', 'client', 'note')),
    -- As text, whatever its type was there.
    old_id text NOT NULL,
    account_id uuid,
    our_id uuid NOT NULL,
    PRIMARY KEY (source, kind, old_id)
);
CREATE INDEX adopted_rows_of_ours ON adopted_rows (kind, our_id);

-- Which conversation stands for somebody of whom the old system knew an address, a number or a name.
CREATE TABLE adopted_conversations (
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    -- mail:ADDRESS in lower case, phone:+DIGITS, name:USERNAME in lower case, or what else the old system wrote.
    key text NOT NULL,
    conversation_id uuid NOT NULL,
    PRIMARY KEY (account_id, key)
);

-- Messages. Until the account's server tells of it, one is as the old system had it, and holds what it is known by.
-- A row stays when its message is deleted, so that it does not come over again.
CREATE TABLE adopted_messages (
    source uuid NOT NULL REFERENCES adopted_sources (id) ON DELETE CASCADE,
    old_id text NOT NULL,
    account_id uuid NOT NULL,
    message_id uuid NOT NULL,
    waits boolean NOT NULL,
    -- The old system did not keep whose it is: it may turn out to be another account's of the same network.
    guessed boolean NOT NULL,
    -- What the old system said became of it: sent, read, queued, failed, or a word of its own.
    status text NOT NULL,
    -- Files that it named and that were not to be found.
    missing_files text[] NOT NULL DEFAULT '{}',
    rfc_message_id text,
    -- The chat, or as in `adopted_conversations.key`.
    peer text NOT NULL,
    outgoing boolean NOT NULL,
    at timestamptz NOT NULL,
    -- Of its letters and digits; null where it had no text of its own.
    text_key bigint,
    -- A file, or anything else that is no text.
    has_media boolean NOT NULL,
    file_size bigint,
    PRIMARY KEY (source, old_id)
);
CREATE INDEX adopted_messages_of_ours ON adopted_messages (account_id, message_id);
CREATE INDEX adopted_messages_by_id ON adopted_messages (account_id, rfc_message_id) WHERE waits AND rfc_message_id IS NOT NULL;
CREATE INDEX adopted_messages_by_peer ON adopted_messages (account_id, peer, at) WHERE waits;
CREATE INDEX adopted_messages_guessed_by_id ON adopted_messages (rfc_message_id) WHERE waits AND guessed AND rfc_message_id IS NOT NULL;
CREATE INDEX adopted_messages_guessed_by_peer ON adopted_messages (peer, at) WHERE waits AND guessed;

-- What somebody wrote about a conversation for colleagues.
CREATE TABLE adopted_notes (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    conversation_id uuid NOT NULL,
    author text NOT NULL,
    body_text text NOT NULL,
    written_at timestamptz NOT NULL
);
CREATE INDEX adopted_notes_of_conversation ON adopted_notes (account_id, conversation_id, written_at);

-- An account that came over signs in before anything is known of its user; its API ID may have been lost.
ALTER TABLE telegram_accounts ALTER COLUMN api_id DROP NOT NULL;
