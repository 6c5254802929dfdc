-- Stretches in which nothing was heard of an account: the program was off, or the network or the server was away.
CREATE TABLE outages (
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    began_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    -- Somebody has been told of it.
    seen boolean NOT NULL DEFAULT false,
    PRIMARY KEY (account_id, began_at),
    CHECK (ended_at > began_at)
);
