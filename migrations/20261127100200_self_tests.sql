-- A message that somebody sends to themselves to see the whole road work. The row outlives what it tells of for a moment,
-- so that what arrives late is known and taken away as well.
CREATE TABLE self_tests (
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    -- Its key among what goes out; the mark in the message is made of it.
    id uuid NOT NULL,
    -- The run that follows it: what a dead one left is swept.
    run uuid NOT NULL,
    run_home text NOT NULL,
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When the listener had it, and when it was stored.
    seen_at timestamptz,
    stored_at timestamptz,
    -- When its rows were taken away; what comes from here on is not stored.
    ended_at timestamptz,
    -- When its server was last swept.
    swept_at timestamptz,
    PRIMARY KEY (account_id, id)
);
