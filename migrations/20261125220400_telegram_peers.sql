-- Whom an account knows: access hashes belong to the account and open nothing for another.
CREATE TABLE telegram_peers (
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    peer text NOT NULL CHECK (peer ~ '^(user|group|channel):[0-9]+$'),
    access_hash bigint,
    name text NOT NULL DEFAULT '',
    username text,
    phone text,
    -- The connector's own words.
    details jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (account_id, peer)
);
