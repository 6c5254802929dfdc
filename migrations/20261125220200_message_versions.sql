-- What an edited message said before. The current version stands in `messages` alone.
CREATE TABLE message_versions (
    account_id uuid NOT NULL,
    message_id uuid NOT NULL,
    content_sha256 bytea NOT NULL CHECK (length(content_sha256) = 32),
    body_text text NOT NULL,
    entities jsonb NOT NULL,
    media jsonb,
    -- The edit that made this version; null for what was first sent.
    edited_at timestamptz,
    replaced_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (account_id, message_id, content_sha256),
    FOREIGN KEY (account_id, message_id) REFERENCES messages (account_id, id) ON DELETE CASCADE
);

CREATE TABLE reactions (
    account_id uuid NOT NULL,
    message_id uuid NOT NULL,
    position smallint NOT NULL,
    emoji text NOT NULL CHECK (emoji <> ''),
    count integer NOT NULL CHECK (count > 0),
    mine boolean NOT NULL,
    PRIMARY KEY (account_id, message_id, position),
    FOREIGN KEY (account_id, message_id) REFERENCES messages (account_id, id) ON DELETE CASCADE
);
