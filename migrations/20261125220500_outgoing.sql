-- Texts on their way out. `random_id` is stored before the first try, so that a lost answer never sends twice.
CREATE TABLE outgoing (
    account_id uuid NOT NULL,
    id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    body_text text NOT NULL CHECK (body_text <> ''),
    entities jsonb NOT NULL DEFAULT '[]',
    reply_to bigint,
    random_id bigint NOT NULL,
    -- `sending`: a try has begun and its end was not seen; the next one is with the same `random_id`.
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'sent', 'failed', 'uncertain')),
    tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
    not_before timestamptz,
    error jsonb,
    -- Where the message stands once it is sent; the message itself comes from the listener.
    mailbox text,
    number bigint,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    sent_at timestamptz,
    PRIMARY KEY (account_id, id),
    UNIQUE (account_id, random_id),
    FOREIGN KEY (account_id, conversation_id) REFERENCES conversations (account_id, id) ON DELETE CASCADE,
    CHECK ((state = 'sent') = (number IS NOT NULL))
);
CREATE INDEX outgoing_unsent ON outgoing (account_id, created_at, id) WHERE state IN ('waiting', 'sending', 'uncertain');
CREATE INDEX outgoing_of_conversation ON outgoing (account_id, conversation_id, created_at);
