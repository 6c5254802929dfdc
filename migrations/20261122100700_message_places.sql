-- Where each message stands on the other side: the remote key. A mail that a server renumbers or that stands in two
-- folders has several places and stays one message.
CREATE TABLE message_places (
    account_id uuid NOT NULL,
    mailbox text NOT NULL,
    epoch bigint NOT NULL CHECK (epoch BETWEEN 0 AND 4294967295),
    number bigint NOT NULL CHECK (number BETWEEN 0 AND 4294967295),
    message_id uuid NOT NULL,
    -- The server's own marks as last seen there; reading here does not change them.
    seen boolean NOT NULL DEFAULT false,
    answered boolean NOT NULL DEFAULT false,
    gone_at timestamptz,
    PRIMARY KEY (account_id, mailbox, epoch, number),
    FOREIGN KEY (account_id, message_id) REFERENCES messages (account_id, id) ON DELETE CASCADE
);
CREATE INDEX message_places_of_message ON message_places (account_id, message_id);
