-- Files. A mail's file is a part of its raw message; media of other channels are blobs, once per account by hash.
CREATE TABLE blobs (
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    size bigint NOT NULL CHECK (size >= 0),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (account_id, sha256)
);

CREATE TABLE blob_chunks (
    account_id uuid NOT NULL,
    sha256 bytea NOT NULL,
    chunk integer NOT NULL CHECK (chunk >= 0),
    bytes bytea NOT NULL CHECK (length(bytes) <= 1048576),
    PRIMARY KEY (account_id, sha256, chunk),
    FOREIGN KEY (account_id, sha256) REFERENCES blobs (account_id, sha256) ON DELETE CASCADE
);
ALTER TABLE blob_chunks ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE TABLE attachments (
    account_id uuid NOT NULL,
    id uuid NOT NULL,
    message_id uuid NOT NULL,
    -- Its place among the parts of the raw message; null for a blob.
    part integer CHECK (part >= 0),
    name text NOT NULL,
    mime text NOT NULL,
    size bigint NOT NULL CHECK (size >= 0),
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    content_id text,
    inline boolean NOT NULL DEFAULT false,
    PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, message_id) REFERENCES messages (account_id, id) ON DELETE CASCADE
);
CREATE INDEX attachments_of_message ON attachments (account_id, message_id);
