-- What a program asks of the one that listens to an account and alone talks to its server.
CREATE TABLE requests (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    asked jsonb NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The lease of the program that took it.
    taken_by bigint,
    -- Null until there is one; who asked removes the row with it.
    answer jsonb
);
CREATE INDEX requests_waiting ON requests (account_id, asked_at) WHERE answer IS NULL;
