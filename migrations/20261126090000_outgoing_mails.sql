-- Mails go out by the road of texts: one table of intents for both networks, what a mail has beside a text in its own.
ALTER TABLE outgoing
    DROP CONSTRAINT outgoing_body_text_check,
    DROP CONSTRAINT outgoing_check,
    -- A mail to somebody new has no conversation until it is sent.
    ALTER COLUMN conversation_id DROP NOT NULL,
    -- A person's wish: not before then, and until then it can be taken back.
    ADD COLUMN send_at timestamptz,
    ADD CHECK (number IS NULL OR state = 'sent');

CREATE TABLE outgoing_mails (
    account_id uuid NOT NULL,
    outgoing_id uuid NOT NULL,
    -- Without angle brackets; stored before the first try and never changed.
    rfc_message_id text NOT NULL,
    -- Its place until a copy in a folder of the server is known: no two mails of a bureau share it.
    number bigint GENERATED ALWAYS AS IDENTITY,
    author_name text NOT NULL DEFAULT '',
    author_address text NOT NULL,
    subject text NOT NULL DEFAULT '',
    -- Each an array of {"name", "address"}.
    recipients_to jsonb NOT NULL DEFAULT '[]',
    recipients_cc jsonb NOT NULL DEFAULT '[]',
    recipients_bcc jsonb NOT NULL DEFAULT '[]',
    body_html text,
    -- Message-IDs of what it answers, oldest first; the last is In-Reply-To.
    refs text[] NOT NULL DEFAULT '{}',
    -- What the server said of each address, and which were in the transaction whose end was not seen.
    outcomes jsonb NOT NULL DEFAULT '{}',
    -- When it was first tried: its Date, and the start of the time in which it is tried again.
    dated_at timestamptz,
    -- Since when nobody knows whether it was sent: it is looked for in the Sent folder for a while.
    uncertain_since timestamptz,
    -- A person says that it was sent.
    confirmed boolean NOT NULL DEFAULT false,
    -- Its copy in the server's Sent folder: to be kept, there, kept by the provider itself, or not possible.
    copy text NOT NULL DEFAULT 'wanted' CHECK (copy IN ('wanted', 'kept', 'provider', 'failed')),
    copy_tries integer NOT NULL DEFAULT 0 CHECK (copy_tries >= 0),
    copy_not_before timestamptz,
    PRIMARY KEY (account_id, outgoing_id),
    UNIQUE (account_id, rfc_message_id),
    FOREIGN KEY (account_id, outgoing_id) REFERENCES outgoing (account_id, id) ON DELETE CASCADE
);

-- What goes out with a text or a mail. The bytes are a blob from the moment on at which somebody chose the file.
CREATE TABLE outgoing_files (
    account_id uuid NOT NULL,
    outgoing_id uuid NOT NULL,
    position smallint NOT NULL CHECK (position >= 0),
    name text NOT NULL,
    mime text NOT NULL,
    sha256 bytea NOT NULL,
    -- Shown within the HTML body under this Content-ID.
    content_id text,
    PRIMARY KEY (account_id, outgoing_id, position),
    FOREIGN KEY (account_id, outgoing_id) REFERENCES outgoing (account_id, id) ON DELETE CASCADE,
    FOREIGN KEY (account_id, sha256) REFERENCES blobs (account_id, sha256)
);
CREATE INDEX outgoing_files_by_content ON outgoing_files (account_id, sha256);

-- A copy of a mail of ours is known by its Message-ID, whatever a server has written into it.
CREATE INDEX messages_sent_by_id ON messages (account_id, rfc_message_id) WHERE direction = 'out' AND rfc_message_id IS NOT NULL;

ALTER TABLE email_accounts
    -- The name that customers see; empty: the account's own.
    ADD COLUMN sender_name text NOT NULL DEFAULT '';
ALTER TABLE accounts
    -- Put under new mails.
    ADD COLUMN signature text NOT NULL DEFAULT '' CHECK (length(signature) <= 10000);

-- Whose file it was that is attached to an answer.
CREATE INDEX attachments_by_content ON attachments (account_id, sha256) WHERE sha256 IS NOT NULL;

-- What is looked through again and again is little, whatever was sent before.
CREATE INDEX outgoing_mails_without_copy ON outgoing_mails (account_id) WHERE copy = 'wanted';
CREATE INDEX outgoing_open ON outgoing (created_at, id) WHERE state <> 'sent';

-- An older program would send a text without its file, and at once what is to be sent later.
UPDATE bureau SET min_client = 4;
