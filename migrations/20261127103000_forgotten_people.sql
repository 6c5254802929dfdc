-- People whose data was removed because they asked for it. What tells that something was theirs is kept as a hash, so that
-- nothing of it comes back when a server lists it again, and none of these rows says who they were.
ALTER TABLE bureau
    -- Goes into every such hash; this installation's own.
    ADD COLUMN salt bytea NOT NULL DEFAULT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

CREATE TABLE forgotten_people (
    id uuid PRIMARY KEY,
    -- What their servers received before this moment stays away; what comes later is as from somebody new.
    forgotten_at timestamptz NOT NULL,
    -- Who it is, as long as the removal is under way: after a kill somebody else goes on with it. Null from its end on.
    handles jsonb,
    finished_at timestamptz,
    CHECK ((handles IS NULL) = (finished_at IS NOT NULL))
);
CREATE INDEX forgotten_people_open ON forgotten_people (forgotten_at) WHERE finished_at IS NULL;

-- Addresses, numbers, usernames and ids: SHA-256 of the salt and KIND:VALUE.
CREATE TABLE forgotten_handles (
    key bytea PRIMARY KEY CHECK (length(key) = 32),
    person uuid NOT NULL REFERENCES forgotten_people (id) ON DELETE CASCADE
);

-- Where something of theirs stood on a server: the folder or chat as SHA-256 of the salt and mailbox:NAME.
CREATE TABLE forgotten_places (
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    mailbox bytea NOT NULL CHECK (length(mailbox) = 32),
    epoch bigint NOT NULL CHECK (epoch BETWEEN 0 AND 4294967295),
    number bigint NOT NULL CHECK (number BETWEEN 0 AND 4294967295),
    PRIMARY KEY (account_id, mailbox, epoch, number)
);

-- Mails, wherever they turn up: SHA-256 of the salt and id:MESSAGE-ID, or content:SHA-256 of the bytes in hex.
CREATE TABLE forgotten_mails (
    key bytea PRIMARY KEY CHECK (length(key) = 32)
);

ALTER TABLE messages
    -- What somebody wrote among others and asked to be removed: the place is kept, and nothing of what it said.
    ADD COLUMN removed_at timestamptz;
