-- A chat is a conversation that its network names: a peer, or one topic of a forum.
ALTER TABLE conversations
    ADD COLUMN remote_peer text CHECK (remote_peer <> ''),
    ADD COLUMN chat_kind text CHECK (chat_kind IN ('private', 'bot', 'group', 'supergroup', 'topic', 'broadcast')),
    -- Up to which message the server says this account has read, and the other side has.
    ADD COLUMN read_inbox bigint NOT NULL DEFAULT 0 CHECK (read_inbox >= 0),
    ADD COLUMN read_outbox bigint NOT NULL DEFAULT 0 CHECK (read_outbox >= 0),
    -- Up to which message a person has read here; beyond `read_inbox`, the server has not been told yet.
    ADD COLUMN read_here bigint NOT NULL DEFAULT 0 CHECK (read_here >= 0),
    -- Of the latest message: who wrote it where several do, and what it is where it is not text.
    ADD COLUMN last_author text NOT NULL DEFAULT '',
    ADD COLUMN last_media text;
CREATE UNIQUE INDEX conversations_by_peer ON conversations (account_id, remote_peer) WHERE remote_peer IS NOT NULL;
CREATE INDEX conversations_read_here ON conversations (account_id) WHERE read_here > read_inbox;

ALTER TABLE messages DROP CONSTRAINT messages_kind_check;
ALTER TABLE messages ADD CONSTRAINT messages_kind_check CHECK (kind IN ('mail', 'chat', 'service', 'unreadable'));

-- What a chat message has beside a mail. An album's items are messages of their own, shown as one.
CREATE TABLE chat_messages (
    account_id uuid NOT NULL,
    message_id uuid NOT NULL,
    author_peer text,
    author_username text,
    -- An array of {"offset", "length", "kind", …}, in UTF-16 units.
    entities jsonb NOT NULL DEFAULT '[]',
    -- A location, contact, poll or link preview; a file is an attachment.
    media jsonb,
    reply_to bigint,
    forward jsonb,
    album bigint,
    service jsonb,
    -- Of text, entities and media: tells a new version from the same one again.
    content_sha256 bytea NOT NULL CHECK (length(content_sha256) = 32),
    PRIMARY KEY (account_id, message_id),
    FOREIGN KEY (account_id, message_id) REFERENCES messages (account_id, id) ON DELETE CASCADE
);
CREATE INDEX chat_messages_of_album ON chat_messages (account_id, album) WHERE album IS NOT NULL;

-- Deletions in private chats and basic groups name numbers alone. Epoch 0 is no UIDVALIDITY.
CREATE INDEX message_places_by_number ON message_places (account_id, number) WHERE epoch = 0;
