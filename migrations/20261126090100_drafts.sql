-- What somebody writes and has not sent: one for each conversation, and any number of new ones.
CREATE TABLE drafts (
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    conversation_id uuid,
    -- As the window writes it: JSON that nobody else reads, and that may hold what a jsonb cannot.
    content text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, conversation_id) REFERENCES conversations (account_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX drafts_of_conversation ON drafts (account_id, conversation_id) WHERE conversation_id IS NOT NULL;
