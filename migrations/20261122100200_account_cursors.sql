-- How far each folder or update box has been read. Written in the transaction of the messages it covers.
CREATE TABLE account_cursors (
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    mailbox text NOT NULL,
    state jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (account_id, mailbox)
);
