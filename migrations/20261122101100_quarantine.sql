-- What could not be read, why, and how often it was tried. The raw bytes stand with the message.
CREATE TABLE quarantine (
    account_id uuid NOT NULL,
    message_id uuid NOT NULL,
    reason text NOT NULL,
    tries integer NOT NULL DEFAULT 1 CHECK (tries > 0),
    last_tried_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (account_id, message_id),
    FOREIGN KEY (account_id, message_id) REFERENCES messages (account_id, id) ON DELETE CASCADE
);
