-- What happened, in order. Each account has its own sequence (the nil uuid stands for the bureau): the counter's row
-- lock makes a number visible only after every smaller one, and no transaction of another account holds it back.
CREATE TABLE journal_counters (
    account_id uuid PRIMARY KEY,
    last bigint NOT NULL DEFAULT 0 CHECK (last >= 0)
);

CREATE TABLE journal (
    account_id uuid NOT NULL,
    seq bigint NOT NULL CHECK (seq > 0),
    kind text NOT NULL CHECK (kind IN (
        'message_stored', 'message_marked', 'message_gone', 'conversation_changed', 'conversation_merged',
        'account_added', 'account_changed', 'account_removed', 'account_state_changed')),
    conversation_id uuid,
    message_id uuid,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (account_id, seq)
);
CREATE INDEX journal_by_age ON journal (at);

-- Writes facts and tells listeners. Must be the last statement of a transaction: it takes the counter's lock.
CREATE FUNCTION announce(account uuid, kinds text[], conversations uuid[], messages uuid[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    taken bigint := cardinality(kinds);
    final bigint;
BEGIN
    IF taken = 0 THEN
        RETURN NULL;
    END IF;
    INSERT INTO journal_counters AS c (account_id, last) VALUES (account, taken)
        ON CONFLICT (account_id) DO UPDATE SET last = c.last + taken
        RETURNING last INTO final;
    INSERT INTO journal (account_id, seq, kind, conversation_id, message_id)
        SELECT account, final - taken + fact.n, fact.kind, fact.conversation, fact.message
        FROM unnest(kinds, conversations, messages) WITH ORDINALITY AS fact (kind, conversation, message, n);
    PERFORM pg_notify('skrynka_journal', account::text);
    RETURN final;
END
$$;
