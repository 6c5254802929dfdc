-- People and companies, and the addresses, numbers and ids that are theirs.
CREATE TABLE contacts (
    id uuid PRIMARY KEY,
    name text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE contact_handles (
    kind text NOT NULL CHECK (kind IN ('email', 'phone', 'telegram_id', 'telegram_username')),
    -- In one spelling: an address in lower case, a phone in E.164.
    value text NOT NULL CHECK (value <> ''),
    contact_id uuid NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    -- Whether pictures from the internet are always shown in this sender's mails.
    show_remote boolean NOT NULL DEFAULT false,
    PRIMARY KEY (kind, value)
);
CREATE INDEX contact_handles_contact ON contact_handles (contact_id);
