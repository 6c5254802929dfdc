-- Which program listens to which account: one at a time. Every moment is the database's own clock.
CREATE TABLE leases (
    account_id uuid PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    -- Grows with every change of hands; who writes with an older one writes nothing.
    token bigint NOT NULL CHECK (token > 0),
    -- The program's run; null once it has let go.
    holder uuid,
    holder_name text NOT NULL,
    -- The computer and the profile, where another program can see whether this one is still alive.
    holder_home text NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The holder has stopped by then unless it renews.
    expires_at timestamptz NOT NULL,
    -- Its connections are dead by then, and somebody else may take over.
    free_at timestamptz NOT NULL,
    CHECK (free_at >= expires_at)
);

-- A program that knows no leases would listen beside the one that holds it.
UPDATE bureau SET min_client = 2;
