-- What each folder held on its server when that was last compared with what is stored.
CREATE TABLE completeness (
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    mailbox text NOT NULL,
    epoch bigint NOT NULL CHECK (epoch BETWEEN 0 AND 4294967295),
    -- What a person calls the folder.
    name text NOT NULL,
    checked_at timestamptz NOT NULL,
    held bigint NOT NULL CHECK (held >= 0),
    missing bigint NOT NULL CHECK (missing BETWEEN 0 AND held),
    -- The newest of what is missing, a limited number.
    missing_numbers bigint[] NOT NULL,
    PRIMARY KEY (account_id, mailbox)
);
