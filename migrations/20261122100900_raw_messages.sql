-- The untouched bytes of every message, in chunks of at most 1 MiB. They do not compress well enough to pay for it.
CREATE TABLE raw_messages (
    account_id uuid NOT NULL,
    message_id uuid NOT NULL,
    chunk integer NOT NULL CHECK (chunk >= 0),
    bytes bytea NOT NULL CHECK (length(bytes) <= 1048576),
    PRIMARY KEY (account_id, message_id, chunk),
    FOREIGN KEY (account_id, message_id) REFERENCES messages (account_id, id) ON DELETE CASCADE
);
ALTER TABLE raw_messages ALTER COLUMN bytes SET STORAGE EXTERNAL;
